"""What simulated customers write: sentences by band, with all that breaks a careless export."""

from __future__ import annotations

#: One tuple for each band, the good one first.
COMMENTS: tuple[tuple[str, ...], ...] = (
    (
        "Quick and friendly, as always.",
        "The adviser knew my file, asked two questions, and it was done.",
        'She said "leave it with me" and called back within the hour.',
        "The new app is a pleasure to use 👍",
        "Mortgage sorted in a week, many thanks to everyone at the branch.",
        "Très bon accueil, merci.",
        "I have told my sister to move her account here.",
        "Clear letter, clear prices, no surprises.",
        "=1+1 reasons to stay: the people; the opening hours.",
    ),
    (
        "All right, nothing special.",
        "Fine in the end, but I had to call twice.",
        "The app works; the website asks for everything again.",
        "Friendly, though the queue was long.",
        "OK for the price, I suppose.",
        "Could be faster.",
        "Different answers at the branch and on the phone.",
        "Not bad, <b>but</b> the form is far too long.",
    ),
    (
        "Waited 40 minutes, then was sent away.",
        "Nobody called back, although it was promised three times.",
        'I was told "that is not my department", again.',
        "The app logs me out in the middle of a payment.",
        "Charged a fee, complained, charged again.",
        "Three people, three different answers; still not solved.",
        "Ich habe seit März keine Antwort bekommen.",
        "<script>alert('fees')</script> is what your site feels like.",
        "The chatbot closed my case without an answer.",
        "Too expensive for what one gets, and the branch is always shut.",
    ),
)

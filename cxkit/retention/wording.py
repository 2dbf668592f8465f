"""Sentences about retention, each made from a result object and chosen by its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.results import Note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cxkit.results import Difference, Estimate
    from cxkit.retention.hazard import Hazard
    from cxkit.retention.silence import Silence
    from cxkit.retention.worth import Worth

#: The difference in retention, in percentage points, that "you would need" speaks of.
WORTH_SEEING = 10.0


def headline(effect: Difference, *, horizon: int, adjusted_for: Sequence[str] = ()) -> str:
    """Say the answer in one sentence; the interval chooses among three."""
    if effect.value is None:
        return (
            "Whether customers with a better experience stay longer cannot be told from these "
            f"data: {effect.reason}"
        )
    size = markup.quantity(abs(effect.value), effect.measured_in)
    limits = (
        f"({markup.percent_label(effect.level)} interval "
        f"{markup.interval(effect.low, effect.high, effect.measured_in)})"
    )
    other, share = "other things equal, " if adjusted_for else "", f"{horizon}-month retention"
    if effect.direction == "higher":
        return (
            f"Customers with a better experience stay longer: {other}{share} is "
            f"{size} higher among {effect.a} than among {effect.b} {limits}."
        )
    if effect.direction == "lower":
        return (
            f"Customers with a better experience leave earlier: {other}{share} is "
            f"{size} lower among {effect.a} than among {effect.b} {limits}."
        )
    signed = markup.quantity(effect.value, effect.measured_in)
    return (
        "Whether customers with a better experience stay longer cannot be told from these data: "
        f"{other}the difference in {share} between {effect.a} and {effect.b} is "
        f"{signed} {limits}."
    )


def other_things(effect: Difference, adjusted_for: Sequence[str]) -> str:
    """Say what "other things equal" holds, where shares with nothing held equal stand beside it."""
    if effect.value is None or not adjusted_for:
        return ""
    return (
        f"The {markup.quantity(effect.value, effect.measured_in)} of the answer hold "
        f"{_list([held(c) for c in adjusted_for])} equal, so they are not the difference of these "
        "shares."
    )


def retained(estimates: Mapping[str, Estimate], *, horizon: int, gap: int) -> str:
    """Say each band's retention with its interval and n."""
    known = {band: e for band, e in estimates.items() if e.value is not None}
    parts = [
        f"{markup.quantity(e.value, '%')} of {band} "
        f"({markup.interval(e.low, e.high, '%')}, n = {e.n:,})"
        for band, e in known.items()
    ]
    said = (
        f"Of the customers still there {gap} days after their answer, {_list(parts)} are kept "
        f"{horizon} months later ({markup.percent_label(next(iter(known.values())).level)} "
        "Kaplan–Meier intervals, nothing held equal)."
        if known
        else f"Retention {horizon} months after the landmark is not known for any band."
    )
    unknown = [
        f" For {band} it is not known: {e.reason}" for band, e in estimates.items() if not e.ok
    ]
    return said + "".join(unknown)


def hazard_ratio(
    ratio: Estimate | None, effect: Difference, *, adjusted_for: Sequence[str]
) -> Note:
    """Say the hazard ratio of the two bands of the effect; three ways, by the interval."""
    high, low = effect.a, effect.b
    if ratio is None or ratio.value is None:
        return Note(paragraphs=(f"No hazard ratio is given: {effect.reason}",))
    names = [held(c) for c in adjusted_for]
    equal = f"with {_list(names)} held equal" if names else "with nothing held equal"
    limits = (
        f"{markup.quantity(ratio.value, 'ratio')} ({markup.percent_label(ratio.level)} interval "
        f"{markup.interval(ratio.low, ratio.high, 'ratio')}, n = {ratio.n:,})"
    )
    if ratio.high is not None and ratio.high < 1:
        said = f"{high} leave less often than {low}"
    elif ratio.low is not None and ratio.low > 1:
        said = f"{high} leave more often than {low}"
    else:
        said = f"{high} and {low} cannot be told apart"
    return Note(paragraphs=(f"Month by month {said}: hazard ratio {limits}, {equal}.",))


def held(column: str) -> str:
    """Return the name of what is held equal as a reader says it."""
    return column.removeprefix("held: ").removesuffix("_band").replace("_", " ")


def biased(naive: Estimate | None, honest: Estimate | None) -> Note:
    """Say what the usual comparison would have claimed."""
    if naive is None or naive.value is None:
        why = f": {naive.reason}" if naive is not None else "."
        return Note(paragraphs=(f"The usual comparison gives no ratio here{why}",))
    used = (
        f" The ratio used in this report is {markup.quantity(honest.value, 'ratio')}."
        if honest is not None
        else ""
    )
    return Note(
        paragraphs=(
            "Answered against never answered, from the day of joining, gives a hazard ratio of "
            f"{markup.quantity(naive.value, 'ratio')} and is biased: customers must stay to be "
            f"asked.{used}",
        )
    )


def worth_in_short(worth: Worth) -> str:
    """Say what the customers below the cut would be worth, served as those just above."""
    kept, revenue = worth.kept, worth.revenue
    if kept.value is None or kept.low is None or kept.low <= 0:
        return ""
    said = (
        f"Had the {worth.n_below:,} {worth.below} been served as {worth.above} are, "
        f"{markup.number(kept.value, 0)} more of them "
        f"({markup.interval(kept.low, kept.high, 'count')}) would still be customers"
    )
    if revenue.value is None or revenue.low is None or revenue.high is None:
        return f"{said}."
    return (
        f"{said}, worth {markup.number(revenue.value, 0)} {revenue.measured_in} "
        f"({markup.number(revenue.low, 0)} to {markup.number(revenue.high, 0)})."
    )


def needed(per_band: int, *, difference: float, horizon: int) -> str:
    """Say how many customers a difference of a given size would take."""
    size = markup.quantity(difference, "percentage points")
    return (
        f"You would need about {per_band:,} customers in each of the two bands, followed for "
        f"{horizon} months, to see a difference of {size} with 80 % power."
    )


def snapshot_headline(effect: Difference, *, window: str) -> str:
    """Say the difference in churn of a fixed window; three ways, by the interval."""
    if effect.value is None:
        return (
            "Whether customers with a worse experience leave more often cannot be told from these "
            f"data: {effect.reason}"
        )
    size = markup.quantity(abs(effect.value), effect.measured_in)
    limits = (
        f"({markup.percent_label(effect.level)} interval "
        f"{markup.interval(effect.low, effect.high, effect.measured_in)}, "
        f"n = {effect.n_a:,} and {effect.n_b:,})"
    )
    if effect.direction == "higher":
        return (
            f"Customers with a worse experience leave more often: churn in {window} is {size} "
            f"higher with '{effect.a}' than without {limits}."
        )
    if effect.direction == "lower":
        return (
            f"Customers with a worse experience leave less often: churn in {window} is {size} "
            f"lower with '{effect.a}' than without {limits}."
        )
    signed = markup.quantity(effect.value, effect.measured_in)
    return (
        "Whether customers with a worse experience leave more often cannot be told from these "
        f"data: the difference in churn in {window} with and without '{effect.a}' is {signed} "
        f"{limits}."
    )


def snapshot_sure(effect: Difference, *, left: str, window: str) -> str:
    """Say how sure, from the customers compared, those left out, and the family."""
    out = (
        f" {effect.n_missing:,} more are left out, since their experience or churn is not known."
        if effect.n_missing
        else ""
    )
    after = (
        f" After Holm's adjustment for {effect.family} comparisons p is "
        f"{markup.p_value(effect.p_adjusted)}."
        if effect.family > 1
        else ""
    )
    return (
        f"{effect.n_a + effect.n_b:,} customers are compared, of whom {left} left in {window}; "
        f"difference by {effect.method}.{out}{after}{_against_family(effect)}"
    )


def _list(words: Sequence[str]) -> str:
    """Join words: a, b and c."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def how_sure(effect: Difference, exits: str, n: str, horizon: int, model: Hazard | None) -> str:
    """Say how sure, from the interval, the exits behind it and the family."""
    people = str(n).capitalize()
    base = f"{people} customers are followed, of whom {exits} left within {horizon} months."
    if not effect.ok or model is None:
        return f"{base} No interval is given: {effect.reason}"
    after = (
        f" After Holm's adjustment for {effect.family} comparisons p is "
        f"{markup.p_value(effect.p_adjusted)}."
        if effect.family > 1
        else f" p is {markup.p_value(effect.p)}."
    )
    strength = {
        "higher": "The whole interval lies above zero.",
        "lower": "The whole interval lies below zero.",
        "cannot be told": "The interval holds zero: a difference either way is compatible with "
        "these data.",
    }[effect.direction]
    return f"{base} {strength}{after}{_against_family(effect)}"


def _against_family(effect: Difference) -> str:
    """Say when the interval by itself claims what the whole family of comparisons does not."""
    alpha = 1 - effect.level
    if effect.direction == "cannot be told" or (effect.p_adjusted or 0.0) < alpha:
        return ""
    return (
        " Among so many comparisons a difference like this can arise by chance: the interval speaks"
        " of this one alone."
    )


def doubt(silent: Silence) -> str:
    """Say the strongest doubt: silence where it is large, else causes not measured."""
    causes = (
        "Experience was not assigned by chance: whatever makes customers both happier and more "
        "loyal, and is not among what was held equal, would show as an effect."
    )
    return f"{silent.doubt} {causes}".strip()


def conclusion(effect: Difference, model: Hazard | None, gap: int, per_band: int) -> Note:
    """Say the doubts, the rival explanations and what would settle them."""
    rival = {
        "higher": "A rival explanation is that loyal customers rate more kindly: then the score "
        "follows loyalty, and a better experience would change nothing.",
        "lower": "A rival explanation is that demanding customers of much-used services both score "
        "and shop around more: then the score marks a kind of customer.",
        "cannot be told": "With an interval that holds zero, neither an effect nor its absence is "
        "shown.",
    }[effect.direction]
    if not effect.ok:
        rival = "No difference was estimated, so neither an effect nor its absence is shown."
    names = [held(c) for c in model.adjusted_for] if model is not None else []
    equal = (
        f"Held equal {'was' if len(names) == 1 else 'were'} {_list(names)}; anything else is not."
        if names
        else "Nothing was held equal between the bands."
    )
    clock = (
        f"The clock starts {gap} days after the answer, so scores given while leaving weigh less; "
        "a longer gap would guard more and use fewer customers."
        if gap
        else "The clock starts on the day of the answer, so scores given while leaving count in "
        "full: part of the difference is then an effect of leaving. A gap would guard against it."
    )
    return Note(
        paragraphs=(
            f"{rival} {equal}",
            clock,
            "What would settle it: an improvement given to some branches by lot and not to others, "
            "with leaving followed in both; or scores of the same customers before and after a "
            f"change they did not choose. {_capacity(effect, per_band)}",
        )
    )


def _capacity(effect: Difference, per_band: int) -> str:
    """Say what the present number of customers could have seen."""
    if effect.se is None:
        worth = markup.quantity(WORTH_SEEING, "percentage points")
        return f"About {per_band:,} customers in each band would show a difference of {worth}."
    smallest = markup.quantity(2.8 * effect.se, "percentage points")
    return f"The present data could have shown a difference of {smallest} with 80 % power."

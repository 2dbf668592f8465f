"""Sentences about retention, each made from a result object and chosen by its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.disclosure import leavers
from cxkit.results import Note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from cxkit.results import Difference, Estimate
    from cxkit.retention.hazard import Hazard
    from cxkit.retention.silence import Silence
    from cxkit.retention.worth import Worth

#: How sure the interval is.
STRENGTH = {
    "higher": "The whole interval lies above zero.",
    "lower": "The whole interval lies below zero.",
    "cannot be told": "The interval holds zero: a difference either way is compatible with these "
    "data.",
}

#: Standard errors that a true difference must have to be seen by a two-sided 5 % test in 80 of 100
#: studies: 1.96 + 0.84.
SEEN = 2.8

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
        f"Of the customers still there {markup.counted(gap, 'day')} after their answer, "
        f"{_list(parts)} are kept {markup.counted(horizon, 'month')} later "
        f"({markup.percent_label(next(iter(known.values())).level)} Kaplan–Meier intervals, "
        "nothing held equal)."
        if known
        else f"Retention {markup.counted(horizon, 'month')} after the landmark is not told of any "
        "band."
    )
    unknown = [
        f" Of {band} it is not told: {e.reason}" for band, e in estimates.items() if not e.ok
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


def worth_in_short(worth: Worth, effect: Difference) -> str:
    """Say what customers below the cut would be worth, served as those just above; three ways.

    Nothing is said where it would contradict the headline, which speaks of other bands.
    """
    kept, revenue = worth.kept, worth.revenue
    if kept.value is None or kept.low is None or kept.high is None:
        return ""
    who = f"the {worth.n_below:,} {worth.below}"
    moved = f"Had {who} been served as {worth.above} are"
    label = f"{markup.percent_label(kept.level)} interval"
    limits = markup.interval(kept.low, kept.high, "count")
    if kept.low <= 0 <= kept.high:
        return (
            f"Whether more of {who} would still be customers, had they been served as "
            f"{worth.above} are, cannot be told: a change of {markup.number(kept.value, 0)} "
            f"({label} {limits}), so nothing is shown to be gained."
        )
    if effect.direction != ("higher" if kept.low > 0 else "lower"):
        return ""
    size = markup.number(abs(kept.value), 0)
    if kept.high < 0:
        return (
            f"{moved}, {size} fewer of them ({label} of the change {limits}) would still be "
            "customers: a better score is not shown to pay."
        )
    said = f"{moved}, {size} more of them ({label} {limits}) would still be customers"
    if revenue.value is None or revenue.low is None or revenue.high is None:
        return f"{said}."
    return (
        f"{said}, worth {markup.number(revenue.value, 0)} {revenue.measured_in} "
        f"({markup.number(revenue.low, 0)} to {markup.number(revenue.high, 0)})."
    )


def needed(effect: Difference, per_band: int, *, difference: float, horizon: int) -> str:
    """Say what difference these data could have shown, or how many customers one would take."""
    if effect.se is not None:
        smallest = markup.quantity(SEEN * effect.se, "percentage points")
        return (
            f"These data would have shown a difference of {smallest} with 80 % power. You would "
            "need about four times as many customers to see one half as large."
        )
    size = markup.quantity(difference, "percentage points")
    return (
        f"You would need about {per_band:,} customers in each of the two bands, followed for "
        f"{markup.counted(horizon, 'month')}, to see a difference of {size} with 80 % power."
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
        f"{markup.interval(effect.low, effect.high, effect.measured_in)}, n = {effect.n_a:,} and "
        f"{effect.n_b:,})"
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


def snapshot_left(groups: pd.DataFrame, experience: str, level: float) -> str:
    """Say what share left with and without a bad experience, where it may be told."""
    parts = []
    for row, of in zip(
        groups.to_dict("records"), (f"with '{experience}' left", "without it"), strict=True
    ):
        told = row["value"] == row["value"]
        share = markup.quantity(row["value"], "%") if told else leavers(row["exits"], row["n"])
        limits = f" ({markup.interval(row['low'], row['high'], '%')})" if told else ""
        parts.append(f"{share} of the {row['n']:,} customers {of}{limits}")
    said = f"{parts[0][:1].upper()}{parts[0][1:]}, and {parts[1]}"
    return f"{said}; {markup.percent_label(level)} Wilson intervals, nothing held equal."


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
    base = f"{effect.n_a + effect.n_b:,} customers are compared, of whom {left} left in {window}"
    if not effect.ok:
        return f"{base}.{out} No interval is given: {effect.reason}"
    return (
        f"{base}; difference by {effect.method}.{out} {STRENGTH[effect.direction]}{after}"
        f"{_against_family(effect)}"
    )


def _list(words: Sequence[str]) -> str:
    """Join words: a, b and c."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def how_sure(effect: Difference, exits: str, n: str, horizon: int, model: Hazard | None) -> str:
    """Say how sure, from the interval, the exits behind it and the family."""
    people = str(n).capitalize()
    within = markup.counted(horizon, "month")
    base = f"{people} customers are followed, of whom {exits} left within {within}."
    if not effect.ok or model is None:
        return f"{base} No interval is given."
    after = (
        f" After Holm's adjustment for {effect.family} comparisons p is "
        f"{markup.p_value(effect.p_adjusted)}."
        if effect.family > 1
        else f" p is {markup.p_value(effect.p)}."
    )
    return f"{base} {STRENGTH[effect.direction]}{after}{_against_family(effect)}"


def _against_family(effect: Difference) -> str:
    """Say when the interval by itself claims what the whole family of comparisons does not."""
    alpha = 1 - effect.level
    if effect.direction == "cannot be told" or (effect.p_adjusted or 0.0) < alpha:
        return ""
    return (
        " Among so many comparisons a difference like this can arise by chance: the interval speaks"
        " of this one alone."
    )


def doubt(effect: Difference, silent: Silence) -> str:
    """Say the strongest doubt: too few leavers, silence where it is large, causes not measured."""
    if not effect.ok:
        few = "So few left, or stayed, that an effect of any size could be here unseen."
        return f"{few} {silent.doubt}".strip()
    causes = {
        "higher": "whatever makes customers both happier and more loyal, and is not among what was "
        "held equal, would show as an effect.",
        "lower": "whatever makes customers both happier and quicker to leave, and is not among "
        "what was held equal, would show as this effect.",
        "cannot be told": "whatever makes customers both happier and quicker to leave, and is not "
        "among what was held equal, would hide an effect.",
    }[effect.direction]
    return f"{silent.doubt} Experience was not assigned by chance: {causes}".strip()


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
        f"The clock starts {markup.counted(gap, 'day')} after the answer, so scores given while "
        "leaving weigh less; a longer gap would guard more and use fewer customers."
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
    smallest = markup.quantity(SEEN * effect.se, "percentage points")
    return f"The present data could have shown a difference of {smallest} with 80 % power."

"""Retention versus experience, from a study to an answer that a reviewer can trust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.compare import holm
from cxkit.metrics.proportions import share
from cxkit.results import Answer, Difference, Guard, Note, Table, guards_table
from cxkit.retention import snapshot, wording
from cxkit.retention.clock import bands_of, scores_set_aside, wind
from cxkit.retention.curves import at_risk, curves, retained
from cxkit.retention.hazard import (
    EXITS_PER_PARAMETER,
    Hazard,
    exits_within,
    fit,
    parameters_needed,
)
from cxkit.retention.naive import answered_against_never, beside, with_segments

if TYPE_CHECKING:
    from cxkit.results import Estimate
    from cxkit.retention.clock import Bands, Clock
    from cxkit.study.study import Study

QUESTION = "Do customers with a better experience stay longer?"

#: The difference in retention, in percentage points, that "you would need" speaks of.
WORTH_SEEING = 10.0


@dataclass(frozen=True, kw_only=True)
class RetentionAnswer:
    """The one result object of the retention notebook; its tables and notes are read in order.

    Attributes
    ----------
    answer : Answer
        Headline, sentences, how sure, main doubt.
    effect : Difference
        Good minus poor (dated form: retention, percentage points, adjusted) or bad minus not
        (snapshot: churn).
    groups : DataFrame
        One row per band or group: group, value, low, high, n, exits.
    curves : DataFrame or None
        Kaplan-Meier curves by band; None for a snapshot.
    at_risk : DataFrame or None
        Numbers at risk by band.
    naive : DataFrame or None
        The usual comparisons beside the honest one.
    """

    answer: Answer
    effect: Difference
    groups: pd.DataFrame
    groups_measure: str
    curves: pd.DataFrame | None
    at_risk: pd.DataFrame | None
    naive: pd.DataFrame | None
    who: Table | Note
    retained: Table
    effects: Table | Note
    beside: Table | Note
    guards: Table
    conclusion: Note
    horizon: int
    level: float


def retention_answer(
    study: Study,
    *,
    measure: str = "",
    horizon: int = 12,
    gap: int = 90,
    level: float = 0.95,
) -> RetentionAnswer:
    """Answer whether customers with a better experience stay longer.

    Parameters
    ----------
    study : Study
        With `customers`; in dated form with `responses` as well.
    measure : str
        nps, csat or ces; for a snapshot one of its experience columns. "" takes the first there is.
    horizon : int
        Months after the landmark at which retention is compared.
    gap : int
        Days between an answer and the landmark.
    level : float
        Level of all intervals.

    Returns
    -------
    RetentionAnswer

    Raises
    ------
    MissingTableError
        If the study lacks customers, or responses in dated form.
    QuestionError
        If nobody or everybody left, if the horizon lies beyond every customer's follow-up, if the
        measure is not there, or if "answered" is asked for as an answer.

    Notes
    -----
    Estimand: the mean difference in the probability of still being a customer `horizon` months
    after the landmark, if every customer at the landmark were in the good band rather than the poor
    one, with tenure and the study's segments held equal. The landmark is `gap` days after a
    customer's first usable score. Missing scores are counted, never filled.

    Examples
    --------
    >>> import cxkit as cx
    >>> result = cx.retention_answer(cx.sample_study())
    >>> result.effect.direction
    'higher'
    """
    study.need("customers", why="retention is about customers and when they left")
    if measure.replace(" ", "_") in {"answered", "ever_answered"}:
        raise QuestionError(
            "'answered' against 'never answered' is not an experience: one must stay to be asked, "
            "so the comparison is biased even when nothing has an effect.\n  It is printed as the "
            "row 'answered against never answered' beside the answer; ask with measure nps, csat "
            "or ces."
        )
    if study.contract.customers.form == "snapshot":
        return _from_snapshot(study, measure=measure, level=level)
    study.need("responses", why="a better or worse experience is read from answered surveys")
    bands = bands_of(study, _measure(study, measure))
    return _from_dates(study, bands=bands, horizon=horizon, gap=gap, level=level)


def _measure(study: Study, asked: str) -> str:
    """Return the measure to use, or refuse one that the study does not have."""
    there = [m for m in study.contract.responses.scores if m in ("nps", "csat", "ces")]
    if asked == "" and there:
        return there[0]
    if asked not in there:
        raise QuestionError(
            f"measure {asked!r} is not a score of this study.\n  Scores under responses in "
            f"study.yml: {', '.join(there) or 'none'}."
        )
    return asked


def _from_dates(
    study: Study, *, bands: Bands, horizon: int, gap: int, level: float
) -> RetentionAnswer:
    """Answer from dates: landmark, curves, hazard, and the naive rows beside them."""
    clock = wind(study, bands=bands, gap=gap)
    spells = with_segments(clock.spells, study)
    longest = spells.groupby("band", observed=True)["months"].max().min()
    if longest < horizon:
        raise QuestionError(
            f"A horizon of {horizon} months lies beyond the data: in one band nobody is followed "
            f"longer than {markup.number(longest)} months after the landmark.\n  "
            f"Ask with horizon = {int(longest)} or less, or with later data."
        )
    kept = retained(spells, horizon=horizon, level=level)
    present = list(kept)
    low, high = present[0], present[-1]
    held = ["tenure_band", *[c for c in spells if str(c).startswith("held: ")]]
    leavers = exits_within(spells, horizon)
    exits = int(leavers.sum())
    by_band = leavers.groupby(spells["band"], observed=True).sum()
    sparse = len(present) < 2 or min(by_band[low], by_band[high]) < EXITS_PER_PARAMETER / 2
    adjust = held if exits >= EXITS_PER_PARAMETER * parameters_needed(spells, held, horizon) else []
    model = None if sparse else fit(spells, horizon=horizon, adjust=adjust, level=level)
    pooled = share(~leavers, metric="kept", level=level)
    per_band = customers_needed(pooled.value or 50.0, difference=WORTH_SEEING)
    if model is None:
        contrasts = [_untold(present, by_band, kept, horizon, level)]
        ratio, naive = None, None
    else:
        contrasts = _family(model, present)
        ratio = model.ratio(high)
        naive = beside(
            study,
            clock,
            ratio,
            bands=bands,
            high=high,
            low=low,
            horizon=horizon,
            adjust=adjust,
            level=level,
        )
    effect = contrasts[0]
    immortal = answered_against_never(study, measure=bands.measure, level=level)
    guards = _guards(study, clock, bands, immortal, contrasts, adjust, held, exits, horizon, naive)
    sentences = [wording.retained(kept, horizon=horizon, gap=gap)]
    if model is not None and ratio is not None:
        names = tuple(c.removeprefix("held: ").replace("_band", "") for c in model.adjusted_for)
        sentences.append(wording.hazard_ratio(ratio, high=high, low=low, adjusted_for=names))
        sentences.append(wording.biased(immortal, ratio))
    if effect.direction == "cannot be told":
        sentences.append(wording.needed(per_band, difference=WORTH_SEEING, horizon=horizon))
    answer = Answer(
        question=QUESTION,
        headline=wording.headline(effect, horizon=horizon),
        sentences=tuple(s for s in sentences if s),
        how_sure=_how_sure(effect, exits, len(spells), horizon, model),
        doubt=_doubt(study, bands.measure, level),
        estimate=effect,
        guards=tuple(guards),
    )
    groups = pd.DataFrame(
        [
            {
                "group": band,
                "value": e.value,
                "low": e.low,
                "high": e.high,
                "n": e.n,
                "exits": int(by_band[band]),
            }
            for band, e in kept.items()
        ]
    )
    months = pd.Index(range(0, int(longest) + 1, 3))
    return RetentionAnswer(
        answer=answer,
        effect=effect,
        groups=groups,
        groups_measure=f"kept {horizon} months after the landmark",
        curves=curves(spells, level=level),
        at_risk=at_risk(spells, months=months.to_numpy()),
        naive=naive,
        who=Table.of(
            clock.steps,
            caption=f"Who is in the analysis, and who is not: {len(spells):,} customers of "
            f"{len(study.customers):,}.",
            columns=[
                ("Step", "step", "text"),
                ("Customers", "customers", "count"),
                ("What it means", "reason", "text"),
            ],
        ),
        retained=_groups_table(
            groups,
            f"Customers kept {horizon} months after the landmark, by band: Kaplan–Meier with "
            f"log–log {markup.percent_label(level)} intervals; {exits:,} customers left.",
            "Kept (%)",
            level,
        ),
        effects=_effects_table(contrasts, model, horizon, level),
        beside=_beside_table(naive, level)
        if naive is not None
        else Note(paragraphs=(f"No hazard ratio is given. {effect.reason}",)),
        guards=guards_table(guards),
        conclusion=_conclusion(effect, model, gap, per_band),
        horizon=horizon,
        level=level,
    )


def _family(model: Hazard, present: list[str]) -> list[Difference]:
    """Return all pairs of bands, the widest first, with Holm's adjustment."""
    import dataclasses

    pairs = [(a, b) for i, b in enumerate(present) for a in present[i + 1 :]]
    pairs.sort(key=lambda p: present.index(p[1]) - present.index(p[0]))
    raw = [model.effect(a, b) for a, b in pairs]
    adjusted = holm([d.p if d.p is not None else 1.0 for d in raw])["p_adjusted"]
    return [
        dataclasses.replace(d, p_adjusted=float(p), family=len(raw))
        for d, p in zip(raw, adjusted, strict=True)
    ]


def _untold(
    present: list[str],
    exits: pd.Series,
    kept: dict[str, Estimate],
    horizon: int,
    level: float,
) -> Difference:
    """Return a difference without a number: too few customers left to estimate it."""
    low, high = present[0], present[-1]
    n_low, n_high = kept[low].n, kept[high].n
    if len(present) < 2:
        reason = (
            f"all {n_low:,} customers who can be followed are {low}; there is nobody to compare."
        )
        high = "any other band"
        n_high = 0
    else:
        reason = (
            f"within {horizon} months {int(exits[low])} of {n_low:,} {low} and "
            f"{int(exits[high])} of {n_high:,} {high} left, too few for an interval to be trusted."
        )
    return Difference(
        metric=f"retention {horizon} months after the landmark",
        measured_in="percentage points",
        a=high,
        b=low,
        value=None,
        low=None,
        high=None,
        se=None,
        p=None,
        level=level,
        n_a=n_high,
        n_b=n_low,
        n_missing=0,
        method="discrete-time hazard (cloglog)",
        status="no data",
        reason=reason,
    )


def customers_needed(percent: float, *, difference: float, power: float = 0.8) -> int:
    """Return the customers each band needs to show a difference in a share, two-sided 5 %.

    >>> customers_needed(70, difference=10)
    327
    """
    import math

    from scipy.stats import norm

    p1, p2 = (percent + difference / 2) / 100, (percent - difference / 2) / 100
    p1, p2 = min(p1, 0.99), max(p2, 0.01)
    z = float(norm.isf(0.025) + norm.isf(1 - power))
    return math.ceil(z**2 * (p1 * (1 - p1) + p2 * (1 - p2)) / (p1 - p2) ** 2)


def _guards(
    study: Study,
    clock: Clock,
    bands: Bands,
    immortal: Estimate,
    contrasts: list[Difference],
    adjust: list[str],
    held: list[str],
    exits: int,
    horizon: int,
    naive: pd.DataFrame | None,
) -> list[Guard]:
    """Return every guard of this question, fired or not, with what it saw."""
    spells = clock.spells
    gone = clock.count("left within the gap")
    outside = scores_set_aside(study, bands.measure)
    late = int(spells["late"].sum())
    short = int(((spells["months"] < horizon) & ~spells["left"]).sum())
    asked = study.responses
    answered = share(asked[bands.measure].notna(), metric="answered", level=0.95)
    unadjusted = bool(held) and not adjust
    leaving = (
        f" Counting them gives a hazard ratio of {markup.quantity(naive['value'].iloc[-2], 'ratio')}"
        f" instead of {markup.quantity(naive['value'].iloc[-1], 'ratio')}."
        if naive is not None
        else ""
    )
    return [
        Guard(
            kind="immortal time",
            fired=immortal.high is not None and immortal.high < 1,
            text="Answered against never answered, from joining: hazard ratio "
            f"{markup.quantity(immortal.value, 'ratio')} "
            f"({markup.interval(immortal.low, immortal.high, 'ratio')}, n = {immortal.n:,}). "
            "Naive and biased: shown, never used.",
        ),
        Guard(
            kind="already leaving",
            fired=gone > 0,
            text=f"{gone:,} customers left within {clock.gap} days of their answer; their scores "
            f"may be an effect of leaving and are not used.{leaving}",
        ),
        Guard(
            kind="scores outside the relationship",
            fired=outside > 0,
            text=f"{outside:,} scores were given before joining, or on or after the day of "
            "leaving; they are dropped.",
        ),
        Guard(
            kind="late entry",
            fired=late > 0,
            text=f"{late:,} of {len(spells):,} customers joined before the data begin. They enter "
            "at their landmark; those who left before the data begin were never seen.",
        ),
        Guard(
            kind="horizon",
            fired=short > 0,
            text=f"{short:,} customers were not followed for the whole {horizon} months; they are "
            "censored where the data end, never counted as kept.",
        ),
        Guard(
            kind="nonresponse",
            fired=answered.value is not None and answered.value < 80,
            text=f"{markup.quantity(answered.value, '%')} of {answered.n:,} surveys sent were "
            f"answered ({markup.interval(answered.low, answered.high, '%')}); the answer holds for "
            "those who answer.",
        ),
        Guard(
            kind="multiplicity",
            fired=len(contrasts) > 1,
            text=f"{len(contrasts)} bands are compared in pairs; p is adjusted by Holm within this "
            f"family of {len(contrasts)}.",
        ),
        Guard(
            kind="sparse exits",
            fired=unadjusted or not contrasts[0].ok,
            text=f"{exits:,} customers left within {horizon} months; the adjusted model needs "
            f"{EXITS_PER_PARAMETER} for each coefficient"
            + (", so nothing is held equal." if unadjusted else "."),
        ),
    ]


def _groups_table(groups: pd.DataFrame, caption: str, header: str, level: float) -> Table:
    """Return the groups with their shares and intervals."""
    return Table.of(
        groups,
        caption=caption,
        columns=[
            ("Group", "group", "text"),
            (header, "value", "%"),
            (f"{markup.percent_label(level)} interval", "low..high", "%"),
            ("Customers", "n", "count"),
            ("Left", "exits", "count"),
        ],
    )


def _effects_table(
    contrasts: list[Difference], model: Hazard | None, horizon: int, level: float
) -> Table | Note:
    """Return the family of differences with raw and adjusted p."""
    if model is None:
        return Note(paragraphs=(f"No effect is estimated: {contrasts[0].reason}",))
    frame = pd.DataFrame([d.as_row() for d in contrasts])
    frame["pair"] = [f"{d.a} against {d.b}" for d in contrasts]
    held = ", ".join(c.removeprefix("held: ").replace("_", " ") for c in model.adjusted_for)
    frame["p"], frame["p_adjusted"] = (
        [_p_value(v) for v in frame["p"]],
        [_p_value(v) for v in frame["p_adjusted"]],
    )
    return Table.of(
        frame,
        caption=f"Difference in {horizon}-month retention (percentage points), averaged over "
        f"{model.n:,} customers of whom {model.exits:,} left; held equal: {held or 'nothing'}. "
        f"Family of {len(contrasts)}, Holm.",
        columns=[
            ("Comparison", "pair", "text"),
            ("Difference", "value", "percentage points"),
            (f"{markup.percent_label(level)} interval", "low..high", "percentage points"),
            ("p", "p", "text"),
            ("p, Holm", "p_adjusted", "text"),
            ("Reading", "direction", "text"),
        ],
    )


def _p_value(p: float | None) -> str:
    """Write a p-value; very small ones as a bound."""
    if p is None or p != p:
        return "–"
    return "< 0.001" if p < 0.001 else markup.number(p, 3)


def _beside_table(naive: pd.DataFrame, level: float) -> Table:
    """Return the naive rows beside the honest one."""
    return Table.of(
        naive,
        caption="The usual comparisons beside this report's answer: hazard ratios of leaving "
        "(below one: leaves less often). The last column is how many times the honest ratio a row "
        "claims.",
        columns=[
            ("Comparison", "comparison", "text"),
            ("Hazard ratio", "value", "ratio"),
            (f"{markup.percent_label(level)} interval", "low..high", "ratio"),
            ("Customers", "n", "count"),
            ("Left", "exits", "count"),
            ("Reading", "reading", "text"),
            ("Times the honest", "times_the_honest", "ratio"),
        ],
    )


def _how_sure(effect: Difference, exits: int, n: int, horizon: int, model: Hazard | None) -> str:
    """Say how sure, from the interval, the exits behind it and the family."""
    base = f"{n:,} customers are followed, of whom {exits:,} left within {horizon} months."
    if not effect.ok or model is None:
        return f"{base} Too few left for an interval."
    after = (
        f" After Holm's adjustment for {effect.family} comparisons p is "
        f"{_p_value(effect.p_adjusted)}."
        if effect.family > 1
        else f" p is {_p_value(effect.p)}."
    )
    strength = {
        "higher": "The whole interval lies above zero.",
        "lower": "The whole interval lies below zero.",
        "cannot be told": "The interval holds zero: a difference either way is compatible with "
        "these data.",
    }[effect.direction]
    return f"{base} {strength}{after}"


def _doubt(study: Study, measure: str, level: float) -> str:
    """Say the strongest doubt: silence where it is large, else causes not measured."""
    asked = study.responses[measure].notna()
    answered = share(asked, metric="answered", level=level)
    causes = (
        "Experience was not assigned by chance: whatever makes customers both happier and more "
        "loyal, and is not among what was held equal, would show as an effect."
    )
    if answered.value is not None and answered.value < 80:
        return (
            f"Only {markup.quantity(answered.value, '%')} of {answered.n:,} surveys were answered, "
            f"and those who stay silent may differ. {causes}"
        )
    return causes


def _conclusion(effect: Difference, model: Hazard | None, gap: int, per_band: int) -> Note:
    """Say the doubts, the rival explanations and what would settle them."""
    rival = {
        "higher": "A rival explanation is that loyal customers rate more kindly: then the score "
        "follows loyalty, and a better experience would change nothing.",
        "lower": "A rival explanation is that demanding customers of much-used services both score "
        "and shop around more: then the score marks a kind of customer.",
        "cannot be told": "With an interval that holds zero, neither an effect nor its absence is "
        "shown.",
    }[effect.direction]
    held = (
        "Held equal were "
        + ", ".join(c.removeprefix("held: ").replace("_", " ") for c in model.adjusted_for)
        + "; anything else is not."
        if model is not None and model.adjusted_for
        else "Nothing was held equal between the bands."
    )
    return Note(
        paragraphs=(
            f"{rival} {held}",
            f"The clock starts {gap} days after the answer, so scores given while leaving weigh "
            "less; a longer gap would guard more and use fewer customers.",
            "What would settle it: an improvement given to some branches by lot and not to others, "
            "with leaving followed in both; or scores of the same customers before and after a "
            f"change they did not choose. {_capacity(effect, per_band)}",
        )
    )


def _capacity(effect: Difference, per_band: int) -> str:
    """Say what the present number of customers could have seen."""
    if effect.se is None:
        return f"About {per_band:,} customers in each band would show ten percentage points."
    smallest = markup.quantity(2.8 * effect.se, "percentage points")
    return f"The present data could have shown a difference of {smallest} with 80 % power."


def _from_snapshot(study: Study, *, measure: str, level: float) -> RetentionAnswer:
    """Answer from a snapshot: churn in a fixed window, and what cannot be known."""
    there = snapshot.exposures(study)
    if measure and measure not in there:
        raise QuestionError(
            f"measure {measure!r} is not an experience column of this snapshot.\n  Declared under "
            f"customers, experience, in study.yml: {', '.join(there) or 'none'}."
        )
    if not there:
        raise QuestionError(
            "This snapshot has no experience column.\n  Write one under customers in study.yml:  "
            "experience: {complained: {column: ..., bad: [1]}}"
        )
    chosen = measure or there[0]
    window = study.contract.customers.window or "the observed window"
    effect, groups = snapshot.churn_by(study, chosen, level=level)
    family = [snapshot.churn_by(study, name, level=level)[0] for name in there]
    rows = study.customers
    duplicates = int(rows.drop(columns="customer").duplicated().sum())
    guards = [
        Guard(
            kind="snapshot",
            fired=True,
            text="The table has tenure and a churned flag, but no dates of joining and leaving: a "
            "fixed-window comparison only. A survival curve from a cross-section would mix "
            "customers who joined at different times and is not drawn.",
        ),
        Guard(
            kind="order in time",
            fired=True,
            text="When the experience fell before the leaving is not in the table: complaints of "
            "customers who were already leaving cannot be set aside.",
        ),
        Guard(
            kind="duplicate rows",
            fired=duplicates > 0,
            text=f"{duplicates:,} of {len(rows):,} rows are exact copies of another. Without an "
            "id they may be different customers; they are kept.",
        ),
        Guard(
            kind="multiplicity",
            fired=len(there) > 1,
            text=f"{len(there)} experience columns could have been asked for; each is shown below.",
        ),
    ]
    a, b = groups.to_dict("records")
    sentences = (
        f"{markup.quantity(a['value'], '%')} of the {a['n']:,} customers with '{chosen}' left "
        f"({markup.interval(a['low'], a['high'], '%')}), and {markup.quantity(b['value'], '%')} of "
        f"the {b['n']:,} without it ({markup.interval(b['low'], b['high'], '%')}; Wilson intervals, "
        "nothing held equal).",
        "This is an association in a snapshot: it does not say how much longer anybody stays.",
    )
    answer = Answer(
        question=QUESTION,
        headline=wording.snapshot_headline(effect, window=window),
        sentences=sentences,
        how_sure=f"{len(rows):,} customers, of whom {int(groups['exits'].sum()):,} left in "
        f"{window}; difference by {effect.method}.",
        doubt="The table does not say which came first, the bad experience or the decision to "
        "leave; a complaint may be the first step of leaving.",
        estimate=effect,
        guards=tuple(guards),
    )
    every = pd.DataFrame([d.as_row() for d in family]).assign(experience=there)
    return RetentionAnswer(
        answer=answer,
        effect=effect,
        groups=groups,
        groups_measure=f"left in {window}",
        curves=None,
        at_risk=None,
        naive=None,
        who=Note(
            paragraphs=(
                f"{len(rows):,} customers, one row each, as they stood at the end of {window}. "
                "Who left before the snapshot was taken is not in it.",
            )
        ),
        retained=_groups_table(
            groups,
            f"Customers who left in {window}, with and without '{chosen}': Wilson "
            f"{markup.percent_label(level)} intervals.",
            "Left (%)",
            level,
        ),
        effects=Table.of(
            every,
            caption=f"Difference in churn with and without each declared bad experience "
            f"(percentage points, {effect.method}); nothing held equal.",
            columns=[
                ("Experience", "experience", "text"),
                ("Difference", "value", "percentage points"),
                (f"{markup.percent_label(level)} interval", "low..high", "percentage points"),
                ("With", "n_a", "count"),
                ("Without", "n_b", "count"),
                ("Reading", "direction", "text"),
            ],
        ),
        beside=Note(
            paragraphs=(
                "No gap, no landmark and no curve can be computed here: each needs the dates of "
                "joining, answering and leaving. To get them, export customers with start and end "
                "dates and write form: dates under customers in study.yml.",
            )
        ),
        guards=guards_table(guards),
        conclusion=Note(
            paragraphs=(
                "Rival explanations: customers who are leaving complain on their way out; and "
                "those with many problems use the service differently in ways the table does not "
                "hold equal.",
                "What would settle it: dated complaints and dated leaving, so that only complaints "
                "from well before the leaving count.",
            )
        ),
        horizon=0,
        level=level,
    )

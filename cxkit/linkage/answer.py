"""Engagement and experience, from a study to an answer that says what it cannot say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from cxkit import markup
from cxkit.disclosure import Policy, Shown, showable
from cxkit.linkage import wording
from cxkit.linkage.direction import lags, waves_followed, why_none
from cxkit.linkage.ladder import correlation, disattenuate, units_needed
from cxkit.linkage.pairs import Pairs, pair
from cxkit.linkage.rungs import agreement, ladder, reliabilities
from cxkit.results import Answer, Estimate, Guard, Note, Table, guards_table

if TYPE_CHECKING:
    from cxkit.study.study import Study

QUESTION = "Do engaged employees and good experience go together, and which comes first?"

#: A correlation that published unit-level studies make plausible; "units needed" speaks of it.
PLAUSIBLE_R = 0.2

#: Of the bootstrap over units: fixed, and not chosen.
SEED = 20260101


@dataclass(frozen=True, kw_only=True)
class LinkageAnswer:
    """The one result object of the engagement notebook; its tables and notes are read in order.

    Attributes
    ----------
    answer : Answer
        Headline, sentences, how sure, main doubt.
    r : Estimate
        Pearson correlation over units of the latest instrument.
    by_instrument : DataFrame
        One row per instrument: the columns of an Estimate and ``instrument``.
    shown : Shown
        The units that may be drawn; estimates use all.
    lags : DataFrame
        Both lagged correlations.
    verdict : str
        associated or not, and "cannot tell" on which comes first.
    """

    answer: Answer
    r: Estimate
    by_instrument: pd.DataFrame
    shown: Shown
    lags: pd.DataFrame
    verdict: str
    engagement_unit: str
    experience_unit: str
    who: Table
    ladder: Table
    correlations: Table
    agreement: Table | Note
    lags_table: Table | Note
    direction: Note
    guards: Table
    conclusion: Note
    level: float


def linkage_answer(
    study: Study,
    *,
    measure: str = "",
    min_employees: int = 10,
    min_customers: int = 5,
    level: float = 0.95,
) -> LinkageAnswer:
    """Answer whether engaged employees and good experience go together in the same units.

    Parameters
    ----------
    study : Study
        With `engagement` and `responses`, or with `unit_scores`.
    measure : str
        The customers' score: nps, csat or ces; "" takes csat, else the first there is.
    min_employees, min_customers : int
        Fewest people of a unit that is shown; may only be raised. Estimates use every unit.
    level : float
        Level of all intervals.

    Returns
    -------
    LinkageAnswer

    Raises
    ------
    MissingTableError
        If the study has neither form.
    QuestionError
        If no unit has both sides.
    ParameterError
        If a minimum is lowered.

    Notes
    -----
    Estimand: the correlation over units of the mean engagement of a unit's employees with the mean
    experience of its customers, each person counting once. Scores of different instruments are
    never pooled or subtracted: each has its own correlation, and the answer speaks of the latest.

    Examples
    --------
    >>> import cxkit as cx
    >>> result = cx.linkage_answer(cx.sample_study())
    >>> result.r.status, result.verdict
    ('ok', 'associated; which comes first: cannot tell')
    """
    policy = Policy(employees=min_employees, customers=min_customers)
    pairs = pair(study, measure=measure)
    latest = pairs.instruments[-1]
    units = pairs.units[pairs.units["instrument"] == latest]
    rows = []
    for name in pairs.instruments:
        part = pairs.units[pairs.units["instrument"] == name]
        found = correlation(part["engagement"], part["experience"], level=level)
        rows.append({"instrument": name, **found.as_row(), "reading": wording.reading(found)})
    by_instrument = pd.DataFrame(rows)
    r = correlation(units["engagement"], units["experience"], level=level)
    iccs = reliabilities(pairs, level=level)
    true = _true(r, iccs)
    agreed = agreement(pairs)
    lagged = lags(pairs, level=level, seed=SEED)
    waves = waves_followed(pairs)
    order, sentence = wording.direction(lagged, waves=waves, reason=why_none(pairs))
    shown = showable(units, policy)
    steps = ladder(pairs, units, r=r, true=true, iccs=iccs, agreed=agreed, level=level)
    guards = _guards(pairs, shown, steps, by_instrument, order, sentence, units)
    told = wording.reading(r)
    association = {
        "go together": "associated",
        "go opposite ways": "associated, the opposite way",
        "cannot be told": "association cannot be told",
    }[told]
    sentences = [] if true is None else [wording.corrected(r, true)]
    if told == "cannot be told":
        sentences.append(wording.needed(units_needed(PLAUSIBLE_R), r=PLAUSIBLE_R, n=r.n))
    if len(by_instrument) > 1:
        sentences.append(wording.instruments(by_instrument))
    sentences.append(sentence)
    answer = Answer(
        question=QUESTION,
        headline=wording.headline(r),
        sentences=tuple(sentences),
        how_sure=_how_sure(r, steps),
        doubt=_doubt(pairs),
        estimate=r,
        guards=tuple(guards),
    )
    label = markup.percent_label(level)
    return LinkageAnswer(
        answer=answer,
        r=r,
        by_instrument=by_instrument,
        shown=shown,
        lags=lagged,
        verdict=f"{association}; which comes first: {order}",
        engagement_unit=pairs.engagement_unit,
        experience_unit=pairs.experience_unit,
        who=_who(pairs, shown),
        ladder=Table.of(
            steps,
            caption=f"The ladder from answers to a correlation between units; {label} intervals in "
            "brackets. A rung that limits is a reason to read the correlation with care.",
            columns=[
                ("Rung", "rung", "text"),
                ("Figure", "figure", "text"),
                ("Verdict", "verdict", "text"),
                ("Reason", "reason", "text"),
            ],
        ),
        correlations=Table.of(
            by_instrument,
            caption="Correlation of engagement with experience over units, each instrument by "
            "itself (Pearson, Fisher interval).",
            columns=[
                ("Instrument", "instrument", "text"),
                ("r", "value", "correlation"),
                (f"{label} interval", "low..high", "correlation"),
                ("Units", "n", "count"),
                ("Reading", "reading", "text"),
            ],
        ),
        agreement=_agreement_table(agreed),
        lags_table=_lags_table(lagged, level, sentence),
        direction=Note(paragraphs=(sentence,)),
        guards=guards_table(guards),
        conclusion=_conclusion(r, pairs, told),
        level=level,
    )


def _true(r: Estimate, iccs: dict[str, dict[str, Estimate]]) -> Estimate | None:
    """Return r corrected by both ICC(2), or None where people's answers are not there."""
    if len(iccs) < 2:
        return None
    x, y = iccs["engagement"]["icc2"].value, iccs["experience"]["icc2"].value
    if x is None or y is None:
        return None
    return disattenuate(r, reliability_x=x, reliability_y=y)


def _who(pairs: Pairs, shown: Shown) -> Table:
    """Return the accounting of units and people."""
    rows = [
        ("units with both sides", len(set(pairs.units["unit"])), "in the correlation"),
        ("units with one side only", len(pairs.unmatched), "no partner: not in the correlation"),
        ("units drawn", len(shown.units), "enough people on both sides to be shown"),
        ("units hidden", shown.hidden, "too few people to be shown; in every estimate"),
    ]
    if pairs.employees is not None and pairs.customers is not None:
        rows.insert(0, ("employees", len(pairs.employees), "answered in at least one wave"))
        rows.insert(1, ("customers", len(pairs.customers), "answered at least once"))
    frame = pd.DataFrame(rows, columns=["step", "n", "reason"])
    return Table.of(
        frame,
        caption=f"What is compared: {len(set(pairs.units['unit'])):,} units with both sides.",
        columns=[
            ("Step", "step", "text"),
            ("Number", "n", "count"),
            ("What it means", "reason", "text"),
        ],
    )


def _agreement_table(agreed: pd.DataFrame) -> Table | Note:
    """Return rwg(j) by group of items."""
    if agreed.empty:
        return Note(
            paragraphs=(
                "Agreement within units cannot be computed: the study holds unit scores, not "
                "people's answers.",
            )
        )
    return Table.of(
        agreed,
        caption="Agreement within units, rwg(j) against a uniform null, by group of items. By "
        "convention 0.70 is enough.",
        columns=[
            ("Group", "group", "text"),
            ("Items", "items", "count"),
            ("Median rwg(j)", "median", "correlation"),
            ("Units at 0.70 or above (%)", "share", "%"),
            ("Units", "units", "count"),
        ],
    )


def _lags_table(lagged: pd.DataFrame, level: float, sentence: str) -> Table | Note:
    """Return both lags, or why there are none."""
    if lagged.empty:
        return Note(paragraphs=(sentence,))
    return Table.of(
        lagged,
        caption="Both lags, one wave apart. Levels carry the stable differences between units, "
        "which is why both look alike; within units these are removed. Bootstrap over units.",
        columns=[
            ("Lag", "lag", "text"),
            ("Of", "of", "text"),
            ("r", "value", "correlation"),
            (f"{markup.percent_label(level)} interval", "low..high", "correlation"),
            ("Units", "n", "count"),
            ("Pairs of waves", "pairs", "count"),
        ],
    )


def _guards(
    pairs: Pairs,
    shown: Shown,
    steps: pd.DataFrame,
    by_instrument: pd.DataFrame,
    order: str,
    sentence: str,
    units: pd.DataFrame,
) -> list[Guard]:
    """Return every guard of this question, fired or not, with what it saw."""
    limits = steps[steps["verdict"] == "limits"]
    many = len(by_instrument) > 1
    ceiling = _ceiling(pairs, units)
    return [
        Guard(
            kind="aggregation",
            fired=len(limits) > 0,
            text=f"{len(limits)} of {len(steps)} rungs limit the conclusion: "
            + ("; ".join(limits["rung"]) or "none")
            + ".",
        ),
        Guard(kind="direction", fired=order == "cannot tell", text=sentence),
        Guard(
            kind="common source",
            fired=pairs.same_people or pairs.perceived is not None,
            text="The same people rated both sides, which by itself makes them go together."
            if pairs.same_people
            else "The answer's two sides come from different people."
            + (
                " The row with the employees' own view of the experience does not: the same people "
                "rated both."
                if pairs.perceived is not None
                else ""
            ),
        ),
        Guard(
            kind="units without a partner",
            fired=len(pairs.unmatched) > 0,
            text=f"{len(pairs.unmatched):,} units have one side only and are not in the "
            "correlation.",
        ),
        Guard(
            kind="different instruments",
            fired=many,
            text=f"{len(by_instrument)} instruments: each has its own correlation; no change is "
            "computed between them."
            if many
            else "One instrument throughout.",
        ),
        Guard(
            kind="ceiling",
            fired=bool(ceiling),
            text=ceiling or "No score crowds at the top of its scale.",
        ),
        Guard(kind="disclosure", fired=shown.hidden > 0, text=shown.reason),
    ]


def _ceiling(pairs: Pairs, units: pd.DataFrame) -> str:
    """Say which side crowds at the top of its scale: less than two standard deviations of room."""
    said = []
    for side, top in (("engagement", pairs.engagement_top), ("experience", pairs.experience_top)):
        values = units[side].dropna()
        if len(values) > 2 and top - values.mean() < 2 * values.std():
            said.append(f"{side} (mean of a unit {markup.number(float(values.mean()))} of {top:g})")
    if not said:
        return ""
    return (
        f"Close to the top of the scale: {' and '.join(said)}. Units can hardly differ upwards, "
        "which weakens any correlation."
    )


def _how_sure(r: Estimate, steps: pd.DataFrame) -> str:
    """Say how sure, from the interval and the rung that limits most."""
    limits = steps[steps["verdict"] == "limits"]
    base = f"The correlation rests on {r.n:,} units."
    if r.value is not None:
        wide = (r.high or 0) - (r.low or 0)
        base += f" Its interval is {markup.quantity(wide, 'correlation')} wide."
    unknown = int((steps["verdict"] == "not known").sum())
    tail = f" {unknown} rungs of the ladder are not known." if unknown else ""
    if limits.empty:
        return f"{base} No known rung of the ladder limits it.{tail}"
    first = limits.iloc[0]
    return f"{base} It is limited by: {first['rung']} ({first['reason']}).{tail}"


def _doubt(pairs: Pairs) -> str:
    """Say the strongest doubt: a common source, else a common cause."""
    if pairs.same_people:
        return (
            "The same people rated both sides: a good mood raises both, and part of the "
            "correlation is that."
        )
    return (
        "A unit's place, size, management or customers can raise or lower both sides; nothing of "
        "that is held equal here, and the order in time is not known."
    )


def _conclusion(r: Estimate, pairs: Pairs, told: str) -> Note:
    """Say the rival explanations and what would settle them."""
    rival = {
        "go together": "That both sides are high in the same units fits three stories: engaged "
        "employees serve better; pleasant customers make work engaging; or a third thing, such as "
        "a good manager or a quiet neighbourhood, does both.",
        "go opposite ways": "That one side is high where the other is low may mean that effort for "
        "customers wears employees out, or that difficult units attract determined people.",
        "cannot be told": "With an interval that holds zero, neither a link nor its absence is "
        "shown.",
    }[told]
    need = (
        f"A correlation of {markup.quantity(r.value, 'correlation')} takes "
        f"{units_needed(r.value):,} units to be seen with 80 % power; there are {r.n:,}."
        if r.value is not None and 0 < abs(r.value) < 1
        else f"A correlation of {markup.quantity(PLAUSIBLE_R, 'correlation')} takes "
        f"{units_needed(PLAUSIBLE_R):,} units to be seen with 80 % power; there are {r.n:,}."
    )
    individuals = (
        "A correlation between units says nothing of single employees or customers."
        if not pairs.same_people
        else "A correlation between units is not one between people."
    )
    return Note(
        paragraphs=(
            f"{rival} {individuals}",
            f"What would settle it: more waves, with stable differences between units modelled "
            f"apart; or a change made to engagement in some units by lot. {need}",
        )
    )

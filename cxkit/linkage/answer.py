"""Engagement and experience, from a study to an answer that says what it cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cxkit.disclosure import Policy, showable
from cxkit.linkage import tables, wording
from cxkit.linkage.direction import lags, waves_followed, why_none
from cxkit.linkage.guards import guards as guards_of
from cxkit.linkage.ladder import PLAUSIBLE_R, correlation, disattenuate
from cxkit.linkage.pairs import pair
from cxkit.linkage.result import LinkageAnswer
from cxkit.linkage.rungs import agreement, ladder, reliabilities
from cxkit.metrics.planning import units_needed
from cxkit.results import Answer, Note, guards_table

if TYPE_CHECKING:
    from cxkit.results import Estimate
    from cxkit.study.study import Study

QUESTION = "Do engaged employees and good experience go together, and which comes first?"

#: Of the bootstrap over units: fixed, and not chosen.
SEED = 20260101


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
    guards = guards_of(pairs, shown, steps, by_instrument, order, sentence, units)
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
    sentences.append(wording.direction_in_short(lagged, sentence))
    answer = Answer(
        question=QUESTION,
        headline=wording.headline(r),
        sentences=tuple(sentences),
        how_sure=wording.how_sure(r, steps),
        doubt=wording.doubt(pairs),
        estimate=r,
        guards=tuple(guards),
    )
    return LinkageAnswer(
        answer=answer,
        r=r,
        by_instrument=by_instrument,
        shown=shown,
        lags=lagged,
        verdict=f"{association}; which comes first: {order}",
        engagement_unit=pairs.engagement_unit,
        experience_unit=pairs.experience_unit,
        who=tables.who(pairs, shown),
        ladder=tables.ladder(steps, level),
        correlations=tables.correlations(by_instrument, level),
        agreement=tables.agreement(agreed),
        lags_table=tables.lags(lagged, level, sentence),
        direction=Note(paragraphs=(sentence,)),
        guards=guards_table(guards),
        conclusion=wording.conclusion(r, pairs, told),
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

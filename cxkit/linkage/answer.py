"""Engagement and experience, from a study to an answer that says what it cannot say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxkit import markup
from cxkit.disclosure import Policy, showable
from cxkit.linkage import sections, tables, wording
from cxkit.linkage.action import place
from cxkit.linkage.behind import people, people_in_waves
from cxkit.linkage.changes import change_regressions
from cxkit.linkage.changes import sentence as changed
from cxkit.linkage.direction import lags, why_none
from cxkit.linkage.groups import groups
from cxkit.linkage.guards import guards as guards_of
from cxkit.linkage.items import refuse_unkeyed
from cxkit.linkage.ladder import PLAUSIBLE_R, correlation
from cxkit.linkage.league import held_to, league, number_of
from cxkit.linkage.measure import took_part
from cxkit.linkage.order import untold, which_first
from cxkit.linkage.pairs import aggregated_beside, pair
from cxkit.linkage.reliable import corrected_correlation
from cxkit.linkage.result import LinkageAnswer
from cxkit.linkage.rungs import agreement, ladder, reliabilities
from cxkit.linkage.sides import scales
from cxkit.metrics.planning import units_needed
from cxkit.results import Answer, Note, Table, guards_table
from cxkit.study.study import hold_study

if TYPE_CHECKING:
    from cxkit.linkage.multilevel import Multilevel
    from cxkit.linkage.order import Order
    from cxkit.linkage.pairs import Pairs
    from cxkit.results import Estimate
    from cxkit.study.study import Study

QUESTION = "Do engaged employees and good experience go together, and which comes first?"

#: Of the bootstrap over units: fixed, and not chosen.
SEED = 20260101


def linkage_answer(
    study: Study,
    *,
    measure: str = "",
    wave: str = "",
    target: float | str = "",
    min_employees: int = 10,
    min_customers: int = 5,
    level: float = 0.95,
) -> LinkageAnswer:
    """Answer whether engaged employees and good experience go together in the same units.

    Parameters
    ----------
    study : Study
        With `engagement` and `responses`, with `unit_scores`, or with `unit_scores` of one side
        and people's answers on the other.
    measure : str
        The customers' score: nps, csat or ces; "" takes csat, else the first there is.
    wave : str
        One wave to read, as the data name it; "" reads all.
    target : float or str
        The experience that units are held to; "" is the mean of all customers.
    min_employees, min_customers : int
        Fewest people of a unit that is shown; may only be raised. Estimates use every unit. Where
        fewer employees than that answered in all, no figure of their answers is shown.
    level : float
        Level of all intervals.

    Returns
    -------
    LinkageAnswer

    Raises
    ------
    MissingTableError
        If the study has no such form.
    QuestionError
        If no unit has both sides.
    ParameterError
        If a minimum is lowered, the wave is not in the study or the target is no number.

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
    hold_study(study)
    policy = Policy(employees=min_employees, customers=min_customers)
    pairs = pair(study, measure=measure, wave=wave)
    if pairs.employees is not None:
        refuse_unkeyed(pairs.employees, pairs.items)
    pairs, silent = _enough(pairs, policy)
    latest = pairs.instruments[-1]
    units = pairs.units[pairs.units["instrument"] == latest]
    hushed = policy.withheld(*people(pairs, units))
    in_waves = hushed or policy.withheld(*people_in_waves(pairs))
    beside = aggregated_beside(study)
    by_instrument = _each_alone(beside, pairs, policy, level=level)
    r = _told(correlation(units["engagement"], units["experience"], level=level), hushed)
    iccs = reliabilities(pairs, policy, level=level)
    true = None
    if pairs.employees is not None and pairs.customers is not None and not hushed:
        true = corrected_correlation(pairs.employees, pairs.customers, seed=SEED, level=level)
    agreed = agreement(pairs, policy)
    lagged = pd.DataFrame() if in_waves else lags(pairs, level=level, seed=SEED)
    order = _order(pairs, in_waves, level=level)
    shown = showable(units, policy)
    took = took_part(pairs, study.staff if study.has("staff") else None, level=level)
    changes = change_regressions(pairs.waves, level=level)
    steps = ladder(
        pairs, units, r=r, true=true, iccs=iccs, agreed=agreed, took=took, policy=policy,
        hushed=hushed, level=level,
    )  # fmt: skip
    asked = [pairs] if beside is None else [beside, pairs]
    none = Note(paragraphs=(in_waves,))
    fit = none if in_waves else sections.multilevel(pairs, level=level)
    guards = guards_of(
        pairs, asked, shown, steps, by_instrument, order.verdict, order.sentence, fit
    )
    told = wording.reading(r)
    association = {
        "go together": "associated",
        "go opposite ways": "associated, the opposite way",
        "cannot be told": "association cannot be told",
    }[told]
    sentences = [] if true is None or r.value is None else [wording.corrected(r, true)]
    if told == "cannot be told":
        sentences.append(wording.needed(units_needed(PLAUSIBLE_R), r=PLAUSIBLE_R, n=r.n))
    if len(by_instrument) > 1:
        sentences.append(wording.instruments(by_instrument))
    sentences.append(order.sentence)
    waves = wording.waves_needed(order, pairs)
    sentences += [waves] if waves else []
    alike = wording.source(pairs)
    answer = Answer(
        question=QUESTION,
        headline=wording.headline(r, order.verdict) + (alike if r.ok else ""),
        sentences=tuple(sentences),
        how_sure=wording.how_sure(r, steps),
        doubt=wording.doubt(pairs, order.verdict),
        estimate=r,
        guards=tuple(guards),
    )
    leaving, later = sections.other_arrow(study, pairs, policy, level=level)
    moved = changed(changes)
    staff_held = _held(pairs.employees, "index", "score", None, level)
    clients_held = _held(pairs.customers, "score", pairs.measured_in, None, level)
    aim = number_of(target)
    held = clients_held
    if aim is not None:
        held = _held(pairs.customers, "score", pairs.measured_in, aim, level)
    plane = place(staff_held, clients_held, shown=shown.units["unit"])
    item_links, items_said = sections.item_table(pairs, units, silent, level=level)
    lag = _when(study, pairs, wave)
    strip, strip_said = sections.published(r, true, lag=lag)
    result = LinkageAnswer(
        answer=answer,
        r=r,
        by_instrument=by_instrument,
        shown=shown,
        lags=lagged,
        verdict=f"{association}; which comes first: {order.verdict}",
        engagement_unit=pairs.engagement_unit,
        experience_unit=pairs.experience_unit,
        contract=scales(
            study,
            measure=measure,
            asked=(pairs.employees is not None, pairs.customers is not None),
        ),
        who=tables.who(pairs, shown),
        measured=sections.measurement(pairs, silent, policy, took=took, level=level),
        ladder=tables.ladder(steps, level),
        correlations=tables.correlations(by_instrument, level),
        agreement=tables.agreement(agreed),
        published=strip,
        beside=strip_said,
        models=sections.models(pairs, fit, level=level),
        groups=groups(pairs, units, policy, level=level),
        lags_table=tables.lags(lagged, changes, level, moved or why_none(pairs)),
        panel=sections.panel(order, level=level),
        direction=Note(paragraphs=(order.sentence, moved) if moved else (order.sentence,)),
        other_arrow=leaving,
        later=later,
        places=sections.acting(plane),
        plane=None if hushed else plane,
        league=league(held, shown, side="experience", level=level),
        engagement_league=league(staff_held, shown, side="engagement", level=level),
        step=sections.steps(_steps(study, pairs, fit, wave, level)),
        items=item_links,
        items_said=items_said,
        guards=guards_table(guards),
        conclusion=wording.conclusion(r, pairs, told, waves),
        level=level,
    )
    if alike:
        result = _beside_each(result, alike)
    silence = "" if pairs.survey is None else policy.withheld(pairs.survey["respondent"].nunique())
    why = ((_IN_WAVES, in_waves), (_OF_BOTH, hushed), (_OF_EMPLOYEES, silence))
    gone: dict[str, Any] = {
        name: Note(paragraphs=(said,)) for names, said in why if said for name in names
    }
    return replace(result, **gone)


#: The parts of the page that hold figures of what employees answered, of both sides, and of both in
#: the same wave; the correlation itself apart.
_OF_EMPLOYEES = ("measured", "agreement")
_OF_BOTH = ("groups", "places", "engagement_league", "items", "items_said")
_IN_WAVES = ("models", "step", "lags_table", "panel", "direction", "other_arrow", "later")


def _when(study: Study, pairs: Pairs, wave: str) -> str:
    """Say when the two sides of the correlation were measured."""
    if pairs.survey is not None:
        waves = pairs.survey["wave"]
    else:
        scores = study.unit_scores
        waves = scores.loc[scores["instrument"].astype(str) == pairs.instruments[-1], "wave"]
    return "same wave" if wave or len(set(waves)) == 1 else "all waves together"


def _held(
    people: pd.DataFrame | None, score: str, measured_in: str, target: float | None, level: float
) -> pd.DataFrame:
    """Return units held to a target, or nothing where people's answers are not there."""
    if people is None:
        return pd.DataFrame()
    return held_to(people, score, measured_in=measured_in, target=target, level=level)


def _steps(
    study: Study, pairs: Pairs, fit: Multilevel | Note, wave: str, level: float
) -> list[tuple[Pairs, Multilevel | Note]]:
    """Return the models behind a step of engagement: of the score asked for, and of NPS."""
    fits = [(pairs, fit)]
    named = pairs.answers is not None and pairs.measured_in != "points"
    if named and "nps" in study.contract.of("responses").scores:
        other = pair(study, measure="nps", wave=wave)
        fits.append((other, sections.multilevel(other, level=level)))
    return fits


def _enough(pairs: Pairs, policy: Policy) -> tuple[Pairs, str]:
    """Keep the items that enough employees answered to be shown, and say how many were not."""
    if pairs.survey is None:
        return pairs, ""
    who, kept, left = pairs.survey["respondent"], {}, 0
    for group, names in pairs.items.items():
        large = [
            name for name in names if who[pairs.survey[name].notna()].nunique() >= policy.employees
        ]
        left += len(names) - len(large)
        if large:
            kept[group] = tuple(large)
    items = markup.counted(left, "item")
    said = f" Not shown: {items} that fewer than {policy.employees} employees answered."
    return replace(pairs, items=kept), said if left else ""


def _beside_each(result: LinkageAnswer, said: str) -> LinkageAnswer:
    """Say something beside every table of correlations between the two sides."""
    tables = {
        name: replace(table, caption=table.caption + said)
        for name in ("ladder", "correlations", "published", "models", "groups", "lags_table",
                     "panel", "items")
        if isinstance(table := getattr(result, name), Table)
    }  # fmt: skip
    given: dict[str, Any] = {**tables, "shown_beside": said}
    return replace(result, **given)


def _told(r: Estimate, hushed: str) -> Estimate:
    """Return a correlation, or that it is withheld."""
    if not hushed:
        return r
    return replace(r, value=None, low=None, high=None, se=None, status="withheld", reason=hushed)


def _each_alone(
    beside: Pairs | None, pairs: Pairs, policy: Policy, *, level: float
) -> pd.DataFrame:
    """Return one correlation per instrument, in their order; those of too few people withheld."""
    rows = []
    for measured in [pairs] if beside is None else [beside, pairs]:
        for name in measured.instruments:
            part = measured.units[measured.units["instrument"] == name]
            r = correlation(part["engagement"], part["experience"], level=level)
            found = _told(r, policy.withheld(*people(measured, part)))
            rows.append({"instrument": name, **found.as_row(), "reading": wording.reading(found)})
    return pd.DataFrame(rows)


def _order(pairs: Pairs, hushed: str, *, level: float) -> Order:
    """Ask the panel which comes first, or say why it cannot be asked."""
    if hushed:
        return untold(f"Which comes first is not told. {hushed}", waves=0)
    if pairs.wave_note or pairs.waves.empty:
        reason = pairs.wave_note or "no unit has both sides in the same wave"
        return untold(f"Which comes first cannot be told: {reason}.", waves=0)
    return which_first(pairs.waves, level=level)

"""Two sides of one unit: what employees say and what customers say, matched unit by unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.errors import QuestionError
from cxkit.metrics.consistency import reverse
from cxkit.study.requirements import hold_requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cxkit.study.columns import Item
    from cxkit.study.study import Study

#: What the employees' and the customers' own answers are called beside scores aggregated elsewhere.
SINGLE_ANSWERS = "single answers, all waves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Engagement and experience of the same units.

    Attributes
    ----------
    units : DataFrame
        One row per unit and instrument with both sides: unit, instrument, engagement, experience,
        n_employees, n_customers (NaN where counts were not published). Scores aggregated elsewhere
        are averaged over their waves; their counts are then those of the smallest wave.
    waves : DataFrame
        One row per unit and wave with both sides: unit, wave, engagement, experience. Empty where
        waves cannot be matched or their instruments differ.
    employees : DataFrame or None
        One row per employee and unit (means over waves): unit, respondent, index, and each item as
        keyed; None for scores aggregated elsewhere.
    customers : DataFrame or None
        One row per customer and unit (means over answers): unit, customer, score.
    answers : DataFrame or None
        One row per customer's answer in a wave: unit, wave, customer, score, engagement (of the
        unit in that wave).
    spans : DataFrame
        One row per wave: wave, first, last day; empty where the waves' names are no dates.
    attributes : DataFrame or None
        One row per unit: unit and the attributes that the study declares.
    perceived : DataFrame or None
        Unit means of the employees' own view of the experience: unit, perceived.
    unmatched : DataFrame
        Units with one side only: unit, side (the side that is missing).
    outside : int
        Customers' answers left out, since no employee was asked in their wave.
    same_people : bool
        Whether the same people rated both sides.
    engagement_unit, experience_unit : str
        What one step of each score is.
    """

    units: pd.DataFrame
    waves: pd.DataFrame
    employees: pd.DataFrame | None
    customers: pd.DataFrame | None
    answers: pd.DataFrame | None
    spans: pd.DataFrame
    attributes: pd.DataFrame | None
    perceived: pd.DataFrame | None
    unmatched: pd.DataFrame
    same_people: bool
    engagement_unit: str
    experience_unit: str
    engagement_top: float
    experience_top: float
    items: dict[str, tuple[str, ...]]
    options: int
    wave_note: str
    outside: int = 0

    @property
    def instruments(self) -> list[str]:
        """Return the instruments, in the order of their waves."""
        return list(dict.fromkeys(self.units["instrument"]))


def pair(study: Study, *, measure: str) -> Pairs:
    """Match engagement with experience, from raw answers or from unit scores.

    Parameters
    ----------
    study : Study
        With `engagement` and `responses`, or with `unit_scores`.
    measure : str
        The customers' score: nps, csat or ces; "" takes csat, else the first there is.

    Raises
    ------
    MissingTableError
        If the study has neither form.
    ColumnError
        If the employees' items, the customers' scores, or the units of either are not declared.
    QuestionError
        If no unit has both sides, or the items have different scales.

    Notes
    -----
    A person counts once: answers are averaged over waves within an employee and a unit, and within
    a customer and a unit, before the unit's mean is taken over people; an answer that names no
    customer is a person of its own. Reverse-keyed items are turned, and so is effort where a high
    answer is a bad one. NPS enters as -100, 0 or 100 per answer. A unit whose scores were
    aggregated elsewhere counts once per instrument, by its mean over the waves, so that waves of
    one unit are not taken for units.
    """
    if study.has("unit_scores") and not (study.has("engagement") and study.has("responses")):
        found = _from_unit_scores(study)
    else:
        study.need(
            "engagement",
            "responses",
            why="to set what employees say of a unit against what customers say of it (or "
            "unit_scores, where both were aggregated elsewhere)",
        )
        hold_requirements(study, "engagement_correlation")
        found = _from_answers(study, measure=measure)
    if found.units.empty:
        sides = found.unmatched.groupby("side")["unit"].apply(lambda u: ", ".join(u.head(3)))
        lacking = "; ".join(f"without {side}: {names}" for side, names in sides.items())
        raise QuestionError(
            f"No unit has both sides: every one of {len(found.unmatched):,} units lacks a partner "
            f"({lacking}, ...).\n  Check that `unit` in both tables of study.yml names the same "
            "codes."
        )
    return found


def aggregated_beside(study: Study) -> Pairs | None:
    """Return the unit scores that stand beside single answers, or None where there are none.

    They are never pooled with the answers nor subtracted from them.
    """
    if study.has("unit_scores") and study.has("engagement") and study.has("responses"):
        return _from_unit_scores(study)
    return None


def _from_answers(study: Study, *, measure: str) -> Pairs:
    """Pair raw employee answers with raw customer answers."""
    measure = measure or next(
        (m for m in ("csat", "nps", "ces") if m in study.contract.of("responses").scores), ""
    )
    scores = study.contract.of("responses").scores
    if measure not in scores:
        what = f"measure {measure!r} is not a score" if measure else "nps, csat or ces is not there"
        raise QuestionError(
            f"{what} of this study.\n  Scores under responses in study.yml: {', '.join(scores)}."
        )
    contract = study.contract.of("engagement")
    items = contract.items
    _hold_one_scale(items)
    answers = study.engagement
    keyed = answers.copy()
    for name, item in items.items():
        if item.reversed:
            keyed[name] = reverse(answers[[name]], columns=[name], scale=item.scale)[name]
    keyed["index"] = keyed[list(items)].mean(axis=1)
    keyed = keyed[keyed["index"].notna()]
    low, high = next(iter(items.values())).scale
    scored = _scored(study, measure)
    wave_of, wave_note = _calendar(keyed["wave"])
    scored["wave"] = [wave_of(d) if pd.notna(d) else None for d in scored["answered_on"]]
    inside = scored["wave"].isin(set(keyed["wave"]))
    outside = 0
    if wave_note == "" and inside.any():
        outside = int((~inside).sum())
        scored = scored[inside]
    elif wave_note == "":
        wave_note = (
            f"no customer answered in a wave of the employees' survey ({min(keyed['wave'])} to "
            f"{max(keyed['wave'])}), so answers of different times stand beside each other"
        )
    people = keyed.groupby(["unit", "respondent"], as_index=False)[["index", *items]].mean()
    clients = scored.groupby(["unit", "customer"], as_index=False)[["score"]].mean()
    units = _joined(
        people.groupby("unit")["index"].agg(["mean", "size"]),
        clients.groupby("unit")["score"].agg(["mean", "size"]),
    )
    waves = _joined(
        keyed.groupby(["unit", "wave"])["index"].agg(["mean", "size"]),
        scored.groupby(["unit", "wave"])["score"].agg(["mean", "size"]),
    )
    both = units.dropna(subset=["engagement", "experience"])
    perceived = None
    if contract.perceived_experience is not None and "perceived_experience" in keyed:
        own = keyed.groupby(["unit", "respondent"], as_index=False)["perceived_experience"].mean()
        perceived = (
            own.groupby("unit")["perceived_experience"].mean().rename("perceived").reset_index()
        )
    groups: dict[str, tuple[str, ...]] = {}
    for name, item in items.items():
        groups[item.group or "items"] = (*groups.get(item.group or "items", ()), name)
    return Pairs(
        units=both.assign(instrument=SINGLE_ANSWERS).reset_index(drop=True),
        waves=waves.dropna(subset=["engagement", "experience"]).reset_index(drop=True)
        if wave_note == ""
        else waves.iloc[:0],
        employees=people,
        customers=clients,
        answers=scored[["unit", "wave", "customer", "score"]].merge(
            waves[["unit", "wave", "engagement"]].dropna(), on=["unit", "wave"]
        ),
        spans=_spans(sorted(set(keyed["wave"]))),
        attributes=_attributes(study),
        perceived=perceived,
        unmatched=_unmatched(units),
        same_people=contract.raters == "same people",
        engagement_unit=f"engagement index ({low:g} to {high:g})",
        experience_unit=_unit_of(study, measure),
        engagement_top=float(high),
        experience_top=100.0 if measure == "nps" else float(scores[measure].scale[1]),
        items=groups,
        options=int(high - low + 1),
        wave_note=wave_note,
        outside=outside,
    )


def _hold_one_scale(items: Mapping[str, Item]) -> None:
    """Refuse an index over items of different scales: their mean would be a mean of nothing."""
    scales = {f"{item.scale[0]:g} to {item.scale[1]:g}" for item in items.values()}
    if len(scales) > 1:
        told = ", ".join(f"{n} {i.scale[0]:g} to {i.scale[1]:g}" for n, i in items.items())
        raise QuestionError(
            f"The items under engagement have {len(scales)} scales ({told}); their mean would mean "
            "nothing.\n  Keep items of one scale in study.yml; a question from 0 to 10 about "
            "recommending the employer is  enps:  and not an item."
        )


def _scored(study: Study, measure: str) -> pd.DataFrame:
    """Return the customers' answers with unit, customer and score, a high score being good."""
    spec = study.contract.of("responses").scores[measure]
    scored = study.responses
    scored = scored[scored[measure].notna()].reset_index(drop=True)
    if measure == "nps":
        scored["score"] = 100.0 * (
            (scored[measure] >= spec.promoter).astype(float)
            - (scored[measure] <= spec.detractor).astype(float)
        )
    elif spec.higher_is_better:
        scored["score"] = scored[measure]
    else:
        scored["score"] = reverse(scored[[measure]], columns=[measure], scale=spec.scale)[measure]
    if "unit" not in scored or scored["unit"].isna().all():
        homes = study.customers[["customer", "unit"]]
        scored = scored.drop(columns="unit", errors="ignore").merge(homes, on="customer")
    if "customer" not in scored:
        scored["customer"] = pd.Series(pd.NA, index=scored.index, dtype="str")
    alone = "answer " + scored.index.astype(str)
    return scored.assign(customer=scored["customer"].where(scored["customer"].notna(), alone))


def _unit_of(study: Study, measure: str) -> str:
    """Return what one step of the customers' score is."""
    if measure == "nps":
        return "NPS (points)"
    turned = not study.contract.of("responses").scores[measure].higher_is_better
    return f"mean {measure.upper()}" + (", turned so that high is good" if turned else "")


def _from_unit_scores(study: Study) -> Pairs:
    """Pair scores that were aggregated elsewhere; instruments are kept apart."""
    contract = study.contract.of("unit_scores")
    scores = study.unit_scores.copy()
    scores["instrument"] = scores["instrument"].astype(str)
    for column in ("n_employees", "n_customers"):
        if column not in scores:
            scores[column] = np.nan
    both = scores.dropna(subset=["engagement", "experience"]).sort_values(
        ["wave", "unit"], kind="stable"
    )
    known = set(both["unit"])
    instruments = list(dict.fromkeys(both["instrument"]))
    counts = ["n_employees", "n_customers"]
    by_unit = both.fillna(dict.fromkeys(counts, -1.0)).groupby(["instrument", "unit"])
    least = by_unit[counts].min()
    units = by_unit[["engagement", "experience"]].mean().join(least.mask(least < 0)).reset_index()
    order = units["instrument"].map({name: i for i, name in enumerate(instruments)})
    units = units.iloc[np.lexsort((units["unit"], order))]
    lonely = scores[~scores["unit"].isin(known)]
    engaged = lonely.groupby("unit")["engagement"].apply(lambda v: v.notna().any())
    several = len(both["instrument"].unique()) > 1
    return Pairs(
        units=units[
            ["unit", "instrument", "engagement", "experience", "n_employees", "n_customers"]
        ].reset_index(drop=True),
        waves=both[["unit", "wave", "engagement", "experience"]].iloc[:0]
        if several
        else both[["unit", "wave", "engagement", "experience"]].reset_index(drop=True),
        employees=None,
        customers=None,
        answers=None,
        spans=_spans([]),
        attributes=_attributes(study),
        perceived=None,
        unmatched=pd.DataFrame(
            {
                "unit": engaged.index,
                "side": ["experience" if e else "engagement" for e in engaged],
            }
        ),
        same_people=contract.raters == "same people",
        engagement_unit="engagement score",
        experience_unit="experience score",
        engagement_top=float(contract.engagement.scale[1]),
        experience_top=float(contract.experience.scale[1]),
        items={},
        options=0,
        wave_note="the waves were measured with different instruments, so a change between them "
        "is a change of instrument as much as of the units"
        if several
        else "",
    )


def _joined(staff: pd.DataFrame, clients: pd.DataFrame) -> pd.DataFrame:
    """Join both sides' means and numbers of people on their index."""
    staff = staff.rename(columns={"mean": "engagement", "size": "n_employees"})
    clients = clients.rename(columns={"mean": "experience", "size": "n_customers"})
    return staff.join(clients, how="outer").sort_index().reset_index()


def _unmatched(units: pd.DataFrame) -> pd.DataFrame:
    """List the units that have one side only, with the side that is missing."""
    lonely = units[units["engagement"].isna() | units["experience"].isna()]
    side = np.where(lonely["engagement"].isna(), "engagement", "experience")
    return pd.DataFrame({"unit": lonely["unit"].astype(str), "side": side})


def _attributes(study: Study) -> pd.DataFrame | None:
    """Return the declared attributes of units, or None where the study has none."""
    if not study.has("units"):
        return None
    names = [name for name in study.contract.of("units").attributes if name in study.units]
    return study.units[["unit", *names]] if names else None


def _spans(waves: Sequence[str]) -> pd.DataFrame:
    """Return each wave's first and last day, where its name is a date's."""
    halves = {"H1": ("Q1", "Q2"), "H2": ("Q3", "Q4")}
    rows = []
    for wave in waves:
        ends = [wave[:4] + q for q in halves.get(wave[4:], (wave[4:], wave[4:]))]
        try:
            first, last = (pd.Period(end) for end in ends)
        except ValueError:
            return pd.DataFrame(columns=["wave", "first", "last"])
        rows.append({"wave": wave, "first": first.start_time, "last": last.end_time.normalize()})
    return pd.DataFrame(rows, columns=["wave", "first", "last"])


def _calendar(waves: pd.Series) -> tuple[Callable[[pd.Timestamp], str | None], str]:
    """Return how a date becomes a wave's label, and why not where it cannot."""
    names = [str(name) for name in waves.unique()]
    for form, name_of in _CALENDARS.items():
        if names and all(re.fullmatch(form, name) for name in names):
            return name_of, ""
    note = "the waves' names are not all years, half-years, quarters or months, so customers' "
    return (lambda _: None), note + "answers cannot be laid beside them wave by wave"


#: How a wave's name may be written, and how a day of it becomes that name.
_CALENDARS: dict[str, Callable[[pd.Timestamp], str | None]] = {
    r"\d{4}Q[1-4]": lambda d: f"{d.year}Q{(d.month + 2) // 3}",
    r"\d{4}H[12]": lambda d: f"{d.year}H{(d.month + 5) // 6}",
    r"\d{4}-\d{2}": lambda d: f"{d.year}-{d.month:02d}",
    r"\d{4}": lambda d: f"{d.year}",
}

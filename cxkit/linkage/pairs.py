"""Two sides of one unit: what employees say and what customers say, matched unit by unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from cxkit.errors import QuestionError
from cxkit.linkage.sides import clients_side, staff_side
from cxkit.linkage.waves import dated, in_wave, renamed, spans
from cxkit.markup import counted
from cxkit.study.meaning import people_apart
from cxkit.study.requirements import hold_requirements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cxkit.linkage.sides import Staff
    from cxkit.study.study import Study

#: What the employees' and the customers' own answers are called beside scores aggregated elsewhere.
SINGLE_ANSWERS = "single answers, all waves"

_SIDES = ["engagement", "experience"]
_COUNTS = ["n_employees", "n_customers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Engagement and experience of the same units.

    Attributes
    ----------
    units : DataFrame
        One row per unit and instrument with both sides: unit, instrument, engagement, experience,
        n_employees, n_customers (NaN where counts were not published); of single answers also alike
        (whether the unit's employees all answered the same) and, of one wave, changed (the fewest
        people by whom its respondents differ from another wave's). Scores aggregated elsewhere
        are averaged over their waves; their counts are then those of the smallest wave.
    waves : DataFrame
        One row per unit and wave with both sides: unit, wave, engagement, experience, n_employees,
        n_customers (NaN where not published). Empty where waves cannot be matched or their
        instruments differ.
    survey : DataFrame or None
        One row per employee, unit and wave: unit, wave, respondent, index, each item as keyed, and
        enps where it was asked; None for scores aggregated elsewhere.
    employees : DataFrame or None
        The same averaged over waves: unit, respondent, index, and each item as keyed.
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
        One row per employee and unit: unit, index, and perceived, their own view of the experience.
    unmatched : DataFrame
        Units with one side only: unit, side (the side that is missing), n (people on the other
        side, NaN where that was not published).
    waves_alone : DataFrame
        Waves with one side only: wave, side (the side that is missing).
    outside : int
        Customers' answers left out, since no employee was asked in their wave.
    same_people : bool
        Whether the same people rated both sides.
    engagement_unit, experience_unit : str
        What one step of each score is.
    """

    units: pd.DataFrame
    waves: pd.DataFrame
    unmatched: pd.DataFrame
    same_people: bool
    engagement_unit: str
    experience_unit: str
    engagement_top: float
    experience_top: float
    survey: pd.DataFrame | None = None
    employees: pd.DataFrame | None = None
    customers: pd.DataFrame | None = None
    answers: pd.DataFrame | None = None
    spans: pd.DataFrame = field(default_factory=lambda: spans([]))
    attributes: pd.DataFrame | None = None
    perceived: pd.DataFrame | None = None
    waves_alone: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["wave", "side"])
    )
    items: dict[str, tuple[str, ...]] = field(default_factory=dict)
    scale: tuple[float, float] = (0.0, 0.0)
    wave_note: str = ""
    outside: int = 0

    @property
    def options(self) -> int:
        """Return how many answers an item allows."""
        return int(self.scale[1] - self.scale[0] + 1)

    @property
    def measured_in(self) -> Literal["points", "score"]:
        """Return what experience is measured in: points of NPS, or steps of a scale."""
        return "points" if self.experience_unit.startswith("NPS") else "score"

    @property
    def instruments(self) -> list[str]:
        """Return the instruments, in the order of their waves."""
        return list(dict.fromkeys(self.units["instrument"]))


def pair(study: Study, *, measure: str, wave: str = "") -> Pairs:
    """Match engagement with experience: people's own answers, unit scores, or one of each.

    Parameters
    ----------
    study : Study
        With `engagement` and `responses`; with `unit_scores` of both sides; or with `unit_scores`
        of one side and people's answers on the other.
    measure : str
        The customers' score: nps, csat or ces; "" takes csat, else the first there is.
    wave : str
        One wave to read; "" reads all.

    Raises
    ------
    MissingTableError
        If the study has no such form.
    ColumnError
        If the employees' items, the customers' scores, or the units of either are not declared.
    ParameterError
        If the wave is not in the study.
    QuestionError
        If no unit has both sides, or the items have different scales.

    Notes
    -----
    A person counts once: answers are averaged over waves within an employee and a unit, and within
    a customer and a unit, before the unit's mean is taken over people; an answer that names no
    customer is a person of its own. Reverse-keyed items are turned, and so is effort where a high
    answer is a bad one. NPS enters as -100, 0 or 100 per answer. A unit whose scores were
    aggregated elsewhere counts once per instrument, by its mean over the waves, so that waves of
    one unit are not taken for units. People's answers on both sides are taken before scores.
    """
    table = study.contract.of("unit_scores") if study.has("unit_scores") else None
    people = [name for name in ("engagement", "responses") if study.has(name)]
    if len(people) == 2 or table is None:
        study.need(
            "engagement",
            "responses",
            why="to set what employees say of a unit against what customers say of it (or "
            "unit_scores, where both were aggregated elsewhere)",
        )
        hold_requirements(study, "engagement_correlation")
        found = _from_answers(study, measure=measure, wave=wave)
    elif table.engagement is not None and table.experience is not None:
        found = _from_unit_scores(study, wave=wave)
    else:
        other = "responses" if table.experience is None else "engagement"
        study.need(other, why="to have the side that unit_scores does not hold")
        hold_requirements(study, "engagement_correlation")
        found = _from_both(study, measure=measure, wave=wave)
    if found.units.empty:
        sides = found.unmatched.groupby("side")["unit"].apply(
            lambda u: ", ".join(u.head(3)) + (" ..." if len(u) > 3 else "")
        )
        lacking = "; ".join(f"without {side}: {names}" for side, names in sides.items())
        raise QuestionError(
            f"No unit has both sides: {counted(len(found.unmatched), 'unit')} without a partner "
            f"({lacking}).\n  Check that `unit` in both tables of study.yml names the same "
            "codes."
        )
    return found


def aggregated_beside(study: Study) -> Pairs | None:
    """Return the unit scores that stand beside single answers, or None where there are none.

    They are never pooled with the answers nor subtracted from them.
    """
    if not all(study.has(table) for table in ("unit_scores", "engagement", "responses")):
        return None
    scores = study.contract.of("unit_scores")
    if scores.engagement is None or scores.experience is None:
        return None
    return _from_unit_scores(study, wave="")


def _from_answers(study: Study, *, measure: str, wave: str) -> Pairs:
    """Pair raw employee answers with raw customer answers."""
    clients, staff = clients_side(study, measure=measure), staff_side(study)
    keyed = in_wave(staff.rows, wave)
    scored, note, outside, alone = dated(clients, keyed["wave"])
    waves = _joined(
        keyed.groupby(["unit", "wave"])["index"].agg(["mean", "size"]),
        scored.groupby(["unit", "wave"])["score"].agg(["mean", "size"]),
    )
    people, heard = _people(keyed, staff), _customers(scored)
    units = _joined(
        people.groupby("unit")["index"].agg(["mean", "size"]),
        heard.groupby("unit")["score"].agg(["mean", "size"]),
    )
    index = people.groupby("unit")["index"]
    units["alike"] = units["unit"].map(index.max() == index.min())  # one person is like himself
    if wave:
        apart = people_apart(staff.rows.astype({"wave": str})).xs(wave, level="wave")
        units["changed"] = units["unit"].map(apart)
    both = waves.dropna(subset=_SIDES).reset_index(drop=True)
    return Pairs(
        units=units.dropna(subset=_SIDES)
        .assign(instrument=f"wave {wave}" if wave else SINGLE_ANSWERS)
        .reset_index(drop=True),
        waves=both.iloc[:0] if note else both,
        survey=keyed,
        employees=people,
        customers=heard,
        answers=scored[["unit", "wave", "customer", "score"]].merge(
            waves[["unit", "wave", "engagement"]].dropna(), on=["unit", "wave"]
        ),
        spans=spans(sorted(set(keyed["wave"]))),
        attributes=_attributes(study),
        perceived=_perceived(study, keyed),
        unmatched=_unmatched(units),
        waves_alone=alone.iloc[: 0 if wave else None],
        same_people=staff.same_people,
        engagement_unit=staff.unit,
        experience_unit=clients.unit,
        engagement_top=staff.scale[1],
        experience_top=clients.top,
        items=staff.items,
        scale=staff.scale,
        wave_note=note,
        outside=0 if wave else outside,
    )


def _from_unit_scores(study: Study, *, wave: str) -> Pairs:
    """Pair scores that were aggregated elsewhere; instruments are kept apart."""
    contract = study.contract.of("unit_scores")
    scores = _scores(study, wave)
    both = scores.dropna(subset=_SIDES).sort_values(["wave", "unit"], kind="stable")
    parts = [_by_unit(part).assign(instrument=n) for n, part in _by_instrument(both)]
    units = pd.concat(parts, ignore_index=True) if parts else both.iloc[:0]
    seen = [s for s in _SIDES if len(scores)]
    any_side = scores.groupby("unit")[seen + _COUNTS].max().reset_index()
    lonely = any_side[~any_side["unit"].isin(set(both["unit"]))].copy()
    in_no = set(scores["wave"]) - set(both["wave"])
    gone = [(w, _lacking(scores[scores["wave"] == w])) for w in sorted(in_no)]
    several = len(set(both["instrument"])) > 1
    return Pairs(
        units=units[["unit", "instrument", *_SIDES, *_COUNTS]],
        waves=both[["unit", "wave", *_SIDES, *_COUNTS]]
        .iloc[: 0 if several else None]
        .reset_index(drop=True),
        attributes=_attributes(study),
        unmatched=_unmatched(lonely),
        waves_alone=pd.DataFrame(gone, columns=["wave", "side"]),
        same_people=contract.raters == "same people",
        engagement_unit="engagement score",
        experience_unit="experience score",
        engagement_top=float(contract.engagement.scale[1]),
        experience_top=float(contract.experience.scale[1]),
        wave_note=_SEVERAL if several else "",
    )


def _from_both(study: Study, *, measure: str, wave: str) -> Pairs:
    """Pair people's answers on one side with scores aggregated elsewhere on the other."""
    contract = study.contract.of("unit_scores")
    there = "experience" if contract.engagement is None else "engagement"
    scores = _scores(study, wave).dropna(subset=[there])
    staff = staff_side(study) if there == "experience" else None
    clients = None if staff is not None else clients_side(study, measure=measure)
    outside, gone = 0, pd.DataFrame(columns=["wave", "side"])
    if clients is not None:
        rows, note, outside, gone = dated(clients, scores["wave"], of="the scores of engagement")
        key, score = "customer", "score"
    elif staff is not None:
        rows, note, gone = renamed(staff, scores["wave"])
        key, score = "respondent", "index"
    side = "engagement" if staff is not None else "experience"
    counts = dict(zip(_SIDES, _COUNTS, strict=True))
    parts, lonely = [], []
    for name, part in _by_instrument(scores):
        own = rows if note else rows[rows["wave"].isin(set(part["wave"]))]
        people = own.groupby(["unit", key], as_index=False)[score].mean()
        mine = people.groupby("unit")[score].agg(["mean", "size"])
        mine.columns = pd.Index([side, counts[side]])
        theirs = _by_unit(part).set_index("unit")[[there, counts[there]]]
        joined = mine.join(theirs, how="outer").sort_index().reset_index().assign(instrument=name)
        parts.append(joined.dropna(subset=_SIDES))
        lonely.append(joined)
    units = pd.concat(parts, ignore_index=True)
    alone = pd.concat(lonely, ignore_index=True)
    alone = alone[~alone["unit"].isin(set(units["unit"]))].drop_duplicates("unit")
    several = len(set(scores["instrument"])) > 1
    by_wave = rows.groupby(["unit", "wave"])[score].agg(["mean", "size"])
    by_wave.columns = pd.Index([side, counts[side]])
    waves = by_wave.reset_index().merge(
        scores[["unit", "wave", there, counts[there]]], on=["unit", "wave"]
    )[["unit", "wave", *_SIDES, *_COUNTS]]
    return Pairs(
        units=units[["unit", "instrument", *_SIDES, *_COUNTS]],
        waves=waves.iloc[:0] if several or note else waves,
        survey=None if staff is None else rows,
        employees=None if staff is None else _people(rows, staff),
        customers=None if clients is None else _customers(rows),
        spans=spans(sorted(set(waves["wave"]))),
        attributes=_attributes(study),
        perceived=None if staff is None else _perceived(study, rows),
        unmatched=_unmatched(alone),
        waves_alone=gone,
        same_people=contract.raters == "same people",
        engagement_unit="engagement score" if staff is None else staff.unit,
        experience_unit="experience score" if clients is None else clients.unit,
        engagement_top=float(contract.engagement.scale[1]) if staff is None else staff.scale[1],
        experience_top=float(contract.experience.scale[1]) if clients is None else clients.top,
        items={} if staff is None else staff.items,
        scale=(0.0, 0.0) if staff is None else staff.scale,
        wave_note=_SEVERAL if several else note,
        outside=outside,
    )


_SEVERAL = (
    "the waves were measured with different instruments, so a change between them is a change of "
    "instrument as much as of the units; no change score is given"
)


def _people(keyed: pd.DataFrame, staff: Staff) -> pd.DataFrame:
    """Return each employee of a unit once, by the mean over the waves."""
    columns = ["index", *(name for names in staff.items.values() for name in names)]
    return keyed.groupby(["unit", "respondent"], as_index=False)[columns].mean()


def _customers(scored: pd.DataFrame) -> pd.DataFrame:
    """Return each customer of a unit once, by the mean over the answers."""
    return scored.groupby(["unit", "customer"], as_index=False)[["score"]].mean()


def _perceived(study: Study, keyed: pd.DataFrame) -> pd.DataFrame | None:
    """Return the employees' own view of the experience beside their index, if it was asked."""
    if study.contract.of("engagement").perceived_experience is None:
        return None
    columns = {"perceived_experience": "perceived"}
    own = keyed.rename(columns=columns).groupby(["unit", "respondent"])[["index", "perceived"]]
    return own.mean().reset_index()[["unit", "index", "perceived"]]


def _scores(study: Study, wave: str) -> pd.DataFrame:
    """Return the scores aggregated elsewhere with both counts, NaN where not published."""
    scores = study.unit_scores.copy()
    scores["instrument"] = scores["instrument"].astype(str)
    for column in _COUNTS:
        if column not in scores:
            scores[column] = np.nan
    return in_wave(scores, wave).sort_values(["wave", "unit"], kind="stable")


def _by_instrument(scores: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    """Return each instrument's rows, in the order of their waves."""
    names = list(dict.fromkeys(scores["instrument"]))
    return [(name, scores[scores["instrument"] == name]) for name in names]


def _by_unit(part: pd.DataFrame) -> pd.DataFrame:
    """Return each unit once: means over the waves, and the people of the smallest wave."""
    sides = [side for side in _SIDES if side in part]
    by_unit = part.fillna(dict.fromkeys(_COUNTS, -1.0)).groupby("unit")
    least = by_unit[_COUNTS].min()
    return by_unit[sides].mean().join(least.mask(least < 0)).reset_index()


def _lacking(rows: pd.DataFrame) -> str:
    """Return the side that a wave's rows lack."""
    return "experience" if rows["engagement"].notna().any() else "engagement"


def _joined(staff: pd.DataFrame, clients: pd.DataFrame) -> pd.DataFrame:
    """Join both sides' means and numbers of people on their index."""
    staff = staff.rename(columns={"mean": "engagement", "size": "n_employees"})
    clients = clients.rename(columns={"mean": "experience", "size": "n_customers"})
    return staff.join(clients, how="outer").sort_index().reset_index()


def _unmatched(units: pd.DataFrame) -> pd.DataFrame:
    """List the units that have one side only, with the side that is missing."""
    lonely = units[units["engagement"].isna() | units["experience"].isna()]
    engaged = lonely["engagement"].notna()
    return pd.DataFrame(
        {
            "unit": lonely["unit"].astype(str),
            "side": np.where(engaged, "experience", "engagement"),
            "n": lonely["n_employees"].where(engaged, lonely["n_customers"]),
        }
    )


def _attributes(study: Study) -> pd.DataFrame | None:
    """Return the declared attributes of units, or None where the study has none."""
    if not study.has("units"):
        return None
    names = [name for name in study.contract.of("units").attributes if name in study.units]
    return study.units[["unit", *names]] if names else None

"""The two sides of a unit as people's own answers: one row per answer, a high one being good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from cxkit.errors import QuestionError
from cxkit.metrics.consistency import reverse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cxkit.study.columns import Item, Score
    from cxkit.study.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """What employees answered: one row per employee, unit and wave, a high answer being good.

    ``rows`` has unit, wave, respondent, index (the mean of the items), each item as keyed, and enps
    and perceived_experience where they were asked.
    """

    rows: pd.DataFrame
    items: dict[str, tuple[str, ...]]
    scale: tuple[float, float]
    same_people: bool

    @property
    def unit(self) -> str:
        """Return what one step of the index is."""
        return f"engagement index ({self.scale[0]:g} to {self.scale[1]:g})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """What customers answered: one row per answer (unit, customer, answered_on, score)."""

    rows: pd.DataFrame
    unit: str
    top: float


def staff_side(study: Study) -> Staff:
    """Return the employees' answers with reverse-keyed items turned."""
    contract = study.contract.of("engagement")
    items = contract.items
    _hold_one_scale(items)
    keyed = study.engagement.copy()
    for name, item in items.items():
        if item.reversed:
            keyed[name] = reverse(keyed[[name]], columns=[name], scale=item.scale)[name]
    keyed["index"] = keyed[list(items)].mean(axis=1)
    groups: dict[str, tuple[str, ...]] = {}
    for name, item in items.items():
        groups[item.group or "items"] = (*groups.get(item.group or "items", ()), name)
    low, high = next(iter(items.values())).scale
    return Staff(
        rows=keyed[keyed["index"].notna()].reset_index(drop=True),
        items=groups,
        scale=(float(low), float(high)),
        same_people=contract.raters == "same people",
    )


def measure_of(scores: Mapping[str, Score], measure: str) -> str:
    """Return the customers' score that is meant: the one named, else the first there is."""
    return measure or next((m for m in ("csat", "nps", "ces") if m in scores), "")


def scales(study: Study, *, measure: str, asked: tuple[bool, bool]) -> str:
    """Return on which scales both sides were asked; ``asked``: whether people's own answers."""
    employees, customers = asked
    told = []
    if employees and (items := study.contract.of("engagement").items):
        low, high = next(iter(items.values())).scale
        turned = sum(item.reversed for item in items.values())
        told.append(
            f"engagement: mean of {len(items)} items, {low:g} to {high:g}, high is good"
            + (f" ({turned} worded the other way, and turned)" if turned else "")
        )
    else:
        told.append(study.scale_of("engagement"))
    if customers:
        found = measure_of(study.contract.of("responses").scores, measure)
        told.append(study.scale_of(found))
    else:
        told.append(study.scale_of("experience"))
    return "; ".join(filter(None, told))


def clients_side(study: Study, *, measure: str) -> Clients:
    """Return the customers' answers to one score, a high score being good."""
    scores = study.contract.of("responses").scores
    measure = measure_of(scores, measure)
    if measure not in scores:
        what = f"measure {measure!r} is not a score" if measure else "nps, csat or ces is not there"
        raise QuestionError(
            f"{what} of this study.\n  Scores under responses in study.yml: {', '.join(scores)}."
        )
    spec = scores[measure]
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
    scored["customer"] = scored["customer"].where(scored["customer"].notna(), alone)
    turned = "" if spec.higher_is_better else ", turned so that high is good"
    return Clients(
        rows=scored[["unit", "customer", "answered_on", "score"]],
        unit="NPS (points)" if measure == "nps" else f"mean {measure.upper()}{turned}",
        top=100.0 if measure == "nps" else float(spec.scale[1]),
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

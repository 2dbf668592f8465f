"""Is the hazard ratio the same early and late: an explicit term of the band times log time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.results import Estimate, Guard
from cxkit.retention.cox import cox


def person_rows(cells: pd.DataFrame) -> pd.DataFrame:
    """Return counts of months as rows for Cox: who stayed and who left in each month, weighted."""
    stayed = cells.assign(left=False, n=cells["at_risk"] - cells["exits"])
    gone = cells.assign(left=True, n=cells["exits"])
    rows = pd.concat([stayed, gone], ignore_index=True)
    rows = rows[rows["n"] > 0]
    return rows.assign(start=rows["month"] - 1, stop=rows["month"])


def over_time(
    cells: pd.DataFrame, held: list[str], high: str, level: float, *, n: int
) -> tuple[Estimate, Estimate, Estimate]:
    """Return how the ratio changes with each doubling of the months, and it at 6 and 36 months."""
    good = (cells["state"].astype(str) == high).astype(float)
    slope = "state x log2 month"
    cells = cells.assign(**{slope: good * np.log2(cells["month"])})
    fitted = cox(
        person_rows(cells),
        covariates=["state", *held, slope],
        weight="n",
        ties="breslow",
        level=level,
    )
    term = f"state: {high}"

    def at(months: float) -> Estimate:
        """Return the ratio at a time since joining."""
        weights = {term: 1.0, slope: float(np.log2(months))}
        found = fitted.contrast(weights, metric=f"{months:g} months after joining")
        return dataclasses.replace(found, n=n)

    return dataclasses.replace(fitted.ratio(slope), n=n), at(6), at(36)


def proportion(
    fades: Estimate | None, early: Estimate | None, late: Estimate | None, high: str, low: str
) -> str:
    """Say whether the hazard ratio is the same early and late; three ways, by the interval."""
    if fades is None or early is None or late is None or fades.value is None:
        return "Whether the ratio is the same early and late cannot be told: too few left."
    at = (
        f"hazard ratio of {high} against {low} {markup.quantity(early.value, 'ratio')} "
        f"({markup.interval(early.low, early.high, 'ratio')}) 6 months after joining and "
        f"{markup.quantity(late.value, 'ratio')} "
        f"({markup.interval(late.low, late.high, 'ratio')}) 36 months after"
    )
    if fades.low is not None and fades.low > 1:
        return f"The ratio rises the longer customers have been with the firm: {at}."
    if fades.high is not None and fades.high < 1:
        return f"The ratio falls the longer customers have been with the firm: {at}."
    return f"A change of the ratio with the time since joining cannot be told: {at}."


def proportional_guard(fades: Estimate | None, said: str) -> Guard:
    """Say whether one ratio stands for every time since joining."""
    fired = fades is not None and (
        (fades.low is not None and fades.low > 1) or (fades.high is not None and fades.high < 1)
    )
    return Guard(kind="proportional hazards", fired=fired, text=said)

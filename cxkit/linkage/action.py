"""Where to act: units on the plane of engagement and experience, and what a step goes with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from cxkit import markup

if TYPE_CHECKING:
    from cxkit.linkage.multilevel import Multilevel
    from cxkit.results import Estimate

#: How likely a unit must be on one side of the middle before it is placed there.
PLACED = 0.90

#: The step of engagement that "goes with" speaks of: a quarter of a point.
STEP = 0.25

CORNERS = {
    (False, False): "low on both",
    (True, False): "engaged staff, poor experience",
    (False, True): "good experience, unengaged staff",
    (True, True): "high on both",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Units placed on the plane, as far as their uncertainty allows.

    Attributes
    ----------
    units : DataFrame
        One row per unit: unit, engagement, experience (shrunken) with their limits (_low, _high),
        engagement_above and experience_above (the probability of lying above the middle), corner
        ("cannot be placed" where either probability is between .10 and .90), n_employees,
        n_customers.
    corners : DataFrame
        One row per corner: corner, units.
    middle : tuple of float
        Mean engagement and mean experience over all people.
    sentence : str
    """

    units: pd.DataFrame
    corners: pd.DataFrame
    middle: tuple[float, float]
    sentence: str


def place(staff: pd.DataFrame, clients: pd.DataFrame, *, shown: pd.Series) -> Plane | None:
    """Place each unit above or below the mean of all on both sides, where that can be told.

    Parameters
    ----------
    staff, clients : DataFrame
        Units held to the mean of all on engagement and on experience: see :func:`held_to`. Empty
        for scores aggregated elsewhere.
    shown : Series
        Names of the units that may be shown: only these are placed and counted, since the corners
        of all less those of the shown would tell where the hidden ones lie.

    Returns
    -------
    Plane or None
        None where a side came aggregated, or no unit may be shown.

    Notes
    -----
    Unit means are drawn towards the mean of all, the more the fewer people stand behind them, and
    the probability of lying above is that of :func:`shrunken`. A unit is placed where both
    probabilities are beyond .90 or .10. A league of raw means would put the smallest units at both
    ends.

    References
    ----------
    Efron, B. and Morris, C. (1975). Data analysis using Stein's estimator and its generalizations.
    Journal of the American Statistical Association 70, 311-319.
    https://doi.org/10.1080/01621459.1975.10479864
    """
    if staff.empty or clients.empty:
        return None
    both = staff.merge(clients, on="unit", suffixes=("_x", "_y"))
    if len(both) < 4:
        return None
    names = ["cannot be placed"] * len(both)
    for i, (a, b) in enumerate(zip(1 - both["below_x"], 1 - both["below_y"], strict=True)):
        if (a > PLACED or a < 1 - PLACED) and (b > PLACED or b < 1 - PLACED):
            names[i] = CORNERS[(bool(a > PLACED), bool(b > PLACED))]
    sides = (("engagement", "x"), ("experience", "y"))
    units = pd.DataFrame(
        {
            "unit": both["unit"],
            **{side: both[f"value_{s}"] for side, s in sides},
            **{f"{side}_{end}": both[f"{end}_{s}"] for side, s in sides for end in ("low", "high")},
            **{f"{side}_above": 1 - both[f"below_{s}"] for side, s in sides},
            "n_employees": both["n_x"],
            "n_customers": both["n_y"],
            "corner": names,
        }
    )
    units = units[units["unit"].isin(set(shown))].reset_index(drop=True)
    if units.empty:
        return None
    order = [*CORNERS.values(), "cannot be placed"]
    counted = units["corner"].value_counts().reindex(order, fill_value=0)
    corners = counted.rename("units").rename_axis("corner").reset_index()
    middle = (float(staff["target"].iloc[0]), float(clients["target"].iloc[0]))
    return Plane(units=units, corners=corners, middle=middle, sentence=_placed(corners))


def step_goes_with(model: Multilevel, *, measured_in: str, step: float = STEP) -> Estimate:
    """Return what a step of engagement goes with in experience, between units."""
    import dataclasses

    b = model.between
    if b.value is None:
        return b
    scaled = [None if v is None else step * v for v in (b.value, b.low, b.high, b.se)]
    return dataclasses.replace(
        b,
        metric=f"{step:g} points of engagement go with, in experience",
        measured_in=measured_in,
        value=scaled[0],
        low=scaled[1],
        high=scaled[2],
        se=scaled[3],
    )


#: Why a step that goes with experience is no promise of it.
NO_PROMISE = (
    "This compares units as they are; it does not say that raising engagement would move "
    "experience, since place, management and customers differ between units as well."
)


def step_sentence(step: Estimate, *, of: str) -> str:
    """Say what a step of engagement goes with in a score; three ways, by the interval."""
    if step.value is None or step.low is None or step.high is None:
        return f"What a step of engagement goes with in {of} cannot be told: {step.reason}"
    limits = (
        f"{markup.quantity(step.value, step.measured_in)} "
        f"({markup.percent_label(step.level)} interval "
        f"{markup.interval(step.low, step.high, step.measured_in)}, {step.n:,} units)"
    )
    if step.low > 0:
        return f"A quarter of a point more engagement goes with better {of}: {limits}."
    if step.high < 0:
        return f"A quarter of a point more engagement goes with worse {of}: {limits}."
    return f"What a quarter of a point of engagement goes with in {of} cannot be told: {limits}."


def _placed(corners: pd.DataFrame) -> str:
    """Say how many units stand where, and how many cannot be placed."""
    by = corners.set_index("corner")["units"]
    total, loose = int(by.sum()), int(by["cannot be placed"])
    parts = [f"{int(n):,} {name}" for name, n in by.items() if name != "cannot be placed" and n]
    if not parts:
        return f"None of {total:,} shown units can be placed: their means are too uncertain."
    return (
        f"Of {total:,} shown units {total - loose:,} can be placed with 90 % probability on both "
        f"sides: {'; '.join(parts)}. The other {loose:,} cannot be told from the middle on one "
        "side or both."
    )

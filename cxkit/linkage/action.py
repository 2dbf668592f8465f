"""Where to act: units on the plane of engagement and experience, and what a step goes with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.linkage.pooling import pool

if TYPE_CHECKING:
    from cxkit.linkage.multilevel import Multilevel
    from cxkit.linkage.pairs import Pairs
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
        One row per unit: unit, engagement, experience (shrunken), engagement_above and
        experience_above (the probability of lying above the middle), corner ("cannot be placed"
        where either probability is between .10 and .90), n_employees, n_customers.
    corners : DataFrame
        One row per corner: corner, units.
    sentence : str
    """

    units: pd.DataFrame
    corners: pd.DataFrame
    sentence: str


def place(pairs: Pairs) -> Plane | None:
    """Place each unit above or below the middle unit on both sides, where that can be told.

    Parameters
    ----------
    pairs : Pairs
        With people's own answers; None is returned for scores aggregated elsewhere.

    Returns
    -------
    Plane or None

    Notes
    -----
    Unit means are shrunken towards the mean of all by their reliability (normal-normal; the
    variance between units by REML), and the probability of lying above the middle comes from the
    shrunken value and its error. A unit is placed where both probabilities are beyond .90 or .10.
    A league of raw means would put the smallest units at both ends.

    References
    ----------
    Efron, B. and Morris, C. (1975). Data analysis using Stein's estimator and its generalizations.
    Journal of the American Statistical Association 70, 311-319.
    https://doi.org/10.1080/01621459.1975.10479864
    """
    if pairs.employees is None or pairs.customers is None:
        return None
    staff = _shrunken(pairs.employees, "index")
    clients = _shrunken(pairs.customers, "score")
    both = staff.add_suffix("_x").join(clients.add_suffix("_y"), how="inner")
    if len(both) < 4:
        return None
    names = ["cannot be placed"] * len(both)
    for i, (a, b) in enumerate(zip(both["above_x"], both["above_y"], strict=True)):
        if (a > PLACED or a < 1 - PLACED) and (b > PLACED or b < 1 - PLACED):
            names[i] = CORNERS[(bool(a > PLACED), bool(b > PLACED))]
    units = pd.DataFrame(
        {
            "unit": both.index,
            "engagement": both["value_x"].to_numpy(),
            "experience": both["value_y"].to_numpy(),
            "engagement_above": both["above_x"].to_numpy(),
            "experience_above": both["above_y"].to_numpy(),
            "n_employees": both["n_x"].to_numpy(),
            "n_customers": both["n_y"].to_numpy(),
            "corner": names,
        }
    )
    order = [*CORNERS.values(), "cannot be placed"]
    counted = units["corner"].value_counts().reindex(order, fill_value=0)
    corners = counted.rename("units").rename_axis("corner").reset_index()
    return Plane(units=units, corners=corners, sentence=_placed(corners))


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


def step_sentence(step: Estimate) -> str:
    """Say what a step goes with, and why that is no promise; three ways, by the interval."""
    promise = (
        " This compares units as they are; it does not say that raising engagement would move "
        "experience, since place, management and customers differ between units as well."
    )
    if step.value is None or step.low is None or step.high is None:
        return f"What a step of engagement goes with cannot be told: {step.reason}"
    limits = (
        f"{markup.quantity(step.value, step.measured_in)} "
        f"({markup.percent_label(step.level)} interval "
        f"{markup.interval(step.low, step.high, step.measured_in)}, {step.n:,} units)"
    )
    if step.low > 0:
        return (
            f"A quarter of a point more engagement goes with better experience: {limits}.{promise}"
        )
    if step.high < 0:
        return (
            f"A quarter of a point more engagement goes with worse experience: {limits}.{promise}"
        )
    return f"What a quarter of a point of engagement goes with cannot be told: {limits}.{promise}"


def _shrunken(people: pd.DataFrame, score: str) -> pd.DataFrame:
    """Return each unit's shrunken mean and its probability of lying above the middle."""
    from scipy.stats import norm

    rows = people[["unit", score]].dropna()
    groups = rows.groupby("unit")[score]
    table = pd.DataFrame({"n": groups.size(), "mean": groups.mean()})
    inside = (rows[score] - groups.transform("mean")).pow(2).sum()
    within = float(inside) / max(len(rows) - len(table), 1)
    variance = within / table["n"]
    pooled = pool(table["mean"], variance)
    centre = pooled.mean.value if pooled.mean.value is not None else float(table["mean"].mean())
    trust = pooled.tau2 / (pooled.tau2 + variance)
    table["value"] = centre + trust * (table["mean"] - centre)
    error = np.maximum(np.sqrt(trust * variance), 1e-12)
    middle = float(table["value"].median())
    table["above"] = norm.cdf((table["value"] - middle) / error) if pooled.tau2 > 0 else 0.5
    return table


def _placed(corners: pd.DataFrame) -> str:
    """Say how many units stand where, and how many cannot be placed."""
    by = corners.set_index("corner")["units"]
    total, loose = int(by.sum()), int(by["cannot be placed"])
    parts = [f"{int(n):,} {name}" for name, n in by.items() if name != "cannot be placed" and n]
    if not parts:
        return f"None of {total:,} units can be placed: their means are too uncertain."
    return (
        f"Of {total:,} units {total - loose:,} can be placed with 90 % probability on both sides: "
        f"{', '.join(parts)}. The other {loose:,} cannot be told from the middle on one side or "
        "both."
    )

"""Whether the correlation hangs on one unit, on unit size, or on what the units are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cxkit.linkage.ladder import correlation, fisher

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from cxkit.results import Estimate


def leave_one_out(units: pd.DataFrame) -> tuple[float, float] | None:
    """Return the least and the largest correlation when each unit is left out in turn.

    Notes
    -----
    From sums, not by refitting; None below five units or where a side does not vary.
    """
    x = units["engagement"].to_numpy(float)
    y = units["experience"].to_numpy(float)
    n = len(x)
    if n < 5 or np.ptp(x) < 1e-12 or np.ptp(y) < 1e-12:
        return None
    x, y = x - x.mean(), y - y.mean()
    m = n - 1
    sx, sy = -x, -y
    xx, yy, xy = (x @ x) - x * x, (y @ y) - y * y, (x @ y) - x * y
    spread = (xx - sx**2 / m) * (yy - sy**2 / m)
    if spread.min() <= 1e-24:
        return None
    r = (xy - sx * sy / m) / np.sqrt(spread)
    return float(r.min()), float(r.max())


def weighted(units: pd.DataFrame, *, level: float) -> Estimate | None:
    """Return the correlation with units weighing by the smaller of their two numbers of people.

    Notes
    -----
    Fisher interval on Kish's effective number of units; None where the counts are not published.
    """
    if units["n_employees"].isna().any() or units["n_customers"].isna().any() or len(units) < 5:
        return None
    w = units[["n_employees", "n_customers"]].min(axis=1).to_numpy(float)
    x, y = (units[c].to_numpy(float) for c in ("engagement", "experience"))
    plain = correlation(x, y, level=level)
    effective = float(w.sum() ** 2 / (w @ w))
    if plain.value is None or effective <= 4:
        return None
    a, b = (v - (w @ v) / w.sum() for v in (x, y))
    r = float((w * a) @ b / math.sqrt(((w * a) @ a) * ((w * b) @ b)))
    r = max(min(r, 1.0), -1.0)  # products of sums may round a hair beyond
    return fisher(plain, r, df=effective - 3, method=f"Fisher z on {effective:.0f} effective units")


def without_waves(waves: pd.DataFrame) -> pd.DataFrame:
    """Return unit-waves as distances from their wave's mean: what all units share is gone."""
    sides = ["engagement", "experience"]
    return waves.assign(**(waves[sides] - waves.groupby("wave")[sides].transform("mean")))


def adjusted(
    units: pd.DataFrame, attributes: pd.DataFrame | None, waves: pd.DataFrame, *, level: float
) -> tuple[list[str], Estimate] | None:
    """Return the correlation of what attributes and waves leave unexplained, and what they were.

    Notes
    -----
    Partial correlation with the attributes' levels as indicators; where units were seen in several
    waves their scores are the mean distances from the waves' means, so that a unit seen only in
    good times is not taken for a good one. Fisher interval on n - 3 - k degrees of freedom. None
    where there is nothing to hold equal or too few units are left.
    """
    held = [] if attributes is None else [c for c in attributes.columns if c != "unit"]
    rows = units if attributes is None else units.merge(attributes, on="unit", how="inner")
    sides = ["engagement", "experience"]
    if len(waves) and len(set(waves["wave"])) > 1:
        means = without_waves(waves).groupby("unit")[sides].mean()
        rows = rows.drop(columns=sides).merge(means, left_on="unit", right_index=True)
    design: list[NDArray[np.float64]] = [np.ones(len(rows))]
    for name in held:
        values = rows[name].astype("string").fillna("(missing)").astype(object)
        design += [(values == v).to_numpy(float) for v in sorted(values.unique())[1:]]
    x = np.column_stack(design)
    k = int(np.linalg.matrix_rank(x)) - 1 if len(rows) else 0
    if len(waves) and len(set(waves["wave"])) > 1:
        held = [*held, "wave"]
    if len(rows) - 3 - k < 10 or not held:
        return None
    left = []
    for side in sides:
        y = rows[side].to_numpy(float)
        left.append(y - x @ np.linalg.lstsq(x, y, rcond=None)[0])
    plain = correlation(left[0], left[1], level=level)
    if plain.value is None:
        return held, plain
    found = fisher(plain, plain.value, df=len(rows) - 3 - k, method="partial, Fisher z")
    return held, found

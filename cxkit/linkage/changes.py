"""Two waves: what change goes with, which is weak evidence and identifies no direction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Units with both waves that a regression of changes takes at least.
FEWEST_UNITS = 10

_LAGS = {
    "engagement, then experience": ("engagement", "experience"),
    "experience, then engagement": ("experience", "engagement"),
}


def change_regressions(waves: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Regress each side's change between two waves on where the other side stood before.

    Parameters
    ----------
    waves : DataFrame
        One row per unit and wave: unit, wave, engagement, experience; two waves.
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per regression: lag, value (points of the change in the later side per point of the
        earlier side), low, high, n (units with both waves). Last row: the change of experience per
        point of change in engagement. Empty unless there are two waves, ten units with both, and
        both sides vary.

    Notes
    -----
    y2 - y1 = a + b x1 + c y1 + e: the side's own start is held equal, or regression to the mean
    would pass for a lag; the third is y2 - y1 = a + b (x2 - x1) + e. Robust errors (HC3), t on
    n - 3 (n - 2) degrees of freedom. Stable differences between units are in x1 as well, so b mixes
    them with what changes: a lag here is a reason to measure a third wave and not a direction.

    References
    ----------
    MacKinnon, J. G. and White, H. (1985). Some heteroskedasticity-consistent covariance matrix
    estimators with improved finite sample properties. Journal of Econometrics 29, 305-325.
    https://doi.org/10.1016/0304-4076(85)90158-7
    """
    order = sorted(waves["wave"].unique())
    if len(order) != 2:
        return pd.DataFrame()
    sides = ["engagement", "experience"]
    wide = waves.pivot_table(index="unit", columns="wave", values=sides).dropna()
    first, last = ({s: wide[s][w].to_numpy(float) for s in sides} for w in order)
    moved = {s: last[s] - first[s] for s in sides}
    if len(wide) < FEWEST_UNITS or min(np.ptp(f[s]) for f in (first, moved) for s in sides) < 1e-9:
        return pd.DataFrame()
    one = np.ones(len(wide))
    rows = [
        {
            "lag": name,
            **_slope(np.column_stack([first[x], one, first[y]]), moved[y], level),
        }
        for name, (x, y) in _LAGS.items()
    ]
    together = np.column_stack([moved["engagement"], one])
    rows.append(
        {
            "lag": "both changes together",
            **_slope(together, moved["experience"], level),
        }
    )
    return pd.DataFrame(rows)


def sentence(rows: pd.DataFrame) -> str:
    """Say what the change in each side goes with, by the intervals; it identifies no direction."""
    if rows.empty:
        return ""
    by = {row["lag"]: row for row in rows.to_dict("records")}
    parts = []
    for name, (x, y) in _LAGS.items():
        row = by[name]
        way = "rose more" if row["low"] > 0 else "rose less" if row["high"] < 0 else ""
        limits = (
            f"{markup.quantity(row['value'], 'coefficient')} "
            f"({markup.interval(row['low'], row['high'], 'coefficient')})"
        )
        parts.append(
            f"{y} {way} in units where {x} was higher before, {limits}"
            if way
            else f"whether {y} moved with the {x} before cannot be told, {limits}"
        )
    units = f"{int(rows['n'].iloc[0]):,} units"
    return (
        f"From the first wave to the second: {'; '.join(parts)} ({units}). This is weak evidence: "
        "direction is not identified by two waves."
    )


def _slope(design: NDArray[np.float64], y: NDArray[np.float64], level: float) -> dict[str, float]:
    """Return the first slope with its robust t interval."""
    from scipy.stats import t

    inverse = np.linalg.pinv(design.T @ design)
    beta = inverse @ design.T @ y
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    left = (y - design @ beta) / np.maximum(1 - leverage, 1e-6)
    half = inverse @ (design * left[:, None]).T
    se = math.sqrt(float((half @ half.T)[0, 0]))
    reach = float(t.isf((1 - level) / 2, len(y) - design.shape[1])) * se
    value = float(beta[0])
    return {"value": value, "low": value - reach, "high": value + reach, "n": len(y)}

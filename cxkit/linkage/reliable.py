"""The correlation corrected for unreliability, with the reliabilities' own error carried along."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from cxkit.linkage.ladder import correlation, disattenuate, uncorrected
from cxkit.metrics.answers import need_columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from cxkit.results import Estimate

#: Resamples of the units, and the fewest units worth resampling.
RESAMPLES, FEWEST_UNITS = 2000, 10


def corrected_correlation(
    employees: pd.DataFrame,
    customers: pd.DataFrame,
    *,
    unit: str = "unit",
    x: str = "index",
    y: str = "score",
    seed: int = 20260101,
    level: float = 0.95,
) -> Estimate:
    """Return the correlation of true unit means, its interval by a bootstrap over units.

    Parameters
    ----------
    employees, customers : DataFrame
        One row per person: the unit and the score. Only units on both sides count.
    unit, x, y : str
        Column names: x among employees, y among customers.
    seed : int
        Of the resampling.
    level : float
        Level of the interval.

    Returns
    -------
    Estimate
        Between -1 and 1. Status "no data" where a side's unit means have no reliability above zero,
        or it cannot be seen since every unit has one person;
        "withheld" below ten units, where a bootstrap over units says too little.

    Raises
    ------
    ColumnError
        A column is not in its frame.
    QuestionError
        A side is no frame, or ``level`` no level.

    Notes
    -----
    r / sqrt(ICC(2)_x ICC(2)_y), ICC(2) = (MSB - MSW) / MSB of the one-way analysis of variance.
    Each resample draws units with their people and computes all three anew, so the interval knows
    that the reliabilities are estimates, which dividing Fisher's limits does not. Values beyond 1
    are cut there; a resample without reliability above zero counts as one of its own sign.

    References
    ----------
    Spearman, C. (1904). The proof and measurement of association between two things. American
    Journal of Psychology 15, 72-101. https://doi.org/10.2307/1412159

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> u = np.repeat(np.arange(40), 12)
    >>> trait = rng.normal(size=40)
    >>> staff = pd.DataFrame({"unit": u, "index": trait[u] + rng.normal(size=480)})
    >>> clients = pd.DataFrame({"unit": u, "score": trait[u] + rng.normal(size=480)})
    >>> corrected_correlation(staff, clients).value > 0.9
    True
    """
    need_columns(employees, [unit, x], asked="corrected_correlation, employees")
    need_columns(customers, [unit, y], asked="corrected_correlation, customers")
    sides = [_sums(employees, unit, x), _sums(customers, unit, y)]
    shared = sides[0].index.intersection(sides[1].index)
    a, b = (s.loc[shared].to_numpy(float) for s in sides)
    raw = correlation(a[:, 1] / a[:, 0], b[:, 1] / b[:, 0], level=level)
    ones = np.ones((1, len(shared)))
    rel = [float(_icc2(ones, s)[0]) if len(shared) > 1 else 0.0 for s in (a, b)]
    if raw.value is not None and any(s[:, 0].max() < 2 for s in (a, b)):
        return uncorrected(
            raw,
            "Every unit has one person on one side, so how reliable its means are cannot be seen.",
        )
    point = disattenuate(raw, reliability_x=rel[0], reliability_y=rel[1])
    method = f"corrected by ICC(2) {rel[0]:.2f} and {rel[1]:.2f}, bootstrap over units"
    if point.value is None:
        return dataclasses.replace(point, method=method)
    if len(shared) < FEWEST_UNITS:
        return dataclasses.replace(
            point,
            low=None,
            high=None,
            se=None,
            method=method,
            status="withheld",
            reason=f"An interval is withheld: a bootstrap needs {FEWEST_UNITS} units; there are "
            f"{len(shared)}.",
        )
    rng = np.random.default_rng(seed)
    n = len(shared)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(float)
    r = _weighted_r(drawn, a[:, 1] / a[:, 0], b[:, 1] / b[:, 0])
    product = np.clip(_icc2(drawn, a), 0, None) * np.clip(_icc2(drawn, b), 0, None)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(product > 0, r / np.sqrt(product), np.sign(r))
    tail = (1 - level) / 2
    low, high = np.quantile(np.clip(values, -1, 1), [tail, 1 - tail])
    return dataclasses.replace(
        point,
        low=float(low),
        high=float(high),
        se=float(np.std(values[np.isfinite(values)])),
        method=method,
    )


def _sums(frame: pd.DataFrame, unit: str, score: str) -> pd.DataFrame:
    """Return per unit: people, sum, and sum of squares within."""
    rows = frame[[unit, score]].dropna()
    groups = rows.groupby(unit)[score]
    table = groups.agg(["size", "sum"])
    table["within"] = (rows[score] - groups.transform("mean")).pow(2).groupby(rows[unit]).sum()
    return table


def _icc2(weights: NDArray[np.float64], side: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ICC(2) for each row of unit weights."""
    n, total, within = side.T
    units, people = weights.sum(axis=1), weights @ n
    grand = (weights @ total) / people
    between = weights @ (total**2 / n) - people * grand**2
    msb = between / (units - 1)
    msw = (weights @ within) / np.maximum(people - units, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(msb > 0, (msb - msw) / msb, 0.0)


def _weighted_r(
    weights: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the correlation of x and y for each row of weights."""
    n = weights.sum(axis=1)
    mx, my = weights @ x / n, weights @ y / n
    cov = weights @ (x * y) / n - mx * my
    vx, vy = weights @ (x * x) / n - mx**2, weights @ (y * y) / n - my**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((vx > 0) & (vy > 0), cov / np.sqrt(vx * vy), 0.0)

"""Scores of many units drawn towards their mean, as far as their few answers ask for."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import ndtri

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.units import Units, no_units, read_units
from cxkit.results import Table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

#: With fewer units nothing is known of how much units differ.
FEWEST = 4

_LIMITS = {"%": (0, 100), "points": (-100, 100)}


def shrunken(scores: pd.DataFrame, *, variance: Literal["pooled", "own"] = "pooled") -> Table:
    """Estimate every unit's true score by drawing it towards the mean of the units.

    Question: which units are best, given how few answers each has? Interval: normal, averaged over
    how much units differ.

    Parameters
    ----------
    scores : DataFrame
        One metric of many units, as :func:`by` returns it:
        ``cx.by(frame, "branch", cx.nps, column="nps")``. Answers without a unit are left out and
        said.
    variance : {"pooled", "own"}, default "pooled"
        The variance of one answer: the same in all units, or each unit's own from its standard
        error. Own variances are poor where answers are few, and 0 where all agree; such a unit is
        left out, and said.

    Returns
    -------
    Table
        ``frame`` has one row per unit, the highest first: the keys, metric, measured_in, n, ``own``
        (the score as measured), value (the shrunken one), low, high, se, level, ``kept`` (the part
        of the unit's distance from the mean that is kept, 0 to 1), method, status, reason. The only
        league table of units that the kit makes. Fewer than 4 units with a number have none.

    Raises
    ------
    ColumnError
        The frame does not come from :func:`by`.
    QuestionError
        More than one metric, or a metric that is no score of single answers.

    Notes
    -----
    Normal model: own ~ N(true, v = s^2 / n), true ~ N(mu, tau^2). Given tau^2, the estimate is
    mu + (1 - B) (own - mu) with B = v / (v + tau^2) and variance v (1 - B) + B^2 / sum w,
    w = 1 / (v + tau^2). It is averaged over tau^2 in proportion to its restricted likelihood (a
    flat prior, Stein's), so that what is not known of tau^2 is in the interval (normal, with the
    standard deviation of that mixture); the mode is the REML estimate, which the caption gives.
    Intervals hold their level over units of this kind, not for a unit chosen as the most extreme by
    its own score. A unit without answers has no row value; nothing is filled.

    References
    ----------
    Efron, B. and Morris, C. (1975). Data analysis using Stein's estimator and its generalizations.
    Journal of the American Statistical Association 70(350), 311-319.
    doi:10.1080/01621459.1975.10479864

    Morris, C. and Tang, R. (2011). Estimating random effects via adjustment for density
    maximization. Statistical Science 26(2), 271-287. doi:10.1214/10-STS349

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"branch": list("ABCDE") * 4,
    ...                       "csat": [5, 4, 4, 3, 3, 4, 3, 3, 2, 1, 5, 5, 3, 4, 3, 2, 4, 5, 4, 2]})
    >>> table = cx.shrunken(cx.by(frame, "branch", cx.csat_mean, column="csat"))
    >>> table.frame[["branch", "n", "own", "value", "kept"]].round(2)
      branch  n   own  value  kept
    0      A  4  4.00   3.87  0.77
    1      B  4  4.00   3.87  0.77
    2      C  4  3.75   3.68  0.77
    3      D  4  3.25   3.30  0.77
    4      E  4  2.25   2.53  0.77
    """
    if variance not in ("pooled", "own"):
        raise QuestionError(
            f'shrunken: variance={variance!r} is not known.\n  Write "pooled" or "own".'
        )
    units = read_units(scores, asked="shrunken")
    v = units.errors**2 if variance == "own" else units.within / units.n
    within = v > 0
    used = units.usable.copy()
    used[units.usable] = within
    y, v = units.measured[within], v[within]
    columns = ["own", "value", "low", "high", "se", "level", "kept"]
    if y.size < FEWEST:
        reason = (
            f"How much units differ needs at least {FEWEST} units with a number and a spread; "
            f"there {'is 1' if y.size == 1 else f'are {y.size}'}."
        )
        frame = no_units(units, columns, reason)
        caption = f"No shrunken scores by {units.name}: {reason}{units.left_out}"
        return Table(frame=frame, caption=caption, shown=frame[list(units.keys)].iloc[:0])
    value, se, kept = _average(y, v)
    half = -float(ndtri((1 - units.level) / 2)) * se
    floor, top = _LIMITS.get(units.measured_in, (None, None))
    frame = units.frame[[*units.keys, "metric", "measured_in", "n", "value"]].rename(
        columns={"value": "own"}
    )
    found: dict[str, Any] = {
        "value": value,
        "low": np.clip(value - half, floor, top),
        "high": np.clip(value + half, floor, top),
        "se": se,
        "level": units.level,
        "kept": kept,
    }
    for name, column in found.items():
        frame[name] = np.nan
        frame.loc[used, name] = column
    frame["method"] = f"shrunken towards the mean of {y.size:,} units"
    frame["status"] = np.where(used, "ok", "no data")
    frame["reason"] = np.where(used, "", "No number, or no spread, for this unit.")
    frame = frame.sort_values("value", ascending=False, kind="stable", ignore_index=True)
    return _table(frame, units, y, v)


def reml(values: NDArray[np.float64], variances: NDArray[np.float64]) -> float:
    """Return the REML variance between units: a search in one dimension, never below zero."""
    from scipy.optimize import minimize_scalar

    top = 10 * float(np.var(values)) + 10 * float(variances.max())

    def loss(tau2: float) -> float:
        return -float(_likelihood(np.array([tau2]), values, variances)[0][0])

    found = minimize_scalar(loss, bounds=(0, top), method="bounded", options={"xatol": 1e-12 * top})
    best = float(found.x)
    return best if loss(best) < loss(0.0) else 0.0


def _likelihood(
    tau2: NDArray[np.float64], y: NDArray[np.float64], v: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return for each tau^2 its restricted log-likelihood, its mean and its sum of weights."""
    spread = v + tau2[:, None]
    total = (1 / spread).sum(axis=1)
    mean = (y / spread).sum(axis=1) / total
    squares = ((y - mean[:, None]) ** 2 / spread).sum(axis=1)
    return -(np.log(spread).sum(axis=1) + np.log(total) + squares) / 2, mean, total


def _average(
    y: NDArray[np.float64], v: NDArray[np.float64], *, points: int = 400
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return mean, standard deviation and weight of each unit, averaged over tau^2.

    tau^2 = v0 (1 - u^2) / u^2 for u on a grid from 0 to 1 reaches every variance; a flat prior on
    tau^2 has the density 2 v0 / u^3 there.
    """
    v0 = reml(y, v) + 1 / float((1 / v).mean())
    u = (np.arange(points) + 0.5) / points
    grid = v0 * (1 - u**2) / u**2
    blocks = np.array_split(grid, max(1, points * y.size // 2_000_000))  # memory, not speed
    log, mean, total = (
        np.concatenate(parts)
        for parts in zip(*(_likelihood(block, y, v) for block in blocks), strict=True)
    )
    log = log - 3 * np.log(u)
    p = np.exp(log - log.max())
    p /= p.sum()
    first, second, kept = np.zeros_like(y), np.zeros_like(y), np.zeros_like(y)
    for weight, tau2, middle, weights in zip(p, grid, mean, total, strict=True):
        if weight < 1e-12:
            continue
        b = v / (v + tau2)
        at = middle + (1 - b) * (y - middle)
        first += weight * at
        second += weight * (at**2 + v * (1 - b) + b**2 / weights)
        kept += weight * (1 - b)
    return first, np.sqrt(np.maximum(second - first**2, 0)), kept


def _table(
    frame: pd.DataFrame, units: Units, y: NDArray[np.float64], v: NDArray[np.float64]
) -> Table:
    """Return the units as a league table, with how much they truly differ in the caption."""
    unit = units.measured_in
    tau2 = reml(y, v)
    spread = markup.quantity(math.sqrt(tau2), "percentage points" if unit == "%" else unit)
    mean = float(_likelihood(np.array([tau2]), y, v)[1][0])
    label = markup.percent_label(units.level)
    caption = (
        f"{units.metric} by {units.name}, drawn towards the mean of {y.size:,} units, "
        f"{markup.quantity(mean, unit)}, the more the fewer the answers. Their true scores differ "
        f"by a standard deviation of about {spread} (REML). Neighbours whose intervals overlap are "
        f"not told apart by their place.{units.left_out}"
    )
    table = Table.of(
        frame,
        caption=caption,
        columns=[
            *((key, key, "text") for key in units.keys),
            ("n", "n", "count"),
            ("As measured", "own", unit),
            ("Shrunken", "value", unit),
            (f"{label} interval", "low..high", unit),
            ("Part kept", "kept", "ratio"),
        ],
    )
    return dataclasses.replace(table, frame=frame)

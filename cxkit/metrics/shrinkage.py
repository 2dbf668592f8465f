"""Scores of many units drawn towards their mean, as far as their few answers ask for."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.beta_binomial import drawn_shares
from cxkit.metrics.units import LIMITS, Units, check_target, no_units, read_units
from cxkit.results import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: With fewer units nothing is known of how much units differ.
FEWEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """What a model knows of each unit it used, and of all of them together.

    ``below`` is the chance (0 to 1) to lie below the target, NaN where none was given.
    """

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    se: NDArray[np.float64]
    kept: NDArray[np.float64]
    below: NDArray[np.float64]
    mean: float
    spread: float
    model: str


def shrunken(
    scores: pd.DataFrame,
    *,
    variance: Literal["pooled", "own"] = "pooled",
    target: float | None = None,
) -> Table:
    """Estimate every unit's true score by drawing it towards the mean of the units.

    Question: which units are best, or below a target, given how few answers each has? Interval:
    beta for counted shares, else normal; both averaged over how much units differ.

    Parameters
    ----------
    scores : DataFrame
        One metric of many units, as :func:`by` returns it:
        ``cx.by(frame, "branch", cx.nps, column="nps")``. Answers without a unit are left out and
        said.
    variance : {"pooled", "own"}, default "pooled"
        The variance of one answer: the same in all units, or each unit's own from its standard
        error. Own variances are poor where answers are few, and 0 where all agree; such a unit is
        left out, and said. "pooled" takes counted shares by the binomial law, where unanimous units
        count too.
    target : float, optional
        A score in the unit of the metric: then ``below`` is the chance, in percent, that a unit's
        true score is below it, and the caption counts the units of which that is as good as sure.

    Returns
    -------
    Table
        ``frame`` has one row per unit, the highest first: the keys, metric, measured_in, n, ``own``
        (the score as measured), value (the shrunken one), low, high, se, level, ``kept`` (the part
        of the unit's distance from the mean that is kept, 0 to 1), with a target ``target`` and
        ``below``, method, status, reason. The only league table of units that the kit makes. Fewer
        than 4 units with a number have none.

    Raises
    ------
    ColumnError
        The frame does not come from :func:`by`.
    QuestionError
        More than one metric, a metric that is no score of single answers, or a target that the
        metric cannot have.

    Notes
    -----
    Normal model: own ~ N(true, v = s^2 / n), true ~ N(mu, tau^2). Given tau^2, the estimate is
    mu + (1 - B) (own - mu) with B = v / (v + tau^2) and variance v (1 - B) + B^2 / sum w,
    w = 1 / (v + tau^2). It is averaged over tau^2 in proportion to its restricted likelihood (a
    flat prior, Stein's), so that what is not known of tau^2 is in the interval (normal, with the
    standard deviation of that mixture); the mode is the REML estimate, which the caption gives.
    Intervals hold their level over units of this kind, not for a unit chosen as the most extreme by
    its own score. ``below`` takes every mean of the units for possible, and is as good as said for
    a target that lies anywhere among the units. At their very middle the chances of all units share
    one error, that of the mean. Where units hardly differ nothing can tell on which side they lie,
    and chances of 0.70 on average were right in 0.53; a prior that the mean is the target made
    0.65 of it. What the caption counts as sure remains so: 8 to 60 units nearly alike were put on
    the wrong side of their middle with 95 % for 2 in 100 units, and 4 in 100 where 8 units lie near
    100 % (simulated). A unit
    without answers has no row value; nothing is filled.

    Shares counted from independent answers have no normal law near 0 and 100 %, and a variance that
    depends on themselves: x ~ Bin(n, p), p ~ Beta(r m, r (1 - m)), averaged over m and 1 / r, both
    flat, with B = r / (r + n); the mixture is taken as the beta distribution of its mean and
    variance. It takes 2 units whose answers differ. Shares by cluster or under weights go by the
    normal model.

    References
    ----------
    Christiansen, C. L. and Morris, C. N. (1997). Hierarchical Poisson regression modeling. Journal
    of the American Statistical Association 92(438), 618-632. doi:10.1080/01621459.1997.10474013

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
    floor, top = LIMITS.get(units.measured_in, (-np.inf, np.inf))
    check_target(target, units, asked="shrunken")
    counted = units.counted and units.measured_in == "%" and variance == "pooled"
    v = units.errors**2 if variance == "own" else units.within / units.n
    within = np.ones(v.size, dtype=bool) if counted else v > 0
    used = units.usable.copy()
    used[units.usable] = within
    y, v, n = units.measured[within], v[within], units.n[within]
    columns = ["own", "value", "low", "high", "se", "level", "kept"]
    columns += [] if target is None else ["target", "below"]
    mixed = int(((y > 0) & (y < 100)).sum()) if counted else y.size
    if y.size < FEWEST or mixed < 2:
        few, what = (y.size, "a number and a spread") if y.size < FEWEST else (mixed, "yes and no")
        reason = (
            f"How much units differ needs at least {FEWEST if few == y.size else 2} units with "
            f"{what}; there {'is 1' if few == 1 else f'are {few}'}."
        )
        frame = no_units(units, columns, reason)
        caption = f"No shrunken scores by {units.name}: {reason}{units.left_out}"
        return Table(frame=frame, caption=caption, shown=frame[list(units.keys)].iloc[:0])
    drawn = _counted(y, n, units.level, target) if counted else _normal(y, v, units.level, target)
    frame = units.frame[[*units.keys, "metric", "measured_in", "n", "value"]].rename(
        columns={"value": "own"}
    )
    found: dict[str, Any] = {
        "value": drawn.value,
        "low": np.clip(drawn.low, floor, top),
        "high": np.clip(drawn.high, floor, top),
        "se": drawn.se,
        "level": units.level,
        "kept": drawn.kept,
    }
    if target is not None:
        found |= {"target": float(target), "below": 100 * drawn.below}
    for name, column in found.items():
        found[name] = np.full(len(frame), np.nan)
        found[name][used] = column
    found["method"] = f"shrunken towards the mean of {y.size:,} units, {drawn.model}"
    found["status"] = np.where(used, "ok", "no data")
    found["reason"] = np.where(used, "", "No number, or no spread, for this unit.")
    frame = pd.concat([frame, pd.DataFrame(found, index=frame.index)], axis=1)
    frame = frame.sort_values("value", ascending=False, kind="stable", ignore_index=True)
    return _table(frame, units, drawn)


def _counted(
    y: NDArray[np.float64], n: NDArray[np.float64], level: float, target: float | None
) -> _Drawn:
    """Return counted shares, in percent, by the beta-binomial model."""
    found = drawn_shares(np.round(y * n / 100), n)
    return _Drawn(
        value=100 * found.value,
        low=100 * found.quantile((1 - level) / 2),
        high=100 * found.quantile((1 + level) / 2),
        se=100 * found.se,
        kept=found.kept,
        below=np.full(y.size, np.nan) if target is None else found.below(target / 100),
        mean=100 * found.mean,
        spread=100 * found.spread,
        model="beta-binomial",
    )


def _normal(
    y: NDArray[np.float64], v: NDArray[np.float64], level: float, target: float | None
) -> _Drawn:
    """Return scores by the normal model."""
    value, se, kept, below = _average(y, v, np.nan if target is None else target)
    half, tau2 = -float(ndtri((1 - level) / 2)) * se, reml(y, v)
    return _Drawn(
        value=value,
        low=value - half,
        high=value + half,
        se=se,
        kept=kept,
        below=below,
        mean=float(_likelihood(np.array([tau2]), y, v)[1][0]),
        spread=math.sqrt(tau2),
        model="normal",
    )


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
    y: NDArray[np.float64], v: NDArray[np.float64], target: float, *, points: int = 400
) -> tuple[NDArray[np.float64], ...]:
    """Return mean, deviation, part kept and chance below a target of each unit, over all tau^2.

    tau^2 = v0 (1 - u^2) / u^2 for u on a grid from 0 to 1 reaches every variance; a flat prior on
    tau^2 has the density 2 v0 / u^3 there.
    """
    v0 = reml(y, v) + 1 / float((1 / v).mean())
    u = (np.arange(points) + 0.5) / points
    grid = v0 * (1 - u**2) / u**2
    blocks = np.array_split(np.arange(points), max(1, points * y.size // 2_000_000))  # memory
    log, mean, total = (
        np.concatenate(parts)
        for parts in zip(*(_likelihood(grid[block], y, v) for block in blocks), strict=True)
    )
    log = log - 3 * np.log(u)
    p = np.exp(log - log.max())
    p /= p.sum()
    first, second, kept, below = (np.zeros_like(y) for _ in range(4))
    for block in blocks:
        block = block[p[block] >= 1e-12]
        weight, middle = p[block], mean[block, None]
        b = v / (v + grid[block, None])
        at = middle + (1 - b) * (y - middle)
        spread = v * (1 - b) + b**2 / total[block, None]
        first += weight @ at
        second += weight @ (at**2 + spread)
        kept += weight @ (1 - b)
        below += weight @ ndtr((target - at) / np.sqrt(spread))
    return first, np.sqrt(np.maximum(second - first**2, 0)), kept, below


def _table(frame: pd.DataFrame, units: Units, drawn: _Drawn) -> Table:
    """Return the units as a league table, with how much they truly differ in the caption."""
    unit, many = units.measured_in, drawn.value.size
    spread = markup.quantity(drawn.spread, "percentage points" if unit == "%" else unit)
    label = markup.percent_label(units.level)
    by = "REML" if drawn.model == "normal" else drawn.model
    caption = (
        f"{units.metric} by {units.name}, drawn towards the mean of {many:,} units, "
        f"{markup.quantity(drawn.mean, unit)}, the more the fewer the answers. Their true scores "
        f"differ by a standard deviation of about {spread} ({by}). Neighbours whose intervals "
        "overlap are not told apart by their place."
    )
    columns = [
        *((key, key, "text") for key in units.keys),
        ("n", "n", "count"),
        ("As measured", "own", unit),
        ("Shrunken", "value", unit),
        (f"{label} interval", "low..high", unit),
        ("Part kept", "kept", "ratio"),
    ]
    if "target" in frame:
        at = markup.quantity(float(frame["target"].max()), unit)
        sure = [int((side >= units.level).sum()) for side in (drawn.below, 1 - drawn.below)]
        caption += (
            f" Below {at} with a chance of {label} or more: {sure[0]:,} of {many:,} units; at or "
            f"above it with that chance: {sure[1]:,}; of {many - sum(sure):,} it cannot be told."
        )
        columns.append((f"Chance to be below {at}", "below", "%"))
    table = Table.of(frame, caption=caption + units.left_out, columns=columns)
    return dataclasses.replace(table, frame=frame)

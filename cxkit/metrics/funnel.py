"""Which units lie further from the rest than chance puts them: funnel limits, never a ranking."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import ndtri

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_level
from cxkit.metrics.units import LIMITS, Units, check_target, no_units, read_units
from cxkit.results import Table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

Overdispersion = Literal["none", "multiplicative", "additive"]

_LIMITS = ["low", "high", "far_low", "far_high"]


def funnel(
    scores: pd.DataFrame,
    *,
    target: float | None = None,
    levels: tuple[float, float] = (0.95, 0.998),
    overdispersion: Overdispersion = "none",
) -> Table:
    """Set every unit's score against the limits that chance alone would keep.

    Question: which units lie further out than chance puts them? Interval: exact binomial or normal
    limits around the whole.

    Parameters
    ----------
    scores : DataFrame
        One metric of many units, as :func:`by` returns it:
        ``cx.by(frame, "branch", cx.nps, column="nps")``. Answers without a unit are left out and
        said.
    target : float, optional
        What the units are held against, in the unit of the metric. None takes the score of all
        answers together.
    levels : (float, float), default (0.95, 0.998)
        Levels of the inner and the outer limits.
    overdispersion : {"none", "multiplicative", "additive"}, default "none"
        "none": limits of chance alone, every unit having the same true score. Where units usually
        differ, "additive" adds the usual variance between them and "multiplicative" widens the
        limits by the usual factor; then only the unusual ones lie outside.

    Returns
    -------
    Table
        ``frame`` has one row per unit in the order given: the keys, metric, measured_in, n, value,
        target, low, high (inner limits), far_low, far_high (outer limits), z, ``outside`` ("",
        "above 95 %", "below 99.8 %", ...), status and reason. What is shown lists the units outside
        only. The caption says how many are outside, how many chance would put there, and the
        dispersion.

    Raises
    ------
    ColumnError
        The frame does not come from :func:`by`.
    QuestionError
        More than one metric, levels that do not widen, or a target out of 0 to 100 %.

    Notes
    -----
    Counted shares without overdispersion: exact binomial limits (r - a) / n, with r the smallest
    count that has F(r) >= p and a = (F(r) - p) / (F(r) - F(r - 1)). Otherwise target +- z sqrt(V),
    with V = S^2 / n and S^2 the variance of one answer: target (100 - target) for a share, else the
    overall variance, within and between units; where customers repeat, V grows with their design
    effect. Dispersion phi is the mean of z^2 after the outer tenths of z are set to the tenths
    (winsorised). "multiplicative": V phi, phi at least 1. "additive": V + tau^2 with tau^2 =
    max(0, k phi - (k - 1)) / (sum w - sum w^2 / sum w), w = 1 / V. The overall score holds each
    unit too, which narrows limits a little where a unit is a large part of all.

    References
    ----------
    Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. Statistics in
    Medicine 24(8), 1185-1202. doi:10.1002/sim.1970

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"branch": ["A"] * 40 + ["B"] * 40 + ["C"] * 10,
    ...                       "solved": [1] * 34 + [0] * 6 + [1] * 22 + [0] * 18 + [1, 0] * 5})
    >>> table = cx.funnel(cx.by(frame, "branch", cx.share, column="solved"))
    >>> table.frame[["branch", "n", "value", "low", "high", "outside"]].round(1)
      branch   n  value   low  high     outside
    0      A  40   85.0  51.5  80.6  above 95 %
    1      B  40   55.0  51.5  80.6
    2      C  10   50.0  31.8  89.5
    """
    inner, outer = (check_level(v) for v in levels)
    if not inner < outer:
        raise QuestionError(
            f"funnel: levels={levels!r} do not widen.\n  Write (inner, outer), e.g. (0.95, 0.998)."
        )
    if overdispersion not in ("none", "multiplicative", "additive"):
        raise QuestionError(
            f"funnel: overdispersion={overdispersion!r} is not known.\n"
            '  Write "none", "multiplicative" or "additive".'
        )
    units = read_units(scores, asked="funnel")
    middle = target if target is not None or not units.n.sum() else units.mean
    shares = units.measured_in == "%"
    check_target(target, units, asked="funnel")
    one = 0.0 if middle is None else _one_answer(units, middle)
    if middle is None or not one > 0:
        reason = "No answers."
        if middle is not None:
            why = "All answers are alike" if target is None else f"The target is {target:g}"
            reason = f"{why}, so nothing varies by chance."
        columns = ["value", "target", *_LIMITS, "z"]
        frame = no_units(units, columns, reason).assign(outside="")
        caption = f"No limits for units by {units.name}: {reason}{units.left_out}"
        return Table(frame=frame, caption=caption, shown=frame[list(units.keys)].iloc[:0])
    chance = one / units.n
    z = (units.measured - middle) / np.sqrt(chance)
    phi, tau2 = _dispersion(z, chance)
    exact = shares and units.counted and overdispersion == "none"
    if overdispersion == "multiplicative":
        variance = chance * max(phi, 1.0)
    else:
        variance = chance + (tau2 if overdispersion == "additive" else 0.0)
    limits: dict[str, NDArray[np.float64]] = {}
    for level, names in ((inner, _LIMITS[:2]), (outer, _LIMITS[2:])):
        ends = (
            _binomial(units.n, middle / 100, level)
            if exact
            else tuple(middle + s * ndtri((1 + level) / 2) * np.sqrt(variance) for s in (-1, 1))
        )
        floor, top = LIMITS.get(units.measured_in, (None, None))
        limits |= {n: np.clip(e, floor, top) for n, e in zip(names, ends, strict=True)}
    frame = units.frame[[*units.keys, "metric", "measured_in", "n", "value"]].assign(target=middle)
    for name, column in {**limits, "z": z}.items():
        frame[name] = np.nan
        frame.loc[units.usable, name] = column
    frame["outside"] = [
        _outside(row, inner, outer) for row in frame[["value", *_LIMITS]].to_dict("records")
    ]
    frame["status"] = np.where(units.usable, "ok", "no data")
    frame["reason"] = np.where(units.usable, "", "There is no number for this unit.")
    how = {
        "multiplicative": f"widened by that factor (phi = {max(phi, 1):.2f})",
        "additive": f"allowed for by a standard deviation between units of {math.sqrt(tau2):.2f}",
        "none": "not allowed for: these are the limits of chance alone",
    }[overdispersion]
    method = (
        "exact binomial"
        if exact
        else f"normal, one answer spreading by {math.sqrt(one):.1f} around the whole"
        + (", repeated answers allowed for" if units.repeats else "")
    )
    return _table(frame, units, middle, (inner, outer), f"Limits: {method}", phi, how)


def _one_answer(units: Units, middle: float) -> float:
    """Return the variance of one answer if every unit's true score were the target."""
    if units.measured_in != "%":
        return units.total
    binomial = middle * (100 - middle)
    if units.counted:
        return binomial
    own = units.measured * (100 - units.measured)
    effect = units.within / float((units.n * own).sum() / units.n.sum()) if own.any() else 1.0
    return binomial * max(effect, 1.0)


def _dispersion(z: NDArray[np.float64], chance: NDArray[np.float64]) -> tuple[float, float]:
    """Return phi and the variance between units, from z-scores with their outer tenths drawn in."""
    low, high = np.quantile(z, [0.1, 0.9])
    phi = float((np.clip(z, low, high) ** 2).mean())
    k, w = z.size, 1 / chance
    free = float(w.sum() - (w**2).sum() / w.sum())
    return phi, max(0.0, k * phi - (k - 1)) / free if free > 0 else 0.0


def _binomial(
    n: NDArray[np.float64], share: float, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return exact binomial limits in percent, smoothed between counts as in the reference."""
    from scipy.stats import binom

    ends = []
    for p in ((1 - level) / 2, (1 + level) / 2):
        r = binom.ppf(p, n, share)
        at, below = binom.cdf(r, n, share), binom.cdf(r - 1, n, share)
        step = np.where(at > below, at - below, 1.0)
        ends.append(np.clip(100 * (r - (at - p) / step) / n, 0, 100))
    return ends[0], ends[1]


def _outside(row: dict[object, float], inner: float, outer: float) -> str:
    """Say which limits a unit lies outside of."""
    value = row["value"]
    for level, low, high in ((outer, "far_low", "far_high"), (inner, "low", "high")):
        if value > row[high] or value < row[low]:
            side = "above" if value > row[high] else "below"
            return f"{side} {markup.percent_label(level)}"
    return ""


def _table(
    frame: pd.DataFrame,
    units: Units,
    middle: float,
    levels: tuple[float, float],
    limits: str,
    phi: float,
    how: str,
) -> Table:
    """Return the units outside as a table whose caption says what chance would do."""
    k = int(units.usable.sum())
    far = int(frame["outside"].str.endswith(markup.percent_label(levels[1])).sum())
    out = frame[frame["outside"] != ""]
    expected = [markup.number(k * (1 - level), 1) for level in levels]
    caption = (
        f"{units.metric} by {units.name} against {markup.quantity(middle, units.measured_in)}: of "
        f"{k:,} units {len(out):,} lie outside the {markup.percent_label(levels[0])} limits and "
        f"{far:,} outside the {markup.percent_label(levels[1])} limits, where chance alone would "
        f"put about {expected[0]} and {expected[1]}. {limits}. Between units scores spread "
        f"{phi:.2f} times as much as by chance (variance, winsorised), {how}. Those outside are "
        f"listed; the order is no ranking.{units.left_out}"
    )
    labels = [markup.percent_label(level) for level in levels]
    table = Table.of(
        out,
        caption=caption,
        columns=[
            *((key, key, "text") for key in units.keys),
            ("n", "n", "count"),
            (units.metric, "value", units.measured_in),
            (f"{labels[0]} limits", "low..high", units.measured_in),
            (f"{labels[1]} limits", "far_low..far_high", units.measured_in),
            ("Outside", "outside", "text"),
        ],
    )
    return dataclasses.replace(table, frame=frame)

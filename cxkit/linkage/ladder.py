"""Correlation between units: raw, by level, and corrected for unreliability."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from cxkit.errors import QuestionError
from cxkit.metrics.answers import (
    check_choice,
    check_level,
    is_real,
    need_columns,
    numbers,
    one_column,
)
from cxkit.results import Estimate

if TYPE_CHECKING:
    from cxkit.metrics.answers import Scores


#: A correlation that published unit-level studies make plausible; "units needed" speaks of it.
PLAUSIBLE_R = 0.2


def correlation(
    x: Scores,
    y: Scores,
    *,
    kind: Literal["pearson", "spearman"] = "pearson",
    level: float = 0.95,
) -> Estimate:
    """Return the correlation of two scores over units, with Fisher's interval.

    Parameters
    ----------
    x, y : array-like of float, shape (units,)
        One pair per unit; a pair with a missing side is counted and left out.
    kind : {"pearson", "spearman"}
        Spearman ranks both first.
    level : float
        Level of the interval.

    Returns
    -------
    Estimate
        Between -1 and 1; n is the number of units. Status "no data" with its reason below four
        units, or where one side does not vary.

    Raises
    ------
    QuestionError
        The two are not of one length, a number has no end, ``kind`` or ``level`` is none.
    ScaleError
        A side holds what is no number.

    Notes
    -----
    tanh(atanh r -+ z / sqrt(n - 3)); for Spearman sqrt(1.06 / (n - 3)), after Fieller et al. A
    missing side is never filled. Units are taken as independent and weigh alike, whatever their
    size.

    References
    ----------
    Fisher, R. A. (1921). On the probable error of a coefficient of correlation. Metron 1, 3-32.
    Fieller, E. C., Hartley, H. O. and Pearson, E. S. (1957). Tests for rank correlation
    coefficients. Biometrika 44, 470-481. https://doi.org/10.1093/biomet/44.3-4.470

    Examples
    --------
    >>> print(correlation([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5]))
    Pearson r 0.83 (95 % interval 0.05 to 0.98, n = 6; Fisher z)
    """
    from scipy.stats import norm, rankdata

    level = check_level(level)
    check_choice("kind", kind, ("pearson", "spearman"))
    a, b = (numbers(one_column(side, asked="correlation"), asked="correlation") for side in (x, y))
    if a.size != b.size:
        raise QuestionError(
            f"correlation: x has {a.size:,} rows and y {b.size:,}.\n"
            "  Give two columns of one frame, a row for each unit."
        )
    if np.isinf(a).any() or np.isinf(b).any():
        raise QuestionError(
            "correlation: a value is infinite.\n  Make it missing first, or mend it."
        )
    both = ~(np.isnan(a) | np.isnan(b))
    missing = int((~both).sum())
    a, b = a[both], b[both]
    n = len(a)
    name = "Pearson r" if kind == "pearson" else "Spearman rho"

    def untold(reason: str) -> Estimate:
        return Estimate(
            metric=name,
            measured_in="correlation",
            value=None,
            low=None,
            high=None,
            se=None,
            level=level,
            n=n,
            n_missing=missing,
            method="Fisher z",
            status="no data",
            reason=reason,
        )

    if n < 4:
        there = "is 1" if n == 1 else f"are {n}"
        return untold(f"An interval for a correlation needs at least 4 units; there {there}.")
    if kind == "spearman":
        a, b = rankdata(a), rankdata(b)
    if np.ptp(a) < 1e-12 or np.ptp(b) < 1e-12:
        return untold("One side is the same in every unit, so nothing can vary with it.")
    r = float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))
    se = math.sqrt((1.06 if kind == "spearman" else 1.0) / (n - 3))
    half = float(norm.isf((1 - level) / 2)) * se
    exact = abs(r) > 1 - 1e-12
    return Estimate(
        metric=name,
        measured_in="correlation",
        value=r,
        low=r if exact else math.tanh(math.atanh(r) - half),
        high=r if exact else math.tanh(math.atanh(r) + half),
        se=se * (1 - r**2),
        level=level,
        n=n,
        n_missing=missing,
        method="Fisher z",
    )


def disattenuate(r: Estimate, *, reliability_x: float, reliability_y: float) -> Estimate:
    """Return a correlation corrected for the unreliability of both sides.

    Parameters
    ----------
    r : Estimate
        A correlation over units.
    reliability_x, reliability_y : float
        Reliability of the unit means, usually ICC(2), between 0 and 1.

    Returns
    -------
    Estimate
        r and its limits divided by sqrt(reliability_x * reliability_y), kept within -1 and 1 (said
        in ``reason``). Status "no data" where a reliability is not above zero.

    Raises
    ------
    QuestionError
        ``r`` is no correlation, or a reliability no number up to 1.

    Notes
    -----
    The reliabilities are taken as known, so the interval is too narrow by what is not known of
    them. A raw and a corrected correlation are never compared with each other.

    References
    ----------
    Spearman, C. (1904). The proof and measurement of association between two things. American
    Journal of Psychology 15, 72-101. https://doi.org/10.2307/1412159

    Examples
    --------
    >>> r = correlation([1, 2, 3, 4, 5, 6], [1, 3, 2, 6, 4, 5])
    >>> print(disattenuate(r, reliability_x=0.9, reliability_y=0.9).reason)
    The upper limit lies beyond 1 and is shown as 1.
    """
    if not isinstance(r, Estimate) or r.measured_in != "correlation":
        raise QuestionError(
            "disattenuate: the first is a correlation, as cx.correlation returns it.\n"
            "  Write cx.disattenuate(r, reliability_x=..., reliability_y=...)."
        )
    for name, side in (("reliability_x", reliability_x), ("reliability_y", reliability_y)):
        if not (is_real(side) and side <= 1):
            raise QuestionError(
                f"disattenuate: {name}={side!r} is no reliability.\n"
                "  Give a number up to 1, such as the value of cx.icc2."
            )
    metric = f"{r.metric}, corrected for unreliability"
    method = f"{r.method} divided by sqrt({reliability_x:.3f} x {reliability_y:.3f})"
    if r.value is None:
        return dataclasses.replace(r, metric=metric, method=method)
    if min(reliability_x, reliability_y) <= 0:
        return uncorrected(
            r,
            "One side's unit means have no reliability above zero (ICC(2) at or below 0): there is "
            "nothing to correct.",
        )
    root = math.sqrt(reliability_x * reliability_y)
    raw = [v / root for v in (r.value, r.low or 0.0, r.high or 0.0)]
    beyond = [
        (name, v)
        for name, v in zip(("value", "lower limit", "upper limit"), raw, strict=True)
        if abs(v) > 1
    ]
    value, low, high = (float(np.clip(v, -1, 1)) for v in raw)
    reason = ""
    if beyond:
        words = " and the ".join(name for name, _ in beyond)
        lies, shown = ("lies", "is") if len(beyond) == 1 else ("lie", "are")
        edges = list(dict.fromkeys("1" if v > 0 else "−1" for _, v in beyond))
        edge = " and ".join(edges)
        reason = f"The {words} {lies} beyond {edge} and {shown} shown as {edge}."
    return dataclasses.replace(
        r,
        metric=metric,
        method=method,
        value=value,
        low=low,
        high=high,
        se=None if r.se is None else r.se / root,
        reason=reason,
    )


def uncorrected(r: Estimate, reason: str) -> Estimate:
    """Return the corrected correlation that cannot be told, and why."""
    return dataclasses.replace(
        r,
        metric=f"{r.metric}, corrected for unreliability",
        method="corrected for unreliability",
        value=None,
        low=None,
        high=None,
        se=None,
        status="no data",
        reason=reason,
    )


def correlation_by_level(
    frame: pd.DataFrame, *, unit: str, x: str, y: str, level: float = 0.95
) -> pd.DataFrame:
    """Return the individual, within-unit and between-unit correlations of two scores.

    Parameters
    ----------
    frame : DataFrame
        One row per person who rated both: the columns named by ``unit``, ``x`` and ``y``.
    unit, x, y : str
        Column names.
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per Estimate (columns of `Estimate.as_row`) with ``at``: individual, within units,
        between units, between units weighted by size.

    Raises
    ------
    ColumnError
        If a column is not in the frame.

    Notes
    -----
    The covariance theorem: r = eta_Bx eta_By r_between + eta_Wx eta_Wy r_within, with r_between
    weighted by unit size; so a unit-level correlation says nothing of individuals. Intervals are
    Fisher's, with n - units - 2 degrees of freedom in place of n - 3 within units; individuals in
    the same unit are not independent, so the individual interval is too narrow.

    References
    ----------
    Dansereau, F., Alutto, J. A. and Yammarino, F. J. (1984). Theory testing in organizational
    behavior: the varient approach. Prentice-Hall.

    Examples
    --------
    >>> people = pd.DataFrame({"team": list("aabbccdd"), "x": [1, 2, 3, 4, 5, 6, 7, 8],
    ...                        "y": [2, 1, 4, 3, 6, 5, 8, 7]})
    >>> correlation_by_level(people, unit="team", x="x", y="y")["at"].tolist()
    ['individual', 'within units', 'between units', 'between units, weighted by size']
    """
    need_columns(frame, [unit, x, y], asked="correlation_by_level")
    rows = frame[[unit, x, y]].dropna()
    groups = rows.groupby(unit, observed=True)[[x, y]]
    means = groups.transform("mean")
    inside = rows[[x, y]] - means
    unit_means = groups.mean()
    named = [
        ("individual", correlation(rows[x], rows[y], level=level)),
        (
            "within units",
            _with_df(inside[x], inside[y], df=len(rows) - len(unit_means) - 2, level=level),
        ),
        ("between units", correlation(unit_means[x], unit_means[y], level=level)),
        (
            "between units, weighted by size",
            _with_df(means[x], means[y], df=len(unit_means) - 3, level=level, n=len(unit_means)),
        ),
    ]
    return pd.DataFrame([{"at": at, **e.as_row()} for at, e in named])


def _with_df(
    x: pd.Series, y: pd.Series, *, df: int, level: float, n: int | None = None
) -> Estimate:
    """Return a correlation whose Fisher interval rests on ``df`` rather than n - 3."""
    plain = correlation(x, y, level=level)
    if n is not None:
        plain = dataclasses.replace(plain, n=n)
    if plain.value is None or df < 1:
        return dataclasses.replace(plain, low=None, high=None, se=None)
    return fisher(plain, plain.value, df=df, method=plain.method)


def fisher(plain: Estimate, r: float, *, df: float, method: str) -> Estimate:
    """Return ``plain`` with the value ``r`` and Fisher's interval on ``df`` degrees of freedom."""
    from scipy.stats import norm

    half = float(norm.isf((1 - plain.level) / 2)) / math.sqrt(df)
    z = math.atanh(r) if abs(r) < 1 else math.copysign(math.inf, r)
    return dataclasses.replace(
        plain,
        value=r,
        low=math.tanh(z - half),
        high=math.tanh(z + half),
        se=(1 - r**2) / math.sqrt(df),
        method=method,
    )

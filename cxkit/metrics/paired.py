"""The same customers twice: how a score changed between two answers of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import bdtr, ndtri, stdtr, stdtrit

from cxkit.errors import DataError, QuestionError
from cxkit.metrics.answers import (
    Scale,
    Scores,
    check_level,
    check_scale,
    need_columns,
    nobody_answered,
    read_scale,
    read_yes_no,
    same_order,
)
from cxkit.metrics.clusters import check_counts
from cxkit.metrics.proportions import wilson
from cxkit.results import Difference

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import ArrayLike, NDArray

Kind = Literal["nps", "share", "mean"]


def pairs(
    frame: pd.DataFrame,
    *,
    score: str,
    period: str,
    a: Hashable,
    b: Hashable,
    customer: str = "customer",
) -> pd.DataFrame:
    """Put the two answers of each customer side by side, one row per customer.

    Question: who answered both times? Interval: none, a rearrangement.

    Parameters
    ----------
    frame : DataFrame
        One row per answer.
    score : str
        Column of the score.
    period : str
        Column that says when, or on what, the answer was given.
    a, b : value of ``period``
        The two to set side by side.
    customer : str, default "customer"
        Column of the customer.

    Returns
    -------
    DataFrame
        Columns ``customer``, ``a`` and ``b``; a customer with one of the two only has a missing
        answer for the other, so that :func:`paired_difference` counts it.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    DataError
        An answer has no customer, or a customer answered twice in one period: then there is no
        saying which answers make a pair.
    QuestionError
        A period holds no answer.

    Notes
    -----
    Only customers who answered in both periods tell about change free of who answers. Those who
    stopped answering, or left, are not among them: the change is that of those who stayed. Does not
    reduce to counts: two answers make a pair by whose they are; the pairs themselves do
    (:func:`paired_difference`).

    References
    ----------
    Rosenbaum, P. R. and Rubin, D. B. (1985). The bias due to incomplete matching. Biometrics 41(1),
    103-116. doi:10.2307/2530647

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"customer": list("xxyz"), "wave": [1, 2, 1, 2], "nps": [6, 9, 8, 10]})
    >>> cx.pairs(frame, score="nps", period="wave", a=2, b=1)
      customer     a    b
    0        x   9.0  6.0
    1        y   NaN  8.0
    2        z  10.0  NaN
    """
    need_columns(frame, [customer, score, period], asked="pairs")
    used = frame[frame[period].isin([a, b]) & frame[score].notna()]
    for name in (a, b):
        if not (used[period] == name).any():
            known = ", ".join(str(v) for v in sorted(frame[period].dropna().unique()))
            raise QuestionError(
                f"pairs: no answer to {score} has {period} {name!r}.\n"
                f"  {period} holds: {known or '(nothing)'}"
            )
    unnamed = int(used[customer].isna().sum())
    if unnamed:
        raise DataError(
            f"pairs: {unnamed:,} of {len(used):,} answers have no {customer}, so they cannot be "
            "paired.\n  Drop them first (frame.dropna(subset=...)) and say so, or compare the two "
            "periods as different people with cx.difference."
        )
    twice = used.duplicated([customer, period])
    if twice.any():
        row = used[twice].iloc[0]
        raise DataError(
            f"pairs: {customer} {row[customer]} answered more than once in {row[period]} "
            f"({int(twice.sum()):,} answers too many).\n"
            "  Keep one answer of each, e.g. the last: frame.sort_values(...).drop_duplicates("
            f'["{customer}", "{period}"], keep="last").'
        )
    one, other = (used[used[period] == name].set_index(customer)[score] for name in (a, b))
    return pd.DataFrame({"a": one, "b": other}).rename_axis(customer).sort_index().reset_index()


def paired_difference(
    a: Scores,
    b: Scores,
    *,
    measure: Kind,
    scale: Scale | None = None,
    top: float | None = None,
    counts: ArrayLike | None = None,
    a_name: str = "a",
    b_name: str = "b",
    level: float = 0.95,
) -> Difference:
    """Compare two scores of the same customers: the first minus the second.

    Question: did the same customers change? Interval: paired t; Newcombe's for pairs.

    Parameters
    ----------
    a, b : Series, array or list of shape (n,)
        Two answers of each customer, matched by position. Who gave only one of them is counted and
        not used.
    measure : {"nps", "share", "mean"}
        NPS of answers from 0 to 10; a share (yes or no, or with ``scale`` and ``top`` the answers
        from ``top`` on); or the mean of answers on ``scale``.
    scale : (low, high), optional
        Ends of the scale; needed by "mean", and by "share" of scores.
    top : float, optional
        The lowest answer that counts, for "share" of scores.
    counts : Series, array or list of shape (n,), optional
        How many customers gave each pair of answers.
    a_name, b_name : str
        What the two occasions are called.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Difference
        In points, percentage points or scores. ``n_a`` and ``n_b`` are both the number of pairs,
        ``n_missing`` those without a pair. ``p`` is two-sided and raw. Fewer than two pairs: "no
        data".

    Raises
    ------
    ScaleError
        An answer is off its scale.
    QuestionError
        The columns differ in length, or the scale or cut is not given.

    Notes
    -----
    NPS and means: with d the difference of each customer's points (promoter 100, passive 0,
    detractor -100), mean d ± t(n - 1) s_d / sqrt(n), cut at the ends of what is possible. A shared
    customer makes the two answers alike, so this is narrower than :func:`difference`, which takes
    the people as different. Where all differ alike, s_d is 0, and the limits are Wilson's, as in
    :func:`csat_mean`; there is no p.

    Shares: Newcombe's method 10. With Wilson's limits of both shares, dl = a - low_a and so on, and
    phi the correlation of the two answers (its numerator less n / 2, not below 0, if positive),
    a - b - sqrt(dl_a^2 - 2 phi dl_a du_b + du_b^2) to a - b + sqrt(du_a^2 - 2 phi du_a dl_b +
    dl_b^2). p is McNemar's mid-p: of those who changed, the number who changed one way is binomial
    with 1/2.

    References
    ----------
    Newcombe, R. G. (1998). Improved confidence intervals for the difference between binomial
    proportions based on paired data. Statistics in Medicine 17(22), 2635-2650.
    doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C

    Fagerland, M. W., Lydersen, S. and Laake, P. (2013). The McNemar test for binary matched-pairs
    data: mid-p and asymptotic are better than exact conditional. BMC Medical Research Methodology
    13, 91. doi:10.1186/1471-2288-13-91

    Examples
    --------
    >>> import cxkit as cx
    >>> autumn, spring = [9, 10, 7, 9, 3], [6, 9, 7, 8, 3]
    >>> print(cx.paired_difference(autumn, spring, measure="nps", a_name="now", b_name="before"))
    NPS, now against before: 60.0 points (95 % interval −51.1 to 171.1, n = 5 and 5; paired t):
    cannot be told
    """
    level = check_level(level)
    metric, unit, ends = _what(measure, scale, top)
    same_order("paired_difference", a=a, b=b, counts=counts)
    columns = [_points(column, measure, scale, top, asked=metric) for column in (a, b)]
    (x, no_x), (y, no_y) = columns
    if x.size != y.size:
        raise QuestionError(
            f"paired_difference: {x.size:,} first answers and {y.size:,} second ones.\n"
            "  Give one row per customer; cx.pairs makes them from one row per answer."
        )
    weight = check_counts(counts, x.size, asked="paired_difference")
    w = (np.ones(x.size) if weight is None else weight).astype(np.float64)
    both = ~no_x & ~no_y & (w > 0)
    n, missing = round(float(w[both].sum())), round(float(w[~both].sum()))
    about: dict[str, Any] = {
        "metric": metric,
        "measured_in": unit,
        "a": a_name,
        "b": b_name,
        "level": level,
        "n_a": n,
        "n_b": n,
        "n_missing": missing,
    }
    if n < (1 if measure == "share" else 2):
        reason = (
            "One pair has no spread to make an interval from; it takes two."
            if n
            else f"Nobody answered both times. {nobody_answered(missing)}"
        )
        empty: dict[str, Any] = dict.fromkeys(("value", "low", "high", "se", "p"))
        return Difference(**about, **empty, method="none", status="no data", reason=reason)
    found = (
        _of_shares(x[both], y[both], w[both], level)
        if measure == "share"
        else _of_means(x[both] - y[both], w[both], level, ends)
    )
    return Difference(**about, **found)


def _what(measure: Kind, scale: Scale | None, top: float | None) -> tuple[str, str, float]:
    """Return the name and unit of a measure and the largest difference there can be."""
    if measure == "nps":
        return "NPS", "points", 200.0
    if measure == "mean" and scale is not None:
        low, high = check_scale(scale, asked="paired_difference")
        return f"Mean ({low:g} to {high:g})", "score", high - low
    if measure == "share" and (scale is None) == (top is None):
        if scale is None or top is None:
            return "Share", "percentage points", 100.0
        low, high = check_scale(scale, asked="paired_difference")
        if low < top <= high:
            return f"Share ({top:g} or more on {low:g} to {high:g})", "percentage points", 100.0
    raise QuestionError(
        f"paired_difference: measure {measure!r} with scale={scale!r} and top={top!r} is not known."
        '\n  Write "nps"; "mean" with scale=(1, 5); "share" of yes and no; or "share" with '
        "scale=(1, 5) and top=4."
    )


def _points(
    column: Scores, measure: Kind, scale: Scale | None, top: float | None, *, asked: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return what each answer is worth and which are missing."""
    if measure == "nps":
        values, missing = read_scale(column, scale=(0, 10), asked=asked)
        return 100.0 * ((values >= 9).astype(float) - (values <= 6)), missing
    if scale is None:
        return read_yes_no(column, asked=asked)
    values, missing = read_scale(column, scale=scale, asked=asked)
    return (values if top is None else (values >= top).astype(float)), missing


def _of_means(
    d: NDArray[np.float64], w: NDArray[np.float64], level: float, most: float
) -> dict[str, Any]:
    """Return the mean difference with Student's interval, cut at what is possible."""
    n = float(w.sum())
    value = float((w * d).sum() / n)
    variance = float((w * (d - value) ** 2).sum() / (n - 1) / n)
    if np.ptp(d) == 0:
        z2 = float(ndtri((1 - level) / 2) ** 2)
        other = z2 / (n + z2)
        return {
            "value": float(d[0]),
            "low": float(d[0]) - (float(d[0]) + most) * other,
            "high": float(d[0]) + (most - float(d[0])) * other,
            "se": 0.0,
            "p": None,
            "method": "Wilson's limit, as all changed alike",
            "reason": "No p-value: all changed alike, so the spread is not known.",
        }
    se = float(np.sqrt(variance))
    half = float(stdtrit(n - 1, (1 + level) / 2)) * se
    return {
        "value": value,
        "low": max(value - half, -most),
        "high": min(value + half, most),
        "se": se,
        "p": float(2 * stdtr(n - 1, -abs(value / se))),
        "method": "paired t",
    }


def _of_shares(
    x: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64], level: float
) -> dict[str, Any]:
    """Return the difference of two paired shares by Newcombe's method 10, with McNemar's mid-p."""
    n = float(w.sum())
    both, first = float((w * x * y).sum()), float((w * x * (1 - y)).sum())
    second = float((w * (1 - x) * y).sum())
    neither = n - both - first - second
    product = (both + first) * (second + neither) * (both + second) * (first + neither)
    lean = both * neither - first * second
    phi = 0.0
    if product > 0:
        phi = (max(lean - n / 2, 0.0) if lean > 0 else lean) / float(np.sqrt(product))
    p, q = (both + first) / n, (both + second) / n
    low_p, high_p = (float(v) / 100 for v in wilson(both + first, n, level=level))
    low_q, high_q = (float(v) / 100 for v in wilson(both + second, n, level=level))
    below = _joined(p - low_p, high_q - q, phi)
    above = _joined(high_p - p, q - low_q, phi)
    changed, fewer = first + second, min(first, second)
    tail = float(bdtr(fewer, int(changed), 0.5)) if changed else 1.0
    at = tail - (float(bdtr(fewer - 1, int(changed), 0.5)) if fewer else 0.0) if changed else 0.0
    return {
        "value": 100 * (p - q),
        "low": 100 * (p - q - below),
        "high": 100 * (p - q + above),
        "se": 100 * float(np.sqrt(max(changed - (first - second) ** 2 / n, 0.0)) / n),
        "p": min(2 * tail - at, 1.0),
        "method": "paired Newcombe, McNemar mid-p",
    }


def _joined(one: float, other: float, phi: float) -> float:
    """Return the length of two distances whose directions have the correlation phi."""
    return float(np.sqrt(max(one**2 - 2 * phi * one * other + other**2, 0.0)))

"""Shares with Wilson's interval, and the mean of a rating scale with Student's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri, stdtrit

from cxkit.errors import QuestionError
from cxkit.metrics.answers import (
    Scale,
    Scores,
    check_level,
    check_scale,
    no_data,
    nobody_answered,
    on_scale,
    yes_no,
)
from cxkit.results import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD = "Wilson"


def share(yes: Scores, *, metric: str = "share", level: float = 0.95) -> Estimate:
    """Estimate the share of yes among those who answered, in percent.

    Parameters
    ----------
    yes : Series, array or list of shape (n,)
        True or false (1 or 0). Missing answers are counted, never filled.
    metric : str, default "share"
        What the share is called where it is shown.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100. ``se`` is the Wald standard error, 0 when all agree: read the
        interval. No usable answer gives the status "no data".

    Raises
    ------
    ScaleError
        An answer is neither yes nor no.

    Notes
    -----
    With x yes among the n who answered and p = x / n, the limits are
    (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n), without continuity
    correction. ``statsmodels.stats.proportion.proportion_confint(x, n, method="wilson")`` gives the
    same (its default is Wald); R's ``prop.test`` needs ``correct=FALSE``.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22(158), 209-212.
    doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.share([True, False, True, None], metric="Referred a friend"))
    Referred a friend 66.7 % (95 % interval 20.8 to 93.9, n = 3, 1 without a usable answer; Wilson)
    """
    level = check_level(level)
    used, n_missing = yes_no(yes, asked=metric)
    return share_of(int(used.sum()), used.size, metric=metric, level=level, n_missing=n_missing)


def csat(scores: Scores, *, scale: Scale = (1, 5), top: float = 4, level: float = 0.95) -> Estimate:
    """Estimate customer satisfaction as the share who answer ``top`` or more, in percent.

    Parameters
    ----------
    scores : Series, array or list of shape (n,)
        Whole numbers on ``scale``, high is satisfied. Missing answers are counted, never filled.
    scale : (low, high), default (1, 5)
        Ends of the scale.
    top : float, default 4
        The lowest answer that counts as satisfied: 4 on a scale of 5 is the top-2-box.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100, with Wilson's interval; its name says scale and cut.

    Raises
    ------
    ScaleError
        An answer is not a whole number on the scale.
    QuestionError
        The cut is not on the scale.

    Notes
    -----
    See :func:`share`. n is who answered, not who was asked. A cut changes what is measured, so
    shares of different cuts or scales are never compared (:func:`difference` refuses).

    References
    ----------
    Morgan, N. A. and Rego, L. L. (2006). The value of different customer satisfaction and loyalty
    metrics in predicting business performance. Marketing Science 25(5), 426-439.
    doi:10.1287/mksc.1050.0180

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.csat([5, 4, 4, 3, 1]))
    CSAT (4 or 5 on 1 to 5) 60.0 % (95 % interval 23.1 to 88.2, n = 5; Wilson)
    """
    level = check_level(level)
    low, high = check_scale(scale, asked="csat")
    if not low < top <= high:
        raise QuestionError(
            f"csat: the cut {top:g} does not split the scale {low:g} to {high:g}.\n"
            f"  Write the lowest answer that counts as satisfied, e.g. top={high - 1:g}."
        )
    used, n_missing = on_scale(scores, scale=scale, asked="csat")
    return share_of(
        int((used >= top).sum()),
        used.size,
        metric=f"CSAT ({span(top, high)} on {low:g} to {high:g})",
        level=level,
        n_missing=n_missing,
    )


def csat_mean(scores: Scores, *, scale: Scale = (1, 5), level: float = 0.95) -> Estimate:
    """Estimate customer satisfaction as the mean answer, in points of the scale.

    Parameters
    ----------
    scores : Series, array or list of shape (n,)
        Whole numbers on ``scale``, high is satisfied. Missing answers are counted, never filled.
    scale : (low, high), default (1, 5)
        Ends of the scale.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``measured_in`` is "score". One answer gives no interval: the status is "no data".

    Raises
    ------
    ScaleError
        An answer is not a whole number on the scale.

    Notes
    -----
    mean ± t(n - 1) s / sqrt(n), s with n - 1, cut at the ends of the scale. When all n >= 2 answers
    are the same, s is 0 and Student's interval has no width. Then the limits come from Wilson's
    upper limit u = z^2 / (n + z^2) of the share that would have answered otherwise, at worst at an
    end of the scale: answer - u (answer - low) to answer + u (high - answer).

    References
    ----------
    Student (1908). The probable error of a mean. Biometrika 6(1), 1-25.
    doi:10.1093/biomet/6.1.1

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.csat_mean([5, 4, 4, 3, 1]))
    CSAT mean (1 to 5) 3.40 (95 % interval 1.52 to 5.00, n = 5; Student's t)
    """
    low, high = check_scale(scale, asked="csat_mean")
    return mean_of(
        scores,
        metric=f"CSAT mean ({low:g} to {high:g})",
        scale=scale,
        level=level,
        asked="csat_mean",
    )


def share_of(x: int, n: int, *, metric: str, level: float, n_missing: int) -> Estimate:
    """Return x of n as an Estimate in percent."""
    if not n:
        return no_data(
            metric,
            "%",
            level=level,
            n=0,
            n_missing=n_missing,
            method=METHOD,
            reason=nobody_answered(n_missing),
        )
    low, high = wilson(x, n, level=level)
    return Estimate(
        metric=metric,
        measured_in="%",
        value=100 * x / n,
        low=float(low),
        high=float(high),
        se=100 * float(np.sqrt(x / n * (1 - x / n) / n)),
        level=level,
        n=n,
        n_missing=n_missing,
        method=METHOD,
    )


def wilson(
    x: NDArray[Any] | float, n: float, *, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Wilson's limits in percent for x of n > 0; at 0 and n they touch 0 and 100."""
    z2 = ndtri((1 - level) / 2) ** 2
    x = np.asarray(x, dtype=np.float64)
    p = x / n
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * p * (1 - p) / n + z2 * z2 / (4 * n * n)) / (1 + z2 / n)
    low = np.where(x == 0, 0.0, np.clip(middle - half, 0, p))
    high = np.where(x == n, 1.0, np.clip(middle + half, p, 1))
    return 100 * low, 100 * high


def mean_of(scores: Scores, *, metric: str, scale: Scale, level: float, asked: str) -> Estimate:
    """Return the mean answer with Student's interval, cut at the ends of the scale."""
    level = check_level(level)
    bottom, top = check_scale(scale, asked=asked)
    used, n_missing = on_scale(scores, scale=scale, asked=asked)
    n, method = used.size, "Student's t"
    if n < 2:
        reason = (
            f"One answer ({used[0]:g}) has no spread to make an interval from; a mean needs two."
            if n
            else nobody_answered(n_missing)
        )
        return no_data(
            metric, "score", level=level, n=n, n_missing=n_missing, method=method, reason=reason
        )
    value = float(used.mean())
    se = float(used.std(ddof=1) / np.sqrt(n))
    if np.ptp(used) == 0:
        z2 = float(ndtri((1 - level) / 2) ** 2)
        below, above = (value - bottom) * z2 / (n + z2), (top - value) * z2 / (n + z2)
        value, se, method = float(used[0]), 0.0, "Wilson's limit, as all answers are the same"
    else:
        below = above = float(stdtrit(n - 1, (1 + level) / 2)) * se
    return Estimate(
        metric=metric,
        measured_in="score",
        value=value,
        low=max(value - below, bottom),
        high=min(value + above, top),
        se=se,
        level=level,
        n=n,
        n_missing=n_missing,
        method=method,
    )


def span(first: float, last: float) -> str:
    """Write a run of answers: ``5``, ``4 or 5``, ``3 to 5``."""
    if first == last:
        return f"{last:g}"
    return f"{first:g} or {last:g}" if last - first == 1 else f"{first:g} to {last:g}"

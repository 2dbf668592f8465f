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
    is_real,
)
from cxkit.metrics.scoring import Limits, Scoring, estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from cxkit.metrics.clusters import Moments, Spread
    from cxkit.results import Estimate

METHOD = "Wilson"
STUDENT = "Student's t"


def share(
    yes: Scores,
    *,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    metric: str = "share",
    level: float = 0.95,
) -> Estimate:
    """Estimate the share of yes among those who answered, in percent.

    Question: how many say yes? Interval: Wilson; by cluster with t.

    Parameters
    ----------
    yes : Series, array or list of shape (n,)
        True or false (1 or 0). Missing answers are counted, never filled.
    counts : Series, array or list of shape (n,), optional
        How many people gave each value of ``yes``, whole numbers from 0: a row is then a
        pattern, and the result is that of the rows written out. Matched by position.
    clusters : Series, array or list of shape (n,), optional
        Who answered, e.g. the customer, or any coarser key; the error is then cluster-robust, and
        the method says by how many clusters (with the Series' name). Matched by position.
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
    QuestionError
        The level makes no sense, or ``counts`` or ``clusters`` do not fit.

    Notes
    -----
    With x yes among the n who answered and p = x / n, the limits are
    (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n), without continuity
    correction. ``statsmodels.stats.proportion.proportion_confint(x, n, method="wilson")`` gives the
    same (its default is Wald); R's ``prop.test`` needs ``correct=FALSE``.

    With ``clusters`` that answer more than once, ``se`` is the linearised cluster-robust error, and
    the limits are Wilson's of n over the design effect answers, z being Student's quantile on the
    number of clusters less 1; never narrower than without clusters. Clusters that never repeat
    change nothing, as the answers are then independent. One cluster alone gives "no data".

    References
    ----------
    Dean, N. and Pagano, M. (2015). Evaluating confidence interval methods for binomial proportions
    in clustered surveys. Journal of Survey Statistics and Methodology 3(4), 484-503.
    doi:10.1093/jssam/smv024

    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22(158), 209-212.
    doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.share([True, False, True, None], metric="Referred a friend"))
    Referred a friend 66.7 % (95 % interval 20.8 to 93.9, n = 3, 1 without a usable answer; Wilson)
    """
    scoring = share_scoring(metric=metric)
    return estimate(scoring, yes, level=check_level(level), counts=counts, clusters=clusters)


def share_scoring(*, metric: str = "share") -> Scoring:
    """Return what makes a share: 1 for yes, 0 for no."""
    return share_between(metric, metric, None, (1, 1))


def csat(
    scores: Scores,
    *,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    scale: Scale = (1, 5),
    top: float = 4,
    level: float = 0.95,
) -> Estimate:
    """Estimate customer satisfaction as the share who answer ``top`` or more, in percent.

    Question: how many customers are satisfied? Interval: Wilson; by cluster with t.

    Parameters
    ----------
    scores : Series, array or list of shape (n,)
        Whole numbers on ``scale``, high is satisfied. Missing answers are counted, never filled.
    counts : Series, array or list of shape (n,), optional
        How many people gave each value of ``scores``, whole numbers from 0: a row is then a
        pattern, and the result is that of the rows written out. Matched by position.
    clusters : Series, array or list of shape (n,), optional
        Who answered, e.g. the customer, or any coarser key; the error is then cluster-robust, and
        the method says by how many clusters (with the Series' name). Matched by position.
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
        The cut is not on the scale, or ``counts`` or ``clusters`` do not fit.

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
    scoring = csat_scoring(scale=scale, top=top)
    return estimate(scoring, scores, level=check_level(level), counts=counts, clusters=clusters)


def csat_scoring(*, scale: Scale = (1, 5), top: float = 4) -> Scoring:
    """Return what makes a CSAT: 1 for an answer from ``top`` on, 0 below."""
    low, high = check_scale(scale, asked="csat")
    if not (is_real(top) and low < top <= high):
        raise QuestionError(
            f"csat: the cut {top!r} does not split the scale {low:g} to {high:g}.\n"
            f"  Write the lowest answer that counts as satisfied, e.g. top={high - 1:g}."
        )
    metric = f"CSAT ({span(top, high)} on {low:g} to {high:g})"
    return share_between(metric, "csat", (low, high), (top, high))


def csat_mean(
    scores: Scores,
    *,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    scale: Scale = (1, 5),
    level: float = 0.95,
) -> Estimate:
    """Estimate customer satisfaction as the mean answer, in points of the scale.

    Question: how satisfied are customers on average? Interval: Student's t; by cluster.

    Parameters
    ----------
    scores : Series, array or list of shape (n,)
        Whole numbers on ``scale``, high is satisfied. Missing answers are counted, never filled.
    counts : Series, array or list of shape (n,), optional
        How many people gave each value of ``scores``, whole numbers from 0: a row is then a
        pattern, and the result is that of the rows written out. Matched by position.
    clusters : Series, array or list of shape (n,), optional
        Who answered, e.g. the customer, or any coarser key; the error is then cluster-robust, and
        the method says by how many clusters (with the Series' name). Matched by position.
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
    QuestionError
        The scale has no room, or ``counts`` or ``clusters`` do not fit.

    Notes
    -----
    mean ± t(n - 1) s / sqrt(n), s with n - 1, cut at the ends of the scale. When all n >= 2 answers
    are the same, s is 0 and Student's interval has no width. Then the limits come from Wilson's
    upper limit u = z^2 / (n + z^2) of the share that would have answered otherwise, at worst at an
    end of the scale: answer - u (answer - low) to answer + u (high - answer).

    With ``clusters`` that answer more than once, ``se`` is the linearised cluster-robust error and
    t has the number of clusters less 1 degrees of freedom; the interval is never narrower than
    without clusters. Clusters that never repeat change nothing. One alone gives "no data".

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
    scoring = csat_mean_scoring(scale=scale)
    return estimate(scoring, scores, level=check_level(level), counts=counts, clusters=clusters)


def csat_mean_scoring(*, scale: Scale = (1, 5)) -> Scoring:
    """Return what makes a mean CSAT: the answer itself."""
    low, high = check_scale(scale, asked="csat_mean")
    return mean_scoring(f"CSAT mean ({low:g} to {high:g})", "csat_mean", (low, high))


def share_between(
    metric: str,
    asked: str,
    scale: Scale | None,
    yes: tuple[float, float],
) -> Scoring:
    """Return the scoring of the share who answer from ``yes[0]`` to ``yes[1]``, by Wilson."""
    return Scoring(
        metric=metric,
        measured_in="%",
        asked=asked,
        scale=scale,
        points=lambda v: ((v >= yes[0]) & (v <= yes[1])).astype(np.int8),
        limits=_share_limits,
        method=METHOD,
    )


def _share_limits(m: Moments, known: Spread, level: float) -> Limits:
    """Return the share with Wilson's interval of as many answers as are worth counting."""
    n = m.n.astype(np.float64)
    low, high = wilson(m.total * (known.n / n), known.n, level=level, quantile=known.quantile)
    p = m.total / n
    return Limits(
        value=100 * m.total / n,
        low=np.minimum(low, 100 * p),
        high=np.maximum(high, 100 * p),
        se=100 * np.where(known.repeats, known.se, np.sqrt(p * (1 - p) / n)),
        method=METHOD,
    )


def mean_scoring(metric: str, asked: str, scale: Scale) -> Scoring:
    """Return the scoring of a mean answer, by Student's t cut at the ends of the scale."""
    return Scoring(
        metric=metric,
        measured_in="score",
        asked=asked,
        scale=scale,
        points=lambda v: v,
        limits=lambda m, known, level: _mean_limits(known, scale, level),
        method=STUDENT,
        needs=2,
    )


def _mean_limits(known: Spread, scale: Scale, level: float) -> Limits:
    """Return the mean with Student's interval; where all are the same, by Wilson's limit."""
    bottom, top = scale
    value, same = known.mean, known.same
    z2 = known.quantile**2
    other = z2 / (known.n + z2)
    half = stdtrit(known.df, (1 + level) / 2) * known.wide
    method = np.where(same, "Wilson's limit, as all answers are the same", STUDENT)
    return Limits(
        value=value,
        low=np.where(same, value - (value - bottom) * other, np.maximum(value - half, bottom)),
        high=np.where(same, value + (top - value) * other, np.minimum(value + half, top)),
        se=np.where(same, 0.0, known.se),
        method=method.astype(object),
    )


def wilson(
    x: NDArray[Any] | float,
    n: NDArray[Any] | float,
    *,
    level: float,
    quantile: NDArray[Any] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Wilson's limits in percent for x of n > 0; at 0 and n they touch 0 and 100.

    ``quantile`` replaces the normal one where the error is known on few degrees of freedom.
    """
    z2 = (ndtri((1 - level) / 2) if quantile is None else quantile) ** 2
    x = np.asarray(x, dtype=np.float64)
    p = x / n
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * p * (1 - p) / n + z2 * z2 / (4 * n * n)) / (1 + z2 / n)
    low = np.where(x == 0, 0.0, np.clip(middle - half, 0, p))
    high = np.where(x == n, 1.0, np.clip(middle + half, p, 1))
    return 100 * low, 100 * high


def span(first: float, last: float) -> str:
    """Write a run of answers: ``5``, ``4 or 5``, ``3 to 5``."""
    if first == last:
        return f"{last:g}"
    return f"{first:g} or {last:g}" if last - first == 1 else f"{first:g} to {last:g}"

"""Net Promoter Score with an interval that holds in small samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from cxkit.errors import QuestionError
from cxkit.metrics.answers import Scores, check_level
from cxkit.metrics.scoring import Limits, Scoring, estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from cxkit.metrics.clusters import Moments, Spread
    from cxkit.results import Estimate

METRIC = "NPS"
METHOD = "adjusted Wald"


def nps(
    scores: Scores,
    *,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    detractor: int = 6,
    promoter: int = 9,
) -> Estimate:
    """Estimate the Net Promoter Score: promoters less detractors, in points.

    Question: would customers recommend us? Interval: adjusted Wald; by cluster with t.

    Parameters
    ----------
    scores : Series, array or list of shape (n,)
        Answers to "how likely are you to recommend us", whole numbers from 0 to 10. Missing answers
        (NaN, None) are counted, never filled.
    counts : Series, array or list of shape (n,), optional
        How many people gave each value of ``scores``, whole numbers from 0: a row is then a
        pattern, and the result is that of the rows written out. Matched by position.
    clusters : Series, array or list of shape (n,), optional
        Who answered, e.g. the customer, or any coarser key; the error is then cluster-robust, and
        the method says by how many clusters (with the Series' name). Matched by position.
    level : float, default 0.95
        Level of the interval.
    detractor : int, default 6
        A detractor answers this or less.
    promoter : int, default 9
        A promoter answers this or more.

    Returns
    -------
    Estimate
        In points, -100 to 100. ``se`` is the Wald standard error, which is 0 when all agree: the
        interval is the one to read. No usable answer gives the status "no data".

    Raises
    ------
    ScaleError
        An answer is not a whole number from 0 to 10.
    QuestionError
        The cut-points or the level make no sense, or ``counts`` or ``clusters`` do not fit.

    Notes
    -----
    With p and q the shares of promoters and detractors among the n who answered, NPS = 100 (p - q),
    its variance is p + q - (p - q)^2 and its standard error 100 sqrt(variance / n).

    The interval is the Wald interval of n + 3 answers, 3/4 of an answer having been added to the
    promoters and 3/4 to the detractors (the other 3/2 fall to the passives), cut at -100 and 100.
    It is centred on a shrunken score, so with a single answer, or a level below about 0.84, it can
    stop short of a score of 100 or -100; then it is stretched to the score, which can only raise
    its coverage. The R package NPS neither cuts nor stretches.

    With ``clusters`` that answer more than once, ``se`` is the linearised cluster-robust error, and
    the interval is the same one of n over the design effect answers, with Student's quantile on the
    number of clusters less 1; never narrower than without clusters. Clusters that never repeat
    change nothing, as the answers are then independent. One cluster alone gives "no data".

    References
    ----------
    Dean, N. and Pagano, M. (2015). Evaluating confidence interval methods for binomial proportions
    in clustered surveys. Journal of Survey Statistics and Methodology 3(4), 484-503.
    doi:10.1093/jssam/smv024

    Rocks, B. (2016). Interval estimation for the "Net Promoter Score". The American Statistician
    70(4), 365-372. doi:10.1080/00031305.2016.1198279

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.nps([10, 9, 8, 6, 10, 9, 2, None]))
    NPS 28.6 points (95 % interval −32.2 to 72.2, n = 7, 1 without a usable answer; adjusted Wald)
    >>> cx.nps([10, 11])
    Traceback (most recent call last):
    cxkit.errors.ScaleError: nps, row 1: 11 is not a whole number from 0 to 10 (1 of 2 answers).
      If it means "no answer", make it missing first: scores.mask(scores == 11); in a study.yml
      write  missing: [11]
    """
    scoring = nps_scoring(detractor=detractor, promoter=promoter)
    return estimate(scoring, scores, level=check_level(level), counts=counts, clusters=clusters)


def nps_scoring(*, detractor: int = 6, promoter: int = 9) -> Scoring:
    """Return what makes an NPS: 1 for a promoter, -1 for a detractor, 0 for a passive."""
    if not 0 <= detractor < promoter <= 10:
        raise QuestionError(
            f"nps: detractors up to {detractor} and promoters from {promoter} do not split 0 to 10."
            "\n  Write detractor < promoter, both from 0 to 10; the usual cuts are 6 and 9."
        )
    return Scoring(
        metric=METRIC,
        measured_in="points",
        asked="nps",
        scale=(0, 10),
        points=lambda v: (v >= promoter).astype(np.int8) - (v <= detractor).astype(np.int8),
        limits=_limits,
        method=METHOD,
    )


def _limits(m: Moments, known: Spread, level: float) -> Limits:
    """Return NPS with the adjusted Wald interval of as many answers as are worth counting."""
    n, each = m.n.astype(np.float64), known.n / m.n
    promoters, detractors = (m.squares + m.total) / 2, (m.squares - m.total) / 2
    low, high = adjusted_wald(
        promoters * each, detractors * each, known.n, level=level, quantile=known.quantile
    )
    p, q = promoters / n, detractors / n
    value = 100 * m.total / n
    wald = 100 * np.sqrt(np.maximum(p + q - (p - q) ** 2, 0.0) / n)
    return Limits(
        value=value,
        low=np.minimum(low, value),
        high=np.maximum(high, value),
        se=np.where(known.repeats, 100 * known.se, wald),
        method=METHOD,
    )


def adjusted_wald(
    promoters: NDArray[Any] | int,
    detractors: NDArray[Any] | int,
    n: NDArray[Any] | int,
    *,
    level: float,
    quantile: NDArray[Any] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the limits of NPS in points for counts of promoters and detractors among n > 0.

    ``quantile`` replaces the normal one where the error is known on few degrees of freedom.
    """
    z = -ndtri((1 - level) / 2) if quantile is None else quantile
    p = (np.asarray(promoters, dtype=np.float64) + 0.75) / (n + 3)
    q = (np.asarray(detractors, dtype=np.float64) + 0.75) / (n + 3)
    half = z * np.sqrt((p + q - (p - q) ** 2) / (n + 3))
    value = 100 * (np.asarray(promoters) - np.asarray(detractors)) / n
    low = np.clip(100 * (p - q - half), -100, value)
    high = np.clip(100 * (p - q + half), value, 100)
    return low, high

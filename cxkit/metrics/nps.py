"""Net Promoter Score with an interval that holds in small samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from cxkit.errors import QuestionError
from cxkit.metrics.answers import Scores, check_level, no_data, nobody_answered, on_scale
from cxkit.results import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

METRIC = "NPS"
METHOD = "adjusted Wald"


def nps(scores: Scores, *, level: float = 0.95, detractor: int = 6, promoter: int = 9) -> Estimate:
    """Estimate the Net Promoter Score: promoters less detractors, in points.

    Parameters
    ----------
    scores : Series, array or list of shape (n,)
        Answers to "how likely are you to recommend us", whole numbers from 0 to 10. Missing answers
        (NaN, None) are counted, never filled.
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
        The cut-points or the level make no sense.

    Notes
    -----
    With p and q the shares of promoters and detractors among the n who answered, NPS = 100 (p - q),
    its variance is p + q - (p - q)^2 and its standard error 100 sqrt(variance / n).

    The interval is the Wald interval of n + 3 answers, 3/4 of an answer having been added to the
    promoters and 3/4 to the detractors (the other 3/2 fall to the passives), cut at -100 and 100.
    It is centred on a shrunken score, so with a single answer, or a level below about 0.84, it can
    stop short of a score of 100 or -100; then it is stretched to the score, which can only raise
    its coverage. The R package NPS neither cuts nor stretches.

    References
    ----------
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
    level = check_level(level)
    if not 0 <= detractor < promoter <= 10:
        raise QuestionError(
            f"nps: detractors up to {detractor} and promoters from {promoter} do not split 0 to 10."
            "\n  Write detractor < promoter, both from 0 to 10; the usual cuts are 6 and 9."
        )
    used, n_missing = on_scale(scores, scale=(0, 10), asked="nps")
    if not used.size:
        return no_data(
            METRIC,
            "points",
            level=level,
            n=0,
            n_missing=n_missing,
            method=METHOD,
            reason=nobody_answered(n_missing),
        )
    n = used.size
    promoters, detractors = int((used >= promoter).sum()), int((used <= detractor).sum())
    p, q = promoters / n, detractors / n
    low, high = adjusted_wald(promoters, detractors, n, level=level)
    return Estimate(
        metric=METRIC,
        measured_in="points",
        value=100 * (promoters - detractors) / n,
        low=float(low),
        high=float(high),
        se=100 * float(np.sqrt(max(p + q - (p - q) ** 2, 0.0) / n)),
        level=level,
        n=n,
        n_missing=n_missing,
        method=METHOD,
    )


def adjusted_wald(
    promoters: NDArray[Any] | int, detractors: NDArray[Any] | int, n: int, *, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the limits of NPS in points for counts of promoters and detractors among n > 0."""
    p = (np.asarray(promoters, dtype=np.float64) + 0.75) / (n + 3)
    q = (np.asarray(detractors, dtype=np.float64) + 0.75) / (n + 3)
    half = -ndtri((1 - level) / 2) * np.sqrt((p + q - (p - q) ** 2) / (n + 3))
    value = 100 * (np.asarray(promoters) - np.asarray(detractors)) / n
    low = np.clip(100 * (p - q - half), -100, value)
    high = np.clip(100 * (p - q + half), value, 100)
    return low, high

"""One correlation from several regions or brands: how strong on average, and how much it varies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxkit.errors import QuestionError
from cxkit.metrics.answers import Scores, check_level, numbers, one_column
from cxkit.metrics.shrinkage import reml
from cxkit.results import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """A random-effects mean with what varies around it.

    Attributes
    ----------
    mean : Estimate
        Hartung-Knapp interval, on the scale of the effects.
    tau2 : float
        Variance between the groups, by REML; ``tau2_low`` and ``tau2_high`` by the Q-profile.
    prediction_low, prediction_high : float or None
        Where the effect of a group not seen here would lie; None below three groups.
    q : float
        Cochran's Q, on k - 1 degrees of freedom.
    k : int
        Groups.
    """

    mean: Estimate
    tau2: float
    tau2_low: float
    tau2_high: float
    prediction_low: float | None
    prediction_high: float | None
    q: float
    k: int


def pool(
    effects: Scores,
    variances: Scores,
    *,
    metric: str = "pooled effect",
    measured_in: str = "coefficient",
    level: float = 0.95,
    knapp_hartung: bool = True,
) -> Pooled:
    """Pool effects of several groups by a random-effects model.

    Parameters
    ----------
    effects, variances : array-like of float, shape (groups,)
        One effect per group with its sampling variance; correlations enter as atanh r with
        1 / (n - 3).
    metric, measured_in : str
        What the mean is called and measured in.
    level : float
        Level of the intervals.
    knapp_hartung : bool
        Whether the mean's error is Hartung and Knapp's with t on k - 1 degrees of freedom (the
        kit's choice), or the plain one with the normal.

    Returns
    -------
    Pooled
        With fewer than two groups the mean has status "no data" and says so.

    Raises
    ------
    QuestionError
        There are not as many variances as effects, or ``level`` is no level.
    ScaleError
        An effect or a variance is no number.

    Notes
    -----
    tau^2 by restricted maximum likelihood (statsmodels' `combine_effects` has no REML: its default
    is Paule-Mandel), not below zero. The prediction interval uses t on k - 2 degrees of freedom
    (Higgins, Thompson and Spiegelhalter 2009), k >= 3. A group with a missing effect or variance is
    counted and left out.

    References
    ----------
    Viechtbauer, W. (2005). Bias and efficiency of meta-analytic variance estimators. Journal of
    Educational and Behavioral Statistics 30, 261-293. https://doi.org/10.3102/10769986030003261
    Hartung, J. and Knapp, G. (2001). A refined method for the meta-analysis of controlled clinical
    trials with binary outcome. Statistics in Medicine 20, 3875-3889.
    https://doi.org/10.1002/sim.1009

    Examples
    --------
    >>> found = pool([0.2, 0.3, 0.25, 0.4], [0.01, 0.02, 0.01, 0.02])
    >>> found.k, round(found.mean.value, 3)
    (4, 0.267)
    """
    from scipy.stats import norm, t

    level = check_level(level)
    y, v = (numbers(one_column(side, asked="pool"), asked="pool") for side in (effects, variances))
    if y.size != v.size:
        raise QuestionError(
            f"pool: {y.size} effects, {v.size} variances.\n  Give the variance of each effect."
        )
    usable = np.isfinite(y) & np.isfinite(v) & (v > 0)
    missing = int((~usable).sum())
    y, v = y[usable], v[usable]
    k = len(y)
    method = "random effects (REML), Hartung-Knapp" if knapp_hartung else "random effects (REML)"
    if k < 2:
        nothing = Estimate(
            metric=metric,
            measured_in=measured_in,
            value=None,
            low=None,
            high=None,
            se=None,
            level=level,
            n=k,
            n_missing=missing,
            method=method,
            status="no data",
            reason=f"Pooling needs at least two groups; there {'is 1' if k == 1 else 'are 0'}.",
        )
        return Pooled(
            mean=nothing,
            tau2=0.0,
            tau2_low=0.0,
            tau2_high=0.0,
            prediction_low=None,
            prediction_high=None,
            q=0.0,
            k=k,
        )
    tau2 = reml(y, v)
    w = 1 / (v + tau2)
    mean = float((w * y).sum() / w.sum())
    plain = 1 / math.sqrt(w.sum())
    tail = (1 - level) / 2
    refined = math.sqrt(float((w * (y - mean) ** 2).sum()) / ((k - 1) * w.sum()))
    se = refined if knapp_hartung else plain
    reach = float(t.isf(tail, k - 1)) if knapp_hartung else float(norm.isf(tail))
    spread = None
    if k >= 3:
        spread = float(t.isf(tail, k - 2)) * math.sqrt(tau2 + se**2)
    fixed = 1 / v
    centre = (fixed * y).sum() / fixed.sum()
    low, high = _q_profile(y, v, level)
    return Pooled(
        mean=Estimate(
            metric=metric,
            measured_in=measured_in,
            value=mean,
            low=mean - reach * se,
            high=mean + reach * se,
            se=se,
            level=level,
            n=k,
            n_missing=missing,
            method=method,
        ),
        tau2=tau2,
        tau2_low=low,
        tau2_high=high,
        prediction_low=None if spread is None else mean - spread,
        prediction_high=None if spread is None else mean + spread,
        q=float((fixed * (y - centre) ** 2).sum()),
        k=k,
    )


def _q_profile(y: NDArray[np.float64], v: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Return the interval of the variance between groups that Q's distribution allows."""
    from scipy.optimize import brentq
    from scipy.stats import chi2

    def q(tau2: float) -> float:
        w = 1 / (v + tau2)
        mean = (w * y).sum() / w.sum()
        return float((w * (y - mean) ** 2).sum())

    df, tail = len(y) - 1, (1 - level) / 2
    limits = []
    for bound in (float(chi2.isf(tail, df)), float(chi2.isf(1 - tail, df))):
        if q(0.0) <= bound:
            limits.append(0.0)
            continue
        top = float(np.var(y)) + float(v.max())
        while q(top) > bound:
            top *= 4
        limits.append(float(brentq(lambda t2, b=bound: q(t2) - b, 0.0, top, xtol=1e-14)))
    return limits[0], limits[1]

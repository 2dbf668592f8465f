"""Where some customers all left, or all stayed: no coefficient is finite, but a bound can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxkit import markup
from cxkit.metrics.answers import check_level
from cxkit.results import Estimate, Guard
from cxkit.retention.logit import coefficients, design, separated

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

#: A coefficient is looked for up to this many standard units; beyond, odds differ by e to the 25.
FAR = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """Which coefficients of a logit have no finite estimate, and what can be said of them.

    Attributes
    ----------
    terms : tuple of str
        Their names; empty where every estimate is finite.
    bounds : tuple of Estimate
        For each the odds ratio's bound on its finite side: ``low`` where the estimate is endless,
        ``high`` where it is nought; per standard deviation of a numeric column.
    guard : Guard
    """

    terms: tuple[str, ...]
    bounds: tuple[Estimate, ...]
    guard: Guard


def separation(
    frame: pd.DataFrame, *, outcome: str, predictors: Sequence[str], level: float = 0.95
) -> Separation:
    """Look for predictors that tell the outcome perfectly in some rows, and bound their effect.

    Parameters
    ----------
    frame : DataFrame of shape (n, k)
        One row per customer, none missing in the outcome.
    outcome : str
        Column of 0 and 1, or true and false.
    predictors : list of str
        Columns of the one model; text columns by levels, the largest being compared with.
    level : float
        Level of the interval whose finite end is given, 0 to 1.

    Returns
    -------
    Separation

    Notes
    -----
    A direction b with s_i x_i'b >= 0 in every row, and > 0 in some (s_i = 1 for the outcome, else
    -1), means that the likelihood rises for ever along it: found by linear programming. The bound
    is where twice the fall of the profile log-likelihood from its limit reaches the chi-square
    quantile, all other coefficients fitted anew.

    References
    ----------
    Heinze, G. and Schemper, M. (2002). A solution to the problem of separation in logistic
    regression. Statistics in Medicine 21, 2409-2419. https://doi.org/10.1002/sim.1047
    Venzon, D. J. and Moolgavkar, S. H. (1988). A method for computing profile-likelihood-based
    confidence intervals. Applied Statistics 37, 87-94. https://doi.org/10.2307/2347496

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"left": [1] * 6 + [0, 1] * 20, "called": [1] * 6 + [0] * 40})
    >>> found = separation(frame, outcome="left", predictors=["called"])
    >>> found.terms, round(found.bounds[0].low, 2)
    (('called',), 2.45)
    """
    level = check_level(level)
    y = frame[outcome].to_numpy(float)
    x = design(frame, predictors)
    endless = separated(y, x.to_numpy())
    found = [(j, int(s)) for j, s in enumerate(endless) if s and j > 0]
    names = tuple(str(x.columns[j]) for j, _ in found)
    bounds = tuple(
        _bound(y, x.to_numpy(), j, s, name=n, level=level)
        for (j, s), n in zip(found, names, strict=True)
    )
    if not names:
        quiet = f"Every one of the {x.shape[1] - 1} coefficients has a finite estimate."
        return Separation(
            terms=(), bounds=(), guard=Guard(kind="separation", fired=False, text=quiet)
        )
    said = "; ".join(_words(b) for b in bounds)
    text = (
        f"For {len(names)} of {x.shape[1] - 1} coefficients some customers all left or all stayed, "
        f"so no finite estimate is there and none is printed: {said}."
    )
    return Separation(
        terms=names, bounds=bounds, guard=Guard(kind="separation", fired=True, text=text)
    )


def _bound(
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    j: int,
    sign: int,
    *,
    name: str,
    level: float,
) -> Estimate:
    """Return the finite end of the profile-likelihood interval of one odds ratio."""
    from scipy.optimize import brentq
    from scipy.stats import chi2

    rest = np.delete(x, j, axis=1)

    def profile(b: float) -> float:
        """Return the log-likelihood with one coefficient held at ``b``."""
        held = b * x[:, j]
        eta = rest @ coefficients(y, rest, offset=held) + held
        return float(-np.logaddexp(0, np.where(y > 0, -eta, eta)).sum())

    best = profile(sign * FAR)
    allowed = float(chi2.isf(1 - level, 1)) / 2

    def over(b: float) -> float:
        """Return by how much the fall from the limit exceeds what is allowed."""
        return best - profile(sign * b) - allowed

    near = 0.0
    while over(near) < 0 and near > -FAR:
        near -= 1.0
    bound = sign * float(brentq(over, near, FAR, xtol=1e-6)) if over(near) > 0 else None
    ends = None if bound is None else float(np.exp(bound))
    return Estimate(
        metric=f"odds ratio, {name}",
        measured_in="ratio",
        value=None,
        low=ends if sign > 0 else None,
        high=ends if sign < 0 else None,
        se=None,
        level=level,
        n=len(y),
        n_missing=0,
        method="profile likelihood, finite side",
        status="one-sided" if ends is not None else "no data",
        reason="some customers all left or all stayed, so the estimate has no finite value"
        + ("" if ends is not None else ", and they are too few for a bound"),
    )


def _words(bound: Estimate) -> str:
    """Say a bound: at least, at most, or none."""
    name = bound.metric.removeprefix("odds ratio, ")
    at = f"({markup.percent_label(bound.level)} profile-likelihood bound)"
    if bound.low is not None:
        return f"{name}: odds ratio at least {markup.quantity(bound.low, 'ratio')} {at}"
    if bound.high is not None:
        return f"{name}: odds ratio at most {markup.quantity(bound.high, 'ratio')} {at}"
    return f"{name}: too few rows for a bound"

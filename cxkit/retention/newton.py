"""Fisher scoring on counts by the normal equations: for models that one page fits many times.

statsmodels looks at singular values of the whole table at every step, which takes most of a page's
seconds where patterns number thousands. Estimates and errors are its own to 1e-8 (see the tests).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    #: Of linear predictors: the residuals of the score equations and the rows' weights.
    Score = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

#: Steps after which a fit that has not settled never will, and the longest step of one of them.
STEPS, LONGEST = 60, 2.0

#: The last step of a fit; in a bootstrap, whose spread is 10,000 times it, a longer one will do.
SETTLED, NEAR_ENOUGH = 1e-11, 1e-6

#: A coefficient beyond this is not an estimate: the data leave it without a bound.
ENDLESS = 20.0


def rate(
    x: np.ndarray, happened: np.ndarray, exposure: np.ndarray
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return coefficients, covariance and whether they settled, of a Poisson rate with log link."""

    def score(linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = exposure * np.exp(linear)
        return happened - mean, mean

    start = np.log(happened.sum() / exposure.sum())
    return _fit(x, score, start)


def hazard(
    x: np.ndarray, exits: np.ndarray, at_risk: np.ndarray
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return coefficients, covariance and whether they settled, of a complementary log-log hazard.

    Notes
    -----
    p = 1 - exp(-exp(x'b)) and dp = exp(x'b) (1 - p): score (exits - n p) dp / (p (1 - p)), weight
    n dp^2 / (p (1 - p)), the expected information.
    """
    start = np.log(-np.log1p(-min(exits.sum() / at_risk.sum(), 0.99)))
    return _fit(x, _of_hazard(exits, at_risk), start)


def hazard_again(
    x: np.ndarray, exits: np.ndarray, at_risk: np.ndarray, near: np.ndarray
) -> np.ndarray:
    """Return the coefficients of a hazard alone, from near the solution on, for a bootstrap."""
    return _solve(x, _of_hazard(exits, at_risk), near, NEAR_ENOUGH)[0]


def _of_hazard(exits: np.ndarray, at_risk: np.ndarray) -> Score:
    def score(linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        force = np.exp(np.clip(linear, -30, 3.5))
        p = -np.expm1(-force)
        by_p = force / p
        return (exits - at_risk * p) * by_p, at_risk * (1 - p) * force * by_p

    return score


def _fit(x: np.ndarray, score: Score, start: float) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the solution of the score equations, from all-equal rows on."""
    beta = np.linalg.lstsq(x.T @ x, x.sum(axis=0) * start, rcond=None)[0]
    beta, settled = _solve(x, score, beta, SETTLED)
    _, weight = score(x @ beta)
    covariance = np.linalg.pinv(x.T @ (weight[:, None] * x), hermitian=True)
    return beta, covariance, settled and bool(np.abs(beta).max() < ENDLESS)


def _solve(x: np.ndarray, score: Score, beta: np.ndarray, enough: float) -> tuple[np.ndarray, bool]:
    """Return the coefficients, and whether the last step was as short as ``enough``."""
    for _ in range(STEPS):
        residual, weight = score(x @ beta)
        step = np.linalg.lstsq(x.T @ (weight[:, None] * x), x.T @ residual, rcond=None)[0]
        furthest = float(np.abs(step).max())
        beta = beta + step * min(1.0, LONGEST / max(furthest, 1e-300))
        if furthest < enough:
            return beta, True
    return beta, False

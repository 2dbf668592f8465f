"""Customers' answers on their unit's engagement: within and between units told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from cxkit.errors import QuestionError
from cxkit.linkage.likelihood import Likelihood
from cxkit.metrics.answers import check_choice, check_level, need_columns
from cxkit.results import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A unit variance below this share of the residual one is taken as none: the fit is singular.
SINGULAR = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Multilevel:
    """A random-intercept model with within and between slopes.

    Attributes
    ----------
    within, between : Estimate
        Slopes of y on x inside units and between unit means, in units of y per unit of x.
        ``within`` is "no data" where x does not vary inside units.
    least_squares : Estimate
        The between slope by least squares with cluster-robust errors, as a check.
    intercept : float
    unit_variance, residual_variance : float
    log_likelihood : float
        Restricted or full, as fitted.
    singular : bool
        Whether the unit variance is zero: then least squares is the answer.
    n, units : int
    searches, agreed : int
        Searches for the largest likelihood, and those that found it.
    behind : float
        How far the worst search stayed below the best, in log-likelihood.
    """

    within: Estimate
    between: Estimate
    least_squares: Estimate
    intercept: float
    unit_variance: float
    residual_variance: float
    log_likelihood: float
    singular: bool
    n: int
    units: int
    searches: int
    agreed: int
    behind: float


def within_between(
    frame: pd.DataFrame,
    *,
    unit: str,
    y: str,
    x: str | None = None,
    criterion: Literal["REML", "ML"] = "REML",
    level: float = 0.95,
) -> Multilevel:
    """Fit y on the unit mean of x and on x's distance from it, with a random intercept per unit.

    Parameters
    ----------
    frame : DataFrame
        One row per answer: the columns named here.
    unit, y : str
        Column names.
    x : str or None
        The column whose within and between parts are told apart; None fits the intercept alone.
    criterion : {"REML", "ML"}
        Restricted likelihood (for variances), or full (to compare fixed effects).
    level : float
        Level of the intervals.

    Returns
    -------
    Multilevel

    Raises
    ------
    ColumnError
        If a column is not in the frame.
    QuestionError
        If fewer than three units, or no more rows than units, are left, or every answer is alike.

    Notes
    -----
    y_ij = g00 + g10 (x_ij - xbar_j) + g01 xbar_j + u_j + e_ij. With one random intercept the
    likelihood depends on a single number, the ratio of the two variances. It is searched over all
    of it, its edge at zero included, and climbed by Newton's method from four starts; the
    best is kept, and it is told how many agreed within 0.001, since general mixed-model routines
    have been seen to stop early and say nothing. The between slope takes t on units - 2 degrees of
    freedom, the within slope on n - units - 1. Rows with a missing value are counted and left out.
    A fit whose unit variance is zero is flagged as singular and equals least squares.

    References
    ----------
    Raudenbush, S. W. and Bryk, A. S. (2002). Hierarchical Linear Models, 2nd ed. Sage.
    Cameron, A. C. and Miller, D. L. (2015). A practitioner's guide to cluster-robust inference.
    Journal of Human Resources 50, 317-372. https://doi.org/10.3368/jhr.50.2.317

    Examples
    --------
    >>> rows = pd.DataFrame({"unit": list("aaabbbcccddd"),
    ...                      "x": [1, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 6],
    ...                      "y": [2, 2, 3, 4, 3, 5, 5, 5, 6, 7, 6, 8]})
    >>> fit = within_between(rows, unit="unit", y="y", x="x")
    >>> round(fit.between.value, 2), fit.units
    (1.53, 4)
    """
    names = [unit, y] if x is None else [unit, y, x]
    need_columns(frame, names, asked="within_between")
    level = check_level(level)
    check_choice("criterion", criterion, ("REML", "ML"))
    rows = frame[names].dropna()
    missing = len(frame) - len(rows)
    codes, uniques = pd.factorize(rows[unit])
    n, units = len(rows), len(uniques)
    if units < 3 or n <= units:
        raise QuestionError(
            f"A multilevel model needs at least 3 units with more answers than units; there are "
            f"{n:,} answers in {units:,} units."
        )
    outcome = rows[y].to_numpy(float)
    if np.ptp(outcome) < 1e-12:
        raise QuestionError(f"Every one of {n:,} answers is the same: there is nothing to model.")
    columns, where = [np.ones(n)], {}
    why = {"between units": "no predictor was asked for", "within units": "no predictor was asked"}
    if x is not None:
        values = rows[x].to_numpy(float)
        means = (np.bincount(codes, values) / np.bincount(codes))[codes]
        parts = {"between units": means, "within units": values - means}
        why = {
            "between units": "it is the same in every unit",
            "within units": "it does not vary inside units",
        }
        for name, part in parts.items():
            if np.ptp(part) > 1e-9:
                where[name] = len(columns)
                columns.append(part)
    design = np.column_stack(columns)
    likelihood = Likelihood(design, outcome, codes, units, criterion)
    found = likelihood.best()
    beta, covariance, residual, log_likelihood = likelihood.at(found.ratio)
    slopes, spread = clustered(design, outcome, codes, units)
    robust = slopes, spread * (n - 1) / (n - design.shape[1])

    def slope(
        name: str, method: str, b: NDArray[np.float64], v: NDArray[np.float64], used: int, df: int
    ) -> Estimate:
        if name not in where:
            return _absent(name, used, level, why[name])
        return _slope(
            name, b, v, where[name], n=used, missing=missing, df=df, level=level, method=method
        )

    fitted = f"random intercept, {criterion}"
    return Multilevel(
        within=slope("within units", fitted, beta, covariance, n, n - units - 1),
        between=slope("between units", fitted, beta, covariance, units, units - 2),
        least_squares=slope(
            "between units", "least squares, cluster-robust", *robust, units, units - 2
        ),
        intercept=float(beta[0]),
        unit_variance=found.ratio * residual,
        residual_variance=residual,
        log_likelihood=log_likelihood,
        singular=found.ratio < SINGULAR,
        n=n,
        units=units,
        searches=found.searches,
        agreed=found.agreed,
        behind=found.behind,
    )


def _slope(
    where: str,
    beta: NDArray[np.float64],
    covariance: NDArray[np.float64],
    i: int,
    *,
    n: int,
    missing: int,
    df: int,
    level: float,
    method: str,
) -> Estimate:
    """Return one slope with its t interval."""
    from scipy.stats import t

    se = math.sqrt(float(covariance[i, i]))
    reach = float(t.isf((1 - level) / 2, max(df, 1))) * se
    return Estimate(
        metric=f"slope {where}",
        measured_in="coefficient",
        value=float(beta[i]),
        low=float(beta[i]) - reach,
        high=float(beta[i]) + reach,
        se=se,
        level=level,
        n=n,
        n_missing=missing,
        method=f"{method}, t on {max(df, 1)} df",
    )


def _absent(where: str, n: int, level: float, reason: str) -> Estimate:
    """Return a slope that cannot be, with its reason."""
    return Estimate(
        metric=f"slope {where}",
        measured_in="coefficient",
        value=None,
        low=None,
        high=None,
        se=None,
        level=level,
        n=n,
        n_missing=0,
        method="random intercept",
        status="no data",
        reason=f"There is no such slope: {reason}.",
    )


def clustered(
    design: NDArray[np.float64],
    outcome: NDArray[np.float64],
    codes: NDArray[np.int64],
    units: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return least-squares slopes and their covariance, errors clustered by unit.

    The factor for few clusters is in it, that for many columns is not: where unit and wave levels
    were taken out beforehand, the columns left do not say how many there were.
    """
    inverse = np.linalg.pinv(design.T @ design)
    beta = inverse @ design.T @ outcome
    scores = design * (outcome - design @ beta)[:, None]
    sums = np.column_stack([np.bincount(codes, s, minlength=units) for s in scores.T])
    return beta, units / (units - 1) * inverse @ (sums.T @ sums) @ inverse

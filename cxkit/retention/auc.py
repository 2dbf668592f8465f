"""How well a score ranks those who left above those who stayed, and whether another ranks better.

DeLong's variance is written here: no well-kept package has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_level
from cxkit.results import Difference, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cxkit.metrics.answers import Scores


def auc(outcome: Scores, score: Scores, *, metric: str = "AUC", level: float = 0.95) -> Estimate:
    """Return the chance that a customer who left has a higher score than one who stayed.

    Parameters
    ----------
    outcome : Series or array of shape (n,)
        1 or true for those with the outcome, 0 or false for those without.
    score : Series or array of shape (n,)
        Any numbers; higher should mean that the outcome is more likely.
    metric : str
        What the result is called.
    level : float
        Level of the interval, 0 to 1.

    Returns
    -------
    Estimate
        From 0 to 1; 0.5 is no better than chance.

    Raises
    ------
    QuestionError
        There are not at least two rows with the outcome and two without.

    Notes
    -----
    The mean over all pairs of 1 if the one with the outcome scores higher, 1/2 for a tie, 0 else.
    DeLong's standard error, normal interval cut at 0 and 1. Rows with a missing value are left out
    and counted.

    References
    ----------
    DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988). Comparing the areas under two or
    more correlated receiver operating characteristic curves. Biometrics 44, 837-845.
    https://doi.org/10.2307/2531595

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.auc([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.3, 0.35, 0.8, 0.9]))
    AUC 0.89 (95 % interval 0.58 to 1.00, n = 6; DeLong)
    """
    from scipy.stats import norm

    level = check_level(level)
    y, (values,), missing = _whole(outcome, [score], asked="auc")
    found = placements(y, values[None, :])
    value, se = float(found.auc[0]), float(np.sqrt(found.covariance[0, 0]))
    z = float(norm.isf((1 - level) / 2))
    return Estimate(
        metric=metric,
        measured_in="coefficient",
        value=value,
        low=max(0.0, value - z * se),
        high=min(1.0, value + z * se),
        se=se,
        level=level,
        n=len(y),
        n_missing=missing,
        method="DeLong",
    )


def auc_difference(
    outcome: Scores,
    a: Scores,
    b: Scores,
    *,
    a_name: str = "a",
    b_name: str = "b",
    level: float = 0.95,
) -> Difference:
    """Compare how well two scores rank the same customers.

    Parameters
    ----------
    outcome : Series or array of shape (n,)
        As in :func:`auc`.
    a, b : Series or array of shape (n,)
        The two scores, of the same rows.
    a_name, b_name : str
        What they are called.
    level : float
        Level of the interval, 0 to 1.

    Returns
    -------
    Difference
        AUC of ``a`` minus AUC of ``b``; z is its ``value / se``.

    Raises
    ------
    QuestionError
        As in :func:`auc`.

    Notes
    -----
    DeLong's test for scores of the same rows. It must not be given two models of which one holds
    the other, both judged on the rows they were fitted to: give out-of-fold probabilities. A row in
    which either score is missing is left out and counted.

    References
    ----------
    DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988). Comparing the areas under two or
    more correlated receiver operating characteristic curves. Biometrics 44, 837-845.
    https://doi.org/10.2307/2531595

    Examples
    --------
    >>> import cxkit as cx
    >>> left = [0, 0, 0, 1, 1, 1]
    >>> d = cx.auc_difference(left, [1, 2, 4, 3, 5, 6], [3, 1, 5, 2, 4, 6])
    >>> round(d.value, 3), d.direction
    (0.222, 'cannot be told')
    """
    level = check_level(level)
    y, (one, other), missing = _whole(outcome, [a, b], asked="auc_difference")
    found = placements(y, np.vstack([one, other]))
    return found.difference(0, 1, names=(a_name, b_name), level=level, n_missing=missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placements:
    """The AUC of several scores of the same rows, and the covariance of those AUCs."""

    auc: NDArray[np.float64]
    covariance: NDArray[np.float64]
    n: int

    def difference(
        self, i: int, j: int, *, names: tuple[str, str], level: float, n_missing: int = 0
    ) -> Difference:
        """Return the difference of two of them, with DeLong's interval and p."""
        from scipy.stats import norm

        c = self.covariance
        value = float(self.auc[i] - self.auc[j])
        se = float(np.sqrt(max(0.0, c[i, i] + c[j, j] - 2 * c[i, j])))
        z = float(norm.isf((1 - level) / 2))
        return Difference(
            metric="AUC",
            measured_in="coefficient",
            a=names[0],
            b=names[1],
            value=value,
            low=value - z * se,
            high=value + z * se,
            se=se,
            p=float(2 * norm.sf(abs(value) / se)) if se > 0 else None,
            level=level,
            n_a=self.n,
            n_b=self.n,
            n_missing=n_missing,
            method="DeLong, paired",
        )


def placements(y: NDArray[np.float64], scores: NDArray[np.float64]) -> Placements:
    """Return AUCs and their covariance by DeLong, from scores of shape (k, n)."""
    from scipy.stats import rankdata

    yes = y > 0
    m, n = int(yes.sum()), int((~yes).sum())
    # a row's placement is the share of the other class that it stands above, ties one half
    ranks = rankdata(scores, axis=1)
    v10 = (ranks[:, yes] - rankdata(scores[:, yes], axis=1)) / n
    v01 = 1 - (ranks[:, ~yes] - rankdata(scores[:, ~yes], axis=1)) / m
    covariance = np.atleast_2d(np.cov(v10)) / m + np.atleast_2d(np.cov(v01)) / n
    return Placements(auc=v10.mean(axis=1), covariance=covariance, n=len(y))


def _whole(
    outcome: Scores, scores: list[Scores], *, asked: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return the rows in which nothing is missing, and how many others there were."""
    columns = [np.asarray(pd.Series(c), dtype=float) for c in (outcome, *scores)]
    if len({len(c) for c in columns}) > 1:
        raise QuestionError(
            f"{asked}: the columns have {', '.join(str(len(c)) for c in columns)} rows.\n"
            "  Give columns of the same customers, in the same order."
        )
    table = np.vstack(columns)
    whole = ~np.isnan(table).any(axis=0)
    y = table[0, whole]
    with_it = int((y == 1).sum())
    if with_it + int((y == 0).sum()) != len(y) or min(with_it, len(y) - with_it) < 2:
        raise QuestionError(
            f"{asked}: of {len(y)} rows {with_it} have the outcome (1). Ranking needs at least two "
            "with it and two without.\n  Give an outcome of 0 and 1 that both occur."
        )
    return y, table[1:, whole], int((~whole).sum())

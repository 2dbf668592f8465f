"""Do groups end at the same rate over time: the log-rank test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from cxkit.errors import QuestionError
from cxkit.metrics.durations import at_risk, spells

if TYPE_CHECKING:
    from cxkit.metrics.answers import Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRank:
    """A log-rank test; where there is none to give, ``statistic`` and ``p`` are None."""

    statistic: float | None
    df: int
    p: float | None
    n: int
    n_missing: int
    events: int
    groups: tuple[str, ...]
    reason: str = ""


def logrank(
    duration: Scores,
    observed: Scores,
    group: Scores,
    *,
    entry: Scores | None = None,
    counts: Scores | None = None,
) -> LogRank:
    """Test whether groups end at the same rate over time.

    Question: do groups end at different speeds? Interval: none, a test.

    Parameters
    ----------
    duration, observed, entry, counts : Series or array of shape (n,)
        As in :func:`kaplan_meier`.
    group : Series or array of shape (n,)
        Which group a row belongs to; a row without a group is dropped and counted.

    Returns
    -------
    LogRank
        Chi-square statistic, degrees of freedom (groups - 1), p, n, n_missing, events.

    Raises
    ------
    QuestionError
        There are not two groups to compare.

    Notes
    -----
    At each time with d ends among n at risk, group g is expected to have d n_g / n of them, with
    the hypergeometric variance; the statistic is the squared sum of observed less expected over its
    covariance (``rho = 0`` of R's ``survdiff``, which knows no entry).

    References
    ----------
    Mantel, N. (1966). Evaluation of survival data and two new rank order statistics arising in its
    consideration. Cancer Chemotherapy Reports 50(3), 163-170.

    Examples
    --------
    >>> import cxkit as cx
    >>> test = cx.logrank([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 0], list("aababb"))
    >>> round(test.statistic, 3), test.df, round(test.p, 3)
    (2.557, 1, 0.11)
    """
    labels = pd.Series(group).astype(object).reset_index(drop=True)
    known = labels.notna().to_numpy(bool)
    cases = spells(duration, observed, entry, counts, asked="logrank")
    kept = known[cases.used]
    codes, names = pd.factorize(labels[cases.used & known], sort=True)
    if len(names) < 2:
        raise QuestionError(
            f"logrank: asked to compare groups, found {len(names)} with a usable row.\n"
            "  Give a group column with at least two values."
        )
    time, event, start = cases.time[kept], cases.event[kept], cases.start[kept]
    many = cases.weight[kept]
    at = np.unique(time[event])
    members = codes == np.arange(len(names))[:, None]
    risk = np.array([at_risk(time[m], start[m], many[m], at) for m in members])
    place = np.searchsorted(at, time)
    ended = np.array(
        [np.bincount(place[m & event], many[m & event], minlength=at.size) for m in members]
    )
    n, d = risk.sum(axis=0), ended.sum(axis=0)
    excess = (ended - risk * d / n).sum(axis=1)[:-1] if at.size else np.zeros(len(names) - 1)
    share = risk / n
    spread = d * np.divide(n - d, n - 1, out=np.zeros_like(n), where=n > 1)
    inner = np.einsum("gt,ht,t->gh", share, share, spread)
    covariance = (np.diag((share * spread).sum(axis=1)) - inner)[:-1, :-1]
    df = len(names) - 1
    singular = not at.size or np.linalg.matrix_rank(covariance) < df
    statistic = None if singular else float(excess @ np.linalg.solve(covariance, excess))
    return LogRank(
        statistic=statistic,
        df=df,
        p=None if statistic is None else float(chdtrc(df, statistic)),
        n=round(float(many.sum())),
        n_missing=cases.n_missing + round(float(cases.weight[~kept].sum())),
        events=round(float(many[event].sum())),
        groups=tuple(str(name) for name in names),
        reason="The groups were never at risk together when something ended." if singular else "",
    )

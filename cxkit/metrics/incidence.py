"""How many have ended in one way by a time, when others end differently or have not ended yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_level, no_data, nobody_answered, same_order
from cxkit.metrics.clusters import check_clusters
from cxkit.metrics.durations import Spells, at_risk, spells
from cxkit.metrics.proportions import wilson
from cxkit.results import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cxkit.metrics.answers import Scores

METHOD = "Aalen-Johansen"

_UNSEEN = "nothing shows how far clusters differ."


@dataclass(frozen=True, slots=True)
class Steps:
    """What happened at each distinct time: at risk before it, ended then, in which way."""

    times: NDArray[np.float64]
    risk: NDArray[np.float64]
    ended: NDArray[np.float64]  # by any cause
    by_cause: NDArray[np.float64]  # (causes, times)
    before: NDArray[np.float64]  # share not ended just before

    @property
    def left(self) -> NDArray[np.float64]:
        """Return n - d at each time, 1 where nobody is left: there nothing is divided by it."""
        return np.where(self.risk > self.ended, self.risk - self.ended, 1.0)

    def incidence(self, cause: int) -> NDArray[np.float64]:
        """Return the share ended by a cause by each time."""
        return np.cumsum(self._per_head(self.before * self.by_cause[cause]))

    def _per_head(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Divide by who is at risk, 0 where nobody is."""
        return np.divide(values, self.risk, out=np.zeros_like(values), where=self.risk > 0)


@dataclass(frozen=True, slots=True)
class Robust:
    """A standard error (None: it cannot be seen), half an interval, and how clusters widened it."""

    se: float | None
    half: float
    ratio: float
    said: str


def cumulative_incidence(
    duration: Scores,
    cause: Scores,
    *,
    counts: Scores | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the share ended by each cause by each time, when the causes exclude one another.

    Question: how many have ended in each way by each time? Interval: log-log Aalen-Johansen.

    Parameters
    ----------
    duration : Series, array or list of shape (n,)
        Time from the start until the end, or until last seen; any unit, 0 or more.
    cause : Series, array or list of shape (n,)
        How it ended, e.g. "voluntary" or "moved away"; missing where it has not ended yet.
    counts : Series, array or list of shape (n,), optional
        How many cases each row stands for.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per cause and distinct time: ``cause``, ``time``, ``at_risk``, ``events``,
        ``incidence``, ``low``, ``high``, ``se`` (shares from 0 to 1). Its ``attrs`` hold ``n``,
        ``n_missing`` and ``level``. No usable row gives an empty frame.

    Raises
    ------
    DataError
        A duration is negative.
    QuestionError
        The columns differ in length.

    Notes
    -----
    F_k(t) = sum over t_j <= t of S(t_j-) d_kj / n_j, S being the share not ended in any way. One
    less the Kaplan-Meier curve with the other causes censored is larger: it says what would be if
    nobody could end otherwise. The variance is the sum of the squared influences of the cases (the
    infinitesimal jackknife, which is also the delta method); with one cause it is Greenwood's.
    Limits 1 - (1 - F)^exp(±z se / ((1 - F) log(1 - F))) (log-log). Rows without a duration are
    dropped and counted. ``statsmodels.duration.survfunc.CumIncidenceRight`` gives the same values
    and errors, but NaN errors once nobody is left.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov
    chains based on censored observations. Scandinavian Journal of Statistics 5(3), 141-150.

    Geskus, R. B. (2011). Cause-specific cumulative incidence estimation and the Fine and Gray model
    under both left truncation and right censoring. Biometrics 67(1), 39-49.
    doi:10.1111/j.1541-0420.2010.01420.x

    Examples
    --------
    >>> import cxkit as cx
    >>> curve = cx.cumulative_incidence([1, 2, 3, 4], ["left", "died", None, "left"])
    >>> curve.loc[curve["cause"] == "left", ["time", "at_risk", "events", "incidence"]]
       time  at_risk  events  incidence
    4   1.0        4       1       0.25
    5   2.0        3       0       0.25
    6   3.0        2       0       0.25
    7   4.0        1       1       0.75
    """
    level = check_level(level)
    cases, codes, names = cases_of(duration, cause, counts)
    steps = steps_of(cases, codes, len(names))
    parts = []
    for k, name in enumerate(names):
        share = steps.incidence(k)
        se = _errors(steps, k)
        low, high = log_log(share, -ndtri((1 - level) / 2) * se)
        parts.append(
            pd.DataFrame(
                {
                    "cause": name,
                    "time": steps.times,
                    "at_risk": _whole(steps.risk),
                    "events": _whole(steps.by_cause[k]),
                    "incidence": share,
                    "low": low,
                    "high": high,
                    "se": se,
                }
            )
        )
    columns = ["cause", "time", "at_risk", "events", "incidence", "low", "high", "se"]
    curve = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    curve.attrs = {
        "n": cases.n,
        "n_missing": cases.n_missing,
        "level": level,
    }
    return curve


def ended_by(
    duration: Scores,
    cause: Scores,
    *,
    of: object,
    time: float,
    metric: str = "Ended",
    counts: Scores | None = None,
    clusters: Scores | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the share that has ended in one way by a time, in percent.

    Question: how many have ended in one way by a time? Interval: log-log Aalen-Johansen; by cluster
    with t.

    Parameters
    ----------
    duration, cause, counts : Series, array or list of shape (n,)
        As in :func:`cumulative_incidence`.
    of : object
        Which cause is asked about; the others compete with it.
    time : float
        In the unit of ``duration``; somebody must have been followed that long.
    metric : str, default "Ended"
        What the share is called where it is shown.
    clusters : Series, array or list of shape (n,), optional
        Whose case it is, e.g. the customer. Cases of one cluster may resemble each other.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100. ``n`` counts cases. One cluster only: "no data".

    Raises
    ------
    DataError
        A duration is negative.
    QuestionError
        Nobody was followed for ``time``.

    Notes
    -----
    See :func:`cumulative_incidence`. With clusters the influences are summed within each before
    they are squared, times G / (G - 1) for G clusters, and the quantile is Student's on G - 1
    degrees of freedom; never narrower than without clusters. Clusters that never repeat change
    nothing; a case without a cluster is one of its own. Where nothing or everything has ended so,
    the error is 0, and the open limit is Wilson's for those still followed at ``time``, or for
    those last at risk, each cluster counted once.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov
    chains based on censored observations. Scandinavian Journal of Statistics 5(3), 141-150.

    Ying, Z. and Wei, L. J. (1994). The Kaplan-Meier estimate for dependent failure time
    observations. Journal of Multivariate Analysis 50(1), 17-29. doi:10.1006/jmva.1994.1031

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.ended_by([1, 2, 3, 4], ["left", "died", None, "left"], of="left", time=3))
    Ended 25.0 % (95 % interval 3.9 to 87.2, n = 4; Aalen-Johansen)
    """
    level = check_level(level)
    cases, codes, names = cases_of(duration, cause, counts)
    who = check_clusters(clusters, len(cases.used), asked="ended_by")
    return share_ended(
        cases,
        codes,
        list(names).index(of) if of in list(names) else -1,
        time=time,
        metric=metric,
        level=level,
        n_missing=cases.n_missing,
        clusters=None if who is None else who[cases.used],
    )


def share_ended(
    cases: Spells,
    codes: NDArray[np.int64],
    cause: int,
    *,
    time: float,
    metric: str,
    level: float,
    n_missing: int,
    clusters: pd.Series | None = None,
    method: str = METHOD,
) -> Estimate:
    """Return the share ended by a cause (-1: none ever did) at a time; see :func:`ended_by`."""
    n = cases.n
    about: dict[str, Any] = {"level": level, "n": n, "n_missing": n_missing}
    if not n:
        return no_data(metric, "%", **about, method=method, reason=nobody_answered(n_missing))
    steps = steps_of(cases, codes, max(int(codes.max()) + 1, cause + 1, 1))
    nobody_left = steps.before[-1] * (1 - steps.ended[-1] / steps.risk[-1]) <= 0
    if time > steps.times[-1] and not nobody_left:
        longest = np.floor(steps.times[-1] * 1e4) / 1e4
        raise QuestionError(
            f"{metric}: asked for {time:g}, but nobody was followed beyond {longest:g}.\n"
            f"  Ask for at most {longest:g}."
        )
    i = int(np.searchsorted(steps.times, time, side="right")) - 1
    share = steps.incidence(cause)[i] if cause >= 0 and i >= 0 else 0.0
    influence = influences(cases, codes, steps, cause, i) if share > 0 else np.zeros(len(codes))
    robust = clustered(influence, cases.weight, clusters, level=level)
    se, said = robust.se, robust.said
    if se is None:
        return no_data(metric, "%", **about, method=method, reason=said)
    if share <= 0:
        still = _heads(cases, clusters, (cases.time >= time) & (cases.start < time))
        low, high = 0.0, float(wilson(0, still, level=level)[1]) if still else 100.0
        said += f"; as nothing ended so, Wilson's limit for the {still:,.0f} still followed"
    elif se < 1e-9:
        last = _heads(cases, clusters, cases.time >= steps.times[steps.ended > 0][-1])
        low, high = share * float(wilson(last, last, level=level)[0]), 100 * min(share, 1.0)
        said += f"; as all ended so, Wilson's limit for the last {last:,.0f} at risk"
    else:
        limits = log_log(np.array([share]), np.array([robust.half]))
        low, high = (100 * float(limit[0]) for limit in limits)
    return Estimate(
        metric=metric,
        measured_in="%",
        value=100 * float(min(share, 1.0)),
        low=low,
        high=high,
        se=100 * se,
        **about,
        method=method + said,
    )


def curve_by(
    cases: Spells,
    codes: NDArray[np.int64],
    *,
    level: float,
    widen: float = 1.0,
) -> pd.DataFrame:
    """Return the share not ended by cause 0 in the form of a Kaplan-Meier curve.

    ``widen`` multiplies half the interval: what clusters do to it where the curve is read.
    """
    steps = steps_of(cases, codes, max(int(codes.max(initial=0)) + 1, 1))
    share, z = steps.incidence(0), float(-ndtri((1 - level) / 2))
    low, high = log_log(share, z * widen * _errors(steps, 0))
    frame = {"time": steps.times, "at_risk": steps.risk, "events": steps.by_cause[0]}
    curve = pd.DataFrame({**frame, "survival": 1 - share, "low": 1 - high, "high": 1 - low})
    curve.attrs = {"n": cases.n, "n_missing": cases.n_missing, "level": level}
    return curve


def design(
    cases: Spells, codes: NDArray[np.int64], time: float, clusters: pd.Series, *, level: float
) -> Robust:
    """Return how clusters change the error of the share ended by ``time``."""
    steps = steps_of(cases, codes, max(int(codes.max(initial=0)) + 1, 1))
    i = int(np.searchsorted(steps.times, time, side="right")) - 1
    return clustered(influences(cases, codes, steps, 0, i), cases.weight, clusters, level=level)


def _heads(cases: Spells, clusters: pd.Series | None, which: NDArray[np.bool_]) -> float:
    """Count the cases that ``which`` names, or the clusters they come from."""
    if clusters is None:
        return float(cases.weight[which].sum())
    there = clusters[which]
    return float(there.nunique() + cases.weight[which][there.isna().to_numpy()].sum())


def cases_of(
    duration: Scores, cause: Scores, counts: Scores | None
) -> tuple[Spells, NDArray[np.int64], pd.Index]:
    """Return usable cases, the code of the cause of each (-1: not ended), and the causes' names."""
    same_order("cumulative_incidence", duration=duration, cause=cause, counts=counts)
    ended = pd.Series(cause).to_numpy(dtype=object)
    cases = spells(duration, pd.notna(ended), None, counts, asked="cumulative_incidence")
    codes, names = pd.factorize(pd.Series(ended[cases.used], dtype=object), sort=True)
    return cases, codes, pd.Index(names)


def steps_of(cases: Spells, codes: NDArray[np.int64], causes: int) -> Steps:
    """Count at each distinct time who is at risk and who ends in which way."""
    at, place = np.unique(cases.time, return_inverse=True)
    risk = at_risk(cases.time, cases.start, cases.weight, at)
    by_cause = np.array(
        [
            np.bincount(place, weights=cases.weight * (codes == k), minlength=at.size)
            for k in range(causes)
        ]
    ).reshape(causes, at.size)
    ended = by_cause.sum(axis=0)
    stay = 1 - np.divide(ended, risk, out=np.zeros(at.size), where=risk > 0)
    before = np.concatenate([[1.0], np.cumprod(stay)[:-1]]) if at.size else np.zeros(0)
    return Steps(at, risk, ended, by_cause, before)


def influences(
    cases: Spells, codes: NDArray[np.int64], steps: Steps, cause: int, i: int
) -> NDArray[np.float64]:
    """Return what one more of each case would add to the share ended by a cause at time i."""
    share = steps.incidence(cause)[: i + 1]
    to_come = np.clip(share[-1] - share, 0, None)
    return felt(cases, codes, steps, cause, reach=np.ones(i + 1), to_come=to_come)


def felt(
    cases: Spells,
    codes: NDArray[np.int64],
    steps: Steps,
    cause: int,
    *,
    reach: NDArray[np.float64],
    to_come: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the influence of each case on what adds up from the first times on.

    ``reach`` is what an end at each of these times adds, ``to_come`` what all later ends add.
    """
    i = len(reach) - 1
    risk = np.where(steps.risk > 0, steps.risk, 1.0)[: i + 1]
    before, left = steps.before[: i + 1], steps.left[: i + 1]
    ahead = before * steps.by_cause[cause][: i + 1] / risk**2 * reach
    behind = to_come * steps.ended[: i + 1] / (risk * left)
    drift = np.concatenate([[0.0], np.cumsum(behind - ahead)])
    place = np.searchsorted(steps.times, cases.time)
    entered = np.searchsorted(steps.times, cases.start, side="right")
    upto = np.minimum(place, i) + 1
    value = drift[upto] - drift[np.minimum(entered, upto)]
    done = (codes >= 0) & (place <= i)
    where = place[done]
    own = (before * reach / risk)[where] * (codes[done] == cause)
    value[done] += own - (to_come / left)[where]
    return np.asarray(value, dtype=np.float64)


def clustered(
    influence: NDArray[np.float64],
    weight: NDArray[np.float64],
    clusters: pd.Series | None,
    *,
    level: float,
) -> Robust:
    """Return the error that influences add up to, by cluster where clusters repeat."""
    z = float(-ndtri((1 - level) / 2))
    alone = float((weight * influence**2).sum())
    if clusters is None:
        return Robust(float(np.sqrt(alone)), z * float(np.sqrt(alone)), 1.0, "")
    codes, names = pd.factorize(clusters.to_numpy())
    lone = codes < 0
    groups = len(names) + round(float(weight[lone].sum()))
    if groups == round(float(weight.sum())):
        return Robust(float(np.sqrt(alone)), z * float(np.sqrt(alone)), 1.0, "")
    named = f" ({clusters.name})" if clusters.name is not None else ""
    if groups < 2:
        return Robust(None, 0.0, 1.0, f"All cases come from one cluster{named}: {_UNSEEN}")
    sums = np.bincount(codes[~lone], weights=(weight * influence)[~lone], minlength=len(names))
    own = float((weight * influence**2)[lone].sum())
    variance = (float((sums**2).sum()) + own) * groups / (groups - 1)
    t = float(stdtrit(groups - 1, (1 + level) / 2))
    wide = t * float(np.sqrt(max(variance, alone)))
    said = f", cluster-robust by {groups:,} clusters{named}"
    plain = z * float(np.sqrt(alone))
    return Robust(float(np.sqrt(variance)), wide, wide / plain if plain > 1e-9 else 1.0, said)


def log_log(
    share: NDArray[np.float64], half: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log-log limits of shares ended, half being z se; at 0 and 1 the share itself."""
    stay = 1 - share
    inside = (stay > 0) & (stay < 1)
    log = np.log(stay, out=np.full(stay.size, -1.0), where=inside)
    power = np.divide(half, stay * log, out=np.zeros(stay.size), where=inside)  # negative
    power = np.clip(power, -50, 0)  # beyond that the limits are 0 and 1 anyway
    low, high = 1 - stay ** np.exp(power), 1 - stay ** np.exp(-power)
    return np.where(inside, low, share), np.where(inside, high, share)


def _errors(steps: Steps, cause: int) -> NDArray[np.float64]:
    """Return the standard error of the incidence at every time, by the delta method."""
    share = steps.incidence(cause)
    risk = np.where(steps.risk > 0, steps.risk, 1.0)
    d, k = steps.ended, steps.by_cause[cause]
    leaving = np.where(steps.risk > d, d / (risk * steps.left), 0.0)
    own = steps.before**2 * (risk - k) * k / risk**3
    cross = steps.before * k / risk**2
    variance = (
        share**2 * np.cumsum(leaving)
        - 2 * share * np.cumsum(share * leaving)
        + np.cumsum(share**2 * leaving)
        + np.cumsum(own)
        - 2 * (share * np.cumsum(cross) - np.cumsum(share * cross))
    )
    known = variance > 1e-15  # less is what is left of rounding
    return np.sqrt(np.where(known, variance, 0.0))


def _whole(values: NDArray[np.float64]) -> NDArray[Any]:
    """Return counts as whole numbers where they are."""
    whole = np.round(values)
    return whole.astype(np.int64) if (whole == values).all() else values

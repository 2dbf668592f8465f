"""How long things last when some have not ended yet: Kaplan-Meier and what its curve tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxkit.errors import DataError, QuestionError
from cxkit.metrics.answers import (
    check_level,
    no_data,
    nobody_answered,
    numbers,
    one_column,
    same_order,
)
from cxkit.metrics.clusters import check_counts
from cxkit.metrics.proportions import wilson
from cxkit.results import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cxkit.metrics.answers import Scores

METHOD = "log-log Kaplan-Meier"

#: A curve that stands this close to a share has reached it: products of fractions are not exact.
_TOUCH = 1e-9


@dataclass(frozen=True, slots=True)
class Spells:
    """The usable spells: each at risk in (start, time], or from the origin where start is -inf."""

    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    start: NDArray[np.float64]
    weight: NDArray[np.float64]
    used: NDArray[np.bool_]
    n_missing: int  # cases whose row is not usable

    @property
    def n(self) -> int:
        """Return how many cases there are, each row counted as often as it stands for."""
        return round(float(self.weight.sum()))

    def followed_without_gap(self) -> float:
        """Return how long somebody was always under observation, counted from the origin."""
        order = np.argsort(self.start, kind="stable")
        start, reach = np.maximum(self.start[order], 0), np.maximum.accumulate(self.time[order])
        before = np.concatenate([[0.0], reach[:-1]])
        gap = np.flatnonzero(start > before)
        if gap.size:
            return float(before[gap[0]])
        return float(reach[-1]) if reach.size else 0.0


def kaplan_meier(
    duration: Scores,
    observed: Scores,
    *,
    entry: Scores | None = None,
    counts: Scores | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the share that has not ended by each time, with those not ended yet censored.

    Question: how many are still there at each time? Interval: log-log.

    Parameters
    ----------
    duration : Series or array of shape (n,)
        Time from the origin to the end, or to the last sight of it; any unit, not negative.
    observed : Series or array of shape (n,)
        True where the end was seen, false where it had not come yet (censored).
    entry : Series or array of shape (n,), optional
        Time from the origin at which observation began (delayed entry), in the same unit; 0 or less
        means from the origin. A row is at risk in (entry, duration], as in R.
    counts : Series or array of shape (n,), optional
        How many cases each row stands for, whole numbers from 0.
    level : float, default 0.95
        Level of the pointwise band.

    Returns
    -------
    DataFrame
        One row per distinct duration in order, from time 0 on: ``time``, ``at_risk``, ``events``,
        ``censored``, ``survival`` (a share, 0 to 1), its ``low`` and ``high``, and ``se``. Its
        ``attrs`` hold ``n``, ``n_missing``, ``events`` and ``level`` for :func:`km_at` and others.

    Raises
    ------
    DataError
        A duration is negative.
    QuestionError
        The columns differ in length, or counts are no numbers of cases.

    Notes
    -----
    S(t) = product over t_k <= t of (1 - d_k / n_k), se = S sqrt(sum d_k / (n_k (n_k - d_k)))
    (Greenwood), and limits S^exp(±z se / (S log S)) (log-log). Before the first end the limits are
    1. Once S is 0 the upper limit stays where it was: later survival cannot be higher. Rows with a
    missing value, and rows that ended at or before their entry, were never at risk; they are
    dropped and counted in ``n_missing``.

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations.
    Journal of the American Statistical Association 53(282), 457-481.
    doi:10.1080/01621459.1958.10501452

    Examples
    --------
    >>> import cxkit as cx
    >>> curve = cx.kaplan_meier([2, 3, 3, 5], [True, True, False, True])
    >>> curve[["time", "at_risk", "events", "censored", "survival"]]
       time  at_risk  events  censored  survival
    0   0.0        4       0         0      1.00
    1   2.0        4       1         0      0.75
    2   3.0        3       1         1      0.50
    3   5.0        1       1         0      0.00
    """
    level = check_level(level)
    return curve_of(spells(duration, observed, entry, counts), level=level)


def km_at(curve: pd.DataFrame, time: float, *, metric: str = "not ended yet") -> Estimate:
    """Read the share not ended by ``time`` off a curve, in percent.

    Question: how many are still there at one time? Interval: log-log, Wilson at 0 and 100 %.

    Parameters
    ----------
    curve : DataFrame
        What :func:`kaplan_meier` returned.
    time : float
        In the unit of the curve.
    metric : str
        What the share is called where it is shown.

    Returns
    -------
    Estimate
        In percent, 0 to 100, with the curve's log-log limits.

    Raises
    ------
    QuestionError
        Nobody was followed as long as ``time``, which is not the same as nobody left.

    Notes
    -----
    Where nothing has ended yet the log-log band has no width; the lower limit is then Wilson's for
    0 of those still followed at ``time``. Where everything has, the upper limit is the lower of the
    band's and Wilson's for 0 of those at risk at the last end.

    References
    ----------
    Kalbfleisch, J. D. and Prentice, R. L. (2002). The Statistical Analysis of Failure Time Data,
    2nd ed., section 1.4. doi:10.1002/9781118032985

    Examples
    --------
    >>> import cxkit as cx
    >>> curve = cx.kaplan_meier([2, 3, 3, 5], [True, True, False, True])
    >>> print(cx.km_at(curve, 4))
    not ended yet 50.0 % (95 % interval 5.8 to 84.5, n = 4; log-log Kaplan-Meier)
    """
    about = _about(curve)
    if not about["n"]:
        return _none(curve, metric, "%")
    at, survival = curve["time"].to_numpy(), curve["survival"].to_numpy()
    if not 0 <= time <= at[-1] and not (time > at[-1] and survival[-1] == 0):
        raise QuestionError(
            f"{metric}: asked for time {time:g}, but nobody was followed beyond {at[-1]:g}.\n"
            f"  Ask for a time from 0 to {at[-1]:g}."
        )
    i = int(np.searchsorted(at, time, side="right")) - 1
    row, method = curve.iloc[i], METHOD
    low, high = 100 * float(row["low"]), 100 * float(row["high"])
    if survival[i] == 1:
        left = row["at_risk"] if at[i] == time else row["at_risk"] - row["censored"]
        low = float(wilson(left, left, level=about["level"])[0]) if left > 0 else 0.0
        method = f"{METHOD}; as nothing ended, Wilson's limit for the {left:,.0f} still followed"
    elif survival[i] == 0:
        last = float(curve.loc[curve["events"] > 0, "at_risk"].iloc[-1])
        high = min(high, float(wilson(0, last, level=about["level"])[1]))
    return Estimate(
        metric=metric,
        measured_in="%",
        value=100 * float(row["survival"]),
        low=low,
        high=high,
        se=100 * float(row["se"]),
        level=about["level"],
        n=about["n"],
        n_missing=about["n_missing"],
        method=method,
    )


def km_quantile(
    curve: pd.DataFrame, q: float, *, metric: str = "duration", measured_in: str = "days"
) -> Estimate:
    """Read off a curve the time by which a share ``q`` has ended; 0.5 is the median.

    Question: by when has half of them ended? Interval: log-log.

    Parameters
    ----------
    curve : DataFrame
        What :func:`kaplan_meier` returned.
    q : float
        Share that has ended, between 0 and 1.
    metric, measured_in : str
        What the time is called where it is shown, and the unit of the curve.

    Returns
    -------
    Estimate
        The first time at which the curve is at 1 - q or below. If it never comes there the status
        is "not reached" and ``low`` is the lower limit, if there is one. If only the upper band
        never comes there the status is "one-sided".

    Raises
    ------
    QuestionError
        ``q`` is not between 0 and 1.

    Notes
    -----
    The limits are the first times at which the lower and the upper log-log band are at 1 - q or
    below. Where the curve is exactly 1 - q over a stretch, its first time is taken; R takes the
    middle of the stretch.

    References
    ----------
    Brookmeyer, R. and Crowley, J. (1982). A confidence interval for the median survival time.
    Biometrics 38(1), 29-41. doi:10.2307/2530286

    Examples
    --------
    >>> import cxkit as cx
    >>> curve = cx.kaplan_meier([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 0])
    >>> print(cx.km_quantile(curve, 0.5))
    duration 3.0 days (95 % interval 1.0 or more, n = 6; log-log Kaplan-Meier)
    """
    if not 0 < q < 1:
        raise QuestionError(
            f"{metric}: q is {q!r}.\n  Write a share between 0 and 1: 0.5 is the median."
        )
    about = _about(curve)
    if not about["n"]:
        return _none(curve, metric, measured_in)
    value, low, high = (_first(curve, column, 1 - q) for column in ("survival", "low", "high"))
    status, reason = "ok", ""
    if value is None:
        last, ended = curve["time"].iloc[-1], 100 * (1 - curve["survival"].iloc[-1])
        status = "not reached"
        reason = f"By {last:,.4g} {measured_in}, the longest followed, {ended:.3g} % had ended."
        high = None
    elif high is None:
        status, reason = "one-sided", "The upper limit lies beyond the longest time followed."
    return Estimate(
        metric=metric,
        measured_in=measured_in,
        value=value,
        low=low,
        high=high,
        se=None,
        level=about["level"],
        n=about["n"],
        n_missing=about["n_missing"],
        method=METHOD,
        status=status,  # type: ignore[arg-type]
        reason=reason,
    )


def km_restricted_mean(
    curve: pd.DataFrame, tau: float, *, metric: str = "duration", measured_in: str = "days"
) -> Estimate:
    """Read off a curve the mean time spent up to ``tau``: the area under it.

    Question: how much time do they spend on average up to a limit? Interval: normal.

    Parameters
    ----------
    curve : DataFrame
        What :func:`kaplan_meier` returned.
    tau : float
        Where time stops counting, in the unit of the curve; must have been followed.
    metric, measured_in : str
        What the mean is called where it is shown, and the unit of the curve.

    Returns
    -------
    Estimate
        In ``measured_in``, 0 to ``tau``, with ``se``; its name says ``tau``.

    Raises
    ------
    QuestionError
        Nobody was followed as long as ``tau``.

    Notes
    -----
    Area of S from 0 to tau; se^2 = sum A_k^2 d_k / (n_k (n_k - d_k)), A_k the area from t_k to tau;
    limits area ± z se, cut at 0 and tau. (lifelines' ``return_variance`` is the variance of
    min(T, tau) itself, another thing.) If nothing ended by tau, or all at one time, se is 0, and
    the limits are those of the curve: low tau to high tau.

    References
    ----------
    Royston, P. and Parmar, M. K. B. (2013). Restricted mean survival time: an alternative to the
    hazard ratio. BMC Medical Research Methodology 13, 152. doi:10.1186/1471-2288-13-152

    Examples
    --------
    >>> import cxkit as cx
    >>> curve = cx.kaplan_meier([1, 2, 3, 4], [1, 1, 1, 0])
    >>> print(cx.km_restricted_mean(curve, 3))
    duration (mean up to 3 days) 2.3 days (95 % interval 1.4 to 3.0, n = 4; Kaplan-Meier area)
    """
    metric = f"{metric} (mean up to {tau:g} {measured_in})"
    about, method = _about(curve), "Kaplan-Meier area"
    if not about["n"]:
        return _none(curve, metric, measured_in)
    at, survival = curve["time"].to_numpy(), curve["survival"].to_numpy()
    if tau <= 0 or (tau > at[-1] and survival[-1] > 0):
        raise QuestionError(
            f"{metric}: nobody was followed beyond {at[-1]:g} {measured_in}.\n"
            f"  Write a tau above 0 and up to {at[-1]:g}."
        )
    k = int(np.searchsorted(at, tau, side="left"))
    area = survival[:k] * np.diff(np.append(at[:k], tau))
    after = area[::-1].cumsum()[::-1]
    risk, ended = curve["at_risk"].to_numpy(float)[:k], curve["events"].to_numpy(float)[:k]
    left = risk * (risk - ended)
    se = float(np.sqrt(np.sum(after**2 * np.divide(ended, left, out=0 * left, where=left > 0))))
    value = float(area.sum())
    low, high = (
        value + ndtri((1 - about["level"]) / 2) * se,
        value - ndtri((1 - about["level"]) / 2) * se,
    )
    if se == 0:
        end = km_at(curve, float(tau))
        low, high = tau * (end.low or 0) / 100, tau * (end.high or 0) / 100
        method = "Kaplan-Meier area; limits from the share not ended"
    return Estimate(
        metric=metric,
        measured_in=measured_in,
        value=value,
        low=float(np.clip(low, 0, value)),
        high=float(np.clip(high, value, tau)),
        se=se,
        level=about["level"],
        n=about["n"],
        n_missing=about["n_missing"],
        method=method,
    )


def spells(
    duration: Scores,
    observed: Scores,
    entry: Scores | None,
    counts: Scores | None,
    *,
    asked: str = "kaplan_meier",
) -> Spells:
    """Return the rows that were ever at risk as arrays; refuse what contradicts itself."""
    same_order(asked, duration=duration, observed=observed, entry=entry, counts=counts)
    time = numbers(one_column(duration, asked=asked), asked=asked)
    seen = pd.Series(observed).astype("Float64").to_numpy(float, na_value=np.nan)
    start = np.zeros(time.size)
    if entry is not None:
        start = numbers(one_column(entry, asked=asked), asked=f"{asked}, entry")
    if not time.size == seen.size == start.size:
        raise QuestionError(
            f"{asked}: {time.size} durations, {seen.size} observed and {start.size} entries.\n"
            "  Give columns of one frame, all of the same length."
        )
    given = check_counts(counts, time.size, asked=asked)
    weight = np.ones(time.size) if given is None else given.astype(np.float64)
    wrong = np.flatnonzero((time < 0) | np.isinf(time))
    if wrong.size:
        label = duration.index[wrong[0]] if isinstance(duration, pd.Series) else wrong[0]
        raise DataError(
            f"{asked}, row {label}: the duration is {time[wrong[0]]:g} ({wrong.size:,} of "
            f"{time.size:,} rows).\n  A duration runs from 0 on: check which date comes first."
        )
    other = np.flatnonzero(~np.isnan(seen) & (seen != 0) & (seen != 1))
    if other.size:
        raise DataError(
            f"{asked}: observed is {seen[other[0]]:g} in {other.size:,} of {seen.size:,} rows.\n"
            "  Give 1 where the end was seen and 0 where it was not; of a status of 1 "
            "and 2, status == 2."
        )
    start = np.where(start <= 0, -np.inf, start)
    usable = ~(np.isnan(time) | np.isnan(seen) | np.isnan(start)) & (time > start)
    used = usable & (weight > 0)
    missing = round(float(weight[~usable].sum()))
    return Spells(time[used], seen[used] > 0, start[used], weight[used], used, missing)


def curve_of(cases: Spells, *, level: float) -> pd.DataFrame:
    """Return the Kaplan-Meier curve of usable spells; see :func:`kaplan_meier`."""
    at = np.unique(np.append(cases.time, 0.0))
    place = np.searchsorted(at, cases.time)
    risk = at_risk(cases.time, cases.start, cases.weight, at)
    ended = np.bincount(place, weights=cases.weight * cases.event, minlength=at.size)
    censored = np.bincount(place, weights=cases.weight * ~cases.event, minlength=at.size)
    survival = np.cumprod(1 - np.divide(ended, risk, out=np.zeros(at.size), where=risk > 0))
    left = risk * (risk - ended)
    greenwood = np.cumsum(np.divide(ended, left, out=np.zeros(at.size), where=left > 0))
    inside = (survival > 0) & (survival < 1)
    log = np.log(survival, out=np.zeros(at.size), where=inside)
    half = np.divide(-ndtri((1 - level) / 2) * np.sqrt(greenwood), log, out=log * 0, where=inside)
    low, high = survival ** np.exp(-half), survival ** np.exp(half)
    high[survival == 0] = high[survival > 0][-1] if (survival > 0).any() else 1.0
    counts = {"at_risk": risk, "events": ended, "censored": censored}
    if all((c == np.round(c)).all() for c in counts.values()):
        counts = {name: np.round(c).astype(np.int64) for name, c in counts.items()}
    curve = pd.DataFrame(
        {"time": at, **counts, "survival": survival, "low": low, "high": high}
    ).assign(se=survival * np.sqrt(greenwood))
    curve.attrs = {
        "n": cases.n,
        "n_missing": cases.n_missing,
        "events": round(float(ended.sum())),
        "level": level,
    }
    return curve


def at_risk(
    time: NDArray[np.float64],
    start: NDArray[np.float64],
    weight: NDArray[np.float64],
    at: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Count who entered before each time less who had gone before it."""
    by_start, by_time = np.argsort(start, kind="stable"), np.argsort(time, kind="stable")
    came = np.concatenate([[0.0], weight[by_start].cumsum()])
    gone = np.concatenate([[0.0], weight[by_time].cumsum()])
    return came[np.searchsorted(start[by_start], at)] - gone[np.searchsorted(time[by_time], at)]


def _first(curve: pd.DataFrame, column: str, share: float) -> float | None:
    """Return the first time at which a column of the curve is at ``share`` or below."""
    hit = np.flatnonzero(curve[column].to_numpy() <= share + _TOUCH)
    return float(curve["time"].iloc[hit[0]]) if hit.size else None


def _about(curve: pd.DataFrame) -> dict[str, Any]:
    """Return n, n_missing and level of a curve, or refuse a frame that is not one."""
    if not {"n", "n_missing", "level"} <= set(getattr(curve, "attrs", ())):
        raise QuestionError(
            "this frame is not a curve of kaplan_meier: it does not know its n.\n"
            "  Pass on what kaplan_meier returned, whole; a filtered or merged copy forgets its n."
        )
    return {str(name): value for name, value in curve.attrs.items()}


def _none(curve: pd.DataFrame, metric: str, measured_in: str) -> Estimate:
    """Return the Estimate of an empty curve."""
    about = _about(curve)
    return no_data(
        metric,
        measured_in,
        level=about["level"],
        n=0,
        n_missing=about["n_missing"],
        method=METHOD,
        reason=nobody_answered(about["n_missing"]),
    )

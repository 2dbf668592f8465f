"""From two dates to a duration known by ``as_of``: how many customers stay, and how many leave."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.errors import DataError, QuestionError
from cxkit.metrics.answers import check_level, is_real, no_data, same_order
from cxkit.metrics.clusters import check_counts
from cxkit.metrics.durations import METHOD, curve_of, km_at, spells
from cxkit.metrics.incidence import share_ended

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import ArrayLike

    from cxkit.metrics.durations import Spells
    from cxkit.results import Estimate

#: Seconds in each unit of time; a month is 365.25 / 12 days.
SECONDS = {"hours": 3_600, "days": 86_400, "months": 86_400 * 365.25 / 12}


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Seconds from begin to end, or to the last moment known; NaN where a row is not usable."""

    seconds: pd.Series
    ended: pd.Series
    begin: pd.Series
    until: pd.Series


def retention_rate(
    start: pd.Series,
    end: pd.Series,
    *,
    as_of: str | date,
    horizon: float = 12,
    observed_from: str | date | None = None,
    counts: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the share still customers ``horizon`` months after they began, in percent.

    Question: how many customers stay for a year? Interval: log-log Kaplan-Meier.

    Parameters
    ----------
    start, end : Series of datetimes, shape (n,)
        When each relationship began and ended; no end means still a customer at ``as_of``, and so
        does one after it. A row without a start, or starting after ``as_of``, is not used.
    as_of : date
        The last day the data speak for.
    horizon : float, default 12
        Months of 365.25 / 12 days since the start.
    observed_from : date, optional
        The first day the data cover. Who started before it counts as followed from that day only
        (delayed entry): had they left earlier they would not be in the data.
    counts : Series, array or list of shape (n,), optional
        How many customers each row stands for, as in a table of :func:`counts`.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100. ``n`` counts everyone followed for any time, ``n_missing`` the rows
        without a usable start and those who left before ``observed_from``.

    Raises
    ------
    DataError
        A relationship ended before it started.
    QuestionError
        Nobody was followed for ``horizon`` months, or not from the start on without a gap; the
        message names the longest horizon possible.

    Notes
    -----
    Kaplan-Meier at the horizon, with log-log limits; see :func:`km_at`. Customers not yet observed
    that long are censored at ``as_of`` and never counted as kept. Without ``observed_from`` all are
    taken as followed from their start, which overstates retention if the data hold only those who
    were still there when the records began.

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations.
    Journal of the American Statistical Association 53(282), 457-481.
    doi:10.1080/01621459.1958.10501452

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> start = pd.Series(pd.to_datetime(["2024-01-01", "2024-02-01", "2024-06-01", "2025-06-01"]))
    >>> end = pd.Series(pd.to_datetime(["2024-07-01", None, None, None]))
    >>> print(cx.retention_rate(start, end, as_of="2025-12-31", horizon=12))
    Retention at 12 months 75.0 % (95 % interval 12.8 to 96.1, n = 4; log-log Kaplan-Meier)
    """
    level, metric = check_level(level), _named("Retention", horizon)
    cases, method = _customers(start, end, counts, as_of=as_of, observed_from=observed_from)
    curve = curve_of(cases, level=level)
    if not _followed(cases, curve, horizon, metric):
        return km_at(curve, horizon, metric=metric)
    emptied = curve.loc[(curve["survival"] == 0) & (curve["time"] <= horizon), "time"]
    if len(emptied) and (cases.time > emptied.iloc[0]).any():
        return no_data(
            metric,
            "%",
            level=level,
            n=cases.n,
            n_missing=cases.n_missing,
            method=METHOD + method,
            reason=(
                f"At month {emptied.iloc[0]:.3g} the few customers followed from their start had "
                "all left, while others, who came before the data begin, are still followed."
            ),
        )
    found = km_at(curve, horizon, metric=metric)
    return replace(found, method=found.method.replace(METHOD, METHOD + method, 1))


def churn_rate(
    start: pd.Series,
    end: pd.Series,
    *,
    as_of: str | date,
    horizon: float = 12,
    reason: pd.Series | None = None,
    of: str | None = None,
    observed_from: str | date | None = None,
    counts: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the share who have left within ``horizon`` months of their start, in percent.

    Question: how many customers leave within a year, and why? Interval: log-log Kaplan-Meier; by
    reason log-log Aalen-Johansen.

    Parameters
    ----------
    start, end : Series of datetimes, shape (n,)
        As in :func:`retention_rate`.
    as_of : date
        The last day the data speak for.
    horizon : float, default 12
        Months of 365.25 / 12 days since the start.
    reason : Series, shape (n,), optional
        Why each relationship ended.
    of : str, optional
        Count only those who left for this reason; the others left too, and compete. Needs
        ``reason``. An end without a reason is another reason, and ``method`` counts them.
    observed_from : date, optional
        The first day the data cover, as in :func:`retention_rate`.
    counts : Series, array or list of shape (n,), optional
        How many customers each row stands for, as in a table of :func:`counts`.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100.

    Raises
    ------
    DataError
        A relationship ended before it started.
    QuestionError
        Nobody was followed for ``horizon`` months, or nobody ever left for the reason asked.

    Notes
    -----
    100 less :func:`retention_rate`. By reason it is Aalen-Johansen's share (see
    :func:`ended_by`): the reasons add up to the churn of all, which one less the Kaplan-Meier curve
    of each reason, the others censored, does not.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov
    chains based on censored observations. Scandinavian Journal of Statistics 5(3), 141-150.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> start = pd.Series(pd.to_datetime(["2024-01-01", "2024-02-01", "2024-06-01", "2025-06-01"]))
    >>> end = pd.Series(pd.to_datetime(["2024-07-01", None, None, None]))
    >>> print(cx.churn_rate(start, end, as_of="2025-12-31", horizon=12))
    Churn at 12 months 25.0 % (95 % interval 3.9 to 87.2, n = 4; log-log Kaplan-Meier)
    """
    metric = _named("Churn", horizon)
    if (reason is None) != (of is None):
        raise QuestionError(f"{metric}: write both reason (the column) and of (which), or neither.")
    if reason is None:
        stay = retention_rate(
            start,
            end,
            as_of=as_of,
            horizon=horizon,
            observed_from=observed_from,
            counts=counts,
            level=level,
        )
        if stay.value is None or stay.low is None or stay.high is None:
            return replace(stay, metric=metric)
        low, high = 100 - stay.high, 100 - stay.low
        return replace(stay, metric=metric, value=100 - stay.value, low=low, high=high)
    level, metric = check_level(level), f"{metric} ({of})"
    cases, method = _customers(start, end, counts, as_of=as_of, observed_from=observed_from)
    why = pd.Series(reason).to_numpy(dtype=object)
    if why.size != len(start):
        raise QuestionError(
            f"{metric}: reason has {why.size:,} rows and start {len(start):,}.\n"
            "  Give columns of one frame."
        )
    why = why[cases.used]
    ended, known = cases.event, cases.event & pd.notna(why)
    codes = np.where(ended, 1, -1)
    codes[known] = np.where(why[known] == of, 0, 1)
    if ended.any() and not (codes == 0).any():
        found = ", ".join(sorted({str(v) for v in why[known]})) or "(none)"
        raise QuestionError(f"{metric}: nobody left for that reason.\n  reasons: {found}")
    _followed(cases, curve_of(cases, level=level), horizon, metric)
    unsaid = round(float(cases.weight[ended & ~known].sum()))
    said = f"; {unsaid:,} who left without a reason count as others" if unsaid else ""
    rate = share_ended(
        cases, codes, 0, time=horizon, metric=metric, level=level, n_missing=cases.n_missing
    )
    return replace(rate, method=rate.method + method + said)


def _customers(
    start: pd.Series,
    end: pd.Series,
    counts: ArrayLike | None,
    *,
    as_of: str | date,
    observed_from: str | date | None,
) -> tuple[Spells, str]:
    """Return relationships in months, and what to say of late entries."""
    passed = elapsed(start, end, as_of=as_of, names=("start", "end"))
    people = check_counts(counts, len(passed.seconds), asked="start and end")
    entry, said = None, ""
    if observed_from is not None:
        entry = (like(observed_from, passed.begin) - passed.begin).dt.total_seconds()
        late = int((entry > 0).sum() if people is None else people[entry.to_numpy() > 0].sum())
        if late:
            since = f"{pd.Timestamp(observed_from):%Y-%m-%d}"
            said = f"; {late:,} who came before {since} are followed from then"
    cases = spells(
        passed.seconds / SECONDS["months"],
        passed.ended,
        None if entry is None else entry / SECONDS["months"],
        people,
    )
    return cases, said


def _named(what: str, horizon: float) -> str:
    """Return what a share at the horizon is called, or refuse a horizon of no months."""
    if not (is_real(horizon) and horizon > 0):
        raise QuestionError(
            f"{what} at {horizon!r}: write a horizon above 0, in months, e.g. horizon=12."
        )
    return f"{what} at {horizon:g} months"


def _followed(cases: Spells, curve: pd.DataFrame, horizon: float, metric: str) -> bool:
    """Whether there is anybody; refuse a horizon that nobody was followed for without a gap."""
    if not cases.time.size:
        return False
    followed = cases.followed_without_gap()
    reached = float(curve["survival"].iloc[np.searchsorted(curve["time"], followed, "right") - 1])
    if followed < horizon and reached > 0:
        raise QuestionError(_too_far(metric, followed))
    return True


def _too_far(metric: str, followed: float) -> str:
    """Say why a horizon cannot be answered and which one could."""
    if followed <= 0:
        return (
            f"{metric}: nobody was followed from the start of the relationship; all came before "
            "the data begin.\n  It takes customers who started on or after observed_from."
        )
    longest = np.floor(followed * 10) / 10
    return (
        f"{metric}: customers were followed for at most {followed:.4g} months from their start, so "
        f"later retention is not known.\n  The longest horizon possible is {longest:g} months."
    )


def elapsed(
    begin: pd.Series, end: pd.Series, *, as_of: str | date, names: tuple[str, str]
) -> Elapsed:
    """Return the time from begin to end, or to as_of where the end is not known by then."""
    same_order(" and ".join(names), **dict(zip(names, (begin, end), strict=True)))
    begin, end = (dates_of(column, name) for column, name in zip((begin, end), names, strict=True))
    if len(begin) != len(end):
        raise QuestionError(
            f"{names[0]} has {len(begin):,} rows and {names[1]} {len(end):,}.\n"
            "  Give two columns of one frame."
        )
    if end.isna().all():
        end = pd.Series(pd.NaT, index=begin.index, dtype=begin.dtype)
    end = end.set_axis(begin.index)
    if (begin.dt.tz is None) != (end.dt.tz is None):
        raise QuestionError(
            f"{names[0]} and {names[1]}: one has a time zone and the other has none.\n"
            "  Give both a zone (Series.dt.tz_localize) or neither."
        )
    wrong = begin.index[(end < begin).to_numpy(bool)]
    if len(wrong):
        raise DataError(
            f"row {wrong[0]}: {names[1]} {end[wrong[0]]} lies before {names[0]} {begin[wrong[0]]} "
            f"({len(wrong):,} of {len(begin):,} rows).\n"
            "  Check which column is which, or make the wrong date missing."
        )
    last = like(as_of, begin)
    clock = pd.concat([begin, end]).dropna()
    if last == last.normalize() and (clock != clock.dt.normalize()).any():
        last += pd.Timedelta(days=1)
    ended = end.notna() & (end <= last)
    until = end.where(ended, last).mask((begin > last) | begin.isna())
    return Elapsed((until - begin).dt.total_seconds(), ended, begin, until)


def dates_of(column: pd.Series, name: str) -> pd.Series:
    """Return a column of dates, or refuse one that holds anything else."""
    if isinstance(column, pd.Series) and column.isna().all():
        return column.astype("datetime64[us]") if column.dtype.kind != "M" else column
    if not isinstance(column, pd.Series) or column.dtype.kind != "M":
        raise QuestionError(
            f"{name}: asked for a Series of dates, found {getattr(column, 'dtype', type(column))}."
            f"\n  Convert it first: pd.to_datetime(frame[{name!r}], format=...)."
        )
    return column


def like(moment: str | date, column: pd.Series) -> pd.Timestamp:
    """Return a date as a timestamp in the zone of a column; text must be year, month, day."""
    try:
        stamp = pd.Timestamp(datetime.fromisoformat(moment) if isinstance(moment, str) else moment)
        told = not pd.isna(stamp)
    except (TypeError, ValueError):
        told = False
    if not told:
        raise QuestionError(
            f"{moment!r} is no date that reads one way only.\n"
            "  Write as_of and observed_from as year, month, day: 2025-12-31."
        )
    return stamp.tz_localize(column.dt.tz) if stamp.tz is None and column.dt.tz else stamp

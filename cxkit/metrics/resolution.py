"""How long until a case is answered or resolved, by the clock or in business hours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pandas as pd

from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_level, no_data, yes_no
from cxkit.metrics.clusters import check_clusters, check_counts
from cxkit.metrics.dates import SECONDS, dates_of, elapsed
from cxkit.metrics.durations import METHOD, curve_of, km_quantile, spells
from cxkit.metrics.incidence import curve_by, design, share_ended
from cxkit.metrics.restricted import mean_up_to

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from cxkit.metrics.durations import Spells
    from cxkit.metrics.opening import OpeningHours
    from cxkit.results import Estimate

Measure: TypeAlias = Literal["median", "p90", "restricted mean"]
Unit: TypeAlias = Literal["hours", "days"]
Resolved: TypeAlias = Literal["last", "first"]


@dataclass(frozen=True, slots=True)
class _Waits:
    """Usable cases with their time in a unit; code 0 is what is waited for, 1 ends otherwise."""

    cases: Spells
    codes: NDArray[np.int64]
    measured_in: str
    clusters: pd.Series | None
    said: str

    @property
    def open(self) -> int:
        """Return how many are still waited for."""
        return round(float(self.cases.weight[self.codes < 0].sum()))

    @property
    def other(self) -> int:
        """Return how many ended otherwise."""
        return round(float(self.cases.weight[self.codes == 1].sum()))


def time_to_resolution(
    opened: pd.Series,
    resolved: pd.Series,
    *,
    as_of: str | date,
    measure: Measure = "median",
    tau: float | None = None,
    unit: Unit = "hours",
    hours: OpeningHours | None = None,
    reopened: pd.Series | None = None,
    resolved_is: Resolved = "last",
    auto_closed: pd.Series | None = None,
    counts: pd.Series | None = None,
    clusters: pd.Series | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate how long a case takes to be resolved, with those still open counted as open.

    Question: how long does a case take, those still open included? Interval: log-log Kaplan-Meier.

    Parameters
    ----------
    opened, resolved : Series of datetimes, shape (n,)
        When each case was opened and resolved; no resolved date means still open at ``as_of``, and
        so does one after it. A case without an opening date, or opened after ``as_of``, is not used
        and counted.
    as_of : date
        The last moment the data speak for. A date without a time of day means the end of that day
        if the cases carry times of day.
    measure : {"median", "p90", "restricted mean"}, default "median"
        The time by which half or nine tenths are resolved, or the mean time up to ``tau``.
    tau : float, optional
        Needed by the restricted mean: where time stops counting, in ``unit``.
    unit : {"hours", "days"}, default "hours"
        Hours or days of 24 hours by the clock; with ``hours``, only "hours".
    hours : OpeningHours, optional
        Count only the hours the service is open: the result is in business hours.
    reopened : Series of booleans or datetimes, shape (n,), optional
        Whether a case was opened again, or when it last was. Reopened means not resolved until the
        last resolution: a resolution before the reopening does not count.
    resolved_is : {"last", "first"}, default "last"
        What ``resolved`` holds for cases that ``reopened`` only says yes of: the last resolution
        (it counts), or the first (it did not hold: the case counts as open).
    auto_closed : Series of booleans, shape (n,), optional
        True where a machine closed the case. That is another end, not a resolution, and competes
        with it; missing is taken as no.
    counts : Series, shape (n,), optional
        How many cases each row stands for, as in a table of :func:`counts`.
    clusters : Series, shape (n,), optional
        Whose case it is, e.g. the customer: cases of one customer may resemble each other.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In ``unit`` or "business hours". If fewer than the asked share are resolved the status is
        "not reached", and ``low`` is the lower limit, if there is one.

    Raises
    ------
    DataError
        A case was resolved before it was opened.
    QuestionError
        The columns are not dates, ``tau`` is missing, or nobody was followed that long.

    Notes
    -----
    Kaplan-Meier with open cases censored at ``as_of``; see :func:`km_quantile` and
    :func:`km_restricted_mean`. The median of the closed cases alone is too short, since the long
    ones are those still open. It assumes that being cut off at ``as_of`` says nothing of the time
    left, and that cases are chosen by when they were opened, never by when they were closed.

    Where a machine closed some, the share resolved is Aalen-Johansen's (see
    :func:`cumulative_incidence`): such a case will never be resolved, so the share may stay below
    one half however long one waits. In the restricted mean, tau less the area under that share,
    such a case counts with all of tau. With clusters the band is widened by what they do to the
    error of the share at the estimate (see :func:`ended_by`), and the error of a restricted mean
    is made from influences summed within each; if no cluster repeats, nothing changes.

    References
    ----------
    Andersen, P. K. (2013). Decomposition of number of life years lost according to causes of death.
    Statistics in Medicine 32(30), 5278-5285. doi:10.1002/sim.5903

    Brookmeyer, R. and Crowley, J. (1982). A confidence interval for the median survival time.
    Biometrics 38(1), 29-41. doi:10.2307/2530286

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> opened = pd.Series(pd.to_datetime(["2025-03-01", "2025-03-02", "2025-03-03", "2025-03-04"]))
    >>> resolved = pd.Series(pd.to_datetime(["2025-03-02", "2025-03-05", "2025-03-04", None]))
    >>> print(cx.time_to_resolution(opened, resolved, as_of="2025-03-31", unit="days"))
    Median time to resolution 1.0 days (95 % interval 1.0 or more, n = 4; log-log Kaplan-Meier)
    """
    waits = _resolutions(
        opened,
        resolved,
        as_of=as_of,
        unit=unit,
        hours=hours,
        reopened=reopened,
        resolved_is=resolved_is,
        auto_closed=auto_closed,
        counts=counts,
        clusters=clusters,
        asked="time_to_resolution",
    )
    return _read(waits, "time to resolution", measure=measure, tau=tau, level=check_level(level))


def resolved_within(
    opened: pd.Series,
    resolved: pd.Series,
    *,
    within: float,
    as_of: str | date,
    unit: Unit = "hours",
    hours: OpeningHours | None = None,
    reopened: pd.Series | None = None,
    resolved_is: Resolved = "last",
    auto_closed: pd.Series | None = None,
    counts: pd.Series | None = None,
    clusters: pd.Series | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the share of cases resolved within a time, in percent.

    Question: how many cases are resolved in time? Interval: log-log Aalen-Johansen; by cluster with
    t.

    Parameters
    ----------
    opened, resolved, as_of, unit, hours, reopened, resolved_is, auto_closed, counts, clusters
        As in :func:`time_to_resolution`.
    within : float
        Hours (business hours with ``hours``) or days since the opening, by ``unit``.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100. Cases opened less than ``within`` before ``as_of`` count for as long
        as they were seen, and are never taken as late.

    Raises
    ------
    DataError
        A case was resolved before it was opened.
    QuestionError
        The columns are not dates, or no case was followed that long.

    Notes
    -----
    Aalen-Johansen at ``within``, cases closed by machine competing, open ones censored at
    ``as_of``; see :func:`ended_by`, also for clusters. Without machine closings it is one less the
    Kaplan-Meier estimate.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov
    chains based on censored observations. Scandinavian Journal of Statistics 5(3), 141-150.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> opened = pd.Series(pd.to_datetime(["2025-03-01", "2025-03-02", "2025-03-03", "2025-03-04"]))
    >>> resolved = pd.Series(pd.to_datetime(["2025-03-02", "2025-03-05", "2025-03-04", None]))
    >>> print(cx.resolved_within(opened, resolved, within=2, unit="days", as_of="2025-03-31"))
    Resolved within 2 days 50.0 % (95 % interval 15.5 to 94.2, n = 4; Aalen-Johansen)
    """
    waits = _resolutions(
        opened,
        resolved,
        as_of=as_of,
        unit=unit,
        hours=hours,
        reopened=reopened,
        resolved_is=resolved_is,
        auto_closed=auto_closed,
        counts=counts,
        clusters=clusters,
        asked="resolved_within",
    )
    if not within >= 0:
        raise QuestionError(
            f"resolved_within: within is {within:g}.\n  Write a time of 0 or more, in {unit}."
        )
    found = share_ended(
        waits.cases,
        waits.codes,
        0,
        time=within,
        metric=f"Resolved within {within:g} {waits.measured_in}",
        level=check_level(level),
        n_missing=waits.cases.n_missing,
        clusters=waits.clusters,
    )
    return replace(found, method=found.method + waits.said)


def first_response_time(
    opened: pd.Series,
    first_response: pd.Series,
    *,
    as_of: str | date,
    closed: pd.Series | None = None,
    measure: Measure = "median",
    tau: float | None = None,
    unit: Unit = "hours",
    hours: OpeningHours | None = None,
    counts: pd.Series | None = None,
    clusters: pd.Series | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate how long a customer waits for the first response, those still waiting included.

    Question: how long until somebody answers the customer? Interval: log-log Kaplan-Meier.

    Parameters
    ----------
    opened, first_response : Series of datetimes, shape (n,)
        When each case was opened and first answered; none means not answered by ``as_of``.
    as_of, measure, tau, unit, hours, counts, clusters
        As in :func:`time_to_resolution`.
    closed : Series of datetimes, shape (n,), optional
        When the case was closed. Closed without a response is another end, which competes.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In ``unit`` or "business hours"; "not reached" if fewer than the asked share were answered.

    Raises
    ------
    DataError
        A response or a closing lies before the opening.
    QuestionError
        As in :func:`time_to_resolution`.

    Notes
    -----
    As in :func:`time_to_resolution`, with the response in place of the resolution. An automatic
    receipt is not a response: leave it out of ``first_response``.

    References
    ----------
    Brookmeyer, R. and Crowley, J. (1982). A confidence interval for the median survival time.
    Biometrics 38(1), 29-41. doi:10.2307/2530286

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> opened = pd.Series(pd.to_datetime(["2025-03-03 09:00"] * 3))
    >>> answered = pd.Series(pd.to_datetime(["2025-03-03 10:00", "2025-03-03 11:30", None]))
    >>> print(cx.first_response_time(opened, answered, as_of="2025-03-04"))
    Median first response time 2.5 hours (95 % interval 1.0 or more, n = 3; log-log Kaplan-Meier)
    """
    done, other = dates_of(first_response, "first_response"), None
    if closed is not None:
        shut = dates_of(closed, "closed").set_axis(done.index)
        other = (done.isna() & shut.notna()).to_numpy(bool)
        done = shut.where(other, done) if other.any() else done
    waits = _waits(
        opened,
        done,
        other,
        as_of=as_of,
        unit=unit,
        hours=hours,
        counts=counts,
        clusters=clusters,
        names=("opened", "first_response"),
        asked="first_response_time",
        ended="closed without a response",
    )
    return _read(waits, "first response time", measure=measure, tau=tau, level=check_level(level))


def not_held(
    opened: pd.Series, resolved: pd.Series, reopened: pd.Series, resolved_is: Resolved
) -> NDArray[np.bool_]:
    """Return which resolutions did not hold, since the case was opened again after them."""
    if resolved_is not in {"last", "first"}:
        raise QuestionError(
            f"resolved_is is {resolved_is!r}.\n"
            '  Write "last" if resolved is the last resolution of a reopened case, else "first".'
        )
    given = pd.Series(reopened)
    if len(given) != len(opened):
        raise QuestionError(
            f"reopened has {len(given):,} rows and opened {len(opened):,}.\n"
            "  Give columns of one frame."
        )
    if given.dtype.kind == "M":
        return (given.to_numpy() > resolved.to_numpy()) & given.notna().to_numpy(bool)
    yes_no(given, asked="reopened")
    again = given.astype("boolean").fillna(value=False).to_numpy(bool)
    return again & (resolved_is == "first")


def _resolutions(
    opened: pd.Series,
    resolved: pd.Series,
    *,
    as_of: str | date,
    unit: Unit,
    hours: OpeningHours | None,
    reopened: pd.Series | None,
    resolved_is: Resolved,
    auto_closed: pd.Series | None,
    counts: pd.Series | None,
    clusters: pd.Series | None,
    asked: str,
) -> _Waits:
    """Return the cases with their time to a resolution that held, machine closings apart."""
    done, again = dates_of(resolved, "resolved"), 0
    if reopened is not None:
        undone = not_held(opened, done, reopened, resolved_is) & done.notna().to_numpy(bool)
        people = check_counts(counts, len(undone), asked=asked)
        done = done.mask(undone)
        again = int(undone.sum() if people is None else people[undone].sum())
    machine = None
    if auto_closed is not None:
        yes_no(auto_closed, asked="auto_closed")
        machine = pd.Series(auto_closed).astype("boolean").fillna(value=False).to_numpy(bool)
    waits = _waits(
        opened,
        done,
        machine,
        as_of=as_of,
        unit=unit,
        hours=hours,
        counts=counts,
        clusters=clusters,
        names=("opened", "resolved"),
        asked=asked,
        ended="closed by machine",
    )
    said = f"; {again:,} reopened count as open" if again else ""
    return replace(waits, said=waits.said + said)


def _waits(
    begin: pd.Series,
    end: pd.Series,
    other: NDArray[np.bool_] | None,
    *,
    as_of: str | date,
    unit: Unit,
    hours: OpeningHours | None,
    counts: pd.Series | None,
    clusters: pd.Series | None,
    names: tuple[str, str],
    asked: str,
    ended: str,
) -> _Waits:
    """Return the usable cases with their time in the unit and how each ended."""
    if unit not in {"hours", "days"} or (hours is not None and unit != "hours"):
        raise QuestionError(
            f"{asked}: {unit!r} is not known"
            + (" with opening hours" if hours is not None else "")
            + '.\n  unit is "hours" or "days"; with opening hours it is "hours".'
        )
    passed = elapsed(begin, end, as_of=as_of, names=names)
    if hours is None:
        time, measured_in = passed.seconds / SECONDS[unit], str(unit)
    else:
        time, measured_in = hours.between(passed.begin, passed.until), "business hours"
    done = passed.ended.to_numpy(bool)
    codes = np.where(done, 0, -1)
    if other is not None:
        codes = np.where(done & other, 1, codes)
    cases = spells(time, done, None, counts, asked=asked)
    who = check_clusters(clusters, len(begin), asked=asked)
    codes = codes[cases.used]
    others = round(float(cases.weight[codes == 1].sum()))
    return _Waits(
        cases,
        codes,
        measured_in,
        None if who is None else who[cases.used],
        f"; {others:,} {ended}" if others else "",
    )


def _read(
    waits: _Waits, name: str, *, measure: Measure, tau: float | None, level: float
) -> Estimate:
    """Read a quantile or a restricted mean off the curve of the waits."""
    asked, unit = name.replace(" ", "_"), waits.measured_in
    if measure not in {"median", "p90", "restricted mean"}:
        raise QuestionError(
            f"{asked}: measure {measure!r} in {unit!r} is not known.\n"
            '  measure is "median", "p90" or "restricted mean".'
        )
    if measure == "restricted mean":
        return _mean(waits, name, tau=tau, level=level)
    q, first = (0.5, "Median") if measure == "median" else (0.9, "90 %")
    metric = f"{first} {name}"
    plain = not waits.other
    curve = (
        curve_of(waits.cases, level=level)
        if plain
        else curve_by(waits.cases, waits.codes, level=level)
    )
    found = km_quantile(curve, q, metric=metric, measured_in=unit)
    method = METHOD if plain else "log-log Aalen-Johansen"
    if waits.clusters is not None and found.value is not None:
        robust = design(waits.cases, waits.codes, found.value, waits.clusters, level=level)
        if robust.se is None:
            return no_data(
                metric,
                unit,
                level=level,
                n=found.n,
                n_missing=found.n_missing,
                method=method,
                reason=robust.said,
            )
        method += robust.said
        if robust.ratio != 1:
            wider = curve_by(waits.cases, waits.codes, level=level, widen=robust.ratio)
            found = km_quantile(wider, q, metric=metric, measured_in=unit)
    if found.status == "not reached":
        found = replace(
            found,
            reason=f"{waits.open:,} of {found.n:,} cases are still open. {found.reason}",
        )
    return replace(found, method=method + waits.said)


def _mean(waits: _Waits, name: str, *, tau: float | None, level: float) -> Estimate:
    """Return the restricted mean of the waits."""
    asked, unit = name.replace(" ", "_"), waits.measured_in
    if tau is None or not tau > 0:
        raise QuestionError(
            f"{asked}: a restricted mean needs tau, where time stops counting, above 0.\n"
            f"  Write e.g. tau={30 if unit == 'days' else 72} for that many {unit}."
        )
    found = mean_up_to(
        waits.cases,
        waits.codes,
        float(tau),
        metric=name.capitalize(),
        measured_in=unit,
        level=level,
        clusters=waits.clusters,
    )
    return replace(found, method=found.method + waits.said)

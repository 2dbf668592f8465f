"""How fast employees leave: exits per person-year, or the share gone by a time after hiring."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import gammaincinv, stdtrit

from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_level, no_data
from cxkit.metrics.clusters import check_clusters, check_counts
from cxkit.metrics.dates import elapsed, like, retention_rate
from cxkit.results import Estimate

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import ArrayLike, NDArray

_YEAR = 365.25 * 86_400
UNIT = "per 100 person-years"


def staff_turnover(
    start: pd.Series,
    end: pd.Series,
    *,
    as_of: str | date,
    observed_from: str | date | None = None,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    horizon: float | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate staff turnover: exits per 100 person-years, or the share gone by a horizon.

    Question: how many employees leave in a year? Interval: exact Poisson; by cluster with t.

    Parameters
    ----------
    start, end : Series of datetimes, shape (n,)
        When each employment began and ended; no end, or one after ``as_of``, means still employed.
        A row without a start, or starting after ``as_of``, is not used and counted.
    as_of : date
        The last day the data speak for.
    observed_from : date, optional
        The first day the data cover: time before it is not counted, and who came earlier is at risk
        from then on. Without it every employment is taken as seen from its start.
    counts : Series, array or list of shape (n,), optional
        How many employments each row stands for.
    clusters : Series, array or list of shape (n,), optional
        Who was employed, or the unit: exits of one cluster may go together. Not with ``horizon``.
    horizon : float, optional
        Months since hiring: then the share who have left by then, in percent.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``measured_in`` is "per 100 person-years", or "%" with a horizon. ``n`` counts employments
        at risk. No time at risk: "no data".

    Raises
    ------
    DataError
        An employment ended before it began.
    QuestionError
        The columns are not dates, counts or clusters do not fit, or nobody was followed for the
        horizon.

    Notes
    -----
    Rate = 100 d / T, d exits in T years of 365.25 days at risk between ``observed_from`` and
    ``as_of``. Limits are the exact ones of a Poisson count (Garwood), and se = 100 sqrt(d) / T.
    With clusters that repeat, of which there are G, se^2 = G / (G - 1) sum (d_g - d t_g / T)^2 /
    T^2 and the limits are rate exp(±t se / rate), t on G - 1 degrees of freedom, never inside the
    exact ones. Clusters that never repeat change nothing.

    Exits over the mean headcount of a year are close to this rate. The share gone by a horizon is 1
    less Kaplan-Meier since hiring with late entry, see :func:`retention_rate`; it is about new
    staff, while the rate is about all.

    References
    ----------
    Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28(3/4), 437-442.
    doi:10.1093/biomet/28.3-4.437

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> start = pd.Series(pd.to_datetime(["2020-01-01", "2023-07-01", "2024-01-01", "2024-07-01"]))
    >>> end = pd.Series(pd.to_datetime(["2024-07-01", None, None, None]))
    >>> print(cx.staff_turnover(start, end, as_of="2025-12-31", observed_from="2024-01-01"))
    Staff turnover 16.68 per 100 person-years (95 % interval 0.42 to 92.92, n = 4; exact Poisson, 1
    exit in 6.0 person-years)
    """
    level = check_level(level)
    if horizon is not None:
        return _gone(start, end, as_of, observed_from, counts, clusters, horizon, level)
    metric = "Staff turnover"
    passed = elapsed(start, end, as_of=as_of, names=("start", "end"))
    seconds = passed.seconds.to_numpy(dtype=float)
    late = np.zeros(seconds.size)
    if observed_from is not None:
        since = (like(observed_from, passed.begin) - passed.begin).dt.total_seconds()
        late = np.maximum(np.nan_to_num(since.to_numpy(dtype=float)), 0)
    given = check_counts(counts, seconds.size, asked="staff_turnover")
    people = np.ones(seconds.size, np.int64) if given is None else given
    used = ~np.isnan(seconds) & ((seconds > late) | (late == 0)) & (people > 0)
    years, left = (seconds - late)[used] / _YEAR, passed.ended.to_numpy(dtype=bool)[used]
    many = people[used]
    n, total, exits = int(many.sum()), float(many @ years), int(many[left].sum())
    missing = int(people.sum()) - n
    who = check_clusters(clusters, seconds.size, asked="staff_turnover")
    if not total > 0:
        reason = f"Nobody of the {people.sum():,} was employed between the two dates."
        return no_data(
            metric, UNIT, level=level, n=n, n_missing=missing, method="exact Poisson", reason=reason
        )
    tail = (1 - level) / 2
    low = float(gammaincinv(exits, tail)) / total if exits else 0.0
    high = float(gammaincinv(exits + 1, 1 - tail)) / total
    se = float(np.sqrt(exits)) / total
    noun = "exit" if exits == 1 else "exits"
    method = f"exact Poisson, {exits:,} {noun} in {total:,.1f} person-years"
    if who is not None:
        sums = _by_cluster(who[used], years, left, many)
        groups = int(sums["times"].sum())
        if groups < n and groups < 2:
            reason = f"All {n:,} employments are of one cluster: its spread is not known."
            return no_data(
                metric, UNIT, level=level, n=n, n_missing=missing, method=method, reason=reason
            )
        if groups < n:
            low, high, se = _robust(sums, total, exits, (low, high, se), level)
            named = f" ({who.name})" if who.name is not None else ""
            method += f", cluster-robust by {groups:,} clusters{named}"
    return Estimate(
        metric=metric,
        measured_in=UNIT,
        value=100 * exits / total,
        low=100 * low,
        high=100 * high,
        se=100 * se,
        level=level,
        n=n,
        n_missing=missing,
        method=method,
    )


def _by_cluster(
    who: pd.Series,
    years: NDArray[np.float64],
    left: NDArray[np.bool_],
    many: NDArray[np.int64],
) -> pd.DataFrame:
    """Return years and exits of each cluster; those without a key are ``times`` such clusters."""
    codes = pd.factorize(who)[0]
    alone = codes < 0
    own = pd.DataFrame({"years": years, "left": left.astype(float), "times": 1.0})
    shared = own[["years", "left"]].mul(many, axis=0)[~alone].groupby(codes[~alone]).sum()
    return pd.concat([shared.assign(times=1.0), own[alone].assign(times=many[alone])])


def _robust(
    sums: pd.DataFrame,
    total: float,
    exits: int,
    plain: tuple[float, float, float],
    level: float,
) -> tuple[float, float, float]:
    """Return limits and error by cluster, the limits never inside the plain ones."""
    low, high, se = plain
    if not exits:
        return plain
    groups, rate = float(sums["times"].sum()), exits / total
    away = sums["left"].to_numpy() - rate * sums["years"].to_numpy()
    se = float(np.sqrt(groups / (groups - 1) * (sums["times"].to_numpy() @ away**2))) / total
    stretch = float(np.exp(stdtrit(groups - 1, (1 + level) / 2) * se / rate))
    return min(low, rate / stretch), max(high, rate * stretch), se


def _gone(
    start: pd.Series,
    end: pd.Series,
    as_of: str | date,
    observed_from: str | date | None,
    counts: ArrayLike | None,
    clusters: ArrayLike | None,
    horizon: float,
    level: float,
) -> Estimate:
    """Return the share who have left by a horizon: what is left of retention."""
    if clusters is not None:
        raise QuestionError(
            "staff_turnover: clusters belong to the rate, not to the share gone by a horizon.\n"
            "  Leave out clusters or horizon."
        )
    try:
        kept = retention_rate(
            start,
            end,
            as_of=as_of,
            horizon=horizon,
            observed_from=observed_from,
            counts=counts,
            level=level,
        )
    except QuestionError as error:
        raise QuestionError(_staff(str(error))) from None
    whole = (100 - v if v is not None else None for v in (kept.value, kept.high, kept.low))
    value, low, high = whole
    return replace(
        kept,
        metric=f"Staff turnover within {horizon:g} months of hiring",
        value=value,
        low=low,
        high=high,
        reason=_staff(kept.reason),
    )


def _staff(words: str) -> str:
    """Say of employees what was said of customers."""
    for was, now in (
        ("Retention at", "Staff retained at"),
        ("customers", "employees"),
        ("of the relationship", "of the employment"),
        ("later retention", "later turnover"),
    ):
        words = words.replace(was, now)
    return words

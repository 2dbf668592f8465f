"""What customers buy: who comes back for more, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import chdtri

from cxkit.errors import DataError
from cxkit.metrics.answers import Scores, check_level, need_columns, no_data
from cxkit.metrics.dates import SECONDS, dates_of, elapsed, like
from cxkit.metrics.durations import spells
from cxkit.metrics.incidence import METHOD, share_ended
from cxkit.metrics.ratios import ratio_of
from cxkit.results import Estimate

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import ArrayLike

_YEAR = 86_400 * 365.25


def repeat_purchase_rate(
    orders: pd.DataFrame,
    *,
    as_of: str | date,
    horizon: float = 12,
    customer: str = "customer",
    ordered_on: str = "ordered_on",
    level: float = 0.95,
) -> Estimate:
    """Estimate the share who buy again within ``horizon`` months of their first purchase.

    Question: how many customers come back for a second purchase? Interval: log-log Kaplan-Meier.

    Parameters
    ----------
    orders : DataFrame
        One row per purchase.
    as_of : date
        The last day the data speak for; later orders are not looked at.
    horizon : float, default 12
        Months of 365.25 / 12 days since the first purchase.
    customer, ordered_on : str
        Columns of the customer and of the day of the purchase.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100. ``n`` counts customers with a purchase, ``n_missing`` the orders
        without a customer or a day.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    QuestionError
        Nobody was followed for ``horizon`` months, or the days are not dates.

    Notes
    -----
    One less the Kaplan-Meier estimate at the horizon: a customer whose first purchase lies less
    than that before ``as_of`` is censored, and not taken as lost. Orders of one day are one
    purchase. The first order in the data is taken for the first purchase: leave out customers who
    came before the data begin. Who left is not censored, since whoever is gone does not buy again.
    Does not reduce to counts: a second purchase is one by who made it; times to it, once known, do
    (:func:`ended_by`).

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations.
    Journal of the American Statistical Association 53(282), 457-481.
    doi:10.1080/01621459.1958.10501452

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> days = ["2024-01-01", "2024-03-01", "2024-02-01", "2024-05-01", "2025-06-01"]
    >>> orders = pd.DataFrame({"customer": list("aabcd"), "ordered_on": pd.to_datetime(days)})
    >>> print(cx.repeat_purchase_rate(orders, as_of="2025-12-31"))
    Bought again within 12 months 25.0 % (95 % interval 3.9 to 87.2, n = 4; Aalen-Johansen)
    """
    level, metric = check_level(level), f"Bought again within {horizon:g} months"
    need_columns(orders, [customer, ordered_on], asked="repeat_purchase_rate")
    when = dates_of(orders[ordered_on], ordered_on)
    unusable = int((when.isna() | orders[customer].isna()).sum())
    days = pd.DataFrame({"who": orders[customer], "day": when.dt.normalize()}).dropna()
    days = days[days["day"] <= like(as_of, days["day"])]
    first = days.groupby("who", observed=True)["day"].min()
    later = days[days["day"] > days.groupby("who", observed=True)["day"].transform("min")]
    second = later.groupby("who", observed=True)["day"].min().reindex(first.index)
    passed = elapsed(first, second, as_of=as_of, names=("first purchase", "second purchase"))
    done = passed.ended.to_numpy(bool)
    cases = spells(passed.seconds / SECONDS["months"], done, None, None)
    return share_ended(
        cases,
        np.where(done, 0, -1)[cases.used],
        0,
        time=horizon,
        metric=metric,
        level=level,
        n_missing=unusable,
        method=METHOD,
    )


def customer_years(
    customers: pd.DataFrame,
    orders: pd.DataFrame,
    *,
    as_of: str | date,
    observed_from: str | date | None = None,
    customer: str = "customer",
    start: str = "start",
    end: str = "end",
    ordered_on: str = "ordered_on",
) -> pd.DataFrame:
    """Return how many orders each customer placed while followed, and for how many years.

    Question: how long was each customer seen, and how often did they buy? Interval: none, a
    rearrangement for ``cx.purchase_frequency``.

    Parameters
    ----------
    customers : DataFrame
        One row per customer, with when the relationship began and ended (missing: still there).
    orders : DataFrame
        One row per order.
    as_of : date
        The last day the data speak for.
    observed_from : date, optional
        The first day the orders cover; time and orders before it do not count.
    customer, start, end, ordered_on : str
        Columns.

    Returns
    -------
    DataFrame
        ``customer``, ``purchases`` and ``years``, missing where a customer has no usable start or
        was never followed. Its ``attrs`` hold ``orders_outside``: orders outside that time, or of
        nobody in ``customers``.

    Raises
    ------
    ColumnError
        A column is not in its frame.
    DataError
        A relationship ended before it started, or a customer is there twice.

    Notes
    -----
    Years of 365.25 days from the start, or ``observed_from`` if later, to the end, or ``as_of``.
    Who never ordered counts with 0 purchases: a frequency of buyers only is too high. Does not
    reduce to counts: orders are counted by who placed them; what it returns does
    (:func:`purchase_frequency`).

    References
    ----------
    Rothman, K. J., Greenland, S. and Lash, T. L. (2008). Modern Epidemiology, 3rd ed., chapter 3.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> customers = pd.DataFrame(
    ...     {"customer": ["a", "b"], "start": pd.to_datetime(["2024-01-01"] * 2), "end": pd.NaT}
    ... )
    >>> orders = pd.DataFrame({"customer": ["a"], "ordered_on": pd.to_datetime(["2024-05-01"])})
    >>> cx.customer_years(customers, orders, as_of="2024-12-31").round(2)
      customer  purchases  years
    0        a        1.0    1.0
    1        b        0.0    1.0
    """
    need_columns(customers, [customer, start, end], asked="customer_years, customers")
    need_columns(orders, [customer, ordered_on], asked="customer_years, orders")
    twice = customers[customer].dropna().duplicated()
    if twice.any():
        raise DataError(
            f"customer_years: {int(twice.sum()):,} rows repeat a customer, such as "
            f"{customers[customer].dropna()[twice].iloc[0]!r}.\n  Give one row per customer."
        )
    passed = elapsed(customers[start], customers[end], as_of=as_of, names=(start, end))
    begin = passed.begin
    if observed_from is not None:
        since = like(observed_from, begin)
        begin = begin.where(begin >= since, since)
    years = (passed.until - begin).dt.total_seconds() / _YEAR
    followed = (years > 0) & customers[customer].notna()
    spans = pd.DataFrame({"who": customers[customer], "a": begin, "b": passed.until})[followed]
    bought = pd.DataFrame(
        {"who": orders[customer], "on": dates_of(orders[ordered_on], ordered_on)}
    ).merge(spans, on="who", how="left")
    inside = (bought["on"] >= bought["a"]) & (bought["on"] <= bought["b"])
    counted = bought[inside].groupby("who", observed=True).size()
    found = pd.DataFrame(
        {
            "customer": customers[customer],
            "purchases": customers[customer].map(counted).astype(float).fillna(0.0),
            "years": years,
        }
    ).reset_index(drop=True)
    found.loc[~followed.to_numpy(bool), ["purchases", "years"]] = np.nan
    found.attrs = {"orders_outside": len(orders) - int(inside.sum())}
    return found


def purchase_frequency(
    purchases: Scores,
    years: Scores,
    *,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate how many purchases a customer makes in a year.

    Question: how often do customers buy? Interval: robust to overdispersion, Student's t on the
    logarithm.

    Parameters
    ----------
    purchases : Series, array or list of shape (n,)
        How many purchases each customer made, 0 included.
    years : Series, array or list of shape (n,)
        For how many years each was followed, above 0; :func:`customer_years` gives both.
    counts : Series, array or list of shape (n,), optional
        How many customers each row stands for.
    clusters : Series, array or list of shape (n,), optional
        What customers share, e.g. the household.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In purchases "per year". ``n`` counts customers. One customer alone is "no data".

    Raises
    ------
    DataError
        A number of purchases is negative, or a time is not above 0.
    QuestionError
        The columns differ in length, or counts or clusters do not fit.

    Notes
    -----
    R = sum of purchases / sum of years, not the mean of each customer's own rate. Its variance is
    n / (n - 1) sum (y_i - R e_i)^2 / (sum e_i)^2, which holds however unequal customers are;
    Poisson's R / sum e_i holds only if all buy at one rate, and is too small if not. Limits
    R exp(±t(n - 1) se / R). Where nobody bought, or all did at just one rate, that error is 0 and
    the limits are the exact ones of a Poisson count.

    References
    ----------
    Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28(3/4), 437-442.
    doi:10.1093/biomet/28.3-4.437

    Cochran, W. G. (1977). Sampling Techniques, 3rd ed., chapter 6. Wiley.

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.purchase_frequency([0, 2, 1, 9], [1, 1, 0.5, 2]))
    Purchase frequency 2.67 per year (95 % interval 0.65 to 10.89, n = 4; linearised rate)
    """
    level = check_level(level)
    sums = ratio_of(purchases, years, counts, clusters, asked="purchase_frequency")
    if (sums.y < 0).any() or (sums.x <= 0).any():
        raise DataError(
            "purchase_frequency: purchases are 0 or more, and the years followed above 0.\n"
            "  Leave out customers who were never followed, or make their years missing."
        )
    about: dict[str, Any] = {"level": level, "n": sums.n, "n_missing": sums.n_missing}
    metric, unit, method = "Purchase frequency", "per year", "linearised rate"
    why = sums.why_none()
    if why:
        return no_data(metric, unit, **about, method=method, reason=why)
    value, se, half = sums.value, sums.se, sums.half(level)
    if value > 0 and se > 1e-12 * value:
        ratio = float(np.exp(half / value))
        low, high, method = value / ratio, value * ratio, method + sums.said
    else:
        events, exposure = float((sums.w * sums.y).sum()), float((sums.w * sums.x).sum())
        tail = (1 - level) / 2
        low = float(chdtri(2 * events, 1 - tail)) / 2 / exposure if events else 0.0
        high = float(chdtri(2 * events + 2, tail)) / 2 / exposure
        why = "as all bought at one rate" if events else "as nobody bought"
        method, se = f"exact Poisson, {why}", 0.0
    return Estimate(
        metric=metric,
        measured_in=unit,
        value=value,
        low=low,
        high=high,
        se=se,
        **about,
        method=method,
    )

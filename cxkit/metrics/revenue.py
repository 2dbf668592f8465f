"""How much of their revenue the same customers still bring a period later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxkit.errors import DataError, QuestionError
from cxkit.metrics.answers import Scores, check_level, need_columns, no_data
from cxkit.metrics.dates import dates_of, like
from cxkit.metrics.ratios import ratio_of
from cxkit.results import Estimate

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import ArrayLike


def revenue_pairs(
    orders: pd.DataFrame,
    *,
    as_of: str | date,
    months: int = 12,
    observed_from: str | date | None = None,
    customer: str = "customer",
    ordered_on: str = "ordered_on",
    amount: str = "amount",
) -> pd.DataFrame:
    """Return what each customer spent in the last period and in the one before it.

    Question: what did each customer spend before and after? Interval: none, a rearrangement for
    ``cx.revenue_retention``.

    Parameters
    ----------
    orders : DataFrame
        One row per order.
    as_of : date
        The last day of the last period; it must have been covered whole, as must both periods.
    months : int, default 12
        Length of each period, in calendar months.
    observed_from : date, optional
        The first day the data cover; without it, that of the first order.
    customer, ordered_on, amount : str
        Columns.

    Returns
    -------
    DataFrame
        ``customer``, ``before`` and ``after``, in the unit of ``amount``: one row for each customer
        who ordered in either, 0 where there was no order in one. Its ``attrs`` hold
        ``rows_missing``, the orders without a customer, a day or an amount.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    DataError
        The data do not reach back to where the earlier period begins.

    Notes
    -----
    With ``as_of`` the last of December and 12 months, the periods are two calendar years. Data that
    begin within the earlier one would make retention too high, so they are refused. Does not reduce
    to counts: amounts are added up by who paid them; what it returns does
    (:func:`revenue_retention`).

    References
    ----------
    Gupta, S. and Zeithaml, V. (2006). Customer metrics and their impact on financial performance.
    Marketing Science 25(6), 718-739. doi:10.1287/mksc.1060.0221

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2023-12-01", "2024-03-01", "2025-03-01", "2024-05-01"])
    >>> paid = [9, 5, 4, 7]
    >>> orders = pd.DataFrame({"customer": list("zaab"), "ordered_on": days, "amount": paid})
    >>> cx.revenue_pairs(orders, as_of="2025-12-31")
      customer  before  after
    0        a     5.0    4.0
    1        b     7.0    0.0
    """
    need_columns(orders, [customer, ordered_on, amount], asked="revenue_pairs")
    if months != int(months) or months < 1:
        raise QuestionError(f"revenue_pairs: {months!r} months is no period.\n  Write 1 or more.")
    when = dates_of(orders[ordered_on], ordered_on)
    paid = orders[amount].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    rows = pd.DataFrame({"customer": orders[customer], "on": when, "paid": paid})
    used = rows.dropna()
    end = like(as_of, when).normalize() + pd.Timedelta(days=1)
    middle, begin = (end - pd.DateOffset(months=k * int(months)) for k in (1, 2))
    since = used["on"].min() if observed_from is None else like(observed_from, when)
    if not len(used) or since.normalize() > begin:
        there = f"the data on {since:%Y-%m-%d}" if len(used) else "there is no order"
        raise DataError(
            f"revenue_pairs: the earlier period begins on {begin:%Y-%m-%d}, {there}.\n"
            "  A period that is not covered whole is too small: write fewer months, or "
            "observed_from if the data begin before their first order."
        )
    used = used[(used["on"] >= begin) & (used["on"] < end)]
    later = used["on"] >= middle
    groups = used.assign(
        before=used["paid"].where(~later, 0.0), after=used["paid"].where(later, 0.0)
    ).groupby("customer", observed=True, sort=True)
    found = groups[["before", "after"]].sum().reset_index()
    found.attrs = {"rows_missing": len(rows) - int(rows.notna().all(axis=1).sum())}
    return found


def revenue_retention(
    before: Scores,
    after: Scores,
    *,
    kind: Literal["gross", "net"] = "net",
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate how much of the revenue of a period's customers is there a period later, in percent.

    Question: how much revenue do the same customers still bring? Interval: linearised ratio,
    Student's t.

    Parameters
    ----------
    before, after : Series, array or list of shape (n,)
        Revenue of each customer (or contract) in the earlier and in the later period, 0 or more; 0
        for a customer who has left. Who brought nothing before is not a customer to be kept: such
        rows do not count. Missing ones are counted, and never taken as 0.
    kind : {"gross", "net"}, default "net"
        Net counts what customers spend more; gross counts each at most at what it was.
    counts : Series, array or list of shape (n,), optional
        How many customers each row stands for.
    clusters : Series, array or list of shape (n,), optional
        Whose contract it is, where a customer has several.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent; gross from 0 to 100, net from 0 on.

    Raises
    ------
    DataError
        A revenue is negative: book credits against the order they belong to.
    QuestionError
        ``kind`` is not known, or the columns do not fit together.

    Notes
    -----
    R = 100 sum y / sum x, with x before and y after (gross: the smaller of both). Its error is that
    of a ratio, sqrt(n / (n - 1) sum (y_i - R x_i)^2) / sum x, by cluster where these repeat, and
    the limits R ± t(n - 1) se, cut at 0 (gross: at 100 too). A few large customers can carry all of
    it, and the interval then is too narrow: look at them by name. Where all kept the very same
    share the error is 0, and the lower limit is what it would be if Wilson's share of 0 of n left.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed., chapter 6. Wiley.

    Gupta, S. and Zeithaml, V. (2006). Customer metrics and their impact on financial performance.
    Marketing Science 25(6), 718-739. doi:10.1287/mksc.1060.0221

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.revenue_retention([100, 50, 80, 20, 0], [110, 0, 80, 30, 70]))
    Net revenue retention 88.0 % (95 % interval 12.1 to 163.9, n = 4; linearised ratio)
    """
    level = check_level(level)
    if kind not in {"gross", "net"}:
        raise QuestionError(
            f'revenue_retention: kind {kind!r} is not known.\n  Write "gross" or "net".'
        )
    sums = ratio_of(after, before, counts, clusters, asked="revenue_retention")
    if (sums.y < 0).any() or (sums.x < 0).any():
        raise DataError(
            "revenue_retention: a revenue is negative.\n"
            "  Book credits against what they belong to, or make such rows missing."
        )
    sums = sums.rows(sums.x > 0)
    if kind == "gross":
        sums = replace(sums, y=np.minimum(sums.y, sums.x))
    metric, method = f"{kind.capitalize()} revenue retention", "linearised ratio"
    about: dict[str, Any] = {"level": level, "n": sums.n, "n_missing": sums.n_missing}
    why = sums.why_none()
    if why:
        return no_data(metric, "%", **about, method=method, reason=why)
    value, se, half = sums.value, sums.se, sums.half(level)
    low, high = value - half, value + half
    status: Any = "ok"
    reason, top = "", 1.0 if kind == "gross" else np.inf
    if se <= 1e-12 * max(value, 1.0):
        z2 = float(ndtri((1 - level) / 2) ** 2)
        share = z2 / (sums.n + z2)
        low, se, method = value * (1 - share), 0.0, "Wilson's limit, as all kept the same share"
        high = value + share * (1 - value) if kind == "gross" else np.inf
    else:
        method += sums.said
    if np.isinf(high) and kind == "net":
        status, reason = "one-sided", "All kept the same share, so nothing bounds a larger one."
    return Estimate(
        metric=metric,
        measured_in="%",
        value=100 * value,
        low=100 * max(low, 0.0),
        high=None if status == "one-sided" else 100 * float(min(high, top)),
        se=100 * se,
        **about,
        method=method,
        status=status,
        reason=reason,
    )

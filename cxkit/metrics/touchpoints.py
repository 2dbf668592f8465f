"""Is the experience the same at every touchpoint, and how many had at least one that was bad."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy.special import fdtri

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.answers import (
    Scale,
    check_level,
    check_scale,
    need_columns,
    no_data,
    nobody_answered,
    read_scale,
)
from cxkit.metrics.proportions import share
from cxkit.results import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["agreement", "consistency"]


@dataclass(frozen=True, slots=True)
class _TwoWay:
    """A two-way analysis of variance: customers by touchpoints, one rating in each cell."""

    n: int
    k: int
    customers: float
    touchpoints: float
    error: float


def touchpoint_consistency(
    frame: pd.DataFrame,
    *,
    score: str,
    scale: Scale,
    customer: str = "customer",
    touchpoint: str = "touchpoint",
    least: int = 3,
) -> pd.DataFrame:
    """Return each customer's mean, spread and worst rating over the touchpoints.

    Question: how even is each customer's experience? Interval: none for one customer.

    Parameters
    ----------
    frame : DataFrame
        One row per answer.
    score : str
        Column of the score, whole numbers on ``scale``.
    scale : (low, high)
        Ends of the scale, the same at every touchpoint.
    customer, touchpoint : str
        Columns of the customer and of the touchpoint.
    least : int, default 3
        Customers who rated fewer touchpoints are left out; 2 at least.

    Returns
    -------
    DataFrame
        One row per customer: ``customer``, ``touchpoints`` (how many were rated), ``mean``, ``sd``,
        ``minimum`` (in points of the scale). Its ``attrs`` hold ``n`` customers, ``n_missing`` (who
        rated too few) and ``rows_missing`` (answers without a score, customer or touchpoint).

    Raises
    ------
    ColumnError
        A column is not in the frame.
    ScaleError
        An answer is off the scale.
    QuestionError
        ``least`` is less than 2.

    Notes
    -----
    Several answers of a customer at one touchpoint are averaged first, so that a touchpoint counts
    once. sd is taken with k - 1. Near the end of a scale a high mean leaves no room for spread, and
    the more touchpoints, the lower the minimum: use mean, sd and the number of touchpoints
    together, and never rank customers by sd alone. Does not reduce to counts: each row is told of
    one customer, by all their ratings.

    References
    ----------
    McGraw, K. O. and Wong, S. P. (1996). Forming inferences about some intraclass correlation
    coefficients. Psychological Methods 1(1), 30-46. doi:10.1037/1082-989X.1.1.30

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame(
    ...     {"customer": list("aaabb"), "touchpoint": list("xyzxy"), "csat": [5, 4, 3, 5, 5]}
    ... )
    >>> cx.touchpoint_consistency(frame, score="csat", scale=(1, 5))
      customer  touchpoints  mean   sd  minimum
    0        a            3   4.0  1.0      3.0
    """
    if least < 2:
        raise QuestionError(
            f"touchpoint_consistency: least is {least}, but one rating has no spread.\n"
            "  Write 2 or more; with 3 the spread begins to mean something."
        )
    cells, dropped = _cells(frame, score, scale, customer, touchpoint)
    groups = cells.groupby(customer, observed=True, sort=True)["score"]
    each = groups.agg(touchpoints="size", mean="mean", sd="std", minimum="min").reset_index()
    found = each[each["touchpoints"] >= least].reset_index(drop=True)
    found.attrs = {
        "n": len(found),
        "n_missing": len(each) - len(found),
        "rows_missing": dropped,
    }
    return found


def icc_agreement(
    frame: pd.DataFrame,
    *,
    score: str,
    scale: Scale,
    customer: str = "customer",
    touchpoint: str = "touchpoint",
    average: bool = False,
    level: float = 0.95,
) -> Estimate:
    """Estimate ICC(A,1): how far touchpoints give a customer the very same rating.

    Question: do touchpoints get the same ratings? Interval: Satterthwaite's F.

    Parameters
    ----------
    frame : DataFrame
        One row per answer. Only customers who rated every touchpoint are used.
    score, scale, customer, touchpoint
        As in :func:`touchpoint_consistency`.
    average : bool, default False
        ICC(A,k) instead: the same of the mean over all k touchpoints.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``measured_in`` is "correlation"; ``n`` counts customers, ``n_missing`` those who did not
        rate every touchpoint. A negative value is kept. Fewer than two customers or touchpoints, or
        no spread: "no data".

    Raises
    ------
    ColumnError
        A column is not in the frame.
    ScaleError
        An answer is off the scale.

    Notes
    -----
    With the mean squares of customers R, touchpoints C and error E of n customers by k touchpoints,
    ICC(A,1) = (R - E) / (R + (k - 1) E + k (C - E) / n); a touchpoint that is rated lower by all
    lowers it. Limits by Satterthwaite's F. ICC(A,k) is 1 / (1 + (1 / ICC - 1) / k) of value and
    limits. It is ICC(2,1) of Shrout and Fleiss. Customers who use every touchpoint are not typical:
    ``n_missing`` says how many do not. Does not reduce to counts: it takes to know which ratings
    are of one customer.

    References
    ----------
    McGraw, K. O. and Wong, S. P. (1996). Forming inferences about some intraclass correlation
    coefficients. Psychological Methods 1(1), 30-46. doi:10.1037/1082-989X.1.1.30

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame(
    ...     {"customer": list("aabbccdd"), "touchpoint": ["web", "shop"] * 4,
    ...      "csat": [5, 4, 3, 2, 4, 4, 1, 1]}
    ... )
    >>> print(cx.icc_agreement(frame, score="csat", scale=(1, 5)))
    ICC(A,1) of csat 0.91 (95 % interval 0.26 to 0.99, n = 4; two-way ANOVA, 2 touchpoints)
    """
    return _icc(frame, score, scale, customer, touchpoint, average, check_level(level), "agreement")


def icc_consistency(
    frame: pd.DataFrame,
    *,
    score: str,
    scale: Scale,
    customer: str = "customer",
    touchpoint: str = "touchpoint",
    average: bool = False,
    level: float = 0.95,
) -> Estimate:
    """Estimate ICC(C,1): how far touchpoints put customers in the same order.

    Question: do touchpoints put customers in the same order? Interval: exact F.

    Parameters
    ----------
    frame, score, scale, customer, touchpoint, average, level
        As in :func:`icc_agreement`.

    Returns
    -------
    Estimate
        As :func:`icc_agreement`; never below it where touchpoints differ.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    ScaleError
        An answer is off the scale.

    Notes
    -----
    ICC(C,1) = (R - E) / (R + (k - 1) E), with F = R / E, FL = F / F[(1 + level) / 2; n - 1,
    (n - 1)(k - 1)], FU = F F[(1 + level) / 2; (n - 1)(k - 1), n - 1] and limits (F* - 1) / (F* + k
    - 1); ICC(C,k) = 1 - 1 / F, which is Cronbach's alpha of the touchpoints. A touchpoint that all
    rate lower does not lower it. It is ICC(3,1) of Shrout and Fleiss. Does not reduce to counts: it
    takes to know which ratings are of one customer.

    References
    ----------
    McGraw, K. O. and Wong, S. P. (1996). Forming inferences about some intraclass correlation
    coefficients. Psychological Methods 1(1), 30-46. doi:10.1037/1082-989X.1.1.30

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame(
    ...     {"customer": list("aabbccdd"), "touchpoint": ["web", "shop"] * 4,
    ...      "csat": [5, 3, 4, 2, 3, 1, 4, 1]}
    ... )
    >>> print(cx.icc_consistency(frame, score="csat", scale=(1, 5)))
    ICC(C,1) of csat 0.84 (95 % interval −0.14 to 0.99, n = 4; two-way ANOVA, 2 touchpoints)
    """
    return _icc(
        frame, score, scale, customer, touchpoint, average, check_level(level), "consistency"
    )


def bad_experience(
    frame: pd.DataFrame,
    *,
    score: str,
    scale: Scale,
    bad: float,
    high_is_bad: bool = False,
    customer: str = "customer",
    level: float = 0.95,
) -> Estimate:
    """Estimate the share of customers with at least one bad experience, in percent.

    Question: how many customers had at least one bad experience? Interval: Wilson.

    Parameters
    ----------
    frame : DataFrame
        One row per answer.
    score, scale, customer
        As in :func:`touchpoint_consistency`.
    bad : float
        An answer of this or less is bad (or more, with ``high_is_bad``); never guessed.
    high_is_bad : bool, default False
        The scale runs the other way, as that of CES 1.0.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100. ``n`` counts customers with an answer, ``n_missing`` those with none
        (answers without a customer are not used, and ``method`` counts them). ``method`` also says
        what share independent answers would give.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    ScaleError
        An answer is off the scale.
    QuestionError
        The cut is not on the scale.

    Notes
    -----
    A share of customers, with Wilson's interval. Were a share p of all answers bad whoever gave
    them, a customer with k answers would have a bad one with chance 1 - (1 - p)^k: six answers of
    which 95 % are good leave 26.5 % with a bad one. ``method`` gives the mean of that over the
    customers; a lower share means that bad experiences fall on the same people. More answers are
    more chances: groups that were asked more often are not compared by this. Does not reduce to
    counts: one bad answer among several is found by whose answers they are.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22(158), 209-212.
    doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"customer": list("aabbcc"), "csat": [5, 1, 2, 1, 4, 5]})
    >>> print(cx.bad_experience(frame, score="csat", scale=(1, 5), bad=2))
    At least one bad experience (csat 2 or less) 66.7 % (95 % interval 20.8 to 93.9, n = 3; Wilson,
    by customer; independent answers would give 75 %)
    """
    low, high = check_scale(scale, asked="bad_experience")
    if not (low < bad <= high if high_is_bad else low <= bad < high):
        raise QuestionError(
            f"bad_experience: the cut {bad:g} does not split the scale {low:g} to {high:g}.\n"
            f"  Write the {'lowest' if high_is_bad else 'highest'} answer that is bad."
        )
    need_columns(frame, [customer, score], asked="bad_experience")
    values, missing = read_scale(frame[score], scale=scale, asked="bad_experience")
    who = frame[customer].reset_index(drop=True)
    poor = pd.Series((values >= bad) if high_is_bad else (values <= bad)).astype("boolean")
    each = poor.mask(missing).groupby(who, observed=True)
    side = "more" if high_is_bad else "less"
    found = share(
        each.max(),
        metric=f"At least one bad experience ({score} {bad:g} or {side})",
        level=check_level(level),
    )
    method, unnamed = f"{found.method}, by customer", int(who.isna().sum())
    if found.n:
        p = float(poor[~missing & who.notna().to_numpy(bool)].mean())
        k = each.count().to_numpy(float)
        alone = 100 * float(np.mean(1 - (1 - p) ** k[k > 0]))
        method += f"; independent answers would give {alone:.3g} %"
    if unnamed:
        method += f"; {markup.counted(unnamed, 'answer')} without a customer not used"
    return replace(found, method=method)


def _cells(
    frame: pd.DataFrame, score: str, scale: Scale, customer: str, touchpoint: str
) -> tuple[pd.DataFrame, int]:
    """Return the mean answer of each customer at each touchpoint, and how many rows were no use."""
    need_columns(frame, [customer, touchpoint, score], asked="touchpoints")
    values, missing = read_scale(frame[score], scale=scale, asked="touchpoints")
    rows = frame[[customer, touchpoint]].assign(score=values)
    used = rows[~missing & rows[[customer, touchpoint]].notna().all(axis=1).to_numpy(bool)]
    cells = used.groupby([customer, touchpoint], observed=True, sort=True)["score"].mean()
    return cells.reset_index(), len(rows) - len(used)


def _icc(
    frame: pd.DataFrame,
    score: str,
    scale: Scale,
    customer: str,
    touchpoint: str,
    average: bool,
    level: float,
    kind: Kind,
) -> Estimate:
    """Return one of the four two-way ICCs with its F-based interval."""
    cells, _ = _cells(frame, score, scale, customer, touchpoint)
    who, customers = pd.factorize(cells[customer], sort=True)
    where, touchpoints = pd.factorize(cells[touchpoint], sort=True)
    wide = np.full((len(customers), len(touchpoints)), np.nan)
    wide[who, where] = cells["score"].to_numpy()
    whole = ~np.isnan(wide).any(axis=1)
    a = _two_way(wide[whole])
    letter = "A" if kind == "agreement" else "C"
    metric = f"ICC({letter},{'k' if average else 1}) of {score}"
    method = f"two-way ANOVA, {len(touchpoints)} touchpoints"
    missing = int((~whole).sum())
    why = _why_none(a, missing, kind, average)
    if why:
        return no_data(
            metric,
            "correlation",
            level=level,
            n=a.n,
            n_missing=missing,
            method=method,
            reason=why,
        )
    value, low, high = _consistency(a, level) if letter == "C" else _agreement(a, level)
    low, high = min(low, value), max(high, value)
    if average and 1 + (a.k - 1) * value <= 1e-9:
        return no_data(
            metric,
            "correlation",
            level=level,
            n=a.n,
            n_missing=missing,
            method=method,
            reason="Customers differ so little that their means have no reliability to speak of.",
        )
    open_below = average and 1 + (a.k - 1) * low <= 1e-9
    if average:
        value, high = _of_mean(value, a.k), _of_mean(high, a.k)
        low = 0.0 if open_below else _of_mean(low, a.k)
    reason = ""
    if not a.error:
        reason = "Touchpoints differ by the same for everybody, so the interval has no width."
    elif value < 0:
        reason = "Negative: a customer's ratings differ more than customers do; kept as it is."
    return Estimate(
        metric=metric,
        measured_in="correlation",
        value=value,
        low=None if open_below else low,
        high=high,
        se=None,
        level=level,
        n=a.n,
        n_missing=missing,
        method=method,
        status="one-sided" if open_below else "ok",
        reason="The lower limit lies below any number." if open_below else reason,
    )


def _two_way(ratings: NDArray[np.float64]) -> _TwoWay:
    """Return the mean squares of a table of customers by touchpoints."""
    n, k = ratings.shape
    if n < 2 or k < 2:
        return _TwoWay(n, k, 0.0, 0.0, 0.0)
    rows, columns, grand = ratings.mean(axis=1), ratings.mean(axis=0), ratings.mean()
    rest = ratings - rows[:, None] - columns + grand
    customers = k * float(((rows - grand) ** 2).sum()) / (n - 1)
    touchpoints = n * float(((columns - grand) ** 2).sum()) / (k - 1)
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    tiny = 1e-12 * max(float((ratings**2).mean()), 1e-300)
    found = (v if v > tiny else 0.0 for v in (customers, touchpoints, error))
    return _TwoWay(n, k, *found)


def _why_none(a: _TwoWay, missing: int, kind: Kind, average: bool) -> str:
    """Say why there is no ICC, or nothing if there is."""
    if not a.n:
        return (
            f"None of the {missing:,} customers rated every touchpoint."
            if missing
            else nobody_answered(0)
        )
    if a.n < 2 or a.k < 2:
        return "It takes two customers and two touchpoints to compare."
    if not a.customers and not a.error:
        return "All customers rate alike: there is no spread to explain."
    if not a.customers and (average or (kind == "agreement" and not a.touchpoints)):
        return "All customers have the same mean: there is no difference to agree on."
    return ""


def _consistency(a: _TwoWay, level: float) -> tuple[float, float, float]:
    """Return ICC(C,1) with its limits."""
    first, second = a.n - 1, (a.n - 1) * (a.k - 1)
    if not a.error:
        return 1.0, 1.0, 1.0
    f = a.customers / a.error
    tail = (1 + level) / 2
    ratios = (f, f / fdtri(first, second, tail), f * fdtri(second, first, tail))
    value, low, high = (float((r - 1) / (r + a.k - 1)) for r in ratios)
    return value, low, high


def _agreement(a: _TwoWay, level: float) -> tuple[float, float, float]:
    """Return ICC(A,1) with its limits by Satterthwaite's degrees of freedom."""
    n, k = a.n, a.k
    value = (a.customers - a.error) / (
        a.customers + (k - 1) * a.error + k * (a.touchpoints - a.error) / n
    )
    one = k * value / (n * (1 - value)) if value < 1 else 0.0
    other = 1 + k * value * (n - 1) / (n * (1 - value)) if value < 1 else 1.0
    if value >= 1:
        return 1.0, 1.0, 1.0
    weighed = (one * a.touchpoints) ** 2 / (k - 1) + (other * a.error) ** 2 / ((n - 1) * (k - 1))
    if not weighed:
        return float(value), float(value), float(value)
    df = (one * a.touchpoints + other * a.error) ** 2 / weighed
    tail, spare = (1 + level) / 2, k * n - k - n
    f = fdtri(n - 1, df, tail)
    low = (
        n
        * (a.customers - f * a.error)
        / (f * (k * a.touchpoints + spare * a.error) + n * a.customers)
    )
    f = fdtri(df, n - 1, tail)
    high = (
        n
        * (f * a.customers - a.error)
        / (k * a.touchpoints + spare * a.error + n * f * a.customers)
    )
    return float(value), float(low), float(high)


def _of_mean(icc: float, k: int) -> float:
    """Return the ICC of the mean of k ratings (Spearman and Brown)."""
    return k * icc / (1 + (k - 1) * icc)

"""A service desk in numbers: solved at the first contact, time spent waiting, cases still open."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import bdtr

from cxkit.errors import DataError, QuestionError
from cxkit.metrics.answers import (
    Scores,
    check_level,
    no_data,
    nobody_answered,
    numbers,
    one_column,
    yes_no,
)
from cxkit.metrics.clusters import check_counts
from cxkit.metrics.dates import dates_of, elapsed
from cxkit.metrics.proportions import share
from cxkit.metrics.resolution import Resolved, not_held
from cxkit.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import ArrayLike

_BINOMIAL = "order statistics"


def first_contact_resolution(
    resolved: pd.Series,
    *,
    contacts: Scores | None = None,
    reopened: Scores | None = None,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the share of cases solved at the first contact, in percent.

    Question: how many cases are solved at the first contact? Interval: Wilson.

    Parameters
    ----------
    resolved : Series of datetimes or booleans, shape (n,)
        When a case was resolved (missing: still open), or whether it was.
    contacts : Series, array or list of shape (n,), optional
        How many contacts the case has had with the customer, 1 or more.
    reopened : Series, array or list of booleans, shape (n,), optional
        Whether the case was opened again; missing is taken as no.
    counts : Series, array or list of shape (n,), optional
        How many cases each row stands for.
    clusters : Series, array or list of shape (n,), optional
        Whose case it is, e.g. the customer; see :func:`share`.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100; its name says what was known. Cases that may still be solved at their
        first contact are missing, not failures.

    Raises
    ------
    QuestionError
        Neither ``contacts`` nor ``reopened`` is given.
    DataError
        A case has fewer than one contact.

    Notes
    -----
    A case is solved at the first contact if it is resolved, had one contact, and was not opened
    again. It is not if it had more contacts or was opened again, resolved or not. An open case with
    one contact is not known yet. What callers do elsewhere (another channel, giving up) is not seen
    here, so the share flatters; and a case resolved yesterday has had little time to be reopened.
    Wilson's interval; see :func:`share`.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22(158), 209-212.
    doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> done = pd.Series([True, True, True, False, False])
    >>> print(cx.first_contact_resolution(done, contacts=[1, 1, 3, 1, 2]))
    First-contact resolution (one contact) 50.0 % (95 % interval 15.0 to 85.0, n = 4, 1 without a
    usable answer; Wilson)
    """
    if contacts is None and reopened is None:
        raise QuestionError(
            "first_contact_resolution: nothing says what came after the first contact.\n"
            "  Give contacts (how many there were) or reopened (whether the case was)."
        )
    given = pd.Series(resolved)
    if given.dtype.kind == "M" or given.isna().all():
        done = given.notna().to_numpy(bool)
    else:
        yes_no(given, asked="resolved")
        done = given.astype("boolean").fillna(value=False).to_numpy(bool)
    more, unknown = np.zeros(done.size, bool), np.zeros(done.size, bool)
    told = []
    if contacts is not None:
        number = _as_long(contacts, done.size, "contacts").to_numpy(float, na_value=np.nan)
        if (number < 1).any():
            few = number[number < 1]
            raise DataError(
                f"contacts: {few[0]:g} is fewer than one ({few.size:,} of {number.size:,} rows).\n"
                "  The contact that opens a case is the first."
            )
        more, unknown = number > 1, np.isnan(number)
        told.append("one contact")
    if reopened is not None:
        again = _as_long(reopened, done.size, "reopened")
        yes_no(again, asked="reopened")
        more = more | again.astype("boolean").fillna(value=False).to_numpy(bool)
        told.append("not reopened")
    solved = pd.Series(done & ~more, dtype="boolean").mask(~more & (~done | unknown))
    return share(
        solved,
        metric=f"First-contact resolution ({', '.join(told)})",
        counts=counts,
        clusters=clusters,
        level=level,
    )


def waiting_time(
    wait: Scores,
    *,
    measure: Literal["median", "p90"] = "median",
    unit: str = "minutes",
    counts: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the time that half, or nine tenths, of the customers wait at most.

    Question: how long do customers wait? Interval: order statistics, exact binomial.

    Parameters
    ----------
    wait : Series, array or list of shape (n,)
        How long each customer waited, 0 or more, in ``unit``. Missing ones are counted.
    measure : {"median", "p90"}, default "median"
        The wait that half, or nine tenths, do not exceed.
    unit : str, default "minutes"
        What ``wait`` is measured in.
    counts : Series, array or list of shape (n,), optional
        How many customers waited so long.
    level : float, default 0.95
        Level of the interval; what it attains is at least that, and ``method`` says.

    Returns
    -------
    Estimate
        In ``unit``. With too few customers for an upper limit the status is "one-sided".

    Raises
    ------
    DataError
        A wait is negative.
    QuestionError
        ``measure`` is not known, or the counts do not fit.

    Notes
    -----
    The q-quantile is the smallest wait that at least a share q of the n do not exceed (the inverse
    of the empirical distribution; the middle pair of an even n is not averaged). The limits are the
    waits of ranks l and u: of n people the number who wait less than the true quantile is binomial
    with q, and l is the largest rank with P(X < l) at most (1 - level) / 2, u the smallest with
    P(X >= u) at most that. Without such an l the lower limit is 0, the shortest possible wait. This
    holds for any distribution and takes customers as independent. Who hung up did not wait to the
    end: such a wait is too short, and :func:`kaplan_meier` with them censored is the right tool.

    References
    ----------
    Hahn, G. J. and Meeker, W. Q. (1991). Statistical Intervals: A Guide for Practitioners, section
    5.2. doi:10.1002/9780470316771

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.waiting_time([1, 2, 2, 3, 4, 5, 7, 9, 12, 30]))
    Median wait 4.00 minutes (95 % interval 2.00 to 12.00, n = 10; order statistics, 97.9 %)
    """
    level = check_level(level)
    if measure not in {"median", "p90"}:
        raise QuestionError(
            f'waiting_time: measure {measure!r} is not known.\n  Write "median" or "p90".'
        )
    q, name = (0.5, "Median wait") if measure == "median" else (0.9, "90 % wait at most")
    values = numbers(one_column(wait, asked="waiting_time"), asked="waiting_time")
    weight = check_counts(counts, values.size, asked="waiting_time")
    weight = np.ones(values.size, np.int64) if weight is None else weight
    missing = np.isnan(values)
    wrong = (values < 0) | np.isinf(values)
    if wrong.any():
        raise DataError(
            f"waiting_time, row {int(np.flatnonzero(wrong)[0])}: a wait of "
            f"{values[wrong][0]:g} ({int(wrong.sum()):,} of {values.size:,} rows).\n"
            "  A wait is a number from 0 on; make wrong ones missing."
        )
    order = np.argsort(values[~missing], kind="stable")
    ordered, upto = values[~missing][order], weight[~missing][order].cumsum()
    n, n_missing = int(upto[-1]) if upto.size else 0, int(weight[missing].sum())
    about: dict[str, Any] = {"level": level, "n": n, "n_missing": n_missing}
    if not n:
        return no_data(name, unit, **about, method=_BINOMIAL, reason=nobody_answered(n_missing))
    low, high, attained = _ranks(n, q, level)

    def ranked(rank: int) -> float:
        return float(ordered[np.searchsorted(upto, rank)])

    upper = ranked(high) if high <= n else None
    return Estimate(
        metric=name,
        measured_in=unit,
        value=ranked(max(int(np.ceil(n * q - 1e-9)), 1)),
        low=ranked(low) if low else 0.0,
        high=upper,
        se=None,
        **about,
        method=f"{_BINOMIAL}, {100 * attained:.1f} %",
        status="ok" if upper is not None else "one-sided",
        reason="" if upper is not None else f"{n:,} waits are too few for an upper limit.",
    )


def backlog(
    opened: pd.Series,
    resolved: pd.Series,
    *,
    as_of: str | date,
    bands: Sequence[float] = (1, 3, 7, 30),
    reopened: pd.Series | None = None,
    resolved_is: Resolved = "last",
    counts: ArrayLike | None = None,
) -> pd.DataFrame:
    """Count the cases open at ``as_of`` and how long they have been open.

    Question: how many cases are open, and how old are they? Interval: none, all cases are counted.

    Parameters
    ----------
    opened, resolved : Series of datetimes, shape (n,)
        When each case was opened and resolved; none, or one after ``as_of``, means open.
    as_of : date
        The moment at which to look; the end of that day if the cases carry times of day.
    bands : list of float, default (1, 3, 7, 30)
        Ages in days at which a new band begins.
    reopened, resolved_is
        As in :func:`time_to_resolution`: a resolution that did not hold leaves the case open.
    counts : Series, array or list of shape (n,), optional
        How many cases each row stands for, as in a table of :func:`counts`.

    Returns
    -------
    DataFrame
        One row per band and one for "all": ``age``, ``open`` (cases), ``share`` (of all open, in
        percent), ``oldest`` (days; None where none is open), ``n`` (cases opened by then) and
        ``n_missing`` (cases without a usable opening).

    Raises
    ------
    DataError
        A case was resolved before it was opened.
    QuestionError
        The columns are not dates, the counts do not fit, or the bands do not rise from above 0.

    Notes
    -----
    A count of everything that is there, so it has no interval. The cases that are open are the long
    ones: their age says nothing of how long a case takes. See :func:`time_to_resolution` for that.

    References
    ----------
    Simon, R. (1980). Length biased sampling in etiologic studies. American Journal of Epidemiology
    111(4), 444-452.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> opened = pd.Series(pd.to_datetime(["2025-03-01", "2025-03-20", "2025-03-30", "2025-03-30"]))
    >>> resolved = pd.Series(pd.to_datetime([None, "2025-03-21", None, None]))
    >>> cx.backlog(opened, resolved, as_of="2025-03-31", bands=[7])[["age", "open", "oldest"]]
                   age  open  oldest
    0     under 7 days     2     1.0
    1  7 days and more     1    30.0
    2              all     3    30.0
    """
    edges = [float(edge) for edge in bands]
    if any(b <= a for a, b in pairwise([0.0, *edges])):
        raise QuestionError(
            f"backlog: the bands {list(bands)} do not rise from above 0.\n"
            "  Write ages in days, e.g. bands=[1, 3, 7, 30]."
        )
    done = dates_of(resolved, "resolved")
    if reopened is not None:
        done = done.mask(not_held(opened, done, reopened, resolved_is))
    passed = elapsed(opened, done, as_of=as_of, names=("opened", "resolved"))
    given = check_counts(counts, len(passed.seconds), asked="backlog")
    cases = np.ones(len(passed.seconds), np.int64) if given is None else given
    seen = passed.seconds.notna().to_numpy(bool)
    still = seen & ~passed.ended.to_numpy(bool) & (cases > 0)
    age, many = passed.seconds.to_numpy(float)[still] / 86_400, cases[still]
    place = np.searchsorted(edges, age, side="right")
    rows = [(label, place == i) for i, label in enumerate(_labels(edges))]
    rows.append(("all", place >= 0))
    return pd.DataFrame(
        {
            "age": [label for label, _ in rows],
            "open": [int(many[part].sum()) for _, part in rows],
            "share": [
                float(100 * many[part].sum() / many.sum()) if many.size else None
                for _, part in rows
            ],
            "oldest": pd.Series(
                [float(age[part].max()) if part.any() else None for _, part in rows], dtype=object
            ).infer_objects(),
            "n": int(cases[seen].sum()),
            "n_missing": int(cases[~seen].sum()),
        }
    )


def _ranks(n: int, q: float, level: float) -> tuple[int, int, float]:
    """Return the ranks of both limits (0 or n + 1: none) and the level they attain."""
    tail, ranks = (1 - level) / 2, np.arange(n + 1)
    below = bdtr(ranks, n, q)  # P(X <= k)
    # P(X < l) = P(X <= l - 1) <= tail; P(X >= u) = 1 - P(X <= u - 1) <= tail
    low = int((below <= tail).sum())
    high = int((below < 1 - tail).sum()) + 1
    at_most = 1.0 if high > n else float(below[high - 1])
    return low, high, at_most - (float(below[low - 1]) if low else 0.0)


def _labels(edges: Sequence[float]) -> list[str]:
    """Name the bands of age between the edges."""
    if not edges:
        return []
    inner = [f"{a:g} to {b:g} days" for a, b in pairwise(edges)]
    first = f"under {edges[0]:g} day{'' if edges[0] == 1 else 's'}"
    return [first, *inner, f"{edges[-1]:g} days and more"]


def _as_long(values: Scores, n: int, name: str) -> pd.Series:
    """Return a column that is as long as the cases, or refuse it."""
    given = pd.Series(values).reset_index(drop=True)
    if len(given) != n:
        raise QuestionError(
            f"{name} has {len(given):,} rows, the cases {n:,}.\n  Give columns of one frame."
        )
    return given

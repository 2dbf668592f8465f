"""Scores side by side: one per group, and the difference of two."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from cxkit.errors import QuestionError
from cxkit.metrics.answers import need_columns
from cxkit.metrics.grouped import (
    MISSING,
    SCORINGS,
    check_choices,
    from_moments,
    grouped,
    groups,
)
from cxkit.metrics.weighted import weighted
from cxkit.results import Difference, Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

#: The unit of a difference, by the unit of what is compared.
_UNITS = {"%": "percentage points"}


def by(
    frame: pd.DataFrame,
    keys: str | Sequence[str],
    metric: Callable[..., Estimate | Difference],
    *,
    column: str | Sequence[str] | None = None,
    counts: str | None = None,
    clusters: str | None = None,
    moments: bool = False,
    choices: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return a metric for every group of a frame, one row per group.

    Question: what is the score of each group? Interval: that of the metric.

    Parameters
    ----------
    frame : DataFrame
        One row per answer, customer or case.
    keys : str or list of str
        Columns that make the groups. Rows without a value form a group of their own, "(missing)".
        With metrics of single answers ``[]`` is one group of all.
    metric : function
        Any metric of the kit that returns an Estimate, e.g. ``cx.nps``, or a Difference of what
        stands in one row: ``cx.paired_difference`` of the columns of :func:`pairs`.
    column : str or list of str, optional
        Columns handed to the metric as its data, in order. None hands it the group's whole frame
        (for ``cx.icc1`` and others that take a frame).
    counts : str, optional
        Column that says how many people a row stands for, as in a table of ``cx.counts``.
    clusters : str, optional
        Column that says who answered, or a coarser key such as a bucket of customers; errors are
        then cluster-robust, for metrics that have ``clusters``.
    moments : bool, default False
        The frame is a table of ``cx.moments``, and ``column`` the column it summed.
    choices : mapping, optional
        Further choices of the metric, e.g. ``{"level": 0.9}``. For ``cx.weighted`` the weights of
        all rows are one of them, ``{"metric": "nps", "weights": weights}``, and each group is a
        part of the whole that was weighted.

    Returns
    -------
    DataFrame
        The keys, then metric, measured_in, value, low, high, se, level, n, n_missing, method,
        status, reason (of a Difference, its own fields and direction). Groups in sorted order,
        "(missing)" last. A group without a number is blank there, which pandas writes as NaN beside
        other groups' numbers, and says why in ``status`` and ``reason``.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    QuestionError
        ``metric`` returned something other than one number, or has no ``counts``, ``clusters``,
        moments or such a choice; a key is given twice, or called as a column of the result.

    Notes
    -----
    n + n_missing over the groups add up to the rows of the frame for metrics of single answers.
    An NPS of the NPS of groups is not the NPS of all.

    References
    ----------
    Wickham, H. (2011). The split-apply-combine strategy for data analysis. Journal of Statistical
    Software 40(1). doi:10.18637/jss.v040.i01

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"region": ["North", "South", "North", None], "nps": [10, 3, 8, 9]})
    >>> cx.by(frame, "region", cx.nps, column="nps")[["region", "value", "n"]]
          region  value  n
    0      North   50.0  2
    1      South -100.0  1
    2  (missing)  100.0  1
    """
    names = key_names(keys, asked="by")
    columns = [column] if isinstance(column, str) else list(column or [])
    special = {n: c for n, c in (("counts", counts), ("clusters", clusters)) if c is not None}
    need_columns(frame, [*names, *([] if moments else columns), *special.values()], asked="by")
    check_keys(names, Estimate.__dataclass_fields__, asked="by")
    if moments and (special or len(columns) != 1):
        raise QuestionError(
            "by: moments are sums already.\n  Name the one column they are of, and neither counts "
            "nor clusters."
        )
    if moments:
        return from_moments(frame, names, metric, columns[0], choices=choices)
    if metric in SCORINGS and len(columns) == 1:
        return grouped(frame, names, metric, columns[0], choices=choices, **special)
    if metric is weighted and "weights" in (choices or {}):
        return _parts_of_the_whole(frame, names, columns, dict(choices or {}), special)
    rows = []
    for labels, group in groups_of(frame, names):
        found = _number(group, metric, columns, choices, asked="by", special=special).as_row()
        check_keys(names, found, asked="by")
        rows.append({**dict(zip(names, labels, strict=True)), **found})
    return pd.DataFrame(rows, columns=None if rows else [*names, *Estimate.__dataclass_fields__])


def key_names(keys: str | Sequence[str], *, asked: str) -> list[str]:
    """Return the names of the groups' columns, or refuse what names none."""
    given = [keys] if isinstance(keys, str) else keys
    if not isinstance(given, (list, tuple)):
        raise QuestionError(
            f"{asked}: the groups come from columns, and {type(keys).__name__} names none.\n"
            f'  Write cx.{asked}(frame, "region", ...), or a list of names.'
        )
    return list(given)


def check_keys(names: Sequence[str], fields: Iterable[str], *, asked: str) -> None:
    """Refuse keys given twice, or called as a column that the result has anyway."""
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise QuestionError(f"{asked}: {twice[0]!r} is asked for more than once.\n  Write it once.")
    taken = [name for name in names if name in set(fields)]
    if taken:
        raise QuestionError(
            f"{asked}: the groups come from column {taken[0]!r}, and the result has a column of "
            f"its own with that name.\n  Rename it first: frame.rename(columns={{{taken[0]!r}: "
            f'"{taken[0]}_group"}}).'
        )


def _parts_of_the_whole(
    frame: pd.DataFrame,
    names: list[str],
    columns: list[str],
    choices: dict[str, Any],
    special: Mapping[str, str],
) -> pd.DataFrame:
    """Return a weighted score of every group, all rows at hand: its error knows the margins."""
    group, labels, many = groups(frame, names)
    rows = [
        measured(frame, weighted, columns, {**choices, "within": group == i}, special=special)
        for i in range(many)
    ]
    found = pd.DataFrame([row.as_row() for row in rows], columns=[*Estimate.__dataclass_fields__])
    return pd.concat([pd.DataFrame(labels, index=found.index), found], axis=1)


def groups_of(
    frame: pd.DataFrame, names: Sequence[str]
) -> Iterator[tuple[tuple[object, ...], pd.DataFrame]]:
    """Yield the labels and rows of every group in sorted order; no label is "(missing)", last."""
    for key, group in frame.groupby(list(names), dropna=False, observed=True, sort=True):
        parts: tuple[Any, ...] = tuple(key)
        yield tuple(MISSING if pd.isna(part) else part for part in parts), group


def measured(
    group: pd.DataFrame,
    metric: Callable[..., Estimate],
    columns: Sequence[str],
    choices: Mapping[str, Any] | None,
    *,
    asked: str = "by",
    special: Mapping[str, str] | None = None,
) -> Estimate:
    """Return the metric of one group, or refuse a metric that gives something else."""
    found = _number(group, metric, columns, choices, asked=asked, special=special)
    if isinstance(found, Difference):
        raise QuestionError(_no_number(metric, found, "an Estimate", asked))
    return found


def _number(
    group: pd.DataFrame,
    metric: Callable[..., Any],
    columns: Sequence[str],
    choices: Mapping[str, Any] | None,
    *,
    asked: str,
    special: Mapping[str, str] | None,
) -> Estimate | Difference:
    """Return the Estimate or the Difference of one group; anything else is refused."""
    if not callable(metric):
        raise QuestionError(
            f"{asked}: {metric!r} is no metric.\n  Give the function itself, as in cx.nps."
        )
    data: list[Any] = [group[c] for c in columns] or [group]
    more = {name: group[c] if columns else c for name, c in (special or {}).items()}
    if more:
        _takes(metric, more, asked=asked)
    check_choices(metric, choices, asked=asked)
    found = metric(*data, **more, **dict(choices or {}))
    if not isinstance(found, Estimate | Difference):
        raise QuestionError(_no_number(metric, found, "an Estimate or a Difference", asked))
    return found


def _no_number(metric: Callable[..., Any], found: object, wanted: str, asked: str) -> str:
    """Say that a metric gives something else than was wanted."""
    return (
        f"{asked}: {getattr(metric, '__name__', metric)} returned {type(found).__name__}, not "
        f"{wanted}.\n  Use a metric that gives one number, such as cx.nps."
    )


def _takes(metric: Callable[..., Estimate], names: Iterable[str], *, asked: str) -> None:
    """Refuse counts or clusters for a metric that does not know them."""
    for name in names:
        if name not in signature(metric).parameters:
            raise QuestionError(
                f"{asked}: {getattr(metric, '__name__', metric)} takes no {name}.\n"
                "  Give it one row per person, or a metric that does, such as cx.nps."
            )


def difference(a: Estimate, b: Estimate, *, a_name: str = "a", b_name: str = "b") -> Difference:
    """Compare two scores of different people: the first minus the second.

    Question: do two groups differ? Interval: Newcombe, Welch's t, Wald or MOVER.

    Parameters
    ----------
    a, b : Estimate
        Two results of the same metric at the same level, from different people. Scores of the same
        people twice are paired and need the answers, not two Estimates.
    a_name, b_name : str
        What the groups are called.

    Returns
    -------
    Difference
        In the unit of the scores, but in "percentage points" for shares. ``p`` is two-sided and
        raw: give a family of them to :func:`holm`.

    Raises
    ------
    QuestionError
        The two are not the same metric, unit or level (CES 1.0 against 2.0, two horizons), or they
        are medians or coefficients, whose difference two Estimates cannot tell.

    Notes
    -----
    NPS and restricted means: z = (a - b) / sqrt(se_a^2 + se_b^2), limits by the same se. Shares:
    Newcombe's hybrid score limits a - b - sqrt((a - low_a)^2 + (high_b - b)^2) and
    a - b + sqrt((high_a - a)^2 + (b - low_b)^2); p from z with the pooled share, the square root of
    Pearson's chi-square without correction. Kaplan-Meier shares: the same limits from their own
    (MOVER), p from z with both se. Scores by cluster or under weights: MOVER too, since their
    limits carry their few degrees of freedom, and the p that belongs to those limits, the distance
    to 0 in half-widths times z. Means: Welch's t. Where a group is unanimous its se is 0 and tells
    nothing, so limits are MOVER's whatever the metric, and p is given for counted shares only.

    References
    ----------
    Altman, D. G. and Bland, J. M. (2011). How to obtain the P value from a confidence interval. BMJ
    343, d2304. doi:10.1136/bmj.d2304

    Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions:
    comparison of eleven methods. Statistics in Medicine 17(8), 873-890.
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I

    Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures: a
    general approach. Statistics in Medicine 27(10), 1693-1702. doi:10.1002/sim.3095

    Examples
    --------
    >>> import cxkit as cx
    >>> a = cx.share([True] * 56 + [False] * 14, metric="Referred")
    >>> b = cx.share([True] * 48 + [False] * 32, metric="Referred")
    >>> print(cx.difference(a, b, a_name="North", b_name="South"))
    Referred, North against South: 20.0 percentage points (95 % interval 5.2 to 33.4, n = 70 and 80;
    Newcombe): higher
    """
    _comparable(a, b)
    unit = _UNITS.get(a.measured_in, a.measured_in)
    absent = [name for name, e in ((a_name, a), (b_name, b)) if e.value is None]
    if absent or a.value is None or b.value is None:
        reason = " ".join(
            f"{name}: {e.reason}" for name, e in ((a_name, a), (b_name, b)) if not e.ok
        )
        return _difference(
            a, b, a_name, b_name, unit, method="none", status="no data", reason=reason
        )
    value = a.value - b.value
    se = float(np.hypot(a.se or 0, b.se or 0))
    unanimous = [name for name, e in ((a_name, a), (b_name, b)) if not e.se]
    counted = a.method == b.method == "Wilson"
    robust = any(said in e.method for e in (a, b) for said in ("cluster-robust", "linearised"))
    reason, p = "", None
    if a.measured_in == "%" or unanimous or robust:
        low, high = _mover(a, b)
        method = "Newcombe" if counted else "MOVER"
        if counted:
            p = _pooled_p(a, b)
        elif not unanimous:
            p = _limits_p(value, low, high, a.level) if robust else _two_sided(value / se)
    elif a.measured_in == "score":
        df = se**4 / sum((e.se or 0) ** 4 / (e.n - 1) for e in (a, b))
        half = float(stdtrit(df, (1 + a.level) / 2)) * se
        low, high, method = value - half, value + half, "Welch's t"
        p = float(2 * stdtr(df, -abs(value / se)))
    else:
        half = float(-ndtri((1 - a.level) / 2)) * se
        low, high, method, p = value - half, value + half, "Wald", _two_sided(value / se)
        if a.measured_in == "points":
            low, high = max(low, -200.0), min(high, 200.0)
    if p is None:
        reason = (
            f"No p-value: in {' and '.join(unanimous)} all are alike, so the spread is not known."
        )
    return _difference(
        a,
        b,
        a_name,
        b_name,
        unit,
        method=method,
        value=value,
        low=low,
        high=high,
        se=se,
        p=p,
        reason=reason,
    )


def _comparable(a: Estimate, b: Estimate) -> None:
    """Refuse two Estimates whose difference would mean nothing."""
    for given in (a, b):
        if not isinstance(given, Estimate):
            raise QuestionError(
                f"difference: asked for two Estimates, found {type(given).__name__}.\n"
                "  Write cx.difference(cx.nps(one), cx.nps(other))."
            )
    for what in ("metric", "measured_in", "level"):
        one, other = getattr(a, what), getattr(b, what)
        if one != other:
            raise QuestionError(
                f"difference: {what} is {one!r} in the first and {other!r} in the second.\n"
                "  Compare the same metric, on the same scale, with the same choices."
            )
    both = [e for e in (a, b) if e.value is not None]
    if a.measured_in == "correlation" or a.measured_in == "coefficient":
        raise QuestionError(
            f"difference: {a.metric} is a coefficient; two of them are not compared by subtraction."
            "\n  Show both with their intervals."
        )
    if any(None in (e.se, e.low, e.high) for e in both):
        raise QuestionError(
            f"difference: {a.metric} is read off a curve and has no standard error.\n"
            '  Compare groups by cx.logrank, or by measure="restricted mean".'
        )


def _mover(a: Estimate, b: Estimate) -> tuple[float, float]:
    """Return limits of a - b from the limits of each (Newcombe's method 10 for Wilson limits)."""
    (value_a, low_a, high_a), (value_b, low_b, high_b) = (
        (float(e.value or 0), float(e.low or 0), float(e.high or 0)) for e in (a, b)
    )
    value = value_a - value_b
    return (
        value - float(np.hypot(value_a - low_a, high_b - value_b)),
        value + float(np.hypot(high_a - value_a, value_b - low_b)),
    )


def _pooled_p(a: Estimate, b: Estimate) -> float:
    """Return the two-sided p of two counted shares, by z with the pooled share."""
    share_a, share_b = (a.value or 0.0) / 100, (b.value or 0.0) / 100
    pooled = (share_a * a.n + share_b * b.n) / (a.n + b.n)
    spread = float(np.sqrt(pooled * (1 - pooled) * (1 / a.n + 1 / b.n)))
    return _two_sided((share_a - share_b) / spread) if spread > 0 else 1.0


def _limits_p(value: float, low: float, high: float, level: float) -> float:
    """Return the two-sided p that belongs to an interval: below 1 - level where it leaves out 0."""
    toward = value - low if value > 0 else high - value
    return _two_sided(ndtri((1 + level) / 2) * value / toward)


def _two_sided(z: float) -> float:
    """Return the two-sided p of a normal statistic, from the tail."""
    return float(2 * ndtr(-abs(z)))


def _difference(
    a: Estimate, b: Estimate, a_name: str, b_name: str, unit: str, **found: Any
) -> Difference:
    """Return a Difference with what both Estimates share."""
    empty: dict[str, Any] = dict.fromkeys(("value", "low", "high", "se", "p"))
    return Difference(
        metric=a.metric,
        measured_in=unit,
        a=a_name,
        b=b_name,
        level=a.level,
        n_a=a.n,
        n_b=b.n,
        n_missing=a.n_missing + b.n_missing,
        **{**empty, **found},
    )

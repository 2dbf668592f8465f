"""The door to any engine: a frame of millions of rows goes in, a small pandas table comes out.

No engine is named. What leaves one is a table of patterns with how often each occurs, or sums of
whole numbers; so every engine, and any number of threads, gives the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cxkit.errors import ColumnError, QuestionError, ScaleError
from cxkit.study.tables import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What the columns of a result are called, so that no key may be.
COUNT, MONTH, CLUSTER = "n", "month", "cluster"
_ALL = "cxkit_all"


@dataclass(frozen=True, slots=True)
class _Keyed:
    """A frame on its way to be grouped: its rows, the keys by name, the keys made here."""

    rows: nw.LazyFrame[Any]
    keys: dict[str, nw.Expr]
    kinds: Mapping[str, Any]
    buckets: Mapping[str, int]
    asked: str


def counts(
    frame: Any,
    by: str | Sequence[str],
    *,
    month: str = "",
    buckets: Mapping[str, int] | None = None,
    where: Mapping[str, object] | None = None,
) -> pd.DataFrame:
    """Count how often each pattern of values occurs, inside whatever engine holds the rows.

    Parameters
    ----------
    frame : native frame
        One row per answer: a DuckDB relation, pandas or Polars frame, PyArrow table, Spark frame or
        Ibis table.
    by : str or list of str
        Columns whose values make a pattern, answers among them: ``["unit", "nps"]``. Text, whole
        numbers, yes/no or days; missing values are a value of their own.
    month : str, optional
        Column of dates; its calendar month becomes the key ``month``.
    buckets : mapping of str to int, optional
        ``{"customer": 200}`` makes the key ``customer_bucket``, the whole number ``customer``
        modulo 200: a coarser cluster, so that one scan tells cluster-robust errors.
    where : mapping, optional
        ``{"unit": [3, 4]}`` keeps rows with one of these values; None stands for a missing one.

    Returns
    -------
    DataFrame
        The keys, then ``n``, how many rows (int64); sorted, missing last. Months are of dtype
        ``period[M]``, whole numbers ``int64`` (``Int64`` where some are missing), days
        ``datetime64[us]``. Every engine gives the same table.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    QuestionError
        ``frame`` is no frame, a key cannot be one, or ``month`` holds no dates.

    Notes
    -----
    One scan: group by the keys, count rows. There are at most as many rows in the result as the
    keys have combinations, and no other row leaves the engine. Cut-points are applied afterwards,
    to the small table: ``cx.by(table, "unit", cx.nps, column="nps", counts="n")``.

    References
    ----------
    Gray, J. et al. (1997). Data cube: a relational aggregation operator generalizing group-by,
    cross-tab, and sub-totals. Data Mining and Knowledge Discovery 1, 29-53.
    doi:10.1023/A:1009726021843

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"unit": ["N", "N", "S", "N"], "nps": [9, 9, 4, None]})
    >>> cx.counts(rows, ["unit", "nps"])
      unit   nps  n
    0    N     9  2
    1    N  <NA>  1
    2    S     4  1
    """
    keyed = _keyed(frame, by, month=month, buckets=buckets, where=where, asked="counts")
    names = list(keyed.keys)
    if not names:
        raise QuestionError(
            'counts: no column to count by.\n  Name at least one, as in  cx.counts(frame, "nps")'
        )
    rows = keyed.rows.select(*(e.alias(name) for name, e in keyed.keys.items()))
    table = plain(collected(rows.group_by(*names).agg(nw.len().alias(COUNT))))
    return _finished(table, keyed, [COUNT])


def moments(
    frame: Any,
    by: str | Sequence[str],
    values: Mapping[str, Mapping[int, int]],
    *,
    cluster: str = "",
    month: str = "",
    where: Mapping[str, object] | None = None,
) -> pd.DataFrame:
    """Add up the points of answers by group and by cluster, inside whatever engine holds the rows.

    Parameters
    ----------
    frame : native frame
        As for :func:`counts`.
    by : str or list of str
        Columns that make the groups; ``[]`` is everybody.
    values : mapping of str to mapping of int to int
        For each column of answers the points of every answer, as ``cx.scoring`` tells them:
        ``{"nps": cx.scoring(cx.nps)}``. Several columns are summed in the same scan.
    cluster : str, optional
        Column that says who answered; errors are then exact by this cluster. An answer without
        one counts as a cluster of its own.
    month, where
        As for :func:`counts`.

    Returns
    -------
    DataFrame
        The keys, then for each column (here nps) ``nps_n`` usable and ``nps_missing`` missing
        answers, ``nps_total`` and ``nps_squares`` of the points; with a cluster also
        ``nps_clusters`` and the sums over clusters of the squared total, the total times the n, and
        the squared n: ``nps_cluster_squares``, ``nps_cluster_cross``, ``nps_cluster_sizes``; and
        ``cluster``, its name. Read it with ``cx.by(table, keys, cx.nps, column="nps",
        moments=True)``.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    ScaleError
        Answers are none of those that have points.
    QuestionError
        As for :func:`counts`, or points are not whole numbers.

    Notes
    -----
    Without a cluster one scan; with one, a second grouping over the clusters' sums. Only whole
    numbers are added, so the order in which an engine adds them does not matter. With points x,
    m = sum x / n, the cluster-robust variance of m needs sum_c s_c^2 - 2 m sum_c s_c n_c +
    m^2 sum_c n_c^2, which is exact from these sums.

    References
    ----------
    Liang, K.-Y. and Zeger, S. L. (1986). Longitudinal data analysis using generalized linear
    models. Biometrika 73(1), 13-22. doi:10.1093/biomet/73.1.13

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"customer": [1, 1, 2, 3], "nps": [10, 9, 3, None]})
    >>> table = cx.moments(rows, [], {"nps": cx.scoring(cx.nps)}, cluster="customer")
    >>> table[["nps_n", "nps_total", "nps_clusters", "nps_cluster_squares"]]
       nps_n  nps_total  nps_clusters  nps_cluster_squares
    0      3          1             2                    5
    """
    keyed = _keyed(frame, by, month=month, buckets=None, where=where, asked="moments")
    if not isinstance(values, Mapping):
        raise QuestionError(
            "moments: the values are answers' columns with the points of each answer.\n"
            '  Write  {"nps": cx.scoring(cx.nps)}'
        )
    _known(keyed, [*values, *([cluster] if cluster else [])])
    keys = keyed.keys or {_ALL: nw.lit(0)}
    runs = {column: _runs(points, column) for column, points in values.items()}
    needed = [e.alias(name) for name, e in keys.items()]
    if cluster:
        needed.append(_known_value(nw.col(cluster), keyed.kinds[cluster]).alias(CLUSTER))
    sums: list[nw.Expr] = [nw.len().alias("rows")]
    for column, steps in runs.items():
        answer = _known_value(nw.col(column), keyed.kinds[column])
        needed.append(answer.alias(f"{column}_given"))
        sums.append(nw.col(f"{column}_given").count())
        for i, (first, last, _) in enumerate(steps):
            name = f"{column}_run{i}"
            held = _within(answer, keyed.kinds[column], first, last)
            needed.append(nw.when(held).then(nw.lit(1)).alias(name))
            sums.append(nw.col(name).count())
    grouped = keyed.rows.select(*needed).group_by(*keys, *([CLUSTER] if cluster else [])).agg(*sums)
    if cluster:
        grouped = _over_clusters(grouped, list(keys), runs)
    table = plain(collected(grouped))
    out = table[list(keys)].drop(columns=_ALL, errors="ignore")
    for column, steps in runs.items():
        _add(out, table, column, steps, clustered=bool(cluster))
    if cluster:
        out[CLUSTER] = pd.Series(cluster, index=out.index, dtype="str")
    return _finished(out, keyed, [])


def _over_clusters(
    grouped: nw.LazyFrame[Any], keys: list[str], runs: Mapping[str, list[tuple[int, int, int]]]
) -> nw.LazyFrame[Any]:
    """Add up the clusters of each group: their runs, and the products that a variance needs."""
    alone = nw.col(CLUSTER).is_null()
    products, sums = [], ["rows"]
    for column, steps in runs.items():
        each = [nw.col(f"{column}_run{i}").cast(nw.Int64) for i in range(len(steps))]
        n = _total([1] * len(steps), each)
        s = _total([points for _, _, points in steps], each)
        q = _total([points**2 for _, _, points in steps], each)
        parts = {
            "clusters": nw.when(alone)
            .then(n)
            .otherwise(nw.when(n > 0).then(nw.lit(1, nw.Int64)).otherwise(nw.lit(0, nw.Int64))),
            "cluster_squares": nw.when(alone).then(q).otherwise(s * s),
            "cluster_cross": nw.when(alone).then(s).otherwise(s * n),
            "cluster_sizes": nw.when(alone).then(n).otherwise(n * n),
        }
        products += [e.alias(f"{column}_{part}") for part, e in parts.items()]
        sums += [f"{column}_given", *(f"{column}_run{i}" for i in range(len(steps)))]
        sums += [f"{column}_{part}" for part in parts]
    return grouped.with_columns(*products).group_by(*keys).agg(*(nw.col(c).sum() for c in sums))


def _total(points: list[int], each: list[nw.Expr]) -> nw.Expr:
    """Return the sum of whole numbers times columns."""
    found = nw.lit(0, nw.Int64)
    for point, column in zip(points, each, strict=True):
        if point:
            found = found + column * nw.lit(point, nw.Int64)
    return found


def _add(
    out: pd.DataFrame,
    table: pd.DataFrame,
    column: str,
    steps: list[tuple[int, int, int]],
    *,
    clustered: bool,
) -> None:
    """Write the sums of one column of answers; answers without points are refused."""
    each = [table[f"{column}_run{i}"].astype("int64") for i in range(len(steps))]
    given = table[f"{column}_given"].astype("int64")
    n = sum(each, start=given * 0)
    off = int((given - n).sum())
    if off:
        span = ", ".join(f"{a} to {b}" if a < b else f"{a}" for a, b, _ in steps)
        raise ScaleError(
            f"moments, column {column!r}: {off:,} of {int(given.sum()):,} answers are not among "
            f"those with points ({span}).\n"
            f'  See which:  cx.counts(frame, {column!r});  codes for "no answer" are left out by '
            "the missing: of a study.yml."
        )
    out[f"{column}_n"] = n
    out[f"{column}_missing"] = table["rows"].astype("int64") - given
    for name, power in (("total", 1), ("squares", 2)):
        found = given * 0
        for (_, _, points), people in zip(steps, each, strict=True):
            found = found + people * points**power
        out[f"{column}_{name}"] = found
    if clustered:
        for part in ("clusters", "cluster_squares", "cluster_cross", "cluster_sizes"):
            out[f"{column}_{part}"] = table[f"{column}_{part}"].astype("int64")


def _runs(points: Mapping[int, int], column: str) -> list[tuple[int, int, int]]:
    """Return answers as runs with the same points: (first, last, points), from low to high."""
    whole = (int, np.integer)
    told = isinstance(points, Mapping) and points
    if not told or not all(isinstance(x, whole) for pair in points.items() for x in pair):
        raise QuestionError(
            f"moments: the points of {column!r} must be whole numbers by whole answer.\n"
            "  Write  cx.scoring(cx.nps)  or  {0: 0, 1: 1}"
        )
    found: list[tuple[int, int, int]] = []
    for answer in sorted(points):
        if found and found[-1][1] == answer - 1 and found[-1][2] == points[answer]:
            found[-1] = (found[-1][0], int(answer), int(points[answer]))
        else:
            found.append((int(answer), int(answer), int(points[answer])))
    return found


def _within(answer: nw.Expr, kind: Any, first: int, last: int) -> nw.Expr:
    """Return whether an answer lies in a run; a fraction never does."""
    if kind == nw.Boolean:
        return answer if (first, last) == (1, 1) else ~answer
    if first == last:
        return answer == first
    inside = (answer >= first) & (answer <= last)
    return inside & (answer == answer.floor()) if kind.is_float() else inside


def _keyed(
    frame: Any,
    by: str | Sequence[str],
    *,
    month: str,
    buckets: Mapping[str, int] | None,
    where: Mapping[str, object] | None,
    asked: str,
) -> _Keyed:
    """Return the rows kept and the keys to group them by, or refuse what cannot be."""
    try:
        rows = nw.from_native(frame).lazy()
    except TypeError:
        raise QuestionError(
            f"{asked}: {type(frame).__name__} is not a frame.\n  Give a DuckDB relation, a pandas "
            "or Polars frame, a PyArrow table, a Spark frame or an Ibis table."
        ) from None
    names = [by] if isinstance(by, str) else list(by)
    asked_for = [*names, *(buckets or {}), *(where or {}), *([month] if month else [])]
    keyed = _Keyed(rows, {}, rows.collect_schema(), dict(buckets or {}), asked)
    _known(keyed, asked_for)
    made = [MONTH] * bool(month) + [f"{name}_bucket" for name in buckets or {}]
    for name in names:
        if name in (COUNT, CLUSTER, _ALL, *made) or names.count(name) > 1:
            raise QuestionError(
                f"{asked}: {name!r} cannot be a key: it is the name of a column made here, or "
                "asked for twice.\n  Rename it in the frame."
            )
        keyed.keys[name] = _known_value(nw.col(name), keyed.kinds[name])
    if month:
        keyed.keys[MONTH] = _month(month, keyed)
    for name, size in keyed.buckets.items():
        keyed.keys[f"{name}_bucket"] = _bucket(name, size, keyed)
    for name, kept in (where or {}).items():
        rows = rows.filter(_kept(name, kept, keyed.kinds[name]))
    return _Keyed(rows, keyed.keys, keyed.kinds, keyed.buckets, asked)


def _known(keyed: _Keyed, names: Sequence[str]) -> None:
    """Refuse columns that the frame does not have."""
    for name in names:
        if name not in keyed.kinds:
            from cxkit.study.wording import nearest

            near = nearest(name, list(keyed.kinds))
            raise ColumnError(
                f"{keyed.asked}: asked for column {name!r}, which the frame does not have.\n"
                f"  columns in the frame: {', '.join(list(keyed.kinds)[:30]) or '(none)'}"
                + (f"\n  perhaps you meant {near!r}" if near else "")
            )


def _known_value(value: nw.Expr, kind: Any) -> nw.Expr:
    """Return a column in which NaN, which some engines keep apart, is missing."""
    return nw.when(~value.is_nan()).then(value) if kind.is_float() else value


def _month(column: str, keyed: _Keyed) -> nw.Expr:
    """Return the calendar month as a whole number, which every engine can compute."""
    if keyed.kinds[column] not in (nw.Date, nw.Datetime):
        raise QuestionError(
            f"{keyed.asked}: month={column!r} holds {keyed.kinds[column]}, not dates.\n"
            "  Make it dates first; in pandas  pd.to_datetime(frame[...])"
        )
    day = nw.col(column).dt
    return day.year() * 12 + day.month() - 1


def _bucket(column: str, size: int, keyed: _Keyed) -> nw.Expr:
    """Return a whole number modulo the number of buckets."""
    if not keyed.kinds[column].is_integer() or size < 2:
        raise QuestionError(
            f"{keyed.asked}: buckets={{{column!r}: {size}}} needs a column of whole numbers and at "
            f"least 2 buckets; {column!r} holds {keyed.kinds[column]}.\n"
            "  Engines hash text differently: number the customers first, or use "
            f"cx.moments(..., cluster={column!r})."
        )
    return nw.col(column) % size


def _kept(column: str, kept: object, kind: Any) -> nw.Expr:
    """Return the condition that a column has one of the values asked for."""
    values = list(kept) if isinstance(kept, (list, tuple, set, frozenset)) else [kept]
    known = [value for value in values if value is not None]
    missing = _known_value(nw.col(column), kind).is_null()
    if not known:
        return missing
    found = among(nw.col(column), known, kind)
    return found | missing if len(known) < len(values) else found


def among(value: nw.Expr, listed: Sequence[Any], kind: Any) -> nw.Expr:
    """Return whether a column has one of some values; numbers are listed as the column has them."""
    if kind.is_numeric():
        numbers = [float(v) for v in listed if _is_number(v)]
        listed = [int(v) for v in numbers if v == int(v)] if kind.is_integer() else numbers
    return value.is_in(list(listed)) if listed else value.is_null() & ~value.is_null()


def _is_number(value: object) -> bool:
    """Whether a value, or a text, is a number."""
    try:
        return np.isfinite(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def collected(rows: nw.LazyFrame[Any]) -> Any:
    """Run a query; the one place where anything leaves an engine."""
    return rows.collect(backend="pyarrow").to_native()


def _finished(table: pd.DataFrame, keyed: _Keyed, added: list[str]) -> pd.DataFrame:
    """Return a table in its final form: buckets from 0, months as months, sorted by its keys."""
    names = list(keyed.keys)
    for name, size in keyed.buckets.items():
        bucket = f"{name}_bucket"
        if (table[bucket] < 0).any():  # what is left of a negative number differs by engine
            table[bucket] = table[bucket] % size
            table = table.groupby(names, dropna=False, as_index=False)[added].sum()
    if MONTH in names:
        whole = table[MONTH].astype("Int64")
        month = whole.fillna(0).to_numpy(dtype=np.int64) - 1970 * 12
        first = pd.Series(month.astype("datetime64[M]").astype("datetime64[s]"), index=table.index)
        table[MONTH] = first.mask(whole.isna()).dt.to_period("M")
    for name in added:
        table[name] = table[name].astype("int64")
    if not names:
        return table.reset_index(drop=True)
    return table.sort_values(names, ignore_index=True, kind="stable")

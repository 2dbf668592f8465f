"""Many comparisons at once: a family states its size, and adjusted p-values stand beside raw."""

from __future__ import annotations

import dataclasses
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.answers import need_columns, numbers, one_column
from cxkit.metrics.compare import difference, groups_of, key_names, measured
from cxkit.results import Difference, Estimate, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Family = Literal["holm", "bh"]

#: What a family's adjustment is called, and its name in statsmodels.
_ADJUSTMENTS = {"holm": ("Holm", "holm"), "bh": ("Benjamini-Hochberg", "fdr_bh")}

#: Columns that hold a number or nothing.
_NUMBERS = ("value", "low", "high", "se", "p", "p_adjusted")

#: What all groups but one are called.
OTHERS = "all others"


def compare(
    frame: pd.DataFrame,
    keys: str | Sequence[str],
    metric: Callable[..., Estimate],
    *,
    column: str | Sequence[str] | None = None,
    counts: str | None = None,
    clusters: str | None = None,
    against: str | None = None,
    family: Family = "holm",
    choices: Mapping[str, Any] | None = None,
) -> Table:
    """Compare a metric between the groups of a frame, as one family of tests.

    Question: which groups differ, when many are looked at? Interval: that of the difference; p by
    Holm or Benjamini-Hochberg.

    Parameters
    ----------
    frame : DataFrame
        One row per answer, customer or case.
    keys : str or list of str
        Columns that make the groups. Rows without a value are counted and not compared.
    metric : function
        Any metric of the kit that returns an Estimate, e.g. ``cx.nps``.
    column : str or list of str, optional
        Columns handed to the metric as its data, in order, as in :func:`by`.
    counts : str, optional
        Column that says how many people a row stands for, as in :func:`by`.
    clusters : str, optional
        Column that says who answered; errors are then cluster-robust, as in :func:`by`. Who answers
        in two groups is taken as two people, and counted in the caption: where the same people
        answer alike, such intervals are too wide.
    against : str, optional
        None compares all pairs. The name of a group compares every other group with that one (with
        several keys their values joined by ", "). "rest" compares every group with all others
        taken together.
    family : {"holm", "bh"}, default "holm"
        Holm, for a question that was asked beforehand: holds the chance of any false alarm. "bh"
        (Benjamini-Hochberg), for looking around: holds the expected share of false alarms among
        what is reported.
    choices : mapping, optional
        Further choices of the metric, e.g. ``{"level": 0.9}``.

    Returns
    -------
    Table
        ``frame`` has one row per comparison: the fields of a Difference (first minus second; shares
        in percentage points), ``p`` raw, ``p_adjusted``, ``family`` (how many tests it has),
        ``adjusted_by``, ``direction`` (by the raw interval) and ``reading``: the direction where
        p_adjusted is at most 1 - level, else "cannot be told". The caption says the same. Fewer
        than two groups give no row, and the caption says so.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    QuestionError
        ``against`` names no group, or ``family`` no adjustment.

    Notes
    -----
    Each difference is :func:`difference`, from independent people; the intervals are of one
    comparison each and are not adjusted. A comparison without a p-value (no data in a group, or a
    group of one mind) keeps its row and its reason but does not count in the family. Against
    "rest" the tests share data; Holm holds under any dependence, and Benjamini-Hochberg under
    positive dependence.

    References
    ----------
    Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate: a practical and
    powerful approach to multiple testing. Journal of the Royal Statistical Society B 57(1),
    289-300. doi:10.1111/j.2517-6161.1995.tb02031.x

    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal
    of Statistics 6(2), 65-70.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"region": ["North", "South", "East"] * 20,
    ...                       "nps": [10, 5, 9, 8, 9, 9, 9, 9, 4, 10, 2, 8, 3, 2, 9] * 4})
    >>> table = cx.compare(frame, "region", cx.nps, column="nps")
    >>> table.frame[["a", "b", "value", "p", "p_adjusted", "family", "reading"]].round(3)
           a      b  value      p  p_adjusted  family         reading
    0   East  North    0.0  1.000       1.000       3  cannot be told
    1   East  South   60.0  0.034       0.102       3  cannot be told
    2  North  South   60.0  0.034       0.102       3  cannot be told
    """
    names = key_names(keys, asked="compare")
    columns = [column] if isinstance(column, str) else list(column or [])
    special = {n: c for n, c in (("counts", counts), ("clusters", clusters)) if c is not None}
    need_columns(frame, [*names, *columns, *special.values()], asked="compare")
    called, _ = _adjustment(family, asked="compare")
    known = frame.dropna(subset=names)
    groups = {", ".join(map(str, labels)): rows for labels, rows in groups_of(known, names)}
    scores = {
        label: measured(rows, metric, columns, choices, asked="compare", special=special)
        for label, rows in groups.items()
    }
    if against is not None and against != "rest" and against not in groups:
        raise QuestionError(
            f"compare: against={against!r} is no group of {', '.join(names)}.\n"
            f'  groups: {", ".join(groups) or "(none)"}; or write against="rest".'
        )
    if against == "rest":
        pairs = [(label, OTHERS) for label in groups if len(groups) > 1]
    elif against is not None:
        pairs = [(label, against) for label in groups if label != against]
    else:
        pairs = list(combinations(groups, 2))
    found = []
    for a, b in pairs:
        if against == "rest":
            others = pd.concat([rows for label, rows in groups.items() if label != a])
            other = measured(others, metric, columns, choices, asked="compare", special=special)
        else:
            other = scores[b]
        found.append(difference(scores[a], other, a_name=a, b_name=b))
    return _table(
        as_family(found, family=family, asked="compare"),
        groups=", ".join(names),
        called=called,
        said=_left_out(frame, known, names, counts=counts, clusters=clusters),
        alone=list(groups),
    )


def holm(p: Sequence[float | None], *, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Adjust the p-values of one family of tests, so that the chance of any false alarm is held.

    Question: which of several tests hold, if no false alarm is wanted? Interval: none, p-values.

    Parameters
    ----------
    p : list of float or None, shape (m,)
        Raw two-sided p-values of all tests that were looked at. A test without one (None, NaN) is
        kept in the table but not counted in the family.
    names : list of str, shape (m,), optional
        What the tests are called; by default their numbers from 1.

    Returns
    -------
    DataFrame
        One row per test in the order given: ``name``, ``p``, ``p_adjusted``, ``family`` (how many
        tests the family has).

    Raises
    ------
    QuestionError
        A p-value is not between 0 and 1, or the names do not match.

    Notes
    -----
    Holm: the i-th smallest of m is multiplied by m - i + 1, made non-decreasing, cut at 1.
    Equal to ``statsmodels.stats.multitest.multipletests(p, method="holm")``, whose default is
    Holm-Sidak.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal
    of Statistics 6(2), 65-70.

    Examples
    --------
    >>> import cxkit as cx
    >>> cx.holm([0.01, 0.04, 0.03], names=["North", "South", "East"])
        name     p  p_adjusted  family
    0  North  0.01        0.03       3
    1  South  0.04        0.06       3
    2   East  0.03        0.06       3
    """
    return _family(p, names=names, method="holm")


def bh(p: Sequence[float | None], *, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Adjust the p-values of one family of tests, so that the share of false alarms is held.

    Question: which of many tests deserve a second look? Interval: none, p-values.

    Parameters
    ----------
    p : list of float or None, shape (m,)
        Raw two-sided p-values of all tests that were looked at. A test without one (None, NaN) is
        kept in the table but not counted in the family.
    names : list of str, shape (m,), optional
        What the tests are called; by default their numbers from 1.

    Returns
    -------
    DataFrame
        One row per test in the order given: ``name``, ``p``, ``p_adjusted``, ``family`` (how many
        tests the family has).

    Raises
    ------
    QuestionError
        A p-value is not between 0 and 1, or the names do not match.

    Notes
    -----
    Benjamini-Hochberg: the i-th smallest of m is multiplied by m / i, made non-decreasing from the
    largest down, cut at 1. Of all tests with p_adjusted <= 0.05 at most 5 % are expected to be
    false alarms; use it to explore and :func:`holm` to confirm.
    ``statsmodels.stats.multitest.multipletests(p, method="fdr_bh")``, whose default is Holm-Sidak
    and which carries one NaN into every result.

    References
    ----------
    Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate: a practical and
    powerful approach to multiple testing. Journal of the Royal Statistical Society B 57(1),
    289-300. doi:10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> import cxkit as cx
    >>> cx.bh([0.01, 0.04, 0.03], names=["North", "South", "East"])
        name     p  p_adjusted  family
    0  North  0.01        0.03       3
    1  South  0.04        0.04       3
    2   East  0.03        0.04       3
    """
    return _family(p, names=names, method="bh")


def as_family(found: Sequence[Difference], *, family: Family, asked: str) -> pd.DataFrame:
    """Return comparisons as the rows of one family, each with its adjusted p and its reading."""
    called, _ = _adjustment(family, asked=asked)
    adjusted = _adjust([d.p for d in found], method=family, asked=asked)
    size = int(sum(d.p is not None for d in found))
    done = [
        dataclasses.replace(d, p_adjusted=None if np.isnan(p) else float(p), family=size)
        for d, p in zip(found, adjusted, strict=True)
    ]
    return pd.DataFrame(
        [{**d.as_row(), "adjusted_by": called, "reading": _reading(d)} for d in done],
        columns=[*Difference.__dataclass_fields__, "direction", "adjusted_by", "reading"],
    ).astype(dict.fromkeys(_NUMBERS, "float64"))


def _family(
    p: Sequence[float | None], *, names: Sequence[str] | None, method: Family
) -> pd.DataFrame:
    """Return one row per test with raw and adjusted p."""
    raw = numbers(one_column(p, asked=method), asked=method)
    adjusted = _adjust(raw, method=method, asked=method)
    if names is not None and len(names) != raw.size:
        raise QuestionError(
            f"{method}: {raw.size} p-values but {len(names)} names.\n  Give one for each."
        )
    return pd.DataFrame(
        {
            "name": list(names) if names is not None else [str(i + 1) for i in range(raw.size)],
            "p": raw,
            "p_adjusted": adjusted,
            "family": int((~np.isnan(raw)).sum()),
        }
    )


def _adjustment(method: str, *, asked: str) -> tuple[str, str]:
    """Return what an adjustment is called, here and in statsmodels."""
    if method not in _ADJUSTMENTS:
        raise QuestionError(
            f"{asked}: family={method!r} is no adjustment.\n"
            '  Write "holm" to confirm or "bh" to explore.'
        )
    return _ADJUSTMENTS[method]


def _adjust(p: Sequence[float | None] | np.ndarray, *, method: Family, asked: str) -> np.ndarray:
    """Return adjusted p-values in the order given, NaN where there was none."""
    from statsmodels.stats.multitest import multipletests

    raw = np.array([np.nan if value is None else float(value) for value in p], dtype=float)
    known = ~np.isnan(raw)
    off = known & ~((raw >= 0) & (raw <= 1))
    if off.any():
        raise QuestionError(
            f"{asked}: {raw[off][0]:g} is not a p-value.\n  Give numbers from 0 to 1."
        )
    adjusted = np.full(raw.size, np.nan)
    if known.any():
        name = _adjustment(method, asked=asked)[1]
        adjusted[known] = (
            _step_down(raw[known]) if name == "holm" else multipletests(raw[known], method=name)[1]
        )
    return adjusted


def _step_down(p: np.ndarray) -> np.ndarray:
    """Return Holm's adjustment; statsmodels collects all garbage in each call of its own, 0.1 s."""
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1)
    return adjusted


def _reading(d: Difference) -> str:
    """Return which way a comparison goes within its family."""
    if d.value is None:
        return d.status
    if d.p_adjusted is not None and d.p_adjusted > 1 - d.level:
        return "cannot be told"
    return d.direction


def _left_out(
    frame: pd.DataFrame,
    known: pd.DataFrame,
    names: list[str],
    *,
    counts: str | None,
    clusters: str | None,
) -> str:
    """Say how many rows have no group, and how many people answered in several."""
    said = ""
    if lost := len(frame) - len(known):
        people = int(frame[counts].sum() - known[counts].sum()) if counts else lost
        what = "people" if counts else "rows"
        said += f" {people:,} {what} without {' and '.join(names)} are not compared."
    if clusters:
        pairs = known[[*names, clusters]].dropna().drop_duplicates()
        several = int((pairs[clusters].value_counts() > 1).sum())
        if several:
            said += (
                f" {several:,} of {pairs[clusters].nunique():,} values of {clusters} answer in "
                "more than one group and are taken as different people there, which makes "
                "intervals too wide where they answer alike."
            )
    return said


def _table(
    frame: pd.DataFrame, *, groups: str, called: str, said: str, alone: Sequence[str]
) -> Table:
    """Return the comparisons as a table whose caption states the family."""
    if frame.empty:
        one = f"one group only, {alone[0]}" if alone else "no group"
        caption = f"Nothing to compare by {groups}: there is {one}.{said}"
        return Table(frame=frame, caption=caption, shown=pd.DataFrame({"Comparison": []}))
    first = frame.iloc[0]
    unit, level = str(first["measured_in"]), float(first["level"])
    size, without = int(first["family"]), int(frame["p"].isna().sum())
    label = markup.percent_label(level)
    caption = (
        f"{first['metric']} by {groups}: differences, first minus second, in {unit}, each with its "
        f"own {label} interval. Family of {size:,}, p adjusted by {called}"
        + (f"; {without:,} without a p-value do not count in it" if without else "")
        + f". The reading follows the adjusted p.{said}"
    )
    shown = frame.assign(
        pair=frame["a"] + " against " + frame["b"],
        n=[f"{a:,} and {b:,}" for a, b in zip(frame["n_a"], frame["n_b"], strict=True)],
        p=[markup.p_value(v) for v in frame["p"]],
        p_adjusted=[markup.p_value(v) for v in frame["p_adjusted"]],
    )
    table = Table.of(
        shown,
        caption=caption,
        columns=[
            ("Comparison", "pair", "text"),
            ("Difference", "value", unit),
            (f"{label} interval", "low..high", unit),
            ("n", "n", "text"),
            ("p", "p", "text"),
            (f"p, {called}", "p_adjusted", "text"),
            ("Tests in the family", "family", "count"),
            ("Reading", "reading", "text"),
        ],
    )
    return dataclasses.replace(table, frame=frame)

"""Do staff see the experience as customers do: the same item asked of both."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxkit import markup
from cxkit.disclosure import Policy, showable
from cxkit.errors import QuestionError
from cxkit.metrics.answers import Scale, Scores, check_level, check_scale, need_columns
from cxkit.metrics.clusters import check_counts
from cxkit.metrics.compare import check_keys, difference, groups_of, key_names
from cxkit.metrics.families import Family, as_family
from cxkit.metrics.journey import component
from cxkit.metrics.proportions import span
from cxkit.results import LEAST_CUSTOMERS, LEAST_EMPLOYEES, Difference, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

#: What a gap reads as, by the direction of staff less customers.
_READINGS = {
    "higher": "staff think better of it",
    "lower": "customers think better of it",
    "cannot be told": "cannot be told",
}


def perception_gap(
    staff: Scores,
    customers: Scores,
    *,
    staff_scale: Scale = (1, 5),
    customer_scale: Scale = (1, 5),
    item: str = "experience",
    top: float | None = None,
    staff_counts: ArrayLike | None = None,
    customer_counts: ArrayLike | None = None,
    staff_clusters: ArrayLike | None = None,
    customer_clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> Difference:
    """Compare what staff think customers experience with what customers say: staff less customers.

    Question: do employees know what customers experience? Interval: Welch's t, Newcombe.

    Parameters
    ----------
    staff, customers : Series, array or list of shape (n,) and (m,)
        Answers of both to the same item, whole numbers, high is good. Missing ones are counted.
    staff_scale, customer_scale : (low, high), default (1, 5)
        Ends of the two scales. They must be the same: two scales cannot be compared.
    item : str, default "experience"
        What was asked.
    top : float, optional
        Compare the shares who answer this or more, instead of the means.
    staff_counts, customer_counts : Series, array or list, optional
        How many people gave each answer.
    staff_clusters, customer_clusters : Series, array or list of shape (n,) and (m,), optional
        Who answered, where people answer more than once; see :func:`csat`.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Difference
        In points of the scale, or in percentage points with ``top``. Above 0 the staff think better
        of the experience than the customers do.

    Raises
    ------
    ScaleError
        An answer is off the scale.
    QuestionError
        The scales differ, or the cut is not on the scale.

    Notes
    -----
    Means by Welch's t, shares by Newcombe's method 10; see :func:`difference`. Staff and customers
    are different people, so the two are not paired. Both must be of the same places and time: a gap
    between staff of all branches and customers of some is not one of perception.

    References
    ----------
    Parasuraman, A., Zeithaml, V. A. and Berry, L. L. (1985). A conceptual model of service quality
    and its implications for future research. Journal of Marketing 49(4), 41-50.
    doi:10.1177/002224298504900403

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.perception_gap([5, 4, 5, 4, 5], [3, 4, 2, 3, 5, 4], item="was served well"))
    Perceived was served well, mean (1 to 5), staff against customers: 1.10 (95 % interval −0.04 to
    2.24, n = 5 and 6; Welch's t): cannot be told
    """
    level = check_level(level)
    scales = [
        check_scale(scale, asked=f"perception_gap, {who}")
        for who, scale in (("staff", staff_scale), ("customers", customer_scale))
    ]
    if scales[0] != scales[1]:
        (a, b), (c, d) = scales
        raise QuestionError(
            f"perception_gap: staff answered on {a:g} to {b:g} and customers on {c:g} to {d:g}.\n"
            "  A gap needs the same item on the same scale; answers of two scales cannot be turned "
            "into one another."
        )
    low, high = scales[0]
    asked = (staff, customers)
    more = (
        {"counts": staff_counts, "clusters": staff_clusters},
        {"counts": customer_counts, "clusters": customer_clusters},
    )
    shown = f", mean ({low:g} to {high:g})"
    if top is not None:
        shown = f" ({span(top, high)} on {low:g} to {high:g})"
    found = [
        component(
            scores, name=f"perception_gap, {who}", scale=scales[0], top=top, level=level, **choices
        )
        for who, scores, choices in zip(("staff", "customers"), asked, more, strict=True)
    ]
    one, other = (dataclasses.replace(e, metric=f"Perceived {item}{shown}") for e in found)
    return difference(one, other, a_name="staff", b_name="customers")


def perception_gaps(
    staff: pd.DataFrame,
    customers: pd.DataFrame,
    keys: str | Sequence[str],
    *,
    column: str | tuple[str, str],
    staff_scale: Scale = (1, 5),
    customer_scale: Scale = (1, 5),
    item: str = "experience",
    top: float | None = None,
    staff_counts: str | None = None,
    customer_counts: str | None = None,
    staff_clusters: str | None = None,
    customer_clusters: str | None = None,
    family: Family = "holm",
    min_employees: int = LEAST_EMPLOYEES,
    min_customers: int = LEAST_CUSTOMERS,
    level: float = 0.95,
) -> Table:
    """Compare what staff think with what customers say in every unit, stage or period they share.

    Question: where do employees not know what customers experience? Interval: Welch's t, Newcombe;
    p by Holm or Benjamini-Hochberg.

    Parameters
    ----------
    staff, customers : DataFrame
        One row per answer on either side.
    keys : str or list of str
        Columns that make the groups, in both frames, e.g. the unit. Rows without a value are
        counted and not compared.
    column : str or (str, str)
        The column of the item; two names where staff and customers have it under different ones.
    staff_scale, customer_scale, item, top, level
        As in :func:`perception_gap`.
    staff_counts, customer_counts : str, optional
        Columns that say how many people a row stands for.
    staff_clusters, customer_clusters : str, optional
        Columns that say who answered, where people answer more than once.
    family : {"holm", "bh"}, default "holm"
        How p-values are adjusted, as in :func:`compare`.
    min_employees, min_customers : int, default 10 and 5
        A group with fewer people is not shown; may only be raised.

    Returns
    -------
    Table
        ``frame`` has one row per group of either side: the keys, the fields of a Difference (staff
        less customers), ``p_adjusted``, ``family``, ``direction``, ``adjusted_by`` and ``reading``,
        for the researcher's own eyes. What is shown holds the groups with enough people only, and
        the caption says how many are not.

    Raises
    ------
    ColumnError
        A frame lacks a column.
    QuestionError
        As in :func:`perception_gap`; or no group is in both frames.
    ParameterError
        A minimum is lowered.

    Notes
    -----
    Each row is :func:`perception_gap` of the group's answers. Estimates use every group, and the
    family counts every gap with a p-value, shown or not. A group is hidden where fewer people
    answered on a side (those of ``clusters`` once each), where all its employees gave the same
    answer, which would tell what each of them said, and to protect others: the hidden ones together
    must have as many people as one that is shown. n counts answers.

    References
    ----------
    Parasuraman, A., Zeithaml, V. A. and Berry, L. L. (1985). A conceptual model of service quality
    and its implications for future research. Journal of Marketing 49(4), 41-50.
    doi:10.1177/002224298504900403

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> staff = pd.DataFrame({"branch": ["A"] * 12 + ["B"] * 12, "helped": [5, 4, 5, 4] * 6})
    >>> customers = pd.DataFrame({"branch": ["A"] * 20 + ["B"] * 20,
    ...                           "helped": [3, 4, 2, 3] * 5 + [4, 5, 5, 4] * 5})
    >>> table = cx.perception_gaps(staff, customers, "branch", column="helped", item="help")
    >>> table.frame[["branch", "value", "low", "high", "p_adjusted", "reading"]].round(2)
      branch  value   low  high  p_adjusted                   reading
    0      A    1.5  1.05  1.95         0.0  staff think better of it
    1      B    0.0 -0.39  0.39         1.0            cannot be told
    """
    policy = Policy(employees=min_employees, customers=min_customers)
    names = key_names(keys, asked="perception_gaps")
    items = (column, column) if isinstance(column, str) else tuple(column)
    sides = [
        _Side(frame, names, of, counts, clusters)
        for frame, of, counts, clusters in (
            (staff, items[0], staff_counts, staff_clusters),
            (customers, items[1], customer_counts, customer_clusters),
        )
    ]
    fields = [*Difference.__dataclass_fields__, "direction", "adjusted_by", "reading"]
    check_keys(names, fields, asked="perception_gaps")
    both = set(sides[0].groups) & set(sides[1].groups)
    if not both and all(side.groups for side in sides):
        one, other = (repr(next(iter(side.groups))[0]) for side in sides)
        raise QuestionError(
            f"perception_gaps: no {', '.join(names)} is in both frames; staff have e.g. {one} and "
            f"customers {other}.\n  Write the groups of both in the same way."
        )
    every = pd.concat([side.frame[names] for side in sides], ignore_index=True)
    labels = [label for label, _ in groups_of(every.dropna(), names)]
    found = []
    for label in labels:
        given: dict[str, Any] = {"staff_scale": staff_scale, "customer_scale": customer_scale}
        for who, side in zip(("staff", "customer"), sides, strict=True):
            rows = side.groups.get(label, side.frame.iloc[:0])
            given |= {f"{who}_{what}": rows[of] for what, of in side.special.items()}
            given["customers" if who == "customer" else who] = rows[side.column]
        found.append(perception_gap(**given, item=item, top=top, level=level))
    gaps = as_family(found, family=family, asked="perception_gaps").replace(
        {"reading": {way: said for way, said in _READINGS.items() if way != said}}
    )
    frame = pd.concat([pd.DataFrame(labels, columns=names), gaps], axis=1)
    return _table(frame, names, _seen(labels, sides, gaps, policy), sides, policy)


class _Side:
    """The answers of one side by group, and how many people gave them."""

    def __init__(
        self,
        frame: pd.DataFrame,
        names: list[str],
        column: str,
        counts: str | None,
        clusters: str | None,
    ) -> None:
        special = {n: c for n, c in (("counts", counts), ("clusters", clusters)) if c is not None}
        need_columns(frame, [*names, column, *special.values()], asked="perception_gaps")
        self.frame, self.column, self.special = frame, column, special
        known = frame.dropna(subset=names)
        self.lost = len(frame) - len(known)
        self.groups = dict(groups_of(known, names))

    def people(self, label: tuple[object, ...]) -> tuple[int, bool]:
        """Return how many people of a group answered, and whether they all gave one answer."""
        rows = self.groups.get(label, self.frame.iloc[:0])
        rows = rows[rows[self.column].notna()]
        n = len(rows)
        if "counts" in self.special:
            each = check_counts(rows[self.special["counts"]], n, asked="perception_gaps")
            rows, n = (rows, n) if each is None else (rows[each > 0], int(each.sum()))
        if "clusters" in self.special:
            who = rows[self.special["clusters"]]
            n = int(who.nunique() + who.isna().sum())
        return n, len(rows[self.column].unique()) == 1


def _seen(
    labels: list[tuple[object, ...]], sides: list[_Side], gaps: pd.DataFrame, policy: Policy
) -> pd.Series:
    """Return which groups may be shown."""
    rows = [[side.people(label) for side in sides] for label in labels]
    units = pd.DataFrame(
        {
            "n_employees": [row[0][0] for row in rows],
            "n_customers": [row[1][0] for row in rows],
            "alike": [row[0][1] for row in rows],
            "engagement": gaps["value"],
            "experience": 0.0,
        },
        index=gaps.index,
    )
    there = units[gaps["value"].notna()]
    return pd.Series(gaps.index.isin(showable(there, policy).units.index), index=gaps.index)


def _table(
    frame: pd.DataFrame, names: list[str], seen: pd.Series, sides: list[_Side], policy: Policy
) -> Table:
    """Return the gaps that may be shown, under a caption that counts them by their reading."""
    groups = ", ".join(names)
    if frame.empty:
        caption = f"No gap by {groups}: there is no group."
        return Table(frame=frame, caption=caption, shown=pd.DataFrame({groups: []}))
    first, shown = frame.iloc[0], frame[seen]
    unit, label = str(first["measured_in"]), markup.percent_label(float(first["level"]))
    counted = shown["reading"].value_counts()
    ways = ", ".join(f"in {counted.get(way, 0):,} {way}" for way in _READINGS.values())
    lone, hidden = int(frame["value"].isna().sum()), int((frame["value"].notna() & ~seen).sum())
    called = str(first["adjusted_by"])
    caption = (
        f"{first['metric']} by {groups}, staff less customers, each with its own {label} interval. "
        f"Of {len(shown):,} groups shown, {ways}. Family of {int(first['family']):,}, p adjusted "
        f"by {called}; the reading follows it."
    )
    if hidden:
        caption += (
            f" {hidden:,} more {'counts' if hidden == 1 else 'count'} in the family and "
            f"{'is' if hidden == 1 else 'are'} not shown: fewer than {policy.employees} employees "
            f"or {policy.customers} customers answered there, or all employees alike, or what is "
            "shown would tell of those."
        )
    if lone:
        caption += f" {lone:,} {'has' if lone == 1 else 'have'} no gap to tell."
    for who, side in zip(("staff", "customers"), sides, strict=True):
        if side.lost:
            caption += f" {side.lost:,} rows of {who} without {groups} are not compared."
    table = Table.of(
        shown.assign(
            p=[markup.p_value(v) for v in shown["p"]],
            p_adjusted=[markup.p_value(v) for v in shown["p_adjusted"]],
        ),
        caption=caption,
        columns=[
            *((name, name, "text") for name in names),
            ("Answers of staff", "n_a", "count"),
            ("Of customers", "n_b", "count"),
            ("Staff less customers", "value", unit),
            (f"{label} interval", "low..high", unit),
            ("p", "p", "text"),
            (f"p, {called}", "p_adjusted", "text"),
            ("Reading", "reading", "text"),
        ],
    )
    return dataclasses.replace(table, frame=frame)

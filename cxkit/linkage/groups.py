"""The correlation of each region or brand, pooled by random effects."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from cxkit import markup
from cxkit.linkage.behind import people
from cxkit.linkage.ladder import correlation
from cxkit.linkage.pooling import pool
from cxkit.results import Note, Table

if TYPE_CHECKING:
    from cxkit.disclosure import Policy
    from cxkit.linkage.pairs import Pairs
    from cxkit.results import Estimate

#: Units a region or brand needs before it has a row of its own, and rows needed to pool them.
UNITS_PER_GROUP, FEWEST_GROUPS = 8, 3


def groups(pairs: Pairs, units: pd.DataFrame, policy: Policy, *, level: float) -> Table | Note:
    """Return the correlation of each region or brand, pooled by random effects.

    Every unit that has a group is in one row: groups with too few units or people, or where one
    side does not vary, are one row together, and where that is itself too small the next smallest
    group goes with them.
    """
    name = None
    if pairs.attributes is not None:
        name = next(c for c in pairs.attributes.columns if c != "unit")
    if pairs.attributes is None or name is None:
        return _none("the study declares no attribute of units")
    rows = units.merge(pairs.attributes[["unit", name]].dropna(), on="unit")
    parts = {str(group): part for group, part in rows.groupby(name, sort=True)}
    kept, small, along = _apart(pairs, parts, policy)
    frame = pd.DataFrame(
        [
            {"group": group, **r.as_row(), "z": math.atanh(r.value)}
            for group, part in kept.items()
            if (r := _r(part, level)).value is not None
        ]
    )
    if len(frame) < FEWEST_GROUPS:
        return _none(f"by {name} {'there is 1' if len(frame) == 1 else f'there are {len(frame)}'}")
    pooled = pool(frame["z"], 1 / (frame["n"] - 3), metric="pooled", level=level)
    ends = (pooled.mean.low, pooled.mean.high, pooled.prediction_low, pooled.prediction_high)
    low, high, ahead_low, ahead_high = (None if v is None else math.tanh(v) for v in ends)
    mean = None if pooled.mean.value is None else math.tanh(pooled.mean.value)
    last = [
        {"group": "all, pooled", "value": mean, "low": low, "high": high,
         "n": int(frame["n"].sum())},
        {"group": "a group not seen", "value": mean, "low": ahead_low, "high": ahead_high,
         "n": None},
    ]  # fmt: skip
    gone = len(units) - len(rows)
    without = f" {markup.counted(gone, 'unit')} without one left out." if gone else ""
    return Table.of(
        pd.concat([frame, pd.DataFrame(last)], ignore_index=True),
        caption=f"Correlation by {name} over {len(rows):,} units, pooled by random effects (REML, "
        f"Hartung–Knapp); tau of Fisher's z, the spread between groups, is "
        f"{markup.number(math.sqrt(pooled.tau2), 2)} ({markup.percent_label(level)} interval "
        f"{markup.interval(math.sqrt(pooled.tau2_low), math.sqrt(pooled.tau2_high), 'score')}). "
        f"The last row is a prediction interval.{_together(small, along, policy)}{without}",
        columns=[
            (name.capitalize(), "group", "text"),
            ("r", "value", "correlation"),
            (f"{markup.percent_label(level)} interval", "low..high", "correlation"),
            ("Units", "n", "count"),
        ],
    )


def _apart(
    pairs: Pairs, parts: dict[str, pd.DataFrame], policy: Policy
) -> tuple[dict[str, pd.DataFrame], int, int]:
    """Return the rows to show: large groups, and the small ones together with those taken along.

    The two numbers are the small groups, and those taken along to protect them.
    """

    def lacks(part: pd.DataFrame) -> bool:
        few = len(part) < UNITS_PER_GROUP or bool(policy.withheld(*people(pairs, part)))
        return few or _r(part, 0.95).value is None

    inside = [group for group, part in parts.items() if lacks(part)]
    small = len(inside)
    others = sorted(set(parts) - set(inside), key=lambda group: (len(parts[group]), group))
    kept = {group: part for group, part in parts.items() if group not in inside}
    if not inside:
        return kept, 0, 0
    while lacks(together := pd.concat([parts[group] for group in inside])) and others:
        inside.append(others.pop(0))
        del kept[inside[-1]]
    if not lacks(together):
        kept[f"{markup.counted(len(inside), 'group')} together"] = together
    return kept, small, len(inside) - small


def _r(part: pd.DataFrame, level: float) -> Estimate:
    """Return a group's correlation; none where it is exact, since no z can be made of it."""
    import dataclasses

    r = correlation(part["engagement"], part["experience"], level=level)
    if r.value is None or abs(r.value) < 1 - 1e-12:
        return r
    return dataclasses.replace(r, value=None, low=None, high=None, status="no data")


def _together(small: int, along: int, policy: Policy) -> str:
    """Say which groups have no row of their own, and why."""
    if not small:
        return ""
    also = f", {along:,} more to protect them" if along else ""
    return (
        f" {markup.counted(small, 'group')} with fewer than {UNITS_PER_GROUP} units, "
        f"{policy.employees} employees or {policy.customers} customers, or with one side the same "
        f"in every unit, {'has' if small == 1 else 'have'} no row of their own{also}."
    )


def _none(why: str) -> Note:
    """Say what pooling takes and what there is."""
    return Note(
        paragraphs=(
            f"Pooling takes at least {FEWEST_GROUPS} groups of {UNITS_PER_GROUP} units by an "
            f"attribute of units, with enough people to be shown; {why}.",
        )
    )

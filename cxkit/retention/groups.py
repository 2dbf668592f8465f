"""The effect of experience in groups of customers: what a result holds, its table and guards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxkit import markup
from cxkit.disclosure import LEAST_CUSTOMERS, customer_table
from cxkit.markup import p_value
from cxkit.metrics.families import holm
from cxkit.results import Difference, Guard, Note, Table
from cxkit.retention.hazard import FEWEST_EXITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxkit.retention.landmarked import Landmarked


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The effect of experience in groups of customers.

    Attributes
    ----------
    frame : DataFrame
        One row per group: by, group, value, low, high (percentage points, good band less poor), p,
        p_adjusted (Holm), family, n, exits, reason.
    effects : dict of str to Difference
        The same by group; the overall ones under "adjusted", "within" (averaged over groups) and
        "crude" where they exist.
    differ_p : dict of str to float
        Chance of groups as different as these if the effect were the same in all.
    table : Table or Note
    sentence : str
    guards : tuple of Guard
    reason : str
    """

    frame: pd.DataFrame
    effects: dict[str, Difference]
    differ_p: dict[str, float]
    table: Table | Note
    sentence: str
    guards: tuple[Guard, ...]
    reason: str
    level: float


def told_groups(basis: Landmarked, column: str) -> tuple[list[str], dict[str, str]]:
    """Return the groups in which both bands have enough exits, and why the others are left out."""
    exits = basis.spells.groupby([basis.spells[column], basis.spells["band"].astype(str)])["left"]
    left = exits.sum().to_dict()
    told, untold = [], {}
    for name in sorted(basis.spells[column].unique()):
        fewest = min(int(left.get((name, band), 0)) for band in (basis.low, basis.high))
        if fewest >= FEWEST_EXITS:
            told.append(str(name))
        else:
            untold[str(name)] = f"in one of the two bands fewer than {FEWEST_EXITS} left"
    return told, untold


def groups_frame(
    found: dict[str, Difference],
    by: str,
    basis: Landmarked,
    column: str,
    untold: dict[str, str],
) -> pd.DataFrame:
    """Return one row per group, those without an effect last."""
    adjusted = list(holm([d.p for d in found.values()])["p_adjusted"]) if found else []
    rows: list[dict[str, Any]] = []
    for (name, d), p in zip(found.items(), adjusted, strict=True):
        group = basis.spells[basis.spells[column] == name]
        rows.append(
            {
                "by": by,
                "group": name,
                "value": d.value,
                "low": d.low,
                "high": d.high,
                "p": d.p,
                "p_adjusted": None if p is None else float(p),
                "family": len(found),
                "n": len(group),
                "exits": int(group["left"].sum()),
                "reason": "",
            }
        )
    rows += [{"by": by, "group": name, "reason": why} for name, why in untold.items()]
    columns = ["by", "group", "value", "low", "high", "p", "p_adjusted", "family", "n", "exits"]
    return pd.DataFrame(rows, columns=[*columns, "reason"])


def groups_table(frame: pd.DataFrame, basis: Landmarked, what: str) -> Table:
    """Return the groups as a table that is read."""
    shown = _guarded(frame, len(basis.spells)).assign(
        named=[f"{b}: {g}" for b, g in zip(frame["by"], frame["group"], strict=True)],
        p_said=[p_value(p) for p in frame["p_adjusted"]],
    )
    return customer_table(
        shown,
        caption=f"Difference in {basis.horizon}-month retention, {basis.high} less {basis.low}, "
        f"{what}; n = {len(basis.spells):,} customers. p by Holm among the groups of one division; "
        "a dash: too few left, or hidden to protect others.",
        columns=[
            ("Group", "named", "text"),
            ("Difference", "value", "percentage points"),
            (f"{markup.percent_label(basis.level)} interval", "low..high", "percentage points"),
            ("p, Holm", "p_said", "text"),
            ("Customers", "n", "count"),
            ("Left", "exits", "count"),
        ],
    )


def _guarded(frame: pd.DataFrame, n: int) -> pd.DataFrame:
    """Hide the counts of a division's smallest group where they give those left out away."""
    frame = frame.copy()
    for _, rows in frame.groupby("by"):
        counts = [*rows["n"].dropna(), n - rows["n"].sum()]
        if 0 < counts[-1] < LEAST_CUSTOMERS and len(counts) > 1:
            frame.loc[rows["n"].astype(float).idxmin(), ["n", "exits"]] = None
    return frame


def groups_guard(frame: pd.DataFrame) -> Guard:
    """Say in how many groups the effect was tested."""
    tested = int(frame["p"].notna().sum())
    return Guard(
        kind="multiplicity of groups",
        fired=tested > 1,
        text=f"The effect is computed in {tested} groups; p is adjusted by Holm within each "
        "division of the customers.",
    )


def no_groups(basis: Landmarked, why: str = "") -> Groups:
    """Return a result that says why there is none."""
    said = f"No groups are compared: {why or basis.reason}"
    columns: Sequence[str] = ("by", "group", "value", "low", "high", "p", "n", "exits", "reason")
    return Groups(
        frame=pd.DataFrame(columns=list(columns)),
        effects={},
        differ_p={},
        table=Note(paragraphs=(said,)),
        sentence=said,
        guards=(Guard(kind="multiplicity of groups", fired=False, text=said),),
        reason=why or basis.reason,
        level=basis.level,
    )

"""The retention results as tables that are read: captions with n, units in the headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cxkit import markup
from cxkit.disclosure import customer_table, leavers
from cxkit.results import Note, Table
from cxkit.retention.wording import held

if TYPE_CHECKING:
    from cxkit.results import Difference
    from cxkit.retention.hazard import Hazard


def groups(groups: pd.DataFrame, caption: str, header: str, level: float) -> Table:
    """Return the groups with their shares and intervals."""
    return customer_table(
        groups,
        caption=caption,
        columns=[
            ("Group", "group", "text"),
            (header, "value", "%"),
            (f"{markup.percent_label(level)} interval", "low..high", "%"),
            ("Customers", "n", "count"),
            ("Left", "exits", "count"),
        ],
    )


def effects(
    contrasts: list[Difference], model: Hazard | None, horizon: int, level: float
) -> Table | Note:
    """Return the family of differences with raw and adjusted p."""
    if model is None:
        return Note(paragraphs=(f"No effect is estimated: {contrasts[0].reason}",))
    frame = pd.DataFrame([d.as_row() for d in contrasts])
    frame["pair"] = [f"{d.a} against {d.b}" for d in contrasts]
    equal = ", ".join(held(c) for c in model.adjusted_for)
    frame["p"], frame["p_adjusted"] = (
        [markup.p_value(v) for v in frame["p"]],
        [markup.p_value(v) for v in frame["p_adjusted"]],
    )
    return Table.of(
        frame,
        caption=f"Difference in {horizon}-month retention (percentage points), averaged over "
        f"{model.n:,} customers; held equal: {equal or 'nothing'}. {leavers(model.exits, model.n)} "
        "left in a month "
        "that could be followed to its end. " + _family(contrasts),
        columns=[
            ("Comparison", "pair", "text"),
            ("Difference", "value", "percentage points"),
            (f"{markup.percent_label(level)} interval", "low..high", "percentage points"),
            ("p", "p", "text"),
            ("p, Holm", "p_adjusted", "text"),
            ("Reading", "direction", "text"),
        ],
    )


def _family(contrasts: list[Difference]) -> str:
    """Say how many comparisons stand in one family."""
    m = sum(d.p is not None for d in contrasts)
    return f"Family of {m}, Holm." if m > 1 else "One comparison, so p is not adjusted."

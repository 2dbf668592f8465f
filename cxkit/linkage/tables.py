"""The linkage results as tables that are read: captions with n, units in the headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cxkit import markup
from cxkit.results import Note, Table

if TYPE_CHECKING:
    from cxkit.disclosure import Shown
    from cxkit.linkage.pairs import Pairs


def who(pairs: Pairs, shown: Shown) -> Table:
    """Return the accounting of units and people."""
    rows = [
        ("units with both sides", len(set(pairs.units["unit"])), "in the correlation"),
        ("units with one side only", len(pairs.unmatched), "no partner: not in the correlation"),
        ("units drawn", len(shown.units), "enough people on both sides to be shown"),
        ("units hidden", shown.hidden, "too few people to be shown; in every estimate"),
    ]
    if pairs.employees is not None and pairs.customers is not None:
        rows.insert(0, ("employees", len(pairs.employees), "answered in at least one wave"))
        rows.insert(1, ("customers", len(pairs.customers), "answered at least once"))
    frame = pd.DataFrame(rows, columns=["step", "n", "reason"])
    return Table.of(
        frame,
        caption=f"What is compared: {len(set(pairs.units['unit'])):,} units with both sides.",
        columns=[
            ("Step", "step", "text"),
            ("Number", "n", "count"),
            ("What it means", "reason", "text"),
        ],
    )


def agreement(agreed: pd.DataFrame) -> Table | Note:
    """Return rwg(j) by group of items."""
    if agreed.empty:
        return Note(
            paragraphs=(
                "Agreement within units cannot be computed: the study holds unit scores, not "
                "people's answers.",
            )
        )
    return Table.of(
        agreed,
        caption="Agreement within units, rwg(j) against a uniform null, by group of items. By "
        "convention 0.70 is enough.",
        columns=[
            ("Group", "group", "text"),
            ("Items", "items", "count"),
            ("Median rwg(j)", "median", "correlation"),
            ("Units at 0.70 or above (%)", "share", "%"),
            ("Units", "units", "count"),
        ],
    )


def lags(lagged: pd.DataFrame, level: float, sentence: str) -> Table | Note:
    """Return both lags, or why there are none."""
    if lagged.empty:
        return Note(paragraphs=(sentence,))
    return Table.of(
        lagged,
        caption="Both lags, one wave apart. Levels carry the stable differences between units, "
        "which is why both look alike; within units these are removed. Bootstrap over units.",
        columns=[
            ("Lag", "lag", "text"),
            ("Of", "of", "text"),
            ("r", "value", "correlation"),
            (f"{markup.percent_label(level)} interval", "low..high", "correlation"),
            ("Units", "n", "count"),
            ("Pairs of waves", "pairs", "count"),
        ],
    )


def ladder(steps: pd.DataFrame, level: float) -> Table:
    """Return the rungs with their figures, verdicts and reasons."""
    return Table.of(
        steps,
        caption="The ladder from answers to a correlation between units; "
        f"{markup.percent_label(level)} intervals in brackets. A rung that limits is a reason to "
        "read the correlation with care.",
        columns=[
            ("Rung", "rung", "text"),
            ("Figure", "figure", "text"),
            ("Verdict", "verdict", "text"),
            ("Reason", "reason", "text"),
        ],
    )


def correlations(by_instrument: pd.DataFrame, level: float) -> Table:
    """Return each instrument's correlation by itself."""
    return Table.of(
        by_instrument,
        caption="Correlation of engagement with experience over units, each instrument by itself "
        "(Pearson, Fisher interval).",
        columns=[
            ("Instrument", "instrument", "text"),
            ("r", "value", "correlation"),
            (f"{markup.percent_label(level)} interval", "low..high", "correlation"),
            ("Units", "n", "count"),
            ("Reading", "reading", "text"),
        ],
    )

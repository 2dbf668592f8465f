"""What the retention notebook reads: one object, its tables and notes in the order of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxkit.results import guards_table

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.results import Answer, Difference, Note, Table
    from cxkit.retention.later import Later

QUESTION = "Do customers with a better experience stay longer, and what is it worth?"


@dataclass(frozen=True, kw_only=True)
class RetentionAnswer:
    """The one result object of the retention notebook; its tables and notes are read in order.

    Attributes
    ----------
    answer : Answer
        Headline, sentences, how sure, main doubt.
    effect : Difference
        Good minus poor (dated form: retention, percentage points, adjusted) or bad minus not
        (snapshot: churn).
    groups : DataFrame
        One row per band or group: group, value, low, high, n, exits.
    groups_measure : str
        What the value of a group is, in words.
    curves : DataFrame or None
        Kaplan-Meier curves by band; None for a snapshot.
    at_risk : DataFrame or None
        Numbers at risk by band.
    who : Table or Note
        Each step of the selection, from all customers to those of the analysis.
    retained : Table
        The groups as they are read.
    effects : Table or Note
        The differences between groups, with p adjusted for their number.
    ratio : Note
        The hazard ratio, and why it is not the answer.
    usual : Note
        What the usual but biased comparison would have said.
    guards : Table
        What was checked, and what fired; of the answer alone.
    conclusion : Note
        What remains in doubt, rival explanations, what data would settle them.
    horizon : int
        Months after the landmark at which groups are compared; 0 for a snapshot.
    level : float
        Level of all intervals.
    contract : str
        Scale, direction and cut-points of the measure; "" where there is none.
    more : Later
        The later sections of the page, each computed when it is first read.
    """

    answer: Answer
    effect: Difference
    groups: pd.DataFrame
    groups_measure: str
    curves: pd.DataFrame | None
    at_risk: pd.DataFrame | None
    who: Table | Note
    retained: Table
    effects: Table | Note
    ratio: Note
    usual: Note
    guards: Table
    conclusion: Note
    more: Later
    horizon: int
    level: float
    contract: str = ""

    @property
    def every_guard(self) -> Table:
        """Return the guards of the answer and of the sections that were read."""
        told = [*(("the answer", g) for g in self.answer.guards), *self.more.guards]
        return guards_table([g for _, g in told], of=[section for section, _ in told])

"""What the engagement notebook reads: one object, its tables and notes in the order of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.disclosure import Shown
    from cxkit.linkage.action import Plane
    from cxkit.results import Answer, Estimate, Note, Table


@dataclass(frozen=True, kw_only=True)
class LinkageAnswer:
    """The one result object of the engagement notebook; its tables and notes are read in order.

    Attributes
    ----------
    answer : Answer
        Headline, sentences, how sure, main doubt.
    r : Estimate
        Pearson correlation over units of the latest instrument.
    by_instrument : DataFrame
        One row per instrument: the columns of an Estimate and ``instrument``.
    shown : Shown
        The units that may be drawn; estimates use all.
    lags : DataFrame
        Both lagged correlations.
    plane : Plane or None
        Where the units that may be drawn lie, shrunken; None without people's own answers.
    shown_beside : str
        What is said beside every correlation: that the same people rated both sides; "" if not.
    contract : str
        Scale and direction of both sides.
    verdict : str
        associated or not, and which comes first: engagement precedes, experience precedes, both,
        or cannot tell.
    """

    answer: Answer
    r: Estimate
    by_instrument: pd.DataFrame
    shown: Shown
    lags: pd.DataFrame
    verdict: str
    engagement_unit: str
    experience_unit: str
    who: Table
    measured: Table | Note
    ladder: Table
    correlations: Table
    agreement: Table | Note
    published: Table
    beside: Note
    models: Table | Note
    groups: Table | Note
    lags_table: Table | Note
    panel: Table | Note
    direction: Note
    other_arrow: Note
    later: Table | Note
    places: Table | Note
    plane: Plane | None
    league: Table | Note
    step: Note
    items: Table | Note
    items_said: Note
    guards: Table
    conclusion: Note
    level: float
    shown_beside: str = ""
    contract: str = ""

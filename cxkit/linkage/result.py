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
    verdict : str
        associated or not, and which comes first: engagement precedes, experience precedes, both,
        or cannot tell.
    engagement_unit, experience_unit : str
        What each side is measured in.
    who : Table
        Each step of the selection, from all units to those of the analysis.
    measured : Table or Note
        How engagement was measured, and who took part.
    ladder : Table
        The rungs from answers to a correlation between units, each with its verdict.
    correlations : Table
        The correlation of each instrument by itself.
    agreement : Table or Note
        How far the people of a unit agree, by group of items.
    published : Table
        This study beside published correlations, raw and corrected apart.
    beside : Note
        What that comparison says.
    models : Table or Note
        Customers' answers on their unit's engagement, within and between units apart.
    groups : Table or Note
        The correlation of each region or brand, and pooled.
    lags_table : Table or Note
        The lags as they are read, or why there are none.
    panel : Table or Note
        The panel model of three waves or more.
    direction : Note
        Which comes first, or why that cannot be told.
    other_arrow : Note
        Whether employees leave where customers were less content.
    later : Table or Note
        What experience follows within units, a wave later.
    places : Table or Note
        How many units stand in each corner of the plane.
    plane : Plane or None
        Where the units that may be drawn lie, shrunken; None without people's own answers.
    league : Table or Note
        Units' experience held to a target, shrunken, with the chance to be below it.
    engagement_league : Table or Note
        Units' engagement held to the mean of all employees, likewise.
    step : Note
        What a step of engagement goes with.
    items : Table or Note
        Which items go with experience.
    items_said : Note
        The same in a sentence.
    guards : Table
        What was checked, and what fired.
    conclusion : Note
        What cannot be concluded, rival explanations, what data would settle them.
    level : float
        Level of all intervals.
    shown_beside : str
        What is said beside every correlation: that the same people rated both sides; "" if not.
    contract : str
        Scale and direction of both sides.
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
    engagement_league: Table | Note
    step: Note
    items: Table | Note
    items_said: Note
    guards: Table
    conclusion: Note
    level: float
    shown_beside: str = ""
    contract: str = ""

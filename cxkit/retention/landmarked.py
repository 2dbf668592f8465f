"""The customers of the answer, from their landmark on, ready for models month by month."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxkit import markup
from cxkit.disclosure import count_said
from cxkit.errors import QuestionError
from cxkit.retention.asked import hold_asked
from cxkit.retention.clock import bands_of, wind, with_segments
from cxkit.retention.contrasts import bands_told
from cxkit.retention.episodes import count_months
from cxkit.retention.hazard import (
    EXITS_PER_PARAMETER,
    FEWEST_EXITS,
    Hazard,
    exits_within,
    fit,
    parameters_needed,
    pooled,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from cxkit.results import Difference
    from cxkit.retention.clock import Bands
    from cxkit.study.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmarked:
    """The customers of the answer, as month-by-month models need them.

    Attributes
    ----------
    spells : DataFrame
        One row per customer in a band of which something can be said: start (0), stop (whole months
        after the landmark, at most the horizon), left, band, score, tenure_band, landmark_month
        (calendar month, counted from year 0), and the columns held equal as text.
    low, high : str
        The poorest band and the best one.
    adjust : list of str
        Columns held equal in the answer.
    exits : int
        Customers who left within the horizon.
    model : Hazard or None
        The model of the answer; None where too few left.
    effect : Difference or None
        The answer: retention of the best band less that of the poorest.
    reason : str
        Why there is no model.
    """

    spells: pd.DataFrame
    bands: Bands
    low: str
    high: str
    adjust: list[str]
    segments: list[str]
    exits: int
    horizon: int
    gap: int
    level: float
    model: Hazard | None
    effect: Difference | None
    reason: str

    def counts(self, by: Sequence[str], *, rows: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return customers at risk and leaving in each month, by pattern."""
        chosen = self.spells if rows is None else rows
        return count_months(chosen[chosen["stop"] > 0], by)

    def people(self, by: Sequence[str], *, rows: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return the patterns of customers with their number ``n``."""
        chosen = self.spells if rows is None else rows
        return chosen.groupby(list(by), observed=True).size().rename("n").reset_index()


#: What was asked last, of which study: the sections of one report ask for the same customers.
_last: list[tuple[weakref.ref[Study], tuple[object, ...], Landmarked]] = []


def landmarked(study: Study, *, measure: str, horizon: int, gap: int, level: float) -> Landmarked:
    """Return the customers of the answer with its model, or the reason why there is none."""
    asked = (measure, horizon, gap, level)
    for known, what, found in _last:
        if known() is study and what == asked:
            return found
    found = _landmarked(study, measure=measure, horizon=horizon, gap=gap, level=level)
    _last[:] = [(weakref.ref(study), asked, found)]
    return found


def _landmarked(study: Study, *, measure: str, horizon: int, gap: int, level: float) -> Landmarked:
    """Return the customers of the answer, computed."""
    hold_asked(study, horizon=horizon, gap=gap)
    study.need("customers", "responses", why="to see who stayed, and how they were served")
    bands = bands_of(study, measure)
    clock = wind(study, bands=bands, gap=gap)
    spells = with_segments(clock.spells, study)
    if horizon < 1 or horizon > spells["months"].max():
        raise QuestionError(
            f"horizon = {horizon}: customers are followed for at most "
            f"{markup.counted(int(spells['months'].max()), 'month')} after the landmark.\n  "
            "Ask with a shorter horizon, from 1 on."
        )
    segments = [str(c) for c in spells if str(c).startswith("held: ")]
    held = ["tenure_band", *segments]
    leavers = exits_within(spells, horizon)
    told = bands_told(leavers, spells["band"])
    present = [b for b in bands.names if (spells["band"] == b).any()]
    low, high = present[0], present[-1]
    sparse = low == high or not {low, high} <= set(told)
    inside = spells[spells["band"].isin(told)] if told else spells
    needed = parameters_needed(inside, held, horizon)
    adjust = held if int(leavers.sum()) >= EXITS_PER_PARAMETER * needed else []
    model = None if sparse else fit(inside, horizon=horizon, adjust=adjust, level=level)
    adjust = adjust if model is None else list(model.adjusted_for)
    whole = np.floor(inside["months"].to_numpy(float)).astype(int)
    seen = inside["left"].to_numpy(bool) & (whole < np.floor(inside["followed"].to_numpy(float)))
    columns = {c: pooled(inside, c, horizon).astype("category") for c in held}
    ready = inside.rename(columns={bands.measure: "score"}).assign(
        start=0,
        stop=np.minimum(whole + seen, horizon),
        left=seen & (whole < horizon),
        landmark_month=inside["landmark"].dt.year * 12 + inside["landmark"].dt.month - 1,
        **columns,
    )
    ready["band"] = ready["band"].cat.remove_unused_categories()
    reason = "" if model is not None else _why(leavers, spells, low, high, horizon)
    return Landmarked(
        spells=ready,
        bands=bands,
        low=low,
        high=high,
        adjust=adjust,
        segments=segments,
        exits=int(ready["left"].sum()),
        horizon=horizon,
        gap=gap,
        level=level,
        model=model,
        effect=None if model is None else model.effect(high, low),
        reason=reason,
    )


def _why(leavers: pd.Series, spells: pd.DataFrame, low: str, high: str, horizon: int) -> str:
    """Say why the bands cannot be compared."""
    if low == high:
        return f"all {count_said(len(spells))} customers who can be followed are {low}."
    exits = leavers.groupby(spells["band"], observed=True).sum()
    band = min((low, high), key=lambda b: int(exits[b]))
    few = "none" if exits[band] == 0 else f"fewer than {FEWEST_EXITS}"
    within = f"within {markup.counted(horizon, 'month')}"
    return f"{within} {few} of the {band} left, and {FEWEST_EXITS} are needed."

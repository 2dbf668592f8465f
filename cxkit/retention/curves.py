"""Retention from the landmark on, band by band: Kaplan-Meier with its numbers at risk."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pandas as pd

from cxkit.disclosure import gives_away, share_untold
from cxkit.metrics.durations import kaplan_meier, km_at
from cxkit.retention.hazard import exits_within

if TYPE_CHECKING:
    import numpy as np

    from cxkit.results import Estimate


def curves(spells: pd.DataFrame, *, bands: list[str], level: float) -> pd.DataFrame:
    """Return one Kaplan-Meier curve for each of ``bands``, from the landmark (month 0) on."""
    parts = [pd.DataFrame({"band": []})]
    for band, rows in spells.groupby("band", observed=True, sort=True):
        if band not in bands:
            continue
        curve = kaplan_meier(rows["months"], rows["left"], level=level)
        parts.append(curve.assign(band=band))
    stacked = pd.concat(parts, ignore_index=True)
    stacked["band"] = pd.Categorical(stacked["band"], categories=spells["band"].cat.categories)
    return stacked


def retained(
    spells: pd.DataFrame, *, horizon: float, level: float, fewest: int
) -> dict[str, Estimate]:
    """Return each band's share retained ``horizon`` months after the landmark, in percent.

    Withheld are a band of fewer than ``fewest`` customers, and one of which so few left, or stayed,
    that the share would tell how many.
    """
    found: dict[str, Estimate] = {}
    for band, rows in spells.groupby("band", observed=True, sort=True):
        curve = kaplan_meier(rows["months"], rows["left"], level=level)
        kept = km_at(curve, horizon)
        left = int(exits_within(rows, int(horizon)).sum())
        if len(rows) < fewest:
            kept = _withheld(kept, f"fewer than {fewest} customers, so it is not shown.")
        elif gives_away(left, len(rows)):
            kept = _withheld(kept, share_untold(left, len(rows)))
        found[str(band)] = kept
    return found


def _withheld(kept: Estimate, reason: str) -> Estimate:
    """Return an estimate without its numbers."""
    return dataclasses.replace(
        kept,
        value=None,
        low=None,
        high=None,
        se=None,
        status="withheld",
        reason=reason,
    )


def at_risk(spells: pd.DataFrame, *, months: np.ndarray) -> pd.DataFrame:
    """Count the customers of each band who are still followed at each of ``months``."""
    rows = {
        band: [int((group["months"] >= m).sum()) for m in months]
        for band, group in spells.groupby("band", observed=True, sort=True)
    }
    return pd.DataFrame(rows, index=pd.Index(months, name="months")).T

"""The differences between bands: one family of comparisons, and those that cannot be told."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.disclosure import count_said, leavers
from cxkit.metrics.families import holm
from cxkit.results import Difference
from cxkit.retention.hazard import FEWEST_EXITS

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.retention.hazard import Hazard


def contrasts(
    model: Hazard | None,
    spells: pd.DataFrame,
    left: pd.Series,
    *,
    horizon: int,
    level: float,
    fewest: int,
) -> list[Difference]:
    """Return all pairs of bands, the widest first, p adjusted by Holm among those that have one.

    Parameters
    ----------
    model : Hazard or None
        Fitted on the bands in which enough customers left; None where those are not two.
    spells : DataFrame
        From the clock.
    left : Series of bool
        Who left within the horizon.
    horizon : int
        Months after the landmark.
    level : float
        Level of the intervals.
    fewest : int
        Customers a band must have before anything is said of them.

    Returns
    -------
    list of Difference
        The first compares the best band with the poorest; a pair with a band in which too few left
        has no number and says why.
    """
    exits = left.groupby(spells["band"], observed=True).sum()
    present = [str(b) for b in exits.index]
    if len(present) < 2:
        return [_alone(present[0], len(spells), horizon, level)]
    pairs = [(a, b) for i, b in enumerate(present) for a in present[i + 1 :]]
    pairs.sort(key=lambda p: present.index(p[1]) - present.index(p[0]))
    n = spells["band"].value_counts()
    raw = [
        model.effect(a, b)
        if model is not None and {a, b} <= set(model.bands)
        else _untold(a, b, _why(a, b, exits, n, horizon, fewest), n, horizon, level)
        for a, b in pairs
    ]
    found = holm([d.p for d in raw])
    return [
        d if d.p is None else dataclasses.replace(d, p_adjusted=float(p), family=int(family))
        for d, p, family in zip(raw, found["p_adjusted"], found["family"], strict=True)
    ]


def bands_told(left: pd.Series, bands: pd.Series) -> list[str]:
    """Return the bands in which enough customers left for a ratio."""
    exits = left.groupby(bands, observed=True).sum()
    return [str(b) for b, n in exits.items() if n >= FEWEST_EXITS]


def _why(a: str, b: str, exits: pd.Series, n: pd.Series, horizon: int, fewest: int) -> str:
    """Say how few left, or that a band is too small to be spoken of."""
    small = [band for band in (b, a) if n[band] < fewest]
    if small:
        return f"fewer than {fewest} of the customers who can be followed are {small[0]}."
    return (
        f"within {markup.counted(horizon, 'month')} {leavers(int(exits[b]), n[b])} of {n[b]:,} {b} "
        f"and {leavers(int(exits[a]), n[a])} of {n[a]:,} {a} left, too few for an interval to be "
        "trusted."
    )


def _alone(band: str, n: int, horizon: int, level: float) -> Difference:
    """Return the comparison of the only band with nobody."""
    reason = (
        f"all {count_said(n)} customers who can be followed are {band}; there is nobody to compare."
    )
    return _untold("any other band", band, reason, {band: n}, horizon, level)


def _untold(
    a: str,
    b: str,
    reason: str,
    n: pd.Series | dict[str, int],
    horizon: int,
    level: float,
) -> Difference:
    """Return a difference without a number."""
    return Difference(
        metric=f"Retention {markup.counted(horizon, 'month')} after the landmark",
        measured_in="percentage points",
        a=a,
        b=b,
        value=None,
        low=None,
        high=None,
        se=None,
        p=None,
        level=level,
        n_a=int(n.get(a, 0)),
        n_b=int(n.get(b, 0)),
        n_missing=0,
        method="discrete-time hazard (cloglog)",
        status="no data",
        reason=reason,
    )

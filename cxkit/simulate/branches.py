"""The branches: where they are, how large, how well they serve and how engaged their people are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxkit.simulate.days import FIRST_WAVE, QUARTER_STARTS
from cxkit.simulate.draws import KEPT, Draws, autoregressive

REGIONS = ("North", "South", "East", "West", "Centre")
SIZES = ("small", "medium", "large")
SIZE_SHARES = (0.35, 0.45, 0.20)
STAFF_WEIGHTS = np.array([9.0, 17.0, 28.0])
CUSTOMER_WEIGHTS = np.array([0.6, 1.0, 1.7])

#: Every fortieth branch has just opened: nearly no customers, so that there is something to hide.
NEW_EVERY, NEW_CUSTOMERS = 40, 3

#: Standard deviations of what a branch is over the years, and of what it is in one quarter.
ENGAGEMENT_STABLE, ENGAGEMENT_QUARTER = 0.20, 0.10
SERVICE_STABLE, SERVICE_QUARTER = 1.0, 0.15
QUARTER_LAG = 0.4

_TOWNS = (
    *("Alderholt", "Birkenau", "Carrow", "Dunmere", "Elstow", "Fairwater", "Grünfeld", "Harrow"),
    *("Ivrea", "Juniper", "Kestrel", "Łomża", "Marlow", "Northgate", "Oakham", "Pärnu", "Quarry"),
    *("Redmarsh", "Stonebridge", "Tilbury", "Umber", "Vale", "Westerby", "Yarrow"),
)
_STREETS = ("Market Square", "Station Road", "Harbour", "Old Mill", "High Street")


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """What each branch is; ``service`` has SD 1, quarterly deviations are on the answer's scale."""

    ids: np.ndarray
    names: tuple[str, ...]
    region: np.ndarray
    size: np.ndarray
    urban: np.ndarray
    new: np.ndarray
    service: np.ndarray
    engagement: np.ndarray
    service_quarter: np.ndarray  # branches x quarters
    engagement_wave: np.ndarray  # branches x waves
    staff: np.ndarray  # posts

    @property
    def n(self) -> int:
        """Return the number of branches."""
        return len(self.ids)


def draw_branches(seed: int, *, branches: int, staff: int, engagement_link: float) -> Branches:
    """Draw the branches; their stable service and engagement correlate by ``engagement_link``.

    Notes
    -----
    The quarterly deviations are AR(1) and independent of each other at every lag: within a branch,
    neither side precedes the other.
    """
    draws = Draws(seed, 1)
    size = draws.kind(SIZE_SHARES, branches)
    service = draws.normal(branches)
    own = draws.normal(branches)
    engagement = engagement_link * service + (1 - engagement_link**2) ** 0.5 * own
    quarters = len(QUARTER_STARTS)
    weights = STAFF_WEIGHTS[size] * (0.7 + 0.6 * draws.uniform(branches))
    number = np.arange(branches)
    return Branches(
        ids=np.array([f"b{i + 1:03d}" for i in number]),
        names=tuple(_name(i) for i in range(branches)),
        region=draws.order(branches) % len(REGIONS),
        size=size,
        urban=draws.happens(np.array([0.4, 0.6, 0.8])[size]),
        new=(number % NEW_EVERY == NEW_EVERY - 1),
        service=service,
        engagement=np.round(ENGAGEMENT_STABLE * engagement, KEPT),
        service_quarter=autoregressive(
            draws, units=branches, times=quarters, sd=SERVICE_QUARTER, lag=QUARTER_LAG
        ),
        engagement_wave=autoregressive(
            draws,
            units=branches,
            times=quarters - FIRST_WAVE,
            sd=ENGAGEMENT_QUARTER,
            lag=QUARTER_LAG,
        ),
        staff=_shared_out(staff, weights),
    )


def units_table(b: Branches) -> dict[str, list[str]]:
    """Return the columns of units.csv."""
    return {
        "branch": b.ids.tolist(),
        "branch_name": list(b.names),
        "region": [REGIONS[r] for r in b.region],
        "size": [SIZES[s] for s in b.size],
        "urban": ["yes" if u else "no" for u in b.urban],
    }


def _name(i: int) -> str:
    """Name the i-th branch after a town and a street, then with a number."""
    town, street = _TOWNS[i % len(_TOWNS)], _STREETS[i // len(_TOWNS) % len(_STREETS)]
    again = i // (len(_TOWNS) * len(_STREETS))
    return f"{town} {street}" + (f" {again + 1}" if again else "")


def _shared_out(total: int, weights: np.ndarray) -> np.ndarray:
    """Share out ``total`` by weights into whole numbers (largest remainder)."""
    exact = np.round(total * weights / weights.sum(), KEPT)
    whole = np.floor(exact).astype(int)
    rest = np.argsort(-(exact - whole), kind="stable")[: total - whole.sum()]
    whole[rest] += 1
    return whole

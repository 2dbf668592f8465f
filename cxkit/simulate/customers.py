"""The customers: how they are served, and the day each would leave under every experience."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxkit.simulate.branches import CUSTOMER_WEIGHTS, NEW_CUSTOMERS, REGIONS, Branches
from cxkit.simulate.days import AS_OF, FOUNDED, OBSERVED_FROM, blank, iso
from cxkit.simulate.draws import KEPT, Draws

BANDS = ("good", "middling", "poor")
#: Hazard of leaving in each band against the good one, at ``experience_effect=1``.
BAND_FACTORS = np.array([1.0, 1.5, 2.4])

SEGMENTS = ("personal", "business", "premium")
SEGMENT_SHARES = (0.60, 0.22, 0.18)
#: The segment moves both the experience and the leaving: the planted confounder.
SEGMENT_FACTORS = np.array([1.0, 1.35, 0.65])
SEGMENT_EXPERIENCE = np.array([0.0, -0.40, 0.45])
PLANS = ("basic", "plus", "complete")
REVENUE = np.array([240.0, 900.0, 1500.0])

#: Monthly hazard of leaving by months with the firm, before segment and experience.
MONTH = 365.25 / 12
TENURE_MONTHS = np.array([0.0, 6.0, 12.0, 24.0, 48.0])
TENURE_HAZARDS = np.array([0.024, 0.020, 0.015, 0.011, 0.009])
_STARTS = TENURE_MONTHS * MONTH
_DAILY = TENURE_HAZARDS / MONTH
_REACHED = np.concatenate([[0.0], np.cumsum(np.diff(_STARTS) * _DAILY[:-1])])

SERVICE_WEIGHT, PERSON_WEIGHT = 0.45, 0.90
BAND_EDGES = (0.25, -0.60)  # above: good; below: poor

REASONS = ("service", "price", "moved away", "another bank", "closed by the bank")


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers:
    """The customers in the table. Days count from 1970; ``tenure`` columns are the bands' order."""

    ids: np.ndarray
    branch: np.ndarray
    segment: np.ndarray
    plan: np.ndarray
    revenue: np.ndarray
    joined: np.ndarray
    band: np.ndarray
    patience: np.ndarray  # cumulative hazard at which the customer leaves
    rates: np.ndarray  # customers x bands: hazard against the base
    leaves: np.ndarray  # customers x bands: the day they would leave, were they always so served
    reason: np.ndarray

    @property
    def n(self) -> int:
        """Return the number of customers."""
        return len(self.ids)

    @property
    def left(self) -> np.ndarray:
        """Return the day each customer leaves in fact, also after ``as_of``."""
        return self.leaves[np.arange(self.n), self.band]

    def leaves_if(self, band: int, since: np.ndarray) -> np.ndarray:
        """Return the day each would leave, their own experience until ``since`` and ``band`` after.

        Meaningful for those still there at ``since``.
        """
        own = self.rates[np.arange(self.n), self.band]
        spent = base_hazard(since - self.joined)
        rest = np.maximum(self.patience - own * spent, 0.0)
        return self.joined + _leaving_day(spent + rest / self.rates[:, band])


def base_hazard(days: np.ndarray) -> np.ndarray:
    """Return the cumulative base hazard after so many days with the firm."""
    days = np.maximum(np.asarray(days, float), 0.0)
    step = np.searchsorted(_STARTS, days, side="right") - 1
    return _REACHED[step] + (days - _STARTS[step]) * _DAILY[step]


def _leaving_day(reached: np.ndarray) -> np.ndarray:
    """Return the day after joining, 1 or later, on which the cumulative base hazard is reached."""
    step = np.searchsorted(_REACHED, reached, side="right") - 1
    days = _STARTS[step] + (reached - _REACHED[step]) / _DAILY[step]
    return np.floor(np.round(days, 6)).astype(int) + 1


def draw_customers(
    seed: int, branches: Branches, *, customers: int, experience_effect: float
) -> Customers:
    """Draw customers who were there on or after the first day of the data.

    Notes
    -----
    Hazard of leaving at tenure t: base(t) x segment factor x band factor ** experience_effect.
    Each customer has one exponential threshold; they leave when their cumulative hazard passes it,
    under whichever experience, so that the potential days differ by the experience alone.
    Those who left before the data begin are not in the table, as in a firm's own export.
    """
    draws, n = Draws(seed, 2), 4 * customers + 40
    branch = draws.kind(CUSTOMER_WEIGHTS[branches.size], n)
    segment = draws.kind(SEGMENT_SHARES, n)
    served = np.round(
        SERVICE_WEIGHT * branches.service[branch]
        + SEGMENT_EXPERIENCE[segment]
        + PERSON_WEIGHT * draws.normal(n),
        KEPT,
    )
    band = (served <= BAND_EDGES[0]).astype(int) + (served <= BAND_EDGES[1])
    joined = draws.whole(FOUNDED, AS_OF - 11, n)
    patience = draws.exponential(n)
    rates = SEGMENT_FACTORS[segment][:, None] * BAND_FACTORS[None, :] ** experience_effect
    leaves = joined[:, None] + _leaving_day(patience[:, None] / rates)
    left = leaves[np.arange(n), band]
    plan = draws.kind(np.array([[0.6, 0.3, 0.1], [0.3, 0.5, 0.2], [0.1, 0.4, 0.5]])[segment], n)
    spread = np.exp(0.45 * draws.normal(n))
    excess = 1 - rates[:, 0] / rates[np.arange(n), band]
    service_share = np.round(np.clip(0.05 + 0.8 * excess, 0.02, 0.9), KEPT)
    weights = (1 - service_share)[:, None] * np.array([[0.35, 0.25, 0.30, 0.10]])
    reason = draws.kind(np.column_stack([service_share, weights]), n)
    kept = left >= OBSERVED_FROM
    too_many = branches.new[branch] & (_rank_within(branch, kept) >= NEW_CUSTOMERS)
    chosen = np.flatnonzero(kept & ~too_many)[:customers]
    return Customers(
        ids=np.array([f"c{i + 1:05d}" for i in range(len(chosen))]),
        branch=branch[chosen],
        segment=segment[chosen],
        plan=plan[chosen],
        revenue=np.rint(np.round((REVENUE[segment] * spread * (1 + 0.4 * plan))[chosen], 6)),
        joined=joined[chosen],
        band=band[chosen],
        patience=patience[chosen],
        rates=rates[chosen],
        leaves=leaves[chosen],
        reason=reason[chosen],
    )


def customers_table(c: Customers, b: Branches) -> dict[str, list[str]]:
    """Return the columns of customers.csv: what the firm knows, up to ``as_of``."""
    gone = c.left <= AS_OF
    return {
        "customer_id": c.ids.tolist(),
        "branch": b.ids[c.branch].tolist(),
        "region": [REGIONS[r] for r in b.region[c.branch]],
        "segment": [SEGMENTS[s] for s in c.segment],
        "plan": [PLANS[p] for p in c.plan],
        "joined_on": iso(c.joined),
        "left_on": iso(c.left, gone),
        "left_because": blank((REASONS[r] for r in c.reason), gone),
        "yearly_revenue": [str(int(v)) for v in c.revenue],
    }


def _rank_within(group: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Return how many counted members of its group stand before each."""
    order = np.argsort(group, kind="stable")
    running = np.cumsum(counted[order]) - counted[order]
    first = np.searchsorted(group[order], group[order], side="left")
    rank = np.empty(len(group), int)
    rank[order] = running - running[first]
    return rank

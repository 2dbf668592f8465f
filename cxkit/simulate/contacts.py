"""What customers bring and buy: service tickets, some still open, and orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxkit.simulate.days import AS_OF, OBSERVED_FROM, blank, iso, iso_minutes
from cxkit.simulate.draws import KEPT, Draws

if TYPE_CHECKING:
    from cxkit.simulate.branches import Branches
    from cxkit.simulate.customers import Customers

#: Tickets a year in each band, and orders a year in each segment.
TICKETS_A_YEAR = np.array([0.30, 0.42, 0.70])
ORDERS_A_YEAR = np.array([0.8, 1.4, 1.2])
#: Median hours to a resolution: by a person, by the automated channel, and of what gets stuck.
MEDIAN_HOURS = np.array([20.0, 1.5, 1400.0])
SPREAD = np.array([1.1, 0.8, 0.6])
AUTOMATED, STUCK, REOPENED = 0.30, 0.02, 0.06
CLOSED_UNANSWERED, CLOSED_AFTER_HOURS = np.array([0.03, 0.20]), 14 * 24
ORDER_AMOUNT = np.array([60.0, 220.0, 180.0])


def _moments(
    draws: Draws, c: Customers, yearly: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return customers and days of events at a yearly rate, while they were customers."""
    begin = np.maximum(c.joined, OBSERVED_FROM)
    end = np.minimum(c.left, AS_OF + 1)
    waits = draws.exponential(c.n, most) * (365.25 / yearly)[:, None]
    days = begin[:, None] + np.floor(np.round(np.cumsum(waits, axis=1), 6)).astype(int)
    who, which = np.nonzero(days < end[:, None])
    day = days[who, which]
    order = np.lexsort((who, day))
    return who[order], day[order]


def tickets_table(seed: int, c: Customers, b: Branches) -> dict[str, list[str]]:
    """Return the columns of tickets.csv; a ticket not resolved by ``as_of`` is open.

    Notes
    -----
    The clock runs through nights: hours are calendar hours from opening to resolution. Better
    served branches resolve faster; leaving does not close a ticket.
    """
    draws = Draws(seed, 4)
    who, day = _moments(draws, c, TICKETS_A_YEAR[c.band], 12)
    n = len(who)
    branch = c.branch[who]
    automated = draws.happens(AUTOMATED, n).astype(int)
    stuck = draws.happens(STUCK, n)
    pace = np.where(stuck, 2, automated)
    hours = MEDIAN_HOURS[pace] * np.exp(
        SPREAD[pace] * draws.normal(n) - 0.25 * b.service[branch] * (pace == 0)
    )
    dropped = draws.happens(CLOSED_UNANSWERED[automated]) & ~stuck
    reopened = draws.happens(REOPENED, n) & ~dropped
    hours = np.where(dropped, CLOSED_AFTER_HOURS, hours * np.where(reopened, 3.0, 1.0))
    took = np.maximum(np.rint(np.round(60 * hours, 3)), 2).astype(int)
    opened = day * 1440 + draws.whole(8 * 60, 18 * 60 - 1, n)
    share = np.round(0.02 + 0.5 * draws.uniform(n), KEPT)
    first = opened + np.maximum(np.floor(np.round(np.minimum(took, 4320) * share, 3)), 1).astype(
        int
    )
    closed = opened + took
    close_of_data = (AS_OF + 1) * 1440 - 1
    done = closed <= close_of_data
    wait = np.floor(np.round(np.where(automated == 1, 0.5, 6.0) * draws.exponential(n), 6)).astype(
        int
    )
    return {
        "ticket_id": [f"t{i + 1:05d}" for i in range(n)],
        "customer_id": c.ids[who].tolist(),
        "branch": b.ids[branch].tolist(),
        "opened_at": iso_minutes(opened),
        "first_response_at": iso_minutes(first, (first <= close_of_data) & ~dropped),
        "resolved_at": iso_minutes(closed, done),
        "reopened": blank(np.where(reopened, "yes", "no").tolist(), done),
        "handled_by": ["automated" if a else "human" for a in automated],
        "wait_minutes": [str(int(w)) for w in np.round(wait, 6)],
        "auto_closed": blank(np.where(dropped, "yes", "no").tolist(), done),
    }


def orders_table(seed: int, c: Customers) -> dict[str, list[str]]:
    """Return the columns of orders.csv; buying does not depend on the experience."""
    draws = Draws(seed, 5)
    who, day = _moments(draws, c, ORDERS_A_YEAR[c.segment], 16)
    amount = ORDER_AMOUNT[c.segment[who]] * np.exp(0.6 * draws.normal(len(who)))
    return {
        "customer_id": c.ids[who].tolist(),
        "ordered_on": iso(day),
        "amount": [f"{a:.2f}" for a in np.round(amount, 2)],
    }

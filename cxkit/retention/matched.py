"""Leaving of the affected against weighted others, with errors that know customers repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Events by which a kind's rate of becoming affected is drawn towards that of all.
PRIOR_EVENTS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """People watched from a day on, in cells of like people; a customer may stand in many rows.

    Attributes
    ----------
    customer : ndarray of int
        Position of the customer, the cluster of the errors.
    cell : ndarray of int
        Those with the same number are alike: only they are compared.
    affected : ndarray of bool
    days : ndarray of int
        Days from the start of the clock to leaving, or to the end of following; 1 or more.
    left : ndarray of bool
        Whether the following ended by leaving.
    turned : ndarray of bool
        Whether it ended because the customer became affected in turn.
    kind : ndarray of int
        What a row's customer is like, months apart: those who become affected at one rate.
    """

    customer: np.ndarray
    cell: np.ndarray
    affected: np.ndarray
    days: np.ndarray
    left: np.ndarray
    turned: np.ndarray
    kind: np.ndarray

    def where(self, keep: np.ndarray) -> Rows:
        """Return the rows to keep."""
        return Rows(**{f: getattr(self, f)[keep] for f in self.__dataclass_fields__})

    def turning(self) -> np.ndarray:
        """Return, for each kind, how many of the others become affected a day.

        Notes
        -----
        Events by days watched, drawn towards the rate of all by as much as five events would: a
        kind with few days has no rate of its own to speak of.
        """
        other = ~self.affected
        kinds = int(self.kind.max(initial=0)) + 1
        events = np.bincount(self.kind[other], self.turned[other], minlength=kinds)
        watched = np.bincount(self.kind[other], self.days[other], minlength=kinds)
        if events.sum() == 0:
            return np.zeros(kinds)
        everybody = events.sum() / watched.sum()
        rates: np.ndarray = (events + PRIOR_EVENTS) / (watched + PRIOR_EVENTS / everybody)
        return rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """Shares leaving by each day asked for: affected, others alike, and what each customer adds.

    ``influence`` has one row per customer and one column per day; the variance of a difference is
    its sum of squares, of a difference of two differences that of the difference of their rows.
    """

    affected: np.ndarray
    others: np.ndarray
    influence: np.ndarray
    n_affected: int
    n_others: int
    unmatched: int
    watched: np.ndarray  # affected rows still followed at each day
    exits: np.ndarray  # the smaller of the two groups' exits by each day

    @property
    def value(self) -> np.ndarray:
        """Return affected minus others, as shares."""
        return self.affected - self.others

    @property
    def se(self) -> np.ndarray:
        """Return the standard errors, customers as clusters."""
        return cluster_se(self.influence)


def cluster_se(influence: np.ndarray) -> np.ndarray:
    """Return standard errors from what each customer adds; customers without a row add nothing."""
    there = int((influence != 0).any(axis=1).sum())
    correction = there / (there - 1) if there > 1 else 1.0
    return np.sqrt(correction * (influence**2).sum(axis=0))


def leaving(
    days: np.ndarray,
    left: np.ndarray,
    weight: np.ndarray,
    at: Sequence[int],
    *,
    kind: np.ndarray | None = None,
    turning: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted Kaplan-Meier share that left by each day, and each row's influence.

    Notes
    -----
    F(t) = 1 - prod over u <= t of (1 - d(u) / Y(u)) with weighted exits d and numbers at risk Y.
    A row's influence is its weight times the derivative of F by that weight (infinitesimal
    jackknife): unweighted, the sum of its squares is Greenwood's variance. Where rows stop because
    they become affected, at a daily rate r of their kind, those left of it stand for them: on day
    u a row weighs exp(r u) times as much (inverse probability of not having been affected yet).
    """
    longest = max(at)
    stop = np.minimum(days, longest + 1)
    gone = left & (days <= longest)
    kind = np.zeros(len(days), int) if kind is None else kind
    rate = np.zeros(int(kind.max(initial=0)) + 1) if turning is None else turning
    shape = (len(rate), longest + 2)
    place = kind * shape[1] + stop
    size = shape[0] * shape[1]
    growing = np.exp(np.outer(rate, np.arange(shape[1])))
    ended = np.bincount(place, weight, minlength=size).reshape(shape)
    exits = (np.bincount(place[gone], weight[gone], minlength=size).reshape(shape) * growing).sum(0)
    at_risk = (ended[:, ::-1].cumsum(axis=1)[:, ::-1] * growing).sum(axis=0)
    staying = np.where(at_risk - exits > 1e-9 * ended.sum(), at_risk - exits, 0.0)
    kept = np.divide(staying, at_risk, out=np.ones_like(at_risk), where=at_risk > 0)
    survival = np.cumprod(kept)
    jump = np.divide(1.0, staying, out=np.zeros_like(staying), where=staying > 0)
    step = np.divide(exits * jump, at_risk, out=np.zeros_like(jump), where=at_risk > 0)
    spent = np.cumsum(growing * step, axis=1)
    shares, influence = np.empty(len(at)), np.empty((len(days), len(at)))
    for j, t in enumerate(at):
        own = -spent[kind, np.minimum(stop, t)]
        event = gone & (days <= t)
        own[event] += (growing[kind[event], stop[event]]) * jump[stop[event]]
        shares[j] = 1 - survival[t]
        influence[:, j] = survival[t] * weight * own
    return shares, influence


def excess(
    rows: Rows, at: Sequence[int], *, customers: int, times: np.ndarray | None = None
) -> Excess | None:
    """Return how many more of the affected leave than others of their cells; None of nobody.

    Parameters
    ----------
    rows : Rows
    at : sequence of int
        Days after the start of the clock.
    customers : int
        How many customers there are; their positions run below it.
    times : ndarray of float, shape (customers,), optional
        How often each customer counts, for a bootstrap.

    Notes
    -----
    Others weigh, in each cell, as many as the affected there (standardised to the affected);
    affected in a cell without others are set aside and counted. Others who become affected stop
    there, and those of their kind stand for them. The influence allows for the
    cells' weights being estimated: deviations from the cell, not from the whole, count for others.
    """
    count = np.ones(len(rows.cell)) if times is None else times[rows.customer].astype(float)
    cells = int(rows.cell.max(initial=-1)) + 1
    hit = rows.affected
    n1 = np.bincount(rows.cell[hit], count[hit], minlength=cells)
    n0 = np.bincount(rows.cell[~hit], count[~hit], minlength=cells)
    both = ((n1 > 0) & (n0 > 0))[rows.cell] & (count > 0)
    one, other = both & hit, both & ~hit
    if not one.any():
        return None
    share = np.divide(n1, n0, out=np.zeros_like(n1), where=n0 > 0)
    f1, i1 = leaving(rows.days[one], rows.left[one], count[one], at)
    f0, i0 = leaving(
        rows.days[other],
        rows.left[other],
        count[other] * share[rows.cell[other]],
        at,
        kind=rows.kind[other],
        turning=rows.turning(),
    )
    influence = np.empty((customers, len(at)))
    for j in range(len(at)):
        of_cell = np.bincount(rows.cell[other], i0[:, j], minlength=cells)
        first = i1[:, j] - count[one] * (of_cell / np.maximum(n1, 1e-12))[rows.cell[one]]
        second = i0[:, j] - count[other] * (of_cell / np.maximum(n0, 1e-12))[rows.cell[other]]
        influence[:, j] = np.bincount(rows.customer[one], first, minlength=customers)
        influence[:, j] -= np.bincount(rows.customer[other], second, minlength=customers)
    at_days = np.asarray(at)[:, None]
    return Excess(
        affected=f1,
        others=f0,
        influence=influence,
        n_affected=len(np.unique(rows.customer[one])),
        n_others=len(np.unique(rows.customer[other])),
        unmatched=int(count[hit & ~both].sum()),
        watched=(rows.days[one][None, :] >= at_days).sum(axis=1),
        exits=np.minimum(
            (rows.left[one] & (rows.days[one] <= at_days)).sum(axis=1),
            (rows.left[other] & (rows.days[other] <= at_days)).sum(axis=1),
        ),
    )

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


class Group:
    """Rows that are followed together: the Kaplan-Meier share that left, under any weights.

    Notes
    -----
    F(t) = 1 - prod over u <= t of (1 - d(u) / Y(u)) with weighted exits d and numbers at risk Y.
    Where rows stop because they become affected, at a daily rate r of their kind, those left of it
    stand for them: on day u a row weighs exp(r u) times as much (inverse probability of not having
    been affected yet).
    """

    def __init__(
        self,
        days: np.ndarray,
        left: np.ndarray,
        at: Sequence[int],
        *,
        kind: np.ndarray | None = None,
        turning: np.ndarray | None = None,
    ) -> None:
        """Keep what does not depend on the weights; ``turning`` has one daily rate per kind."""
        self.at = list(at)
        self.days, self.kind = days, np.zeros(len(days), int) if kind is None else kind
        rate = np.zeros(int(self.kind.max(initial=0)) + 1) if turning is None else turning
        longest = max(at)
        self.stop = np.minimum(days, longest + 1)
        self.gone = left & (days <= longest)
        self.shape = (len(rate), longest + 2)
        self.place = self.kind * self.shape[1] + self.stop
        self.growing = np.exp(np.outer(rate, np.arange(self.shape[1])))
        self.leaver = self.place[self.gone]

    def _by_day(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return, for each day, the weight of those at risk, who leaves, and who stays."""
        size = self.shape[0] * self.shape[1]
        ended = np.bincount(self.place, weight, minlength=size).reshape(self.shape)
        exits = np.bincount(self.leaver, weight[self.gone], minlength=size).reshape(self.shape)
        leaving = np.einsum("ku,ku->u", exits, self.growing)
        at_risk = np.einsum("ku,ku->u", ended[:, ::-1].cumsum(axis=1)[:, ::-1], self.growing)
        left_over = at_risk - leaving
        staying = np.where(left_over > 1e-9 * weight.sum(), left_over, 0.0)
        return at_risk, leaving, staying

    def shares(self, weight: np.ndarray) -> np.ndarray:
        """Return the share that left by each day asked for."""
        at_risk, _, staying = self._by_day(weight)
        return 1 - _survival(at_risk, staying)[self.at]

    def influence(self, weight: np.ndarray) -> np.ndarray:
        """Return what each row adds to each share, shape (rows, days asked for).

        Its weight times the derivative of F by that weight (infinitesimal jackknife): unweighted,
        the sum of its squares is Greenwood's variance.
        """
        at_risk, leaving, staying = self._by_day(weight)
        survival = _survival(at_risk, staying)
        jump = np.divide(1.0, staying, out=np.zeros_like(staying), where=staying > 0)
        step = np.divide(leaving * jump, at_risk, out=np.zeros_like(jump), where=at_risk > 0)
        spent = np.cumsum(self.growing * step, axis=1)
        influence = np.empty((len(self.days), len(self.at)))
        for j, t in enumerate(self.at):
            own = -spent[self.kind, np.minimum(self.stop, t)]
            event = self.gone & (self.days <= t)
            day = self.stop[event]
            own[event] += self.growing[self.kind[event], day] * jump[day]
            influence[:, j] = survival[t] * weight * own
        return influence


def _survival(at_risk: np.ndarray, staying: np.ndarray) -> np.ndarray:
    """Return the share of a group that is there after each day."""
    kept = np.divide(staying, at_risk, out=np.ones_like(at_risk), where=at_risk > 0)
    survival: np.ndarray = np.cumprod(kept)
    return survival


class Matched:
    """The affected and others of their cells, ready to be compared under any weights.

    Parameters
    ----------
    rows : Rows
    at : sequence of int
        Days after the start of the clock.

    Notes
    -----
    Others weigh, in each cell, as many as the affected there (standardised to the affected);
    affected in a cell without others are set aside. Others who become affected stop there, and
    those of their kind stand for them.
    """

    def __init__(self, rows: Rows, at: Sequence[int]) -> None:
        self.at = list(at)
        self.one, self.other = rows.where(rows.affected), rows.where(~rows.affected)
        self.cells = int(rows.cell.max(initial=-1)) + 1
        self.affected = Group(self.one.days, self.one.left, at)
        self.others = Group(
            self.other.days,
            self.other.left,
            at,
            kind=self.other.kind,
            turning=rows.turning(),
        )

    def weights(
        self, times: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the weights of the affected and of others, and both counts in each cell.

        Rows of a cell without the other group weigh nothing. ``times`` says how often each
        customer counts, for a bootstrap.
        """
        one = np.ones(len(self.one.cell)) if times is None else times[self.one.customer] * 1.0
        other = np.ones(len(self.other.cell)) if times is None else times[self.other.customer] * 1.0
        n1 = np.bincount(self.one.cell, one, minlength=self.cells)
        n0 = np.bincount(self.other.cell, other, minlength=self.cells)
        share = np.divide(n1, n0, out=np.zeros(self.cells), where=n0 > 0)
        return one * (n0 > 0)[self.one.cell], other * share[self.other.cell], n1, n0

    def value(self, times: np.ndarray) -> np.ndarray | None:
        """Return affected minus others, as shares; None where nobody affected has anybody alike."""
        one, other, _, _ = self.weights(times)
        return self.affected.shares(one) - self.others.shares(other) if one.any() else None


def excess(rows: Rows, at: Sequence[int], *, customers: int) -> Excess | None:
    """Return how many more of the affected leave than others of their cells; None of nobody.

    Parameters
    ----------
    rows : Rows
    at : sequence of int
        Days after the start of the clock.
    customers : int
        How many customers there are; their positions run below it.

    Notes
    -----
    As :class:`Matched`. The influence allows for the cells' weights being estimated: deviations
    from the cell, not from the whole, count for others.
    """
    both = Matched(rows, at)
    w1, w0, n1, n0 = both.weights()
    if not w1.any():
        return None
    one, other = both.one, both.other
    i1, i0 = both.affected.influence(w1), both.others.influence(w0)
    influence = np.empty((customers, len(at)))
    for j in range(len(at)):
        of_cell = np.bincount(other.cell, i0[:, j], minlength=both.cells)
        first = i1[:, j] - (of_cell / np.maximum(n1, 1.0))[one.cell]
        second = i0[:, j] - (of_cell / np.maximum(n0, 1.0))[other.cell]
        influence[:, j] = np.bincount(one.customer, first, minlength=customers)
        influence[:, j] -= np.bincount(other.customer, second, minlength=customers)
    at_days = np.asarray(at)[:, None]
    one, other = one.where(w1 > 0), other.where(w0 > 0)
    return Excess(
        affected=both.affected.shares(w1),
        others=both.others.shares(w0),
        influence=influence,
        n_affected=len(np.unique(one.customer)),
        n_others=len(np.unique(other.customer)),
        unmatched=int((w1 == 0).sum()),
        watched=(one.days[None, :] >= at_days).sum(axis=1),
        exits=np.minimum(
            (one.left & (one.days <= at_days)).sum(axis=1),
            (other.left & (other.days <= at_days)).sum(axis=1),
        ),
    )

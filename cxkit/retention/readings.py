"""Two readings of one excess: which way round cause runs is not seen, and the truth lies between.

A customer among the others who is affected and then leaves may have left because of it, or may have
been affected because they were leaving. Kept among the others for the gap, they count as leaving
unaffected: right in the second case, too low in the first. Set aside on the day, it is the reverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxkit import markup
from cxkit.retention.hazard import FEWEST_EXITS
from cxkit.retention.matched import Excess, Matched, excess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxkit.retention.trials import Trials


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The lower reading (others stay for the gap after their own event) and the upper one."""

    lower: Excess
    upper: Excess

    def numbers(
        self, j: int, *, level: float, errors: tuple[float, float] | None = None
    ) -> dict[str, float]:
        """Return the excess at one horizon, in percentage points, from both readings.

        Parameters
        ----------
        j : int
            Which horizon.
        level : float
            Level of the interval.
        errors : tuple of float, optional
            Standard errors of the lower and upper reading, in percentage points, in place of the
            linearised ones.

        Returns
        -------
        dict
            value (the reading nearer to zero; where they lie on both sides, the middle), low (the
            lower reading's), high (the upper one's), se (the larger), p (that both lie on one side
            of zero), affected and others (%), lower and upper (the readings).
        """
        from scipy.stats import norm

        se = errors or (100 * float(self.lower.se[j]), 100 * float(self.upper.se[j]))
        both = zip((100 * float(e.value[j]) for e in (self.lower, self.upper)), se, strict=True)
        (below, se_below), (above, se_above) = sorted(both)
        z = float(norm.isf((1 - level) / 2))
        value = below if below > 0 else above if above < 0 else (below + above) / 2
        affected = 100 * float(self.lower.affected[j])
        tails = (norm.sf(below / se_below), norm.cdf(above / se_above)) if min(se) > 0 else (1.0,)
        return {
            "affected": affected,
            "others": affected - value,
            "value": value,
            "low": below - z * se_below,
            "high": above + z * se_above,
            "se": max(se),
            "p": float(min(1.0, 2 * min(tails))),
            "lower": below,
            "upper": above,
        }

    def why_not(self, j: int, horizon: int) -> str:
        """Say why there is no number at a horizon; nothing where there is one."""
        watched = int(min(self.lower.watched[j], self.upper.watched[j]))
        exits = int(min(self.lower.exits[j], self.upper.exits[j]))
        if watched < FEWEST_EXITS:
            few = f"fewer than {FEWEST_EXITS}" if watched else "none"
            return f"{few} of the affected are followed for {markup.counted(horizon, 'month')}."
        if exits < FEWEST_EXITS:
            few = f"fewer than {FEWEST_EXITS}" if exits else "nobody"
            return f"in one of the two groups {few} left within {markup.counted(horizon, 'month')}."
        return ""


def readings(
    trials: Trials,
    at: Sequence[int],
    *,
    gap: int,
    customers: np.ndarray | None = None,
    group: np.ndarray | None = None,
) -> Readings | None:
    """Return both readings of the excess; None where nobody affected has anybody alike.

    Parameters
    ----------
    trials : Trials
    at : sequence of int
        Days after the start of the clock.
    gap : int
        Days after the event on which the clock starts.
    customers : ndarray of bool, optional
        By customer, who takes part at all.
    group : ndarray of bool, optional
        By customer, whose event is looked at; others stay others.
    """
    found = []
    for lag in _lags(gap):
        rows = trials.rows(gap=gap, lag=lag)
        keep = np.ones(len(rows.cell), bool)
        if customers is not None:
            keep &= customers[rows.customer]
        if group is not None:
            keep &= ~rows.affected | group[rows.customer]
        some = rows if keep.all() else rows.where(keep)
        found.append(excess(some, at, customers=trials.people.n))
    lower, upper = found[0], found[-1]
    return None if lower is None or upper is None else Readings(lower=lower, upper=upper)


def resampled(
    trials: Trials, at: Sequence[int], *, gap: int, resamples: int, seed: int
) -> np.ndarray:
    """Return both readings of the excess with customers drawn again, in percentage points.

    Returns
    -------
    ndarray, shape (draws, days asked for, 2)
        Lower and upper reading; a draw in which nobody affected has anybody alike is left out.
    """
    rng = np.random.default_rng(seed)
    both = [Matched(trials.rows(gap=gap, lag=lag), at) for lag in _lags(gap)]
    n, drawn = trials.people.n, []
    for _ in range(resamples):
        times = np.bincount(rng.integers(0, n, n), minlength=n)
        found = [one.value(times) for one in both]
        told = [value for value in found if value is not None]
        if len(told) == len(both):
            drawn.append(100 * np.column_stack([told[0], told[-1]]))
    return np.array(drawn)


def _lags(gap: int) -> tuple[int, ...]:
    """Return how long others stay after their own event: for the lower and the upper reading."""
    return (gap, 0) if gap else (0,)

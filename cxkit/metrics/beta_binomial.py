"""Shares of many units drawn together: the exact binomial model, for shares near 0 or 100 %."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, betaincinv, betaln, expit, logit

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Points of the grids over how alike the units are, and over their mean for each of these.
_FIRST, _ALIKE, _MEANS = 41, 60, 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What is known of each unit's true share (0 to 1), and of all of them together."""

    value: NDArray[np.float64]
    se: NDArray[np.float64]
    kept: NDArray[np.float64]
    mean: float
    spread: float

    def quantile(self, p: float) -> NDArray[np.float64]:
        """Return the share that the true one lies below with chance p, for each unit."""
        return np.asarray(betaincinv(*self._beta(), p))

    def below(self, share: float) -> NDArray[np.float64]:
        """Return the chance that each unit's true share lies below one share."""
        return np.asarray(betainc(*self._beta(), share))

    def _beta(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the parameters of the beta distributions with these means and errors."""
        like = self.value * (1 - self.value) / self.se**2 - 1
        return like * self.value, like * (1 - self.value)


def drawn_shares(yes: NDArray[np.float64], n: NDArray[np.float64]) -> Shares:
    """Return true shares from counts: x ~ Bin(n, p), p ~ Beta(r m, r (1 - m)).

    Notes
    -----
    Given r and m, p is Beta(x + r m, n - x + r (1 - m)). It is averaged over both, m and 1 / r flat
    (as tau^2 of the normal model; Christiansen and Morris), which takes two units whose answers
    differ: on a grid laid where the likelihood is, first wide, then fine. The mixture is then taken
    as the beta distribution of its mean and variance, as R package Rgbp does.
    """
    n0 = yes.size / float((1 / n).sum())
    wide = np.linspace(-10, 10, _FIRST)
    there = _weights(wide, n0, yes, n)[2].reshape(_FIRST, _MEANS).sum(axis=1) > 1e-9
    ends = np.flatnonzero(there)[[0, -1]] + [-1, 1]
    low, high = wide[np.clip(ends, 0, _FIRST - 1)]
    r, m, p = _weights(np.linspace(low, high, _ALIKE), n0, yes, n)
    first, second, kept = np.zeros(yes.size), np.zeros(yes.size), np.zeros(yes.size)
    used = np.flatnonzero(p >= 1e-10)
    for part in np.array_split(used, max(1, used.size * yes.size // 1_000_000)):  # memory
        weight, alike, middle = p[part], r[part, None], m[part, None]
        held = 1 / (n + alike)
        at = (yes + alike * middle) * held
        first += weight @ at
        second += weight @ (at * (at + (1 - at) / (n + alike + 1)))
        kept += weight @ (n * held)
    return Shares(
        value=first,
        se=np.sqrt(second - first**2),
        kept=kept,
        mean=float(p @ m),
        spread=float(p @ np.sqrt(m * (1 - m) / (r + 1))),
    )


def _weights(
    logits: NDArray[np.float64], n0: float, yes: NDArray[np.float64], n: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return r, m and how likely they are on a grid, for logits of r / (r + n0)."""
    r = np.repeat(n0 * np.exp(logits), _MEANS)
    theta, width = _around_the_mode(r, yes, n)
    m, other = expit(theta), expit(-theta)
    a, b = (r * m)[:, None], (r * other)[:, None]
    # m flat is the density m (1 - m) of its logit; 1 / r flat is 1 / r of that of r / (r + n0).
    log = np.log(m * other * width) - np.repeat(logits, _MEANS)
    for part in np.array_split(np.arange(yes.size), max(1, r.size * yes.size // 4_000_000)):
        log = log + (betaln(a + yes[part], b + (n - yes)[part]) - betaln(a, b)).sum(axis=1)
    p = np.exp(log - log.max())
    return r, m, p / p.sum()


def _around_the_mode(
    r: NDArray[np.float64], yes: NDArray[np.float64], n: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return logits of m, for every r a row of them around its moment estimate, and their steps."""
    own = r[::_MEANS, None]
    answers = n * (1 + own) / (n + own)  # what the answers of a unit are worth, one unit alike
    total = answers.sum(axis=1)
    # Half a yes and half a no keep the logit finite where all answered alike.
    m = ((answers * yes / n).sum(axis=1) + 0.5) / (total + 1)
    error = np.sqrt(1 / (m * (1 - m) * (total + 1)))
    steps = np.linspace(-6, 6, _MEANS)
    return (logit(m)[:, None] + steps * error[:, None]).ravel(), np.repeat(error, _MEANS)

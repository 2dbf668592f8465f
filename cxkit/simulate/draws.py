"""Random numbers that come out the same under every numpy: uniforms, turned into what is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Decimals kept before a number is compared or rounded to a whole one: the last bits of a logarithm
#: differ between processors and versions, the ninth decimal does not.
KEPT = 9


class Draws:
    """One stream of uniforms per part of the firm, so that a larger part leaves the others alone.

    Parameters
    ----------
    seed : int
        The study's seed.
    part : int
        Number of the part of the firm that draws.

    Notes
    -----
    Only ``Generator.random`` is used: numpy keeps the right to change how the other distributions
    are made from the bits, and has done so.

    Examples
    --------
    >>> Draws(20251231, 0).uniform(2).shape
    (2,)
    """

    def __init__(self, seed: int, part: int) -> None:
        self._generator = np.random.default_rng((seed, part))

    def uniform(self, *shape: int) -> np.ndarray:
        """Return uniforms in [0, 1)."""
        return self._generator.random(shape)

    def normal(self, *shape: int) -> np.ndarray:
        """Return standard normals, by the inverse of their distribution function."""
        from scipy.special import ndtri

        return np.round(ndtri(self.uniform(*shape) * (1 - 2e-12) + 1e-12), KEPT)

    def exponential(self, *shape: int) -> np.ndarray:
        """Return exponentials of mean 1."""
        return np.round(-np.log1p(-self.uniform(*shape)), KEPT)

    def happens(self, probability: np.ndarray | float, *shape: int) -> np.ndarray:
        """Return True with the given probability."""
        shape = shape or np.shape(probability)
        return self.uniform(*shape) < np.round(probability, KEPT)

    def whole(self, low: int, high: int, *shape: int) -> np.ndarray:
        """Return whole numbers from ``low`` to ``high``, both included."""
        return low + np.floor(self.uniform(*shape) * (high - low + 1)).astype(int)

    def kind(self, weights: np.ndarray | Sequence[float], n: int) -> np.ndarray:
        """Return ``n`` positions drawn by ``weights``: one row for all, or a row for each."""
        shares = np.atleast_2d(np.asarray(weights, float))
        edges = np.round(np.cumsum(shares, axis=1) / shares.sum(axis=1, keepdims=True), KEPT)
        return (self.uniform(n)[:, None] >= edges[:, :-1]).sum(axis=1)

    def order(self, n: int) -> np.ndarray:
        """Return 0 .. n-1 in random order."""
        return np.argsort(self.uniform(n), kind="stable")


def whole_answer(value: np.ndarray, low: int, high: int) -> np.ndarray:
    """Return the answer that a person with this opinion ticks on a scale of whole numbers."""
    return np.clip(np.rint(np.round(value, KEPT)), low, high).astype(int)


def autoregressive(draws: Draws, *, units: int, times: int, sd: float, lag: float) -> np.ndarray:
    """Return stationary AR(1) deviations, units x times, with this standard deviation."""
    shocks = draws.normal(units, times)
    path = np.empty((units, times))
    path[:, 0] = shocks[:, 0]
    for t in range(1, times):
        path[:, t] = lag * path[:, t - 1] + (1 - lag**2) ** 0.5 * shocks[:, t]
    return np.round(sd * path, KEPT)

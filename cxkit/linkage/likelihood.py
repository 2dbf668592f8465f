"""The likelihood of one random intercept, and its largest value by several searches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Log-likelihoods this near are one: the limits of a 95 % interval lie 1.92 below the best.
AGREE = 1e-3

#: Where Newton's searches start, beside the estimate by moments, and how far they may go. They
#: climb in log(1 + r n), r being the ratio and n the mean size: near zero that is the ratio itself,
#: and the likelihood is not flat there; far out it is the logarithm.
STARTS, MOST = (0.02, 1.0, 5.0), 25.0

#: Steps that a search takes at most, and the step at which it has arrived.
STEPS, NEAR = 60, 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best ratio of several searches.

    Attributes
    ----------
    ratio : float
        The variance between units over that within them.
    searches, agreed : int
        Searches made, and those whose log-likelihood is within `AGREE` of the best.
    behind : float
        How far the worst of them stayed below the best, in log-likelihood.
    """

    ratio: float
    searches: int
    agreed: int
    behind: float


class Likelihood:
    """The likelihood as a function of one number, from sums over units.

    With one random intercept it depends on the ratio of the two variances alone; slopes and the
    residual variance follow from it by generalised least squares.
    """

    def __init__(
        self,
        design: NDArray[np.float64],
        outcome: NDArray[np.float64],
        codes: NDArray[np.int64],
        units: int,
        criterion: str,
    ) -> None:
        data = np.column_stack([design, outcome])
        self.cross = data.T @ data
        self.sums = np.column_stack(
            [np.bincount(codes, column, minlength=units) for column in data.T]
        )
        self.sizes = np.bincount(codes, minlength=units).astype(float)
        self.n, self.p = len(data), design.shape[1]
        self.restricted = criterion == "REML"

    def at(self, ratio: float) -> tuple[NDArray[np.float64], NDArray[np.float64], float, float]:
        """Return slopes, their covariance, residual variance and log-likelihood at a ratio."""
        weights = ratio / (1 + ratio * self.sizes)
        whole = self.cross - (self.sums * weights[:, None]).T @ self.sums
        xx, xy, yy = whole[: self.p, : self.p], whole[: self.p, self.p], whole[self.p, self.p]
        beta = np.asarray(np.linalg.solve(xx, xy), np.float64)
        free = self.n - self.p if self.restricted else self.n
        residual = float(yy - xy @ beta) / free
        log_likelihood = -0.5 * (
            free * (math.log(2 * math.pi * residual) + 1)
            + float(np.log1p(ratio * self.sizes).sum())
        )
        if self.restricted:
            log_likelihood -= 0.5 * float(np.linalg.slogdet(xx)[1])
        return beta, np.asarray(residual * np.linalg.inv(xx)), residual, log_likelihood

    def best(self) -> Found:
        """Search in several ways and keep the best likelihood; where they agree, the grid's."""
        ratios = [self.by_grid(), *(self.by_slope(start) for start in (self.moments(), *STARTS))]
        heights = np.array([self.at(ratio)[3] for ratio in ratios])
        behind = heights.max() - heights
        first = 0 if behind[0] <= AGREE else int(np.argmin(behind))
        return Found(
            ratio=ratios[first],
            searches=len(ratios),
            agreed=int((behind <= AGREE).sum()),
            behind=float(behind.max()),
        )

    def by_grid(self) -> float:
        """Search the whole half-line: a grid first, then the best stretch finely; zero included."""
        from scipy.optimize import minimize_scalar

        grid = np.concatenate([[0.0], np.logspace(-6, 4, 81)])
        heights = [self.at(g)[3] for g in grid]
        top = int(np.argmax(heights))
        low, high = grid[max(top - 1, 0)], grid[min(top + 1, len(grid) - 1)]
        found = minimize_scalar(
            lambda r: -self.at(r)[3], bounds=(low, high), method="bounded", options={"xatol": 1e-12}
        )
        return float(found.x) if -found.fun > max(heights) else float(grid[top])

    def by_slope(self, start: float) -> float:
        """Climb from log(1 + r n) by Newton's steps, at most one long, and return the ratio."""
        size, h = float(self.sizes.mean()), 1e-4

        def height(where: float) -> float:
            return self.at(math.expm1(where) / size)[3]

        here, step = start, 1.0
        for _ in range(STEPS):
            middle = max(here, h)
            low, mid, high = (height(middle + d) for d in (-h, 0.0, h))
            slope, bend = (high - low) / (2 * h), (high - 2 * mid + low) / h**2
            step = -slope / bend if bend < 0 else math.copysign(1.0, slope)
            step = min(max(step, -1.0, -here), 1.0, MOST - here)
            now = height(here)
            while abs(step) > NEAR and height(here + step) < now:
                step /= 2
            here += step
            if abs(step) <= NEAR:
                break
        return math.expm1(here) / size

    def moments(self) -> float:
        """Return the log(1 + r n) that makes the outcome's variance between units what it is."""
        n, units = self.sizes, len(self.sizes)
        total, square = self.sums[:, self.p], float(self.cross[self.p, self.p])
        between = float((total**2 / n).sum())
        inside = (square - between) / max(self.n - units, 1)
        spread = (between - total.sum() ** 2 / self.n) / max(units - 1, 1)
        return min(max(math.log(max(spread, 1e-300) / max(inside, 1e-300)), 0.0), MOST)

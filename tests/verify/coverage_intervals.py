"""How often the intervals of NPS and of a share hold the truth: every outcome is counted."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, xlogy

from cxkit.metrics.nps import adjusted_wald
from cxkit.metrics.proportions import wilson

LEVEL = 0.95

#: Promoters, passives, detractors; n. The settings of reference case 23.
NPS_SHARES = ((0.60, 0.25, 0.15), (0.45, 0.30, 0.25), (0.85, 0.12, 0.03))
SIZES = (10, 20, 50, 100, 200)

#: Shares of yes from 5 % to 95 %, at the same sizes.
WILSON_SHARES = tuple(round(0.05 * i, 2) for i in range(1, 20))


def nps_coverage(shares: tuple[float, float, float], n: int, level: float = LEVEL) -> float:
    """Return the chance that the interval of n answers holds the true NPS."""
    promoter, passive, detractor = shares
    p, q = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    possible = p + q <= n
    p, q = p[possible], q[possible]
    rest = n - p - q
    chance = np.exp(
        gammaln(n + 1)
        - gammaln(p + 1)
        - gammaln(q + 1)
        - gammaln(rest + 1)
        + xlogy(p, promoter)
        + xlogy(q, detractor)
        + xlogy(rest, passive)
    )
    low, high = adjusted_wald(p, q, n, level=level)
    truth = 100 * (promoter - detractor)
    return float(chance[(low <= truth) & (truth <= high)].sum())


def wilson_coverage(share: float, n: int, level: float = LEVEL) -> float:
    """Return the chance that the interval of n answers holds the true share of yes."""
    x = np.arange(n + 1)
    chance = np.exp(
        gammaln(n + 1)
        - gammaln(x + 1)
        - gammaln(n - x + 1)
        + xlogy(x, share)
        + xlogy(n - x, 1 - share)
    )
    low, high = wilson(x, n, level=level)
    return float(chance[(low <= 100 * share) & (100 * share <= high)].sum())


def simplex(step: float) -> list[tuple[float, float, float]]:
    """Return all shares of promoters, passives and detractors on a grid, none of them 0."""
    k = round(1 / step)
    return [
        (round(p * step, 4), round((k - p - q) * step, 4), round(q * step, 4))
        for p in range(1, k)
        for q in range(1, k - p)
    ]


def measure() -> dict[str, object]:
    """Return the coverage on the stated grids, and where on finer grids it is lowest."""
    stated = {f"{shares} n={n}": nps_coverage(shares, n) for shares in NPS_SHARES for n in SIZES}
    fine = {n: {f"{shares}": nps_coverage(shares, n) for shares in simplex(0.05)} for n in SIZES}
    yes = {f"{share:g} n={n}": wilson_coverage(share, n) for share in WILSON_SHARES for n in SIZES}
    finer = {n: {f"{i / 100:g}": wilson_coverage(i / 100, n) for i in range(1, 100)} for n in SIZES}
    return {
        "nps adjusted Wald, stated grid": stated,
        "nps adjusted Wald, all shares in steps of 0.05": {
            f"n={n}": _summary(found) for n, found in fine.items()
        },
        "share Wilson, stated grid": yes,
        "share Wilson, stated grid, mean": float(np.mean(list(yes.values()))),
        "share Wilson, all shares in steps of 0.01": {
            f"n={n}": _summary(found) for n, found in finer.items()
        },
    }


def _summary(found: dict[str, float]) -> dict[str, object]:
    """Return the lowest coverage and where it is, the mean and the highest."""
    worst = min(found, key=lambda where: found[where])
    values = np.array(list(found.values()))
    return {
        "lowest": found[worst],
        "at": worst,
        "mean": float(values.mean()),
        "highest": float(values.max()),
        "points": int(values.size),
    }

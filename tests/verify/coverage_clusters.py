"""How often intervals hold the truth when customers answer several times."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

import cxkit as cx

LEVEL = 0.95
SEED = 20251231

#: How many answer 0 to 4 (as CSAT 1 to 5) and, from the same mood, 0 to 10 for NPS.
CSAT = np.array([0.05, 0.07, 0.13, 0.40, 0.35])
NPS = np.array([0.03, 0.01, 0.01, 0.01, 0.02, 0.06, 0.06, 0.13, 0.20, 0.18, 0.29])

TRUTH = {
    "nps": 100 * (NPS[9:].sum() - NPS[:7].sum()),
    "csat": 100 * CSAT[3:].sum(),
    "csat_mean": float(CSAT @ np.arange(1, 6)),
}

#: Customers; most answers of one; how alike the answers of one are (of the latent mood).
SETTINGS = ((30, 6, 0.5), (100, 6, 0.5), (100, 2, 0.3), (400, 10, 0.8), (100, 6, 0.0))


def answers(runs: int, customers: int, most: int, alike: float, seed: int = SEED) -> pd.DataFrame:
    """Return runs of surveys: each customer answers once to ``most`` times."""
    random = np.random.default_rng([seed, customers, most, round(10 * alike)])
    times = random.integers(1, most + 1, (runs, customers)).ravel()
    mood = np.repeat(random.normal(size=runs * customers), times)
    latent = np.sqrt(alike) * mood + np.sqrt(1 - alike) * random.normal(size=len(mood))
    share = norm.cdf(latent)
    return pd.DataFrame(
        {
            "run": np.repeat(np.arange(runs).repeat(customers), times),
            "customer": np.repeat(np.arange(runs * customers), times),
            "nps": np.searchsorted(np.cumsum(NPS)[:-1], share),
            "csat": 1 + np.searchsorted(np.cumsum(CSAT)[:-1], share),
        }
    )


def coverage(
    runs: int, customers: int, most: int, alike: float, *, clusters: bool = True
) -> dict[str, float]:
    """Return the share of runs whose interval holds the truth, by metric."""
    frame = answers(runs, customers, most, alike)
    found = {}
    for name, (metric, column) in {
        "nps": (cx.nps, "nps"),
        "csat": (cx.csat, "csat"),
        "csat_mean": (cx.csat_mean, "csat"),
    }.items():
        table = cx.by(
            frame,
            "run",
            metric,
            column=column,
            clusters="customer" if clusters else None,
            choices={"level": LEVEL},
        )
        held = (table["low"] <= TRUTH[name]) & (TRUTH[name] <= table["high"])
        found[name] = float(held.mean())
    return found


def measure(runs: int = 2000) -> dict[str, object]:
    """Return the coverage in every setting, by customer and as if every answer were another's."""
    return {
        f"{customers} customers, 1 to {most} answers each, likeness {alike:g}": {
            "by customer": coverage(runs, customers, most, alike),
            "as if independent": coverage(runs, customers, most, alike, clusters=False),
        }
        for customers, most, alike in SETTINGS
    }

"""How often a measure that is pure noise seems to predict leaving better than the controls."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxkit.retention.predictors import compare_predictors

CUSTOMERS = 1000
MOST = 0.35


def firm(seed: int, n: int = CUSTOMERS) -> pd.DataFrame:
    """Return customers whose leaving depends on tenure and segment, and a score on nothing."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "tenure": rng.choice(["under 1 year", "1 to 3 years", "over 3 years"], n),
            "segment": rng.choice(["personal", "business"], n),
            "noise": rng.normal(size=n),
        }
    )
    risk = (
        0.15 + 0.12 * (frame["tenure"] == "under 1 year") + 0.06 * (frame["segment"] == "business")
    )
    return frame.assign(left=rng.random(n) < risk)


def better(runs: int) -> dict[str, float]:
    """Return the shares of runs in which noise saves log-loss, and in which it seems clear."""
    saved = clear = 0
    for seed in range(runs):
        (gain,) = compare_predictors(
            firm(seed),
            outcome="left",
            measures={"noise": ["noise"]},
            controls=["tenure", "segment"],
            seed=seed,
        ).gains
        saved += gain.value > 0
        clear += gain.direction == "higher"
    return {"runs": runs, "saves log-loss": saved / runs, "clearly better": clear / runs}

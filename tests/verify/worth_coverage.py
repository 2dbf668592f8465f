"""How often the interval of the customers kept holds what is planted in a simulated firm."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import cxkit as cx
from cxkit.retention.clock import bands_of, wind
from cxkit.simulate.customers import Customers, base_hazard
from cxkit.simulate.firm import draw_firm

if TYPE_CHECKING:
    from cxkit.retention.predictors import Depth

YEAR = 365
SIZE = {"branches": 30, "customers": 3000, "staff": 60}


def planted(c: Customers, who: np.ndarray, landmark: np.ndarray) -> float:
    """Return how many more of these would stay a year, were they served as the middling are.

    For each of them: exp(-rate (H(t + 365) - H(t))) at the middling rate minus that at their own.
    """
    since = landmark - c.joined[who]
    spent = base_hazard(since + YEAR) - base_hazard(since)
    stays = np.exp(-c.rates[who] * spent[:, None])
    return float((stays[:, 1] - stays[np.arange(len(who)), c.band[who]]).sum())


def held(seed: int, effect: float, depth: Depth = "quick") -> bool:
    """Tell whether the public answer's interval holds what was planted in one firm."""
    with TemporaryDirectory() as folder:
        cx.simulate_firm(Path(folder), seed=seed, experience_effect=effect, **SIZE)
        study = cx.open_study(folder)
    spells = wind(study, bands=bands_of(study, "nps"), gap=90).spells
    poor = spells[spells["band"] == spells["band"].cat.categories[0]]
    c = draw_firm(seed=seed, experience_effect=effect, **SIZE).customers
    who = pd.Series(range(c.n), index=c.ids)[poor["customer"]].to_numpy()
    truth = planted(c, who, poor["landmark"].to_numpy().astype("M8[D]").astype(int))
    kept = cx.worth_of_experience(study, measure="nps", depth=depth, seed=seed).kept
    return bool(kept.low <= truth <= kept.high)


def coverage(runs: int, effect: float, depth: Depth = "quick") -> float:
    """Return the share of firms whose interval holds what was planted."""
    return sum(held(seed, effect, depth) for seed in range(runs)) / runs

"""How often the interval of the customers kept holds what is planted in a simulated firm."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pandas as pd

import cxkit as cx
from cxkit.retention.clock import MONTH, TENURE_BANDS, TENURE_NAMES, bands_of, wind
from cxkit.retention.hazard import fit
from cxkit.retention.moved import draws
from cxkit.simulate.branches import draw_branches
from cxkit.simulate.customers import Customers, base_hazard, draw_customers
from cxkit.simulate.days import AS_OF
from cxkit.simulate.firm import draw_firm
from cxkit.simulate.surveys import draw_surveys
from cxkit.simulate.truth import landmarks

YEAR = 365
SIZE = {"branches": 30, "customers": 3000, "staff": 60}
BANDS = ("poor", "middling", "good")
HELD = ("tenure_band", "region", "segment", "plan")


def planted(c: Customers, who: np.ndarray, landmark: np.ndarray) -> float:
    """Return how many more of these would stay a year, were they served as the middling are.

    For each of them: exp(-rate (H(t + 365) - H(t))) at the middling rate minus that at their own.
    """
    since = landmark - c.joined[who]
    spent = base_hazard(since + YEAR) - base_hazard(since)
    stays = np.exp(-c.rates[who] * spent[:, None])
    return float((stays[:, 1] - stays[np.arange(len(who)), c.band[who]]).sum())


def held(seed: int, effect: float) -> bool:
    """Tell whether the public answer's interval for one firm holds what was planted in it."""
    with TemporaryDirectory() as folder:
        cx.simulate_firm(Path(folder), seed=seed, experience_effect=effect, **SIZE)
        study = cx.open_study(folder)
    kept = cx.worth_of_experience(study, measure="nps").kept
    spells = wind(study, bands=bands_of(study, "nps"), gap=90).spells
    poor = spells[spells["band"] == spells["band"].cat.categories[0]]
    c = draw_firm(seed=seed, experience_effect=effect, **SIZE).customers
    who = pd.Series(range(c.n), index=c.ids)[poor["customer"]].to_numpy()
    truth = planted(c, who, poor["landmark"].to_numpy().astype("M8[D]").astype(int))
    return kept.low <= truth <= kept.high


def held_in_arrays(seed: int, effect: float) -> bool:
    """Tell the same without files, where every answer shows the band that is true."""
    b = draw_branches(seed, branches=SIZE["branches"], staff=SIZE["staff"], engagement_link=0.5)
    c = draw_customers(seed, b, customers=SIZE["customers"], experience_effect=effect)
    firm = SimpleNamespace(customers=c, surveys=draw_surveys(seed, b, c))
    who, landmark = landmarks(firm, answered=True)
    seen = landmark < AS_OF
    who, landmark = who[seen], landmark[seen]
    spells = pd.DataFrame(
        {
            "band": pd.Categorical.from_codes(2 - c.band[who], BANDS, ordered=True),
            "months": (np.minimum(c.left[who], AS_OF) - landmark) / MONTH,
            "followed": (AS_OF - landmark) / MONTH,
            "left": c.left[who] <= AS_OF,
            "tenure_band": pd.cut(
                (landmark - c.joined[who]) / MONTH, TENURE_BANDS, labels=TENURE_NAMES, right=False
            ),
            "region": b.region[c.branch[who]].astype(str),
            "segment": c.segment[who].astype(str),
            "plan": c.plan[who].astype(str),
        }
    )
    model = fit(spells, horizon=12, adjust=HELD, level=0.95)
    poor = (spells["band"] == "poor").to_numpy()
    rows = spells[poor].reset_index(drop=True)
    drawn = draws(
        model,
        rows,
        to="middling",
        groups=np.zeros(len(rows), int),
        n=len(spells),
        rng=np.random.default_rng(seed),
    )
    low, high = np.quantile(drawn.kept[:, -1], [0.025, 0.975])
    return bool(low <= planted(c, who[poor], landmark[poor]) <= high)


def coverage(runs: int, effect: float) -> float:
    """Return the share of firms whose interval holds what was planted."""
    return sum(held_in_arrays(seed, effect) for seed in range(runs)) / runs

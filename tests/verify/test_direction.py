"""The panel's verdicts and the linkage intervals on planted firms: the full counts."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import norm

from cxkit.linkage.ladder import correlation
from cxkit.linkage.order import which_first
from cxkit.linkage.reliable import corrected_correlation
from tests import evidence_file
from tests.linkage.test_models import simulated
from tests.linkage.test_steps import two_sides

if TYPE_CHECKING:
    import pandas as pd

pytestmark = pytest.mark.verify

RUNS = 200


def naive_claims(frame: pd.DataFrame) -> bool:
    """Tell whether a lagged regression on levels claims engagement before experience."""
    wide = frame.pivot_table(index="unit", columns="wave", values=["engagement", "experience"])
    waves = sorted(frame["wave"].unique())
    rows = [
        np.column_stack(
            [
                np.ones(len(wide)),
                wide["experience"][before],
                wide["engagement"][before],
                wide["experience"][after],
            ]
        )
        for before, after in pairwise(waves)
    ]
    data = np.vstack(rows)
    x, y = data[:, :3], data[:, 3]
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    residual = y - x @ beta
    se = np.sqrt(residual @ residual / (len(y) - 3) * inverse[2, 2])
    return bool(abs(beta[2] / se) > norm.isf(0.025))


def test_direction_and_intervals_hold_their_promises():
    numbers: dict[str, object] = {}
    for units in (60, 200):
        firms = [simulated(seed, units, back=0.3) for seed in range(RUNS)]
        found = Counter(which_first(f).verdict for f in firms)
        wrong = (found["engagement precedes"] + found["both"]) / RUNS
        naive = sum(naive_claims(f) for f in firms) / RUNS
        numbers[f"only experience first, {units} units"] = {
            "verdicts": dict(found),
            "wrongly engagement first": wrong,
            "naive lagged regression claims it": naive,
        }
        assert wrong < 0.10
        assert naive >= (0.20 if units == 60 else 0.50)
    planted = Counter(
        which_first(simulated(seed, 200, forward=0.25)).verdict for seed in range(RUNS)
    )
    numbers["engagement first, lag 0.25, 200 units"] = dict(planted)
    assert planted["engagement precedes"] / RUNS >= 0.80
    held = 0
    for seed in range(2000):
        rng = np.random.default_rng(seed)
        xy = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], 60)
        r = correlation(xy[:, 0], xy[:, 1])
        held += bool(r.low <= 0.4 <= r.high)
    numbers["Fisher interval holds r = 0.4, 60 units, 2,000 runs"] = held / 2000
    assert 0.93 <= held / 2000 <= 0.97
    kept = 0
    for seed in range(1000):
        true = corrected_correlation(*two_sides(seed))
        kept += bool(true.low <= 0.5 <= true.high)
    numbers["corrected interval holds true r = 0.5, 60 units, 1,000 runs"] = kept / 1000
    assert kept / 1000 >= 0.90
    evidence_file.write(
        "linkage_direction",
        about="verdicts on which comes first and coverage of the linkage intervals",
        numbers=numbers,
        modules=[
            "cxkit.linkage.panel",
            "cxkit.linkage.order",
            "cxkit.linkage.ladder",
            "cxkit.linkage.reliable",
        ],
        seed=0,
    )

"""What the gap does to one bad experience: planted, none, and customers on their way out."""

from __future__ import annotations

import numpy as np

from cxkit.retention.events import bad_events
from cxkit.retention.readings import Readings, readings
from cxkit.retention.trials import contacts_of, people_of, sequential
from tests import shock_firms

RUNS, CUSTOMERS, GAP, YEAR = 300, 2000, 90, 365

#: What is planted in each firm.
FIRMS: dict[str, dict[str, float | bool]] = {
    "no effect": {},
    "on their way out": {"leavers": True},
    "lasting, twice the hazard, all joined in the data": {"factor": 2.0, "newcomers": True},
    "lasting, twice the hazard, some joined before the data": {"factor": 2.0},
    "three times the hazard for 90 days, all joined in the data": {
        "factor": 3.0,
        "lasts": 90.0,
        "newcomers": True,
    },
}

#: How others are compared: from the day itself; after the gap, both readings; each of them.
WAYS = ("gap 0", f"gap {GAP}", f"gap {GAP}, lower reading", f"gap {GAP}, upper reading")


def truth_of(firm: object, planted: dict[str, float | bool], gap: int) -> float:
    """Return the true excess within a year, in percentage points."""
    factor = float(planted.get("factor", 1.0))
    lasts = float(planted.get("lasts", 1e9)) / shock_firms.MONTH
    return shock_firms.planted(
        firm, factor=factor, gap=gap, horizon=YEAR / shock_firms.MONTH, lasts=lasts
    )


def once(seed: int, planted: dict[str, float | bool]) -> np.ndarray:
    """Return estimate, limits and truth for each way, in percentage points."""
    firm = shock_firms.study(seed, n=CUSTOMERS, **planted)
    events = bad_events(firm, event="", measure="", cut=None, at="", limit=72)
    people = people_of(firm)
    trials = sequential(people, events, contacts_of(firm, people))
    now, later = (readings(trials, [YEAR], gap=g) for g in (0, GAP))
    lower = Readings(lower=later.lower, upper=later.lower)
    upper = Readings(lower=later.upper, upper=later.upper)
    rows = []
    for gap, found in ((0, now), (GAP, later), (GAP, lower), (GAP, upper)):
        told = found.numbers(0, level=0.95)
        rows.append((told["value"], told["low"], told["high"], truth_of(firm, planted, gap)))
    return np.array(rows)


def measure(runs: int = RUNS) -> dict[str, dict[str, dict[str, float]]]:
    """Return, for each firm and way, the mean estimate and truth, coverage and what is said."""
    numbers = {}
    for name, planted in FIRMS.items():
        found = np.array([once(seed, planted) for seed in range(runs)])
        numbers[name] = {way: _summary(*found[:, i].T) for i, way in enumerate(WAYS)}
    return numbers


def _summary(
    value: np.ndarray, low: np.ndarray, high: np.ndarray, truth: np.ndarray
) -> dict[str, float]:
    """Return what the runs of one firm and way come to."""
    return {
        "mean estimate": float(value.mean()),
        "mean truth": float(truth.mean()),
        "95 % interval holds the truth": float(((low <= truth) & (truth <= high)).mean()),
        "says more": float((low > 0).mean()),
        "says fewer": float((high < 0).mean()),
        "mean width of the interval": float((high - low).mean()),
    }

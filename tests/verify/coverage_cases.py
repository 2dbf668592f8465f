"""How often intervals of cases, pairs and purchases hold the truth: samples of a known firm."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import integrate

import cxkit as cx

SEED = 20260103
LEVEL = 0.95

#: Customers differ in how fast their cases go: a gamma frailty of mean 1 and this shape.
SHAPE = 2.0
MEAN_HOURS = 10.0

#: A machine closes a case after this many hours on average, unless it is resolved before.
MACHINE_HOURS = 40.0
TAU = 24.0
#: A moment, not a day: a day would end at its midnight, with hours in which nothing is seen.
AS_OF = pd.Timestamp("2025-03-01 12:00")


def within(hours: float) -> float:
    """Return the share of all cases resolved within some hours, in percent (Lomax)."""
    return 100 * (1 - (1 + hours / MEAN_HOURS / SHAPE) ** -SHAPE)


def median() -> float:
    """Return the hours by which half of all cases are resolved."""
    return MEAN_HOURS * SHAPE * (2 ** (1 / SHAPE) - 1)


def mean_up_to_tau() -> float:
    """Return the mean hours up to TAU until a case is resolved, all of TAU where a machine ends it.

    TAU less the area under the share resolved, whose density is Lomax's times who is still there.
    """

    def lost(hours: float) -> float:
        density = (1 + hours / MEAN_HOURS / SHAPE) ** -(SHAPE + 1) / MEAN_HOURS
        return float(density * np.exp(-hours / MACHINE_HOURS) * (TAU - hours))

    return TAU - float(integrate.quad(lost, 0, TAU)[0])


def cases(rng: np.random.Generator, customers: int) -> pd.DataFrame:
    """Return cases of customers with up to five each, those of one customer alike."""
    who = np.repeat(np.arange(customers), rng.integers(1, 6, customers))
    pace = rng.gamma(SHAPE, 1 / SHAPE, customers)[who]
    took = rng.exponential(MEAN_HOURS / pace)
    opened = AS_OF - pd.to_timedelta(rng.uniform(5, 60, who.size), unit="h")
    resolved = pd.Series(opened + pd.to_timedelta(took, unit="h"))
    by_machine = pd.Series(opened + pd.to_timedelta(rng.exponential(MACHINE_HOURS, who.size), "h"))
    frame = pd.DataFrame({"customer": who, "opened": opened})
    return frame.assign(
        resolved=resolved.where(resolved <= AS_OF),
        closed=by_machine.where(by_machine < resolved, resolved).where(
            (by_machine <= AS_OF) | (resolved <= AS_OF)
        ),
        machine=by_machine < resolved,
    )


def points(scores: np.ndarray) -> float:
    """Return the NPS of scores."""
    return float(100 * ((scores >= 9).mean() - (scores <= 6).mean()))


def twice(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two scores of each customer, the later ones a little better."""
    mood = rng.normal(7.5, 2, n)
    now, before = (np.clip(np.round(mood + rng.normal(m, 1, n)), 0, 10) for m in (0.3, 0.0))
    return now, before


def measure(runs: int) -> dict[str, float]:
    """Return the share of runs in which each interval holds the truth."""
    rng = np.random.default_rng(SEED)
    now, before = twice(rng, 2_000_000)
    change = points(now) - points(before)
    held: dict[str, int] = {}

    def count(name: str, low: float | None, truth: float, high: float | None) -> None:
        inside = (low is None or low <= truth) and (high is None or truth <= high)
        held[name] = held.get(name, 0) + inside

    for _ in range(runs):
        for customers in (40, 150):
            frame = cases(rng, customers)
            dates = (frame["opened"], frame["resolved"])
            choices = {"as_of": AS_OF, "clusters": frame["customer"], "level": LEVEL}
            e = cx.resolved_within(*dates, within=8, **choices)
            count(f"resolved within 8 hours, {customers} customers", e.low, within(8), e.high)
            e = cx.time_to_resolution(*dates, **choices)
            count(f"median time, {customers} customers", e.low, median(), e.high)
            e = cx.time_to_resolution(
                frame["opened"],
                frame["closed"],
                auto_closed=frame["machine"],
                measure="restricted mean",
                tau=TAU,
                **choices,
            )
            count(f"mean time to {TAU:g}, {customers} customers", e.low, mean_up_to_tau(), e.high)
        for n in (30, 100):
            d = cx.paired_difference(*twice(rng, n), measure="nps", level=LEVEL)
            count(f"paired NPS, {n} customers", d.low, change, d.high)
        for n in (50, 200):
            years = rng.uniform(0.5, 2, n)
            bought = rng.poisson(years * rng.gamma(1, 3, n))
            e = cx.purchase_frequency(bought, years, level=LEVEL)
            count(f"purchase frequency, {n} customers", e.low, 3, e.high)
            spent = rng.lognormal(4, 0.6, n)
            later = spent * (rng.random(n) > 0.2) * rng.lognormal(0, 0.3, n)
            e = cx.revenue_retention(spent, later, level=LEVEL)
            count(f"net revenue retention, {n} customers", e.low, 80 * np.exp(0.045), e.high)
    return {name: hits / runs for name, hits in held.items()}

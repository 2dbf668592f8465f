"""How often intervals under weights, and by cluster, hold the truth: samples of a known firm."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import cxkit as cx

if TYPE_CHECKING:
    from collections.abc import Callable

LEVEL = 0.95
SEED = 20260102

#: Shares of customers by region and segment, and the chance that one who is asked answers.
REGIONS = {"North": 0.5, "South": 0.3, "West": 0.2}
SEGMENTS = {"private": 0.7, "business": 0.3}
ANSWERING = {"North": 0.5, "South": 0.25, "West": 0.15}
LESS_BUSINESS = 0.6

#: Chances of the scores 0 to 10 for the happy and the unhappy, and who is happy.
HAPPY = np.array([1, 0, 0, 1, 1, 3, 5, 12, 22, 27, 28]) / 100
UNHAPPY = np.array([9, 5, 7, 8, 9, 13, 13, 14, 11, 7, 4]) / 100
SHARE_HAPPY = {"North": 0.75, "South": 0.5, "West": 0.35}
BUSINESS_HAPPIER = 0.1

METRICS = ("nps", "share", "mean")

#: Under weights: how they are made, and how many answers come.
WEIGHTED = [
    (kind, n) for kind in ("post-stratified", "raked", "plain", "trimmed") for n in (150, 500)
]

#: By cluster: customers, answers of each (at most), how alike they are.
CLUSTERED = [
    (customers, most, alike)
    for customers, most in ((30, 6), (100, 4), (300, 8))
    for alike in (0.3, 0.8)
]


@cache
def cells() -> pd.DataFrame:
    """Return every region and segment: its share, its chance to answer and to be happy."""
    frame = pd.DataFrame(
        [(r, s, a * b) for r, a in REGIONS.items() for s, b in SEGMENTS.items()],
        columns=["region", "segment", "share"],
    )
    business = frame["segment"] == "business"
    frame["answers"] = frame["region"].map(ANSWERING) * np.where(business, LESS_BUSINESS, 1)
    frame["happy"] = frame["region"].map(SHARE_HAPPY) + BUSINESS_HAPPIER * business
    return frame


@cache
def truth(metric: str) -> float:
    """Return the score of all customers."""
    firm = cells()
    happy = float(firm["share"] @ firm["happy"])
    return _of(metric, happy * HAPPY + (1 - happy) * UNHAPPY)


def _of(metric: str, chance: np.ndarray) -> float:
    """Return a score, in its unit, from the chances of the answers 0 to 10."""
    return float(_coded(np.arange(11), metric) @ chance) * (1 if metric == "mean" else 100)


def _coded(scores: np.ndarray, metric: str) -> np.ndarray:
    """Return scores as the numbers whose mean is the metric."""
    if metric == "nps":
        return (scores >= 9).astype(float) - (scores <= 6)
    return (scores >= 8).astype(float) if metric == "share" else scores.astype(float)


def _scores(rng: np.random.Generator, happy: np.ndarray) -> np.ndarray:
    """Draw scores of people of whom some are happy."""
    which = rng.random(happy.size)
    steps = np.where(happy[:, None], HAPPY.cumsum(), UNHAPPY.cumsum())
    return (which[:, None] > steps[:, :-1]).sum(axis=1)


def answers(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Draw n people who answered, each with the chance to have been among them."""
    firm = cells()
    among = (firm["share"] * firm["answers"]).to_numpy()
    at = rng.choice(len(firm), size=n, p=among / among.sum())
    people = firm.iloc[at].reset_index(drop=True)
    people["score"] = _scores(rng, rng.random(n) < people["happy"].to_numpy())
    return people


@cache
def population() -> pd.Series:
    """Return the share of each cell among all customers."""
    return cells().set_index(["region", "segment"])["share"]


def weighted_once(kind: str, n: int, rng: np.random.Generator) -> list[bool]:
    """Tell for each metric whether the interval of one weighted sample holds the truth."""
    people = answers(rng, n)
    regions = REGIONS
    if "West" not in set(people["region"]):  # refused as it is; join categories, as it says
        regions = {"North": REGIONS["North"], "South": REGIONS["South"] + REGIONS["West"]}
    if kind == "plain":
        weights: object = 1 / people["answers"]
    elif kind == "post-stratified":
        whole = len(set(zip(people["region"], people["segment"], strict=True))) == len(cells())
        by = ["region", "segment"] if whole else "region"
        weights = cx.post_stratify(people, by=by, population=population() if whole else regions)
    else:
        # A limit few weights reach: how trimming biases is not what is measured here.
        trim = 6 if kind == "trimmed" else None
        weights = cx.rake(people, margins={"region": regions, "segment": SEGMENTS}, trim=trim)
    score = people["score"]
    found = (
        cx.weighted(score, weights, metric="nps", level=LEVEL),
        cx.weighted(score >= 8, weights, metric="share", level=LEVEL),
        cx.weighted(score, weights, metric="mean", scale=(0, 10), level=LEVEL),
    )
    return [f.low <= truth(m) <= f.high for f, m in zip(found, METRICS, strict=True)]


def clustered_once(customers: int, most: int, alike: float, rng: np.random.Generator) -> list[bool]:
    """Tell for each metric whether the interval of answers by customer holds the truth."""
    happy = rng.random(customers) < 0.6
    times = rng.integers(1, most + 1, customers)
    who = np.repeat(np.arange(customers), times)
    again = rng.random(who.size) < 0.6
    # With chance `alike` an answer is that of the customer's standing mood, else of the day's.
    mood = np.where(rng.random(who.size) < alike, happy[who], again)
    score = _scores(rng, mood)
    found = (
        cx.nps(score, clusters=who, level=LEVEL),
        cx.share(score >= 8, clusters=who, level=LEVEL),
        cx.csat_mean(score, scale=(0, 10), clusters=who, level=LEVEL),
    )
    chance = 0.6 * HAPPY + 0.4 * UNHAPPY
    return [f.low <= _of(m, chance) <= f.high for f, m in zip(found, METRICS, strict=True)]


def coverage(
    once: Callable[..., list[bool]], setting: tuple[object, ...], runs: int
) -> dict[str, float]:
    """Return for each metric how often `once(*setting, rng)` held the truth in `runs` samples."""
    rng = np.random.default_rng([SEED, *str(setting).encode()])
    held = np.array([once(*setting, rng) for _ in range(runs)])
    return dict(zip(METRICS, held.mean(axis=0).tolist(), strict=True))


def measure(runs: int) -> dict[str, object]:
    """Return the coverage of every setting."""
    return {
        "runs": runs,
        "under weights": {
            f"{kind}, n = {n}, {metric}": covered
            for kind, n in WEIGHTED
            for metric, covered in coverage(weighted_once, (kind, n), runs).items()
        },
        "by cluster": {
            f"{customers} customers, up to {most} answers, alike {alike}, {metric}": covered
            for customers, most, alike in CLUSTERED
            for metric, covered in coverage(clustered_once, (customers, most, alike), runs).items()
        },
    }

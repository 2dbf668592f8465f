"""Simulated firms for the clock: no effect but immortal time, no effect but leaving, a planted one.

Each firm is a Study of customers and responses, made in memory; the public functions answer on it.
"""

from __future__ import annotations

import dataclasses
import warnings
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

import cxkit as cx
from cxkit.retention.landmarked import landmarked

N = 2000
MONTH = 365.25 / 12
JOINED = pd.Timestamp("2022-01-03")
BAND_SCORES = np.array([3.0, 7.0, 10.0])  # poor, middling, good
LEAVING_DAYS, FALLS = 90, 0.7

#: Hazard of leaving in each band against the poor one, and monthly hazard of the poor by segment.
PLANTED = np.array([1.0, 0.75, 0.5])
SEGMENT_HAZARDS = np.array([0.03, 0.06])


@cache
def template(months: int) -> object:
    """Return a study of the right shape, to be filled."""
    folder = Path(mkdtemp(prefix="cxkit-clock-"))
    (folder / "customers.csv").write_text("id,joined,left,segment\n1,2022-01-03,,a\n")
    (folder / "responses.csv").write_text("id,asked,answered,nps\n1,2022-02-01,2022-02-01,9\n")
    as_of = JOINED + pd.Timedelta(days=round(months * MONTH))
    (folder / "study.yml").write_text(
        f"study: clock\nas_of: {as_of:%Y-%m-%d}\n"
        "customers: {file: customers.csv, form: dates, customer: id, start: joined, end: left,"
        " segments: [segment]}\n"
        "responses: {file: responses.csv, customer: id, asked_on: asked, answered_on: answered,"
        " nps: {column: nps, scale: [0, 10], detractor: 6, promoter: 9}}\n"
    )
    return cx.open_study(folder)


def study_of(
    life: np.ndarray,
    segment: np.ndarray,
    who: np.ndarray,
    day: np.ndarray,
    score: np.ndarray,
    *,
    months: int,
) -> object:
    """Return customers who live so many days and answer on days since joining, as a study."""
    empty = template(months)
    ids = np.array([f"c{i:05d}" for i in range(len(life))])
    end = JOINED + pd.to_timedelta(life, unit="D")
    customers = pd.DataFrame(
        {
            "customer": pd.Series(ids, dtype="str"),
            "start": pd.Series(JOINED, index=range(len(ids))).astype("datetime64[us]"),
            "end": pd.Series(end).astype("datetime64[us]").where(end <= empty.as_of),
            "segment": pd.Series(np.array(["a", "b"])[segment], dtype="str"),
        }
    )
    on = pd.Series(JOINED + pd.to_timedelta(day, unit="D")).astype("datetime64[us]")
    responses = pd.DataFrame(
        {
            "customer": pd.Series(ids[who], dtype="str"),
            "asked_on": on,
            "answered_on": on,
            "nps": score.astype(float),
        }
    )
    responses = responses[on <= empty.as_of].reset_index(drop=True)
    return dataclasses.replace(empty, frames={"customers": customers, "responses": responses})


def immortal(seed: int) -> dict[str, float]:
    """Nothing has an effect; 60 % are surveyed on a uniform random day of 24 months.

    Leaving is exponential with a mean of 12 months; a survey after leaving is never answered.
    """
    rng = np.random.default_rng([1, seed])
    life = np.ceil(rng.exponential(12 * MONTH, N))
    day = np.floor(rng.uniform(0, 24 * MONTH, N))
    who = np.flatnonzero((rng.random(N) < 0.6) & (day < life))
    score = BAND_SCORES[rng.integers(0, 3, len(who))]
    firm = study_of(life, np.zeros(N, int), who, day[who], score, months=24)
    found = cx.comparisons(firm, gap=0, gaps=(0,), landmarks=(6,)).frame.set_index("kind")
    return {
        "naive": float(found.loc["naive", "value"]),
        "kit": float(found.loc["not yet answered", "value"]),
        "landmark": float(found.loc["landmark", "value"]),
    }


def firm_with(seed: int, stream: int, ratios: np.ndarray, *, months: int = 36) -> object:
    """A firm with experience in three bands that multiplies leaving by ``ratios``.

    The segment moves both the band and leaving. Everybody is asked about twice a year, and 60 %
    answer; a score given in the last 90 days before leaving falls to a lower band in 70 %.
    """
    rng = np.random.default_rng([stream, seed])
    segment = rng.integers(0, 2, N)
    band = np.clip(np.floor(rng.uniform(0, 3, N) - 0.4 * segment + 0.2), 0, 2).astype(int)
    life = np.ceil(rng.exponential(MONTH / (SEGMENT_HAZARDS[segment] * ratios[band])))
    surveys = 6
    due = 20 + 150 * rng.random((N, 1)) + 180 * np.arange(surveys) + 20 * rng.random((N, surveys))
    due = np.floor(due)
    given = (due < life[:, None]) & (rng.random(due.shape) < 0.6)
    who, _ = np.nonzero(given)
    day = due[given]
    shown = band[who]
    falls = (life[who] - day <= LEAVING_DAYS) & (rng.random(len(who)) < FALLS)
    lower = shown - rng.integers(1, 3, len(who))
    shown = np.where(falls, np.clip(lower, 0, 2), shown)
    return study_of(life, segment, who, day, BAND_SCORES[shown], months=months)


def leaving(seed: int) -> dict[str, float]:
    """Nothing has an effect, but scores fall before leaving: ungapped and gapped ratios."""
    firm = firm_with(seed, 2, np.ones(3))
    found = cx.comparisons(firm, gap=90, gaps=(0, 90), landmarks=())
    answer = landmarked(firm, measure="nps", horizon=12, gap=90, level=0.95).effect
    return {
        "ungapped": float(found.ungapped.value),
        "gapped": float(found.ratio.value),
        "gapped covers": float(found.ratio.low <= 1 <= found.ratio.high),
        "answer covers": float(answer.low <= 0 <= answer.high),
    }


def planted(seed: int) -> dict[str, float]:
    """A planted effect: do the intervals of the ratio and of the difference in points hold it."""
    firm = firm_with(seed, 3, PLANTED)
    truth = float(PLANTED[2] / PLANTED[0])
    basis = landmarked(firm, measure="nps", horizon=12, gap=90, level=0.95)
    ratio, effect = basis.model.ratio(basis.high), basis.effect
    hazard = SEGMENT_HAZARDS[(firm_segments(basis) == "b").astype(int)]
    points = 100 * float(np.mean(np.exp(-12 * hazard * PLANTED[2]) - np.exp(-12 * hazard)))
    moving = cx.comparisons(firm, gap=90, gaps=(90,), landmarks=()).ratio
    return {
        "ratio covers": float(ratio.low <= truth <= ratio.high),
        "points cover": float(effect.low <= points <= effect.high),
        "since joining covers": float(moving.low <= truth <= moving.high),
        "ratio": float(ratio.value),
        "points off": float(effect.value - points),
        "since joining": float(moving.value),
    }


def firm_segments(basis: object) -> np.ndarray:
    """Return the segment of each customer of the answer."""
    return basis.spells["held: segment"].to_numpy(object)


def runs(one: object, count: int) -> pd.DataFrame:
    """Return one row per run, seeds 0, 1, 2, ..."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return pd.DataFrame([one(seed) for seed in range(count)])

"""Firms with one planted shock, or none: what a first bad experience does to leaving is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxkit.study.contract import parse_contract
from cxkit.study.study import Study

MONTH = 365.25 / 12
FROM, AS_OF = "2022-01-01", "2025-12-31"
CONTRACT = f"""
study: A firm with a planted shock
as_of: {AS_OF}
observed_from: {FROM}
customers:
  file: customers.csv
  customer: customer
  start: start
  end: end
  segments: [segment]
responses:
  file: responses.csv
  customer: customer
  asked_on: asked_on
  answered_on: answered_on
  nps: nps
"""

#: Monthly hazard of leaving, and bad experiences a month; the second segment has more of both.
LEAVES, BAD = np.array([0.015, 0.024]), np.array([0.03, 0.06])
#: Of those who leave, this share has one more bad experience in their last 90 days.
LAST_DAYS, ON_THE_WAY_OUT = 90, 0.6


def study(
    seed: int,
    *,
    n: int = 2000,
    factor: float = 1.0,
    lasts: float = 1e9,
    leavers: bool = False,
    newcomers: bool = False,
) -> Study:
    """Return a firm in which a first bad experience multiplies the hazard of leaving.

    ``factor`` holds for ``lasts`` days from the first bad experience on; with ``leavers`` those who
    leave have more bad experiences in their last 90 days, which change nothing. With ``newcomers``
    everybody joined after the data began, so that no bad experience lies before them.
    """
    rng = np.random.default_rng(seed)
    first, last = (np.datetime64(d, "D").astype(int) for d in (FROM, AS_OF))
    start = rng.integers(first if newcomers else first - 1000, last - 30, 3 * n)
    segment = (rng.random(3 * n) < 0.4).astype(int)
    hazard, bad = LEAVES[segment] / MONTH, BAD[segment] / MONTH
    waits = rng.exponential(1, (3 * n, 8)) / bad[:, None]
    events = start[:, None] + 1 + np.floor(np.cumsum(waits, axis=1)).astype(int)
    until = events[:, 0] - start
    threshold = rng.exponential(1, 3 * n) / hazard
    after = np.maximum(threshold - until, 0)
    slow = np.where(after / factor <= lasts, after / factor, lasts + after - factor * lasts)
    life = np.where(threshold <= until, threshold, until + slow)
    left = start + 1 + np.floor(life).astype(int)
    kept = np.flatnonzero(left > first)[:n]
    start, segment, left, events = start[kept], segment[kept], left[kept], events[kept]
    who, which = np.nonzero((events < left[:, None]) & (events <= last))
    day, score = events[who, which], np.full(len(who), 3.0)
    if leavers:
        out = np.flatnonzero(rng.random(n) < ON_THE_WAY_OUT)
        when = left[out] - rng.integers(1, LAST_DAYS + 1, len(out))
        out, when = out[when > start[out]], when[when > start[out]]
        who, day = np.concatenate([who, out]), np.concatenate([day, when])
        score = np.concatenate([score, np.full(len(out), 3.0)])
    fine = rng.poisson(0.08 / MONTH * (np.minimum(left, last) - start))
    pleased = np.repeat(np.arange(n), fine)
    span = (np.minimum(left, last) - start)[pleased]
    happy = start[pleased] + np.floor(rng.random(len(pleased)) * span).astype(int)
    who, day = np.concatenate([who, pleased]), np.concatenate([day, happy])
    score = np.concatenate([score, np.full(len(pleased), 9.0)])
    seen = (day >= first) & (day <= last) & (day < left[who]) & (day >= start[who])
    ids = np.array([f"c{i:05d}" for i in range(n)])
    on = day[seen].astype("datetime64[D]").astype("datetime64[us]")
    end = pd.Series(left.astype("datetime64[D]").astype("datetime64[us]")).where(left <= last)
    frames = {
        "customers": pd.DataFrame(
            {
                "customer": ids,
                "start": start.astype("datetime64[D]").astype("datetime64[us]"),
                "end": end,
                "segment": np.array(["a", "b"])[segment],
            }
        ),
        "responses": pd.DataFrame(
            {
                "customer": ids[who[seen]],
                "asked_on": on,
                "answered_on": on,
                "nps": score[seen],
            }
        ),
    }
    return Study(contract=parse_contract(CONTRACT), findings=(), sources=(), frames=frames)


def planted(firm: Study, *, factor: float, gap: int, horizon: float, lasts: float = 1e9) -> float:
    """Return the true excess, in percentage points, among the affected still there at the gap.

    ``horizon`` and ``lasts`` are in months, the latter from the bad experience on.
    """
    answers, customers = firm.responses, firm.customers
    bad = answers[answers["nps"] <= 6].groupby("customer")["answered_on"].min()
    begin = customers["customer"].map(bad) + pd.Timedelta(days=gap)
    there = (customers["end"].isna() | (customers["end"] > begin)) & (begin < firm.as_of)
    hazard = LEAVES[(customers.loc[there, "segment"] == "b").astype(int).to_numpy()]
    under = min(max(lasts - gap / MONTH, 0.0), horizon)
    spent = hazard * (horizon + (factor - 1) * under)
    return float(100 * np.mean(np.exp(-hazard * horizon) - np.exp(-spent)))

"""A small study made by hand, to be bent: each test changes what it asks about and opens it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

import cxkit as cx
from tests import folders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AS_OF = pd.Timestamp("2025-12-31")
UNITS = 20
Frames = dict[str, pd.DataFrame]


def contract() -> dict[str, Any]:
    """Return the study.yml of the hand-made study as a mapping."""
    items = {q: {"column": q, "scale": [1, 5], "group": "g"} for q in ("q1", "q2", "q3")}
    return {
        "study": "Hand made",
        "as_of": "2025-12-31",
        "customers": {
            "file": "customers.csv",
            "customer": "id",
            "start": "joined",
            "end": "left",
            "unit": "branch",
            "segments": ["region"],
        },
        "responses": {
            "file": "responses.csv",
            "customer": "id",
            "unit": "branch",
            "answered_on": "day",
            "nps": "nps",
            "csat": {"column": "csat", "scale": [1, 5], "top": 4},
        },
        "engagement": {
            "file": "engagement.csv",
            "respondent": "who",
            "unit": "branch",
            "wave": "wave",
            "items": items,
        },
    }


def frames(n: int = 600) -> Frames:
    """Return customers who leave at 5, 3 or 2 % a month by band, and engaged branches that please.

    Every answer comes before the customer leaves; waves are the quarters of 2024.
    """
    rng = np.random.default_rng(1)
    ids = [f"C{i:04d}" for i in range(n)]
    joined = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), "D")
    nps = rng.integers(0, 11, n)
    monthly = np.where(nps <= 6, 0.05, np.where(nps <= 8, 0.03, 0.02))
    day = joined + pd.to_timedelta(rng.integers(20, 60, n), "D")
    left = joined + pd.to_timedelta(60 + rng.exponential(1 / monthly) * 30.4375, "D")
    branch = [f"B{i % UNITS:02d}" for i in range(n)]
    mood = rng.normal(size=UNITS)
    pleased = np.array([mood[int(b[1:])] for b in branch]) + rng.normal(size=n)
    customers = pd.DataFrame(
        {
            "id": ids,
            "joined": joined.strftime("%Y-%m-%d"),
            "left": np.where(left <= AS_OF, left.strftime("%Y-%m-%d"), ""),
            "branch": branch,
            "region": np.where(np.arange(n) % 2, "South", "North"),
        }
    )
    responses = pd.DataFrame(
        {
            "id": ids,
            "branch": branch,
            "day": day.strftime("%Y-%m-%d"),
            "nps": nps,
            "csat": np.clip(np.round(3 + pleased), 1, 5).astype(int),
        }
    )
    people = pd.DataFrame({"who": range(12 * UNITS)})
    waves = pd.DataFrame({"wave": [f"2024Q{q}" for q in (1, 2, 3, 4)]})
    asked = people.merge(waves, how="cross")
    asked["branch"] = [f"B{w % UNITS:02d}" for w in asked["who"]]
    for q in ("q1", "q2", "q3"):
        felt = 3 + 0.5 * mood[asked["who"] % UNITS] + rng.normal(size=len(asked))
        asked[q] = np.clip(np.round(felt), 1, 5).astype(int)
    asked["who"] = "E" + asked["who"].astype(str)
    return {"customers": customers, "responses": responses, "engagement": asked}


def opened(
    folder: Path, bend: Callable[[dict[str, Any], Frames], None] | None = None, *, where: str = ""
) -> Any:
    """Write the hand-made study, bent, into a folder and open it."""
    spec, tables = contract(), frames()
    if bend is not None:
        bend(spec, tables)
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "study.yml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return cx.open_study(folder / "study.yml", where=where)


@cache
def plain() -> Any:
    """Return the hand-made study as it is. Its frames are copied on writing, so tests share it."""
    return opened(folders.shared("handmade"))


@cache
def kept() -> Any:
    """Return its retention answer, which is frozen."""
    return cx.retention_answer(plain())


@cache
def linked() -> Any:
    """Return its linkage answer, which is frozen."""
    return cx.linkage_answer(plain())

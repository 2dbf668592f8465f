"""The days of the simulated firm: when its data begin and end, its quarters and waves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable


def day(text: str) -> int:
    """Return a date as days since 1970."""
    return int(np.datetime64(text, "D").astype(int))


FOUNDED = day("2019-01-01")
OBSERVED_FROM = day("2023-07-01")
AS_OF = day("2025-12-31")

#: First days of the quarters that surveys fall in, and of the waves that employees are asked in.
QUARTERS = np.arange("2023-07", "2026-01", 3, dtype="datetime64[M]").astype("datetime64[D]")
QUARTER_STARTS = QUARTERS.astype(int)
FIRST_WAVE = 2
WAVES = tuple(f"{str(q)[:4]}Q{int(str(q)[5:7]) // 3 + 1}" for q in QUARTERS[FIRST_WAVE:])
WAVE_DAYS = QUARTER_STARTS[FIRST_WAVE:] + 45


def quarter_of(days: np.ndarray) -> np.ndarray:
    """Return each day's position among the quarters; days outside count to the nearest."""
    found = np.searchsorted(QUARTER_STARTS, days, side="right") - 1
    return np.clip(found, 0, len(QUARTER_STARTS) - 1)


def iso(days: np.ndarray, known: np.ndarray | None = None) -> list[str]:
    """Return days as ISO dates, empty where not ``known``."""
    text = np.datetime_as_string(np.asarray(days).astype("datetime64[D]"))
    return blank(text.tolist(), known)


def iso_minutes(minutes: np.ndarray, known: np.ndarray | None = None) -> list[str]:
    """Return minutes since 1970 as ISO times to the minute, empty where not ``known``."""
    text = np.datetime_as_string(np.asarray(minutes).astype("datetime64[m]"), unit="m")
    return blank(text.tolist(), known)


def blank(values: Iterable[object], known: np.ndarray | None) -> list[str]:
    """Return values as they are written to a file, empty where not ``known``."""
    if known is None:
        return [str(v) for v in values]
    return [str(v) if k else "" for v, k in zip(values, known.tolist(), strict=True)]

"""When a service is open: weekly hours and holidays, and the open time between two moments."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from cxkit.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 86_400

#: Opening and closing, as "09:00" to "17:30"; "24:00" is midnight at the end of the day.
Span: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHours:
    """Weekly opening hours and holidays, for counting business hours.

    Parameters
    ----------
    week : mapping of day to span, or to a list of spans
        Days are "mon" to "sun", or a run of them ("mon-fri"); a span is ("09:00", "17:00"). A day
        that is not named is closed. A night shift is two spans: up to "24:00", and from "00:00".
    holidays : list of dates, default none
        Days on which the service is closed whatever the week says.

    Raises
    ------
    QuestionError
        A day, a time or a span makes no sense, spans of a day overlap, or it is never open.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> hours = cx.OpeningHours(week={"mon-fri": ("09:00", "17:00")}, holidays=["2025-05-01"])
    >>> opened = pd.Series(pd.to_datetime(["2025-04-30 16:00"]))
    >>> hours.between(opened, pd.Series(pd.to_datetime(["2025-05-02 10:30"]))).tolist()
    [2.5]
    """

    week: Mapping[str, Span | Sequence[Span]]
    holidays: Sequence[str | date] = ()
    _spans: tuple[tuple[tuple[int, int], ...], ...] = field(init=False, repr=False, compare=False)
    _closed: tuple[np.datetime64, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the week and the holidays once, or refuse them."""
        spans: list[list[tuple[int, int]]] = [[] for _ in DAYS]
        for name, given in self.week.items():
            for day in _days(name):
                spans[day] += [_seconds(span, name) for span in _listed(given)]
        for label, found in zip(DAYS, spans, strict=True):
            found.sort()
            if any(a[1] > b[0] for a, b in pairwise(found)):
                raise QuestionError(
                    f"opening hours: the spans of {label} overlap.\n  Name each open hour once."
                )
        if not any(spans):
            raise QuestionError(
                "opening hours: the service is never open.\n"
                '  Write e.g. week={"mon-fri": ("09:00", "17:00")}.'
            )
        object.__setattr__(self, "_spans", tuple(tuple(found) for found in spans))
        object.__setattr__(self, "_closed", tuple(_holiday(day) for day in self.holidays))

    def between(self, begin: pd.Series, end: pd.Series) -> pd.Series:
        """Return the open hours from each begin to each end; missing where either is.

        Exact to the microsecond, whatever the order of the rows. Moments with a time zone are read
        as the clock on the wall of that zone, as opening hours are.
        """
        return self.seconds(begin, end) / 3_600

    def seconds(self, begin: pd.Series, end: pd.Series) -> pd.Series:
        """Return the open seconds from each begin to each end; missing where either is."""
        first, last = (_wall(moments) for moments in (begin, end))
        known = (first.notna() & last.notna()).to_numpy(bool)
        value = np.full(len(begin), np.nan)
        if known.any():
            a, b = (m.to_numpy("datetime64[us]")[known] for m in (first, last))
            origin = min(a.min(), b.min()).astype("datetime64[D]")
            days = int((max(a.max(), b.max()).astype("datetime64[D]") - origin).astype(int)) + 1
            upto = self._cumulative(origin, days)
            value[known] = self._passed(b, origin, *upto) - self._passed(a, origin, *upto)
        return pd.Series(value, index=begin.index)

    def _cumulative(
        self, origin: np.datetime64, days: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
        """Return the open seconds before each day, its weekday and whether it is a working day."""
        calendar = origin + np.arange(days)
        weekday = (calendar.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01: Thu
        working = ~np.isin(calendar, np.array(self._closed, dtype="datetime64[D]"))
        length = np.array([sum(b - a for a, b in spans) for spans in self._spans], dtype=float)
        open_seconds = np.where(working, length[weekday], 0.0)
        return np.concatenate([[0.0], open_seconds.cumsum()[:-1]]), weekday, working

    def _passed(
        self,
        moments: NDArray[np.datetime64],
        origin: np.datetime64,
        before: NDArray[np.float64],
        weekday: NDArray[np.int64],
        working: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Return the open seconds from the origin to each moment."""
        day = (moments.astype("datetime64[D]") - origin).astype(np.int64)
        clock = (moments - moments.astype("datetime64[D]")).astype(np.int64) / 1e6
        today = np.zeros(moments.size)
        for name, spans in enumerate(self._spans):
            here = (weekday[day] == name) & working[day]
            for start, stop in spans:
                today[here] += np.clip(clock[here] - start, 0, stop - start)
        return np.asarray(before[day] + today, dtype=np.float64)


def _listed(given: Span | Sequence[Span]) -> list[Span]:
    """Return one span or several as a list."""
    if len(given) == 2 and all(isinstance(part, str) for part in given):
        return [(str(given[0]), str(given[1]))]
    return [(str(span[0]), str(span[1])) for span in given]


def _days(name: str) -> list[int]:
    """Return the weekdays of "mon" or "mon-fri"; Monday is 0."""
    ends = str(name).lower().split("-")
    if len(ends) > 2 or any(end not in DAYS for end in ends):
        raise QuestionError(
            f"opening hours: {name!r} is not a day.\n"
            f'  Write one of {", ".join(DAYS)}, or a run such as "mon-fri".'
        )
    first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
    return [(first + i) % 7 for i in range((last - first) % 7 + 1)]


def _seconds(span: Span, name: str) -> tuple[int, int]:
    """Return a span as seconds of the day."""
    ends = []
    for text in span:
        parts = text.split(":")
        good = len(parts) == 2 and all(part.isdigit() for part in parts)
        hour, minute = (int(part) for part in parts) if good else (99, 0)
        if hour > 24 or minute > 59 or (hour == 24 and minute):
            raise QuestionError(
                f"opening hours, {name}: {text!r} is not a time of day.\n"
                '  Write hours and minutes from "00:00" to "24:00".'
            )
        ends.append(3_600 * hour + 60 * minute)
    if ends[0] >= ends[1]:
        raise QuestionError(
            f"opening hours, {name}: it opens at {span[0]} and closes at {span[1]}.\n"
            '  A night shift is two spans: up to "24:00", and from "00:00" on the next day.'
        )
    return ends[0], ends[1]


def _holiday(day: str | date) -> np.datetime64:
    """Return a holiday as a day, or refuse it."""
    try:
        return np.datetime64(pd.Timestamp(day).date(), "D")
    except (ValueError, TypeError) as wrong:
        raise QuestionError(
            f"opening hours: the holiday {day!r} is not a date.\n  Write it as 2025-12-25."
        ) from wrong


def _wall(moments: pd.Series) -> pd.Series:
    """Return moments as the clock on the wall shows them, without their zone."""
    return moments.dt.tz_localize(None) if moments.dt.tz is not None else moments

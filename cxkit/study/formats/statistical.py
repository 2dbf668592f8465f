"""SPSS and Stata files become columns of text, with their labels and their codes for "no answer".

ReadStat (through pyreadstat) reads the files. Days and moments are turned here, from the numbers
that stand in the file: the reader stops at the first one that its calendar does not have.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxkit.study.formats.raw import RawTable, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from cxkit.study.formats.encoding import Note
    from cxkit.study.reading import Reading

#: The day that numbers count from, and how many of their unit make a day.
_SPSS = np.datetime64("1582-10-14", "us")
_STATA = np.datetime64("1960-01-01", "us")
_DAY = 86_400

_SPSS_DAYS = re.compile(r"(DATE|ADATE|EDATE|JDATE|SDATE|QYR|MOYR|WKYR)\d")
_SPSS_MOMENTS = re.compile(r"(DATETIME|YMDHMS)\d")
_SPSS_TIMES = re.compile(r"D?TIME\d")
_STATA_PERIODS = {"%tm": (12, "{}-{:02}"), "%tq": (4, "{}q{}"), "%th": (2, "{}h{}")}

_NUMBER = re.compile(r"-?\d+(\.\d+)?")

#: The years that a calendar of days can name.
_FIRST, _LAST = np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31T23:59:59", "us")


@dataclass(frozen=True)
class _Column:
    """One column as the file has it, and what the file says of it."""

    name: str
    series: pd.Series
    form: str
    width: str
    labels: Mapping[str, str]
    ranges: tuple[Mapping[str, Any], ...]


def read_spss(
    content: bytes, wanted: Collection[str], how: Reading, *, keep_all: bool = False
) -> RawTable:
    """Read an SPSS file (sav, zsav); see :func:`read_statistical` for what is made of it."""
    import pyreadstat

    reader = partial(pyreadstat.read_sav, user_missing=True)
    return read_statistical(content, reader, wanted, how, keep_all=keep_all)


def read_portable(
    content: bytes, wanted: Collection[str], how: Reading, *, keep_all: bool = False
) -> RawTable:
    """Read a portable SPSS file (por); see :func:`read_statistical`.

    Its reader makes declared codes missing and does not say which: that is told.
    """
    import pyreadstat

    told = (
        "portable SPSS: values that it declares to be no answer are missing, and cannot be "
        "counted by their codes; a file saved as sav can."
    )
    raw = read_statistical(content, pyreadstat.read_por, wanted, how, keep_all=keep_all)
    return replace(raw, repairs=(*raw.repairs, ("CX-F045", told, ())))


def read_stata(
    content: bytes, wanted: Collection[str], how: Reading, *, keep_all: bool = False
) -> RawTable:
    """Read a Stata file (dta); see :func:`read_statistical`."""
    import pyreadstat

    reader = partial(pyreadstat.read_dta, user_missing=True)
    return read_statistical(content, reader, wanted, how, keep_all=keep_all)


def read_statistical(
    content: bytes,
    reader: Callable[..., tuple[pd.DataFrame, Any]],
    wanted: Collection[str],
    how: Reading,
    *,
    keep_all: bool = False,
) -> RawTable:
    """Read the file of a statistics program; every value becomes the text a CSV would hold.

    Parameters
    ----------
    content : bytes
        The file.
    reader : callable
        The function of pyreadstat that reads its kind.
    wanted : collection of str
        The columns asked for; one may be absent.
    how : Reading
        What study.yml declares: ``encoding``.
    keep_all : bool
        Keep the other columns too.

    Returns
    -------
    RawTable
        With questions, value labels, and how many values each declared code for "no answer" had.

    Raises
    ------
    UnreadableError
        The file is not whole, or a moment of a column asked for lies outside the calendar.

    Notes
    -----
    What the file declares as missing (codes, ranges, texts, Stata's .a to .z) becomes missing and
    is counted by its label. Codes stay codes; which columns show their words is for the study to
    say. Numbers are written with as many digits as the file keeps.
    """
    frame, seen = _read(content, reader, how)
    header = tuple(map(str, frame.columns))
    columns, iso, absent = {}, set(), {}
    notes: list[Note] = []
    labels = {
        name: {_plain(value): str(word).strip() for value, word in words.items()}
        for name, words in seen.variable_value_labels.items()
    }
    for name in header:
        if name not in wanted and not keep_all:
            continue
        column = _Column(
            name,
            frame[name],
            str(seen.original_variable_types.get(name, "")),
            str(seen.readstat_variable_types.get(name, "")),
            labels.get(name, {}),
            tuple(seen.missing_ranges.get(name, ())),
        )
        gone, counted = _absent(column, set(seen.missing_user_values.get(name, ())))
        if counted:
            absent[name] = counted
        if gone.any() and (name in wanted or not wanted):
            notes.append(_missing_told(name, counted, gone, private=getattr(how, "private", False)))
        text, dated = _texts(column, gone, asked=name in wanted)
        columns[name] = text
        if dated:
            iso.add(name)
    return RawTable(
        header=header,
        columns=columns,
        lines=np.arange(1, len(frame) + 1),
        place="row",
        iso=frozenset(iso),
        repairs=tuple(notes),
        labels={k: str(v) for k, v in seen.column_names_to_labels.items() if v},
        value_labels={name: words for name, words in labels.items() if name in columns},
        absent=absent,
    )


def _read(
    content: bytes, reader: Callable[..., tuple[pd.DataFrame, Any]], how: Reading
) -> tuple[pd.DataFrame, Any]:
    """Let ReadStat read the file whole, or say that it is not."""
    from pyreadstat import PyreadstatError, ReadstatError

    try:
        return reader(
            io.BytesIO(content),
            disable_datetime_conversion=True,
            **({"encoding": how.encoding} if how.encoding else {}),
        )
    except (ReadstatError, PyreadstatError, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError) or "convert" in str(error):
            raise UnreadableError(
                "CX-E008",
                "its text is in another encoding than the file says.",
                "In study.yml write  encoding: cp1252  or the one that is meant.",
            ) from None
        raise UnreadableError(
            "CX-E016",
            f"this is not a whole file of its kind ({str(error).rstrip('.').lower()}).",
            "Export or copy it again.",
        ) from None


def _plain(value: object) -> str:
    """Return a number as the text that a CSV would hold; other values as text.

    >>> _plain(9.0), _plain(1.5), _plain("a"), _plain(float("nan"))
    ('9', '1.5', 'a', '')
    """
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return ""
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 2**63 else str(value)
    return "" if value is None else str(value)


def _absent(column: _Column, tags: set[object]) -> tuple[np.ndarray, dict[str, int]]:
    """Return the rows whose value the file declares to be no answer, counted by label.

    A labelled code that nobody gave counts 0.
    """
    values = column.series
    gone = np.zeros(len(values), dtype=bool)
    counted: dict[str, int] = {}
    if not column.ranges and not tags:
        return gone, counted
    codes, distinct = pd.factorize(values.to_numpy(dtype=object))
    for code, value in enumerate(distinct):
        if value in tags or any(_in(value, each["lo"], each["hi"]) for each in column.ranges):
            rows = codes == code
            gone |= rows
            plain = f".{value}" if value in tags else _plain(value)
            word = column.labels.get(_plain(value), "")
            counted[f"{word} ({plain})" if word else plain] = int(rows.sum())
    for plain, word in column.labels.items():
        value = float(plain) if _NUMBER.fullmatch(plain) else plain
        if any(_in(value, each["lo"], each["hi"]) for each in column.ranges):
            counted.setdefault(f"{word} ({plain})", 0)
    return gone, counted


def _in(value: object, low: object, high: object) -> bool:
    """Whether a value lies in a range of codes; texts are compared without their padding."""
    if isinstance(value, str) and isinstance(low, str) and isinstance(high, str):
        return low.rstrip() <= value.rstrip() <= high.rstrip() and bool(value.strip())
    if isinstance(value, float) and isinstance(low, int | float) and isinstance(high, int | float):
        return low <= value <= high
    return False


def _missing_told(name: str, counted: dict[str, int], gone: np.ndarray, *, private: bool) -> Note:
    """Say how many values are missing because the file says so."""
    several = gone.sum() > 1
    by = "" if private else ": " + ", ".join(f"{word} {n:,}" for word, n in counted.items() if n)
    told = (
        f"column {name}: {gone.sum():,} value{'s' if several else ''} "
        f"{'are' if several else 'is'} missing, as the file declares{by}."
    )
    return ("CX-R021", told, tuple(int(i) + 1 for i in np.flatnonzero(gone)))


def _texts(column: _Column, gone: np.ndarray, *, asked: bool) -> tuple[np.ndarray, bool]:
    """Return the values as text, empty where missing, and whether they are days or moments."""
    if not pd.api.types.is_float_dtype(column.series) and not any(
        isinstance(value, float) and not np.isnan(value) for value in column.series
    ):
        text = np.array([_plain(v).rstrip() for v in column.series.tolist()], dtype=object)
        text[gone] = ""
        return text, False
    numbers = pd.to_numeric(column.series, errors="coerce").to_numpy(dtype=float).copy()
    numbers[gone] = np.nan
    form = column.form
    if _SPSS_MOMENTS.match(form) or _SPSS_DAYS.match(form):
        return _moments(column, numbers, _SPSS, 1.0, asked=asked), True
    if form.startswith(("%td", "%d")):
        return _moments(column, numbers, _STATA, float(_DAY), asked=asked), True
    if form.startswith(("%tc", "%tC")):
        return _moments(column, numbers, _STATA, 0.001, asked=asked), True
    if _SPSS_TIMES.match(form):
        return _each(numbers, _clock), False
    if form[:3] in _STATA_PERIODS:
        a_year, shape = _STATA_PERIODS[form[:3]]
        return _each(
            numbers, lambda v: shape.format(1960 + int(v) // a_year, int(v) % a_year + 1)
        ), False
    if column.width == "float":
        return _each(numbers, lambda v: _plain(np.float32(v))), False
    return _each(numbers, _plain), False


def _each(numbers: np.ndarray, write: Callable[[float], str]) -> np.ndarray:
    """Write each distinct number once; nothing where it is missing."""
    codes, distinct = pd.factorize(numbers)
    return np.array([*map(write, distinct), ""], dtype=object)[codes]


def _clock(seconds: float) -> str:
    """Return seconds as hours, minutes and seconds.

    >>> _clock(36610.0), _clock(90000.5)
    ('10:10:10', '25:00:00.5')
    """
    whole, part = divmod(seconds, 1)
    text = f"{int(whole) // 3600:02}:{int(whole) // 60 % 60:02}:{int(whole) % 60:02}"
    return text + (f"{round(part, 6):g}"[1:] if round(part, 6) else "")


def _moments(
    column: _Column, numbers: np.ndarray, origin: np.datetime64, seconds: float, *, asked: bool
) -> np.ndarray:
    """Return numbers counted from a day as ISO days or moments."""
    codes, distinct = pd.factorize(numbers)
    low, high = ((limit - origin) / np.timedelta64(1, "s") for limit in (_FIRST, _LAST))
    off = ~((distinct * seconds >= low) & (distinct * seconds <= high))
    if off.any() and asked:
        rows = np.flatnonzero(np.isin(codes, np.flatnonzero(off)))
        raise UnreadableError(
            "CX-E075",
            f"{len(rows):,} of its moments lie outside the calendar (years 1 to 9999).",
            "Mend them where they come from, or take the column out of study.yml.",
            tuple(int(row) + 1 for row in rows),
            column.name,
        )
    micro = np.round(np.where(off, 0, distinct) * seconds * 1e6).astype("int64")
    stamps = origin + micro.astype("timedelta64[us]")
    days = stamps == stamps.astype("datetime64[D]")
    texts = [
        "" if out else str(stamp.astype("datetime64[D]")) if day else _moment(stamp)
        for stamp, day, out in zip(stamps, days, off, strict=True)
    ]
    return np.array([*texts, ""], dtype=object)[codes]


def _moment(stamp: np.datetime64) -> str:
    """Return a moment as text, without a fraction where it has none."""
    return str(stamp).replace("T", " ").removesuffix(".000000")

"""Text becomes days and moments, in the form declared; none is guessed from its looks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cxkit.study.cells import some
from cxkit.study.wording import scalar

if TYPE_CHECKING:
    from cxkit.study import columns as c
    from cxkit.study.cells import Cells

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?", re.ASCII)
_ZONE = re.compile(r"(.*:\d\d(?:\.\d+)?) ?(Z|[-+]\d\d:?\d\d)", re.ASCII)
_NAMED_ZONE = re.compile(r".*:\d\d(\.\d+)? [A-Z]{3,5}")
_PARTS = re.compile(r"(\d{1,2})([./-])(\d{1,2})[./-](\d\d|\d{4})( .*)?")
_YEAR_FIRST = re.compile(r"\d{4}([./-]?)\d{1,2}\1\d{1,2}([T ].*)?", re.ASCII)
_SERIAL = re.compile(r"\d{5}(\.\d+)?|\d{7}\.\d+|\d{10}(\.\d+)?|\d{13}|\d{16}|\d{19}")


#: Days that programs write where they have none.
NO_DAY = ("0001-01-01", "1601-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01",
          "1904-01-01", "1970-01-01")  # fmt: skip


def dates(cells: Cells, spec: c.Date) -> pd.Series:
    """Read days and moments in the form declared; none may lie after ``as_of``."""
    codes, uniques = cells.coded
    texts = [str(u) for u in uniques]
    iso = not spec.date or spec.column in cells.raw.iso
    zones = [""] * len(texts)
    if iso:
        for i, text in enumerate(texts):
            if zoned := _ZONE.fullmatch(text):
                texts[i] = zoned.group(1)
                zones[i] = zoned.group(2).replace("Z", "+00:00")
            elif ":" in text:
                zones[i] = "none"
        texts = [t if _ISO.fullmatch(t) else "" for t in texts]
    form = "ISO8601" if iso else spec.date
    days = pd.Series(pd.to_datetime(pd.Series(texts, dtype="str"), format=form, errors="coerce"))
    days = days.astype("datetime64[us]")
    unread = (days.isna() & (uniques != "")).to_numpy()
    if unread.any():
        _refuse_dates(cells, spec, unread[codes], iso=iso)
    zone = np.where(unread, "", zones).astype(object)
    _flag_no_day(cells, days, codes)
    days = _in_one_zone(cells, spec, days, zone, codes)
    values = days.take(codes).reset_index(drop=True)
    late = (values >= cells.as_of + pd.Timedelta(days=1)).to_numpy()
    if late.any():
        cells.refuse(
            "CX-E035",
            late,
            lambda many: f"{'lie' if many else 'lies'} after as_of ({cells.as_of:%Y-%m-%d})",
            cure='If the data go further, set as_of in study.yml; if it means "not yet", '
            "leave the cell empty.",
        )
    return values


def _flag_no_day(cells: Cells, days: pd.Series, codes: np.ndarray) -> None:
    """Flag days that programs write for "no date"; whether they mean it, nobody can tell."""
    nothing = days.dt.strftime("%Y-%m-%d").isin(NO_DAY).to_numpy()
    if nothing.any():
        shown = "" if cells.private else f" ({some(cells.text[nothing[codes]].tolist()[:1])})"
        n = int(nothing[codes].sum())
        cells.ledger.flag(
            "CX-F052",
            f"{n:,} value{'s' if n > 1 else ''}{shown} may stand for no date: programs write such "
            "a day where they have none; kept as written.",
            cells.place(nothing[codes]),
            cure="If it means no date, leave the cell empty.",
        )


def _in_one_zone(
    cells: Cells, spec: c.Date, days: pd.Series, zone: np.ndarray, codes: np.ndarray
) -> pd.Series:
    """Return moments in one zone: the one declared, or the one they all have."""
    kinds = [kind for kind in dict.fromkeys(zone.tolist()) if kind]
    if spec.zone:
        return _local(cells, spec.zone, days, zone, codes)
    if len(kinds) > 1:
        first = [int(np.flatnonzero(zone[codes] == kind)[0]) for kind in kinds]
        told = ", ".join(cells.text[first[:4]]) if not cells.private else "not shown"
        rows = np.isin(np.arange(len(codes)), first)
        cells.ledger.refuse(
            "CX-E034",
            "moments of different time zones, or with and without one, stand in one column: "
            f"{told}.",
            cells.place(rows),
            cure="Say where they were taken, in study.yml:  "
            f"{cells.role}: {{column: {cells.spec.column}, zone: Europe/Berlin}}",
        )
    elif kinds and kinds != ["none"]:
        cells.ledger.flag(
            "CX-F007",
            f"all moments are of the zone {kinds[0]}; days are counted there.",
            cells.place(),
        )
    return days


def _local(
    cells: Cells, name: str, days: pd.Series, zone: np.ndarray, codes: np.ndarray
) -> pd.Series:
    """Return moments as the clock of the zone declared showed them; those without a zone stay."""
    clock = ZoneInfo(name)
    away = np.array([kind not in {"", "none"} for kind in zone])
    if away.any():
        moved = [
            (pd.Timestamp(day) - pd.Timedelta(_offset(kind)))
            .tz_localize("UTC")
            .tz_convert(clock)
            .tz_localize(None)
            if there
            else day
            for day, kind, there in zip(days, zone, away, strict=True)
        ]
        after = pd.Series(moved).astype("datetime64[us]")
        row = int(np.flatnonzero(away[codes])[0])
        cells.tell(
            "CX-R018",
            away[codes],
            lambda n: f"{n} brought to the clock of {name}",
            (cells.text[row], f"{after.iloc[codes[row]]:%Y-%m-%d %H:%M}"),
        )
        days = after
    naive = days.where(pd.Series(zone == "none"))
    never = naive.dt.tz_localize(clock, ambiguous=True, nonexistent="NaT").isna() & naive.notna()
    twice = naive.dt.tz_localize(clock, ambiguous="NaT", nonexistent="shift_forward").isna()
    twice &= naive.notna()
    doubtful = (never | twice).to_numpy()[codes]
    if doubtful.any():
        n_twice, n_never = (int(x.to_numpy()[codes].sum()) for x in (twice, never))
        cells.ledger.flag(
            "CX-F030",
            f"{n_twice:,} moments happened twice in {name} and {n_never:,} never did, as the clock "
            "was moved; kept as written: a time between two of them may be an hour off.",
            cells.place(doubtful),
        )
    return days


def _offset(zone: str) -> str:
    """Return +01:00 or +0100 as a span of time."""
    digits = zone[1:].replace(":", "")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}:00"


def _refuse_dates(cells: Cells, spec: c.Date, bad: np.ndarray, *, iso: bool) -> None:
    """Refuse what is no date of the form declared, saying what it seems to be."""
    wanted = "year-month-day" if iso else f"in the form {spec.date}"
    code, cure, rows = _seen(cells, spec, bad, iso=iso)
    cells.refuse(
        code,
        bad,
        lambda many: f"{'are not dates' if many else 'is not a date'} {wanted}",
        cure=cure if rows is None or cells.private else f"{_one_of_each(cells, rows)} {cure}",
    )


def _one_of_each(cells: Cells, rows: list[int]) -> str:
    """Name the first row of each of two kinds."""
    told = [f"{cells.text[row]} ({cells.raw.place} {cells.raw.lines[row]})" for row in rows]
    return f"Both {' and '.join(told)} stand here."


def _seen(
    cells: Cells, spec: c.Date, bad: np.ndarray, *, iso: bool
) -> tuple[str, str, list[int] | None]:
    """Return code and cure of dates that could not be read, and a row of each kind if two."""
    texts = cells.text
    serial = bad & cells.where(lambda text: bool(_SERIAL.fullmatch(text)))
    if serial.any():
        sizes = {len(text.split(".")[0]) for text in texts[serial]}
        length = np.array([len(text.split(".")[0]) for text in texts])
        rows = sorted(int(np.flatnonzero(serial & (length == n))[0]) for n in sizes)
        cure = "It looks like a serial number or a count of seconds; export dates as 2025-12-31."
        if len(sizes) > 1:
            cure = "These are numbers of two magnitudes; export dates as 2025-12-31."
        return "CX-E040", cure, rows if len(sizes) > 1 else None
    named = bad & cells.where(lambda text: bool(_NAMED_ZONE.fullmatch(text)))
    if named.any() and (named == bad).all():
        names = {text.rpartition(" ")[2] for text in texts[named]}
        return (
            "CX-E034",
            f"{some(sorted(names))} names a zone, and names are not guessed; "
            "write +01:00 or declare  zone:",
            None,
        )
    parts = [_PARTS.fullmatch(text) for text in texts]
    dated = bad & np.array([found is not None for found in parts])
    if not dated.any():
        return "CX-E033", _year_first_cure(cells, spec, texts[bad], iso=iso), None
    found = next(p for p, is_bad in zip(parts, bad, strict=True) if is_bad and p)
    mark, year = found[2], "%y" if len(found[4]) == 2 else "%Y"
    cure = _form_cure(cells, "" if iso else spec.date, mark, year)
    day_first = np.array([p is not None and int(p[1]) > 12 for p in parts])
    month_first = np.array([p is not None and int(p[3]) > 12 for p in parts])
    if year == "%y":
        return "CX-E039", f"The year has two digits: which part is it? {cure}", None
    if day_first.any() and month_first.any():
        rows = [int(np.flatnonzero(day_first)[0]), int(np.flatnonzero(month_first)[0])]
        return "CX-E038", "One has the day first, one the month. Export the dates again.", rows
    if not day_first.any() and not month_first.any():
        return "CX-E046", f"Day or month first? {cure}", None
    return "CX-E033", cure, None


def _year_first_cure(cells: Cells, spec: c.Date, texts: np.ndarray, *, iso: bool) -> str:
    """Say how dates with the year first are mended: there is no such day, or another form."""
    found = [_YEAR_FIRST.fullmatch(text) for text in texts] if iso else [None]
    if not all(found):
        return _form_cure(cells, "" if iso else spec.date, ".", "%Y")
    if any(re.match(r"\d{4}-\d\d-\d\d", text) for text in texts):
        return "There is no such day, or hour (24:00 is 00:00 of the next day): mend the file."
    mark = next(part[1] for part in found if part)
    return (
        f"Declare its form:  {cells.role}: {{column: {scalar(cells.spec.column)}, "
        f'date: "%Y{mark}%m{mark}%d"}}'
    )


def _form_cure(cells: Cells, declared: str, mark: str, year: str) -> str:
    """Say how the form of a date is declared, or that the one declared does not fit."""
    if declared:
        return f"Mend it, or declare another form than  date: {declared!r}."
    return (
        f"Declare its form, as in  {cells.role}: {{column: {scalar(cells.spec.column)}, "
        f'date: "%d{mark}%m{mark}{year}"}}  (%m before %d if the month comes first)'
    )

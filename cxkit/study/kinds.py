"""Text becomes dates, scores, amounts, yes or no: by the contract, never by guess."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.errors import CxkitError, DataError, ScaleError
from cxkit.study import columns as c
from cxkit.study.ledger import Ledger, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cxkit.study.formats.raw import RawTable

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?")
_ZONE = re.compile(r"(.*:\d\d(?:\.\d+)?) ?(Z|[-+]\d\d:?\d\d)")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Cells:
    """One column of text on its way to a type, with what a message about it needs."""

    text: np.ndarray
    role: str
    spec: c.Column
    raw: RawTable
    table: str
    file: str
    missing: tuple[str, ...]
    private: bool
    as_of: pd.Timestamp
    ledger: Ledger

    def refuse(
        self,
        code: str,
        bad: np.ndarray,
        what: Callable[[bool], str],
        *,
        cure: str,
        of: str = "",
        error: type[CxkitError] = DataError,
    ) -> None:
        """Refuse the rows of ``bad``: value (unless private), what it is not, how many."""
        rows = np.flatnonzero(bad)
        values = list(dict.fromkeys(self.text[rows].tolist()))
        several = len(values) > 1
        shown = "the value there" if self.private else _some(values)
        if self.private and len(rows) > 1:
            shown, several = f"{len(rows)} values", True
        count = f"{len(rows):,}{of}" if of else f"{len(rows):,} row{'s' if len(rows) > 1 else ''}"
        more = f"; also {self.raw.place}s {_some([str(x) for x in self.raw.lines[rows[1:]]], 5)}"
        self.ledger.refuse(
            code,
            f"{shown} {what(several)} ({count}{more if len(rows) > 1 else ''}).",
            self.place(bad),
            cure=cure,
            error=error,
        )

    def place(self, bad: np.ndarray | None = None) -> Place:
        """Return where a finding about the rows of a mask, or the whole column, stands."""
        return place_of(self.table, self.file, self.raw, self.raw.lines, bad, self.spec.column)


def place_of(
    table: str,
    file: str,
    raw: RawTable,
    lines: np.ndarray,
    bad: np.ndarray | None,
    column: str = "",
) -> Place:
    """Return the place of the rows of a mask; a row of a Parquet file is named a row."""
    told = () if bad is None else tuple(int(line) for line in lines[bad])
    if raw.place == "row" and told:
        return Place(table, f"{file} row {told[0]:,}", column, (), len(told))
    return Place(table, file, column, told, len(told))


def _some(values: Sequence[str], most: int = 3) -> str:
    """List a few values, and how many more there are."""
    shown = ", ".join(v if len(v) <= 40 else v[:37] + "..." for v in values[:most])
    return shown + (f" and {len(values) - most} more" if len(values) > most else "")


def typed(cells: Cells) -> pd.Series:
    """Return a column in the type of its kind; what does not fit is refused in the ledger.

    Ids and words become text, dates ``datetime64[us]``, scores and amounts ``float64``, yes and no
    ``boolean``. An empty cell is missing; a missing code is missing in scored columns only.
    """
    cells = _trimmed(cells)
    spec = cells.spec
    if isinstance(spec, c.Score):
        return _scores(cells, spec)
    if isinstance(spec, c.Date):
        return _dates(cells, spec)
    if isinstance(spec, c.YesNo):
        return _yes_no(cells, spec)
    if isinstance(spec, c.Amount):
        return _amounts(cells)
    if isinstance(spec, c.Experience):
        return _recorded(cells, spec)
    return _words(cells)


def _trimmed(cells: Cells) -> Cells:
    """Take the spaces off the ends, and say so."""
    codes, uniques = pd.factorize(cells.text)
    stripped = np.array([u.strip() for u in uniques], dtype=object)
    changed = stripped != uniques if len(uniques) else np.zeros(0, dtype=bool)
    if not changed.any():
        return cells
    text = stripped[codes]
    rows = np.flatnonzero(changed[codes])
    if cells.role != "comment":
        cells.ledger.repaired.setdefault(cells.table, set()).update(rows.tolist())
        cells.ledger.repair(
            "CX-R011", f"spaces around {len(rows):,} values taken off.", cells.place(changed[codes])
        )
    return Cells(**{**cells.__dict__, "text": text})


def _by_value(cells: Cells, convert: Callable[[str], object]) -> tuple[np.ndarray, np.ndarray]:
    """Convert each distinct text once; returns the values and where they did not fit."""
    codes, uniques = pd.factorize(cells.text)
    values = np.full(len(uniques), np.nan)
    bad = np.zeros(len(uniques), dtype=bool)
    for i, text in enumerate(uniques):
        if text:
            found = convert(text)
            bad[i] = found is None
            values[i] = np.nan if found is None else found
    return values[codes], bad[codes]


def _as_number(text: str) -> float | None:
    """Return a plain decimal number, or None: no thousands, signs of money or infinity."""
    return float(text) if _NUMBER.fullmatch(text) else None


def _scores(cells: Cells, spec: c.Score) -> pd.Series:
    """Read answers on a scale: declared codes are missing, anything else off it is refused."""
    low, high = spec.scale
    codes = set(cells.missing)

    def convert(text: str) -> float | None:
        if text in codes:
            return np.nan
        number = _as_number(text)
        if number is None:
            return None
        if f"{number:.15g}" in codes:
            return np.nan
        fits = low <= number <= high and (not spec.whole or number == int(number))
        return number if fits else None

    values, bad = _by_value(cells, convert)
    if bad.any():
        answers = int((~np.isnan(values)).sum() + bad.sum())
        noun = "whole number" if spec.whole else "number"
        shifted = _shifted(cells, spec, values, bad)
        cells.refuse(
            "CX-E032" if shifted else "CX-E031",
            bad,
            lambda many: (
                f"{'are' if many else 'is'} not {'' if many else 'a '}{noun}"
                f"{'s' if many else ''} from {low:g} to {high:g}"
            ),
            cure=_score_cure(cells, spec, bad, shifted=shifted),
            of=f" of {answers:,} answers",
            error=ScaleError,
        )
    return pd.Series(values)


def _shifted(cells: Cells, spec: c.Score, values: np.ndarray, bad: np.ndarray) -> bool:
    """Whether no answer is the lowest and those off the scale are one above the highest."""
    low, high = spec.scale
    off = set(cells.text[bad].tolist())
    return off == {f"{high + 1:g}"} and not (values == low).any() and bool((values == high).any())


def _score_cure(cells: Cells, spec: c.Score, bad: np.ndarray, *, shifted: bool) -> str:
    """Say what answers off the scale may be: a total, codes one too high, labels, "no answer"."""
    low, high = spec.scale
    off = list(dict.fromkeys(cells.text[bad].tolist()))
    rows = np.flatnonzero(bad)
    cure = ""
    if len(rows) == 1 and rows[0] == len(bad) - 1 and len(bad) > 1:
        cure = "It is the last row: if that is a total, take it out.\n  "
    if shifted:
        return (
            f"{cure}No answer is {low:g}: the codes may run from {low + 1:g} to {high + 1:g}, "
            "one too high. Export the answers themselves."
        )
    if cells.private:
        return (
            f'{cure}If it is a code for "no answer", list it after  missing:  '
            f"under {cells.table} in study.yml (values of this table are never shown)."
        )
    if any(_as_number(text) is None and any(map(str.isalpha, text)) for text in off) and (
        len(off) > 2 or any(map(str.isdigit, "".join(off)))
    ):
        return f"{cure}Export the numbers of the answers, not their labels."
    shown = [text if _as_number(text) is not None else f'"{text}"' for text in off[:5]]
    meaning = _some(off) + (" mean" if len(off) > 1 else " means")
    return (
        f'{cure}If {meaning} "no answer", write  '
        f"missing: [{', '.join([*cells.missing, *shown])}]  under {cells.table} in study.yml."
    )


def _amounts(cells: Cells) -> pd.Series:
    """Read plain decimal numbers."""
    values, bad = _by_value(cells, _as_number)
    if bad.any():
        cells.refuse(
            "CX-E036",
            bad,
            lambda many: "are not plain numbers" if many else "is not a plain number",
            cure="Write numbers as 1234.5: no thousands marks, no currency, a point for decimals.",
        )
    return pd.Series(values)


def _recorded(cells: Cells, spec: c.Experience) -> pd.Series:
    """Read what a customer went through: numbers if its bad values are numbers, else text."""
    return _amounts(cells) if spec.numeric else _words(cells)


def _words(cells: Cells) -> pd.Series:
    """Read words; an empty cell is missing."""
    return pd.Series(pd.array(cells.text, dtype="str")).mask(pd.Series(cells.text == ""))


def _yes_no(cells: Cells, spec: c.YesNo) -> pd.Series:
    """Read yes and no in the spellings declared."""
    yes = {v.casefold() for v in spec.yes}
    no = {v.casefold() for v in spec.no}

    def convert(text: str) -> float | None:
        folded = text.casefold()
        plain = folded.removesuffix(".0")
        for spelling in (folded, plain):
            if spelling in yes:
                return 1.0
            if spelling in no:
                return 0.0
        return None

    values, bad = _by_value(cells, convert)
    if bad.any():
        cells.refuse(
            "CX-E037",
            bad,
            lambda many: (
                f"{'are' if many else 'is'} neither yes ({', '.join(spec.yes)}) "
                f"nor no ({', '.join(spec.no)})"
            ),
            cure=f"In study.yml write  {cells.role}: {{column: {cells.spec.column}, "
            "yes: [...], no: [...]}",
        )
    return pd.Series(values).astype("boolean")


def _dates(cells: Cells, spec: c.Date) -> pd.Series:
    """Read days and moments in the form declared; none may lie after ``as_of``."""
    codes, uniques = pd.factorize(cells.text)
    texts = [str(u) for u in uniques]
    iso = not spec.date or spec.column in cells.raw.iso
    zones = set()
    if iso:
        for i, text in enumerate(texts):
            if zoned := _ZONE.fullmatch(text):
                texts[i] = zoned.group(1)
                zones.add(zoned.group(2).replace("Z", "+00:00"))
            elif ":" in text:
                zones.add("none")
        texts = [t if _ISO.fullmatch(t) else "" for t in texts]
    form = "ISO8601" if iso else spec.date
    days = pd.Series(pd.to_datetime(pd.Series(texts, dtype="str"), format=form, errors="coerce"))
    days = days.astype("datetime64[us]")
    bad = (days.isna() & (uniques != "")).to_numpy()[codes] if len(codes) else np.zeros(0, bool)
    values = days.take(codes).reset_index(drop=True)
    if bad.any():
        first = str(cells.text[bad][0])
        wanted = "year-month-day" if iso else f"in the form {spec.date}"
        cells.refuse(
            "CX-E033",
            bad,
            lambda many: f"{'are not dates' if many else 'is not a date'} {wanted}",
            cure=_date_cure(cells, "" if cells.private else first),
        )
    if len(zones) > 1:
        cells.ledger.refuse(
            "CX-E034",
            "moments of different time zones, or with and without one, stand in one column.",
            cells.place(),
            cure="Write all of them in one zone.",
        )
    elif zones - {"none"}:
        cells.ledger.flag(
            "CX-F007",
            f"all moments are of the zone {zones.pop()}; days are counted there.",
            cells.place(),
        )
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


def _date_cure(cells: Cells, first: str) -> str:
    """Say what a date that could not be read may be."""
    if re.fullmatch(r"\d{5}(\.\d+)?|\d{10}|\d{13}", first):
        return "It looks like a serial number or a count of seconds; export dates as 2025-12-31."
    named = re.fullmatch(r"\d{1,2}([./-])\d{1,2}[./-](\d\d|\d{4})", first)
    mark, year = (named[1], "%y" if len(named[2]) == 2 else "%Y") if named else (".", "%Y")
    role, column = cells.role, cells.spec.column
    return (
        f'Declare its form, as in  {role}: {{column: {column}, date: "%d{mark}%m{mark}{year}"}}'
        "  (%m before %d if the month comes first)"
    )

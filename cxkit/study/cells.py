"""One column of text on its way to a type, with what a message about it needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cxkit.errors import CxkitError, DataError
from cxkit.study.formats.raw import coded
from cxkit.study.ledger import Ledger, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from cxkit.study import columns as c
    from cxkit.study.formats.raw import RawTable


@dataclass(frozen=True)
class Cells:
    """A column's text, its role and declaration, and where its findings go."""

    text: Any
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
        values = [seen(value) for value in dict.fromkeys(self.text[rows].tolist())]
        several = len(values) > 1
        shown = "the value there" if self.private else some(values)
        if self.private and len(rows) > 1:
            shown, several = f"{len(rows)} values", True
        count = f"{len(rows):,}{of}" if of else f"{len(rows):,} row{'s' if len(rows) > 1 else ''}"
        place = self.raw.place + ("s" if len(rows) > 2 else "")
        more = f"; also {place} {some([str(x) for x in self.raw.lines[rows[1:]]], 5)}"
        self.ledger.refuse(
            code,
            f"{shown} {what(several)} ({count}{more if len(rows) > 1 else ''}).",
            self.place(bad),
            cure=cure,
            error=error,
        )

    def repaired(
        self, code: str, changed: np.ndarray, after: np.ndarray, what: Callable[[str], str]
    ) -> Cells:
        """Return the cells with other text in the rows of ``changed``, and tell it.

        ``what`` makes the sentence of the number of values; one value before and after is shown,
        unless the column is private.
        """
        rows = np.flatnonzero(changed)
        text = self.text.copy()
        text[rows] = after[rows]
        self.tell(code, changed, what, (self.text[rows[0]], text[rows[0]]))
        return replace(self, text=text)

    def tell(
        self,
        code: str,
        changed: np.ndarray,
        what: Callable[[str], str],
        example: tuple[object, object],
    ) -> None:
        """Tell what was mended in the rows of ``changed``, with one value before and after."""
        rows = np.flatnonzero(changed)
        self.ledger.repaired.setdefault(self.table, set()).update(rows.tolist())
        values = f"{len(rows):,} value{'s' if len(rows) > 1 else ''}"
        before, after = (visible(str(v)) for v in example)
        shown = "" if self.private else f" ({before} → {after})"
        self.ledger.repair(code, f"{what(values)}{shown}.", self.place(changed))

    @cached_property
    def coded(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the codes and the distinct texts of the column."""
        column = self.spec.column
        whole = self.raw.columns
        if column in whole and self.text is whole[column]:
            return self.raw.coded(column)
        return coded(self.text)

    def place(self, bad: np.ndarray | None = None) -> Place:
        """Return where a finding about the rows of a mask, or the whole column, stands."""
        return place_of(self.table, self.file, self.raw, self.raw.lines, bad, self.spec.column)

    def distinct(self, convert: Callable[[str], object]) -> tuple[np.ndarray, np.ndarray]:
        """Convert each distinct text to a number once; returns values and where none fits.

        ``convert`` gives None where a text does not fit; an empty text is missing.
        """
        codes, uniques = self.coded
        values = np.full(len(uniques), np.nan)
        bad = np.zeros(len(uniques), dtype=bool)
        for i, text in enumerate(uniques):
            if text:
                found = convert(text)
                bad[i] = found is None
                values[i] = np.nan if found is None else found
        return values[codes], bad[codes]

    def where(self, fits: Callable[[str], bool]) -> np.ndarray:
        """Return the rows whose text fits, asking each distinct text once."""
        codes, uniques = self.coded
        return np.array([fits(text) for text in uniques], dtype=bool)[codes]


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


def some(values: Sequence[str], most: int = 3) -> str:
    """List a few values, and how many more there are."""
    shown = ", ".join(short(v) for v in values[:most])
    return shown + (f" and {len(values) - most} more" if len(values) > most else "")


def short(value: str) -> str:
    """Return a value that fits into a sentence."""
    return value if len(value) <= 40 else value[:37] + "..."


def seen(value: str) -> str:
    r"""Return a value, in quotes and with the names of its letters where some cannot be seen.

    >>> seen("9"), seen("très bon"), seen("7\u200b"), seen("")
    ('9', 'très bon', "'7\\u200b'", 'an empty cell')
    """
    if not value:
        return "an empty cell"
    return value if value.isprintable() and value.strip() == value else ascii(value)


def visible(value: str) -> str:
    r"""Return a value in quotes where its ends or letters cannot be seen otherwise.

    >>> visible("Agree "), visible("9"), visible("Retail\u200b")
    ("'Agree '", '9', "'Retail\\u200b'")
    """
    plain = value.strip() == value and value.isprintable() and value.isascii()
    return short(value) if plain and value else short(ascii(value) if not plain else value)

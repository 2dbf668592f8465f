"""The sheets of a workbook: the text and kind of every cell, and the marks of the sheet.

openpyxl reads the values; what its streaming reader passes over is read from the sheet itself.
"""

from __future__ import annotations

import datetime as dt
import io
import warnings
import zipfile
from dataclasses import dataclass, field
from typing import Any

from cxkit.study.formats.compressed import DAMAGED, MOST_BYTES, too_large
from cxkit.study.formats.parts import chosen
from cxkit.study.formats.raw import UnreadableError

#: The most rows of a sheet.
ROWS = 1_048_576

#: A workbook keeps so many digits of a number.
DIGITS = 15


@dataclass
class Sheet:
    """One sheet: its filled rows as text, the kind of every cell, and its marks."""

    name: str
    records: list[list[str]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    bare: set[str] = field(default_factory=set)

    def cell(self, record: int, column: int) -> str:
        """Return the address of a cell."""
        from openpyxl.utils import get_column_letter

        return f"{get_column_letter(column + 1)}{self.rows[record]}"


def opened(content: bytes, name: str) -> Sheet:
    """Return the sheet named, or the only one that holds something.

    Raises
    ------
    UnreadableError
        The workbook is not whole or grows beyond every table, or the sheet cannot be told.
    """
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that hold no values
            _within(content)
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            sheets = {each.title: each for each in book.worksheets}
            read = {
                title: _read(content, each)
                for title, each in sheets.items()
                if not name or title == name
            }
    except (
        *DAMAGED,
        InvalidFileException,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        SyntaxError,
    ):
        raise UnreadableError(
            "CX-E016",
            "this is not a whole workbook (xlsx): it is damaged.",
            "Open it, save it again as xlsx, or save the sheet as CSV.",
        ) from None
    filled = {
        title: tuple(text for text in sheet.records[0] if text)
        for title, sheet in read.items()
        if sheet.records
    }
    if name and name not in filled:
        filled |= {title: () for title in sheets if title != name}
    return read[chosen("sheet", filled, name, there=tuple(sheets))]


def _within(content: bytes) -> None:
    """Refuse a workbook whose parts grow beyond every table."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if too_large(size, len(content), most=MOST_BYTES):
        raise UnreadableError(
            "CX-E021",
            f"the workbook of {len(content):,} bytes grows to {size:,}: no table does.",
            "If it is right, save the sheet as CSV.",
        )


def _read(content: bytes, source: Any) -> Sheet:
    """Read the marks of a sheet, then its cells."""
    sheet = Sheet(source.title)
    _marks(content, source._worksheet_path, sheet)
    source.reset_dimensions()  # what a sheet says of its own size may be wrong
    for cells in source.iter_rows():
        texts = [_text(cell) for cell in cells]
        bare = sheet.bare and any(getattr(c, "coordinate", "") in sheet.bare for c in cells)
        if any(text.strip() for text, _ in texts) or bare:
            sheet.records.append([text for text, _ in texts])
            sheet.kinds.append("".join(kind for _, kind in texts))
            sheet.rows.append(next(c.row for c in cells if hasattr(c, "coordinate")))
    return sheet


def _marks(content: bytes, path: str, sheet: Sheet) -> None:
    """Read what openpyxl's streaming reader does not tell of a sheet.

    Merged cells, hidden rows, formulas without a stored value; and a row or column number that no
    sheet has, since the gap before it would be filled.
    """
    from openpyxl.utils.cell import coordinate_from_string
    from openpyxl.xml.functions import iterparse

    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(path) as source:
        row, holder = 0, None
        for event, element in iterparse(source, events=("start", "end")):
            tag = element.tag.rpartition("}")[2]
            if event == "start":
                holder = element if tag == "sheetData" else holder
                if tag == "row":
                    row = int(element.get("r", row + 1))
                    if row > ROWS:
                        raise ValueError(row)
                    if element.get("hidden") in ("1", "true"):
                        sheet.hidden.append(row)
            elif tag == "c":
                held = {child.tag.rpartition("}")[2] for child in element if child.text}
                if element.find("{*}f") is not None and not held & {"v", "is"}:
                    sheet.bare.add(element.get("r", ""))
                if "r" in element.attrib:
                    coordinate_from_string(element.get("r"))
            elif tag == "mergeCell":
                sheet.merged.append(element.get("ref", ""))
            elif tag == "row" and holder is not None:
                holder.clear()


def _text(cell: Any) -> tuple[str, str]:
    """Return what stands in a cell as text, and its kind.

    ``s`` is text, ``n`` a number, ``d`` a day or moment, ``t`` a time, ``b`` yes or no, ``e`` an
    error, ``-`` nothing.
    """
    value = cell.value
    if value is None or value == "":
        return "", "-"
    if cell.data_type == "e":
        return str(value), "e"
    if isinstance(value, bool):
        return str(value).lower(), "b"
    if isinstance(value, int | float):
        whole = isinstance(value, int) or (value.is_integer() and abs(value) < 10**22)
        return (str(int(value)) if whole else f"{value:.{DIGITS}g}"), "n"
    if isinstance(value, dt.datetime):
        value = (value + dt.timedelta(microseconds=500)).replace(microsecond=0)
        midnight = value.time() == dt.time()
        return (f"{value:%Y-%m-%d}" if midnight else f"{value:%Y-%m-%d %H:%M:%S}"), "d"
    if isinstance(value, dt.date):
        return value.isoformat(), "d"
    if isinstance(value, dt.time | dt.timedelta):
        return str(value), "t"
    return str(value), "s"

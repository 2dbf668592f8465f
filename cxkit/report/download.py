"""The table of a figure as a file inside the page: a CSV that no spreadsheet runs."""

from __future__ import annotations

import base64
import csv
import io
import re
from dataclasses import dataclass

#: What a spreadsheet may take for the start of a formula, blanks and marks before it passed over.
_FORMULA = re.compile(r"[\s\x00-\x1f]*[=+\-@＝＋－＠]|[\t\r\n]")
_UNSEEN = str.maketrans("", "", "\0\ufeff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What an output says that its figure draws."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


def table_of(said: object) -> Table | None:
    """Return the table that an output carries, or None if what it carries is none."""
    if not isinstance(said, dict):
        return None
    columns, rows = said.get("columns"), said.get("rows")
    if not (isinstance(columns, list) and columns and isinstance(rows, list)):
        return None
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        return None
    return Table(columns=tuple(map(str, columns)), rows=tuple(map(tuple, rows)))


def inert(value: object) -> object:
    """Return a cell that a spreadsheet reads and never runs.

    Numbers stay numbers, what is missing is empty. Text that could start a formula gets an
    apostrophe before it, wherever blanks stand before the start.

    Examples
    --------
    >>> inert("=HYPERLINK(1)"), inert("  +1"), inert("North"), inert(-1.5), inert(None)
    ("'=HYPERLINK(1)", "'  +1", 'North', -1.5, '')
    """
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = str(value).translate(_UNSEEN)
    return f"'{text}" if _FORMULA.match(text) else text


def table_csv(table: Table) -> bytes:
    """Return a table as CSV: UTF-8 with its mark, text in quotes.

    The quotes keep a text whole under any separator, so that nothing after a semicolon becomes a
    cell of its own.
    """
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow([inert(c) for c in table.columns])
    writer.writerows([inert(v) for v in row] for row in table.rows)
    return written.getvalue().encode("utf-8-sig")


def address(table: Table) -> str:
    """Return the table as the address of a link: the file is inside the page."""
    coded = base64.b64encode(table_csv(table)).decode("ascii")
    return f"data:text/csv;charset=utf-8;base64,{coded}"

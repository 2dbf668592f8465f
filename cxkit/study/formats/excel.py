"""A sheet of a workbook becomes columns of text; what a cell only seems to hold is refused by cell.

A workbook shows one thing and stores another: a formula may have no stored value, a merged cell
stands for several, a filter hides rows that are there, and a file of text opened with the wrong
settings has turned some of its dates.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from cxkit import markup
from cxkit.study.formats.delimited import finished
from cxkit.study.formats.dialect import HEADER_WITHIN
from cxkit.study.formats.header import unique
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.formats.survey_exports import recognised
from cxkit.study.formats.workbook import DIGITS, Sheet, opened

if TYPE_CHECKING:
    from collections.abc import Collection

    from cxkit.study.formats.encoding import Note
    from cxkit.study.reading import Reading

_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")
_MERGED = re.compile(r"([A-Z]+)(\d+):([A-Z]+)(\d+)")


def read_excel(
    content: bytes, wanted: Collection[str], how: Reading, *, keep_all: bool = False
) -> RawTable:
    """Read one sheet of a workbook (xlsx, xlsm); every cell becomes the text a CSV would hold.

    Parameters
    ----------
    content : bytes
        The workbook.
    wanted : collection of str
        The columns asked for; one may be absent.
    how : Reading
        What study.yml declares: ``sheet``, ``skip_rows``, ``format``.
    keep_all : bool
        Keep the other columns too.

    Returns
    -------
    RawTable
        Its lines are rows of the sheet.

    Raises
    ------
    UnreadableError
        The file is not whole; several sheets hold something and none is named; a cell asked for
        holds an error, a formula without a value, or is merged; a column holds dates and texts.

    Notes
    -----
    Days and moments become ISO text by the calendar of the workbook (1900 or 1904). Numbers keep
    the 15 digits that a workbook keeps. Rows hidden by a filter are read, and told.
    """
    sheet = opened(content, how.sheet)
    part = f"sheet {sheet.name!r}"
    notes: list[Note] = []
    try:
        return _tabled(sheet, wanted, how, notes, keep_all, part)
    except UnreadableError as fault:
        row = f", row {fault.lines[0]}" if fault.lines else ""
        raise UnreadableError(
            fault.code, f"{part}{row}: {fault.text}", fault.cure, column=fault.column
        ) from None


def _tabled(
    sheet: Sheet,
    wanted: Collection[str],
    how: Reading,
    notes: list[Note],
    keep_all: bool,
    part: str,
) -> RawTable:
    """Make columns of the filled rows of a sheet."""
    begin = _header_at(sheet, frozenset(wanted), how, notes)
    export = recognised(sheet.records[begin : begin + 3], how)
    rows = export.header_rows if export else 1
    width = max(len(record) for record in sheet.records[begin:])
    records = [record + [""] * (width - len(record)) for record in sheet.records[begin:]]
    kinds = [kind + "-" * (width - len(kind)) for kind in sheet.kinds[begin:]]
    lines = sheet.rows[begin:]
    given = list(export.header) if export else records[0]
    given += [""] * (width - len(given))
    filled = [i for i in range(width) if given[i].strip() or any(k[i] != "-" for k in kinds[rows:])]
    given = [given[i] for i in filled]
    names, odd = unique(given, lines[0], wanted)
    notes.extend(odd)
    nameless = [name for name, said in zip(names, given, strict=True) if not said.strip()]
    needed = frozenset(wanted) | (export.needed if export else frozenset())
    place = dict(zip(names, filled, strict=True))
    asked = {name: i for name, i in place.items() if name in needed}
    _refuse_cells(sheet, begin, rows, asked)
    _refuse_merged(sheet, begin, asked)
    iso = _dates(sheet, begin, rows, kinds, asked if not keep_all else place, asked)
    notes.extend(_told(sheet, records[rows:], kinds[rows:], lines[rows:], asked))
    if export:
        notes.extend(export.notes(lines))
    table = RawTable(
        header=tuple(names),
        columns={
            name: np.array([record[i] for record in records[rows:]], dtype=object)
            for name, i in place.items()
            if keep_all or name in needed or name in nameless
        },
        lines=np.array(lines[rows:], dtype=np.int64),
        place="row",
        iso=iso,
        part=part,
        repairs=tuple(notes),
    )
    return finished(table, export, how, nameless, names if keep_all else wanted)


def _header_at(sheet: Sheet, asked: frozenset[str], how: Reading, notes: list[Note]) -> int:
    """Return which filled row is the header: the first, or the first that names most columns."""
    first = next((i for i, row in enumerate(sheet.rows) if row > how.skip_rows), None)
    if first is None:
        raise UnreadableError(
            "CX-E006",
            f"there is nothing below the {how.skip_rows} rows to be skipped.",
            "Mend  skip_rows:  in study.yml.",
        )
    if asked & set(sheet.records[first]) or how.skip_rows:
        return first
    for begin in range(first + 1, min(len(sheet.records), first + HEADER_WITHIN)):
        if 2 * len(asked & set(sheet.records[begin])) > len(asked):
            above = tuple(sheet.rows[first:begin])
            told = f"{len(above)} row{'s' if len(above) > 1 else ''} above the header passed over"
            notes.append(("CX-R006", f"{told}; the header is row {sheet.rows[begin]}.", above))
            return begin
    return first


def _refuse_cells(sheet: Sheet, begin: int, rows: int, asked: dict[str, int]) -> None:
    """Refuse errors and formulas without a value in the columns asked for."""
    bad = []
    for record in range(begin + rows, len(sheet.records)):
        kind, texts = sheet.kinds[record], sheet.records[record]
        for column in asked.values():
            if column < len(kind) and kind[column] == "e":
                bad.append(f"{sheet.cell(record, column)} holds {texts[column]}")
            elif sheet.bare and (cell := sheet.cell(record, column)) in sheet.bare:
                bad.append(f"{cell} a formula without a stored value")
    if bad:
        more = f", and {len(bad) - 10} more" if len(bad) > 10 else ""
        raise UnreadableError(
            "CX-E072",
            f"cell {', '.join(bad[:10])}{more}.",
            "Mend the cells, or empty them if they mean no answer; open and save a workbook that "
            "another program wrote, so that its formulas are computed.",
        )


def _refuse_merged(sheet: Sheet, begin: int, asked: dict[str, int]) -> None:
    """Refuse merged cells in the columns asked for, header included."""
    from openpyxl.utils import column_index_from_string

    first = sheet.rows[begin]
    bad = []
    for ref in sheet.merged:
        if found := _MERGED.fullmatch(ref):
            left, right = (column_index_from_string(found[i]) - 1 for i in (1, 3))
            touched = any(left <= column <= right for column in asked.values())
            if int(found[4]) >= first and touched:
                bad.append(ref)
    if bad:
        raise UnreadableError(
            "CX-E073",
            f"the cells {', '.join(bad[:5])} are merged: only the first of them holds a value.",
            "Unmerge them and write the value into every row that it holds for.",
        )


def _dates(
    sheet: Sheet,
    begin: int,
    rows: int,
    kinds: list[str],
    place: dict[str, int],
    asked: Collection[str],
) -> frozenset[str]:
    """Return the columns of dates; one asked for that holds dates and texts is refused."""
    iso = set()
    for name, column in place.items():
        held = {kind[column] for kind in kinds[rows:]} - {"-"}
        if held == {"d"}:
            iso.add(name)
        elif "d" in held and name in asked:
            odd = next(
                begin + rows + i for i, k in enumerate(kinds[rows:]) if k[column] not in "-d"
            )
            day = next(begin + rows + i for i, k in enumerate(kinds[rows:]) if k[column] == "d")
            raise UnreadableError(
                "CX-E074",
                f"{sheet.cell(day, column)} is a date and {sheet.cell(odd, column)} is none: a "
                "spreadsheet that turns only some texts into dates has often taken the day for "
                "the month in them.",
                "Import the column anew as text, or mend it in the sheet.",
                column=name,
            )
    return frozenset(iso)


def _told(
    sheet: Sheet,
    records: list[list[str]],
    kinds: list[str],
    lines: list[int],
    asked: dict[str, int],
) -> list[Note]:
    """Tell hidden rows, numbers kept as text, and numbers longer than a workbook keeps."""
    notes: list[Note] = []
    hidden = tuple(sorted(set(sheet.hidden) & set(lines)))
    if hidden:
        notes.append(
            (
                "CX-F041",
                f"{markup.numbered(len(hidden), 'row is', 'rows are')} hidden in the sheet, by a "
                f"filter or by hand; all {len(lines):,} are read.",
                hidden,
            )
        )
    for name, column in asked.items():
        held = [kind[column] for kind in kinds]
        texts = tuple(
            line
            for line, kind, record in zip(lines, held, records, strict=True)
            if kind == "s" and _NUMBER.fullmatch(record[column].strip())
        )
        if texts and "n" in held:
            told = f"column {name}: {len(texts):,} numbers kept as text are read as numbers."
            notes.append(("CX-R022", told, texts))
        long = tuple(
            line
            for line, kind, record in zip(lines, held, records, strict=True)
            if kind == "n"
            and len(record[column].lstrip("-")) > DIGITS
            and record[column].lstrip("-").isdecimal()
        )
        if long:
            told = (
                f"column {name}: {len(long):,} numbers have more digits than the {DIGITS} that a "
                "workbook keeps; their last digits are lost."
            )
            notes.append(("CX-F042", told, long))
    return notes

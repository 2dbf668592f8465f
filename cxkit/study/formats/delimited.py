"""Text with separators becomes columns of text; a row of another length is never padded."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cxkit.study.formats.dialect import dialect_of
from cxkit.study.formats.encoding import decoded
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.formats.survey_exports import Export, dropped, moments, recognised

if TYPE_CHECKING:
    from collections.abc import Collection

    from cxkit.study.formats.dialect import Dialect
    from cxkit.study.formats.encoding import Note
    from cxkit.study.reading import Reading

#: A field longer than this is taken for a fault of the file.
LONGEST_FIELD = 4_000_000


@dataclass
class _Records:
    """The records of a file below the lines above its header, and where each begins."""

    records: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)


def read_delimited(
    content: bytes, wanted: Collection[str], how: Reading, *, keep_all: bool = False
) -> RawTable:
    """Read text with separators; every field stays text.

    Parameters
    ----------
    content : bytes
        The file.
    wanted : collection of str
        The columns asked for; one may be absent.
    how : Reading
        What study.yml declares about the file.
    keep_all : bool
        Keep the other columns too.

    Returns
    -------
    RawTable

    Raises
    ------
    UnreadableError
        The encoding or the separator cannot be told, the header is unfit, a row has another number
        of fields, or a quote does not close.
    """
    text, notes = decoded(content, how.encoding)
    dialect = dialect_of(text, wanted, how)
    notes.extend(dialect.notes)
    read = _records(text, dialect)
    if not read.records:
        raise UnreadableError("CX-E006", "the file holds only blank lines.", "Export it again.")
    export = recognised(read.records[:3], how)
    rows = export.header_rows if export else 1
    header = list(export.header) if export else read.records[0]
    check_header(header, read.lines[0], dialect.delimiter, wanted)
    _one_length(read, len(header), dialect.delimiter)
    if export:
        notes.extend(export.notes(read.lines))
    if read.blank and len(read.lines) > 1 and read.blank[0] < read.lines[-1]:
        inner = tuple(line for line in read.blank if line < read.lines[-1])
        notes.append(("CX-R001", f"{len(inner)} blank lines passed over.", inner))
    needed = frozenset(wanted) | (export.needed if export else frozenset())
    body = read.records[rows:]
    columns = {
        name: np.array([record[i] for record in body], dtype=object)
        for i, name in enumerate(header)
        if keep_all or name in needed or not name.strip()
    }
    table = RawTable(
        header=tuple(header),
        columns=columns,
        lines=np.array(read.lines[rows:], dtype=np.int64),
        separator=dialect.delimiter,
    )
    return finished(table, export, how, notes, wanted if not keep_all else header)


def _records(text: str, dialect: Dialect) -> _Records:
    """Read every record, with the line it begins on; blank ones apart."""
    csv.field_size_limit(LONGEST_FIELD)
    stream = io.StringIO(text, newline="")
    for _ in range(dialect.above):
        next(stream)
    reader = csv.reader(stream, delimiter=dialect.delimiter, strict=True)
    read = _Records()
    begin = dialect.above + 1
    try:
        for record in reader:
            length = len(read.records[0]) if read.records else 0
            filled = any(field.strip() for field in record)
            if filled or 1 < len(record) == length:
                read.records.append(record)
                read.lines.append(begin)
            else:
                read.blank.append(begin)
            begin = dialect.above + reader.line_num + 1
    except csv.Error:
        raise UnreadableError(
            "CX-E010",
            "from here on the quotes do not close, or stand inside a field.",
            'A quote inside a quoted field is written twice ("").',
            (begin,),
        ) from None
    return read


def _one_length(read: _Records, length: int, mark: str) -> None:
    """Refuse rows that have more fields than the header, or fewer."""
    ragged = [
        (line, len(record))
        for record, line in zip(read.records, read.lines, strict=True)
        if len(record) != length
    ]
    if not ragged:
        return
    first, found = ragged[0]
    where = tuple(line for line, _ in ragged)
    if length == 1 and len(ragged) == len(read.records) - 1:
        raise UnreadableError(
            "CX-E012",
            f"the first line is a title, not a header; the header seems to be line {first}.",
            f"In study.yml write  skip_rows: {first - 1}",
            (1,),
        )
    many = f" ({len(ragged)} rows are so)" if len(ragged) > 1 else ""
    name = {",": "A comma", ";": "A semicolon", "\t": "A tab"}.get(mark, f"The mark {mark!r}")
    last = len(ragged) == 1 and first == read.lines[-1]
    if found > length:
        every = len(ragged) == len(read.records) - 1 and found == length + 1
        cure = f"{name} inside a field needs quotes around the field."
        if every and all(not record[-1].strip() for record in read.records[1:]):
            cure = "Every row ends with one separator more than the header: name that column."
    else:
        cure = "The row is cut short; an empty answer still has its separators."
        if last and found == 1:
            cure += " If it is a note or a total below the table, take it out."
    raise UnreadableError("CX-E011", f"{found} fields, the header has {length}{many}.", cure, where)


def check_header(header: list[str], line: int, mark: str, wanted: Collection[str]) -> None:
    """Refuse a header that is none, has a name twice, or lacks several.

    Raises
    ------
    UnreadableError
    """
    asked = set(wanted)
    twice = sorted({name for name in header if name.strip() and header.count(name) > 1})
    if twice and not asked & set(header):
        raise UnreadableError(
            "CX-E014",
            "this line looks like data, not a header: it has none of the columns asked for "
            f"({', '.join(sorted(asked)[:10])}).",
            "Put the names of the columns on the first line.",
            (line,),
        )
    if twice:
        raise UnreadableError(
            "CX-E015",
            f"the header has {', '.join(map(repr, twice))} more than once.",
            "Give every column its own name.",
            (line,),
        )
    if sum(not name.strip() for name in header) > 1:
        raise UnreadableError(
            "CX-E015",
            "several columns have no name in the header.",
            "Give every column a name, or remove the empty columns.",
            (line,),
        )


def finished(
    table: RawTable,
    export: Export | None,
    how: Reading,
    notes: list[Note],
    wanted: Collection[str],
) -> RawTable:
    """Take out what is no answer: a column of row numbers, rows that a tool's rules drop."""
    columns, lines = dict(table.columns), table.lines
    header = list(table.header)
    iso: frozenset[str] = frozenset()
    for place in (0, len(header) - 1):
        name = header[place] if header else "x"
        if not name.strip() and name in columns and (why := _nameless(columns[name], place)):
            notes.append(why)
            del columns[name]
            del header[place]
            break
    gone = 0
    if export:
        stays, told = dropped(export, columns, lines, how.keep)
        notes.extend(told)
        gone = int((~stays).sum())
        columns = {name: text[stays] for name, text in columns.items()}
        lines = lines[stays]
        if export.moments in columns:
            columns[export.moments], zones = moments(columns[export.moments])
            iso = frozenset({export.moments})
            notes.append(
                (
                    "CX-F007",
                    f"Google Forms export: moments are of the zone {', '.join(sorted(zones))}; "
                    "days are counted there.",
                    (),
                )
            )
    asked = set(wanted)
    return RawTable(
        header=tuple(header),
        columns={name: text for name, text in columns.items() if name in asked},
        lines=lines,
        iso=iso,
        repairs=tuple(notes),
        labels=export.labels if export else {},
        dropped=gone,
        separator=table.separator,
    )


def _nameless(text: np.ndarray, place: int) -> Note | None:
    """Say why a column without a name may go: it numbers the rows, or is empty; else None."""
    if not len(text):
        return None
    empty = all(not value.strip() for value in text)
    if empty:
        return ("CX-R008", f"column {place + 1} has no name and no value: left out.", ())
    for start in (0, 1):
        if text[0] == str(start) and all(
            value == str(i) for i, value in enumerate(text.tolist(), start)
        ):
            return (
                "CX-R007",
                f"column {place + 1} has no name and only numbers the rows: left out.",
                (),
            )
    return None

"""Text with separators becomes columns of text; a row of another length is never padded."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from cxkit.study.formats.dialect import dialect_of
from cxkit.study.formats.encoding import decoded
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.formats.survey_exports import (
    Export,
    dropped,
    moments,
    recognised,
    zones_told,
)

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
    names = list(export.header) if export else read.records[0]
    header, odd = unique(names, read.lines[0], wanted)
    notes.extend(odd)
    _one_length(read, len(header), dialect.delimiter)
    if export:
        notes.extend(export.notes(read.lines))
    if read.blank and len(read.lines) > 1 and read.blank[0] < read.lines[-1]:
        inner = tuple(line for line in read.blank if line < read.lines[-1])
        notes.append(("CX-R001", f"{len(inner)} blank lines passed over.", inner))
    needed = frozenset(wanted) | (export.needed if export else frozenset())
    body = read.records[rows:]
    table = RawTable(
        header=tuple(header),
        columns={
            name: np.array([record[i] for record in body], dtype=object)
            for i, name in enumerate(header)
            if keep_all or name in needed or not names[i].strip()
        },
        lines=np.array(read.lines[rows:], dtype=np.int64),
        separator=dialect.delimiter,
        repairs=tuple(notes),
    )
    nameless = [name for name, given in zip(header, names, strict=True) if not given.strip()]
    return finished(table, export, how, nameless, header if keep_all else wanted)


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


def unique(names: list[str], line: int, wanted: Collection[str]) -> tuple[list[str], list[Note]]:
    """Return names that tell columns apart; one asked for must do so by itself.

    Raises
    ------
    UnreadableError
        A column asked for stands there twice, or the line is no header at all.
    """
    asked = set(wanted)
    twice = sorted({name for name in names if name.strip() and names.count(name) > 1})
    if twice and asked and not asked & set(names):
        raise UnreadableError(
            "CX-E014",
            "this line looks like data, not a header: it has none of the columns asked for "
            f"({', '.join(sorted(asked)[:10])}).",
            "Put the names of the columns on the first line.",
            (line,),
        )
    if meant := [name for name in twice if name in asked]:
        raise UnreadableError(
            "CX-E015",
            f"the header has {', '.join(map(repr, meant))} more than once.",
            "Give every column its own name.",
            (line,),
        )
    notes: list[Note] = []
    if twice:
        told = f"the header has {', '.join(map(repr, twice[:3]))} more than once"
        told += f" (and {len(twice) - 3} other names so)" if len(twice) > 3 else ""
        notes.append(("CX-F023", f"{told}; no study can name these columns.", (line,)))
    header = [
        f"{name} (column {i})".strip() if name in twice or not name.strip() else name
        for i, name in enumerate(names, 1)
    ]
    return header, notes


def finished(
    table: RawTable,
    export: Export | None,
    how: Reading,
    nameless: Collection[str],
    wanted: Collection[str],
) -> RawTable:
    """Take out what is no answer: columns without name or value, rows that a tool's rules drop.

    Parameters
    ----------
    table : RawTable
        As it stands in the file.
    export : Export or None
        The tool that wrote it.
    how : Reading
        What study.yml declares.
    nameless : collection of str
        The columns whose name is the kit's own.
    wanted : collection of str
        The columns to keep.

    Returns
    -------
    RawTable
    """
    columns, lines, iso = dict(table.columns), table.lines, table.iso
    notes: list[Note] = list(table.repairs)
    gone: set[str] = set()
    for name in nameless:
        if why := _needless(columns[name], name, first=name == table.header[0]):
            notes.append(why)
            gone.add(name)
    n_dropped = 0
    if export:
        stays, told = dropped(export, columns, lines, how.keep)
        notes.extend(told)
        n_dropped = int((~stays).sum())
        columns = {name: text[stays] for name, text in columns.items()}
        lines = lines[stays]
        if export.moments in columns:
            columns[export.moments], zones = moments(columns[export.moments])
            iso |= {export.moments}
            notes.append(zones_told(export.tool, zones))
    asked = set(wanted) - gone
    return replace(
        table,
        header=tuple(name for name in table.header if name not in gone),
        columns={name: text for name, text in columns.items() if name in asked},
        lines=lines,
        iso=iso,
        repairs=tuple(notes),
        labels=export.labels if export else table.labels,
        dropped=n_dropped,
    )


def _needless(text: np.ndarray, name: str, *, first: bool) -> Note | None:
    """Say why a column without a name may go: it is empty, or numbers the rows; else None."""
    values = text.tolist()
    if values and not any(value.strip() for value in values):
        return ("CX-R008", f"{name[1:-1]} has no name and no value: left out.", ())
    counts = any(values == [str(i) for i in range(k, len(values) + k)] for k in (0, 1))
    if values and first and counts:
        return ("CX-R007", f"{name[1:-1]} has no name and only numbers the rows: left out.", ())
    return None

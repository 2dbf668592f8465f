"""Text with separators becomes columns of text; a row of another length is never padded."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cxkit.study.formats.encoding import utf8
from cxkit.study.formats.header import HEAD, Head, head_of, open_quote, strict_reader
from cxkit.study.formats.quick import read_quick
from cxkit.study.formats.raw import (
    RawTable,
    UnreadableError,
    as_text,
    chosen,
    joined,
    only,
)
from cxkit.study.formats.survey_exports import dropped, moments, zones_told

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from cxkit.study.formats.encoding import Note
    from cxkit.study.formats.survey_exports import Export
    from cxkit.study.reading import Reading

#: From this size on a reader in C is asked first; below, the strict one is as quick.
QUICK = 256 * 1024

#: Records are turned into columns in pieces of this length.
_PIECE = 20_000


def read_delimited(
    content: bytes,
    wanted: Collection[str],
    how: Reading,
    *,
    keep_all: bool = False,
    quick: int = QUICK,
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
    quick : int
        From this size on, a file that is regular in every byte is read by pyarrow.

    Returns
    -------
    RawTable

    Raises
    ------
    UnreadableError
        The encoding or the separator cannot be told, the header is unfit, a row has another number
        of fields, or a quote does not close.
    """
    text, told = utf8(content, how.encoding)
    head = first_of(text, wanted, how, keep_all=keep_all)
    table = read_quick(text, head) if len(text) >= quick else None
    return completed(table or read_strict(text, head), head, how, told)


def completed(table: RawTable, head: Head, how: Reading, told: Collection[Note]) -> RawTable:
    """Return the rows of a text file without what is no answer, and all that was decided."""
    table = replace(table, repairs=(*told, *table.repairs))
    return finished(table, head.export, how, head.nameless, head.asked)


def first_of(text: bytes, wanted: Collection[str], how: Reading, *, keep_all: bool) -> Head:
    """Return the head of a file from its first bytes, or from all where they do not suffice."""
    start = text[:HEAD].decode("utf-8", errors="ignore")
    try:
        return head_of(start, wanted, how, keep_all=keep_all)
    except UnreadableError:
        if len(text) <= HEAD:
            raise
        return head_of(text.decode("utf-8"), wanted, how, keep_all=keep_all)


@dataclass
class _Rows:
    """Records on their way into columns."""

    places: tuple[int, ...]
    pending: list[list[str]] = field(default_factory=list)
    pieces: list[list[Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)
    ragged: list[tuple[int, int]] = field(default_factory=list)
    swallowed: list[int] = field(default_factory=list)
    spare: bool = True

    def add(self, record: list[str], line: int) -> None:
        """Take one record of the right length."""
        self.pending.append(record)
        self.lines.append(line)
        if len(self.pending) == _PIECE:
            self.flush()

    def flush(self) -> None:
        """Turn what is pending into columns."""
        self.pieces.append([as_text([r[i] for r in self.pending]) for i in self.places])
        self.pending = []


def read_strict(text: bytes, head: Head) -> RawTable:
    """Read every record field by field, and say exactly where one does not fit.

    Parameters
    ----------
    text : bytes
        The file in UTF-8.
    head : Head
        What is known of it.

    Returns
    -------
    RawTable
        With the columns that the head takes, odd ones among them.

    Raises
    ------
    UnreadableError
        Quotes do not close, or rows have another number of fields than the header.
    """
    stream = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
    for _ in range(head.above):
        next(stream)
    reader = strict_reader(stream, head.mark)
    length = len(head.header)
    rows = _Rows(tuple(head.header.index(name) for name in head.taken))
    begin = head.above + 1
    try:
        for record in reader:
            filled = any(field.strip() for field in record)
            if len(record) == length and (filled or length > 1):
                rows.add(record, begin)
                if head.above + reader.line_num > begin and _holds_rows(record, head.mark):
                    rows.swallowed.append(begin)
            elif not filled:
                rows.blank.append(begin)
            else:
                rows.ragged.append((begin, len(record)))
                rows.spare &= len(record) == length + 1 and not record[-1].strip()
            begin = head.above + reader.line_num + 1
    except csv.Error:
        raise open_quote(begin) from None
    if rows.ragged:
        raise _other_length(rows, length, head.mark)
    rows.flush()
    notes = list(head.notes)
    last = rows.lines[-1] if rows.lines else 0
    if inner := tuple(line for line in rows.blank if line < last):
        notes.append(("CX-R001", f"{len(inner)} blank lines passed over.", inner))
    if rows.swallowed:
        told = "a quoted field holds lines that look like rows: a quote may close too late."
        notes.append(("CX-F051", told, tuple(rows.swallowed)))
    return RawTable(
        header=head.header,
        columns={
            name: joined([piece[i] for piece in rows.pieces]) for i, name in enumerate(head.taken)
        },
        lines=np.array(rows.lines, dtype=np.int64),
        separator=head.mark,
        repairs=tuple(notes),
    )


def _holds_rows(record: list[str], mark: str) -> bool:
    """Whether a line within a field has as many separators as a row."""
    inner = (line for field in record if "\n" in field for line in field.split("\n")[1:])
    return len(record) > 2 and any(line.count(mark) >= len(record) - 1 for line in inner)


def _other_length(rows: _Rows, length: int, mark: str) -> UnreadableError:
    """Return the fault of rows that have more fields than the header, or fewer."""
    first, found = rows.ragged[0]
    where = tuple(line for line, _ in rows.ragged)
    if length == 1 and not rows.lines:
        return UnreadableError(
            "CX-E012",
            f"the first line is a title, not a header; the header seems to be line {first}.",
            f"In study.yml write  skip_rows: {first - 1}",
            (1,),
        )
    name = {",": "A comma", ";": "A semicolon", "\t": "A tab"}.get(mark, f"The mark {mark!r}")
    if found > length:
        cure = f"{name} inside a field needs quotes around the field."
        if rows.spare and not rows.lines:
            cure = "Every row ends with one separator more than the header: name that column."
    else:
        cure = "The row is cut short; an empty answer still has its separators."
        last = len(rows.ragged) == 1 and first > max(rows.lines, default=0)
        if last and found == 1:
            cure += " If it is a note or a total below the table, take it out."
    many = f" ({len(rows.ragged)} rows are so)" if len(rows.ragged) > 1 else ""
    return UnreadableError(
        "CX-E011", f"{found} fields, the header has {length}{many}.", cure, where
    )


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
        The rows as they stand in the file.
    export : Export or None
        The tool that wrote the file.
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
    columns: Mapping[str, Any] = table.columns
    lines, iso = table.lines, table.iso
    notes: list[Note] = list(table.repairs)
    gone: set[str] = set()
    asked = frozenset(wanted)
    for name in nameless:
        if why := _needless(columns[name], name, first=name == table.header[0]):
            notes.append(why)
            gone.add(name)
    n_dropped = 0
    if export and export.needed:
        needed = {name: columns[name] for name in export.needed}
        stays, said = dropped(export, needed, lines, how.keep)
        notes.extend(said)
        n_dropped = int((~stays).sum())
        columns = chosen(columns, stays) if n_dropped else columns
        lines = lines[stays]
        if export.moments in columns:
            text, zones = moments(columns[export.moments])
            columns = {**columns, export.moments: text}
            iso |= {export.moments}
            notes.append(zones_told(export.tool, zones))
    kept = [name for name in columns if name in asked and name not in gone]
    return replace(
        table,
        header=tuple(name for name in table.header if name not in gone),
        columns=only(columns, kept),
        lines=lines,
        iso=iso,
        repairs=tuple(notes),
        labels=export.labels if export else table.labels,
        dropped=n_dropped,
    )


def _needless(text: Any, name: str, *, first: bool) -> Note | None:
    """Say why a column without a name may go: it is empty, or numbers the rows; else None."""
    values = text.tolist()
    if values and not any(value.strip() for value in values):
        return ("CX-R008", f"{name[1:-1]} has no name and no value: left out.", ())
    counts = any(values == [str(i) for i in range(k, len(values) + k)] for k in (0, 1))
    if values and first and counts:
        return ("CX-R007", f"{name[1:-1]} has no name and only numbers the rows: left out.", ())
    return None

"""A file becomes columns of text with the line of every row; what it means comes later."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: A field longer than this is taken for a fault of the file.
LONGEST_FIELD = 4_000_000


@dataclass(frozen=True)
class RawTable:
    """The text of a file by column; ``lines`` are where each row begins in the file.

    ``repairs`` are what the reader mended (CX-R...) or only saw (CX-F...): code, text, lines.
    """

    header: tuple[str, ...]
    columns: dict[str, np.ndarray]
    lines: np.ndarray
    place: str = "line"
    iso: frozenset[str] = frozenset()
    repairs: tuple[tuple[str, str, tuple[int, ...]], ...] = ()

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.lines)


@dataclass
class UnreadableError(Exception):
    """The file is not what it should be: what was seen, where, and what to do."""

    code: str
    text: str
    cure: str = ""
    lines: tuple[int, ...] = field(default_factory=tuple)
    column: str = ""


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def read_table(
    content: bytes, name: str, wanted: Sequence[str], *, keep_all: bool = False
) -> RawTable:
    """Read a file into text columns by the reader of its suffix.

    Parameters
    ----------
    content : bytes
        The whole file.
    name : str
        Its name, for the suffix.
    wanted : sequence of str
        The columns asked for; one may be absent.
    keep_all : bool
        Keep the other columns too.

    Returns
    -------
    RawTable

    Raises
    ------
    UnreadableError
        The bytes are of another kind, the header is unfit, or rows have other numbers of fields.
    """
    suffix = Path(name).suffix.lower()
    reader = READERS.get(suffix)
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise UnreadableError(
            "CX-E005",
            f"files ending in {suffix or 'nothing'!r} are not read; known are {known}",
            f"Save it as CSV (UTF-8, comma) and write  file: {Path(name).name.split('.')[0]}.csv",
        )
    if not content.strip():
        raise UnreadableError("CX-E006", "the file is empty.", "Export it again.")
    return reader(content, frozenset(wanted), keep_all)


def read_csv(content: bytes, wanted: frozenset[str], keep_all: bool) -> RawTable:
    """Read comma-separated UTF-8 text; every field stays text."""
    text = _decoded(content)
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    blank: list[int] = []
    ragged: list[tuple[int, int]] = []
    header: list[str] = []
    begin = 1
    try:
        for row in reader:
            if not header:
                if any(field.strip() for field in row):
                    header = row
                    _fit(header, begin, wanted)
            elif len(row) == len(header) and (len(row) > 1 or row[0].strip()):
                rows.append(row)
                lines.append(begin)
            elif not any(field.strip() for field in row):
                blank.append(begin)
            else:
                ragged.append((begin, len(row)))
            begin = reader.line_num + 1
    except csv.Error:
        raise UnreadableError(
            "CX-E010",
            "from here on the quotes do not close, or stand inside a field.",
            'A quote inside a quoted field is written twice ("").',
            (begin,),
        ) from None
    if not header:
        raise UnreadableError("CX-E006", "the file holds only blank lines.", "Export it again.")
    if ragged:
        first, found = ragged[0]
        if len(header) == 1 and not rows:
            raise UnreadableError(
                "CX-E012",
                f"the first line is a title, not a header; the header seems to be line {first}.",
                "Take the lines above it out.",
                (1,),
            )
        many = f" ({len(ragged)} rows are so)" if len(ragged) > 1 else ""
        raise UnreadableError(
            "CX-E011",
            f"{found} fields, the header has {len(header)}{many}.",
            "A comma inside a field needs quotes around the field."
            if found > len(header)
            else "The row is cut short; an empty answer still has its commas.",
            tuple(line for line, _ in ragged),
        )
    repairs = []
    if blank and lines and blank[0] < lines[-1]:
        inner = tuple(line for line in blank if line < lines[-1])
        repairs.append(("CX-R001", f"{len(inner)} blank lines passed over.", inner))
    by_name = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else {}
    return RawTable(
        header=tuple(header),
        columns={
            name: np.array(by_name.get(name, ()), dtype=object)
            for name in header
            if keep_all or name in wanted
        },
        lines=np.array(lines, dtype=np.int64),
        repairs=tuple(repairs),
    )


def _decoded(content: bytes) -> str:
    """Return the text of a CSV, or say what the bytes look like instead."""
    start = content[:64].lstrip().lower()
    seen = next((what for magic, what in _OTHER.items() if content.startswith(magic)), None)
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        seen = "a web page (a login page, perhaps)"
    elif re.match(rb'[{\[]\s*["{\[]', start):
        seen = "JSON (an error message of an interface, perhaps)"
    elif seen is None and b"\0" in content[:4096]:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        share = content[:4096].count(b"\0") / len(content[:4096])
        if share < 0.2:
            raise UnreadableError(
                "CX-E009",
                "a NUL byte stands here; the file is damaged.",
                "Export it again.",
                (line,),
            )
        seen = "UTF-16 text"
    if seen:
        raise UnreadableError(
            "CX-E008" if seen == "UTF-16 text" else "CX-E007",
            f"this is not comma-separated UTF-8 text but looks like {seen}.",
            "Export or save it as CSV (UTF-8, comma).",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UnreadableError(
            "CX-E008",
            f"this is not UTF-8 (byte {error.start + 1:,}); it looks like Windows or Latin-1 text.",
            "Save it as CSV (UTF-8, comma).",
            (line,),
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UnreadableError(
            "CX-E009", "a NUL byte stands here; the file is damaged.", "Export it again.", (line,)
        )
    return text


_OTHER = {
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"PK\x03\x04": "a spreadsheet (xlsx) or a zip",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (xls)",
    b"\x1f\x8b": "a compressed file (gzip)",
    b"PAR1": "Parquet; name it .parquet",
    b"%PDF": "a PDF",
    b"$FL": "SPSS",
}


def _fit(header: list[str], line: int, wanted: frozenset[str]) -> None:
    """Refuse a header that is of another separator, is none, or has a name twice."""
    if len(header) == 1:
        if re.match(r"(?i)sep=", header[0]):
            raise UnreadableError(
                "CX-E013",
                f"the first line is {header[0]!r}, a note for Excel.",
                "Remove that line and save with commas.",
                (line,),
            )
        for mark, what in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if mark in header[0]:
                raise UnreadableError(
                    "CX-E013",
                    f"the columns are separated by {what}, not commas.",
                    "Save it as CSV (UTF-8, comma); mind decimal commas.",
                    (line,),
                )
    twice = sorted({name for name in header if name.strip() and header.count(name) > 1})
    if twice and not wanted & set(header):
        raise UnreadableError(
            "CX-E014",
            "this line looks like data, not a header: it has none of the columns asked for "
            f"({', '.join(sorted(wanted)[:10])}).",
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


def read_parquet(content: bytes, wanted: frozenset[str], keep_all: bool) -> RawTable:
    """Read Parquet through pyarrow; values become the text they would have in a CSV."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(content))
        header = tuple(file.schema_arrow.names)
        if twice := sorted({name for name in header if header.count(name) > 1}):
            raise UnreadableError(
                "CX-E015", f"the column {twice[0]!r} stands there more than once."
            )
        table = file.read(columns=[n for n in header if keep_all or n in wanted])
    except (pa.ArrowException, OSError):
        raise UnreadableError(
            "CX-E016", "this is not a whole Parquet file.", "Export it again."
        ) from None
    columns = {}
    iso = set()
    for name in table.column_names:
        values = table.column(name).combine_chunks()
        kind = values.type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind):
            raise UnreadableError(
                "CX-E017",
                f"it holds {kind}, not one plain value per row.",
                "Export it with one column per value.",
                column=name,
            )
        if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            iso.add(name)
        text = values.cast(pa.large_string()).fill_null("").to_numpy(zero_copy_only=False)
        columns[name] = text.astype(object)
    return RawTable(
        header=header,
        columns=columns,
        lines=np.arange(1, file.metadata.num_rows + 1),
        place="row",
        iso=frozenset(iso),
    )


#: The one door for other formats: suffix -> reader of bytes.
READERS: dict[str, Callable[[bytes, frozenset[str], bool], RawTable]] = {
    ".csv": read_csv,
    ".parquet": read_parquet,
}

"""The head of a text file: separator, header, header rows of a tool, where the answers begin."""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxkit.study.formats.dialect import dialect_of
from cxkit.study.formats.raw import UnreadableError
from cxkit.study.formats.survey_exports import recognised

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cxkit.study.formats.encoding import Note
    from cxkit.study.formats.survey_exports import Export
    from cxkit.study.reading import Reading

#: A field longer than this is taken for a fault of the file.
LONGEST_FIELD = 4_000_000

#: So many bytes hold the head of most files.
HEAD = 1024**2


@dataclass(frozen=True)
class Head:
    """What is known of a text file before its rows are read.

    ``names`` are as they stand in the file, ``header`` tells columns apart; the first row begins
    below ``above`` lines. ``taken`` are the columns to read, ``asked`` those to keep.
    """

    mark: str
    names: tuple[str, ...]
    header: tuple[str, ...]
    line: int
    above: int
    export: Export | None
    taken: tuple[str, ...]
    asked: frozenset[str]
    notes: tuple[Note, ...]

    @property
    def nameless(self) -> list[str]:
        """Return the columns that have no name in the file."""
        return [h for h, name in zip(self.header, self.names, strict=True) if not name.strip()]


def head_of(text: str, wanted: Collection[str], how: Reading, *, keep_all: bool) -> Head:
    """Read the head of a file.

    Parameters
    ----------
    text : str
        The beginning of the file, or all of it.
    wanted : collection of str
        The columns asked for.
    how : Reading
        What study.yml declares.
    keep_all : bool
        Keep the other columns too.

    Returns
    -------
    Head

    Raises
    ------
    UnreadableError
        There is no header, or it is unfit.
    """
    dialect = dialect_of(text, wanted, how)
    records, lines, ends = _first(text, dialect.delimiter, dialect.above)
    if not records:
        raise UnreadableError("CX-E006", "the file holds only blank lines.", "Export it again.")
    export = recognised(records, how)
    names = list(export.header) if export else records[0]
    header, odd = unique(names, lines[0], wanted)
    notes = [*dialect.notes, *odd, *(export.notes(lines) if export else ())]
    needed = frozenset(wanted) | (export.needed if export else frozenset())
    return Head(
        mark=dialect.delimiter,
        names=tuple(names),
        header=tuple(header),
        line=lines[0],
        above=ends[export.header_rows - 1 if export else 0],
        export=export,
        taken=tuple(
            name
            for name, given in zip(header, names, strict=True)
            if keep_all or name in needed or not given.strip()
        ),
        asked=frozenset(header if keep_all else wanted),
        notes=tuple(notes),
    )


def _first(text: str, mark: str, above: int) -> tuple[list[list[str]], list[int], list[int]]:
    """Return the first three records that are not blank, the lines they begin and end on."""
    stream = io.StringIO(text, newline="")
    for _ in range(above):
        next(stream, "")
    reader = strict_reader(stream, mark)
    records: list[list[str]] = []
    lines: list[int] = []
    ends: list[int] = []
    begin = above + 1
    try:
        for record in reader:
            if any(field.strip() for field in record):
                records.append(record)
                lines.append(begin)
                ends.append(above + reader.line_num)
            if len(records) == 3:
                break
            begin = above + reader.line_num + 1
    except csv.Error:
        if not records:
            raise open_quote(begin) from None
    return records, lines, ends


def strict_reader(stream: Iterable[str], mark: str) -> Any:
    """Return the reader that forgives nothing."""
    csv.field_size_limit(LONGEST_FIELD)
    return csv.reader(stream, delimiter=mark, strict=True)


def open_quote(line: int) -> UnreadableError:
    """Return the fault of quotes that do not close."""
    return UnreadableError(
        "CX-E010",
        "from here on the quotes do not close, or stand inside a field.",
        'A quote inside a quoted field is written twice ("").',
        (line,),
    )


def _bare(name: str) -> str:
    """Return a name without what cannot be seen."""
    return "".join(
        char for char in unicodedata.normalize("NFC", name) if char.isprintable()
    ).strip()


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
    bare = [_bare(name) for name in names]
    alike = [n for n, b in zip(names, bare, strict=True) if b and bare.count(b) > 1]
    if alike := [name for name in dict.fromkeys(alike) if name not in twice]:
        told = f"the header has names that look the same: {', '.join(map(ascii, alike[:4]))}."
        notes.append(("CX-F023", told, (line,)))
    header = [
        f"{name} (column {i})".strip() if name in twice or not name.strip() else name
        for i, name in enumerate(names, 1)
    ]
    return header, notes

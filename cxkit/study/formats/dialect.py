"""Where the table of a text file begins and what stands between its fields.

The columns that the study asks for are the evidence: the separator under which a line names them
is the right one, and the line is the header. Without that, one separator must give lines of one
length and no other may; what cannot be told is refused.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxkit.study.formats.raw import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cxkit.study.formats.encoding import Note
    from cxkit.study.reading import Reading

#: The separators looked for, with their names in a sentence.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

#: A header is looked for on so many lines.
HEADER_WITHIN = 30

#: Records looked at where the lengths of lines must tell the separator.
SAMPLE = 200

_SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """The separator, how many lines stand above the header, and what was decided."""

    delimiter: str
    above: int
    notes: tuple[Note, ...] = ()


def dialect_of(text: str, wanted: Collection[str], how: Reading) -> Dialect:
    """Find the header and the separator.

    Parameters
    ----------
    text : str
        The file, or its beginning.
    wanted : collection of str
        The columns that the study asks for.
    how : Reading
        What study.yml declares.

    Returns
    -------
    Dialect

    Raises
    ------
    UnreadableError
        Two separators fit as well, or the lines above the header cannot be told from it.
    """
    lines = list(_first_lines(text, how.skip_rows + HEADER_WITHIN + 2))
    above = how.skip_rows
    notes: list[Note] = []
    given = how.delimiter
    if above < len(lines) and (said := _SEP_LINE.fullmatch(lines[above].strip("\r\n"))):
        above += 1
        given = given or said.group(1)
        notes.append(
            (
                "CX-R004",
                f"the first line says that the separator is {given!r}; it is no header.",
                (above,),
            )
        )
    while above < len(lines) and not lines[above].strip():
        above += 1
    asked = frozenset(wanted)
    marks = [given] if given else list(SEPARATORS)
    found = {mark: _named(lines[above : above + 1], mark, asked) for mark in marks}
    best = max(marks, key=lambda mark: found[mark])  # the first of equals, so the comma
    if asked and found[best] == len(asked):
        return Dialect(best, above, (*notes, *_told(best, given)))
    if not found[best] and not how.skip_rows and (later := _later(lines, above, marks, asked)):
        mark, begin = later
        count = begin - above
        several = count > 1
        notes.append(
            (
                "CX-R006",
                f"{count} line{'s' if several else ''} above the header "
                f"{'were' if several else 'was'} passed over; the header is line {begin + 1}.",
                tuple(range(above + 1, begin + 1)),
            )
        )
        return Dialect(mark, begin, (*notes, *_told(mark, given)))
    if not given and not found[best]:
        best = _by_lengths(text, above)
    return Dialect(best, above, (*notes, *_told(best, given)))


def _told(mark: str, given: str) -> tuple[Note, ...]:
    """Say which separator was found, unless it is the comma or was given."""
    if given or mark == ",":
        return ()
    return (
        ("CX-R004", f"the separator is {mark!r}: fields stand between {SEPARATORS[mark]}.", ()),
    )


def _first_lines(text: str, most: int) -> Iterator[str]:
    """Yield the first lines, whatever ends them."""
    stream = io.StringIO(text[: 4 * 1024**2], newline="")
    for _, line in zip(range(most), stream, strict=False):
        yield line


def _fields(lines: list[str], mark: str) -> list[str]:
    """Return the fields of the record that begins with the first of some lines."""
    try:
        return next(csv.reader(iter(lines), delimiter=mark, strict=True), [])
    except csv.Error:
        return []


def _named(lines: list[str], mark: str, asked: frozenset[str]) -> int:
    """Count the columns asked for that the line names."""
    return len(asked & set(_fields(lines, mark)))


def _later(
    lines: list[str], above: int, marks: list[str], asked: frozenset[str]
) -> tuple[str, int] | None:
    """Return separator and place of a later line that names most of the columns asked for."""
    for begin in range(above + 1, min(len(lines), above + HEADER_WITHIN)):
        for mark in marks:
            if 2 * _named(lines[begin:], mark, asked) > len(asked):
                return mark, begin
    return None


def _by_lengths(text: str, above: int) -> str:
    """Return the separator that gives records of one length, or refuse where two do."""
    fit = {}
    for mark in SEPARATORS:
        counts = Counter(_lengths(text, mark, above))
        length, times = counts.most_common(1)[0] if counts else (0, 0)
        if length > 1 and times >= 0.9 * counts.total():
            fit[mark] = length
    if len(fit) > 1:
        meant = " or ".join(f"delimiter: {json.dumps(mark)}" for mark in fit)
        told = " and ".join(f"{SEPARATORS[mark]} ({n} columns)" for mark, n in fit.items())
        raise UnreadableError(
            "CX-E013",
            f"the separator cannot be told: {told} fit as well.",
            f"In study.yml write  {meant}.",
            (above + 1,),
        )
    return next(iter(fit), ",")


def _lengths(text: str, mark: str, above: int) -> Iterator[int]:
    """Yield the number of fields of the first records that are not blank."""
    stream = io.StringIO(text[: 4 * 1024**2], newline="")
    for _ in range(above):
        next(stream, "")
    try:
        for _, record in zip(
            range(SAMPLE), csv.reader(stream, delimiter=mark, strict=True), strict=False
        ):
            if any(field.strip() for field in record):
                yield len(record)
    except csv.Error:
        return

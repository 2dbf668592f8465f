"""The rows of a regular file, read by pyarrow; nothing is left to its judgement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxkit.study.formats.raw import RawTable, as_text
from cxkit.study.formats.regular import Regular

if TYPE_CHECKING:
    from cxkit.study.formats.header import Head

#: A record may be as long as a block of the reader.
_BLOCK = 4 * 1024**2

#: Pieces of this size stay close to the processor while they are looked at.
_PIECE = 1024**2


def read_quick(text: bytes, head: Head) -> RawTable | None:
    """Read the rows of a text file in C, if every byte of it is regular.

    Parameters
    ----------
    text : bytes
        The file in UTF-8, without mark.
    head : Head
        What is known of it.

    Returns
    -------
    RawTable or None
        None where the strict reader must look: at quotes and line ends out of place, blank lines,
        rows of another length, records of several lines.
    """
    import pyarrow as pa
    from pyarrow import csv

    begin = begin_of(text, head.above)
    body = memoryview(text)[begin:]
    if b"\r" in text[:begin].replace(b"\r\n", b""):
        return None
    if len(head.header) < 2:  # a blank line would be a row
        return None
    seen = Regular(head.mark)
    for place in range(begin, len(text), _PIECE):
        seen.feed(text[place : place + _PIECE])
    seen.end()
    if not seen.regular or seen.several or not seen.records:
        return None
    names = [str(i) for i in range(len(head.header))]
    taken = {names[head.header.index(name)]: name for name in head.taken}
    try:
        table = csv.read_csv(
            pa.BufferReader(body),
            read_options=csv.ReadOptions(column_names=names, block_size=_BLOCK),
            parse_options=csv.ParseOptions(delimiter=head.mark),
            convert_options=csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(names, pa.large_string()),
                include_columns=list(taken),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != seen.records:  # blank lines are passed over, but not told
        return None
    return RawTable(
        header=head.header,
        columns={name: as_text(table.column(i)) for i, name in taken.items()},
        lines=np.arange(head.above + 1, head.above + 1 + table.num_rows),
        separator=head.mark,
        repairs=head.notes,
    )


def begin_of(text: bytes, above: int) -> int:
    """Return the byte at which the rows begin, below so many lines."""
    place = 0
    for _ in range(above):
        place = text.find(b"\n", place) + 1 or len(text)
    return place

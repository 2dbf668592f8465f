"""Parquet becomes columns of text, as they would stand in a CSV."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.formats.stored import Stored, text_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import pyarrow as pa

    from cxkit.study.formats.encoding import Note


def read_parquet(
    content: bytes | Path, wanted: Collection[str], *, keep_all: bool = False
) -> RawTable:
    """Read Parquet through pyarrow; dates and moments are told apart from text.

    Parameters
    ----------
    content : bytes or Path
        The file, or where it is: then its columns are loaded one at a time.
    wanted : collection of str
        The columns asked for; one may be absent.
    keep_all : bool
        Keep the other columns too.

    Returns
    -------
    RawTable

    Raises
    ------
    UnreadableError
        The file is not whole, names a column twice, or a column asked for holds lists or bytes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        whole = isinstance(content, bytes)
        file = pq.ParquetFile(io.BytesIO(content) if isinstance(content, bytes) else content)
        taken, notes = plain_columns(file.schema_arrow, wanted, keep_all=keep_all)
        if not whole:
            for batch in file.iter_batches(
                columns=taken
            ):  # a damaged page is found here, not later
                batch.validate(full=True)
        table = file.read(columns=taken) if whole else file.schema_arrow.empty_table()
        table.validate(full=True)  # damaged text, too
        raw = of_arrow(table.select(taken), file.schema_arrow.names, notes)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise UnreadableError(
            "CX-E016", "this is not a whole Parquet file.", "Export it again."
        ) from None
    if whole:
        return raw
    lines = np.arange(1, file.metadata.num_rows + 1)
    columns = Stored(dict.fromkeys(taken, file), {name: name for name in taken})
    return replace(raw, columns=columns, lines=lines)


def plain_columns(
    schema: pa.Schema, wanted: Collection[str], *, keep_all: bool
) -> tuple[list[str], list[Note]]:
    """Return the columns to take, which hold one plain value per row, and what is left out.

    Raises
    ------
    UnreadableError
        A column stands there twice, or one asked for holds lists or bytes.
    """
    import pyarrow as pa

    if twice := sorted({name for name in schema.names if schema.names.count(name) > 1}):
        raise UnreadableError(
            "CX-E015",
            f"the column {twice[0]!r} stands there more than once.",
            "Give every column its own name.",
        )
    odd = {
        each.name: each.type
        for each in schema
        if pa.types.is_nested(each.type) or pa.types.is_binary(each.type)
    }
    notes: list[Note] = []
    for name, kind in odd.items():
        if name in wanted:
            raise UnreadableError(
                "CX-E017",
                f"it holds {kind}, not one plain value per row.",
                "Export it with one column per value.",
                column=name,
            )
        told = f"column {name} holds {kind}, not one plain value per row: it is left out."
        notes.append(("CX-F022", told, ()))
    return [n for n in schema.names if (keep_all and n not in odd) or n in wanted], notes


def of_arrow(
    table: pa.Table, header: Collection[str], notes: Collection[Note], *, part: str = ""
) -> RawTable:
    """Return the columns of an Arrow table as text; days and moments are told apart from it."""
    import pyarrow as pa

    columns = {}
    iso = set()
    for name in table.column_names:
        values = table.column(name)
        if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
            iso.add(name)
        columns[name] = text_of(values)
    return RawTable(
        header=tuple(header),
        columns=columns,
        lines=np.arange(1, table.num_rows + 1),
        place="row",
        iso=frozenset(iso),
        repairs=tuple(notes),
        part=part,
    )

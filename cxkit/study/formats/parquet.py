"""Parquet becomes columns of text, as they would stand in a CSV."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.formats.stored import text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

    from cxkit.study.formats.encoding import Note


#: What a file that is not whole brings up in its reader.
DAMAGED = (OSError, UnicodeDecodeError)  # and pyarrow.ArrowException


def read_parquet(content: bytes, wanted: Collection[str], *, keep_all: bool = False) -> RawTable:
    """Read Parquet through pyarrow; dates and moments are told apart from text.

    Parameters
    ----------
    content : bytes
        The file.
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
        The file is not whole, names a column twice, or a column asked for holds lists, bytes or
        lengths of time.
    """
    import pyarrow as pa

    with opened(io.BytesIO(content)) as file:
        taken, notes = plain_columns(file.schema_arrow, wanted, keep_all=keep_all)
        schema = pa.schema([file.schema_arrow.field(name) for name in taken])
        table = pa.Table.from_batches(sound_batches(file, taken), schema)
        return of_arrow(table, file.schema_arrow.names, notes)


@contextmanager
def opened(source: Path | io.BytesIO) -> Iterator[pq.ParquetFile]:
    """Open Parquet; whatever its readers stumble on is told as a file that is not whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source, page_checksum_verification=True) as file:
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise UnreadableError(
            "CX-E016", "this is not a whole Parquet file.", "Export it again."
        ) from None


def sound_batches(
    file: pq.ParquetFile, taken: Sequence[str], rows: int = 65_536
) -> Iterator[pa.RecordBatch]:
    """Yield the rows, each value looked at: a damaged page is found here, not later.

    What is damaged in a page without a checksum may still be a value, and is then read as such.
    """
    import pyarrow as pa

    found = 0
    for batch in file.iter_batches(rows, columns=taken):
        batch.validate(full=True)
        found += batch.num_rows
        yield batch
    said = file.metadata
    pieces = sum(said.row_group(i).num_rows for i in range(said.num_row_groups))
    if taken and not found == said.num_rows == pieces:
        raise pa.ArrowInvalid


def plain_columns(
    schema: pa.Schema, wanted: Collection[str], *, keep_all: bool
) -> tuple[list[str], list[Note]]:
    """Return the columns to take, which hold one plain value per row, and what is left out.

    Raises
    ------
    UnreadableError
        A column stands there twice, or one asked for holds lists, bytes or lengths of time.
    """
    if twice := sorted({name for name in schema.names if schema.names.count(name) > 1}):
        raise UnreadableError(
            "CX-E015",
            f"the column {twice[0]!r} stands there more than once.",
            "Give every column its own name.",
        )
    odd = {each.name: each.type for each in schema if not _plain(each.type)}
    notes: list[Note] = []
    for name, kind in odd.items():
        if name in wanted:
            raise UnreadableError(
                "CX-E017",
                f"it holds {kind}, not one plain value per row.",
                "Export it with one column per value, a length of time as a number.",
                column=name,
            )
        told = f"column {name} holds {kind}, not one plain value per row: it is left out."
        notes.append(("CX-F022", told, ()))
    return [n for n in schema.names if (keep_all and n not in odd) or n in wanted], notes


def _plain(kind: pa.DataType) -> bool:
    """Whether a column of this type has one value per row that can be written as text."""
    import pyarrow as pa

    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return kind.extension_name in ("arrow.uuid", "arrow.json")
    if types.is_dictionary(kind):
        return _plain(kind.value_type)
    number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    clock = types.is_date(kind) or types.is_timestamp(kind) or types.is_time(kind)
    return number or text or clock or types.is_boolean(kind) or types.is_null(kind)


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

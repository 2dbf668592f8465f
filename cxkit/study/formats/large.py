"""A large file of text or Parquet, read by DuckDB, to which nothing is left to guess.

Of text it is told separator, quote, number and type of the columns and where the rows begin. It is
believed only where every byte of the file is regular and it finds as many rows as were counted;
otherwise the file is read like a small one, which says what is wrong and where. Of Parquet it is
believed where it gives the columns that the file names, in types that lose nothing.
"""

from __future__ import annotations

import codecs
import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cxkit.study.formats.delimited import completed
from cxkit.study.formats.engine import escaped, limited, quoted
from cxkit.study.formats.header import HEAD, LONGEST_FIELD, Head, head_of
from cxkit.study.formats.parquet import of_arrow, opened, plain_columns, sound_batches
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.formats.regular import Regular
from cxkit.study.formats.signature import kind_of
from cxkit.study.formats.stored import Stored, given_back, written

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from cxkit.study.reading import Reading

_PIECE, _BATCH = 1024**2, 250_000


@dataclass(frozen=True)
class Opened:
    """A file that was read: its rows, its SHA-256 and its size in bytes."""

    raw: RawTable
    sha256: str
    size: int


def read_large(
    path: Path, wanted: Collection[str], how: Reading, *, keep_all: bool = False
) -> Opened | None:
    """Read a large text or Parquet file without ever holding all of it.

    Parameters
    ----------
    path : Path
        The file.
    wanted : collection of str
        The columns asked for; one may be absent.
    how : Reading
        What study.yml declares about the file.
    keep_all : bool
        Keep the other columns too.

    Returns
    -------
    Opened or None
        None where the file is of another kind, not UTF-8, or not regular in every byte.

    Raises
    ------
    UnreadableError
        A survey tool's rules leave no row, or the header is unfit.
    """
    with path.open("rb") as file:
        start = file.read(HEAD)
    kind = kind_of(start)
    if kind == "parquet":
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        with given_back():
            raw = _parquet(path, wanted, keep_all=keep_all)
        return Opened(raw, sha256, path.stat().st_size)
    if kind != "text" or how.encoding not in ("", "utf-8"):
        return None
    mark = b"" if not start.startswith(codecs.BOM_UTF8) else codecs.BOM_UTF8
    try:
        text = start[len(mark) :].decode("utf-8", errors="ignore")
        head = head_of(text, wanted, how, keep_all=keep_all)
    except UnreadableError:
        return None
    seen, sha256, size = _looked_at(path, head, len(mark))
    if seen is None or len(head.header) < 2:
        return None
    with given_back() as pool:
        columns = _read(path, head)
        pool.release_unused()
    if columns is None or columns.stored != seen.records:
        return None
    raw = RawTable(
        header=head.header,
        columns=columns,
        lines=np.arange(head.above + 1, head.above + 1 + seen.records, dtype=np.int32),
        separator=head.mark,
        repairs=head.notes,
    )
    return Opened(completed(raw, head, how, ()), sha256, size)


def _looked_at(path: Path, head: Head, begin: int) -> tuple[Regular | None, str, int]:
    """Look at every byte once: what the rows are, the digest and the size of the file."""
    digest, size = hashlib.sha256(), 0
    seen = Regular(head.mark)
    utf8 = codecs.getincrementaldecoder("utf-8")()
    left = head.above
    fit = True
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            body, begin = piece[begin:], 0
            try:
                if not piece.isascii() or utf8.getstate()[0]:
                    utf8.decode(piece)
            except UnicodeDecodeError:
                return None, "", 0
            while left and body:
                line, newline, body = body.partition(b"\n")
                fit &= b"\r" not in line.removesuffix(b"\r")
                left -= bool(newline)
            seen.feed(body)
            if not (fit and seen.regular):
                return None, "", 0
    seen.end()
    whole = seen.regular and not seen.several and seen.records and not utf8.getstate()[0]
    # DuckDB forgives a separator at the end of a row.
    whole = whole and seen.marks == seen.records * (len(head.header) - 1)
    return (seen if whole else None), digest.hexdigest(), size


def _read(path: Path, head: Head) -> Stored | None:
    """Read the rows of a text file by DuckDB."""
    import duckdb
    import pyarrow as pa

    inner = {name: f"c{i}" for i, name in enumerate(head.header)}
    try:
        with limited(path) as engine:
            rows = engine.read_csv(
                escaped(str(path)),
                columns=dict.fromkeys(inner.values(), "VARCHAR"),
                auto_detect=False,
                header=False,
                skiprows=head.above,
                sep=head.mark,
                quotechar='"',
                escapechar='"',
                strict_mode=True,
                null_padding=False,
                ignore_errors=False,
                max_line_size=LONGEST_FIELD,
            )
            chosen = rows.project(", ".join(inner[name] for name in head.taken))
            kinds = dict.fromkeys(head.taken, pa.large_string())
            return _kept(chosen.to_arrow_reader(_BATCH), kinds)
    except (duckdb.Error, pa.ArrowException, OSError):  # the last: DuckDB's, through Arrow
        return None


def _parquet(path: Path, wanted: Collection[str], *, keep_all: bool) -> RawTable:
    """Read Parquet by DuckDB, once it was found whole; by pyarrow what DuckDB has otherwise."""
    with opened(path) as file:
        schema = file.schema_arrow
        taken, notes = plain_columns(schema, wanted, keep_all=keep_all)
        kinds = {name: schema.field(name).type for name in taken}
        rows = sum(batch.num_rows for batch in sound_batches(file, taken))
        columns = _of_duckdb(path, schema.names, kinds)
        if columns is None or columns.stored != rows:
            columns = _kept(sound_batches(file, taken, _BATCH), kinds)
        raw = of_arrow(schema.empty_table().select(taken), schema.names, notes)
    return replace(raw, columns=columns, lines=np.arange(1, rows + 1))


def _of_duckdb(path: Path, header: Sequence[str], kinds: Mapping[str, Any]) -> Stored | None:
    """Read columns of Parquet by DuckDB; None where it would give other columns than the file has.

    So it is with names that differ by capitals alone, which DuckDB changes, and with types that it
    does not have: decimal numbers of more than 38 digits, half-precision numbers, ids as bytes.
    """
    import duckdb
    import pyarrow as pa

    try:
        with limited(path) as engine:
            found = engine.read_parquet(escaped(str(path)), hive_partitioning=False)
            if found.columns != header or not kinds:
                return None
            batches = found.project(", ".join(map(quoted, kinds))).to_arrow_reader(_BATCH)
            given = (field.type for field in batches.schema)
            if not all(map(_alike, given, map(_valued, kinds.values()))):
                return None
            return _kept(batches, kinds)
    except (duckdb.Error, pa.ArrowException, OSError):  # the last: DuckDB's, through Arrow
        return None


def _alike(given: Any, wanted: Any) -> bool:
    """Whether DuckDB gives a column in its own type, or moments in finer units."""
    import pyarrow as pa

    types = pa.types
    if types.is_timestamp(given) and types.is_timestamp(wanted):
        return (given.tz is None) == (wanted.tz is None)
    return given == wanted or (types.is_string(given) and types.is_large_string(wanted))


def _kept(batches: Any, kinds: Mapping[str, Any]) -> Stored:
    """Keep the columns of an engine as text, each compressed by itself.

    ``kinds`` are the types that the file gives them: what an engine widened is made narrow again,
    so that the text is that of the file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sinks = {name: pa.BufferOutputStream() for name in kinds}
    schema = pa.schema([("text", pa.large_string())])
    with ExitStack() as stack:
        writers = [
            stack.enter_context(pq.ParquetWriter(sink, schema, compression="zstd"))
            for sink in sinks.values()
        ]
        for batch in batches:
            for writer, values, kind in zip(writers, batch.columns, kinds.values(), strict=True):
                narrow = values if values.type == kind else values.cast(_valued(kind))
                writer.write_batch(pa.record_batch([written(narrow)], schema))
    files = {name: pq.ParquetFile(pa.BufferReader(sink.getvalue())) for name, sink in sinks.items()}
    return Stored(files, dict.fromkeys(kinds, "text"))


def _valued(kind: Any) -> Any:
    """Return the type of the values of a column, which may be kept as codes for them."""
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind

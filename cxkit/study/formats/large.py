"""A large text file: looked at in pieces, then read by DuckDB, to which nothing is left to guess.

DuckDB is told separator, quote, number and type of the columns and where the rows begin. It is
believed only where every byte of the file is regular and it finds as many rows as were counted;
otherwise the file is read like a small one, which says what is wrong and where.
"""

from __future__ import annotations

import codecs
import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cxkit.study.formats.delimited import completed
from cxkit.study.formats.engine import escaped, limited
from cxkit.study.formats.header import HEAD, LONGEST_FIELD, Head, head_of
from cxkit.study.formats.parquet import read_parquet
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.formats.regular import Regular
from cxkit.study.formats.signature import kind_of
from cxkit.study.formats.stored import Stored, given_back

if TYPE_CHECKING:
    from collections.abc import Collection
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
            raw = read_parquet(path, wanted, keep_all=keep_all)
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
    return (seen if whole else None), digest.hexdigest(), size


def _read(path: Path, head: Head) -> Stored | None:
    """Read the rows by DuckDB, batch by batch, into columns that are each kept compressed."""
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    inner = {name: f"c{i}" for i, name in enumerate(head.header)}
    names = {name: inner[name] for name in head.taken}
    kept = {name: pa.BufferOutputStream() for name in names.values()}
    try:
        with limited(path) as engine, ExitStack() as stack:
            writers = [
                stack.enter_context(pq.ParquetWriter(sink, _of(name), compression="zstd"))
                for name, sink in kept.items()
            ]
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
            chosen = rows.project(", ".join(names.values()))
            for batch in chosen.to_arrow_reader(_BATCH):
                for i, writer in enumerate(writers):
                    writer.write_batch(batch.select([i]).cast(writer.schema))
    except duckdb.Error:
        return None
    files = {name: pq.ParquetFile(pa.BufferReader(kept[i].getvalue())) for name, i in names.items()}
    return Stored(files, names)


def _of(name: str) -> Any:
    """Return the schema of one column of text."""
    import pyarrow as pa

    return pa.schema([(name, pa.large_string())])

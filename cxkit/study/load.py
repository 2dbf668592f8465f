"""A file becomes columns of text with the line of every row; what it means comes later."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from cxkit.study.formats import ticketing
from cxkit.study.formats.compressed import unpacked, unzipped
from cxkit.study.formats.delimited import read_delimited
from cxkit.study.formats.large import Opened, read_large
from cxkit.study.formats.parquet import read_parquet
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.formats.signature import WORDS, kind_of
from cxkit.study.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


#: Files of this size and more are never held whole.
LARGE = 64 * 1024**2


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def open_table(
    path: Path,
    wanted: Collection[str],
    *,
    how: Reading | None = None,
    keep_all: bool = False,
    large: int = LARGE,
) -> Opened:
    """Read a file from disk: a large one in pieces, else whole; both give the same.

    Parameters
    ----------
    path : Path
        The file.
    wanted, how, keep_all
        As for :func:`read_table`.
    large : int
        From this size in bytes on a file is large.

    Returns
    -------
    Opened

    Raises
    ------
    UnreadableError
        As for :func:`read_table`.
    OSError
        The file cannot be opened.
    """
    how = how or Reading()
    if path.stat().st_size >= large and not any(getattr(how, key) for key in _PARTS):
        found = read_large(path, wanted, how, keep_all=keep_all)
        if found is not None and not _is_ticketing(found.raw, how):
            return found
    content = path.read_bytes()
    raw = read_table(content, path.name, wanted, how=how, keep_all=keep_all)
    return Opened(raw, digest(content), len(content))


def read_table(
    content: bytes,
    name: str,
    wanted: Collection[str],
    *,
    how: Reading | None = None,
    keep_all: bool = False,
) -> RawTable:
    """Read a file into text columns by what its bytes are, not by its name.

    Parameters
    ----------
    content : bytes
        The whole file.
    name : str
        Its name, for messages.
    wanted : collection of str
        The columns asked for; one may be absent.
    how : Reading, optional
        What study.yml declares about the file.
    keep_all : bool
        Keep the other columns too.

    Returns
    -------
    RawTable

    Raises
    ------
    UnreadableError
        The bytes are of a kind that is not read, or its reader refuses them.
    """
    how = how or Reading()
    asked = frozenset(wanted)
    kind = kind_of(content)
    if kind == "gzip":
        content = unpacked(content)
        kind = kind_of(content)
    elif kind == "zip":
        held = unzipped(content)
        kind, content = ("zip", content) if held is None else (kind_of(held), held)
    if kind == "empty":
        raise UnreadableError("CX-E006", "the file is empty.", "Export it again.")
    reader = READERS.get(kind)
    if reader is None:
        plain = Path(name).name.split(".")[0]
        raise UnreadableError(
            "CX-E005" if kind in _DATA else "CX-E007",
            f"the content is not a table of text but looks like {WORDS[kind]}.",
            f"Export or save it as CSV and write  file: {plain}.csv",
        )
    for key, kinds in _PARTS.items():
        if getattr(how, key) and kind not in kinds:
            raise UnreadableError(
                "CX-E076",
                f"study.yml says  {key}: {getattr(how, key)}, and the file has no {key}s.",
                f"Take  {key}:  out of study.yml, or name another file.",
            )
    raw = reader(content, asked, how, keep_all)
    if _is_ticketing(raw, how):
        raw = reader(content, asked | ticketing.NEEDED, how, keep_all)
        raw = ticketing.cases(raw, raw.header if keep_all else asked, how)
    return raw


def _is_ticketing(raw: RawTable, how: Reading) -> bool:
    """Whether a table is what a ticketing tool exports."""
    declared = how.format == ticketing.TOOL
    return declared or (how.format is None and ticketing.looks(raw.header))


def _delimited(content: bytes, asked: frozenset[str], how: Reading, keep_all: bool) -> RawTable:
    """Read text."""
    return read_delimited(content, asked, how, keep_all=keep_all)


def _parquet(content: bytes, asked: frozenset[str], how: Reading, keep_all: bool) -> RawTable:
    """Read Parquet, of which nothing need be declared."""
    return read_parquet(content, asked, keep_all=keep_all)


def _excel(content: bytes, asked: frozenset[str], how: Reading, keep_all: bool) -> RawTable:
    """Read a workbook; openpyxl is imported where there is one."""
    from cxkit.study.formats.excel import read_excel

    return read_excel(content, asked, how, keep_all=keep_all)


def _spss(content: bytes, asked: frozenset[str], how: Reading, keep_all: bool) -> RawTable:
    """Read SPSS; ReadStat is imported where there is a file for it."""
    from cxkit.study.formats.statistical import read_spss

    return read_spss(content, asked, how, keep_all=keep_all)


def _portable(content: bytes, asked: frozenset[str], how: Reading, keep_all: bool) -> RawTable:
    """Read portable SPSS."""
    from cxkit.study.formats.statistical import read_portable

    return read_portable(content, asked, how, keep_all=keep_all)


def _stata(content: bytes, asked: frozenset[str], how: Reading, keep_all: bool) -> RawTable:
    """Read Stata."""
    from cxkit.study.formats.statistical import read_stata

    return read_stata(content, asked, how, keep_all=keep_all)


def _records(content: bytes, asked: frozenset[str], how: Reading, keep_all: bool) -> RawTable:
    """Read JSON."""
    from cxkit.study.formats.records import read_records

    return read_records(content, asked, how, keep_all=keep_all)


def _sqlite(content: bytes, asked: frozenset[str], how: Reading, keep_all: bool) -> RawTable:
    """Read a table of SQLite."""
    from cxkit.study.formats.databases import read_sqlite

    return read_sqlite(content, asked, how, keep_all=keep_all)


def _duckdb(content: bytes, asked: frozenset[str], how: Reading, keep_all: bool) -> RawTable:
    """Read a table of DuckDB; it is imported where there is one."""
    from cxkit.study.formats.databases import read_duckdb

    return read_duckdb(content, asked, how, keep_all=keep_all)


#: The one door for formats: what the bytes are -> their reader.
READERS: dict[str, Callable[[bytes, frozenset[str], Reading, bool], RawTable]] = {
    "text": _delimited,
    "parquet": _parquet,
    "zip": _excel,
    "spss": _spss,
    "spss portable": _portable,
    "stata": _stata,
    "json": _records,
    "sqlite": _sqlite,
    "duckdb": _duckdb,
}

#: Which kinds have parts, by the key of study.yml that names one.
_PARTS = {"sheet": {"zip"}, "table": {"sqlite", "duckdb", "json"}}

#: What holds data, if in a form that is not read.
_DATA = frozenset(WORDS) - {"web page", "json", "pdf", "rtf"}

"""A file becomes columns of text with the line of every row; what it means comes later."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from cxkit.study.formats import ticketing
from cxkit.study.formats.compressed import unpacked, unzipped
from cxkit.study.formats.databases import read_duckdb, read_sqlite
from cxkit.study.formats.delimited import read_delimited
from cxkit.study.formats.excel import read_excel
from cxkit.study.formats.large import Opened, read_large
from cxkit.study.formats.parquet import read_parquet
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.formats.records import read_records
from cxkit.study.formats.signature import WORDS, kind_of
from cxkit.study.formats.statistical import read_portable, read_spss, read_stata
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
    held = unpacked(content) if kind == "gzip" else unzipped(content) if kind == "zip" else None
    if held is not None:
        kind, content = kind_of(held), held
        if kind == "gzip" or (kind == "zip" and unzipped(held) is not None):
            raise UnreadableError(
                "CX-E020",
                "it is packed twice: what it holds is packed, too.",
                "Unpack it once, and name what comes out.",
            )
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
    raw = reader(content, asked, how, keep_all=keep_all)
    if _is_ticketing(raw, how):
        raw = reader(content, asked | ticketing.NEEDED, how, keep_all=keep_all)
        raw = ticketing.cases(raw, raw.header if keep_all else asked, how)
    return raw


def _is_ticketing(raw: RawTable, how: Reading) -> bool:
    """Whether a table is what a ticketing tool exports."""
    declared = how.format == ticketing.TOOL
    return declared or (how.format is None and ticketing.looks(raw.header))


def _parquet(
    content: bytes, wanted: Collection[str], how: Reading, *, keep_all: bool = False
) -> RawTable:
    """Read Parquet, of which nothing need be declared."""
    return read_parquet(content, wanted, keep_all=keep_all)


#: The one door for formats: what the bytes are -> their reader. What a reader needs beyond the kit
#: itself it imports when it is called.
READERS: dict[str, Callable[..., RawTable]] = {
    "text": read_delimited,
    "parquet": _parquet,
    "zip": read_excel,
    "spss": read_spss,
    "spss portable": read_portable,
    "stata": read_stata,
    "json": read_records,
    "sqlite": read_sqlite,
    "duckdb": read_duckdb,
}

#: Which kinds have parts, by the key of study.yml that names one.
_PARTS = {"sheet": {"zip"}, "table": {"sqlite", "duckdb", "json"}}

#: What holds data, if in a form that is not read.
_DATA = frozenset(WORDS) - {"web page", "json", "pdf", "rtf"}

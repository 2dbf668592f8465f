"""A gzip or a zip with one file in it becomes that file's bytes, within limits, or nothing."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from cxkit.study.formats.raw import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A file may grow to this size, ...
MOST_BYTES = 4 * 1024**3

#: ... and, once past the first 64 MiB, to this many times its size: text seldom shrinks so far.
MOST_TIMES, FREE = 200, 64 * 1024**2

_PIECE = 1024**2

#: What a zip that is not whole brings up in its readers.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


def unpacked(content: bytes, *, most: int = MOST_BYTES) -> bytes:
    """Return what a gzip holds.

    Parameters
    ----------
    content : bytes
        The compressed file.
    most : int
        The most bytes it may grow to.

    Returns
    -------
    bytes

    Raises
    ------
    UnreadableError
        It ends early, is damaged, or grows beyond the limits: nothing of it is used.
    """
    return _within(_members(content), len(content), most)


def _members(content: bytes) -> Iterator[bytes]:
    """Yield the pieces of every member of a gzip; they are joined, as gzip itself does."""
    rest = content
    while rest:
        member = zlib.decompressobj(wbits=31)
        try:
            while not member.eof:
                piece = member.decompress(rest, _PIECE)
                rest = member.unconsumed_tail
                if not piece and not rest and not member.eof:
                    raise UnreadableError(
                        "CX-E016", "the compressed file ends early.", "Export or copy it again."
                    )
                yield piece
        except zlib.error:
            raise UnreadableError(
                "CX-E016",
                "the compressed file is damaged: its checksum or its codes do not match.",
                "Export or copy it again.",
            ) from None
        rest = member.unused_data.lstrip(b"\0")  # padding of tapes and blocks


def unzipped(content: bytes, *, most: int = MOST_BYTES) -> bytes | None:
    """Return the one file that a zip holds, or None where the zip is a spreadsheet.

    Raises
    ------
    UnreadableError
        The zip is not whole, holds several files or none, needs a password, or grows beyond the
        limits.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [entry for entry in archive.infolist() if not _by_the_way(entry)]
            if any(entry.filename == "[Content_Types].xml" for entry in names):
                return None
            if len(names) != 1:
                held = ", ".join(entry.filename for entry in names[:5])
                raise UnreadableError(
                    "CX-E020",
                    f"the zip holds {len(names)} files{f' ({held})' if held else ''}, not one.",
                    "Take the file out of the zip and name it.",
                )
            if names[0].flag_bits & 1:
                raise UnreadableError(
                    "CX-E020", "the zip has a password.", "Take the file out of the zip."
                )
            with archive.open(names[0]) as member:
                pieces = iter(lambda: member.read(_PIECE), b"")
                return _within(pieces, max(names[0].compress_size, 1), most)
    except DAMAGED:
        raise UnreadableError(
            "CX-E016",
            "this is not a whole zip (nor a whole xlsx): it ends early or is damaged.",
            "Export or copy it again.",
        ) from None


def _by_the_way(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a folder, or what a Mac adds."""
    return (
        entry.is_dir()
        or entry.filename.startswith("__MACOSX/")
        or entry.filename.rpartition("/")[2] in {".DS_Store", "Thumbs.db"}
    )


def too_large(grown: int, size: int, *, most: int) -> bool:
    """Whether a file of so many bytes has grown beyond every table.

    >>> [too_large(FREE + 1, size, most=MOST_BYTES) for size in (1000, FREE)]
    [True, False]
    """
    return grown > most or (grown > FREE and grown > MOST_TIMES * size)


def _within(pieces: Iterator[bytes], size: int, most: int) -> bytes:
    """Join pieces, and stop as soon as they are too many."""
    whole = bytearray()
    for piece in pieces:
        whole += piece
        if too_large(len(whole), size, most=most):
            raise UnreadableError(
                "CX-E021",
                f"the file of {size:,} bytes grows to more than {len(whole):,}: "
                "no table of text does.",
                "If it is right, unpack it yourself and name the file.",
            )
    return bytes(whole)

"""What a file is, by its bytes: names lie, the first bytes seldom do."""

from __future__ import annotations

import re

#: The first bytes of a kind of file, where they are fixed.
_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PAR1", "parquet"),
    (b"\xd0\xcf\x11\xe0", "old office"),
    (b"$FL2", "spss"),
    (b"$FL3", "spss"),
    (b"<stata_dta>", "stata"),
    (b"SQLite format 3\0", "sqlite"),
    (b"%PDF", "pdf"),
    (b"{\\rtf", "rtf"),
)

#: How a reader of messages knows each kind that is not read.
WORDS = {
    "web page": "a web page (a login page, perhaps)",
    "json": "JSON (an error message of an interface, perhaps)",
    "pdf": "a PDF",
    "rtf": "a word processor's text (RTF)",
    "old office": "an old spreadsheet (xls), or a new one with a password",
    "zip": "a spreadsheet (xlsx) or a zip",
    "gzip": "a compressed file (gzip)",
    "parquet": "Parquet",
    "spss": "SPSS",
    "spss portable": "SPSS (portable)",
    "stata": "Stata",
    "sqlite": "an SQLite database",
    "duckdb": "a DuckDB database",
}


def kind_of(content: bytes) -> str:
    """Return what the bytes are: a key of ``WORDS``, "empty" or "text".

    >>> kind_of(b"PAR1..."), kind_of(b"<!DOCTYPE html>"), kind_of(b"id,nps"), kind_of(b" ")
    ('parquet', 'web page', 'text', 'empty')
    """
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    if content[8:12] == b"DUCK":
        return "duckdb"
    if content[:1] in (b"\x6c", b"\x69", b"\x71", b"\x72", b"\x73") and _old_stata(content):
        return "stata"
    if b"SPSS PORT FILE" in content[:500].replace(b"\n", b"").replace(b"\r", b""):
        return "spss portable"
    start = content[:2048].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = start.decode("utf-16", errors="ignore").encode().lstrip()
    if not start and not content[2048:].strip():
        return "empty"
    lower = start[:64].lower()
    if lower.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "web page"
    if re.match(rb'[{\[]\s*["{\[\]}]', start):
        return "json"
    return "text"


def _old_stata(content: bytes) -> bool:
    """Whether a Stata file of before version 13: byte order 1 or 2, file type 1, a zero."""
    return len(content) > 4 and content[1] in (1, 2) and content[2] == 1 and content[3] == 0

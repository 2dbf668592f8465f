"""Bytes become text: by a mark in the file, by declaration, or where only one reading makes sense.

A file without a mark that is not UTF-8 is read as Windows-1252 only where every byte outside ASCII
becomes a letter in a word of mostly ASCII letters, or punctuation outside words; that is told.
Everything else is refused, with the key to write.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from itertools import pairwise

from cxkit.study.formats.raw import UnreadableError

#: Byte-order marks, longest first, with the encoding they say.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

#: A word of ASCII and other letters as Windows-1252 gives them.
_WORD = re.compile(r"[A-Za-z]*[^\x00-\x7f](?:[A-Za-z]|[^\x00-\x7f])*")

#: What stands in Windows-1252 outside words: quotes, dashes, money, degrees, fractions, spaces.
_OUTSIDE = frozenset("€‚„…‘’“”•–—™«»°²³µ·½¼¾¿¡£¥¢§©®±×÷\u00a0")

#: Two of these side by side are half a letter of another encoding each.
_LONELY = frozenset("°²³µ·½¼¾£¥¢§©®±×÷")

Note = tuple[str, str, tuple[int, ...]]


def utf8(content: bytes, encoding: str = "") -> tuple[bytes, list[Note]]:
    """Return the text of a file as UTF-8 without mark, and what was decided.

    Parameters, rule and refusals are those of :func:`decoded`; UTF-8 is not decoded twice.
    """
    marked = content.startswith(codecs.BOM_UTF8)
    other = not marked and any(content.startswith(mark) for mark, _ in _MARKS)
    if not other and encoding in ("", "utf-8"):
        text = content.removeprefix(codecs.BOM_UTF8) if marked else content
        if b"\0" not in text and _is_utf8(text):
            return text, []
    decoded_text, notes = decoded(content, encoding)
    return decoded_text.encode("utf-8"), notes


def _is_utf8(content: bytes) -> bool:
    """Whether bytes are UTF-8."""
    if content.isascii():
        return True
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def decoded(content: bytes, encoding: str = "") -> tuple[str, list[Note]]:
    """Return the text of a file, without byte-order mark, and what was decided.

    Parameters
    ----------
    content : bytes
        The file.
    encoding : str
        The encoding that study.yml declares; "" decides by the rule above.

    Returns
    -------
    text : str
    notes : list of (code, text, lines)

    Raises
    ------
    UnreadableError
        The bytes are not of the encoding declared or marked, or it cannot be told; or a NUL byte
        stands in the text.
    """
    mark, marked = next(((m, e) for m, e in _MARKS if content.startswith(m)), (b"", ""))
    if marked and encoding and not _same(marked, encoding):
        raise UnreadableError(
            "CX-E008",
            f"study.yml says encoding: {encoding}, the file begins with the mark of {marked}.",
            "Take  encoding:  out of study.yml.",
        )
    notes: list[Note] = []
    chosen = marked or encoding
    if not chosen:
        _no_utf16(content)
    if chosen:
        text = _strict(content[len(mark) :], chosen)
        if marked and marked != "utf-8":
            told = f"the encoding is {marked.upper()[:6]}, as the file's byte-order mark says."
            notes.append(("CX-R002", told, ()))
    else:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            text = _windows(content, error)
            found = sorted({c for c in text if ord(c) > 127})
            rows = [i for i, line in enumerate(text.splitlines(), 1) if not line.isascii()]
            told = (
                "the encoding is taken for Windows-1252 (cp1252), as the file is not UTF-8; "
                f"characters outside ASCII: {' '.join(found[:20])}"
                f"{' ...' if len(found) > 20 else ''}. If they are wrong, write  encoding: NAME"
            )
            notes.append(("CX-R003", told, tuple(rows)))
    if "\0" in text:
        line = _line_at(text, text.index("\0"))
        raise UnreadableError(
            "CX-E009", "a NUL byte stands here; the file is damaged.", "Export it again.", (line,)
        )
    return text, notes


def _same(marked: str, encoding: str) -> bool:
    """Whether a declared encoding is the marked one, by any of its names."""
    name = codecs.lookup(encoding).name.replace("-sig", "")
    return marked in (name, f"{name}-le", f"{name}-be")


def _line_at(text: str, place: int) -> int:
    """Return the line that a place in a text is on."""
    return len(re.findall(r"\r\n|\r|\n", text[:place])) + 1


def _strict(content: bytes, encoding: str) -> str:
    """Decode by an encoding that is known, or say where it fails."""
    try:
        return content.decode(encoding)
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        text = content[:start].decode(encoding, errors="replace")
        line = _line_at(text, len(text))
        raise UnreadableError(
            "CX-E008",
            f"byte {start + 1:,} is not text in the encoding {encoding}.",
            "Export it again, or write another  encoding:  in study.yml.",
            (line,),
        ) from None


def _no_utf16(content: bytes) -> None:
    """Refuse UTF-16 without its mark: every other byte of plain text is NUL."""
    head = content[:4096]
    nuls = head.count(b"\0")
    if nuls > len(head) * 0.2:
        ending = "be" if head[::2].count(b"\0") > head[1::2].count(b"\0") else "le"
        raise UnreadableError(
            "CX-E008",
            f"the encoding is not UTF-8; it looks like UTF-16 ({ending.upper()}) without its mark.",
            f"In study.yml write  encoding: utf-16-{ending}",
        )


def _windows(content: bytes, error: UnicodeDecodeError) -> str:
    """Decode as Windows-1252 where that makes words, else refuse."""
    line = content[: error.start].count(b"\n") + 1
    fault = UnreadableError(
        "CX-E008",
        f"the encoding is not UTF-8 (byte {error.start + 1:,}), and what it is cannot be told.",
        "Save the file as UTF-8, or write  encoding: NAME  in study.yml (for example cp1250, "
        "cp1251, mac-roman, shift-jis).",
        (line,),
    )
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise fault from None
    if not all(_plausible(word) for word in set(_WORD.findall(text))):
        raise fault from None
    return text


def _plausible(word: str) -> bool:
    """Whether a word with letters outside ASCII is one in a western language.

    >>> [_plausible(w) for w in ("Zürich", "é", "«été»", "Ïðèâåò", "f‚r", "caf\u017d", "±±¾©")]
    [True, True, True, False, False, False, False]
    """
    if any({first, second} <= _LONELY for first, second in pairwise(word)):
        return False
    inner = word.strip("".join(_OUTSIDE))
    if any(char in _OUTSIDE - {"’"} for char in inner):
        return False
    for part in inner.split("’"):
        outside = [char for char in part if ord(char) > 127]
        if not all(unicodedata.category(char) in ("Lu", "Ll") for char in outside):
            return False
        if len(part) > 1 and len(outside) == len(part):
            return False
        late = re.search(r".[\u00c0-\u00de\u0160\u0178\u017d]", part)
        if late and part.upper() != part:
            return False
    return True

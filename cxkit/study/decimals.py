"""Whether a comma is a decimal mark: by declaration, or where every number of a file agrees."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cxkit import markup
from cxkit.study.formats.raw import RawTable, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Marks between thousands that are never decimal marks: spaces of all widths, apostrophes.
_SPACES = re.compile(r"(?<=\d)[ \u00a0\u2009\u202f'\u2019](?=\d{3}(?:\D|$))", re.ASCII)
_DIGITS = re.compile(r"[-+]?[\d.,]*\d[\d.,]*", re.ASCII)
_OTHER = {",": ".", ".": ","}


def with_points(
    raw: RawTable, numeric: Iterable[str], *, decimal: str | None, private: bool
) -> RawTable:
    """Return a table whose numeric columns are written with decimal points.

    Parameters
    ----------
    raw : RawTable
        As the file was read.
    numeric : iterable of str
        The columns that must hold numbers.
    decimal : str or None
        What study.yml declares: a point or a comma.
    private : bool
        Whether values must not be shown.

    Returns
    -------
    RawTable
        With what was changed among its repairs.

    Raises
    ------
    UnreadableError
        1.234 or 1,234 may be a thousand or one and a bit, and nothing in the file says which.

    Notes
    -----
    A number says which mark is decimal if it holds both (the last one is), or one mark that does
    not stand before exactly three digits. If all that say so say the comma, or study.yml does,
    commas become points, and points and spaces between thousands go. In a file separated by commas
    a lone point is a decimal point; elsewhere 1.234 must be declared.
    """
    found = {name: raw.coded(name) for name in numeric if name in raw.columns}
    said: set[str] = set()
    unsure: dict[str, str] = {}
    for name, (_, values) in found.items():
        for value in map(str, values):
            says = _says(value.strip())
            said |= says
            if len(says) == 0 and (lone := _lone(value.strip())):
                unsure.setdefault(lone, name)
    mark = decimal or (said.pop() if len(said) == 1 else "." if said else "")
    plain = raw.separator in (",", "")
    doubtful = [m for m in unsure if not (m == "." and plain)]
    if not mark and doubtful:
        raise _ambiguous(raw, unsure[doubtful[0]], doubtful[0], private)
    if mark != "," and not decimal:
        return raw
    columns = dict(raw.columns)
    changed = np.zeros(raw.rows, dtype=bool)
    names = []
    example = ""
    for name, (codes, values) in found.items():
        pointed = np.array([_pointed(str(value), mark) for value in values], dtype=object)
        other = pointed != values
        if other.any():
            columns[name] = pointed[codes]
            changed |= other[codes]
            names.append(name)
            first = int(np.flatnonzero(other)[0])
            example = example or f"; {str(values[first]).strip()} → {pointed[first]}"
    if not names:
        return raw
    how = "as study.yml says" if decimal else "as every number shows that can"
    told = (
        f"the decimal mark is {mark!r}, {how}: {markup.counted(int(changed.sum()), 'row')} read so "
        f"(column {', '.join(names[:5])}{' and others' if len(names) > 5 else ''}"
        f"{'' if private else example})."
    )
    lines = tuple(int(line) for line in raw.lines[changed])
    code = "CX-R024" if decimal else "CX-R005"
    return replace(raw, columns=columns, repairs=(*raw.repairs, (code, told, lines)))


def _says(text: str) -> set[str]:
    """Return the mark that a number shows to be decimal, if it does.

    >>> [_says(t) for t in ("1.234,5", "5,5", "1.234", "1,234,567", "0.125", "12")]
    [{','}, {','}, set(), {'.'}, {'.'}, set()]
    """
    text = _SPACES.sub("", text)
    if not _DIGITS.fullmatch(text):
        return set()
    marks = [char for char in text if char in ".,"]
    if not marks:
        return set()
    last = marks[-1]
    if len(set(marks)) == 2:
        whole = text[: text.rindex(last)]
        return {last} if marks.count(last) == 1 and _grouped(whole, _OTHER[last]) else set()
    if len(marks) > 1:
        return {_OTHER[last]} if _grouped(text, last) else set()
    return set() if _lone(text) else {last}


def _lone(text: str) -> str:
    """Return the mark of a number like 1.234, which may be decimal or between thousands."""
    text = _SPACES.sub("", text)
    found = re.fullmatch(r"[-+]?[1-9]\d{0,2}([.,])\d{3}", text, re.ASCII)
    return found.group(1) if found else ""


def _grouped(text: str, mark: str) -> bool:
    """Whether a mark stands between groups of three digits."""
    return re.fullmatch(rf"[-+]?\d{{1,3}}(\{mark}\d{{3}})+", text, re.ASCII) is not None


def _pointed(text: str, decimal: str) -> str:
    """Return a number with a decimal point and nothing between thousands, other text as it is."""
    plain = _SPACES.sub("", text.strip())
    if not _DIGITS.fullmatch(plain) or plain.count(decimal) > 1:
        return text
    whole, _, rest = plain.partition(decimal)
    other = _OTHER[decimal]
    if other in rest or (other in whole and not _grouped(whole, other)):
        return text
    return whole.replace(other, "") + (f".{rest}" if rest else "")


def _ambiguous(raw: RawTable, name: str, mark: str, private: bool) -> UnreadableError:
    """Say which number may be two."""
    text = raw.columns[name]
    rows = [i for i, value in enumerate(text) if _lone(str(value).strip()) == mark]
    value = "the number there" if private else str(text[rows[0]]).strip()
    plain = "" if private else f" ({value.replace(mark, '')} or {value.replace(mark, '.')})"
    return UnreadableError(
        "CX-E024",
        f"{value} may be a thousand or a decimal number{plain}: nothing else in the file tells.",
        'In study.yml write  decimal: ","  or  decimal: "."',
        tuple(int(raw.lines[i]) for i in rows),
        name,
    )

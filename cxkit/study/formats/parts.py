"""A file that holds several tables: the one named, or the only one; never a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit.study.formats.raw import UnreadableError
from cxkit.study.wording import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: So many parts, and columns of each, are named in a message.
_MOST = 12


def chosen(
    word: str, held: Mapping[str, Sequence[str]], name: str, *, there: Sequence[str] = ()
) -> str:
    """Return which part of a file is meant.

    Parameters
    ----------
    word : str
        What a part is called, and the key of study.yml that names it: "sheet" or "table".
    held : mapping of str to sequence of str
        The columns of each part that holds something.
    name : str
        What study.yml names; "" where it names nothing.
    there : sequence of str
        Every part, those that hold nothing included.

    Returns
    -------
    str

    Raises
    ------
    UnreadableError
        The one named is not there or empty, none holds anything, or several do and none is named.

    Examples
    --------
    >>> chosen("sheet", {"Data": ["id"]}, "")
    'Data'
    """
    listed = "; ".join(
        f"{each} ({', '.join(columns[:_MOST])}{' ...' if len(columns) > _MOST else ''})"
        if columns
        else each
        for each, columns in list(held.items())[:_MOST]
    )
    if name and name in held:
        return name
    if name:
        known = tuple(there) or tuple(held)
        if name in known:
            raise UnreadableError(
                "CX-E006", f"the {word} {name!r} is empty.", f"The others: {', '.join(known)}"
            )
        near = nearest(name, known)
        raise UnreadableError(
            "CX-E071",
            f"it has no {word} {name!r}.",
            f"Perhaps you mean  {word}: {near}" if near else f"It has: {listed}",
        )
    if not held:
        raise UnreadableError(
            "CX-E006", f"the file has no {word} that holds anything.", "Export it again."
        )
    if len(held) > 1:
        raise UnreadableError(
            "CX-E071",
            f"several {word}s hold something, and study.yml names none: {listed}.",
            f"In study.yml write  {word}: {_likely(held)}  or the one that is meant.",
            parts=(word, tuple(held)),
        )
    return next(iter(held))


def _likely(held: Mapping[str, Sequence[str]]) -> str:
    """Return the part with the most columns, as an example."""
    return max(held, key=lambda each: len(held[each]))

"""JSON and NDJSON become columns of text: one object is one row, objects within it are columns.

Numbers keep the digits that stand in the file. A list inside a record is not one value and is left
out, or refused where the study asks for it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from cxkit.study.formats import ticketing
from cxkit.study.formats.encoding import decoded
from cxkit.study.formats.parts import chosen
from cxkit.study.formats.raw import RawTable, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from cxkit.study.reading import Reading

#: Objects within objects are followed so far.
DEEPEST = 8


def read_records(
    content: bytes, wanted: Collection[str], how: Reading, *, keep_all: bool = False
) -> RawTable:
    """Read a list of objects, an object that holds such lists, or one object a line.

    Parameters
    ----------
    content : bytes
        The file.
    wanted : collection of str
        The columns asked for: the keys of the objects, ``outer.inner`` within them.
    how : Reading
        What study.yml declares: ``table`` names the list meant where there are several.
    keep_all : bool
        Keep the other columns too.

    Returns
    -------
    RawTable

    Raises
    ------
    UnreadableError
        The file is not whole, holds no list of objects (an error message of an interface), several
        and none is named, or a list within the records is asked for.
    """
    text, notes = decoded(content, how.encoding)
    held, lines = _held(text, wanted)
    if not how.table and {"tickets", "metric_sets"} <= set(held):
        held = {"tickets": ticketing.with_metrics(held["tickets"], held["metric_sets"])}
    name = chosen("table", {key: _keys(rows) for key, rows in held.items()}, how.table)
    rows = held[name]
    flat = [_object(list(_flat(row))) for row in rows]
    header = list(dict.fromkeys(key for row in flat for key in row))
    lists = {
        key
        for key in header
        if key not in ticketing.LISTS and any(isinstance(row.get(key), list) for row in flat)
    }
    if asked := sorted(lists & set(wanted)):
        raise UnreadableError(
            "CX-E017",
            "it holds lists, not one plain value per row.",
            "Export it with one column per value.",
            column=asked[0],
        )
    if lists:
        names = ", ".join(key for key in header if key in lists)
        notes.append(("CX-F022", f"what holds lists is left out: {names}.", ()))
    taken = [key for key in header if (keep_all or key in wanted) and key not in lists]
    where = np.array(lines or range(1, len(flat) + 1), dtype=np.int64)
    for key in taken:
        lacking = tuple(int(line) for line, row in zip(where, flat, strict=True) if key not in row)
        if lacking and key in wanted:
            told = f"{len(lacking):,} of {len(flat):,} records have no {key}: it is missing there."
            notes.append(("CX-F046", told, lacking))
    try:
        "".join(header).encode()
        return RawTable(
            header=tuple(header),
            columns={
                key: np.array([_text(row.get(key)) for row in flat], dtype=object) for key in taken
            },
            lines=where,
            place="line" if lines else "row",
            repairs=tuple(notes),
            part="" if len(held) == 1 else f"table {name!r}",
        )
    except UnicodeEncodeError as fault:
        half = ascii(str(fault.object)[fault.start])
        raise UnreadableError(
            "CX-E008", f"{half} is half a character: the text is damaged.", "Export it again."
        ) from None


def _held(text: str, wanted: Collection[str]) -> tuple[dict[str, list[dict[str, Any]]], list[int]]:
    """Return the lists of objects by name, and the line of each object where each has one.

    A single object is a file of one record if it has most of the keys asked for.
    """
    try:
        value = _parsed(text)
    except json.JSONDecodeError as fault:
        if fault.msg == "Extra data":
            return _by_line(text)
        raise UnreadableError(
            "CX-E016",
            "from here on this is no JSON: the file ends early or is damaged.",
            "Export or copy it again.",
            (fault.lineno,),
        ) from None
    lists = {"": value} if isinstance(value, list) else value
    lists = {key: rows for key, rows in lists.items() if _are_records(rows)}
    if not lists:
        if isinstance(value, dict):
            named = set(wanted) & {key for key, _ in _flat(value)}
            if 2 * len(named) > len(wanted):
                return {"": [value]}, [text[: text.index("{")].count("\n") + 1]
        keys = f" (its keys: {', '.join(list(value)[:8])})" if isinstance(value, dict) else ""
        raise UnreadableError(
            "CX-E007",
            f"it looks like JSON, but holds no list of records{keys}: an error message of an "
            "interface, perhaps.",
            "Look at the file; export it again.",
        )
    return lists, []


def _parsed(text: str) -> Any:
    """Parse JSON; numbers stay as they are written, and a key may stand in an object once."""
    try:
        return json.loads(
            text,
            parse_int=str,
            parse_float=str,
            parse_constant=str,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise UnreadableError(
            "CX-E007", "it holds lists within lists without end.", "Export it again."
        ) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, unless a key stands in it twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
        raise UnreadableError(
            "CX-E015",
            f"a record has the key {twice!r} more than once.",
            "Give every column its own name.",
        )
    return found


def _by_line(text: str) -> tuple[dict[str, list[dict[str, Any]]], list[int]]:
    """Read one object a line."""
    rows, lines = [], []
    for number, line in enumerate(text.split("\n"), 1):  # other ends of lines may stand in a text
        if not line.strip():
            continue
        try:
            row = _parsed(line)
        except json.JSONDecodeError:
            row = None
        if not isinstance(row, dict):
            raise UnreadableError(
                "CX-E016",
                "this line is no JSON object: the file ends early or is damaged.",
                "Export or copy it again; every line is one object.",
                (number,),
            )
        rows.append(row)
        lines.append(number)
    return {"": rows}, lines


def _are_records(rows: object) -> bool:
    """Whether something is a list of objects, and of nothing else."""
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) for row in rows)


def _keys(rows: list[dict[str, Any]]) -> list[str]:
    """Return the columns of the first record, for a message."""
    return [key for key, _ in _flat(rows[0])]


def _flat(row: Mapping[str, Any], outer: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the values of an object; of objects within it as ``outer.inner``."""
    for key, value in row.items():
        if isinstance(value, dict) and value and depth < DEEPEST:
            yield from _flat(value, f"{outer}{key}.", depth + 1)
        elif value != {}:
            yield f"{outer}{key}", value


def _text(value: Any) -> str:
    """Return a value as the text that a CSV would hold; lists, of ticketing tools, as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

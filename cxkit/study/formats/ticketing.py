"""Cases of a ticketing tool: each once, in its last state, with the day it was solved.

A ticket as the interface gives it says when it was opened and what became of it, not when: that
stands in its metrics, if they were exported too.

References
----------
Zendesk, "Tickets" (status, tags, via), "Ticket metrics" (solved_at, reopens,
reply_time_in_minutes) and "Incremental exports" (a ticket comes again after every change), in the
reference of its interface.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxkit.study.formats.raw import RawTable, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cxkit.study.formats.encoding import Note
    from cxkit.study.reading import Reading

#: The ``format:`` of study.yml.
TOOL = "zendesk"

#: The lists of a ticket that its rules read.
LISTS = frozenset({"tags", "merged_ticket_ids"})

_METRICS = "metric_set."
_SOLVED = _METRICS + "solved_at"
_REOPENS = _METRICS + "reopens"
_REPLY = _METRICS + "reply_time_in_minutes.calendar"

#: The columns that the rules read.
NEEDED = frozenset({"id", "status", "created_at", "updated_at", _SOLVED, _REOPENS, _REPLY}) | LISTS

#: Columns that only a ticket of this tool has together.
_SIGNS = {"id", "status", "created_at", "updated_at", "requester_id", "submitter_id", "brand_id"}

_ENDED = {"solved", "closed"}
_MERGED = "closed_by_merge"


def looks(header: Collection[str]) -> bool:
    """Whether these are the columns of Zendesk tickets, from its interface or a warehouse.

    >>> looks(["id", "status", "created_at"])
    False
    """
    names = set(header)
    return names >= _SIGNS and bool(names & {"via.channel", "via_channel"})


def with_metrics(
    tickets: list[dict[str, Any]], metrics: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return tickets with the metrics that were exported beside them, by their ids."""
    found = {each.get("ticket_id"): each for each in metrics}
    return [
        {**ticket, "metric_set": found[ticket.get("id")]} if ticket.get("id") in found else ticket
        for ticket in tickets
    ]


def cases(raw: RawTable, asked: Collection[str], how: Reading) -> RawTable:
    """Return one row per case, with what is made of it.

    Parameters
    ----------
    raw : RawTable
        Tickets, with the columns of ``NEEDED`` that there are.
    asked : collection of str
        The columns asked for.
    how : Reading
        What study.yml declares after ``keep``.

    Returns
    -------
    RawTable

    Raises
    ------
    UnreadableError
        These are no tickets, although declared so, or none is left.

    Notes
    -----
    Of several states of one ticket the last stays. Deleted tickets, and those merged into another,
    are no cases. ``solved_at`` is empty while a case is open; of a solved or closed one it is that
    of its metrics, else its last update, which is not before. ``reopened`` and ``first_reply_at``
    come from the metrics. ``auto_closed`` holds where a tag says that an automation closed or
    solved the case.
    """
    if not looks(raw.header):
        raise UnreadableError(
            "CX-E022",
            f"study.yml says format: {TOOL}, and the file has not the columns of its tickets.",
            "Export the tickets, not a report of them, or take  format:  out of study.yml.",
        )
    # What some tickets lack is told below, in the words of tickets.
    notes: list[Note] = [note for note in raw.repairs if note[0] != "CX-F046"]
    stays = _last(raw, notes)
    for sort, is_one in (("deleted", _deleted(raw)), ("merged", _merged(raw))):
        gone = stays & is_one
        if sort not in how.keep and gone.any():
            stays = stays & ~is_one
            told = f"{gone.sum():,} {sort} tickets dropped (keep: [{sort}] keeps them)."
            notes.append(("CX-R010", told, _lines(raw, gone)))
    if not stays.any():
        raise UnreadableError(
            "CX-E023",
            "no ticket is left: all are deleted or merged into others.",
            "If they are what you want, write  keep: [deleted, merged]  in study.yml.",
        )
    kept = {name: text[stays] for name, text in raw.columns.items()}
    made = _made(kept, asked, notes, raw.lines[stays])
    wanted = set(asked)
    return replace(
        raw,
        header=(*raw.header, *(name for name in made if name not in raw.header)),
        columns={name: text for name, text in kept.items() if name in wanted} | made,
        lines=raw.lines[stays],
        repairs=tuple(notes),
        dropped=raw.dropped + int((~stays).sum()),
    )


def _lines(raw: RawTable, rows: np.ndarray) -> tuple[int, ...]:
    """Return where rows stand."""
    return tuple(int(line) for line in raw.lines[rows])


def _last(raw: RawTable, notes: list[Note]) -> np.ndarray:
    """Return which rows are the last state of their ticket; equal states stay all."""
    frame = pd.DataFrame({"id": raw.columns["id"], "at": raw.columns["updated_at"]})
    stays = (frame["at"] == frame.groupby("id")["at"].transform("max")).to_numpy()
    if not stays.all():
        told = f"{(~stays).sum():,} earlier states of tickets dropped: their last update counts."
        notes.append(("CX-R023", told, _lines(raw, ~stays)))
    return stays


def _deleted(raw: RawTable) -> np.ndarray:
    """Return the tickets that were deleted."""
    return raw.columns["status"] == "deleted"


def _merged(raw: RawTable) -> np.ndarray:
    """Return the tickets that were merged into another."""
    into = {each for cell in raw.columns.get("merged_ticket_ids", ()) for each in _list(cell)}
    tagged = [_MERGED in _list(cell) for cell in raw.columns.get("tags", ())]
    found = np.array([each in into for each in raw.columns["id"]], dtype=bool)
    return found | np.array(tagged, dtype=bool) if tagged else found


def _list(cell: str) -> list[str]:
    """Return the words of a list, as JSON or separated by spaces or commas.

    >>> _list('["a", "b"]'), _list("[1967]"), _list("a b"), _list("")
    (['a', 'b'], ['1967'], ['a', 'b'], [])
    """
    if cell.startswith("["):
        try:
            return [str(each) for each in json.loads(cell)]
        except json.JSONDecodeError:
            cell = cell.strip("[]")
    return cell.replace(",", " ").split()


def _made(
    kept: dict[str, np.ndarray], asked: Collection[str], notes: list[Note], lines: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what is made of tickets and asked for; what the export does not tell is missing."""
    nothing = np.full(len(lines), "", dtype=object)
    tags = [_list(cell) for cell in kept["tags"]] if "tags" in kept else None
    found: dict[str, np.ndarray] = {}
    if "solved_at" in asked and "solved_at" not in kept:
        found["solved_at"] = _solved(kept, nothing, notes, lines)
    if "reopened" in asked and "reopened" not in kept:
        again = [_true_above_none(n) for n in kept.get(_REOPENS, nothing)]
        found["reopened"] = np.array(again, dtype=object)
    if "first_reply_at" in asked and "first_reply_at" not in kept:
        found["first_reply_at"] = _replied(kept["created_at"], kept.get(_REPLY, nothing))
    if "auto_closed" in asked and "auto_closed" not in kept:
        found["auto_closed"] = _closed_by_rule(kept["status"], tags, nothing, notes)
    for name in asked:
        if name.startswith("tag:"):
            tag = name.removeprefix("tag:")
            has = nothing if tags is None else [str(tag in each).lower() for each in tags]
            found[name] = np.array(has, dtype=object)
    empty = [name for name, text in found.items() if name != "solved_at" and not any(text)]
    if empty:
        told = (
            f"Zendesk: {', '.join(empty)} cannot be told from this export: tickets say it in "
            "their metric sets, or in their tags."
        )
        notes.append(("CX-F048", told, ()))
    return found


def _solved(
    kept: dict[str, np.ndarray], nothing: np.ndarray, notes: list[Note], lines: np.ndarray
) -> np.ndarray:
    """Return when each case was solved: its metrics know, else its last update is a limit."""
    ended = np.isin(kept["status"].astype(str), list(_ENDED))
    known = kept.get(_SOLVED, nothing)
    guessed = ended & (known == "")
    if guessed.any():
        told = (
            f"Zendesk: {guessed.sum():,} of {ended.sum():,} solved cases have no metric set; "
            "solved_at is their last update there, which may be later."
        )
        notes.append(("CX-F047", told, tuple(int(line) for line in lines[guessed])))
    return np.where(ended, np.where(guessed, kept["updated_at"], known), "").astype(object)


def _true_above_none(count: str) -> str:
    """Return whether a count is above none; nothing where there is no count."""
    return "" if not count else str(float(count) > 0).lower()


def _replied(opened: np.ndarray, minutes: np.ndarray) -> np.ndarray:
    """Return the moment of the first reply, in the zone in which the case was opened."""
    found = []
    for start, wait in zip(opened, minutes, strict=True):
        if not start or not wait:
            found.append("")
            continue
        at = pd.Timestamp(start) + pd.Timedelta(minutes=float(wait))
        zone = "" if at.tzinfo is None else at.strftime("%z").replace("+0000", "Z")
        found.append(at.strftime("%Y-%m-%d %H:%M:%S") + zone)
    return np.array(found, dtype=object)


def _closed_by_rule(
    status: np.ndarray, tags: list[list[str]] | None, nothing: np.ndarray, notes: list[Note]
) -> np.ndarray:
    """Return whether an automation ended each case, as a tag says; tells which tags."""
    if tags is None:
        return nothing
    said = sorted({tag for each in tags for tag in each if _says_so(tag)})
    if said:
        told = f"Zendesk: auto_closed is what has the tag {', '.join(said)}."
        notes.append(("CX-F047", told, ()))
    found = [
        str(state in _ENDED and any(map(_says_so, each))).lower()
        for state, each in zip(status, tags, strict=True)
    ]
    return np.array(found, dtype=object)


def _says_so(tag: str) -> bool:
    """Whether a tag says that an automation closed or solved the case.

    >>> _says_so("auto_closed"), _says_so("autosolve"), _says_so("closed_by_phone")
    (True, True, False)
    """
    folded = tag.casefold()
    return "auto" in folded and ("clos" in folded or "solv" in folded)

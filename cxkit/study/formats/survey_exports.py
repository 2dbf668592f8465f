"""The exports of survey tools: header rows that are no answers, rows that are no respondents.

Qualtrics writes one, two or three header rows; SurveyMonkey two; Google Forms one, with moments in
its own form. Names and questions become header and labels, every rule says what it did.

References
----------
Qualtrics, "Understanding your data set": the column Status holds 0 for an answer, and the sum of
1 (preview), 2 (generated test), 4 (imported), 8 (taken for spam), 16 (offline), 32 (employee).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cxkit.study.formats.raw import UnreadableError, coded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from cxkit.study.formats.encoding import Note
    from cxkit.study.reading import Reading

_IMPORT_ID = re.compile(r"""\{\s*["']ImportId["']\s*:""")
_ZONE = re.compile(r"""["']timeZone["']\s*:\s*["']([^"']+)["']""")

#: Columns that Qualtrics writes; so many of them make an export of it.
_QUALTRICS = {
    "StartDate",
    "EndDate",
    "RecordedDate",
    "Status",
    "Finished",
    "Progress",
    "IPAddress",
    "ResponseId",
    "ResponseID",
    "ResponseSet",
    "RecipientEmail",
    "RecipientLastName",
    "RecipientFirstName",
    "ExternalReference",
    "ExternalDataReference",
    "DistributionChannel",
    "UserLanguage",
}
_ENOUGH = 6

#: The columns SurveyMonkey begins with, in its old and new spelling.
_MONKEY = frozenset({"RespondentID", "Respondent ID", "CollectorID", "Collector ID"})

#: "2025/01/31 3:04:05 PM GMT+1", as Google Forms writes moments into a CSV.
_GOOGLE = re.compile(
    r"(\d{4})/(\d\d?)/(\d\d?) (\d\d?):(\d\d):(\d\d) ([AP])M (GMT[-+]\d\d?(?::\d\d)?|[A-Z]{2,5})"
)

#: What Status and Finished say, in numbers and in words.
_BITS = {"preview": 1, "test": 2, "spam": 8}
_FINISHED = {"1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True)
class Export:
    """What a tool's header rows say.

    ``header_rows`` are how many there are; ``drops`` the columns its rules for rows read.
    """

    tool: str
    header: tuple[str, ...]
    header_rows: int = 1
    labels: dict[str, str] = field(default_factory=dict)
    zones: dict[str, str] = field(default_factory=dict)
    status: str = ""
    finished: str = ""
    moments: str = ""

    @property
    def needed(self) -> frozenset[str]:
        """Return the columns that the rules need, asked for or not."""
        return frozenset({self.status, self.finished, self.moments} - {""})

    def notes(self, lines: Sequence[int]) -> list[Note]:
        """Say what the header rows, which begin on these lines, were taken for."""
        told: list[Note] = []
        if self.header_rows > 1:
            more = self.header_rows - 1
            rows = f"{more} header rows" if more > 1 else "1 header row"
            told.append(
                (
                    "CX-R009",
                    f"{self.tool} export: {rows} below the first read as questions, not answers.",
                    tuple(lines[1 : self.header_rows]),
                )
            )
        if self.zones:
            told.append(zones_told(self.tool, self.zones.values()))
        return told


def zones_told(tool: str, zones: Iterable[str]) -> Note:
    """Say of which zone a tool's moments are."""
    named = ", ".join(sorted(set(zones)))
    told = f"{tool} export: moments are of the zone {named}; days are counted there."
    return ("CX-F007", told, ())


def recognised(records: Sequence[Sequence[str]], how: Reading) -> Export | None:
    """Return the export that the first three records are of, if any.

    Parameters
    ----------
    records : sequence of sequences of str
        The first records of the file, header first.
    how : Reading
        What study.yml declares as ``format``; "plain" looks for nothing.

    Returns
    -------
    Export or None

    Raises
    ------
    UnreadableError
        A tool is declared, and the file is not of it.
    """
    looks: dict[str, Callable[[Sequence[Sequence[str]]], Export | None]] = {
        "qualtrics": _qualtrics,
        "surveymonkey": _surveymonkey,
        "google forms": _google,
    }
    if how.format == "plain" or not records:
        return None
    for tool, look in looks.items():
        if how.format in (None, tool) and (found := look(records)):
            return found
    if how.format in looks:
        raise UnreadableError(
            "CX-E022",
            f"study.yml says format: {how.format}, and the file does not look like its export.",
            "Export it from the tool as CSV, or take  format:  out of study.yml.",
            (1,),
        )
    return None


def _qualtrics(records: Sequence[Sequence[str]]) -> Export | None:
    """Recognise Qualtrics by its row of import ids, else by the names of its columns."""
    header = records[0]
    ids = next((i for i, r in enumerate(records[1:3], 1) if _share(r, _IMPORT_ID.match) > 0.8), 0)
    numbered = list(header[:3]) == ["V1", "V2", "V3"] and len(records) > 1
    names = records[1] if numbered else header
    if not ids and len(_QUALTRICS & set(names)) < _ENOUGH:
        return None
    rows = ids + 1
    if not ids and (numbered or (len(records) > 1 and _titles(header, records[1]))):
        rows = 2
    role = {name: column for name, column in zip(names, header, strict=False) if name in _QUALTRICS}
    zones = {}
    for column, text in zip(header, records[ids] if ids else (), strict=False):
        if said := _ZONE.search(text):
            zones[column] = said.group(1)
    labels = {}
    if rows > 1 and ids != 1:
        labels = {name: text.strip() for name, text in zip(header, records[1], strict=False)}
    return Export(
        "Qualtrics",
        tuple(header),
        rows,
        labels,
        zones,
        status=role.get("Status", ""),
        finished=role.get("Finished", ""),
    )


def _share(record: Sequence[str], is_one: Callable[[str], object]) -> float:
    """Return the share of filled fields that are of a kind."""
    filled = [text for text in record if text.strip()]
    return sum(bool(is_one(text)) for text in filled) / len(filled) if filled else 0.0


def _titles(header: Sequence[str], record: Sequence[str]) -> bool:
    """Whether the row below the header holds titles: no number or day where one must stand."""
    must = {"StartDate", "EndDate", "RecordedDate", "Progress", "Duration (in seconds)"}
    below = [text for name, text in zip(header, record, strict=False) if name in must]
    return bool(below) and not any(char.isdigit() for text in below for char in text)


def _surveymonkey(records: Sequence[Sequence[str]]) -> Export | None:
    """Recognise SurveyMonkey: below the id nothing, below the questions what kind of answer."""
    if len(records) < 2 or not records[0] or records[0][0].strip() not in _MONKEY:
        return None
    first, second = records[0], records[1]
    if second[0].strip() or _share(second, lambda text: not text.isdigit()) < 0.8:
        return None
    header, labels, question = [], {}, ""
    for above, below in zip(first, second, strict=False):
        question = above if above.strip() else question
        plain = not below.strip() or below.strip() in ("Response", "Open-Ended Response")
        name = question if plain and above.strip() else f"{question} - {below}"
        header.append(name)
        labels[name] = name
    return Export("SurveyMonkey", tuple(header), 2, labels)


def _google(records: Sequence[Sequence[str]]) -> Export | None:
    """Recognise Google Forms by the form of its first column."""
    rows = [record[0] for record in records[1:] if record]
    if not rows or not all(_GOOGLE.fullmatch(text) for text in rows):
        return None
    return Export("Google Forms", tuple(records[0]), moments=records[0][0])


def dropped(
    export: Export, columns: dict[str, np.ndarray], lines: np.ndarray, keep: Collection[str]
) -> tuple[np.ndarray, list[Note]]:
    """Say which rows stay, and which rule dropped the others.

    Parameters
    ----------
    export : Export
        What the header rows said.
    columns : dict of arrays
        The columns that the rules read.
    lines : array
        Where each row stands.
    keep : collection of str
        The sorts of rows that study.yml keeps.

    Returns
    -------
    stays : array of bool
    notes : list

    Raises
    ------
    UnreadableError
        No row stays.
    """
    stays = np.ones(len(lines), dtype=bool)
    notes: list[Note] = []
    unknown = _unknown(export, columns)
    if unknown:
        notes.append(
            (
                "CX-F021",
                f"{export.finished} holds {', '.join(unknown[:3])}: which answers are unfinished "
                "cannot be told, so none is dropped for it.",
                (),
            )
        )
    for sort, is_one in _sorts(export, columns).items():
        if sort in keep:
            continue
        gone = is_one & stays
        stays &= ~is_one
        if n := int(gone.sum()):
            notes.append(
                (
                    "CX-R010",
                    f"{n:,} {_SAID[sort]} dropped, as {export.tool} marks them "
                    f"(keep: [{sort}] keeps them).",
                    tuple(int(line) for line in lines[gone]),
                )
            )
    if len(stays) and not stays.any():
        told = "; ".join(text.split(" dropped")[0] for code, text, _ in notes if code == "CX-R010")
        sorts = sorted({sort for sort in _SAID for _, text, _ in notes if f"[{sort}]" in text})
        raise UnreadableError(
            "CX-E023",
            f"no row is left: the file holds {told}.",
            f"If they are what you want, write  keep: [{', '.join(sorts)}]  in study.yml.",
        )
    return stays, notes


_SAID = {
    "preview": "previews",
    "test": "generated test answers",
    "spam": "answers taken for spam",
    "unfinished": "unfinished answers",
}


def _sorts(export: Export, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return for every sort of row that the tool marks which rows are of it."""
    found = {}
    if export.status:
        codes, values = coded(columns[export.status])
        for sort, bit in _BITS.items():
            marked = [_has_bit(str(value), sort, bit) for value in values]
            found[sort] = np.array(marked, dtype=bool)[codes]
    if export.finished:
        codes, values = coded(columns[export.finished])
        ended = [_FINISHED.get(str(value).strip().casefold(), True) for value in values]
        found["unfinished"] = ~np.array(ended, dtype=bool)[codes]
    return found


def _unknown(export: Export, columns: dict[str, np.ndarray]) -> list[str]:
    """Return what the column Finished holds that is neither yes nor no."""
    values = coded(columns[export.finished])[1] if export.finished else ()
    return [v for v in map(str, values) if v.strip() and v.strip().casefold() not in _FINISHED]


def _has_bit(value: str, sort: str, bit: int) -> bool:
    """Whether a status is of a sort: a bit of its number, or a word of its text."""
    return bool(int(value) & bit) if value.strip().isdecimal() else sort in value.casefold().split()


def moments(text: np.ndarray) -> tuple[np.ndarray, frozenset[str]]:
    """Return moments of Google Forms in ISO form as the clock on the wall showed, and the zones.

    >>> moments(np.array(["2025/01/31 3:04:05 PM GMT+1"], dtype=object))[0].tolist()
    ['2025-01-31 15:04:05']
    """
    codes, values = coded(text)
    iso, zones = [], set()
    for value in values:
        said = _GOOGLE.fullmatch(str(value))
        if said is None:
            iso.append(str(value))
            continue
        year, month, day, hour, minute, second, half, zone = said.groups()
        hours = int(hour) % 12 + (12 if half == "P" else 0)
        iso.append(f"{year}-{int(month):02}-{int(day):02} {hours:02}:{minute}:{second}")
        zones.add(zone)
    return np.array(iso, dtype=object)[codes], frozenset(zones)

"""What a column of a file looks like, with the evidence; nothing is decided by it alone."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from cxkit.study.columns import NO, YES
from cxkit.study.decimals import with_points
from cxkit.study.formats.dialect import HEADER_WITHIN
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.load import read_table
from cxkit.study.numbers import as_number
from cxkit.study.reading import Reading
from cxkit.study.wording import scalar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Kind = Literal["nothing", "id", "day", "yes or no", "score", "number", "words", "sentences"]

#: Spellings of yes and no that must be declared, since other languages and tools have others.
FOREIGN = {
    "y": "n", "ja": "nein", "oui": "non", "si": "no", "sí": "no", "sim": "não", "x": "",
    "t": "f", "wahr": "falsch",
}  # fmt: skip

#: Scales that questions have, the shortest that holds the answers first.
SCALES = ((1, 4), (1, 5), (1, 6), (1, 7), (0, 10), (0, 100))

#: Numbers that tools write for "no answer".
CODES = frozenset(
    {77, 88, 97, 98, 99, 777, 888, 997, 998, 999, 9999, -1, -2, -7, -8, -9, -99, -999}
)

#: How a code that is no answer is called.
_NO_ANSWER = re.compile(
    r"no answer|don.?t know|not applicable|refus|missing|n/a|keine ang|wei(ß|ss) nicht|"
    r"keine antwort|sans r.ponse|ne sait pas|no sabe|no contesta",
    re.IGNORECASE,
)

#: The name that a column without one is given.
_NAMELESS = re.compile(r"\(column \d+\)")

#: From so many levels, or levels per row, words are no group.
_MOST_LEVELS, _MOST_SHARE = 50, 0.5

_EPOCH = re.compile(r"1[0-9]{9}(\d{3})?", re.ASCII)
_MARKED = re.compile(r"[-+]?[\d.,' \u00a0\u202f]*\d[\d.,]*")
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)? ?(Z|[-+]\d\d:?\d\d)?")
_DAY = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d)( \d{1,2}:\d\d(:\d\d)?)?")


@dataclass(frozen=True)
class Profile:
    """One column: what it holds, why that is thought so, and what nobody can know from the file.

    ``form`` is how days are written ("" is year-month-day), ``range`` the scale that holds the
    answers, ``codes`` numbers off it, ``questions`` the doubts.
    """

    name: str
    kind: Kind
    evidence: str
    rows: int
    filled: int
    distinct: int
    label: str = ""
    form: str = ""
    range: tuple[float, float] | None = None
    codes: tuple[str, ...] = ()
    yes: str = ""
    no: str = ""
    latest: str = ""
    questions: tuple[str, ...] = ()

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.filled == self.distinct == self.rows > 1


@dataclass(frozen=True)
class Described:
    """One table of one file: how it is read, and its columns."""

    path: Path
    how: dict[str, str | int]
    rows: int
    told: tuple[str, ...]
    columns: tuple[Profile, ...]

    @property
    def part(self) -> tuple[str, str]:
        """Whether it is a sheet or a table of the file, and its name; empty where it is all."""
        return next(((k, str(v)) for k, v in self.how.items() if k in ("sheet", "table")), ("", ""))


def described(path: Path, how: Reading | None = None) -> Described:
    """Read a file and look at every column of it.

    Parameters
    ----------
    path : Path
        The file.
    how : Reading, optional
        How it is to be read, where the file does not say.

    Returns
    -------
    Described

    Raises
    ------
    UnreadableError
        The file cannot be read, or not without a word from its owner.
    """
    how = how or Reading()
    raw = read_table(path.read_bytes(), path.name, (), how=how, keep_all=True)
    if not how.skip_rows:
        _hold_header(raw)
    questions: dict[str, str] = {}
    marked = [name for name, text in raw.columns.items() if _all(text, _MARKED)]
    try:
        raw = with_points(raw, marked, decimal=how.decimal, private=True)
    except UnreadableError as fault:
        questions[fault.column] = f"{fault.text} {fault.cure}"
    return Described(
        path=path,
        how={k: v for k, v in how.model_dump().items() if v and isinstance(v, str | int)},
        rows=raw.rows,
        told=tuple(f"{text} [{code}]" for code, text, _ in raw.repairs),
        columns=tuple(_profile(raw, name, questions.get(name, "")) for name in raw.columns),
    )


def as_answers(file: Described, folder: Path) -> list[str]:
    """Show how a table of answers would be written, where the file holds a score."""
    score = next((p for p in file.columns if p.kind == "score" and p.range), None)
    if score is None or score.range is None:
        return []
    low, high = score.range
    name = os.path.relpath(file.path, folder)
    keys = "".join(f", {key}: {scalar(str(value))}" for key, value in file.how.items())
    return [
        f"If they are answers to a survey, begin with  responses: {{file: {scalar(name)}{keys}, "
        f"nps: {{column: {scalar(score.name)}, scale: [{low:g}, {high:g}]}}}}"
    ]


def _hold_header(raw: RawTable) -> None:
    """Refuse a first line that leaves most columns without a name, if a later one fills them all.

    Raises
    ------
    UnreadableError
        Where the header seems to stand.
    """
    nameless = [name for name in raw.header if _NAMELESS.fullmatch(name)]
    if raw.place != "line" or len(raw.header) < 3 or 2 * len(nameless) <= len(raw.header):
        return
    held = np.array([np.asarray(text[:HEADER_WITHIN]) != "" for text in raw.columns.values()])
    full = np.flatnonzero(held.all(axis=0))
    if len(full):
        line = int(raw.lines[full[0]])
        raise UnreadableError(
            "CX-E012",
            f"the first line names {len(raw.header) - len(nameless)} of {len(raw.header)} columns: "
            f"a title, perhaps; the header seems to be line {line}.",
            f"In study.yml write  skip_rows: {line - 1}",
            (1,),
        )


def _all(text: Any, form: re.Pattern[str]) -> bool:
    """Whether all values that there are have a form."""
    filled = [value for value in map(str.strip, set(text.tolist())) if value]
    return bool(filled) and all(form.fullmatch(value) for value in filled)


def _profile(raw: RawTable, name: str, doubt: str) -> Profile:
    """Look at one column."""
    counts = Counter(value.strip() for value in raw.columns[name].tolist())
    del counts[""]
    base: dict[str, Any] = {
        "name": name,
        "rows": raw.rows,
        "filled": counts.total(),
        "distinct": len(counts),
        "label": raw.labels.get(name, ""),
    }
    asked = (doubt,) if doubt else ()
    if not counts:
        return Profile(**base, kind="nothing", evidence="no value in any row")
    words = raw.value_labels.get(name, {})
    for look in (_days, _yes_or_no, _numbers):
        if found := look(counts, raw, name, words):
            both = (*found.pop("questions", ()), *asked)
            return Profile(**base, **found, questions=both)
    return Profile(**base, **_texts(counts, raw.rows), questions=asked)


def _days(counts: Counter[str], raw: RawTable, name: str, _: Any) -> dict[str, Any] | None:
    """Look for days and moments, and how they are written."""
    n = len(counts)
    if name in raw.iso or all(_ISO.fullmatch(value) for value in counts):
        low, high = min(counts), max(counts)
        told = f"all {n:,} different values are days, from {low[:10]} to {high[:10]}"
        return {"kind": "day", "evidence": told, "latest": high[:10]}
    parts = [_DAY.fullmatch(value) for value in counts]
    found = [part for part in parts if part]
    if len(found) < n:
        return None
    first, second = (max(int(part[i]) for part in found) for i in (1, 3))
    marks = {part[2] for part in found}
    years = {len(part[4]) for part in found}
    if len(marks) > 1 or len(years) > 1 or (first > 12 and second > 12):
        told = "days, written in several ways"
        doubt = "The days are written in more than one way. Which line is which?"
        return {"kind": "day", "evidence": told, "form": "?", "questions": (doubt,)}
    mark, year = marks.pop(), "%Y" if years == {4} else "%y"
    clock = ""
    if any(part[5] for part in found):
        clock = " %H:%M:%S" if any(part[6] for part in found) else " %H:%M"
    ways = [f"%d{mark}%m{mark}{year}{clock}", f"%m{mark}%d{mark}{year}{clock}"]
    if first > 12 or second > 12:
        form = ways[0] if first > 12 else ways[1]
        told = f"days, {form}: one of them has {max(first, second)} where the day stands"
        stamps = pd.to_datetime(pd.Series(list(counts)), format=form, errors="coerce")
        if stamps.isna().any():
            return None
        return {"kind": "day", "evidence": told, "form": form, "latest": f"{stamps.max():%Y-%m-%d}"}
    doubt = f'Is the day or the month first? Write  date: "{ways[0]}"  or  date: "{ways[1]}"'
    return {
        "kind": "day",
        "evidence": "days; no number above 12 says which one is the day",
        "form": "?",
        "questions": (doubt,),
    }


def _yes_or_no(counts: Counter[str], _: RawTable, __: str, words: Any) -> dict[str, Any] | None:
    """Look for yes and no."""
    held = {words.get(value, value).casefold() for value in counts}
    if len(held) > 2:
        return None
    if held <= {*YES, *NO} and not held <= {"0"} and (len(held) == 2 or held <= {"yes", "no"}):
        told = f"only {' and '.join(sorted(held))}"
        return {"kind": "yes or no", "evidence": told}
    for yes, no in FOREIGN.items():
        if held == {yes, no} or (yes == "x" and held == {"x"} and no == ""):
            told = f"only {' and '.join(sorted(held))}"
            spelled = {words.get(v, v).casefold(): v for v in counts}
            if not no:
                return None
            return {
                "kind": "yes or no",
                "evidence": told,
                "yes": spelled[yes],
                "no": spelled[no],
                "questions": (f"Does {spelled[yes]} mean yes and {spelled[no]} no?",),
            }
    return None


def _numbers(counts: Counter[str], raw: RawTable, name: str, words: Any) -> dict[str, Any] | None:
    """Look for ids of digits, answers on a scale, and numbers."""
    values = {value: number for value in counts if (number := as_number(value)) is not None}
    if len(values) < len(counts):
        return None
    n = len(counts)
    if all(_EPOCH.fullmatch(value) for value in counts) and n > 1:
        doubt = "Is this a count of seconds? Nothing reads it as a day: export days as 2025-12-31."
        told = f"{n:,} whole numbers of a size that counts of seconds have"
        return {"kind": "number", "evidence": told, "questions": (doubt,)}
    if counts.total() == raw.rows == n > 11 and _counted(counts):
        return {"kind": "id", "evidence": f"{n:,} rows, {n:,} different whole numbers"}
    if any(len(value) > 1 and value[0] == "0" and value.isdigit() for value in counts):
        return {"kind": "id", "evidence": "digits with zeros before them"}
    codes = tuple(v for v, number in values.items() if number in CODES)
    answers = [number for v, number in values.items() if v not in codes] or list(values.values())
    low, high = min(answers), max(answers)
    whole = all(number == int(number) for number in answers)
    labelled = _answers_labelled(words, raw.absent.get(name, {}))
    if labelled:
        codes += tuple(v for v in words if v in values and as_number(v) not in {*labelled, *CODES})
        answers = [number for v, number in values.items() if v not in codes] or answers
        low, high = min(answers), max(answers)
    fit: tuple[tuple[float, float], ...]
    if labelled and low >= labelled[0] and high <= labelled[-1] and len(labelled) > 2:
        fit = ((labelled[0], labelled[-1]),)
        why = f"the file has words for {labelled[0]:g} to {labelled[-1]:g}"
    else:
        fit = tuple(s for s in SCALES if s[0] <= low and high <= s[1])
        why = f"whole numbers from {low:.15g} to {high:.15g}"
    off = tuple(v for v in codes if fit and not fit[0][0] <= values[v] <= fit[0][1])
    if codes and len(off) < len(codes):
        answers, fit = list(values.values()), tuple(s for s in fit if max(values.values()) <= s[1])
        off = ()
    if not whole or not fit or n > 101 or (len(set(answers)) > 11 and fit[0] != (0, 100)):
        told = f"numbers from {min(values.values()):.15g} to {max(values.values()):.15g}"
        return {"kind": "number", "evidence": told, "range": (low, high)}
    questions = []
    if off:
        said = [f"{v} ({words[v]})" if v in words else v for v in off]
        questions.append(f"Does {' or '.join(said)} mean no answer?")
    scale = fit[0]
    if not labelled and (low > scale[0] or high < scale[1]):
        other = " or ".join(f"[{a:g}, {b:g}]" for a, b in fit[1:4])
        also = f" It may be {other}." if other else ""
        doubt = f"Nobody answered {scale[0]:g}" if low > scale[0] else f"Nobody gave {scale[1]:g}"
        questions.append(f"{doubt}: is the scale [{scale[0]:g}, {scale[1]:g}]?{also}")
    return {
        "kind": "score",
        "evidence": why + (f", and {', '.join(off)}" if off else ""),
        "range": scale,
        "codes": off,
        "questions": tuple(questions),
    }


def _answers_labelled(words: Mapping[str, str], absent: Mapping[str, int]) -> list[float]:
    """Return the labelled numbers that are answers: those in a row, and not called no answer."""
    held = {number: label for v, label in words.items() if (number := as_number(v)) is not None}
    found = sorted(
        number
        for number, label in held.items()
        if number not in CODES
        and f"{label} ({number:g})" not in absent
        and not _NO_ANSWER.search(label)
    )
    row = found[:1]
    for number in found[1:]:
        if number != row[-1] + 1:
            break
        row.append(number)
    return row if len(row) > 2 else found


def _counted(counts: Counter[str]) -> bool:
    """Whether whole numbers, all different, are more than a scale: in a row, or beyond 100."""
    if not all(value.isdecimal() for value in counts):
        return False
    numbers = sorted(map(int, counts))
    return numbers[-1] > 100 or numbers[-1] - numbers[0] == len(numbers) - 1


def _texts(counts: Counter[str], rows: int) -> dict[str, Any]:
    """Tell ids, groups and sentences apart."""
    n = len(counts)
    length = sum(map(len, counts)) / n
    spaced = sum(" " in value for value in counts) / n
    if length > 25 and spaced > 0.5 and n > 0.2 * counts.total():
        return {"kind": "sentences", "evidence": f"texts of {length:.0f} characters on average"}
    if counts.total() == rows == n > 1 and not spaced:
        return {"kind": "id", "evidence": f"{n:,} rows, {n:,} different values without a space"}
    if n > _MOST_LEVELS and n > _MOST_SHARE * counts.total() and not spaced:
        return {"kind": "id", "evidence": f"{n:,} different values without a space"}
    if n > _MOST_LEVELS and spaced > 0.5:
        return {"kind": "sentences", "evidence": f"{n:,} different texts"}
    kind = "words" if n <= max(_MOST_LEVELS, rows // 10) and n < rows else "id"
    return {"kind": kind, "evidence": f"{n:,} different values"}

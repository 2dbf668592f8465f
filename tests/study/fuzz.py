"""Sound files, spoiled at random; and a reader of text of its own, to compare with.

The reader shares nothing with the kit: a machine of RFC 4180 over characters, and the strict types
of one study. It knows how the file was written; the kit must find that out.
"""

from __future__ import annotations

import datetime as dt
import re
import signal
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
import pandas as pd

import cxkit as cx
from cxkit.errors import CxkitError
from cxkit.study import checks
from cxkit.study.load import open_table
from tests.study import surveys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: A file may take so many seconds.
LONGEST = 10

#: What is put into a file: signs that mean something to a reader of text.
SIGNS = [
    b'"', b'""', b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf",
    b"\xff\xfe", b" ", b"\xc2\xa0", b"\xe2\x80\xa8", b"'", b"-", b"+", b".", b"0", b"9", b"99",
    b"1e5", b"1e999", b"inf", b"nan", b"NA", b"NULL", b"\xd9\xa3", b"\xef\xbc\x95", b"\x1a", b"#",
    b"\x0c", b"\x85", b"=", b"sep=;\n", b"1.234", b"1,234", b"T", b"Z", b"+01:00", b"\xc3\xa9",
]  # fmt: skip

#: Findings that say how a file is written: they excuse no other value. A flag excuses none either.
HOW_WRITTEN = {"CX-R002", "CX-R004", "CX-R005", "CX-R024"}


#: What the spoiled files were read by.
MODULES = (
    "cxkit.study.cells",
    "cxkit.study.checks",
    "cxkit.study.decimals",
    "cxkit.study.formats.compressed",
    "cxkit.study.formats.databases",
    "cxkit.study.formats.delimited",
    "cxkit.study.formats.dialect",
    "cxkit.study.formats.encoding",
    "cxkit.study.formats.excel",
    "cxkit.study.formats.header",
    "cxkit.study.formats.large",
    "cxkit.study.formats.parquet",
    "cxkit.study.formats.quick",
    "cxkit.study.formats.raw",
    "cxkit.study.formats.records",
    "cxkit.study.formats.regular",
    "cxkit.study.formats.signature",
    "cxkit.study.formats.statistical",
    "cxkit.study.formats.stored",
    "cxkit.study.formats.workbook",
    "cxkit.study.kinds",
    "cxkit.study.load",
    "cxkit.study.moments",
    "cxkit.study.numbers",
    "tests.study.fuzz",
    "tests.study.surveys",
)


class StrictError(Exception):
    """The strict reader does not take this file."""


def survey(rng: np.random.Generator, *, western: bool, n: int = 12) -> list[surveys.Row]:
    """Draw a sound survey."""
    letters = list("abcXYZ 019éüß.,;:'\"|\t\n-" + ("" if western else "№日😀\u2028"))

    def words(most: int, *, lines: bool = False) -> str:
        text = "".join(rng.choice(letters, rng.integers(1, most)))
        return (text if lines else re.sub(r"\s+", " ", text)).strip() or "x"

    def maybe(value: object) -> object:
        return None if rng.random() < 0.15 else value

    rows = []
    for i in range(n):
        day = dt.datetime(2025, 1, 1) + dt.timedelta(hours=int(rng.integers(8000)))  # noqa: DTZ001
        rows.append(
            (
                f"{i:05d}",
                maybe(f"C{rng.integers(12):04d}"),
                maybe(day.replace(hour=0) if rng.random() < 0.5 else day),
                maybe(("app", "shop", words(8))[rng.integers(3)]),
                maybe(surveys.MISSING if rng.random() < 0.1 else int(rng.integers(11))),
                maybe(int(rng.integers(100, 501)) / 100),
                int(rng.integers(1, 500)) / 100,
                maybe(bool(rng.random() < 0.5)),
                maybe(words(20, lines=True)),
            )
        )
    return rows


# --------------------------------------------------------------------------- the strict reader


def strict(content: bytes, dialect: surveys.Dialect) -> dict[str, list[object]]:
    """Read the bytes of a survey, or refuse them.

    Returns
    -------
    dict
        Role -> values, None where missing.
    """
    rows = list(_records(_text(content, dialect), dialect.mark))
    while rows and not any(field.strip() for field in rows[-1]):
        rows.pop()
    if len(rows) < 2:
        raise StrictError("no rows")
    header, *answers = rows
    if any(header.count(name) != 1 for name in surveys.COLUMNS):
        raise StrictError("the header")
    if any(len(row) != len(header) for row in answers):
        raise StrictError("a row of another length")
    found = {}
    for role, name in surveys.ROLES.items():
        place = header.index(name)
        found[role] = [_value(name, row[place], dialect.decimal) for row in answers]
    known = [each for each in found["response"] if each is not None]
    if len(set(known)) < len(known):
        raise StrictError("ids twice")
    return found


def _text(content: bytes, dialect: surveys.Dialect) -> str:
    encoding = dialect.encoding.replace("-sig", "")
    if content.startswith(b"\xef\xbb\xbf"):
        content, encoding = content[3:], "utf-8"
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif encoding == "utf-16":
        raise StrictError("UTF-16 without its mark")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise StrictError("the encoding") from None


def _records(text: str, mark: str) -> Iterator[list[str]]:
    """Yield records: a quote begins a quoted field only where the field begins."""
    record: list[str] = []
    field: list[str] = []
    state = "start"  # of a field; or in it "plain", "quoted", or behind its "closing" quote
    i = 0
    while i < len(text):
        char = text[i]
        i += 1
        if state == "quoted":
            if char != '"':
                field.append(char)
            elif text[i : i + 1] == '"':
                field.append(char)
                i += 1
            else:
                state = "closing"
        elif char == mark or char in "\r\n":
            record.append("".join(field))
            field, state = [], "start"
            if char != mark:
                i += char == "\r" and text[i : i + 1] == "\n"
                yield record
                record = []
        elif state == "closing":
            raise StrictError("something behind a closing quote")
        elif char == '"' and state == "start":
            state = "quoted"
        else:
            field.append(char)
            state = "plain"
    if state == "quoted":
        raise StrictError("a quote does not close")
    if record or state != "start":
        yield [*record, "".join(field)]


def _value(name: str, text: str, decimal: str) -> object:
    if name == "why":
        return text.strip() or None
    if decimal == "," and name in ("nps", "csat", "weight"):
        text = text.strip()  # told with the decimal commas
    if text != text.strip():
        raise StrictError("spaces around a value")
    if name in surveys.TEXTS:
        return text or None
    if name == "day":
        return _day(text) if text else None
    if name == "told":
        known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
        if text and text.lower().removesuffix(".0") not in known:
            raise StrictError("neither yes nor no")
        return known[text.lower().removesuffix(".0")] if text else None
    number = _number(text, decimal) if text else None
    if name == "weight":
        if number is None or number < 0:
            raise StrictError("no weight")
        return number
    if number is None or number == surveys.MISSING:
        return None
    low, high = (0, 10) if name == "nps" else (1, 5)
    if not low <= number <= high or (name == "nps" and number % 1):
        raise StrictError("off the scale")
    return number


def _number(text: str, decimal: str) -> float:
    if decimal == ",":
        if re.fullmatch(r"[-+]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?", text):
            text = text.replace(".", "")
        if "." in text:
            raise StrictError("a point in a file of commas")
        text = text.replace(",", ".")
    if not re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", text):
        raise StrictError("no number")
    number = float(text)
    if abs(number) == float("inf"):
        raise StrictError("beyond every number")
    return number


def _day(text: str) -> dt.datetime:
    """Read a day or a moment; of a zone the clock there is kept, which the kit flags."""
    clock = r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?)?"
    form = r"([0-9]{4})-([0-9]{2})-([0-9]{2})" + clock
    text = re.sub(r"(:[0-9]{2}(?:\.[0-9]+)?) ?(Z|[-+][0-9]{2}:?[0-9]{2})$", r"\1", text)
    found = re.fullmatch(form, text)
    if not found:
        raise StrictError("no day")
    *parts, fraction = found.groups()
    try:
        day = dt.datetime(*(int(part or 0) for part in parts))  # noqa: DTZ001
    except ValueError:
        raise StrictError("no day of the calendar") from None
    if day >= dt.datetime(2026, 1, 1):  # noqa: DTZ001
        raise StrictError("after as_of")
    return day + dt.timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))


# --------------------------------------------------------------------------- what spoils a file


def spoiled(content: bytes, rng: np.random.Generator, *, text: bool) -> bytes:
    """Spoil a file in one way, or in two or three."""
    ways = _OF_BYTES + (_OF_TEXT * 2 if text else ())
    for _ in range((1, 1, 1, 2, 3)[rng.integers(5)]):
        if content:
            content = ways[rng.integers(len(ways))](content, rng)
    return content


def _somewhere(content: bytes, rng: np.random.Generator) -> int:
    if len(content) > 100_000:  # a database: most of it is room to grow
        return int(rng.choice(np.flatnonzero(np.frombuffer(content, dtype=np.uint8))))
    return int(rng.integers(len(content)))


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    held = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        held[_somewhere(content, rng)] ^= 1 << int(rng.integers(8))
    return bytes(held)


def _replace(content: bytes, rng: np.random.Generator) -> bytes:
    held = bytearray(content)
    held[_somewhere(content, rng)] = int(rng.integers(256))
    return bytes(held)


def _truncate(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: _somewhere(content, rng)]


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    begin = _somewhere(content, rng)
    return content[:begin] + content[begin + int(rng.integers(1, 40)) :]


def _repeat(content: bytes, rng: np.random.Generator) -> bytes:
    begin = _somewhere(content, rng)
    end = begin + int(rng.integers(1, 40))
    return content[:end] + content[begin:]


def _inject(content: bytes, rng: np.random.Generator) -> bytes:
    at = _somewhere(content, rng)
    return content[:at] + SIGNS[rng.integers(len(SIGNS))] + content[at:]


def _overwrite(content: bytes, rng: np.random.Generator) -> bytes:
    at, sign = _somewhere(content, rng), SIGNS[rng.integers(len(SIGNS))]
    return content[:at] + sign + content[at + len(sign) :]


def _lines(content: bytes, rng: np.random.Generator) -> bytes:
    """Repeat, lose or exchange lines."""
    lines = content.splitlines(keepends=True)
    one, other = (int(i) for i in rng.integers(len(lines), size=2))
    match int(rng.integers(3)):
        case 0:
            lines.insert(other, lines[one])
        case 1:
            del lines[one]
        case _:
            lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _shuffle(content: bytes, rng: np.random.Generator) -> bytes:
    """Exchange two fields of every line, as a program does that knows no quotes."""
    mark = Counter(re.findall(rb"[,;\t|]", content)).most_common(1)
    if not mark:
        return content
    one, other = (int(i) for i in rng.integers(9, size=2))
    lines = []
    for line in re.split(rb"(\r\n|\r|\n)", content):
        fields = line.split(mark[0][0])
        if len(fields) > max(one, other):
            fields[one], fields[other] = fields[other], fields[one]
        lines.append(mark[0][0].join(fields))
    return b"".join(lines)


def _field(content: bytes, rng: np.random.Generator) -> bytes:
    """Write a sign in place of a whole field."""
    parts = re.split(rb"([,;\t|\r\n]+)", content)
    parts[2 * int(rng.integers((len(parts) + 1) // 2))] = SIGNS[rng.integers(len(SIGNS))]
    return b"".join(parts)


def _digit(content: bytes, rng: np.random.Generator) -> bytes:
    """Write another digit in place of one."""
    places = [found.start() for found in re.finditer(rb"[0-9]", content)]
    if not places:
        return content
    at = places[rng.integers(len(places))]
    return content[:at] + b"%d" % rng.integers(10) + content[at + 1 :]


_OF_BYTES = (_flip, _replace, _truncate, _cut, _repeat, _inject, _overwrite)
_OF_TEXT = (_digit, _inject, _lines, _shuffle, _field)


# --------------------------------------------------------------------------- the trial


@dataclass
class Tally:
    """What became of the files."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def add(self, kind: str, outcome: str) -> None:
        self.outcomes.setdefault(kind, Counter())[outcome] += 1

    @property
    def total(self) -> Counter[str]:
        return sum(self.outcomes.values(), Counter())


@contextmanager
def bounded() -> Iterator[None]:
    """Raise TimeoutError in what takes too long."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


#: Containers with a checksum: what opens is what was packed.
CHECKED = {"gzip", "zip", "DuckDB"}

#: The formats that are spoiled.
FORMATS = ("gzip", "zip", "Excel", "Parquet", "SPSS", "SPSS, compressed", "Stata", "JSON",
           "JSON lines", "SQLite", "DuckDB")  # fmt: skip


def trials(n: int, folder: Path, *, seed: int) -> Tally:
    """Open ``n`` spoiled files: seven in ten are text, a quarter go through DuckDB.

    Parameters
    ----------
    n : int
        How many.
    folder : Path
        Where they are written, one at a time.
    seed : int
        Of the surveys and of what spoils them.

    Returns
    -------
    Tally
        ``wrong`` tells each file that gave a traceback, took too long, or was another frame than
        the strict reader's without a finding.
    """
    tally = Tally()
    for i in range(n):
        name, dialect, rows, content, large = trial(i, folder, seed=seed)
        _try(content, name, dialect, rows, folder, large, tally, f"{seed}:{i}")
    return tally


def trial(
    i: int, folder: Path, *, seed: int
) -> tuple[str, surveys.Dialect | None, list[surveys.Row], bytes, int]:
    """Make one file anew: its name, dialect, sound rows, spoiled bytes; from which size DuckDB."""
    rng = np.random.default_rng([seed, i])
    dialect = None
    if i % 10 < 7:
        name = list(surveys.DIALECTS)[rng.integers(len(surveys.DIALECTS))]
        dialect = surveys.DIALECTS[name]
        rows = survey(rng, western=dialect.encoding == "cp1252")
        content = dialect.write(rows)
    else:
        name = FORMATS[rng.integers(len(FORMATS))]
        rows = survey(rng, western=False)
        content = surveys.FORMATS[name](rows, folder)
    content = spoiled(content, rng, text=dialect is not None or name.startswith("JSON"))
    return name, dialect, rows, content, 0 if rng.random() < 0.25 else 10**9


def _try(
    content: bytes,
    name: str,
    dialect: surveys.Dialect | None,
    rows: list[surveys.Row],
    folder: Path,
    large: int,
    tally: Tally,
    number: str,
) -> None:
    """Open one file and write down what came of it."""
    kind = "text" if dialect else name
    (folder / "answers.data").write_bytes(content)
    said = f"answers.data\n  {dialect.declared}" if dialect and dialect.declared else "answers.data"
    (folder / "study.yml").write_text(surveys.CONTRACT.replace("answers.data", said))
    about = f"{number} ({name}, {'DuckDB' if not large else 'pandas'})"
    begin = time.perf_counter()
    try:
        with bounded(), mock.patch.object(checks, "open_table", partial(open_table, large=large)):
            study = cx.open_study(folder)
    except CxkitError as refusal:
        tally.add(kind, "refused")
        tally.codes.update(re.findall(r"\[(CX-\w+)\]", str(refusal)))
        return
    except BaseException as error:
        tally.wrong.append(f"{about}: {type(error).__name__}: {error}")
        return
    finally:
        tally.slowest = max(tally.slowest, time.perf_counter() - begin)
    told = {f.code for f in study.findings}
    tally.codes.update(told)
    mended = sorted(c for c in told if c.startswith("CX-R") and c not in HOW_WRITTEN)
    if dialect is None and name not in CHECKED:
        tally.add(kind, "opened")
        return
    found = plain(study.responses)
    if dialect is None:
        wanted: object = plain(surveys.frame(rows))
    else:
        if dialect.decimal == ".":
            mended += sorted({"CX-R005", "CX-R024"} & set(told))
        try:
            wanted = strict(content, dialect)
        except StrictError as why:
            wanted = f"refused by the strict reader: {why}"
    if found == wanted:
        tally.add(kind, "opened, equal")
    elif mended and dialect:
        tally.add(kind, "opened, mended and told")
    else:
        tally.wrong.append(
            f"{about}: another frame, findings {sorted(told)}: {_apart(found, wanted)}"
        )


def plain(frame: pd.DataFrame) -> dict[str, list[object]]:
    """A frame of the study as lists, None where missing."""
    values = surveys.study_order(frame).astype(object)
    return {role: [None if pd.isna(v) else v for v in values[role]] for role in values}


def _apart(found: dict[str, list[object]], wanted: object) -> str:
    """Say where two differ first."""
    if not isinstance(wanted, dict):
        return str(wanted)
    for role, values in wanted.items():
        for row, pair in enumerate(zip(found[role], values, strict=False)):
            if pair[0] != pair[1]:
                return f"{role}, row {row}: {pair[0]!r} against {pair[1]!r}"
    return f"{len(found['response'])} rows against {len(wanted['response'])}"

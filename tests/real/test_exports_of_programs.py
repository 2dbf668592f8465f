"""Genuine files of statistics programs and of a ticketing tool, against a second reader.

The SPSS files were read apart from the kit by a reader written by hand from the published layout
of the format (records 2, 3, 4, 7 and the packed cases), `notes.dta` by pandas, the tickets by
Python's json and csv modules; what they found stands here. pandas does not tell Stata's .a to .z
from one another: `tagged-na-double.dta` is read by the few lines of by_hand() below.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import cxkit as cx
from cxkit.errors import DataError
from cxkit.study.load import read_table
from cxkit.study.reading import Reading

pytestmark = pytest.mark.skipif(
    not os.environ.get("CXKIT_SHARED"),
    reason="CXKIT_SHARED is not set: it names the folder that holds the genuine exports",
)


@dataclass(frozen=True)
class Known:
    """What is in one column of a file; ``missing`` are values declared to be no answer."""

    file: str
    shape: tuple[int, int]
    column: str
    values: tuple[str, ...]
    label: str = ""
    words: dict[str, str] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    empty: int = 0


AGREE = {"1": "Strongly Disagree", "2": "Disagree", "3": "No Opinion", "4": "Agree"} | {
    "5": "Strongly Agree"
}
LOWER = {"1": "strongly disagree", "2": "disagree", "3": "neither agree nor disagree"} | {
    "4": "agree",
    "5": "strongly agree",
}

KNOWN = [
    Known("hotel.sav", (17, 5), "v3", ("3", "4", "2", "3", "1", "5", "4", "5"),
          "The staff were slow in responding", AGREE),
    Known("personnel.sav", (56, 6), "sex", ("0",) * 7 + ("1",), "", {"0": "Male", "1": "Female"},
          empty=2),
    Known("personnel.sav", (56, 6), "dob", ("2001-01-02", "2001-11-22", "1949-03-24"),
          "Date of birth"),
    Known("labelled-num-na.sav", (2, 1), "VAR00002", ("1", ""), "Only one value",
          {"1": "This is one"}, {"9": 1}, empty=1),
    Known("labelled-str.sav", (2, 1), "gender", ("M", "F"), "", {"F": "Female", "M": "Male"}),
    Known("umlauts.sav", (4, 1), "var1", ("1", "2", "1", "3"), "This is an ä-umlaut",
          {"1": "the ä umlaut", "2": "the ü umlaut", "3": "the ö umlaut"}),
    Known("test_width.sav", (5, 4), "StartDate", ("2020-07-13 23:19:55", "2020-07-30 23:02:47"),
          "Start Date"),
    Known("sample_missing.sav", (7, 7), "mynum", ("1.1", "1.2", "-1000.3", "-1.4", "1000.3"),
          "numeric", {}, {"-1": 1, "2500": 1}, empty=2),
    Known("sample_missing.sav", (7, 7), "mylabl", ("1", "2", "1", "2", "1"), "labeled",
          {"-1": "undetermined", "1": "Male", "2": "Female"}, {"undetermined (-1)": 1}, empty=2),
    Known("sample_missing.sav", (7, 7), "myord", ("1", "2", "3", "1", "1"), "ordinal",
          {"-1": "missing", "1": "low", "2": "medium", "3": "high"},
          {"missing (-1)": 1, "-3": 1}, empty=2),
    Known("sample_missing.sav", (7, 7), "dtime", ("2018-05-06 10:10:10", "1880-05-06 10:10:10"),
          "datetime", empty=3),
    Known("sample_missing.sav", (7, 7), "mytime", ("10:10:10", "23:10:10", "00:00:00"), "time",
          empty=3),
    Known("testdata.sav", (5, 16), "numeric_long_label", ("", "", "3.33333", "4", ""),
          "numeric variable with long label: this variable hat five observations (one is missing). "
          "All values between 1 and 2 are also declared as missing. We use two decimal places and "
          'the measurement level is "Scale".', {}, {"1": 1, "2": 1}, empty=3),
    Known("testdata.sav", (5, 16), "factor_numeric", ("1", "2", "3", "", ""),
          "numeric factor with missing range", LOWER, {"-1": 1}, empty=2),
    Known("testdata.sav", (5, 16), "factor_n_coded_miss", ("1", "2", "", "5", ""),
          "numeric factor with coded missing values", LOWER | {"99": "no answer"},
          {"no answer (99)": 1}, empty=2),
    Known("testdata.sav", (5, 16), "string_miss", ("", "c", "", "g", ""),
          "string factor with missings", {}, {"a": 1, "b": 1}, empty=3),
    Known("testdata.sav", (5, 16), "factor_s_coded_miss", ("m", "f", "", "m", ""),
          "string factor with coded missing", {"f": "female", "m": "male", "u": "unknown"},
          {"unknown (u)": 1}, empty=2),
    Known("notes.dta", (5, 4), "outcome", ("2", "2", "4", "2", "1")),
    Known("tagged-na-double.dta", (8, 1), "x", ("1", "2", "3", "4", "5", "", "", ""), "",
          {"a": "apple", "z": ".zebra"}, {"apple (.a)": 1, ".h": 1, ".zebra (.z)": 1}, empty=3),
]  # fmt: skip


def content_of(file: str, folder: str = "spss_stata") -> bytes:
    return (Path(os.environ["CXKIT_SHARED"]) / "data" / "exports" / folder / file).read_bytes()


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.file}:{known.column}")
def test_a_column_is_what_a_second_reader_finds(known: Known) -> None:
    raw = read_table(content_of(known.file), known.file, [known.column], keep_all=True)
    text = raw.columns[known.column].tolist()
    assert (raw.rows, len(raw.columns)) == known.shape
    assert tuple(text[: len(known.values)]) == known.values
    assert text.count("") == known.empty
    assert raw.labels.get(known.column, "") == known.label
    assert raw.value_labels.get(known.column, {}) == known.words
    assert raw.absent.get(known.column, {}) == known.missing
    told = [code for code, said, _ in raw.repairs if known.column in said]
    assert told == (["CX-R021"] if known.missing else [])


def by_hand(content: bytes) -> tuple[list[str], dict[str, str]]:
    """Return the one column of doubles and the labels of a Stata file of release 118.

    A missing double is 0x7fe0 and then which one it is: 0 for ".", 1 to 26 for .a to .z; in the
    table of labels, whose codes are whole numbers, 0x7fffffe5 and on.
    """
    _, _, rest = content.partition(b"<data>")
    data, _, rest = rest.partition(b"</data>")
    values = []
    for (bits,) in struct.iter_unpack("<Q", data):
        plain = struct.unpack("<d", struct.pack("<Q", bits))[0]
        which = (bits >> 40) & 0xFF if bits >> 48 == 0x7FE0 else 0
        values.append(f".{chr(96 + which)}" if which else f"{plain:g}")
    _, _, labels = rest.partition(b"<lbl>")
    table = labels[4 + 129 + 3 :]  # its length, its name, its padding
    n, size = struct.unpack("<ii", table[:8])
    starts, codes = struct.unpack(f"<{n}i", table[8 : 8 + 4 * n]), table[8 + 4 * n : 8 + 8 * n]
    words = table[8 + 8 * n : 8 + 8 * n + size]
    found = {
        chr(96 + code - 0x7FFFFFE5): words[start:].split(b"\0")[0].decode()
        for start, code in zip(starts, struct.unpack(f"<{n}i", codes), strict=True)
    }
    return values, found


def test_the_missing_codes_of_stata_are_those_read_by_hand() -> None:
    content = content_of("tagged-na-double.dta")
    values, labels = by_hand(content)
    assert values == ["1", "2", "3", "4", "5", ".a", ".h", ".z"]
    raw = read_table(content, "tagged-na-double.dta", ["x"], keep_all=True)
    assert raw.columns["x"].tolist() == [v if not v.startswith(".") else "" for v in values]
    assert raw.value_labels["x"] == labels
    told = {f"{labels[v[1]]} ({v})" if v[1] in labels else v: 1 for v in values if v[0] == "."}
    assert raw.absent["x"] == told


def test_a_moment_at_which_the_reader_raises_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "datetime.sav").write_bytes(content_of("datetime.sav"))
    (tmp_path / "study.yml").write_text(
        "study: A\nas_of: 2025-12-31\n"
        "responses: {file: datetime.sav, asked_on: date, answered_on: date.posix}\n"
    )
    with pytest.raises(
        DataError, match=r"(?s)datetime\.sav.*column date\.posix: 1 of its moments lie.*CX-E075"
    ):
        cx.open_study(tmp_path)
    raw = read_table(content_of("datetime.sav"), "datetime.sav", ["date", "time"])
    assert raw.columns["date"].tolist() == ["2014-09-22", "2014-09-23"]
    assert raw.columns["time"].tolist() == ["12:11:10.09", "15:59:20.01"]


TICKETS = [
    # file, channel, rows in the file, cases kept, still open, distinct tickets kept
    ("tickets.json", "via.channel", 274, 274, 274, 91),
    ("tickets_incremental.ndjson", "via.channel", 182, 180, 180, 86),
    ("tickets_relational.csv", "via_channel", 10, 8, 0, 8),
]


@pytest.mark.parametrize(("file", "channel", "rows", "kept", "still_open", "tickets"), TICKETS)
def test_tickets_are_cases(
    tmp_path: Path, file: str, channel: str, rows: int, kept: int, still_open: int, tickets: int
) -> None:
    asked = ["id", "created_at", "solved_at", channel]
    content = content_of(file, "zendesk")
    raw = read_table(content, file, asked)
    assert (raw.rows, raw.dropped) == (kept, rows - kept)
    assert raw.columns["solved_at"].tolist().count("") == still_open
    assert len(set(raw.columns["id"])) == tickets
    assert read_table(content, file, ["id"], how=Reading(format="plain")).rows == rows
    (tmp_path / file).write_bytes(content)
    (tmp_path / "study.yml").write_text(
        f"study: A\nas_of: 2025-12-31\ntickets: {{file: {file}, ticket: id, opened: created_at, "
        f"resolved: solved_at, channel: {channel}}}\n"
    )
    assert len(cx.open_study(tmp_path).tickets) == tickets, "a ticket exported twice is one case"

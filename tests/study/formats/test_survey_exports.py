"""Header rows that are no answers, rows that are no respondents: by tool, told and counted."""

from __future__ import annotations

import csv
import io

import pytest

from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.load import read_table
from cxkit.study.reading import Reading

NAMES = ["StartDate", "EndDate", "Status", "Progress", "Finished", "ResponseId", "UserLanguage"]
TITLES = ["Start Date", "End Date", "Response Type", "Progress", "Finished", "Response ID", "Lang"]
IDS = ["startDate", "endDate", "status", "progress", "finished", "_recordId", "userLanguage"]
DAY = "2025-01-31 10:00:00"


def written(*rows: list[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()


def answers(status: str = "0", finished: str = "1") -> list[list[str]]:
    return [
        [DAY, DAY, s, "100", f, f"R_{i}", "EN", str(i)]
        for i, (s, f) in enumerate([("0", "1"), (status, finished), ("16", "1")])
    ]


def read(content: bytes, how: Reading | None = None, **columns: bool) -> RawTable:
    return read_table(content, "a.csv", ["ResponseId", "Q1"], how=how)


@pytest.mark.parametrize("quote", ['{"ImportId":"%s"}', "{'ImportId': '%s'}"])
def test_three_header_rows_in_both_dialects(quote: str) -> None:
    content = written(
        [*NAMES, "Q1"], [*TITLES, "How likely?"], [quote % i for i in [*IDS, "QID1"]], *answers()
    )
    raw = read(content)
    assert raw.columns["Q1"].tolist() == ["0", "1", "2"]
    assert raw.lines.tolist() == [4, 5, 6]
    assert raw.labels["Q1"] == "How likely?"
    assert [(c, lines) for c, _, lines in raw.repairs] == [("CX-R009", (2, 3))]


def test_two_header_rows_one_and_the_oldest_with_numbered_columns() -> None:
    two = read(written([*NAMES, "Q1"], [*TITLES, "How likely?"], *answers()))
    assert two.columns["Q1"].tolist() == ["0", "1", "2"]
    assert two.labels["Q1"] == "How likely?"
    one = read(written([*NAMES, "Q1"], *answers(status="1")))
    assert one.columns["Q1"].tolist() == ["0", "2"]
    assert one.labels == {}
    names = ["ResponseID", "Status", "StartDate", "EndDate", "Finished", "IPAddress", "How likely?"]
    oldest = read_table(
        written(
            ["V1", "V2", "V3", "V4", "V5", "V6", "Q1"],
            names,
            ["R_1", "0", DAY, DAY, "1", "", "9"],
            ["R_2", "2", DAY, DAY, "1", "", "8"],
        ),
        "a.csv",
        ["V1", "Q1"],
    )
    assert oldest.columns["Q1"].tolist() == ["9"]
    assert oldest.labels["V1"] == "ResponseID"


def test_the_time_zone_is_kept() -> None:
    ids = ['{"ImportId":"startDate","timeZone":"America/Denver"}'] * 2
    content = written([*NAMES, "Q1"], [*TITLES, "?"], [*ids, *['{"ImportId":"x"}'] * 6], *answers())
    assert ("CX-F007", "America/Denver") in [
        (code, text.split("zone ")[1].split(";")[0]) for code, text, _ in read(content).repairs[1:]
    ]


@pytest.mark.parametrize(
    ("status", "finished", "sort", "said"),
    [
        ("1", "1", "preview", "1 previews dropped"),
        ("Survey Preview", "True", "preview", "1 previews dropped"),
        ("17", "1", "preview", "1 previews dropped"),
        ("2", "1", "test", "1 generated test answers dropped"),
        ("Survey Test", "1", "test", "1 generated test answers dropped"),
        ("8", "1", "spam", "1 answers taken for spam dropped"),
        ("12", "1", "spam", "1 answers taken for spam dropped"),
        ("Spam", "1", "spam", "1 answers taken for spam dropped"),
        ("0", "0", "unfinished", "1 unfinished answers dropped"),
        ("IP Address", "False", "unfinished", "1 unfinished answers dropped"),
    ],
)
def test_rows_that_are_no_answers_are_dropped_counted_and_kept_by_name(
    status: str, finished: str, sort: str, said: str
) -> None:
    content = written([*NAMES, "Q1"], [*TITLES, "?"], *answers(status, finished))
    raw = read(content)
    assert raw.columns["Q1"].tolist() == ["0", "2"]
    assert raw.dropped == 1
    code, text, lines = raw.repairs[-1]
    assert (code, lines) == ("CX-R010", (4,))
    assert text.startswith(said)
    kept = read(content, Reading(keep=(sort,)))
    assert kept.columns["Q1"].tolist() == ["0", "1", "2"]
    assert kept.dropped == 0
    plain = read(written([*NAMES, "Q1"], *answers(status, finished)), Reading(format="plain"))
    assert plain.rows == 3


@pytest.mark.parametrize("status", ["0", "4", "16", "32", "IP Address", "Imported", "EX"])
def test_other_rows_stay(status: str) -> None:
    assert read(written([*NAMES, "Q1"], *answers(status))).rows == 3


def test_when_no_row_is_left_the_key_to_write_is_said() -> None:
    content = written([*NAMES, "Q1"], *[r for r in answers("2", "0") if r[2] == "2"])
    with pytest.raises(UnreadableError) as caught:
        read(content)
    assert caught.value.code == "CX-E023"
    assert "1 generated test answers" in caught.value.text
    assert "keep: [test]" in caught.value.cure


def test_a_language_in_which_finished_is_not_known_is_flagged() -> None:
    raw = read(written([*NAMES, "Q1"], *answers("0", "Falsch")))
    assert raw.rows == 3
    assert [(c, "Falsch" in text) for c, text, _ in raw.repairs] == [("CX-F021", True)]


def test_two_header_rows_of_surveymonkey_become_one() -> None:
    content = written(
        ["Respondent ID", "How likely?", "Which of these?", "", "Why?", ""],
        ["", "Response", "Shop", "App", "Open-Ended Response", "Other"],
        ["1", "9", "Shop", "", "good", ""],
        ["2", "3", "", "App", "bad", "x"],
    )
    raw = read_table(content, "a.csv", ["How likely?", "Which of these? - App"])
    assert raw.columns["How likely?"].tolist() == ["9", "3"]
    assert raw.columns["Which of these? - App"].tolist() == ["", "App"]
    assert raw.header[-2:] == ("Why?", "Why? - Other")
    assert raw.lines.tolist() == [3, 4]
    assert raw.repairs[0][0] == "CX-R009"


def test_moments_of_google_forms_are_read_and_their_zone_kept() -> None:
    content = written(
        ["Timestamp", "How likely?"],
        ["2025/01/31 3:04:05 PM GMT+1", "9"],
        ["2025/07/01 12:00:00 AM GMT+2", "8"],
        ["2025/07/01 12:30:00 PM GMT+2", "7"],
    )
    raw = read_table(content, "a.csv", ["Timestamp", "How likely?"])
    assert raw.columns["Timestamp"].tolist() == [
        "2025-01-31 15:04:05",
        "2025-07-01 00:00:00",
        "2025-07-01 12:30:00",
    ]
    assert raw.iso == {"Timestamp"}
    assert "zone GMT+1, GMT+2" in raw.repairs[0][1]
    plain = read_table(content, "a.csv", ["Timestamp"], how=Reading(format="plain"))
    assert plain.columns["Timestamp"][0] == "2025/01/31 3:04:05 PM GMT+1"


def test_a_tool_that_is_declared_must_be_the_one() -> None:
    with pytest.raises(UnreadableError) as caught:
        read_table(b"id,nps\n1,2\n", "a.csv", ["id"], how=Reading(format="qualtrics"))
    assert caught.value.code == "CX-E022"
    assert "format: qualtrics" in caught.value.text

"""Files become text with lines; what is not a comma-separated UTF-8 table is refused by sight."""

from __future__ import annotations

import csv
import datetime as dt
import io
import string
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cxkit as cx
from cxkit.errors import CxkitError, DataError
from cxkit.study.formats.raw import UnreadableError
from cxkit.study.load import read_table

Shop = Callable[..., Path]


def test_lines_are_physical_lines_and_bom_is_no_part_of_a_name() -> None:
    content = '\ufeffid,say\r\n1,"two\r\nlines"\r\n\r\n2,x\r\n'.encode()
    raw = read_table(content, "a.csv", ["id", "say"])
    assert raw.header == ("id", "say")
    assert raw.lines.tolist() == [2, 5]
    assert raw.columns["say"].tolist() == ["two\r\nlines", "x"]
    assert raw.repairs == (("CX-R001", "1 blank lines passed over.", (4,)),)


def test_a_column_nobody_asked_for_is_read_past() -> None:
    raw = read_table(b"id,other\n1,2\n", "a.csv", ["id"])
    assert list(raw.columns) == ["id"]
    assert raw.header == ("id", "other")


@pytest.mark.parametrize(
    ("content", "told", "line"),
    [
        (b"", "the file is empty", None),
        (b"\n \n", "the file is empty", None),
        (b"id,id,x\n1,2,3\n", "'id' more than once", 1),
        (b"5,5,x\n1,2,3\n", "looks like data, not a header", 1),
        (b"A title\nid,score\n1,2\n", "the header seems to be line 2", 1),
        (b"id,nps\n1\n", "1 fields, the header has 2", 2),
        (b"id,nps\n1,2\n1,2,3\n4,5,6\n", "3 fields, the header has 2 (2 rows are so)", 3),
        (b'id,nps\n1,2\n"3,4\n', "the quotes do not close", 3),
        (b"id,nps\n1,\x002\n", "NUL byte", 2),
        ("id,nps\n1,2\n".encode("utf-16-be"), "UTF-16", None),
        (b"PK\x03\x04 sheet", "not a whole zip", None),
        (b"<!DOCTYPE html><html>", "a web page", None),
        (b'{"error": "no"}', "JSON", None),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, told: str, line: int | None) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_table(content, "a.csv", ["id", "nps"])
    assert told in caught.value.text
    assert caught.value.lines[:1] == (() if line is None else (line,))


def test_what_a_file_is_called_does_not_matter() -> None:
    raw = read_table(b"id\n1\n", "wave.sav", ["id"])
    assert raw.columns["id"].tolist() == ["1"]
    with pytest.raises(UnreadableError) as caught:
        read_table(b"\xd0\xcf\x11\xe0...", "wave.csv", ["id"])
    assert "looks like an old spreadsheet (xls)" in caught.value.text
    assert caught.value.code == "CX-E005"


def test_parquet_is_csv(shop: Shop, tmp_path: Path) -> None:
    plain = cx.open_study(shop())
    for table, dates in (("customers", ["joined_on", "left_on"]), ("responses", ["asked_on"])):
        frame = pd.read_csv(tmp_path / f"{table}.csv")
        for column in dates:
            frame[column] = pd.to_datetime(frame[column])
        frame.to_parquet(tmp_path / f"{table}.parquet")
    text = (tmp_path / "study.yml").read_text()
    for table in ("customers", "responses"):
        text = text.replace(f"{table}.csv", f"{table}.parquet")
    # A Parquet file says itself which column is a date: the form of the text does not matter.
    text = text.replace("start: joined_on", 'start: {column: joined_on, date: "%d.%m.%Y"}')
    (tmp_path / "study.yml").write_text(text)
    other = cx.open_study(tmp_path)
    for table in plain.tables:
        pd.testing.assert_frame_equal(getattr(plain, table), getattr(other, table))


def test_a_row_of_a_parquet_file_is_named_a_row(shop: Shop, tmp_path: Path) -> None:
    path = shop(contract=("responses.csv", "responses.parquet"))
    frame = pd.read_csv(tmp_path / "responses.csv")
    frame["nps"] = frame["nps"].replace(6, 99)
    frame.to_parquet(tmp_path / "responses.parquet")
    with pytest.raises(CxkitError, match=r"responses\.parquet row 2, column nps: 99 is not"):
        cx.open_study(path)


def test_a_file_that_is_not_there_names_its_neighbour(shop: Shop) -> None:
    path = shop(contract=("file: responses.csv", "file: respnses.csv"))
    with pytest.raises(DataError, match=r"(?s)no such file.*Perhaps you mean  file: responses.csv"):
        cx.open_study(path)


def test_only_the_kits_own_variables_are_filled_in(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = shop(contract=("file: responses.csv", "file: ${HOME}/responses.csv"))
    with pytest.raises(DataError, match="only names that begin with CXKIT_"):
        cx.open_study(path)
    path = shop(contract=("file: responses.csv", "file: ${CXKIT_HERE}/responses.csv"))
    monkeypatch.delenv("CXKIT_HERE", raising=False)
    with pytest.raises(DataError, match="CXKIT_HERE, which is not set"):
        cx.open_study(path)
    monkeypatch.setenv("CXKIT_HERE", str(tmp_path))
    assert cx.open_study(path).has("responses")


_WORD = st.text(string.ascii_letters + string.digits + " ,;\"\n'äß€NA-=", max_size=12)
_ROW = st.tuples(
    st.dates(dt.date(2024, 1, 1), dt.date(2025, 12, 31)),
    st.none() | st.integers(0, 10),
    st.none() | st.booleans(),
    _WORD.map(str.strip),
)


#: A row with a score: a column that nobody answered is refused.
_ANSWERED = (dt.date(2024, 6, 1), 9, None, "x")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(_ROW, max_size=14).map(lambda rows: [*rows, _ANSWERED]))
def test_a_survey_written_as_csv_comes_back_as_it_was(tmp_path: Path, rows: list[tuple]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["id", "day", "nps", "told", "why"])
    for i, (day, score, told, why) in enumerate(rows):
        writer.writerow([i, day, "" if score is None else score, "" if told is None else told, why])
    (tmp_path / "r.csv").write_text(buffer.getvalue(), encoding="utf-8", newline="")
    (tmp_path / "study.yml").write_text(
        "study: A\nas_of: 2025-12-31\nresponses: {file: r.csv, response: id, asked_on: day, "
        "nps: nps, referred: told, touchpoint: why}\n"
    )
    frame = cx.open_study(tmp_path).responses
    assert frame["response"].tolist() == [str(i) for i in range(len(rows))]
    back = [
        (
            row.asked_on.date(),
            None if pd.isna(row.nps) else int(row.nps),
            None if pd.isna(row.referred) else bool(row.referred),
            "" if pd.isna(row.touchpoint) else row.touchpoint,
        )
        for row in frame.itertuples()
    ]
    assert back == rows

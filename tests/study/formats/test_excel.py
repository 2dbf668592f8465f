"""A workbook is a CSV whose cells have kinds; what a cell only seems to hold is refused by cell."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

import cxkit as cx
from cxkit.errors import ScaleError
from cxkit.study.formats.excel import read_excel
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.load import read_table
from cxkit.study.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

at = dt.datetime.fromisoformat

ROWS = [["id", "day", "nps"], ["r1", at("2025-01-05"), 9], ["r2", None, 7]]
ASKED = ("id", "day", "nps")


def book(
    rows: Sequence[Sequence[Any]] = ROWS, change: Callable[..., object] | None = None
) -> bytes:
    """One sheet of these rows, changed before it is saved."""
    work = openpyxl.Workbook()
    sheet = work.active
    sheet.title = "Data"
    for row in rows:
        sheet.append(list(row))
    if change:
        change(work, sheet)
    buffer = io.BytesIO()
    work.save(buffer)
    return buffer.getvalue()


def rewritten(content: bytes, part: str, change: Callable[[str], str]) -> bytes:
    """The workbook with one part of it written otherwise, as other programs write them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            text = old.read(entry)
            new.writestr(entry, change(text.decode()).encode() if entry.filename == part else text)
    return buffer.getvalue()


def read(content: bytes, wanted: Sequence[str] = ASKED, **how: Any) -> RawTable:
    return read_table(content, "a.xlsx", wanted, how=Reading(**how))


def refused(content: bytes, wanted: Sequence[str] = ASKED, **how: Any) -> UnreadableError:
    with pytest.raises(UnreadableError) as caught:
        read(content, wanted, **how)
    return caught.value


def told(raw: RawTable) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {code: (text, lines) for code, text, lines in raw.repairs}


def test_cells_become_the_text_a_csv_would_hold() -> None:
    rows = [
        ["id", "day", "at", "x", "yes", "long", "took"],
        [
            "01",
            at("2025-01-05"),
            at("2025-01-05 09:30"),
            0.1 + 0.2,
            True,
            12345678,
            dt.time(1, 2, 3),
        ],
        [None] * 7,
        ["02", None, None, 3.0, False, -5, None],
    ]
    raw = read_excel(book(rows), rows[0], Reading())
    assert {name: text.tolist() for name, text in raw.columns.items()} == {
        "id": ["01", "02"],
        "day": ["2025-01-05", ""],
        "at": ["2025-01-05 09:30:00", ""],
        "x": ["0.3", "3"],
        "yes": ["true", "false"],
        "long": ["12345678", "-5"],
        "took": ["01:02:03", ""],
    }
    assert (raw.lines.tolist(), raw.place, raw.part) == ([2, 4], "row", "sheet 'Data'")
    assert raw.iso == {"day", "at"}


def test_days_count_from_1904_where_the_workbook_says_so() -> None:
    def later(work: openpyxl.Workbook, _: object) -> None:
        work.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904

    content = book(change=later)
    assert read(content).columns["day"].tolist() == ["2025-01-05", ""]
    stored = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert "<v>44200</v>" in stored  # 45662 in a workbook that counts from 1900


def test_a_row_of_spaces_is_blank() -> None:
    def spaces(_: object, sheet: Any) -> None:
        sheet["C900"] = "  "

    assert read(book(change=spaces)).lines.tolist() == read(book()).lines.tolist()


def test_a_sheet_is_named_or_the_only_one() -> None:
    def more(work: openpyxl.Workbook, _: object) -> None:
        work.create_sheet("Cover").append(["Read me"])
        work.create_sheet("Nothing")

    fault = refused(book(change=more))
    assert fault.code == "CX-E071"
    assert "Data (id, day, nps); Cover (Read me)" in fault.text
    assert "sheet: Data" in fault.cure
    assert read(book(change=more), sheet="Data").rows == 2
    assert "Perhaps you mean  sheet: Data" in refused(book(change=more), sheet="Dat").cure
    assert refused(book(change=more), sheet="Nothing").code == "CX-E006"


def test_a_sheet_or_table_of_a_file_that_has_none_is_refused() -> None:
    with pytest.raises(UnreadableError) as caught:
        read_table(b"id\n1\n", "a.csv", ["id"], how=Reading(sheet="Data"))
    assert (caught.value.code, "has no sheets" in caught.value.text) == ("CX-E076", True)
    assert refused(book(), table="tickets").code == "CX-E076"


def test_errors_and_formulas_without_a_value_are_named_by_cell() -> None:
    def spoil(_: object, sheet: Any) -> None:
        sheet["C2"] = "=9+1"
        sheet["C3"] = "#N/A"
        sheet["D1"], sheet["D2"] = "other", "#REF!"

    fault = refused(book(change=spoil))
    assert fault.code == "CX-E072"
    assert "sheet 'Data': cell C2 a formula without a stored value, C3 holds #N/A." in fault.text
    assert "D2" not in fault.text, "a column that nobody asked for"
    computed = rewritten(
        book(change=lambda _, s: s.__setitem__("C2", "=9+1")),
        "xl/worksheets/sheet1.xml",
        lambda text: re.sub(r"<f>9\+1</f><v ?/>", "<f>9+1</f><v>10</v>", text),
    )
    assert read(computed).columns["nps"].tolist() == ["10", "7"]


def test_merged_cells_matter_in_the_columns_asked_for() -> None:
    content = book(change=lambda _, sheet: sheet.merge_cells("C2:C3"))
    fault = refused(content)
    assert (fault.code, "cells C2:C3 are merged" in fault.text) == ("CX-E073", True)
    assert read(content, ["id"]).rows == 2
    title = [["A title over three columns"], *ROWS]
    above = book(title, lambda _, sheet: sheet.merge_cells("A1:C1"))
    raw = read(above)
    assert raw.rows == 2
    assert told(raw)["CX-R006"] == (
        "1 row above the header passed over; the header is row 2.",
        (1,),
    )


def test_rows_hidden_by_a_filter_are_read_and_told() -> None:
    def hide(_: object, sheet: Any) -> None:
        sheet.auto_filter.ref = "A1:C3"
        sheet.row_dimensions[3].hidden = True

    raw = read(book(change=hide))
    assert raw.rows == 2
    assert told(raw)["CX-F041"][0].startswith("1 row is hidden in the sheet")
    assert told(raw)["CX-F041"][1] == (3,)


def test_numbers_kept_as_text_are_read_and_told() -> None:
    raw = read(book([["id", "day", "nps"], ["r1", None, 9], ["r2", None, "8"]]))
    assert raw.columns["nps"].tolist() == ["9", "8"]
    assert told(raw)["CX-R022"] == ("column nps: 1 numbers kept as text are read as numbers.", (3,))


def test_a_column_where_only_some_texts_became_dates_is_refused() -> None:
    rows = [["id", "day", "nps"], ["r1", at("2025-03-04"), 9], ["r2", "13/04/2025", 7]]
    fault = refused(book(rows))
    assert fault.code == "CX-E074"
    assert "B2 is a date and B3 is none" in fault.text
    assert read(book(rows), ["id"]).rows == 2


def test_numbers_longer_than_a_workbook_keeps_are_flagged() -> None:
    raw = read(
        book([["id", "day", "nps"], [9007199254740993, None, 9], [123456789012345, None, 9]])
    )
    assert told(raw)["CX-F042"][1] == (2,)


def test_half_a_workbook_or_one_that_grows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = book()
    assert refused(content[:-200]).code == "CX-E016"
    broken = rewritten(content, "xl/worksheets/sheet1.xml", lambda text: text[: len(text) // 2])
    assert refused(broken).code == "CX-E016"
    held = content.index(b"xl/worksheets/sheet1.xml") + 30  # in its compressed bytes
    for place in range(held, held + 60):
        flipped = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
        assert refused(flipped).code == "CX-E016", place
    far = rewritten(
        content, "xl/worksheets/sheet1.xml", lambda t: t.replace('r="3"', 'r="999999999"')
    )
    assert refused(far).code == "CX-E016", "the gap would be filled with a billion rows"
    monkeypatch.setattr("cxkit.study.formats.workbook.MOST_BYTES", 100)
    assert refused(content).code == "CX-E021"


def test_the_export_of_a_survey_tool_is_known_in_a_workbook_too() -> None:
    names = ["StartDate", "EndDate", "Status", "Finished", "ResponseId", "UserLanguage", "Q1"]
    rows = [
        names,
        ["Start Date", "End Date", "Response Type", "Finished", "Response ID", "Language", "How?"],
        [f'{{"ImportId":"{name}"}}' for name in names],
        ["2025-01-05", "2025-01-05", "IP Address", "True", "R_1", "EN", 9],
        ["2025-01-05", "2025-01-05", "Survey Preview", "True", "R_2", "EN", 9],
    ]
    raw = read(book(rows), ["ResponseId", "Q1"])
    assert raw.columns["ResponseId"].tolist() == ["R_1"]
    assert (raw.labels["Q1"], raw.dropped) == ("How?", 1)


def test_a_study_reads_a_workbook_as_it_reads_its_csv(
    shop: Callable[..., Path], tmp_path: Path
) -> None:
    import pandas as pd

    plain = cx.open_study(shop())
    for table in ("customers", "responses", "engagement", "units"):
        frame = pd.read_csv(tmp_path / f"{table}.csv")
        for name in frame.columns.intersection(["joined_on", "left_on", "asked_on", "answered_on"]):
            frame[name] = pd.to_datetime(frame[name])
        frame.to_excel(tmp_path / f"{table}.xlsx", index=False)
    path = tmp_path / "study.yml"
    path.write_text(path.read_text().replace(".csv", ".xlsx"))
    other = cx.open_study(path)
    for table in plain.tables:
        pd.testing.assert_frame_equal(getattr(plain, table), getattr(other, table))
    work = openpyxl.load_workbook(tmp_path / "responses.xlsx")
    column = next(c.column_letter for c in work.active[1] if c.value == "nps")
    work.active[f"{column}3"] = 99
    work.save(tmp_path / "responses.xlsx")
    with pytest.raises(ScaleError, match=r"responses\.xlsx sheet 'Sheet1' row 3, column nps: 99"):
        cx.open_study(path)

"""Codes that no malformed export of the shared kinds brings out: each from one change to a shop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import CxkitError
from cxkit.study.codes import CODES

Shop = Callable[..., Path]

START = ("start: joined_on", "start: {column: joined_on, zone: Europe/Berlin}")
FIRST = ("as_of: 2025-12-31", "as_of: 2025-12-31\nobserved_from: 2025-02-01")
VALUE = ("segments: [region]", "value: {column: region, unit: EUR}")
AMOUNTS = """\
customer_id,joined_on,left_on,branch,region
c1,2024-01-01,,b1,1 234.5
c2,2024-02-01,2025-06-30,b1,900
c3,2024-03-01,,b2,12
"""
UNIT_SCORES = """\
unit_scores:
  file: scores.csv
  unit: u
  wave: w
  raters: same people
  instrument: {by_wave: {2011: old, 2024: new}}
  engagement: {column: e, scale: [0, 100]}
  experience: {column: x, scale: [0, 100]}
"""


def codes(path: Path, **how: Any) -> set[str]:
    """The codes of what is found in a study, whether it opens or not."""
    try:
        return {finding.code for finding in cx.open_study(path, **how).findings}
    except CxkitError as error:
        return {code for code in CODES if f"[{code}]" in str(error)}


@pytest.mark.parametrize(
    ("code", "table", "old", "new"),
    [
        ("CX-E004", "contract", "file: customers.csv", "file: https://example.org/c.csv"),
        ("CX-E010", "responses", ",6,3,", ',6,3,"never closed'),
        ("CX-E018", "responses", ",nps,csat", ",score,csat"),
        ("CX-E033", "customers", "2024-02-01", "soon"),
        ("CX-E041", "engagement", "e3,b2", ",b2"),
        ("CX-E043", "responses", "r2,", "r1,"),
        ("CX-E044", "customers", "2025-06-30", "2024-01-30"),
        ("CX-E046", "customers", "2024-02-01", "05/06/2024"),
        ("CX-E047", "customers", "c2,", "9.00720E+15,"),
        ("CX-F004", "responses", "2025-01-07,app", ",app"),
        ("CX-F006", "responses", "r2,c2", "r2,"),
        ("CX-F011", "responses", "r2,c2", "r2,c9"),
        ("CX-F013", "responses", "r2,c2,b1", "r2,c2,b9"),
        ("CX-F014", "units", "b2,b1", "b2,b9"),
    ],
)
def test_one_change_brings_out_its_code(
    shop: Shop, code: str, table: str, old: str, new: str
) -> None:
    assert code not in codes(shop())
    assert code in codes(shop(**{table: (old, new)}))


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("CX-R015", {"contract": VALUE, "customers": AMOUNTS}),
        ("CX-R018", {"contract": START, "customers": ("2024-02-01", "2024-02-01T23:30:00Z")}),
        ("CX-F016", {"contract": FIRST}),
        ("CX-F020", {"contract": ("attributes: [region, size]", "attributes: [size]")}),
    ],
)
def test_two_changes_bring_out_their_code(shop: Shop, code: str, changed: dict[str, Any]) -> None:
    assert codes(shop(**changed), where="region=North" if code == "CX-F020" else "") == {code}


@pytest.mark.parametrize(
    ("code", "last"),
    [
        ("CX-E057", "Total:,,,,,,,7,3,"),
        ("CX-E057", "r9,Mittelwert,,,,,,7,3,"),
        ("CX-F001", ",c1,b1,2025-01-01,2025-01-07,app,use,9,5,x\n" * 2),
        ("CX-F052", "r9,c1,b1,1900-01-01,2025-01-07,app,use,9,5,x"),
        ("CX-F051", 'r9,c1,b1,2025-01-01,2025-01-07,app,use,9,5,"x\nr8,c1,b1,,,,,9,5,y"'),
    ],
)
def test_a_last_row_that_is_none_or_a_doubtful_one_is_told(
    shop: Shop, code: str, last: str
) -> None:
    path = shop()
    answers = path.parent / "responses.csv"
    sound = answers.read_text(encoding="utf-8")
    assert code not in codes(path)
    answers.write_text(sound + last.strip("\n") + "\n", encoding="utf-8")
    assert code in codes(path)


def test_a_customer_called_total_is_no_total(shop: Shop) -> None:
    path = shop()
    answers = path.parent / "responses.csv"
    sound = answers.read_text(encoding="utf-8")
    answers.write_text(
        sound + "total,c1,b1,2025-01-01,2025-01-07,app,use,9,5,Total\n", encoding="utf-8"
    )
    assert not {"CX-E057", "CX-F052", "CX-F051", "CX-F001"} & codes(path)


def test_a_header_that_stands_there_again_is_refused(shop: Shop) -> None:
    path = shop()
    for table in ("units", "responses"):  # text alone would read it as a unit
        file = path.parent / f"{table}.csv"
        sound = file.read_text(encoding="utf-8")
        file.write_text(sound + sound.partition("\n")[0] + "\n", encoding="utf-8")
        assert codes(path) == {"CX-E058"}
        file.write_text(sound, encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "cure"),
    [
        (",nps,", ", nps ,", 'nps: {column: " nps "'),
        (",nps,", ",\ufeffnps,", 'nps: {column: "\\uFEFFnps"'),
        (",nps,", ',"n\nps",', 'nps: {column: "n\\nps"'),
        (",9,5,", ",٩,5,", "digits of another script. Write answers in the digits 0 to 9"),
        (",9,5,", ',"9,0",5.0,', 'write  decimal: ","'),
        (",9,5,", ",9\u200b,5,", 'missing: [98, "9\\u200B"]'),
        ("2025-01-07", "2025-02-30", "There is no such day"),
        ("2025-01-07", "2025-01-07 24:00", "24:00 is 00:00 of the next day"),
        ("2025-01-07", "20250107", 'date: "%Y%m%d"'),
        ("2025-01-07", "2025/1/7", 'date: "%Y/%m/%d"'),
    ],
)
def test_a_cure_can_be_followed(shop: Shop, old: str, new: str, cure: str) -> None:
    with pytest.raises(CxkitError) as caught:
        cx.open_study(shop(responses=(old, new)))
    assert cure in str(caught.value)


def test_names_that_look_the_same_are_told(shop: Shop) -> None:
    path = shop()
    units = path.parent / "units.csv"
    head, *rows = units.read_text(encoding="utf-8").splitlines()
    twin = head.split(",")[0] + "\u200b"
    units.write_text("\n".join([f"{head},{twin}", *(f"{row},x" for row in rows)]), "utf-8")
    assert codes(path) == {"CX-F023"}


def test_a_file_of_one_name_asks_for_its_delimiter(shop: Shop) -> None:
    path = shop()
    answers = path.parent / "responses.csv"
    answers.write_text(answers.read_text(encoding="utf-8").replace(",", "~"), encoding="utf-8")
    with pytest.raises(CxkitError, match=r'delimiter: "~"  \[CX-E014\]') as caught:
        cx.open_study(path)
    assert str(caught.value).count("[CX-") == 1


def test_a_table_of_one_row_is_told(shop: Shop) -> None:
    path = shop()
    assert "CX-F050" not in codes(path)
    head, first, *_ = (path.parent / "customers.csv").read_text(encoding="utf-8").splitlines()
    for rows in ([first], [first, first]):  # a copy of it is no other row
        text = "\n".join([head, *rows]) + "\n"
        (path.parent / "customers.csv").write_text(text, encoding="utf-8")
        study = cx.open_study(path)
        told = [f for f in study.findings if f.code == "CX-F050"]
        assert [(f.kind, f.table) for f in told] == [("flag", "customers")]
        assert "the table has a single row" in str(told[0])


def test_a_source_of_one_row_is_told(tmp_path: Path) -> None:
    text = "study: A\nas_of: 2025-12-31\norders: {source: far, customer: who, ordered_on: day}\n"
    (tmp_path / "study.yml").write_text(text, encoding="utf-8")
    day = pd.to_datetime(["2025-01-01", "2025-01-02"])
    frame = pd.DataFrame({"who": ["c1", "c2"], "day": day})
    assert codes(tmp_path, engine={"far": frame}) == set()
    assert codes(tmp_path, engine={"far": frame.iloc[:1]}) == {"CX-F050"}


def test_moments_of_a_zone_become_those_of_the_clock_declared(shop: Shop) -> None:
    path = shop(contract=START, customers=("2024-02-01", "2024-02-01T23:30:00Z"))
    study = cx.open_study(path)
    assert study.customers["start"].iloc[1] == pd.Timestamp("2024-02-02 00:30")
    assert "(2024-02-01T23:30:00Z → 2024-02-02 00:30)" in study.findings[0].text


def test_staff_of_no_unit_are_told(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("who,unit,from,to\n1,b1,2024-01-01,\n2,,2024-01-01,\n")
    (tmp_path / "study.yml").write_text(
        "study: A\nas_of: 2025-12-31\n"
        "staff: {file: s.csv, employee: who, unit: unit, start: from, end: to}\n"
    )
    assert codes(tmp_path) == {"CX-F012"}


def test_spaces_between_thousands_are_taken_out(shop: Shop) -> None:
    study = cx.open_study(shop(contract=VALUE, customers=AMOUNTS))
    assert study.customers["value"].tolist() == [1234.5, 900.0, 12.0]
    assert "1 234.5 → 1234.5" in study.findings[0].text


def test_a_column_nobody_answered_in_a_few_rows_is_told(shop: Shop) -> None:
    path = shop(contract=("  comment: comment", "  ces: {column: comment, version: 2.0}"))
    text = (path.parent / "responses.csv").read_text(encoding="utf-8")
    for words in ("good", '"slow, but\nkind"', "again good", "again "):
        text = text.replace(words, "")
    (path.parent / "responses.csv").write_text(text, encoding="utf-8")
    assert codes(path) == {"CX-F003"}


@pytest.mark.parametrize(
    ("code", "rows", "pair"),
    [
        ("CX-E045", "a,2011,50,60\nb,2030,51,60\n", ("", "")),
        ("CX-F017", "a,2011,50,60\nb,2024,51,60\n", ("", "")),
        ("CX-F018", "a,2011,,60\nb,2011,51,60\n", ("", "")),
        (
            "CX-F019",
            "a,2011,50,60\nb,2011,51,60\n",
            ("  wave: w\n", "  wave: w\n  n_employees: {counts: not published, waves: [2024]}\n"),
        ),
    ],
)
def test_scores_of_units(tmp_path: Path, code: str, rows: str, pair: tuple[str, str]) -> None:
    (tmp_path / "scores.csv").write_text("u,w,e,x\n" + rows, encoding="utf-8")
    text = "study: A\nas_of: 2025-12-31\n" + UNIT_SCORES.replace(*pair)
    (tmp_path / "study.yml").write_text(text, encoding="utf-8")
    assert code in codes(tmp_path)


@pytest.mark.parametrize(
    ("code", "table", "frame"),
    [
        ("CX-E061", "units", pd.DataFrame({"branch": ["b1"]})),
        ("CX-E062", "orders", None),
        ("CX-E063", "orders", pd.DataFrame({"who": ["c1"], "day": ["2025-01-01"]})),
        ("CX-E064", "orders", pd.DataFrame({"who": ["c1"], "day": pd.to_datetime(["2025-01-01"])})
         .iloc[:0]),
    ],
)  # fmt: skip
def test_sources(tmp_path: Path, code: str, table: str, frame: pd.DataFrame | None) -> None:
    columns = "unit: branch" if table == "units" else "customer: who, ordered_on: day"
    text = f"study: A\nas_of: 2025-12-31\n{table}: {{source: far, {columns}}}\n"
    (tmp_path / "study.yml").write_text(text, encoding="utf-8")
    assert codes(tmp_path, engine={} if frame is None else {"far": frame}) == {code}


def test_a_file_that_the_system_refuses(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop()

    def closed(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", closed)
    with pytest.raises(CxkitError, match=r"cannot be read \(Permission denied\).*\n.*\[CX-E003\]"):
        cx.open_study(path)


@pytest.mark.parametrize("key", ["labels: {a: 1}", "zone: Europe/Berlin"])
def test_what_is_said_of_text_is_refused_of_a_source(tmp_path: Path, key: str) -> None:
    role = "nps: {column: n, " if key.startswith("labels") else "answered_on: {column: d, "
    text = f"study: A\nas_of: 2025-12-31\nresponses: {{source: far, {role}{key}}}}}\n"
    (tmp_path / "study.yml").write_text(text, encoding="utf-8")
    frame = pd.DataFrame({"n": [9], "d": pd.to_datetime(["2025-01-01"])})
    assert codes(tmp_path, engine={"far": frame}) == {"CX-E063"}


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (("0c1", "00c2", "c3x"), "leading zeros"),
        (("c1.0", "c2.0", "c3.0"), "a .0 at the end"),
        (("C1", "C2", "C3"), "capitals"),
        (("x", "y", "z"), "of different kinds"),
    ],
)
def test_ids_that_never_meet_are_told_why(shop: Shop, ids: tuple[str, ...], told: str) -> None:
    text = "customer_id,joined_on,left_on,branch,region\n"
    text += "".join(f"{i},2024-01-01,,b1,North\n" for i in ids)
    with pytest.raises(CxkitError, match=r"none of its customers.*\n.*CX-E051") as caught:
        cx.open_study(shop(customers=text))
    assert told in str(caught.value)


def test_a_day_that_is_none_is_not_told_to_declare_what_is_declared(shop: Shop) -> None:
    form = ("start: joined_on", 'start: {column: joined_on, date: "%d.%m.%Y"}')
    with pytest.raises(CxkitError, match=r"Mend it, or declare another form than  date: '%d\.%m"):
        cx.open_study(shop(contract=form))

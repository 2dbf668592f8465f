"""SQLite and DuckDB files: a table by its name, whatever the name is; nothing of it is a query."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pytest

from cxkit.study.formats.engine import quoted
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.load import read_table
from cxkit.study.reading import Reading

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = 'a"; drop table b; --'


def sqlite(folder: Path, *statements: str) -> bytes:
    base = sqlite3.connect(folder / "a.db")
    for statement in statements:
        base.execute(statement)
    base.commit()
    base.close()
    return (folder / "a.db").read_bytes()


def duck(folder: Path, *statements: str) -> bytes:
    with duckdb.connect(str(folder / "a.duckdb")) as base:
        for statement in statements:
            base.execute(statement)
    return (folder / "a.duckdb").read_bytes()


def read(content: bytes, *wanted: str, **how: Any) -> RawTable:
    return read_table(content, "a.csv", wanted, how=Reading(**how))


def refused(content: bytes, *wanted: str, **how: Any) -> UnreadableError:
    with pytest.raises(UnreadableError) as caught:
        read(content, *wanted, **how)
    return caught.value


@pytest.mark.parametrize("write", [sqlite, duck])
def test_the_only_table_or_the_one_named(write: Any, tmp_path: Path) -> None:
    content = write(
        tmp_path,
        'create table answers (id text, nps integer, x double precision, "day" date)',
        "insert into answers values ('01', 9, 1.5, '2025-01-05'), ('02', null, 3, null)",
        "create table hollow (id text)",
    )
    raw = read(content, "id", "nps", "x", "day")
    assert {name: text.tolist() for name, text in raw.columns.items()} == {
        "id": ["01", "02"],
        "nps": ["9", ""],
        "x": ["1.5", "3"],
        "day": ["2025-01-05", ""],
    }
    assert raw.part == "table 'answers'"
    assert refused(content, table="hollow").code in {"CX-E006", "CX-E071"}
    more = write(tmp_path, "create table b (y integer)", "insert into b values (1)")
    fault = refused(more, "id")
    assert (fault.code, "answers (id, nps, x, day); b (y)" in fault.text) == ("CX-E071", True)
    assert read(more, "y", table="b").columns["y"].tolist() == ["1"]


@pytest.mark.parametrize("write", [sqlite, duck])
def test_a_name_is_never_a_query(write: Any, tmp_path: Path) -> None:
    name = quoted(HOSTILE)
    content = write(
        tmp_path,
        "create table b (id integer)",
        "insert into b values (7)",
        f"create table {name} ({name} integer)",
        f"insert into {name} values (1)",  # noqa: S608
    )
    assert read(content, HOSTILE, table=HOSTILE).columns[HOSTILE].tolist() == ["1"]
    assert read(content, "id", table="b").columns["id"].tolist() == ["7"]


@pytest.mark.parametrize("write", [sqlite, duck])
def test_half_a_database_is_refused(write: Any, tmp_path: Path) -> None:
    content = write(
        tmp_path,
        "create table a (id integer, t text)",
        "insert into a select i, 'some text of a row' from "
        "(with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) "
        "select i from n)",
    )
    assert read(content, "id").rows == 5000
    for part in (content[: len(content) // 2], content[:5000]):
        assert refused(part, "id").code == "CX-E016"


@pytest.mark.parametrize("write", [sqlite, duck])
def test_bytes_are_no_values(write: Any, tmp_path: Path) -> None:
    content = write(
        tmp_path,
        "create table a (id integer, b blob)",
        "insert into a values (1, 'x'::blob)"
        if write is duck
        else "insert into a values (1, x'00ff')",
    )
    raw = read_table(content, "a", ["id"], keep_all=True)
    assert [code for code, _, _ in raw.repairs] == ["CX-F022"]
    assert (refused(content, "b").code, refused(content, "b").column) == ("CX-E017", "b")


def test_a_view_is_a_query_and_is_not_run(tmp_path: Path) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"
    content = sqlite(
        tmp_path,
        "create table a (id integer)",
        "insert into a values (1)",
        f"create view v as {endless}",
    )
    assert read(content, "id").rows == 1
    assert refused(content, "i", table="v").code == "CX-E071"
    looks = duck(tmp_path, "create table a as select 1 as id", "create view v as from a")
    assert refused(looks, "id", table="v").code == "CX-E071"


def test_a_database_in_use_says_that_newer_rows_may_stand_elsewhere(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "a.db")
    base.execute("pragma journal_mode = wal")
    base.execute("create table a (id integer)")
    base.execute("insert into a values (1)")
    base.commit()
    base.execute("pragma wal_checkpoint(truncate)")
    base.execute("insert into a values (2)")
    base.commit()
    raw = read((tmp_path / "a.db").read_bytes(), "id")
    base.close()
    assert raw.columns["id"].tolist() == ["1"]
    assert [code for code, _, _ in raw.repairs] == ["CX-F049"]


def test_types_of_duckdb_that_arrow_does_not_have_are_written_by_duckdb(tmp_path: Path) -> None:
    content = duck(
        tmp_path,
        "create table a as select '2025-01-01 10:00:00+02'::timestamptz as at, "
        "interval 3 day as i, 12::bignum as n, '101'::bit as b, '10:00:00+02'::timetz as t, "
        '\'0b1d5a3c-1111-4222-8333-444455556666\'::uuid as u, 12::hugeint as h, 1 as "a""; --"',
    )
    raw = read(content, *"atinbtuh", "at", 'a"; --')
    assert {name: text.tolist() for name, text in raw.columns.items()} == {
        "at": ["2025-01-01 08:00:00.000000+0000"],
        "i": ["3 days"],
        "n": ["12"],
        "b": ["101"],
        "t": ["10:00:00+02"],
        "u": ["0b1d5a3c-1111-4222-8333-444455556666"],
        "h": ["12"],
        'a"; --': ["1"],
    }
    assert raw.iso == {"at"}


def test_types_of_duckdb_become_the_text_of_a_csv(tmp_path: Path) -> None:
    content = duck(
        tmp_path,
        "create table a as select 9007199254740993 as id, 1.50::decimal(5,2) as x, true as yes, "
        "timestamp '2025-01-05 10:00:00' as at, 'b'::enum('a','b') as word, [1] as list",
    )
    raw = read(content, "id", "x", "yes", "at", "word")
    assert [raw.columns[n][0] for n in ("id", "x", "yes", "word")] == [
        "9007199254740993",
        "1.50",
        "true",
        "b",
    ]
    assert pd.Timestamp(raw.columns["at"][0]) == pd.Timestamp("2025-01-05 10:00")
    assert raw.iso == {"at"}


@pytest.mark.parametrize("write", [sqlite, duck])
def test_a_view_is_no_table(write: Any, tmp_path: Path) -> None:
    content = write(
        tmp_path,
        "create table a (id text)",
        "insert into a values ('1')",
        "create view v as select * from a",
    )
    assert read(content, "id").columns["id"].tolist() == ["1"]
    fault = refused(content, "id", table="v")
    assert (fault.code, "is a view" in fault.text) == ("CX-E071", True)

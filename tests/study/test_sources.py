"""A table that stays in its engine: named by role, held to its contract, narrowed, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import cxkit as cx
from cxkit.errors import (
    ColumnError,
    ContractError,
    DataError,
    MissingTableError,
    ParameterError,
    ScaleError,
)
from tests.study import engines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Chain = Callable[..., Path]

CONTRACT = """\
study: Chain (made for a test)
as_of: 2025-12-31
responses:
  source: answers
  missing: [99]
  customer: who
  unit: shop
  answered_on: day
  nps: {column: q1, scale: [0, 10]}
  csat: {column: q2, scale: [1, 5], top: 4}
  referred: {column: told, yes: [1], no: [2]}
units:
  file: units.csv
  unit: shop
  attributes: [region]
"""

UNITS = "shop,region\n1,North\n2,North\n3,South\n"


def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "who": [1, 1, 2, 3, 4, 5],
            "shop": [1, 1, 2, 2, 3, 3],
            "day": pd.to_datetime(["2025-01-05"] * 3 + ["2025-02-07"] * 3),
            "q1": [10.0, 9.0, None, 99.0, 3.0, 8.0],
            "q2": [5.0, 4.0, 3.0, None, 1.0, 2.0],
            "told": [1, 2, 1, 2, 1, 7],
        }
    )


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    def write(*changes: tuple[str, str]) -> Path:
        text = CONTRACT
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "study.yml").write_text(text, encoding="utf-8")
        (tmp_path / "units.csv").write_text(UNITS, encoding="utf-8")
        folder = tmp_path / "answers"
        folder.mkdir(exist_ok=True)
        rows().iloc[:4].to_parquet(folder / "1.parquet")
        rows().iloc[4:].to_parquet(folder / "2.parquet")
        return tmp_path

    return write


def patterns(study: object) -> pd.DataFrame:
    return cx.counts(study.scan("responses"), ["unit", "nps", "referred"], month="answered_on")


def test_a_folder_of_parquet_is_read_by_the_default_engine(chain: Chain) -> None:
    study = cx.open_study(chain())
    table = patterns(study)
    assert table["n"].sum() == 6
    assert table["nps"].dropna().tolist() == [9, 10, 3, 8]
    assert table["referred"].tolist() == [0, 1, 0, 1, 1, pd.NA]
    assert str(table["month"].iloc[-1]) == "2025-02"
    assert study.tables == ("units",)
    assert "responses" in repr(study)
    assert "in its engine" in repr(study)


@pytest.mark.parametrize("engine", engines.HERE)
def test_a_frame_that_is_given_stays_in_its_engine(chain: Chain, engine: str) -> None:
    path = chain(("source: answers", "source: mine"))
    study = cx.open_study(path, engine={"mine": engines.native(engine, rows())})
    assert_frame_equal(patterns(study), patterns(cx.open_study(chain())))
    found = cx.moments(study.scan("responses"), [], {"nps": cx.scoring(cx.nps)}, cluster="customer")
    assert found[["nps_n", "nps_missing", "nps_clusters"]].to_numpy().tolist() == [[4, 2, 3]]


def test_a_connection_gives_its_tables_by_name(chain: Chain) -> None:
    engine = duckdb.connect()
    engine.from_df(rows()).create("answers_2025")
    path = chain(("source: answers", "source: answers_2025"))
    study = cx.open_study(path, engine=engine)
    assert patterns(study)["n"].sum() == 6
    with pytest.raises(DataError, match=r"answers_2024: the engine has no such table"):
        cx.open_study(chain(("source: answers", "source: answers_2024")), engine=engine)


def test_a_file_is_scanned_as_its_frame(chain: Chain) -> None:
    study = cx.open_study(chain())
    assert cx.counts(study.scan("units"), "region")["n"].tolist() == [2, 1]
    with pytest.raises(MissingTableError, match="no table tickets"):
        study.scan("tickets")


def test_the_rows_of_a_source_are_refused_where_they_are_needed_here(chain: Chain) -> None:
    study = cx.open_study(chain())
    assert not study.has("responses")
    with pytest.raises(MissingTableError, match=r"(?s)stay in their engine.*cx\.counts\(study\.sc"):
        _ = study.responses
    with pytest.raises(MissingTableError, match="needed here to see who answered"):
        study.need("units", "responses", why="to see who answered")


def test_provenance_names_the_source_and_how_many_rows_it_has(chain: Chain) -> None:
    study = cx.open_study(chain())
    told = cx.provenance(study, {}).as_dict()["sources"]
    assert [(s["table"], s["name"], s["rows_read"]) for s in told] == [
        ("units", "units.csv", 3),
        ("responses", "answers", 6),
    ]
    assert told[1]["sha256"] == "not hashed: a source"


@pytest.mark.parametrize(("where", "n"), [("unit=1", 2), ("region=North", 4), ("", 6)])
def test_where_narrows_a_source_in_its_engine(chain: Chain, where: str, n: int) -> None:
    assert patterns(cx.open_study(chain(), where=where))["n"].sum() == n


def test_where_by_unit_needs_no_other_table_and_by_customer_lists_them(chain: Chain) -> None:
    alone = chain((CONTRACT[CONTRACT.index("units:") :], ""))
    assert patterns(cx.open_study(alone, where="unit=3"))["n"].sum() == 2
    (alone / "customers.csv").write_text(
        "who,from,to,size\n1,2024-01-01,,big\n2,2024-01-01,,big\n5,2024-01-01,,small\n"
    )
    customers = (
        "customers: {file: customers.csv, customer: who, start: from, end: to, segments: [size]}"
    )
    path = chain((CONTRACT[CONTRACT.index("units:") :], customers + "\n"))
    assert patterns(cx.open_study(path, where="size=big"))["n"].sum() == 3


def test_where_refuses_to_list_too_many_customers(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cxkit.study.sources.MOST_LISTED", 1)
    with pytest.raises(ParameterError, match="2 customers would have to be listed"):
        cx.open_study(chain(), where="region=North")


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (("q1, scale: [0, 10]", "q9, scale: [0, 10]"), ColumnError, r"answers: .*'q9'"),
        (("  missing: [99]\n", ""), ScaleError, "nps is not a whole number .* in 1 of 6 rows"),
        (("as_of: 2025-12-31", "as_of: 2025-01-31"), DataError, "after as_of .* in 3 of 6 rows"),
        (("answered_on: day", "answered_on: q1"), DataError, "holds Float64, not dates"),
        (("source: answers", "source: answer"), DataError, "neither a folder of Parquet .* nor"),
        (("file: units.csv", "source: units"), DataError, "this table is small"),
        (("  source: answers\n", ""), ContractError, "needs the key file"),
        (("source: answers", "source: a\n  file: b.csv"), ContractError, "a file or a source"),
    ],
)
def test_what_contradicts_the_contract_is_refused(
    chain: Chain, change: tuple[str, str], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        cx.open_study(chain(change))


def test_an_empty_folder_and_a_broken_file_are_refused(chain: Chain) -> None:
    path = chain(("source: answers", "source: empty"))
    (path / "empty").mkdir()
    with pytest.raises(DataError, match="there is no Parquet file"):
        cx.open_study(path)
    (path / "empty" / "1.parquet").write_bytes(b"PAR1 cut short")
    with pytest.raises(DataError, match="cannot be read together"):
        cx.open_study(path)

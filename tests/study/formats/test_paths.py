"""Whichever reader is asked, a file is the same frame or the same refusal."""

from __future__ import annotations

import os
import random
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cxkit as cx
from cxkit.study import checks
from cxkit.study.formats import delimited
from cxkit.study.formats.delimited import read_delimited
from cxkit.study.formats.encoding import utf8
from cxkit.study.formats.engine import limited
from cxkit.study.formats.header import head_of
from cxkit.study.formats.large import read_large
from cxkit.study.formats.quick import read_quick
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.formats.regular import Regular
from cxkit.study.formats.stored import Stored, given_back
from cxkit.study.load import open_table
from cxkit.study.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

ASKED = ("id", "nps")

REGULAR = [
    "id,nps,why\n1,9,good\n2,8,\n",
    "id,nps,why\r\n1,9,good\r\n2,8,",
    'id,nps,why\n1,9,"good, really"\n"2","8",""\n',
    'id,nps,why\n1,9,"so ""good"""\n2,8,""""\n',
    "id;nps;why\n1;9;gut,\n2;8;größer\n",
    "T\n\nid,nps,why\n1,9,good\n",
    "id,nps,why\n,,\n1,9, good \n",
]

IRREGULAR = [
    'id,nps,why\n1,9,5" wide\n2,8,x\n',
    'id,nps,why\n1,9,"two\nlines"\n2,8,x\n',
    "id,nps,why\n\n1,9,x\n",
    "id,nps,why\r1,9,x\r",
    "id,nps,why\r1,9,x\n2,8,y\n",
    "id,nps,why\n1,9,x\r2,8,y\n",
    'id,nps,why\n1,9,"open\n2,8,y\n',
    'id,nps,why\n1,9,"x"y\n2,8,y\n',
    "id,nps,why\n1,9\n2,8,y\n",
    "id,nps,why\n1,9,x,y\n2,8,y\n",
    "id,nps,why\n",
]


def outcome(content: bytes, quick: int, asked: tuple[str, ...] = ASKED) -> object:
    try:
        raw = read_delimited(content, asked, Reading(), keep_all=True, quick=quick)
    except UnreadableError as fault:
        return (fault.code, fault.text, fault.lines)
    return {n: t.tolist() for n, t in raw.columns.items()}, raw.lines.tolist(), raw.repairs


@pytest.mark.parametrize("text", REGULAR + IRREGULAR)
def test_the_quick_reader_says_what_the_strict_one_says(text: str) -> None:
    assert outcome(text.encode(), 0) == outcome(text.encode(), 10**9)


@pytest.mark.parametrize("text", REGULAR)
def test_the_quick_reader_reads_what_is_regular(text: str) -> None:
    head = head_of(text, ASKED, Reading(), keep_all=True)
    raw = read_quick(text.encode(), head)
    assert isinstance(raw, RawTable)
    assert raw.lines[0] == head.above + 1


@pytest.mark.parametrize("text", IRREGULAR)
def test_the_quick_reader_leaves_what_is_not(text: str) -> None:
    head = head_of(text, ASKED, Reading(), keep_all=True)
    assert read_quick(text.encode(), head) is None


def test_the_quick_reader_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(delimited, "read_strict", never)
    content = REGULAR[0].encode()
    assert read_delimited(content, ASKED, Reading(), quick=0).rows == 2


def test_a_text_is_regular_however_it_is_cut_into_pieces() -> None:
    rng = random.Random(20251231)  # noqa: S311
    for text in REGULAR + IRREGULAR:
        body = utf8(text.encode())[0]
        mark = ";" if ";" in text else ","
        whole = Regular(mark)
        whole.feed(body)
        whole.end()
        for _ in range(20):
            cuts = sorted(rng.sample(range(len(body) + 1), 4))
            parts = Regular(mark)
            for begin, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
                parts.feed(body[begin:end])
            parts.end()
            assert parts.regular == whole.regular, text
            if whole.regular:
                assert (parts.records, parts.several) == (whole.records, whole.several)


def test_random_bytes_give_one_answer_on_both_paths() -> None:
    rng = np.random.default_rng(20251231)
    letters = np.frombuffer(b'ab1,"\n\r; \xc3\xbc', dtype=np.uint8)
    for _ in range(1500):
        tail = rng.choice(letters, rng.integers(0, 40)).tobytes()
        content = b"id,nps\n1,2\n" + tail
        assert outcome(content, 0) == outcome(content, 10**9), content


def spread(path: Path, large: int) -> object:
    """What a file is on one path: the columns, lines and notes, or the refusal."""
    try:
        opened = open_table(path, ASKED, keep_all=True, large=large)
    except UnreadableError as fault:
        return (fault.code, fault.text, fault.lines)
    raw = opened.raw
    columns = {name: raw.columns[name].tolist() for name in raw.columns}
    return (
        columns,
        raw.header,
        raw.lines.tolist(),
        raw.repairs,
        raw.iso,
        raw.labels,
        raw.dropped,
        (
            opened.sha256,
            opened.size,
        ),
    )


@pytest.mark.parametrize("text", REGULAR + IRREGULAR)
def test_a_large_file_is_what_a_small_one_is(text: str, tmp_path: Path) -> None:
    path = tmp_path / "export[1].csv"
    (tmp_path / "export1.csv").write_text("id,nps,why\n9,9,another file\n")
    for mark in ("", "\ufeff"):
        path.write_bytes((mark + text).encode())
        assert spread(path, 0) == spread(path, 10**9)


@pytest.mark.parametrize("text", REGULAR)
def test_duckdb_reads_what_is_regular(text: str, tmp_path: Path) -> None:
    (tmp_path / "a1.csv").write_bytes(text.replace("9", "3").encode())  # what a[1].csv matches
    (tmp_path / "a[1].csv").write_bytes(text.encode())
    found = read_large(tmp_path / "a[1].csv", ASKED, Reading())
    assert found is not None
    assert "9" in found.raw.columns["nps"].tolist()
    assert isinstance(found.raw.columns, Stored)


def test_random_bytes_give_one_answer_on_the_large_path_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(20260101)
    letters = np.frombuffer(b'ab1,"\n\r; \xc3\xbc', dtype=np.uint8)
    path = tmp_path / "a.csv"
    for _ in range(150):
        path.write_bytes(b"id,nps\n1,2\n" + rng.choice(letters, rng.integers(0, 30)).tobytes())
        assert spread(path, 0) == spread(path, 10**9), path.read_bytes()


def test_a_tools_rules_hold_on_the_large_path_too(tmp_path: Path) -> None:
    head = "StartDate,EndDate,Status,Progress,Finished,ResponseId,UserLanguage,nps\n"
    day = "2025-01-31 10:00:00"
    rows = [f"{day},{day},{s},100,{f},R_{s}{f},EN,9\n" for s in (0, 1, 8) for f in (0, 1)]
    path = tmp_path / "wave.csv"
    path.write_text(head + "".join(rows))
    found = [open_table(path, ["ResponseId", "nps"], large=large).raw for large in (0, 10**9)]
    assert [raw.dropped for raw in found] == [5, 5]
    assert [raw.columns["ResponseId"].tolist() for raw in found] == [["R_01"]] * 2
    assert found[0].repairs == found[1].repairs


def test_parquet_is_one_frame_on_both_paths(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "id": ["1", "2", None],
            "nps": [9.0, None, 7.0],
            "day": pd.to_datetime(["2025-01-01", None, "2025-01-02"]),
            "many": [[1], [2], [3]],
            "why": pd.Categorical(["good", None, "bad"]),
        }
    )
    path = tmp_path / "a.parquet"
    for pieces in (3, 1):
        frame.to_parquet(path, row_group_size=pieces)
        assert spread(path, 0) == spread(path, 10**9)
    pq.ParquetWriter(path, pq.read_schema(path)).close()  # no piece at all
    assert spread(path, 0) == spread(path, 10**9)
    frame.to_parquet(path)
    path.write_bytes(path.read_bytes()[:-9])
    assert spread(path, 0) == spread(path, 10**9)


def test_an_engine_reaches_its_file_and_nothing_else(tmp_path: Path) -> None:
    path, other = tmp_path / "a.csv", tmp_path / "b.csv"
    for each in (path, other):
        each.write_text("id\n1\n")
    hidden = pd.DataFrame({"id": [1]})
    with limited(path) as engine:
        for refused in (
            f"select * from read_csv('{other}')",  # noqa: S608
            "select * from hidden",
            f"copy (select 1) to '{tmp_path}/c.csv'",
            "set enable_external_access = true",
            "install httpfs",
        ):
            with pytest.raises(duckdb.Error):
                engine.execute(refused)
    assert len(hidden) == 1


def test_a_study_of_large_files_is_the_study_of_small_ones(
    shop: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shop(responses=("r1,c1,b1,", "r1 ,c1,b1,"))
    small = cx.open_study(path)
    monkeypatch.setattr(checks, "open_table", partial(open_table, large=0))
    large = cx.open_study(path)
    assert small.findings == large.findings
    assert small.sources == large.sources
    assert small.labels == large.labels
    for table in small.tables:
        pd.testing.assert_frame_equal(getattr(small, table), getattr(large, table))


def test_the_readers_pool_of_memory_is_the_usual_one_after(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,nps\n1,2\n")
    usual = pa.default_memory_pool().backend_name
    columns = open_table(path, ["id"], large=0).raw.columns
    assert isinstance(columns, Stored)
    assert columns["id"].tolist() == ["1"]
    assert pa.default_memory_pool().backend_name == usual != "system"
    with pytest.raises(KeyError), given_back():
        columns["other"]
    assert pa.default_memory_pool().backend_name == usual


def test_a_large_column_is_let_go_when_its_last_role_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.csv").write_text("id,q1,q2\na,9,99\nb,8,4\n")
    path = tmp_path / "study.yml"
    path.write_text(
        "study: A\nas_of: 2025-12-31\nresponses:\n  file: r.csv\n  missing: [99]\n"
        "  response: id\n  customer: id\n  nps: q1\n  csat: {column: q2, top: 4, scale: [1, 5]}\n"
    )
    small = cx.open_study(path)
    let_go: list[str] = []
    real = Stored.let_go

    def told(self: Stored, name: str) -> None:
        let_go.append(name)
        real(self, name)

    monkeypatch.setattr(Stored, "let_go", told)
    monkeypatch.setattr(checks, "open_table", partial(open_table, large=0))
    large = cx.open_study(path)
    assert let_go == ["q1", "q2", "id"]
    pd.testing.assert_frame_equal(small.responses, large.responses)
    assert small.labels == large.labels
    assert large.labels["responses"].absent == {"q2": {"99": 1}}


shared = Path(os.environ.get("CXKIT_SHARED", "/nowhere"))


@pytest.mark.skipif(
    not os.environ.get("CXKIT_SHARED"),
    reason="CXKIT_SHARED is not set: it names the folder that holds malformed files and exports",
)
@pytest.mark.parametrize(
    "path",
    sorted(p for p in [*shared.glob("badinputs/*"), *shared.glob("data/**/*")] if p.is_file()),
    ids=lambda path: path.name,
)
def test_every_file_of_others_is_one_frame_or_one_refusal(path: Path) -> None:
    if path.suffix in (".json", ".ndjson", ".yaml", ".md"):
        pytest.skip("neither text with separators nor Parquet")
    assert spread(path, 0) == spread(path, 10**9)

"""Whichever reader is asked, a file is the same frame or the same refusal."""

from __future__ import annotations

import os
import random
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cxkit as cx
from cxkit.study import checks
from cxkit.study.formats import delimited
from cxkit.study.formats import large as large_files
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
    "id,nps,why\n1,9,x,\n2,8,y,\n",
    'id,nps,why\n1,9,"x,"\n2,8,"y",\n',
    "id→nps→why\n1→9→x\n2→8→y\n",
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


@pytest.mark.parametrize("last", ["1,9\n", "1,9,x,y\n"])
def test_what_is_wrong_far_down_a_large_file_is_told_like_in_a_small_one(
    last: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_files, "_BATCH", 2048)  # so that the engine finds it late
    path = tmp_path / "a.csv"
    path.write_text("id,nps,why\n" + "1,9,good\n" * 20_000 + last)
    assert spread(path, 0) == spread(path, 10**9)
    assert spread(path, 0)[0] == "CX-E011"  # type: ignore[index]


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


MOMENT = 1_735_689_600_123_456

#: A column of each type that Parquet has and a study may hold; the second list is read by pyarrow.
KINDS: dict[str, Any] = {
    "text": pa.array(["a", None, ""]),
    "long text": pa.array(["a", None, "b"], pa.large_string()),
    "codes": pa.array(["b", None, "a"]).dictionary_encode(),
    "yes": pa.array([True, None, False]),
    "float": pa.array([1.1, None, float("nan")], pa.float32()),
    "double": pa.array([1e300, -0.0, 0.1 + 0.2]),
    "days": pa.array([0, None, -719_162], pa.date32()),
    "money": pa.array([Decimal("1.10"), None, Decimal("-20000.00")]),
    "long money": pa.array([Decimal("1" * 30 + ".10"), None, None], pa.decimal128(38, 2)),
    **{
        f"whole {kind}": pa.array([1, None, 3], kind)
        for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint32())
    },
    "beyond floats": pa.array([2**64 - 1, None, 2**53 + 1], pa.uint64()),
    **{
        f"moments {unit} {zone}": pa.array([MOMENT // over, None, -1], pa.timestamp(unit, zone))
        for unit, over in {"ms": 1000, "us": 1}.items()
        for zone in (None, "UTC", "Europe/Berlin", "+05:30")
    },
    "moments ns": pa.array([MOMENT * 1000 + 7, None, -1], pa.timestamp("ns", "UTC")),
    "moments beyond the calendar": pa.array([2**63 - 1, None, 2**62], pa.timestamp("us")),
    "times": pa.array([1000, None, 0], pa.time64("us")),
    "nothing": pa.nulls(3),
}
OTHERS: dict[str, Any] = {
    "half": pa.array([1.5, None, 2.0], pa.float16()),
    "very long money": pa.array([Decimal("1.10"), None, None], pa.decimal256(50, 2)),
    "ids": pa.array([bytes(range(16)), None, b"0123456789abcdef"], pa.uuid()),
}


@pytest.mark.parametrize("name", [*KINDS, *OTHERS])
def test_a_column_of_parquet_is_one_text_on_both_paths(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": pa.array([1, 2, 3]), name: {**KINDS, **OTHERS}[name]}), path)
    small = spread(path, 10**9)
    assert small == spread(path, 0)
    by_duckdb: list[bool] = []
    real = large_files._of_duckdb

    def told(*given: Any) -> Stored | None:
        found = real(*given)
        by_duckdb.append(found is not None)
        return found

    monkeypatch.setattr(large_files, "_of_duckdb", told)
    read_large(path, ASKED, Reading(), keep_all=True)
    assert by_duckdb == [name in KINDS]


def test_ids_as_bytes_are_written_as_ids_are(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": OTHERS["ids"]}), path)
    text = open_table(path, ["id"]).raw.columns["id"].tolist()
    assert text == [
        "00010203-0405-0607-0809-0a0b0c0d0e0f",
        "",
        "30313233-3435-3637-3839-616263646566",
    ]


@pytest.mark.parametrize(
    "column",
    [pa.array([1], pa.duration("us")), pa.array([b"ab"], pa.binary(2)), pa.array([[1]])],
)
@pytest.mark.parametrize("large", [0, 10**9])
def test_a_column_without_a_plain_value_is_left_out_and_told(
    column: Any, large: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": pa.array([1]), "odd": column}), path)
    raw = open_table(path, ["id"], keep_all=True, large=large).raw
    assert (list(raw.columns), [code for code, _, _ in raw.repairs]) == (["id"], ["CX-F022"])
    with pytest.raises(UnreadableError, match="one plain value per row") as caught:
        open_table(path, ["odd"], large=large)
    assert caught.value.code == "CX-E017"


def test_names_of_parquet_that_duckdb_would_change_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "wave=3"  # a folder that names a column, to an engine that guesses
    folder.mkdir()
    path = folder / "a[1].parquet"
    pq.write_table(pa.table({"id": [9], "nps": [9]}), folder / "a1.parquet")
    for names in (["id", "nps", "NPS"], ["id", 'n"; drop', "nps"], ["id", "nps"]):
        pq.write_table(pa.table({name: [i] for i, name in enumerate(names)}), path)
        assert spread(path, 0) == spread(path, 10**9)
        raw = open_table(path, ["nps"], keep_all=True, large=0).raw
        assert raw.header == tuple(names)
        assert {n: raw.columns[n].tolist() for n in names} == {
            name: [str(i)] for i, name in enumerate(names)
        }


def test_damaged_parquet_is_one_frame_or_one_refusal(tmp_path: Path) -> None:
    rng = np.random.default_rng(20260102)
    path = tmp_path / "a.parquet"
    table = pa.table({name: KINDS[name] for name in ("text", "codes", "double", "days", "money")})
    for how in ({"compression": "none"}, {"compression": "zstd", "row_group_size": 1}):
        pq.write_table(table, path, **how)
        sound = path.read_bytes()
        for _ in range(80):
            spoiled = bytearray(sound)
            for place in rng.integers(len(sound), size=rng.integers(1, 4)):
                spoiled[place] ^= 1 << int(rng.integers(8))
            path.write_bytes(spoiled)
            assert spread(path, 0) == spread(path, 10**9), spoiled


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

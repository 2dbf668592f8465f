"""Parquet as a CSV would be; a column of lists is not made into text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxkit.study.formats.parquet import read_parquet
from cxkit.study.formats.raw import UnreadableError
from cxkit.study.load import open_table

if TYPE_CHECKING:
    from pathlib import Path


def written(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(columns).to_parquet(buffer)
    return buffer.getvalue()


def test_a_column_of_lists_is_left_out_and_told_or_refused_where_asked_for() -> None:
    content = written(id=["1", "2"], topics=[["a"], []])
    raw = read_parquet(content, ["id"], keep_all=True)
    assert list(raw.columns) == ["id"]
    assert [(code, "column topics holds list" in told) for code, told, _ in raw.repairs] == [
        ("CX-F022", True)
    ]
    with pytest.raises(UnreadableError) as caught:
        read_parquet(content, ["topics"])
    assert (caught.value.code, caught.value.column) == ("CX-E017", "topics")


def test_half_a_file_is_refused() -> None:
    content = written(id=["1", "2"])
    for part in (content[:-5], content[:40]):
        with pytest.raises(UnreadableError) as caught:
            read_parquet(part, ["id"])
        assert caught.value.code == "CX-E016"


def test_damaged_text_in_a_whole_file_is_refused(tmp_path: Path) -> None:
    kept = io.BytesIO()
    table = pa.table({"id": ["zebra", "b"], "näme": ["1", "2"]})
    pq.write_table(table, kept, compression="none", write_statistics=False)
    content = kept.getvalue()
    for spoiled in (
        content.replace(b"zebra", b"ze\xffra"),
        content.replace(b"n\xc3\xa4", b"n\xc3a"),
    ):
        path = tmp_path / "a.parquet"
        path.write_bytes(spoiled)
        for large in (0, 10**9):
            with pytest.raises(UnreadableError) as caught:
                open_table(path, ["id"], large=large)
            assert caught.value.code == "CX-E016"

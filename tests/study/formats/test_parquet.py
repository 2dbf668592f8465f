"""Parquet as a CSV would be; a column of lists is not made into text."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from cxkit.study.formats.parquet import read_parquet
from cxkit.study.formats.raw import UnreadableError


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

"""A file is known by its bytes."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import zipfile
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from cxkit.study.formats.signature import WORDS, kind_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        (b" " * 5000 + b"id\n1\n", "text"),
        (b"id,nps\n1,2\n", "text"),
        (b"\xef\xbb\xbf<html>", "web page"),
        (b'<?xml version="1.0"?>', "web page"),
        (b'[{"id": 1}]', "json"),
        (b"{}", "json"),
        (b"[a],b\n1,2\n", "text"),
        (b"%PDF-1.7", "pdf"),
        (b"{\\rtf1", "rtf"),
        (b"$FL2@(#) SPSS", "spss"),
        (b"<stata_dta><header>", "stata"),
        (b"\x72\x02\x01\x00\x05", "stata"),
        (b"rating,id\n9,1\n", "text"),
    ],
)
def test_the_first_bytes_tell(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind


def test_files_of_real_writers_are_known(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["1"], "nps": [9]})
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    assert kind_of(parquet.getvalue()) == "parquet"
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as base:
        frame.to_sql("answers", base)
    assert kind_of((tmp_path / "a.db").read_bytes()) == "sqlite"
    import duckdb

    with duckdb.connect(str(tmp_path / "b.db")) as other:
        other.execute("create table t as select 1 as id")
    assert kind_of((tmp_path / "b.db").read_bytes()) == "duckdb"
    frame.to_stata(tmp_path / "c.dta", version=114)
    assert kind_of((tmp_path / "c.dta").read_bytes()) == "stata"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", "id\n1\n")
    assert kind_of(packed.getvalue()) == "zip"


def test_every_kind_has_words() -> None:
    kinds = {kind_of(c) for c in (b"\x1f\x8b", b"PK\x03\x04", b"PAR1", b"<html", b"{}", b"$FL3")}
    assert kinds <= set(WORDS)

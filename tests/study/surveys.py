"""A survey as plain values, the frame that it means, and how each format and dialect writes it."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import sqlite3
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: The code for "no answer", in scores only.
MISSING = 99

CONTRACT = """\
study: Round trip
as_of: 2025-12-31
responses:
  file: answers.data
  missing: [99]
  response: id
  customer: who
  answered_on: day
  touchpoint: where
  nps: {column: nps, scale: [0, 10]}
  csat: {column: csat, scale: [1, 5], whole: false, top: 4}
  weight: weight
  referred: told
  comment: why
"""

#: Role -> column, in the order of the file.
ROLES = {
    "response": "id",
    "customer": "who",
    "answered_on": "day",
    "touchpoint": "where",
    "nps": "nps",
    "csat": "csat",
    "weight": "weight",
    "referred": "told",
    "comment": "why",
}
COLUMNS = tuple(ROLES.values())
TEXTS = ("id", "who", "where", "why")

Row = tuple[
    str,
    str | None,
    dt.datetime | None,
    str | None,
    int | None,
    float | None,
    float,
    bool | None,
    str | None,
]


def frame(rows: list[Row]) -> pd.DataFrame:
    """What a survey means, in the types that a study promises."""
    made = {}
    for i, (role, name) in enumerate(ROLES.items()):
        values = [row[i] for row in rows]
        if name in TEXTS:
            made[role] = pd.Series(values, dtype="str")
        elif name == "day":
            made[role] = pd.Series(values, dtype="datetime64[us]")
        elif name == "told":
            made[role] = pd.Series(values, dtype="boolean")
        else:
            coded = name != "weight"
            made[role] = pd.Series(
                [np.nan if v is None or (coded and v == MISSING) else float(v) for v in values]
            )
    return pd.DataFrame(made)


def study_order(found: pd.DataFrame) -> pd.DataFrame:
    """The columns of a study's frame in the order of the file."""
    return found[list(ROLES)]


@dataclass(frozen=True)
class Dialect:
    """One way to write a table as text."""

    mark: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    end: str = "\n"
    quote_all: bool = False
    declared: str = ""

    def write(self, rows: list[Row]) -> bytes:
        records = [COLUMNS, *[[self.cell(value) for value in row] for row in rows]]
        lines = (self.mark.join(self.field(text) for text in record) for record in records)
        return (self.end.join(lines) + self.end).encode(self.encoding)

    def cell(self, value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, dt.datetime):
            return f"{value:%Y-%m-%d}" if value.time() == dt.time() else f"{value}"
        if isinstance(value, float):
            return f"{value:.2f}".replace(".", self.decimal)
        return str(value)

    def field(self, text: str) -> str:
        if self.quote_all or any(char in text for char in f'{self.mark}"\r\n'):
            return '"' + text.replace('"', '""') + '"'
        return text


#: utf-16 and utf-8-sig write their byte-order mark; a big-endian one is put there by hand.
DIALECTS = {
    "commas": Dialect(),
    "commas, CRLF": Dialect(end="\r\n"),
    "commas, CR": Dialect(end="\r"),
    "commas, everything quoted": Dialect(quote_all=True),
    "commas, UTF-8 with mark": Dialect(encoding="utf-8-sig"),
    "commas, UTF-16": Dialect(encoding="utf-16"),
    "commas, Windows-1252": Dialect(encoding="cp1252", declared="encoding: cp1252"),
    "commas, decimal comma": Dialect(decimal=",", declared='decimal: ","'),
    "semicolons": Dialect(mark=";"),
    "semicolons, decimal comma": Dialect(mark=";", decimal=",", end="\r\n"),
    "semicolons, decimal comma, Windows-1252": Dialect(
        mark=";", decimal=",", encoding="cp1252", end="\r\n", declared="encoding: cp1252"
    ),
    "tabs": Dialect(mark="\t"),
    "tabs, UTF-16, CRLF": Dialect(mark="\t", encoding="utf-16", end="\r\n"),
    "tabs, decimal comma, UTF-8 with mark": Dialect(mark="\t", decimal=",", encoding="utf-8-sig"),
    "bars": Dialect(mark="|"),
    "another mark, declared": Dialect(mark="^", declared='delimiter: "^"'),
}


def _plain(value: object) -> object:
    """A value as JSON and SQLite hold it."""
    return f"{value}" if isinstance(value, dt.datetime) else value


def _columns(rows: list[Row]) -> dict[str, list[object]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(COLUMNS)}


def _arrow(rows: list[Row]) -> pa.Table:
    kinds = {"day": pa.timestamp("us"), "nps": pa.int64(), "csat": pa.float64()}
    kinds |= {"weight": pa.float64(), "told": pa.bool_()}
    return pa.table(
        {name: pa.array(v, kinds.get(name, pa.string())) for name, v in _columns(rows).items()}
    )


def big_endian(rows: list[Row], folder: Path) -> bytes:
    return b"\xfe\xff" + Dialect(encoding="utf-16-be").write(rows)


def gzipped(rows: list[Row], folder: Path) -> bytes:
    return gzip.compress(Dialect(mark=";", decimal=",").write(rows), mtime=0)


def zipped(rows: list[Row], folder: Path) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("export/answers.csv"), Dialect().write(rows))
    return held.getvalue()


def parquet(rows: list[Row], folder: Path) -> bytes:
    held = io.BytesIO()
    pq.write_table(_arrow(rows), held)
    return held.getvalue()


def excel(rows: list[Row], folder: Path) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for i, row in enumerate([COLUMNS, *rows], 1):
        for j, value in enumerate(row, 1):
            if value is not None:
                cell = sheet.cell(i, j, value)
                cell.data_type = "s" if isinstance(value, str) else cell.data_type  # not a formula
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def _statistical(rows: list[Row]) -> pd.DataFrame:
    """As SPSS and Stata hold it: numbers and texts, of which an empty one is missing."""
    columns = _columns(rows)
    made = {name: [v or "" for v in columns[name]] for name in TEXTS}
    made["day"] = pd.Series(columns["day"], dtype="datetime64[us]")
    for name in ("nps", "csat", "weight", "told"):
        made[name] = pd.Series([np.nan if v is None else float(v) for v in columns[name]])
    return pd.DataFrame({name: made[name] for name in COLUMNS})


def spss(rows: list[Row], folder: Path, **said: object) -> bytes:
    path = folder / "answers.sav"
    codes = {"nps": [MISSING], "csat": [MISSING]}
    pyreadstat.write_sav(_statistical(rows), path, missing_ranges=codes, **said)
    return path.read_bytes()


def compressed_spss(rows: list[Row], folder: Path) -> bytes:
    return spss(rows, folder, compress=True)


def stata(rows: list[Row], folder: Path) -> bytes:
    path = folder / "answers.dta"
    _statistical(rows).to_stata(path, write_index=False, version=118)
    return path.read_bytes()


def records(rows: list[Row], folder: Path) -> bytes:
    made = [{n: _plain(v) for n, v in zip(COLUMNS, row, strict=True)} for row in rows]
    return json.dumps(made, ensure_ascii=False).encode()


def record_lines(rows: list[Row], folder: Path) -> bytes:
    made = [{n: _plain(v) for n, v in zip(COLUMNS, row, strict=True)} for row in rows]
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in made).encode()


def sqlite(rows: list[Row], folder: Path) -> bytes:
    path = folder / "answers.sqlite"
    path.unlink(missing_ok=True)
    base = sqlite3.connect(path)
    kinds = {"nps": "INTEGER", "csat": "REAL", "weight": "REAL", "told": "INTEGER"}
    named = ", ".join(f'"{name}" {kinds.get(name, "TEXT")}' for name in COLUMNS)
    base.execute(f"create table answers ({named})")
    marks = ", ".join("?" * len(COLUMNS))
    base.executemany(
        f"insert into answers values ({marks})",  # noqa: S608
        [[_plain(value) for value in row] for row in rows],
    )
    base.commit()
    base.close()
    return path.read_bytes()


def duck(rows: list[Row], folder: Path) -> bytes:
    path = folder / "answers.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(path) as base:
        base.register("held", _arrow(rows))
        base.execute("create table answers as select * from held")
    return path.read_bytes()


#: Name -> a function of the rows and of a folder to write in, which gives the bytes of the file.
FORMATS: dict[str, Callable[[list[Row], Path], bytes]] = {
    "UTF-16, big-endian": big_endian,
    "gzip": gzipped,
    "zip": zipped,
    "Parquet": parquet,
    "Excel": excel,
    "SPSS": spss,
    "SPSS, compressed": compressed_spss,
    "Stata": stata,
    "JSON": records,
    "JSON lines": record_lines,
    "SQLite": sqlite,
    "DuckDB": duck,
}

"""A table of an SQLite or DuckDB file becomes columns of text; no word of the file is a query.

The file is opened for reading only, and nothing outside it can be reached. Names of tables and
columns are quoted, never taken for SQL.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cxkit.study.formats.engine import CLOSED, quoted
from cxkit.study.formats.parquet import of_arrow, plain_columns
from cxkit.study.formats.parts import chosen
from cxkit.study.formats.raw import RawTable, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Collection

    import duckdb
    import pyarrow as pa

    from cxkit.study.formats.encoding import Note
    from cxkit.study.reading import Reading


def read_sqlite(
    content: bytes, wanted: Collection[str], how: Reading, *, keep_all: bool = False
) -> RawTable:
    """Read one table of an SQLite file.

    Parameters
    ----------
    content : bytes
        The file.
    wanted : collection of str
        The columns asked for; one may be absent.
    how : Reading
        What study.yml declares: ``table``.
    keep_all : bool
        Keep the other columns too.

    Returns
    -------
    RawTable

    Raises
    ------
    UnreadableError
        The file is not whole, several tables hold something and none is named, or a column asked
        for holds bytes.

    Notes
    -----
    Views are not read: they are queries. A file in the mode of a log (WAL) may have newer rows in
    a second file beside it, which are not read; that is told.
    """
    notes: list[Note] = []
    if content[18:20] == b"\x02\x02":
        content = content[:18] + b"\x01\x01" + content[20:]
        told = "the database was in use (WAL): rows that still stand in its -wal file are not read."
        notes.append(("CX-F049", told, ()))
    try:
        if len(content) < _said_size(content):
            raise sqlite3.DatabaseError("cut short")
        with contextlib.closing(sqlite3.connect(":memory:")) as base:
            base.deserialize(content)
            base.execute("pragma trusted_schema = off")
            if base.execute("pragma quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("damaged")
            held = _sqlite_tables(base)
            if base.execute(
                "select 1 from sqlite_schema where type = 'view' and name = ?", [how.table]
            ).fetchone():
                raise _view(how.table)
            name = chosen("table", held, how.table)
            header = tuple(held[name])
            taken = [column for column in header if keep_all or column in wanted]
            query = f"select {', '.join(map(quoted, taken)) or '1'} from {quoted(name)}"  # noqa: S608
            rows = base.execute(query).fetchall()
    except sqlite3.DatabaseError:
        raise UnreadableError(
            "CX-E016",
            "this is not a whole SQLite database.",
            "Copy it again while no program writes to it.",
        ) from None
    columns = {}
    for i, column in enumerate(taken):
        values = [row[i] for row in rows]
        columns[column] = _of_sqlite(column, values, wanted, notes)
    return RawTable(
        header=header,
        columns={column: text for column, text in columns.items() if text is not None},
        lines=np.arange(1, len(rows) + 1),
        place="row",
        repairs=tuple(notes),
        part=f"table {name!r}",
    )


def _view(name: str) -> UnreadableError:
    """Return the fault of asking for a view."""
    return UnreadableError(
        "CX-E071",
        f"{name!r} is a view, which is a query; only tables are read.",
        "Write what it gives into a table or a file, and name that.",
    )


def _said_size(content: bytes) -> int:
    """Return how many bytes the file should have, by its own header; 0 where it does not say."""
    if content[24:28] != content[92:96]:  # written by an old version, which did not count
        return 0
    page = int.from_bytes(content[16:18], "big")
    return (65_536 if page == 1 else page) * int.from_bytes(content[28:32], "big")


def _sqlite_tables(base: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the columns of each plain table that has a row."""
    listed = base.execute("pragma table_list").fetchall()
    names = [row[1] for row in listed if row[2] == "table" and not row[1].startswith("sqlite_")]
    return {
        name: [row[1] for row in base.execute(f"pragma table_info({quoted(name)})")]
        for name in sorted(names)
        if base.execute(f"select 1 from {quoted(name)} limit 1").fetchone()  # noqa: S608
    }


def _of_sqlite(
    column: str, values: list[object], wanted: Collection[str], notes: list[Note]
) -> np.ndarray | None:
    """Return the values of a column as text; bytes are refused, or left out and told."""
    if any(isinstance(value, bytes) for value in values):
        if column in wanted:
            raise UnreadableError(
                "CX-E017",
                "it holds bytes, not plain values.",
                "Take it out of study.yml, or export it as text.",
                column=column,
            )
        told = f"column {column} holds bytes, not plain values: it is left out."
        notes.append(("CX-F022", told, ()))
        return None
    return np.array([_text(value) for value in values], dtype=object)


def _text(value: object) -> str:
    """Return a value of SQLite as the text that a CSV would hold."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return str(int(value))
    return "" if value is None else str(value)


def read_duckdb(
    content: bytes, wanted: Collection[str], how: Reading, *, keep_all: bool = False
) -> RawTable:
    """Read one table of a DuckDB file; see :func:`read_sqlite`.

    Notes
    -----
    Nothing is downloaded: a table that needs an extension is refused.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="cxkit-") as folder:
        path = Path(folder) / "read.duckdb"
        path.write_bytes(content)
        try:
            config = {**CLOSED, "enable_external_access": False, "lock_configuration": True}
            with duckdb.connect(str(path), read_only=True, config=config) as base:
                held = _duckdb_tables(base)
                views = "select view_name from duckdb_views() where not internal"
                if (how.table,) in base.execute(views).fetchall():
                    raise _view(how.table)
                name = chosen(
                    "table", {each: list(found[1]) for each, found in held.items()}, how.table
                )
                whole, columns = held[name]
                named = ", ".join(
                    f"{quoted(each)}{'::varchar' if kind in _WRITTEN else ''} as {quoted(each)}"
                    for each, kind in columns.items()
                )
                query = f"select {named} from {whole}"  # noqa: S608
                table: pa.Table = base.sql(query).to_arrow_table()
        except duckdb.Error as fault:
            other = "version" in str(fault)
            raise UnreadableError(
                "CX-E016",
                "this DuckDB database was written by another version, or is not whole."
                if other
                else "this is not a whole DuckDB database.",
                "Export the table as Parquet with the program that wrote it.",
            ) from None
    taken, notes = plain_columns(table.schema, wanted, keep_all=keep_all)
    return of_arrow(table.select(taken), table.column_names, notes, part=f"table {name!r}")


#: Types of DuckDB that Arrow does not have: DuckDB itself writes them as text.
_WRITTEN = {"BIGNUM", "BIT", "INTERVAL", "TIME WITH TIME ZONE"}


def _duckdb_tables(base: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, dict[str, str]]]:
    """Return for each table that has a row how it is quoted, and its columns with their types."""
    listed = base.execute(
        "select schema_name, table_name from duckdb_tables() where not internal order by all"
    ).fetchall()
    found = {}
    for schema, table in listed:
        whole = f"{quoted(schema)}.{quoted(table)}"
        rows = base.table(whole)
        if rows.limit(1).project("1").fetchall():  # its values may need what is not installed
            kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
            found[table if schema == "main" else f"{schema}.{table}"] = (whole, kinds)
    return found

"""A file of unknown shape as a table: what each column holds, and what it may be in a study."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cxkit.errors import QuestionError
from cxkit.study.propose import asked_of, evidence_of, proposed
from cxkit.study.reading import said
from cxkit.study.within import parts_of

if TYPE_CHECKING:
    from cxkit.results import Table
    from cxkit.study.profile import Described

_COLUMNS = (
    ("Column", "column", "text"),
    ("May be", "role", "text"),
    ("Holds", "kind", "text"),
    ("Evidence", "evidence", "text"),
    ("Filled", "filled", "count"),
    ("Rows", "rows", "count"),
    ("To be asked", "asked", "text"),
)


def describe(
    file: str | Path, *, delimiter: str = "", encoding: str = "", skip_rows: int = 0
) -> Table:
    r"""Show what a file holds, column by column, and what each column may be in a study.

    Parameters
    ----------
    file : str or Path
        Any file that a study may name: text, a workbook, Parquet, JSON, SPSS, Stata, SQLite,
        DuckDB.
    delimiter, encoding, skip_rows : str, str, int, optional
        What stands between the fields of a text, its encoding and the lines above its header: used
        where the file does not tell.

    Returns
    -------
    Table
        One row per column: its name, the role proposed for it (table and role, "" for none), what
        it holds, what speaks for that, how many rows have a value, and what must be asked. Of a
        workbook or database, all sheets or tables that hold something.

    Raises
    ------
    DataError
        The file cannot be read.
    ParameterError
        What is said of it cannot be.

    Notes
    -----
    The same evidence as ``cxkit init`` writes into a study.yml. Nothing is decided: a role is
    proposed by the name of a column and by what it holds. Of employees no single value is shown.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "answers.csv"
    ...     _ = path.write_text("id,nps\nr1,9\nr2,0\nr3,10\n")
    ...     describe(path).frame[["column", "role", "kind"]]
      column           role   kind
    0     id                    id
    1    nps  responses.nps  score
    """
    import pandas as pd

    from cxkit.results import Table

    if not isinstance(file, (str, os.PathLike)):
        raise QuestionError(
            f"describe: asked for the path of a file, found {type(file).__name__}.\n"
            "  Of an opened study cx.codebook(study) tells the same and more."
        )
    path = Path(file)
    found = parts_of(path, said(delimiter=delimiter, encoding=encoding, skip_rows=skip_rows))
    frame = pd.DataFrame([row for part in found for row in _rows(part, many=len(found) > 1)])
    told = [f"{_name(part)}: {part.rows:,} rows, {_looks(part)}." for part in found]
    return Table.of(frame, caption=" ".join(told), columns=_COLUMNS)


def _name(part: Described) -> str:
    """Return the file, with the sheet or table of it."""
    return f"{part.path.name} {part.part[1]}".rstrip()


def _looks(part: Described) -> str:
    """Say which table of a study it looks like."""
    best = proposed(part)
    return f"perhaps the table {best.table}" if best else "like no table of a study"


def _rows(part: Described, *, many: bool) -> list[dict[str, object]]:
    """Return one row per column."""
    best = proposed(part)
    roles = {p.name: role for role, p in best.roles.items()} if best else {}
    before = f"{part.part[1]}: " if many else ""
    return [
        {
            "column": before + p.name,
            "role": f"{best.table}.{roles[p.name]}" if best and p.name in roles else "",
            "kind": p.kind,
            "evidence": evidence_of(p, private=bool(best and best.private)),
            "filled": p.filled,
            "rows": p.rows,
            "asked": " ".join(asked_of(best, p)) if best else " ".join(p.questions),
        }
        for p in part.columns
    ]

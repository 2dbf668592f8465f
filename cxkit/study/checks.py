"""Every table of a study is read, typed and held to the contract; nothing is filled or guessed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.errors import ColumnError
from cxkit.study import contract as contracts
from cxkit.study.cells import Cells, place_of, seen, short
from cxkit.study.columns import Amount, Column, Experience, Id, Score, Text
from cxkit.study.decimals import with_points
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.kinds import typed
from cxkit.study.labelled import Labels, labels_of, with_words
from cxkit.study.ledger import Ledger, Place
from cxkit.study.load import open_table
from cxkit.study.wording import nearest, scalar

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from cxkit.study.contract import Table
    from cxkit.study.formats.large import Opened

#: What makes a row itself; a table without these columns may hold one row many times.
KEYS = {
    "customers": ("customer",),
    "responses": ("response",),
    "tickets": ("ticket",),
    "orders": ("order",),
    "engagement": ("respondent", "unit", "wave"),  # one person may belong to two units
    "staff": ("employee", "unit", "start"),
    "units": ("unit",),
    "unit_scores": ("unit", "wave"),
}

#: What no row may lack.
NEEDED = {
    "customers": ("customer", "start"),
    "responses": (),
    "tickets": ("opened",),
    "orders": ("customer", "ordered_on"),
    "engagement": ("respondent", "unit", "wave"),  # one person may belong to two units
    "staff": ("employee", "start"),
    "units": ("unit",),
    "unit_scores": ("unit", "wave"),
}

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Source:
    """One file of a study: which bytes were read, and what became of its rows."""

    table: str
    name: str
    size: int
    sha256: str
    rows_read: int
    rows_dropped: int
    rows_repaired: int


@dataclass
class Checked:
    """One table after typing: its frame, and for each row the line it came from."""

    name: str
    table: Table
    file: str
    raw: RawTable
    frame: pd.DataFrame
    lines: np.ndarray
    sha256: str
    size: int
    labels: Labels
    dropped: int = 0

    def place(self, bad: ArrayLike | None = None, *, role: str = "") -> Place:
        """Return where a finding about the rows of a mask, or the whole table, stands."""
        mask = None if bad is None else np.asarray(bad, dtype=bool)
        spec = self.table.roles.get(role)
        column = spec.column if spec else ""
        return place_of(self.name, self.file, self.raw, self.lines, mask, column)

    def keep(self, good: np.ndarray) -> None:
        """Drop the rows that are not ``good``, and count them."""
        self.dropped += int((~good).sum())
        self.frame = self.frame[good].reset_index(drop=True)
        self.lines = self.lines[good]

    @property
    def source(self) -> tuple[str, str, int, str, int, int]:
        """Return what is known of the file, repairs apart."""
        read = self.raw.rows + self.raw.dropped
        dropped = self.raw.dropped + self.dropped
        return (self.name, self.file, self.size, self.sha256, read, dropped)


def located(file: str, folder: Path) -> Path:
    """Return the path of a table's file, relative to the study.yml; ``${CXKIT_...}`` is filled in.

    Raises
    ------
    UnreadableError
        The name is an address, or holds a variable that is unset or not the kit's.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if not name.startswith("CXKIT_"):
            raise UnreadableError(
                "CX-E004",
                f"file: {file} names the variable {name}; only names that begin with CXKIT_ "
                "are filled in.",
                f"Rename it CXKIT_{name}.",
            )
        if not os.environ.get(name):
            raise UnreadableError(
                "CX-E004",
                f"file: {file} needs the environment variable {name}, which is not set.",
                f"Set it to the folder meant, as in  export {name}=FOLDER",
            )
        return os.environ[name]

    if "://" in file:
        raise UnreadableError(
            "CX-E004", "file: names an address; only files are read.", "Download it first."
        )
    return folder / _VARIABLE.sub(value, file)


def read_study_table(
    name: str, table: Table, *, folder: Path, as_of: pd.Timestamp, ledger: Ledger
) -> Checked | None:
    """Read one table and give every column its type; None where it cannot be read at all.

    Parameters
    ----------
    name : str
        The table's name in the contract.
    table : Table
        Its part of the contract.
    folder : Path
        Where the study.yml stands.
    as_of : Timestamp
        No date may lie after this day.
    ledger : Ledger
        Where findings go.

    Returns
    -------
    Checked or None
    """
    shown = Path(table.file).name
    try:
        path = located(table.file, folder)
        rows_are_ids = _rows_are_ids(table)
        keyed = set(KEYS[name]) <= {*table.roles, *table.given} and not rows_are_ids
        wanted = [
            spec.column
            for role, spec in table.roles.items()
            if not (rows_are_ids and role == "customer")
        ]
        opened = _opened(path, wanted, table, keep_all=not keyed)
        raw = with_points(opened.raw, _numeric(table), decimal=table.decimal, private=table.private)
        raw = with_words(raw, table.roles, private=table.private)
    except UnreadableError as fault:
        ledger.refuse(
            fault.code,
            fault.text,
            Place(name, shown, fault.column, fault.lines, len(fault.lines)),
            cure=fault.cure,
        )
        return None
    shown = f"{shown} {raw.part}" if raw.part else shown
    for code, text, lines in raw.repairs:
        at = f"{shown} row {lines[0]:,}" if raw.place == "row" and lines else shown
        ledger.note(code, text, Place(name, at, "", lines if at == shown else (), len(lines)))
    ids = _row_ids(name, table, raw)
    absent = [
        (role, spec)
        for role, spec in table.roles.items()
        if spec.column not in raw.columns and role not in ids
    ]
    if absent:
        refuse_absent(name, shown, raw, absent, ledger, asked=len(table.roles) - len(ids))
        return None
    if not raw.rows:
        ledger.refuse(
            "CX-E019",
            "the file has a header and no rows.",
            Place(name, shown),
            cure=f"Export it again, or take  {name}:  out of study.yml.",
        )
        return None
    if (again := _header_again(raw, table)).any():
        ledger.refuse(
            "CX-E058",
            f"the header stands there again, as a row ({again.sum():,} of {len(again):,} rows).",
            place_of(name, shown, raw, raw.lines, again),
            cure="Two exports were put one below the other: take those rows out.",
        )
        return None
    labels = labels_of(raw, table)
    series: dict[str, pd.Series] = {}
    # Numbers take more room on the way than they fill; words stay as they are, so they come last.
    left = sorted(table.roles.items(), key=lambda each: type(each[1]) in (Id, Text))
    while left:
        role, spec = left.pop(0)
        if role in ids:
            series[role] = ids[role]
            continue
        series[role] = typed(
            Cells(
                text=raw.columns[spec.column],
                role=role,
                spec=spec,
                raw=raw,
                table=name,
                file=shown,
                missing=table.missing,
                private=table.private or role == "comment",
                as_of=as_of,
                ledger=ledger,
            )
        )
        if keyed and all(other.column != spec.column for _, other in left):
            raw.let_go(spec.column)  # no rule asks for its text again
    for role, value in table.given.items():
        series[role] = pd.Series([value] * raw.rows, dtype="str")
    roles = (*table.roles, *table.given)
    raw = replace(raw, columns={}) if keyed else raw
    checked = Checked(
        name=name,
        table=table,
        file=shown,
        raw=raw,
        frame=pd.DataFrame({role: series[role] for role in roles}, copy=False),
        lines=raw.lines,
        sha256=opened.sha256,
        size=opened.size,
        labels=labels,
    )
    if isinstance(table, contracts.UnitScores):
        _instrument(checked, table, ledger)
    return checked


def _header_again(raw: RawTable, table: Table) -> np.ndarray:
    """Return which rows hold the name of every column that is asked for."""
    asked = {spec.column for spec in table.roles.values() if spec.column in raw.columns}
    again = np.full(raw.rows, len(asked) > 1)
    for column in sorted(asked):
        if again.any():
            again &= np.asarray(raw.columns[column] == column, dtype=bool)
    return again


def _numeric(table: Table) -> list[str]:
    """Return the columns that must hold numbers."""
    return [
        spec.column
        for spec in table.roles.values()
        if isinstance(spec, Score | Amount) or (isinstance(spec, Experience) and spec.numeric)
    ]


def _opened(path: Path, wanted: list[str], table: Table, *, keep_all: bool) -> Opened:
    """Return a file that was read, or say why it cannot be."""
    try:
        if path.is_dir():
            raise IsADirectoryError
        return open_table(path, wanted, how=table, keep_all=keep_all)
    except FileNotFoundError:
        there = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        near = nearest(path.name, there)
        raise UnreadableError(
            "CX-E001",
            f"there is no such file: {path}",
            f"Perhaps you mean  file: {near}" if near else "Mend  file:  in study.yml.",
        ) from None
    except IsADirectoryError:
        raise UnreadableError("CX-E002", "this is a folder.", "Name the file in it.") from None
    except OSError as error:
        raise UnreadableError(
            "CX-E003", f"it cannot be read ({error.strerror}).", "Look at its rights."
        ) from None


def _rows_are_ids(table: Table) -> bool:
    """Whether a snapshot's customers are told apart by their row alone."""
    return isinstance(table, contracts.SnapshotCustomers) and table.customer.column == "row"


def _row_ids(name: str, table: Table, raw: RawTable) -> dict[str, pd.Series]:
    """Return row numbers as ids where the contract says ``row`` and no column is named so."""
    if name == "customers" and _rows_are_ids(table) and "row" not in raw.header:
        return {"customer": pd.Series(np.arange(1, raw.rows + 1).astype(str), dtype="str")}
    return {}


def refuse_absent(
    name: str,
    file: str,
    raw: RawTable,
    absent: list[tuple[str, Column]],
    ledger: Ledger,
    *,
    asked: int,
) -> None:
    """Refuse columns that the file does not have, showing those it has."""
    names = [spec.column for _, spec in absent]
    if len(absent) > 2 and len(absent) == asked and not any(nearest(n, raw.header) for n in names):
        ledger.refuse(
            "CX-E014",
            f"none of the columns asked for ({', '.join(names[:10])}) stands in the first line: "
            f"{', '.join(seen(short(name)) for name in raw.header[:10])}.",
            Place(name, file, "", (1,) if raw.place == "line" else (), 1),
            cure="If that is data, put the names of the columns on the first line; else mend the "
            "names in study.yml.",
            error=ColumnError,
        )
        return
    if asked > 1 and len(raw.header) == 1 and raw.place == "line":
        ledger.refuse(
            "CX-E014",
            f"the first line is one name, {seen(short(raw.header[0]))!s}, and {asked} columns are "
            "asked for: what stands between the fields is not known.",
            Place(name, file, "", (1,), 1),
            cure='Say it in study.yml, as in  delimiter: "~"',
            error=ColumnError,
        )
        return
    for role, spec in absent:
        near = nearest(spec.column, raw.header)
        there = ", ".join(map(seen, raw.header[:30])) + (" ..." if len(raw.header) > 30 else "")
        cure = f"columns in the file: {there}"
        if near:
            cure += "\n  perhaps the name differs: in study.yml write  "
            cure += f"{role}: {{column: {scalar(near)}}}"
        ledger.refuse(
            "CX-E018",
            f"the study asks for column {spec.column!r}, which the file does not have.",
            Place(name, file),
            cure=cure,
            error=ColumnError,
        )


def _instrument(checked: Checked, table: contracts.UnitScores, ledger: Ledger) -> None:
    """Write down for every row which questionnaire it comes from."""
    given = table.instrument
    if given.value is not None:
        checked.frame["instrument"] = pd.Series([given.value] * len(checked.frame), dtype="str")
    if given.by_wave is not None:
        instrument = checked.frame["wave"].map(given.by_wave).astype("str")
        unknown = (instrument.isna() & checked.frame["wave"].notna()).to_numpy()
        if unknown.any():
            waves = ", ".join(sorted(checked.frame.loc[unknown, "wave"].unique()))
            ledger.refuse(
                "CX-E045",
                f"by_wave names no instrument for the wave {waves}.",
                checked.place(unknown, role="wave"),
                cure="Add it under  instrument: {by_wave: ...}  in study.yml.",
            )
        checked.frame["instrument"] = instrument
    for role in ("n_employees", "n_customers"):
        if role not in checked.frame:
            checked.frame[role] = np.nan


def words_of(checked: Checked) -> dict[str, Text]:
    """Return the columns of a table that hold words."""
    return {k: v for k, v in checked.table.roles.items() if isinstance(v, Text)}

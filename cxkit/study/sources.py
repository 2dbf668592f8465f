"""A table too large to load stays in its engine: named by role, held to its contract there."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from cxkit.errors import ParameterError, ScaleError
from cxkit.study import columns as c
from cxkit.study.checks import NEEDED, Source, located, refuse_absent
from cxkit.study.counts import among, collected
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.ledger import Ledger, Place
from cxkit.study.meaning import hold_more_than_one

if TYPE_CHECKING:
    from cxkit.study.contract import Contract, Table

#: What the default engine may hold in memory before it writes to the temporary folder.
MEMORY = "2GB"

#: Small tables, which other tables are read against: always files.
SMALL = ("staff", "units", "unit_scores")

#: A filter by customers lists them; beyond this it should be a column of the source.
MOST_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class Scan:
    """One table in its engine: its rows by role, and what was seen of it."""

    name: str
    source: str
    rows: nw.LazyFrame[Any]
    kinds: Mapping[str, Any]
    n: int

    @property
    def seen(self) -> Source:
        """Return what provenance tells of it; nothing is hashed, since nothing is read whole."""
        return Source(self.name, self.source, 0, "not hashed: a source", self.n, 0, 0)


def open_source(
    name: str, table: Table, *, folder: Path, engine: Any, as_of: dt.date, ledger: Ledger
) -> Scan | None:
    """Find a table's source, name its columns by role and hold it to the contract.

    Parameters
    ----------
    name : str
        The table's name in the contract.
    table : Table
        Its part of the contract, with ``source``.
    folder : Path
        Where the study.yml stands.
    engine : mapping, connection, session or None
        As for :func:`cxkit.open_study`.
    as_of : date
        No date may lie after this day.
    ledger : Ledger
        Where findings go.

    Returns
    -------
    Scan or None
        None where something was refused.

    Notes
    -----
    One scan with one row as its result counts the rows, the answers off their scale, the days after
    ``as_of`` and the empty cells of what no row may lack. Copies of rows and links between tables
    are not looked for: that would need the rows.
    """
    place = Place(name, table.source)
    if name in SMALL:
        ledger.refuse(
            "CX-E061",
            "this table is small, and others are read against it: it comes as a file.",
            place,
            cure=f"Export it and write  file: {name}.csv",
        )
        return None
    try:
        rows = nw.from_native(_found(table.source, folder, engine)).lazy()
        kinds = rows.collect_schema()
    except UnreadableError as fault:
        ledger.refuse(fault.code, fault.text, place, cure=fault.cure)
        return None
    roles = {
        role: spec
        for role, spec in table.roles.items()
        if not (role == "customer" and spec.column == "row" and "row" not in kinds)
    }
    absent = [(role, spec) for role, spec in roles.items() if spec.column not in kinds]
    if absent:
        raw = RawTable(tuple(kinds), {}, np.zeros(0, dtype=np.int64))
        refuse_absent(name, table.source, raw, absent, ledger, asked=len(roles) + 1)
        return None
    before = len(ledger.findings)
    for role, spec in roles.items():
        _kind_fits(role, spec, kinds[spec.column], place, ledger)
    if len(ledger.findings) > before:
        return None
    named = rows.select(
        *(_value(spec, kinds[spec.column], table.missing).alias(r) for r, spec in roles.items())
    )
    n = _held(name, roles, named, as_of, place, ledger)
    return Scan(name, table.source, named, named.collect_schema(), n)


def _found(source: str, folder: Path, engine: Any) -> Any:
    """Return the frame that ``source:`` names: one given, a folder, or a table of the engine."""
    if isinstance(engine, Mapping) and source in engine:
        return engine[source]
    path = located(source, folder)
    if path.is_dir() or path.suffix == ".parquet":
        return _parquet(path)
    if engine is not None and hasattr(engine, "table"):
        try:
            return engine.table(source)
        except Exception as error:  # whatever an engine calls its own refusal
            raise UnreadableError(
                "CX-E062",
                f"the engine has no such table ({type(error).__name__}).",
                "Mend  source:  in study.yml, or the connection given as engine=.",
            ) from error
    known = ", ".join(map(str, engine)) if isinstance(engine, Mapping) else ""
    raise UnreadableError(
        "CX-E062",
        "this is neither a folder of Parquet beside study.yml nor a frame that was given"
        + (f" (given: {known})." if known else "."),
        f"Give the frame:  cx.open_study(path, engine={{{source!r}: frame}})",
    )


def _parquet(path: Path) -> Any:
    """Return a folder of Parquet, or one file, in the default engine; it writes out what is big."""
    import duckdb

    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not all(file.is_file() for file in files) or not files:
        raise UnreadableError(
            "CX-E062",
            "there is no Parquet file." if path.is_dir() else "there is no such file.",
            "Mend  source:  in study.yml, or write the Parquet files.",
        )
    spill = str(Path(tempfile.gettempdir()) / "cxkit-duckdb")
    engine = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": spill})
    try:
        return engine.read_parquet([str(file) for file in files], union_by_name=True)
    except duckdb.Error as error:
        raise UnreadableError(
            "CX-E062",
            f"the Parquet files cannot be read together ({type(error).__name__}).",
            "One of them is cut short, or their columns differ in kind.",
        ) from error


def _kind_fits(role: str, spec: c.Column, kind: Any, place: Place, ledger: Ledger) -> None:
    """Refuse a column whose type is not that of its role; nothing is converted by guess."""
    wanted = ""
    for key in ("labels", "zone", "date"):
        if getattr(spec, key, None):
            ledger.refuse(
                "CX-E063",
                f"{role} declares {key}:, which is for text in files.",
                Place(place.table, place.file, spec.column),
                cure=f"Write the column as it is meant when the source is made, without  {key}:",
            )
    if isinstance(spec, c.Date) and kind not in (nw.Date, nw.Datetime):
        wanted = "dates"
    elif isinstance(spec, c.Score | c.Amount) and not kind.is_numeric():
        wanted = "numbers"
    if wanted:
        ledger.refuse(
            "CX-E063",
            f"{role} holds {kind}, not {wanted}.",
            Place(place.table, place.file, spec.column),
            cure=f"Write it as {wanted} when the source is made.",
        )


def _value(spec: c.Column, kind: Any, missing: tuple[str, ...]) -> nw.Expr:
    """Return a column as its role means it: codes for no answer and empty text are missing."""
    value = nw.col(spec.column)
    if kind.is_float():
        value = nw.when(~value.is_nan()).then(value)
    if isinstance(spec, c.Score) and missing:
        return nw.when(~among(value, missing, kind)).then(value)
    if isinstance(spec, c.YesNo) and kind != nw.Boolean:
        yes, no = nw.when(among(value, spec.yes, kind)), nw.when(among(value, spec.no, kind))
        return yes.then(nw.lit(1)).otherwise(no.then(nw.lit(0)))
    return nw.when(value != "").then(value) if kind == nw.String else value


def _held(
    name: str,
    roles: Mapping[str, c.Column],
    rows: nw.LazyFrame[Any],
    as_of: dt.date,
    place: Place,
    ledger: Ledger,
) -> int:
    """Count in one scan what contradicts the contract, refuse it, and return the rows."""
    kinds = rows.collect_schema()
    next_day = dt.datetime.combine(as_of, dt.time()) + dt.timedelta(days=1)
    tests: dict[str, nw.Expr] = {}
    for role, spec in roles.items():
        value = nw.col(role)
        if isinstance(spec, c.Score):
            low, high = spec.scale
            fits = (value >= low) & (value <= high)
            if spec.whole and kinds[role].is_float():
                fits = fits & (value == value.floor())
            tests[role] = ~fits & ~value.is_null()
        elif isinstance(spec, c.Date):
            tests[role] = value > as_of if kinds[role] == nw.Date else value >= next_day
        elif role in NEEDED[name]:
            tests[role] = value.is_null()
    flagged = [nw.when(test).then(nw.lit(1)).alias(f"bad_{role}") for role, test in tests.items()]
    counted = [nw.col(f"bad_{role}").count().alias(role) for role in tests]
    seen = collected(
        rows.select(nw.lit(1).alias("row"), *flagged).select(
            nw.col("row").count().alias("rows"), *counted
        )
    ).to_pylist()[0]
    n = int(seen["rows"])
    if not n:
        ledger.refuse("CX-E064", "the source has no rows.", place, cure="Look at how it was made.")
    hold_more_than_one(n, place, ledger)
    for role in tests:
        if bad := int(seen[role]):
            _refuse(role, roles[role], bad, n, place, ledger, as_of)
    return n


def _refuse(
    role: str, spec: c.Column, bad: int, n: int, place: Place, ledger: Ledger, as_of: dt.date
) -> None:
    """Refuse what the scan counted, in the words that a file gets."""
    here = Place(place.table, place.file, spec.column, (), bad)
    rows = f"{bad:,} of {n:,} rows"
    if isinstance(spec, c.Score):
        low, high = spec.scale
        kind = "a whole number" if spec.whole else "a number"
        ledger.refuse(
            "CX-E031",
            f"{role} is not {kind} from {low:g} to {high:g} in {rows}.",
            here,
            cure=f'If a code means "no answer", write  missing: [CODE]  under {place.table} in '
            f"study.yml; cx.counts(frame, {spec.column!r}) shows which there are.",
            error=ScaleError,
        )
    elif isinstance(spec, c.Date):
        ledger.refuse(
            "CX-E035",
            f"{role} lies after as_of ({as_of}) in {rows}.",
            here,
            cure="If the data go further, set as_of in study.yml.",
        )
    else:
        ledger.refuse(
            "CX-E041",
            f"{role} is empty in {rows}.",
            here,
            cure="Every row needs it; take those rows out.",
        )


def narrowed(
    scans: Mapping[str, Scan],
    frames: Mapping[str, Any],
    contract: Contract,
    where: str,
    ledger: Ledger,
) -> dict[str, Any]:
    """Return each source as its engine's own frame, with the rows that ``where`` keeps.

    A unit, or an attribute of units, keeps the rows of its units. A segment of customers that are
    loaded keeps the rows of at most 10,000 of them.

    Raises
    ------
    ParameterError
        More customers would have to be listed.
    """
    if not where.strip():
        return {name: scan.rows.to_native() for name, scan in scans.items()}
    name, _, value = (part.strip() for part in where.partition("="))
    kept = {}
    for table, scan in scans.items():
        role, ids = _chosen(name, value, scan, frames, contract)
        if ids is None:
            ledger.flag(
                "CX-F020", f"where={where}: not narrowed, it knows no {name}.", Place(table, "")
            )
            kept[table] = scan.rows.to_native()
            continue
        if len(ids) > MOST_LISTED:
            raise ParameterError(
                f"where={where!r}: {len(ids):,} customers would have to be listed to the engine of "
                f"{table}, which knows no {name}.\n"
                f"  Give the source a column {name}, or choose by unit."
            )
        kept[table] = scan.rows.filter(among(nw.col(role), ids, scan.kinds[role])).to_native()
    return kept


def _chosen(
    name: str, value: str, scan: Scan, frames: Mapping[str, Any], contract: Contract
) -> tuple[str, list[Any] | None]:
    """Return the role by which a source is narrowed and the ids it keeps, or None."""
    if "unit" in scan.kinds and name == "unit":
        return "unit", [value]
    if name in scan.kinds and name in getattr(contract.customers, "segments", {}):
        return name, [value]
    units = frames.get("units")
    if "unit" in scan.kinds and name in getattr(contract.units, "attributes", {}):
        return "unit", [] if units is None else units.loc[units[name] == value, "unit"].tolist()
    customers = frames.get("customers")
    if "customer" in scan.kinds and customers is not None and name in customers:
        return "customer", customers["customer"].tolist()  # narrowed already
    return "", None

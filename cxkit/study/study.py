"""A study opened: its frames, checked; what was found in them; what it can answer."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxkit.errors import ContractError, MissingTableError, ParameterError, QuestionError
from cxkit.study.checks import Source, read_study_table
from cxkit.study.columns import Experience, Score
from cxkit.study.contract import Contract, Tables, read_contract
from cxkit.study.ledger import Ledger
from cxkit.study.links import hold_links
from cxkit.study.rules import hold_rules
from cxkit.study.selection import selected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cxkit.results import Finding, Table
    from cxkit.study.labelled import Labels
    from cxkit.study.sources import Scan


@dataclass(frozen=True, kw_only=True, repr=False)
class Study:
    """The tables of one study, checked against its contract; made by :func:`open_study`.

    Each table is a DataFrame under its name (``study.responses``), with role names as columns: ids
    and words as text, dates as ``datetime64``, scores as ``float64`` with missing answers missing,
    yes and no as ``boolean``. A frame is the caller's own: changing it changes no other.
    """

    contract: Contract
    findings: tuple[Finding, ...]
    sources: tuple[Source, ...]
    where: str = ""
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    scans: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Labels] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The study's name."""
        return self.contract.study

    @property
    def as_of(self) -> pd.Timestamp:
        """The day up to which the data speak; never today's date."""
        return pd.Timestamp(self.contract.as_of)

    @property
    def observed_from(self) -> pd.Timestamp | None:
        """The first day that the data cover, if declared."""
        first = self.contract.observed_from
        return None if first is None else pd.Timestamp(first)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables this study has."""
        return tuple(self.frames)

    def has(self, table: str) -> bool:
        """Return whether the study has a table."""
        return table in self.frames

    def need(self, *tables: str, why: str) -> None:
        """Refuse, naming what is missing, unless the study has all these tables.

        Parameters
        ----------
        *tables : str
            Names of tables.
        why : str
            What they are needed for, as the end of a sentence: "to see who stayed".

        Raises
        ------
        MissingTableError
            Says which are missing and which line to write.
        """
        missing = [t for t in tables if t not in self.frames]
        if missing:
            raise MissingTableError(_missing(self, missing, why))

    @property
    def customers(self) -> pd.DataFrame:
        """One row is one relationship."""
        return self._frame("customers")

    @property
    def responses(self) -> pd.DataFrame:
        """One row is one customer asked once, answered or not."""
        return self._frame("responses")

    @property
    def tickets(self) -> pd.DataFrame:
        """One row is one service case."""
        return self._frame("tickets")

    @property
    def orders(self) -> pd.DataFrame:
        """One row is one purchase."""
        return self._frame("orders")

    @property
    def engagement(self) -> pd.DataFrame:
        """One row is one employee's answers in one wave."""
        return self._frame("engagement")

    @property
    def staff(self) -> pd.DataFrame:
        """One row is one employment spell."""
        return self._frame("staff")

    @property
    def units(self) -> pd.DataFrame:
        """One row is one unit."""
        return self._frame("units")

    @property
    def unit_scores(self) -> pd.DataFrame:
        """One row is one unit in one wave, aggregated elsewhere."""
        return self._frame("unit_scores")

    def _frame(self, table: str) -> pd.DataFrame:
        """Return a table as the caller's own (copy-on-write), or refuse."""
        self.need(table, why="as asked here")
        return self.frames[table].copy(deep=False)

    def scan(self, table: str) -> Any:
        """Return the rows of a table for ``cx.counts`` and ``cx.moments``, wherever they are.

        Parameters
        ----------
        table : str
            The name of a table.

        Returns
        -------
        native frame
            Of a ``source:`` the engine's own frame, its columns named by role and codes for "no
            answer" missing, nothing read yet; of a file its DataFrame.

        Raises
        ------
        MissingTableError
            The study has no such table.
        """
        return self.scans[table] if table in self.scans else self._frame(table)

    def scale_of(self, measure: str) -> str:
        """Return scale, direction and cut-points of a score in words; "" for what is no score.

        >>> sample_study().scale_of("csat")
        'csat: 1 to 5, high is good; satisfied from 4'
        """
        for table in self.contract.tables.values():
            spec = table.roles.get(measure)
            if isinstance(spec, Score):
                return f"{measure}: {spec.said}"
            if isinstance(spec, Experience):
                bad = [f"{b:g}" if isinstance(b, float) else b for b in spec.bad]
                return f"{measure}: {' or '.join(bad)} is bad"
        return ""

    def overview(self) -> tuple[Table, ...]:
        """Return what is there as tables: rows and periods, coverage, findings, what is missing."""
        from cxkit.study.overview import overview

        return overview(self)

    def __repr__(self) -> str:
        """Say what is there, in text."""
        from cxkit.study.overview import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        """Say what is there, in a notebook."""
        from cxkit.study.overview import as_html

        return as_html(self)


def _missing(study: Study, missing: list[str], why: str) -> str:
    """Word a missing table: which, why, what there is, what to write."""
    if far := [t for t in missing if t in study.scans]:
        return (
            f"{study.name}: the rows of {far[0]} stay in their engine (source: "
            f"{study.contract.of(far[0]).source}); they are needed here {why}.\n"
            f'  Count them there:  cx.counts(study.scan("{far[0]}"), [...])\n'
            f"  or export what is needed and write  file: {far[0]}.csv"
        )
    unknown = [t for t in missing if t not in Tables]
    if unknown:
        return f"{unknown[0]!r} is not a table; a study may have {', '.join(Tables)}."
    lines = "\n".join(f"  {t}:\n    file: {t}.csv" for t in missing)
    return (
        f"{study.name}: the study has no table {' and no table '.join(missing)}, needed {why}.\n"
        f"  tables in the study: {', '.join(study.tables)}\n"
        f"  in study.yml write, with its columns below it:\n{lines}"
    )


def open_study(path: str | Path, *, where: str = "", engine: Any = None) -> Study:
    """Open a study: read its study.yml and its files, check everything, tell what was found.

    Parameters
    ----------
    path : str or Path
        The study.yml, or the folder it stands in; "" is the sample study.
    where : str
        ``"column=value"`` keeps one segment, unit or attribute of units; "" keeps all.
    engine : mapping of str to frame, connection or session, optional
        Where tables with ``source: NAME`` are: frames by that name, or anything with a method
        ``table(NAME)``, such as a DuckDB or Ibis connection or a Spark session. Not needed for a
        folder of Parquet.

    Returns
    -------
    Study

    Raises
    ------
    ContractError
        The study.yml cannot be read as a study; all its faults are told.
    ColumnError, ScaleError, DataError
        The files contradict it; all refusals are told at once.
    ParameterError
        ``where`` names a column or value that the study does not have.

    Notes
    -----
    Missing answers stay missing. What is mended by rule (spaces, exact copies) and what is only
    flagged stands in ``findings``. Values of employees and comments are in no message.

    A table with ``source:`` stays in its engine: ``study.scan("responses")`` goes into
    ``cx.counts`` and ``cx.moments``, and ``study.responses`` is refused. It is held to the contract
    by one scan: columns, scales, days after ``as_of``, empty ids.

    Examples
    --------
    >>> study = open_study("", where="region=North")
    >>> study.where, len(study.customers) < 6000
    ('region=North', True)
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ContractError(
            f"open_study: asked for the path of a study.yml, found {type(path).__name__}.\n"
            "  A frame needs no study: cx.nps(frame[NAME])."
        )
    if not isinstance(where, str):
        raise ParameterError(f'where={where!r}: write  column=value, as in  where="region=North"')
    if path == "":
        return sample_study(where=where)
    path = Path(path)
    if path.is_dir():
        path = path / "study.yml"
    contract = read_contract(path)
    ledger = Ledger(strict=contract.strict)
    as_of = pd.Timestamp(contract.as_of)
    read = {
        name: read_study_table(name, table, folder=path.parent, as_of=as_of, ledger=ledger)
        for name, table in contract.tables.items()
        if table.file
    }
    far = _sources(contract, path.parent, engine, ledger)
    tables = {name: checked for name, checked in read.items() if checked is not None}
    for checked in tables.values():
        hold_rules(checked, ledger)
    first = contract.observed_from
    hold_links(tables, observed_from=None if first is None else pd.Timestamp(first), ledger=ledger)
    ledger.settle()
    frames = {n: t.frame for n, t in tables.items()}
    if not _only_of_sources(where, frames, far):
        frames = selected(frames, contract, where, ledger)
    return Study(
        contract=contract,
        findings=tuple(ledger.findings),
        sources=tuple(Source(*t.source, len(ledger.repaired.get(n, ()))) for n, t in tables.items())
        + tuple(scan.seen for scan in far.values()),
        where=where.strip(),
        frames=frames,
        scans=_narrowed(far, frames, contract, where, ledger),
        labels={n: t.labels for n, t in tables.items()},
    )


def _sources(contract: Contract, folder: Path, engine: Any, ledger: Ledger) -> dict[str, Scan]:
    """Open the tables that stay in their engine; nothing is imported where there are none."""
    tables = {name: table for name, table in contract.tables.items() if table.source}
    if not tables:
        return {}
    from cxkit.study.sources import open_source

    found = {
        name: open_source(
            name, table, folder=folder, engine=engine, as_of=contract.as_of, ledger=ledger
        )
        for name, table in tables.items()
    }
    return {name: scan for name, scan in found.items() if scan is not None}


def _only_of_sources(
    where: str, frames: Mapping[str, pd.DataFrame], far: Mapping[str, Scan]
) -> bool:
    """Whether ``where`` names units that no loaded table has, and a source has."""
    by_unit = where.partition("=")[0].strip() == "unit"
    here = any("unit" in frame for frame in frames.values())
    return by_unit and not here and any("unit" in scan.kinds for scan in far.values())


def _narrowed(
    far: Mapping[str, Scan],
    frames: Mapping[str, pd.DataFrame],
    contract: Contract,
    where: str,
    ledger: Ledger,
) -> dict[str, Any]:
    """Return the sources as their engines' frames, with the rows that ``where`` keeps."""
    if not far:
        return {}
    from cxkit.study.sources import narrowed

    return narrowed(far, frames, contract, where, ledger)


def hold_study(given: object) -> None:
    """Refuse what is not an opened study: a path, a frame."""
    if not isinstance(given, Study):
        raise QuestionError(
            f"asked for a study, found {type(given).__name__}.\n"
            '  Open it first:  study = cx.open_study("study.yml")  or  cx.sample_study().'
        )


def sample_study(*, where: str = "") -> Study:
    """Open the simulated study that the kit ships, from whatever folder.

    Parameters
    ----------
    where : str
        As for :func:`open_study`.

    Returns
    -------
    Study

    Raises
    ------
    DataError
        The kit was installed without its data folder.

    Examples
    --------
    >>> sample_study().name
    'Northway Bank (simulated)'
    """
    from cxkit.errors import DataError

    here = Path(__file__).resolve()
    for folder in (here.parents[2], *Path.cwd().resolve().parents, Path.cwd().resolve()):
        path = folder / "data" / "sample" / "study.yml"
        if path.is_file():
            return open_study(path, where=where)
    raise DataError(
        "sample_study: there is no data/sample/study.yml beside the package or above this folder.\n"
        "  The sample comes with the repository: work in a clone of it, or make one with "
        " cxkit simulate data/sample"
    )

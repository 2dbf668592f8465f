"""``where="region=North"``: one segment, unit or attribute of units, held to the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cxkit.errors import ParameterError
from cxkit.study.ledger import Ledger, Place
from cxkit.study.wording import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cxkit.study.contract import Contract


def selected(
    frames: dict[str, pd.DataFrame], contract: Contract, where: str, ledger: Ledger
) -> dict[str, pd.DataFrame]:
    """Return the frames with the rows that ``where`` keeps.

    Parameters
    ----------
    frames : dict of DataFrame
        The checked tables.
    contract : Contract
        Names the segments and attributes.
    where : str
        ``"column=value"``; "" keeps everything.
    ledger : Ledger
        Told which tables know nothing of the column and stay whole.

    Returns
    -------
    dict of DataFrame

    Raises
    ------
    ParameterError
        The column or value is not known; says which are.

    Notes
    -----
    A segment keeps customers, and through them responses, tickets and orders. A unit, or an
    attribute of units, keeps every table that names a unit. A name that is both does both: rows
    of customers by the segment, rows of employees by the unit.
    """
    if not where.strip():
        return frames
    name, equals, value = (part.strip() for part in where.partition("="))
    if not equals or not name or not value:
        raise ParameterError(f"where={where!r}: write  column=value, as in  region=North")
    segments = tuple(getattr(contract.customers, "segments", {}))
    attributes = tuple(getattr(contract.units, "attributes", {}))
    units = tuple("unit" for frame in frames.values() if "unit" in frame)[:1]
    known = list(dict.fromkeys((*segments, *units, *attributes)))
    if name not in known:
        near = nearest(name, known)
        raise ParameterError(
            f"where={where!r}: the study has no column {name!r} to choose by"
            + (f"; perhaps you mean  {near}={value}" if near else "")
            + f".\n  it has: {', '.join(known) or 'none (segments, unit, attributes of units)'}"
        )
    _value_known(where, name, value, _values(frames, name, segments, attributes))
    people = _people(frames, name, value, segments)
    places = _places(frames, name, value, attributes)
    kept = {}
    for table, frame in frames.items():
        if people is not None and "customer" in frame:
            rows = _among(frame["customer"], people)
        elif places is not None and "unit" in frame:
            rows = _among(frame["unit"], places)
        elif places is not None and "customer" in frame and "unit" in frames.get("customers", ()):
            customers = frames["customers"]
            theirs = customers.loc[_among(customers["unit"], places), "customer"]
            rows = _among(frame["customer"], theirs)
        else:
            ledger.flag(
                "CX-F020", f"where={where}: not narrowed, it knows no {name}.", Place(table, "")
            )
            kept[table] = frame
            continue
        kept[table] = frame[rows].reset_index(drop=True)
    return kept


def _among(ids: pd.Series, chosen: Iterable[str]) -> pd.Series:
    """Return which ids are among the chosen."""
    kept = set(chosen)
    return pd.Series([i in kept for i in ids], index=ids.index, dtype=bool)


def _people(
    frames: dict[str, pd.DataFrame], name: str, value: str, segments: tuple[str, ...]
) -> pd.Series | None:
    """Return the customers of a segment; None where the name is no segment."""
    if name not in segments or "customers" not in frames:
        return None
    customers = frames["customers"]
    return customers.loc[customers[name] == value, "customer"]


def _places(
    frames: dict[str, pd.DataFrame], name: str, value: str, attributes: tuple[str, ...]
) -> list[str] | None:
    """Return the units meant; None where the name is neither unit nor attribute."""
    if name in attributes and "units" in frames:
        units = frames["units"]
        return list(units.loc[units[name] == value, "unit"])
    return [value] if name == "unit" else None


def _values(
    frames: dict[str, pd.DataFrame],
    name: str,
    segments: tuple[str, ...],
    attributes: tuple[str, ...],
) -> list[str]:
    """Return the values that a column has, most frequent first."""
    found = [
        frame[name]
        for table, frame in frames.items()
        if name in frame
        and (
            name == "unit"
            or (table == "customers" and name in segments)
            or (table == "units" and name in attributes)
        )
    ]
    return list(pd.concat(found).value_counts().index) if found else []


def _value_known(where: str, name: str, value: str, known: list[str]) -> None:
    """Refuse a value that no row has, showing the nearest and a few."""
    if value in known:
        return
    near = nearest(value, known)
    shown = ", ".join(sorted(known)[:10]) + (
        f" and {len(known) - 10} more" if len(known) > 10 else ""
    )
    raise ParameterError(
        f"where={where!r}: no row has {name} {value!r}"
        + (f"; perhaps you mean  {name}={near}" if near else "")
        + f".\n  {name} is one of: {shown}"
    )

"""What must hold between tables: known customers, known units, scores given before leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.study.contract import Responses
from cxkit.study.rules import is_dated

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.study.checks import Checked
    from cxkit.study.ledger import Ledger


def hold_links(
    tables: dict[str, Checked], *, observed_from: pd.Timestamp | None, ledger: Ledger
) -> None:
    """Hold the tables of a study to each other."""
    _customers_known(tables, ledger)
    _units_known(tables, ledger)
    _unit_tree(tables, ledger)
    _scores_while_leaving(tables, ledger)
    if observed_from is not None:
        _before_the_data(tables, observed_from, ledger)


def _strangers(given: pd.Series, known: pd.Series) -> pd.Series:
    """Return which of the given ids are filled and not known."""
    # As objects: of strings in Arrow, pandas would turn every known id into a scalar and back.
    return ~given.astype(object).isin(known.astype(object)) & given.notna()


def _customers_known(tables: dict[str, Checked], ledger: Ledger) -> None:
    """Flag customers that the customer table lacks; refuse if not one is known."""
    if "customers" not in tables:
        return
    customers = tables["customers"]
    for name in ("responses", "tickets", "orders"):
        if name not in tables or "customer" not in tables[name].frame:
            continue
        given = tables[name].frame["customer"]
        unknown = _strangers(given, customers.frame["customer"])
        if not unknown.any():
            continue
        if unknown.sum() == given.notna().sum():
            here = ", ".join(given[unknown].unique()[:3])
            there = ", ".join(customers.frame["customer"].iloc[:3])
            ledger.refuse(
                "CX-E051",
                f"none of its customers is in {customers.file}: here {here}; there {there}.",
                tables[name].place(unknown, role="customer"),
                cure=_kinds_of_ids(given[unknown], customers.frame["customer"]),
            )
            continue
        ledger.flag(
            "CX-F011",
            f"{unknown.sum():,} of {len(given):,} rows name a customer that {customers.file} "
            "does not have; they count in scores, not in retention.",
            tables[name].place(unknown, role="customer"),
        )


def _kinds_of_ids(here: pd.Series, there: pd.Series) -> str:
    """Say how ids that never meet would, as spreadsheets change them: zeros lost, or .0 added."""
    changes = {
        "leading zeros: a spreadsheet took them": lambda text: text.str.lstrip("0"),
        "a .0 at the end, as tables of numbers write it": lambda text: text.str.removesuffix(".0"),
        "capitals": lambda text: text.str.casefold(),
    }
    for what, plain in changes.items():
        if plain(here).isin(set(plain(there))).any():
            return f"They differ by {what}. Export both as text."
    return "The two ids are of different kinds, or a spreadsheet took their zeros."


def _units_known(tables: dict[str, Checked], ledger: Ledger) -> None:
    """Flag units that the unit table lacks, and rows of employees without a unit."""
    for name, checked in tables.items():
        if name == "units" or "unit" not in checked.frame:
            continue
        given = checked.frame["unit"]
        if name in {"engagement", "staff", "unit_scores"} and (empty := given.isna()).any():
            ledger.flag(
                "CX-F012",
                f"{empty.sum():,} of {len(given):,} rows name no unit; "
                "they count in no comparison of units.",
                checked.place(empty, role="unit"),
            )
        if "units" not in tables:
            continue
        unknown = _strangers(given, tables["units"].frame["unit"])
        if unknown.any():
            ledger.flag(
                "CX-F013",
                f"{unknown.sum():,} of {len(given):,} rows name a unit that "
                f"{tables['units'].file} does not have.",
                checked.place(unknown, role="unit"),
            )


def _unit_tree(tables: dict[str, Checked], ledger: Ledger) -> None:
    """Refuse units that are their own ancestors; flag parents that are not units."""
    if "units" not in tables or "parent" not in tables["units"].frame:
        return
    checked = tables["units"]
    frame = checked.frame
    unknown = _strangers(frame["parent"], frame["unit"])
    if unknown.any():
        ledger.flag(
            "CX-F014",
            f"{markup.numbered(int(unknown.sum()), 'unit has', 'units have')} a parent that is not "
            "a unit of the table.",
            checked.place(unknown, role="parent"),
        )
    known = frame.dropna(subset=["unit", "parent"])
    parent: dict[str, str] = dict(zip(known["unit"], known["parent"], strict=True))
    for unit in sorted(parent):
        way = [unit]
        while way[-1] in parent and parent[way[-1]] not in way:
            way.append(parent[way[-1]])
        if parent.get(way[-1]) == unit:
            ledger.refuse(
                "CX-E052",
                f"units are their own parents: {' → '.join([*way, unit])}.",
                checked.place(frame["unit"].isin(way), role="parent"),
                cure="Leave the parent of the topmost unit empty.",
            )
            return


def _scores_while_leaving(tables: dict[str, Checked], ledger: Ledger) -> None:
    """Leave out scores given on the day of leaving or after: effects of leaving, not causes."""
    customers, responses = tables.get("customers"), tables.get("responses")
    if customers is None or responses is None or not is_dated(customers):
        return
    frame = responses.frame
    day = next((d for d in ("answered_on", "asked_on") if d in frame), None)
    table = responses.table
    if day is None or "customer" not in frame or not isinstance(table, Responses):
        return
    ends = customers.frame.dropna(subset=["customer"]).drop_duplicates("customer")
    end = frame["customer"].map(ends.set_index("customer")["end"])
    scored = frame[list(table.scores)].notna().any(axis=1)
    late = scored & (frame[day].dt.normalize() >= end.dt.normalize())
    if late.any():
        ledger.repair(
            "CX-R019",
            f"{late.sum():,} of {scored.sum():,} scored answers were given on the day of leaving "
            "or after it: left out wherever they would count as a cause of leaving.",
            responses.place(late, role=day),
        )


def _before_the_data(
    tables: dict[str, Checked], observed_from: pd.Timestamp, ledger: Ledger
) -> None:
    """Flag what lies before the first day that the data cover."""
    customers = tables.get("customers")
    if customers is not None and is_dated(customers):
        gone = customers.frame["end"] < observed_from
        if gone.any():
            ledger.flag(
                "CX-F016",
                f"{markup.counted(int(gone.sum()), 'customer')} left before observed_from "
                f"({observed_from:%Y-%m-%d}), never at risk in these data.",
                customers.place(gone, role="end"),
            )
    for name, role in (
        ("responses", "asked_on"),
        ("responses", "answered_on"),
        ("tickets", "opened"),
        ("orders", "ordered_on"),
    ):
        if name in tables and role in tables[name].frame:
            early = tables[name].frame[role] < observed_from
            if early.any():
                ledger.flag(
                    "CX-F016",
                    f"{markup.numbered(int(early.sum()), 'row lies', 'rows lie')} before "
                    f"observed_from ({observed_from:%Y-%m-%d}), the first day the data cover.",
                    tables[name].place(early, role=role),
                )

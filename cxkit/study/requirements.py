"""What each notebook needs of a study, and why: the one list of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxkit.errors import ColumnError
from cxkit.study.contract import Responses, SnapshotCustomers, Table

if TYPE_CHECKING:
    from cxkit.study.study import Study


@dataclass(frozen=True)
class Need:
    """A table with some of its roles, and what they are needed for."""

    table: str
    roles: tuple[str, ...]
    why: str


#: For each notebook, the ways to feed it; one of them is enough. Beside roles, "any score" means
#: one of nps, csat, ces or a component, "items" an employee item, "experience" what a customer
#: went through in a snapshot.
REQUIREMENTS: dict[str, tuple[tuple[Need, ...], ...]] = {
    "retention_vs_experience": (
        (
            Need("customers", ("start", "end"), "to see who stayed and how long"),
            Need(
                "responses",
                ("customer", "answered_on", "any score"),
                "to know whose experience was good, and when they said so",
            ),
        ),
        (
            Need(
                "customers",
                ("tenure", "churned", "experience"),
                "to compare who left after a good and a bad experience",
            ),
        ),
    ),
    "engagement_correlation": (
        (
            Need("engagement", ("unit", "wave", "items"), "to know how engaged each unit is"),
            Need(
                "responses",
                ("unit", "answered_on", "any score"),
                "to know the experience each unit gives",
            ),
        ),
        (
            Need("engagement", ("unit", "wave", "items"), "to know how engaged each unit is"),
            Need(
                "responses",
                ("customer", "answered_on", "any score"),
                "to know the experience each customer has",
            ),
            Need("customers", ("customer", "unit"), "to know whose customers they are"),
        ),
        (
            Need(
                "unit_scores",
                ("unit", "wave", "engagement", "experience"),
                "to compare units measured elsewhere",
            ),
        ),
        (
            Need("engagement", ("unit", "wave", "items"), "to know how engaged each unit is"),
            Need(
                "unit_scores",
                ("unit", "wave", "experience"),
                "to know the experience each unit gives",
            ),
        ),
        (
            Need("unit_scores", ("unit", "wave", "engagement"), "to know how engaged each unit is"),
            Need(
                "responses",
                ("unit", "answered_on", "any score"),
                "to know the experience each unit gives",
            ),
        ),
    ),
}


def lacking(study: Study, notebook: str) -> list[str]:
    """Return what a study lacks for a notebook, by its nearest way (else the first); empty if none.

    Parameters
    ----------
    study : Study
    notebook : str
        A name in ``REQUIREMENTS``.

    Returns
    -------
    list of str
        One sentence part per table: what is missing, and why it is needed.
    """
    ways = [_missing(study, way) for way in REQUIREMENTS[notebook]]
    present = [any(study.has(need.table) for need in way) for way in REQUIREMENTS[notebook]]
    nearest = [way for way, there in zip(ways, present, strict=True) if there] or ways[:1]
    return min(nearest, key=len)


def hold_requirements(study: Study, notebook: str) -> None:
    """Refuse a study whose tables are there but lack a column that a notebook needs.

    Parameters
    ----------
    study : Study
        Whose tables were asked for by `Study.need` already.
    notebook : str
        A name in ``REQUIREMENTS``.

    Raises
    ------
    ColumnError
        Says which roles no column has, what they are for, and what to write.
    """
    ways = [w for w in REQUIREMENTS[notebook] if all(n.table in study.contract.tables for n in w)]
    if not ways or any(not _missing(study, way) for way in ways):
        return
    told = []
    for need in min(ways, key=lambda way: len(_missing(study, way))):
        table = study.contract.tables[need.table]
        roles = [role for role in need.roles if not _has(table, role)]
        if roles:
            lines = "".join(f"\n    {_WRITE.get(r, f'{r}: NAME OF THE COLUMN')}" for r in roles)
            told.append(
                f"{study.name}: {need.table} has no column for {_named(roles)}, needed "
                f"{need.why}.\n  in study.yml write, under {need.table}:{lines}"
            )
    raise ColumnError("\n".join(told))


def _named(roles: list[str]) -> str:
    """Return roles as words."""
    return " and ".join({"any score": "a score"}.get(role, role) for role in roles)


#: What is written for a need that is not one role.
_WRITE = {
    "any score": "nps: NAME OF THE COLUMN",
    "items": "items: {NAME: {column: NAME OF THE COLUMN, scale: [1, 5]}}",
    "experience": "experience: {NAME: {column: NAME OF THE COLUMN, bad: [1]}}",
}


def _missing(study: Study, way: tuple[Need, ...]) -> list[str]:
    """Return what is missing for one way."""
    found = []
    for need in way:
        table = study.contract.tables.get(need.table)
        if table is None:
            found.append(f"the table {need.table}, {need.why}")
            continue
        roles = [role for role in need.roles if not _has(table, role)]
        if roles:
            found.append(f"{' and '.join(roles)} in {need.table}, {need.why}")
    return found


def _has(table: Table, role: str) -> bool:
    """Return whether a table declares a role, or one of a group of them."""
    if role == "any score":
        return isinstance(table, Responses) and bool(table.scores)
    if role == "experience" and isinstance(table, SnapshotCustomers):
        return bool(table.experience)
    if role == "items":
        return bool(getattr(table, "items", {}))
    return role in table.roles

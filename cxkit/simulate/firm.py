"""A bank with branches, customers, surveys, tickets and employees, and a truth that is known."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxkit.errors import ParameterError
from cxkit.simulate.branches import Branches, draw_branches, units_table
from cxkit.simulate.contacts import orders_table, tickets_table
from cxkit.simulate.contract import study_yml, with_rows
from cxkit.simulate.customers import Customers, customers_table, draw_customers
from cxkit.simulate.office import head_office
from cxkit.simulate.people import People, Wave, draw_people, draw_waves, staff_table
from cxkit.simulate.surveys import Surveys, draw_surveys, responses_table
from cxkit.simulate.truth import FILE, truth_of
from cxkit.simulate.yearly import unit_scores_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: So many posts in the branches need one more at the head office.
POSTS_PER_OFFICE_POST = 80

#: Beyond it the hazard of a band is 80 times that of another, which no firm has.
MOST_EFFECT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """Everything about the firm, what nobody can know of a real one included."""

    settings: Mapping[str, float | int]
    branches: Branches
    customers: Customers
    surveys: Surveys
    people: People
    waves: Sequence[Wave]
    tables: Mapping[str, Mapping[str, Sequence[str]]]


def draw_firm(
    *,
    seed: int = 1,
    branches: int = 120,
    customers: int = 6000,
    staff: int = 1900,
    experience_effect: float = 1.0,
    engagement_link: float = 0.5,
) -> Firm:
    """Draw a firm without writing it; the arguments are those of ``simulate_firm``."""
    _check(
        seed=seed,
        branches=branches,
        customers=customers,
        staff=staff,
        effect=experience_effect,
        link=engagement_link,
    )
    b = draw_branches(seed, branches=branches, staff=staff, engagement_link=engagement_link)
    c = draw_customers(seed, b, customers=customers, experience_effect=experience_effect)
    s = draw_surveys(seed, b, c)
    p = draw_people(seed, b)
    waves, engagement = draw_waves(seed, p, b)
    office = head_office(seed, posts=staff // POSTS_PER_OFFICE_POST, after=p.n)
    of_people = {"engagement": engagement, "staff": staff_table(p, b), "units": units_table(b)}
    return Firm(
        settings={
            "seed": seed,
            "branches": branches,
            "customers": customers,
            "staff": staff,
            "experience_effect": float(experience_effect),
            "engagement_link": float(engagement_link),
        },
        branches=b,
        customers=c,
        surveys=s,
        people=p,
        waves=waves,
        tables={
            "customers": customers_table(c, b),
            "responses": responses_table(s, c, b),
            "tickets": tickets_table(seed, c, b),
            "orders": orders_table(seed, c),
            **{name: _below(rows, office[name]) for name, rows in of_people.items()},
            "unit_scores": unit_scores_table(seed, b),
        },
    )


def simulate_firm(
    folder: str | Path,
    *,
    seed: int = 1,
    branches: int = 120,
    customers: int = 6000,
    staff: int = 1900,
    experience_effect: float = 1.0,
    engagement_link: float = 0.5,
) -> Path:
    """Write a simulated study: study.yml, its CSV files, and truth.yml.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there; files of the same names are replaced.
    seed : int
        The same seed gives the same bytes, under every Python and numpy that the kit supports.
    branches : int
        Branches, 1 or more.
    customers : int
        Customers in the table: those who left before the data begin are not.
    staff : int
        Posts, all branches together; the head office has one more for every 80.
    experience_effect : float
        Power of the hazard ratios of the bands (good 1, middling 1.5, poor 2.4): 0 is no effect at
        all, -1 the opposite one; from -5 to 5.
    engagement_link : float
        Correlation over branches of the stable engagement and the stable service, -1 to 1.

    Returns
    -------
    Path
        Of the study.yml.

    Raises
    ------
    ParameterError
        If a size is below 1, the seed below 0, ``experience_effect`` beyond 5 or
        ``engagement_link`` not a correlation.

    Notes
    -----
    The data run from 2023-07-01 to 2025-12-31. What is planted is written into ``truth.yml`` with
    its definitions. A table without a row (in the smallest firms) is left out. Random numbers are
    uniforms of ``numpy.random.default_rng``, transformed here.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = simulate_firm(folder, branches=2, customers=60, staff=5)
    ...     rows = (path.parent / "customers.csv").read_text(encoding="utf-8").splitlines()
    >>> path.name, len(rows) - 1
    ('study.yml', 60)
    """
    folder = Path(folder)
    _hold_free(folder)
    firm = draw_firm(
        seed=seed,
        branches=branches,
        customers=customers,
        staff=staff,
        experience_effect=experience_effect,
        engagement_link=engagement_link,
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name in with_rows(firm.tables):
        _write_csv(folder / f"{name}.csv", firm.tables[name])
    _write_text(folder / FILE, _truth_text(firm))
    path = folder / "study.yml"
    _write_text(path, study_yml(firm.tables))
    return path


def _below(
    rows: Mapping[str, Sequence[str]], more: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return the columns of two tables, the second below the first."""
    return {name: [*values, *more[name]] for name, values in rows.items()}


def _hold_free(folder: Path) -> None:
    """Refuse a folder with a study that was not simulated: nobody's data are written over."""
    if (folder / "study.yml").exists() and not (folder / FILE).exists():
        raise ParameterError(
            f"simulate_firm: {folder.name} holds a study that was not simulated (it has no {FILE})."
            "\n  Name a folder that is new, or that holds a simulated study."
        )


def _check(
    *, seed: int, branches: int, customers: int, staff: int, effect: float, link: float
) -> None:
    """Refuse a firm that cannot be."""
    for name, value in (("branches", branches), ("customers", customers), ("staff", staff)):
        if not isinstance(value, int) or value < 1:
            raise ParameterError(
                f"simulate_firm: asked for {name}={value!r}, and a firm has at least 1.\n"
                f"  Give {name} as a whole number from 1."
            )
    if not isinstance(seed, int) or seed < 0:
        raise ParameterError(
            f"simulate_firm: seed={seed!r} begins no random numbers.\n"
            "  Give seed as a whole number from 0."
        )
    if not -MOST_EFFECT <= effect <= MOST_EFFECT:
        raise ParameterError(
            f"simulate_firm: asked for experience_effect={effect}, which no firm has.\n"
            f"  Give experience_effect from -{MOST_EFFECT} to {MOST_EFFECT}: 0 is no effect, 1 "
            "that of the sample."
        )
    if not -1 <= link <= 1:
        raise ParameterError(
            f"simulate_firm: asked for engagement_link={link}, which is no correlation.\n"
            "  Give engagement_link from -1 to 1."
        )


def _write_csv(path: Path, table: Mapping[str, Sequence[str]]) -> None:
    """Write columns as a CSV file, the same bytes on every system."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


def _write_text(path: Path, text: str) -> None:
    """Write text, the same bytes on every system."""
    path.write_bytes(text.encode("utf-8"))


def _truth_text(firm: Firm) -> str:
    """Return truth.yml."""
    import yaml

    text: str = yaml.safe_dump(truth_of(firm), sort_keys=False, allow_unicode=True, width=100)
    return text

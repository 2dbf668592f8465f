"""A bank with branches, customers, surveys, tickets and employees, and a truth that is known."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cxkit.errors import ParameterError
from cxkit.simulate.answers import NO_ANSWER
from cxkit.simulate.branches import Branches, draw_branches, units_table
from cxkit.simulate.contacts import orders_table, tickets_table
from cxkit.simulate.customers import Customers, customers_table, draw_customers
from cxkit.simulate.days import AS_OF, OBSERVED_FROM, iso
from cxkit.simulate.people import (
    ITEMS,
    REVERSED,
    People,
    Wave,
    draw_people,
    draw_waves,
    staff_table,
)
from cxkit.simulate.surveys import Surveys, draw_surveys, responses_table
from cxkit.simulate.truth import FILE, truth_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
    seed: int = 20251231,
    branches: int = 120,
    customers: int = 6000,
    staff: int = 1900,
    experience_effect: float = 1.0,
    engagement_link: float = 0.5,
) -> Firm:
    """Draw a firm without writing it; the arguments are those of ``simulate_firm``."""
    _check(branches, customers, staff, engagement_link)
    b = draw_branches(seed, branches=branches, staff=staff, engagement_link=engagement_link)
    c = draw_customers(seed, b, customers=customers, experience_effect=experience_effect)
    s = draw_surveys(seed, b, c)
    p = draw_people(seed, b)
    waves, engagement = draw_waves(seed, p, b)
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
            "engagement": engagement,
            "staff": staff_table(p, b),
            "units": units_table(b),
        },
    )


def simulate_firm(
    folder: str | Path,
    *,
    seed: int = 20251231,
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
        Posts, all branches together.
    experience_effect : float
        Power of the hazard ratios of the bands (good 1, middling 1.5, poor 2.4): 0 is no effect at
        all, -1 the opposite one.
    engagement_link : float
        Correlation over branches of the stable engagement and the stable service, -1 to 1.

    Returns
    -------
    Path
        Of the study.yml.

    Raises
    ------
    ParameterError
        If a size is below 1, or ``engagement_link`` is not a correlation.

    Notes
    -----
    The data run from 2023-07-01 to 2025-12-31. What is planted is written into ``truth.yml`` with
    its definitions. Random numbers are uniforms of ``numpy.random.default_rng``, transformed here.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = simulate_firm(folder, branches=2, customers=60, staff=5)
    ...     print(path.name, sum(1 for _ in open(path.parent / "customers.csv")) - 1)
    study.yml 60
    """
    folder = Path(folder)
    firm = draw_firm(
        seed=seed,
        branches=branches,
        customers=customers,
        staff=staff,
        experience_effect=experience_effect,
        engagement_link=engagement_link,
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in firm.tables.items():
        _write_csv(folder / f"{name}.csv", table)
    _write_text(folder / FILE, _truth_text(firm))
    path = folder / "study.yml"
    _write_text(path, _contract())
    return path


def _check(branches: int, customers: int, staff: int, link: float) -> None:
    """Refuse a firm that cannot be."""
    for name, value in (("branches", branches), ("customers", customers), ("staff", staff)):
        if value < 1:
            raise ParameterError(
                f"simulate_firm: asked for {name}={value}, and a firm has at least 1.\n"
                f"  Give {name} as a whole number from 1."
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


def _contract() -> str:
    """Return study.yml."""
    items = "\n".join(
        f"    {name}: {{column: {column}, group: {group}, scale: [1, 5]"
        + (", reversed: true}" if column == REVERSED else "}")
        for column, (name, group, _) in ITEMS.items()
    )
    return _CONTRACT.format(
        as_of=iso(np.array([AS_OF]))[0],
        observed_from=iso(np.array([OBSERVED_FROM]))[0],
        missing=NO_ANSWER,
        items=items,
    )


_CONTRACT = """\
# A simulated bank: every person, branch and answer is made up. What is planted: truth.yml
study: Northway Bank (simulated)
as_of: {as_of}
observed_from: {observed_from}

customers:                      # one relationship; who left before observed_from is not here
  file: customers.csv
  form: dates
  customer: customer_id
  start: joined_on
  end: left_on                  # empty: still a customer at as_of
  end_reason: left_because
  value: {{column: yearly_revenue, unit: EUR}}
  unit: branch
  segments: [region, segment, plan]

responses:                      # one survey sent; answered_on is empty where nobody answered
  file: responses.csv
  missing: [{missing}]
  response: response_id
  customer: customer_id
  unit: branch
  asked_on: asked_on
  answered_on: answered_on
  touchpoint: touchpoint
  stage: stage
  mode: mode
  nps: {{column: nps, scale: [0, 10], detractor: 6, promoter: 9}}
  csat: {{column: csat, scale: [1, 5], top: 4}}
  ces: {{column: ces, version: "2.0"}}
  customer_service: {{column: served_well, scale: [1, 5]}}
  user_experience: {{column: easy_to_use, scale: [1, 5]}}
  personalization: {{column: knows_me, scale: [1, 5]}}
  consistency: {{column: same_everywhere, scale: [1, 5]}}
  referred: recommended_us
  review: wrote_review
  comment: comment

tickets:                        # one service case; resolved_at is empty while it is open
  file: tickets.csv
  ticket: ticket_id
  customer: customer_id
  unit: branch
  opened: opened_at
  first_response: first_response_at
  resolved: resolved_at
  reopened: reopened
  channel: handled_by
  wait: {{column: wait_minutes, unit: minutes}}
  auto_closed: auto_closed

orders:
  file: orders.csv
  customer: customer_id
  ordered_on: ordered_on
  amount: {{column: amount, unit: EUR}}

engagement:                     # one employee's answers in one quarterly wave
  file: engagement.csv
  respondent: respondent
  unit: branch
  wave: wave
  items:
{items}
  enps: {{column: enps, scale: [0, 10]}}
  perceived_experience: {{column: serves_well, scale: [1, 5]}}

staff:                          # one employment spell; the survey's pseudonyms are not these ids
  file: staff.csv
  employee: employee_id
  unit: branch
  start: hired_on
  end: left_on
  pay_band: pay_band

units:
  file: units.csv
  unit: branch
  name: branch_name
  attributes: [region, size, urban]
"""

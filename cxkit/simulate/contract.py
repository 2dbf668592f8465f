"""The study.yml of the simulated firm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxkit.simulate.answers import NO_ANSWER
from cxkit.simulate.days import AS_OF, OBSERVED_FROM, iso
from cxkit.simulate.people import ITEMS, REVERSED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def with_rows(tables: Mapping[str, Mapping[str, Sequence[str]]]) -> list[str]:
    """Return the names of the tables that have a row: a very small firm may have no ticket yet."""
    return [name for name, table in tables.items() if any(map(len, table.values()))]


def study_yml(tables: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    """Return the contract of the tables that have rows."""
    items = "\n".join(
        f"    {name}: {{column: {column}, group: {group}, scale: [1, 5]"
        + (", reversed: true}" if column == REVERSED else "}")
        for column, (name, group, _) in ITEMS.items()
    )
    parts = [_HEAD, *(_TABLES[name] for name in with_rows(tables))]
    as_of, observed_from = iso(np.array([AS_OF, OBSERVED_FROM]))
    return "\n".join(parts).format(
        as_of=as_of, observed_from=observed_from, missing=NO_ANSWER, items=items
    )


_HEAD = """\
# A simulated bank: every person, branch and answer is made up. What is planted: truth.yml
study: Northway Bank (simulated)
as_of: {as_of}
observed_from: {observed_from}
"""

_TABLES = {
    "customers": """\
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
""",
    "responses": """\
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
""",
    "tickets": """\
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
""",
    "orders": """\
orders:
  file: orders.csv
  customer: customer_id
  ordered_on: ordered_on
  amount: {{column: amount, unit: EUR}}
""",
    "engagement": """\
engagement:                     # one employee's answers in one quarterly wave
  file: engagement.csv
  respondent: respondent
  unit: branch
  wave: wave
  items:
{items}
  enps: {{column: enps, scale: [0, 10]}}
  perceived_experience: {{column: serves_well, scale: [1, 5]}}
""",
    "staff": """\
staff:                          # one employment spell; the survey's pseudonyms are not these ids
  file: staff.csv
  employee: employee_id
  unit: branch
  start: hired_on
  end: left_on
  pay_band: pay_band
""",
    "units": """\
units:
  file: units.csv
  unit: branch
  name: branch_name
  attributes: [region, size, urban]
""",
    "unit_scores": """\
unit_scores:                    # a yearly index, bought before the quarterly survey began
  file: unit_scores.csv
  unit: branch
  wave: year
  instrument: questionnaire     # two questionnaires: their scores are never subtracted
  engagement: {{column: team_index, scale: [0, 100]}}
  experience: {{column: customer_index, scale: [0, 100]}}
  n_employees: employees_asked
  n_customers: customers_asked
  raters: different people
""",
}

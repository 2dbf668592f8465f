"""A small study on disk, to be spoiled one thing at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTRACT = """\
study: Corner shop
as_of: 2025-12-31
customers:
  file: customers.csv
  customer: customer_id
  start: joined_on
  end: left_on
  unit: branch
  segments: [region]
responses:
  file: responses.csv
  missing: [98]
  response: response_id
  customer: customer_id
  unit: branch
  asked_on: asked_on
  answered_on: answered_on
  touchpoint: touchpoint
  stage: stage
  nps: {column: nps, scale: [0, 10]}
  csat: {column: csat, scale: [1, 5], top: 4}
  comment: comment
engagement:
  file: engagement.csv
  respondent: respondent
  unit: branch
  wave: wave
  items:
    proud: {column: q1, scale: [1, 5], group: engaged}
    left_alone: {column: q2, scale: [1, 5], group: engaged, reversed: true}
units:
  file: units.csv
  unit: branch
  parent: district
  attributes: [region, size]
"""

FILES = {
    "customers.csv": """\
customer_id,joined_on,left_on,branch,region
c1,2024-01-01,,b1,North
c2,2024-02-01,2025-06-30,b1,North
c3,2024-03-01,,b2,South
""",
    "responses.csv": """\
response_id,customer_id,branch,asked_on,answered_on,touchpoint,stage,nps,csat,comment
r1,c1,b1,2025-01-05,2025-01-06,app,use,9,5,good
r2,c2,b1,2025-01-05,2025-01-07,app,use,6,3,
r3,c3,b2,2025-01-05,,phone,service,,,
r4,c3,b2,2025-02-05,2025-02-05,phone,service,98,4,"slow, but
kind"
r5,c1,b1,2025-03-05,2025-03-05,app,use,10,5,again good
""",
    "engagement.csv": """\
respondent,branch,wave,q1,q2
e1,b1,2025Q1,4,2
e2,b1,2025Q1,5,1
e3,b2,2025Q1,,3
""",
    "units.csv": """\
branch,district,region,size
b1,,North,large
b2,b1,South,small
""",
}


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of the shop's files: name=text replaces a file, or (old, new) a part."""

    def write(contract: str | tuple[str, str] = CONTRACT, **changed: str | tuple[str, str]) -> Path:
        for name, text in FILES.items():
            change = changed.pop(name.removesuffix(".csv"), text)
            (tmp_path / name).write_text(_replaced(text, change), encoding="utf-8", newline="")
        path = tmp_path / "study.yml"
        path.write_text(_replaced(CONTRACT, contract), encoding="utf-8")
        return path

    return write


def _replaced(text: str, change: str | tuple[str, str]) -> str:
    if isinstance(change, str):
        return change
    old, new = change
    if old not in text:
        raise ValueError(f"{old!r} is not there to be replaced")
    return text.replace(old, new)

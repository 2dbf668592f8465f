"""Small and awkward firms: each ends in a true sentence, none in NaN or a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.disclosure import Policy, showable
from cxkit.errors import QuestionError

if TYPE_CHECKING:
    from pathlib import Path

YML = """study: edge
as_of: 2025-12-31
customers: {file: customers.csv, customer: id, start: joined, end: left, unit: unit}
responses:
  file: responses.csv
  customer: id
  unit: unit
  answered_on: day
  csat: {column: csat, scale: [1, 5], top: 4}
engagement:
  file: engagement.csv
  respondent: who
  unit: unit
  wave: wave
  items:
    proud: {column: q1, scale: [1, 5], group: engaged}
    heard: {column: q2, scale: [1, 5], group: engaged}
    able: {column: q3, scale: [1, 5], group: able}
"""


def firm(
    folder: Path,
    *,
    units: int,
    staff: int = 12,
    clients: int = 10,
    waves: int = 4,
    same: bool = False,
    seed: int = 1,
) -> object:
    """Write a firm whose answers are noise, and open it."""
    rng = np.random.default_rng(seed)
    people, answers = [], []
    for u in range(units):
        for w in range(waves):
            for s in range(staff):
                q = [3, 3, 3] if same else rng.integers(1, 6, 3).tolist()
                people.append((f"e{u}-{s}", f"u{u}", f"2025Q{w + 1}", *q))
            for c in range(clients):
                day = f"2025-{3 * w + 1:02d}-15"
                answers.append((f"c{u}-{c}", f"u{u}", day, 4 if same else int(rng.integers(1, 6))))
    pd.DataFrame(people, columns=["who", "unit", "wave", "q1", "q2", "q3"]).to_csv(
        folder / "engagement.csv", index=False
    )
    table = pd.DataFrame(answers, columns=["id", "unit", "day", "csat"])
    table.to_csv(folder / "responses.csv", index=False)
    known = table.drop_duplicates("id")[["id", "unit"]]
    known.assign(joined="2020-01-01", left="").to_csv(folder / "customers.csv", index=False)
    (folder / "study.yml").write_text(YML, encoding="utf-8")
    return cx.open_study(folder / "study.yml")


def test_an_undeclared_reverse_item_stops_the_answer(tmp_path):
    study = firm(tmp_path, units=20)
    frame = pd.read_csv(tmp_path / "engagement.csv")
    frame["q2"] = frame["q1"].clip(1, 5)
    frame["q3"] = 6 - frame["q1"]
    frame.to_csv(tmp_path / "engagement.csv", index=False)
    with pytest.raises(QuestionError, match=r"Item 'able'[\s\S]*reversed: true"):
        cx.linkage_answer(cx.open_study(tmp_path / "study.yml"))
    assert study.name == "edge"


def test_a_person_in_two_units_counts_once_in_totals(tmp_path):
    firm(tmp_path, units=8)
    frame = pd.read_csv(tmp_path / "engagement.csv")
    twice = frame[frame["who"] == "e0-0"].assign(unit="u1")
    pd.concat([frame, twice]).to_csv(tmp_path / "engagement.csv", index=False)
    result = cx.linkage_answer(cx.open_study(tmp_path / "study.yml"))
    row = result.who.frame.set_index("step").loc["employees"]
    assert row["n"] == 8 * 12
    assert "fewer than 10 also in a second unit" in row["reason"]


def test_one_small_unit_takes_the_next_smallest_with_it():
    units = pd.DataFrame(
        {
            "n_employees": [4, 12, 15, 40],
            "n_customers": [30, 30, 30, 30],
            "engagement": [3.0, 4.0, 3.5, 3.6],
            "experience": [4.0, 3.0, 3.5, 3.7],
        }
    )
    seen = showable(units, Policy())
    assert (seen.hidden, seen.taken_along) == (2, 1)
    assert seen.units["n_employees"].tolist() == [15, 40]
    pool = seen.pool.iloc[0]
    assert pool["n_employees"] == 16
    assert pool["engagement"] == pytest.approx((4 * 3.0 + 12 * 4.0) / 16)
    assert "1 more to protect them" in seen.reason
    three = showable(units.assign(n_employees=[4, 5, 6, 40]), Policy())
    assert (three.hidden, three.taken_along) == (3, 0)


def test_units_with_one_side_are_named(tmp_path):
    firm(tmp_path, units=10)
    frame = pd.read_csv(tmp_path / "responses.csv")
    frame[frame["unit"] != "u3"].to_csv(tmp_path / "responses.csv", index=False)
    result = cx.linkage_answer(cx.open_study(tmp_path / "study.yml"))
    assert "without experience: u3" in str(result.who)
    assert any(g.fired for g in result.answer.guards if g.kind == "units without a partner")

"""Nothing shown tells of fewer people than the policy allows: every page is searched for marks."""

from __future__ import annotations

import dataclasses
import json
import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import yaml

import cxkit as cx
from cxkit.disclosure import Policy, showable
from cxkit.linkage.behind import people, people_in_waves
from cxkit.linkage.groups import groups
from cxkit.linkage.pairs import pair
from tests import folders
from tests.handmade import opened
from tests.linkage.test_bent_studies import aggregated
from tests.linkage.test_edges import YML
from tests.linkage.test_page import everything

if TYPE_CHECKING:
    from pathlib import Path

#: Regions with their units, and the employees and customers of each unit.
REGIONS = {
    "North": (10, 12, 15), "South": (10, 12, 15), "East": (10, 12, 15), "West": (10, 12, 15),
    "Zanzibar": (8, 1, 15), "Zermatt": (3, 3, 3),
}  # fmt: skip

#: What employees and customers of units too small to be shown answer, and nobody else: by turns.
MARKS = ([1, 1, 2], [1, 2, 2])


def marked(folder: Path, *, waves: int = 4) -> Path:
    """Write a firm whose small units have names, counts and answers like no other."""
    rng = np.random.default_rng(11)
    staff, clients, units = [], [], []
    for region, (several, employees, customers) in REGIONS.items():
        for u in range(several):
            unit, mood = f"{region[:5]}-{u}", rng.normal()
            small = employees < 10
            units.append((unit, region))
            for w in range(waves):
                for e in range(employees):
                    q = np.clip(np.round(3.6 + 0.4 * mood + 0.6 * rng.normal(size=3)), 3, 5)
                    q = MARKS[u % 2] if small else q.astype(int).tolist()
                    staff.append((f"e-{unit}-{e}", unit, f"2025Q{w + 1}", *q))
                for c in range(customers):
                    score = int(np.clip(round(3.6 + 0.6 * mood + 0.7 * rng.normal()), 3, 5))
                    score = MARKS[u // 2 % 2][c % 3] if small else score
                    clients.append((f"c-{unit}-{c}", unit, f"2025-{3 * w + 1:02d}-15", score))
    pd.DataFrame(staff, columns=["who", "unit", "wave", "q1", "q2", "q3"]).to_csv(
        folder / "engagement.csv", index=False
    )
    answers = pd.DataFrame(clients, columns=["id", "unit", "day", "csat"])
    answers.to_csv(folder / "responses.csv", index=False)
    known = answers.drop_duplicates("id")[["id", "unit"]]
    known.assign(joined="2020-01-01", left="").to_csv(folder / "customers.csv", index=False)
    pd.DataFrame(units, columns=["unit", "region"]).to_csv(folder / "units.csv", index=False)
    spec = yaml.safe_load(YML)
    spec["units"] = {"file": "units.csv", "unit": "unit", "attributes": ["region"]}
    (folder / "study.yml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return folder / "study.yml"


@cache
def firm() -> object:
    """Return that firm as a study, opened once."""
    return cx.open_study(marked(folders.shared("firm")))


@cache
def answer() -> object:
    """Return its linkage answer, which is frozen."""
    return cx.linkage_answer(firm())


def small_values() -> set[str]:
    """Return the means of the small units as a page would write them."""
    return {f"{np.mean(mark):.{d}f}" for mark in MARKS for d in (2, 3, 4)}


@pytest.mark.parametrize("given", [{}, {"wave": "2025Q2"}, {"min_employees": 12}])
def test_no_name_no_mean_and_no_count_of_a_small_unit_is_shown(tmp_path, given):
    study = marked(tmp_path)
    page = everything(study, **given)
    assert "North-3" in page, "units that are large enough are named in the league"
    small = [f"{region[:5]}-" for region, (_, staff, _) in REGIONS.items() if staff < 10]
    assert not [name for name in small if name in page]
    numbers = set(re.findall(r"(?<![\d.])\d+\.\d+(?![\d.])", page))
    assert not numbers & small_values()
    assert "least fewer than" in page
    assert not re.search(r"median [^|<]*, least [1-9]\b", page)


def test_a_mark_would_be_found():
    """The search is one that finds: the values searched for are those of the small units."""
    study = firm()
    hidden = pair(study, measure="").units.query("n_employees < 10").round(2)
    assert {f"{v:g}" for v in hidden["engagement"]} <= small_values()
    assert {f"{v:g}" for v in hidden["experience"]} <= small_values()
    assert "Zanzi-0" in set(hidden["unit"])
    assert answer().shown.hidden == len(hidden) == 11


def test_people_who_all_answered_alike_are_no_pool_of_their_own(tmp_path):
    """Eleven single employees are enough, but their mean would be what each of them said."""
    units = pd.DataFrame(
        {"n_employees": [1] * 11 + [12, 14], "n_customers": 30, "experience": 4.0,
         "engagement": [0.1 + 0.2] + [0.3] * 10 + [3.0, 4.0], "alike": [True] * 11 + [False] * 2}
    )  # fmt: skip
    seen = showable(units, Policy())
    assert (seen.hidden, seen.taken_along) == (12, 1)
    varied = showable(units.assign(engagement=np.linspace(1, 4, 13)), Policy())
    assert (varied.hidden, varied.taken_along) == (11, 0)
    one = pd.read_csv(marked(tmp_path).parent / "engagement.csv")
    one[one["unit"] != "Zanzi-0"].to_csv(tmp_path / "engagement.csv", index=False)
    alone = pair(cx.open_study(tmp_path / "study.yml"), measure="").units.set_index("unit")["alike"]
    assert alone["Zanzi-1"], "one person is like himself"


def test_a_region_of_few_people_has_no_row_of_its_own():
    """Eight units of one employee each are units enough, but eight people."""
    table = answer().groups
    shown = table.frame.set_index("group")["n"]
    assert [g for g in REGIONS if g in shown.index] == ["North", "South", "East", "West"]
    assert shown["2 groups together"] == 11, "they count, and have people enough together"
    assert shown["all, pooled"] == sum(several for several, _, _ in REGIONS.values())
    assert "2 groups with fewer than 8 units, 10 employees or 5 customers" in table.caption
    assert "over 51 units" in table.caption


def test_groups_too_small_together_take_the_next_smallest_with_them():
    study = firm()
    pairs = pair(study, measure="")
    few = pairs.units[~pairs.units["unit"].str.startswith("Zanzi")]
    table = groups(pairs, few, Policy(), level=0.95)
    rows = table.frame.set_index("group")["n"]
    assert rows["2 groups together"] == 13, "Zermatt's three units and a region of ten"
    assert len([g for g in REGIONS if g in rows.index]) == 3
    assert "1 more to protect them" in table.caption
    raised = groups(pairs, few, Policy(employees=200), level=0.95)
    assert "Pooling takes at least 3 groups" in str(raised)


def test_units_without_a_region_are_counted():
    study = firm()
    pairs = pair(study, measure="")
    known = pairs.attributes.assign(
        region=lambda f: f["region"].where(~f["unit"].isin({"North-0", "North-1"}))
    )
    table = groups(dataclasses.replace(pairs, attributes=known), pairs.units, Policy(), level=0.95)
    assert "2 units without one left out" in table.caption
    assert table.frame.set_index("group").loc["North", "n"] == 8


def test_scores_of_few_people_from_elsewhere_are_withheld_as_answers_are(tmp_path):
    """The form's counts say how few stand behind it; unpublished counts are their publisher's."""
    study, rows = aggregated(tmp_path, 2, units=8)
    rows.assign(staff=1).to_csv(tmp_path / "u.csv", index=False)
    result = cx.linkage_answer(cx.open_study(tmp_path / "study.yml"))
    assert (result.r.value, result.r.status) == (None, "withheld")
    assert result.correlations.frame["value"].isna().all()
    assert not re.search(r"\br = ", str(result.answer))
    moved = result.measured.frame.set_index("metric")["status"]
    assert moved["Change in engagement between the last two waves"] == "no data", "of eight people"
    assert cx.linkage_answer(study).r.status in {"ok", "withheld"}
    rows.assign(staff=2).to_csv(tmp_path / "u.csv", index=False)
    assert cx.linkage_answer(cx.open_study(tmp_path / "study.yml")).r.ok


def test_answers_of_few_customers_are_withheld(tmp_path):
    def bend(_, tables):
        tables["responses"]["id"] = [f"C{i % 4:04d}" for i in range(600)]

    result = cx.linkage_answer(opened(tmp_path, bend))
    assert "fewer than 5 customers" in result.answer.headline
    for name in ("models", "groups", "lags_table", "places", "step", "items", "panel",
                 "engagement_league"):  # fmt: skip
        assert str(getattr(result, name)).startswith("Withheld: fewer than 5 customers"), name
    rungs = result.ladder.frame.set_index("rung")["figure"]
    assert rungs["ICC(1) of experience"] == "–"
    assert rungs["ICC(1) of engagement"] != "–", "the employees are many"
    assert not str(result.measured).startswith("Withheld")


def test_people_in_no_common_wave_are_not_counted_behind_the_waves(tmp_path):
    """Eight employees answered in a wave in which customers did too: the waves are withheld."""

    def bend(_, tables):
        asked = tables["engagement"]
        early = asked["who"].isin([f"E{i}" for i in range(8)])
        asked["wave"] = asked["wave"].where(early, asked["wave"].str.replace("2024", "2019"))

    result = cx.linkage_answer(opened(tmp_path, bend))
    assert result.r.ok
    for name in ("models", "step", "lags_table", "panel", "direction", "other_arrow", "later"):
        assert str(getattr(result, name)).startswith("Withheld: fewer than 10 employees"), name
    assert result.lags.empty
    assert not str(result.measured).startswith("Withheld")


def test_each_person_counts_once_behind_a_figure():
    study = firm()
    pairs = pair(study, measure="")
    zanzibar = pairs.units[pairs.units["unit"].str.startswith("Zanzi")]
    assert people(pairs, zanzibar) == (8, 8 * 15)
    everybody = sum(units * staff for units, staff, _ in REGIONS.values())
    assert people_in_waves(pairs)[0] == everybody


def test_what_fewer_answered_in_full_than_may_be_shown_is_withheld(tmp_path):
    """Alpha rests on those who answered every item: here six of 240."""

    def bend(_, tables):
        asked = tables["engagement"]
        first = asked["who"].isin([f"E{i}" for i in range(6)])
        asked.loc[~first & (asked.index % 2 == 0), "q1"] = np.nan
        asked.loc[~first & (asked.index % 2 == 1), "q2"] = np.nan

    frame = cx.linkage_answer(opened(tmp_path, bend)).measured.frame
    alpha = frame[frame["metric"].str.contains("alpha")].iloc[0]
    assert alpha["status"] == "withheld"
    assert "fewer than 10 employees" in alpha["reason"]
    assert frame[frame["metric"].str.startswith("Engagement index")]["value"].notna().all()


def test_how_many_left_is_told_for_no_fewer_than_may_be_shown(tmp_path):
    def bend(spec, tables):
        spec["staff"] = {"file": "staff.csv", "employee": "who", "unit": "branch",
                         "start": "start", "end": "end"}  # fmt: skip
        people = tables["engagement"].drop_duplicates("who")[["who", "branch"]]
        left = np.where(np.arange(len(people)) < 3, "2024-08-15", "")
        tables["staff"] = people.assign(start="2020-01-01", end=left)

    said = str(cx.linkage_answer(opened(tmp_path, bend)).other_arrow)
    assert "fewer than 10 employees left" in said
    assert not re.search(r"\b[1-9] employees", said)


def test_the_league_of_nobody_is_a_sentence():
    result = cx.linkage_answer(firm(), min_employees=40)
    assert len(result.shown.units) == 0
    assert "No unit is held to a target on experience" in str(result.league)
    assert "No unit is held to a target on engagement" in str(result.engagement_league)
    page = json.dumps([str(result.league), cx.figures.scatter(result).caption, str(result.places)])
    assert not re.search(r"\b0 of 0\b|\bOf 0\b|\bof 0 shown", page)

"""Answers on one side and scores on the other, one wave alone, and what has no partner."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import MissingTableError, ParameterError
from cxkit.linkage.pairs import pair
from tests.handmade import frames, opened, plain

QUARTERS = [f"2024Q{q}" for q in (1, 2, 3, 4)]


def scores(side: str, waves: list[str], *, seed: int = 2) -> pd.DataFrame:
    """Return a score of every branch in every wave, and how many people stand behind it."""
    rng = np.random.default_rng(seed)
    rows = [(f"B{u:02d}", w, u + rng.normal(), 10 + u) for u in range(20) for w in waves]
    return pd.DataFrame(rows, columns=["branch", "wave", side, "people"])


def mixture(side: str, waves: list[str], instrument: object = None):
    """Return how to bend the hand-made study: one side comes as scores."""
    table, count = {
        "experience": ("responses", "n_customers"),
        "engagement": ("engagement", "n_employees"),
    }[side]

    def bend(spec, tables):
        del spec[table], tables[table]
        tables["unit_scores"] = scores(side, waves)
        spec["unit_scores"] = {
            "file": "unit_scores.csv",
            "unit": "branch",
            "wave": "wave",
            "instrument": instrument or {"value": "mystery visits"},
            side: {"column": side, "scale": [-10, 40]},
            count: "people",
            "raters": "different people",
        }

    return bend


def test_employees_answers_beside_scores_of_experience(tmp_path):
    result = cx.linkage_answer(opened(tmp_path, mixture("experience", QUARTERS)))
    asked = frames()["engagement"]
    asked["index"] = asked[["q1", "q2", "q3"]].mean(axis=1)
    mine = asked.groupby(["branch", "who"])["index"].mean().groupby("branch").mean()
    theirs = scores("experience", QUARTERS).groupby("branch")["experience"].mean()
    assert result.r.n == 20
    assert result.r.value == pytest.approx(mine.corr(theirs))
    assert result.engagement_unit == "engagement index (1 to 5)"
    assert result.experience_unit == "experience score"
    rungs = result.ladder.frame.set_index("rung")["verdict"]
    assert rungs["ICC(2) of engagement"] != "not known"
    assert rungs["ICC(2) of experience"] == "not known"
    assert rungs["corrected for unreliability"] == "not known"
    by = pair(opened(tmp_path, mixture("experience", QUARTERS)), measure="")
    assert by.units.set_index("unit")["n_customers"].to_dict() == {
        f"B{u:02d}": 10 + u for u in range(20)
    }
    assert len(by.waves) == 80


def test_customers_answers_beside_scores_of_engagement(tmp_path):
    study = opened(tmp_path, mixture("engagement", QUARTERS))
    result = cx.linkage_answer(study)
    heard = frames()["responses"]
    heard = heard[pd.to_datetime(heard["day"]).dt.year == 2024]
    theirs = heard.groupby(["branch", "id"])["csat"].mean().groupby("branch").mean()
    mine = scores("engagement", QUARTERS).groupby("branch")["engagement"].mean()
    assert result.r.value == pytest.approx(mine.corr(theirs))
    found = pair(study, measure="csat")
    assert found.employees is None
    assert found.outside > 0, "answers of other years fall in no wave of the scores"
    assert found.waves_alone["side"].unique().tolist() == ["engagement"]
    assert "without engagement: 2022Q1, 2022Q2" in str(result.who)


def test_quarters_of_answers_lie_in_years_of_scores(tmp_path):
    found = pair(opened(tmp_path, mixture("experience", ["2023", "2024"])), measure="")
    assert set(found.waves["wave"]) == {"2024"}
    assert found.waves_alone.to_dict("list") == {"wave": ["2023"], "side": ["engagement"]}
    apart = pair(opened(tmp_path, mixture("experience", ["Spring"])), measure="")
    assert apart.waves.empty
    assert "no wave of the employees' survey lies in a wave" in apart.wave_note
    assert len(apart.units) == 20, "the units still stand side by side"


def test_instruments_of_the_scores_are_kept_apart_in_a_mixture(tmp_path):
    forms = {"2024Q1": "old", "2024Q2": "old", "2024Q3": "new", "2024Q4": "new"}
    study = opened(tmp_path, mixture("experience", QUARTERS, {"by_wave": forms}))
    result = cx.linkage_answer(study)
    assert result.by_instrument["instrument"].tolist() == ["old", "new"]
    asked = frames()["engagement"].query("wave >= '2024Q3'")
    mine = asked.assign(i=asked[["q1", "q2", "q3"]].mean(axis=1))
    mine = mine.groupby(["branch", "who"])["i"].mean().groupby("branch").mean()
    theirs = scores("experience", QUARTERS).query("wave >= '2024Q3'")
    assert result.r.value == pytest.approx(mine.corr(theirs.groupby("branch")["experience"].mean()))
    assert "no change score is given" in str(result.direction)


def test_one_side_alone_is_refused_by_name(tmp_path):
    def bend(spec, tables):
        mixture("experience", QUARTERS)(spec, tables)
        del spec["engagement"], tables["engagement"]

    with pytest.raises(MissingTableError, match=r"engagement[\s\S]*unit_scores does not hold"):
        cx.linkage_answer(opened(tmp_path, bend))


def test_one_wave_is_read_alone_and_an_unknown_one_refused():
    study = plain()
    one = cx.linkage_answer(study, wave="2024Q2")
    asked = frames()["engagement"].query("wave == '2024Q2'")
    heard = frames()["responses"]
    heard = heard[pd.PeriodIndex(heard["day"], freq="Q").astype(str) == "2024Q2"]
    mine = asked.assign(i=asked[["q1", "q2", "q3"]].mean(axis=1)).groupby("branch")["i"].mean()
    assert one.r.value == pytest.approx(mine.corr(heard.groupby("branch")["csat"].mean()))
    assert one.by_instrument["instrument"].tolist() == ["wave 2024Q2"]
    assert "not identified: 1 wave" in str(one.direction)
    with pytest.raises(ParameterError, match=r"wave='2031' [\s\S]*2024Q1, 2024Q2"):
        cx.linkage_answer(study, wave="2031")


def test_a_small_unit_without_a_partner_is_counted_and_not_named(tmp_path):
    def bend(_, tables):
        asked = tables["engagement"]
        few = asked[asked["branch"] == "B03"]["who"].unique()[:4]
        keep = (asked["branch"] != "B03") | asked["who"].isin(few)
        tables["engagement"] = asked[keep]
        heard = tables["responses"]
        tables["responses"] = heard[~heard["branch"].isin(["B03", "B04"])]

    said = " ".join(str(cx.linkage_answer(opened(tmp_path, bend)).who).split())
    assert "without experience: B04 and 1 not named" in said
    assert "B03" not in said


def test_waves_with_one_side_are_listed(tmp_path):
    def bend(_, tables):
        heard = tables["responses"]
        tables["responses"] = heard[~heard["day"].between("2024-04-01", "2024-06-30")]

    said = " ".join(str(cx.linkage_answer(opened(tmp_path, bend)).who).split())
    assert "without experience: 2024Q2" in said
    assert "without engagement: 2022Q1" in said


def test_an_item_that_few_answered_is_shown_nowhere(tmp_path):
    def bend(_, tables):
        asked = tables["engagement"].astype({"q3": float})
        asked.loc[~asked["who"].isin([f"E{i}" for i in range(9)]), "q3"] = np.nan
        tables["engagement"] = asked

    result = cx.linkage_answer(opened(tmp_path, bend))
    assert "Not shown: 1 item that fewer than 10 employees answered" in str(result.measured)
    assert result.items.frame["item"].tolist().count("q3") == 0
    assert result.agreement.frame["items"].tolist() == [2]


def test_somebody_in_two_units_takes_part_once(tmp_path):
    def staffed(spec, tables):
        ids = [f"S{i}" for i in range(300)]
        tables["staff"] = pd.DataFrame(
            {"id": ids, "branch": "B01", "start": "2020-01-01", "end": ""}
        )
        spec["staff"] = {
            "file": "staff.csv", "employee": "id", "unit": "branch", "start": "start", "end": "end",
        }  # fmt: skip

    def twice(spec, tables):
        staffed(spec, tables)
        asked = tables["engagement"]
        more = asked[asked["branch"] == "B05"].assign(branch="B06")
        tables["engagement"] = pd.concat([asked, more])

    def share(bend):
        frame = cx.linkage_answer(opened(tmp_path, bend)).measured.frame
        return frame[frame["metric"].str.startswith("Participation")].iloc[0]

    assert share(staffed)["value"] == share(twice)["value"] == pytest.approx(100 * 240 / 300)

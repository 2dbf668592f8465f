"""Units held to a target: shrunken, with the chance of lying below, and never those too small."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ParameterError
from cxkit.linkage.league import ENDS, held_to
from tests import firms
from tests.handmade import linked, opened, plain


def people(seed: int = 1, *, units: int = 60, spread: float = 0.5) -> pd.DataFrame:
    """Return people of units whose true means vary by ``spread`` around 3."""
    rng = np.random.default_rng(seed)
    true = 3 + spread * rng.normal(size=units)
    unit = np.repeat(np.arange(units), rng.integers(3, 30, units))
    return pd.DataFrame(
        {"unit": unit, "score": true[unit] + rng.normal(size=len(unit)), "true": true[unit]}
    )


def test_it_is_the_kits_shrinkage_and_funnel_and_no_other():
    answers = people()
    answers["score"] = answers["score"].round().clip(1, 5)
    held = held_to(answers, "score", measured_in="score").set_index("unit")
    rows = cx.by(answers, "unit", cx.csat_mean, column="score")
    drawn = cx.shrunken(rows, target=answers["score"].mean()).frame.set_index("unit")
    drawn["below"] /= 100
    for column in ("value", "low", "high", "below", "target"):
        assert held[column].to_numpy() == pytest.approx(
            drawn.loc[held.index, column].to_numpy(), abs=1e-9
        )
    limits = cx.funnel(rows).frame.set_index("unit")["outside"]
    assert (held["outside"] == limits.loc[held.index]).mean() > 0.95, "one variance in both"


def test_the_chance_of_lying_below_is_kept():
    """Of the units with a chance of 20 to 80 % about half must lie below; it is not a verdict."""
    chances, below = [], []
    for seed in range(30):
        answers = people(seed)
        held = held_to(answers, "score", measured_in="score", target=3.0).set_index("unit")
        true = answers.groupby("unit")["true"].first()
        chances += held["below"].tolist()
        below += (true.loc[held.index] < 3).tolist()
    told = pd.DataFrame({"chance": chances, "below": below})
    bins = pd.cut(told["chance"], [0, 0.1, 0.3, 0.7, 0.9, 1])
    for _, part in told.groupby(bins, observed=True):
        off = part["below"].mean() - part["chance"].mean()
        # five standard errors: units of one firm share its estimated mean
        assert abs(off) < 5 * np.sqrt(0.25 / len(part))


def test_a_target_moves_the_chance_and_not_the_score():
    answers = people()
    low, high = (held_to(answers, "score", measured_in="score", target=t) for t in (2.0, 4.0))
    assert low["value"].tolist() == high["value"].tolist()
    assert (low["below"] < high["below"]).all()


def test_fewer_than_four_units_or_no_spread_have_no_league():
    assert held_to(people(units=3), "score", measured_in="score").empty
    flat = people().assign(score=4.0)
    assert held_to(flat, "score", measured_in="score").empty


def test_the_page_lists_only_units_that_are_shown_and_told():
    study = firms.study(1.0, 0.9)
    most = int(firms.linked(1.0, 0.9).shown.units["n_customers"].median())
    result = cx.linkage_answer(study, target="3.5", min_customers=most)
    listed = result.league.frame
    shown = set(result.shown.units["unit"])
    assert len(listed)
    assert result.shown.hidden > 10, "half of the units are too small under this minimum"
    assert set(listed["unit"]) <= shown
    assert ((listed["below"] > 0.95) | (listed["below"] < 0.05)).all()
    assert len(listed) <= 2 * ENDS
    assert (listed["target"] == 3.5).all()
    assert listed["value"].is_monotonic_decreasing
    assert set(result.plane.units["unit"]) == shown
    assert result.plane.corners["units"].sum() == len(shown)
    staff = result.engagement_league.frame
    assert len(staff)
    assert set(staff["unit"]) <= shown
    assert (staff["n"] >= 10).all()
    people = study.engagement.groupby("unit")["respondent"].nunique()
    assert staff["n"].tolist() == people[staff["unit"]].tolist()
    middle = staff["target"].iloc[0]
    assert ((staff["value"] - middle).abs() < (staff["own"] - middle).abs()).all(), "no raw mean"
    assert f"Units held to engagement of {middle:.2f}" in result.engagement_league.caption
    for table in (result.league, result.engagement_league):
        assert f"{result.shown.hidden} that may not be shown" in table.caption
        assert list(table.shown) == [
            "Unit", "People", "Shrunken", "95 % interval", "P(below), %", "Funnel",
        ]  # fmt: skip
        assert not set(table.shown["P(below), %"]) & {"0.0", "100.0"}, "none is sure"
    with pytest.raises(ParameterError, match="target='high' is not a number"):
        cx.linkage_answer(plain(), target="high")


def test_the_step_is_told_in_the_score_and_in_nps_points():
    said = str(linked().step)
    assert "in mean CSAT" in said or "mean CSAT:" in said
    assert "NPS" in said
    assert "points" in said
    assert said.count("This compares units as they are") == 1
    asked = str(cx.linkage_answer(plain(), measure="nps").step)
    assert "CSAT" not in asked


def test_the_figures_show_no_small_unit_and_say_what_they_draw(tmp_path):
    result = firms.linked()
    plane = cx.figures.plane(result)
    assert plane.mime == "image/png"
    assert f"{len(result.shown.units):,} units by shrunken engagement" in plane.alt
    assert len(plane.table) == len(result.shown.units)
    assert "unit" not in plane.table.columns
    assert result.shown.reason in plane.caption
    strip = cx.figures.published(result)
    assert strip.mime == "image/png"
    assert "raw above corrected" in strip.alt
    assert strip.table["footing"].tolist() == sorted(strip.table["footing"], reverse=True)

    def few(_, tables):
        asked = tables["engagement"]
        tables["engagement"] = asked[asked["who"].isin([f"E{i}" for i in range(9)])]

    gone = cx.linkage_answer(opened(tmp_path, few))
    assert gone.plane is None
    assert "no plane to draw" in str(cx.figures.plane(gone))
    assert "this study" not in cx.figures.published(gone).alt

"""Two waves and the arrow from employees: other software's values, planted effects, sentences."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from cxkit.linkage import changes
from cxkit.linkage.changes import change_regressions
from cxkit.linkage.later import _pay, later_experience, sentence
from cxkit.linkage.waves import spans


def two_waves(seed: int, lag: float = 0.0, units: int = 80) -> pd.DataFrame:
    """Return units seen twice; experience moves by ``lag`` per point of engagement before."""
    rng = np.random.default_rng(seed)
    x1, y1 = rng.normal(size=(2, units))
    later = {"x": 0.5 * x1 + rng.normal(size=units), "y": 0.5 * y1 + lag * x1}
    later["y"] = later["y"] + 0.5 * rng.normal(size=units)
    return pd.DataFrame(
        {
            "unit": np.tile(np.arange(units), 2),
            "wave": np.repeat(["2024", "2025"], units),
            "engagement": np.concatenate([x1, later["x"]]),
            "experience": np.concatenate([y1, later["y"]]),
        }
    )


def test_changes_are_regressed_as_statsmodels_does():
    waves = two_waves(1, 0.3)
    found = change_regressions(waves).set_index("lag")
    wide = waves.pivot(index="unit", columns="wave", values=["engagement", "experience"])
    flat = pd.DataFrame(
        {
            "x1": wide["engagement"]["2024"],
            "y1": wide["experience"]["2024"],
            "dx": wide["engagement"]["2025"] - wide["engagement"]["2024"],
            "dy": wide["experience"]["2025"] - wide["experience"]["2024"],
        }
    )
    for name, formula, term in (
        ("engagement, then experience", "dy ~ x1 + y1", "x1"),
        ("experience, then engagement", "dx ~ y1 + x1", "y1"),
        ("both changes together", "dy ~ dx", "dx"),
    ):
        fit = smf.ols(formula, flat).fit(cov_type="HC3", use_t=True)
        limits = [fit.params[term], *fit.conf_int().loc[term]]
        assert found.loc[name, ["value", "low", "high"]].tolist() == pytest.approx(limits, abs=1e-9)
    assert found["n"].tolist() == [80] * 3


def test_two_waves_tell_what_moved_and_no_direction():
    said = changes.sentence(change_regressions(two_waves(1, 0.6)))
    assert "experience rose more in units where engagement was higher before" in said
    assert "direction is not identified by two waves" in said
    down = changes.sentence(change_regressions(two_waves(1, -0.6)))
    assert "experience rose less in units where engagement was higher before" in down
    none = changes.sentence(change_regressions(two_waves(3)))
    assert "whether experience moved with the engagement before cannot be told" in none


@pytest.mark.parametrize(
    "waves",
    [
        two_waves(1).query("wave == '2024'"),
        two_waves(1, units=9),
        two_waves(1).assign(experience=3.0),
        pd.DataFrame(columns=["unit", "wave", "engagement", "experience"]),
    ],
)
def test_changes_that_cannot_be_regressed_give_no_rows(waves):
    assert change_regressions(waves).empty
    assert changes.sentence(change_regressions(waves)) == ""


def firm(seed: int, *, satisfied: float = 0.0, morale: float = 0.0, units: int = 40):
    """Return employees of six waves, and experience that follows what they felt the wave before."""
    rng = np.random.default_rng(seed)
    waves = [f"2024Q{q}" for q in (1, 2, 3, 4)] + ["2025Q1", "2025Q2"]
    mood, drive = rng.normal(size=(2, units, 6))
    rows, scores = [], []
    level = rng.normal(size=units)
    for u in range(units):
        for t, wave in enumerate(waves):
            for i in range(15):
                likes = 3 + mood[u, t] + 0.3 * rng.normal()
                enps = int(np.clip(np.round(7 + 2 * drive[u, t] + rng.normal()), 0, 10))
                rows.append((u, wave, f"{u}-{i}", likes, enps))
            before = satisfied * mood[u, t - 1] + morale * drive[u, t - 1] if t else 0.0
            scores.append((u, wave, 0.0, level[u] + before + 0.5 * rng.normal()))
    columns = ["unit", "wave", "respondent", "likes", "enps"]
    return SimpleNamespace(
        survey=pd.DataFrame(rows, columns=columns),
        waves=pd.DataFrame(scores, columns=["unit", "wave", "engagement", "experience"]),
        spans=spans(waves),
        items={"satisfied": ("likes",)},
    )


def test_what_experience_follows_is_found_and_not_invented():
    found = later_experience(firm(1, satisfied=0.4), None)
    by = found.rows.set_index("predictor")
    assert by["p_adjusted"].to_dict()["satisfaction"] < 0.001
    assert by["p_adjusted"].to_dict()["morale (eNPS)"] > 0.05
    assert "Experience is better a wave after higher satisfaction" in found.sentence
    assert "morale (eNPS) cannot be told from zero" in found.sentence
    assert "Not in it: pay band" in found.sentence
    worse = later_experience(firm(1, morale=-0.4), None)
    assert "Experience is worse a wave after higher morale (eNPS)" in worse.sentence
    none = later_experience(firm(2), None)
    assert "cannot be told: none of 2" in none.sentence


def test_the_arrow_from_employees_is_two_way_fixed_effects():
    data = firm(4, satisfied=0.2)
    found = later_experience(data, None).rows.set_index("predictor")
    by = [data.survey["unit"], data.survey["wave"]]
    said = data.survey["enps"]
    panel = pd.DataFrame(
        {
            "likes": data.survey["likes"].groupby(by).mean(),
            "morale": (100.0 * ((said >= 9).astype(float) - (said <= 6))).groupby(by).mean(),
        }
    ).reset_index()
    order = data.spans["wave"].tolist()
    panel["wave"] = panel["wave"].map(dict(pairwise(order)))
    panel = panel.merge(data.waves, on=["unit", "wave"])
    spread = {}
    for name in ("likes", "morale"):
        inside = smf.ols(f"{name} ~ C(unit) + C(wave)", panel).fit().resid
        spread[name] = inside.std()
    fit = smf.ols("experience ~ likes + morale + C(unit) + C(wave)", panel).fit()
    for ours, theirs in (("satisfaction", "likes"), ("morale (eNPS)", "morale")):
        want = fit.params[theirs] * spread[theirs]
        row = found.loc[ours]
        assert row["value"] == pytest.approx(want, abs=1e-8)
        # interval and p are of one t with as many degrees of freedom as units less one
        se = (row["high"] - row["low"]) / 2 / stats.t.isf(0.025, 39)
        assert row["p"] == pytest.approx(2 * stats.t.sf(abs(row["value"]) / se, 39), rel=1e-6)


def test_pay_is_the_mean_place_among_the_bands():
    data = firm(5)
    staff = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(40), 6),
            "start": pd.Timestamp("2020-01-01"),
            "end": [pd.NaT, pd.Timestamp("2024-05-01"), pd.Timestamp("2024-09-01")] * 80,
            "pay_band": np.tile(list("AABBCC"), 40),
        }
    )
    staff.loc[::7, "end"] = pd.Timestamp("2024-12-01")
    seen = _pay(staff, data.spans)
    for unit in (0, 3):
        there = staff[(staff["unit"] == unit) & ~(staff["end"] < pd.Timestamp("2024-07-01"))]
        assert seen[unit, "2024Q1"] == 1.0
        assert seen[unit, "2024Q3"] == there["pay_band"].map({"A": 0, "B": 1, "C": 2}).mean()
    found = later_experience(data, staff)
    assert found.rows["predictor"].tolist() == ["satisfaction", "morale (eNPS)", "pay band"]


def test_without_answers_or_units_it_says_why():
    aggregated = SimpleNamespace(survey=None, waves=pd.DataFrame(), spans=spans([]))
    assert "takes employees' own answers" in later_experience(aggregated, None).sentence
    few = later_experience(firm(1, units=5), None)
    assert few.rows.empty
    assert "5 units with 25 unit-waves; it takes 10 units" in few.sentence


@pytest.mark.parametrize("seed", range(50))
def test_the_sentence_names_what_is_told_and_its_sign(seed):
    rng = np.random.default_rng(seed)
    value, half = rng.normal(size=3), rng.uniform(0.1, 1.5, 3)
    rows = pd.DataFrame(
        {
            "predictor": ["satisfaction", "morale", "pay"],
            "value": value,
            "low": value - half,
            "high": value + half,
            "p_adjusted": rng.uniform(0, 0.12, 3),
        }
    )
    said = sentence(rows, 0.05)
    for row in rows.to_dict("records"):
        told = row["p_adjusted"] < 0.05
        better = f"better a wave after higher {row['predictor']}" in said
        worse = f"worse a wave after higher {row['predictor']}" in said
        assert better == (told and row["value"] > 0)
        assert worse == (told and row["value"] < 0)
    assert ("cannot be told" in said) == bool((rows["p_adjusted"] >= 0.05).any())

"""The linkage answer: the reference values, planted links, refusals and what may be shown."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.disclosure import Policy, showable
from cxkit.errors import ColumnError, MissingTableError, ParameterError, QuestionError
from cxkit.linkage import wording
from cxkit.linkage.direction import lags
from cxkit.results import ANSWER_MIME
from cxkit.simulate.truth import read_truth
from tests import firms, reference_case


@pytest.fixture(scope="module")
def sample() -> object:
    return firms.linked()


@pytest.mark.parametrize("pair", ["lead_wbeing", "hrs_wbeing", "lead_cohes"])
def test_case_15_unit_correlation(pair):
    people = reference_case.table("O13", "bh1996.csv")
    want = reference_case.expected("O15")[pair]
    x, y = pair.split("_")
    means = people.groupby("grp")[[x, y]].mean()
    r = cx.correlation(means[x], means[y])
    assert r.n == 99
    assert [r.value, r.low, r.high] == pytest.approx(
        [want["unit_r"], want["lo"], want["hi"]], abs=1e-8
    )
    rho = cx.correlation(means[x], means[y], kind="spearman")
    assert rho.value == pytest.approx(want["spearman"], abs=1e-8)
    levels = cx.correlation_by_level(people, unit="grp", x=x, y=y).set_index("at")["value"]
    assert levels["individual"] == pytest.approx(want["individual_r"], abs=1e-8)
    assert levels["within units"] == pytest.approx(want["within_r"], abs=1e-8)
    weighted = levels["between units, weighted by size"]
    assert weighted == pytest.approx(want["between_r_weighted"], abs=1e-8)
    rel = [cx.icc2(people, unit="grp", score=s).value for s in (x, y)]
    true = cx.disattenuate(r, reliability_x=rel[0], reliability_y=rel[1])
    assert [true.value, true.low, true.high] == pytest.approx(
        [want["r_disattenuated"], want["disatt_lo"], want["disatt_hi"]], abs=1e-8
    )


def test_the_covariance_theorem_holds():
    rng = np.random.default_rng(2)
    people = pd.DataFrame({"unit": rng.integers(0, 30, 900), "x": rng.normal(size=900)})
    people["x"] += people["unit"] / 10
    people["y"] = 0.4 * people["x"] + rng.normal(size=900)
    r = cx.correlation_by_level(people, unit="unit", x="x", y="y").set_index("at")["value"]
    means = people.groupby("unit")[["x", "y"]].transform("mean")
    eta = {c: np.sqrt(means[c].var() / people[c].var()) for c in "xy"}
    within = {c: np.sqrt(1 - eta[c] ** 2) for c in "xy"}
    rebuilt = (
        eta["x"] * eta["y"] * r["between units, weighted by size"]
        + within["x"] * within["y"] * r["within units"]
    )
    assert rebuilt == pytest.approx(r["individual"], abs=1e-12)


def test_scores_that_are_opposite_in_every_unit_keep_their_sign_in_the_limits():
    people = pd.DataFrame({"unit": list("aabbccddee"), "x": range(10)})
    people["y"] = -people["x"]
    rows = cx.correlation_by_level(people, unit="unit", x="x", y="y")
    assert rows["value"].to_numpy() == pytest.approx([-1.0] * 4)
    assert (rows["high"] < 0).all()


def test_turning_one_side_turns_the_sign():
    x, y = [1.0, 2, 3, 4, 6], [2.0, 1, 4, 3, 5]
    there, back = cx.correlation(x, y), cx.correlation(x, [-v for v in y])
    assert there.value == pytest.approx(-back.value)
    assert there.low == pytest.approx(-back.high)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ([1, 2, 3], [1, 2, 3], "at least 4 units; there are 3"),
        ([1, 1, 1, 1, 1], [1, 2, 3, 4, 5], "the same in every unit"),
        ([], [], "there are 0"),
        ([np.nan] * 6, [1] * 6, "there are 0"),
    ],
)
def test_a_correlation_that_cannot_be_says_why(x, y, said):
    r = cx.correlation(x, y)
    assert r.value is None
    assert r.status == "no data"
    assert said in r.reason
    assert cx.disattenuate(r, reliability_x=0.5, reliability_y=0.5).value is None


def test_a_perfect_correlation_and_a_useless_reliability():
    r = cx.correlation([1, 2, 3, 4, 5], [2, 4, 6, 8, 10])
    assert [r.value, r.low, r.high] == pytest.approx([1, 1, 1])
    gone = cx.disattenuate(r, reliability_x=-0.1, reliability_y=0.8)
    assert gone.status == "no data"
    assert "nothing to correct" in gone.reason


def test_a_missing_column_is_refused_by_name():
    with pytest.raises(ColumnError, match="'mood'"):
        cx.correlation_by_level(pd.DataFrame({"a": [1]}), unit="a", x="mood", y="a")


def test_the_sample_s_intervals_hold_what_is_planted(sample):
    truth = read_truth(sample_folder())["linkage"]
    assert sample.r.low < truth["answered"] < sample.r.high
    row = sample.ladder.shown.set_index("Rung").loc["ICC(2) of engagement"]
    assert row["Verdict"] == "holds"


def test_the_question_that_cannot_be_told_is_not_told(sample):
    assert sample.verdict == "associated; which comes first: cannot tell"
    assert "Which comes first cannot be told" in sample.answer.headline
    assert "Which comes first cannot be told" in str(sample.direction)


@pytest.mark.parametrize(
    ("verdict", "said", "unsaid"),
    [
        ("cannot tell", "the order in time is not known", "an order in time was found"),
        ("both", "an order in time was found", "not known"),
        ("engagement precedes", "something else that changes", "not known"),
    ],
)
def test_the_doubt_follows_the_verdict(verdict, said, unsaid):
    text = wording.doubt(SimpleNamespace(same_people=False), verdict)
    assert said in text
    assert unsaid not in text


def test_every_guard_but_two_fires_on_the_sample(sample):
    assert len(sample.answer.guards) == 10
    assert [g.kind for g in sample.answer.guards if not g.fired] == [
        "waves apart",
        "multilevel fit",
    ]


def test_the_index_knows_where_no_link_lies(sample):
    assert sample.answer._repr_mimebundle_()[ANSWER_MIME]["null"] == 0


def test_scores_aggregated_elsewhere_stand_beside_and_change_no_estimate(sample):
    rows = sample.by_instrument.set_index("instrument")
    own = "single answers, all waves"
    assert list(rows.index) == ["paper questionnaire", "thumbs in the app", own]
    for name, truth in read_truth(sample_folder())["linkage"]["yearly_index"].items():
        assert rows.loc[name, "low"] < truth < rows.loc[name, "high"]
    assert rows["value"].iloc[-1] == sample.r.value
    study = firms.sample()
    frames = {name: frame for name, frame in study.frames.items() if name != "unit_scores"}
    assert cx.linkage_answer(replace(study, frames=frames)).r == sample.r


def test_opposite_firms_give_opposite_answers():
    together = firms.linked(1.0, 0.9)
    apart = firms.linked(1.0, -0.9)
    assert "go together:" in together.answer.headline
    assert "go opposite ways" in apart.answer.headline
    assert str(together.conclusion) != str(apart.conclusion)


def test_a_shop_with_five_staff_gets_a_true_answer():
    result = cx.linkage_answer(cx.open_study(firms.shop() / "study.yml"))
    assert "cannot be told" in result.answer.headline
    assert "you would need 194 units; there is 1: too few" in " ".join(result.answer.sentences)
    assert "nan" not in str(result.answer).lower()
    assert "nan" not in result.ladder.shown.to_string().lower().split()


def test_units_without_a_partner_are_refused_when_there_is_none_at_all():
    study = firms.study(1.0, 0.5)
    elsewhere = study.responses.assign(unit="Z" + study.responses["unit"].astype(str))
    with pytest.raises(QuestionError, match=r"121 units without a partner \(without"):
        cx.linkage_answer(with_responses(study, elsewhere))


def test_a_study_with_neither_form_is_refused(tmp_path):
    (tmp_path / "units.csv").write_text("unit\nA\n", encoding="utf-8")
    (tmp_path / "study.yml").write_text(
        "study: x\nas_of: 2025-01-01\nunits: {file: units.csv, unit: unit}\n", encoding="utf-8"
    )
    with pytest.raises(MissingTableError, match="engagement"):
        cx.linkage_answer(cx.open_study(tmp_path / "study.yml"))


def test_the_minimum_may_only_be_raised():
    with pytest.raises(ParameterError, match="may only be raised"):
        cx.linkage_answer(firms.study(1.0, 0.5), min_employees=3)
    raised = cx.linkage_answer(firms.study(1.0, 0.5), min_employees=25)
    usual = firms.linked(1.0, 0.5)
    assert len(raised.shown.units) < len(usual.shown.units)
    assert raised.r == usual.r, "estimates use every unit"


def test_no_small_unit_is_drawn(sample):
    drawn = sample.shown.units
    assert drawn["n_employees"].min() >= 10
    assert drawn["n_customers"].min() >= 5
    assert sample.shown.hidden > 0
    assert len(drawn) + sample.shown.hidden == sample.r.n


def test_a_known_small_count_hides_a_unit_whose_other_count_is_unknown():
    units = pd.DataFrame({"n_employees": [4.0, np.nan], "n_customers": [np.nan, np.nan]})
    seen = showable(units, Policy())
    assert (seen.hidden, seen.uncounted) == (1, 1)


def test_lags_rarely_claim_what_is_not_there():
    claims, runs = 0, 40
    for seed in range(runs):
        found = lags(SimpleNamespace(waves=panel(seed)), level=0.95, seed=1)
        inside = found[found["of"] == "within units"].iloc[:2]
        claims += int(((inside["low"] > 0) | (inside["high"] < 0)).sum())
    # 80 intervals of 95 %: more than 11 misses has probability below 0.001
    assert claims <= 11


def test_levels_carry_stable_differences_in_both_lags():
    found = lags(SimpleNamespace(waves=panel(1)), level=0.95, seed=1).set_index(["of", "lag"])
    for lag in ("engagement, then experience", "experience, then engagement"):
        assert found.loc[("levels", lag), "low"] > 0


def test_a_shock_common_to_all_units_changes_no_lag_within_them():
    calm = panel(2)
    shock = calm["wave"].map(calm["wave"].unique().tolist().index) ** 2 % 7
    both = {side: calm[side] + shock for side in ("engagement", "experience")}
    there, here = (
        lags(SimpleNamespace(waves=waves), level=0.95, seed=1).query("of == 'within units'")
        for waves in (calm.assign(**both), calm)
    )
    np.testing.assert_allclose(there[["value", "low", "high"]], here[["value", "low", "high"]])


def panel(seed: int, units: int = 80, waves: int = 6) -> pd.DataFrame:
    """Return units with stable, correlated levels and passing deviations without any lag."""
    rng = np.random.default_rng(seed)
    stable = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], units)
    sides = [stable[:, [i]] + 0.7 * rng.normal(size=(units, waves)) for i in (0, 1)]
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(units), waves),
            "wave": np.tile([f"2024-{w + 1:02d}" for w in range(waves)], units),
            "engagement": sides[0].ravel(),
            "experience": sides[1].ravel(),
        }
    )


def with_responses(study: object, responses: pd.DataFrame) -> object:
    """Return a study whose responses are others."""
    return dataclasses.replace(study, frames={**study.frames, "responses": responses})


def sample_folder():
    """Return the folder of the sample study."""
    from pathlib import Path

    return Path(cx.__file__).parents[1] / "data" / "sample"

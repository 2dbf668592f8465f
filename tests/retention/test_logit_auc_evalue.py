"""Marginal effects, AUC by DeLong, E-values, Simpson's check: values of other software, laws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError
from cxkit.retention.logit import chances, coefficients, design, log_losses
from tests import reference_case


def test_marginal_effects_are_those_of_stata_and_r():
    case, frame = reference_case.case("O08"), reference_case.table("O08", "spector.csv")
    told, tolerance = case["expected"], case["tolerance"]["abs"]
    names = ["gpa", "tuce", "psi"]
    slopes = cx.average_marginal_effects(frame, outcome="grade", predictors=names, binary="slope")
    for row in slopes.to_dict("records"):
        want = told["ame_continuous"][row["predictor"]]
        for ours, theirs in (("value", "ame"), ("se", "se"), ("low", "lo"), ("high", "hi")):
            assert row[ours] / 100 == pytest.approx(want[theirs], abs=tolerance)
        # R's glm stops at 1e-8 of the deviance, so its standard errors differ in the sixth digit
        assert row["z"] == pytest.approx(want["z"], rel=1e-5)
        assert row["p"] == pytest.approx(want["p"], abs=1e-5)
    jumps = cx.average_marginal_effects(frame, outcome="grade", predictors=names)
    last, want = jumps.iloc[-1], told["ame_psi_discrete"]
    assert last["value"] / 100 == pytest.approx(want["ame"], abs=tolerance)
    assert last["se"] / 100 == pytest.approx(want["se"], abs=tolerance)
    assert jumps["value"].iloc[0] == pytest.approx(slopes["value"].iloc[0], abs=1e-9)
    assert jumps["n"].tolist() == [32] * 3


def test_the_logit_behind_the_folds_gives_the_reference_loss():
    case, frame = reference_case.case("O08"), reference_case.table("O08", "spector.csv")
    y = frame["grade"].to_numpy(float)
    x = np.column_stack([np.ones(len(frame)), frame[["gpa", "tuce", "psi"]]])
    b = coefficients(y, x)
    told = case["expected"]
    assert b == pytest.approx(list(told["coef"].values()), abs=1e-5)
    p = chances(x, b)
    assert log_losses(y, p).mean() == pytest.approx(told["log_loss"], abs=1e-8)
    assert ((y - p) ** 2).mean() == pytest.approx(told["brier"], abs=1e-6)


def test_marginal_effects_change_sign_with_the_outcome():
    frame = reference_case.table("O08", "spector.csv")
    there = cx.average_marginal_effects(frame, outcome="grade", predictors=["gpa", "psi"])
    back = frame.assign(grade=1 - frame["grade"])
    turned = cx.average_marginal_effects(back, outcome="grade", predictors=["gpa", "psi"])
    assert there["value"].to_numpy() == pytest.approx(-turned["value"].to_numpy(), abs=1e-7)


def test_marginal_effects_count_the_missing_and_refuse_what_has_none():
    frame = reference_case.table("O08", "spector.csv")
    holed = frame.mask(frame.index.to_series().isin([0, 5]))
    found = cx.average_marginal_effects(holed, outcome="grade", predictors=["gpa"])
    assert found[["n", "n_missing"]].iloc[0].tolist() == [30, 2]
    with pytest.raises(QuestionError, match="tells it perfectly"):
        cx.average_marginal_effects(
            frame.assign(copy=frame["grade"]), outcome="grade", predictors=["gpa", "copy"]
        )
    with pytest.raises(QuestionError, match="repeats another"):
        cx.average_marginal_effects(
            frame.assign(twice=2 * frame["gpa"]), outcome="grade", predictors=["gpa", "twice"]
        )
    with pytest.raises(QuestionError, match="not a number"):
        cx.average_marginal_effects(
            frame.assign(plan="a"), outcome="grade", predictors=["gpa", "plan"]
        )
    with pytest.raises(QuestionError, match="0 for some rows and 1 for others"):
        cx.average_marginal_effects(frame.assign(grade=0), outcome="grade", predictors=["gpa"])
    with pytest.raises(ColumnError, match="'gap'"):
        cx.average_marginal_effects(frame, outcome="grade", predictors=["gap"])


def test_a_design_pools_small_levels_and_keeps_missing_as_one():
    frame = pd.DataFrame(
        {"plan": ["a"] * 60 + ["b"] * 30 + ["c"] * 3 + ["d"] * 3 + [None] * 8, "n": range(104)}
    )
    x = design(frame, ["plan", "n"])
    assert list(x) == ["(constant)", "plan: b", "plan: (missing)", "plan: (small levels)", "n"]
    assert x["plan: (small levels)"].sum() == 6
    assert x["n"].std(ddof=0) == pytest.approx(1)


def test_auc_and_delong_are_those_of_proc():
    case, frame = reference_case.case("O09"), reference_case.table("O09", "aSAH.csv")
    told, tolerance = case["expected"], case["tolerance"]["abs"]
    for name, want in told["auc"].items():
        found = cx.auc(frame["outcome"], frame[name])
        assert found.value == pytest.approx(want["auc"], abs=tolerance)
        assert found.se**2 == pytest.approx(want["var"], abs=tolerance)
        assert (found.low, found.high) == pytest.approx((want["lo"], want["hi"]), abs=tolerance)
    for want in told["tests"]:
        a, b = want["a"], want["b"]
        d = cx.auc_difference(frame["outcome"], frame[a], frame[b], a_name=a, b_name=b)
        assert d.value == pytest.approx(want["diff"], abs=tolerance)
        assert d.value / d.se == pytest.approx(want["z"], abs=1e-6)  # se stands below the line
        assert d.p == pytest.approx(want["p"], abs=tolerance)
    p = cx.holm([t["p"] for t in told["tests"]])["p_adjusted"]
    assert p.to_numpy() == pytest.approx([t["p_holm"] for t in told["tests"]], abs=tolerance)


def test_auc_is_the_share_of_pairs_and_turns_with_the_score():
    rng = np.random.default_rng(4)
    y = rng.random(90) < 0.3
    score = rng.integers(0, 6, 90)
    above, ties = score[y][:, None] > score[~y], score[y][:, None] == score[~y]
    found = cx.auc(y, score)
    assert found.value == pytest.approx((above + ties / 2).mean(), abs=1e-12)
    assert cx.auc(y, -score).value == pytest.approx(1 - found.value, abs=1e-12)
    d, back = cx.auc_difference(y, score, -score), cx.auc_difference(y, -score, score)
    assert (d.value, d.low) == pytest.approx((-back.value, -back.high), abs=1e-12)
    assert cx.auc_difference(y, score, 3 * score).p is None


def test_auc_counts_the_missing_and_refuses_what_cannot_be_ranked():
    y = [0, 0, 0, 1, 1, 1]
    found = cx.auc([*y, 1], [1, 2, 3, 2, 5, 6, None])
    assert (found.n, found.n_missing) == (6, 1)
    with pytest.raises(QuestionError, match="at least two"):
        cx.auc([0, 0, 0, 1], [1, 2, 3, 4])
    with pytest.raises(QuestionError, match="rows"):
        cx.auc([0, 1], [1, 2, 3])


def test_e_values_are_those_of_the_papers():
    case = reference_case.case("O19")
    told, tolerance = case["expected"], case["tolerance"]["abs"]
    for name in ("smoking_rr", "breastfeeding_rare_or", "leukaemia_rr", "crosses_null_rr"):
        want = told[name]
        found = cx.e_value(want["est"], low=want["lo"], high=want["hi"])
        assert found.estimate == pytest.approx(want["evalue"], abs=tolerance)
        assert found.limit == pytest.approx(want["evalue_ci"], abs=tolerance)
    rare = cx.e_value(3.9, low=1.8, high=8.7, measure="odds ratio", outcome="rare")
    assert rare.estimate == pytest.approx(told["breastfeeding_rare_or"]["evalue"], abs=tolerance)
    md = cx.e_value(0.5, se=0.25, measure="standardised difference")
    want = told["md_0.5_se_0.25"]
    assert (md.risk_ratio, md.estimate, md.limit) == pytest.approx(
        (want["rr"], want["evalue"], want["evalue_ci"]), abs=tolerance
    )


@pytest.mark.parametrize(
    ("case", "value", "measure"),
    [("common_or_2.0", 2.0, "odds ratio"), ("common_hr_1.8", 1.8, "hazard ratio")],
)
def test_a_common_outcome_is_turned_into_a_risk_ratio(case, value, measure):
    want = reference_case.expected("O19")[case]
    found = cx.e_value(value, measure=measure)
    assert found.risk_ratio == pytest.approx(want["rr"], abs=1e-8)
    assert found.estimate == pytest.approx(want["evalue"], abs=1e-8)
    assert found.limit is None
    assert "none" not in str(found)


def test_the_input_of_the_e_values_holds_the_numbers_used_here():
    inputs = reference_case.table("O19", "risk_ratios.csv").set_index("case")
    for name, row in inputs.iterrows():
        want = reference_case.expected("O19")[name]
        assert row.tolist() == [want["est"], want["lo"], want["hi"]]


def test_e_values_of_a_ratio_and_its_inverse_are_one_and_refusals_say_why():
    there, back = (
        cx.e_value(0.8, low=0.71, high=0.91),
        cx.e_value(1.25, low=1 / 0.91, high=1 / 0.71),
    )
    assert (there.estimate, there.limit) == pytest.approx((back.estimate, back.limit), abs=1e-12)
    assert cx.e_value(1.0, low=0.9, high=1.1).estimate == 1
    assert "already" in str(cx.e_value(1.2, low=0.9, high=1.6))
    with pytest.raises(QuestionError, match="lies above 0"):
        cx.e_value(-0.2)
    with pytest.raises(QuestionError, match="do not lie about"):
        cx.e_value(2.0, low=2.5, high=3.0)


def admissions() -> pd.DataFrame:
    frame = reference_case.table("O20", "ucb_admissions.csv")
    return frame.assign(admitted=frame["admit"] == "Admitted", male=frame["gender"] == "Male")


def test_simpson_s_reversal_in_the_berkeley_admissions():
    case = reference_case.case("O20")
    told, tolerance = case["expected"], case["tolerance"]["abs"]
    found = cx.simpson(
        admissions(), outcome="admitted", exposure="male", stratum="dept", count="freq"
    )
    assert found.pooled.value == pytest.approx(told["pooled_or_male_vs_female"], abs=tolerance)
    assert found.within.value == pytest.approx(told["mh_or"], abs=tolerance)
    assert (found.within.low, found.within.high) == pytest.approx(told["mh_ci"], abs=tolerance)
    assert found.breslow_day == pytest.approx(told["breslow_day_chisq"], abs=tolerance)
    assert found.breslow_day_p == pytest.approx(told["breslow_day_p"], abs=tolerance)
    by = found.strata.set_index("stratum")["odds_ratio"].to_dict()
    assert by == pytest.approx(told["stratum_or"], abs=tolerance)
    assert found.below_one == told["strata_with_or_below_1"]
    assert (found.reading == "reversed") == told["reversal"]
    assert found.guard.fired
    assert "1.84" in found.guard.text
    assert "0.90" in found.guard.text
    assert "4 of 6" in found.sentence


def test_counts_and_rows_give_the_same_and_no_reversal_is_not_flagged():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"bad": rng.random(3000) < 0.4, "region": rng.choice(list("NSE"), 3000)})
    frame["left"] = rng.random(3000) < np.where(frame["bad"], 0.3, 0.15)
    rows = cx.simpson(frame, outcome="left", exposure="bad", stratum="region")
    counted = frame.value_counts().rename("n").reset_index()
    cells = cx.simpson(counted, outcome="left", exposure="bad", stratum="region", count="n")
    assert rows.within.value == pytest.approx(cells.within.value, abs=1e-12)
    assert rows.reading == "holds"
    assert not rows.guard.fired
    null = cx.simpson(
        frame.assign(bad=rng.permutation(frame["bad"])),
        outcome="left",
        exposure="bad",
        stratum="region",
    )
    assert null.reading == "nothing to reverse"
    with pytest.raises(QuestionError, match="same for all"):
        cx.simpson(frame.assign(bad=True), outcome="left", exposure="bad", stratum="region")


def test_an_association_made_by_the_mix_vanishes_within_strata():
    rows = [("N", 1, 1, 160), ("N", 1, 0, 40), ("N", 0, 1, 80), ("N", 0, 0, 20)]
    rows += [("S", 1, 1, 20), ("S", 1, 0, 80), ("S", 0, 1, 40), ("S", 0, 0, 160)]
    frame = pd.DataFrame(rows, columns=["region", "bad", "left", "n"])
    found = cx.simpson(frame, outcome="left", exposure="bad", stratum="region", count="n")
    assert found.pooled.low > 1
    assert found.within.value == pytest.approx(1, abs=1e-9)
    assert found.reading == "vanishes"
    assert found.breslow_day is None
    assert found.guard.fired

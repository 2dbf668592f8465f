import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError
from tests import reference_case

THERE = reference_case.expected("O13")
TOLERANCE = reference_case.case("O13")["tolerance"]["abs"]


@pytest.fixture
def staff():
    """Eight units of five people whose units differ."""
    rng = np.random.default_rng(1)
    unit = np.repeat(list("abcdefgh"), 5)
    level = np.repeat(rng.normal(0, 1, 8), 5)
    return pd.DataFrame({"unit": unit, "score": level + rng.normal(0, 1, 40)})


@pytest.mark.parametrize("score", ["hrs", "lead", "cohes", "wbeing"])
def test_icc_agrees_with_r_multilevel(score):
    data = reference_case.table("O13", "bh1996.csv")
    there = THERE["icc"][score]
    one = cx.icc1(data, unit="grp", score=score)
    two = cx.icc2(data, unit="grp", score=score)
    assert one.value == pytest.approx(there["icc1"], abs=TOLERANCE)
    assert two.value == pytest.approx(there["icc2"], abs=TOLERANCE)
    assert one.n == there["n"]
    assert f"{there['groups']} units, mean size {there['mean_group_size']:.4g}" in one.method
    n0 = cx.icc1(data, unit="grp", score=score, k="n0")
    assert f"size n0 {there['n0']:.4g}" in n0.method
    f = there["f"]
    assert n0.value == pytest.approx((f - 1) / (f + there["n0"] - 1), abs=TOLERANCE)


def test_icc_and_its_limits_agree_with_shrout_and_fleiss():
    case = reference_case.case("O21")
    ratings = reference_case.table("O21", "shrout_fleiss.csv").melt("customer")
    there = {row["type"]: row for row in case["expected"]["icc"]}
    for metric, name in ((cx.icc1, "ICC1"), (cx.icc2, "ICC1k")):
        found = metric(ratings, unit="customer", score="value")
        for field, key in (("value", "icc"), ("low", "lo"), ("high", "hi")):
            assert getattr(found, field) == pytest.approx(
                there[name][key], abs=case["tolerance"]["abs"]
            )


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("rwg_lead01", lambda d: cx.rwg(d, unit="grp", score="LEAD01", options=5)),
        (
            "rwg_j_lead",
            lambda d: cx.rwg_j(d, unit="grp", items=[c for c in d if c != "grp"], options=5),
        ),
        ("ad_m_lead01", lambda d: cx.ad_m(d, unit="grp", items="LEAD01")),
    ],
)
def test_agreement_within_units_agrees_with_r_multilevel(name, ask):
    found = ask(reference_case.table("O13", "lq2002_lead_items.csv"))
    there = THERE[name]
    column = found.columns[2]
    assert found[column].mean() == pytest.approx(there["mean"], abs=TOLERANCE)
    for row, first in zip(found.itertuples(), there["first_six"], strict=False):
        assert (str(row.unit), row.n) == (first["grpid"], first["gsize"])
        assert row[3] == pytest.approx(
            first[column.replace("_", ".").replace("ad.m", "AD.M")], abs=TOLERANCE
        )
    if "median" in there:
        assert found[column].median() == pytest.approx(there["median"], abs=TOLERANCE)


def test_deviation_of_several_items_agrees_with_r_multilevel():
    data = reference_case.table("O13", "lq2002_lead_items.csv")
    found = cx.ad_m(data, unit="grp", items=[c for c in data if c != "grp"])
    assert found["ad_m"].mean() == pytest.approx(THERE["ad_m_lead_scale"]["mean"], abs=TOLERANCE)


def test_shifting_or_stretching_the_scale_changes_nothing(staff):
    moved = staff.assign(score=100 - 7 * staff["score"])
    for metric in (cx.icc1, cx.icc2):
        one, other = (metric(f, unit="unit", score="score") for f in (staff, moved))
        assert one.value == pytest.approx(other.value)
        assert one.low == pytest.approx(other.low)


def test_icc2_is_icc1_stepped_up_by_the_size_of_a_unit(staff):
    one, two = (m(staff, unit="unit", score="score") for m in (cx.icc1, cx.icc2))
    assert two.value == pytest.approx(5 * one.value / (1 + 4 * one.value))


def test_the_order_and_the_names_of_units_do_not_matter(staff):
    renamed = staff.assign(unit=staff["unit"].map(dict(zip("abcdefgh", "hgfedcba", strict=True))))
    mixed = renamed.sample(frac=1, random_state=1)
    found = [cx.icc1(f, unit="unit", score="score") for f in (staff, mixed)]
    assert found[0].value == pytest.approx(found[1].value)


def test_equal_sizes_make_both_group_sizes_equal(staff):
    one, other = (cx.icc1(staff, unit="unit", score="score", k=k) for k in ("mean", "n0"))
    assert one.value == pytest.approx(other.value)


def test_a_negative_icc_is_kept_and_said():
    frame = pd.DataFrame({"unit": list("aabbcc"), "score": [1, 5, 2, 5, 1, 4]})
    for metric in (cx.icc1, cx.icc2):
        found = metric(frame, unit="unit", score="score")
        assert found.low < found.value < 0
        assert "Negative" in found.reason
        assert "kept as it is" in found.reason


def test_missing_scores_and_units_are_counted():
    frame = pd.DataFrame({"unit": ["a", "a", "b", "b", None], "score": [1, 2, 4, 5, 3.0]})
    frame.loc[5] = ["b", np.nan]
    found = cx.icc1(frame, unit="unit", score="score")
    assert (found.n, found.n_missing) == (4, 2)


@pytest.mark.parametrize(
    ("units", "scores", "words"),
    [
        ([], [], "no answer to count"),
        (["a", "b"], [None, None], "None of the 2 asked"),
        (["a", "a", "a"], [1, 2, 3], "one unit only"),
        (["a", "b", "c"], [1, 2, 3], "Every unit has one person"),
        (["a", "a", "b", "b"], [4, 4, 4, 4], "All answers are the same"),
        (["a", "a", "b", "b"], [0.1 + 0.2] * 4, "All answers are the same"),
    ],
)
def test_where_there_is_no_icc_it_says_why(units, scores, words):
    frame = pd.DataFrame({"unit": units, "score": pd.Series(scores, dtype=float)})
    for metric in (cx.icc1, cx.icc2):
        found = metric(frame, unit="unit", score="score")
        assert (found.value, found.low, found.high, found.status) == (None, None, None, "no data")
        assert words in found.reason


def test_units_that_differ_but_not_within():
    frame = pd.DataFrame({"unit": list("aabb"), "score": [1, 1, 5, 5]})
    found = cx.icc1(frame, unit="unit", score="score")
    assert (found.value, found.low, found.high) == (1, 1, 1)
    assert "has no width" in found.reason


def test_units_of_equal_means_have_no_reliability():
    frame = pd.DataFrame({"unit": list("aabb"), "score": [1, 5, 2, 4]})
    found = cx.icc1(frame, unit="unit", score="score")
    assert found.value == pytest.approx(-1)
    assert "same mean, so the interval has no width" in found.reason
    assert "same mean" in cx.icc2(frame, unit="unit", score="score").reason


def test_more_disagreement_than_chance_is_set_to_zero_and_said():
    frame = pd.DataFrame({"unit": list("aab"), "score": [1, 5, 3]})
    found = cx.rwg(frame, unit="unit", score="score", options=5).set_index("unit")
    assert found.loc["a", "rwg"] == 0
    assert found.loc["a", "set_to_zero"]
    assert found.loc["b", "reason"] == "fewer than two people answered"
    assert not found.loc["b", "set_to_zero"]


def test_perfect_agreement_is_one():
    frame = pd.DataFrame({"unit": list("aaa"), "x": [4, 4, 4], "y": [2, 2, 2]})
    assert cx.rwg(frame, unit="unit", score="x", options=5)["rwg"].tolist() == [1]
    assert cx.rwg_j(frame, unit="unit", items=["x", "y"], options=5)["rwg_j"].tolist() == [1]
    assert cx.ad_m(frame, unit="unit", items=["x", "y"])["ad_m"].tolist() == [0]


def test_the_skewed_null_asks_for_more():
    frame = pd.DataFrame({"unit": list("aaa"), "x": [4, 5, 4], "y": [3, 4, 4]})
    ask = {"unit": "unit", "items": ["x", "y"], "options": 5}
    uniform, skewed = cx.rwg_j(frame, **ask), cx.rwg_j(frame, **ask, null="skewed")
    assert skewed["rwg_j"].item() < uniform["rwg_j"].item()
    m = (1 / 3) / 1.34
    assert skewed["rwg_j"].item() == pytest.approx(2 * (1 - m) / (2 * (1 - m) + m))


def test_a_unit_nobody_answered_in_keeps_its_row():
    frame = pd.DataFrame({"unit": list("aab"), "score": [4, 5, np.nan]})
    found = cx.rwg(frame, unit="unit", score="score", options=5)
    assert found["n"].tolist() == [2, 0]
    assert cx.rwg(frame.iloc[:0], unit="unit", score="score", options=5).empty


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda f: cx.icc1(f, unit="unit", score="score", k="median"), "k is 'median'"),
        (lambda f: cx.rwg(f, unit="unit", score="score", options=1), "1 options leave nothing"),
        (lambda f: cx.rwg_j(f, unit="unit", items=[], options=5), "no item was given"),
        (
            lambda f: cx.rwg_j(f, unit="unit", items=["score"], options=7, null="skewed"),
            "no null 'skewed' is known for 7 options",
        ),
    ],
)
def test_senseless_choices_are_refused(staff, ask, words):
    with pytest.raises(QuestionError, match=words):
        ask(staff)


def test_a_missing_column_is_named_with_the_nearest(staff):
    with pytest.raises(ColumnError, match=r"(?s)asked for column 'scor'.*unit, score.*'score'"):
        cx.icc1(staff, unit="unit", score="scor")


def test_patterns_with_counts_are_the_rows_written_out(staff):
    rounded = staff.assign(
        score=staff["score"].round().clip(-2, 2) + 3, other=np.tile([1, 2, 3, 4], 10)
    )
    patterns = rounded.groupby(["unit", "score", "other"]).size().rename("n").reset_index()
    patterns.loc[len(patterns)] = ["a", np.nan, 3, 4]
    patterns.loc[len(patterns)] = ["z", 2, 2, 0]
    missing = pd.DataFrame({"unit": ["a"] * 4, "score": [np.nan] * 4, "other": [3] * 4})
    long = pd.concat([rounded, missing], ignore_index=True)
    for metric in (cx.icc1, cx.icc2):
        one = metric(patterns, unit="unit", score="score", counts="n")
        other = metric(long, unit="unit", score="score")
        for field in ("value", "low", "high"):
            assert getattr(one, field) == pytest.approx(getattr(other, field), rel=1e-10)
        assert (one.n, one.n_missing, one.method) == (other.n, 4, other.method)
    for ask in (
        lambda f, **c: cx.rwg(f, unit="unit", score="score", options=5, **c),
        lambda f, **c: cx.rwg_j(f, unit="unit", items=["score", "other"], options=5, **c),
        lambda f, **c: cx.ad_m(f, unit="unit", items=["score", "other"], **c),
    ):
        pd.testing.assert_frame_equal(ask(patterns, counts="n"), ask(long), rtol=1e-10)


def test_counts_that_are_none_are_refused(staff):
    with pytest.raises(QuestionError, match="no number of people"):
        cx.icc1(staff.assign(n=-1), unit="unit", score="score", counts="n")
    with pytest.raises(ColumnError, match="column 'n'"):
        cx.rwg(staff, unit="unit", score="score", options=5, counts="n")


def test_median_agreement_is_that_of_r_multilevel():
    data = reference_case.table("O13", "lq2002_lead_items.csv")
    items = [c for c in data if c != "grp"]
    units = cx.rwg_j(data, unit="grp", items=items, options=5)
    found = cx.across_units(units)
    assert found.value == pytest.approx(THERE["rwg_j_lead"]["median"], abs=TOLERANCE)
    assert found.n == len(units)
    ordered = np.sort(units["rwg_j"])
    # Of 49 units the 18th lowest and highest, as tables of the sign test have it.
    assert (found.low, found.high) == (ordered[17], ordered[-18])
    share = cx.across_units(units, at_least=0.70)
    assert share.value == 100 * THERE["rwg_j_lead"]["share_above_0.7"]
    assert share.low < 95


def test_median_over_units_holds_the_truth_at_least_as_often_as_it_says():
    """Order statistics of continuous values: exact, by the binomial."""
    from scipy.stats import binom

    for units in (6, 10, 25, 80):
        values = pd.DataFrame({"rwg": np.arange(units) / units, "n": 5})
        found = cx.across_units(values)
        low = round(found.low * units)
        covered = binom.cdf(units - low - 1, units, 0.5) - binom.cdf(low, units, 0.5)
        assert covered >= 0.95
        closer = binom.cdf(units - low - 2, units, 0.5) - binom.cdf(low + 1, units, 0.5)
        assert closer < 0.95


def test_share_of_units_counts_units_and_those_without_a_value():
    units = pd.DataFrame({"unit": list("abcd"), "ad_m": [0.5, 0.9, 0.2, np.nan]})
    found = cx.across_units(units, at_most=5 / 6)
    assert (found.value, found.n, found.n_missing) == (pytest.approx(200 / 3), 3, 1)
    assert found.metric == "Units with AD of at most 0.833333"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "No unit has two people"),
        ([np.nan], "No unit has two people"),
        ([0.7, 0.9], "The median of 2 units is 0.80; an interval for it takes 6 units"),
    ],
)
def test_where_there_is_no_median_over_units_it_says_why(values, words):
    found = cx.across_units(pd.DataFrame({"rwg": pd.Series(values, dtype=float)}))
    assert (found.value, found.low, found.status) == (None, None, "no data")
    assert words in found.reason


def test_across_units_refuses_other_frames_and_two_bounds():
    with pytest.raises(ColumnError, match="no column rwg, rwg_j or ad_m"):
        cx.across_units(pd.DataFrame({"icc": [1.0]}))
    with pytest.raises(QuestionError, match="Write one of them"):
        cx.across_units(pd.DataFrame({"rwg": [1.0]}), at_least=0.7, at_most=0.9)

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import QuestionError, ScaleError
from tests import reference_case


def answers(promoters, passives, detractors):
    return np.repeat([10, 8, 3], [promoters, passives, detractors])


def agrees(found, there, tolerance):
    assert found.n == there["n"]
    assert found.value == pytest.approx(there["nps"], abs=tolerance)
    assert found.se == pytest.approx(there["se"], abs=tolerance)
    # R's limits are neither cut at -100 and 100 nor stretched to a score they leave out.
    low = min(max(there["adjwald_lo"], -100), there["nps"])
    high = max(min(there["adjwald_hi"], 100), there["nps"])
    assert (found.low, found.high) == (
        pytest.approx(low, abs=tolerance),
        pytest.approx(high, abs=tolerance),
    )


@pytest.mark.parametrize("mix", ["60/25/15", "0/0/10", "5/0/5", "1/0/0"])
def test_counts_agree_with_the_r_package_nps(mix):
    case = reference_case.case("O01")
    found = cx.nps(answers(*map(int, mix.split("/"))))
    agrees(found, case["expected"]["counts_only"][mix], case["tolerance"]["abs"])


def test_overall_and_by_region_agree_with_the_r_package_nps():
    case = reference_case.case("O01")
    data = reference_case.table("O01", "nps_testdata.csv")
    agrees(cx.nps(data["likelihood"]), case["expected"]["overall"], case["tolerance"]["abs"])
    for region, rows in data.groupby("region"):
        there = case["expected"]["by_region"][region]
        agrees(cx.nps(rows["likelihood"]), there, case["tolerance"]["abs"])


def test_each_score_falls_where_the_r_package_puts_it():
    kinds = {100.0: "Promoter", 0.0: "Passive", -100.0: "Detractor"}
    there = reference_case.expected("O01")["category_of_score"]
    assert {str(s): kinds[cx.nps([s]).value] for s in range(11)} == there


def test_swapping_promoters_and_detractors_flips_the_sign():
    one, other = cx.nps(answers(7, 5, 2)), cx.nps(answers(2, 5, 7))
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))
    assert one.se == pytest.approx(other.se)


def test_order_does_not_matter_and_the_input_is_not_changed():
    scores = pd.Series([10, np.nan, 3, 8, 9])
    before = scores.copy()
    assert cx.nps(scores) == cx.nps(scores[::-1])
    pd.testing.assert_series_equal(scores, before)


def test_doubling_all_answers_keeps_the_score_and_narrows_the_interval():
    once, twice = cx.nps(answers(7, 5, 2)), cx.nps(answers(14, 10, 4))
    assert once.value == twice.value
    assert twice.high - twice.low < once.high - once.low


@pytest.mark.parametrize(
    "scores",
    [
        [10, 9, None, 3],
        np.array([10, 9, np.nan, 3]),
        pd.Series([10, 9, None, 3], dtype="Int64"),
        pd.Series([10, 9, None, 3], dtype=object),
        pd.Series([10, 9, None, 3], dtype="float32"),
        pd.Series([10, 9, None, 3], dtype="category"),
        pd.Series([10, 9, None, 3], dtype="int64[pyarrow]"),
    ],
    ids=["list", "array", "Int64", "object", "float32", "category", "pyarrow"],
)
def test_the_same_answers_in_any_form(scores):
    found = cx.nps(scores)
    assert (found.n, found.n_missing) == (3, 1)
    assert found.value == pytest.approx(100 / 3)


def test_own_cuts():
    assert cx.nps([8, 9, 5], promoter=8, detractor=5).value == pytest.approx(100 / 3)


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (
            pd.Series([9, 99, 3], name="nps", index=[4, 5, 6]),
            r"'nps', row 5: 99 is not a whole .* 0 to 10 \(1 of 3 answers\)",
        ),
        ([9, -1], "row 1: -1 is not a whole number"),
        ([9.5, 9], "row 0: 9.5 is not a whole number"),
        ([np.inf, 9], "inf is not a whole number"),
        (["9", "10"], r"row 0, 1: '9', '10' is not a number \(2 of 2 answers\)"),
        ([True, False], "is not a number"),
        ([11, 12, 13, 14, 15], r"row 0, 1, 2 and 2 more: 11, 12, 13 is not .*5 of 5"),
    ],
)
def test_answers_off_the_scale_are_refused_with_their_row(scores, words):
    with pytest.raises(ScaleError, match=words):
        cx.nps(scores)


def test_a_refusal_says_what_to_do():
    with pytest.raises(ScaleError, match=r"missing: \[99\]"):
        cx.nps([9, 99])


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"level": 95}, "level is 95.*0.95 for 95 %"),
        ({"level": 0}, "level is 0"),
        ({"detractor": 9, "promoter": 9}, "do not split 0 to 10"),
    ],
)
def test_senseless_choices_are_refused(choices, words):
    with pytest.raises(QuestionError, match="(?s)" + words):
        cx.nps([9, 10], **choices)


def test_no_answers():
    assert cx.nps([]).status == "no data"
    found = cx.nps([None, float("nan")])
    assert (found.value, found.low, found.high, found.se) == (None, None, None, None)
    assert (found.n, found.n_missing, found.status) == (0, 2, "no data")
    assert found.reason == "None of the 2 asked gave a usable answer."


def test_one_answer_still_has_an_interval_that_holds_the_score():
    found = cx.nps([10])
    assert found.value == found.high == 100
    assert found.low == pytest.approx(-48.498649420252)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.999])
@pytest.mark.parametrize("n", [1, 2, 10, 1000])
def test_unanimous_answers_keep_an_interval_of_some_width(n, level):
    found = cx.nps([10] * n, level=level)
    assert found.low < found.value == found.high == 100

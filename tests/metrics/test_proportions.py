import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

import cxkit as cx
from cxkit.errors import QuestionError, ScaleError
from tests import reference_case


def yes(x, n):
    return np.repeat([True, False], [x, n - x])


@pytest.mark.parametrize(
    "there", reference_case.expected("O02")["single"], ids=lambda c: f"{c['x']}of{c['n']}"
)
def test_share_agrees_with_r_and_newcombe(there):
    tolerance = 100 * reference_case.case("O02")["tolerance"]["abs"]
    found = cx.share(yes(there["x"], there["n"]))
    assert found.value == pytest.approx(100 * there["p"], abs=tolerance)
    assert found.low == pytest.approx(100 * there["wilson"][0], abs=tolerance)
    assert found.high == pytest.approx(100 * there["wilson"][1], abs=tolerance)
    printed = reference_case.case("O02")["published_check"]["wilson"][f"{there['x']}/{there['n']}"]
    assert (found.low / 100, found.high / 100) == pytest.approx(printed, abs=5e-5)


def test_the_committed_counts_are_those_of_the_case():
    data = reference_case.table("O02", "single_proportions.csv")
    there = [(c["x"], c["n"]) for c in reference_case.expected("O02")["single"]]
    assert list(data.itertuples(index=False, name=None)) == there


def test_csat_and_its_mean_agree_with_r():
    there = reference_case.expected("O02")["likert"]
    counts = reference_case.table("O02", "likert_counts.csv")
    scores = np.repeat(counts["score"], counts["count"])
    for top, name in ((4, "top2"), (5, "top1")):
        found = cx.csat(scores, top=top)
        assert found.value == pytest.approx(100 * there[name]["p"], abs=1e-7)
        assert (found.low, found.high) == pytest.approx(
            [100 * limit for limit in there[name]["wilson"]], abs=1e-7
        )
    mean = cx.csat_mean(scores)
    assert mean.value == pytest.approx(there["mean"], abs=1e-9)
    interval = stats.t.interval(0.95, 199, there["mean"], stats.sem(scores))
    assert (mean.low, mean.high) == pytest.approx(interval, abs=1e-9)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_wilson_agrees_with_statsmodels(level):
    for x, n in [(0, 1), (1, 1), (3, 7), (50, 99), (120, 121)]:
        low, high = proportion_confint(x, n, alpha=1 - level, method="wilson")
        found = cx.share(yes(x, n), level=level)
        assert (found.low, found.high) == pytest.approx((100 * low, 100 * high), abs=1e-9)


def test_no_mirrors_yes():
    one, other = cx.share(yes(3, 11)), cx.share(~yes(3, 11))
    assert (one.low, one.high) == pytest.approx((100 - other.high, 100 - other.low))


def test_the_cut_is_in_the_name():
    assert cx.csat([5]).metric == "CSAT (4 or 5 on 1 to 5)"
    assert cx.csat([5], top=5).metric == "CSAT (5 on 1 to 5)"
    assert cx.csat([5], scale=(1, 7), top=5).metric == "CSAT (5 to 7 on 1 to 7)"


@pytest.mark.parametrize(
    "answers",
    [
        [True, None, False],
        pd.Series([True, None, False], dtype="boolean"),
        pd.Series([1, None, 0]),
        pd.Series([1, None, 0], dtype="Int64"),
        np.array([1.0, np.nan, 0.0]),
    ],
    ids=["list", "boolean", "float", "Int64", "array"],
)
def test_yes_and_no_in_any_form(answers):
    found = cx.share(answers)
    assert (found.value, found.n, found.n_missing) == (50, 2, 1)


@pytest.mark.parametrize(
    ("answers", "words"),
    [([1, 2], "row 1: 2 is not yes or no"), (["yes", "no"], "'yes', 'no' is not yes or no")],
)
def test_neither_yes_nor_no_is_refused(answers, words):
    with pytest.raises(ScaleError, match=words):
        cx.share(answers, metric="Referred")


def test_a_score_off_the_scale_is_refused():
    with pytest.raises(ScaleError, match="csat, row 1: 6 is not a whole number from 1 to 5"):
        cx.csat([5, 6])
    with pytest.raises(ScaleError, match="csat_mean, row 0: 0 is not"):
        cx.csat_mean([0, 5])


@pytest.mark.parametrize("top", [1, 6])
def test_a_cut_off_the_scale_is_refused(top):
    with pytest.raises(QuestionError, match="does not split the scale 1 to 5"):
        cx.csat([5, 4], top=top)


def test_a_scale_without_room_is_refused():
    with pytest.raises(QuestionError, match="has no room"):
        cx.csat([5, 4], scale=(5, 1))


def test_a_mean_of_one_answer_is_not_given():
    found = cx.csat_mean([4, None])
    assert (found.value, found.low, found.status) == (None, None, "no data")
    assert (found.n, found.n_missing) == (1, 1)
    assert "a mean needs two" in found.reason


def test_a_mean_of_equal_answers_keeps_an_interval():
    """Student's interval would be 5 to 5, as sure after two answers as after two hundred."""
    two, many = cx.csat_mean([5] * 2), cx.csat_mean([5] * 200)
    assert two.value == many.value == two.high == many.high == 5
    assert two.low < 3 < many.low < 5
    assert two.method == "Wilson's limit, as all answers are the same"


def test_a_mean_stays_on_its_scale():
    found = cx.csat_mean([5, 5, 5, 4])
    assert found.high == 5

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError, ScaleError


def asked(rates, sizes):
    """Everybody asked, by group: how many answered and how many did not."""
    rows = [
        (group, yes, round(size * (rate if yes else 1 - rate)))
        for (group, rate), size in zip(rates.items(), sizes, strict=True)
        for yes in (True, False)
    ]
    return pd.DataFrame(rows, columns=["group", "answered", "n"])


def test_r_indicator_of_one_column_by_hand():
    """Chances are the groups' rates .2, .4, .6: S^2 = 3000 (.08 / 3) / 2999."""
    frame = asked({"a": 0.2, "b": 0.4, "c": 0.6}, [1000] * 3)
    found = cx.r_indicator(frame, answered="answered", known="group", counts="n")
    squared = 3000 / 2999 * 0.08 / 3
    assert f"{1 - 2 * np.sqrt(squared):.2f} without the correction" in found.method
    # The bias: the variance of each group's rate, less that of the mean rate.
    own = np.array([p * (1 - p) for p in (0.2, 0.4, 0.6)]) / 1000
    bias = 3000 / 2999 * (own.mean() - own.sum() / 9)
    assert found.value == pytest.approx(1 - 2 * np.sqrt(squared - bias), abs=1e-6)
    assert found.low < found.value < found.high
    assert (found.n, found.n_missing, found.measured_in) == (3000, 0, "coefficient")


def test_r_indicator_is_centred_on_the_truth_and_holds_it():
    """Plain R is too low; 150 samples, seed fixed."""
    rng = np.random.default_rng(11)
    group = np.repeat(np.arange(8), 50)
    chance = np.where(group < 4, 0.3, 0.5)
    truth = 1 - 2 * chance.std(ddof=1)
    values, held = [], 0
    for _ in range(150):
        frame = pd.DataFrame({"g": group.astype(str), "yes": rng.random(400) < chance})
        found = cx.r_indicator(frame, answered="yes", known="g")
        values.append(found.value)
        held += found.low <= truth <= found.high
    assert np.mean(values) == pytest.approx(truth, abs=0.012)
    assert held >= 133  # 93 % in truth shows fewer once in 50 times


def test_r_indicator_where_everybody_is_alike_is_near_one():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"region": rng.choice(list("abc"), 3000), "age": rng.normal(40, 9, 3000)}
    ).assign(answered=rng.random(3000) < 0.4)
    found = cx.r_indicator(frame, answered="answered", known=["region", "age"])
    assert found.value > 0.95
    assert found.high == pytest.approx(1)


def test_r_indicator_counts_are_rows_and_scales_do_not_matter():
    frame = asked({"a": 0.2, "b": 0.5, "c": 0.6}, [50, 100, 80]).assign(age=[1, 2, 3, 4, 5, 6])
    long = frame.loc[frame.index.repeat(frame["n"])].drop(columns="n")
    one = cx.r_indicator(frame, answered="answered", known=["group", "age"], counts="n")
    for other in (long, long.assign(age=1000 - 7 * long["age"])):
        two = cx.r_indicator(other, answered="answered", known=["group", "age"])
        for field in ("value", "low", "high"):
            assert getattr(one, field) == pytest.approx(getattr(two, field), abs=1e-8)
        assert one.n == two.n


def test_r_indicator_of_people_asked_twice_knows_they_are_the_same():
    rng = np.random.default_rng(9)
    group = rng.choice(list("abc"), 400)
    yes = rng.random(400) < np.select([group == "a", group == "b"], [0.3, 0.5], 0.6)
    once = pd.DataFrame({"group": group, "yes": yes, "who": range(400)})
    twice = pd.concat([once, once], ignore_index=True)
    plain = cx.r_indicator(once, answered="yes", known="group")
    robust = cx.r_indicator(twice, answered="yes", known="group", clusters="who")
    naive = cx.r_indicator(twice, answered="yes", known="group")
    # The same people twice tell no more than once; 2 %: a sandwich is not the model's covariance.
    assert robust.high - robust.low == pytest.approx(plain.high - plain.low, rel=0.02)
    assert naive.high - naive.low < 0.8 * (robust.high - robust.low)
    assert "cluster-robust by 400 clusters (who)" in robust.method
    assert cx.r_indicator(once, answered="yes", known="group", clusters="who") == plain


def test_r_indicator_passes_over_columns_that_say_the_same():
    frame = asked({"a": 0.2, "b": 0.5}, [50, 100]).assign(same=lambda f: f["group"] + "!", one="x")
    plain = cx.r_indicator(frame, answered="answered", known="group", counts="n")
    more = cx.r_indicator(frame, answered="answered", known=["group", "same", "one"], counts="n")
    assert more.value == pytest.approx(plain.value, abs=1e-9)


@pytest.mark.parametrize(
    ("answered", "group", "words"),
    [
        ([], [], "0 asked answered"),
        ([True, True], ["a", "b"], "Everybody of the 2"),
        ([False, False], ["a", "b"], "Nobody of the 2"),
        ([True], ["a"], "Everybody of the 1"),
        ([None, None], ["a", "b"], "0 asked answered"),
        ([True, True, False, True], ["a", "a", "b", "b"], "answered wholly or not at all"),
        ([True, True, False, True], ["a"] * 4, "group: the same for all"),
    ],
)
def test_where_there_is_no_r_indicator_it_says_why(answered, group, words):
    frame = pd.DataFrame({"yes": pd.array(answered, dtype="boolean"), "group": group})
    found = cx.r_indicator(frame, answered="yes", known="group")
    assert (found.value, found.low, found.high, found.status) == (None, None, None, "no data")
    assert words in found.reason
    assert found.n + found.n_missing == len(frame)


def test_r_indicator_of_one_cluster_says_why_there_is_none():
    frame = asked({"a": 0.2, "b": 0.5}, [50, 100]).assign(who="one")
    found = cx.r_indicator(frame, answered="answered", known="group", counts="n", clusters="who")
    assert (found.value, found.status) == (None, "no data")
    assert "one cluster" in found.reason


def test_bounds_by_hand():
    """5 of 8 answered: 3 promoters, 1 detractor."""
    scores = [10, 9, 10, 8, 3, None, None, None]
    found = cx.silent_bounds(scores, metric="nps").set_index("silent")
    assert found["value"].tolist() == pytest.approx([100 * -1 / 8, 100 * 2 / 5, 100 * 5 / 8])
    assert found["n"].tolist() == [8, 5, 8]
    width = found.loc["all the best", "value"] - found.loc["all the worst", "value"]
    assert width == pytest.approx(200 * 3 / 8)
    assert found.loc["as those who answered", "low"] == cx.nps(scores).low


@pytest.mark.parametrize(
    ("metric", "scores", "choices", "values"),
    [
        ("share", [True, False, None, None], {}, [25, 50, 75]),
        ("csat", [5, 1, None, None], {}, [25, 50, 75]),
        ("csat", [10, 1, None, None], {"scale": (0, 10), "top": 8}, [25, 50, 75]),
        ("mean", [4, 2, None, None], {"scale": (1, 5)}, [2, 3, 4]),
        ("ces", [1, 5, None, None], {"version": "1.0"}, [25, 50, 75]),
        ("ces", [7, 1, None, None], {"version": "2.0"}, [25, 50, 75]),
    ],
)
def test_bounds_of_other_scores_by_hand(metric, scores, choices, values):
    found = cx.silent_bounds(scores, metric=metric, **choices)
    assert found["value"].tolist() == pytest.approx(values)
    counted = cx.silent_bounds(
        [scores[0], scores[1], None], metric=metric, counts=[1, 1, 2], **choices
    )
    pd.testing.assert_frame_equal(found, counted)


def test_bounds_where_nobody_was_silent_are_one_score():
    found = cx.silent_bounds([10, 3, 8], metric="nps")
    assert found["value"].nunique() == 1


def test_bounds_where_nobody_answered_are_the_ends_of_the_scale():
    found = cx.silent_bounds([None, None], metric="nps").set_index("silent")
    assert found["value"].tolist()[::2] == [-100, 100]
    assert pd.isna(found.loc["as those who answered", "value"])
    assert found.loc["as those who answered", "status"] == "no data"


def test_response_rate_is_a_share_of_its_own_name():
    found = cx.response_rate([True, False, False, True])
    plain = cx.share([True, False, False, True])
    assert (found.metric, found.value, found.low) == ("Response rate", plain.value, plain.low)
    assert "no data" in str(cx.response_rate([]))


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (
            lambda f: cx.r_indicator(f, answered="answered", known=[]),
            QuestionError,
            "no known column",
        ),
        (
            lambda f: cx.r_indicator(f, answered="answerd", known="group"),
            ColumnError,
            "perhaps you meant 'answered'",
        ),
        (lambda f: cx.r_indicator(f, answered="n", known="group"), ScaleError, "is not yes or no"),
        (
            lambda f: cx.r_indicator(
                f.assign(n=-1), answered="answered", known="group", counts="n"
            ),
            QuestionError,
            "no number of people",
        ),
        (lambda f: cx.silent_bounds([1, 2], metric="mean"), QuestionError, "has no worst answer"),
        (lambda f: cx.silent_bounds([1, 2], metric="ces"), QuestionError, "version 'None' is not"),
        (lambda f: cx.silent_bounds([1, 2], metric="p50"), QuestionError, "'p50' is not known"),
        (lambda f: cx.silent_bounds([11], metric="nps"), ScaleError, "0 to 10"),
        (lambda f: cx.response_rate([2]), ScaleError, "Response rate"),
    ],
)
def test_refusals(ask, error, words):
    with pytest.raises(error, match=words):
        ask(asked({"a": 0.2, "b": 0.5}, [50, 100]))

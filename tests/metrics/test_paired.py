import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import cxkit as cx
from cxkit.errors import DataError, QuestionError, ScaleError

FIRST, SECOND = [1, 1, 0, 0], [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("counts", "low", "high", "p"),
    [
        # Fagerland, Lydersen and Laake (2014), Statistics in Medicine 33, tables of both examples
        ((59, 6, 16, 80), -0.1186, -0.0046, 0.0347),
        ((1, 1, 7, 12), -0.5069, -0.0256, 0.0391),
        # Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10
        ((20, 12, 2, 16), 0.0562, 0.3292, None),
    ],
)
def test_paired_shares_agree_with_published_limits(counts, low, high, p):
    found = cx.paired_difference(FIRST, SECOND, measure="share", counts=counts)
    assert (found.low, found.high) == pytest.approx((100 * low, 100 * high), abs=6e-3)
    if p is not None:
        assert found.p == pytest.approx(p, abs=6e-5)


def test_paired_means_agree_with_scipy():
    rng = np.random.default_rng(3)
    a, b = rng.integers(1, 6, 40), rng.integers(1, 6, 40)
    there = stats.ttest_rel(a, b)
    found = cx.paired_difference(a, b, measure="mean", scale=(1, 5))
    assert found.p == pytest.approx(there.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(there.confidence_interval(0.95)))


def test_paired_nps_is_the_t_test_of_each_customers_points():
    rng = np.random.default_rng(4)
    before = rng.integers(0, 11, 200)
    now = np.clip(before + rng.integers(-1, 3, 200), 0, 10)
    points = [100 * ((x >= 9).astype(int) - (x <= 6)) for x in (now, before)]
    there = stats.ttest_rel(*points)
    found = cx.paired_difference(now, before, measure="nps")
    assert found.value == pytest.approx(cx.nps(now).value - cx.nps(before).value)
    assert (found.low, found.high) == pytest.approx(tuple(there.confidence_interval(0.95)))
    assert found.p == pytest.approx(there.pvalue)
    as_strangers = cx.difference(cx.nps(now), cx.nps(before))
    assert found.se < 0.6 * as_strangers.se  # the same people twice are told apart more easily


score = st.none() | st.integers(0, 10)


@settings(max_examples=80)
@given(st.lists(st.tuples(score, score, st.integers(0, 4)), max_size=12))
def test_counts_are_rows_and_swapping_turns_the_sign(rows):
    a, b, counts = ([row[i] for row in rows] for i in range(3))
    frame = pd.DataFrame({"a": a, "b": b}, dtype="Float64")
    long = frame.loc[frame.index.repeat(counts)]
    for choices in (
        {"measure": "nps"},
        {"measure": "mean", "scale": (0, 10)},
        {"measure": "share", "scale": (0, 10), "top": 7},
    ):
        one = cx.paired_difference(frame["a"], frame["b"], counts=counts, **choices)
        other = cx.paired_difference(long["a"], long["b"], **choices)
        swapped = cx.paired_difference(long["b"], long["a"], **choices)
        assert (one.n_a, one.n_missing, one.status) == (other.n_a, other.n_missing, other.status)
        assert one.n_a + one.n_missing == sum(counts)
        if one.value is None:
            assert one.reason
            continue
        assert one.low <= one.value <= one.high
        for name in ("value", "low", "high", "se", "p"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-10)
        assert swapped.value == pytest.approx(-one.value, abs=1e-10)
        assert (swapped.low, swapped.high) == pytest.approx((-one.high, -one.low), abs=1e-10)
        assert swapped.p == pytest.approx(one.p, abs=1e-10)


def test_edges_have_a_status():
    none = cx.paired_difference([], [], measure="nps")
    assert (none.value, none.status) == (None, "no data")
    apart = cx.paired_difference([9, None], [None, 3], measure="nps")
    assert (apart.status, apart.n_a, apart.n_missing) == ("no data", 0, 2)
    assert apart.reason.startswith("Nobody answered both times")
    one = cx.paired_difference([9], [3], measure="nps")
    assert (one.status, one.n_a) == ("no data", 1)
    alike = cx.paired_difference([9, 10, 9], [3, 4, 3], measure="nps")
    assert (alike.value, alike.high, alike.p) == (200, 200, None)
    assert -200 < alike.low < 200
    same = cx.paired_difference([True, False], [True, False], measure="share")
    assert (same.value, same.p, same.direction) == (0, 1, "cannot be told")
    assert same.low < 0 < same.high


def test_pairs_come_from_one_row_per_answer():
    frame = pd.DataFrame(
        {
            "customer": ["x", "x", "y", "z", "w", "w"],
            "wave": ["1", "2", "1", "2", "1", "3"],
            "nps": [6, 9, 8, 10, 3, 3],
        }
    )
    wide = cx.pairs(frame, score="nps", period="wave", a="2", b="1")
    assert wide["customer"].tolist() == ["w", "x", "y", "z"]
    found = cx.paired_difference(wide["a"], wide["b"], measure="nps")
    assert (found.n_a, found.n_missing) == (1, 3)


def test_pairs_without_a_customer_or_with_two_answers_are_refused():
    frame = pd.DataFrame({"customer": ["x", None, "x"], "wave": [1, 2, 2], "nps": [6, 9, 8]})
    with pytest.raises(DataError, match=r"1 of 3 answers have no customer.*\n.*Drop them first"):
        cx.pairs(frame, score="nps", period="wave", a=2, b=1)
    frame["customer"] = "x"
    with pytest.raises(DataError, match="customer x answered more than once in 2"):
        cx.pairs(frame, score="nps", period="wave", a=2, b=1)
    with pytest.raises(QuestionError, match=r"(?s)has wave 9.*wave holds: 1, 2"):
        cx.pairs(frame, score="nps", period="wave", a=9, b=1)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"measure": "median"}, "measure 'median'"),
        ({"measure": "mean"}, "scale=None"),
        ({"measure": "share", "scale": (1, 5)}, "top=None"),
        ({"measure": "share", "scale": (1, 5), "top": 9}, "top=9"),
    ],
)
def test_senseless_choices_are_refused(choices, words):
    with pytest.raises(QuestionError, match=words):
        cx.paired_difference([1, 2], [1, 2], **choices)


def test_columns_that_do_not_match_are_refused():
    with pytest.raises(QuestionError, match="2 first answers and 1 second"):
        cx.paired_difference([1, 2], [1], measure="nps")
    with pytest.raises(ScaleError, match="11 is not a whole number from 0 to 10"):
        cx.paired_difference([11], [1], measure="nps")

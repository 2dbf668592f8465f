import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError, ScaleError
from tests import reference_case


@pytest.fixture
def ratings():
    wide = reference_case.table("O21", "shrout_fleiss.csv")
    return wide.melt("customer", var_name="touchpoint", value_name="score")


CHOICES = {"score": "score", "scale": (1, 10)}


def test_all_six_iccs_agree_with_shrout_and_fleiss(ratings):
    published = reference_case.case("O21")["published_check"]["icc"]
    there = {row["type"]: row for row in reference_case.expected("O21")["icc"]}
    one_way = {"unit": "customer", "score": "score"}
    found = {
        "ICC1": cx.icc1(ratings, **one_way),
        "ICC2": cx.icc_agreement(ratings, **CHOICES),
        "ICC3": cx.icc_consistency(ratings, **CHOICES),
        "ICC1k": cx.icc2(ratings, **one_way),
        "ICC2k": cx.icc_agreement(ratings, average=True, **CHOICES),
        "ICC3k": cx.icc_consistency(ratings, average=True, **CHOICES),
    }
    assert [round(e.value, 2) for e in found.values()] == published
    for name, e in found.items():
        row = there[name]
        assert (e.value, e.low, e.high) == pytest.approx(
            (row["icc"], row["lo"], row["hi"]), abs=1e-6
        )
    assert found["ICC2"].metric == "ICC(A,1) of score"
    assert found["ICC3k"].metric == "ICC(C,k) of score"


def test_spread_within_customers_agrees_with_r(ratings):
    there = reference_case.expected("O21")["within_customer_sd"]
    found = cx.touchpoint_consistency(ratings, **CHOICES)
    assert found["sd"].tolist() == pytest.approx(there)
    assert found["minimum"].tolist() == ratings.groupby("customer")["score"].min().tolist()


def test_consistency_of_the_mean_is_cronbachs_alpha(ratings):
    wide = reference_case.table("O21", "shrout_fleiss.csv")
    alpha = cx.cronbach_alpha(wide[["t1", "t2", "t3", "t4"]])
    found = cx.icc_consistency(ratings, average=True, **CHOICES)
    assert found.value == pytest.approx(alpha.value)
    assert (found.low, found.high) == pytest.approx((alpha.low, alpha.high))


def test_a_worse_touchpoint_lowers_agreement_and_not_consistency(ratings):
    moved = ratings.assign(score=ratings["score"] + 5 * (ratings["touchpoint"] == "t1"))
    choices = {**CHOICES, "scale": (1, 20)}
    before, after = (cx.icc_consistency(f, **choices) for f in (ratings, moved))
    assert after.value == pytest.approx(before.value)
    assert cx.icc_agreement(moved, **choices).value < cx.icc_agreement(ratings, **choices).value


def test_who_did_not_rate_every_touchpoint_is_counted(ratings):
    more = pd.concat(
        [
            ratings,
            pd.DataFrame(
                {"customer": [9, 9, 8], "touchpoint": ["t1", "t2", "t1"], "score": [4, 6, 5]}
            ),
            pd.DataFrame({"customer": [7, None], "touchpoint": ["t1", "t1"], "score": [None, 4]}),
        ]
    )
    found = cx.icc_agreement(more, **CHOICES)
    assert (found.n, found.n_missing) == (6, 2)
    assert found.value == cx.icc_agreement(ratings, **CHOICES).value
    each = cx.touchpoint_consistency(more, **CHOICES)
    assert each.attrs == {"n": 6, "n_missing": 2, "rows_missing": 2}
    two = cx.touchpoint_consistency(more, least=2, **CHOICES)
    assert two.iloc[-1].tolist() == [9, 2, 5, pytest.approx(np.sqrt(2)), 4]


def test_a_touchpoint_counts_once_for_a_customer():
    frame = pd.DataFrame({"customer": ["a"] * 4, "touchpoint": list("xxyz"), "score": [1, 5, 4, 2]})
    found = cx.touchpoint_consistency(frame, score="score", scale=(1, 5))
    assert found.iloc[0].tolist() == ["a", 3, 3, 1, 2]


cells = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3), st.none() | st.integers(1, 3)), max_size=25
)


@settings(max_examples=40)
@given(cells)
def test_no_frame_gives_nan(rows):
    frame = pd.DataFrame(rows, columns=["customer", "touchpoint", "score"])
    for metric in (cx.icc_agreement, cx.icc_consistency):
        for average in (False, True):
            found = metric(frame, score="score", scale=(1, 3), average=average)
            numbers = [v for v in (found.value, found.low, found.high) if v is not None]
            assert np.isfinite(numbers).all()
            assert found.ok or found.reason
            if found.ok:
                assert found.low is None or found.low <= found.value
                assert found.value <= found.high
    each = cx.touchpoint_consistency(frame, score="score", scale=(1, 3))
    assert not each.isna().any().any()
    bad = cx.bad_experience(frame, score="score", scale=(1, 3), bad=1)
    assert bad.n + bad.n_missing == frame["customer"].nunique()


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ([[3, 3], [3, 3]], "All customers rate alike"),
        ([[1, 2], [2, 1]], "the same mean"),
        ([[1, 2]], "two customers"),
        ([], "no answer"),
    ],
)
def test_edges_have_a_reason(scores, reason):
    rows = [(i, j, s) for i, row in enumerate(scores) for j, s in enumerate(row)]
    frame = pd.DataFrame(rows, columns=["customer", "touchpoint", "score"])
    found = cx.icc_agreement(frame, score="score", scale=(1, 5))
    assert (found.value, found.status) == (None, "no data")
    assert reason in found.reason


def test_the_same_step_for_all_is_perfectly_consistent():
    rows = [(i, j, i + j) for i in range(3) for j in range(2)]
    frame = pd.DataFrame(rows, columns=["customer", "touchpoint", "score"])
    found = cx.icc_consistency(frame, score="score", scale=(0, 9))
    assert (found.value, found.low) == (1, 1)
    assert "no width" in found.reason


def test_one_bad_experience_is_counted_by_customer():
    rng = np.random.default_rng(7)
    n, k = 3000, 6
    frame = pd.DataFrame(
        {"customer": np.repeat(np.arange(n), k), "csat": np.where(rng.random(n * k) < 0.05, 1, 5)}
    )
    found = cx.bad_experience(frame, score="csat", scale=(1, 5), bad=2)
    assert found.n == n
    assert found.low < 100 * (1 - 0.95**6) < found.high  # 26.5 % of customers, 5 % of answers
    p = (frame["csat"] == 1).mean()
    assert f"would give {100 * (1 - (1 - p) ** 6):.3g} %" in found.method
    per_customer = frame.groupby("customer")["csat"].min() <= 2
    assert (found.low, found.high) == (cx.share(per_customer).low, cx.share(per_customer).high)
    same_people = frame.assign(csat=np.where(frame["customer"] < n * 0.05, 1, 5))
    fewer = cx.bad_experience(same_people, score="csat", scale=(1, 5), bad=2)
    assert fewer.value == pytest.approx(5)
    assert "would give 26.5 %" in fewer.method


def test_bad_runs_the_other_way_where_high_is_bad_and_missing_is_counted():
    frame = pd.DataFrame(
        {"customer": ["a", "a", "b", "c", None], "effort": [5, None, 2, None, 5]}, dtype=object
    ).astype({"effort": "Float64"})
    found = cx.bad_experience(frame, score="effort", scale=(1, 5), bad=4, high_is_bad=True)
    assert (found.value, found.n, found.n_missing) == (50, 2, 1)
    assert found.metric == "At least one bad experience (effort 4 or more)"
    assert found.method.endswith("; 1 answer without a customer not used")
    none = cx.bad_experience(frame[:0], score="effort", scale=(1, 5), bad=2)
    assert (none.value, none.status) == (None, "no data")


def test_senseless_questions_are_refused(ratings):
    with pytest.raises(QuestionError, match="the cut 10 does not split the scale 1 to 10"):
        cx.bad_experience(ratings, bad=10, **CHOICES)
    with pytest.raises(QuestionError, match="one rating has no spread"):
        cx.touchpoint_consistency(ratings, least=1, **CHOICES)
    with pytest.raises(ScaleError, match="is not a whole number from 1 to 5"):
        cx.icc_agreement(ratings, score="score", scale=(1, 5))
    with pytest.raises(ColumnError, match="asked for column 'touch'"):
        cx.icc_agreement(ratings, touchpoint="touch", **CHOICES)

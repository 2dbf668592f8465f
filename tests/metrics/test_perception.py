import numpy as np
import pytest
from scipy import stats

import cxkit as cx
from cxkit.errors import QuestionError


def people(seed=2):
    rng = np.random.default_rng(seed)
    return rng.integers(2, 6, 40), rng.integers(1, 6, 300)


def test_the_gap_of_means_is_welchs_t():
    staff, customers = people()
    there = stats.ttest_ind(staff, customers, equal_var=False)
    found = cx.perception_gap(staff, customers)
    assert found.p == pytest.approx(there.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(there.confidence_interval(0.95)))
    assert (found.a, found.b, found.measured_in) == ("staff", "customers", "score")


def test_the_gap_of_shares_is_newcombes():
    # Newcombe (1998), table II: 56 of 70 against 48 of 80, method 10
    staff, customers = [5] * 56 + [1] * 14, [4] * 48 + [2] * 32
    found = cx.perception_gap(staff, customers, top=4, item="helped")
    assert (found.low, found.high) == pytest.approx((5.24, 33.39), abs=0.01)
    assert found.metric == "Perceived helped (4 or 5 on 1 to 5)"
    assert found.direction == "higher"


def test_counts_are_rows_and_customers_who_repeat_widen_it():
    staff, customers = people()
    values = [1, 2, 3, 4, 5]
    counted = cx.perception_gap(
        values,
        values,
        staff_counts=[(staff == v).sum() for v in values],
        customer_counts=[(customers == v).sum() for v in values],
    )
    rows = cx.perception_gap(staff, customers)
    for name in ("value", "low", "high", "p"):
        assert getattr(counted, name) == pytest.approx(getattr(rows, name), abs=1e-10)
    who = np.repeat(np.arange(60), 5)
    repeated = cx.perception_gap(staff, np.repeat(customers[:60], 5), customer_clusters=who)
    naive = cx.perception_gap(staff, np.repeat(customers[:60], 5))
    assert repeated.se > naive.se


def test_two_scales_are_refused():
    with pytest.raises(QuestionError, match=r"staff answered on 1 to 7 and customers on 1 to 5"):
        cx.perception_gap([7, 6], [5, 4], staff_scale=(1, 7))


def test_one_silent_side_is_no_data():
    found = cx.perception_gap([], [5, 4, 3])
    assert (found.value, found.status) == (None, "no data")
    assert found.reason.startswith("staff: There is no answer")

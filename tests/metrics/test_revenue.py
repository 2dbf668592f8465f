import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import cxkit as cx
from cxkit.errors import DataError, QuestionError


@pytest.fixture
def revenue():
    rng = np.random.default_rng(2)
    before = np.round(rng.lognormal(4, 0.6, 300), 2)
    kept = rng.random(300) > 0.15
    return before, np.round(before * kept * rng.lognormal(0.05, 0.3, 300), 2)


def test_retention_agrees_with_statsmodels(revenue):
    before, after = revenue
    there = sm.WLS(after, before, weights=1 / before).fit(cov_type="HC1", use_t=True)
    found = cx.revenue_retention(before, after)
    assert found.value == pytest.approx(100 * there.params[0])
    assert found.se == pytest.approx(100 * there.bse[0])
    assert (found.low, found.high) == pytest.approx(tuple(100 * there.conf_int()[0]))


def test_contracts_of_one_customer_are_a_cluster(revenue):
    before, after = revenue
    who = pd.Series(np.repeat(np.arange(75), 4), name="customer")
    there = sm.WLS(after, before, weights=1 / before).fit(
        cov_type="cluster", cov_kwds={"groups": who}, use_t=True
    )
    found = cx.revenue_retention(before, after, clusters=who)
    assert found.se == pytest.approx(100 * there.bse[0])
    half = stats.t.ppf(0.975, 74) * found.se
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))
    assert found.method == "linearised ratio, cluster-robust by 75 clusters (customer)"
    alone = cx.revenue_retention(before, after, clusters=np.arange(300))
    assert alone == cx.revenue_retention(before, after)


def test_gross_counts_nobody_above_what_they_were(revenue):
    before, after = revenue
    gross, net = (cx.revenue_retention(before, after, kind=k) for k in ("gross", "net"))
    assert gross.value == pytest.approx(100 * np.minimum(before, after).sum() / before.sum())
    assert gross.value < net.value
    assert gross.high <= 100
    no_growth = cx.revenue_retention(before, np.minimum(before, after))
    assert no_growth.value == pytest.approx(gross.value)


def test_new_customers_are_not_kept_and_missing_ones_are_not_nothing():
    found = cx.revenue_retention([100, 50, 0, None, 10], [90, 50, 500, 10, None])
    assert found.value == pytest.approx(100 * 140 / 150)
    assert (found.n, found.n_missing) == (2, 2)


def test_edges_have_a_status_or_a_limit():
    gone = cx.revenue_retention([5, 5, 5], [0, 0, 0], kind="gross")
    assert (gone.value, gone.low) == (0, 0)
    assert gone.high == pytest.approx(cx.share([False] * 3).high)
    kept = cx.revenue_retention([5, 8, 5], [5, 8, 5], kind="gross")
    assert (kept.value, kept.high) == (100, 100)
    assert kept.low == pytest.approx(cx.share([True] * 3).low)
    net = cx.revenue_retention([5, 8], [5, 8])
    assert (net.value, net.high, net.status) == (100, None, "one-sided")
    assert "nothing bounds a larger one" in net.reason
    assert cx.revenue_retention([5], [4]).status == "no data"
    assert cx.revenue_retention([], []).value is None
    assert cx.revenue_retention([0, 0], [3, 4]).status == "no data"
    with pytest.raises(DataError, match="a revenue is negative"):
        cx.revenue_retention([5, -1], [5, 4])
    with pytest.raises(QuestionError, match="kind 'both' is not known"):
        cx.revenue_retention([5], [5], kind="both")


def test_pairs_are_two_whole_periods():
    days = ["2023-12-31", "2024-01-01", "2024-12-31", "2025-01-01", "2025-12-31", "2026-01-01"]
    frame = pd.DataFrame(
        {
            "customer": ["a"] * 5 + ["b"],
            "ordered_on": pd.to_datetime(days),
            "amount": [1, 2, 4, 8, 16, 32],
        }
    )
    found = cx.revenue_pairs(frame, as_of="2025-12-31")
    assert found.to_dict("list") == {"customer": ["a"], "before": [6], "after": [24]}
    quarter = cx.revenue_pairs(frame, as_of="2025-12-31", months=3)
    assert quarter.to_dict("list") == {"customer": ["a"], "before": [0], "after": [16]}
    blank = pd.concat([frame, pd.DataFrame({"customer": ["c"], "amount": [9]})])
    assert cx.revenue_pairs(blank, as_of="2025-12-31").attrs == {"rows_missing": 1}
    with pytest.raises(DataError, match=r"period begins on 2024-01-01, the data on 2024-12-31"):
        cx.revenue_pairs(frame[2:], as_of="2025-12-31")
    told = cx.revenue_pairs(frame[2:], as_of="2025-12-31", observed_from="2023-01-01")
    assert told["before"].tolist() == [4]
    with pytest.raises(DataError, match="there is no order"):
        cx.revenue_pairs(frame[:0], as_of="2025-12-31")
    with pytest.raises(QuestionError, match=r"0\.5 months is no period"):
        cx.revenue_pairs(frame, as_of="2025-12-31", months=0.5)

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import cxkit as cx
from cxkit.errors import DataError, QuestionError


def orders(*rows):
    frame = pd.DataFrame(rows, columns=["customer", "ordered_on"])
    return frame.assign(ordered_on=pd.to_datetime(frame["ordered_on"], format="ISO8601"))


def buyers(rng, n=400):
    """Return two orders of each customer, the second an exponential time after the first."""
    first = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 720, n), unit="D")
    gap = pd.to_timedelta(np.ceil(rng.exponential(300, n)), unit="D")
    return pd.DataFrame(
        {"customer": np.tile(np.arange(n), 2), "ordered_on": [*first, *(first + gap)]}
    )


def test_customers_not_seen_that_long_are_not_counted_as_lost():
    rng, as_of = np.random.default_rng(3), pd.Timestamp("2025-12-31")
    truth, hits, naive = 100 * (1 - np.exp(-365 / 300)), 0, []
    for _ in range(100):
        frame = buyers(rng)
        found = cx.repeat_purchase_rate(frame, as_of=as_of)
        hits += found.low <= truth <= found.high
        seen = frame[frame["ordered_on"] <= as_of].groupby("customer")["ordered_on"]
        naive.append(100 * (seen.size() > 1).mean())
    assert stats.binom.ppf(0.001, 100, 0.95) <= hits
    assert np.mean(naive) < truth - 5


def test_it_is_one_less_kaplan_meier():
    frame, as_of = buyers(np.random.default_rng(4)), pd.Timestamp("2025-12-31")
    seen = frame[frame["ordered_on"] <= as_of].groupby("customer")["ordered_on"].agg(["min", "max"])
    again = seen["max"] > seen["min"]
    days = (seen["max"].where(again, as_of) - seen["min"]).dt.days
    stay = cx.km_at(cx.kaplan_meier(days / (365.25 / 12), again), 12)
    found = cx.repeat_purchase_rate(frame, as_of=as_of)
    assert (found.value, found.low) == pytest.approx((100 - stay.value, 100 - stay.high))


def test_orders_of_one_day_are_one_purchase():
    frame = orders(
        ("a", "2024-01-01 09:00"),
        ("a", "2024-01-01 17:00"),
        ("b", "2024-01-01"),
        ("b", "2024-01-02"),
        ("b", "2024-06-02"),
        (None, "2024-01-01"),
        ("c", None),
        ("d", "2026-05-01"),
    )
    found = cx.repeat_purchase_rate(frame, as_of="2025-12-31")
    assert (found.value, found.n, found.n_missing) == (50, 2, 2)
    with pytest.raises(QuestionError, match=r"asked for 48, but nobody was followed beyond 23.98"):
        cx.repeat_purchase_rate(frame, as_of="2025-12-31", horizon=48)
    none = cx.repeat_purchase_rate(frame[:0], as_of="2025-12-31")
    assert (none.value, none.status) == (None, "no data")


def test_frequency_agrees_with_statsmodels():
    rng = np.random.default_rng(5)
    years = rng.uniform(0.2, 3, 200)
    bought = rng.poisson(years * rng.gamma(0.5, 4, 200))  # far from Poisson with one rate
    found = cx.purchase_frequency(bought, years)
    model = sm.GLM(bought, np.ones(200), family=sm.families.Poisson(), offset=np.log(years))
    there = model.fit(cov_type="HC0")
    low, high = there.params[0] + np.array([-1, 1]) * stats.t.ppf(0.975, 199) * there.bse[
        0
    ] * np.sqrt(200 / 199)
    assert found.value == pytest.approx(np.exp(there.params[0]))
    assert (found.low, found.high) == pytest.approx((np.exp(low), np.exp(high)), rel=1e-6)
    poisson = found.value / np.sqrt(bought.sum())
    assert found.se > 1.5 * poisson


def test_frequency_covers_where_poisson_does_not():
    rng = np.random.default_rng(8)
    hits = naive = 0
    for _ in range(400):
        years = rng.uniform(0.5, 2, 150)
        bought = rng.poisson(years * rng.gamma(1, 3, 150))
        found = cx.purchase_frequency(bought, years)
        hits += found.low <= 3 <= found.high
        half = 1.96 * np.sqrt(bought.sum()) / years.sum()
        naive += abs(found.value - 3) <= half
    assert stats.binom.ppf(0.001, 400, 0.95) <= hits
    assert naive < 0.85 * 400


customer = st.tuples(
    st.none() | st.integers(0, 9),
    st.none() | st.floats(0.1, 3).map(lambda v: round(v, 2)),
    st.integers(0, 4),
    st.sampled_from("xyz"),
)


@settings(max_examples=60)
@given(st.lists(customer, max_size=12))
def test_counts_are_rows(rows):
    frame = pd.DataFrame(rows, columns=["y", "x", "n", "who"]).astype({"y": float, "x": float})
    long = frame.loc[frame.index.repeat(frame["n"])]
    for metric, columns in (
        (cx.purchase_frequency, ("y", "x")),
        (cx.revenue_retention, ("x", "y")),
    ):
        a, b = columns
        for clusters in (False, True):
            more = [{"clusters": f["who"]} if clusters else {} for f in (frame, long)]
            one = metric(frame[a], frame[b], counts=frame["n"], **more[0])
            other = metric(long[a], long[b], **more[1])
            assert (one.n, one.n_missing, one.status) == (other.n, other.n_missing, other.status)
            assert one.method == other.method
            for name in ("value", "low", "high", "se"):
                pair = getattr(one, name), getattr(other, name)
                assert pair == (None, None) or pair[0] == pytest.approx(
                    pair[1], rel=1e-10, abs=1e-10
                )
            assert one.value is not None or one.reason
            if one.value is not None:
                assert one.low <= one.value
                assert one.high is None or one.value <= one.high


def test_customers_years_are_those_they_were_followed():
    customers = pd.DataFrame(
        {
            "customer": ["a", "b", "c", "d"],
            "start": pd.to_datetime(["2020-01-01", "2024-01-01", "2026-03-01", None]),
            "end": pd.to_datetime([None, "2024-07-01", None, None]),
        }
    )
    bought = orders(
        ("a", "2023-05-01"),
        ("a", "2024-05-01"),
        ("a", "2024-05-02"),
        ("b", "2024-03-01"),
        ("b", "2024-09-01"),
        ("z", "2024-09-01"),
    )
    found = cx.customer_years(customers, bought, as_of="2024-12-31", observed_from="2024-01-01")
    assert found["purchases"].tolist()[:2] == [2, 1]
    assert found["years"].tolist()[:2] == pytest.approx([365 / 365.25, 182 / 365.25])
    assert found[["purchases", "years"]].iloc[2:].isna().all().all()
    assert found.attrs["orders_outside"] == 3
    rate = cx.purchase_frequency(found["purchases"], found["years"])
    assert (rate.n, rate.n_missing) == (2, 2)
    assert rate.value == pytest.approx(3 / (547 / 365.25))
    with pytest.raises(DataError, match="1 rows repeat a customer, such as 'a'"):
        cx.customer_years(pd.concat([customers, customers[:1]]), bought, as_of="2024-12-31")


def test_frequency_at_the_edges():
    nobody = cx.purchase_frequency([0, 0, 0], [1, 1, 2])
    assert (nobody.value, nobody.low) == (0, 0)
    assert nobody.high == pytest.approx(-np.log(0.025) / 4)  # Garwood: 0 events in 4 years
    alike = cx.purchase_frequency([2, 4], [1, 2])
    assert alike.value == 2
    exact = stats.poisson
    assert exact.sf(5, 3 * alike.low) == pytest.approx(0.025)
    assert exact.cdf(6, 3 * alike.high) == pytest.approx(0.025)
    one = cx.purchase_frequency([2], [1])
    assert (one.value, one.status) == (None, "no data")
    assert cx.purchase_frequency([], []).reason == "There is no answer to count."
    same = cx.purchase_frequency([1, 2, 3], [1, 1, 1], clusters=["h", "h", "h"])
    assert (same.value, same.reason[:26]) == (None, "All comes from one cluster")
    with pytest.raises(DataError, match="years followed above 0"):
        cx.purchase_frequency([1, 2], [1, 0])
    with pytest.raises(QuestionError, match="2 and 1 rows"):
        cx.purchase_frequency([1, 2], [1])

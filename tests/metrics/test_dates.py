import duckdb
import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import QuestionError
from tests.metrics.strategies import same


def dates(*days):
    return pd.Series(pd.to_datetime(list(days)))


def test_text_is_not_taken_for_dates():
    text = pd.Series(["2025-01-05"])
    with pytest.raises(QuestionError, match=r"(?s)start: asked for a Series of dates.*to_datetime"):
        cx.retention_rate(text, dates(None), as_of="2025-02-01")
    zoned = dates("2025-01-05").dt.tz_localize("UTC")
    with pytest.raises(QuestionError, match="one has a time zone and the other has none"):
        cx.retention_rate(zoned, dates("2025-01-06"), as_of="2025-02-01")
    with pytest.raises(QuestionError, match="start has 1 rows and end 2"):
        cx.retention_rate(dates("2025-01-05"), dates(None, None), as_of="2025-02-01")


def firm(n=4000, seed=3, leave=0.03):
    """Return customers who join evenly over three years and leave at a constant monthly rate."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 1095, n), unit="D")
    stay = pd.to_timedelta(rng.exponential(365.25 / 12 / leave, n).round(), unit="D")
    end = pd.Series(start + stay)
    as_of = pd.Timestamp("2024-12-31")
    return pd.Series(start), end.where(end <= as_of), as_of


def test_customers_not_yet_observed_that_long_are_not_counted_as_kept():
    start, end, as_of = firm()
    truth = 100 * np.exp(-12 * 0.03)
    found = cx.retention_rate(start, end, as_of=as_of, horizon=12)
    assert found.low < truth < found.high
    naive = 100 * (end.isna() | ((end - start).dt.days > 365)).mean()
    assert naive > found.high
    long_enough = start < as_of - pd.Timedelta(days=366)
    kept = (end.isna() | (end - start >= pd.Timedelta(days=366)))[long_enough]
    assert found.value == pytest.approx(100 * kept.mean(), abs=2)


def test_the_dates_of_an_engine_as_counts_give_what_its_rows_give():
    start, end, as_of = firm(800)
    rows = pd.DataFrame({"start": start, "end": end, "region": "North"})
    frame = duckdb.connect().from_df(rows)
    table = cx.counts(frame, ["start", "end"])
    assert len(table) < len(rows)
    same(
        cx.retention_rate(table["start"], table["end"], counts=table["n"], as_of=as_of),
        cx.retention_rate(start, end, as_of=as_of),
    )


def test_who_came_before_the_data_counts_from_the_day_they_begin():
    start, end, as_of = firm(n=20_000)
    observed_from = pd.Timestamp("2023-06-01")
    recorded = end.isna() | (end >= observed_from)
    truth = 100 * np.exp(-12 * 0.03)
    found = cx.retention_rate(
        start[recorded], end[recorded], as_of=as_of, horizon=12, observed_from=observed_from
    )
    forgotten = cx.retention_rate(start[recorded], end[recorded], as_of=as_of, horizon=12)
    assert found.low < truth < found.high < forgotten.low
    assert "who came before 2023-06-01 are followed from then" in found.method
    everyone = cx.retention_rate(start, end, as_of=as_of, observed_from=observed_from)
    assert everyone.value == found.value
    assert everyone.n + everyone.n_missing == len(start)
    assert everyone.n_missing >= (~recorded).sum()


def test_a_horizon_beyond_the_data_is_refused_and_the_longest_named():
    start, end, as_of = firm()
    longest = (as_of - start.min()).days / (365.25 / 12)
    with pytest.raises(QuestionError, match=r"longest horizon possible is (\S+) months") as refused:
        cx.retention_rate(start, end, as_of=as_of, horizon=60)
    named = float(str(refused.value).split("possible is ")[1].split()[0])
    assert named == pytest.approx(longest, abs=0.1)
    assert cx.retention_rate(start, end, as_of=as_of, horizon=named).ok


def test_a_gap_after_the_start_is_refused():
    start = dates("2025-11-01", "2025-11-15", "2020-01-01", "2020-02-01")
    end = dates(None, None, None, "2025-11-20")
    with pytest.raises(QuestionError, match=r"at most 1\.971 months from their start"):
        cx.retention_rate(start, end, as_of="2025-12-31", observed_from="2025-10-01")


def test_nobody_seen_from_the_start_is_refused():
    start, end = dates("2020-01-01", "2020-02-01"), dates(None, "2025-11-20")
    with pytest.raises(QuestionError, match="nobody was followed from the start"):
        cx.retention_rate(start, end, as_of="2025-12-31", observed_from="2025-10-01")


def test_an_early_risk_set_that_empties_gives_no_number():
    """One newcomer leaves on the second day; the next is followed from the fourth day on."""
    start, end = dates("2025-01-01", "2024-12-28"), dates("2025-01-02", None)
    found = cx.retention_rate(start, end, as_of="2025-12-31", horizon=6, observed_from="2025-01-01")
    assert (found.value, found.status, found.n) == (None, "no data", 2)
    assert "had all left, while others" in found.reason


def test_none_churned_and_all_churned():
    start = dates(*["2024-01-01"] * 30)
    kept = cx.retention_rate(start, pd.Series([None] * 30), as_of="2025-12-31")
    assert (kept.value, kept.high) == (100, 100)
    assert kept.low == pytest.approx(cx.share([True] * 30).low)
    gone = cx.retention_rate(start, dates(*["2024-03-01"] * 30), as_of="2025-12-31")
    assert (gone.value, gone.low) == (0, 0)
    assert gone.high == pytest.approx(cx.share([False] * 30).high)


def test_no_customers():
    found = cx.retention_rate(dates(), dates(), as_of="2025-12-31")
    assert (found.status, found.n, found.value) == ("no data", 0, None)
    found = cx.retention_rate(dates(None, None), dates(None, None), as_of="2025-12-31")
    assert (found.status, found.n, found.n_missing) == ("no data", 0, 2)


def test_a_horizon_of_nothing_is_refused():
    with pytest.raises(QuestionError, match="horizon above 0"):
        cx.retention_rate(dates("2024-01-01"), dates(None), as_of="2025-12-31", horizon=0)


def test_churn_is_what_retention_leaves():
    start, end, as_of = firm()
    for choices in ({}, {"observed_from": "2022-06-01"}):
        stay = cx.retention_rate(start, end, as_of=as_of, **choices)
        left = cx.churn_rate(start, end, as_of=as_of, **choices)
        assert left.value == pytest.approx(100 - stay.value)
        assert (left.low, left.high) == pytest.approx((100 - stay.high, 100 - stay.low))
        assert (left.se, left.n, left.method) == (stay.se, stay.n, stay.method)
        assert left.metric == "Churn at 12 months"


def test_churn_by_reason_adds_up_and_is_less_than_if_the_others_were_cut_off():
    start, end, as_of = firm()
    rng = np.random.default_rng(1)
    reason = pd.Series(rng.choice(["price", "moved"], len(start), p=[0.7, 0.3])).where(end.notna())
    parts = [
        cx.churn_rate(start, end, as_of=as_of, horizon=24, reason=reason, of=of)
        for of in ("price", "moved")
    ]
    every = cx.churn_rate(start, end, as_of=as_of, horizon=24)
    assert sum(p.value for p in parts) == pytest.approx(every.value)
    assert parts[0].metric == "Churn at 24 months (price)"
    truth = 70 * (1 - np.exp(-24 * 0.03))
    assert parts[0].low < truth < parts[0].high
    cut_off = 100 * (1 - np.exp(-24 * 0.03 * 0.7))
    assert parts[0].high < cut_off
    late = cx.churn_rate(
        start, end, as_of=as_of, reason=reason, of="price", observed_from="2022-06-01"
    )
    assert "came before 2022-06-01" in late.method


def test_churn_by_a_reason_that_cannot_be_told_is_refused():
    start, end, as_of = firm(50)
    with pytest.raises(QuestionError, match="write both reason"):
        cx.churn_rate(start, end, as_of=as_of, of="price")
    reason = pd.Series("moved", index=start.index).where(end.notna())
    with pytest.raises(QuestionError, match=r"nobody left for that reason.*\n.*reasons: moved"):
        cx.churn_rate(start, end, as_of=as_of, reason=reason, of="price")
    unsaid = cx.churn_rate(
        start, end, as_of=as_of, reason=reason.where(reason.index > 10), of="moved"
    )
    assert "without a reason count as others" in unsaid.method
    with pytest.raises(QuestionError, match="reason has 2 rows and start 50"):
        cx.churn_rate(start, end, as_of=as_of, reason=["a", "b"], of="a")
    none = cx.churn_rate(start[:0], end[:0], as_of=as_of)
    assert (none.value, none.status) == (None, "no data")
    none = cx.churn_rate(start[:0], end[:0], as_of=as_of, reason=reason[:0], of="moved")
    assert (none.value, none.status) == (None, "no data")

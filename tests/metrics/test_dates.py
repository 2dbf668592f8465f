import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import DataError, QuestionError
from tests import reference_case


def dates(*days):
    return pd.Series(pd.to_datetime(list(days)))


@pytest.fixture
def cases():
    """The lung data told as cases: opened on one day, resolved or still open when cut off."""
    lung = reference_case.table("O03", "lung.csv")
    as_of = pd.Timestamp("2025-12-31")
    wait = pd.to_timedelta(lung["time"], unit="D")
    opened = (as_of - wait).where(lung["event"] == 0, pd.Timestamp("2023-01-01"))
    return opened, (opened + wait).where(lung["event"] == 1), as_of


def test_open_cases_are_open_and_not_left_out(cases):
    opened, resolved, as_of = cases
    there = reference_case.expected("O03")
    found = cx.time_to_resolution(opened, resolved, as_of=as_of, unit="days")
    assert (found.value, found.low, found.high) == (310, 284, 361)
    assert found.n == there["n"]
    closed_only = (resolved - opened).dt.days.median()
    assert closed_only == there["naive"]["median_of_closed_only"] != found.value


def test_restricted_mean_agrees_with_r(cases):
    opened, resolved, as_of = cases
    there = reference_case.expected("O03")["rmst_365"]
    found = cx.time_to_resolution(
        opened, resolved, as_of=as_of, unit="days", measure="restricted mean", tau=365
    )
    assert (found.value, found.se) == (pytest.approx(there["rmean"]), pytest.approx(there["se"]))
    assert found.metric == "Time to resolution (mean up to 365 days)"


def test_hours_are_days_times_24(cases):
    opened, resolved, as_of = cases
    for measure in ("median", "p90"):
        days = cx.time_to_resolution(opened, resolved, as_of=as_of, unit="days", measure=measure)
        hours = cx.time_to_resolution(opened, resolved, as_of=as_of, measure=measure)
        assert hours.value == pytest.approx(24 * days.value)
        assert hours.low == pytest.approx(24 * days.low)
        assert (hours.measured_in, days.measured_in) == ("hours", "days")


def test_all_open_is_not_reached():
    opened = dates("2025-01-01", "2025-02-01", "2025-03-01")
    found = cx.time_to_resolution(opened, pd.Series([None] * 3), as_of="2025-03-31", unit="days")
    assert (found.value, found.low, found.high, found.status) == (None, None, None, "not reached")
    assert found.reason.startswith("3 of 3 cases are still open. By 89 days")


def test_what_happens_after_as_of_is_not_known():
    opened = dates("2025-01-01", "2025-01-01", "2025-05-01")
    resolved = dates("2025-01-05", "2025-06-01", "2025-06-01")
    found = cx.time_to_resolution(opened, resolved, as_of="2025-01-31", unit="days")
    assert (found.n, found.n_missing) == (2, 1)
    assert found.value == 4


def test_as_of_means_the_end_of_its_day_where_there_are_times_of_day():
    opened = dates("2025-01-31 08:00", "2025-01-31 09:00")
    resolved = dates("2025-01-31 10:00", None)
    found = cx.time_to_resolution(opened, resolved, as_of="2025-01-31")
    assert (found.n, found.n_missing, found.value) == (2, 0, 2)
    tau = cx.time_to_resolution(
        opened, resolved, as_of="2025-01-31", measure="restricted mean", tau=15
    )
    assert tau.value == pytest.approx((2 + 15) / 2)


def test_time_zones_keep_their_hours():
    opened = dates("2025-03-30 00:00", "2025-03-30 00:00").dt.tz_localize("Europe/Berlin")
    resolved = dates("2025-03-30 06:00", None).dt.tz_localize("Europe/Berlin")
    found = cx.time_to_resolution(opened, resolved, as_of="2025-03-31")
    assert found.value == 5  # the clocks went forward that night
    nothing = pd.Series([None, None])
    assert cx.time_to_resolution(opened, nothing, as_of="2025-03-31").status == "not reached"


def test_closings_by_machine_are_counted_and_said():
    opened = dates(*["2025-01-01"] * 4)
    resolved = dates("2025-01-02", "2025-01-03", "2025-01-04", None)
    machine = pd.Series([False, True, None, True], dtype="boolean")
    found = cx.time_to_resolution(opened, resolved, as_of="2025-02-01", auto_closed=machine)
    assert found.method.endswith("; 1 closed by machine")
    plain = cx.time_to_resolution(opened, resolved, as_of="2025-02-01")
    assert (found.value, plain.method) == (plain.value, "log-log Kaplan-Meier")


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"measure": "mean"}, "measure 'mean' in 'hours' is not known"),
        ({"unit": "weeks"}, "'weeks' is not known"),
        ({"measure": "restricted mean"}, "needs tau.*tau=72"),
        ({"measure": "restricted mean", "tau": 1e6}, "nobody was followed beyond"),
    ],
)
def test_senseless_choices_are_refused(cases, choices, words):
    opened, resolved, as_of = cases
    with pytest.raises(QuestionError, match="(?s)" + words):
        cx.time_to_resolution(opened, resolved, as_of=as_of, **choices)


def test_a_case_resolved_before_it_was_opened_is_refused():
    opened, resolved = dates("2025-01-05", "2025-01-05"), dates("2025-01-06", "2025-01-04")
    with pytest.raises(
        DataError, match=r"row 1: resolved 2025-01-04.* before opened .*1 of 2 rows"
    ):
        cx.time_to_resolution(opened, resolved, as_of="2025-02-01")


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

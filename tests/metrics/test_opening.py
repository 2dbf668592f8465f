import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxkit as cx
from cxkit.errors import QuestionError

WEEK = cx.OpeningHours(
    week={"mon-fri": [("13:00", "17:00"), ("09:00", "12:00")], "sat": ("10:00", "14:00")},
    holidays=["2025-05-01", "2025-06-09"],
)


def by_minute(begin, end):
    """Count open minutes one by one: what the closed form must agree with."""
    moments = pd.date_range(begin, end, freq="min", inclusive="left")
    day, minute = moments.day_of_week, moments.hour * 60 + moments.minute
    weekday = (day < 5) & (((minute >= 540) & (minute < 720)) | ((minute >= 780) & (minute < 1020)))
    saturday = (day == 5) & (minute >= 600) & (minute < 840)
    closed = moments.normalize().isin(pd.to_datetime(["2025-05-01", "2025-06-09"]))
    return float(((weekday | saturday) & ~closed).sum()) / 60


moments = st.integers(0, 60 * 24 * 60).map(
    lambda m: pd.Timestamp("2025-04-20") + pd.Timedelta(minutes=m)
)


@settings(max_examples=40)
@given(st.lists(st.tuples(moments, moments).map(sorted), min_size=1, max_size=4))
def test_open_hours_are_those_counted_minute_by_minute(pairs):
    begin, end = (pd.Series(column) for column in zip(*pairs, strict=True))
    expected = [by_minute(a, b) for a, b in pairs]
    assert WEEK.between(begin, end).tolist() == pytest.approx(expected, abs=1e-9)


def test_open_hours_agree_with_numpy_business_days():
    rng = np.random.default_rng(2)
    first = np.datetime64("2025-01-01") + rng.integers(0, 300, 200)
    last = first + rng.integers(0, 90, 200)
    holidays = ["2025-04-18", "2025-12-25"]
    allday = cx.OpeningHours(week={"mon-fri": ("00:00", "24:00")}, holidays=holidays)
    found = allday.between(pd.Series(first), pd.Series(last))
    assert (found / 24).tolist() == np.busday_count(first, last, holidays=holidays).tolist()


def test_hours_add_up_and_missing_stays_missing():
    a, b, c = (pd.Series(pd.to_datetime([d])) for d in ("2025-05-02", "2025-05-09", "2025-05-20"))
    assert float((WEEK.between(a, b) + WEEK.between(b, c)).iloc[0]) == WEEK.between(a, c).iloc[0]
    assert WEEK.between(a, pd.Series(pd.to_datetime([None]))).isna().all()


def test_opening_hours_are_read_on_the_clock_of_the_zone():
    week = cx.OpeningHours(week={"sun": ("00:00", "24:00")})
    ends = pd.Series(pd.to_datetime(["2025-03-30 00:00", "2025-03-31 00:00"]))
    zoned = ends.dt.tz_localize("Europe/Berlin")  # 23 hours long: the clocks went forward
    assert week.between(zoned[:1], zoned[1:].set_axis([0])).tolist() == [24]


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"week": {}}, "never open"),
        ({"week": {"monday": ("09:00", "17:00")}}, "'monday' is not a day"),
        ({"week": {"mon": ("9 am", "17:00")}}, "'9 am' is not a time of day"),
        ({"week": {"mon": ("22:00", "06:00")}}, "A night shift is two spans"),
        ({"week": {"mon": [("09:00", "13:00"), ("12:00", "17:00")]}}, "spans of mon overlap"),
        ({"week": {"mon": ("09:00", "17:00")}, "holidays": ["soon"]}, "'soon' is not a date"),
    ],
)
def test_senseless_hours_are_refused(choices, words):
    with pytest.raises(QuestionError, match=words):
        cx.OpeningHours(**choices)

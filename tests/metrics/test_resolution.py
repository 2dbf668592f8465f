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


def test_closings_by_machine_compete():
    opened = dates(*["2025-01-01"] * 4)
    resolved = dates("2025-01-02", "2025-01-03", "2025-01-04", None)
    machine = pd.Series([False, True, None, True], dtype="boolean")
    found = cx.time_to_resolution(opened, resolved, as_of="2025-02-01", auto_closed=machine)
    # Aalen-Johansen by hand: 1/4 on the first day, then 2/4 * 1/2 on the third
    assert (found.value, found.method) == (72, "log-log Aalen-Johansen; 1 closed by machine")
    plain = cx.time_to_resolution(opened, resolved, as_of="2025-02-01")
    assert (plain.value, plain.method) == (48, "log-log Kaplan-Meier")


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


def test_machine_closings_are_open_to_neither_way_of_counting():
    rng = np.random.default_rng(5)
    n = 4000
    opened = pd.Series(pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 60, n), "D"))
    human, machine = rng.exponential(48, n), rng.exponential(96, n)
    resolved = opened + pd.to_timedelta(np.minimum(human, machine), unit="h")
    by_machine = pd.Series(machine < human)
    found = cx.resolved_within(
        opened, resolved, within=24, as_of="2025-12-31", auto_closed=by_machine
    )
    truth = 100 * 2 / 3 * (1 - np.exp(-24 * (1 / 48 + 1 / 96)))
    assert found.low < truth < found.high
    as_if_resolved = cx.resolved_within(opened, resolved, within=24, as_of="2025-12-31")
    censored = 100 * (1 - np.exp(-24 / 48))  # what would be if machines closed nothing
    assert as_if_resolved.value > found.high
    assert censored > found.high
    never = cx.time_to_resolution(
        opened, resolved, as_of="2025-12-31", auto_closed=by_machine, measure="p90"
    )
    assert never.status == "not reached"  # a third is never resolved, however long one waits


def test_reopened_means_not_resolved_until_the_last_resolution():
    opened = dates(*["2025-01-01"] * 5)
    resolved = dates("2025-01-02", "2025-01-03", "2025-01-04", "2025-01-05", "2025-01-06")
    again = pd.Series([True, False, False, False, None], dtype="boolean")
    choices = {"as_of": "2025-02-01", "unit": "days", "reopened": again}
    last = cx.time_to_resolution(opened, resolved, **choices)
    first = cx.time_to_resolution(opened, resolved, resolved_is="first", **choices)
    assert (last.value, first.value) == (3, 4)
    assert first.method.endswith("; 1 reopened count as open")
    when = dates("2025-01-10", None, "2025-01-03", None, None)  # the third was resolved after it
    moments = cx.time_to_resolution(opened, resolved, **{**choices, "reopened": when})
    assert (moments.value, moments.method) == (first.value, first.method)
    with pytest.raises(QuestionError, match=r"resolved_is is 'never'"):
        cx.time_to_resolution(opened, resolved, resolved_is="never", **choices)


def test_business_hours_count_only_open_hours():
    week = cx.OpeningHours(week={"mon-fri": ("09:00", "17:00")}, holidays=["2025-01-06"])
    opened = dates("2025-01-03 16:00", "2025-01-03 16:00", "2025-01-04 12:00")  # Friday, Saturday
    resolved = dates("2025-01-07 10:00", "2025-01-03 18:00", "2025-01-05 12:00")
    found = cx.time_to_resolution(opened, resolved, as_of="2025-02-01", hours=week, measure="p90")
    assert (found.value, found.measured_in) == (2, "business hours")
    median = cx.time_to_resolution(opened, resolved, as_of="2025-02-01", hours=week)
    assert (median.value, median.n) == (1, 3)  # a case done over the weekend took no business hour
    with pytest.raises(QuestionError, match=r'with opening hours it is "hours"'):
        cx.time_to_resolution(opened, resolved, as_of="2025-02-01", hours=week, unit="days")


def test_first_response_competes_with_closing_unanswered():
    opened = dates(*["2025-01-01"] * 4)
    answered = dates("2025-01-02", None, "2025-01-04", None)
    closed = dates("2025-01-05", "2025-01-03", "2025-01-05", None)
    found = cx.first_response_time(opened, answered, as_of="2025-02-01", unit="days", closed=closed)
    assert (found.value, found.n) == (3, 4)
    assert found.method == "log-log Aalen-Johansen; 1 closed without a response"
    plain = cx.first_response_time(opened, answered, as_of="2025-02-01", unit="days")
    assert (plain.value, plain.method) == (3, "log-log Kaplan-Meier")
    nobody = cx.first_response_time(opened, dates(*[None] * 4), as_of="2025-02-01")
    assert (nobody.status, nobody.value) == ("not reached", None)


def test_cases_of_one_customer_widen_the_interval():
    rng = np.random.default_rng(9)
    customer = np.repeat(np.arange(60), 5)
    hours = np.repeat(rng.exponential(20, 60), 5)  # all cases of a customer take the same time
    opened = pd.Series(pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(300), "h"))
    resolved = opened + pd.to_timedelta(hours, unit="h")
    once = np.arange(300) % 5 == 0
    choices = {"as_of": "2025-12-31"}
    naive = cx.time_to_resolution(opened, resolved, **choices)
    robust = cx.time_to_resolution(opened, resolved, clusters=customer, **choices)
    alone = cx.time_to_resolution(opened[once], resolved[once], **choices)
    assert robust.value == naive.value
    assert robust.method.endswith("cluster-robust by 60 clusters")
    assert (robust.low, robust.high) != (naive.low, naive.high)
    assert robust.high - robust.low >= 0.9 * (alone.high - alone.low)
    same = cx.time_to_resolution(opened, resolved, clusters=np.arange(300), **choices)
    assert same == naive
    one = cx.time_to_resolution(opened, resolved, clusters=np.zeros(300), **choices)
    assert (one.value, one.status) == (None, "no data")
    assert "one cluster" in one.reason
    choices |= {"measure": "restricted mean", "tau": 40}
    naive = cx.time_to_resolution(opened, resolved, **choices)
    robust = cx.time_to_resolution(opened, resolved, clusters=customer, **choices)
    alone = cx.time_to_resolution(opened[once], resolved[once], **choices)
    assert robust.value == pytest.approx(naive.value, rel=1e-12)
    assert robust.se == pytest.approx(alone.se * np.sqrt(60 / 59), rel=1e-9)
    assert robust.high - robust.value > 2 * (naive.high - naive.value)
    assert robust.method == "Kaplan-Meier area, cluster-robust by 60 clusters"
    one = cx.time_to_resolution(opened, resolved, clusters=np.zeros(300), **choices)
    assert (one.value, one.status) == (None, "no data")
    assert "one cluster" in one.reason


def test_a_restricted_mean_by_case_is_that_of_r(cases):
    """R's survival gives 263.22 (7.80); each case a cluster of its own changes nothing."""
    opened, resolved, as_of = cases
    choices = {"as_of": as_of, "unit": "days", "measure": "restricted mean", "tau": 365}
    there = reference_case.expected("O03")["rmst_365"]
    found = cx.time_to_resolution(opened, resolved, clusters=np.arange(len(opened)), **choices)
    plain = cx.time_to_resolution(opened, resolved, **choices)
    assert (found.value, found.se) == (pytest.approx(there["rmean"]), pytest.approx(there["se"]))
    for name in ("low", "high", "n", "metric", "method"):
        assert getattr(found, name) == pytest.approx(getattr(plain, name))


def ends(seed=3, n=400):
    """Cases of one day that a person resolved, a machine closed, or that are open still."""
    rng = np.random.default_rng(seed)
    days = rng.integers(0, 30, n)
    way = rng.choice(["person", "machine", "open"], n, p=[0.6, 0.25, 0.15])
    way[days == 29] = "open"  # CumIncidenceRight divides by nobody once all have ended
    as_of = pd.Timestamp("2025-03-31")
    opened = pd.Series(as_of - pd.to_timedelta(days, unit="D"))
    opened = opened.where(way == "open", pd.Timestamp("2025-01-01"))
    resolved = (opened + pd.to_timedelta(days, unit="D")).where(way != "open")
    return opened, resolved, pd.Series(way == "machine"), days, way, as_of


def test_a_restricted_mean_with_machine_closings_is_the_area_of_statsmodels():
    """tau less the area under CumIncidenceRight; its error is that of leaving each case out."""
    from statsmodels.duration.survfunc import CumIncidenceRight

    opened, resolved, machine, days, way, as_of = ends()
    tau = 20
    choices = {"as_of": as_of, "unit": "days", "measure": "restricted mean", "tau": tau}
    found = cx.time_to_resolution(opened, resolved, auto_closed=machine, **choices)

    def area(keep):
        status = pd.Series(way).map({"person": 1, "machine": 2, "open": 0}).to_numpy()[keep]
        there = CumIncidenceRight(days[keep].astype(float), status)
        inside = there.times <= tau
        width = np.diff(np.append(there.times[inside], tau))
        return tau - float((there.cinc[0][inside] * width).sum())

    every = np.ones(len(days), dtype=bool)
    assert found.value == pytest.approx(area(every), abs=1e-10)
    left_out = np.array([area(np.arange(len(days)) != i) for i in range(len(days))])
    n = len(days)
    jackknife = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    assert found.se == pytest.approx(jackknife, rel=0.01)
    assert found.method == f"Aalen-Johansen area; {int(machine.sum())} closed by machine"
    who = np.arange(n) // 4
    robust = cx.time_to_resolution(opened, resolved, auto_closed=machine, clusters=who, **choices)
    groups = np.array([area(who != g) for g in range(n // 4)])
    by_group = np.sqrt((n / 4 - 1) / (n / 4) * ((groups - groups.mean()) ** 2).sum())
    assert robust.value == found.value
    assert robust.se == pytest.approx(by_group, rel=0.02)


def test_a_restricted_mean_knows_cases_that_are_never_resolved():
    opened, resolved, machine, *_, as_of = ends()
    choices = {"as_of": as_of, "unit": "days", "measure": "restricted mean", "tau": 20}
    as_if = cx.time_to_resolution(opened, resolved, **choices)
    found = cx.time_to_resolution(opened, resolved, auto_closed=machine, **choices)
    assert found.low > as_if.high  # a machine's closing resolves nothing
    nobody = cx.time_to_resolution(opened, resolved, auto_closed=machine | True, **choices)
    assert (nobody.value, nobody.high, nobody.se) == (20, 20, 0)
    assert 19 < nobody.low < 20
    assert "limits from the share not ended" in nobody.method
    early = cx.time_to_resolution(
        opened, resolved + pd.Timedelta(days=21), auto_closed=machine, **choices | {"tau": 0.5}
    )
    assert (early.value, early.high) == (0.5, 0.5)
    for tau in (0, -3, np.nan):
        with pytest.raises(QuestionError, match="needs tau, where time stops counting, above 0"):
            cx.time_to_resolution(opened, resolved, auto_closed=machine, **choices | {"tau": tau})
    with pytest.raises(QuestionError, match="nobody was followed beyond 29"):
        cx.time_to_resolution(opened, resolved, auto_closed=machine, **choices | {"tau": 40})


def test_a_band_widened_a_hundredfold_stays_within_its_bounds():
    hours = np.r_[np.full(5000, 2.0), 1.0, np.linspace(3, 90, 50)]
    opened = pd.Series([pd.Timestamp("2025-01-01")] * len(hours))
    resolved = opened + pd.to_timedelta(hours, unit="h")
    who = np.r_[np.zeros(5001), np.arange(1, 51)]  # one customer has nearly all cases
    found = cx.time_to_resolution(opened, resolved, as_of="2025-12-31", clusters=who)
    assert found.low <= found.value == 2
    assert found.high is None or found.high >= 2


def test_no_case_at_all_is_said():
    nothing = pd.Series([], dtype="datetime64[us]")
    for metric in (cx.time_to_resolution, cx.first_response_time):
        found = metric(nothing, nothing, as_of="2025-01-01")
        assert (found.value, found.status, found.n) == (None, "no data", 0)
    found = cx.resolved_within(nothing, nothing, within=24, as_of="2025-01-01")
    assert (found.value, found.status) == (None, "no data")

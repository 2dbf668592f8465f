import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

import cxkit as cx
from cxkit.errors import DataError, QuestionError
from tests import reference_case

LUNG = reference_case.expected("O03")
TOLERANCE = reference_case.case("O03")["tolerance"]["abs"]


@pytest.fixture
def lung():
    return reference_case.table("O03", "lung.csv")


@pytest.fixture
def curve(lung):
    return cx.kaplan_meier(lung["time"], lung["event"])


def late(seed, n=400):
    """Return spells with late entry, ties and censoring."""
    rng = np.random.default_rng(seed)
    entry = np.where(rng.random(n) < 0.5, 0, rng.integers(1, 10, n))
    duration = entry + rng.integers(1, 15, n)
    return duration, rng.random(n) < 0.6, entry


def test_quantiles_agree_with_r(curve):
    there = LUNG["quantiles_25_50_75"]["loglog"]
    found = [cx.km_quantile(curve, q) for q in (0.25, 0.5, 0.75)]
    assert [e.value for e in found] == there["quantile"]
    assert [e.low for e in found] == there["lower"]
    assert [e.high for e in found] == there["upper"]
    assert {(e.n, e.n_missing, e.status) for e in found} == {(228, 0, "ok")}


def test_survival_at_fixed_times_agrees_with_r(curve):
    there = LUNG["survival_at_180_365_730"]
    for i, day in enumerate((180, 365, 730)):
        found = cx.km_at(curve, day)
        assert found.value / 100 == pytest.approx(there["surv"][i], abs=TOLERANCE)
        assert found.se / 100 == pytest.approx(there["se"][i], abs=TOLERANCE)
        assert found.low / 100 == pytest.approx(there["loglog_lo"][i], abs=TOLERANCE)
        assert found.high / 100 == pytest.approx(there["loglog_hi"][i], abs=TOLERANCE)


def test_restricted_mean_agrees_with_r_and_not_with_the_variance_of_time(curve):
    found = cx.km_restricted_mean(curve, 365)
    assert found.value == pytest.approx(LUNG["rmst_365"]["rmean"], abs=TOLERANCE)
    assert found.se == pytest.approx(LUNG["rmst_365"]["se"], abs=TOLERANCE)
    assert found.metric == "duration (mean up to 365 days)"


def test_logrank_agrees_with_r(lung):
    found = cx.logrank(lung["time"], lung["event"], lung["sex"])
    assert found.statistic == pytest.approx(LUNG["logrank"]["chisq"], abs=TOLERANCE)
    assert found.p == pytest.approx(LUNG["logrank"]["p"], abs=TOLERANCE)
    assert (found.df, found.n, found.events) == (1, 228, 165)


@pytest.mark.parametrize("sex", [1, 2])
def test_medians_by_group_agree_with_r(lung, sex):
    rows, there = lung[lung["sex"] == sex], LUNG["by_sex"][f"sex{sex}"]
    found = cx.km_quantile(cx.kaplan_meier(rows["time"], rows["event"]), 0.5)
    assert (found.n, found.value, [found.low, found.high]) == (
        there["n"],
        there["median"],
        there["loglog"],
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_late_entry_agrees_with_statsmodels(seed):
    duration, observed, entry = late(seed)
    curve = cx.kaplan_meier(duration, observed, entry=entry)
    # statsmodels counts who enters at t as at risk at t; R and the kit count them after it.
    there = SurvfuncRight(duration, observed.astype(int), entry=np.where(entry > 0, entry + 0.5, 0))
    ends = curve[curve["events"] > 0].set_index("time")
    np.testing.assert_allclose(ends["survival"].loc[there.surv_times], there.surv_prob, atol=1e-12)
    np.testing.assert_allclose(ends["at_risk"].loc[there.surv_times], there.n_risk)


def test_logrank_of_three_groups_agrees_with_statsmodels():
    rng = np.random.default_rng(4)
    duration, observed = rng.integers(1, 30, 300), rng.random(300) < 0.7
    group = rng.choice(["a", "b", "c"], 300)
    found = cx.logrank(duration, observed, group)
    statistic, p = survdiff(duration, observed.astype(int), group)
    assert (found.statistic, found.p, found.df) == (pytest.approx(statistic), pytest.approx(p), 2)


def test_late_entry_by_hand():
    """One enters at 2: at risk at 3 but not at 2, so 1 of 2, then 1 of 2 again."""
    curve = cx.kaplan_meier([2, 4, 3], [True, False, True], entry=[0, 0, 2]).set_index("time")
    assert curve["at_risk"].to_dict() == {0: 2, 2: 2, 3: 2, 4: 1}
    assert curve["survival"].to_dict() == {0: 1, 2: 0.5, 3: 0.25, 4: 0.25}


def test_without_censoring_it_is_the_empirical_share():
    rng = np.random.default_rng(5)
    duration = rng.integers(0, 20, 200)
    curve = cx.kaplan_meier(duration, np.ones(200))
    there = [(duration > t).mean() for t in curve["time"]]
    np.testing.assert_allclose(curve["survival"], there, atol=1e-12)
    for q in (0.1, 0.5, 0.9):
        assert cx.km_quantile(curve, q).value == np.quantile(duration, q, method="inverted_cdf")
    whole = cx.km_restricted_mean(curve, float(duration.max()))
    assert whole.value == pytest.approx(duration.mean())
    assert whole.se == pytest.approx(duration.std() / np.sqrt(200))


def test_doubling_everybody_keeps_the_curve():
    duration, observed, entry = late(7)
    once = cx.kaplan_meier(duration, observed, entry=entry)
    twice = cx.kaplan_meier(*(np.tile(x, 2) for x in (duration, observed)), entry=np.tile(entry, 2))
    np.testing.assert_allclose(once["survival"], twice["survival"], atol=1e-12)
    np.testing.assert_allclose(2 * once["at_risk"], twice["at_risk"])


def test_counts_add_up_and_the_band_holds_the_curve():
    duration, observed, entry = late(8)
    curve = cx.kaplan_meier(duration, observed, entry=entry)
    assert curve["events"].sum() + curve["censored"].sum() == curve.attrs["n"] == len(duration)
    assert not curve.isna().any().any()
    assert (curve["low"] <= curve["survival"]).all()
    assert (curve["survival"] <= curve["high"]).all()
    assert (curve["high"].diff().dropna() <= 1e-12).all()


def test_rows_that_were_never_at_risk_are_counted():
    curve = cx.kaplan_meier([3, None, 2, 5], [1, 1, 1, None], entry=[0, 0, 2, 0])
    assert (curve.attrs["n"], curve.attrs["n_missing"]) == (1, 3)


def test_who_ends_on_the_first_day_counts():
    curve = cx.kaplan_meier([0, 1, 2, 3], [1, 0, 0, 0])
    assert curve["survival"].iloc[0] == 0.75
    assert curve["at_risk"].iloc[0] == 4


def test_the_order_of_rows_does_not_matter():
    duration, observed, entry = late(9)
    mix = np.random.default_rng(9).permutation(len(duration))
    one = cx.kaplan_meier(duration, observed, entry=entry)
    other = cx.kaplan_meier(duration[mix], observed[mix], entry=entry[mix])
    pd.testing.assert_frame_equal(one, other)


def test_swapping_group_names_keeps_the_logrank():
    duration, observed, entry = late(10)
    group = np.arange(len(duration)) % 2
    one = cx.logrank(duration, observed, group, entry=entry)
    other = cx.logrank(duration, observed, 1 - group, entry=entry)
    assert one.statistic == pytest.approx(other.statistic)


def test_nobody_ended():
    curve = cx.kaplan_meier([3, 5, 5, 8], [0, 0, 0, 0])
    found = cx.km_at(curve, 5)
    assert (found.value, found.high) == (100, 100)
    assert found.low == pytest.approx(cx.share([True] * 3).low)
    assert "3 still followed" in found.method
    median = cx.km_quantile(curve, 0.5)
    assert (median.value, median.low, median.status) == (None, None, "not reached")
    assert median.reason == "By 8 days, the longest followed, 0 % had ended."
    mean = cx.km_restricted_mean(curve, 5)
    assert (mean.value, mean.high) == (5, 5)
    assert mean.low == pytest.approx(5 * found.low / 100)


def test_all_ended():
    curve = cx.kaplan_meier([3, 5, 5, 8], [1, 1, 1, 1])
    found = cx.km_at(curve, 20)
    assert (found.value, found.low) == (0, 0)
    assert 0 < found.high < 100
    assert cx.km_restricted_mean(curve, 20).value == pytest.approx(5.25)


def test_all_ended_at_once():
    curve = cx.kaplan_meier([4] * 10, [1] * 10)
    found = cx.km_at(curve, 4)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(cx.share([False] * 10).high)
    mean = cx.km_restricted_mean(curve, 9)
    assert mean.low <= mean.value == 4 <= mean.high


def test_a_median_not_reached_keeps_its_lower_limit():
    curve = cx.kaplan_meier(np.arange(1, 21), np.arange(1, 21) < 9)
    found = cx.km_quantile(curve, 0.5)
    assert (found.value, found.high, found.status) == (None, None, "not reached")
    assert found.low > 0
    assert f"At least {found.low:.1f} days" in str(found)


def test_an_open_upper_limit_is_said():
    found = cx.km_quantile(cx.kaplan_meier([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 0]), 0.5)
    assert (found.value, found.high, found.status) == (3, None, "one-sided")
    assert "beyond the longest time followed" in found.reason


def test_nothing_to_follow():
    for curve in (cx.kaplan_meier([], []), cx.kaplan_meier([None], [1])):
        for found in (
            cx.km_at(curve, 3),
            cx.km_quantile(curve, 0.5),
            cx.km_restricted_mean(curve, 3),
        ):
            assert (found.value, found.n, found.status) == (None, 0, "no data")
            assert found.reason


def test_a_logrank_without_ends_says_why():
    found = cx.logrank([1, 2, 3, 4], [0, 0, 0, 0], list("aabb"))
    assert (found.statistic, found.p, found.df) == (None, None, 1)
    assert "never at risk together" in found.reason


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda c: cx.km_at(c, 2000), r"asked for time 2000, but nobody was followed beyond 1022"),
        (lambda c: cx.km_at(c, -1), "from 0 to 1022"),
        (lambda c: cx.km_restricted_mean(c, 2000), "nobody was followed beyond 1022 days"),
        (lambda c: cx.km_restricted_mean(c, 0), "tau above 0"),
        (lambda c: cx.km_quantile(c, 50), "q is 50.*0.5 is the median"),
        (lambda c: cx.km_at(pd.DataFrame(c.to_dict()), 3), "does not know its n"),
    ],
)
def test_what_the_curve_cannot_tell_is_refused(curve, ask, words):
    with pytest.raises(QuestionError, match="(?s)" + words):
        ask(curve)


def test_contradictions_are_refused():
    with pytest.raises(DataError, match=r"row c: the duration is -2 \(1 of 3 rows\)"):
        cx.kaplan_meier(pd.Series([1, 2, -2], index=list("abc")), [1, 1, 1])
    with pytest.raises(QuestionError, match="3 durations, 2 observed"):
        cx.kaplan_meier([1, 2, 3], [1, 1])
    with pytest.raises(QuestionError, match=r"kaplan_meier: counts has -1 in row 1"):
        cx.kaplan_meier([1, 2], [1, 1], counts=[1, -1])
    with pytest.raises(QuestionError, match=r"logrank: counts has 0\.5 in row 1"):
        cx.logrank([1, 2], [1, 1], list("ab"), counts=[1, 0.5])
    with pytest.raises(QuestionError, match="found 1 with a usable row"):
        cx.logrank([1, 2, 3], [1, 1, 1], ["a", "a", None])


def test_two_hundred_thousand_spells_take_well_under_a_second():
    import time

    duration, observed, entry = late(12, n=200_000)
    began = time.process_time()
    cx.kaplan_meier(duration + np.arange(200_000) / 1e6, observed, entry=entry)
    assert time.process_time() - began < 2

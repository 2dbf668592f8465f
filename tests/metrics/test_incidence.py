import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxkit as cx
from cxkit.errors import DataError, QuestionError
from tests import reference_case

CAUSES = [None, "left", "died"]
rows = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(CAUSES), st.integers(0, 4)),
    min_size=1,
    max_size=12,
)


def columns(found):
    return (pd.Series(c) for c in zip(*found, strict=True))


def mgus():
    data = reference_case.table("O07", "mgus2.csv")
    return data["time"], data["status"].map({0: None, 1: "progression", 2: "death"})


def test_incidence_agrees_with_r():
    there = reference_case.expected("O07")
    time, cause = mgus()
    for i, t in enumerate(there["times"]):
        for of, name in (("progression", "cif_event1"), ("death", "cif_event2")):
            found = cx.ended_by(time, cause, of=of, time=t)
            assert found.value == pytest.approx(100 * there[name][i], abs=1e-4)
        found = cx.ended_by(time, cause, of="progression", time=t)
        # R's survival gives the infinitesimal jackknife; cmprsk gives Aalen's variance, 0.4 % off
        assert found.se == pytest.approx(100 * there["aj_survival_pkg"]["se_event1"][i], abs=1e-4)
        aalen = 100 * np.sqrt(there["var_event1_cmprsk"][i])
        assert found.se == pytest.approx(aalen, rel=0.005)
        assert found.value < 100 * there["naive_one_minus_km_event1"][i] - 0.5


def test_incidence_agrees_with_statsmodels():
    from statsmodels.duration.survfunc import CumIncidenceRight

    rng = np.random.default_rng(4)
    time, status = rng.integers(1, 30, 300), rng.integers(0, 3, 300)
    status[time == 29] = 0  # CumIncidenceRight divides by nobody once all have ended
    time = np.append(time, 31)
    status = np.append(status, 0)
    there = CumIncidenceRight(time, status)
    cause = pd.Series(status).map({1: "a", 2: "b"})
    curve = cx.cumulative_incidence(time, cause)
    for k, name in enumerate("ab"):
        own = curve[curve["cause"] == name]
        assert own["incidence"].to_numpy() == pytest.approx(there.cinc[k], abs=1e-12)
        assert own["se"].to_numpy() == pytest.approx(there.cinc_se[k], abs=1e-12)


def test_one_cause_is_kaplan_meier():
    time = [2, 3, 3, 5, 7, 7, 9]
    cause = ["left", "left", None, "left", None, "left", None]
    curve = cx.kaplan_meier(time, [c is not None for c in cause])
    stay = cx.km_at(curve, 6)
    found = cx.ended_by(time, cause, of="left", time=6)
    assert found.value == pytest.approx(100 - stay.value)
    assert (found.low, found.high) == pytest.approx((100 - stay.high, 100 - stay.low))
    assert found.se == pytest.approx(stay.se)


@settings(max_examples=60)
@given(rows, st.integers(0, 6))
def test_counts_are_rows_and_the_error_is_the_same_by_both_formulas(found, t):
    time, cause, counts = columns(found)
    many = [frame.repeat(counts).reset_index(drop=True) for frame in (time, cause)]
    if not counts.sum():
        assert cx.ended_by(time, cause, of="left", time=t, counts=counts).status == "no data"
        return
    if t > many[0].max() and many[1].isna()[many[0] == many[0].max()].any():
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = cx.ended_by(*many, of="left", time=t)
        other = cx.ended_by(time, cause, of="left", time=t, counts=counts)
        curve = cx.cumulative_incidence(time, cause, counts=counts)
    numbers = (one.value, one.low, one.high, one.se)
    assert numbers == pytest.approx((other.value, other.low, other.high, other.se), abs=1e-10)
    assert (one.n, one.method) == (other.n, other.method)
    assert one.low <= one.value <= one.high
    own = curve[(curve["cause"] == "left") & (curve["time"] <= t) & (curve["at_risk"] > 0)]
    if len(own):
        assert 100 * own["incidence"].iloc[-1] == pytest.approx(one.value, abs=1e-9)
        assert 100 * own["se"].iloc[-1] == pytest.approx(one.se, abs=1e-6)
    assert not curve.drop(columns="cause").isna().any().any()


@settings(max_examples=40)
@given(rows)
def test_causes_and_those_left_add_up_to_all(found):
    time, cause, _ = columns(found)
    curve = cx.cumulative_incidence(time, cause)
    stay = cx.kaplan_meier(time, cause.notna())
    if len(curve):
        total = curve.groupby("time")["incidence"].sum()
        expected = 1 - stay.set_index("time")["survival"]
        assert total.to_numpy() == pytest.approx(expected[total.index].to_numpy(), abs=1e-12)


def test_the_clustered_error_is_the_jackknife_over_clusters():
    rng = np.random.default_rng(8)
    groups, n = 200, 800
    who = rng.integers(0, groups, n)
    time = np.ceil(rng.exponential(10, n))
    cause = pd.Series(rng.choice(["a", "b", ""], n)).replace("", None)
    found = cx.ended_by(time, cause, of="a", time=8, clusters=who)
    left_out = [
        cx.ended_by(time[who != g], cause[who != g], of="a", time=8).value for g in np.unique(who)
    ]
    k = len(left_out)
    jackknife = np.sqrt((k - 1) / k * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
    assert found.se == pytest.approx(jackknife, rel=0.01)  # they agree to order 1/groups
    assert found.method == f"Aalen-Johansen, cluster-robust by {k} clusters"
    copies = cx.ended_by(
        np.tile(time, 4), pd.concat([cause] * 4), of="a", time=8, clusters=np.tile(np.arange(n), 4)
    )
    alone = cx.ended_by(time, cause, of="a", time=8)
    assert copies.se == pytest.approx(alone.se * np.sqrt(n / (n - 1)))


def test_edges_have_a_status_or_a_limit():
    none = cx.ended_by([], [], of="left", time=1)
    assert (none.value, none.status, none.reason) == (
        None,
        "no data",
        "There is no answer to count.",
    )
    missing = cx.ended_by([None, None], ["left", None], of="left", time=1)
    assert (missing.status, missing.n_missing) == ("no data", 2)
    nobody = cx.ended_by([3, 4, 5], ["died", None, None], of="left", time=3)
    assert (nobody.value, nobody.low) == (0, 0)
    assert nobody.high == pytest.approx(cx.share([False] * 3).high)
    all_of_them = cx.ended_by([1, 1, 1], ["left"] * 3, of="left", time=9)
    assert (all_of_them.value, all_of_them.high) == (100, 100)
    assert all_of_them.low == pytest.approx(cx.share([True] * 3).low)
    one = cx.ended_by([1, 2, 3], ["left", None, None], of="left", time=2, clusters=["c"] * 3)
    assert (one.value, one.status) == (None, "no data")
    assert cx.cumulative_incidence([], []).empty


def test_what_was_never_seen_is_refused():
    with pytest.raises(QuestionError, match=r"asked for 9, but nobody was followed beyond 4"):
        cx.ended_by([1, 4], ["left", None], of="left", time=9)
    with pytest.raises(DataError, match="the duration is -1"):
        cx.ended_by([1, -1], ["left", None], of="left", time=1)
    with pytest.raises(QuestionError, match=r"2 values but 1 clusters"):
        cx.ended_by([1, 2], ["left", None], of="left", time=1, clusters=[1])
    with pytest.raises(QuestionError, match=r"counts has 0\.5"):
        cx.ended_by([1, 2], ["left", None], of="left", time=1, counts=[1, 0.5])

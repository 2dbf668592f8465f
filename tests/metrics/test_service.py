import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import cxkit as cx
from cxkit.errors import DataError, QuestionError


def dates(*days):
    return pd.Series(pd.to_datetime(list(days)))


@pytest.mark.parametrize("n", [6, 10, 25, 40, 61, 100, 333])
@pytest.mark.parametrize(("q", "measure"), [(0.5, "median"), (0.9, "p90")])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_limits_agree_with_scipy(n, q, measure, level):
    waits = np.random.default_rng(n).exponential(5, n)
    low, high = stats.quantile_test(waits, p=q).confidence_interval(level)
    found = cx.waiting_time(waits, measure=measure, level=level)
    assert found.low == (0 if np.isnan(low) else low)
    assert found.high == (None if np.isnan(high) else high)


@pytest.mark.parametrize(
    ("n", "measure", "ranks", "attained"),
    [
        # The sign test's limits of a median of 10 and 25, as textbooks table them
        (10, "median", (2, 9), 97.9),
        (25, "median", (8, 18), 95.7),
        # Binomial tails of 100 and 0.9: P(X < 84) = 0.0206, P(X >= 96) = 0.0237
        (100, "p90", (84, 96), 95.6),
    ],
)
def test_ranks_of_the_limits_and_the_level_they_attain(n, measure, ranks, attained):
    found = cx.waiting_time(np.arange(1, n + 1), measure=measure)
    assert (found.low, found.high) == ranks
    assert found.method == f"order statistics, {attained} %"
    assert found.value == np.ceil(n * (0.5 if measure == "median" else 0.9))


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_waits_agree_with_numpy_and_hold_their_level(q):
    rng = np.random.default_rng(6)
    measure = "median" if q == 0.5 else "p90"
    truth, hits = stats.expon.ppf(q, scale=5), 0
    for _ in range(400):
        waits = rng.exponential(5, 80)
        found = cx.waiting_time(waits, measure=measure)
        assert found.value == np.quantile(waits, q, method="inverted_cdf")
        hits += found.low <= truth <= found.high
    assert hits >= stats.binom.ppf(0.001, 400, 0.95)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.none() | st.integers(0, 9), st.integers(0, 6)), max_size=12))
def test_counts_are_rows(rows):
    wait = pd.Series([r[0] for r in rows], dtype="Float64")
    counts = [r[1] for r in rows]
    one = cx.waiting_time(wait, counts=counts)
    other = cx.waiting_time(wait.repeat(counts))
    assert one == other
    assert one.n + one.n_missing == sum(counts)
    assert one.value is None or one.low <= one.value


def test_few_waits_have_one_limit():
    found = cx.waiting_time([3, 1, 2, 5, 4])
    assert (found.value, found.low, found.high, found.status) == (3, 0, None, "one-sided")
    assert found.reason == "5 waits are too few for an upper limit."
    assert cx.waiting_time([None]).status == "no data"
    assert cx.waiting_time([]).value is None
    with pytest.raises(DataError, match=r"row 1: a wait of -2 \(1 of 2 rows\)"):
        cx.waiting_time([1, -2])
    with pytest.raises(QuestionError, match="'mean' is not known"):
        cx.waiting_time([1], measure="mean")


def test_first_contact_resolution_by_its_definition():
    done = dates("2025-01-01", "2025-01-01", "2025-01-01", None, None, None)
    contacts = [1, 2, 1, 1, 2, 1]
    again = pd.Series([None, False, True, False, False, True], dtype="boolean")
    found = cx.first_contact_resolution(done, contacts=contacts, reopened=again)
    # yes: the first; not known: the open one with one contact; no: all others
    assert (found.value, found.n, found.n_missing) == (20, 5, 1)
    assert found.metric == "First-contact resolution (one contact, not reopened)"
    assert (found.low, found.high) == (
        cx.share([1, 0, 0, 0, 0]).low,
        cx.share([1, 0, 0, 0, 0]).high,
    )
    flags = cx.first_contact_resolution(done.notna(), contacts=contacts, reopened=again)
    assert flags == found
    only = cx.first_contact_resolution(done, contacts=[1, None, 1, 1, 1, 1])
    assert (only.n, only.n_missing, only.value) == (2, 4, 100)
    many = cx.first_contact_resolution(
        done, contacts=contacts, reopened=again, counts=[3, 1, 1, 2, 0, 1]
    )
    assert (many.value, many.n, many.n_missing) == (50, 6, 2)
    nobody = cx.first_contact_resolution(pd.Series([None, None]), contacts=[1, 1])
    assert (nobody.status, nobody.n_missing) == ("no data", 2)


def test_first_contact_resolution_without_contacts_is_refused():
    with pytest.raises(QuestionError, match="nothing says what came after the first contact"):
        cx.first_contact_resolution(pd.Series([True]))
    with pytest.raises(DataError, match="0 is fewer than one"):
        cx.first_contact_resolution(pd.Series([True]), contacts=[0])
    with pytest.raises(QuestionError, match="contacts has 2 rows, the cases 1"):
        cx.first_contact_resolution(pd.Series([True]), contacts=[1, 2])


def test_backlog_counts_what_is_open():
    opened = dates("2025-01-01", "2025-01-20", "2025-01-30", "2025-01-30", None, "2025-03-01")
    resolved = dates(None, "2025-01-25", "2025-02-10", None, None, None)
    found = cx.backlog(opened, resolved, as_of="2025-01-31")
    assert found["age"].tolist() == [
        "under 1 day",
        "1 to 3 days",
        "3 to 7 days",
        "7 to 30 days",
        "30 days and more",
        "all",
    ]
    assert found["open"].tolist() == [0, 2, 0, 0, 1, 3]
    assert found["open"].iloc[:-1].sum() == found["open"].iloc[-1]
    assert found["share"].tolist() == pytest.approx([0, 200 / 3, 0, 0, 100 / 3, 100])
    assert found["oldest"].iloc[-1] == 30
    assert (found["n"] == 4).all()
    assert (found["n_missing"] == 2).all()
    again = pd.Series([False, True, False, False, False, False])
    more = cx.backlog(opened, resolved, as_of="2025-01-31", reopened=again, resolved_is="first")
    assert more["open"].iloc[-1] == 4
    with pytest.raises(QuestionError, match="do not rise"):
        cx.backlog(opened, resolved, as_of="2025-01-31", bands=[7, 3])


def test_no_backlog_says_none_and_not_nan():
    opened = dates("2025-01-01")
    found = cx.backlog(opened, dates("2025-01-02"), as_of="2025-01-31")
    assert found["open"].tolist() == [0] * 6
    assert found["oldest"].tolist() == [None] * 6

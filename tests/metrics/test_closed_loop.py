import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError


def frames(n=600, seed=3):
    """Return bad scores over a quarter, each followed after an exponential time, if at all."""
    rng = np.random.default_rng(seed)
    given = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 90, n), "D")
    answered = pd.Series(given + pd.to_timedelta(rng.integers(0, 86_400, n), unit="s"))
    delay = pd.to_timedelta(rng.exponential(6, n), unit="D")
    who = pd.Series([f"c{i}" for i in range(n)])
    responses = pd.DataFrame({"customer": who, "answered_on": answered, "nps": 3})
    contacts = pd.DataFrame({"customer": who, "opened": (answered + delay).dt.floor("s")})
    return responses, contacts[contacts["opened"] <= "2025-03-31"]


CHOICES = {"score": "nps", "bad": 6, "within": 7, "as_of": "2025-03-31 00:00:01"}


def test_scores_too_young_are_censored_and_not_failures():
    responses, contacts = frames()
    truth = 100 * (1 - np.exp(-7 / 6))
    found = cx.closed_loop_rate(responses, contacts, **CHOICES)
    assert found.low < truth < found.high
    naive = 100 * len(contacts[contacts["opened"].notna()]) / len(responses)
    joined = responses.merge(contacts, on="customer", how="left")
    in_time = (joined["opened"] - joined["answered_on"]) <= pd.Timedelta(days=7)
    assert 100 * in_time.mean() < found.value  # the young ones taken as failures
    assert naive != found.value


def test_columns_may_be_called_otherwise():
    responses, contacts = frames(80)
    found = cx.closed_loop_rate(responses, contacts, **CHOICES)
    names = {"customer": "who", "answered_on": "told_on", "opened": "called_on"}
    theirs = {"customer": "who", "answered": "told_on", "contacted": "called_on"}
    renamed = responses.rename(columns=names), contacts.rename(columns=names)
    assert cx.closed_loop_rate(*renamed, **CHOICES, **theirs) == found


def test_it_is_one_less_kaplan_meier():
    responses, contacts = frames(80)
    joined = responses.merge(contacts, on="customer", how="left")
    end = joined["opened"].fillna(pd.Timestamp("2025-03-31 00:00:01"))
    days = (end - joined["answered_on"]).dt.total_seconds() / 86_400
    seen = joined[days >= 0].index
    curve = cx.kaplan_meier(days[seen], joined.loc[seen, "opened"].notna())
    stay = cx.km_at(curve, 7)
    found = cx.closed_loop_rate(responses, contacts, **CHOICES)
    assert found.value == pytest.approx(100 - stay.value)
    assert (found.low, found.high) == pytest.approx((100 - stay.high, 100 - stay.low))


def test_only_the_next_contact_with_the_same_customer_closes_a_loop():
    day = pd.Timestamp("2025-03-01")
    responses = pd.DataFrame(
        {
            "customer": ["a", "a", "b", "c", None, "d"],
            "answered_on": [day, day + pd.Timedelta(days=10), day, day, day, day],
            "nps": [2, 2, 0, 10, 1, None],
        }
    )
    contacts = pd.DataFrame(
        {"customer": ["a", "b", "c"], "opened": [day, day - pd.Timedelta(days=1), day]}
    )
    choices = {**CHOICES, "as_of": "2025-03-31"}
    found = cx.closed_loop_rate(responses, contacts, **choices)
    # a's first score on the day itself; a's second and b's never; two rows cannot be used
    assert found.value == pytest.approx(100 / 3)
    assert (found.n, found.n_missing) == (3, 2)
    assert found.method == "Aalen-Johansen, cluster-robust by 2 clusters (customer)"
    with_times = contacts.assign(opened=contacts["opened"] + pd.Timedelta(hours=1))
    exact = responses.assign(answered_on=responses["answered_on"] + pd.Timedelta(hours=2))
    later = cx.closed_loop_rate(exact, with_times, **choices)
    assert later.value == 0  # an hour too early: it cannot be a reply


def test_edges_have_a_status():
    responses, contacts = frames(5)
    happy = responses.assign(nps=10)
    none = cx.closed_loop_rate(happy, contacts, **CHOICES)
    assert (none.value, none.status, none.n) == (None, "no data", 0)
    unanswered = cx.closed_loop_rate(responses, contacts[:0], **CHOICES)
    assert (unanswered.value, unanswered.low) == (0, 0)
    one = responses.assign(customer="x")
    alone = cx.closed_loop_rate(one, contacts.assign(customer="x"), **CHOICES)
    assert (alone.value, alone.status) == (None, "no data")
    assert "one cluster (customer)" in alone.reason
    hard = cx.closed_loop_rate(responses, contacts, **{**CHOICES, "bad": 3}, high_is_bad=True)
    assert hard == cx.closed_loop_rate(responses, contacts, **CHOICES)


def test_what_cannot_be_known_is_refused():
    responses, contacts = frames(5)
    with pytest.raises(QuestionError, match=r"asked for 900, but nobody was followed beyond"):
        cx.closed_loop_rate(responses, contacts[:1], **{**CHOICES, "within": 900})
    with pytest.raises(QuestionError, match="within above 0"):
        cx.closed_loop_rate(responses, contacts, **{**CHOICES, "within": 0})
    with pytest.raises(ColumnError, match="closed_loop_rate, contacts: asked for column 'opened'"):
        cx.closed_loop_rate(responses, contacts.drop(columns="opened"), **CHOICES)

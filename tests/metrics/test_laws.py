"""Laws that hold for any answers at all: finite or None, inside the limits, everyone counted."""

import math

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

import cxkit as cx

#: The same examples in every run.
LAW = settings(max_examples=100)


def scores(low, high):
    return st.lists(st.none() | st.integers(low, high), max_size=30)


def lawful(found, rows):
    """Assert what a reader may always rely on."""
    numbers = [n for n in (found.value, found.low, found.high, found.se) if n is not None]
    assert all(math.isfinite(n) for n in numbers)
    assert found.n + found.n_missing == rows
    if found.value is None:
        assert found.status != "ok"
        assert found.reason
        assert str(found).startswith(f"{found.metric}: {found.status}")
    else:
        assert found.low is None or found.low <= found.value
        assert found.high is None or found.value <= found.high
    if found.status == "ok":
        assert None not in (found.value, found.low, found.high)


@LAW
@given(scores(0, 10), st.sampled_from([0.5, 0.8, 0.95, 0.999]))
def test_nps(answers, level):
    found = cx.nps(answers, level=level)
    lawful(found, len(answers))
    assert found.value is None or -100 <= found.low <= found.high <= 100


@LAW
@given(scores(1, 5))
def test_satisfaction_and_effort(answers):
    for found in (
        cx.csat(answers),
        cx.csat_mean(answers),
        cx.ces(answers, version="1.0"),
        cx.ces_mean(answers, version="2.0"),
        cx.share([None if a is None else a > 3 for a in answers]),
    ):
        lawful(found, len(answers))


@LAW
@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 20), st.booleans(), st.integers(0, 8)), max_size=25
    ),
    st.floats(0.1, 20),
)
def test_durations(rows, time):
    duration, observed, entry = zip(*rows, strict=True) if rows else ((), (), ())
    curve = cx.kaplan_meier(
        pd.Series(duration, dtype=float), list(observed), entry=np.array(entry, dtype=float)
    )
    assert not curve.isna().any().any()
    assert (curve["low"] <= curve["survival"] + 1e-12).all()
    assert (curve["survival"] <= curve["high"] + 1e-12).all()
    assert (curve["at_risk"] >= curve["events"] + curve["censored"]).all()
    lawful(cx.km_quantile(curve, 0.5), len(rows))
    last = curve["time"].iloc[-1]
    if time <= last:
        lawful(cx.km_at(curve, time), len(rows))
        lawful(cx.km_restricted_mean(curve, time), len(rows))


@LAW
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", None]), st.none() | st.integers(1, 5)),
        max_size=15,
    )
)
def test_agreement(rows):
    frame = pd.DataFrame(rows, columns=["unit", "score"]).astype({"score": float, "unit": object})
    for metric in (cx.icc1, cx.icc2):
        lawful(metric(frame, unit="unit", score="score"), len(rows))
    found = cx.rwg(frame, unit="unit", score="score", options=5)
    assert (found["rwg"].isna() == (found["reason"] != "")).all()
    assert found["rwg"].dropna().between(0, 1).all()
    assert found["n"].sum() == len(frame.dropna())


@LAW
@given(st.lists(st.tuples(*[st.none() | st.integers(1, 5)] * 3), max_size=12))
def test_consistency(rows):
    items = pd.DataFrame(rows, columns=list("xyz"), dtype=float)
    found = cx.cronbach_alpha(items, scale=(1, 5))
    lawful(found, len(rows))
    assert found.value is None or found.value <= 1 + 1e-12


@LAW
@given(scores(1, 5), scores(1, 5))
def test_differences(one, other):
    for metric in (lambda s: cx.nps(s), lambda s: cx.csat(s), lambda s: cx.csat_mean(s)):
        a, b = metric(one), metric(other)
        found = cx.difference(a, b)
        numbers = [
            n for n in (found.value, found.low, found.high, found.se, found.p) if n is not None
        ]
        assert all(math.isfinite(n) for n in numbers)
        assert found.ok == (a.ok and b.ok)
        if found.ok:
            assert found.low <= found.value <= found.high
            assert found.p is not None or found.reason
        else:
            assert found.reason

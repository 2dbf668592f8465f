"""The clock: what is known on which day, and the comparisons that it keeps apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError
from cxkit.retention.episodes import start_stop
from tests import firms, reference_case
from tests.verify import retention_clock


def cut(people: list[tuple], changes: list[tuple], **choices) -> list[tuple]:
    """Cut (id, entry, exit, left) by (id, at, state) and return plain rows."""
    rows = start_stop(
        pd.DataFrame(people, columns=["id", "entry", "exit", "left"]),
        pd.DataFrame(changes, columns=["id", "at", "state"]),
        **choices,
    )
    return [
        tuple(r) for r in rows[["id", "start", "stop", "state", "left"]].itertuples(index=False)
    ]


def test_a_score_counts_after_its_gap_until_replaced_or_too_old():
    found = cut(
        [(1, 0, 100, True)],
        [(1, 10, "poor"), (1, 20, "good")],
        gap=5,
        longest=40,
        before="none",
        after="old",
    )
    assert found == [
        (1, 0, 15, "none", False),
        (1, 15, 25, "poor", False),
        (1, 25, 60, "good", False),
        (1, 60, 100, "old", True),
    ]


def test_nothing_is_known_before_joining_on_leaving_or_after():
    people = [(1, 0, 30, True)]
    for at in (-1, 30, 31):
        assert cut(people, [(1, at, "good")], before="none") == [(1, 0, 30, "none", True)]
    assert cut(people, [(1, 28, "good")], gap=2, before="none") == [(1, 0, 30, "none", True)]


def test_late_entry_starts_with_what_was_known_then():
    found = cut([(1, 50, 80, False)], [(1, 10, "poor"), (1, 60, "good")], gap=0)
    assert found == [(1, 50, 60, "poor", False), (1, 60, 80, "good", False)]


def test_of_two_scores_on_a_day_the_later_row_counts():
    assert cut([(1, 0, 9, True)], [(1, 0, "poor"), (1, 0, "good")]) == [(1, 0, 9, "good", True)]


def test_whole_months_count_only_what_could_be_seen_of_everybody():
    people = pd.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "entry": [0.0, 1.4, 0.0, 0.0],
            "exit": [3.2, 5.9, 3.2, 0.3],
            "left": [True, False, True, True],
            "until": [9.0, 5.9, 3.5, 9.0],
        }
    )
    changes = pd.DataFrame({"id": [1], "at": [0.6], "state": ["good"]})
    rows = start_stop(people, changes, gap=1, before="none", whole=True)
    found = [
        tuple(r) for r in rows[["id", "start", "stop", "state", "left"]].itertuples(index=False)
    ]
    assert found == [
        (1, 0, 2, "none", False),
        (1, 2, 4, "good", True),
        (2, 2, 5, "none", False),
        (3, 0, 3, "none", False),  # left in the month in which the data end: counts for nobody
        (4, 0, 1, "none", True),
    ]


def test_time_at_risk_is_neither_lost_nor_counted_twice():
    rng = np.random.default_rng(3)
    people = pd.DataFrame({"id": range(300), "entry": rng.uniform(0, 5, 300)})
    people["exit"] = people["entry"] + rng.uniform(0.1, 50, 300)
    people["left"] = rng.random(300) < 0.6
    who = rng.integers(0, 300, 900)
    changes = pd.DataFrame({"id": who, "at": rng.uniform(-5, 60, 900), "state": "x"})
    rows = start_stop(people, changes, gap=3, longest=12)
    assert (rows["stop"] - rows["start"]).sum() == pytest.approx(
        (people["exit"] - people["entry"]).sum()
    )
    assert rows["left"].sum() == people["left"].sum()
    assert not rows.duplicated(["id", "start"]).any()


def test_a_gap_longer_than_a_score_lasts_is_refused():
    with pytest.raises(QuestionError, match="longer age"):
        cut([(1, 0, 9, True)], [(1, 0, "poor")], gap=5, longest=5)
    with pytest.raises(ColumnError, match="'exit'"):
        start_stop(pd.DataFrame({"id": [1], "entry": [0]}), pd.DataFrame({"id": [1]}))


def test_the_sample_s_episodes_count_what_they_drop():
    study = firms.sample()
    found = cx.episodes(study, measure="nps")
    rows = found.rows
    assert found.bands == ("detractors (0–6)", "passives (7–8)", "promoters (9–10)")
    assert "no score yet" in set(rows["state"])
    scored = study.responses[study.responses["nps"].notna()]
    known = scored.merge(study.customers, on="customer")
    assert (
        found.count("answers on or after leaving") == (known["answered_on"] >= known["end"]).sum()
    )
    assert found.count("answers on or after leaving") > 0
    late = study.customers["start"] < study.observed_from
    assert found.count("joined before the data begin") == late.sum()
    entry = rows.groupby("customer")["start"].min()
    assert (entry > 0).sum() == late.sum()
    assert rows["left"].sum() == (study.customers["end"] <= study.as_of).sum()
    assert found.table.frame["months"].sum() == pytest.approx(
        (rows["stop"] - rows["start"]).sum() / (365.25 / 12)
    )


def test_a_longer_gap_knows_less():
    study = firms.sample()
    months = [
        (r := cx.episodes(study, gap=g).rows)[r["state"] != "no score yet"]
        .eval("stop - start")
        .sum()
        for g in (0, 30, 90, 180)
    ]
    assert months == sorted(months, reverse=True)


def test_stanford_heart_three_ways():
    people = reference_case.table("O05", "stanford_wide.csv")
    there = reference_case.expected("O05")
    found = cx.exposure(
        people,
        time="futime",
        left="event",
        exposed_at="wait",
        adjust=["age"],
        landmarks=[30, 60, 90],
    )
    naive, moving = there["naive_ever_exposed"], there["time_dependent"]
    # 1e-8: R's stopping rule; the issue asks for 1e-4
    assert found.naive.value == pytest.approx(naive["hr_exposed"], abs=1e-8)
    assert (found.naive.low, found.naive.high) == pytest.approx(
        (naive["lo"], naive["hi"]), abs=1e-6
    )
    assert found.time_dependent.value == pytest.approx(moving["hr_exposed"], abs=1e-8)
    for mark, case, row in zip(
        found.landmarks,
        there["landmark"],
        found.frame.tail(3).itertuples(),
        strict=True,
    ):
        assert mark.value == pytest.approx(case["hr_exposed"], abs=1e-6)
        assert (mark.n, row.exits) == (case["n"], case["events"])
    assert [round(v, 4) for v in found.frame["value"][:3]] == [0.1652, 0.994, 0.875]
    assert "cannot be told" in found.sentence
    assert "biased" in found.sentence


def test_the_long_rows_of_stanford_agree_too():
    rows = reference_case.table("O05", "stanford_long.csv")
    found = cx.cox(rows, covariates=["exposed", "age"], start="tstart", stop="tstop", left="death")
    there = reference_case.expected("O05")["time_dependent"]
    np.testing.assert_allclose(found.coefficients, list(there["coef"].values()), atol=1e-8)
    assert found.log_likelihood == pytest.approx(there["loglik"], abs=1e-6)


def test_ever_against_never_is_refused_as_an_answer():
    people = reference_case.table("O05", "stanford_wide.csv")
    with pytest.raises(QuestionError, match=r"naive, biased.*\n?.*time-dependent"):
        cx.exposure(people, time="futime", left="event", exposed_at="wait", answer="ever")
    with pytest.raises(QuestionError, match=r"landmarks=\[6\]"):
        cx.exposure(people, time="futime", left="event", exposed_at="wait", answer="landmark")
    with pytest.raises(QuestionError, match="answered against never answered"):
        cx.retention_answer(firms.study(1.0), measure="ever answered")


def test_comparisons_stand_side_by_side_on_the_sample():
    found = cx.comparisons(firms.sample())
    rows = found.frame.set_index("comparison")
    assert rows["kind"].tolist() == [
        "naive", "not yet answered", "gap", "gap", "gap", "gap", "landmark", "landmark", "landmark",
    ]  # fmt: skip
    assert rows["gap"].dropna().tolist() == [0, 30, 90, 180]
    assert rows["landmark"].dropna().tolist() == [6, 12, 24]
    gaps = rows[rows["kind"] == "gap"].set_index("gap")
    truth = 1 / 2.4  # planted: hazard ratio, good against poor
    assert gaps.loc[0, "high"] < truth < gaps.loc[90, "high"]
    assert gaps.loc[90, "low"] < truth
    assert gaps["value"].is_monotonic_increasing or gaps.loc[0, "value"] < gaps.loc[90, "value"]
    assert any(g.fired for g in found.guards if g.kind == "already leaving, by gap")
    assert "never an answer" in " ".join(g.text for g in found.guards)
    assert not found.table.shown.isin(["nan", "NaN"]).any().any()


def test_months_and_days_tell_the_same():
    study = firms.sample()
    days = cx.comparisons(study, gaps=(90,), landmarks=(12,))
    months = cx.comparisons(study, gaps=(90,), landmarks=(12,), unit="months")
    np.testing.assert_allclose(days.frame["value"], months.frame["value"], rtol=0.08)


def test_opposite_firms_and_a_shop_get_different_sentences():
    said = {e: cx.comparisons(firms.study(e)).sentence for e in (1.0, 0.0, -1.0)}
    assert "leave less often" in said[1.0]
    assert "cannot be told" in said[0.0]
    assert "leave more often" in said[-1.0]
    shop = cx.comparisons(cx.open_study(firms.shop() / "study.yml"))
    assert "cannot be told" in shop.sentence
    assert shop.ratio.value is None
    assert "nan" not in f"{shop.table} {shop.known} {shop.sentence}".lower()


def test_a_negative_gap_is_refused():
    with pytest.raises(QuestionError, match="gap = -1: it is the number of days"):
        cx.comparisons(firms.sample(), gap=-1)


def test_a_result_is_frozen():
    found = cx.episodes(firms.study(1.0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.gap = 3


# Short forms of tests/verify/test_retention_clock.py; bounds leave a chance below 1 % each.


def test_immortal_time_short():
    runs = retention_clock.runs(retention_clock.immortal, 8)
    assert (runs["naive"] < 0.45).all()
    assert runs["kit"].between(0.85, 1.15).sum() >= 6  # 8 draws at 98 %


def test_already_leaving_short():
    runs = retention_clock.runs(retention_clock.leaving, 6)
    assert (runs["ungapped"] < 0.85).sum() >= 4
    for column in ("gapped covers", "answer covers"):
        assert runs[column].sum() >= 4  # 6 draws at 95 %: fewer in 0.2 %


def test_planted_effects_short():
    runs = retention_clock.runs(retention_clock.planted, 6)
    for column in ("ratio covers", "points cover", "since joining covers"):
        assert runs[column].sum() >= 4

"""Service cases as episodes: what was known of them on each day, and what goes with leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import MissingTableError, QuestionError
from cxkit.retention.cases import case_episodes
from cxkit.retention.causes import what_goes_with_leaving
from cxkit.study.contract import parse_contract
from cxkit.study.study import Study
from tests import firms

if TYPE_CHECKING:
    from cxkit.retention.episodes import Episodes

AS_OF = "2025-12-31"
CONTRACT = (
    f"study: x\nas_of: {AS_OF}\ncustomers: {{file: c.csv, customer: customer, start: start, "
    "end: end}\ntickets: {file: t.csv, customer: customer, opened: opened, resolved: resolved}\n"
)


def study_of(people: list[tuple], cases: list[tuple]) -> Study:
    """Return a study of (customer, start, end) and (customer, opened, resolved); "" is none."""
    columns = ["customer", "start", "end"]
    customers = pd.DataFrame(people, columns=columns)
    tickets = pd.DataFrame(cases, columns=["customer", "opened", "resolved"])
    for frame, dates in ((customers, columns[1:]), (tickets, ["opened", "resolved"])):
        for date in dates:
            frame[date] = pd.to_datetime(frame[date], format="ISO8601")
    frames = {"customers": customers, "tickets": tickets}
    return Study(contract=parse_contract(CONTRACT), findings=(), sources=(), frames=frames)


def told(found: Episodes, customer: str) -> list[tuple]:
    """Return a customer's episodes as plain rows."""
    rows = found.rows[found.rows["customer"] == customer]
    return [tuple(r) for r in rows[["start", "stop", "state", "cases", "left"]].to_numpy()]


def test_a_case_is_known_from_its_day_over_its_limit_from_that_and_resolved_from_then():
    study = study_of(
        [("a", "2025-01-01", "2025-04-11")],
        [("a", "2025-01-11T18:00", "2025-01-31T09:00"), ("a", "2025-03-02", "2025-03-05")],
    )
    assert told(case_episodes(study, gap=0), "a") == [
        (0, 10, "no case yet", 0, False),
        (10, 17, "case open", 1, False),
        (17, 30, "case open over 7 days", 1, False),
        (30, 60, "last case took over 7 days", 1, False),
        (60, 63, "case open", 2, False),
        (63, 100, "last case took up to 7 days", 2, True),
    ]


def test_of_overlapping_cases_the_worst_is_told_until_it_is_resolved():
    study = study_of(
        [("a", "2025-01-01", ""), ("b", "2025-01-01", "")],
        [("a", "2025-01-02", ""), ("a", "2025-01-06", "2025-01-07"), ("b", "2025-02-01", "")],
    )
    last = 364  # days to as_of
    assert told(case_episodes(study, gap=0), "a") == [
        (0, 1, "no case yet", 0, False),
        (1, 5, "case open", 1, False),
        (5, 6, "case open", 2, False),
        (6, 8, "case open", 2, False),
        (8, last, "case open over 7 days", 2, False),
    ]
    assert told(case_episodes(study, gap=0), "b")[-1] == (
        38, last, "case open over 7 days", 1, False,
    )  # fmt: skip


def test_a_change_counts_after_the_gap_and_until_it_is_too_old():
    study = study_of([("a", "2025-01-01", "2025-12-01")], [("a", "2025-01-11", "2025-01-13")])
    found = case_episodes(study, gap=30, longest=6)
    half = 6 * 365.25 / 12
    assert told(found, "a") == [
        (0, 40, "no case yet", 0, False),
        (40, 42, "case open", 1, False),
        (42, 12 + half, "last case took up to 7 days", 1, False),
        (12 + half, 334, "last change over 6 months ago", 1, True),
    ]
    assert "30 days" in found.table.caption
    assert "6 months" in found.table.caption


def test_nothing_is_known_of_a_case_before_joining_or_from_the_day_of_leaving_on():
    study = study_of(
        [("a", "2025-01-10", "2025-03-01"), ("b", "2025-01-10", "2025-03-01")],
        [
            ("a", "2025-01-09", ""),
            ("a", "2025-03-01", ""),
            ("b", "2025-02-28", ""),
            ("z", AS_OF, ""),
        ],
    )
    found = case_episodes(study, gap=0)
    assert told(found, "a") == [(0, 50, "no case yet", 0, True)]
    assert told(found, "b") == [(0, 49, "no case yet", 0, False), (49, 50, "case open", 1, True)]
    assert told(case_episodes(study, gap=1), "b") == [(0, 50, "no case yet", 0, True)]
    steps = ("cases on or after leaving", "cases before joining", "cases of nobody followed")
    assert [found.count(s) for s in steps] == [1, 1, 1]


def test_in_whole_months_a_month_has_the_state_known_at_its_beginning():
    study = study_of([("a", "2025-01-01", "2025-06-20")], [("a", "2025-02-10", "2025-04-10")])
    assert told(case_episodes(study, gap=0, unit="months"), "a") == [
        (0, 2, "no case yet", 0, False),
        (2, 4, "case open over 7 days", 1, False),
        (4, 6, "last case took over 7 days", 1, True),
    ]


def test_time_at_risk_and_leavers_of_the_sample_are_neither_lost_nor_counted_twice():
    study = firms.sample()
    cases, scores = cx.case_episodes(study).rows, cx.episodes(study).rows
    for rows in (cases, scores):
        rows["time"] = rows["stop"] - rows["start"]
    whole = scores.groupby("customer")[["time", "left"]].sum()
    pd.testing.assert_frame_equal(cases.groupby("customer")[["time", "left"]].sum(), whole)
    assert cases.groupby("customer")["cases"].is_monotonic_increasing.all()
    by = study.tickets.groupby("customer").size()
    assert (cases.groupby("customer")["cases"].max() <= by.reindex(whole.index).fillna(0)).all()


def test_a_row_of_the_table_tells_of_no_one_to_four_who_left():
    shown = cx.case_episodes(firms.sample()).table.shown
    few = shown[shown["Left"] == "<5"]
    assert len(few)
    assert set(few["Left per 100 months"]) == {"–"}
    assert not shown["Left"].isin(["1", "2", "3", "4"]).any()


def test_what_cannot_be_asked_of_cases_is_refused():
    study = study_of([("a", "2025-01-01", "")], [("a", "2025-02-01", "")])
    with pytest.raises(QuestionError, match="limit = 0 or more"):
        case_episodes(study, limit=-1)
    with pytest.raises(QuestionError, match="longer age"):
        case_episodes(study, gap=400, longest=12)
    nameless = {**study.frames, "tickets": study.tickets.drop(columns="customer")}
    with pytest.raises(QuestionError, match="customer: NAME"):
        case_episodes(Study(contract=study.contract, findings=(), sources=(), frames=nameless))
    lone = {"customers": study.customers}
    text = CONTRACT.partition("tickets:")[0]
    with pytest.raises(MissingTableError, match="tickets"):
        case_episodes(Study(contract=parse_contract(text), findings=(), sources=(), frames=lone))


# --- as causes of leaving ---------------------------------------------------------------------


def firm(seed: int, *, ratio: float, closing: bool = False, n: int = 2500) -> Study:
    """Customers whose hazard is ``ratio`` times as high from a slow case on; or who only complain.

    With ``closing`` everybody who leaves opens a case ten days before, which stays open.
    """
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 200, n), unit="D")
    opened, slow = rng.integers(20, 120, n), rng.random(n) < 0.5
    took = np.where(slow, 20, 2)
    # two years, in which no case grows too old; the hazard turns when the kit can know of it
    turn = opened + 7.0 + 90
    base = 0.03 / 30.44
    early, late = rng.exponential(1 / base, n), rng.exponential(1 / (base * ratio), n)
    life = np.where(slow & (early > turn), turn + late, early)
    end = start + pd.to_timedelta(np.ceil(life), unit="D")
    ids = np.array([f"c{i:04d}" for i in range(n)])
    gone = end <= pd.Timestamp(AS_OF)
    asked = start + pd.to_timedelta(opened, unit="D")
    cases = pd.DataFrame({"customer": ids, "opened": asked})
    cases["resolved"] = asked + pd.to_timedelta(took, unit="D")
    if closing:
        last = end - pd.Timedelta(days=10)
        more = pd.DataFrame({"customer": ids, "opened": last, "resolved": pd.NaT})[gone]
        cases = pd.concat([cases, more], ignore_index=True)
    frames = {
        "customers": pd.DataFrame(
            {"customer": ids, "start": start, "end": pd.Series(end).where(gone)}
        ),
        "tickets": cases,
    }
    return Study(contract=parse_contract(CONTRACT), findings=(), sources=(), frames=frames)


def row_of(study: Study, cause: str, **choices: object) -> pd.Series:
    """Return the row of a cause in the group of cases."""
    frame = what_goes_with_leaving(study, **choices).frame
    return frame[frame["group"] == "cases"].set_index("cause").loc[cause]


def test_a_planted_slow_case_is_found_as_it_becomes_known():
    held = 0
    for seed in range(8):
        row = row_of(firm(seed, ratio=2.0), "a last case over 7 days")
        assert row["low"] > 1
        held += row["low"] < 2 < row["high"]
    assert held >= 6  # 8 draws at 95 %: fewer in 0.6 %


def test_a_case_opened_because_of_leaving_does_not_count_after_the_gap():
    study = firm(1, ratio=1.0, closing=True)
    ungapped = row_of(study, "a case open up to 7 days", gap=7)
    assert ungapped["alone_low"] > 2
    for cause in ("a case open up to 7 days", "a case open over 7 days", "a last case over 7 days"):
        gapped = row_of(study, cause, gap=90)
        assert gapped["low"] < 1 < gapped["high"]


def test_the_group_of_cases_says_its_clock_and_why_there_is_none():
    found = firms.asked(what_goes_with_leaving)
    caption = found.cases.caption
    assert "time since joining" in caption
    assert "as known at the beginning of each" in caption
    rows = found.frame[found.frame["group"] == "cases"]
    monthly = cx.case_episodes(firms.sample(), unit="months").rows
    assert set(rows["n"]) == {monthly["customer"].nunique()}
    assert set(rows["exits"]) == {monthly["left"].sum()}
    shop = what_goes_with_leaving(cx.open_study(firms.shop() / "study.yml"))
    assert shop.frame.set_index("group").loc["cases", "value"].isna().all()
    said = str(shop.cases)
    assert "too sparse" in said or "nothing can be told" in said

"""Every public metric at the edges of data: a status with its reason, never NaN or a traceback."""

from __future__ import annotations

import dataclasses
import inspect
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import CxkitError, DataError, QuestionError
from cxkit.results import Difference, Estimate, Table
from tests.project import measures

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS = ("nothing", "all missing", "one answer", "all the same")

#: Metrics of the answers of a column: how to call them, and an answer.
COLUMNS: dict[str, tuple[Callable[..., Any], float]] = {
    "nps": (cx.nps, 9),
    "enps": (cx.enps, 9),
    "csat": (cx.csat, 4),
    "csat_mean": (cx.csat_mean, 4),
    "ces": (lambda s, **c: cx.ces(s, version="2.0", **c), 6),
    "ces_mean": (lambda s, **c: cx.ces_mean(s, version="2.0", **c), 6),
    "share": (cx.share, 1),
    "response_rate": (cx.response_rate, 1),
    "component": (lambda s, **c: cx.component(s, name="consistency", **c), 4),
    "participation": (cx.participation, 1),
    "waiting_time": (cx.waiting_time, 7),
    "silent_bounds": (lambda s, **c: cx.silent_bounds(s, metric="nps", **c), 9),
}
NO_CLUSTERS = {"participation", "waiting_time"}


def answers(cell: str, value: float) -> list[float | None]:
    """The answers of a cell."""
    return {
        "nothing": [],
        "all missing": [None] * 4,
        "one answer": [value],
        "all the same": [value] * 6,
    }[cell]


def frame_of(cell: str, value: float = 4, **more: object) -> pd.DataFrame:
    """Rows of people with a unit, a score and two more items."""
    score = pd.Series(answers(cell, value), dtype=float)
    unit = [f"u{i // 2}" for i in range(len(score))]
    who = [f"c{i}" for i in range(len(score))]
    return pd.DataFrame(
        {"unit": unit, "customer": who, "score": score, "b": score, "c": score} | more
    )


def dates(cell: str) -> tuple[pd.Series, pd.Series]:
    """Starts and ends: all missing, one still open, all ended alike."""
    n = len(answers(cell, 1))
    start = pd.Series(pd.to_datetime(["2024-01-01"] * n if cell != "all missing" else [None] * n))
    end = pd.Series(
        pd.to_datetime([None] * n if n < 2 or cell == "all missing" else ["2024-03-01"] * n)
    )
    return start.astype("datetime64[ns]"), end.astype("datetime64[ns]")


def durations(cell: str) -> tuple[list[float | None], list[bool]]:
    """Durations and whether they ended."""
    time = answers(cell, 5)
    return time, [True] * len(time)


def curve(cell: str) -> pd.DataFrame:
    time, ended = durations(cell)
    return cx.kaplan_meier(pd.Series(time, dtype=float), pd.Series(ended, dtype=bool))


def ended(cell: str) -> tuple[pd.Series, pd.Series]:
    """Durations and in which way they ended."""
    time, _ = durations(cell)
    return pd.Series(time, dtype=float), pd.Series(["left"] * len(time), dtype=object)


def orders(cell: str) -> pd.DataFrame:
    """One order of each customer."""
    rows = frame_of(cell)
    return pd.DataFrame(
        {"customer": rows["customer"], "ordered_on": dates(cell)[0], "amount": rows["score"]}
    )


def by_unit(cell: str) -> pd.DataFrame:
    return cx.by(frame_of(cell, 9), "unit", cx.nps, column="score")


def touched(cell: str) -> pd.DataFrame:
    """Three touchpoints of each customer."""
    rows = frame_of(cell)
    return pd.concat(
        [rows.assign(touchpoint=t, stage=t) for t in ("purchase", "use", "service")],
        ignore_index=True,
    )


ITEMS = ["score", "b", "c"]
AS_OF = "2024-12-31"

#: Metrics of more than a column, by cell.
OTHERS: dict[str, Callable[[str], Any]] = {
    "across_units": lambda c: cx.across_units(
        cx.rwg(frame_of(c), unit="unit", score="score", options=5)
    ),
    "ad_m": lambda c: cx.ad_m(frame_of(c), unit="unit", items="score"),
    "rwg": lambda c: cx.rwg(frame_of(c), unit="unit", score="score", options=5),
    "rwg_j": lambda c: cx.rwg_j(frame_of(c), unit="unit", items=ITEMS, options=5),
    "icc1": lambda c: cx.icc1(frame_of(c), unit="unit", score="score"),
    "icc2": lambda c: cx.icc2(frame_of(c), unit="unit", score="score"),
    "cronbach_alpha": lambda c: cx.cronbach_alpha(frame_of(c)[ITEMS]),
    "omega": lambda c: cx.omega(frame_of(c)[ITEMS], draws=20),
    "item_rest": lambda c: cx.item_rest(frame_of(c)[ITEMS]),
    "reverse": lambda c: cx.reverse(frame_of(c)[ITEMS], columns=["b"], scale=(1, 5)),
    "favourability": lambda c: cx.favourability(frame_of(c)[ITEMS], scale=(1, 5)),
    "engagement_index": lambda c: cx.engagement_index(frame_of(c)[ITEMS], scale=(1, 5)),
    "by": lambda c: cx.by(frame_of(c, 9), "unit", cx.nps, column="score"),
    "compare": lambda c: cx.compare(frame_of(c, 9), "unit", cx.nps, column="score"),
    "difference": lambda c: cx.difference(cx.nps(answers(c, 9)), cx.nps([10, 3, 8])),
    "what_moved": lambda c: cx.what_moved(
        frame_of(c, 9).assign(year=2025),
        cx.nps,
        column="score",
        segment="unit",
        period="year",
        before=2024,
        now=2025,
    ),
    "funnel": lambda c: cx.funnel(by_unit(c)),
    "shrunken": lambda c: cx.shrunken(by_unit(c)),
    "smallest_change": lambda c: cx.smallest_change(cx.nps(answers(c, 9)), n=50),
    "responses_needed": lambda c: cx.responses_needed(cx.nps(answers(c, 9)), margin=5),
    "holm": lambda c: cx.holm(answers(c, 0.04)),
    "bh": lambda c: cx.bh(answers(c, 0.04)),
    "paired_difference": lambda c: cx.paired_difference(
        answers(c, 9), answers(c, 9), measure="nps"
    ),
    "pairs": lambda c: cx.pairs(
        pd.concat([frame_of(c).assign(period=p) for p in "ab"]),
        score="score",
        period="period",
        a="a",
        b="b",
    ),
    "perception_gap": lambda c: cx.perception_gap(answers(c, 4), [4, 5, 3]),
    "perception_gaps": lambda c: cx.perception_gaps(
        frame_of(c), frame_of("all the same", 3), "unit", column="score"
    ),
    "touchpoint_consistency": lambda c: cx.touchpoint_consistency(
        touched(c), score="score", scale=(1, 5)
    ),
    "icc_agreement": lambda c: cx.icc_agreement(touched(c), score="score", scale=(1, 5)),
    "icc_consistency": lambda c: cx.icc_consistency(touched(c), score="score", scale=(1, 5)),
    "bad_experience": lambda c: cx.bad_experience(touched(c), score="score", scale=(1, 5), bad=2),
    "journey": lambda c: cx.journey(
        touched(c).rename(columns={"score": "csat"}), scores={"csat": cx.csat}
    ),
    "journey_table": lambda c: cx.journey_table(
        cx.journey(touched(c).rename(columns={"score": "csat"}), scores={"csat": cx.csat})
    ),
    "kaplan_meier": curve,
    "km_at": lambda c: cx.km_at(curve(c), 3),
    "km_quantile": lambda c: cx.km_quantile(curve(c), 0.5),
    "km_restricted_mean": lambda c: cx.km_restricted_mean(curve(c), 3),
    "logrank": lambda c: cx.logrank(*durations(c), list("abababab")[: len(durations(c)[0])]),
    "cumulative_incidence": lambda c: cx.cumulative_incidence(*ended(c)),
    "ended_by": lambda c: cx.ended_by(*ended(c), of="left", time=3),
    "retention_rate": lambda c: cx.retention_rate(*dates(c), as_of=AS_OF, horizon=6),
    "churn_rate": lambda c: cx.churn_rate(*dates(c), as_of=AS_OF, horizon=6),
    "repeat_purchase_rate": lambda c: cx.repeat_purchase_rate(orders(c), as_of=AS_OF, horizon=3),
    "customer_years": lambda c: cx.customer_years(
        orders(c).rename(columns={"ordered_on": "start"}).assign(end=dates(c)[1]),
        orders(c),
        as_of=AS_OF,
    ),
    "purchase_frequency": lambda c: cx.purchase_frequency(answers(c, 2), answers(c, 1)),
    "revenue_pairs": lambda c: cx.revenue_pairs(orders(c), as_of="2026-12-31"),
    "revenue_retention": lambda c: cx.revenue_retention(answers(c, 50), answers(c, 40)),
    "advocacy": lambda c: cx.advocacy(
        frame_of(c, 9).rename(columns={"score": "nps"}).assign(referred=answers(c, 1)),
        acts={"referred": "Referred"},
    ),
    "staff_turnover": lambda c: cx.staff_turnover(*dates(c), as_of=AS_OF),
    "time_to_resolution": lambda c: cx.time_to_resolution(*dates(c), as_of=AS_OF),
    "resolved_within": lambda c: cx.resolved_within(*dates(c), within=48, as_of=AS_OF),
    "first_response_time": lambda c: cx.first_response_time(*dates(c), as_of=AS_OF),
    "first_contact_resolution": lambda c: cx.first_contact_resolution(
        dates(c)[1], contacts=answers(c, 1)
    ),
    "backlog": lambda c: cx.backlog(*dates(c), as_of=AS_OF),
    "closed_loop_rate": lambda c: cx.closed_loop_rate(
        frame_of(c, 2).assign(answered_on=dates(c)[0]),
        pd.DataFrame({"customer": ["c0"], "opened": pd.to_datetime(["2024-01-05"])}),
        score="score",
        bad=6,
        within=7,
        as_of=AS_OF,
    ),
    "r_indicator": lambda c: cx.r_indicator(
        frame_of(c).assign(answered=frame_of(c)["score"].notna()), answered="answered", known="unit"
    ),
    "weighted": lambda c: cx.weighted(answers(c, 9), np.ones(len(answers(c, 9))), metric="nps"),
}
#: What takes no data, or refuses data that cannot be weighted (tests/metrics/test_weights.py).
NOT_OF_DATA = {"scoring", "units_needed", "post_stratify", "rake"}


#: Where too little is asked of for an answer to exist at all; the refusal says what is missing.
REFUSED = {
    ("logrank", "nothing"): "found 0 with a usable row",
    ("logrank", "all missing"): "found 0 with a usable row",
    ("logrank", "one answer"): "found 1 with a usable row",
    ("revenue_pairs", "nothing"): "there is no order",
    ("revenue_pairs", "all missing"): "there is no order",
    ("pairs", "nothing"): "no answer to score has period 'a'",
    ("pairs", "all missing"): "no answer to score has period 'a'",
}


def sound(found: Any) -> None:
    """Assert what a reader may rely on, whatever a metric returns."""
    if isinstance(found, pd.DataFrame):
        _sound_frame(found)
        return
    if isinstance(found, Table):
        _sound_frame(found.frame)
        assert found.caption
        assert "nan" not in str(found).lower().split()
        return
    assert "nan" not in str(found).lower().replace("(", " ").split()
    numbers = [
        getattr(found, name)
        for name in ("value", "low", "high", "se", "p", "size", "statistic")
        if hasattr(found, name)
    ]
    assert all(n is None or math.isfinite(n) for n in numbers), found
    if isinstance(found, Estimate | Difference):
        if found.value is None:
            assert found.status != "ok", found
            assert found.reason, found
        if found.status == "ok" and None in (found.low, found.high):
            assert found.reason, found
    elif dataclasses.is_dataclass(found) and getattr(found, "status", "ok") != "ok":
        assert getattr(found, "reason", ""), found


def _sound_frame(found: pd.DataFrame) -> None:
    """Assert that a row without its number says why."""
    if "reason" not in found or "value" not in found:
        return
    blank = found["value"].isna()
    assert found.loc[blank, "reason"].astype(bool).all(), found
    if "status" in found:
        assert (found.loc[blank, "status"] != "ok").all(), found


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", [*COLUMNS, *OTHERS])
def test_a_cell_with_little_to_tell(name: str, cell: str) -> None:
    if (name, cell) in REFUSED:
        with pytest.raises((QuestionError, DataError), match=REFUSED[name, cell]):
            OTHERS[name](cell)
    elif name in COLUMNS:
        call, value = COLUMNS[name]
        sound(call(answers(cell, value)))
    else:
        sound(OTHERS[name](cell))


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("cell", [c for c in CELLS if c != "nothing"])
def test_counts_of_zero_are_nobody(name: str, cell: str) -> None:
    call, value = COLUMNS[name]
    given = answers(cell, value)
    found = call(given, counts=[0] * len(given))
    sound(found)
    if isinstance(found, Estimate):
        assert (found.value, found.n) == (None, 0)


@pytest.mark.parametrize("name", [n for n in COLUMNS if n not in NO_CLUSTERS])
@pytest.mark.parametrize("cell", CELLS)
def test_one_cluster_shows_no_spread(name: str, cell: str) -> None:
    call, value = COLUMNS[name]
    given = answers(cell, value)
    found = call(given, clusters=["one customer"] * len(given))
    sound(found)
    if isinstance(found, Estimate) and cell == "all the same":
        assert found.status != "ok"
        assert "one cluster" in found.reason


def customers(frame: pd.DataFrame) -> dict[str, Any]:
    """Everybody is the same customer."""
    return {"clusters": ["one customer"] * len(frame)}


#: Other metrics that know clusters, asked of people who are all of one.
CLUSTERED: dict[str, Callable[[pd.DataFrame], Any]] = {
    "ended_by": lambda f: cx.ended_by(f["days"], f["why"], of="left", time=3, **customers(f)),
    "time_to_resolution": lambda f: cx.time_to_resolution(
        f["start"], f["end"], as_of=AS_OF, **customers(f)
    ),
    "resolved_within": lambda f: cx.resolved_within(
        f["start"], f["end"], within=90, unit="days", as_of=AS_OF, **customers(f)
    ),
    "first_response_time": lambda f: cx.first_response_time(
        f["start"], f["end"], as_of=AS_OF, **customers(f)
    ),
    "first_contact_resolution": lambda f: cx.first_contact_resolution(
        f["end"], contacts=f["score"].clip(1, 2), **customers(f)
    ),
    "staff_turnover": lambda f: cx.staff_turnover(
        f["start"], f["end"], as_of=AS_OF, **customers(f)
    ),
    "purchase_frequency": lambda f: cx.purchase_frequency(f["score"], f["days"], **customers(f)),
    "revenue_retention": lambda f: cx.revenue_retention(f["days"], f["score"], **customers(f)),
    "weighted": lambda f: cx.weighted(f["score"], f["days"], metric="nps", **customers(f)),
    "perception_gap": lambda f: cx.perception_gap(
        f["score"], f["score"], customer_clusters=["one customer"] * len(f)
    ),
    "perception_gaps": lambda f: cx.perception_gaps(
        f, f.assign(one="c"), "all", column="score", customer_clusters="one"
    ),
    "r_indicator": lambda f: cx.r_indicator(
        f.assign(one="c", yes=f["score"] > 3), answered="yes", known="unit", clusters="one"
    ),
    "advocacy": lambda f: cx.advocacy(
        f.assign(one="c", yes=f["score"] > 3), acts={"yes": "Referred"}, nps=None, clusters="one"
    ),
    "journey": lambda f: cx.journey(
        f.assign(one="c"), scores={"score": cx.csat}, along=["all"], clusters="one"
    ),
    "by": lambda f: cx.by(f.assign(one="c"), "all", cx.nps, column="score", clusters="one"),
    "compare": lambda f: cx.compare(
        f.assign(one="c"), "unit", cx.nps, column="score", clusters="one"
    ),
    "what_moved": lambda f: cx.what_moved(
        f.assign(one="c"),
        cx.nps,
        column="score",
        segment="all",
        period="unit",
        before="u0",
        now="u1",
        clusters="one",
    ),
}


@pytest.mark.parametrize("name", CLUSTERED)
def test_people_of_one_cluster_have_no_number(name: str) -> None:
    frame = pd.DataFrame(
        {
            "unit": ["u0", "u0", "u0", "u1", "u1", "u1"],
            "all": "everybody",
            "score": [1, 4, 5, 2, 3, 5],
            "days": [1, 2, 3, 4, 5, 6],
            "why": ["left", "left", "died", "left", None, "left"],
            "start": pd.to_datetime(["2024-01-01"] * 6),
        }
    )
    frame["end"] = frame["start"] + pd.to_timedelta(frame["days"], unit="D")
    found = CLUSTERED[name](frame)
    sound(found)
    if isinstance(found, Estimate | Difference):
        assert (found.value, found.status) == (None, "no data")
        assert "one cluster" in found.reason
    else:
        rows = found.frame if isinstance(found, Table) else found
        assert rows["value" if "value" in rows else "change"].isna().all()
        assert rows["reason"].str.contains("one cluster").all()


def test_every_metric_that_knows_clusters_is_asked_of_one() -> None:
    knows = {
        name
        for name, metric in measures.measures().items()
        if any(part.endswith("clusters") for part in inspect.signature(metric).parameters)
    }
    assert knows == set(CLUSTERED) | (set(COLUMNS) - NO_CLUSTERS)


@pytest.mark.parametrize("metric", ["nps", "mean"])
def test_weights_of_zero_are_said(metric: str) -> None:
    scale = {"scale": (1, 5)} if metric == "mean" else {}
    found = cx.weighted([4, 5, 3], np.zeros(3), metric=metric, **scale)
    sound(found)
    assert found.value is None


def test_every_public_metric_is_tried() -> None:
    tried = {*COLUMNS, *OTHERS} | NOT_OF_DATA
    untried = sorted(set(measures.measures()) - tried)
    assert not untried, f"tests/metrics/test_edges.py has no cells for {untried}"


ANSWERS = pd.DataFrame({"unit": ["a", "a", "b", "b"], "nps": [9, 3, 10, 7], "n": [1, 1, 2, 2]})
ITEMS_OF = {
    "cronbach_alpha": cx.cronbach_alpha,
    "omega": lambda f: cx.omega(f, draws=20),
    "item_rest": cx.item_rest,
    "engagement_index": lambda f: cx.engagement_index(f, scale=(1, 5)),
}
OPENED, RESOLVED = dates("all the same")

R = cx.correlation([1, 2, 3, 4, 5], [1, 3, 2, 5, 4])

#: What a slip of the hand gives: a refusal that says what was found and what to write.
SLIPS: dict[str, tuple[Callable[[], Any], str]] = {
    "a frame for a column": (lambda: cx.nps(ANSWERS), "in the frame: unit, nps, n"),
    "no column named": (lambda: cx.by(ANSWERS, "unit", cx.nps), "in cx.by, column=NAME"),
    "a key twice": (
        lambda: cx.by(ANSWERS, ["unit", "unit"], cx.nps, column="nps"),
        "asked for more than once",
    ),
    "a key that the result has": (
        lambda: cx.by(ANSWERS, "n", cx.nps, column="nps"),
        "Rename it first",
    ),
    "a choice mistyped": (
        lambda: cx.by(ANSWERS, "unit", cx.nps, column="nps", choices={"promotor": 9}),
        "perhaps you meant 'promoter'",
    ),
    "a choice of another metric": (
        lambda: cx.by(ANSWERS, "unit", cx.waiting_time, column="nps", choices={"top": 4}),
        "it has: measure, unit, level",
    ),
    "a choice of points": (lambda: cx.scoring(cx.csat, choices={"tops": 4}), "meant 'top'"),
    "a level in words": (lambda: cx.nps([9], level="95 %"), "needs a level between 0 and 1"),
    "eNPS off its scale": (lambda: cx.enps([11]), "enps, row 0: 11"),
    "an endless wait": (lambda: cx.waiting_time([1, math.inf]), "row 1: a wait of inf"),
    "a wait in words": (lambda: cx.waiting_time(["long"]), "'long' is not a number"),
    "weights in words": (
        lambda: cx.weighted([9, 3], ["a", "b"], metric="nps"),
        "not a column of numbers",
    ),
    "a day in no order": (
        lambda: cx.retention_rate(OPENED, RESOLVED, as_of="01.02.2024"),
        "'01.02.2024' is no date that reads one way only",
    ),
    "no day": (lambda: cx.backlog(OPENED, RESOLVED, as_of=None), "None is no date"),
    "less than no time": (
        lambda: cx.resolved_within(OPENED, RESOLVED, within=-1, as_of=AS_OF),
        "Write a time of 0 or more, in hours",
    ),
    "too few options": (
        lambda: cx.rwg(ANSWERS, unit="unit", score="nps", options=5),
        "answers run from 3 to 10, further than 5 options reach",
    ),
    "two lengths": (lambda: cx.correlation([1, 2, 3], [1, 2]), "x has 3 rows and y 2"),
    "answers in words": (lambda: cx.correlation(["a", "b"], [1, 2]), "'a', 'b' is not a number"),
    "a name for a column": (lambda: cx.nps("nps"), "found the text 'nps'.\n  Write frame"),
    "a table for a column": (lambda: cx.nps(np.ones((2, 2))), "found a table"),
    "numbers as text": (lambda: cx.nps(["9", "10"]), r"give pd.to_numeric\(scores\)"),
    "days for answers": (lambda: cx.nps(OPENED), "Is it the column you mean"),
    "yes and no for answers": (lambda: cx.nps([True, False]), "Is it the column you mean"),
    "one end of a scale": (lambda: cx.csat([5], scale=5), "the scale 5 has no room"),
    "a scale in words": (lambda: cx.csat([5], scale="1-5"), "the scale '1-5' has no room"),
    "a cut in words": (lambda: cx.csat([5], top="4"), "the cut '4' does not split"),
    "a column for a frame": (
        lambda: cx.by(ANSWERS["nps"], "unit", cx.nps, column="nps"),
        "asked for a DataFrame, found Series",
    ),
    "keys after the metric": (
        lambda: cx.by(ANSWERS, cx.nps, "unit", column="nps"),
        "the groups come from columns, and function names none",
    ),
    "a metric in quotes": (
        lambda: cx.by(ANSWERS, "unit", "nps", column="nps"),
        "'nps' is no metric.\n  Give the function itself, as in cx.nps",
    ),
    "numbers for Estimates": (
        lambda: cx.difference(1, 2),
        "asked for two Estimates, found int",
    ),
    "a status of 1 and 2": (
        lambda: cx.kaplan_meier([5, 6, 7], [1, 2, 2]),
        "observed is 2 in 2 of 3 rows.\n.*status == 2",
    ),
    "durations as text": (lambda: cx.kaplan_meier(["1", "2"], [1, 0]), "Numbers stand there as t"),
    "no curve": (lambda: cx.km_at([1, 2], 1), "not a curve of kaplan_meier"),
    "a horizon in words": (
        lambda: cx.retention_rate(OPENED, RESOLVED, as_of=AS_OF, horizon="12 months"),
        "Retention at '12 months': write a horizon above 0",
    ),
    "a size in words": (lambda: cx.units_needed("0.3"), "a correlation of '0.3'"),
    "a metric to plan for": (
        lambda: cx.responses_needed(cx.nps, margin=3),
        "metric='nps' cannot be planned for.\n  Write \"nps\"",
    ),
    "p-values in words": (lambda: cx.holm(["a"]), "'a' is not a number"),
    "a ratio in words": (lambda: cx.e_value("2"), "'2' is not a risk ratio"),
    "effects without variances": (lambda: cx.pool([0.1, 0.2], [1]), "2 effects, 1 variances"),
    "a number for a correlation": (
        lambda: cx.disattenuate(0.5, reliability_x=0.8, reliability_y=0.8),
        "the first is a correlation",
    ),
    "a reliability in percent": (
        lambda: cx.disattenuate(R, reliability_x=80, reliability_y=0.8),
        "reliability_x=80 is no reliability",
    ),
    "a side of something else": (
        lambda: cx.corrected_correlation(ANSWERS, ANSWERS, x="nps", y="csat"),
        "corrected_correlation, customers: asked for column 'csat'",
    ),
    "waves of something else": (lambda: cx.which_first(ANSWERS), "asked for column 'wave'"),
    "points that are none": (
        lambda: cx.moments(ANSWERS, "unit", {"nps": cx.nps}),
        "the points of 'nps' must be whole numbers",
    ),
    "answers without points": (lambda: cx.moments(ANSWERS, "unit", ["nps"]), 'Write  {"nps": cx'),
    "a firm in words": (lambda: cx.simulate_firm("never made", branches="3"), "branches='3'"),
    "no end of a number": (lambda: cx.correlation([1, 2, math.inf], [1, 2, 3]), "is infinite"),
}


LOGIT = pd.DataFrame({"y": [0, 1, 0, 1, 1, 0], "x": [1.0, 2, 3, 4, 3, 2]})
MONTHS = pd.DataFrame({"month": [1, 2], "at_risk": [10, 8], "exits": [1, 2], "x": [0, 1]})
EXPOSED = pd.DataFrame({"time": [1, 2], "left": [1, 0], "exposed_at": [0.5, None]})

#: Choices by name that a metric of its own refuses elsewhere are not repeated here.
CHOICES: dict[str, Callable[[str], Any]] = {
    "kind": lambda word: cx.correlation([1, 2, 3, 4], [1, 3, 2, 4], kind=word),
    "measure": lambda word: cx.e_value(2, measure=word),
    "outcome": lambda word: cx.e_value(2, measure="odds ratio", outcome=word),
    "binary": lambda w: cx.average_marginal_effects(LOGIT, outcome="y", predictors=["x"], binary=w),
    "link": lambda word: cx.discrete_hazard(MONTHS, covariates=["x"], link=word),
    "baseline": lambda word: cx.discrete_hazard(MONTHS, covariates=["x"], baseline=word),
    "answer": lambda word: cx.exposure(EXPOSED, answer=word),
    "criterion": lambda w: cx.within_between(LOGIT, unit="x", y="y", x="x", criterion=w),
    "depth": lambda w: cx.compare_predictors(LOGIT, outcome="y", measures={"x": ["x"]}, depth=w),
}


#: Models that no cell above asks for a level in percent.
LEVELS: dict[str, Callable[[float], Any]] = {
    "correlation": lambda level: cx.correlation([1, 2, 3, 4], [1, 3, 2, 4], level=level),
    "pool": lambda level: cx.pool([0.2, 0.3], [0.01, 0.02], level=level),
    "which_first": lambda level: cx.which_first(ANSWERS, level=level),
    "within_between": lambda level: cx.within_between(LOGIT, unit="x", y="y", level=level),
}


@pytest.mark.parametrize("name", LEVELS)
def test_a_level_in_percent_is_refused(name: str) -> None:
    with pytest.raises(CxkitError, match=r"level is 95: .*\n  Write 0.95 for 95 %"):
        LEVELS[name](95)


@pytest.mark.parametrize("name", CHOICES)
def test_a_word_that_is_no_choice_is_refused_not_read_as_another(name: str) -> None:
    with pytest.raises(CxkitError, match=f"{name}='median' is not known.\n  Write {name}=\""):
        CHOICES[name]("median")


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_refused_with_its_cure(slip: str) -> None:
    call, told = SLIPS[slip]
    with pytest.raises(CxkitError, match=told):
        call()


#: Two columns whose rows have the same labels, the second of them sorted.
SORTED: dict[str, Callable[[pd.Series, pd.Series], Any]] = {
    "counts": lambda a, b: cx.nps(a, counts=b),
    "clusters": lambda a, b: cx.csat_mean(a, clusters=b),
    "weights": lambda a, b: cx.weighted(a, b, metric="csat"),
    "weights made": lambda a, b: cx.weighted(
        a,
        cx.post_stratify(b.to_frame("g"), by="g", population={1: 5, 2: 5, 3: 5}),
        metric="csat",
    ),
    "ends": lambda a, b: cx.kaplan_meier(a, b > 1),
    "causes": lambda a, b: cx.ended_by(a, b.astype(str), of="1", time=2),
    "dates": lambda a, b: cx.retention_rate(day(a), day(b), as_of=AS_OF, horizon=3),
    "resolved": lambda a, b: cx.time_to_resolution(day(a), day(b), as_of=AS_OF),
    "pairs": lambda a, b: cx.paired_difference(a, b, measure="nps"),
    "revenue": lambda a, b: cx.revenue_retention(a, b),
}


def day(of: pd.Series) -> pd.Series:
    """Days of January, by number."""
    return pd.Timestamp("2024-01-01") + pd.to_timedelta(of, unit="D")


@pytest.mark.parametrize("name", SORTED)
def test_columns_in_another_order_are_refused_and_not_taken_as_they_stand(name: str) -> None:
    frame = pd.DataFrame({"a": [1, 1, 2], "b": [3, 1, 2]}, index=["x", "y", "z"])
    one, other = frame["a"], frame["b"]
    sound(SORTED[name](one, other))
    with pytest.raises(QuestionError, match=r"has the rows of \w+ in another order"):
        SORTED[name](one, other.sort_values())
    sound(SORTED[name](one, other.sort_values().set_axis(["x", "y", "z"])))
    sound(SORTED[name](one, other.reset_index(drop=True)))


@pytest.mark.parametrize("given", [{9, 10}, {1: 9}, 9, np.array(9)])
def test_what_is_no_column_is_refused(given: object) -> None:
    with pytest.raises(QuestionError, match="asked for one column, found a "):
        cx.nps(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ITEMS_OF)
def test_items_are_a_frame_of_numbers_each_once(name: str) -> None:
    items = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 2, 3, 5], "c": [1, 1, 2, 4]})
    for given, told in (
        (items["a"], "asked for a frame of items, found Series"),
        (items[["a", "a", "b"]], "'a' is the name of more than one column"),
        (items.assign(c="x"), "'x' is not a number"),
    ):
        with pytest.raises(CxkitError, match=told):
            ITEMS_OF[name](given)

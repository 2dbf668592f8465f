"""Counts give what the rows give: every public metric by name, or its docstring says why not.

A pattern stands for n people who are alike in all its columns; written out they are n rows. Each
law calls a metric with the column of counts, and again on the rows with none.
"""

from __future__ import annotations

import dataclasses
import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxkit as cx
from cxkit.errors import CxkitError
from cxkit.results import Table
from tests.metrics.strategies import EQUAL, rows_of
from tests.metrics.test_edges import sound
from tests.project import measures

if TYPE_CHECKING:
    from collections.abc import Callable

    Law = Callable[[pd.DataFrame, str | None], Any]

#: What takes no answers and no results of answers.
NOT_OF_DATA = {"scoring", "units_needed", "holm", "bh"}

#: How a docstring says that a metric needs the persons themselves.
NEEDS_PERSONS = "Does not reduce to counts: "

AS_OF = "2024-12-31"
ITEMS = ["a", "b", "c"]


def missing_at(least: int, most: int) -> st.SearchStrategy[int | None]:
    """Whole numbers from 0 on, with a missing one for each below 0: fewer than st.none() | ..."""
    return st.integers(least, most).map(lambda v: None if v < 0 else v)


_ANSWER = st.sampled_from([None, 1, 2, 3, 4, 5])
_PATTERN = st.fixed_dictionaries(
    {
        "unit": st.sampled_from("uvw"),
        "who": st.none() | st.sampled_from("klm"),
        "nps": missing_at(-1, 10),
        "yes": st.sampled_from([None, False, True, True]),
        **dict.fromkeys(ITEMS, _ANSWER),
        "began": missing_at(-60, 800),
        "stayed": missing_at(-60, 500),
        "why": st.sampled_from(["price", "moved"]),
        "spent": missing_at(-1, 9),
        "n": st.integers(0, 4),
    }
)
_KINDS = {"unit": object, "who": object, "why": object, "n": "int64", "yes": "boolean"}


@st.composite
def people(draw: Any) -> pd.DataFrame:
    """Draw patterns of people: answers, items, two dates, a reason, an amount, and their n."""
    return table_of(draw(st.lists(_PATTERN, max_size=10)))


def crowd(seed: int, patterns: int = 40) -> pd.DataFrame:
    """Many patterns at once, so that every law has numbers to compare, not refusals only."""
    rng = np.random.default_rng(seed)

    def any_of(values: list[Any]) -> Any:
        return values[int(rng.integers(len(values)))]

    lists: dict[str, list[Any]] = {
        "unit": list("uvw"),
        "who": [None, *"klm"],
        "nps": [None, *range(11)],
        "yes": [None, False, True, True],
        **{item: [None, 1, 2, 3, 4, 5] for item in ITEMS},
        "began": [None, *range(0, 800, 40)],
        "stayed": [None, *range(0, 500, 20)],
        "why": ["price", "moved"],
        "spent": [None, *range(10)],
        "n": list(range(5)),
    }
    return table_of(
        [{name: any_of(values) for name, values in lists.items()} for _ in range(patterns)]
    )


def table_of(drawn: list[dict[str, Any]]) -> pd.DataFrame:
    """Patterns as a frame, with the dates that their days stand for."""
    names = ["unit", "who", "nps", "yes", *ITEMS, "began", "stayed", "why", "spent", "n"]
    table = pd.DataFrame(drawn, columns=names)
    table = table.astype({name: _KINDS.get(name, "float64") for name in names})
    origin = pd.Series(pd.Timestamp("2023-01-01"), index=table.index, dtype="datetime64[us]")
    begin = origin + pd.to_timedelta(table["began"], unit="D")
    end = begin + pd.to_timedelta(table["stayed"], unit="D")
    gone = end.notna() & (end <= pd.Timestamp(AS_OF))
    return table.assign(begin=begin, end=end.where(gone), reason=table["why"].where(gone))


@cache
def large() -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Three large tables of patterns, each with its rows; all laws are held on the same."""
    return [(table, rows_of(table)) for table in map(crowd, (1, 2, 3))]


@cache
def small() -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """As many small ones as a law is tried on: to draw them anew for each law took as long."""
    tables: list[pd.DataFrame] = []

    @settings(max_examples=EXAMPLES)
    @given(people())
    def collect(table: pd.DataFrame) -> None:
        tables.append(table)

    collect()
    return [(table, rows_of(table)) for table in tables]


def n_of(frame: pd.DataFrame, n: str | None) -> pd.Series | None:
    """The column of counts, if there is one."""
    return None if n is None else frame[n]


def some(frame: pd.DataFrame, n: str | None) -> pd.DataFrame:
    """The patterns that somebody has: a group that nobody is of is a group only on paper."""
    return frame if n is None else frame[frame[n] > 0]


def of_column(metric: Callable[..., Any], column: str, /, **choices: Any) -> list[Law]:
    """The law of a metric of one column, for itself and by cluster where it knows clusters."""
    laws: list[Law] = [lambda f, n: metric(f[column], counts=n_of(f, n), **choices)]
    if "clusters" in inspect.signature(metric).parameters:
        laws.append(lambda f, n: metric(f[column], counts=n_of(f, n), clusters=f["who"], **choices))
    return laws


def of_frame(metric: Callable[..., Any], columns: list[str], **choices: Any) -> list[Law]:
    """The law of a metric of a frame, counts being a column of it."""
    return [lambda f, n: metric(f[[*columns, *([n] if n else [])]], counts=n, **choices)]


def curve(frame: pd.DataFrame, n: str | None) -> pd.DataFrame:
    """Kaplan-Meier of the stays, with late entry."""
    return cx.kaplan_meier(
        frame["stayed"], frame["yes"], entry=frame["spent"] * 9, counts=n_of(frame, n)
    )


def of_dates(metric: Callable[..., Any], **choices: Any) -> list[Law]:
    """The law of a metric of a beginning and an end."""
    return [lambda f, n: metric(f["begin"], f["end"], as_of=AS_OF, counts=n_of(f, n), **choices)]


def of_cases(metric: Callable[..., Any], **choices: Any) -> list[Law]:
    """The law of a metric of cases with clusters, other ends and cases opened again."""
    plain = of_dates(metric, **choices)
    return [
        *plain,
        lambda f, n: metric(
            f["begin"],
            f["end"],
            as_of=AS_OF,
            counts=n_of(f, n),
            clusters=f["who"],
            auto_closed=f["a"] == 1,
            reopened=f["b"] == 2,
            resolved_is="first",
            **choices,
        ),
    ]


def scores(frame: pd.DataFrame, n: str | None) -> pd.DataFrame:
    """A score of every unit."""
    return cx.by(some(frame, n), "unit", cx.nps, column="nps", counts=n)


def weights(frame: pd.DataFrame, n: str | None, *, raked: bool) -> Any:
    """A weighted NPS, so that weights by row are compared through what they are for."""
    used = some(frame, n)
    # Six people by either margin: totals that contradict one another would be refused.
    units, reasons = (
        {name: 6 / used[column].nunique() for name in used[column].unique()}
        for column in ("unit", "why")
    )
    if raked:
        found = cx.rake(used, margins={"unit": units, "why": reasons}, counts=n)
    else:
        found = cx.post_stratify(used, by="unit", population=units, counts=n)
    return cx.weighted(used["nps"], found, metric="nps", clusters=used["who"])


def two_periods(frame: pd.DataFrame, n: str | None) -> Any:
    return cx.what_moved(
        some(frame, n).assign(year=lambda f: f["why"].map({"price": 1, "moved": 2})),
        cx.nps,
        column="nps",
        segment="unit",
        period="year",
        before=1,
        now=2,
        counts=n,
    )


LAWS: dict[str, list[Law]] = {
    "nps": of_column(cx.nps, "nps"),
    "enps": of_column(cx.enps, "nps"),
    "csat": of_column(cx.csat, "a"),
    "csat_mean": of_column(cx.csat_mean, "a"),
    "ces": of_column(cx.ces, "a", version="1.0"),
    "ces_mean": of_column(cx.ces_mean, "a", version="1.0"),
    "share": of_column(cx.share, "yes"),
    "response_rate": of_column(cx.response_rate, "yes"),
    "participation": of_column(cx.participation, "yes"),
    "component": of_column(cx.component, "a", name="consistency"),
    "waiting_time": of_column(cx.waiting_time, "stayed"),
    "silent_bounds": of_column(cx.silent_bounds, "nps", metric="nps"),
    "first_contact_resolution": [
        lambda f, n: cx.first_contact_resolution(
            f["end"], contacts=f["a"], reopened=f["yes"], counts=n_of(f, n), clusters=f["who"]
        )
    ],
    "perception_gap": [
        lambda f, n: cx.perception_gap(
            f["a"], f["b"], staff_counts=n_of(f, n), customer_counts=n_of(f, n)
        )
    ],
    "perception_gaps": [
        lambda f, n: cx.perception_gaps(
            some(f, n), some(f, n), "unit", column=("a", "b"), staff_counts=n, customer_counts=n
        )
    ],
    "paired_difference": [
        lambda f, n: cx.paired_difference(
            f["a"], f["b"], measure="mean", scale=(1, 5), counts=n_of(f, n)
        )
    ],
    "weighted": [
        lambda f, n: cx.weighted(
            f["nps"], f["spent"].fillna(1), metric="nps", counts=n_of(f, n), clusters=f["who"]
        ),
        lambda f, n: cx.weighted(
            f["a"],
            f["spent"].fillna(1),
            metric="ces",
            version="1.0",
            within=f["why"] == "price",
            counts=n_of(f, n),
        ),
    ],
    "post_stratify": [lambda f, n: weights(f, n, raked=False)],
    "rake": [lambda f, n: weights(f, n, raked=True)],
    "r_indicator": [
        lambda f, n: cx.r_indicator(
            some(f, n).assign(answered=lambda g: g["nps"].notna()),
            answered="answered",
            known="unit",
            counts=n,
        )
    ],
    "advocacy": [
        lambda f, n: cx.advocacy(some(f, n), acts={"yes": "Referred"}, counts=n, clusters="who")
    ],
    "purchase_frequency": [
        lambda f, n: cx.purchase_frequency(f["spent"], f["a"], counts=n_of(f, n), clusters=f["who"])
    ],
    "revenue_retention": [
        lambda f, n: cx.revenue_retention(
            f["spent"], f["nps"], counts=n_of(f, n), clusters=f["who"]
        )
    ],
    "kaplan_meier": [curve],
    "km_at": [lambda f, n: cx.km_at(curve(f, n), 90)],
    "km_quantile": [lambda f, n: cx.km_quantile(curve(f, n), 0.5)],
    "km_restricted_mean": [lambda f, n: cx.km_restricted_mean(curve(f, n), 90)],
    "logrank": [
        lambda f, n: cx.logrank(
            f["stayed"], f["yes"], f["who"], entry=f["spent"], counts=n_of(f, n)
        ),
        lambda f, n: cx.logrank(f["stayed"], f["yes"], f["unit"], counts=n_of(f, n)),
    ],
    "cumulative_incidence": [
        lambda f, n: cx.cumulative_incidence(f["stayed"], f["reason"], counts=n_of(f, n))
    ],
    "ended_by": [
        lambda f, n: cx.ended_by(
            f["stayed"], f["reason"], of="price", time=90, counts=n_of(f, n), clusters=f["who"]
        )
    ],
    "retention_rate": [
        *of_dates(cx.retention_rate, horizon=3),
        *of_dates(cx.retention_rate, horizon=3, observed_from="2023-06-01"),
    ],
    "churn_rate": [
        *of_dates(cx.churn_rate, horizon=3),
        lambda f, n: cx.churn_rate(
            f["begin"],
            f["end"],
            as_of=AS_OF,
            horizon=3,
            reason=f["reason"].where(f["a"] != 1),
            of="price",
            counts=n_of(f, n),
        ),
    ],
    "staff_turnover": [
        *of_dates(cx.staff_turnover, observed_from="2023-06-01"),
        *of_dates(cx.staff_turnover, horizon=3),
        lambda f, n: cx.staff_turnover(
            f["begin"], f["end"], as_of=AS_OF, counts=n_of(f, n), clusters=f["who"]
        ),
    ],
    "time_to_resolution": [
        *of_cases(cx.time_to_resolution, unit="days"),
        *of_cases(cx.time_to_resolution, unit="days", measure="restricted mean", tau=30),
    ],
    "resolved_within": of_cases(cx.resolved_within, within=90, unit="days"),
    "first_response_time": [
        lambda f, n: cx.first_response_time(
            f["begin"],
            f["end"].where(f["a"] != 1),
            closed=f["end"],
            as_of=AS_OF,
            unit="days",
            counts=n_of(f, n),
            clusters=f["who"],
        )
    ],
    "backlog": [
        lambda f, n: cx.backlog(
            f["begin"],
            f["end"],
            as_of=AS_OF,
            bands=[30, 300],
            reopened=f["b"] == 2,
            resolved_is="first",
            counts=n_of(f, n),
        )
    ],
    "icc1": of_frame(cx.icc1, ["unit", "a"], unit="unit", score="a"),
    "icc2": of_frame(cx.icc2, ["unit", "a"], unit="unit", score="a"),
    "rwg": of_frame(cx.rwg, ["unit", "a"], unit="unit", score="a", options=5),
    "rwg_j": of_frame(cx.rwg_j, ["unit", *ITEMS], unit="unit", items=ITEMS, options=5),
    "ad_m": of_frame(cx.ad_m, ["unit", *ITEMS], unit="unit", items=ITEMS),
    "across_units": [
        lambda f, n: cx.across_units(cx.rwg(f, unit="unit", score="a", options=5, counts=n))
    ],
    "cronbach_alpha": of_frame(cx.cronbach_alpha, ITEMS, scale=(1, 5)),
    "item_rest": of_frame(cx.item_rest, ITEMS, scale=(1, 5)),
    "omega": of_frame(cx.omega, ITEMS, scale=(1, 5), draws=20),
    "reverse": [
        # One row in, one row out: what is left to compare is what it is for.
        lambda f, n: cx.favourability(
            cx.reverse(f[ITEMS], columns=["b"], scale=(1, 5)).assign(
                **({} if n is None else {n: f[n]})
            ),
            scale=(1, 5),
            counts=n,
        )
    ],
    "favourability": of_frame(cx.favourability, ITEMS, scale=(1, 5)),
    "engagement_index": of_frame(cx.engagement_index, ITEMS, scale=(1, 5)),
    "by": [
        scores,
        lambda f, n: cx.by(
            some(f, n),
            "unit",
            cx.paired_difference,
            column=["a", "b"],
            counts=n,
            choices={"measure": "mean", "scale": (1, 5)},
        ),
        lambda f, n: cx.by(
            some(f, n),
            "unit",
            cx.ended_by,
            column=["stayed", "reason"],
            counts=n,
            clusters="who",
            choices={"of": "price", "time": 0},
        ),
        lambda f, n: cx.by(
            some(f, n),
            "unit",
            cx.retention_rate,
            column=["begin", "end"],
            counts=n,
            choices={"as_of": AS_OF, "horizon": 0.1},
        ),
    ],
    "compare": [lambda f, n: cx.compare(some(f, n), "unit", cx.csat_mean, column="a", counts=n)],
    "difference": [
        lambda f, n: cx.difference(*(cx.csat_mean(f[c], counts=n_of(f, n)) for c in "ab"))
    ],
    "what_moved": [two_periods],
    "funnel": [lambda f, n: cx.funnel(scores(f, n))],
    "shrunken": [
        lambda f, n: cx.shrunken(cx.by(some(f, n), ["unit", "why"], cx.nps, column="nps", counts=n))
    ],
    "journey": [
        lambda f, n: cx.journey(
            some(f, n).rename(columns={"a": "csat"}),
            scores={"csat": [cx.csat, cx.csat_mean], "nps": cx.nps},
            along=["unit", "why"],
            counts=n,
        )
    ],
    "journey_table": [
        lambda f, n: cx.journey_table(
            cx.journey(some(f, n), scores={"nps": cx.nps}, along=["unit"], counts=n), only="unit"
        )
    ],
    "smallest_change": [lambda f, n: cx.smallest_change(cx.nps(f["nps"], counts=n_of(f, n)), n=50)],
    "responses_needed": [
        lambda f, n: cx.responses_needed(cx.nps(f["nps"], counts=n_of(f, n)), margin=5)
    ],
}

#: How many small tables a law is tried on, after three large ones; fewer where each takes long.
EXAMPLES = 10
SLOW = dict.fromkeys(
    (
        "omega",
        "journey",
        "journey_table",
        "what_moved",
        "advocacy",
        "compare",
        "by",
        "perception_gaps",
    ),
    5,
)


def outcome(law: Law, frame: pd.DataFrame, n: str | None) -> Any:
    """What a law gives, or the kind of its refusal."""
    try:
        return law(frame, n)
    except CxkitError as refusal:
        return type(refusal)


def alike(one: Any, other: Any) -> None:
    """Assert that two results are one, numbers to the tolerance."""
    assert type(one) is type(other)
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(
            one, other, check_dtype=False, check_index_type=False, rtol=EQUAL, atol=EQUAL
        )
        assert one.attrs == other.attrs
    elif isinstance(one, Table):
        alike(one.frame, other.frame)
        assert one.caption == other.caption
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            alike(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, float):
        assert abs(one - other) <= EQUAL * max(1.0, abs(one)), (one, other)
    else:
        assert one == other


@pytest.mark.parametrize("name", LAWS)
def test_counts_give_what_the_rows_give(name: str) -> None:
    refused = []
    for table, rows in [*large(), *small()[: SLOW.get(name, EXAMPLES)]]:
        for ask in LAWS[name]:
            found = outcome(ask, table, "n")
            alike(found, outcome(ask, rows, None))
            refused.append(isinstance(found, type))
    of_large = refused[: 3 * len(LAWS[name])]
    assert sum(of_large) < len(of_large) / 2, f"the law of {name} compared refusals: {of_large}"


@pytest.mark.parametrize("name", LAWS)
def test_counts_of_zero_are_nobody(name: str) -> None:
    days = pd.to_datetime(["2024-01-01", "2024-02-01", None])
    table = pd.DataFrame(
        {"unit": list("uvw"), "who": list("klm"), "why": ["price", "moved", "price"], "n": 0}
    ).assign(nps=[9, 3, None], yes=pd.array([True, False, None], dtype="boolean"), spent=2.0)
    table = table.assign(**{item: [5, 1, None] for item in ITEMS}, stayed=[40.0, 90.0, None])
    table = table.assign(begin=days, end=days + pd.Timedelta(days=40), reason=table["why"])
    for ask in LAWS[name]:
        found = outcome(ask, table, "n")
        alike(found, outcome(ask, rows_of(table), None))
        if not isinstance(found, type):
            sound(found)


def test_every_public_metric_takes_counts_or_says_why_not() -> None:
    missing = []
    for name, metric in measures.measures().items():
        said = NEEDS_PERSONS in " ".join((inspect.getdoc(metric) or "").split())
        assert not (said and name in LAWS), f"cx.{name} says what its law refutes"
        if not (said or name in LAWS or name in NOT_OF_DATA):
            missing.append(name)
    assert not missing, (
        f"{missing}: give them counts and a law above, or say in the docstring in one sentence "
        f"why they need each person ('{NEEDS_PERSONS}...')"
    )
    assert set(LAWS) <= set(measures.measures())

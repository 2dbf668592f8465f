"""What leaves an engine, what is refused, and that moments give what the rows give."""

import ast
import inspect

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError, ScaleError
from cxkit.study import counts
from tests.metrics.strategies import LAW, patterns, rows_of
from tests.study import engines

NPS = cx.scoring(cx.nps)


@pytest.fixture
def spy(monkeypatch):
    """What every engine that is asked gives back: rows and columns of each table."""
    seen = []
    collect = nw.LazyFrame.collect

    def watched(self, *args, **kwargs):
        found = collect(self, *args, **kwargs)
        seen.append(found.shape)
        return found

    monkeypatch.setattr(nw.LazyFrame, "collect", watched)
    return seen


@pytest.mark.parametrize("engine", engines.HERE)
def test_no_more_rows_leave_the_engine_than_there_are_patterns(engine, spy):
    frame = engines.native(engine, engines.answers(20_000))
    table = cx.counts(frame, ["csat", "ces"])
    assert spy == [(6 * 7, 3)]
    assert table["n"].sum() == 20_000
    cx.moments(frame, "csat", {"nps": NPS}, month="day")
    assert spy[1][0] <= 6 * 19
    cx.moments(frame, "csat", {"nps": NPS}, cluster="customer")
    assert len(spy) == 3
    assert spy[2][0] == 6


def test_there_is_one_door_and_no_query_text():
    """One call collects; nothing is handed to an engine as text."""
    tree = ast.parse(inspect.getsource(counts))
    called = [
        n.func.attr
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
    ]
    assert called.count("collect") == 1
    assert not set(called) & {
        "sql",
        "execute",
        "query",
        "to_pandas",
        "to_dict",
        "rows",
        "iter_rows",
    }
    text = ast.dump(tree).lower()
    assert "select " not in text
    assert not [n for n in ("duckdb", "pyspark", "ibis", "polars") if f"import {n}" in text]


def test_a_value_that_looks_like_a_query_stays_a_value():
    nasty = "x' OR 1=1 --"
    frame = pd.DataFrame({"unit": [nasty, "N", 'a"b'], "nps": [9, 3, 10]})
    for engine in engines.HERE:
        native = engines.native(engine, frame)
        table = cx.counts(native, "nps", where={"unit": nasty})
        assert table.to_dict("list") == {"nps": [9], "n": [1]}, engine
    odd = frame.rename(columns={"unit": 'the "unit"; drop'})
    for engine in engines.HERE:
        assert len(cx.counts(engines.native(engine, odd), 'the "unit"; drop')) == 3


@settings(LAW, max_examples=10)
@given(patterns(st.integers(0, 10)))
def test_moments_give_what_the_rows_give(table):
    rows = rows_of(table)
    for metric, high, choices in (
        (cx.nps, 10, {}),
        (cx.csat, 10, {"scale": (0, 10), "top": 8}),
        (cx.csat_mean, 10, {"scale": (0, 10)}),
    ):
        points = {"answer": cx.scoring(metric, choices=choices)}
        assert max(points["answer"]) == high
        for cluster in ("", "cluster"):
            sums = cx.moments(rows, "group", points, cluster=cluster)
            found = cx.by(sums, "group", metric, column="answer", moments=True, choices=choices)
            there = cx.by(
                rows, "group", metric, column="answer", clusters=cluster or None, choices=choices
            )
            assert_frame_equal(found, there, rtol=1e-10, atol=1e-10)


def test_one_scan_for_several_scores_and_a_bucket_that_agrees_with_its_clusters():
    frame = engines.answers(5000)
    points = {
        "nps": NPS,
        "csat": cx.scoring(cx.csat),
        "ces": cx.scoring(cx.ces, choices={"version": "2.0"}),
    }
    sums = cx.moments(frame, "unit", points)
    for metric, column, choices in (
        (cx.nps, "nps", {}),
        (cx.csat, "csat", {}),
        (cx.ces, "ces", {"version": "2.0"}),
    ):
        assert_frame_equal(
            cx.by(sums, "unit", metric, column=column, moments=True, choices=choices),
            cx.by(frame, "unit", metric, column=column, choices=choices),
        )
    table = cx.counts(frame, ["unit", "nps"], buckets={"customer": 50})
    assert table["customer_bucket"].between(0, 49).all()
    bucketed = frame.assign(customer_bucket=frame["customer"] % 50)
    assert_frame_equal(
        cx.by(table, "unit", cx.nps, column="nps", counts="n", clusters="customer_bucket"),
        cx.by(bucketed, "unit", cx.nps, column="nps", clusters="customer_bucket"),
    )
    assert cx.nps(table["nps"], counts=table["n"], clusters=table["customer_bucket"]).method == (
        "adjusted Wald, cluster-robust by 50 clusters (customer_bucket)"
    )


def test_moments_without_clusters_add_up_over_groups_and_with_them_are_refused():
    frame = engines.answers()
    finer = cx.moments(frame, ["unit", "csat"], {"nps": NPS})
    assert_frame_equal(
        cx.by(finer, "unit", cx.nps, column="nps", moments=True),
        cx.by(frame, "unit", cx.nps, column="nps"),
    )
    clustered = cx.moments(frame, ["unit", "csat"], {"nps": NPS}, cluster="customer")
    with pytest.raises(QuestionError, match=r"do not add up: write  cx.moments\(frame, \['unit'\]"):
        cx.by(clustered, "unit", cx.nps, column="nps", moments=True)
    with pytest.raises(QuestionError, match=r"not of the points of CSAT .* cannot add up to"):
        cx.by(finer, "unit", cx.csat, column="nps", moments=True)
    with pytest.raises(ColumnError, match="csat_n"):
        cx.by(finer, "unit", cx.csat, column="csat", moments=True)


def test_sums_of_many_answers_are_exact():
    frame = pd.DataFrame({"customer": [1, 2], "score": [10, 9], "n": [1, 1]})
    sums = cx.moments(frame, [], {"score": {9: 900_000_001, 10: 900_000_000}}, cluster="customer")
    assert sums["score_total"].item() == 1_800_000_001
    assert sums["score_cluster_squares"].item() == 900_000_001**2 + 900_000_000**2


@pytest.mark.parametrize("engine", engines.HERE)
def test_answers_without_points_are_refused_and_say_how_many(engine):
    frame = pd.DataFrame({"nps": [9.0, 99.0, np.nan, 3.5, 2.0], "customer": [1, 1, 2, 2, 3]})
    native = engines.native(engine, frame)
    for cluster in ("", "customer"):
        with pytest.raises(
            ScaleError, match=r"column 'nps': 2 of 4 answers .* \(0 to 6, 7 to 8, 9 to 10\)"
        ):
            cx.moments(native, [], {"nps": NPS}, cluster=cluster)


@pytest.mark.parametrize(
    ("ask", "error", "told"),
    [
        (lambda f: cx.counts(f, "npss"), ColumnError, "'npss'.*\n.*\n.*meant 'nps'"),
        (lambda f: cx.counts(f, []), QuestionError, "no column to count by"),
        (lambda f: cx.counts([1, 2], "nps"), QuestionError, "counts: list is not a frame"),
        (lambda f: cx.counts(f, "n"), QuestionError, "'n' cannot be a key"),
        (lambda f: cx.counts(f, ["nps", "nps"]), QuestionError, "asked for twice"),
        (lambda f: cx.counts(f, "nps", month="nps"), QuestionError, "not dates"),
        (lambda f: cx.counts(f, "nps", buckets={"name": 9}), QuestionError, "whole numbers"),
        (lambda f: cx.counts(f, "nps", where={"unti": 1}), ColumnError, "'unti'"),
        (lambda f: cx.moments(f, "nps", {"csat": NPS}), ColumnError, "'csat'"),
        (lambda f: cx.moments(f, [], {"nps": {1: 0.5}}), QuestionError, "whole numbers by whole"),
        (lambda f: cx.moments(f, [], {"nps": NPS}, cluster="who"), ColumnError, "'who'"),
    ],
)
def test_what_cannot_be_asked_is_refused(ask, error, told):
    frame = pd.DataFrame({"nps": [9], "name": ["a"], "n": [1]})
    with pytest.raises(error, match=told):
        ask(frame)


def test_an_empty_frame_gives_an_empty_table():
    frame = pd.DataFrame({"nps": pd.Series(dtype=float), "unit": pd.Series(dtype="str")})
    assert cx.counts(frame, ["unit", "nps"]).empty
    sums = cx.moments(frame, "nps", {"nps": NPS}, cluster="unit")
    assert cx.by(sums, "nps", cx.nps, column="nps", moments=True).empty

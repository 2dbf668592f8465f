"""The same call on every engine gives the same table."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import cxkit as cx
from tests.study import engines

#: What is asked of every engine.
ASKED = {
    "patterns": lambda f: cx.counts(f, ["unit", "nps"]),
    "patterns by month and bucket": lambda f: cx.counts(
        f, ["nps", "referred"], month="day", buckets={"customer": 20}
    ),
    "patterns of some units": lambda f: cx.counts(
        f, ["unit", "csat"], where={"unit": ["North", None], "ces": [1, 2, 3]}
    ),
    "moments by unit and month": lambda f: cx.moments(
        f,
        "unit",
        {"nps": cx.scoring(cx.nps), "csat": cx.scoring(cx.csat), "referred": cx.scoring(cx.share)},
        month="day",
    ),
    "moments by customer": lambda f: cx.moments(
        f,
        "unit",
        {"nps": cx.scoring(cx.nps), "csat": cx.scoring(cx.csat_mean)},
        cluster="customer",
    ),
    "moments by account, some without": lambda f: cx.moments(
        f, [], {"ces": cx.scoring(cx.ces, choices={"version": "2.0"})}, cluster="account"
    ),
}
each = pytest.mark.parametrize("asked", ASKED)


def reference(asked):
    """What the rows themselves say, by plain pandas."""
    return ASKED[asked](engines.native("pandas", engines.answers()))


@each
@pytest.mark.parametrize("engine", engines.HERE)
def test_every_engine_gives_the_same_table(engine, asked):
    frame = engines.native(engine, engines.answers())
    assert_frame_equal(ASKED[asked](frame), reference(asked))


@each
def test_one_thread_and_two_agree(asked):
    one, two = (
        ASKED[asked](engines.native("duckdb", engines.answers(20_000), threads=threads))
        for threads in (1, 2)
    )
    assert_frame_equal(one, two)


def test_pandas_agrees_with_a_groupby_written_by_hand():
    frame = engines.answers()
    found = cx.counts(frame, ["unit", "nps"], month="day")
    by_hand = frame.assign(month=frame["day"].dt.to_period("M"))
    there = by_hand.groupby(["unit", "nps", "month"], dropna=False).size().reset_index(name="n")
    there = there.sort_values(["unit", "nps", "month"], ignore_index=True)
    assert found["n"].tolist() == there["n"].tolist()
    assert found["month"].tolist() == there["month"].tolist()
    assert found["nps"].astype(float).equals(there["nps"])


def spark_gives_the_same_tables(n, names):
    with engines.spark() as session:
        frame = session.createDataFrame(engines.native("pyarrow", engines.answers(n)))
        for asked in names:
            assert_frame_equal(ASKED[asked](frame), ASKED[asked](engines.answers(n)), obj=asked)


def test_spark_gives_the_same_tables_wherever_it_is_installed():
    spark_gives_the_same_tables(500, ["patterns by month and bucket", "moments by customer"])


@pytest.mark.verify
def test_spark_gives_the_same_tables():
    spark_gives_the_same_tables(20_000, ASKED)


@pytest.mark.verify
def test_an_ibis_table_of_postgresql_gives_the_same_tables(tmp_path):
    ibis = pytest.importorskip("ibis", reason="ibis is not installed (make verify installs it)")
    with engines.postgres(tmp_path) as port:
        server = ibis.postgres.connect(host="127.0.0.1", port=port, user="cx", database="postgres")
        frame = server.create_table("answers", engines.native("pyarrow", engines.answers()))
        for asked, ask in ASKED.items():
            assert_frame_equal(ask(frame), reference(asked), obj=asked)
        server.disconnect()


@pytest.mark.verify
@pytest.mark.parametrize("dialect", ["bigquery", "snowflake", "trino", "databricks", "mssql"])
def test_other_warehouses_are_compiled_for_and_not_run(dialect, monkeypatch):
    """Nobody has run these: the query is written in their dialect, and that is all."""
    ibis = pytest.importorskip("ibis", reason="ibis is not installed (make verify installs it)")
    import narwhals.stable.v2 as nw

    from cxkit.study import counts

    written = []

    def compiled(rows: nw.LazyFrame) -> None:
        written.append(ibis.to_sql(rows.to_native(), dialect=dialect))
        raise InterruptedError

    monkeypatch.setattr(counts, "collected", compiled)
    schema = {"unit": "string", "nps": "int8", "day": "date", "customer": "int64"}
    frame = ibis.table(schema, name="answers")
    for ask in (
        lambda: cx.counts(frame, ["unit", "nps"], month="day", buckets={"customer": 200}),
        lambda: cx.moments(frame, "unit", {"nps": cx.scoring(cx.nps)}, cluster="customer"),
    ):
        with pytest.raises(InterruptedError):
            ask()
    assert len(written) == 2
    assert all("GROUP BY" in text.upper() for text in written)


def test_the_answers_of_the_test_hold_what_engines_treat_apart():
    frame = engines.answers()
    assert isinstance(frame, pd.DataFrame)
    assert frame["nps"].isna().any()
    assert frame["day"].isna().any()
    assert (frame["unit"] == "").any()
    assert (frame["customer"] < 0).any()

from functools import partial

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError
from cxkit.study.columns import STAGES as CONTRACT_STAGES

STAGES = ["purchase", "use", "service"]


@pytest.fixture
def frame():
    rng = np.random.default_rng(1)
    n = 400
    return pd.DataFrame(
        {
            "customer": rng.integers(0, 150, n),
            "stage": rng.choice(["service", "use", None], n, p=[0.5, 0.4, 0.1]),
            "touchpoint": rng.choice(["web", "shop"], n),
            "answered_on": pd.Timestamp("2024-11-15")
            + pd.to_timedelta(rng.integers(0, 90, n), "D"),
            "nps": rng.integers(0, 11, n).astype(float),
            "csat": np.where(rng.random(n) < 0.2, np.nan, rng.integers(1, 6, n)),
            "ces": rng.integers(1, 8, n),
            "personalization": rng.integers(1, 6, n),
        }
    )


def test_each_cell_is_the_metric_of_its_rows(frame):
    scores = {"csat": [cx.csat, partial(cx.csat, top=5)], "nps": cx.nps}
    found = cx.journey(frame, scores=scores, along=["stage", "touchpoint"], stages=STAGES)
    row = found.query("by == 'stage' and group == 'use' and metric == 'CSAT (5 on 1 to 5)'")
    own = cx.csat(frame.loc[frame["stage"] == "use", "csat"], top=5)
    assert row[["value", "low", "high", "n", "n_missing"]].iloc[0].tolist() == [
        own.value,
        own.low,
        own.high,
        own.n,
        own.n_missing,
    ]
    web = found.query("by == 'touchpoint' and group == 'web' and score == 'nps'")
    assert web["value"].iloc[0] == cx.nps(frame.loc[frame["touchpoint"] == "web", "nps"]).value
    for _, part in found.groupby(["by", "metric"]):
        assert (part["n"] + part["n_missing"]).sum() == len(frame)


def test_stages_stand_in_their_order_and_none_is_left_out(frame):
    found = cx.journey(frame, scores={"nps": cx.nps}, stages=STAGES)
    assert found["group"].tolist() == [*STAGES, "(missing)"]
    silent = found.iloc[0]
    assert (silent["status"], silent["reason"]) == (
        "no data",
        "No answer is of the stage purchase.",
    )
    assert (silent["metric"], silent["n"], silent["measured_in"]) == ("NPS", 0, "points")
    assert pd.isna(silent["value"])
    assert found["status"].tolist() == ["no data", "ok", "ok", "ok"]


def test_components_that_were_never_asked_are_rows(frame):
    found = cx.journey(frame, stages=STAGES, ces_version="2.0")
    assert set(found["score"]) == {
        "nps",
        "csat",
        "ces",
        "customer_service",
        "user_experience",
        "personalization",
        "consistency",
        "emotional_connection",
    }
    never = found[(found["score"] == "emotional_connection") & (found["group"] == "use")].iloc[0]
    assert never["status"] == "no data"
    assert never["reason"] == "The data have no column emotional_connection: it was not asked."
    assert (found.loc[found["status"] == "no data", "reason"] != "").all()
    assert found.loc[found["status"] == "ok", ["value", "low", "high"]].notna().all().all()
    asked = found[(found["score"] == "personalization") & (found["status"] == "ok")]
    assert asked["metric"].unique().tolist() == ["Personalization mean (1 to 5)"]


def test_the_table_says_how_much_is_not_known(frame):
    found = cx.journey(frame, scores={"nps": cx.nps, "consistency": cx.csat}, stages=STAGES)
    table = cx.journey_table(found)
    assert table.caption == "Scores by stage: 5 of 8 without data."
    assert table.shown["Value"].tolist().count("no data") == 5
    assert "nan" not in str(table).lower()
    assert "nan" not in table._repr_html_().lower()
    with pytest.raises(QuestionError, match=r"does not go by 'unit'.*\n.*It goes by: stage"):
        cx.journey_table(found, only="unit")


def test_counts_are_rows(frame):
    scores = {"nps": cx.nps, "csat": [cx.csat, cx.csat_mean]}
    keys = ["stage", "nps", "csat"]
    counted = frame.groupby(keys, dropna=False).size().reset_index(name="people")
    one = cx.journey(frame, scores=scores, stages=STAGES)
    other = cx.journey(counted, scores=scores, stages=STAGES, counts="people")
    pd.testing.assert_frame_equal(one, other, rtol=1e-10)


def test_customers_who_repeat_are_clusters(frame):
    found = cx.journey(frame, scores={"nps": cx.nps}, stages=STAGES, clusters="customer")
    assert found["method"].str.contains(r"cluster-robust by \d+ clusters \(customer\)")[1:].all()


def test_periods_are_in_order_of_time(frame):
    found = cx.journey(frame, scores={"nps": cx.nps}, along=[], period="quarter")
    assert found["group"].tolist() == ["2024Q4", "2025Q1"]
    months = cx.journey(frame, scores={"nps": cx.nps}, along=[], period="month")
    assert months["group"].tolist() == ["2024-11", "2024-12", "2025-01", "2025-02"]
    undated = frame.assign(answered_on=frame["answered_on"].where(frame.index > 5))
    assert cx.journey(undated, scores={"nps": cx.nps}, along=[], period="year")[
        "group"
    ].tolist() == [
        "2024",
        "2025",
        "(missing)",
    ]
    with pytest.raises(QuestionError, match="'week' is not known"):
        cx.journey(frame, scores={"nps": cx.nps}, period="week")


def test_the_usual_stages_are_those_of_the_contract():
    from cxkit.metrics.journey import STAGES as USUAL

    assert USUAL == CONTRACT_STAGES


def test_a_journey_that_cannot_be_drawn_is_refused(frame):
    with pytest.raises(QuestionError, match=r"holds use, not among the stages"):
        cx.journey(frame, scores={"nps": cx.nps}, stages=["service"])
    with pytest.raises(QuestionError, match=r"(?s)ces, whose two versions.*ces_version"):
        cx.journey(frame, stages=STAGES)
    with pytest.raises(ColumnError, match="journey: asked for column 'branch'"):
        cx.journey(frame, scores={"nps": cx.nps}, along=["branch"])
    with pytest.raises(QuestionError, match="personalization: the cut 9 does not split"):
        cx.component([1], name="personalization", top=9)


def test_an_empty_frame_is_all_stages_without_data(frame):
    found = cx.journey(frame[:0], scores={"nps": cx.nps, "csat": cx.csat}, stages=STAGES)
    assert found["group"].tolist() == STAGES * 2
    assert (found["status"] == "no data").all()


def test_a_component_is_a_share_with_a_cut():
    found = cx.component([5, 4, 2, None], name="user_experience", top=4)
    assert (found.metric, found.n, found.n_missing) == ("User experience (4 or 5 on 1 to 5)", 3, 1)
    assert found.value == cx.csat([5, 4, 2]).value

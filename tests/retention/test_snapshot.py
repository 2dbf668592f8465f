"""A snapshot: churn in one window by what customers went through, and what cannot be known."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import yaml

import cxkit as cx
from cxkit.errors import QuestionError


def opened(folder, *, experience=None, bend=None):
    """Open 400 customers, a quarter of whom complained; a complaint goes with leaving."""
    rng = np.random.default_rng(5)
    n = 400
    complained = np.arange(n) % 4 == 0
    frame = pd.DataFrame(
        {
            "months": rng.integers(1, 40, n),
            "churn": (rng.random(n) < np.where(complained, 0.6, 0.2)).astype(int),
            "complains": complained.astype(int),
            "failures": rng.integers(0, 3, n),
        }
    )
    if bend is not None:
        bend(frame)
    frame.to_csv(folder / "customers.csv", index=False)
    spec = {
        "study": "Seen once",
        "as_of": "2025-12-31",
        "customers": {
            "file": "customers.csv",
            "form": "snapshot",
            "customer": "row",
            "tenure": {"column": "months", "unit": "months"},
            "churned": {"column": "churn", "yes": [1], "no": [0]},
            "window": "months 10 to 12",
            "experience": experience
            or {
                "complained": {"column": "complains", "bad": [1]},
                "failed": {"column": "failures", "bad": [2]},
            },
        },
    }
    (folder / "study.yml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return cx.open_study(folder / "study.yml"), frame


def test_churn_is_compared_by_what_statsmodels_gives(tmp_path):
    from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

    study, frame = opened(tmp_path)
    result = cx.retention_answer(study)
    counts = frame.groupby("complains")["churn"].agg(["sum", "size"])
    (x0, n0), (x1, n1) = counts.to_numpy()
    assert result.effect.value == pytest.approx(100 * (x1 / n1 - x0 / n0))
    low, high = confint_proportions_2indep(x1, n1, x0, n0, method="newcomb", compare="diff")
    assert [result.effect.low, result.effect.high] == pytest.approx([100 * low, 100 * high])
    for row, (x, n) in zip(result.groups.itertuples(), ((x1, n1), (x0, n0)), strict=True):
        wilson = proportion_confint(x, n, method="wilson")
        assert [row.low, row.high] == pytest.approx([100 * w for w in wilson])
    assert "leave more often: churn in months 10 to 12" in result.answer.headline


def test_every_declared_experience_is_one_family(tmp_path):
    study, _ = opened(tmp_path)
    result = cx.retention_answer(study)
    p = result.effects.frame["p"].tolist()
    assert result.effects.frame["p_adjusted"].tolist() == cx.holm(p)["p_adjusted"].tolist()
    assert "After Holm's adjustment for 2 comparisons" in result.answer.how_sure
    assert result.effects.shown.columns.tolist()[-3:] == ["p", "p, Holm", "Reading"]


def test_an_experience_that_nobody_had_stops_nothing_but_its_own_question(tmp_path):
    both = {
        "complained": {"column": "complains", "bad": [1]},
        "burned": {"column": "failures", "bad": [9]},
    }
    study, _ = opened(tmp_path, experience=both)
    result = cx.retention_answer(study, measure="complained")
    assert result.effects.frame["value"].isna().tolist() == [False, True]
    assert not re.search(r"\bnan\b|\bNone\b", str(result.effects))
    with pytest.raises(QuestionError, match=r"nobody is in the group 'burned: yes'.*\n.*`bad`"):
        cx.retention_answer(study, measure="burned")


def test_a_group_of_fewer_than_five_is_not_shown(tmp_path):
    def bend(frame):
        frame["complains"] = 0
        frame.loc[:3, "complains"] = 1

    study, _ = opened(tmp_path, bend=bend)
    with pytest.raises(QuestionError, match="fewer than 5 customers are in the group 'complained"):
        cx.retention_answer(study, measure="complained")
    other = cx.retention_answer(study, measure="failed")
    row = other.effects.frame.set_index("experience").loc["complained"]
    assert row[["value", "low", "high", "p"]].isna().all()


def test_customers_of_whom_something_is_not_known_are_counted_and_left_out(tmp_path):
    def bend(frame):
        frame["complains"] = frame["complains"].astype(object)
        frame.loc[:29, "complains"] = ""

    study, _ = opened(tmp_path, bend=bend)
    result = cx.retention_answer(study)
    assert result.groups["n"].sum() == 370
    assert "370 customers are compared" in result.answer.how_sure
    assert "30 more are left out" in result.answer.how_sure


@pytest.mark.parametrize(("value", "said"), [(1, "All of the 400"), (0, "None of the 400")])
def test_all_churned_and_none_churned_are_refused(tmp_path, value, said):
    study, _ = opened(tmp_path, bend=lambda frame: frame.update({"churn": [value] * 400}))
    with pytest.raises(QuestionError, match=f"{said} customers have churned"):
        cx.retention_answer(study)


def test_a_measure_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    study, _ = opened(tmp_path)
    with pytest.raises(QuestionError, match="complained, failed"):
        cx.retention_answer(study, measure="nps")


def test_what_a_cross_section_cannot_say_is_said_and_not_drawn(tmp_path):
    study, _ = opened(tmp_path)
    result = cx.retention_answer(study)
    assert result.curves is None
    fired = {g.kind for g in result.answer.guards if g.fired}
    assert {"snapshot", "order in time"} <= fired
    assert "form: dates" in str(result.more.comparisons)
    picture = cx.figures.retention(result)
    assert "complained: yes" in picture.alt
    assert "Wilson" in picture.caption


def test_opposite_snapshots_give_opposite_answers(tmp_path):
    def turned(frame):
        frame["churn"] = 1 - frame["churn"]

    study, _ = opened(tmp_path, bend=turned)
    headline = cx.retention_answer(study).answer.headline
    assert "leave less often" in headline


@pytest.mark.parametrize("asked", [{"horizon": 6}, {"gap": 30}])
def test_a_horizon_or_a_gap_that_would_change_nothing_is_refused(tmp_path, asked):
    (name,) = asked
    study, _ = opened(tmp_path)
    with pytest.raises(QuestionError, match=rf"{name} = .* snapshot.*\n  Leave {name} at"):
        cx.retention_answer(study, **asked)


def test_a_few_leavers_of_a_group_are_not_told_nor_can_they_be_had_by_subtraction(tmp_path):
    def few(frame):
        yes = frame.index[frame["complains"] == 1]
        frame["churn"] = 0
        frame.loc[yes[:3], "churn"] = 1
        frame.loc[frame.index[frame["complains"] == 0][:60], "churn"] = 1

    study, _ = opened(tmp_path, bend=few)
    result = cx.retention_answer(study)
    assert result.retained.shown["Left"].tolist() == ["<5", "60"]
    assert "of whom at least 60 left" in result.answer.how_sure
    assert "63" not in str(result.answer)

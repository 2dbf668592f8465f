"""Guards of a model of leaving: each fires where it should and is quiet elsewhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, minimize_scalar

import cxkit as cx
from cxkit.errors import MissingTableError, QuestionError
from cxkit.results import Difference
from cxkit.retention.clock import bands_of, wind
from cxkit.retention.model_guards import (
    beyond_follow_up,
    collinearity,
    few_exits,
    leakage,
    leaky,
    multiplicity,
)
from cxkit.retention.separation import separation
from cxkit.study.contract import parse_contract
from cxkit.study.study import Study
from tests import firms


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"score": rng.integers(0, 11, 900).astype(float)})
    frame["left"] = rng.random(900) < 0.4 - 0.03 * frame["score"]
    frame["noise"] = rng.normal(size=900)
    return frame


def test_a_copy_of_the_label_leaks_and_a_score_does_not(customers):
    frame = customers.assign(
        copy=customers["left"].astype(float), text=customers["left"].astype(str)
    )
    frame["when"] = np.where(frame["left"], frame["noise"], np.nan)
    found = leaky(frame, outcome="left", predictors=["score", "noise", "copy", "text", "when"])
    assert set(found) == {"copy", "text", "when"}
    guard = leakage(frame, outcome="left", predictors=["score", "copy"])
    assert guard.fired
    assert "copy (AUC 1.000)" in guard.text
    assert not leakage(frame, outcome="left", predictors=["score", "noise"]).fired


def test_separation_gives_the_profile_bound_and_no_coefficient(customers):
    frame = pd.DataFrame({"left": [1] * 6 + [0, 1] * 20, "called": [1] * 6 + [0] * 40})
    found = separation(frame, outcome="left", predictors=["called"])

    def profile(b: float) -> float:
        """The log-likelihood of 6 of 6 against 20 of 40, the constant fitted anew."""
        loss = minimize_scalar(
            lambda a: (
                6 * np.logaddexp(0, -(a + b)) + 20 * np.logaddexp(0, -a) + 20 * np.logaddexp(0, a)
            ),
            bounds=(-30, 30),
            method="bounded",
            options={"xatol": 1e-10},
        )
        return -loss.fun

    far = profile(40)
    bound = np.exp(brentq(lambda b: far - profile(b) - 3.841458820694124 / 2, -5, 20))
    assert found.bounds[0].low == pytest.approx(bound, rel=1e-5)  # steps of the profile
    assert found.bounds[0].value is None
    assert found.bounds[0].status == "one-sided"
    assert found.guard.fired
    assert "odds ratio at least 2.45" in found.guard.text
    assert "25" not in found.guard.text
    turned = separation(frame.assign(left=1 - frame["left"]), outcome="left", predictors=["called"])
    assert turned.bounds[0].high == pytest.approx(1 / bound, rel=1e-5)
    assert "at most 0.41" in turned.guard.text
    quiet = separation(customers, outcome="left", predictors=["score", "noise"])
    assert not quiet.guard.fired
    assert quiet.terms == ()


def test_separation_of_one_level_leaves_the_others_alone(customers):
    plan = np.where(customers.index < 60, "staff", np.where(customers["noise"] > 0, "a", "b"))
    frame = customers.assign(plan=plan)
    frame.loc[frame["plan"] == "staff", "left"] = False
    found = separation(frame, outcome="left", predictors=["plan", "score"])
    assert found.terms == ("plan: staff",)
    assert found.bounds[0].high < 1


def test_collinear_predictors_are_named(customers):
    near = customers.assign(again=customers["score"] + 0.1 * customers["noise"])
    found = collinearity(near, predictors=["score", "again", "noise"])
    assert found.fired
    x = near[["score", "again", "noise"]].drop(columns="noise")
    r2 = np.corrcoef(x.to_numpy(), rowvar=False)[0, 1] ** 2
    two = collinearity(near, predictors=["score", "again"])
    assert f"{1 / (1 - r2):,.1f}" in two.text
    exact = collinearity(
        customers.assign(sum=customers["score"] + customers["noise"]),
        predictors=["score", "noise", "sum"],
    )
    assert exact.fired
    assert "score, noise, sum" in exact.text
    assert not collinearity(customers, predictors=["score", "noise"]).fired
    assert not collinearity(customers, predictors=["score"]).fired


def test_few_exits_counts_the_rarer_side():
    assert few_exits(exits=59, stays=400, parameters=6).fired
    assert not few_exits(exits=60, stays=400, parameters=6).fired
    rare = few_exits(exits=900, stays=30, parameters=6)
    assert rare.fired
    assert "30 customers stayed for 6 coefficients, 5.0 each" in rare.text


def test_the_horizon_says_how_many_are_not_followed_to_it():
    followed = pd.Series([2.0, 5.0, 14.0] * 3)
    assert "6 of 9" in beyond_follow_up(followed, horizon=12).text
    assert "censored" in beyond_follow_up(followed, horizon=12, treated="censored").text
    assert not beyond_follow_up(followed, horizon=2).fired
    nobody = beyond_follow_up(followed, horizon=24)
    assert nobody.fired
    assert "the longest for 14.0" in nobody.text
    assert beyond_follow_up(pd.Series([], dtype=float), horizon=12).fired


def test_multiplicity_counts_each_family():
    def test(p: float, adjusted: float) -> Difference:
        return Difference(
            metric="m", measured_in="%", a="a", b="b", value=1.0, low=0.0, high=2.0, se=0.5, p=p,
            level=0.95, n_a=1, n_b=1, n_missing=0, method="m", p_adjusted=adjusted, family=2,
        )  # fmt: skip

    found = multiplicity({"pairs": [test(0.01, 0.02), test(0.04, 0.06)], "others": []})
    assert found.fired
    assert "pairs: 2 tests, 2 of them clear by the raw p, 1 after Holm's" in found.text
    assert "others: none" in found.text
    assert not multiplicity({"one": [test(0.01, 0.01)]}).fired


def test_nonresponse_compares_first_surveys_not_long_with_short_relationships():
    study = firms.sample()
    found = cx.nonresponse(study)
    frame = found.frame.set_index("trait")
    assert len(frame) == 4
    assert found.asked + found.never_asked == len(study.customers)
    left = frame.loc["left within 12 months (%)"]
    assert left["difference"] < 0, "who is already leaving answers less: planted"
    responses, customers = study.responses, study.customers
    merged = responses.merge(customers, on="customer")
    during = merged["end"].isna() | (merged["asked_on"] < merged["end"])
    first = merged[during & (merged["asked_on"] >= merged["start"])]
    first = first.sort_values("asked_on", kind="stable").drop_duplicates("customer")
    value = first["value"]
    spoke = value[first["answered_on"].notna()]
    want = (spoke.mean() - value.mean()) / value.std()
    assert frame.loc["value (EUR)", "difference"] == pytest.approx(want, abs=1e-12)
    assert f"{found.asked:,}" in found.sentence
    # more than chance (0.025 and more), and yet under a tenth of a standard deviation
    assert not found.guard.fired
    assert "left within 12 months (%) −0.09" in found.sentence
    assert "differ from all asked by more than chance would give, but by no more than 0.1" in (
        found.sentence
    )


def test_nonresponse_that_chance_could_give_is_called_so(monkeypatch):
    study = cx.sample_study()
    responses = study.responses
    lot = np.random.default_rng(7).random(len(responses)) < 0.5
    responses["answered_on"] = responses["asked_on"].where(lot)
    monkeypatch.setitem(study.frames, "responses", responses)
    found = cx.nonresponse(study)
    assert (found.frame["difference"].abs() <= found.frame["by_chance"]).all()
    assert "cannot be told from chance" in found.sentence


def test_nonresponse_that_is_large_fires_and_names_the_trait(monkeypatch):
    study = firms.sample()
    responses = study.responses
    rich = study.customers.set_index("customer")["value"].gt(1500)
    quiet = responses["customer"].map(rich).fillna(value=False).astype(bool)
    responses.loc[quiet, "answered_on"] = pd.NaT
    monkeypatch.setitem(study.frames, "responses", responses)
    found = cx.nonresponse(study)
    assert found.guard.fired
    assert "value (EUR)" in found.guard.text.split("differ from all asked: ")[1]


def test_nonresponse_refuses_what_cannot_be_seen(monkeypatch):
    study = firms.sample()
    responses = study.responses
    answered = responses[responses["answered_on"].notna()]
    monkeypatch.setitem(study.frames, "responses", answered)
    with pytest.raises(QuestionError, match="answered surveys only"):
        cx.nonresponse(study)
    monkeypatch.delitem(study.frames, "responses")
    with pytest.raises(MissingTableError, match="responses"):
        cx.nonresponse(study)


def test_nonresponse_of_a_shop_gives_numbers_or_dashes():
    found = cx.nonresponse(cx.open_study(firms.shop() / "study.yml"))
    assert "nan" not in found.sentence.lower()
    assert "nan" not in str(found.table).lower()
    left = found.frame[found.frame["trait"].str.startswith("left")].iloc[0]
    assert found.table.shown["All asked"].tolist()[-1] == "–"
    assert np.isnan(left["answered"])
    assert "it would tell of fewer than 5" in found.table.caption


#: Customers by their days of leaving; "" is still here. All joined and answered on the same days.
SCORED = {
    "answers on the day of leaving": "2024-03-01",
    "leaves on the landmark": "2024-05-30",
    "leaves the day after": "2024-05-31",
    "stays": "",
}
CONTRACT = """
study: x
as_of: 2025-12-31
customers: {file: c.csv, customer: customer, start: start, end: end}
responses: {file: r.csv, customer: customer, answered_on: answered_on, nps: nps}
"""


def test_the_day_of_leaving_and_the_day_of_the_landmark_are_on_the_right_side() -> None:
    left = pd.to_datetime(pd.Series(list(SCORED.values())), format="ISO8601")
    customers = pd.DataFrame({"customer": list(SCORED), "start": pd.Timestamp("2024-01-01")})
    frames = {
        "customers": customers.assign(end=left),
        "responses": pd.DataFrame(
            {"customer": list(SCORED), "answered_on": pd.Timestamp("2024-03-01"), "nps": 9}
        ),
    }
    study = Study(contract=parse_contract(CONTRACT), findings=(), sources=(), frames=frames)
    clock = wind(study, bands=bands_of(study, "nps"), gap=90)
    assert clock.spells["customer"].tolist() == ["leaves the day after", "stays"]
    assert clock.count("only scores outside the relationship") == 1
    assert clock.count("left within the gap") == 1
    ungapped = wind(study, bands=bands_of(study, "nps"), gap=0)
    assert ungapped.spells["customer"].tolist() == list(SCORED)[1:]

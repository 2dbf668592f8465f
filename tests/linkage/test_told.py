"""What is said of a figure is what the figure shows: wording by the interval, and no more."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import cxkit as cx
from cxkit.disclosure import Policy
from cxkit.linkage import items, measure, order, wording
from cxkit.linkage.pairs import pair
from cxkit.linkage.robust import adjusted
from cxkit.linkage.rungs import agreement, ladder
from cxkit.linkage.waves import spans, uneven
from tests.handmade import linked, opened
from tests.linkage.test_edges import firm
from tests.linkage.test_mixtures import QUARTERS, mixture


def guard(result: object, kind: str) -> object:
    (found,) = [g for g in result.answer.guards if g.kind == kind]
    return found


@pytest.mark.parametrize(
    ("verdict", "p"), [("engagement precedes", (0.01, 0.4)), ("experience precedes", (0.4, 0.01))]
)
def test_a_lag_that_cannot_be_told_is_not_said_to_be_absent(verdict, p):
    rows = pd.DataFrame(
        {
            "lag": ["engagement, then experience", "experience, then engagement"],
            "value": [0.2, 0.2],
            "low": [-0.1, -0.1],
            "high": [0.5, 0.5],
            "p_adjusted": p,
            "n": 60,
        }
    )
    assert order.verdict_of(rows, 0.05) == verdict
    said = order.sentence(verdict, rows, waves=4, proper=True)
    assert "the other way round cannot be told from zero" in said
    assert "intervals each by itself" in said


@pytest.mark.parametrize(
    ("answered", "verdict", "said"),
    [
        (10, "limits", "most employees did not"),
        (50, "limits", "is open"),
        (90, "holds", "at least"),
    ],
)
def test_participation_is_told_by_its_interval(tmp_path, answered, verdict, said):
    pairs = pair(firm(tmp_path, units=12), measure="")
    took = cx.participation([True, False], counts=[answered, 100 - answered])
    r = cx.correlation(pairs.units["engagement"], pairs.units["experience"])
    steps = ladder(
        pairs, pairs.units, r=r, true=None, iccs={}, agreed=agreement(pairs, Policy()), took=took,
        policy=Policy(), hushed="", level=0.95,
    )  # fmt: skip
    rung = steps.set_index("rung").loc["participation"]
    assert rung["verdict"] == verdict
    assert said in rung["reason"]


def test_agreement_that_nobody_can_show_is_not_called_low(tmp_path):
    result = cx.linkage_answer(firm(tmp_path, units=12, staff=1))
    rung = result.ladder.frame.set_index("rung").loc["agreement within units, rwg(j)"]
    assert (rung["figure"], rung["verdict"]) == ("–", "not known")
    assert "no unit has two people" in rung["reason"]
    assert "no unit has two people" in result.agreement.caption


@pytest.mark.parametrize(
    ("staff", "told"), [({"B00": 2}, False), ({"B00": 12}, True), ({"B00": 4, "B01": 12}, False)]
)
def test_agreement_of_few_people_is_withheld(tmp_path, staff, told):
    """All other branches have one employee each: the medians are of those with several."""

    def bend(_, tables):
        asked = tables["engagement"]
        rank = asked["branch"].map(asked.groupby("branch")["who"].unique())
        place = [list(people).index(w) for people, w in zip(rank, asked["who"], strict=True)]
        most = asked["branch"].map(staff).fillna(1)
        tables["engagement"] = asked[np.array(place) < most.to_numpy()]

    row = cx.linkage_answer(opened(tmp_path, bend)).agreement.frame.iloc[0]
    assert row["units"] == len(staff)
    assert row[["median", "share", "skewed", "away"]].notna().tolist() == [told] * 4
    assert (row["reason"] == "") is told


def test_items_that_no_correlation_could_be_computed_for_are_not_said_to_have_no_link(tmp_path):
    said = str(cx.linkage_answer(firm(tmp_path, units=3)).items_said)
    assert "cannot be told" in said
    assert "goes with" not in said
    links = pd.DataFrame(
        {
            "item": ["a", "b"],
            "value": [0.1, None],
            "p": [0.5, None],
            "told": False,
            "reason": ["", "One side is flat."],
        }
    )
    assert items.sentence(links).startswith("Of 1 item, none")


def test_a_mixture_s_guard_names_the_waves_that_were_there(tmp_path):
    result = cx.linkage_answer(opened(tmp_path, mixture("engagement", QUARTERS[:2])))
    told = guard(result, "answers outside the waves")
    assert told.fired
    assert "no wave of the scores of engagement" in told.text
    never = cx.linkage_answer(opened(tmp_path, mixture("engagement", ["2019Q1", "2019Q2"])))
    assert "in a wave of the scores of engagement (2019Q1 to 2019Q2)" in str(never.direction)


def test_a_wave_missing_between_others_is_told(tmp_path):
    def bend(_, tables):
        asked = tables["engagement"]
        tables["engagement"] = asked[asked["wave"] != "2024Q3"]

    assert not guard(linked(), "waves apart").fired
    told = guard(cx.linkage_answer(opened(tmp_path, bend)), "waves apart")
    assert told.fired
    assert "3 to 6 months, the longer ones 2024Q2 to 2024Q4" in told.text
    assert uneven(spans(["2021H1", "2022H1", "2023H1"])) == ""
    assert uneven(spans(["first", "second", "third"])) == ""


def test_a_common_source_is_said_under_every_figure(tmp_path):
    said = "The same people rated both sides, which by itself makes them go together."
    for raters in ("same people", "different people"):

        def bend(spec, _, raters=raters):
            spec["engagement"].update(raters=raters)

        result = cx.linkage_answer(opened(tmp_path, bend))
        for draw in (cx.figures.scatter, cx.figures.lags, cx.figures.published, cx.figures.plane):
            assert (said in draw(result).caption) is (raters == "same people"), draw


def estimate(value: float, low: float, high: float) -> object:
    made = cx.correlation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])
    return replace(made, value=value, low=low, high=high)


def test_the_width_of_an_interval_is_that_of_the_limits_beside_it():
    steps = pd.DataFrame({"verdict": ["holds"]})
    told = wording.how_sure(estimate(0.43, 0.2749, 0.5651), steps)  # shown as 0.27 to 0.57
    assert "Its interval is 0.30 wide" in told


def test_a_correction_tells_no_more_than_the_raw_r():
    raw, true = estimate(0.2, -0.02, 0.41), estimate(0.36, 0.02, 0.77)
    assert "adds no evidence" in wording.corrected(raw, true)
    assert "adds no evidence" not in wording.corrected(estimate(0.2, 0.01, 0.4), true)
    pairs = SimpleNamespace(units=None, attributes=None, waves=pd.DataFrame(), perceived=None)
    units = pd.DataFrame({"engagement": [1.0, 2, 3, 4], "experience": [2.0, 1, 4, 3],
                          "n_employees": 20, "n_customers": 20})  # fmt: skip
    for first, verdict in ((raw, "limits"), (true, "holds")):
        steps = ladder(
            pairs, units, r=first, true=true, iccs={}, agreed=pd.DataFrame(), took=None,
            policy=Policy(), hushed="", level=0.95,
        )  # fmt: skip
        rung = steps.set_index("rung").loc["corrected for unreliability"]
        assert rung["verdict"] == verdict


def test_a_correction_whose_interval_is_everything_tells_nothing():
    assert "tells nothing" in wording.corrected(estimate(0.2, -0.1, 0.5), estimate(1.0, -1, 1))
    assert "tells nothing" not in wording.corrected(estimate(0.2, -0.1, 0.5), estimate(1, -0.9, 1))


@pytest.mark.parametrize("several", [False, True])
def test_what_is_held_equal_is_the_partial_correlation_of_statsmodels(several):
    """From the t of least squares: r = t / sqrt(t^2 + df)."""
    rng = np.random.default_rng(5)
    place = np.repeat(["North", "South", "West"], 14)
    level = pd.Series(place).map({"North": 0.0, "South": 1.5, "West": 3.0}).to_numpy()
    names = [f"u{i}" for i in range(42)]
    x = level + rng.normal(size=42)
    y = 2 * level - 0.4 * x + rng.normal(size=42)
    units = pd.DataFrame({"unit": names, "engagement": x, "experience": y})
    attributes = pd.DataFrame({"unit": names, "region": place})
    waves = pd.DataFrame(columns=["unit", "wave", "engagement", "experience"])
    if several:
        parts = [
            units.assign(wave=w, engagement=x + i, experience=y + 5 * i)
            for i, w in enumerate(("2023", "2024", "2025"))
        ]
        late = parts[2].iloc[::2]  # a unit seen in a good wave is not a good one
        waves = pd.concat([parts[0], parts[1], late])
        units = waves.groupby("unit", sort=False)[["engagement", "experience"]].mean().reset_index()
        means = waves.groupby("wave")[["engagement", "experience"]].transform("mean")
        apart = waves[["engagement", "experience"]] - means
        x, y = (apart[s].groupby(waves["unit"]).mean()[names].to_numpy() for s in apart)
    held, found = adjusted(units, attributes, waves, level=0.95)
    dummies = pd.get_dummies(pd.Series(place), drop_first=True).to_numpy(float)
    fit = sm.OLS(y, sm.add_constant(np.column_stack([x, dummies]))).fit()
    t = float(fit.tvalues[1])
    assert held == (["region", "wave"] if several else ["region"])
    assert found.value == pytest.approx(t / math.sqrt(t * t + fit.df_resid), rel=1e-9)
    reach = 1.959963984540054 / math.sqrt(42 - 3 - 2)
    assert math.atanh(found.high) - math.atanh(found.value) == pytest.approx(reach)
    raw = cx.correlation(units["engagement"], units["experience"]).value
    assert raw > 0 > found.value


def test_each_group_of_items_is_measured_by_its_own_items(tmp_path):
    def bend(spec, _):
        for q, group in (("q1", "engaged"), ("q2", "engaged"), ("q3", "trained")):
            spec["engagement"]["items"][q]["group"] = group

    study = opened(tmp_path, bend)
    frame = cx.linkage_answer(study).measured.frame
    last = study.engagement[study.engagement["wave"] == "2024Q4"]
    favoured = frame[frame["metric"].str.startswith("Favour")].set_index("group")["value"]
    for group, names in {
        "all items": ["q1", "q2", "q3"], "engaged": ["q1", "q2"], "trained": ["q3"],
    }.items():  # fmt: skip
        assert favoured[group] == pytest.approx(100 * (last[names] >= 4).to_numpy().mean()), group
    two = last[["q1", "q2"]]
    alpha = 2 * (1 - two.var().sum() / two.sum(axis=1).var())
    rows = frame[frame["metric"].str.contains("alpha")].set_index("group")["value"]
    assert rows["engaged"] == pytest.approx(alpha)
    assert "trained" not in rows


@pytest.mark.parametrize(("people", "status"), [(3, "no data"), (4, "ok")])
def test_what_moved_among_a_handful_is_withheld(people, status):
    """Three units of three employees are nine people, of four they are twelve."""
    waves = pd.DataFrame(
        {
            "unit": ["a", "b", "c"] * 2,
            "wave": ["2024"] * 3 + ["2025"] * 3,
            "engagement": [3.0, 3.2, 3.1, 3.3, 3.4, 3.6],
            "n_employees": [people] * 6,
        }
    )
    moved = measure.change(waves, "engagement", Policy())
    assert moved.status == status
    assert ("fewer than 10 employees" in moved.reason) is (status == "no data")
    assert measure.change(waves.drop(columns="n_employees"), "engagement", Policy()).ok

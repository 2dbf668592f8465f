"""The sections beside the answer: models, dose, groups, turns, months apart, reasons."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import QuestionError
from cxkit.retention import (
    apart,
    comparisons,
    exposure,
    models,
    proportional,
    reasons,
    segments,
    shape,
    tenure,
)
from cxkit.retention import turns as turned
from cxkit.retention.landmarked import landmarked
from cxkit.retention.monthly import discrete_hazard, months_of, retention_difference
from cxkit.simulate.truth import read_truth
from tests import firms
from tests.test_sentences import difference, estimate, said

if TYPE_CHECKING:
    from cxkit.results import Difference, Estimate

SECTIONS = (
    "comparisons",
    "dose",
    "effect_by_model",
    "effect_by_segment",
    "effect_by_tenure",
    "leaving_by_reason",
    "losses_and_gains",
    "months_apart",
)


@pytest.fixture(scope="module")
def sample() -> object:
    return firms.sample()


@pytest.fixture(scope="module")
def truth() -> dict:
    from pathlib import Path

    return read_truth(Path(cx.__file__).parents[1] / "data" / "sample")


@pytest.mark.parametrize("name", SECTIONS)
def test_a_shop_of_sixty_gets_reasons_and_never_nan(name):
    found = getattr(cx, name)(cx.open_study(firms.shop() / "study.yml"))
    text = f"{found.table} {found.sentence} {' '.join(g.text for g in found.guards)}"
    assert "nan" not in text.lower().split()
    assert "None" not in text
    assert "cannot be told" in found.sentence or found.reason


@cache
def of_sample(name: str) -> object:
    """Return a section of the sample, asked once; it must leave the frames as they were."""
    study = firms.sample()
    before = {t: f.copy() for t, f in study.frames.items()}
    found = getattr(cx, name)(study)
    for table, frame in before.items():
        pd.testing.assert_frame_equal(frame, study.frames[table])
    return found


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_says_its_n_and_keeps_its_inputs(name):
    found = of_sample(name)
    assert found.guards
    assert found.table.caption
    assert not found.table.shown.isin(["nan", "None"]).any().any()


def test_every_model_holds_the_planted_ratio(sample, truth):
    wide = cx.effect_by_model(sample, level=0.99)  # one sample, five intervals: at 99 %
    planted = 1 / truth["hazard_ratio"]["poor_against_good"]
    hazards = wide.frame[wide.frame["kind"] == "hazard ratio"]
    assert len(hazards) == 4
    assert ((hazards["low"] < planted) & (planted < hazards["high"])).all()
    points = truth["retention"]["answered"]["landmark_before_as_of"]["effect"]["good_minus_poor"]
    for d in wide.effects.values():
        assert d.low < points < d.high
    found = of_sample("effect_by_model")
    answer = firms.kept().effect
    assert found.effects["cloglog"].value == pytest.approx(answer.value, abs=1e-9)
    assert found.effects["cloglog"].low == pytest.approx(answer.low, abs=1e-9)
    assert found.fades.low < 1 < found.fades.high, "the planted ratio is the same early and late"
    assert "cannot be told" in found.proportional


def test_a_ratio_that_fades_is_seen():
    rng = np.random.default_rng(4)
    n = 4000
    good = rng.integers(0, 2, n)
    early = rng.exponential(1 / np.where(good, 0.01, 0.08))
    life = np.where(early < 6, early, 6 + rng.exponential(1 / 0.05, n))
    end = np.minimum(life, 30)
    rows = pd.DataFrame(
        {
            "start": 0,
            "stop": np.floor(end).astype(int) + (life < 30),
            "left": life < 30,
            "state": np.where(good, "good", "poor"),
        }
    )
    cells = cx.count_months(rows[rows["stop"] > 0], ["state"])
    cells["state"] = pd.Categorical(cells["state"], ["poor", "good"])
    fades, at6, at36 = proportional.over_time(cells, [], "good", 0.95, n=n)
    assert fades.low > 1
    assert at6.value < at36.value
    assert "rises" in proportional.proportion(fades, at6, at36, "good", "poor")


@pytest.mark.parametrize("link", ["cloglog", "logit"])
def test_the_difference_in_points_and_its_error_by_hand(link):
    basis = landmarked(firms.study(1.0), measure="nps", horizon=6, gap=90, level=0.95)
    keys = ["band", "tenure_band"]
    model = discrete_hazard(basis.counts(keys), covariates=keys, link=link)
    people = basis.people(keys)
    names = (basis.high, basis.low)
    d = retention_difference(
        model, people, column="band", a=names[0], b=names[1], horizon=6, names=names
    )

    def points(b: np.ndarray) -> float:
        """Return the difference for other coefficients."""
        from cxkit.retention.monthly import design

        kept = []
        for band in names:
            x = design(months_of(people.assign(band=band), 6), model.terms) @ b
            h = -np.expm1(-np.exp(x)) if link == "cloglog" else 1 / (1 + np.exp(-x))
            each = np.prod(1 - h.reshape(-1, 6), axis=1)
            kept.append(np.average(each, weights=people["n"]))
        return 100 * (kept[0] - kept[1])

    b = model.coefficients
    assert d.value == pytest.approx(points(b), abs=1e-9)
    step = 1e-6
    slope = np.array(
        [(points(b + step * e) - points(b - step * e)) / (2 * step) for e in np.eye(len(b))]
    )
    assert d.se == pytest.approx(np.sqrt(slope @ model.covariance @ slope), rel=1e-5)


def test_the_curve_of_the_dose_holds_the_bands_and_bends_as_planted(truth):
    found = of_sample("dose")
    assert found.scores["score"].tolist() == list(range(11))
    assert found.bands["value"].is_monotonic_increasing
    for row in found.bands.itertuples():
        inside = found.scores[found.scores["score"].between(row.from_score, row.to_score)]
        assert inside["value"].min() - 4 < row.value < inside["value"].max() + 4
    assert found.difference.direction == "higher"


def test_restricted_cubic_spline_is_straight_beyond_its_knots():
    x = np.linspace(-5, 15, 81)
    basis = shape.spline(x, [2, 5, 8, 9])
    assert basis.shape == (81, 2)
    outside = basis[(x > 9)]
    np.testing.assert_allclose(np.diff(outside, n=2, axis=0), 0, atol=1e-9)
    assert (basis[x <= 2] == 0).all()


def test_spline_spans_the_natural_splines_of_scipy():
    from scipy.interpolate import CubicSpline

    knots = np.array([1.0, 4.0, 7.0, 9.0])
    x = np.linspace(1, 9, 50)
    columns = np.column_stack([np.ones(50), x, shape.spline(x, list(knots))])
    for values in np.eye(4):
        natural = CubicSpline(knots, values, bc_type="natural")(x)
        fitted = columns @ np.linalg.lstsq(columns, natural, rcond=None)[0]
        np.testing.assert_allclose(fitted, natural, atol=1e-9)


def test_coinciding_knots_are_spread_or_given_up():
    assert shape.knots_of(np.array([9.0] * 60 + [10.0] * 40), 4) == []
    found = shape.knots_of(np.array([10.0] * 90 + list(range(10))), 4)
    assert len(found) == 4
    assert found == sorted(set(found))


def test_segments_held_equal_and_one_by_one():
    found = of_sample("effect_by_segment")
    by_hand = found.frame[found.frame["by"] == "plan"]
    weights = by_hand["n"] / by_hand["n"].sum()
    within = found.effects["within plan"]
    assert within.value == pytest.approx(float(weights @ by_hand["value"]))
    assert found.frame["n"].groupby(found.frame["by"]).sum().nunique() == 1
    assert (found.frame["p_adjusted"] >= found.frame["p"]).all()
    assert "All say" in found.sentence


def test_a_reversal_fires():
    one = {"value": 5.0, "low": 1.0, "high": 9.0}
    other = {"value": -4.0, "low": -8.0, "high": -1.0}
    rng = np.random.default_rng(0)
    base = difference(rng)
    import dataclasses

    effects = {
        "adjusted": dataclasses.replace(base, **other),
        "crude": dataclasses.replace(base, **one),
        "within region": dataclasses.replace(base, **other),
    }
    assert segments._reversal(effects).fired
    assert "do not agree" in segments.segment_sentence(effects, horizon=12)


def test_losses_against_gains_where_losses_are_planted_to_weigh_more():
    rng = np.random.default_rng(9)
    n = 12000
    first = rng.integers(3, 8, n)
    change = rng.integers(-3, 4, n)
    log_rate = np.log(0.03) + 0.25 * np.clip(-change, 0, None) - 0.05 * np.clip(change, 0, None)
    life = rng.exponential(1 / np.exp(log_rate))
    rows = pd.DataFrame(
        {
            "start": 0,
            "stop": np.minimum(np.floor(life), 12 - (life < 12)).astype(int) + (life < 12),
            "left": life < 12,
            "lost": np.clip(-change, 0, None).astype(float),
            "gained": np.clip(change, 0, None).astype(float),
            "first": first.astype(float),
        }
    )
    cells = cx.count_months(rows[rows["stop"] > 0], ["lost", "gained", "first"])
    model = cx.discrete_hazard(cells, covariates=["lost", "gained", "first"])
    at = {
        name: model.contrast(w, metric=name, n=n)
        for name, w in {
            "loss": {("lost", None): 2.0},
            "gain": {("gained", None): 2.0},
            "balance": {("lost", None): 2.0, ("gained", None): 2.0},
        }.items()
    }
    assert at["loss"].low < np.exp(0.5) < at["loss"].high
    assert at["gain"].low < np.exp(-0.1) < at["gain"].high
    assert at["balance"].low > 1
    told = turned.sentence(at["loss"], at["gain"], at["balance"], size=2)
    assert "Losses weigh more than gains" in told


def test_who_scored_twice_starts_after_the_second_landmark(sample):
    from cxkit.retention.clock import bands_of

    rows = turned.scored_twice(sample, bands_of(sample, "nps"), horizon=12, gap=90)
    assert not rows["customer"].duplicated().any()
    assert ((rows["end"] > rows["landmark"]) | rows["end"].isna()).all()
    assert (rows["landmark"] < sample.as_of).all()
    assert ((rows["lost"] == 0) | (rows["gained"] == 0)).all()
    second = rows["first"] + rows["gained"] - rows["lost"]
    assert (second == rows["nps"]).all()


def test_months_apart_agree_with_the_areas_and_turn_round(sample):
    found = of_sample("months_apart")
    area = {}
    for band, rows in found.curves.groupby("band", observed=True):
        own = rows[rows["time"] < 12]
        steps = np.diff(np.append(own["time"], 12.0))
        area[band] = float((own["survival"] * steps).sum())
    d = found.widest
    assert d.value == pytest.approx(area[d.a] - area[d.b], abs=1e-9)
    assert (found.frame["p_adjusted"] >= found.frame["p"]).all()
    assert found.frame["family"].tolist() == [3, 3, 3]
    test = cx.logrank([1, 2, 3, 4], [1, 1, 1, 0], list("aabb"))
    assert test.p is not None


def test_since_joining_customers_enter_late(sample):
    found = cx.months_apart(sample, origin="joining")
    assert found.begins > 0
    first = found.curves.groupby("band", observed=True)["at_risk"].max()
    assert first.min() >= apart.ENOUGH
    assert "since joining" in found.sentence


def test_a_horizon_beyond_the_data_is_cut_and_said_or_refused(sample):
    cut = cx.months_apart(sample, horizon=120)
    assert cut.horizon < 120
    assert any(g.fired for g in cut.guards)
    for name in ("dose", "effect_by_model"):
        with pytest.raises(QuestionError, match="shorter horizon"):
            getattr(cx, name)(sample, horizon=120)


def test_reasons_add_up_to_everybody_who_left(sample):
    from cxkit.retention.clock import bands_of, wind

    found = of_sample("leaving_by_reason")
    spells = wind(sample, bands=bands_of(sample, "nps"), gap=90).spells
    for band, rows in found.frame.groupby("band"):
        own = spells[spells["band"] == band]
        curve = cx.kaplan_meier(own["months"], own["left"])
        left = 100 - cx.km_at(curve, 12).value
        assert rows["value"].sum() == pytest.approx(left, abs=1e-9)
    assert found.differences["service"].direction == "lower"
    (guard,) = [g for g in found.guards if g.kind == "competing reasons"]
    assert guard.fired
    together = sum(found.naive.values())
    assert together > 100 * (spells["left"] & (spells["months"] <= 12)).mean()


def test_a_study_without_reasons_is_told_the_line_to_write(sample):
    import dataclasses

    frames = {**sample.frames, "customers": sample.customers.drop(columns="end_reason")}
    found = cx.leaving_by_reason(dataclasses.replace(sample, frames=frames))
    assert "end_reason: COLUMN" in found.sentence
    assert found.frame.empty


def test_tenure_groups_hold_the_constant_ratio(sample):
    found = of_sample("effect_by_tenure")
    assert found.differ_p["time with the firm"] > 0.05, "the planted ratio is the same"
    assert found.frame["n"].sum() == len(
        landmarked(sample, measure="nps", horizon=12, gap=90, level=0.95).spells
    )
    assert "not shown" in found.sentence


def test_opposite_firms_get_opposite_sections():
    for name, words in (
        ("effect_by_model", ("leave less often", "leave more often")),
        ("effect_by_segment", ("stay longer", "leave earlier")),
        ("months_apart", ("longer than", "shorter than")),
    ):
        there = [getattr(cx, name)(firms.study(e)).sentence for e in (1.0, -1.0)]
        assert words[0] in there[0]
        assert words[1] in there[1]


@pytest.fixture(params=range(50))
def rng(request) -> np.random.Generator:
    return np.random.default_rng(request.param)


def ratio_of(rng: np.random.Generator) -> Estimate:
    """Return a random ratio whose interval may lie anywhere."""
    return estimate(rng, "ratio", 0.2, 2.5)


def branch(e: Estimate) -> str:
    """Return which way an interval of a ratio lies."""
    return "below" if e.high < 1 else "above" if e.low > 1 else "neither"


def all_said(text: str, e: Estimate | Difference, decimals: int) -> bool:
    """Tell whether a text holds an estimate and its limits."""
    return all(said(text, v, decimals) for v in (e.value, e.low, e.high))


def test_fifty_ratios_through_the_sentences(rng):
    own, other, third = (ratio_of(rng) for _ in range(3))
    text = comparisons.sentence(own, other, high="high", low="low", gap=90)
    assert "every length" not in text, "one ratio, averaged, is not one of each length of time"
    assert ("less often than" in text and "cannot" not in text) == (branch(own) == "below")
    assert ("leave more often than" in text) == (branch(own) == "above")
    assert ("cannot be told" in text) == (branch(own) == "neither")
    assert all_said(text, own, 2)
    assert said(text, own.n, 0)
    assert said(text, other.value, 2)
    text = exposure.sentence(other, own)
    assert ("exposed leave less often" in text) == (branch(own) == "below")
    assert ("exposed leave more often" in text) == (branch(own) == "above")
    assert all_said(text, own, 2)
    text = proportional.proportion(own, other, third, "high", "low")
    assert ("falls" in text) == (branch(own) == "below")
    assert ("rises" in text) == (branch(own) == "above")
    assert all_said(text, other, 2)
    assert all_said(text, third, 2)
    text = turned.sentence(other, third, own, size=2.0)
    assert ("Gains weigh more" in text) == (branch(own) == "below")
    assert ("Losses weigh more" in text) == (branch(own) == "above")
    assert all(all_said(text, e, 2) for e in (own, other, third))


def test_fifty_differences_through_the_sentences(rng):
    d, other, third = (difference(rng) for _ in range(3))
    p = float(rng.uniform(0, 0.2))
    text = shape.sentence(d, p, horizon=12)
    assert (" higher with" in text) == (d.direction == "higher")
    assert (" lower with" in text) == (d.direction == "lower")
    assert ("cannot be told" in text) == (d.direction == "cannot be told")
    assert ("The line bends" in text) == (p < 0.05)
    assert said(text, d.low, 1)
    assert said(text, d.high, 1)
    effects = {"under 1 year": d, "over 3 years": other}
    text = tenure.tenure_sentence(effects, p, horizon=12, level=0.95)
    assert ("not shown" in text) == (p >= 0.05)
    assert all(all_said(text, e, 1) for e in (d, other))
    effects = {"crude": d, "adjusted": other, "within region": third}
    text = segments.segment_sentence(effects, horizon=12)
    ways = {e.direction for e in effects.values()}
    assert ("stay longer" in text) == (ways == {"higher"})
    assert ("leave earlier" in text) == (ways == {"lower"})
    assert ("By none" in text) == (ways == {"cannot be told"})
    assert ("do not agree" in text) == (len(ways) > 1)
    assert all(all_said(text, e, 1) for e in effects.values())
    months = difference(rng, "months")
    text = apart.sentence(months, 12, "from the landmark")
    assert (" longer than" in text and "Whether" not in text) == (months.direction == "higher")
    assert (" shorter than" in text) == (months.direction == "lower")
    assert ("cannot be told" in text) == (months.direction == "cannot be told")
    assert said(text, months.low, 1)
    assert said(text, months.high, 1)
    text = reasons.sentence({"price": d, "moved": other}, 12)
    assert ("leave less often" in text) == ("lower" in {d.direction, other.direction})
    assert ("leave more often" in text) == ("higher" in {d.direction, other.direction})
    assert all(all_said(text, e, 1) for e in (d, other))


def test_fifty_families_of_models(rng):
    found = [ratio_of(rng) for _ in range(4)]
    frame = pd.DataFrame([{"value": e.value, "low": e.low, "high": e.high} for e in found])
    effects = {"a": difference(rng), "b": difference(rng)}
    text = models.sentence(frame, effects, "high", "low", 12)
    ways = {branch(e) for e in found}
    assert ("All 4 models say that high leave less" in text) == (ways == {"below"})
    assert ("All 4 models say that high leave more" in text) == (ways == {"above"})
    assert ("In none of 4" in text) == (ways == {"neither"})
    assert said(text, frame["value"].min(), 2)
    assert said(text, frame["value"].max(), 2)


def test_one_month_is_fitted_exactly_and_without_a_warning():
    """As many patterns as terms: the share that left is the share that the model gives."""
    cells = pd.DataFrame(
        {"band": ["poor", "good"], "month": 1, "at_risk": [200, 300], "exits": [30, 20]}
    )
    model = discrete_hazard(cells, covariates=["band"])
    ratio = np.log(1 - 30 / 200) / np.log(1 - 20 / 300)
    assert model.ratio("band", "poor", n=500).value == pytest.approx(ratio)

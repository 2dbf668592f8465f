"""What a better experience is worth: what was planted, parts that add up, three sentences."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import QuestionError
from cxkit.results import Estimate
from cxkit.retention import moved
from cxkit.retention import worth_wording as wording
from cxkit.retention.clock import bands_of, wind, with_segments
from cxkit.retention.hazard import fit
from tests import firms
from tests.verify import worth_coverage


@pytest.fixture(scope="module")
def sample():
    return cx.worth_of_experience(firms.sample())


@cache
def of_firm(effect: float) -> object:
    return cx.worth_of_experience(firms.study(effect))


@pytest.mark.parametrize("effect", [1.0, 0.0, -1.0])
def test_the_interval_holds_what_was_planted(effect):
    assert worth_coverage.held(3, effect)


def test_effects_of_three_signs_give_three_sentences():
    found = {e: of_firm(e) for e in (1.0, 0.0, -1.0)}
    assert "more of them" in found[1.0].sentence
    assert "cannot be told" in found[0.0].sentence
    assert "fewer of them" in found[-1.0].sentence
    assert found[0.0].e_value.limit == 1
    fired = {e: {g.kind for g in w.guards if g.fired} for e, w in found.items()}
    assert "unmeasured causes" in fired[0.0]
    assert "unmeasured causes" not in fired[1.0]
    assert found[1.0].risk_ratio.high < 1 < found[-1.0].risk_ratio.low


def test_the_parts_add_up_and_the_ratio_is_that_of_the_table(sample):
    frame = sample.touchpoints
    parts, whole = frame.iloc[:-1], frame.iloc[-1]
    for column in ("below", "kept", "revenue"):
        assert parts[column].sum() == pytest.approx(whole[column], rel=1e-9)
    assert whole["kept"] == pytest.approx(sample.kept.value)
    assert whole["below"] == sample.n_below == sample.kept.n
    assert sample.risk_ratio.value == pytest.approx(whole["left_then"] / whole["left_now"])
    kept = whole["below"] * (whole["left_now"] - whole["left_then"]) / 100
    assert kept == pytest.approx(sample.kept.value, rel=1e-9)
    per = sample.n_below * sample.points
    assert sample.break_even.value == pytest.approx(sample.revenue.value / per)
    again = cx.e_value(
        sample.risk_ratio.value, low=sample.risk_ratio.low, high=sample.risk_ratio.high
    )
    assert again == sample.e_value


def test_one_by_one_is_what_the_hazard_averages():
    study = firms.study(1.0)
    spells = with_segments(wind(study, bands=bands_of(study, "nps"), gap=90).spells, study)
    adjust = ["tenure_band", *[c for c in spells if c.startswith("held: ")]]
    model = fit(spells, horizon=12, adjust=adjust, level=0.95)
    good, poor = model.bands[-1], model.bands[0]
    b = model.coefficients[None, :]
    there, back = (
        moved.retained_in(model, spells, pd.Series(band, index=spells.index), b)
        for band in (good, poor)
    )
    assert 100 * (there - back).mean() == pytest.approx(model.effect(good, poor).value, abs=1e-8)


def test_a_bootstrap_with_new_fits_agrees_with_the_joint_draws(monkeypatch):
    monkeypatch.setattr(moved, "SAMPLES", 12)
    quick, full = of_firm(1.0), cx.worth_of_experience(firms.study(1.0), depth="full")
    assert full.kept.value == quick.kept.value
    # 12 samples give a standard error to within some two fifths
    assert full.kept.se == pytest.approx(quick.kept.se, rel=0.6)
    assert "bootstrap" in full.kept.method


def test_the_best_band_may_be_the_aim(sample):
    good = cx.worth_of_experience(firms.sample(), cut="good")
    assert good.n_below > sample.n_below
    assert good.kept.value > sample.kept.value
    assert "promoters" in good.above


def test_effort_on_a_scale_where_high_is_bad_counts_points_the_same_way():
    found = cx.worth_of_experience(firms.sample(), measure="ces")
    assert found.points > 0
    assert "hard" in found.below


def test_a_study_without_value_keeps_customers_and_says_what_to_write(tmp_path):
    text = (firms.folder(1.0) / "study.yml").read_text(encoding="utf-8")
    without = re.sub(r"\n  value: .*", "", text, count=1)
    for path in firms.folder(1.0).iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "study.yml").write_text(without, encoding="utf-8")
    found = cx.worth_of_experience(cx.open_study(tmp_path))
    assert found.kept.ok
    assert not found.revenue.ok
    assert not found.break_even.ok
    assert "write value:" in found.sentence
    assert "Revenue" not in str(found.table)


def test_without_touchpoints_there_is_one_row_for_all(monkeypatch):
    study = firms.sample()
    monkeypatch.setitem(study.frames, "responses", study.responses.drop(columns="touchpoint"))
    found = cx.worth_of_experience(study)
    assert len(found.touchpoints) == 2
    assert found.touchpoints["kept"].nunique() == 1


def test_refusals_say_what_to_do():
    shop = cx.open_study(firms.shop() / "study.yml")
    with pytest.raises(QuestionError, match="later data"):
        cx.worth_of_experience(shop)
    with pytest.raises(QuestionError, match="beyond the data"):
        cx.worth_of_experience(firms.sample(), horizon=60)
    with pytest.raises(QuestionError, match="not a score of this study"):
        cx.worth_of_experience(firms.sample(), measure="smiles")


def test_nothing_that_is_read_holds_nan(sample):
    read = (sample.table, sample.sentence, sample.assumptions, *(g.text for g in sample.guards))
    for part in (*read, sample.kept, sample.revenue, sample.risk_ratio, sample.break_even):
        assert "nan" not in str(part).lower()


def amount(rng: np.random.Generator, unit: str, scale: float) -> Estimate:
    value, half = rng.normal(0, scale), rng.uniform(0.1, 2) * scale
    return Estimate(
        metric="m", measured_in=unit, value=value, low=value - half, high=value + half,
        se=half / 1.96, level=0.95, n=int(rng.integers(50, 5000)), n_missing=0, method="test",
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(50))
def test_the_sentence_follows_the_interval(seed):
    rng = np.random.default_rng(seed)
    kept = amount(rng, "count", 60)
    revenue = amount(rng, "EUR a year", 40_000)
    cost = amount(rng, "EUR a year for each customer and point", 20)
    text = wording.sentence(
        kept=kept, revenue=revenue, break_even=cost, below="poor", above="good", horizon=12
    )
    assert ("more of them" in text) == (kept.low > 0)
    assert ("fewer of them" in text) == (kept.high < 0)
    assert ("cannot be told" in text) == (kept.low <= 0 <= kept.high)
    numbers = [
        float(v.replace(",", "").replace("−", "-")) for v in re.findall(r"−?[\d,.]*\d", text)
    ]

    def said(value: float, half: float) -> bool:
        return any(abs(value - n) <= half + 1e-9 for n in numbers)

    assert said(kept.value if "told" in text else abs(kept.value), 0.5)
    assert said(kept.low, 0.5)
    assert said(kept.high, 0.5)
    assert said(kept.n, 0)
    if kept.low > 0:
        assert all(said(v, 0.5) for v in (revenue.value, revenue.low, revenue.high))
        assert all(said(v, 0.005) for v in (cost.value, cost.low, cost.high))
    else:
        assert "shown to pay" in text

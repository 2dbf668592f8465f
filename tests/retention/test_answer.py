"""The retention answer: right on a planted truth, honest where it cannot be, or refused."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit import markup
from cxkit.errors import MissingTableError, QuestionError
from cxkit.retention.answer import customers_needed
from cxkit.retention.hazard import fit, person_months
from cxkit.simulate.truth import read_truth
from tests import firms

#: Rows of the comparisons: without a gap, and the answer's.
GAPS = ("each answer, ungapped", "90 days after each answer")


@pytest.fixture(scope="module")
def sample() -> object:
    return firms.kept()


def spells(seed: int, hazards: tuple[float, float], n: int = 4000) -> pd.DataFrame:
    """Customers in two bands with constant monthly hazards, censored between 6 and 24 months."""
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 2, n)
    life = rng.exponential(1 / np.array(hazards)[code])
    end = rng.uniform(6, 24, n)
    return pd.DataFrame(
        {
            "band": pd.Categorical.from_codes(code, ["poor", "good"], ordered=True),
            "months": np.minimum(life, end),
            "left": life <= end,
            "plan": rng.choice(["a", "b"], n),
        }
    )


def test_the_sample_s_interval_holds_the_planted_effect(sample):
    truth = read_truth(firms_sample())["retention"]["answered"]["landmark_before_as_of"]
    planted = truth["effect"]["good_minus_poor"]
    assert sample.effect.low < planted < sample.effect.high
    own = truth["in_band"]
    for row, band in zip(sample.groups.itertuples(), ("poor", "middling", "good"), strict=True):
        assert row.low < own[band] < row.high


def test_naive_answers_are_wrong_by_a_printed_amount(sample):
    rows = sample.more.comparisons.result.frame.set_index("comparison").to_dict("index")
    naive = rows["answered against never answered, from joining"]
    ungapped, honest = (rows[f"from {n}"] for n in GAPS)
    assert naive["high"] < 1, "the truth is 1: answering a survey changes nothing"
    truth = read_truth(firms_sample())["hazard_ratio"]["poor_against_good"]
    assert ungapped["high"] < 1 / truth, "the ungapped interval must miss the planted ratio"
    assert honest["low"] < 1 / truth < honest["high"]
    assert naive["value"] < ungapped["value"] < honest["value"] < 1
    assert markup.quantity(naive["value"], "ratio") in str(sample.usual)
    (shown,) = [g.text for g in sample.answer.guards if g.kind == "immortal time"]
    assert f"hazard ratio {markup.quantity(naive['value'], 'ratio')} " in shown


def test_every_kind_of_guard_fires_on_the_sample(sample):
    fired = {g.kind for g in sample.answer.guards if g.fired}
    branch = cx.sample_study(where="unit=" + busiest_branch())
    fired |= {g.kind for g in cx.retention_answer(branch).answer.guards if g.fired}
    assert fired == {g.kind for g in sample.answer.guards}


def test_no_effect_and_the_opposite_effect_change_the_answer():
    positive = firms.kept(1.0)
    opposite = firms.kept(-1.0)
    none = firms.kept(0.0)
    assert positive.effect.direction == "higher"
    assert opposite.effect.direction == "lower"
    assert none.effect.direction == "cannot be told"
    assert "stay longer:" in positive.answer.headline
    assert "leave earlier" in opposite.answer.headline
    assert "cannot be told" in none.answer.headline
    assert "You would need" in " ".join(none.answer.sentences)
    assert len({str(a.conclusion) for a in (positive, opposite, none)}) == 3


def test_hazard_model_gives_the_ratio_of_constant_hazards_and_its_effect():
    fitted = fit(spells(3, (0.05, 0.02)), horizon=12, adjust=["plan"], level=0.95)
    ratio = fitted.ratio("good")
    assert ratio.low < 0.4 < ratio.high
    effect = fitted.effect("good", "poor")
    planted = 100 * (np.exp(-12 * 0.02) - np.exp(-12 * 0.05))
    assert effect.low < planted < effect.high


def test_hazard_on_counts_equals_statsmodels_on_rows():
    import statsmodels.api as sm

    rows = spells(4, (0.05, 0.03), n=600)
    fitted = fit(rows, horizon=6, adjust=[], level=0.95)
    long = []
    for r in rows.itertuples():
        for month in range(1, 7):
            if r.months >= month or (r.left and month - 1 <= r.months < month):
                long.append((month, r.band == "good", r.left and month - 1 <= r.months < month))
    table = pd.DataFrame(long, columns=["month", "good", "exit"])
    x = np.column_stack(
        [table["month"].between(*span) for kind, span in fitted.terms if kind == "month"]
        + [table["good"]]
    ).astype(float)
    link = sm.families.links.CLogLog()
    plain = sm.GLM(table["exit"].astype(float), x, family=sm.families.Binomial(link=link))
    by_rows = plain.fit(tol=1e-10, maxiter=200)
    np.testing.assert_allclose(fitted.coefficients, by_rows.params, atol=1e-8)
    np.testing.assert_allclose(np.diag(fitted.covariance) ** 0.5, by_rows.bse, atol=1e-8)


def test_swapping_the_bands_turns_the_effect_round():
    fitted = fit(spells(5, (0.05, 0.02)), horizon=12, adjust=[], level=0.95)
    there, back = fitted.effect("good", "poor"), fitted.effect("poor", "good")
    assert there.value == pytest.approx(-back.value, abs=1e-12)
    assert there.low == pytest.approx(-back.high, abs=1e-12)


def test_a_month_that_was_not_followed_to_its_end_is_not_at_risk():
    rows = pd.DataFrame(
        {"band": ["x"] * 3, "months": [2.5, 2.5, 3.0], "left": [True, False, False]}
    )
    counted = person_months(rows, horizon=12, by=["band"]).set_index("month")
    assert counted["at_risk"].tolist() == [3, 3, 2]
    assert counted["exits"].tolist() == [0, 0, 1]


def test_a_shop_of_sixty_customers_gets_a_true_answer():
    result = cx.retention_answer(cx.open_study(firms.shop() / "study.yml"))
    assert "cannot be told" in result.answer.headline
    assert "You would need about" in " ".join(result.answer.sentences)
    assert "nan" not in str(result.answer).lower()
    assert any(g.fired for g in result.answer.guards if g.kind == "sparse exits")


def test_customers_needed_agrees_with_statsmodels_power():
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import proportion_effectsize

    by_hand = customers_needed(70, difference=10)
    h = proportion_effectsize(0.75, 0.65)
    arcsine = NormalIndPower().solve_power(h, alpha=0.05, power=0.8)
    assert by_hand == pytest.approx(arcsine, rel=0.02)  # the arcsine form is an approximation


def test_all_churned_and_none_churned_are_refused():
    study = firms.study(1.0)
    everyone = study.customers.assign(end=study.customers["end"].fillna(study.as_of))
    nobody = study.customers.assign(end=pd.NaT)
    for customers, said in ((everyone, "All 4,000 customers"), (nobody, "None of the 4,000")):
        with pytest.raises(QuestionError, match=said):
            cx.retention_answer(with_customers(study, customers))


def test_what_cannot_be_asked_is_refused_with_the_cure():
    study = firms.study(1.0)
    with pytest.raises(QuestionError, match="answered against never answered"):
        cx.retention_answer(study, measure="ever answered")
    with pytest.raises(QuestionError, match="nps, csat, ces"):
        cx.retention_answer(study, measure="nsp")
    with pytest.raises(QuestionError, match="Ask with horizon = "):
        cx.retention_answer(study, horizon=120)
    for asked in ("12", 12.0, True, 0, 601):
        with pytest.raises(QuestionError, match=f"horizon = {asked!r}: it is the number of months"):
            cx.retention_answer(study, horizon=asked)
    with pytest.raises(QuestionError, match="gap = -1: it is the number of days"):
        cx.dose(study, gap=-1)
    with pytest.raises(QuestionError, match="measure 'NPS' is not a score of this study"):
        cx.losses_and_gains(study, measure="NPS")


CHOICES = {
    "depth": lambda study, word: cx.retention_answer(study, depth=word),
    "cut": lambda study, word: cx.worth_of_experience(study, cut=word),
    "origin": lambda study, word: cx.months_apart(study, origin=word),
    "unit": lambda study, word: cx.comparisons(study, unit=word),
}


@pytest.mark.parametrize("name", CHOICES)
def test_a_word_that_is_no_choice_is_refused(name):
    with pytest.raises(QuestionError, match=f"{name}='deep' is not known.\n  Write {name}="):
        CHOICES[name](firms.study(1.0), "deep")


def test_a_study_without_customers_is_refused_by_name(tmp_path):
    (tmp_path / "units.csv").write_text("unit\nA\n", encoding="utf-8")
    (tmp_path / "study.yml").write_text(
        "study: x\nas_of: 2025-01-01\nunits: {file: units.csv, unit: unit}\n", encoding="utf-8"
    )
    with pytest.raises(MissingTableError, match="customers"):
        cx.retention_answer(cx.open_study(tmp_path / "study.yml"))


def with_customers(study: object, customers: pd.DataFrame) -> object:
    """Return a study whose customer table is another."""
    return dataclasses.replace(study, frames={**study.frames, "customers": customers})


def firms_sample():
    """Return the folder of the sample study."""
    from pathlib import Path

    return Path(cx.__file__).parents[1] / "data" / "sample"


def busiest_branch() -> str:
    """Return a branch of the sample with many customers and too few exits for a model."""
    study = firms.sample()
    left = study.customers[study.customers["end"].notna()]
    return str(left["unit"].value_counts().idxmax())


def test_a_result_is_frozen(sample):
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample.horizon = 6


def test_every_number_of_the_headline_is_the_effect_s(sample):
    said = [float(x.replace("−", "-")) for x in re.findall(r"−?\d+\.\d", sample.answer.headline)]
    e = sample.effect
    assert said == pytest.approx([abs(e.value), e.low, e.high], abs=0.0501)

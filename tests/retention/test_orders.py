"""Buying after a score: exposure by hand, counts against statsmodels, planted rates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm

import cxkit as cx
from cxkit.errors import MissingTableError, QuestionError
from cxkit.results import Difference
from cxkit.retention import orders_wording
from cxkit.retention.buying import buyers
from cxkit.retention.clock import bands_of
from cxkit.retention.counting import fit_rate, negative_binomial
from cxkit.retention.orders import buying_after_score
from tests import firms
from tests.test_sentences import said

RUNS = 60


@pytest.fixture(scope="module")
def sample() -> object:
    return buying_after_score(firms.sample())


def people(seed: int, *, ratio: float = 1.0, spread: float = 0.0, n: int = 800) -> pd.DataFrame:
    """Customers of two bands with yearly orders; ``spread`` is the variance of their own rates."""
    rng = np.random.default_rng(seed)
    band = rng.integers(0, 2, n)
    region = rng.integers(0, 3, n)
    exposure = rng.uniform(0.3, 2.5, n)
    own = rng.gamma(1 / spread, spread, n) if spread else np.ones(n)
    rate = 1.5 * np.where(band == 1, ratio, 1.0) * np.array([1.0, 0.7, 1.6])[region] * own
    return pd.DataFrame(
        {
            "band": np.array(["poor", "good"])[band].astype(object),
            "count": rng.poisson(rate * exposure),
            "exposure": exposure,
            "region": np.array(["N", "S", "W"])[region],
        }
    )


def ratio_of(frame: pd.DataFrame) -> Difference:
    """Return the adjusted rate ratio of good by poor."""
    model = fit_rate(frame, bands=["poor", "good"], adjust=["region"], level=0.95)
    return model.ratio("good", "poor", n_a=1, n_b=1)


# --- against other software -------------------------------------------------------------------


@pytest.mark.parametrize("spread", [0.0, 0.8])
def test_sums_give_the_estimates_and_errors_of_statsmodels_on_rows(spread):
    import statsmodels.api as sm

    frame = people(1, ratio=1.4, spread=spread)
    model = fit_rate(frame, bands=["poor", "good"], adjust=["region"], level=0.95)
    x = np.column_stack(
        [np.ones(len(frame)), *[(frame[c] == v).astype(float) for c, v in model.terms]]
    )
    glm = sm.GLM(frame["count"], x, family=sm.families.Poisson(), exposure=frame["exposure"])
    rows = glm.fit(tol=1e-12, maxiter=200, scale="X2" if model.quasi else None)
    np.testing.assert_allclose(model.coefficients, rows.params, atol=1e-8)
    np.testing.assert_allclose(np.diag(model.covariance) ** 0.5, rows.bse, atol=1e-8)
    assert model.dispersion == pytest.approx(rows.pearson_chi2 / rows.df_resid, rel=1e-9)
    assert model.quasi == (spread > 0)
    mu, y = rows.fittedvalues, frame["count"]
    dean = ((y - mu) ** 2 - y).sum() / np.sqrt(2 * (mu**2).sum())
    assert model.p_dispersion == pytest.approx(norm.sf(dean), rel=1e-6)


def test_a_negative_binomial_beside_it_finds_the_planted_ratio_and_spread():
    frame = people(2, ratio=1.5, spread=0.6, n=3000)
    model = fit_rate(frame, bands=["poor", "good"], adjust=["region"], level=0.95)
    found = negative_binomial(frame, model, "good", "poor")
    assert found["reason"] == ""
    assert found["low"] < 1.5 < found["high"]
    assert found["alpha"] == pytest.approx(0.6, rel=0.2)


def test_spend_is_a_ratio_of_sums_as_survey_software_has_it(sample):
    study = firms.sample()
    those = buyers(study, bands=bands_of(study, "nps"), gap=90).people
    row = sample.bands.iloc[0]
    those = those[those["band"] == row["band"]]
    rate = those["amount"].sum() / those["exposure"].sum()
    assert row["spend"] == pytest.approx(rate, rel=1e-12)
    kept = np.random.default_rng(0).integers(0, len(those), (2000, len(those)))
    amount, years = those["amount"].to_numpy(), those["exposure"].to_numpy()
    drawn = amount[kept].sum(axis=1) / years[kept].sum(axis=1)
    half = (row["spend_high"] - row["spend_low"]) / 2 / 1.959964
    assert half == pytest.approx(drawn.std(ddof=1), rel=0.08)  # 2,000 resamples know it to 2 %


# --- identities and laws ----------------------------------------------------------------------


def test_turning_the_ratio_round_and_counting_in_other_years():
    frame = people(3, ratio=1.3, spread=0.4)
    model = fit_rate(frame, bands=["poor", "good"], adjust=["region"], level=0.95)
    there = model.ratio("good", "poor", n_a=1, n_b=1)
    back = model.ratio("poor", "good", n_a=1, n_b=1)
    assert there.value * back.value == pytest.approx(1, abs=1e-12)
    assert there.low * back.high == pytest.approx(1, abs=1e-12)
    z = 2 * norm.isf(0.025) * np.log(there.value) / np.log(there.high / there.low)
    assert there.p == pytest.approx(2 * norm.sf(abs(z)))  # two-sided, as the interval is
    half = ratio_of(frame.assign(exposure=frame["exposure"] * 2))
    assert half.value == pytest.approx(there.value, abs=1e-9)


def test_intervals_hold_the_planted_ratio_also_where_customers_differ_by_themselves():
    hits = {0.0: 0, 0.7: 0}
    for spread in hits:
        for seed in range(RUNS):
            found = ratio_of(people(seed, ratio=1.25, spread=spread))
            hits[spread] += bool(found.low < 1.25 < found.high)
    assert min(hits.values()) >= binom.ppf(0.001, RUNS, 0.95)


def test_the_sample_s_buying_does_not_depend_on_the_experience(sample):
    assert sample.effect.low < 1 < sample.effect.high
    assert sample.effect.null == 1
    assert "cannot be told" in sample.sentence
    assert sample.gaps["gap"].tolist() == [0, 30, 90, 180]
    main = sample.gaps.set_index("gap")["value"]
    assert main[90] == pytest.approx(sample.effect.value)
    assert sample.spend.low < 0 < sample.spend.high
    z = abs(sample.spend.value) / sample.spend.se
    assert sample.spend.p == pytest.approx(2 * norm.sf(z))
    assert len(sample.contrasts) == sample.contrasts[0].family == 3


# --- exposure by hand -------------------------------------------------------------------------


YML = """
study: A shop
as_of: 2025-01-01
orders: {file: o.csv, customer: customer, ordered_on: day, amount: {column: amount, unit: EUR}}
responses: {file: r.csv, customer: customer, answered_on: day, nps: nps}
"""


def shop(folder, *, orders: str, answers: str, customers: str = "") -> object:
    """Write and open a tiny study."""
    (folder / "o.csv").write_text("customer,day,amount\n" + orders)
    (folder / "r.csv").write_text("customer,day,nps\n" + answers)
    text = YML
    if customers:
        (folder / "c.csv").write_text("customer,start,end\n" + customers)
        text += "customers: {file: c.csv, customer: customer, start: start, end: end}\n"
    (folder / "study.yml").write_text(text)
    return cx.open_study(folder / "study.yml")


ORDERS = "a,2023-06-01,10\na,2024-03-01,20\na,2024-05-01,30\nb,2023-12-01,5\nd,2024-02-01,7\n"
ANSWERS = "a,2024-01-01,9\nb,2024-01-01,3\nc,2024-01-01,3\nd,2024-12-20,9\n"


def test_exposure_runs_from_the_gap_to_leaving_or_the_end(tmp_path):
    customers = "a,2020-01-01,2024-04-01\nb,2020-01-01,\nc,2020-01-01,2024-02-01\nd,2020-01-01,\n"
    study = shop(tmp_path, orders=ORDERS, answers=ANSWERS, customers=customers)
    found = buyers(study, bands=bands_of(study, "nps"), gap=30)
    rows = found.people.set_index("customer")
    assert sorted(rows.index) == ["a", "b", "c"]  # d answered 12 days before the end
    assert rows.loc["a", "exposure"] * 365.25 == pytest.approx(61)  # 31 January to 1 April
    assert rows.loc["b", "exposure"] * 365.25 == pytest.approx(336)
    assert rows.loc["c", "exposure"] * 365.25 == pytest.approx(1)
    assert rows.loc["a", ["count", "amount"]].tolist() == [1, 20]  # the order of May came after
    assert found.outside == 1
    assert rows["bought"].tolist() == [True, False, False]
    assert found.after_last == 2
    steps = found.steps.set_index("step")["customers"]
    assert steps["exposure not yet begun"] == 1
    assert steps["in the analysis"] == 3


def test_without_a_customer_table_everyone_is_followed_to_the_end_and_it_is_said(tmp_path):
    study = shop(tmp_path, orders=ORDERS, answers=ANSWERS)
    found = buyers(study, bands=bands_of(study, "nps"), gap=30)
    rows = found.people.set_index("customer")
    assert not found.dated
    assert rows.loc["a", "count"] == 2
    assert rows.loc["c", "exposure"] == rows.loc["a", "exposure"]
    result = buying_after_score(study, gap=30)
    assert result.effect.value is None
    assert "too few" in result.sentence
    guard = next(g for g in result.guards if g.kind == "exposure")
    assert guard.fired
    assert "does not say when customers left" in guard.text


def test_a_small_shop_and_full_depth_give_readers_no_nan(sample):
    small = buying_after_score(cx.open_study(firms.shop() / "study.yml"), depth="full")
    for result in (sample, small):
        parts = (result.table, result.gaps_table, result.contrasts_table, result.who)
        text = " ".join(str(p) for p in (*parts, *result.guards, result.sentence))
        assert "nan" not in text.lower()


# --- refusals ---------------------------------------------------------------------------------


def test_what_cannot_be_asked_is_refused_with_the_cure(tmp_path):
    study = firms.sample()
    with pytest.raises(QuestionError, match="Scores under responses"):
        buying_after_score(study, measure="npx")
    with pytest.raises(QuestionError, match="smaller gap"):
        buying_after_score(study, gap=5000)
    (tmp_path / "u.csv").write_text("unit\nA\n")
    (tmp_path / "study.yml").write_text(
        "study: x\nas_of: 2025-01-01\nunits: {file: u.csv, unit: unit}\n"
    )
    with pytest.raises(MissingTableError, match="orders"):
        buying_after_score(cx.open_study(tmp_path / "study.yml"))


# --- sentences --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(50))
def test_the_sentence_of_a_random_result(seed):
    rng = np.random.default_rng(seed)
    log, se = rng.normal(0, 0.3), rng.uniform(0.03, 0.3)
    effect = Difference(
        metric="Rate ratio of orders",
        measured_in="ratio",
        a="promoters (9–10)",
        b="detractors (0–6)",
        value=float(np.exp(log)),
        low=float(np.exp(log - 1.96 * se)),
        high=float(np.exp(log + 1.96 * se)),
        se=se,
        p=0.5,
        level=0.95,
        n_a=int(rng.integers(20, 5000)),
        n_b=int(rng.integers(20, 5000)),
        n_missing=0,
        method="test",
        null=1.0,
    )
    text = orders_wording.sentence(effect, ["held: region"], 90)
    assert ("buy more often, from" in text) == (effect.low > 1)
    assert ("buy less often" in text) == (effect.high < 1)
    assert ("cannot be told" in text) == (effect.low <= 1 <= effect.high)
    assert all(said(text, v, 2) for v in (effect.value, effect.low, effect.high))
    assert all(said(text, v, 0) for v in (effect.n_a, effect.n_b))
    assert "region held equal" in text

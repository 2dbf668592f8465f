"""Which measure predicts best: judged on unseen customers, the same for all, none of it leaking."""

from __future__ import annotations

import dataclasses
import re
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import cxkit as cx
from cxkit.errors import ColumnError, MissingTableError, QuestionError
from cxkit.results import Difference, Table
from cxkit.retention import predict_wording as wording
from cxkit.retention import predictors
from cxkit.retention.clock import MONTH
from cxkit.retention.folds import by_customer, forward
from cxkit.retention.judging import BASELINE, calibration
from tests import firms
from tests.verify import noise_measure


@pytest.fixture(scope="module")
def sample():
    return cx.which_measure_predicts(firms.sample())


@pytest.fixture(scope="module")
def scored() -> pd.DataFrame:
    """Customers of whom one score tells much, another little, a third nothing."""
    rng = np.random.default_rng(5)
    n = 1200
    frame = pd.DataFrame({"strong": rng.normal(size=n), "noise": rng.normal(size=n)})
    frame["weak"] = 0.5 * frame["strong"] + rng.normal(size=n)
    frame["region"] = rng.choice(["N", "S"], n)
    frame["left"] = rng.random(n) < 1 / (1 + np.exp(1 + 1.2 * frame["strong"]))
    frame["came_up"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), "D")
    frame["settled"] = frame["came_up"] + pd.Timedelta(days=90)
    return frame


MEASURES = {"strong": ["strong"], "weak": ["weak"], "noise": ["noise"]}


def compared(frame: pd.DataFrame, **choices: object) -> predictors.Comparison:
    return cx.compare_predictors(
        frame, outcome="left", measures=MEASURES, controls=["region"], **choices
    )


def test_losses_are_those_of_a_plain_loop_over_folds(scored):
    import statsmodels.api as sm

    found = compared(scored)
    y = scored["left"].to_numpy(float)
    rng = np.random.default_rng(0)
    splits = by_customer(y, np.arange(len(y)), folds=5, rng=rng)
    x = sm.add_constant(np.column_stack([scored["strong"], scored["region"] == "N"]).astype(float))
    p = np.empty(len(y))
    for fitted, judged in splits:
        model = sm.GLM(y[fitted], x[fitted], family=sm.families.Binomial()).fit(tol=1e-12)
        p[judged] = model.predict(x[judged])
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    # Newton's steps and least squares stop at different digits
    assert found.losses["strong"].to_numpy() == pytest.approx(loss, abs=1e-6)
    row = found.scores.set_index("measure").loc["strong"]
    assert row["log_loss"] == pytest.approx(loss.mean(), abs=1e-6)
    assert row["brier"] == pytest.approx(((y - p) ** 2).mean(), abs=1e-6)
    assert row["auc"] == pytest.approx(cx.auc(y, p).value, abs=1e-6)
    base = found.losses[BASELINE]
    gain = found.gains[0]
    assert gain.value == pytest.approx(100 * (1 - loss.mean() / base.mean()), abs=1e-4)
    parts = 100 * (base - loss) - gain.value * base
    se = parts.std(ddof=1) / np.sqrt(len(y)) / base.mean()
    assert gain.se == pytest.approx(se, abs=1e-4)
    assert gain.method == "paired normal"
    for one in found.gains:
        assert one.p == pytest.approx(2 * stats.norm.sf(abs(one.value) / one.se))


def test_the_strong_measure_wins_and_noise_does_not(scored):
    found = compared(scored, came_up="came_up", settled="settled", segments=["region"])
    strong, weak, noise = found.gains
    assert strong.value > weak.value > noise.value
    assert strong.direction == "higher"
    assert noise.direction == "cannot be told"
    assert [d.family for d in (*found.gains, *found.pairs)] == [3] * 6
    assert found.pairs[0].p_adjusted < 0.05
    assert found.forward_known
    assert found.forward["gain"].iloc[0] > 5
    assert set(found.within["level"]) == {"N", "S"}
    assert int(found.within["family"].iloc[0]) == 6
    sizes = found.within.drop_duplicates("level")["n"].sum()
    assert sizes == len(scored)
    slope = found.scores.set_index("measure")["calibration_slope"]["strong"]
    assert 0.8 < slope < 1.2


def test_only_customers_with_every_measure_are_compared(scored):
    holed = scored.assign(weak=scored["weak"].mask(scored.index < 200))
    found = compared(holed)
    assert (found.n, found.n_missing) == (1000, 200)
    assert found.scores["n"].eq(1000).all()
    again = compared(scored.iloc[200:])
    assert [g.value for g in found.gains] == [g.value for g in again.gains]


def test_full_depth_takes_more_folds_and_a_bootstrap_that_agrees(scored):
    quick, full = compared(scored), compared(scored, depth="full")
    assert (full.folds, full.samples) == (10, 2000)
    q, f = quick.gains[0], full.gains[0]
    assert f.method == "paired bootstrap over customers"
    assert f.high - f.low == pytest.approx(q.high - q.low, rel=0.15)
    assert f.low == pytest.approx(f.value - 1.96 * f.se, abs=0.2 * (f.high - f.low))
    assert full.gains[0].p <= 2 / 2001


def test_no_fold_splits_a_customer_and_time_only_runs_forward():
    rng = np.random.default_rng(2)
    who = rng.integers(0, 300, 900)
    y = (rng.random(900) < 0.4).astype(float)
    splits = by_customer(y, who, folds=5, rng=rng)
    assert np.sum([judged for _, judged in splits], axis=0).tolist() == [1] * 900
    for fitted, judged in splits:
        assert not set(who[fitted]) & set(who[judged])
    came = np.datetime64("2024-01-01") + rng.integers(0, 700, 900).astype("timedelta64[D]")
    days = np.timedelta64(1, "D")
    ahead = forward(y, who, came_up=came, settled=came + 90 * days, parameters=3)
    assert ahead.known
    for fitted, judged in ahead.splits:
        assert (came[fitted] + 90 * days).max() <= came[judged].min()
        assert not set(who[fitted]) & set(who[judged])
    alone = np.arange(900)
    short = forward(y, alone, came_up=came, settled=came + 900 * days, parameters=3)
    assert not short.known
    assert all(came[f].max() < came[j].min() for f, j in short.splits)
    assert forward(y[:30], alone[:30], came_up=came[:30], settled=came[:30], parameters=3) is None


def test_noise_seldom_beats_the_controls():
    runs = 40
    found = noise_measure.better(runs)
    assert found["saves log-loss"] <= noise_measure.MOST
    assert found["clearly better"] <= 3 / runs, "P(4 or more of 40 at 2.5 %) is 2 %"


def test_calibration_finds_the_slope_and_intercept_that_were_put_in():
    rng = np.random.default_rng(6)
    at = rng.normal(size=40_000)
    y = (rng.random(40_000) < 1 / (1 + np.exp(-(0.3 + 0.5 * at)))).astype(float)
    _, slope = calibration(y, 1 / (1 + np.exp(-at)))
    assert slope == pytest.approx(0.5, abs=0.04)
    intercept, _ = calibration(y, 1 / (1 + np.exp(-0.5 * at)))
    assert intercept == pytest.approx(0.3, abs=0.04)


def test_refusals_of_a_comparison(scored):
    with pytest.raises(QuestionError, match="20 who left"):
        compared(scored[~scored["left"]])
    with pytest.raises(ColumnError, match="'weak'"):
        compared(scored.drop(columns="weak"))
    with pytest.raises(QuestionError, match="level"):
        compared(scored, level=95)


def test_the_sample_is_compared_on_customers_followed_to_the_horizon(sample):
    study, found = firms.sample(), sample.comparison
    steps = sample.steps.set_index("step")["customers"]
    assert steps["in the comparison"] == found.n == found.customers
    out = steps.drop(["in the customer table", "in the comparison", "gave any score"]).sum()
    assert steps["gave any score"] - out == found.n
    responses = study.responses.dropna(subset=["nps", "csat", "ces", "answered_on"])
    first = responses.groupby("customer")["answered_on"].min() + pd.Timedelta(days=90)
    latest = first.max() + pd.Timedelta(days=round(12 * MONTH))
    assert latest > study.as_of, "some are not followed to the horizon"
    assert found.scores["n"].nunique() == 1
    best = found.scores.set_index("measure")
    assert best["auc"].drop(BASELINE).max() > best["auc"][BASELINE]


def test_every_measure_has_its_own_baseline_also_the_rarely_asked_ones(sample):
    names = sample.comparison.scores["measure"].tolist()
    assert names[0] == BASELINE
    assert {"NPS, 0–10", "CSAT, mean score", "CSAT, top-2-box", "CES, 1–7"} < set(names)
    assert {"time to resolution", wording.TOGETHER} < set(names)
    apart = sample.apart.set_index("measure")
    assert set(apart.index) == {
        "customer service",
        "user experience",
        "personalization",
        "consistency",
    }
    assert (apart["n"] < sample.comparison.n).all()
    assert apart["family"].eq(4).all()
    assert (apart["better"] - (apart["gain"] - apart["beside_gain"])).abs().max() < 1e-9


def test_a_copy_of_the_outcome_is_flagged_and_not_compared(monkeypatch):
    study = firms.sample()
    gone = study.customers.set_index("customer")["end"].notna()
    responses = study.responses
    leaving = responses["customer"].map(gone).fillna(value=False).astype(bool)
    responses["csat"] = responses["csat"].mask(leaving, 1.0).where(leaving, 5.0)
    responses["csat"] = responses["csat"].where(responses["answered_on"].notna())
    monkeypatch.setitem(study.frames, "responses", responses)
    # a horizon so long that leaving within it is leaving at all
    found = cx.which_measure_predicts(study, horizon=18)
    named = " ".join(found.comparison.scores["measure"])
    leak = next(g for g in found.guards if g.kind == "leakage")
    assert leak.fired == ("CSAT" not in named) == bool(found.left_out)
    assert leak.fired
    assert "csat" in found.left_out[0]


def test_an_effect_and_none_give_different_sentences():
    with_effect = cx.which_measure_predicts(firms.study(1.0))
    without = cx.which_measure_predicts(firms.study(0.0))
    assert "No single measure" in without.sentence
    assert "No single measure" not in with_effect.sentence


def test_what_cannot_be_compared_is_refused(monkeypatch):
    with pytest.raises(QuestionError, match="Ask for fewer measures"):
        cx.which_measure_predicts(cx.open_study(firms.shop() / "study.yml"))
    with pytest.raises(QuestionError, match="shorter horizon"):
        cx.which_measure_predicts(firms.sample(), horizon=40)
    study = firms.sample()
    monkeypatch.delitem(study.frames, "responses")
    with pytest.raises(MissingTableError, match="responses"):
        cx.which_measure_predicts(study)


def test_a_study_without_tickets_says_nothing_of_resolution(monkeypatch):
    study = firms.sample()
    monkeypatch.delitem(study.frames, "tickets")
    found = cx.which_measure_predicts(study)
    assert "time to resolution" not in found.comparison.scores["measure"].tolist()


def test_nothing_that_is_read_holds_nan(sample):
    read = [sample.table, sample.pairs, sample.forward, sample.within, sample.on_their_own]
    for part in (
        *read,
        sample.who,
        sample.sentence,
        sample.beside,
        *(g.text for g in sample.guards),
    ):
        assert "nan" not in str(part).lower().replace("finance", "")
    assert all(isinstance(part, Table) for part in read)
    assert f"{sample.comparison.customers:,} customers" in sample.table.caption


def test_the_literature_is_quoted_with_what_differs_and_nothing_unchecked(sample):
    text = str(sample.beside)
    assert "93 firms in 18 industries" in text
    assert "secondary" in text
    assert "not corrected" in text
    order = text.split("log-loss saved: ")[1].split(".\n")[0]
    assert [float(v) for v in re.findall(r"\(−?([\d.]+) %", order)]
    for unchecked in ("full scale beat", "probit", "R2"):
        assert unchecked not in text


SINGLES = ("NPS, 0–10", "CSAT, top-2-box", "CES, 1–7")


def random_comparison(rng: np.random.Generator) -> SimpleNamespace:
    """A comparison whose intervals may lie anywhere."""
    names = (*SINGLES, wording.TOGETHER)

    def one(a: str, b: str, value: float, se: float, family: int) -> Difference:
        z = abs(value) / se
        p = float(np.exp(-z * z / 2))
        return Difference(
            metric="log-loss saved", measured_in="%", a=a, b=b, value=value, low=value - 1.96 * se,
            high=value + 1.96 * se, se=se, p=p, level=0.95, n_a=900, n_b=900, n_missing=0,
            method="test", p_adjusted=min(1.0, family * p), family=family,
        )  # fmt: skip

    true = {name: rng.choice([0.0, 1.5, 4.0]) + rng.normal(0, 0.4) for name in names}
    se = rng.uniform(0.2, 1.2)
    n = int(rng.integers(200, 9000))
    auc = {BASELINE: 0.6, **{name: float(rng.uniform(0.6, 0.8)) for name in names}}
    return SimpleNamespace(
        gains=tuple(one(name, BASELINE, true[name], se, 4) for name in names),
        pairs=tuple(one(a, b, true[a] - true[b], se, 6) for a, b in combinations(names, 2)),
        n=n,
        exits=int(n * rng.uniform(0.1, 0.4)),
        scores=pd.DataFrame({"measure": list(auc), "auc": list(auc.values())}),
    )


@pytest.mark.parametrize("seed", range(50))
def test_the_sentence_follows_the_intervals(seed):
    found = random_comparison(np.random.default_rng(seed))
    text = wording.sentence(found, horizon=12)
    clear = [d for d in found.gains if d.low > 0 and d.p_adjusted < 0.05 and d.a in SINGLES]
    numbers = {
        float(v.replace(",", "").replace("−", "-")) for v in re.findall(r"−?[\d,.]*\d", text)
    }
    assert {float(found.n), float(found.exits)} <= numbers
    if not clear:
        assert text.startswith("No single measure")
        best = max((d for d in found.gains if d.a in SINGLES), key=lambda d: d.value)
    else:
        best = max(clear, key=lambda d: d.value)
        beaten = [
            (d.a == best.a and d.low > 0) or (d.b == best.a and d.high < 0)
            for d in found.pairs
            if best.a in (d.a, d.b) and {d.a, d.b} <= set(SINGLES) and d.p_adjusted < 0.05
        ]
        alone = sum(beaten) == len(SINGLES) - 1
        assert ("best cannot be told" in text) == (not alone)
        assert (f"{best.a} predicts leaving within 12 months best" in text) == alone
    assert best.a in text
    for value in (best.value, best.low, best.high):
        assert any(abs(abs(value) - abs(v)) <= 0.051 for v in numbers)
    pair = next(d for d in found.pairs if {d.a, d.b} == {best.a, wording.TOGETHER})
    together_wins = pair.high < 0 and pair.p_adjusted < 0.05
    assert (f"predict better than {best.a}" in text) == together_wins


def test_one_measure_alone_is_said_to_be_the_only_one():
    found = random_comparison(np.random.default_rng(1))
    strong = dataclasses.replace(found.gains[0], value=9.0, low=8.0, high=10.0, p_adjusted=0.001)
    text = wording.sentence(
        SimpleNamespace(**{**vars(found), "gains": (strong,), "pairs": ()}), horizon=12
    )
    assert "the only one compared" in text


SNAPSHOT = """
study: snapshot
as_of: 2025-12-31
customers:
  file: customers.csv
  form: snapshot
  customer: row
  tenure: {column: months, unit: months}
  churned: left
  window: the last quarter
  experience: {complained: {column: complained, bad: [1]}}
"""


@pytest.mark.parametrize(
    "question", [cx.which_measure_predicts, cx.worth_of_experience, cx.nonresponse]
)
def test_a_snapshot_is_refused_with_what_to_export(tmp_path, question):
    rows = "\n".join(f"{m},{m % 3 == 0:d},{m % 2}" for m in range(1, 40))
    (tmp_path / "customers.csv").write_text(f"months,left,complained\n{rows}\n", encoding="utf-8")
    (tmp_path / "study.yml").write_text(SNAPSHOT, encoding="utf-8")
    with pytest.raises(QuestionError, match="Write form: dates"):
        question(cx.open_study(tmp_path))

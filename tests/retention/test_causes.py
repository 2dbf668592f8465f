"""What goes with leaving: counts against statsmodels, planted causes, honest gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import cxkit as cx
from cxkit.errors import MissingTableError, QuestionError
from cxkit.retention import causes_wording, newton
from cxkit.retention.cause_groups import components, consistency, service
from cxkit.retention.causes import what_goes_with_leaving
from cxkit.study.contract import parse_contract
from cxkit.study.study import Study
from tests import firms
from tests.test_sentences import said

RUNS = 20
START, AS_OF = "2023-01-01", "2025-12-31"


@pytest.fixture(scope="module")
def sample() -> object:
    return firms.asked(what_goes_with_leaving)


def firm(seed: int, *, mean: float, spread: float, n: int = 900, times: float = 1.0) -> Study:
    """Customers who rate three touchpoints early; log hazard by their mean and their spread.

    ``times`` stretches the scale: the same customers answer from 10 to 50 instead of 1 to 5.
    """
    rng = np.random.default_rng(seed)
    ratings = rng.integers(1, 6, (n, 3)).astype(float)
    m, s = ratings.mean(axis=1), ratings.std(axis=1, ddof=1)
    log = mean * (m - m.mean()) / m.std(ddof=1) + spread * (s - s.mean()) / s.std(ddof=1)
    start = pd.Timestamp(START) + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    begin = start + pd.Timedelta(days=120)
    life = rng.exponential(1 / (0.04 * np.exp(log))) * 30.44
    left = begin + pd.to_timedelta(np.ceil(life), unit="D")
    ids = np.array([f"c{i:04d}" for i in range(n)])
    days = np.tile([5, 15, 25], n)
    scores = "[1, 5]" if times == 1 else f"[{times:g}, {5 * times:g}]"
    contract = (
        f"study: x\nas_of: {AS_OF}\ncustomers: {{file: c.csv, customer: customer, start: start, "
        "end: end}\nresponses: {file: r.csv, customer: customer, answered_on: answered_on, "
        f"touchpoint: touchpoint, csat: {{column: csat, scale: {scores}, top: {4 * times:g}}}}}\n"
    )
    frames = {
        "customers": pd.DataFrame(
            {"customer": ids, "start": start, "end": pd.Series(left).where(left <= AS_OF)}
        ),
        "responses": pd.DataFrame(
            {
                "customer": np.repeat(ids, 3),
                "answered_on": np.repeat(start, 3) + pd.to_timedelta(days, unit="D"),
                "touchpoint": np.tile(["branch", "phone", "app"], n),
                "csat": times * ratings.ravel(),
            }
        ),
    }
    return Study(contract=parse_contract(contract), findings=(), sources=(), frames=frames)


def rows_of(result: object, group: str) -> pd.DataFrame:
    """Return a group's rows by cause."""
    return result.frame[result.frame["group"] == group].set_index("cause")


# --- against other software -------------------------------------------------------------------


def test_scoring_on_counts_gives_the_estimates_and_errors_of_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(60), rng.normal(size=60), rng.integers(0, 2, 60)])
    at_risk = rng.integers(20, 90, 60).astype(float)
    exits = rng.binomial(at_risk.astype(int), -np.expm1(-np.exp(x @ [-2.0, 0.4, -0.6])))
    y = np.column_stack([exits, at_risk - exits])
    link = sm.families.links.CLogLog()
    theirs = sm.GLM(y, x, family=sm.families.Binomial(link=link)).fit(tol=1e-12, maxiter=200)
    beta, covariance, settled = newton.hazard(x, exits.astype(float), at_risk)
    assert settled
    np.testing.assert_allclose(beta, theirs.params, atol=1e-8)
    np.testing.assert_allclose(np.diag(covariance) ** 0.5, theirs.bse, atol=1e-8)


def test_a_perfectly_told_outcome_does_not_settle():
    x = np.column_stack([np.ones(4), [0, 0, 1, 1]])
    at_risk = np.full(4, 50.0)
    assert not newton.hazard(x, np.array([5.0, 6.0, 0.0, 0.0]), at_risk)[2]


def test_the_alone_ratio_of_a_yes_is_that_of_the_kit_s_own_hazard(sample):
    from cxkit.retention.hazard import fit

    cause = "automated channel"
    spells = service(firms.sample(), gap=90, unresolved_after=7, automated="automated").spells
    band = pd.Categorical.from_codes(spells[cause].astype(int), ["no", "yes"], ordered=True)
    theirs = fit(spells.assign(band=band), horizon=12, adjust=[], level=0.95).ratio("yes")
    row = rows_of(sample, "service").loc[cause]
    # the kit's own merges months until each has ten exits, this one quarters: hardly a difference
    assert row["alone"] == pytest.approx(theirs.value, rel=2e-3)
    assert row["alone_low"] == pytest.approx(theirs.low, rel=2e-3)


# --- planted causes and laws ------------------------------------------------------------------


def test_planted_mean_and_spread_are_found_beside_each_other():
    hits = {"mean": 0, "spread": 0}
    for seed in range(RUNS):
        found = rows_of(what_goes_with_leaving(firm(seed, mean=-0.4, spread=0.3)), "consistency")
        for cause, truth in (("mean", -0.4), ("spread", 0.3)):
            row = found.loc[cause]
            hits[cause] += bool(row["low"] < np.exp(truth) < row["high"])
    assert min(hits.values()) >= binom.ppf(0.001, RUNS, 0.95)


def test_the_minimum_of_three_is_left_out_where_mean_and_spread_say_it():
    result = what_goes_with_leaving(firm(3, mean=-0.4, spread=0.0))
    minimum = rows_of(result, "consistency").loc["minimum"]
    assert minimum["value"] is None
    assert "collinear" in minimum["reason"]
    assert minimum["alone_high"] < 1, "alone it carries what the mean does"
    guard = next(g for g in result.guards if g.kind == "collinearity, consistency")
    assert guard.fired


def test_stretching_the_scale_changes_no_ratio():
    one = rows_of(what_goes_with_leaving(firm(4, mean=-0.4, spread=0.2)), "consistency")
    ten = rows_of(what_goes_with_leaving(firm(4, mean=-0.4, spread=0.2, times=10)), "consistency")
    for name in ("value", "low", "high"):
        assert ten.loc["mean", name] == pytest.approx(one.loc["mean", name], rel=1e-8)


def test_the_sentence_changes_with_the_truth():
    worse = what_goes_with_leaving(firm(5, mean=0.5, spread=0.0)).sentence
    better = what_goes_with_leaving(firm(5, mean=-0.5, spread=0.0)).sentence
    none = what_goes_with_leaving(firm(6, mean=0.0, spread=0.0)).sentence
    assert "More leaving goes with the mean over touchpoints" in worse
    assert "Less leaving goes with the mean over touchpoints" in better
    assert "Nothing can be told of the mean over touchpoints" in none


# --- who is compared, and from when -----------------------------------------------------------


def test_customers_are_followed_from_the_gap_after_the_third_touchpoint():
    study = firm(7, mean=0, spread=0, n=50)
    group = consistency(study, measure="", gap=90)
    customers = study.customers.set_index("customer")
    spells = group.spells.set_index("customer")
    begin = customers["start"].loc[spells.index] + pd.Timedelta(days=25 + 90)
    followed = (study.as_of - begin).dt.days / (365.25 / 12)
    np.testing.assert_allclose(spells["followed"], followed)
    assert (customers["end"].loc[spells.index].isna() | (customers["end"] > begin)).all()


def test_components_wait_for_all_that_were_asked_and_name_the_missing():
    group = components(firms.sample(), gap=90)
    assert group.missing == ("emotional_connection",)
    assert len(group.causes) == 4
    assert group.spells[list(group.causes)].notna().all().all()
    assert group.incomplete > 0


def test_a_case_is_judged_by_what_is_known_when_the_count_begins():
    study = firms.sample()
    group = service(study, gap=90, unresolved_after=7, automated="automated")
    first = study.tickets.sort_values("opened").drop_duplicates("customer").set_index("customer")
    rows = group.spells.set_index("customer")
    took = (first["resolved"] - first["opened"]).loc[rows.index]
    late = (took.isna() | (took > pd.Timedelta(days=7))).astype(float)
    assert rows["unresolved after 7 days"].equals(late.rename("unresolved after 7 days"))
    with pytest.raises(QuestionError, match="from 0 to 30"):
        what_goes_with_leaving(study, gap=30, unresolved_after=60)


def test_what_is_too_sparse_or_missing_is_said_and_has_no_number():
    other = what_goes_with_leaving(firms.sample(), automated="robot", unresolved_after=80)
    rows = rows_of(other, "service")
    assert "too sparse" in rows.loc["unresolved after 80 days", "reason"]
    assert rows.loc["unresolved after 80 days", "value"] is None
    guard = next(g for g in other.guards if g.kind == "not asked")
    assert "a channel 'robot'" in guard.text
    alone = what_goes_with_leaving(firm(1, mean=0, spread=0))
    assert "no service cases" in str(alone.service)
    assert "fewer than two" in str(alone.components)


def test_a_reader_never_meets_nan_and_the_family_is_stated(sample):
    small = what_goes_with_leaving(cx.open_study(firms.shop() / "study.yml"))
    for result in (sample, small):
        parts = (result.consistency, result.components, result.service, *result.guards)
        assert "nan" not in " ".join(str(p) for p in (*parts, result.sentence)).lower()
    assert "cannot be told" in small.sentence
    told = sample.frame["value"].notna()
    assert sample.frame["family"].eq(told.sum()).all()
    assert (sample.frame.loc[told, "p_adjusted"] >= sample.frame.loc[told, "p"]).all()


# --- refusals ---------------------------------------------------------------------------------


def test_what_cannot_be_asked_is_refused_with_the_cure(tmp_path):
    (tmp_path / "c.csv").write_text("months,gone,bad\n3,1,1\n5,0,0\n")
    (tmp_path / "study.yml").write_text(
        "study: x\nas_of: 2025-01-01\ncustomers: {file: c.csv, form: snapshot, customer: row, "
        "tenure: {column: months, unit: months}, churned: gone, window: the last quarter, "
        "experience: {complained: {column: bad, bad: [1]}}}\n"
    )
    with pytest.raises(QuestionError, match="form: dates"):
        what_goes_with_leaving(cx.open_study(tmp_path / "study.yml"))
    (tmp_path / "u.csv").write_text("unit\nA\n")
    (tmp_path / "study.yml").write_text(
        "study: x\nas_of: 2025-01-01\nunits: {file: u.csv, unit: unit}\n"
    )
    with pytest.raises(MissingTableError, match="customers"):
        what_goes_with_leaving(cx.open_study(tmp_path / "study.yml"))
    nobody = firm(1, mean=0, spread=0, n=40)
    frames = {**nobody.frames, "customers": nobody.customers.assign(end=pd.NaT)}
    kept = Study(contract=nobody.contract, findings=(), sources=(), frames=frames)
    with pytest.raises(QuestionError, match="add those who left"):
        what_goes_with_leaving(kept)


# --- sentences --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(50))
def test_the_sentence_of_a_random_result(seed):
    rng = np.random.default_rng(seed)
    rows = []
    for cause in ("mean", "spread", "wait", "user_experience"):
        b, se = rng.normal(0, 0.4), rng.uniform(0.05, 0.3)
        limits = {"low": float(np.exp(b - 1.96 * se)), "high": float(np.exp(b + 1.96 * se))}
        p = {"p_adjusted": float(rng.choice([0.001, 0.4])), "family": 4}
        n = {"n": int(rng.integers(50, 5000)), "cause": cause, "group": "x"}
        rows.append({"value": float(np.exp(b)), **limits, **p, **n})
        rows[-1] |= {"alone_low": float(np.exp(rng.normal(0, 0.3)))}
        rows[-1] |= {"alone_high": rows[-1]["alone_low"] * 1.4}
    frame = pd.DataFrame(rows)
    text = causes_wording.sentence(frame, 12, 0.95)
    parts = {
        "More leaving goes with": (frame["low"] > 1) & (frame["p_adjusted"] < 0.05),
        "Less leaving goes with": (frame["high"] < 1) & (frame["p_adjusted"] < 0.05),
        "may be chance": ((frame["low"] > 1) | (frame["high"] < 1)) & (frame["p_adjusted"] > 0.05),
        "Nothing can be told of": (frame["low"] <= 1) & (frame["high"] >= 1),
    }
    for words, which in parts.items():
        assert (words in text) == which.any()
    alone = int(((frame["alone_low"] > 1) | (frame["alone_high"] < 1)).sum())
    told = sum(int(parts[words].sum()) for words in list(parts)[:2])
    assert (f"Alone, {alone} of the 4 intervals lie off 1" in text) == (alone > told)
    for row in frame[~parts["Nothing can be told of"]].itertuples():
        assert all(said(text, v, 2) for v in (row.value, row.low, row.high))
    assert said(text, frame["n"].max(), 0)

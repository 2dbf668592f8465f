"""One bad experience: a planted excess is found, a reversed one is not taken for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm

import cxkit as cx
from cxkit.errors import MissingTableError, QuestionError
from cxkit.results import Difference
from cxkit.retention import shock_wording
from cxkit.retention.events import bad_events
from cxkit.retention.matched import Group, Matched, Rows, cluster_se, excess
from cxkit.retention.readings import readings
from cxkit.retention.shock import one_bad_experience
from cxkit.retention.trials import contacts_of, people_of, sequential
from tests import firms, shock_firms
from tests.test_sentences import said

RUNS = 40

#: The row of the design that sets others aside on the day of their own event.
USUAL = "upper reading, the usual design: others leave on the day of it"


@pytest.fixture(scope="module")
def sample() -> object:
    return one_bad_experience(firms.sample())


def simulated(seed: int, gaps: tuple[int, ...], **planted: object) -> tuple[object, list[object]]:
    """Return a firm and the excess within 12 months for each gap, both readings."""
    firm = shock_firms.study(seed, **planted)
    events = bad_events(firm, event="", measure="", cut=None, at="", limit=72)
    people = people_of(firm)
    trials = sequential(people, events, contacts_of(firm, people))
    return firm, [readings(trials, [365], gap=g) for g in gaps]


def holds(found: object, truth: float) -> bool:
    """Whether the 95 % interval of an excess holds a truth in percentage points."""
    told = found.numbers(0, level=0.95)
    return told["low"] < truth < told["high"]


def lives(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return days, and whether they ended by leaving."""
    rng = np.random.default_rng(seed)
    life, end = rng.exponential(300, n), rng.uniform(30, 500, n)
    return np.ceil(np.minimum(life, end)).astype(int), life <= end


# --- against other software -------------------------------------------------------------------


def test_unweighted_leaving_is_kaplan_meier_with_greenwood_s_error():
    days, left = lives(400, 1)
    everybody = Group(days, left, [100, 300])
    shares, influence = everybody.shares(np.ones(400)), everybody.influence(np.ones(400))
    for j, t in enumerate((100, 300)):
        kept = cx.km_at(cx.kaplan_meier(pd.Series(days), pd.Series(left)), t)
        assert 100 * (1 - shares[j]) == pytest.approx(kept.value, abs=1e-9)
        assert 100 * np.sqrt((influence[:, j] ** 2).sum()) == pytest.approx(kept.se, abs=1e-9)


def test_weighted_leaving_is_statsmodels_with_frequency_weights():
    from statsmodels.duration.survfunc import SurvfuncRight

    days, left = lives(300, 2)
    weight = np.random.default_rng(3).integers(1, 6, 300).astype(float)
    theirs = SurvfuncRight(days, left.astype(int), freq_weights=weight)
    shares = Group(days, left, [200]).shares(weight)
    kept = theirs.surv_prob[np.searchsorted(theirs.surv_times, 200, side="right") - 1]
    assert 1 - shares[0] == pytest.approx(kept, abs=1e-12)


def test_linearised_errors_are_those_of_a_bootstrap():
    quick = one_bad_experience(shock_firms.study(5, n=800))
    full = one_bad_experience(shock_firms.study(5, n=800), depth="full")
    assert full.effect.value == quick.effect.value
    # 300 resamples know an error to about 4 %; the linear one leaves out the cells' own noise
    assert full.effect.se == pytest.approx(quick.effect.se, rel=0.2)
    assert "bootstrap" in full.effect.method


# --- identities -------------------------------------------------------------------------------


def two_groups(seed: int, n: int = 500) -> Rows:
    """Return people of one cell, half of them affected."""
    days, left = lives(n, seed)
    return Rows(
        customer=np.arange(n),
        cell=np.zeros(n, int),
        affected=np.arange(n) % 2 == 0,
        days=days,
        left=left,
        turned=np.zeros(n, bool),
        kind=np.zeros(n, int),
    )


def test_swapping_affected_and_others_turns_the_sign():
    rows = two_groups(4)
    other = Rows(**{**{f: getattr(rows, f) for f in rows.__slots__}, "affected": ~rows.affected})
    there, back = (excess(r, [200], customers=500) for r in (rows, other))
    assert there.value[0] == pytest.approx(-back.value[0], abs=1e-12)
    assert there.se[0] == pytest.approx(back.se[0], abs=1e-12)


def test_rows_of_one_customer_do_not_make_the_answer_surer():
    rows = two_groups(6)
    twice = Rows(**{f: np.tile(getattr(rows, f), 2) for f in rows.__slots__})
    once, again = (excess(r, [200], customers=500) for r in (rows, twice))
    assert again.value[0] == pytest.approx(once.value[0], abs=1e-12)
    assert again.se[0] == pytest.approx(once.se[0], abs=1e-12)
    assert cluster_se(np.zeros((3, 1)))[0] == 0


def test_a_customer_drawn_twice_counts_as_two_alike():
    rows = two_groups(8)
    rows = Rows(**{**{f: getattr(rows, f) for f in rows.__slots__}, "cell": rows.customer % 7})
    times = np.random.default_rng(9).integers(0, 3, 500)
    drawn = np.repeat(np.arange(500), times)
    ready = Matched(rows, [200, 400])
    written_out = excess(rows.where(drawn), [200, 400], customers=500)
    assert ready.value(times) == pytest.approx(written_out.value, abs=1e-12)
    assert ready.value(np.where(rows.affected, 0, times)) is None


# --- planted truths ---------------------------------------------------------------------------


def test_a_planted_excess_is_found_and_lies_between_the_two_readings():
    hits, below = np.zeros(2), 0
    for seed in range(RUNS):
        firm, both = simulated(seed, (0, 90), n=1500, factor=2.0, newcomers=True)
        truth = [
            shock_firms.planted(firm, factor=2.0, gap=g, horizon=365 / shock_firms.MONTH)
            for g in (0, 90)
        ]
        hits += [holds(found, true) for found, true in zip(both, truth, strict=True)]
        told = both[1].numbers(0, level=0.95)
        below += bool(told["lower"] < both[1].upper.value[0] * 100)
        assert told["low"] > 0, "a doubled hazard is seen through the gap"
    assert (hits >= binom.ppf(0.001, RUNS, 0.95)).all()
    assert below == RUNS, "the lower reading takes from a true effect"


def test_customers_on_their_way_out_fool_the_ungapped_comparison_and_not_the_two_readings():
    fooled, hits, upper_fooled = 0, 0, 0
    for seed in range(RUNS):
        _, (now, later) = simulated(seed, (0, 90), n=1500, leavers=True)
        fooled += bool(now.numbers(0, level=0.95)["low"] > 0)
        hits += holds(later, 0.0)
        upper_fooled += bool(later.upper.value[0] > 1.96 * later.upper.se[0])
    assert fooled == RUNS
    assert hits >= binom.ppf(0.001, RUNS, 0.95)
    assert upper_fooled == RUNS, "a gap is not enough where others are set aside at once"


def test_a_harm_that_passes_within_the_gap_is_not_taken_for_a_good():
    seen, fewer = 0, 0
    for seed in range(RUNS // 2):
        _, (now, later) = simulated(seed, (0, 90), n=1500, factor=3.0, lasts=90.0, newcomers=True)
        seen += bool(now.numbers(0, level=0.95)["low"] > 0)
        fewer += bool(later.numbers(0, level=0.95)["high"] < 0)
    assert seen >= binom.ppf(0.001, RUNS // 2, 0.9)
    assert fewer <= binom.ppf(0.999, RUNS // 2, 0.05)


def test_the_value_is_the_reading_nearer_to_zero_and_p_is_of_both(sample):
    told = sample.excess[sample.excess["value"].notna()]
    for row in told.itertuples():
        assert row.lower <= row.value <= row.upper
        if row.lower > 0:
            assert row.value == row.lower
        assert (row.p < 0.05) == (row.low > 0 or row.high < 0)
        assert row.affected - row.others == pytest.approx(row.value, abs=1e-9)
    ungapped = told[told["gap"] == 0]
    assert (ungapped["lower"] == ungapped["upper"]).all()


def test_no_effect_gives_none_with_or_without_the_gap():
    hits, usual = np.zeros(2), 0
    for seed in range(RUNS):
        _, found = simulated(seed, (0, 90), n=1500)
        hits += [holds(f, 0.0) for f in found]
        upper = found[1].upper  # sequential trials, others set aside at their own event
        usual += bool(abs(upper.value[0]) <= 1.96 * upper.se[0])
    assert (hits >= binom.ppf(0.001, RUNS, 0.95)).all()
    assert usual >= binom.ppf(0.001, RUNS, 0.95)


def test_the_sentence_changes_with_the_truth():
    harm = one_bad_experience(shock_firms.study(1, factor=2.5))
    good = one_bad_experience(shock_firms.study(1, factor=0.2))
    none = one_bad_experience(shock_firms.study(1))
    out = one_bad_experience(shock_firms.study(1, leavers=True))
    assert "more customers leave: at least" in harm.sentence
    assert "fewer customers leave: at least" in good.sentence
    assert "cannot be told" in none.sentence
    assert "leaving already" in out.sentence
    assert next(g for g in out.guards if g.kind == "already leaving").fired
    for found in (harm, out):
        assert "an effect is found where there is none" in str(found.why_two)
        usual = found.robust.set_index("comparison").loc[USUAL]
        upper = found.excess.query("gap == 90 and horizon == 12")["upper"].item()
        assert usual["value"] == pytest.approx(upper)
    assert not next(g for g in none.guards if g.kind == "already leaving").fired


# --- events and recovery ----------------------------------------------------------------------


def test_a_case_becomes_long_when_its_limit_passes_and_not_before():
    study = firms.sample()
    long = bad_events(study, event="long case", measure="", cut=None, at="", limit=72)
    took = long.rows["solved"] - long.rows["began"]
    assert (took.isna() | (took > pd.Timedelta(hours=72))).all()
    late = long.rows["day"] - (long.rows["began"] + pd.Timedelta(hours=72)).dt.floor("D")
    assert (late == pd.Timedelta(0)).all()
    every = bad_events(study, event="long case", measure="", cut=None, at="", limit=0)
    assert every.words == "a service case"
    assert len(every.rows) + every.outside == len(study.tickets)


def test_an_effort_score_where_high_is_bad_is_cut_from_above(tmp_path):
    (tmp_path / "c.csv").write_text("customer,start,end\na,2024-01-01,\nb,2024-01-01,\n")
    (tmp_path / "r.csv").write_text("customer,on,effort\na,2024-05-01,5\nb,2024-05-01,1\n")
    (tmp_path / "study.yml").write_text(
        "study: x\nas_of: 2025-01-01\n"
        "customers: {file: c.csv, customer: customer, start: start, end: end}\n"
        "responses: {file: r.csv, customer: customer, answered_on: on, "
        'ces: {column: effort, version: "1.0"}}\n'
    )
    study = cx.open_study(tmp_path / "study.yml")
    found = bad_events(study, event="low score", measure="ces", cut=None, at="", limit=0)
    assert found.rows["customer"].tolist() == ["a"]
    assert "or more" in found.words


def test_recovery_compares_cases_by_what_was_known_when_the_count_begins(sample):
    shown = sample.recovery
    assert (shown["of"] == "difference").sum() == 2
    known = shown[shown["value"].notna()]
    assert len(known) >= 3
    two = known.set_index("of").loc["against not yet affected"]["lower"].tolist()
    apart = known[known["of"] == "difference"].iloc[0]
    assert apart["p"] == pytest.approx(2 * norm.sf(abs(apart["value"]) / apart["se"]))
    difference = apart["value"]
    # against the same others: whichever reading is the lower of a row, they cancel to 0.2 points
    assert difference == pytest.approx(two[1] - two[0], abs=0.2)


def test_doses_and_leads_of_the_sample(sample):
    assert sample.doses["dose"].tolist() == [1, 2, 3]
    assert sample.doses["value"].iloc[0] == pytest.approx(sample.effect.value, abs=1e-9)
    leads = sample.leads
    assert set(leads["outcome"]) == {"orders", "service cases", "mean nps"}
    assert leads["family"].eq(len(leads)).all()
    orders = leads[leads["outcome"] == "orders"].set_index("window")["value"]
    change = orders["6 months before"] - orders["12 to 6 months before"]
    assert orders["change at the placebo date"] == pytest.approx(change, abs=1e-9)
    # buying does not depend on the experience in the sample: nothing planted, nothing found
    assert (leads.loc[leads["outcome"] == "orders", "p_adjusted"] > 0.05).all()


def test_a_reader_never_meets_nan_and_the_gaps_are_side_by_side(sample):
    for result in (sample, one_bad_experience(cx.open_study(firms.shop() / "study.yml"))):
        parts = (result.table, result.gaps_table, result.robust_table, result.doses_table)
        more = (result.recovery_table, result.leads_table, result.stated, *result.guards)
        text = " ".join(str(p) for p in (*parts, *more, result.sentence, result.effect))
        assert "nan" not in text.lower().replace("finance", "")
        assert result.excess["gap"].unique().tolist() == [0, 30, 90, 180]
    assert "cannot be told from these data" in result.sentence
    assert result.effect.reason


def test_the_stated_figure_is_explained_and_not_printed(sample):
    text = str(sample.stated)
    assert "stated intention" in text
    assert "32" not in text.replace(shock_wording.markup.number(sample.effect.value), "")


# --- refusals ---------------------------------------------------------------------------------


def test_what_cannot_be_asked_is_refused_with_the_cure():
    study = firms.sample()
    with pytest.raises(QuestionError, match="'low score', 'complaint' or 'long case'"):
        one_bad_experience(study, event="rude word")
    with pytest.raises(QuestionError, match="complaint desk, phone"):
        one_bad_experience(study, event="complaint", at="desk")
    with pytest.raises(QuestionError, match="Scores under responses"):
        one_bad_experience(study, event="low score", measure="npx")
    with pytest.raises(QuestionError, match="Declare another event"):
        one_bad_experience(study, event="low score", cut=-1)


def test_a_snapshot_and_a_study_without_tables_are_refused(tmp_path):
    (tmp_path / "c.csv").write_text("months,gone,bad\n3,1,1\n5,0,0\n")
    (tmp_path / "u.csv").write_text("unit\nA\n")
    snapshot = (
        "study: x\nas_of: 2025-01-01\ncustomers: {file: c.csv, form: snapshot, customer: row, "
        "tenure: {column: months, unit: months}, churned: gone, window: the last quarter, "
        "experience: {complained: {column: bad, bad: [1]}}}\n"
    )
    (tmp_path / "study.yml").write_text(snapshot)
    with pytest.raises(QuestionError, match="form: dates"):
        one_bad_experience(cx.open_study(tmp_path / "study.yml"))
    (tmp_path / "study.yml").write_text(
        "study: x\nas_of: 2025-01-01\nunits: {file: u.csv, unit: unit}\n"
    )
    with pytest.raises(MissingTableError, match="customers"):
        one_bad_experience(cx.open_study(tmp_path / "study.yml"))


# --- sentences --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(50))
def test_the_sentence_of_a_random_result(seed):
    rng = np.random.default_rng(seed)
    value, se = rng.normal(0, 8), rng.uniform(0.5, 5)
    first = rng.normal(0, 8)
    main = {"affected": rng.uniform(5, 60), "others": rng.uniform(5, 60)}
    ungapped = {"value": first, "low": first - 3.0, "high": first + 3.0}
    effect = Difference(
        metric="Left within 12 months",
        measured_in="percentage points",
        a="affected",
        b="not yet affected",
        value=value,
        low=value - 1.96 * se,
        high=value + 1.96 * se,
        se=se,
        p=0.5,
        level=0.95,
        n_a=int(rng.integers(20, 5000)),
        n_b=int(rng.integers(20, 5000)),
        n_missing=0,
        method="test",
    )
    text = shock_wording.sentence(effect, main, ungapped, "a score of 6 or less (nps)", 90, 12)
    assert ("more customers leave: " in text) == (effect.direction == "higher")
    assert ("fewer customers leave: " in text) == (effect.direction == "lower")
    open_ = effect.direction == "cannot be told"
    assert ("leaving already" in text) == (open_ and ungapped["low"] > 0)
    assert ("cannot be told" in text) == (open_ and ungapped["low"] <= 0)
    shown = value if open_ else abs(value)
    assert all(said(text, v, 1) for v in (shown, effect.low, effect.high, *main.values()))
    assert said(text, effect.n_a, 0)
    noted = str(shock_wording.stated(effect, 12))
    assert said(noted, value, 1)


def test_of_very_many_customers_fewer_are_others_and_the_answer_stays(monkeypatch):
    firm = shock_firms.study(2, n=2000, factor=2.0, newcomers=True)
    whole = one_bad_experience(firm)
    monkeypatch.setattr("cxkit.retention.trials.MOST_ROWS", 40_000)
    fewer = one_bad_experience(firm)
    assert fewer.effect.n_a == pytest.approx(whole.effect.n_a, abs=40)
    assert abs(fewer.effect.value - whole.effect.value) < whole.effect.se


def test_the_error_by_customer_has_its_correction_for_few():
    influence = np.array([[0.2, -0.1], [0.0, 0.3], [-0.2, -0.2], [0.0, 0.0]])
    # the last customer has no row, so three count: 3 / (3 - 1)
    by_hand = np.sqrt(1.5 * (influence**2).sum(axis=0))
    assert cluster_se(influence) == pytest.approx(by_hand)

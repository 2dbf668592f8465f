"""Panel, multilevel and pooled models: other software's values, identities, planted truths."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError
from cxkit.linkage import sections
from cxkit.linkage.likelihood import AGREE, STARTS, Likelihood
from cxkit.linkage.panel import likelihood_ratio
from cxkit.linkage.sections import searched
from tests.reference_case import expected, table


def moments() -> np.ndarray:
    """Return the covariance of case 16, waves side by side."""
    frame = table("O16", "riclpm_sample_moments.csv").set_index("variable")
    order = [f"{v}{t}" for t in range(1, 6) for v in "xy"]
    return frame.loc[order, order].to_numpy(float)


@pytest.mark.parametrize(("stable", "name"), [(False, "clpm"), (True, "ri_clpm")])
def test_case_16_lavaan(stable, name):
    want = expected("O16")[name]
    fit = cx.fit_panel(moments(), n=1189, stable=stable)
    assert fit.chi2 == pytest.approx(want["fit"]["chisq"], abs=1e-4)
    assert fit.df == want["fit"]["df"]
    assert fit.p == pytest.approx(want["fit"]["pvalue"], abs=1e-6)
    assert fit.proper
    for path in want["paths"]:
        lag = f"{path['outcome']}~{path['predictor']}".replace("w", "")
        assert fit.value(lag) == pytest.approx(path["est"], abs=1e-5)
        assert fit.error(lag) == pytest.approx(path["se"], abs=1e-5)


def simulated(
    seed: int, units: int, *, forward: float = 0.0, back: float = 0.0, waves: int = 4
) -> pd.DataFrame:
    """Return stable units (traits correlate .6) whose deviations carry the lags given."""
    rng = np.random.default_rng(seed)
    trait = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], units)
    w = rng.normal(size=(units, 2))
    seen = []
    for t in range(waves):
        if t:
            carried = [0.3 * w[:, 0] + back * w[:, 1], 0.3 * w[:, 1] + forward * w[:, 0]]
            w = np.stack(carried, axis=1) + rng.normal(size=(units, 2))
        seen.append(trait + w)
    both = np.array(seen)
    return pd.DataFrame(
        {
            "unit": np.tile(np.arange(units), waves),
            "wave": np.repeat([f"2024Q{t + 1}" for t in range(waves)], units),
            "engagement": both[:, :, 0].ravel(),
            "experience": both[:, :, 1].ravel(),
        }
    )


def test_swapping_the_series_swaps_the_lags():
    s = moments()
    swap = np.array([i ^ 1 for i in range(10)])
    there = cx.fit_panel(s, n=1189, equal_lags=True)
    back = cx.fit_panel(s[np.ix_(swap, swap)], n=1189, equal_lags=True)
    assert there.chi2 == pytest.approx(back.chi2, abs=1e-6)
    assert there.value("x~y") == pytest.approx(back.value("y~x"), abs=1e-6)


def test_a_restriction_never_fits_better():
    s = moments()
    full = cx.fit_panel(s, n=1189, equal_lags=True)
    for lag in ("x~y", "y~x"):
        statistic, p = likelihood_ratio(
            full, cx.fit_panel(s, n=1189, equal_lags=True, without=[lag])
        )
        assert statistic >= 0
        assert 0 <= p <= 1


def test_the_planted_order_is_found_and_a_wrong_one_is_rare():
    right = Counter(cx.which_first(simulated(s, 200, forward=0.25)).verdict for s in range(25))
    # at a true rate of .8 fewer than 15 of 25 has probability below 0.01
    assert right["engagement precedes"] >= 15
    wrong = Counter(cx.which_first(simulated(s, 60, back=0.3)).verdict for s in range(25))
    # at a true rate of .1 more than 7 of 25 has probability below 0.003
    assert wrong["engagement precedes"] + wrong["both"] <= 7


def test_both_and_neither():
    assert cx.which_first(simulated(1, 400, forward=0.4, back=0.4)).verdict == "both"
    none = cx.which_first(simulated(2, 100))
    assert none.verdict == "cannot tell"
    assert "neither lag can be told from zero" in none.sentence


def test_waves_are_merged_until_the_units_carry_them():
    eight = simulated(3, 120, waves=8).assign(
        wave=lambda f: np.repeat([f"2024-{t + 1:02d}" for t in range(8)], 120)
    )
    found = cx.which_first(eight)
    assert (found.waves, found.merged, found.n) == (4, 2, 120)
    with_gap = eight[~((eight["unit"] == 5) & (eight["wave"] <= "2024-02"))]
    assert cx.which_first(with_gap).dropped == 1


def test_waves_are_merged_further_where_a_unit_misses_one():
    """Sixty units carry six waves; fifty-nine do not, but they carry three averaged ones."""
    whole = simulated(3, 60, waves=6)
    assert (cx.which_first(whole).waves, cx.which_first(whole).merged) == (6, 1)
    gap = whole[~((whole["unit"] == 5) & (whole["wave"] == "2024Q3"))]
    found = cx.which_first(gap)
    assert (found.waves, found.merged, found.n, found.dropped, found.early) == (3, 2, 60, 0, 0)
    seven = cx.which_first(simulated(3, 60, waves=7))
    assert (seven.waves, seven.merged, seven.early) == (3, 2, 1)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (simulated(1, 100, waves=2), "not identified: 2 waves"),
        (simulated(1, 100, waves=1), "not identified: 1 wave"),
        (simulated(1, 20, waves=3), "Too few units for direction: 20 units"),
    ],
)
def test_what_cannot_be_ordered_says_why(frame, said):
    found = cx.which_first(frame)
    assert found.verdict == "cannot tell"
    assert said in found.sentence
    assert found.lags.empty


def test_a_constant_score_is_told_not_crashed():
    frame = simulated(1, 60).assign(experience=3.0)
    found = cx.which_first(frame)
    assert found.verdict == "cannot tell"
    assert "singular" in found.sentence


def test_a_panel_that_the_data_refute_is_said_to_be():
    """The model cannot hold scores that drift ever further apart; its own kind of data it can."""
    alike = simulated(3, 400, waves=5)
    drift = alike.assign(engagement=alike.groupby("unit")["engagement"].cumsum())
    refuted = sections.panel(cx.which_first(drift), level=0.95).caption
    assert "they depart from it" in refuted
    assert "p <\u00a00.001" in refuted
    assert "it is not refuted" in sections.panel(cx.which_first(alike), level=0.95).caption


def test_panel_refusals():
    with pytest.raises(QuestionError, match="it takes three"):
        cx.fit_panel(np.eye(4), n=50)
    with pytest.raises(QuestionError, match="singular"):
        cx.fit_panel(np.ones((6, 6)), n=50)


def test_case_14_within_and_between():
    people = table("O13", "bh1996.csv")
    want = expected("O14")
    for criterion, key in (("REML", "within_between_reml"), ("ML", "within_between_ml")):
        fit = cx.within_between(people, unit="grp", y="wbeing", x="hrs", criterion=criterion)
        w = want[key]
        assert fit.within.value == pytest.approx(w["fixef"]["w_hrs"], abs=1e-7)
        assert fit.between.value == pytest.approx(w["fixef"]["g_hrs"], abs=1e-7)
        assert fit.within.se == pytest.approx(w["se"]["w_hrs"], abs=1e-5)
        assert fit.between.se == pytest.approx(w["se"]["g_hrs"], abs=1e-5)
        assert fit.unit_variance == pytest.approx(w["var"]["(Intercept)"], abs=1e-6)
        assert fit.log_likelihood == pytest.approx(w["loglik"], abs=1e-5)
        assert not fit.singular
    context = want["contextual_reml"]["fixef"]["g_hrs"]
    reml = cx.within_between(people, unit="grp", y="wbeing", x="hrs")
    assert reml.between.value - reml.within.value == pytest.approx(context, abs=1e-7)
    null = cx.within_between(people, unit="grp", y="wbeing")
    assert null.intercept == pytest.approx(want["null_reml"]["fixef"]["(Intercept)"], abs=1e-7)
    assert null.log_likelihood == pytest.approx(want["null_reml"]["loglik"], abs=1e-5)


def test_case_22_a_singular_fit_is_flagged_and_equals_least_squares():
    want = expected("O22")["covariate"]
    fit = cx.within_between(table("O22", "dyestuff2.csv"), unit="batch", y="yield", x="unit_x")
    assert fit.singular
    assert fit.unit_variance == 0
    assert fit.between.value == pytest.approx(want["fixef"]["unit_x"], abs=1e-8)
    assert fit.between.se == pytest.approx(want["se"]["unit_x"], abs=1e-8)
    assert fit.least_squares.value == pytest.approx(fit.between.value, abs=1e-10)
    assert fit.log_likelihood == pytest.approx(want["reml_loglik"], abs=1e-8)
    assert fit.within.status == "no data"


def two_peaks(far: float) -> pd.DataFrame:
    """Return five large units whose means are equal, and one person far from all of them.

    The five say that units do not differ, the one that they do: each is a peak of the likelihood.
    """
    noise = np.random.default_rng(3).normal(size=(5, 300))
    noise -= noise.mean(axis=1, keepdims=True)
    unit = np.append(np.repeat(np.arange(5), 300), 5)
    return pd.DataFrame({"u": unit, "y": np.append(noise.ravel(), far)})


@pytest.mark.parametrize("criterion", ["REML", "ML"])
@pytest.mark.parametrize(("far", "zero"), [(5, True), (8, False)])
def test_a_search_from_one_start_may_miss_the_best_and_that_is_told(far, zero, criterion):
    """On a fine grid of its own the best is where the kit says, and one start ends elsewhere."""
    rows = two_peaks(far)
    fit = cx.within_between(rows, unit="u", y="y", criterion=criterion)
    codes, y = rows["u"].to_numpy(), rows["y"].to_numpy()
    likelihood = Likelihood(np.ones((len(y), 1)), y, codes, 6, criterion)
    grid = [0.0, *np.logspace(-5, 4, 4000)]
    best = max(likelihood.at(ratio)[3] for ratio in grid)
    assert best - 1e-9 <= fit.log_likelihood < best + 1e-4
    assert fit.singular is zero
    ends = [likelihood.at(likelihood.by_slope(start))[3] for start in STARTS]
    assert max(ends) - min(ends) > 1, "from some start the climb ends at the lower peak"
    assert fit.behind == pytest.approx(best - min(ends), abs=1e-3)
    assert 1 < fit.agreed < fit.searches
    assert "more than one peak" in searched(fit)


def test_the_best_is_kept_whichever_search_finds_it(monkeypatch):
    """A grid that stops at zero, as a fragile routine might: another search is the answer."""
    right = cx.within_between(two_peaks(8), unit="u", y="y")
    monkeypatch.setattr(Likelihood, "by_grid", lambda _: 0.0)
    found = cx.within_between(two_peaks(8), unit="u", y="y")
    assert found.log_likelihood == pytest.approx(right.log_likelihood, abs=AGREE)
    assert (found.singular, found.agreed) == (False, right.agreed - 1)


def test_where_there_is_one_peak_all_searches_agree():
    rng = np.random.default_rng(8)
    unit = np.repeat(np.arange(25), 12)
    y = rng.normal(size=25)[unit] + rng.normal(size=300)
    fit = cx.within_between(pd.DataFrame({"u": unit, "y": y}), unit="u", y="y")
    assert fit.agreed == fit.searches
    assert fit.behind < AGREE
    assert "found the same largest likelihood" in searched(fit)
    likelihood = Likelihood(np.ones((300, 1)), y, unit, 25, "REML")
    ratios = [likelihood.by_slope(start) for start in STARTS]
    assert ratios == pytest.approx([fit.unit_variance / fit.residual_variance] * 3, rel=1e-2)
    none = cx.within_between(pd.DataFrame({"u": unit, "y": y - np.repeat(
        np.bincount(unit, y) / 12, 12)}), unit="u", y="y")  # fmt: skip
    assert none.singular
    assert none.agreed == none.searches
    assert "singular" in searched(none)


def test_the_likelihood_is_statsmodels_where_that_converges():
    import statsmodels.api as sm

    rng = np.random.default_rng(5)
    unit = np.repeat(np.arange(40), 15)
    x = rng.normal(size=600)
    y = 1 + 0.5 * x + rng.normal(size=40)[unit] + rng.normal(size=600)
    fit = cx.within_between(pd.DataFrame({"u": unit, "x": x, "y": y}), unit="u", y="y", x="x")
    mean = (np.bincount(unit, x) / 15)[unit]
    other = sm.MixedLM(y, np.column_stack([np.ones(600), mean, x - mean]), unit)
    theirs = other.fit(reml=True, method="powell")
    assert fit.within.value == pytest.approx(theirs.params[2], abs=1e-5)
    assert fit.log_likelihood >= theirs.llf - 1e-6


def test_multilevel_refusals():
    with pytest.raises(ColumnError, match="'mood'"):
        cx.within_between(pd.DataFrame({"u": [1], "y": [1.0]}), unit="u", y="y", x="mood")
    with pytest.raises(QuestionError, match="at least 3 units"):
        cx.within_between(pd.DataFrame({"u": [1, 1, 2], "y": [1.0, 2, 3]}), unit="u", y="y")


def test_case_17_metafor():
    bcg, want = table("O17", "bcg.csv"), expected("O17")
    for refined, key in ((False, "bcg_reml"), (True, "bcg_reml_hk")):
        found = cx.pool(bcg["yi"], bcg["vi"], knapp_hartung=refined)
        w = want[key]
        assert found.mean.value == pytest.approx(w["est"], abs=1e-6)
        assert found.mean.se == pytest.approx(w["se"], abs=1e-6)
        assert found.tau2 == pytest.approx(w["tau2"], abs=1e-6)
        assert found.q == pytest.approx(w["Q"], abs=1e-8)
        assert [found.mean.low, found.mean.high] == pytest.approx([w["lo"], w["hi"]], abs=1e-5)
        # metafor predicts with the quantile of the mean's interval, the kit with t on k - 2
        theirs = stats.t.isf(0.025, found.k - 1) if refined else stats.norm.isf(0.025)
        wider = stats.t.isf(0.025, found.k - 2) / theirs
        reach = [found.prediction_low - w["est"], found.prediction_high - w["est"]]
        expects = [wider * (w["pi_lo"] - w["est"]), wider * (w["pi_hi"] - w["est"])]
        assert reach == pytest.approx(expects, abs=1e-5)
    profile = want["bcg_tau2_qprofile"]
    assert [found.tau2_low, found.tau2_high] == pytest.approx(
        [profile["lo"], profile["hi"]], abs=1e-4
    )
    molloy = table("O17", "molloy2014.csv")
    z = cx.pool(np.arctanh(molloy["ri"]), 1 / (molloy["ni"] - 3))
    w = want["molloy_z"]["REML_HK"]
    assert z.mean.value == pytest.approx(w["est"], abs=1e-4)
    assert z.tau2 == pytest.approx(w["tau2"], abs=1e-4)


def test_equal_effects_have_no_variance_between_and_swap_with_sign():
    same = cx.pool([0.3] * 5, [0.01] * 5)
    assert same.tau2 == 0
    assert same.mean.value == pytest.approx(0.3)
    there, back = cx.pool([0.1, 0.4, 0.2], [0.01] * 3), cx.pool([-0.1, -0.4, -0.2], [0.01] * 3)
    assert there.mean.value == pytest.approx(-back.mean.value)
    assert there.tau2 == pytest.approx(back.tau2)


def test_one_group_cannot_be_pooled():
    found = cx.pool([0.3, np.nan], [0.01, 0.01])
    assert found.mean.status == "no data"
    assert found.mean.n_missing == 1
    assert found.prediction_low is None

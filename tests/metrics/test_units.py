"""Many units: funnel limits and shrunken scores, against other software and planted truth."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError
from cxkit.metrics.shrinkage import reml
from tests import reference_case

#: Rubin (1981), table 1: effects of coaching in eight schools and their standard errors.
SCHOOLS = ([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18])
#: Efron and Morris (1975): hits of eighteen players in their first 45 times at bat, 1970.
HITS = [18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7]


def as_frame(values, errors, measured_in="score"):
    """A frame as cx.by returns it, from published scores and their errors."""
    return pd.DataFrame(
        {
            "unit": [f"u{i:02d}" for i in range(len(values))],
            "metric": "effect",
            "measured_in": measured_in,
            "value": np.asarray(values, dtype=float),
            "se": np.asarray(errors, dtype=float),
            "level": 0.95,
            "n": 10,
        }
    )


def answers(k=40, tau=12.0, seed=1, low=5, high=80):
    """Branches whose true NPS differs by tau points, and those true scores."""
    rng = np.random.default_rng(seed)
    truth = 20 + rng.normal(0, tau, k)
    rows = []
    for i, t in enumerate(truth):
        p = np.array([0.35 - t / 200, 0.3, 0.35 + t / 200]).clip(0.01)
        scores = rng.choice([3, 8, 10], size=int(rng.integers(low, high)), p=p / p.sum())
        rows += [(f"B{i:03d}", s) for s in scores]
    return pd.DataFrame(rows, columns=["branch", "nps"]), truth


def test_reml_agrees_with_metafor():
    case = reference_case.expected("O17")["bcg_reml"]
    bcg = reference_case.table("O17", "bcg.csv")
    y, v = bcg["yi"].to_numpy(), bcg["vi"].to_numpy()
    assert reml(y, v) == pytest.approx(case["tau2"], abs=1e-4)
    caption = cx.shrunken(as_frame(y, np.sqrt(v)), variance="own").caption
    assert f"{math.sqrt(case['tau2']):.2f}" in caption
    assert f"{case['est']:.2f}".replace("-", "−") in caption


def test_schools_agree_with_the_integral():
    """The average over tau^2 by scipy's adaptive quadrature instead of the grid."""
    y, s = (np.asarray(v, dtype=float) for v in SCHOOLS)
    v = s**2

    def given(tau2):
        w = 1 / (v + tau2)
        mu = (w * y).sum() / w.sum()
        density = math.exp(
            -0.5 * (np.log(v + tau2).sum() + math.log(w.sum()) + (w * (y - mu) ** 2).sum()) + 26
        )
        return density, mu + tau2 * w * (y - mu)

    def chance(tau2, at, target=5.0):
        w = 1 / (v + tau2)
        kept = tau2 * w
        spread = v * kept + (1 - kept) ** 2 / w.sum()
        return special.ndtr((target - at) / np.sqrt(spread))

    def of_each(tau2):
        density, at = given(tau2)
        return density * np.concatenate([[1], at, chance(tau2, at)])

    pieces = [(0, 100), (100, 1e3), (1e3, 1e5), (1e5, 1e8)]
    whole, *each = sum(
        integrate.quad_vec(of_each, a, b, epsabs=0, epsrel=1e-9)[0] for a, b in pieces
    )
    there, below = np.split(np.array(each) / whole, 2)
    found = cx.shrunken(as_frame(*SCHOOLS), variance="own", target=5).frame.sort_values("unit")
    np.testing.assert_allclose(found["value"], there, atol=2e-3)
    np.testing.assert_allclose(found["below"] / 100, below, atol=2e-4)


def test_schools_agree_with_rgbp():
    """R package Rgbp, gbp(y, se), as its authors print it: the same model and prior.

    Rgbp replaces the average over tau^2 by an adjusted density; that moves a mean by less than a
    tenth of the school's own standard error, and a standard deviation by less than a tenth.
    """
    mean = [14.979, 8.077, 4.650, 7.592, 2.737, 4.633, 13.484, 9.189]
    sd = [10.560, 7.810, 10.096, 8.257, 7.634, 8.441, 8.176, 10.227]
    found = cx.shrunken(as_frame(*SCHOOLS), variance="own").frame.sort_values("unit")
    assert (np.abs(found["value"] - mean) < 0.1 * np.array(SCHOOLS[1])).all()
    np.testing.assert_allclose(found["se"], sd, rtol=0.1)


def test_baseball_agrees_with_efron_and_morris():
    """They print a weight of .209 for the arcsine scores: 1 - 15 / S, with S = 18.96.

    The weight here keeps tau^2 at 0 or above, so B = 1 - kept is their gamma, mean 15 / S, below 1.
    """
    x = math.sqrt(45) * np.arcsin(2 * np.array(HITS) / 45 - 1)
    s = ((x - x.mean()) ** 2).sum()
    assert 1 - 15 / s == pytest.approx(0.209, abs=5e-4)
    below = 15 / s * special.gammainc(8.5, s / 2) / special.gammainc(7.5, s / 2)
    found = cx.shrunken(as_frame(x, np.ones(18)), variance="own").frame
    np.testing.assert_allclose(found["kept"], 1 - below, atol=1e-5)


def test_drawn_averages_are_nearer_to_the_rest_of_the_season():
    """Efron and Morris (1975), table 1, last column: the averages of the rest of 1970."""
    rest = "346 298 276 222 273 270 263 210 269 230 264 256 303 264 226 285 316 200"
    hits = pd.DataFrame(
        [(f"p{i:02d}", j < h) for i, h in enumerate(HITS) for j in range(45)],
        columns=["player", "hit"],
    )
    found = cx.shrunken(cx.by(hits, "player", cx.share, column="hit")).frame.sort_values("player")
    season = np.array(rest.split(), dtype=float) / 10
    raw, drawn = (((found[c].to_numpy() - season) ** 2).sum() for c in ("own", "value"))
    assert raw / drawn > 3
    assert (found["low"] < season).all()
    assert (season < found["high"]).all()


@pytest.mark.parametrize(("k", "ratio"), [(8, 0.0), (8, 1.0), (40, 0.25), (40, 4.0)])
def test_intervals_hold_their_level_over_units(k, ratio):
    """Planted truth, 50 firms; the units of a firm share its mean and tau^2, hence .93."""
    rng = np.random.default_rng(7)
    inside, closer = [], []
    for _ in range(50):
        v = 6000 / rng.lognormal(3.5, 0.8, k)
        truth = 30 + rng.normal(0, math.sqrt(ratio * np.median(v)), k)
        frame = as_frame(truth + rng.normal(0, np.sqrt(v)), np.sqrt(v), measured_in="days")
        found = cx.shrunken(frame, variance="own").frame.sort_values("unit")
        inside.append(((found["low"] < truth) & (truth < found["high"])).mean())
        closer.append(((found["value"] - truth) ** 2).sum() < ((found["own"] - truth) ** 2).sum())
    assert 0.93 <= np.mean(inside) <= 1
    assert np.mean(closer) > 0.6


def by_counts(yes, n):
    """Shares of units as cx.by returns them, from how many of how many said yes."""
    units = [f"u{i:03d}" for i in range(len(n))]
    rows = pd.DataFrame(
        {
            "unit": np.repeat(units, 2),
            "yes": [1, 0] * len(n),
            "people": np.column_stack([yes, np.asarray(n) - yes]).ravel(),
        }
    )
    return cx.by(rows, "unit", cx.share, column="yes", counts="people")


@pytest.mark.parametrize(
    ("yes", "n"),
    [
        ([9, 8, 3, 10, 6], [10, 12, 8, 10, 9]),
        ([0, 0, 1, 0, 3, 0, 0, 0], [20, 30, 25, 40, 22, 5, 9, 100]),
        ([90, 10, 50, 99, 1, 0], [100] * 6),  # units as unlike as can be
        (HITS, [45] * 18),
    ],
)
def test_shares_agree_with_a_fine_grid_over_everything(yes, n):
    """The same model on 400 x 400 points of both logits, laid out without looking at the data."""
    yes, n = np.array(yes), np.array(n)
    m = special.expit(np.linspace(-16, 16, 400))[None, :]
    r = 20 * np.exp(np.linspace(-10, 10, 400))[:, None]
    log = np.log(m * (1 - m) / r)  # d(1/r) = (1 / r) d(log r)
    for x, k in zip(yes, n, strict=True):
        log = log + special.betaln(r * m + x, r * (1 - m) + k - x)
    log -= len(n) * special.betaln(r * m, r * (1 - m))
    p = np.exp(log - log.max())
    p /= p.sum()
    found = cx.shrunken(by_counts(yes, n), target=60).frame.sort_values("unit")
    for row, x, k in zip(found.to_dict("records"), yes, n, strict=True):
        at = (x + r * m) / (k + r)
        mean = (p * at).sum()
        second = (p * (at**2 + at * (1 - at) / (k + r + 1))).sum()
        assert row["value"] / 100 == pytest.approx(mean, abs=2e-5)
        assert row["se"] / 100 == pytest.approx(np.sqrt(second - mean**2), rel=1e-3)
        assert row["kept"] == pytest.approx((p * k / (k + r)).sum(), abs=2e-4)
        # The one approximation: the mixture as a beta distribution of its mean and variance.
        if 1e-9 < mean < 1 - 1e-9:
            below = (p * special.betainc(r * m + x, r * (1 - m) + k - x, 0.6)).sum()
            assert row["below"] / 100 == pytest.approx(below, abs=0.03)


@pytest.mark.parametrize(("a", "b"), [(19, 1), (3, 27), (8, 8), (200, 20)])
def test_shares_hold_their_level_over_units_near_the_ends_too(a, b):
    """Planted shares, 60 firms of 25 branches with 4 to 30 answers; chances are as good as said.

    The target lies anywhere among the units; their very middle is looked at below.
    """
    rng = np.random.default_rng(17)
    inside, claims, right = [], [], []
    for _ in range(60):
        n, target = rng.integers(4, 31, 25), 100 * stats.beta.ppf(rng.uniform(0.05, 0.95), a, b)
        truth = rng.beta(a, b, 25)
        frame = cx.shrunken(by_counts(rng.binomial(n, truth), n), target=target).frame
        found, true = frame.sort_values("unit"), 100 * truth
        inside.append(((found["low"] <= true) & (true <= found["high"])).mean())
        chance = found["below"].to_numpy() / 100
        sure = np.maximum(chance, 1 - chance)
        claims.append(sure[sure > 0.8])
        right.append(((true < target) == (chance > 0.5))[sure > 0.8])
        assert (found["low"] >= 0).all()
        assert (found["high"] <= 100).all()
    assert np.mean(inside) >= 0.925  # 1,500 units, those of a firm alike in what is not known
    many = sum(map(len, claims))
    off = sum((r - c).sum() for r, c in zip(right, claims, strict=True)) / many
    by_firm = [(r - c - off).sum() for r, c in zip(right, claims, strict=True)]
    assert many > 200
    assert abs(off) <= 0.01 + 3 * np.linalg.norm(by_firm) / many  # firms err as a whole
    assert abs(off) < 0.08


@pytest.mark.parametrize("measured_in", ["%", "score"])
@pytest.mark.parametrize("k", [8, 30])
def test_units_nearly_alike_are_seldom_called_on_the_wrong_side_of_their_middle(k, measured_in):
    """All chances share the error of the mean there: what is called sure must stay rare."""
    rng = np.random.default_rng(23)
    wrong, told = [], []
    for _ in range(40):
        n = rng.integers(4, 31, k)
        if measured_in == "%":
            truth, target = 100 * rng.beta(80, 40, k), 100 * stats.beta.ppf(0.5, 80, 40)
            frame = by_counts(rng.binomial(n, truth / 100), n)
        else:
            truth, target, se = rng.normal(3, 0.05, k), 3.0, 1 / np.sqrt(n)
            frame = as_frame(rng.normal(truth, se), se, measured_in="score").assign(n=n)
        found = cx.shrunken(frame, target=target).frame.sort_values("unit")
        sure = [(found["below"] >= 95).to_numpy(), (found["below"] <= 5).to_numpy()]
        wrong.append(((sure[0] & (truth >= target)) | (sure[1] & (truth < target))).mean())
        told.append((sure[0] | sure[1]).mean())
    assert np.mean(wrong) <= 0.02 + 3 * np.std(wrong) / math.sqrt(40)
    assert np.mean(wrong) <= 0.05
    assert np.mean(told) <= 0.15


def test_yes_and_no_mirror_the_shrunken_shares_and_unanimous_units_are_in():
    yes, n = np.array([9, 8, 3, 10, 6, 4]), np.array([10, 12, 8, 10, 9, 4])
    one = cx.shrunken(by_counts(yes, n), target=70)
    other = cx.shrunken(by_counts(n - yes, n), target=30).frame.sort_values("unit")
    found = one.frame.sort_values("unit")
    assert (found["status"] == "ok").all()
    np.testing.assert_allclose(found["value"], 100 - other["value"], rtol=1e-6)
    np.testing.assert_allclose(found["low"], 100 - other["high"], rtol=1e-5)
    np.testing.assert_allclose(found["below"], 100 - other["below"], rtol=1e-5)
    assert found["method"].unique().tolist() == [
        "shrunken towards the mean of 6 units, beta-binomial"
    ]
    assert found["value"].between(found["low"], found["high"]).all()
    alike = cx.shrunken(by_counts(np.array([9, 9, 9, 9, 3]), np.full(5, 9)))
    assert "at least 2 units with yes and no; there is 1." in alike.caption
    clustered = by_counts(yes, n).assign(method="Wilson, cluster-robust by 9 clusters")
    assert cx.shrunken(clustered).frame["method"].iloc[0].endswith("units, normal")


def test_the_caption_counts_what_is_as_good_as_sure():
    yes, n = np.array([1, 2, 20, 39, 40, 19]), np.full(6, 40)
    table = cx.shrunken(by_counts(yes, n), target=50)
    sure = (table.frame["below"] >= 95).sum(), (table.frame["below"] <= 5).sum()
    assert sure == (2, 2)
    assert (
        "Below 50.0 % with a chance of 95 % or more: 2 of 6 units; at or above it with that "
        "chance: 2; of 2 it cannot be told."
    ) in table.caption
    assert "Chance to be below 50.0 %" in table.shown.columns
    assert "below" not in cx.shrunken(by_counts(yes, n)).frame


def test_answers_of_branches_hold_the_planted_truth():
    frame, truth = answers(k=120)
    table = cx.shrunken(cx.by(frame, "branch", cx.nps, column="nps"))
    found = table.frame.sort_values("branch")
    inside = ((found["low"] < truth) & (truth < found["high"])).mean()
    assert inside >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 120)
    assert found["kept"].corr(found["n"]) > 0.8
    assert table.frame["value"].is_monotonic_decreasing
    assert "drawn towards the mean of 120 units" in table.caption
    assert "standard deviation of about" in table.caption


def test_shrinking_keeps_between_own_and_mean():
    frame, _ = answers(seed=2)
    found = cx.shrunken(cx.by(frame, "branch", cx.nps, column="nps")).frame
    middle = (found["value"] - found["own"] * found["kept"]) / (1 - found["kept"])
    assert (found["kept"].between(0, 1)).all()
    assert middle.max() - middle.min() < 3
    assert (found["value"].between(found["low"], found["high"])).all()


def test_exact_limits_by_counting():
    """Spiegelhalter's definition, by summing the binomial probabilities of every count."""
    units = [("a", 7, 9), ("b", 30, 55), ("c", 12, 12), ("d", 5, 40)]
    rows = [(u, i < x) for u, x, n in units for i in range(n)]
    found = cx.funnel(
        cx.by(pd.DataFrame(rows, columns=["u", "yes"]), "u", cx.share, column="yes")
    ).frame
    share = sum(x for _, x, _ in units) / sum(n for *_, n in units)
    for row, (_, _, n) in zip(found.to_dict("records"), units, strict=True):
        chance = [math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]
        total = np.cumsum(chance)
        for name, p in (("low", 0.025), ("high", 0.975), ("far_low", 0.001), ("far_high", 0.999)):
            r = int(np.searchsorted(total, p))
            limit = (r - (total[r] - p) / chance[r]) / n
            assert row[name] == pytest.approx(100 * min(max(limit, 0), 1), abs=1e-8)
    assert found["target"].iloc[0] == pytest.approx(100 * share)


def test_normal_limits_and_dispersion_by_hand():
    frame, _ = answers(k=30, seed=3)
    scores = cx.by(frame, "branch", cx.nps, column="nps")
    overall = cx.nps(frame["nps"])
    one = overall.se**2 * overall.n
    found = cx.funnel(scores).frame
    half = stats.norm.isf(0.025) * np.sqrt(one / found["n"])
    np.testing.assert_allclose(found["high"], np.minimum(overall.value + half, 100))
    np.testing.assert_allclose(found["target"], overall.value)
    z = (found["value"] - overall.value) / np.sqrt(one / found["n"])
    np.testing.assert_allclose(found["z"], z)
    drawn = np.sort(np.clip(z, z.quantile(0.1), z.quantile(0.9)))
    phi = (drawn**2).mean()
    w = found["n"] / one
    tau2 = (30 * phi - 29) / (w.sum() - (w**2).sum() / w.sum())
    added = cx.funnel(scores, overdispersion="additive").frame
    half = stats.norm.isf(0.025) * np.sqrt(one / found["n"] + tau2)
    np.testing.assert_allclose(added["low"], np.maximum(overall.value - half, -100))
    wider = cx.funnel(scores, overdispersion="multiplicative")
    half = stats.norm.isf(0.025) * np.sqrt(phi * one / found["n"])
    np.testing.assert_allclose(wider.frame["low"], np.maximum(overall.value - half, -100))
    assert f"phi = {phi:.2f}" in wider.caption


def test_units_alike_lie_outside_as_often_as_is_said():
    """400 branches with the same true share: 5 % and 0.2 % outside, three binomial errors."""
    rng = np.random.default_rng(11)
    n = rng.integers(20, 200, 400)
    frame = pd.DataFrame({"b": np.repeat(np.arange(400), n), "yes": rng.random(n.sum()) < 0.7})
    table = cx.funnel(cx.by(frame, "b", cx.share, column="yes"))
    outside = (table.frame["outside"] != "").sum()
    assert abs(outside - 20) <= 3 * math.sqrt(19)
    assert f"of 400 units {outside} lie outside the 95 % limits" in table.caption
    assert "chance alone would put about 20.0 and 0.8" in table.caption


def test_unlike_units_are_seen_and_the_usual_spread_can_be_allowed_for():
    frame, _ = answers(k=60, tau=25, seed=5, low=40, high=120)
    frame.loc[frame["branch"] == "B007", "nps"] = 3
    scores = cx.by(frame, "branch", cx.nps, column="nps")
    chance = cx.funnel(scores)
    usual = cx.funnel(scores, overdispersion="additive")
    many, few = ((t.frame["outside"] != "").sum() for t in (chance, usual))
    assert many > 3 * max(few, 1)
    odd = usual.frame.set_index("branch").loc["B007"]
    assert odd["outside"] == "below 99.8 %"
    assert "B007" in str(usual)
    assert "a standard deviation between units of" in usual.caption


def test_repeated_answers_widen_the_funnel():
    frame, _ = answers(k=30, seed=8)
    twice = pd.concat([frame, frame], ignore_index=True)
    twice["who"] = [*range(len(frame)), *range(len(frame))]
    once, naive, robust = (
        cx.funnel(cx.by(data, "branch", cx.nps, column="nps", clusters=who))
        for data, who in ((frame, None), (twice, None), (twice, "who"))
    )
    width = [(t.frame["high"] - t.frame["low"]).median() for t in (once, naive, robust)]
    assert width[2] == pytest.approx(width[0], rel=0.05)
    assert width[1] < 0.8 * width[0]
    assert "repeated answers allowed for" in robust.caption
    assert "repeated" not in naive.caption


def test_swapping_yes_and_no_mirrors_the_funnel():
    rng = np.random.default_rng(12)
    frame = pd.DataFrame({"u": np.repeat(list("abcdef"), 30), "yes": rng.random(180) < 0.3})
    one = cx.funnel(cx.by(frame, "u", cx.share, column="yes")).frame
    other = cx.funnel(cx.by(frame.assign(yes=~frame["yes"]), "u", cx.share, column="yes")).frame
    np.testing.assert_allclose(one["value"], 100 - other["value"])
    np.testing.assert_allclose(one["z"], -other["z"], atol=1e-12)
    step = 100 / 30  # counts below and counts above a limit are smoothed from different ends
    assert (abs(one["low"] - (100 - other["high"])) <= step).all()


@pytest.mark.parametrize("ask", [cx.funnel, cx.shrunken])
def test_units_without_a_number_are_said(ask):
    frame, _ = answers(k=6, seed=4)
    extra = pd.DataFrame({"branch": ["Silent", "Silent", None], "nps": [np.nan, np.nan, 9]})
    table = ask(cx.by(pd.concat([frame, extra]), "branch", cx.nps, column="nps"))
    row = table.frame.set_index("branch").loc["Silent"]
    assert (row["status"], pd.isna(row["value"])) == ("no data", True)
    assert row["reason"]
    assert "1 without a number or its standard error are left out" in table.caption
    assert "1 answers without branch are left out" in table.caption
    assert "(missing)" not in table.frame["branch"].tolist()
    assert "nan" not in str(table).lower()


@pytest.mark.parametrize("ask", [cx.funnel, cx.shrunken])
@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("a", np.nan)],
        [("a", 9.0)],
        [("a", 9.0)] * 5 + [("b", 9.0)] * 4,
        [(u, 9.0) for u in "abcdef"],
    ],
    ids=["nothing", "all missing", "one answer", "all alike", "all alike, one each"],
)
def test_nothing_to_tell_is_said(ask, rows):
    frame = pd.DataFrame(rows, columns=["u", "nps"]).astype({"nps": float})
    table = ask(cx.by(frame, "u", cx.nps, column="nps"))
    assert table.caption.startswith("No ")
    assert table.shown.empty
    assert (table.frame["status"] == "no data").all()
    assert table.frame["reason"].astype(bool).all()
    assert "nan" not in str(table).lower()


def test_a_target_that_leaves_chance_no_room_is_said():
    scores = cx.by(pd.DataFrame({"u": list("aabb"), "x": [1, 0, 1, 1]}), "u", cx.share, column="x")
    table = cx.funnel(scores, target=100)
    assert "The target is 100, so nothing varies by chance." in table.caption
    assert (table.frame["status"] == "no data").all()


@pytest.mark.parametrize("ask", [cx.funnel, cx.shrunken])
def test_refusals(ask):
    with pytest.raises(ColumnError, match="asked for column 'metric'"):
        ask(pd.DataFrame({"u": ["a"], "value": [1.0]}))
    two = pd.concat([as_frame([1, 2], [1, 1]), as_frame([1], [1], measured_in="%")])
    with pytest.raises(QuestionError, match="more than one measured_in"):
        ask(two)
    with pytest.raises(QuestionError, match="not a score of single answers"):
        ask(as_frame([0.1, 0.2], [0.1, 0.1], measured_in="correlation"))


def test_choices_that_are_refused():
    scores = as_frame([1, 2], [1, 1])
    with pytest.raises(QuestionError, match="do not widen"):
        cx.funnel(scores, levels=(0.99, 0.95))
    with pytest.raises(QuestionError, match='Write "none", "multiplicative" or "additive"'):
        cx.funnel(scores, overdispersion="random")
    for ask in (cx.funnel, cx.shrunken):
        for unit, target, write in (
            ("%", 120, "a score from 0 to 100"),
            ("points", -120, "a score from -100 to 100"),
            ("score", np.nan, "a number"),
        ):
            match = rf"target {target:g} is no effect.*\n.*Write {write}\."
            with pytest.raises(QuestionError, match=match):
                ask(as_frame([10, 20], [1, 1], measured_in=unit), target=target)
    with pytest.raises(QuestionError, match='Write "pooled" or "own"'):
        cx.shrunken(scores, variance="each")

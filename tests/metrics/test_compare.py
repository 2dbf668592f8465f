import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError
from tests import reference_case


def yes(x, n, **choices):
    return cx.share(np.repeat([True, False], [x, n - x]), **choices)


@pytest.mark.parametrize(
    "there", reference_case.expected("O02")["difference"], ids=lambda c: f"{c['x1']}of{c['n1']}"
)
def test_shares_agree_with_newcombe_and_r(there):
    found = cx.difference(yes(there["x1"], there["n1"]), yes(there["x2"], there["n2"]))
    tolerance = 100 * reference_case.case("O02")["tolerance"]["abs"]
    assert found.value == pytest.approx(100 * there["diff"], abs=tolerance)
    assert found.low == pytest.approx(100 * there["newcombe"][0], abs=tolerance)
    assert found.high == pytest.approx(100 * there["newcombe"][1], abs=tolerance)
    assert found.p == pytest.approx(there["p"], abs=1e-9)
    assert (found.measured_in, found.method) == ("percentage points", "Newcombe")


def test_nps_of_regions_agrees_with_r_and_holm():
    data = reference_case.table("O01", "nps_testdata.csv")
    scores = {region: cx.nps(rows["likelihood"]) for region, rows in data.groupby("region")}
    pairs = reference_case.expected("O01")["region_pairs"]
    found = [cx.difference(scores[p["a"]], scores[p["b"]]) for p in pairs]
    for pair, d in zip(pairs, found, strict=True):
        assert (d.value, d.se) == pytest.approx((pair["diff"], pair["se"]), abs=1e-8)
        assert (d.low, d.high) == pytest.approx((pair["lo"], pair["hi"]), abs=1e-8)
        assert d.p == pytest.approx(pair["p"], abs=1e-8)
    family = cx.holm([d.p for d in found], names=[f"{p['a']}-{p['b']}" for p in pairs])
    np.testing.assert_allclose(family["p_adjusted"], [p["p_holm"] for p in pairs], atol=1e-8)
    assert set(family["family"]) == {6}


def test_means_agree_with_scipy_welch():
    rng = np.random.default_rng(1)
    a, b = rng.integers(1, 6, 30), rng.integers(2, 6, 17)
    found = cx.difference(cx.csat_mean(a), cx.csat_mean(b))
    there = stats.ttest_ind(a, b, equal_var=False)
    assert found.p == pytest.approx(there.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(there.confidence_interval(0.95)))
    assert (found.method, found.measured_in) == ("Welch's t", "score")


def test_retention_uses_the_limits_of_the_curves():
    rng = np.random.default_rng(2)
    curves = [cx.kaplan_meier(rng.exponential(m, 80), rng.random(80) < 0.8) for m in (10, 4)]
    a, b = (cx.km_at(c, 3) for c in curves)
    found = cx.difference(a, b)
    assert found.low == pytest.approx(
        a.value - b.value - math.hypot(a.value - a.low, b.high - b.value)
    )
    assert found.p == pytest.approx(
        2 * stats.norm.sf(abs(a.value - b.value) / math.hypot(a.se, b.se))
    )
    assert (found.method, found.measured_in) == ("MOVER", "percentage points")
    a, b = (cx.km_restricted_mean(c, 3) for c in curves)
    found = cx.difference(a, b)
    assert (found.method, found.measured_in) == ("Wald", "days")


PAIRS = {
    "nps": (cx.nps([10, 9, 3, 8, 10]), cx.nps([1, 9, 3, 8])),
    "share": (yes(9, 12), yes(2, 7)),
    "mean": (cx.csat_mean([5, 4, 4]), cx.csat_mean([1, 2, 5, 3])),
    "unanimous nps": (cx.nps([10, 10, 10]), cx.nps([1, 9, 3, 8])),
    "unanimous mean": (cx.csat_mean([5, 5, 5]), cx.csat_mean([1, 2, 5, 3])),
    "nobody": (yes(0, 12), yes(0, 7)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_swapping_the_groups_flips_the_difference(name):
    a, b = PAIRS[name]
    one, other = cx.difference(a, b), cx.difference(b, a)
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))
    assert one.p == pytest.approx(other.p) or one.p is other.p is None
    assert one.low <= one.value <= one.high
    assert bool(one.reason) == bool(other.reason)


@pytest.mark.parametrize("name", PAIRS)
def test_a_group_against_itself_cannot_be_told(name):
    a, _ = PAIRS[name]
    found = cx.difference(a, a)
    assert (found.value, found.direction) == (0, "cannot be told")
    assert found.p is None or found.p == pytest.approx(1)


def test_unanimous_groups_are_not_taken_as_certain():
    """Ten promoters against ten detractors: Wald's interval would be 200 to 200."""
    found = cx.difference(cx.nps([10] * 10), cx.nps([0] * 10), a_name="North", b_name="South")
    assert found.value == found.high == 200
    assert 0 < found.low < 200
    assert (found.method, found.p) == ("MOVER", None)
    assert found.reason.startswith("No p-value: in North and South all are alike")


def test_shares_of_zero_have_a_p_of_one():
    assert cx.difference(yes(0, 20), yes(0, 30)).p == 1


def test_by_takes_differences_of_what_stands_in_one_row():
    pairs = pd.DataFrame(
        {"segment": list("xxxyyy"), "a": [9, 10, 3, 2, 9, 10], "b": [9, 2, 1, 10, 9, 10]}
    )
    choices = {"measure": "nps"}
    found = cx.by(pairs, "segment", cx.paired_difference, column=["a", "b"], choices=choices)
    for row, (_, part) in zip(found.to_dict("records"), pairs.groupby("segment"), strict=True):
        alone = cx.paired_difference(part["a"], part["b"], measure="nps").as_row()
        assert {name: row[name] for name in alone} == alone
    assert found["segment"].tolist() == ["x", "y"]
    with pytest.raises(QuestionError, match="returned Difference, not an Estimate"):
        cx.compare(pairs, "segment", cx.paired_difference, column=["a", "b"], choices=choices)


def few_clusters(seed, weighted):
    """Two regions of eight branches whose people are alike, and differ by nothing."""
    rng = np.random.default_rng(seed)
    branch = np.repeat(np.arange(16), 12)
    mood = rng.normal(0, 1, 16)[branch]
    score = np.clip(np.round(3 + mood + rng.normal(0, 1, branch.size)), 1, 5)
    parts = [(score[part], branch[part]) for part in (branch < 8, branch >= 8)]
    if not weighted:
        return [cx.csat_mean(s, clusters=pd.Series(b, name="branch")) for s, b in parts]
    heavy = rng.choice([1, 1, 1, 1, 1, 1, 1, 30], score.size)
    return [
        cx.weighted(s, heavy[part], metric="mean", scale=(1, 5))
        for (s, _), part in zip(parts, (branch < 8, branch >= 8), strict=True)
    ]


@pytest.mark.parametrize("weighted", [False, True])
def test_p_of_robust_scores_belongs_to_their_limits(weighted):
    for seed in range(60):
        found = cx.difference(*few_clusters(seed, weighted))
        assert found.method == "MOVER"
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
        other = cx.difference(*reversed(few_clusters(seed, weighted)))
        assert other.p == pytest.approx(found.p)


def test_p_by_few_clusters_holds_its_level():
    """No difference, 8 branches a side: z would cry wolf too often, 500 trials."""
    false, by_z = 0, 0
    for seed in range(500):
        found = cx.difference(*few_clusters(seed, weighted=False))
        false += found.p < 0.05
        by_z += abs(found.value / found.se) > 1.96
    assert false <= stats.binom.isf(0.001, 500, 0.05)
    assert by_z > false


def test_names_and_counts_are_kept():
    found = cx.difference(cx.nps([10, None]), cx.nps([1, 2, None]), a_name="North", b_name="South")
    assert (found.a, found.b, found.n_a, found.n_b, found.n_missing) == ("North", "South", 1, 2, 2)


def test_nothing_on_one_side():
    found = cx.difference(cx.nps([10, 9]), cx.nps([None]), a_name="North", b_name="South")
    assert (found.value, found.low, found.p, found.status) == (None, None, None, "no data")
    assert found.reason == "South: None of the 1 asked gave a usable answer."
    assert found.direction == "cannot be told"


CURVE = cx.kaplan_meier([1, 2, 3, 4], [1, 1, 1, 0])
ICC = pd.DataFrame({"unit": list("aabb"), "score": [1, 2, 4, 5]})


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (cx.nps([1]), yes(1, 2), "metric is 'NPS' in the first and 'share'"),
        (cx.csat([5]), cx.csat([5], top=5), "metric is 'CSAT .4 or 5"),
        (cx.km_restricted_mean(CURVE, 2), cx.km_restricted_mean(CURVE, 3), "mean up to 2 days"),
        (cx.nps([1]), cx.nps([1], level=0.9), "level is 0.95 in the first and 0.9"),
        (cx.km_quantile(CURVE, 0.5), cx.km_quantile(CURVE, 0.5), r"(?s)no standard error.*logrank"),
        (
            cx.icc1(ICC, unit="unit", score="score"),
            cx.icc1(ICC, unit="unit", score="score"),
            "two of them are not compared by subtraction",
        ),
        (replace(cx.nps([1]), measured_in="%"), cx.nps([1]), "measured_in is '%'"),
    ],
)
def test_what_cannot_be_compared_is_refused(a, b, words):
    with pytest.raises(QuestionError, match=words):
        cx.difference(a, b)


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "region": ["South", "North", "South", None, "North", "West"],
            "year": [2024, 2024, 2025, 2025, 2025, 2025],
            "nps": [9, 3, 10, 7, np.nan, np.nan],
        }
    )


def test_by_gives_one_row_per_group(frame):
    found = cx.by(frame, "region", cx.nps, column="nps")
    assert found["region"].tolist() == ["North", "South", "West", "(missing)"]
    assert found["n"].tolist() == [1, 2, 0, 1]
    assert (found["n"] + found["n_missing"]).sum() == len(frame)
    assert found.set_index("region").loc["West", "status"] == "no data"
    assert list(found.columns[1:]) == list(cx.Estimate.__dataclass_fields__)
    one = cx.nps(frame.loc[frame["region"] == "South", "nps"])
    row = found.set_index("region").loc["South"]
    assert (row["value"], row["low"], row["high"]) == (one.value, one.low, one.high)


def test_by_several_keys_and_choices(frame):
    found = cx.by(frame, ["region", "year"], cx.nps, column="nps", choices={"level": 0.9})
    assert found[["region", "year"]].to_records(index=False).tolist() == [
        ("North", 2024),
        ("North", 2025),
        ("South", 2024),
        ("South", 2025),
        ("West", 2025),
        ("(missing)", 2025),
    ]
    assert set(found["level"]) == {0.9}


def test_by_hands_over_several_columns_or_the_frame():
    cases = pd.DataFrame(
        {
            "team": pd.Categorical(list("bba"), categories=list("bac")),
            "opened": pd.to_datetime(["2025-01-01"] * 3),
            "resolved": pd.to_datetime(["2025-01-02", "2025-01-04", None]),
        }
    )
    choices = {"as_of": "2025-01-31", "unit": "days"}
    columns = ["opened", "resolved"]
    found = cx.by(cases, "team", cx.time_to_resolution, column=columns, choices=choices)
    assert found["team"].tolist() == ["b", "a"]
    assert found["status"].tolist() == ["one-sided", "not reached"]
    ratings = ICC.assign(wave=[1, 1, 1, 1])
    found = cx.by(ratings, "wave", cx.icc1, choices={"unit": "unit", "score": "score"})
    assert found["metric"].tolist() == ["ICC(1) of score"]


@pytest.mark.parametrize("dtype", ["Int64", "string", "category", object])
def test_a_missing_group_is_a_row_whatever_the_type(dtype):
    frame = pd.DataFrame(
        {"k": pd.Series([1, None, 1]).astype("Int64").astype(dtype), "nps": [9, 9, 3]}
    )
    found = cx.by(frame, "k", cx.nps, column="nps")
    assert found["n"].tolist() == [2, 1]
    assert found["k"].iloc[1] == "(missing)"


def test_by_of_nothing_has_its_columns(frame):
    found = cx.by(frame.iloc[:0], "region", cx.nps, column="nps")
    assert found.empty
    assert "value" in found


def test_by_refuses(frame):
    with pytest.raises(ColumnError, match=r"(?s)column 'regoin'.*perhaps you meant 'region'"):
        cx.by(frame, "regoin", cx.nps, column="nps")
    with pytest.raises(QuestionError, match="returned float64, not an Estimate"):
        cx.by(frame, "region", pd.Series.mean, column="nps")


def test_cluster_robust_limits_keep_their_few_clusters():
    """Eight customers with five answers each: Welch on 38 degrees of freedom would be too sure."""
    rng = np.random.default_rng(6)
    who = np.repeat(np.arange(4), 5)
    one, other = (np.repeat(rng.integers(2, 6, 4), 5) for _ in range(2))
    a, b = (cx.csat_mean(s, clusters=who) for s in (one, other))
    found = cx.difference(a, b)
    assert found.method == "MOVER"
    assert found.high - found.value == pytest.approx(math.hypot(a.high - a.value, b.value - b.low))
    assert found.high - found.low > 2 * 1.96 * found.se

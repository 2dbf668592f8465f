import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError, ScaleError
from tests import reference_case

CASE = reference_case.case("O11")
THERE, TOLERANCE = CASE["expected"], CASE["tolerance"]


@pytest.fixture(scope="module")
def schools():
    """The Californian schools of R survey, with the two margins of all schools."""
    data = reference_case.table("O11", "apisrs.csv")
    margins = {
        "stype": reference_case.table("O11", "margin_stype.csv").set_index("stype")["Freq"],
        "sch_wide": reference_case.table("O11", "margin_schwide.csv").set_index("sch_wide")["Freq"],
    }
    return data, margins


@pytest.fixture
def answers():
    """Sixty people who answered: the North too many, scores that differ by region."""
    rng = np.random.default_rng(4)
    region = np.repeat(["North", "South", "West"], [36, 16, 8])
    score = np.clip(rng.integers(0, 11, 60) + np.where(region == "North", 2, -1), 0, 10)
    segment = rng.choice(["private", "business"], 60)
    return pd.DataFrame({"region": region, "segment": segment, "nps": score.astype(float)})


REGIONS = {"North": 400, "South": 400, "West": 200}
SEGMENTS = {"private": 700, "business": 300}


def weights_of(kind, schools):
    data, margins = schools
    if kind == "unweighted":
        return data["pw"]
    if kind == "post_stratified":
        return cx.post_stratify(data, by="stype", population=margins["stype"], base="pw")
    return cx.rake(data, margins=margins, base="pw")


@pytest.mark.parametrize("kind", ["unweighted", "post_stratified", "raked"])
def test_weighted_means_and_their_errors_agree_with_r_survey(kind, schools):
    there, weights = THERE[kind], weights_of(kind, schools)
    for column in ("api00", "enroll"):
        found = cx.weighted(schools[0][column], weights, metric="mean")
        assert found.value == pytest.approx(there[f"mean_{column}"], abs=TOLERANCE["means"])
        # R projects by ten rounds of unweighted means, here by a weighted regression.
        assert found.se == pytest.approx(there[f"se_{column}"], rel=TOLERANCE["se"])
        assert found.n == 200


@pytest.mark.parametrize("kind", ["post_stratified", "raked"])
def test_weights_and_what_they_cost_agree_with_r_survey(kind, schools):
    data, there = schools[0], THERE[kind]
    weights = weights_of(kind, schools)
    assert weights.weight.sum() == pytest.approx(there["sum_w"])
    assert weights.largest == pytest.approx(there["max_w"], rel=TOLERANCE["weights_rel"])
    assert weights.effective_n == pytest.approx(there["n_eff"], rel=1e-6)
    assert weights.design_effect == pytest.approx(there["kish_deff"], rel=1e-6)
    for cell in THERE[f"{kind}_weight_by_cell"]:
        inside = (data["stype"] == cell["stype"]) & (data["sch_wide"] == cell["sch_wide"])
        assert weights.weight[inside].to_numpy() == pytest.approx(
            cell["weight"], rel=TOLERANCE["weights_rel"]
        )


def test_margins_are_hit_and_shown_before_and_after(answers):
    weights = cx.rake(answers, margins={"region": REGIONS, "segment": SEGMENTS})
    table = weights.margins.set_index("category")
    assert table["after"].to_numpy() == pytest.approx(table["target"].to_numpy(), rel=1e-6)
    assert table.loc["North", "before"] == pytest.approx(600)
    assert table.loc["North", "people"] == 36
    for name, totals in (("region", REGIONS), ("segment", SEGMENTS)):
        sums = weights.weight.groupby(answers[name]).sum()
        assert sums.to_dict() == pytest.approx(totals, rel=1e-6)
    assert 1 < weights.design_effect < 2
    assert weights.effective_n < weights.n == 60
    text = str(weights)
    assert "raked to region and segment" in text
    assert "margins hit" in text
    assert "<table" in weights._repr_html_()


def test_post_stratification_is_raking_to_one_margin(answers):
    one = cx.post_stratify(answers, by="region", population=REGIONS)
    other = cx.rake(answers, margins={"region": pd.Series(REGIONS)})
    assert one.weight.to_numpy() == pytest.approx(other.weight.to_numpy())
    assert one.iterations == 1


def test_cells_of_two_columns_are_combinations():
    frame = pd.DataFrame({"a": list("xxyy"), "b": list("pqpq"), "s": [1, 2, 3, 4]})
    population = pd.Series(
        [10, 20, 30, 40], index=pd.MultiIndex.from_product([["x", "y"], ["p", "q"]])
    )
    weights = cx.post_stratify(frame, by=["a", "b"], population=population)
    assert weights.weight.tolist() == [10, 20, 30, 40]
    assert weights.margins["category"].tolist() == ["x x p", "x x q", "y x p", "y x q"]


def test_a_group_that_is_a_cell_has_its_own_score_and_error(answers):
    """Within a cell all weigh the same, and its size is known: nothing is left of the weights."""
    weights = cx.post_stratify(answers, by="region", population=REGIONS)
    choices = {"metric": "nps", "weights": weights}
    found = cx.by(answers, "region", cx.weighted, column="nps", choices=choices)
    plain = cx.by(answers, "region", cx.nps, column="nps")
    for column in ("value", "se"):
        assert found[column].to_numpy() == pytest.approx(plain[column].to_numpy(), rel=1e-10)
    assert found[["region", "n", "n_missing"]].equals(plain[["region", "n", "n_missing"]])
    everybody = cx.by(answers, [], cx.weighted, column="nps", choices=choices)
    assert everybody["se"].item() == cx.weighted(answers["nps"], weights, metric="nps").se


def test_the_error_of_a_group_across_cells_is_the_jackknifes(answers):
    """A group that cuts through the cells: delete one person, weight anew, score the group anew."""
    many = pd.concat([answers] * 10, ignore_index=True)
    rng = np.random.default_rng(11)
    many["nps"] = np.clip(many["nps"] + rng.integers(-3, 4, len(many)), 0, 10)
    many.loc[::17, "nps"] = np.nan

    def score(frame):
        weights = cx.post_stratify(frame, by="region", population=REGIONS)
        there = frame["segment"] == "business"
        return cx.weighted(frame["nps"], weights, metric="nps", within=there)

    found = score(many)
    alike = many.groupby(["region", "segment", "nps"], dropna=False).ngroup()  # one score for all
    first = alike.drop_duplicates()
    without = {kind: score(many.drop(index=i)).value for i, kind in first.items()}
    assert 30 < len(without) < 70
    left_out = alike.map(without)
    jackknife = np.sqrt(((left_out - left_out.mean()) ** 2).sum() * (1 - 1 / len(many)))
    assert found.se == pytest.approx(jackknife, rel=0.02)
    there = many[many["segment"] == "business"]
    assert (found.n, found.n_missing) == (there["nps"].count(), there["nps"].isna().sum())


@pytest.mark.parametrize("weight", [1, 30.97, 1e-6])
def test_equal_weights_change_nothing(answers, weight):
    same, easy = np.full(60, weight), answers["nps"].clip(1, 7)
    for found, plain in (
        (cx.weighted(answers["nps"], same, metric="nps"), cx.nps(answers["nps"])),
        (
            cx.weighted(answers["nps"] > 6, same, metric="share"),
            cx.share((answers["nps"] > 6).tolist()),
        ),
        (
            cx.weighted(answers["nps"], same, metric="csat", scale=(0, 10), top=8),
            cx.csat(answers["nps"], scale=(0, 10), top=8),
        ),
        (
            cx.weighted(answers["nps"], same, metric="mean", scale=(0, 10)),
            cx.csat_mean(answers["nps"], scale=(0, 10)),
        ),
        (
            cx.weighted(easy, same, metric="ces", version="2.0"),
            cx.ces(easy, version="2.0"),
        ),
    ):
        for field in ("value", "low", "high", "se"):
            assert getattr(found, field) == pytest.approx(getattr(plain, field), rel=1e-10)
        assert (found.n, found.n_missing) == (plain.n, plain.n_missing)
        assert "effective n 60.0" in found.method


@pytest.mark.parametrize("metric", ["nps", "mean"])
def test_equal_weights_by_cluster_are_the_plain_score_by_cluster(answers, metric):
    who = pd.Series(np.arange(60) // 4, name="customer")
    found = cx.weighted(
        answers["nps"],
        np.ones(60),
        metric=metric,
        clusters=who,
        scale=None if metric == "nps" else (0, 10),
    )
    plain = (
        cx.nps(answers["nps"], clusters=who)
        if metric == "nps"
        else cx.csat_mean(answers["nps"], clusters=who, scale=(0, 10))
    )
    for field in ("value", "low", "high", "se"):
        assert getattr(found, field) == pytest.approx(getattr(plain, field), rel=1e-10)
    assert "cluster-robust by 15 clusters (customer)" in found.method


def test_clusters_that_never_repeat_change_nothing(answers):
    weights = cx.post_stratify(answers, by="region", population=REGIONS)
    for metric in ("nps", "mean"):
        plain = cx.weighted(answers["nps"], weights, metric=metric)
        assert cx.weighted(answers["nps"], weights, metric=metric, clusters=range(60)) == plain


def test_an_answer_without_a_cluster_is_one_of_its_own(answers):
    who = [None, None, *range(2, 30), *range(2, 32)]
    alone = [-1, -2, *range(2, 30), *range(2, 32)]
    one, other = (
        cx.weighted(answers["nps"], np.arange(1, 61), metric="nps", clusters=c)
        for c in (who, alone)
    )
    assert one.low == pytest.approx(other.low, rel=1e-12)
    assert one.method == other.method


def test_a_margin_that_explains_the_score_narrows_the_interval(answers):
    weights = cx.post_stratify(answers, by="region", population=REGIONS)
    knows = cx.weighted(answers["nps"], weights, metric="mean")
    given_only = cx.weighted(answers["nps"], weights.weight, metric="mean")
    assert knows.value == pytest.approx(given_only.value)
    assert knows.se < given_only.se


def test_weights_never_raise_n_even_where_the_margin_explains_everything(answers):
    yes = answers["region"] == "North"
    weights = cx.post_stratify(answers, by="region", population=REGIONS)
    found = cx.weighted(yes, weights, metric="share")
    assert found.value == pytest.approx(40)
    assert found.se == pytest.approx(0, abs=1e-6)
    assert found.n == 60
    wilson = cx.share([True, False], counts=[24, 36])  # 40 % of n = 60 people
    assert (found.low, found.high) == (pytest.approx(wilson.low), pytest.approx(wilson.high))


def test_trimming_is_open_about_what_it_did(answers):
    margins = {"region": {"North": 100, "South": 200, "West": 700}}
    free = cx.rake(answers, margins=margins)
    cut = cx.rake(answers, margins=margins, trim=2)
    assert free.largest_ratio > 2
    assert cut.largest_ratio == pytest.approx(2)
    assert (free.trimmed, cut.trimmed) == (0, 8)
    assert cut.weight.sum() == pytest.approx(1000)
    west = cut.margins.set_index("category").loc["West"]
    assert west["after"] == pytest.approx(2 * 8 * 1000 / 60)
    assert cut.off == pytest.approx(max(abs(cut.margins["after"] / cut.margins["target"] - 1)))
    assert "8 weights cut to 2 times the mean, margins then off by" in str(cut)
    assert cut.effective_n > free.effective_n
    found = cx.weighted(answers["nps"], cut, metric="nps")
    assert "8 weights trimmed" in found.method
    assert found.se == pytest.approx(cx.weighted(answers["nps"], cut.weight, metric="nps").se)


def test_a_limit_that_no_weight_reaches_cuts_nothing(answers):
    plain = cx.post_stratify(answers, by="region", population=REGIONS)
    limited = cx.post_stratify(answers, by="region", population=REGIONS, trim=50)
    assert limited.trimmed == 0
    assert limited.weight.tolist() == plain.weight.tolist()


def test_rows_without_a_category_are_counted_and_not_used(answers):
    answers.loc[:4, "region"] = None
    weights = cx.post_stratify(answers, by="region", population=REGIONS)
    assert (weights.n, weights.n_missing) == (55, 5)
    assert (weights.weight[:5] == 0).all()
    assert "55 answers, 5 without a category" in str(weights)
    answers.loc[10, "nps"] = np.nan
    found = cx.weighted(answers["nps"], weights, metric="nps")
    assert (found.n, found.n_missing) == (54, 6)


def test_the_input_is_not_changed(answers):
    before = answers.copy()
    cx.rake(answers, margins={"region": REGIONS, "segment": SEGMENTS}, trim=2)
    pd.testing.assert_frame_equal(answers, before)


PATTERN = st.tuples(
    st.sampled_from(["North", "South", "West"]),
    st.sampled_from(["private", "business"]),
    st.none() | st.integers(0, 10),
    st.integers(0, 4),
)


@settings(max_examples=50)
@given(st.lists(PATTERN, min_size=1, max_size=12), st.sampled_from(["nps", "mean", "csat"]))
def test_patterns_with_counts_are_the_rows_written_out(rows, metric):
    grid = [(r, s, 5, 1) for r in REGIONS for s in SEGMENTS]  # no empty cell
    patterns = pd.DataFrame([*rows, *grid], columns=["region", "segment", "score", "n"])
    patterns["score"] = patterns["score"].astype(float)
    long = patterns.loc[patterns.index.repeat(patterns["n"])].reset_index(drop=True)
    margins = {"region": REGIONS, "segment": SEGMENTS}
    one = cx.rake(patterns, margins=margins, counts="n")
    other = cx.rake(long, margins=margins)
    assert (one.n, one.n_missing) == (other.n, other.n_missing)
    assert one.effective_n == pytest.approx(other.effective_n, rel=1e-10)
    choices = {"scale": (0, 10)} if metric != "nps" else {}
    a, b = (
        cx.weighted(f["score"], w, metric=metric, **choices)
        for f, w in ((patterns, one), (long, other))
    )
    for field in ("value", "low", "high", "se"):
        assert getattr(a, field) == pytest.approx(getattr(b, field), rel=1e-10, abs=1e-9)
    assert (a.n, a.n_missing, a.status) == (b.n, b.n_missing, b.status)


@pytest.mark.parametrize(
    ("scores", "weights", "choices", "words"),
    [
        ([], [], {"metric": "nps"}, "no answer to count"),
        ([None, None], [1, 2], {"metric": "nps"}, "None of the 2 asked"),
        ([9, 10], [0, 0], {"metric": "nps"}, "All weights are 0"),
        ([None, 10], [5, 0], {"metric": "nps"}, "None of the 2 asked"),
        ([9], [3], {"metric": "mean"}, "One answer"),
        ([9, 4], [3, 0], {"metric": "mean"}, "One answer"),
        ([4, 4, 4], [1, 2, 3], {"metric": "mean"}, "give the ends of the scale"),
        ([9, 3, 4], [1, 2, 3], {"metric": "nps", "clusters": [1, 1, 1]}, "from one cluster"),
        ([9, 3], [1e15, 1e-15], {"metric": "mean"}, "do not bound the mean"),
    ],
)
def test_where_there_is_no_score_it_says_why(scores, weights, choices, words):
    found = cx.weighted(scores, weights, **choices)
    assert (found.value, found.low, found.high, found.se, found.status) == (*[None] * 4, "no data")
    assert words in found.reason
    assert found.n + found.n_missing == len(scores)


@pytest.mark.parametrize("metric", ["nps", "share", "csat", "mean"])
def test_where_all_answer_alike_there_is_still_an_interval(metric):
    scores = [True] * 6 if metric == "share" else [5] * 6
    found = cx.weighted(scores, [1, 1, 1, 1, 1, 5], metric=metric, scale=(1, 5))
    assert found.status == "ok"
    assert found.low <= found.value <= found.high
    assert found.high - found.low > 0.5
    assert found.se == pytest.approx(0, abs=1e-12)


def test_one_answer_has_a_share():
    found = cx.weighted([True], [7], metric="share")
    assert (found.value, found.high, found.n) == (100, 100, 1)
    assert found.low == pytest.approx(cx.share([True]).low)


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (
            lambda f: cx.post_stratify(f, by="region", population={"North": 1, "South": 1}),
            QuestionError,
            "'West' answered, but the population has none",
        ),
        (
            lambda f: cx.post_stratify(f, by="region", population={**REGIONS, "East": 5}),
            QuestionError,
            "5 people with region 'East', but nobody",
        ),
        (
            lambda f: cx.rake(f, margins={"region": REGIONS, "segment": {"private": 1}}),
            QuestionError,
            "'business' answered",
        ),
        (
            lambda f: cx.rake(
                f, margins={"region": REGIONS, "segment": {"private": 700, "business": 299}}
            ),
            QuestionError,
            "region sums to 1,000 people and segment to 999",
        ),
        (lambda f: cx.rake(f, margins={}), QuestionError, "no margin"),
        (
            lambda f: cx.rake(f, margins={"region": {**REGIONS, "West": np.nan}}),
            QuestionError,
            "numbers from 0 on",
        ),
        (
            lambda f: cx.rake(f, margins={"region": {"North": -1, "South": 1, "West": 1}}),
            QuestionError,
            "numbers from 0 on",
        ),
        (
            lambda f: cx.rake(f, margins={"region": pd.Series([1, 2], index=["North", "North"])}),
            QuestionError,
            "'North' stands twice",
        ),
        (
            lambda f: cx.post_stratify(f, by="regio", population=REGIONS),
            ColumnError,
            "perhaps you meant 'region'",
        ),
        (
            lambda f: cx.rake(f.assign(w=-1.0), margins={"region": REGIONS}, base="w"),
            QuestionError,
            "a weight is -1",
        ),
        (
            lambda f: cx.rake(f.assign(w=np.inf), margins={"region": REGIONS}, base="w"),
            QuestionError,
            "a weight is inf",
        ),
        (
            lambda f: cx.rake(f.assign(w=np.nan), margins={"region": REGIONS}, base="w"),
            QuestionError,
            "a weight is missing",
        ),
        (
            lambda f: cx.rake(f.assign(w=0.0), margins={"region": REGIONS}, base="w"),
            QuestionError,
            "sum to 0",
        ),
        (
            lambda f: cx.rake(f[:0], margins={"region": REGIONS}),
            QuestionError,
            "sum to 0 over 0 rows",
        ),
        (
            lambda f: cx.rake(
                f.assign(w=(f["region"] != "West") * 1.0), margins={"region": REGIONS}, base="w"
            ),
            QuestionError,
            "'West', but nobody",
        ),
        (
            lambda f: cx.rake(f.assign(n=0.5), margins={"region": REGIONS}, counts="n"),
            QuestionError,
            "no number of people",
        ),
        (
            lambda f: cx.rake(f, margins={"region": REGIONS}, trim=1),
            QuestionError,
            "at least the mean",
        ),
        (lambda f: cx.weighted(f["nps"], [1, 2], metric="nps"), QuestionError, "60 .* 2 weights"),
        (lambda f: cx.weighted(f["nps"], [-1.0] * 60, metric="nps"), QuestionError, "weight is -1"),
        (
            lambda f: cx.weighted(f["nps"], np.full(60, np.nan), metric="nps"),
            QuestionError,
            "weight is missing",
        ),
        (
            lambda f: cx.weighted(
                f["nps"],
                cx.rake(f, margins={"region": REGIONS}),
                metric="nps",
                counts=np.ones(60),
            ),
            QuestionError,
            "counts belong to the weights",
        ),
        (
            lambda f: cx.weighted(f["nps"], np.ones(60), metric="nps", clusters=[1, 2]),
            QuestionError,
            "2 clusters",
        ),
        (
            lambda f: cx.weighted(f["nps"], np.ones(60), metric="median"),
            QuestionError,
            '"nps", "share", "csat", "ces" or "mean"',
        ),
        (
            lambda f: cx.weighted(f["nps"], np.ones(60), metric="csat", scale=(0, 10), top=11),
            QuestionError,
            "does not split",
        ),
        (lambda f: cx.weighted(f["nps"] * 2, np.ones(60), metric="nps"), ScaleError, "0 to 10"),
        (
            lambda f: cx.weighted(f["nps"] * 0 + 3, np.ones(60), metric="ces"),
            QuestionError,
            'Write version="1.0"',
        ),
        (
            lambda f: cx.weighted(f["nps"], np.ones(60), metric="nps", within=[True, None]),
            QuestionError,
            "within says of 1 of 60 rows",
        ),
        (
            lambda f: cx.weighted(f["nps"], np.ones(60), metric="nps", within=f["region"]),
            ScaleError,
            "within.*'North'.* is not yes or no",
        ),
    ],
)
def test_refusals(answers, ask, error, words):
    with pytest.raises(error, match=words):
        ask(answers)


def test_margins_that_contradict_an_empty_combination_are_refused():
    frame = pd.DataFrame({"a": list("xxyy"), "b": list("ppqq")})
    with pytest.raises(QuestionError, match="do not hold together: after 1,000 rounds"):
        cx.rake(frame, margins={"a": {"x": 60, "y": 40}, "b": {"p": 50, "q": 50}})

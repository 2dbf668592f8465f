import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cxkit as cx
from cxkit.errors import ColumnError, DataError, QuestionError, ScaleError
from tests.metrics.strategies import LAW, same


@pytest.fixture
def items():
    """Eighty people, four items that go together, some left out."""
    rng = np.random.default_rng(6)
    person = rng.normal(3.4, 0.9, 80)
    values = np.clip(np.rint(person[:, None] + rng.normal(0, 0.6, (80, 4))), 1, 5)
    values[rng.random((80, 4)) < 0.06] = np.nan
    return pd.DataFrame(values, columns=["proud", "stay", "valued", "tools"])


def test_favourable_share_of_one_item_is_its_top_boxes(items):
    for one in (items["proud"], items[["proud"]]):
        found = cx.favourability(one, scale=(1, 5))
        plain = cx.csat(items["proud"])
        for field in ("value", "low", "high", "n", "n_missing", "method"):
            assert getattr(found, field) == getattr(plain, field)
    assert found.metric == "Favourable answers (4 or 5 on 1 to 5)"


def test_pooled_items_have_people_as_clusters(items):
    """statsmodels: OLS of the pooled answers on a constant, errors clustered by person."""
    import statsmodels.api as sm

    found = cx.favourability(items, scale=(1, 5))
    long = items.stack().dropna().reset_index()
    long.columns = ["person", "item", "answer"]
    fit = sm.OLS((long["answer"] >= 4).astype(float), np.ones(len(long))).fit(
        cov_type="cluster", cov_kwds={"groups": long["person"], "df_correction": False}
    )
    # statsmodels multiplies by G / (G - 1) (n - 1) / (n - k), here with k = 1.
    assert found.value == pytest.approx(100 * fit.params.iloc[0])
    assert found.se == pytest.approx(100 * fit.bse.iloc[0], rel=1e-9)
    assert found.n == 80
    assert found.n + found.n_missing == len(items)
    assert f"{len(long)} answers to 4 items" in found.method


def test_items_that_go_together_do_not_shrink_the_error(items):
    """The same item four times tells no more than once."""
    once = items[["proud"]].dropna()
    four = pd.concat([once["proud"].rename(f"q{i}") for i in range(4)], axis=1)
    one, other = cx.favourability(once, scale=(1, 5)), cx.favourability(four, scale=(1, 5))
    assert other.value == pytest.approx(one.value)
    assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.06)
    naive = cx.share((four.to_numpy() >= 4).ravel())
    assert other.high - other.low > 1.7 * (naive.high - naive.low)


def test_reversed_items_and_scales_of_their_own():
    frame = pd.DataFrame({"proud": [5, 4, 1], "alone": [1, 5, 4], "again": [10, 9, 2]})
    scale = {"proud": (1, 5), "alone": (1, 5), "again": (0, 10)}
    found = cx.favourability(frame, scale=scale, reversed=["alone"])
    assert found.value == pytest.approx(100 * (2 + 1 + 2) / 9)
    assert found.metric == "Favourable answers (4 or 5 on 1 to 5 and 9 or 10 on 0 to 10)"


def test_the_index_is_the_mean_of_people(items):
    found = cx.engagement_index(items, scale=(1, 5))
    person = items[items.notna().sum(axis=1) >= 2].mean(axis=1)
    assert found.value == pytest.approx(person.mean())
    assert found.se == pytest.approx(person.std() / np.sqrt(len(person)))
    import scipy.stats

    half = scipy.stats.t.isf(0.025, len(person) - 1) * found.se
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))
    naive = items.stack().std() / np.sqrt(items.count().sum())
    assert found.se > 1.4 * naive


def test_people_with_too_few_items_are_counted_missing():
    frame = pd.DataFrame(
        {"a": [5, 4, None, None], "b": [4, None, 2, None], "c": [3, None, 1, None]}
    )
    half = cx.engagement_index(frame, scale=(1, 5))
    assert (half.n, half.n_missing) == (2, 2)
    assert "3 items, at least 2 answered" in half.metric
    assert half.value == pytest.approx((4 + 1.5) / 2)
    every = cx.engagement_index(frame, scale=(1, 5), least=1)
    assert (every.n, every.status) == (1, "no data")
    some = cx.engagement_index(frame, scale=(1, 5), least=0.01)
    assert some.n == 3


def test_the_index_of_one_item_is_its_mean(items):
    one = items[["proud"]]
    found, plain = cx.engagement_index(one, scale=(1, 5)), cx.csat_mean(one["proud"])
    for field in ("value", "low", "high", "se", "n", "n_missing"):
        assert getattr(found, field) == pytest.approx(getattr(plain, field))


def test_turning_the_scale_round_turns_the_index_round(items):
    plain = cx.engagement_index(items, scale=(1, 5))
    turned = cx.engagement_index(items, scale=(1, 5), reversed=list(items))
    assert turned.value == pytest.approx(6 - plain.value)
    assert (turned.low, turned.high) == pytest.approx((6 - plain.high, 6 - plain.low))


@LAW
@given(
    st.lists(
        st.tuples(*[st.none() | st.integers(1, 5)] * 3, st.integers(0, 4)),
        max_size=10,
    )
)
def test_counts_are_rows(rows):
    patterns = pd.DataFrame(rows, columns=["a", "b", "c", "n"]).astype(
        {"a": float, "b": float, "c": float, "n": int}
    )
    long = patterns.loc[patterns.index.repeat(patterns["n"])].drop(columns="n")
    for metric in (cx.favourability, cx.engagement_index):
        one = metric(patterns, scale=(1, 5), counts="n")
        other = metric(long, scale=(1, 5))
        same(one, other)
        assert one.n + one.n_missing == patterns["n"].sum()
        assert (one.value is None) == bool(one.reason)
    same(
        cx.cronbach_alpha(patterns, scale=(1, 5), counts="n"), cx.cronbach_alpha(long, scale=(1, 5))
    )


@pytest.mark.parametrize(
    ("rows", "n", "words"),
    [
        ([], 0, "no answer to count"),
        ([[None, None]], 0, "None of the 1 asked"),
        ([[4, 5]], 1, "come from one cluster"),
    ],
)
def test_where_there_is_no_favourability_it_says_why(rows, n, words):
    frame = pd.DataFrame(rows, columns=["a", "b"], dtype=float)
    found = cx.favourability(frame, scale=(1, 5))
    assert (found.value, found.low, found.status, found.n) == (None, None, "no data", n)
    assert words in found.reason
    index = cx.engagement_index(frame, scale=(1, 5))
    assert (index.value, index.status, index.n) == (None, "no data", n)


def test_where_all_answer_alike_there_is_still_an_interval():
    frame = pd.DataFrame({"a": [5.0] * 8, "b": [5.0] * 8})
    found = cx.favourability(frame, scale=(1, 5))
    assert (found.value, found.high) == (100, 100)
    assert 50 < found.low < 70
    index = cx.engagement_index(frame, scale=(1, 5))
    assert (index.value, index.high, index.se) == (5, 5, 0)
    assert 3 < index.low < 4


def test_enps_is_nps_of_another_name():
    scores = [10, 9, 7, 6, 8, 9, None]
    found, plain = cx.enps(scores), cx.nps(scores)
    assert found.metric == "eNPS"
    assert (found.value, found.low, found.high, found.n) == (
        plain.value,
        plain.low,
        plain.high,
        plain.n,
    )
    with pytest.raises(QuestionError, match="'eNPS' in the first and 'NPS' in the second"):
        cx.difference(found, plain)


def test_participation_is_answered_of_invited():
    found = cx.participation([True, False], counts=[231, 69])
    there = cx.share([True] * 231 + [False] * 69)
    assert found.value == pytest.approx(77)
    assert (found.low, found.high, found.n) == (there.low, there.high, 300)
    assert cx.participation([]).status == "no data"


@pytest.fixture
def staff():
    """Three hundred employments over five years, seen from 2023 on."""
    rng = np.random.default_rng(8)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1900, 300), unit="D")
    stay = pd.to_timedelta(np.ceil(rng.exponential(900, 300)), unit="D")
    end = pd.Series(start + stay)
    seen = end >= "2023-01-01"
    return pd.DataFrame({"start": pd.Series(start), "end": end.where(end <= "2025-12-31")})[
        seen
    ].reset_index(drop=True)


def test_turnover_rate_is_exits_over_person_years_with_exact_limits(staff):
    """Garwood's limits, by scipy's chi-square quantiles."""
    import scipy.stats

    found = cx.staff_turnover(
        staff["start"], staff["end"], as_of="2025-12-31", observed_from="2023-01-01"
    )
    last, first = pd.Timestamp("2025-12-31"), pd.Timestamp("2023-01-01")
    begin = staff["start"].clip(lower=first)
    years = (staff["end"].fillna(last) - begin).dt.days.clip(lower=0).sum() / 365.25
    exits = int(staff["end"].notna().sum())
    assert found.value == pytest.approx(100 * exits / years)
    low = scipy.stats.chi2.ppf(0.025, 2 * exits) / 2
    high = scipy.stats.chi2.ppf(0.975, 2 * exits + 2) / 2
    assert (found.low, found.high) == pytest.approx((100 * low / years, 100 * high / years))
    assert found.se == pytest.approx(100 * np.sqrt(exits) / years)
    assert found.low < 100 * 365.25 / 900 < found.high
    assert f"{exits} exits in" in found.method


def test_time_before_the_data_begin_is_not_counted(staff):
    without = cx.staff_turnover(staff["start"], staff["end"], as_of="2025-12-31")
    late = cx.staff_turnover(
        staff["start"], staff["end"], as_of="2025-12-31", observed_from="2023-01-01"
    )
    assert without.value < 0.8 * late.value


def test_employments_that_ended_before_the_data_begin_are_not_at_risk():
    start = pd.Series(pd.to_datetime(["2019-01-01", "2020-01-01", None]))
    end = pd.Series(pd.to_datetime(["2020-01-01", None, None]))
    found = cx.staff_turnover(start, end, as_of="2024-12-31", observed_from="2023-01-01")
    assert (found.value, found.low, found.n, found.n_missing) == (0, 0, 1, 2)
    assert found.high > 0
    assert found.status == "ok"


def test_exits_of_a_unit_that_go_together_widen_the_limits():
    rng = np.random.default_rng(2)
    unit = np.repeat(np.arange(12), 25)
    start = pd.Series(pd.Timestamp("2023-01-01"), index=range(300))
    risk = np.repeat(np.array([0.05, 0.6] * 6), 25)
    left = rng.random(300) < risk
    end = pd.Series(pd.Timestamp("2023-07-01"), index=start.index).where(left)
    plain = cx.staff_turnover(start, end, as_of="2024-12-31")
    robust = cx.staff_turnover(
        start, end, as_of="2024-12-31", clusters=pd.Series(unit, name="unit")
    )
    assert robust.value == plain.value
    assert robust.high - robust.low > 1.5 * (plain.high - plain.low)
    assert "cluster-robust by 12 clusters (unit)" in robust.method
    alone = cx.staff_turnover(start, end, as_of="2024-12-31", clusters=range(300))
    assert alone == plain
    one = cx.staff_turnover(start, end, as_of="2024-12-31", clusters=["all"] * 300)
    assert (one.status, one.value) == ("no data", None)
    assert "one cluster" in one.reason


def test_cluster_robust_error_of_a_rate_agrees_with_statsmodels(staff):
    """Poisson regression on a constant with log years as offset, errors by cluster."""
    import statsmodels.api as sm

    unit = np.arange(len(staff)) % 20
    found = cx.staff_turnover(staff["start"], staff["end"], as_of="2025-12-31", clusters=unit)
    years = (staff["end"].fillna(pd.Timestamp("2025-12-31")) - staff["start"]).dt.days / 365.25
    fit = sm.GLM(
        staff["end"].notna().astype(float),
        np.ones(len(staff)),
        family=sm.families.Poisson(),
        offset=np.log(years),
    ).fit(cov_type="cluster", cov_kwds={"groups": unit})
    n = len(staff)
    correction = np.sqrt((n - 1) / (n - 1))  # statsmodels' G / (G - 1) (n - 1) / (n - k), k = 1
    assert found.se == pytest.approx(
        found.value * float(np.asarray(fit.bse)[0]) / correction, rel=1e-6
    )


def test_share_gone_within_a_horizon_is_one_less_retention(staff):
    choices = {"as_of": "2025-12-31", "observed_from": "2023-01-01", "horizon": 12}
    found = cx.staff_turnover(staff["start"], staff["end"], **choices)
    kept = cx.retention_rate(staff["start"], staff["end"], **choices)
    assert (found.value, found.low, found.high) == pytest.approx(
        (100 - kept.value, 100 - kept.high, 100 - kept.low)
    )
    assert found.metric == "Staff turnover within 12 months of hiring"
    assert found.measured_in == "%"
    with pytest.raises(QuestionError, match="employees were followed for at most"):
        cx.staff_turnover(DAY, DAY.mask(DAY.notna()), as_of="2024-06-30", horizon=12)


@pytest.mark.parametrize("start", [[], [None, None]])
def test_nobody_at_risk_has_no_turnover(start):
    dates = pd.Series(pd.to_datetime(start), dtype="datetime64[us]")
    found = cx.staff_turnover(dates, dates, as_of="2025-12-31")
    assert (found.value, found.status, found.n) == (None, "no data", 0)
    assert found.n_missing == len(start)


DAY = pd.Series(pd.to_datetime(["2024-01-01"]))


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda f: cx.favourability(f, scale=(1, 5), boxes=5), QuestionError, "do not split"),
        (lambda f: cx.favourability(f, scale=(1, 5), boxes=0), QuestionError, "do not split"),
        (lambda f: cx.favourability(f * 2, scale=(1, 5)), ScaleError, "from 1 to 5"),
        (lambda f: cx.favourability(f[[]], scale=(1, 5)), QuestionError, "no item"),
        (lambda f: cx.favourability(f, scale=(1, 5), counts="n"), ColumnError, "column 'n'"),
        (lambda f: cx.favourability(f, scale={"proud": (1, 5)}), ScaleError, "has no scale"),
        (lambda f: cx.engagement_index(f, scale=(1, 5), least=0), QuestionError, "least is 0"),
        (lambda f: cx.engagement_index(f, scale=(5, 1)), QuestionError, "has no room"),
        (lambda f: cx.engagement_index(f + 0.5, scale=(1, 5)), ScaleError, "a whole number"),
        (lambda f: cx.participation([3]), ScaleError, "Participation"),
        (lambda f: cx.enps([11]), ScaleError, "0 to 10"),
        (
            lambda f: cx.staff_turnover(DAY, DAY - pd.Timedelta(days=1), as_of="2025-01-01"),
            DataError,
            "lies before start",
        ),
        (
            lambda f: cx.staff_turnover(DAY, DAY, as_of="2025-01-01", clusters=[1], horizon=3),
            QuestionError,
            "Leave out clusters or horizon",
        ),
        (
            lambda f: cx.staff_turnover(DAY, DAY, as_of="2025-01-01", clusters=[1, 2]),
            QuestionError,
            "2 clusters",
        ),
    ],
)
def test_refusals(items, ask, error, words):
    with pytest.raises(error, match=words):
        ask(items)

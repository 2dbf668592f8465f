import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import cxkit as cx
from cxkit.errors import QuestionError
from cxkit.metrics.grouped import SCORINGS
from tests.metrics.strategies import LAW, patterns, rows_of, same

#: Each metric with its answers, and the choices it cannot do without.
METRICS = {
    "nps": (cx.nps, (0, 10), {}),
    "share": (cx.share, (0, 1), {}),
    "csat": (cx.csat, (1, 5), {}),
    "csat_mean": (cx.csat_mean, (1, 5), {}),
    "ces 1.0": (cx.ces, (1, 5), {"version": "1.0"}),
    "ces_mean 2.0": (cx.ces_mean, (1, 7), {"version": "2.0"}),
}
each = pytest.mark.parametrize("name", METRICS)


def repeated(n=400, clusters=60, seed=7):
    """Answers of customers who answer several times, and differ."""
    random = np.random.default_rng(seed)
    customer = random.integers(0, clusters, n)
    mood = random.normal(0, 1.5, clusters)
    scores = np.clip(np.round(7.5 + mood[customer] + random.normal(0, 1.5, n)), 0, 10)
    return pd.DataFrame({"customer": customer, "nps": scores, "csat": 1 + scores // 2.5})


@each
@LAW
@given(st.data())
def test_counts_give_what_the_rows_give(name, data):
    metric, (low, high), choices = METRICS[name]
    table = data.draw(patterns(st.integers(low, high)))
    rows = rows_of(table)
    same(metric(table["answer"], counts=table["n"], **choices), metric(rows["answer"], **choices))


@each
@LAW
@given(st.data())
def test_counts_by_cluster_give_what_the_rows_by_cluster_give(name, data):
    metric, (low, high), choices = METRICS[name]
    table = data.draw(patterns(st.integers(low, high)))
    rows = rows_of(table)
    same(
        metric(table["answer"], counts=table["n"], clusters=table["cluster"], **choices),
        metric(rows["answer"], clusters=rows["cluster"], **choices),
    )


@each
@LAW
@given(st.data())
def test_clusters_that_never_repeat_change_nothing(name, data):
    metric, (low, high), choices = METRICS[name]
    rows = rows_of(data.draw(patterns(st.integers(low, high))))
    alone = pd.Series(range(len(rows)), dtype=float)
    same(
        metric(rows["answer"], clusters=alone, **choices),
        metric(rows["answer"], **choices),
    )


@each
@LAW
@given(st.data())
def test_clusters_never_make_the_interval_narrower(name, data):
    metric, (low, high), choices = METRICS[name]
    rows = rows_of(data.draw(patterns(st.integers(low, high))))
    plain = metric(rows["answer"], **choices)
    robust = metric(rows["answer"], clusters=rows["cluster"], **choices)
    assert robust.n == plain.n
    if robust.ok:
        assert robust.value == plain.value
        assert robust.low <= plain.low + 1e-9
        assert robust.high >= plain.high - 1e-9
    elif plain.ok:
        assert "one cluster" in robust.reason


@each
@LAW
@given(st.data())
def test_by_gives_what_the_metric_gives_group_by_group(name, data):
    metric, (low, high), choices = METRICS[name]
    table = data.draw(patterns(st.integers(low, high)))
    found = cx.by(
        table, "group", metric, column="answer", counts="n", clusters="cluster", choices=choices
    )
    assert len(found) == table["group"].nunique()
    for row in found.itertuples():
        part = table[table["group"] == row.group]
        alone = metric(
            part["answer"], counts=part["n"], clusters=part["cluster"], **choices
        ).as_row()
        for field, there in alone.items():
            here = getattr(row, field)
            assert (here is None or here != here) if there is None else here == there


def test_every_metric_of_points_is_held_to_the_law():
    assert {metric for metric, _, _ in METRICS.values()} == set(SCORINGS)


def test_the_cluster_robust_error_agrees_with_statsmodels():
    rows = repeated()
    points = (rows["nps"] >= 9).astype(float) - (rows["nps"] <= 6)
    for values, found in (
        (100 * points, cx.nps(rows["nps"], clusters=rows["customer"])),
        (100.0 * (rows["csat"] >= 4), cx.csat(rows["csat"], clusters=rows["customer"])),
        (rows["csat"], cx.csat_mean(rows["csat"], clusters=rows["customer"])),
    ):
        fit = sm.OLS(values, np.ones(len(values))).fit(
            cov_type="cluster", cov_kwds={"groups": rows["customer"]}, use_t=True
        )
        assert found.value == pytest.approx(fit.params.iloc[0], abs=1e-10)
        assert found.se == pytest.approx(fit.bse.iloc[0], abs=1e-10)
        assert found.method.endswith("cluster-robust by 60 clusters (customer)")
    low, high = fit.conf_int().iloc[0]
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-10)


def test_the_interval_is_that_of_the_effective_n_with_students_quantile():
    rows = repeated()
    found = cx.csat(rows["csat"], clusters=rows["customer"])
    n, p = len(rows), (rows["csat"] >= 4).mean()
    effective = p * (1 - p) * n / (n - 1) / (found.se / 100) ** 2
    assert effective < n / 2
    z2 = stats.t.isf(0.025, 59) ** 2
    middle = (p + z2 / (2 * effective)) / (1 + z2 / effective)
    half = np.sqrt(z2 * p * (1 - p) / effective + z2**2 / (4 * effective**2)) / (1 + z2 / effective)
    assert (found.low, found.high) == pytest.approx((100 * (middle - half), 100 * (middle + half)))


def test_swapping_promoters_and_detractors_flips_the_sign_by_cluster_too():
    rows = repeated()
    points = (rows["nps"] >= 9).astype(int) - (rows["nps"] <= 6)
    one = cx.nps(points.map({1: 10, 0: 8, -1: 0}), clusters=rows["customer"])
    other = cx.nps(points.map({1: 0, 0: 8, -1: 10}), clusters=rows["customer"])
    assert (one.value, one.se) == pytest.approx((-other.value, other.se))
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_people_who_all_agree_count_as_many_as_there_are_clusters():
    found = cx.share([True] * 20, clusters=[1, 2, 3, 4] * 5)
    four = cx.share([True] * 4)
    assert found.low == pytest.approx(100 / (1 + stats.t.isf(0.025, 3) ** 2 / 4))
    assert found.low < four.low
    assert found.high == 100
    assert found.se == 0


@pytest.mark.parametrize("metric", [cx.nps, cx.csat, cx.csat_mean])
def test_edge_cells_end_in_a_status_with_a_reason(metric):
    cells = {
        "all missing": ([None, None], {}),
        "nobody": ([], {}),
        "zero counts": ([4, 5], {"counts": [0, 0]}),
        "one cluster": ([4, 5, 5], {"clusters": ["K1"] * 3}),
    }
    for name, (scores, given_too) in cells.items():
        found = metric(scores, **given_too)
        assert found.status == "no data", name
        assert (found.value, found.low, found.high, found.se) == (None,) * 4
        assert found.reason
    assert "come from one cluster (customer), so" in (
        metric([4, 5], clusters=pd.Series([1, 1], name="customer")).reason
    )
    alike = metric([5] * 9, clusters=[1, 2, 3] * 3)
    assert alike.status == "ok"
    assert alike.low <= alike.value <= alike.high
    assert alike.low < alike.high


@pytest.mark.parametrize(
    ("given_too", "told"),
    [
        ({"counts": [1]}, "2 values but 1 counts"),
        ({"counts": [1, -1]}, r"counts has -1 in row 1, which is no number of people \(1 of 2"),
        ({"counts": [1, 2.5]}, "counts has 2.5 in row 1"),
        ({"counts": [1, None]}, "counts has nan in row 1"),
        ({"counts": ["a", "b"]}, "counts holds .*, not numbers of people"),
        ({"clusters": [1, 2, 3]}, "2 values but 3 clusters"),
    ],
)
def test_counts_and_clusters_that_do_not_fit_are_refused(given_too, told):
    with pytest.raises(QuestionError, match=told):
        cx.nps([9, 3], **given_too)


def test_by_takes_one_group_of_all_and_groups_without_a_label():
    table = pd.DataFrame(
        {"unit": ["N", "N", None], "month": ["2025-01"] * 3, "nps": [9, 3, 10], "n": [2, 2, 5]}
    )
    everybody = cx.by(table, [], cx.nps, column="nps", counts="n")
    assert (everybody["n"].item(), everybody["value"].item()) == (9, 100 * 5 / 9)
    found = cx.by(table, ["unit", "month"], cx.nps, column="nps", counts="n")
    assert found[["unit", "month", "value", "n"]].to_numpy().tolist() == [
        ["N", "2025-01", 0.0, 4],
        ["(missing)", "2025-01", 100.0, 5],
    ]


def test_by_refuses_counts_for_a_metric_without_them_and_moments_of_something_else():
    table = pd.DataFrame({"unit": ["N"], "nps": [9], "n": [2], "x": [1.0]})

    def lonely(column):
        return cx.nps(column)

    with pytest.raises(QuestionError, match="lonely takes no counts"):
        cx.by(table, "unit", lonely, column="nps", counts="n")
    with pytest.raises(QuestionError, match="moments are sums already"):
        cx.by(table, "unit", cx.nps, column="nps", counts="n", moments=True)
    with pytest.raises(QuestionError, match="lonely is not a mean of points"):
        cx.by(table, "unit", lonely, column="nps", moments=True)
    with pytest.raises(QuestionError, match=r"scoring: icc1 is not .*\n  cx.nps, cx.share"):
        cx.scoring(cx.icc1)
    with pytest.raises(QuestionError, match="does not split the scale"):
        cx.scoring(cx.csat, choices={"top": 9})


def test_scoring_says_the_points_of_every_answer():
    assert cx.scoring(cx.nps) == {**dict.fromkeys(range(7), -1), 7: 0, 8: 0, 9: 1, 10: 1}
    assert cx.scoring(cx.share) == {0: 0, 1: 1}
    assert cx.scoring(cx.ces, choices={"version": "1.0"}) == {1: 1, 2: 1, 3: 0, 4: 0, 5: 0}
    assert cx.scoring(cx.csat_mean, choices={"scale": (0, 3)}) == {0: 0, 1: 1, 2: 2, 3: 3}

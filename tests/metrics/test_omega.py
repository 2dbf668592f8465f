import warnings

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError, ScaleError
from cxkit.metrics.omega import one_factor
from tests import reference_case

CASE = reference_case.case("O12")
THERE = CASE["expected"]


def scale_of(loadings, n, seed=0, noise=1.0):
    """People with one common factor."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=n)
    items = {f"q{i}": f * factor + noise * rng.normal(size=n) for i, f in enumerate(loadings)}
    return pd.DataFrame(items)


def test_omega_agrees_with_lavaan():
    data = reference_case.table("O12", "bfi_agreeableness.csv")
    found = cx.omega(data, reversed=["A1"], scale=(1, 6))
    assert found.value == pytest.approx(
        THERE["omega_total_unstandardised"], abs=CASE["tolerance"]["omega"]
    )
    assert (found.n, found.n_missing) == (THERE["complete_cases"], 91)
    assert 0.68 < found.low < found.value < found.high < 0.74
    assert found.reason == ""
    complete = data.assign(A1=7 - data["A1"]).dropna()
    fit = one_factor(complete.cov().to_numpy()[None])
    assert fit.loadings[0] == pytest.approx(THERE["loadings_std"], abs=1e-5)
    alpha = cx.cronbach_alpha(data, reversed=["A1"], scale=(1, 6))
    assert found.value > alpha.value


def test_item_rest_and_alpha_without_an_item_agree_with_r_psych():
    data = reference_case.table("O12", "bfi_agreeableness.csv")
    found = cx.item_rest(data, reversed=["A1"], scale=(1, 6)).set_index("item")
    assert found["item_rest"].to_dict() == pytest.approx(THERE["item_rest_r"], abs=1e-8)
    assert found["alpha_if_dropped"].to_dict() == pytest.approx(THERE["alpha_if_dropped"], abs=1e-8)
    assert not found["against"].any()
    forgotten = cx.item_rest(data).set_index("item")
    assert forgotten.index[forgotten["against"]].tolist() == ["A1"]
    assert "A1" in cx.omega(data, draws=20).reason


def test_the_fit_is_that_of_statsmodels():
    from statsmodels.multivariate.factor import Factor

    for loadings in ([0.5, 0.8, 1.0, 1.2], [0.4, 0.4, 0.9, 0.7, 0.6, 1.1]):
        items = scale_of(loadings, 500)
        fit = one_factor(items.cov().to_numpy()[None])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = Factor(items.to_numpy(), n_factor=1, method="ml")
            model.fit(start=(fit.loadings.T, fit.own[0]), opt={"gtol": 1e-9})
        assert np.abs(model.loadings[:, 0]) == pytest.approx(fit.loadings[0], abs=1e-5)
        assert model.uniqueness == pytest.approx(fit.own[0], abs=1e-5)


def test_equal_loadings_make_omega_alpha():
    one = np.full((4, 4), 0.36) + 0.64 * np.eye(4)
    fit = one_factor(one[None])
    assert fit.omega()[0] == pytest.approx(4 / 3 * (1 - 4 / one.sum()))
    assert fit.settled.all()


def test_omega_of_three_items_by_hand():
    """Three items fit exactly: each squared loading is r12 r13 / r23."""
    loadings = np.array([0.5, 0.6, 0.8])
    corr = np.outer(loadings, loadings)
    np.fill_diagonal(corr, 1)
    sd = np.array([1.0, 2.0, 0.5])
    fit = one_factor((corr * np.outer(sd, sd))[None])
    assert fit.loadings[0] == pytest.approx(loadings, abs=1e-6)
    common = (loadings @ sd) ** 2
    assert fit.omega()[0] == pytest.approx(common / (common + (1 - loadings**2) @ sd**2))


def test_stretching_all_items_changes_nothing_and_the_seed_decides_the_limits():
    items = scale_of([0.8, 1.0, 1.2], 60)
    one, other = cx.omega(items, draws=60), cx.omega(10 - 3 * items, draws=60)
    assert one.value == pytest.approx(other.value)
    assert one == cx.omega(items, draws=60)
    assert one.low != cx.omega(items, draws=60, seed=2).low


def test_patterns_with_counts_are_the_rows_written_out():
    items = scale_of([0.8, 1.0, 1.2, 0.9], 90).round().clip(-1, 1)
    items.loc[3, "q0"] = np.nan
    patterns = items.groupby(list(items), dropna=False).size().rename("n").reset_index()
    one, other = cx.omega(patterns, counts="n", draws=40), cx.omega(items, draws=40)
    assert one == other
    assert one.n_missing == 1
    a, b = cx.item_rest(patterns, counts="n"), cx.item_rest(items)
    pd.testing.assert_frame_equal(a, b, rtol=1e-10)


def test_a_heywood_case_is_said():
    rng = np.random.default_rng(3)
    factor = rng.normal(size=40)
    items = pd.DataFrame(
        {
            "a": factor,
            "b": factor * 0.9 + rng.normal(size=40) * 0.6,
            "c": factor * 0.3 + rng.normal(size=40),
        }
    )
    found = cx.omega(items, draws=40)
    assert found.status == "ok"
    assert "Heywood case: the factor takes all the variance of a" in found.reason


def test_the_interval_holds_the_truth():
    """Two hundred scales of 80 people whose omega is known; the seed is fixed."""
    loadings = np.array([0.6, 0.8, 1.0, 1.2])
    truth = loadings.sum() ** 2 / (loadings.sum() ** 2 + 4)
    held = sum(
        found.low <= truth <= found.high
        for found in (cx.omega(scale_of(loadings, 80, seed=s), draws=200) for s in range(200))
    )
    # 93 % or more in truth shows fewer than 176 of 200 once in 100.
    assert held >= 176


@pytest.mark.parametrize(
    ("rows", "n", "words"),
    [
        ([], 0, "no answer to count"),
        ([[1, None, 2]], 0, "None of the 1 asked"),
        ([[1, 2, 3]], 1, "All gave the same answer to a, b, c"),
        ([[1, 2, 3], [2, 3, 1], [3, 1, 2]], 3, "too few for 3 items"),
        ([[1, 4, 3], [2, 4, 1], [3, 4, 2], [1, 4, 1]], 4, "All gave the same answer to b"),
    ],
)
def test_where_there_is_no_omega_it_says_why(rows, n, words):
    found = cx.omega(pd.DataFrame(rows, columns=["a", "b", "c"], dtype=float), draws=20)
    assert (found.value, found.low, found.se, found.status, found.n) == (
        None,
        None,
        None,
        "no data",
        n,
    )
    assert words in found.reason
    assert found.n + found.n_missing == len(rows)


def test_item_rest_says_where_it_has_no_number():
    found = cx.item_rest(pd.DataFrame({"a": [1, 1], "b": [1, 2], "c": [1, 3]}))
    assert found.loc[0, "item_rest"] is None
    assert found["reason"].tolist() == ["no spread", "", ""]
    empty = cx.item_rest(pd.DataFrame({"a": [], "b": []}, dtype=float))
    assert empty["item_rest"].tolist() == [None, None]
    assert empty["reason"].str.contains("no answer").all()


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda f: cx.omega(f[["q0", "q1"]]), QuestionError, "at least three item columns"),
        (lambda f: cx.omega(f, draws=5), QuestionError, "5 draws show no interval"),
        (lambda f: cx.omega(f, reversed=["q0"]), QuestionError, "omega: turning q0 round needs"),
        (lambda f: cx.omega(f, counts="n"), ColumnError, "column 'n'"),
        (lambda f: cx.omega(f, scale=(0, 1)), ScaleError, "from 0 to 1"),
        (lambda f: cx.item_rest(f[["q0"]]), QuestionError, "no others to go with"),
        (lambda f: cx.item_rest(f, reversed=["q9"], scale=(-9, 9)), ColumnError, "'q9'"),
    ],
)
def test_refusals(ask, error, words):
    with pytest.raises(error, match=words):
        ask(scale_of([0.5, 0.6, 0.7], 30))

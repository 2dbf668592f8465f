import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError, ScaleError
from tests import reference_case

THERE = reference_case.expected("O12")
TOLERANCE = reference_case.case("O12")["tolerance"]["alpha"]


@pytest.fixture
def items():
    rng = np.random.default_rng(1)
    trait = rng.normal(size=(60, 1))
    return pd.DataFrame(
        (3 + trait + rng.normal(size=(60, 4))).round().clip(1, 5), columns=list("wxyz")
    )


def test_alpha_agrees_with_r_psych():
    data = reference_case.table("O12", "bfi_agreeableness.csv")
    found = cx.cronbach_alpha(data, reversed=["A1"], scale=(1, 6))
    assert found.value == pytest.approx(THERE["alpha_complete"], abs=TOLERANCE)
    assert (found.low, found.high) == pytest.approx(THERE["feldt_ci"], abs=TOLERANCE)
    assert found.n == THERE["complete_cases"]
    assert found.n + found.n_missing == len(data)
    assert found.reason == ""


def test_an_item_not_turned_round_is_named():
    data = reference_case.table("O12", "bfi_agreeableness.csv")
    found = cx.cronbach_alpha(data)
    assert found.value == pytest.approx(THERE["alpha_without_reversing_A1"], abs=TOLERANCE)
    assert f"A1 (−{THERE['item_rest_r']['A1']:.2f})" in found.reason
    assert "Reverse-keyed?" in found.reason


def test_turning_every_item_round_keeps_alpha(items):
    turned = cx.reverse(items, columns=list("wxyz"), scale=(1, 5))
    assert cx.cronbach_alpha(items).value == pytest.approx(cx.cronbach_alpha(turned).value)


def test_turning_round_twice_is_nothing(items):
    twice = cx.reverse(
        cx.reverse(items, columns=["w"], scale=(1, 5)), columns=["w"], scale={"w": (1, 5)}
    )
    pd.testing.assert_frame_equal(twice, items)


def test_two_equal_items_are_perfectly_consistent(items):
    found = cx.cronbach_alpha(pd.DataFrame({"a": items["w"], "b": items["w"]}))
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))


def test_reverse_keeps_missing_and_leaves_its_input():
    given = pd.DataFrame({"a": [1, np.nan, 5], "b": [1, 2, 3]})
    turned = cx.reverse(given, columns=["a"], scale=(1, 5))
    assert turned["a"].isna().tolist() == [False, True, False]
    assert turned["a"].dropna().tolist() == [5, 1]
    assert turned["b"].tolist() == given["b"].tolist() == [1, 2, 3]
    assert given["a"].dropna().tolist() == [1, 5]


@pytest.mark.parametrize(
    ("rows", "n", "words"),
    [
        ([], 0, "no answer to count"),
        ([[1, None], [None, 2]], 0, "None of the 2 asked"),
        ([[1, 2], [None, 2]], 1, "One person answered every item"),
        ([[1, 2], [2, 1], [1, 2]], 3, "same sum"),
        ([[4, 4], [4, 4]], 2, "same sum"),
    ],
)
def test_where_there_is_no_alpha_it_says_why(rows, n, words):
    found = cx.cronbach_alpha(pd.DataFrame(rows, columns=["a", "b"], dtype=float))
    assert (found.value, found.low, found.status, found.n) == (None, None, "no data", n)
    assert found.n + found.n_missing == len(rows)
    assert words in found.reason


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda f: cx.cronbach_alpha(f[["w"]]), QuestionError, "at least two item columns"),
        (lambda f: cx.cronbach_alpha(f, reversed=["w"]), QuestionError, "needs the ends of the"),
        (lambda f: cx.cronbach_alpha(f, reversed=["v"], scale=(1, 5)), ColumnError, "column 'v'"),
        (lambda f: cx.cronbach_alpha(f * 2, scale=(1, 5)), ScaleError, "'w', row .* from 1 to 5"),
        (lambda f: cx.reverse(f, columns=["w"], scale=(1, 3)), ScaleError, "from 1 to 3"),
        (lambda f: cx.reverse(f, columns=["w"], scale={"x": (1, 5)}), ScaleError, "no scale; .* x"),
    ],
)
def test_refusals(items, ask, error, words):
    with pytest.raises(error, match=words):
        ask(items)

"""Planning: answers needed and the smallest change, against other software and by simulation."""

import math

import numpy as np
import pytest
from scipy.special import ndtri
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail

import cxkit as cx
from cxkit.errors import QuestionError


def test_units_needed_for_the_published_sizes():
    """Cohen 1992 prints 783 for r = 0.10; the others follow from Fisher's formula by hand."""
    assert [cx.units_needed(r) for r in (0.10, 0.18, 0.20, 0.25, 0.33)] == [783, 240, 194, 124, 70]
    assert cx.units_needed(-0.2) == cx.units_needed(0.2)
    assert cx.units_needed(1) == cx.units_needed(0.999) == 4


@pytest.mark.parametrize(("margin", "n"), [(5, 385), (3, 1068), (2, 2401), (1, 9604)])
def test_margins_of_a_share_as_every_textbook_prints_them(margin, n):
    """Cochran 1977: (1.96 / margin)^2 / 4 rounded up."""
    assert cx.responses_needed("share", margin=margin).n == n


def test_examples_in_the_manual_of_r():
    """R 4.2.2: ?power.prop.test and ?power.t.test print 76.7, 22.02, 0.8689528 and 0.8026."""
    assert cx.responses_needed("share", difference=25, power=0.9).n == 77
    assert cx.responses_needed("mean", difference=1, spread=1, power=0.9).n == 23
    at_20 = cx.smallest_change("mean", n=20, spread=1, power=0.8689528)
    assert at_20.size == pytest.approx(1, abs=1e-5)
    assert cx.smallest_change("share", n=50, power=0.9).size == pytest.approx(30.26, abs=0.005)


@pytest.mark.parametrize("difference", [3, 8, 20])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_statsmodels_agrees(difference, power):
    z = NormalIndPower().solve_power(difference / 70, alpha=0.05, power=power)
    assert cx.responses_needed("nps", difference=difference, spread=70, power=power).n == math.ceil(
        z
    )
    there = samplesize_proportions_2indep_onetail(
        difference / 100, 0.6, power, alpha=0.05, alternative="two-sided"
    )
    found = cx.responses_needed("share", share=60, difference=difference, power=power)
    assert found.n == math.ceil(there)
    t = TTestIndPower().solve_power(difference / 10, alpha=0.05, power=power)
    found = cx.responses_needed("mean", difference=difference / 10, spread=1, power=power)
    assert found.n == max(math.ceil(t), 2)


@pytest.mark.parametrize(("metric", "difference"), [("nps", 9), ("share", 7), ("mean", 0.2)])
@pytest.mark.parametrize("effect", [1, 2.5])
def test_the_smallest_change_at_the_answers_needed_is_the_difference(metric, difference, effect):
    n = cx.responses_needed(metric, difference=difference, design_effect=effect).n
    at, below = (
        cx.smallest_change(metric, n=k, design_effect=effect).size for k in (n, n - effect - 1)
    )
    assert at <= difference * (1 + 1e-9) < below
    assert at == pytest.approx(difference, rel=0.01)


def test_own_answers_bring_their_spread_and_their_repetition():
    answers = [10] * 50 + [8] * 30 + [3] * 20
    e = cx.nps(answers)
    sd = 100 * math.sqrt(0.7 - 0.3**2)
    found = cx.smallest_change(e)
    assert (found.n, found.n_other) == (100, 100)
    assert found.size == pytest.approx((ndtri(0.975) + ndtri(0.8)) * sd * math.sqrt(2 / 100))
    share = cx.share([1] * 30 + [0] * 70)
    assert (
        cx.responses_needed(share, margin=5).n == cx.responses_needed("share", share=30, margin=5).n
    )
    from dataclasses import replace

    repeated = replace(share, se=2 * share.se, method="cluster-robust")
    assert cx.responses_needed(repeated, difference=10).n == pytest.approx(
        4 * cx.responses_needed(share, difference=10).n, abs=4
    )


def test_a_difference_says_what_it_could_have_shown():
    a, b = cx.nps([10] * 40 + [8] * 30 + [3] * 30), cx.nps([10] * 35 + [8] * 30 + [3] * 35)
    d = cx.difference(a, b)
    found = cx.smallest_change(d)
    assert found.size == pytest.approx((ndtri(0.975) + ndtri(0.8)) * d.se)
    assert "a difference of 33.0 points is seen with 80 % power" in str(found)
    none = cx.smallest_change(cx.difference(cx.nps([None]), a))
    assert (none.size, none.status) == (None, "no data")
    assert "None of the 1 asked" in str(none)


def test_the_promised_power_is_kept():
    """2,000 pairs of samples of the size that is said to see 15 points with 80 % power."""
    rng = np.random.default_rng(5)
    p = np.array([0.45, 0.30, 0.25]), np.array([0.375, 0.30, 0.325])
    sd = [100 * math.sqrt(q[0] + q[2] - (q[0] - q[2]) ** 2) for q in p]
    n = cx.responses_needed("nps", difference=15, spread=math.hypot(*sd) / math.sqrt(2)).n
    draws = [rng.multinomial(n, q, 2000) / n for q in p]
    value = [100 * (d[:, 0] - d[:, 2]) for d in draws]
    var = [100**2 * (d[:, 0] + d[:, 2]) - v**2 for d, v in zip(draws, value, strict=True)]
    seen = np.abs(value[0] - value[1]) > ndtri(0.975) * np.sqrt((var[0] + var[1]) / n)
    assert seen.mean() == pytest.approx(0.8, abs=3 * math.sqrt(0.16 / 2000))


def test_what_is_not_known_is_said():
    for e in (cx.nps([]), cx.nps([10, 10]), cx.csat_mean([4]), cx.share([None])):
        for plan in (cx.responses_needed(e, margin=5), cx.smallest_change(e, n=50)):
            assert (plan.status, plan.size) == ("no data", None)
            assert plan.reason
            assert "nan" not in str(plan).lower()
    few = cx.smallest_change("share", n=3, share=90)
    assert (few.status, few.size) == ("not reached", None)
    assert "cannot show any change" in str(few)


def test_sentences_state_the_assumption():
    said = str(cx.responses_needed("mean", difference=0.2, spread=1.1, design_effect=1.5))
    assert "assumed: one answer spreads by 1.10" in said
    assert "design effect 1.5" in said
    two = str(cx.smallest_change("share", n=400, n_before=200, share=30))
    assert "400 answers in one group and 200 in the other" in two
    assert "a share of 30 %" in two
    assert "interval of ± 0.03 points" in str(cx.responses_needed("nps", margin=0.03))
    assert "<p" in cx.smallest_change("nps", n=9)._repr_html_()


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: cx.units_needed(0), "no number of units shows a correlation of 0"),
        (lambda: cx.units_needed(0.2, power=1), "must lie between 0 and 1"),
        (lambda: cx.responses_needed("nps"), "one of them"),
        (lambda: cx.responses_needed("nps", margin=3, difference=3), "one of them"),
        (lambda: cx.responses_needed("nps", margin=-3), "no finite number of answers"),
        (lambda: cx.responses_needed("share", share=90, difference=20), "lead to 110 %"),
        (lambda: cx.responses_needed("share", share=0, margin=2), "not between 0 and 100"),
        (lambda: cx.responses_needed("ttr", margin=2), "cannot be planned for"),
        (lambda: cx.responses_needed("nps", margin=2, design_effect=0), "not above 0"),
        (lambda: cx.smallest_change("nps"), "Write n=..., the answers in each group"),
        (lambda: cx.smallest_change("nps", n=1), "leave a group without a spread"),
        (
            lambda: cx.responses_needed(cx.correlation([1, 2, 3, 4], [2, 1, 4, 3]), margin=0.1),
            "for a correlation use cx.units_needed",
        ),
    ],
)
def test_refusals(ask, said):
    with pytest.raises(QuestionError, match=said):
        ask()

"""Coverage by counting every outcome; the finer grids are in tests/verify."""

import numpy as np
import pytest

import cxkit as cx
from cxkit.metrics.nps import adjusted_wald
from cxkit.metrics.proportions import wilson
from tests import reference_case
from tests.verify.coverage_intervals import (
    NPS_SHARES,
    SIZES,
    WILSON_SHARES,
    nps_coverage,
    wilson_coverage,
)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("shares", NPS_SHARES)
def test_nps_holds_the_truth_as_often_as_it_says(shares, n):
    covered = nps_coverage(shares, n)
    assert 0.93 <= covered <= 0.97
    case = reference_case.case("O23")
    there = case["expected"][f"{shares}|{n}"]["adjwald"]["coverage"]
    assert covered == pytest.approx(there, abs=case["tolerance"]["abs"])


def test_wilson_holds_the_truth_as_often_as_it_says():
    """Shares of 0.05 to 0.95 in steps of 0.05, at n = 10, 20, 50, 100, 200."""
    covered = [wilson_coverage(share, n) for share in WILSON_SHARES for n in SIZES]
    assert min(covered) >= 0.91
    assert 0.945 <= np.mean(covered) <= 0.96


def test_what_was_enumerated_is_what_the_public_functions_give():
    rng = np.random.default_rng(2)
    for _ in range(40):
        scores = rng.integers(0, 11, size=rng.integers(1, 40))
        found = cx.nps(scores)
        low, high = adjusted_wald(
            int((scores >= 9).sum()), int((scores <= 6).sum()), scores.size, level=0.95
        )
        assert (found.low, found.high) == (float(low), float(high))
        yes = scores > 5
        found = cx.share(yes)
        low, high = wilson(int(yes.sum()), yes.size, level=0.95)
        assert (found.low, found.high) == (float(low), float(high))

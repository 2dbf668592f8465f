"""The short form of the coverage of cases, pairs and purchases; the full one is in make verify."""

import pytest
from scipy import stats

from tests.verify import coverage_cases

RUNS = 60


@pytest.fixture(scope="module")
def numbers():
    return coverage_cases.measure(RUNS)


def test_intervals_hold_the_truth_about_as_often_as_they_say(numbers):
    least = stats.binom.ppf(1e-4, RUNS, 0.95) / RUNS
    assert len(numbers) == 12
    assert not {name: held for name, held in numbers.items() if held < least}

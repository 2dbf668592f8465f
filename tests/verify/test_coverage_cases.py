import pytest

from tests import evidence_file
from tests.verify import coverage_cases

RUNS = 2000


@pytest.mark.verify
def test_coverage_of_cases_pairs_and_purchases():
    numbers = coverage_cases.measure(RUNS)
    assert not {k: c for k, c in numbers.items() if not 0.93 <= c <= 0.97}
    evidence_file.write(
        "coverage_cases",
        about=(
            "How often the 95 % interval holds the truth in 2,000 samples of a known firm, seed "
            "fixed. Cases: one to five per customer, alike by a gamma frailty, cut off at the end "
            "of the data, some closed by a machine, errors cluster-robust by customer. Pairs: the "
            "NPS of the same customers twice. Purchases: counts far from one rate for all, and "
            "revenue a fifth of which goes."
        ),
        numbers=numbers,
        seed=coverage_cases.SEED,
        modules=[
            "cxkit.metrics.incidence",
            "cxkit.metrics.paired",
            "cxkit.metrics.purchases",
            "cxkit.metrics.ratios",
            "cxkit.metrics.resolution",
            "cxkit.metrics.restricted",
            "cxkit.metrics.revenue",
            "tests.verify.coverage_cases",
        ],
    )

import pytest

from tests import evidence_file
from tests.verify import coverage_clusters


@pytest.mark.verify
def test_coverage_when_customers_answer_several_times():
    numbers = coverage_clusters.measure()
    for setting, found in numbers.items():
        for metric, share in found["by customer"].items():
            assert 0.93 <= share <= 0.97, (setting, metric, share)
    evidence_file.write(
        "coverage_clusters",
        about=(
            "Share of 2,000 surveys whose 95 % interval holds the truth, where customers answer "
            "several times and are alike to themselves (correlation of the latent mood): with "
            "clusters= the customer, and as if every answer came from another person."
        ),
        numbers=numbers,
        modules=[
            "cxkit.metrics.nps",
            "cxkit.metrics.proportions",
            "cxkit.metrics.clusters",
            "cxkit.metrics.scoring",
            "tests.verify.coverage_clusters",
        ],
        seed=coverage_clusters.SEED,
    )


def test_a_short_run_covers_by_customer_and_not_as_if_independent():
    """500 runs: 4 standard errors of a coverage of 0.95 are 0.039."""
    robust = coverage_clusters.coverage(500, 100, 6, 0.5)
    naive = coverage_clusters.coverage(500, 100, 6, 0.5, clusters=False)
    assert all(0.911 <= share <= 0.989 for share in robust.values())
    assert all(naive[name] < robust[name] - 0.04 for name in naive)

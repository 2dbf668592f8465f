import pytest

from tests import evidence_file
from tests.verify import coverage_weights

RUNS = 2000


@pytest.mark.verify
def test_coverage_under_weights_and_by_cluster():
    numbers = coverage_weights.measure(RUNS)
    for group in ("under weights", "by cluster"):
        outside = {k: c for k, c in numbers[group].items() if not 0.93 <= c <= 0.97}
        assert not outside
    evidence_file.write(
        "coverage_weights",
        about=(
            "How often the 95 % interval holds the truth in 2,000 samples of a known firm, seeds "
            "fixed. Under weights: people answer with chances that depend on region and segment, "
            "as does the score; the smallest of the six cells holds 2.6 of 150 answers on average; "
            "plain weights are one over the chance of answering; trimmed are raked weights cut at "
            "6 times the mean. By cluster: customers answer up to so many times and are alike with "
            "themselves; the score is that of an answer, and errors are cluster-robust by customer."
        ),
        numbers=numbers,
        seed=coverage_weights.SEED,
        modules=[
            "cxkit.metrics.clusters",
            "cxkit.metrics.nps",
            "cxkit.metrics.proportions",
            "cxkit.metrics.raking",
            "cxkit.metrics.weighted",
            "cxkit.metrics.weights",
            "tests.verify.coverage_weights",
        ],
    )

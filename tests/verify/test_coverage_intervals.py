import pytest

from tests import evidence_file
from tests.verify import coverage_intervals


@pytest.mark.verify
def test_coverage_of_intervals():
    numbers = coverage_intervals.measure()
    stated = numbers["nps adjusted Wald, stated grid"]
    assert all(0.93 <= c <= 0.97 for c in stated.values())
    yes = numbers["share Wilson, stated grid"]
    assert min(yes.values()) >= 0.91
    assert 0.945 <= numbers["share Wilson, stated grid, mean"] <= 0.96
    evidence_file.write(
        "coverage_intervals",
        about=(
            "Chance that the 95 % interval holds the truth, by counting every outcome. Stated grid "
            "of NPS: (promoters, passives, detractors) of reference case 23. Stated grid of a "
            "share: 0.05 to 0.95 in steps of 0.05. Both at n = 10, 20, 50, 100, 200. The finer "
            "grids are there to show where coverage is lowest; nothing is promised on them."
        ),
        numbers=numbers,
        modules=[
            "cxkit.metrics.nps",
            "cxkit.metrics.proportions",
            "tests.verify.coverage_intervals",
        ],
    )

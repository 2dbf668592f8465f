import pytest

from tests import evidence_file
from tests.verify import shock_trials


@pytest.mark.verify
def test_what_the_gap_does_to_one_bad_experience():
    numbers = shock_trials.measure()
    now, later, lower, upper = shock_trials.WAYS
    holds, more, fewer = "95 % interval holds the truth", "says more", "says fewer"
    for name, ways in numbers.items():
        if "before the data" not in name:  # a first bad experience that is not known draws to zero
            assert ways[later][holds] >= 0.92, name
        assert ways[later][fewer] <= 0.05, name
    assert numbers["no effect"][now][holds] >= 0.92
    leavers = numbers["on their way out"]
    assert leavers[now][more] == 1
    assert leavers[upper][more] == 1, "a gap for the affected alone is not enough"
    assert leavers[later][more] <= 0.05
    lasting = numbers["lasting, twice the hazard, all joined in the data"]
    assert min(lasting[now][holds], lasting[upper][holds]) >= 0.92
    assert lasting[later][more] >= 0.92
    passing = numbers["three times the hazard for 90 days, all joined in the data"]
    assert passing[now][holds] >= 0.92
    assert passing[lower][fewer] >= 0.2, "the lower reading alone would take harm for good"
    evidence_file.write(
        "shock_trials",
        about=(
            "Excess leaving within 365 days after a first bad experience, in percentage points: "
            f"{shock_trials.RUNS} firms of {shock_trials.CUSTOMERS:,} customers each, by what is "
            "planted and by how others are compared. 'on their way out': nothing has an effect, "
            "and 60 % of those who leave have one more bad experience in their last 90 days. "
            "Lower reading: others stay for 90 days after their own event; upper reading: they "
            "leave the comparison on its day; 'gap 90' spans both, as the kit does. With "
            "customers who joined before the data, a bad experience before the data is not known, "
            "which draws a true effect towards zero."
        ),
        numbers=numbers,
        seed=0,
        modules=[
            "cxkit.retention.events",
            "cxkit.retention.matched",
            "cxkit.retention.readings",
            "cxkit.retention.trials",
            "tests.shock_firms",
            "tests.verify.shock_trials",
        ],
    )

import pytest

from tests import evidence_file
from tests.verify import shock_trials


@pytest.mark.verify
def test_what_the_gap_does_to_one_bad_experience():
    numbers = shock_trials.measure()
    now, later, at_once = shock_trials.WAYS
    holds, above = "95 % interval holds the truth", "95 % interval lies above zero"
    none = numbers["no effect"]
    assert min(none[now][holds], none[later][holds]) >= 0.92
    leavers = numbers["on their way out"]
    assert leavers[now][above] == 1
    assert leavers[at_once][above] == 1, "a gap is not enough if others are left out at once"
    assert leavers[later][holds] >= 0.92
    lasting = numbers["lasting, twice the hazard, all joined in the data"]
    assert min(lasting[now][holds], lasting[at_once][holds]) >= 0.92
    assert lasting[later]["mean estimate"] < lasting[later]["mean truth"]
    assert lasting[later][above] >= 0.92
    passing = numbers["three times the hazard for 90 days, all joined in the data"]
    assert passing[now][holds] >= 0.92
    assert passing[later]["mean estimate"] < 0.25 * passing[now]["mean truth"]
    evidence_file.write(
        "shock_trials",
        about=(
            "Excess leaving within 365 days after a first bad experience, in percentage points: "
            f"{shock_trials.RUNS} firms of {shock_trials.CUSTOMERS:,} customers each, by what is "
            "planted and by how others are compared. 'on their way out': nothing has an effect, "
            "and 60 % of those who leave have one more bad experience in their last 90 days. "
            "'others left out at once': on the day of their own event, not 90 days after it. With "
            "customers who joined before the data, a bad experience before the data is not known, "
            "which draws a true effect towards zero."
        ),
        numbers=numbers,
        seed=0,
        modules=[
            "cxkit.retention.events",
            "cxkit.retention.matched",
            "cxkit.retention.trials",
            "tests.shock_firms",
            "tests.verify.shock_trials",
        ],
    )

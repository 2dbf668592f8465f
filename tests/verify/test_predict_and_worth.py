import pytest

from tests import evidence_file
from tests.verify import noise_measure, worth_coverage


@pytest.mark.verify
def test_pure_noise_seldom_beats_the_controls():
    numbers = noise_measure.better(300)
    assert numbers["saves log-loss"] <= noise_measure.MOST
    assert numbers["clearly better"] <= 0.05
    evidence_file.write(
        "noise_measure",
        about=(
            "Share of 300 simulated firms (1,000 customers, 5 folds by customer) in which a score "
            "of pure noise saves out-of-fold log-loss against tenure and segment alone, and in "
            "which the 95 % interval of that lies above zero. Seeds 0 to 299."
        ),
        numbers=numbers,
        modules=[
            "cxkit.retention.folds",
            "cxkit.retention.judging",
            "cxkit.retention.logit",
            "cxkit.retention.predictors",
            "tests.verify.noise_measure",
        ],
    )


@pytest.mark.verify
def test_the_interval_of_customers_kept_holds_the_planted_number():
    runs = 200
    found = {f"effect {e:g}": worth_coverage.coverage(runs, e) for e in (1.0, 0.0)}
    found["effect 1, full depth"] = worth_coverage.coverage(runs, 1.0, "full")
    evidence_file.write(
        "worth_coverage",
        about=(
            "Share of 200 simulated firms (3,000 customers, from files) whose 95 % interval of the "
            "customers kept, by worth_of_experience, holds the planted number for these customers, "
            "if detractors were served as passives; planted effect of experience as in the sample "
            "(1) and none (0). At the default depth (1,000 joint draws), and with the planted "
            "effect at full depth too (200 bootstrap samples, with a fit for each). Seeds 0 to 199."
        ),
        numbers={"runs": runs, **found},
        modules=[
            "cxkit.retention.hazard",
            "cxkit.retention.moved",
            "cxkit.retention.newton",
            "cxkit.retention.worth",
            "cxkit.simulate.customers",
            "tests.verify.worth_coverage",
        ],
    )
    assert all(share >= 0.92 for share in found.values())

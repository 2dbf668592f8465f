"""Cox and the monthly hazard: other software's values, counts against rows, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ColumnError, DataError, QuestionError
from cxkit.retention.proportional import person_rows
from tests import reference_case

LUNG = {"covariates": ["age", "sex", "ph_ecog"], "start": "", "stop": "time", "left": "event"}


def firm(seed: int, n: int = 600) -> pd.DataFrame:
    """Episodes in whole months with late entry, bands that change, and ties."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 6, n)
    change = start + rng.integers(1, 8, n)
    band = rng.integers(0, 3, (n, 2))
    end = start + np.ceil(rng.exponential(10 / (1 + band[:, 1] / 2))).astype(int)
    end, left = np.minimum(end, 24), end <= 24
    end = np.maximum(end, start + 1)
    first = pd.DataFrame(
        {"id": range(n), "start": start, "stop": np.minimum(change, end), "band": band[:, 0]}
    )
    first["left"] = left & (end <= change)
    later = pd.DataFrame({"id": range(n), "start": change, "stop": end, "band": band[:, 1]})
    later["left"] = left
    rows = pd.concat([first, later[later["stop"] > later["start"]]], ignore_index=True)
    rows["plan"] = np.where(rows["id"] % 3 == 0, "a", "b")
    return rows.assign(band=pd.Categorical.from_codes(rows["band"], ["poor", "fair", "good"]))


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_agrees_with_r(ties):
    there = reference_case.expected("O04")
    found = cx.cox(reference_case.table("O04", "lung_cox.csv"), ties=ties, **LUNG)
    assert (found.n, found.exits) == (there["n"], there["events"])
    there = there[ties]
    # 1e-8: two programs climb to one maximum; R stops at a relative gain of 1e-9
    np.testing.assert_allclose(found.coefficients, list(there["coef"].values()), atol=1e-8)
    np.testing.assert_allclose(
        np.sqrt(np.diag(found.covariance)), list(there["se"].values()), atol=1e-8
    )
    np.testing.assert_allclose([found.null, found.log_likelihood], there["loglik"], atol=1e-8)
    np.testing.assert_allclose(found.frame["p"], list(there["p"].values()), atol=1e-8)
    assert found.ratio("sex").low == pytest.approx(there["lo"]["sex"], abs=1e-6)


def test_errors_by_cluster_agree_with_r():
    lung = reference_case.table("O04", "lung_cox.csv")
    found = cx.cox(lung.assign(who=range(len(lung))), cluster="who", **LUNG)
    there = reference_case.expected("O04")["robust_se_efron"]
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), list(there.values()), atol=1e-8)


@pytest.mark.parametrize("cause", [1, 2])
def test_each_cause_of_leaving_on_its_own_agrees_with_r(cause):
    rows = reference_case.table("O07", "mgus2.csv")
    rows = rows.assign(left=rows["status"] == cause)
    found = cx.cox(rows, covariates=["age", "male"], start="", stop="time")
    there = reference_case.expected("O07")[f"cause_specific_event{cause}"]
    np.testing.assert_allclose(found.coefficients, list(there["coef"].values()), atol=1e-8)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_start_stop_rows_agree_with_statsmodels_once_its_entry_is_moved(ties):
    from statsmodels.duration.hazard_regression import PHReg

    rows = firm(1)
    x = np.column_stack([rows["band"] == "fair", rows["band"] == "good"]).astype(float)
    there = PHReg(
        rows["stop"], x, status=rows["left"].astype(int), entry=rows["start"] + 0.5, ties=ties
    )
    fitted = there.fit()
    found = cx.cox(rows, covariates=["band"], ties=ties)
    np.testing.assert_allclose(found.coefficients, fitted.params, atol=1e-6)  # its own tolerance
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), fitted.bse, atol=1e-6)
    unmoved = PHReg(
        rows["stop"], x, status=rows["left"].astype(int), entry=rows["start"], ties=ties
    ).fit()
    assert np.abs(unmoved.params - found.coefficients).max() > 0.005, "the trap this avoids"
    if ties == "breslow":
        clustered = there.fit(groups=rows["id"].to_numpy())
        by_id = cx.cox(rows, covariates=["band"], ties=ties, cluster="id")
        np.testing.assert_allclose(np.sqrt(np.diag(by_id.covariance)), clustered.bse, atol=1e-6)


def test_counts_equal_rows_and_a_poisson_model_with_one_parameter_a_month():
    import statsmodels.api as sm

    rows = firm(2)
    by_rows = cx.cox(rows, covariates=["band", "plan"], ties="breslow")
    cells = cx.count_months(rows, ["band", "plan"])
    assert cells["at_risk"].sum() == (rows["stop"] - rows["start"]).sum()
    assert cells["exits"].sum() == rows["left"].sum()
    by_counts = cx.cox(person_rows(cells), covariates=["band", "plan"], weight="n", ties="breslow")
    for a, b in (
        (by_rows.coefficients, by_counts.coefficients),
        (by_rows.covariance, by_counts.covariance),
        (by_rows.log_likelihood, by_counts.log_likelihood),
    ):
        np.testing.assert_allclose(a, b, atol=1e-8)
    gone = cells.groupby("month")["exits"].transform("sum") > 0
    cells = cells[gone]
    months = np.sort(cells["month"].unique())
    x = np.column_stack(
        [cells["month"] == m for m in months]
        + [cells["band"] == "fair", cells["band"] == "good", cells["plan"] == "b"]
    ).astype(float)
    poisson = sm.GLM(
        cells["exits"].astype(float),
        x,
        family=sm.families.Poisson(),
        offset=np.log(cells["at_risk"]),
    ).fit(tol=1e-12, maxiter=200)
    np.testing.assert_allclose(by_counts.coefficients, poisson.params[-3:], atol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(by_counts.covariance)), poisson.bse[-3:], atol=1e-8)


def test_efron_on_counts_equals_efron_on_rows():
    rows = firm(3)
    cells = person_rows(cx.count_months(rows, ["band"]))
    by_counts = cx.cox(cells, covariates=["band"], weight="n", ties="efron")
    by_rows = cx.cox(rows, covariates=["band"], ties="efron")
    np.testing.assert_allclose(by_counts.coefficients, by_rows.coefficients, atol=1e-8)
    np.testing.assert_allclose(by_counts.covariance, by_rows.covariance, atol=1e-8)


def test_rows_counted_in_an_engine_give_the_same_months():
    rows = firm(4).assign(band=lambda r: r["band"].astype(str))
    keys = ["start", "stop", "band", "left"]
    packed = cx.counts(rows, keys)
    assert len(packed) < len(rows)
    packed["left"] = packed["left"].astype(bool)
    there = cx.count_months(rows, ["band"])
    pd.testing.assert_frame_equal(cx.count_months(packed, ["band"]), there)


def test_strata_have_a_baseline_of_their_own():
    from statsmodels.duration.hazard_regression import PHReg

    rows = firm(5)
    found = cx.cox(rows, covariates=["band"], strata=["plan"], ties="breslow")
    x = np.column_stack([rows["band"] == "fair", rows["band"] == "good"]).astype(float)
    there = PHReg(
        rows["stop"],
        x,
        status=rows["left"].astype(int),
        entry=rows["start"] + 0.5,
        strata=rows["plan"].to_numpy(),
    ).fit()
    np.testing.assert_allclose(found.coefficients, there.params, atol=1e-6)


def test_turning_a_comparison_round_inverts_the_ratio():
    rows = firm(6)
    turned = rows.assign(band=rows["band"].cat.reorder_categories(["good", "fair", "poor"]))
    there = cx.cox(rows, covariates=["band"]).ratio("band: good")
    back = cx.cox(turned, covariates=["band"]).ratio("band: poor")
    assert there.value == pytest.approx(1 / back.value, abs=1e-9)
    assert there.low == pytest.approx(1 / back.high, abs=1e-9)


def test_a_level_that_repeats_another_is_left_out():
    rows = firm(7).assign(twin=lambda r: r["plan"])
    assert cx.cox(rows, covariates=["plan", "twin"]).terms == ("plan: b",)


def test_cox_refuses_what_it_cannot_fit():
    rows = firm(8)
    with pytest.raises(ColumnError, match="'bandd'"):
        cx.cox(rows, covariates=["bandd"])
    with pytest.raises(DataError, match="half a unit"):
        cx.cox(rows.assign(stop=rows["start"]), covariates=["band"])
    with pytest.raises(QuestionError, match="nobody left"):
        cx.cox(rows.assign(left=False), covariates=["band"])
    with pytest.raises(QuestionError, match="nothing differs"):
        cx.cox(rows.assign(band="poor"), covariates=["band"])
    with pytest.raises(QuestionError, match="no finite estimate"):
        cx.cox(rows.assign(left=rows["left"] & (rows["plan"] == "a")), covariates=["plan"])
    with pytest.raises(QuestionError, match="band: fair, band: good"):
        cx.cox(rows, covariates=["band"]).ratio("band: poor")


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_discrete_time_agrees_with_r(link):
    people = reference_case.table("O06", "rossi.csv")
    there = reference_case.expected("O06")
    rows = people.assign(
        start=0, stop=np.ceil(people["week"] / 4).astype(int), left=people["arrest"] == 1
    )
    counts = cx.count_months(rows, ["fin", "age", "prio"])
    assert counts["at_risk"].sum() == there["person_periods"]
    months = counts.groupby("month")[["at_risk", "exits"]].sum()
    assert months["at_risk"].tolist() == [p["at_risk"] for p in there["life_table"]]
    assert months["exits"].tolist() == [p["events"] for p in there["life_table"]]
    found = cx.discrete_hazard(
        counts, covariates=["fin", "age", "prio"], link=link, baseline="free"
    )
    there = there[link]
    # 1e-6: R's glm stops at a relative change of the deviance of 1e-8
    np.testing.assert_allclose(found.frame["coefficient"], list(there["coef"].values()), atol=1e-6)
    np.testing.assert_allclose(found.frame["se"], list(there["se"].values()), atol=1e-6)
    np.testing.assert_allclose(found.coefficients[:13], there["baseline"], atol=1e-5)
    assert found.log_likelihood == pytest.approx(there["loglik"], abs=1e-8)


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_hazard_on_counts_equals_statsmodels_on_one_row_per_customer_and_month(link):
    import statsmodels.api as sm

    rows = firm(9, n=400)
    found = cx.discrete_hazard(
        cx.count_months(rows, ["band"]), covariates=["band"], link=link, baseline="free"
    )
    long = rows.loc[rows.index.repeat(rows["stop"] - rows["start"])]
    long["month"] = long["start"] + long.groupby(level=0).cumcount() + 1
    long["exit"] = (long["left"] & (long["month"] == long["stop"])).astype(float)
    spans = [v for c, v in found.terms if c == "month"]
    long = long[long["month"].isin([m for m, _ in spans])]
    x = np.column_stack(
        [long["month"] == m for m, _ in spans] + [long["band"] == "fair", long["band"] == "good"]
    ).astype(float)
    kind = sm.families.links.CLogLog() if link == "cloglog" else sm.families.links.Logit()
    there = sm.GLM(long["exit"], x, family=sm.families.Binomial(link=kind)).fit(
        tol=1e-12, maxiter=200
    )
    np.testing.assert_allclose(found.coefficients, there.params, atol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), there.bse, atol=1e-8)


def test_discrete_hazard_refuses_a_level_in_which_nobody_left():
    counts = cx.count_months(firm(10), ["band"])
    with pytest.raises(QuestionError, match=r"band 'good' has 0 exits.*\n.*Pool that level"):
        cx.discrete_hazard(
            counts.assign(exits=counts["exits"].where(counts["band"] != "good", 0)),
            covariates=["band"],
        )
    with pytest.raises(QuestionError, match="nobody left"):
        cx.discrete_hazard(counts.assign(exits=0), covariates=["band"])

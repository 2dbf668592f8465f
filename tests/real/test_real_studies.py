"""Two public data sets, read from where they are; figures of the loader against their cards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import cxkit as cx
from cxkit.study.requirements import lacking

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(
    not os.environ.get("CXKIT_SHARED"),
    reason="CXKIT_SHARED is not set: it names the folder that holds the public data sets",
)


def test_iranian_churn_is_a_snapshot_with_copies_kept() -> None:
    study = cx.open_study(HERE / "iranian_churn")
    frame = study.customers
    assert len(frame) == 3150
    (finding,) = study.findings
    assert finding.kind == "flag"
    assert finding.n_rows == 300
    assert "300 rows are exact copies of an earlier row. They are kept" in finding.text
    assert frame["customer"].is_unique
    assert frame["churned"].dtype == "boolean"
    customers = study.contract.customers
    assert customers is not None
    bad = frame["complained"].isin(customers.experience["complained"].bad)
    churn = frame["churned"].astype(float).groupby(bad).mean()
    assert churn[True] == pytest.approx(0.83, abs=0.005)
    assert churn[False] == pytest.approx(0.10, abs=0.005)
    assert lacking(study, "retention_vs_experience") == []
    assert lacking(study, "engagement_correlation") != []


def test_nyc_schools_are_two_cross_sections_of_two_instruments() -> None:
    study = cx.open_study(HERE / "nyc_schools")
    frame = study.unit_scores
    assert len(frame) == 2321
    assert frame.groupby("wave")["instrument"].unique().map(list).to_dict() == {
        "2011": ["2011 form"],
        "2025": ["2025 form"],
    }
    table = study.contract.unit_scores
    assert table is not None
    assert table.raters == "different people"
    assert table.n_customers is not None
    assert (table.n_customers.counts, table.n_customers.waves) == ("not published", ("2025",))
    assert frame.loc[frame["wave"] == "2025", "n_customers"].isna().all()
    told = " ".join(f.text for f in study.findings)
    assert (
        "2 different instruments (2011 form, 2025 form): their scores are never subtracted" in told
    )
    assert "not published" not in told  # what was said is so
    both = frame.dropna(subset=["engagement", "experience"]).groupby("wave")
    r = {wave: part["engagement"].corr(part["experience"]) for wave, part in both}
    assert both.size().to_dict() == {"2011": 509, "2025": 1746}
    assert r["2011"] == pytest.approx(0.41, abs=0.005)
    assert r["2025"] == pytest.approx(0.24, abs=0.005)
    assert lacking(study, "engagement_correlation") == []

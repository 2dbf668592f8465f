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


def test_nyc_schools_answer_by_instrument_with_the_ceiling_and_without_a_change() -> None:
    study = cx.open_study(HERE / "nyc_schools")
    result = cx.linkage_answer(study)
    rows = result.by_instrument.set_index("instrument")
    for form, n, limits in (
        ("2011 form", 509, (0.41, 0.34, 0.48)),
        ("2025 form", 1746, (0.24, 0.19, 0.28)),
    ):
        row = rows.loc[form]
        assert row["n"] == n
        assert (row["value"], row["low"], row["high"]) == pytest.approx(limits, abs=0.005)
    guards = {g.kind: g for g in result.answer.guards}
    assert guards["ceiling"].fired
    assert "experience by 2025 form (mean of a unit 93" in guards["ceiling"].text
    assert guards["different instruments"].fired
    for part in (result.measured, result.lags_table, result.direction):
        assert "no change score is given" in str(part)
    assert "nan" not in str(result.ladder).lower().split()


def test_nyc_schools_with_few_teachers_count_and_are_not_drawn() -> None:
    study = cx.open_study(HERE / "nyc_schools")
    result = cx.linkage_answer(study, wave="2011")
    frame = study.unit_scores.dropna(subset=["engagement", "experience"])
    frame = frame[frame["wave"] == "2011"]
    few = (frame["n_employees"] < 10) | (frame["n_customers"] < 5)
    assert few.sum() > 0
    assert result.r.n == len(frame) == 509
    assert result.shown.hidden >= few.sum()
    assert not set(frame.loc[few, "unit"]) & set(result.shown.units["unit"])
    every, drawn = result.r.value, result.shown.units
    assert every == pytest.approx(frame["engagement"].corr(frame["experience"]))
    assert every != pytest.approx(drawn["engagement"].corr(drawn["experience"]), abs=1e-6)

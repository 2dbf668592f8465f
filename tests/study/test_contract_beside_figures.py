"""Under each figure of a score stand its scale, its direction and its cut-points."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest

import cxkit as cx
from cxkit.results import Section
from tests import firms
from tests.handmade import plain

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
NPS = "nps: 0 to 10, high is good; detractors up to 6, promoters from 9."
CSAT = "csat: 1 to 5, high is good; satisfied from 4"


def test_figures_of_retention_say_what_was_measured() -> None:
    result = firms.kept()
    assert cx.figures.retention(result).caption.endswith(f" Measured: {NPS}")
    assert NPS in cx.figures.ratios(result.more.comparisons).caption
    assert NPS in cx.figures.retention_by_score(result.more.dose).caption
    reasons = Section(parts=(), result=cx.leaving_by_reason(firms.sample()))
    assert cx.figures.left_by_reason(reasons).caption.endswith(f" Measured: {NPS}")
    other = cx.retention_answer(plain(), measure="csat")
    assert other.contract == CSAT


def test_figures_of_units_say_both_sides() -> None:
    result = firms.linked()
    said = (
        "Measured: engagement: mean of 8 items, 1 to 5, high is good (1 worded the other way, and "
        f"turned); {CSAT}."
    )
    assert said in cx.figures.scatter(result).caption
    assert said in cx.figures.lags(result).caption
    assert said in cx.figures.plane(result).caption
    assert said in cx.figures.published(result).caption


def test_other_cut_points_are_told(tmp_path: Path) -> None:
    copytree(SAMPLE, tmp_path / "study")
    path = tmp_path / "study" / "study.yml"
    text = path.read_text().replace("detractor: 6, promoter: 9", "detractor: 5, promoter: 8")
    path.write_text(text)
    assert "detractors up to 5, promoters from 8" in cx.open_study(path).scale_of("nps")


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("ces", "ces: 1 to 7, high is good"),
        ("experience", "experience: 0 to 100, high is good"),
        ("touchpoint", ""),
    ],
)
def test_the_scale_of_a_score(measure: str, said: str) -> None:
    assert firms.sample().scale_of(measure) == said

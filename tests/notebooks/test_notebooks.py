"""Each notebook on studies with opposite answers, on a tiny shop, and on real data."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cxkit.results import ANSWER_MIME
from tests import firms

ROOT = Path(__file__).parents[2]
NOTEBOOKS = {
    "retention": "notebooks/retention_vs_experience.ipynb",
    "engagement": "notebooks/engagement_correlation.ipynb",
}
pytestmark = pytest.mark.notebook


def report(which: str, study: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run `cxkit report` as its user does."""
    command = [sys.executable, "-m", "cxkit.cli", "report", NOTEBOOKS[which], "--out", str(out)]
    command += ["-p", f"study={study}", *more]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def page(which: str, study: Path, out: Path, *more: str) -> tuple[str, dict[str, object], str]:
    """Make a report of a study, and return what it says."""
    run = report(which, study, out, *more)
    assert run.returncode == 0, run.stdout + run.stderr
    return read(which, out)


def read(which: str, out: Path) -> tuple[str, dict[str, object], str]:
    """Return the page's text, the answer it carries and the alt text of its first figure."""
    name = Path(NOTEBOOKS[which]).stem
    content = (out / f"{name}.html").read_text(encoding="utf-8")
    cells = json.loads((out / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    outputs = [o for c in cells if c["cell_type"] == "code" for o in c["outputs"]]
    answer = next(o["data"][ANSWER_MIME] for o in outputs if ANSWER_MIME in o.get("data", {}))
    alt = html.unescape(re.search(r'<img[^>]*alt="([^"]*)"', content).group(1))
    text = html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?span[^>]*>", "", content)))
    return re.sub(r"\s+", " ", text), answer, alt


@pytest.fixture(scope="module")
def opposite_pages(reports, tmp_path_factory):
    """Both notebooks on the sample, and on a firm where both effects are turned round."""
    out = tmp_path_factory.mktemp("opposite")
    study = firms.folder(-1.0, -0.9) / "study.yml"
    made = {(which, "up"): read(which, reports) for which in NOTEBOOKS}
    return made | {(which, "down"): page(which, study, out) for which in NOTEBOOKS}


@pytest.mark.parametrize(
    ("which", "up", "down"),
    [
        ("retention", "stay longer:", "leave earlier:"),
        ("engagement", "go together:", "go opposite ways:"),
    ],
)
def test_opposite_studies_give_opposite_conclusions(opposite_pages, which, up, down):
    (one, first, alt), (other, second, other_alt) = (
        opposite_pages[which, n] for n in ("up", "down")
    )
    assert up in first["headline"]
    assert down in second["headline"]
    assert first["headline"] in one
    assert "What was mended, by which rule" in one
    assert "CX-R019" in one
    assert second["headline"] in other
    assert alt != other_alt
    assert "nan" not in one.lower().split()
    remains = "What remains in doubt" if which == "retention" else "What cannot be concluded"
    assert one.split(remains)[-1] != other.split(remains)[-1]


def test_a_shop_gets_whole_reports_that_say_what_it_would_take(tmp_path):
    for which in NOTEBOOKS:
        text, answer, _ = page(which, firms.shop() / "study.yml", tmp_path)
        assert "cannot be told" in answer["headline"]
        assert "ou would need" in text


def test_a_refusal_leaves_no_report_and_exits_two(tmp_path):
    (tmp_path / "customers.csv").write_text("id,joined,left\n1,2024-01-01,\n2,2024-02-01,\n")
    (tmp_path / "responses.csv").write_text("id,day,score\n1,2024-05-01,9\n2,2024-05-01,3\n")
    (tmp_path / "study.yml").write_text(
        "study: none left\nas_of: 2025-01-01\n"
        "customers: {file: customers.csv, customer: id, start: joined, end: left}\n"
        "responses: {file: responses.csv, customer: id, answered_on: day, nps: score}\n"
    )
    run = report("retention", tmp_path / "study.yml", tmp_path / "out")
    assert run.returncode == 2
    assert "customers in the table has left by 2025-01-01" in run.stderr + run.stdout
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"retention_vs_experience.FAILED.html", "retention_vs_experience.FAILED.log"}


def test_an_unknown_parameter_is_refused_before_anything_runs(tmp_path):
    run = report("retention", Path(), tmp_path, "-p", "horizn=6")
    assert run.returncode == 2
    assert "horizon" in run.stderr
    assert not list(tmp_path.iterdir())


def test_plain_papermill_runs_the_same_notebooks(tmp_path):
    study = str(firms.shop() / "study.yml")
    for which, notebook in NOTEBOOKS.items():
        out = tmp_path / f"{which}.ipynb"
        command = [sys.executable, "-m", "papermill", notebook, str(out), "--no-progress-bar"]
        command += ["-p", "study", study]
        run = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
        )
        assert run.returncode == 0, run.stderr[-2000:]
        cells = json.loads(out.read_text(encoding="utf-8"))["cells"]
        code = [c for c in cells if c["cell_type"] == "code"]
        assert all(c["execution_count"] for c in code)
        assert any(study in line for c in code for line in c["source"])


@pytest.mark.skipif("CXKIT_SHARED" not in os.environ, reason="CXKIT_SHARED names no data folder")
def test_both_real_studies_render_with_the_published_figures(tmp_path):
    text, answer, alt = page("retention", ROOT / "tests/real/iranian_churn/study.yml", tmp_path)
    assert "83.0 % of the 241 customers" in text
    assert "10.1 % of the 2,909" in text
    assert "complained: yes, 83.0 %" in alt
    assert answer["direction"] == "higher"
    text, answer, _ = page("engagement", ROOT / "tests/real/nyc_schools/study.yml", tmp_path)
    assert "2011 form: r = 0.41 (0.34 to 0.48, 509 units)" in text
    assert "2025 form: r = 0.24 (0.19 to 0.28, 1,746 units)" in text
    assert "not identified" in text or "different instruments" in text
    assert answer["n"] == 1746

"""Whole batches: a hundred light reports with one poisoned row, and the branches of the sample."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import cxkit
from cxkit.report.clean import faults

pytestmark = [pytest.mark.verify, pytest.mark.notebook]

ROOT = Path(cxkit.__file__).parents[1]


def batch(plan: Path, *more: str) -> tuple[int, list[dict[str, object]]]:
    """Run `cxkit batch` as its user does; return its exit code and what run.json tells."""
    command = [sys.executable, "-m", "cxkit.cli", "batch", str(plan), *more]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return run.returncode, json.loads((plan.parent / "run.json").read_text())["reports"]


def test_one_poisoned_row_of_a_hundred_costs_one_report(tmp_path: Path) -> None:
    levels = [f"0.{i:03d}" for i in range(500, 600)]
    levels[41] = "1.5"
    (tmp_path / "rows.csv").write_text("\n".join(["level", *levels]), encoding="utf-8")
    notebook = ROOT / "tests" / "notebooks" / "tiny.ipynb"
    entry = {"name": "r_{level}", "notebook": str(notebook), "for_each": "rows.csv"}
    plan = tmp_path / "plan.yml"
    plan.write_text(json.dumps({"reports": [entry]}), encoding="utf-8")
    for again in (False, True):
        code, told = batch(plan, *(["--resume"] if again else []))
        assert code == 1
        assert [r["name"] for r in told if r["status"] != "whole"] == ["r_1-5"]
        assert len(list(tmp_path.glob("r_*.html"))) == 99 + 1, "and the page of the failure"
        assert (tmp_path / "r_1-5.FAILED.html").is_file()
        fresh = [r["name"] for r in told if r["made"] == "in this run"]
        assert fresh == (["r_1-5"] if again else [r["name"] for r in told])


def test_twenty_branches_of_the_sample_get_a_report_of_their_own(tmp_path: Path) -> None:
    sample = ROOT / "data" / "sample"
    lines = (sample / "units.csv").read_text(encoding="utf-8").splitlines()
    column, rows = lines[0].split(",")[0], [line for line in lines[1:] if line.split(",")[1]]
    chosen = [rows[i * len(rows) // 20] for i in range(20)]
    (tmp_path / "branches.csv").write_text("\n".join([lines[0], *chosen]), encoding="utf-8")
    entry = {
        "name": f"branch_{{{column}}}",
        "notebook": str(ROOT / "notebooks" / "retention_vs_experience.ipynb"),
        "for_each": {"file": "branches.csv", "columns": [column]},
        "parameters": {
            "study": str(sample / "study.yml"),
            "where": f"unit={{{column}}}",
            "horizon": 6,  # of so few customers none need be followed for a whole year
        },
    }
    plan = tmp_path / "plan.yml"
    plan.write_text(json.dumps({"reports": [entry]}), encoding="utf-8")
    code, told = batch(plan)
    assert code == 0, [(r["name"], r["reason"]) for r in told if r["status"] != "whole"]
    assert len({r["html_sha256"] for r in told}) == 20, "each is of its own branch"
    counts = [r["answer"]["n"] for r in told]
    assert all(0 < n < 1000 for n in counts), "a branch, not the firm"
    for entry, line in zip(told, chosen, strict=True):
        page = (tmp_path / str(entry["html"])).read_text(encoding="utf-8")
        assert f"unit={line.split(',')[0]}" in page
        assert faults(page) == []
        assert len(page) < 400_000

"""The same inputs give the same bytes, whatever the clock, zone, hash seed, folder and threads."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cxkit

ROOT = Path(cxkit.__file__).parents[1]
#: A clock that is 400 days ahead, in every Python below the one that finds this.
CLOCK = """
import time
real = {name: getattr(time, name) for name in ("time", "gmtime", "localtime")}
AHEAD = 400 * 86400
time.time = lambda: real["time"]() + AHEAD
time.gmtime = lambda at=None: real["gmtime"](time.time() if at is None else at)
time.localtime = lambda at=None: real["localtime"](time.time() if at is None else at)
"""
PLAN = """
defaults: {study: bank/study.yml}
reports:
  - {name: retention, notebook: retention_vs_experience.ipynb}
  - {name: engagement, notebook: engagement_correlation.ipynb}
  - {name: light, notebook: tiny.ipynb}
"""
PAGES = ("retention.html", "engagement.html", "light.html", "retention.ipynb", "index.html")


def made(folder: Path, jobs: int, **env: str) -> dict[str, bytes]:
    """Make three reports in a folder under other surroundings; return their bytes."""
    shutil.copytree(ROOT / "data" / "sample", folder / "bank")
    for path in [*(ROOT / "notebooks").glob("*.ipynb"), ROOT / "tests/notebooks/tiny.ipynb"]:
        shutil.copy(path, folder)
    (folder / "plan.yml").write_text(PLAN, encoding="utf-8")
    (folder / "clock").mkdir()
    (folder / "clock" / "sitecustomize.py").write_text(CLOCK, encoding="utf-8")
    paths = [env.pop("ahead", ""), str(ROOT), os.environ.get("PYTHONPATH", "")]
    run = subprocess.run(
        [sys.executable, "-m", "cxkit.cli", "batch", "plan.yml", "--jobs", str(jobs)],
        cwd=folder,
        env={**os.environ, **env, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return {name: (folder / name).read_bytes() for name in (*PAGES, "run.json")}


@pytest.mark.notebook
def test_two_runs_in_other_surroundings_give_the_same_bytes(tmp_path: Path) -> None:
    here, there = tmp_path / "a", tmp_path / "ein anderer Ort"
    here.mkdir()
    there.mkdir()
    one = made(here, 1, TZ="Pacific/Kiritimati", PYTHONHASHSEED="1", OMP_NUM_THREADS="1")
    two = made(
        there,
        2,
        TZ="America/St_Johns",
        PYTHONHASHSEED="2",
        OMP_NUM_THREADS="2",
        LANG="de_DE.UTF-8",
        ahead=str(there / "clock"),
    )
    first, second = (json.loads(r["run.json"]) for r in (one, two))
    assert {n for n in PAGES if one[n] != two[n]} == set()
    assert first["began"] != second["began"], "times are in run.json, and nowhere else"
    for told in first["reports"]:
        page = one[told["html"]].decode("utf-8")
        assert all(part in page for part in (told["notebook_sha256"], first["code_sha256"]))
    retention = first["reports"][0]
    inputs = {i["sha256"]: (Path(i["file"]).name, i["size"]) for i in retention["inputs"]}
    read = {s["sha256"]: (s["name"], s["size"]) for s in retention["sources"]}
    assert read.items() <= inputs.items()
    assert all(
        {"rows_read", "rows_dropped", "rows_repaired"} <= s.keys() for s in retention["sources"]
    )
    page = one["retention.html"].decode("utf-8")
    (contract,) = (digest for digest, (name, _) in inputs.items() if name == "study.yml")
    assert all(digest in page for digest in (*read, contract))

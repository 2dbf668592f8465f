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
PAGES = ("real.html", "real.ipynb", "light.html", "index.html")
NOTEBOOKS = ("retention_vs_experience", "engagement_correlation")


def made(folder: Path, real: str, jobs: int, **env: str) -> dict[str, bytes]:
    """Make a real report and a light one under other surroundings; return their bytes."""
    shutil.copytree(ROOT / "data" / "sample", folder / "bank")
    for path in [*(ROOT / "notebooks").glob("*.ipynb"), ROOT / "tests/notebooks/tiny.ipynb"]:
        shutil.copy(path, folder)
    listed = [
        {"name": "real", "notebook": f"{real}.ipynb"},
        {"name": "light", "notebook": "tiny.ipynb"},
    ]
    plan = {"defaults": {"study": "bank/study.yml"}, "reports": listed}
    (folder / "plan.yml").write_text(json.dumps(plan), encoding="utf-8")
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
@pytest.mark.parametrize(
    "real", [pytest.param(NOTEBOOKS[0], marks=pytest.mark.verify), NOTEBOOKS[1]]
)
def test_two_runs_in_other_surroundings_give_the_same_bytes(real: str, tmp_path: Path) -> None:
    here, there = tmp_path / "a", tmp_path / "ein anderer Ort"
    here.mkdir()
    there.mkdir()
    one = made(here, real, 1, TZ="Pacific/Kiritimati", PYTHONHASHSEED="1")
    two = made(
        there,
        real,
        2,
        TZ="America/St_Johns",
        PYTHONHASHSEED="2",
        OPENBLAS_NUM_THREADS="2",
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
    real_one = first["reports"][0]
    inputs = {i["sha256"]: (Path(i["file"]).name, i["size"]) for i in real_one["inputs"]}
    read = {s["sha256"]: (s["name"], s["size"]) for s in real_one["sources"]}
    assert read.items() <= inputs.items()
    assert all(
        {"rows_read", "rows_dropped", "rows_repaired"} <= s.keys() for s in real_one["sources"]
    )
    page = one["real.html"].decode("utf-8")
    (contract,) = (digest for digest, (name, _) in inputs.items() if name == "study.yml")
    assert all(digest in page for digest in (*read, contract))

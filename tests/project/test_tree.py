"""The tree as a newcomer finds it: what it says is true, and it names no machine."""

import os
import re
import shutil
import subprocess
import time
import tomllib
from pathlib import Path

import pytest
import yaml

import cxkit

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
#: A path of somebody's machine, or the address of a package registry.
MACHINE = re.compile(
    r"(?:^|[^A-Za-z0-9_.])/(?:work|tmp|root|home)/[A-Za-z.]|https?://[^ ]*/(?:simple|packages|-)/",
    re.MULTILINE,
)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of one language in a Markdown file."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text(name), re.MULTILINE | re.DOTALL)


def tracked() -> list[Path]:
    """The files that git keeps, or none where this is not a clone."""
    if not (ROOT / ".git").exists():
        return []
    run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [p for n in run.stdout.decode().split("\0") if n and (p := ROOT / n).is_file()]


def test_no_file_names_a_machine() -> None:
    files = tracked()
    if not files:
        pytest.skip("not a git clone: there is no list of the files that are kept")
    found = []
    for path in files:
        try:
            content = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {m.group()!r}" for m in MACHINE.finditer(content)]
    assert not found


def test_nothing_generated_or_private_is_kept() -> None:
    names = {p.relative_to(ROOT).as_posix() for p in tracked()}
    kept = {n for n in names if n.startswith(("reports/", "data/raw/"))}
    assert kept <= {"reports/README.md", "reports/plan.yml", "data/raw/.gitkeep"}
    assert not {n for n in names if n.endswith((".log", ".pyc", ".egg-info"))}


def test_one_version_is_told_everywhere() -> None:
    assert cxkit.__version__ == VERSION
    assert f"## {VERSION}" in text("CHANGELOG.md")
    assert str(yaml.safe_load(text("CITATION.cff"))["version"]) == VERSION


def test_the_citation_can_be_read() -> None:
    citation = yaml.safe_load(text("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors", "license"} <= set(citation)
    assert citation["license"] == "BSD-3-Clause"


@pytest.mark.parametrize(
    "target", ["report", "lab", "test", "check", "verify", "bench", "lock", "clean"]
)
def test_make_knows_its_targets(target: str) -> None:
    assert re.search(rf"^{target}:", text("Makefile"), re.MULTILINE)
    assert re.search(rf"^# make {target} ", text("Makefile"), re.MULTILINE)


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
@pytest.mark.parametrize("target", ["report", "lab"])
def test_a_second_make_installs_nothing(target: str, tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()

    def planned() -> str:
        run = ["make", "--dry-run", target]
        return subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert "pip install" in planned()
    (tmp_path / ".venv" / ".installed-run").touch()
    assert "pip install" not in planned()
    later = time.time() + 60
    os.utime(tmp_path / "requirements.lock", (later, later))
    assert "pip install" in planned(), "another lock is installed"


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
def test_what_make_runs_keeps_its_bytecode() -> None:
    """A container may say that Python keeps none: each kernel would compile pandas anew."""
    asked = ["make", "--eval", 'kept: ; @echo "[$$PYTHONDONTWRITEBYTECODE]"', "kept"]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    told = subprocess.run(asked, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert "[]" in told.stdout.splitlines()


def test_the_ci_entry_can_be_run() -> None:
    path = ROOT / ".ci" / "run"
    assert os.access(path, os.X_OK)
    subprocess.run(["bash", "-n", path], check=True)


def test_the_readme_names_only_files_that_are_there() -> None:
    named = re.findall(r"\]\(([^)#:]+)\)", text("README.md") + text("CONTRIBUTING.md"))
    assert named
    missing = [n for n in named if not (ROOT / n).exists()]
    assert not missing


@pytest.mark.parametrize("where", ["", "region=South"])
def test_the_readme_study_gets_a_true_answer(tmp_path: Path, where: str) -> None:
    """The study.yml that the README shows, over the two files that it shows beside it."""
    (contract, *_) = blocks("README.md", "yaml")
    (tmp_path / "study.yml").write_text(contract, encoding="utf-8")
    files = blocks("README.md", "csv")
    for content in files:
        name, _, rows = content.removeprefix("# ").partition("\n")
        (tmp_path / name).write_text(rows, encoding="utf-8")
    study = cxkit.open_study(tmp_path / "study.yml", where=where)
    assert len(files) == 2
    assert cxkit.nps(study.responses["nps"]).n > 0
    answer = cxkit.retention_answer(study).answer
    assert "would need" in str(answer)


def test_the_readme_workflow_is_yaml() -> None:
    workflows = [yaml.safe_load(b) for b in blocks("README.md", "yaml")[1:]]
    (job,) = [w["jobs"] for w in workflows if "jobs" in w]
    steps = [step for j in job.values() for step in j["steps"]]
    assert any("make report" in step.get("run", "") for step in steps)

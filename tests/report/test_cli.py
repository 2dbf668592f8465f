"""The command line: what it costs to ask for help, what it prints, and its exit codes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cxkit
from cxkit.cli import app
from tests.report.made import END, LEVEL

ROOT = Path(cxkit.__file__).parents[1]
HEAVY = ("pandas", "statsmodels", "seaborn", "papermill", "numpy", "nbconvert", "matplotlib")


def cli(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("code", ["import cxkit", "from cxkit.cli import main; main()"])
def test_help_and_import_load_nothing_heavy(code: str) -> None:
    told = "atexit.register(lambda: print('LOADED', *sys.modules))"
    asked = f"import atexit, sys\nsys.argv = ['cxkit', '--help']\n{told}\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split("LOADED")[1].split())
    assert "cxkit" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_help_is_worth_reading() -> None:
    code, told, _ = cli("--help")
    assert code == 0
    for word in (
        "report",
        "batch",
        "check",
        "init",
        "simulate",
        "Exit codes",
        "study.yml",
        "README.md",
    ):
        assert word in told
    assert max(map(len, told.splitlines())) <= 100


@pytest.mark.parametrize("command", ["report", "batch", "check", "init", "simulate"])
def test_every_command_says_what_it_does(command: str) -> None:
    code, told, _ = cli(command, "--help")
    assert code == 0
    assert len(told.splitlines()) > 8


def test_the_version_is_that_of_the_package() -> None:
    assert cli("--version") == (0, f"cxkit {cxkit.__version__}\n", "")


def test_the_parameters_of_a_notebook_are_listed(tiny_notebook: Path) -> None:
    code, told, _ = cli("report", tiny_notebook, "--help-notebook")
    assert code == 0
    assert "level: number, default 0.95; confidence level" in told
    assert 'measure: text, default "nps"; one of: nps, csat' in told


@pytest.mark.notebook
def test_a_whole_report_ends_with_0_and_says_where_it_is(
    tiny_notebook: Path, tmp_path: Path
) -> None:
    code, told, progress = cli(
        "report", tiny_notebook, "-p", "months=6", "--out", tmp_path, "--name", "mine"
    )
    assert code == 0
    assert "mine: whole" in told
    assert "Seven answers cannot tell" in told
    assert str(tmp_path / "mine.html") in told
    assert "mine: cell 7 of 12 Data" in progress
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.html", "mine.ipynb"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-p", "level=high"], "level=high: level is a number, default 0.95"),
        (["-p", "levle=0.9"], "Did you mean 'level'"),
        (["-p", "level"], "-p wants NAME=VALUE"),
        (["-p", "level=0.9", "-p", "level=0.8"], "given twice"),
        (["--name", "../away"], "cannot be the name of a report"),
        (["--name", "a" * 101], "aaa...' cannot be the name of a report"),
        (["--limit", "cells=5"], "The limits are start, cell, report, output"),
        (["--limit", "cell=0"], "cell=0 is no limit"),
        (["--limit", "cell"], "--limit wants NAME=VALUE"),
    ],
)
def test_a_wrong_parameter_ends_with_2_and_writes_nothing(
    arguments: list[str], told: str, tiny_notebook: Path, tmp_path: Path
) -> None:
    code, out, error = cli("report", tiny_notebook, *arguments, "--out", tmp_path / "new")
    assert (code, out) == (2, "")
    assert error.startswith("ParameterError: ")
    assert told in error
    assert "Traceback" not in error
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", ""),
        ("batch", ""),
        ("check", ""),
        ("simulate", ""),
        ("init", "a.csv", ""),
        ("report", "a.ipynb", "--out", ""),
        ("batch", "plan.yml", "--out", ""),
    ],
)
def test_a_variable_that_is_not_set_is_no_path_and_never_this_folder(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, error = cli(*arguments)
    assert (code, out) == (2, "")
    assert error.startswith("ParameterError: '' is no path. Is it a variable that is not set?")
    assert not list(tmp_path.iterdir())


@pytest.mark.notebook
def test_a_failing_report_ends_with_1_and_keeps_the_earlier_one(
    notebook: Callable[..., Path], tmp_path: Path
) -> None:
    path = notebook(LEVEL, ("code", "1 / 0"), END)
    earlier = tmp_path / "out" / "made.html"
    earlier.parent.mkdir()
    earlier.write_text("earlier", encoding="utf-8")
    code, out, error = cli("report", path, "--out", earlier.parent)
    assert (code, out) == (1, "")
    assert "made: failed: a cell ended with ZeroDivisionError" in error
    assert earlier.read_text(encoding="utf-8") == "earlier"


@pytest.mark.notebook
def test_a_refusal_of_the_data_ends_with_2_and_its_message(
    notebook: Callable[..., Path], tmp_path: Path
) -> None:
    path = notebook(LEVEL, ("code", "import cxkit\ncxkit.nps([11])"), END)
    code, _, error = cli("report", path, "--out", tmp_path / "out")
    assert code == 2
    assert "made: refused: " in error
    assert "11 is not a whole number from 0 to 10" in error


@pytest.mark.notebook
def test_a_batch_ends_with_1_if_one_report_is_not_whole(
    notebook: Callable[..., Path], tmp_path: Path
) -> None:
    notebook(LEVEL, END)
    notebook(LEVEL, ("code", "1 / 0"), END, name="bad.ipynb")
    plan = tmp_path / "plan.yml"
    listed = [{"name": "poor", "notebook": "bad.ipynb"}, {"name": "good", "notebook": "made.ipynb"}]
    plan.write_text(json.dumps({"reports": listed}), encoding="utf-8")
    code, out, error = cli("batch", plan, "--out", tmp_path / "out", "--jobs", 1)
    assert code == 1
    assert "good: whole" in out
    assert "poor: failed" in error
    assert str(tmp_path / "out" / "index.html") in out
    assert cli("batch", plan, "--out", tmp_path / "out", "--only", "good", "--resume")[0] == 0


def test_a_wrong_plan_ends_with_2(tmp_path: Path) -> None:
    assert cli("batch", tmp_path / "none.yml")[0] == 2


def test_a_folder_that_cannot_be_made_ends_with_3(tiny_notebook: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, error = cli("report", tiny_notebook, "--out", tmp_path / "file" / "out")
    assert code == 3
    assert "cannot be made" in error


def test_a_study_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    code, _, error = cli("check", tmp_path / "study.yml")
    assert code == 2
    assert "study.yml" in error
    assert "Traceback" not in error


def test_a_study_that_is_not_there_is_told_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, told = cli("check", "nope.yml")
    assert code == 2
    assert "nope.yml: there is no such file in this folder.\n  Give the path" in told


def test_the_help_says_every_command_in_a_whole_line() -> None:
    _, told, _ = cli("--help")
    assert "..." not in told.split("Commands:")[1]


def test_a_study_of_ones_own_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "study.yml").write_text("study: mine\n", encoding="utf-8")
    code, _, told = cli("simulate", tmp_path, "--customers", "20", "--branches", "1")
    assert code == 2
    assert "holds a study that was not simulated" in told
    assert [p.name for p in tmp_path.iterdir()] == ["study.yml"]
    assert (tmp_path / "study.yml").read_text(encoding="utf-8") == "study: mine\n"


def test_a_simulated_study_may_be_made_again(tmp_path: Path) -> None:
    asked = ("simulate", tmp_path, "--customers", "20", "--branches", "2", "--staff", "6")
    assert cli(*asked)[0] == 0
    before = (tmp_path / "engagement.csv").read_bytes()
    assert cli(*asked)[0] == 0
    assert (tmp_path / "engagement.csv").read_bytes() == before
    assert before.count(b"\n") < 200, "--staff is heard"


def test_a_folder_that_cannot_be_simulated_into_ends_with_3(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    code, _, told = cli("simulate", tmp_path / "file" / "firm", "--customers", "20")
    assert code == 3
    assert "this folder cannot be written to" in told
    assert "fault of the kit" not in told


def test_an_unforeseen_error_is_one_line_without_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("CANARY")

    monkeypatch.setattr("cxkit.study.study.open_study", broken)
    code, _, error = cli("check", tmp_path)
    assert code == 1
    assert "Unexpected ValueError" in error
    assert "CANARY" not in error
    code, _, error = cli("--debug", "check", tmp_path)
    assert code == 1
    assert "CANARY" in error
    assert "Traceback" in error


def test_the_sample_is_checked_and_a_firm_simulated(tmp_path: Path) -> None:
    code, told, _ = cli("simulate", tmp_path / "firm", "--branches", 4, "--customers", 200)
    assert code == 0
    assert (tmp_path / "firm" / "study.yml").is_file()
    assert "cxkit check" in told
    code, told, _ = cli("check", tmp_path / "firm")
    assert code == 0
    assert "customers" in told

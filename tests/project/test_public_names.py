"""The public names: all there, all documented, and free until they are used."""

import ast
import dataclasses
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cxkit as cx

ROOT = Path(__file__).parents[2]
NAMES = [n for n in cx.__all__ if n != "__version__"]
HEAVY = {"pandas", "statsmodels", "seaborn", "papermill"}

#: Metrics that only arrange others; the method they use is cited where it lives.
NO_REFERENCE = {"by"}


def imported_by(*command: str) -> tuple[set[str], str]:
    """Run Python and return the top-level packages it imported, and what it printed."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        timeout=60,
    )
    told = run.stderr.splitlines()
    lines = [line for line in told if line.startswith("import time:")]
    assert run.returncode == 0, "\n".join(line for line in told if line not in lines)
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}, run.stdout


ENTRY = "import sys; sys.argv = ['cxkit', '--help']; from cxkit.cli import main; main()"


@pytest.mark.parametrize(
    "command",
    [("-c", "import cxkit"), ("-m", "cxkit.cli", "--help"), ("-c", ENTRY)],
    ids=["import cxkit", "python -m cxkit.cli --help", "cxkit --help"],
)
def test_nothing_heavy_is_loaded_before_it_is_used(command: tuple[str, ...]) -> None:
    packages, _ = imported_by(*command)
    assert "cxkit" in packages
    assert not packages & HEAVY


def test_the_watch_on_imports_sees_a_heavy_one() -> None:
    packages, _ = imported_by("-c", "import cxkit; cxkit.nps")
    assert "pandas" in packages


def test_help_is_a_page_worth_reading() -> None:
    _, text = imported_by("-m", "cxkit.cli", "--help")
    for command in ("report", "batch", "check", "init", "simulate"):
        assert command in text
    assert "study.yml" in text
    assert "Error" not in text


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_imports_and_says_what_it_is(name: str) -> None:
    doc = inspect.getdoc(getattr(cx, name))
    assert doc
    assert doc.splitlines()[0].endswith(".")


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    near = r"no attribute 'npss'; perhaps you meant 'nps'\. Its public names are: .* nps,"
    with pytest.raises(AttributeError, match=near):
        _ = cx.npss
    with pytest.raises(AttributeError, match=r"no attribute '_nps'\. Its public names are: "):
        _ = cx._nps


@pytest.mark.parametrize("name", NAMES)
def test_a_public_function_is_documented_in_full(name: str) -> None:
    thing = getattr(cx, name)
    if not inspect.isfunction(thing):
        return
    doc = inspect.getdoc(thing) or ""
    sections = re.findall(r"^(\w+)\n---+$", doc, re.MULTILINE)
    parameters = inspect.signature(thing).parameters
    wanted = {"Returns", *(["Parameters", "Raises"] if parameters else [])}
    metric = thing.__module__.startswith("cxkit.metrics")
    if metric:
        wanted |= {"Notes", *([] if name in NO_REFERENCE else ["References"])}
    assert wanted <= set(sections), f"cx.{name} has no section {sorted(wanted - set(sections))}"
    listed = doc.split("Parameters\n---", 1)[-1].split("Returns\n---", 1)[0]
    unsaid = [p for p in parameters if p not in listed]
    assert not unsaid, f"cx.{name} does not describe {unsaid}"
    assert ">>> " in doc, f"cx.{name} has no example"


@pytest.mark.parametrize("name", NAMES)
def test_a_public_function_takes_data_first_and_choices_by_name(name: str) -> None:
    thing = getattr(cx, name)
    if not inspect.isfunction(thing):
        return
    parameters = list(inspect.signature(thing).parameters.values())
    assert not [p for p in parameters if p.kind is p.VAR_KEYWORD], "no **kwargs on a public name"
    optional = [p for p in parameters[1:] if p.default is not p.empty]
    chosen = [p.name for p in optional if p.kind is not p.KEYWORD_ONLY]
    assert not chosen, f"cx.{name} takes {chosen} by position"


def test_no_assert_guards_the_package() -> None:
    for path in sorted((ROOT / "cxkit").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source if "assert" in source else "")
        assert not [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Assert)], path.name


@pytest.mark.parametrize(
    "answer", ["retention.result.RetentionAnswer", "linkage.result.LinkageAnswer"]
)
def test_what_completion_offers_of_an_answer_is_documented(answer: str) -> None:
    module, name = f"cxkit.{answer}".rsplit(".", 1)
    kind = getattr(importlib.import_module(module), name)
    listed = inspect.getdoc(kind).split("Attributes\n----------\n")[1]
    told = re.findall(r"^(\w[\w, ]*) : \w", listed, re.MULTILINE)
    documented = [name for line in told for name in line.split(", ")]
    assert sorted(documented) == sorted(f.name for f in dataclasses.fields(kind))
    for offered in set(dir(kind)) - set(documented):
        assert offered.startswith("_") or inspect.getdoc(getattr(kind, offered))


def test_completion_lists_the_public_names_and_nothing_else() -> None:
    assert dir(cx) == cx.__all__
    assert dir(cx.figures) == sorted(cx.figures.__all__)
    assert all(inspect.getdoc(getattr(cx.figures, name)) for name in dir(cx.figures))

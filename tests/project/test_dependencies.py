"""One list of dependencies: pyproject.toml; the lock and the conda file follow it."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEEDED = [Requirement(r) for r in PROJECT["dependencies"]]
TOOLS = [Requirement(r) for r in PROJECT["optional-dependencies"]["dev"]]
PINS = [
    Requirement(line)
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PYTHONS = ["3.11", "3.12", "3.13"]

#: Where conda-forge calls it otherwise than PyPI.
CONDA_NAMES = {"duckdb": "python-duckdb", "matplotlib": "matplotlib-base", "PyYAML": "pyyaml"}


def locked(python: str) -> dict[str, str]:
    """The version that the lock holds each package to under this Python on Linux."""
    environment = {
        **default_environment(),
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": "linux",
        "os_name": "posix",
    }
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in PINS
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def test_the_conda_file_holds_the_same_dependencies() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    found = {r.name: r.specifier for r in map(Requirement, listed["dependencies"])}
    wanted = {CONDA_NAMES.get(r.name, r.name): r.specifier for r in NEEDED}
    wanted |= {"python": SpecifierSet(PROJECT["requires-python"]), "pip": SpecifierSet()}
    assert found == wanted
    assert listed["channels"] == ["conda-forge"]


def test_the_lock_holds_exact_versions_and_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"://|@|/|--", text)
    for pin in PINS:
        assert re.fullmatch(r"==[0-9][0-9a-z.]*", str(pin.specifier)), pin


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("wanted", [*NEEDED, *TOOLS], ids=lambda r: r.name)
def test_the_lock_covers_every_dependency(wanted: Requirement, python: str) -> None:
    version = locked(python)[canonicalize_name(wanted.name)]
    assert version in wanted.specifier


def test_the_lock_covers_what_the_dependencies_need_in_turn() -> None:
    """Everything that the installed packages ask for here is in the lock."""
    held = {canonicalize_name(pin.name) for pin in PINS}
    queue = [(canonicalize_name(r.name), r.extras) for r in (*NEEDED, *TOOLS)]
    seen = set()
    while queue:
        name, extras = queue.pop()
        if (name, frozenset(extras)) in seen:
            continue
        seen.add((name, frozenset(extras)))
        assert name in held
        try:
            needs = [Requirement(r) for r in requires(name) or []]
        except PackageNotFoundError:
            pytest.skip(f"{name} is not installed here, so what it needs cannot be read")
        for need in needs:
            marker = need.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in (extras or {""})):
                queue.append((canonicalize_name(need.name), need.extras))
    assert len(seen) > len(NEEDED) + len(TOOLS)

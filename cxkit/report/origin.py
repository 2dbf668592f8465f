"""What a report was made with: which notebook, which kit, which versions; the same twice or not."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import cxkit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cxkit.report.parameters import Value

#: What a result or a page may depend on.
PACKAGES = (
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "seaborn",
    "matplotlib",
    "duckdb",
    "pyarrow",
    "papermill",
    "nbclient",
    "nbconvert",
    "ipykernel",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a report was made with, as its page and ``run.json`` tell it."""

    notebook: str
    notebook_sha256: str
    kit: str
    commit: str
    code_sha256: str

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Return name and value of each part, for the page."""
        return (
            ("Notebook", f"{self.notebook}, sha256 {self.notebook_sha256}"),
            ("cxkit", f"{self.kit}, commit {self.commit}" if self.commit else self.kit),
            ("Code of cxkit", f"sha256 {self.code_sha256}"),
        )


def origin(notebook: Path) -> Origin:
    """Return what a report of this notebook would be made with now."""
    return Origin(
        notebook=notebook.name,
        notebook_sha256=hashlib.sha256(notebook.read_bytes()).hexdigest(),
        kit=cxkit.__version__,
        commit=commit(),
        code_sha256=code(),
    )


def fingerprint(
    made_with: Origin,
    values: Mapping[str, Value],
    inputs: Mapping[str, tuple[int, str]],
    *,
    shown: str,
) -> str:
    """Return one hash over all that a report depends on: equal ones need not be made again."""
    whole = {
        "notebook": made_with.notebook_sha256,
        "code": made_with.code_sha256,
        "versions": versions(),
        "parameters": dict(values),
        "shown": shown,
        "inputs": {path: digest for path, (_, digest) in inputs.items()},
    }
    text = json.dumps(whole, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@cache
def code() -> str:
    """Return a hash of the kit's own files: what really ran, whatever its version says."""
    root = Path(cxkit.__file__).parent
    kept = sorted(
        p
        for p in root.rglob("*")
        if p.suffix in {".py", ".j2", ".js", ".css", ".json"} and p.is_file()
    )
    whole = hashlib.sha256()
    for path in kept:
        whole.update(path.relative_to(root).as_posix().encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


@cache
def commit() -> str:
    """Return the commit of the kit, with ``-dirty`` if it was changed; empty if not in a clone."""
    root = Path(cxkit.__file__).parents[1]
    if not (root / ".git").exists():
        return ""
    asked = ["git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    try:
        told = subprocess.run(  # noqa: S603 - nothing in it comes from outside
            asked, cwd=root, capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()


@cache
def versions() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    found = {"python": platform.python_version(), "cxkit": cxkit.__version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found

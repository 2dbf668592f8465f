"""Evidence: numbers too long to compute in every test run, with what they were measured on.

``write`` keeps them in tests/evidence/NAME.json beside the hashes of the modules measured, and
``stale`` says which files no longer speak for the code as it is. A module's hash is that of
its code without docstrings and lines of comment: better words do not make evidence stale.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).parent / "evidence"


def write(
    name: str,
    *,
    about: str,
    numbers: Mapping[str, object],
    modules: Sequence[str],
    seed: int | None = None,
    command: str = "make verify",
    folder: Path = FOLDER,
) -> Path:
    """Write a file of evidence whole or not at all, and return where it is."""
    text = json.dumps(
        {
            "name": name,
            "about": about,
            "command": command,
            "seed": seed,
            "modules": {module: fingerprint(module) for module in sorted(modules)},
            "numbers": numbers,
        },
        indent=1,
        allow_nan=False,
    )
    folder.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=folder, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    Path(part).chmod(0o644)
    target = folder / f"{name}.json"
    Path(part).replace(target)
    return target


def stale(folder: Path = FOLDER) -> dict[str, list[str]]:
    """Return each file of evidence that no longer holds, with the modules that changed."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        measured = json.loads(path.read_text(encoding="utf-8"))["modules"]
        changed = [module for module, was in measured.items() if fingerprint(module) != was]
        if changed:
            found[path.name] = changed
    return found


def fingerprint(module: str) -> str:
    """Return the sha256 of a module's code, docstrings and comments apart; "gone" if it is."""
    try:
        source = inspect.getsource(importlib.import_module(module))
    except ImportError:
        return "gone"
    return code_hash(source)


def code_hash(source: str) -> str:
    """Return the sha256 of source lines, docstrings, blank lines and lines of comment apart."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        holder = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        if holder and ast.get_docstring(node, clean=False) is not None:
            first, last = node.body[0].lineno, node.body[0].end_lineno or node.body[0].lineno
            lines[first - 1 : last] = [""] * (last - first + 1)
    code = [line.rstrip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return hashlib.sha256("\n".join(code).encode()).hexdigest()

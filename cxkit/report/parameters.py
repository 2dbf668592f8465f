"""A notebook's parameters: read from its one tagged cell and typed by their defaults."""

from __future__ import annotations

import ast
import datetime as dt
import difflib
import io
import json
import keyword
import math
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cxkit.errors import ParameterError
from cxkit.report import secrets

Value = str | int | float | bool
Kind = Literal["text", "number", "whole number", "true or false"]

_KINDS: dict[type, Kind] = {
    str: "text",
    float: "number",
    int: "whole number",
    bool: "true or false",
}
_SECRET_VALUE = re.compile(
    r"://[^/\s:@]*:[^/\s@]+@|-----BEGIN |\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|\bsk-\w{16,}"
    r"|(passw(or)?d|pwd|secret|token|api_?key)\s*=",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One name that a notebook lets its reader choose: its default, its type, what it means."""

    name: str
    default: Value
    kind: Kind
    note: str = ""
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in one line, as a listing prints it."""
        choices = f"; one of: {', '.join(map(_quoted, self.choices))}" if self.choices else ""
        note = f"; {self.note}" if self.note else ""
        return f"{self.name}: {self.kind}, default {show(self.default)}{choices}{note}"


def read(notebook: str | Path | Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Read the parameters that a notebook declares.

    Parameters
    ----------
    notebook
        A path, or the notebook as JSON. Exactly one code cell carries the tag ``parameters`` and
        holds plain assignments, one a line, ``name = literal  # unit or meaning``; a comment
        ``one of: a, b`` names the only values allowed.

    Returns
    -------
    tuple of Parameter
        In the order of the cell. The type of a parameter is that of its default (an annotation
        ``float`` lets a whole default be a number).

    Raises
    ------
    ParameterError
        If there is not exactly one such cell, or it holds anything else than such assignments.

    Examples
    --------
    >>> cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]},
    ...         "source": "level = 0.95  # confidence level"}
    >>> print(*read({"nbformat": 4, "cells": [cell]}))
    level: number, default 0.95; confidence level
    """
    name = "the notebook" if isinstance(notebook, Mapping) else Path(notebook).name
    tagged = [
        cell
        for cell in _cells(notebook)
        if cell.get("cell_type") == "code" and "parameters" in tags(cell)
    ]
    if len(tagged) != 1:
        found = "none has it" if not tagged else f"{len(tagged)} have it"
        raise ParameterError(
            f"{name}: exactly one code cell must have the tag 'parameters', but {found}.\n"
            "  Without it papermill would run the defaults and say nothing. In JupyterLab: select\n"
            "  the cell with the defaults, open the property inspector, add the tag 'parameters'."
        )
    source = tagged[0].get("source", "")
    return _declared(source if isinstance(source, str) else "".join(source), name)


def parse(
    notebook: str | Path | Mapping[str, Any], given: Mapping[str, object]
) -> dict[str, Value]:
    """Return the value of every parameter of a notebook: what was given, else the default.

    Parameters
    ----------
    notebook
        As for :func:`read`.
    given
        Name to value; text (from a command line) or an already typed value (from a plan).

    Returns
    -------
    dict
        Every declared name, in the order of the cell, each value of the type of its default.

    Raises
    ------
    ParameterError
        All faults at once: unknown names with the nearest one, wrong types, values outside the
        choices, values that look like a secret.

    Examples
    --------
    >>> cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]},
    ...         "source": "level = 0.95  # confidence level"}
    >>> parse({"nbformat": 4, "cells": [cell]}, {"level": "0.9"})
    {'level': 0.9}
    >>> parse({"nbformat": 4, "cells": [cell]}, {"level": "high"})
    Traceback (most recent call last):
        ...
    cxkit.errors.ParameterError: the notebook: nothing was run, for one parameter is wrong.
      level=high: level is a number, default 0.95
    """
    declared = {p.name: p for p in read(notebook)}
    values: dict[str, Value] = {name: p.default for name, p in declared.items()}
    faults: list[str] = []
    for name, value in given.items():
        if name not in declared:
            faults.append(_unknown(name, declared))
            continue
        try:
            values[name] = _typed(declared[name], value)
        except ParameterError as fault:
            faults.append(str(fault))
    if faults:
        where = "the notebook" if isinstance(notebook, Mapping) else Path(notebook).name
        count = "one parameter is" if len(faults) == 1 else f"{len(faults)} parameters are"
        raise ParameterError(
            f"{where}: nothing was run, for {count} wrong.\n  " + "\n  ".join(faults)
        )
    return values


def show(value: Value) -> str:
    """Write a value as a person would type it in a plan; of a path on this machine, its end.

    >>> show("region=North"), show(True), show("/data/mine/bank/study.yml")
    ('"region=North"', 'true', '".../bank/study.yml"')
    """
    if isinstance(value, str) and re.match(r"[\\/~]|[A-Za-z]:[\\/]", value):
        value = "/".join(["...", *re.split(r"[\\/]", value.rstrip("\\/"))[-2:]])
    return json.dumps(value, ensure_ascii=False)


def tags(cell: Mapping[str, Any]) -> list[str]:
    """Return the tags of a cell."""
    return list(cell.get("metadata", {}).get("tags", []))


def _quoted(choice: str) -> str:
    """Write the empty choice so that it can be seen."""
    return choice or '""'


def _cells(notebook: str | Path | Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the cells of a notebook in format 4."""
    if isinstance(notebook, Mapping):
        return list(notebook["cells"])
    path = Path(notebook)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        others = sorted(p.name for p in path.parent.glob("*.ipynb")) if path.parent.is_dir() else []
        there = f"notebooks there: {', '.join(others)}" if others else "no notebook is there"
        raise ParameterError(f"{path}: there is no such notebook; {there}.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ParameterError(
            f"{path}: this cannot be read as a notebook ({type(error).__name__}).\n"
            "  A report is made from a .ipynb file as JupyterLab saves it."
        ) from None
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise ParameterError(
            f"{path}: this is not a notebook of format 4. Open and save it in JupyterLab once."
        )
    return content["cells"]


def _declared(source: str, where: str) -> tuple[Parameter, ...]:
    """Read ``name = literal  # comment`` lines; anything else in the cell is refused."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ParameterError(
            f"{where}: line {error.lineno} of the parameters cell is not plain Python."
        ) from None
    comments = dict(_comments(source))
    found: dict[str, Parameter] = {}
    for statement in tree.body:
        target, node, annotation = _assignment(statement)
        line = source.splitlines()[statement.lineno - 1].strip()
        if target is None or node is None:
            raise ParameterError(
                f"{where}: the parameters cell holds more than plain assignments: {line!r}.\n"
                "  Write one  name = value  a line, and move the rest to another cell."
            )
        try:
            default = ast.literal_eval(node)
        except ValueError:
            default = None
        if annotation == "float" and type(default) is int:
            default = float(default)
        if type(default) not in _KINDS or (
            isinstance(default, float) and not math.isfinite(default)
        ):
            raise ParameterError(
                f"{where}: the default of {target!r} must be written out as text, a number, True "
                f"or False, but the cell says: {line!r}."
            )
        if target in found:
            raise ParameterError(f"{where}: the parameters cell assigns {target!r} twice.")
        if secrets.NAME.search(target):
            raise ParameterError(
                f"{where}: the parameter {target!r} is named like a secret, and a parameter is "
                "printed in the report.\n  Read secrets from the environment, inside the notebook."
            )
        note, choices = _note(comments.get(statement.end_lineno or statement.lineno, ""))
        parameter = Parameter(
            name=target, default=default, kind=_KINDS[type(default)], note=note, choices=choices
        )
        if choices and _text(default) not in choices:
            raise ParameterError(
                f"{where}: the default of {target!r}, {show(default)}, is none of its own choices: "
                f"{', '.join(map(_quoted, choices))}."
            )
        found[target] = parameter
    return tuple(found.values())


def _assignment(statement: ast.stmt) -> tuple[str | None, ast.expr | None, str]:
    """Return the name, the value and the annotation of a plain assignment."""
    if (
        isinstance(statement, ast.Assign)
        and len(statement.targets) == 1
        and isinstance(statement.targets[0], ast.Name)
    ):
        return statement.targets[0].id, statement.value, ""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.value, ast.unparse(statement.annotation)
    return None, None, ""


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line number and text of every comment."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("#").strip()


def _note(comment: str) -> tuple[str, tuple[str, ...]]:
    """Split a comment into its meaning and its choices."""
    parts = [part.strip() for part in comment.split(";")]
    choices: tuple[str, ...] = ()
    rest = []
    for part in parts:
        before, found, listed = part.partition("one of:")
        if found:
            choices = tuple(item.strip().strip("\"'") for item in listed.split(","))
            part = before.strip(" ,")
        rest.append(part)
    return "; ".join(part for part in rest if part), choices


def _unknown(name: str, declared: Mapping[str, Parameter]) -> str:
    """Say that a name is unknown, which one is nearest and which there are; never its value."""
    names = ", ".join(declared) or "none"
    if not name.isidentifier() or keyword.iskeyword(name):
        return f"{name!r} cannot be the name of a parameter; this notebook has: {names}"
    near = difflib.get_close_matches(name, declared, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{name}: this notebook has no such parameter.{hint} It has: {names}"


def _typed(parameter: Parameter, value: object) -> Value:
    """Return ``value`` in the type of the parameter's default, or refuse it."""
    if isinstance(value, dt.date):  # YAML reads 2025-12-31 as a date
        value = value.isoformat()
    text = _text(value)
    if _SECRET_VALUE.search(text):
        raise ParameterError(
            f"{parameter.name}: the value looks like a secret, and parameters are printed in the "
            "report. Read secrets from the environment, inside the notebook."
        )
    typed = _convert(parameter.kind, value, text)
    if typed is None:
        hint = " (write it in quotes)" if parameter.kind == "text" else ""
        raise ParameterError(
            f"{parameter.name}={text}: {parameter.name} is {_article(parameter.kind)}, "
            f"default {show(parameter.default)}{hint}"
        )
    if parameter.choices and _text(typed) not in parameter.choices:
        near = difflib.get_close_matches(text, parameter.choices, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ParameterError(
            f"{parameter.name}={text}: {parameter.name} is one of "
            f"{', '.join(map(_quoted, parameter.choices))}{hint}"
        )
    return typed


def _convert(kind: Kind, value: object, text: str) -> Value | None:
    """Return the typed value; None where it is not of this kind."""
    bare = text.strip()
    is_number = isinstance(value, str | int | float) and not isinstance(value, bool)
    if kind == "text":
        readable = isinstance(value, str) and not re.search(r"[\x00\ud800-\udfff]", value)
        return value if readable and isinstance(value, str) else None
    if kind == "true or false":
        is_flag = isinstance(value, str | bool) and bare in {"true", "false"}
        return bare == "true" if is_flag else None
    if kind == "whole number":
        return int(bare) if is_number and re.fullmatch(r"[+-]?[0-9]{1,18}", bare) else None
    looks = re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", bare)
    number = float(bare) if is_number and looks else math.nan
    return number if math.isfinite(number) else None


def _text(value: object) -> str:
    """Return a value as it would be typed on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _article(kind: Kind) -> str:
    """Return a kind with its article."""
    return kind if kind in {"text", "true or false"} else f"a {kind}"

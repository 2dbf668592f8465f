"""Faults of a study.yml in the kit's own words: where, what was found, what to write."""

from __future__ import annotations

import re
import typing
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic_core import ErrorDetails

    from cxkit.study.marks import Marked, Path

#: What a library calls a kind of value, and what a reader calls it.
_WANTED = {
    "string": "a text; put it in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "dict": "a mapping of names, as in  {name: column}",
    "model": "a column's name, or  {column: NAME, ...}",
    "tuple": "a list, as in  [1, 5]",
    "too": "a list of the right length, as in  [1, 5]",
    "missing": "more than this, as in  [1, 5]",
    "list": "a list",
}


def nearest(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that ``name`` most likely means, by letters alone.

    >>> nearest("npss", ["csat", "nps"]), nearest("nps", ["nps_score"]), nearest("xyz", ["nps"])
    ('nps', 'nps_score', None)
    """
    folded = {k.casefold().replace("_", "").replace(" ", ""): k for k in reversed(known)}
    wanted = name.casefold().replace("_", "").replace(" ", "")
    found = get_close_matches(wanted, folded, n=1, cutoff=0.6)
    if not found and len(wanted) > 2:
        found = [k for k in folded if wanted in k or (len(k) > 2 and k in wanted)]
        found = found if len(found) == 1 else []
    return folded[found[0]] if found else None


def scalar(text: str) -> str:
    r"""Return a text as YAML reads it back, whatever stands in it; what cannot be seen is named.

    >>> scalar("nps"), scalar("no"), scalar(" nps"), scalar("a: b # c\n"), scalar("\ufeffid")
    ('nps', '"no"', '" nps"', '"a: b # c\\n"', '"\\uFEFFid"')
    """
    plain = re.fullmatch(r"[A-Za-z_][\w .-]*[\w.]|[A-Za-z_]", text) is not None
    if plain and yaml.safe_load(text) == text:
        return text
    quoted: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**6)
    return "".join(
        c if c.isprintable() or ord(c) > 0xFFFF else f"\\u{ord(c):04X}" for c in quoted.strip()
    )


def message(name: str, faults: Sequence[tuple[int, str]]) -> str:
    """Return all faults of a study.yml as one message, in the order of its lines."""
    ordered = sorted(dict.fromkeys(faults), key=lambda fault: fault[0])
    if len(ordered) == 1:
        return f"{name} line {ordered[0][0]}: {ordered[0][1]}  [CX-E090]"
    told = "\n".join(f"  line {line}, {text}".replace("\n  ", "\n    ") for line, text in ordered)
    return f"{name}: {len(ordered)} things to mend.\n{told}  [CX-E090]"


def faults_of(
    error: ValidationError, marked: Marked, model: type[BaseModel]
) -> list[tuple[int, str]]:
    """Return (line, words) for every fault; the library's own words are not used."""
    faults = []
    for detail in error.errors(include_url=False):
        path = _in_file(detail["loc"], marked)
        faults.append((marked.line_of(path), _words(detail, path, marked, model)))
    return faults


def _in_file(loc: tuple[int | str, ...], marked: Marked) -> Path:
    """Return a location without the steps that only the models have (forms, union branches)."""
    path: Path = ()
    for i, step in enumerate(loc):
        last = i == len(loc) - 1 and step not in {"dates", "snapshot"}
        if last or (*path, step) in marked.lines:
            path = (*path, step)
    return path


def _words(detail: ErrorDetails, path: Path, marked: Marked, model: type[BaseModel]) -> str:
    """Say one fault: the key it stands under, what is wrong, what to write."""
    kind = detail["type"]
    *above, last = path or ("",)
    where = ".".join(str(step) for step in above) + ": " if above else ""
    if kind == "extra_forbidden":
        keys = _keys_at(model, tuple(above), marked)
        if str(last) in _keys_at(model, tuple(above), marked, other_form=True):
            return f"{where}the key {last} belongs to customers of the other form; see  form:"
        hint = nearest(str(last), keys)
        cure = f"perhaps you mean  {hint}" if hint else "it knows " + ", ".join(keys)
        return f"{where}the key {last} is not known here; {cure}"
    if kind == "missing" and isinstance(last, int):
        return f"{where.removesuffix(': ')}: must be two numbers, as in  [1, 5]."
    if kind == "missing":
        return f"{where}needs the key {last}; write  {last}: {_example(model, path, marked)}"
    here = ".".join(str(step) for step in path)
    here = here + ": " if here else ""
    if kind == "value_error":
        own = str(detail.get("ctx", {}).get("error", "")).rstrip(".")
        return f"{here}{own}.{_found(detail['input'])}"
    if kind == "literal_error":
        return f"{here}must be one of  {_choices(detail)}.{_found(detail['input'])}"
    if kind.startswith("union_tag"):
        return f"{here}form must be one of  dates, snapshot.{_found(_form(marked))}"
    wanted = _WANTED.get(kind.split("_")[0], "something else")
    if kind.startswith("model") and not above:
        wanted = "a table: an indented list of keys, the first  file: NAME.csv"
    return f"{here}must be {wanted}.{_found(detail['input'])}"


def _choices(detail: ErrorDetails) -> str:
    """Return the allowed values of a choice."""
    return str(detail.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ")


def _found(given: object) -> str:
    """Show a short value as it was found."""
    if given is None:
        return " Found nothing."
    if isinstance(given, dict) or hasattr(given, "model_fields"):
        return ""
    return f" Found {str(given)[:60]!r}." if isinstance(given, str) else f" Found {given}."


def _models_at(model: type[BaseModel], path: Path, marked: Marked) -> Iterator[type[BaseModel]]:
    """Yield the models that can stand at a path."""
    if not path:
        yield model
        return
    field = model.model_fields.get(str(path[0]))
    for inner in _models_in(field.annotation) if field else ():
        rest = path[1:]
        if rest and field is not None and _is_mapping(field.annotation):
            rest = rest[1:]
        yield from _models_at(inner, rest, marked)


def _is_mapping(annotation: Any) -> bool:
    """Whether a field maps names of the user's own to models."""
    return typing.get_origin(annotation) is dict


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models named in a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models_in(part)


def _keys_at(
    model: type[BaseModel], path: Path, marked: Marked, *, other_form: bool = False
) -> list[str]:
    """Return the keys that may stand under a path; for customers, of the form declared or not."""
    found = list(_models_at(model, path, marked))
    if len(found) > 1:
        snapshot = _form(marked) == "snapshot"
        found = found[1:] if snapshot != other_form else found[:1]
    elif other_form:
        return []
    return list(dict.fromkeys(key for each in found for key in each.model_fields))


def _form(marked: Marked) -> object:
    """Return the form of customers that is declared."""
    return _value_at(marked, ("customers", "form"))


def _value_at(marked: Marked, path: Path) -> object:
    """Return what stands at a path."""
    value = marked.value
    for step in path:
        value = value.get(str(step)) if isinstance(value, dict) else None
    return value


def _example(model: type[BaseModel], path: Path, marked: Marked) -> str:
    """Return what could be written at a path."""
    plain = {
        "file": "NAME.csv",
        "study": "NAME",
        "as_of": "2025-12-31",
        "raters": "different people",
        "scale": "[1, 5]",
        "top": "4",
        "version": '"2.0"',
        "window": '"months 10 to 12"',
        "bad": "[1]",
        "tenure": "{column: NAME, unit: months}",
        "wait": "{column: NAME, unit: minutes}",
        "start": "NAME",
        "end": "NAME",
    }
    if path[-1] in plain:
        return plain[str(path[-1])]
    for found in _models_at(model, path, marked):
        if hasattr(found, "example"):
            return str(found.example)
    return "NAME"

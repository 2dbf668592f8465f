"""Who may import whom: the arrows of CONTRIBUTING.md, read from the source."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import cxkit

PACKAGE = Path(cxkit.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

WORDS = {"results", "errors", "markup"}
MAY_IMPORT = {
    "errors": set(),
    "markup": set(),
    "results": {"markup"},
    "metrics": {"disclosure"} | WORDS,
    "study": WORDS,
    "simulate": {"errors"},
    "retention": {"metrics", "study", "disclosure"} | WORDS,
    "linkage": {"metrics", "study", "disclosure"} | WORDS,
    "disclosure": {"results", "errors"},
    "figures": {"disclosure", "results", "markup"},
    "report": WORDS,
}
FREE = {"__init__", "cli"}  # the list of public names, and the command line: they reach everything
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}
MOST_LINES = 300


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    """Every module or public name of the kit that the source reaches, inside functions too."""
    aliases = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            ours = [a for a in node.names if a.name.split(".")[0] == "cxkit"]
            aliases |= {a.asname or "cxkit" for a in ours if a.name == "cxkit"}
            yield from (a.name for a in ours)
        elif isinstance(node, ast.ImportFrom):
            parts = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join(parts + ([node.module] if node.module else []))
            if module == "cxkit":
                yield from (f"cxkit.{a.name}" for a in node.names)
            elif module.startswith("cxkit."):
                yield module
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            named = [a.value for a in node.args if isinstance(a, ast.Constant)]
            yield from (str(n) for n in named if str(n).startswith("cxkit"))
    for node in ast.walk(tree):
        of_kit = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if of_kit and node.value.id in aliases:
            yield f"cxkit.{node.attr}"


@cache
def parsed(source: str) -> ast.Module:
    """The tree of a module, which two tests read."""
    return ast.parse(source)


@cache
def arrows(source: str, package: tuple[str, ...]) -> set[str]:
    """The layers that the source reaches; a public name counts as the layer it lives in."""
    found = set()
    for module in imported(parsed(source), package):
        first = module.removeprefix("cxkit").lstrip(".").split(".")[0]
        if first and not first.startswith("__"):
            found.add(cxkit._PUBLIC.get(first, first).split(".")[0])
    return found


def code_lines(source: str) -> int:
    """Lines that hold code: no blank, comment or docstring."""
    skipped = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in skipped:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            text = node.body[0]
            lines -= set(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return len(lines)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_its_layer_may(path: Path) -> None:
    layer = layer_of(path)
    if layer in FREE:
        return
    package = ("cxkit", *path.relative_to(PACKAGE).parts[:-1])
    forbidden = arrows(path.read_text(encoding="utf-8"), package) - MAY_IMPORT[layer] - {layer}
    assert not forbidden, f"{name_of(path)} ({layer}) may not import {sorted(forbidden)}"


def test_every_arrow_of_the_table_is_walked() -> None:
    walked: dict[str, set[str]] = {layer: set() for layer in MAY_IMPORT}
    for path in MODULES:
        if (layer := layer_of(path)) not in FREE:
            package = ("cxkit", *path.relative_to(PACKAGE).parts[:-1])
            walked[layer] |= arrows(path.read_text(encoding="utf-8"), package) - {layer}
    assert walked == MAY_IMPORT


def test_the_picture_for_contributors_shows_the_same_arrows() -> None:
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    picture = text.split("```")[3].strip().splitlines()
    shown = {}
    for line in picture[1:]:
        layers, reached = re.split(r" {2,}", line)[:2]
        shown |= {layer: set(reached.split(", ")) for layer in layers.split(", ")}
    assert picture[0].split() == ["cli", "everything"]
    assert shown == {layer: reached for layer, reached in MAY_IMPORT.items() if reached}


def test_every_part_of_the_package_has_its_place_in_the_table() -> None:
    assert {layer_of(p) for p in MODULES} <= set(MAY_IMPORT) | FREE


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from cxkit import markup", {"markup"}),
        ("def f():\n    from cxkit.study.load import read", {"study"}),
        ("from ..study import load", {"study"}),
        ("from . import nps", {"metrics"}),
        ("from cxkit import open_study", {"study"}),
        ("import cxkit.figures as f", {"figures"}),
        ("import cxkit as cx\ncx.nps([9])", {"metrics"}),
        ("import cxkit\nprint(cxkit.__version__)", set()),
        ("if TYPE_CHECKING:\n    from cxkit.linkage.ladder import correlation", {"linkage"}),
        ("import_module('cxkit.retention.answer')", {"retention"}),
        ("import pandas\nfrom cxkit import __version__", set()),
    ],
)
def test_the_reader_of_imports_sees_every_way_to_import(source: str, found: set[str]) -> None:
    assert arrows(source, ("cxkit", "metrics")) == found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_has_a_telling_name_and_one_idea(path: Path) -> None:
    parts = {p.removesuffix(".py") for p in path.relative_to(PACKAGE).parts}
    assert not parts & VAGUE
    lines = code_lines(path.read_text(encoding="utf-8"))
    assert lines <= MOST_LINES, f"{name_of(path)}: {lines} lines of code, at most {MOST_LINES}"


def test_docstrings_and_comments_are_not_counted_as_code() -> None:
    source = '"""One.\n\nTwo.\n"""\n\n# three\ndef f():\n    """Four."""\n    return """a\nb"""\n'
    assert code_lines(source) == 3

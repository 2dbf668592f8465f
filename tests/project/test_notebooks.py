"""The notebooks as literature: one question each, nothing computed by hand, nothing hidden."""

import ast
import json
import re
from pathlib import Path

import pytest

import cxkit as cx
from cxkit.study.requirements import REQUIREMENTS

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
TINY = Path(__file__).parents[1] / "notebooks" / "tiny.ipynb"
FIRST = {"retention_vs_experience.ipynb", "engagement_correlation.ipynb"}
TAGS = {"parameters", "answer", "conclusion", "provenance"}
MOST_LINES = 15
#: A decimal, a percentage, or a number with one of the kit's units: computed, so never typed.
COMPUTED = re.compile(r"\d[.,]\d|\d\s*(%|percent|points?\b)", re.IGNORECASE)

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def cells(path: Path, kind: str = "") -> list[dict]:
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [c for c in found if kind in ("", c["cell_type"])]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def tags(cell: dict) -> set[str]:
    return set(cell["metadata"].get("tags", []))


def test_the_first_two_questions_have_their_notebooks() -> None:
    assert {p.name for p in NOTEBOOKS} >= FIRST


@each
def test_it_is_committed_without_outputs(path: Path) -> None:
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@each
def test_it_opens_with_its_question_and_two_sentences(path: Path) -> None:
    first = cells(path)[0]
    title, _, rest = source(first).partition("\n")
    assert first["cell_type"] == "markdown"
    assert re.fullmatch(r"# .+\?", title)
    assert rest.strip()


@each
def test_its_tags_are_there_in_their_places(path: Path) -> None:
    everything, code = cells(path), cells(path, "code")
    by_tag = {tag: [c for c in everything if tag in tags(c)] for tag in TAGS}
    assert {tag: len(found) for tag, found in by_tag.items()} == dict.fromkeys(TAGS, 1)
    assert by_tag["parameters"] == [everything[1]] == [code[0]]
    assert by_tag["answer"] == [code[2]]
    assert by_tag["provenance"] == [code[-1]]


@pytest.mark.parametrize("path", [*NOTEBOOKS, TINY], ids=lambda p: p.stem)
def test_a_cell_is_short_and_defines_nothing(path: Path) -> None:
    for cell in cells(path, "code"):
        text = source(cell)
        assert text.strip()
        assert len(text.splitlines()) <= MOST_LINES
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        assert not [n for n in ast.walk(ast.parse(text)) if isinstance(n, defined)]


@each
def test_parameters_are_plain_literals_with_a_comment(path: Path) -> None:
    (cell,) = [c for c in cells(path, "code") if "parameters" in tags(c)]
    for line in source(cell).splitlines():
        if line.startswith("#") or not line.strip():
            continue
        (statement,) = ast.parse(line).body
        assert isinstance(statement, ast.Assign | ast.AnnAssign), line
        ast.literal_eval(statement.value)
        comment = line.rpartition("  # ")[2]
        assert comment != line, f"no comment with type and unit: {line}"
        assert "=" not in comment, f"papermill does not see a line with = in its comment: {line}"


@each
def test_prose_types_no_computed_figure(path: Path) -> None:
    for cell in cells(path, "markdown"):
        found = COMPUTED.search(source(cell))
        assert not found, f"a number typed beside the result: {found}"


@each
def test_it_uses_the_kit_by_its_public_names_only(path: Path) -> None:
    tree = ast.parse("\n".join(source(c) for c in cells(path, "code")))
    kit = [
        ast.unparse(n)
        for n in ast.walk(tree)
        if (isinstance(n, ast.Import) and any(a.name.startswith("cxkit") for a in n.names))
        or (isinstance(n, ast.ImportFrom) and (n.module or "").startswith("cxkit"))
    ]
    assert kit == ["import cxkit as cx"]
    used = {
        n.attr
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "cx"
    }
    assert used <= set(cx.__all__)


@pytest.mark.parametrize(
    ("text", "computed"),
    [
        ("It rose by 4.2.", True),
        ("65 % stayed", True),
        ("12 percent", True),
        ("3 points more", True),
        ("the first 90 days of 2025", False),
        ("0 to 10, and 1 to 5", False),
    ],
)
def test_the_reader_of_prose_tells_a_result_from_a_design_number(text: str, computed: bool) -> None:
    assert bool(COMPUTED.search(text)) is computed


def test_every_notebook_is_planned_explained_and_knows_what_it_needs() -> None:
    plan, readme = (
        (FOLDER.parent / name).read_text(encoding="utf-8")
        for name in ("reports/plan.yml", "README.md")
    )
    planned = re.findall(r"notebook: \.\./notebooks/(\w+)\.ipynb", plan)
    told = re.findall(r"^\| .+\? \| \[(\w+)\]\(notebooks/\1\.ipynb\) \|", readme, re.MULTILINE)
    named = {path.stem for path in NOTEBOOKS}
    assert named == set(planned) == set(told) == set(REQUIREMENTS)

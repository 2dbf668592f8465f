"""Nothing that data can name runs, fetches or leads elsewhere: read from the page's text."""

import base64
import re
from pathlib import Path

import pytest

from cxkit.errors import ParameterError
from cxkit.report import files, render
from cxkit.report.clean import faults
from cxkit.report.make import Report, make, prepare
from tests.report import hostile, made
from tests.report.test_render import Tree

pytestmark = pytest.mark.notebook


@pytest.fixture(scope="module")
def page(hostile_report: Report) -> str:
    """The page of the hostile notebook, which was run for real."""
    assert hostile_report.html is not None, str(hostile_report.verdict)
    return hostile_report.html.read_text(encoding="utf-8")


def test_every_vector_was_there(hostile_report: Report) -> None:
    assert hostile_report.ipynb is not None
    raw = hostile_report.ipynb.read_text(encoding="utf-8")
    for mime in ("javascript", "latex", "markdown", "svg+xml", "html", "vnd.vegalite", "vnd.cxkit"):
        assert f"/{mime}" in raw, mime
    assert "OLS Regression Results" in raw
    assert raw.count("onerror=window.ran=1") > 60
    assert '"output_type": "error"' not in raw


def test_the_page_is_inert(page: str) -> None:
    assert faults(page) == []
    tree = Tree(page)
    kinds = {tag for tag, _ in tree.elements}
    assert not kinds & {"script", "svg", "iframe", "form", "object", "embed", "link", "base"}
    for tag, given in tree.elements:
        assert not any(name.startswith("on") for name in given), (tag, given)
        assert "style" not in given, (tag, given)
    for link in tree.all("a"):
        href = str(link.get("href", "#"))
        assert href.startswith("#") or (href.startswith("data:text/csv") and link["download"])
    for image in tree.all("img"):
        assert str(image.get("src", "data:image/")).startswith("data:image/")


def test_what_is_hostile_is_still_there_to_be_read(page: str) -> None:
    assert Tree(page).text.count("<script>window.ran=1</script>") > 20


def test_the_file_inside_holds_no_formula(page: str) -> None:
    (link,) = [a for a in Tree(page).all("a") if a.get("download")]
    rows = base64.b64decode(str(link["href"]).split(",")[1]).decode("utf-8-sig").splitlines()
    assert [row.split(",")[0] for row in rows[:4]] == [
        '"\'=1+1"',
        '"\'=HYPERLINK(1)"',
        '"\'+1"',
        '"\'@a"',
    ]
    assert rows[1].endswith(",-1")


def test_the_index_of_it_is_inert(hostile_report: Report) -> None:
    from cxkit.report.batch import _row

    report = hostile_report
    assert report.html is not None
    row = _row(report, [report], report.html.parent)
    content = render.Index(title="Reports", context=hostile.PAYLOAD, rows=(row,))
    html = render.render_index(content).decode()
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert script is not None
    assert faults(html, script=script[1]) == []
    assert len(Tree(html).all("script")) == 1


def test_the_page_of_a_hostile_failure_is_inert(tmp_path: Path) -> None:
    path = tmp_path / "<img src=x onerror=window.ran=1>.ipynb"
    source = f"raise type({hostile.PAYLOAD!r}, (Exception,), {{}})({hostile.PAYLOAD!r})"
    content = made.content(
        ("markdown", f"# {hostile.PAYLOAD}\n\n## {hostile.PAYLOAD}"),
        made.LEVEL,
        ("code", source),
        made.END,
    )
    import json

    path.write_text(json.dumps(content), encoding="utf-8")
    report = make(prepare(path, {}, name="fails"), out=tmp_path, cwd=tmp_path)
    assert report.failed is not None
    assert faults(report.failed.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", hostile.TRAVERSALS)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ParameterError, match="cannot be the name of a report"):
        files.check_name(name, where="plan.yml")


@pytest.mark.parametrize("value", [t for t in hostile.TRAVERSALS if t])
def test_no_value_in_a_name_leads_out_of_the_folder(value: str) -> None:
    from cxkit.report import grid

    name = grid.file_name("north_{branch}", {"branch": value})
    assert re.fullmatch(r"north_[A-Za-z0-9_-]*", name)

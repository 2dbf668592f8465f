"""The page: one inert file with everything in its place, and the same bytes for the same run."""

import json
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from cxkit.errors import ReportError
from cxkit.report import render
from cxkit.report.clean import clean, faults
from cxkit.report.page import lay_out
from cxkit.report.parameters import parse, read
from cxkit.report.run import Executed, execute
from tests.report import made

VOID = {"meta", "img", "br", "hr", "col"}


class Tree(HTMLParser):
    """The elements of a page with their attributes, and whether they close as they open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="session")
def page(tiny: Executed, tiny_notebook: Path) -> str:
    """The report of the tiny notebook."""
    return render.render(
        tiny.notebook,
        declared=read(tiny_notebook),
        values=tiny.parameters,
        fallback_title="tiny",
    ).decode()


def unfolded(page: str) -> str:
    """Return a page without its folded code."""
    return re.sub(r"<details.*?</details>", "", page, flags=re.DOTALL)


def rendered(
    *cells: made.Cell, outputs: list[dict[str, object]] | None = None, code: str = "fold"
) -> str:
    """Render cells as they were given, the last with these outputs."""
    content = made.content(*cells)
    if outputs is not None:
        content["cells"][-1]["outputs"] = outputs
    notebook = nbformat.from_dict(content)
    return render.render(
        notebook, declared=(), values={}, fallback_title="none", code=code
    ).decode()


def shown(data: dict[str, object]) -> dict[str, object]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


@pytest.mark.notebook
class TestThePage:
    def test_it_is_well_formed_and_inert(self, page: str) -> None:
        tree = Tree(page)
        assert not tree.open
        assert faults(page) == []
        assert not re.search(r"https?://|//cdn|<script|<link|@import|url\(", unfolded(page))

    def test_its_policy_forbids_everything_but_what_it_holds(self, page: str) -> None:
        policy = [
            m["content"]
            for m in Tree(page).all("meta")
            if m.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policy == [
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
            "form-action 'none'"
        ]

    def test_the_question_then_the_answer_then_a_figure(self, page: str) -> None:
        assert page.count("<h1") == 1
        order = [
            page.index(mark)
            for mark in ("<h1>Would seven", "<section", "<figure", "<nav", '<h2 id="data"')
        ]
        assert order == sorted(order)
        assert Tree(page).all("html") == [{"lang": "en"}]
        assert "<title>Would seven customers recommend us? – Seven answers" in page

    def test_above_the_question_stands_whose_data_they_are(self, page: str) -> None:
        context = re.search(r'<p class="context">(.*?)</p>', page, re.DOTALL)
        assert context is not None
        words = re.sub(r"<[^>]+>|\s+", " ", context[1])
        assert re.sub(r"\s+", " ", words).strip() == (
            "Seven answers · level = 0.9 · data to 31 December 2025"
        )

    def test_the_contents_lead_to_every_part(self, page: str) -> None:
        tree = Tree(page)
        anchors = {a["id"] for tag in ("h2", "h3") for a in tree.all(tag) if "id" in a}
        linked = [str(a["href"]).removeprefix("#") for a in tree.all("a")]
        assert linked == ["data", "what-was-printed", "parameters", "provenance"]
        assert set(linked) <= anchors

    def test_code_is_folded_and_parameters_are_a_table(self, page: str) -> None:
        assert "value_counts" in page
        assert "value_counts" not in unfolded(page)
        assert "injected" not in page
        assert "confidence level" in page
        assert "# confidence level" not in page
        row = re.search(r"<tr><th scope=\"row\"><code>level</code>.*?</tr>", page, re.DOTALL)
        assert row is not None
        assert "<strong>0.9</strong>" in row[0]
        assert "0.95" in row[0]
        assert page.index('id="parameters"') < page.index('id="provenance"')

    def test_what_was_printed_is_there(self, page: str) -> None:
        assert "7 answers, horizon 12 months, nps" in Tree(page).text

    def test_every_image_has_words_and_every_table_scrolls_in_itself(self, page: str) -> None:
        tree = Tree(page)
        assert [i["alt"] for i in tree.all("img")] == [
            "Seven bars: the answers 10, 9, 8, 6, 10, 9 and 2."
        ]
        frames = [d for d in tree.all("div") if d.get("class") in {"cx-table", "plain-table"}]
        assert [f["tabindex"] for f in frames] == ["0"] * 3
        assert all(f["aria-label"] and f["role"] == "region" for f in frames)
        assert len(tree.all("table")) == 3
        assert all(th.get("scope") in {"row", "col"} for th in tree.all("th"))

    def test_pandas_style_sheet_is_gone(self, page: str) -> None:
        assert page.count("<style>") == 1
        assert "dataframe tbody tr th:only-of-type" not in page

    def test_the_same_run_gives_the_same_bytes(
        self,
        tiny: Executed,
        tiny_notebook: Path,
        page: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("PYTHONHASHSEED", "7")
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        again = execute(tiny_notebook, parse(tiny_notebook, {"level": "0.9"}), cwd=tmp_path)
        html = render.render(
            again.notebook, declared=read(tiny_notebook), values=again.parameters, fallback_title=""
        )
        assert html.decode() == page
        assert nbformat.writes(again.notebook) == nbformat.writes(tiny.notebook)

    def test_the_copy_names_no_machine_and_no_time(self, tiny: Executed) -> None:
        text = nbformat.writes(tiny.notebook)
        nbformat.validate(json.loads(text))
        assert not re.search(r"start_time|duration|input_path|iopub", text)
        assert os.sep + "tmp" not in text


HOSTILE = "<script>window.ran=1</script><img src=x onerror='window.ran=1'>"
ATTACKS = {
    "script": "<script>window.ran = 1</script>",
    "handler": '<p onclick="window.ran=1">text</p>',
    "remote image": '<img src="http://evil.example/x.png" alt="a">',
    "protocol-relative image": '<img src="//evil.example/x.png" alt="a">',
    "srcset": '<img srcset="http://evil.example/x.png 2x" alt="a">',
    "image that is a page": '<img src="data:text/html;base64,PHNjcmlwdD4=" alt="a">',
    "javascript link": '<a href="javascript:window.ran=1">a</a>',
    "data link": '<a href="data:text/html,<script>1</script>">a</a>',
    "remote link": '<a href="https://evil.example/">a</a>',
    "frame": '<iframe src="http://evil.example/"></iframe>',
    "inner svg": '<svg onload="window.ran=1"><a xlink:href="javascript:1"><text>a</text></a></svg>',
    "math": "<math><maction actiontype='statusline' xlink:href='javascript:1'>a</maction></math>",
    "form": '<form action="http://evil.example/"><input name="a"><button>go</button></form>',
    "style": "<style>body{background:url(http://evil.example/)}</style>",
    "style attribute": '<p style="background:url(http://evil.example/)">a</p>',
    "sheet": '<link rel="stylesheet" href="http://evil.example/">',
    "base": '<base href="http://evil.example/">',
    "refresh": '<meta http-equiv="refresh" content="0;url=http://evil.example/">',
    "break out": "</div></main></body></html><script>window.ran = 1</script>",
    "mutation": '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "template": "<template><script>window.ran = 1</script></template>",
    "object": '<object data="http://evil.example/"></object><embed src="http://evil.example/">',
    "table": f"<table><tr><td>{HOSTILE}</td></tr></table>",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_hostile_html_is_inert_wherever_it_stands(attack: str) -> None:
    outputs = [
        shown({"text/html": attack, "text/plain": attack}),
        shown({"text/markdown": attack}),
        shown({"text/plain": attack}),
        shown({"application/javascript": "window.ran = 1", "text/plain": attack}),
        {"output_type": "stream", "name": "stdout", "text": attack},
        {"output_type": "stream", "name": "stderr", "text": attack},
    ]
    html = rendered(
        ("markdown", f"# Why {attack}"),
        ("markdown", f"## {attack}\n\n{attack}"),
        ("code", attack),
        outputs=outputs,
    )
    assert faults(html) == []
    tree = Tree(html)
    assert {tag for tag, _ in tree.elements}.isdisjoint(
        {"script", "iframe", "svg", "form", "input", "object", "embed", "link", "base", "template"}
    )
    assert not any(name.startswith("on") for _, given in tree.elements for name in given)


@pytest.mark.parametrize(
    "source",
    [
        "[a](javascript:window.ran=1)",
        "[a](<javascript:window.ran=1>)",
        "[a][b]\n\n[b]: javascript:window.ran=1",
        "![a](http://evil.example/x.png)",
        "<http://evil.example/>",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](//evil.example)",
        "[a](other.html)",
    ],
)
def test_hostile_markdown_is_inert(source: str) -> None:
    html = rendered(("markdown", f"# Question\n\n{source}"))
    assert faults(html) == []
    assert all(str(a["href"]).startswith("#") for a in Tree(html).all("a"))
    assert all("src" not in i for i in Tree(html).all("img"))


def test_an_address_is_written_out_not_linked() -> None:
    html = rendered(
        ("markdown", "# Q\n\nSee [Rogers](https://doi.org/10.1000/1) and [Data](#data).")
    )
    assert 'Rogers <span class="address">(https://doi.org/10.1000/1)</span>' in html
    assert '<a href="#data">Data</a>' in html


def test_what_the_kit_and_pandas_emit_survives_cleaning() -> None:
    import pandas as pd

    from cxkit import markup
    from cxkit.results import Picture, Table

    frame = pd.DataFrame({"branch": ["<b>&"], "nps": [1.5]})
    table = Table(frame=frame, caption="By branch", shown=frame, numeric=("nps",))._repr_html_()
    picture = Picture(data=b"x", mime="image/png", alt='a "b" <c>', caption="c & d")._repr_html_()
    assert markup.IN_LAB + clean(table) == table
    assert clean(picture) == picture
    assert "<style" not in clean(frame._repr_html_())
    assert markup.escape("<b>&") in clean(frame._repr_html_())


def test_the_last_wall_refuses_to_write_a_page_that_is_not_inert() -> None:
    index = render.Index(
        title="t",
        context="c",
        rows=(render.Row(name="a", title="a", status="whole", href="http://evil.example"),),
    )
    with pytest.raises(ReportError, match="would not be inert: it holds an address in href of a"):
        render.render_index(index)


@pytest.mark.parametrize(
    "page",
    [
        "<script>1</script>",
        "<p onclick=x>",
        '<img src="http://a">',
        '<a href="//a">',
        '<a href="javascript:1">',
        '<a href="data:text/html;base64,AAAA" download="a.html">',
        '<a href="http://a.b/c.csv" download="c.csv">',
        '<a href="data:text/csv;charset=utf-8;base64,AAAA">',
        "<style>a{b:url(c)}</style>",
        '<p style="b:url(c)">',
        '<meta http-equiv="refresh">',
        "<svg></svg>",
        "<form></form>",
    ],
)
def test_the_last_wall_sees(page: str) -> None:
    assert len(faults(page)) == 1


def test_a_notebook_without_parts_or_heading_still_makes_a_page() -> None:
    html = rendered(("code", "1"), outputs=[shown({"text/plain": "1"})])
    assert "<h1>none</h1>" in html
    assert "<nav" not in html


def test_two_parts_of_one_name_have_two_anchors() -> None:
    html = rendered(("markdown", "# Q\n\n## Data\n\na\n\n## Data\n\n# Also a part\n\n## Über"))
    ids = [h["id"] for h in Tree(html).all("h2")]
    assert len(set(ids)) == len(ids) == 4


def test_silent_outputs_leave_no_trace() -> None:
    html = rendered(
        ("code", "x"),
        outputs=[
            shown({"text/plain": "<IPython.core.display.Javascript object>"}),
            shown({}),
            shown({"text/html": "<script>1</script>"}),
        ],
    )
    assert '<div class="shown">' not in html


@pytest.mark.parametrize("mime", ["image/png", "image/svg+xml", "image/jpeg"])
def test_a_bare_picture_is_held_by_the_page(mime: str) -> None:
    content = "<svg xmlns='http://www.w3.org/2000/svg'/>" if "svg" in mime else "AAAA"
    output = shown({mime: content, "text/plain": "<Figure size 640x480 with 1 Axes>"})
    output["metadata"] = {mime: {"alt": "A curve that falls."}}
    images = Tree(rendered(("code", "x"), outputs=[output])).all("img")
    assert [i["alt"] for i in images] == ["A curve that falls."]
    assert str(images[0]["src"]).startswith(f"data:{mime};base64,")


def test_the_provenance_comes_last_and_its_parameters_once(notebook: Callable[..., Path]) -> None:
    rows = "<table><tr><td>TWICE</td></tr></table>"
    table = f'<div class="cx-table" aria-label="Parameters">{rows}</div><p>kept</p>'
    content = made.content(
        ("markdown", "# Q"),
        ("markdown", "## Data"),
        made.LEVEL,
        ("markdown", "## Sources"),
        ("provenance", "x"),
    )
    content["cells"][-1]["outputs"] = [
        shown({"text/html": table, "application/vnd.cxkit.provenance+json": {"as_of": "no date"}})
    ]
    laid = lay_out(
        nbformat.from_dict(content).cells,
        declared=read(content),
        values={"level": 0.9},
        fallback_title="",
    )
    assert [h.text for h in laid.contents] == ["Data", "Parameters", "Sources"]
    text = "".join(block.html for block in laid.provenance)
    assert "kept" in text
    assert "TWICE" not in text
    assert laid.context == ("level = 0.9",)


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_ink_can_be_read_on_every_ground(theme: int) -> None:
    sheet = (Path(render.__file__).parent / "template" / "page.css").read_text(encoding="utf-8")
    block = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[theme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    for ink in ("ink", "soft", "accent", "warn", "kw", "str", "num", "com"):
        for ground in ("paper", "wash", "accent-wash"):
            light, dark = sorted(map(luminance, (colours[ink], colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("promoters (9–10) stay", 'promoters <span class="nb">(9–10)</span> stay'),
        ("n = 3,781, so", '<span class="nb">n = 3,781</span>, so'),
        ("a 95 % interval", 'a <span class="nb">95 %</span> interval'),
        ("p is &lt; 0.001", '<span class="nb">p is &lt; 0.001</span>'),
        ("from −0.3 to 1,234.5.", 'from <span class="nb">−0.3 to 1,234.5</span>.'),
        ("2025-12-31", '<span class="nb">2025-12-31</span>'),
        ("4: 3,753; 5: 2", '<span class="nb">4: 3,753</span>; <span class="nb">5: 2</span>'),
        ("see CX-R019.", 'see <span class="nb">CX-R019</span>.'),
        ("Kaplan–Meier, in = out", "Kaplan–Meier, in = out"),
    ],
)
def test_numbers_are_kept_together_in_text_only(text: str, kept: str) -> None:
    html = rendered(
        ("code", "x"),
        outputs=[shown({"text/html": f'<p title="9–10 > 95 %">{text}</p>'})],
    )
    assert f'<p title="9–10 &gt; 95 %">{kept}</p>' in html


def test_a_heading_in_an_output_is_neither_the_question_nor_a_part() -> None:
    html = rendered(("code", "x"), outputs=[shown({"text/markdown": "# Big\n\n## Less"})])
    assert "<h1>none</h1>" in html
    assert "<h3>Big</h3>" in html
    assert "<nav" not in html


def test_the_index_does_not_say_an_interval_twice() -> None:
    answer = {"metric": "NPS", "measured_in": "points", "value": 4, "low": 1, "high": 7}
    assert render.number(answer) == "NPS: 4.0 points (95 % interval 1.0 to 7.0)"
    assert render.number({**answer, "headline": "NPS is 4.0 (1.0 to 7.0)."}) == ""
    assert render.number({**answer, "value": None}) == ""
    assert render.number({}) == ""


def test_an_empty_first_cell_heads_no_row() -> None:
    import pandas as pd

    from cxkit import markup

    html = markup.table(pd.DataFrame({"a": ["x", ""], "b": ["y", "z"]}), caption="c")
    assert '<th scope="row">x</th>' in html
    assert "<td></td><td>z</td>" in html


@pytest.mark.parametrize(
    ("printed", "of_numbers"),
    [
        (["<\N{NO-BREAK SPACE}0.001", "< 0.001", "0.290", "–"], True),
        (["1,060", "0"], True),
        (["−3.6 to 11.9", "5.2 to 22.5"], True),
        (["55.9 %", "fewer than 5"], True),
        (["<5", "1,889"], True),
        (["–", "–"], False),
        (["2023-07-08", "2023-07-09"], False),
        (["2024Q1", "2024Q2"], False),
        (["12", "left out"], False),
    ],
)
def test_a_column_that_prints_numbers_only_is_set_to_the_right(
    printed: list[str], of_numbers: bool
) -> None:
    import pandas as pd

    from cxkit import markup

    frame = pd.DataFrame({"a": printed, "b": printed})
    html = markup.table(frame, caption="c")
    assert ('<th scope="col" class="num">b</th>' in html) == of_numbers
    assert '<th scope="col">a</th>' in html, "the first column names the row"

"""Everyone can read the pages: axe-core finds nothing, the keyboard reaches everything."""

import json
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from cxkit.report.batch import planned, run_batch
from tests.report import made

pytestmark = pytest.mark.browser

#: Written down at every stop of the focus: where it is, and whether one can see it there.
NOTED = """() => {
  window.stops = [];
  addEventListener("focusin", ({target}) => {
    const style = getComputedStyle(target);
    stops.push([target.tagName, target.innerText.slice(0, 40), style.outlineStyle,
      parseFloat(style.outlineWidth)]);
  });
}"""
REACHABLE = """() => [...document.querySelectorAll(
    "a[href], summary, button, input, [tabindex='0']")]
  .filter(e => e.checkVisibility() && !e.closest("details:not([open]) > :not(summary)")).length"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a batch of which one report failed, one was refused and one is whole."""
    folder = tmp_path_factory.mktemp("broken")
    cells = (("markdown", "# Does this one fail?\n\n## A part"), made.LEVEL)
    sources = {"fails": "1 / 0", "refused": "import cxkit as cx\ncx.open_study('none.yml')"}
    listed = []
    for name, source in sources.items():
        notebook = folder / f"{name}_source.ipynb"
        content = made.content(*cells, ("code", source), made.END)
        notebook.write_text(json.dumps(content), encoding="utf-8")
        listed.append(f"  - {{name: {name}, notebook: {notebook.name}}}")
    tiny = Path(__file__).parents[1] / "notebooks" / "tiny.ipynb"
    listed.append(f"  - {{name: whole, notebook: {json.dumps(str(tiny))}}}")
    (folder / "plan.yml").write_text("\n".join(["reports:", *listed]), encoding="utf-8")
    made_of = run_batch(planned(folder / "plan.yml", out=folder / "out"), workers=1)
    assert [r.verdict.status for r in made_of] == ["failed", "refused", "whole"]
    return folder / "out"


def opened(browser: Browser, file: Path, *, scheme: str = "light", width: int = 1280) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(file.as_uri())
    return page


#: The rules that look at colours and boxes; all the others read the tree of elements.
LOOKS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable"]


def found(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe-core says of a page: all its rules, those of good practice too, or some of them."""
    chosen = {"runOnly": rules} if rules else {}
    said = Axe().run(page, options={"resultTypes": ["violations"], **chosen}).response
    kinds = ("passes", "violations", "incomplete", "inapplicable")
    asked = {r["id"] for kind in kinds for r in said[kind]}
    assert asked >= {*LOOKS}, "axe did not look"
    assert len(said["passes"]) >= (1 if rules else 15), "axe did not look"
    return [
        f"{v['id']} ({v['impact']}): {node['html'][:160]}"
        for v in said["violations"]
        for node in v["nodes"]
    ]


# Colours do not ask how wide the window is, nor boxes which colours they have. A report has the
# same elements in every window; an index is a table in one and cards in the other.
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(
    browser: Browser, reports: Path, broken: Path, scheme: str, width: int
) -> None:
    files = [*sorted(reports.glob("*.html")), *sorted(broken.glob("*.html"))]
    assert len(files) >= 5
    for file in files:
        page = opened(browser, file, scheme=scheme, width=width)
        page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
        rules = LOOKS if scheme == "dark" and file.name != "index.html" else None
        assert found(page, rules) == [], f"{file.name}, {scheme}, {width} px"
        page.close()


def test_axe_sees_what_it_should(browser: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><title>x</title><style>p{color:#bbb;background:#fff}</style><main>"
        "<h1>t</h1><p>pale</p><img src='data:image/png;base64,'><table><tr><th></th></tr></table>",
        encoding="utf-8",
    )
    page = opened(browser, bad)
    said = {line.split(" ")[0] for line in found(page)}
    assert {"html-has-lang", "color-contrast", "image-alt", "empty-table-header"} <= said
    assert {line.split(" ")[0] for line in found(page, LOOKS)} == {"color-contrast"}
    page.close()


def test_the_keyboard_reaches_everything_and_one_sees_where_it_is(
    browser: Browser, reports: Path, broken: Path
) -> None:
    for file in (*sorted(reports.glob("*.html")), broken / "index.html"):
        page = opened(browser, file)
        page.evaluate(NOTED)
        reachable = page.evaluate(REACHABLE)
        for _ in range(reachable):
            page.keyboard.press("Tab")
        stops = page.evaluate("stops")
        assert len(stops) == reachable, f"{file.name}: the focus left after {len(stops)} stops"
        for tag, text, style, width in stops:
            assert style != "none", f"{file.name}: {tag} {text!r} shows no focus"
            assert width >= 2, f"{file.name}: {tag} {text!r} shows no focus"
        assert len({(tag, text) for tag, text, _, _ in stops}) > 1
        page.close()


def test_a_fold_opens_with_the_keyboard(browser: Browser, reports: Path) -> None:
    page = opened(browser, reports / "retention_vs_experience.html")
    page.locator("details.code > summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.code").first.evaluate("d => d.open")
    page.close()

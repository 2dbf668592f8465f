"""Everyone can read the pages: axe-core finds nothing, the keyboard reaches everything."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.report import made

pytestmark = pytest.mark.browser

#: Ending the page with words that stand alone: what has the focus, and whether one can see it.
FOCUSED = """() => {
  const at = document.activeElement;
  const style = getComputedStyle(at);
  return [at.tagName, at.innerText.slice(0, 40), style.outlineStyle,
    parseFloat(style.outlineWidth)];
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
    run = subprocess.run(
        [sys.executable, "-m", "cxkit.cli", "batch", "plan.yml", "--out", "out"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 1, run.stdout[-2000:] + run.stderr[-2000:]
    return folder / "out"


def opened(browser: Browser, file: Path, *, scheme: str = "light", width: int = 1280) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(file.as_uri())
    return page


def found(page: Page) -> list[str]:
    """What axe-core says of a page, all its rules, those of good practice too."""
    said = Axe().run(page).response
    assert len(said["passes"]) >= 15, "axe did not look"
    return [
        f"{v['id']} ({v['impact']}): {node['html'][:160]}"
        for v in said["violations"]
        for node in v["nodes"]
    ]


# Colours do not ask how wide the window is, nor boxes which colours they have.
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(
    browser: Browser, reports: Path, broken: Path, scheme: str, width: int
) -> None:
    files = [*sorted(reports.glob("*.html")), *sorted(broken.glob("*.html"))]
    assert len(files) >= 5
    for file in files:
        page = opened(browser, file, scheme=scheme, width=width)
        page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
        assert found(page) == [], f"{file.name}, {scheme}, {width} px"
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
    page.close()


def test_the_keyboard_reaches_everything_and_one_sees_where_it_is(
    browser: Browser, reports: Path, broken: Path
) -> None:
    for file in (*sorted(reports.glob("*.html")), broken / "index.html"):
        page = opened(browser, file)
        seen = set()
        for _ in range(page.evaluate(REACHABLE)):
            page.keyboard.press("Tab")
            tag, text, style, width = page.evaluate(FOCUSED)
            assert tag != "BODY", f"{file.name}: the focus left after {len(seen)} stops"
            assert style != "none", f"{file.name}: {tag} {text!r} shows no focus"
            assert width >= 2, f"{file.name}: {tag} {text!r} shows no focus"
            seen.add((tag, text))
        assert len(seen) > 1
        page.close()


def test_a_fold_opens_with_the_keyboard(browser: Browser, reports: Path) -> None:
    page = opened(browser, reports / "retention_vs_experience.html")
    page.locator("details.code > summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.code").first.evaluate("d => d.open")
    page.close()

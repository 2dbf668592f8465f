"""The reports as a reader opens them: phone and desk, light and dark, with no network."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

#: Which way a figure goes, or that this cannot be told.
DIRECTION = re.compile(
    r"above|below|rises|falls|higher .* goes with|leave (less|more) often|overlap|no direction"
    r"|cannot be told|no difference .* can be told|low on both"
)
WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")

#: Boxes whose text is cut off or runs out of them. A `cx-table` region scrolls on purpose.
CLIPPED = """() => {
  const names = "h1, h2, h3, p, li, th, td, caption, figcaption, summary, nav, nav a, dt, dd";
  return [...document.querySelectorAll(names)]
    .filter(e => e.checkVisibility() && !e.closest("details:not([open]) > :not(summary)"))
    .filter(e => getComputedStyle(e).display !== "inline")
    .filter(e => e.scrollWidth > e.clientWidth + 1)
    .map(e => `${e.tagName} ${e.scrollWidth} > ${e.clientWidth}: ${e.innerText.slice(0, 60)}`);
}"""

#: Pictures that reach out of their card or of the window, or that could not be decoded.
CUT_OFF = """() => [...document.images].filter(i => i.checkVisibility()).map(i => {
  const box = i.getBoundingClientRect();
  const card = (i.closest("figure") ?? document.body).getBoundingClientRect();
  const inside = box.left >= card.left - 1 && box.right <= card.right + 1
    && box.bottom <= card.bottom + 1 && box.right <= innerWidth + 1;
  return inside && i.naturalWidth > 0 ? null : `${i.alt.slice(0, 60)}: ${box.left}-${box.right}`;
}).filter(Boolean)"""

#: Labels of vector figures that reach out of the drawing, each SVG looked at as a document.
CUT_LABELS = """() => {
  const found = [];
  for (const image of document.images) {
    if (!image.src.startsWith("data:image/svg+xml")) continue;
    const [head, body] = image.src.split(",", 2);
    const text = head.endsWith(";base64")
      ? new TextDecoder().decode(Uint8Array.from(atob(body), c => c.charCodeAt(0)))
      : decodeURIComponent(body);
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    const svg = document.body.appendChild(document.importNode(parsed, true));
    const frame = svg.getBoundingClientRect();
    for (const label of svg.querySelectorAll("text")) {
      const box = label.getBoundingClientRect();
      if (box.width && (box.left < frame.left - 1 || box.right > frame.right + 1
          || box.top < frame.top - 1 || box.bottom > frame.bottom + 1))
        found.push(`${image.alt.slice(0, 40)}: ${label.textContent}`);
    }
    svg.remove();
  }
  return found;
}"""


#: Words of a narrow cell that are broken in the middle: one word, more than one line.
BROKEN_WORDS = """() => [...document.querySelectorAll("th:not(.long), td:not(.long)")]
  .filter(cell => cell.childElementCount === 0 && /^[\\w.]+$/.test(cell.textContent.trim()))
  .filter(cell => {
    const words = document.createRange();
    words.selectNodeContents(cell);
    return new Set([...words.getClientRects()].map(r => Math.round(r.top))).size > 1;
  })
  .map(cell => cell.textContent)"""

#: The smallest letters of each drawn figure, in pixels of the window.
SMALLEST_LETTERS = """() => [...document.images]
  .filter(image => image.src.startsWith("data:image/svg+xml"))
  .map(image => {
    const text = atob(image.src.split(",")[1]);
    const wide = parseFloat(text.match(/viewBox="0 0 ([\\d.]+)/)[1]);
    const sizes = [...text.matchAll(/font-size: ?([\\d.]+)px/g)].map(m => parseFloat(m[1]));
    return Math.min(...sizes) * image.getBoundingClientRect().width / wide;
  })"""


@dataclass
class Visit:
    """One page in one window, and everything it did that a mailed file must not."""

    page: Page
    asked: list[str]
    complaints: list[str]


def visit(browser: Browser, file: Path, width: int, scheme: str, media: str) -> Visit:
    page = browser.new_page(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        bypass_csp=False,
        locale="en-GB",
    )
    seen = Visit(page, [], [])
    page.on("request", lambda r: seen.asked.append(r.url))
    page.on("console", lambda m: seen.complaints.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda e: seen.complaints.append(str(e)))
    page.goto(file.as_uri(), wait_until="load")
    page.emulate_media(media=media)
    return seen


Window = Callable[..., Visit]


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Window]:
    """Return a function that opens a page in a window, once: the tests only look at it."""
    opened: dict[tuple[object, ...], Visit] = {}

    def look(
        file: Path, *, width: int = 1280, scheme: str = "light", media: str = "screen"
    ) -> Visit:
        asked = (file, width, scheme, media)
        if asked not in opened:
            opened[asked] = visit(browser, *asked)
        opened[asked].page.evaluate("scrollTo(0, 0)")
        return opened[asked]

    yield look
    for seen in opened.values():
        seen.page.close()


def pages(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.html"))


def luminance(colour: str) -> float:
    red, green, blue = (float(c) for c in colour[colour.index("(") + 1 : -1].split(",")[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def test_the_batch_made_an_index_and_its_reports(reports: Path) -> None:
    names = {p.name for p in pages(reports)}
    assert "index.html" in names
    assert len(names) >= 3
    assert not {n for n in names if "FAILED" in n}
    executed = (reports / "retention_vs_experience.ipynb").read_text(encoding="utf-8")
    assert '"full"' in executed
    assert "Working out" not in executed, "progress is for who waits, not for the report"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_fits_its_window_and_fetches_nothing(
    window: Window, reports: Path, width: int, scheme: str
) -> None:
    for file in pages(reports):
        seen = window(file, width=width, scheme=scheme)
        page = seen.page
        box = page.evaluate(
            "() => { const e = document.scrollingElement; return [e.scrollWidth, e.clientWidth]; }"
        )
        assert box[0] <= box[1], f"{file.name} scrolls sideways at {width} px: {box}"
        assert page.evaluate(CLIPPED) == [], file.name
        assert page.evaluate(CUT_OFF) == [], file.name
        outside = [u for u in seen.asked if u != file.as_uri() and not u.startswith("data:")]
        assert outside == [], file.name
        assert seen.complaints == [], file.name


def test_no_label_of_a_figure_is_cut_off(window: Window, reports: Path) -> None:
    for file in pages(reports):
        page = window(file).page
        assert page.evaluate(CUT_LABELS) == [], file.name


def test_a_figure_can_be_read_on_a_phone(window: Window, reports: Path) -> None:
    drawn = []
    for file in pages(reports):
        page = window(file, width=390).page
        drawn += page.evaluate(SMALLEST_LETTERS)
    assert drawn
    assert 8.5 <= min(drawn) < 100


def test_a_caption_keeps_to_a_phone_s_window(window: Window, reports: Path) -> None:
    """The table under it may scroll; the words that say what it is may not run out of sight."""
    for file in pages(reports):
        page = window(file, width=390).page
        wide = page.evaluate(
            "() => [...document.querySelectorAll('caption')]"
            ".filter(c => c.getBoundingClientRect().right > 391).map(c => c.textContent)"
        )
        assert wide == [], file.name


def test_a_printed_page_breaks_no_word_and_hides_no_table(window: Window, reports: Path) -> None:
    for file in pages(reports):
        page = window(file, width=664, media="print").page  # A4 less its margins
        assert page.evaluate(BROKEN_WORDS) == [], file.name
        out = page.evaluate(
            "() => [...document.querySelectorAll('table')]"
            ".filter(t => t.getBoundingClientRect().right > 665).length"
        )
        assert out == 0, file.name
        folded = page.evaluate(
            "() => [...document.querySelectorAll('details:not(.code):not(.messages) table')]"
            ".filter(t => !t.checkVisibility({contentVisibilityAuto: true})).length"
        )
        assert folded == 0, file.name
        said_twice = page.evaluate(
            "() => [...document.querySelectorAll('summary:has(+ .cx-table caption)')]"
            ".filter(s => s.checkVisibility()).length"
        )
        assert said_twice == 0, file.name


def test_dark_is_dark_and_light_is_light(window: Window, reports: Path) -> None:
    for file in pages(reports):
        shades = {}
        for scheme in SCHEMES:
            page = window(file, width=1280, scheme=scheme).page
            style = page.evaluate(
                "() => { const s = getComputedStyle(document.body);"
                " const r = getComputedStyle(document.documentElement);"
                " const b = s.backgroundColor;"
                " return [b === 'rgba(0, 0, 0, 0)' ? r.backgroundColor : b, s.color]; }"
            )
            shades[scheme] = [luminance(c) for c in style]
        ground, ink = zip(shades["light"], shades["dark"], strict=True)
        assert ground[0] > 0.8 > 0.3 > ground[1], f"{file.name}: background {ground}"
        assert ink[0] < 0.3 < 0.7 < ink[1], f"{file.name}: text {ink}"


def test_the_index_leads_to_every_report(window: Window, reports: Path) -> None:
    page = window(reports / "index.html").page
    linked = set(page.evaluate("() => [...document.links].map(a => a.href.split('#')[0])"))
    assert {p.as_uri() for p in pages(reports)} - linked <= {(reports / "index.html").as_uri()}


def test_the_first_screen_holds_all_that_a_reader_in_a_hurry_needs(
    window: Window, reports: Path
) -> None:
    """At a desk, without scrolling: question, answer, figure, how sure, the main doubt."""
    for file in pages(reports):
        if file.name == "index.html":
            continue
        page = window(file).page
        assert page.locator("h1").count() == 1
        assert page.locator("h1").inner_text().strip().endswith("?")
        for part in ("h1", ".cx-headline", ".cx-sure", ".cx-doubt", "figure img"):
            box = page.locator(part).first.bounding_box()
            assert box is not None
            assert box["height"] > 15
            assert box["y"] + box["height"] <= 900, f"{file.name}: {part} ends below the screen"


def test_the_first_sheet_of_paper_holds_the_answer_and_its_figure(
    window: Window, reports: Path
) -> None:
    for file in pages(reports):
        if file.name == "index.html":
            continue
        page = window(file, width=664, media="print").page
        box = page.locator("figure").first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 985, file.name  # A4 less its margins, in CSS pixels


def test_every_figure_has_its_number_its_words_and_its_table(window: Window, reports: Path) -> None:
    """The words name a direction, or that none can be told, and the largest and the smallest."""
    for file in pages(reports):
        if file.name == "index.html":
            continue
        page = window(file).page
        figures = page.locator("figure")
        assert figures.count() >= 2
        for i, figure in enumerate(figures.all(), start=1):
            caption = figure.locator("figcaption").inner_text()
            assert caption.startswith(f"Figure {i}. ")
            alt = figure.locator("img").get_attribute("alt") or ""
            assert DIRECTION.search(alt), alt
            assert re.search(r"largest", alt, re.IGNORECASE), alt
            assert re.search(r"smallest", alt, re.IGNORECASE), alt
            with page.expect_download() as waiting:
                figure.locator("a[download]").click()
            table = pd.read_csv(Path(waiting.value.path()))
            assert waiting.value.suggested_filename == f"figure-{i}.csv"
            assert len(table) >= 2
            assert table.notna().any(axis=None)


def test_a_report_is_small_enough_to_be_mailed(reports: Path) -> None:
    sizes = {file.name: file.stat().st_size for file in pages(reports)}
    assert max(sizes.values()) <= 400_000, sizes


def test_the_checks_see_what_they_look_for(browser: Browser, tmp_path: Path) -> None:
    """A page with each fault, so that a passing report means something."""
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><meta charset='utf-8'><title>x</title>"
        "<h1 style='width:40px;white-space:nowrap'>A title that runs out of its box</h1>"
        "<figure style='width:100px'><img alt='wide' style='width:3000px;height:9px' "
        "src=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='50' "
        "height='20'%3E%3Ctext x='40' y='15'%3Eoutside%3C/text%3E%3C/svg%3E\"></figure>"
        "<link rel='stylesheet' href='missing.css'>",
        encoding="utf-8",
    )
    seen = visit(browser, bad, 390, "light", "screen")
    assert len(seen.page.evaluate(CLIPPED)) == 1
    assert len(seen.page.evaluate(CUT_OFF)) == 1
    assert len(seen.page.evaluate(CUT_LABELS)) == 1
    assert any(u.endswith("missing.css") for u in seen.asked)
    assert seen.complaints
    seen.page.close()

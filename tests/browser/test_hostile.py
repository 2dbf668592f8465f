"""Hostile pages in Chromium, with the page's policy and without it: nothing happens.

One page is of a notebook in which everything is hostile; two are of the real notebooks on a study
whose every name, value and comment is.
"""

import base64
import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from cxkit.report.clean import faults
from cxkit.report.make import Report
from tests.report import hostile
from tests.report.test_render import Tree

pytestmark = pytest.mark.browser

POLICY = re.compile(r'<meta [^>]*http-equiv="Content-Security-Policy"[^>]*>')
EVERYTHING = """() => {
  document.querySelectorAll("details").forEach(d => d.open = true);
  const types = ["click", "mouseover", "focus", "error", "load", "toggle", "keydown"];
  for (const element of document.body.querySelectorAll("*"))
    for (const type of types)
      if (!(type === "click" && element.closest("a[download]")))
        element.dispatchEvent(new Event(type, {bubbles: true}));
}"""


@pytest.fixture(scope="module")
def file(hostile_report: Report) -> Path:
    """The page of the hostile notebook."""
    assert hostile_report.html is not None, str(hostile_report.verdict)
    return hostile_report.html


def visited(browser: Browser, file: Path) -> tuple[Page, list[str]]:
    """Open a page, do to it whatever a reader could, and return what it did."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    did: list[str] = []
    own = file.as_uri()
    page.on("request", lambda r: did.append(r.url) if r.url.split("#")[0] != own else None)
    page.on("dialog", lambda d: (did.append(f"dialog {d.message}"), d.dismiss()))
    page.on("console", lambda m: did.append(f"console {m.text}"))
    page.on("pageerror", lambda e: did.append(f"error {e}"))
    page.on("popup", lambda p: did.append(f"popup {p.url}"))
    page.goto(own)
    page.evaluate(EVERYTHING)
    for link in page.locator("a:not([download])").all():
        link.click()
    page.emulate_media(media="print")
    page.wait_for_timeout(200)
    return page, [what for what in did if not what.startswith("data:image/")]


@pytest.mark.parametrize("policy", [True, False], ids=["with its policy", "without"])
def test_nothing_runs_and_nothing_is_fetched(
    browser: Browser, file: Path, tmp_path: Path, policy: bool
) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(POLICY.findall(text)) == 1
    seen = tmp_path / "page.html"
    seen.write_text(text if policy else POLICY.sub("", text), encoding="utf-8")
    page, did = visited(browser, seen)
    assert page.evaluate("typeof window.ran") == "undefined"
    assert did == []
    assert page.url.split("#")[0] == seen.as_uri()
    assert page.locator("h1").inner_text().startswith("Why <img src=x")
    page.close()


def test_the_file_inside_is_saved_under_its_own_name(browser: Browser, file: Path) -> None:
    page = browser.new_page()
    page.goto(file.as_uri())
    with page.expect_download() as waiting:
        page.locator("a[download]").click()
    saved = waiting.value
    assert saved.suggested_filename == "figure-3.csv"
    text = Path(saved.path()).read_text(encoding="utf-8-sig")
    assert text.startswith('"\'=1+1","n"')
    page.close()


@pytest.mark.parametrize("policy", [True, False], ids=["with its policy", "without"])
def test_the_visit_sees_what_it_should(browser: Browser, tmp_path: Path, policy: bool) -> None:
    """The same payload, let through: without the policy it runs, with it it is complained of."""
    meta = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
    bad = tmp_path / "bad.html"
    bad.write_text(f"<!doctype html>{meta if policy else ''}<h1>a</h1>{hostile.PAYLOAD}", "utf-8")
    page, did = visited(browser, bad)
    assert did
    assert page.evaluate("typeof window.ran") == ("undefined" if policy else "number")
    page.close()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of the real notebooks on the hostile study."""
    made = hostile.build_real(tmp_path_factory.mktemp("study"))
    assert [r.verdict.status for r in made] == ["whole", "whole"], [str(r.verdict) for r in made]
    return {r.job.name: r.html for r in made if r.html is not None}


@pytest.mark.parametrize("name", hostile.NOTEBOOKS)
def test_a_hostile_study_is_inert_in_the_real_pages(
    browser: Browser, real: dict[str, Path], tmp_path: Path, name: str
) -> None:
    text = real[name].read_text(encoding="utf-8")
    tree = Tree(text)
    assert faults(text) == []
    assert not {tag for tag, _ in tree.elements} & {"script", "svg", "iframe", "form", "link"}
    for words in hostile.WORDS:
        assert words.strip() in tree.text, "what is hostile is there to be read as it is written"
    seen = tmp_path / "page.html"
    seen.write_text(POLICY.sub("", text), encoding="utf-8")
    page, did = visited(browser, seen)
    assert page.evaluate("typeof window.ran") == "undefined"
    assert did == []
    page.close()


def test_the_files_inside_real_pages_hold_no_formula(real: dict[str, Path]) -> None:
    cells = []
    for file in real.values():
        for link in Tree(file.read_text(encoding="utf-8")).all("a"):
            if link.get("download"):
                table = base64.b64decode(str(link["href"]).split(",")[1]).decode("utf-8-sig")
                cells += [cell for row in csv.reader(io.StringIO(table)) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    formulas = [
        c for c in cells if re.match(r"[=+@\t\r-]", c) and not re.fullmatch(r"-[\d.]+(e-?\d+)?", c)
    ]
    assert formulas == []

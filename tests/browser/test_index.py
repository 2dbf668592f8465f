"""The index in a browser: sorted and searched with its script, whole without it."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from cxkit.report import render

pytestmark = pytest.mark.browser

NUMBERS = {"north": (3.5, 900), "south": (-2.0, 12000), "east": (11.0, 40)}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of three whole reports and a failed one."""
    rows = [
        render.Row(
            name=name,
            title="Did it rise?",
            status="whole",
            href=f"{name}.html",
            n=f"{n:,}",
            headline=f"By {value}.",
            asked=f"where = region={name}",
            answer={
                "metric": "change",
                "measured_in": "points",
                "value": value,
                "low": value - 3,
                "high": value + 3,
                "null": 0,
                "n": n,
            },
        )
        for name, (value, n) in NUMBERS.items()
    ]
    rows.append(render.Row(name="west", title="Did it rise?", status="failed", reason="No."))
    file = tmp_path_factory.mktemp("index") / "index.html"
    content = render.Index(title="Reports", context="c", rows=tuple(rows))
    file.write_bytes(render.render_index(content))
    return file


def names(page: Page) -> list[str]:
    """The reports that can be seen, from the top."""
    shown = page.locator("tbody tr:visible th").all_inner_texts()
    return [next(n for n in (*NUMBERS, "west") if text.split()[-1] == n) for text in shown]


def opened(browser: Browser, file: Path, *, script: bool = True) -> tuple[Page, list[str]]:
    page = browser.new_page(java_script_enabled=script, viewport={"width": 1280, "height": 900})
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text))
    page.on("pageerror", lambda e: said.append(str(e)))
    page.goto(file.as_uri())
    return page, said


def test_it_is_sorted_by_a_head_both_ways(browser: Browser, index: Path) -> None:
    page, said = opened(browser, index)
    page.get_by_role("button", name="n", exact=True).click()
    assert names(page) == ["west", "east", "north", "south"]
    page.get_by_role("button", name="n", exact=True).click()
    assert names(page) == ["south", "north", "east", "west"]
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    page.get_by_role("button", name="Figure").focus()
    page.keyboard.press("Enter")
    assert names(page) == ["west", "south", "north", "east"]
    assert page.locator("th[aria-sort]").count() == 1
    page.get_by_role("button", name="Report").click()
    assert names(page) == ["west", "east", "north", "south"]
    assert said == []
    page.close()


def test_it_is_searched_and_says_how_many_are_left(browser: Browser, index: Path) -> None:
    page, said = opened(browser, index)
    page.get_by_label("Search").fill("REGION=so")
    assert names(page) == ["south"]
    assert page.get_by_role("status").inner_text() == "1 of 4 reports"
    page.get_by_label("Search").fill("failed")
    assert names(page) == ["west"]
    page.get_by_label("Search").fill("")
    assert len(names(page)) == 4
    assert page.get_by_role("status").inner_text() == ""
    assert said == []
    page.close()


def test_without_script_it_is_a_whole_table_without_dead_controls(
    browser: Browser, index: Path
) -> None:
    page, _ = opened(browser, index, script=False)
    assert names(page) == [*NUMBERS, "west"]
    assert page.locator("button, input").count() == 0
    page.close()


def test_another_script_does_not_run_under_its_policy(
    browser: Browser, index: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.html"
    html = index.read_text(encoding="utf-8")
    bad.write_text(html.replace("</main>", "</main><script>window.ran = 1</script>"), "utf-8")
    page, said = opened(browser, bad)
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in line for line in said)
    page.close()

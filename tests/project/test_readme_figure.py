"""The figure on the README's first screen is the one that the report on the sample draws."""

from __future__ import annotations

import re
from pathlib import Path

import cxkit as cx
from tests import firms

ROOT = Path(__file__).parents[2]


def test_the_figure_of_the_readme_is_the_report_s() -> None:
    """Redraw it and compare every word and number; bytes may differ between matplotlib's versions.

    To renew the file: write ``picture.data`` to the path, and alt and caption into the README.
    """
    picture = cx.figures.retention(firms.kept())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    alt, path = re.search(r"!\[([^\]]*)\]\((docs/[^)]+)\)", readme).groups()
    assert alt == picture.alt
    assert picture.caption in readme.replace("\n", " ")
    kept, drawn = ((ROOT / path).read_bytes().decode(), picture.data.decode())
    words = re.compile(r"<text[^>]*>([^<]*)<")
    assert words.findall(kept) == words.findall(drawn)
    assert len(words.findall(drawn)) > 20

"""The README's lines for large data run as they stand, on a folder of Parquet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.study import engines

if TYPE_CHECKING:
    import pytest

README = Path(__file__).parents[2] / "README.md"


def section() -> str:
    text = README.read_text(encoding="utf-8")
    (found,) = re.findall(r"^## When you outgrow one machine\n(.*?)^## ", text, re.M | re.S)
    return found


def test_the_lines_for_large_data_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answers").mkdir()
    engines.answers().to_parquet(tmp_path / "answers" / "1.parquet")
    (code,) = re.findall(r"^```py\n(.*?)^```$", section(), re.M | re.S)
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - our own README, run on purpose
    assert (
        names["scores"]["method"].str.contains(r"cluster-robust by \d+ clusters \(customer").any()
    )


def test_the_api_lines_run_and_allow_for_who_answered_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = README.read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - our own README, run on purpose
    told = capsys.readouterr().out
    assert told.count("cluster-robust by") >= 2
    assert str(names["result"].answer) in told
    assert len(code.splitlines()) <= 12


def test_the_section_says_what_was_measured_and_with_which_command() -> None:
    told = section()
    assert "`make bench`" in told
    assert "100 million" in told
    assert len([line for line in told.splitlines() if line.strip()]) <= 20

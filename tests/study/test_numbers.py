"""What is no number, and numbers at the end of what a computer counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import cxkit as cx
from cxkit.errors import CxkitError

if TYPE_CHECKING:
    from pathlib import Path

STUDY = """\
study: Numbers
as_of: 2025-12-31
responses:
  file: answers.csv
  response: id
  answered_on: day
  nps: nps
  csat: {column: csat, scale: [1, 5], whole: false, top: 4}
  weight: weight
"""


def opened(folder: Path, *rows: str) -> cx.Study:
    (folder / "study.yml").write_text(STUDY, encoding="utf-8")
    text = "\n".join(["id,day,nps,csat,weight", *rows, ""])
    (folder / "answers.csv").write_text(text, encoding="utf-8")
    return cx.open_study(folder)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("1,2025-01-05,9,4.5,1e999", r"1e999 is no weight"),
        ("1,2025-01-05,9,4.5,-1e300", r"-1e300 is no weight"),
        ("1,2025-01-05,9,4.5,٢", r"٢ is no weight"),
        ("1,2025-01-05,٩,4.5,2", r"٩ is not a whole number"),
        ("1,2025-01-05,9,٤.٥,2", r"٤.٥ is not a number"),
        ("1,２025-01-05,9,4.5,2", r"２025-01-05 is not a date"),
        ("1,2025-01-05 10:00+０1:00,9,4.5,2", r"10:00\+０1:00 is not a date"),
    ],
)
def test_digits_of_another_script_and_numbers_beyond_all_are_refused(
    tmp_path: Path, row: str, told: str
) -> None:
    with pytest.raises(CxkitError, match=told):
        opened(tmp_path, row, "2,2025-01-06,8,4,1")


def test_weights_whose_squares_are_beyond_all_numbers_are_judged_by_their_shares(
    tmp_path: Path,
) -> None:
    study = opened(tmp_path, *(f"{i},2025-01-05,{i},4,1e30{8 * (i == 0)}" for i in range(8)))
    [told] = [f.text for f in study.findings if f.code == "CX-F028"]
    assert "effective n of 1.0 of 8 rows" in told
    assert "100.0 %" in told

"""Words where the study wants words, codes where it wants codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyreadstat
import pytest

import cxkit as cx
from cxkit.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
study: A
as_of: 2025-12-31
responses:
  file: a.sav
  response: id
  unit: unit
  touchpoint: place
  referred: told
  nps: {column: nps, scale: [0, 10]}
"""


def written(folder: Path, contract: str = CONTRACT, **labels: dict[float, str]) -> Path:
    frame = pd.DataFrame(
        {
            "id": [1.0, 2.0, 3.0],
            "unit": [7.0, 8.0, 7.0],
            "place": [1.0, 2.0, 9.0],
            "told": [1.0, 2.0, 1.0],
            "nps": [0.0, 10.0, 5.0],
        }
    )
    pyreadstat.write_sav(frame, folder / "a.sav", variable_value_labels=labels)
    (folder / "study.yml").write_text(contract)
    return folder


LABELS = {
    "unit": {7.0: "North", 8.0: "South"},
    "place": {1.0: "Shop", 2.0: "Phone"},
    "told": {1.0: "No", 2.0: "Yes"},
    "nps": {0.0: "Not at all likely", 10.0: "Very likely"},
}


def test_texts_and_yes_or_no_are_words_ids_and_scores_are_codes(tmp_path: Path) -> None:
    study = cx.open_study(written(tmp_path, **LABELS))
    frame = study.responses
    assert frame["touchpoint"].tolist() == ["Shop", "Phone", "9"]
    assert frame["referred"].tolist() == [False, True, False], "1 is labelled No"
    assert frame["unit"].tolist() == ["7", "8", "7"]
    assert frame["nps"].tolist() == [0, 10, 5]
    told = {f.text for f in study.findings if f.code == "CX-F044"}
    assert any("place: 2 codes are read as the words" in text for text in told)


def test_without_labels_a_2_is_neither_yes_nor_no(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 is neither yes"):
        cx.open_study(written(tmp_path, place=LABELS["place"]))


def test_declared_spellings_go_before_labels(tmp_path: Path) -> None:
    said = CONTRACT.replace("referred: told", "referred: {column: told, yes: [1], no: [2]}")
    frame = cx.open_study(written(tmp_path, said, **LABELS)).responses
    assert frame["referred"].tolist() == [True, False, True]


def test_two_codes_with_one_label_stay_apart(tmp_path: Path) -> None:
    study = cx.open_study(written(tmp_path, **{**LABELS, "place": {1.0: "Shop", 2.0: "Shop"}}))
    assert study.responses["touchpoint"].tolist() == ["Shop [1]", "Shop [2]", "9"]
    assert any(f.code == "CX-F043" for f in study.findings)

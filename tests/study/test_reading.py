"""What study.yml may say of a file is checked before the file is opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import cxkit as cx
from cxkit.errors import ContractError

Shop = Callable[..., Path]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("encoding: utf8x", "responses.encoding: is the name of no encoding"),
        ("encoding: rot13", "responses.encoding: is the name of no encoding"),
        ('delimiter: ";;"', "responses.delimiter: is one character"),
        ("delimiter: a", "responses.delimiter: is one character"),
        ("decimal: x", "responses.decimal: must be one of"),
        ("format: qualtrix", "must be one of  plain, qualtrics, surveymonkey, google forms"),
        ("keep: [tests]", "must be one of  preview, test, spam, unfinished"),
        ("skip_rows: -1", "responses.skip_rows: is how many lines"),
        ("seperator: x", "the key seperator is not known here"),
    ],
)
def test_a_wrong_declaration_is_refused_with_what_may_stand_there(
    shop: Shop, key: str, told: str
) -> None:
    path = shop(contract=("file: responses.csv", f"file: responses.csv\n  {key}"))
    with pytest.raises(ContractError) as caught:
        cx.open_study(path)
    assert told in str(caught.value)


def test_what_is_declared_is_used_and_rows_left_out_are_counted(shop: Shop, tmp_path: Path) -> None:
    path = shop(contract=("file: units.csv", 'file: units.csv\n  delimiter: "|"\n  skip_rows: 1'))
    text = (tmp_path / "units.csv").read_text().replace(",", "|")
    (tmp_path / "units.csv").write_bytes(("branch,district\n" + text).encode())
    study = cx.open_study(path)
    assert study.units["unit"].tolist() == ["b1", "b2"]
    head = "StartDate,EndDate,Status,Progress,Finished,ResponseId,UserLanguage,nps\n"
    day = "2025-01-31 10:00:00"
    rows = [f"{day},{day},{s},100,1,R_{s},EN,9\n" for s in (0, 1, 2)]
    (tmp_path / "wave.csv").write_text(head + "".join(rows))
    (tmp_path / "study.yml").write_text(
        "study: A\nas_of: 2025-12-31\nresponses: {file: wave.csv, response: ResponseId, nps: nps}\n"
    )
    study = cx.open_study(tmp_path)
    [source] = study.sources
    assert (source.rows_read, source.rows_dropped, len(study.responses)) == (3, 2, 1)

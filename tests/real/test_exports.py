"""Genuine exports, against what a second reader finds in them.

Rows, columns, questions and answers were read off with Python's csv module, apart from the kit, and
looked at; every value of every column is compared with that reader's again.
"""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from cxkit.study.formats.raw import UnreadableError
from cxkit.study.load import read_table
from cxkit.study.reading import Reading

pytestmark = pytest.mark.skipif(
    not os.environ.get("CXKIT_SHARED"),
    reason="CXKIT_SHARED is not set: it names the folder that holds the genuine exports",
)


@dataclass(frozen=True)
class Known:
    """What is in a file: rows kept by ``keep: [test]``, dropped without, lines of the header."""

    file: str
    rows: int
    tests: int
    columns: int
    header_rows: int
    column: str
    label: str
    answers: tuple[str, ...]
    codes: tuple[str, ...]


KNOWN = [
    Known(
        "qualtrics/german_labels_3header.csv", 1, 0, 20, 3,
        "RecipientFirstName", "Vorname des Empfängers", ("",), ("CX-R009",),
    ),
    Known(
        "qualtrics/many_question_types_3header.csv", 5, 5, 190, 3,
        "fruits",
        "This is a multiple choice single answer vertical question, please choose one of the "
        "fruits below.",
        ("2", "2", "3", "1", "3"), ("CX-F023", "CX-R009"),
    ),
    Known(
        "qualtrics/many_question_types_2header_legacy.csv", 5, 5, 189, 2,
        "fruits",
        "This is a multiple choice single answer vertical question, please choose one of the "
        "fruits below.",
        ("2", "2", "3", "1", "3"), ("CX-R009", "CX-R008"),
    ),
    Known(
        "qualtrics/no_basis_3header.csv", 15, 15, 49, 3,
        "Q1", "Indicate how you feel about squash", ("3", "3", "1"), ("CX-R009",),
    ),
    Known(
        "qualtrics/no_basis_2header_legacy.csv", 15, 15, 48, 2,
        "Q1", "Indicate how you feel about squash", ("3", "3", "1"), ("CX-R009", "CX-R008"),
    ),
    Known(
        "surveymonkey/steak_risk_2header.csv", 550, 0, 15, 2,
        "How do you like your steak prepared?", "How do you like your steak prepared?",
        ("", "Medium rare", "Rare"), ("CX-R009",),
    ),
]  # fmt: skip


def content_of(known: Known) -> bytes:
    return (Path(os.environ["CXKIT_SHARED"]) / "data" / "exports" / known.file).read_bytes()


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.file)
def test_a_genuine_export_is_what_it_is_known_to_be(known: Known) -> None:
    content = content_of(known)
    how = Reading(keep=("test",) if known.tests else ())
    raw = read_table(content, known.file, [known.column], how=how, keep_all=True)
    assert (raw.rows, raw.dropped, len(raw.columns)) == (known.rows, 0, known.columns)
    assert raw.labels.get(known.column, "") == known.label
    assert raw.columns[known.column].tolist()[: len(known.answers)] == list(known.answers)
    assert tuple(code for code, _, _ in raw.repairs) == known.codes
    records = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert len(records) == known.rows + known.header_rows
    below = list(zip(*records[known.header_rows :], strict=True))
    taken = {name: text.tolist() for name, text in raw.columns.items()}
    for name, values in zip(records[0], below, strict=True):
        if records[0].count(name) == 1 and name.strip():
            assert taken[name] == list(values), name


@pytest.mark.parametrize("known", [k for k in KNOWN if k.tests], ids=lambda known: known.file)
def test_an_export_of_generated_answers_alone_is_refused_with_the_key_that_keeps_them(
    known: Known,
) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_table(content_of(known), known.file, [known.column])
    assert caught.value.code == "CX-E023"
    assert f"{known.tests} generated test answers" in caught.value.text

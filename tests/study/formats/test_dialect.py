"""The separator and the header follow from the columns asked for, or are refused."""

from __future__ import annotations

import pytest

from cxkit.study.formats.dialect import dialect_of
from cxkit.study.formats.raw import UnreadableError
from cxkit.study.reading import Reading

ASKED = ("id", "nps")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_separator_is_the_one_under_which_the_header_names_the_columns(mark: str) -> None:
    text = f'id{mark}"nps"{mark}x,;|y\n1{mark}2{mark}3\n'
    found = dialect_of(text, ASKED, Reading())
    assert (found.delimiter, found.above) == (mark, 0)
    assert [code for code, _, _ in found.notes] == ([] if mark == "," else ["CX-R004"])
    assert dialect_of(text, (), Reading(delimiter=mark)).notes == ()


def test_a_line_for_excel_is_believed_and_told() -> None:
    found = dialect_of("sep=;\r\nid;nps\r\n1;2\r\n", ASKED, Reading())
    assert (found.delimiter, found.above) == (";", 1)
    assert "the separator is ';'" in found.notes[0][1]
    assert found.notes[0][2] == (1,)


@pytest.mark.parametrize("title", ["Survey 2026\n\n", "a,b\nc\n", "\n\nSurvey; x\n"])
def test_lines_above_the_header_are_passed_over_and_counted(title: str) -> None:
    found = dialect_of(f"{title}id;nps\n1;2\n", ASKED, Reading())
    above = title.count("\n")
    assert (found.delimiter, found.above) == (";", above)
    assert found.notes[0][0] == "CX-R006"
    assert f"the header is line {above + 1}" in found.notes[0][1]
    assert found.notes[0][2][-1] == above


def test_declared_lines_are_skipped_without_a_word() -> None:
    found = dialect_of("id,nps\nx\nid,nps\n1,2\n", ASKED, Reading(skip_rows=2))
    assert (found.above, found.notes) == (2, ())


def test_without_columns_asked_for_lines_of_one_length_tell() -> None:
    assert dialect_of("a;b\n1,5;2\n2,5;3\n", (), Reading()).delimiter == ";"
    assert dialect_of("a\n1\n2\n", (), Reading()).delimiter == ","
    with pytest.raises(UnreadableError) as caught:
        dialect_of("a;b,c\n1;2,3\n2;2,5\n", (), Reading())
    assert caught.value.code == "CX-E013"
    assert "commas (2 columns) and semicolons (2 columns) fit as well" in caught.value.text
    assert 'delimiter: "," or delimiter: ";"' in caught.value.cure
    assert dialect_of("a;b,c\n1;2,3\n", (), Reading(delimiter=";")).delimiter == ";"

"""Text with separators: odd columns, odd rows, odd line ends."""

from __future__ import annotations

import pytest

from cxkit.study.formats.delimited import read_delimited
from cxkit.study.formats.raw import UnreadableError
from cxkit.study.reading import Reading

ASKED = ("id", "nps")


def codes(content: bytes) -> list[str]:
    return [code for code, _, _ in read_delimited(content, ASKED, Reading()).repairs]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_one(end: str) -> None:
    raw = read_delimited(end.join(["id,nps", "1,9", "2,8", ""]).encode(), ASKED, Reading())
    assert raw.columns["nps"].tolist() == ["9", "8"]
    assert raw.lines.tolist() == [2, 3]
    assert raw.repairs == ()


def test_a_column_of_row_numbers_without_a_name_is_left_out_and_told() -> None:
    for start in (0, 1):
        content = f",id,nps\n{start},a,9\n{start + 1},b,8\n".encode()
        raw = read_delimited(content, ASKED, Reading(), keep_all=True)
        assert list(raw.columns) == ["id", "nps"]
        assert [code for code, _, _ in raw.repairs] == ["CX-R007"]
    other = read_delimited(b",id,nps\n5,a,9\n7,b,8\n", ASKED, Reading(), keep_all=True)
    assert list(other.columns) == ["(column 1)", "id", "nps"]
    assert other.repairs == ()


def test_an_empty_column_without_a_name_is_left_out_and_told() -> None:
    assert codes(b"id,nps,\n1,9,\n2,8,\n") == ["CX-R008"]
    assert codes(b"id,nps,\n1,9,x\n2,8,\n") == []
    assert codes(b"id,nps,,\n1,9,,\n2,8,,\n") == ["CX-R008", "CX-R008"]


def test_a_name_that_stands_twice_matters_where_it_is_asked_for() -> None:
    raw = read_delimited(b"id,nps,x,x\n1,9,a,b\n", ASKED, Reading(), keep_all=True)
    assert list(raw.columns) == ["id", "nps", "x (column 3)", "x (column 4)"]
    assert [code for code, _, _ in raw.repairs] == ["CX-F023"]
    with pytest.raises(UnreadableError) as caught:
        read_delimited(b"id,nps,nps\n1,9,9\n", ASKED, Reading())
    assert caught.value.code == "CX-E015"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"id,nps\n1,9,\n2,8,\n", "one separator more than the header"),
        (b"id,nps\n1,9,x\n2,8,\n3,7\n", "needs quotes"),
        (b"id;nps\n1;9;x\n2;8\n", "A semicolon inside a field needs quotes"),
        (b"id,nps\n1,9\n2\n", "take it out"),
        (b"id,nps\n1\n2,8\n", "cut short; an empty answer still has its separators."),
    ],
)
def test_a_row_of_another_length_says_what_it_may_be(content: bytes, told: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_delimited(content, ASKED, Reading())
    assert caught.value.code == "CX-E011"
    assert told in caught.value.cure


def test_a_title_alone_says_how_many_rows_to_skip() -> None:
    with pytest.raises(UnreadableError) as caught:
        read_delimited(b"Title\n\nx,y\n1,2\n", ASKED, Reading())
    assert caught.value.code == "CX-E012"
    assert caught.value.cure == "In study.yml write  skip_rows: 2"
    with pytest.raises(UnreadableError) as caught:
        read_delimited(b"a\n\n", ("a",), Reading(skip_rows=2))
    assert caught.value.code == "CX-E006"

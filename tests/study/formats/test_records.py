"""JSON: a list of objects, an object that holds lists, or one object a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.load import read_table
from cxkit.study.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = [
    {"id": 9007199254740993, "nps": 9, "x": 0.10, "by": {"app": "shop", "on": None}, "t": ["a"]},
    {"id": 2, "nps": None, "x": True, "by": {"app": "web", "on": "é"}, "t": []},
]


def read(text: str, wanted: Sequence[str] = ("id", "nps"), **how: Any) -> RawTable:
    return read_table(text.encode(), "a.csv", wanted, how=Reading(**how))


def refused(text: str, wanted: Sequence[str] = ("id", "nps"), **how: Any) -> UnreadableError:
    with pytest.raises(UnreadableError) as caught:
        read(text, wanted, **how)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2, ensure_ascii=False),
        json.dumps({"count": 2, "answers": ROWS, "next_page": None}),
        "\n".join(json.dumps(row) for row in ROWS) + "\n\n",
    ],
)
def test_every_form_gives_the_same_rows(text: str) -> None:
    raw = read(text, ["id", "nps", "x", "by.app", "by.on"])
    assert {name: column.tolist() for name, column in raw.columns.items()} == {
        "id": ["9007199254740993", "2"],
        "nps": ["9", ""],
        "x": ["0.1", "true"],
        "by.app": ["shop", "web"],
        "by.on": ["", "é"],
    }
    assert [code for code, _, _ in raw.repairs] == ["CX-F022"]


def test_numbers_keep_the_digits_of_the_file() -> None:
    raw = read('[{"id": 1.50, "nps": 12345678901234567890}]')
    assert raw.columns["id"].tolist() == ["1.50"]
    assert raw.columns["nps"].tolist() == ["12345678901234567890"]


def test_a_list_is_not_one_value() -> None:
    fault = refused(json.dumps(ROWS), ["id", "t"])
    assert (fault.code, fault.column) == ("CX-E017", "t")


def test_a_key_that_some_records_lack_is_missing_and_told() -> None:
    raw = read('{"id": 1, "nps": 9}\n{"id": 2}\n')
    assert raw.columns["nps"].tolist() == ["9", ""]
    told = "1 of 2 records have no nps: it is missing there."
    assert raw.repairs == (("CX-F046", told, (2,)),)


def test_one_record_alone_is_a_file_of_one() -> None:
    raw = read('\n{"id": 1, "nps": 9}\n')
    assert (raw.columns["nps"].tolist(), raw.lines.tolist()) == (["9"], [2])
    assert refused('{"id": "e1", "message": "not found"}').code == "CX-E007"


def test_only_a_line_feed_ends_a_record() -> None:
    raw = read(
        '{"id": 1, "nps": 9, "why": "a\u2028b\x85c"}\r\n{"id": 2, "nps": 8}\r\n', ["why", "nps"]
    )
    assert raw.columns["why"].tolist() == ["a\u2028b\x85c", ""]


@pytest.mark.parametrize(
    ("text", "code", "told", "lines"),
    [
        ('{"error": "Couldn\'t authenticate you"}', "CX-E007", "its keys: error", ()),
        ('{"meta": {"error": {"code": 401}}}', "CX-E007", "error message of an interface", ()),
        ("[]", "CX-E007", "no list of records", ()),
        ('[{"id": 1}, 2]', "CX-E007", "no list of records", ()),
        ("[[1, 2]]", "CX-E007", "no list of records", ()),
        ('[{"id": 1},\n{"id": 2', "CX-E016", "ends early or is damaged", (2,)),
        ('{"id": 1}\n{"id": 2\n', "CX-E016", "this line is no JSON object", (2,)),
        ('{"id": 1}\n\n[2]\n', "CX-E016", "this line is no JSON object", (3,)),
        ('[{"id": 1, "id": 2}]', "CX-E015", "the key 'id' more than once", ()),
        ("[" * 100_000, "CX-E007", "lists within lists", ()),
        ('{"a": [{"id": 1}], "b": [{"x": 2}]}', "CX-E071", "a (id); b (x)", ()),
    ],
)
def test_what_is_no_list_of_records_is_refused(
    text: str, code: str, told: str, lines: tuple[int, ...]
) -> None:
    fault = refused(text)
    assert (fault.code, fault.lines) == (code, lines)
    assert told in fault.text


def test_a_list_is_named_where_there_are_several() -> None:
    raw = read('{"a": [{"id": 1}], "b": [{"id": 2}]}', table="b")
    assert (raw.columns["id"].tolist(), raw.part) == (["2"], "table 'b'")


def test_half_a_character_is_refused() -> None:
    for text in ('[{"id": 1, "why": "\\ud800"}]', '[{"id": 1, "w\\ud800y": "x"}]'):
        fault = refused(text, ["id", "why"] if "why" in text else ["id"])
        assert (fault.code, "'\\ud800' is half a character" in fault.text) == ("CX-E008", True)


def test_two_ways_to_one_name_are_refused() -> None:
    fault = refused('[{"id": 1, "by.app": "a", "by": {"app": "b"}}]', ["id", "by.app"])
    assert (fault.code, "'by.app' more than once" in fault.text) == ("CX-E015", True)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_json_with_a_byte_order_mark_is_json(encoding: str) -> None:
    raw = read_table(json.dumps(ROWS).encode(encoding), "a.json", ["id", "nps"])
    assert raw.columns["nps"].tolist() == ["9", ""]

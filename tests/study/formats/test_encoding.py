"""Bytes become text by mark, by declaration, or where one reading alone makes sense."""

from __future__ import annotations

import codecs

import pytest

from cxkit.study.formats.encoding import decoded
from cxkit.study.formats.raw import UnreadableError

TEXT = "id,wo\n1,Zürich\n2,Café – «là»\n3,5 €\n"


def test_utf8_is_read_without_a_word() -> None:
    assert decoded(TEXT.encode()) == (TEXT, [])
    assert decoded(codecs.BOM_UTF8 + TEXT.encode()) == (TEXT, [])


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_mark_is_believed_and_told(name: str) -> None:
    text, notes = decoded(("\ufeff" + TEXT).encode(name))
    assert text == TEXT
    assert [(code, lines) for code, _, lines in notes] == [("CX-R002", ())]
    assert name.upper()[:6] in notes[0][1]
    assert decoded(TEXT.encode(name), name) == (TEXT, [])


def test_western_text_is_taken_for_windows_1252_and_its_letters_are_shown() -> None:
    text, [(code, told, lines)] = decoded(TEXT.encode("cp1252"))
    assert text == TEXT
    assert code == "CX-R003"
    assert lines == (2, 3, 4)
    assert "« » à é ü – €" in told
    assert decoded(TEXT.encode("cp1252"), "cp1252") == (TEXT, [])


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Привет, мир", "cp1251"),
        ("Ελλάδα", "cp1253"),
        ("東京の店", "shift-jis"),
        ("北京", "gbk"),
        ("Zürich", "mac-roman"),
        ("Zürich", "cp850"),
        ("Złoty Kraków", "cp1250"),
        ("Привет", "koi8-r"),
    ],
)
def test_what_is_no_western_text_is_refused_until_declared(text: str, encoding: str) -> None:
    content = f"id,wo\n1,{text}\n".encode(encoding)
    with pytest.raises(UnreadableError) as caught:
        decoded(content)
    assert caught.value.code == "CX-E008"
    assert "encoding: NAME" in caught.value.cure
    assert caught.value.lines == (2,)
    assert decoded(content, encoding)[0] == f"id,wo\n1,{text}\n"


@pytest.mark.parametrize("ending", ["be", "le"])
def test_utf16_without_its_mark_is_refused_with_the_key_to_write(ending: str) -> None:
    content = "id,nps\n1,2\n".encode(f"utf-16-{ending}")
    with pytest.raises(UnreadableError) as caught:
        decoded(content)
    assert caught.value.cure == f"In study.yml write  encoding: utf-16-{ending}"
    assert decoded(content, f"utf-16-{ending}")[0] == "id,nps\n1,2\n"


def test_a_declaration_that_is_wrong_is_refused() -> None:
    with pytest.raises(UnreadableError) as caught:
        decoded(b"id\n1\n\xff\n", "utf-8")
    assert caught.value.lines == (2,) or caught.value.lines == (3,)
    with pytest.raises(UnreadableError) as caught:
        decoded(codecs.BOM_UTF16_LE + "id".encode("utf-16-le"), "cp1252")
    assert "begins with the mark of utf-16-le" in caught.value.text
    with pytest.raises(UnreadableError):
        decoded(("\ufeffid").encode("utf-16-le")[:-1])


def test_a_nul_byte_is_found_where_it_stands() -> None:
    for place, line in ((0, 1), (3, 2)):
        content = bytearray(b"id\n1\n2\n")
        content[place] = 0
        with pytest.raises(UnreadableError) as caught:
            decoded(bytes(content))
        assert (caught.value.code, caught.value.lines) == ("CX-E009", (line,))

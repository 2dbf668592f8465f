"""Whichever reader is asked, a file is the same frame or the same refusal."""

from __future__ import annotations

import random

import numpy as np
import pytest

from cxkit.study.formats import delimited
from cxkit.study.formats.delimited import read_delimited
from cxkit.study.formats.encoding import utf8
from cxkit.study.formats.header import head_of
from cxkit.study.formats.quick import read_quick
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.formats.regular import Regular
from cxkit.study.reading import Reading

ASKED = ("id", "nps")

REGULAR = [
    "id,nps,why\n1,9,good\n2,8,\n",
    "id,nps,why\r\n1,9,good\r\n2,8,",
    'id,nps,why\n1,9,"good, really"\n"2","8",""\n',
    'id,nps,why\n1,9,"so ""good"""\n2,8,""""\n',
    "id;nps;why\n1;9;gut,\n2;8;größer\n",
    "T\n\nid,nps,why\n1,9,good\n",
    "id,nps,why\n,,\n1,9, good \n",
]

IRREGULAR = [
    'id,nps,why\n1,9,5" wide\n2,8,x\n',
    'id,nps,why\n1,9,"two\nlines"\n2,8,x\n',
    "id,nps,why\n\n1,9,x\n",
    "id,nps,why\r1,9,x\r",
    "id,nps,why\r1,9,x\n2,8,y\n",
    "id,nps,why\n1,9,x\r2,8,y\n",
    'id,nps,why\n1,9,"open\n2,8,y\n',
    'id,nps,why\n1,9,"x"y\n2,8,y\n',
    "id,nps,why\n1,9\n2,8,y\n",
    "id,nps,why\n1,9,x,y\n2,8,y\n",
    "id,nps,why\n",
]


def outcome(content: bytes, quick: int, asked: tuple[str, ...] = ASKED) -> object:
    try:
        raw = read_delimited(content, asked, Reading(), keep_all=True, quick=quick)
    except UnreadableError as fault:
        return (fault.code, fault.text, fault.lines)
    return {n: t.tolist() for n, t in raw.columns.items()}, raw.lines.tolist(), raw.repairs


@pytest.mark.parametrize("text", REGULAR + IRREGULAR)
def test_the_quick_reader_says_what_the_strict_one_says(text: str) -> None:
    assert outcome(text.encode(), 0) == outcome(text.encode(), 10**9)


@pytest.mark.parametrize("text", REGULAR)
def test_the_quick_reader_reads_what_is_regular(text: str) -> None:
    head = head_of(text, ASKED, Reading(), keep_all=True)
    raw = read_quick(text.encode(), head)
    assert isinstance(raw, RawTable)
    assert raw.lines[0] == head.above + 1


@pytest.mark.parametrize("text", IRREGULAR)
def test_the_quick_reader_leaves_what_is_not(text: str) -> None:
    head = head_of(text, ASKED, Reading(), keep_all=True)
    assert read_quick(text.encode(), head) is None


def test_the_quick_reader_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(delimited, "read_strict", never)
    content = REGULAR[0].encode()
    assert read_delimited(content, ASKED, Reading(), quick=0).rows == 2


def test_a_text_is_regular_however_it_is_cut_into_pieces() -> None:
    rng = random.Random(20251231)  # noqa: S311
    for text in REGULAR + IRREGULAR:
        body = utf8(text.encode())[0]
        mark = ";" if ";" in text else ","
        whole = Regular(mark)
        whole.feed(body)
        whole.end()
        for _ in range(20):
            cuts = sorted(rng.sample(range(len(body) + 1), 4))
            parts = Regular(mark)
            for begin, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
                parts.feed(body[begin:end])
            parts.end()
            assert parts.regular == whole.regular, text
            if whole.regular:
                assert (parts.records, parts.several) == (whole.records, whole.several)


def test_random_bytes_give_one_answer_on_both_paths() -> None:
    rng = np.random.default_rng(20251231)
    letters = np.frombuffer(b'ab1,"\n\r; \xc3\xbc', dtype=np.uint8)
    for _ in range(1500):
        tail = rng.choice(letters, rng.integers(0, 40)).tobytes()
        content = b"id,nps\n1,2\n" + tail
        assert outcome(content, 0) == outcome(content, 10**9), content

"""A gzip or a zip with one file gives that file's bytes, or nothing."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from cxkit.study.formats.compressed import FREE, unpacked, unzipped
from cxkit.study.formats.raw import UnreadableError
from cxkit.study.load import read_table

TEXT = b"id,nps\n" + b"".join(b"%d,%d\n" % (i, i % 11) for i in range(5000))


def packed(content: bytes) -> bytes:
    """A gzip that holds no clock: a test's name is made of its bytes, in each worker anew."""
    return gzip.compress(content, compresslevel=1, mtime=0)


def zipped(files: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 1)
    return whole.getvalue()


def test_a_packed_file_is_the_file() -> None:
    assert unpacked(packed(TEXT)) == TEXT
    assert unpacked(packed(TEXT[:99]) + packed(TEXT[99:]) + b"\0" * 512) == TEXT
    assert unzipped(zipped({"a.csv": TEXT})) == TEXT
    assert unzipped(zipped({"a.csv": TEXT, "__MACOSX/._a.csv": b"x", "d/": b""})) == TEXT
    assert unzipped(zipped({"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"})) is None
    plain = read_table(TEXT, "a.csv", ["id", "nps"])
    for content in (packed(TEXT), zipped({"a.csv": TEXT})):
        other = read_table(content, "a.bin", ["id", "nps"])
        assert other.columns["nps"].tolist() == plain.columns["nps"].tolist()
        assert other.repairs == ()


def misplaced(content: bytes) -> bytes:
    """A zip whose directory is said to be larger than the file."""
    end = content.rindex(b"PK\x05\x06")
    return content[: end + 16] + (len(content) + 32).to_bytes(4, "little") + content[end + 20 :]


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (packed(TEXT)[:-20], "CX-E016", "ends early"),
        (packed(TEXT)[:12], "CX-E016", "ends early"),
        (flipped(packed(TEXT), -6), "CX-E016", "checksum"),
        (packed(TEXT) + b"rubbish", "CX-E016", "damaged"),
        (zipped({"a.csv": TEXT})[:-30], "CX-E016", "not a whole zip"),
        (flipped(zipped({"a.csv": TEXT}), 200), "CX-E016", "not a whole zip"),
        (misplaced(zipped({"a.csv": TEXT})), "CX-E016", "not a whole zip"),
        (zipped({"a.csv": TEXT, "b.csv": TEXT}), "CX-E020", "2 files (a.csv, b.csv)"),
        (zipped({}), "CX-E020", "0 files"),
        (packed(packed(TEXT)), "CX-E020", "packed twice"),
        (packed(b"0" * (FREE + 10_000_000)), "CX-E021", "grows to more than"),
        (zipped({"a.csv": b"0" * (FREE + 10_000_000)}), "CX-E021", "grows to more than"),
    ],
)
def test_what_is_not_whole_is_not_used(content: bytes, code: str, told: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_table(content, "a.csv.gz", ["id"])
    assert caught.value.code == code
    assert told in caught.value.text


def test_the_limit_holds_below_the_ratio_too() -> None:
    with pytest.raises(UnreadableError) as caught:
        unpacked(packed(TEXT), most=1000)
    assert caught.value.code == "CX-E021"


def test_a_password_is_named() -> None:
    content = bytearray(zipped({"a.csv": TEXT}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    with pytest.raises(UnreadableError) as caught:
        unzipped(bytes(content))
    assert "has a password" in caught.value.text


@pytest.mark.parametrize(
    "content",
    [
        packed(packed(b"id\n1\n")),
        zipped({"a.csv.gz": packed(b"id\n1\n")}),
        packed(zipped({"a.csv": b"id\n1\n"})),
        zipped({"a.zip": zipped({"a.csv": b"id\n1\n"})}),
    ],
    ids=["gzip of gzip", "zip of gzip", "gzip of zip", "zip of zip"],
)
def test_what_is_packed_twice_is_refused_as_that(content: bytes) -> None:
    with pytest.raises(UnreadableError, match="packed twice") as caught:
        read_table(content, "a.csv", ["id"])
    assert caught.value.code == "CX-E020"

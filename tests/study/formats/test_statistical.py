"""SPSS and Stata: labels, declared codes for "no answer", days by their own calendars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyreadstat
import pytest

from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.load import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@pytest.fixture
def sav(tmp_path: Path) -> Callable[..., bytes]:
    """Return a function that gives the bytes of an SPSS file of some columns."""

    def write(columns: dict[str, Any], **said: Any) -> bytes:
        path = tmp_path / "a.sav"
        pyreadstat.write_sav(pd.DataFrame(columns), path, **said)
        return path.read_bytes()

    return write


def read(content: bytes, wanted: Sequence[str]) -> RawTable:
    return read_table(content, "a.csv", wanted)


def test_user_missing_codes_and_ranges_are_missing_and_counted(sav: Callable[..., bytes]) -> None:
    content = sav(
        {"nps": [9.0, 98.0, 99.0, 99.0, None], "x": [1.0, -5.0, 7.0, 2000.5, 3.0]},
        missing_ranges={"nps": [98, 99], "x": [{"lo": 2000, "hi": 3000}, -5]},
        variable_value_labels={"nps": {98: "Don't know", 99: "Refused"}},
        column_labels={"nps": "How likely ...?"},
    )
    raw = read(content, ["nps", "x"])
    assert raw.columns["nps"].tolist() == ["9", "", "", "", ""]
    assert raw.columns["x"].tolist() == ["1", "", "7", "", "3"]
    assert raw.absent == {
        "nps": {"Don't know (98)": 1, "Refused (99)": 2},
        "x": {"-5": 1, "2000.5": 1},
    }
    assert raw.labels["nps"] == "How likely ...?"
    assert raw.value_labels["nps"] == {"98": "Don't know", "99": "Refused"}
    told = [(code, text, lines) for code, text, lines in raw.repairs if "nps" in text]
    said = (
        "column nps: 3 values are missing, as the file declares: Don't know (98) 1, Refused (99) 2."
    )
    assert told == [("CX-R021", said, (2, 3, 4))]


def test_texts_may_be_missing_too(sav: Callable[..., bytes]) -> None:
    content = sav({"g": ["m", "u", "", "uu"]}, missing_ranges={"g": ["u"]})
    raw = read(content, ["g"])
    assert raw.columns["g"].tolist() == ["m", "", "", "uu"]
    assert raw.absent == {"g": {"u": 1}}


def test_numbers_keep_their_digits(sav: Callable[..., bytes], tmp_path: Path) -> None:
    raw = read(sav({"x": [0.1, 123456789012.0, 1e300, None]}), ["x"])
    assert raw.columns["x"].tolist() == ["0.1", "123456789012", "1e+300", ""]
    frame = pd.DataFrame({"x": pd.Series([0.1, 7.0], dtype="float32")})
    frame.to_stata(tmp_path / "a.dta", write_index=False)
    assert read((tmp_path / "a.dta").read_bytes(), ["x"]).columns["x"].tolist() == ["0.1", "7"]


def test_days_and_moments_of_both_calendars(sav: Callable[..., bytes], tmp_path: Path) -> None:
    at = pd.to_datetime(["1880-05-06 10:10:10", "2025-03-30 00:00:00", None])
    raw = read(sav({"at": at, "day": at.date}), ["at", "day"])
    assert raw.columns["at"].tolist() == ["1880-05-06 10:10:10", "2025-03-30", ""]
    assert raw.columns["day"].tolist() == ["1880-05-06", "2025-03-30", ""]
    assert raw.iso == {"at", "day"}
    frame = pd.DataFrame({"at": at, "day": at, "month": at})
    frame.to_stata(
        tmp_path / "a.dta",
        write_index=False,
        convert_dates={"at": "tc", "day": "td", "month": "tm"},
    )
    raw = read((tmp_path / "a.dta").read_bytes(), ["at", "day", "month"])
    assert raw.columns["at"].tolist() == ["1880-05-06 10:10:10", "2025-03-30", ""]
    assert raw.columns["day"].tolist() == ["1880-05-06", "2025-03-30", ""]
    assert raw.columns["month"].tolist() == ["1880-05", "2025-03", ""]


def test_a_moment_outside_the_calendar_is_refused_where_it_is_asked_for(
    sav: Callable[..., bytes],
) -> None:
    content = sav({"at": [1.0, 6.3e12], "x": [1.0, 2.0]}, variable_format={"at": "DATETIME20"})
    with pytest.raises(UnreadableError) as caught:
        read(content, ["at"])
    assert (caught.value.code, caught.value.column, caught.value.lines) == ("CX-E075", "at", (2,))
    assert read(content, ["x"]).rows == 2


def test_half_a_file_is_refused(sav: Callable[..., bytes], tmp_path: Path) -> None:
    content = sav({"x": [float(i) for i in range(50)]})
    frame = pd.DataFrame({"x": range(50)})
    frame.to_stata(tmp_path / "a.dta", write_index=False)
    pyreadstat.write_por(frame, tmp_path / "a.por")
    for whole in (content, *((tmp_path / name).read_bytes() for name in ("a.dta", "a.por"))):
        assert read(whole, ["x" if whole == content or b"stata" in whole[:20] else "X"]).rows == 50
        with pytest.raises(UnreadableError) as caught:
            read(whole[: len(whole) // 2], ["x"])
        assert caught.value.code == "CX-E016"


def test_compressed_spss_is_spss(tmp_path: Path) -> None:
    for compress in ("none", "zsav"):
        path = tmp_path / "a.sav"
        pyreadstat.write_sav(pd.DataFrame({"x": [1.0, 2.0]}), path, compress=compress == "zsav")
        assert read(path.read_bytes(), ["x"]).columns["x"].tolist() == ["1", "2"]


def test_portable_spss_says_what_its_reader_does_not(tmp_path: Path) -> None:
    pyreadstat.write_por(pd.DataFrame({"NPS": [1.0, 99.0]}), tmp_path / "a.por")
    text = (tmp_path / "a.por").read_text("latin1").replace("\n", "")
    declared = text.replace("NPS5/8/2/5/8/2/", "NPS5/8/2/5/8/2/839/")  # 8: missing; 39: 99, base 30
    assert declared != text
    lines = "\r\n".join(declared[i : i + 80] for i in range(0, len(declared), 80)) + "\r\n"
    raw = read(lines.encode("latin1"), ["NPS"])
    assert raw.columns["NPS"].tolist() == ["1", ""]
    assert [code for code, _, _ in raw.repairs] == ["CX-F045"]

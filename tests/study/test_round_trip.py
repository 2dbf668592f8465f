"""A valid survey, whatever it says, is the same frame from every format and dialect."""

from __future__ import annotations

import datetime as dt
import unicodedata
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import cxkit as cx
from cxkit.study import checks
from cxkit.study.load import open_table
from tests.study import surveys

if TYPE_CHECKING:
    from pathlib import Path

#: What only says how a file is written, or what is doubtful in it: no value is changed by these.
HOW_WRITTEN = {"CX-R002", "CX-R004", "CX-R005", "CX-R021", "CX-R024"}

WESTERN = 'aZ09éßÑ€„-–\'""=+@#%&\\/.,;:|^\t \n'
WIDE = WESTERN + "№Жñ日本😀\u200d\u05d0\u2028\x85"
HOSTILE = [
    "NA", "NULL", "nan", "None", "#N/A", "-", "inf", "true", "007", "1e5", "99", "1,5", "1.234",
    "=1+1", "''", '""', '"', 'say "so"', "a\n\nb", "sep=;", "{}", "[1]", "<html>", "2025-01-31",
]  # fmt: skip


def texts(alphabet: str, *, lines: bool) -> st.SearchStrategy[str]:
    """Texts without spaces at their ends, letters composed: as a study keeps them."""
    letters = alphabet if lines else alphabet.replace("\n", "").replace("\t", "")
    free = st.text(letters, min_size=1, max_size=15).map(
        lambda text: unicodedata.normalize("NFC", text).strip() or "x"
    )
    return free | st.sampled_from([text for text in HOSTILE if lines or "\n" not in text])


def ids(first: list[str]) -> st.SearchStrategy[str]:
    """Ids with leading zeros, letters and more digits than a number keeps."""
    return st.builds("{}{}".format, st.sampled_from(first), st.integers(0, 10**17))


def rows(*, western: bool) -> st.SearchStrategy[list[surveys.Row]]:
    """Surveys of one to eight answers, any of which may be missing."""
    alphabet = WESTERN if western else WIDE
    first = ["", "0", "00", "K-", "é"] if western else ["00", "№", "日"]
    days = st.datetimes(dt.datetime(1999, 1, 1), dt.datetime(2025, 12, 31))  # noqa: DTZ001
    nothing = st.none()
    row = st.tuples(
        ids(first),
        nothing | ids(first),
        nothing | days.map(lambda day: day.replace(microsecond=0)) | days.map(_midnight),
        nothing | texts(alphabet, lines=False),
        nothing | st.integers(0, 10) | st.just(surveys.MISSING),
        nothing | st.integers(100, 500).map(lambda n: n / 100) | st.just(float(surveys.MISSING)),
        st.integers(1, 200_000).map(lambda n: n / 100),
        nothing | st.booleans(),
        nothing | texts(alphabet, lines=True),
    )
    return st.lists(row, min_size=1, max_size=8, unique_by=lambda row: row[0])


def _midnight(day: dt.datetime) -> dt.datetime:
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def same(content: bytes, folder: Path, given_rows: list[surveys.Row], declared: str) -> None:
    """Hold what a study makes of a file to what was written."""
    (folder / "answers.data").write_bytes(content)
    said = f"answers.data\n  {declared}" if declared else "answers.data"
    (folder / "study.yml").write_text(
        surveys.CONTRACT.replace("answers.data", said), encoding="utf-8"
    )
    study = cx.open_study(folder)
    assert_frame_equal(surveys.study_order(study.responses), surveys.frame(given_rows))
    mended = {f.code for f in study.findings if f.kind == "repair"}
    assert mended <= HOW_WRITTEN


def examples(n: int) -> settings:
    return settings(
        max_examples=n,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )


@pytest.mark.parametrize("large", [0, 10**9], ids=["through DuckDB", "through pandas"])
@pytest.mark.parametrize("name", surveys.DIALECTS)
def test_every_dialect_of_text(
    name: str, large: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect = surveys.DIALECTS[name]
    monkeypatch.setattr(checks, "open_table", partial(open_table, large=large))

    @examples(8)
    @given(rows(western=dialect.encoding == "cp1252"))
    def holds(survey: list[surveys.Row]) -> None:
        same(dialect.write(survey), tmp_path, survey, dialect.declared)

    holds()


@pytest.mark.parametrize("name", surveys.FORMATS)
def test_every_format(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @examples(8)
    @given(rows(western=False))
    def holds(survey: list[surveys.Row]) -> None:
        same(surveys.FORMATS[name](survey, tmp_path), tmp_path, survey, "")

    holds()
    if name == "Parquet":
        monkeypatch.setattr(checks, "open_table", partial(open_table, large=0))
        holds()

"""Some of the spoiled files that the long tier opens; and the judge is tried itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from cxkit.study.formats.raw import UnreadableError
from cxkit.study.load import read_table
from tests.study import fuzz, surveys

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def test_no_spoiled_file_passes_for_another(tmp_path: Path) -> None:
    tally = fuzz.trials(150, tmp_path, seed=7)
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.slowest < fuzz.LONGEST
    assert tally.total.total() == 150
    assert tally.outcomes["text"]["opened, equal"] > 15


def test_a_spoiled_file_of_duckdb_is_the_table_or_a_refusal(tmp_path: Path) -> None:
    sound = surveys.FORMATS["DuckDB"](
        fuzz.survey(np.random.default_rng(1), western=False), tmp_path
    )
    filled = np.flatnonzero(np.frombuffer(sound, dtype=np.uint8))  # most of it is room to grow
    whole = read_table(sound, "a", surveys.COLUMNS).columns
    refused = 0
    for i in range(60):
        rng = np.random.default_rng([1, i])
        content = bytearray(sound)
        content[rng.choice(filled)] ^= int(rng.integers(1, 256))
        try:
            found = read_table(bytes(content), "a", surveys.COLUMNS).columns
        except UnreadableError:
            refused += 1
        else:
            assert {n: t.tolist() for n, t in found.items()} == {
                n: t.tolist() for n, t in whole.items()
            }
    assert refused > 30


@pytest.mark.parametrize("name", surveys.DIALECTS)
def test_the_strict_reader_reads_what_was_written(name: str) -> None:
    dialect = surveys.DIALECTS[name]
    rng = np.random.default_rng(5)
    for _ in range(20):
        rows = fuzz.survey(rng, western=dialect.encoding == "cp1252")
        assert fuzz.strict(dialect.write(rows), dialect) == fuzz.plain(surveys.frame(rows))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("00001,", "00000,"),
        (",7,", ",7.5,"),
        (",7,", ",11,"),
        (",7,", ",7 ,"),
        (",7,", ',"7,'),
        (",7,", ',"7"x,'),
        (",7,", ",,7,"),
        (",7,", ",٧,"),
        ("2025-03-01", "2025-02-30"),
        ("2025-03-01", "2026-01-01"),
        (",2.50,", ",,"),
        (",2.50,", ",-1,"),
        (",2.50,", ",1e999,"),
        (",yes,", ",maybe,"),
        ("id,who", "id,id"),
    ],
)
def test_the_strict_reader_refuses_what_is_doubtful(old: str, new: str) -> None:
    row = ("c", None, None, 7, 4.0, 2.5, True, "so")
    text = surveys.Dialect().write([("00000", *row), ("00001", *row)]).decode()
    text = text.replace(",,,7", ",2025-03-01,,7", 1)
    assert old in text
    fuzz.strict(text.encode(), surveys.Dialect())
    with pytest.raises(fuzz.StrictError):
        fuzz.strict(text.replace(old, new, 1).encode(), surveys.Dialect())


def test_a_reader_that_is_wrong_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = fuzz.plain

    def shifted(frame: pd.DataFrame) -> dict[str, list[object]]:
        found = sound(frame)
        return found | {"nps": [None if v is None else v + 1 for v in found["nps"]]}

    monkeypatch.setattr(fuzz, "plain", shifted)
    tally = fuzz.trials(40, tmp_path, seed=7)
    assert any("another frame" in told for told in tally.wrong)

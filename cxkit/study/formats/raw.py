"""What every reader gives: columns of text, where each row stands, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


#: Codes of columns longer than this are not kept: they would take more than the text.
MOST_KEPT = 2_000_000


def as_text(values: Any) -> Any:
    """Return an array of text of the dtype that pandas gives text."""
    return (
        values if isinstance(values, pd.arrays.ArrowStringArray) else pd.array(values, dtype="str")
    )


def coded(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return codes and distinct texts of an array, in the order they appear."""
    import pyarrow as pa

    found = pa.array(as_text(values)).dictionary_encode()
    pieces = found.chunks if isinstance(found, pa.ChunkedArray) else [found]
    if not pieces:
        return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=object)
    codes = np.concatenate([piece.indices.to_numpy() for piece in pieces])
    return codes, np.asarray(pieces[-1].dictionary.to_pylist(), dtype=object)


def letters(values: Any) -> tuple[int, int]:
    """Return the lowest and the highest byte of all texts of an array, in UTF-8."""
    ends = [(int(data.min()), int(data.max())) for data in _bytes(values)]
    return min((low for low, _ in ends), default=255), max((high for _, high in ends), default=0)


def holds(values: Any, letter: str) -> bool:
    """Whether any text of an array holds a letter of ASCII."""
    return any((data == ord(letter)).any() for data in _bytes(values))


def holds_empty(values: Any) -> bool:
    """Whether any text of an array is empty; a bit is kept for each, no more."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return bool(pc.any(pc.equal(pa.array(as_text(values)), "")).as_py())


def _bytes(values: Any) -> Iterator[np.ndarray]:
    """Yield the bytes of all texts of an array, one behind the other."""
    import pyarrow as pa

    found = pa.array(as_text(values))
    for piece in found.chunks if isinstance(found, pa.ChunkedArray) else [found]:
        _, places, data = piece.buffers()
        if len(piece) and data is not None:
            ends = np.frombuffer(places, dtype=np.int64)[piece.offset :]
            text = np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[len(piece)]]
            if len(text):
                yield text


def joined(pieces: Sequence[Any]) -> Any:
    """Return arrays of text as one."""
    return type(pieces[0])._concat_same_type(pieces) if len(pieces) > 1 else pieces[0]


def chosen(columns: Mapping[str, Any], rows: np.ndarray) -> Mapping[str, Any]:
    """Return columns with some of their rows."""
    if hasattr(columns, "chosen"):
        return columns.chosen(rows)
    return {name: text[rows] for name, text in columns.items()}


def only(columns: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Any]:
    """Return some of the columns."""
    if hasattr(columns, "only"):
        return columns.only(names)
    return {name: columns[name] for name in names}


@dataclass(frozen=True)
class RawTable:
    """The text of a file by column; ``lines`` are where each row begins in the file.

    ``repairs`` are what the reader mended (CX-R...) or only saw (CX-F...): code, text, lines.
    ``labels`` are the questions behind the columns and ``value_labels`` the words behind their
    values, where the file says them; ``absent`` counts the values that the file itself declares to
    be no answer, by column and their words. ``part`` is the sheet or table that was read.
    ``dropped`` rows were read and left out by a rule told among the repairs. ``separator`` is what
    stood between the fields of a text file.
    """

    header: tuple[str, ...]
    columns: Mapping[str, Any]
    lines: np.ndarray
    place: str = "line"
    iso: frozenset[str] = frozenset()
    repairs: tuple[tuple[str, str, tuple[int, ...]], ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    value_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    absent: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    dropped: int = 0
    separator: str = ""
    part: str = ""
    _coded: dict[str, tuple[np.ndarray, np.ndarray]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        """Make every column an array of text, whatever the reader gave."""
        if isinstance(self.columns, dict):
            columns = {name: as_text(values) for name, values in self.columns.items()}
            object.__setattr__(self, "columns", columns)

    def coded(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the codes and the distinct texts of a column, found once unless it is long."""
        found = self._coded.get(column)
        if found is None:
            found = coded(self.columns[column])
            if self.rows <= MOST_KEPT:
                self._coded[column] = found
        return found

    def let_go(self, column: str) -> None:
        """Forget the text of a column that nobody asks for again, where it takes room."""
        if hasattr(self.columns, "let_go"):
            self.columns.let_go(column)

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.lines)


@dataclass
class UnreadableError(Exception):
    """The file is not what it should be: what was seen, where, and what to do.

    ``parts`` are the sheets or tables to choose from, behind the word for them.
    """

    code: str
    text: str
    cure: str = ""
    lines: tuple[int, ...] = field(default_factory=tuple)
    column: str = ""
    parts: tuple[str, tuple[str, ...]] | None = None

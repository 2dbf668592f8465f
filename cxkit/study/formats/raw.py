"""What every reader gives: columns of text, where each row stands, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np


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
    columns: dict[str, np.ndarray]
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

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.lines)


@dataclass
class UnreadableError(Exception):
    """The file is not what it should be: what was seen, where, and what to do."""

    code: str
    text: str
    cure: str = ""
    lines: tuple[int, ...] = field(default_factory=tuple)
    column: str = ""

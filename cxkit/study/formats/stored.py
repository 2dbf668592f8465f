"""Columns that are loaded when they are asked for, so that a large file is never all text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cxkit.study.formats.raw import as_text

if TYPE_CHECKING:
    import numpy as np


@contextmanager
def given_back() -> Iterator[Any]:
    """Let Arrow take its memory from the system, which has it back at once when it is free.

    Its own pool keeps up to a sixth more for later, and after a large file there is none. What is
    opened here keeps to this pool; it is yielded.
    """
    import pyarrow as pa

    usual, pool = pa.default_memory_pool(), pa.system_memory_pool()
    pa.set_memory_pool(pool)
    try:
        yield pool
    finally:
        pa.set_memory_pool(usual)


def text_of(column: Any) -> Any:
    """Return a column of Arrow as the text it would have in a CSV; nothing is an empty text."""
    return as_text(written(column))


def written(column: Any) -> Any:
    """Return a column of Arrow as large strings, without nothing among them."""
    import pyarrow as pa

    if isinstance(column.type, pa.UuidType):  # its sixteen bytes may pass for letters
        column = pa.array([value and str(value) for value in column.to_pylist()], pa.large_string())
    text = column if column.type == pa.large_string() else column.cast(pa.large_string())
    return text.fill_null("") if text.null_count else text


class Stored(Mapping[str, Any]):
    """The columns of Parquet files, on disk or in memory, as arrays of text.

    Parameters
    ----------
    files : mapping of str to pyarrow.parquet.ParquetFile
        Where each column is.
    names : mapping of str to str
        What each column is called, and its name in its file.
    rows : array of bool, optional
        The rows that are left; None for all.
    """

    def __init__(
        self, files: Mapping[str, Any], names: Mapping[str, str], rows: np.ndarray | None = None
    ) -> None:
        self.files, self.names, self.rows = dict(files), dict(names), rows

    @property
    def stored(self) -> int:
        """Return how many rows the files hold, those that are left out included."""
        return max((file.metadata.num_rows for file in self.files.values()), default=0)

    def __getitem__(self, name: str) -> Any:
        """Load a column piece by piece, into the room that the one before has left."""
        import pyarrow as pa

        file, inner = self.files[name], [self.names[name]]
        pieces = []
        with given_back() as pool:
            pool.release_unused()
            for i in range(file.num_row_groups):
                pieces.append(file.read_row_group(i, columns=inner, use_threads=False))
                pool.release_unused()
            whole = pa.concat_tables(pieces) if pieces else file.read(columns=inner)
            text = text_of(whole.column(0))
        return text if self.rows is None else text[self.rows]

    def __iter__(self) -> Iterator[str]:
        """Go through the names; nothing is loaded."""
        return iter(self.files)

    def __len__(self) -> int:
        """Return how many columns there are."""
        return len(self.files)

    def __contains__(self, name: object) -> bool:
        """Whether there is such a column; nothing is loaded."""
        return name in self.files

    def chosen(self, rows: np.ndarray) -> Stored:
        """Return the columns with some of their rows."""
        left = rows
        if self.rows is not None:
            left = self.rows.copy()
            left[left] = rows
        return Stored(self.files, self.names, left)

    def only(self, names: Sequence[str]) -> Stored:
        """Return some of the columns."""
        return Stored({name: self.files[name] for name in names}, self.names, self.rows)

    def let_go(self, name: str) -> None:
        """Forget a column that nobody asks for again, and with it the room it takes."""
        del self.files[name]

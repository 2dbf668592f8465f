"""One entry of a plan becomes many reports: by a grid of values, a list of rows, or a CSV."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from cxkit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Row = dict[str, object]

_HOLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_ ]*)\}")
_FORMS = """\
  for_each is one of
    {region: [North, South], level: [0.9, 0.95]}     a grid: every combination
    [{region: North}, {region: South, level: 0.9}]   a list: one report a row
    branches.csv                                     a file: one report a row
    {file: branches.csv, columns: [unit]}            a file, some of its columns"""


def rows(given: Any, *, folder: Path) -> list[Row]:
    """Return one row of values for each report that ``for_each`` asks for.

    Parameters
    ----------
    given
        A mapping of name to values (every combination), a list of rows, or the path of a CSV file.
    folder
        The folder that the path is relative to.

    Raises
    ------
    ParameterError
        If it is none of these, or empty, or the file cannot be read as a table.

    Examples
    --------
    >>> from pathlib import Path
    >>> rows({"region": ["North", "South"], "level": [0.9]}, folder=Path())
    [{'region': 'North', 'level': 0.9}, {'region': 'South', 'level': 0.9}]
    """
    if isinstance(given, str) and given:
        return _of_file(folder / given, None)
    if isinstance(given, dict) and isinstance(given.get("file"), str):
        other = set(given) - {"file", "columns"}
        columns = given.get("columns")
        if other or not (columns is None or _is_list(columns, str)):
            raise ParameterError(f"for_each: a file goes with columns only.\n{_FORMS}")
        return _of_file(folder / given["file"], columns)
    if isinstance(given, dict) and given and all(map(_is_values, given.values())):
        names = [str(name) for name in given]
        return [
            dict(zip(names, values, strict=True)) for values in itertools.product(*given.values())
        ]
    if _is_list(given, dict) and all(row and all(map(_is_value, row.values())) for row in given):
        return [{str(name): value for name, value in row.items()} for row in given]
    raise ParameterError(f"for_each cannot be read.\n{_FORMS}")


def holes(text: object) -> set[str]:
    """Return the names in braces in a text."""
    return set(_HOLE.findall(text)) if isinstance(text, str) else set()


def filled(value: object, row: Mapping[str, object]) -> object:
    """Put a row's values where a text names them; a text that is one name becomes its value.

    >>> filled("unit={unit}", {"unit": "B007"}), filled("{level}", {"level": 0.9})
    ('unit=B007', 0.9)
    """
    if not isinstance(value, str):
        return value
    whole = _HOLE.fullmatch(value)
    if whole and whole[1] in row:
        return row[whole[1]]
    return _HOLE.sub(lambda m: _text(row[m[1]]) if m[1] in row else m[0], value)


def file_name(pattern: str, row: Mapping[str, object]) -> str:
    """Return the name of one report: letters, digits, - and _ of the row's values.

    >>> file_name("retention_{branch}", {"branch": "Süd-Ost / 3"})
    'retention_Sud-Ost-3'
    """
    return _HOLE.sub(lambda m: _plain(_text(row[m[1]])) if m[1] in row else m[0], pattern)


def _of_file(path: Path, columns: list[str] | None) -> list[Row]:
    """Read a CSV: a header, then one report a row; every value is text."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = list(csv.reader(file, strict=True))
    except FileNotFoundError:
        raise ParameterError(f"for_each: {path}: there is no such file.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ParameterError(
            f"for_each: {path.name} cannot be read as a CSV in UTF-8 ({type(error).__name__})."
        ) from None
    header, *body = table or [[]]
    if not header or "" in header or len(set(header)) < len(header):
        raise ParameterError(
            f"for_each: {path.name} line 1: every column must have a name of its own, but the line "
            f"says: {', '.join(header) or 'nothing'}."
        )
    wanted = header if columns is None else columns
    if missing := [c for c in wanted if c not in header]:
        raise ParameterError(
            f"for_each: {path.name} has no column {', '.join(missing)}; its columns are: "
            f"{', '.join(header)}."
        )
    found: list[Row] = []
    for line, values in enumerate(body, start=2):
        if not values:
            continue
        if len(values) != len(header):
            raise ParameterError(
                f"for_each: {path.name} row {line}: {len(values)} values for {len(header)} columns."
            )
        found.append({c: v for c, v in zip(header, values, strict=True) if c in wanted})
    if not found:
        raise ParameterError(f"for_each: {path.name} has a header and no row.")
    return found


def _is_value(value: object) -> bool:
    """Whether a value can be a parameter."""
    return isinstance(value, str | int | float | bool | dt.date)


def _is_values(values: object) -> bool:
    """Whether this is a list of values, and not empty."""
    return isinstance(values, list) and bool(values) and all(map(_is_value, values))


def _is_list(given: Any, kind: type) -> bool:
    """Whether this is a list of one kind of thing, and not empty."""
    return isinstance(given, list) and bool(given) and all(isinstance(g, kind) for g in given)


def _text(value: object) -> str:
    """Write a value as it is typed on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(text: str) -> str:
    """Return what of a text may stand in the name of a file."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^A-Za-z0-9_]+", "-", ascii_only).strip("-")

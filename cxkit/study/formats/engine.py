"""DuckDB over a file of others: it reaches nothing else, and downloads nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

#: What an engine may use while it reads; the rows it has read are kept compressed.
MEMORY, THREADS = "160MB", 1

#: What an engine may not do while a file of others is open.
CLOSED: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


def limited(path: Path) -> Any:
    """Return an engine that reaches this one file, downloads nothing and knows no variables."""
    import duckdb

    engine = duckdb.connect(config={**CLOSED, "memory_limit": MEMORY, "threads": THREADS})
    engine.execute("SET allowed_paths = ?", [[str(path), escaped(str(path))]])
    engine.execute("SET enable_external_access = false")
    engine.execute("SET lock_configuration = true")
    return engine


def escaped(name: str) -> str:
    """Return a file's name as a pattern that only it fits.

    >>> escaped("export[1]*.csv")
    'export[[]1][*].csv'
    """
    return re.sub(r"[\[*?]", lambda mark: f"[{mark.group()}]", name)


def quoted(name: str) -> str:
    """Return a name that SQL takes for nothing but a name.

    >>> print(quoted('a"; drop table b; --'))
    "a""; drop table b; --"
    """
    return '"' + name.replace('"', '""') + '"'

"""Folders that several tests of a process share; they go when it ends (tests/conftest.py)."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp


@cache
def _place() -> Path:
    return Path(mkdtemp(prefix="cxkit-tests-"))


def shared(name: str) -> Path:
    """Return a new empty folder."""
    return Path(mkdtemp(prefix=f"{name}-", dir=_place()))


def remove() -> None:
    """Remove every folder of this process."""
    if _place.cache_info().currsize:
        shutil.rmtree(_place(), ignore_errors=True)

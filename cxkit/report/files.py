"""Where finished pages are put: safe names, and files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path

from cxkit.errors import MachineError, ParameterError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


def check_name(name: str, *, where: str) -> str:
    """Return the name of a report if a file may bear it; it never leads to another folder."""
    if not _NAME.fullmatch(name):
        raise ParameterError(
            f"{where}: {name!r} cannot be the name of a report.\n"
            "  Use letters a to z, digits, - and _, for example  north_2025 ."
        )
    if name.lower() in {"index", "run", "readme"}:
        raise ParameterError(f"{where}: {name!r} is the name of a file that every batch writes.")
    return name


def folder(path: Path) -> Path:
    """Return a folder that reports can be written to; it is made if need be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(
            f"{path}: this folder cannot be made ({error.strerror}). Choose another with --out."
        ) from None
    if not os.access(path, os.W_OK):
        raise MachineError(f"{path}: nothing can be written there. Choose another with --out.")
    return path


def write(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` whole or not at all: no reader ever sees half of it."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except OSError as error:
        raise MachineError(
            f"{path}: this could not be written ({error.strerror}); what was there before still is."
        ) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()


def _umask() -> int:
    """Return the mask for new files, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask

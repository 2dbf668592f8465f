"""Where finished pages are put: safe names, and files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cxkit.errors import MachineError, ParameterError
from cxkit.report.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 100
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{_LONGEST - 1}}}")

#: What a report that did not become whole leaves beside the last good one.
FAILED_PAGE, FAILED_LOG = ".FAILED.html", ".FAILED.log"


def check_name(name: str, *, where: str) -> str:
    """Return the name of a report if a file may bear it; it never leads to another folder."""
    if not _NAME.fullmatch(name):
        short = repr(name if len(name) <= _LONGEST else f"{name[:40]}...")
        raise ParameterError(
            f"{where}: {short} cannot be the name of a report.\n"
            f"  Use letters a to z, digits, - and _, at most {_LONGEST}, for example  north_2025 ."
        )
    if (told := masked(name.encode())) != name.encode():
        raise ParameterError(
            f"{where}: the name of a report would hold the value of the environment variable "
            f"{told.decode()}. Choose another."
        )
    if re.fullmatch(r"(index|run)(-\d+-of-\d+)?|readme", name.lower()):
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
    write_all({path: content})


def write_all(contents: Mapping[Path, bytes], *, private: bool = False) -> None:
    """Put several files in one folder in place together, once all of them are on the disk.

    With ``private`` nobody but the owner may read them. A secret of the environment is never
    written, in whatever file.
    """
    waiting: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in contents.items():
            handle, name = tempfile.mkstemp(
                prefix=f".{path.name}.", suffix=".part", dir=path.parent
            )
            waiting[path] = Path(name)
            with os.fdopen(handle, "wb") as file:
                file.write(masked(content))
                file.flush()
                os.fsync(file.fileno())
            if not private:
                Path(name).chmod(0o666 & ~_umask())
        for path, temporary in waiting.items():
            temporary.replace(path)
        _settle(path.parent)
    except OSError as error:
        raise MachineError(
            f"{path}: this could not be written ({error.strerror}); what was there before still is."
        ) from None
    finally:
        for temporary in waiting.values():
            with contextlib.suppress(OSError):
                temporary.unlink()


def sweep(place: Path, name: str) -> None:
    """Remove what a killed run of this name left half-written; its lock must be held."""
    for left in place.glob(f".{name}.*.part"):
        with contextlib.suppress(OSError):
            left.unlink()


def forget_failure(place: Path, name: str) -> None:
    """Remove the page and the log of an earlier failure."""
    for ending in (FAILED_PAGE, FAILED_LOG):
        with contextlib.suppress(OSError):
            (place / f"{name}{ending}").unlink()


def _settle(place: Path) -> None:
    """Make the new names in a folder outlast a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _umask() -> int:
    """Return the mask for new files, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask

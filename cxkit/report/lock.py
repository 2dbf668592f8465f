"""One run at a time for one output, and a private folder that no other run takes for stale."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cxkit.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX, _ALIVE = "cxkit-", "run.lock"
#: Longest path that a Unix socket may have, less the name of the socket itself, in bytes.
SOCKET_PATH = 90


@contextlib.contextmanager
def held(place: Path, name: str) -> Iterator[None]:
    """Hold the lock of one output while its files are made.

    The lock is the system's own, so it ends with the process that holds it, however that ends.

    Raises
    ------
    MachineError
        At once, if another run holds it.
    """
    path = place / f".{name}.lock"
    while True:
        handle = _open(path)
        if not _taken(handle):
            other = os.read(handle, 200).decode("utf-8", "replace").strip()
            os.close(handle)
            raise MachineError(
                f"{name}: another run is writing this output ({other or 'just begun'}).\n"
                "  Wait until it has ended, or write to another folder with --out."
            )
        if _still_there(path, handle):
            break
        os.close(handle)  # its holder took it away in between: a new one must be made
    try:
        with contextlib.suppress(OSError):  # a full disk: who holds it is not said, but it is held
            os.ftruncate(handle, 0)
            now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            os.write(handle, f"process {os.getpid()}, since {now}\n".encode())
        yield
    finally:
        if sys.platform != "win32":  # which removes no open file
            path.unlink(missing_ok=True)
        os.close(handle)
        if sys.platform == "win32":
            with contextlib.suppress(OSError):
                path.unlink()


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder for one run that nobody else may read, and remove it at the end.

    Folders of runs that were killed are removed first: their notebooks hold data.
    """
    place = _place()
    _sweep(place)
    with tempfile.TemporaryDirectory(
        prefix=_PREFIX, dir=place, ignore_cleanup_errors=True
    ) as folder:
        handle = _open(Path(folder) / _ALIVE)
        _taken(handle)
        try:
            yield Path(folder)
        finally:
            os.close(handle)


def _place() -> str:
    """Return the folder for temporary files; a long one has no room for a socket's path."""
    usual = tempfile.gettempdir()
    long = len(os.fsencode(usual)) + len(_PREFIX) + 16 > SOCKET_PATH
    return "/tmp" if long and os.access("/tmp", os.W_OK) else usual  # noqa: S108 - mkdtemp's own


def _sweep(place: str) -> None:
    """Remove the folders of runs that no longer live; what is not ours is left alone."""
    for folder in Path(place).glob(f"{_PREFIX}*"):
        alive = folder / _ALIVE
        try:
            if folder.is_symlink() or folder.stat().st_uid != _user() or not alive.is_file():
                continue
            handle = os.open(alive, os.O_RDWR)
        except OSError:
            continue
        try:
            left = _taken(handle)
        finally:
            os.close(handle)
        if left:
            shutil.rmtree(folder, ignore_errors=True)


def _user() -> int:
    """Return who runs this; 0 on Windows, as its files say."""
    return 0 if sys.platform == "win32" else os.getuid()


def _open(path: Path) -> int:
    """Open a lock file, making it if need be; a link in its place is not followed."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        raise MachineError(
            f"{path.parent}: nothing can be written there ({error.strerror}). Choose another "
            "folder with --out."
        ) from None


def _taken(handle: int) -> bool:
    """Take the lock of an open file; whether it was free."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _still_there(path: Path, handle: int) -> bool:
    """Whether the open file is the one that bears the name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False

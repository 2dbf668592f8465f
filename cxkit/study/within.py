"""The tables in a file of unknown shape: all of it, or each sheet or table that holds something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit.errors import DataError
from cxkit.study.formats.raw import UnreadableError
from cxkit.study.profile import Described, described
from cxkit.study.reading import Reading

if TYPE_CHECKING:
    from pathlib import Path

#: What can be said of a file that does not tell it, by the code of its refusal.
_SAID = {"CX-E008": "encoding", "CX-E012": "skip_rows", "CX-E013": "delimiter"}


def parts_of(path: Path, how: Reading | None = None) -> list[Described]:
    """Return every table of a file: its only one, or each sheet or table that holds something.

    What is said in ``how`` is used where the file does not tell how it is to be read.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    try:
        return [described(path)]
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise DataError(f"{path}: it cannot be read ({error.strerror}).") from None
    except UnreadableError as fault:
        if fault.parts:
            word, names = fault.parts
            ways = [Reading.model_validate({word: name}) for name in names]
        elif how and getattr(how, _SAID.get(fault.code, ""), None):
            ways = [how]
        else:
            raise _refused(path, fault) from None
    found = []
    for way in ways:
        try:
            found.append(described(path, way))
        except UnreadableError as part:
            raise _refused(path, part) from None
    return found


def _refused(path: Path, fault: UnreadableError) -> DataError:
    """Say why a file cannot be read."""
    line = f" line {fault.lines[0]}" if fault.lines else ""
    column = f", column {fault.column}" if fault.column else ""
    key = _SAID.get(fault.code, "")
    here = (
        f"\n  Before there is one, say it to  cxkit init --{key.replace('_', '-')}  "
        f"or  cx.describe(..., {key}=...)."
        if key
        else ""
    )
    return DataError(
        f"{path.name}{line}{column}: {fault.text}\n  {fault.cure}{here}  [{fault.code}]"
    )

"""What stands behind an option of the command line, as values."""

from __future__ import annotations

import re
from pathlib import Path

from cxkit.errors import ParameterError


def shard_of(given: str) -> tuple[int, int]:
    """Read K/N."""
    found = re.fullmatch(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", given)
    if found is None or int(found[1]) > int(found[2]):
        raise ParameterError("--shard wants K/N with K from 1 to N, for example  --shard 1/4 .")
    return int(found[1]), int(found[2])


def pairs(given: list[str], option: str = "-p") -> dict[str, str]:
    """Split NAME=VALUE at the first equals sign."""
    found: dict[str, str] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name:
            example = "-p level=0.9" if option == "-p" else f"{option} cell=1800"
            raise ParameterError(f"{option} wants NAME=VALUE, for example  {example} .")
        if name in found:
            raise ParameterError(f"{option} {name}=... was given twice; which one is meant?")
        found[name] = value
    return found


def path(text: str) -> Path:
    """Read a path; an unset variable of a shell is no path, and never the folder one is in."""
    if not str(text):
        raise ParameterError(
            "'' is no path. Is it a variable that is not set? Write  .  for this folder."
        )
    return Path(text)

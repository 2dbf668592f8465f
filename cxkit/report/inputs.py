"""The files a report is made from, known before it runs: what its parameters name."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cxkit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cxkit.report.parameters import Value


def hashed(values: Mapping[str, Value], cwd: Path) -> dict[str, tuple[int, str]]:
    """Return size and SHA-256 of every file that the parameters name.

    A parameter that is the path of a file names it; the path of a study, its ``study.yml`` and each
    file and folder that this names. An empty ``study`` is the sample.

    Parameters
    ----------
    values
        The parameters.
    cwd
        The folder that relative paths are relative to.

    Returns
    -------
    dict
        Path to size in bytes and hash, in the order of the paths.
    """
    found: dict[str, tuple[int, str]] = {}
    for path in sorted({p for value in _paths(values, cwd) for p in _named(value)}):
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[str(path)] = (path.stat().st_size, digest)
        except OSError:  # the notebook will meet it too, and say so
            continue
    return found


def changed(
    before: Mapping[str, tuple[int, str]],
    after: Mapping[str, tuple[int, str]],
    said: Mapping[str, Any],
) -> list[str]:
    """Return the names of files that were not the same before, during and after a run.

    ``said`` is what the notebook says it read; a file that it found elsewhere is not judged.
    """
    other = {Path(p).name for p in {*before, *after} if before.get(p) != after.get(p)}
    hashes: dict[str, set[str]] = {}
    for path, (_, digest) in before.items():
        hashes.setdefault(Path(path).name, set()).add(digest)
    for source in said.get("sources", []):
        known = hashes.get(str(source.get("name")))
        if known is not None and source.get("sha256") and source["sha256"] not in known:
            other.add(str(source["name"]))
    return sorted(other)


def _paths(values: Mapping[str, Value], cwd: Path) -> Iterator[Path]:
    """Yield the paths among the parameters that are there."""
    for name, value in values.items():
        if name == "study" and value == "":
            beside = Path(cxkit.__file__).parents[1]
            places = [f / "data" / "sample" / "study.yml" for f in (beside, cwd, *cwd.parents)]
            yield from [p for p in places if p.is_file()][:1]
        elif isinstance(value, str) and value and len(value) < 1000 and "\n" not in value:
            path = cwd / value
            path = path / "study.yml" if (path / "study.yml").is_file() else path
            if path.is_file():
                yield path


def _named(path: Path) -> Iterator[Path]:
    """Yield a file and, of a study, the files that it names."""
    yield path.resolve()
    if path.suffix.lower() not in {".yml", ".yaml"}:
        return
    try:
        study = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for text in _files_of(study):
        named = path.parent / text
        if named.is_file():
            yield named.resolve()
        elif named.is_dir():
            yield from (p.resolve() for p in named.rglob("*.parquet"))


@cache
def _files_of(study: str) -> tuple[str, ...]:
    """Return what a study names; read once, since it is asked before and after each run of it."""
    import yaml

    try:
        return tuple(_texts(yaml.safe_load(study)))
    except (yaml.YAMLError, RecursionError):
        return ()


def _texts(content: object) -> Iterator[str]:
    """Yield what stands as ``file`` or ``source`` anywhere in a study."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key in {"file", "source"} and isinstance(value, str) and value:
                yield value
            yield from _texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)

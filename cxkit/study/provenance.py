"""The last cell of every notebook: files with hashes, parameters, versions, date of the data."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.results import PROVENANCE_MIME
from cxkit.study.study import hold_study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxkit.study.study import Study

#: What a result may depend on.
PACKAGES = ("cxkit", "pandas", "numpy", "scipy", "statsmodels", "seaborn", "papermill")

_SECRET = re.compile(
    r"(?i)pass(word|wd|phrase)?$|secret|token|credential|api_?key|private_?key|auth"
)
_FOLDERS = re.compile(r"^(?:[A-Za-z]:)?[\\/]|^~|^\\\\")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a report's numbers come from; shown as tables and carried for the report's verdict."""

    study: str
    as_of: str
    where: str
    parameters: dict[str, object]
    sources: tuple[dict[str, object], ...]
    versions: dict[str, str]
    seed: int | None

    def as_dict(self) -> dict[str, object]:
        """Return everything as plain values."""
        return {
            "parameters": self.parameters,
            "study": self.study,
            "as_of": self.as_of,
            "where": self.where,
            "sources": list(self.sources),
            "versions": self.versions,
            "seed": self.seed,
        }

    def _frames(self) -> tuple[tuple[str, pd.DataFrame, tuple[str, ...]], ...]:
        """Return caption, rows and numeric columns of the three tables."""
        files = pd.DataFrame(
            [
                {
                    "file": s["name"],
                    "table": s["table"],
                    "rows read": f"{s['rows_read']:,}",
                    "dropped": f"{s['rows_dropped']:,}",
                    "repaired": f"{s['rows_repaired']:,}",
                    "bytes": f"{s['size']:,}",
                    "sha256": s["sha256"],
                }
                for s in self.sources
            ]
        )
        given = pd.DataFrame(
            [{"parameter": k, "value": _shown(v)} for k, v in self.parameters.items()],
            columns=["parameter", "value"],
        )
        versions = pd.DataFrame([{"software": k, "version": v} for k, v in self.versions.items()])
        numbers = ("rows read", "dropped", "repaired", "bytes")
        return (
            (f"Files of {self.study}, as of {self.as_of}", files, numbers),
            ("Parameters", given, ()),
            ("Versions", versions, ()),
        )

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> dict[str, object]:
        """Show as HTML and text, and carry the values that make a report whole."""
        tables = "".join(markup.table(f, caption=c, numeric=n) for c, f, n in self._frames())
        html = f'<section class="cx-provenance" aria-label="Provenance">{tables}</section>'
        return {
            "text/html": html,
            "text/plain": str(self),
            PROVENANCE_MIME: self.as_dict(),
        }

    def __str__(self) -> str:
        """Return the tables as plain text."""
        return "\n\n".join(f"{c}\n{markup.plain(f)}" for c, f, _ in self._frames())


def provenance(study: Study, parameters: Mapping[str, object]) -> Provenance:
    """Say where the numbers of a notebook come from.

    Parameters
    ----------
    study : Study
        The study that was read.
    parameters : mapping of str to object
        The notebook's parameters, by name; one named ``seed`` is told as the seed.

    Returns
    -------
    Provenance
        Shows as tables; they hold no time, no machine and no folder, so that the same inputs give
        the same bytes. Values of parameters whose names look secret are left out.

    Raises
    ------
    QuestionError
        ``study`` is a path or a frame, or ``parameters`` have no names.

    Notes
    -----
    A path among the parameters is shown by its last two parts. What the report's verdict compares
    (the output's own kind, never on the page) holds parameters as they were given.

    Examples
    --------
    >>> import cxkit as cx
    >>> provenance(cx.sample_study(), {"level": 0.95}).as_of
    '2025-12-31'
    """
    hold_study(study)
    if not isinstance(parameters, Mapping):
        raise QuestionError(
            f"provenance: asked for the parameters by name, found {type(parameters).__name__}.\n"
            '  Write  cx.provenance(study, {"level": level, ...})'
        )
    kept = {str(name): _plain(str(name), value) for name, value in parameters.items()}
    seed = parameters.get("seed")
    return Provenance(
        study=study.name,
        as_of=f"{study.as_of:%Y-%m-%d}",
        where=study.where,
        parameters=kept,
        sources=tuple(
            {
                "table": s.table,
                "name": s.name,
                "size": s.size,
                "sha256": s.sha256,
                "rows_read": s.rows_read,
                "rows_dropped": s.rows_dropped,
                "rows_repaired": s.rows_repaired,
            }
            for s in study.sources
        ),
        versions=_versions(),
        seed=seed if isinstance(seed, int) else None,
    )


def _plain(name: str, value: object) -> object:
    """Return a parameter's value as plain data, a secret one left out."""
    if _SECRET.search(name):
        return "(not shown)"
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(name, v) for v in value]
    return str(value)


def _shown(value: object) -> str:
    """Return a parameter as it would be written, of a path the last two parts."""
    if isinstance(value, str) and _FOLDERS.match(value):
        return ".../" + "/".join(re.split(r"[\\/]", value.rstrip("\\/"))[-2:])
    return '"" (all)' if value == "" else str(value)


def _versions() -> dict[str, str]:
    """Return the versions of what the numbers depend on, without importing it."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found

"""The plan of a batch: plan.yml, read safely and refused in the kit's words."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cxkit.errors import ParameterError
from cxkit.report import grid
from cxkit.report.files import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EXAMPLE = """\
  A plan looks like this:
    defaults: {study: ../data/mine/study.yml}
    reports:
      - name: north
        notebook: ../notebooks/retention_vs_experience.ipynb
        parameters: {where: region=North}
      - name: branch_{unit}          # one report for each row of the file
        notebook: ../notebooks/engagement_correlation.ipynb
        for_each: branches.csv
        parameters: {where: "unit={unit}"}
      - name: "{region}_{level}"     # one report for each combination
        notebook: ../notebooks/retention_vs_experience.ipynb
        for_each: {region: [North, South], level: [0.9, 0.95]}
        parameters: {where: "region={region}"}"""


#: Faulty rows of one for_each that are told each by itself; the others are counted.
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One report that the plan asks for, as it was written.

    ``labels`` are values of ``for_each`` that only the name uses: parameters, if the notebook has
    them, and no fault if it does not.
    """

    name: str
    notebook: str
    parameters: Mapping[str, object]
    labels: Mapping[str, object] = field(default_factory=dict)


def read(path: Path) -> list[Entry]:
    """Read a plan.

    Parameters
    ----------
    path
        YAML: ``reports`` is a list of ``name``, ``notebook`` and, if need be, ``parameters``;
        ``defaults`` holds parameters for all of them, which a report's own override. With
        ``for_each`` one of the list becomes many: see :func:`cxkit.report.grid.rows`.

    Returns
    -------
    list of Entry
        At least one, each with another name.

    Raises
    ------
    ParameterError
        All faults at once: not YAML, unknown keys, missing keys, names that are no file names or
        that come twice.
    """
    content = _load(path)
    faults = _unknown_keys(content, {"defaults", "reports"}, "the plan")
    defaults = content.get("defaults") or {}
    listed = content.get("reports")
    if not isinstance(defaults, dict):
        faults.append("'defaults' must be names with values")
        defaults = {}
    if not isinstance(listed, list) or not listed:
        faults.append("it lists no report under 'reports'")
        listed = []
    entries: list[Entry] = []
    taken: dict[str, int] = {}
    for number, item in enumerate(listed, start=1):
        for entry in _entries(item, f"report {number}", defaults, path.parent, faults):
            if entry.name.lower() in taken:
                other = taken[entry.name.lower()]
                hint = "; put a column of for_each in the name" if other == number else ""
                faults.append(
                    f"report {number}: the name {entry.name!r} is taken by report {other}; each "
                    f"would overwrite the other{hint}"
                )
            taken.setdefault(entry.name.lower(), number)
            entries.append(entry)
    if faults:
        raise refusal(path, faults)
    return entries


def refusal(path: Path, faults: list[str]) -> ParameterError:
    """Return one error for all that is wrong with a plan."""
    count = "one thing is" if len(faults) == 1 else f"{len(faults)} things are"
    told = "\n".join("  " + fault.replace("\n", "\n  ") for fault in faults)
    return ParameterError(f"{path.name}: nothing was run, for {count} wrong.\n{told}")


def _load(path: Path) -> dict[str, Any]:
    """Return the YAML of a plan: plain values only, no key twice."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Safe, and strict about a key that comes twice, which YAML lets pass."""

    def mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
        keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} comes twice", problem_mark=node.start_mark
                )
        return loader.construct_mapping(node, deep=True)

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506
    except FileNotFoundError:
        raise ParameterError(f"{path}: there is no such plan.\n{EXAMPLE}") from None
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ParameterError(f"{path.name}{line}: {error.problem}.\n{EXAMPLE}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParameterError(
            f"{path}: this cannot be read as a plan ({type(error).__name__}).\n{EXAMPLE}"
        ) from None
    if not isinstance(content, dict):
        raise ParameterError(f"{path.name}: this is not a plan.\n{EXAMPLE}")
    return content


def _entries(
    item: object, where: str, defaults: Mapping[str, object], folder: Path, faults: list[str]
) -> list[Entry]:
    """Read one of the list, which may ask for many; what is wrong with it goes to ``faults``."""
    if not isinstance(item, dict):
        faults.append(f"{where}: it must have a name and a notebook")
        return []
    faults += _unknown_keys(item, {"name", "notebook", "parameters", "for_each"}, where)
    missing = [k for k in ("name", "notebook") if not isinstance(item.get(k), str) or not item[k]]
    if missing:
        faults.append(f"{where}: {' and '.join(missing)} must be given, as text")
        return []
    own = item.get("parameters") or {}
    if not isinstance(own, dict) or not all(isinstance(k, str) for k in own):
        faults.append(f"{where}: 'parameters' must be names with values")
        return []
    try:
        if "for_each" not in item:
            name = check_name(item["name"], where=where)
            return [Entry(name=name, notebook=item["notebook"], parameters={**defaults, **own})]
        return _spread(item, own, defaults, folder, where, faults)
    except ParameterError as fault:
        faults.append(str(fault) if where in str(fault) else f"{where}: {fault}")
        return []


def _spread(
    item: Mapping[str, Any],
    own: Mapping[str, object],
    defaults: Mapping[str, object],
    folder: Path,
    where: str,
    faults: list[str],
) -> list[Entry]:
    """Return the reports that one entry with ``for_each`` asks for; bad names go to ``faults``.

    A column that ``parameters`` mentions in braces is used there and nowhere else; any other is a
    parameter of that name, so that a mistyped one is refused and never runs the default.
    """
    found, bad = [], []
    for number, row in enumerate(grid.rows(item["for_each"], folder=folder), start=1):
        both = {**defaults, **own}
        used = set().union(*map(grid.holes, both.values()))
        in_name = grid.holes(item["name"])
        if other := sorted((used | in_name) - set(row)):
            raise ParameterError(
                f"{where}: {{{other[0]}}} is no column of for_each, which has: {', '.join(row)}"
            )
        if twice := sorted((set(row) - used) & set(own)):
            raise ParameterError(f"{where}: {twice[0]} stands both in parameters and in for_each")
        try:
            name = check_name(
                grid.file_name(item["name"], row), where=f"{where}, row {number} of for_each"
            )
        except ParameterError as fault:
            bad.append(str(fault))
            continue
        left = {c: v for c, v in row.items() if c not in used}
        found.append(
            Entry(
                name=name,
                notebook=item["notebook"],
                parameters={k: grid.filled(v, row) for k, v in both.items()}
                | {c: v for c, v in left.items() if c not in in_name},
                labels={c: v for c, v in left.items() if c in in_name},
            )
        )
    faults += bad[:_MOST_TOLD]
    if len(bad) > _MOST_TOLD:
        faults.append(f"{where}: {len(bad) - _MOST_TOLD} more rows of for_each have no good name")
    return found


def _unknown_keys(content: Mapping[Any, object], known: set[str], where: str) -> list[str]:
    """Say which keys a plan does not know, and the nearest that it does."""
    told = []
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            told.append(f"{where}: it has no key {str(key)!r}{hint} (keys: {_list(known)})")
    return told


def _list(names: set[str]) -> str:
    """Return names in one fixed order."""
    return ", ".join(sorted(names))

"""The codebook: what each column asks, on which scale, how many answered, and what they said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.results import LEAST_CUSTOMERS, LEAST_EMPLOYEES, Table
from cxkit.study import columns as c
from cxkit.study.labelled import Labels
from cxkit.study.study import hold_study

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cxkit.study.study import Study

#: Tables about people, with the column that tells them apart.
_PEOPLE = {
    "customers": "customer",
    "responses": "customer",
    "tickets": "customer",
    "orders": "customer",
    "engagement": "respondent",
    "staff": "employee",
}

#: Groups beyond these are counted together.
_MOST_GROUPS = 8

_COLUMNS = (
    ("Role", "role", "text"),
    ("Column", "column", "text"),
    ("What it asks", "asks", "text"),
    ("Valid", "told", "text"),
    ("Missing", "lacking", "text"),
    ("Values", "distribution", "text"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Codebook:
    """The columns of a study; ``frame`` has one row each. On a page each table unfolds."""

    frame: pd.DataFrame
    caption: str

    def tables(self) -> tuple[Table, ...]:
        """Return what is shown, a table for each table of the study."""
        found = self.frame.to_dict("records")
        asks = [". ".join(filter(None, (r["question"].rstrip("."), r["scale"]))) for r in found]
        sides = [_sides(r) for r in found]
        lacking = [
            missing + (f" ({r['missing_by']})" if r["missing_by"] else "")
            for r, (_, missing) in zip(found, sides, strict=True)
        ]
        shown = self.frame.assign(asks=asks, told=[told for told, _ in sides], lacking=lacking)
        return tuple(
            Table.of(rows, caption=f"{name}: {len(rows)} columns", columns=_COLUMNS)
            for name, rows in shown.groupby("table", sort=False)
        )

    def _repr_html_(self) -> str:
        folded = "".join(
            f"<details><summary>{markup.escape(table.caption)}</summary>"
            f"{table._repr_html_()}</details>"
            for table in self.tables()
        )
        return (
            f'<section class="cx-codebook" aria-label="Codebook">'
            f"{markup.paragraphs([self.caption])}{folded}</section>"
        )

    def __str__(self) -> str:
        """Return the tables as plain text under one caption."""
        return "\n\n".join([self.caption, *map(str, self.tables())])


@dataclass(frozen=True)
class _Column:
    """The values that a column has, who gave each, and of how few nothing may be told."""

    given: pd.Series
    people: np.ndarray
    spec: c.Column
    least: int
    private: bool

    def by(self, values: Sequence[object]) -> bool:
        """Whether enough people gave one of these values."""
        found = self.people[self.given.isin(list(values)).to_numpy()]
        few = 100 * self.least  # the first rows nearly always tell
        return any(len(np.unique(part)) >= self.least for part in (found[:few], found))

    def people_of_all(self) -> int:
        """Return how many people gave any value."""
        return len(np.unique(self.people))


def _least(table: str) -> int:
    """Return how many people must stand behind what is told of a table."""
    if table not in _PEOPLE:
        return 1
    return LEAST_EMPLOYEES if _PEOPLE[table] != "customer" else LEAST_CUSTOMERS


def _sides(row: Mapping[Any, Any]) -> tuple[str, str]:
    """Say how many values there are and how many lack; few who left, or few who stayed, are not.

    Rows are known, so that one of the two gives the other away.
    """
    least = _least(row["table"])
    valid, missing = int(row["valid"]), int(row["missing"])
    if 0 < valid < least:
        return f"<{least}", "withheld" if missing else "0"
    if row["role"] == "end" and 0 < missing < least:
        return "withheld", f"<{least}"
    return f"{valid:,}", f"{missing:,}"


def codebook(study: Study) -> Codebook:
    """Return what every column of a study is: question, scale, counts, distribution.

    Parameters
    ----------
    study : Study
        As opened; a part of it if it was narrowed by ``where``.

    Returns
    -------
    Codebook
        Its ``frame`` has one row per column: ``table``, ``role``, ``column`` (its name in the
        file), ``question`` (as the file says it), ``scale`` (limits, direction, cut-points),
        ``valid`` and ``missing`` (rows; together all rows), ``missing_by`` (codes for "no answer"
        that the file or study.yml declares, as they stand in the file), ``distribution``.

    Raises
    ------
    QuestionError
        ``study`` is a path or a frame.

    Notes
    -----
    Answers on a scale are counted answer by answer, groups by size, numbers and days by quartiles:
    the smallest and the largest would be single persons. Where fewer than 5 customers or 10
    employees gave an answer, it is counted together with the next one, until enough people stand
    behind it; where they do not, nothing is told. The texts of comments are never shown.

    Examples
    --------
    >>> from cxkit.study.study import sample_study
    >>> book = codebook(sample_study()).frame.set_index(["table", "role"])
    >>> book.loc[("responses", "csat"), "scale"]
    '1 to 5, high is good; satisfied from 4'
    """
    hold_study(study)
    rows = []
    for name, table in study.contract.tables.items():
        if name in study.frames:
            frame = study.frames[name]
            key = _PEOPLE.get(name, "")
            people = pd.factorize(frame.get(key, frame.index))[0]
            rows += [_row(study, name, role, people) for role in table.roles if role in frame]
    caption = (
        f"Codebook of {study.name}{f', where {study.where}' if study.where else ''}. Answers of "
        f"fewer than {LEAST_CUSTOMERS} customers or {LEAST_EMPLOYEES} employees are counted "
        "together with the next one, or not told."
    )
    return Codebook(frame=pd.DataFrame(rows), caption=caption)


def _row(study: Study, name: str, role: str, people: np.ndarray) -> dict[str, object]:
    """Return one column of the codebook's frame."""
    column, table = study.frames[name][role], study.contract.of(name)
    spec = table.roles[role]
    labels = study.labels.get(name, Labels())
    least = (LEAST_EMPLOYEES if table.private else LEAST_CUSTOMERS) if name in _PEOPLE else 1
    there = column.notna().to_numpy()
    seen = _Column(column[there], people[there], spec, least, table.private)
    return {
        "table": name,
        "role": role,
        "column": spec.column,
        "question": labels.questions.get(spec.column, ""),
        "scale": spec.said if isinstance(spec, c.Score) else _unit(spec),
        "valid": int(there.sum()),
        "missing": int((~there).sum()),
        "missing_by": _missing_by(labels.absent.get(spec.column, {}), least),
        "distribution": _distribution(seen, role, labels.words.get(spec.column, {})),
    }


def _unit(spec: c.Column) -> str:
    """Return the unit of a number, or what a yes is."""
    return spec.unit if isinstance(spec, c.Amount) else ""


def _missing_by(counted: Mapping[str, int], least: int) -> str:
    """Say how often each code for "no answer" stands in the file, unless few gave it."""
    told = [
        f"{word}: {n:,}" if n >= least or n == 0 else f"{word}: fewer than {least}"
        for word, n in counted.items()
    ]
    return ", ".join(told)


def _distribution(column: _Column, role: str, words: Mapping[str, str]) -> str:
    """Say how the values of a column are spread, as far as it may be told."""
    given, spec = column.given, column.spec
    if not len(given):
        return "no value"
    if column.people_of_all() < column.least:
        return _withheld(column.least)
    if role == "comment":
        return f"{len(given):,} texts, not shown"
    if isinstance(spec, c.Id):
        return f"{given.nunique():,} different"
    if isinstance(spec, c.Score) and spec.whole:
        return _answers(column, words)
    if isinstance(spec, c.YesNo):
        return _answers(column, {})
    if isinstance(spec, c.Date) or pd.api.types.is_numeric_dtype(given):
        return _quartiles(column)
    return _groups(column)


def _withheld(least: int) -> str:
    """Say that too few people stand behind something."""
    return f"withheld: fewer than {least} people"


def _counted(given: pd.Series) -> dict[Any, int]:
    """Return how many rows have each value."""
    counts = given.value_counts()
    return dict(zip(counts.index.tolist(), counts.tolist(), strict=True))


def _answers(column: _Column, words: Mapping[str, str]) -> str:
    """Count answer by answer; one that too few gave goes with the next."""
    counts = _counted(column.given)
    values = sorted(counts)
    merged: list[list[Any]] = []
    for value in values:
        if merged and not column.by(merged[-1]):
            merged[-1].append(value)
        else:
            merged.append([value])
    if len(merged) > 1 and not column.by(merged[-1]):
        last = merged.pop()
        merged[-1].extend(last)
    if len(merged) < 2 and len(values) > 1:
        return f"withheld: fewer than {column.least} people gave all answers but one"
    if len(values) == 1 and column.private:
        return "withheld: all answered the same"
    return "; ".join(
        f"{_span(cell, words)}: {sum(counts[value] for value in cell):,}" for cell in merged
    )


def _span(cell: Sequence[Any], words: Mapping[str, str]) -> str:
    """Name one answer with its word, or several by the first and the last."""
    spelled = {True: "yes", False: "no"}
    if isinstance(cell[0], bool | np.bool_):
        return spelled[bool(cell[0])]
    ends = [f"{value:g}" for value in (cell[0], cell[-1])]
    if len(cell) > 1:
        return f"{ends[0]} to {ends[1]}"
    return f"{ends[0]} ({words[ends[0]]})" if words.get(ends[0]) else ends[0]


def _quartiles(column: _Column) -> str:
    """Say the quartiles; they need people enough on both sides."""
    least = 4 * column.least
    if column.people_of_all() < least:
        return _withheld(least)
    days = isinstance(column.spec, c.Date)
    points = (column.given if days else column.given.astype(float)).quantile([0.25, 0.5, 0.75])
    told = [f"{p:%Y-%m-%d}" if days else markup.number(float(p), 1) for p in points]
    return f"a quarter up to {told[0]}, half up to {told[1]}, three quarters up to {told[2]}"


def _groups(column: _Column) -> str:
    """Count groups by size; those of few people, and those beyond the largest, together."""
    counts = _counted(column.given)
    if len(counts) == len(column.given) and column.least == 1:
        return f"{len(counts):,} different"
    order = sorted(counts, key=lambda group: (-counts[group], str(group)))
    told = [group for group in order[:_MOST_GROUPS] if column.by([group])]
    rest = [group for group in order if group not in set(told)]
    while rest and told and not column.by(rest):
        rest.append(told.pop())
    if not told:
        return f"{len(order):,} groups; {_withheld(column.least)} in each, or in all but one"
    parts = [f"{group}: {counts[group]:,}" for group in told]
    if rest:
        n = sum(counts[group] for group in rest)
        parts.append(f"{len(rest):,} {'others' if len(rest) > 1 else 'other'}: {n:,}")
    return "; ".join(parts)

"""What a study says of itself: what is there, what was found, what each notebook still lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cxkit import markup
from cxkit.results import LEAST_CUSTOMERS, LEAST_EMPLOYEES, Table
from cxkit.study.contract import COMPONENTS, Responses, SnapshotCustomers
from cxkit.study.requirements import REQUIREMENTS, lacking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cxkit.results import Finding
    from cxkit.study.study import Study

    _Add = Callable[[str, str, int, int, str], None]

#: The day (or wave) by which a table's period is told.
_WHEN = {
    "customers": "start",
    "responses": "asked_on",
    "tickets": "opened",
    "orders": "ordered_on",
    "engagement": "wave",
    "staff": "start",
    "unit_scores": "wave",
}

#: Who is counted in a table, beside its rows.
_WHO = {
    "customers": ("customer", "customers"),
    "responses": ("customer", "customers"),
    "tickets": ("customer", "customers"),
    "orders": ("customer", "customers"),
    "engagement": ("respondent", "employees"),
    "staff": ("employee", "employees"),
    "units": ("unit", "units"),
    "unit_scores": ("unit", "units"),
}

#: Rows and people below these are not told apart: a report of a filter would name them.
_LEAST = {"customers": LEAST_CUSTOMERS, "employees": LEAST_EMPLOYEES}

#: Touchpoints beyond these are counted, not listed.
_MOST_LISTED = 12


def overview(study: Study) -> tuple[Table, ...]:
    """Return what is there as tables to be read.

    Parameters
    ----------
    study : Study

    Returns
    -------
    tuple of Table
        Tables and periods; what was asked and answered; findings; what each notebook lacks. A
        part with nothing to say is left out.
    """
    parts = (_tables(study), _asked(study), _repairs(study), _flags(study), _notebooks(study))
    return tuple(part for part in parts if len(part.frame))


def as_text(study: Study) -> str:
    """Return the overview as plain text."""
    return "\n\n".join([_title(study), *(str(part) for part in overview(study))])


def as_html(study: Study) -> str:
    """Return the overview as HTML."""
    parts = "".join(_folded(part) for part in overview(study))
    return (
        f'<section class="cx-study" aria-label="Study">{markup.paragraphs([_title(study)])}'
        f"{parts}</section>"
    )


def _folded(part: Table) -> str:
    """Return a table, folded under its caption where it is long."""
    html = part._repr_html_()
    if len(part.shown) <= _MOST_LISTED:
        return html
    return f"<details><summary>{markup.escape(part.caption)}</summary>{html}</details>"


def report_of(study: Study) -> str:
    """Return everything ``cxkit check`` prints: the overview, then every finding in full.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str
    """
    told = [f"{_KINDS[f.kind]}: {f}" for f in study.findings]
    closing = "\n".join(told) if told else "Nothing was repaired, nothing flagged."
    parts = (_tables(study), _asked(study), _notebooks(study))  # findings are told in full below
    return "\n\n".join([_title(study), *(str(p) for p in parts if len(p.frame)), closing])


_KINDS = {"refuse": "Refused", "repair": "Repaired", "flag": "Flagged"}


def _title(study: Study) -> str:
    """Return name, day of the data, and what was kept."""
    first = "" if study.observed_from is None else f", observed from {study.observed_from:%Y-%m-%d}"
    where = f", only where {study.where}" if study.where else ""
    mended = any(f.kind == "repair" for f in study.findings)
    told = "" if mended else " Nothing had to be mended."
    return f"{study.name}: as of {study.as_of:%Y-%m-%d}{first}{where}.{told}"


def _table(rows: list[dict[str, str]], caption: str, numeric: Sequence[str] = ()) -> Table:
    """Return rows of text as a table."""
    frame = pd.DataFrame(rows)
    return Table(
        frame=frame,
        caption=caption,
        shown=frame.rename(columns=str.capitalize),
        numeric=tuple(column.capitalize() for column in numeric),
    )


def _tables(study: Study) -> Table:
    """Return tables, rows, who is in them and their period."""
    rows = []
    for source in study.sources:
        if source.table in study.scans:
            rows.append(
                {
                    "table": source.table,
                    "rows": f"{source.rows_read:,}",
                    "who": "–",
                    "period": "in its engine",
                    "file": source.name,
                }
            )
            continue
        frame = study.frames[source.table]
        role, noun = _WHO[source.table]
        least = _LEAST.get(noun, 1)
        people = frame[role].nunique() if role in frame else len(frame)
        rows.append(
            {
                "table": source.table,
                "rows": _told(len(frame), least),
                "who": f"{_told(people, least)} {noun}" if role in frame else "–",
                "period": "–" if 0 < people < least else _period(frame, source.table),
                "file": source.name,
            }
        )
    return _table(rows, "What is there", numeric=["rows"])


def _told(count: int, least: int) -> str:
    """Say a count; from 1 to one less than the least they are not told apart."""
    return f"<{least}" if 0 < count < least else f"{count:,}"


def _period(frame: pd.DataFrame, table: str) -> str:
    """Return the first and last day, or wave, of a table."""
    role = _WHEN.get(table, "")
    role = "answered_on" if role == "asked_on" and role not in frame else role
    if role not in frame or frame[role].isna().all():
        return "–"
    first, last = frame[role].min(), frame[role].max()
    if isinstance(first, pd.Timestamp):
        return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    return f"{first} to {last} ({frame[role].nunique()} waves)"


def _asked(study: Study) -> Table:
    """Return what was asked and answered: scores, components, stages, touchpoints."""
    rows: list[dict[str, str]] = []

    def add(kind: str, name: str, asked: int, answered: int, note: str = "") -> None:
        noun = {"employee item": "employees", "unit score": "units"}.get(kind, "customers")
        least = _LEAST.get(noun, 1)
        few = not asked or 0 < answered < least or asked < least
        share = "–" if few else f"{markup.number(100 * answered / asked)} %"
        rows.append(
            {
                "what": kind,
                "name": name,
                "rows": _told(asked, least),
                "answered": _told(answered, least),
                "share": share,
                "note": note,
            }
        )

    table = study.contract.responses
    if table is not None and study.has("responses"):
        _asked_customers(study.frames["responses"], table, add)
    customers = study.contract.customers
    if isinstance(customers, SnapshotCustomers) and study.has("customers"):
        frame = study.frames["customers"]
        for name, seen in customers.experience.items():
            note = f"{_told(int(frame[name].isin(seen.bad).sum()), LEAST_CUSTOMERS)} bad"
            add("experience", name, len(frame), int(frame[name].notna().sum()), note)
    engagement = study.contract.engagement
    if engagement is not None and study.has("engagement"):
        frame = study.frames["engagement"]
        for name, item in engagement.items.items():
            note = ", ".join(filter(None, [item.group, "reversed" if item.reversed else ""]))
            add("employee item", name, len(frame), int(frame[name].notna().sum()), note)
    if study.has("unit_scores"):
        frame = study.frames["unit_scores"]
        for name in [n for n in ("engagement", "experience") if n in frame]:
            add("unit score", name, len(frame), int(frame[name].notna().sum()))
    return _table(rows, "What was asked and answered", numeric=["rows", "answered", "share"])


def _asked_customers(frame: pd.DataFrame, table: Responses, add: _Add) -> None:
    """Add the scores, components, stages and touchpoints of the responses."""
    for role, spec in table.scores.items():
        kind = "component" if role in COMPONENTS else "score"
        low, high = spec.scale
        good = "" if spec.higher_is_better else ", low is good"
        add(kind, role, len(frame), int(frame[role].notna().sum()), f"{low:g} to {high:g}{good}")
    for role in COMPONENTS:
        if role not in table.scores:
            add("component", role, 0, 0, "no data")
    answered = _answered(frame, table)
    if table.stage is not None:
        known = dict.fromkeys([*table.stage.order, *sorted(frame["stage"].dropna().unique())])
        for stage in known:
            rows = frame["stage"] == stage
            note = "" if rows.any() else "no data"
            add("stage", stage, int(rows.sum()), int((rows & answered).sum()), note)
    if table.touchpoint is not None:
        counts = frame["touchpoint"].value_counts()
        for name in counts.index[:_MOST_LISTED]:
            rows = frame["touchpoint"] == name
            add("touchpoint", name, int(rows.sum()), int((rows & answered).sum()), "")
        if len(counts) > _MOST_LISTED:
            rest = frame["touchpoint"].isin(counts.index[_MOST_LISTED:])
            name = f"{len(counts) - _MOST_LISTED} more"
            add("touchpoint", name, int(rest.sum()), int((rest & answered).sum()), "")


def _answered(frame: pd.DataFrame, table: Responses) -> pd.Series:
    """Return which rows hold an answer: a day of answering, or any score."""
    if table.answered_on is not None:
        return frame["answered_on"].notna()
    return frame[list(table.scores)].notna().any(axis=1)


def _repairs(study: Study) -> Table:
    """Return what was mended: by which rule, where, how many rows, the first lines."""
    found = [f for f in study.findings if f.kind == "repair"]
    return _found(found, "What was mended, by which rule", study)


def _flags(study: Study) -> Table:
    """Return what was kept and must be known."""
    found = [f for f in study.findings if f.kind == "flag"]
    return _found(found, "What was flagged", study)


def _found(findings: Sequence[Finding], caption: str, study: Study) -> Table:
    """Return findings with their codes, in the order of their tables."""
    rows = [
        {
            "code": f.code,
            "where": f"{f.table}, {f.column}" if f.column else f.table,
            "rows": f"{f.n_rows:,}" if f.n_rows else "–",
            "lines": _lines(f),
            "what": f.text,
        }
        for f in sorted(findings, key=lambda f: f.table)
    ]
    whole = " (in the whole study)" if study.where else ""
    return _table(rows, f"{caption}{whole}", ["rows"])


def _lines(finding: Finding) -> str:
    """Return the first lines of a finding, or the row of a file that has no lines."""
    row = finding.file.rpartition(" row ")[2] if " row " in finding.file else ""
    return finding.first_lines or (f"row {row}" if row else "–")


def _notebooks(study: Study) -> Table:
    """Return what each notebook lacks in this study."""
    rows = []
    for notebook in REQUIREMENTS:
        missing = lacking(study, notebook)
        rows.append(
            {
                "notebook": notebook,
                "can run": "no" if missing else "yes",
                "missing": "; ".join(missing) if missing else "nothing",
            }
        )
    return _table(rows, "Which notebook this study can feed")

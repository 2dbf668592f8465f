"""A plan becomes a folder of reports, with an index for readers and a record for the firm."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import cxkit
from cxkit import markup
from cxkit.errors import CxkitError
from cxkit.report import files, plan, render
from cxkit.report.make import Job, Progress, Report, check_spare, make, prepare
from cxkit.report.parameters import show

if TYPE_CHECKING:
    from pathlib import Path

    from cxkit.report.page import Code
    from cxkit.report.run import Limits


def run_plan(
    path: Path,
    *,
    out: Path | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
    code: Code = "fold",
) -> list[Report]:
    """Make every report of a plan, then the index and ``run.json``.

    Parameters
    ----------
    path
        The plan; paths in it, and in parameters, are relative to its folder.
    out
        The folder for everything that is written; that of the plan unless said.
    limits, progress
        As for :func:`cxkit.report.run.execute`; ``progress`` also gets the report's name.
    code
        Whether the pages' code is folded, shown or left out.

    Returns
    -------
    list of Report
        In the order of the plan. One that is not whole does not stop the others.

    Raises
    ------
    ParameterError
        If anything in the plan cannot be used; nothing was run then.
    """
    entries = plan.read(path)
    jobs = _jobs(entries, path, out or path.parent, code)
    target = files.folder(out or path.parent)
    began = _now()
    cwd = path.parent.resolve()
    reports = [make(j, out=target, cwd=cwd, limits=limits, progress=progress) for j in jobs]
    index = render.Index(
        title="Reports", context=_summary(reports), rows=tuple(_row(r, target) for r in reports)
    )
    files.write(target / "index.html", render.render_index(index))
    record = _record(reports, plan_name=path.name, began=began, ended=_now())
    files.write(target / "run.json", record)
    return reports


def _jobs(entries: list[plan.Entry], path: Path, out: Path, code: Code) -> list[Job]:
    """Check all entries before any runs, and tell all faults at once."""
    jobs, faults = [], []
    for entry in entries:
        try:
            notebook = path.parent / entry.notebook
            jobs.append(prepare(notebook, entry.parameters, name=entry.name, code=code))
            check_spare(jobs[-1], out)
        except CxkitError as fault:
            faults.append(f"report {entry.name!r}: {fault}")
    if faults:
        raise plan.refusal(path, faults)
    return jobs


def _row(report: Report, out: Path) -> render.Row:
    """Return a report as the index shows it."""
    name = report.job.name
    asked = [
        f"{p.name} = {show(report.job.values[p.name])}"
        for p in report.job.declared
        if report.job.values[p.name] != p.default
    ]
    whole = report.verdict.whole
    older = not whole and (out / f"{name}.html").is_file()
    n = report.answer.get("n")
    return render.Row(
        name=name,
        title=report.title,
        status=report.verdict.status,
        href=f"{name}.html" if whole else "",
        n=markup.number(n, 0) if whole and isinstance(n, int) else None,
        headline=str(report.answer.get("headline", "")) if whole else "",
        number=render.number(report.answer) if whole else "",
        reason="" if whole else report.verdict.told,
        asked=", ".join(asked),
        kept=f"{name}.html" if older else "",
    )


def _summary(reports: list[Report]) -> str:
    """Say how many reports are whole, and of which studies."""
    whole = sum(r.verdict.whole for r in reports)
    noun = "report" if len(reports) == 1 else "reports"
    studies = dict.fromkeys(str(r.said["study"]) for r in reports if r.said.get("study"))
    counted = f"{len(reports)} {noun}, {'all' if whole == len(reports) else whole} whole"
    return " · ".join([*studies, counted])


def _record(reports: list[Report], *, plan_name: str, began: str, ended: str) -> bytes:
    """Return what a page must not hold: times, host, versions, and every verdict."""
    content = {
        "plan": plan_name,
        "began": began,
        "ended": ended,
        "host": platform.node(),
        "platform": platform.platform(),
        "versions": _versions(),
        "whole": all(r.verdict.whole for r in reports),
        "reports": [_entry(r) for r in reports],
    }
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def _entry(report: Report) -> dict[str, Any]:
    """Return one report as run.json tells it."""
    verdict = report.verdict
    return {
        "name": report.job.name,
        "notebook": report.job.notebook.name,
        "notebook_sha256": hashlib.sha256(report.job.notebook.read_bytes()).hexdigest(),
        "parameters": dict(report.job.values),
        "status": verdict.status,
        "reason": verdict.reason,
        "cell": verdict.cell,
        "error": verdict.error,
        "seconds": round(report.seconds, 2),
        "html": report.html.name if report.html else None,
        "html_sha256": report.hashes.get("html"),
        "answer": dict(report.answer),
        "study": report.said.get("study"),
        "as_of": report.said.get("as_of"),
        "sources": report.said.get("sources", []),
    }


def _versions() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    found = {"python": platform.python_version(), "cxkit": cxkit.__version__}
    for package in (
        "pandas",
        "numpy",
        "scipy",
        "statsmodels",
        "seaborn",
        "matplotlib",
        "papermill",
        "nbclient",
        "nbconvert",
        "ipykernel",
    ):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _now() -> str:
    """Return the time in UTC, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")

"""From one notebook to a written report, and from a plan to a folder of them with an index."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import cxkit
from cxkit import markup
from cxkit.errors import CxkitError, ReportError
from cxkit.report import files, page, plan, render
from cxkit.report.parameters import Parameter, Value, parse, read, show
from cxkit.report.run import Executed, Limits, Step, execute
from cxkit.report.verdict import Verdict, provenance

if TYPE_CHECKING:
    from pathlib import Path

Progress = Callable[[str, Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One report to be made: its parameters are typed and complete."""

    name: str
    notebook: Path
    declared: tuple[Parameter, ...]
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a job; ``html`` is None unless the report is whole."""

    job: Job
    verdict: Verdict
    title: str
    answer: Mapping[str, Any]
    said: Mapping[str, Any]
    seconds: float
    html: Path | None = None
    ipynb: Path | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)


def prepare(notebook: Path, given: Mapping[str, object], *, name: str) -> Job:
    """Check everything that can be checked before anything runs.

    Parameters
    ----------
    notebook
        The notebook.
    given
        The parameters asked for; the others keep their defaults.
    name
        The name of the report's files, without ending.

    Returns
    -------
    Job

    Raises
    ------
    ParameterError
        If the notebook, a parameter or the name cannot be used.
    """
    return Job(
        name=files.check_name(name, where=notebook.name),
        notebook=notebook,
        declared=read(notebook),
        values=parse(notebook, given),
    )


def make(
    job: Job,
    *,
    out: Path,
    cwd: Path,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run a job and write its report; a report that is not whole leaves the old one as it is.

    Parameters
    ----------
    job
        From :func:`prepare`.
    out
        The folder for ``NAME.html`` and ``NAME.ipynb``.
    cwd
        The folder that relative paths in the parameters are relative to.
    limits, progress
        As for :func:`cxkit.report.run.execute`.

    Returns
    -------
    Report

    Raises
    ------
    MachineError
        If the kernel cannot be started or the files cannot be written.
    """
    began = time.monotonic()
    told = None if progress is None else lambda step: progress(job.name, step)
    executed = execute(job.notebook, job.values, cwd=cwd, limits=limits, progress=told)
    cells = executed.notebook.cells
    report = Report(
        job=job,
        verdict=executed.verdict,
        title=page.question(cells) or job.name,
        answer=page.answer(cells),
        said=provenance(cells) or {},
        seconds=time.monotonic() - began,
    )
    return _written(report, executed, out=out, began=began) if executed.verdict.whole else report


def _written(report: Report, executed: Executed, *, out: Path, began: float) -> Report:
    """Render a whole run and put both files in place."""
    import nbformat

    job = report.job
    try:
        html = render.render(
            executed.notebook, declared=job.declared, values=job.values, fallback_title=job.name
        )
    except ReportError as error:
        verdict = Verdict(status="failed", reason=str(error), error=type(error).__name__)
        return dataclasses.replace(report, verdict=verdict)
    ipynb = (nbformat.writes(executed.notebook).rstrip("\n") + "\n").encode("utf-8")
    files.write(out / f"{job.name}.ipynb", ipynb)
    files.write(out / f"{job.name}.html", html)
    return dataclasses.replace(
        report,
        html=out / f"{job.name}.html",
        ipynb=out / f"{job.name}.ipynb",
        hashes={"html": hashlib.sha256(html).hexdigest()},
        seconds=time.monotonic() - began,
    )


def run_plan(
    path: Path,
    *,
    out: Path | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
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
    jobs = _jobs(entries, path)
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


def _jobs(entries: list[plan.Entry], path: Path) -> list[Job]:
    """Check all entries before any runs, and tell all faults at once."""
    jobs, faults = [], []
    for entry in entries:
        try:
            notebook = path.parent / entry.notebook
            jobs.append(prepare(notebook, entry.parameters, name=entry.name))
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
    """Say how many reports are whole."""
    whole = sum(r.verdict.whole for r in reports)
    noun = "report" if len(reports) == 1 else "reports"
    return f"{len(reports)} {noun}, {'all' if whole == len(reports) else whole} whole"


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

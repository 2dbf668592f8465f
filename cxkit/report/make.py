"""One notebook becomes one report: checked, run, judged, rendered, put in place."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cxkit.errors import ParameterError, ReportError
from cxkit.report import files, page, render
from cxkit.report.parameters import Parameter, Value, parse, read
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
    ParameterError
        If the executed copy would take the place of the notebook itself.
    MachineError
        If the kernel cannot be started or the files cannot be written.
    """
    check_spare(job, out)
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


def check_spare(job: Job, out: Path) -> None:
    """Refuse to put the executed copy where the notebook itself stands."""
    copy = out / f"{job.name}.ipynb"
    if copy.exists() and copy.samefile(job.notebook):
        raise ParameterError(
            f"{job.notebook.name}: its executed copy would take its place. Give the report another "
            "name, or write it to another folder with --out."
        )


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

"""One notebook becomes one report: checked, run, judged, rendered, put in place."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxkit.errors import CxkitError, MachineError, ParameterError
from cxkit.report import failed, files, inputs, lock, page, render, secrets
from cxkit.report.origin import Origin, fingerprint, origin
from cxkit.report.parameters import Parameter, Value, parse, read
from cxkit.report.run import Executed, Limits, Step, execute
from cxkit.report.verdict import Verdict, provenance

Progress = Callable[[str, Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One report to be made: its parameters are typed and complete."""

    name: str
    notebook: Path
    declared: tuple[Parameter, ...]
    values: Mapping[str, Value]
    code: page.Code = "fold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a job; ``html`` is None unless the report is whole.

    ``fresh`` is False for one that an earlier run made and this one had no reason to make again.
    """

    job: Job
    verdict: Verdict
    title: str
    answer: Mapping[str, Any]
    said: Mapping[str, Any]
    seconds: float
    html: Path | None = None
    ipynb: Path | None = None
    failed: Path | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    fingerprint: str = ""
    ended: str = ""
    fresh: bool = True

    @classmethod
    def failed_for(cls, job: Job, reason: str, *, error: str = "") -> Report:
        """Return the report of a job that never came to a verdict of its own."""
        verdict = Verdict(status="failed", reason=reason, error=error)
        return cls(job=job, verdict=verdict, title=job.name, answer={}, said={}, seconds=0.0)


def prepare(
    notebook: Path, given: Mapping[str, object], *, name: str, code: page.Code = "fold"
) -> Job:
    """Check everything that can be checked before anything runs.

    Parameters
    ----------
    notebook
        The notebook.
    given
        The parameters asked for; the others keep their defaults.
    name
        The name of the report's files, without ending.
    code
        Whether the page's code is folded, shown or left out.

    Returns
    -------
    Job

    Raises
    ------
    ParameterError
        If the notebook, a parameter or the name cannot be used.
    """
    return Job(
        name=files.check_name(name, where=str(notebook)),
        notebook=notebook,
        declared=read(notebook),
        values=parse(notebook, given),
        code=code,
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
        The folder for ``NAME.html`` and ``NAME.ipynb``, or for ``NAME.FAILED.html`` and its log.
    cwd
        The folder that relative paths in the parameters are relative to.
    limits, progress
        As for :func:`cxkit.report.run.execute`.

    Returns
    -------
    Report
        Also for one that failed, for the machine's fault too.

    Raises
    ------
    ParameterError
        If the executed copy would take the place of the notebook itself.
    MachineError
        If another run is making this report, or nothing can be written to the folder.
    """
    check_spare(job, out)
    began = time.monotonic()
    with lock.held(out, job.name):
        files.sweep(out, job.name)
        made_with = origin(job.notebook)
        report, trace = _tried(job, made_with, out=out, cwd=cwd, limits=limits, progress=progress)
        report = dataclasses.replace(
            report,
            seconds=time.monotonic() - began,
            fingerprint=fingerprint(made_with, job.values, report.inputs, shown=job.code),
        )
        if report.verdict.whole:
            files.forget_failure(out, job.name)
            return report
        return _told_failed(report, trace, out=out)


def not_made(job: Job, reason: str, *, out: Path) -> Report:
    """Tell of a report whose own process was lost; the lock of its output went with it."""
    report = Report.failed_for(job, reason)
    with contextlib.suppress(MachineError), lock.held(out, job.name):
        files.sweep(out, job.name)
        return _told_failed(report, "", out=out)
    return report


def _tried(
    job: Job,
    made_with: Origin,
    *,
    out: Path,
    cwd: Path,
    limits: Limits | None,
    progress: Progress | None,
) -> tuple[Report, str]:
    """Run and write a report; return what became of it, and what only its owner may read."""
    told = None if progress is None else lambda step: progress(job.name, step)
    before = inputs.hashed(job.values, cwd)
    report = dataclasses.replace(Report.failed_for(job, ""), inputs=before)
    trace = ""
    try:
        executed = execute(job.notebook, job.values, cwd=cwd, limits=limits, progress=told)
        cells, trace = executed.notebook.cells, executed.trace
        report = dataclasses.replace(
            report,
            verdict=executed.verdict,
            title=page.question(cells) or job.name,
            answer=_plain(page.answer(cells)),
            said=_plain(provenance(cells) or {}),
        )
        if report.verdict.whole:
            report = _judged(report, inputs.hashed(job.values, cwd))
        if report.verdict.whole:
            report = _written(report, executed, out=out, made_with=made_with)
    except CxkitError as error:
        verdict = Verdict(status="failed", reason=str(error), error=type(error).__name__)
        report = dataclasses.replace(report, verdict=verdict)
    return report, trace


def _plain(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a cell said as plain JSON: who gets a report need not import its engine."""
    plain: dict[str, Any] = json.loads(json.dumps(said))
    return plain


def _judged(report: Report, after: Mapping[str, tuple[int, str]]) -> Report:
    """Return the report, failed if a file it was made from changed in the meantime."""
    other = inputs.changed(report.inputs, after, report.said)
    if not other:
        return report
    reason = f"an input changed while the report was made: {', '.join(other)}. Run it again"
    return dataclasses.replace(report, verdict=Verdict(status="failed", reason=reason))


def _told_failed(report: Report, trace: str, *, out: Path) -> Report:
    """Leave the page and the log of a failure, where they can be written at all."""
    job, verdict = report.job, report.verdict
    log_path, path = (out / f"{job.name}{e}" for e in (files.FAILED_LOG, files.FAILED_PAGE))
    logged = False
    with contextlib.suppress(MachineError):
        told = failed.log(verdict, name=job.name, asked=job.declared, trace=trace)
        files.write_all({log_path: told}, private=True)
        logged = True
    content = failed.failure(
        verdict,
        name=job.name,
        question=report.title,
        notebook=job.notebook,
        kept=f"{job.name}.html" if (out / f"{job.name}.html").is_file() else "",
        logged=logged,
    )
    with contextlib.suppress(CxkitError):
        files.write(path, render.render_failed(content))
        return dataclasses.replace(report, failed=path)
    return report


def _contract(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the study.yml of a report: the notebook's own provenance tells of the tables only."""
    for path, (size, digest) in report.inputs.items():
        if report.said.get("sources") and path.endswith((".yml", ".yaml")):
            yield Path(path).name, f"{size:,} bytes, sha256 {digest}"


def check_spare(job: Job, out: Path) -> None:
    """Refuse to put the executed copy where the notebook itself stands."""
    copy = out / f"{job.name}.ipynb"
    if copy.exists() and copy.samefile(job.notebook):
        raise ParameterError(
            f"{job.notebook.name}: its executed copy would take its place. Give the report another "
            "name, or write it to another folder with --out."
        )


def _written(report: Report, executed: Executed, *, out: Path, made_with: Origin) -> Report:
    """Render a whole run and put both files in place."""
    import nbformat

    job = report.job
    html = render.render(
        executed.notebook,
        declared=job.declared,
        values=job.values,
        fallback_title=job.name,
        made_with=(*made_with.rows(), *_contract(report)),
        code=job.code,
    )
    ipynb = (nbformat.writes(executed.notebook).rstrip("\n") + "\n").encode("utf-8")
    html_path, ipynb_path = out / f"{job.name}.html", out / f"{job.name}.ipynb"
    secrets.check({html_path.name: html, ipynb_path.name: ipynb})
    files.write_all({ipynb_path: ipynb, html_path: html})
    return dataclasses.replace(
        report,
        html=html_path,
        ipynb=ipynb_path,
        hashes={"html": hashlib.sha256(html).hexdigest()},
    )

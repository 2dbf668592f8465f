"""A plan becomes a folder of reports, with an index for readers and a record for the firm."""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.errors import CxkitError, MachineError, ParameterError
from cxkit.report import files, inputs, lock, plan, pool, record, render
from cxkit.report.make import Job, Progress, Report, check_spare, prepare
from cxkit.report.origin import fingerprint, origin
from cxkit.report.parameters import read, show

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cxkit.report.page import Code
    from cxkit.report.run import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A plan, checked, and what a run of it would do; nothing has been run or written yet.

    ``jobs`` are all reports of the plan, ``asked`` the places of those that this run is about and
    ``kept`` what earlier runs left; of these ``settled`` need not be made again.
    """

    path: Path
    out: Path
    name: str
    jobs: tuple[Job, ...]
    asked: tuple[int, ...]
    kept: dict[int, Report]
    settled: frozenset[int]


def planned(
    path: Path,
    *,
    out: Path | None = None,
    only: Sequence[str] = (),
    shard: tuple[int, int] = (1, 1),
    resume: bool = False,
    code: Code = "fold",
) -> Batch:
    """Check a plan and say what a run of it would do.

    Parameters
    ----------
    path
        The plan; paths in it, and in parameters, are relative to its folder.
    out
        The folder for everything that is written; that of the plan unless said.
    only
        Names of reports, ``*`` for any letters; every report unless said.
    shard
        Which part of how many: ``(1, 4)`` is every fourth report, beginning with the first.
    resume
        Whether a whole report is left alone if it would come out the same: same notebook,
        parameters, inputs, code and versions, and its file as it was written.
    code
        Whether the pages' code is folded, shown or left out.

    Raises
    ------
    ParameterError
        If anything in the plan cannot be used, or no report is asked for.
    """
    folder = out or path.parent
    jobs = tuple(_jobs(plan.read(path), path, folder, code))
    asked = [i for i, job in enumerate(jobs) if _is_asked(job.name, only)]
    if only and not asked:
        raise ParameterError(
            f"{path.name}: no report is called {' or '.join(only)}; there are: "
            f"{', '.join(job.name for job in jobs)}."
        )
    part, parts = shard
    told = record.earlier(folder) if folder.is_dir() else {}
    kept = {
        i: report
        for i, job in enumerate(jobs)
        if (report := record.remembered(job, told.get(job.name), folder)) is not None
    }
    mine = asked[part - 1 :: parts]
    cwd = path.parent.resolve()
    settled = frozenset(i for i in mine if resume and i in kept and _is_same(kept[i], cwd))
    name = "" if parts == 1 else f"-{part}-of-{parts}"
    return Batch(
        path=path,
        out=folder,
        name=name,
        jobs=jobs,
        asked=tuple(mine),
        kept=kept,
        settled=settled,
    )


def run_batch(
    batch: Batch,
    *,
    workers: int | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
    done: Callable[[Report], None] | None = None,
) -> list[Report]:
    """Make the reports that a batch asks for, then the index and ``run.json``.

    Parameters
    ----------
    batch
        From :func:`planned`.
    workers
        How many reports at a time; as many as there are processors unless said.
    limits, progress
        As for :func:`cxkit.report.run.execute`; ``progress`` also gets the report's name.
    done
        Called with each report as it ends.

    Returns
    -------
    list of Report
        Those asked for, in the order of the plan. One that is not whole does not stop the others.

    Raises
    ------
    MachineError
        If another run is writing to the folder, or nothing can be written there.
    """
    out = files.folder(batch.out)
    results = {i: batch.kept[i] for i in batch.settled}
    left = [i for i in batch.asked if i not in batch.settled]
    at_once = max(1, min(workers or pool.processors(), len(left)))
    with lock.held(out, f"run{batch.name}"):
        for name in (f"run{batch.name}", f"index{batch.name}"):
            files.sweep(out, name)
        written = _Written(batch, results, workers=at_once)
        for i in sorted(results):
            if done is not None:
                done(results[i])

        def take(place: int, report: Report) -> None:
            results[left[place]] = dataclasses.replace(report, ended=record.now())
            if done is not None:
                done(report)
            written.now_and_then()

        try:
            pool.make_all(
                [batch.jobs[i] for i in left],
                workers=at_once,
                out=out,
                cwd=batch.path.parent.resolve(),
                limits=limits,
                progress=progress,
                done=take,
            )
        except BaseException:
            with contextlib.suppress(MachineError):
                written.once(interrupted=True)
            raise
        written.once(interrupted=False)
        shown = written.reports()
        index = render.Index(
            title="Reports", context=_summary(shown), rows=tuple(_row(r, shown, out) for r in shown)
        )
        files.write(out / f"index{batch.name}.html", render.render_index(index))
    return [results[i] for i in batch.asked]


class _Written:
    """The record of a run, kept up while it goes on: a killed run can be taken up again."""

    def __init__(self, batch: Batch, results: dict[int, Report], *, workers: int) -> None:
        self.batch, self.results, self.workers = batch, results, workers
        self.began, self.last = record.now(), time.monotonic()
        self.plan_sha256 = hashlib.sha256(batch.path.read_bytes()).hexdigest()

    def reports(self) -> list[Report]:
        """Return what there is to tell of each report of the plan, made now or earlier."""
        both = {**self.batch.kept, **self.results}
        return [both[i] for i in sorted(both)]

    def now_and_then(self) -> None:
        """Write, but not more often than once a second; the other reports are not stopped by it."""
        if time.monotonic() - self.last > 1:
            with contextlib.suppress(MachineError):
                self.once(interrupted=True)

    def once(self, *, interrupted: bool) -> None:
        """Write the record as it now is; until the end it says that the run did not end."""
        run = record.Run(
            plan=self.batch.path.name,
            plan_sha256=self.plan_sha256,
            began=self.began,
            ended=record.now(),
            jobs=self.workers,
            interrupted=interrupted,
            reports=self.reports(),
        )
        files.write(self.batch.out / f"run{self.batch.name}.json", run.as_bytes())
        self.last = time.monotonic()


def _is_asked(name: str, only: Sequence[str]) -> bool:
    """Whether a name is among those asked for."""
    return not only or any(fnmatch.fnmatchcase(name, pattern) for pattern in only)


def _is_same(report: Report, cwd: Path) -> bool:
    """Whether a whole report would come out the same."""
    job = report.job
    read_now = inputs.hashed(job.values, cwd)
    now = fingerprint(origin(job.notebook), job.values, read_now, shown=job.code)
    return report.verdict.whole and bool(report.fingerprint) and report.fingerprint == now


def _jobs(entries: list[plan.Entry], path: Path, out: Path, code: Code) -> list[Job]:
    """Check all entries before any runs, and tell all faults at once."""
    jobs, faults = [], []
    for entry in entries:
        try:
            notebook = path.parent / entry.notebook
            known = {p.name for p in read(notebook)} if entry.labels else set()
            labels = {name: value for name, value in entry.labels.items() if name in known}
            jobs.append(
                prepare(notebook, {**entry.parameters, **labels}, name=entry.name, code=code)
            )
            check_spare(jobs[-1], out)
        except CxkitError as fault:
            faults.append(f"report {entry.name!r}: {fault}")
    if faults:
        raise plan.refusal(path, faults)
    return jobs


def _row(report: Report, reports: list[Report], out: Path) -> render.Row:
    """Return a report as the index shows it; parameters all its likes share stand apart."""
    name, values = report.job.name, report.job.values
    like = [r.job.values for r in reports if r.job.notebook == report.job.notebook]
    asked: dict[bool, list[str]] = {False: [], True: []}
    for p in report.job.declared:
        if values[p.name] != p.default:
            shared = len(like) > 1 and all(v[p.name] == values[p.name] for v in like)
            asked[shared].append(f"{p.name} = {show(values[p.name])}")
    why = report.verdict.public
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
        reason="" if whole else f"{why[:1].upper()}{why[1:].removesuffix('.')}.",
        asked=", ".join(asked[False]),
        shared=", ".join(asked[True]),
        kept=f"{name}.html" if older else "",
        failed=report.failed.name if report.failed else "",
        answer=report.answer if whole else {},
    )


def _summary(reports: list[Report]) -> str:
    """Say how many reports are whole, and of which studies."""
    whole = sum(r.verdict.whole for r in reports)
    noun = "report" if len(reports) == 1 else "reports"
    studies = dict.fromkeys(str(r.said["study"]) for r in reports if r.said.get("study"))
    counted = f"{len(reports)} {noun}, {'all' if whole == len(reports) else whole} whole"
    return " · ".join([*studies, counted])

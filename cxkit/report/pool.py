"""Several reports at a time: each worker is a process, so that one that dies takes no other."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from cxkit.errors import CxkitError
from cxkit.report.make import Job, Report, make, not_made
from cxkit.report.run import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from cxkit.report.make import Progress

#: Seconds beyond its limits after which a worker that says nothing is ended; and to end in.
_PATIENCE, _LEAVE = 60, 8


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def make_all(
    jobs: Sequence[Job],
    *,
    workers: int,
    out: Path,
    limits: Limits | None = None,
    done: Callable[[int, Report], None],
    progress: Progress | None = None,
    **choices: Any,
) -> None:
    """Make reports in worker processes.

    Parameters
    ----------
    jobs
        What is to be made, in the order in which it is begun.
    workers
        How many at a time.
    done
        Called in this process with the place of a job and its report, in the order they end.
    out, limits, progress, choices
        As for :func:`cxkit.report.make.make`; ``progress`` is called in this process.
    """
    limits = limits or Limits()
    waiting = deque(enumerate(jobs))
    crew: list[_Worker] = []
    try:
        while waiting or crew:
            while waiting and len(crew) < workers:
                crew.append(_Worker({**choices, "out": out, "limits": limits}))
                crew[-1].give(*waiting.popleft())
            wait([worker.line for worker in crew], timeout=1)
            for worker in list(crew):
                report = worker.heard(progress, limits)
                if report is None:
                    continue
                if worker.lost:
                    worker.end()
                    crew.remove(worker)
                    report = not_made(report.job, report.verdict.reason, out=out)
                elif waiting:
                    place = worker.place
                    worker.give(*waiting.popleft())
                    done(place, report)
                    continue
                else:
                    worker.dismiss()
                    crew.remove(worker)
                done(worker.place, report)
    finally:
        for worker in crew:
            worker.end(wait_for_it=False)
        until = time.monotonic() + _LEAVE
        for worker in crew:
            worker.gone(until)


class _Worker:
    """One process, the line to it, and the job that it has."""

    def __init__(self, choices: dict[str, Any]) -> None:
        # Begun anew, never forked: what this process has open is none of a worker's business.
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, choices), daemon=True)
        self.process.start()
        theirs.close()
        self.place, self.began, self.lost = 0, 0.0, False
        self.job: Job | None = None

    def give(self, place: int, job: Job) -> None:
        """Give it a job."""
        self.place, self.job, self.began = place, job, time.monotonic()
        with contextlib.suppress(OSError):  # it is dead: heard() will say so
            self.line.send((place, job))

    def heard(self, progress: Progress | None, limits: Limits) -> Report | None:
        """Return the report if it is done, or one that failed if the worker is lost."""
        job = self.job
        if job is None:
            return None
        try:
            while self.line.poll():
                said = self.line.recv()
                if isinstance(said, Report):
                    return said
                if progress is not None:
                    progress(*said)
        except (EOFError, OSError):
            self.lost = True
            self.process.join(_LEAVE)
            reason = f"the process that made it ended ({_end_of(self.process.exitcode)})"
            return Report.failed_for(job, reason)
        if time.monotonic() - self.began > limits.start + limits.report + _PATIENCE:
            self.lost = True
            return Report.failed_for(job, f"it took longer than {limits.report} s")
        return None

    def dismiss(self) -> None:
        """Let it go: it has nothing left to do."""
        with contextlib.suppress(OSError):
            self.line.send(None)
        self.line.close()
        self.process.join(_LEAVE)

    def end(self, *, wait_for_it: bool = True) -> None:
        """Ask it to stop its kernel, remove its private folder, and leave."""
        self.process.terminate()
        if wait_for_it:
            self.gone(time.monotonic() + _LEAVE)

    def gone(self, until: float) -> None:
        """See that it has left, by force if need be."""
        self.process.join(max(until - time.monotonic(), 0.1))
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.line.close()


def _work(line: Connection, choices: dict[str, Any]) -> None:
    """Make reports until there are no more; this is what a worker runs."""
    for name in ("SIGINT", "SIGHUP"):  # they reach everyone at a terminal; one of us decides
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def progress(name: str, step: Any) -> None:
        try:
            line.send((name, step))
        except OSError:
            sys.exit(1)  # nobody is listening any more

    while True:
        try:
            given = line.recv()
        except EOFError:
            return
        if given is None:
            return
        _, job = given
        try:
            report = make(job, progress=progress, **choices)
        except CxkitError as error:
            report = Report.failed_for(job, str(error), error=type(error).__name__)
        except Exception as error:  # one bad report does not stop the others
            report = Report.failed_for(
                job, f"an unexpected {type(error).__name__}: a fault of the kit"
            )
        line.send(report)


def _end_of(code: int | None) -> str:
    """Say how a process ended."""
    if code is not None and code < 0:
        return f"signal {-code}; perhaps the machine ran out of memory"
    return f"exit code {code}"

"""How far a run has come: moving lines in a terminal, plain lines in a log."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

from cxkit.report.secrets import masked

if TYPE_CHECKING:
    from types import TracebackType

    from cxkit.report.make import Report
    from cxkit.report.run import Step


class Shown:
    """Show progress on a stream; used as a context, called with a report's name and step.

    Parameters
    ----------
    stream
        Where to; the error stream unless said.
    reports
        How many reports there will be; of several, a log tells each once, when it has ended.
    """

    def __init__(self, stream: TextIO | None = None, *, reports: int = 1) -> None:
        self._stream = stream or sys.stderr
        self._reports, self._ended = reports, 0
        self._bar: Any = None
        self._last = ("", "")
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Shown:
        """Begin; a bar only where someone may be watching it."""
        if self._stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[part]}", markup=False),
                console=Console(file=self._stream),
                transient=True,
                redirect_stdout=False,
            )
            self._bar.start()
            if self._reports > 1:
                self._tasks[""] = self._bar.add_task("reports", total=self._reports, part="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End; the bar leaves nothing behind."""
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, name: str, step: Step) -> None:
        """Show that a cell of a report begins."""
        if self._bar is None:
            if self._reports == 1 and self._last != (name, step.title):
                part = f" {step.title}" if step.title else ""
                self._line(f"{name}: cell {step.index} of {step.count}{part}")
            self._last = (name, step.title)
            return
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name, total=step.count, part="")
        self._bar.update(self._tasks[name], completed=step.index, part=step.title)

    def ended(self, report: Report) -> None:
        """Show that a report of several has ended, well or not."""
        self._ended += 1
        name, verdict = report.job.name, report.verdict
        fresh = f"{verdict.status}, {report.seconds:.1f} s" if report.fresh else "whole already"
        if self._bar is None:
            if self._reports > 1:
                self._line(f"[{self._ended}/{self._reports}] {name}: {fresh}")
            return
        if name in self._tasks:
            self._bar.remove_task(self._tasks.pop(name))
        if "" in self._tasks:
            self._bar.update(self._tasks[""], completed=self._ended)
        if not verdict.whole:
            self._bar.console.print(f"{name}: {verdict.status}", markup=False, highlight=False)

    def _line(self, text: str) -> None:
        """Print a line at once: a log is read while it is written."""
        print(text, file=self._stream, flush=True)


def safe(stream: TextIO) -> TextIO:
    """Return a stream that tells no secret, and goes silent where it cannot be written to.

    Whoever read it has left, or the disk that a log stands on is full; a report is made for its
    file, and its exit code tells how it ended. Letters that a log does not know are escaped.
    """
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
    return cast("TextIO", _Safe(stream))


class _Safe:
    """A stream as :func:`safe` returns it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, if that can be done, with the name of a secret where its value stood."""
        told = masked(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
        try:
            self._stream.write(told)
            self._stream.flush()
        except OSError:
            self._silence()
        return len(text)

    def flush(self) -> None:
        """Do nothing: what was written is out already."""

    def _silence(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

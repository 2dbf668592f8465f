"""How far a run has come: a moving line in a terminal, a plain line for each part in a log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from types import TracebackType

    from cxkit.report.run import Step


class Shown:
    """Show progress on a stream; used as a context, and called with a report's name and step."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bar: Any = None
        self._last = ("", "")
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Shown:
        """Begin; a bar only where someone may be watching it."""
        if self._stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[part]}", markup=False),
                console=Console(file=self._stream),
                transient=True,
            )
            self._bar.start()
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
            if self._last != (name, step.title):
                part = f" {step.title}" if step.title else ""
                print(
                    f"{name}: cell {step.index} of {step.count}{part}",
                    file=self._stream,
                    flush=True,
                )
            self._last = (name, step.title)
            return
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name, total=step.count, part="")
        self._bar.update(self._tasks[name], completed=step.index, part=step.title)

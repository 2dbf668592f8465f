"""What is being worked out, said to whoever waits for it, and taken away when it is done."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say what is being worked out, for as long as it takes.

    Parameters
    ----------
    what : str
        What it is, to be read after "Working out".

    Notes
    -----
    In JupyterLab it stands under the cell until it is done; in a terminal on the last line; in a
    log it is a line. A notebook that nobody can be asked in, as papermill runs it, is told nothing:
    its report is the same whether a step was slow or not.
    """
    words = f"Working out {what} …"
    take_away = _under_the_cell(words) if _kernel() is not None else _on_the_error_stream(words)
    try:
        yield
    finally:
        take_away()


def _kernel() -> Any:
    """Return the kernel that this runs in; None in plain Python and in IPython's terminal."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None)


def _under_the_cell(words: str) -> Callable[[], object]:
    """Show the words below the cell that runs, if someone sits before it."""
    from IPython.display import display

    asked = _kernel().get_parent("shell").get("content", {})
    if not asked.get("allow_stdin", False):
        return lambda: None
    handle = display({"text/plain": words}, raw=True, display_id=True)
    return lambda: handle.update({"text/plain": ""}, raw=True)


def _on_the_error_stream(words: str) -> Callable[[], object]:
    """Write the words where they can be wiped out again; elsewhere as a line."""
    stream = sys.stderr
    if not stream.isatty():
        print(words, file=stream, flush=True)
        return lambda: None
    print(words, end="", file=stream, flush=True)
    return lambda: print("\r\x1b[K", end="", file=stream, flush=True)

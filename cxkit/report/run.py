"""The only door to the engine: papermill runs a notebook in a private folder, under time limits."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cxkit
from cxkit.errors import MachineError
from cxkit.report.verdict import Verdict, judge, title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cxkit.report.parameters import Value

#: Longest path that a Unix socket may have, less the name of the socket itself.
_SOCKET_PATH = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a run may take, in seconds: to start its kernel, and for any one cell."""

    start: int = 60
    cell: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a run has come: cell ``index`` of ``count`` begins, under the heading ``title``."""

    index: int
    count: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A run that ended, well or not: its notebook as far as it came, and the verdict."""

    notebook: Any
    parameters: Mapping[str, Value]
    verdict: Verdict


def execute(
    notebook: Path,
    parameters: Mapping[str, Value],
    *,
    cwd: Path,
    limits: Limits | None = None,
    progress: Callable[[Step], None] | None = None,
) -> Executed:
    """Run a notebook through papermill and judge what came of it.

    Parameters
    ----------
    notebook
        The notebook; it is read once and never written to.
    parameters
        Every parameter with its typed value, from :func:`cxkit.report.parameters.parse`.
    cwd
        The folder that relative paths in the parameters are relative to.
    limits
        Time limits; 60 s to start and 600 s a cell unless said.
    progress
        Called as each cell begins.

    Returns
    -------
    Executed
        Also for a run that failed; only what is wrong with the machine is raised.

    Raises
    ------
    MachineError
        If the kernel cannot be started.
    """
    limits = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="cxkit-", ignore_cleanup_errors=True) as private:
        watch = _Watch(progress)
        own = Path(private) / "notebook.ipynb"
        own.write_bytes(notebook.read_bytes())
        stopped = ""
        with _quiet():
            try:
                _papermill(own, parameters, cwd=cwd, limits=limits, watch=watch)
            except Exception as error:  # whatever it is, the verdict is ours
                stopped = _why(error, limits, watch)
        if watch.notebook is None:
            raise MachineError(
                f"{notebook.name}: the Python kernel could not be started; {stopped}.\n"
                f"  Try:  {Path(sys.executable).name} -m ipykernel_launcher --version"
            )
        verdict = judge(watch.notebook.cells, parameters, stopped=stopped)
        return Executed(
            notebook=settled(watch.notebook), parameters=dict(parameters), verdict=verdict
        )


def settled(notebook: Any) -> Any:
    """Return a copy without clocks, random ids, papermill's marks and paths of this machine."""
    copied = copy.deepcopy(notebook)
    marked = "papermill-error-cell-tag"
    copied.cells = [c for c in copied.cells if marked not in c.metadata.get("tags", [])]
    for i, cell in enumerate(copied.cells, start=1):
        cell["id"] = f"cell-{i:03d}"
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    ran_with = copied.metadata.get("papermill", {}).get("parameters", {})
    copied.metadata["papermill"] = {"parameters": dict(ran_with)}
    copied.nbformat, copied.nbformat_minor = 4, 5
    return copied


class _Watch:
    """Keep hold of the notebook while it runs: papermill gives back none that did not end well."""

    def __init__(self, progress: Callable[[Step], None] | None) -> None:
        self.notebook: Any = None
        self.progress = progress

    def started(self, notebook: Any) -> None:
        """Note the notebook when its kernel is ready."""
        self.notebook = notebook

    def cell_started(self, cell: Any, cell_index: int) -> None:
        """Tell how far the run has come."""
        if self.progress is not None:
            cells = self.notebook.cells
            self.progress(
                Step(index=cell_index + 1, count=len(cells), title=title(cells, cell_index))
            )


def _papermill(
    notebook: Path,
    parameters: Mapping[str, Value],
    *,
    cwd: Path,
    limits: Limits,
    watch: _Watch,
) -> None:
    """Call papermill, tuned: no saving between cells, no grammar it never uses, a swift end."""
    # jsonschema would compile a grammar for international addresses, which costs a second at
    # every start and which no notebook's schema uses; told that it is missing, it goes without.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    import papermill

    papermill.execute_notebook(
        str(notebook).replace("{", "{{").replace("}", "}}"),
        None,
        parameters=dict(parameters),
        kernel_name="python3",
        language="python",
        progress_bar=False,
        request_save_on_cell_execute=False,
        start_timeout=limits.start,
        execution_timeout=limits.cell,
        cwd=str(cwd),
        kernel_manager_class=_kernel_manager(notebook.parent),
        shutdown_kernel="immediate",
        record_timing=False,
        on_notebook_start=watch.started,
        on_cell_start=watch.cell_started,
    )


def _kernel_manager(private: Path) -> type:
    """Return a manager whose kernel is this very Python, reached through the private folder."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    spec = KernelSpec(
        argv=[
            sys.executable,
            "-Xfrozen_modules=off",
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
        ],
        display_name="Python 3",
        language="python",
        env=_environment(private),
    )
    settings = {"connection_file": str(private / "kernel.json")}
    socket = str(private / "kernel")
    if sys.platform != "win32" and len(socket) < _SOCKET_PATH:
        settings |= {"transport": "ipc", "ip": socket}

    class PrivateKernel(AsyncKernelManager):
        """A kernel that no other user of the machine can reach, and whose chatter stays unheard."""

        def __init__(self, **choices: Any) -> None:
            super().__init__(**{**choices, **settings})

        @property
        def kernel_spec(self) -> KernelSpec:
            """The kernel of this Python, whatever is installed elsewhere under the same name."""
            return spec

        async def start_kernel(  # type: ignore[override]
            self, **choices: Any
        ) -> None:
            """Start it; what C code prints may hold data and belongs in no log."""
            nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            await super().start_kernel(**{**choices, **nowhere})

    return PrivateKernel


def _environment(private: Path) -> dict[str, str]:
    """Return what makes a run repeat itself: text, clock, order, threads, no profile."""
    settings = {
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "IPYTHONDIR": str(private / "ipython"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    kit = Path(cxkit.__file__).parents[1]
    if kit.name not in {"site-packages", "dist-packages"}:  # run from a checkout
        before = os.environ.get("PYTHONPATH", "")
        settings["PYTHONPATH"] = os.pathsep.join(filter(None, [str(kit), before]))
    return settings


def _why(error: Exception, limits: Limits, watch: _Watch) -> str:
    """Say why the engine gave up, without any text that could hold a value of the data."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    if watch.notebook is None:
        return f"it did not answer within {limits.start} s ({type(error).__name__})"
    if isinstance(error, CellTimeoutError):
        return f"a cell ran longer than {limits.cell} s and was stopped"
    if isinstance(error, DeadKernelError):
        return "the kernel died; perhaps the machine ran out of memory"
    return f"the run stopped ({type(error).__name__})"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the engine's own chatter out of the terminal; what matters is in the verdict."""
    log = logging.getLogger("papermill")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)

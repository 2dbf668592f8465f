"""The only door to the engine: papermill runs a notebook in a private folder, under time limits."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import re
import signal
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cxkit
from cxkit.errors import MachineError, ParameterError
from cxkit.report.lean import lean
from cxkit.report.lock import SOCKET_PATH, private_folder
from cxkit.report.verdict import Verdict, judge, title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cxkit.report.parameters import Value

#: How much of what the kernel itself wrote is kept for the log of a failure, in bytes.
_KERNEL_WORDS = 20_000
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may take: seconds to start its kernel, for any one cell, for all of them; MB."""

    start: int = 60
    cell: int = 600
    report: int = 3600
    output: int = 20

    @classmethod
    def of(cls, given: Mapping[str, object], *, where: str) -> Limits:
        """Return the limits with those that are given in the place of the usual ones."""
        names = list(cls.__slots__)
        values: dict[str, int] = {}
        for name, value in given.items():
            text = str(value)
            if name not in names or not re.fullmatch(r"[1-9][0-9]{0,7}", text):
                raise ParameterError(
                    f"{where}: {name}={text} is no limit. The limits are {', '.join(names)}: whole "
                    "numbers above 0,\n  in seconds, and for output in MB; for example  cell=1800 ."
                )
            values[name] = int(text)
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a run has come: cell ``index`` of ``count`` begins, under the heading ``title``."""

    index: int
    count: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A run that ended, well or not: its notebook as far as it came, and the verdict.

    ``trace`` is for the private log of a failure only: it may hold values of the data.
    """

    notebook: Any
    parameters: Mapping[str, Value]
    verdict: Verdict
    trace: str = ""


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
        60 s to start, 600 s a cell, 3,600 s in all and 20 MB of output unless said.
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
    with private_folder() as private:
        watch = _Watch(progress, limits)
        own = private / "notebook.ipynb"
        own.write_bytes(notebook.read_bytes())
        stopped = raised = ""
        with _quiet():
            try:
                _papermill(own, parameters, cwd=cwd, limits=limits, watch=watch)
            except Exception as error:  # whatever it is, the verdict is ours
                stopped, raised = _why(error, limits, watch), f"{type(error).__name__}: {error}"
            finally:
                watch.end_kernel()
        if watch.notebook is None or not watch.answered:
            raise MachineError(
                f"{notebook.name}: the Python kernel could not be started; {stopped}.\n"
                f"  Try:  {Path(sys.executable).name} -m ipykernel_launcher --version"
            )
        verdict = judge(watch.notebook.cells, parameters, stopped=stopped)
        ran = settled(watch.notebook)
        told = "" if verdict.whole else _trace(ran.cells, raised, private)
        return Executed(
            notebook=ran,
            parameters=dict(parameters),
            verdict=verdict,
            trace=told,
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
    """Keep hold of the notebook and the kernel while they run, and of what they have used up."""

    def __init__(self, progress: Callable[[Step], None] | None, limits: Limits) -> None:
        self.notebook: Any = None
        self.answered = False
        self.progress = progress
        self.limits = limits
        self.ends = time.monotonic() + limits.start + limits.report
        self.written = 0
        self.process: Any = None

    def started(self, notebook: Any) -> None:
        """Note the notebook: papermill gives back none that did not end well."""
        self.notebook = notebook

    def cell_started(self, cell: Any, cell_index: int) -> None:
        """Tell how far the run has come; the first cell says that the kernel answers."""
        if not self.answered:
            self.answered, self.ends = True, time.monotonic() + self.limits.report
        if self.progress is not None:
            cells = self.notebook.cells
            self.progress(
                Step(index=cell_index + 1, count=len(cells), title=title(cells, cell_index))
            )

    def seconds(self, cell: Any) -> float:
        """Return how long this cell may take: no longer than what the report has left."""
        return max(min(self.limits.cell, self.ends - time.monotonic()), 0.1)

    def heard(self, message: Any) -> bool:
        """Count what the kernel sends; past the limit it is ended, and nothing more is kept."""
        self.written += sum(len(str(v)) for v in message["content"].values())
        if self.written > self.limits.output * 1_000_000:
            self.end_kernel()
            return False
        return True

    def end_kernel(self) -> None:
        """End the kernel and all that it started, whatever became of it."""
        if self.process is None:
            return
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self.process.kill()
            else:  # the kernel leads a group of its own
                os.killpg(self.process.pid, signal.SIGKILL)


def _papermill(
    notebook: Path,
    parameters: Mapping[str, Value],
    *,
    cwd: Path,
    limits: Limits,
    watch: _Watch,
) -> None:
    """Call papermill, tuned: no saving between cells, no imports it never uses, a swift end."""
    with lean():
        import papermill
        from papermill.engines import papermill_engines

    papermill_engines.register("cxkit", _engine(watch))
    papermill.execute_notebook(
        str(notebook).replace("{", "{{").replace("}", "}}"),
        None,
        parameters=dict(parameters),
        engine_name="cxkit",
        kernel_name="python3",
        language="python",
        progress_bar=False,
        request_save_on_cell_execute=False,
        start_timeout=limits.start,
        execution_timeout=limits.cell,
        timeout_func=watch.seconds,
        cwd=str(cwd),
        kernel_manager_class=_kernel_manager(notebook.parent, watch),
        shutdown_kernel="immediate",
        record_timing=False,
        on_notebook_start=watch.started,
        on_cell_start=watch.cell_started,
    )


def _engine(watch: _Watch) -> type:
    """Return papermill's own engine, whose client counts what the kernel sends."""
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine

    class Client(PapermillNotebookClient):
        """The client of papermill, with an end to its patience."""

        def process_message(self, *given: Any, **named: Any) -> Any:
            """Take a message unless there have been too many."""
            message = given[0] if given else named["msg"]
            is_status = message["msg_type"] == "status"  # which says when a cell has ended
            return (
                super().process_message(*given, **named)
                if is_status or watch.heard(message)
                else None
            )

    class Engine(NBClientEngine):
        """The engine of papermill, with that client."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **given: Any) -> Any:
            """Run the cells."""
            unused = ("input_path", "log_output", "stdout_file", "stderr_file")
            choices = {k: v for k, v in given.items() if k not in unused}
            choices["startup_timeout"] = choices.pop("start_timeout")
            choices["timeout"] = choices.pop("execution_timeout")
            return Client(
                nb_man, kernel_name=kernel_name, log=logging.getLogger("papermill"), **choices
            ).execute()

    return Engine


def _kernel_manager(private: Path, watch: _Watch) -> type:
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
            "--HistoryManager.enabled=False",
        ],
        display_name="Python 3",
        language="python",
        env=_environment(private),
    )
    settings = {"connection_file": str(private / "kernel.json")}
    socket = str(private / "kernel")
    if sys.platform != "win32" and len(os.fsencode(socket)) < SOCKET_PATH:
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
            """Start it; what C code prints may hold data and belongs in the private folder."""
            with (private / "kernel.log").open("ab") as words:
                await super().start_kernel(**{**choices, "stdout": words, "stderr": words})
            watch.process = self.provisioner.process  # type: ignore[union-attr]

    return PrivateKernel


def _environment(private: Path) -> dict[str, str]:
    """Return what makes a run repeat itself: text, clock, order, threads, nobody's profile."""
    settings = {
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONSTARTUP": "",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": "0",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "IPYTHONDIR": str(private / "ipython"),
        "MPLCONFIGDIR": str(_font_cache(private)),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    kit = Path(cxkit.__file__).parents[1]
    if kit.name not in {"site-packages", "dist-packages"}:  # run from a checkout
        before = os.environ.get("PYTHONPATH", "")
        settings["PYTHONPATH"] = os.pathsep.join(filter(None, [str(kit), before]))
    return settings


def _font_cache(private: Path) -> Path:
    """Return a folder for matplotlib's list of fonts, which takes a second to make.

    It is the kit's own, so that nobody's settings change a figure; where no home can be written to,
    it is made for this run.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118 - pathlib raises without a home
    kept = Path(home) / "cxkit" / "matplotlib"
    try:
        kept.mkdir(parents=True, exist_ok=True)
    except OSError:
        return private / "matplotlib"
    return kept if os.access(kept, os.W_OK) else private / "matplotlib"


def _why(error: Exception, limits: Limits, watch: _Watch) -> str:
    """Say why the engine gave up, without any text that could hold a value of the data."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    if watch.written > limits.output * 1_000_000:
        return f"the cells wrote more than {limits.output} MB, and the run was stopped"
    if not watch.answered:
        return f"it did not answer within {limits.start} s ({type(error).__name__})"
    if isinstance(error, CellTimeoutError):
        if watch.ends - time.monotonic() <= 0:
            return f"the report took longer than {limits.report} s and was stopped"
        return f"a cell ran longer than {limits.cell} s and was stopped"
    if isinstance(error, DeadKernelError):
        return "the kernel died; perhaps the machine ran out of memory"
    return f"the run stopped ({type(error).__name__})"


def _trace(cells: Any, raised: str, private: Path) -> str:
    """Return everything that helps to find a fault, values of the data among it."""
    told: list[str] = []
    for number, cell in enumerate(cells, start=1):
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                told.append(f"Cell {number}:\n{cell['source']}\n")
                told.append(_ANSI.sub("", "\n".join(output["traceback"])))
            elif output["output_type"] == "stream" and output["name"] == "stderr":
                told.append(f"Cell {number} wrote:\n{output['text'][-_KERNEL_WORDS:]}")
    if raised and not told:
        told.append(raised)
    with contextlib.suppress(OSError):
        words = (private / "kernel.log").read_bytes()[-_KERNEL_WORDS:].decode("utf-8", "replace")
        told += [f"The kernel wrote:\n{words}"] if words.strip() else []
    return "\n".join(told)


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

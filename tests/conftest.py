"""What every test process says before it imports anything large."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxkit.report.make import Report

ROOT = Path(__file__).parents[1]

# One thread for linear algebra, as in a report's kernel: on tables as small as these a pool of
# threads only spins, and what it burns is the other worker's time. Who sets a number keeps it.
for pool in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(pool, "1")

# A grammar that nbformat would compile at its import; the kit goes without (report/lean.py).
sys.modules.setdefault("rfc3987_syntax", None)

# The same examples in every run, and no test that fails because the machine is busy.
settings.register_profile("cxkit", derandomize=True, deadline=None)
settings.load_profile("cxkit")


def pytest_unconfigure() -> None:
    """Leave nothing on the disk that tests of this process shared."""
    from tests import folders

    folders.remove()


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the reports, made once by the command that `make report` runs.

    Full depth takes its time, so the processes of one test run share the folder.
    """
    place = shared(tmp_path_factory)
    folder = place / "reports"
    with waited_for(place, "reports"):
        if not (folder / "index.html").is_file():  # the last file of a run
            command = [sys.executable, "-m", "cxkit.cli", "batch", "reports/plan.yml"]
            command += ["--out", str(folder)]
            run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
            assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    return folder


@pytest.fixture(scope="session")
def hostile_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of the notebook in which everything is hostile; made once, too."""
    from tests.report import hostile

    place = shared(tmp_path_factory)
    made = place / "hostile.pickle"
    with waited_for(place, "hostile"):
        if not made.is_file():
            (place / "hostile").mkdir()
            made.write_bytes(pickle.dumps(hostile.build(place / "hostile")))
    report: Report = pickle.loads(made.read_bytes())  # noqa: S301 - just written
    return report


def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the processes of one test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextlib.contextmanager
def waited_for(place: Path, name: str) -> Iterator[None]:
    """Hold a lock, waiting until the process that has it is done."""
    from cxkit.errors import MachineError
    from cxkit.report import lock

    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(lock.held(place, name))
                break
            except MachineError:
                time.sleep(0.5)
        yield

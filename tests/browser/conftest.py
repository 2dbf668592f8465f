"""A Chromium for the tests of pages; without one they skip, saying so, or fail where CI=true."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from cxkit.errors import MachineError
from cxkit.report import lock

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the installed Chromium: playwright's own download is never used."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = f"no Chromium on the PATH (looked for {', '.join(NAMES)})"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}: install it, so that the pages are looked at in CI")
        pytest.skip(reason)
    return path


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for a module; its event loop must be gone before other tests start kernels."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium, headless=True, args=list(QUIET)
        )
        yield running
        running.close()


@pytest.fixture(scope="session")
def reports(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the reports, made once by the command that `make report` runs.

    Full depth takes its time, so the processes of one test run share the folder.
    """
    base = tmp_path_factory.getbasetemp()
    place = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = place / "reports"
    with waited_for(place, "reports"):
        if not (folder / "index.html").is_file():  # the last file of a run
            command = [sys.executable, "-m", "cxkit.cli", "batch", "reports/plan.yml"]
            command += ["--out", str(folder)]
            run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
            assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    return folder


@contextlib.contextmanager
def waited_for(place: Path, name: str) -> Iterator[None]:
    """Hold a lock, waiting until the process that has it is done."""
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(lock.held(place, name))
                break
            except MachineError:
                time.sleep(0.5)
        yield

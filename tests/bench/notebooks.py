"""CPU seconds of each notebook on the sample: its kernel alone, and the whole `cxkit report`.

Run by `make bench`. These machines are noisy: CPU seconds, the median of three runs.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNS = 3


def cpu(command: list[str]) -> float:
    """Return the user and system seconds of a command and all its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Print one line per notebook."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as out:
        empty = [sys.executable, "-m", "cxkit.cli", "report", "tests/notebooks/tiny.ipynb"]
        base = statistics.median(cpu([*empty, "--out", out]) for _ in range(RUNS))
        print(f"{'tiny notebook, whole report':44} {base:5.1f} s")  # noqa: T201
        for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
            command = [sys.executable, "-m", "cxkit.cli", "report", str(notebook), "--out", out]
            whole = statistics.median(cpu(command) for _ in range(RUNS))
            print(f"{notebook.stem + ', whole report':44} {whole:5.1f} s")  # noqa: T201


if __name__ == "__main__":
    main()

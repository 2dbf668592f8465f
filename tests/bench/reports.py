"""Twenty reports of a light notebook: `cxkit batch`, and the two commands it stands for.

Run by `make bench`. One run of each, one after the other, on the same machine: the CPU ratio is
steady, the wall ratio is that of a machine with at least two processors and nothing else to do.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "notebooks" / "tiny.ipynb"
LEVELS = [round(0.5 + 0.02 * i, 2) for i in range(20)]


def took(commands: list[list[str]]) -> tuple[float, float]:
    """Return the CPU seconds of commands and all their children, and the seconds they took."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    for command in commands:
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, wall


def by_hand(out: Path) -> list[list[str]]:
    """Return papermill's command and nbconvert's for each report."""
    commands = []
    for level in LEVELS:
        made = str(out / f"{level}.ipynb")
        commands += [
            ["papermill", str(TINY), made, "-p", "level", str(level), "--no-progress-bar"],
            ["nbconvert", "--to", "html", "--no-input", made],
        ]
    return [[sys.executable, "-m", *command] for command in commands]


def by_kit(out: Path) -> list[list[str]]:
    """Return the one command of the kit."""
    entry = {"name": "r_{level}", "notebook": str(TINY), "for_each": {"level": LEVELS}}
    (out / "plan.yml").write_text(json.dumps({"reports": [entry]}), encoding="utf-8")
    return [[sys.executable, "-m", "cxkit.cli", "batch", str(out / "plan.yml")]]


def main() -> None:
    """Print what each took and the ratios."""
    for stray in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.pop(stray, None)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        hand = took(by_hand(Path(one)))
        kit = took(by_kit(Path(other)))
        made = len(list(Path(other).glob("r_*.html"))), len(list(Path(one).glob("*.html")))
    if made != (len(LEVELS), len(LEVELS)):
        raise SystemExit(f"not every report was made: {made}")
    for name, (cpu, wall) in (("papermill, then nbconvert", hand), ("cxkit batch", kit)):
        print(f"20 light reports, {name:26} {cpu:6.1f} s of CPU {wall:6.1f} s")  # noqa: T201
    ratio = f"{hand[0] / kit[0]:.1f}x less CPU, {hand[1] / kit[1]:.1f}x less time"
    print(f"20 light reports, cxkit batch takes {ratio}")  # noqa: T201


if __name__ == "__main__":
    main()

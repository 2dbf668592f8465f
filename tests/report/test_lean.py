"""The engine is imported without what it never uses, and nobody else goes without it."""

import subprocess
import sys

ASKED = """
import sys
from cxkit.report.lean import lean
with lean():
    import papermill.execute, nbconvert
print("HEAVY", *sorted({"pandas", "pyarrow", "lark", "arrow"} & set(sys.modules)))
import pyarrow.fs, isoduration
with lean():
    import pyarrow.fs
"""


def test_the_engine_is_lean_and_afterwards_everything_can_be_imported() -> None:
    # Had pandas been imported within, it would do without pyarrow for as long as the process lives.
    run = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.strip()) == (0, "HEAVY"), run.stderr

"""What every test process says before it imports anything large."""

import os
import sys

# One thread for linear algebra, as in a report's kernel: on tables as small as these a pool of
# threads only spins, and what it burns is the other worker's time. Who sets a number keeps it.
for pool in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(pool, "1")

# The grammars that nbformat would compile at its import; the kit goes without them (report/run.py).
sys.modules.setdefault("rfc3987_syntax", None)

"""One thread for linear algebra in the tests, as in a report's kernel.

On tables as small as these a pool of threads only spins, and what it burns is the other worker's
time. It is said here, before numpy is first imported; who sets a number keeps it.
"""

import os

for pool in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(pool, "1")

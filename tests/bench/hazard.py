"""The monthly hazard on counts, against statsmodels on one row per customer and month.

Run by `make bench`. 50,000 customers over 36 months, each contender a process of its own, measured
whole: wall seconds from start to exit, imports included, and peak memory; one run, as the one on
rows is long. Both must give the same estimates and errors. Then 1 million customers, counts alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CUSTOMERS, MANY, MONTHS = 50_000, 1_000_000, 36

#: What is promised against statsmodels on rows.
FASTER, LESS_MEMORY = 20.0, 5.0


def write(path: Path, customers: int) -> None:
    """Write customers in whole months: entry, exit, whether they left, band, segment, region."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(20251231)
    band = random.integers(0, 3, customers)
    segment, region = random.integers(0, 4, customers), random.integers(0, 5, customers)
    rate = 0.02 * np.array([1.0, 0.7, 0.5])[band] * (1 + 0.2 * segment)
    life = np.ceil(random.exponential(1 / rate)).astype(int)
    pd.DataFrame(
        {
            "start": 0,
            "stop": np.minimum(life, MONTHS),
            "left": life <= MONTHS,
            "band": np.array(["poor", "fair", "good"])[band],
            "segment": np.array(list("abcd"))[segment],
            "region": np.array(list("NESWC"))[region],
        }
    ).to_parquet(path)


def by_counts(path: str) -> dict[str, Any]:
    """Fit the kit's way: patterns counted by an engine, months counted, a model of the counts."""
    import duckdb

    import cxkit as cx

    keys = ["band", "segment", "region"]
    rows = cx.counts(duckdb.read_parquet(path), ["start", "stop", "left", *keys])
    rows["left"] = rows["left"].astype(bool)
    counts = cx.count_months(rows, keys)
    model = cx.discrete_hazard(counts, covariates=keys, baseline="free")
    terms = model.frame.set_index("term")
    return {"b": terms["coefficient"].to_dict(), "se": terms["se"].to_dict()}


def by_rows(path: str) -> dict[str, Any]:
    """Fit the textbook's way: a row per customer and month, an indicator per month and level."""
    import numpy as np
    import pandas as pd
    from statsmodels.genmod.families import Binomial, links
    from statsmodels.genmod.generalized_linear_model import GLM

    people = pd.read_parquet(path)
    rows = people.loc[people.index.repeat(people["stop"])]
    rows["month"] = rows.groupby(level=0).cumcount() + 1
    y = (rows["left"] & (rows["month"] == rows["stop"])).to_numpy(float)
    named, columns = [], [rows["month"].to_numpy() == m for m in range(1, MONTHS + 1)]
    for name in ("band", "segment", "region"):
        for level in sorted(people[name].unique())[1:]:
            named.append(f"{name}: {level}")
            columns.append((rows[name] == level).to_numpy())
    x = np.column_stack(columns).astype(float)
    found = GLM(y, x, family=Binomial(link=links.CLogLog())).fit(tol=1e-10, maxiter=200)
    b, se = found.params[MONTHS:], found.bse[MONTHS:]
    return {
        "b": dict(zip(named, b.tolist(), strict=True)),
        "se": dict(zip(named, se.tolist(), strict=True)),
    }


def measured(way: str, path: Path) -> dict[str, Any]:
    """Run one contender in a process of its own."""
    start = time.perf_counter()
    run = subprocess.Popen(
        [sys.executable, __file__, way, str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
    )
    out = run.stdout.read() if run.stdout else ""
    _, status, used = os.wait4(run.pid, 0)
    if status:
        raise SystemExit(f"{way} ended with {status}")
    return {
        **json.loads(out),
        "seconds": time.perf_counter() - start,
        "cpu": used.ru_utime + used.ru_stime,
        "mib": used.ru_maxrss / 1024,
    }


def main() -> None:
    """Print seconds and memory of each, and fail where a promise is not kept."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder, "few.parquet"), Path(folder, "many.parquet")
        write(few, CUSTOMERS)
        write(many, MANY)
        counts, rows = measured("counts", few), measured("rows", few)
        large = measured("counts", many)
    apart = max(
        abs(counts[what][term] - rows[what][term]) for what in ("b", "se") for term in rows[what]
    )
    for name, found in (
        (f"{CUSTOMERS:,} customers, counts", counts),
        (f"{CUSTOMERS:,} customers, rows", rows),
        (f"{MANY:,} customers, counts", large),
    ):
        spent = f"{found['seconds']:7.1f} s {found['cpu']:7.1f} CPU s {found['mib']:8,.0f} MiB"
        print(f"{name:30} {spent}")  # noqa: T201
    # Processor time, since other work on the machine slows the clock of the short run most.
    faster, less = rows["cpu"] / counts["cpu"], rows["mib"] / counts["mib"]
    clock = rows["seconds"] / counts["seconds"]
    print(  # noqa: T201
        f"{faster:.1f} times less processor time ({clock:.1f} by the clock), {less:.1f} times less "
        f"memory; apart {apart:.1e}"
    )
    if faster < FASTER or less < LESS_MEMORY or apart > 1e-8:
        raise SystemExit("the hazard on counts does not keep what is promised")


if __name__ == "__main__":
    ways = {"counts": by_counts, "rows": by_rows}
    if sys.argv[1:2] and sys.argv[1] in ways:
        print(json.dumps(ways[sys.argv[1]](sys.argv[2])))  # noqa: T201
    else:
        main()

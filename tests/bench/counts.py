"""NPS, CSAT and CES with intervals by unit and month: the kit, DuckDB SQL by hand, and pandas.

Run by `make bench`: 1, 10 and 100 million answers in Parquet, written to a temporary folder and
deleted after (`make bench ROWS="1e6 1e7"` for a quick one). Each contender is a process of its own,
measured whole: wall and CPU seconds from start to exit, imports included, and peak memory; the
median of three runs, taken in turns. All must give the same numbers.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RUNS = 3
UNITS, MONTHS, ANSWERS_EACH = 500, 36, 10
CHUNK = 500_000

#: pandas holds every row in memory: beyond this it is not run.
MOST_FOR_PANDAS = 10_000_000

#: What is promised: at 10 million against pandas, at 100 million against SQL by hand.
FASTER, LESS_MEMORY, MOST_MIB, NEAR = 1.8, 4.0, 400, 1.3


def write(path: Path, rows: int) -> None:
    """Write answers: unsigned bytes of scores, a unit, a day, ten answers per customer."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(20251231)
    scores = {
        "nps": (0, [3, 1, 1, 1, 2, 6, 6, 13, 20, 18, 29], 0.03),
        "csat": (1, [5, 7, 13, 40, 35], 0.10),
        "ces": (1, [3, 4, 6, 10, 22, 30, 25], 0.20),
    }
    first = np.datetime64("2023-01-01").astype(int)
    writer = None
    for start in range(0, rows, CHUNK):
        n = min(CHUNK, rows - start)
        customer = random.integers(0, max(rows // ANSWERS_EACH, 1), n, dtype=np.uint32)
        columns: dict[str, Any] = {
            "customer": pa.array(customer),
            "unit": pa.array((customer % UNITS).astype(np.uint16)),
            "day": pa.array((first + random.integers(0, 1096, n)).astype(np.int32), pa.date32()),
        }
        for name, (lowest, shares, missing) in scores.items():
            edges = np.cumsum(shares)[:-1] / np.sum(shares)
            answer = np.searchsorted(edges, random.random(n), side="right").astype(np.uint8)
            columns[name] = pa.array(answer + np.uint8(lowest), mask=random.random(n) < missing)
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=CHUNK)
    if writer:
        writer.close()


def kit(path: str, cluster: str = "") -> dict[str, Any]:
    """Answer as the README says."""
    import duckdb

    import cxkit as cx

    metrics = {"nps": (cx.nps, {}), "csat": (cx.csat, {}), "ces": (cx.ces, {"version": "2.0"})}
    points = {name: cx.scoring(metric, choices=more) for name, (metric, more) in metrics.items()}
    frame = duckdb.connect().read_parquet(path)
    keys = ["unit", "month"]
    table = cx.moments(frame, "unit", points, month="day", cluster=cluster)
    found = {
        name: cx.by(table, keys, metric, column=name, moments=True, choices=more)
        for name, (metric, more) in metrics.items()
    }
    return {name: _digest(f["n"], f["value"], f["low"], f["high"]) for name, f in found.items()}


def kit_by_customer(path: str) -> dict[str, Any]:
    """Answer with errors that are cluster-robust by customer, exactly."""
    return kit(path, cluster="customer")


WILSON = """
    ({p} + 1.9207294103470296 / {n}
     {sign} sqrt(3.841458820694059 * {p} * (1 - {p}) / {n} + 3.6892014672 / ({n} * {n})))
    / (1 + 3.841458820694059 / {n}) * 100"""


def sql(path: str) -> dict[str, Any]:
    """Answer by one query written by hand."""
    import duckdb

    def share(x: str, n: str) -> str:
        p = f"({x} / {n})"
        low, high = (WILSON.format(p=p, n=n, sign=sign) for sign in "-+")
        return f"{n} AS {n}, 100 * {p} AS {x}_value, {low} AS {x}_low, {high} AS {x}_high"

    query = f"""
    WITH t AS (
      SELECT unit, year(day) * 12 + month(day) - 1 AS month,
        count(nps) AS nn, sum(CASE WHEN nps >= 9 THEN 1 ELSE 0 END) AS p,
        sum(CASE WHEN nps <= 6 THEN 1 ELSE 0 END) AS d,
        count(csat) AS nc, sum(CASE WHEN csat >= 4 THEN 1 ELSE 0 END) AS csat,
        count(ces) AS ne, sum(CASE WHEN ces >= 5 THEN 1 ELSE 0 END) AS ces
      FROM read_parquet($path) GROUP BY ALL),
    u AS (SELECT *, (p + 0.75) / (nn + 3) AS pa, (d + 0.75) / (nn + 3) AS qa FROM t),
    v AS (SELECT *, 1.959963984540054 * sqrt((pa + qa - (pa - qa) ** 2) / (nn + 3)) AS half FROM u)
    SELECT unit, month, nn, 100 * (p - d) / nn AS nps_value,
      greatest(100 * (pa - qa - half), -100) AS nps_low,
      least(100 * (pa - qa + half), 100) AS nps_high,
      {share("csat", "nc")}, {share("ces", "ne")}
    FROM v ORDER BY unit, month"""  # noqa: S608
    f = duckdb.connect().execute(query, {"path": path}).df()
    n = {"nps": "nn", "csat": "nc", "ces": "ne"}
    return {
        name: _digest(f[n[name]], f[f"{name}_value"], f[f"{name}_low"], f[f"{name}_high"])
        for name in n
    }


def pandas(path: str) -> dict[str, Any]:
    """Answer by a groupby, reading only the columns needed and days as days."""
    import numpy as np
    import pandas as pd
    import pyarrow.parquet as pq

    columns = ["unit", "day", "nps", "csat", "ces"]
    rows = pq.read_table(path, columns=columns).to_pandas(date_as_object=False)
    rows["month"] = rows["day"].dt.year * 12 + rows["day"].dt.month - 1
    flags = pd.DataFrame(
        {
            "unit": rows["unit"],
            "month": rows["month"],
            "nn": rows["nps"].notna(),
            "p": rows["nps"] >= 9,
            "d": rows["nps"] <= 6,
            "nc": rows["csat"].notna(),
            "csat": rows["csat"] >= 4,
            "ne": rows["ces"].notna(),
            "ces": rows["ces"] >= 5,
        }
    )
    t = flags.groupby(["unit", "month"]).sum()
    z = 1.959963984540054
    pa, qa = (t["p"] + 0.75) / (t["nn"] + 3), (t["d"] + 0.75) / (t["nn"] + 3)
    half = z * np.sqrt((pa + qa - (pa - qa) ** 2) / (t["nn"] + 3))
    low, high = 100 * (pa - qa - half).clip(lower=-1), 100 * (pa - qa + half).clip(upper=1)
    found = {"nps": _digest(t["nn"], 100 * (t["p"] - t["d"]) / t["nn"], low, high)}
    for name, n in (("csat", t["nc"]), ("ces", t["ne"])):
        p = t[name] / n
        half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        middle, shrink = p + z**2 / (2 * n), 1 + z**2 / n
        low, high = 100 * (middle - half) / shrink, 100 * (middle + half) / shrink
        found[name] = _digest(n, 100 * p, low, high)
    return found


def _digest(*columns: Any) -> list[float]:
    """Return sums that tell two results apart."""
    return [float(len(columns[0])), *(float(column.sum()) for column in columns)]


CONTENDERS = {f.__name__: f for f in (kit, kit_by_customer, sql, pandas)}


def measure(name: str, path: Path) -> dict[str, Any]:
    """Run one contender in a process of its own and return what it took and what it found."""
    command = [sys.executable, __file__, "--one", name, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=path.parent, env=environment, stdout=subprocess.PIPE, text=True
    )
    text = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} failed on {path.name}")
    return {
        "wall": time.perf_counter() - begin,
        "cpu": used.ru_utime + used.ru_stime,
        "mib": used.ru_maxrss / 1024,
        "found": json.loads(text),
    }


def raced(names: list[str], path: Path) -> dict[str, dict[str, float]]:
    """Measure contenders in turns; refuse if they do not agree."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(RUNS):
        for name in names:
            runs[name].append(measure(name, path))
    there = runs[names[0]][0]["found"]
    for name in names:
        for metric, numbers in runs[name][0]["found"].items():
            same = 3 if name == "kit_by_customer" else 5  # its limits are wider, as they should be
            pairs = zip(numbers[:same], there[metric], strict=False)
            if any(abs(a - b) > 1e-6 * max(1, abs(b)) for a, b in pairs):
                raise SystemExit(f"{name} gives another {metric}: {numbers}, not {there[metric]}")
    return {
        name: {key: statistics.median(r[key] for r in runs[name]) for key in ("wall", "cpu", "mib")}
        for name in names
    }


def main(sizes: list[int]) -> int:
    """Print a line per contender and size, then what was promised; 1 if a promise is not kept."""
    kept = True
    print(f"{'rows':>12}  {'contender':16} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9}")  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="cxkit-bench-") as folder:
        for rows in sizes:
            path = Path(folder) / "answers.parquet"
            write(path, rows)
            small = rows <= MOST_FOR_PANDAS
            names = ["kit", "sql", *(["pandas", "kit_by_customer"] if small else [])]
            found = raced(names, path)
            path.unlink()
            for name, took in found.items():
                numbers = f"{took['wall']:8.2f} {took['cpu']:8.2f} {took['mib']:9.0f}"
                print(f"{rows:12,}  {name:16} {numbers}", flush=True)  # noqa: T201
            kept &= promised(rows, found)
    return 0 if kept else 1


def promised(rows: int, found: dict[str, dict[str, float]]) -> bool:
    """Print what is promised at this size and whether it was kept."""
    ours = found["kit"]
    tests = {}
    if rows == 10_000_000:
        there = found["pandas"]
        tests[
            f"{there['wall'] / ours['wall']:.1f}x faster than pandas (CPU "
            f"{there['cpu'] / ours['cpu']:.1f}x), promised {FASTER}x"
        ] = there["wall"] >= FASTER * ours["wall"]
        tests[f"1/{there['mib'] / ours['mib']:.1f} of its memory, promised 1/{LESS_MEMORY:.0f}"] = (
            there["mib"] >= LESS_MEMORY * ours["mib"]
        )
    if rows == 100_000_000:
        there = found["sql"]
        tests[f"{ours['mib']:.0f} MiB at most, promised {MOST_MIB}"] = ours["mib"] < MOST_MIB
        tests[
            f"{ours['wall'] / there['wall']:.2f}x the time of SQL by hand (CPU "
            f"{ours['cpu'] / there['cpu']:.2f}x), promised {NEAR}x"
        ] = ours["wall"] <= NEAR * there["wall"]
    for text, held in tests.items():
        print(f"{'':14}{'held' if held else 'MISSED'}: {text}")  # noqa: T201
    return all(tests.values())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(CONTENDERS[sys.argv[2]](sys.argv[3])))  # noqa: T201
    else:
        sys.exit(main([int(float(size)) for size in sys.argv[1:]] or [10**6, 10**7, 10**8]))

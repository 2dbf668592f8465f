"""The same answers as a frame of every engine at hand, for tests that no engine may differ on."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Engines that need nothing beyond the tools of the tests.
HERE = ("duckdb", "pandas", "pandas nullable", "polars", "polars lazy", "pyarrow")


@cache
def answers(n: int = 1500, seed: int = 11) -> pd.DataFrame:
    """Answers with what engines treat apart: missing ones, NaN, negative ids, months, yes/no."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "customer": random.integers(-40, 260, n),
            "account": random.choice(["a1", "a2", "a3", "a4", None], n),
            "unit": random.choice(["North", "South", "Øst", "", None], n),
            "day": pd.Timestamp("2023-11-20") + pd.to_timedelta(random.integers(0, 500, n), "D"),
            "nps": random.integers(0, 11, n).astype(float),
            "csat": random.integers(1, 6, n).astype(float),
            "ces": random.integers(1, 8, n),
            "referred": random.random(n) < 0.3,
        }
    )
    frame.loc[random.random(n) < 0.1, "nps"] = np.nan
    frame.loc[random.random(n) < 0.2, "csat"] = np.nan
    frame.loc[random.random(n) < 0.02, "day"] = pd.NaT
    return frame


def native(engine: str, frame: pd.DataFrame, *, threads: int = 2) -> Any:
    """Return a frame as that engine has it; NaN stays NaN where it is not the same as missing."""
    import pyarrow as pa

    if engine == "pandas":
        return frame
    if engine == "pandas nullable":
        return frame.convert_dtypes()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if engine == "pyarrow":
        return table
    if engine == "duckdb":
        import duckdb

        return duckdb.connect(config={"threads": threads}).from_arrow(table)
    if engine.startswith("polars"):
        import polars

        found = polars.from_pandas(frame, nan_to_null=False)
        return found.lazy() if engine == "polars lazy" else found
    raise ValueError(engine)


@contextmanager
def spark() -> Iterator[Any]:
    """Yield a Spark session of two threads, or skip."""
    pytest.importorskip("pyspark", reason="pyspark is not installed (make verify installs it)")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not here")
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()


@contextmanager
def postgres(folder: Path) -> Iterator[int]:
    """Yield the port of a PostgreSQL server of our own in a folder, or skip."""
    pytest.importorskip("ibis", reason="ibis is not installed (make verify installs it)")
    pytest.importorskip("psycopg", reason="psycopg or libpq is not installed")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = found[-1] if found else Path(shutil.which("initdb") or "")
    if not initdb.is_file():
        pytest.skip("no PostgreSQL here (Debian and Ubuntu: apt-get install postgresql)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    as_user: dict[str, Any] = {}
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = {"user": "postgres", "cwd": "/"}
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
    control, data = initdb.with_name("pg_ctl"), folder / "data"
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **as_user}
    subprocess.run(
        [initdb, "-D", data, "-A", "trust", "-U", "cx", "-E", "UTF8", "--no-sync"], **run
    )
    subprocess.run([control, "-D", data, "-l", folder / "log", "-o", options, "-w", "start"], **run)
    try:
        yield port
    finally:
        subprocess.run([control, "-D", data, "-m", "immediate", "-w", "stop"], **run)

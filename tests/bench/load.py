"""A CSV of 12 columns, opened and checked as a study: seconds against pandas, and peak memory.

Run by `make bench`: 1 million rows against a bare `pandas.read_csv` of the same file, each the
median of five in turns, in one process where both are imported; and 10 million rows, in a process
of its own, whose peak memory is measured. The columns are those of a survey: ids of answer,
customer and unit, two days, seven scores. The answers stand in the order of their ids, as exports
have them; ids in another order cost a search for copies (about a third more). Text takes more room
than numbers: a table with longer or more texts needs more memory than this one.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: What is promised.
MOST_TIMES, MOST_GIB = 3.0, 1.5
RUNS = 5

SCORES = {
    "nps": (0, 10, "nps"),
    "csat": (1, 5, "csat: {column: csat, scale: [1, 5], top: 4}"),
    "ces": (1, 7, 'ces: {column: ces, version: "2.0"}'),
    "customer_service": (1, 5, ""),
    "user_experience": (1, 5, ""),
    "personalization": (1, 5, ""),
    "consistency": (1, 5, ""),
}

CONTRACT = """\
study: Load
as_of: 2026-12-31
responses:
  file: responses.csv
  response: response
  customer: customer
  unit: unit
  asked_on: asked_on
  answered_on: answered_on
"""


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{text}\n")


def write(folder: Path, rows: int) -> None:
    """Write a clean survey and its study.yml."""
    import duckdb

    scores = ", ".join(
        f"{low} + hash(i + {place}) % {high - low + 1} as {name}"
        for place, (name, (low, high, _)) in enumerate(SCORES.items(), 5)
    )
    with duckdb.connect() as engine:
        engine.execute(
            f"""
            copy (select printf('r%08d', i) as response,
                printf('c%07d', (hash(i) % {max(rows // 10, 1)})::bigint) as customer,
                printf('u%03d', (hash(i + 1) % 500)::bigint) as unit,
                date '2024-01-01' + (hash(i + 2) % 700)::int as asked_on,
                asked_on + (hash(i + 3) % 14)::int as answered_on, {scores}
                from range({rows}) as t(i))
            to '{folder}/responses.csv' (header, delimiter ',')
            """  # noqa: S608
        )
    declared = [
        told if ":" in told else f"{name}: {{column: {name}, scale: [{low}, {high}]}}"
        for name, (low, high, told) in SCORES.items()
    ]
    text = CONTRACT + "".join(f"  {line}\n" for line in declared)
    (folder / "study.yml").write_text(text, encoding="utf-8")


def peak(folder: Path) -> None:
    """Open a study and print seconds, rows and the most memory this process ever had, in GiB."""
    import cxkit as cx

    began = time.perf_counter()
    study = cx.open_study(folder)
    seconds = time.perf_counter() - began
    if study.findings:
        sys.exit(f"a clean file has findings: {study.findings[0]}")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    say(f"{seconds:.1f} {len(study.responses)} {most:.2f}")


def seconds(folder: Path) -> tuple[float, float]:
    """Return the median seconds of pandas and of the kit, processor time, taken in turns."""
    import pandas as pd

    import cxkit as cx

    cx.open_study(folder)
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS):
        began = time.process_time()
        pd.read_csv(folder / "responses.csv")
        between = time.process_time()
        cx.open_study(folder)
        taken[0].append(between - began)
        taken[1].append(time.process_time() - between)
    return statistics.median(taken[0]), statistics.median(taken[1])


def main() -> None:
    """Write the files, measure, compare with what is promised."""
    with tempfile.TemporaryDirectory(prefix="cxkit-bench-") as name:
        folder = Path(name)
        write(folder, 1_000_000)
        pandas, kit = seconds(folder)
        say(f"1,000,000 rows: pandas.read_csv {pandas:.2f} s, opened and checked {kit:.2f} s")
        say(f"  {kit / pandas:.1f} times; promised are {MOST_TIMES:g}")
        write(folder, 10_000_000)
        told = subprocess.run(
            [sys.executable, __file__, str(folder)], check=True, capture_output=True, text=True
        ).stdout.split()
        say(f"10,000,000 rows: {told[0]} s, peak {told[2]} GiB; promised are {MOST_GIB:g}")
    if kit > MOST_TIMES * pandas or float(told[2]) > MOST_GIB:
        sys.exit("the promise is not kept")


if __name__ == "__main__":
    peak(Path(sys.argv[1])) if len(sys.argv) > 1 else main()

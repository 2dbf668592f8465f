"""Reference cases: inputs and the values other software gives for them.

Expected values are facts and stand in tests/reference/, with their source. Inputs that may not be
copied are read from the folder that CXKIT_SHARED names; without it their tests skip and say so.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

FOLDER = Path(__file__).parent / "reference"


def case(number: str) -> dict[str, Any]:
    """Return a reference case: expected values, tolerance, source."""
    return json.loads((FOLDER / f"{number}.json").read_text(encoding="utf-8"))


def expected(number: str) -> dict[str, Any]:
    """Return the values of a reference case."""
    return case(number)["expected"]


def table(number: str, name: str) -> pd.DataFrame:
    """Return an input of a reference case, or skip if it is not to be had."""
    here = FOLDER / number / name
    if here.exists():
        return pd.read_csv(here)
    shared = os.environ.get("CXKIT_SHARED", "")
    if not shared:
        pytest.skip(
            f"{number}/{name} may not be copied: set CXKIT_SHARED to the folder that has it"
        )
    found = sorted(Path(shared, "reference").glob(f"{number}_*/{name}"))
    if not found:
        pytest.fail(f"CXKIT_SHARED is set, but reference/{number}_*/{name} is not in it")
    return pd.read_csv(found[0])

"""Small notebooks written by the tests, and one run of the tiny notebook that many tests read."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cxkit.report.parameters import parse
from cxkit.report.run import Executed, execute
from tests.report import made

TINY = Path(__file__).parents[1] / "notebooks" / "tiny.ipynb"


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a notebook of the given cells."""

    def write(*cells: made.Cell, name: str = "made.ipynb") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(made.content(*cells)), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def tiny_notebook() -> Path:
    """Return the path of the tiny notebook."""
    return TINY


@pytest.fixture(scope="session")
def tiny() -> Executed:
    """Return one whole run of the tiny notebook at another level than its default."""
    return execute(TINY, parse(TINY, {"level": "0.9"}), cwd=TINY.parent)

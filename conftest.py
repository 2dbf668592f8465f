"""Doctests share the sample study, which many of them open; its frames are copied on writing."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import cxkit


@cache
def _sample_study() -> Any:
    """Open the sample study; imported here, since tests/conftest.py comes before what is large."""
    from cxkit.study.study import sample_study

    return sample_study()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let ``cx.sample_study`` of a doctest be the one that is open."""
    if isinstance(item, pytest.DoctestItem):
        vars(cxkit)["sample_study"] = _sample_study


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Let it be the public name again, imported when it is first asked for."""
    if isinstance(item, pytest.DoctestItem):
        vars(cxkit).pop("sample_study")

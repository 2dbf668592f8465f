"""Figures of these tests are drawn whole, but coarsely: it is their words that are asked for."""

from __future__ import annotations

import pytest

from cxkit.figures import canvas


@pytest.fixture(autouse=True)
def _coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canvas, "_DPI", 40)

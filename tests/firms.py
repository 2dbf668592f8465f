"""Small simulated firms for tests: made once a session, each with an effect that is known."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cxkit as cx
from tests import folders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@cache
def folder(effect: float = 1.0, link: float = 0.5) -> Path:
    """Return the folder of a firm whose experience and engagement effects are planted."""
    made = folders.shared("firm")
    cx.simulate_firm(
        made, seed=7, branches=60, customers=4000, experience_effect=effect, engagement_link=link
    )
    return made


@cache
def study(effect: float = 1.0, link: float = 0.5) -> object:
    """Return that firm as a study."""
    return cx.open_study(folder(effect, link) / "study.yml")


@cache
def sample() -> object:
    """Return the sample study. Its frames are copied on writing, so that tests may share it."""
    return cx.sample_study()


@cache
def asked(ask: Callable[[object], object]) -> object:
    """Return what a public function with its usual choices makes of the sample; it is frozen."""
    return ask(sample())


@cache
def shop() -> Path:
    """Return the folder of a shop with 60 customers and 5 staff."""
    made = folders.shared("shop")
    cx.simulate_firm(made, seed=7, branches=1, customers=60, staff=5)
    return made


@cache
def linked(effect: float | None = None, link: float = 0.5) -> object:
    """Return the linkage answer of a firm, which is frozen; None is the sample."""
    return cx.linkage_answer(sample() if effect is None else study(effect, link))


@cache
def kept(effect: float | None = None) -> object:
    """Return the retention answer of a firm, which is frozen; None is the sample."""
    return cx.retention_answer(sample() if effect is None else study(effect))

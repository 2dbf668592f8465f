"""What is held equal in a comparison: the study's segments, as far as the exits bear them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxkit.retention.hazard import EXITS_PER_PARAMETER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PREFIX = "held: "
MISSING, SMALL = "(missing)", "(small levels)"


def hold(
    rows: pd.DataFrame, names: Sequence[str], *, compared: int
) -> tuple[pd.DataFrame, list[str]]:
    """Return rows with a column ``held: NAME`` for each name that can be held equal, and those.

    Levels in which fewer than ten left are pooled (a missing value is a level). Names are taken in
    the order given while there are ten exits for each coefficient; ``compared`` coefficients are
    spoken for already.
    """
    left = rows["left"].to_numpy(bool)
    room = int(left.sum()) // EXITS_PER_PARAMETER - compared
    taken: list[str] = []
    made: dict[str, pd.Categorical[Any]] = {}
    for name in names:
        if name not in rows:
            continue
        level = _levels(rows[name], left)
        needed = len(np.unique(level.codes)) - 1
        if 0 < needed <= room:
            made[PREFIX + name] = level
            taken.append(PREFIX + name)
            room -= needed
    return rows.assign(**made), taken


def _levels(column: pd.Series, left: NDArray[np.bool_]) -> pd.Categorical[Any]:
    """Return the levels of a column, those in which too few left made one."""
    known = column.astype("category")
    codes = known.cat.codes.to_numpy(int)
    names = [str(c) for c in known.cat.categories]
    if (codes < 0).any():
        codes, names = np.where(codes < 0, len(names), codes), [*names, MISSING]
    exits = np.bincount(codes, weights=left, minlength=len(names))
    there = np.bincount(codes, minlength=len(names)) > 0
    small = there & (exits < EXITS_PER_PARAMETER)
    if small.sum() > 1:
        codes, names = np.where(small[codes], len(names), codes), [*names, SMALL]
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(names))


def said(taken: Sequence[str]) -> str:
    """Say what is held equal: ``held equal: region, plan`` or ``nothing held equal``."""
    names = [t.removeprefix(PREFIX).removesuffix("_band").replace("_", " ") for t in taken]
    return f"held equal: {', '.join(names)}" if names else "nothing held equal"

"""What is held equal in a comparison: the study's segments, as far as the exits bear them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit.retention.hazard import EXITS_PER_PARAMETER

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

PREFIX = "held: "


def hold(
    rows: pd.DataFrame, names: Sequence[str], *, compared: int
) -> tuple[pd.DataFrame, list[str]]:
    """Return rows with one text column ``held: NAME`` for each name, and which can be held equal.

    Levels in which fewer than ten left are pooled (a missing value is a level). Names are taken in
    the order given while there are ten exits for each coefficient; ``compared`` coefficients are
    spoken for already.
    """
    left = rows["left"].astype(bool)
    room = int(left.sum()) // EXITS_PER_PARAMETER - compared
    taken: list[str] = []
    made: dict[str, pd.Series] = {}
    for name in names:
        if name not in rows:
            continue
        text = rows[name].astype("string").fillna("(missing)").astype(object)
        exits = left.groupby(text).sum()
        small = exits.index[exits < EXITS_PER_PARAMETER]
        if len(small) > 1:
            text = text.where(~text.isin(small), "(small levels)")
        needed = int(text.nunique()) - 1
        if 0 < needed <= room:
            made[PREFIX + name] = text
            taken.append(PREFIX + name)
            room -= needed
    return rows.assign(**made), taken


def said(taken: Sequence[str]) -> str:
    """Say what is held equal: ``held equal: region, plan`` or ``nothing held equal``."""
    names = [t.removeprefix(PREFIX).removesuffix("_band").replace("_", " ") for t in taken]
    return f"held equal: {', '.join(names)}" if names else "nothing held equal"

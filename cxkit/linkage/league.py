"""Units held to a target: shrunken scores, the chance of lying below, and funnel limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.errors import ParameterError
from cxkit.metrics.funnel import funnel
from cxkit.metrics.shrinkage import shrunken
from cxkit.results import Note, Table

if TYPE_CHECKING:
    from cxkit.disclosure import Shown

#: A unit is told from the target where it lies on one side of it with this probability.
TOLD = 0.95

#: So many units at most are listed at either end.
ENDS = 10


def held_to(
    people: pd.DataFrame,
    score: str,
    *,
    measured_in: str,
    target: float | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return each unit shrunken, with its chance of lying below the target and the funnel limits.

    Parameters
    ----------
    people : DataFrame
        One row per person and unit: unit and the score.
    score : str
        The column of the score.
    measured_in : str
        "score" or "points".
    target : float or None
        What units are held to; None takes the mean of all people.
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per unit: unit, n, own (as measured), value, low, high, se (shrunken), below (the
        probability of a true score below the target), target, outside ("" or which funnel limits).
        Empty where fewer than four units have a score or nothing varies within them.

    Notes
    -----
    :func:`shrunken` and :func:`funnel` on the units' means, with one variance within units; the
    probability is that of :func:`shrunken`.
    """
    rows = people[["unit", score]].dropna()
    groups = rows.groupby("unit")[score]
    n = groups.size()
    inside = float((rows[score] - groups.transform("mean")).pow(2).sum())
    within = inside / max(len(rows) - len(n), 1)
    free = n if measured_in == "score" else n**2 / (n - 1).clip(lower=1)
    frame = pd.DataFrame(
        {
            "unit": n.index,
            "metric": score,
            "measured_in": measured_in,
            "value": groups.mean().to_numpy(),
            "se": np.sqrt(within / free.to_numpy(float)),
            "n": n.to_numpy(),
            "level": level,
            "method": "mean",
        }
    )
    if len(frame) < 4 or not within > 0:
        return pd.DataFrame()
    middle = float(rows[score].mean()) if target is None else target
    drawn = shrunken(frame, target=middle).frame
    limits = funnel(frame, target=middle).frame.set_index("unit")["outside"]
    columns = ["unit", "n", "own", "value", "low", "high", "se", "target"]
    return drawn[columns].assign(
        below=drawn["below"] / 100, outside=limits.reindex(drawn["unit"]).to_numpy()
    )


def league(held: pd.DataFrame, shown: Shown, *, side: str, level: float) -> Table | Note:
    """Return the units that can be told from the target; the others are counted, not ranked."""
    if held.empty:
        return Note(
            paragraphs=(
                f"Units are not held to a target on {side}: it takes people's own answers in at "
                "least four units.",
            )
        )
    seen = held[held["unit"].isin(set(shown.units["unit"]))]
    if seen.empty:
        why = "none has enough people to be shown"
        return Note(paragraphs=(f"No unit is held to a target on {side}: {why}.",))
    told = seen[(seen["below"] > TOLD) | (seen["below"] < 1 - TOLD)]
    target = markup.number(float(held["target"].iloc[0]), 2)
    if told.empty:
        return Note(
            paragraphs=(
                f"Units held to {side} of {target}: none of {len(seen):,} shown units can be told "
                f"from it with {markup.percent_label(TOLD)} probability, and no place among them "
                "means anything.",
            )
        )
    listed = told
    if len(told) > 2 * ENDS:
        listed = pd.concat([told.head(ENDS), told.tail(ENDS)])
    said = listed.assign(
        chance=listed["below"].map(_percent), funnel=listed["outside"].replace("", "inside")
    )
    which = "all listed" if len(listed) == len(told) else f"{ENDS} at either end listed"
    return Table.of(
        said,
        caption=f"Units held to {side} of {target}: {len(told):,} of {len(seen):,} shown units lie "
        f"on one side of it with {markup.percent_label(TOLD)} probability, {which}; the "
        "others cannot be told from it, and no place among them means anything. The funnel says "
        "whether chance alone would put the measured score there. Scores are drawn towards the "
        f"mean of all {len(held):,} units."
        + f" {shown.hidden:,} that may not be shown are not listed."
        * bool(shown.hidden),
        columns=[
            ("Unit", "unit", "text"),
            ("People", "n", "count"),
            ("Shrunken", "value", "score"),
            (f"{markup.percent_label(level)} interval", "low..high", "score"),
            ("P(below), %", "chance", "text"),
            ("Funnel", "funnel", "text"),
        ],
    )


def _percent(share: float) -> str:
    """Write a probability in percent; none is said to be sure.

    >>> _percent(0.043)
    '4.3'
    """
    if share < 0.001:
        return "<\u00a00.1"
    return ">\u00a099.9" if share > 0.999 else markup.number(100 * share, 1)


def number_of(target: float | str) -> float | None:
    """Return a target as a number; "" is none."""
    if target == "":
        return None
    try:
        return float(target)
    except (TypeError, ValueError):
        raise ParameterError(
            f"target={target!r} is not a number.\n  Write the experience that units are held to, "
            'or "" for the mean of all.'
        ) from None

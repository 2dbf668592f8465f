"""How engagement was measured: reliability of the index, its level, who took part, what moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cxkit.linkage.action import change
from cxkit.metrics.consistency import cronbach_alpha
from cxkit.metrics.omega import omega
from cxkit.metrics.proportions import share
from cxkit.results import Estimate

if TYPE_CHECKING:
    from cxkit.linkage.pairs import Pairs


def measured(
    pairs: Pairs, *, staff: pd.DataFrame | None, scale: tuple[float, float], level: float
) -> pd.DataFrame:
    """Return the measurement of engagement as one tidy frame of estimates.

    Parameters
    ----------
    pairs : Pairs
        With employees' own answers; otherwise the frame has no rows.
    staff : DataFrame or None
        Employment spells, for participation.
    scale : tuple of float
        Of the items.
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per estimate: the columns of `Estimate.as_row`. Index and favourability count each
        employee once, by the mean over the waves answered; alpha rests on the same means.
    """
    if pairs.employees is None:
        return pd.DataFrame()
    items = [name for group in pairs.items.values() for name in group]
    people = pairs.employees.groupby("respondent")[["index", *items]].mean()
    favourable = scale[1] - (scale[1] - scale[0]) / 4
    found: list[Estimate] = [
        _index(people["index"], level),
        share(people["index"] >= favourable, metric="favourable index", level=level),
        cronbach_alpha(people[items], scale=scale, level=level),
        omega(people[items], scale=scale, level=level),
    ]
    if staff is not None and len(pairs.spans):
        found.append(_participation(pairs, staff, level))
    found += [change(pairs.waves, side, level=level) for side in ("engagement", "experience")]
    return pd.DataFrame([e.as_row() for e in found])


def _index(index: pd.Series, level: float) -> Estimate:
    """Return the mean engagement index over employees, t on n - 1 degrees of freedom."""
    from scipy.stats import t

    n = int(index.notna().sum())
    value = float(index.mean()) if n else None
    se = float(index.std() / n**0.5) if n > 1 else None
    reach = None if se is None else float(t.isf((1 - level) / 2, n - 1)) * se
    return Estimate(
        metric="mean engagement index",
        measured_in="score",
        value=value,
        low=None if value is None or reach is None else value - reach,
        high=None if value is None or reach is None else value + reach,
        se=se,
        level=level,
        n=n,
        n_missing=int(index.isna().sum()),
        method="mean over employees, t",
        status="ok" if n else "no data",
        reason="" if n else "Nobody answered.",
    )


def _participation(pairs: Pairs, staff: pd.DataFrame, level: float) -> Estimate:
    """Return the share of employee-waves on the roll in which somebody answered.

    The survey's pseudonyms are not the staff table's ids, so people cannot be matched: answers of a
    wave are set against everybody on the roll during it.
    """
    answered = on_roll = 0
    per_wave = pairs.waves.groupby("wave")["n_employees"].sum()
    for row in pairs.spans.to_dict("records"):
        if row["wave"] not in per_wave.index:
            continue
        there = (staff["start"] <= row["last"]) & (
            staff["end"].isna() | (staff["end"] >= row["first"])
        )
        answered += int(per_wave[row["wave"]])
        on_roll += int(there.sum())
    answered = min(answered, on_roll)
    return share(
        pd.Series([True, False]),
        counts=[answered, on_roll - answered],
        metric="participation (answers in a wave, of employees then on the roll)",
        level=level,
    )

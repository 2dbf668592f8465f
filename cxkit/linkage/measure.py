"""How engagement was measured: index, groups of items, reliability, who took part, what moved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.linkage.waves import on_roll
from cxkit.metrics.answers import no_data
from cxkit.metrics.consistency import cronbach_alpha
from cxkit.metrics.employees import engagement_index, favourability, participation
from cxkit.metrics.omega import omega
from cxkit.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxkit.disclosure import Policy
    from cxkit.linkage.pairs import Pairs

#: Fewest units whose change is averaged, and fewest items that one factor is fitted to.
FEWEST_UNITS, FEWEST_ITEMS = 3, 3


def measured(
    pairs: Pairs, policy: Policy, *, took_part: Estimate | None, level: float
) -> pd.DataFrame:
    """Return the measurement of engagement as one tidy frame of estimates.

    Parameters
    ----------
    pairs : Pairs
        Without employees' own answers the frame has what moved alone.
    policy : Policy
        Fewest people of whom a figure is shown.
    took_part : Estimate or None
        Participation, where the staff table tells it.
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per estimate: ``group`` (of items; "all items", or "" for what has none) and the
        columns of `Estimate.as_row`. Each employee counts once, with the latest answers. What fewer
        employees answered than may be shown is withheld.
    """
    rows: list[tuple[str, Estimate]] = []
    if pairs.survey is not None and pairs.items:
        latest = pairs.survey.sort_values("wave", kind="stable").drop_duplicates(
            "respondent", keep="last"
        )
        every = [name for names in pairs.items.values() for name in names]
        rows.append(("all items", engagement_index(latest[every], scale=pairs.scale, level=level)))
        groups = {"all items": every}
        groups |= {g: list(names) for g, names in pairs.items.items() if len(pairs.items) > 1}
        for group, names in groups.items():
            rows += [(group, e) for e in _of_items(latest[names], pairs, level)]
    rows = [(group, _kept(e, policy)) for group, e in rows]
    if took_part is not None:
        rows.append(("", took_part))
    units = {"engagement": "score", "experience": pairs.measured_in}
    if len(set(pairs.waves["wave"])) > 1:
        rows += [
            ("", change(pairs.waves, s, policy, measured_in=u, level=level))
            for s, u in units.items()
        ]
    return pd.DataFrame([{"group": group, **e.as_row()} for group, e in rows])


def _of_items(items: pd.DataFrame, pairs: Pairs, level: float) -> list[Estimate]:
    """Return what is known of a group of items: favourable answers, alpha, omega."""
    low, high = pairs.scale
    boxes = min(2, pairs.options // 2)
    found = [favourability(items, scale=pairs.scale, boxes=boxes, level=level)]
    if items.shape[1] > 1:
        found.append(cronbach_alpha(items, scale=(low, high), level=level))
    if items.shape[1] >= FEWEST_ITEMS:
        found.append(omega(items, scale=(low, high), level=level))
    return found


def _kept(found: Estimate, policy: Policy) -> Estimate:
    """Return an estimate, or that too few employees answered what it takes."""
    why = policy.withheld(found.n)
    if found.value is None or not why:
        return found
    gone: dict[str, Any] = dict.fromkeys(("value", "low", "high", "se"))
    return replace(found, **gone, n=0, n_missing=0, status="withheld", reason=why)


def took_part(pairs: Pairs, staff: pd.DataFrame | None, *, level: float) -> Estimate | None:
    """Return the share of employee-waves on the roll in which somebody answered.

    The survey's pseudonyms are not the staff table's ids, so people cannot be matched: those who
    answered in a wave, each once, are set against everybody on the roll during it.
    """
    if pairs.survey is None or staff is None or pairs.spans.empty:
        return None
    answered = rolled = 0
    per_wave = pairs.survey.groupby("wave")["respondent"].nunique()
    for row in pairs.spans.to_dict("records"):
        there = on_roll(staff, row["first"], row["last"])
        rolled += int(staff.loc[there, "employee"].nunique())
        answered += int(per_wave.get(row["wave"], 0))
    metric = "Participation (answers in a wave, of employees then on the roll)"
    if answered > rolled:
        reason = (
            f"{answered:,} answers in all waves, but the staff table has {rolled:,} "
            "employee-waves: it does not hold everybody who was asked."
        )
        return no_data(metric, "%", level=level, n=0, n_missing=0, method="Wilson", reason=reason)
    counts = [answered, rolled - answered]
    return replace(participation([True, False], counts=counts, level=level), metric=metric)


def change(
    waves: pd.DataFrame,
    side: str,
    policy: Policy,
    *,
    measured_in: str = "score",
    level: float = 0.95,
) -> Estimate:
    """Return the mean change of a side between the last two waves, over units that have both.

    Notes
    -----
    Paired by unit: the mean of the units' changes, t on units - 1 degrees of freedom. Each unit
    weighs alike. Units missing a wave are counted. Where the numbers of people are known and fewer
    answered in either wave than may be shown, there is no figure.
    """
    from scipy.stats import t

    order = sorted(waves["wave"].unique())
    method = "paired by unit, t"
    metric = f"Change in {side} between the last two waves"
    wide = waves[waves["wave"].isin(order[-2:])].pivot_table(
        index="unit", columns="wave", values=side
    )
    moved = (
        (wide[order[-1]] - wide[order[-2]]).dropna() if len(order) > 1 else pd.Series(dtype=float)
    )
    n, missing = len(moved), len(wide) - len(moved)
    behind = _people_behind(waves, side, order[-2:], moved.index)
    if len(order) < 2 or n < FEWEST_UNITS:
        reason = (
            f"{markup.counted(len(order), 'wave')}: a change takes two."
            if len(order) < 2
            else f"Only {markup.counted(n, 'unit')} with both waves; it takes {FEWEST_UNITS}."
        )
        return no_data(
            metric, measured_in, level=level, n=n, n_missing=missing, method=method, reason=reason
        )
    staff = side == "engagement"
    least = policy.employees if staff else policy.customers
    if behind < least:
        reason = (
            f"Withheld: fewer than {least} {'employees' if staff else 'customers'} of these units "
            "answered in one of the two waves."
        )
        return no_data(
            metric, measured_in, level=level, n=n, n_missing=missing, method=method, reason=reason
        )
    se = float(moved.std() / np.sqrt(n))
    reach = float(t.isf((1 - level) / 2, n - 1)) * se
    value = float(moved.mean())
    return Estimate(
        metric=metric,
        measured_in=measured_in,
        value=value,
        low=value - reach,
        high=value + reach,
        se=se,
        level=level,
        n=n,
        n_missing=missing,
        method=method,
    )


def _people_behind(waves: pd.DataFrame, side: str, last: Sequence[str], units: pd.Index) -> float:
    """Return how many people answered in some units in the smaller of two waves; else infinity."""
    count = "n_employees" if side == "engagement" else "n_customers"
    if count not in waves:
        return float("inf")
    rows = waves[waves["wave"].isin(last) & waves["unit"].isin(units)]
    people = rows[count].fillna(np.inf).groupby(rows["wave"]).sum()  # not published: let be shown
    return float(people.min())

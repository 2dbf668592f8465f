"""The comparisons behind one bad experience: by gap, by other choices, by dose, by recovery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.retention.clock import MONTH
from cxkit.retention.events import Events, bad_events
from cxkit.retention.hazard import FEWEST_EXITS
from cxkit.retention.matched import Excess, cluster_se, excess
from cxkit.retention.trials import Dated, People, Trials, days, nth, sequential

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxkit.study.study import Study

#: Which bad experiences in a row are looked at.
DOSES = (1, 2, 3)


def in_days(horizons: Sequence[int]) -> list[int]:
    """Return horizons in days."""
    return [round(h * MONTH) for h in horizons]


def _frame(
    found: Excess | None, horizons: Sequence[int], level: float, named: dict[str, object]
) -> list[dict[str, object]]:
    """Return one row per horizon; without a number, and with the reason, where too few left."""
    from scipy.stats import norm

    z = float(norm.isf((1 - level) / 2))
    rows = []
    for j, horizon in enumerate(horizons):
        row: dict[str, object] = {**named, "horizon": horizon}
        reason = _why_not(found, j, horizon)
        if found is not None:
            row |= {"n_affected": found.n_affected, "n_others": found.n_others}
            row |= {"followed": int(found.watched[j])}
        else:
            row |= {"n_affected": 0, "n_others": 0, "followed": 0}
        numbers: list[float | None] = [None] * 7
        if found is not None and not reason:
            value, se = 100 * float(found.value[j]), 100 * float(found.se[j])
            p = float(2 * norm.sf(abs(value) / se))
            shares = [100 * float(found.affected[j]), 100 * float(found.others[j])]
            numbers = [*shares, value, value - z * se, value + z * se, se, p]
        names = ("affected", "others", "value", "low", "high", "se", "p")
        row |= dict(zip(names, numbers, strict=True))
        rows.append({**row, "status": "no data" if reason else "ok", "reason": reason})
    return rows


def _why_not(found: Excess | None, j: int, horizon: int) -> str:
    """Say why there is no number at a horizon; nothing where there is one."""
    if found is None:
        return "nobody affected has a customer alike who was not."
    if found.watched[j] < FEWEST_EXITS:
        few = f"only {int(found.watched[j])}" if found.watched[j] else "none"
        return f"{few} of the affected are followed for {horizon} months."
    if found.exits[j] < FEWEST_EXITS:
        few = f"only {int(found.exits[j])}" if found.exits[j] else "nobody"
        return f"in one of the two groups {few} left within {horizon} months."
    return ""


def _tidy(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return rows as a frame in which a missing number is None."""
    frame = pd.DataFrame(rows)
    for column in ("affected", "others", "value", "low", "high", "se", "p"):
        if column in frame:
            known = frame[column].notna()
            frame[column] = frame[column].astype(object).where(known, None)
    return frame


def by_gap(
    trials: Trials, gaps: Sequence[int], horizons: Sequence[int], level: float
) -> tuple[pd.DataFrame, dict[int, Excess]]:
    """Return the excess for every gap and horizon, and by gap as computed."""
    rows, found = [], {}
    for gap in gaps:
        one = excess(trials.rows(gap=gap), in_days(horizons), customers=trials.people.n)
        if one is not None:
            found[gap] = one
        rows += _frame(one, horizons, level, {"gap": gap})
    return _tidy(rows), found


def robust_to(
    trials: Trials, gap: int, horizon: int, main: dict[str, object], level: float
) -> pd.DataFrame:
    """Return the main comparison beside two others that could be made."""
    n, at = trials.people.n, in_days([horizon])
    rows = [{**main, "comparison": "this report's"}]
    strict = excess(trials.rows(gap=gap, lag=0), at, customers=n)
    named: dict[str, object] = {"gap": gap, "comparison": "others leave it on the day they are"}
    rows += _frame(strict, [horizon], level, {**named})
    late = trials.people.start < trials.people.first
    if late.any():
        known = trials.rows(gap=gap)
        known = known.where(~late[known.customer])
        found = excess(known, at, customers=n)
        rows += _frame(found, [horizon], level, {"gap": gap, "comparison": "joined in the data"})
    return _tidy(rows)


def by_dose(
    first: Trials, events: Events, contacts: Dated, gap: int, horizon: int, level: float
) -> pd.DataFrame:
    """Return the excess after the first, second and third event, against one event fewer."""
    rows, people = [], first.people
    for dose in DOSES:
        trials = first if dose == 1 else sequential(people, events, contacts, order=dose)
        found = excess(trials.rows(gap=gap), in_days([horizon]), customers=people.n)
        rows += _frame(found, [horizon], level, {"dose": dose})
    return _tidy(rows)


def by_recovery(
    study: Study,
    people: People,
    events: Events,
    contacts: Dated,
    gap: int,
    horizon: int,
    level: float,
) -> pd.DataFrame:
    """Return the excess after cases resolved fast, later and not, as known ``gap`` days after."""
    if events.rows["solved"].isna().all():
        if not (study.has("tickets") and "customer" in study.tickets):
            return pd.DataFrame()
        events = bad_events(study, event="long case", measure="", cut=None, at="", limit=0)
    if events.rows.empty:
        return pd.DataFrame()
    trials = sequential(people, events, contacts)
    day, _, row = nth(people, events, 1)
    first = events.rows.iloc[np.maximum(row, 0)]
    took = (first["solved"] - first["began"]).dt.total_seconds().to_numpy() / 3600
    by = days(first["solved"]) <= day + gap
    usual = float(np.median(took[by & (row >= 0)])) if (by & (row >= 0)).any() else 0.0
    names = (
        f"resolved within {usual:.0f} hours",
        f"resolved later, within {gap} days",
        f"not resolved after {gap} days",
    )
    group = np.where(~by, 2, np.where(took <= usual, 0, 1))
    rows = trials.rows(gap=gap)
    parts, found = [], []
    for g, name in enumerate(names):
        some = rows.where(~rows.affected | (group[rows.customer] == g))
        one = excess(some, in_days([horizon]), customers=people.n)
        found.append(one)
        parts += _frame(one, [horizon], level, {"group": name, "of": "against not yet affected"})
    for a, b in ((1, 0), (2, 0)):
        parts.append(_apart(found[a], found[b], names[a], names[b], horizon, level))
    return _tidy(parts)


def _apart(
    a: Excess | None, b: Excess | None, name_a: str, name_b: str, horizon: int, level: float
) -> dict[str, object]:
    """Return the difference of two excesses of the same trials, errors by customer."""
    from scipy.stats import norm

    row: dict[str, object] = {"group": f"{name_a} minus {name_b}", "of": "difference"}
    row |= {"horizon": horizon, "affected": None, "others": None}
    reason = _why_not(a, 0, horizon) or _why_not(b, 0, horizon)
    row |= {"n_affected": a.n_affected if a else 0, "n_others": b.n_affected if b else 0}
    row |= {"followed": int(a.watched[0]) if a else 0}
    if a is None or b is None or reason:
        nothing = dict.fromkeys(("value", "low", "high", "se", "p"))
        return {**row, **nothing, "status": "no data", "reason": reason}
    value = 100 * float(a.value[0] - b.value[0])
    se = 100 * float(cluster_se(a.influence - b.influence)[0])
    z = float(norm.isf((1 - level) / 2))
    row |= {"value": value, "low": value - z * se, "high": value + z * se, "se": se}
    return {**row, "p": float(2 * norm.sf(abs(value) / se)), "status": "ok", "reason": ""}

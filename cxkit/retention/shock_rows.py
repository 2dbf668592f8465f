"""The comparisons behind one bad experience: by gap, by other choices, by dose, by recovery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.retention.clock import MONTH
from cxkit.retention.events import Events, bad_events
from cxkit.retention.matched import cluster_se
from cxkit.retention.readings import Readings, readings
from cxkit.retention.trials import Dated, People, Trials, days, nth, sequential

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxkit.study.study import Study

#: Which bad experiences in a row are looked at.
DOSES = (1, 2, 3)

#: Why there is no number where there is nobody to compare.
NOBODY = "nobody affected has a customer alike who was not."


def in_days(horizons: Sequence[int]) -> list[int]:
    """Return horizons in days."""
    return [round(h * MONTH) for h in horizons]


#: The numbers of a row, in the order of its columns.
NUMBERS = ("affected", "others", "value", "low", "high", "se", "p", "lower", "upper")


def row_of(
    found: Readings | None,
    j: int,
    horizon: int,
    level: float,
    named: dict[str, object],
    errors: tuple[float, float] | None = None,
) -> dict[str, object]:
    """Return a row for one horizon; without numbers, and with the reason, where too few left."""
    reason = NOBODY if found is None else found.why_not(j, horizon)
    numbers: dict[str, object] = dict.fromkeys(NUMBERS)
    if found is not None and not reason:
        numbers = {**found.numbers(j, level=level, errors=errors)}
    one = None if found is None else found.lower
    return {
        **named,
        "horizon": horizon,
        "n_affected": one.n_affected if one else 0,
        "n_others": one.n_others if one else 0,
        "followed": int(one.watched[j]) if one else 0,
        **numbers,
        "status": "no data" if reason else "ok",
        "reason": reason,
    }


def _tidy(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return rows as a frame in which a missing number is None."""
    frame = pd.DataFrame(rows)
    for column in NUMBERS:
        if column in frame:
            known = frame[column].notna()
            frame[column] = frame[column].astype(object).where(known, None)
    return frame


def by_gap(
    trials: Trials,
    gaps: Sequence[int],
    horizons: Sequence[int],
    level: float,
    errors: tuple[int, np.ndarray] | None = None,
) -> tuple[pd.DataFrame, dict[int, Readings]]:
    """Return the excess for every gap and horizon, and by gap as computed.

    ``errors`` are standard errors of the two readings at each horizon, for one gap.
    """
    rows, found = [], {}
    for gap in gaps:
        both = readings(trials, in_days(horizons), gap=gap)
        if both is not None:
            found[gap] = both
        for j, horizon in enumerate(horizons):
            given = errors[1][j] if errors is not None and errors[0] == gap else None
            pair = None if given is None else (float(given[0]), float(given[1]))
            rows.append(row_of(both, j, horizon, level, {"gap": gap}, pair))
    return _tidy(rows), found


def robust_to(
    trials: Trials,
    gap: int,
    horizon: int,
    main: dict[str, object],
    found: Readings | None,
    level: float,
    errors: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return the main comparison beside its two readings, and of those who joined in the data.

    ``errors`` are the standard errors of the lower and the upper reading behind ``main``.
    """
    rows: list[dict[str, object]] = [{**main, "comparison": "both readings (this report's)"}]
    if found is not None:
        j = len(found.lower.value) - 1  # horizons come in order, and this is the longest
        stay = markup.counted(gap, "day")
        for i, one, name in (
            (0, found.lower, f"lower reading: others stay {stay} after their own event"),
            (1, found.upper, "upper reading, the usual design: others leave on the day of it"),
        ):
            alone = Readings(lower=one, upper=one)
            pair = None if errors is None else (float(errors[i]), float(errors[i]))
            rows.append(row_of(alone, j, horizon, level, {"gap": gap, "comparison": name}, pair))
    late = trials.people.start < trials.people.first
    if late.any():
        known = readings(trials, in_days([horizon]), gap=gap, customers=~late)
        named: dict[str, object] = {"gap": gap, "comparison": "only who joined in the data"}
        rows.append(row_of(known, 0, horizon, level, named))
    return _tidy(rows)


def by_dose(
    people: People,
    events: Events,
    contacts: Dated,
    gap: int,
    horizon: int,
    main: dict[str, object],
    level: float,
) -> pd.DataFrame:
    """Return the excess after the first event (``main``), the second and third, by one fewer."""
    rows = [row_of(None, 0, horizon, level, {"dose": DOSES[0]})]
    rows[0] |= {name: main[name] for name in rows[0] if name in main}
    for dose in DOSES[1:]:
        trials = sequential(people, events, contacts, order=dose)
        found = readings(trials, in_days([horizon]), gap=gap)
        rows.append(row_of(found, 0, horizon, level, {"dose": dose}))
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
        f"resolved later, within {markup.counted(gap, 'day')}",
        f"not resolved after {markup.counted(gap, 'day')}",
    )
    group = np.where(~by, 2, np.where(took <= usual, 0, 1))
    parts, found = [], []
    for g, name in enumerate(names):
        one = readings(trials, in_days([horizon]), gap=gap, group=group == g)
        found.append(one)
        named: dict[str, object] = {"group": name, "of": "against not yet affected"}
        parts.append(row_of(one, 0, horizon, level, named))
    for a, b in ((1, 0), (2, 0)):
        parts.append(_apart(found[a], found[b], names[a], names[b], horizon, level))
    return _tidy(parts)


def _apart(
    a: Readings | None, b: Readings | None, name_a: str, name_b: str, horizon: int, level: float
) -> dict[str, object]:
    """Return the difference of two excesses, errors by customer.

    Both are against the same others, so the readings hardly matter: the lower ones are compared.
    """
    from scipy.stats import norm

    row: dict[str, object] = {"group": f"{name_a} minus {name_b}", "of": "difference"}
    row |= {"horizon": horizon, **dict.fromkeys(NUMBERS)}
    reason = NOBODY
    if a is not None and b is not None:
        reason = a.why_not(0, horizon) or b.why_not(0, horizon)
    row |= {
        "n_affected": a.lower.n_affected if a else 0,
        "n_others": b.lower.n_affected if b else 0,
    }
    row |= {"followed": int(a.lower.watched[0]) if a else 0}
    if a is None or b is None or reason:
        return {**row, "status": "no data", "reason": reason}
    value = 100 * float(a.lower.value[0] - b.lower.value[0])
    se = 100 * float(cluster_se(a.lower.influence - b.lower.influence)[0])
    z = float(norm.isf((1 - level) / 2))
    row |= {"value": value, "low": value - z * se, "high": value + z * se, "se": se}
    row |= {"lower": value, "upper": value}
    return {**row, "p": float(2 * norm.sf(abs(value) / se)), "status": "ok", "reason": ""}

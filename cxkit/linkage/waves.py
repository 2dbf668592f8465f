"""The waves of a study: their days, and which answers of the other side belong to which."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pandas as pd

from cxkit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cxkit.linkage.sides import Clients, Staff


def spans(waves: Sequence[str]) -> pd.DataFrame:
    """Return each wave's first and last day, where its name is a date's."""
    halves = {"H1": ("Q1", "Q2"), "H2": ("Q3", "Q4")}
    rows = []
    for wave in waves:
        ends = [wave[:4] + q for q in halves.get(wave[4:], (wave[4:], wave[4:]))]
        try:
            first, last = (pd.Period(end) for end in ends)
        except ValueError:
            return pd.DataFrame(columns=["wave", "first", "last"])
        rows.append({"wave": wave, "first": first.start_time, "last": last.end_time.normalize()})
    return pd.DataFrame(rows, columns=["wave", "first", "last"])


def uneven(spans: pd.DataFrame) -> str:
    """Say that lags of one wave are not equally long; "" where they are, or it is not known."""
    first = spans["first"].tolist()
    steps = [12 * (b.year - a.year) + b.month - a.month for a, b in pairwise(first)]
    if not steps or min(steps) == max(steps):
        return ""
    names = spans["wave"].tolist()
    gaps = zip(pairwise(names), steps, strict=True)
    wide = [f"{a} to {b}" for (a, b), months in gaps if months > min(steps)]
    more = " …" if len(wide) > 3 else ""
    return (
        f"From one wave to the next it is {min(steps)} to {max(steps)} months, the longer ones "
        f"{', '.join(wide[:3])}{more}. Lags and changes go from a wave to the next there is, "
        "whatever lies between."
    )


def on_roll(staff: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> pd.Series:
    """Return which employment spells touch the days from the first to the last."""
    return (staff["start"] <= last) & (staff["end"].isna() | (staff["end"] >= first))


def calendar(waves: Iterable[str]) -> Callable[[pd.Timestamp], str | None] | None:
    """Return how a day becomes a wave's name, or None where the names are no dates."""
    names = {str(name) for name in waves}
    for form, name_of in _CALENDARS.items():
        if names and all(re.fullmatch(form, name) for name in names):
            return name_of
    return None


#: How a wave's name may be written, and how a day of it becomes that name.
_CALENDARS: dict[str, Callable[[pd.Timestamp], str | None]] = {
    r"\d{4}Q[1-4]": lambda d: f"{d.year}Q{(d.month + 2) // 3}",
    r"\d{4}H[12]": lambda d: f"{d.year}H{(d.month + 5) // 6}",
    r"\d{4}-\d{2}": lambda d: f"{d.year}-{d.month:02d}",
    r"\d{4}": lambda d: f"{d.year}",
}


def in_wave(rows: pd.DataFrame, wave: str) -> pd.DataFrame:
    """Keep one wave, or refuse one that is not there; "" keeps all."""
    if not wave:
        return rows
    known = sorted(set(rows["wave"].astype(str)))
    if wave not in known:
        raise ParameterError(
            f"wave={wave!r} is not in the study.\n  Its waves: {', '.join(known)}."
        )
    return rows[rows["wave"].astype(str) == wave].reset_index(drop=True)


def dated(
    clients: Clients, names: Iterable[str], *, of: str = "the employees' survey"
) -> tuple[pd.DataFrame, str, int, pd.DataFrame]:
    """Lay the customers' answers beside the other side's waves.

    Returns the answers with their wave, why that cannot be done (""), how many answers fall in no
    wave, and the waves that have one side only.
    """
    known = set(names)
    scored, name_of = clients.rows.copy(), calendar(known)
    alone = pd.DataFrame(columns=["wave", "side"])
    if name_of is None:
        note = "the waves' names are not all years, half-years, quarters or months, so customers' "
        return (
            scored.assign(wave=None),
            note + "answers cannot be laid beside them by wave",
            0,
            alone,
        )
    days = {day: name_of(day) for day in scored["answered_on"].dropna().unique()}
    scored["wave"] = [days.get(day) for day in scored["answered_on"]]
    inside = scored["wave"].isin(known)
    if not inside.any():
        note = (
            f"no customer answered in a wave of {of} ({min(known)} to "
            f"{max(known)}), so answers of different times stand beside each other"
        )
        return scored, note, 0, alone
    heard = set(scored["wave"].dropna())
    gone = [(w, "experience") for w in known - heard] + [(w, "engagement") for w in heard - known]
    alone = pd.DataFrame(sorted(gone), columns=["wave", "side"])
    return scored[inside], "", int((~inside).sum()), alone


def renamed(staff: Staff, names: Iterable[str]) -> tuple[pd.DataFrame, str, pd.DataFrame]:
    """Lay the employees' waves beside those of the other side's scores, which may be longer."""
    known, name_of = set(names), calendar(set(names))
    own = sorted(set(staff.rows["wave"]))
    longer = {w: w for w in own if w in known}
    for span in spans(own).to_dict("records"):
        ends = {name_of(span[e]) for e in ("first", "last")} if name_of is not None else set()
        if len(ends) == 1 and ends <= known:
            longer[span["wave"]] = str(ends.pop())
    if not longer:
        note = (
            "no wave of the employees' survey lies in a wave of the customers' scores, so answers "
        )
        return (
            staff.rows,
            note + "of different times stand beside each other",
            pd.DataFrame(columns=["wave", "side"]),
        )
    rows = staff.rows.assign(wave=staff.rows["wave"].map(longer))
    gone = [(w, "experience") for w in own if w not in longer]
    gone += [(w, "engagement") for w in sorted(known - set(longer.values()))]
    return rows[rows["wave"].notna()], "", pd.DataFrame(gone, columns=["wave", "side"])

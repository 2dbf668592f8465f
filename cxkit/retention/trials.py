"""Sequential trials: in every calendar month, who was affected then beside who was not yet."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.retention.clock import MONTH
from cxkit.retention.matched import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxkit.retention.events import Events
    from cxkit.study.study import Study

#: Months with the firm, and contacts in the year before, within which customers count as alike.
TENURE_STEPS = (6.0, 12.0, 24.0, 48.0)
CONTACT_STEPS = (1, 2, 4)
YEAR = 365

#: Months of trials within which customers count as alike.
QUARTER = 3

#: Rows of others from which not every customer is one in every month: memory, not meaning.
MOST_ROWS = 4_000_000

#: A day after every other, in days since 1970.
NEVER = 2**31

#: Share of the affected that may stay without anybody alike before segments are no longer matched.
UNMATCHED_MOST = 0.10

#: Spreads the days on which others start over the month, evenly and without chance.
_GOLDEN, _SILVER = 0.6180339887498949, 0.4142135623730951


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The customers as arrays of days since 1970; ``left`` is NEVER for those still there."""

    ids: np.ndarray
    start: np.ndarray
    left: np.ndarray
    segment: np.ndarray  # number of the combination of segments
    first: int  # first day of the data
    last: int  # last day of the data

    @property
    def n(self) -> int:
        """Return how many customers there are."""
        return len(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Every customer in every month in which they could be affected, or were.

    Attributes
    ----------
    customer : ndarray of int
        Position among the people.
    day : ndarray of int
        The day of the event; for others, a day of the same month.
    look : ndarray of int
        The first day of the contact in which it happened: what was before it is earlier.
    cell : ndarray of int
        Quarter, tenure, contacts and (where matched on) segments, as one number.
    kind : ndarray of int
        The same without the months.
    affected : ndarray of bool
    own : ndarray of int
        For others, the day of their own event, NEVER if there is none.
    segments : bool
        Whether segments are among what is alike.
    """

    customer: np.ndarray
    day: np.ndarray
    look: np.ndarray
    cell: np.ndarray
    kind: np.ndarray
    affected: np.ndarray
    own: np.ndarray
    segments: bool
    people: People

    def rows(self, *, gap: int, lag: int | None = None) -> Rows:
        """Start the clock ``gap`` days after each row's day, with those who are still there.

        Notes
        -----
        Others are censored ``lag`` days after their own event (None: the gap). Were they always
        censored on its day, a firm whose leavers complain on their way out would lose its leaving
        others just before they leave, and the affected would seem to leave more; see `readings`.
        """
        p = self.people
        begin = self.day + gap
        left = p.left[self.customer]
        censored = np.where(self.affected, NEVER, self.own + (gap if lag is None else lag))
        end = np.minimum(np.minimum(left, p.last), censored)
        keep = (left > begin) & (end > begin)
        return Rows(
            customer=self.customer[keep],
            cell=self.cell[keep],
            affected=self.affected[keep],
            days=(end - begin)[keep],
            left=(left == end)[keep],
            turned=((censored == end) & (left > end))[keep],
            kind=self.kind[keep],
        )


def people_of(study: Study) -> People:
    """Return a study's customers as arrays."""
    customers = study.customers
    customers = customers[customers["customer"].notna() & customers["start"].notna()]
    names = [n for n in study.contract.of("customers").segments if n in customers]
    if names:
        text = customers[names].astype("string").fillna("(missing)")
        segment = text.groupby(names, sort=True).ngroup().to_numpy()
    else:
        segment = np.zeros(len(customers), int)
    last = days(pd.Series([study.as_of]))[0]
    left = days(customers["end"])
    begin = study.observed_from
    first = days(pd.Series([begin]))[0] if begin is not None else _first_seen(study)
    return People(
        ids=customers["customer"].to_numpy(str),
        start=days(customers["start"]),
        left=np.where(left <= last, left, NEVER),
        segment=segment,
        first=int(first),
        last=int(last),
    )


def days(dates: pd.Series) -> np.ndarray:
    """Return dates as days since 1970; NEVER where there is none."""
    whole = dates.to_numpy("datetime64[D]").astype(np.int64)
    return np.where(dates.isna().to_numpy(), NEVER, whole)


class Dated:
    """Dated happenings of customers, to be counted between two days."""

    def __init__(
        self, people: People, customer: pd.Series, day: pd.Series, value: pd.Series | None = None
    ) -> None:
        """Sort the happenings by customer and day; those of nobody are left out."""
        who = positions(people, customer)
        when = days(day)
        known = (who >= 0) & (when < NEVER)
        order = np.lexsort((when[known], who[known]))
        self._key = who[known][order] * NEVER + when[known][order]
        worth = np.ones(len(who)) if value is None else value.to_numpy(float)
        self._sum = np.concatenate([[0.0], np.cumsum(worth[known][order])])

    def between(self, who: np.ndarray, first: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Return the number, or the sum of values, from ``first`` to the day before ``end``."""
        low = np.searchsorted(self._key, who * NEVER + first)
        high = np.searchsorted(self._key, who * NEVER + end)
        found: np.ndarray = self._sum[high] - self._sum[low]
        return found


def positions(people: People, customer: pd.Series) -> np.ndarray:
    """Return each id's position among the people, -1 for one who is not there."""
    at = pd.Index(people.ids).get_indexer(pd.Index(customer.astype("object").fillna("")))
    return np.asarray(at, dtype=np.int64)


def contacts_of(study: Study, people: People) -> Dated:
    """Return every contact known: surveys (on the day answered, else asked) and service cases."""
    who, when = [], []
    if study.has("responses") and "customer" in study.responses:
        answers = study.responses
        none = pd.Series(pd.NaT, index=answers.index, dtype="datetime64[us]")
        who.append(answers["customer"])
        when.append(answers.get("answered_on", none).fillna(answers.get("asked_on", none)))
    if study.has("tickets") and "customer" in study.tickets:
        cases = study.tickets
        who.append(cases["customer"])
        when.append(cases["opened"])
    if not who:
        return Dated(people, pd.Series([], dtype=str), pd.Series([], dtype="datetime64[us]"))
    return Dated(people, pd.concat(who, ignore_index=True), pd.concat(when, ignore_index=True))


def nth(people: People, events: Events, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the day of each customer's n-th event, where its contact began, and its row's number.

    The day is NEVER and the row -1 for those who have no n-th event.
    """
    rows = events.rows
    which = (rows.groupby("customer", sort=False).cumcount() == n - 1).to_numpy()
    who = positions(people, rows["customer"])
    which = which & (who >= 0)
    day, began = np.full(people.n, NEVER), np.full(people.n, NEVER)
    row = np.full(people.n, -1)
    day[who[which]] = days(rows["day"])[which]
    began[who[which]] = days(rows["began"])[which]
    row[who[which]] = np.flatnonzero(which)
    return day, began, row


def sequential(people: People, events: Events, contacts: Dated, *, order: int = 1) -> Trials:
    """Return one trial per calendar month: those whose ``order``-th event fell in it, and others.

    Notes
    -----
    Others have had ``order - 1`` events and not yet the next on their day of the month, which is
    spread evenly over it. Both are customers and inside the data on their day. Alike are: three
    months of trials; months with the firm (cut at 6, 12, 24 and 48); contacts in the 365 days
    before (0, 1, 2-3, 4 or more; for the affected, before the contact in which it happened); and
    the study's segments, unless more than a tenth of the affected would then have nobody alike.
    Where that is more than four million rows, each customer is among the others in every second
    (third, ...) month only; all of the affected stay.
    """
    event, began, _ = nth(people, events, order)
    before = nth(people, events, order - 1)[0] if order > 1 else np.full(people.n, people.first - 1)
    starts = _months(people)
    parts: list[tuple[np.ndarray, ...]] = []
    number = np.arange(people.n)
    every = -(-people.n * (len(starts) - 1) // MOST_ROWS)
    for m, (begin, end) in enumerate(pairwise(starts)):
        spread = (number * _GOLDEN + m * _SILVER) % 1
        day = begin + np.floor(spread * (end - begin)).astype(np.int64)
        other = (people.start <= day) & (day < people.left) & (before < day) & (event > day)
        other &= (number + m) % every == 0
        hit = (event >= begin) & (event < end) & (before < event)
        for kind, on, look in ((hit, event, began), (other, day, day)):
            who = number[kind]
            same = (np.full(len(who), m // QUARTER), np.full(len(who), kind is hit))
            parts.append((who, on[kind], look[kind], *same))
    customer, day, look, season, affected = (np.concatenate(c) for c in zip(*parts, strict=True))
    tenure = np.searchsorted(TENURE_STEPS, (day - people.start[customer]) / MONTH, side="right")
    seen = contacts.between(customer, look - YEAR, look)
    busy = np.searchsorted(CONTACT_STEPS, seen, side="right")
    coarse = tenure * (len(CONTACT_STEPS) + 1) + busy
    fine = people.segment[customer] * (int(coarse.max(initial=0)) + 1) + coarse
    seasons = int(season.max(initial=0)) + 1
    segments = bool(people.segment.any())
    segments &= _unmatched(fine * seasons + season, affected) <= UNMATCHED_MOST
    kind = np.unique(fine if segments else coarse, return_inverse=True)[1]
    cell = np.unique(kind * seasons + season, return_inverse=True)[1]
    return Trials(
        customer=customer,
        day=day,
        look=look,
        cell=cell,
        kind=kind,
        affected=affected,
        own=event[customer],
        segments=segments,
        people=people,
    )


def _months(people: People) -> Sequence[int]:
    """Return the first day of each calendar month of the data, and the day after the last."""
    first = np.datetime64(people.first, "D").astype("datetime64[M]")
    last = np.datetime64(people.last, "D").astype("datetime64[M]")
    after = last + np.timedelta64(1, "M")
    months = np.arange(first, after).astype("datetime64[D]").astype(np.int64)
    return [people.first, *(int(d) for d in months[1:]), people.last + 1]


def _unmatched(cell: np.ndarray, affected: np.ndarray) -> float:
    """Return the share of the affected in whose cell there is nobody else."""
    others = np.unique(cell[~affected])
    return float(np.mean(~np.isin(cell[affected], others))) if affected.any() else 0.0


def _first_seen(study: Study) -> int:
    """Return the first day on which anything dated is seen, where the study does not say."""
    seen = [NEVER]
    if study.has("responses") and "answered_on" in study.responses:
        seen.append(int(days(study.responses["answered_on"]).min(initial=NEVER)))
    if study.has("tickets"):
        seen.append(int(days(study.tickets["opened"]).min(initial=NEVER)))
    earliest = min(seen)
    return earliest if earliest < NEVER else int(days(study.customers["start"]).min())

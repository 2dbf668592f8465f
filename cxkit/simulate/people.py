"""The employees: spells at a branch, and what they answer in each wave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxkit.simulate.days import AS_OF, FIRST_WAVE, OBSERVED_FROM, WAVE_DAYS, WAVES, blank, day, iso
from cxkit.simulate.draws import KEPT, Draws, whole_answer

if TYPE_CHECKING:
    from cxkit.simulate.branches import Branches

#: Standard deviations of one employee's engagement: who they are, how this quarter went.
PERSON, OCCASION = 0.40, 0.20
#: ... and of what a single question adds. The two questions on appreciation split every branch:
#: half the people feel seen, half do not, so a branch's mean of them describes nobody.
ITEM_NOISE, APPRECIATED_SPLIT = 0.45, 1.35
#: How much an employee's view of the service follows their own index: the common source.
OWN_INDEX = 0.9
PARTICIPATION, PARTICIPATION_BY_ENGAGEMENT = 0.70, 0.06
YEARS_IN_POST = 4.5
PAY_BANDS = ("A", "B", "C", "D")

#: column: (name in the study, group, mean); left_alone is worded the other way round.
ITEMS = {
    "q1": ("proud", "engaged", 3.75),
    "q2": ("left_alone", "engaged", 3.60),
    "q3": ("would_stay", "satisfied", 3.45),
    "q4": ("good_place", "satisfied", 3.60),
    "q5": ("may_decide", "empowered", 3.30),
    "q6": ("knows_how", "trained", 3.65),
    "q7": ("thanked", "appreciated", 3.05),
    "q8": ("heard", "appreciated", 3.00),
}
REVERSED = "q2"
APPRECIATED = ("q7", "q8")


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """One row per spell of employment; ``trait`` is how engaged the person is beside the branch."""

    branch: np.ndarray
    start: np.ndarray
    end: np.ndarray
    pay_band: np.ndarray
    trait: np.ndarray
    split: np.ndarray

    @property
    def n(self) -> int:
        """Return the number of spells."""
        return len(self.branch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Everyone on the roll on one wave's day, with their true index and whether they took part."""

    person: np.ndarray
    index: np.ndarray
    took_part: np.ndarray


def draw_people(seed: int, b: Branches, *, part: int = 6) -> People:
    """Draw the spells that touch the period; people stay longer where engagement is higher."""
    draws = Draws(seed, part)
    branch = np.repeat(np.arange(b.n), b.staff)
    posts, spells = len(branch), 14
    years = YEARS_IN_POST * np.exp(1.5 * b.engagement[branch])[:, None]
    length = np.floor(np.round(365.25 * years * draws.exponential(posts, spells), 6)) + 30
    vacant = draws.whole(5, 60, posts, spells)
    first = day("2015-01-01") + draws.whole(0, 900, posts)
    past = np.cumsum(length + vacant, axis=1).astype(int)
    start = first[:, None] + np.column_stack([np.zeros(posts, int), past[:, :-1]])
    end = start + length.astype(int)
    post, which = np.nonzero((start <= AS_OF) & (end > OBSERVED_FROM))
    n = len(post)
    begin, until = start[post, which], end[post, which]
    years_in = (AS_OF - begin) / 365.25
    steps = np.round(0.25 * years_in + 2.2 * draws.uniform(n), KEPT)
    return People(
        branch=branch[post],
        start=begin,
        end=until,
        pay_band=np.clip(np.floor(steps), 0, 3).astype(int),
        trait=np.round(PERSON * draws.normal(n), KEPT),
        split=np.where(draws.happens(0.5, n), 1, -1),
    )


def staff_table(p: People, b: Branches, *, after: int = 0) -> dict[str, list[str]]:
    """Return the columns of staff.csv; ids go on ``after`` those already given."""
    return {
        "employee_id": [f"e{after + i + 1:05d}" for i in range(p.n)],
        "branch": b.ids[p.branch].tolist(),
        "hired_on": iso(p.start),
        "left_on": iso(p.end, p.end <= AS_OF),
        "pay_band": [PAY_BANDS[k] for k in p.pay_band],
    }


def draw_waves(
    seed: int, p: People, b: Branches, *, part: int = 7, after: int = 0
) -> tuple[list[Wave], dict[str, list[str]]]:
    """Draw every wave: the true indices, and the columns of engagement.csv.

    Notes
    -----
    An employee's true index in a wave is branch (stable) + branch (that quarter) + person +
    occasion, around the items' means. The view of how well customers are served leans on the
    answerer's own index more than on the branch's service: the common source.
    """
    draws = Draws(seed, part)
    pseudonym = after + draws.order(p.n)
    waves: list[Wave] = []
    table: dict[str, list[str]] = {"respondent": [], "branch": [], "wave": []}
    for t, when in enumerate(WAVE_DAYS):
        person = np.flatnonzero((p.start <= when) & (p.end > when))
        n, branch = len(person), p.branch[person]
        index = np.round(
            b.engagement[branch]
            + b.engagement_wave[branch, t]
            + p.trait[person]
            + OCCASION * draws.normal(n),
            KEPT,
        )
        took = draws.happens(PARTICIPATION + PARTICIPATION_BY_ENGAGEMENT * p.trait[person] / PERSON)
        waves.append(Wave(person=person, index=index, took_part=took))
        served = 0.10 * b.service[branch] + b.service_quarter[branch, FIRST_WAVE + t]
        rows = {
            "respondent": [f"p{k + 1:05d}" for k in pseudonym[person]],
            "branch": b.ids[branch].tolist(),
            "wave": [WAVES[t]] * n,
            **_items(draws, index, p.split[person]),
            "enps": _text(whole_answer(6.9 + 3.0 * index + 1.5 * draws.normal(n), 0, 10)),
            "serves_well": _text(
                whole_answer(3.45 + OWN_INDEX * index + served + 0.45 * draws.normal(n), 1, 5)
            ),
        }
        order = [i for i in np.argsort(pseudonym[person], kind="stable") if took[i]]
        for name, values in rows.items():
            table.setdefault(name, []).extend(values[i] for i in order)
    return waves, table


def _items(draws: Draws, index: np.ndarray, split: np.ndarray) -> dict[str, list[str]]:
    """Return the answers to the items; a few are left out."""
    answers = {}
    for column, (_, _, mean) in ITEMS.items():
        n = len(index)
        own = APPRECIATED_SPLIT * split if column in APPRECIATED else 0.0
        value = whole_answer(mean + index + own + ITEM_NOISE * draws.normal(n), 1, 5)
        value = 6 - value if column == REVERSED else value
        answers[column] = blank(value.tolist(), ~draws.happens(0.02, n))
    return answers


def _text(values: np.ndarray) -> list[str]:
    """Return whole numbers as text."""
    return [str(v) for v in values.tolist()]

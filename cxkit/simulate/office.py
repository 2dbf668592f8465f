"""The head office: people who answer the employees' survey and serve no customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxkit.simulate.branches import Branches
from cxkit.simulate.days import QUARTER_STARTS
from cxkit.simulate.people import draw_people, draw_waves, staff_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def head_office(seed: int, *, posts: int, after: int) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return its rows of engagement, staff and units; none where it has no post.

    Parameters
    ----------
    seed : int
        The study's seed.
    posts : int
        Posts at the head office.
    after : int
        Ids and pseudonyms already given in the branches.
    """
    one, quarters = np.zeros(1), np.zeros((1, len(QUARTER_STARTS)))
    office = Branches(
        ids=np.array(["head"]),
        names=("Head office",),
        region=np.zeros(1, int),
        size=np.zeros(1, int),
        urban=np.ones(1, bool),
        new=np.zeros(1, bool),
        service=one,
        engagement=one,
        service_quarter=quarters,
        engagement_wave=quarters,
        staff=np.array([posts]),
    )
    people = draw_people(seed, office, part=9)
    _, engagement = draw_waves(seed, people, office, part=10, after=after)
    units = {
        "branch": "head",
        "branch_name": "Head office",
        "region": "Centre",
        "size": "large",
        "urban": "yes",
    }
    return {
        "engagement": engagement,
        "staff": staff_table(people, office, after=after),
        "units": {name: [value] if posts else [] for name, value in units.items()},
    }

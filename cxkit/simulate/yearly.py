"""The yearly index of the branches from before the quarterly survey: two other questionnaires."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxkit.simulate.branches import ENGAGEMENT_STABLE
from cxkit.simulate.draws import Draws, whole_answer

if TYPE_CHECKING:
    from cxkit.simulate.branches import Branches

#: A firm of fewer branches never bought the index.
FEWEST_BRANCHES = 20

#: wave: (questionnaire, mean and standard deviation of the true scores, SD of the noise). The app
#: asked for a thumb up or down, so nearly everybody is content: its scores crowd at the top.
INDEX = {
    "2021": ("paper questionnaire", 62.0, 8.0, 5.0),
    "2022": ("thumbs in the app", 93.0, 4.0, 3.0),
}


def unit_scores_table(seed: int, b: Branches) -> dict[str, list[str]]:
    """Return the columns of unit_scores.csv, without a row where there are few branches.

    Notes
    -----
    Both sides follow the branch's stable engagement and service; what is added is noise. A branch
    that has just opened was not there yet.
    """
    draws = Draws(seed, 11)
    table: dict[str, list[str]] = {name: [] for name in _COLUMNS}
    if b.n < FEWEST_BRANCHES:
        return table
    there = np.flatnonzero(~b.new)
    for wave, (asked, mean, spread, noise) in INDEX.items():
        sides = [
            whole_answer(mean + spread * side + noise * draws.normal(b.n), 0, 100)
            for side in (b.engagement / ENGAGEMENT_STABLE, b.service)
        ]
        staff = np.maximum(b.staff - draws.whole(0, 4, b.n), 1)
        customers = draws.whole(20, 60, b.n)
        for i in there.tolist():
            row = (b.ids[i], wave, asked, sides[0][i], sides[1][i], staff[i], customers[i])
            for name, value in zip(_COLUMNS, row, strict=True):
                table[name].append(str(value))
    return table


_COLUMNS = (
    *("branch", "year", "questionnaire", "team_index", "customer_index"),
    *("employees_asked", "customers_asked"),
)

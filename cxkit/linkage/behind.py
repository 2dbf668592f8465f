"""How many people stand behind a figure of some units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.linkage.pairs import Pairs


def people(pairs: Pairs, units: pd.DataFrame) -> tuple[float, float]:
    """Return the employees and the customers of some units, each person once.

    Scores aggregated elsewhere have their published counts; infinity where one was not published,
    since their publisher let them be shown.
    """
    sides = (
        (pairs.employees, "respondent", "n_employees"),
        (pairs.customers, "customer", "n_customers"),
    )
    found = []
    for answers, person, count in sides:
        if answers is not None:
            there = answers["unit"].isin(set(units["unit"]))
            found.append(float(answers.loc[there, person].nunique()))
        else:
            known = bool(units[count].notna().all())
            found.append(float(units[count].sum()) if known else math.inf)
    return found[0], found[1]


def people_in_waves(pairs: Pairs) -> tuple[float, float]:
    """Return the people behind the units that have both sides in the same wave, each once."""
    if pairs.waves.empty:  # then there is nothing to withhold either
        return math.inf, math.inf
    units = pairs.units[pairs.units["unit"].isin(set(pairs.waves["unit"]))]
    employees, customers = people(pairs, units)
    both = pairs.waves[["unit", "wave"]]
    if pairs.survey is not None:
        employees = float(pairs.survey.merge(both, on=["unit", "wave"])["respondent"].nunique())
    if pairs.answers is not None:
        customers = float(pairs.answers.merge(both, on=["unit", "wave"])["customer"].nunique())
    return employees, customers

"""A snapshot has tenure and a churned flag but no dates: churn in one window, by experience."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cxkit.errors import QuestionError
from cxkit.metrics.compare import difference
from cxkit.metrics.proportions import share

if TYPE_CHECKING:
    from cxkit.results import Difference
    from cxkit.study.study import Study


def churn_by(study: Study, experience: str, *, level: float) -> tuple[Difference, pd.DataFrame]:
    """Compare churn in the window between customers with and without a bad experience.

    Parameters
    ----------
    study : Study
        Whose customers are in snapshot form.
    experience : str
        A column declared under `experience:` with its bad values.
    level : float
        Level of the intervals.

    Returns
    -------
    tuple of Difference and DataFrame
        Churn with the bad experience minus churn without it (percentage points, Newcombe), and one
        row per group: group, value, low, high (percent, Wilson), n, exits.

    Raises
    ------
    QuestionError
        If nobody churned, everybody churned, or one of the two groups is empty.
    """
    customers = study.customers
    bad = study.contract.customers.experience[experience].bad
    values = customers[experience]
    known = values.notna() & customers["churned"].notna()
    churned = customers.loc[known, "churned"].astype(bool)
    if churned.all() or not churned.any():
        what = "All" if churned.all() and len(churned) else "None"
        raise QuestionError(
            f"{what} of the {len(churned):,} customers have churned: churn cannot be compared."
            "\n  Export the customers of the whole window, those who left and those who stayed."
        )
    with_bad = values[known].isin(bad)
    groups = {f"{experience}": with_bad, f"no {experience}": ~with_bad}
    estimates, rows = [], []
    for name, mask in groups.items():
        e = share(churned[mask], metric="churn", level=level)
        estimates.append(e)
        rows.append(
            {
                "group": name,
                "value": e.value,
                "low": e.low,
                "high": e.high,
                "n": e.n,
                "exits": int(churned[mask].sum()),
            }
        )
    if not (estimates[0].ok and estimates[1].ok):
        empty = [name for name, mask in groups.items() if not mask.any()]
        raise QuestionError(
            f"Nobody is in the group {empty[0]!r}, so there is nothing to compare.\n"
            f"  Check the values declared `bad` for {experience} in study.yml."
        )
    gap = difference(*estimates, a_name=experience, b_name=f"no {experience}")
    return gap, pd.DataFrame(rows)


def exposures(study: Study) -> list[str]:
    """Return the experience columns of a snapshot, in the order they were declared."""
    return list(study.contract.customers.experience)

"""Service cases as episodes: what was known of a customer's cases on each day."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.errors import QuestionError
from cxkit.metrics.answers import is_real
from cxkit.retention.asked import hold_asked
from cxkit.retention.clock import MONTH
from cxkit.retention.episodes import followed, of_changes

if TYPE_CHECKING:
    from cxkit.retention.episodes import Episodes, Unit
    from cxkit.study.study import Study

#: The state of customers of whom no case counts yet.
NO_CASE = "no case yet"


def case_episodes(
    study: Study, *, limit: int = 7, gap: int = 90, longest: float = 24.0, unit: Unit = "days"
) -> Episodes:
    """Turn the customers and service cases of a study into episodes of what was known on each day.

    Parameters
    ----------
    study : Study
        With customers in dated form, and tickets by customer.
    limit : int
        Days after which a case that is not resolved has taken too long.
    gap : int
        Days from a change until it counts: a case may be opened because of leaving.
    longest : float
        Months after which the last change is too old to count.
    unit : {"days", "months"}
        Whole days, or whole months of 365.25 / 12 days: months can be counted, days cannot.

    Returns
    -------
    Episodes
        ``state`` is the worst that was known: a case open for longer than the limit; a case open;
        the last resolved case took longer; it took no longer; then "no case yet" and, where there
        are any, cases that are too old. ``rows`` has ``cases``, the number known so far, in place
        of ``score``.

    Raises
    ------
    MissingTableError
        If the study has no customers or no tickets.
    QuestionError
        The cases do not say whose they are, the limit is negative, ``longest`` is shorter than the
        gap, or nobody can be followed.

    Notes
    -----
    A case is known from the day on which it was opened, over its limit from the day on which that
    runs out, and resolved from the day of its resolution: nothing is carried back. Cases of one
    customer may overlap. Cases opened before joining, and on or after the day of leaving, are
    dropped and counted. Of customers who joined before the data begin, earlier cases may not be
    known. When a case was reopened is not in the table, so that it cannot be a state.

    Examples
    --------
    >>> import cxkit as cx
    >>> found = cx.case_episodes(cx.sample_study())
    >>> found.bands[:2]
    ('case open over 7 days', 'case open')
    """
    hold_asked(study, gap=gap)
    study.need("customers", "tickets", why="to see who stayed, and which cases they had")
    if "customer" not in study.tickets:
        raise QuestionError(
            "The service cases of this study do not say whose they are.\n  In study.yml write, "
            "under tickets,  customer: NAME."
        )
    if not is_real(limit) or limit < 0:
        raise QuestionError(
            f"limit = {limit!r} is no number of days.\n  Ask with limit = 0 or more."
        )
    per = 1.0 if unit == "days" else MONTH
    people, steps = followed(study, per)
    cases = study.tickets
    cases = cases[cases["customer"].notna() & cases["opened"].notna()]
    given = cases[["customer", "opened", "resolved"]].merge(
        people[["id", "customer", "joined", "end", "left"]], on="customer", how="inner"
    )
    late = given["left"] & (given["opened"] >= given["end"])
    early = given["opened"] < given["joined"]
    steps += [
        ("cases", len(cases), "with a customer and a day of opening"),
        (
            "cases of nobody followed",
            len(cases) - len(given),
            "no such customer in the table and the data's period: dropped",
        ),
        (
            "cases on or after leaving",
            int(late.sum()),
            "opened on or after the day of leaving: dropped",
        ),
        ("cases before joining", int(early.sum()), "opened before the relationship: dropped"),
    ]
    changes = _changes(given[~late & ~early], limit)
    found = of_changes(
        study,
        people,
        changes.assign(at=changes["at"] / per),
        states=(
            f"case open over {limit:g} days",
            "case open",
            f"last case took over {limit:g} days",
            f"last case took up to {limit:g} days",
        ),
        beside=(NO_CASE, f"last change over {longest:g} months ago"),
        steps=steps,
        gap=gap,
        longest=longest,
        unit=unit,
        said="a change of a case counts from {gap} days after it until the next one, for at most "
        "{longest:g} months",
    )
    known = found.rows["score"].groupby(found.rows["customer"]).ffill()
    rows = found.rows.rename(columns={"score": "cases"})
    rows["cases"] = known.fillna(0).astype(int)  # a case that is too old was there all the same
    return dataclasses.replace(found, rows=rows)


def _changes(cases: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Return each day on which more was known of a customer's cases: id, at, state, score.

    ``at`` is in days since joining; ``score`` is the number of cases so far.
    """
    took = cases["resolved"] - cases["opened"]
    slow = (took.isna() | (took > pd.Timedelta(days=limit))).to_numpy()
    opened = (cases["opened"] - cases["joined"]).dt.days.to_numpy(float)
    solved = (cases["resolved"] - cases["joined"]).dt.days.to_numpy(float)
    case = pd.DataFrame({"id": cases["id"].to_numpy(), "slow": slow})
    closed = case.assign(at=solved, n=0, open=-1, over=-case["slow"].astype(int), last=case["slow"])
    steps = [
        case.assign(at=opened, n=1, open=1, over=0, last=np.nan),
        case.assign(at=opened + limit, n=0, open=0, over=1, last=np.nan)[slow],
        closed[~np.isnan(solved)],
    ]
    # of one day: opened, over the limit, resolved
    rows = pd.concat([s.assign(order=i) for i, s in enumerate(steps)], ignore_index=True)
    rows = rows.sort_values(["id", "at", "order"], kind="stable", ignore_index=True)
    so_far = rows.groupby("id")[["n", "open", "over"]].cumsum()
    last = rows["last"].astype(float).groupby(rows["id"]).ffill()
    state = np.select([so_far["over"] > 0, so_far["open"] > 0, last == 1], [0, 1, 2], 3)
    return pd.DataFrame({"id": rows["id"], "at": rows["at"], "state": state, "score": so_far["n"]})

"""Who answered against everyone who was asked: tenure, value, cases and leaving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.disclosure import LEAST_CUSTOMERS, count_said, gives_away, leavers
from cxkit.errors import QuestionError
from cxkit.results import Guard, Table
from cxkit.retention.asked import hold_asked
from cxkit.retention.clock import MONTH

if TYPE_CHECKING:
    from cxkit.study.study import Study

#: Standardised difference from which two groups are called unlike.
UNLIKE = 0.1

COLUMNS = ("trait", "answered", "everyone", "difference", "by_chance", "n", "n_missing")

#: Traits whose mean times its customers tells how many had it.
COUNTED = ("cases", "left")

#: Days before the survey in which a customer's cases are counted.
LOOK_BACK = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonresponse:
    """Those who answered beside all who were asked.

    Attributes
    ----------
    frame : DataFrame
        One row per trait: trait, answered, everyone (means; shares in percent), difference
        (standardised), by_chance (what 95 of 100 random choices of as many would stay under), n,
        n_missing. Means of leaving and of cases are None where they would tell of 1 to 4 customers.
    asked, answered, never_asked : int
        Customers whose first survey is looked at, those of them who answered it, and customers of
        the table who were never sent one.
    """

    frame: pd.DataFrame
    asked: int
    answered: int
    never_asked: int
    table: Table
    sentence: str
    guard: Guard


def nonresponse(study: Study, *, horizon: int = 12) -> Nonresponse:
    """Compare those who answered their first survey with everyone who was sent one.

    Parameters
    ----------
    study : Study
        With dated customers, and responses that hold the unanswered surveys too.
    horizon : int
        Months after the survey within which leaving is counted.

    Returns
    -------
    Nonresponse

    Raises
    ------
    MissingTableError
        The study has no customers or no responses.
    QuestionError
        The customers have no dates; or the table holds only answered surveys, so that nobody who
        stayed silent can be seen.

    Notes
    -----
    One row per customer: the first survey sent during the relationship. Comparing those who ever
    answered with those who never did would compare long with short relationships instead. Tenure is
    at the day of asking; cases are those opened in the 365 days before it; leaving is within the
    horizon after it, for customers asked early enough to be followed. Standardised difference:
    (mean of those who answered - mean of all asked) / standard deviation of all asked. It counts
    where it is over 0.1 and over 1.96 sqrt((1 - a / n) / a), which chance alone would give for a of
    n.

    References
    ----------
    Austin, P. C. (2009). Balance diagnostics for comparing the distribution of baseline covariates
    between treatment groups. Statistics in Medicine 28, 3083-3107.
    https://doi.org/10.1002/sim.3697

    Examples
    --------
    >>> import cxkit as cx
    >>> nonresponse(cx.sample_study()).frame["trait"].tolist()
    ['tenure (months)', 'value (EUR)', 'cases in the year before', 'left within 12 months (%)']
    """
    hold_asked(study, horizon=horizon)
    study.need("customers", why="to see who answers and who stays silent")
    if study.contract.of("customers").form == "snapshot":
        raise QuestionError(
            "nonresponse: a snapshot has no dates, so nobody's tenure when asked is known.\n"
            "  Write form: dates under customers in study.yml, with start and end."
        )
    study.need("responses", why="to see who answers and who stays silent")
    asked = study.responses
    silent = asked["answered_on"].isna().sum() if "answered_on" in asked else 0
    if "asked_on" not in asked or not silent:
        raise QuestionError(
            "nonresponse: the table of responses holds answered surveys only, so those who stayed "
            "silent cannot be seen.\n  Export every survey sent, with asked_on filled and "
            "answered_on empty where nobody answered."
        )
    customers = study.customers
    known = asked.merge(customers, on="customer", how="inner", suffixes=("_asked", ""))
    during = (known["asked_on"] >= known["start"]) & ~(known["end"] <= known["asked_on"])
    first = known[during].sort_values(["customer", "asked_on"], kind="stable")
    first = first.drop_duplicates("customer")
    answered = first["answered_on"].notna().to_numpy()
    traits = _traits(study, first, horizon)
    rows = [_row(name, values, answered) for name, values in traits.items()]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    never = len(customers) - len(first)
    hidden = bool((frame["everyone"].isna() & (frame["n"] > 0)).any())
    unlike = frame[frame["difference"].abs() > frame["by_chance"].clip(lower=UNLIKE)]
    sentence = _say(frame, unlike, len(first), int(answered.sum()), never)
    return Nonresponse(
        frame=frame,
        asked=len(first),
        answered=int(answered.sum()),
        never_asked=never,
        table=Table.of(
            frame.assign(
                known=[leavers(n, len(first)) for n in frame["n"]],
                unknown=[count_said(n) for n in frame["n_missing"]],
            ),
            caption=f"Customers who answered their first survey beside all {len(first):,} who were "
            "sent one while they were customers; the difference is in standard deviations."
            + (f" A dash: it would tell of fewer than {LEAST_CUSTOMERS}." if hidden else ""),
            columns=[
                ("Trait", "trait", "text"),
                ("Answered", "answered", "score"),
                ("All asked", "everyone", "score"),
                ("Difference", "difference", "score"),
                ("Customers", "known", "text"),
                ("Not known", "unknown", "text"),
            ],
        ),
        sentence=sentence,
        guard=Guard(kind="nonresponse by trait", fired=not unlike.empty, text=sentence),
    )


def _traits(study: Study, first: pd.DataFrame, horizon: int) -> dict[str, pd.Series]:
    """Return what is known of each customer on the day of the first survey, and of leaving."""
    tenure = (first["asked_on"] - first["start"]).dt.days / MONTH
    traits: dict[str, pd.Series] = {"tenure (months)": tenure}
    declared = study.contract.of("customers").value
    if declared is not None:
        traits[f"value ({declared.unit})"] = first["value"].astype(float)
    if study.has("tickets") and "customer" in study.tickets:
        cases = study.tickets[["customer", "opened"]].merge(
            first[["customer", "asked_on"]], on="customer"
        )
        age = (cases["asked_on"] - cases["opened"]).dt.days
        counted = cases[(age >= 0) & (age < LOOK_BACK)].groupby("customer").size()
        had = first["customer"].map(counted).fillna(0)
        traits["cases in the year before"] = had.astype(float)
    until = first["asked_on"] + pd.Timedelta(days=round(horizon * MONTH))
    left = 100.0 * (first["end"] <= until)
    traits[f"left within {markup.counted(horizon, 'month')} (%)"] = left.where(until <= study.as_of)
    return traits


def _row(name: str, values: pd.Series, answered: np.ndarray) -> dict[str, object]:
    """Return one trait: means of those who answered and of all, and the difference."""
    given = values.to_numpy(float, na_value=np.nan)
    known = ~np.isnan(given)
    if name.startswith(COUNTED):
        sides = [given[known & side] for side in (answered, ~answered)]
        if any(gives_away(int((side > 0).sum()), len(side)) for side in sides):
            missing = int((~known).sum())
            return {"trait": name, "n": int(known.sum()), "n_missing": missing}
    among = given[known & answered]
    spread = float(given[known].std(ddof=1)) if known.sum() > 1 else 0.0
    told = len(among) > 0 and spread > 0
    here = float(among.mean()) if len(among) else None
    everyone = float(given[known].mean()) if known.any() else None
    return {
        "trait": name,
        "answered": here,
        "everyone": everyone,
        "difference": (here - everyone) / spread
        if told and here is not None and everyone is not None
        else None,
        "by_chance": 1.96 * float(np.sqrt((1 - len(among) / known.sum()) / len(among)))
        if len(among)
        else None,
        "n": int(known.sum()),
        "n_missing": int((~known).sum()),
    }


def _say(frame: pd.DataFrame, unlike: pd.DataFrame, asked: int, answered: int, never: int) -> str:
    """Say in what those who answered differ; three ways, and what was never asked."""
    bare = gives_away(answered, asked)
    rate = "" if bare else f" ({markup.quantity(100 * answered / asked, '%')} of these customers)"
    base = (
        f"Of {count_said(asked)} customers sent a first survey {leavers(answered, asked)} answered "
        f"that one{rate}; {count_said(never)} of the table were never sent one while they were "
        "customers."
    )
    if unlike.empty:
        largest = float(frame["difference"].abs().max())
        if largest != largest:
            return f"{base} How they differ from all asked is not known."
        clear = frame[frame["difference"].abs() > frame["by_chance"]]
        if clear.empty:
            return (
                f"{base} A difference between those who answered and all asked cannot be told from "
                f"chance (the largest is {markup.number(largest, 2)} standard deviations)."
            )
        told = ", ".join(
            f"{r['trait']} {markup.number(r['difference'], 2)}" for r in clear.to_dict("records")
        )
        return (
            f"{base} Those who answered differ from all asked by more than chance would give, but "
            f"by no more than {UNLIKE:g} standard deviations, the usual mark: {told}."
        )
    parts = [
        f"{r['trait']} {markup.number(r['answered'], 1)} instead of "
        f"{markup.number(r['everyone'], 1)} ({markup.number(r['difference'], 2)} standard "
        "deviations)"
        for r in unlike.to_dict("records")
    ]
    return f"{base} Those who answered differ from all asked: {'; '.join(parts)}."

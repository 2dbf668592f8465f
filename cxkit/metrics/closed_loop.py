"""Is a bad score followed by a contact: the closed-loop rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_level, need_columns
from cxkit.metrics.dates import dates_of, elapsed
from cxkit.metrics.durations import spells
from cxkit.metrics.incidence import METHOD, share_ended

if TYPE_CHECKING:
    from datetime import date

    from cxkit.results import Estimate


def closed_loop_rate(
    responses: pd.DataFrame,
    contacts: pd.DataFrame,
    *,
    score: str,
    bad: float,
    within: float,
    as_of: str | date,
    customer: str = "customer",
    answered: str = "answered_on",
    contacted: str = "opened",
    high_is_bad: bool = False,
    level: float = 0.95,
) -> Estimate:
    """Estimate the share of bad scores followed by a contact within some days, in percent.

    Question: how many bad scores are followed by a contact in time? Interval: log-log Kaplan-Meier;
    by cluster with t.

    Parameters
    ----------
    responses : DataFrame
        One row per answer, with ``customer``, ``score`` and ``answered``.
    contacts : DataFrame
        One row per contact with a customer, or per resolution, with ``customer`` and ``contacted``.
    score : str
        Column of the score.
    bad : float
        A score of this or less is bad (or more, with ``high_is_bad``): 6 for NPS, 2 for CSAT.
    within : float
        Days after the answer in which a contact closes the loop.
    as_of : date
        The last moment both frames speak for.
    customer, answered, contacted : str
        Columns of the customer, of when the answer came, and of when the contact took place.
    high_is_bad : bool, default False
        The scale runs the other way, as that of CES 1.0.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100. ``n`` counts bad scores, ``n_missing`` the answers whose score, time
        or customer is missing (a customer without a name cannot be followed).

    Raises
    ------
    ColumnError
        A column is not in its frame.
    QuestionError
        No bad score was followed for ``within`` days, or columns are not dates.

    Notes
    -----
    One less the Kaplan-Meier estimate at ``within``: a bad score given less than that before
    ``as_of`` counts for as long as it was followed, and is not taken for an open loop. Where the
    times have no time of day a contact on the day of the answer counts; where they have, one after
    it. One contact closes every loop that is open then. The error is cluster-robust by customer;
    see :func:`ended_by`. It says that a contact followed, not that the answer was its cause. Does
    not reduce to counts: the contact that follows an answer is found by whose it is.

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations.
    Journal of the American Statistical Association 53(282), 457-481.
    doi:10.1080/01621459.1958.10501452

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> responses = pd.DataFrame({"customer": ["a", "b", "c"], "nps": [2, 5, 10]})
    >>> responses["answered_on"] = pd.Timestamp("2025-03-01")
    >>> contacts = pd.DataFrame({"customer": ["a"], "opened": [pd.Timestamp("2025-03-03")]})
    >>> print(
    ...     cx.closed_loop_rate(
    ...         responses, contacts, score="nps", bad=6, within=7, as_of="2025-03-31"
    ...     )
    ... )
    Bad scores followed by a contact within 7 days 50.0 % (95 % interval 9.0 to 99.4, n = 2;
    Aalen-Johansen)
    """
    level = check_level(level)
    need_columns(responses, [customer, score, answered], asked="closed_loop_rate, responses")
    need_columns(contacts, [customer, contacted], asked="closed_loop_rate, contacts")
    if not within > 0:
        raise QuestionError("closed_loop_rate: write within above 0, in days.")
    when = dates_of(responses[answered], answered)
    known = responses[customer].notna() & responses[score].notna() & when.notna()
    value = responses[score].astype("Float64")
    poor = (value >= bad) if high_is_bad else (value <= bad)
    rows = responses[known & poor.fillna(value=False).astype(bool)].reset_index(drop=True)
    first = _next_contact(rows, contacts, customer, answered, contacted)
    passed = elapsed(rows[answered], first, as_of=as_of, names=(answered, contacted))
    done = passed.ended.to_numpy(bool)
    cases = spells(passed.seconds / 86_400, done, None, None)
    return share_ended(
        cases,
        np.where(done, 0, -1)[cases.used],
        0,
        time=within,
        metric=f"Bad scores followed by a contact within {within:g} days",
        level=level,
        n_missing=int((~known).sum()) + cases.n_missing,
        clusters=rows[customer][cases.used],
        method=METHOD,
    )


def _next_contact(
    rows: pd.DataFrame, contacts: pd.DataFrame, customer: str, answered: str, contacted: str
) -> pd.Series:
    """Return the first contact with the customer after each answer; missing where there is none."""
    moments = dates_of(contacts[contacted], contacted)
    clock = pd.concat([rows[answered], moments.dropna()])
    whole_days = bool((clock == clock.dt.normalize()).all())
    right = pd.DataFrame({"who": contacts[customer], "then": moments}).dropna()
    if not len(right) or not len(rows):
        return pd.Series(pd.NaT, index=rows.index, dtype=rows[answered].dtype)
    left = pd.DataFrame({"who": rows[customer], "then": rows[answered], "row": rows.index})
    unit = right["then"].dtype
    found = pd.merge_asof(
        left.astype({"then": unit}).sort_values("then", kind="stable"),
        right.assign(contact=right["then"]).sort_values("then", kind="stable"),
        on="then",
        by="who",
        direction="forward",
        allow_exact_matches=whole_days,
    )
    return found.set_index("row")["contact"].reindex(rows.index)

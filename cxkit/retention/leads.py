"""What was different before: outcomes that repeat, in the year before the event, side by side.

Leaving cannot be looked at before an event: whoever is affected on a day was there until that day.
A placebo date is therefore judged by what repeats: orders, contacts, earlier scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.metrics.families import holm
from cxkit.retention.asked import score_asked
from cxkit.retention.matched import cluster_se
from cxkit.retention.trials import YEAR, Dated

if TYPE_CHECKING:
    from cxkit.retention.trials import Trials
    from cxkit.study.study import Study

#: Days before the event at which the placebo is set: half the year that is looked at.
PLACEBO = 183

#: Affected customers a comparison needs.
FEWEST_AFFECTED = 20


def leads_of(study: Study, trials: Trials, measure: str, level: float) -> pd.DataFrame:
    """Return how the affected differed from others alike in the year before the event.

    Parameters
    ----------
    study : Study
        Its orders and service cases are counted, if it has them. Surveys are not: when they come
        is the firm's doing.
    trials : Trials
    measure : str
        The score whose earlier answers are averaged; "" the first there is.
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        outcome, window, affected, others, value, low, high, p, p_adjusted, family, n_affected. The
        unit is happenings per customer in the window, or points of the score; "change at the
        placebo date" is the second half year's difference minus the first's.

    Notes
    -----
    Counts: only rows whose customer was one, inside the data, for the whole year before. Others
    weigh as in the main comparison; errors are clustered by customer.
    """
    repeated = {}
    if study.has("orders"):
        orders = study.orders
        repeated["orders"] = Dated(trials.people, orders["customer"], orders["ordered_on"])
    if study.has("tickets") and "customer" in study.tickets:
        cases = study.tickets
        repeated["service cases"] = Dated(trials.people, cases["customer"], cases["opened"])
    rows = _before(trials, repeated, level)
    if study.has("responses") and study.contract.of("responses").scores:
        rows.append(_earlier_scores(study, trials, measure, level))
    return _family([r for r in rows if r is not None])


def _before(
    trials: Trials, repeated: dict[str, Dated], level: float
) -> list[dict[str, object] | None]:
    """Return the two half years before the event, and the change between them."""
    p = trials.people
    whole = trials.look - YEAR >= np.maximum(p.start[trials.customer], p.first)
    rows = []
    for name, dated in repeated.items():
        begin, end = trials.look - YEAR, trials.look
        middle = end - PLACEBO
        early = dated.between(trials.customer, begin, middle)
        late = dated.between(trials.customer, middle, end)
        for window, value in (
            ("12 to 6 months before", early),
            ("6 months before", late),
            ("change at the placebo date", late - early),
        ):
            rows.append(_row(trials, whole, value, name, window, level))
    return rows


def _earlier_scores(
    study: Study, trials: Trials, measure: str, level: float
) -> dict[str, object] | None:
    """Return the mean score of the year before, of those who answered then."""
    chosen = score_asked(study, measure)
    answers = study.responses
    there = answers[answers[chosen].notna() & answers["answered_on"].notna()]
    scores = Dated(trials.people, there["customer"], there["answered_on"], there[chosen])
    count = Dated(trials.people, there["customer"], there["answered_on"])
    begin, end = trials.look - YEAR, trials.look
    n = count.between(trials.customer, begin, end)
    total = scores.between(trials.customer, begin, end)
    mean = np.divide(total, n, out=np.zeros_like(total), where=n > 0)
    return _row(trials, n > 0, mean, f"mean {chosen}", "12 months before", level)


def _row(
    trials: Trials, keep: np.ndarray, value: np.ndarray, outcome: str, window: str, level: float
) -> dict[str, object] | None:
    """Return one difference of means, others standardised to the affected; None where too few."""
    from scipy.stats import norm

    cells = int(trials.cell.max(initial=0)) + 1
    hit, other = keep & trials.affected, keep & ~trials.affected
    n0 = np.bincount(trials.cell[other], minlength=cells)
    hit = hit & (n0 > 0)[trials.cell]
    n1 = np.bincount(trials.cell[hit], minlength=cells)
    total = n1.sum()
    if total < FEWEST_AFFECTED:
        return None
    other = other & (n1 > 0)[trials.cell]
    of_cell = np.bincount(trials.cell[other], value[other], minlength=cells) / np.maximum(n0, 1)
    affected, others = float(value[hit].mean()), float(n1 @ of_cell / total)
    difference = affected - others
    first = (value[hit] - of_cell[trials.cell[hit]] - difference) / total
    weight = (n1 / np.maximum(n0, 1))[trials.cell[other]]
    second = weight * (value[other] - of_cell[trials.cell[other]]) / total
    n = trials.people.n
    influence = np.bincount(trials.customer[hit], first, minlength=n)
    influence -= np.bincount(trials.customer[other], second, minlength=n)
    se = float(cluster_se(influence[:, None])[0])
    z = float(norm.isf((1 - level) / 2))
    return {
        "outcome": outcome,
        "window": window,
        "affected": affected,
        "others": others,
        "value": difference,
        "low": difference - z * se,
        "high": difference + z * se,
        "p": float(2 * norm.sf(abs(difference) / se)) if se > 0 else None,
        "n_affected": int(total),
    }


def _family(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return the rows as a frame, p adjusted by Holm within them."""
    names = ["outcome", "window", "affected", "others", "value", "low", "high", "p", "n_affected"]
    frame = pd.DataFrame(rows, columns=names)
    adjusted = holm(frame["p"].tolist())
    return frame.assign(
        p_adjusted=adjusted["p_adjusted"].to_numpy(), family=adjusted["family"].to_numpy()
    )

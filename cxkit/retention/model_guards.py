"""Guards of a model of leaving: each says what it saw, whether or not it fired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.disclosure import count_said
from cxkit.results import Guard
from cxkit.retention.auc import placements
from cxkit.retention.hazard import EXITS_PER_PARAMETER
from cxkit.retention.logit import design

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cxkit.results import Difference

#: A single predictor that ranks leavers this well knows the outcome; no survey answer does.
NEARLY_THE_OUTCOME = 0.95

#: Variance inflation from which a coefficient is hardly told from its neighbours'.
MOST_INFLATION = 10.0


def leaky(frame: pd.DataFrame, *, outcome: str, predictors: Sequence[str]) -> dict[str, float]:
    """Return predictors that nearly are the outcome, with how well each ranks it (0.5 to 1).

    Both the values and whether a value is there at all are tried: a reason for leaving is filled in
    for those who left. Text is ranked by the outcome's share in each level that has ten rows.
    """
    y = frame[outcome].to_numpy(float)
    found = {}
    for name in predictors:
        given = frame[name]
        missing = given.isna().to_numpy(float)
        if pd.api.types.is_numeric_dtype(given.dtype):
            values = given.to_numpy(float, na_value=np.nan)
        else:
            levels = given.astype("string").fillna("(missing)")
            share = pd.Series(y).groupby(levels.to_numpy()).agg(["mean", "size"])
            mean = share["mean"].where(share["size"] >= 10, y.mean())
            values = levels.map(mean).to_numpy(float)
        ranked = max(_ranks(y[~np.isnan(values)], values[~np.isnan(values)]), _ranks(y, missing))
        if ranked >= NEARLY_THE_OUTCOME:
            found[name] = ranked
    return found


def _ranks(y: np.ndarray, values: np.ndarray) -> float:
    """Return the AUC of one column in whichever direction is better; 0.5 where none can be."""
    yes = int((y > 0).sum())
    if min(yes, len(y) - yes) < 2:
        return 0.5
    one = float(placements(y, values[None, :]).auc[0])
    return max(one, 1 - one)


def leakage(frame: pd.DataFrame, *, outcome: str, predictors: Sequence[str]) -> Guard:
    """Warn of predictors that nearly are the outcome.

    Parameters
    ----------
    frame : DataFrame of shape (n, k)
        One row per customer; a predictor may be missing in some.
    outcome : str
        Column of 0 and 1, or true and false.
    predictors : list of str
        Columns that are to predict it.

    Returns
    -------
    Guard
        Fires where one of them, or its being there at all, has an AUC of 0.95 or more.

    Examples
    --------
    >>> frame = pd.DataFrame({"left": [0, 1] * 20, "closed": [0, 1] * 20, "score": [3, 4] * 20})
    >>> leakage(frame.assign(score=range(40)), outcome="left", predictors=["closed", "score"]).fired
    True
    """
    found = leaky(frame, outcome=outcome, predictors=predictors)
    said = ", ".join(f"{name} (AUC {markup.number(v, 3)})" for name, v in found.items())
    return Guard(
        kind="leakage",
        fired=bool(found),
        text=f"{said}: nearly the outcome itself, so known only when it was; not used."
        if found
        else f"None of the {len(predictors)} predictors, and no gap in one, ranks leavers with an "
        f"AUC of {NEARLY_THE_OUTCOME:g} or more.",
    )


def collinearity(frame: pd.DataFrame, *, predictors: Sequence[str]) -> Guard:
    """Warn of predictors that the others nearly repeat.

    Parameters
    ----------
    frame : DataFrame of shape (n, k)
        One row per customer, without missing numbers in the predictors.
    predictors : list of str
        Columns of the one model; text columns enter by levels.

    Returns
    -------
    Guard
        Fires where a variance inflation factor is over 10, or a predictor is a sum of others.

    Notes
    -----
    VIF_j = 1 / (1 - R_j^2), the j-th diagonal element of the inverse correlation matrix.

    References
    ----------
    Belsley, D. A., Kuh, E. and Welsch, R. E. (1980). Regression Diagnostics. Wiley.
    https://doi.org/10.1002/0471725153

    Examples
    --------
    >>> frame = pd.DataFrame({"nps": range(40), "csat": [i // 10 for i in range(40)]})
    >>> collinearity(frame, predictors=["nps", "csat"]).fired
    True
    """
    x = design(frame, predictors).iloc[:, 1:]
    if x.shape[1] < 2:
        return Guard(kind="collinearity", fired=False, text="One predictor repeats no other.")
    r = np.corrcoef(x.to_numpy(), rowvar=False)
    values, vectors = np.linalg.eigh(r)
    if values[0] < 1e-10:
        part = [str(c) for c, v in zip(x.columns, vectors[:, 0], strict=True) if abs(v) > 1e-4]
        return Guard(
            kind="collinearity",
            fired=True,
            text=f"{', '.join(part)}: each is a sum of the others, so their coefficients cannot be "
            "told apart; leave one out. Predictions are not touched by it.",
        )
    inflation = pd.Series(np.diag(np.linalg.inv(r)), index=x.columns)
    worst = inflation[inflation > MOST_INFLATION].sort_values(ascending=False)
    top = _named(inflation.idxmax())
    if worst.empty:
        return Guard(
            kind="collinearity",
            fired=False,
            text=f"The largest variance inflation is {markup.number(float(inflation.max()), 1)} "
            f"({top}), under {MOST_INFLATION:g}.",
        )
    named = ", ".join(f"{_named(name)} ({markup.number(float(v), 1)})" for name, v in worst.items())
    return Guard(
        kind="collinearity",
        fired=True,
        text=f"Variance inflation over {MOST_INFLATION:g}: {named}. These coefficients are hardly "
        "told from each other; read them together. Predictions are not touched by it.",
    )


def _named(column: object) -> str:
    """Name a column of a model as a reader says it."""
    return str(column).replace("_", " ")


def few_exits(*, exits: int, stays: int, parameters: int) -> Guard:
    """Warn where fewer than ten customers left, or stayed, for each parameter of a model.

    Parameters
    ----------
    exits, stays : int
        Customers who left and who stayed; the rarer of the two counts.
    parameters : int
        Coefficients beside the constant.

    Returns
    -------
    Guard

    References
    ----------
    Peduzzi, P. et al. (1996). A simulation study of the number of events per variable in logistic
    regression analysis. Journal of Clinical Epidemiology 49, 1373-1379.
    https://doi.org/10.1016/S0895-4356(96)00236-3

    Examples
    --------
    >>> few_exits(exits=42, stays=300, parameters=6).text
    '42 customers left for 6 coefficients, 7.0 each, fewer than 10: read them as a direction only.'
    """
    rarer = min(exits, stays)
    what = "left" if exits <= stays else "stayed"
    each = rarer / max(parameters, 1)
    fired = each < EXITS_PER_PARAMETER
    return Guard(
        kind="few exits per parameter",
        fired=fired,
        text=f"{count_said(rarer)} customers {what} for {parameters} coefficients, "
        f"{markup.number(each, 1)} each"
        + (f", fewer than {EXITS_PER_PARAMETER}: read them as a direction only." if fired else "."),
    )


def beyond_follow_up(
    followed: pd.Series,
    *,
    horizon: float,
    treated: Literal["left out", "censored"] = "left out",
) -> Guard:
    """Warn where customers could not be followed to the horizon.

    Parameters
    ----------
    followed : Series of shape (n,)
        Months from each customer's landmark to the end of the data, whether they left or not.
    horizon : float
        Months at which the question is asked.
    treated : "left out" or "censored"
        What becomes of those customers: nothing of them is used, or what was seen of them.

    Returns
    -------
    Guard

    Examples
    --------
    >>> beyond_follow_up(pd.Series([3.0, 14.0, 20.0]), horizon=12).fired
    True
    """
    short, n = int((followed < horizon).sum()), len(followed)
    if not n or short == n:
        longest = markup.number(float(followed.max()), 1) if n else "0"
        text = (
            f"Nobody is followed for {horizon:g} months (the longest for {longest}): nothing can "
            "be said at this horizon."
        )
    else:
        what = {
            "left out": "They are left out of the outcome, those of them who left as well as those "
            "who stayed, and never counted as kept.",
            "censored": "They are censored where the data end, never counted as kept.",
        }[treated]
        text = (
            f"{count_said(short)} of {n:,} customers reach their landmark less than {horizon:g} "
            f"months before the data end. {what}"
        )
    return Guard(kind="horizon beyond follow-up", fired=short > 0 or not n, text=text)


def multiplicity(families: Mapping[str, Sequence[Difference]], *, level: float = 0.95) -> Guard:
    """Say how many tests each family holds, and how many stay clear after its adjustment.

    Parameters
    ----------
    families : dict of str to list of Difference
        What each family compares, and its comparisons with raw and adjusted p.
    level : float
        1 minus the chance of any false alarm in a family.

    Returns
    -------
    Guard
        Fires where a family has more than one test.

    Examples
    --------
    >>> multiplicity({"pairs of measures": []}).text
    'pairs of measures: none.'
    """
    said = []
    for what, found in families.items():
        p = [d.p for d in found if d.p is not None]
        raw = sum(v < 1 - level for v in p)
        hold = sum(d.p_adjusted is not None and d.p_adjusted < 1 - level for d in found)
        said.append(
            f"{what}: {len(p)} tests, {raw} of them clear by the raw p, {hold} after Holm's "
            f"adjustment in this family of {len(p)}"
            if p
            else f"{what}: none"
        )
    return Guard(
        kind="multiplicity",
        fired=any(len(found) > 1 for found in families.values()),
        text="; ".join(said) + ".",
    )

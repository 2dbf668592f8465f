"""Does an association hold within the groups that make up the whole: Simpson's reversal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_level, need_columns
from cxkit.results import Estimate, Guard, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

Reading = Literal["reversed", "vanishes", "holds", "nothing to reverse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strata:
    """An odds ratio of everybody together, and of the strata held equal.

    Attributes
    ----------
    pooled, within : Estimate
        Odds ratio of the whole (logit interval), and Mantel-Haenszel's over the strata.
    strata : DataFrame
        One row per stratum: stratum, n, exposed, odds_ratio (missing where it has none).
    breslow_day, breslow_day_p : float or None
        Whether the strata have one odds ratio; None where fewer than two can say, or the common
        one is exactly 1.
    below_one : int
        Strata whose own odds ratio lies below 1.
    reading : str
        "reversed", "vanishes", "holds", "nothing to reverse".
    """

    pooled: Estimate
    within: Estimate
    strata: pd.DataFrame
    breslow_day: float | None
    breslow_day_p: float | None
    below_one: int
    reading: Reading
    table: Table
    sentence: str
    guard: Guard


def simpson(
    frame: pd.DataFrame,
    *,
    outcome: str,
    exposure: str,
    stratum: str,
    count: str = "",
    level: float = 0.95,
) -> Strata:
    """Compare the association in everybody with that within strata.

    Parameters
    ----------
    frame : DataFrame of shape (n, k)
        One row per customer, or per pattern with its number in ``count``.
    outcome, exposure : str
        Columns of 0 and 1, or true and false.
    stratum : str
        Column of the groups held equal: a segment, a region, a band of tenure.
    count : str
        Column with the number of customers of a row; "" for one each.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    Strata

    Raises
    ------
    ColumnError
        A column is not there.
    QuestionError
        Outcome or exposure is the same for everybody.

    Notes
    -----
    Odds ratio a d / (b c) of the whole with the logit interval; Mantel-Haenszel over strata with
    the Robins-Breslow-Greenland interval; Breslow-Day without Tarone's correction, on strata in
    which both columns vary. ``statsmodels`` StratifiedTable. *Reversed*: the two odds ratios lie on
    opposite sides of 1, the pooled interval off it. *Vanishes*: the pooled interval lies off 1, the
    other one holds it. Rows with a missing value are left out.

    References
    ----------
    Bickel, P. J., Hammel, E. A. and O'Connell, J. W. (1975). Sex bias in graduate admissions: data
    from Berkeley. Science 187, 398-404. https://doi.org/10.1126/science.187.4175.398
    Mantel, N. and Haenszel, W. (1959). Statistical aspects of the analysis of data from
    retrospective studies of disease. Journal of the National Cancer Institute 22, 719-748.
    https://doi.org/10.1093/jnci/22.4.719

    Examples
    --------
    >>> frame = pd.DataFrame(
    ...     {
    ...         "left": [1, 0, 1, 0] * 2,
    ...         "bad": [1, 1, 0, 0] * 2,
    ...         "region": ["N"] * 4 + ["S"] * 4,
    ...         "n": [81, 6, 234, 36, 192, 71, 55, 25],
    ...     }
    ... )
    >>> simpson(frame, outcome="left", exposure="bad", stratum="region", count="n").reading
    'nothing to reverse'
    """
    from statsmodels.stats.contingency_tables import StratifiedTable, Table2x2

    level = check_level(level)
    columns = [outcome, exposure, stratum, *([count] if count else [])]
    need_columns(frame, columns, asked="simpson")
    rows = frame[columns].dropna()
    weight = rows[count].to_numpy(float) if count else np.ones(len(rows))
    yes, bad = rows[outcome].to_numpy(float) > 0, rows[exposure].to_numpy(float) > 0
    names, which = np.unique(rows[stratum].astype(str).to_numpy(dtype=str), return_inverse=True)
    cells = np.zeros((2, 2, len(names)))
    np.add.at(cells, ((~bad).astype(int), (~yes).astype(int), which), weight)
    whole = cells.sum(axis=2)
    if (whole.sum(axis=0) == 0).any() or (whole.sum(axis=1) == 0).any():
        raise QuestionError(
            f"simpson: {outcome!r} or {exposure!r} is the same for all {weight.sum():,.0f} rows.\n"
            "  Give two columns of 0 and 1 in which both occur."
        )
    n = round(weight.sum())
    telling = cells[:, :, ((cells.sum(axis=0) > 0) & (cells.sum(axis=1) > 0)).all(axis=0)]
    odds = [_odds_ratio(cells[:, :, k]) for k in range(len(names))]
    all_in_one = Table2x2(whole, shift_zeros=bool((whole == 0).any()))
    pooled = _ratio(
        "pooled",
        all_in_one.oddsratio,
        all_in_one.oddsratio_confint(1 - level),
        level,
        n,
        "odds ratio, logit interval",
    )
    breslow_day = breslow_day_p = None
    if telling.shape[2] == 0:
        within = _ratio("within strata", None, (None, None), level, n, "Mantel-Haenszel")
    else:
        strata = StratifiedTable(telling)
        limits = strata.oddsratio_pooled_confint(alpha=1 - level)
        within = _ratio(
            "within strata",
            strata.oddsratio_pooled,
            limits,
            level,
            round(telling.sum()),
            "Mantel-Haenszel, Robins-Breslow-Greenland",
        )
        if telling.shape[2] > 1:
            with np.errstate(invalid="ignore", divide="ignore"):
                test = strata.test_equal_odds()
            if np.isfinite(test.statistic):  # it is 0 / 0 where the common odds ratio is just 1
                breslow_day, breslow_day_p = float(test.statistic), float(test.pvalue)
    found = pd.DataFrame(
        {
            "stratum": names,
            "n": cells.sum(axis=(0, 1)).round().astype(int),
            "exposed": cells[0].sum(axis=0).round().astype(int),
            "odds_ratio": odds,
        }
    )
    reading = _read(pooled, within)
    below = int(sum(o is not None and o < 1 for o in odds))
    sentence = _say(pooled, within, reading, (exposure, outcome), stratum, below, len(names))
    return Strata(
        pooled=pooled,
        within=within,
        strata=found,
        breslow_day=breslow_day,
        breslow_day_p=breslow_day_p,
        below_one=below,
        reading=reading,
        table=Table.of(
            found,
            caption=f"Odds of {outcome} with and without '{exposure}', by {stratum}: n = {n:,}; "
            f"all together {markup.quantity(pooled.value, 'ratio')}, {stratum} held equal "
            f"{markup.quantity(within.value, 'ratio')}.",
            columns=[
                (stratum, "stratum", "text"),
                ("Customers", "n", "count"),
                ("Exposed", "exposed", "count"),
                ("Odds ratio", "odds_ratio", "ratio"),
            ],
        ),
        sentence=sentence,
        guard=Guard(
            kind="Simpson's reversal", fired=reading in ("reversed", "vanishes"), text=sentence
        ),
    )


def _odds_ratio(cell: NDArray[np.float64]) -> float | None:
    """Return a stratum's own odds ratio, None where it has none."""
    (a, b), (c, d) = cell
    return float(a * d / (b * c)) if b * c > 0 and a * d > 0 else None


def _ratio(
    name: str,
    value: float | None,
    limits: tuple[float | None, float | None],
    level: float,
    n: int,
    method: str,
) -> Estimate:
    """Return an odds ratio as an Estimate; one that is not finite is not given."""
    ends = (value, *limits)
    whole = all(v is not None and np.isfinite(v) and v > 0 for v in ends)
    v, low, high = (float(e) if whole and e is not None else None for e in ends)
    return Estimate(
        metric=f"odds ratio, {name}",
        measured_in="ratio",
        value=v,
        low=low,
        high=high,
        se=None,
        level=level,
        n=n,
        n_missing=0,
        method=method,
        status="ok" if whole else "no data",
        reason="" if whole else "no stratum has both columns varying in a way that gives odds",
    )


def _read(pooled: Estimate, within: Estimate) -> Reading:
    """Say what becomes of the pooled association within strata, by the intervals."""
    if pooled.value is None or within.value is None:
        return "nothing to reverse"
    off = not (pooled.low or 0) <= 1 <= (pooled.high or np.inf)
    kept_off = not (within.low or 0) <= 1 <= (within.high or np.inf)
    if (off or kept_off) and (pooled.value - 1) * (within.value - 1) < 0:
        return "reversed"
    if not off:
        return "nothing to reverse"
    return "holds" if kept_off else "vanishes"


def _say(
    pooled: Estimate,
    within: Estimate,
    reading: Reading,
    pair: tuple[str, str],
    stratum: str,
    below: int,
    strata: int,
) -> str:
    """Say the two odds ratios and what follows; four ways."""
    exposure, outcome = pair
    if pooled.value is None or within.value is None:
        return f"Odds with and without '{exposure}' cannot be compared within {stratum}."
    numbers = (
        f"odds ratio {markup.quantity(pooled.value, 'ratio')} "
        f"({markup.interval(pooled.low, pooled.high, 'ratio')}) for everybody together, "
        f"{markup.quantity(within.value, 'ratio')} "
        f"({markup.interval(within.low, within.high, 'ratio')}) with {stratum} held equal; "
        f"{below} of {strata} groups lie below 1"
    )
    what = f"association of '{exposure}' with '{outcome}'"
    return {
        "reversed": f"The {what} turns round within {stratum}: {numbers}. The figure for everybody "
        "says who is where, not what the experience does.",
        "vanishes": f"The {what} cannot be told from none within {stratum}: {numbers}.",
        "holds": f"The {what} holds within {stratum}: {numbers}.",
        "nothing to reverse": f"There is no clear {what} that {stratum} could turn round: "
        f"{numbers}.",
    }[reading]

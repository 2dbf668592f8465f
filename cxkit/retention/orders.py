"""Firms without contracts: who buys again, how often and for how much, after the score."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.disclosure import gives_away, leavers
from cxkit.errors import QuestionError
from cxkit.metrics.compare import difference
from cxkit.metrics.durations import kaplan_meier, km_at
from cxkit.results import Difference, Estimate
from cxkit.retention import orders_wording as words
from cxkit.retention.buying import GAPS, buyers
from cxkit.retention.clock import bands_of
from cxkit.retention.counting import (
    EVENTS_PER_PARAMETER,
    CountModel,
    family,
    fit_rate,
    negative_binomial,
    parameters_needed,
)
from cxkit.retention.hazard import FEWEST_EXITS

if TYPE_CHECKING:
    from cxkit.results import Guard, Table
    from cxkit.retention.clock import Bands
    from cxkit.study.study import Study


@dataclass(frozen=True, kw_only=True)
class Buying:
    """What the experience goes with in buying.

    Attributes
    ----------
    effect : Difference
        Rate ratio of orders, best band by poorest, adjusted; a ratio of 1 is no difference.
    contrasts : tuple of Difference
        All pairs of bands, p by Holm.
    bands : DataFrame
        One row per band: band, n, years (of exposure), orders, bought_again (%), its low and high,
        per_year (orders a customer-year) with limits, spend (a customer-year) with limits.
    gaps : DataFrame
        The same ratio for other gaps: gap, value, low, high, n, status, reason.
    spend : Difference or None
        Spend a customer-year, best band minus poorest; None without amounts.
    again : Difference or None
        Bought again within the horizon, best band minus poorest.
    dispersion : dict
        dispersion, p, model and, with depth="full", the negative binomial's ratio.
    table, gaps_table, contrasts_table, who : Table
    sentence : str
    guards : tuple of Guard
    """

    effect: Difference
    contrasts: tuple[Difference, ...]
    bands: pd.DataFrame
    gaps: pd.DataFrame
    spend: Difference | None
    again: Difference | None
    dispersion: dict[str, object]
    table: Table
    gaps_table: Table
    contrasts_table: Table
    who: Table
    sentence: str
    guards: tuple[Guard, ...]
    adjusted_for: tuple[str, ...]
    gap: int
    horizon: int
    level: float


def buying_after_score(
    study: Study,
    *,
    measure: str = "",
    gap: int = 90,
    horizon: int = 12,
    level: float = 0.95,
    depth: Literal["quick", "full"] = "quick",
) -> Buying:
    """Compare buying after the score between customers with a better and a worse experience.

    Parameters
    ----------
    study : Study
        With `orders` and `responses`; `customers` in dated form end the exposure of those who left
        and give what is held equal.
    measure : str
        nps, csat, ces or another score; "" the first there is.
    gap : int
        Days between the answer and the first day on which an order counts.
    horizon : int
        Months within which buying again is looked at.
    level : float
        Level of all intervals.
    depth : str
        "full" fits a negative binomial model beside.

    Returns
    -------
    Buying
        With ``effect.value`` None, and the reason, where too little was bought.

    Raises
    ------
    MissingTableError
        If the study has no orders or no responses.
    QuestionError
        If the measure is not there, or nobody can be followed after a score.

    Notes
    -----
    Estimand: the ratio of orders a customer-year after the first usable score plus ``gap`` days, of
    customers in the best band by those in the poorest, with tenure, orders of the year before the
    score, and the study's segments held equal. Exposure runs until the customer left or ``as_of``;
    who buys nothing counts with the whole of it. Buying again: Kaplan-Meier of the first order.
    Spend: sum of amounts by sum of years, linearised: residual r = amount - R years, se =
    sqrt(n/(n-1) sum r^2) / sum years. Overdispersion: see `counting.fit_rate`.

    References
    ----------
    Cameron, A. C. and Trivedi, P. K. (2013). Regression Analysis of Count Data. 2nd ed. Cambridge.
    https://doi.org/10.1017/CBO9781139013567

    Examples
    --------
    >>> import cxkit as cx
    >>> from cxkit.retention.orders import buying_after_score
    >>> buying_after_score(cx.sample_study()).effect.direction
    'cannot be told'
    """
    study.need("orders", "responses", why="buying after a score needs both")
    bands = bands_of(study, measure)
    found = buyers(study, bands=bands, gap=gap)
    people, present = found.people, found.bands
    model, reason = _model(people, present, found.held, level)
    if model is None:
        contrasts = [_untold(people, present, reason, level)]
    else:
        contrasts = family(model, people, present)
    effect = contrasts[0]
    unit = _unit(study)
    frame, again, spent = _by_band(people, present, horizon, unit, level)
    gaps = _by_gap(study, bands, gap, effect, level)
    dispersion: dict[str, object] = {"model": "", "dispersion": None, "p": None}
    if model is not None:
        dispersion = {
            "model": "quasi-Poisson" if model.quasi else "Poisson",
            "dispersion": model.dispersion,
            "p": model.p_dispersion,
        }
        if depth == "full":
            nb = negative_binomial(people, model, effect.a, effect.b)
            dispersion |= {f"negative binomial: {k}": v for k, v in nb.items()}
    adjusted_for = model.adjusted_for if model is not None else ()
    return Buying(
        effect=effect,
        contrasts=tuple(contrasts),
        bands=frame,
        gaps=gaps,
        spend=_two(spent, present),
        again=_two(again, present),
        dispersion=dispersion,
        table=words.bands_table(frame, gap, horizon, unit, level),
        gaps_table=words.gaps_table(gaps, effect, level),
        contrasts_table=words.contrasts_table(contrasts, adjusted_for, len(people), level),
        who=words.who(found),
        sentence=words.sentence(effect, adjusted_for, gap),
        guards=words.guards(found, effect, dispersion, gap, horizon, adjusted_for),
        adjusted_for=adjusted_for,
        gap=gap,
        horizon=horizon,
        level=level,
    )


def _unit(study: Study) -> str | None:
    """Return the unit of spend a customer-year, None where the orders have no amounts."""
    amount = study.contract.of("orders").amount
    return None if amount is None else f"{amount.unit or 'units'} a year"


def _model(
    people: pd.DataFrame, present: list[str], held: list[str], level: float
) -> tuple[CountModel | None, str]:
    """Return the fitted rate, adjusted where there are enough orders, or why there is none."""
    if len(present) < 2:
        return None, f"all {len(people):,} customers who can be followed are {present[0]}."
    orders = people.groupby("band")["count"].sum()
    low, high = present[0], present[-1]
    if min(orders[b] for b in present) < FEWEST_EXITS:
        return None, (
            f"{int(orders[low]):,} orders of {low} and {int(orders[high]):,} of {high} are too few "
            "for an interval to be trusted."
        )
    enough = orders.sum() >= EVENTS_PER_PARAMETER * parameters_needed(people, held)
    return fit_rate(people, bands=present, adjust=held if enough else [], level=level), ""


def _untold(people: pd.DataFrame, present: list[str], reason: str, level: float) -> Difference:
    """Return a ratio without a number."""
    n = people["band"].value_counts()
    low, high = present[0], present[-1] if len(present) > 1 else "any other band"
    return Difference(
        metric="Rate ratio of orders",
        measured_in="ratio",
        a=high,
        b=low,
        value=None,
        low=None,
        high=None,
        se=None,
        p=None,
        level=level,
        n_a=int(n.get(high, 0)),
        n_b=int(n.get(low, 0)),
        n_missing=0,
        method="Poisson rate with exposure",
        status="no data",
        reason=reason,
        null=1.0,
    )


def _by_band(
    people: pd.DataFrame, present: list[str], horizon: int, unit: str | None, level: float
) -> tuple[pd.DataFrame, dict[str, Estimate], dict[str, Estimate]]:
    """Return what each band bought: again, how often, for how much."""
    rows, again, spent = [], {}, {}
    for band in present:
        those = people[people["band"] == band]
        again[band] = _again(those, horizon, level)
        often = _per_year(those, "count", "orders per customer and year", "orders a year", level)
        row: dict[str, object] = {"band": band, "n": len(those)}
        row |= {"years": float(those["exposure"].sum()), "orders": int(those["count"].sum())}
        row |= _limits("bought_again", again[band]) | _limits("per_year", often)
        if unit is not None:
            spent[band] = _per_year(those, "amount", "spend per customer and year", unit, level)
            row |= _limits("spend", spent[band])
        rows.append({**row, "reason": again[band].reason})
    frame = pd.DataFrame(rows)
    return frame.astype(object).where(frame.notna(), None), again, spent


def _again(those: pd.DataFrame, horizon: int, level: float) -> Estimate:
    """Return the share that bought again: what Kaplan-Meier leaves of those who had not yet."""
    curve = kaplan_meier(those["until_order"], those["bought"], level=level)
    metric = f"bought again within {markup.counted(horizon, 'month')}"
    longest = float(those["until_order"].max())
    if longest < horizon and curve["survival"].iloc[-1] != 0:
        return Estimate(
            metric=metric,
            measured_in="%",
            value=None,
            low=None,
            high=None,
            se=None,
            level=level,
            n=len(those),
            n_missing=0,
            method="log-log Kaplan-Meier",
            status="no data",
            reason=f"nobody is followed for {markup.counted(horizon, 'month')}.",
        )
    kept = km_at(curve, horizon)
    again = int((those["bought"] & (those["until_order"] <= horizon)).sum())
    if gives_away(again, len(those)):
        said = leavers(again, len(those))
        return dataclasses.replace(
            kept,
            metric=metric,
            value=None,
            low=None,
            high=None,
            se=None,
            status="withheld",
            reason=f"{said} of {len(those):,} bought again, and their share would tell how many.",
        )
    low, high = kept.low, kept.high
    return dataclasses.replace(
        kept,
        metric=metric,
        value=None if kept.value is None else 100 - kept.value,
        low=None if high is None else 100 - high,
        high=None if low is None else 100 - low,
    )


def _per_year(those: pd.DataFrame, column: str, metric: str, unit: str, level: float) -> Estimate:
    """Return a sum a customer-year with its linearised interval."""
    from scipy.stats import norm

    n, years = len(those), those["exposure"].to_numpy(float)
    total = those[column].to_numpy(float)
    rate = float(total.sum() / years.sum())
    residual = total - rate * years
    se = float(np.sqrt(n / max(n - 1, 1) * (residual**2).sum()) / years.sum())
    z = float(norm.isf((1 - level) / 2))
    few = n < 2
    return Estimate(
        metric=metric,
        measured_in=unit,
        value=rate,
        low=None if few else max(rate - z * se, 0.0),
        high=None if few else rate + z * se,
        se=None if few else se,
        level=level,
        n=n,
        n_missing=0,
        method="ratio of sums, linearised",
    )


def _limits(name: str, e: Estimate) -> dict[str, object]:
    """Return an estimate as three columns."""
    return {name: e.value, f"{name}_low": e.low, f"{name}_high": e.high}


def _two(estimates: dict[str, Estimate], present: list[str]) -> Difference | None:
    """Return the best band minus the poorest, None where one of them has no number."""
    if len(present) < 2 or not estimates:
        return None
    best, poorest = estimates[present[-1]], estimates[present[0]]
    if best.value is None or poorest.value is None or best.se is None or poorest.se is None:
        return None
    if best.measured_in == "%":
        return difference(best, poorest, a_name=present[-1], b_name=present[0])
    return _plain(best, poorest, present[-1], present[0])


def _plain(a: Estimate, b: Estimate, a_name: str, b_name: str) -> Difference:
    """Return the difference of two linearised ratios of different people."""
    from scipy.stats import norm

    value = float(a.value or 0) - float(b.value or 0)
    se = float(np.hypot(a.se or 0, b.se or 0))
    z = float(norm.isf((1 - a.level) / 2))
    return Difference(
        metric=a.metric,
        measured_in=a.measured_in,
        a=a_name,
        b=b_name,
        value=value,
        low=value - z * se,
        high=value + z * se,
        se=se,
        p=float(2 * norm.sf(abs(value) / se)) if se > 0 else None,
        level=a.level,
        n_a=a.n,
        n_b=b.n,
        n_missing=0,
        method="ratios of sums, linearised; nothing held equal",
    )


def _by_gap(
    study: Study, bands: Bands, main: int, effect: Difference, level: float
) -> pd.DataFrame:
    """Return the ratio of the best band by the poorest for every gap."""
    rows = []
    for gap in sorted({*GAPS, main}):
        one: Difference | None = effect if gap == main else _alone(study, bands, gap, level)
        if one is None:
            nobody = dict.fromkeys(("value", "low", "high"))
            rows.append({"gap": gap, **nobody, "n": 0, "reason": "nobody is followed so long."})
            continue
        limits = {"value": one.value, "low": one.low, "high": one.high}
        rows.append({"gap": gap, **limits, "n": one.n_a + one.n_b, "reason": one.reason})
    frame = pd.DataFrame(rows)
    return frame.astype(object).where(frame.notna(), None)


def _alone(study: Study, bands: Bands, gap: int, level: float) -> Difference | None:
    """Return the ratio of the best band by the poorest for one gap; None of nobody."""
    try:
        found = buyers(study, bands=bands, gap=gap)
    except QuestionError:
        return None
    people, present = found.people, found.bands
    model, reason = _model(people, present, found.held, level)
    if model is None:
        return _untold(people, present, reason, level)
    n = people["band"].value_counts()
    high, low = present[-1], present[0]
    return model.ratio(high, low, n_a=int(n[high]), n_b=int(n[low]))

"""Sentences, tables and guards of buying after a score, each made from its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cxkit import markup
from cxkit.disclosure import count_said, customer_table, in_all, stepwise
from cxkit.results import Guard, Table
from cxkit.retention.wording import held

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from cxkit.results import Difference
    from cxkit.retention.buying import Buyers


def sentence(effect: Difference, adjusted_for: Sequence[str], gap: int) -> str:
    """Say whether customers with a better experience buy more often; the interval chooses."""
    if effect.value is None:
        return (
            "Whether customers with a better experience buy more often cannot be told from these "
            f"data: {effect.reason}"
        )
    after = f"from {markup.counted(gap, 'day')} after the answer on"
    equal = _equal(adjusted_for)
    numbers = (
        f"rate ratio {markup.quantity(effect.value, 'ratio')} "
        f"({markup.percent_label(effect.level)} interval "
        f"{markup.interval(effect.low, effect.high, 'ratio')}, n = {effect.n_a:,} {effect.a} and "
        f"{effect.n_b:,} {effect.b}; {equal})"
    )
    if effect.direction == "higher":
        return f"Customers with a better experience buy more often, {after}: {numbers}."
    if effect.direction == "lower":
        return f"Customers with a better experience buy less often, {after}: {numbers}."
    return (
        "Whether customers with a better experience buy more often cannot be told from these "
        f"data: {after}, {numbers}."
    )


def bands_table(
    frame: pd.DataFrame, gap: int, horizon: int, unit: str | None, level: float
) -> Table:
    """Return what each band bought."""
    label = f"{markup.percent_label(level)} interval"
    spend = (
        [
            (f"Spend ({unit})", "spend", "points"),
            (f"Spend, {label}", "spend_low..spend_high", "points"),
        ]
        if unit is not None and "spend" in frame
        else []
    )
    return customer_table(
        frame,
        caption=f"Buying from {markup.counted(gap, 'day')} after the answer on, nothing held "
        f"equal: the share that bought again within {markup.counted(horizon, 'month')} "
        f"(Kaplan–Meier, {label}s), orders and spend by customer and year of exposure; n = "
        f"{in_all(frame['n'].tolist(), frame['n'].tolist())} customers.",
        columns=[
            ("Band", "band", "text"),
            ("Customers", "n", "count"),
            ("Orders", "orders", "count"),
            ("Bought again (%)", "bought_again", "%"),
            (label, "bought_again_low..bought_again_high", "%"),
            ("Orders a year", "per_year", "score"),
            (f"Orders, {label}", "per_year_low..per_year_high", "score"),
            *spend,
            *([("Why none", "reason", "text")] if (frame["reason"] != "").any() else []),
        ],
    )


def contrasts_table(
    contrasts: Sequence[Difference], adjusted_for: Sequence[str], n: int, level: float
) -> Table:
    """Return all pairs of bands with raw and adjusted p."""
    import pandas as pd

    frame = pd.DataFrame([d.as_row() for d in contrasts])
    frame["pair"] = [f"{d.a} by {d.b}" for d in contrasts]
    frame["p"] = [markup.p_value(d.p) for d in contrasts]
    frame["p_adjusted"] = [markup.p_value(d.p_adjusted) for d in contrasts]
    return Table.of(
        frame,
        caption=f"Rate ratios of orders ({contrasts[0].method}; {_equal(adjusted_for)}), n = "
        f"{count_said(n)} customers. Family of {len(contrasts)}, Holm.",
        columns=[
            ("Comparison", "pair", "text"),
            ("Rate ratio", "value", "ratio"),
            (f"{markup.percent_label(level)} interval", "low..high", "ratio"),
            ("p", "p", "text"),
            ("p, Holm", "p_adjusted", "text"),
            ("Reading", "direction", "text"),
        ],
    )


def gaps_table(frame: pd.DataFrame, effect: Difference, level: float) -> Table:
    """Return the ratio for every gap."""
    why = [("Why none", "reason", "text")] if (frame["reason"] != "").any() else []
    return customer_table(
        frame,
        caption=f"Rate ratio of orders, {effect.a} by {effect.b}, counted from so many days after "
        "the answer: a customer who is buying less already may score lower for it. n = "
        f"{int(frame['n'].max()):,} in the two bands at most.",
        columns=[
            ("Days after", "gap", "count"),
            ("Rate ratio", "value", "ratio"),
            (f"{markup.percent_label(level)} interval", "low..high", "ratio"),
            ("Customers", "n", "count"),
            *why,
        ],
    )


def who(found: Buyers) -> Table:
    """Return who is in the analysis and who is not."""
    return Table.of(
        found.steps.assign(said=stepwise(found.steps["customers"].tolist(), wholes=2)),
        caption=f"Who is in the analysis of orders: {count_said(len(found.people))} customers, "
        f"followed for {markup.number(float(found.people['exposure'].sum()), 0)} customer-years.",
        columns=[
            ("Step", "step", "text"),
            ("Customers", "said", "text"),
            ("What it means", "reason", "text"),
        ],
    )


def guards(
    found: Buyers,
    effect: Difference,
    dispersion: dict[str, Any],
    gap: int,
    horizon: int,
    adjusted_for: Sequence[str],
) -> tuple[Guard, ...]:
    """Return every guard of this question, fired or not, with what it saw."""
    n = len(found.people)
    short = int((found.people["exposure"] * 12 < horizon).sum())
    known = dispersion["dispersion"] is not None
    return (
        Guard(
            kind="overdispersion",
            fired=dispersion["model"] == "quasi-Poisson",
            text=f"Orders vary {markup.number(dispersion['dispersion'], 2)} times as much between "
            "customers as a Poisson count would (Dean's test, p "
            f"{markup.p_value(dispersion['p'])}); "
            + (
                "errors are widened by it (quasi-Poisson)."
                if dispersion["model"] == "quasi-Poisson"
                else "errors are Poisson's."
            )
            + _negative_binomial(dispersion)
            if known
            else "No count model is fitted.",
        ),
        Guard(
            kind="score after the last order",
            fired=found.after_last > 0,
            text=f"{count_said(found.after_last)} of {count_said(n)} customers have no order after "
            f"their score, and {count_said(found.dormant)} had none in the year before it. They "
            "count with their whole exposure: whether they have stopped buying is not known.",
        ),
        Guard(
            kind="exposure",
            fired=short > 0 or not found.dated,
            text=f"{count_said(short)} of {count_said(n)} customers are followed for less than "
            f"{markup.counted(horizon, 'month')}; they count with the time they are."
            + (
                ""
                if found.dated
                else " The study does not say when customers left, so everyone's exposure runs to "
                "the end of the data: who has gone counts as not buying."
            ),
        ),
        Guard(
            kind="orders outside the relationship",
            fired=found.outside > 0,
            text=f"{count_said(found.outside)} orders lie before joining, or on or after the day "
            "of leaving; they are dropped."
            if found.outside
            else "No order lies before joining, or on or after the day of leaving.",
        ),
        Guard(
            kind="short history",
            fired=found.short_history > 0,
            text=f"For {count_said(found.short_history)} customers the year before the score is "
            "not wholly in the data; they are a group of their own where earlier orders are held "
            "equal.",
        ),
        Guard(
            kind="orders without an amount",
            fired=found.no_amount > 0,
            text=f"{count_said(found.no_amount)} orders have no amount; they count as orders and "
            "add nothing to spend, which is then too low."
            if found.no_amount
            else "Every order has an amount.",
        ),
        Guard(
            kind="sparse orders",
            fired=effect.value is None or not adjusted_for,
            text=effect.reason
            or ("Too few orders to hold anything equal." if not adjusted_for else "")
            or f"Enough orders to hold equal: {_equal(adjusted_for)}.",
        ),
    )


def _negative_binomial(dispersion: dict[str, Any]) -> str:
    """Say what a negative binomial model gives, where one was asked for."""
    name = "negative binomial: "
    if f"{name}value" not in dispersion:
        return ""
    if dispersion[f"{name}value"] is None:
        return f" Beside it, {dispersion[f'{name}reason']}"
    low, high = dispersion[f"{name}low"], dispersion[f"{name}high"]
    return (
        f" A negative binomial model gives {markup.quantity(dispersion[f'{name}value'], 'ratio')} "
        f"({markup.interval(low, high, 'ratio')})."
    )


def _equal(adjusted_for: Sequence[str]) -> str:
    """Say what is held equal."""
    if not adjusted_for:
        return "nothing held equal"
    return ", ".join(held(c) for c in adjusted_for) + " held equal"

"""Sentences and tables on what a better experience would be worth, each made from its estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.results import Table
from cxkit.retention.wording import held

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from cxkit.results import Estimate


def sentence(
    *,
    kept: Estimate,
    revenue: Estimate,
    break_even: Estimate,
    below: str,
    above: str,
    horizon: int,
) -> str:
    """Say how many customers, what revenue and what it may cost; three ways, by the interval."""
    if kept.value is None or kept.low is None or kept.high is None:
        return f"What a better experience would be worth cannot be told: {kept.reason}"
    ci = markup.percent_label(kept.level)
    moved = f"If the {kept.n:,} {below} had been served as {above} are"
    limits = f"({ci} interval {markup.interval(kept.low, kept.high, 'count')})"
    size = markup.number(abs(kept.value), 0)
    if kept.low > 0:
        return (
            f"{moved}, {size} more of them {limits} would still be customers "
            f"{markup.counted(horizon, 'month')} after the landmark{_worth(revenue, break_even)}"
        )
    if kept.high < 0:
        return (
            f"{moved}, {size} fewer of them ({ci} interval of the change "
            f"{markup.interval(kept.low, kept.high, 'count')}) would still be customers {horizon} "
            f"months after the landmark: a better score goes with leaving here, and raising it is "
            "not shown to pay."
        )
    return (
        f"Whether raising the experience of the {kept.n:,} {below} to that of {above} would keep "
        "customers cannot be told: the change in those still there "
        f"{markup.counted(horizon, 'month')} after the landmark is {markup.number(kept.value, 0)} "
        f"{limits}, so no cost is shown to pay."
    )


def _worth(revenue: Estimate, break_even: Estimate) -> str:
    """Say the revenue and the cost that would pay for itself, or why there is none."""
    if revenue.value is None:
        return f". {revenue.reason}"
    missing = f"; for {revenue.n_missing:,} no value is known" if revenue.n_missing else ""
    said = (
        f", worth {_money(revenue.value)} {revenue.measured_in} ({_money(revenue.low)} to "
        f"{_money(revenue.high)}{missing})."
    )
    if break_even.value is None or break_even.low is None:
        return said
    return (
        f"{said} Raising one customer by one point pays for itself up to "
        f"{markup.number(break_even.value, 2)} {break_even.measured_in.split(' for ')[0]} "
        f"({markup.number(break_even.low, 2)} to {markup.number(break_even.high or 0, 2)})."
    )


def _money(value: float | None) -> str:
    """Write an amount without decimals."""
    return markup.number(value or 0.0, 0)


def assumptions(
    below: str, above: str, adjust: Sequence[str], horizon: int, gap: int, *, has_value: bool
) -> str:
    """State what has to be true for the number to be one."""
    equal = ", ".join(held(c) for c in adjust)
    return (
        f"This takes the difference between {below} and {above} to be the effect of the experience"
        + (f" once {equal} are held equal" if equal else ", with nothing held equal")
        + ", one and the same effect at every touchpoint; that nothing else would change with it; "
        "and speaks of the customers who answered and were still there "
        f"{markup.counted(gap, 'day')} later, not of the silent."
        + (
            " Revenue is the yearly value of those kept, as it stands in the customer table, "
            f"{markup.counted(horizon, 'month')} on; costs are not in it."
            if has_value
            else ""
        )
    )


def touchpoints_table(
    frame: pd.DataFrame,
    below: str,
    above: str,
    horizon: int,
    money: str,
    how: str,
    level: float,
) -> Table:
    """Return customers kept and revenue by touchpoint and in all."""
    ci = markup.percent_label(level)
    n = int(frame["below"].iloc[-1])
    columns = [
        ("Touchpoint of the answer", "touchpoint", "text"),
        ("Below the cut", "below", "count"),
        ("Leave, as they are (%)", "left_now", "%"),
        ("Leave, once moved (%)", "left_then", "%"),
        ("Customers kept", "kept", "count"),
        (f"{ci} interval", "kept_low..kept_high", "count"),
    ]
    if money:
        columns += [
            (f"Revenue ({money} a year)", "revenue", "count"),
            (f"{ci} interval of that", "revenue_low..revenue_high", "count"),
        ]
    return Table.of(
        frame,
        caption=f"If the {n:,} {below} were served as {above}: customers kept "
        f"{markup.counted(horizon, 'month')} after the landmark, by the touchpoint of the answer; "
        f"intervals from {how}. The parts add up to the whole; their intervals do not.",
        columns=columns,
    )

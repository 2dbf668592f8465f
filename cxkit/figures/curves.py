"""Retention by experience, and the usual comparisons beside the honest one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from cxkit import markup
from cxkit.disclosure import LEAST_CUSTOMERS, few_so_far, in_all
from cxkit.figures.canvas import (
    ACCENT,
    BAND_COLOURS,
    DRAWN,
    INK,
    canvas,
    finish,
    measured,
    stairs,
    steps,
    whisker,
    wrap,
)
from cxkit.results import Note, Picture

if TYPE_CHECKING:
    import pandas as pd


class _Retention(Protocol):
    """What the retention figure reads."""

    groups: pd.DataFrame
    groups_measure: str
    curves: pd.DataFrame | None
    at_risk: pd.DataFrame | None
    horizon: int
    level: float
    contract: str


def retention(result: _Retention) -> Picture | Note:
    """Draw retention by band: curves with numbers at risk, or for a snapshot churn by group."""
    if result.curves is None:
        return _groups(result)
    if result.curves.empty:
        return Note(
            paragraphs=(
                "No curve is drawn: every band has too few customers, or so few who left or "
                "stayed that a curve would tell how many.",
            )
        )
    return _curves(result)


def _curves(result: _Retention) -> Picture:
    """Draw Kaplan-Meier curves by band over a small table of numbers at risk."""
    curves: Any = result.curves
    risk: Any = result.at_risk
    if curves is None or risk is None:
        raise TypeError("a snapshot has no curves")
    colour = dict(zip(curves["band"].cat.categories, BAND_COLOURS, strict=True))
    bands = [b for b in colour if (curves["band"] == b).any()]
    end = float(max(result.horizon, risk.columns[-1]))
    tall, below = 2.75, 0.82 + 0.2 * len(bands)  # inches: the axes, and the numbers under them
    height = 0.32 + tall + below
    fig, ax = canvas(height, fit=False)
    fig.subplots_adjust(left=0.3, right=0.96, top=1 - 0.32 / height, bottom=below / height)
    for band in bands:
        steps(ax, _followed(curves[curves["band"] == band], end), colour[band], label=band)
    ax.axvline(result.horizon, color="#777777", linewidth=1, linestyle="--")
    ax.set_xlim(0, end)
    ax.set_ylim(0, 101)
    months = _few([int(m) for m in risk.columns if m <= end])
    ax.set_xticks(months)
    ax.set_xlabel("months after the landmark")
    ax.set_ylabel("still customers (%)")
    ax.set_title("Retention by experience", loc="left")
    ax.legend(loc="lower left", framealpha=1, edgecolor="none")  # over the dashed line
    for i, band in enumerate(bands):
        y = -(0.82 + 0.2 * i) / tall
        ax.text(
            -0.08, y, band, transform=ax.transAxes, ha="right", fontsize=8.5, color=colour[band]
        )
        for m in months:
            ax.text(
                m / end,
                y,
                _counted(int(risk.loc[band, m])),
                transform=ax.transAxes,
                ha="center",
                fontsize=8.5,
                color=INK,
            )
    ax.text(-0.08, -0.62 / tall, "at risk", transform=ax.transAxes, ha="right", fontsize=8.5)
    return finish(
        fig,
        kind="svg",
        alt=_alt_groups(result),
        caption=_caption_curves(result),
        table=_read_off(result, bands, months, end),
    )


def _read_off(result: _Retention, bands: list[str], months: list[int], end: float) -> pd.DataFrame:
    """Return the curves at the months under the figure, with the numbers at risk printed there."""
    import pandas as pd

    curves: Any = result.curves
    risk: Any = result.at_risk
    rows = []
    for band in bands:
        curve = curves[curves["band"] == band]
        drawn = _followed(curve, end)
        for month in months:
            known = drawn[drawn["time"] <= month].iloc[-1]
            followed = month <= drawn["time"].iloc[-1]
            left = curve.loc[curve["time"] <= month, "events"].sum()
            told = followed and not 0 < left < LEAST_CUSTOMERS
            shares = [100 * known[c] if told else None for c in ("survival", "low", "high")]
            rows.append([band, month, *shares, _counted(int(risk.loc[band, month]))])
    columns = ["band", "months", "kept_percent", "low", "high", "at_risk"]
    return pd.DataFrame(rows, columns=columns).assign(level=result.level, method="Kaplan-Meier")


def _groups(result: _Retention) -> Picture | Note:
    """Draw one share per group with its interval, from zero."""
    rows = result.groups.dropna(subset=["value"])
    if rows.empty:
        return Note(paragraphs=("No bar is drawn: a share would tell how few left, or stayed.",))
    fig, ax = canvas(0.7 * len(rows) + 1.2)
    last = len(rows) - 1
    for y, (_, row) in zip(range(last, -1, -1), rows.iterrows(), strict=True):
        ax.barh(y, row["value"], color=ACCENT, alpha=0.25, height=0.55)
        whisker(ax, y, row, ACCENT)
    ax.set_yticks(range(last, -1, -1), [wrap(str(g), 22) for g in rows["group"]])
    ax.set_xlim(0, 100)
    ax.set_xlabel(f"{result.groups_measure} (%)")
    ax.set_title("Churn by experience", loc="left")
    total = int(rows["n"].sum())
    return finish(
        fig,
        kind="svg",
        alt=_alt_groups(result),
        caption=(
            f"Bars are shares, whiskers {markup.percent_label(result.level)} Wilson intervals; "
            f"n = {total:,} customers.{measured(result.contract)}"
        ),
        table=rows[["group", "value", "low", "high", "n"]].assign(
            level=result.level, measured_in="%", method="Wilson"
        ),
    )


def _alt_groups(result: _Retention) -> str:
    """Name the measure, the direction, the largest and the smallest."""
    rows = result.groups.dropna(subset=["value"])
    if rows.empty:
        return f"Share {result.groups_measure}: not known for any group."
    ordered = rows.sort_values("value")
    bottom, top = ordered.iloc[0], ordered.iloc[-1]
    first, last = rows.iloc[0], rows.iloc[-1]
    if len(rows) == 1:
        return (
            f"Share {result.groups_measure}: {top['group']} only, "
            f"{markup.quantity(top['value'], '%')}."
        )
    apart = first["high"] < last["low"] or last["high"] < first["low"]
    way = (
        f"the intervals of {first['group']} and {last['group']} overlap"
        if not apart
        else f"{last['group']} {'above' if last['value'] > first['value'] else 'below'} "
        f"{first['group']}"
    )
    return (
        f"Share {result.groups_measure}, by group: {way}. Largest: {top['group']}, "
        f"{markup.quantity(top['value'], '%')}; smallest: {bottom['group']}, "
        f"{markup.quantity(bottom['value'], '%')}."
    )


def _caption_curves(result: _Retention) -> str:
    """Say what the lines and bands are, with n."""
    rows = result.groups.dropna(subset=["value"])
    n, exits = rows["n"].tolist(), [int(e) for e in rows["exits"]]
    bare = result.groups.loc[result.groups["value"].isna(), "group"]
    out = (
        f" Not drawn, since too few are followed, left or stayed: {', '.join(bare)}."
        if len(bare)
        else ""
    )
    return (
        f"Kaplan–Meier curves from the landmark, shaded {markup.percent_label(result.level)} "
        f"log–log intervals; n = {in_all(n, n)} customers, {in_all(exits, n)} left within "
        f"{markup.counted(result.horizon, 'month')} (dashed). Below: customers still followed. A "
        f"line first falls when {LEAST_CUSTOMERS} have left, and ends where fewer than "
        f"{LEAST_CUSTOMERS} are followed.{out}{measured(result.contract)}"
    )


def _followed(curve: pd.DataFrame, end: float) -> pd.DataFrame:
    """Return a curve as it is drawn: from month 0 as long as enough customers are followed."""
    told = curve[(curve["at_risk"] >= LEAST_CUSTOMERS) | (curve["time"] == 0)]
    last = min(end, float(told["time"].max()))
    told = told[~few_so_far(told["events"])]
    return stairs(told[["time", "survival", "low", "high"]], begins=1, every=DRAWN, end=last)


def _few(months: list[int]) -> list[int]:
    """Return the months worth a tick: at most six, a round step apart."""
    for step in (3, 6, 12, 24, 60):
        kept = [m for m in months if m % step == 0]
        if len(kept) <= 6:
            return kept
    return [months[0], months[-1]]


def _counted(n: int) -> str:
    """Write a number of customers; a few are not told apart."""
    return f"{n:,}" if n == 0 or n >= LEAST_CUSTOMERS else f"<{LEAST_CUSTOMERS}"

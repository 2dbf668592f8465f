"""The figures of the later retention sections: ratios side by side, and retention by score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cxkit import markup
from cxkit.disclosure import LEAST_CUSTOMERS, few_so_far
from cxkit.figures.canvas import (
    ACCENT,
    BAND_COLOURS,
    DRAWN,
    canvas,
    finish,
    measured,
    panels,
    sides,
    stairs,
    steps,
    whisker,
    wrap,
)
from cxkit.results import Note, Picture

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.results import Section

_NOTHING = Note(paragraphs=("There is nothing to draw here.",))
#: Reasons that have a panel of their own; more would not be read.
_PANELS = 3

_TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)


def ratios(section: Section) -> Picture | Note:
    """Draw the hazard ratio of every comparison with its interval, on a log scale."""
    if not section.ok:
        return _NOTHING
    found: Any = section.result
    rows = found.frame.dropna(subset=["value", "low", "high"])
    if rows.empty:
        return _NOTHING
    fig, ax = canvas(0.42 * len(rows) + 1.1)
    last = len(rows) - 1
    for y, (_, row) in zip(range(last, -1, -1), rows.iterrows(), strict=True):
        reading = str(row["reading"])
        colour = ACCENT if reading == "this report's gap" else BAND_COLOURS[1]
        colour = BAND_COLOURS[0] if reading.startswith("naive") else colour
        whisker(ax, y, row, colour, size=6)
    ax.axvline(1, color="#777777", linewidth=1, linestyle="--")
    ax.set_xscale("log")
    low, high = float(rows["low"].min()), max(float(rows["high"].max()), 1.1)
    ticks = [t for t in _TICKS if low * 0.8 <= t <= high * 1.2]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()
    ax.set_xlim(low * 0.85, high * 1.15)
    ax.set_yticks(range(last, -1, -1), [wrap(str(c), 30) for c in rows["comparison"]])
    ax.tick_params(axis="y", labelsize=8.5)
    ax.set_xlabel("hazard ratio of leaving (log scale)")
    ax.set_title("One question, asked in several ways", loc="left")
    ordered = rows.sort_values("value")
    bottom, top = ordered.iloc[0], ordered.iloc[-1]
    return finish(
        fig,
        kind="svg",
        alt=(
            f"Hazard ratios of leaving from {len(rows)} comparisons. {sides(rows, 1)}. Smallest: "
            f"{markup.quantity(bottom['value'], 'ratio')} ({bottom['comparison']}); largest: "
            f"{markup.quantity(top['value'], 'ratio')} ({top['comparison']})."
        ),
        caption=(
            f"Points are hazard ratios, whiskers {markup.percent_label(found.level)} intervals; "
            f"{_range(rows['n'])} customers a row. Blue is "
            "this report's gap; the naive row is in the colour of the poor end."
            + _left_out(found.frame)
            + measured(found.contract)
        ),
        table=rows[["comparison", "reading", "value", "low", "high", "n"]].assign(
            level=found.level, measured_in="hazard ratio"
        ),
    )


def _range(n: pd.Series) -> str:
    """Say how many customers the rows have."""
    least, most = int(n.min()), int(n.max())
    return f"n = {least:,}" if least == most else f"n from {least:,} to {most:,}"


def _left_out(frame: pd.DataFrame) -> str:
    """Say which comparisons gave no ratio and are not drawn."""
    names = frame.loc[frame["value"].isna(), "comparison"]
    return f" Not drawn, for want of a ratio: {'; '.join(names)}." if len(names) else ""


def retention_by_score(section: Section) -> Picture | Note:
    """Draw retention at each score with its interval."""
    if not section.ok:
        return _NOTHING
    import seaborn as sns

    found: Any = section.result
    rows = found.scores.dropna(subset=["value", "low", "high"])
    if len(rows) < 2:
        return _NOTHING
    fig, ax = canvas(3.2)
    ax.fill_between(rows["score"], rows["low"], rows["high"], color=ACCENT, alpha=0.15, linewidth=0)
    sns.lineplot(x=rows["score"], y=rows["value"], color=ACCENT, linewidth=2, errorbar=None, ax=ax)
    ax.set_ylim(0, 101)
    ax.set_xlabel(f"{found.measure.upper()} score")
    ax.set_ylabel(f"kept after {markup.counted(found.horizon, 'month')} (%)")
    ax.set_title("Retention by score", loc="left")
    first, end = rows.iloc[0], rows.iloc[-1]
    apart = (end["low"] > first["high"], end["high"] < first["low"])
    way = {(True, False): "rises", (False, True): "falls"}.get(
        apart, "cannot be told to rise or fall"
    )
    ordered = rows.sort_values("value")
    bottom, top = ordered.iloc[0], ordered.iloc[-1]
    return finish(
        fig,
        kind="svg",
        alt=(
            f"Share kept after {markup.counted(found.horizon, 'month')} by score: it {way} from "
            f"score {first['score']:g} to {end['score']:g}. Largest: "
            f"{markup.quantity(top['value'], '%')} at score {top['score']:g}; smallest: "
            f"{markup.quantity(bottom['value'], '%')} at score {bottom['score']:g}."
        ),
        caption=(
            f"Line: retention if every customer had given that score; shade: "
            f"{markup.percent_label(found.level)} interval; n = {int(rows['n'].sum()):,} customers."
            f"{measured(found.contract)}"
        ),
        table=rows[["score", "value", "low", "high", "n"]].assign(
            level=found.level, measured_in="% kept", months=found.horizon
        ),
    )


def left_by_reason(section: Section) -> Picture | Note:
    """Draw the share that has left for each of the commonest reasons, month by month, by band."""
    if not section.ok or section.result.curves.empty:
        return _NOTHING
    found: Any = section.result
    bands = list(found.frame["band"].unique())
    colour = dict(zip(bands, (BAND_COLOURS if len(bands) > 2 else BAND_COLOURS[::2]), strict=False))
    told = found.frame[found.frame["told"] & (found.frame["exits"] > 0)]
    told = told.set_index(["band", "reason"])
    reasons = [
        r for r in found.frame["reason"].unique() if (told.index.get_level_values(1) == r).any()
    ]
    if not reasons:
        return _NOTHING
    drawn = reasons[:_PANELS]
    fig, axes = panels(2.9, len(drawn))
    for ax, reason in zip(axes, drawn, strict=True):
        for band in (b for b in bands if (b, reason) in told.index):
            own = found.curves[(found.curves["band"] == band) & (found.curves["reason"] == reason)]
            shares = own.loc[~few_so_far(own["events"]), ["time", "incidence", "low", "high"]]
            line = stairs(shares, begins=0, every=_PANELS * DRAWN, end=found.horizon)
            steps(ax, line, colour[band], label=band if ax is axes[0] else None)
        ax.set_xlim(0, found.horizon)
        ax.set_xlabel("months")
        ax.set_title(wrap(str(reason), 18), loc="left", fontsize=9.5)
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel("left for this reason (%)")
    if (legend := axes[0].get_legend()) is not None:
        fig.legend(
            *axes[0].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=len(bands),
            frameon=False,
            fontsize=8.5,
        )
        legend.remove()
    rest = [str(r) for r in found.frame["reason"].unique() if r not in drawn]
    return finish(
        fig,
        kind="svg",
        alt=_alt_reasons(found, told),
        caption=(
            "Lines: cumulative incidence (Aalen–Johansen), shade: "
            f"{markup.percent_label(found.level)} intervals; n = "
            f"{int(found.frame.drop_duplicates('band')['n'].sum()):,} customers. A line first "
            f"rises when {LEAST_CUSTOMERS} have left so."
            + (f" Only in the table: {', '.join(rest)}." if rest else "")
            + measured(found.contract)
        ),
        table=told.reset_index()[["reason", "band", "value", "low", "high", "n"]].assign(
            level=found.level, measured_in="% left", months=found.horizon, method="Aalen-Johansen"
        ),
    )


def _alt_reasons(found: Any, told: Any) -> str:
    """Name the measure, the largest, the smallest, and by reason which way the bands differ."""
    shares = told["value"].astype(float)
    top, bottom = shares.idxmax(), shares.idxmin()
    return (
        f"Share left within {markup.counted(found.horizon, 'month')} of the landmark, by reason. "
        f"Largest: {markup.quantity(shares[top], '%')} of {top[0]} because of {top[1]}; smallest: "
        f"{markup.quantity(shares[bottom], '%')} of {bottom[0]} because of {bottom[1]}. "
        f"{found.sentence}"
    )

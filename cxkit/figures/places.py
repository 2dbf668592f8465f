"""Units on the plane of both sides, and a correlation beside published ones: pixels only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from cxkit import markup
from cxkit.figures.canvas import (
    ACCENT,
    BAND_COLOURS,
    canvas,
    finish,
    measured,
    sides,
    whisker,
    wrap,
)
from cxkit.results import Note, Picture

if TYPE_CHECKING:
    from cxkit.disclosure import Shown
    from cxkit.results import Estimate, Table

_LOOSE = "cannot be placed"
_COLOURS = {
    "low on both": BAND_COLOURS[0],
    "engaged staff, poor experience": "#b58900",
    "good experience, unengaged staff": "#2a7f62",
    "high on both": BAND_COLOURS[2],
}
_MARKS = {
    "low on both": "v",
    "engaged staff, poor experience": ">",
    "good experience, unengaged staff": "<",
    "high on both": "^",
}


class _Linkage(Protocol):
    """What these figures read; ``plane`` is a `Plane` or None."""

    r: Estimate
    shown: Shown
    shown_beside: str
    plane: Any
    published: Table
    engagement_unit: str
    experience_unit: str
    level: float
    contract: str


def plane(result: _Linkage) -> Picture | Note:
    """Draw the units that may be shown where they can be placed, with their intervals."""
    if result.plane is None or result.plane.units.empty:
        return Note(paragraphs=("There is no plane to draw.",))
    units, (x, y) = result.plane.units, result.plane.middle
    fig, ax = canvas(4.2)
    ax.axvline(x, color="#777777", linewidth=1, linestyle="--")
    ax.axhline(y, color="#777777", linewidth=1, linestyle="--")
    loose = units[units["corner"] == _LOOSE]
    ax.plot(loose["engagement"], loose["experience"], "o", color="#b8b8b8", markersize=3)
    counted = {}
    for corner, colour in _COLOURS.items():
        rows = units[units["corner"] == corner]
        counted[corner] = len(rows)
        if rows.empty:
            continue
        ax.hlines(rows["experience"], rows["engagement_low"], rows["engagement_high"], color=colour,
                  linewidth=0.8, alpha=0.45)  # fmt: skip
        ax.vlines(rows["engagement"], rows["experience_low"], rows["experience_high"], color=colour,
                  linewidth=0.8, alpha=0.45)  # fmt: skip
        ax.plot(rows["engagement"], rows["experience"], _MARKS[corner], color=colour, markersize=6,
                label=f"{corner} ({len(rows)})")  # fmt: skip
    pool = result.shown.pool
    if len(pool):
        ax.plot(
            pool["engagement"], pool["experience"], "D", color=BAND_COLOURS[0], fillstyle="none"
        )
    if any(counted.values()):
        ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.16), ncols=2, frameon=False,
                  fontsize=8)  # fmt: skip
    ax.set_xlabel(result.engagement_unit)
    ax.set_ylabel(result.experience_unit)
    ax.set_title("Where units can be placed", loc="left")
    said = "; ".join(f"{n:,} {corner}" for corner, n in counted.items()) or "none"
    label = markup.percent_label(result.level)
    ends = [
        f"smallest {side} {markup.number(units[side].min(), 2)}, largest "
        f"{markup.number(units[side].max(), 2)}"
        for side in ("engagement", "experience")
    ]
    columns = ["engagement", "experience", "corner"]
    return finish(
        fig,
        kind="png",
        alt=(
            f"{len(units):,} units by shrunken engagement and experience: {said}; {len(loose):,} "
            f"cannot be placed. {ends[0].capitalize()}; {ends[1]}."
        ),
        caption=(
            f"One point is one unit of n = {len(units):,}, its means drawn towards the mean of all "
            f"(dashed); whiskers are {label} intervals of the units that can be placed with 90 % "
            f"probability on both sides, grey points cannot.{result.shown_beside} "
            f"{result.shown.reason}{measured(result.contract)}"
        ),
        table=units.sort_values(columns)[columns].round(2),
    )


def published(result: _Linkage) -> Picture | Note:
    """Draw the published correlations and this study's, raw and corrected apart."""
    rows = result.published.frame
    rows = rows[rows["value"].notna()].reset_index(drop=True)
    if rows.empty:
        return Note(paragraphs=("There is no correlation to draw.",))
    fig, ax = canvas(0.5 * len(rows) + 1.2)
    last = len(rows) - 1
    labels = []
    for y, row in zip(range(last, -1, -1), rows.to_dict("records"), strict=True):
        own = row["label"] == "this study"
        colour = ACCENT if own else BAND_COLOURS[1]
        whisker(ax, y, row, colour, mark="D" if own else "o")
        labels.append(wrap(f"{row['footing']}: {row['label']}", 30))
    split = last - int((rows["footing"] == "raw").sum()) + 0.5
    if 0 < split < last:
        ax.axhline(split, color="#cccccc", linewidth=1)
    ax.axvline(0, color="#777777", linewidth=1, linestyle="--")
    ax.set_ylim(-0.6, last + 0.6)
    ax.set_yticks(range(last, -1, -1), labels)
    ax.tick_params(axis="y", labelsize=8)
    ax.set_xlabel("correlation between units")
    ax.set_title("Beside published correlations", loc="left")
    ordered = rows.sort_values("value")
    bottom, top = ordered.iloc[0], ordered.iloc[-1]
    return finish(
        fig,
        kind="png",
        alt=(
            f"{len(rows)} correlations between units, raw above corrected. "
            f"{sides(rows.dropna(subset=['low', 'high']), 0)}. Largest: "
            f"{markup.quantity(top['value'], 'correlation')} ({top['footing']}, {top['whose']}); "
            f"smallest: {markup.quantity(bottom['value'], 'correlation')} ({bottom['footing']}, "
            f"{bottom['whose']})."
        ),
        caption=(
            "Compare only values of one footing, which the line parts: raw above, corrected for "
            f"unreliability below. {_diamonds(result)} Circles were published, with an interval "
            f"where one is known.{result.shown_beside}{measured(result.contract)}"
        ),
        table=rows[["whose", "what", "value", "low", "high", "footing", "lag", "mark"]],
    )


def _diamonds(result: _Linkage) -> str:
    """Say what this study's marks are, or that it has none."""
    if result.r.value is None:
        return "This study has none to draw."
    units = markup.counted(result.r.n, "unit")
    label = markup.percent_label(result.level)
    return f"Diamonds are this study (n = {units}) with {label} intervals."

"""Units side by side and wave after wave: pixels only, since a vector drawing gives values back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cxkit import markup
from cxkit.figures.canvas import ACCENT, BAND_COLOURS, canvas, finish, measured, sides, whisker
from cxkit.results import Note, Picture

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.disclosure import Shown
    from cxkit.results import Estimate


class _Linkage(Protocol):
    """What the linkage figures read."""

    r: Estimate
    shown: Shown
    lags: pd.DataFrame
    engagement_unit: str
    experience_unit: str
    level: float
    shown_beside: str
    contract: str


def scatter(result: _Linkage) -> Picture:
    """Draw the units that may be shown: engagement against experience, size by answers."""
    import seaborn as sns

    units = result.shown.units
    fig, ax = canvas(3.6)
    sizes = units["n_customers"].fillna(units["n_customers"].median()).fillna(1)
    sns.scatterplot(
        x=units["engagement"],
        y=units["experience"],
        size=sizes,
        sizes=(18, 140) if sizes.max() > sizes.min() else (28, 28),
        color=ACCENT,
        alpha=0.55,
        edgecolor="white",
        linewidth=0.5,
        legend=False,
        ax=ax,
    )
    pool = result.shown.pool
    if len(pool):
        ax.plot(
            pool["engagement"], pool["experience"], "D", color=BAND_COLOURS[0], fillstyle="none"
        )
    ax.set_xlabel(result.engagement_unit)
    ax.set_ylabel(result.experience_unit)
    ax.set_title("Units: engagement and experience", loc="left")
    r = result.r
    label = markup.percent_label(result.level)
    if r.value is None:
        said, way = f"no correlation is given ({r.reason})", "no direction can be read"
    else:
        said = (
            f"r = {markup.quantity(r.value, 'correlation')} ({label} interval "
            f"{markup.interval(r.low, r.high, 'correlation')}, n = {r.n:,} units)"
        )
        way = {
            (True, False): "higher engagement goes with better experience",
            (False, True): "higher engagement goes with worse experience",
        }.get(((r.low or 0) > 0, (r.high or 0) < 0), "no direction can be told")
    spread = (
        f"Smallest engagement: {markup.number(units['engagement'].min(), 2)}, largest "
        f"{markup.number(units['engagement'].max(), 2)}; smallest experience: "
        f"{markup.number(units['experience'].min(), 2)}, largest "
        f"{markup.number(units['experience'].max(), 2)}."
        if len(units)
        else "No unit has enough people to be drawn."
    )
    counted = units["n_customers"].notna().any()
    size = " A larger point has more customers." if counted else ""
    return finish(
        fig,
        kind="png",
        alt=f"Scatter of {len(units):,} units: {way}, {said}. {spread}",
        caption=f"{'One point is one unit' if len(units) else 'No unit is drawn'}; {said}."
        f"{result.shown_beside}{size} {result.shown.reason}"
        f"{measured(result.contract)}",
        table=_points(result),
    )


def _points(result: _Linkage) -> pd.DataFrame:
    """Return the points as they can be read off the figure: no names, no sizes, two decimals."""
    import pandas as pd

    shown = {"one unit": result.shown.units, "units pooled": result.shown.pool}
    points = pd.concat(
        [f[["engagement", "experience"]].assign(point=name) for name, f in shown.items()],
        ignore_index=True,
    )
    ordered = points.sort_values(["point", "engagement", "experience"])
    return ordered[["point", "engagement", "experience"]].astype({"point": str}).round(2)


def lags(result: _Linkage) -> Picture | Note:
    """Draw both lagged correlations with their intervals; without lags, say so."""
    if result.lags.empty:
        return Note(paragraphs=("There is no lag to draw.",))
    rows = result.lags[~result.lags["lag"].str.startswith("difference")]
    fig, ax = canvas(0.62 * len(rows) + 1.1)
    last = len(rows) - 1
    for y, (_, row) in zip(range(last, -1, -1), rows.iterrows(), strict=True):
        colour = ACCENT if row["of"] == "within units" else BAND_COLOURS[1]
        whisker(ax, y, row, colour)
    ax.axvline(0, color="#777777", linewidth=1, linestyle="--")
    ax.set_ylim(-0.6, last + 0.6)
    ax.set_yticks(
        range(last, -1, -1),
        [f"{lag}\n({of})" for lag, of in zip(rows["lag"], rows["of"], strict=True)],
    )
    ax.set_xlabel("correlation, one wave apart")
    ax.set_title("Both lags", loc="left")
    ordered = rows.sort_values("value")
    label = markup.percent_label(result.level)
    return finish(
        fig,
        kind="png",
        alt=(
            f"{len(rows)} lagged correlations. {sides(rows, 0)}. Largest: "
            f"{markup.quantity(ordered['value'].iloc[-1], 'correlation')} "
            f"({ordered['lag'].iloc[-1]}, {ordered['of'].iloc[-1]}); smallest: "
            f"{markup.quantity(ordered['value'].iloc[0], 'correlation')} "
            f"({ordered['lag'].iloc[0]}, {ordered['of'].iloc[0]})."
        ),
        caption=(
            f"Points are correlations one wave apart, whiskers {label} bootstrap intervals over "
            f"n = {int(rows['n'].iloc[0]):,} units. Neither kind identifies direction."
            f"{result.shown_beside}{measured(result.contract)}"
        ),
        table=rows[["lag", "of", "value", "low", "high", "n"]].assign(
            level=result.level, method="bootstrap over units"
        ),
    )

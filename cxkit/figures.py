"""Results become seaborn pictures with a caption and a text alternative; nothing is computed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cxkit import markup
from cxkit.results import Note, Picture

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxkit.disclosure import Shown
    from cxkit.results import Estimate

#: From the poor end to the good one; told apart in common kinds of colour blindness and in grey.
BAND_COLOURS = ("#b5532a", "#8a8a8a", "#1f5f8b")
ACCENT = "#1f5f8b"

#: Months between drawn steps of a curve: finer than a line is wide, and a tenth of the file.
DRAWN = 0.2
INK = "#222222"


class _Retention(Protocol):
    """What the retention figure reads."""

    groups: pd.DataFrame
    groups_measure: str
    curves: pd.DataFrame | None
    at_risk: pd.DataFrame | None
    naive: pd.DataFrame | None
    horizon: int
    level: float


class _Linkage(Protocol):
    """What the linkage figures read."""

    r: Estimate
    shown: Shown
    lags: pd.DataFrame
    engagement_unit: str
    experience_unit: str
    level: float


def retention(result: _Retention) -> Picture:
    """Draw retention by band: curves with numbers at risk, or for a snapshot churn by group."""
    return _groups(result) if result.curves is None else _curves(result)


def naive(result: _Retention) -> Picture | Note:
    """Draw the usual hazard ratios beside the honest one, on a log scale; without them, say so."""
    if result.naive is None:
        return Note(paragraphs=("There is no usual comparison to draw beside the answer.",))
    rows = result.naive
    fig, ax = _canvas(7.2, 0.62 * len(rows) + 1.1)
    last = len(rows) - 1
    for y, (i, row) in zip(range(last, -1, -1), rows.iterrows(), strict=True):
        colour = ACCENT if i == rows.index[-1] else BAND_COLOURS[0]
        ax.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=2.2)
        ax.plot(row["value"], y, "o", color=colour, markersize=7)
        ax.annotate(
            markup.quantity(row["value"], "ratio"),
            (row["value"], y),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=INK,
        )
    ax.axvline(1, color="#777777", linewidth=1, linestyle="--")
    ax.set_xscale("log")
    low, high = min(rows["low"].min(), 0.5), max(rows["high"].max(), 1.25)
    ticks = [t for t in (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5) if low * 0.8 <= t <= high * 1.2]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()
    ax.set_xlim(low * 0.85, high * 1.15)
    ax.set_ylim(-0.6, last + 0.7)
    ax.set_yticks(range(last, -1, -1), [_wrap(str(c), 34) for c in rows["comparison"]])
    ax.set_xlabel("hazard ratio of leaving (1 = no difference, log scale)")
    fig.axes[0].set_title("The usual comparisons and this report's", loc="left")
    first, honest = rows.iloc[0], rows.iloc[-1]
    ordered = rows.sort_values("value")
    label = markup.percent_label(result.level)
    return _finish(
        fig,
        kind="svg",
        alt=(
            f"Hazard ratios of leaving for {len(rows)} comparisons. Smallest: "
            f"{markup.quantity(ordered['value'].iloc[0], 'ratio')} "
            f"({ordered['comparison'].iloc[0]}); largest: "
            f"{markup.quantity(ordered['value'].iloc[-1], 'ratio')} "
            f"({ordered['comparison'].iloc[-1]}). This report's: "
            f"{markup.quantity(honest['value'], 'ratio')}."
        ),
        caption=(
            f"Points are hazard ratios, whiskers {label} intervals; n = {int(honest['n']):,} "
            f"customers in this report's row and {int(first['n']):,} in the first. Only the last "
            "row is an answer."
        ),
    )


def scatter(result: _Linkage) -> Picture:
    """Draw the units that may be shown: engagement against experience, size by answers."""
    import seaborn as sns

    units = result.shown.units
    fig, ax = _canvas(6.4, 4.6)
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
        f"Engagement runs from {markup.number(units['engagement'].min(), 2)} to "
        f"{markup.number(units['engagement'].max(), 2)}, experience from "
        f"{markup.number(units['experience'].min(), 2)} to "
        f"{markup.number(units['experience'].max(), 2)}."
        if len(units)
        else "No unit has enough people to be drawn."
    )
    counted = units["n_customers"].notna().any()
    size = " A larger point has more customers." if counted else ""
    return _finish(
        fig,
        kind="png",
        alt=f"Scatter of {len(units):,} units: {way}, {said}. {spread}",
        caption=f"One point is one unit; {said}.{size} {result.shown.reason}",
    )


def lags(result: _Linkage) -> Picture | Note:
    """Draw both lagged correlations with their intervals; without lags, say so."""
    if result.lags.empty:
        return Note(paragraphs=("There is no lag to draw.",))
    rows = result.lags[~result.lags["lag"].str.startswith("difference")]
    fig, ax = _canvas(7.0, 0.62 * len(rows) + 1.1)
    last = len(rows) - 1
    for y, (_, row) in zip(range(last, -1, -1), rows.iterrows(), strict=True):
        colour = ACCENT if row["of"] == "within units" else BAND_COLOURS[1]
        ax.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=2.2)
        ax.plot(row["value"], y, "o", color=colour, markersize=7)
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
    return _finish(
        fig,
        kind="png",
        alt=(
            f"{len(rows)} lagged correlations. Largest: "
            f"{markup.quantity(ordered['value'].iloc[-1], 'correlation')} "
            f"({ordered['lag'].iloc[-1]}, {ordered['of'].iloc[-1]}); smallest: "
            f"{markup.quantity(ordered['value'].iloc[0], 'correlation')} "
            f"({ordered['lag'].iloc[0]}, {ordered['of'].iloc[0]})."
        ),
        caption=(
            f"Points are correlations one wave apart, whiskers {label} bootstrap intervals over "
            f"n = {int(rows['n'].iloc[0]):,} units. Neither kind identifies direction."
        ),
    )


def _curves(result: _Retention) -> Picture:
    """Draw Kaplan-Meier curves by band over a small table of numbers at risk."""
    import seaborn as sns

    curves: Any = result.curves
    risk: Any = result.at_risk
    if curves is None or risk is None:
        raise TypeError("a snapshot has no curves")
    bands = [b for b in curves["band"].cat.categories if (curves["band"] == b).any()]
    colour = dict(zip(bands, _colours(len(bands)), strict=True))
    end = float(max(result.horizon, risk.columns[-1]))
    fig, ax = _canvas(7.2, 4.7 + 0.2 * len(bands), fit=False)
    fig.subplots_adjust(left=0.22, right=0.97, top=0.92, bottom=0.2 + 0.045 * len(bands))
    for band in bands:
        part = _stairs(curves[curves["band"] == band], end)
        ax.fill_between(
            part["time"],
            100 * part["low"],
            100 * part["high"],
            step="post",
            color=colour[band],
            alpha=0.15,
            linewidth=0,
        )
        sns.lineplot(
            x=part["time"],
            y=100 * part["survival"],
            drawstyle="steps-post",
            color=colour[band],
            linewidth=2,
            errorbar=None,
            estimator=None,
            label=band,
            ax=ax,
        )
    ax.axvline(result.horizon, color="#777777", linewidth=1, linestyle="--")
    ax.set_xlim(0, end)
    ax.set_ylim(0, 101)
    months = [int(m) for m in risk.columns if m <= end]
    months = [m for m in months if m % 6 == 0] if len(months) > 7 else months
    ax.set_xticks(months)
    ax.set_xlabel("months after the landmark")
    ax.set_ylabel("still customers (%)")
    ax.set_title("Retention by experience", loc="left")
    ax.legend(frameon=False, loc="lower left")
    for i, band in enumerate(bands):
        y = -0.235 - 0.062 * i
        ax.text(
            -0.05, y, band, transform=ax.transAxes, ha="right", fontsize=8.5, color=colour[band]
        )
        for m in months:
            ax.text(
                m / end,
                y,
                f"{int(risk.loc[band, m]):,}",
                transform=ax.transAxes,
                ha="center",
                fontsize=8.5,
                color=INK,
            )
    ax.text(-0.05, -0.173, "at risk", transform=ax.transAxes, ha="right", fontsize=8.5)
    return _finish(fig, kind="svg", alt=_alt_groups(result), caption=_caption_curves(result))


def _groups(result: _Retention) -> Picture:
    """Draw one share per group with its interval, from zero."""
    rows = result.groups
    fig, ax = _canvas(6.4, 0.7 * len(rows) + 1.3)
    last = len(rows) - 1
    for y, (_, row) in zip(range(last, -1, -1), rows.iterrows(), strict=True):
        ax.barh(y, row["value"], color=ACCENT, alpha=0.25, height=0.55)
        ax.plot([row["low"], row["high"]], [y, y], color=ACCENT, linewidth=2.2)
        ax.plot(row["value"], y, "o", color=ACCENT, markersize=7)
    ax.set_yticks(range(last, -1, -1), [_wrap(str(g), 28) for g in rows["group"]])
    ax.set_xlim(0, 100)
    ax.set_xlabel(f"{result.groups_measure} (%)")
    ax.set_title("Churn by experience", loc="left")
    total = int(rows["n"].sum())
    return _finish(
        fig,
        kind="svg",
        alt=_alt_groups(result),
        caption=(
            f"Bars are shares, whiskers {markup.percent_label(result.level)} Wilson intervals; "
            f"n = {total:,} customers."
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
    rows = result.groups
    return (
        f"Kaplan–Meier curves from the landmark, shaded {markup.percent_label(result.level)} "
        f"log–log intervals; n = {int(rows['n'].sum()):,} customers, {int(rows['exits'].sum()):,} "
        f"left within {result.horizon} months (dashed). Below: customers still followed."
    )


def _stairs(curve: pd.DataFrame, end: float) -> pd.DataFrame:
    """Return a curve that starts at month 0 and is cut at ``end``."""
    import pandas as pd

    columns = ["time", "survival", "low", "high"]
    start = pd.DataFrame([[0.0, 1.0, 1.0, 1.0]], columns=columns)
    inside = curve.loc[curve["time"].between(0, end, inclusive="right"), columns]
    inside = inside[~(inside["time"] // DRAWN).duplicated(keep="last")]
    drawn = pd.concat([start, inside], ignore_index=True)
    stop = drawn.iloc[[-1]].assign(time=min(end, float(curve["time"].max())))
    return pd.concat([drawn, stop], ignore_index=True)


def _colours(n: int) -> tuple[str, ...]:
    """Return one colour for each of up to three bands, the ends kept."""
    return (
        BAND_COLOURS if n == 3 else (BAND_COLOURS[0], BAND_COLOURS[2]) if n == 2 else (ACCENT,) * n
    )


def _canvas(width: float, height: float, *, fit: bool = True) -> tuple[Figure, Axes]:
    """Return a figure on white with the kit's quiet style, outside pyplot's memory."""
    import seaborn as sns
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = {
        **sns.axes_style("ticks"),
        **sns.plotting_context("notebook", font_scale=0.85),
        "font.family": "DejaVu Sans",
        "axes.edgecolor": "#666666",
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
    }
    import matplotlib as mpl

    with mpl.rc_context(style):
        fig = Figure(
            figsize=(width, height), layout="constrained" if fit else None, facecolor="white"
        )
        FigureCanvasAgg(fig)
        ax = fig.add_subplot()
        sns.despine(fig=fig)
    return fig, ax


def _finish(fig: Figure, *, kind: Literal["svg", "png"], alt: str, caption: str) -> Picture:
    """Write the figure's bytes: the same for the same result, whatever the clock."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    if kind == "svg":
        with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "cxkit"}):
            fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        mime: Literal["image/svg+xml", "image/png"] = "image/svg+xml"
    else:
        fig.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
        mime = "image/png"
    return Picture(data=buffer.getvalue(), mime=mime, alt=alt, caption=caption)


def _wrap(text: str, width: int) -> str:
    """Break a label into lines that fit."""
    import textwrap

    return "\n".join(textwrap.wrap(text, width))

"""The sheet every figure is drawn on: white, quiet, and the same bytes for the same result."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cxkit.results import Picture

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: From the poor end to the good one; told apart in common kinds of colour blindness and in grey.
BAND_COLOURS = ("#b5532a", "#8a8a8a", "#1f5f8b")
ACCENT = "#1f5f8b"
INK = "#222222"

#: Inches of a figure, and CSS pixels that it takes on a page: drawn small and shown larger, so
#: that its words can be read on a phone, where it shrinks to the window.
WIDE, ON_PAGE = 5.2, 600

#: Months between drawn steps of a curve: finer than a line is wide, and a tenth of the file.
DRAWN = 0.2
#: Dots an inch of a picture in pixels, and its shades; the lines of a path, to a hundredth of a
#: point.
_DPI, _INKS = 200, 64
_PATH = re.compile(rb' d="[^"]*"')
_LONG = re.compile(rb"(\d\.\d\d)\d+")


def canvas(height: float, *, fit: bool = True) -> tuple[Figure, Axes]:
    """Return a figure on white, ``height`` inches tall, with the kit's quiet style."""
    fig, (ax,) = panels(height, 1, fit=fit)
    return fig, ax


def panels(height: float, n: int, *, fit: bool = True) -> tuple[Figure, list[Axes]]:
    """Return such a figure with ``n`` panels side by side that share what is read upward."""
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
            figsize=(WIDE, height), layout="constrained" if fit else None, facecolor="white"
        )
        FigureCanvasAgg(fig)
        axes = fig.subplots(1, n, sharey=True, squeeze=False)[0]
        sns.despine(fig=fig)
    return fig, list(axes)


def finish(
    fig: Figure,
    *,
    kind: Literal["svg", "png"],
    alt: str,
    caption: str,
    table: pd.DataFrame | None = None,
) -> Picture:
    """Write the figure's bytes: the same for the same result, whatever the clock."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    if kind == "svg":
        with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "cxkit"}):
            fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        mime: Literal["image/svg+xml", "image/png"] = "image/svg+xml"
        data = _PATH.sub(lambda path: _LONG.sub(rb"\1", path[0]), buffer.getvalue())
    else:
        mime = "image/png"
        data = _in_few_colours(fig)
    return Picture(data=data, mime=mime, alt=alt, caption=caption, width=ON_PAGE, table=table)


def _in_few_colours(fig: Figure) -> bytes:
    """Return a picture of few inks with a palette: a quarter of the bytes, alike to the eye."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    fig.set_dpi(_DPI)
    sheet = FigureCanvasAgg(fig)
    # Drawn once and read off the sheet: savefig draws twice and writes a file to be read again.
    sheet.draw()
    written = io.BytesIO()
    drawn = Image.fromarray(np.asarray(sheet.buffer_rgba())).convert("RGB")
    flat = drawn.quantize(_INKS, dither=Image.Dither.NONE)
    flat.save(written, format="png", optimize=True)
    return written.getvalue()


def whisker(
    ax: Axes,
    y: float,
    row: pd.Series[Any] | dict[Any, Any],
    colour: str,
    *,
    mark: str = "o",
    size: int = 7,
) -> None:
    """Draw the value of a row at height ``y``, on the line of its interval if it has one."""
    if row["low"] is not None and row["low"] == row["low"]:
        ax.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=2.2)
    ax.plot(row["value"], y, mark, color=colour, markersize=size)


def stairs(curve: pd.DataFrame, *, begins: float, every: float, end: float) -> pd.DataFrame:
    """Return a step curve (time, share, low, high) as it is drawn: from month 0 to ``end``.

    It begins at the share ``begins``; of the steps within ``every`` months only the last is kept.
    """
    import pandas as pd

    start = pd.DataFrame([[0.0, begins, begins, begins]], columns=list(curve.columns))
    inside = curve[curve["time"].between(0, end, inclusive="right")]
    inside = inside[~(inside["time"] // every).duplicated(keep="last")]
    drawn = pd.concat([start, inside], ignore_index=True)
    return pd.concat([drawn, drawn.iloc[[-1]].assign(time=float(end))], ignore_index=True)


def steps(ax: Axes, drawn: pd.DataFrame, colour: str, *, label: str | None) -> None:
    """Draw a curve from :func:`stairs` in percent, over the shade of its intervals."""
    import seaborn as sns

    time, share, low, high = (drawn[column] for column in drawn)
    ax.fill_between(time, 100 * low, 100 * high, step="post", color=colour, alpha=0.15, linewidth=0)
    sns.lineplot(
        x=time,
        y=100 * share,
        drawstyle="steps-post",
        color=colour,
        linewidth=2,
        errorbar=None,
        estimator=None,
        label=label,
        ax=ax,
    )


def sides(rows: pd.DataFrame, null: float) -> str:
    """Say on which side of no difference the intervals of some rows lie: a figure's direction."""
    above, below = int((rows["low"] > null).sum()), int((rows["high"] < null).sum())
    held = len(rows) - above - below
    return (
        f"Of {len(rows)} intervals {above} lie above {null:g}, {below} below it, and {held} hold it"
    )


def wrap(text: str, width: int) -> str:
    """Break a label into lines that fit."""
    import textwrap

    return "\n".join(textwrap.wrap(text, width))


def measured(contract: str) -> str:
    """Return scale, direction and cut-points of the score that a figure draws, for its caption.

    >>> measured("csat: 1 to 5, high is good"), measured("")
    (' Measured: csat: 1 to 5, high is good.', '')
    """
    return f" Measured: {contract}." if contract else ""

"""The sheet every figure is drawn on: white, quiet, and the same bytes for the same result."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Literal

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

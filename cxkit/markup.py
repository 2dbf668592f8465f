"""Text becomes inert HTML here and nowhere else, and numbers become words a reader trusts."""

from __future__ import annotations

import math
import re
import textwrap
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from html import escape as _escape
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

#: Decimals shown for each unit; a result itself is never rounded.
DECIMALS = {
    "points": 1,
    "%": 1,
    "percentage points": 1,
    "correlation": 2,
    "ratio": 2,
    "coefficient": 2,
    "score": 2,
    "hours": 1,
    "business hours": 1,
    "days": 1,
    "months": 1,
    "count": 0,
}

#: Letters from which on a cell is a sentence rather than a name.
LONG = 24
#: Characters after which plain text goes on below, in the same cell.
WIDE = 60
#: What a cell of a column of numbers prints: one, a limit, an interval, or that there is none.
_NUMBER = re.compile(r"[<>≤≥]?\s?[−-]?\d[\d,]*(\.\d+)?(\s%)?(\sto\s−?[\d,.]+)?|fewer\sthan\s\d+|–|")

#: How results look in JupyterLab, whose own style sets every cell to the right; a report takes
#: this out and brings its own.
IN_LAB = (
    "<style>.cx-table :is(caption,th,td):not(.num){text-align:left!important}"
    ".cx-table td.num{white-space:nowrap}.cx-table tbody th{font-weight:400}"
    ".cx-table .long{min-width:12rem;max-width:36rem}"
    ".cx-table table{min-width:24rem}.cx-figure{margin:1em 0}"
    ".cx-headline{font-size:1.2em;font-weight:600}.cx-answer,.cx-note,figcaption{max-width:52rem}"
    "</style>"
)


#: Characters that turn the direction of what follows: shown by their numbers, never obeyed.
_TURNS = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def escape(text: object) -> str:
    r"""Return ``text`` as HTML that can only be read, never run; also safe inside an attribute.

    Characters that turn the direction of writing are shown by their numbers.

    >>> escape("<b>"), escape("\u202egnp.exe")
    ('&lt;b&gt;', '\\u202egnp.exe')
    """
    return _escape(str(text).translate(_TURNS), quote=True)


def number(value: float, decimals: int = 1) -> str:
    """Write a number with thousands separated, a true minus, and halves rounded away from zero.

    >>> number(0.25, 1), number(-1234.5, 0), number(-0.04, 1)
    ('0.3', '−1,235', '0.0')
    """
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    if rounded == 0:
        rounded = abs(rounded)
    return f"{rounded:,}".replace("-", "−")


def quantity(value: float | None, measured_in: str) -> str:
    """Write a number with its unit: ``65.0 %``, ``−3.2 points``, ``0.41`` for a correlation.

    >>> quantity(65, "%"), quantity(0.413, "correlation"), quantity(None, "days")
    ('65.0 %', '0.41', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return _with_unit(number(value, DECIMALS.get(measured_in, 2)), measured_in)


def counted(n: int, noun: str) -> str:
    """Write a number with its noun: ``1 unit``, ``1,200 units``.

    >>> counted(1, "unit"), counted(1200, "unit")
    ('1 unit', '1,200 units')
    """
    return numbered(n, noun, f"{noun}s")


def numbered(n: int, one: str, many: str) -> str:
    """Write a number before words that must agree with it: ``1 row is``, ``2 rows are``.

    >>> numbered(1, "row is", "rows are"), numbered(0, "row is", "rows are")
    ('1 row is', '0 rows are')
    """
    return f"{n:,} {one if n == 1 else many}"


def interval(low: float | None, high: float | None, measured_in: str) -> str:
    """Write an interval without its unit: ``4.4 to 15.6``; an open end is said.

    An end that would round to no difference (1 for a ratio, else zero) keeps its side in sight, so
    that nobody reads one that the interval does not hold.

    >>> interval(4.39, 15.55, "points"), interval(12, None, "days"), interval(0.04, 1.5, "points")
    ('4.4 to 15.6', '12.0 or more', '0.04 to 1.5')
    >>> interval(0.66, 0.998, "ratio"), interval(0.66, 1.0, "ratio")
    ('0.66 to 0.998', '0.66 to 1.00')
    """
    end = partial(_end, decimals=DECIMALS.get(measured_in, 2), none=int(measured_in == "ratio"))
    if low is None and high is None:
        return "no interval"
    if high is None:
        return f"{end(low or 0)} or more"
    if low is None:
        return f"up to {end(high)}"
    return f"{end(low)} to {end(high)}"


def size(value: float, measured_in: str) -> str:
    """Write a size, which is never zero, with its unit and the decimals that it takes.

    >>> size(3, "points"), size(0.03, "points"), size(0.00004, "score")
    ('3.0 points', '0.03 points', '0.00004')
    """
    return _with_unit(_end(value, decimals=DECIMALS.get(measured_in, 2), most=12), measured_in)


def _with_unit(shown: str, measured_in: str) -> str:
    """Put the unit behind a number, where there is one to say."""
    bare = measured_in in {"correlation", "ratio", "coefficient", "score", "count"}
    return shown if bare else f"{shown} {measured_in}"


def _end(value: float, *, decimals: int, none: float = 0, most: int = 2) -> str:
    """Write a number, with more decimals where it would round to what says no difference."""
    off = abs(value - none)
    more = next((d for d in range(most + 1) if off >= 0.5 * 10.0 ** -(decimals + d)), 0)
    return number(value, decimals + more)


def percent_label(level: float) -> str:
    """Write a level as a percentage: ``95 %``, ``99.5 %``.

    >>> percent_label(0.95), percent_label(0.995)
    ('95 %', '99.5 %')
    """
    return f"{level * 100:g} %"


def p_value(p: float | None) -> str:
    """Write a p-value; very small ones as a bound.

    >>> p_value(0.0445), p_value(0.5), p_value(None)
    ('0.045', '0.500', '–')
    """
    if p is None or p != p:
        return "–"
    return "<\u00a00.001" if p < 0.001 else number(p, 3)


def paragraphs(sentences: Sequence[str]) -> str:
    """Return sentences as escaped HTML paragraphs."""
    return "".join(f"<p>{escape(s)}</p>" for s in sentences)


def cell(value: object) -> str:
    """Return one table cell as text: numbers as they were formatted, nothing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:g}".replace("-", "−")
    return str(value)


def _is_of_numbers(column: pd.Series[Any]) -> bool:
    """Whether a column prints numbers and nothing else."""
    printed = [cell(v) for v in column]
    return all(map(_NUMBER.fullmatch, printed)) and any(p[-1:].isalnum() for p in printed)


def plain(frame: pd.DataFrame, *, numeric: Sequence[str] = ()) -> str:
    """Return a frame as plain text: words to the left, numbers to the right, sentences wrapped.

    >>> import pandas as pd
    >>> print(plain(pd.DataFrame({"unit": ["a", "bb"], "n": [5, 12], "why": ["", "few " * 20]})))
    unit   n  why
    a      5
    bb    12  few few few few few few few few few few few few few few few
              few few few few few
    """
    columns = list(frame.columns)
    right = {*numeric, *(c for c in columns[1:] if _is_of_numbers(frame[c]))}
    cells = [
        [textwrap.wrap(text, WIDE) or [""] for text in (str(c), *map(cell, frame[c]))]
        for c in columns
    ]
    widths = [max(len(line) for lines in column for line in lines) for column in cells]
    told = []
    for row in zip(*cells, strict=True):
        for line in zip_longest(*row, fillvalue=""):
            parts = [
                text.rjust(width) if c in right else text.ljust(width)
                for c, text, width in zip(columns, line, widths, strict=True)
            ]
            told.append("  ".join(parts).rstrip())
    return "\n".join(told)


def table(
    frame: pd.DataFrame,
    *,
    caption: str,
    numeric: Sequence[str] = (),
) -> str:
    """Return a frame as an accessible table: caption, scoped headers, every text escaped.

    The first column names the row. Columns in ``numeric``, and others that print numbers only, are
    right-aligned; one that holds sentences is marked, so that a narrow window does not squeeze it
    to a word a line.
    """
    columns = list(frame.columns)
    numbers = {*numeric, *(c for c in columns[1:] if _is_of_numbers(frame[c]))}
    told = {c for c in columns if any(len(cell(v)) >= LONG for v in frame[c])}
    kind = {
        c: ' class="num"' if c in numbers else ' class="long"' if c in told else "" for c in columns
    }
    head = "".join(
        f'<th scope="col"{kind[c]}>{escape(str(c).replace("_", " "))}</th>' for c in columns
    )
    rows = []
    for values in frame.itertuples(index=False, name=None):
        cells = [
            f'<th scope="row"{kind[c]}>{escape(cell(v))}</th>'
            if i == 0 and cell(v)  # what is empty heads nothing
            else f"<td{kind[c]}>{escape(cell(v))}</td>"
            for i, (c, v) in enumerate(zip(columns, values, strict=True))
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'{IN_LAB}<div class="cx-table" tabindex="0" role="region" '
        f'aria-label="{escape(caption)}"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )

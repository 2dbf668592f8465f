"""The small figure of an index: each report's number with its interval, alike on one axis."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxkit import markup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDE, _HIGH, _EDGE = 150, 22, 6
#: Inks for light and dark pages; a picture follows the page it stands on.
_STYLE = (
    "line,circle{stroke:#1f4f7f}circle{fill:#1f4f7f}.null{stroke:#70777f;stroke-dasharray:2 2}"
    "@media(prefers-color-scheme:dark){line,circle{stroke:#8fbbe8}circle{fill:#8fbbe8}"
    ".null{stroke:#a5adb5}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisker:
    """A picture as the address of an image, and the words that stand in for it."""

    source: str
    alt: str


def whiskers(answers: Sequence[Mapping[str, Any]]) -> list[Whisker | None]:
    """Draw the main number of each answer; None where there is none, or no interval.

    Answers in one measure and unit share an axis, so that they can be compared by eye.

    Examples
    --------
    >>> told = {"metric": "change", "measured_in": "points", "value": 4, "low": 1, "high": 7}
    >>> whiskers([told | {"null": 0}, {}])[0].alt
    'change 4.0 points, interval 1.0 to 7.0, above 0'
    """
    ends: dict[tuple[str, str], list[float]] = {}
    for answer in filter(_whole, answers):
        numbers = (answer.get(name) for name in ("value", "low", "high", "null"))
        ends.setdefault(_kind(answer), []).extend(n for n in numbers if n is not None)
    return [_drawn(a, ends[_kind(a)]) if _whole(a) else None for a in answers]


def _kind(answer: Mapping[str, Any]) -> tuple[str, str]:
    """Return what must be the same for two numbers to stand on one axis."""
    return str(answer.get("metric", "")), str(answer.get("measured_in", ""))


def _whole(answer: Mapping[str, Any]) -> bool:
    """Whether an answer has a number with both ends of its interval."""
    ends = [answer.get(name) for name in ("value", "low", "high")]
    return all(isinstance(end, int | float) and math.isfinite(end) for end in ends)


def _drawn(answer: Mapping[str, Any], ends: Sequence[float]) -> Whisker:
    """Return one picture on an axis that holds all ``ends``."""
    low, high = min(ends), max(ends)
    scale = (_WIDE - 2 * _EDGE) / ((high - low) or 1)
    value, a, b = (_EDGE + scale * (answer[name] - low) for name in ("value", "low", "high"))
    middle, null = _HIGH / 2, answer.get("null")
    dashed = ""
    if null is not None:
        at = f"{_EDGE + scale * (null - low):.1f}"
        dashed = f'<line class="null" x1="{at}" x2="{at}" y1="1" y2="{_HIGH - 1}"/>'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}">'
        f"<style>{_STYLE}</style>{dashed}"
        f'<line x1="{a:.1f}" x2="{b:.1f}" y1="{middle}" y2="{middle}" stroke-width="2.5"/>'
        f'<circle cx="{value:.1f}" cy="{middle}" r="4"/></svg>'
    )
    coded = base64.b64encode(svg.encode("ascii")).decode("ascii")
    return Whisker(source=f"data:image/svg+xml;base64,{coded}", alt=_told(answer))


def _told(answer: Mapping[str, Any]) -> str:
    """Say the number, its interval, and on which side of no difference that lies."""
    metric, unit = _kind(answer)
    null = answer.get("null")
    side = ""
    if null is not None:
        above, below = answer["low"] > null, answer["high"] < null
        side = f", {'above' if above else 'below' if below else 'on both sides of'} {null:g}"
    ends = markup.interval(answer["low"], answer["high"], unit)
    return f"{metric} {markup.quantity(answer['value'], unit)}, interval {ends}{side}".strip()

"""Published values to read one's own beside: each with its footing and its trust mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from cxkit import markup

if TYPE_CHECKING:
    from cxkit.results import Estimate

#: How far a published figure was checked.
MARKS = {
    "P": "read in the primary source's abstract or opening",
    "S": "read in a secondary source only",
    "R": "computed with this kit from data that were published",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One published correlation."""

    short: str
    source: str
    what: str
    r: float
    footing: Literal["raw", "corrected"]
    lag: str
    mark: Literal["P", "S", "R"]
    low: float | None = None
    high: float | None = None


#: Correlations between units only; standardised coefficients and percentages are another footing.
PUBLISHED = (
    Published(
        short="New York City schools 2011",
        source="New York City School Survey 2011, 509 schools",
        what="teachers' score with parents' score, between schools",
        r=0.41,
        footing="raw",
        lag="same year",
        mark="R",
        low=0.34,
        high=0.48,
    ),
    Published(
        short="New York City schools 2025",
        source="New York City School Survey 2025, 1,746 schools",
        what="teachers' score with parents' score, between schools",
        r=0.24,
        footing="raw",
        lag="same year",
        mark="R",
        low=0.19,
        high=0.28,
    ),
    Published(
        short="Harter et al. 2002, engagement",
        source="Harter, Schmidt and Hayes 2002, 7,939 business units of 36 companies",
        what="engagement with customer satisfaction and loyalty, between units",
        r=0.33,
        footing="corrected",
        lag="not stated in what was read",
        mark="S",
    ),
    Published(
        short="Harter et al. 2002, job satisfaction",
        source="Harter, Schmidt and Hayes 2002, 7,939 business units of 36 companies",
        what="overall job satisfaction with customer satisfaction and loyalty, between units",
        r=0.32,
        footing="corrected",
        lag="not stated in what was read",
        mark="S",
    ),
)

#: What published studies say of the order in time; no two of these are on one footing.
DIRECTIONS = (
    "Zablah et al. 2016 (209 stores, longitudinal): both ways, and the arrow from customers to "
    "employees the larger [P].",
    "Harter et al. 2010 (2,178 units of 10 organizations, longitudinal): engagement first, the "
    "reverse weaker [S].",
    "Schneider et al. 2003 (35 companies, 8 years): financial results to job satisfaction stronger "
    "than the reverse [P].",
)


def strip(raw: Estimate, true: Estimate | None, *, lag: str = "all waves together") -> pd.DataFrame:
    """Return the published values with the reader's own on the same footing.

    Parameters
    ----------
    raw : Estimate
        The reader's raw correlation between units.
    true : Estimate or None
        The same corrected for unreliability; None where that cannot be had.
    lag : str
        When the reader's two sides were measured.

    Returns
    -------
    DataFrame
        One row per value: label, whose, what, value, low, high, footing, lag, mark. Raw and
        corrected values stand apart: the rows are sorted by footing and a raw one is never set
        against a corrected one.

    Examples
    --------
    >>> from cxkit.linkage.ladder import correlation
    >>> own = correlation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])
    >>> strip(own, None)["footing"].tolist()
    ['raw', 'raw', 'raw', 'corrected', 'corrected']
    """
    rows = []
    own = (("raw", raw), ("corrected", true))
    for footing, mine in own:
        if mine is not None and mine.value is not None:
            rows.append(
                {
                    "label": "this study",
                    "whose": f"this study, {mine.n:,} units",
                    "what": "engagement with experience, between units",
                    "value": mine.value,
                    "low": mine.low,
                    "high": mine.high,
                    "footing": footing,
                    "lag": lag,
                    "mark": "",
                }
            )
        rows += [
            {
                "label": f"{p.short} [{p.mark}]",
                "whose": p.source,
                "what": p.what,
                "value": p.r,
                "low": p.low,
                "high": p.high,
                "footing": footing,
                "lag": p.lag,
                "mark": p.mark,
            }
            for p in PUBLISHED
            if p.footing == footing
        ]
    return pd.DataFrame(rows)


def sentence(raw: Estimate, true: Estimate | None) -> str:
    """Say where the reader's own values lie among the published ones of the same footing."""
    said = [
        _beside(footing, own)
        for footing, own in (("raw", raw), ("corrected", true))
        if own is not None and own.value is not None and own.low is not None
    ]
    if not said:
        return "There is no correlation of this study to set beside the published ones."
    return " ".join([*said, "They are context, never a pass mark."])


def _beside(footing: str, own: Estimate) -> str:
    """Say where one value lies, by its interval."""
    low, high = own.low or 0.0, own.high or 0.0
    published = [p.r for p in PUBLISHED if p.footing == footing]
    inside = [r for r in published if low <= r <= high]
    where = (
        f"the interval holds {len(inside)} of the {len(published)} published values"
        if inside
        else "the interval lies "
        + ("above" if low > max(published) else "below" if high < min(published) else "between")
        + f" the {len(published)} published values"
    )
    span = markup.interval(min(published), max(published), "correlation")
    return (
        f"On the {footing} footing this study's r is "
        f"{markup.quantity(own.value, 'correlation')} "
        f"({markup.interval(own.low, own.high, 'correlation')}), the published ones run from "
        f"{span}: {where}."
    )

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
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One published correlation."""

    source: str
    what: str
    r: float
    footing: Literal["raw", "corrected"]
    lag: str
    mark: Literal["P", "S"]


#: Correlations between units only; standardised coefficients and percentages are another footing.
PUBLISHED = (
    Published(
        source="Harter, Schmidt and Hayes 2002, 7,939 business units of 36 companies",
        what="engagement with customer satisfaction and loyalty, between units",
        r=0.33,
        footing="corrected",
        lag="not stated in what was read",
        mark="S",
    ),
    Published(
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


def strip(raw: Estimate, true: Estimate | None) -> pd.DataFrame:
    """Return the published values with the reader's own on the same footing.

    Parameters
    ----------
    raw : Estimate
        The reader's raw correlation between units.
    true : Estimate or None
        The same corrected for unreliability; None where that cannot be had.

    Returns
    -------
    DataFrame
        One row per value: whose, what, value, low, high, footing, lag, mark. Raw and corrected
        values stand apart: the rows are sorted by footing and a raw one is never set against a
        corrected one.

    Examples
    --------
    >>> from cxkit.linkage.ladder import correlation
    >>> own = correlation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])
    >>> strip(own, None)["footing"].tolist()
    ['raw', 'corrected', 'corrected']
    """
    rows = []
    own = (("raw", raw), ("corrected", true))
    for footing, mine in own:
        if mine is not None and mine.value is not None:
            rows.append(
                {
                    "whose": f"this study, {mine.n:,} units",
                    "what": "engagement with experience, between units",
                    "value": mine.value,
                    "low": mine.low,
                    "high": mine.high,
                    "footing": footing,
                    "lag": "all waves together",
                    "mark": "",
                }
            )
        rows += [
            {
                "whose": p.source,
                "what": p.what,
                "value": p.r,
                "low": None,
                "high": None,
                "footing": footing,
                "lag": p.lag,
                "mark": p.mark,
            }
            for p in PUBLISHED
            if p.footing == footing
        ]
    return pd.DataFrame(rows)


def sentence(raw: Estimate, true: Estimate | None) -> str:
    """Say where the reader's own value lies among the published ones of the same footing."""
    footing, own = ("corrected", true) if true is not None and true.ok else ("raw", raw)
    if own is None or own.value is None or own.low is None or own.high is None:
        return "There is no correlation of this study to set beside the published ones."
    published = [p.r for p in PUBLISHED if p.footing == footing]
    if not published:
        return (
            f"On the {footing} footing no published correlation between units could be verified, "
            "so none is set beside this study's."
        )
    inside = [r for r in published if own.low <= r <= own.high]
    where = (
        f"the interval holds {len(inside)} of the {len(published)} published values"
        if inside
        else "the interval lies "
        + ("above" if own.low > max(published) else "below" if own.high < min(published) else "off")
        + f" the {len(published)} published values"
    )
    span = markup.interval(min(published), max(published), "correlation")
    return (
        f"On the {footing} footing this study's r is "
        f"{markup.quantity(own.value, 'correlation')} "
        f"({markup.interval(own.low, own.high, 'correlation')}), the published ones run from "
        f"{span}: {where}. They are context, never a pass mark."
    )

"""Which questions to employees go with the experience of their unit's customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.linkage.ladder import correlation
from cxkit.metrics.families import bh

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def item_links(
    people: pd.DataFrame,
    experience: pd.Series,
    *,
    items: Mapping[str, Sequence[str]],
    level: float = 0.95,
) -> pd.DataFrame:
    """Correlate each item's unit mean with the unit's experience.

    Parameters
    ----------
    people : DataFrame
        One row per employee and unit: unit and the items as keyed (high is good).
    experience : Series
        Indexed by unit.
    items : mapping of group to items
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per item: group, item, value, low, high, p, p_adjusted, n, told. A family of all
        items, Benjamini-Hochberg, since it is a search.

    Notes
    -----
    Fisher intervals over units, not adjusted; p from Fisher's z. Items of one survey share what
    people bring to all of them, so a link of one item is not a link of that item alone.

    References
    ----------
    Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the
    Royal Statistical Society B 57, 289-300. https://doi.org/10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> staff = pd.DataFrame({"unit": list("aabbccddee"), "heard": [1, 2, 2, 3, 3, 3, 4, 4, 5, 4]})
    >>> mood = pd.Series([3.0, 3.2, 3.1, 3.9, 4.0], index=list("abcde"))
    >>> item_links(staff, mood, items={"appreciated": ["heard"]})["n"].tolist()
    [5]
    """
    from scipy.stats import norm

    rows = []
    for group, names in items.items():
        for name in names:
            means = people.groupby("unit")[name].mean()
            both = pd.concat([means, experience.rename("experience")], axis=1, join="inner")
            r = correlation(both[name], both["experience"], level=level)
            p = None
            if r.value is not None and abs(r.value) < 1:
                z = _fisher(r.value) * (r.n - 3) ** 0.5
                p = float(2 * norm.sf(abs(z)))
            rows.append({"group": group, "item": name, **r.as_row(), "p": p})
    frame = pd.DataFrame(rows)
    known = frame["p"].notna()
    frame["p_adjusted"] = None
    if known.any():
        adjusted = bh(frame.loc[known, "p"].astype(float).tolist())["p_adjusted"]
        frame.loc[known, "p_adjusted"] = adjusted.to_numpy()
    frame["p_adjusted"] = frame["p_adjusted"].astype(float)
    frame["told"] = frame["p_adjusted"] < 1 - level
    return frame


def sentence(links: pd.DataFrame) -> str:
    """Say which items stand out, and how many were tried."""
    told = links[links["told"]].sort_values("value", ascending=False)
    known = int(links["p"].notna().sum())
    if not known:
        return (
            f"Which items go with experience cannot be told: {links['reason'].iloc[0][:1].lower()}"
            f"{links['reason'].iloc[0][1:]}"
        )
    tried = markup.counted(known, "item")
    if told.empty:
        return f"Of {tried}, none goes with experience beyond what a search among them would find."
    names = ", ".join(
        f"{row['item']} ({markup.quantity(row['value'], 'correlation')})"
        for row in told.to_dict("records")
    )
    verb = "goes" if len(told) == 1 else "go"
    return (
        f"Of {tried}, {len(told)} {verb} with experience between units (false discovery rate held "
        f"by Benjamini–Hochberg): {names}."
    )


def refuse_unkeyed(people: pd.DataFrame, items: Mapping[str, Sequence[str]]) -> None:
    """Refuse an item that runs against all the others: it was worded the other way round.

    Raises
    ------
    QuestionError
        Naming the item and the line to write; no answers are shown.
    """
    names = [name for group in items.values() for name in group]
    if len(names) < 3:
        return
    answers = people[names].dropna()
    if len(answers) < 20:
        return
    total = answers.sum(axis=1)
    against = []
    for name in names:
        r = correlation(answers[name], total - answers[name])
        if r.high is not None and r.high < 0:
            against.append(name)
    if against and len(against) < len(names) / 2:
        raise QuestionError(
            f"Item {against[0]!r} of the engagement table runs against all the others"
            + (f", and so do {', '.join(against[1:])}" if len(against) > 1 else "")
            + ": it seems to be worded the other way round.\n  If it is, write  reversed: true  "
            f"under items, {against[0]}, in study.yml; if it is not, leave it out of the index."
        )


def _fisher(r: float) -> float:
    """Return Fisher's z of a correlation."""
    import math

    return math.atanh(r)

"""The linkage results as tables that are read: captions with n, units in the headers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pandas as pd

from cxkit import markup
from cxkit.results import Note, Table

if TYPE_CHECKING:
    from cxkit.disclosure import Policy, Shown
    from cxkit.linkage.pairs import Pairs


def who(pairs: Pairs, shown: Shown) -> Table:
    """Return the accounting of units and people."""
    rows = [
        ("units with both sides", len(set(pairs.units["unit"])), _correlated(pairs)),
        ("units with one side only", len(pairs.unmatched), _alone(pairs.unmatched, shown.policy)),
        ("waves with one side only", len(pairs.waves_alone), _waves_alone(pairs)),
        ("units drawn", len(shown.units), "enough people on both sides to be shown"),
        ("units hidden", shown.hidden, "too few people to be shown; in every estimate"),
    ]
    if pairs.customers is not None:
        said = "answered at least once"
        rows.insert(0, _people("customers", pairs.customers["customer"], said, shown.policy))
    if pairs.employees is not None:
        said = "answered in at least one wave"
        rows.insert(0, _people("employees", pairs.employees["respondent"], said, shown.policy))
    frame = pd.DataFrame(rows, columns=["step", "n", "reason"])
    frame["said"] = [
        shown.policy.count(n, step) if step in {"employees", "customers"} else f"{n:,}"
        for step, n in zip(frame["step"], frame["n"], strict=True)
    ]
    table = Table.of(
        frame,
        caption="What is compared: "
        f"{markup.counted(len(set(pairs.units['unit'])), 'unit')} with both sides.",
        columns=[
            ("Step", "step", "text"),
            ("Number", "said", "text"),
            ("What it means", "reason", "text"),
        ],
    )
    return replace(table, numeric=("Number",))


def _people(
    who: Literal["employees", "customers"], ids: pd.Series, said: str, policy: Policy
) -> tuple[str, int, str]:
    """Return the row of one side's people: somebody of two units is one person in all."""
    n = int(ids.nunique())
    twice = len(ids) - n
    also = f"; {policy.count(twice, who)} also in a second unit, counted once here"
    return who, n, said + also * bool(twice)


def _correlated(pairs: Pairs) -> str:
    """Say which units are in the correlation: of several instruments, those of the last."""
    if len(pairs.instruments) == 1:
        return "in the correlation"
    last = int((pairs.units["instrument"] == pairs.instruments[-1]).sum())
    return f"each in the correlation of its own instrument; {last:,} in that of the last"


def _alone(unmatched: pd.DataFrame, policy: Policy) -> str:
    """Name the first units that have one side only, with the side that is missing.

    A unit with fewer people than may be shown, or whose number of people was not published, is
    counted and not named.
    """
    if unmatched.empty:
        return "every unit has a partner"
    parts = []
    for side, rows in unmatched.groupby("side"):
        least = policy.employees if side == "experience" else policy.customers
        large = rows["n"] >= least
        names = rows.loc[large, "unit"]
        told = [", ".join(names.head(5)) + (" …" if len(names) > 5 else "")] if len(names) else []
        told += [] if large.all() else [f"{int((~large).sum()):,} not named"]
        parts.append(f"without {side}: {' and '.join(told)}")
    return "no partner, not in the correlation; " + "; ".join(parts)


def _waves_alone(pairs: Pairs) -> str:
    """Name the waves that have one side only, or say why waves are not matched."""
    if pairs.wave_note:
        return f"not matched: {pairs.wave_note}"
    if pairs.waves_alone.empty:
        return "every wave has both sides"
    parts = [
        f"without {side}: " + ", ".join(rows["wave"].head(8)) + (" …" if len(rows) > 8 else "")
        for side, rows in pairs.waves_alone.groupby("side")
    ]
    return "left out; " + "; ".join(parts)


def agreement(agreed: pd.DataFrame) -> Table | Note:
    """Return rwg(j) by group of items, or why there is none."""
    if agreed.empty:
        return Note(
            paragraphs=(
                "Agreement within units cannot be computed: the study holds unit scores, not "
                "people's answers.",
            )
        )
    return Table.of(
        agreed,
        caption="Agreement within units by group of items: rwg(j) against a uniform null (by "
        "convention 0.70 is enough) and against a skewed one, which asks more; AD is the mean "
        f"distance from the unit's mean, in scale points.{_gone(agreed)}",
        columns=[
            ("Group", "group", "text"),
            ("Items", "items", "count"),
            ("Median rwg(j)", "median", "correlation"),
            ("Units at 0.70 or above (%)", "share", "%"),
            ("Median, skewed null", "skewed", "correlation"),
            ("Median AD", "away", "score"),
            ("Units", "units", "count"),
        ],
    )


def _gone(agreed: pd.DataFrame) -> str:
    """Say why groups of items have no agreement to show."""
    return "".join(
        f" No figure for {', '.join(rows['group'])}: {why}."
        for why, rows in agreed[agreed["reason"] != ""].groupby("reason")
    )


def lags(lagged: pd.DataFrame, changes: pd.DataFrame, level: float, sentence: str) -> Table | Note:
    """Return both lags; of two waves the regressions of change; or why there are neither."""
    if lagged.empty and changes.empty:
        return Note(paragraphs=(sentence,))
    if lagged.empty:
        return Table.of(
            changes,
            caption="Two waves: the change in the later side per point of the earlier side, that "
            "side's own start held equal; last, the change of experience per point of change in "
            f"engagement. Robust errors (HC3). {sentence}",
            columns=[
                ("Lag", "lag", "text"),
                ("Value", "value", "coefficient"),
                (f"{markup.percent_label(level)} interval", "low..high", "coefficient"),
                ("Units", "n", "count"),
            ],
        )
    return Table.of(
        lagged,
        caption="Both lags, one wave apart. Levels carry the stable differences between units, "
        "which is why both look alike; within units these are removed. Bootstrap over units.",
        columns=[
            ("Lag", "lag", "text"),
            ("Of", "of", "text"),
            ("r", "value", "correlation"),
            (f"{markup.percent_label(level)} interval", "low..high", "correlation"),
            ("Units", "n", "count"),
            ("Pairs of waves", "pairs", "count"),
        ],
    )


def ladder(steps: pd.DataFrame, level: float) -> Table:
    """Return the rungs with their figures, verdicts and reasons."""
    return Table.of(
        steps,
        caption="The ladder from answers to a correlation between units; "
        f"{markup.percent_label(level)} intervals in brackets. A rung that limits is a reason to "
        "read the correlation with care.",
        columns=[
            ("Rung", "rung", "text"),
            ("Figure", "figure", "text"),
            ("Verdict", "verdict", "text"),
            ("Reason", "reason", "text"),
        ],
    )


def correlations(by_instrument: pd.DataFrame, level: float) -> Table:
    """Return each instrument's correlation by itself."""
    return Table.of(
        by_instrument,
        caption="Correlation of engagement with experience over units, each instrument by itself "
        "(Pearson, Fisher interval).",
        columns=[
            ("Instrument", "instrument", "text"),
            ("r", "value", "correlation"),
            (f"{markup.percent_label(level)} interval", "low..high", "correlation"),
            ("Units", "n", "count"),
            ("Reading", "reading", "text"),
        ],
    )

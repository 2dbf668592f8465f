"""Sentences about the linkage, each made from a result object and chosen by its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.linkage.ladder import PLAUSIBLE_R
from cxkit.linkage.order import FEWEST_WAVES, UNITS_PER_SCORE
from cxkit.metrics.planning import units_needed
from cxkit.results import Note

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.linkage.order import Order
    from cxkit.linkage.pairs import Pairs
    from cxkit.results import Estimate


def reading(r: Estimate) -> str:
    """Say which way a correlation goes, by its interval."""
    if r.low is not None and r.low > 0:
        return "go together"
    if r.high is not None and r.high < 0:
        return "go opposite ways"
    return "cannot be told"


def headline(r: Estimate, verdict: str) -> str:
    """Say the answer in a sentence chosen by the interval, and the verdict on the order."""
    first = {
        "engagement precedes": "Within units engagement precedes experience.",
        "experience precedes": "Within units experience precedes engagement.",
        "both": "Within units each precedes the other.",
    }.get(verdict, "Which comes first cannot be told.")
    if r.value is None:
        return (
            "Whether engaged employees and good experience go together cannot be told from these "
            f"data. {r.reason}"
        )
    limits = (
        f"r = {markup.quantity(r.value, 'correlation')} ({markup.percent_label(r.level)} interval "
        f"{markup.interval(r.low, r.high, 'correlation')}, {r.n:,} units)"
    )
    return {
        "go together": "Engaged employees and good experience go together: units with higher "
        f"engagement have better experience, {limits}. {first}",
        "go opposite ways": "Engaged employees and good experience go opposite ways: units with "
        f"higher engagement have worse experience, {limits}. {first}",
        "cannot be told": "Whether engaged employees and good experience go together cannot be "
        f"told from these data: {limits}.",
    }[reading(r)]


#: Why a corrected correlation is not told where the raw one is not.
NO_MORE = "a correction adds no evidence that the raw r, whose interval holds zero, has not"


def corrected(raw: Estimate, true: Estimate) -> str:
    """Say the corrected correlation beside the raw one, and that they differ in kind."""
    if true.value is None:
        return f"A correction for unreliability is not given: {true.reason}"
    if (true.low, true.high) == (-1, 1):
        return (
            "Unit means are measured with so much error that a correction for it tells nothing: "
            "its interval is −1 to 1."
        )
    cap = f" {true.reason}" if true.reason else ""
    if reading(raw) == "cannot be told" != reading(true):
        cap += f" Though its own interval leaves out zero, {NO_MORE}."
    return (
        f"Unit means are measured with error. Corrected for it, r = "
        f"{markup.quantity(true.value, 'correlation')} "
        f"({markup.interval(true.low, true.high, 'correlation')}), against a raw r = "
        f"{markup.quantity(raw.value, 'correlation')}; compare each only with its own kind.{cap}"
    )


def instruments(rows: pd.DataFrame) -> str:
    """Say each instrument's correlation by itself."""
    parts = [
        f"{row['instrument']}: r = {markup.quantity(row['value'], 'correlation')} "
        f"({markup.interval(row['low'], row['high'], 'correlation')}, "
        f"{markup.counted(row['n'], 'unit')})"
        if row["status"] == "ok"
        else f"{row['instrument']}: no r for {markup.counted(row['n'], 'unit')}"
        for row in rows.to_dict("records")
    ]
    return (
        f"The units were measured with {len(parts)} instruments, never pooled: {'; '.join(parts)}. "
        "The answer speaks of the last."
    )


def needed(units: int, *, r: float, n: int) -> str:
    """Say how many units a correlation takes, beside how many there are."""
    enough = "enough" if n >= units else "too few"
    return (
        f"To see a correlation of {markup.quantity(r, 'correlation')} with 80 % power you would "
        f"need {units:,} units; there {_count(n)}: {enough}."
    )


def _count(n: int) -> str:
    """Say how many there are."""
    return "is 1" if n == 1 else f"are {n:,}"


def how_sure(r: Estimate, steps: pd.DataFrame) -> str:
    """Say how sure, from the interval and the rung that limits most."""
    limits = steps[steps["verdict"] == "limits"]
    if r.value is None:
        return "Nothing can be concluded, since no correlation can be given."
    wide = round(r.high or 0, 2) - round(r.low or 0, 2)  # of the limits as they are shown
    base = (
        f"The correlation rests on {r.n:,} units. Its interval is "
        f"{markup.quantity(wide, 'correlation')} wide."
    )
    unknown = int((steps["verdict"] == "not known").sum())
    tail = f" Not known of the ladder: {markup.counted(unknown, 'rung')}." if unknown else ""
    if limits.empty:
        return f"{base} No known rung of the ladder limits it.{tail}"
    first = limits.iloc[0]
    return f"{base} It is limited by: {first['rung']} ({first['reason']}).{tail}"


def source(pairs: Pairs) -> str:
    """Say that the same people rated both sides, to stand beside every correlation; "" if not."""
    if not pairs.same_people:
        return ""
    return " The same people rated both sides, which by itself makes them go together."


def waves_needed(order: Order, pairs: Pairs) -> str:
    """Say what it takes to ask which comes first, beside what there is; "" where it was asked."""
    waves = len(set(pairs.waves["wave"]))
    units = pairs.waves["unit"].nunique()
    least = 2 * FEWEST_WAVES * UNITS_PER_SCORE
    if order.fit is not None or (waves >= FEWEST_WAVES and units >= least):
        return ""
    there = f"{_count(waves)} such {'wave' if waves == 1 else 'waves'} and "
    there = there + markup.counted(units, "unit") if waves else "are none such"
    return (
        f"To ask which comes first takes at least {FEWEST_WAVES} waves of one instrument and "
        f"{least:,} units with both sides in each; there {there}."
    )


def doubt(pairs: Pairs, verdict: str) -> str:
    """Say the strongest doubt: a common source, else a common cause and what the order leaves."""
    if pairs.same_people:
        return (
            "The same people rated both sides: a good mood raises both, and part of the "
            "correlation is that."
        )
    causes = "A unit's place, size, management or customers can raise or lower both sides"
    if verdict == "cannot tell":
        return f"{causes}, and the order in time is not known."
    return (
        f"{causes}. Within units an order in time was found, but something else that changes over "
        "time can drive both."
    )


def conclusion(r: Estimate, pairs: Pairs, told: str, waves: str) -> Note:
    """Say the rival explanations and what would settle them."""
    rival = {
        "go together": "That both sides are high in the same units fits three stories: engaged "
        "employees serve better; pleasant customers make work engaging; or a third thing, such as "
        "a good manager or a quiet neighbourhood, does both.",
        "go opposite ways": "That one side is high where the other is low may mean that effort for "
        "customers wears employees out, or that difficult units attract determined people.",
        "cannot be told": "With an interval that holds zero, neither a link nor its absence is "
        "shown.",
    }[told]
    if r.value is None:
        rival = "No correlation was estimated, so neither a link nor its absence is shown."
    need = (
        f"A correlation of {markup.quantity(r.value, 'correlation')} takes "
        f"{units_needed(r.value):,} units to be seen with 80 % power; there {_count(r.n)}."
        if r.value is not None and 0 < abs(r.value) < 1
        else f"A correlation of {markup.quantity(PLAUSIBLE_R, 'correlation')} takes "
        f"{units_needed(PLAUSIBLE_R):,} units to be seen with 80 % power; there {_count(r.n)}."
    )
    individuals = (
        "A correlation between units says nothing of single employees or customers."
        if not pairs.same_people
        else "A correlation between units is not one between people."
    )
    return Note(
        paragraphs=(
            f"{rival} {individuals}",
            f"What would settle it: more waves, with stable differences between units modelled "
            f"apart; or a change made to engagement in some units by lot. {need} {waves}".rstrip(),
        )
    )

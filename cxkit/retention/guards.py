"""The guards of the retention question: each says what it saw, whether or not it fired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.metrics.proportions import share
from cxkit.results import Guard
from cxkit.retention.clock import scores_set_aside
from cxkit.retention.hazard import EXITS_PER_PARAMETER

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.results import Difference, Estimate
    from cxkit.retention.clock import Bands, Clock
    from cxkit.study.study import Study


def guards(
    study: Study,
    clock: Clock,
    bands: Bands,
    immortal: Estimate,
    contrasts: list[Difference],
    adjust: list[str],
    held: list[str],
    exits: int,
    horizon: int,
    naive: pd.DataFrame | None,
) -> list[Guard]:
    """Return every guard of this question, fired or not, with what it saw."""
    spells = clock.spells
    gone = clock.count("left within the gap")
    outside = scores_set_aside(study, bands.measure)
    late = int(spells["late"].sum())
    short = int(((spells["months"] < horizon) & ~spells["left"]).sum())
    asked = study.responses
    answered = share(asked[bands.measure].notna(), metric="answered", level=0.95)
    unadjusted = bool(held) and not adjust
    leaving = (
        " Counting them gives a hazard ratio of "
        f"{markup.quantity(naive['value'].iloc[-2], 'ratio')} instead of "
        f"{markup.quantity(naive['value'].iloc[-1], 'ratio')}."
        if naive is not None
        else ""
    )
    return [
        Guard(
            kind="immortal time",
            fired=immortal.high is not None and immortal.high < 1,
            text="Answered against never answered, from joining: hazard ratio "
            f"{markup.quantity(immortal.value, 'ratio')} "
            f"({markup.interval(immortal.low, immortal.high, 'ratio')}, n = {immortal.n:,}). "
            "Naive and biased: shown, never used."
            if immortal.ok
            else f"Answered against never answered gives no ratio here. {immortal.reason}",
        ),
        Guard(
            kind="already leaving",
            fired=gone > 0,
            text=f"{gone:,} customers left within {clock.gap} days of their answer; their scores "
            f"may be an effect of leaving and are not used.{leaving}",
        ),
        Guard(
            kind="scores outside the relationship",
            fired=outside > 0,
            text=f"{outside:,} scores were given before joining, or on or after the day of "
            "leaving; they are dropped.",
        ),
        Guard(
            kind="late entry",
            fired=late > 0,
            text=f"{late:,} of {len(spells):,} customers joined before the data begin. They enter "
            "at their landmark; those who left before the data begin were never seen.",
        ),
        Guard(
            kind="horizon",
            fired=short > 0,
            text=f"{short:,} customers were not followed for the whole {horizon} months; they are "
            "censored where the data end, never counted as kept.",
        ),
        Guard(
            kind="nonresponse",
            fired=answered.value is not None and answered.value < 80,
            text=f"{markup.quantity(answered.value, '%')} of {answered.n:,} surveys sent were "
            f"answered ({markup.interval(answered.low, answered.high, '%')}); the answer holds for "
            "those who answer.",
        ),
        Guard(
            kind="multiplicity",
            fired=len(contrasts) > 1,
            text=f"{len(contrasts)} bands are compared in pairs; p is adjusted by Holm within this "
            f"family of {len(contrasts)}.",
        ),
        Guard(
            kind="sparse exits",
            fired=unadjusted or not contrasts[0].ok,
            text=f"{exits:,} customers left within {horizon} months; the adjusted model needs "
            f"{EXITS_PER_PARAMETER} for each coefficient"
            + (", so nothing is held equal." if unadjusted else "."),
        ),
    ]

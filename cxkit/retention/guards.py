"""The guards of the retention question: each says what it saw, whether or not it fired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.disclosure import count_said
from cxkit.results import Guard
from cxkit.retention import wording
from cxkit.retention.clock import scores_set_aside
from cxkit.retention.hazard import EXITS_PER_PARAMETER

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.results import Difference, Estimate
    from cxkit.retention.clock import Bands, Clock
    from cxkit.retention.silence import Silence
    from cxkit.study.study import Study


def guards(
    study: Study,
    clock: Clock,
    bands: Bands,
    immortal: Estimate | None,
    contrasts: list[Difference],
    adjust: list[str],
    held: list[str],
    exits: str,
    horizon: int,
    silent: Silence,
) -> list[Guard]:
    """Return every guard of this question, fired or not, with what it saw."""
    spells = clock.spells
    gone = clock.count("left within the gap")
    outside = scores_set_aside(study, bands.measure)
    late = int(spells["late"].sum())
    short = int(((spells["months"] < horizon) & ~spells["left"]).sum())
    family = sum(d.p is not None for d in contrasts)
    untold = [d for d in contrasts if not d.ok]
    unadjusted = bool(held) and not adjust
    several = [c for c in held if len(spells[c.removeprefix("held: ")].unique()) > 1]
    loose = [c for c in several if c not in adjust] if adjust else []
    return [
        Guard(
            kind="immortal time",
            fired=immortal is not None and immortal.high is not None and immortal.high < 1,
            text="Answered against never answered, from joining: hazard ratio "
            f"{markup.quantity(immortal.value, 'ratio')} "
            f"({markup.interval(immortal.low, immortal.high, 'ratio')}, n = {immortal.n:,}). "
            "Naive and biased: shown, never used."
            if immortal is not None and immortal.ok
            else "Answered against never answered gives no ratio here."
            + (f" {immortal.reason}" if immortal is not None else ""),
        ),
        Guard(
            kind="already leaving",
            fired=gone > 0,
            text=f"{count_said(gone)} customers left within {clock.gap} days of their answer; "
            "their scores may be an effect of leaving and are not used.",
        ),
        Guard(
            kind="scores outside the relationship",
            fired=outside > 0,
            text=f"{count_said(outside)} scores were given before joining, or on or after the day "
            "of leaving; they are dropped.",
        ),
        Guard(
            kind="late entry",
            fired=late > 0 or clock.early > 0,
            text=f"{count_said(late)} of {count_said(len(spells))} customers joined before the "
            "data begin. They enter at their landmark; those who left before the data begin were "
            "never seen."
            + (
                f" {count_said(clock.early)} scores have a landmark before the data begin and are "
                "not used."
                if clock.early
                else ""
            ),
        ),
        Guard(
            kind="horizon",
            fired=short > 0,
            text=f"{count_said(short)} customers who had not left were not followed for the whole "
            f"{markup.counted(horizon, 'month')}; they are censored where the data end, never "
            "counted as kept.",
        ),
        _alike(spells),
        Guard(
            kind="nonresponse",
            fired=silent.large,
            text=silent.text,
        ),
        Guard(
            kind="multiplicity",
            fired=family > 1,
            text=f"{family} pairs of bands are compared; p is adjusted by Holm within this family "
            f"of {family}."
            if family > 1
            else "One pair of bands is compared; there is nothing to adjust for."
            if family
            else "No pair of bands is compared.",
        ),
        Guard(
            kind="sparse exits",
            fired=unadjusted or bool(untold or loose),
            text=f"{exits} customers left within {markup.counted(horizon, 'month')}; the adjusted "
            f"model needs {EXITS_PER_PARAMETER} for each coefficient"
            + (", so nothing is held equal." if unadjusted else ".")
            + (f" Not held equal: {', '.join(map(wording.held, loose))}." if loose else "")
            + (
                f" Not compared: {'; '.join(f'{d.a} with {d.b}' for d in untold)}."
                if untold
                else ""
            ),
        ),
    ]


def _alike(spells: pd.DataFrame) -> Guard:
    """Say that customers of one unit count as independent, which they may not be."""
    units = int(spells["unit"].nunique()) if "unit" in spells else 0
    return Guard(
        kind="customers of one unit",
        fired=units > 1,
        text=f"The customers belong to {units:,} units and count as independent of one another. "
        "Where those of one unit are served alike, or leave together, the intervals here are too "
        "narrow."
        if units > 1
        else "All customers belong to one unit."
        if units
        else "The customer table names no unit; whether customers share one is not known.",
    )

"""Retention versus experience, from a study to an answer that a reviewer can trust."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.families import holm
from cxkit.metrics.proportions import share
from cxkit.results import Answer, Difference, Note, Table, guards_table
from cxkit.retention import tables, wording
from cxkit.retention.clock import bands_of, wind
from cxkit.retention.curves import at_risk, curves, retained
from cxkit.retention.guards import guards as guards_of
from cxkit.retention.hazard import (
    EXITS_PER_PARAMETER,
    FEWEST_EXITS,
    Hazard,
    exits_within,
    fit,
    parameters_needed,
)
from cxkit.retention.naive import answered_against_never, beside, with_segments
from cxkit.retention.result import QUESTION, RetentionAnswer
from cxkit.retention.snapshot import answer_snapshot

if TYPE_CHECKING:
    from cxkit.results import Estimate
    from cxkit.retention.clock import Bands
    from cxkit.study.study import Study

#: The difference in retention, in percentage points, that "you would need" speaks of.
WORTH_SEEING = 10.0


def retention_answer(
    study: Study,
    *,
    measure: str = "",
    horizon: int = 12,
    gap: int = 90,
    level: float = 0.95,
) -> RetentionAnswer:
    """Answer whether customers with a better experience stay longer.

    Parameters
    ----------
    study : Study
        With `customers`; in dated form with `responses` as well.
    measure : str
        nps, csat or ces; for a snapshot one of its experience columns. "" takes the first there is.
    horizon : int
        Months after the landmark at which retention is compared.
    gap : int
        Days between an answer and the landmark.
    level : float
        Level of all intervals.

    Returns
    -------
    RetentionAnswer

    Raises
    ------
    MissingTableError
        If the study lacks customers, or responses in dated form.
    QuestionError
        If nobody or everybody left, if the horizon lies beyond every customer's follow-up, if the
        measure is not there, or if "answered" is asked for as an answer.

    Notes
    -----
    Estimand: the mean difference in the probability of still being a customer `horizon` months
    after the landmark, if every customer at the landmark were in the good band rather than the poor
    one, with tenure and the study's segments held equal. The landmark is `gap` days after a
    customer's first usable score. Missing scores are counted, never filled.

    Examples
    --------
    >>> import cxkit as cx
    >>> result = cx.retention_answer(cx.sample_study())
    >>> result.effect.direction
    'higher'
    """
    study.need("customers", why="retention is about customers and when they left")
    if measure.replace(" ", "_") in {"answered", "ever_answered"}:
        raise QuestionError(
            "'answered' against 'never answered' is not an experience: one must stay to be asked, "
            "so the comparison is biased even when nothing has an effect.\n  It is printed as the "
            "row 'answered against never answered' beside the answer; ask with measure nps, csat "
            "or ces."
        )
    if study.contract.of("customers").form == "snapshot":
        return answer_snapshot(study, measure=measure, level=level)
    study.need("responses", why="a better or worse experience is read from answered surveys")
    bands = bands_of(study, _measure(study, measure))
    return _from_dates(study, bands=bands, horizon=horizon, gap=gap, level=level)


def _measure(study: Study, asked: str) -> str:
    """Return the measure to use, or refuse one that the study does not have."""
    there = [m for m in study.contract.of("responses").scores if m in ("nps", "csat", "ces")]
    if asked == "" and there:
        return there[0]
    if asked not in there:
        raise QuestionError(
            f"measure {asked!r} is not a score of this study.\n  Scores under responses in "
            f"study.yml: {', '.join(there) or 'none'}."
        )
    return asked


def _from_dates(
    study: Study, *, bands: Bands, horizon: int, gap: int, level: float
) -> RetentionAnswer:
    """Answer from dates: landmark, curves, hazard, and the naive rows beside them."""
    clock = wind(study, bands=bands, gap=gap)
    spells = with_segments(clock.spells, study)
    longest = spells.groupby("band", observed=True)["months"].max().min()
    if longest < horizon:
        raise QuestionError(
            f"A horizon of {horizon} months lies beyond the data: in one band nobody is followed "
            f"longer than {markup.number(longest)} months after the landmark.\n  "
            f"Ask with horizon = {int(longest)} or less, or with later data."
        )
    kept = retained(spells, horizon=horizon, level=level)
    present = list(kept)
    low, high = present[0], present[-1]
    held = ["tenure_band", *[str(c) for c in spells if str(c).startswith("held: ")]]
    leavers = exits_within(spells, horizon)
    exits = int(leavers.sum())
    by_band = leavers.groupby(spells["band"], observed=True).sum()
    sparse = len(present) < 2 or min(by_band[low], by_band[high]) < FEWEST_EXITS
    adjust = held if exits >= EXITS_PER_PARAMETER * parameters_needed(spells, held, horizon) else []
    model = None if sparse else fit(spells, horizon=horizon, adjust=adjust, level=level)
    pooled = share(~leavers, metric="kept", level=level)
    per_band = customers_needed(pooled.value or 50.0, difference=WORTH_SEEING)
    immortal = answered_against_never(study, measure=bands.measure, level=level)
    if model is None:
        contrasts = [_untold(present, by_band, kept, horizon, level)]
        ratio, naive = None, None
    else:
        contrasts = _family(model, present)
        ratio = model.ratio(high)
        naive = beside(
            study,
            clock,
            immortal,
            ratio,
            bands=bands,
            high=high,
            low=low,
            horizon=horizon,
            adjust=adjust,
            level=level,
        )
    effect = contrasts[0]
    guards = guards_of(
        study, clock, bands, immortal, contrasts, adjust, held, exits, horizon, naive
    )
    sentences = [wording.retained(kept, horizon=horizon, gap=gap)]
    if effect.direction == "cannot be told":
        sentences.append(wording.needed(per_band, difference=WORTH_SEEING, horizon=horizon))
    answer = Answer(
        question=QUESTION,
        headline=wording.headline(effect, horizon=horizon),
        sentences=tuple(sentences),
        how_sure=wording.how_sure(effect, exits, len(spells), horizon, model),
        doubt=wording.doubt(study, bands.measure, level),
        estimate=effect,
        guards=tuple(guards),
        used=len(spells),
    )
    groups = pd.DataFrame(
        [
            {
                "group": band,
                "value": e.value,
                "low": e.low,
                "high": e.high,
                "n": e.n,
                "exits": int(by_band[band]),
            }
            for band, e in kept.items()
        ]
    )
    months = pd.Index(range(0, int(longest) + 1, 3))
    return RetentionAnswer(
        answer=answer,
        effect=effect,
        groups=groups,
        groups_measure=f"kept {horizon} months after the landmark",
        curves=curves(spells, level=level),
        at_risk=at_risk(spells, months=months.to_numpy()),
        naive=naive,
        who=Table.of(
            clock.steps,
            caption=f"Who is in the analysis, and who is not: {len(spells):,} customers of "
            f"{len(study.customers):,}.",
            columns=[
                ("Step", "step", "text"),
                ("Customers", "customers", "count"),
                ("What it means", "reason", "text"),
            ],
        ),
        retained=tables.groups(
            groups,
            f"Customers kept {horizon} months after the landmark, by band: Kaplan–Meier with "
            f"log–log {markup.percent_label(level)} intervals; {exits:,} customers left.",
            "Kept (%)",
            level,
        ),
        effects=tables.effects(contrasts, model, horizon, level),
        ratio=wording.hazard_ratio(ratio, high=high, low=low, adjusted_for=adjust),
        usual=wording.biased(immortal, ratio),
        beside=tables.beside(naive, level)
        if naive is not None
        else Note(paragraphs=(f"No hazard ratio is given. {effect.reason}",)),
        guards=guards_table(guards),
        conclusion=wording.conclusion(effect, model, gap, per_band),
        horizon=horizon,
        level=level,
    )


def _family(model: Hazard, present: list[str]) -> list[Difference]:
    """Return all pairs of bands, the widest first, with Holm's adjustment."""
    pairs = [(a, b) for i, b in enumerate(present) for a in present[i + 1 :]]
    pairs.sort(key=lambda p: present.index(p[1]) - present.index(p[0]))
    raw = [model.effect(a, b) for a, b in pairs]
    adjusted = holm([d.p if d.p is not None else 1.0 for d in raw])["p_adjusted"]
    return [
        dataclasses.replace(d, p_adjusted=float(p), family=len(raw))
        for d, p in zip(raw, adjusted, strict=True)
    ]


def _untold(
    present: list[str],
    exits: pd.Series,
    kept: dict[str, Estimate],
    horizon: int,
    level: float,
) -> Difference:
    """Return a difference without a number: too few customers left to estimate it."""
    low, high = present[0], present[-1]
    n_low, n_high = kept[low].n, kept[high].n
    if len(present) < 2:
        reason = (
            f"all {n_low:,} customers who can be followed are {low}; there is nobody to compare."
        )
        high = "any other band"
        n_high = 0
    else:
        reason = (
            f"within {horizon} months {int(exits[low])} of {n_low:,} {low} and "
            f"{int(exits[high])} of {n_high:,} {high} left, too few for an interval to be trusted."
        )
    return Difference(
        metric=f"Retention {horizon} months after the landmark",
        measured_in="percentage points",
        a=high,
        b=low,
        value=None,
        low=None,
        high=None,
        se=None,
        p=None,
        level=level,
        n_a=n_high,
        n_b=n_low,
        n_missing=0,
        method="discrete-time hazard (cloglog)",
        status="no data",
        reason=reason,
    )


def customers_needed(percent: float, *, difference: float, power: float = 0.8) -> int:
    """Return the customers each band needs to show a difference in a share, two-sided 5 %.

    >>> customers_needed(70, difference=10)
    326
    """
    from scipy.stats import norm

    p1, p2 = (percent + difference / 2) / 100, (percent - difference / 2) / 100
    p1, p2 = min(p1, 0.99), max(p2, 0.01)
    z = float(norm.isf(0.025) + norm.isf(1 - power))
    return math.ceil(z**2 * (p1 * (1 - p1) + p2 * (1 - p2)) / (p1 - p2) ** 2)

"""The effect within segments, beside the one with segments held equal and the crude one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr, ndtri

from cxkit import markup
from cxkit.metrics.answers import check_level
from cxkit.results import Difference, Guard
from cxkit.retention.groups import (
    Groups,
    groups_frame,
    groups_guard,
    groups_table,
    no_groups,
    told_groups,
)
from cxkit.retention.hazard import EXITS_PER_PARAMETER, FEWEST_EXITS
from cxkit.retention.landmarked import landmarked
from cxkit.retention.monthly import discrete_hazard, retention_difference

if TYPE_CHECKING:
    from cxkit.retention.landmarked import Landmarked
    from cxkit.study.study import Study


def effect_by_segment(
    study: Study, *, measure: str = "nps", horizon: int = 12, gap: int = 90, level: float = 0.95
) -> Groups:
    """Compute the effect within each segment, and beside it the one with segments held equal.

    Parameters
    ----------
    study : Study
        With customers in dated form, their segments, and responses.
    measure : str
        A score of the study: nps, csat or ces.
    horizon : int
        Months after the landmark at which retention is compared.
    gap : int
        Days from the answer to the landmark.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    Groups

    Raises
    ------
    MissingTableError
        The study lacks customers or responses.
    QuestionError
        Nobody can be followed, or the horizon lies beyond the data.

    Notes
    -----
    Stratified: a model of its own in every segment in which five customers of each band left, with
    time with the firm held equal where ten exits bear it, and their mean weighted by customers.
    Adjusted: one model, segments held equal (the answer). Crude: nothing held equal. Where the
    crude and the stratified effect point opposite ways, the whole misleads about its parts
    (Simpson's reversal). Whether segments differ is Cochran's Q. p is adjusted by Holm within each
    division of the customers.

    References
    ----------
    Simpson, E. H. (1951). The interpretation of interaction in contingency tables. Journal of the
    Royal Statistical Society B 13, 238-241. doi:10.1111/j.2517-6161.1951.tb00088.x

    Examples
    --------
    >>> import cxkit as cx
    >>> found = cx.effect_by_segment(cx.sample_study())
    >>> found.effects["within segment"].direction
    'higher'
    """
    level = check_level(level)
    basis = landmarked(study, measure=measure, horizon=horizon, gap=gap, level=level)
    if basis.effect is None:
        return no_groups(basis)
    if not basis.segments:
        return no_groups(basis, "the study names no segments under customers in study.yml.")
    effects = {
        "adjusted": basis.effect,
        "crude": _effect(basis, basis.spells, [], level),
    }
    frames: list[pd.DataFrame] = []
    p: dict[str, float] = {}
    for column in basis.segments:
        by = column.removeprefix("held: ")
        told, untold = told_groups(basis, column)
        found = {
            name: _within(basis, basis.spells[basis.spells[column] == name], level) for name in told
        }
        frames.append(groups_frame(found, by, basis, column, untold))
        if found:
            effects[f"within {by}"], q = _averaged(found, basis, column, level)
            p |= {by: q} if q is not None else {}
        effects |= {f"{by}: {name}": d for name, d in found.items()}
    frame = pd.concat(frames, ignore_index=True)
    return Groups(
        frame=frame,
        effects=effects,
        differ_p=p,
        table=groups_table(frame, basis, "within each segment"),
        sentence=segment_sentence(effects, horizon=horizon),
        guards=(_reversal(effects), groups_guard(frame)),
        reason="",
        level=level,
    )


def segment_sentence(effects: dict[str, Difference], *, horizon: int) -> str:
    """Say the crude, the adjusted and the within-segment effect, and whether they agree."""
    adjusted, crude = effects["adjusted"], effects["crude"]
    within = {n.removeprefix("within "): d for n, d in effects.items() if n.startswith("within ")}
    shown = [
        f"{markup.quantity(d.value, 'percentage points')} "
        f"({markup.interval(d.low, d.high, 'percentage points')}) {what}"
        for what, d in (
            ("by the monthly model with nothing held equal", crude),
            ("with the answer's adjustment", adjusted),
            *((f"within {name}", d) for name, d in within.items()),
        )
        if d.value is not None
    ]
    told = (
        f"Difference in {horizon}-month retention between {adjusted.a} and {adjusted.b}: "
        + ", ".join(shown)
        + "."
    )
    ways = {d.direction for d in (crude, adjusted, *within.values()) if d.value is not None}
    if ways == {"higher"}:
        return f"{told} All say that {adjusted.a} stay longer."
    if ways == {"lower"}:
        return f"{told} All say that {adjusted.a} leave earlier."
    if ways == {"cannot be told"}:
        return f"{told} By none can a difference be told."
    return f"{told} They do not agree, so the answer hangs on what is held equal."


def _within(basis: Landmarked, rows: pd.DataFrame, level: float) -> Difference:
    """Return the effect in some customers, time with the firm held equal where exits bear it."""
    exits = rows["left"].groupby(rows["band"].astype(str)).transform("sum")
    rows = rows[exits >= FEWEST_EXITS]
    tenure = rows["left"].groupby(rows["tenure_band"]).sum()
    bears = int(rows["left"].sum()) >= EXITS_PER_PARAMETER * (rows["band"].nunique() + len(tenure))
    held = ["tenure_band"] if bears and tenure.min() > 0 else []
    return _effect(basis, rows, held, level)


def _effect(basis: Landmarked, rows: pd.DataFrame, held: list[str], level: float) -> Difference:
    """Return the effect of the good band against the poor one in some customers."""
    keys = ["band", *held]
    model = discrete_hazard(basis.counts(keys, rows=rows), covariates=keys, level=level)
    return retention_difference(
        model,
        basis.people(keys, rows=rows),
        column="band",
        a=basis.high,
        b=basis.low,
        horizon=basis.horizon,
        names=(basis.high, basis.low),
    )


def _averaged(
    found: dict[str, Difference], basis: Landmarked, column: str, level: float
) -> tuple[Difference, float | None]:
    """Return the mean effect over segments, weighted by customers, and p of Cochran's Q."""
    people = basis.spells[column].value_counts()
    weight = np.array([float(people[name]) for name in found])
    weight = weight / weight.sum()
    value = np.array([d.value for d in found.values()], float)
    se = np.array([d.se for d in found.values()], float)
    mean, error = float(weight @ value), float(np.sqrt(weight**2 @ se**2))
    z = -float(ndtri((1 - level) / 2))
    q = None
    if len(found) > 1:
        exact = 1 / se**2
        spread = float(exact @ (value - exact @ value / exact.sum()) ** 2)
        q = float(chdtrc(len(found) - 1, spread))
    pair = basis.spells[basis.spells[column].isin(list(found))]["band"].value_counts()
    return (
        Difference(
            metric=f"Retention {markup.counted(basis.horizon, 'month')} after the landmark",
            measured_in="percentage points",
            a=basis.high,
            b=basis.low,
            value=mean,
            low=mean - z * error,
            high=mean + z * error,
            se=error,
            p=float(2 * ndtr(-abs(mean) / error)) if error > 0 else None,
            level=level,
            n_a=int(pair.get(basis.high, 0)),
            n_b=int(pair.get(basis.low, 0)),
            n_missing=0,
            method="mean of the effects within segments, weighted by customers",
        ),
        q,
    )


def _reversal(effects: dict[str, Difference]) -> Guard:
    """Say whether the crude effect and those within segments point opposite ways."""
    crude = effects["crude"]
    within = {n: d for n, d in effects.items() if n.startswith("within ") and d.value is not None}
    turned = [n for n, d in within.items() if (d.value or 0) * (crude.value or 0) < 0]
    shown = ", ".join(
        f"{n} {markup.quantity(d.value, 'percentage points')}" for n, d in within.items()
    )
    return Guard(
        kind="Simpson's reversal",
        fired=bool(turned),
        text=f"Crude {markup.quantity(crude.value, 'percentage points')}; {shown or 'no segment'}"
        + (": the whole points the other way from its parts." if turned else "."),
    )

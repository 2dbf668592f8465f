"""Does experience weigh more with new customers: the effect by time with the firm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.metrics.answers import check_level
from cxkit.retention.clock import TENURE_NAMES
from cxkit.retention.groups import (
    Groups,
    groups_frame,
    groups_guard,
    groups_table,
    no_groups,
    told_groups,
)
from cxkit.retention.landmarked import landmarked
from cxkit.retention.monthly import discrete_hazard, retention_difference

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.results import Difference
    from cxkit.study.study import Study


def effect_by_tenure(
    study: Study, *, measure: str = "nps", horizon: int = 12, gap: int = 90, level: float = 0.95
) -> Groups:
    """Ask whether experience matters more to new customers than to old ones.

    Parameters
    ----------
    study : Study
        With customers in dated form, and responses.
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
    The answer's model with terms of band by time with the firm at the landmark (under 1 year, 1 to
    3, over 3). The effect in each group is averaged over its customers, in percentage points;
    whether the hazard ratio differs between groups is Wald's test of those terms. A group needs
    five exits in each of the two bands. Percentage points may differ where ratios do not: new
    customers leave more often, so the same ratio moves more of them.

    Examples
    --------
    >>> import cxkit as cx
    >>> found = cx.effect_by_tenure(cx.sample_study())
    >>> len(found.frame)
    3
    """
    level = check_level(level)
    basis = landmarked(study, measure=measure, horizon=horizon, gap=gap, level=level)
    if basis.model is None:
        return no_groups(basis)
    held = [c for c in basis.adjust if c != "tenure_band"]
    keys = ["band", "tenure_band", *held]
    told, untold = told_groups(basis, "tenure_band")
    groups = [t for t in TENURE_NAMES if t in told]
    if not groups:
        return no_groups(basis, "in no group of tenure did enough customers of both bands leave.")
    rows = basis.spells[basis.spells["tenure_band"].isin(groups)]
    rows = rows[rows["band"].isin([basis.low, basis.high])]
    crossed = [f"good x {t}" for t in groups[1:]]

    def cross(frame: pd.DataFrame) -> pd.DataFrame:
        """Add the terms of the good band by time with the firm."""
        good = (frame["band"].astype(str) == basis.high).astype(float)
        return frame.assign(
            **{
                name: good * (frame["tenure_band"] == t)
                for name, t in zip(crossed, groups[1:], strict=True)
            }
        )

    model = discrete_hazard(
        cross(basis.counts(keys, rows=rows)),
        covariates=["band", "tenure_band", *held, *crossed],
        level=level,
    )
    people = basis.people(keys, rows=rows)
    effects = {
        t: retention_difference(
            model,
            people[people["tenure_band"] == t],
            column="band",
            a=basis.high,
            b=basis.low,
            horizon=horizon,
            names=(basis.high, basis.low),
            derive=cross,
        )
        for t in groups
    }
    there = [(name, None) for name in crossed if (name, None) in model.terms]
    p = {"time with the firm": model.wald(there)[2]} if there else {}
    frame = groups_frame(effects, "time with the firm", basis, "tenure_band", untold)
    return Groups(
        frame=frame,
        effects=effects,
        differ_p=p,
        table=groups_table(frame, basis, "by time with the firm at the landmark"),
        sentence=tenure_sentence(
            effects, p.get("time with the firm"), horizon=horizon, level=level
        ),
        guards=(groups_guard(frame),),
        reason="",
        level=level,
    )


def tenure_sentence(
    effects: dict[str, Difference], p: float | None, *, horizon: int, level: float
) -> str:
    """Say the effect in each group, and whether the ratio differs between them."""
    parts = [
        f"{markup.quantity(d.value, 'percentage points')} "
        f"({markup.interval(d.low, d.high, 'percentage points')}) {name} with the firm"
        for name, d in effects.items()
    ]
    first = next(iter(effects.values()))
    told = (
        f"Difference in {horizon}-month retention between {first.a} and {first.b}: "
        + ", ".join(parts)
        + "."
    )
    if p is None:
        return f"{told} With one group there is nothing to compare."
    shown = "<\u00a00.001" if p < 0.001 else f"= {markup.number(p, 3)}"
    if p >= 1 - level:
        return (
            f"{told} That experience weighs differently with new customers is not shown (p "
            f"{shown})."
        )
    new, old = first, list(effects.values())[-1]
    more = abs(new.value or 0) > abs(old.value or 0)
    return (
        f"{told} Experience weighs differently with new and old customers (p {shown}), "
        f"{'more' if more else 'less'} in points with the newest."
    )

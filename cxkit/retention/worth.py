"""What a better experience would be worth: customers kept, revenue a year, and at what doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.disclosure import count_said
from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_choice, check_level
from cxkit.results import Estimate, Guard
from cxkit.retention import worth_wording as wording
from cxkit.retention.asked import Depth, hold_asked
from cxkit.retention.clock import MONTH, bands_of, wind, with_segments
from cxkit.retention.evalue import e_value
from cxkit.retention.hazard import (
    EXITS_PER_PARAMETER,
    FEWEST_EXITS,
    exits_within,
    fit,
    parameters_needed,
)
from cxkit.retention.model_guards import beyond_follow_up, few_exits
from cxkit.retention.moved import DRAWS, SAMPLES, draws, samples, totals
from cxkit.retention.worth_numbers import Numbers, same_everywhere

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cxkit.results import Table
    from cxkit.retention.evalue import EValue
    from cxkit.study.study import Study

#: A touchpoint with fewer customers below the cut is shown with the other small ones.
FEWEST_BELOW = 20
OTHER, NOWHERE = "(other touchpoints)", "(not known)"


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What it would be worth if every customer below the cut were served as those just above.

    Attributes
    ----------
    below, above : str
        The band that is moved (or bands), and the one it is moved to.
    points : float
        Points of the score between the means of the two.
    kept : Estimate
        Customers more who would still be there at the horizon, of those below the cut.
    revenue : Estimate
        What those bring in a year, in the unit of the study's value; without a number, and with
        the reason, where the study has no value.
    risk_ratio : Estimate
        Risk of leaving by the horizon, moved against as they are; below 1 is better.
    e_value : EValue
        Of that risk ratio and of its limit nearer 1.
    break_even : Estimate
        Cost a year at which raising one customer by one point would pay for itself.
    touchpoints : DataFrame
        One row per touchpoint and one for all: touchpoint, below, left_now, left_then (percent by
        the horizon), kept, kept_low, kept_high, revenue, revenue_low, revenue_high.
    """

    measure: str
    below: str
    above: str
    n_below: int
    points: float
    kept: Estimate
    revenue: Estimate
    risk_ratio: Estimate
    e_value: EValue
    break_even: Estimate
    touchpoints: pd.DataFrame
    table: Table
    sentence: str
    assumptions: str
    guards: tuple[Guard, ...]
    horizon: int
    gap: int
    level: float


def worth_of_experience(
    study: Study,
    *,
    measure: str = "",
    cut: Literal["poor", "good"] = "poor",
    horizon: int = 12,
    gap: int = 90,
    depth: Depth = "quick",
    seed: int = 0,
    level: float = 0.95,
) -> Worth:
    """Say what it would be worth if customers below a cut had the experience of those just above.

    Parameters
    ----------
    study : Study
        With dated customers and responses; the value of customers gives the revenue.
    measure : str
        nps, csat or ces; "" takes the first there is.
    cut : "poor" or "good"
        Above the poorest band, whose customers are then served as those of the next one; or below
        the best band, where everybody else is served as those in it.
    horizon : int
        Months after the landmark at which customers are counted.
    gap : int
        Days between an answer and the landmark.
    depth : "quick" or "full"
        1,000 joint draws of coefficients and customers, or 200 bootstrap samples of customers with
        a fit for each.
    seed : int
        Of the draws.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    Worth

    Raises
    ------
    MissingTableError
        The study has no customers or no responses.
    QuestionError
        The customers have no dates, the measure is not there, nobody is below the cut or just
        above it, or too few of them left.

    Notes
    -----
    For each customer i below the cut at the landmark, with S_i(band) the retention at the horizon
    of a discrete-time hazard (band, month, tenure, segments and touchpoint): kept = sum of
    S_i(above) - S_i(own), revenue = sum of value_i times that difference, risk ratio = sum of
    1 - S_i(above) over sum of 1 - S_i(own). Customers whose value is missing count as kept and
    bring nothing. Intervals hold both the uncertainty of the effect and that of which customers
    were seen. The effect of a band is the same at every touchpoint; a likelihood-ratio test of that
    is among the guards.

    References
    ----------
    VanderWeele, T. J. and Ding, P. (2017). Sensitivity analysis in observational research:
    introducing the E-value. Annals of Internal Medicine 167, 268-274.
    https://doi.org/10.7326/M16-2607

    Examples
    --------
    >>> import cxkit as cx
    >>> found = cx.worth_of_experience(cx.sample_study())
    >>> found.above, found.kept.low < found.kept.value < found.kept.high
    ('passives (7–8)', True)
    """
    level = check_level(level)
    hold_asked(study, horizon=horizon, gap=gap)
    check_choice("cut", cut, ("poor", "good"))
    check_choice("depth", depth, get_args(Depth))
    study.need("customers", why="to see who stays after which experience")
    if study.contract.of("customers").form == "snapshot":
        raise QuestionError(
            "worth_of_experience: a snapshot has no dates, so how many would be kept by when is "
            "not known.\n  Write form: dates under customers in study.yml, with start and end."
        )
    study.need("responses", why="to see who stays after which experience")
    bands = bands_of(study, measure)
    clock = wind(study, bands=bands, gap=gap)
    spells = _with_touchpoint(study, with_segments(clock.spells, study), bands.measure, gap)
    below, above = _sides(spells, cut, horizon)
    adjust = _adjustment(spells, horizon)
    lower = spells["band"].astype(str).isin(below)
    rows = spells[lower].reset_index(drop=True)
    names, groups = _groups(rows)
    model = fit(spells, horizon=horizon, adjust=adjust, level=level)
    point = totals(model, rows, to=above, groups=groups, b=model.coefficients[None, :])
    rng = np.random.default_rng(seed)
    if depth == "quick":
        drawn = draws(model, rows, to=above, groups=groups, n=len(spells), rng=rng)
        how = f"{DRAWS:,} joint draws of effect and customers"
    else:
        drawn = samples(model, spells, below=lower.to_numpy(), to=above, groups=groups, rng=rng)
        how = f"{SAMPLES} bootstrap samples of customers, with a fit for each"
    numbers = Numbers(point=point, drawn=drawn, how=how, n=len(rows), level=level)
    declared = study.contract.of("customers").value
    money = "" if declared is None else declared.unit
    points = _points(spells, lower, above, bands.measure)
    kept, revenue = numbers.kept(), numbers.revenue(rows, money)
    ratio, break_even = numbers.ratio(), numbers.break_even(points, money)
    evalue = e_value(ratio.value or 1.0, low=ratio.low, high=ratio.high)
    exits = int(exits_within(spells, horizon).sum())
    parameters = parameters_needed(spells, adjust, horizon)
    frame = numbers.touchpoints(names, groups)
    who = " and ".join(below)
    found = {"kept": kept, "revenue": revenue, "break_even": break_even}
    said = wording.sentence(**found, below=who, above=above, horizon=horizon)
    assumed = wording.assumptions(
        who, above, model.adjusted_for, horizon, gap, has_value=bool(money)
    )
    return Worth(
        measure=bands.measure,
        below=who,
        above=above,
        n_below=len(rows),
        points=points,
        risk_ratio=ratio,
        e_value=evalue,
        touchpoints=frame,
        table=wording.touchpoints_table(frame, who, above, horizon, money, how, level),
        sentence=said,
        assumptions=assumed,
        guards=(
            Guard(kind="unmeasured causes", fired=evalue.limit == 1.0, text=str(evalue)),
            same_everywhere(spells, model, below, above),
            few_exits(exits=exits, stays=len(spells) - exits, parameters=parameters),
            beyond_follow_up(
                (study.as_of - spells["landmark"]).dt.days / MONTH,
                horizon=horizon,
                treated="censored",
            ),
        ),
        horizon=horizon,
        gap=gap,
        level=level,
        **found,
    )


def _with_touchpoint(study: Study, spells: pd.DataFrame, measure: str, gap: int) -> pd.DataFrame:
    """Return the spells with the touchpoint of the answer that started each clock."""
    responses = study.responses
    if "touchpoint" not in responses:
        return spells.assign(touchpoint=NOWHERE)
    first = spells[["customer"]].assign(
        answered_on=spells["landmark"] - pd.Timedelta(days=gap), row=np.arange(len(spells))
    )
    scored = responses[responses[measure].notna()]
    found = first.merge(scored, on=["customer", "answered_on"]).drop_duplicates("row")
    named = found.set_index("row")["touchpoint"].reindex(np.arange(len(spells)))
    return spells.assign(touchpoint=named.fillna(NOWHERE).to_numpy(object))


def _sides(
    spells: pd.DataFrame, cut: Literal["poor", "good"], horizon: int
) -> tuple[list[str], str]:
    """Return the bands below the cut and the one just above it, or refuse."""
    left = exits_within(spells, horizon).groupby(spells["band"], observed=True).sum()
    present = [str(b) for b in left.index]
    longest = int(spells.groupby("band", observed=True)["months"].max().min())
    if longest < horizon:
        raise QuestionError(
            f"A horizon of {markup.counted(horizon, 'month')} lies beyond the data: in one band "
            f"nobody is followed longer than {markup.counted(longest, 'month')} after the "
            "landmark.\n"
            f"  Ask with horizon = {longest} or less, or with later data."
        )
    if len(present) < 2:
        raise QuestionError(
            f"All {count_said(len(spells))} customers who can be followed are {present[0]}: nobody "
            "is on the other side of the cut.\n  Ask with another measure, or with later data."
        )
    below, above = (present[:1], present[1]) if cut == "poor" else (present[:-1], present[-1])
    few = [b for b in (*below, above) if left[b] < FEWEST_EXITS]
    if few:
        raise QuestionError(
            f"Within {markup.counted(horizon, 'month')} {count_said(int(left[few[0]]))} of the "
            f"{few[0]} left; saying what the experience is worth needs {FEWEST_EXITS} in each band."
            "\n  Ask with a longer horizon, another cut, or with later data."
        )
    return below, above


def _adjustment(spells: pd.DataFrame, horizon: int) -> list[str]:
    """Return what can be held equal with the exits there are: all, or without the touchpoint."""
    held = ["tenure_band", *[str(c) for c in spells if str(c).startswith("held: ")]]
    exits = int(exits_within(spells, horizon).sum())
    for adjust in ([*held, "touchpoint"], held):
        if exits >= EXITS_PER_PARAMETER * parameters_needed(spells, adjust, horizon):
            return adjust
    return []


def _groups(rows: pd.DataFrame) -> tuple[list[str], NDArray[np.intp]]:
    """Return the touchpoints that are shown, small ones together, and each customer's."""
    text = rows["touchpoint"].astype(str)
    size = text.value_counts()
    small = list(size.index[size < FEWEST_BELOW])
    rest = list(size.index[size >= FEWEST_BELOW])
    while rest and 0 < size[small].sum() < FEWEST_BELOW:
        small.append(rest.pop())  # the parts add up to the whole: one alone could be subtracted
    if len(small) > 1:
        text = text.where(~text.isin(small), OTHER)
    names = text.value_counts().index.astype(str).tolist()
    return names, text.map({name: i for i, name in enumerate(names)}).to_numpy(np.intp)


def _points(spells: pd.DataFrame, lower: pd.Series, above: str, measure: str) -> float:
    """Return how many points lie between the mean score just above the cut and below it."""
    upper = spells["band"].astype(str) == above
    return abs(float(spells.loc[upper, measure].mean()) - float(spells.loc[lower, measure].mean()))

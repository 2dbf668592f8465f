"""One effect through several models: does the answer hang on the way it was computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.disclosure import customer_table
from cxkit.metrics.answers import check_level
from cxkit.results import Difference, Estimate, Guard, Note, Table
from cxkit.retention.cox import cox
from cxkit.retention.episodes import count_months, episodes
from cxkit.retention.held import hold
from cxkit.retention.landmarked import landmarked
from cxkit.retention.monthly import discrete_hazard, retention_difference
from cxkit.retention.proportional import over_time, person_rows, proportion, proportional_guard

if TYPE_CHECKING:
    from cxkit.retention.landmarked import Landmarked
    from cxkit.retention.monthly import Link, MonthlyHazard
    from cxkit.study.study import Study

#: Months in one calendar period.
PERIOD = 6

#: The ratio of groups that do not differ.
NULL = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The good band against the poor one, through several models.

    Attributes
    ----------
    frame : DataFrame
        One row per model: model, clock, kind ("hazard ratio" or "odds ratio"), value, low, high,
        points, points_low, points_high (difference in retention, percentage points; missing where
        the model does not give it), n, exits, held.
    effects : dict of str to Difference
        The differences in retention, by model.
    fades : Estimate or None
        By what factor the hazard ratio changes each time the months since joining double; above 1
        the good band's advantage shrinks. None where it cannot be estimated.
    early, late : Estimate or None
        The hazard ratio at 6 and at 36 months since joining, from the same model.
    table : Table or Note
    proportional : str
        Whether the ratio is the same early and late, by the interval.
    sentence : str
    guards : tuple of Guard
    reason : str
        Why nothing is given; "" otherwise.
    """

    frame: pd.DataFrame
    effects: dict[str, Difference]
    fades: Estimate | None
    early: Estimate | None
    late: Estimate | None
    table: Table | Note
    proportional: str
    sentence: str
    guards: tuple[Guard, ...]
    reason: str
    level: float


def effect_by_model(
    study: Study,
    *,
    measure: str = "nps",
    horizon: int = 12,
    gap: int = 90,
    longest: float = 24.0,
    level: float = 0.95,
) -> Models:
    """Compute the effect of experience on staying through several models, side by side.

    Parameters
    ----------
    study : Study
        With customers in dated form, and responses.
    measure : str
        A score of the study: nps, csat or ces.
    horizon : int
        Months after the landmark at which retention is compared.
    gap : int
        Days from an answer until it counts.
    longest : float
        Months after which an answer is too old to count, in the models where it can be replaced.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    Models

    Raises
    ------
    MissingTableError
        The study lacks customers or responses.
    QuestionError
        Nobody can be followed, or the horizon lies beyond the data.

    Notes
    -----
    From the landmark, on the customers of the answer, band fixed by the first score: discrete-time
    hazard with complementary log-log link (the answer's), with logit link, and with the calendar
    half-year of every month held equal as well. Since joining, band replaced by each later score:
    Cox on counts of months (a Poisson model with one parameter a month, equal to Breslow's ties),
    and Cox on rows in days (Efron's ties, errors by customer). Whether the hazard ratio is the same
    early and late is told by a term of the band times log2(months since joining) in the model on
    counts. Months after the data end count as the last half-year of the data where retention at the
    horizon is averaged.

    References
    ----------
    Allison, P. D. (1982). Discrete-time methods for the analysis of event histories. Sociological
    Methodology 13, 61-98. doi:10.2307/270718

    Holford, T. R. (1980). The analysis of rates and of survivorship using log-linear models.
    Biometrics 36, 299-305. doi:10.2307/2529982

    Examples
    --------
    >>> import cxkit as cx
    >>> found = cx.effect_by_model(cx.sample_study())
    >>> bool(found.frame["value"].max() < 1)
    True
    """
    level = check_level(level)
    basis = landmarked(study, measure=measure, horizon=horizon, gap=gap, level=level)
    answers = basis.effect
    if basis.model is None or answers is None:
        return _nothing(basis)
    cells = basis.counts(["band", *basis.adjust])
    people = basis.people(["band", *basis.adjust])
    rows = [_row("monthly, cloglog (the answer's)", basis, basis.model.ratio(basis.high), answers)]
    effects = {"cloglog": answers}
    logit, effects["logit"] = _through("logit", basis, cells, people)
    ratio = logit.ratio("band", basis.high, n=len(basis.spells))
    rows.append(_row("monthly, logit", basis, ratio, effects["logit"], kind="odds ratio"))
    calendar, effects["calendar"] = _with_calendar(basis)
    ratio = calendar.ratio("band", basis.high, n=len(basis.spells))
    rows.append(_row("monthly, cloglog, calendar held equal", basis, ratio, effects["calendar"]))
    moving, fades, early, late = _moving(study, basis, gap, longest, level)
    frame = pd.DataFrame([*rows, *moving])
    proportional = proportion(fades, early, late, basis.high, basis.low)
    return Models(
        frame=frame,
        effects=effects,
        fades=fades,
        early=early,
        late=late,
        table=_table(frame, basis),
        proportional=proportional,
        sentence=sentence(frame, effects, basis.high, basis.low, horizon),
        guards=(_agreement(frame), proportional_guard(fades, proportional)),
        reason="",
        level=level,
    )


def sentence(
    frame: pd.DataFrame, effects: dict[str, Difference], high: str, low: str, horizon: int
) -> str:
    """Say whether the models agree in direction, and the span of what they give."""
    below, above = frame["high"] < NULL, frame["low"] > NULL
    values = [e.value for e in effects.values() if e.value is not None]
    span = (
        f"ratios from {markup.quantity(float(frame['value'].min()), 'ratio')} to "
        f"{markup.quantity(float(frame['value'].max()), 'ratio')}, differences in "
        f"{horizon}-month retention from {markup.number(min(values))} to "
        f"{markup.quantity(max(values), 'percentage points')}"
    )
    ways = f"All {len(frame)} models"
    if below.all():
        return f"{ways} say that {high} leave less often than {low}: {span}."
    if above.all():
        return f"{ways} say that {high} leave more often than {low}: {span}."
    if not below.any() and not above.any():
        return f"In none of {len(frame)} models can {high} be told from {low}: {span}."
    told = int(below.sum() + above.sum())
    return (
        f"In {told} of {len(frame)} models {high} can be told from {low}, in the others not, so "
        f"the answer hangs on the model: {span}."
    )


def _through(
    link: Link, basis: Landmarked, cells: pd.DataFrame, people: pd.DataFrame
) -> tuple[MonthlyHazard, Difference]:
    """Fit one link to the counts of the answer."""
    model = discrete_hazard(cells, covariates=["band", *basis.adjust], link=link, level=basis.level)
    effect = retention_difference(
        model,
        people,
        column="band",
        a=basis.high,
        b=basis.low,
        horizon=basis.horizon,
        names=(basis.high, basis.low),
    )
    return model, effect


def _with_calendar(basis: Landmarked) -> tuple[MonthlyHazard, Difference]:
    """Fit the answer's model with the calendar half-year of every month held equal."""
    keys = ["band", *basis.adjust]
    fine = basis.counts([*keys, "landmark_month"])
    calendar = fine["landmark_month"] + fine["month"] - 1
    first, last = int(calendar.min()), int(calendar.max())
    exits = fine.groupby((calendar - first) // PERIOD)["exits"].sum()
    lowest, highest = _bearing(exits.to_numpy())

    def period(rows: pd.DataFrame) -> pd.DataFrame:
        """Add the half-year of each month, the sparse ends joined to their neighbours."""
        at = (rows["landmark_month"] + rows["month"] - 1).clip(first, last)
        half = ((at - first) // PERIOD).clip(lowest, highest)
        return rows.assign(period="p" + half.astype(str).str.zfill(3))

    cells = (
        period(fine)
        .groupby([*keys, "month", "period"], observed=True, as_index=False)[["at_risk", "exits"]]
        .sum()
    )
    model = discrete_hazard(cells, covariates=[*keys, "period"], level=basis.level)
    people = basis.people([*keys, "landmark_month"])
    effect = retention_difference(
        model,
        people,
        column="band",
        a=basis.high,
        b=basis.low,
        horizon=basis.horizon,
        names=(basis.high, basis.low),
        derive=period,
    )
    return model, effect


def _bearing(exits: np.ndarray) -> tuple[int, int]:
    """Return the first and the last period with ten exits, those beyond joined to them."""
    forward, backward = exits.cumsum(), exits[::-1].cumsum()
    low = int(np.argmax(forward >= 10)) if (forward >= 10).any() else len(exits) - 1
    high = len(exits) - 1 - (int(np.argmax(backward >= 10)) if (backward >= 10).any() else 0)
    return (low, high) if low <= high else (low, low)


def _moving(
    study: Study, basis: Landmarked, gap: int, longest: float, level: float
) -> tuple[list[dict[str, Any]], Estimate | None, Estimate | None, Estimate | None]:
    """Fit Cox since joining, on counts of months and on rows in days, and the log-time term."""
    names = [s.removeprefix("held: ") for s in basis.segments]
    rows: list[dict[str, Any]] = []
    monthly = episodes(study, measure=basis.bands, gap=gap, longest=longest, unit="months").rows
    daily = episodes(study, measure=basis.bands, gap=gap, longest=longest).rows
    term = f"state: {basis.high}"
    fades = early = late = None
    for model, frame in (
        ("since joining, Cox on counts of months", monthly),
        ("since joining, Cox on days, Efron, errors by customer", daily),
    ):
        exits = frame["left"].groupby(frame["state"], observed=True).transform("sum")
        ready, held = hold(frame[exits > 0], names, compared=3)
        pair = ready[ready["state"].isin([basis.low, basis.high])]
        per_band = pair.groupby(pair["state"].astype(str))["left"].sum()
        if min(per_band.get(basis.low, 0), per_band.get(basis.high, 0)) < 5:
            continue
        if frame is monthly:
            cells = count_months(ready, ["state", *held])
            fitted = cox(
                person_rows(cells),
                covariates=["state", *held],
                weight="n",
                ties="breslow",
                level=level,
            )
            fades, early, late = over_time(
                cells, held, basis.high, level, n=int(pair["customer"].nunique())
            )
        else:
            fitted = cox(ready, covariates=["state", *held], cluster="customer", level=level)
        rows.append(
            {
                "model": model,
                "clock": "since joining",
                "kind": "hazard ratio",
                **_limits(fitted.ratio(term)),
                "n": int(pair["customer"].nunique()),
                "exits": int(pair["left"].sum()),
                "held": len(held),
            }
        )
    return rows, fades, early, late


def _row(
    model: str,
    basis: Landmarked,
    ratio: Estimate,
    effect: Difference,
    *,
    kind: str = "hazard ratio",
) -> dict[str, Any]:
    """Return the row of one model from the landmark."""
    pair = basis.spells[basis.spells["band"].isin([basis.low, basis.high])]
    return {
        "model": model,
        "clock": "from the landmark",
        "kind": kind,
        **_limits(ratio),
        "points": effect.value,
        "points_low": effect.low,
        "points_high": effect.high,
        "n": len(pair),
        "exits": int(pair["left"].sum()),
        "held": len(basis.adjust),
    }


def _limits(ratio: Estimate) -> dict[str, float | None]:
    """Return a ratio's columns."""
    return {"value": ratio.value, "low": ratio.low, "high": ratio.high}


def _table(frame: pd.DataFrame, basis: Landmarked) -> Table:
    """Return the models as a table that is read."""
    label = markup.percent_label(basis.level)
    return customer_table(
        frame,
        caption=f"The same through {len(frame)} models: {basis.high} against {basis.low}. Ratios "
        f"below 1: leaves less often. Points: difference in {basis.horizon}-month retention. "
        "Customers and leavers are those of the two bands: in the monthly models who left in one "
        f"of the first {markup.counted(basis.horizon, 'month')} that could be followed to its end, "
        "in the others, where a later score replaces an earlier one, whoever left while a score "
        "counted; on counts of months, in whole months only.",
        columns=[
            ("Model", "model", "text"),
            ("Ratio", "value", "ratio"),
            (f"{label} interval", "low..high", "ratio"),
            ("Points", "points", "percentage points"),
            (f"{label} interval of points", "points_low..points_high", "percentage points"),
            ("Customers", "n", "count"),
            ("Left", "exits", "count"),
        ],
    )


def _agreement(frame: pd.DataFrame) -> Guard:
    """Say whether the models differ in direction."""
    below, above = frame["high"] < NULL, frame["low"] > NULL
    told = int(below.sum() + above.sum())
    return Guard(
        kind="model dependence",
        fired=bool(0 < told < len(frame) or (below.any() and above.any())),
        text=f"Of {len(frame)} models {int(below.sum())} put the whole interval below 1, "
        f"{int(above.sum())} above, {len(frame) - told} neither.",
    )


def _nothing(basis: Landmarked) -> Models:
    """Return a result that says why there is none."""
    said = f"No model is fitted: {basis.reason}"
    return Models(
        frame=pd.DataFrame(columns=["model", "value", "low", "high", "n", "exits"]),
        effects={},
        fades=None,
        early=None,
        late=None,
        table=Note(paragraphs=(said,)),
        proportional=said,
        sentence=said,
        guards=(Guard(kind="model dependence", fired=False, text=said),),
        reason=basis.reason,
        level=basis.level,
    )

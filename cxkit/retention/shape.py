"""The shape of the dose: what share stays at each score, by a curve and by bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from cxkit import markup
from cxkit.disclosure import LEAST_CUSTOMERS, showable_parts
from cxkit.metrics.answers import check_level
from cxkit.results import Difference, Guard, Note, Table
from cxkit.retention.hazard import EXITS_PER_PARAMETER
from cxkit.retention.landmarked import landmarked
from cxkit.retention.monthly import discrete_hazard, months_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cxkit.retention.landmarked import Landmarked
    from cxkit.retention.monthly import MonthlyHazard
    from cxkit.study.study import Study

#: Quantiles of the scores at which the curve has its knots (Harrell 2015, table 2.3).
KNOTS = {4: (0.05, 0.35, 0.65, 0.95), 3: (0.10, 0.50, 0.90)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """How retention goes with the score itself.

    Attributes
    ----------
    scores : DataFrame
        One row per score of the scale that enough customers gave: score, value, low, high (share
        kept at the horizon, %, if every customer had that score), n.
    bands : DataFrame
        One row per band: band, from_score, to_score, value, low, high, n.
    difference : Difference or None
        A high score (90th percentile of the better end) less a low one (10th), percentage points.
    bend_p : float or None
        Chance of a curve as bent as this if the log hazard were straight in the score.
    knots : tuple of float
    table : Table or Note
    sentence : str
    guards : tuple of Guard
    reason : str
    contract : str
        Scale, direction and cut-points of the score.
    """

    scores: pd.DataFrame
    bands: pd.DataFrame
    difference: Difference | None
    bend_p: float | None
    knots: tuple[float, ...]
    measure: str
    horizon: int
    level: float
    table: Table | Note
    sentence: str
    guards: tuple[Guard, ...]
    reason: str
    contract: str = ""


def dose(
    study: Study, *, measure: str = "nps", horizon: int = 12, gap: int = 90, level: float = 0.95
) -> Dose:
    """Show how retention goes with the score, without cutting it into bands first.

    Parameters
    ----------
    study : Study
        With customers in dated form, and responses.
    measure : str
        A score of the study: nps, csat or ces.
    horizon : int
        Months after the landmark at which retention is read.
    gap : int
        Days from the answer to the landmark.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    Dose

    Raises
    ------
    MissingTableError
        The study lacks customers or responses.
    QuestionError
        Nobody can be followed, or the horizon lies beyond the data.

    Notes
    -----
    Discrete-time hazard (complementary log-log) from the landmark with a restricted cubic spline of
    the score: 4 knots at the 5th, 35th, 65th and 95th percentile (3 on scales of fewer than 8
    steps), straight beyond the outer ones. What the answer holds equal is held equal here, where
    ten exits bear each coefficient. Retention at a score is averaged over the customers as if all
    had given it; limits by the delta method on the scale of log(-log). The bend is Wald's test of
    the terms that are not straight. Bands are those of the study, from a model of their own.

    References
    ----------
    Harrell, F. E. (2015). Regression Modeling Strategies, 2nd ed., section 2.4.
    doi:10.1007/978-3-319-19425-7

    Examples
    --------
    >>> import cxkit as cx
    >>> cx.dose(cx.sample_study()).difference.direction
    'higher'
    """
    level = check_level(level)
    basis = landmarked(study, measure=measure, horizon=horizon, gap=gap, level=level)
    if basis.model is None:
        return _nothing(basis)
    score = study.contract.of("responses").scores[measure]
    steps = score.scale[1] - score.scale[0]
    knots = knots_of(basis.spells["score"].to_numpy(float), 4 if steps >= 8 else 3)
    names = ["score", *[f"bend {j}" for j in range(1, max(len(knots) - 1, 1))]]
    room = basis.exits // EXITS_PER_PARAMETER - len(names)
    adjust = basis.adjust if room >= _levels(basis) else []
    cells = _curved(basis.counts(["score", *adjust]), knots)
    model = discrete_hazard(cells, covariates=[*names, *adjust], level=level)
    people = basis.people(["score", *adjust])
    given = basis.spells["score"].value_counts().sort_index()
    at = given.index[showable_parts(given)].to_numpy(float).tolist()
    kept = {s: _kept_at(model, people, s, knots, horizon) for s in at}
    scores = pd.DataFrame(
        [{"score": s, **_limits(*kept[s], model), "n": int(given.loc[s])} for s in at]
    )
    bent = [(name, None) for name in names[1:] if (name, None) in model.terms]
    bend_p = model.wald(bent)[2] if bent else None
    difference = _ends(basis, model, people, knots, level)
    bands = _bands(basis)
    return Dose(
        scores=scores,
        bands=bands,
        difference=difference,
        bend_p=bend_p,
        knots=tuple(knots),
        measure=measure,
        horizon=horizon,
        level=level,
        table=_table(scores, basis, measure),
        sentence=sentence(difference, bend_p, horizon=horizon),
        guards=(_bend_guard(bend_p),),
        reason="",
        contract=study.scale_of(measure),
    )


def sentence(difference: Difference, bend_p: float | None, *, horizon: int) -> str:
    """Say which way retention goes with the score, by the interval, and whether the line bends."""
    if difference.value is None:
        return f"How retention goes with the score cannot be told: {difference.reason}"
    limits = (
        f"({markup.percent_label(difference.level)} interval "
        f"{markup.interval(difference.low, difference.high, difference.measured_in)})"
    )
    size = markup.quantity(abs(difference.value), difference.measured_in)
    ends = f"with {difference.a} than with {difference.b}"
    if difference.direction == "higher":
        told = f"{horizon}-month retention is {size} higher {ends} {limits}."
    elif difference.direction == "lower":
        told = f"{horizon}-month retention is {size} lower {ends} {limits}."
    else:
        signed = markup.quantity(difference.value, difference.measured_in)
        told = (
            f"Whether {horizon}-month retention goes with the score cannot be told: "
            f"{difference.a} against {difference.b} gives {signed} {limits}."
        )
    if bend_p is None:
        return told
    p = "<\u00a00.001" if bend_p < 0.001 else f"= {markup.number(bend_p, 3)}"
    bends = (
        f"The line bends: a step of the score is not worth the same everywhere (p {p})."
        if bend_p < 1 - difference.level
        else f"That a step of the score is worth the same everywhere is not refuted (p {p})."
    )
    return f"{told} {bends}"


def knots_of(scores: NDArray[np.float64], count: int) -> list[float]:
    """Return the knots, spread evenly where the quantiles coincide; none for a straight line."""
    found = np.quantile(scores, KNOTS[count])
    if len(np.unique(found)) < count:
        low, high = np.quantile(scores, [0.02, 0.98])
        found = np.linspace(low, high, count) if high > low else found
    fewest = len(np.unique(scores)) < count or len(np.unique(found)) < count
    return [] if fewest else [float(k) for k in found]


def spline(x: NDArray[np.float64], knots: Sequence[float]) -> NDArray[np.float64]:
    """Return the bent columns of a restricted cubic spline: straight beyond the outer knots.

    >>> spline(np.array([0.0, 5.0, 10.0]), [2, 5, 8]).round(3).tolist()
    [[0.0], [0.75], [7.5]]
    """
    if len(knots) < 3:
        return np.zeros((len(x), 0))
    first, before, last = knots[0], knots[-2], knots[-1]

    def cube(k: float) -> NDArray[np.float64]:
        """Return the cubed distance above a knot."""
        return np.clip(x - k, 0, None) ** 3

    columns = [
        cube(k)
        - cube(before) * (last - k) / (last - before)
        + cube(last) * (before - k) / (last - before)
        for k in knots[:-2]
    ]
    return np.column_stack(columns) / (last - first) ** 2


def _curved(rows: pd.DataFrame, knots: Sequence[float]) -> pd.DataFrame:
    """Return rows with the bent columns of their score."""
    bent = spline(rows["score"].to_numpy(float), knots)
    return rows.assign(**{f"bend {j + 1}": bent[:, j] for j in range(bent.shape[1])})


def _levels(basis: Landmarked) -> int:
    """Count the coefficients of what is held equal."""
    return sum(int(basis.spells[c].nunique()) - 1 for c in basis.adjust)


def _kept_at(
    model: MonthlyHazard,
    people: pd.DataFrame,
    score: float,
    knots: Sequence[float],
    horizon: int,
) -> tuple[float, np.ndarray]:
    """Return the share kept, and its gradient, if every customer had given one score."""
    keys = [c for c in people if c not in ("score", "n")]
    alike = (
        people.groupby(keys, as_index=False)["n"].sum()
        if keys
        else pd.DataFrame({"n": [people["n"].sum()]})
    )
    months = months_of(_curved(alike.assign(score=score), knots), horizon)
    return model.kept(months, alike["n"].to_numpy(float) / float(alike["n"].sum()))


def _limits(kept: float, gradient: np.ndarray, model: MonthlyHazard) -> dict[str, float]:
    """Return a share in percent with limits on the scale of log(-log)."""
    se = float(np.sqrt(gradient @ model.covariance @ gradient))
    z = -float(ndtri((1 - model.level) / 2))
    inside = 0 < kept < 1
    half = z * se / (kept * -np.log(kept)) if inside else 0.0
    return {
        "value": 100 * kept,
        "low": 100 * float(kept ** np.exp(half)),
        "high": 100 * float(kept ** np.exp(-half)),
    }


def _ends(
    basis: Landmarked,
    model: MonthlyHazard,
    people: pd.DataFrame,
    knots: Sequence[float],
    level: float,
) -> Difference:
    """Return retention at a score near the better end less that near the poorer end."""
    given = basis.spells["score"].to_numpy(float)
    ends = [float(q) for q in np.quantile(given, [0.1, 0.9], method="nearest")]
    if ends[0] == ends[1]:
        ends = [float(given.min()), float(given.max())]
    low, high = ends if basis.bands.high_is_good else ends[::-1]
    (kept_a, grad_a), (kept_b, grad_b) = (
        _kept_at(model, people, s, knots, basis.horizon) for s in (high, low)
    )
    gradient = grad_a - grad_b
    value, se = (
        100 * (kept_a - kept_b),
        100 * float(np.sqrt(gradient @ model.covariance @ gradient)),
    )
    z = -float(ndtri((1 - level) / 2))
    return Difference(
        metric=f"Retention {markup.counted(basis.horizon, 'month')} after the landmark",
        measured_in="percentage points",
        a=f"a score of {high:g}",
        b=f"a score of {low:g}",
        value=value,
        low=value - z * se,
        high=value + z * se,
        se=se,
        p=float(2 * ndtr(-abs(value) / se)) if se > 0 else None,
        level=level,
        n_a=int((given == high).sum()),
        n_b=int((given == low).sum()),
        n_missing=0,
        method="average over the customers of a discrete-time hazard (cloglog) with a restricted "
        "cubic spline, delta method",
    )


def _bands(basis: Landmarked) -> pd.DataFrame:
    """Return what share is kept if every customer were in each band."""
    cells = basis.counts(["band", *basis.adjust])
    model = discrete_hazard(cells, covariates=["band", *basis.adjust], level=basis.level)
    people = basis.people(list(basis.adjust)) if basis.adjust else pd.DataFrame({"n": [1.0]})
    share = people["n"].to_numpy(float) / float(people["n"].sum())
    rows = []
    for band, scores in basis.spells.groupby("band", observed=True)["score"]:
        if len(scores) < LEAST_CUSTOMERS:
            continue
        months = months_of(people.assign(band=str(band)), basis.horizon)
        rows.append(
            {
                "band": str(band),
                "from_score": float(scores.min()),
                "to_score": float(scores.max()),
                **_limits(*model.kept(months, share), model),
                "n": len(scores),
            }
        )
    return pd.DataFrame(rows)


def _table(scores: pd.DataFrame, basis: Landmarked, measure: str) -> Table:
    """Return the scores as a table that is read."""
    return Table.of(
        scores.assign(said=[f"{s:g}" for s in scores["score"]]),
        caption=f"Share kept {markup.counted(basis.horizon, 'month')} after the landmark if every "
        f"customer had given this {measure} score (restricted cubic spline), n = "
        f"{len(basis.spells):,} customers. Scores of fewer than {LEAST_CUSTOMERS} customers are "
        "not shown.",
        columns=[
            ("Score", "said", "text"),
            ("Kept (%)", "value", "%"),
            (f"{markup.percent_label(basis.level)} interval", "low..high", "%"),
            ("Customers", "n", "count"),
        ],
    )


def _bend_guard(p: float | None) -> Guard:
    """Say whether one number per point of the score would mislead."""
    if p is None:
        return Guard(kind="shape of the dose", fired=False, text="Too few scores differ to bend.")
    return Guard(
        kind="shape of the dose",
        fired=p < 0.05,
        text=f"Against a straight line in the score: p {'<' if p < 0.001 else '='} "
        f"{markup.number(max(p, 0.001), 3)}.",
    )


def _nothing(basis: Landmarked) -> Dose:
    """Return a result that says why there is none."""
    said = f"No shape is drawn: {basis.reason}"
    empty = pd.DataFrame(columns=["value", "low", "high", "n"])
    return Dose(
        scores=empty,
        bands=empty,
        difference=None,
        bend_p=None,
        knots=(),
        measure=basis.bands.measure,
        horizon=basis.horizon,
        level=basis.level,
        table=Note(paragraphs=(said,)),
        sentence=said,
        guards=(Guard(kind="shape of the dose", fired=False, text=said),),
        reason=basis.reason,
    )

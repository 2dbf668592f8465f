"""The scores along the journey, with the stages and components that nobody was asked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pandas as pd

from cxkit.errors import QuestionError
from cxkit.metrics.answers import Scale, Scores, check_level, check_scale, need_columns
from cxkit.metrics.compare import by
from cxkit.metrics.dates import dates_of
from cxkit.metrics.effort import Version, ces
from cxkit.metrics.grouped import MISSING
from cxkit.metrics.nps import nps
from cxkit.metrics.proportions import csat, csat_mean, mean_scoring, share_between, span
from cxkit.metrics.scoring import estimate
from cxkit.results import Estimate, Table

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

#: The journey as most texts cut it; a study may declare its own.
STAGES = ("pre-purchase", "purchase", "onboarding", "use", "service", "renewal", "post-purchase")

#: The parts that the experience is said to be made of.
COMPONENTS = (
    "customer_service",
    "user_experience",
    "personalization",
    "consistency",
    "emotional_connection",
)

Metric: TypeAlias = Callable[..., Estimate]
_PERIODS = {"month": "M", "quarter": "Q", "year": "Y"}


def component(
    scores: Scores,
    *,
    name: str,
    scale: Scale = (1, 5),
    top: float | None = None,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate one component of the experience: its mean, or the share who answer ``top`` or more.

    Question: how good is one component of the experience? Interval: Student's t, or Wilson; by
    cluster.

    Parameters
    ----------
    scores : Series, array or list of shape (n,)
        Whole numbers on ``scale``, high is good. Missing answers are counted, never filled.
    name : str
        Which component, e.g. "personalization".
    scale : (low, high), default (1, 5)
        Ends of the scale.
    top : float, optional
        The lowest answer that counts; without it, the mean in points of the scale.
    counts, clusters : Series, array or list of shape (n,), optional
        As in :func:`csat`.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``measured_in`` is "score", or "%" with ``top``.

    Raises
    ------
    ScaleError
        An answer is not a whole number on the scale.
    QuestionError
        The cut is not on the scale.

    Notes
    -----
    As :func:`csat_mean` and :func:`csat`, under the component's name, so that two components are
    never compared as one. Five items answered in one go by one person go together by that alone.

    References
    ----------
    Lemon, K. N. and Verhoef, P. C. (2016). Understanding customer experience throughout the
    customer journey. Journal of Marketing 80(6), 69-96. doi:10.1509/jm.15.0420

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.component([5, 4, 4, 3, 1], name="personalization"))
    Personalization mean (1 to 5) 3.40 (95 % interval 1.52 to 5.00, n = 5; Student's t)
    """
    low, high = check_scale(scale, asked=name)
    label = name.replace("_", " ").capitalize()
    if top is None:
        scoring = mean_scoring(f"{label} mean ({low:g} to {high:g})", name, (low, high))
    elif low < top <= high:
        metric = f"{label} ({span(top, high)} on {low:g} to {high:g})"
        scoring = share_between(metric, name, (low, high), (top, high))
    else:
        raise QuestionError(
            f"{name}: the cut {top:g} does not split the scale {low:g} to {high:g}.\n"
            f"  Write the lowest answer that counts, e.g. top={high - 1:g}."
        )
    return estimate(scoring, scores, level=check_level(level), counts=counts, clusters=clusters)


def journey(
    frame: pd.DataFrame,
    *,
    scores: Mapping[str, Metric | Sequence[Metric]] | None = None,
    along: Sequence[str] = ("stage",),
    stage: str = "stage",
    stages: Sequence[str] = STAGES,
    ces_version: Version | None = None,
    period: Literal["month", "quarter", "year"] | None = None,
    answered: str = "answered_on",
    counts: str | None = None,
    clusters: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return every score for every stage, touchpoint, channel, unit, period or segment.

    Question: where along the journey do we stand, and where do we know nothing? Interval: that of
    each score.

    Parameters
    ----------
    frame : DataFrame
        One row per answer, or per pattern with ``counts``.
    scores : mapping of column to metric, or to a list of metrics, optional
        What to make of each column, e.g. ``{"csat": [cx.csat, cx.csat_mean]}``; choices go in by
        ``functools.partial(cx.csat, top=5)``. By default the columns of the kit's names: nps, csat
        (top-2-box, top-box and mean, on 1 to 5), ces, and the means of the five components (1 to
        5). A column that is not there gives rows that say so.
    along : list of str, default ("stage",)
        Columns to go by, each on its own: the stage, the touchpoint, the channel, the unit, any
        segment.
    stage : str, default "stage"
        Which of them is the stage.
    stages : list of str
        The stages in their order. Each is shown, whether anybody answered there or not.
    ces_version : {"1.0", "2.0"}, optional
        Needed where the default scores find a column ces.
    period : {"month", "quarter", "year"}, optional
        Go by the period of ``answered`` as well.
    answered : str, default "answered_on"
        Column of the date of the answer, for ``period``.
    counts, clusters : str, optional
        Columns as in :func:`by`.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    DataFrame
        One row per column gone by, group and metric: ``by``, ``group``, ``score`` (the column),
        then the fields of an Estimate. Stages in their order, other groups sorted, "(missing)"
        last. Where there is nothing, ``status`` is "no data" and ``reason`` says what is missing:
        the stage, the answers, or the question itself.

    Raises
    ------
    ColumnError
        A column to go by is not in the frame.
    QuestionError
        A stage is not among ``stages``, or ces has no version.
    ScaleError
        An answer is off its scale.

    Notes
    -----
    Each cell is the metric's own, see :func:`by`. Rows of one column gone by share no family of
    tests: to say that two stages differ, use :func:`compare`. A score is of those who were asked
    there and answered; customers who left before a stage are not in it.

    References
    ----------
    Lemon, K. N. and Verhoef, P. C. (2016). Understanding customer experience throughout the
    customer journey. Journal of Marketing 80(6), 69-96. doi:10.1509/jm.15.0420

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"stage": ["use", "use", "service"], "nps": [10, 8, None]})
    >>> found = cx.journey(frame, scores={"nps": cx.nps}, stages=["purchase", "use", "service"])
    >>> found[["group", "value", "n", "status"]]
          group  value  n   status
    0  purchase    NaN  0  no data
    1       use   50.0  2       ok
    2   service    NaN  0  no data
    >>> print(found["reason"][0])
    No answer is of the stage purchase.
    """
    keys = list(along)
    need_columns(frame, keys, asked="journey")
    wanted = _wanted(frame, scores, ces_version)
    used = frame
    if period is not None:
        used, keys = frame.assign(period=_period(frame, answered, period)), [*keys, "period"]
    order = [str(name) for name in stages]
    if stage in keys:
        _known_stages(frame, stage, order)
    rows: list[pd.DataFrame] = []
    for key in keys:
        for column, metrics in wanted.items():
            for metric in metrics:
                found = _one(used, key, column, metric, counts, clusters, level)
                names = order if key == stage else []
                rows.append(_every(found, key, column, metric, names, level))
    columns = ["by", "group", "score", *Estimate.__dataclass_fields__]
    if not rows:
        return pd.DataFrame(columns=columns)
    numbers = dict.fromkeys(("value", "low", "high", "se"), float)
    return pd.concat([part.astype(numbers) for part in rows], ignore_index=True)[columns]


def journey_table(found: pd.DataFrame, *, only: str = "stage") -> Table:
    """Show a journey as a table to be read: every group with every score, or why there is none.

    Question: how is the journey shown, with its blanks? Interval: that of each score.

    Parameters
    ----------
    found : DataFrame
        What :func:`journey` returned.
    only : str, default "stage"
        Which of the columns gone by to show.

    Returns
    -------
    Table
        One row per group and metric; the caption says how many of them have no data.

    Raises
    ------
    QuestionError
        The frame holds no such column gone by.

    Notes
    -----
    Rows without data are rows of the table: what is not known about the journey is a finding.

    References
    ----------
    Lemon, K. N. and Verhoef, P. C. (2016). Understanding customer experience throughout the
    customer journey. Journal of Marketing 80(6), 69-96. doi:10.1509/jm.15.0420

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"stage": ["use", "use"], "nps": [10, 8]})
    >>> found = cx.journey(frame, scores={"nps": cx.nps}, stages=["purchase", "use"])
    >>> print(cx.journey_table(found).caption)
    Scores by stage: 1 of 2 without data.
    """
    need_columns(found, ["by", "group", "score", "status"], asked="journey_table")
    rows = found[found["by"] == only].reset_index(drop=True)
    if not len(rows):
        known = ", ".join(dict.fromkeys(found["by"])) or "(nothing)"
        raise QuestionError(
            f"journey_table: the journey does not go by {only!r}.\n  It goes by: {known}"
        )
    from cxkit import markup

    def cell(row: Any) -> str:
        return "no data" if row.status == "no data" else markup.quantity(row.value, row.measured_in)

    def limits(row: Any) -> str:
        low, high = (None if pd.isna(end) else float(end) for end in (row.low, row.high))
        return "–" if row.status == "no data" else markup.interval(low, high, row.measured_in)

    shown = rows.assign(
        shown=[cell(row) for row in rows.itertuples()],
        limits=[limits(row) for row in rows.itertuples()],
    )
    silent = int((rows["status"] == "no data").sum())
    level = markup.percent_label(float(rows["level"].iloc[0]))
    return Table.of(
        shown,
        caption=f"Scores by {only}: {silent:,} of {len(rows):,} without data.",
        columns=[
            (only.capitalize(), "group", "text"),
            ("Measure", "metric", "text"),
            ("Value", "shown", "text"),
            (f"{level} interval", "limits", "text"),
            ("n", "n", "count"),
            ("Without an answer", "n_missing", "count"),
            ("Why not", "reason", "text"),
        ],
    )


def _wanted(
    frame: pd.DataFrame,
    scores: Mapping[str, Metric | Sequence[Metric]] | None,
    ces_version: Version | None,
) -> dict[str, list[Metric]]:
    """Return the metrics of each column: those asked for, or those of the kit's names."""
    from functools import partial

    if scores is not None:
        return {c: [m] if callable(m) else list(m) for c, m in scores.items()}
    found: dict[str, list[Metric]] = {"nps": [nps], "csat": [csat, partial(csat, top=5), csat_mean]}
    if "ces" in frame.columns and ces_version is None:
        raise QuestionError(
            "journey: the frame has ces, whose two versions run in opposite directions.\n"
            '  Write ces_version="2.0" (1 to 7, high is easy) or "1.0" (1 to 5, high is hard).'
        )
    if ces_version is not None:
        found["ces"] = [partial(ces, version=ces_version)]
    return found | {name: [partial(component, name=name)] for name in COMPONENTS}


def _one(
    frame: pd.DataFrame,
    key: str,
    column: str,
    metric: Metric,
    counts: str | None,
    clusters: str | None,
    level: float,
) -> pd.DataFrame:
    """Return one metric for the groups of one column; where the question is not asked, say so."""
    choices = {"level": level}
    plain, bound = metric, getattr(metric, "keywords", None)
    if bound is not None:  # a functools.partial: hand its choices on, so that by knows the metric
        plain, choices = metric.func, {**bound, **choices}  # type: ignore[attr-defined]
    if column in frame.columns:
        return by(
            frame, key, plain, column=column, counts=counts, clusters=clusters, choices=choices
        )
    asked = by(
        frame.assign(**{column: pd.Series(pd.NA, index=frame.index, dtype="Float64")}),
        key,
        plain,
        column=column,
        counts=counts,
        choices=choices,
    )
    return asked.assign(reason=f"The data have no column {column}: it was not asked.", n_missing=0)


def _every(
    found: pd.DataFrame, key: str, column: str, metric: Metric, order: list[str], level: float
) -> pd.DataFrame:
    """Return the rows in order, with one for each stage that nobody answered about."""
    there = found.rename(columns={key: "group"}).astype({"group": object})
    if order:
        absent = [name for name in order if name not in set(there["group"])]
        empty = metric(pd.Series([], dtype="float64"), level=level).as_row()
        rows = [
            {**empty, "group": name, "reason": f"No answer is of the {key} {name}."}
            for name in absent
        ]
        place = {name: i for i, name in enumerate([*order, MISSING])}
        numbers = dict.fromkeys(("value", "low", "high", "se"), float)
        parts = [there.astype(numbers), *([pd.DataFrame(rows).astype(numbers)] if rows else [])]
        there = pd.concat(parts, ignore_index=True)
        there = there.sort_values("group", key=lambda g: g.map(place), kind="stable")
    return there.assign(by=key, score=column)


def _known_stages(frame: pd.DataFrame, stage: str, order: list[str]) -> None:
    """Refuse a stage that is not in the declared order."""
    strange = sorted({str(v) for v in frame[stage].dropna().unique()} - set(order))
    if strange:
        raise QuestionError(
            f"journey: column {stage!r} holds {', '.join(strange[:3])}, not among the stages.\n"
            f"  stages: {', '.join(order)}\n"
            "  Write stages=[...] in their order, or mend the column."
        )


def _period(frame: pd.DataFrame, answered: str, period: str) -> pd.Series:
    """Return the period of each answer as text that sorts in time."""
    if period not in _PERIODS:
        raise QuestionError(
            f'journey: period {period!r} is not known.\n  Write "month", "quarter" or "year".'
        )
    need_columns(frame, [answered], asked="journey")
    when = dates_of(frame[answered], answered)
    bare = when.dt.tz_localize(None) if when.dt.tz is not None else when
    return bare.dt.to_period(_PERIODS[period]).astype(str).astype(object).where(when.notna(), None)

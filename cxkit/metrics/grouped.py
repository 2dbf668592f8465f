"""Many groups at once: rows, counts or moments by group, in one pass over arrays."""

from __future__ import annotations

from difflib import get_close_matches
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from cxkit.errors import QuestionError
from cxkit.metrics.answers import Scale, check_level, check_scale, need_columns
from cxkit.metrics.clusters import Moments, check_clusters, check_counts, moments_of
from cxkit.metrics.effort import Version, ces, ces_mean, ces_mean_scoring, ces_scoring
from cxkit.metrics.nps import nps, nps_scoring
from cxkit.metrics.proportions import (
    csat,
    csat_mean,
    csat_mean_scoring,
    csat_scoring,
    mean_scoring,
    share,
    share_scoring,
)
from cxkit.metrics.scoring import tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from cxkit.metrics.scoring import Scoring
    from cxkit.results import Estimate

#: The metrics of single answers by name, for what is made of any of them.
Kind: TypeAlias = Literal["nps", "share", "csat", "ces", "mean"]

#: What a row without a group is called.
MISSING = "(missing)"

#: The metrics that are sums of points, and what gives each its points.
SCORINGS: dict[Callable[..., Estimate], Callable[..., Scoring]] = {
    nps: nps_scoring,
    share: share_scoring,
    csat: csat_scoring,
    csat_mean: csat_mean_scoring,
    ces: ces_scoring,
    ces_mean: ces_mean_scoring,
}

_PLAIN = ("n", "missing", "total", "squares")
_CLUSTERED = ("clusters", "cluster_squares", "cluster_cross", "cluster_sizes")


def scoring(
    metric: Callable[..., Estimate], *, choices: Mapping[str, Any] | None = None
) -> dict[int, int]:
    """Return the points that a metric gives to every answer, for :func:`cxkit.moments`.

    Question: how is a score to be summed where the data are, in a database or on a cluster?
    Interval: none, a choice.

    Parameters
    ----------
    metric : function
        ``cx.nps``, ``cx.csat``, ``cx.csat_mean``, ``cx.ces``, ``cx.ces_mean`` or ``cx.share``.
    choices : mapping, optional
        Further choices of the metric, e.g. ``{"version": "2.0"}``.

    Returns
    -------
    dict of int to int
        Points by answer: 1, 0 and -1 for NPS, 1 and 0 for shares, the answer itself for means.

    Raises
    ------
    QuestionError
        The metric is not a sum of points over single answers.

    Notes
    -----
    The metric is the mean of the points of all answers on its scale (in percent, but for means);
    an answer that is missing has none. Any other answer is refused when the points are summed.

    References
    ----------
    Reichheld, F. F. (2003). The one number you need to grow. Harvard Business Review 81(12), 46-54.

    Examples
    --------
    >>> import cxkit as cx
    >>> cx.scoring(cx.csat)
    {1: 0, 2: 0, 3: 0, 4: 1, 5: 1}
    """
    return check_scoring(metric, choices, asked="scoring")[0].answers()


def grouped(
    frame: pd.DataFrame,
    names: Sequence[str],
    metric: Callable[..., Estimate],
    column: str,
    *,
    choices: Mapping[str, Any] | None = None,
    counts: str | None = None,
    clusters: str | None = None,
) -> pd.DataFrame:
    """Return a metric of points for every group of rows or of patterns with counts."""
    scored, level = check_scoring(metric, choices, asked="by")
    values, missing = scored.read(frame[column])
    group, labels, many = groups(frame, names)
    sums = moments_of(
        scored.points(values),
        missing=missing,
        counts=check_counts(frame[counts] if counts else None, len(frame), asked=scored.asked),
        clusters=check_clusters(
            frame[clusters] if clusters else None, len(frame), asked=scored.asked
        ),
        groups=group,
        n_groups=many,
    )
    return tidy(scored, sums, labels, level=level)


def from_moments(
    table: pd.DataFrame,
    names: Sequence[str],
    metric: Callable[..., Any],
    column: str,
    *,
    choices: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return a metric for every group of a table of moments, as :func:`cxkit.moments` gives it."""
    scored, level = check_scoring(metric, choices, asked="by")
    need_columns(table, [f"{column}_{part}" for part in _PLAIN], asked="by, moments")
    group, labels, many = groups(table, names)
    robust = f"{column}_clusters" in table.columns
    if robust and many < len(table):
        raise QuestionError(
            f"by: the moments hold {len(table):,} groups, and {', '.join(names)} make {many:,}.\n"
            "  One cluster can be in several groups, so they do not add up: write  "
            f"cx.moments(frame, {list(names)!r}, ...)"
        )

    def added(part: str) -> NDArray[Any]:
        return np.bincount(group, weights=table[f"{column}_{part}"], minlength=many)

    sums = Moments(
        n=added("n").astype(np.int64),
        n_missing=added("missing").astype(np.int64),
        total=added("total"),
        squares=added("squares"),
        **({part: added(part) for part in _CLUSTERED} if robust else {}),
        name=str(table["cluster"].iloc[0]) if robust and len(table) else "",
    )
    _possible(scored, sums, column)
    return tidy(scored, sums, labels, level=level)


def groups(
    frame: pd.DataFrame, names: Sequence[str]
) -> tuple[NDArray[np.int64], dict[str, Any], int]:
    """Return the group of every row, in sorted order, the labels of the groups, and how many."""
    if not names:
        return np.zeros(len(frame), dtype=np.int64), {}, 1
    found = frame.groupby(list(names), dropna=False, observed=True, sort=True)
    codes = found.ngroup().to_numpy()
    first = np.unique(codes, return_index=True)[1]
    keys = frame[list(names)].iloc[first]
    labels = {name: _labels(keys[name]) for name in names}
    return codes.astype(np.int64), labels, len(first)


def _labels(keys: pd.Series) -> Any:
    """Return the labels of one key, those that are missing as "(missing)"."""
    if keys.dtype == "category" or keys.isna().any():
        gone = keys.isna()
        return [MISSING if no else label for label, no in zip(keys, gone, strict=True)]
    return keys.array


def check_choices(
    metric: Callable[..., Any], choices: Mapping[str, Any] | None, *, asked: str
) -> None:
    """Refuse a choice that a metric does not have, and name the nearest that it has."""
    if not choices:
        return
    parts = [*signature(metric).parameters.values()]
    if any(part.kind is part.VAR_KEYWORD for part in parts):
        return
    named = getattr(metric, "__name__", str(metric))
    known = [part.name for part in parts[1:] if part.name not in {"counts", "clusters"}]
    for name in choices:
        if name in known:
            continue
        near = get_close_matches(str(name), known, n=1)
        raise QuestionError(
            f"{asked}: {named} has no choice {name!r}.\n  it has: {', '.join(known) or '(none)'}"
            + (f"\n  perhaps you meant {near[0]!r}" if near else "")
        )


def check_scoring(
    metric: Callable[..., Any], choices: Mapping[str, Any] | None, *, asked: str
) -> tuple[Scoring, float]:
    """Return what gives a metric its points, and the level asked for, or refuse another metric."""
    if metric not in SCORINGS:
        known = ", ".join(f"cx.{m.__name__}" for m in SCORINGS)
        raise QuestionError(
            f"{asked}: {getattr(metric, '__name__', metric)} is not a mean of points of single "
            f"answers.\n  {known} are."
        )
    check_choices(metric, choices, asked=asked)
    given = dict(choices or {})
    level = check_level(given.pop("level", 0.95))
    return SCORINGS[metric](**given), level


def scoring_of(
    metric: Kind,
    *,
    scale: Scale | None,
    top: float | None,
    version: Version | None,
    asked: str,
) -> Scoring:
    """Return what a metric makes of single answers, or refuse one that is not known."""
    if metric == "nps":
        return nps_scoring()
    if metric == "share":
        return share_scoring()
    if metric == "csat":
        low, high = check_scale(scale or (1, 5), asked=f"{asked} csat")
        return csat_scoring(scale=(low, high), top=high - 1 if top is None else top)
    if metric == "ces":
        return ces_scoring(version=str(version))
    if metric == "mean" and scale is not None:
        low, high = check_scale(scale, asked=f"{asked} mean")
        return mean_scoring(f"mean ({low:g} to {high:g})", f"{asked} mean", (low, high))
    if metric == "mean":
        raise QuestionError(
            f"{asked}: a mean without a scale has no worst answer.\n  Write e.g. scale=(1, 5)."
        )
    raise QuestionError(
        f"{asked}: metric {metric!r} is not known.\n"
        '  It is "nps", "share", "csat", "ces" or "mean".'
    )


def _possible(scored: Scoring, m: Moments, column: str) -> None:
    """Refuse sums that the points of this metric cannot give."""
    points = np.array(list(scored.answers().values()), dtype=np.float64)
    low, high, squares = points.min(), points.max(), np.unique(points**2)
    bad = (m.total < low * m.n) | (m.total > high * m.n)
    bad |= (m.squares < squares.min() * m.n) | (m.squares > squares.max() * m.n)
    if low >= 0 and high == 1:
        bad |= m.total != m.squares
    if bad.any():
        raise QuestionError(
            f"by: the moments of {column!r} are not of the points of {scored.metric}: "
            f"{m.n[bad][0]:,} answers cannot add up to {m.total[bad][0]:g}.\n"
            f"  Ask for them with its points: cx.moments(frame, keys, "
            f"{{{column!r}: cx.scoring(cx.{scored.asked.split()[0]})}})"
        )

"""From answers to points to an interval: one way for a column, for counts and for many groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxkit.metrics.answers import (
    Scale,
    Scores,
    nobody_answered,
    read_scale,
    read_yes_no,
    same_order,
)
from cxkit.metrics.clusters import Moments, check_clusters, check_counts, moments_of, spread
from cxkit.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cxkit.metrics.clusters import Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Value, limits and error of each group, in the unit of the metric."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    se: NDArray[np.float64]
    method: NDArray[np.object_] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """What a metric makes of an answer (``points``, whole numbers) and of their sums (``limits``).

    ``scale`` is None for yes or no. ``needs`` is the fewest answers that tell anything.
    """

    metric: str
    measured_in: str
    asked: str
    scale: Scale | None
    points: Callable[[NDArray[Any]], NDArray[Any]]
    limits: Callable[[Moments, Spread, float], Limits]
    method: str
    needs: int = 1

    def read(self, scores: Scores) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the answers as numbers and which are missing; refuse what is off the scale."""
        if self.scale is None:
            return read_yes_no(scores, asked=self.asked)
        return read_scale(scores, scale=self.scale, asked=self.asked)

    def answers(self) -> dict[int, int]:
        """Return the points of every answer that the scale has."""
        low, high = (0.0, 1.0) if self.scale is None else self.scale
        values = np.arange(np.ceil(low), np.floor(high) + 1)
        return dict(
            zip(values.astype(int).tolist(), self.points(values).astype(int).tolist(), strict=True)
        )


def estimate(
    scoring: Scoring, scores: Scores, *, level: float, counts: Any = None, clusters: Any = None
) -> Estimate:
    """Return the metric of one column: rows, or values with how many people gave each."""
    same_order(scoring.asked, scores=scores, counts=counts, clusters=clusters)
    values, missing = scoring.read(scores)
    weight = check_counts(counts, len(values), asked=scoring.asked)
    who = check_clusters(clusters, len(values), asked=scoring.asked)
    points = scoring.points(values)
    found = fields_of(
        scoring, moments_of(points, missing=missing, counts=weight, clusters=who), level=level
    )
    row = {name: column[0] for name, column in found.items()}
    for name in ("value", "low", "high", "se"):
        row[name] = None if np.isnan(row[name]) else float(row[name])
    row["n"], row["n_missing"] = int(row["n"]), int(row["n_missing"])
    return Estimate(metric=scoring.metric, measured_in=scoring.measured_in, level=level, **row)


def fields_of(scoring: Scoring, m: Moments, *, level: float) -> dict[str, NDArray[Any]]:
    """Return the fields of an Estimate that differ by group, as arrays; NaN where no number is."""
    known = spread(m, level=level)
    with np.errstate(divide="ignore", invalid="ignore"):
        limits = scoring.limits(m, known, level)
    rows = len(m.n)
    method = np.empty(rows, dtype=object)
    method[:] = limits.method
    status, reason = np.full(rows, "ok", dtype=object), np.full(rows, "", dtype=object)
    for i in np.flatnonzero(known.repeats).tolist():
        method[i] = f"{method[i]}, {_robust(m, i)}"
    silent = m.n < scoring.needs
    one = known.repeats & (known.df < 1)
    for i in np.flatnonzero(silent | one).tolist():
        status[i] = "no data"
        reason[i] = _one_cluster(m, i) if not silent[i] else _too_few(m, i)
        method[i] = scoring.method
    numbers = {
        name: np.where(silent | one, np.nan, getattr(limits, name))
        for name in ("value", "low", "high", "se")
    }
    return {
        **numbers,
        "n": m.n,
        "n_missing": m.n_missing,
        "method": method,
        "status": status,
        "reason": reason,
    }


def tidy(scoring: Scoring, m: Moments, labels: dict[str, Any], *, level: float) -> pd.DataFrame:
    """Return one row per group: its labels, then the fields of an Estimate."""
    found = fields_of(scoring, m, level=level)
    fixed = {"metric": scoring.metric, "measured_in": scoring.measured_in, "level": level}
    for name in ("value", "low", "high", "se"):
        if np.isnan(found[name]).all():
            found[name] = np.full(len(found[name]), None, dtype=object)
    fields = {n: found.get(n, fixed.get(n)) for n in Estimate.__dataclass_fields__}
    return pd.DataFrame({**labels, **fields}, index=pd.RangeIndex(len(m.n)))


def _robust(m: Moments, i: int) -> str:
    """Say by what the error holds: "cluster-robust by 200 clusters (bucket)"."""
    many = 0 if m.clusters is None else int(m.clusters[i])
    return f"cluster-robust by {many:,} clusters" + (f" ({m.name})" if m.name else "")


def _one_cluster(m: Moments, i: int) -> str:
    """Say why the answers of a single cluster have no interval."""
    named = f" ({m.name})" if m.name else ""
    return (
        f"All {int(m.n[i]):,} answers come from one cluster{named}, so nothing shows how far "
        "clusters differ."
    )


def _too_few(m: Moments, i: int) -> str:
    """Say why there is no number when too few answered."""
    if m.n[i]:
        return (
            f"One answer ({m.total[i]:g}) has no spread to make an interval from; a mean needs two."
        )
    return nobody_answered(int(m.n_missing[i]))

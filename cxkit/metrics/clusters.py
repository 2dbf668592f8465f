"""What answers add up to, and the error of a mean of people who answer more than once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from cxkit.errors import QuestionError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Sums of points (whole numbers given to answers), one element per group of people.

    Per cluster c with n_c answers and point sum s_c, ``cluster_squares`` is the sum of s_c squared,
    ``cluster_cross`` of s_c n_c and ``cluster_sizes`` of n_c squared. All are sums of whole
    numbers, so they are the same in whatever order an engine adds them.
    """

    n: NDArray[Any]
    n_missing: NDArray[Any]
    total: NDArray[Any]
    squares: NDArray[Any]
    clusters: NDArray[Any] | None = None
    cluster_squares: NDArray[Any] | None = None
    cluster_cross: NDArray[Any] | None = None
    cluster_sizes: NDArray[Any] | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How well the mean points of each group are known; NaN where nothing tells.

    ``n`` is the number of answers that would be as good if each came from another person,
    ``quantile`` and ``df`` belong to the interval; ``repeats`` says where clusters changed them.
    """

    mean: NDArray[np.float64]
    se: NDArray[np.float64]
    wide: NDArray[np.float64]
    n: NDArray[np.float64]
    df: NDArray[np.float64]
    quantile: NDArray[np.float64]
    same: NDArray[np.bool_]
    repeats: NDArray[np.bool_]


def moments_of(
    points: NDArray[Any],
    *,
    missing: NDArray[np.bool_],
    counts: NDArray[Any] | None = None,
    clusters: pd.Series | None = None,
    groups: NDArray[Any] | None = None,
    n_groups: int = 1,
) -> Moments:
    """Add up points by group: rows or patterns with counts, and by cluster where these are given.

    An answer without a cluster counts as a cluster of its own.
    """
    rows = len(missing)
    group = np.zeros(rows, dtype=np.int64) if groups is None else groups
    weight = np.ones(rows) if counts is None else counts.astype(np.float64)
    used = ~missing & (weight > 0)
    g, w, x = group[used], weight[used], points[used].astype(np.float64)

    def add(values: NDArray[Any], where: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(where, weights=values, minlength=n_groups).astype(np.float64)

    plain: dict[str, Any] = {
        "n": add(w, g).astype(np.int64),
        "n_missing": add(weight[missing], group[missing]).astype(np.int64),
        "total": add(w * x, g),
        "squares": add(w * x * x, g),
    }
    if clusters is None:
        return Moments(**plain)
    codes, known = pd.factorize(clusters.to_numpy()[used], use_na_sentinel=True)
    alone = codes < 0
    pair, seen = pd.factorize(g[~alone] * np.int64(max(len(known), 1)) + codes[~alone])
    owner = np.asarray(seen, dtype=np.int64) // max(len(known), 1)
    n_c = np.bincount(pair, weights=w[~alone], minlength=len(owner))
    s_c = np.bincount(pair, weights=(w * x)[~alone], minlength=len(owner))
    lone_g, lone_w, lone_x = g[alone], w[alone], x[alone]
    return Moments(
        **plain,
        clusters=add(np.ones(len(owner)), owner) + add(lone_w, lone_g),
        cluster_squares=add(s_c * s_c, owner) + add(lone_w * lone_x**2, lone_g),
        cluster_cross=add(s_c * n_c, owner) + add(lone_w * lone_x, lone_g),
        cluster_sizes=add(n_c * n_c, owner) + add(lone_w, lone_g),
        name="" if clusters.name is None else str(clusters.name),
    )


def spread(m: Moments, *, level: float) -> Spread:
    """Return the error of each group's mean points, by cluster where clusters repeat.

    Notes
    -----
    With n answers whose points sum to S, m = S / n: without clusters the variance of the mean is
    s^2 / n. With G clusters the mean is a ratio of cluster totals, and its linearised variance is
    G / (G - 1) sum_c (s_c - m n_c)^2 / n^2; the ratio of the two is the design effect, n over it
    the effective n, the quantile Student's on G - 1 degrees of freedom. ``wide`` is the error that
    an interval uses: never smaller than without clusters, and where all points are the same (both
    are 0) the effective n is G. Clusters that never repeat leave everything as without.
    """
    n = m.n.astype(np.float64)
    z = float(-ndtri((1 - level) / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = m.total / n
        centre = np.nan_to_num(np.round(mean))
        total = m.total - centre * n
        squares = m.squares - 2 * centre * m.total + centre**2 * n
        same = squares == 0
        variance = np.maximum(squares - total**2 / n, 0) / (n - 1) / n
        plain = Spread(
            mean=mean,
            se=np.sqrt(variance),
            wide=np.sqrt(variance),
            n=n,
            df=n - 1,
            quantile=np.full(len(n), z),
            same=same,
            repeats=np.zeros(len(n), dtype=bool),
        )
        if m.clusters is None or m.cluster_squares is None:
            return plain
        if m.cluster_cross is None or m.cluster_sizes is None:
            return plain
        many, off = m.clusters.astype(np.float64), total / n
        sizes = m.cluster_sizes.astype(np.float64)
        cross = m.cluster_cross - centre * sizes
        own = m.cluster_squares - 2 * centre * m.cluster_cross + centre**2 * sizes
        robust = np.maximum(own - 2 * off * cross + off**2 * sizes, 0) * many / (many - 1) / n**2
        repeats = sizes > n
        effect = np.where(same, n / many, np.maximum(robust / variance, 1))
        quantile = np.where(repeats, stdtrit(many - 1, (1 + level) / 2), z)
    return Spread(
        mean=mean,
        se=np.where(repeats, np.sqrt(robust), plain.se),
        wide=np.where(repeats, np.sqrt(np.maximum(robust, variance)), plain.wide),
        n=np.where(repeats, n / effect, n),
        df=np.where(repeats, many - 1, n - 1),
        quantile=quantile,
        same=same,
        repeats=repeats,
    )


def check_counts(counts: Any, rows: int, *, asked: str) -> NDArray[np.int64] | None:
    """Return how many people gave each value, or refuse what cannot be a number of people."""
    if counts is None:
        return None
    given = counts if isinstance(counts, pd.Series) else pd.Series(counts, dtype=None)
    _as_long(given, rows, "counts", asked=asked)
    numeric = pd.api.types.is_numeric_dtype(given.dtype) or not rows
    if not numeric or pd.api.types.is_bool_dtype(given.dtype):
        raise QuestionError(
            f"{asked}: counts holds {given.dtype}, not numbers of people.\n"
            "  Give whole numbers from 0, one for each value."
        )
    values = given.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~(values >= 0) | (values != np.floor(values)) | np.isinf(values)
    if wrong.any():
        raise QuestionError(
            f"{asked}: counts has {values[wrong][0]:g} in row {given.index[wrong][0]}, which is no "
            f"number of people ({int(wrong.sum()):,} of {rows:,} rows).\n"
            "  Give whole numbers from 0; weights that are not counts need other methods."
        )
    return values.astype(np.int64)


def check_clusters(clusters: Any, rows: int, *, asked: str) -> pd.Series | None:
    """Return who answered, or refuse a list of another length."""
    if clusters is None:
        return None
    given = clusters if isinstance(clusters, pd.Series) else pd.Series(clusters, dtype=object)
    _as_long(given, rows, "clusters", asked=asked)
    return given


def _as_long(given: pd.Series, rows: int, what: str, *, asked: str) -> None:
    """Refuse a list that is not as long as the answers."""
    if len(given) != rows:
        raise QuestionError(
            f"{asked}: {rows:,} values but {len(given):,} {what}.\n"
            f"  Give one of {what} for each value, in the same order."
        )

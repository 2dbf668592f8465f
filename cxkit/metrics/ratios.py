"""A ratio of two sums over customers, with its linearised error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from cxkit.errors import QuestionError
from cxkit.metrics.answers import Scores, nobody_answered, same_order
from cxkit.metrics.clusters import check_clusters, check_counts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Ratio:
    """Usable rows: y over x, each row as often as w says, and whose it is."""

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    w: NDArray[np.float64]
    clusters: pd.Series | None
    n_missing: int

    @property
    def n(self) -> int:
        """Return how many customers the rows stand for."""
        return round(float(self.w.sum()))

    @property
    def value(self) -> float:
        """Return sum y / sum x."""
        return float((self.w * self.y).sum() / (self.w * self.x).sum())

    @property
    def groups(self) -> int:
        """Return how many customers, or clusters of them, there are."""
        if self.clusters is None:
            return self.n
        codes, names = pd.factorize(self.clusters.to_numpy())
        return len(names) + round(float(self.w[codes < 0].sum()))

    @property
    def said(self) -> str:
        """Return what to add to the method."""
        if self.clusters is None or self.groups == self.n:
            return ""
        named = f" ({self.clusters.name})" if self.clusters.name is not None else ""
        return f", cluster-robust by {self.groups:,} clusters{named}"

    @property
    def se(self) -> float:
        """Return the linearised error, by cluster where clusters repeat."""
        rest, groups = self.y - self.value * self.x, self.groups
        squares = float((self.w * rest**2).sum())
        if self.clusters is not None and groups < self.n:
            codes, names = pd.factorize(self.clusters.to_numpy())
            known = codes >= 0
            sums = np.bincount(codes[known], (self.w * rest)[known], minlength=len(names))
            squares = float((sums**2).sum()) + float((self.w * rest**2)[~known].sum())
        total = float((self.w * self.x).sum())
        return float(np.sqrt(squares * groups / (groups - 1))) / total

    def half(self, level: float) -> float:
        """Return half the interval by Student's t."""
        return float(stdtrit(self.groups - 1, (1 + level) / 2)) * self.se

    def rows(self, which: NDArray[np.bool_]) -> Ratio:
        """Return some of the rows."""
        clusters = None if self.clusters is None else self.clusters[which]
        return replace(self, y=self.y[which], x=self.x[which], w=self.w[which], clusters=clusters)

    def why_none(self) -> str:
        """Say why there is no ratio, or nothing if there is."""
        if not self.n:
            return nobody_answered(self.n_missing)
        if self.groups < 2:
            one = "customer" if self.n == 1 else "cluster"
            return f"All comes from one {one}: nothing shows how far they differ."
        return ""


def ratio_of(
    y: Scores,
    x: Scores,
    counts: ArrayLike | None,
    clusters: ArrayLike | None,
    *,
    asked: str,
) -> Ratio:
    """Return the rows of two columns that have both, or refuse columns that do not match."""
    same_order(asked, first=y, second=x, counts=counts, clusters=clusters)
    top, bottom = (pd.Series(v).to_numpy(dtype=np.float64, na_value=np.nan) for v in (y, x))
    if top.size != bottom.size:
        raise QuestionError(
            f"{asked}: {top.size:,} and {bottom.size:,} rows.\n  Give two columns of one frame."
        )
    if np.isinf(top).any() or np.isinf(bottom).any():
        raise QuestionError(f"{asked}: a number is infinite.\n  Make it missing.")
    weight = check_counts(counts, top.size, asked=asked)
    w = np.ones(top.size) if weight is None else weight.astype(np.float64)
    who = check_clusters(clusters, top.size, asked=asked)
    missing = np.isnan(top) | np.isnan(bottom)
    used = ~missing & (w > 0)
    owners = None if who is None else who[used]
    return Ratio(top[used], bottom[used], w[used], owners, round(float(w[missing].sum())))

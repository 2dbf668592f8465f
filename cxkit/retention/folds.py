"""Predictions for customers whom the model has not seen: folds by customer, and forward in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxkit.retention.hazard import EXITS_PER_PARAMETER
from cxkit.retention.logit import chances, coefficients

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Split = tuple[NDArray[np.bool_], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """Splits that fit on earlier customers and judge on later ones.

    ``known`` says whether every outcome that was fitted to was already known when the first of the
    customers judged came up; where the data are too short for that, it was not.
    """

    splits: tuple[Split, ...]
    known: bool


def by_customer(
    y: NDArray[np.float64], customer: NDArray[np.intp], *, folds: int, rng: np.random.Generator
) -> tuple[Split, ...]:
    """Return splits in which no customer is on both sides, those who left spread evenly."""
    names, which = np.unique(customer, return_inverse=True)
    ever = np.zeros(len(names))
    np.maximum.at(ever, which, y)
    order = rng.permutation(len(names))
    order = order[np.argsort(ever[order], kind="stable")]
    fold = np.empty(len(names), int)
    fold[order] = np.arange(len(names)) % folds
    return tuple((fold[which] != k, fold[which] == k) for k in range(folds))


def forward(
    y: NDArray[np.float64],
    customer: NDArray[np.intp],
    *,
    came_up: NDArray[np.datetime64],
    settled: NDArray[np.datetime64],
    parameters: int,
    blocks: int = 4,
) -> Forward | None:
    """Return splits forward in time, or None where the data are too short for any.

    The customers are cut into ``blocks`` by the day they came up; each block but the first is
    judged by a fit on those before it: those whose outcome was settled by then, if there are enough
    of them, else all of them.
    """
    order = np.argsort(came_up, kind="stable")
    edges = came_up[order][[len(y) * k // blocks for k in range(1, blocks)]]
    edges = np.unique(edges)
    for known in (True, False):
        splits = []
        for k, edge in enumerate(edges):
            judged = came_up >= edge
            if k + 1 < len(edges):
                judged &= came_up < edges[k + 1]
            fitted = (settled <= edge) if known else (came_up < edge)
            fitted &= ~np.isin(customer, customer[judged])
            if _enough(y[fitted], parameters) and _enough(y[judged], 1):
                splits.append((fitted, judged))
        if splits:
            return Forward(splits=tuple(splits), known=known)
    return None


def _enough(y: NDArray[np.float64], parameters: int) -> bool:
    """Tell whether as many left, and stayed, as that many coefficients need."""
    left = int(y.sum())
    return min(left, len(y) - left) >= EXITS_PER_PARAMETER * parameters


def out_of_fold(
    y: NDArray[np.float64], designs: Mapping[str, NDArray[np.float64]], splits: tuple[Split, ...]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.bool_]]:
    """Return each design's probabilities for rows it was not fitted to, and which they are."""
    judged = np.any([test for _, test in splits], axis=0)
    found = {}
    for name, x in designs.items():
        start = coefficients(y, x)  # where Newton's method begins, not where it ends
        if not np.isfinite(start).all() or np.abs(start).max() > 10:
            start = np.zeros(x.shape[1])
        p = np.full(len(y), np.nan)
        for fitted, test in splits:
            p[test] = chances(x[test], coefficients(y[fitted], x[fitted], start=start))
        found[name] = p
    return found, judged

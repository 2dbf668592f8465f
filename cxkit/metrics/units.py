"""Many units side by side, read from the frame that `cx.by` returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxkit.errors import QuestionError
from cxkit.metrics.answers import need_columns
from cxkit.metrics.compare import MISSING

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """The scores of units with a number, and what was left out.

    ``measured`` and ``errors`` (standard errors) are in the unit of ``measured_in``, ``n`` counts
    answers; ``counted`` says that they are shares of independent yes and no, ``repeats`` that
    people answered more than once, ``usable`` which rows of ``frame`` they are.
    """

    frame: pd.DataFrame
    keys: tuple[str, ...]
    usable: NDArray[np.bool_]
    measured: NDArray[np.float64]
    errors: NDArray[np.float64]
    n: NDArray[np.float64]
    metric: str
    measured_in: str
    counted: bool
    repeats: bool
    level: float
    left_out: str

    @property
    def name(self) -> str:
        """Return what the units are called."""
        return ", ".join(self.keys) or "unit"

    @property
    def within(self) -> float:
        """Return the variance of one answer within units, repeated answers and weights included.

        A mean's standard error was made with n - 1, that of an NPS or a share with n; both end as
        one pooled variance with n - 1 in each unit.
        """
        free = self.n - 1
        if not free.sum() > 0:
            return 0.0
        squares = (free if self.measured_in == "score" else self.n) * self.n * self.errors**2
        return float(squares.sum() / free.sum())

    @property
    def total(self) -> float:
        """Return the variance of one answer around the mean of all, within and between units."""
        shares = self.n / self.n.sum()
        within = float((shares * self.n * self.errors**2).sum())
        return within + float((shares * (self.measured - self.mean) ** 2).sum())

    @property
    def mean(self) -> float:
        """Return the mean of all answers."""
        return float((self.n * self.measured).sum() / self.n.sum())


def read_units(scores: pd.DataFrame, *, asked: str) -> Units:
    """Return the units of a frame of Estimates, or refuse a frame that is something else."""
    need_columns(scores, ["metric", "measured_in", "value", "se", "n", "level"], asked=asked)
    for column in ("metric", "measured_in", "level"):
        kinds = scores[column].drop_duplicates().tolist()
        if len(kinds) > 1:
            raise QuestionError(
                f"{asked}: the rows have more than one {column}: {kinds[0]!r} and {kinds[1]!r}.\n"
                "  Give one metric of many units, as cx.by returns it."
            )
    keys = tuple(str(c) for c in scores.columns[: list(scores.columns).index("metric")])
    unkeyed = (scores[list(keys)] == MISSING).any(axis=1).to_numpy(dtype=bool)
    frame = scores[~unkeyed].reset_index(drop=True)
    value, se = (frame[c].to_numpy(dtype=np.float64, na_value=np.nan) for c in ("value", "se"))
    usable = ~np.isnan(value) & ~np.isnan(se)
    first = frame.iloc[0] if len(frame) else None
    unit = "" if first is None else str(first["measured_in"])
    if unit in {"correlation", "coefficient", "ratio"}:
        raise QuestionError(
            f"{asked}: {scores['metric'].iloc[0]} is a {unit}, not a score of single answers.\n"
            "  Give an NPS, a share or a mean by unit."
        )
    said = []
    if (silent := int((~usable).sum())) > 0:
        said.append(f"{silent:,} without a number or its standard error are left out")
    if lost := int(scores["n"][unkeyed].sum()):
        said.append(f"{lost:,} answers without {' and '.join(keys)} are left out")
    return Units(
        frame=frame,
        keys=keys,
        usable=usable,
        measured=value[usable],
        errors=se[usable],
        n=frame["n"].to_numpy(dtype=np.float64)[usable],
        metric="" if first is None else str(first["metric"]),
        measured_in=unit,
        counted="method" in frame and bool((frame["method"][usable] == "Wilson").all()),
        repeats="method" in frame and bool(frame["method"].str.contains("cluster-robust").any()),
        level=0.95 if first is None else float(first["level"]),
        left_out="".join(f" {s[0].upper()}{s[1:]}." for s in said),
    )


#: Between what the scores of a unit of measure lie.
LIMITS = {"%": (0.0, 100.0), "points": (-100.0, 100.0)}


def check_target(target: float | None, units: Units, *, asked: str) -> None:
    """Refuse a target that the score can never have."""
    low, high = LIMITS.get(units.measured_in, (-math.inf, math.inf))
    if target is None or (math.isfinite(target) and low <= target <= high):
        return
    score = f"a score from {low:g} to {high:g}" if math.isfinite(low) else "a number"
    raise QuestionError(f"{asked}: the target {target:g} is no {units.metric}.\n  Write {score}.")


def no_units(units: Units, columns: list[str], reason: str) -> pd.DataFrame:
    """Return the rows of units of which nothing can be said, each with the reason."""
    rows = units.frame[[*units.keys, "metric", "measured_in", "n"]]
    own = units.frame["reason"].tolist() if "reason" in units.frame else [""] * len(rows)
    return rows.assign(
        **dict.fromkeys(columns, np.nan),
        status="no data",
        reason=[mine or reason for mine in own],
    )

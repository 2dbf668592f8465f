"""Weights that make the answers look like the customers: post-stratification and raking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.answers import need_columns
from cxkit.metrics.clusters import check_counts
from cxkit.metrics.raking import cut, fit, margin_of, margin_table, one_total
from cxkit.results import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cxkit.metrics.raking import Totals


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """How many people each answer stands for, and what weighting cost.

    ``weight`` has the index of the frame and sums to the population (a row that could not be placed
    has weight 0 and is counted in ``n_missing``). ``margins`` has one row per category: ``margin``,
    ``category``, ``people`` who answered, ``target``, and ``before`` and ``after`` weighting.
    """

    weight: pd.Series
    margins: pd.DataFrame
    method: str
    n: int
    n_missing: int
    iterations: int
    trimmed: int
    trim: float | None
    people: NDArray[np.int64]
    cells: tuple[NDArray[np.int64], ...]

    @property
    def largest(self) -> float:
        """Return the largest weight: the people one answer stands for."""
        return float(self.weight.max())

    @property
    def largest_ratio(self) -> float:
        """Return the largest weight over the mean weight."""
        return self.largest * self.n / float(self.people @ self.weight.to_numpy())

    @property
    def effective_n(self) -> float:
        """Return Kish's effective n: how many unweighted answers would be worth as much."""
        return kish(self.weight.to_numpy(), self.people)

    @property
    def design_effect(self) -> float:
        """Return n / effective n, the factor by which uneven weights raise a variance."""
        return self.n / self.effective_n

    @property
    def off(self) -> float:
        """Return how far the margin that is missed most lies from its target, relatively."""
        return float((self.margins["after"] / self.margins["target"] - 1).abs().max())

    def __str__(self) -> str:
        """Say what the weights cost and whether the margins are hit."""
        without = f", {self.n_missing:,} without a category" if self.n_missing else ""
        hit = "margins hit"
        if self.trimmed:
            hit = (
                f"{self.trimmed:,} weights cut to {self.trim:g} times the mean, margins then off "
                f"by up to {markup.number(100 * self.off, 1)} %"
            )
        return (
            f"Weights for {self.n:,} answers{without}: {self.method}; effective n "
            f"{markup.number(self.effective_n, 1)}, design effect "
            f"{markup.number(self.design_effect, 2)}, largest weight "
            f"{markup.number(self.largest_ratio, 2)} times the mean; {hit}"
        )

    def _repr_html_(self) -> str:
        return Table.of(
            self.margins,
            caption=str(self),
            columns=[
                ("Margin", "margin", "text"),
                ("Category", "category", "text"),
                ("Answered", "people", "count"),
                ("Target", "target", "count"),
                ("Before", "before", "count"),
                ("After", "after", "count"),
            ],
        )._repr_html_()


def post_stratify(
    frame: pd.DataFrame,
    *,
    by: str | Sequence[str],
    population: Totals,
    base: str | None = None,
    counts: str | None = None,
    trim: float | None = None,
) -> Weights:
    """Weight answers so that each cell counts as much as it does among all customers.

    Question: how is an answer to be weighted so that groups count as among all customers? Interval:
    none, weights.

    Parameters
    ----------
    frame : DataFrame
        One row per person who answered. A row without a value in ``by`` gets weight 0 and is
        counted as missing.
    by : str or list of str
        Columns that make the cells; with several, a cell is their combination.
    population : mapping or Series
        How many people the population has in each cell; with several columns the keys are tuples,
        as in ``customers.groupby(["region", "segment"]).size()``.
    base : str, optional
        Column of weights to start from (such as one over the chance of being asked); all 1 if not
        given.
    counts : str, optional
        Column with how many people each row stands for.
    trim : float, optional
        No weight may be more than ``trim`` times the mean weight; see Notes.

    Returns
    -------
    Weights
        Give it to :func:`weighted`. Printed, it says effective n, design effect, largest weight and
        whether the margins are hit.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    QuestionError
        A cell has people in the population and no answer, or the other way round; a base weight is
        negative, infinite or missing, or all are 0.

    Notes
    -----
    w = base N_h / (sum of base in cell h). Weighting mends only what ``by`` explains: where those
    who answer differ from the silent of the same cell, it changes nothing.

    Trimming cuts weights above the limit to it and spreads the rest over the others in proportion,
    until none is above; the margins are then missed, and ``margins`` shows by how much.

    References
    ----------
    Holt, D. and Smith, T. M. F. (1979). Post stratification. Journal of the Royal Statistical
    Society A 142(1), 33-46. doi:10.2307/2344652

    Kish, L. (1965). Survey Sampling. Wiley.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> answers = pd.DataFrame({"region": ["North"] * 3 + ["South"], "nps": [9, 10, 8, 2]})
    >>> weights = cx.post_stratify(answers, by="region", population={"North": 50, "South": 50})
    >>> print(weights)
    Weights for 4 answers: post-stratified by region; effective n 3.0, design effect 1.33, largest
    weight 2.00 times the mean; margins hit
    >>> cx.weighted(answers["nps"], weights, metric="nps").value  # doctest: +ELLIPSIS
    -16.6666...
    """
    names = [by] if isinstance(by, str) else list(by)
    margins = {tuple(names) if len(names) > 1 else names[0]: population}
    return _weights(
        frame, margins, base=base, counts=counts, trim=trim, asked="post_stratify", most=1
    )


def rake(
    frame: pd.DataFrame,
    *,
    margins: Mapping[str | tuple[str, ...], Totals],
    base: str | None = None,
    counts: str | None = None,
    trim: float | None = None,
    iterations: int = 1000,
) -> Weights:
    """Weight answers so that several margins hold at once, where their combinations are unknown.

    Question: how is an answer to be weighted where only the margins are known? Interval: none,
    weights.

    Parameters
    ----------
    frame : DataFrame
        One row per person who answered. A row without a value in one of the margins gets weight 0
        and is counted as missing.
    margins : mapping from column (or tuple of columns) to totals
        For each margin how many people the population has in each category, such as
        ``{"region": customers["region"].value_counts(), "segment": ...}``. All margins must sum to
        the same.
    base : str, optional
        Column of weights to start from; all 1 if not given.
    counts : str, optional
        Column with how many people each row stands for.
    trim : float, optional
        No weight may be more than ``trim`` times the mean weight; see :func:`post_stratify`.
    iterations : int, default 1000
        Rounds after which margins that still do not hold are refused.

    Returns
    -------
    Weights
        Give it to :func:`weighted`. ``iterations`` says how many rounds it took.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    QuestionError
        Margins that cannot hold: their sums disagree, a category has a target and no answer (or the
        other way round), or they contradict each other, so that the rounds do not settle.

    Notes
    -----
    Iterative proportional fitting: for one margin after the other w is multiplied by target over
    weighted sum, until every category is within 1e-9 of its target, relatively.

    References
    ----------
    Deming, W. E. and Stephan, F. F. (1940). On a least squares adjustment of a sampled frequency
    table when the expected marginal totals are known. Annals of Mathematical Statistics 11(4),
    427-444. doi:10.1214/aoms/1177731829

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> answers = pd.DataFrame({"region": list("NNNSS"), "segment": list("abbab")})
    >>> weights = cx.rake(
    ...     answers, margins={"region": {"N": 60, "S": 40}, "segment": {"a": 30, "b": 70}}
    ... )
    >>> weights.margins[["margin", "category", "people", "target"]]
        margin category  people  target
    0   region        N       3    60.0
    1   region        S       2    40.0
    2  segment        a       2    30.0
    3  segment        b       3    70.0
    >>> cx.rake(answers, margins={"region": {"N": 60, "S": 30, "W": 10}})
    Traceback (most recent call last):
    cxkit.errors.QuestionError: rake: the population has 10 people with region 'W', but nobody of
    them answered.
      No weight can speak for them: join 'W' with a category that answered, or leave it out and say
      so.
    """
    if not margins:
        raise QuestionError('rake: no margin was given.\n  Write margins={"region": totals, ...}.')
    return _weights(
        frame, margins, base=base, counts=counts, trim=trim, asked="rake", most=iterations
    )


def kish(weights: NDArray[np.float64], people: NDArray[Any]) -> float:
    """Return (sum w)^2 / sum w^2 over people, or 0 if nobody has a weight."""
    squares = float(people @ weights**2)
    return float(people @ weights) ** 2 / squares if squares > 0 else 0.0


def people_of(counts: object, rows: int, *, asked: str) -> NDArray[np.int64]:
    """Return how many people each row stands for: 1 without counts."""
    found = check_counts(counts, rows, asked=asked)
    return np.ones(rows, dtype=np.int64) if found is None else found


def real_weights(weights: object, *, asked: str) -> NDArray[np.float64]:
    """Return weights as numbers, or refuse those that are negative, infinite or missing."""
    try:
        given = pd.Series(weights).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise QuestionError(
            f"{asked}: the weights are not a column of numbers.\n"
            "  A weight is a number from 0 on: how many people an answer stands for."
        ) from None
    wrong = ~((given >= 0) & np.isfinite(given))
    if wrong.any():
        found = "missing" if np.isnan(given[wrong][0]) else f"{given[wrong][0]:g}"
        raise QuestionError(
            f"{asked}: a weight is {found} ({int(wrong.sum()):,} of {given.size:,} rows).\n"
            "  A weight is a number from 0 on: how many people an answer stands for."
        )
    return given


def _weights(
    frame: pd.DataFrame,
    margins: Mapping[Any, Totals],
    *,
    base: str | None,
    counts: str | None,
    trim: float | None,
    asked: str,
    most: int,
) -> Weights:
    """Return weights that make every margin hold, or refuse margins that cannot."""
    need_columns(frame, [c for c in (base, counts) if c], asked=asked)
    people = people_of(frame[counts] if counts else None, len(frame), asked=asked)
    start = np.ones(len(frame)) if base is None else real_weights(frame[base], asked=asked)
    mass = start * people
    placed = np.ones(len(frame), dtype=bool)
    keys = [key if isinstance(key, tuple) else (key,) for key in margins]
    for columns in keys:
        need_columns(frame, columns, asked=asked)
        placed &= frame[list(columns)].notna().all(axis=1).to_numpy()
    if not mass[placed].sum() > 0:
        raise QuestionError(
            f"{asked}: the weights to start from sum to 0 over {int(placed.sum()):,} rows with a "
            "category.\n  It takes answers of people with a weight above 0."
        )
    mass = np.where(placed, mass, 0.0)
    found = [
        margin_of(frame, columns, totals, mass, asked=asked)
        for columns, totals in zip(keys, margins.values(), strict=True)
    ]
    total = one_total(found, asked=asked)
    codes = [m.codes[placed] for m in found]
    factor, rounds = fit(found, codes, mass[placed], asked=asked, most=most)
    values = np.zeros(len(frame))
    values[placed] = start[placed] * factor
    # A row that stands for nobody must not be the largest weight.
    values[people == 0] = 0.0
    n = int(people[values > 0].sum())
    trimmed = 0
    if trim is not None:
        values, trimmed = cut(values, people, total, n, trim, asked=asked)
    table = margin_table(found, people, mass, values, total)
    joined = " and ".join(m.name for m in found)
    method = f"post-stratified by {joined}"
    if asked == "rake":
        method = f"raked to {joined} in {rounds} {'round' if rounds == 1 else 'rounds'}"
    return Weights(
        weight=pd.Series(values, index=frame.index, name="weight"),
        margins=table,
        method=method + (f", {trimmed:,} weights trimmed" if trimmed else ""),
        n=n,
        n_missing=int(people.sum()) - n,
        iterations=rounds,
        trimmed=trimmed,
        trim=trim,
        people=people,
        cells=tuple(m.codes for m in found),
    )

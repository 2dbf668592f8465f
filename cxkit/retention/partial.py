"""Cox's partial likelihood on start-stop rows, of which each may stand for many alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cxkit.errors import QuestionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Ties = Literal["efron", "breslow"]

#: Newton steps before a maximum is given up, and the step at which it is reached.
MOST_STEPS, SMALL_STEP = 60, 1e-10

#: A log hazard ratio per standard deviation beyond which there is no finite maximum.
FAR = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows at risk in (start, stop], on the ranks of the times at which somebody left.

    ``first`` and ``last`` bound the exits a row is at risk at: first < k <= last. ``at`` is the
    exit time of rows that left, -1 of the others.
    """

    x: Floats
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    at: NDArray[np.int64]
    weight: Floats
    exits: Floats  # weight of those leaving at each time
    ties: Ties


@dataclass(frozen=True, slots=True, kw_only=True)
class Maximum:
    """Where a partial likelihood is highest; ``null`` is its value with no coefficients."""

    coefficients: Floats
    covariance: Floats
    null: float
    log_likelihood: float


def rows_of(
    x: Floats,
    start: Floats,
    stop: Floats,
    left: NDArray[np.bool_],
    *,
    weight: Floats | None = None,
    strata: NDArray[np.int64] | None = None,
    ties: Ties,
) -> Rows:
    """Rank the times, stratum after stratum, so that nobody is at risk in another's stratum."""
    weight = np.ones(len(stop)) if weight is None else weight
    ranks = np.unique(np.concatenate([start, stop]))
    begin, end = np.searchsorted(ranks, start), np.searchsorted(ranks, stop)
    if strata is not None:
        begin, end = begin + strata * len(ranks), end + strata * len(ranks)
    times, at = np.unique(end[left], return_inverse=True)
    exits = np.bincount(at, weights=weight[left], minlength=len(times)).astype(np.float64)
    placed = np.full(len(stop), -1)
    placed[left] = at
    return Rows(
        x=x,
        first=np.searchsorted(times, begin, side="right") - 1,
        last=np.searchsorted(times, end, side="right") - 1,
        at=placed,
        weight=weight,
        exits=exits,
        ties=ties,
    )


def maximise(rows: Rows) -> Maximum:
    """Return where the partial likelihood is highest, by Newton's steps, halved where they fall.

    Notes
    -----
    At each time with D leaving, the log-likelihood gains the sum of x'b over those who leave, less
    log(S0 - f E0) for f = 0, 1/D, ... (D-1)/D: S0 sums exp(x'b) over everyone at risk, E0 over
    those who leave (Efron). With Breslow's ties f is 0. Columns are centred and scaled on the way.
    """
    spread = rows.x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    centre = np.average(rows.x, axis=0, weights=rows.weight) if len(rows.x) else 0.0
    scaled = _with(rows, (rows.x - centre) / spread)
    b = np.zeros(rows.x.shape[1])
    value, gradient, information = _at(scaled, b)
    null = value
    for _ in range(MOST_STEPS):
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            raise _endless() from None
        for _ in range(20):
            tried = _at(scaled, b + step)
            if tried[0] >= value - 1e-9 * abs(value):
                break
            step = step / 2
        else:
            raise _endless()
        b, (value, gradient, information) = b + step, tried
        if np.abs(b).max(initial=0) > FAR:
            raise _endless()
        if np.abs(step).max(initial=0) < SMALL_STEP:
            break
    else:
        raise _endless()
    try:
        covariance = np.linalg.inv(information)
    except np.linalg.LinAlgError:
        raise _endless() from None
    return Maximum(
        coefficients=b / spread,
        covariance=covariance / np.outer(spread, spread),
        null=null,
        log_likelihood=value,
    )


def residuals(rows: Rows, b: Floats) -> Floats:
    """Return the score residual of each row: what it pulls each coefficient by.

    References
    ----------
    Lin, D. Y. and Wei, L. J. (1989). The robust inference for the Cox proportional hazards model.
    Journal of the American Statistical Association 84, 1074-1078.
    doi:10.1080/01621459.1989.10478874
    """
    risk = np.exp(rows.x @ b)
    terms = _terms(rows, rows.weight * risk)
    each, mean = terms.each / terms.s0, terms.s1 / terms.s0[:, None]
    every, drift = terms.until(each), terms.until(each[:, None] * mean)
    since, until = rows.first + 1, rows.last + 1
    found = (drift[until] - drift[since]) - rows.x * (every[until] - every[since])[:, None]
    found *= risk[:, None]
    left = rows.at >= 0
    at, x = rows.at[left], rows.x[left]
    own = np.diff(terms.until(mean / terms.repeats[terms.where, None]), axis=0)[at]
    spared = np.diff(terms.until(each * terms.part))[at]
    spared_mean = np.diff(terms.until((each * terms.part)[:, None] * mean), axis=0)[at]
    found[left] += x - own + risk[left, None] * (x * spared[:, None] - spared_mean)
    return np.asarray(found * rows.weight[:, None])


@dataclass(frozen=True, slots=True)
class _Terms:
    """The terms of the likelihood, in order of time: one for each who leaves (Breslow: for all)."""

    repeats: NDArray[np.int64]  # terms at each time
    where: NDArray[np.int64]  # the time of each term
    part: Floats  # f: the share of those leaving that counts as gone already
    each: Floats  # how many leave by each term
    s0: Floats
    s1: Floats

    def until(self, values: Floats) -> Floats:
        """Return running sums of the terms' values over times, 0 before the first."""
        total = np.zeros((len(values) + 1, *values.shape[1:]))
        np.cumsum(values, axis=0, out=total[1:])
        return total[np.concatenate([[0], np.cumsum(self.repeats)])]


def _at(rows: Rows, b: Floats) -> tuple[float, Floats, Floats]:
    """Return log-likelihood, gradient and information at a point."""
    linear = rows.x @ b
    risk = rows.weight * np.exp(np.clip(linear, -700, 700))
    terms = _terms(rows, risk)
    left = rows.at >= 0
    if not (terms.s0 > 0).all():  # a step so far that the sums cancel: no likelihood there
        return -np.inf, np.zeros(len(b)), np.eye(len(b))
    mean = terms.s1 / terms.s0[:, None]
    value = float(rows.weight[left] @ linear[left] - terms.each @ np.log(terms.s0))
    gradient = rows.weight[left] @ rows.x[left] - terms.each @ mean
    each = terms.each / terms.s0
    every = terms.until(each)
    load = risk * (every[rows.last + 1] - every[rows.first + 1])
    load[left] -= risk[left] * np.diff(terms.until(each * terms.part))[rows.at[left]]
    information = (rows.x.T * load) @ rows.x - (mean.T * terms.each) @ mean
    return value, np.asarray(gradient), np.asarray(information)


def _terms(rows: Rows, risk: Floats) -> _Terms:
    """Return the terms of the likelihood with the sums over those at risk."""
    times = len(rows.exits)
    s0 = _at_risk(rows, risk)
    s1 = np.column_stack([_at_risk(rows, risk * column) for column in rows.x.T])
    if rows.ties == "breslow":
        one = np.ones(times, int)
        return _Terms(one, np.arange(times), np.zeros(times), rows.exits, s0, s1)
    repeats = np.maximum(np.round(rows.exits).astype(int), 1)
    where = np.repeat(np.arange(times), repeats)
    order = np.arange(len(where)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    part, each = order / repeats[where], rows.exits[where] / repeats[where]
    left = rows.at >= 0
    at = rows.at[left]
    e0 = np.bincount(at, weights=risk[left], minlength=times)
    e1 = np.column_stack(
        [np.bincount(at, weights=risk[left] * c, minlength=times) for c in rows.x[left].T]
    )
    s0, s1 = s0[where] - part * e0[where], s1[where] - part[:, None] * e1[where]
    return _Terms(repeats, where, part, each, s0, s1)


def independent(x: Floats) -> list[int]:
    """Return the columns of a design that do not say what those before them said."""
    length = np.sqrt((x**2).sum(axis=0))
    apart = np.abs(np.diag(np.linalg.qr(x, mode="r")))
    return [j for j in range(x.shape[1]) if j < len(apart) and apart[j] > 1e-8 * length[j]]


def _at_risk(rows: Rows, values: Floats) -> Floats:
    """Sum values over the rows at risk at each exit time."""
    times = len(rows.exits)
    gone = np.bincount(rows.last + 1, weights=values, minlength=times + 1)
    come = np.bincount(rows.first + 1, weights=values, minlength=times + 1)
    return np.asarray(np.cumsum(come - gone)[:times])


def _with(rows: Rows, x: Floats) -> Rows:
    """Return the rows with other columns."""
    return Rows(
        x=x,
        first=rows.first,
        last=rows.last,
        at=rows.at,
        weight=rows.weight,
        exits=rows.exits,
        ties=rows.ties,
    )


def _endless() -> QuestionError:
    """Refuse what has no finite maximum."""
    return QuestionError(
        "cox: the hazard ratio has no finite estimate: in some group all left, nobody left, or a "
        "column repeats another.\n  Compare groups in which at least 5 customers left, and leave "
        "out columns that tell the same."
    )

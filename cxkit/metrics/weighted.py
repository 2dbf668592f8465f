"""Scores under weights, with errors that know the weights were made to hit margins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.answers import (
    Scale,
    Scores,
    check_level,
    check_scale,
    no_data,
    nobody_answered,
    read_scale,
    read_yes_no,
    same_order,
)
from cxkit.metrics.clusters import check_clusters
from cxkit.metrics.grouped import Kind, scoring_of
from cxkit.metrics.nps import adjusted_wald
from cxkit.metrics.proportions import wilson
from cxkit.metrics.weights import Weights, kish, people_of, real_weights
from cxkit.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cxkit.metrics.effort import Version

#: Whose interval each score has.
HOW = {"nps": "adjusted Wald", "mean": "Student's t"} | dict.fromkeys(
    ("share", "csat", "ces"), "Wilson"
)


@dataclass(frozen=True, slots=True)
class _Answers:
    """Rows with an answer and a weight above 0, in the terms of one metric."""

    name: str
    y: NDArray[np.float64]
    used: NDArray[np.bool_]
    ends: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Linear:
    """A weighted mean with its linearised variance, before the metric's own interval."""

    value: float
    up: float
    down: float
    variance: float
    wide: float
    n: int
    effective: float
    clusters: int | None


def weighted(
    scores: Scores,
    weights: Weights | Scores,
    *,
    metric: Kind,
    scale: Scale | None = None,
    top: float | None = None,
    version: Version | None = None,
    within: Scores | None = None,
    clusters: Scores | None = None,
    counts: Scores | None = None,
    name: str = "",
    level: float = 0.95,
) -> Estimate:
    """Estimate a score of all customers from the weighted answers of those who answered.

    Question: what is the score of all customers, not only of those who answered? Interval:
    linearised, Student's t.

    Parameters
    ----------
    scores : Series, array or list of shape (n,)
        Answers in the rows that were weighted: 0 to 10 for "nps", yes or no for "share", numbers on
        ``scale`` for "csat" and "mean", on that of its version for "ces". Missing answers are
        counted, never filled.
    weights : Weights, or array of shape (n,)
        What :func:`post_stratify` or :func:`rake` returned for these rows, or plain weights from 0
        on. A row with weight 0 is not used and is counted as missing.
    metric : {"nps", "share", "csat", "ces", "mean"}
        Which score: NPS, the share of yes, the share who answer ``top`` or more, the share who
        found it easy, the mean answer.
    scale : (low, high), optional
        Ends of the scale; (1, 5) for "csat" if not given. A "mean" without a scale has limits that
        are not cut.
    top : float, optional
        For "csat": the lowest answer that counts as satisfied; one below the top if not given.
    version : {"1.0", "2.0"}, optional
        For "ces", which needs it: the version that was asked, see :func:`ces`.
    within : Series, array or list of booleans, shape (n,), optional
        Who belongs to the group that is asked about; the others keep their part in the weights.
        :func:`by` writes it for every group: ``choices={"metric": "nps", "weights": weights}``.
    clusters : Series, array or list of shape (n,), optional
        Who answered, where people answered more than once.
    counts : Series, array or list of shape (n,), optional
        How many people gave each row's answer, with plain weights; ``Weights`` know their own.
    name : str, optional
        What the score is called where it is shown.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In the unit of the metric. ``n`` is people, which no weight raises; ``method`` gives Kish's
        effective n of those used. No answer with a weight above 0, a mean of one answer, or one
        cluster only: "no data".

    Raises
    ------
    QuestionError
        Weights, counts, clusters or the group do not fit the rows; a weight is negative, infinite
        or missing; "ces" has no version.
    ScaleError
        An answer is off the scale.

    Notes
    -----
    R = sum w y / sum w over those who answered; NPS codes y as 1, 0, -1 (times 100). The error is
    linearised on calibration residuals: z = (y - R) / sum w, 0 where there is no answer; e is what
    is left of z after a weighted regression on the margins; variance = f sum (w e)^2, with f =
    n / (n - 1) for means and 1 for shares and NPS. With ``clusters`` the sums of w e in each of the
    G clusters are squared, f = G / (G - 1); the interval is never narrower than without them, and
    an answer without a cluster is one of its own. Plain and trimmed weights are taken as given:
    e = z. R ``survey`` gives the same for ``postStratify`` and ``rake``.

    Intervals have the form of the unweighted ones and equal them if all weights are equal: a share
    has Wilson's and NPS the adjusted Wald with n* = (variance of one answer) / (variance of R),
    never above n (Korn and Graubard); a mean has Student's t with effective n - 1 degrees of
    freedom (G - 1 with clusters, for all metrics). Where all answer alike n* is the effective n.
    Clusters that never repeat are passed over, so that they change nothing.

    A regression on many small categories follows the answers too closely, and ``se`` is then too
    small. The intervals (not ``se``, which is R's) have e / sqrt(1 - h), h the leverage of the row,
    and z for one who is alone in a category. With ``within``, z is 0 outside the group, but e is
    taken over all who were weighted: the error of a domain, which knows the margins too.

    References
    ----------
    MacKinnon, J. G. and White, H. (1985). Some heteroskedasticity-consistent covariance matrix
    estimators with improved finite sample properties. Journal of Econometrics 29(3), 305-325.
    doi:10.1016/0304-4076(85)90158-7

    Deville, J.-C. and Saerndal, C.-E. (1992). Calibration estimators in survey sampling. Journal
    of the American Statistical Association 87(418), 376-382. doi:10.1080/01621459.1992.10475217

    Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small expected
    number of positive counts estimated from survey data. Survey Methodology 24(2), 193-201.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> answers = pd.DataFrame({"region": list("NNNNSS"), "csat": [5, 4, 4, 2, 1, 4]})
    >>> weights = cx.post_stratify(answers, by="region", population={"N": 50, "S": 50})
    >>> print(cx.weighted(answers["csat"], weights, metric="csat"))
    CSAT (4 or 5 on 1 to 5), weighted 62.5 % (95 % interval 21.0 to 91.3, n = 6; post-stratified by
    region, linearised Wilson, effective n 5.3)
    """
    level = check_level(level)
    given = scores if isinstance(scores, pd.Series) else pd.Series(scores)
    beside = weights.weight if isinstance(weights, Weights) else weights
    same_order(
        "weighted", scores=given, weights=beside, counts=counts, clusters=clusters, within=within
    )
    w, people, cells = _checked(weights, counts, len(given))
    answers = _coded(
        given, w, people, metric=metric, scale=scale, top=top, version=version, name=name
    )
    inside = _inside(within, len(given))
    answers = replace(answers, used=answers.used & inside)
    unit = {"nps": "points", "mean": "score"}.get(metric, "%")
    n = int(people[answers.used].sum())
    missing = int(people[inside].sum()) - n
    how = weights.method if isinstance(weights, Weights) else "weights as given"
    keys, named = _clusters(clusters, answers.used, people)
    reason = _why_not(answers, keys, n, missing, w, people, metric)
    if reason:
        return no_data(
            answers.name, unit, level=level, n=n, n_missing=missing, method=how, reason=reason
        )
    trimmed = isinstance(weights, Weights) and weights.trimmed
    found = _linearised(answers, w, people, () if trimmed else cells, keys, metric)
    low, high, se = _limits(found, answers, metric, level)
    if not np.isfinite([low, high]).all():
        return no_data(
            answers.name,
            unit,
            level=level,
            n=n,
            n_missing=missing,
            method=how,
            reason=f"The {n:,} answers do not bound the mean of all: give the ends of the scale.",
        )
    effective = markup.number(found.effective, 1)
    by = f", cluster-robust by {found.clusters:,} clusters{named}" if found.clusters else ""
    stretch = 1 if metric == "mean" else 100
    return Estimate(
        metric=answers.name,
        measured_in=unit,
        value=stretch * found.value,
        low=stretch * low,
        high=stretch * high,
        se=stretch * se,
        level=level,
        n=n,
        n_missing=missing,
        method=f"{how}, linearised {HOW[metric]}{by}, effective n {effective}",
    )


def _inside(within: Scores | None, rows: int) -> NDArray[np.bool_]:
    """Return who belongs to the group asked about; without one, everybody."""
    if within is None:
        return np.ones(rows, dtype=bool)
    found, missing = read_yes_no(within, asked="weighted, within")
    if found.size != rows or missing.any():
        raise QuestionError(
            f"weighted: within says of {int((~missing).sum()):,} of {rows:,} rows whether they "
            "belong to the group.\n  Give true or false for each, e.g. frame['region'] == 'North'."
        )
    return found > 0


def _checked(
    weights: Weights | Scores, counts: Scores | None, rows: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], tuple[NDArray[np.int64], ...]]:
    """Return weights, people and margin cells of each row, or refuse what does not fit."""
    cells: tuple[NDArray[np.int64], ...] = ()
    if isinstance(weights, Weights):
        if counts is not None:
            raise QuestionError(
                "weighted: counts belong to the weights.\n"
                "  Write post_stratify(..., counts=...) or rake(..., counts=...)."
            )
        w, people, cells = weights.weight.to_numpy(), weights.people, weights.cells
    else:
        w = real_weights(weights, asked="weighted")
        people = people_of(counts, rows, asked="weighted")
    if w.size != rows:
        raise QuestionError(
            f"weighted: {rows:,} scores and {w.size:,} weights.\n"
            "  Give the column of the frame that was weighted, unfiltered: a missing answer is "
            "counted by itself."
        )
    return w, people, cells


def _coded(
    given: pd.Series,
    w: NDArray[np.float64],
    people: NDArray[np.int64],
    *,
    metric: Kind,
    scale: Scale | None,
    top: float | None,
    version: Version | None,
    name: str,
) -> _Answers:
    """Return the answers as the numbers whose weighted mean is the metric."""
    answered = given.notna().to_numpy(dtype=bool)
    if metric == "mean":
        ends = check_scale(scale, asked="weighted mean") if scale else (-np.inf, np.inf)
        reach = ends if scale else (-1e300, 1e300)
        values, _ = read_scale(given, scale=reach, asked="weighted mean", whole=False)
        y, title = np.where(answered, values, 0.0), "mean"
        title += f" ({ends[0]:g} to {ends[1]:g})" if scale else ""
    else:
        scoring = scoring_of(metric, scale=scale, top=top, version=version, asked="weighted")
        ends = (-1.0, 1.0) if metric == "nps" else (0.0, 1.0)
        y, title = scoring.points(scoring.read(given)[0]).astype(np.float64), scoring.metric
    return _Answers(f"{name or title}, weighted", y, answered & (w > 0) & (people > 0), ends)


def _clusters(
    clusters: Scores | None, used: NDArray[np.bool_], people: NDArray[np.int64]
) -> tuple[NDArray[np.int64] | None, str]:
    """Return cluster numbers (-1: no key), or None where nobody repeats, and what they are."""
    given = check_clusters(clusters, used.size, asked="weighted")
    if given is None:
        return None, ""
    codes = pd.factorize(given)[0].astype(np.int64)
    shared = used & (codes >= 0)
    repeats = shared.any() and np.bincount(codes[shared], weights=people[shared]).max() > 1
    return (codes if repeats else None), f" ({given.name})" if given.name is not None else ""


def _many(keys: NDArray[np.int64], used: NDArray[np.bool_], people: NDArray[np.int64]) -> int:
    """Return the number of clusters that answered; without a key each person is one."""
    return int(np.unique(keys[used & (keys >= 0)]).size) + int(people[used & (keys < 0)].sum())


def _why_not(
    answers: _Answers,
    keys: NDArray[np.int64] | None,
    n: int,
    missing: int,
    w: NDArray[np.float64],
    people: NDArray[np.int64],
    metric: Kind,
) -> str:
    """Say why there is no score, or nothing if there is."""
    if not n:
        if people.any() and not w[people > 0].any():
            return "All weights are 0: no answer speaks for anybody."
        return nobody_answered(missing)
    if metric == "mean" and n < 2:
        one = answers.y[answers.used][0]
        return f"One answer ({one:g}) has no spread to make an interval from; a mean needs two."
    if keys is not None and _many(keys, answers.used, people) < 2:
        return f"All {n:,} answers come from one cluster: its spread is not known."
    return ""


def _linearised(
    answers: _Answers,
    w: NDArray[np.float64],
    people: NDArray[np.int64],
    cells: Sequence[NDArray[np.int64]],
    keys: NDArray[np.int64] | None,
    metric: Kind,
) -> _Linear:
    """Return the weighted mean and its linearised variance."""
    mass = w * people
    y, share = answers.y[answers.used], mass[answers.used]
    total = float(share.sum())
    up, down = float(share[y > 0].sum()) / total, float(share[y < 0].sum()) / total
    # Rounding must not push a mean of equal answers off them.
    value = float(np.clip(share @ y / total, y.min(), y.max()))
    z = np.where(answers.used, (answers.y - value) / total, 0.0)
    left, lever = residuals(z, w, mass, cells)
    part = w * left
    n, everyone = int(people[answers.used].sum()), int(people[w > 0].sum())
    if not cells:
        lever, everyone = np.where(answers.used, w / total, 0.0), n
    alone = lever > 1 - 1e-9  # the only one of a category: nothing shows how far it lies off
    wide = float(people @ (w * np.where(alone, z, left / np.sqrt(1 - lever * ~alone))) ** 2)
    variance = float(people @ part**2)
    if metric == "mean":
        variance *= everyone / max(everyone - 1, 1)
    groups = None
    if keys is not None:
        shared = keys >= 0
        sums = np.bincount(keys[shared], weights=(people * part)[shared])
        groups = _many(keys, answers.used, people)
        variance = float(sums @ sums) + float(people[~shared] @ part[~shared] ** 2)
        variance *= groups / (groups - 1)
    effective = kish(w[answers.used], people[answers.used])
    return _Linear(value, up, down, variance, max(wide, variance), n, effective, groups)


def residuals(
    z: NDArray[np.float64],
    w: NDArray[np.float64],
    mass: NDArray[np.float64],
    cells: Sequence[NDArray[np.int64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what a weighted regression on the categories leaves of z, and each row's leverage."""
    left, lever = z.copy(), np.zeros(z.size)
    if not cells:
        return left, lever
    used = mass > 0
    codes, q = [c[used] for c in cells], mass[used]
    if len(codes) == 1:
        share = np.bincount(codes[0], weights=q)
        mean = np.bincount(codes[0], weights=q * z[used]) / np.where(share > 0, share, 1)
        left[used] -= mean[codes[0]]
        lever[used] = w[used] / share[codes[0]]
        return left, np.clip(lever, 0, 1)
    sizes = [int(c.max()) + 1 for c in codes]
    start = np.concatenate([[0], np.cumsum(sizes)])
    at = [first + c for first, c in zip(start, codes, strict=False)]
    many = int(start[-1])
    cross = np.zeros((many, many))
    for a in at:
        for b in at:
            both = np.bincount(a * many + b, weights=q, minlength=many * many)
            cross += both.reshape(many, many)
    inverse = np.linalg.pinv(cross, hermitian=True)
    right = sum(np.bincount(a, weights=q * z[used], minlength=many) for a in at)
    slope = inverse @ right
    left[used] -= sum(slope[a] for a in at)
    lever[used] = w[used] * sum(inverse[a, b] for a in at for b in at)
    return left, np.clip(lever, 0, 1)


def _limits(
    found: _Linear, answers: _Answers, metric: Kind, level: float
) -> tuple[float, float, float]:
    """Return the limits of the coded mean, and its standard error."""
    se = float(np.sqrt(found.variance))
    z = -float(ndtri((1 - level) / 2))
    df = found.effective - 1 if found.clusters is None else found.clusters - 1
    t = float(stdtrit(df, (1 + level) / 2)) if df > 1e-6 else np.inf
    alike = min(found.effective, found.clusters or np.inf)
    if metric == "mean":
        low, high = answers.ends
        below = above = t * float(np.sqrt(found.wide))
        if np.ptp(answers.y[answers.used]) == 0:
            share = z**2 / (alike + z**2)
            below, above = share * (found.value - low), share * (high - found.value)
        return max(found.value - below, low), min(found.value + above, high), se
    spread = max(found.up + found.down - (found.up - found.down) ** 2, 0.0)
    n = alike
    if spread > 1e-12:
        n = float(found.n)
        spread *= found.effective / max(found.effective - 1, 1e-9)
        n = min(spread / found.wide, n) if found.wide > 0 else n
    quantile, many = np.array(z if found.clusters is None else t), np.array(n)
    if metric == "nps":
        up, down = found.up * many, found.down * many
        low, high = map(float, adjusted_wald(up, down, many, level=level, quantile=quantile))
    else:
        low, high = map(float, wilson(found.up * n, n, level=level, quantile=quantile))
    return min(low / 100, found.value), max(high / 100, found.value), se

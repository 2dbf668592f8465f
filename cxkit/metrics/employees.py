"""What employees answered: favourable shares, an index of items, eNPS, and how many took part."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxkit.errors import QuestionError
from cxkit.metrics.answers import (
    Scale,
    Scores,
    check_level,
    check_scale,
    need_columns,
    need_frame,
    no_data,
    nobody_answered,
    read_scale,
)
from cxkit.metrics.clusters import Moments, Spread
from cxkit.metrics.consistency import reverse, scale_of
from cxkit.metrics.nps import nps_scoring
from cxkit.metrics.proportions import mean_scoring, share, share_scoring, span
from cxkit.metrics.scoring import estimate, fields_of
from cxkit.metrics.weights import people_of
from cxkit.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray


def favourability(
    items: pd.DataFrame | pd.Series,
    *,
    scale: Scale | Mapping[str, Scale],
    boxes: int = 2,
    reversed: Sequence[str] = (),  # noqa: A002 - the word of study.yml
    counts: str | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the share of favourable answers to one item or to a group of items, in percent.

    Question: how many answers of employees are favourable? Interval: Wilson; by person with t.

    Parameters
    ----------
    items : DataFrame of shape (n, k), or Series of shape (n,)
        One column per item, one row per person (or per pattern of answers, with ``counts``); whole
        numbers. A person counts with the items that were answered.
    scale : (low, high), or a mapping from item to (low, high)
        Ends of the scale; high is favourable.
    boxes : int, default 2
        How many answers from the top count as favourable: 4 and 5 on a scale from 1 to 5.
    reversed : list of str
        Items asked the other way round; they are turned round first.
    counts : str, optional
        Column of ``items`` with how many people gave each row's answers.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100. ``n`` counts people with at least one answer, not answers.

    Raises
    ------
    ColumnError
        A reversed item or the counts are not in the frame.
    QuestionError
        There is no item, or ``boxes`` leaves nothing on one side.
    ScaleError
        An answer is not a whole number on its scale.

    Notes
    -----
    Answers of all items are pooled: the share is favourable answers over answers, so an item that
    more people answered weighs more. The answers of one person go together, and an error that took
    them as independent would be too small; people are the clusters of the error, see :func:`share`
    with ``clusters``. One item gives Wilson's interval.

    References
    ----------
    Church, A. H. and Waclawski, J. (2001). Designing and Using Organizational Surveys. Jossey-Bass.

    Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small expected
    number of positive counts estimated from survey data. Survey Methodology 24(2), 193-201.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> items = pd.DataFrame({"proud": [5, 4, 2, 4], "stay": [4, 3, 1, None]})
    >>> print(cx.favourability(items, scale=(1, 5)))
    Favourable answers (4 or 5 on 1 to 5) 57.1 % (95 % interval 11.0 to 93.5, n = 4; Wilson,
    cluster-robust by 4 clusters (people), 7 answers to 2 items)
    """
    level = check_level(level)
    frame = items.to_frame() if isinstance(items, pd.Series) else items
    names, people = _split(frame, counts, asked="favourability")
    turned = reverse(frame, columns=reversed, scale=scale) if reversed else frame
    yes, answered, cuts = np.zeros(len(frame)), np.zeros(len(frame)), set()
    for name in names:
        low, high = scale_of(str(name), scale)
        if not 0 < boxes <= high - low:
            raise QuestionError(
                f"favourability: {boxes} boxes do not split the scale {low:g} to {high:g}.\n"
                "  Write how many answers from the top are favourable, e.g. boxes=2."
            )
        values, missing = read_scale(turned[name], scale=(low, high), asked="favourability")
        yes += np.where(missing, 0, np.nan_to_num(values) >= high - boxes + 1)
        answered += ~missing
        cuts.add(f"{span(high - boxes + 1, high)} on {low:g} to {high:g}")
    metric = f"Favourable answers ({' and '.join(sorted(cuts))})"
    n = int(people[answered > 0].sum())
    found = fields_of(share_scoring(metric=metric), _pooled(yes, answered, people), level=level)
    row = {k: found[k][0] for k in ("value", "low", "high", "se", "method", "status", "reason")}
    for key in ("value", "low", "high", "se"):
        row[key] = None if np.isnan(row[key]) else float(row[key])
    if len(names) > 1:
        row["method"] += f", {int(people @ answered):,} answers to {len(names)} items"
    missing_people = int(people.sum()) - n
    if not n:
        row["reason"] = nobody_answered(missing_people)
    return Estimate(
        metric=metric, measured_in="%", level=level, n=n, n_missing=missing_people, **row
    )


def engagement_index(
    items: pd.DataFrame,
    *,
    scale: Scale,
    reversed: Sequence[str] = (),  # noqa: A002 - the word of study.yml
    least: float = 0.5,
    counts: str | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the engagement index: the mean over people of the mean of their items.

    Question: how engaged are employees? Interval: Student's t over people.

    Parameters
    ----------
    items : DataFrame of shape (n, k)
        One column per item, one row per person (or per pattern of answers, with ``counts``); whole
        numbers on one scale.
    scale : (low, high)
        Ends of the scale, the same for all items; high is engaged.
    reversed : list of str
        Items asked the other way round; they are turned round first.
    least : float, default 0.5
        The share of the items that a person must have answered to be used, above 0 and up to 1.
    counts : str, optional
        Column of ``items`` with how many people gave each row's answers.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``measured_in`` is "score", in points of the scale; its name says the rule. People with too
        few answers are counted in ``n_missing``. One person gives no interval: "no data".

    Raises
    ------
    ColumnError
        A reversed item or the counts are not in the frame.
    QuestionError
        There is no item, or ``least`` is not a share.
    ScaleError
        An answer is not a whole number on the scale.

    Notes
    -----
    x_i is the mean of the items person i answered; the index is the mean of x_i over the n people
    used, with Student's interval of the x_i: see :func:`csat_mean`. Items of a person go together:
    the spread of the x_i holds that, where an error from n k single answers would be too small, by
    the factor 1 / sqrt(1 + (k - 1) r) for k items with mean correlation r. Nobody's missing answers
    are filled; the mean of those given stands for the person.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> items = pd.DataFrame({"proud": [5, 4, 2, 4, 5], "stay": [4, 3, 1, None, None]})
    >>> print(cx.engagement_index(items, scale=(1, 5)))
    Engagement index (2 items, at least 1 answered, 1 to 5) 3.70 (95 % interval 2.02 to 5.00, n = 5;
    Student's t over people)
    """
    level = check_level(level)
    low, high = check_scale(scale, asked="engagement_index")
    names, people = _split(items, counts, asked="engagement_index")
    if not 0 < least <= 1:
        raise QuestionError(
            f"engagement_index: least is {least!r}.\n"
            "  Write the share of the items a person must have answered, such as least=0.5."
        )
    turned = reverse(items, columns=reversed, scale=scale) if reversed else items
    columns = [read_scale(turned[c], scale=scale, asked="engagement_index")[0] for c in names]
    values = np.column_stack(columns) if len(items) else np.empty((0, len(names)))
    need = int(np.ceil(least * len(names) - 1e-9))
    answered = (~np.isnan(values)).sum(axis=1)
    used = (answered >= max(need, 1)) & (people > 0)
    metric = f"Engagement index ({len(names)} items, at least {need} answered, {low:g} to {high:g})"
    index, weight = np.nansum(values[used], axis=1) / answered[used], people[used]
    n, missing = int(weight.sum()), int(people.sum()) - int(weight.sum())
    if n < 2:
        reason = f"One person's index ({index[0]:g}) has no spread; a mean needs two." if n else ""
        return no_data(
            metric,
            "score",
            level=level,
            n=n,
            n_missing=missing,
            method="Student's t over people",
            reason=reason or nobody_answered(missing),
        )
    mean = float(weight @ index) / n
    se = float(np.sqrt(weight @ (index - mean) ** 2 / (n - 1) / n))
    same = bool(np.ptp(index) < 1e-12)
    limits = mean_scoring(metric, "engagement_index", scale).limits(
        _pooled(index, np.ones(index.size), weight), _spread(mean, se, n, same, level), level
    )
    how = "Student's t" if not same else str(limits.method[0])
    return Estimate(
        metric=metric,
        measured_in="score",
        value=mean,
        low=min(float(limits.low[0]), mean),
        high=max(float(limits.high[0]), mean),
        se=float(limits.se[0]),
        level=level,
        n=n,
        n_missing=missing,
        method=f"{how} over people",
    )


def enps(
    scores: Scores,
    *,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the employee Net Promoter Score: would they recommend working here, in points.

    Question: would employees recommend working here? Interval: adjusted Wald.

    Parameters
    ----------
    scores : Series, array or list of shape (n,)
        Whole numbers from 0 to 10. Missing answers are counted, never filled.
    counts : Series, array or list of shape (n,), optional
        How many people gave each value of ``scores``.
    clusters : Series, array or list of shape (n,), optional
        Who answered, where employees answered in several waves, or any coarser key.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In points, -100 to 100; see :func:`nps`. Its own name keeps it from being compared with the
        score of customers.

    Raises
    ------
    ScaleError
        An answer is not a whole number from 0 to 10.
    QuestionError
        The level, counts or clusters make no sense.

    Notes
    -----
    Promoters (9, 10) less detractors (0 to 6), with the adjusted Wald interval. Employees use the
    scale differently from customers: an eNPS lies lower for the same good will.

    References
    ----------
    Rocks, B. (2016). Interval estimation for the "Net Promoter Score". The American Statistician
    70(4), 365-372. doi:10.1080/00031305.2016.1198279

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.enps([10, 9, 7, 6, 8, 9]))
    eNPS 33.3 points (95 % interval −26.7 to 71.2, n = 6; adjusted Wald)
    """
    scoring = replace(nps_scoring(), metric="eNPS", asked="enps")
    return estimate(scoring, scores, level=check_level(level), counts=counts, clusters=clusters)


def participation(
    answered: Scores, *, counts: ArrayLike | None = None, level: float = 0.95
) -> Estimate:
    """Estimate participation: the share of the invited employees who answered, in percent.

    Question: how many employees took part? Interval: Wilson.

    Parameters
    ----------
    answered : Series, array or list of shape (n,)
        One value per invited person (or per pattern, with ``counts``): true or false.
    counts : Series, array or list of shape (n,), optional
        How many people each value stands for: ``participation([True, False], counts=[231, 69])``.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100, with Wilson's interval; ``n`` is who was invited.

    Raises
    ------
    ScaleError
        A value is neither yes nor no.
    QuestionError
        The level or the counts make no sense.

    Notes
    -----
    Of those invited the share is a plain fact. The interval speaks of what waves like this one
    would give, and so has no finite population correction, though all may have been invited.
    See :func:`share`.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22(158), 209-212.
    doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.participation([True, False], counts=[231, 69]))
    Participation 77.0 % (95 % interval 71.9 to 81.4, n = 300; Wilson)
    """
    return share(answered, counts=counts, metric="Participation", level=level)


def _split(
    frame: pd.DataFrame, counts: str | None, *, asked: str
) -> tuple[list[str], NDArray[np.int64]]:
    """Return the item columns, and how many people each row stands for."""
    need_frame(frame, asked=asked)
    need_columns(frame, [counts] if counts else [], asked=asked)
    names = [c for c in frame.columns if c != counts]
    if not names:
        raise QuestionError(f"{asked}: there is no item.\n  Give a frame of item columns.")
    return names, people_of(frame[counts] if counts else None, len(frame), asked=asked)


def _pooled(
    yes: NDArray[np.float64], answered: NDArray[np.float64], people: NDArray[np.int64]
) -> Moments:
    """Return the sums of answers pooled over items, each person being a cluster."""

    def total(what: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([float(people @ what)])

    silent = int(people[answered == 0].sum())
    return Moments(
        n=total(answered).astype(np.int64),
        n_missing=np.array([silent]),
        total=total(yes),
        squares=total(yes),
        clusters=np.array([int(people.sum()) - silent]),
        cluster_squares=total(yes**2),
        cluster_cross=total(yes * answered),
        cluster_sizes=total(answered**2),
        name="people",
    )


def _spread(mean: float, se: float, n: int, same: bool, level: float) -> Spread:
    """Return the error of a mean of n people, as a metric's limits take it."""
    return Spread(
        mean=np.array([mean]),
        se=np.array([se]),
        wide=np.array([se]),
        n=np.array([float(n)]),
        df=np.array([n - 1.0]),
        quantile=np.array([float(-ndtri((1 - level) / 2))]),
        same=np.array([same]),
        repeats=np.array([False]),
    )

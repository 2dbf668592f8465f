"""Those who did not answer: how many, how unlike the others, and what they could change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxkit.errors import QuestionError
from cxkit.metrics.answers import Scale, Scores, check_level, need_columns, no_data, yes_no
from cxkit.metrics.grouped import scoring_of
from cxkit.metrics.proportions import share
from cxkit.metrics.scoring import estimate
from cxkit.metrics.weights import people_of
from cxkit.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from cxkit.metrics.effort import Version
    from cxkit.metrics.grouped import Kind

#: Fitted chances closer to 0 or 1 than this mean that a group answered wholly or not at all.
_EDGE = 1e-6


def response_rate(
    answered: Scores,
    *,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the response rate: the share of the surveys sent that were answered, in percent.

    Question: how many of the surveys sent were answered? Interval: Wilson.

    Parameters
    ----------
    answered : Series, array or list of shape (n,)
        One value per survey sent: true or false, such as ``responses["answered_on"].notna()``.
    counts : Series, array or list of shape (n,), optional
        How many surveys each value stands for.
    clusters : Series, array or list of shape (n,), optional
        Who was asked, where people were asked more than once.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100, with Wilson's interval; ``n`` is the surveys sent.

    Raises
    ------
    ScaleError
        A value is neither yes nor no.
    QuestionError
        The level, counts or clusters make no sense.

    Notes
    -----
    See :func:`share`. A low rate is not a bias and a high one no proof against it: see
    :func:`r_indicator` for who answered, and :func:`silent_bounds` for what the silent could
    change. No finite population correction: the interval speaks of surveys like this one.

    References
    ----------
    Groves, R. M. and Peytcheva, E. (2008). The impact of nonresponse rates on nonresponse bias: a
    meta-analysis. Public Opinion Quarterly 72(2), 167-189. doi:10.1093/poq/nfn011

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.response_rate([True, False], counts=[240, 760]))
    Response rate 24.0 % (95 % interval 21.5 to 26.7, n = 1,000; Wilson)
    """
    return share(answered, counts=counts, clusters=clusters, metric="Response rate", level=level)


def r_indicator(
    frame: pd.DataFrame,
    *,
    answered: str,
    known: str | Sequence[str],
    counts: str | None = None,
    clusters: str | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate how alike those who answered are to all who were asked, from 0 to 1.

    Question: are those who answered like all who were asked? Interval: delta method.

    Parameters
    ----------
    frame : DataFrame
        One row per person who was asked, silent or not. Rows without ``answered`` or a known value
        are dropped and counted.
    answered : str
        Column of yes or no: did the person answer.
    known : str or list of str
        Columns known of everybody asked. Numbers enter as they are, all else as categories.
    counts : str, optional
        Column with how many people each row stands for.
    clusters : str, optional
        Column of who was asked, where people were asked more than once.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``measured_in`` is "coefficient": 1 where everybody was equally likely to answer (as far as
        ``known`` tells), lower the more the chances differ. Fewer than two people, all or nobody
        answering, known columns that are the same for all, one cluster, or a logistic model that
        does not settle: "no data".

    Raises
    ------
    ColumnError
        A column is not in the frame.
    QuestionError
        No known column was given.

    Notes
    -----
    R = 1 - 2 S, S the standard deviation (with N - 1) of the chances of answering that a logistic
    model on ``known`` gives (statsmodels GLM). Chances fitted to chance vary too, so S^2 is less
    the bias tr(Q V), V the covariance of the coefficients and Q that of the gradients of the
    chances over people: the correction of Shlomo, Skinner and Schouten for a frame that is the
    whole population. ``method`` gives R without it. S^2 is never below 0. The interval is that of
    S^2, whose variance is 4 b'QVQb + 2 tr(QVQV) (b'Qb = S^2 near the fit), turned into R. With
    clusters that repeat V is cluster-robust.

    R falls with the columns it is given: compare two surveys by the same ones only. A high R says
    nothing about what is not in ``known``.

    References
    ----------
    Schouten, B., Cobben, F. and Bethlehem, J. (2009). Indicators for the representativeness of
    survey response. Survey Methodology 35(1), 101-113.

    Shlomo, N., Skinner, C. and Schouten, B. (2012). Estimation of an indicator of the
    representativeness of survey response. Journal of Statistical Planning and Inference 142(1),
    201-211. doi:10.1016/j.jspi.2011.07.008

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> asked = pd.DataFrame(
    ...     {
    ...         "region": ["North", "North", "South", "South"],
    ...         "answered": [True, False, True, False],
    ...         "n": [400, 600, 600, 400],
    ...     }
    ... )
    >>> print(cx.r_indicator(asked, answered="answered", known="region", counts="n"))
    R-indicator 0.80 (95 % interval 0.76 to 0.85, n = 2,000; logistic on region, 0.80 without the
    correction for chance)
    """
    level, metric = check_level(level), "R-indicator"
    names = [known] if isinstance(known, str) else list(known)
    if not names:
        raise QuestionError(
            "r_indicator: no known column was given.\n"
            "  Name what is known of everybody asked, such as known=['region', 'tenure']."
        )
    more = [c for c in (counts, clusters) if c]
    need_columns(frame, [answered, *names, *more], asked="r_indicator")
    people = people_of(frame[counts] if counts else None, len(frame), asked="r_indicator")
    complete = frame[[answered, *names]].notna().all(axis=1).to_numpy() & (people > 0)
    used, weight = frame.loc[complete, [answered, *names]], people[complete].astype(float)
    yes = yes_no(used[answered], asked="r_indicator")[0].astype(float)
    n = int(weight.sum())
    method = f"logistic on {', '.join(names)}"
    about: dict[str, Any] = {"level": level, "n": n, "n_missing": int(people.sum()) - n}
    if n < 2 or yes.min() == yes.max():
        who = "Everybody" if n and yes.max() else "Nobody"
        reason = f"{who} of the {n:,} asked answered: chances cannot differ."
        return no_data(metric, "coefficient", method=method, reason=reason, **about)
    x = _design(used, names)
    if x.shape[1] < 2:
        reason = f"{', '.join(names)}: the same for all, so that it cannot tell who answers."
        return no_data(metric, "coefficient", method=method, reason=reason, **about)
    keys, groups = None, 0
    if clusters:
        keys, groups = _askings(frame.loc[complete, clusters], weight)
        if groups == 1:
            reason = f"All {n:,} rows are of one cluster: its spread is not known."
            return no_data(metric, "coefficient", method=method, reason=reason, **about)
    fitted = _propensities(x, yes, weight)
    if fitted is None:
        reason = "A group answered wholly or not at all, so that the model does not settle."
        return no_data(metric, "coefficient", method=method, reason=reason, **about)
    chance, covariance = fitted
    if keys is not None:
        scores = (weight * (yes - chance))[:, None] * x
        sums = np.column_stack([np.bincount(keys, weights=column) for column in scores.T])
        covariance = covariance @ (sums.T @ sums) @ covariance * groups / (groups - 1)
        method += f", cluster-robust by {groups:,} clusters ({clusters})"
    mean = float(weight @ chance) / n
    plain = float(weight @ (chance - mean) ** 2) / (n - 1)
    slope = (chance * (1 - chance))[:, None] * x
    slope = slope - (weight @ slope) / n
    q = (slope * weight[:, None]).T @ slope / (n - 1)
    toward = slope.T @ (weight * (chance - mean)) / (n - 1)
    qv = q @ covariance
    adjusted = max(plain - float(np.trace(qv)), 0.0)
    variance = 4 * float(toward @ covariance @ toward) + 2 * float(np.trace(qv @ qv))
    half = -float(ndtri((1 - level) / 2)) * float(np.sqrt(variance))
    value, low, high = (
        max(1 - 2 * float(np.sqrt(max(s, 0.0))), 0.0)
        for s in (adjusted, adjusted + half, adjusted - half)
    )
    uncorrected = max(1 - 2 * float(np.sqrt(plain)), 0.0)
    return Estimate(
        metric=metric,
        measured_in="coefficient",
        value=value,
        low=low,
        high=high,
        se=None,
        method=f"{method}, {uncorrected:.2f} without the correction for chance",
        **about,
    )


def silent_bounds(
    scores: Scores,
    *,
    metric: Kind,
    scale: Scale | None = None,
    top: float | None = None,
    version: Version | None = None,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the score of all who were asked if the silent were all at their worst or best.

    Question: what could the silent change? Interval: that of the completed answers.

    Parameters
    ----------
    scores : Series, array or list of shape (n,)
        One row per person asked; missing is silent. For the scales see :func:`weighted`.
    metric : {"nps", "share", "csat", "ces", "mean"}
        Which score.
    scale : (low, high), optional
        Ends of the scale; needed by "mean", (1, 5) for "csat" if not given.
    top : float, optional
        For "csat": the lowest answer that counts as satisfied; one below the top if not given.
    version : {"1.0", "2.0"}, optional
        For "ces", which needs it: the version that was asked, see :func:`ces`.
    counts : Series, array or list of shape (n,), optional
        How many people each row stands for.
    clusters : Series, array or list of shape (n,), optional
        Who was asked, where people were asked more than once.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    DataFrame
        Three rows, each an Estimate after ``silent``: "all the worst", "as those who answered" and
        "all the best". The true score of those asked lies between the first and the last value,
        whatever the silent think.

    Raises
    ------
    QuestionError
        A mean without a scale has no worst answer, or "ces" has no version.
    ScaleError
        An answer is off the scale.

    Notes
    -----
    With a share s silent the bounds are (1 - s) R + s worst and (1 - s) R + s best: they are s
    times the scale apart, and no number of answers brings them closer. Their intervals are those
    of the answers completed in this way, as if drawn from more customers than were asked. The
    middle row supposes that silence says nothing.

    References
    ----------
    Manski, C. F. (1990). Nonparametric bounds on treatment effects. American Economic Review 80(2),
    319-323.

    Horowitz, J. L. and Manski, C. F. (2000). Nonparametric analysis of randomized experiments with
    missing covariate and outcome data. Journal of the American Statistical Association 95(449),
    77-84. doi:10.1080/01621459.2000.10473902

    Examples
    --------
    >>> import cxkit as cx
    >>> bounds = cx.silent_bounds([10, 9, 10, 8, 3, None, None, None], metric="nps")
    >>> bounds[["silent", "value", "n", "n_missing"]]
                       silent  value  n  n_missing
    0           all the worst  -12.5  8          0
    1  as those who answered   40.0  5          3
    2            all the best   62.5  8          0
    """
    level = check_level(level)
    scoring = scoring_of(metric, scale=scale, top=top, version=version, asked="silent_bounds")
    points = scoring.answers()
    ends = (min(points, key=points.__getitem__), max(points, key=points.__getitem__))
    given = scores if isinstance(scores, pd.Series) else pd.Series(scores, dtype=object)
    silent = given.isna()
    rows = []
    for label, filled in (
        ("all the worst", given.astype(object).mask(silent, ends[0])),
        ("as those who answered", given),
        ("all the best", given.astype(object).mask(silent, ends[1])),
    ):
        found = estimate(scoring, filled, level=level, counts=counts, clusters=clusters)
        rows.append({"silent": label, **found.as_row()})
    return pd.DataFrame(rows, columns=["silent", *Estimate.__dataclass_fields__])


def _askings(keys: pd.Series, weight: NDArray[np.float64]) -> tuple[NDArray[Any] | None, int]:
    """Return cluster numbers and how many there are; no numbers where no cluster repeats."""
    codes = pd.factorize(keys)[0]
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(int(alone.sum()))
    sizes = np.bincount(codes, weights=weight)
    return (codes if sizes.max() > 1 else None), int((sizes > 0).sum())


def _design(used: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float64]:
    """Return a constant, numbers as standard scores, and categories as 0/1 but for the first.

    A column that repeats others, such as a region's only branch, is left out.
    """
    columns = [np.ones(len(used))]
    for name in names:
        column = used[name]
        number = pd.api.types.is_numeric_dtype(column.dtype)
        if number and not pd.api.types.is_bool_dtype(column.dtype):
            values = column.to_numpy(dtype=float)
            if np.ptp(values) > 0:
                columns.append((values - values.mean()) / values.std())
        else:
            codes = pd.factorize(column, sort=True)[0]
            columns += [(codes == j).astype(float) for j in range(1, int(codes.max()) + 1)]
    every = np.column_stack(columns)
    distinct = np.unique(every, axis=0)
    kept: list[int] = []
    for j in range(every.shape[1]):
        if np.linalg.matrix_rank(distinct[:, [*kept, j]]) > len(kept):
            kept.append(j)
    return every[:, kept]


def _propensities(
    x: NDArray[np.float64], yes: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return chances and covariance of a logistic model, or None if it does not settle."""
    import warnings

    import statsmodels.api as sm

    patterns, row = np.unique(np.column_stack([x, yes]), axis=0, return_inverse=True)
    row = row.ravel()
    people = np.bincount(row, weights=weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether it settled is judged below
        try:
            model = sm.GLM(
                patterns[:, -1],
                patterns[:, :-1],
                family=sm.families.Binomial(),
                freq_weights=people,
            ).fit()
        except (np.linalg.LinAlgError, ValueError):
            return None
    chance = np.asarray(model.fittedvalues)
    if not model.converged or chance.min() < _EDGE or chance.max() > 1 - _EDGE:
        return None
    return chance[row], np.asarray(model.cov_params())

"""McDonald's omega: how much of a scale's spread one common factor explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.answers import Scale, check_level, no_data, nobody_answered
from cxkit.metrics.consistency import against_the_rest, keyed
from cxkit.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

#: No item's own share of its variance goes below this; one that reaches it is a Heywood case.
_LEAST = 1e-4

#: Rounds of Newton's method, and the relative step that ends them.
_ROUNDS, _SETTLED = 200, 1e-7


@dataclass(frozen=True, slots=True)
class OneFactor:
    """One-factor models of covariance matrices, a row each, in units of the items' deviations."""

    loadings: NDArray[np.float64]
    own: NDArray[np.float64]
    sd: NDArray[np.float64]
    settled: NDArray[np.bool_]

    def omega(self) -> NDArray[np.float64]:
        """Return omega of the sum of the items."""
        common = (self.loadings * self.sd).sum(axis=1) ** 2
        return common / (common + (self.own * self.sd**2).sum(axis=1))


def omega(
    items: pd.DataFrame,
    *,
    reversed: Sequence[str] = (),  # noqa: A002 - the word of study.yml
    scale: Scale | Mapping[str, Scale] | None = None,
    counts: str | None = None,
    draws: int = 500,
    seed: int = 20260101,
    level: float = 0.95,
) -> Estimate:
    """Estimate McDonald's omega, the consistency of a scale whose items need not weigh the same.

    Question: do the items of a scale go together, each to its own degree? Interval: bootstrap over
    people.

    Parameters
    ----------
    items : DataFrame of shape (n, k), k >= 3
        One column per item, one row per person (or per pattern of answers, with ``counts``). Only
        people who answered every item are used; the others are counted as missing.
    reversed : list of str
        Items asked the other way round; they are turned round first, which needs ``scale``.
    scale : (low, high), or a mapping from item to (low, high), optional
        Ends of the scale; if given, an answer off it is refused.
    counts : str, optional
        Column of ``items`` with how many people gave each row's answers.
    draws : int, default 500
        Bootstrap samples of people behind the interval.
    seed : int
        Seed of the bootstrap: the same seed gives the same limits.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``measured_in`` is "coefficient", 0 to 1. ``reason`` names items that go against the rest
        and Heywood cases. Too few people, an item without spread, or a model that does not
        converge: "no data".

    Raises
    ------
    ColumnError
        A reversed item or the counts are not in the frame.
    QuestionError
        There are fewer than three items, fewer than 20 draws, or reversed items without a scale.
    ScaleError
        An answer lies off the scale.

    Notes
    -----
    omega = (sum of loadings)^2 / ((sum of loadings)^2 + sum of own variances), from a one-factor
    model of the covariances by maximum likelihood. statsmodels ``Factor(method="ml")`` finds the
    same; its own iteration starts at random, and near a Heywood case may stop short. Where all
    loadings are equal omega is alpha. A Heywood case is an item of whose variance the factor leaves
    0.01 % or less: too few people or items, or two factors; omega is then too high.

    Draws whose model does not converge are left out and counted in ``method``; the limits are
    percentiles of the others.

    References
    ----------
    Joereskog, K. G. (1967). Some contributions to maximum likelihood factor analysis. Psychometrika
    32(4), 443-482. doi:10.1007/BF02289658

    McDonald, R. P. (1999). Test Theory: A Unified Treatment. Erlbaum.

    Kelley, K. and Pornprasertmanit, S. (2016). Confidence intervals for population reliability
    coefficients. Psychological Methods 21(1), 69-92. doi:10.1037/a0040086

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> items = pd.DataFrame(
    ...     {
    ...         "proud": [5, 4, 2, 3, 4, 1, 5, 3],
    ...         "stay": [4, 5, 1, 3, 4, 2, 5, 2],
    ...         "valued": [5, 3, 2, 4, 4, 1, 4, 3],
    ...     }
    ... )
    >>> found = cx.omega(items, scale=(1, 5), draws=50)
    >>> round(found.value, 2), found.n, found.status
    (0.91, 8, 'ok')
    """
    level, metric = check_level(level), "omega"
    answers = keyed(items, reversed=reversed, scale=scale, counts=counts, asked="omega")
    k, n = answers.given.shape[1], answers.n
    if k < 3:
        raise QuestionError(
            f"omega: one factor of {k} items is not identified.\n"
            "  Give at least three item columns; for two cx.cronbach_alpha is what there is."
        )
    if draws < 20:
        raise QuestionError(f"omega: {draws} draws show no interval.\n  Write draws=500.")
    method = f"one-factor maximum likelihood, {k} items"
    patterns, people = _patterns(answers.given, answers.people)
    moments = _covariance(patterns, people) if n > 1 else np.zeros((k, k))
    fit, why = None, _why_not(moments, n, k, answers.n_missing, answers.names)
    if not why:
        fit = one_factor(moments[None])
        if not fit.settled[0]:
            why = "The one-factor model did not converge: these items have no single factor to fit."
    if fit is None or why:
        return no_data(
            metric,
            "coefficient",
            level=level,
            n=n,
            n_missing=answers.n_missing,
            method=method,
            reason=why,
        )
    value = float(fit.omega()[0])
    found = _bootstrap(patterns, people, draws, np.random.default_rng(seed))
    failed = draws - found.size
    if failed > draws / 2:
        return no_data(
            metric,
            "coefficient",
            level=level,
            n=n,
            n_missing=answers.n_missing,
            method=method,
            reason=f"In {failed:,} of {draws:,} samples of the people the model did not converge.",
        )
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    method += f", percentiles of {found.size:,} bootstrap samples of people"
    return Estimate(
        metric=metric,
        measured_in="coefficient",
        value=value,
        low=min(float(low), value),
        high=max(float(high), value),
        se=float(found.std(ddof=1)),
        level=level,
        n=n,
        n_missing=answers.n_missing,
        method=method + (f" ({failed:,} did not converge)" if failed else ""),
        reason=_doubts(fit, answers.names, against_the_rest(answers)),
    )


def _why_not(
    moments: NDArray[np.float64], n: int, k: int, missing: int, names: Sequence[str]
) -> str:
    """Say why no model can be fitted, or nothing if one can."""
    if not n:
        return nobody_answered(missing)
    flat = [name for name, v in zip(names, np.diag(moments), strict=True) if v <= 1e-12]
    if flat:
        return f"All gave the same answer to {', '.join(flat)}: it has no spread to share."
    if n <= k:
        return f"{n:,} people are too few for {k} items: it takes more people than items."
    return ""


def _patterns(
    values: NDArray[np.float64], people: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the distinct rows of answers in order, and how many people gave each."""
    distinct, row = np.unique(values, axis=0, return_inverse=True)
    many = np.bincount(row.ravel(), weights=people, minlength=len(distinct))
    return distinct, many.astype(np.int64)


def _covariance(patterns: NDArray[np.float64], people: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the covariances of the items over people."""
    n = people.sum()
    away = patterns - (people @ patterns) / n
    return np.asarray((away * people[:, None]).T @ away / (n - 1))


def one_factor(moments: NDArray[np.float64]) -> OneFactor:
    """Fit one factor to a batch of covariance matrices by maximum likelihood.

    Newton's method on the logarithms of the own variances, all matrices at once: with eigenvalues v
    and vectors w of the correlations scaled by them, all but the largest, the gradient is
    sum (1 - v) w^2 and the Hessian near the solution the square of each element of w w'.
    """
    sd = np.sqrt(np.diagonal(moments, axis1=1, axis2=2))
    corr = moments / (sd[:, :, None] * sd[:, None, :])
    rows, k = sd.shape
    own, loadings = np.full((rows, k), 0.5), np.zeros((rows, k))
    moving = np.arange(rows)
    for _ in range(_ROUNDS):
        root = np.sqrt(own[moving])
        values, vectors = np.linalg.eigh(corr[moving] / (root[:, :, None] * root[:, None, :]))
        size = np.sqrt(np.maximum(values[:, -1:] - 1, 0))
        loadings[moving] = root * size * vectors[:, :, -1]
        rest = vectors[:, :, :-1]
        slope = ((1 - values[:, None, :-1]) * rest**2).sum(axis=2)
        curve = np.einsum("bim,bjm->bij", rest, rest) ** 2 + 1e-8 * np.eye(k)
        step = np.linalg.solve(curve, slope[:, :, None])[:, :, 0]
        after = np.clip(own[moving] * np.exp(-np.clip(step, -1, 1)), _LEAST, 1)
        far = np.abs(np.log(after / own[moving])).max(axis=1)
        own[moving] = after
        moving = moving[far > _SETTLED]
        if not moving.size:
            break
    loadings *= np.where(loadings.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    settled = np.ones(rows, dtype=bool)
    settled[moving] = False
    return OneFactor(loadings, own, sd, settled)


def _bootstrap(
    patterns: NDArray[np.float64], people: NDArray[np.int64], draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return omega in samples of people drawn with replacement, where the model settled."""
    n = int(people.sum())
    drawn = rng.multinomial(n, people / n, size=draws).astype(float)
    mean = drawn @ patterns / n
    cross = np.einsum("bp,pi,pj->bij", drawn, patterns, patterns, optimize=True)
    moments = (cross - n * mean[:, :, None] * mean[:, None, :]) / (n - 1)
    found = one_factor(moments[np.diagonal(moments, axis1=1, axis2=2).min(axis=1) > 1e-9])
    return found.omega()[found.settled]


def _doubts(fit: OneFactor, names: Sequence[str], against: str) -> str:
    """Name Heywood cases and items against the rest."""
    said = [against] if against else []
    loadings = fit.loadings[0]
    heywood = [str(n) for n, own in zip(names, fit.own[0], strict=True) if own <= _LEAST]
    if heywood:
        said.append(
            f"Heywood case: the factor takes all the variance of {', '.join(heywood)}, so omega is "
            "probably too high; more people, more items or two factors are needed."
        )
    if loadings.min() < 0 and not against:
        said.append(
            f"{names[int(loadings.argmin())]} loads against the others "
            f"({markup.number(float(loadings.min()), 2)}): reverse-keyed?"
        )
    return " ".join(said)

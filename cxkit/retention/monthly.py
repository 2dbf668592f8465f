"""Leaving month by month on counts: any covariates, complementary log-log or logit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_choice, check_level, need_columns
from cxkit.results import Difference, Estimate, Table
from cxkit.retention.hazard import EXITS_PER_PARAMETER
from cxkit.retention.partial import independent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Link = Literal["cloglog", "logit"]
Baseline = Literal["merged", "free"]
Term = tuple[str, Any]

#: The last month of an open span: later months share the last parameter.
OPEN = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyHazard:
    """A fitted monthly hazard of leaving, on counts of like customers.

    Attributes
    ----------
    link : {"cloglog", "logit"}
    terms : tuple
        (column, value): a span of months, a level of a text column, or None for a number.
    coefficients, covariance : ndarray
        In the order of ``terms``; log hazard ratios (cloglog) or log odds ratios (logit).
    frame : DataFrame
        One row per term that is not a month: term, coefficient, se, value (the ratio), low, high,
        p.
    log_likelihood : float
    customer_months, exits : int
    table : Table
    """

    link: Link
    terms: tuple[Term, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    frame: pd.DataFrame
    log_likelihood: float
    customer_months: int
    exits: int
    level: float
    table: Table

    def index(self, column: str, value: object = None) -> int:
        """Return where a term stands."""
        return self.terms.index((column, value))

    def ratio(self, column: str, value: object = None, *, n: int) -> Estimate:
        """Return the ratio of a level against the first, or of one unit more; ``n`` customers."""
        return self.contrast({(column, value): 1.0}, metric=_said(column, value), n=n)

    def contrast(self, weights: Mapping[Term, float], *, metric: str, n: int) -> Estimate:
        """Return exp of a weighted sum of coefficients: a ratio, Wald on the log scale."""
        w = np.zeros(len(self.terms))
        for term, weight in weights.items():
            w[self.terms.index(term)] = weight
        b, se = float(w @ self.coefficients), float(np.sqrt(w @ self.covariance @ w))
        z = -float(ndtri((1 - self.level) / 2))
        kind = "hazard ratio" if self.link == "cloglog" else "odds ratio"
        return Estimate(
            metric=f"{kind}, {metric}",
            measured_in="ratio",
            value=float(np.exp(b)),
            low=float(np.exp(b - z * se)),
            high=float(np.exp(b + z * se)),
            se=se * float(np.exp(b)),
            level=self.level,
            n=n,
            n_missing=0,
            method=f"discrete-time hazard ({self.link}), Wald on the log scale",
        )

    def wald(self, terms: Sequence[Term]) -> tuple[float, int, float]:
        """Return the chi-square that some coefficients are all 0, its degrees of freedom, p."""
        from scipy.special import chdtrc

        at = [self.terms.index(t) for t in terms]
        b, v = self.coefficients[at], self.covariance[np.ix_(at, at)]
        statistic = float(b @ np.linalg.solve(v, b))
        return statistic, len(at), float(chdtrc(len(at), statistic))

    def kept(self, months: pd.DataFrame, share: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean share kept, 0 to 1, and its gradient.

        ``months`` has a row per person and month, person after person, ``share`` the weight of each
        person; retention is the product over months of one less the hazard.
        """
        x = design(months, self.terms)
        rate = np.exp(np.clip(x @ self.coefficients, -700, 700))
        steps, slope = (
            (rate, rate) if self.link == "cloglog" else (np.log1p(rate), rate / (1 + rate))
        )
        people = len(share)
        each = np.exp(-steps.reshape(people, -1).sum(axis=1))
        load = (share * each)[:, None] * slope.reshape(people, -1)
        return float(share @ each), -(load.ravel() @ x)


def discrete_hazard(
    counts: pd.DataFrame,
    *,
    covariates: Sequence[str],
    link: Link = "cloglog",
    baseline: Baseline = "merged",
    level: float = 0.95,
) -> MonthlyHazard:
    """Fit the hazard of leaving in each month, on counts of customers with like covariates.

    Parameters
    ----------
    counts : DataFrame
        One row per pattern and month: ``month`` (1 is the first), ``at_risk``, ``exits``, and the
        covariates, as :func:`count_months` makes it.
    covariates : list of str
        Columns: numbers as they are, categorical and text ones by levels (the first is compared
        with). They may change from month to month.
    link : {"cloglog", "logit"}
        cloglog gives hazard ratios, the grouped form of Cox's model; logit gives odds ratios.
    baseline : {"merged", "free"}
        Whether neighbouring months share a parameter until each has ten exits, or every month with
        an exit has its own.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    MonthlyHazard

    Raises
    ------
    ColumnError
        A column is not there.
    QuestionError
        Nobody left, or a level in which nobody left or everybody did: it has no finite ratio.

    Notes
    -----
    Binomial model of exits among those at risk; statsmodels' GLM fits it, with its tolerance
    tightened to 1e-10. Counts give the estimates and errors of one row per customer and month.
    Months without an exit say nothing where each has its own parameter, and are left out; so is a
    level that says what earlier columns said (a region within its country).

    References
    ----------
    Prentice, R. L. and Gloeckler, L. A. (1978). Regression analysis of grouped survival data.
    Biometrics 34, 57-67. doi:10.2307/2529588

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> counts = pd.DataFrame({
    ...     "band": ["poor", "poor", "good", "good"],
    ...     "month": [1, 2, 1, 2],
    ...     "at_risk": [200, 170, 300, 280],
    ...     "exits": [30, 20, 20, 15],
    ... })
    >>> model = cx.discrete_hazard(counts, covariates=["band"])
    >>> print(model.ratio("band", "poor", n=500))
    hazard ratio, band: poor 2.32 (95 % interval 1.51 to 3.58, n = 500; discrete-time hazard
    (cloglog), Wald on the log scale)
    """
    from statsmodels.genmod.families import Binomial, links
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    level = check_level(level)
    check_choice("link", link, get_args(Link))
    check_choice("baseline", baseline, get_args(Baseline))
    need_columns(counts, ["month", "at_risk", "exits", *covariates], asked="discrete_hazard")
    exits = int(counts["exits"].sum())
    if not exits:
        raise QuestionError("discrete_hazard: nobody left; there is no hazard to model.")
    terms = [*_spans(counts, baseline), *_levels(counts, covariates)]
    if baseline == "free":
        gone = counts.groupby("month")["exits"].sum()
        counts = counts[counts["month"].isin(gone.index[gone > 0])]
    _finite(counts, terms)
    x = design(counts, terms)
    kept = independent(x)
    terms, x = [terms[j] for j in kept], x[:, kept]
    y = np.column_stack([counts["exits"], counts["at_risk"] - counts["exits"]]).astype(float)
    family = Binomial(link=links.CLogLog() if link == "cloglog" else links.Logit())
    # As many patterns as terms, as within one month, are fitted exactly: that is no separation.
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        if x.shape[0] <= x.shape[1]:
            warnings.simplefilter("ignore", PerfectSeparationWarning)
        fitted = GLM(y, x, family=family).fit(tol=1e-10, maxiter=200)
    coefficients = np.asarray(fitted.params, float)
    covariance = np.asarray(fitted.cov_params(), float)
    frame = _frame(terms, coefficients, covariance, level)
    at_risk = round(float(counts["at_risk"].sum()))
    rate = np.exp(x @ coefficients)
    leave = -np.expm1(-rate) if link == "cloglog" else rate / (1 + rate)
    kind = "Hazard" if link == "cloglog" else "Odds"
    return MonthlyHazard(
        link=link,
        terms=tuple(terms),
        coefficients=coefficients,
        covariance=covariance,
        frame=frame,
        log_likelihood=float(y[:, 0] @ np.log(leave) + y[:, 1] @ np.log1p(-leave)),
        customer_months=at_risk,
        exits=exits,
        level=level,
        table=Table.of(
            frame,
            caption=f"{kind} ratios of leaving in a month (discrete-time hazard, {link}), "
            f"n = {at_risk:,} customer-months, {exits:,} exits. Above 1: leaves more often.",
            columns=[
                ("Term", "term", "text"),
                (f"{kind} ratio", "value", "ratio"),
                (f"{markup.percent_label(level)} interval", "low..high", "ratio"),
            ],
        ),
    )


def retention_difference(
    model: MonthlyHazard,
    people: pd.DataFrame,
    *,
    column: str,
    a: object,
    b: object,
    horizon: int,
    names: tuple[str, str],
    derive: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> Difference:
    """Return mean retention at the horizon with everyone at ``a``, less that at ``b``, in points.

    ``people`` has a row per pattern with ``n`` customers; ``derive`` adds what changes by month.
    Standard error by the delta method, the customers held fixed.
    """
    share = people["n"].to_numpy(float) / float(people["n"].sum())
    (mean_a, grad_a), (mean_b, grad_b) = (
        model.kept(months_of(_set(people, column, v), horizon, derive), share) for v in (a, b)
    )
    gradient = grad_a - grad_b
    value, se = (
        100 * (mean_a - mean_b),
        100 * float(np.sqrt(gradient @ model.covariance @ gradient)),
    )
    z = -float(ndtri((1 - model.level) / 2))
    n = people.groupby(people[column].astype(str))["n"].sum()
    return Difference(
        metric=f"Retention {markup.counted(horizon, 'month')} after the landmark",
        measured_in="percentage points",
        a=names[0],
        b=names[1],
        value=value,
        low=value - z * se,
        high=value + z * se,
        se=se,
        p=float(2 * ndtr(-abs(value) / se)) if se > 0 else None,
        level=model.level,
        n_a=int(n.get(str(a), 0)),
        n_b=int(n.get(str(b), 0)),
        n_missing=0,
        method=f"average over the customers of a discrete-time hazard ({model.link}), delta method",
    )


def _set(people: pd.DataFrame, column: str, value: Any) -> pd.DataFrame:
    """Return people with one column the same for everybody."""
    changed = people.copy(deep=False)
    changed[column] = value
    return changed


def months_of(
    people: pd.DataFrame,
    horizon: int,
    derive: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Return each pattern of people once for every month up to the horizon, people after people."""
    rows = people.loc[people.index.repeat(horizon)].reset_index(drop=True)
    rows["month"] = np.tile(np.arange(1, horizon + 1), len(people))
    return rows if derive is None else derive(rows)


def design(rows: pd.DataFrame, terms: Sequence[Term]) -> np.ndarray:
    """Return the design matrix: built from values, never from a formula."""
    x = np.zeros((len(rows), len(terms)))
    words: dict[str, Any] = {}
    for j, (column, value) in enumerate(terms):
        if column == "month" and isinstance(value, tuple):
            x[:, j] = rows["month"].between(*value)
        elif value is None:
            x[:, j] = rows[column].to_numpy(float)
        else:
            if column not in words:
                words[column] = _words(rows[column])
            codes, places = words[column]
            x[:, j] = codes == places.get(str(value), -2)
    return x


def _words(column: pd.Series) -> tuple[np.ndarray, dict[str, int]]:
    """Return a column's levels as codes, and the code of each level's name."""
    known = column.astype("category").cat
    return known.codes.to_numpy(int), {str(c): i for i, c in enumerate(known.categories)}


def _spans(counts: pd.DataFrame, baseline: Baseline) -> list[Term]:
    """Return the spans of months that share a parameter."""
    exits = counts.groupby("month")["exits"].sum()
    if baseline == "free":
        return [("month", (int(str(m)), int(str(m)))) for m, n in exits.items() if n > 0]
    ends, running = [], 0
    for month, n in exits.items():
        running += int(n)
        if running >= EXITS_PER_PARAMETER:
            ends.append(int(str(month)))
            running = 0
    ends = ends or [int(exits.index.max())]
    starts = [1, *[m + 1 for m in ends[:-1]]]
    return [("month", span) for span in zip(starts, [*ends[:-1], OPEN], strict=True)]


def _levels(counts: pd.DataFrame, covariates: Sequence[str]) -> list[Term]:
    """Return the terms of the covariates; a column in which nothing differs has none."""
    terms: list[Term] = []
    for name in covariates:
        column = counts[name]
        if pd.api.types.is_numeric_dtype(column):
            terms += [(name, None)] if np.ptp(column.to_numpy(float)) > 0 else []
            continue
        order = (
            [str(v) for v in column.cat.categories]
            if isinstance(column.dtype, pd.CategoricalDtype)
            else sorted(column.astype(str).unique())
        )
        there = set(column.astype(str).unique())
        terms += [(name, v) for v in [v for v in order if v in there][1:]]
    return terms


def _finite(counts: pd.DataFrame, terms: Sequence[Term]) -> None:
    """Refuse levels in which nobody left, or everybody at once: they have no finite ratio."""
    for name in {c for c, v in terms if v is not None and c != "month"}:
        exits = counts.groupby(counts[name].astype(str))[["exits", "at_risk"]].sum()
        bare = exits.index[(exits["exits"] == 0) | (exits["exits"] == exits["at_risk"])]
        if len(bare):
            raise QuestionError(
                f"discrete_hazard: {name} {bare[0]!r} has {int(exits.loc[bare[0], 'exits']):,} "
                f"exits in {int(exits.loc[bare[0], 'at_risk']):,} customer-months, so its ratio "
                "has no finite estimate.\n  Pool that level with another, or leave it out."
            )


def _frame(
    terms: Sequence[Term], coefficients: np.ndarray, covariance: np.ndarray, level: float
) -> pd.DataFrame:
    """Return one row per term that is not a month."""
    at = [i for i, (column, _) in enumerate(terms) if column != "month"]
    b, se = coefficients[at], np.sqrt(np.diag(covariance))[at]
    z = -float(ndtri((1 - level) / 2))
    return pd.DataFrame(
        {
            "term": [_said(*terms[i]) for i in at],
            "coefficient": b,
            "se": se,
            "value": np.exp(b),
            "low": np.exp(b - z * se),
            "high": np.exp(b + z * se),
            "p": 2 * ndtr(-np.abs(b) / se),
        }
    )


def _said(column: str, value: object) -> str:
    """Name a term."""
    return column if value is None else f"{column}: {value}"

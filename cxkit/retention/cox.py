"""Cox's model on start-stop rows or on counts of months: hazard ratios with Efron's ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from cxkit import markup
from cxkit.errors import DataError, QuestionError
from cxkit.metrics.answers import check_level, need_columns
from cxkit.results import Estimate, Table
from cxkit.retention.partial import independent, maximise, residuals, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cxkit.retention.partial import Ties


@dataclass(frozen=True, slots=True, kw_only=True)
class Cox:
    """A fitted Cox model.

    Attributes
    ----------
    terms : tuple of str
        A numeric column by its name; a level of a categorical one as ``column: level``.
    coefficients, covariance : ndarray
        On the log hazard-ratio scale; the covariance is by cluster where a cluster was given.
    model_covariance : ndarray
        As if no two rows were of one customer.
    frame : DataFrame
        One row per term: term, coefficient, se, value (the ratio), low, high, p.
    null, log_likelihood : float
        Without the terms and with them.
    n, exits : int
        Customers (clusters, else rows) and those who left.
    table : Table
    """

    terms: tuple[str, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    model_covariance: np.ndarray
    frame: pd.DataFrame
    null: float
    log_likelihood: float
    n: int
    n_missing: int
    exits: int
    level: float
    method: str
    table: Table

    def ratio(self, term: str) -> Estimate:
        """Return the hazard ratio of one term: of a level against the first, or of one unit."""
        return self.contrast({term: 1.0}, metric=term)

    def contrast(self, weights: Mapping[str, float], *, metric: str) -> Estimate:
        """Return exp of a weighted sum of coefficients as a hazard ratio, Wald on the log scale."""
        unknown = [t for t in weights if t not in self.terms]
        if unknown:
            raise QuestionError(
                f"cox: {unknown[0]!r} is not a term of this model.\n"
                f"  Its terms: {', '.join(self.terms)}."
            )
        w = np.array([weights.get(t, 0.0) for t in self.terms])
        b, se = float(w @ self.coefficients), float(np.sqrt(w @ self.covariance @ w))
        z = -float(ndtri((1 - self.level) / 2))
        return Estimate(
            metric=f"hazard ratio, {metric}",
            measured_in="ratio",
            value=float(np.exp(b)),
            low=float(np.exp(b - z * se)),
            high=float(np.exp(b + z * se)),
            se=float(np.exp(b)) * se,
            level=self.level,
            n=self.n,
            n_missing=self.n_missing,
            method=self.method,
        )


def cox(
    rows: pd.DataFrame,
    *,
    covariates: Sequence[str],
    start: str = "start",
    stop: str = "stop",
    left: str = "left",
    weight: str = "",
    strata: Sequence[str] = (),
    cluster: str = "",
    ties: Ties = "efron",
    level: float = 0.95,
) -> Cox:
    """Fit Cox's model: how many times as often one group leaves as another, at every time.

    Parameters
    ----------
    rows : DataFrame of shape (n, k)
        One row per customer, or per episode of a customer: at risk in (start, stop].
    covariates : list of str
        Columns: numeric ones as they are, categorical and text ones by levels (the first, in order,
        is what the others are compared with).
    start, stop : str
        Columns of times from the origin, in one unit. ``start=""``: everybody from 0 on.
    left : str
        Column, true where the row ended with leaving at ``stop``.
    weight : str
        Column of how many like rows each stands for; "" is one.
    strata : list of str
        Columns within whose groups people are compared, each group with its own baseline.
    cluster : str
        Column of whose row it is: errors then allow for what rows of one customer share.
    ties : {"efron", "breslow"}
        How customers who leave at the same time are treated.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    Cox

    Raises
    ------
    ColumnError
        A column is not there.
    DataError
        A row ends at or before its start.
    QuestionError
        Nobody left, nothing to compare, or a ratio that has no finite estimate.

    Notes
    -----
    h(t | x) = h0(t) exp(x'b). A row that starts at t is not at risk at t: it would be counted twice
    where one episode follows another (``statsmodels``' PHReg does so unless its ``entry`` is moved
    on, and its default ties are Breslow's; here they are Efron's). With Breslow's ties and months
    as times, rows weighted by counts give the estimates and errors of a Poisson model of the counts
    with one parameter a month. Errors by cluster are Lin and Wei's, without a small-sample factor.
    Rows with a missing value are dropped and counted; a level that says what earlier columns said
    (a region within its country) is left out.

    References
    ----------
    Cox, D. R. (1972). Regression models and life-tables. Journal of the Royal Statistical Society B
    34, 187-202. doi:10.1111/j.2517-6161.1972.tb00899.x

    Efron, B. (1977). The efficiency of Cox's likelihood function for censored data. Journal of the
    American Statistical Association 72, 557-565. doi:10.1080/01621459.1977.10480613

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> rows = pd.DataFrame({
    ...     "stop": [3, 5, 6, 8, 9, 12, 14, 20],
    ...     "left": [1, 1, 1, 1, 1, 0, 1, 0],
    ...     "band": ["poor", "poor", "good", "poor", "good", "poor", "good", "good"],
    ... })
    >>> print(cx.cox(rows, covariates=["band"], start="").ratio("band: poor"))
    hazard ratio, band: poor 2.50 (95 % interval 0.40 to 15.40, n = 8; Cox, Efron ties)
    """
    level = check_level(level)
    named = [*covariates, stop, left, *strata, *filter(None, (start, weight, cluster))]
    need_columns(rows, named, asked="cox")
    used = rows.dropna(subset=named)
    begin = used[start].to_numpy(float) if start else np.full(len(used), -np.inf)
    end, gone = used[stop].to_numpy(float), used[left].to_numpy(bool)
    count = used[weight].to_numpy(float) if weight else None
    if (end <= begin).any():
        at = int(np.flatnonzero(end <= begin)[0])
        raise DataError(
            f"cox, row {used.index[at]}: it ends at {end[at]:g} but starts at {begin[at]:g} "
            f"({int((end <= begin).sum()):,} of {len(used):,} rows).\n  A row is at risk after its "
            "start and up to its end; write a duration of zero as half a unit."
        )
    if not gone.any():
        raise QuestionError(f"cox: nobody left in {len(used):,} rows; there is no ratio to give.")
    x, terms = columns(used, covariates)
    kept = independent(x - x.mean(axis=0)) if terms else []
    x, terms = x[:, kept], [terms[j] for j in kept]
    if not terms:
        raise QuestionError(
            f"cox: nothing differs in {', '.join(covariates)}.\n  Give a column with two values."
        )
    group = None
    if strata:
        group = np.asarray(used.groupby(list(strata), observed=True).ngroup(), dtype=np.int64)
    ranked = rows_of(x, begin, end, gone, weight=count, strata=group, ties=ties)
    found = maximise(ranked)
    covariance, method = found.covariance, f"Cox, {ties.title()} ties"
    people = len(used) if count is None else round(float(count.sum()))
    if cluster:
        pulls = pd.DataFrame(residuals(ranked, found.coefficients))
        summed = pulls.groupby(used[cluster].to_numpy(), sort=False).sum().to_numpy()
        covariance = found.covariance @ (summed.T @ summed) @ found.covariance
        method, people = f"{method}, errors by {cluster}", len(summed)
    frame = _frame(terms, found.coefficients, covariance, level)
    exits = round(float(ranked.exits.sum()))
    return Cox(
        terms=tuple(terms),
        coefficients=found.coefficients,
        covariance=covariance,
        model_covariance=found.covariance,
        frame=frame,
        null=found.null,
        log_likelihood=found.log_likelihood,
        n=people,
        n_missing=len(rows) - len(used),
        exits=exits,
        level=level,
        method=method,
        table=Table.of(
            frame,
            caption=f"Hazard ratios of leaving ({method}), n = {people:,}, of whom {exits:,} left. "
            "Above 1: leaves more often.",
            columns=[
                ("Term", "term", "text"),
                ("Hazard ratio", "value", "ratio"),
                (f"{markup.percent_label(level)} interval", "low..high", "ratio"),
            ],
        ),
    )


def columns(rows: pd.DataFrame, covariates: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Return the design without an intercept: numbers as they are, words by levels."""
    found: list[np.ndarray] = []
    terms: list[str] = []
    for name in covariates:
        column = rows[name]
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            values = column.to_numpy(float)
            if len(values) and np.ptp(values) > 0:
                found.append(values)
                terms.append(name)
            continue
        words = pd.Categorical(column) if column.dtype == object else column.astype("category").cat
        codes, levels = words.codes, list(words.categories)
        there = [i for i in range(len(levels)) if (codes == i).any()]
        for i in there[1:]:
            found.append((np.asarray(codes) == i).astype(float))
            terms.append(f"{name}: {levels[i]}")
    return (np.column_stack(found) if found else np.zeros((len(rows), 0))), terms


def _frame(
    terms: Sequence[str], coefficients: np.ndarray, covariance: np.ndarray, level: float
) -> pd.DataFrame:
    """Return one row per term with its ratio, Wald limits on the log scale, and p."""
    se = np.sqrt(np.diag(covariance))
    z = -float(ndtri((1 - level) / 2))
    return pd.DataFrame(
        {
            "term": list(terms),
            "coefficient": coefficients,
            "se": se,
            "value": np.exp(coefficients),
            "low": np.exp(coefficients - z * se),
            "high": np.exp(coefficients + z * se),
            "p": 2 * ndtr(-np.abs(coefficients) / se),
        }
    )

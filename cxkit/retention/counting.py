"""Counts per customer with exposure: a Poisson model on sums, its overdispersion checked."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxkit.metrics.families import holm
from cxkit.results import Difference
from cxkit.retention import newton

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

#: Happenings that each coefficient, and each level of what is held equal, needs.
EVENTS_PER_PARAMETER = 10

#: Level at which counts are taken for overdispersed (one-sided).
ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class CountModel:
    """A fitted rate: log link, exposure as offset, variance mu or dispersion times mu.

    Attributes
    ----------
    terms : tuple of (column, level)
        Of the coefficients after the constant.
    coefficients, covariance : ndarray
        On the log rate-ratio scale, the constant first; the covariance with the dispersion in use.
    dispersion : float
        Pearson's chi-square by its degrees of freedom, over customers.
    p_dispersion : float
        Of Dean's test against Poisson, one-sided.
    quasi : bool
        Whether the dispersion is used.
    """

    terms: tuple[tuple[str, str], ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    dispersion: float
    p_dispersion: float
    quasi: bool
    adjusted_for: tuple[str, ...]
    n: int
    level: float

    @property
    def method(self) -> str:
        """Return how the ratio is made."""
        kind = "quasi-Poisson" if self.quasi else "Poisson"
        return f"{kind} rate with exposure, Wald on the log scale"

    def ratio(self, a: str, b: str, *, n_a: int, n_b: int) -> Difference:
        """Return the rate of band ``a`` by that of band ``b``; without effect it is 1."""
        from scipy.stats import norm

        pick = np.zeros(len(self.coefficients))
        for band, sign in ((a, 1.0), (b, -1.0)):
            if ("band", band) in self.terms:
                pick[1 + self.terms.index(("band", band))] += sign
        log = float(pick @ self.coefficients)
        se = float(np.sqrt(pick @ self.covariance @ pick))
        z = float(norm.isf((1 - self.level) / 2))
        return Difference(
            metric="Rate ratio of orders",
            measured_in="ratio",
            a=a,
            b=b,
            value=float(np.exp(log)),
            low=float(np.exp(log - z * se)),
            high=float(np.exp(log + z * se)),
            se=se * float(np.exp(log)),
            p=float(2 * norm.sf(abs(log) / se)),
            level=self.level,
            n_a=n_a,
            n_b=n_b,
            n_missing=0,
            method=self.method,
            null=1.0,
        )


def sums(people: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return, for each pattern, all that the model needs of its customers.

    Columns: those of ``by``, then n, y (happenings), e (exposure), and sums of yy, ye, ee, y^2/e.
    """
    y, e = people["count"].to_numpy(float), people["exposure"].to_numpy(float)
    parts = people[list(by)].assign(n=1, y=y, e=e, yy=y * y, ye=y * e, ee=e * e, y2_by_e=y * y / e)
    return parts.groupby(list(by), observed=True, sort=True).sum().reset_index()


def fit_rate(
    people: pd.DataFrame, *, bands: Sequence[str], adjust: Sequence[str], level: float
) -> CountModel:
    """Fit the rate of happenings on experience band and what is held equal.

    Parameters
    ----------
    people : DataFrame
        One row per customer: band (text), count, exposure (years, above 0), columns of ``adjust``.
    bands : sequence of str
        The first is the reference.
    adjust : sequence of str
        Categorical columns held equal; levels with fewer than ten happenings are pooled.
    level : float
        Level of the intervals.

    Returns
    -------
    CountModel

    Notes
    -----
    Poisson GLM with log link and offset log(exposure) on the sums of each pattern, which are
    sufficient: estimates and errors are those of the customers' rows, and of statsmodels' GLM on
    them to 1e-8 (`newton`, since a page fits the model once for each gap). Overdispersion is tested
    by Dean's score statistic T = sum((y - mu)^2 - y) / sqrt(2 sum mu^2); where it rejects at 5 %,
    the covariance is multiplied by Pearson's dispersion (quasi-Poisson).

    References
    ----------
    Dean, C. B. (1992). Testing for overdispersion in Poisson and binomial regression models.
    Journal of the American Statistical Association 87, 451-457.
    https://doi.org/10.1080/01621459.1992.10475225
    """
    from scipy.stats import norm

    pooled = people.assign(**{c: _pooled(people, c) for c in adjust})
    kept = [c for c in adjust if len(pooled[c].unique()) > 1]
    cells = sums(pooled, ["band", *kept])
    terms: list[tuple[str, str]] = [("band", b) for b in bands[1:]]
    for column in kept:
        terms += [(column, v) for v in sorted(cells[column].unique())[1:]]
    x = np.column_stack([np.ones(len(cells)), *[(cells[c] == v).astype(float) for c, v in terms]])
    y, e = cells["y"].to_numpy(float), cells["e"].to_numpy(float)
    coefficients, covariance, _ = newton.rate(x, y, e)
    rate = np.exp(x @ coefficients)
    pearson = float((cells["y2_by_e"] / rate - 2 * y + rate * e).sum())
    squares = (cells["yy"] - 2 * rate * cells["ye"] + rate**2 * cells["ee"]).sum()
    statistic = (squares - y.sum()) / np.sqrt(2 * (rate**2 * cells["ee"]).sum())
    p = float(norm.sf(statistic))
    dispersion = pearson / max(len(people) - x.shape[1], 1)
    quasi = p < ALPHA and dispersion > 1
    return CountModel(
        terms=tuple(terms),
        coefficients=coefficients,
        covariance=covariance * (dispersion if quasi else 1.0),
        dispersion=dispersion,
        p_dispersion=p,
        quasi=quasi,
        adjusted_for=tuple(kept),
        n=len(people),
        level=level,
    )


def family(model: CountModel, people: pd.DataFrame, bands: Sequence[str]) -> list[Difference]:
    """Return all pairs of bands, the widest first, p adjusted by Holm."""
    n = people["band"].value_counts()
    pairs = [(a, b) for i, b in enumerate(bands) for a in bands[i + 1 :]]
    pairs.sort(key=lambda p: bands.index(p[1]) - bands.index(p[0]))
    raw = [model.ratio(a, b, n_a=int(n[a]), n_b=int(n[b])) for a, b in pairs]
    adjusted = holm([d.p for d in raw])["p_adjusted"]
    return [
        dataclasses.replace(d, p_adjusted=float(p), family=len(raw))
        for d, p in zip(raw, adjusted, strict=True)
    ]


def negative_binomial(people: pd.DataFrame, model: CountModel, a: str, b: str) -> dict[str, object]:
    """Return the same ratio from a negative binomial model on rows, or why there is none.

    Keys: value, low, high, alpha, reason. statsmodels' NB2, by maximum likelihood.
    """
    from scipy.stats import norm
    from statsmodels.discrete.discrete_model import NegativeBinomial

    pooled = people.assign(**{c: _pooled(people, c) for c in model.adjusted_for})
    x = np.column_stack(
        [np.ones(len(pooled)), *[(pooled[c] == v).astype(float) for c, v in model.terms]]
    )
    y, e = people["count"].to_numpy(float), people["exposure"].to_numpy(float)
    start = np.append(model.coefficients, 0.1)
    nothing = {"value": None, "low": None, "high": None, "alpha": None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its convergence is read below, not from a warning
        try:
            fitted = NegativeBinomial(y, x, exposure=e).fit(
                start_params=start, disp=0, maxiter=200, method="bfgs"
            )
        except (np.linalg.LinAlgError, ValueError) as error:
            return {**nothing, "reason": f"the negative binomial model cannot be fitted: {error}"}
        converged = bool(fitted.mle_retvals["converged"])
        errors = np.asarray(fitted.bse, float)
    pick = np.zeros(x.shape[1])
    for band, sign in ((a, 1.0), (b, -1.0)):
        if ("band", band) in model.terms:
            pick[1 + model.terms.index(("band", band))] += sign
    if not converged or not np.isfinite(errors).all():
        return {**nothing, "reason": "the negative binomial model did not converge."}
    cov = np.asarray(fitted.cov_params(), float)[:-1, :-1]
    log, se = float(pick @ fitted.params[:-1]), float(np.sqrt(pick @ cov @ pick))
    z = float(norm.isf((1 - model.level) / 2))
    limits = {"low": float(np.exp(log - z * se)), "high": float(np.exp(log + z * se))}
    return {"value": float(np.exp(log)), **limits, "alpha": float(fitted.params[-1]), "reason": ""}


def parameters_needed(people: pd.DataFrame, adjust: Sequence[str]) -> int:
    """Count the coefficients beside the constant that an adjusted model would estimate."""
    levels = sum(_pooled(people, c).nunique() - 1 for c in adjust)
    return int(people["band"].nunique() - 1 + levels)


def _pooled(people: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as text, its levels with too few happenings made one; missing is a level."""
    text = people[column].astype("string").fillna("(missing)").astype(object)
    events = people["count"].groupby(text).sum()
    small = events.index[events < EVENTS_PER_PARAMETER]
    return text.where(~text.isin(small), "(small levels)") if len(small) > 1 else text

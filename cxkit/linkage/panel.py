"""Cross-lagged panels by maximum likelihood on the covariance, with and without stable traits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxkit.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Scoring stops when no coefficient moves by more than this share of its standard error.
_SETTLED = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelFit:
    """A fitted cross-lagged panel of two series, x and y.

    Attributes
    ----------
    names : tuple of str
        One per coefficient: ``x2~y1`` is y at the first wave on x at the second; ``x~y`` where lags
        are equal over time; variances and covariances carry ``~~``.
    values, errors : ndarray
        Estimates and standard errors (expected information).
    chi2, df : float, int
        Likelihood-ratio test against the saturated covariance.
    log_likelihood : float
        Up to a constant of the data: for comparing models of the same moments.
    proper : bool
        Whether every estimated covariance matrix is positive definite.
    n, waves : int
        Units and waves.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    chi2: float
    df: int
    log_likelihood: float
    proper: bool
    n: int
    waves: int

    def value(self, name: str) -> float:
        """Return the estimate of one coefficient."""
        return float(self.values[self.names.index(name)])

    def error(self, name: str) -> float:
        """Return the standard error of one coefficient."""
        return float(self.errors[self.names.index(name)])

    @property
    def p(self) -> float:
        """Return how often chance alone would leave a model that is true this far from the data."""
        from scipy.stats import chi2

        return float(chi2.sf(self.chi2, self.df))


def fit_panel(
    covariance: NDArray[np.float64],
    *,
    n: int,
    stable: bool = True,
    equal_lags: bool = False,
    without: Sequence[str] = (),
) -> PanelFit:
    """Fit a (random-intercept) cross-lagged panel model to a covariance matrix.

    Parameters
    ----------
    covariance : ndarray, shape (2 waves, 2 waves)
        Maximum-likelihood covariance (divisor n) of x1, y1, x2, y2, ...: waves side by side.
    n : int
        Units behind it.
    stable : bool
        Whether each series has a stable trait of the unit (RI-CLPM) or not (CLPM).
    equal_lags : bool
        Whether the four lags are the same between all waves.
    without : sequence of str
        Lags held at zero: ``"x~y"`` or ``"y~x"``.

    Returns
    -------
    PanelFit

    Raises
    ------
    QuestionError
        If there are too few waves for the model, the covariance is singular, or the likelihood has
        no maximum that scoring finds.

    Notes
    -----
    x_t = trait_x + w_t, w_t = a w_{t-1} + b v_{t-1} + e_t, likewise y with v; traits and first
    deviations have free covariances, and the two innovations of a wave may correlate. Means of the
    waves are free, so that shocks common to all units drop out. With F = log|S(t)| + tr(S S(t)^-1)
    - log|S| - p the statistic is n F. Fitted by Fisher scoring with halved steps; standard errors
    from the expected information, as lavaan's default.

    References
    ----------
    Hamaker, E. L., Kuiper, R. M. and Grasman, R. P. P. P. (2015). A critique of the cross-lagged
    panel model. Psychological Methods 20, 102-116. https://doi.org/10.1037/a0038889

    Examples
    --------
    >>> carried = [[1, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 1]]
    >>> both = np.kron(carried, [[1, 0.3], [0.3, 1]])  # each follows itself, neither the other
    >>> fit = fit_panel(both, n=200, stable=False, equal_lags=True)
    >>> fit.df, round(fit.value("x~x"), 2), abs(round(fit.value("y~x"), 2))
    (8, 0.5, 0.0)
    """
    sample = np.asarray(covariance, float)
    waves = len(sample) // 2
    if waves < (3 if stable else 2):
        need = "three" if stable else "two"
        raise QuestionError(f"A panel with {waves} waves cannot be fitted: it takes {need}.")
    sign, log_det = np.linalg.slogdet(sample)
    if sign <= 0:
        raise QuestionError(
            f"The covariance of {2 * waves} scores over {n} units is singular.\n  Merge waves, or "
            "find the two that repeat each other."
        )
    model = _Model(waves, stable=stable, equal_lags=equal_lags, without=tuple(without))
    theta, implied, information = _score(model, sample, n)
    fit = _discrepancy(implied, sample) - log_det - 2 * waves
    inverse = np.linalg.inv(information)
    return PanelFit(
        names=model.names,
        values=theta,
        errors=np.sqrt(np.clip(np.diag(inverse), 0, None)),
        chi2=float(max(n * fit, 0.0)),
        df=waves * (2 * waves + 1) - len(theta),
        log_likelihood=float(-n / 2 * fit),
        proper=model.proper(theta),
        n=n,
        waves=waves,
    )


def likelihood_ratio(full: PanelFit, restricted: PanelFit) -> tuple[float, float]:
    """Return the likelihood-ratio statistic of a restriction and its p-value."""
    from scipy.stats import chi2

    statistic = max(restricted.chi2 - full.chi2, 0.0)
    return statistic, float(chi2.sf(statistic, restricted.df - full.df))


class _Model:
    """Where each coefficient stands in the matrices of lags and of (co)variances."""

    def __init__(
        self, waves: int, *, stable: bool, equal_lags: bool, without: tuple[str, ...]
    ) -> None:
        self.waves, self.stable = waves, stable
        first = 2 if stable else 0
        self.size = first + 2 * waves
        self.loadings = np.zeros((2 * waves, self.size))
        self.loadings[:, first:] = np.eye(2 * waves)
        if stable:
            self.loadings[0::2, 0] = self.loadings[1::2, 1] = 1
        names: list[str] = []
        self.lags: list[list[tuple[int, int]]] = []
        for to, of in ((0, 0), (0, 1), (1, 0), (1, 1)):
            plain = f"{'xy'[to]}~{'xy'[of]}"
            if plain in without:
                continue
            cells = [(first + 2 * t + to, first + 2 * (t - 1) + of) for t in range(1, waves)]
            if equal_lags:
                names.append(plain)
                self.lags.append(cells)
            else:
                names += [f"{'xy'[to]}{t + 1}~{'xy'[of]}{t}" for t in range(1, waves)]
                self.lags += [[cell] for cell in cells]
        self.spread: list[tuple[int, int]] = []
        self.blocks = list(range(0, self.size, 2))
        for start in self.blocks:
            label = "trait" if stable and start == 0 else str((start - first) // 2 + 1)
            for i, j in ((0, 0), (0, 1), (1, 1)):
                names.append(f"{'xy'[i]}{label}~~{'xy'[j]}{label}")
                self.spread.append((start + i, start + j))
        self.names = tuple(names)

    def start(self, sample: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return plausible first values: a third of what waves share is stable."""
        x, y = sample[0::2, 0::2], sample[1::2, 1::2]
        off = ~np.eye(self.waves, dtype=bool)
        common = [max(float(s[off].mean()), 0.02 * float(np.diag(s).mean())) for s in (x, y)]
        trait = [0.6 * c if self.stable else 0.0 for c in common]
        lags = [0.2 if n[0] == n.split("~")[1][0] else 0.0 for n in self.names[: len(self.lags)]]
        spread = []
        for i, j in self.spread:
            if self.stable and i < 2:
                spread.append(trait[i] if i == j else 0.0)
                continue
            row, column = i - (2 if self.stable else 0), j - (2 if self.stable else 0)
            value = sample[row, column]
            spread.append(max(value - trait[row % 2], 0.3 * value) if i == j else 0.0)
        return np.array(lags + spread)

    def matrices(
        self, theta: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return total effects, innovations' covariance, and the implied covariance."""
        b, s = np.zeros((self.size, self.size)), np.zeros((self.size, self.size))
        for value, cells in zip(theta, self.lags, strict=False):
            for i, j in cells:
                b[i, j] = value
        for value, (i, j) in zip(theta[len(self.lags) :], self.spread, strict=True):
            s[i, j] = s[j, i] = value
        total = np.asarray(np.linalg.inv(np.eye(self.size) - b), np.float64)
        reach = self.loadings @ total
        return total, s, reach @ s @ reach.T

    def slopes(self, total: NDArray[np.float64], s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of the implied covariance by each coefficient."""
        reach = self.loadings @ total
        carried = total @ s @ reach.T
        found = []
        for cells in self.lags:
            half = sum(np.outer(reach[:, i], carried[j]) for i, j in cells)
            found.append(half + np.transpose(half))
        for i, j in self.spread:
            half = np.outer(reach[:, i], reach[:, j])
            found.append(half if i == j else half + half.T)
        return np.array(found)

    def proper(self, theta: NDArray[np.float64]) -> bool:
        """Tell whether traits and innovations have positive definite covariances."""
        _, s, _ = self.matrices(theta)
        blocks = [s[k : k + 2, k : k + 2] for k in self.blocks]
        return all(np.linalg.eigvalsh(block)[0] > 0 for block in blocks)


def _score(
    model: _Model, sample: NDArray[np.float64], n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Climb to the maximum by Fisher scoring; a step that does not help is halved."""
    theta = model.start(sample)
    total, s, implied = model.matrices(theta)
    now = _discrepancy(implied, sample)
    for _ in range(300):
        slopes = model.slopes(total, s)
        inverse = np.linalg.inv(implied)
        weighted = inverse @ slopes
        information = n / 2 * np.einsum("aij,bji->ab", weighted, weighted)
        gradient = n / 2 * np.einsum("aij,ji->a", weighted, inverse @ (sample - implied))
        step = np.linalg.lstsq(information, gradient, rcond=None)[0]
        spread = np.sqrt(np.clip(np.diag(np.linalg.pinv(information)), 1e-300, None))
        if float(np.max(np.abs(step) / spread)) < _SETTLED:
            return theta, implied, np.asarray(information, np.float64)
        share = 1.0
        while share > 1e-10:
            total, s, implied = model.matrices(theta + share * step)
            then = _discrepancy(implied, sample)
            if then <= now + 1e-12:
                break
            share /= 2
        else:
            break
        theta, now = np.asarray(theta + share * step, np.float64), then
    raise QuestionError(
        f"The panel model found no maximum on {n} units and {model.waves} waves.\n"
        "  Merge waves or use more units; fewer coefficients can be told from so little."
    )


def _discrepancy(implied: NDArray[np.float64], sample: NDArray[np.float64]) -> float:
    """Return log|S(t)| + tr(S S(t)^-1), or infinity where S(t) is no covariance."""
    try:
        root = np.linalg.cholesky(implied)
    except np.linalg.LinAlgError:
        return math.inf
    log_det = 2 * float(np.log(np.diag(root)).sum())
    return log_det + float(np.trace(np.linalg.solve(implied, sample)))

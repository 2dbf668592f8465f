"""Leaving month by month: a discrete-time hazard on counts, and what it means for retention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.results import Difference, Estimate
from cxkit.retention import newton

if TYPE_CHECKING:
    from collections.abc import Sequence


#: Exits that each coefficient of the model needs before it is trusted (Peduzzi et al. 1996).
EXITS_PER_PARAMETER = 10

#: Exits that each compared group needs before any ratio is given.
FEWEST_EXITS = 5

#: Standard error of a log hazard ratio beyond which the data put no bound to it.
WILD = 5.0

#: Draws behind the limits of an effect, and their seed: fixed, and not chosen.
DRAWS, SEED = 10_000, 20260101


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """A fitted monthly hazard: complementary log-log of leaving, on counts of like customers.

    Attributes
    ----------
    bands : tuple of str
        From the poor end to the good one; the first is the reference.
    adjusted_for : tuple of str
        Columns held equal in the comparison.
    coefficients, covariance : ndarray
        On the log hazard-ratio scale; the order is that of ``terms``.
    people : DataFrame
        The design rows of the customers whose retention is averaged, with their number.
    exits, n : int
        Customers seen to leave in a month that counts, and all customers at the landmark.
    """

    bands: tuple[str, ...]
    adjusted_for: tuple[str, ...]
    terms: tuple[tuple[str, object], ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    people: pd.DataFrame
    horizon: int
    exits: int
    n: int
    level: float

    def ratio(self, band: str) -> Estimate:
        """Return the hazard ratio of a band against the poorest one."""
        from scipy.stats import norm

        i = self.terms.index(("band", band))
        b, se = self.coefficients[i], float(np.sqrt(self.covariance[i, i]))
        z = float(norm.isf((1 - self.level) / 2))
        return Estimate(
            metric=f"hazard ratio, {band} against {self.bands[0]}",
            measured_in="ratio",
            value=float(np.exp(b)),
            low=float(np.exp(b - z * se)),
            high=float(np.exp(b + z * se)),
            se=se * float(np.exp(b)),
            level=self.level,
            n=self.n,
            n_missing=0,
            method="discrete-time hazard (cloglog), Wald on the log scale",
        )

    def effect(self, a: str, b: str) -> Difference:
        """Return the mean difference in retention at the horizon, all in ``a`` minus all in ``b``.

        Notes
        -----
        For every customer at the landmark, retention is S(band) = exp(-sum over months of
        exp(x'beta)); the effect is the mean of S(a) - S(b) over those customers, each with their
        own tenure and segments, the customers held fixed. Limits are quantiles of the effect over
        draws of the coefficients from their normal distribution, and p is Wald's of the hazard
        ratio: so interval, p and hazard ratio tell the same direction, which the delta method (the
        standard error here) does not promise near zero.

        References
        ----------
        King, G., Tomz, M. and Wittenberg, J. (2000). Making the most of statistical analyses.
        American Journal of Political Science 44(2), 347-361. https://doi.org/10.2307/2669316
        """
        from scipy.stats import norm

        mean_a, grad_a = self._standardised(a)
        mean_b, grad_b = self._standardised(b)
        gradient = grad_a - grad_b
        se = 100 * float(np.sqrt(gradient @ self.covariance @ gradient))
        apart = np.array([(t == ("band", a)) - (t == ("band", b)) for t in self.terms], float)
        spread = float(np.sqrt(apart @ self.covariance @ apart))
        draws = self._draws(apart)
        drawn = 100 * (self._drawn(a, draws) - self._drawn(b, draws))
        low, high = np.quantile(drawn, [(1 - self.level) / 2, (1 + self.level) / 2])
        n_by_band = self.people.groupby("band")["n"].sum()
        return Difference(
            metric=f"Retention {markup.counted(self.horizon, 'month')} after the landmark",
            measured_in="percentage points",
            a=a,
            b=b,
            value=100 * (mean_a - mean_b),
            low=float(low),
            high=float(high),
            se=se,
            p=float(2 * norm.sf(abs(apart @ self.coefficients) / spread)) if spread > 0 else None,
            level=self.level,
            n_a=int(n_by_band.get(a, 0)),
            n_b=int(n_by_band.get(b, 0)),
            n_missing=0,
            method="average over the customers of a discrete-time hazard (cloglog), limits from "
            f"{DRAWS:,} draws of its coefficients",
        )

    def _drawn(self, band: str, draws: np.ndarray) -> np.ndarray:
        """Return mean retention with everyone in ``band`` for each draw of the coefficients."""
        months = _design(pd.DataFrame({"month": range(1, self.horizon + 1)}), self.terms)
        monthly = np.exp(months @ draws).sum(axis=0)
        x, n = np.unique(
            _design(self.people.assign(band=band, month=0), self.terms), axis=0, return_inverse=True
        )
        share = np.bincount(n.ravel(), weights=self.people["n"]) / self.people["n"].sum()
        return share @ np.exp(-np.exp(x @ draws) * monthly)

    def _draws(self, apart: np.ndarray) -> np.ndarray:
        """Return draws of the coefficients (terms x draws).

        The contrast ``apart`` takes evenly spaced quantiles, so that its own limits are exact; the
        rest is drawn given it.
        """
        from scipy.stats import norm

        way = apart * (-1.0 if apart[apart != 0][:1].sum() < 0 else 1.0)
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(values.clip(min=0))
        noise = root @ np.random.default_rng(SEED).standard_normal((len(values), DRAWS))
        variance = float(way @ self.covariance @ way)
        if variance > 0:
            even = np.sqrt(variance) * norm.ppf((np.arange(DRAWS) + 0.5) / DRAWS)
            noise += np.outer(self.covariance @ way / variance, even - way @ noise)
        return self.coefficients[:, None] + noise

    def _standardised(self, band: str) -> tuple[float, np.ndarray]:
        """Return mean retention with everyone in ``band``, and its gradient."""
        baseline = np.array([column == "month" for column, _ in self.terms])
        months = _design(pd.DataFrame({"month": range(1, self.horizon + 1)}), self.terms)
        monthly = np.exp(months @ self.coefficients)
        x = _design(self.people.assign(band=band, month=0), self.terms)
        rate = np.exp(x @ self.coefficients)
        total = rate * monthly.sum()
        gradient = total[:, None] * x + np.outer(rate, (months.T @ monthly) * baseline)
        kept = np.exp(-total)
        share = self.people["n"].to_numpy(float) / self.people["n"].sum()
        return float(share @ kept), -(share * kept) @ gradient


def person_months(spells: pd.DataFrame, *, horizon: int, by: Sequence[str]) -> pd.DataFrame:
    """Count the customers at risk and leaving in each month after the landmark, by pattern.

    A month counts where it could be followed to its end. In the month in which the data end those
    who left are seen and those who stayed are not, so neither may count: `followed` (months to the
    end of the data, whoever left) says where that is; without it only those who stayed are cut.
    """
    patterns = spells.groupby(list(by), observed=True, sort=True)
    cell = patterns.ngroup().to_numpy()
    last, gone = _months(spells, horizon)
    shape = (int(cell.max()) + 1, horizon + 1)
    ended, exits = np.zeros(shape, int), np.zeros(shape, int)
    np.add.at(ended, (cell, last), 1)
    np.add.at(exits, (cell[gone], last[gone]), 1)
    at_risk = ended[:, ::-1].cumsum(axis=1)[:, ::-1]
    keys = patterns.size().index.to_frame(index=False)
    counted = keys.loc[np.repeat(keys.index, horizon)].reset_index(drop=True)
    counted["month"] = np.tile(np.arange(1, horizon + 1), len(keys))
    counted["at_risk"], counted["exits"] = at_risk[:, 1:].ravel(), exits[:, 1:].ravel()
    return counted[counted["at_risk"] > 0].reset_index(drop=True)


def _months(spells: pd.DataFrame, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the last month that counts for each customer, and whether they left in it."""
    whole = np.floor(spells["months"].to_numpy(float)).astype(int)
    left = spells["left"].to_numpy(bool)
    if "followed" in spells:
        left = left & (whole < np.floor(spells["followed"].to_numpy(float)))
    return np.minimum(whole + left, horizon), left & (whole < horizon)


def _coarse(spells: pd.DataFrame, adjust: Sequence[str], horizon: int) -> pd.DataFrame:
    """Return the spells with bands as text and small levels pooled."""
    return spells.assign(
        band=spells["band"].astype(str), **{c: pooled(spells, c, horizon) for c in adjust}
    )


def fit(spells: pd.DataFrame, *, horizon: int, adjust: Sequence[str], level: float) -> Hazard:
    """Fit the monthly hazard of leaving on experience band and what is held equal.

    Parameters
    ----------
    spells : DataFrame
        From the clock: band, months, left, and the columns of ``adjust``.
    horizon : int
        Months after the landmark.
    adjust : sequence of str
        Categorical columns held equal: tenure band, segments.
    level : float
        Level of the intervals.

    Returns
    -------
    Hazard

    Notes
    -----
    Binomial GLM with complementary log-log link on counts, month by month (adjacent months merged
    until each step has ten exits): the grouped form of proportional hazards, by Fisher scoring;
    estimates and errors are those of statsmodels' GLM to 1e-8. Levels of a column with fewer than
    ten exits are pooled. A level that says what earlier columns said (a region within its country)
    is left out, and so is a whole column of which the data leave a coefficient without bounds, as
    where nobody left in one corner of it: `adjusted_for` names what was held equal in the end.

    References
    ----------
    Prentice, R. L. and Gloeckler, L. A. (1978). Regression analysis of grouped survival data.
    Biometrics 34, 57-67. https://doi.org/10.2307/2529588
    """
    bands = tuple(str(b) for b in spells["band"].cat.categories if (spells["band"] == b).any())
    coarse = _coarse(spells, adjust, horizon)
    cells = person_months(coarse, horizon=horizon, by=["band", *adjust])
    adjust = [c for c in adjust if len(coarse[c].unique()) > 1]
    terms = _independent(cells, _terms(cells, bands, adjust))
    x, row = np.unique(_design(cells, terms), axis=0, return_inverse=True)
    exits, at_risk = (np.bincount(row.ravel(), cells[c]) for c in ("exits", "at_risk"))
    coefficients, covariance, _ = newton.hazard(x, exits, at_risk)
    errors = np.sqrt(np.diag(covariance))
    astray = [
        (se, c) for se, (c, _) in zip(errors, terms, strict=True) if c in adjust and se > WILD
    ]
    if astray:
        fewer = [c for c in adjust if c != max(astray)[1]]
        return fit(spells, horizon=horizon, adjust=fewer, level=level)
    people = coarse.groupby(["band", *adjust], observed=True).size().rename("n").reset_index()
    return Hazard(
        bands=bands,
        adjusted_for=tuple(adjust),
        terms=tuple(terms),
        coefficients=coefficients,
        covariance=covariance,
        people=people,
        horizon=horizon,
        exits=int(cells["exits"].sum()),
        n=len(spells),
        level=level,
    )


def refits(model: Hazard, spells: pd.DataFrame, *, weights: np.ndarray) -> np.ndarray:
    """Return the coefficients of the same model under other weights of the customers.

    Parameters
    ----------
    model : Hazard
        As fitted to ``spells``: its terms, merged months and pooled levels stay what they are.
    spells : DataFrame of n rows
    weights : array of shape (draws, n)
        How often each customer is in each draw.

    Returns
    -------
    array of shape (draws, terms)
    """
    by = ["band", *model.adjusted_for]
    coarse = _coarse(spells, model.adjusted_for, model.horizon)
    patterns = coarse.groupby(by, observed=True, sort=True)
    cell, keys = patterns.ngroup().to_numpy(), patterns.size().index.to_frame(index=False)
    last, gone = _months(coarse, model.horizon)
    long = keys.loc[np.repeat(keys.index, model.horizon)].reset_index(drop=True)
    long["month"] = np.tile(np.arange(1, model.horizon + 1), len(keys))
    x, row = np.unique(_design(long, model.terms), axis=0, return_inverse=True)
    shape = (len(keys), model.horizon + 1)
    end, exit_ = cell * shape[1] + last, cell[gone] * shape[1] + last[gone]

    def counted(at: np.ndarray, w: np.ndarray, *, until: bool) -> np.ndarray:
        """Sum weights by pattern and month, of those still there or of those who left."""
        sums = np.bincount(at, w, minlength=shape[0] * shape[1]).reshape(shape)
        sums = sums[:, ::-1].cumsum(axis=1)[:, ::-1] if until else sums
        return np.bincount(row.ravel(), sums[:, 1:].ravel(), minlength=len(x))

    found = np.empty((len(weights), len(model.terms)))
    for i, w in enumerate(weights):
        at_risk = counted(end, w, until=True)
        there = at_risk > 0
        exits = counted(exit_, w[gone], until=False)
        some = x if there.all() else x[there]
        found[i] = newton.hazard_again(some, exits[there], at_risk[there], model.coefficients)
    return found


def parameters_needed(spells: pd.DataFrame, adjust: Sequence[str], horizon: int) -> int:
    """Count the coefficients beside the baseline that an adjusted model would estimate."""
    levels = [pooled(spells, c, horizon).nunique() - 1 for c in adjust]
    return int(spells["band"].nunique() - 1 + sum(levels))


def exits_within(spells: pd.DataFrame, horizon: int) -> pd.Series:
    """Return which customers left within the horizon."""
    return spells["left"] & (spells["months"] < horizon)


def pooled(spells: pd.DataFrame, column: str, horizon: int) -> pd.Series:
    """Return a column as text, its levels with too few exits made one; missing is a level.

    They take the next smallest with them until they have enough together, so that no coefficient
    rests on a handful of exits.
    """
    text = spells[column].astype("string").fillna("(missing)").astype(object)
    exits = exits_within(spells, horizon).groupby(text).sum().sort_values(kind="stable")
    few = int((exits < EXITS_PER_PARAMETER).sum())
    together = int((exits.cumsum() < EXITS_PER_PARAMETER).sum()) + 1
    small = exits.index[: max(few, together, 2)] if few else exits.index[:0]
    return text.where(~text.isin(small), "(small levels)")


def _terms(
    cells: pd.DataFrame, bands: Sequence[str], adjust: Sequence[str]
) -> list[tuple[str, object]]:
    """Name the columns of the design: merged months, bands, levels held equal."""
    exits = cells.groupby("month")["exits"].sum()
    ends, running = [], 0
    for month, n in exits.items():
        running += int(n)
        if running >= EXITS_PER_PARAMETER:
            ends.append(int(str(month)))
            running = 0
    months = ends or [int(exits.index.max())]
    months[-1] = 10**6
    starts = [1, *[m + 1 for m in months[:-1]]]
    terms: list[tuple[str, object]] = [("month", span) for span in zip(starts, months, strict=True)]
    terms += [("band", b) for b in bands[1:]]
    for column in adjust:
        terms += [(column, v) for v in sorted(cells[column].unique())[1:]]
    return terms


def _independent(cells: pd.DataFrame, terms: list[tuple[str, object]]) -> list[tuple[str, object]]:
    """Leave out terms that are sums of earlier ones; months and bands come first and stay."""
    pivots = np.abs(np.diag(np.linalg.qr(_design(cells, terms), mode="r")))
    return [term for term, pivot in zip(terms, pivots, strict=False) if pivot > 1e-8 * pivots.max()]


def _design(rows: pd.DataFrame, terms: Sequence[tuple[str, object]]) -> np.ndarray:
    """Return the design matrix: built from values, never from a formula."""
    x = np.zeros((len(rows), len(terms)))
    for j, (column, value) in enumerate(terms):
        if column not in rows:
            continue
        x[:, j] = (
            rows[column].between(*value) if isinstance(value, tuple) else rows[column] == value
        )
    return x

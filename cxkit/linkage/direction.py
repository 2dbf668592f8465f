"""Which comes first? Both lags, side by side, and why they do not settle it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cxkit.linkage.pairs import Pairs

#: Resamples of the units behind each interval of a lag, and the fewest units worth resampling.
RESAMPLES = 1000
FEWEST_UNITS = 10


def lags(pairs: Pairs, *, level: float, seed: int) -> pd.DataFrame:
    """Return both lagged correlations, between levels and within units.

    Parameters
    ----------
    pairs : Pairs
        With one row per unit and wave.
    level : float
        Level of the intervals.
    seed : int
        Of the resampling.

    Returns
    -------
    DataFrame
        One row per lag: lag, of ("levels" or "within units"), value, low, high, n (units), pairs
        (unit-waves followed by another). Last row per kind: the difference of the two lags. Empty
        where fewer than three waves or fewer than ten units follow one another, or where one side
        does not vary.

    Notes
    -----
    Within units: unit and wave means are removed first, so that stable differences between units
    and shocks common to all do not count. Intervals are percentile bootstraps over units, which
    keeps a unit's waves together. Neither kind separates stable from passing differences as a
    random-intercept cross-lagged panel does, so neither identifies direction.

    References
    ----------
    Hamaker, E. L., Kuiper, R. M. and Grasman, R. P. P. P. (2015). A critique of the cross-lagged
    panel model. Psychological Methods 20, 102-116. https://doi.org/10.1037/a0038889
    """
    if waves_followed(pairs) < 3:
        return pd.DataFrame()
    unit, wave, now, then = _steps(pairs)
    units = len(np.unique(unit[now]))
    if units < FEWEST_UNITS:
        return pd.DataFrame()
    sides = pairs.waves[["engagement", "experience"]].to_numpy(float)
    drawn = _draws(units, seed)
    rows = []
    for name, scores in (("levels", sides), ("within units", _centred(sides, unit, wave))):
        first = _moments(unit[now], scores[now, 0], scores[then, 1])
        second = _moments(unit[now], scores[now, 1], scores[then, 0])
        if np.isnan([_r(first.sum(axis=0)), _r(second.sum(axis=0))]).any():
            return pd.DataFrame()
        ends = {
            "engagement, then experience": (_r(first.sum(axis=0)), _r(drawn @ first)),
            "experience, then engagement": (_r(second.sum(axis=0)), _r(drawn @ second)),
        }
        values = list(ends.values())
        ends["difference of the two"] = (
            values[0][0] - values[1][0],
            values[0][1] - values[1][1],
        )
        tail = (1 - level) / 2
        for lag, (value, sample) in ends.items():
            low, high = np.nanquantile(sample, [tail, 1 - tail])
            rows.append(
                {
                    "lag": lag,
                    "of": name,
                    "value": float(value),
                    "low": float(low),
                    "high": float(high),
                    "n": units,
                    "pairs": len(now),
                }
            )
    return pd.DataFrame(rows)


def waves_followed(pairs: Pairs) -> int:
    """Count the waves that can be laid beside each other."""
    return int(pairs.waves["wave"].nunique()) if len(pairs.waves) else 0


def units_followed(pairs: Pairs) -> int:
    """Count the units that have both sides in a wave and in the next one."""
    if pairs.waves.empty:
        return 0
    unit, _, now, _ = _steps(pairs)
    return len(np.unique(unit[now]))


def _steps(pairs: Pairs) -> tuple[NDArray[np.int64], ...]:
    """Return the codes of unit and wave of every row, and the rows that another wave follows.

    The last two are the places of a unit's rows and of its rows in the wave after.
    """
    unit, wave = (pd.factorize(pairs.waves[key], sort=True)[0] for key in ("unit", "wave"))
    place = unit * (wave.max() + 2) + wave
    order = np.argsort(place, kind="stable")
    at = np.searchsorted(place[order], place + 1)
    there = at < len(place)
    there[there] = place[order[at[there]]] == place[there] + 1
    return unit, wave, np.flatnonzero(there), order[at[there]]


def why_none(pairs: Pairs) -> str:
    """Say in a sentence why there are no lags."""
    if pairs.wave_note:
        return f"No lag is given: {pairs.wave_note}."
    if (waves := waves_followed(pairs)) < 3:
        there = f"there {'is' if waves == 1 else 'are'} {waves}"
        return f"No lag is given: it takes three waves that have both sides; {there}."
    if units_followed(pairs) >= FEWEST_UNITS:
        return "No lag is given: one side does not vary, so nothing can follow it."
    units = markup.counted(units_followed(pairs), "unit")
    return (
        f"No lag is given: only {units} can be followed from wave to wave; it takes {FEWEST_UNITS}."
    )


def _centred(
    sides: NDArray[np.float64], unit: NDArray[np.int64], wave: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Remove unit and wave means; three rounds settle it where units miss waves."""
    out = sides.copy()
    for _ in range(3):
        for key in (unit, wave):
            for side in out.T:
                side -= (np.bincount(key, side) / np.bincount(key))[key]
    return out


def _moments(
    unit: NDArray[np.int64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return per unit: n, sums, sums of squares and of products (units x 6)."""
    code = np.unique(unit, return_inverse=True)[1]
    return np.column_stack(
        [np.bincount(code, p) for p in (np.ones(len(x)), x, y, x * x, y * y, x * y)]
    )


def _draws(units: int, seed: int) -> np.ndarray:
    """Return how often each unit is drawn in each resample."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(units, np.full(units, 1 / units), size=RESAMPLES).astype(float)


def _r(moments: np.ndarray) -> np.ndarray:
    """Return the correlation from moments, the last axis being n, x, y, xx, yy, xy."""
    n, x, y, xx, yy, xy = np.moveaxis(moments, -1, 0)
    cov, vx, vy = xy - x * y / n, xx - x * x / n, yy - y * y / n
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((vx > 1e-12) & (vy > 1e-12), cov / np.sqrt(vx * vy), np.nan)

"""Which comes first? A panel parts what units always are from what changes in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.linkage.panel import PanelFit, fit_panel, likelihood_ratio
from cxkit.metrics.answers import check_level, need_columns
from cxkit.metrics.families import holm

if TYPE_CHECKING:
    from collections.abc import Sequence

Verdict = Literal["engagement precedes", "experience precedes", "both", "cannot tell"]

#: Waves that are modelled at least and at most, and the units each score of a wave must stand on.
FEWEST_WAVES, MOST_WAVES, UNITS_PER_SCORE = 3, 6, 5

#: The two lags, in the panel's own letters: x is engagement, y is experience.
_LAGS = {"y~x": "engagement, then experience", "x~y": "experience, then engagement"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a random-intercept cross-lagged panel says of which comes first.

    Attributes
    ----------
    verdict : str
        engagement precedes, experience precedes, both, or cannot tell.
    sentence : str
        The verdict in words, with both lags.
    lags : DataFrame
        One row per lag: lag, value, low, high (in units of the later score per unit of the earlier
        one), p, p_adjusted (Holm over the two), n. Empty where no model could be fitted.
    n, dropped : int
        Units with every wave, and units set aside for missing one.
    waves, merged, early : int
        Waves modelled, how many given waves make one of them, and how many of the first given waves
        are left out because they do not fill one.
    fit : PanelFit or None
        The model with equal lags.
    """

    verdict: Verdict
    sentence: str
    lags: pd.DataFrame
    n: int
    dropped: int
    waves: int
    merged: int
    fit: PanelFit | None
    early: int = 0


def which_first(waves: pd.DataFrame, *, level: float = 0.95) -> Order:
    """Test both lags between engagement and experience within units.

    Parameters
    ----------
    waves : DataFrame
        One row per unit and wave: unit, wave (sorts in time), engagement, experience.
    level : float
        Level of the intervals; the two tests together hold the error rate 1 - level, by Holm.

    Returns
    -------
    Order

    Raises
    ------
    ColumnError
        A column is not in the frame.
    QuestionError
        ``waves`` is no frame, or ``level`` no level.

    Notes
    -----
    Random-intercept cross-lagged panel with lags equal over time and free means of the waves; each
    lag is tested by the likelihood ratio against the model without it. Adjacent waves are averaged
    in groups of one, two, three ... until 2 W <= units / 5, with W from three to six and counting
    the units that have every averaged wave; otherwise there are too few units for direction. The
    first waves that do not fill a group are left out. A unit that misses a wave is set aside. Where
    a fitted covariance is not positive definite the verdict is "cannot tell". A lag is a statement
    of what follows what within units, not yet of cause: a third thing that changes over time can
    drive both.

    References
    ----------
    Hamaker, E. L., Kuiper, R. M. and Grasman, R. P. P. P. (2015). A critique of the cross-lagged
    panel model. Psychological Methods 20, 102-116. https://doi.org/10.1037/a0038889

    Examples
    --------
    >>> two = pd.DataFrame({"unit": ["a", "a"], "wave": ["2024Q1", "2024Q2"],
    ...                     "engagement": [3.0, 3.1], "experience": [4.0, 4.2]})
    >>> which_first(two).sentence
    'Direction is not identified: 2 waves cannot part stable differences between units from change.'
    """
    level = check_level(level)
    need_columns(waves, ["unit", "wave", "engagement", "experience"], asked="which_first")
    order = sorted(waves["wave"].unique())
    if len(order) < FEWEST_WAVES:
        said = "1 wave cannot" if len(order) == 1 else f"{len(order)} waves cannot"
        return untold(
            f"Direction is not identified: {said} part stable differences between units from "
            "change.",
            waves=len(order),
        )
    units = int(waves["unit"].nunique())
    takes = f"it takes {2 * FEWEST_WAVES * UNITS_PER_SCORE:,}"
    if units < 2 * FEWEST_WAVES * UNITS_PER_SCORE:
        return untold(
            f"Too few units for direction: {markup.counted(units, 'unit')} cannot carry "
            f"{FEWEST_WAVES} waves of two scores; {takes}.",
            waves=len(order),
        )
    wide, merged = _merged(waves, order)
    n, w = len(wide), wide.shape[1] // 2
    dropped, early = units - n, len(order) - w * merged
    if n < 2 * w * UNITS_PER_SCORE:
        return untold(
            f"Too few units for direction: {n:,} of {units:,} units have every wave; {w} waves "
            f"take {2 * w * UNITS_PER_SCORE:,}.",
            waves=w,
            n=n,
            dropped=dropped,
        )
    try:
        covariance = np.cov(wide.to_numpy(float), rowvar=False, bias=True)
        full = fit_panel(covariance, n=n, equal_lags=True)
        tests = {
            lag: likelihood_ratio(full, fit_panel(covariance, n=n, equal_lags=True, without=[lag]))
            for lag in _LAGS
        }
    except QuestionError as refused:
        return replace(
            untold(
                f"Which comes first cannot be told: {str(refused).splitlines()[0]}",
                waves=w,
                n=n,
                dropped=dropped,
            ),
            merged=merged,
            early=early,
        )
    rows = _rows(full, [p for _, p in tests.values()], level)
    verdict = verdict_of(rows, 1 - level) if full.proper else "cannot tell"
    return Order(
        verdict=verdict,
        sentence=sentence(verdict, rows, waves=w, proper=full.proper),
        lags=rows,
        n=n,
        dropped=dropped,
        waves=w,
        merged=merged,
        fit=full,
        early=early,
    )


def sentence(verdict: Verdict, rows: pd.DataFrame, *, waves: int, proper: bool) -> str:
    """Say the verdict with both lags, their intervals and adjusted p."""
    said = "; ".join(
        f"{row['lag']}: {markup.quantity(row['value'], 'coefficient')} "
        f"({markup.interval(row['low'], row['high'], 'coefficient')}, "
        f"p {'<' if row['p_adjusted'] < 0.001 else '='}\u00a0"
        f"{markup.number(max(row['p_adjusted'], 0.001), 3)})"
        for row in rows.to_dict("records")
    )
    n = int(rows["n"].iloc[0])
    opening = {
        "engagement precedes": "Engagement precedes experience: within units, a change in "
        "engagement is followed by one in experience; the other way round cannot be told from zero",
        "experience precedes": "Experience precedes engagement: within units, a change in "
        "experience is followed by one in engagement; the other way round cannot be told from zero",
        "both": "Each precedes the other: within units, changes in either are followed by changes "
        "in the other",
        "cannot tell": "Which comes first cannot be told: within units, neither lag can be told "
        "from zero",
    }[verdict]
    if not proper:
        opening = (
            "Which comes first cannot be told: the model that fits these data best is not proper, "
            "its variances and covariances contradicting each other"
        )
    return (
        f"{opening} ({said}; p by Holm over both, intervals each by itself; {n:,} units, "
        f"{waves} waves)."
    )


def verdict_of(rows: pd.DataFrame, alpha: float) -> Verdict:
    """Return the verdict from the two adjusted tests, forward first."""
    told = dict(zip(rows["lag"], rows["p_adjusted"] < alpha, strict=True))
    forward, back = (told[name] for name in _LAGS.values())
    if forward and back:
        return "both"
    if forward:
        return "engagement precedes"
    return "experience precedes" if back else "cannot tell"


def _rows(full: PanelFit, p: list[float], level: float) -> pd.DataFrame:
    """Return both lags with Wald intervals and likelihood-ratio p."""
    from scipy.stats import norm

    z = float(norm.isf((1 - level) / 2))
    adjusted = holm(p)["p_adjusted"].to_numpy(float)
    return pd.DataFrame(
        [
            {
                "lag": name,
                "value": full.value(lag),
                "low": full.value(lag) - z * full.error(lag),
                "high": full.value(lag) + z * full.error(lag),
                "p": p[i],
                "p_adjusted": float(adjusted[i]),
                "n": full.n,
            }
            for i, (lag, name) in enumerate(_LAGS.items())
        ]
    )


def _merged(waves: pd.DataFrame, order: Sequence[object]) -> tuple[pd.DataFrame, int]:
    """Average as few adjacent waves as the units carry: the panel, and how many made one wave."""
    sizes = [s for s in range(1, len(order)) if FEWEST_WAVES <= len(order) // s <= MOST_WAVES]
    for size in sizes:
        wide = _wide(waves, order, size)
        if wide.shape[1] * UNITS_PER_SCORE <= len(wide):
            break
    return wide, size


def _wide(waves: pd.DataFrame, order: Sequence[object], merged: int) -> pd.DataFrame:
    """Return one row per unit that has every wave: x1, y1, x2, y2, ...; first waves too many go."""
    kept = order[len(order) % merged :]
    step = {wave: i // merged for i, wave in enumerate(kept)}
    panel = waves[waves["wave"].isin(step)].assign(t=lambda f: f["wave"].map(step))
    sides = ["engagement", "experience"]
    means = panel.pivot_table(index="unit", columns="t", values=sides, aggfunc="mean")
    both = [(side, t) for t in range(len(kept) // merged) for side in sides]
    return means[both].dropna()


def untold(sentence: str, *, waves: int, n: int = 0, dropped: int = 0) -> Order:
    """Return an order that cannot be told, with its reason."""
    return Order(
        verdict="cannot tell",
        sentence=sentence,
        lags=pd.DataFrame(),
        n=n,
        dropped=dropped,
        waves=waves,
        merged=1,
        fit=None,
    )

"""The arrow from employees: satisfaction, morale and pay band, and the experience a wave later."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.linkage.multilevel import clustered
from cxkit.linkage.waves import on_roll
from cxkit.metrics.families import holm

if TYPE_CHECKING:
    from cxkit.linkage.pairs import Pairs

#: Units that must be followed, and the unit-waves that each coefficient needs.
FEWEST_UNITS, ROWS_PER_SLOPE = 10, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Experience on what employees were like one wave earlier.

    Attributes
    ----------
    rows : DataFrame
        One row per predictor: predictor, value, low, high (points of experience per standard
        deviation), p, p_adjusted (Holm over all), n (unit-waves). Empty where it cannot be told.
    sentence : str
    units : int
    """

    rows: pd.DataFrame
    sentence: str
    units: int


def later_experience(pairs: Pairs, staff: pd.DataFrame | None, *, level: float = 0.95) -> Later:
    """Set the experience of a wave against satisfaction, morale and pay band one wave earlier.

    Parameters
    ----------
    pairs : Pairs
        With employees' answers in dated waves: satisfaction is the mean of the items of the group
        "satisfied", morale the eNPS; what was not asked is left out and named.
    staff : DataFrame or None
        Employment spells with pay_band: a unit's mean place among the bands, in the order of their
        names, of those there on the first day of a wave.
    level : float
        Level of the intervals; Holm holds the error rate over the predictors.

    Returns
    -------
    Later

    Notes
    -----
    Least squares on unit-waves with a level for each unit and each wave, all predictors together,
    each per standard deviation of what varies within units; errors clustered by unit (CR1), t on
    units - 1 degrees of freedom. Stable differences between units are thus removed; a thing that
    changes over time can still drive both. A unit-wave whose wave before is missing is left out.

    References
    ----------
    Cameron, A. C. and Miller, D. L. (2015). A practitioner's guide to cluster-robust inference.
    Journal of Human Resources 50, 317-372. https://doi.org/10.3368/jhr.50.2.317
    """
    asked, absent = _predictors(pairs, staff)
    if asked.empty:
        return Later(rows=pd.DataFrame(), sentence=f"{_OPENING}: {absent}.", units=0)
    names = [str(c) for c in asked if c not in {"unit", "wave"}]
    order = sorted(set(pairs.spans["wave"]))
    following = dict(pairwise(order))
    lagged = asked.assign(wave=asked["wave"].map(following))
    now = pairs.waves[["unit", "wave", "experience"]]
    panel = now.merge(lagged, on=["unit", "wave"]).dropna()
    panel = panel[panel.groupby("unit")["unit"].transform("size") > 1]
    units = panel["unit"].nunique()
    free = len(panel) - units - panel["wave"].nunique() - len(names)
    if units < FEWEST_UNITS or free < ROWS_PER_SLOPE * len(names):
        reason = (
            f"{markup.counted(units, 'unit')} with {len(panel):,} unit-waves; it takes "
            f"{FEWEST_UNITS} units and {ROWS_PER_SLOPE} free unit-waves a predictor"
        )
        return Later(rows=pd.DataFrame(), sentence=f"{_OPENING}: {reason}.", units=int(units))
    rows = _fit(panel, names, level)
    if rows.empty:
        return Later(
            rows=rows, sentence=f"{_OPENING}: nothing varies within units.", units=int(units)
        )
    without = f" Not in it: {absent}." if absent else ""
    return Later(rows=rows, sentence=sentence(rows, 1 - level) + without, units=int(units))


_OPENING = "Whether experience follows satisfaction, morale or pay within units cannot be told"


def sentence(rows: pd.DataFrame, alpha: float) -> str:
    """Say which of the predictors experience follows, by the adjusted tests."""
    told = rows[rows["p_adjusted"] < alpha]
    if told.empty:
        return (
            f"Whether experience follows {_named(rows['predictor'])} within units cannot be told: "
            f"none of {len(rows)} can be told from zero."
        )
    parts = [
        f"experience is {'better' if row['value'] > 0 else 'worse'} a wave after higher "
        f"{row['predictor']} ({markup.quantity(row['value'], 'coefficient')}, "
        f"{markup.interval(row['low'], row['high'], 'coefficient')})"
        for row in told.to_dict("records")
    ]
    rest = rows[rows["p_adjusted"] >= alpha]["predictor"]
    tail = f"; {_named(rest)} cannot be told from zero" if len(rest) else ""
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}{tail}."


def _named(names: pd.Series) -> str:
    """Return names as words."""
    *first, last = names.tolist()
    return f"{', '.join(first)} or {last}" if first else str(last)


def _predictors(pairs: Pairs, staff: pd.DataFrame | None) -> tuple[pd.DataFrame, str]:
    """Return each unit-wave's satisfaction, morale and pay, and what is not there."""
    if pairs.survey is None or pairs.waves.empty or len(pairs.spans) < 2:
        return pd.DataFrame(), "it takes employees' own answers in dated waves"
    absent, found = [], []
    answers = pairs.survey
    by = [answers["unit"], answers["wave"]]
    if items := list(pairs.items.get("satisfied", ())):
        found.append(answers[items].mean(axis=1).groupby(by).mean().rename("satisfaction"))
    else:
        absent.append("satisfaction (no group of items is named satisfied)")
    if "enps" in answers and answers["enps"].notna().any():
        given = answers["enps"]
        points = (100.0 * ((given >= 9).astype(float) - (given <= 6))).where(given.notna())
        found.append(points.groupby(by).mean().rename("morale (eNPS)"))
    else:
        absent.append("morale (eNPS was not asked)")
    if staff is not None and "pay_band" in staff and len(set(staff["pay_band"].dropna())) > 1:
        found.append(_pay(staff, pairs.spans))
    else:
        absent.append("pay band (there is no staff table with bands)")
    said = ", ".join(absent)
    if not found:
        return pd.DataFrame(), f"the study is without {said}"
    return pd.concat(found, axis=1).rename_axis(["unit", "wave"]).reset_index(), said


def _pay(staff: pd.DataFrame, spans: pd.DataFrame) -> pd.Series:
    """Return the mean place among the pay bands of those there on each wave's first day."""
    bands = sorted(staff["pay_band"].dropna().unique())
    place = staff["pay_band"].map({band: i for i, band in enumerate(bands)})
    parts = {}
    for row in spans.to_dict("records"):
        there = on_roll(staff, row["first"], row["first"])
        parts[row["wave"]] = place[there].groupby(staff.loc[there, "unit"]).mean()
    return pd.concat(parts).swaplevel().rename("pay band")


def _fit(panel: pd.DataFrame, names: list[str], level: float) -> pd.DataFrame:
    """Fit all predictors with unit and wave levels removed."""
    from scipy.stats import t

    inside = panel.copy()
    columns = ["experience", *names]
    for _ in range(50):
        was = inside[columns].to_numpy(float)
        for key in ("unit", "wave"):
            inside[columns] -= inside.groupby(key)[columns].transform("mean")
        if np.abs(inside[columns].to_numpy(float) - was).max() < 1e-10:
            break
    spread = inside[names].std()
    kept = [name for name in names if spread[name] > 1e-9]
    if not kept:
        return pd.DataFrame()
    x = (inside[kept] / spread[kept]).to_numpy(float)
    y = inside["experience"].to_numpy(float)
    codes = pd.factorize(panel["unit"])[0]
    units, n = int(codes.max()) + 1, len(y)
    beta, covariance = clustered(x, y, codes, units)
    rows = []
    for i, name in enumerate(kept):
        se, value = math.sqrt(float(covariance[i, i])), float(beta[i])
        reach = float(t.isf((1 - level) / 2, units - 1)) * se
        p = float(2 * t.sf(abs(value) / se, units - 1)) if se > 0 else 1.0
        rows.append(
            {
                "predictor": name,
                "value": value,
                "low": value - reach,
                "high": value + reach,
                "p": p,
                "n": n,
            }
        )
    frame = pd.DataFrame(rows)
    return frame.assign(p_adjusted=holm(frame["p"].tolist())["p_adjusted"].to_numpy(float))

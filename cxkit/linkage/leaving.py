"""The other arrow: do employees leave where customers were less content the wave before."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxkit.disclosure import Policy

#: Exits that each coefficient needs before a ratio is given.
EXITS_PER_PARAMETER = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Employees' leaving on their unit's experience one wave earlier.

    Attributes
    ----------
    ratio : Estimate
        Hazard ratio per standard deviation of experience between units and waves; "no data" with
        its reason where it cannot be estimated.
    sentence : str
    exits, at_risk : int
        Exits, and employee-waves at risk.
    units, waves : int
    held : tuple of str
        What was held equal.
    """

    ratio: Estimate
    sentence: str
    exits: int
    at_risk: int
    units: int
    waves: int
    held: tuple[str, ...]


def leaving_after(
    staff: pd.DataFrame,
    waves: pd.DataFrame,
    *,
    spans: pd.DataFrame,
    policy: Policy,
    level: float = 0.95,
) -> Leaving:
    """Estimate the hazard of leaving on the unit's experience in the wave before.

    Parameters
    ----------
    staff : DataFrame
        One row per spell: unit, start, end (missing: still there), pay_band if known.
    waves : DataFrame
        One row per unit and wave: unit, wave, experience, engagement.
    spans : DataFrame
        One row per wave: wave, first, last (days); sorted in time.
    policy : Policy
        Fewest employees whose leaving is told by number.
    level : float
        Level of the interval.

    Returns
    -------
    Leaving

    Notes
    -----
    Employees there on the first day of a wave are at risk in it. Binomial model with complementary
    log-log link on counts by unit, wave and pay band, with a free level for each wave, the unit's
    engagement of the wave before, and pay band held equal; errors clustered by unit, t on units - 1
    degrees of freedom. Unit-waves without a score the wave before are left out.

    References
    ----------
    Prentice, R. L. and Gloeckler, L. A. (1978). Regression analysis of grouped survival data.
    Biometrics 34, 57-67. https://doi.org/10.2307/2529588
    """
    cells = _cells(staff, waves, spans)
    exits, at_risk = int(cells["exits"].sum()), int(cells["at_risk"].sum())
    units, n_waves = int(cells["unit"].nunique()), int(cells["wave"].nunique())
    held = ["wave", "engagement the wave before"]
    bands = sorted(cells["pay_band"].unique()) if "pay_band" in cells else []
    if len(bands) > 1:
        held.append("pay band")
    parameters = 2 + n_waves + max(len(bands) - 1, 0)
    if exits < EXITS_PER_PARAMETER * parameters or units < 10:
        reason = (
            f"{policy.count(exits, 'employees')} employees left in "
            f"{policy.count(at_risk, 'employees')} employee-waves of "
            f"{markup.counted(units, 'unit')}; it takes "
            f"{EXITS_PER_PARAMETER * parameters:,} exits and 10 units."
        )
        ratio = _ratio(None, None, None, None, level, at_risk, reason)
    else:
        ratio = _fit(cells, bands, level=level, n=at_risk)
    return Leaving(
        ratio=ratio,
        sentence=sentence(ratio, exits=exits),
        exits=exits,
        at_risk=at_risk,
        units=units,
        waves=n_waves,
        held=tuple(held),
    )


def sentence(ratio: Estimate, *, exits: int) -> str:
    """Say which way leaving goes with the experience before; three ways, by the interval."""
    if ratio.value is None or ratio.low is None or ratio.high is None:
        return (
            f"Whether employees leave where customers were less content is not told: {ratio.reason}"
        )
    limits = (
        f"hazard ratio {markup.quantity(ratio.value, 'ratio')} per standard deviation of "
        f"experience the wave before ({markup.percent_label(ratio.level)} interval "
        f"{markup.interval(ratio.low, ratio.high, 'ratio')}, {exits:,} exits)"
    )
    if ratio.high < 1:
        return f"Employees leave less often after a wave with better experience: {limits}."
    if ratio.low > 1:
        return f"Employees leave more often after a wave with better experience: {limits}."
    return f"Whether employees leave less often after a better wave cannot be told: {limits}."


def _cells(staff: pd.DataFrame, waves: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    """Count employees at risk and leaving by unit, wave and pay band, with the wave before."""
    by = ["unit", *(["pay_band"] if "pay_band" in staff else [])]
    before = waves.set_index(["unit", "wave"])[["experience", "engagement"]]
    parts = []
    rows = spans.to_dict("records")
    for last, now in pairwise(rows):
        there = staff[
            (staff["start"] < now["first"]) & (staff["end"].isna() | (staff["end"] >= now["first"]))
        ]
        left = there["end"].notna() & (there["end"] <= now["last"])
        table = left.groupby([there[c] for c in by]).agg(["size", "sum"]).reset_index()
        table = table.rename(columns={"size": "at_risk", "sum": "exits"})
        scores = (
            before.xs(last["wave"], level="wave") if last["wave"] in set(waves["wave"]) else None
        )
        if scores is not None:
            parts.append(
                table.merge(scores, left_on="unit", right_index=True).assign(wave=now["wave"])
            )
    columns = [*by, "at_risk", "exits", "experience", "engagement", "wave"]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return frame.dropna(subset=["experience", "engagement"])


def _fit(cells: pd.DataFrame, bands: Sequence[object], *, level: float, n: int) -> Estimate:
    """Fit the binomial model and return the ratio per standard deviation of experience."""
    from scipy.stats import t
    from statsmodels.genmod.families import Binomial, links
    from statsmodels.genmod.generalized_linear_model import GLM

    def scaled(column: str) -> np.ndarray:
        values = cells[column].to_numpy(float)
        return (values - values.mean()) / max(values.std(), 1e-12)

    columns = [scaled("experience"), scaled("engagement")]
    columns += [(cells["wave"] == w).to_numpy(float) for w in sorted(cells["wave"].unique())]
    columns += [(cells["pay_band"] == b).to_numpy(float) for b in bands[1:]]
    counts = np.column_stack([cells["exits"], cells["at_risk"] - cells["exits"]]).astype(float)
    codes = pd.factorize(cells["unit"])[0]
    fitted = GLM(counts, np.column_stack(columns), family=Binomial(link=links.CLogLog())).fit(
        cov_type="cluster", cov_kwds={"groups": codes}
    )
    b, se = float(fitted.params[0]), float(fitted.bse[0])
    reach = float(t.isf((1 - level) / 2, int(codes.max()))) * se
    return _ratio(np.exp(b), np.exp(b - reach), np.exp(b + reach), se * np.exp(b), level, n, "")


def _ratio(
    value: float | None,
    low: float | None,
    high: float | None,
    se: float | None,
    level: float,
    n: int,
    reason: str,
) -> Estimate:
    """Return the ratio as an estimate."""
    plain = [None if v is None else float(v) for v in (value, low, high, se)]
    return Estimate(
        metric="hazard ratio of leaving per standard deviation of experience",
        measured_in="ratio",
        value=plain[0],
        low=plain[1],
        high=plain[2],
        se=plain[3],
        level=level,
        n=n,
        n_missing=0,
        method="discrete-time hazard (cloglog), clustered by unit",
        status="ok" if value is not None else "no data",
        reason=reason,
    )

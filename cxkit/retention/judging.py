"""What a measure saves in log-loss against another one, on the same customers; and calibration."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.metrics.families import holm
from cxkit.results import Difference
from cxkit.retention.logit import coefficients

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: What the measures are compared with: tenure and segments, no experience.
BASELINE = "controls only"


class Judge:
    """Compares the losses of two measures on the same customers."""

    def __init__(
        self,
        losses: pd.DataFrame,
        who: NDArray[np.intp],
        *,
        level: float,
        samples: int = 0,
        seed: int = 0,
    ) -> None:
        """Sum the losses by customer, and draw the bootstrap's weights once for all pairs."""
        names, which = np.unique(who, return_inverse=True)
        self.columns = {c: i for i, c in enumerate(losses.columns)}
        self.totals = np.zeros((len(names), losses.shape[1]))
        np.add.at(self.totals, which, losses.to_numpy())
        self.level, self.n, self.rows = level, len(names), len(losses)
        self.draws: NDArray[np.float64] | None = None
        if samples:
            rng, even = np.random.default_rng(seed), np.full(self.n, 1 / self.n)
            parts = [rng.multinomial(self.n, even) @ self.totals for _ in range(samples)]
            self.draws = np.array(parts)

    def gain(self, a: str, b: str) -> Difference:
        """Return what measure ``a`` saves against ``b``, in percent of the controls' log-loss."""
        from scipy.stats import norm

        total = self.totals
        saved = total[:, self.columns[b]] - total[:, self.columns[a]]
        base = total[:, self.columns[BASELINE]]
        value = 100 * saved.sum() / base.sum()
        parts = 100 * saved - value * base
        se = float(np.sqrt(self.n * parts.var(ddof=1)) / base.sum())
        z = float(norm.isf((1 - self.level) / 2))
        low, high = value - z * se, value + z * se
        p = float(2 * norm.sf(abs(value) / se)) if se > 0 else 1.0
        if self.draws is not None:
            d = self.draws
            drawn = 100 * (d[:, self.columns[b]] - d[:, self.columns[a]])
            drawn = drawn / d[:, self.columns[BASELINE]]
            low, high = np.quantile(drawn, [(1 - self.level) / 2, (1 + self.level) / 2])
            side = min((drawn <= 0).sum(), (drawn >= 0).sum())
            p = min(1.0, 2 * (side + 1) / (len(drawn) + 1))
        return Difference(
            metric="log-loss saved",
            measured_in="%",
            a=a,
            b=b,
            value=float(value),
            low=float(low),
            high=float(high),
            se=se,
            p=p,
            level=self.level,
            n_a=self.rows,
            n_b=self.rows,
            n_missing=0,
            method="paired bootstrap over customers" if self.draws is not None else "paired normal",
        )


def adjusted(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return the differences with Holm's p in the family they are."""
    if not found:
        return ()
    p = holm([d.p for d in found])["p_adjusted"]
    return tuple(
        dataclasses.replace(d, p_adjusted=float(q), family=len(found))
        for d, q in zip(found, p, strict=True)
    )


def gains_frame(judge: Judge, names: list[str], y: NDArray[np.float64]) -> pd.DataFrame:
    """Return each measure's gain over the controls as rows."""
    rows = []
    for name in names:
        d = judge.gain(name, BASELINE)
        rows.append(
            {
                "measure": name,
                "n": len(y),
                "exits": int(y.sum()),
                "log_loss": float(judge.totals[:, judge.columns[name]].sum() / len(y)),
                "gain": d.value,
                "gain_low": d.low,
                "gain_high": d.high,
                "p": d.p,
            }
        )
    return pd.DataFrame(rows)


def calibration(y: NDArray[np.float64], p: NDArray[np.float64]) -> tuple[float, float]:
    """Return intercept (slope held at 1) and slope of the outcome on its predicted logit."""
    from scipy.special import logit

    at = logit(p)
    one = np.ones((len(y), 1))
    intercept = coefficients(y, one, offset=at)[0]
    if np.ptp(at) == 0:
        return float(intercept), 0.0
    return float(intercept), float(coefficients(y, np.column_stack([one, at]))[1])

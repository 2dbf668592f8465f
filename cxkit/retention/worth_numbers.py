"""The estimates of what an experience is worth, made of totals and their draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.results import Estimate, Guard
from cxkit.retention import newton
from cxkit.retention.hazard import FEWEST_EXITS, exits_within, person_months

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cxkit.retention.hazard import Hazard
    from cxkit.retention.moved import Totals

ALL = "all touchpoints"

NO_VALUE = (
    "The study does not say what a customer is worth: write value: {column: ..., unit: ...} under "
    "customers in study.yml."
)


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Totals and their draws, and the estimates made of them."""

    point: Totals
    drawn: Totals
    how: str
    n: int
    level: float

    def limits(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return lower and upper limits of each column."""
        ends = [(1 - self.level) / 2, (1 + self.level) / 2]
        return np.nanquantile(drawn, ends, axis=0)

    def estimate(
        self,
        metric: str,
        unit: str,
        value: NDArray[np.float64],
        drawn: NDArray[np.float64],
        *,
        n_missing: int = 0,
        reason: str = "",
    ) -> Estimate:
        """Return the last column, that of everybody, as an Estimate, or why there is none."""
        given = not reason
        low, high = self.limits(drawn)[:, -1] if given else (None, None)
        return Estimate(
            metric=metric,
            measured_in=unit,
            value=float(value[0, -1]) if given else None,
            low=None if low is None else float(low),
            high=None if high is None else float(high),
            se=float(drawn[:, -1].std(ddof=1)) if given else None,
            level=self.level,
            n=self.n,
            n_missing=n_missing,
            method=f"discrete-time hazard (cloglog), {self.how}",
            status="ok" if given else "no data",
            reason=reason,
        )

    def kept(self) -> Estimate:
        """Return how many more would be there at the horizon."""
        return self.estimate("customers kept", "count", self.point.kept, self.drawn.kept)

    def revenue(self, rows: pd.DataFrame, money: str) -> Estimate:
        """Return what those bring in a year."""
        missing = int(rows["value"].isna().sum()) if money and "value" in rows else 0
        return self.estimate(
            "revenue kept",
            f"{money} a year".strip(),
            self.point.revenue,
            self.drawn.revenue,
            n_missing=missing,
            reason="" if money else NO_VALUE,
        )

    def ratio(self) -> Estimate:
        """Return the risk of leaving by the horizon, moved against as they are."""
        drawn = self.drawn.then / self.drawn.now
        return self.estimate("risk ratio of leaving", "ratio", self.point.then / self.point.now,
                             drawn)  # fmt: skip

    def break_even(self, points: float, money: str) -> Estimate:
        """Return the cost a year of one customer and one point that would pay for itself."""
        per = self.n * points if points > 0 else 1.0
        return self.estimate(
            "break-even cost",
            f"{money} a year for each customer and point".strip(),
            self.point.revenue / per,
            self.drawn.revenue / per,
            reason=NO_VALUE if not money else "" if points > 0 else "The bands do not differ.",
        )

    def touchpoints(self, names: Sequence[str], groups: NDArray[np.intp]) -> pd.DataFrame:
        """Return one row per touchpoint, and one for all of them."""
        below = np.append(np.bincount(groups, minlength=len(names)), len(groups))
        kept, revenue = self.limits(self.drawn.kept), self.limits(self.drawn.revenue)
        return pd.DataFrame(
            {
                "touchpoint": [*names, ALL],
                "below": below,
                "left_now": 100 * self.point.now[0] / below,
                "left_then": 100 * self.point.then[0] / below,
                "kept": self.point.kept[0],
                "kept_low": kept[0],
                "kept_high": kept[1],
                "revenue": self.point.revenue[0],
                "revenue_low": revenue[0],
                "revenue_high": revenue[1],
            }
        )


def same_everywhere(spells: pd.DataFrame, model: Hazard, below: Sequence[str], above: str) -> Guard:
    """Test whether the effect of the band differs between touchpoints: likelihood ratio."""
    from scipy.stats import chi2

    kind = "touchpoints alike"
    inside = spells[spells["band"].astype(str).isin([*below, above])]
    inside = inside.assign(band=(inside["band"].astype(str) == above).astype(str))
    gone = inside[exits_within(inside, model.horizon)]
    counts = pd.crosstab(gone["touchpoint"], gone["band"])
    both = counts.shape[1] == 2
    names = [str(t) for t in counts.index if both and counts.loc[t].min() >= FEWEST_EXITS]
    if len(names) < 2:
        return Guard(
            kind=kind,
            fired=False,
            text="In fewer than two touchpoints enough customers left on both sides of the cut to "
            "see whether the effect differs between them; it is taken to be the same.",
        )
    cells = person_months(
        inside[inside["touchpoint"].isin(names)], horizon=model.horizon, by=["band", "touchpoint"]
    )
    months = [v for c, v in model.terms if c == "month"]
    shared = [cells["month"].between(*span) for span in months if isinstance(span, tuple)]
    shared += [cells["touchpoint"] == t for t in names[1:]]
    moved = cells["band"] == "True"
    exits, at_risk = cells["exits"].to_numpy(float), cells["at_risk"].to_numpy(float)
    one = np.column_stack([*shared, moved]).astype(float)
    each = np.column_stack([one, *[moved & (cells["touchpoint"] == t) for t in names[1:]]])
    likelihoods = []
    for x in (one, each.astype(float)):
        force = np.exp(x @ newton.hazard(x, exits, at_risk)[0])
        likelihoods.append(exits @ np.log(-np.expm1(-force)) - (at_risk - exits) @ force)
    statistic = 2 * float(likelihoods[1] - likelihoods[0])
    p = float(chi2.sf(max(statistic, 0.0), len(names) - 1))
    differs = p < 1 - model.level
    return Guard(
        kind=kind,
        fired=differs,
        text=f"The effect of the band {'differs' if differs else 'is not shown to differ'} between "
        f"{len(names)} touchpoints (likelihood ratio {markup.number(statistic, 1)} on "
        f"{len(names) - 1} degrees of freedom, p {markup.p_value(p)})"
        + ("; the split by touchpoint leans on one effect that the data do not bear out."
           if differs else "; one effect is used for all of them."),
    )  # fmt: skip

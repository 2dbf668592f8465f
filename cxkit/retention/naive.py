"""The field's usual answers, computed to stand beside the honest one and never as an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cxkit.results import Estimate
from cxkit.retention.clock import MONTH, wind
from cxkit.retention.hazard import FEWEST_EXITS, exits_within, fit

if TYPE_CHECKING:
    from cxkit.retention.clock import Bands, Clock
    from cxkit.study.study import Study


def answered_against_never(study: Study, *, measure: str, level: float) -> Estimate:
    """Return the hazard ratio of ever having answered, from joining on: naive and biased.

    Notes
    -----
    Who answers must first have stayed long enough to be asked, so the months before the answer
    count as survival for those who answered. With no effect at all this gives about 0.35. It is
    computed to be shown as biased.

    References
    ----------
    Suissa, S. (2008). Immortal time bias in pharmacoepidemiology. American Journal of Epidemiology
    167, 492-499. https://doi.org/10.1093/aje/kwm324
    """
    customers = study.customers
    answered = customers["customer"].isin(
        study.responses.loc[study.responses[measure].notna(), "customer"]
    )
    last = customers["end"].where(customers["end"] <= study.as_of, study.as_of)
    spells = pd.DataFrame(
        {
            "band": pd.Categorical(
                answered.map({False: "never answered", True: "answered"}),
                categories=["never answered", "answered"],
                ordered=True,
            ),
            "months": (last.fillna(study.as_of) - customers["start"]).dt.days / MONTH,
            "followed": (study.as_of - customers["start"]).dt.days / MONTH,
            "left": customers["end"] <= study.as_of,
        }
    )
    spells = spells[spells["months"] >= 0]
    exits = spells["left"].groupby(spells["band"], observed=False).sum()
    if exits.min() < FEWEST_EXITS:
        return Estimate(
            metric="hazard ratio, answered against never answered",
            measured_in="ratio",
            value=None,
            low=None,
            high=None,
            se=None,
            level=level,
            n=len(spells),
            n_missing=0,
            method="discrete-time hazard (cloglog)",
            status="no data",
            reason=_too_few(exits),
        )
    longest = int(spells["months"].max()) + 1
    return fit(spells, horizon=longest, adjust=[], level=level).ratio("answered")


def beside(
    study: Study,
    clock: Clock,
    immortal: Estimate,
    honest: Estimate,
    *,
    bands: Bands,
    high: str,
    low: str,
    compared: list[str],
    horizon: int,
    adjust: list[str],
    level: float,
) -> pd.DataFrame:
    """Return naive, ungapped and gapped hazard ratios in one frame, one row each.

    Columns: comparison, value, low, high, n, exits, times_the_honest (how far the row lies from the
    kit's own, as a ratio), reading. Every row but the first speaks of the bands `compared`.
    """
    rows = [
        {
            "comparison": "answered against never answered, from joining",
            **_ratio(immortal),
            "exits": int((study.customers["end"] <= study.as_of).sum()),
            "reading": "naive, biased: one must stay to be asked (immortal time)"
            if immortal.ok
            else f"no ratio: {immortal.reason}",
        }
    ]
    ungapped = wind(study, bands=bands, gap=0)
    spells = with_segments(ungapped.spells, study)
    spells = spells[spells["band"].isin(compared)]
    rough = fit(spells, horizon=horizon, adjust=adjust, level=level)
    rows.append(
        {
            "comparison": f"{high} against {low}, from the answer",
            **_ratio(rough.ratio(high)),
            "exits": int(exits_within(spells, horizon).sum()),
            "reading": "no gap: counts scores given while already leaving",
        }
    )
    inside = clock.spells[clock.spells["band"].isin(compared)]
    rows.append(
        {
            "comparison": f"{high} against {low}, from {clock.gap} days after the answer",
            **_ratio(honest),
            "exits": int(exits_within(inside, horizon).sum()),
            "reading": "this report's answer",
        }
    )
    frame = pd.DataFrame(rows).astype({"value": float, "low": float, "high": float})
    frame["times_the_honest"] = frame["value"] / float(honest.value or 1)
    return frame


def with_segments(spells: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the spells with one column `held: NAME` for each segment of the study."""
    held = {
        f"held: {name}": spells[name]
        for name in study.contract.of("customers").segments
        if name in spells
    }
    return spells.assign(**held)


def _too_few(exits: pd.Series) -> str:
    """Say in which group too few left, or that there is no such group."""
    n = int(exits.min())
    few = "nobody" if n == 0 else f"fewer than {FEWEST_EXITS}"
    return f"Of those who {exits.idxmin()}, {few} left."


def _ratio(estimate: Estimate) -> dict[str, object]:
    """Return a hazard ratio's columns."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}

"""From customers and their scores to time at risk: who counts, from which day, in which band."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.disclosure import count_said
from cxkit.errors import QuestionError
from cxkit.retention.asked import score_asked

if TYPE_CHECKING:
    from cxkit.study.study import Study

#: Days in a month, on average: the unit of every duration here.
MONTH = 365.25 / 12

#: Months with the firm at the landmark; leaving is steeper early, and early customers score lower.
TENURE_BANDS = (0.0, 12.0, 36.0, np.inf)
TENURE_NAMES = ("under 1 year", "1 to 3 years", "over 3 years")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """How one measure is cut into low, middle and high; a band is named in the field's terms."""

    measure: str
    names: tuple[str, str, str]
    edges: tuple[float, float]  # the low band ends before edges[0], the high one starts at edges[1]
    high_is_good: bool = True

    def cut(self, scores: pd.Series) -> pd.Series:
        """Return each score's band, from the poor end to the good one; a missing score has none."""
        values = scores.to_numpy(float, na_value=np.nan)
        step = (values >= self.edges[0]).astype(int) + (values >= self.edges[1])
        if not self.high_is_good:
            step = 2 - step
        named = np.array([*self.names, None], dtype=object)[np.where(np.isnan(values), 3, step)]
        band = pd.Categorical(named, categories=list(self.names), ordered=True)
        return pd.Series(band, index=scores.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Customers from their landmark on, and how everyone else was set aside.

    Attributes
    ----------
    spells : DataFrame
        One row per customer: customer, landmark, band, months (from the landmark to leaving or to
        ``as_of``), followed (months from the landmark to ``as_of``, whoever left), left (bool),
        tenure (months at the landmark), tenure_band, late (joined before the data begin), and the
        study's segments.
    steps : DataFrame
        One row per step of the selection: step, customers, reason.
    gap : int
        Days between an answer and the landmark.
    early : int
        Scores not used because their landmark lies before the data begin.
    """

    spells: pd.DataFrame
    steps: pd.DataFrame
    gap: int
    early: int = 0

    def count(self, step: str) -> int:
        """Return how many customers a step of the selection speaks of."""
        return int(self.steps.set_index("step")["customers"].get(step, 0))


def bands_of(study: Study, measure: str) -> Bands:
    """Return the bands of a measure from the study's own scale and cut-points.

    NPS is cut at `detractor` and `promoter`; CSAT is good from `top` on and poor below the middle
    of its scale; effort is cut at the middle of its scale, in the direction of its version.
    """
    measure = score_asked(study, measure)
    score = study.contract.of("responses").scores[measure]
    bottom, end = score.scale
    middle = (bottom + end) / 2
    if measure == "nps":
        words, edges = (
            ("detractors", "passives", "promoters"),
            (score.detractor + 1, score.promoter),
        )
    elif measure == "csat":
        words = ("dissatisfied", "neither", "satisfied")
        edges = (min(math.ceil(middle), score.top), score.top)
    else:
        words, edges = ("hard", "neither", "easy"), (math.ceil(middle), math.floor(middle) + 1)
    good = bool(score.higher_is_better)
    ranges = [_range(bottom, edges[0]), _range(*edges), _range(edges[1], end + 1)]
    named = zip(words, ranges if good else ranges[::-1], strict=True)
    low, middling, high = (f"{word}{scores if score.whole else ''}" for word, scores in named)
    return Bands(
        measure=measure,
        names=(low, middling, high),
        edges=(float(edges[0]), float(edges[1])),
        high_is_good=good,
    )


def _range(start: float, stop: float) -> str:
    """Say which whole scores a band holds, ``stop`` not among them; nothing for an empty band."""
    if stop <= start:
        return ""
    return f" ({start:g})" if stop - start == 1 else f" ({start:g}–{stop - 1:g})"


def wind(study: Study, *, bands: Bands, gap: int) -> Clock:
    """Start each customer's clock ``gap`` days after the first usable score.

    Parameters
    ----------
    study : Study
        With customers in dated form, and responses.
    bands : Bands
        The measure and its bands.
    gap : int
        Days between the answer and the landmark; a customer who leaves within them is set aside,
        since a score given while leaving is an effect of leaving.

    Returns
    -------
    Clock
        Durations in months of 365.25 / 12 days.

    Raises
    ------
    QuestionError
        If no customer has left, every customer has left, or nobody reaches a landmark.

    Notes
    -----
    The first score is used, not the last: how late a last score falls depends on how long the
    customer stayed. Everyone compared has answered and was there at the landmark, so nobody's
    survival up to it is counted in favour of a band. Customers who joined before the data begin
    enter at their landmark, which must lie inside the data: who left before ``observed_from`` is in
    no table, so a landmark before it would count months that nobody could have been seen to leave
    in. Such a score is passed over for the customer's next one.
    """
    customers = study.customers
    _refuse_one_sided(customers["end"], study)
    scored = study.responses
    scored = scored[scored[bands.measure].notna() & scored["answered_on"].notna()]
    known = scored[["customer", "answered_on", bands.measure]].merge(
        customers[["customer", "start", "end"]], on="customer", how="inner"
    )
    after = known["end"].notna() & (known["answered_on"] >= known["end"])
    before = known["answered_on"] < known["start"]
    begin = study.observed_from
    usable = known[~after & ~before].sort_values(["customer", "answered_on"], kind="stable")
    early = usable["answered_on"] + pd.Timedelta(days=gap) < (begin or pd.Timestamp.min)
    first = usable[~early].drop_duplicates("customer")
    landmark = first["answered_on"] + pd.Timedelta(days=gap)
    gone = first["end"].notna() & (first["end"] <= landmark) & (gap > 0)
    unseen = ~gone & (landmark >= study.as_of)
    spells = first.assign(landmark=landmark, band=bands.cut(first[bands.measure]))
    spells = spells[~gone & ~unseen].drop(columns=["start", "end"])
    spells = spells.merge(customers, on="customer", how="left")
    last = spells["end"].where(spells["end"] <= study.as_of, study.as_of).fillna(study.as_of)
    spells["months"] = (last - spells["landmark"]).dt.days.clip(lower=0.5) / MONTH
    spells["followed"] = (study.as_of - spells["landmark"]).dt.days.clip(lower=0.5) / MONTH
    spells["left"] = (spells["end"] <= study.as_of).fillna(value=False).astype(bool)
    spells["tenure"] = (spells["landmark"] - spells["start"]).dt.days / MONTH
    spells["tenure_band"] = pd.cut(spells["tenure"], TENURE_BANDS, labels=TENURE_NAMES, right=False)
    spells["late"] = spells["start"] < begin if begin is not None else False
    n_scored = scored["customer"].nunique()
    steps = [
        ("in the customer table", len(customers), "one row per customer"),
        ("asked", study.responses["customer"].nunique(), "at least one survey was sent"),
        ("with a score", n_scored, f"at least one usable {bands.measure} answer"),
        (
            "not in the customer table",
            n_scored - known["customer"].nunique(),
            "answered, but no such customer: set aside",
        ),
        (
            "only scores outside the relationship",
            known["customer"].nunique() - usable["customer"].nunique(),
            "every score was given before joining, or on or after the day of leaving: set aside",
        ),
        (
            "landmark before the data begin",
            usable["customer"].nunique() - len(first),
            "who left between this landmark and the first day of the data was never seen: set "
            "aside",
        ),
        (
            "left within the gap",
            int(gone.sum()),
            f"left within {gap} days of the answer: the score may be an effect of leaving",
        ),
        (
            "landmark not yet reached",
            int(unseen.sum()),
            f"answered less than {gap} days before the data end",
        ),
        ("in the analysis", len(spells), "followed from the landmark on"),
    ]
    frame = pd.DataFrame(steps, columns=["step", "customers", "reason"])
    if n_scored == 0:
        raise QuestionError(
            f"No customer has a usable {bands.measure} answer with its day.\n  Ask with another "
            "measure, or look with  cxkit check  at what the column holds."
        )
    if spells.empty:
        raise QuestionError(
            f"No customer can be followed: of {len(customers):,} customers {n_scored:,} have a "
            f"usable {bands.measure} answer and none was still there {gap} days later, within the "
            f"data (which end on {study.as_of:%Y-%m-%d}).\n  Ask with a smaller gap, or wait until "
            "answers are older."
        )
    return Clock(spells=spells.reset_index(drop=True), steps=frame, gap=gap, early=int(early.sum()))


def with_segments(spells: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the spells with one column `held: NAME` for each segment of the study."""
    held = {
        f"held: {name}": spells[name]
        for name in study.contract.of("customers").segments
        if name in spells
    }
    return spells.assign(**held)


def scores_set_aside(study: Study, measure: str) -> int:
    """Count scores given on or after the day of leaving, or before joining."""
    scored = study.responses
    scored = scored[scored[measure].notna() & scored["answered_on"].notna()]
    known = scored[["customer", "answered_on"]].merge(
        study.customers[["customer", "start", "end"]], on="customer", how="inner"
    )
    after = known["end"].notna() & (known["answered_on"] >= known["end"])
    return int((after | (known["answered_on"] < known["start"])).sum())


def _refuse_one_sided(end: pd.Series, study: Study) -> None:
    """Refuse a customer table that holds only leavers, or only those who stayed."""
    if end.empty:
        raise QuestionError(
            f"The customer table of '{study.name}' has no rows"
            + (f" where {study.where}" if study.where else "")
            + ".\n  Give the table its rows, or widen the filter."
        )
    left = int((end <= study.as_of).sum())
    if left == len(end):
        raise QuestionError(
            f"All {count_said(left)} customers in the table have left by {study.as_of:%Y-%m-%d}: a "
            "table of leavers cannot show who stays.\n  Export every customer of the period, with "
            "an empty end for those who are still there."
        )
    if left == 0:
        raise QuestionError(
            f"None of the {count_said(len(end))} customers in the table has left by "
            f"{study.as_of:%Y-%m-%d}: there is no leaving to explain.\n  If the export holds only "
            "current customers, add those who left; otherwise wait."
        )

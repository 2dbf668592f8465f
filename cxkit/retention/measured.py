"""What was known of each customer before a landmark: scores, cases, tenure; and who left after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.retention.clock import MONTH, TENURE_BANDS, TENURE_NAMES, bands_of

if TYPE_CHECKING:
    from cxkit.study.study import Study

#: The scores of experience, in the order they are shown.
SCORES = (
    "nps",
    "csat",
    "ces",
    "customer_service",
    "user_experience",
    "personalization",
    "consistency",
    "emotional_connection",
)

#: A score is compared with the others where so many of the customers who answered gave it.
COMMON = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Customers at their landmark, with everything that was known ``gap`` days before it.

    Attributes
    ----------
    rows : DataFrame
        One row per customer: customer, landmark, settled (when leaving within the horizon is
        known), left, tenure_band, the segments, the scores and their other forms, had_case,
        case_hours (logarithm of 1 + mean hours).
    measures : dict
        Name of each measure that all of them have, and its columns.
    single : tuple of str
        The columns that stand for their measure when all are taken together: full scales, cases.
    rare : dict
        Name and column of each measure that too few have to compare it on all.
    segments : tuple of str
        Held equal beside the band of tenure.
    steps : DataFrame
        step, customers, reason.
    followed : Series
        Months from the landmark to the end of the data, of everyone at a landmark.
    """

    rows: pd.DataFrame
    measures: dict[str, list[str]]
    single: tuple[str, ...]
    rare: dict[str, str]
    segments: tuple[str, ...]
    steps: pd.DataFrame
    followed: pd.Series


def measured(study: Study, *, horizon: int, gap: int) -> Measured:
    """Return one row per customer who reached a landmark and can be followed to the horizon."""
    given = _given(study)
    customers = study.customers
    first = given.pivot_table(
        index="customer", columns="score", values="answered_on", aggfunc="min"
    )
    if first.empty:
        raise QuestionError(
            f"{study.name}: no customer of the table gave a score while they were a customer.\n"
            "  Check that customer in responses names the customers of the customer table."
        )
    there = [s for s in SCORES if s in first]
    coverage = first[there].notna().mean()
    common = [s for s in there if coverage[s] >= COMMON] or [str(coverage.idxmax())]
    ready = first[common].dropna().max(axis=1).rename("answered").reset_index()
    rows = ready.merge(customers, on="customer", how="left")
    rows["landmark"] = rows["answered"] + pd.Timedelta(days=gap)
    rows["settled"] = rows["landmark"] + pd.Timedelta(days=round(horizon * MONTH))
    begin = study.observed_from
    early = (
        rows["landmark"] < begin if begin is not None else pd.Series(data=False, index=rows.index)
    )
    gone = ~early & (rows["end"] <= rows["landmark"]).fillna(value=False)
    unseen = ~early & ~gone & (rows["landmark"] >= study.as_of)
    at_landmark = ~early & ~gone & ~unseen
    followed = (study.as_of - rows.loc[at_landmark, "landmark"]).dt.days / MONTH
    short = at_landmark & (rows["settled"] > study.as_of)
    steps = _steps(len(customers), first, len(ready), early, gone, unseen, short, gap, horizon)
    rows = rows[at_landmark & ~short].reset_index(drop=True)
    if rows.empty:
        longest = round(followed.max()) if len(followed) else 0
        raise QuestionError(
            f"No customer is followed for {markup.counted(horizon, 'month')} after a landmark; the "
            f"longest is {markup.counted(longest, 'month')}.\n"
            "  Ask with a shorter horizon, or with later data."
        )
    rows["left"] = (rows["end"] <= rows["settled"]).fillna(value=False).astype(bool)
    tenure = (rows["landmark"] - rows["start"]).dt.days / MONTH
    rows["tenure_band"] = pd.cut(tenure, TENURE_BANDS, labels=TENURE_NAMES, right=False).astype(str)
    for score in there:
        rows[score] = rows["customer"].map(_latest(given, rows, score))
    measures, single = _forms(study, rows, common)
    if study.has("tickets") and "customer" in study.tickets:
        cases = _cases(study, rows)
        rows["had_case"] = rows["customer"].isin(cases.index).astype(float)
        rows["case_hours"] = rows["customer"].map(cases).fillna(0.0).astype(float)
        if np.ptp(rows["case_hours"].to_numpy()) > 0:
            measures["time to resolution"] = ["had_case", "case_hours"]
            single += ["had_case", "case_hours"]
    return Measured(
        rows=rows,
        measures=measures,
        single=tuple(single),
        rare={s.replace("_", " "): s for s in there if s not in common},
        segments=tuple(s for s in study.contract.of("customers").segments if s in rows),
        steps=steps,
        followed=followed,
    )


def _given(study: Study) -> pd.DataFrame:
    """Return scores given during the relationship, one a row: customer, answered_on, score."""
    responses = study.responses
    there = [s for s in SCORES if s in responses and responses[s].notna().any()]
    if not there or "answered_on" not in responses or "customer" not in responses:
        raise QuestionError(
            f"{study.name}: prediction needs scores of known customers on known days.\n  Write "
            "customer, answered_on and at least one of nps, csat, ces under responses in study.yml."
        )
    known = responses[["customer", "answered_on", *there]].merge(
        study.customers[["customer", "start", "end"]], on="customer", how="inner"
    )
    during = (known["answered_on"] >= known["start"]) & ~(known["end"] <= known["answered_on"])
    long = known[during].melt(
        id_vars=["customer", "answered_on"], value_vars=there, var_name="score"
    )
    return long.dropna(subset=["value"]).sort_values("answered_on", kind="stable")


def _latest(given: pd.DataFrame, rows: pd.DataFrame, score: str) -> pd.Series:
    """Return each customer's latest score up to the day they came up."""
    own = given[given["score"] == score].merge(rows[["customer", "answered"]], on="customer")
    own = own[own["answered_on"] <= own["answered"]]
    return own.drop_duplicates("customer", keep="last").set_index("customer")["value"]


def _forms(
    study: Study, rows: pd.DataFrame, common: list[str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Add the bands of NPS and the top box of CSAT, and name every measure."""
    declared = study.contract.of("responses").scores
    measures: dict[str, list[str]] = {}
    single = []
    for score in common:
        low, high = declared[score].scale
        single.append(score)
        if score == "nps":
            measures["NPS, 0–10"] = ["nps"]
            rows["nps_band"] = bands_of(study, "nps").cut(rows["nps"]).astype(object)
            measures["NPS, three bands"] = ["nps_band"]
        elif score == "csat":
            top = declared["csat"].top
            measures["CSAT, mean score"] = ["csat"]
            rows["csat_top"] = (rows["csat"] >= top).astype(float)
            measures[f"CSAT, top-{high - top + 1:g}-box"] = ["csat_top"]
        elif score == "ces":
            measures[f"CES, {low:g}–{high:g}"] = ["ces"]
        else:
            measures[score.replace("_", " ")] = [score]
    return measures, single


def _cases(study: Study, rows: pd.DataFrame) -> pd.Series:
    """Return the logarithm of 1 + the mean hours of each customer's cases, as then known."""
    cases = study.tickets.merge(rows[["customer", "answered", "landmark"]], on="customer")
    before = cases["opened"] < cases["answered"] + pd.Timedelta(days=1)
    automatic = (
        cases["auto_closed"].fillna(value=False).astype(bool)
        if "auto_closed" in cases
        else pd.Series(data=False, index=cases.index)
    )
    own = cases[before & ~automatic]
    closed = own["resolved"].where(own["resolved"] <= own["landmark"], own["landmark"])
    hours = (closed - own["opened"]).dt.total_seconds().clip(lower=0) / 3600
    mean = hours.groupby(own["customer"]).mean()
    return pd.Series(np.log1p(mean.to_numpy(float)), index=mean.index)


def _steps(
    n: int,
    first: pd.DataFrame,
    ready: int,
    early: pd.Series,
    gone: pd.Series,
    unseen: pd.Series,
    short: pd.Series,
    gap: int,
    horizon: int,
) -> pd.DataFrame:
    """Return who is in the comparison, and who is not, step by step."""
    inside = ready - int(early.sum() + gone.sum() + unseen.sum() + short.sum())
    return pd.DataFrame(
        [
            ("in the customer table", n, "one row per customer"),
            ("gave any score", len(first), "while they were a customer"),
            ("gave not every compared score", len(first) - ready, "not compared: complete cases"),
            ("landmark before the data begin", int(early.sum()), "set aside"),
            (
                "left within the gap",
                int(gone.sum()),
                f"left within {markup.counted(gap, 'day')} of the answer: the score may be an "
                "effect of leaving",
            ),
            ("landmark not yet reached", int(unseen.sum()), "answered too late"),
            (
                "not followed to the horizon",
                int(short.sum()),
                f"landmark less than {markup.counted(horizon, 'month')} before the data end: left "
                "out, whether they left or not",
            ),
            ("in the comparison", inside, "the same customers for every measure"),
        ],
        columns=["step", "customers", "reason"],
    )

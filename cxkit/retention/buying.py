"""From orders and scores to exposure: who is followed, from which day, and what they bought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.retention.clock import MONTH, TENURE_BANDS, TENURE_NAMES

if TYPE_CHECKING:
    from cxkit.retention.clock import Bands
    from cxkit.study.study import Study

YEAR = 365.25

#: Days between the answer and the first order that counts, side by side.
GAPS = (0, 30, 90, 180)

#: Orders in the year before the score, as they are held equal.
EARLIER = ("none", "one", "two or three", "four or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyers:
    """Customers from the day on which an order counts, and how everyone else was set aside.

    Attributes
    ----------
    people : DataFrame
        One row per customer: customer, band (text), count (orders), amount (their sum), exposure
        (years), until_order (months to the first order or the end), bought (bool), and what is
        held equal.
    bands : list of str
        Those present, from the poor end to the good one.
    held : list of str
        Columns that can be held equal.
    steps : DataFrame
        One row per step of the selection: step, customers, reason.
    after_last, dormant, outside, no_amount : int
        Scores given after the customer's last order; by customers without an order in the year
        before; orders before joining or after leaving; orders without an amount.
    short_history : int
        Customers whose year before the score is not wholly in the data.
    dated : bool
        Whether the study says when customers left.
    """

    people: pd.DataFrame
    bands: list[str]
    held: list[str]
    steps: pd.DataFrame
    after_last: int
    dormant: int
    outside: int
    no_amount: int
    short_history: int
    dated: bool


def buyers(study: Study, *, bands: Bands, gap: int) -> Buyers:
    """Start each customer's exposure ``gap`` days after the first usable score.

    Raises
    ------
    QuestionError
        If nobody can be followed after a score.
    """
    orders = study.orders[["customer", "ordered_on"]].assign(amount=_amounts(study))
    orders = orders[orders["customer"].notna() & orders["ordered_on"].notna()]
    answers = study.responses
    scored = answers[answers[bands.measure].notna() & answers["answered_on"].notna()]
    known, dated = _with_customers(study, scored[["customer", "answered_on", bands.measure]])
    gone = known["end"].notna() & (known["answered_on"] >= known["end"])
    usable = known[~gone & ~(known["answered_on"] < known["start"])]
    first = usable.sort_values(["customer", "answered_on"], kind="stable")
    first = first.drop_duplicates("customer").reset_index(drop=True)
    begin = first["answered_on"] + pd.Timedelta(days=gap)
    last = first["end"].where(first["end"] <= study.as_of, study.as_of).fillna(study.as_of)
    left_early = (last <= begin) & (first["end"] <= study.as_of)
    unseen = (last <= begin) & ~left_early
    people = first.assign(begin=begin, last=last)[last > begin].reset_index(drop=True)
    n_scored = scored["customer"].nunique()
    rows = [
        ("with an order", orders["customer"].nunique(), "at least one order, at any time"),
        ("with a score", n_scored, f"at least one usable {bands.measure} answer"),
        (
            "only scores outside the relationship",
            n_scored - len(first),
            "not in the customer table, or every score before joining or after leaving: set aside",
        ),
        (
            "left within the gap",
            int(left_early.sum()),
            f"left within {markup.counted(gap, 'day')} of the answer",
        ),
        (
            "exposure not yet begun",
            int(unseen.sum()),
            f"answered less than {markup.counted(gap, 'day')} before the data end",
        ),
        ("in the analysis", len(people), "followed until they left, or the data end"),
    ]
    if people.empty:
        raise QuestionError(
            f"No customer can be followed: {n_scored:,} have a usable {bands.measure} answer and "
            f"none is followed {markup.counted(gap, 'day')} later, before {study.as_of:%Y-%m-%d}.\n"
            "  Ask with a smaller gap, or wait until answers are older."
        )
    joined = orders.merge(
        people[["customer", "answered_on", "begin", "last", "start", "end"]], on="customer"
    )
    outside = (joined["ordered_on"] >= joined["end"]) | (joined["ordered_on"] < joined["start"])
    inside = joined[~outside]
    people = _counted(people, inside)
    earlier = inside[inside["ordered_on"] < inside["answered_on"]]
    recent = earlier[earlier["ordered_on"] >= earlier["answered_on"] - pd.Timedelta(days=365)]
    recent_n = people["customer"].map(recent.groupby("customer").size()).fillna(0).to_numpy()
    people["earlier orders"] = np.array(EARLIER)[np.searchsorted((1, 2, 4), recent_n, "right")]
    data_from = study.observed_from or orders["ordered_on"].min()
    known_from = people["start"].fillna(data_from)
    history = known_from.where(known_from > data_from, data_from)
    short = people["answered_on"] - history < pd.Timedelta(days=365)
    people["earlier orders"] = people["earlier orders"].where(~short, "less than a year known")
    latest = _day_of(people, inside.groupby("customer")["ordered_on"].max())
    people["band"] = bands.cut(people[bands.measure]).astype(object)
    held = ["earlier orders"]
    if dated:
        tenure = (people["begin"] - people["start"]).dt.days / MONTH
        people["tenure_band"] = pd.cut(tenure, TENURE_BANDS, labels=TENURE_NAMES, right=False)
        segments = [n for n in study.contract.of("customers").segments if n in people]
        people = people.rename(columns={n: f"held: {n}" for n in segments})
        held = ["tenure_band", "earlier orders", *[f"held: {n}" for n in segments]]
    return Buyers(
        people=people,
        bands=[b for b in bands.names if (people["band"] == b).any()],
        held=held,
        steps=pd.DataFrame(rows, columns=["step", "customers", "reason"]),
        after_last=int((latest.isna() | (latest <= people["answered_on"])).sum()),
        dormant=int(((recent_n == 0) & ~short).sum()),
        outside=int(outside.sum()),
        no_amount=int(inside["amount"].isna().sum()) if "amount" in study.orders else 0,
        short_history=int(short.sum()),
        dated=dated,
    )


def _amounts(study: Study) -> pd.Series:
    """Return the amounts of the orders; zero for all where the study has none."""
    orders = study.orders
    return orders["amount"] if "amount" in orders else pd.Series(0.0, index=orders.index)


def _with_customers(study: Study, scored: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Return the scores with joining, leaving and segments, where the study has dated customers."""
    if study.has("customers") and study.contract.of("customers").form == "dates":
        names = list(study.contract.of("customers").segments)
        columns = ["customer", "start", "end", *[n for n in names if n in study.customers]]
        return scored.merge(study.customers[columns], on="customer", how="inner"), True
    never = pd.Series(pd.NaT, index=scored.index, dtype="datetime64[us]")
    return scored[scored["customer"].notna()].assign(start=never, end=never), False


def _counted(people: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Return the people with their orders after ``begin`` and until ``last``."""
    during = orders[
        (orders["ordered_on"] > orders["begin"]) & (orders["ordered_on"] <= orders["last"])
    ]
    by = during.groupby("customer")
    first = _day_of(people, by["ordered_on"].min())
    days = (people["last"] - people["begin"]).dt.total_seconds() / 86400
    waited = (first - people["begin"]).dt.total_seconds() / 86400
    return people.assign(
        count=people["customer"].map(by.size()).fillna(0).astype(int),
        amount=people["customer"].map(by["amount"].sum()).fillna(0.0),
        exposure=days / YEAR,
        until_order=waited.fillna(days).clip(lower=0.5) / MONTH,
        bought=first.notna(),
    )


def _day_of(people: pd.DataFrame, days: pd.Series) -> pd.Series:
    """Return each customer's day from days by customer; also where there is none at all."""
    return pd.Series(days.reindex(people["customer"]).to_numpy(), index=people.index)

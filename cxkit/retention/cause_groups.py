"""Customers from the day on which all parts of a group of causes are known of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.retention.cases import case_episodes
from cxkit.retention.clock import MONTH, TENURE_BANDS, TENURE_NAMES
from cxkit.study.contract import COMPONENTS

if TYPE_CHECKING:
    from cxkit.study.study import Study

#: Months in which leaving counts where the clock starts with joining: all of them.
OPEN = 10**6

#: Touchpoints that must be rated before their mean, spread and minimum are compared.
FEWEST_TOUCHPOINTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Causes that are compared together.

    Attributes
    ----------
    name : str
    causes : tuple of str
        Columns of ``spells``, as a reader says them.
    spells : DataFrame or None
        One row per customer: months, followed, left, tenure_band, `held: NAME` of each segment, and
        the causes as numbers (yes is 1); None where a table or column is missing.
    beside : tuple of str
        Numbers held equal in the joint model only.
    held : tuple of str
        Columns that can be held equal.
    reason : str
        Why there are no spells.
    missing : tuple of str
        What the study does not have, or was not asked.
    left_within_gap, incomplete : int
        Customers set aside.
    units : dict
        What one step of a cause is, where it is not a standard deviation or a yes.
    natural : tuple of str
        Causes that keep their own step.
    yes_no : tuple of str
        Causes that a customer met with or not.
    spare : tuple of str
        Causes left out of the joint model where they nearly repeat the others.
    moving : bool
        Whether ``spells`` are episodes since joining (start, months, left) in which the causes are
        those known at the beginning of each month, not spells from a landmark.
    """

    name: str
    causes: tuple[str, ...]
    spells: pd.DataFrame | None = None
    beside: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    reason: str = ""
    missing: tuple[str, ...] = ()
    left_within_gap: int = 0
    incomplete: int = 0
    units: dict[str, str] = field(default_factory=dict)
    natural: tuple[str, ...] = ()
    yes_no: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()
    moving: bool = False

    @property
    def customers(self) -> int:
        """Return how many customers are compared."""
        return 0 if self.spells is None else int(self.spells["customer"].nunique())

    def within(self, horizon: int) -> int:
        """Return the months in which leaving counts: up to the horizon, or all since joining."""
        return OPEN if self.moving else horizon

    def step(self, cause: str) -> str:
        """Say what one step of a cause is."""
        if cause in self.units:
            return self.units[cause]
        if cause in self.yes_no:
            return "yes against no"
        if self.spells is None or len(self.spells) < 2:
            return "one SD more"
        return f"one SD more ({self.spells[cause].to_numpy(float).std(ddof=1):.2f})"


def consistency(study: Study, *, measure: str, gap: int) -> Group:
    """Return mean, spread and minimum over a customer's touchpoints, once three are rated."""
    name, causes = "consistency", ("mean", "spread", "minimum")
    if not study.has("responses") or not study.contract.of("responses").scores:
        return Group(name=name, causes=causes, reason="the study has no scored responses.")
    answers = study.responses
    scores = study.contract.of("responses").scores
    chosen = measure or next(iter(scores))
    if chosen not in scores or "touchpoint" not in answers:
        lacking = "touchpoint" if chosen in scores else f"measure {chosen!r}"
        return Group(name=name, causes=causes, reason=f"the responses have no {lacking}.")
    rated = _inside(study, answers[answers[chosen].notna() & answers["touchpoint"].notna()])
    rated["score"] = _good(rated[chosen], scores[chosen])
    order = rated.sort_values(["customer", "answered_on"], kind="stable")
    new = order.drop_duplicates(["customer", "touchpoint"])
    third = new[new.groupby("customer").cumcount() == FEWEST_TOUCHPOINTS - 1]
    day = third.set_index("customer")["answered_on"]
    known = order[order["answered_on"] <= order["customer"].map(day)]
    each = known.groupby(["customer", "touchpoint"])["score"].agg(["mean", "size"])
    by = each.groupby("customer")
    parts = pd.DataFrame(
        {
            "mean": by["mean"].mean(),
            "spread": by["mean"].std(ddof=1),
            "minimum": by["mean"].min(),
            "log touchpoints": np.log(by.size()),
            "log answers": np.log(by["size"].sum()),
        }
    ).round(9)
    beside = ("log touchpoints", "log answers")
    reason = f"no customer has rated {FEWEST_TOUCHPOINTS} touchpoints ({chosen})."
    return _followed(
        study, parts, day, gap, name, causes, beside=beside, reason=reason, spare=("minimum",)
    )


def components(study: Study, *, gap: int) -> Group:
    """Return the mean of each component so far, once every one has been answered."""
    name = "components"
    if not study.has("responses"):
        return Group(name=name, causes=COMPONENTS, reason="the study has no responses.")
    answers = study.responses
    scores = study.contract.of("responses").scores
    asked = [c for c in COMPONENTS if c in answers and answers[c].notna().any()]
    missing = tuple(c for c in COMPONENTS if c not in asked)
    if len(asked) < 2:
        return Group(
            name=name,
            causes=tuple(asked) or COMPONENTS,
            reason="fewer than two of the five components were asked.",
            missing=missing,
        )
    inside = _inside(study, answers)
    scored = {c: _good(inside[c], scores[c]) for c in asked}
    inside = inside.assign(**scored)
    first = {c: inside[inside[c].notna()].groupby("customer")["answered_on"].min() for c in asked}
    each = pd.DataFrame(first)
    day = each.dropna().max(axis=1)  # who lacks a part is in no row
    known = inside[inside["answered_on"] <= inside["customer"].map(day)]
    parts = known.groupby("customer")[asked].mean().round(9)
    return _followed(
        study,
        parts,
        day,
        gap,
        name,
        tuple(asked),
        reason="no customer has answered on every component.",
        missing=missing,
        incomplete=len(each) - len(day),
    )


def service(study: Study, *, gap: int, unresolved_after: int, automated: str) -> Group:
    """Return what a customer's first service case was like, as known ``gap`` days after it."""
    name = "service"
    unresolved, channel = f"unresolved after {unresolved_after} days", "automated channel"
    every = ("wait", unresolved, channel, "closed automatically")
    if not study.has("tickets") or "customer" not in study.tickets:
        return Group(name=name, causes=every, reason="the study has no service cases by customer.")
    cases = study.tickets
    cases = cases.assign(answered_on=cases["opened"])
    first = _inside(study, cases).sort_values(["customer", "opened"], kind="stable")
    first = first.drop_duplicates("customer").set_index("customer")
    took = first["resolved"] - first["opened"]
    parts = pd.DataFrame(index=first.index)
    if "wait" in first:
        parts["wait"] = np.log2(1 + first["wait"].clip(lower=0)).round(9)
    late = took.isna() | (took > pd.Timedelta(days=unresolved_after))
    parts[unresolved] = late.astype(float)
    missing = [] if "wait" in first else ["wait"]
    if "channel" in first and (first["channel"] == automated).any():
        parts[channel] = (first["channel"] == automated).astype(float)
    else:
        missing.append(f"a channel '{automated}'")
    if "auto_closed" in first:
        by_then = first["resolved"] <= first["opened"] + pd.Timedelta(days=gap)
        closed = first["auto_closed"].fillna(value=False).astype(bool) & by_then
        parts["closed automatically"] = closed.astype(float)
    else:
        missing.append("closed automatically")
    whole = parts.dropna()
    unit = getattr(study.contract.of("tickets").wait, "unit", "") or "units"
    return _followed(
        study,
        whole,
        first["opened"],
        gap,
        name,
        tuple(whole.columns),
        reason="no customer has a service case that is known in all its parts.",
        missing=tuple(missing),
        incomplete=len(parts) - len(whole),
        units={"wait": f"twice the wait (one added, {unit})"},
        natural=("wait",),
        yes_no=tuple(c for c in whole.columns if c != "wait"),
    )


def cases(study: Study, *, gap: int, limit: int) -> Group:
    """Return what was known of a customer's cases in each month since joining, a gap late."""
    name = "cases"
    every = (
        "a case so far",
        "two or more cases",
        f"a case open up to {limit} days",
        f"a case open over {limit} days",
        f"a last case over {limit} days",
    )
    if not study.has("tickets") or "customer" not in study.tickets:
        return Group(name=name, causes=every, reason="the study has no service cases by customer.")
    longest = max(24.0, 2 * gap / MONTH)
    rows = case_episodes(study, limit=limit, gap=gap, longest=longest, unit="months").rows
    state = rows["state"].cat.codes
    parts = (rows["cases"] > 0, rows["cases"] > 1, state == 1, state == 0, state == 2)
    told = {c: p.astype(float) for c, p in zip(every, parts, strict=True)}
    segments = [n for n in study.contract.of("customers").segments if n in rows]
    named = {n: f"held: {n}" for n in segments}
    spells = rows.drop(columns="state").rename(columns=named)
    return Group(
        name=name,
        causes=every,
        spells=spells.assign(**told, months=rows["stop"]),
        held=tuple(named.values()),
        yes_no=every,
        moving=True,
    )


def _followed(
    study: Study,
    parts: pd.DataFrame,
    day: pd.Series,
    gap: int,
    name: str,
    causes: tuple[str, ...],
    *,
    reason: str,
    beside: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    incomplete: int = 0,
    units: dict[str, str] | None = None,
    natural: tuple[str, ...] = (),
    yes_no: tuple[str, ...] = (),
    spare: tuple[str, ...] = (),
) -> Group:
    """Return the group with its customers followed from ``gap`` days after ``day`` on."""
    customers = study.customers
    known = customers[customers["customer"].isin(parts.index)]
    start_of = pd.Series(day.reindex(known["customer"]).to_numpy(), index=known.index)
    landmark = start_of.dt.floor("D") + pd.Timedelta(days=gap)
    begin = study.observed_from
    gone = known["end"] <= landmark
    seen = (landmark < study.as_of) & ((landmark >= begin) if begin is not None else True)
    kept = known[seen & ~gone]
    at = landmark[seen & ~gone]
    last = kept["end"].where(kept["end"] <= study.as_of, study.as_of).fillna(study.as_of)
    tenure = (at - kept["start"]).dt.days / MONTH
    segments = [n for n in study.contract.of("customers").segments if n in kept]
    spells = pd.DataFrame(
        {
            "customer": kept["customer"],
            "months": (last - at).dt.days.clip(lower=0.5) / MONTH,
            "followed": (study.as_of - at).dt.days.clip(lower=0.5) / MONTH,
            "left": (kept["end"] <= study.as_of).astype(bool),
            "tenure_band": pd.cut(tenure, TENURE_BANDS, labels=TENURE_NAMES, right=False),
            **{f"held: {n}": kept[n] for n in segments},
        }
    )
    spells = spells.merge(parts, left_on="customer", right_index=True).reset_index(drop=True)
    return Group(
        name=name,
        causes=causes,
        spells=spells,
        beside=beside,
        held=("tenure_band", *[f"held: {n}" for n in segments]),
        reason=reason if spells.empty else "",
        missing=missing,
        left_within_gap=int((gone & (landmark < study.as_of)).sum()),
        incomplete=incomplete,
        units=units or {},
        natural=natural,
        yes_no=yes_no,
        spare=spare,
    )


def _inside(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """Return dated rows of customers while they were customers, as a frame of its own."""
    there = rows[rows["customer"].notna() & rows["answered_on"].notna()]
    dates = study.customers[["customer", "start", "end"]]
    known = there.drop(columns=["start", "end"], errors="ignore").merge(dates, on="customer")
    out = (known["answered_on"] >= known["end"]) | (known["answered_on"] < known["start"])
    return known[~out].copy()


def _good(scores: pd.Series, score: object) -> pd.Series:
    """Return scores turned so that high is good."""
    low, high = score.scale  # type: ignore[attr-defined]
    good = score.higher_is_better  # type: ignore[attr-defined]
    return scores if good else low + high - scores

"""Sentences, tables and guards of one bad experience, each made from its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cxkit import markup
from cxkit.disclosure import count_said, customer_table
from cxkit.results import Guard, Note, Table

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.results import Difference
    from cxkit.retention.events import Events
    from cxkit.retention.readings import Readings
    from cxkit.retention.trials import Trials

PP = "percentage points"


def sentence(
    effect: Difference,
    main: dict[str, Any],
    ungapped: dict[str, Any],
    event: str,
    gap: int,
    horizon: int,
) -> str:
    """Say the answer: more leave, fewer leave, only those on their way out, or it cannot be told.

    ``main`` and ``ungapped`` are rows of the excess at the horizon, with and without the gap.
    """
    if effect.value is None:
        return (
            f"What one bad experience ({event}) does to leaving cannot be told from these data: "
            f"{effect.reason}"
        )
    limits = (
        f"({markup.percent_label(effect.level)} interval "
        f"{markup.interval(effect.low, effect.high, PP)}, n = {effect.n_a:,} affected)"
    )
    shares = (
        f"{markup.quantity(main['affected'], '%')} against {markup.quantity(main['others'], '%')} "
        f"of customers alike who were not yet affected"
    )
    size = ("at least " if gap else "") + markup.quantity(abs(effect.value), PP)
    begins = markup.counted(gap, "day")
    after = f"within {markup.counted(horizon, 'month')}, counted from {begins} after it"
    first = f"After a first bad experience ({event})"
    if effect.direction == "higher":
        return f"{first} more customers leave: {size} more {after} {limits}; {shares}."
    if effect.direction == "lower":
        return f"{first} fewer customers leave: {size} fewer {after} {limits}; {shares}."
    signed = markup.quantity(effect.value, PP)
    told = f"the difference {after} is {signed} {limits}; {shares}."
    low = ungapped["low"]
    if gap > 0 and low is not None and low > 0:
        return (
            f"{first} more customers leave soon, but that may be because they were leaving "
            f"already: counted from the day itself the difference is "
            f"{markup.quantity(ungapped['value'], PP)} "
            f"({markup.interval(low, ungapped['high'], PP)}), whereas {told}"
        )
    return f"{first} whether more customers leave cannot be told: {told}"


def unlike(leads: pd.DataFrame, level: float) -> str:
    """Say in what the affected differed from the others before; nothing where in nothing told."""
    names = list(dict.fromkeys(_different(leads, level)["outcome"]))
    if not names:
        return ""
    return (
        f" But in the year before, the two already differed in {' and '.join(names)} (last table): "
        "they may not have been alike in what makes customers leave either."
    )


def _different(leads: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return what repeats and differed before the event, after Holm's adjustment."""
    return leads[leads["p_adjusted"].notna() & (leads["p_adjusted"] < 1 - level)]


def stated(effect: Difference, horizon: int) -> Note:
    """Say how the share of people who say that they would leave differs from what is seen here."""
    seen = (
        f"What is seen here is {markup.quantity(effect.value, PP)} "
        f"({markup.percent_label(effect.level)} interval "
        f"{markup.interval(effect.low, effect.high, PP)}) within "
        f"{markup.counted(horizon, 'month')}. That is what customers of this firm did after an "
        "experience that is recorded, beyond what customers alike without one did anyway. The two "
        "may differ many times over and neither corrects the other;"
        if effect.value is not None
        else "Here too few were affected or left to say what they did;"
    )
    return Note(
        paragraphs=(
            "A figure that is often quoted says how many people would walk away from a brand after "
            "one bad experience. It is a stated intention: people of the public, asked in a survey "
            "what they would do after an experience that they imagine, of any firm and of any "
            f"size, with no date by which they would do it. {seen} the stated figure is not "
            "printed, since its source was not checked.",
        )
    )


def why_two(gap: int) -> Note:
    """Say in plain words why the comparison is read in two ways."""
    if not gap:
        return Note(
            paragraphs=(
                "Counted from the day of the event, others are set aside on the day of their own: "
                "customers who were leaving already, and complained on their way out, are not told "
                "from those who left because of it. A gap would guard against that.",
            )
        )
    days = markup.counted(gap, "day")
    return Note(
        paragraphs=(
            "Why two readings? In the usual design the others are set aside on the day on which "
            "they are affected themselves. Customers who complain on their way out then vanish "
            "from the others just before they leave: too few of the others seem to leave, and an "
            "effect is found where there is none. Kept among the others for "
            f"{days} after their own event, as the affected had to stay {days} after theirs, they "
            "count; but whoever left because of the event then counts as unaffected, and a true "
            "effect looks smaller. Which of the two happens is not seen in the data, so the answer "
            "is the reading nearer to zero, and its interval holds both.",
        )
    )


def horizons_table(frame: pd.DataFrame, event: str, gap: int, level: float, method: str) -> Table:
    """Return the excess at the main gap, by horizon."""
    rows = frame[frame["gap"] == gap].assign(p_shown=lambda f: f["p_adjusted"].map(markup.p_value))
    n = int(rows["n_affected"].max())
    tests = int(rows["family"].max())
    family = f" p by Holm in a family of {tests}." if tests else ""
    below = "; other comparisons below linearised" if "bootstrap" in method else ""
    how = f" Method: {method}{below}." if (rows["status"] == "ok").any() else ""
    return customer_table(
        rows,
        caption=f"Leaving after a first bad experience ({event}), counted from "
        f"{markup.counted(gap, 'day')} after it: {count_said(n)} affected customers against "
        f"customers alike not yet affected.{family}{how}",
        columns=[
            ("Within months", "horizon", "count"),
            *_columns(rows, level),
            ("p, Holm", "p_shown", "text"),
        ],
        n="n_affected",
    )


def gaps_table(frame: pd.DataFrame, event: str, horizon: int, level: float) -> Table:
    """Return the excess at one horizon, by gap."""
    rows = frame[frame["horizon"] == horizon]
    return customer_table(
        rows,
        caption=f"The same within {markup.counted(horizon, 'month')}, counted from the day of the "
        f"event ({event}) and from later: what a gap takes away may be leaving that had begun "
        f"before the event. {count_said(int(rows['n_affected'].max()))} customers affected without "
        "a gap.",
        columns=[("Days after", "gap", "count"), *_columns(rows, level)],
        n="n_affected",
    )


def robust_table(frame: pd.DataFrame, gap: int, horizon: int, level: float) -> Table:
    """Return the main comparison beside its two readings, and others that could be made."""
    return customer_table(
        frame,
        caption=f"Within {markup.counted(horizon, 'month')}, from {markup.counted(gap, 'day')} "
        "after, in two readings; the interval of the first row spans both, n = "
        f"{count_said(int(frame['n_affected'].iloc[0]))} affected.",
        columns=[("Comparison", "comparison", "text"), *_columns(frame, level)],
        n="n_affected",
    )


def doses_table(frame: pd.DataFrame, event: str, gap: int, horizon: int, level: float) -> Table:
    """Return the excess by how many bad experiences there were."""
    named = {1: "first", 2: "second", 3: "third"}
    rows = frame.assign(which=frame["dose"].map(named))
    return customer_table(
        rows,
        caption=f"The first, second and third bad experience ({event}), each against customers "
        f"alike with one fewer: leaving within {markup.counted(horizon, 'month')}, from "
        f"{markup.counted(gap, 'day')} after; {count_said(int(rows['n_affected'].iloc[0]))} "
        "customers had a first.",
        columns=[("Which", "which", "text"), *_columns(rows, level)],
        n="n_affected",
    )


def recovery_table(frame: pd.DataFrame, gap: int, horizon: int, level: float) -> Table | Note:
    """Return the excess by how a case was resolved, and what that differs by."""
    if frame.empty:
        return Note(
            paragraphs=(
                "Whether a recovery helps cannot be told: no service case with the day on which "
                "it was resolved is among the data. Give the study its tickets, with customer.",
            )
        )
    n = int(frame.loc[frame["of"] != "difference", "n_affected"].sum())
    return customer_table(
        frame,
        caption=f"After a first case, by whether it was resolved {markup.counted(gap, 'day')} "
        f"later, when the count of leaving within {markup.counted(horizon, 'month')} begins: "
        f"{count_said(n)} customers. How a case went was not given by lot: hard cases take longer.",
        columns=[("Case", "group", "text"), *_columns(frame, level)],
        n="n_affected",
    )


def leads_table(frame: pd.DataFrame, level: float) -> Table | Note:
    """Return what differed in the year before."""
    if frame.empty:
        return Note(
            paragraphs=(
                "Nothing that repeats can be compared before the event: too few of the affected "
                "were customers, inside the data, for a year before it.",
            )
        )
    rows = frame.assign(p_shown=frame["p_adjusted"].map(markup.p_value))
    return Table.of(
        rows,
        caption="Before the event, affected and others alike, per customer: differences near zero "
        "are what a fair comparison shows. Leaving has no such row, since whoever is affected was "
        "there until that day. Surveys and cases of the year are together alike in number by "
        "choice, so who had more cases answered fewer surveys. n = "
        f"{count_said(int(frame['n_affected'].max()))} affected, those who were customers, inside "
        "the data, for the whole year before.",
        columns=[
            ("What repeats", "outcome", "text"),
            ("When", "window", "text"),
            ("Affected", "affected", "score"),
            ("Others", "others", "score"),
            ("Difference", "value", "score"),
            (f"{markup.percent_label(level)} interval", "low..high", "score"),
            ("p, Holm", "p_shown", "text"),
        ],
    )


def _columns(rows: pd.DataFrame, level: float) -> list[tuple[str, str, str]]:
    """Return the columns that every table of the excess has."""
    return [
        ("Affected (%)", "affected", "%"),
        ("Others (%)", "others", "%"),
        ("Difference (points)", "value", PP),
        (f"{markup.percent_label(level)} interval", "low..high", PP),
        ("Customers affected", "n_affected", "count"),
        *([("Why none", "reason", "text")] if (rows["reason"] != "").any() else []),
    ]


def guards(
    trials: Trials,
    events: Events,
    found: Readings | None,
    frame: pd.DataFrame,
    leads: pd.DataFrame,
    effect: Difference,
    gap: int,
) -> tuple[Guard, ...]:
    """Return every guard of this question, fired or not, with what it saw."""
    horizon = int(frame["horizon"].max())
    at = frame[frame["horizon"] == horizon].set_index("gap")["value"]
    late = trials.people.start[trials.customer[trials.affected]] < trials.people.first
    unmatched = found.lower.unmatched if found is not None else int(trials.affected.sum())
    main = frame[(frame["gap"] == gap) & (frame["horizon"] == horizon)].iloc[0]
    lower, upper = main["lower"], main["upper"]
    slack = 1.96 * effect.se if effect.se is not None else 0.0
    known = _different(leads, effect.level)
    different = ", ".join(f"{r.outcome} ({r.window})" for r in known.itertuples())
    silent = frame[(frame["gap"] == gap) & (frame["status"] != "ok")]
    alike = "quarter, tenure, contacts" + (" and segments" if trials.segments else "")
    return (
        Guard(
            kind="already leaving",
            fired=at[0] is not None and effect.value is not None and at[0] > effect.value + slack,
            text=f"Counted from the day of the event the difference is {_points(at[0])}, from "
            f"{markup.counted(gap, 'day')} after it {_points(effect.value)}: what the gap takes "
            "away may be customers who were leaving already and complained on their way out, or a "
            f"harm that passes. Its two readings are {_points(lower)} and {_points(upper)}."
            if effect.value is not None
            else "Too few left to tell those who were leaving already.",
        ),
        Guard(
            kind="events before the data",
            fired=bool(late.any()),
            text=f"{count_said(int(late.sum()))} of {count_said(int(trials.affected.sum()))} "
            "affected customers joined before the data begin; whether this was their first bad "
            "experience is not known.",
        ),
        Guard(
            kind="different before",
            fired=len(known) > 0,
            text=f"In the year before, affected and others differ in: {different}."
            if different
            else "In the year before, affected and others cannot be told apart in what repeats."
            if len(leads)
            else "What repeats could not be compared before the event.",
        ),
        Guard(
            kind="nobody alike",
            fired=unmatched > 0,
            text=f"{count_said(unmatched)} affected customers have nobody alike in {alike} and are "
            "set aside." + ("" if trials.segments else " Segments are not held equal."),
        ),
        Guard(
            kind="events outside the relationship",
            fired=events.outside > 0,
            text=f"{count_said(events.outside)} bad experiences lie before joining, or on or after "
            "the day of leaving; they are dropped.",
        ),
        Guard(
            kind="sparse exits",
            fired=len(silent) > 0,
            text=" ".join(
                f"Within {markup.counted(h, 'month')}: {why}"
                for h, why in zip(silent["horizon"], silent["reason"], strict=True)
            )
            or "Every horizon has enough exits in both groups.",
        ),
    )


def _points(value: float | None) -> str:
    """Write a difference, or that there is none."""
    return markup.quantity(value, PP) if value is not None else "not known"

"""Sentences, tables and guards of what goes with leaving, each made from its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.disclosure import LEAST_CUSTOMERS, count_said, leavers
from cxkit.results import Guard, Note, Table
from cxkit.retention.model_guards import collinearity
from cxkit.retention.wording import held
from cxkit.study.contract import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from cxkit.retention.cause_groups import Group

#: What the clock itself holds equal where it starts with joining.
SINCE = "time since joining"

#: Causes of which nothing can be told that a sentence names; of more it says how many.
NAMED = 4

#: What stands before a cause when it is named in a sentence.
SAID = {
    "mean": "the mean over touchpoints",
    "spread": "the spread over touchpoints",
    "minimum": "the lowest touchpoint",
    "wait": "the wait",
    **{c: f"the answer on {c.replace('_', ' ')}" for c in COMPONENTS},
}


def sentence(frame: pd.DataFrame, horizon: int, level: float) -> str:
    """Say which causes go with leaving more or less often, which may be chance, which are open."""
    told = frame[frame["value"].notna()]
    if told.empty:
        return (
            "What goes with leaving cannot be told from these data: in no group of causes did "
            f"enough customers leave within {markup.counted(horizon, 'month')}."
        )
    more: list[str] = []
    less: list[str] = []
    chance: list[str] = []
    unclear: list[str] = []
    for row in told.to_dict("records"):
        low, high = float(row["low"]), float(row["high"])
        name = _named(str(row["cause"]))
        limits = markup.interval(low, high, "ratio")
        ratio = f"{name} (hazard ratio {markup.quantity(row['value'], 'ratio')}, {limits})"
        apart = low > 1 or high < 1
        if apart and row["p_adjusted"] < 1 - level:
            (more if low > 1 else less).append(ratio)
        elif apart:
            chance.append(ratio)
        else:
            unclear.append(name)
    family = int(told["family"].iloc[0])
    parts = []
    if more:
        parts.append(f"More leaving goes with {_list(more)}.")
    if less:
        parts.append(f"Less leaving goes with {_list(less)}.")
    if chance:
        parts.append(
            f"{_list(chance)} stand{'s' if len(chance) == 1 else ''} out, but may be chance among "
            f"{family} tests."
        )
    if len(unclear) > NAMED:
        parts.append(
            f"Nothing can be told of {len(unclear)} of the {len(told)} causes in the tables."
        )
    elif unclear:
        parts.append(f"Nothing can be told of {_list(unclear)}.")
    alone = int(((told["alone_low"] > 1) | (told["alone_high"] < 1)).sum())
    if alone > len(more) + len(less):
        parts.append(
            f"Alone, {alone} of the {len(told)} intervals lie off 1: causes that come together, of "
            "which the tables cannot always say which one matters."
        )
    said = " ".join(p[0].upper() + p[1:] for p in parts)
    return (
        f"{said} Each ratio is for a step more with the others of its group equal "
        f"({markup.percent_label(level)} intervals, {family} tests, Holm, up to "
        f"{int(told['n'].max()):,} customers)."
    )


def table(
    frame: pd.DataFrame,
    group: Group,
    adjusted_for: Sequence[str],
    horizon: int,
    level: float,
) -> Table | Note:
    """Return a group's causes, adjusted and alone; a note where there is no group."""
    rows = frame[frame["group"] == group.name]
    if group.spells is None or group.spells.empty:
        return Note(paragraphs=(f"On {group.name} nothing can be told: {group.reason}",))
    rows = rows.assign(p_shown=rows["p_adjusted"].map(markup.p_value), said=rows["cause"].map(held))
    equal = ", ".join(held(c) for c in adjusted_for)
    label = f"{markup.percent_label(level)} interval"
    tests, n = int(rows["family"].max()), int(rows["n"].max())
    if n < LEAST_CUSTOMERS:
        few = f"{count_said(n)} customers gave what it needs." if n else "nobody gave it."
        return Note(paragraphs=(f"On {group.name} nothing can be told: {few}",))
    family = f" p by Holm in a family of {tests}." if tests else ""
    since = SINCE if group.moving else "nothing"
    months = (
        "in the months since joining, as known at the beginning of each"
        if group.moving
        else f"over {markup.counted(horizon, 'month')}"
    )
    missing = (
        f" Not among the data: {', '.join(map(held, group.missing))}." if group.missing else ""
    )
    return Table.of(
        rows,
        caption=f"{group.name.capitalize()}: hazard ratios of leaving for a step more, {months}, "
        f"n = {count_said(n)} customers, {leavers(int(rows['exits'].max()), n)} left. Adjusted: "
        "each with the others of this table"
        + (f" and {equal}" if equal else "")
        + f" held equal; alone: {since} held equal.{family}{missing}",
        columns=[
            ("Cause", "said", "text"),
            ("A step", "step", "text"),
            ("Adjusted", "value", "ratio"),
            (label, "low..high", "ratio"),
            ("p, Holm", "p_shown", "text"),
            ("Alone", "alone", "ratio"),
            (f"Alone, {label}", "alone_low..alone_high", "ratio"),
            *([("Why none", "reason", "text")] if (rows["reason"] != "").any() else []),
        ],
    )


def guards(
    groups: Sequence[Group],
    frame: pd.DataFrame,
    adjusted_for: Mapping[str, Sequence[str]],
    horizon: int,
) -> tuple[Guard, ...]:
    """Return every guard of this question, fired or not, with what it saw."""
    sparse = frame[frame["reason"].str.startswith("too sparse")]
    gone = sum(g.left_within_gap for g in groups)
    lacking = {g.name: [*g.missing] for g in groups if g.missing}
    open_to = [g for g in groups if g.spells is not None and g.held]
    bare = [g.name for g in open_to if not _segments(adjusted_for[g.name])]
    tests = int(frame["family"].max())
    turned = frame[frame["value"].notna() & frame["alone"].notna()]
    apart = (turned["alone_low"] > 1) | (turned["alone_high"] < 1)
    apart |= (turned["low"] > 1) | (turned["high"] < 1)
    opposite = turned[apart & ((turned["value"] > 1) != (turned["alone"] > 1))]
    return (
        Guard(
            kind="sparse causes",
            fired=len(sparse) > 0,
            text=_sparse(sparse) or "Every cause has enough exits with and without it.",
        ),
        Guard(
            kind="nothing held equal",
            fired=len(bare) > 0,
            text=f"Too few left for tenure and segments to be held equal in: {', '.join(bare)}."
            if bare
            else "Tenure and segments are held equal in every group.",
        ),
        *[_collinear(g, frame) for g in groups],
        Guard(
            kind="already leaving",
            fired=gone > 0,
            text=f"{count_said(gone)} customers left before the count of leaving began; what they "
            "met with in their last weeks may be an effect of leaving and is not used.",
        ),
        Guard(
            kind="adjusted against alone",
            fired=len(opposite) > 0,
            text="Adjusted and alone point opposite ways for: "
            + ", ".join(_named(c) for c in opposite["cause"])
            + ". Alone, a cause also carries what the others of its group do."
            if len(opposite)
            else "No cause that can be told turns its sign when the others of its group are equal.",
        ),
        Guard(
            kind="not asked",
            fired=bool(lacking),
            text=" ".join(
                f"{name.capitalize()}: {', '.join(map(held, m))} not among the data."
                for name, m in lacking.items()
            )
            or "Every part of every group is among the data.",
        ),
        Guard(
            kind="multiplicity",
            fired=tests > 1,
            text=f"{tests} adjusted causes are tested; p is adjusted by Holm within this family of "
            f"{tests}, leaving within {markup.counted(horizon, 'month')}."
            if tests
            else "No cause is tested.",
        ),
    )


def _sparse(rows: pd.DataFrame) -> str:
    """Say what is too sparse, causes of one reason together."""
    said = []
    for (group, reason), some in rows.groupby(["group", "reason"], sort=False):
        named = ", ".join(held(c) for c in some["cause"])
        why = str(reason).removeprefix("too sparse: ").rstrip(".")
        said.append(f"{str(group).capitalize()} ({named}): {why}.")
    return " ".join(said)


def _collinear(group: Group, frame: pd.DataFrame) -> Guard:
    """Say whether the causes of a group repeat each other."""
    rows = frame[(frame["group"] == group.name) & frame["value"].notna()]
    told = rows["cause"].tolist()
    if group.spells is None or len(told) < 2:
        return Guard(
            kind=f"collinearity, {group.name}", fired=False, text="No two causes are told together."
        )
    seen = collinearity(group.spells, predictors=told)
    left_out = [str(r) for r in _repetitions(frame, group)]
    if left_out:
        text = f"{' '.join(left_out)} The others are told together. {seen.text}"
        return Guard(kind=f"collinearity, {group.name}", fired=True, text=text)
    return Guard(kind=f"collinearity, {group.name}", fired=seen.fired, text=seen.text)


def _repetitions(frame: pd.DataFrame, group: Group) -> list[str]:
    """Return what is said of the causes that are left out of the joint model as repetitions."""
    rows = frame[(frame["group"] == group.name) & frame["reason"].str.endswith("(collinear).")]
    return [
        f"{_named(c)[0].upper() + _named(c)[1:]} {why}"
        for c, why in zip(rows["cause"], rows["reason"], strict=True)
    ]


def _segments(adjusted_for: Sequence[str]) -> list[str]:
    """Return what is held equal besides the numbers of touchpoints and answers, and the clock."""
    return [c for c in adjusted_for if not c.startswith("log ") and c != SINCE]


def _named(cause: str) -> str:
    """Name a cause in a sentence."""
    return SAID.get(cause, cause.replace("_", " "))


def _list(words: Sequence[str]) -> str:
    """Join words: a, b and c."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]

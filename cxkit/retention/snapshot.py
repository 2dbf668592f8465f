"""A snapshot has tenure and a churned flag but no dates: churn in one window, by experience."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxkit import markup
from cxkit.disclosure import LEAST_CUSTOMERS, gives_away, in_all, share_untold
from cxkit.errors import QuestionError
from cxkit.metrics.compare import difference
from cxkit.metrics.families import holm
from cxkit.metrics.proportions import share
from cxkit.results import Answer, Guard, Note, Table, guards_table
from cxkit.retention import tables, wording
from cxkit.retention.later import Later
from cxkit.retention.result import QUESTION, RetentionAnswer

if TYPE_CHECKING:
    from cxkit.results import Difference, Estimate, Status
    from cxkit.retention.asked import Depth
    from cxkit.study.study import Study


def churn_by(study: Study, experience: str, *, level: float) -> tuple[Difference, pd.DataFrame]:
    """Compare churn in the window between customers with and without a bad experience.

    Parameters
    ----------
    study : Study
        Whose customers are in snapshot form.
    experience : str
        A column declared under `experience:` with its bad values.
    level : float
        Level of the intervals.

    Returns
    -------
    tuple of Difference and DataFrame
        Churn with the bad experience minus churn without it (percentage points, Newcombe), and one
        row per group: group, value, low, high (percent, Wilson), n, exits.

    Raises
    ------
    QuestionError
        If nobody churned, or everybody did.

    Notes
    -----
    A customer whose experience or churn is not known is left out of both groups and counted in
    ``n_missing``. If one of the groups is empty, or too small to be shown, or so few of it left, or
    stayed, that a share would tell how many, the difference has no number and says why.
    """
    customers = study.customers
    bad = study.contract.of("customers").experience[experience].bad
    values = customers[experience]
    known = values.notna() & customers["churned"].notna()
    churned = customers.loc[known, "churned"].astype(bool)
    if churned.all() or not churned.any():
        what = "All" if churned.all() and len(churned) else "None"
        raise QuestionError(
            f"{what} of the {len(churned):,} customers have churned: churn cannot be compared."
            "\n  Export the customers of the whole window, those who left and those who stayed."
        )
    with_bad = values[known].isin(bad)
    groups = {f"{experience}: yes": with_bad, f"{experience}: no": ~with_bad}
    estimates: list[Estimate] = []
    rows: list[dict[str, Any]] = []
    for name, mask in groups.items():
        e = share(churned[mask], metric="churn", level=level)
        estimates.append(e)
        rows.append(
            {
                "group": name,
                "value": e.value,
                "low": e.low,
                "high": e.high,
                "n": e.n,
                "exits": int(churned[mask].sum()),
            }
        )
    gap = difference(*estimates, a_name=experience, b_name=f"no {experience}")
    few = [name for name, mask in groups.items() if mask.sum() < LEAST_CUSTOMERS]
    bare = [row for row in rows if gives_away(row["exits"], row["n"])]
    if few:
        none = not groups[few[0]].any()
        who = "nobody is" if none else f"fewer than {LEAST_CUSTOMERS} customers are"
        gap = _withheld(gap, "no data" if none else "withheld", f"{who} in the group '{few[0]}'.")
    elif bare:
        why = share_untold(bare[0]["exits"], bare[0]["n"])
        gap = _withheld(gap, "withheld", f"in the group '{bare[0]['group']}' {why}")
    for row in bare:
        row |= dict.fromkeys(("value", "low", "high"))
    told = pd.DataFrame(rows).astype(dict.fromkeys(("value", "low", "high"), float))
    return dataclasses.replace(gap, n_missing=int((~known).sum())), told


def _withheld(gap: Difference, status: Status, reason: str) -> Difference:
    """Return a difference without its numbers."""
    return dataclasses.replace(
        gap,
        value=None,
        low=None,
        high=None,
        se=None,
        p=None,
        status=status,
        reason=reason,
    )


def _adjusted(family: list[Difference]) -> list[Difference]:
    """Return the differences with p adjusted by Holm among those that have one."""
    found = holm([d.p for d in family])
    return [
        d if d.p is None else dataclasses.replace(d, p_adjusted=float(p), family=int(m))
        for d, p, m in zip(family, found["p_adjusted"], found["family"], strict=True)
    ]


def exposures(study: Study) -> list[str]:
    """Return the experience columns of a snapshot, in the order they were declared."""
    return list(study.contract.of("customers").experience)


def answer_snapshot(study: Study, *, measure: str, depth: Depth, level: float) -> RetentionAnswer:
    """Answer from a snapshot: churn in a fixed window, and what cannot be known."""
    there = exposures(study)
    if measure and measure not in there:
        raise QuestionError(
            f"measure {measure!r} is not an experience column of this snapshot.\n  Declared under "
            f"customers, experience, in study.yml: {', '.join(there) or 'none'}."
        )
    if not there:
        raise QuestionError(
            "This snapshot has no experience column.\n  Write one under customers in study.yml:  "
            "experience: {complained: {column: ..., bad: [1]}}"
        )
    chosen = measure or there[0]
    window = study.contract.of("customers").window or "the observed window"
    _, groups = churn_by(study, chosen, level=level)
    family = _adjusted([churn_by(study, name, level=level)[0] for name in there])
    effect = family[there.index(chosen)]
    if groups["n"].min() < LEAST_CUSTOMERS:
        raise QuestionError(
            f"There is nothing to compare: {effect.reason}\n"
            f"  Check the values declared `bad` for {chosen} in study.yml."
        )
    rows = study.customers
    flags = [f for f in study.findings if f.kind == "flag" and f.table == "customers"]
    guards = [
        Guard(
            kind="snapshot",
            fired=True,
            text="The table has tenure and a churned flag, but no dates of joining and leaving: a "
            "fixed-window comparison only. A survival curve from a cross-section would mix "
            "customers who joined at different times and is not drawn.",
        ),
        Guard(
            kind="order in time",
            fired=True,
            text="When the experience fell before the leaving is not in the table: complaints of "
            "customers who were already leaving cannot be set aside.",
        ),
        Guard(
            kind="flags on loading",
            fired=bool(flags),
            text=" ".join(str(f) for f in flags) or "Nothing in the customer table was flagged.",
        ),
        Guard(
            kind="multiplicity",
            fired=len(there) > 1,
            text=f"{len(there)} experience columns could have been asked for: each is shown, and "
            f"p is adjusted by Holm within this family of {effect.family}."
            if len(there) > 1
            else "One experience column is declared: one comparison.",
        ),
    ]
    sentences = (
        wording.snapshot_left(groups, chosen, level),
        "This is an association in a snapshot: it does not say how much longer anybody stays.",
    )
    answer = Answer(
        question=QUESTION,
        headline=wording.snapshot_headline(effect, window=window),
        sentences=sentences,
        how_sure=wording.snapshot_sure(
            effect,
            left=in_all(groups["exits"].tolist(), groups["n"].tolist()),
            window=window,
        ),
        doubt="The table does not say which came first, the bad experience or the decision to "
        "leave; a complaint may be the first step of leaving.",
        estimate=effect,
        guards=tuple(guards),
    )
    every = pd.DataFrame([d.as_row() for d in family]).assign(
        experience=there,
        p_shown=[markup.p_value(d.p) for d in family],
        p_adjusted_shown=[markup.p_value(d.p_adjusted) for d in family],
    )
    return RetentionAnswer(
        answer=answer,
        effect=effect,
        groups=groups,
        contract=study.scale_of(chosen),
        groups_measure=f"left in {window}",
        curves=None,
        at_risk=None,
        who=Note(
            paragraphs=(
                f"{len(rows):,} customers, one row each, as they stood at the end of {window}. "
                "Who left before the snapshot was taken is not in it.",
            )
        ),
        retained=tables.groups(
            groups,
            f"Customers who left in {window}, with and without '{chosen}': Wilson "
            f"{markup.percent_label(level)} intervals.",
            "Left (%)",
            level,
        ),
        effects=Table.of(
            every,
            caption=f"Difference in churn with and without each declared bad experience "
            f"(percentage points, {effect.method}); nothing held equal.",
            columns=[
                ("Experience", "experience", "text"),
                ("Difference", "value", "percentage points"),
                (f"{markup.percent_label(level)} interval", "low..high", "percentage points"),
                ("With", "n_a", "count"),
                ("Without", "n_b", "count"),
                ("p", "p_shown", "text"),
                ("p, Holm", "p_adjusted_shown", "text"),
                ("Reading", "direction", "text"),
            ],
        ),
        ratio=Note(paragraphs=("A snapshot has no months to count, so there is no hazard ratio.",)),
        usual=Note(paragraphs=("The usual comparisons need dates and cannot be made here.",)),
        guards=guards_table(guards),
        conclusion=Note(
            paragraphs=(
                "Rival explanations: customers who are leaving complain on their way out; and "
                "those with many problems use the service differently in ways the table does not "
                "hold equal.",
                "What would settle it: dated complaints and dated leaving, so that only complaints "
                "from well before the leaving count.",
            )
        ),
        more=Later(study, measure=chosen, horizon=0, gap=0, depth=depth, level=level),
        horizon=0,
        level=level,
    )

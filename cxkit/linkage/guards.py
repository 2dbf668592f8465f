"""The guards of the linkage question: each says what it saw, whether or not it fired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.linkage.behind import people
from cxkit.linkage.sections import searched
from cxkit.linkage.waves import spans, uneven
from cxkit.results import Guard, Note

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from cxkit.disclosure import Policy, Shown
    from cxkit.linkage.multilevel import Multilevel
    from cxkit.linkage.pairs import Pairs


def guards(
    pairs: Pairs,
    measured: Sequence[Pairs],
    shown: Shown,
    steps: pd.DataFrame,
    by_instrument: pd.DataFrame,
    order: str,
    sentence: str,
    fit: Multilevel | Note,
) -> list[Guard]:
    """Return every guard of this question, fired or not, with what it saw."""
    limits = steps[steps["verdict"] == "limits"]
    many = len(by_instrument) > 1
    ceiling = _ceiling(measured, shown.policy)
    outside = shown.policy.count(pairs.outside, "customers")
    asked = "the scores of engagement" if pairs.survey is None else "the employees' survey"
    apart = uneven(spans(sorted(set(pairs.waves["wave"]))))
    return [
        Guard(
            kind="aggregation",
            fired=len(limits) > 0,
            text=f"{len(limits)} of {len(steps)} rungs limit the conclusion: "
            + ("; ".join(limits["rung"]) or "none")
            + ".",
        ),
        Guard(kind="direction", fired=order == "cannot tell", text=sentence),
        Guard(
            kind="common source",
            fired=pairs.same_people or pairs.perceived is not None,
            text="The same people rated both sides, which by itself makes them go together."
            if pairs.same_people
            else "The answer's two sides come from different people."
            + (
                " The row with the employees' own view of the experience does not: the same people "
                "rated both."
                if pairs.perceived is not None
                else ""
            ),
        ),
        Guard(
            kind="units without a partner",
            fired=len(pairs.unmatched) > 0,
            text=f"With one side only, and so not in the correlation: "
            f"{markup.counted(len(pairs.unmatched), 'unit')}."
            if len(pairs.unmatched)
            else "Every unit has both sides.",
        ),
        Guard(
            kind="answers outside the waves",
            fired=pairs.outside > 0,
            text=f"{outside} customers' answers fall in no wave of {asked}; "
            "they are left out, so that both sides speak of the same time."
            if pairs.outside
            else "No customer's answer is left out for falling in no wave.",
        ),
        Guard(
            kind="waves apart",
            fired=bool(apart),
            text=apart or "No wave is missing between others, as far as their names tell.",
        ),
        Guard(
            kind="different instruments",
            fired=many,
            text=f"{len(by_instrument)} instruments: each has its own correlation; no change is "
            "computed between them."
            if many
            else "One instrument throughout.",
        ),
        Guard(
            kind="multilevel fit",
            fired=not isinstance(fit, Note) and (fit.singular or fit.agreed < fit.searches),
            text="No multilevel model was fitted." if isinstance(fit, Note) else searched(fit),
        ),
        Guard(
            kind="ceiling",
            fired=bool(ceiling),
            text=ceiling or "No score crowds at the top of its scale.",
        ),
        Guard(kind="disclosure", fired=shown.hidden > 0, text=shown.reason),
    ]


def _ceiling(measured: Sequence[Pairs], policy: Policy) -> str:
    """Say which side crowds at the top of its scale: less than two standard deviations of room.

    Nothing is said of an instrument behind which too few people stand.
    """
    said = []
    several = sum(len(pairs.instruments) for pairs in measured) > 1
    for pairs in measured:
        tops = {"engagement": pairs.engagement_top, "experience": pairs.experience_top}
        for name, units in pairs.units.groupby("instrument", sort=False):
            if policy.withheld(*people(pairs, units)):
                continue
            where = f" by {name}" if several else ""
            for side, top in tops.items():
                values = units[side].dropna()
                if len(values) > 2 and top - values.mean() < 2 * values.std():
                    mean = markup.number(float(values.mean()))
                    said.append(f"{side}{where} (mean of a unit {mean} of {top:g})")
    if not said:
        return ""
    return (
        f"Close to the top of the scale: {'; '.join(said)}. Units can hardly differ upwards, "
        "which weakens any correlation."
    )

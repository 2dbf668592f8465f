"""The aggregation ladder: each rung a row with its figure, verdict and reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from cxkit import markup
from cxkit.linkage.ladder import correlation, correlation_by_level
from cxkit.linkage.robust import adjusted, leave_one_out, weighted, without_waves
from cxkit.linkage.wording import NO_MORE, reading
from cxkit.metrics.agreement import ad_m, icc1, icc2, rwg_j
from cxkit.metrics.planning import units_needed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cxkit.disclosure import Policy
    from cxkit.linkage.pairs import Pairs
    from cxkit.results import Estimate

#: Conventions of the field, not laws (LeBreton and Senter 2008).
AGREE, RELIABLE, RATERS = 0.70, 0.70, 5

#: Fewer units than this are no crowd: their median is nearly the value of one.
FEW_UNITS = 3

_NOBODY_TO_AGREE = "no unit has two people who answered every item of a group"

#: Percent of employees below which those who answered are a minority.
HALF = 50


def reliabilities(pairs: Pairs, policy: Policy, *, level: float) -> dict[str, dict[str, Estimate]]:
    """Return ICC(1) and ICC(2) of each side that came as the answers of enough people."""
    found = {}
    enough = [
        frame is not None and frame[person].nunique() >= least
        for frame, person, least in (
            (pairs.employees, "respondent", policy.employees),
            (pairs.customers, "customer", policy.customers),
        )
    ]
    if pairs.employees is not None and enough[0]:
        found["engagement"] = {
            "icc1": icc1(pairs.employees, unit="unit", score="index", level=level),
            "icc2": icc2(pairs.employees, unit="unit", score="index", level=level),
        }
    if pairs.customers is not None and enough[1]:
        found["experience"] = {
            "icc1": icc1(pairs.customers, unit="unit", score="score", level=level),
            "icc2": icc2(pairs.customers, unit="unit", score="score", level=level),
        }
    return found


def agreement(pairs: Pairs, policy: Policy) -> pd.DataFrame:
    """Return rwg(j), under both nulls, and AD by group of items: medians over units.

    A median of one or two units is what those units' people said, so it is withheld where one of
    them is too small to be shown, or all behind it are; ``reason`` says so.
    """
    if pairs.employees is None:
        return pd.DataFrame(
            columns=["group", "items", "median", "share", "skewed", "away", "units", "reason"]
        )
    rows = []
    for group, items in pairs.items.items():
        found = rwg_j(pairs.employees, unit="unit", items=list(items), options=pairs.options)
        seen = found[found["rwg_j"].notna()]
        few = len(seen) < FEW_UNITS and bool((seen["n"] < policy.employees).any())
        if seen.empty or few or seen["n"].sum() < policy.employees:
            why = "too few employees stand behind it" if len(seen) else _NOBODY_TO_AGREE
            gone = dict.fromkeys(("median", "share", "skewed", "away"))
            rows.append({"group": group, "items": len(items), **gone, "units": len(seen),
                         "reason": why})  # fmt: skip
            continue
        values = seen["rwg_j"]
        skewed = None
        if pairs.options == 5:
            strict = rwg_j(
                pairs.employees, unit="unit", items=list(items), options=5, null="skewed"
            )
            skewed = float(strict["rwg_j"].median())
        away = ad_m(pairs.employees, unit="unit", items=list(items))["ad_m"].dropna()
        rows.append(
            {
                "group": group,
                "items": len(items),
                "median": float(values.median()),
                "share": 100 * float((values >= AGREE).mean()),
                "skewed": skewed,
                "away": float(away.median()),
                "units": len(values),
                "reason": "",
            }
        )
    return pd.DataFrame(rows)


def ladder(
    pairs: Pairs,
    units: pd.DataFrame,
    *,
    r: Estimate,
    true: Estimate | None,
    iccs: dict[str, dict[str, Estimate]],
    agreed: pd.DataFrame,
    took: Estimate | None,
    policy: Policy,
    hushed: str,
    level: float,
) -> pd.DataFrame:
    """Return the rungs: rung, figure, verdict (holds, limits, not known), reason.

    ``hushed`` says why figures of both sides are withheld; "" where they are not.
    """
    rows = [_raters(units, side, policy) for side in ("employees", "customers")]
    if hushed:
        silent = ["participation"] * (took is not None) + ["agreement within units, rwg(j)"]
        rows += [_unknown(name, hushed) for name in silent]
        for side in ("engagement", "experience"):
            rows += _icc_rungs(side, iccs.get(side), hushed)
        return pd.DataFrame([*rows, _unknown("correlation between units, Pearson", hushed)])
    rows += [] if took is None else [_participation(took)]
    if len(agreed) and agreed["median"].notna().any():
        known = agreed[agreed["median"].notna()]
        poor = known[known["median"] < AGREE]["group"].tolist()
        figure = "; ".join(
            f"{g}: {'–' if m is None or m != m else markup.number(m, 2)}"
            for g, m in zip(agreed["group"], agreed["median"], strict=True)
        )
        rows.append(
            _rung(
                "agreement within units, rwg(j)",
                f"medians {figure}",
                "limits" if poor else "holds",
                f"below {AGREE:g} for: {', '.join(poor)}; their unit means hide disagreement"
                if poor
                else f"every group of items reaches {AGREE:g} in the median unit (uniform null)",
            )
        )
    elif len(agreed):
        rows.append(_unknown("agreement within units, rwg(j)", agreed["reason"].iloc[0]))
    else:
        rows.append(_unknown("agreement within units, rwg(j)"))
    for side in ("engagement", "experience"):
        rows += _icc_rungs(side, iccs.get(side))
    rows.append(_correlation_rung("correlation between units, Pearson", r))
    rank = correlation(units["engagement"], units["experience"], kind="spearman", level=level)
    rows.append(_correlation_rung("correlation between units, Spearman", rank))
    heavy = weighted(units, level=level)
    if heavy is not None:
        rows.append(_correlation_rung("weighted by unit size", heavy))
    rows += _one_out(units, r)
    if true is None:
        rows.append(_unknown("corrected for unreliability"))
    else:
        rung = _correlation_rung("corrected for unreliability", true)
        if reading(r) == "cannot be told" != reading(true):
            rung |= {"verdict": "limits", "reason": f"{rung['reason']} But {NO_MORE}."}
        rows.append(rung)
    if r.value is not None and 0 < abs(r.value) < 1:
        need = units_needed(r.value)
        rows.append(
            _rung(
                "units needed for this r",
                f"{need:,}",
                "holds" if r.n >= need else "limits",
                f"80 % power, two-sided 5 %; there are {r.n:,}",
            )
        )
    held = adjusted(units, pairs.attributes, pairs.waves, level=level)
    if held is not None:
        rows.append(_correlation_rung(f"with {', '.join(held[0])} held equal", held[1]))
    rows += _apart(pairs, policy, level)
    return pd.DataFrame(rows)


def _apart(pairs: Pairs, policy: Policy, level: float) -> list[dict[str, str]]:
    """Return the levels apart: units over time, and individuals where one person rated both."""
    rows = []
    if len(pairs.waves):
        levels = correlation_by_level(
            without_waves(pairs.waves), unit="unit", x="engagement", y="experience", level=level
        )
        rows += [
            _rung(
                "within units, from wave to wave",
                _figure(row),
                "holds" if row["low"] > 0 or row["high"] < 0 else "limits",
                f"{_ZERO[row['low'] > 0 or row['high'] < 0]}; {row['n']:,} unit-waves, what all "
                "units share in a wave removed: what moves together in time, which the "
                "correlation between units does not show",
            )
            for row in levels.to_dict("records")
            if row["at"] == "within units" and row["low"] == row["low"] and row["low"] is not None
        ]
    if pairs.perceived is not None and not policy.withheld(len(pairs.perceived.dropna())):
        levels = correlation_by_level(
            pairs.perceived, unit="unit", x="index", y="perceived", level=level
        )
        rows += [
            _rung(
                f"same people on both sides, {row['at']}",
                _figure(row),
                "limits",
                "engagement with the employees' own view of the experience: the same people rated "
                "both, so mood and habit of rating add to it (common source)",
            )
            for row in levels.to_dict("records")[:3]
            if row["value"] is not None
        ]
    return rows


def _figure(row: Mapping[Any, Any]) -> str:
    """Write a row's value with its interval."""
    value = markup.quantity(row["value"], "correlation")
    if row["low"] is None or row["low"] != row["low"]:
        return value
    return f"{value} ({markup.interval(row['low'], row['high'], 'correlation')})"


#: Whether an interval leaves out zero, in words.
_ZERO = {True: "the interval leaves out zero", False: "the interval holds zero"}


def _one_out(units: pd.DataFrame, r: Estimate) -> list[dict[str, str]]:
    """Return the rung on whether one unit alone carries the correlation."""
    span = leave_one_out(units)
    if span is None or r.value is None:
        return []
    low, high = span
    turns = low <= 0 <= high
    return [
        _rung(
            "each unit left out in turn",
            markup.interval(low, high, "correlation"),
            "limits" if turns else "holds",
            "one unit alone decides the sign" if turns else "no single unit decides the sign",
        )
    ]


def _raters(
    units: pd.DataFrame, side: Literal["employees", "customers"], policy: Policy
) -> dict[str, str]:
    """Return the rung on how many people stand behind each unit's mean."""
    name = f"{side} per unit"
    n = units[f"n_{side}"].dropna()
    if n.empty:
        return _rung(name, "–", "not known", "the counts were not published")
    few = int((n < RATERS).sum())
    median, least = (policy.count(v, side) for v in (float(n.median()), float(n.min())))
    return _rung(
        name,
        f"median {median}, least {least}",
        "limits" if few else "holds",
        f"{few:,} of {markup.counted(len(n), 'unit')} have fewer than {RATERS}",
    )


def _participation(took: Estimate) -> dict[str, str]:
    """Return the rung on how many of those asked answered at all."""
    if took.value is None:
        return _rung("participation", "–", "not known", took.reason)
    verdict, reason = "limits", "whether half of the employees then on the roll answered is open"
    if took.high is not None and took.high < HALF:
        reason = "most employees did not answer, and those who did may see it otherwise"
    elif took.low is not None and took.low >= HALF:
        verdict, reason = "holds", "at least half of the employees then on the roll"
    return _rung(
        "participation",
        f"{markup.quantity(took.value, '%')} ({markup.interval(took.low, took.high, '%')})",
        verdict,
        reason,
    )


def _icc_rungs(
    side: str, found: dict[str, Estimate] | None, hushed: str = ""
) -> list[dict[str, str]]:
    """Return the two rungs on how far units differ and how reliable their means are."""
    if found is None:
        return [_unknown(f"ICC({i}) of {side}", hushed) for i in (1, 2)]
    one, two = found["icc1"], found["icc2"]
    rows = []
    if one.value is None:
        rows.append(_rung(f"ICC(1) of {side}", "–", "not known", one.reason))
    else:
        told = one.low is not None and one.low > 0
        rows.append(
            _rung(
                f"ICC(1) of {side}",
                _said(one),
                "holds" if told else "limits",
                "units differ by more than chance" if told else "units may differ by chance only",
            )
        )
    if two.value is None:
        rows.append(_rung(f"ICC(2) of {side}", "–", "not known", two.reason))
    else:
        reliable = two.value >= RELIABLE
        rows.append(
            _rung(
                f"ICC(2) of {side}",
                _said(two),
                "holds" if reliable else "limits",
                f"unit means {'are reliable enough' if reliable else 'are noisy'} by the "
                f"convention of {RELIABLE:g}",
            )
        )
    return rows


def _correlation_rung(name: str, r: Estimate) -> dict[str, str]:
    """Return the rung of a correlation."""
    if r.value is None:
        return _rung(name, "–", "not known", r.reason)
    told = (r.low or 0) > 0 or (r.high or 0) < 0
    return _rung(
        name,
        _said(r),
        "holds" if told else "limits",
        f"{_ZERO[told]}; {r.n:,} units. {r.reason}".strip(),
    )


def _said(e: Estimate) -> str:
    """Write a value with its interval."""
    if e.value is None:
        return "–"
    if e.low is None and e.high is None:
        return markup.quantity(e.value, "correlation")
    return (
        f"{markup.quantity(e.value, 'correlation')} "
        f"({markup.interval(e.low, e.high, 'correlation')})"
    )


def _rung(rung: str, figure: str, verdict: str, reason: str) -> dict[str, str]:
    """Return one row of the ladder."""
    return {"rung": rung, "figure": figure, "verdict": verdict, "reason": reason}


def _unknown(rung: str, reason: str = "") -> dict[str, str]:
    """Return a rung that cannot be climbed: scores came aggregated, or the figure is withheld."""
    return _rung(rung, "–", "not known", reason or "people's own answers are not in the study")

"""What goes with leaving: consistency over touchpoints, components, waits and unresolved cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.disclosure import count_said
from cxkit.errors import QuestionError
from cxkit.metrics.families import holm
from cxkit.retention import causes_wording as words
from cxkit.retention import newton
from cxkit.retention.cause_groups import OPEN, Group, cases, components, consistency, service
from cxkit.retention.episodes import count_months
from cxkit.retention.hazard import (
    EXITS_PER_PARAMETER,
    FEWEST_EXITS,
    exits_within,
    person_months,
    pooled,
)
from cxkit.retention.model_guards import collinearity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxkit.results import Guard, Note, Table
    from cxkit.study.study import Study

#: Months that share a parameter of the baseline; with what is compared fixed, they add up exactly.
QUARTER = 3


@dataclass(frozen=True, kw_only=True)
class Causes:
    """What goes with leaving, each cause beside the others of its group and alone.

    Attributes
    ----------
    frame : DataFrame
        One row per cause: group, cause, step (what one step is), value, low, high (hazard ratio of
        a step, the others of the group and what is held equal being equal), p, p_adjusted, family,
        alone, alone_low, alone_high, n, exits, status, reason.
    consistency, components, service, cases : Table or Note
        To be read; a note says what is missing or too sparse.
    sentence : str
        What can be told, chosen by the intervals.
    guards : tuple of Guard
    adjusted_for : dict
        What is held equal in each group beside its causes.
    """

    frame: pd.DataFrame
    consistency: Table | Note
    components: Table | Note
    service: Table | Note
    cases: Table | Note
    sentence: str
    guards: tuple[Guard, ...]
    adjusted_for: dict[str, tuple[str, ...]]
    horizon: int
    gap: int
    level: float


def what_goes_with_leaving(
    study: Study,
    *,
    measure: str = "",
    gap: int = 90,
    horizon: int = 12,
    unresolved_after: int = 7,
    automated: str = "automated",
    level: float = 0.95,
) -> Causes:
    """Compare leaving by what a customer met with: jointly within four groups, and each alone.

    Parameters
    ----------
    study : Study
        With `customers` in dated form, and `responses` or `tickets`.
    measure : str
        The score whose mean, spread and minimum over touchpoints are compared; "" the first.
    gap : int
        Days between the last thing that is known and the first day on which leaving counts.
    horizon : int
        Months from then on.
    unresolved_after : int
        Days after which a case that is not resolved counts as unresolved; at most ``gap``.
    automated : str
        The channel of the tickets in which no person answers.
    level : float
        Level of all intervals.

    Returns
    -------
    Causes
        A cause or a group that cannot be told has no number and says why.

    Raises
    ------
    MissingTableError
        If the study has no customers.
    QuestionError
        If customers have no dates, nobody left, or ``unresolved_after`` is longer than the gap.

    Notes
    -----
    Estimand: the hazard ratio of leaving in a month, for one standard deviation more of a score, a
    wait twice as long, or yes against no. Discrete-time hazard (complementary log-log, on counts)
    from a landmark: ``gap`` days after everything in the group is known, so that all customers of a
    group are compared from a day on which the same was known of them. *Adjusted* holds the other
    causes of the group equal, and tenure and segments where there are ten exits for each
    coefficient; *alone* holds nothing. Months share a baseline by three
    or more, with ten exits each. p is Holm's within all
    adjusted causes of this question.

    Consistency: the first answers at three touchpoints are awaited; mean, standard deviation and
    minimum are over touchpoints, of each one's mean. Spread depends on the mean near the end of a
    scale and the minimum on how many there are: so all stand together with the logarithm of the
    numbers of touchpoints and answers, where these differ and enough left. Of three ratings the
    minimum is nearly what mean and spread say already: where an inflation factor is over 10 it is
    compared alone. Three ratings make spread noisy, which
    draws its ratio towards 1. A missing answer is not filled: who lacks a part is not in the group.

    Cases: the other groups ask what one landmark knows. Here the clock is the time since joining,
    and in each month a customer is what was known of all their cases ``gap`` days before it began
    (:func:`case_episodes`): whether there was one, two or more; and whether one is open for up to
    ``unresolved_after`` days, one for longer, or the last one took longer, each against a last case
    that did not. All months that could be followed count, and the baseline holds the time since
    joining equal, adjusted and alone.

    Examples
    --------
    >>> import cxkit as cx
    >>> from cxkit.retention.causes import what_goes_with_leaving
    >>> found = what_goes_with_leaving(cx.sample_study())
    >>> sorted(set(found.frame["group"]))
    ['cases', 'components', 'consistency', 'service']
    """
    study.need("customers", why="to see who left")
    if study.contract.of("customers").form == "snapshot":
        raise QuestionError(
            f"{study.name}: what comes before leaving needs dates, and a snapshot has none.\n  "
            "Export customers with start and end dates and write  form: dates  under customers in "
            "study.yml."
        )
    if not 0 <= unresolved_after <= gap:
        raise QuestionError(
            f"unresolved_after = {unresolved_after} days is not known {markup.counted(gap, 'day')} "
            "after a case opens.\n"
            f"  Ask with unresolved_after from 0 to {gap}, or with a longer gap."
        )
    if not (study.customers["end"] <= study.as_of).any():
        raise QuestionError(
            f"{study.name}: none of the {len(study.customers):,} customers has left; there is no "
            "leaving to explain.\n  If the export holds only current customers, add those who left."
        )
    groups = (
        consistency(study, measure=measure, gap=gap),
        components(study, gap=gap),
        service(study, gap=gap, unresolved_after=unresolved_after, automated=automated),
        cases(study, gap=gap, limit=unresolved_after),
    )
    rows, adjusted_for = [], {}
    for group in groups:
        found, held = _of_group(group, horizon, level)
        rows += found
        adjusted_for[group.name] = held
    frame = _with_family(pd.DataFrame(rows))
    tables = [words.table(frame, g, adjusted_for[g.name], horizon, level) for g in groups]
    return Causes(
        frame=frame,
        consistency=tables[0],
        components=tables[1],
        service=tables[2],
        cases=tables[3],
        sentence=words.sentence(frame, horizon, level),
        guards=words.guards(groups, frame, adjusted_for, horizon),
        adjusted_for=adjusted_for,
        horizon=horizon,
        gap=gap,
        level=level,
    )


def _of_group(
    group: Group, horizon: int, level: float
) -> tuple[list[dict[str, object]], tuple[str, ...]]:
    """Return the rows of a group's causes, and what is held equal beside them."""
    spells, causes = group.spells, list(group.causes)
    if spells is None or spells.empty:
        return [_row(group, c, 0, 0, group.reason) for c in causes], ()
    horizon = group.within(horizon)
    exits = int(exits_within(spells, horizon).sum())
    known = {c: _too_sparse(group, spells, c, horizon) for c in causes}
    told = [c for c in causes if not known[c]]
    if group.spare and len(told) > 1 and collinearity(spells, predictors=told).fired:
        known |= {c: f"nearly repeats {_others(told, c)} (collinear)." for c in group.spare}
        told = [c for c in told if c not in group.spare]
    need = EXITS_PER_PARAMETER * len(told)
    few = "" if exits >= need else _few(exits, need, horizon)
    beside = [c for c in group.beside if len(spells[c].unique()) > 1]
    more = need + EXITS_PER_PARAMETER * len(beside)
    beside = beside if exits >= more else []
    held = [c for c in group.held if len(spells[c].unique()) > 1]
    levels = sum(len(pooled(spells, c, horizon).unique()) - 1 for c in held)
    adjust: Sequence[str] = held if exits >= more + EXITS_PER_PARAMETER * levels else []
    joint: dict[str, tuple[float, ...]] = {}
    astray = ""
    if told and not few:
        joint, adjust, astray = _fit(group, [*told, *beside], adjust, horizon, level)
    rows = []
    for cause in causes:
        row = _row(group, cause, group.customers, exits, known[cause] or few or astray)
        if (not known[cause] or cause in group.spare) and exits >= EXITS_PER_PARAMETER:
            alone, _, _ = _fit(group, [cause], [], horizon, level)
            names = ("alone", "alone_low", "alone_high", "alone_p")
            row |= dict(zip(names, alone.get(cause, ()), strict=False))
        if cause in told:
            row |= dict(zip(("value", "low", "high", "p"), joint.get(cause, ()), strict=False))
        rows.append({**row, "step": group.step(cause)})
    since = (words.SINCE,) if group.moving else ()
    return rows, (*since, *beside, *adjust) if joint else ()


def _fit(
    group: Group, causes: Sequence[str], adjust: Sequence[str], horizon: int, level: float
) -> tuple[dict[str, tuple[float, ...]], Sequence[str], str]:
    """Return each cause's ratio, limits and p in one monthly hazard, what is held equal, why none.

    Where the data leave a coefficient without a bound, nothing is held equal instead.
    """
    spells = group.spells
    if spells is None:
        return {}, (), group.reason
    keys = [*causes, *adjust]
    coarse = spells.assign(**{c: pooled(spells, c, horizon) for c in adjust})
    if group.moving:
        cells = count_months(coarse, keys)
    else:
        cells = person_months(coarse, horizon=horizon, by=keys)
    cells["month"] = _spans(cells)
    cells = cells.groupby([*keys, "month"], observed=True, sort=True).sum().reset_index()
    columns = [(cells["month"] == m).to_numpy(float) for m in range(int(cells["month"].max()) + 1)]
    for cause in causes:
        values, seen = spells[cause].to_numpy(float), cells[cause].to_numpy(float)
        own = cause in {*group.natural, *group.yes_no}
        columns.append(seen if own else (seen - values.mean()) / values.std(ddof=1))
    for column in adjust:
        levels = sorted(cells[column].unique())[1:]
        columns += [(cells[column] == v).to_numpy(float) for v in levels]
    exits, at_risk = cells["exits"].to_numpy(float), cells["at_risk"].to_numpy(float)
    beta, covariance, settled = newton.hazard(np.column_stack(columns), exits, at_risk)
    if not settled:
        if adjust:
            return _fit(group, causes, [], horizon, level)
        return {}, (), "the data leave its ratio without a bound."
    first = int(cells["month"].max()) + 1
    found = {
        cause: _wald(float(beta[first + i]), float(covariance[first + i, first + i]) ** 0.5, level)
        for i, cause in enumerate(causes)
    }
    return found, adjust, ""


def _spans(cells: pd.DataFrame) -> np.ndarray:
    """Return the number of each month's span: quarters, merged until each has ten exits."""
    quarter = ((cells["month"] - 1) // QUARTER).to_numpy()
    exits = np.bincount(quarter, cells["exits"])
    span = (np.cumsum(exits) - exits) // EXITS_PER_PARAMETER
    number = np.unique(span, return_inverse=True)[1]
    if number[-1] > 0 and exits[number == number[-1]].sum() < EXITS_PER_PARAMETER:
        number = np.minimum(number, number[-1] - 1)
    merged: np.ndarray = number[quarter]
    return merged


def _wald(b: float, se: float, level: float) -> tuple[float, ...]:
    """Return a ratio, its limits and p."""
    from scipy.special import ndtr, ndtri

    z = -float(ndtri((1 - level) / 2))
    limits = (float(np.exp(b - z * se)), float(np.exp(b + z * se)))
    return (float(np.exp(b)), *limits, float(2 * ndtr(-abs(b) / se)))


def _row(group: Group, cause: str, n: int, exits: int, reason: str) -> dict[str, object]:
    """Return a row without numbers, to be filled."""
    numbers = ("value", "low", "high", "p", "alone", "alone_low", "alone_high", "alone_p")
    return {
        "group": group.name,
        "cause": cause,
        "step": group.step(cause),
        **dict.fromkeys(numbers),
        "n": n,
        "exits": exits,
        "reason": reason,
    }


def _too_sparse(group: Group, spells: pd.DataFrame, cause: str, horizon: int) -> str:
    """Say why a cause cannot be told: no difference, or too few exits with or without it."""
    values = spells[cause].to_numpy(float)
    if np.ptp(values) == 0:
        return "it is the same for all."
    if cause not in group.yes_no:
        return ""
    left = exits_within(spells, horizon).to_numpy()
    fewest = min(int(left[values == v].sum()) for v in (0.0, 1.0))
    if fewest < FEWEST_EXITS:
        few = f"fewer than {FEWEST_EXITS}" if fewest else "nobody"
        return f"too sparse: with or without it {few} left{_within(horizon)}."
    return ""


def _within(horizon: int) -> str:
    """Say in which months leaving counts."""
    return "" if horizon == OPEN else f" within {markup.counted(horizon, 'month')}"


def _others(causes: Sequence[str], cause: str) -> str:
    """Name the other causes."""
    return " and ".join(c for c in causes if c != cause)


def _few(exits: int, need: int, horizon: int) -> str:
    """Say that too few left for the joint model."""
    return (
        f"too sparse: {count_said(exits)} left{_within(horizon)}, and together these causes need "
        f"{need:,}."
    )


def _with_family(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with p adjusted by Holm over all adjusted causes, None where none is."""
    adjusted = holm(frame["p"].tolist())
    frame = frame.assign(
        p_adjusted=adjusted["p_adjusted"].to_numpy(), family=adjusted["family"].to_numpy()
    )
    told = frame["value"].notna()
    frame["status"] = np.where(told, "ok", "no data")
    frame["reason"] = frame["reason"].where(~told, "")
    names = ["value", "low", "high", "p", "p_adjusted"]
    names += ["alone", "alone_low", "alone_high", "alone_p"]
    frame[names] = frame[names].astype(object).where(frame[names].notna(), None)
    return frame

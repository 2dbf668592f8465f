"""Margins made to hold: targets checked against who answered, fitted in turn, cut where asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from cxkit.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from numpy.typing import NDArray

#: How many people the population has in each category.
Totals: TypeAlias = "Mapping[Any, float] | pd.Series"

#: Two margins that speak of the same people agree in their sums this far, relatively.
_SAME_TOTAL = 1e-6

#: How near each category must come to its target, relatively.
_HIT = 1e-9


@dataclass(frozen=True, slots=True)
class Margin:
    """One margin: its name, the categories with their targets, and where each row falls."""

    name: str
    categories: tuple[Hashable, ...]
    target: NDArray[np.float64]
    codes: NDArray[np.int64]


def margin_of(
    frame: pd.DataFrame,
    columns: tuple[str, ...],
    totals: Totals,
    mass: NDArray[np.float64],
    *,
    asked: str,
) -> Margin:
    """Return one margin, or refuse targets that no weight can reach."""
    name = " x ".join(map(str, columns))
    given = dict(totals.items())
    if isinstance(totals, pd.Series) and not totals.index.is_unique:
        twice = totals.index[totals.index.duplicated()][0]
        raise QuestionError(
            f"{asked}: {name} {twice!r} stands twice in the totals.\n  Give each category once."
        )
    target = np.array([float(v) for v in given.values()])
    if not (np.isfinite(target) & (target >= 0)).all() or not target.sum() > 0:
        raise QuestionError(
            f"{asked}: the totals of {name} are {', '.join(f'{v:g}' for v in target[:6])}.\n"
            "  Give how many people the population has in each category: numbers from 0 on."
        )
    wanted = {key: value for key, value in zip(given, target, strict=True) if value > 0}
    groups = frame.groupby(list(columns), observed=True, sort=True)
    number = groups.ngroup().to_numpy(dtype=np.float64, na_value=-1)
    number = np.where(np.isnan(number), -1, number).astype(np.int64)
    present = list(groups.size().index)
    if len(columns) == 1:
        present = [key[0] if isinstance(key, tuple) else key for key in present]
    inside = number >= 0
    size = np.bincount(number[inside], weights=mass[inside], minlength=len(present))
    here = {key for key, people in zip(present, size, strict=True) if people > 0}
    for key in here - set(wanted):
        raise QuestionError(
            f"{asked}: people with {name} {key!r} answered, but the population has none.\n"
            f"  The totals know: {', '.join(repr(k) for k in list(wanted)[:8])}. Check the spelling"
            " and the type, or leave those answers out."
        )
    for key in wanted:
        if key not in here:
            raise QuestionError(
                f"{asked}: the population has {wanted[key]:,.6g} people with {name} {key!r}, but "
                f"nobody of them answered.\n  No weight can speak for them: join {key!r} with a "
                "category that answered, or leave it out and say so."
            )
    place = {key: i for i, key in enumerate(wanted)}
    order = np.array([place.get(key, -1) for key in present] + [-1], dtype=np.int64)
    return Margin(name, tuple(wanted), np.array(list(wanted.values())), order[number])


def one_total(margins: Sequence[Margin], *, asked: str) -> float:
    """Return the size of the population, or refuse margins that disagree about it."""
    sums = [float(m.target.sum()) for m in margins]
    for margin, found in zip(margins, sums, strict=True):
        if abs(found - sums[0]) > _SAME_TOTAL * sums[0]:
            raise QuestionError(
                f"{asked}: {margins[0].name} sums to {sums[0]:,.10g} people and {margin.name} to "
                f"{found:,.10g}.\n  Margins of one population have one sum: take both from the "
                "same customers, or scale one to the other."
            )
    return sums[0]


def fit(
    margins: Sequence[Margin],
    codes: Sequence[NDArray[np.int64]],
    mass: NDArray[np.float64],
    *,
    asked: str,
    most: int,
) -> tuple[NDArray[np.float64], int]:
    """Return the factor of each row by iterative proportional fitting over joint cells."""
    cells, row = np.unique(np.column_stack(codes), axis=0, return_inverse=True)
    row = row.ravel()
    weight = np.bincount(row, weights=mass, minlength=len(cells))
    factor = np.ones(len(cells))
    off, worst = np.inf, ""
    for rounds in range(1, most + 1):
        for j, margin in enumerate(margins):
            have = np.bincount(cells[:, j], weights=weight * factor, minlength=margin.target.size)
            factor *= (margin.target / have)[cells[:, j]]
        off = 0.0
        for j, margin in enumerate(margins):
            have = np.bincount(cells[:, j], weights=weight * factor, minlength=margin.target.size)
            away = np.abs(have / margin.target - 1)
            if away.max() > off:
                off = float(away.max())
                worst = f"{margin.name} {margin.categories[int(away.argmax())]!r}"
        if off <= _HIT:
            return factor[row], rounds
    raise QuestionError(
        f"{asked}: the margins do not hold together: after {most:,} rounds {worst} is still "
        f"{100 * off:.2g} % from its target.\n  Some combinations have no answer, so the margins "
        "contradict each other: join small categories or drop a margin."
    )


def cut(
    values: NDArray[np.float64],
    people: NDArray[np.int64],
    total: float,
    n: int,
    trim: float,
    *,
    asked: str,
) -> tuple[NDArray[np.float64], int]:
    """Return weights of at most ``trim`` times the mean, and how many people's were cut."""
    if not trim > 1:
        raise QuestionError(
            f"{asked}: trim is {trim!r}, but some weight is always at least the mean.\n"
            "  Write how many times the mean a weight may be, such as trim=5."
        )
    limit, high = trim * total / n, np.zeros(values.size, dtype=bool)
    while (over := ~high & (values > limit * (1 + 1e-12))).any():
        high |= over
        rest = total - limit * int(people[high].sum())
        values = np.where(high, limit, values * rest / float(people[~high] @ values[~high]))
    return values, int(people[high].sum())


def margin_table(
    margins: Sequence[Margin],
    people: NDArray[np.int64],
    mass: NDArray[np.float64],
    values: NDArray[np.float64],
    total: float,
) -> pd.DataFrame:
    """Return one row per category: who answered, the target, before and after weighting."""
    used = values > 0
    parts = []
    for margin in margins:
        size = margin.target.size
        codes = margin.codes[used]

        def sums(what: NDArray[Any], codes: NDArray[np.int64] = codes, size: int = size) -> Any:
            return np.bincount(codes, weights=what, minlength=size)

        parts.append(
            pd.DataFrame(
                {
                    "margin": margin.name,
                    "category": [
                        " x ".join(map(str, k)) if isinstance(k, tuple) else str(k)
                        for k in margin.categories
                    ],
                    "people": sums(people[used]).astype(np.int64),
                    "target": margin.target,
                    "before": sums(mass[used]) * total / mass[used].sum(),
                    "after": sums((values * people)[used]),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)

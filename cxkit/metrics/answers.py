"""Answers as they came: on their declared scale or refused, the missing ones counted."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from cxkit.errors import ColumnError, QuestionError, ScaleError
from cxkit.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from numpy.typing import NDArray

Scores: TypeAlias = "pd.Series | NDArray[Any] | Sequence[Any]"
Scale: TypeAlias = tuple[float, float]


def on_scale(
    scores: Scores, *, scale: Scale, asked: str, whole: bool = True
) -> tuple[NDArray[np.float64], int]:
    """Return the usable answers and the number missing; an answer off the scale is refused."""
    values, missing = read_scale(scores, scale=scale, asked=asked, whole=whole)
    return values[~missing], int(missing.sum())


def read_scale(
    scores: Scores, *, scale: Scale, asked: str, whole: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return every answer as a number, NaN where missing, and which are missing."""
    low, high = check_scale(scale, asked=asked)
    given = one_column(scores, asked=asked)
    missing = given.isna().to_numpy(dtype=bool)
    values = _as_float(given, missing, asked=asked)
    off = ~missing & ((values < low) | (values > high) | (whole & (values != np.floor(values))))
    if off.any():
        kind = "a whole number" if whole else "a number"
        _refuse(
            given,
            off,
            n=int((~missing).sum()),
            asked=asked,
            what=f"is not {kind} from {low:g} to {high:g}",
        )
    return values, missing


def yes_no(answers: Scores, *, asked: str) -> tuple[NDArray[np.bool_], int]:
    """Return the usable yes/no answers and the number missing; only true, false, 1 and 0 count."""
    values, missing = read_yes_no(answers, asked=asked)
    return values[~missing].astype(bool), int(missing.sum())


def read_yes_no(answers: Scores, *, asked: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return every yes as 1 and no as 0, NaN where missing, and which are missing."""
    given = one_column(answers, asked=asked, dtype=object)
    missing = given.isna().to_numpy(dtype=bool)
    plain = pd.api.types.is_bool_dtype(given.dtype) or pd.api.types.is_numeric_dtype(given.dtype)
    off = ~missing & ~given.isin([True, False]).to_numpy(dtype=bool)
    if not plain:
        off |= ~missing & np.array([isinstance(v, str) for v in given], dtype=bool)
    if off.any():
        _refuse(
            given, off, n=int((~missing).sum()), asked=asked, what="is not yes or no (true, false)"
        )
    values = np.full(len(given), np.nan)
    values[~missing] = given[~missing].astype(bool).to_numpy()
    return values, missing


def one_column(given: Scores, *, asked: str, dtype: type | None = None) -> pd.Series:
    """Return what was given as one column; a frame is refused, for it says not which."""
    if isinstance(given, pd.DataFrame):
        columns = ", ".join(dict.fromkeys(map(str, given.columns))) or "(none)"
        raise ColumnError(
            f"{asked}: asked for one column, found a frame.\n  columns in the frame: {columns}\n"
            "  Write frame[NAME], with a name that one column only has; in cx.by, column=NAME."
        )
    many = getattr(given, "ndim", 1)
    if np.isscalar(given) or many != 1 or isinstance(given, set | frozenset | dict):
        found = "a table" if many > 1 else f"a {type(given).__name__}"
        found = f"the text {given!r}" if isinstance(given, str) else found
        raise QuestionError(
            f"{asked}: asked for one column, found {found}.\n  Write frame[NAME], or a list."
        )
    return given if isinstance(given, pd.Series) else pd.Series(given, dtype=dtype)


def same_order(asked: str, **columns: Any) -> None:
    """Refuse columns with the same row labels in another order: rows are taken as they stand."""
    given = [(name, c) for name, c in columns.items() if isinstance(c, pd.Series)]
    for name, column in given[1:]:
        first, index = given[0][0], given[0][1].index
        other = column.index
        if len(other) != len(index) or index.equals(other) or not index.is_unique:
            continue
        if other.is_unique and index.isin(other).all():
            raise QuestionError(
                f"{asked}: {name} has the rows of {first} in another order.\n  Give columns of one "
                f"frame; where the rows do stand in one order, {name}.to_numpy()."
            )


def need_frame(items: pd.DataFrame, *, asked: str) -> None:
    """Refuse items that are no frame, or a frame in which two columns have one name."""
    if not isinstance(items, pd.DataFrame):
        raise QuestionError(
            f"{asked}: asked for a frame of items, found {type(items).__name__}.\n"
            "  Write frame[[NAME, NAME, ...]], one column per item."
        )
    twice = items.columns[items.columns.duplicated()]
    if len(twice):
        raise ColumnError(
            f"{asked}: {twice[0]!r} is the name of more than one column.\n  Give every item once."
        )


def numbers(given: pd.Series, *, asked: str) -> NDArray[np.float64]:
    """Return a column of numbers with NaN where missing, or refuse what is no number."""
    return _as_float(given, given.isna().to_numpy(dtype=bool), asked=asked)


def _as_float(given: pd.Series, missing: NDArray[np.bool_], *, asked: str) -> NDArray[np.float64]:
    """Return numbers with NaN where missing; text and true/false are refused, never converted."""
    if pd.api.types.is_bool_dtype(given.dtype):
        wrong = ~missing
    elif pd.api.types.is_numeric_dtype(given.dtype):
        wrong = np.zeros(len(given), dtype=bool)
    else:
        number = (int, float, np.integer, np.floating)
        wrong = ~missing & np.array(
            [not isinstance(v, number) or isinstance(v, bool) for v in given], dtype=bool
        )
    if wrong.any():
        _refuse(given, wrong, n=int((~missing).sum()), asked=asked, what="is not a number")
    return given.to_numpy(dtype=np.float64, na_value=np.nan)


def _refuse(given: pd.Series, off: NDArray[np.bool_], *, n: int, asked: str, what: str) -> None:
    """Raise a ScaleError that names the first values off the scale and their rows."""
    rows = [str(label) for label in given.index[off]]
    values = list(dict.fromkeys(_shown(v) for v in given[off]))
    where = f", column {given.name!r}" if given.name is not None else ""
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    answers = "answer" if n == 1 else "answers"
    raise ScaleError(
        f"{asked}{where}, row {', '.join(rows[:3])}{more}: {', '.join(values[:3])} {what} "
        f"({len(rows):,} of {n:,} {answers}).\n  {_cure(given[off], values[0])}"
    )


def _cure(off: pd.Series, first: str) -> str:
    """Say what to do about answers off the scale, by what they look like."""
    text = off.map(lambda value: isinstance(value, str))
    if text.all() and pd.to_numeric(off, errors="coerce").notna().any():
        return "Numbers stand there as text: give pd.to_numeric(scores)."
    if not text.any() and not is_real(off.iloc[0]):
        return "Is it the column you mean? Give one of answers."
    return (
        f'If it means "no answer", make it missing first: scores.mask(scores == {first}); '
        f"in a study.yml write  missing: [{first}]"
    )


def _shown(value: object) -> str:
    """Write a value the way its row shows it: 99 and not 99.0, text in quotes."""
    if isinstance(value, (float, np.floating)):
        return f"{value:g}"
    return repr(value) if isinstance(value, str) else str(value)


def check_scale(scale: Scale, *, asked: str) -> Scale:
    """Return the ends of a scale as numbers, or refuse a scale that runs nowhere."""
    pair = isinstance(scale, (tuple, list)) and len(scale) == 2 and all(map(is_real, scale))
    if not (pair and np.isfinite(scale).all() and scale[0] < scale[1]):
        raise QuestionError(
            f"{asked}: the scale {scale!r} has no room.\n  Write (lowest, highest), e.g. (1, 5)."
        )
    return float(scale[0]), float(scale[1])


def is_real(value: object) -> bool:
    """Whether a choice is a number; text that reads as one is not, nor is true or false."""
    return pd.api.types.is_number(value) and not isinstance(value, (bool, np.bool_, complex))


def check_choice(name: str, asked: object, known: Sequence[str]) -> None:
    """Refuse a choice that is not one of those known."""
    if asked not in known:
        ways = " or ".join(f'{name}="{one}"' for one in known)
        raise QuestionError(f"{name}={asked!r} is not known.\n  Write {ways}.")


def check_level(level: float) -> float:
    """Return the level of an interval, or refuse one that is not between 0 and 1."""
    if not (is_real(level) and 0 < level < 1):
        raise QuestionError(
            f"level is {level!r}: an interval needs a level between 0 and 1.\n"
            "  Write 0.95 for 95 %."
        )
    return float(level)


def need_columns(frame: pd.DataFrame, names: Iterable[Hashable], *, asked: str) -> None:
    """Refuse a frame that lacks a column that was asked for, or what is no frame."""
    if not isinstance(frame, pd.DataFrame):
        raise QuestionError(
            f"{asked}: asked for a DataFrame, found {type(frame).__name__}.\n"
            "  Give the frame first, such as study.responses; then the names of its columns."
        )
    for name in names:
        if name in frame.columns:
            continue
        near = get_close_matches(str(name), [str(c) for c in frame.columns], n=1)
        raise ColumnError(
            f"{asked}: asked for column {name!r}, which the frame does not have.\n"
            f"  columns in the frame: {', '.join(str(c) for c in frame.columns) or '(none)'}"
            + (f"\n  perhaps you meant {near[0]!r}" if near else "")
        )


def no_data(
    metric: str, measured_in: str, *, level: float, n: int, n_missing: int, method: str, reason: str
) -> Estimate:
    """Return an Estimate that holds no number and says why."""
    return Estimate(
        metric=metric,
        measured_in=measured_in,
        value=None,
        low=None,
        high=None,
        se=None,
        level=level,
        n=n,
        n_missing=n_missing,
        method=method,
        status="no data",
        reason=reason,
    )


def nobody_answered(n_missing: int) -> str:
    """Say why there is no number when no answer can be used."""
    if not n_missing:
        return "There is no answer to count."
    return f"None of the {n_missing:,} asked gave a usable answer."

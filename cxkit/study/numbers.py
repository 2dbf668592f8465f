"""Text becomes numbers: answers on a scale, amounts, weights; what is doubtful is refused."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.errors import ScaleError
from cxkit.study.cells import Cells, seen, some
from cxkit.study.wording import nearest, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cxkit.study import columns as c

#: Digits are those of ASCII: others are refused, not read.
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)

#: 1 234 567.5 with a space, a no-break space or a narrow one between thousands.
_SPACED = re.compile(r"[-+]?\d{1,3}([ \u00a0\u2009\u202f]\d{3})+(\.\d+)?", re.ASCII)
_SPACES = re.compile(r"[ \u00a0\u2009\u202f]")

#: 10 - Extremely likely, 0 (not at all), 5: agree. A digit in the words makes it doubtful.
_END_LABEL = re.compile(r"([0-9]+)\s*[-\u2013\u2014:=.(]\s*[^\d\s][^\d]*")

#: Spellings of numbers that are refused, with their names.
_OTHER_SPELLINGS = {
    "a percent sign": re.compile(r".*%"),
    "a currency": re.compile(r".*[$€£¥₹]|.*\b[A-Z]{3}\b"),
    "brackets": re.compile(r"\(.*\)"),
    "thousands marks": re.compile(r"[^\d]*\d{1,3}([,'.]\d{3})+([.,]\d+)?[^\d]*"),
    "infinity": re.compile(r"[-+]?inf(inity)?", re.IGNORECASE),
    "digits of another script": re.compile(r".*(?![0-9])\d.*"),
}


def as_number(text: str) -> float | None:
    """Return a plain decimal number, or None: no thousands, signs of money or infinity.

    >>> as_number("1e3"), as_number("1,5"), as_number("inf"), as_number("1e999"), as_number("٣")
    (1000.0, None, None, None, None)
    """
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return number + 0.0 if math.isfinite(number) else None  # minus nothing is nothing


def _closed(cells: Cells) -> Cells:
    """Return the cells without spaces between thousands, and tell it."""
    spaced = cells.where(lambda text: bool(_SPACED.fullmatch(text)))
    if not spaced.any():
        return cells
    closed = np.array([_SPACES.sub("", text) for text in cells.text], dtype=object)
    return cells.repaired(
        "CX-R015", spaced, closed, lambda n: f"spaces between thousands taken out of {n}"
    )


def scores(cells: Cells, spec: c.Score) -> pd.Series:
    """Read answers on a scale: declared codes are missing, anything else off it is refused."""
    cells = _closed(cells)
    low, high = spec.scale
    missing = set(cells.missing)
    labels = {folded(label): value for label, value in spec.labels.items()}
    ends: dict[str, float] = {}
    cased: dict[str, float] = {}

    def convert(text: str) -> float | None:
        if text in missing:
            return np.nan
        number = as_number(text)
        named = folded(text if number is None else f"{number:.15g}")
        if named in labels:
            if text not in spec.labels and number is None:
                cased[text] = labels[named]
            return labels[named]
        if number is None and (end := _END_LABEL.fullmatch(text)):
            number = ends[text] = float(end[1])
        if number is None:
            return None
        if f"{number:.15g}" in missing:
            return np.nan
        fits = low <= number <= high and (not spec.whole or number == int(number))
        return number if fits else None

    values, bad = cells.distinct(convert)
    for code, found, what in (
        ("CX-R013", ends, "the number taken from the label of"),
        ("CX-R014", cased, "capitals or spaces overlooked in"),
    ):
        changed = cells.where(lambda text, found=found: text in found) & ~bad  # type: ignore[misc]
        if changed.any():
            first = cells.text[changed][0]
            example = (first, f"{found[first]:g}")
            cells.tell(code, changed, lambda n, what=what: f"{what} {n}", example)  # type: ignore[misc]
    if bad.any():
        _refuse_scores(cells, spec, values, bad)
    return pd.Series(values, copy=False)


def folded(label: str) -> str:
    """Return a label without capitals and double spaces: how labels are compared."""
    return " ".join(label.split()).casefold()


def _refuse_scores(cells: Cells, spec: c.Score, values: np.ndarray, bad: np.ndarray) -> None:
    """Refuse answers that are not on their scale: labels nobody declared, shifted codes, others."""
    low, high = spec.scale
    off = list(dict.fromkeys(cells.text[bad].tolist()))
    answers = int((~np.isnan(values)).sum() + bad.sum())
    noun = "whole number" if spec.whole else "number"
    wordy = [text for text in off if as_number(text) is None and any(map(str.isalpha, text))]
    code = "CX-E031"
    if len(wordy) == len(off) and (len(off) > 1 or spec.labels):
        code, cure = "CX-E056", _label_cure(cells, spec, off)
    elif _shifted(off, spec, values):
        code, cure = "CX-E032", _shift_cure(cells, spec)
    else:
        cure = _score_cure(cells, off)
    rows = np.flatnonzero(bad)
    if len(rows) == 1 and rows[0] == len(bad) - 1 and len(bad) > 1:
        cure = f"It is the last row: if that is a total, take it out.\n  {cure}"
    cells.refuse(
        code,
        bad,
        lambda many: (
            f"{'are' if many else 'is'} not {'' if many else 'a '}{noun}"
            f"{'s' if many else ''} from {low:g} to {high:g}"
            + (", nor a label declared" if code == "CX-E056" else "")
        ),
        cure=cure,
        of=f" of {answers:,} answers",
        error=ScaleError,
    )


def _shifted(off: list[str], spec: c.Score, values: np.ndarray) -> bool:
    """Whether no answer is the lowest and those off the scale are one above the highest."""
    low, high = spec.scale
    return off == [f"{high + 1:g}"] and not (values == low).any() and bool((values == high).any())


def _shift_cure(cells: Cells, spec: c.Score) -> str:
    """Say how codes that are one too high are brought back."""
    low, high = (int(end) for end in spec.scale)
    codes = ", ".join(f"{answer + 1}: {answer}" for answer in range(low, high + 1))
    return (
        f"No answer is {low}: the codes may run from {low + 1} to {high + 1}, one too high. "
        f"If so, write\n  {cells.role}: {{column: {cells.spec.column}, labels: {{{codes}}}}}"
    )


def _label_cure(cells: Cells, spec: c.Score, off: list[str]) -> str:
    """Say how labels are declared, or which declared one is near."""
    if cells.private:
        return "Declare them after  labels:  in study.yml, or export the numbers."
    near = {text: nearest(text, list(spec.labels)) for text in off}
    close = [f"{text!r} is near {label!r}" for text, label in near.items() if label]
    if close:
        return f"{'; '.join(close[:3])}. Mend the file, or declare it after  labels:  in study.yml."
    shown = ", ".join(f'"{text}": ...' for text in off[:8])
    return (
        "Say which number each means (labels are never guessed, in no language):\n"
        f"  {cells.role}: {{column: {cells.spec.column}, labels: {{{shown}}}}}"
    )


def _spellings(texts: Iterable[str]) -> str:
    """Say how numbers are written that are not plain; "" where nothing is known of it."""
    held = list(texts)
    kinds = [k for k, form in _OTHER_SPELLINGS.items() if any(map(form.fullmatch, held))]
    return f"They have {', '.join(kinds)}. " if kinds else ""


def _score_cure(cells: Cells, off: list[str]) -> str:
    """Say how a code for no answer is declared, or that the numbers are written in another way."""
    if _spellings(off):
        return f"{_spellings(off)}Write answers in the digits 0 to 9, and nothing else."
    if all(re.fullmatch(r"\d+,\d+", text) for text in off):
        return 'If the comma is a decimal mark, write  decimal: ","  in study.yml.'
    if cells.private:
        return (
            'If it is a code for "no answer", list it after  missing:  '
            f"under {cells.table} in study.yml (values of this table are never shown)."
        )
    shown = [text if as_number(text) is not None else scalar(text) for text in off[:5]]
    meaning = some([*map(seen, off)]) + (" mean" if len(off) > 1 else " means")
    return (
        f'If {meaning} "no answer", write  '
        f"missing: [{', '.join([*cells.missing, *shown])}]  under {cells.table} in study.yml."
    )


def amounts(cells: Cells) -> pd.Series:
    """Read plain decimal numbers."""
    cells = _closed(cells)
    values, bad = cells.distinct(as_number)
    if bad.any():
        seen = _spellings(dict.fromkeys(cells.text[bad].tolist()))
        cells.refuse(
            "CX-E036",
            bad,
            lambda many: "are not plain numbers" if many else "is not a plain number",
            cure=f"{seen}Write numbers as 1234.5: no thousands marks, no currency, no sign but "
            "the minus, a point for decimals.",
        )
    return pd.Series(values, copy=False)


def weights(cells: Cells) -> pd.Series:
    """Read weights: every row has one, none is negative or infinite, and not all are zero."""
    cells = _closed(cells)
    values, unread = cells.distinct(as_number)
    bad = unread | np.isnan(values) | (values < 0)
    if bad.any():
        empty = int((cells.text == "").sum())
        cells.refuse(
            "CX-E048",
            bad,
            lambda many: (
                f"{'are no weights' if many else 'is no weight'}: {empty:,} are empty"
                if empty
                else f"{'are no weights' if many else 'is no weight'}"
            ),
            cure=_spellings(dict.fromkeys(cells.text[unread].tolist()))
            + "A weight is a plain number of 0 or more in every row. Mend it, or take the row out.",
            of=f" of {len(bad):,} rows",
        )
    elif not (values > 0).any():
        cells.ledger.refuse(
            "CX-E049",
            f"the {len(values):,} weights sum to 0.",
            cells.place(),
            cure="Export the weights again, or take  weight:  out of study.yml.",
        )
    return pd.Series(values, copy=False)

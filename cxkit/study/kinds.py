"""Text becomes dates, scores, amounts, yes or no: by the contract, never by guess."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.study import columns as c
from cxkit.study.formats.raw import as_text, holds, holds_empty, letters
from cxkit.study.moments import dates
from cxkit.study.numbers import amounts, scores, weights

if TYPE_CHECKING:
    from cxkit.study.cells import Cells

#: Characters without width that change no word; joiners, which do, are not among them.
_NO_WIDTH = re.compile("[\u200b\u2060\ufeff\u00ad]")

#: 9.00720E+15: what a spreadsheet makes of a long number.
_SCIENTIFIC = re.compile(r"\d[.,]\d+E\+\d+")

#: The last byte that is no letter, digit or mark; the first that is not ASCII.
_SPACE, _ASCII = 32, 128

_FLOAT_ID = re.compile(r"\d+\.0+")


def typed(cells: Cells) -> pd.Series:
    """Return a column in the type of its kind; what does not fit is refused in the ledger.

    Ids and words become text, dates ``datetime64[us]``, scores and amounts ``float64``, yes and no
    ``boolean``. An empty cell is missing; a missing code is missing in scored columns only.
    """
    cells = _trimmed(cells)
    spec = cells.spec
    if isinstance(spec, c.Score):
        return scores(cells, spec)
    if isinstance(spec, c.Date):
        return dates(cells, spec)
    if isinstance(spec, c.YesNo):
        return _yes_no(cells, spec)
    if isinstance(spec, c.Weight):
        return weights(cells)
    if isinstance(spec, c.Amount):
        return amounts(cells)
    if isinstance(spec, c.Experience):
        return amounts(cells) if spec.numeric else _words(cells)
    if isinstance(spec, c.Id):
        _ids(cells)
    return _words(cells)


def _trimmed(cells: Cells) -> Cells:
    """Take the spaces off the ends, and say so; a comment may keep how it was written."""
    lowest, highest = letters(cells.text)
    if lowest > _SPACE and highest < _ASCII:
        return cells
    codes, uniques = cells.coded
    stripped = np.array([u.strip() for u in uniques], dtype=object)
    changed = (stripped != uniques)[codes] if len(uniques) else np.zeros(0, dtype=bool)
    if not changed.any():
        return cells
    text = stripped[codes]
    if cells.role == "comment":
        return replace(cells, text=as_text(text))
    return cells.repaired("CX-R011", changed, text, lambda n: f"spaces around {n} taken off")


def _words(cells: Cells) -> pd.Series:
    """Read words, letters composed and nothing without width in them; an empty cell is missing."""
    if cells.role != "comment" and letters(cells.text)[1] >= _ASCII:
        codes, uniques = cells.coded
        plain = [unicodedata.normalize("NFC", _NO_WIDTH.sub("", u)).strip() for u in uniques]
        after = np.array(plain, dtype=object)
        if (changed := (after != uniques)[codes]).any():
            cells = cells.repaired(
                "CX-R017",
                changed,
                after[codes],
                lambda n: f"letters composed (NFC), or characters without width taken out, in {n}",
            )
    words = pd.Series(as_text(cells.text))
    return words.mask(words == "") if holds_empty(cells.text) else words


def _ids(cells: Cells) -> None:
    """Refuse ids whose digits a spreadsheet lost; flag those that it wrote as decimals."""
    if not holds(cells.text, "+") and not holds(cells.text, "."):
        return
    lost = cells.where(lambda text: bool(_SCIENTIFIC.fullmatch(text)))
    if lost.any():
        cells.refuse(
            "CX-E047",
            lost,
            lambda many: f"{'are ids' if many else 'is an id'} of which digits are lost",
            cure="A spreadsheet rounded them. Export them as text, from where they come from.",
        )
    decimal = cells.where(lambda text: bool(_FLOAT_ID.fullmatch(text)))
    if decimal.any():
        shown = "" if cells.private else f" ({cells.text[decimal][0]})"
        cells.ledger.flag(
            "CX-F029",
            f"{decimal.sum():,} of {len(decimal):,} ids end in .0{shown}; ids are text, so "
            "they are not those without it.",
            cells.place(decimal),
            cure="A spreadsheet or a table of numbers wrote them: export ids as text.",
        )


def _yes_no(cells: Cells, spec: c.YesNo) -> pd.Series:
    """Read yes and no in the spellings declared."""
    yes = {v.casefold() for v in spec.yes}
    no = {v.casefold() for v in spec.no}

    def convert(text: str) -> float | None:
        folded = text.casefold()
        plain = folded.removesuffix(".0")
        for spelling in (folded, plain):
            if spelling in yes:
                return 1.0
            if spelling in no:
                return 0.0
        return None

    values, bad = cells.distinct(convert)
    if bad.any():
        cells.refuse(
            "CX-E037",
            bad,
            lambda many: (
                f"{'are' if many else 'is'} neither yes ({', '.join(spec.yes)}) "
                f"nor no ({', '.join(spec.no)})"
            ),
            cure=f"In study.yml write  {cells.role}: {{column: {cells.spec.column}, "
            "yes: [...], no: [...]}",
        )
    return pd.Series(values, copy=False).astype("boolean")

"""Codes become the words that the file has for them, where the study wants words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from cxkit.study.columns import Score, Text, YesNo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cxkit.study.columns import Column
    from cxkit.study.contract import Table
    from cxkit.study.formats.raw import RawTable


@dataclass(frozen=True)
class Labels:
    """What a file says of its columns: questions, words of codes, and codes for no answer counted.

    ``absent`` counts codes as they stand in the file, rows dropped later included.
    """

    questions: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    absent: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def labels_of(raw: RawTable, table: Table) -> Labels:
    """Return what a file says of its columns, with the codes that study.yml declares counted."""
    absent = {name: dict(counted) for name, counted in raw.absent.items()}
    for spec in table.roles.values():
        if isinstance(spec, Score) and table.missing and spec.column in raw.columns:
            codes, values = raw.coded(spec.column)
            held = np.bincount(codes, minlength=len(values))
            for value, n in zip(values.tolist(), held.tolist(), strict=True):
                if str(value).strip() in table.missing:
                    absent.setdefault(spec.column, {})[str(value).strip()] = int(n)
    return Labels(raw.labels, raw.value_labels, absent)


def with_words(raw: RawTable, roles: Mapping[str, Column], *, private: bool) -> RawTable:
    """Return a table whose words are words, although the file holds codes with labels.

    Parameters
    ----------
    raw : RawTable
        As the file was read.
    roles : mapping of str to Column
        What each column is for.
    private : bool
        Whether values must not be shown.

    Returns
    -------
    RawTable
        With what was changed told among its repairs.

    Notes
    -----
    Texts, and a yes or no whose spellings are not declared: 1 means yes in one file and no in
    another, and only the label knows. Scores and ids keep their codes. A code without a label stays
    as it is; where two codes have one label, the code stands behind it.
    """
    if not raw.value_labels:
        return raw
    columns, notes = dict(raw.columns), []
    for spec in roles.values():
        wants = isinstance(spec, Text) or (
            isinstance(spec, YesNo) and not {"yes", "no"} & spec.model_fields_set
        )
        words = raw.value_labels.get(spec.column, {})
        if not wants or not words or spec.column not in columns:
            continue
        codes, values = raw.coded(spec.column)
        held = {value: words[value] for value in values.tolist() if words.get(value)}
        twice = {word for word in held.values() if list(held.values()).count(word) > 1}
        texts = [
            f"{held[v]} [{v}]" if held.get(v) in twice else held.get(v, v) for v in values.tolist()
        ]
        changed = np.array([v in held for v in values.tolist()], dtype=bool)[codes]
        if not changed.any():
            continue
        columns[spec.column] = np.array(texts, dtype=object)[codes]
        lines = tuple(int(line) for line in raw.lines[changed])
        shown = next(iter(held.items()))
        example = "" if private else f" ({shown[0]} → {shown[1]})"
        notes.append(
            (
                "CX-F044",
                f"column {spec.column}: {len(lines):,} codes are read as the words that the file "
                f"has for them{example}.",
                lines,
            )
        )
        if twice:
            several = "" if private else f": {', '.join(sorted(twice))}"
            notes.append(
                (
                    "CX-F043",
                    f"column {spec.column}: several codes have one label{several}; the code is "
                    "written behind it.",
                    (),
                )
            )
    return replace(raw, columns=columns, repairs=(*raw.repairs, *notes)) if notes else raw

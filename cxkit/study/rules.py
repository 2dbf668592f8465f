"""What must hold within one table: rows once, keys filled, days in order, answers dated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.study.checks import KEYS, NEEDED, Checked, words_of
from cxkit.study.columns import Id, Text
from cxkit.study.contract import DatedCustomers, Responses, UnitScores
from cxkit.study.meaning import hold_meaning

if TYPE_CHECKING:
    from cxkit.study.ledger import Ledger

#: Earlier and later day of one row; the other way round is refused.
ORDER = {
    "customers": [("start", "end")],
    "staff": [("start", "end")],
    "tickets": [("opened", "first_response"), ("opened", "resolved")],
}

#: How a row that sums up the others is called.
TOTALS = frozenset(
    {
        *("total", "totals", "grand total", "subtotal", "sum", "average", "mean", "avg"),
        *("summe", "gesamt", "gesamtsumme", "gesamtergebnis", "mittelwert", "durchschnitt"),
        *("totale", "totaal", "gemiddelde", "moyenne", "somme", "media", "promedio", "suma"),
        *("итого", "合計", "总计"),
    }
)

#: In fewer rows than this it may be that nobody answered; in more, the column is a wrong one.
SILENCE_POSSIBLE = 10

#: What double-encoded UTF-8 looks like.
_TWICE_ENCODED = re.compile(r"Ã[\x80-\xbf]|â€|Â[\xa0-\xbf]")


def hold_rules(checked: Checked, ledger: Ledger) -> None:
    """Hold one table to its own rules; exact copies of a row with an id are dropped and told."""
    _needed(checked, ledger)
    _footnotes(checked, ledger)
    _total(checked, ledger)
    _rows_once(checked, ledger)
    _days_in_order(checked, ledger)
    _encoded_once(checked, ledger)
    if isinstance(checked.table, Responses):
        _answers(checked, checked.table, ledger)
    if isinstance(checked.table, UnitScores):
        _unit_scores(checked, checked.table, ledger)
    hold_meaning(checked, ledger)


def _needed(checked: Checked, ledger: Ledger) -> None:
    """Refuse rows that lack what makes them a row of this table."""
    for role in NEEDED[checked.name]:
        if role in checked.frame and (empty := checked.frame[role].isna()).any():
            if _told(checked, role, ledger):
                continue  # what could not be read is not also empty
            ledger.refuse(
                "CX-E041",
                f"{role} is empty ({empty.sum():,} of {len(empty):,} rows).",
                checked.place(empty, role=role),
                cure="Every row needs it; fill it in, or take the row out.",
            )


def _told(checked: Checked, role: str, ledger: Ledger) -> bool:
    """Whether something about a column has been refused already."""
    place = (checked.name, checked.table.roles[role].column)
    return any((f.table, f.column) == place for f in ledger.findings if f.kind == "refuse")


def _footnotes(checked: Checked, ledger: Ledger) -> None:
    """Refuse rows of which a single cell is filled: a note below the table, not a row of it."""
    frame = checked.frame
    if len(frame.columns) < 4:
        return
    filled = np.zeros(len(frame), dtype=np.int16)
    for role in frame:
        filled += frame[role].notna().to_numpy()
    alone = filled <= 1
    if alone.any() and not alone.all():
        ledger.refuse(
            "CX-E042",
            f"only one cell is filled ({alone.sum():,} of {len(alone):,} rows).",
            checked.place(alone),
            cure="If it is a note below the table, take it out.",
        )


def _total(checked: Checked, ledger: Ledger) -> None:
    """Refuse a last row that calls itself a total and lacks what every other row has."""
    frame = checked.frame
    if len(frame) < 3:
        return
    kinds = {role: spec for role, spec in checked.table.roles.items() if role != "comment"}
    words = [r for r, spec in kinds.items() if isinstance(spec, Id | Text) and r in frame]
    last = frame.iloc[-1]
    if not any(str(last[role]).strip(" :").casefold() in TOTALS for role in words):
        return
    rest = frame.iloc[:-1]
    if any(rest[role].notna().all() for role in frame.columns[last.isna()]):
        ledger.refuse(
            "CX-E057",
            "the last row is a total or a mean of the others: it says so, and lacks what every "
            "other row has.",
            checked.place(np.arange(len(frame)) == len(frame) - 1),
            cure="Take it out of the file.",
        )


def _rows_once(checked: Checked, ledger: Ledger) -> None:
    """Drop exact copies of rows with an id; refuse one id with different rows; flag the rest."""
    frame = checked.frame
    key = list(KEYS[checked.name])
    own_ids = "row" in {checked.table.roles[k].column for k in key if k in checked.table.roles}
    if not set(key) <= set(frame.columns) or (own_ids and "row" not in checked.raw.header):
        text = pd.DataFrame(dict(checked.raw.columns))
        copies = text.duplicated().to_numpy()
        if copies.any():
            _copies_without_id(checked, copies, ledger)
        return
    filled = frame[key].notna().all(axis=1)
    if not filled.all() and (copies := (frame.duplicated() & ~filled).to_numpy()).any():
        _copies_without_id(checked, copies, ledger)
    if _all_differ(frame[key]) or not frame[key].duplicated().any():
        return
    copies = (frame.duplicated() & filled).to_numpy()
    if copies.any():
        ledger.repair(
            "CX-R012",
            f"{copies.sum():,} exact copies of a row with the same {_and(key)} dropped.",
            checked.place(copies, role=key[0]),
        )
        checked.keep(~copies)
        frame, filled = checked.frame, checked.frame[key].notna().all(axis=1)
    again = (frame.duplicated(key) & filled).to_numpy()
    if again.any():
        row = int(np.flatnonzero(again)[0])
        same = (frame[key] == frame.loc[row, key]).all(axis=1).to_numpy()
        first = checked.lines[np.flatnonzero(same)[0]]
        shown = "" if checked.table.private else f" ({_and([str(v) for v in frame.loc[row, key]])})"
        ledger.refuse(
            "CX-E043",
            f"the same {_and(key)}{shown} as on {checked.raw.place} {first}, "
            f"with other content ({markup.numbered(int(again.sum()), 'row is', 'rows are')} so).",
            checked.place(again, role=key[0]),
            cure="One of them is wrong, or this column is not what tells rows apart.",
        )


def _copies_without_id(checked: Checked, copies: np.ndarray, ledger: Ledger) -> None:
    """Flag copies of which nobody can tell whether they are one person."""
    ledger.flag(
        "CX-F001",
        f"{markup.numbered(int(copies.sum()), 'row is an exact copy', 'rows are exact copies')} of "
        "an earlier row. They are kept: without an id they may be different people with the same "
        "answers.",
        checked.place(copies),
    )


def _all_differ(keys: pd.DataFrame) -> bool:
    """Whether a key is seen at once to differ in all rows: a single text column that ascends."""
    if len(keys.columns) > 1:
        return False
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.chunked_array(pa.array(keys.iloc[:, 0].array))
    return bool(pc.all(pc.less(text[:-1], text[1:]), skip_nulls=False).as_py())


def _and(words: list[str]) -> str:
    """Join a few words."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _days_in_order(checked: Checked, ledger: Ledger) -> None:
    """Refuse an end before its start."""
    frame = checked.frame
    for first, last in ORDER.get(checked.name, []):
        if first not in frame or last not in frame:
            continue
        wrong = (frame[last] < frame[first]).to_numpy()
        if not wrong.any():
            continue
        row = int(np.flatnonzero(wrong)[0])
        form = "%Y-%m-%d %H:%M" if checked.name == "tickets" else "%Y-%m-%d"
        days = [frame[role].iloc[[row]].dt.strftime(form).item() for role in (last, first)]
        shown = "" if checked.table.private else f": {days[0]} against {days[1]}"
        ledger.refuse(
            "CX-E044",
            f"{last} lies before {first}{shown} ({wrong.sum():,} of {len(wrong):,} rows).",
            checked.place(wrong, role=last),
            cure="Mend the dates; perhaps day and month changed places.",
        )


def _encoded_once(checked: Checked, ledger: Ledger) -> None:
    """Flag words that were encoded twice, such as ZÃ¼rich."""
    for role in words_of(checked):
        values = checked.frame[role]
        if any(_TWICE_ENCODED.search(text) for text in values.dropna().unique()):
            odd = [isinstance(v, str) and bool(_TWICE_ENCODED.search(v)) for v in values]
            ledger.flag(
                "CX-F002",
                f"{sum(odd):,} texts look encoded twice (as in ZÃ¼rich); kept as they are.",
                checked.place(odd, role=role),
            )


def _answers(checked: Checked, table: Responses, ledger: Ledger) -> None:
    """Refuse scores that nobody gave; flag answers that no date or no customer belongs to."""
    frame = checked.frame
    scores = list(table.scores)
    for role in scores:
        if frame[role].isna().all() and not _told(checked, role, ledger):
            if len(frame) < SILENCE_POSSIBLE:
                told = f"no answer at all in {len(frame):,} rows."
                ledger.flag("CX-F003", told, checked.place(role=role))
                continue
            ledger.refuse(
                "CX-E054",
                f"0 valid answers in {len(frame):,} rows.",
                checked.place(role=role),
                cure=f"Look whether the right column is named, or take  {role}:  out of study.yml.",
            )
    if "answered_on" in frame and scores:
        scored = np.zeros(len(frame), dtype=bool)
        for role in scores:
            scored |= frame[role].notna().to_numpy()
        undated = scored & frame["answered_on"].isna().to_numpy()
        if undated.any():
            ledger.flag(
                "CX-F004",
                f"{markup.numbered(int(undated.sum()), 'row has', 'rows have')} a score and no day "
                "of answering: to be counted in scores, not in anything over time.",
                checked.place(undated, role="answered_on"),
            )
    if "answered_on" in frame and "asked_on" in frame:
        early = (frame["answered_on"] < frame["asked_on"]).to_numpy()
        if early.any():
            days = frame.loc[early, ["answered_on", "asked_on"]].iloc[0]
            ledger.flag(
                "CX-F005",
                f"{markup.numbered(int(early.sum()), 'row was', 'rows were')} answered before "
                "being asked: "
                f"{days.iloc[0]:%Y-%m-%d %H:%M} against {days.iloc[1]:%Y-%m-%d %H:%M}.",
                checked.place(early, role="answered_on"),
            )
    if "customer" in frame and (anonymous := frame["customer"].isna()).any():
        ledger.flag(
            "CX-F006",
            f"{markup.numbered(int(anonymous.sum()), 'row names', 'rows name')} no customer: to be "
            "counted in scores only.",
            checked.place(anonymous, role="customer"),
        )


def _unit_scores(checked: Checked, table: UnitScores, ledger: Ledger) -> None:
    """Flag more than one questionnaire, and counts that are there or not against what was said."""
    frame = checked.frame
    instruments = sorted(frame["instrument"].dropna().unique())
    if len(instruments) > 1:
        ledger.flag(
            "CX-F017",
            f"{len(instruments)} different instruments ({', '.join(instruments)}): "
            "their scores are never subtracted.",
            checked.place(),
        )
    for role in [r for r in ("engagement", "experience") if r in frame]:
        if (missing := frame[role].isna()).any():
            ledger.flag(
                "CX-F018",
                f"{missing.sum():,} of {len(frame):,} rows have no {role} score.",
                checked.place(missing, role=role),
            )
    for role in ("n_employees", "n_customers"):
        said = getattr(table, role)
        if said is None or said.counts is None:
            continue
        silent = frame["wave"].isin(said.waves) if said.waves else pd.Series(True, frame.index)
        if (there := silent & frame[role].notna()).any():
            ledger.flag(
                "CX-F019",
                f"{markup.numbered(int(there.sum()), 'row has', 'rows have')} a count although the "
                "study says it was not published.",
                checked.place(there, role=role),
            )
        for wave in sorted(set(said.waves) - set(frame["wave"])):
            ledger.flag(
                "CX-F019", f"no row is of the wave {wave} that {role} names.", checked.place()
            )


def is_dated(checked: Checked | None) -> bool:
    """Whether these are customers with days of start and end."""
    return checked is not None and isinstance(checked.table, DatedCustomers)

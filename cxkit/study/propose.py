"""From files to a study.yml to be read: what each column may be, why, and what is in doubt.

A proposal is never silent: each line says what in the file speaks for it. What changes numbers and
cannot be told (which comes first, the day or the month) is not proposed but asked.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cxkit.study.profile import as_answers
from cxkit.study.signs import SIGNS, Sign
from cxkit.study.within import parts_of
from cxkit.study.wording import scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from cxkit.study.profile import Described, Profile
    from cxkit.study.reading import Reading

#: A table is proposed from this weight of signs on, and asked about where another comes so near.
LEAST, NEAR = 3.0, 1.0

#: A file called after a table speaks for it so much.
_BY_NAME = 2.0

_CUTS = {(0, 10): 9, (1, 5): 4, (1, 7): 6, (1, 10): 9, (1, 4): 3, (1, 6): 5, (0, 100): 70}


#: Roles that need no more than a scale.
_SCALED = frozenset(
    {
        "customer_service",
        "user_experience",
        "personalization",
        "consistency",
        "emotional_connection",
        "perceived_experience",
        "engagement",
        "experience",
    }
)


@dataclass(frozen=True)
class _Value:
    """What stands after a role, what is to be asked, and whether it can stand at all."""

    text: str
    asked: tuple[str, ...] = ()
    certain: bool = True


@dataclass
class Proposed:
    """One table as it may be: roles with their columns, what is left over, what is asked."""

    table: str
    file: Described
    roles: dict[str, Profile] = field(default_factory=dict)
    rest: list[Profile] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    @property
    def private(self) -> bool:
        """Whether the values of this table are never shown."""
        return self.table in {"engagement", "staff"}


def proposal(files: Sequence[Path], *, folder: Path, how: Reading | None = None) -> str:
    """Return the text of a study.yml for some files.

    Parameters
    ----------
    files : sequence of Path
        One file or more; of a workbook or database every sheet or table that holds something.
    folder : Path
        Where the study.yml will stand; files are named from there.
    how : Reading, optional
        How the files are to be read that do not tell it themselves.

    Returns
    -------
    str
        YAML with the evidence of each line behind it; a doubt is a comment that begins with
        ``QUESTION``.

    Raises
    ------
    DataError
        A file cannot be read.
    """
    found = [part for path in files for part in parts_of(path, how)]
    tables: dict[str, Proposed] = {}
    asides: list[str] = []
    for each in found:
        best = proposed(each)
        if best is None:
            columns = ", ".join(f"{p.name} ({p.kind})" for p in each.columns)
            asides.append(f"QUESTION: which table is {_shown(each)}? Its columns: {columns}")
            asides += as_answers(each, folder)
        elif best.table in tables:
            other = _shown(tables[best.table].file)
            asides.append(
                f"QUESTION: {_shown(each)} looks like {best.table}, as {other} does. A study has "
                "one file for a table: which is meant, or are they to be joined?"
            )
        else:
            tables[best.table] = best
    for table in tables.values():
        table.questions += _keys_left(table, tables.values())
    days = [
        (p.latest, "" if t.private else f": {_shown(t.file)}, {p.name}")
        for t in tables.values()
        for p in t.roles.values()
        if p.latest
    ]
    lines = [
        f"# Proposed from {', '.join(_shown(each) for each in found)}.",
        "# Read every line: what stands behind it says why. QUESTION waits for you.",
        _line("study", folder.resolve().name, "the name of the folder"),
    ]
    if days:
        latest, where = max(days)
        lines.append(f"as_of: {latest}  # {_comment(f'the latest day there is{where}')}")
        lines.append("# QUESTION: up to which day do the data speak? Not earlier than that.")
    else:
        lines.append("# QUESTION: up to which day do the data speak? Write  as_of: 2025-12-31")
    for name in [name for name in SIGNS if name in tables]:
        lines += ["", *_table(tables[name], folder)]
    lines += ["", *(f"# {_comment(text)}" for text in asides)] if asides else []
    return "\n".join(lines) + "\n"


def proposed(file: Described) -> Proposed | None:
    """Return the table that a file most looks like, or None where nothing speaks for one."""
    ranked = sorted(
        ((_weigh(table, signs, file), table) for table, signs in SIGNS.items()),
        key=lambda pair: -pair[0][0],
    )
    (weight, roles), table = ranked[0]
    if weight < LEAST:
        return None
    taken = {p.name for p in roles.values()}
    best = Proposed(table, file, roles, [p for p in file.columns if p.name not in taken])
    (second, _), other = ranked[1]
    if weight - second < NEAR:
        best.questions.append(f"Is this table {table} or {other}? Both have signs for them.")
    return best


def _weigh(
    table: str, signs: tuple[Sign, ...], file: Described
) -> tuple[float, dict[str, Profile]]:
    """Give every role its first fitting column, and sum what speaks for the table."""
    roles: dict[str, Profile] = {}
    weight = 0.0
    for sign in signs:
        taken = {p.name for p in roles.values()}
        free = [p for p in file.columns if p.name not in taken and p.kind in sign.kinds]
        by_name = [p for p in free if sign.name.search(p.name)]
        fits = by_name or [p for p in free if p.label and sign.name.search(p.label)]
        if fits:
            roles[sign.role] = fits[0]
            weight += sign.weight
        elif sign.needed:
            weight -= 1.5
    if table == "engagement":
        weight += min(sum(p.kind == "score" for p in file.columns), 4) * 0.5
    if table == "units" and "unit" in roles and not roles["unit"].unique:
        weight -= 3
    if table == "customers" and "customer" in roles and not roles["customer"].unique:
        weight -= 2
    stem = re.sub(r"\W+", "_", file.path.stem.casefold())
    part = file.part[1].casefold()
    if table in {stem, part} or re.search(rf"(^|_){table.rstrip('s')}s?(_|$)", stem):
        weight += _BY_NAME
    return weight, roles


def _table(table: Proposed, folder: Path) -> list[str]:
    """Return the lines of one table."""
    file = table.file
    lines = [f"{table.table}:  # {_comment(_why(table))}"]
    lines += [f"  # QUESTION: {_comment(question)}" for question in table.questions]
    lines.append(f"  {_line('file', os.path.relpath(file.path, folder), f'{file.rows:,} rows')}")
    for key, value in file.how.items():
        text = scalar(value) if isinstance(value, str) else str(value)
        why = "one of several parts" if key == file.part[0] else "as you said"
        lines.append(f"  {key}: {text}  # {why}")
    lines += [f"  # reading it: {_comment(text)}" for text in file.told]
    lines += _missing(table)
    if table.table == "unit_scores":
        lines.append("  raters: different people")
        lines.append("  # QUESTION: did the same people rate both sides, or different people?")
    for role, column in table.roles.items():
        lines += _role(table, role, column)
    lines += _groups(table)
    if table.table == "unit_scores" and "instrument" not in table.roles:
        lines.append('  # QUESTION: which questionnaire? Write  instrument: {value: "ITS NAME"}')
    needed = [s for s in SIGNS[table.table] if s.needed and s.role not in table.roles]
    lines += [f"  # QUESTION: which column is {sign.role}? None was found." for sign in needed]
    lines += _days_left(table)
    if table.rest:
        left = ", ".join(
            f"{p.name} ({p.kind}: {evidence_of(p, private=table.private)})" for p in table.rest
        )
        lines.append(f"  # not used: {_comment(left)}")
    return lines


def _days_left(table: Proposed) -> list[str]:
    """Ask for the role of days without one: without its day a score says nothing about leaving."""
    days = [p for p in table.rest if p.kind == "day"]
    roles = [s.role for s in SIGNS[table.table] if s.dated and s.role not in table.roles]
    if not days or not roles:
        return []
    told = f"does {' or '.join(p.name for p in days)} hold {' or '.join(roles)}?"
    line = f"{roles[-1]}: {_value(roles[-1], days[0]).text}"
    return [f"  # QUESTION: {_comment(f'{told} For example  {line}')}"]


def _keys_left(table: Proposed, tables: Iterable[Proposed]) -> list[str]:
    """Ask for a key without a column where another file has it in a column of the same name."""
    known = {s.role for s in SIGNS[table.table]} - set(table.roles)
    left = {p.name for p in table.rest}
    return [
        f"Is {column.name} the {role}, as in {_shown(other.file)}? Then write  "
        f"{role}: {scalar(column.name)}"
        for other in tables
        for role, column in other.roles.items()
        if role in {"customer", "unit"} & known and column.name in left
    ]


def _why(table: Proposed) -> str:
    """Say what speaks for a table."""
    return f"proposed for its columns {', '.join(p.name for p in table.roles.values())}"


def _missing(table: Proposed) -> list[str]:
    """Propose codes for "no answer": numbers off the scale that tools write for it."""
    scored = [p for role, p in table.roles.items() if "scale:" in _value(role, p).text]
    scored += _items(table)
    codes = list(dict.fromkeys(code for p in scored for code in p.codes))
    if not codes:
        return []
    by = ", ".join(p.name for p in scored if p.codes)
    lines = [
        f"  missing: [{', '.join(codes)}]  # {_comment(f'off the scale of {by}')}",
        f"  # QUESTION: does {' or '.join(codes)} mean no answer? It counts nowhere as one.",
    ]
    inside = [
        p.name
        for p in scored
        if p.range and any(p.range[0] <= float(code) <= p.range[1] for code in codes)
    ]
    if inside:
        told = f"on the scale of {', '.join(inside)} it is an answer: which holds there?"
        lines.append(f"  # QUESTION: {_comment(told)}")
    return lines


def asked_of(table: Proposed, column: Profile) -> list[str]:
    """Return what must be asked about a column in the role proposed for it."""
    role = next((role for role, p in table.roles.items() if p is column), "")
    value = _value(role, column)
    scaled = "scale:" in value.text or column in _items(table)
    asked = [*column.questions] if column.kind != "score" or scaled else []
    others = _rivals(table, role, column) if role else ""
    return [*asked, *value.asked, *([f"Or is {role} in {others}?"] if others else [])]


def _role(table: Proposed, role: str, column: Profile) -> list[str]:
    """Return the lines of one role; one that cannot be told is a comment."""
    value = _value(role, column)
    asked = [each for each in asked_of(table, column) if "mean no answer?" not in each]
    mark = "" if value.certain else "# "
    why = evidence_of(column, private=table.private)
    return [
        f"  {mark}{role}: {value.text}  # {_comment(why)}",
        *(f"  # QUESTION: {_comment(question)}" for question in asked),
    ]


def evidence_of(column: Profile, *, private: bool) -> str:
    """Say what speaks for a role; of employees no single value, the first day included."""
    told = column.evidence
    if private and column.kind in {"day", "number"}:
        told = f"{column.distinct:,} different {'days' if column.kind == 'day' else 'numbers'}"
    if column.filled < column.rows:
        told += f"; empty in {column.rows - column.filled:,} of {column.rows:,} rows"
    return told + (f'; "{column.label}"' if column.label else "")


def _rivals(table: Proposed, role: str, column: Profile) -> str:
    """Return the other columns that have the same sign and no role."""
    sign = next(s for s in SIGNS[table.table] if s.role == role)
    found = [
        p.name
        for p in table.rest
        if p.kind in sign.kinds and sign.name.search(p.name) and p is not column
    ]
    return ", ".join(found)


def _value(role: str, column: Profile) -> _Value:
    """Return what stands after a role, what is to be asked, and whether it can stand at all."""
    name = scalar(column.name)
    low, high = column.range or (0, 10)
    told = f"scale: [{low:g}, {high:g}]"
    if column.kind == "day":
        form = f", date: {scalar(column.form)}" if column.form else ""
        text = f"{{column: {name}{form}}}" if form else name
        return _Value(text.replace(', date: "?"', ""), certain=column.form != "?")
    if column.kind == "yes or no" and column.yes:
        spelled = f"yes: [{scalar(column.yes)}], no: [{scalar(column.no)}]"
        return _Value(f"{{column: {name}, {spelled}}}")
    if role in {"nps", "enps"}:
        usual = (low, high) == (0, 10)
        asked = () if usual else ("Was it asked from 0 to 10? Only that gives an NPS.",)
        fits = usual or (low == 1 and 6 < high <= 10)
        return _Value(f"{{column: {name}, scale: [0, 10]}}", asked, certain=fits)
    if role == "csat":
        top = _CUTS.get((int(low), int(high)), high)
        question = f"From which answer on is a customer satisfied? top: {top:g} is usual."
        return _Value(f"{{column: {name}, {told}, top: {top:g}}}", (question,))
    if role == "ces":
        version = {(1, 7): "2.0", (1, 5): "1.0"}.get((int(low), int(high)), "")
        question = 'Is a high answer good (how easy: version "2.0") or bad (effort: "1.0")?'
        text = f'{{column: {name}, version: "{version or "2.0"}", {told}}}'
        return _Value(text, (question,), certain=bool(version))
    if role in _SCALED:
        return _Value(f"{{column: {name}, {told}}}")
    if unit := {"value": "EUR", "amount": "EUR", "wait": "minutes"}.get(role):
        return _Value(name, (f"In which unit? Write  {role}: {{column: {name}, unit: {unit}}}",))
    return _Value(name)


def _items(table: Proposed) -> list[Profile]:
    """Return the scored columns that are items of an employee survey."""
    return [p for p in table.rest if p.kind == "score"] if table.table == "engagement" else []


def _groups(table: Proposed) -> list[str]:
    """Propose what rows are grouped by, and the items of an employee survey."""
    if items := _items(table):
        table.rest = [p for p in table.rest if p not in items]
        lines = ["  items:"]
        keys: set[str] = set()
        for p in items:
            low, high = p.range or (1, 5)
            key = re.sub(r"\W+", "_", p.name).strip("_") or "item"
            while key in keys or key in table.roles:
                key += "_2"
            keys.add(key)
            value = f"{{column: {scalar(p.name)}, scale: [{low:g}, {high:g}]}}"
            why = evidence_of(p, private=table.private)
            lines.append(f"    {scalar(key)}: {value}  # {_comment(why)}")
            lines += [
                f"    # QUESTION: {_comment(question)}"
                for question in p.questions
                if "mean no answer?" not in question
            ]
        lines.append(
            "  # QUESTION: what does each item ask? Write  group: engaged  (or satisfied, "
            "empowered, trained, appreciated), and  reversed: true  where agreeing is bad."
        )
        return lines
    group = {"customers": "segments", "units": "attributes"}.get(table.table)
    groups = [p for p in table.rest if p.kind in {"words", "yes or no"} and p.distinct > 1]
    if not group or not groups:
        return []
    table.rest = [p for p in table.rest if p not in groups]
    told = "; ".join(f"{p.name}: {p.evidence}" for p in groups)
    return [f"  {group}: [{', '.join(scalar(p.name) for p in groups)}]  # {_comment(told)}"]


def _shown(file: Described) -> str:
    """Return a file's name, with the part of it."""
    key, name = file.part
    return f"{file.path.name} {key} {name!r}" if key else file.path.name


def _line(key: str, value: str, why: str) -> str:
    """Return one key with its value and why it is so."""
    return f"{key}: {scalar(value)}  # {_comment(why)}"


def _comment(text: str) -> str:
    r"""Return a text that stays in its comment.

    >>> _comment("a\nstudy: b")
    'a study: b'
    """
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain if len(plain) <= 400 else plain[:397] + "..."

"""What values of one table mean together: scales that look wrong, groups that are none, weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cxkit.markup import counted
from cxkit.results import LEAST_EMPLOYEES
from cxkit.study.contract import DatedCustomers, Engagement, Responses, SnapshotCustomers

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.study.checks import Checked
    from cxkit.study.ledger import Ledger, Place

#: A group column with more levels than this, most of them in few rows, is an identifier.
MOST_LEVELS = 1000

#: Levels per row from which on a column of many levels is an identifier.
LEVELS_PER_ROW = 0.5

#: Answers from which on the absence of the lowest is worth a word.
ANSWERS_TO_TELL = 20

#: The share of the rows that weights must be worth, else one or a few rows speak for all.
LEAST_EFFECTIVE = 0.5

#: Fewer who left than this, and nothing about causes of leaving can be fitted.
FEW_EVENTS = 10

#: Words that rows are compared by.
GROUPS = ("touchpoint", "mode", "end_reason", "channel", "pay_band")


def hold_meaning(checked: Checked, ledger: Ledger) -> None:
    """Refuse identifiers taken for groups and flags against dates; flag what limits the answers."""
    hold_more_than_one(len(checked.frame), checked.place(), ledger)
    _groups(checked, ledger)
    if isinstance(checked.table, Responses):
        _scales(checked, checked.table, ledger)
        _direction(checked, checked.table, ledger)
        _weights(checked, ledger)
    if isinstance(checked.table, Engagement):
        _unanimous(checked, checked.table, ledger)
        _nearly_the_same_people(checked, ledger)
    if isinstance(checked.table, DatedCustomers):
        _flag_and_date(checked, ledger)
    if isinstance(checked.table, DatedCustomers | SnapshotCustomers):
        _events(checked, ledger)


def hold_more_than_one(rows: int, place: Place, ledger: Ledger) -> None:
    """Flag a table of one row: more often an export cut short than a study of one."""
    if rows == 1:
        ledger.flag(
            "CX-F050",
            "the table has a single row, from which nothing can be told of others.",
            place,
            cure="Look whether the export is whole.",
        )


def _groups(checked: Checked, ledger: Ledger) -> None:
    """Refuse a group that is an identifier; flag one that has one level."""
    segments = tuple(getattr(checked.table, "segments", ()))
    for role in (*segments, *GROUPS):
        if role not in checked.frame:
            continue
        levels, rows = checked.frame[role].nunique(), int(checked.frame[role].notna().sum())
        if levels > MOST_LEVELS and levels > LEVELS_PER_ROW * rows:
            ledger.refuse(
                "CX-E055",
                f"{role} has {levels:,} levels in {rows:,} rows ({levels / rows:.2f} a row): it "
                "looks like an identifier, not a group.",
                checked.place(role=role),
                cure=f"Name the column that holds the group, or take  {role}:  out of study.yml.",
            )
        elif levels == 1 and rows > 1 and not checked.table.private:
            ledger.flag(
                "CX-F025",
                f"{role} is the same in all {rows:,} rows that have it: one group, nothing to "
                "compare.",
                checked.place(role=role),
            )


def _scales(checked: Checked, table: Responses, ledger: Ledger) -> None:
    """Flag answers that are all the same, and an undeclared scale whose lowest nobody chose."""
    for role, spec in table.scores.items():
        answers = checked.frame[role].dropna()
        if len(answers) > 1 and answers.min() == answers.max():
            ledger.flag(
                "CX-F024",
                f"all {len(answers):,} answers are {answers.iloc[0]:g}: without differences there "
                "is no correlation and no driver.",
                checked.place(role=role),
            )
        low, high = spec.scale
        silent = "scale" not in spec.model_fields_set and len(answers) >= ANSWERS_TO_TELL
        if silent and answers.min() > low and answers.max() == high:
            ledger.flag(
                "CX-F026",
                f"no answer of {len(answers):,} is {low:g}, and the scale is not declared; it may "
                f"begin at {answers.min():g}.",
                checked.place(role=role),
                cure=f"Write  {role}: {{column: {spec.column}, scale: [{low:g}, {high:g}]}}  "
                "if that was the scale asked.",
            )


def _direction(checked: Checked, table: Responses, ledger: Ledger) -> None:
    """Flag effort that gets better as satisfaction gets worse, beyond chance."""
    other = next((role for role in ("csat", "nps") if role in checked.frame), "")
    if table.ces is None or not other:
        return
    sign = 1 if table.ces.higher_is_better else -1
    n, r = _correlation(checked.frame["ces"].to_numpy(), checked.frame[other].to_numpy())
    if n < ANSWERS_TO_TELL or r is None:
        return
    r *= sign
    upper = math.tanh(math.atanh(min(max(r, -0.999999), 0.999999)) + 1.96 / math.sqrt(n - 3))
    if upper < 0:
        ledger.flag(
            "CX-F027",
            f"ces and {other} contradict each other (r = {r:.2f} with good answers counted up, "
            f"n = {n:,}; 95 % interval below {upper:.2f}): its direction may be the "
            "other one.",
            checked.place(role="ces"),
            cure=f'The direction follows from the version: "{table.ces.version}" says that high '
            f"is {'easy' if sign > 0 else 'hard'}. Look at the question, and recode it after "
            "labels:  if it is the other way round.",
        )


def _correlation(first: np.ndarray, second: np.ndarray) -> tuple[int, float | None]:
    """Return in how many rows both are, and their correlation there; None where one is constant.

    From five sums: the answers are short numbers, and millions of them are not copied.
    """
    gone = np.isnan(first) | np.isnan(second)
    if gone.any():
        first, second = first[~gone], second[~gone]
    n, x, y = len(first), float(first.sum()), float(second.sum())
    spread = [n * float(a @ a) - float(a.sum()) ** 2 for a in (first, second)]
    if min(spread) <= 1e-9 * max(n, 1):
        return n, None
    return n, (n * float(first @ second) - x * y) / math.sqrt(spread[0] * spread[1])


def _weights(checked: Checked, ledger: Ledger) -> None:
    """Flag weights that make few rows speak for all."""
    if "weight" not in checked.frame:
        return
    given = checked.frame["weight"].to_numpy(dtype=float)
    if not (given >= 0).all() or not (given > 0).any():  # refused already
        return
    share = given / given.max()  # the squares of large weights are beyond every number
    effective = float(share.sum() ** 2 / (share**2).sum())
    if effective < LEAST_EFFECTIVE * len(given):
        ledger.flag(
            "CX-F028",
            f"the weights leave an effective n of {effective:.1f} of {len(given):,} rows; one row "
            f"alone holds {100 / share.sum():.1f} % of them.",
            checked.place(given == given.max(), role="weight"),
        )


def _flag_and_date(checked: Checked, ledger: Ledger) -> None:
    """Refuse customers who left and did not, by flag and by date."""
    if "churned" not in checked.frame:
        return
    left, flag = checked.frame["end"].notna(), checked.frame["churned"]
    wrong = (flag.notna() & (flag.fillna(value=False).astype(bool) != left)).to_numpy()
    if wrong.any():
        stayed = int((wrong & left.to_numpy()).sum())
        ledger.refuse(
            "CX-E053",
            f"churned contradicts end in {counted(int(wrong.sum()), 'row')}: "
            f"{stayed:,} with a date and a no, {wrong.sum() - stayed:,} with a yes and no date.",
            checked.place(wrong, role="churned"),
            cure="Mend the rows, or take  churned:  out of study.yml: the date alone is enough.",
        )


def _events(checked: Checked, ledger: Ledger) -> None:
    """Flag too few who left."""
    frame: pd.DataFrame = checked.frame
    role = "end" if isinstance(checked.table, DatedCustomers) else "churned"
    ended = frame[role].notna() if role == "end" else frame[role].fillna(value=False)
    left = int(ended.sum())
    if left < FEW_EVENTS <= len(frame):
        so = "too few for a model of leaving" if left else "nobody, so no model of leaving"
        ledger.flag(
            "CX-F031",
            f"{left:,} of {len(frame):,} customers left (events): {so}.",
            checked.place(role=role),
        )


def _unanimous(checked: Checked, table: Engagement, ledger: Ledger) -> None:
    """Flag units, large enough to be shown, whose employees all answered every item the same."""
    items = [item for item in table.items if checked.frame[item].notna().any()]
    if not items:
        return
    units = checked.frame.groupby("unit")
    people = units["respondent"].nunique()
    spread = units[items].max() - units[items].min()
    same = (spread.fillna(0) == 0).all(axis=1) & spread.notna().any(axis=1)
    found = people.index[same & (people >= LEAST_EMPLOYEES)]
    if len(found):
        ledger.flag(
            "CX-F033",
            f"in {counted(len(found), 'unit')} of {len(people):,} all employees gave the same "
            "answers. By the unanimity rule it is never drawn, though large enough: its mean would "
            "tell what each of them said.",
            checked.place(checked.frame["unit"].isin(found), role="unit"),
        )


def _nearly_the_same_people(checked: Checked, ledger: Ledger) -> None:
    """Flag units whose respondents of two waves differ by a few: two means would tell theirs."""
    frame = checked.frame
    people = frame.groupby(["unit", "wave"])["respondent"].nunique()
    apart = people_apart(frame).reindex(people.index)
    told = people.index[(people >= LEAST_EMPLOYEES) & (apart < LEAST_EMPLOYEES)].unique("unit")
    if len(told):
        ledger.flag(
            "CX-F034",
            f"in {counted(len(told), 'unit')} the respondents of two waves differ by fewer than "
            f"{LEAST_EMPLOYEES} people. By the differencing rule such a unit is not drawn in a "
            "report of one wave: two means would tell what those few said.",
            checked.place(frame["unit"].isin(told), role="unit"),
        )


def people_apart(rows: pd.DataFrame) -> pd.Series:
    """Return by unit and wave the fewest people by whom its respondents differ from another wave's.

    NaN for a unit asked in that wave only, or otherwise of exactly the same people.
    """
    import pandas as pd

    seen = rows[["unit", "wave", "respondent"]].dropna()
    (units, unit_names), (waves, wave_names), (people, _) = (
        pd.factorize(seen[column], sort=column != "respondent") for column in seen
    )
    order = np.argsort(units, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(units[order])) + 1) if len(order) else []
    which, when, fewest = [], [], []
    for part in parts:
        names, wave = np.unique(waves[part], return_inverse=True)
        who, person = np.unique(people[part], return_inverse=True)
        there = np.zeros((len(who), len(names)))
        there[person, wave] = 1
        size = there.sum(axis=0)
        apart = size[:, None] + size - 2 * there.T @ there
        which.append(np.full(len(names), units[part[0]]))
        when.append(names)
        fewest.append(np.where(apart == 0, np.inf, apart).min(axis=1))
    if not parts:
        empty = pd.MultiIndex.from_arrays([[], []], names=["unit", "wave"])
        return pd.Series(index=empty, dtype="float64")
    index = [unit_names[np.concatenate(which)], wave_names[np.concatenate(when)]]
    found = np.concatenate(fewest)
    return pd.Series(
        np.where(np.isinf(found), np.nan, found),
        index=pd.MultiIndex.from_arrays(index, names=["unit", "wave"]),
    )

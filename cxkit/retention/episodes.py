"""Episodes: from which day to which day a customer is known to stand where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from cxkit.disclosure import LEAST_CUSTOMERS, customer_table
from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_choice, need_columns
from cxkit.retention.asked import hold_asked
from cxkit.retention.clock import MONTH, bands_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxkit.results import Table
    from cxkit.retention.clock import Bands
    from cxkit.study.study import Study

Unit = Literal["days", "months"]

#: The state of customers of whom no score counts yet: a level of its own, shown, never an answer.
BEFORE = "no score yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Episodes:
    """The customers of a study as start-stop rows in time since joining.

    Attributes
    ----------
    rows : DataFrame
        One row per episode: customer, start, stop (in ``unit`` since joining; at risk in
        (start, stop]), state (categorical: the bands from the poor end to the good one, then
        "no score yet" and, where there are any, scores that are too old), score, left,
        joined_month (calendar month of joining, counted from year 0), and the study's segments.
    steps : DataFrame
        What became of the answers and customers: step, count, reason.
    bands : tuple of str
        The levels of ``state`` that are an experience.
    unit, gap, longest
        As asked for; ``gap`` in days, ``longest`` in months.
    table : Table
    """

    rows: pd.DataFrame
    steps: pd.DataFrame
    bands: tuple[str, ...]
    unit: Unit
    gap: int
    longest: float
    table: Table

    def count(self, step: str) -> int:
        """Return how many answers or customers a step speaks of."""
        return int(self.steps.set_index("step")["count"].get(step, 0))


def start_stop(
    people: pd.DataFrame,
    changes: pd.DataFrame,
    *,
    gap: float = 0.0,
    longest: float = np.inf,
    before: object = BEFORE,
    after: object = "too old",
    whole: bool = False,
) -> pd.DataFrame:
    """Cut people's time into episodes, each with what was known of them when it began.

    Parameters
    ----------
    people : DataFrame
        One row each: id, entry (where observation begins, 0 or more), exit, left (bool). Times
        since the origin, in one unit. With ``whole``, ``until`` may say where the data end,
        whoever left.
    changes : DataFrame
        One row per change: id, at (when it was seen), state; may hold ``score``.
    gap : float
        A change counts from ``at + gap`` on.
    longest : float
        A change stops counting at ``at + longest`` unless it was replaced before.
    before, after : str or code
        The state of people of whom nothing counts yet, and of those whose last change is too old.
    whole : bool
        Round to whole units: who enters inside a unit is at risk from its end, who leaves inside
        one leaves at its end, who is last seen inside one was at risk until its beginning, and a
        unit's state is the one known at its beginning. The unit in which the data end counts for
        nobody: those who left in it are seen and those who stayed are not.

    Returns
    -------
    DataFrame
        id, start, stop, state, score, left; one row per episode, in order.

    Raises
    ------
    ColumnError
        A column is not there.
    QuestionError
        ``longest`` is no longer than the gap.

    Notes
    -----
    A person is at risk in (start, stop]; changes at or after ``exit``, and before 0, never count.
    Of changes at the same time the last one counts. Nothing is carried back: no episode knows what
    was seen later.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"id": [1], "entry": [0], "exit": [30], "left": [True]})
    >>> changes = pd.DataFrame({"id": [1, 1], "at": [4, 20], "state": ["poor", "good"]})
    >>> start_stop(people, changes, gap=3)[["start", "stop", "state", "left"]]
       start  stop         state   left
    0    0.0   7.0  no score yet  False
    1    7.0  23.0          poor  False
    2   23.0  30.0          good   True
    """
    need_columns(people, ["id", "entry", "exit", "left"], asked="start_stop")
    need_columns(changes, ["id", "at", "state"], asked="start_stop")
    if not longest > gap:
        raise QuestionError(
            f"start_stop: a score counts from {gap:g} after it was given but is too old at "
            f"{longest:g}.\n  Ask with a longer age, or a smaller gap."
        )
    known = changes.assign(score=changes.get("score", np.nan), row=np.arange(len(changes)))
    known = known.merge(people[["id", "exit"]], on="id", how="inner")
    known = known[(known["at"] >= 0) & (known["at"] < known["exit"])]
    known = known.sort_values(["id", "at", "row"]).drop_duplicates(["id", "at"], keep="last")
    begin = known["at"].to_numpy(float) + gap
    lapse = known["at"].to_numpy(float) + longest
    same = known["id"].to_numpy()[1:] == known["id"].to_numpy()[:-1]
    following = np.append(np.where(same, begin[1:], np.inf), np.inf)[: len(known)]
    marks = [
        pd.DataFrame({"id": people["id"], "start": -np.inf, "state": before, "score": np.nan}),
        known[["id", "state", "score"]].assign(start=begin),
        pd.DataFrame({"id": known["id"], "start": lapse, "state": after, "score": np.nan})[
            lapse < following
        ],
    ]
    rows = pd.concat([m for m in marks if len(m)], ignore_index=True)
    rows = rows.merge(people, on="id", how="left")
    entry, leave = rows["entry"].to_numpy(float), rows["exit"].to_numpy(float)
    start, left = rows["start"].to_numpy(float), rows["left"].to_numpy(bool)
    if whole:
        entry, start, leave = np.ceil(entry), np.ceil(start), np.floor(leave)
        if "until" in rows:
            left = left & (leave < np.floor(rows["until"].to_numpy(float)))
        leave = leave + left
    rows = rows.assign(start=np.maximum(start, entry), end=leave, mark=start, seen=left)
    rows = rows.sort_values(["id", "mark"], kind="stable", ignore_index=True)
    same = rows["id"].to_numpy()[1:] == rows["id"].to_numpy()[:-1]
    next_start = np.append(np.where(same, rows["start"].to_numpy()[1:], np.inf), np.inf)
    rows["stop"] = np.minimum(next_start[: len(rows)], rows["end"])
    rows = rows[rows["stop"] > rows["start"]].reset_index(drop=True)
    rows["left"] = rows["seen"] & (rows["stop"] == rows["end"])
    return rows[["id", "start", "stop", "state", "score", "left"]]


def episodes(
    study: Study,
    *,
    measure: str | Bands = "nps",
    gap: int = 90,
    longest: float = 24.0,
    unit: Unit = "days",
) -> Episodes:
    """Turn the customers and scores of a study into episodes of what was known on each day.

    Parameters
    ----------
    study : Study
        With customers in dated form, and responses.
    measure : str
        A score of the study: nps, csat, ces; or its bands, from ``bands_of``.
    gap : int
        Days from an answer until it counts: a score given while leaving is an effect of leaving.
    longest : float
        Months after which an answer is too old to count; until then it counts until replaced.
    unit : {"days", "months"}
        Whole days, or whole months of 365.25 / 12 days: months can be counted, days cannot.

    Returns
    -------
    Episodes

    Raises
    ------
    QuestionError
        ``longest`` is shorter than the gap, or nobody can be followed.

    Notes
    -----
    The clock is the time since joining. Customers who joined before ``observed_from`` enter on that
    day (delayed entry); who left before it was never seen. Scores before joining, and on or after
    the day of leaving, are dropped and counted. A customer who leaves on the day of joining was
    there for half a day.

    Examples
    --------
    >>> import cxkit as cx
    >>> found = cx.episodes(cx.sample_study(), measure="nps")
    >>> found.rows["state"].cat.categories[-2:].tolist()
    ['no score yet', 'score over 24 months old']
    """
    hold_asked(study, gap=gap)
    check_choice("unit", unit, get_args(Unit))
    bands = bands_of(study, measure) if isinstance(measure, str) else measure
    return episodes_by_gap(study, bands, [gap], longest=longest, unit=unit)[gap]


def episodes_by_gap(
    study: Study, bands: Bands, gaps: Sequence[int], *, longest: float, unit: Unit
) -> dict[int, Episodes]:
    """Return the episodes of a study for each of several gaps; see :func:`episodes`."""
    study.need("customers", "responses", why="to see who stayed, and how they were served")
    per = 1.0 if unit == "days" else MONTH
    people, steps = followed(study, per)
    scored = study.responses
    scored = scored[scored[bands.measure].notna() & scored["answered_on"].notna()]
    given = scored[["customer", "answered_on", bands.measure]].merge(
        people[["id", "customer", "joined", "end", "left"]], on="customer", how="inner"
    )
    given["at"] = (given["answered_on"] - given["joined"]).dt.days / per
    late = given["left"] & (given["answered_on"] >= given["end"])
    early = given["at"] < 0
    usable = given[~late & ~early]
    changes = pd.DataFrame(
        {
            "id": usable["id"],
            "at": usable["at"],
            "state": bands.cut(usable[bands.measure]).cat.codes.to_numpy(int),
            "score": usable[bands.measure],
        }
    )
    steps += [
        ("answers with a score", len(scored), f"usable {bands.measure} answers"),
        (
            "answers of nobody followed",
            len(scored) - len(given),
            "no such customer in the table and the data's period: dropped",
        ),
        (
            "answers on or after leaving",
            int(late.sum()),
            "given on or after the day of leaving: dropped",
        ),
        ("answers before joining", int(early.sum()), "given before the relationship: dropped"),
    ]
    return {
        gap: of_changes(
            study,
            people,
            changes,
            states=bands.names,
            beside=(BEFORE, f"score over {longest:g} months old"),
            steps=steps,
            gap=gap,
            longest=longest,
            unit=unit,
            said="a score counts from {gap} days after the answer until the next one, for at most "
            "{longest:g} months",
        )
        for gap in gaps
    }


def of_changes(
    study: Study,
    people: pd.DataFrame,
    changes: pd.DataFrame,
    *,
    states: tuple[str, ...],
    beside: tuple[str, str],
    steps: list[tuple[str, int, str]],
    gap: int,
    longest: float,
    unit: Unit,
    said: str,
) -> Episodes:
    """Return the episodes that changes of state cut a study's customers into.

    Parameters
    ----------
    people : DataFrame
        From :func:`followed`.
    changes : DataFrame
        As :func:`start_stop` takes them, the state as its number in ``states``.
    states, beside : tuple of str
        The levels that are an experience; those of customers of whom nothing counts, yet or any
        longer.
    steps : list of (step, count, reason)
    said : str
        What the table's caption says of when a change counts.

    Raises
    ------
    QuestionError
        ``longest`` is shorter than the gap, or nobody can be followed.
    """
    per = 1.0 if unit == "days" else MONTH
    cut = start_stop(
        people[["id", "entry", "exit", "left", "until"]],
        changes,
        gap=gap / per,
        longest=longest * MONTH / per,
        before=len(states),
        after=len(states) + 1,
        whole=unit == "months",
    )
    if cut.empty:
        raise QuestionError(
            f"No customer of '{study.name}' can be followed from joining to "
            f"{study.as_of:%Y-%m-%d}.\n  Check start, end and observed_from in study.yml."
        )
    names = [*states, *beside]
    names = names[: max(int(cut["state"].max()) + 1, len(names) - 1)]
    levels = pd.CategoricalDtype(names, ordered=True)
    cut["state"] = pd.Categorical.from_codes(cut["state"].to_numpy(int), dtype=levels)
    held = list(study.contract.of("customers").segments)
    about = people.set_index("id")[["customer", "joined_month", *held]]
    about = about.astype(dict.fromkeys(held, "category"))
    rows = pd.concat([about.loc[cut["id"]].reset_index(drop=True), cut.drop(columns="id")], axis=1)
    told = [*steps, ("episodes", len(rows), "one customer, one state of what was known")]
    return Episodes(
        rows=rows[["customer", "start", "stop", "state", "score", "left", *about.columns[1:]]],
        steps=pd.DataFrame(told, columns=["step", "count", "reason"]),
        bands=states,
        unit=unit,
        gap=gap,
        longest=longest,
        table=_table(rows, said.format(gap=gap, longest=longest), unit),
    )


def followed(study: Study, per: float) -> tuple[pd.DataFrame, list[tuple[str, int, str]]]:
    """Return each customer's entry, exit and whether they left, and what was set aside."""
    customers = study.customers
    begin = study.observed_from
    joined, end = customers["start"], customers["end"]
    gone = (end <= study.as_of).fillna(value=False).astype(bool)
    last = end.where(gone, study.as_of)
    entry = pd.Series(0.0, index=customers.index)
    if begin is not None:
        entry = (begin - joined).dt.days.clip(lower=0).astype(float)
    leave = (last - joined).dt.days.astype(float)
    unseen = leave < np.where(entry > 0, entry, 0)
    leave = leave.where((leave > entry) | unseen, entry + 0.5)
    people = customers.drop(columns=["start", "end"]).assign(
        id=np.arange(len(customers)),
        joined=joined,
        end=end,
        entry=entry / per,
        exit=leave / per,
        left=gone,
        until=(study.as_of - joined).dt.days / per,
        joined_month=joined.dt.year * 12 + joined.dt.month - 1,
    )
    steps = [
        ("customers", len(customers), "one row per relationship"),
        (
            "joined before the data begin",
            int((entry > 0).sum()),
            "at risk from the first day of the data on (delayed entry)",
        ),
        (
            "outside the data",
            int(unseen.sum()),
            "left before the data begin, or join after they end: set aside",
        ),
    ]
    return people[~unseen], steps


def _table(rows: pd.DataFrame, said: str, unit: Unit) -> Table:
    """Return customers, time at risk and leavers by state."""
    rows = rows.assign(time=rows["stop"] - rows["start"])
    grouped = rows.groupby("state", observed=True)
    per = 1.0 if unit == "months" else MONTH
    frame = pd.DataFrame(
        {
            "customers": grouped["customer"].nunique(),
            "months": grouped["time"].sum() / per,
            "left": grouped["left"].sum(),
        }
    ).reset_index()
    rate = 100 * frame["left"] / frame["months"]
    few = frame["left"].between(1, LEAST_CUSTOMERS - 1)  # a rate and its months would tell them
    frame["per_100"] = rate.astype(object).where(~few, None)
    return customer_table(
        frame,
        n="customers",
        exits="left",
        caption=f"What was known of {rows['customer'].nunique():,} customers, from joining on: "
        f"{said}. A customer stands in several rows, one after the other.",
        columns=[
            ("Known", "state", "text"),
            ("Customers", "customers", "count"),
            ("Months at risk", "months", "count"),
            ("Left", "left", "count"),
            ("Left per 100 months", "per_100", "score"),
        ],
    )


def count_months(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Count who is at risk and who leaves in each month, by pattern: many rows in a small table.

    Parameters
    ----------
    rows : DataFrame of shape (n, k)
        Episodes in whole months: start, stop (at risk in (start, stop]), left (bool), and the
        columns of ``by``; ``n`` where a row stands for many, as :func:`counts` tells it.
    by : list of str
        Columns that make a pattern: states, segments, the calendar month of joining.

    Returns
    -------
    DataFrame
        The keys, then ``month`` (1 is the first since the origin), ``at_risk``, ``exits``. Months
        with nobody at risk are left out.

    Raises
    ------
    ColumnError
        A column is not there.

    Notes
    -----
    Nobody's months are written out: each row adds one at its start and takes one away at its stop,
    and running sums over months give who is at risk. Rows with a missing key are left out.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"start": [0, 0], "stop": [2, 1], "left": [True, False]})
    >>> rows["band"] = "poor"
    >>> cx.count_months(rows, ["band"])
       band  month  at_risk  exits
    0  poor      1        2      0
    1  poor      2        1      1
    """
    need_columns(rows, ["start", "stop", "left", *by], asked="count_months")
    rows = rows.dropna(subset=list(by))
    patterns = rows.groupby(list(by), observed=True, sort=True)
    cell = patterns.ngroup().to_numpy()
    begin, end = rows["start"].to_numpy(int), rows["stop"].to_numpy(int)
    weight = rows["n"].to_numpy(int) if "n" in rows else np.ones(len(rows), int)
    months = int(end.max(initial=0))
    shape = (int(cell.max(initial=-1)) + 1, months + 1)
    step, exits = np.zeros(shape, int), np.zeros(shape, int)
    np.add.at(step, (cell, begin), weight)
    np.add.at(step, (cell, end), -weight)
    gone = rows["left"].to_numpy(bool)
    np.add.at(exits, (cell[gone], end[gone] - 1), weight[gone])
    at_risk = step.cumsum(axis=1)[:, :-1]
    where, month = np.nonzero(at_risk)
    keys = patterns.size().index.to_frame(index=False)
    found = keys.loc[where].reset_index(drop=True)
    return found.assign(month=month + 1, at_risk=at_risk[where, month], exits=exits[where, month])

"""What may be shown, and to whom it could point. Estimates always use every unit."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cxkit.errors import ParameterError
from cxkit.results import LEAST_CUSTOMERS, LEAST_EMPLOYEES, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The fewest employees and customers a shown unit must have.

    Raises
    ------
    ParameterError
        If a minimum is lowered below the kit's own.

    Examples
    --------
    >>> Policy(employees=3)
    Traceback (most recent call last):
        ...
    cxkit.errors.ParameterError: min_employees = 3: the minimum is 10 and may only be raised.
    """

    employees: int = LEAST_EMPLOYEES
    customers: int = LEAST_CUSTOMERS

    def __post_init__(self) -> None:
        """Refuse a policy below the kit's own."""
        for name, asked, least in (
            ("min_employees", self.employees, LEAST_EMPLOYEES),
            ("min_customers", self.customers, LEAST_CUSTOMERS),
        ):
            if not isinstance(asked, int) or asked < least:
                raise ParameterError(
                    f"{name} = {asked!r}: the minimum is {least} and may only be raised."
                )

    def withheld(self, employees: float, customers: float = math.inf) -> str:
        """Say why figures of so few people are not shown at all; "" where they may be.

        >>> Policy().withheld(12), Policy().withheld(5)[:42]
        ('', 'Withheld: fewer than 10 employees answered')
        """
        if employees < self.employees:
            few = f"{self.employees} employees"
        elif customers < self.customers:
            few = f"{self.customers} customers"
        else:
            return ""
        return (
            f"Withheld: fewer than {few} answered, and figures of so few would tell what they said."
        )

    def count(self, people: float, side: Literal["employees", "customers"]) -> str:
        """Say a number of people; below the minimum they are not told apart.

        >>> Policy().count(9, "employees"), Policy().count(1234, "customers")
        ('fewer than 10', '1,234')
        """
        least = self.employees if side == "employees" else self.customers
        return f"fewer than {least}" if 0 < people < least else f"{people:,.0f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The units that may be drawn, the others as one pool, and why they are hidden.

    Attributes
    ----------
    units : DataFrame
        The rows that may be drawn.
    pool : DataFrame
        The hidden units as one row (engagement, experience, n_employees, n_customers, units); no
        row where nothing is hidden or the pool is itself too small.
    hidden : int
        Units that are not drawn.
    taken_along : int
        Of these, units large enough that are hidden to protect the others.
    alike : int
        Of these, units large enough whose employees all answered the same.
    repeated : int
        Of these, units of one wave whose respondents are nearly those of another.
    uncounted : int
        Units drawn although their numbers of people were not published.
    policy : Policy
    """

    units: pd.DataFrame
    pool: pd.DataFrame
    hidden: int
    taken_along: int
    alike: int
    repeated: int
    uncounted: int
    policy: Policy

    @property
    def reason(self) -> str:
        """Say what is hidden and what is shown without published counts."""
        p = self.policy
        words = ""
        if self.hidden:
            small = self.hidden - self.taken_along - self.alike - self.repeated
            why = [
                f"{small:,} {'unit' if small == 1 else 'units'} with fewer than {p.employees} "
                f"employees or fewer than {p.customers} customers"
            ] * bool(small)
            if self.alike:
                why.append(
                    f"{self.alike:,} {'unit' if self.alike == 1 else 'units'} whose employees all "
                    "answered the same (unanimity rule)"
                )
            if self.repeated:
                why.append(
                    f"{self.repeated:,} {'unit' if self.repeated == 1 else 'units'} that another "
                    f"wave asked of the same people but for fewer than {p.employees} "
                    "(differencing rule)"
                )
            words = f"{' and '.join(why)} count in every estimate and are not drawn"
            if self.taken_along:
                words += f"; {self.taken_along:,} more to protect them"
            words += (
                "; together they are one hollow point."
                if len(self.pool)
                else "; nor are they pooled."
            )
        if self.uncounted:
            words += (
                f" For {self.uncounted:,} units the numbers of people were not published; they are "
                "drawn without names, as their publisher released them."
            )
        return words.strip() or "No unit is hidden."


def showable(units: pd.DataFrame, policy: Policy) -> Shown:
    """Return the units with enough people on both sides to be drawn, the others pooled.

    Parameters
    ----------
    units : DataFrame
        One row per unit: engagement, experience, n_employees, n_customers (NaN where the counts
        were not published); where known, alike (whether its employees all answered the same) and
        changed (of one wave: the fewest people by whom its respondents differ from another's).
    policy : Policy
        The minimum on each side.

    Notes
    -----
    A unit whose count is known and too small on either side is hidden, even if the other count was
    not published. What is shown and the total would give the hidden units' mean away, so a pool of
    hidden units that is itself too small takes the next smallest unit with it until it is not. A
    unit whose employees all answered the same is hidden however large it is, never as a pool of
    its own: its mean would tell what each of them said. So is one wave of a unit of which another
    wave has nearly the same respondents: the two means would tell what those said who came or went.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"n_employees": [12, 4, 30], "n_customers": [50, 80, 30],
    ...                      "engagement": [3.0, 4.0, 3.5], "experience": [4.0, 3.0, 3.5]})
    >>> seen = showable(rows, Policy())
    >>> seen.hidden, seen.taken_along, seen.pool["n_employees"].tolist()
    (2, 1, [16])
    """
    import pandas as pd

    small = (units["n_employees"] < policy.employees) | (units["n_customers"] < policy.customers)
    same = units["alike"].astype(bool) if "alike" in units else small & False
    again = units["changed"] < policy.employees if "changed" in units else small & False
    hidden = small | same | again
    alone = int(hidden.sum())
    known = units["n_employees"].notna() & units["n_customers"].notna()
    rest = units[~hidden & known].sort_values(["n_employees", "n_customers"], kind="stable").index
    for index in rest:
        if not hidden.any() or _enough(units[hidden], policy):
            break
        hidden[index] = True
    columns = ["engagement", "experience", "n_employees", "n_customers", "units"]
    pool = pd.DataFrame(columns=columns)
    if hidden.any() and _enough(units[hidden], policy):
        apart = units[hidden]
        pool = pd.DataFrame(
            {
                "engagement": [_mean(apart, "engagement", "n_employees")],
                "experience": [_mean(apart, "experience", "n_customers")],
                "n_employees": [int(apart["n_employees"].sum())],
                "n_customers": [int(apart["n_customers"].sum())],
                "units": [int(hidden.sum())],
            }
        )
    kept = units[~hidden]
    uncounted = kept["n_employees"].isna() | kept["n_customers"].isna()
    return Shown(
        units=kept,
        pool=pool,
        hidden=int(hidden.sum()),
        taken_along=int(hidden.sum()) - alone,
        alike=int((same & ~small).sum()),
        repeated=int((again & ~small & ~same).sum()),
        uncounted=int(uncounted.sum()),
        policy=policy,
    )


#: Means this near are of the same answers: they differ by what sums in another order round to.
_SAME = 1e-9


def _enough(units: pd.DataFrame, policy: Policy) -> bool:
    """Tell whether units taken together have enough people, who did not all answer the same."""
    if len(units) == 1 and "changed" in units and units["changed"].notna().any():
        return False
    if "alike" in units and units["alike"].all():
        said = units["engagement"]
        if said.max() - said.min() < _SAME:
            return False
    sides = ((units["n_employees"], policy.employees), (units["n_customers"], policy.customers))
    return all(bool(n.isna().all() or n.sum() >= least) for n, least in sides)


def _mean(units: pd.DataFrame, side: str, count: str) -> float:
    """Return the mean over people of units taken together."""
    weights = units[count].fillna(1)
    return float((units[side] * weights).sum() / weights.sum())


def count_said(count: int) -> str:
    """Say a number of customers; from 1 to 4 they are not told apart.

    >>> count_said(0), count_said(3), count_said(1234)
    ('0', 'fewer than 5', '1,234')
    """
    return f"fewer than {LEAST_CUSTOMERS}" if _few(count) else f"{count:,}"


def leavers(left: int, of: int) -> str:
    """Say how many of a group left, unless those who left or those who stayed are 1 to 4.

    >>> leavers(12, 40), leavers(2, 40), leavers(38, 40)
    ('12', 'fewer than 5', 'all but fewer than 5')
    """
    most = left > 0 and not _few(left) and _few(of - left)
    return f"all but {count_said(1)}" if most else count_said(left)


def gives_away(left: float, of: float) -> bool:
    """Tell whether the share of a group who left tells of 1 to 4 who left, or who stayed.

    The share times the group is their number, however large the group; so where leavers are not
    told, no share of them is.

    >>> gives_away(3, 106), gives_away(103, 106), gives_away(12, 40), gives_away(0, 40)
    (True, True, False, False)
    """
    return _few(left) or (left > 0 and _few(of - left))


def few_so_far(events: pd.Series) -> pd.Series:
    """Return which steps of a curve, in order of time, tell of 1 to 4 who left so far.

    >>> import pandas as pd
    >>> few_so_far(pd.Series([0, 2, 2, 1, 3])).tolist()
    [False, True, True, False, False]
    """
    return events.cumsum().between(1, LEAST_CUSTOMERS - 1)


def share_untold(left: int, of: int) -> str:
    """Say why the share of a group who left is not told.

    >>> share_untold(3, 106)
    'fewer than 5 of 106 left, and their share would tell how many.'
    """
    return f"{leavers(left, of)} of {of:,} left, and their share would tell how many."


def in_all(left: Sequence[int], of: Sequence[int]) -> str:
    """Say a sum over groups so that no group that is not told can be had by subtraction.

    >>> in_all([10, 12], [50, 60]), in_all([1, 10, 12], [30, 50, 60]), in_all([2, 1], [9, 9])
    ('22', 'at least 22', 'fewer than 5')
    """
    told = [a for a, n in zip(left, of, strict=True) if not _few(a) and not _few(n - a)]
    if len(told) == len(left) or sum(left) < LEAST_CUSTOMERS:
        return leavers(sum(left), sum(of))
    return f"at least {max(sum(told), LEAST_CUSTOMERS):,}"


def stepwise(counts: Sequence[int], *, wholes: int, kept: int = 1) -> list[str]:
    """Say a selection step by step: wholes within one another, and the parts of the last of them.

    Parameters
    ----------
    counts : sequence of int
        Customers at each step: first ``wholes``, each among those above it, then the parts, of
        which the last ``kept`` are those who go on and are told elsewhere too.

    Notes
    -----
    A part of 1 to 4 is "<5". Where subtracting what is told from the whole would leave it bare,
    the smallest other part is hidden with it; where there is none, the whole is. A whole that lies
    1 to 4 below the one before it is hidden too; one of 1 to 4 is "<5".

    Examples
    --------
    >>> stepwise([60, 50, 3, 7, 40], wholes=2)
    ['60', '50', '<5', 'withheld', '40']
    >>> stepwise([60, 58, 56, 0, 3, 53], wholes=3)
    ['60', 'withheld', 'withheld', '0', '<5', '53']
    >>> stepwise([3, 3, 0, 3], wholes=2)
    ['<5', '<5', '0', 'fewer than 5']
    """
    parts, going = list(counts[wholes : len(counts) - kept]), list(counts[len(counts) - kept :])
    hidden = {i for i, n in enumerate(parts) if _few(n)}
    others = sorted((n, i) for i, n in enumerate(parts) if n and i not in hidden)
    bare = bool(hidden)
    while bare := bare and _few(sum(parts[i] for i in hidden)):
        if not others:
            break
        hidden.add(others.pop(0)[1])
    said = [
        f"<{LEAST_CUSTOMERS}" if _few(n) else "withheld" if i in hidden else f"{n:,}"
        for i, n in enumerate(parts)
    ]
    tops, last = [], None
    for i, n in enumerate(counts[:wholes]):
        covered = bare and i == wholes - 1
        near = covered or (last is not None and _few(abs(last - n)))
        tops.append(f"<{LEAST_CUSTOMERS}" if _few(n) else "withheld" if near else f"{n:,}")
        last = last if near else n
    return [*tops, *said, *(count_said(n) for n in going)]


def showable_parts(counts: pd.Series) -> pd.Series:
    """Return which parts of a known whole may be shown: those of 5 and more, hiding the others.

    Where the hidden ones would be bare after subtraction, the next smallest is hidden with them.

    >>> import pandas as pd
    >>> showable_parts(pd.Series([3, 8, 20])).tolist(), showable_parts(pd.Series([3, 4])).tolist()
    ([False, False, True], [False, False])
    """
    hidden = counts < LEAST_CUSTOMERS
    for part in counts[~hidden].sort_values(kind="stable").index:
        if not _few(int(counts[hidden].sum())):
            break
        hidden[part] = True
    return ~hidden


def customer_table(
    frame: pd.DataFrame,
    *,
    caption: str,
    columns: Sequence[tuple[str, str, str]],
    n: str = "n",
    exits: str = "exits",
) -> Table:
    """Return a table in which no row tells of 1 to 4 customers.

    Parameters
    ----------
    frame : DataFrame
        Its column ``n`` counts the customers of each row, ``exits`` those among them who left.
    caption : str
    columns : list of (header, column, unit)
        As for `Table.of`.

    Notes
    -----
    1 to 4 leavers, or stayers, are "<5" and "all but <5", and the row loses its shares (columns in
    "%"), which would tell them. A row of 1 to 4 customers keeps its words and loses its numbers.
    The caption says so where it happens.
    """
    table = Table.of(frame, caption=caption, columns=columns)
    page = {header: list(table.shown[header]) for header, _, _ in columns}
    few = [_few(v) for v in frame[n]]
    gone = list(frame[exits]) if exits in frame and exits != n else [None] * len(few)
    bare = [
        left is not None and of is not None and gives_away(left, of)
        for left, of in zip(gone, frame[n], strict=True)
    ]
    least, hidden = f"<{LEAST_CUSTOMERS}", any(few) or any(bare)
    for header, column, unit in columns:
        for i, small in enumerate(few):
            if small and unit != "text":
                page[header][i] = least if column == n else "–"
            elif bare[i] and column == exits:
                page[header][i] = least if _few(gone[i]) else f"all but {least}"
            elif bare[i] and unit == "%":
                page[header][i] = "–"
    why = f" {least}: so few customers are not told apart." if hidden else ""
    shown = table.shown.assign(**page)
    return dataclasses.replace(table, shown=shown, caption=caption + why)


def _few(count: float | None) -> bool:
    """Tell whether a number of customers is from 1 to 4; what is not known is not."""
    return count is not None and bool(0 < count < LEAST_CUSTOMERS)

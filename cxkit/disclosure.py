"""What may be shown, and to whom it could point. Estimates always use every unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxkit.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

#: Nothing is shown for fewer people than these; a parameter may only raise them.
LEAST_EMPLOYEES = 10
LEAST_CUSTOMERS = 5


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
            if asked < least:
                raise ParameterError(
                    f"{name} = {asked}: the minimum is {least} and may only be raised."
                )

    def withheld(self, employees: int) -> str:
        """Say why figures of so few employees are not shown at all; "" where they may be.

        >>> Policy().withheld(12), Policy().withheld(5)[:40]
        ('', 'Withheld: fewer than 10 employees answer')
        """
        if employees >= self.employees:
            return ""
        return (
            f"Withheld: fewer than {self.employees} employees answered, and figures of so few "
            "would tell what they said."
        )


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
    uncounted : int
        Units drawn although their numbers of people were not published.
    policy : Policy
    """

    units: pd.DataFrame
    pool: pd.DataFrame
    hidden: int
    taken_along: int
    uncounted: int
    policy: Policy

    @property
    def reason(self) -> str:
        """Say what is hidden and what is shown without published counts."""
        p = self.policy
        words = ""
        if self.hidden:
            small = self.hidden - self.taken_along
            words = (
                f"{small:,} {'unit' if small == 1 else 'units'} with fewer than {p.employees} "
                f"employees or fewer than {p.customers} customers count in every estimate and are "
                "not drawn"
            )
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
        were not published).
    policy : Policy
        The minimum on each side.

    Notes
    -----
    A unit whose count is known and too small on either side is hidden, even if the other count was
    not published. What is shown and the total would give the hidden units' mean away, so a pool of
    hidden units that is itself too small takes the next smallest unit with it until it is not.

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
    hidden = small.copy()
    known = units["n_employees"].notna() & units["n_customers"].notna()
    rest = units[~small & known].sort_values(["n_employees", "n_customers"], kind="stable").index
    for index in rest:
        if not hidden.any() or _enough(units[hidden], policy):
            break
        hidden[index] = True
    pool = pd.DataFrame()
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
        taken_along=int(hidden.sum() - small.sum()),
        uncounted=int(uncounted.sum()),
        policy=policy,
    )


def _enough(units: pd.DataFrame, policy: Policy) -> bool:
    """Tell whether units taken together have enough people on both sides."""
    sides = ((units["n_employees"], policy.employees), (units["n_customers"], policy.customers))
    return all(bool(n.isna().all() or n.sum() >= least) for n, least in sides)


def _mean(units: pd.DataFrame, side: str, count: str) -> float:
    """Return the mean over people of units taken together."""
    weights = units[count].fillna(1)
    return float((units[side] * weights).sum() / weights.sum())

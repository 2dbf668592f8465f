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


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The units that may be drawn, how many are hidden, and why."""

    units: pd.DataFrame
    hidden: int
    uncounted: int
    policy: Policy

    @property
    def reason(self) -> str:
        """Say what is hidden and what is shown without published counts."""
        p = self.policy
        words = ""
        if self.hidden:
            words = (
                f"{self.hidden:,} units with fewer than {p.employees} employees or fewer than "
                f"{p.customers} customers count in every estimate and are not drawn."
            )
        if self.uncounted:
            words += (
                f" For {self.uncounted:,} units the numbers of people were not published; they are "
                "drawn without names, as their publisher released them."
            )
        return words.strip() or "No unit is hidden."


def showable(units: pd.DataFrame, policy: Policy) -> Shown:
    """Return the units with enough people on both sides to be drawn.

    Parameters
    ----------
    units : DataFrame
        One row per unit: n_employees, n_customers (NaN where the counts were not published).
    policy : Policy
        The minimum on each side.

    Notes
    -----
    A unit whose count is known and too small on either side is hidden even if the other count was
    not published.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"n_employees": [12, 4, 30], "n_customers": [50, 80, 3]})
    >>> showable(rows, Policy()).hidden
    2
    """
    small = (units["n_employees"] < policy.employees) | (units["n_customers"] < policy.customers)
    kept = units[~small]
    uncounted = kept["n_employees"].isna() | kept["n_customers"].isna()
    return Shown(units=kept, hidden=int(small.sum()), uncounted=int(uncounted.sum()), policy=policy)

"""study.yml as typed models: says once what every table and column is, and guesses nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from cxkit.errors import ContractError
from cxkit.study import columns as c
from cxkit.study.marks import read_yaml
from cxkit.study.reading import Reading
from cxkit.study.wording import faults_of, message

Tables = (
    "customers",
    "responses",
    "tickets",
    "orders",
    "engagement",
    "staff",
    "units",
    "unit_scores",
)

#: The five components of experience, as the literature names them.
COMPONENTS = (
    "customer_service",
    "user_experience",
    "personalization",
    "consistency",
    "emotional_connection",
)


def _day(value: object) -> dt.date:
    """Read a day and nothing that only looks like one."""
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value) if len(value) == 10 else _day(None)
        except ValueError:
            pass
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    raise ValueError("a day is written year-month-day, as in  2025-12-31")


def _named(value: object) -> object:
    """Read a list of columns, or a mapping name: column, as a mapping."""
    if isinstance(value, list):
        if len({str(v) for v in value}) < len(value):
            raise ValueError("a column stands here twice")
        return {str(v): str(v) if isinstance(v, int) else v for v in value}
    return value


Day = Annotated[dt.date, BeforeValidator(_day)]
Named = Annotated[dict[str, c.Name], BeforeValidator(_named)]


class Table(Reading):
    """What every table says: its file, the codes that mean "no answer", and one column per role.

    ``source`` instead of ``file`` names what is too large to load: a folder of Parquet beside the
    study.yml, or a frame or table that ``open_study(path, engine=...)`` is given.
    """

    file: str = ""
    source: str = ""
    missing: c.Codes = ()
    private: ClassVar[bool] = False
    groups: ClassVar[tuple[str, ...]] = ()

    @property
    def roles(self) -> dict[str, c.Column]:
        """Return what each column of the loaded frame is, in the order of the contract's models."""
        found: dict[str, c.Column] = {}
        for name in type(self).model_fields:
            given = getattr(self, name)
            if isinstance(given, c.Column):
                found[name] = given
            elif name in self.groups:
                for key, value in given.items():
                    found[key] = value if isinstance(value, c.Column) else c.Text(column=value)
            elif isinstance(given, c.Count) and given.column is not None:
                found[name] = c.Amount(column=given.column, unit="people")
            elif isinstance(given, c.Instrument | c.Wave) and given.column is not None:
                found[name] = c.Text(column=given.column)
        return found

    @property
    def given(self) -> dict[str, str]:
        """Return what study.yml says once for every row, by role."""
        wave = getattr(self, "wave", None)
        return {"wave": wave.value} if isinstance(wave, c.Wave) and wave.value is not None else {}

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        """Hold a table to being in one place."""
        if bool(self.file) == bool(self.source):
            raise ValueError(
                "needs the key file; write  file: NAME.csv"
                if not self.file
                else "a table has a file or a source, not both; take one out"
            )
        return self

    @model_validator(mode="after")
    def _names_apart(self) -> Self:
        """Names given in a list may not be those of roles, nor stand in two lists."""
        taken = set(type(self).model_fields)
        for group in self.groups:
            for name in getattr(self, group):
                if name in taken:
                    raise ValueError(
                        f"the name {name!r} under {group} is taken by a role of this table; "
                        f"give it another, as in  {group}: {{{name}_2: {name}}}"
                    )
                taken.add(name)
        return self


class DatedCustomers(Table):
    """One row is one relationship with its first and last day."""

    form: Literal["dates"] = "dates"
    customer: c.Id
    start: c.Date
    end: c.Date
    end_reason: c.Text | None = None
    churned: c.YesNo | None = None
    value: c.Amount | None = None
    unit: c.Id | None = None
    segments: Named = Field(default_factory=dict)
    groups: ClassVar[tuple[str, ...]] = ("segments",)


class SnapshotCustomers(Table):
    """One row is one relationship as seen once: how long it had lasted and whether it ended."""

    form: Literal["snapshot"]
    customer: c.Id
    tenure: c.Amount
    churned: c.YesNo
    window: str
    value: c.Amount | None = None
    unit: c.Id | None = None
    experience: dict[str, c.Experience] = Field(default_factory=dict)
    segments: Named = Field(default_factory=dict)
    groups: ClassVar[tuple[str, ...]] = ("experience", "segments")


class Responses(Table):
    """One row is one customer asked once, answered or not."""

    response: c.Id | None = None
    customer: c.Id | None = None
    unit: c.Id | None = None
    asked_on: c.Date | None = None
    answered_on: c.Date | None = None
    touchpoint: c.Text | None = None
    stage: c.Stage | None = None
    mode: c.Text | None = None
    nps: c.Nps | None = None
    csat: c.Csat | None = None
    ces: c.Ces | None = None
    customer_service: c.Score | None = None
    user_experience: c.Score | None = None
    personalization: c.Score | None = None
    consistency: c.Score | None = None
    emotional_connection: c.Score | None = None
    referred: c.YesNo | None = None
    review: c.YesNo | None = None
    weight: c.Weight | None = None
    comment: c.Text | None = None

    @property
    def scores(self) -> dict[str, c.Score]:
        """Return the declared scores by role."""
        return {k: v for k, v in self.roles.items() if isinstance(v, c.Score)}


class Tickets(Table):
    """One row is one service case."""

    ticket: c.Id | None = None
    customer: c.Id | None = None
    unit: c.Id | None = None
    opened: c.Date
    first_response: c.Date | None = None
    resolved: c.Date
    reopened: c.YesNo | None = None
    channel: c.Text | None = None
    wait: c.Amount | None = None
    auto_closed: c.YesNo | None = None


class Orders(Table):
    """One row is one purchase."""

    order: c.Id | None = None
    customer: c.Id
    ordered_on: c.Date
    amount: c.Amount | None = None


class Engagement(Table):
    """One row is one employee's answers in one wave; its values are never shown."""

    respondent: c.Id
    unit: c.Id
    wave: c.Wave
    items: dict[str, c.Item] = Field(default_factory=dict)
    enps: c.Nps | None = None
    perceived_experience: c.Score | None = None
    raters: Literal["different people", "same people"] = "different people"
    private: ClassVar[bool] = True
    groups: ClassVar[tuple[str, ...]] = ("items",)


class Staff(Table):
    """One row is one employment spell; its values are never shown."""

    employee: c.Id
    unit: c.Id
    start: c.Date
    end: c.Date
    pay_band: c.Text | None = None
    private: ClassVar[bool] = True


class Units(Table):
    """One row is one store, branch, team, school or trust."""

    unit: c.Id
    name: c.Text | None = None
    parent: c.Id | None = None
    attributes: Named = Field(default_factory=dict)
    groups: ClassVar[tuple[str, ...]] = ("attributes",)


class UnitScores(Table):
    """One row is one unit in one wave, aggregated elsewhere: one side or both."""

    unit: c.Id
    name: c.Text | None = None
    wave: c.Wave
    instrument: c.Instrument
    engagement: c.UnitScore | None = None
    experience: c.UnitScore | None = None
    n_employees: c.Count | None = None
    n_customers: c.Count | None = None
    raters: Literal["different people", "same people"]

    @model_validator(mode="after")
    def _has_a_side(self) -> Self:
        """Refuse scores of neither side."""
        if self.engagement is None and self.experience is None:
            raise ValueError("unit_scores holds neither engagement nor experience; name one")
        return self


class Contract(c.Model):
    """The whole study.yml; ``strict`` refuses repairs that nobody declared."""

    study: c.Name
    as_of: Day
    observed_from: Day | None = None
    strict: bool = False
    customers: Annotated[DatedCustomers | SnapshotCustomers | None, Field(discriminator="form")] = (
        None
    )
    responses: Responses | None = None
    tickets: Tickets | None = None
    orders: Orders | None = None
    engagement: Engagement | None = None
    staff: Staff | None = None
    units: Units | None = None
    unit_scores: UnitScores | None = None

    @model_validator(mode="before")
    @classmethod
    def _form(cls, given: object) -> object:
        """Take customers as dated where no form is given."""
        if isinstance(given, dict) and isinstance(given.get("customers"), dict):
            return {**given, "customers": {"form": "dates", **given["customers"]}}
        return given

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        """Hold the study to having a table, and its days in order."""
        if not self.tables:
            raise ValueError(f"the study names no table; it may have {', '.join(Tables)}")
        if self.observed_from is not None and self.observed_from > self.as_of:
            raise ValueError(f"observed_from: {self.observed_from} lies after as_of: {self.as_of}")
        return self

    @property
    def tables(self) -> dict[str, Table]:
        """Return the tables this study has, by name."""
        found = {name: getattr(self, name) for name in Tables}
        return {name: table for name, table in found.items() if table is not None}

    def of(self, table: str) -> Any:
        """Return what the study says of a table; ask `Study.need` first whether it is there."""
        return self.tables[table]


def read_contract(path: str | Path) -> Contract:
    """Read a study.yml, or refuse with every fault it has.

    Parameters
    ----------
    path : str or Path
        The study.yml.

    Returns
    -------
    Contract
        Typed and unchangeable; the data are not looked at.

    Raises
    ------
    ContractError
        The file is not there or not YAML, or a key is unknown, missing, twice there or of the
        wrong kind: all at once, each with its line and what to write.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        where = "this folder" if path.parent == Path() else path.parent
        raise ContractError(
            f"{path.name}: there is no such file in {where}.\n"
            "  Give the path of a study.yml, or of the folder that it stands in.  [CX-E001]"
        ) from None
    except IsADirectoryError:
        raise ContractError(
            f"{path}: this is a folder; give the study.yml in it.  [CX-E002]"
        ) from None
    except UnicodeDecodeError:
        raise ContractError(
            f"{path.name}: this is not UTF-8 text; save it as UTF-8.  [CX-E008]"
        ) from None
    except OSError as error:
        raise ContractError(
            f"{path.name}: it cannot be read ({error.strerror}).\n  Look at its rights.  [CX-E003]"
        ) from None
    return parse_contract(text, path.name)


def parse_contract(text: str, name: str = "study.yml") -> Contract:
    r"""Read the text of a study.yml.

    Examples
    --------
    >>> parse_contract("study: A\nas_of: 2025-12-31\norders: {file: o.csv, custmer: id}")
    Traceback (most recent call last):
    ...
    cxkit.errors.ContractError: study.yml: 3 things to mend.
      line 3, orders: needs the key customer; write  customer: NAME
      line 3, orders: needs the key ordered_on; write  ordered_on: {column: NAME, date: "%d.%m.%Y"}
      line 3, orders: the key custmer is not known here; perhaps you mean  customer  [CX-E090]
    """
    marked = read_yaml(text)
    if marked.faults:
        raise ContractError(message(name, marked.faults))
    if not isinstance(marked.value, dict):
        raise ContractError(
            f"{name}: nothing is declared here. A study begins with\n"
            "  study: NAME\n  as_of: 2025-12-31\nand then one key per table.  [CX-E090]"
        )
    try:
        return Contract.model_validate(marked.value)
    except ValidationError as error:
        faults = faults_of(error, marked, Contract)
    raise ContractError(message(name, faults))

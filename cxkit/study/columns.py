"""What one column can be: an id, a text, a date, a score, an amount, a yes or no."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

#: The spellings of yes and no that need no declaration, compared in lower case.
YES = ("1", "true", "yes")
NO = ("0", "false", "no")

#: The usual order of the journey, where a contract gives none.
STAGES = ("pre-purchase", "purchase", "onboarding", "use", "service", "renewal", "post-purchase")


class Model(BaseModel):
    """A part of the contract: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _text(value: object) -> object:
    """Read a whole number as text, so that a column or wave may be named 2011."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _code(value: object) -> str:
    """Return a code as the text that stands in a file: 99, 99.0 and "99" are one code."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date | list | dict) or value is None:
        raise ValueError("a code is a number or a text")
    return f"{value:.15g}" if isinstance(value, float) else str(value).strip()


def _codes(value: object) -> tuple[str, ...]:
    """Read a list of codes."""
    if not isinstance(value, list | tuple):
        raise ValueError("codes stand in a list, as in  [99]")
    return tuple(_code(v) for v in value)


def _marks(value: object) -> object:
    """Read a list of values: numbers if all are, else text."""
    codes = _codes(value)
    if not codes:
        raise ValueError("name at least one value, as in  [1]")
    try:
        return tuple(float(code) for code in codes)
    except ValueError:
        return codes


def _zone(value: object) -> str:
    """Read the name of a time zone, by place."""
    try:
        return ZoneInfo(str(value)).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a zone is named by a place, as in  Europe/Berlin") from None


def _label(value: object) -> object:
    """Read a mapping of labels, each written as it stands in a file."""
    return (
        {_code(key): number for key, number in value.items()} if isinstance(value, dict) else value
    )


def _short(value: object) -> object:
    """Read the short form, ``role: NAME``; the only place that does."""
    return {"column": value} if isinstance(value, str | int) else value


Name = Annotated[str, BeforeValidator(_text)]
Codes = Annotated[tuple[str, ...], BeforeValidator(_codes)]
Labels = Annotated[dict[str, float], BeforeValidator(_label)]
Zone = Annotated[str, BeforeValidator(_zone)]
Marks = Annotated[tuple[float, ...] | tuple[str, ...], BeforeValidator(_marks)]


class Named(Model):
    """What a column of a file says; ``role: NAME`` is short for ``{column: NAME}``."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: object) -> object:
        """Take a bare name as the column."""
        return _short(given)


class Column(Named):
    """A column of a file, by its name there."""

    column: Name
    example: ClassVar[str] = "NAME"


class Id(Column):
    """Who or what a row is about; kept as text, never a number."""


class Text(Column):
    """A word or a sentence; an empty cell is missing."""


class Stage(Text):
    """A stage of the journey, in the order given or the usual one."""

    order: tuple[Name, ...] = STAGES
    example: ClassVar[str] = "{column: NAME, order: [first, second]}"


class Date(Column):
    """A day or a moment; ``date`` is its strptime form, "" means ISO (2025-12-31).

    ``zone`` is the place whose clock moments are counted by; only those with a zone are moved.
    """

    date: str = ""
    zone: Zone | Literal[""] = ""
    example: ClassVar[str] = '{column: NAME, date: "%d.%m.%Y"}'


class Amount(Column):
    """A number with its unit: money, months, minutes."""

    unit: str = ""
    example: ClassVar[str] = "{column: NAME, unit: EUR}"


class Weight(Amount):
    """How many people a row stands for, or a number in proportion to it."""


class YesNo(Column):
    """A yes or a no; other spellings than 1/0, true/false and yes/no are declared."""

    yes: Codes = YES
    no: Codes = NO
    example: ClassVar[str] = "{column: NAME, yes: [1], no: [0]}"

    @model_validator(mode="after")
    def _apart(self) -> Self:
        """Hold spellings of yes and no apart."""
        if both := sorted(set(self.yes) & set(self.no)):
            raise ValueError(f"{', '.join(both)} stands under yes and under no")
        return self


class Score(Column):
    """An answer on a scale, limits included; ``whole`` scores have no decimals.

    ``labels`` says which number an answer in words means, or a code: ``{agree: 4, "11": 10}``.
    """

    scale: tuple[float, float]
    whole: bool = True
    labels: Labels = Field(default_factory=dict)
    example: ClassVar[str] = "{column: NAME, scale: [1, 5]}"

    @property
    def higher_is_better(self) -> bool:
        """Whether a high answer is a good one."""
        return True

    @property
    def cuts(self) -> str:
        """The cut-points in words; "" where the scale has none."""
        return ""

    @property
    def said(self) -> str:
        """Scale, direction and cut-points in words, for a reader of a figure.

        >>> Nps(column="q1").said
        '0 to 10, high is good; detractors up to 6, promoters from 9'
        >>> Ces(column="q2", version="1.0", scale=(1, 5)).said
        '1 to 5, low is good'
        """
        low, high = self.scale
        way = "high" if self.higher_is_better else "low"
        return f"{low:g} to {high:g}, {way} is good" + (f"; {self.cuts}" if self.cuts else "")

    @model_validator(mode="after")
    def _upward(self) -> Self:
        """Hold the scale to its direction, and the cut-points to the scale."""
        low, high = self.scale
        if not low < high:
            raise ValueError(f"scale: [{low:g}, {high:g}] must go from low to high")
        if off := [label for label, number in self.labels.items() if not low <= number <= high]:
            raise ValueError(f"labels: {off[0]!r} does not lie on the scale [{low:g}, {high:g}]")
        self._cuts(low, high)
        return self

    def _cuts(self, low: float, high: float) -> None:
        """Hold the cut-points to the scale; a plain score has none."""


class Nps(Score):
    """The answer to "would you recommend us"; detractors up to, promoters from."""

    scale: tuple[float, float] = (0, 10)
    detractor: int = 6
    promoter: int = 9
    example: ClassVar[str] = "{column: NAME, scale: [0, 10], detractor: 6, promoter: 9}"

    @property
    def cuts(self) -> str:
        """Who is a detractor and who a promoter."""
        return f"detractors up to {self.detractor}, promoters from {self.promoter}"

    def _cuts(self, low: float, high: float) -> None:
        if not low <= self.detractor < self.promoter <= high:
            raise ValueError(
                f"detractor: {self.detractor} must lie below promoter: {self.promoter}, "
                f"both on the scale [{low:g}, {high:g}]"
            )


class Csat(Score):
    """Satisfaction; answers from ``top`` on count as satisfied."""

    top: int
    example: ClassVar[str] = "{column: NAME, scale: [1, 5], top: 4}"

    @property
    def cuts(self) -> str:
        """Who is satisfied."""
        return f"satisfied from {self.top}"

    def _cuts(self, low: float, high: float) -> None:
        if not low < self.top <= high:
            raise ValueError(f"top: {self.top} does not lie on the scale [{low:g}, {high:g}]")


class Ces(Score):
    """Effort; version 1.0: how much (1-5, high is bad); 2.0: how easy (1-7, high is good)."""

    version: Annotated[Literal["1.0", "2.0"], BeforeValidator(lambda v: str(v))]
    example: ClassVar[str] = '{column: NAME, version: "2.0"}'

    @model_validator(mode="before")
    @classmethod
    def _scale_of_version(cls, given: object) -> object:
        """Take the scale from the version where none is given."""
        usual = {"1.0": (1, 5), "2.0": (1, 7)}
        given = _short(given)
        if isinstance(given, dict) and "scale" not in given:
            return {**given, "scale": usual.get(str(given.get("version")), (1, 7))}
        return given

    @property
    def higher_is_better(self) -> bool:
        """Whether a high answer is a good one: so in version 2.0."""
        return self.version == "2.0"


class Item(Score):
    """One question put to employees; ``reversed`` says that agreeing is bad. Stored as answered."""

    group: str = ""
    reversed: bool = False
    example: ClassVar[str] = "{column: NAME, scale: [1, 5], group: engaged}"

    @property
    def higher_is_better(self) -> bool:
        """Whether agreeing is good."""
        return not self.reversed


class UnitScore(Score):
    """The mean score of a unit, decimals allowed."""

    whole: bool = False
    example: ClassVar[str] = "{column: NAME, scale: [0, 100]}"


class Count(Named):
    """How many people stand behind a unit's score, or that this was not published, and when."""

    column: Name | None = None
    counts: Literal["not published"] | None = None
    waves: tuple[Name, ...] = ()
    example: ClassVar[str] = "{column: NAME, counts: not published, waves: [2025]}"

    @model_validator(mode="after")
    def _something(self) -> Self:
        """Name a column, or say that counts were not published."""
        if self.column is None and self.counts is None:
            raise ValueError("name a column, or write  counts: not published")
        return self


class Instrument(Named):
    """Which questionnaire a unit's score comes from: a column, one value, or by wave."""

    column: Name | None = None
    value: str | None = None
    by_wave: dict[str, str] | None = None
    example: ClassVar[str] = '{value: "NAME OF THE QUESTIONNAIRE"}'

    @model_validator(mode="after")
    def _one(self) -> Self:
        """Say it in exactly one way."""
        if sum(x is not None for x in (self.column, self.value, self.by_wave)) != 1:
            raise ValueError("say it once: a column, or value, or by_wave")
        return self


class Wave(Named):
    """When people were asked: a column, or one value where a file holds a single wave."""

    column: Name | None = None
    value: Name | None = None
    example: ClassVar[str] = "NAME"

    @model_validator(mode="after")
    def _one(self) -> Self:
        """Say it in exactly one way."""
        if (self.column is None) == (self.value is None):
            raise ValueError("say it once: a column, or  {value: 2025Q4}  for a file of one wave")
        return self


class Experience(Column):
    """Something a customer went through, in a snapshot; says which recorded values are bad."""

    bad: Marks
    example: ClassVar[str] = "{column: NAME, bad: [1]}"

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers (so if every bad one is), else text."""
        return all(isinstance(value, float) for value in self.bad)

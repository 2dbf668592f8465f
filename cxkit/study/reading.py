"""What a table of study.yml may say about its file, beyond its name: only what the bytes do not."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal

from pydantic import BeforeValidator, ValidationError

from cxkit.errors import ParameterError
from cxkit.study.columns import Model, Name

#: Rows that the rules of a tool drop unless they are kept by name.
Sort = Literal["preview", "test", "spam", "unfinished", "deleted", "merged"]


def _encoding(value: object) -> str:
    """Read the name of an encoding of text."""
    try:
        info = codecs.lookup(str(value))
        "".encode(info.name)
    except (LookupError, TypeError):
        raise ValueError(
            "is the name of no encoding; usual ones are utf-8, utf-16-le, cp1252, cp1251, mac-roman"
        ) from None
    return info.name


def _delimiter(value: object) -> str:
    """Read the one character between fields."""
    if not isinstance(value, str) or len(value) != 1 or value.isalnum() or value in "\"'\r\n ":
        raise ValueError('is one character, as in  delimiter: ";"  or  delimiter: "\\t"')
    return value


def _rows(value: object) -> int:
    """Read how many lines stand above the header."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("is how many lines stand above the header, as in  skip_rows: 3")
    return value


class Reading(Model):
    """How a file is to be read, where it cannot be told from the file."""

    format: Literal["plain", "qualtrics", "surveymonkey", "google forms", "zendesk"] | None = None
    encoding: Annotated[str, BeforeValidator(_encoding)] = ""
    delimiter: Annotated[str, BeforeValidator(_delimiter)] = ""
    decimal: Literal[".", ","] | None = None
    sheet: Name = ""
    table: Name = ""
    skip_rows: Annotated[int, BeforeValidator(_rows)] = 0
    keep: tuple[Sort, ...] = ()


def said(*, delimiter: str, encoding: str, skip_rows: int) -> Reading:
    r"""Return how a file of text is to be read, as a person says it before there is a study.yml.

    >>> said(delimiter="\\t", encoding="", skip_rows=2).delimiter
    '\t'
    """
    given = {
        "delimiter": delimiter.replace("\\t", "\t"),
        "encoding": encoding,
        "skip_rows": skip_rows,
    }
    try:
        return Reading.model_validate({key: value for key, value in given.items() if value})
    except ValidationError as error:
        fault = error.errors()[0]
        key = str(fault["loc"][0])
        told = fault["msg"].removeprefix("Value error, ")
        raise ParameterError(f"{key}: {given[key]!r} cannot be: it {told}.") from None

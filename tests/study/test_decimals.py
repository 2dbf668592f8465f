"""A comma is a decimal mark where every number that can tell says so, or study.yml does."""

from __future__ import annotations

import numpy as np
import pytest

from cxkit.markup import counted
from cxkit.study.decimals import with_points
from cxkit.study.formats.raw import RawTable, UnreadableError


def table(*values: str, separator: str = ";") -> RawTable:
    column = np.array(values, dtype=object)
    lines = np.arange(2, len(values) + 2)
    return RawTable(("x",), {"x": column}, lines, separator=separator)


def pointed(*values: str, decimal: str | None = None, separator: str = ";") -> RawTable:
    given = table(*values, separator=separator)
    return with_points(given, ["x", "absent"], decimal=decimal, private=False)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (("5,5", "3", ""), ["5.5", "3", ""]),
        (("1 234,50", "12\u00a0345,00", "1\u202f000,10"), ["1234.50", "12345.00", "1000.10"]),
        (("1.234,5", "2.500", "-0,25"), ["1234.5", "2500", "-0.25"]),
        (("1'234,5", "9"), ["1234.5", "9"]),
        (("1.234.567", "1,5"), ["1234567", "1.5"]),
    ],
)
def test_decimal_commas_become_points_and_are_told(values: tuple[str], found: list[str]) -> None:
    raw = pointed(*values)
    assert raw.columns["x"].tolist() == found
    [(code, told, lines)] = raw.repairs
    assert code == "CX-R005"
    changed = [i for i, (a, b) in enumerate(zip(values, found, strict=True), 2) if a != b]
    assert lines == tuple(changed)
    assert f"{counted(len(changed), 'row')} read so (column x; " in told


@pytest.mark.parametrize(
    "values",
    [("5.5", "1.234"), ("12", "7"), ("5,5", "5.5"), ("1,234.50", "12%"), ("yes", "1.2.3")],
)
def test_everything_else_is_left_to_the_reader_of_numbers(values: tuple[str]) -> None:
    raw = pointed(*values)
    assert raw.columns["x"].tolist() == list(values)
    assert raw.repairs == ()


def test_a_thousand_or_one_and_a_bit_is_asked_for() -> None:
    with pytest.raises(UnreadableError) as caught:
        pointed("7", "1.234", "2.500")
    assert caught.value.code == "CX-E024"
    assert "1.234 may be a thousand or a decimal number (1234 or 1.234)" in caught.value.text
    assert 'decimal: ","' in caught.value.cure
    assert (caught.value.lines, caught.value.column) == ((3, 4), "x")
    assert pointed("1.234", separator=",").columns["x"].tolist() == ["1.234"]
    assert pointed("1.234", separator="").columns["x"].tolist() == ["1.234"]
    assert pointed("1.234", decimal=",").columns["x"].tolist() == ["1234"]
    assert pointed("1.234", decimal=".").columns["x"].tolist() == ["1.234"]
    assert pointed("1,234", decimal=".").columns["x"].tolist() == ["1234"]
    with pytest.raises(UnreadableError):
        pointed("1,234", separator=",")


def test_a_private_number_is_not_shown() -> None:
    with pytest.raises(UnreadableError) as caught:
        with_points(table("1.234"), ["x"], decimal=None, private=True)
    assert "1.234" not in caught.value.text
    assert "1234" not in caught.value.text

"""Parameters: read from one cell, typed by their defaults, every fault told before a run."""

import datetime as dt
import json
from pathlib import Path

import pytest

from cxkit.errors import ParameterError
from cxkit.report.parameters import parse, read

CELL = """\
study = ""  # path of a study.yml; "" is the sample
level: float = 0.95  # confidence level
months = 12  # months
measure = "nps"  # one of: nps, csat, ces; the score
adjust = True  # adjust for segment
shift = -1.5
"""


def declared_by(source: str, *, copies: int = 1) -> dict[str, object]:
    """Return a notebook with this parameters cell."""
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
    other = {"cell_type": "code", "metadata": {}, "source": "1 + 1"}
    return {"nbformat": 4, "cells": [other, *([cell] * copies)]}


def test_names_types_notes_and_choices_are_read_in_order() -> None:
    found = read(declared_by(CELL))
    assert [(p.name, p.default, p.kind) for p in found] == [
        ("study", "", "text"),
        ("level", 0.95, "number"),
        ("months", 12, "whole number"),
        ("measure", "nps", "text"),
        ("adjust", True, "true or false"),
        ("shift", -1.5, "number"),
    ]
    by_name = {p.name: p for p in found}
    assert by_name["measure"].choices == ("nps", "csat", "ces")
    assert by_name["measure"].note == "the score"
    assert by_name["study"].note == 'path of a study.yml; "" is the sample'
    assert str(by_name["level"]) == "level: number, default 0.95; confidence level"


def test_a_source_kept_as_lines_is_the_same() -> None:
    lines = declared_by(CELL)
    lines["cells"][1]["source"] = CELL.splitlines(keepends=True)
    assert read(lines) == read(declared_by(CELL))


@pytest.mark.parametrize(
    ("name", "given", "typed"),
    [
        ("level", "0.9", 0.9),
        ("level", "1", 1.0),
        ("level", 1, 1.0),
        ("level", "9e-1", 0.9),
        ("months", "24", 24),
        ("months", "-3", -3),
        ("months", 24, 24),
        ("measure", "csat", "csat"),
        ("adjust", "false", False),
        ("adjust", "true", True),
        ("adjust", False, False),
        ("study", "0.9", "0.9"),
        ("study", "007", "007"),
        ("study", 'a "quoted" \\ name\n', 'a "quoted" \\ name\n'),
        ("study", dt.date(2025, 12, 31), "2025-12-31"),
        ("shift", "-.5", -0.5),
    ],
)
def test_text_becomes_the_type_of_the_default(name: str, given: object, typed: object) -> None:
    value = parse(declared_by(CELL), {name: given})[name]
    assert value == typed
    assert type(value) is type(typed)


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("level", "high", r"level=high: level is a number, default 0\.95"),
        ("level", "nan", "level is a number"),
        ("level", "inf", "level is a number"),
        ("level", "1e999", "level is a number"),
        ("level", "0,9", "level is a number"),
        ("level", "", "level is a number"),
        ("level", True, "level=true: level is a number"),
        ("level", None, "level is a number"),
        ("level", [0.9], "level is a number"),
        ("months", "12.5", "months=12.5: months is a whole number, default 12"),
        ("months", 12.5, "months is a whole number"),
        ("months", "1_000", "months is a whole number"),
        ("adjust", "yes", "adjust=yes: adjust is true or false, default true"),
        ("adjust", "True", "adjust is true or false"),
        ("adjust", "0", "adjust is true or false"),
        ("adjust", 1, "adjust is true or false"),
        ("study", False, r"study=false: study is text, default \"\" \(write it in quotes\)"),
        ("study", 7, "study is text"),
        ("study", "a\x00b", "study is text"),
        ("study", "a\udcffb", "study is text"),
        ("measure", "npss", "measure is one of nps, csat, ces; did you mean 'nps'"),
        ("measure", "", "measure is one of nps, csat, ces"),
    ],
)
def test_another_type_is_refused(name: str, given: object, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        parse(declared_by(CELL), {name: given})


def test_an_unknown_name_is_refused_with_the_nearest_and_the_list() -> None:
    with pytest.raises(ParameterError, match="Did you mean 'months'") as refused:
        parse(declared_by(CELL), {"month": "12"})
    assert "It has: study, level, months, measure, adjust, shift" in str(refused.value)


@pytest.mark.parametrize("name", ["x=1;open('f','w');y", "class", "", "1a", "a b"])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="cannot be the name of a parameter"):
        parse(declared_by(CELL), {name: "1"})


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ParameterError, match="nothing was run, for 3 parameters are wrong") as all_:
        parse(declared_by(CELL), {"level": "high", "month": "1", "adjust": "yes", "months": "3"})
    assert all(word in str(all_.value) for word in ("level=high", "month:", "adjust=yes"))
    assert all_.value.exit_code == 2


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://cx:S3cretPW@host/db",
        "-----BEGIN PRIVATE KEY-----",
        "AKIAABCDEFGHIJKLMNOP",
        "host=db password=hunter2",
    ],
)
def test_a_secret_value_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(ParameterError, match="looks like a secret") as refused:
        parse(declared_by(CELL), {"study": value})
    assert value not in str(refused.value)


def test_the_value_of_an_unknown_name_is_not_repeated() -> None:
    with pytest.raises(ParameterError) as refused:
        parse(declared_by(CELL), {"db_password": "hunter2"})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["password", "api_key", "db_token", "CLIENT_SECRET", "key"])
def test_a_notebook_may_not_ask_for_a_secret(name: str) -> None:
    with pytest.raises(ParameterError, match="named like a secret"):
        read(declared_by(f'{name} = ""'))


@pytest.mark.parametrize("name", ["key_drivers", "monkey", "months"])
def test_a_name_that_only_resembles_one_is_fine(name: str) -> None:
    assert read(declared_by(f'{name} = ""'))[0].name == name


@pytest.mark.parametrize(("copies", "found"), [(0, "none has it"), (2, "2 have it")])
def test_exactly_one_cell_is_tagged(copies: int, found: str) -> None:
    with pytest.raises(ParameterError, match=f"exactly one code cell .* but {found}"):
        read(declared_by(CELL, copies=copies))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import os", "more than plain assignments: 'import os'"),
        ("a = b = 1", "more than plain assignments"),
        ("a, b = 1, 2", "more than plain assignments"),
        ("a.b = 1", "more than plain assignments"),
        ("a = open('x')", "default of 'a' must be written out"),
        ("a = [1, 2]", "default of 'a' must be written out"),
        ("a = None", "default of 'a' must be written out"),
        ("a = 1e999", "default of 'a' must be written out"),
        ("a: float", "more than plain assignments"),
        ("a = 1\na = 2", "assigns 'a' twice"),
        ("a = (", "not plain Python"),
        ("%matplotlib inline", "not plain Python"),
        ('a = "x"  # one of: y, z', "none of its own choices: y, z"),
    ],
)
def test_the_cell_holds_plain_assignments_only(source: str, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        read(declared_by(source))


def test_an_empty_choice_means_all() -> None:
    found = read(declared_by('region = ""  # one of: "", North, South'))
    assert found[0].choices == ("", "North", "South")
    assert 'one of: "", North, South' in str(found[0])


def test_a_missing_notebook_is_refused_with_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "there.ipynb").write_text("{}", encoding="utf-8")
    with pytest.raises(ParameterError, match=r"no such notebook; notebooks there: there\.ipynb"):
        read(tmp_path / "missing.ipynb")
    with pytest.raises(ParameterError, match="no notebook is there"):
        read(tmp_path / "nowhere" / "missing.ipynb")


@pytest.mark.parametrize("content", ["", "print(1)", "[1]", json.dumps({"worksheets": []})])
def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "no.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ParameterError, match="notebook"):
        read(path)

"""Every fault of a study.yml is told in the kit's words, with its line, all at once."""

from __future__ import annotations

import re

import pytest

from cxkit.errors import ContractError
from cxkit.study.contract import parse_contract, read_contract

HEAD = "study: A\nas_of: 2025-12-31\n"
ORDERS = "orders: {file: o.csv, customer: id, ordered_on: day}\n"


def faults(text: str) -> str:
    with pytest.raises(ContractError) as caught:
        parse_contract(text)
    message = str(caught.value)
    for foreign in ("pydantic", "Input should", "type=", "Field required", "Extra inputs", "yaml."):
        assert foreign not in message
    return message


def test_short_and_long_form_are_the_same() -> None:
    short = parse_contract(HEAD + ORDERS)
    long = parse_contract(
        HEAD + "orders: {file: o.csv, customer: {column: id}, ordered_on: {column: day}}"
    )
    assert short == long


def test_the_models_hold_what_was_written() -> None:
    contract = parse_contract(
        HEAD
        + "customers: {file: c.csv, customer: id, start: s, end: e, segments: {area: region}}\n"
        "responses:\n  file: r.csv\n  missing: [99, n/a, NO]\n  nps: nps\n"
        "  ces: {column: ces, version: 1.0}\n  csat: {column: c, scale: [1, 7], top: 6}\n"
    )
    assert contract.customers is not None
    assert contract.customers.form == "dates"
    assert contract.customers.segments == {"area": "region"}
    assert contract.responses is not None
    assert contract.responses.missing == ("99", "n/a", "NO")
    scores = contract.responses.scores
    assert list(scores) == ["nps", "csat", "ces"]
    assert scores["nps"].scale == (0, 10)
    assert scores["ces"].scale == (1, 5)
    assert not scores["ces"].higher_is_better


def test_a_snapshot_says_what_is_bad_and_when_churn_was_seen() -> None:
    contract = parse_contract(
        HEAD + "customers:\n  file: c.csv\n  form: snapshot\n  customer: row\n  window: month 12\n"
        "  tenure: {column: T, unit: months}\n  churned: {column: C, yes: [1], no: [0]}\n"
        "  experience:\n    complained: {column: X, bad: [1]}\n    mood: {column: M, bad: [sad]}\n"
    )
    assert contract.customers is not None
    experience = contract.customers.experience
    assert experience["complained"].bad == (1.0,)
    assert experience["mood"].bad == ("sad",)


def test_all_faults_are_told_at_once_in_the_order_of_lines() -> None:
    message = faults(
        "study: A\nas_of: today\nrespnses: {file: r.csv}\nresponses:\n  file: r.csv\n"
        "  csat: csat\n  npss: nps\n"
    )
    assert message.startswith("study.yml: 5 things to mend.")
    lines = [int(n) for n in re.findall(r"^  line (\d+)", message, re.M)]
    assert lines == sorted(lines)
    assert "line 2, as_of: a day is written year-month-day, as in  2025-12-31. Found 'today'" in (
        message
    )
    assert "line 3, the key respnses is not known here; perhaps you mean  responses" in message
    assert "line 6, responses.csat: needs the key top; write  top: 4" in message
    assert "line 7, responses: the key npss is not known here; perhaps you mean  nps" in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "nothing is declared here"),
        ("- a", "nothing is declared here"),
        (HEAD, "the study names no table"),
        (HEAD + ORDERS + "study: B", "line 4: the key 'study' stands here and on line 1"),
        ("study: A\n\tas_of: 1", "line 2: a tab stands here"),
        ("study: A\nas_of: [2025", "line 2: this is not YAML near  as_of"),
        (HEAD + "x: !!python/object/apply:os.system [ls]", "tag !!python/object"),
        (HEAD + "x: &a 1\ny: *a", "anchors and aliases"),
        ("study: A\nas_of: 2025-02-30\n" + ORDERS, "2025-02-30 is not a day that exists"),
        ("study: A\nas_of: 20251231\n" + ORDERS, "Found 20251231"),
        ("study: A\nas_of: 2025-12-31 10:00:00\n" + ORDERS, "a day is written year-month-day"),
        ("study: A\nas_of: 31.12.2025\n" + ORDERS, "Found '31.12.2025'"),
        (HEAD + "observed_from: 2026-01-01\n" + ORDERS, "lies after as_of"),
        (HEAD + "customers: c.csv", "must be a table"),
        (HEAD + "customers: {file: c.csv, form: snap}", "dates, snapshot. Found 'snap'"),
        (
            HEAD + "customers: {file: c.csv, customer: i, start: s, end: e, tenure: t}",
            "tenure belongs to customers of the other form",
        ),
        (HEAD + "responses: {file: r.csv, nps: {column: n, scale: [10, 0]}}", "from low to high"),
        (HEAD + "responses: {file: r.csv, nps: {column: n, scale: [1]}}", "two numbers"),
        (
            HEAD + "responses: {file: r.csv, nps: {column: n, scale: [1, 5]}}",
            "both on the scale [1, 5]",
        ),
        (HEAD + "responses: {file: r.csv, ces: ces}", 'write  version: "2.0"'),
        (HEAD + "responses: {file: r.csv, missing: 99}", "codes stand in a list"),
        (HEAD + "responses: {file: r.csv, missing: [null]}", "a code is a number or a text"),
        (HEAD + "responses: {file: r.csv, missing: [2025-01-01]}", "a code is a number or a text"),
        (
            HEAD + "responses: {file: r.csv, referred: {column: r, yes: [1], no: [1]}}",
            "1 stands under yes and under no",
        ),
        (
            HEAD
            + "customers: {file: c.csv, customer: i, start: s, end: e, segments: [region, unit]}",
            "the name 'unit' under segments is taken",
        ),
        (
            HEAD + "unit_scores: {file: u.csv, unit: u, wave: w, raters: them, instrument: i, "
            "engagement: {column: e, scale: [0, 9]}, experience: {column: x, scale: [0, 9]}}",
            "one of  different people, same people. Found 'them'",
        ),
    ],
)
def test_a_fault_is_told(text: str, told: str) -> None:
    assert told in faults(text)


def test_keys_are_names_whatever_yaml_makes_of_them() -> None:
    contract = parse_contract(
        HEAD + "unit_scores: {file: u.csv, unit: u, wave: w, raters: same people, "
        "instrument: {by_wave: {2011: old, 2025: new}}, "
        "engagement: {column: e, scale: [0, 9]}, experience: {column: x, scale: [0, 9]}}"
    )
    assert contract.unit_scores is not None
    assert contract.unit_scores.instrument.by_wave == {"2011": "old", "2025": "new"}


def test_the_file_itself_may_be_missing_or_not_text(tmp_path: object) -> None:
    with pytest.raises(ContractError, match=r"nowhere\.yml: there is no such file"):
        read_contract(f"{tmp_path}/nowhere.yml")
    with pytest.raises(ContractError, match="this is a folder"):
        read_contract(str(tmp_path))

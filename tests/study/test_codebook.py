"""The codebook: what is asked, on which scale, who answered; nothing of few people, no comment."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyreadstat

import cxkit as cx
from cxkit import disclosure
from cxkit.study import codebook, meaning
from tests import firms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def book(study: Any) -> pd.DataFrame:
    return cx.codebook(study).frame.set_index(["table", "role"])


@cache
def sample_book() -> pd.DataFrame:
    return book(firms.sample())


def staffed(folder: Path, answers: list[int], **more: list[str]) -> Any:
    n = len(answers)
    frame = pd.DataFrame(
        {"who": [f"p{i}" for i in range(n)], "unit": "b1", "wave": "w1", "q1": answers} | more
    )
    frame.to_csv(folder / "e.csv", index=False)
    (folder / "study.yml").write_text(
        "study: A\nas_of: 2025-12-31\nengagement:\n  file: e.csv\n  missing: [99]\n"
        "  respondent: who\n  unit: unit\n  wave: wave\n"
        "  items: {proud: {column: q1, scale: [1, 5], group: engaged}}\n"
    )
    return cx.open_study(folder)


def test_valid_and_missing_are_all_rows_and_distributions_add_up() -> None:
    study, found = firms.sample(), sample_book()
    for (table, role), row in found.iterrows():
        frame = study.frames[table]
        assert row["valid"] == frame[role].notna().sum()
        assert row["valid"] + row["missing"] == len(frame)
    scored = found.loc[("responses", "csat"), "distribution"]
    counts = [int(n.replace(",", "")) for n in re.findall(r": ([\d,]+)", scored)]
    assert sum(counts) == found.loc[("responses", "csat"), "valid"]
    expected = study.responses["csat"].value_counts().sort_index().tolist()
    assert counts == expected


def test_scales_say_limits_direction_and_cut_points() -> None:
    found = sample_book()["scale"]
    assert (
        found["responses", "nps"] == "0 to 10, high is good; detractors up to 6, promoters from 9"
    )
    assert found["responses", "csat"] == "1 to 5, high is good; satisfied from 4"
    assert found["responses", "ces"] == "1 to 7, high is good"
    assert found["engagement", "left_alone"] == "1 to 5, low is good", "a reversed item"
    assert found["tickets", "wait"] == "minutes"
    assert sample_book()["missing_by"]["responses", "nps"] == "99: 139"


def test_what_the_file_says_of_its_columns_is_told(tmp_path: Path) -> None:
    n = 40
    pyreadstat.write_sav(
        pd.DataFrame(
            {"id": [float(i) for i in range(n)], "q": [1.0, 2.0, 3.0, 9.0] * 10, "g": [1.0] * n}
        ),
        tmp_path / "a.sav",
        column_labels={"q": "How satisfied are you?"},
        variable_value_labels={"q": {1: "not", 3: "very", 9: "No answer"}, "g": {1: "Shop"}},
        missing_ranges={"q": [9]},
    )
    (tmp_path / "study.yml").write_text(
        "study: A\nas_of: 2025-12-31\nresponses: {file: a.sav, response: id, touchpoint: g, "
        "csat: {column: q, scale: [1, 3], top: 3}}\n"
    )
    row = book(cx.open_study(tmp_path)).loc[("responses", "csat")]
    assert row["question"] == "How satisfied are you?"
    assert row["missing_by"] == "No answer (9): 10"
    assert row["distribution"] == "1 (not): 10; 2: 10; 3 (very): 10"
    assert (row["valid"], row["missing"]) == (30, 10)


def test_answers_of_few_employees_go_with_the_next(tmp_path: Path) -> None:
    study = staffed(tmp_path, [1] * 3 + [2] * 20 + [3] * 15 + [5] * 4)
    assert book(study).loc[("engagement", "proud"), "distribution"] == "1 to 2: 23; 3 to 5: 19"
    study = staffed(tmp_path, [1] * 30 + [2] * 4)
    told = book(study).loc[("engagement", "proud"), "distribution"]
    assert told == "withheld: fewer than 10 people gave all answers but one"


def test_of_nine_employees_and_of_those_who_agree_nothing_is_told(tmp_path: Path) -> None:
    told = book(staffed(tmp_path, [3] * 5 + [4] * 4)).loc[("engagement", "proud"), "distribution"]
    assert told == "withheld: fewer than 10 people"
    told = book(staffed(tmp_path, [4] * 30)).loc[("engagement", "proud"), "distribution"]
    assert told == "withheld: all answered the same"


def test_people_count_and_not_answers(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "who": ["p1"] * 12 + [f"p{i}" for i in range(2, 20)],
            "unit": "b1",
            "wave": [f"w{i}" for i in range(12)] + ["w1"] * 18,
            "q1": [1] * 12 + [5] * 18,
        }
    )
    staffed(tmp_path, [1])
    frame.to_csv(tmp_path / "e.csv", index=False)
    told = book(cx.open_study(tmp_path)).loc[("engagement", "proud"), "distribution"]
    assert told.startswith("withheld"), "twelve answers of one employee"


def test_small_counts_of_no_answer_are_not_told(tmp_path: Path) -> None:
    study = staffed(tmp_path, [1] * 20 + [5] * 20 + [99] * 3)
    assert book(study).loc[("engagement", "proud"), "missing_by"] == "99: fewer than 10"
    study = staffed(tmp_path, [1] * 20 + [5] * 20 + [99] * 13)
    assert book(study).loc[("engagement", "proud"), "missing_by"] == "99: 13"


def test_comments_are_counted_and_not_shown(shop: Callable[..., Path], tmp_path: Path) -> None:
    path = shop()
    table = pd.read_csv(tmp_path / "responses.csv")
    many = pd.concat([table] * 4, ignore_index=True)
    many["response_id"] = [f"r{i}" for i in range(len(many))]
    many["customer_id"] = [f"k{i}" for i in range(len(many))]
    many["branch"], many["comment"] = "b1", "KANARI sings"
    many.to_csv(tmp_path / "responses.csv", index=False)
    customers = pd.DataFrame({"customer_id": many["customer_id"], "joined_on": "2024-01-01"})
    customers.assign(left_on="", branch="b1", region="North").to_csv(
        tmp_path / "customers.csv", index=False
    )
    shown = cx.codebook(cx.open_study(path))
    assert f"{len(many)} texts, not shown" in str(shown)
    assert "KANARI" not in str(shown) + shown._repr_html_()
    assert "<details><summary>responses: " in shown._repr_html_()


def test_the_smallest_and_largest_are_single_people_and_not_shown(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "id": [f"c{i}" for i in range(40)],
            "day": ["2024-01-01"] * 39 + ["2025-06-07"],
            "left": "",
            "worth": [10.0] * 39 + [987654.0],
        }
    )
    frame.to_csv(tmp_path / "c.csv", index=False)
    (tmp_path / "study.yml").write_text(
        "study: A\nas_of: 2025-12-31\ncustomers: {file: c.csv, customer: id, start: day, "
        "end: left, value: worth, segments: {}}\n"
    )
    told = str(cx.codebook(cx.open_study(tmp_path)))
    assert "987,654" not in told
    assert "2025-06-07" not in told
    assert "half up to 2024-01-01" in told


def test_the_fewest_are_those_of_the_policy() -> None:
    assert codebook.LEAST_CUSTOMERS == disclosure.LEAST_CUSTOMERS
    assert meaning.LEAST_EMPLOYEES == disclosure.LEAST_EMPLOYEES


def test_how_many_left_is_not_told_of_few(tmp_path: Path) -> None:
    def ends(left: int) -> list[str]:
        people = [f"c{i},2024-01-01,{'2025-01-01' if i < left else ''}" for i in range(20)]
        (tmp_path / "c.csv").write_text("\n".join(["id,start,end", *people]))
        (tmp_path / "study.yml").write_text(
            "study: A\nas_of: 2025-12-31\ncustomers:\n  file: c.csv\n  customer: id\n"
            "  start: start\n  end: end\n"
        )
        shown = cx.codebook(cx.open_study(tmp_path)).tables()[0].shown.set_index("Role")
        return shown.loc["end", ["Valid", "Missing"]].tolist()

    assert ends(3) == ["<5", "withheld"]
    assert ends(17) == ["withheld", "<5"]
    assert ends(8) == ["8", "12"]

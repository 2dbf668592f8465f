"""A study says what is there, keeps it unchanged, narrows by name, and refuses by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import CxkitError, MissingTableError, ParameterError
from cxkit.study.overview import overview, report_of
from cxkit.study.requirements import REQUIREMENTS, lacking
from tests import firms

Shop = Callable[..., Path]


def test_a_folder_is_opened_by_its_study_yml(shop: Shop) -> None:
    path = shop()
    assert cx.open_study(path.parent).name == cx.open_study(str(path)).name == "Corner shop"


OPENED = {
    "a frame": (
        lambda: cx.open_study(pd.DataFrame()),
        "found DataFrame.\n  A frame needs no study",
    ),
    "nothing": (lambda: cx.open_study(None), "the path of a study.yml, found NoneType"),
    "a filter as a mapping": (lambda: cx.open_study("", where={"a": "b"}), "write  column=value"),
    "a path for a study": (lambda: cx.codebook("study.yml"), "found str.\n  Open it first"),
    "a frame for a study": (lambda: cx.retention_answer(pd.DataFrame()), "found DataFrame"),
    "no study": (lambda: cx.linkage_answer(None), "asked for a study, found NoneType"),
    "a path with its parameters": (lambda: cx.provenance("study.yml", {}), "asked for a study"),
    "parameters without names": (
        lambda: cx.provenance(cx.open_study(""), "x"),
        "by name, fo",
    ),
    "a frame for a file": (lambda: cx.describe(pd.DataFrame()), "the path of a file, found DataFr"),
    "days in words": (
        lambda: cx.case_episodes(cx.open_study(""), limit="7"),
        "limit = '7' is no",
    ),
    "a target of several": (
        lambda: cx.linkage_answer(cx.open_study(""), target=[1]),
        "target=.1. ",
    ),
    "a study not opened": (lambda: cx.dose("study.yml"), "asked for a study, found str"),
}


@pytest.mark.parametrize("slip", OPENED)
def test_what_is_no_study_is_refused_with_how_to_open_one(slip: str) -> None:
    call, told = OPENED[slip]
    with pytest.raises(CxkitError, match=told):
        call()


def test_frames_are_the_callers_own(shop: Shop) -> None:
    study = cx.open_study(shop())
    frame = study.responses
    frame.loc[0, "nps"] = 0
    frame["more"] = 1
    assert study.responses["nps"].iloc[0] == 9
    assert "more" not in study.responses


def test_a_missing_table_says_what_to_write(shop: Shop) -> None:
    study = cx.open_study(shop())
    assert not study.has("tickets")
    with pytest.raises(MissingTableError, match=r"(?s)no table tickets.*write.*file: tickets\.csv"):
        _ = study.tickets
    with pytest.raises(MissingTableError, match="needed to see what was bought"):
        study.need("responses", "orders", why="to see what was bought")
    with pytest.raises(MissingTableError, match="'sales' is not a table"):
        study.need("sales", why="x")


def test_it_says_what_is_there_and_what_is_not(shop: Shop) -> None:
    study = cx.open_study(shop())
    told = repr(study)
    for part in (
        "Corner shop: as of 2025-12-31. Nothing had to be mended.",
        "left_alone",
        "emotional_connection",
    ):
        assert part in told
    asked = next(t for t in overview(study) if "asked" in t.caption).frame.set_index("name")
    assert asked.loc["nps", "answered"] == "<5"
    assert asked.loc["left_alone", "rows"] == "<10"
    assert asked.loc["emotional_connection", "note"] == "no data"
    assert asked.loc["renewal", "note"] == "no data"
    assert asked.loc["phone", ["rows", "share"]].tolist() == ["<5", "–"]
    there = next(t for t in overview(study) if "there" in t.caption).frame.set_index("table")
    assert there.loc["customers"].drop("file").tolist() == ["<5", "<5 customers", "–"]
    whole = next(t for t in overview(firms.sample()) if "there" in t.caption).frame
    assert "2023-07-08 to 2025-12-31" in set(whole["period"])
    assert report_of(study).endswith("Nothing was repaired, nothing flagged.")


def test_what_was_mended_is_told_with_its_rule_rows_lines_and_values(shop: Shop) -> None:
    rows = "".join(f"r{i} ,c1,b1,2025-03-05,2025-03-05,app,use,9,5,\n" for i in range(6, 11))
    study = cx.open_study(shop(responses=(",10,5,again good\n", f",10,5,again good\n{rows}")))
    table = next(t for t in overview(study) if t.caption == "What was mended, by which rule")
    assert table.frame.to_dict("records") == [
        {
            "code": "CX-R011",
            "where": "responses, response_id",
            "rows": "5",
            "lines": "8, 9, 10 ...",
            "what": "spaces around 5 values taken off ('r6 ' → r6).",
        }
    ]
    for told in (repr(study), study._repr_html_()):
        assert "What was mended, by which rule" in told
        assert "8, 9, 10 ..." in told
    assert report_of(study).count("8, 9, 10 ...") == 1
    assert "responses.csv lines 8, 9, 10 ..., column response_id: spaces" in report_of(study)
    assert "Nothing had to be mended" not in repr(study)


@pytest.mark.parametrize("table", ["engagement", "comment"])
def test_no_value_of_employees_or_comments_is_among_what_was_mended(shop: Shop, table: str) -> None:
    if table == "engagement":
        study = cx.open_study(shop(engagement=("e1,b1,2025Q1,4", " secret ,b1,2025Q1, 4 ")))
        assert {f.code for f in study.findings} == {"CX-R011"}
    else:
        study = cx.open_study(shop(responses=("again good", "secret\u200b  ")))
    assert "secret" not in repr(study) + study._repr_html_() + report_of(study)
    assert "→" not in repr(study)


def test_its_page_shows_text_and_no_markup_of_others(shop: Shop) -> None:
    study = cx.open_study(shop(contract=("Corner shop", "<script>alert(1)</script>")))
    html = study._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert html.count("<table>") == html.count("<caption>") >= 3


def test_each_notebook_knows_what_it_lacks(shop: Shop) -> None:
    study = cx.open_study(shop())
    assert all(lacking(study, notebook) == [] for notebook in REQUIREMENTS)
    thin = cx.open_study(shop(contract=("  answered_on: answered_on\n", "")))
    assert lacking(thin, "retention_vs_experience") == [
        "answered_on in responses, to know whose experience was good, and when they said so"
    ]
    assert "no" in next(t for t in overview(thin) if "feed" in t.caption).frame["can run"].tolist()


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("", {"customers": 3, "responses": 5, "engagement": 3, "units": 2}),
        ("region=North", {"customers": 2, "responses": 3, "engagement": 2, "units": 1}),
        (" region = South ", {"customers": 1, "responses": 2, "engagement": 1, "units": 1}),
        ("unit=b2", {"customers": 1, "responses": 2, "engagement": 1, "units": 1}),
        ("size=large", {"customers": 2, "responses": 3, "engagement": 2, "units": 1}),
    ],
)
def test_where_keeps_one_part_of_every_table(shop: Shop, where: str, rows: dict[str, int]) -> None:
    study = cx.open_study(shop(), where=where)
    assert {t: len(study.frames[t]) for t in study.tables} == rows
    assert study.where == where.strip()


def test_a_table_that_knows_nothing_of_where_stays_whole_and_says_so(shop: Shop) -> None:
    path = shop(contract=("attributes: [region, size]", "attributes: [size]"))
    study = cx.open_study(path, where="region=North")
    assert len(study.engagement) == 3
    assert [(f.table, f.text) for f in study.findings] == [
        ("engagement", "where=region=North: not narrowed, it knows no region."),
        ("units", "where=region=North: not narrowed, it knows no region."),
    ]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("North", "write  column=value, as in  region=North"),
        ("=North", "write  column=value"),
        ("regoin=North", "perhaps you mean  region=North"),
        ("colour=red", "it has: region, unit, size"),
        ("region=Nroth", "perhaps you mean  region=North"),
        ("region=Mars", "region is one of: North, South"),
    ],
)
def test_where_refuses_what_it_does_not_know(shop: Shop, where: str, told: str) -> None:
    with pytest.raises(ParameterError) as caught:
        cx.open_study(shop(), where=where)
    assert told in str(caught.value)


def test_the_sample_is_found_from_any_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    study = firms.sample()
    assert study.has("responses")
    assert all(lacking(study, notebook) == [] for notebook in REQUIREMENTS)

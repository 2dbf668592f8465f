"""Refused, repaired, flagged: each told with file, line, column and what to do, all at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ColumnError, CxkitError, DataError, ScaleError

Shop = Callable[..., Path]
CANARY = "canary-7f3a"


HEADER = "response_id,customer_id,branch,asked_on,answered_on,touchpoint,stage,nps,csat,comment"


def refusal(path: Path, error: type[CxkitError] = DataError) -> str:
    with pytest.raises(error) as caught:
        cx.open_study(path)
    assert type(caught.value) is error
    return str(caught.value)


def test_a_sound_study_has_its_types_and_only_true_findings(shop: Shop) -> None:
    study = cx.open_study(shop())
    frame = study.responses
    assert frame["nps"].tolist()[:2] == [9.0, 6.0]
    assert frame["nps"].isna().tolist() == [False, False, True, True, False]  # 98 is declared
    assert frame["asked_on"].dtype == "datetime64[us]"
    assert frame["customer"].dtype == "str"
    assert frame["comment"].iloc[3] == "slow, but\nkind"
    assert study.customers["end"].notna().tolist() == [False, True, False]
    assert study.engagement["left_alone"].tolist() == [2.0, 1.0, 3.0]  # reversed: as answered
    assert study.findings == ()


def test_an_answer_off_the_scale_names_line_value_and_cure(shop: Shop) -> None:
    told = refusal(shop(responses=(",9,5,good", ",99,5,good")), ScaleError)
    assert told == (
        "responses.csv line 2, column nps: 99 is not a whole number from 0 to 10 "
        '(1 of 3 answers).\n  If 99 means "no answer", write  missing: [98, 99]  '
        "under responses in study.yml.  [CX-E031]"
    )


def test_the_line_is_the_physical_one_after_a_quoted_line_end(shop: Shop) -> None:
    told = refusal(shop(responses=(",10,5,again", ",11,5,again")), ScaleError)
    assert told.startswith("responses.csv line 7, column nps: 11 is not a whole number")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (",6,3,", ",6.5,3,", "6.5 is not a whole number from 0 to 10"),
        (",6,3,", ",-1,3,", "-1 is not a whole number"),
        (",6,3,", ",n/a,3,", 'missing: [98, "n/a"]'),
        (",6,3,", ",inf,3,", "inf is not a whole number"),
        (",6,3,", ",10 stars of 10,3,", 'missing: [98, "10 stars of 10"]'),
        (",10,5,again", ",11,5,again", "It is the last row: if that is a total, take it out."),
    ],
)
def test_other_answers_off_the_scale(shop: Shop, old: str, new: str, told: str) -> None:
    assert told in refusal(shop(responses=(old, new)), ScaleError)


def test_codes_one_too_high_are_recognised(shop: Shop) -> None:
    scores = (11, 10, 1, 5, 3)
    rows = [f"r{i},c1,b1,2025-01-05,2025-01-06,app,use,{i},5," for i in scores]
    rows = "\n".join([HEADER, *rows]) + "\n"
    assert "the codes may run from 1 to 11" in refusal(shop(responses=rows), ScaleError)


def test_a_missing_column_shows_what_is_there_and_the_nearest(shop: Shop) -> None:
    told = refusal(shop(responses=(",nps,csat", ",nps_score,csat")), ColumnError)
    assert "the study asks for column 'nps', which the file does not have" in told
    assert "columns in the file: response_id, customer_id" in told
    assert "in study.yml write  nps: {column: nps_score}" in told


def test_header_names_match_to_the_letter(shop: Shop) -> None:
    told = refusal(shop(customers=("joined_on", "joined  on")), ColumnError)
    assert "start: {column: joined  on}" in told


@pytest.mark.parametrize(
    ("table", "old", "new", "told"),
    [
        ("customers", "2024-02-01", "01.02.2024", 'start: {column: joined_on, date: "%d.%m.%Y"}'),
        ("customers", "2024-02-01", "45323", "looks like a serial number"),
        ("customers", "2024-02-01", "2024-02-30", "2024-02-30 is not a date year-month-day"),
        ("customers", "2024-02-01", "2099-02-01", "lies after as_of (2025-12-31)"),
        ("customers", "2024-02-01", "", "start is empty (1 of 3 rows)"),
        (
            "customers",
            "2025-06-30",
            "2024-01-30",
            "end lies before start: 2024-01-30 against 2024-02-01",
        ),
        ("customers", "c2,", "c1,", "the same customer (c1) as on line 2, with other content"),
        ("responses", "r2,", "r1,", "the same response (r1) as on line 2"),
        ("responses", "r5,c1,b1,2025-03-05,2025-03-05,app,use,10,5,again good", "Note,,,,,,,,,",
         "only one cell is filled"),
        ("units", "b1,,North", "b1,b2,North", "units are their own parents: b1 → b2 → b1"),
        ("engagement", "e3,b2", ",b2", "respondent is empty"),
    ],
)  # fmt: skip
def test_what_contradicts_the_contract_is_refused(
    shop: Shop, table: str, old: str, new: str, told: str
) -> None:
    assert told in refusal(shop(**{table: (old, new)}))


def test_empty_tables_are_refused(shop: Shop) -> None:
    header = "branch,district,region,size\n"
    assert "a header and no rows" in refusal(shop(units=header))


def test_all_refusals_are_told_at_once(shop: Shop) -> None:
    told = refusal(
        shop(
            customers=("2024-02-01", "soon"),
            responses=(",9,5,good", ",99,7,good"),
            units=("size", "sise"),
        )
    )
    assert told.startswith("4 things in the data stop the work.")
    for part in ("soon is not a date", "99 is not", "7 is not a whole number from 1 to 5", "sise"):
        assert part in told


def test_customers_of_another_kind_are_refused_some_unknown_are_flagged(shop: Shop) -> None:
    other = refusal(
        shop(customers="customer_id,joined_on,left_on,branch,region\n0001,2024-01-01,,b1,North\n")
    )
    assert "none of its customers is in customers.csv: here c1, c2, c3; there 0001" in other
    study = cx.open_study(shop(responses=("r2,c2", "r2,c9")))
    assert [f.text for f in study.findings] == [
        "1 of 5 rows name a customer that customers.csv does not have; "
        "they count in scores, not in retention."
    ]


def test_spaces_and_copies_are_repaired_and_told(shop: Shop) -> None:
    row = "r2,c2,b1,2025-01-05,2025-01-07,app,use,6,3,\n"
    study = cx.open_study(shop(responses=(row, row + row.replace("r2,c2,b1", "r2,c2 , b1"))))
    assert len(study.responses) == 5
    assert [(f.kind, f.column, f.lines) for f in study.findings] == [
        ("repair", "customer_id", (4,)),
        ("repair", "branch", (4,)),
        ("repair", "response_id", (4,)),
    ]
    source = next(s for s in study.sources if s.table == "responses")
    assert (source.rows_read, source.rows_dropped, source.rows_repaired) == (6, 1, 1)


def test_copies_without_an_id_are_kept_and_flagged(shop: Shop) -> None:
    row = "r2,c2,b1,2025-01-05,2025-01-07,app,use,6,3,\n"
    path = shop(contract=("  response: response_id\n", ""), responses=(row, row * 2))
    study = cx.open_study(path)
    assert len(study.responses) == 6
    assert "1 row is an exact copy of an earlier row. They are kept" in study.findings[0].text


def test_scores_given_while_leaving_and_out_of_order_are_flagged(shop: Shop) -> None:
    study = cx.open_study(
        shop(
            responses=(
                "r2,c2,b1,2025-01-05,2025-01-07",
                "r2,c2,b1,2025-07-05,2025-06-30",
            )
        )
    )
    told = "\n".join(str(f) for f in study.findings)
    assert "line 3, column answered_on: 1 row was answered before being asked" in told
    assert "1 of 4 scored answers were given on the day of leaving or after it" in told


def test_zones_are_told_or_refused(shop: Shop) -> None:
    study = cx.open_study(shop(customers=("2025-06-30", "2025-06-30T10:00:00Z")))
    assert "all moments are of the zone +00:00" in study.findings[0].text
    told = refusal(
        shop(
            customers=(
                "2024-02-01,2025-06-30,b1,North\nc3,2024-03-01,",
                "2024-02-01,2025-06-30T10:00Z,b1,North\nc3,2024-03-01,2025-06-30T10:00+02:00",
            )
        )
    )
    assert "different time zones" in told


def test_words_that_look_missing_are_words(shop: Shop) -> None:
    path = shop(
        customers="customer_id,joined_on,left_on,branch,region\n"
        "c1,2024-01-01,,b1,NA\nc2,2024-01-01,,b1,None\nc3,2024-01-01,,b2,\n"
    )
    region = cx.open_study(path).customers["region"]
    assert region.tolist()[:2] == ["NA", "None"]
    assert region.isna().tolist() == [False, False, True]


def test_yes_and_no_in_other_spellings_must_be_declared(shop: Shop) -> None:
    referred = ("  comment: comment", "  comment: comment\n  referred: csat")
    told = refusal(shop(contract=referred))
    assert "3, 4 are neither yes (1, true, yes) nor no" in told or "neither yes" in told
    declared = (
        "  comment: comment",
        "  comment: comment\n  referred: {column: csat, yes: [5], no: [3, 4]}",
    )
    frame = cx.open_study(shop(contract=declared)).responses
    assert frame["referred"].dtype == "boolean"
    assert frame["referred"].tolist()[:2] == [True, False]
    assert frame["referred"].isna().tolist()[2]


@pytest.mark.parametrize(
    "engagement",
    [
        ("e1,b1,2025Q1,4", f"e1,b1,2025Q1,{CANARY}"),
        ("e3,", f"{CANARY},b1,2025Q1,5,9\n{CANARY},b1,2025Q1,1,8\ne3,"),
        ("e1,b1", f" {CANARY} ,{CANARY}"),
    ],
)  # fmt: skip
def test_no_value_of_an_employee_is_in_any_message(shop: Shop, engagement: tuple[str, str]) -> None:
    path = shop(engagement=engagement)
    try:
        study = cx.open_study(path)
    except CxkitError as error:
        told = str(error)
        assert "engagement.csv line" in told
    else:
        from cxkit.study.overview import report_of

        told = report_of(study) + study._repr_html_()
        assert "engagement" in told
    assert CANARY not in told


def test_no_comment_is_in_any_message(shop: Shop) -> None:
    path = shop(
        contract=("  comment: comment", "  comment: comment\n  orders: x"),
    )
    with pytest.raises(CxkitError):
        cx.open_study(path)
    study = cx.open_study(shop(responses=("again good", f"{CANARY} ZÃ¼rich")))
    assert study.findings[0].column == "comment"
    assert CANARY not in repr(study) + str(study.findings[0])


def test_off_scale_answers_of_employees_give_line_and_column_only(shop: Shop) -> None:
    told = refusal(shop(engagement=("e2,b1,2025Q1,5", "e2,b1,2025Q1,77")), ScaleError)
    assert told == (
        "engagement.csv line 3, column q1: the value there is not a whole number from 1 to 5 "
        '(1 of 2 answers).\n  If it is a code for "no answer", list it after  missing:  '
        "under engagement in study.yml (values of this table are never shown).  [CX-E031]"
    )


def test_instruments_by_wave_must_name_every_wave(tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text("u,w,e,x\na,2011,50,60\nb,2024,51.5,60\n")
    (tmp_path / "study.yml").write_text(
        "study: A\nas_of: 2025-12-31\nunit_scores: {file: u.csv, unit: u, wave: w, "
        "raters: same people, instrument: {by_wave: {2011: old}}, "
        "engagement: {column: e, scale: [0, 100]}, experience: {column: x, scale: [0, 100]}}"
    )
    assert "by_wave names no instrument for the wave 2024" in refusal(tmp_path)


def test_nothing_is_filled_in(shop: Shop) -> None:
    study = cx.open_study(shop())
    text = pd.read_csv(shop().parent / "engagement.csv", dtype="str")
    assert study.engagement["proud"].isna().sum() == text["q1"].isna().sum() == 1

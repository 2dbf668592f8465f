"""Every malformed file is refused, repaired, flagged or read, as its entry says; none surprises."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.disclosure import Policy, showable
from cxkit.errors import CxkitError
from cxkit.retention.separation import separation
from cxkit.study.codes import CODES, DECLARED
from cxkit.study.meaning import people_apart
from cxkit.study.overview import report_of
from tests.study.bad_files import BAD, EN, LIKERT, SOUND, SURVEY, Bad, replaced

FOLDER = Path(os.environ.get("CXKIT_SHARED", "")) / "badinputs"
SHARED = bool(os.environ.get("CXKIT_SHARED")) and FOLDER.is_dir()
needs_shared = pytest.mark.skipif(
    not SHARED, reason="CXKIT_SHARED is not set: it names the folder of the shared bad files"
)

#: What their messages must name comes from a model and from the rules of disclosure: see below.
NAMED_BELOW = {"B094", "B104"}

BY_ID = {bad.id: bad for bad in BAD}


def opened(bad: Bad, folder: Path, source: Path | None = None) -> Any:
    """The study of a bad file; the one that is a study.yml itself is read as such."""
    path = bad.write(folder, source)
    return cx.open_study(folder / bad.file if bad.id == "B126" else path)


def hold(bad: Bad, folder: Path, source: Path | None = None) -> None:
    """Hold what came of a file to its entry."""
    if bad.kind == "error":
        with pytest.raises(CxkitError) as caught:
            opened(bad, folder, source)
        told = str(caught.value)
        refused = [code for code in bad.codes if CODES[code].kind == "refuse"]
        for words in (*bad.told, *(f"[{code}]" for code in refused)):
            assert words in told
        return
    study = opened(bad, folder, source)
    found = {finding.code for finding in study.findings}
    assert set(bad.codes) <= found, study.findings
    if bad.kind == "ok":
        assert found == set(bad.codes), study.findings
    elif bad.codes:
        assert bad.kind in {f.kind for f in study.findings if f.code in bad.codes}
    told = report_of(study)
    for words in bad.told:
        assert words in told
    for name, value in bad.truth.items():
        held_truth(study, name, value)


def held_truth(study: Any, name: str, value: Any) -> None:
    """Compare one number or value of an entry with the frame that was read."""
    frame = study.responses if study.has("responses") else None
    if name == "rows":
        assert len(frame) == value
    elif name == "nps":
        assert cx.nps(frame["nps"]).value == pytest.approx(value)
    elif name == "csat_mean":
        assert frame["csat"].mean() == pytest.approx(value)
    elif name == "revenue":
        assert frame["weight"].tolist() == pytest.approx(value)
    elif name == "segment0":
        assert frame["touchpoint"].iloc[0] == value
    elif name == "id0":
        assert study.customers["customer"].iloc[0] == value
    elif name == "recorded_at":
        assert f"{frame['answered_on'].iloc[0]:%Y-%m-%d}" == value
    else:
        assert name in {"primary", "secondary"}, f"nobody compares {name}"


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.id}-{bad.file}")
def test_a_file_of_our_own_making(bad: Bad, tmp_path: Path) -> None:
    hold(bad, tmp_path)


@needs_shared
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.id}-{bad.file}")
def test_a_file_made_by_others(bad: Bad, tmp_path: Path) -> None:
    hold(bad, tmp_path, FOLDER / bad.file)


@needs_shared
def test_the_entries_are_those_of_the_manifest() -> None:
    manifest = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    theirs = {entry["id"]: entry for entry in manifest["files"]}
    assert sorted(theirs) == sorted(BY_ID)
    for bad in BAD:
        entry = theirs[bad.id]
        assert (bad.file, bad.kind) == (entry["file"], entry["kind"]), bad.id
        told = set(entry["truth"]) - {"nps_if_recoded", "nps_if_declared"}
        assert told == set(bad.truth) & set(entry["truth"]), bad.id
        assert {name: bad.truth[name] for name in told} == {n: entry["truth"][n] for n in told}
        named = bad.told or bad.id in NAMED_BELOW
        assert named or not entry["message_must_name"], bad.id


def mended(bad: Bad, folder: Path, *pairs: tuple[str, str]) -> Any:
    """The study of a bad file after its study.yml was mended as the message says."""
    path = bad.write(folder)
    path.write_text(replaced(path.read_text(encoding="utf-8"), *pairs), encoding="utf-8")
    return cx.open_study(path)


def test_codes_one_too_high_are_right_as_soon_as_they_are_declared(tmp_path: Path) -> None:
    labels = ", ".join(f"{code}: {code - 1}" for code in range(1, 12))
    column = "{column: nps, scale: [0, 10]"
    study = mended(BY_ID["B057"], tmp_path, (column, f"{column}, labels: {{{labels}}}"))
    assert cx.nps(study.responses["nps"]).value == pytest.approx(12.5)
    assert study.findings == ()


def test_codes_for_no_answer_are_missing_as_soon_as_they_are_declared(tmp_path: Path) -> None:
    missing = ('.csv"\n', '.csv"\n  missing: [99, -99, 98, 999, -1]\n')
    study = mended(BY_ID["B060"], tmp_path, missing)
    score = cx.nps(study.responses["nps"])
    assert (score.value, score.n) == (pytest.approx(100 * 3 / 18), 18)


def test_labels_of_two_languages_are_read_where_both_are_declared(tmp_path: Path) -> None:
    more = (
        "Strongly agree: 5",
        'Strongly agree: 5, Stimme überhaupt nicht zu: 1, Stimme eher nicht zu: 2, "Teils, teils": '
        "3, Stimme eher zu: 4, Stimme voll zu: 5",
    )
    study = mended(BY_ID["B064"], tmp_path, more)
    assert study.responses["csat"].mean() == pytest.approx(2.75)
    assert study.findings == ()


def test_a_label_is_read_in_any_capitals_and_told(tmp_path: Path) -> None:
    bad = BY_ID["B065"]
    content = bad.content.replace(b"Strongly disagre,", b"Disagree,")  # type: ignore[union-attr]
    (tmp_path / bad.file).write_bytes(content)
    text = "study: A\nas_of: 2026-12-31\n" + bad.study.format(file=bad.file)
    (tmp_path / "study.yml").write_text(text, encoding="utf-8")
    study = cx.open_study(tmp_path)
    assert study.responses["csat"].mean() == pytest.approx(2.75)
    cased = next(f for f in study.findings if f.code == "CX-R014")
    assert cased.n_rows == 8
    assert f"({EN[4].upper()} → 4)" in cased.text


def test_a_strict_study_refuses_what_would_be_repaired(tmp_path: Path) -> None:
    for bad in BAD:
        if bad.kind != "repair":
            continue
        (folder := tmp_path / bad.id).mkdir()
        strict = ("as_of: 2026-12-31\n", "as_of: 2026-12-31\nstrict: true\n")
        repairs = {code for code in bad.codes if CODES[code].kind == "repair"}
        if repairs <= DECLARED:
            told = {f.code for f in mended(bad, folder, strict).findings if f.kind == "repair"}
            assert told == repairs, "what a file declares is told, and taken"
            continue
        with pytest.raises(CxkitError, match="The study is strict") as caught:
            mended(bad, folder, strict)
        for code in repairs - DECLARED:
            assert f"[{code}]" in str(caught.value), bad.id


def test_a_strict_study_takes_the_decimal_mark_that_it_declares(tmp_path: Path) -> None:
    bad = BY_ID["B007"]
    strict = ("as_of: 2026-12-31\n", "as_of: 2026-12-31\nstrict: true\n")
    said = ("responses:\n", 'responses:\n  delimiter: ";"\n  decimal: ","\n')
    study = mended(bad, tmp_path, strict, said)
    assert [f.code for f in study.findings if f.kind == "repair"] == ["CX-R024"]
    assert study.responses["csat"].mean() == pytest.approx(3.25)


def test_no_odds_ratio_is_printed_where_a_score_tells_everything(tmp_path: Path) -> None:
    frame = opened(BY_ID["B094"], tmp_path).responses
    frame["left"] = frame["review"].astype(int)
    found = separation(frame, outcome="left", predictors=["nps"])
    assert found.guard.fired
    assert found.terms == ("nps",)
    assert "no finite estimate" in found.guard.text


def test_nobody_or_one_who_left_gives_no_model_and_the_reason(tmp_path: Path) -> None:
    for bad in (BY_ID["B091"], BY_ID["B093"]):
        (folder := tmp_path / bad.id).mkdir()
        path = replace(bad, study=bad.study + SURVEY.replace("{file}", "s.csv")).write(folder)
        (folder / "s.csv").write_bytes(SOUND)
        study = cx.open_study(path)
        if bad.id == "B091":
            with pytest.raises(CxkitError, match="None of the 18 customers in the table has left"):
                cx.retention_answer(study, gap=0, horizon=3)
            continue
        result = cx.retention_answer(study, gap=0, horizon=3)
        assert "cannot be told" in result.answer.headline
        fired = {guard.kind: guard.text for guard in result.answer.guards if guard.fired}
        assert "fewer than 5 customers left" in fired["sparse exits"]
        assert "No effect is estimated" in str(result.effects)


def test_a_small_unit_is_hidden_with_the_next_smallest(tmp_path: Path) -> None:
    bad = BY_ID["B104"]
    frame = opened(bad, tmp_path).engagement
    units = frame.groupby("unit").agg(
        n_employees=("respondent", "count"), engagement=("engaged", "mean")
    )
    units = units.assign(n_customers=100, experience=np.nan).fillna({"experience": 4.0})
    shown = showable(units, Policy())
    hidden = set(units.index) - set(shown.units.index)
    assert hidden == {*bad.truth["primary"], *bad.truth["secondary"]}  # type: ignore[misc]
    assert (shown.hidden, shown.taken_along) == (2, 1)
    assert "fewer than 10 employees" in shown.reason
    assert "1 more to protect them" in shown.reason


def test_one_wave_of_nearly_the_same_people_is_not_drawn(tmp_path: Path) -> None:
    frame = opened(BY_ID["B108"], tmp_path).engagement
    apart = people_apart(frame).xs("2026Q1", level="wave")
    assert apart.to_dict() == {"Store A": 1.0}
    units = pd.DataFrame(
        {
            "unit": ["Store A", "Store B", "Store C"],
            "engagement": [3.0, 3.5, 4.0],
            "experience": [4.0, 3.0, 3.5],
            "n_employees": [11, 12, 40],
            "n_customers": [50, 60, 70],
        }
    )
    units["changed"] = units["unit"].map(apart)
    shown = showable(units, Policy())
    assert shown.units["unit"].tolist() == ["Store C"]
    assert (shown.repeated, shown.taken_along) == (1, 1)
    assert "fewer than 10 (differencing rule)" in shown.reason


def test_people_apart_are_those_of_any_other_wave() -> None:
    """By sets of names, wave by wave: the nearest other wave need not be the next one."""
    rng = np.random.default_rng(2)
    rows = pd.DataFrame(
        {
            "unit": rng.choice(["A", "B", "C"], 400),
            "wave": rng.choice(["2024", "2025", "2026"], 400),
            "respondent": rng.integers(0, 60, 400),
        }
    )
    again = rows[(rows["wave"] == "2024") & (rows["respondent"] > 5)].assign(wave="2026")
    once = pd.DataFrame({"unit": "D", "wave": "2025", "respondent": range(9)})
    rows = pd.concat([rows[rows["wave"] != "2026"], again, once])
    found = people_apart(rows)
    asked = rows.groupby(["unit", "wave"])["respondent"].agg(set)
    for (unit, wave), here in asked.items():
        others = [there for (u, w), there in asked.items() if u == unit and w != wave]
        apart = [len(here ^ there) for there in others if here != there]
        assert (found[unit, wave] == min(apart)) if apart else np.isnan(found[unit, wave])
    assert 0 < found["A"]["2024"] == found["A"]["2026"] < 10 < found["A"]["2025"]
    assert people_apart(rows.iloc[:0]).empty


def test_a_unit_of_one_mind_is_hidden_and_never_a_pool_of_its_own(tmp_path: Path) -> None:
    frame = opened(BY_ID["B105"], tmp_path).engagement
    spread = frame.groupby("unit")["engaged"].agg(["mean", "size", "min", "max"])
    units = pd.DataFrame(
        {
            "engagement": spread["mean"],
            "experience": 4.0,
            "n_employees": spread["size"],
            "n_customers": 100,
            "alike": spread["min"] == spread["max"],
        }
    )
    shown = showable(units, Policy())
    assert shown.units.empty
    assert (shown.alike, shown.taken_along) == (1, 1)
    assert shown.pool["engagement"].item() == pytest.approx(frame["engaged"].mean())
    assert "all answered the same (unanimity rule)" in shown.reason


def test_no_word_is_said_of_a_survey_that_declares_what_it_is(tmp_path: Path) -> None:
    """The likert study asks for labels that numbers do not need."""
    (tmp_path / "r.csv").write_bytes(BY_ID["B018"].content or b"")
    study = replaced(SURVEY, ("{{column: csat, scale: [1, 5], top: 4}}", LIKERT))
    text = "study: A\nas_of: 2026-12-31\n" + study.format(file="r.csv")
    (tmp_path / "study.yml").write_text(text, encoding="utf-8")
    assert cx.open_study(tmp_path).findings == ()

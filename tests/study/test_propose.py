"""From files to a study.yml: each line with its evidence, each doubt a question, nothing silent."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pyreadstat
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import cxkit as cx
from cxkit.cli import app
from cxkit.errors import ContractError, DataError
from cxkit.study.contract import read_contract
from cxkit.study.propose import proposal
from cxkit.study.reading import Reading
from tests import firms

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def proposed(folder: Path, text: str, name: str = "responses.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return proposal([folder / name], folder=folder)


def questions(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if "QUESTION" in line]


def test_the_files_of_the_sample_become_its_study(tmp_path: Path) -> None:
    files = sorted(SAMPLE.glob("*.csv"))
    text = proposal(files, folder=SAMPLE)
    (tmp_path / "study.yml").write_text(text, encoding="utf-8")
    guessed, real = read_contract(tmp_path / "study.yml"), read_contract(SAMPLE / "study.yml")
    assert set(guessed.tables) == set(real.tables)
    for name, table in real.tables.items():
        found = {role: spec.column for role, spec in guessed.of(name).roles.items()}
        for role, spec in table.roles.items():
            if role not in getattr(table, "items", {}):
                assert found[role] == spec.column, f"{name}: {role}"
    assert guessed.responses.missing == ("99",)
    assert guessed.as_of == real.as_of
    for file in files:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert len(cx.open_study(tmp_path).responses) == len(firms.sample().responses)


def test_a_key_that_another_file_names_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(
        "id,joined,left,region\nK1,2024-02-11,,North\nK2,2024-03-05,2025-06-30,South\n"
    )
    text = "id,date,recommend\nK1,14.05.2024,9\nK2,02.06.2024,3\n"
    asked = "# QUESTION: Is id the customer, as in customers.csv? Then write  customer: id"
    assert asked not in questions(proposed(tmp_path, text))
    files = [tmp_path / "responses.csv", tmp_path / "customers.csv"]
    assert asked in questions(proposal(files, folder=tmp_path))


def test_each_line_says_why_and_each_doubt_is_a_question(tmp_path: Path) -> None:
    rows = "\n".join(
        f"r{i},{score},{score % 5 + 1},2025-01-0{i % 9 + 1}"
        for i, score in enumerate([10, 99, 3, 7, 0, 9, 8, 1, 2, 5, 6, 4])
    )
    text = proposed(tmp_path, f"id,nps,csat,answered_on\n{rows}\n")
    lines = text.splitlines()
    assert "  nps: {column: nps, scale: [0, 10]}  # whole numbers from 0 to 10, and 99" in lines
    assert "  missing: [99]  # off the scale of nps" in lines
    assert "  # QUESTION: does 99 mean no answer? It counts nowhere as one." in lines
    assert any("From which answer on is a customer satisfied?" in q for q in questions(text))
    assert all("  # " in line for line in lines if line.strip() and line.strip()[0] != "#")
    (tmp_path / "study.yml").write_text(text)
    assert len(cx.open_study(tmp_path).responses) == 12


def test_days_that_may_be_months_are_asked_and_not_proposed(tmp_path: Path) -> None:
    text = proposed(tmp_path, "id,nps,answered_on\na,9,03/04/2025\nb,0,05/06/2025\nc,10,\n")
    assert "  # answered_on: {column: answered_on}" in text
    asked = '# QUESTION: Is the day or the month first? Write  date: "%d/%m/%Y"  or'
    assert any(q.startswith(asked) for q in questions(text))
    assert "as_of:" not in yaml.safe_load(text), "no day is known"
    known = proposed(tmp_path, "id,nps,answered_on\na,9,03/04/2025\nb,0,25/06/2025\nc,10,\n")
    assert '  answered_on: {column: answered_on, date: "%d/%m/%Y"}' in known
    assert "one of them has 25 where the day stands" in known
    assert yaml.safe_load(known)["as_of"].isoformat() == "2025-06-25"


def test_a_scale_whose_ends_nobody_gave_is_asked(tmp_path: Path) -> None:
    rows = "\n".join(f"r{i},{i % 10 + 1},{i % 3 + 2}" for i in range(30))
    text = proposed(tmp_path, f"id,nps,satisfied\n{rows}\n")
    asked = questions(text)
    assert any("Nobody answered 0: is the scale [0, 10]?" in q for q in asked)
    assert any("is the scale [1, 4]? It may be [1, 5] or [1, 6]" in q for q in asked)


def test_labels_of_the_file_are_the_best_evidence(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [1.0, 2.0, 3.0], "q1": [2.0, 4.0, 9.0], "nps": [0.0, 10.0, 5.0]})
    pyreadstat.write_sav(
        frame,
        tmp_path / "responses.sav",
        column_labels={"q1": "How satisfied are you?"},
        variable_value_labels={"q1": {1: "not", 2: "", 3: "", 4: "", 5: "very", 9: "No answer"}},
        missing_ranges={"q1": [9]},
    )
    text = proposal([tmp_path / "responses.sav"], folder=tmp_path)
    line = next(line for line in text.splitlines() if "csat:" in line)
    assert "csat: {column: q1, scale: [1, 5], top: 4}" in line
    assert "the file has words for 1 to 5" in line
    assert '"How satisfied are you?"' in line
    assert "reading it: column q1: 1 value is missing, as the file declares" in text


@pytest.mark.parametrize(
    ("words", "values", "scale", "asked"),
    [
        ({1: "never", 2: "rarely", 3: "often", 9: "no reply"}, [1, 2, 3, 9], "[1, 3]", "9"),
        ({0: "no answer", 1: "never", 2: "rarely", 3: "often"}, [0, 1, 2, 3], "[1, 3]", "0"),
        ({0: "worst", 10: "best"}, [0, 5, 9, 10], "[0, 10]", ""),
        ({1: "never", 2: "rarely", 3: "often"}, [1, 2, 3, 3], "[1, 3]", ""),
    ],
)
def test_a_label_that_is_no_answer_is_no_end_of_the_scale(
    words: dict[int, str], values: list[int], scale: str, asked: str, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"response": ["a", "b", "c", "d"], "csat": [float(v) for v in values]})
    path = tmp_path / "responses.sav"
    pyreadstat.write_sav(frame, path, variable_value_labels={"csat": words})
    text = proposal([path], folder=tmp_path)
    assert f"csat: {{column: csat, scale: {scale}" in text
    assert (f"# QUESTION: does {asked} mean no answer?" in text) == bool(asked)
    assert (f"missing: [{asked}]" in text) == bool(asked)


def test_a_title_with_empty_fields_is_no_header(tmp_path: Path) -> None:
    body = "Kundennr.;Datum;Weiterempfehlung\n" + "".join(
        f"{i:05d};0{i}.05.2025;{i}\n" for i in range(1, 9)
    )
    with pytest.raises(DataError, match="seems to be line 4") as caught:
        proposed(tmp_path, "Volksbank;;\nExport;vom;\n;;\n" + body)
    assert "--skip-rows" in str(caught.value)
    text = proposal([tmp_path / "responses.csv"], folder=tmp_path, how=Reading(skip_rows=3))
    assert "skip_rows: 3" in text
    assert "customer: Kundennr." in text
    spare = "Kundennr.;Weiterempfehlung;;;\n" + "1;9;;;\n2;8;;;\n"  # empty columns, no title
    assert "nps: {column: Weiterempfehlung" in proposed(tmp_path, spare)


def test_a_count_of_seconds_is_no_id_and_asked_about(tmp_path: Path) -> None:
    rows = "".join(f"r{i},{1_735_689_600 + 86_400 * i},{i % 11}\n" for i in range(20))
    (tmp_path / "a.csv").write_text("response,created,nps\n" + rows)
    shown = cx.describe(tmp_path / "a.csv").frame.set_index("column").loc["created"]
    assert shown["kind"] == "number"
    assert "count of seconds" in " ".join(map(str, shown))


def test_answers_that_nothing_speaks_for_are_shown_as_they_would_be_written(
    tmp_path: Path,
) -> None:
    rows = "".join(f"{i},{i % 11},x{i % 3}\n" for i in range(22))
    text = proposed(tmp_path, "thing,score,where\n" + rows, "odd.csv")
    assert "# QUESTION: which table is odd.csv?" in text
    line = next(line for line in text.splitlines() if "begin with" in line)
    said = yaml.safe_load(line.partition("begin with  ")[2])
    assert said == {"responses": {"file": "odd.csv", "nps": {"column": "score", "scale": [0, 10]}}}


def test_every_sheet_may_be_a_table(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Customers"
    for row in (
        ["customer_id", "joined_on", "left_on"],
        ["c1", "2024-01-01", None],
        ["c2", "2024-02-01", "2025-01-31"],
    ):
        book.active.append(row)
    answers = book.create_sheet("Wave 1")
    for row in (["response_id", "customer_id", "nps"], ["r1", "c1", 9], ["r2", "c2", 0]):
        answers.append(row)
    book.save(tmp_path / "a.xlsx")
    text = proposal([tmp_path / "a.xlsx"], folder=tmp_path)
    found = yaml.safe_load(text)
    assert found["customers"]["sheet"] == "Customers"
    assert (found["responses"]["file"], found["responses"]["sheet"]) == ("a.xlsx", "Wave 1")
    (tmp_path / "study.yml").write_text(text)
    assert len(cx.open_study(tmp_path).customers) == 2
    shown = cx.describe(tmp_path / "a.xlsx")
    assert shown.frame["column"].tolist()[0] == "Customers: customer_id"
    assert "a.xlsx Wave 1: 2 rows, perhaps the table responses." in shown.caption


def test_what_looks_like_no_table_is_asked(tmp_path: Path) -> None:
    text = proposed(tmp_path, "a,b\nx,y\nz,w\n", "other.csv")
    assert any(q.startswith("# QUESTION: which table is other.csv?") for q in questions(text))
    assert set(yaml.safe_load(text)) == {"study"}
    twice = tmp_path / "responses_2.csv"
    twice.write_text("response_id,nps\nr1,9\n")
    (tmp_path / "responses.csv").write_text("response_id,nps\nr1,9\n")
    both = proposal([tmp_path / "responses.csv", twice], folder=tmp_path)
    assert any(
        "responses_2.csv looks like responses, as responses.csv does" in q for q in questions(both)
    )


def test_no_value_of_an_employee_is_written(tmp_path: Path) -> None:
    text = proposed(
        tmp_path,
        "employee_id,branch,hired_on,left_on,pay_band\nKANARI,b1,1987-03-04,,Z9\n"
        "e2,b1,2001-02-03,2024-05-06,Z8\n",
        "staff.csv",
    )
    assert yaml.safe_load(text)["staff"]["start"] == "hired_on"
    shown = str(cx.describe(tmp_path / "staff.csv"))
    for value in ("KANARI", "1987-03-04", "2001-02-03", "Z9"):
        assert value not in text
        assert value not in shown


NAMES = st.text(
    st.characters(exclude_characters='\0\r\n,"', exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name.strip() == name)


@settings(max_examples=60)
@given(names=st.lists(NAMES, min_size=3, max_size=3, unique=True), word=NAMES)
def test_no_name_or_value_breaks_out_of_its_place(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], word: str
) -> None:
    folder = tmp_path_factory.mktemp("names")
    header = [f"customer {names[0]}", f"start {names[1]}", f"left {names[2]}", "group"]
    rows = [["c1", "2024-01-01", "2025-01-01", word], ["c2", "2024-01-01", "", word + "x"]]
    frame = pd.DataFrame(rows, columns=header)
    frame.to_json(folder / "customers.json", orient="records")
    text = proposal([folder / "customers.json"], folder=folder)
    found = yaml.safe_load(text)
    assert set(found) == {"study", "as_of", "customers"}
    taken = [found["customers"].get(role) for role in ("customer", "start", "end")]
    named = [t if isinstance(t, str) else (t or {}).get("column") for t in taken]
    assert set(named) - {None} <= set(header)


def test_init_writes_once_and_check_reads_it(tmp_path: Path) -> None:
    (tmp_path / "responses.csv").write_text(
        "response_id,nps,answered\nr1,9,2025-01-05\nr2,0,2025-02-01\n"
    )
    out = tmp_path / "study.yml"
    arguments = ["init", str(tmp_path / "responses.csv"), "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert f"questions to answer in it: {len(questions(out.read_text())) - 1};" in result.output
    checked = CliRunner().invoke(app, ["check", str(out)])
    assert checked.exit_code == 0, checked.output
    before = out.read_bytes()
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 2
    assert "not written over" in again.output
    assert out.read_bytes() == before


def test_init_asks_for_a_separator_and_takes_what_is_said(tmp_path: Path) -> None:
    (tmp_path / "responses.csv").write_text("nps;a,b\n9;1,5\n0;2,5\n10;3,5\n")
    (tmp_path / "customers.csv").write_text(
        "customer_id,joined_on,left_on\nc1,2024-01-01,\nc2,2024-02-01,2025-01-31\n"
    )
    out = tmp_path / "study.yml"
    init = ["init", *(str(tmp_path / f"{name}.csv") for name in ("responses", "customers"))]
    init += ["--out", str(out)]
    asked = CliRunner().invoke(app, init)
    assert asked.exit_code == 2
    assert "cxkit init --delimiter" in asked.output
    assert not out.exists()
    with pytest.raises(DataError, match=r"cx\.describe\(\.\.\., delimiter=\.\.\.\)"):
        cx.describe(tmp_path / "responses.csv")
    refused = CliRunner().invoke(app, [*init, "--delimiter", ";;"])
    assert refused.exit_code == 2
    assert "delimiter: ';;' cannot be: it is one character" in refused.output
    assert CliRunner().invoke(app, [*init, "--delimiter", ";"]).exit_code == 0
    found = yaml.safe_load(out.read_text())
    assert found["responses"]["delimiter"] == ";"
    assert "delimiter" not in found["customers"], "said only of the file that does not tell"
    assert CliRunner().invoke(app, ["check", str(out)]).exit_code == 0
    shown = cx.describe(tmp_path / "responses.csv", delimiter=";")
    assert shown.frame["column"].tolist() == ["nps", "a,b"]


def test_lines_above_a_header_are_said_as_a_number(tmp_path: Path) -> None:
    (tmp_path / "responses.csv").write_text("Survey of May\nnps,csat\n9,4\n0,1\n10,5\n")
    with pytest.raises(DataError, match="cxkit init --skip-rows"):
        proposal([tmp_path / "responses.csv"], folder=tmp_path)
    text = proposal([tmp_path / "responses.csv"], folder=tmp_path, how=Reading(skip_rows=1))
    assert yaml.safe_load(text)["responses"]["skip_rows"] == 1
    (tmp_path / "study.yml").write_text(text + "as_of: 2025-12-31\n")
    assert cx.open_study(tmp_path).responses["nps"].tolist() == [9, 0, 10]


def test_a_day_in_no_role_is_asked_about(tmp_path: Path) -> None:
    survey = "nps,customer,{}\n9,c1,2025-01-05\n0,c2,2025-02-01\n"
    for name in ("Datum Antwort", "answered"):
        text = proposed(tmp_path, survey.format(name))
        found = yaml.safe_load(text)["responses"]["answered_on"]
        assert (found if isinstance(found, str) else found["column"]) == name
        assert not any("hold asked_on" in q for q in questions(text))
    text = proposed(tmp_path, survey.format("paivays"))
    assert "answered_on" not in yaml.safe_load(text)["responses"]
    (asked,) = [q for q in questions(text) if "paivays" in q]
    assert "does paivays hold asked_on or answered_on? For example  answered_on: paivays" in asked


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b'{"error": 1}', r"no list of records.*CX-E007"),
        (None, "no such file"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=f"(?s)a.csv.*{told}"):
        proposal([tmp_path / "a.csv"], folder=tmp_path)


def test_a_role_that_is_needed_and_not_found_is_asked(tmp_path: Path) -> None:
    text = proposed(
        tmp_path, "customer_id,joined_on\nc1,2024-01-01\nc2,2024-02-01\n", "customers.csv"
    )
    assert "  # QUESTION: which column is end? None was found." in text.splitlines()
    (tmp_path / "study.yml").write_text(text)
    with pytest.raises(ContractError, match="needs the key end"):
        cx.open_study(tmp_path)

"""A plan becomes a folder of reports: who is whole, who is not, what stays, what is told."""

import hashlib
import html
import json
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cxkit.errors import MachineError, ParameterError
from cxkit.report import files, plan, render
from cxkit.report.batch import planned, run_batch
from cxkit.report.clean import faults
from cxkit.report.make import Report, make, prepare
from cxkit.results import PROVENANCE_MIME
from tests.report import made

SCRIPT = (Path(render.__file__).parent / "template" / "index.js").read_text(encoding="utf-8")
EARLIER = b"an earlier whole report"


def text_of(page: str) -> str:
    """Return what a reader of a page reads."""
    page = re.sub(r'<span class="nb">(.*?)</span>', r"\1", page)
    body = re.sub(r"<script>.*?</script>|<[^>]+>", " ", page.split("</head>")[1], flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(body))


@pytest.fixture(scope="module")
def batch(
    tiny_notebook: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Report]]:
    """Run a plan of one whole, one failing and one refused report, each with an earlier file."""
    folder = tmp_path_factory.mktemp("batch")
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    shutil.copy(tiny_notebook, notebooks)
    failing = made.content(
        ("markdown", "# Does it fail?\n\n## Here"), made.LEVEL, ("code", "{}['CANARY']"), made.END
    )
    refused = made.content(
        ("markdown", "# Is it refused?"), made.LEVEL, ("code", "import cxkit\ncxkit.nps([11])")
    )
    (notebooks / "failing.ipynb").write_text(json.dumps(failing), encoding="utf-8")
    (notebooks / "refused.ipynb").write_text(json.dumps(refused), encoding="utf-8")
    (folder / "plan.yml").write_text(
        "defaults: {level: 0.9}\n"
        "reports:\n"
        "  - {name: fails, notebook: notebooks/failing.ipynb}\n"
        "  - {name: tiny, notebook: notebooks/tiny.ipynb, parameters: {months: 6}}\n"
        "  - {name: refused, notebook: notebooks/refused.ipynb, parameters: {level: 0.8}}\n",
        encoding="utf-8",
    )
    for name in ("fails", "tiny"):
        (folder / f"{name}.html").write_bytes(EARLIER)
    return folder, run_batch(planned(folder / "plan.yml"), workers=1)


@pytest.mark.notebook
class TestABatch:
    def test_one_bad_report_does_not_stop_the_others(
        self, batch: tuple[Path, list[Report]]
    ) -> None:
        _, reports = batch
        assert [(r.job.name, r.verdict.status) for r in reports] == [
            ("fails", "failed"),
            ("tiny", "whole"),
            ("refused", "refused"),
        ]
        # To read it, the one who asked would import the engine with all its grammars.
        assert b"nbformat" not in pickle.dumps(reports)

    def test_a_whole_report_takes_the_place_of_the_old_one_a_failed_one_does_not(
        self, batch: tuple[Path, list[Report]]
    ) -> None:
        folder, _ = batch
        assert (folder / "tiny.html").read_bytes() != EARLIER
        assert (folder / "fails.html").read_bytes() == EARLIER
        assert not (folder / "refused.html").exists()
        assert not (folder / "fails.ipynb").exists()
        assert not list(folder.glob(".*"))

    def test_the_index_tells_status_n_and_headline(self, batch: tuple[Path, list[Report]]) -> None:
        page = (batch[0] / "index.html").read_text(encoding="utf-8")
        text = text_of(page)
        assert faults(page, script=SCRIPT) == []
        assert "default-src 'none'" in page
        assert "Seven answers · 3 reports, 1 whole" in text
        assert re.search(r"level = 0.9, months = 6 Whole n = 7 Seven answers cannot tell", text)
        assert "Seven answers cannot tell whether more would recommend than warn." in text
        assert "NPS: 28.6 points (90 % interval −23.8 to 63.8)" in text
        assert "level = 0.9, months = 6" in text
        assert re.search(
            r"Does it fail\? .*Failed – A cell ended with KeyError, in the part .Here.", text
        )
        assert "An earlier whole report is still here: fails.html" in text
        assert "An answer lies outside the scale that was declared for it." in text
        assert "is not a whole number from 0 to 10" not in text, "which quotes the answer"
        assert re.findall(r'href="([^"]+)"', page) == [
            "fails.FAILED.html",
            "fails.html",
            "tiny.html",
            "refused.FAILED.html",
        ]

    def test_no_value_of_the_data_reaches_the_index_or_the_record(
        self, batch: tuple[Path, list[Report]]
    ) -> None:
        for name in ("index.html", "run.json"):
            assert "CANARY" not in (batch[0] / name).read_text(encoding="utf-8")

    def test_the_record_holds_what_a_page_must_not(self, batch: tuple[Path, list[Report]]) -> None:
        folder, _ = batch
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        assert record["whole"] is False
        assert record["began"] <= record["ended"]
        assert {"python", "cxkit", "pandas", "papermill"} <= set(record["versions"])
        fails, tiny, refused = record["reports"]
        assert (fails["status"], fails["error"], fails["html"]) == ("failed", "KeyError", None)
        assert refused["error"] == "ScaleError"
        assert tiny["parameters"]["months"] == 6
        page = (folder / "tiny.html").read_bytes()
        assert tiny["html_sha256"] == hashlib.sha256(page).hexdigest()
        source = (folder / "notebooks" / "tiny.ipynb").read_bytes()
        assert tiny["notebook_sha256"] == hashlib.sha256(source).hexdigest()
        assert tiny["answer"]["n"] == 7


def test_a_fault_anywhere_in_the_plan_stops_it_before_anything_runs(
    tiny_notebook: Path, tmp_path: Path
) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(
        "reports:\n"
        f"  - {{name: good, notebook: {tiny_notebook}}}\n"
        f"  - {{name: bad, notebook: {tiny_notebook}, parameters: {{levle: 0.9, months: many}}}}\n"
        "  - {name: gone, notebook: gone.ipynb}\n",
        encoding="utf-8",
    )
    with pytest.raises(ParameterError, match=r"plan\.yml: nothing was run, for 2 things") as told:
        run_batch(planned(path))
    assert all(w in str(told.value) for w in ("'bad'", "'level'", "months=many", "gone.ipynb"))
    assert [p.name for p in tmp_path.iterdir()] == ["plan.yml"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "not a plan"),
        ("- a\n- b", "not a plan"),
        ("reports: []", "lists no report"),
        ("report:\n  - a", "no key 'report'; did you mean 'reports'"),
        ("reports: [{name: a}]", "report 1: notebook must be given"),
        ("reports: [{notebook: a.ipynb}]", "report 1: name must be given"),
        ("reports: [a]", "report 1: it must have a name and a notebook"),
        ("reports: [{name: a, notebook: b, notebok: c}]", "no key 'notebok'; did you mean"),
        ("reports: [{name: a, notebook: b}, {name: A, notebook: b}]", "taken by report 1"),
        ("reports: [{name: ../a, notebook: b}]", "cannot be the name of a report"),
        ("reports: [{name: 'a b', notebook: b}]", "cannot be the name of a report"),
        ("reports: [{name: index, notebook: b}]", "a file that every batch writes"),
        ("reports: [{name: 7, notebook: b}]", "name must be given, as text"),
        ("reports: [{name: a, notebook: b, parameters: [c]}]", "must be names with values"),
        ("defaults: 3\nreports: [{name: a, notebook: b}]", "'defaults' must be names"),
        ("reports: [{name: a, name: b, notebook: c}]", "line 1: the key 'name' comes twice"),
        ("reports: [", "line 1"),
        ("reports: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("reports: \t- a", "line 1"),
    ],
)
def test_a_plan_is_refused_in_the_kits_words(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ParameterError, match=told) as refused:
        plan.read(path)
    assert "yaml.org" not in str(refused.value).replace("tag:yaml.org", "")
    assert "plan.yml" in str(refused.value)


def test_a_plan_that_is_not_there_shows_what_one_looks_like(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="there is no such plan") as refused:
        plan.read(tmp_path / "plan.yml")
    assert "reports:" in str(refused.value)


def test_a_reports_own_parameters_override_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(
        "defaults: {level: 0.9, study: a}\n"
        "reports: [{name: x, notebook: n, parameters: {level: 0.8}}]",
        encoding="utf-8",
    )
    assert plan.read(path)[0].parameters == {"level": 0.8, "study": "a"}


def test_a_notebook_is_not_overwritten_by_its_own_copy(tiny_notebook: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.ipynb"
    shutil.copy(tiny_notebook, own)
    with pytest.raises(ParameterError, match="its executed copy would take its place"):
        make(prepare(own, {}, name="own"), out=tmp_path, cwd=tmp_path)
    (tmp_path / "plan.yml").write_text("reports: [{name: own, notebook: own.ipynb}]")
    with pytest.raises(ParameterError, match=r"report 'own': own\.ipynb: its executed copy"):
        run_batch(planned(tmp_path / "plan.yml"))
    assert own.read_bytes() == tiny_notebook.read_bytes()


class TestFiles:
    def test_a_file_is_written_whole_and_leaves_nothing_else(self, tmp_path: Path) -> None:
        files.write(tmp_path / "a.html", b"one")
        files.write(tmp_path / "a.html", b"two")
        assert [p.name for p in tmp_path.iterdir()] == ["a.html"]
        assert (tmp_path / "a.html").read_bytes() == b"two"

    def test_a_file_that_cannot_be_put_in_place_leaves_the_old_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        files.write(tmp_path / "a.html", b"one")

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(MachineError, match=r"\(No space left on device\); what was there"):
            files.write(tmp_path / "a.html", b"two")
        assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.html", b"one")]

    def test_a_folder_is_made_and_a_file_in_its_place_is_refused(self, tmp_path: Path) -> None:
        assert files.folder(tmp_path / "a" / "b").is_dir()
        (tmp_path / "file").touch()
        with pytest.raises(MachineError, match="cannot be made") as refused:
            files.folder(tmp_path / "file" / "a")
        assert refused.value.exit_code == 3

    def test_a_report_is_not_written_through_a_link(self, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.write_bytes(b"theirs")
        (tmp_path / "a.html").symlink_to(outside)
        files.write(tmp_path / "a.html", b"ours")
        assert outside.read_bytes() == b"theirs"
        assert not (tmp_path / "a.html").is_symlink()


@pytest.mark.notebook
def test_a_kernel_that_cannot_start_is_a_fault_of_the_machine(
    tiny_notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "no-python"))
    report = make(prepare(tiny_notebook, {}, name="tiny"), out=tmp_path, cwd=tmp_path)
    assert "kernel could not be started" in report.verdict.reason
    assert report.verdict.exit_code == 3
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["tiny.FAILED.html", "tiny.FAILED.log"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run a plan of three reports that read one file; the second fails while `bad` is there."""
    folder = tmp_path_factory.mktemp("three")
    (folder / "data.csv").write_text("score\n9\n", encoding="utf-8")
    content = made.content(
        ("parameters", 'level = 0.95\ndata = ""  # a file'),
        (
            "code",
            "import pathlib\n"
            "assert level != 0.5 or not pathlib.Path('bad').exists()\n"
            f"display({{'{PROVENANCE_MIME}': {{'parameters': dict(level=level, data=data)}}}}, "
            "raw=True)",
        ),
    )
    (folder / "made.ipynb").write_text(json.dumps(content), encoding="utf-8")
    (folder / "bad").touch()
    (folder / "plan.yml").write_text(
        "defaults: {data: data.csv}\n"
        "reports:\n"
        "  - {name: 'r_{level}', notebook: made.ipynb, for_each: {level: [0.9, 0.5, 0.1]}}\n",
        encoding="utf-8",
    )
    assert statuses(folder / "plan.yml", workers=2) == {
        "r_0-9": ("whole", True),
        "r_0-5": ("failed", True),
        "r_0-1": ("whole", True),
    }
    return folder


def statuses(plan: Path, workers: int = 1, **choices: object) -> dict[str, tuple[str, bool]]:
    """Run what is asked for; return the status of each report and whether it was made anew."""
    made = run_batch(planned(plan, **choices), workers=workers)
    return {r.job.name: (r.verdict.status, r.fresh) for r in made}


@pytest.mark.notebook
def test_only_and_shard_leave_the_others_as_they_were(ran: Path, tmp_path: Path) -> None:
    three = shutil.copytree(ran, tmp_path / "copy") / "plan.yml"
    (three.parent / "bad").unlink(missing_ok=True)
    before = (three.parent / "r_0-9.html").stat().st_mtime_ns
    assert list(statuses(three, only=["r_0-[15]"])) == ["r_0-5", "r_0-1"]
    assert (three.parent / "r_0-9.html").stat().st_mtime_ns == before
    page = (three.parent / "index.html").read_text(encoding="utf-8")
    assert all(f'href="r_0-{n}.html"' in page for n in (9, 5, 1))
    assert list(statuses(three, shard=(1, 2))) == ["r_0-9", "r_0-1"]
    assert list(statuses(three, shard=(2, 2))) == ["r_0-5"]
    assert (three.parent / "run-2-of-2.json").is_file()
    assert {fresh for _, fresh in statuses(three, resume=True).values()} == {False}
    asked = three.read_text(encoding="utf-8")
    three.write_text(
        asked.replace("r_{level}", "r_{n}").replace(
            "{level: [0.9, 0.5, 0.1]}", "[{n: 0-9, level: 0.8}, {n: 0-5, level: 0.5}]"
        ),
        encoding="utf-8",
    )
    assert list(statuses(three, only=["r_0-5"])) == ["r_0-5"]
    index = (three.parent / "index.html").read_text(encoding="utf-8")
    assert "r_0-5.html" in index
    assert "r_0-9.html" not in index, "what it tells is not what the plan now asks"
    with pytest.raises(ParameterError, match="no report is called south; there are: r_0-9"):
        planned(three, only=["south"])


@pytest.mark.notebook
def test_resume_makes_what_failed_or_would_come_out_differently(ran: Path) -> None:
    out, three = ran, ran / "plan.yml"
    assert (out / "r_0-5.FAILED.html").is_file()
    (out / "bad").unlink()
    assert statuses(three, resume=True) == {
        "r_0-9": ("whole", False),
        "r_0-5": ("whole", True),
        "r_0-1": ("whole", False),
    }
    assert not list(out.glob("*.FAILED.*"))
    (out / "r_0-1.html").write_bytes(b"changed by hand")
    assert statuses(three, resume=True)["r_0-1"] == ("whole", True)
    (out / "data.csv").write_text("score\n8\n", encoding="utf-8")
    assert {fresh for _, fresh in statuses(three, workers=2, resume=True).values()} == {True}
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["whole"] is True
    assert record["interrupted"] is False
    assert [r["inputs"][0]["file"] for r in record["reports"]] == [str(out / "data.csv")] * 3


def test_a_worker_that_is_killed_fails_its_own_report_only(
    notebook: Callable[..., Path], tmp_path: Path
) -> None:
    kill = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"
    notebook(made.LEVEL, ("code", f"if level == 0.5:\n    {kill.replace(chr(10), '; ')}"), made.END)
    path = tmp_path / "plan.yml"
    path.write_text(
        "reports: [{name: 'r_{level}', notebook: made.ipynb, for_each: {level: [0.5, 0.9]}}]",
        encoding="utf-8",
    )
    lost, whole = run_batch(planned(path), workers=1)
    assert whole.verdict.whole
    assert "ended (signal 9" in lost.verdict.reason
    assert (tmp_path / "r_0-5.FAILED.html").is_file()

"""The index: a whole table without its script, and a script that the policy names by its hash."""

import base64
import dataclasses
import hashlib
import json
import re
from pathlib import Path

import pytest

from cxkit.errors import ReportError
from cxkit.report import batch, make, record, render
from cxkit.report.clean import faults
from cxkit.report.verdict import Verdict
from cxkit.report.whiskers import whiskers
from tests.report.test_render import ATTACKS, Tree

SCRIPT = (Path(render.__file__).parent / "template" / "index.js").read_text(encoding="utf-8")


def answer(value: float, *, null: float | None = 0.0, unit: str = "points") -> dict[str, object]:
    """What an answer says of itself, with an interval of four about its number."""
    ends = {"low": value - 2, "high": value + 2, "null": null}
    return {"metric": "change", "measured_in": unit, "value": value, "n": 1200, **ends}


def row(name: str, **given: object) -> render.Row:
    told = {"title": "Q?", "status": "whole", "href": f"{name}.html", "n": "1,200"}
    return render.Row(name=name, **{**told, **given})


def page(*rows: render.Row) -> str:
    index = render.Index(title="Reports", context="c", rows=rows)
    return render.render_index(index).decode()


def test_it_holds_one_script_and_the_policy_names_it() -> None:
    html = page(row("a", answer=answer(3)))
    (said,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(said.encode()).digest()).decode()
    (policy,) = [m["content"] for m in Tree(html).all("meta") if "http-equiv" in m]
    assert str(policy).endswith(f"; script-src 'sha256-{digest}'")
    assert faults(html, script=SCRIPT) == []
    assert faults(html) == ["an element script"]
    assert not re.search(r"fetch\(|XMLHttp|import\(|eval\(|https?:", said)


@pytest.mark.parametrize(
    "script",
    [
        "<script>run()</script>",
        "<script src='x.js'></script>",
        f"<script async>{SCRIPT}</script>",
        f"<script>{SCRIPT}run()</script>",
        f"<script>{SCRIPT}",
        "<script>",
    ],
)
def test_no_other_script_passes_the_last_wall(script: str) -> None:
    assert faults(f"<p>a</p>{script}", script=SCRIPT)


def test_every_report_says_status_n_answer_and_figure_in_a_table() -> None:
    html = page(
        row("a", headline="It rose by 3 (95 % interval 1 to 5).", answer=answer(3)),
        row("b", title="Other?", asked="where = x", answer=answer(-4), number="−4"),
        render.Row(name="c", title="C?", status="failed", reason="why", failed="c.FAILED.html"),
    )
    tree = Tree(html)
    assert len(tree.all("table")) == 1
    assert len([t for t in tree.all("th") if t.get("scope") == "row"]) == 3
    assert [t["role"] for t in tree.all("th")].count("columnheader") == 5
    assert [i["alt"] for i in tree.all("img")] == [
        "change 3.0 points, interval 1.0 to 5.0, above 0",
        "change −4.0 points, interval −6.0 to −2.0, below 0",
    ]
    assert {a["href"] for a in tree.all("a")} == {"a.html", "b.html", "c.FAILED.html"}
    for words in ("Whole", "Failed", "1,200", "It rose by 3", "why", "where = x"):
        assert words in tree.text


def test_links_to_one_question_asked_of_many_parts_differ() -> None:
    html = page(*(row(f"r{i}", asked=f"where = region={i}", answer=answer(i)) for i in range(3)))
    links = re.findall(r"<a href[^>]*>(.*?)</a>", html, re.DOTALL)
    assert len({re.sub(r"<[^>]+>", "", link) for link in links}) == 3


def test_what_all_reports_of_a_notebook_share_is_not_said_in_every_link(
    tiny_notebook: Path, tmp_path: Path
) -> None:
    given = [{"months": "6", "level": level} for level in ("0.8", "0.9")] + [{"months": "6"}]
    reports = [
        dataclasses.replace(
            make.Report.failed_for(make.prepare(tiny_notebook, one, name=f"r{i}"), "why"),
            verdict=Verdict(status="whole"),
            title="Q?",
        )
        for i, one in enumerate(given)
    ]
    html = page(*(batch._row(r, reports, tmp_path) for r in reports))
    links = [re.sub(r"<[^>]+>", "", a) for a in re.findall(r"<a href[^>]*>(.*?)</a>", html)]
    assert links == ["Q? level = 0.8", "Q? level = 0.9", "Q? r2"]
    assert html.count("months = 6") == 3
    alone = page(batch._row(reports[0], reports[:1], tmp_path))
    assert "level = 0.8, months = 6" in alone


def dots(answers: list[dict[str, object]]) -> list[float]:
    drawn = [base64.b64decode(w.source.split(",")[1]).decode() for w in whiskers(answers) if w]
    return [float(re.search(r'cx="([\d.]+)"', svg)[1]) for svg in drawn]


def test_numbers_of_one_measure_share_an_axis_and_others_do_not() -> None:
    low, middle, high = dots([answer(0), answer(5), answer(10)])
    assert middle - low == pytest.approx(high - middle, abs=0.11)
    assert low < middle < high
    assert dots([answer(5), answer(5000, unit="days")])[0] == dots([answer(5)])[0]


def test_without_an_interval_there_is_no_whisker() -> None:
    assert whiskers([{}, answer(1) | {"low": None}, answer(1) | {"value": None}]) == [None] * 3
    (drawn,) = whiskers([answer(1, null=None) | {"low": 1, "high": 1}])
    assert drawn is not None
    assert drawn.alt == "change 1.0 points, interval 1.0 to 1.0"
    assert "null" not in base64.b64decode(drawn.source.split(",")[1]).decode().split("</style>")[1]


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_what_the_data_say_is_inert_in_the_index_too(attack: str) -> None:
    html = page(
        row(
            "a",
            title=attack,
            headline=attack,
            number=attack,
            reason=attack,
            asked=attack,
            answer=answer(1) | {"metric": attack},
        )
    )
    assert faults(html, script=SCRIPT) == []
    tree = Tree(html)
    assert len(tree.all("script")) == 1
    assert not any(name.startswith("on") for _, given in tree.elements for name in given)


def test_a_link_that_leads_elsewhere_is_refused() -> None:
    with pytest.raises(ReportError, match="would not be inert"):
        page(row("a", href="https://evil.example"))


def test_a_refusal_quotes_no_value_to_everyone(tiny_notebook: Path, tmp_path: Path) -> None:
    """Neither the index nor run.json; its class, its code and where it stopped are told."""
    found = "responses.csv line 9, column nps: 4711 is off its scale (CX-E031).\n  Also CX-E104."
    refused = Verdict(status="refused", reason=found, cell="Data", error="DataError")
    job = make.prepare(tiny_notebook, {}, name="r")
    (tmp_path / "r.FAILED.html").touch()
    report = dataclasses.replace(
        make.Report.failed_for(job, ""), verdict=refused, failed=tmp_path / "r.FAILED.html"
    )
    html = page(batch._row(report, [report], tmp_path))
    run = record.Run(
        plan="p", plan_sha256="", began="", ended="", jobs=1, interrupted=False, reports=[report]
    )
    told = run.as_bytes().decode()
    assert "4711" not in html + told
    for words in ("DataError, in the part", "The data contradict", "Code: CX-E031, CX-E104."):
        assert words in Tree(html).text
        assert words in told
    assert "r.FAILED.html" in html
    later = json.loads(told)["reports"][0]
    kept = record.remembered(job, later, tmp_path)
    assert kept is not None
    assert kept.verdict.public == refused.public
    failed = dataclasses.replace(refused, status="failed", reason="a cell ended with DataError")
    assert failed.public == "a cell ended with DataError, in the part 'Data'"

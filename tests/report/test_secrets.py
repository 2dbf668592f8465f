"""A secret of the environment never reaches a file, in whatever form it is written."""

import base64
import html
import io
import json
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxkit.errors import ParameterError, ReportError
from cxkit.report import files, progress, secrets
from cxkit.report.make import make, prepare
from tests.report import made

VALUE = "S3cret<&>\"'/pä ss"
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "html": html.escape,
    "json": json.dumps,
    "json in utf-8": lambda v: json.dumps(v, ensure_ascii=False),
    "html in json": lambda v: json.dumps(html.escape(v)),
    "address": lambda v: urllib.parse.quote(v, safe=""),
    **{
        f"base64 after {n}": lambda v, n=n: base64.b64encode(b"a" * n + v.encode() + b"b").decode()
        for n in range(5)
    },
}


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SHOP_DB_PASSWORD", VALUE)
    return VALUE


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_it_is_found_however_it_is_written(secret: str, form: Callable[[str], str]) -> None:
    content = f"<p>before {form(secret)} after</p>".encode()
    with pytest.raises(ReportError, match=r"a.html was not written.* SHOP_DB_PASSWORD") as told:
        secrets.check({"b.html": b"clean", "a.html": content})
    assert secret not in str(told.value)
    assert b"[SHOP_DB_PASSWORD]" in secrets.masked(content)
    assert form(secret)[2:-6].encode() not in secrets.masked(content)


@given(before=st.binary(max_size=5), value=st.text("abcXYZ019+/=-é<", min_size=8, max_size=30))
def test_it_is_found_inside_any_picture(before: bytes, value: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("API_TOKEN", value)
        coded = base64.b64encode(before + value.encode() + b"rest")
        if value.strip() == value:
            with pytest.raises(ReportError):
                secrets.check({"a": coded})


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("API_KEY", "0123456789", True),
        ("key", "0123456789", True),
        ("WAREHOUSE", "postgresql://cx:0123456789@host/db", True),
        ("MONKEY", "0123456789", False),
        ("PWD", "0123456789", False),
        ("API_KEY", "0123456", False),
        ("API_KEY", "", False),
    ],
)
def test_what_counts_as_a_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, found: bool
) -> None:
    monkeypatch.setenv(name, value)
    assert (secrets.masked(b"x 0123456789 y") != b"x 0123456789 y") is found


def test_a_report_that_shows_one_is_not_made_and_no_file_holds_it(
    secret: str, notebook: Callable[..., Path], tmp_path: Path
) -> None:
    source = "import os\nprint(os.environ['SHOP_DB_PASSWORD'])"
    path = notebook(("markdown", "# Q"), made.LEVEL, ("code", source), made.END)
    out = tmp_path / "out"
    out.mkdir()
    report = make(prepare(path, {}, name="told"), out=out, cwd=tmp_path)
    assert report.verdict.status == "failed"
    assert "SHOP_DB_PASSWORD" in report.verdict.reason
    written = {p.name: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert "told.FAILED.html" in written
    assert "told.html" not in written
    secrets.check(written)


def test_a_log_of_a_failure_holds_the_name_in_its_place(
    secret: str, notebook: Callable[..., Path], tmp_path: Path
) -> None:
    source = "import os\nraise ValueError(os.environ['SHOP_DB_PASSWORD'])"
    path = notebook(("markdown", "# Q"), made.LEVEL, ("code", source), made.END)
    out = tmp_path / "out"
    out.mkdir()
    make(prepare(path, {}, name="told"), out=out, cwd=tmp_path)
    log = (out / f"told{files.FAILED_LOG}").read_text(encoding="utf-8")
    assert "ValueError: [SHOP_DB_PASSWORD]" in log
    assert secret not in log


def test_what_is_said_meanwhile_holds_the_name_in_its_place(secret: str) -> None:
    stream = io.StringIO()
    print(f"measure={secret}: measure is one of nps, csat \udcff", file=progress.safe(stream))
    assert stream.getvalue() == ("measure=[SHOP_DB_PASSWORD]: measure is one of nps, csat \udcff\n")


def test_no_report_is_called_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "0123456789")
    with pytest.raises(ParameterError, match=r"would hold .* variable r_\[API_KEY\]") as refused:
        files.check_name("r_0123456789", where="plan.yml")
    assert "0123456789" not in str(refused.value)

"""A long step says what it is, to whoever waits, and leaves nothing in a report."""

from __future__ import annotations

import io
import sys
import types

import pytest

from cxkit.retention import waiting as module
from cxkit.retention.later import Later
from cxkit.retention.waiting import waiting
from tests import firms


class Terminal(io.StringIO):
    """A stream that someone watches."""

    def isatty(self) -> bool:
        return True


class Handle:
    """What IPython gives back for words that may be changed later."""

    def __init__(self, shown: list[str]) -> None:
        self.shown = shown

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(data["text/plain"])


def in_a_kernel(monkeypatch: pytest.MonkeyPatch, *, attended: bool) -> list[str]:
    """Let the module take this for a kernel; return what is shown below its cell."""
    import IPython.display

    asked = {"content": {"allow_stdin": attended}}
    kernel = types.SimpleNamespace(get_parent=lambda channel: asked if channel == "shell" else {})
    shown: list[str] = []

    def display(data: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        shown.append(data["text/plain"])
        return Handle(shown)

    monkeypatch.setattr(module, "_kernel", lambda: kernel)
    monkeypatch.setattr(IPython.display, "display", display)
    return shown


def test_below_a_cell_the_words_go_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = in_a_kernel(monkeypatch, attended=True)
    with waiting("a thing"):
        assert shown == ["Working out a thing …"]
    assert shown[-1] == ""
    with pytest.raises(ValueError, match="no"), waiting("another"):
        raise ValueError("no")
    assert shown == ["Working out a thing …", "", "Working out another …", ""]


def test_a_run_that_nobody_sits_before_shows_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = in_a_kernel(monkeypatch, attended=False)
    with waiting("a thing"):
        pass
    assert shown == []
    assert capsys.readouterr() == ("", "")


def test_a_terminal_is_wiped_and_a_log_gets_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, log = Terminal(), io.StringIO()
    for stream in (terminal, log):
        monkeypatch.setattr(sys, "stderr", stream)
        with waiting("a thing"):
            pass
    assert terminal.getvalue() == "Working out a thing …\r\x1b[K"
    assert log.getvalue() == "Working out a thing …\n"


def test_the_full_depth_says_what_it_works_out_and_the_quick_one_is_silent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for depth, said in (("quick", ""), ("full", "Working out retention at each score …\n")):
        later = Later(firms.study(), measure="nps", horizon=12, gap=90, depth=depth, level=0.95)
        assert later.dose.ok
        assert capsys.readouterr() == ("", said)

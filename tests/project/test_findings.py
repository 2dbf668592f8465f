"""Every code that the kit writes is in the registry, in docs/findings.md and in a test."""

from __future__ import annotations

from cxkit.study.codes import CODES
from tests.project import findings

HOW = "write it anew: python -m tests.project.findings"


def test_the_page_is_made_from_the_registry() -> None:
    assert findings.PAGE.read_text(encoding="utf-8") == findings.page(), HOW


def test_the_source_and_the_registry_know_the_same_codes() -> None:
    assert findings.used(findings.ROOT / "cxkit", but="codes.py") == set(CODES)


def test_a_code_says_its_kind_a_cause_and_a_mend() -> None:
    letters = {"refuse": "E", "repair": "R", "flag": "F"}
    for code, entry in CODES.items():
        assert code[3] == letters[entry.kind]
        assert entry.cause.endswith("."), code
        assert entry.mend.endswith("."), code
    assert list(CODES) == sorted(CODES, key=lambda code: ("ERF".index(code[3]), code))


def test_every_code_is_in_a_test() -> None:
    missing = set(CODES) - findings.used(findings.ROOT / "tests", but="test_findings.py")
    assert not missing, f"no test names {', '.join(sorted(missing))}"

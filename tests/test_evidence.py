import json
import sys

import pytest

from tests import evidence_file


def test_stale_evidence_is_named(capsys):
    """Not a failure: `make verify` measures anew. But nobody should miss it."""
    for name, modules in evidence_file.stale().items():
        with capsys.disabled():
            sys.stdout.write(f"\nstale evidence: {name} ({', '.join(modules)} changed)\n")


@pytest.mark.parametrize("path", sorted(evidence_file.FOLDER.glob("*.json")), ids=lambda p: p.stem)
def test_evidence_says_how_it_was_made(path):
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["name"] == path.stem
    assert found["numbers"]
    assert found["command"]
    assert found["modules"]
    assert all(m.startswith(("cxkit.", "tests.")) for m in found["modules"])


def test_a_changed_module_makes_evidence_stale(tmp_path):
    path = evidence_file.write(
        "trial", about="a trial", numbers={"x": 1}, modules=["cxkit.metrics.nps"], folder=tmp_path
    )
    assert evidence_file.stale(tmp_path) == {}
    found = json.loads(path.read_text(encoding="utf-8"))
    found["modules"]["cxkit.metrics.nps"] = "0" * 64
    path.write_text(json.dumps(found), encoding="utf-8")
    assert evidence_file.stale(tmp_path) == {"trial.json": ["cxkit.metrics.nps"]}
    assert [p.name for p in tmp_path.iterdir()] == ["trial.json"]


def test_words_do_not_make_evidence_stale_but_code_does():
    before = 'def f(x):\n    """Add."""\n    return x + 1\n'
    words = 'def f(x):\n    """Add one."""\n    # one\n    return x + 1\n'
    code = 'def f(x):\n    """Add."""\n    return x + 2\n'
    assert evidence_file.code_hash(before) == evidence_file.code_hash(words)
    assert evidence_file.code_hash(before) != evidence_file.code_hash(code)


def test_a_module_that_is_gone_is_stale():
    assert evidence_file.fingerprint("cxkit.metrics.no_such_module") == "gone"

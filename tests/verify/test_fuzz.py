"""Twenty thousand spoiled files: no traceback, no hang, no other frame without a finding."""

from pathlib import Path

import pytest

from tests import evidence_file
from tests.study import fuzz, surveys

FILES = 20_000
SEED = 20_251_231


@pytest.mark.verify
def test_no_spoiled_file_passes_for_another(tmp_path: Path) -> None:
    tally = fuzz.trials(FILES, tmp_path, seed=SEED)
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.slowest < fuzz.LONGEST
    assert tally.total.total() == FILES
    assert tally.outcomes["text"]["opened, equal"] > FILES / 10, "most must not be refused at once"
    evidence_file.write(
        "fuzz",
        about=(
            f"{FILES:,} sound surveys, each written in one of {len(surveys.DIALECTS)} dialects of "
            f"text (seven in ten) or {len(fuzz.FORMATS)} other formats, then spoiled in one to "
            "three ways: bits flipped, bytes replaced, cut, repeated or put in, lines repeated, "
            "lost or exchanged, columns exchanged, fields replaced. A quarter were opened by the "
            "path of large files. 'opened, equal': the frame is that of a strict reader of the "
            "same bytes that shares no code with the kit, or for gzip, zip and DuckDB's own, which "
            "have checksums, of what was written. "
            "'opened, mended and told': a repair says what was changed. 'opened': of formats "
            "without checksum or other reader, only that nothing broke. 'wrong': a traceback, more "
            f"than {fuzz.LONGEST} s, or another frame without a finding."
        ),
        numbers={
            "files": FILES,
            "outcomes": {kind: dict(sorted(n.items())) for kind, n in tally.outcomes.items()},
            "wrong": len(tally.wrong),
            "slowest, seconds": round(tally.slowest, 1),
            "different codes of findings": len(tally.codes),
        },
        seed=SEED,
        modules=fuzz.MODULES,
    )

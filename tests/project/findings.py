"""docs/findings.md, made from the registry of codes.

``python -m tests.project.findings`` writes it anew; tests/project/test_findings.py compares.
"""

from __future__ import annotations

import re
from pathlib import Path

from cxkit.study.codes import CODES, DECLARED

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "findings.md"

HEADINGS = {
    "refuse": ("Refused", "The work stops before any number; all refusals are told at once."),
    "repair": (
        "Repaired",
        "Mended by rule, counted and told; `strict: true` refuses instead, save what the file or "
        f"study.yml itself declares ({', '.join(sorted(DECLARED))}).",
    ),
    "flag": ("Flagged", "Kept as it is; what follows from it is said."),
}

_CODE = re.compile(r"CX-[A-Z]\d{3}")


def used(folder: Path, *, but: str = "") -> set[str]:
    """The codes written in the Python files of a folder."""
    files = [path for path in folder.rglob("*.py") if path.name != but]
    return {code for path in files for code in _CODE.findall(path.read_text(encoding="utf-8"))}


def page() -> str:
    """The whole page."""
    parts = [
        "# What the loader says",
        "Every message ends with a code. It does not change when the words do. "
        "Made from `cxkit/study/codes.py`: `python -m tests.project.findings`.",
    ]
    lines = ["| code | cause | mend |", "|---|---|---|"]
    for kind, (title, means) in HEADINGS.items():
        lines.append(f"| **{title}** | *{means}* | |")
        for code, entry in sorted(CODES.items()):
            if entry.kind == kind:
                lines.append(f"| {code} | {_cell(entry.cause)} | {_cell(entry.mend)} |")
    return "\n\n".join(parts) + "\n\n" + "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text that stays in its cell."""
    return text.replace("|", "\\|")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Everything the loader sees is written down here, and refusals are told at once."""

from __future__ import annotations

from dataclasses import dataclass

from cxkit.errors import ColumnError, CxkitError, DataError, ScaleError
from cxkit.results import Finding
from cxkit.study.codes import CODES, DECLARED

#: More refusals than this are counted, not told.
MOST_TOLD = 20

#: A finding keeps the first lines it is about, and counts them all.
MOST_LINES = 10


@dataclass(frozen=True)
class Place:
    """Where a finding stands: file, column and lines, counted in ``n_rows``."""

    table: str
    file: str
    column: str = ""
    lines: tuple[int, ...] = ()
    n_rows: int = 0


class Ledger:
    """Findings of one study while it is being read."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.findings: list[Finding] = []
        self.repaired: dict[str, set[int]] = {}
        self._errors: list[type[CxkitError]] = []

    def refuse(
        self,
        code: str,
        text: str,
        place: Place,
        *,
        cure: str = "",
        error: type[CxkitError] = DataError,
    ) -> None:
        """Note what stops the work, by a code CX-E..."""
        self.note(code, text, place, cure=cure, error=error)

    def repair(self, code: str, text: str, place: Place) -> None:
        """Note what was mended by rule, by a code CX-R..."""
        self.note(code, text, place)

    def flag(self, code: str, text: str, place: Place, *, cure: str = "") -> None:
        """Note what was kept and must be known, by a code CX-F..."""
        self.note(code, text, place, cure=cure)

    def note(
        self,
        code: str,
        text: str,
        place: Place,
        *,
        cure: str = "",
        error: type[CxkitError] = DataError,
    ) -> None:
        """Add one finding of the kind that its code has, with its first lines.

        In a strict study a repair is a refusal, unless the file or study.yml declares it.
        """
        kind = CODES[code].kind
        if kind == "repair" and self.strict and code not in DECLARED:
            kind = "refuse"
            cure = "The study is strict: mend it in the file, or take  strict: true  out."
        if kind == "refuse":
            self._errors.append(error)
        self.findings.append(
            Finding(
                kind=kind,
                code=code,
                table=place.table,
                file=place.file,
                column=place.column,
                lines=place.lines[:MOST_LINES],
                n_rows=place.n_rows,
                text=text,
                cure=cure,
            )
        )

    def settle(self) -> None:
        """Raise one error that tells every refusal, if there is any.

        Raises
        ------
        ScaleError
            Every refusal is an answer off its scale.
        ColumnError
            Every refusal is a column that is not there.
        DataError
            Anything else, or several kinds together.
        """
        refused = [f for f in self.findings if f.kind == "refuse"]
        if not refused:
            return
        kinds = set(self._errors)
        error = kinds.pop() if kinds in ({ScaleError}, {ColumnError}) else DataError
        told = "\n".join(str(f) for f in refused[:MOST_TOLD])
        if len(refused) > 1:
            told = f"{len(refused)} things in the data stop the work.\n{told}"
        if len(refused) > MOST_TOLD:
            told += f"\nand {len(refused) - MOST_TOLD} more."
        raise error(told)

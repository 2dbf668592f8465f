"""Everything the loader sees is written down here, and refusals are told at once."""

from __future__ import annotations

from collections.abc import Sequence

from cxkit.errors import ColumnError, CxkitError, DataError, ScaleError
from cxkit.results import Finding

#: More refusals than this are counted, not told.
MOST_TOLD = 20


class Ledger:
    """Findings of one study while it is being read."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.repaired: dict[str, set[int]] = {}
        self._errors: list[type[CxkitError]] = []

    def refuse(
        self,
        text: str,
        *,
        table: str,
        file: str,
        column: str = "",
        lines: Sequence[int] = (),
        n_rows: int = 0,
        cure: str = "",
        error: type[CxkitError] = DataError,
    ) -> None:
        """Note what stops the work."""
        self._errors.append(error)
        self._note("refuse", text, table, file, column, lines, n_rows, cure)

    def repair(
        self,
        text: str,
        *,
        table: str,
        file: str,
        column: str = "",
        lines: Sequence[int] = (),
        n_rows: int = 0,
    ) -> None:
        """Note what was mended by rule."""
        self._note("repair", text, table, file, column, lines, n_rows, "")

    def flag(
        self,
        text: str,
        *,
        table: str,
        file: str,
        column: str = "",
        lines: Sequence[int] = (),
        n_rows: int = 0,
        cure: str = "",
    ) -> None:
        """Note what was kept and must be known."""
        self._note("flag", text, table, file, column, lines, n_rows, cure)

    def _note(
        self,
        kind: str,
        text: str,
        table: str,
        file: str,
        column: str,
        lines: Sequence[int],
        n_rows: int,
        cure: str,
    ) -> None:
        """Add one finding, with its first lines."""
        self.findings.append(
            Finding(
                kind=kind,  # type: ignore[arg-type]
                table=table,
                file=file,
                column=column,
                lines=tuple(int(line) for line in lines[:10]),
                n_rows=n_rows or len(lines),
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

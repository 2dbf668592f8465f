"""Whether a run is whole: the kit's own judgement, since papermill calls unrun cells completed."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cxkit import errors
from cxkit.results import PROVENANCE_MIME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cxkit.report.parameters import Value

#: The code of a finding, by which a refusal can be looked up without its values.
_FINDING = re.compile(r"\bCX-E\d{3}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one run.

    ``whole``: every cell ran and the notebook said so itself. ``refused``: the kit refused the data
    or the question, and ``reason`` is its message. ``failed``: anything else; ``reason`` then holds
    no value of the data, only the kind of error.
    """

    status: Literal["whole", "refused", "failed"]
    reason: str = ""
    cell: str = ""
    error: str = ""

    @property
    def whole(self) -> bool:
        """Whether there is a report to read."""
        return self.status == "whole"

    @property
    def exit_code(self) -> int:
        """What a command that made only this report ends with."""
        if self.whole:
            return 0
        known = self.status == "refused" or self.error == errors.MachineError.__name__
        kind = getattr(errors, self.error, None) if known else None
        return kind.exit_code if kind is not None else 1

    @property
    def told(self) -> str:
        """Why it is not whole, and in which part; a refusal says itself where it is."""
        where = f", in the part '{self.cell}'" if self.cell and self.status == "failed" else ""
        return f"{self.reason}{where}"

    @property
    def meaning(self) -> str:
        """What the kit's own class of error says of every error of that class."""
        kind = getattr(errors, self.error, None) if self.error else None
        known = self.status == "refused" or kind is errors.MachineError
        if not known or not (isinstance(kind, type) and issubclass(kind, errors.CxkitError)):
            return ""
        return (inspect.getdoc(kind) or "").splitlines()[0]

    @property
    def findings(self) -> str:
        """The codes of the findings that a refusal names, without what was found."""
        refused = self.status == "refused"
        return ", ".join(dict.fromkeys(_FINDING.findall(self.reason))) if refused else ""

    @property
    def public(self) -> str:
        """Why it is not whole, for everyone: of a refusal its class, meaning and codes."""
        if self.status != "refused":
            return self.told
        where = f", in the part '{self.cell}'" if self.cell else ""
        said = f"{self.error}{where}: {self.meaning}"
        return f"{said} Code: {self.findings}." if self.findings else said

    def __str__(self) -> str:
        """Say it in one line."""
        return self.status if self.whole else f"{self.status}: {self.told}"


def judge(
    cells: Sequence[Mapping[str, Any]], asked: Mapping[str, Value], *, stopped: str = ""
) -> Verdict:
    """Judge an executed notebook by what it holds, never by papermill's own marks.

    Parameters
    ----------
    cells
        The cells of the notebook after the run, in their order.
    asked
        Every parameter with the value the run was asked for.
    stopped
        Why the engine gave up, in the reader's words; empty if it reached the end.

    Returns
    -------
    Verdict
        Whole only if no cell holds an error, the engine reached the end, every code cell that is
        not empty was executed in order, and the last of them said with which parameters it ran.
    """
    code = [
        (i, cell)
        for i, cell in enumerate(cells)
        if cell["cell_type"] == "code" and cell["source"].strip()
    ]
    for i, cell in code:
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                return _of_error(output, title(cells, i))
    ran = [i for i, cell in code if cell["execution_count"] is not None]
    if stopped:
        last = ran[-1] if ran else 0
        pending = [i for i, cell in code if cell["execution_count"] is None]
        return Verdict(status="failed", reason=stopped, cell=title(cells, (pending or [last])[0]))
    before = 0
    for i, cell in code:
        if cell["execution_count"] is None:
            return Verdict(status="failed", reason="a cell was not run", cell=title(cells, i))
        if cell["execution_count"] <= before:
            return Verdict(status="failed", reason="cells ran out of order", cell=title(cells, i))
        before = cell["execution_count"]
    said = provenance(cells)
    if said is None:
        return Verdict(
            status="failed",
            reason="the last code cell is not cx.provenance(study, parameters), so nothing says "
            "that the notebook reached its end",
            cell=title(cells, code[-1][0]) if code else "",
        )
    return _of_echo(said.get("parameters", {}), asked)


def provenance(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return what the last code cell said about the run; None if it said nothing."""
    code = [cell for cell in cells if cell["cell_type"] == "code" and cell["source"].strip()]
    for output in reversed(code[-1]["outputs"] if code else []):
        said = output.get("data", {}).get(PROVENANCE_MIME)
        if isinstance(said, dict):
            return said
    return None


def title(cells: Sequence[Mapping[str, Any]], index: int) -> str:
    """Return the heading under which a cell stands."""
    for cell in reversed(cells[: index + 1]):
        if cell["cell_type"] == "markdown":
            for line in reversed(cell["source"].splitlines()):
                if line.startswith("#"):
                    return line.lstrip("#").strip()
    return ""


def _of_error(output: Mapping[str, Any], cell: str) -> Verdict:
    """Judge an error: a refusal of the kit may be told in full, anything else by its class only."""
    name = str(output["ename"])
    kind = getattr(errors, name, None)
    is_ours = isinstance(kind, type) and issubclass(kind, errors.CxkitError)
    # Another library may have an error of the same name; ours shows itself without a traceback.
    if is_ours and list(output["traceback"]) == [f"{name}: {output['evalue']}"]:
        return Verdict(status="refused", reason=str(output["evalue"]), cell=cell, error=name)
    if name == "SystemExit":
        reason = "the notebook left by sys.exit before its end"
    else:
        reason = f"a cell ended with {name}"
    return Verdict(status="failed", reason=reason, cell=cell, error=name)


def _of_echo(said: Mapping[str, Any], asked: Mapping[str, Value]) -> Verdict:
    """Compare the parameters the notebook says it ran with to those it was asked for."""
    wanted = json.loads(json.dumps(dict(asked)))
    other = [n for n, v in wanted.items() if n not in said or _differs(said[n], v)]
    if not other:
        return Verdict(status="whole")
    return Verdict(
        status="failed",
        reason="the notebook does not say that it ran with the parameters asked for: "
        f"{', '.join(other)}. Its last cell must give cx.provenance every parameter, unchanged",
    )


def _differs(said: object, wanted: object) -> bool:
    """Whether two JSON values differ; true is not 1."""
    return said != wanted or isinstance(said, bool) != isinstance(wanted, bool)

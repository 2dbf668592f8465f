"""What a report that did not become whole leaves: a page anyone may read, a log its owner may."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxkit.report.files import FAILED_LOG

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cxkit.report.parameters import Parameter
    from cxkit.report.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What the page of a failure prints; none of it is, or is made of, a value of the data."""

    title: str
    question: str
    context: str
    headline: str
    facts: Sequence[tuple[str, str]]
    kept: str
    next: str


def failure(
    verdict: Verdict, *, name: str, question: str, notebook: Path, kept: str, logged: bool
) -> Failure:
    """Say of a run what may be said to everyone: where it stopped, the class of error, the code.

    A refusal's own message may quote an answer, and an error's text a whole row: both go to the
    log only.
    """
    refused = verdict.status == "refused"
    told = f"{'Refused' if refused else 'Failed'}: this report was not made."
    facts = [("Report", name), ("Notebook", notebook.name)]
    if verdict.cell:
        facts.append(("Stopped in the part", verdict.cell))
    if verdict.error:
        facts.append(("Class of error", verdict.error))
    if verdict.meaning:
        facts.append(("What that means", verdict.meaning))
    elif not refused:
        facts.append(("What happened", f"{verdict.reason[:1].upper()}{verdict.reason[1:]}."))
    if verdict.findings:
        facts.append(("Code of the finding", f"{verdict.findings} (docs/findings.md)"))
    facts.append(("Exit code", f"{verdict.exit_code} ({_CODES[verdict.exit_code]})"))
    log = f"The log beside this page, {name}{FAILED_LOG}, says more; only its owner can read it."
    mend = "Mend the data or the question it names, and run the report again."
    look = f"Or open {notebook.name} in JupyterLab and run all cells."
    return Failure(
        title=f"{told} {question}",
        question=question,
        context=name,
        headline=told,
        facts=tuple(facts),
        kept=kept,
        next=" ".join([log if logged else "", mend if refused else look]).strip(),
    )


def log(verdict: Verdict, *, name: str, asked: Sequence[Parameter], trace: str) -> bytes:
    """Return what the owner of a failed report needs to find the fault, data and all."""
    parts = [
        f"{name}: {verdict}",
        "This file may hold values of the data. It is for the eyes of its owner.",
        f"parameters of the notebook: {', '.join(p.name for p in asked)}",
        trace,
    ]
    text = os.linesep.join(filter(None, parts)) + os.linesep
    return text.encode("utf-8", "backslashreplace")


_CODES = {
    1: "a report was started and failed",
    2: "the data or the question were refused",
    3: "the machine lacks something",
}

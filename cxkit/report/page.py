"""What stands where on a report's page: the notebook taken apart into safe pieces, in order."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cxkit.report.parameters import Parameter, Value, show, tags
from cxkit.report.pieces import Heading, Prose, coloured, shown
from cxkit.report.verdict import provenance
from cxkit.results import ANSWER_MIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from markupsafe import Markup

#: Whether the code of the cells can be read: behind a fold, at once, or not at all.
Code = Literal["fold", "show", "hide"]

_HIDDEN = {"parameters", "injected-parameters"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of the page, already safe to print."""

    kind: Literal["prose", "shown", "code"]
    html: Markup
    unfolded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One row of the parameters table."""

    name: str
    value: str
    default: str
    changed: bool
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything the template prints; ``opening`` is the first screen."""

    title: str
    question: str
    context: tuple[str, ...]
    opening: tuple[Block, ...]
    contents: tuple[Heading, ...]
    body: tuple[Block, ...]
    parameters: tuple[Asked, ...]
    provenance: tuple[Block, ...]
    made_with: tuple[tuple[str, str], ...] = ()


def lay_out(
    cells: Sequence[Mapping[str, Any]],
    *,
    declared: Sequence[Parameter],
    values: Mapping[str, Value],
    fallback_title: str,
    made_with: Sequence[tuple[str, str]] = (),
    code: Code = "fold",
) -> Page:
    """Take an executed notebook apart.

    The first heading is the question. What stands before the first part (``##``) is the opening;
    the part that holds the last code cell is the provenance and comes after the parameters. Cells
    tagged ``remove-cell`` are left out, those tagged ``hide-input`` show no code and those tagged
    ``remove-output`` nothing but their code.
    """
    prose = Prose()
    placed = list(_blocks(cells, prose, code))
    parts = [i for i, (_, starts, _) in enumerate(placed) if starts]
    first = parts[0] if parts else len(placed)
    tagged = [i for i, (_, _, cell) in enumerate(placed) if "provenance" in tags(cell)]
    last = max([first, *(p for p in parts if tagged and p <= tagged[0])])
    last = last if tagged else len(placed)
    asked = tuple(_asked(declared, values))
    contents = list(prose.contents)
    if asked:
        at = len(contents) - sum(1 for p in parts if p >= last)
        contents.insert(at, Heading(text="Parameters", anchor="parameters"))
    context = _context(provenance(cells) or {}, asked)
    question = prose.question or fallback_title
    blocks = [block for block, _, _ in placed]
    return Page(
        title=" – ".join([question, *context[:2]]),
        question=question,
        context=context,
        opening=tuple(blocks[:first]),
        contents=tuple(contents),
        body=tuple(blocks[first:last]),
        parameters=asked,
        provenance=tuple(blocks[last:]),
        made_with=tuple(made_with),
    )


def answer(cells: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the answer of a notebook says about itself; empty if it shows none."""
    for cell in cells:
        for output in cell.get("outputs", []) if cell["cell_type"] == "code" else []:
            said = output.get("data", {}).get(ANSWER_MIME)
            if isinstance(said, dict):
                return said
    return {}


def question(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return the first heading of a notebook; empty if it has none."""
    prose = Prose()
    for cell in cells:
        if cell["cell_type"] == "markdown" and not prose.question:
            prose(cell["source"])
    return prose.question


def _blocks(
    cells: Sequence[Mapping[str, Any]], prose: Prose, code: Code
) -> Iterator[tuple[Block, bool, Mapping[str, Any]]]:
    """Yield each block, whether it starts a part, and its cell; code waits for the next prose."""
    waiting: list[str] = []
    numbers = itertools.count(1)
    for cell in cells:
        tagged = tags(cell)
        if "remove-cell" in tagged:
            continue
        if cell["cell_type"] == "markdown":
            before = len(prose.contents)
            written = prose(cell["source"])
            if written and waiting:
                yield _code(waiting, code), False, cell
                waiting = []
            if written:
                yield Block(kind="prose", html=written), len(prose.contents) > before, cell
        elif cell["cell_type"] == "code" and not _HIDDEN.intersection(tagged):
            if cell["source"].strip() and code != "hide" and "hide-input" not in tagged:
                waiting.append(cell["source"].strip("\n"))
            outputs = cell["outputs"] if "remove-output" not in tagged else []
            for output in filter(None, (shown(o, numbers) for o in outputs)):
                yield Block(kind="shown", html=output), False, cell
    if waiting:
        yield _code(waiting, code), False, cells[-1]


def _code(cells: Sequence[str], code: Code) -> Block:
    """Return the code of some cells as one block."""
    html = coloured("\n\n".join(cells))
    return Block(kind="code", html=html, unfolded=code == "show")


def _asked(declared: Sequence[Parameter], values: Mapping[str, Value]) -> Iterator[Asked]:
    """Yield the rows of the parameters table."""
    for parameter in declared:
        value = values.get(parameter.name, parameter.default)
        choices = f"one of: {', '.join(c or show('') for c in parameter.choices)}"
        yield Asked(
            name=parameter.name,
            value=show(value),
            default=show(parameter.default),
            changed=value != parameter.default,
            meaning="; ".join(filter(None, [parameter.note, choices if parameter.choices else ""])),
        )


def _context(said: Mapping[str, Any], asked: Sequence[Asked]) -> tuple[str, ...]:
    """Return what stands above the question: whose data, which part of them, up to when."""
    items = [str(said["study"])] if said.get("study") else []
    items += [f"{row.name} = {row.value}" for row in asked if row.changed and row.name != "study"]
    try:
        day = dt.date.fromisoformat(str(said.get("as_of", ""))[:10])
        items.append(f"data to {day.day} {day:%B %Y}")
    except ValueError:
        pass
    return tuple(items)

"""What stands where on a report's page: the notebook taken apart into safe pieces, in order."""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup, escape

from cxkit.report.clean import clean
from cxkit.report.parameters import Parameter, Value, show, tags
from cxkit.report.verdict import provenance
from cxkit.results import ANSWER_MIME, PROVENANCE_MIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_HIDDEN = {"parameters", "injected-parameters"}
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
#: The provenance lists the parameters for JupyterLab; the page has its own, fuller table of them.
_TWICE = re.compile(
    r'<div class="cx-table"[^>]*aria-label="Parameters".*?</table></div>', re.DOTALL
)
#: What a line should not end inside of: 9–10, n = 656, 95 %, p < 0.001, 2025-12-31.
_TOGETHER = re.compile(
    r"[(\[]?\b\d[\d,.]*–\d[\d,.]*\b[)\]]?|\b[nrp] (?:is )?(?:=|&lt;) [−\d][\d,.]*|[−\d][\d,.]* %"
    r"|\b\d{4}-\d\d-\d\d\b"
)
_TAG = re.compile(r"""(<[A-Za-z/](?:"[^"]*"|'[^']*'|[^'">])*>)""")
_IMAGES = ("image/svg+xml", "image/png", "image/jpeg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of the page, already safe to print."""

    kind: Literal["prose", "shown", "code"]
    html: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """One line of the contents."""

    text: str
    anchor: str


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


def lay_out(
    cells: Sequence[Mapping[str, Any]],
    *,
    declared: Sequence[Parameter],
    values: Mapping[str, Value],
    fallback_title: str,
) -> Page:
    """Take an executed notebook apart.

    The first heading is the question. What stands before the first part (``##``) is the opening;
    the part that holds the last code cell is the provenance and comes after the parameters.
    """
    prose = _Prose()
    placed = list(_blocks(cells, prose))
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
    prose = _Prose()
    for cell in cells:
        if cell["cell_type"] == "markdown" and not prose.question:
            prose(cell["source"])
    return prose.question


def _blocks(
    cells: Sequence[Mapping[str, Any]], prose: _Prose
) -> Iterator[tuple[Block, bool, Mapping[str, Any]]]:
    """Yield each block, whether it starts a part, and its cell; code waits for the next prose."""
    waiting: list[str] = []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            before = len(prose.contents)
            written = prose(cell["source"])
            if written and waiting:
                yield _code(waiting), False, cell
                waiting = []
            if written:
                yield Block(kind="prose", html=written), len(prose.contents) > before, cell
        elif cell["cell_type"] == "code" and not _HIDDEN.intersection(tags(cell)):
            if cell["source"].strip():
                waiting.append(cell["source"].strip("\n"))
            for shown in filter(None, map(_shown, cell["outputs"])):
                yield Block(kind="shown", html=shown), False, cell
    if waiting:
        yield _code(waiting), False, cells[-1]


class _Prose:
    """Render the author's Markdown; collect the question and the contents on the way."""

    def __init__(self) -> None:
        import mistune

        self.question = ""
        self.contents: list[Heading] = []
        self._anchors = {"parameters"}
        outer = self

        class Renderer(mistune.HTMLRenderer):
            def heading(self, text: str, level: int, **_: Any) -> str:
                return outer._heading(text, level)

            def link(self, text: str, url: str, title: str | None = None) -> str:
                """Write an address out: a report leads nowhere by itself."""
                if url.startswith("#"):
                    return super().link(text, url, title)
                plain = html.unescape(re.sub(r"<[^>]+>", "", text))
                shown = url.removeprefix("mailto:")
                is_address = re.match(r"(https?://|mailto:)", url) and plain != shown
                return (
                    f'{text} <span class="address">({escape(shown)})</span>' if is_address else text
                )

        self._markdown = mistune.create_markdown(
            escape=False, renderer=Renderer(escape=False), plugins=["table", "strikethrough"]
        )

    def __call__(self, source: str) -> Markup:
        """Return a Markdown cell as safe HTML, without the question."""
        return _framed(clean(str(self._markdown(source)), headings=True))

    def _heading(self, text: str, level: int) -> str:
        plain = html.unescape(re.sub(r"<[^>]+>", "", text)).strip()
        if level == 1 and not self.question:
            self.question = plain
            return ""
        level = max(level, 2)
        if level > 2:
            return f"<h{level}>{text}</h{level}>\n"
        anchor = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "part"
        while anchor in self._anchors:
            anchor += "-"
        self._anchors.add(anchor)
        self.contents.append(Heading(text=plain, anchor=anchor))
        return f'<h2 id="{anchor}">{text}</h2>\n'


def _shown(output: Mapping[str, Any]) -> Markup:
    """Return one output as safe HTML; empty if there is nothing to read in it."""
    if output["output_type"] == "stream":
        printed = escape(_ANSI.sub("", output["text"]).strip("\n"))
        if not printed:
            return Markup()
        if output["name"] == "stderr":
            opening = '<details class="messages"><summary>Messages</summary>'
            return Markup(f"{opening}<pre>{printed}</pre></details>")  # noqa: S704
        return Markup(f'<pre tabindex="0">{printed}</pre>')  # noqa: S704
    data = output.get("data", {})
    if "text/html" in data:
        safe = clean(data["text/html"])
        if PROVENANCE_MIME in data:
            safe = _TWICE.sub("", safe)
        if re.sub(r"<(?!img)[^>]*>", "", safe).strip():
            return _framed(safe)
    if "text/markdown" in data:
        return _framed(clean(str(_Prose()._markdown(data["text/markdown"]))))
    for mime in _IMAGES:
        if mime in data:
            return _image(mime, data[mime], output.get("metadata", {}))
    text = str(data.get("text/plain", "")).strip("\n")
    is_silent = text in {"", "None"} or text.startswith("<IPython.core.display.")
    return Markup() if is_silent else Markup(f'<pre tabindex="0">{escape(text)}</pre>')  # noqa: S704


def _image(mime: str, content: str, metadata: Mapping[str, Any]) -> Markup:
    """Return a bare picture; the kit's own come as figures with a caption."""
    import base64

    coded = content if mime != "image/svg+xml" else base64.b64encode(content.encode()).decode()
    alt = metadata.get(mime, {}).get("alt") or metadata.get("alt") or "A figure without description"
    source = f"data:{mime};base64,{''.join(coded.split())}"
    return Markup(clean(f'<figure><img src="{source}" alt="{escape(alt)}"></figure>'))  # noqa: S704


def _framed(safe: str) -> Markup:
    """Keep numbers together; let a table without a frame scroll in one, and name its headers."""
    safe = _numbers_kept_together(safe)
    if "<table" in safe and 'class="cx-table"' not in safe:
        safe = re.sub(
            r"<table.*?</table>",
            lambda found: (
                '<div class="plain-table" tabindex="0" role="region" aria-label="Table">'
                f"{_with_scopes(found[0])}</div>"
            ),
            safe,
            flags=re.DOTALL,
        )
    return Markup(safe)  # noqa: S704


def _numbers_kept_together(safe: str) -> str:
    """Bar a line break inside a number, in text only, never in an attribute."""
    pieces = _TAG.split(safe)
    pieces[::2] = [_TOGETHER.sub(r'<span class="nb">\g<0></span>', text) for text in pieces[::2]]
    return "".join(pieces)


def _with_scopes(table: str) -> str:
    """Say of pandas' header cells whether they head a column or a row."""
    head, found, rest = table.partition("</thead>")
    head = head.replace("<th></th>", "<td></td>").replace("<th>", '<th scope="col">')
    return head + found + rest.replace("<th>", '<th scope="row">') if found else table


def _code(cells: Sequence[str]) -> Block:
    """Return the code of some cells as one block of coloured spans."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers.python import PythonLexer

    coloured = highlight("\n\n".join(cells), PythonLexer(), HtmlFormatter(nowrap=True))
    return Block(kind="code", html=Markup(clean(coloured).rstrip()))  # noqa: S704


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

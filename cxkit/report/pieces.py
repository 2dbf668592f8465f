"""The pieces of a page: prose, outputs and code, each made safe before it is put anywhere."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from cxkit.markup import counted, escape
from cxkit.report import download
from cxkit.report.clean import clean
from cxkit.results import FIGURE_MIME, PROVENANCE_MIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
#: The provenance lists the parameters for JupyterLab; the page has its own, fuller table of them.
_TWICE = re.compile(
    r'<div class="cx-table"[^>]*aria-label="Parameters".*?</table></div>', re.DOTALL
)
#: What a line should not end inside of: 9–10, 0.3 to 1.2, n = 656, 95 %, 2025-12-31, 4: 3,753,
#: CX-R019.
_TOGETHER = re.compile(
    r"[(\[]?\b\d[\d,.]*–\d[\d,.]*\b[)\]]?"
    r"|\b[nrp] (?:is )?(?:=|&lt;) −?\d(?:[\d,.]*\d)?"
    r"|−?\b\d+(?:[.,]\d+)* to −?\d+(?:[.,]\d+)*\b"
    r"|−?\d[\d,.]* %"
    r"|\b\d{4}-\d\d-\d\d\b"
    r"|\b\d+: \d[\d,]*\b"
    r"|\bCX-[A-Z]\d{3}\b"
)
_TAG = re.compile(r"""(<[A-Za-z/](?:"[^"]*"|'[^']*'|[^'">])*>)""")
_FIGURE = re.compile(r"<figure([^>]*)>(.*?)</figure>", re.DOTALL)
_IMAGES = ("image/svg+xml", "image/png", "image/jpeg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """One line of the contents."""

    text: str
    anchor: str


class Prose:
    """Render the author's Markdown; collect the question and the contents on the way."""

    def __init__(self, *, inner: bool = False) -> None:
        import mistune

        self._inner = inner

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
        """Take the first heading as the question, note the parts, leave the rest as they are."""
        if self._inner:
            return f"<h{max(level, 3)}>{text}</h{max(level, 3)}>\n"
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


def shown(output: Mapping[str, Any], numbers: Iterator[int]) -> Markup:
    """Return one output as safe HTML, its figures numbered; empty if there is nothing to read."""
    safe = _readable(output)
    table = download.table_of(output.get("data", {}).get(FIGURE_MIME))
    return Markup(_FIGURE.sub(lambda f: _figure(f[1], f[2], next(numbers), table), safe))  # noqa: S704


def _figure(attributes: str, inside: str, number: int, table: download.Table | None) -> str:
    """Return a figure with its number before its caption, and its table as a file after it."""
    picture, _, rest = inside.partition("<figcaption>")
    caption = f'<span class="numbered">Figure {number}.</span> {rest.removesuffix("</figcaption>")}'
    if table:
        rows = counted(len(table.rows), "row")
        caption += (
            f' <a class="download" download="figure-{number}.csv" '
            f'href="{download.address(table)}">Figure {number} as a table (CSV, {rows})</a>'
        )
    return (
        f'<figure{attributes} id="figure-{number}">{picture}'
        f"<figcaption>{caption.rstrip()}</figcaption></figure>"
    )


def _readable(output: Mapping[str, Any]) -> Markup:
    """Return one output as safe HTML; empty if there is nothing to read in it."""
    if output["output_type"] == "stream":
        printed = escape(_ANSI.sub("", output["text"]).strip("\n"))
        if not printed:
            return Markup()
        if output["name"] == "stderr":
            opening = '<details class="messages"><summary>Messages</summary><pre tabindex="0">'
            return Markup(f"{opening}{printed}</pre></details>")  # noqa: S704
        return Markup(f'<pre tabindex="0">{printed}</pre>')  # noqa: S704
    data = output.get("data", {})
    if "text/html" in data:
        safe = clean(data["text/html"])
        if PROVENANCE_MIME in data:
            safe = _TWICE.sub("", safe)
        if re.sub(r"<(?!img)[^>]*>", "", safe).strip():
            return _framed(safe)
    if "text/markdown" in data:
        return _framed(clean(str(Prose(inner=True)._markdown(data["text/markdown"]))))
    for mime in _IMAGES:
        if mime in data:
            return _image(mime, data[mime], output.get("metadata", {}))
    text = str(data.get("text/plain", "")).strip("\n")
    is_silent = text in {"", "None"} or text.startswith("<IPython.core.display.")
    return Markup() if is_silent else Markup(f'<pre tabindex="0">{escape(text)}</pre>')  # noqa: S704


def _image(mime: str, content: str, metadata: Mapping[str, Any]) -> Markup:
    """Return a bare picture; the kit's own come as figures with a caption."""
    coded = content if mime != "image/svg+xml" else base64.b64encode(content.encode()).decode()
    alt = metadata.get(mime, {}).get("alt") or metadata.get("alt") or "A figure without description"
    source = f"data:{mime};base64,{''.join(coded.split())}"
    return Markup(clean(f'<figure><img src="{source}" alt="{escape(alt)}"></figure>'))  # noqa: S704


def _framed(safe: str) -> Markup:
    """Keep numbers together; let a table without a frame scroll in one, and name its headers."""
    safe = kept_together(safe)
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


def kept_together(safe: str) -> Markup:
    """Bar a line break inside a number, in text only, never in an attribute."""
    pieces = _TAG.split(safe)
    pieces[::2] = [_TOGETHER.sub(r'<span class="nb">\g<0></span>', text) for text in pieces[::2]]
    return Markup("".join(pieces))  # noqa: S704


def _with_scopes(table: str) -> str:
    """Say of pandas' header cells whether they head a column or a row."""
    head, found, rest = table.partition("</thead>")
    head = head.replace("<th></th>", "<td></td>").replace("<th>", '<th scope="col">')
    return head + found + rest.replace("<th>", '<th scope="row">') if found else table


def coloured(source: str) -> Markup:
    """Return code as spans that a style sheet can colour."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers.python import PythonLexer

    spans = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    return Markup(clean(spans).rstrip())  # noqa: S704

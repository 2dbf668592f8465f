"""A page's bytes: nbconvert with the kit's own template, the same for the same inputs."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from cxkit import markup
from cxkit.errors import ReportError
from cxkit.report.clean import faults
from cxkit.report.lean import lean
from cxkit.report.page import lay_out
from cxkit.report.pieces import kept_together
from cxkit.report.whiskers import whiskers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cxkit.report.failed import Failure
    from cxkit.report.page import Code
    from cxkit.report.parameters import Parameter, Value

_TEMPLATE = Path(__file__).parent / "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One report as the index of a batch shows it.

    ``asked`` are the parameters that tell it from the others of its notebook, ``shared`` the rest.
    """

    name: str
    title: str
    status: str
    href: str = ""
    n: str | None = None
    headline: str = ""
    number: str = ""
    reason: str = ""
    asked: str = ""
    shared: str = ""
    kept: str = ""
    failed: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The index of a batch."""

    title: str
    context: str
    rows: tuple[Row, ...]


def render(
    notebook: Any,
    *,
    declared: Sequence[Parameter],
    values: Mapping[str, Value],
    fallback_title: str,
    made_with: Sequence[tuple[str, str]] = (),
    code: Code = "fold",
) -> bytes:
    """Render an executed notebook as one HTML file that runs nothing and fetches nothing.

    Parameters
    ----------
    notebook
        From :class:`cxkit.report.run.Executed`.
    declared, values
        The notebook's parameters and the values it ran with.
    fallback_title
        What stands for the question if the notebook has no heading.
    made_with
        Name and value of what the report was made with, for the end of the page.
    code
        Whether the code is folded, shown or left out.

    Returns
    -------
    bytes
        UTF-8; equal inputs give equal bytes.

    Raises
    ------
    ReportError
        If the page would not be inert: the last wall behind the cleaning of every piece.
    """
    page = lay_out(
        notebook.cells,
        declared=declared,
        values=values,
        fallback_title=fallback_title,
        made_with=made_with,
        code=code,
    )
    text, _ = _exporter().from_notebook_node(notebook, resources={"page": page})
    return _checked(text)


def render_index(index: Index) -> bytes:
    """Render the index of a batch, in the same dress as its reports.

    It is the one page with a script, named in its policy by its hash: the table can then be sorted
    and searched. Without script it is whole.
    """
    script = (_TEMPLATE / "index.js").read_text(encoding="utf-8")
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    titles = Counter(row.title for row in index.rows)
    drawn = whiskers([row.answer for row in index.rows])
    rows = [
        {
            **{name: getattr(row, name) for name in Row.__slots__},
            **_named(row, many=titles[row.title] > 1),
            "count": row.answer.get("n", ""),
            "value": "" if row.answer.get("value") is None else row.answer["value"],
            "drawn": whisker,
        }
        for row, whisker in zip(index.rows, drawn, strict=True)
    ]
    nulls = any(
        w and row.answer.get("null") is not None for w, row in zip(drawn, index.rows, strict=True)
    )
    said = {"title": index.title, "context": index.context}
    page = {**said, "rows": rows, "nulls": nulls, "drawn": any(drawn)}
    text = (
        _exporter()
        .environment.get_template("batch.html.j2")
        .render(
            page=page,
            script=Markup(script),  # noqa: S704 - the kit's own file
            script_hash=base64.b64encode(digest).decode("ascii"),
        )
    )
    return _checked(text, script=script)


def _named(row: Row, *, many: bool) -> dict[str, str]:
    """Say which of the reports of one question this is, and what else it was asked for."""
    if not many:
        return {"part": "", "beside": ", ".join(filter(None, (row.asked, row.shared))) or row.name}
    beside = (row.shared, row.name if row.asked else "")
    return {"part": row.asked or row.name, "beside": " · ".join(filter(None, beside))}


def render_failed(failure: Failure) -> bytes:
    """Render what a report that did not become whole leaves in its place."""
    template = _exporter().environment.get_template("failed.html.j2")
    return _checked(template.render(page=failure))


def number(answer: Mapping[str, Any]) -> str:
    """Say the main number of an answer with its interval; empty if the headline has said it."""
    unit = str(answer.get("measured_in", ""))
    ends = markup.interval(answer.get("low"), answer.get("high"), unit)
    if answer.get("value") is None or ends in str(answer.get("headline", "")):
        return ""
    level = markup.percent_label(answer.get("level", 0.95))
    named = f"{answer['metric']}: " if answer.get("metric") else ""
    return f"{named}{markup.quantity(answer['value'], unit)} ({level} interval {ends})"


@cache
def _exporter() -> Any:
    """Return the one exporter: its template is read once in a batch."""
    with lean():
        from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="template", extra_template_basedirs=[str(Path(__file__).parent)]
    )
    exporter.environment.autoescape = True
    exporter.environment.filters["kept_together"] = lambda text: kept_together(markup.escape(text))
    exporter.environment.trim_blocks = True
    exporter.environment.lstrip_blocks = True
    return exporter


def _checked(page: str, *, script: str = "") -> bytes:
    """Return a page's bytes if it is inert, but for the one script that is the kit's own."""
    found = faults(page, script=script)
    if found:
        raise ReportError(
            "the page was not written, for it would not be inert: it holds " + "; ".join(found[:5])
        )
    return page.encode("utf-8")

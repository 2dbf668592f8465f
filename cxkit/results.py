"""What the kit answers with: a number that carries its n, interval and method, and says itself."""

from __future__ import annotations

import base64
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cxkit import markup

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

Status = Literal["ok", "not reached", "no data", "one-sided", "withheld"]
Direction = Literal["higher", "lower", "cannot be told"]

#: The kinds of a notebook's output that a report reads; JupyterLab passes over them.
ANSWER_MIME = "application/vnd.cxkit.answer+json"
PROVENANCE_MIME = "application/vnd.cxkit.provenance+json"
FIGURE_MIME = "application/vnd.cxkit.figure+json"

#: Nothing is shown for fewer people than these; a parameter may only raise them.
LEAST_EMPLOYEES = 10
LEAST_CUSTOMERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One number with everything a reader needs to weigh it; limits are unrounded.

    ``value``, ``low``, ``high`` and ``se`` are in the unit named by ``measured_in`` (a share is in
    percent, 0 to 100). Where there is none they are None, never NaN, and ``reason`` says why.
    """

    metric: str
    measured_in: str
    value: float | None
    low: float | None
    high: float | None
    se: float | None
    level: float
    n: int
    n_missing: int
    method: str
    status: Status = "ok"
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is a number to show."""
        return self.value is not None

    def as_row(self) -> dict[str, object]:
        """Return the fields as one row of a tidy frame."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        """Say the number with its interval and n, or why there is none."""
        if self.value is None:
            tail = f" At least {markup.quantity(self.low, self.measured_in)}." if self.low else ""
            return f"{self.metric}: {self.status} (n = {self.n:,}). {self.reason}{tail}".strip()
        missing = f", {self.n_missing:,} without a usable answer" if self.n_missing else ""
        return (
            f"{self.metric} {markup.quantity(self.value, self.measured_in)} "
            f"({markup.percent_label(self.level)} interval "
            f"{markup.interval(self.low, self.high, self.measured_in)}, n = {self.n:,}{missing}; "
            f"{self.method})"
        )

    def _repr_html_(self) -> str:
        return f'<p class="cx-estimate">{markup.escape(self)}</p>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first group minus the second; ``p`` is raw, ``p_adjusted`` within its ``family``."""

    metric: str
    measured_in: str
    a: str
    b: str
    value: float | None
    low: float | None
    high: float | None
    se: float | None
    p: float | None
    level: float
    n_a: int
    n_b: int
    n_missing: int
    method: str
    status: Status = "ok"
    reason: str = ""
    p_adjusted: float | None = None
    family: int = 1
    null: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether there is a number to show."""
        return self.value is not None

    @property
    def direction(self) -> Direction:
        """Which way it goes, by the interval and never by the point estimate."""
        if self.low is not None and self.low > self.null:
            return "higher"
        if self.high is not None and self.high < self.null:
            return "lower"
        return "cannot be told"

    def as_row(self) -> dict[str, object]:
        """Return the fields and the direction as one row of a tidy frame."""
        return {**dataclasses.asdict(self), "direction": self.direction}

    def __str__(self) -> str:
        """Say the difference with its interval, or why there is none."""
        if self.value is None:
            return f"{self.metric}, {self.a} against {self.b}: {self.status}. {self.reason}".strip()
        family = (
            f", adjusted p {markup.number(self.p_adjusted, 3)} in a family of {self.family}"
            if self.p_adjusted is not None
            else ""
        )
        return (
            f"{self.metric}, {self.a} against {self.b}: "
            f"{markup.quantity(self.value, self.measured_in)} ({markup.percent_label(self.level)} "
            f"interval {markup.interval(self.low, self.high, self.measured_in)}, "
            f"n = {self.n_a:,} and {self.n_b:,}{family}; {self.method}): {self.direction}"
        )

    def _repr_html_(self) -> str:
        return f'<p class="cx-estimate">{markup.escape(self)}</p>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing the loader saw: refused, repaired (and how) or flagged."""

    kind: Literal["refuse", "repair", "flag"]
    code: str
    table: str
    file: str
    column: str
    lines: tuple[int, ...]
    n_rows: int
    text: str
    cure: str = ""

    @property
    def first_lines(self) -> str:
        """Return the first three lines it is about, as a reader looks them up."""
        shown = ", ".join(f"{line}" for line in self.lines[:3])
        return shown + (" ..." if self.n_rows > 3 and self.lines else "")

    def __str__(self) -> str:
        """Say where, what was found, what to do, and the code of docs/findings.md."""
        where = self.file or self.table
        if self.lines and self.kind == "refuse":
            where += f" line {self.lines[0]}"
        elif self.lines:
            where += f" line{'s' if len(self.lines) > 1 else ''} {self.first_lines}"
        if self.column:
            where += f", column {self.column}"
        cure = f"\n  {self.cure}" if self.cure else ""
        return f"{where}: {self.text}{cure}  [{self.code}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A check that always runs; when it fires, its text is printed beside the answer."""

    kind: str
    fired: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A frame to be read: ``frame`` keeps the numbers, ``shown`` is what the page prints."""

    frame: pd.DataFrame
    caption: str
    shown: pd.DataFrame
    numeric: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, frame: pd.DataFrame, *, caption: str, columns: Sequence[tuple[str, str, str]]
    ) -> Table:
        """Make a table from (header, column, unit) triples.

        The unit is one of `markup.DECIMALS` or "text"; a column written "low..high" is an interval.
        """
        shown: dict[str, list[str]] = {}
        for header, source, unit in columns:
            if ".." in source:
                low, high = source.split("..")
                pairs = zip(frame[low], frame[high], strict=True)
                shown[header] = [_interval_cell(a, b, unit) for a, b in pairs]
            elif unit == "text":
                shown[header] = [markup.cell(v) for v in frame[source]]
            else:
                shown[header] = [_number_cell(v, unit) for v in frame[source]]
        import pandas as pd

        return cls(
            frame=frame,
            caption=caption,
            shown=pd.DataFrame(shown),
            numeric=tuple(h for h, _, unit in columns if unit != "text"),
        )

    def _repr_html_(self) -> str:
        return markup.table(self.shown, caption=self.caption, numeric=self.numeric)

    def __str__(self) -> str:
        """Return the table as plain text under its caption."""
        return f"{self.caption}\n{markup.plain(self.shown, numeric=self.numeric)}"


def _number_cell(value: object, unit: str) -> str:
    """Return a number as a cell shows it: rounded for reading, a dash where there is none."""
    if value is None or not isinstance(value, (int, float)) or value != value:
        return "–"
    return markup.number(value, markup.DECIMALS.get(unit, 2))


def _interval_cell(low: float | None, high: float | None, unit: str) -> str:
    """Return an interval as a cell shows it."""
    ends = [None if v is None or v != v else v for v in (low, high)]
    return "–" if ends == [None, None] else markup.interval(ends[0], ends[1], unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Paragraphs made from a result, to be read where they stand."""

    paragraphs: tuple[str, ...]

    def __str__(self) -> str:
        """Return the paragraphs as plain text."""
        return "\n\n".join(self.paragraphs)

    def _repr_html_(self) -> str:
        return f'<div class="cx-note">{markup.paragraphs(self.paragraphs)}</div>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What one section of a page shows, in order; ``result`` keeps the numbers behind it."""

    parts: tuple[Table | Note, ...]
    guards: tuple[Guard, ...] = ()
    result: Any = None

    @property
    def ok(self) -> bool:
        """Whether the section's question could be answered."""
        return self.result is not None

    def __str__(self) -> str:
        """Return the parts as plain text."""
        return "\n\n".join(str(part) for part in self.parts)

    def _repr_html_(self) -> str:
        return "".join(part._repr_html_() for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A finished figure with its caption, the words that stand in for it, and what it draws.

    ``table`` holds the numbers drawn and nothing that the figure does not show; a report offers it
    as a file. What was withheld from the figure is withheld from the table.
    """

    data: bytes
    mime: Literal["image/svg+xml", "image/png"]
    alt: str
    caption: str
    width: int = 0  # on the page, in CSS pixels; 0 leaves it to the image
    table: pd.DataFrame | None = None

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> dict[str, object]:
        """Show as HTML and text, and carry the table for a report."""
        shown: dict[str, object] = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        if self.table is not None:
            rows = self.table.itertuples(index=False, name=None)
            shown[FIGURE_MIME] = {
                "columns": [str(c) for c in self.table.columns],
                "rows": [[_plain(v) for v in row] for row in rows],
            }
        return shown

    def __repr__(self) -> str:
        """Return the alternative text: what a reader without the image gets."""
        return f"Figure: {self.alt}"

    def _repr_html_(self) -> str:
        uri = f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"
        width = f' width="{self.width}"' if self.width else ""
        return (
            f'<figure class="cx-figure"><img src="{uri}" alt="{markup.escape(self.alt)}"{width}>'
            f"<figcaption>{markup.escape(self.caption)}</figcaption></figure>"
        )


def _plain(value: Any) -> str | float | int | None:
    """Return a cell as JSON holds it; six digits are more than any interval here bears."""
    if value is None or value != value:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return value if isinstance(value, int) and not isinstance(value, bool) else str(value)


def guards_table(guards: Sequence[Guard], *, of: Sequence[str] = ()) -> Table:
    """Return every guard with what it saw, those that fired first; ``of`` names their sections."""
    import pandas as pd

    placed = zip(guards, of or [""] * len(guards), strict=True)
    ordered = sorted(placed, key=lambda pair: not pair[0].fired)
    frame = pd.DataFrame(
        {
            "section": [section for _, section in ordered],
            "guard": [g.kind for g, _ in ordered],
            "state": ["fired" if g.fired else "quiet" for g, _ in ordered],
            "text": [g.text[:1].upper() + g.text[1:] for g, _ in ordered],
        }
    )
    return Table.of(
        frame,
        caption=f"Guards: {sum(g.fired for g in guards)} of {len(guards)} fired.",
        columns=[
            *([("Section", "section", "text")] if of else []),
            ("Guard", "guard", "text"),
            ("State", "state", "text"),
            ("Seen", "text", "text"),
        ],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a reader in a hurry needs: the answer in sentences, how sure, and the main doubt."""

    question: str
    headline: str
    sentences: tuple[str, ...]
    how_sure: str
    doubt: str
    estimate: Estimate | Difference
    guards: tuple[Guard, ...] = ()
    used: int | None = None  # people behind the answer, where they are more than those compared

    @property
    def n(self) -> int:
        """Return the number of people or units behind the main estimate."""
        if self.used is not None:
            return self.used
        e = self.estimate
        return e.n if isinstance(e, Estimate) else e.n_a + e.n_b

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> dict[str, object]:
        """Show as HTML and text, and carry the headline for a report's index."""
        html = (
            f'{markup.IN_LAB}<section class="cx-answer" aria-label="Answer"><p class="cx-headline">'
            f"{markup.escape(self.headline)}</p>{markup.paragraphs(self.sentences)}"
            f'<p class="cx-sure"><strong>How sure.</strong> {markup.escape(self.how_sure)}</p>'
            f'<p class="cx-doubt"><strong>Main doubt.</strong> {markup.escape(self.doubt)}</p>'
            "</section>"
        )
        e = self.estimate
        # a correlation has a value of no link, as a difference has one of no difference
        none = 0.0 if e.measured_in == "correlation" else None
        null = e.null if isinstance(e, Difference) else none
        return {
            "text/html": html,
            "text/plain": str(self),
            ANSWER_MIME: {
                "question": self.question,
                "headline": self.headline,
                "n": self.n,
                "value": e.value,
                "low": e.low,
                "high": e.high,
                "level": e.level,
                "metric": e.metric,
                "measured_in": e.measured_in,
                "null": null,
                "direction": e.direction if isinstance(e, Difference) else "",
                "guards_fired": [g.kind for g in self.guards if g.fired],
            },
        }

    def __str__(self) -> str:
        """Return the whole answer as plain text."""
        body = "\n".join(self.sentences)
        return f"{self.headline}\n{body}\nHow sure. {self.how_sure}\nMain doubt. {self.doubt}"

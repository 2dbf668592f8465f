"""Which measure for which question: the README's table, made from the docstrings of the metrics.

``python -m tests.project.measures`` writes it anew; tests/project/test_measures.py compares.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import cxkit as cx

README = Path(__file__).parents[2] / "README.md"
START = "<!-- made from the docstrings: python -m tests.project.measures -->"
END = "<!-- end -->"

#: Headings and the modules of cxkit/metrics under each, in the order of the README.
SECTIONS = {
    "Experience": ["nps", "proportions", "effort", "journey", "touchpoints", "perception"],
    "Service": ["resolution", "service", "closed_loop", "incidence", "durations", "logrank"],
    "Behaviour": ["dates", "purchases", "revenue", "advocacy"],
    "Employees": ["employees", "turnover"],
    "Scales and agreement": ["consistency", "omega", "agreement", "across"],
    "Weights and silence": ["silence", "weights", "weighted"],
    "Large data": ["grouped"],
    "Comparing": ["compare", "paired", "families", "mix", "funnel", "shrinkage"],
    "Planning": ["planning"],
}
REST = "More"

_SAID = re.compile(r"^Question: (?P<question>.+?\?) Interval: (?P<interval>.+?)\.$")
_VERB = re.compile(r"^(Estimate|Return) ")


def measures() -> dict[str, object]:
    """The public functions that measure something, by name."""
    ours = [name for name, module in cx._PUBLIC.items() if module.startswith("metrics.")]
    found = {name: getattr(cx, name) for name in ours}
    return {name: thing for name, thing in found.items() if inspect.isfunction(thing)}


def said(thing: object) -> tuple[str, str] | None:
    """The question that a docstring says it answers, and its interval; None if it does not."""
    for paragraph in (inspect.getdoc(thing) or "").split("\n\n")[1:2]:
        if found := _SAID.match(" ".join(paragraph.split())):
            question = found["question"]
            return question[0].upper() + question[1:], found["interval"]
    return None


def references(thing: object) -> str:
    """The references of a docstring, as short as one cites them, each a link where it has a DOI."""
    doc = inspect.getdoc(thing) or ""
    part = re.search(r"^References\n-+\n(.*?)(?=\n\n\w+\n---|\Z)", doc, re.DOTALL | re.MULTILINE)
    cited = []
    for entry in re.split(r"\n\n", part[1]) if part else []:
        text = " ".join(entry.split())
        year = re.search(r"\((\d{4})\)", text)
        authors = text[: year.start()] if year else text
        names = re.findall(r"([A-Z][^\s,]*(?: [A-Z][^\s,.]+)*), [A-Z]\.", authors)
        names = names or [authors.split(",")[0].strip()]
        who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
        short = f"{who} {year[1]}" if year else who
        doi = re.search(r"doi:(\S+?)\.?$|https://doi\.org/(\S+?)\.?$", text)
        link = doi and (doi[1] or doi[2]).replace("<", "%3C").replace(">", "%3E")
        link = link and link.replace("(", "%28").replace(")", "%29")
        cited.append(f"[{short}](https://doi.org/{link})" if link else short)
    return ", ".join(cited)


def row(name: str, thing: object) -> str:
    """One line of the table."""
    question, interval = said(thing) or ("", "")
    first = (inspect.getdoc(thing) or "").splitlines()[0].rstrip(".")
    gives = _VERB.sub("", first) if _VERB.match(first) else first[0].lower() + first[1:]
    gives = re.sub(r":\w+:`(?:cxkit\.)?(\w+)`", r"`cx.\1`", gives)
    gives = gives.replace("``", "`").replace("|", "\\|")
    return f"| {question} | `cx.{name}` | {gives} | {interval} | {references(thing)} |"


def table() -> str:
    """The whole table, by section and in the order of the modules."""
    at = {module: section for section, modules in SECTIONS.items() for module in modules}
    order = [module for modules in SECTIONS.values() for module in modules]
    rows: dict[str, list[tuple[tuple[int, int], str]]] = {s: [] for s in [*SECTIONS, REST]}
    for name, thing in measures().items():
        module = thing.__module__.rsplit(".", 1)[1]
        place = order.index(module) if module in order else len(order)
        line = inspect.getsourcelines(thing)[1]
        rows[at.get(module, REST)].append(((place, line), row(name, thing)))
    lines = ["| question | function | gives | interval | reference |", "|---|---|---|---|---|"]
    for section, found in rows.items():
        if found:
            lines += [f"| **{section}** | | | | |", *(text for _, text in sorted(found))]
    return "\n".join(lines)


def shown(text: str) -> str:
    """The table as it stands in the README."""
    return text.split(START, 1)[-1].split(END, 1)[0].strip()


def main() -> None:
    """Write the table into the README."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(START, 1)
    README.write_text(
        f"{before}{START}\n\n{table()}\n\n{END}{rest.split(END, 1)[1]}", encoding="utf-8"
    )


if __name__ == "__main__":
    main()

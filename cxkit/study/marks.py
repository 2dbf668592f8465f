"""A YAML text becomes plain values, each with the line it stands on."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

import yaml

Path = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_TRUE_FALSE = re.compile(r"(?i)true|false")
_PLAIN = {"str", "int", "float", "bool", "null", "timestamp"}


@dataclass
class Marked:
    """What a YAML text says: its values, the line of every key, and what could not be read."""

    value: object = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """Return the line of the nearest thing on the way to ``path`` that stands in the text."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str) -> Marked:
    r"""Read YAML as ``safe_load`` would, keeping lines and refusing what hides mistakes.

    Parameters
    ----------
    text : str
        The whole document.

    Returns
    -------
    Marked
        Values, lines and faults; with any fault the value is not to be used.

    Notes
    -----
    Three habits differ from ``yaml.safe_load`` on purpose: a key given twice is a fault, keys are
    always text (so ``2011:`` and ``yes:`` are names), and only true and false are read as such
    (so ``missing: [NO]`` is the text NO). Anchors, aliases and tags are faults.

    Examples
    --------
    >>> marked = read_yaml("nps: nps\nyes: [1, NO]")
    >>> marked.value, marked.lines[("yes",)]
    ({'nps': 'nps', 'yes': [1, 'NO']}, 2)
    >>> read_yaml("a: 1\na: 2").faults
    [(2, "the key 'a' stands here and on line 1; keep one of them.")]
    """
    marked = Marked()
    loader = yaml.SafeLoader("")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        marked.faults.append((mark.line + 1 if mark else 1, _syntax(text, mark)))
        return marked
    except yaml.YAMLError:
        marked.faults.append((1, "the file holds characters that a text file cannot have."))
        return marked
    if node is not None:
        _Walk(loader, marked).visit(node, ())
    return marked


def _syntax(text: str, mark: yaml.Mark | None) -> str:
    """Say a syntax fault in words, with the usual causes."""
    lines = text.splitlines()
    row = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in row:
        return "a tab stands here; YAML wants spaces."
    return (
        f"this is not YAML {f'near  {row.strip()[:60]}' if row.strip() else 'at the end'}\n"
        "  usual causes: no space after a colon, a bracket or quote left open, "
        "a line moved in or out."
    )


class _Walk:
    """One pass over the node tree, building values and noting lines."""

    def __init__(self, loader: yaml.SafeLoader, marked: Marked) -> None:
        self.loader = loader
        self.marked = marked
        self.seen: set[int] = set()

    def visit(self, node: yaml.Node, path: Path) -> object:
        """Return the value of a node; the root's is kept."""
        line = node.start_mark.line + 1
        self.marked.lines.setdefault(path, line)
        if id(node) in self.seen:
            self.fault(line, "anchors and aliases (& and *) are not read here; write it out.")
            return None
        self.seen.add(id(node))
        value: object
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            value = self.mapping(node, path)
        elif isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            value = [self.visit(child, (*path, i)) for i, child in enumerate(node.value)]
        elif isinstance(node, yaml.ScalarNode) and node.tag.removeprefix(_TAG) in _PLAIN:
            value = self.scalar(node, line)
        else:
            self.fault(line, f"the tag {node.tag.replace(_TAG, '!!')} is not read here; remove it.")
            return None
        if not path:
            self.marked.value = value
        return value

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        """Return a mapping with text keys; a key given twice is a fault."""
        value: dict[str, object] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                self.fault(line, "a key must be a plain name.")
                continue
            name = str(key.value)
            if name in value:
                first = self.marked.lines[(*path, name)]
                self.fault(
                    line, f"the key {name!r} stands here and on line {first}; keep one of them."
                )
                continue
            self.marked.lines[(*path, name)] = line
            value[name] = self.visit(child, (*path, name))
        return value

    def scalar(self, node: yaml.ScalarNode, line: int) -> object:
        """Return a plain value; yes, no, on, off and numbers like 007 stay text."""
        text = str(node.value)
        kind = node.tag.removeprefix(_TAG)
        if kind == "bool" and not _TRUE_FALSE.fullmatch(text):
            return text
        if kind == "int" and not re.fullmatch(r"[-+]?(0|[1-9]\d*)", text):
            return text
        try:
            value: object = self.loader.construct_object(node)
        except ValueError:
            self.fault(line, f"{text} is not a day that exists.")
            return None
        return value if isinstance(value, str | int | float | dt.date) else None

    def fault(self, line: int, text: str) -> None:
        """Note one thing that cannot be read."""
        self.marked.faults.append((line, text))

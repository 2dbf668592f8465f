"""Cells from which the tests make notebooks."""

from cxkit.results import PROVENANCE_MIME

Cell = tuple[str, str]  # what it is (markdown, code or a tag) and its source

#: The parameters cell and the last cell of a notebook that does as it should.
LEVEL = ("parameters", "level = 0.95  # confidence level")
_SAID = f'{{"text/plain": "end", "{PROVENANCE_MIME}": {{"parameters": {{"level": level}}}}}}'
END = ("code", f"display({_SAID}, raw=True)")


def content(*cells: Cell) -> dict[str, object]:
    """Return a notebook of the given cells."""
    return {
        "cells": [_cell(i, *cell) for i, cell in enumerate(cells)],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(number: int, kind: str, source: str) -> dict[str, object]:
    """Return one cell; a kind that is no type of cell is the tag of a code cell."""
    tags = [] if kind in {"markdown", "code"} else [kind]
    cell: dict[str, object] = {
        "id": f"c{number}",
        "cell_type": "markdown" if kind == "markdown" else "code",
        "metadata": {"tags": list(tags)},
        "source": source,
    }
    return cell if kind == "markdown" else cell | {"execution_count": None, "outputs": []}

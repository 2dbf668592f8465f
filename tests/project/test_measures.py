"""The README's table of measures is what the docstrings say."""

import pytest

from tests.project import measures

HOW = "write it anew: python -m tests.project.measures"


@pytest.mark.parametrize("name", sorted(measures.measures()))
def test_a_metric_says_its_question_and_its_interval(name: str) -> None:
    said = measures.said(measures.measures()[name])
    assert said, (
        f"the second paragraph of cx.{name}'s docstring must be "
        "'Question: ...? Interval: ....'; then " + HOW
    )


def test_the_table_of_the_readme_is_made_from_the_docstrings() -> None:
    text = measures.README.read_text(encoding="utf-8")
    assert measures.shown(text) == measures.table(), HOW


def test_every_measure_stands_in_the_table_once() -> None:
    table = measures.table()
    for name in measures.measures():
        assert table.count(f"| `cx.{name}` |") == 1, name
    empty = [line for line in table.splitlines() if "|  |" in line]
    assert not empty, empty


def test_references_are_cited_as_one_reads_them() -> None:
    import cxkit as cx

    assert "[Rocks 2016](https://doi.org/10.1080/00031305.2016.1198279)" in measures.references(
        cx.nps
    )
    assert "Holm 1979" in measures.references(cx.holm)
    assert "Burke et al. 1999" in measures.references(cx.ad_m)

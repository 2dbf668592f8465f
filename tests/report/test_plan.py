"""One entry of a plan becomes many reports, and nothing in it is ever silently left out."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cxkit.errors import ParameterError
from cxkit.report import plan
from cxkit.report.batch import planned
from tests.report.made import END, LEVEL


@pytest.fixture
def written(tmp_path: Path, notebook: Callable[..., Path]) -> Callable[..., Path]:
    """Return a function that writes a plan of one entry with ``for_each``."""
    notebook(LEVEL, ("code", "1"), END)

    def write(for_each: object, *, name: str = "r_{level}", **more: object) -> Path:
        entry = {"name": name, "notebook": "made.ipynb", "for_each": for_each, **more}
        path = tmp_path / "plan.yml"
        path.write_text(json.dumps({"reports": [entry]}), encoding="utf-8")
        return path

    return write


def test_a_grid_is_every_combination(written: Callable[..., Path]) -> None:
    path = written({"a": [1, 2], "b": ["x", "y"]}, name="{a}{b}")
    assert [e.name for e in plan.read(path)] == ["1x", "1y", "2x", "2y"]


def test_a_list_is_one_report_a_row(written: Callable[..., Path]) -> None:
    jobs = planned(written([{"level": 0.9}, {"level": 0.5}])).jobs
    assert [(j.name, j.values) for j in jobs] == [
        ("r_0-9", {"level": 0.9}),
        ("r_0-5", {"level": 0.5}),
    ]


def test_a_file_is_one_report_a_row_and_its_texts_are_typed(
    written: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text(
        "who,level\nSüd-Ost / 3 🙂,0.9\n../up,0.5\n", encoding="utf-8"
    )
    jobs = planned(written("rows.csv", name="{who}")).jobs
    assert [(j.name, j.values) for j in jobs] == [
        ("Sud-Ost-3", {"level": 0.9}),
        ("up", {"level": 0.5}),
    ]


def test_a_column_is_put_where_the_parameters_name_it(written: Callable[..., Path]) -> None:
    path = written([{"unit": "B 1", "l": 0.9}], name="b_{unit}", parameters={"level": "{l}"})
    (job,) = planned(path).jobs
    assert (job.name, job.values) == ("b_B-1", {"level": 0.9})
    (entry,) = plan.read(
        written([{"unit": "B 1"}], name="b_{unit}", parameters={"level": "unit={unit}"})
    )
    assert entry.parameters == {"level": "unit=B 1"}


def test_columns_of_a_file_can_be_chosen(written: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("level,manager\n0.9,A\n", encoding="utf-8")
    with pytest.raises(ParameterError, match="manager: this notebook has no such parameter"):
        planned(written("rows.csv"))
    (job,) = planned(written({"file": "rows.csv", "columns": ["level"]})).jobs
    assert job.values == {"level": 0.9}


def test_a_mistyped_column_is_refused_and_never_runs_the_default(
    written: Callable[..., Path],
) -> None:
    with pytest.raises(ParameterError, match="levle: this notebook has no such parameter"):
        planned(written([{"levle": 0.9, "who": "a"}], name="r_{who}"))


@pytest.mark.parametrize(
    ("for_each", "more", "told"),
    [
        ([], {}, "for_each cannot be read"),
        ("", {}, "for_each cannot be read"),
        ({"level": []}, {}, "for_each cannot be read"),
        ({"level": [[1]]}, {}, "for_each cannot be read"),
        ("none.csv", {}, "there is no such file"),
        ({"file": "rows.csv", "column": ["a"]}, {}, "a file goes with columns only"),
        ({"file": "rows.csv", "columns": ["b"]}, {}, "no column b; its columns are: level"),
        ("twice.csv", {}, "line 1: every column must have a name of its own"),
        ("ragged.csv", {}, "row 3: 2 values for 1 columns"),
        ("empty.csv", {}, "a header and no row"),
        ([{"level": 1}], {"name": "r_{lvl}"}, "{lvl} is no column of for_each, which has: level"),
        ([{"level": 1}], {"parameters": {"level": 0.9}}, "level stands both in parameters and"),
        ([{"level": 0.1}, {"level": 0.2}], {"name": "r"}, "put a column of for_each in the name"),
        ([{"level": "🙂"}], {"name": "{level}"}, "row 1 of for_each: '' cannot be the name"),
    ],
)
def test_what_cannot_be_spread_is_refused(
    written: Callable[..., Path], tmp_path: Path, for_each: object, more: dict, told: str
) -> None:
    for name, content in {
        "rows.csv": "level\n1\n",
        "twice.csv": "a,a\n1,2\n",
        "ragged.csv": "level\n0.9\n1,2\n",
        "empty.csv": "level\n",
    }.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ParameterError) as refused:
        planned(written(for_each, **more))
    assert told in str(refused.value)
    assert "nothing was run" in str(refused.value)


def test_every_row_without_a_good_name_is_told_at_once(written: Callable[..., Path]) -> None:
    rows = [{"level": text} for text in ("🙂", "0.9", "·")] + [{"level": "?"}] * 30
    with pytest.raises(ParameterError) as refused:
        planned(written(rows, name="{level}"))
    told = str(refused.value)
    assert "row 1 of for_each" in told
    assert "row 2 of for_each" not in told
    assert "row 3 of for_each" in told
    assert "12 more rows of for_each have no good name" in told

"""The verdict on real runs: every way in which papermill's own marks were seen to lie."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cxkit.report.parameters import parse
from cxkit.report.run import Executed, Step, execute
from cxkit.report.verdict import Verdict, judge
from cxkit.results import PROVENANCE_MIME
from tests.report.made import END, LEVEL

pytestmark = pytest.mark.notebook


def run(path: Path, **choices: object) -> Executed:
    return execute(path, parse(path, {}), cwd=path.parent, **choices)


def test_a_whole_run_is_whole(tiny: Executed) -> None:
    assert tiny.verdict == Verdict(status="whole")
    assert tiny.verdict.exit_code == 0


def test_an_error_is_told_by_its_class_and_part_never_by_its_text(
    notebook: Callable[..., Path],
) -> None:
    path = notebook(
        ("markdown", "# Question\n\n## The part"), LEVEL, ("code", "float('CANARY 4711')"), END
    )
    executed = run(path)
    assert executed.verdict.status == "failed"
    assert executed.verdict.error == "ValueError"
    assert executed.verdict.cell == "The part"
    assert executed.verdict.exit_code == 1
    assert "CANARY" not in str(executed.verdict)


def test_a_refusal_of_the_kit_is_told_in_full_with_its_code(notebook: Callable[..., Path]) -> None:
    source = "import cxkit as cx\ncx.nps([11])"
    verdict = run(notebook(LEVEL, ("code", source), END)).verdict
    assert verdict.status == "refused"
    assert verdict.error == "ScaleError"
    assert "11" in verdict.reason
    assert verdict.exit_code == 2


def test_an_error_of_another_library_with_the_name_of_ours_is_not_told(
    notebook: Callable[..., Path],
) -> None:
    source = "import pandas as pd\nraise pd.errors.DataError('CANARY')"
    verdict = run(notebook(LEVEL, ("code", source), END)).verdict
    assert verdict.status == "failed"
    assert verdict.error == "DataError"
    assert "CANARY" not in str(verdict)


def test_progress_is_told_cell_by_cell(notebook: Callable[..., Path]) -> None:
    steps: list[Step] = []
    path = notebook(("markdown", "# Question"), LEVEL, END)
    run(path, progress=steps.append)
    assert [s.index for s in steps] == [1, 2, 3, 4]
    assert {s.count for s in steps} == {4}  # papermill's own cell among them
    assert steps[0].title == "Question"


def ran(source: str, count: int | None = 1, *outputs: dict[str, object]) -> dict[str, object]:
    """Return a code cell after a run."""
    return {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "execution_count": count,
        "outputs": list(outputs),
    }


def said(**parameters: object) -> dict[str, object]:
    """Return the output of a last cell."""
    data = {PROVENANCE_MIME: {"parameters": parameters}}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def test_papermills_marks_are_not_believed() -> None:
    cells = [ran("a", 1), ran("b", None), ran("c", 2, said(level=0.95))]
    for cell in cells:
        cell["metadata"] = {"papermill": {"status": "completed", "exception": False}}
    verdict = judge(cells, {"level": 0.95})
    assert (verdict.status, verdict.reason) == ("failed", "a cell was not run")


def test_cells_run_in_their_order() -> None:
    for first, second in ((2, 1), (1, 1)):
        cells = [ran("a", first), ran("b", second, said(level=0.95))]
        assert judge(cells, {"level": 0.95}).reason == "cells ran out of order"


def test_empty_cells_need_not_run() -> None:
    cells = [ran("a", 1), ran("  \n", None), ran("c", 2, said(level=0.95)), ran("", None)]
    assert judge(cells, {"level": 0.95}).whole


def test_without_the_last_word_a_run_is_not_whole() -> None:
    cells = [ran("a", 1, said(level=0.95)), ran("b", 2)]
    assert "nothing says that the notebook reached its end" in judge(cells, {"level": 0.95}).reason
    assert not judge([], {}).whole


@pytest.mark.parametrize("echo", [{}, {"level": 0.9}, {"level": "0.95"}, {"level": True}])
def test_a_run_with_other_parameters_is_not_whole(echo: dict[str, object]) -> None:
    verdict = judge(
        [ran("a", 1, said(**echo))], {"level": 1.0 if echo.get("level") is True else 0.95}
    )
    assert verdict.status == "failed"
    assert "level" in verdict.reason


def test_an_engine_that_gave_up_is_believed_even_if_all_cells_ran() -> None:
    verdict = judge([ran("a", 1, said(level=0.95))], {"level": 0.95}, stopped="the kernel died")
    assert (verdict.status, verdict.reason) == ("failed", "the kernel died")

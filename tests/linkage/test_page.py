"""The notebook's own cells on awkward firms: every one is shown, and none shows NaN."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from tests import folders
from tests.linkage.test_edges import firm

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "engagement_correlation.ipynb"


def shown(study: Path, **given: object) -> str:
    """Run the notebook's cells in order and return all that they show, as text."""
    parts = [f"{p.alt}\n{p.caption}" if hasattr(p, "alt") else str(p) for p in run(study, **given)]
    return "\n".join(parts)


@cache
def text_of(settings: tuple[tuple[str, object], ...]) -> str:
    """Return all that the notebook shows on a firm with these settings, run once."""
    folder = folders.shared("firm")
    firm(folder, **dict(settings))
    return shown(folder / "study.yml")


def everything(study: Path, **given: object) -> str:
    """Return what a report has of the notebook: pages, words for figures, files, index."""
    said = []
    for part in run(study, **given):
        whole = hasattr(part, "_repr_mimebundle_")
        bundle = part._repr_mimebundle_() if whole else {"text/html": part._repr_html_()}
        said += [str(part), *(v if isinstance(v, str) else json.dumps(v) for v in bundle.values())]
    return re.sub(r'src="data:[^"]*"', "", "\n".join(said))


def run(study: Path, **given: object) -> list[object]:
    """Run the notebook's cells in order and return what they show."""
    seen: list[object] = []
    names: dict[str, object] = {"display": seen.append}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        *body, last = "".join(cell["source"]).rstrip().splitlines()
        plain = re.match(r"[\w.]+(\(.*\))?$", last) and "=" not in last.split("(")[0]
        exec("\n".join(body if plain else [*body, last]), names)  # noqa: S102
        if "parameters" in cell["metadata"].get("tags", []):
            names.update(study=str(study), **given)
        if plain:
            seen.append(eval(last, names))  # noqa: S307
    return seen


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"units": 3},
            ["at least 4 units; there are 3", "at least 3 waves of one instrument and 30 units"],
        ),
        (
            {"units": 12, "seed": 3},
            [
                "there are 4 such waves and 12 units",
                "Too few units for direction: 12 units",
                "units may differ by chance only",
            ],
        ),
        ({"units": 30, "waves": 1}, ["not identified: 1 wave"]),
        ({"units": 30, "waves": 2}, ["not identified by two waves", "not identified: 2 waves"]),
        ({"units": 12, "staff": 1}, ["12 of 12 units have fewer than 5"]),
        ({"units": 30, "same": True}, ["the same in every unit"]),
        ({"units": 40, "staff": 4}, ["Scatter of 0 units", "not drawn"]),
    ],
)
def test_the_notebook_ends_in_true_sentences_on_an_awkward_firm(settings, said):
    text = text_of(tuple(settings.items()))
    assert [words for words in said if words not in text] == []
    assert not re.search(r"\b(?:nan|NaN|inf|None(?! of))\b", text)
    if settings == {"units": 12, "seed": 3}:
        assert re.search(r"ICC\(1\) of engagement +−0\.\d\d .* limits ", text), "shown as it is"


@pytest.mark.parametrize(
    ("settings", "said", "never"),
    [
        # what each rater says cannot be told from error where there is one a unit
        ({"units": 12, "staff": 1}, "Every unit has one person on one side", "Corrected for it"),
        ({"units": 12, "staff": 1}, "none has enough people to be shown", "experience: 12 units"),
        ({"units": 3}, "No lag is given: only 3 units", "\nonly 3 units"),
        ({"units": 30, "waves": 1}, "same wave", "all waves together\n"),
        ({"units": 3}, "There is no plane to draw", "No unit has enough people"),
        ({"units": 3}, "the study is without satisfaction", "cannot be told: satisfaction"),
        ({"units": 30, "same": True}, "every wave; 4 waves take 40", "wave; it takes 30"),
        ({"units": 30, "waves": 1}, "none of 30 shown units can be told from it", "0 of 30 shown"),
        ({"units": 30, "waves": 1}, "Mean CSAT of a customer", "\nmean CSAT of"),
    ],
)  # fmt: skip
def test_no_sentence_says_more_or_other_than_is_so(settings, said, never):
    text = text_of(tuple(settings.items()))
    assert said in text
    assert never not in text
    assert "0 customers' answers" not in text
    lines = [line for line in text.splitlines() if len(line) > 40 and not line.startswith(" ")]
    assert not [line for line in lines if lines.count(line) > 2], "no sentence stands three times"


def test_the_notebook_reads_one_wave_and_a_target(tmp_path):
    firm(tmp_path, units=30)
    text = shown(tmp_path / "study.yml", wave="2025Q2", target="3.2")
    assert "not identified: 1 wave" in text
    assert "Units held to experience of 3.20" in text

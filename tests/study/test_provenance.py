"""The last cell: hashes, parameters and versions; no clock, no machine, no folder, no secret."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cxkit as cx
from cxkit.results import PROVENANCE_MIME

Shop = Callable[..., Path]


def test_it_carries_what_a_reviewer_needs(shop: Shop, tmp_path: Path) -> None:
    study = cx.open_study(shop(), where="region=North")
    said = cx.provenance(study, {"horizon": 12, "measure": "nps", "seed": 7, "api_key": "hush"})
    bundle = said._repr_mimebundle_()
    carried = bundle[PROVENANCE_MIME]
    assert isinstance(carried, dict)
    assert json.loads(json.dumps(carried)) == carried
    assert carried["study"] == "Corner shop"
    assert carried["as_of"] == "2025-12-31"
    assert carried["seed"] == 7
    assert carried["parameters"]["horizon"] == 12
    assert {
        "cxkit",
        "python",
        "pandas",
        "numpy",
        "scipy",
        "statsmodels",
        "seaborn",
        "papermill",
    } == (set(carried["versions"]))
    first = carried["sources"][0]
    content = (tmp_path / "customers.csv").read_bytes()
    assert first["sha256"] == hashlib.sha256(content).hexdigest()
    assert (first["name"], first["size"], first["rows_read"]) == ("customers.csv", len(content), 3)
    assert "hush" not in str(bundle)


def test_pages_show_no_folder_and_no_markup(shop: Shop, tmp_path: Path) -> None:
    study = cx.open_study(shop())
    path = str(tmp_path / "study.yml")
    said = cx.provenance(study, {"study": path, "title": "<b>x</b>"})
    bundle = said._repr_mimebundle_()
    assert str(tmp_path) not in str(bundle["text/html"]) + str(bundle["text/plain"])
    assert "<b>x" not in str(bundle["text/html"])
    # The verdict of a report compares what was asked with what was run: unchanged, off the page.
    assert said.as_dict()["parameters"] == {"study": path, "title": "<b>x</b>"}


def test_it_is_the_same_every_time(shop: Shop) -> None:
    path = shop()
    first, second = (cx.provenance(cx.open_study(path), {"a": 1}) for _ in range(2))
    assert first._repr_mimebundle_() == second._repr_mimebundle_()


def test_it_imports_nothing_to_know_versions() -> None:
    code = (
        "import sys; import cxkit.study.provenance as p; v = p._versions();"
        "print([m for m in ('statsmodels', 'seaborn', 'papermill') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

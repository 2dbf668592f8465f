"""Which files a report is made from, and whether they stayed the same from beginning to end."""

import hashlib
from pathlib import Path

from cxkit.report import inputs


def test_a_study_names_its_files_and_a_path_names_itself(tmp_path: Path) -> None:
    for name in ("customers.csv", "more.csv", "parts/a.parquet", "unnamed.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / "study.yml").write_text(
        "study: A\ncustomers: {file: customers.csv}\norders: {source: parts}\n"
        "responses: {file: gone.csv}\n",
        encoding="utf-8",
    )
    values = {"study": "study.yml", "extra": "more.csv", "where": "region=North", "level": 0.9}
    found = inputs.hashed(values, tmp_path)
    names = {Path(p).relative_to(tmp_path.resolve()).as_posix() for p in found}
    assert names == {"study.yml", "customers.csv", "parts/a.parquet", "more.csv"}
    size, digest = found[str((tmp_path / "more.csv").resolve())]
    assert (size, digest) == (8, hashlib.sha256(b"more.csv").hexdigest())
    assert inputs.hashed({"study": str(tmp_path)}, Path.cwd()).keys() < found.keys()
    (tmp_path / "study.yml").write_text("customers: {file: more.csv}", encoding="utf-8")
    names = [Path(p).name for p in inputs.hashed({"study": str(tmp_path)}, tmp_path)]
    assert names == ["more.csv", "study.yml"], "as it is now"


def test_what_is_no_study_names_itself(tmp_path: Path) -> None:
    for text in ("a: [", "[" * 5000):
        (tmp_path / "study.yml").write_text(text, encoding="utf-8")
        assert len(inputs.hashed({"study": "study.yml"}, tmp_path)) == 1


def test_the_sample_is_an_input_where_no_study_is_named(tmp_path: Path) -> None:
    names = {Path(p).name for p in inputs.hashed({"study": ""}, tmp_path)}
    assert {"study.yml", "customers.csv", "engagement.csv"} <= names
    assert inputs.hashed({"other": ""}, tmp_path) == {}


def test_a_file_must_be_the_same_before_during_and_after() -> None:
    one, two = {"/d/a.csv": (1, "x")}, {"/d/a.csv": (1, "y")}
    read_as = [{"name": "a.csv", "sha256": digest} for digest in "xy"]
    assert inputs.changed(one, one, {"sources": read_as[:1]}) == []
    assert inputs.changed(one, two, {}) == ["a.csv"]
    assert inputs.changed(one, {}, {}) == ["a.csv"], "gone"
    assert inputs.changed(one, one, {"sources": read_as[1:]}) == ["a.csv"], "swapped and back"
    assert inputs.changed(one, one, {"sources": [{"name": "elsewhere.csv", "sha256": "z"}]}) == []

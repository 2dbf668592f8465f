"""Everything that was seen to go wrong in unattended runs: how it ends, what stays, what is left.

Where a run is ended, or started in odd surroundings, it is a process of its own, as a schedule
starts it. Whatever happens, yesterday's report is as it was, no half-written file, private folder,
lock or process is left, and no value is told.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

import cxkit
from cxkit.cli import app
from cxkit.errors import MachineError
from cxkit.report import lock
from tests.report import made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.skipif(sys.platform != "linux", reason="signals and limits as on Linux"),
]

ROOT = Path(cxkit.__file__).parents[1]
TINY = ROOT / "tests" / "notebooks" / "tiny.ipynb"
EARLIER = b"yesterday's whole report"
CANARY = "CANARY 4711"
SLOW = ("code", "import time\nprint('ready', flush=True)\ntime.sleep(60)")
#: A main that Ctrl-C and a closed terminal reach, whatever the shell of a test (``nohup``, ``&``)
#: told its children to ignore.
MAIN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
    "from cxkit.cli import main; main()"
)


@dataclass
class Scene:
    """A folder with yesterday's report, and a private place for temporary files."""

    folder: Path
    out: Path
    private: Path
    extra: dict[str, str] = field(default_factory=dict)

    def notebook(self, *cells: made.Cell, name: str = "made.ipynb") -> Path:
        path = self.folder / name
        path.write_text(json.dumps(made.content(*cells)), encoding="utf-8")
        return path

    def env(self) -> dict[str, str]:
        before = os.environ.get("PYTHONPATH", "")
        paths = os.pathsep.join(filter(None, [str(ROOT), before]))
        return {**os.environ, "TMPDIR": str(self.private), "PYTHONPATH": paths, **self.extra}

    def start(
        self, *arguments: object, prefix: Sequence[str] = (), **popen: object
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*prefix, sys.executable, "-c", MAIN, *map(str, arguments)],
            cwd=self.folder,
            env=self.env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            **popen,
        )

    def report(self, *arguments: object, **popen: object) -> tuple[int, str]:
        """Run ``cxkit report`` apart; return its exit code and what it said on the error stream."""
        run = self.start("report", *arguments, "--out", self.out, **popen)
        _, told = run.communicate(timeout=120)
        return run.returncode, told

    def here(self, *arguments: object) -> tuple[int, str]:
        """Run a command in this process, with kernels of its own; return the same."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.env().items():
                patch.setenv(name, value)
            patch.setattr(tempfile, "tempdir", str(self.private))
            patch.chdir(self.folder)
            said = CliRunner().invoke(app, [*map(str, arguments), "--out", str(self.out)])
        return said.exit_code, said.stderr

    def names(self) -> list[str]:
        return sorted(p.name for p in self.out.iterdir())

    def is_clean(self, *more: str) -> None:
        """Hold the promise: the old report, these files besides, and nothing else anywhere."""
        assert self.names() == sorted(["made.html", "made.ipynb", *more])
        assert (self.out / "made.html").read_bytes() == EARLIER
        assert (self.out / "made.ipynb").read_bytes() == EARLIER
        assert list(self.private.iterdir()) == []
        until = time.monotonic() + 5
        while (left := self.processes()) and time.monotonic() < until:
            time.sleep(0.1)
        assert left == []

    def processes(self) -> list[str]:
        """Return the commands of processes that were started below this scene and still run."""
        mark = f"TMPDIR={self.private}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    found.append((process / "cmdline").read_bytes().decode("utf-8", "replace"))
            except OSError:
                continue
        return [command for command in found if command]  # one that is dead has no command


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    out = tmp_path / "out"
    out.mkdir()
    for ending in ("html", "ipynb"):
        (out / f"made.{ending}").write_bytes(EARLIER)
    # Below tmp_path the name could be too long for a kernel's socket, and another folder be taken.
    with tempfile.TemporaryDirectory(prefix="t-") as private:
        yield Scene(tmp_path, out, Path(private))


def wait_for(there: Callable[[], object], run: subprocess.Popen[str]) -> None:
    """Wait until something is so, while the run lives."""
    until = time.monotonic() + 60
    while not there():
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)


LAST = f"{made.END[1]}\nimport ctypes, sys\nsys.stdout.flush()\nctypes.string_at(0)"
DEAF = (
    "import time\nwhile True:\n    try:\n        time.sleep(1)\n"
    "    except BaseException:\n        pass"
)
LEFT = "import os, subprocess\nsubprocess.Popen(['sleep', '300'])\nos._exit(0)"
SWAP = (
    "import pathlib\nfile = pathlib.Path('data.csv')\nfile.read_text()\n"
    "file.write_text('score\\n3\\n')"
)
FAULTS = {
    "no memory": (f"raise MemoryError('{CANARY}')", [], 1, "ended with MemoryError"),
    "killed in the middle": ("import os\nos.kill(os.getpid(), 9)", [], 1, "the kernel died"),
    "a segmentation fault in the last cell": (None, [], 1, "the kernel died"),
    "a cell that hangs and hears no interrupt": (DEAF, ["cell=1"], 1, "longer than 1 s"),
    "a report that takes too long": (SLOW[1], ["report=1"], 1, "report took longer than 1 s"),
    "sys.exit(0)": ("import sys\nsys.exit(0)", [], 1, "left by sys.exit"),
    "a flood of output": ("print('x' * 3_000_000)", ["output=1"], 1, "wrote more than 1 MB"),
    "left by os._exit(0), a process left behind": (LEFT, [], 1, "the kernel died"),
    "an input swapped": (SWAP, [], 1, "an input changed while the report was made: data.csv"),
    "data refused": ("import cxkit\ncxkit.nps([11])", [], 2, "refused: nps, row 0: 11 is not"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_notebook(fault: str, scene: Scene) -> None:
    source, limits, code, told = FAULTS[fault]
    (scene.folder / "data.csv").write_text("score\n9\n", encoding="utf-8")
    level = ("parameters", 'level = 0.95\ndata = "data.csv"')
    end = ("code", made.END[1].replace('{"level": level}', '{"level": level, "data": data}'))
    cells = [("markdown", "# Why?\n\n## The part"), level, ("code", source or "1"), end]
    if source is None:
        cells[-1] = ("code", LAST)
    path = scene.notebook(*cells)
    ended, words = scene.here("report", path, *(a for limit in limits for a in ("--limit", limit)))
    assert (ended, told in words) == (code, True), words
    scene.is_clean("made.FAILED.html", "made.FAILED.log")
    page = (scene.out / "made.FAILED.html").read_text(encoding="utf-8")
    log = scene.out / "made.FAILED.log"
    assert "The part" in page or fault == "an input swapped"
    assert f"{code} (" in page
    assert 'href="made.html"' in page
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert CANARY not in page + words
    assert "11 is not" not in page, "a refusal may quote an answer, a page for everyone may not"
    assert (CANARY in log.read_text(encoding="utf-8")) == (CANARY in (source or ""))


@pytest.mark.parametrize(
    ("cells", "arguments", "told"),
    [
        ([("code", "level = 1"), made.END], [], "none has it"),
        ([made.LEVEL, made.LEVEL, made.END], [], "2 have it"),
        ([made.LEVEL, made.END], ["-p", "levle=0.9"], "Did you mean 'level'"),
        ([made.LEVEL, made.END], ["-p", "level=high"], "level is a number"),
    ],
)
def test_bad_parameters_run_nothing(
    cells: list[made.Cell], arguments: list[str], told: str, scene: Scene
) -> None:
    code, words = scene.here("report", scene.notebook(*cells), *arguments)
    assert (code, told in words) == (2, True), words
    scene.is_clean()


@pytest.mark.parametrize(
    ("launcher", "limits"),
    [("raise SystemExit(1)", []), ("import time\ntime.sleep(60)", ["--limit", "start=1"])],
    ids=["no kernel", "a kernel that never answers"],
)
def test_without_a_kernel_it_ends_with_3(launcher: str, limits: list[str], scene: Scene) -> None:
    (scene.folder / "ipykernel_launcher.py").write_text(launcher, encoding="utf-8")
    code, words = scene.here("report", scene.notebook(made.LEVEL, made.END), *limits)
    assert (code, "kernel could not be started" in words) == (3, True), words
    scene.is_clean("made.FAILED.html", "made.FAILED.log")


def test_a_file_that_may_not_grow_is_as_a_full_disk(scene: Scene) -> None:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))

    scene.extra["PYTHONDONTWRITEBYTECODE"] = "1"  # Python itself would write half of one
    path = scene.notebook(made.LEVEL, ("code", "print('x' * 20_000)"), made.END)
    code, words = scene.report(path, preexec_fn=small)
    assert (code, "what was there before still is" in words) == (3, True), words
    assert "made.html" not in set(scene.names()) - {"made.html", "made.ipynb"}
    scene.is_clean("made.FAILED.log")


def mounted(scene: Scene, *commands: str) -> tuple[int, str]:
    """Run a report where the folder for reports is mounted as said; skip where one may not."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("mounting takes root and unshare")
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system lets nobody mount")
    script = scene.folder / "run.sh"
    script.write_text("\n".join(["set -e", *commands, 'code=0; "$@" || code=$?']) + "\n")
    with script.open("a") as file:
        file.write('ls -A "$OUT" >&2; cat "$OUT/made.html" >&2; exit $code\n')
    scene.extra["OUT"] = str(scene.out)
    path = scene.notebook(made.LEVEL, ("code", "print('x' * 200_000)"), made.END)
    code, words = scene.report(path, prefix=["unshare", "-m", "bash", str(script)])
    assert words.endswith(EARLIER.decode()), words
    return code, words


def test_a_full_disk_leaves_the_old_report(scene: Scene) -> None:
    code, words = mounted(
        scene,
        'cp "$OUT"/* "$TMPDIR"; mount -t tmpfs -o size=80k none "$OUT"; mv "$TMPDIR"/made.* "$OUT"',
    )
    assert code == 3
    assert "(No space left on device); what was there before still is" in words
    left = words.split("JupyterLab.\n")[-1].splitlines()[:-1]
    assert left == ["made.FAILED.html", "made.FAILED.log", "made.html", "made.ipynb"]
    scene.is_clean()


def test_a_read_only_folder_is_refused_before_anything_runs(scene: Scene) -> None:
    code, words = mounted(
        scene, 'mount --bind "$OUT" "$OUT"', 'mount -o remount,ro,bind "$OUT" "$OUT"'
    )
    assert (code, "nothing can be written there" in words) == (3, True), words
    assert "cell 1" not in words
    scene.is_clean()


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_run_that_is_ended_from_outside(sent: signal.Signals, code: int, scene: Scene) -> None:
    run = scene.start(
        "report", scene.notebook(made.LEVEL, ("markdown", "## Slow"), SLOW), "--out", scene.out
    )
    assert run.stderr is not None
    while "Slow" not in run.stderr.readline():
        assert run.poll() is None
    began = time.monotonic()
    run.send_signal(sent)
    run.communicate(timeout=20)
    assert run.returncode == code
    assert time.monotonic() - began < 10
    scene.is_clean()


def test_what_a_killed_run_leaves_is_swept_by_the_next(scene: Scene) -> None:
    path = scene.notebook(made.LEVEL, ("markdown", "## Slow"), SLOW, made.END)
    run = scene.start("report", path, "--out", scene.out)
    assert run.stderr is not None
    while "Slow" not in run.stderr.readline():
        assert run.poll() is None
    (scene.out / ".made.html.half.part").write_bytes(b"half a page")
    run.kill()
    run.communicate(timeout=20)
    assert len(list(scene.private.glob("cxkit-*"))) == 1
    scene.notebook(made.LEVEL, ("code", "1 / 0"), made.END)
    assert scene.here("report", path)[0] == 1
    scene.is_clean("made.FAILED.html", "made.FAILED.log")


def test_of_two_runs_on_one_output_the_second_ends_at_once(scene: Scene) -> None:
    path = scene.notebook(made.LEVEL, ("markdown", "## Slow"), SLOW)
    first = scene.start("report", path, "--out", scene.out)
    wait_for(lambda: ".made.lock" in scene.names(), first)
    code, words = scene.here("report", path)
    assert (code, "another run is writing this output (process" in words) == (3, True), words
    assert first.poll() is None
    other = scene.notebook(made.LEVEL, made.END, name="other.ipynb")
    assert scene.here("report", other)[0] == 0, "another output is free"
    first.terminate()
    first.communicate(timeout=20)
    scene.is_clean("other.html", "other.ipynb")


def test_a_full_disk_does_not_keep_a_lock_from_being_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(lock.os, "write", full)
    with (
        lock.held(tmp_path, "r"),
        pytest.raises(MachineError, match=r"r: another run .*just begun"),
        lock.held(tmp_path, "r"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the page of the tiny notebook, made where nothing is odd."""
    folder = tmp_path_factory.mktemp("plain")
    for name in ("o", "t"):
        (folder / name).mkdir()
    scene = Scene(folder, folder / "o", folder / "t")
    code, words = scene.here("report", TINY, "-p", "study=Süd 🙂")
    assert code == 0, words
    return (scene.out / "tiny.html").read_bytes()


@pytest.mark.parametrize(
    "odd",
    [
        "no home, POSIX, nobody reads what it says",
        "a home that is no folder, spaces and emoji",
        "no network, no folder for temporary files",
    ],
)
def test_odd_surroundings_give_the_same_page(odd: str, scene: Scene, plain: bytes) -> None:
    prefix: list[str] = []
    if odd.startswith("no home"):
        if not Path("/dev/full").exists():
            pytest.skip("this system has no device that is always full")
        unset = ["env", "-u", "HOME", "-u", "XDG_CACHE_HOME"]
        prefix = [*unset, "sh", "-c", 'exec "$@" > /dev/full 2>&1', "sh"]
        scene.extra = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    elif odd.startswith("no network"):
        if subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode:
            pytest.skip("this system lets nobody go without a network")
        prefix = ["unshare", "-n"]  # the loopback is down there too
        scene.extra = {"TMPDIR": str(scene.private / "none")}
    else:
        scene.extra = {"HOME": "/dev/null/home", "XDG_CACHE_HOME": ""}
        scene.folder = scene.folder / "Süd {x} 🙂 'a'"
        scene.out, scene.private = scene.folder / "o ö", scene.folder / "t 🙂"
        scene.out.mkdir(parents=True)
        scene.private.mkdir()
        shutil.copy(TINY, scene.folder / "tiny.ipynb")
    here = scene.folder / "tiny.ipynb"
    path = here if here.is_file() else TINY
    code, words = scene.report(path, "-p", "study=Süd 🙂", prefix=prefix)
    assert code == 0, words
    assert (scene.out / "tiny.html").read_bytes() == plain
    assert list(scene.private.iterdir()) == []


def test_a_batch_that_is_ended_says_so_and_is_taken_up_again(scene: Scene) -> None:
    stop = "import pathlib, time\nif level == 0.5 and not pathlib.Path('go').exists():\n"
    scene.notebook(made.LEVEL, ("code", f"{stop}    time.sleep(60)"), made.END)
    plan = scene.folder / "plan.yml"
    plan.write_text(
        "reports: [{name: 'r{level}', notebook: made.ipynb, for_each: {level: [0.9, 0.5, 0.1]}}]"
    )
    run = scene.start("batch", plan, "--out", scene.out, "--jobs", "1")
    wait_for(lambda: {"r0-9.html", ".r0-5.lock"} <= set(scene.names()), run)
    code, words = scene.here("batch", plan)
    assert (code, "run: another run is writing" in words) == (3, True), words
    run.terminate()
    run.communicate(timeout=20)
    assert run.returncode == 143
    scene.is_clean("r0-9.html", "r0-9.ipynb", "run.json")
    record = json.loads((scene.out / "run.json").read_text(encoding="utf-8"))
    assert record["interrupted"] is True
    assert [(r["name"], r["status"]) for r in record["reports"]] == [("r0-9", "whole")]
    (scene.folder / "go").touch()
    again = scene.start("batch", plan, "--out", scene.out, "--resume", "--jobs", "1")
    told, progress = again.communicate(timeout=60)
    assert again.returncode == 0
    assert "r0-9: whole already" in progress
    assert told.count("in an earlier run") + told.count("made by an earlier run") == 1

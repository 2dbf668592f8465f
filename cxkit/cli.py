"""The command line: notebooks into reports, a study checked, a firm simulated."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from cxkit import __version__
from cxkit.errors import CxkitError, DataError, MachineError
from cxkit.report.arguments import pairs, path, shard_of
from cxkit.report.plan import EXAMPLE
from cxkit.report.progress import safe

if TYPE_CHECKING:
    from cxkit.report.make import Report

_HELP = """
Answers about customer experience, from your own data, with their uncertainty.

Do customers with a better experience stay longer? Do engaged employees and good experience go
together, and which comes first? Each question is a notebook; cxkit runs it on your study and
writes one HTML file that can be mailed.

\b
Start here
  a report on the sample study:
    cxkit report notebooks/retention_vs_experience.ipynb
  a study.yml for what your tools export, to be read and mended:
    cxkit init answers.xlsx customers.csv
  what your own data hold, and what is wrong with them:
    cxkit check path/to/study.yml
  the same report on your own data:
    cxkit report notebooks/retention_vs_experience.ipynb -p study=path/to/study.yml
  many reports and an index, for a schedule:
    cxkit batch reports/plan.yml

\b
Exit codes
  0  everything asked for was made, whole
  1  a report was started and failed, or one or more of a batch are not whole
  2  the data, the question or a parameter was refused; the message says what to do
  3  the machine lacks something: a kernel, space, a folder to write to; or another run has it
  129, 130 or 143  ended from outside: its terminal closed, Ctrl-C, a schedule
"""

_AFTER = "README.md shows the five minutes from your own export to a first report."


class _Door(TyperGroup):
    """Print what the kit refuses as a message, not a traceback, and end with its exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; whatever it raises becomes words and a code."""
        try:
            return super().invoke(ctx)
        except CxkitError as error:
            _say(f"{type(error).__name__}: {error}")
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            _say("Stopped. Reports already whole are kept; nothing half-made was written.")
            raise typer.Exit(130) from None
        except (
            OSError,
            ArithmeticError,
            AttributeError,
            ImportError,
            LookupError,
            TypeError,
            ValueError,
            RuntimeError,
            AssertionError,
        ) as error:  # not click's own
            if isinstance(error, typer.Exit | typer.Abort):
                raise
            if ctx.params.get("debug"):
                traceback.print_exc()
            else:
                _say(_unexpected(error))
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Door,
    help=_HELP,
    epilog=_AFTER,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

_at, _to = partial(typer.Argument, parser=path), partial(typer.Option, parser=path)
_Given = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="A parameter; may be repeated."),
]
_CodeShown = Annotated[
    Literal["fold", "show", "hide"],
    typer.Option("--code", help="The notebook's code on the page: behind a fold, at once, or not."),
]


_Limits = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=NUMBER",
        help="Another limit: start (60 s), cell (600 s), report (3600 s) or output (20 MB).",
    ),
]


def _version(asked: bool) -> None:
    if asked:
        print(f"cxkit {__version__}")
        raise typer.Exit


@app.callback()
def _start(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and leave.", is_eager=True, callback=_version
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
) -> None:
    """Read the options that stand before a command."""


@app.command(
    epilog="""\b
Examples
  cxkit report notebooks/retention_vs_experience.ipynb
  cxkit report notebooks/retention_vs_experience.ipynb --help-notebook
  cxkit report notebooks/retention_vs_experience.ipynb -p study=data/mine/study.yml -p level=0.9
  cxkit report notebooks/engagement_correlation.ipynb -p where=region=North --name north
"""
)
def report(
    notebook: Annotated[Path, _at(metavar="NOTEBOOK", help="The notebook to run.")],
    parameter: _Given = None,
    out: Annotated[Path, _to(help="The folder to write to.")] = Path("reports"),
    name: Annotated[str, typer.Option(help="Name of the files; the notebook's unless said.")] = "",
    limit: _Limits = None,
    help_notebook: Annotated[
        bool, typer.Option("--help-notebook", help="List the notebook's parameters and leave.")
    ] = False,
    code: _CodeShown = "fold",
) -> None:
    """Run one notebook and write its report, NAME.html and NAME.ipynb.

    Parameters are typed by their defaults in the notebook. An unknown name or a wrong type is
    refused before anything runs. Relative paths are relative to the folder you are in.

    A report is written whole or not at all. If it fails, the last good one stays as it was, and
    NAME.FAILED.html beside it says where it stopped, without any value of the data; the log
    NAME.FAILED.log says more and can be read by its owner only.
    """
    from cxkit.report import parameters

    if help_notebook:
        print(*parameters.read(notebook), sep="\n")
        return
    from cxkit.report import files, make
    from cxkit.report.progress import Shown
    from cxkit.report.run import Limits

    limits = Limits.of(pairs(limit or [], "--limit"), where="--limit")
    job = make.prepare(notebook, pairs(parameter or []), name=name or notebook.stem, code=code)
    folder = files.folder(out)
    with Shown() as shown:
        made = make.make(job, out=folder, cwd=Path.cwd(), limits=limits, progress=shown)
    _tell(made)
    if not made.verdict.whole:
        raise typer.Exit(made.verdict.exit_code)


@app.command(
    epilog=f"\b\n{EXAMPLE}\n"
    + """
\b
Examples
  cxkit batch monthly.yml --out /srv/reports --jobs 4
  cxkit batch monthly.yml --resume           after a stop, or when one table is new
  cxkit batch monthly.yml --only 'branch_*' --dry-run
  cxkit batch monthly.yml --shard 2/4        on the second of four machines
"""
)
def batch(
    plan: Annotated[Path, _at(metavar="PLAN", help="The plan, a .yml file.")],
    out: Annotated[
        Path | None, _to(help="The folder to write to; that of the plan unless said.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", min=1, help="How many at a time; as many as processors unless said."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Leave alone what is whole and would come out the same."),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this report; * for any letters; may be repeated."),
    ] = None,
    shard: Annotated[
        str, typer.Option(metavar="K/N", help="Only every Nth report, beginning with the Kth.")
    ] = "1/1",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, say what would be made, and leave.")
    ] = False,
    limit: _Limits = None,
    code: _CodeShown = "fold",
) -> None:
    """Make every report of a plan, and an index that links them.

    Writes NAME.html and NAME.ipynb for each, index.html and run.json (statuses, times, versions,
    hashes). A report that fails does not stop the others, leaves its earlier file as it was and
    NAME.FAILED.html beside it. Paths in a plan are relative to it. Two runs never write to one
    folder: the second ends with 3 at once.

    Ends with 0 only if every report asked for is whole.
    """
    from cxkit.report.batch import planned, run_batch
    from cxkit.report.progress import Shown
    from cxkit.report.run import Limits

    limits = Limits.of(pairs(limit or [], "--limit"), where="--limit")
    todo = planned(plan, out=out, only=only or (), shard=shard_of(shard), resume=resume, code=code)
    if dry_run:
        for place in todo.asked:
            word = "whole already" if place in todo.settled else "to be made"
            print(f"{todo.jobs[place].name}: {word}")
        print(f"{len(todo.asked) - len(todo.settled)} of {len(todo.jobs)} reports to be made")
        return
    with Shown(reports=len(todo.asked)) as shown:
        made = run_batch(todo, workers=jobs, limits=limits, progress=shown, done=shown.ended)
    for one in made:
        _tell(one)
    print(f"index: {todo.out / f'index{todo.name}.html'}")
    if codes := {one.verdict.exit_code for one in made if not one.verdict.whole}:
        raise typer.Exit(3 if 3 in codes else 1)


@app.command()
def init(
    files: Annotated[list[Path], _at(metavar="FILE...", help="What your tools export.")],
    out: Annotated[Path, _to(help="Where to write it.")] = Path("study.yml"),
    delimiter: Annotated[str, typer.Option(help="Between fields, if a text does not tell.")] = "",
    encoding: Annotated[str, typer.Option(help="Of a text that does not tell its own.")] = "",
    skip_rows: Annotated[int, typer.Option(help="Lines above a header, if it cannot be told.")] = 0,
) -> None:
    """Write a study.yml for some files, to be read and mended.

    Proposes what each file and column may be, with what speaks for it; every doubt is a comment
    that begins with QUESTION. Never writes over a file that is there.
    """
    from cxkit.report.files import write
    from cxkit.study.propose import proposal
    from cxkit.study.reading import said

    if out.exists():
        raise DataError(f"{out}: it is there already and not written over; name another: --out")
    how = said(delimiter=delimiter, encoding=encoding, skip_rows=skip_rows)
    write(out, (text := proposal(files, folder=out.parent, how=how)).encode("utf-8"))
    print(f"{out}: questions to answer in it: {text.count('QUESTION: ')}; then cxkit check {out}")


@app.command()
def check(
    study: Annotated[Path, _at(metavar="STUDY", help="A study.yml, or its folder.")],
    where: Annotated[str, typer.Option(help="Only a part of it, for example region=North.")] = "",
) -> None:
    """Print what a study holds and what is wrong with it.

    Says what was repaired, what was flagged, and what is missing for which notebook. Ends with 2 if
    the study is refused; every fault is told at once.
    """
    from cxkit.study.overview import report_of
    from cxkit.study.study import open_study

    print(report_of(open_study(study, where=where)))


@app.command()
def simulate(
    out: Annotated[Path, _at(metavar="OUT", help="The folder to write the study to.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 1,
    branches: Annotated[int, typer.Option(help="How many branches.", min=1)] = 120,
    customers: Annotated[int, typer.Option(help="How many customers.", min=1)] = 6000,
    staff: Annotated[
        int, typer.Option(help="How many employees on the roll at a time.", min=1)
    ] = 1900,
    experience_effect: Annotated[
        float, typer.Option(help="Effect of experience on staying: 0 none, 1 as in the sample.")
    ] = 1.0,
    engagement_link: Annotated[
        float, typer.Option(help="Correlation of engagement and service.", min=-1, max=1)
    ] = 0.5,
) -> None:
    """Write the study of a made-up firm.

    Its truth is known and stands beside the tables: a study to learn on and to test
    with. A folder that holds a study of your own is never written over.
    """
    from cxkit.simulate.firm import simulate_firm

    try:
        written = simulate_firm(
            out,
            seed=seed,
            branches=branches,
            customers=customers,
            staff=staff,
            experience_effect=experience_effect,
            engagement_link=engagement_link,
        )
    except OSError as error:
        raise MachineError(
            f"{out}: this folder cannot be written to ({error.strerror}). Name another."
        ) from None
    print(f"written: {written}\nnext:    cxkit check {written}")


def main() -> None:
    """Run the command line."""
    sys.stdout, sys.stderr = safe(sys.stdout), safe(sys.stderr)
    if sys.getfilesystemencoding() != "utf-8" and sys.flags.utf8_mode == 0:
        # A machine that knows no more than ASCII would lose the names of branches: begin again.
        os.execv(sys.executable, [sys.executable, "-Xutf8", *sys.orig_argv[1:]])  # noqa: S606
    # A schedule that ends a run lets it stop its kernel and remove its private folder first.
    # A closed terminal too, unless it was told (by nohup) to outlast it.
    for sent in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        if signal.getsignal(sent) != signal.SIG_IGN:
            signal.signal(sent, lambda number, _: sys.exit(128 + number))
    app()


def _tell(made: Report) -> None:
    """Print what became of a report; why it is not whole goes to the error stream."""
    verdict = made.verdict
    if not verdict.whole:
        _say(f"{made.job.name}: {verdict}")
        if made.failed is not None:
            _say(f"  {made.failed}")
        if verdict.status == "failed":
            path = os.path.normpath(made.job.notebook)
            _say(f"  To see why, read the log beside it, or open {path} in JupyterLab.")
        return
    took = f"in {made.seconds:.1f} s" if made.fresh else "made by an earlier run, and left alone"
    print(f"{made.job.name}: whole, {took}")
    if made.answer:
        print(f"  {made.answer['headline']}")
    print(f"  {made.html}")


def _unexpected(error: BaseException) -> str:
    """Say where an error arose that nobody foresaw; its text may hold data and is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "cxkit" in Path(f.filename).parts] or list(frames)
    where = f" in {Path(ours[-1].filename).name} line {ours[-1].lineno}" if ours else ""
    return (
        f"Unexpected {type(error).__name__}{where}. This is a fault of the kit, not of your data.\n"
        "  Run it again as  cxkit --debug ...  for the traceback."
    )


def _say(text: str) -> None:
    """Print to the error stream."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()

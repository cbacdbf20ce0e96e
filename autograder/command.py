"""The verbs of `./course`. Each has a module of its own, imported only when it is used."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from autograder.checkout import must_be_checkout
from autograder.problem import Problem

ROOT = Path(__file__).resolve().parent.parent
LEARNERS, INSTRUCTORS, AUTHORS = "For learners", "For instructors", "For authors"
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


class OneSentence(TyperGroup):
    """Tells a Problem in its own words and ends with exit code 2; anything else is a defect of ours."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except Problem as problem:
            typer.echo(str(problem), err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=OneSentence,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)


FIRST_STEPS = """[b]First steps[/b]

[cyan]./course lab[/cyan]         opens lesson 1; [cyan]./course lab 2[/cyan] the second

[cyan]./course demo[/cyan]        grades a made-up class

[cyan]./course lab --help[/cyan]  tells more of one command
"""


@app.callback(epilog=FIRST_STEPS)
def course() -> None:
    """[b]Attention Lab[/b]: self-attention, from one real sentence up to the GPU."""


@app.command(rich_help_panel=LEARNERS, context_settings=PASS_ON, options_metavar="[LESSON] [JUPYTERLAB OPTIONS]...")
def lab(context: typer.Context) -> None:
    """Open a lesson in JupyterLab.

    LESSON is a number or a name: 1, 01, intuition. Without it, the first opens.

    What follows goes to JupyterLab as it stands.

    [cyan]./course lab 2[/cyan]

    [cyan]./course lab intuition --no-browser --port 8899[/cyan]
    """
    from autograder.lab import open_lab

    open_lab(context.args, ROOT)


@app.command(rich_help_panel=LEARNERS)
def progress(forget: Annotated[bool, typer.Option("--forget", help="Delete what is remembered.")] = False) -> None:
    """Show what you have done: every exercise, its points, and the mistakes you met.

    It is kept in a file on this machine alone. [cyan]ATTENTION_LAB_PROGRESS=off[/cyan] turns it off.
    """
    from rich.console import Console

    from autograder.progress_command import forget_progress, show_progress

    (forget_progress if forget else show_progress)(Console())


@app.command(rich_help_panel=INSTRUCTORS)
def demo() -> None:
    """Grade a made-up class before your eyes, from release to gradebook."""
    from rich.console import Console

    from autograder.demo import run_demo

    run_demo(Console())


@app.command(rich_help_panel=INSTRUCTORS)
def new(
    directory: Annotated[Path, typer.Argument(help="A new or empty folder, outside of the project.")],
    db: Annotated[
        str,
        typer.Option(help="Where the gradebook is, when it is a server's and not a file of the class.", metavar="URL"),
    ] = "",
) -> None:
    """Make a class: a folder in which every nbgrader command works.

    [cyan]./course new ~/classes/autumn[/cyan]

    [cyan]./course new ~/classes/autumn --db postgresql+psycopg://grader@db.example.edu/autumn[/cyan]
    """
    from autograder.classroom import create_class

    made = create_class(directory, db_url=db)
    if made.warning:
        typer.echo(made.warning, err=True)
    typer.echo(f"{made.path} is a class with {', '.join(made.lessons)}. Its README.md tells the steps.")


@app.command(rich_help_panel=INSTRUCTORS)
def handout(
    directory: Annotated[Path, typer.Argument(help="The class, as `course new` made it.")],
    lessons: Annotated[
        list[str] | None, typer.Argument(help="Numbers or names; without them, what is released.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Where to; without it, attention-lab.zip in DIRECTORY.", metavar="FILE.zip")
    ] = None,
    hand_in: Annotated[str, typer.Option(help="What its README says of handing in.", metavar="TEXT")] = "",
) -> None:
    """Pack one zip for learners: notebooks, checks, data, and how to start. No reference, and nothing of the class.

    A later lesson holds what an earlier one had to find: hand those out one after the other. The checks of a quiz hold
    its answers, in a form that nobody reads by accident.

    [cyan]./course handout ~/classes/autumn 1 --to lesson-1.zip[/cyan]

    [cyan]./course handout ~/classes/autumn --hand-in "Upload the notebook in Moodle, until Friday."[/cyan]
    """
    from autograder.handout import HAND_IN, make_handout

    made = make_handout(directory, lessons or [], to, hand_in or HAND_IN)
    where = f"{made.path}{' (in the place of what was there before)' if made.replaced else ''}"
    typer.echo(f"{where} holds {', '.join(made.lessons)}.")


@app.command(rich_help_panel=INSTRUCTORS)
def grade(
    directory: Annotated[Path, typer.Argument(help="The class, as `course new` made it.")],
    lesson: Annotated[str, typer.Argument(help="A lesson's number or name.")],
    student: Annotated[str, typer.Option(help="Grade this learner alone.", metavar="LEARNER")] = "",
    force: Annotated[bool, typer.Option("--force", help="Also grade again what has a grade.")] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe-no-jail", help="Run what was handed in with your own rights. Every grade says so.")
    ] = False,
    cluster: Annotated[
        str, typer.Option(help="A running Dask scheduler, tcp://host:port or its file.", metavar="ADDRESS")
    ] = "",
    workers: Annotated[int, typer.Option(min=0, help="How many to grade at once; 0: one for each core.")] = 0,
) -> None:
    """Grade what a class handed in, in a jail. What is graded and has not changed is not graded again.

    [cyan]./course grade ~/classes/autumn 1[/cyan]

    [cyan]./course grade ~/classes/autumn 1 --student ada --force[/cyan]

    [cyan]./course grade ~/classes/autumn 1 --cluster tcp://10.0.0.5:8786[/cyan]
    """
    from rich.console import Console

    from autograder.grade_command import grade_class

    grade_class(
        directory,
        lesson,
        Console(),
        student=student,
        force=force,
        unsafe=unsafe,
        cluster=cluster,
        workers=workers,
    )


@app.command(rich_help_panel=INSTRUCTORS)
def report(
    directory: Annotated[Path, typer.Argument(help="The class, as `course new` made it.")],
    lesson: Annotated[str | None, typer.Argument(help="A lesson's number or name; without it, all of them.")] = None,
    names: Annotated[bool, typer.Option("--names", help="Say who: a page for your eyes alone.")] = False,
) -> None:
    """Show what a class understood, and what it did not.

    A page with plots and two CSV files, in the folder `report` of the class. The page names no learner.

    [cyan]./course report ~/classes/autumn[/cyan]

    [cyan]./course report ~/classes/autumn 2 --names[/cyan]
    """
    from datetime import datetime

    from autograder.report_command import make_report

    for path in make_report(directory, lesson, datetime.now(), names):
        typer.echo(path)


@app.command(rich_help_panel=INSTRUCTORS)
def export(
    directory: Annotated[Path, typer.Argument(help="The class, as `course new` made it.")],
    wanted: Annotated[str, typer.Option("--format", help="canvas, moodle or csv.", metavar="FORMAT")] = "csv",
    to: Annotated[
        Path | None, typer.Option(help="Where to; - is the screen. Without it, a file in DIRECTORY.", metavar="FILE")
    ] = None,
) -> None:
    """Write the scores as Canvas or Moodle import them, or plainly; late penalties are taken off.

    [cyan]./course export ~/classes/autumn --format canvas[/cyan]

    [cyan]./course export ~/classes/autumn --to -[/cyan]
    """
    from autograder.export_command import export_scores

    text, path, replaced = export_scores(directory, wanted, to)
    if path is None:
        typer.echo(text, nl=False)
    else:
        typer.echo(f"{path}{' (in the place of what was there before)' if replaced else ''}")


@app.command(rich_help_panel=AUTHORS)
def check(
    exercise: Annotated[str, typer.Argument(help="The exercise's name, such as softmax.")],
    files: Annotated[list[Path], typer.Argument(help="Python files that define it.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of text.")] = False,
) -> None:
    """Judge the function named EXERCISE in each file.

    [cyan]./course check softmax mine.py yours.py --json[/cyan]
    """
    from autograder.check_files import check_files

    check_files(exercise, files, as_json)


@app.command(rich_help_panel=AUTHORS)
def build(
    instructor: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also run each lesson with its answers, and save it in DIR."),
    ] = None,
    check_only: Annotated[bool, typer.Option("--check", help="Change nothing; fail where a file is stale.")] = False,
) -> None:
    """Rebuild the learners' notebooks and sheets from their sources."""
    from rich.console import Console

    from autograder.build import build_all, check_is_current

    console = Console()
    if check_only:
        stale = check_is_current(ROOT)
        if stale:
            raise Problem(f"Not what their sources give: {', '.join(map(str, stale))}. Run `./course build`.")
        console.print("Everything is up to date.")
        return
    if not build_all(ROOT, instructor, console):
        console.print("Everything was up to date.")


@app.command(rich_help_panel=AUTHORS)
def site(
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to; without it, build/site in the project.")
    ] = None,
) -> None:
    """Build the web site: the lessons, run; the references; the instructor's guide. It needs no network.

    Lessons that have not changed since the last time are not run again.

    [cyan]./course site --to ~/public_html/attention[/cyan]
    """
    from rich.console import Console

    from autograder.site_command import build_site

    typer.echo(build_site(ROOT, to, Console(stderr=True)) / "index.html")


@app.command(rich_help_panel=AUTHORS)
def bench(
    what: Annotated[str, typer.Argument(help="What to measure: check, jail, attention or grading.")] = "check",
    lesson: Annotated[
        list[str] | None, typer.Option(help="For grading: a lesson; can be given twice. 1 and 5 without it.")
    ] = None,
    submissions: Annotated[int, typer.Option(min=2, help="For grading: notebooks a lesson.")] = 60,
    stock: Annotated[int, typer.Option(min=1, help="For grading: how many of them stock nbgrader grades.")] = 6,
) -> None:
    """Measure on this machine: a verdict, a jail, attention, or grading a class beside stock nbgrader.

    [cyan]./course bench check[/cyan]

    [cyan]./course bench jail[/cyan]

    [cyan]./course bench attention[/cyan]

    [cyan]./course bench grading --lesson 1 --submissions 100[/cyan]
    """
    from rich.console import Console

    from autograder.bench import run_bench

    run_bench(what, ROOT, Console(), lessons=lesson, submissions=submissions, stock=stock)


@app.command(rich_help_panel=AUTHORS, context_settings=PASS_ON, options_metavar="[PYTEST ARGUMENTS]...")
def test(context: typer.Context) -> None:
    """Run the tests, style included.

    Without arguments all of them run, in two processes.

    Paths start at the root of the project.

    [cyan]./course test[/cyan]

    [cyan]./course test solutions/tests -k softmax[/cyan]
    """
    must_be_checkout(ROOT)
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *(context.args or ["-n", "2", "--dist", "loadfile"])])

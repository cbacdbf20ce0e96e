"""`./course grade`: grades what a class handed in for a lesson, and shows what came of it.

It runs `nbgrader autograde` in the class, so both are the same grading; what is new here is the progress and the table.
Where every grade is recorded already, nbgrader is not started at all.
"""

import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import nbformat
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from autograder.class_settings import ClassSettings, read_settings
from autograder.grading_task import HandedOut, handed_out
from autograder.jail import why_no_jail
from autograder.lab import lesson_called
from autograder.nbgrader_marks import exercises_in
from autograder.pending import Ledger, is_recorded, submission
from autograder.private_sheets import private_sheets
from autograder.problem import Problem
from autograder.recorded_points import recorded_points
from autograder.result_table import result_table

COLUMNS = (
    TextColumn("{task.description:<14}"),
    BarColumn(),
    MofNCompleteColumn(),
    TextColumn("{task.fields[rate]}"),
    TimeElapsedColumn(),
    TimeRemainingColumn(),
    TextColumn("{task.fields[trouble]}", style="red"),
)
UNSAFE = (
    "[bold white on red] WITHOUT A JAIL [/] Submissions run with your rights: they can read and change your files, "
    "and their own grades. Every grade made so says it."
)
LOOK_EVERY = 0.5  # seconds between two looks at what is recorded


def grade_class(
    directory: Path,
    asked: str,
    console,
    *,
    student: str = "",
    force: bool = False,
    unsafe: bool = False,
    cluster: str = "",
    workers: int = 0,
) -> None:
    """Grades a lesson in the class at `directory`, or one learner's; raises Problem where not everything went well.

    cluster: a running Dask scheduler, tcp://host:port or its file; workers: how many at once without one, 0 is one for
    each core.
    """
    directory = directory.expanduser().resolve()
    settings = read_settings(directory)
    unsafe = unsafe or settings.unsafe
    lesson = lesson_called(asked, sorted(path.name for path in (directory / "source").iterdir()))
    if unsafe:
        console.print(UNSAFE)
    elif reason := why_no_jail():
        raise Problem(reason)
    learners = _learners(directory, lesson, student)
    done = set() if force else _recorded(directory, lesson, learners, settings, unsafe)
    trouble = None
    if len(done) < len(learners):
        arguments = [f"--SubmissionExporter.only={student}"] * bool(student) + ["--force"] * force
        arguments += ["--SubmissionExporter.unsafe_no_jail=True"] * unsafe
        arguments += [f"--SubmissionExporter.cluster={cluster}"] * bool(cluster)
        arguments += [f"--SubmissionExporter.workers={workers}"] * bool(workers)
        program = "nbgrader" if unsafe or cluster or not settings.limits.warm else "autograder.nbgrader_start"
        trouble = _autograde(directory, lesson, set(learners) - done, arguments, console, program)
    points = recorded_points(settings.db_url, lesson)
    console.print(result_table(directory, lesson, {learner: learner for learner in learners}, points, console.width))
    if done:
        console.print(f"{len(done)} of {len(learners)} had a grade already; --force grades them again.")
    ledger = Ledger(directory, lesson)
    failed = [who for who in learners if ledger.says(who)[1] or not _graded(directory, who, lesson).exists()]
    who = f"Grading failed for {len(failed)} of {len(learners)}: {', '.join(map(ascii, failed))}."
    if failed or trouble:
        again = "The same command grades what is missing; what is recorded stays."
        raise Problem("\n".join([*([who] if failed else []), *([str(trouble), again] if trouble else [])]))


def _autograde(directory, lesson, learners: set[str], arguments, console, program: str) -> Problem | None:
    """Runs nbgrader's command while a bar shows how many grades it has recorded; what it complained of, if it did."""
    from autograder import nbgrader_plugin

    ledger, since, began = Ledger(directory, lesson), time.time(), time.monotonic()
    waiting, failed = set(learners), 0
    with Progress(*COLUMNS, console=console) as progress:
        task = progress.add_task("grade", total=len(learners), rate="", trouble="")

        def show():
            nonlocal waiting, failed
            new = ledger.recorded_since(since, waiting)
            waiting -= new.keys()
            failed += sum(new.values())
            done = len(learners) - len(waiting)
            rate = f"{60 * done / (time.monotonic() - began):.0f} a minute" if done else ""
            trouble = f"{failed} failed" if failed else ""
            progress.update(task, completed=done, rate=rate, trouble=trouble)

        try:
            with nbgrader_plugin.started(directory, "autograde", lesson, *arguments, program=program) as process:
                while process.poll() is None:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(LOOK_EVERY)
                    show()
        except Problem as problem:
            return problem
        finally:
            show()
    return None


def _recorded(directory: Path, lesson: str, learners: list[str], settings: ClassSettings, unsafe: bool) -> set[str]:
    """Whose grade stands in the gradebook for exactly what they handed in."""
    notebooks = _handed_out(directory, lesson, settings, unsafe)
    if not notebooks:
        return set()
    ledger, graded = Ledger(directory, lesson), {who for who, _, _ in recorded_points(settings.db_url, lesson)}
    return {
        learner
        for learner in learners
        if learner in graded
        and is_recorded(
            submission(directory / "submitted", learner, lesson, notebooks),
            ledger,
            [_graded(directory, learner, lesson, name) for name in notebooks],
        )
    }


def _handed_out(directory: Path, lesson: str, settings: ClassSettings, unsafe: bool) -> Mapping[str, HandedOut]:
    """The notebooks of the lesson as they were handed out, by file name, as nbgrader's command has them."""
    released = sorted((directory / "release" / lesson).glob("*.ipynb"))
    pristine = {path.name: nbformat.read(path, as_version=4) for path in released}
    sheets = private_sheets(directory, exercises_in(pristine.values())) if pristine else {}
    return {name: handed_out(notebook, sheets, settings.limits, unsafe) for name, notebook in pristine.items()}


def _learners(directory: Path, lesson: str, student: str) -> list[str]:
    """Who has a folder for the lesson among what was handed in."""
    found = sorted(path.parent.name for path in (directory / "submitted").glob(f"*/{lesson}"))
    if student:
        if student not in found:
            raise Problem(f"{student} has handed in nothing for {lesson}: there is no submitted/{student}/{lesson}.")
        return [student]
    if not found:
        raise Problem(f"Nobody has handed in {lesson}. Put notebooks in submitted/LEARNER/{lesson}/{lesson}.ipynb.")
    return found


def _graded(directory: Path, learner: str, lesson: str, name: str = "") -> Path:
    return directory / "autograded" / learner / lesson / (name or f"{lesson}.ipynb")

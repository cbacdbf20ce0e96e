"""`./course grade`: grades what a class handed in for a lesson, and shows what came of it.

It runs `nbgrader autograde` in the class, so both are the same grading; what is new here is the progress and the table.
"""

import time
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from autograder import nbgrader_plugin
from autograder.jail import why_no_jail
from autograder.lab import lesson_called
from autograder.problem import Problem
from autograder.result_table import observations, result_table

COLUMNS = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
HARDENED = "autograder.nbgrader_grading.SubmissionExporter"
UNSAFE = (
    "[bold white on red] WITHOUT A JAIL [/] Submissions run with your rights: they can read and change your files, "
    "and their own grades. Every grade made so says it."
)


def grade_class(
    directory: Path, asked: str, console, *, student: str = "", force: bool = False, unsafe: bool = False
) -> None:
    """Grades a lesson in the class at `directory`, or one learner's; raises Problem where not everything went well."""
    directory = directory.expanduser().resolve()
    _must_be_a_class(directory)
    lesson = lesson_called(asked, sorted(path.name for path in (directory / "source").iterdir()))
    if unsafe:
        console.print(UNSAFE)
    elif reason := why_no_jail():
        raise Problem(reason)
    learners = _learners(directory, lesson, student)
    before = {learner for learner in learners if _graded(directory, learner, lesson).exists()} if not force else set()
    trouble = _autograde(directory, lesson, learners, len(learners) - len(before), student, force, unsafe, console)
    console.print(result_table(directory, lesson, {learner: learner for learner in learners}, console.width))
    if before:
        console.print(f"{len(before)} of {len(learners)} had a grade already; --force grades them again.")
    failed = [learner for learner in learners if _has_failed(_graded(directory, learner, lesson))]
    who = f"Grading failed for {len(failed)} of {len(learners)}: {', '.join(map(ascii, failed))}."
    if failed or trouble:
        raise Problem("\n".join([*([who] if failed else []), *([str(trouble)] if trouble else [])]))


def _autograde(directory, lesson, learners, expected, student, force, unsafe, console) -> Problem | None:
    """Runs nbgrader's command while a bar shows how many notebooks it has written; what it complained of, if it did."""
    arguments = ["autograde", lesson]
    arguments += [f"--SubmissionExporter.only={student}"] * bool(student) + ["--force"] * force
    arguments += ["--SubmissionExporter.unsafe_no_jail=True"] * unsafe
    since = time.time()
    with Progress(*COLUMNS, console=console) as progress:
        task = progress.add_task("grade", total=expected)

        def show():
            written = (_graded(directory, learner, lesson) for learner in learners)
            progress.update(task, completed=min(expected, sum(_changed(path) >= since for path in written)))

        try:
            with nbgrader_plugin.started(directory, *arguments) as process:
                while process.poll() is None:
                    time.sleep(0.2)
                    show()
        except Problem as problem:
            return problem
        finally:
            show()
    return None


def _must_be_a_class(directory: Path) -> None:
    settings = directory / "nbgrader_config.py"
    if not settings.is_file() or not (directory / "source").is_dir():
        raise Problem(f"{directory} is no class. `course new` makes one.")
    if HARDENED not in settings.read_text(encoding="utf-8"):
        raise Problem(
            f"{settings} does not name {HARDENED}, so submissions would run without a jail. Make a new class with "
            "`course new`, and copy the settings of its nbgrader_config.py and its private_seed."
        )


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


def _graded(directory: Path, learner: str, lesson: str) -> Path:
    return directory / "autograded" / learner / lesson / f"{lesson}.ipynb"


def _changed(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def _has_failed(graded: Path) -> bool:
    return not graded.exists() or observations(graded).failed

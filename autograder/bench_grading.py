"""`./course bench grading`: a class's notebooks graded by stock nbgrader, and by this project, in one run.

Right and wrong answers are mixed, and no two notebooks are equal. Stock nbgrader grades the first few of the same
notebooks with its own settings: a kernel each, every cell executed, no jail. This project grades all of them, jail and
gradebook on, with one worker and with one for each core, and then once more with nothing changed.
"""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
from rich.console import Console
from rich.table import Table

from autograder import nbgrader_plugin
from autograder.build import all_exercises, read_lessons
from autograder.class_settings import SETTINGS
from autograder.classroom import create_class
from autograder.demo import reference_answers
from autograder.grade_command import grade_class
from autograder.lab import lesson_called
from autograder.lesson import Lesson
from autograder.nbgrader_marks import grade_id_of, is_solution
from autograder.verdict_store import FOLDER

STOCK = "c = get_config()  # noqa: F821\nc.CourseDirectory.course_id = {course!r}\nc.Execute.timeout = 300\n"
WRONG = "\n\ndef {name}(*given, _right={name}, **named):\n    _right(*given, **named)\n    return {answer}\n"
ANSWERS = ("None", "0.0", "[1.0]")
TARGETS = (
    "CPU s: of the whole machine, for each notebook; MB: the largest process. "
    "Targets: 20 × stock with all cores, 10 × with one worker, second run 50 ×"
)


@dataclass(frozen=True)
class Run:
    """One way to grade: how many notebooks, wall-clock and processor seconds, and the largest process in MB (10⁶)."""

    what: str
    notebooks: int
    seconds: float
    processor: float
    largest: float

    @property
    def rate(self) -> float:
        return 60 * self.notebooks / self.seconds


def grading_tables(root: Path, asked: list[str], submissions: int, stock: int, console: Console) -> Iterator[Table]:
    """One table a lesson; `stock` of the `submissions` are graded by nbgrader alone."""
    exercises = all_exercises()
    lessons = {lesson.stem: lesson for lesson in read_lessons(root, exercises)}
    for name in asked:
        lesson = lessons[lesson_called(name, lessons)]
        with tempfile.TemporaryDirectory(prefix="attention-lab-bench-") as folder:
            yield _table(lesson, list(_runs(lesson, Path(folder), root, submissions, stock, console)))


def _runs(lesson: Lesson, folder: Path, root: Path, submissions: int, stock: int, console) -> Iterator[Run]:
    ours, theirs = folder / "ours", folder / "stock"
    create_class(ours, project_root=root)
    nbgrader_plugin.run(ours, "generate_assignment", lesson.stem)
    _hand_in(lesson, ours, root, submissions)
    create_class(theirs, project_root=root)
    (theirs / SETTINGS).write_text(STOCK.format(course=nbgrader_plugin.COURSE))
    nbgrader_plugin.run(theirs, "generate_assignment", lesson.stem)
    for learner in sorted((ours / "submitted").iterdir())[:stock]:
        shutil.copytree(learner, theirs / "submitted" / learner.name)
    cores = os.cpu_count() or 1
    with console.status(f"{lesson.stem}: stock nbgrader grades {stock}"):
        yield _timed("stock nbgrader", stock, lambda: nbgrader_plugin.run(theirs, "autograde", lesson.stem))
    quiet = Console(file=open(os.devnull, "w"))  # noqa: SIM115  (for as long as the benchmark runs)
    grade_class(ours, lesson.stem, quiet, student=min(os.listdir(ours / "submitted")))  # the sheets are compiled
    for workers in sorted({1, cores}):
        shutil.rmtree(ours / FOLDER)
        with console.status(f"{lesson.stem}: {submissions} with {workers} at once"):
            name = f"ours, {workers} worker{'s' * (workers > 1)}"
            yield _timed(name, submissions, lambda n=workers: grade_class(ours, lesson.stem, quiet, workers=n))
    with console.status(f"{lesson.stem}: once more"):
        yield _timed("ours, nothing changed", submissions, lambda: grade_class(ours, lesson.stem, quiet))


def _hand_in(lesson: Lesson, classroom: Path, root: Path, submissions: int) -> None:
    """Notebooks of which no two are equal; about a third of the answers are wrong."""
    released = classroom / "release" / lesson.stem / f"{lesson.stem}.ipynb"
    answers = reference_answers(lesson, root)
    for number in range(submissions):
        notebook = nbformat.read(released, as_version=4)
        for place, cell in enumerate(cell for cell in notebook.cells if is_solution(cell.metadata)):
            name = grade_id_of(cell.metadata)
            cell.source = f"{answers[name]}\n# learner {number}"
            if (number + place) % 3 == 0:
                cell.source += WRONG.format(name=name, answer=ANSWERS[number % len(ANSWERS)])
        path = classroom / "submitted" / f"learner-{number:04}" / lesson.stem / released.name
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)


def _timed(what: str, notebooks: int, grade) -> Run:
    with _Largest() as largest:
        before, began = _processor_seconds(), time.perf_counter()
        grade()
        seconds, processor = time.perf_counter() - began, _processor_seconds() - before
    return Run(what, notebooks, seconds, processor, largest.megabytes)


def _processor_seconds() -> float:
    """Of the whole machine: a jail's process is no child that would be counted."""
    spent = psutil.cpu_times()
    return spent.user + spent.nice + spent.system


class _Largest(threading.Thread):
    """Looks twice a second for the largest process below this one: `megabytes`."""

    def __init__(self):
        super().__init__(daemon=True)
        self.megabytes, self._ended = 0.0, threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.5):
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    self.megabytes = max(self.megabytes, process.memory_info().rss / 1e6)

    def __enter__(self) -> "_Largest":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        self.join()


def _table(lesson: Lesson, runs: list[Run]) -> Table:
    table = Table(title=f"{lesson.stem}: grading a class, gradebook written", caption=TARGETS)
    table.add_column("", no_wrap=True)
    for column in ("notebooks", "seconds", "a minute", "× stock", "CPU s", "MB"):
        table.add_column(column, justify="right")
    for run in runs:
        table.add_row(
            run.what,
            str(run.notebooks),
            f"{run.seconds:.1f}",
            f"{run.rate:.0f}",
            f"{run.rate / runs[0].rate:.1f}",
            f"{run.processor / run.notebooks:.2f}",
            f"{run.largest:.0f}",
        )
    *_, all_cores, again = runs
    table.add_section()
    table.add_row("second against first", "", "", "", f"{all_cores.seconds / again.seconds:.0f} ×", "", "")
    return table

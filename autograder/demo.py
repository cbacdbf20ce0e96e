"""`./course demo`: a made-up class goes through release, grading, feedback and export before your eyes."""

import contextlib
import csv
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import nbformat
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from autograder import nbgrader_plugin
from autograder.build import all_exercises, read_lessons
from autograder.classroom import create_class
from autograder.demo_table import result_table
from autograder.lesson import EXERCISE, PROJECT, Lesson
from autograder.samples import SAMPLES, Sample
from autograder.unfold import definition

COLUMNS = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


def run_demo(console, project_root: Path = PROJECT) -> Path:
    """Grades the sample learners in a new temporary class with nbgrader's commands; returns its place."""
    exercises = all_exercises()
    lessons = read_lessons(project_root, exercises)
    directory = Path(tempfile.mkdtemp(prefix="attention-lab-demo-")).resolve()
    console.print(f"{len(SAMPLES)} made-up learners hand in {len(lessons)} lessons, in a class of their own.")
    grade_samples(directory, lessons, project_root, console)
    for lesson in lessons:
        console.print()
        console.print(result_table(directory, lesson, exercises))
    first = lessons[0].stem
    console.print("\nThe class directory is kept until the system clears its temporary files:")
    for what, path in {
        "all of it": directory,
        "one feedback": directory / "feedback" / "fatima" / first / f"{first}.html",
        "gradebook": directory / "gradebook.db",
        "points": directory / "grades.csv",
    }.items():
        console.print(f"  {what:<13} {path}", soft_wrap=True, highlight=False)
    return directory


def grade_samples(directory: Path, lessons: list[Lesson], project_root: Path, console) -> None:
    """From an empty directory to grades.csv: release, submit, autograde, generate_feedback, export."""
    stems = [lesson.stem for lesson in lessons]
    submissions = len(stems) * len(SAMPLES)
    with Progress(*COLUMNS, console=console) as progress:
        handing_out = progress.add_task("hand out", total=len(stems))
        grading = progress.add_task("grade", total=submissions, start=False)
        giving_feedback = progress.add_task("give feedback", total=submissions, start=False)
        create_class(directory, project_root=project_root)
        for stem in stems:  # one after the other: the first one makes the gradebook
            _watch(directory, [["generate_assignment", stem]], "release/*/*.ipynb", progress, handing_out)
        for lesson in lessons:
            for sample in SAMPLES:
                submit(sample, lesson, directory, project_root)
        enroll(SAMPLES, directory)
        _watch(
            directory, [["autograde", stem] for stem in stems], "autograded/*/*/*.ipynb", progress, grading
        )
        last = [*(["generate_feedback", stem] for stem in stems), ["export"]]
        _watch(directory, last, "feedback/*/*/*.html", progress, giving_feedback)


def submit(sample: Sample, lesson: Lesson, directory: Path, project_root: Path) -> Path:
    """Fills the released notebook in as `sample` would, and hands it in."""
    released = directory / "release" / lesson.stem / f"{lesson.stem}.ipynb"
    notebook = nbformat.read(released, as_version=4)
    if not sample.untouched:
        answers = reference_answers(lesson, project_root) | sample.answers
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = answers[cell.metadata.nbgrader.grade_id]
    submitted = directory / "submitted" / sample.id / lesson.stem / released.name
    submitted.parent.mkdir(parents=True)
    nbformat.write(notebook, submitted)
    return submitted


def reference_answers(lesson: Lesson, project_root: Path) -> Mapping[str, str]:
    """The full source of every exercise of a lesson, by id."""
    exercises = (cell for cell in lesson.cells if cell.kind == EXERCISE)
    return {cell.names[0]: definition(project_root, cell.module, cell.names[0]).whole for cell in exercises}


def enroll(samples: tuple[Sample, ...], directory: Path) -> None:
    """Puts the learners into the gradebook, so that two commands that grade at once need not both do it."""
    roster = directory / "learners.csv"
    with roster.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "first_name"])
        writer.writerows([sample.id, sample.name] for sample in samples)
    nbgrader_plugin.run(directory, "db", "student", "import", roster.name)


def _watch(directory: Path, commands: list[list[str]], made: str, progress: Progress, task) -> None:
    """Runs nbgrader commands side by side, and moves a bar on by the files that they make."""
    progress.start_task(task)
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(nbgrader_plugin.started(directory, *command)) for command in commands]
        while any(process.poll() is None for process in running):
            time.sleep(0.2)
            progress.update(task, completed=len(list(directory.glob(made))))
    progress.update(task, completed=len(list(directory.glob(made))))

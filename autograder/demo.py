"""`./course demo`: a made-up class goes through release, grading, feedback and export before your eyes."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from autograder import nbgrader_plugin
from autograder.build import all_exercises, read_lessons
from autograder.class_settings import read_settings
from autograder.classroom import create_class
from autograder.lesson import EXERCISE, PROJECT, Lesson
from autograder.nbgrader_marks import grade_id_of, is_solution
from autograder.recorded_points import recorded_points
from autograder.result_table import result_table
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
    names, db_url = {sample.id: sample.name for sample in SAMPLES}, read_settings(directory).db_url
    for lesson in lessons:
        console.print()
        points = recorded_points(db_url, lesson.stem)
        console.print(result_table(directory, lesson.stem, names, points, console.width))
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
        tasks = {what: progress.add_task(what, total=total, start=False) for what, total in {
            "hand out": len(stems), "grade": submissions, "give feedback": submissions}.items()}  # fmt: skip

        def step(what: str, commands: list[list[str]], made: str) -> None:
            progress.start_task(tasks[what])
            for files in _side_by_side(directory, commands, made):
                progress.update(tasks[what], completed=files)

        create_class(directory, project_root=project_root)
        nbgrader_plugin.enroll(directory, {sample.id: sample.name for sample in SAMPLES})
        step("hand out", [["generate_assignment", stem] for stem in stems], "release/*/*.ipynb")
        for lesson in lessons:
            for sample in SAMPLES:
                submit(sample, lesson, directory, project_root)
        for stem in stems:  # each of them uses all cores
            step("grade", [["autograde", stem]], "autograded/*/*/*.ipynb")
        last = [*(["generate_feedback", stem] for stem in stems), ["export"]]
        step("give feedback", last, "feedback/*/*/*.html")


def submit(sample: Sample, lesson: Lesson, directory: Path, project_root: Path) -> Path:
    """Fills the released notebook in as `sample` would, and hands it in."""
    released = directory / "release" / lesson.stem / f"{lesson.stem}.ipynb"
    notebook = nbformat.read(released, as_version=4)
    if not sample.untouched:
        answers = reference_answers(lesson, project_root) | sample.answers
        for cell in notebook.cells:
            if is_solution(cell.metadata):
                cell.source = answers[grade_id_of(cell.metadata)]
    notebook.cells = [cell for cell in notebook.cells if grade_id_of(cell.metadata) not in sample.deleted]
    if sample.first:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(sample.first))
    text = nbformat.writes(notebook)
    submitted = directory / "submitted" / sample.id / lesson.stem / released.name
    submitted.parent.mkdir(parents=True)
    submitted.write_text(text[: int(len(text) * sample.cut)], encoding="utf-8")
    return submitted


def reference_answers(lesson: Lesson, project_root: Path) -> Mapping[str, str]:
    """The full source of every exercise of a lesson, by id."""
    exercises = (cell for cell in lesson.cells if cell.kind == EXERCISE)
    return {cell.names[0]: definition(project_root, cell.module, cell.names[0]).whole for cell in exercises}


def _side_by_side(directory: Path, commands: list[list[str]], made: str) -> Iterator[int]:
    """Runs nbgrader commands at the same time, and tells again and again how many files they have made."""
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(nbgrader_plugin.started(directory, *command)) for command in commands]
        while any(process.poll() is None for process in running):
            time.sleep(0.2)
            yield len(list(directory.glob(made)))
    yield len(list(directory.glob(made)))

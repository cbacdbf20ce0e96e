"""`./course report`: what a class understood, as a page with plots and as CSV, in the folder `report` of the class."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import nbformat

from autograder.class_gradebook import Records, read_records
from autograder.class_report import mistakes_in, unnamed_in
from autograder.class_report_page import page
from autograder.class_results import LessonResults, lesson_results
from autograder.lab import lesson_called
from autograder.problem import Problem
from autograder.safe_csv import csv_text, write_text

FOLDER, ALL = "report", "report"
RESULTS = ("student", "lesson", "exercise", "points", "max_points", "passed", "misconceptions", "otherwise")
MISTAKES = ("lesson", "exercise", "misconception", "learners", "of", "matches", "message")


def make_report(directory: Path, asked: str | None, now: datetime, with_names: bool = False) -> list[Path]:
    """Writes the report on all lessons that have grades, or on one; returns the files, the page first."""
    directory = directory.expanduser().resolve()
    records = read_records(directory)
    lessons = _graded_lessons(directory, records, asked)
    folder, name = directory / FOLDER, lessons[0].name if asked else ALL
    places = {lesson.name: f"lessons/{lesson.name}.html" for lesson in lessons}
    readable = {lesson: place for lesson, place in places.items() if _write_lesson(directory, lesson, folder / place)}
    page_name = f"{name}-with-names.html" if with_names else f"{name}.html"
    title = f"{directory.name}: what the class understood"
    texts = {
        folder / page_name: page(title, lessons, readable, now, with_names),
        folder / f"{name}.csv": csv_text([RESULTS, *result_rows(lessons)]),
        folder / f"{name}-mistakes.csv": csv_text([MISTAKES, *mistake_rows(lessons)]),
    }
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)


def result_rows(lessons: Sequence[LessonResults]) -> Iterator[tuple]:
    """One row for each learner and exercise."""
    for lesson in lessons:
        for exercise in lesson.exercises:
            for result in exercise.results:
                named = " ".join(result.misconceptions)
                yield (
                    result.learner,
                    lesson.name,
                    exercise.name,
                    result.points,
                    exercise.points,
                    result.passed,
                    named,
                    result.kind,
                )


def mistake_rows(lessons: Sequence[LessonResults]) -> Iterator[tuple]:
    """One row for each mistake in each exercise, and for each kind of failure without a name."""
    for lesson in lessons:
        for exercise in lesson.exercises:
            start = lesson.name, exercise.name
            for mistake in mistakes_in(lesson, exercise):
                yield *start, mistake.id, len(mistake.learners), mistake.of, mistake.label, mistake.message
            for group in unnamed_in(exercise):
                yield *start, "", len(group.learners), len(exercise.results), group.kind, group.message


def _graded_lessons(directory: Path, records: Records, asked: str | None) -> list[LessonResults]:
    """The lessons to report on; a Problem where there is nothing to tell."""
    graded = {handed.lesson for handed in records.handed}
    lessons = [lesson for lesson in records.lessons if lesson.name in graded]
    if asked is not None:
        known = sorted({lesson.name for lesson in records.lessons} | _handed_out(directory))
        called = lesson_called(asked, known)
        lessons = [lesson for lesson in lessons if lesson.name == called]
        if not lessons:
            raise Problem(f"Nobody has a grade in {called} yet. `course grade {directory} {called}` gives them.")
    if not lessons:
        raise Problem(f"Nobody has a grade in {directory} yet. `course grade` gives them.")
    return [lesson_results(directory, records, lesson) for lesson in lessons]


def _handed_out(directory: Path) -> set[str]:
    return {path.name for path in (directory / "source").glob("*") if path.is_dir()}


def _write_lesson(directory: Path, lesson: str, place: Path) -> bool:
    """The lesson as it was handed out, as a page that a report can point into; False where there is none."""
    from nbconvert import HTMLExporter  # takes a second to import

    try:
        released = nbformat.read(directory / "release" / lesson / f"{lesson}.ipynb", as_version=4)
    except (OSError, ValueError):
        return False
    exporter = HTMLExporter(embed_images=True, require_js_url="", jquery_url="")
    html, _ = exporter.from_notebook_node(released)
    write_text(place, html.replace('<script src=""></script>', ""))
    return True

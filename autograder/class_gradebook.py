"""Reads a class's gradebook through nbgrader: who is in the class, what was handed in when, and its points.

The class's own nbgrader_config.py says where the gradebook is: a file (SQLite) or a server (PostgreSQL).
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.api import Assignment, BaseCell, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import PyFileConfigLoader

from autograder.problem import Problem

SETTINGS = "nbgrader_config.py"


@dataclass(frozen=True)
class Learner:
    """A learner as the gradebook knows them; all but `id` may be empty."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.first_name, self.last_name)))


@dataclass(frozen=True)
class Handed:
    """One learner's work on one lesson: points by graded cell, what is taken off for being late, and when it came."""

    learner: str
    lesson: str
    points: dict[str, float]
    penalty: float = 0.0
    when: datetime | None = None

    @property
    def before_penalty(self) -> float:
        return float(sum(self.points.values()))

    @property
    def score(self) -> float:
        """What counts; as nbgrader's own export has it, never below zero."""
        return max(0.0, self.before_penalty - self.penalty)


@dataclass(frozen=True)
class Due:
    """A lesson in the gradebook: the points of each graded cell, and when it is due, where that is known."""

    name: str
    most: dict[str, float] = field(default_factory=dict)
    when: datetime | None = None

    @property
    def max_score(self) -> float:
        return float(sum(self.most.values()))


@dataclass(frozen=True)
class Records:
    """All of it, in the order of names and ids."""

    learners: tuple[Learner, ...]
    lessons: tuple[Due, ...]
    handed: tuple[Handed, ...]

    def of(self, lesson: str) -> dict[str, Handed]:
        """What was handed in for a lesson, by learner."""
        return {handed.learner: handed for handed in self.handed if handed.lesson == lesson}


def read_records(directory: Path) -> Records:
    """What the gradebook of the class at `directory` holds; raises Problem where there is none to read."""
    course = _course(directory)
    try:
        if not _is_made(course.db_url):
            raise Problem(f"{directory} has no gradebook yet. `course grade` makes one.")
        with Gradebook(course.db_url, course.course_id) as gradebook:
            return Records(_learners(gradebook), _lessons(gradebook), _handed(gradebook))
    except (SQLAlchemyError, ImportError) as error:  # ImportError: no driver for this kind of server
        told = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise Problem(f"The gradebook that {SETTINGS} names cannot be read: {told}") from error


def _is_made(db_url: str) -> bool:
    """Whether there is a gradebook; nbgrader would make an empty one, and whoever reads should leave none behind."""
    url = make_url(db_url)
    if url.drivername.startswith("sqlite") and not os.path.isfile(url.database or ""):
        return False
    engine = create_engine(url)
    try:
        return inspect(engine).has_table(SubmittedAssignment.__tablename__)
    finally:
        engine.dispose()


def _course(directory: Path) -> CourseDirectory:
    """The class as nbgrader sees it, by the settings it lies with."""
    if not (directory / SETTINGS).is_file():
        raise Problem(f"{directory} is no class. `course new` makes one.")
    try:
        settings = PyFileConfigLoader(SETTINGS, path=str(directory)).load_config()
        if "root" not in settings.CourseDirectory:
            settings.CourseDirectory.root = str(directory)
        return CourseDirectory(config=settings)
    except Exception as error:  # it is a program, and raises what it likes
        raise Problem(f"{directory / SETTINGS} cannot be read: {type(error).__name__}: {error}") from error


def _learners(gradebook: Gradebook) -> tuple[Learner, ...]:
    found = (
        Learner(who.id, who.first_name or "", who.last_name or "", who.email or "", who.lms_user_id or "")
        for who in gradebook.students
    )
    return tuple(sorted(found, key=lambda learner: learner.id))


def _lessons(gradebook: Gradebook) -> tuple[Due, ...]:
    found = (
        Due(
            assignment.name,
            {
                cell.name: float(cell.max_score)
                for notebook in assignment.notebooks
                for cell in (*notebook.grade_cells, *notebook.task_cells)
            },
            _aware(assignment.duedate),
        )
        for assignment in gradebook.assignments
    )
    return tuple(sorted(found, key=lambda lesson: lesson.name))


def _handed(gradebook: Gradebook) -> tuple[Handed, ...]:
    """Two questions to the database, however large the class."""
    points = {}
    for submission, cell, score in (
        gradebook.db.query(SubmittedNotebook.assignment_id, BaseCell.name, Grade.score)
        .select_from(Grade)
        .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
        .join(BaseCell, BaseCell.id == Grade.cell_id)
    ):
        points.setdefault(submission, {})[cell] = float(score)
    rows = gradebook.db.query(
        SubmittedAssignment.id,
        SubmittedAssignment.student_id,
        Assignment.name,
        SubmittedAssignment.late_submission_penalty,
        SubmittedAssignment.timestamp,
    ).join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
    found = (
        Handed(learner, lesson, points.get(submission, {}), float(penalty), _aware(when))
        for submission, learner, lesson, penalty, when in rows
    )
    return tuple(sorted(found, key=lambda handed: (handed.lesson, handed.learner)))


def _aware(when: datetime | None) -> datetime | None:
    """nbgrader keeps times in UTC, and does not say so."""
    return when.replace(tzinfo=UTC) if when else None

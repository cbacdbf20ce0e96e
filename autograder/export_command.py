"""`./course export`: a class's scores as Canvas or Moodle import them, or plainly; late penalties are taken off.

Canvas reads a file by its first columns, finds a learner by ID or SIS Login ID, and takes the points an assignment is
worth from the row "Points Possible". Moodle asks which column says who a learner is, and which is which grade item.
Where nothing was handed in, neither gets a grade: what that means is for whoever teaches to say.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from autograder.class_gradebook import Learner, Records, read_records
from autograder.problem import Problem
from autograder.safe_csv import csv_text, write_text

NO_GRADE = "-"  # in Moodle, a cell that changes nothing
PLAIN = (
    "student",
    "last_name",
    "first_name",
    "email",
    "lesson",
    "score",
    "max_score",
    "before_penalty",
    "late_penalty",
    "handed_in",
    "exercises",
)


def export_scores(directory: Path, wanted: str, to: Path | None) -> tuple[str, Path | None, bool]:
    """Writes the scores of the class at `directory` in a format of FORMATS.

    → the text, where it was written (nowhere for "-"), whether another file gave way
    """
    if wanted not in FORMATS:
        raise Problem(f'There is no format "{wanted}". The formats are {", ".join(FORMATS)}.')
    directory = directory.expanduser().resolve()
    records = read_records(directory)
    if not records.handed:
        raise Problem(f"Nobody has a grade in {directory} yet. `course grade` gives them.")
    text = csv_text(FORMATS[wanted](records))
    if to == Path("-"):
        return text, None, False
    path = directory / f"grades-{wanted}.csv" if to is None else to.expanduser()
    if path.is_dir():
        raise Problem(f"{path} is a directory. Name a file in it, such as {path / f'grades-{wanted}.csv'}.")
    return text, path, write_text(path, text)


def canvas_rows(records: Records) -> Iterator[list]:
    """Canvas's gradebook import: the names of columns, points possible, one learner a row."""
    yield ["Student", "ID", "SIS Login ID", "Section", *(lesson.name for lesson in records.lessons)]
    yield ["    Points Possible", "", "", "", *(lesson.max_score for lesson in records.lessons)]
    for learner, scores in _by_learner(records):
        # such a name would be read as the row of points
        name = _sortable(learner).replace("Points Possible", "Points-Possible")
        yield [name, learner.lms_user_id, learner.id, "", *scores]


def moodle_rows(records: Records) -> Iterator[list]:
    """Moodle's grade import: three columns of which one says who it is, and a column for each lesson."""
    yield ["username", "email", "idnumber", *(lesson.name for lesson in records.lessons)]
    for learner, scores in _by_learner(records):
        grades = [NO_GRADE if score is None else score for score in scores]
        yield [learner.id, learner.email, learner.lms_user_id or learner.id, *grades]


def plain_rows(records: Records) -> Iterator[list]:
    """One learner and lesson a row, with the points of each exercise as name=points."""
    learners = {learner.id: learner for learner in records.learners}
    most = {lesson.name: lesson.max_score for lesson in records.lessons}
    yield list(PLAIN)
    for work in records.handed:
        learner = learners.get(work.learner, Learner(work.learner))
        exercises = "; ".join(f"{cell.removeprefix('check-')}={points:g}" for cell, points in work.points.items())
        yield [
            learner.id,
            learner.last_name,
            learner.first_name,
            learner.email,
            work.lesson,
            work.score,
            most[work.lesson],
            work.before_penalty,
            work.penalty,
            work.when.isoformat() if work.when else None,
            exercises,
        ]


FORMATS: dict[str, Callable[[Records], Iterator[list]]] = {
    "canvas": canvas_rows,
    "moodle": moodle_rows,
    "csv": plain_rows,
}


def _by_learner(records: Records) -> Iterator[tuple[Learner, list[float | None]]]:
    """Everyone in the gradebook with a score for each lesson, None where nothing was handed in."""
    by_lesson = [records.of(lesson.name) for lesson in records.lessons]
    for learner in records.learners:
        yield learner, [work[learner.id].score if learner.id in work else None for work in by_lesson]


def _sortable(learner: Learner) -> str:
    """A name as Canvas sorts it: "Lovelace, Ada"."""
    return ", ".join(filter(None, (learner.last_name, learner.first_name))) or learner.id

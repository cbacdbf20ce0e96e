"""A class directory for tests in which nothing was run: gradebook and verdicts are written as grading leaves them."""

from contextlib import closing

import nbformat
import pytest
from attention_lab.verdict import Part, Verdict
from nbgrader.api import Gradebook

from autograder import nbgrader_plugin
from autograder.classroom import CONFIGURATION
from autograder.kept_verdicts import as_plain


class RecordedClass:
    """A class directory; each lesson, learner and submission is put there as grading leaves it behind."""

    def __init__(self, path, settings="", db_url=None):
        path.mkdir(parents=True, exist_ok=True)
        configuration = CONFIGURATION.format(course=nbgrader_plugin.COURSE, limits="", gradebook="") + settings
        (path / "nbgrader_config.py").write_text(configuration)
        self.path, self.db_url = path, db_url or f"sqlite:///{path / 'gradebook.db'}"

    def gradebook(self):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("nbgrader.api.get_alembic_version", lambda: "of a test")  # else a command that takes seconds
            return closing(Gradebook(self.db_url, nbgrader_plugin.COURSE))

    def add_lesson(self, lesson, most, due=None, prose=None):
        """A lesson with the points of each exercise, `prose` being the Markdown above its check."""
        with self.gradebook() as gradebook:
            gradebook.update_or_create_assignment(lesson, duedate=due, course_id=nbgrader_plugin.COURSE)
            gradebook.update_or_create_notebook(lesson, lesson)
            for name, points in most.items():
                gradebook.update_or_create_grade_cell(
                    f"check-{name}", lesson, lesson, max_score=points, cell_type="code"
                )
        (self.path / "source" / lesson).mkdir(parents=True)
        cells = [nbformat.v4.new_markdown_cell(f"# {lesson.replace('_', ' ')}")]
        for name, points in most.items():
            cells.append(nbformat.v4.new_markdown_cell((prose or {}).get(name, f"### Exercise · `{name}`")))
            cells.append(nbformat.v4.new_code_cell(f"check({name})"))
            cells[-1].metadata["nbgrader"] = nbgrader_plugin.grade_cell(f"check-{name}", points)
        self._write(self.path / "release" / lesson / f"{lesson}.ipynb", nbformat.v4.new_notebook(cells=cells))

    def enroll(self, learner, **known):
        with self.gradebook() as gradebook:
            gradebook.update_or_create_student(learner, **known)

    def record(self, learner, lesson, verdicts, *, when=None, penalty=0.0, remarks=()):
        """What `learner` earned by these verdicts; a number instead of a verdict is a score without one."""
        given = {verdict.exercise: verdict.points for verdict in verdicts if isinstance(verdict, Verdict)}
        given |= dict(verdict for verdict in verdicts if not isinstance(verdict, Verdict))
        with self.gradebook() as gradebook:
            gradebook.update_or_create_student(learner)
            submission = gradebook.update_or_create_submission(lesson, learner, timestamp=when)
            submission.notebooks[0].late_submission_penalty = penalty
            for grade in submission.notebooks[0].grades:
                grade.auto_score = given[grade.cell.name.removeprefix("check-")]
            gradebook.db.commit()
        kept = [verdict for verdict in verdicts if isinstance(verdict, Verdict)]
        if kept:
            about = {"verdicts": as_plain(kept), "remarks": list(remarks)}
            notebook = nbformat.v4.new_notebook(metadata={"attention_lab": about})
            self._write(self.path / "autograded" / learner / lesson / f"{lesson}.ipynb", notebook)

    def _write(self, place, notebook):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(nbformat.writes(notebook), encoding="utf-8")


def right(exercise, points):
    return Verdict(exercise, (Part("all of it", points, True),), "Rows sum to 1.")


def wrong(
    exercise, points, *misconceptions, seen="Columns sum to 1.", matches="This matches another axis.", started=True
):
    parts = (Part("all of it", points),)
    return Verdict(exercise, parts, seen, matches if misconceptions else "", "Which axis?", misconceptions)

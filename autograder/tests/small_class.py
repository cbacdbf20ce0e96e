"""A class directory for tests, with two exercises of the first lesson, handed out and open for submissions."""

import shutil
import subprocess
import sys
from copy import deepcopy

import nbformat
from nbgrader.api import Gradebook

from autograder import nbgrader_plugin, notebooks
from autograder.classroom import create_class
from autograder.demo import reference_answers
from autograder.lesson import PROJECT
from autograder.nbgrader_marks import grade_id_of, is_solution

LESSON = "01_intuition"


class SmallClass:
    """A class directory; what learners hand in is made from its release."""

    def __init__(self, path, lesson, exercises, settings=None, db_url=""):
        self.path, self.reference = path, reference_answers(lesson, PROJECT)
        create_class(path, db_url=db_url)
        for source in (path / "source").iterdir():
            if source.name == LESSON:
                made = notebooks.source_notebook(lesson, exercises, PROJECT)
                (source / f"{LESSON}.ipynb").write_text(notebooks.text(made))
            else:
                shutil.rmtree(source)
        if settings is not None:
            (path / "nbgrader_config.py").write_text(settings)
        nbgrader_plugin.run(path, "generate_assignment", LESSON)
        self.released = nbformat.read(path / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)

    def answered(self, answers=None):
        """The released notebook, answered by the reference where `answers` say nothing else."""
        notebook = deepcopy(self.released)
        for cell in notebook.cells:
            if is_solution(cell.metadata):
                cell.source = (dict(self.reference) | (answers or {}))[grade_id_of(cell.metadata)]
        return notebook

    def hand_in(self, learner, content=None):
        """Puts a notebook, bytes, or nothing but a folder there; returns the place of the notebook."""
        place = self.path / "submitted" / learner / LESSON / f"{LESSON}.ipynb"
        place.parent.mkdir(parents=True)
        if isinstance(content, bytes):
            place.write_bytes(content)
        elif content is not None:
            place.write_text(nbformat.writes(content))
        return place

    def command(self, *arguments):
        return subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=self.path,
            env=nbgrader_plugin.environment(),
            capture_output=True,
            text=True,
        )

    def scores(self):
        """What the autograder recorded: learner → grade cell → points, None where it recorded nothing."""
        with Gradebook(f"sqlite:///{self.path / 'gradebook.db'}") as gradebook:
            return {
                submission.student.id: {grade.cell.name: grade.auto_score for grade in submission.notebooks[0].grades}
                for submission in gradebook.assignment_submissions(LESSON)
            }

    def graded(self, learner):
        return nbformat.read(self.path / "autograded" / learner / LESSON / f"{LESSON}.ipynb", as_version=4)

    def feedback(self, learner):
        return (self.path / "feedback" / learner / LESSON / f"{LESSON}.html").read_text()

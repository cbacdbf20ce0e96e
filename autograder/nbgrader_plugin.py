"""All that this project knows of nbgrader: cell metadata, the release, its command, its gradebook."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import IncludeHeaderFooter, InstantiateTests, SaveCells

from autograder.class_settings import read_settings
from autograder.problem import Problem

COURSE = "attention-lab"  # nbgrader's name for the course, the same in every class

# SaveCells only writes to a gradebook, and there is none yet; the first two do nothing to our notebooks
_NOT_FOR_A_RELEASE = (IncludeHeaderFooter, InstantiateTests, SaveCells)


def solution_cell(grade_id: str) -> dict:
    """The metadata of a cell that a learner fills in."""
    return _metadata(grade_id, solution=True)


def grade_cell(grade_id: str, points: float) -> dict:
    """The metadata of a cell whose last value is what a learner earned, of `points`."""
    return _metadata(grade_id, grade=True, locked=True, points=points)


def read_only_cell(grade_id: str) -> dict:
    """The metadata of a cell that a submission cannot change: nbgrader puts the original back."""
    return _metadata(grade_id, locked=True)


def _metadata(grade_id, *, grade=False, locked=False, solution=False, **points) -> dict:
    return {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": grade,
        "locked": locked,
        "solution": solution,
        "task": False,
        **points,
    }


def release(notebook: NotebookNode) -> NotebookNode:
    """The learner's notebook, by the steps of `nbgrader generate_assignment` themselves."""
    resources = {}
    for step in GenerateAssignment.preprocessors.default():
        if step not in _NOT_FOR_A_RELEASE:
            notebook, resources = step()(notebook, resources)
    return notebook


def environment() -> dict[str, str]:
    """What nbgrader's command needs around it, so that its kernels are of this very Python.

    A user's own kernel "python3", or another `jupyter` on the path, would come without the course.
    """
    here = str(Path(sys.executable).parent)
    return os.environ | {
        "PATH": here + os.pathsep + os.environ.get("PATH", ""),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "ATTENTION_LAB_PROGRESS": "off",  # what it runs is no work of whoever runs it
    }


@contextmanager
def started(directory: Path, *arguments: str, program: str = "nbgrader") -> Iterator[subprocess.Popen]:
    """An nbgrader command at work in a class directory, in a process of its own; its failure is a Problem.

    `program` is the module that runs it. nbgrader changes the working directory and keeps global state: neither
    threads nor this process would do.
    """
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", program, *arguments],
            cwd=directory,
            env=environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
            process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode:
            log.seek(0)
            raise Problem(f"`nbgrader {' '.join(arguments)}` failed:\n{log.read()}")


def run(directory: Path, *arguments: str) -> None:
    """Runs an nbgrader command in a class directory to its end."""
    with started(directory, *arguments):
        pass


def enroll(directory: Path, learners: Mapping[str, str]) -> None:
    """Puts learners (id → name) into a class's gradebook, which is made where there is none.

    Commands that work on several lessons at once would otherwise each try to add the same learner, and the course
    without a name that nbgrader's SaveCells opens.
    """
    _gradebook(directory, "default_course").close()
    with _gradebook(directory) as gradebook:
        for learner, name in learners.items():
            gradebook.update_or_create_student(learner, first_name=name)


def _gradebook(directory: Path, course: str = COURSE) -> Gradebook:
    before = os.environ.get("PATH")
    os.environ["PATH"] = environment()["PATH"]  # a new gradebook asks the command `alembic` for its version
    try:
        return Gradebook(read_settings(directory).db_url, course)
    finally:  # nbgrader's own `setenv` would leave no PATH at all
        if before is None:
            del os.environ["PATH"]
        else:
            os.environ["PATH"] = before

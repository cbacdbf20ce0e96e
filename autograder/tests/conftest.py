"""What several tests share because it takes seconds to make: lessons, sheets, and a class that was handed out."""

import os
from contextlib import ExitStack
from dataclasses import replace
from functools import cache

import pytest
import torch

from autograder import jail, nbgrader_plugin, session, warm
from autograder.build import all_exercises, read_lessons
from autograder.classroom import create_class
from autograder.exercises import EXERCISES, compile_sheet
from autograder.lesson import CODE, EXERCISE, GRADE, PROJECT, Cell, Lesson
from autograder.tests import chromium

PRIVATE_SEED = 61
os.environ["ATTENTION_LAB_PROGRESS"] = "off"  # what tests check is no learner's progress
pytest.register_assert_rewrite("autograder.tests.written")  # else a failure there would not tell the two sides
torch.set_num_threads(1)  # many small tensors, and the machine may have better things to do


@pytest.fixture(scope="session")
def exercises():
    return all_exercises()


@pytest.fixture(scope="session")
def sheet_of():
    """The sheet of an exercise for a seed, compiled when it is first asked for."""
    return cache(lambda exercise, seed=PRIVATE_SEED: compile_sheet(EXERCISES[exercise], seed))


@pytest.fixture(scope="session")
def lessons(exercises):
    """The lessons of the project, read."""
    return read_lessons(PROJECT, exercises)


@pytest.fixture(scope="session")
def small_lesson(lessons):
    """Two exercises of the first lesson, softmax and blend, without the rest: quick to run."""
    asked = ("softmax",), ("blend",)
    cells = [cell for cell in lessons[0].cells if cell.kind in (EXERCISE, GRADE) and cell.names in asked]
    return Lesson("01_intuition", (Cell(CODE, "import numpy as np\nfrom attention_lab import check"), *cells))


@pytest.fixture(scope="session")
def classroom(tmp_path_factory, lessons):
    """A class in which nbgrader's own command has made the learners' notebooks of every lesson."""
    made = create_class(tmp_path_factory.mktemp("classes") / "autumn", project_root=PROJECT)
    nbgrader_plugin.enroll(made.path, {"noor": "Noor"})  # makes the gradebook, which two commands at once could not
    with ExitStack() as stack:
        for lesson in lessons:
            stack.enter_context(nbgrader_plugin.started(made.path, "generate_assignment", lesson.stem))
    return made


@pytest.fixture(scope="module")
def browser():
    with chromium.started() as browser:
        yield browser


@pytest.fixture(scope="module")
def screenshots():
    """Where the pictures go: a folder that git ignores."""
    folder = PROJECT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module", params=["cold", "warm"])
def beginning(request):
    """How every session of a module's tests begins: with a Python of its own, or as a fork of one that has loaded."""
    if jail.why_no_jail() is None and request.param == "warm":
        with session.open_session([]) as tried:
            if tried._jailed.ours != 1:
                pytest.skip(f"no submission can begin warm here: {warm.failures[-1]}")

    def start(files, limits, *, unsafe=False):
        jailed = jail.start(files, replace(limits, warm=request.param == "warm"), unsafe=unsafe)
        assert unsafe or jailed.ours == {"cold": 2, "warm": 1}[request.param]
        return jailed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "start", start)
        yield request.param

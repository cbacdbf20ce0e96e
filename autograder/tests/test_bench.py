"""How long a verdict takes, and that the command measures it."""

import pytest
from rich.console import Console

from autograder.bench import IMPORTS, check_seconds, fresh_seconds, run_bench
from autograder.command import ROOT
from autograder.exercises import EXERCISES
from autograder.problem import Problem


def test_every_exercise_is_timed_right_and_wrong():
    for exercise in EXERCISES.values():
        seconds = check_seconds(exercise)
        assert len(seconds) >= 2 and min(seconds) > 0


def test_what_cannot_be_measured_is_told():
    with pytest.raises(Problem, match='no benchmark "walk". There are check, jail, attention and grading'):
        run_bench("walk", ROOT, Console())


def test_a_fresh_kernel_gives_its_first_verdict():
    assert 0 < fresh_seconds(IMPORTS, ROOT / "lessons") < 30  # what it takes on an idle machine, the command tells

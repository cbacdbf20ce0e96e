"""How long a verdict takes, and that the command measures it."""

import statistics

import pytest
from rich.console import Console

from autograder.bench import IMPORTS, WARM_TARGET, check_seconds, fresh_seconds, run_bench
from autograder.command import ROOT
from autograder.exercises import EXERCISES
from autograder.problem import Problem


def test_a_warm_check_answers_in_time():
    seconds = [second for exercise in EXERCISES.values() for second in check_seconds(exercise)]
    assert len(seconds) > 300
    assert statistics.quantiles(seconds, n=20)[-1] < WARM_TARGET


def test_what_cannot_be_measured_is_told():
    with pytest.raises(Problem, match='no benchmark "walk". There is one: check'):
        run_bench("walk", ROOT, Console())


def test_a_fresh_kernel_gives_its_first_verdict():
    assert 0 < fresh_seconds(IMPORTS, ROOT / "lessons") < 30  # what it takes on an idle machine, the command tells

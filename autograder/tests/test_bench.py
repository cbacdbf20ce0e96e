"""How long a verdict takes, and that the command measures it."""

import statistics

import pytest
from rich.console import Console

from autograder.bench import WARM_TARGET, check_seconds, run_bench
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


@pytest.mark.slow
def test_both_tables_are_printed(capsys):
    run_bench("check", ROOT, Console(width=100))
    printed = capsys.readouterr().out
    assert all(name in printed for name in EXERCISES)
    assert "import check; softmax; check" in printed and "median s" in printed

"""Answers that tests have written by hand: how a module collects them, and what it asks of their verdicts."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from attention_lab.judge import judge

from autograder.exercises import EXERCISES


@dataclass(frozen=True)
class Answer:
    """An answer to an exercise."""

    exercise: str
    function: Callable

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)

    def __str__(self) -> str:
        return "-".join((self.exercise, self.name))

    def verdict(self, sheet_of):
        return judge(sheet_of(self.exercise), self.function)


class Written(list[Answer]):
    """Collects what it decorates: after `right = Written()`, the functions that stand under `@right("softmax")`."""

    def __call__(self, exercise):
        def add(function):
            self.append(Answer(exercise, function))
            return function

        return add

    def exercises(self) -> set[str]:
        return {answer.exercise for answer in self}


def each(answers: list[Answer]):
    """Runs a test for each of these answers, its parameter `answer`."""
    return pytest.mark.parametrize("answer", answers, ids=str)


def exercises_of(*lessons) -> set[str]:
    """The exercises of these lessons."""
    return {name for name, exercise in EXERCISES.items() if exercise.lesson in lessons}


def assert_accepted(sheet_of, answer):
    verdict = answer.verdict(sheet_of)
    assert verdict.passed, verdict.message

"""Answers that tests have written by hand: how a module collects them, and what it asks of their verdicts."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from attention_lab.judge import judge

from autograder.exercises import EXERCISES


@dataclass(frozen=True)
class Answer:
    """An answer to an exercise, and what is to be told of it: the names of its mistakes, or words."""

    exercise: str
    function: Callable
    told: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)

    def __str__(self) -> str:
        return "-".join((self.exercise, *self.told, self.name))

    def verdict(self, sheet_of):
        return judge(sheet_of(self.exercise), self.function)


class Written(list[Answer]):
    """Collects what it decorates: after `right = Written()`, the functions that stand under `@right("softmax")`."""

    def __call__(self, exercise):
        return self.adds(exercise)

    def adds(self, exercise, *told):
        def add(function):
            self.append(Answer(exercise, function, told))
            return function

        return add

    def exercises(self) -> set[str]:
        return {answer.exercise for answer in self}


class WrittenAndTold(Written):
    """Collects answers together with what is to be told of them: `@wrong("softmax", "softmax-unstable")`."""

    def __call__(self, exercise, *told):
        return self.adds(exercise, *told)

    def told(self) -> set[tuple[str, str]]:
        return {(answer.exercise, told) for answer in self for told in answer.told}


def one_sequence_at_a_time(function):
    """Lifts a function of matrices to any number of batch axes."""

    @functools.wraps(function)
    def batched(*arrays):
        if arrays[0].ndim == 2:
            return function(*arrays)
        results = [batched(*entries) for entries in zip(*arrays, strict=True)]
        if isinstance(results[0], tuple):
            return tuple(np.array(parts) for parts in zip(*results, strict=True))
        return np.array(results)

    return batched


def share_out(scores, axis=-1):
    """A right softmax, under a name that no exercise has."""
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def attention(query, key, value):
    """Attention without a scale, as lesson 2 has it: (output, weights)."""
    weights = share_out(query @ np.swapaxes(key, -1, -2))
    return weights @ value, weights


def each(answers: list[Answer]):
    """Runs a test for each of these answers, its parameter `answer`."""
    return pytest.mark.parametrize("answer", answers, ids=str)


def exercises_of(*lessons) -> set[str]:
    """The exercises of these lessons."""
    return {name for name, exercise in EXERCISES.items() if exercise.lesson in lessons}


def listed_mistakes(*lessons) -> set[tuple[str, str]]:
    """The mistakes on the lists of these lessons' exercises, each with its exercise; not those that are kept quiet."""
    return {
        (name, fault.id)
        for name, exercise in EXERCISES.items()
        for fault in exercise.faults
        if exercise.lesson in lessons and not fault.quiet
    }


def assert_accepted(sheet_of, answer):
    verdict = answer.verdict(sheet_of)
    assert verdict.passed, verdict.message


def assert_named(sheet_of, answer):
    """It fails; its mistakes are named, and no others; and its message has three lines."""
    verdict = answer.verdict(sheet_of)
    assert verdict.points < verdict.max_points
    assert answer.told and sorted(verdict.misconceptions) == sorted(answer.told), verdict.message
    assert len(verdict.message.split("\n")) == 3


def assert_fails(sheet_of, answer):
    """It fails, and an example shows it. → its verdict"""
    verdict = answer.verdict(sheet_of)
    assert verdict.points < verdict.max_points
    assert verdict.seen
    return verdict


def assert_fails_without_a_name(sheet_of, answer):
    """It fails, an example shows it, and no mistake is named. → its verdict"""
    verdict = assert_fails(sheet_of, answer)
    assert verdict.misconceptions == (), verdict.message
    return verdict

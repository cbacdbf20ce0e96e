"""Unfolding: an import becomes the source it names, and only its answers are marked for removal."""

import pytest

from autograder.problem import Problem
from autograder.unfold import definition

MODULE = '''\
"""A module."""

import functools

import numpy as np


@functools.cache
def double(x, *,
           twice=False):
    """2x.

    x (...) → (...)
    """
    # above the first statement
    y = x + x  # beside it

    return y
    # below the last


# of the next one
class Layer:
    """A layer."""

    size = 3

    def __init__(self, size):
        self.size = size

    def forward(self, x):
        """x, scaled."""
        return x * self.size


def bare(x):
    return x


def one_line(x): return x
'''


@pytest.fixture
def project(tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "toy.py").write_text(MODULE)
    return tmp_path


def test_a_function_is_unfolded_with_its_decorators_and_comments(project):
    whole = definition(project, "solutions.toy", "double").whole
    assert whole == MODULE[MODULE.index("@functools") : MODULE.index("\n\n\n# of the next one")]


def test_the_marks_enclose_the_body_and_leave_signature_and_docstring(project):
    assert definition(project, "solutions.toy", "double").marked.splitlines()[2:] == [
        "           twice=False):",
        '    """2x.',
        "",
        "    x (...) → (...)",
        '    """',
        "    ### BEGIN SOLUTION",
        "    # above the first statement",
        "    y = x + x  # beside it",
        "",
        "    return y",
        "    # below the last",
        "    ### END SOLUTION",
    ]


def test_in_a_class_each_method_has_its_own_marks(project):
    assert definition(project, "solutions.toy", "Layer").marked.splitlines() == [
        "class Layer:",
        '    """A layer."""',
        "",
        "    size = 3",
        "",
        "    def __init__(self, size):",
        "        ### BEGIN SOLUTION",
        "        self.size = size",
        "        ### END SOLUTION",
        "",
        "    def forward(self, x):",
        '        """x, scaled."""',
        "        ### BEGIN SOLUTION",
        "        return x * self.size",
        "        ### END SOLUTION",
    ]


def test_the_answers_are_the_lines_a_learner_has_to_find(project):
    assert definition(project, "solutions.toy", "Layer").answers == [
        "        self.size = size",
        "        return x * self.size",
    ]


@pytest.mark.parametrize(
    ("module", "name", "sentence"),
    [
        ("solutions.none", "double", "names a module that is not there"),
        ("solutions.toy", "triple", "defines no function or class `triple`"),
        ("solutions.toy", "bare", "`bare` in solutions has no docstring"),
    ],
)
def test_what_cannot_be_unfolded_is_told(project, module, name, sentence):
    with pytest.raises(Problem, match=sentence):
        definition(project, module, name).marked  # noqa: B018

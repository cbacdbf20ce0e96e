"""What a message says of a hidden input: known errors with sizes, nothing in an attacker's own words."""

import numpy as np
import pytest
from attention_lab.observation import Failure, Reported

from autograder.discretion import MOST_AXES, WITHHELD, discreet

SOURCE = """\
class Odd(Exception):
    pass

def softmax(scores, axis=-1):
    return scores @ weights"""
WHERE = "line 5 of your cell, in `softmax`: `return scores @ weights`"


@pytest.fixture(scope="module")
def sheet(sheet_of):
    return sheet_of("softmax")


def said_of_hidden(sheet, answer):
    """What `discreet` lets through when the function answers so for every case: of the first hidden one."""
    hidden = next(case for case in sheet.cases if not case.shown)
    try:
        return discreet(answer, [SOURCE]).about(hidden)()
    except Reported as reported:
        return reported.failure


def failing(failure):
    def answer(*arguments, **named):
        raise Reported(failure)

    return answer


@pytest.mark.parametrize(
    "text",
    [
        "matmul: the inner sizes 3 and 5 differ",
        "operands could not be broadcast together with shapes (2,3) (5,) ",
        "index 7 is out of bounds for axis 1 with size 7",
        "not enough values to unpack (expected 3, got 2)",
        "name 'weights' is not defined",
        "softmax() takes 1 positional argument but 2 were given",
        "'NoneType' object is not iterable",
        "expected scalar type Half but found Float",
        "value cannot be converted to type c10::Half without overflow",
        "The size of tensor a (4) must match the size of tensor b (5) at non-singleton dimension 2",
        "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [2, 3].",
        "Dimension out of range (expected to be in range of [-1, 0], but got -2)",
        "mat1 and mat2 shapes cannot be multiplied (3x4 and 3x4)",
        "shape '[5, 5]' is invalid for input of size 24",
        "bad operand type for unary ~: 'NoneType'",
        "",
    ],
)
def test_a_known_error_is_told_with_its_line(sheet, text):
    failure = Failure("ValueError", text.strip(), WHERE)
    assert said_of_hidden(sheet, failing(failure)) == failure


@pytest.mark.parametrize(
    "text",
    [
        "[0.5, -1.25, 0.75]",
        "matmul: the inner sizes 0.5 and -1.25 differ",
        "name 'x05_m125_075' is not defined",
        "'half' object is not iterable",
        "expected scalar type Half but found 0.5",
        "shape '[0.5, 0.25]' is invalid for input of size 24",
        "index 7 is out of bounds for axis 1 with size 7 and 0.5 and 0.25",
    ],
)
def test_other_texts_are_withheld(sheet, text):
    assert said_of_hidden(sheet, failing(Failure("ValueError", text, WHERE))) == Failure("ValueError", WITHHELD, WHERE)


def test_kinds_places_and_names_are_only_repeated_as_the_learner_wrote_them(sheet):
    told = said_of_hidden(sheet, failing(Failure("Odd", "", WHERE, "softmax")))
    assert told == Failure("Odd", "", WHERE, "softmax")
    for where in ("0.5 0.25", "line 5 of your cell, in `x05`", "line 5 of your cell, in `softmax`: `0.5 0.25`"):
        told = said_of_hidden(sheet, failing(Failure("x05_025", "", where, "x05_025")))
        assert told == Failure("Exception", "", "", "")


def test_what_a_session_itself_says_is_kept(sheet):
    for failure in (
        Failure("Stopped", "This notebook used more than 64 processes, and was stopped."),
        Failure("TimeLimit", "it took more than 20 seconds"),
        Failure("Missing", "`softmax` is not defined when the notebook has run to its end"),
    ):
        assert said_of_hidden(sheet, failing(failure)) == failure
    assert said_of_hidden(sheet, failing(Failure("TimeLimit", "0.5 0.25"))).text == ""


def test_shown_cases_are_told_in_full(sheet):
    failure = Failure("x", "[0.5, 0.25]", "anywhere", "softmax")
    with pytest.raises(Reported) as reported:
        discreet(failing(failure), [SOURCE]).about(sheet.cases[0])()
    assert sheet.cases[0].shown and reported.value.failure == failure


def test_what_a_function_waits_for_is_a_name_that_the_learner_wrote(sheet):
    with pytest.raises(Reported) as reported:
        failure = Failure("NotImplementedError", "", "", "nothing: 4 of 4 points")
        discreet(failing(failure), [SOURCE]).about(sheet.cases[0])()
    assert reported.value.failure.waits_for == ""


def test_parameters_are_listed_by_names_that_the_learner_wrote(sheet):
    for text, told in (("", "other than they should be"), ("scores.weight (7, 7), softmax.0.bias (7,)", None)):
        failure = Failure("WrongParameters", text or "x05.weight (7, 7)")
        assert said_of_hidden(sheet, failing(failure)) == (failure if told is None else Failure(failure.kind, told))


def test_our_own_kinds_of_failure_never_speak_in_other_words_not_even_of_shown_cases(sheet):
    with pytest.raises(Reported) as reported:
        discreet(failing(Failure("TimeLimit", "it passed: 4 of 4 points")), []).about(sheet.cases[0])()
    assert reported.value.failure == Failure("TimeLimit", "")


def test_answers_pass_but_for_the_sizes_of_arrays_that_no_exercise_asks_for(sheet):
    fair, odd = np.ones((2, 3)), np.zeros((0, 125, 75, 5, 25, 625, 375, 875))
    assert said_of_hidden(sheet, lambda: fair) is fair
    kept = said_of_hidden(sheet, lambda: (fair, odd))
    assert kept[0] is fair and kept[1].shape == (1,) * (MOST_AXES + 1)

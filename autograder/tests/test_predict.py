"""Predictions: invited, checked in words, and set beside the truth only when there is a guess."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from attention_lab.predict import predict, reveal

QUESTION = "How much of “it” goes to “animal”?"


def guessed(guess, **options):
    return predict(QUESTION, guess, **({"low": 0, "high": 1} | options))


def test_without_a_guess_a_guess_is_invited():
    for empty in (None, ...):
        prediction = guessed(empty)
        assert not prediction.made
        assert "in place of None" in repr(prediction) and "in place of None" in prediction._repr_html_()
        assert "from 0 to 1" in repr(prediction)


@pytest.mark.parametrize("prediction", [guessed(None), guessed("a half"), guessed(7), 0.3, None])
def test_the_truth_stays_hidden_until_there_is_a_guess(prediction):
    revelation = reveal(prediction, 0.677, note="Layer 3.")
    for shown in (repr(revelation), revelation._repr_html_(), str(vars(revelation))):
        assert "677" not in shown
    assert "Guess first" in repr(revelation) and not revelation.shown


def test_guess_and_truth_stand_side_by_side():
    revelation = reveal(guessed(0.3), 0.677, unit="of its attention", note="Layer 3, head 1.")
    for shown in (repr(revelation), revelation._repr_html_()):
        assert "0.3 of its attention" in shown and "0.677 of its attention" in shown
        assert "your guess" in shown and "answer" in shown and "measured" not in shown
        assert "Layer 3, head 1." in shown and QUESTION in shown


@pytest.mark.parametrize(
    ("guess", "words"),
    [
        (0.677, "Exactly right"),
        (0.6772, "Exactly right"),
        (0.7, "Off by 0.023: close."),
        (0.5, "Off by 0.177: not far away."),
        (0.1, "Off by 0.577, about 6.8 times too small: far off. Surprised?"),
    ],
)
def test_one_sentence_says_how_far_off(guess, words):
    assert words in repr(reveal(guessed(guess), 0.677))


def test_without_a_range_the_numbers_themselves_are_the_measure():
    def said(guess, truth):
        return repr(reveal(predict("How large?", guess), truth))

    assert "close" in said(380, 384)
    assert "not far away" in said(300, 384)
    assert "about 38 times too small: far off" in said(10, 384)
    assert "far off" in said(-384, 384)
    assert "too large" in said(1.0, 4.5e-5)
    assert "far off" in said(0, 3)


def test_a_count_is_right_without_a_word_about_decimals_and_wrong_without_a_direction():
    def said(guess, truth):
        return reveal(predict("How many?", guess, low=0, high=12), truth).sentence

    assert said(4, np.int64(4)) == "Exactly right."
    assert said(4, 4.0) == "Exactly right."
    assert said(3, 1) == "Off by 2: not far away."


def test_one_number_of_any_kind_is_a_guess():
    for guess in (0.5, np.float32(0.5), np.array([0.5]), torch.tensor(0.5), Fraction(1, 2)):
        assert "not far away" in repr(reveal(guessed(guess), torch.tensor(0.677)))
    assert guessed(1).made and guessed(0).made


@pytest.mark.parametrize(
    ("guess", "words"),
    [
        ("0.3", "without quotes"),
        (1.5, "Your guess is 1.5, but the answer is a number from 0 to 1."),
        (-1, "−1"),
        (float("nan"), "not a number that can be measured"),
        (float("inf"), "not a number that can be measured"),
        (10**400, "not a number that can be measured"),
        ([0.3, 0.4], "of the type list"),
        (np.ones(3), "of the type ndarray"),
        (True, "of the type bool"),
        (1 + 2j, "of the type complex"),
        (len, "of the type builtin_function_or_method"),
    ],
)
def test_a_guess_that_cannot_be_used_is_told_so(guess, words):
    prediction = guessed(guess)
    assert words in repr(prediction) and words in reveal(prediction, 0.677)._repr_html_()
    assert not prediction.made


def test_a_choice_is_taken_by_its_words():
    animals = ("animal", "street", "it")
    assert "You saw it coming." in repr(reveal(predict("Which?", " Animal ", animals), "animal"))
    missed = reveal(predict("Which?", "street", animals), "animal")
    assert "Not that one." in repr(missed)
    assert "street" in missed._repr_html_() and "animal" in missed._repr_html_()
    wrong = predict("Which?", "moon", animals)
    assert '"moon" is none of the choices.' in repr(wrong) and '"animal", "street", "it"' in repr(wrong)
    assert not wrong.made and "animal" in repr(predict("Which?", None, animals))
    assert "You saw it coming." in repr(reveal(predict("How many?", 2, (1, 2, 3)), 2))


@pytest.mark.parametrize("truth", [float("nan"), None, np.ones(3)])
def test_a_measurement_that_failed_is_not_set_beside_the_guess(truth):
    revelation = reveal(guessed(0.3), truth)
    assert "no number yet" in repr(revelation) and not revelation.shown


def test_what_is_shown_is_escaped():
    for choice in ("<script>", '"><img>'):
        prediction = predict("<script>?", choice, (choice, "b"))
        for html in (prediction._repr_html_(), reveal(prediction, "b", note="<script>")._repr_html_()):
            assert "<script>" not in html and "<img>" not in html
    assert "<script>" not in predict("?", "<script>")._repr_html_()


def test_a_screen_reader_is_told_what_it_meets():
    html = reveal(guessed(0.3), 0.677)._repr_html_()
    assert 'role="group" aria-label="Your guess, and the truth"' in html
    assert html.count('<th scope="row"') == 2
    assert html.count('aria-hidden="true"') == 2  # the bars say what the numbers say


def test_bars_are_as_long_as_the_numbers_and_left_out_below_zero():
    html = reveal(guessed(0.25), 0.5)._repr_html_()
    assert "width: 3.00em" in html and "width: 6.00em" in html
    assert "width" not in reveal(predict("?", -1), 2)._repr_html_().split("<table")[1]


def test_a_small_answer_is_not_near_to_one_that_is_many_times_as_large():
    said = repr(reveal(guessed(0.2), 0.01))
    assert "Off by 0.19, about 20 times too large: far off" in said
    assert "not far away" in repr(reveal(guessed(0.1), 0.03))
    assert "close" in repr(reveal(guessed(0.04), 0.001))

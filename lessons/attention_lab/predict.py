"""Guess first, then look: a prediction, and the moment it is set beside the truth.

    guess = predict("How much of its attention does “it” give to “animal”?", None, low=0, high=1)
    guess
    …
    reveal(guess, weights[it, animal])

Nothing here raises on account of a learner's guess: what cannot be used is said in a sentence.
"""

import math

from attention_lab.prediction import FIRST, Prediction, Revelation, is_number, value_range
from attention_lab.wording import number

SURPRISE = "Surprised? Good: that is where something is to be learned."
CLOSE, NEAR = 0.05, 0.2  # of the range in which the guess could lie
MOST_TIMES = 4  # as large or as small: more is another order of magnitude, however short the way in that range


def predict(question, guess=None, choices=None, low=None, high=None):
    """A learner's guess: a number between `low` and `high`, or one of `choices`.

    → a Prediction: the last line of a cell shows it, and `reveal` sets it beside the truth
    """
    choices = tuple(choices) if choices else None
    guess = _plain(guess)
    if guess is None or guess is ...:
        return Prediction(question, None, choices, low, high)
    if choices:
        guess, problem = _chosen(guess, choices)
    else:
        problem = _problem_of_number(guess, low, high)
    return Prediction(question, guess, choices, low, high, problem)


def reveal(prediction, truth, unit="", note=""):
    """The guess beside the truth, and how far apart they are; without a guess the truth stays hidden.

    truth: a number, or one of the choices, often measured with the learner's own code
    unit follows the numbers; note is a sentence below
    → a Revelation, shown when it is the last line of a cell
    """
    if not isinstance(prediction, Prediction):
        return Revelation(None, sentence="What predict(…) returned is needed here. " + FIRST)
    if not prediction.made:
        return Revelation(prediction)
    truth = _plain(truth)
    if prediction.choices:
        seen = _folded(prediction.guess) == _folded(truth)
        sentence = "You saw it coming." if seen else "Not that one."
    elif not is_number(truth) or not math.isfinite(truth):
        found = number(truth) if is_number(truth) else f"of the type {type(truth).__name__}"
        return Revelation(None, sentence=f"What was measured is {found}, so there is no number yet for your guess.")
    else:
        sentence = _how_far(prediction.guess, truth, prediction.low, prediction.high)
    return Revelation(prediction, truth, unit, sentence, note)


def _how_far(guess, truth, low, high):
    """One sentence, measured against the range of the guess, or against the numbers themselves."""
    off = abs(guess - truth)
    if number(guess) == number(truth):
        return "Exactly right." if guess == truth else "Exactly right, as far as three decimals tell."
    bounded = low is not None and high is not None
    size = high - low if bounded else max(abs(guess), abs(truth))
    said = f"Off by {number(off)}"
    if off <= CLOSE * size or (not bounded and off <= 2 * CLOSE * size):
        return f"{said}: close."
    near = off <= NEAR * size and not (guess * truth > 0 and max(guess / truth, truth / guess) > MOST_TIMES)
    if near or (not bounded and _same_size(guess, truth)):
        return f"{said}: not far away."
    many = _times(guess, truth)
    return f"{said}{f', {many}' if many else ''}: far off. {SURPRISE}"


def _same_size(guess, truth):
    return guess * truth > 0 and 0.5 <= abs(guess / truth) <= 2


def _times(guess, truth):
    """'about 40 times too small', where both are positive and that says more than the difference."""
    if guess <= 0 or truth <= 0 or 0.5 <= guess / truth <= 2:
        return ""
    ratio = max(guess / truth, truth / guess)
    many = f"{float(f'{ratio:.2g}'):,.0f}" if ratio >= 10 else f"{ratio:.1f}"
    return f"about {many} times too {'large' if guess > truth else 'small'}"


def _chosen(guess, choices):
    """The choice that is meant, whatever its capitals and spaces, and what is wrong if there is none."""
    for choice in choices:
        if _folded(guess) == _folded(choice):
            return choice, ""
    return guess, f'"{str(guess)[:60]}" is none of the choices.'


def _problem_of_number(guess, low, high):
    if isinstance(guess, str):
        return f'Your guess is the text "{guess}": write a number, without quotes.'
    if not is_number(guess):
        return f"Your guess is of the type {type(guess).__name__}: write a single number."
    if not abs(guess) < 1e300:  # NaN and whole numbers beyond any float, too
        return "Your guess is not a number that can be measured: write another one."
    if (low is not None and guess < low) or (high is not None and guess > high):
        return f"Your guess is {number(guess)}, but the answer is a number {value_range(low, high)}."
    return ""


def _plain(value):
    """A number out of an array or a tensor of one entry; anything else as it is."""
    try:
        return value.item()
    except (AttributeError, ValueError, RuntimeError):  # not an array; or of several entries
        return value


def _folded(text):
    return " ".join(str(text).casefold().split())

"""Softmax with fault switches, for every exercise that takes one."""

import numpy as np

from autograder.exercises.exercise import Fault, Untold

NORMALISER = (
    Fault(
        "softmax-over-everything",
        "axis",
        "one softmax over the whole array: a single sum for all rows together",
        "Every query shares out its own attention. Over which axis must each sum run?",
        ("", "own-maximum"),
    ),
    Fault(
        "softmax-no-exp",
        "exp",
        "scores divided by their sum, without the exponential",
        "What does your division do with a negative score, or where the scores sum to zero?",
        ("", "shifted"),
    ),
)
STABILITY = (
    Fault(
        "softmax-unstable",
        "shift",
        "exp of the raw scores: it overflows above 709, and where all scores are far below 0 nothing is left to "
        "divide by",
        "Softmax does not change when you take the same number from every score of a row. Which number keeps exp in "
        "range?",
        ("", "zeros", "raises", "logarithm"),
    ),
    Fault(
        "softmax-global-max",
        "shift",
        "taking the largest score of the whole array from every row",
        "In a row far below that maximum every exp is 0. Whose maximum should each row lose?",
        ("", "zeros"),
    ),
)


WITHOUT_KEEPDIMS = Fault(
    "without-keepdims",
    "keepdims",
    "a maximum or a sum that has lost its axis, and is then spread along the wrong one",
    "For scores of shape (3, 5), which shape has your maximum, and which your sum? Both should be (3, 1). "
    "Look up `keepdims`.",
    ("maximum", "sum", "both"),
    quiet=True,
)

SHIFTS = (
    Fault(
        "another-shift",
        "shift",
        "a shift by another number than the largest score: the smallest, the mean, or the largest without its signs",
        "After which shift is no exp above 1, and the largest of a row exactly 1? Try it on a score of -inf and on "
        "scores far apart.",
        ("smallest", "mean", "size"),
        quiet=True,
    ),
    Fault(
        "shift-added",
        "shift",
        "the largest score added to all scores, not taken away",
        "What is the largest score of a row after your shift? Which number would keep exp in range?",
        quiet=True,
    ),
    Fault(
        "sign-turned",
        "shift",
        "softmax of the scores with their sign turned: the smallest score gets the largest share",
        "Which of the two do you take from the other: the scores from their maximum, or the maximum from the scores?",
        ("", "shifted"),
        quiet=True,
    ),
)


def shifted_otherwise(scores, faults, axis):
    """The scores as one of `SHIFTS` would leave them for exp, or None. What it does together with others is untold."""
    found = {switch for switch in faults if switch.split("/")[0] in {fault.id for fault in SHIFTS}}
    if not found:
        return None
    if len(faults) > 1:
        raise Untold
    largest = scores.max(axis=axis, keepdims=True)
    return {
        "another-shift/smallest": lambda: scores - scores.min(axis=axis, keepdims=True),
        "another-shift/mean": lambda: scores - scores.mean(axis=axis, keepdims=True),
        "another-shift/size": lambda: scores - np.abs(scores).max(axis=axis, keepdims=True),
        "shift-added": lambda: scores + largest,
        "sign-turned": lambda: largest - scores,
        "sign-turned/shifted": lambda: scores.min(axis=axis, keepdims=True) - scores,
    }[found.pop()]()


def faulty_softmax(scores, faults, axis=-1, wrong_axis=None):
    """Softmax along `axis` with faults; `wrong_axis` is the axis of the sum where that is another one."""
    scores = np.asarray(scores)
    sum_axis = axis if wrong_axis is None else wrong_axis
    if "softmax-unstable/logarithm" in faults:
        if len(faults) > 1:
            raise Untold
        return np.exp(scores - np.log(np.exp(scores).sum(axis=sum_axis, keepdims=True)))
    shifted = shifted_otherwise(scores, faults, sum_axis)
    if shifted is None:
        shifted = scores - _shift(scores, faults, sum_axis)
    positive = np.exp(shifted)
    if "softmax-no-exp" in faults:
        positive = scores
    elif "softmax-no-exp/shifted" in faults:
        positive = scores - scores.max(axis=sum_axis, keepdims=True)
    elif "softmax-unstable/raises" in faults:
        _raise_as_math_does(positive, positive.sum(axis=sum_axis))
    if {"softmax-over-everything", "softmax-over-everything/own-maximum"} & faults:
        weights = positive / positive.sum()
    else:
        keeps = not {"without-keepdims/sum", "without-keepdims/both"} & faults
        weights = positive / positive.sum(axis=sum_axis, keepdims=keeps)
    if {"softmax-unstable/zeros", "softmax-global-max/zeros"} & faults:
        weights = np.nan_to_num(weights, nan=0.0)
    return weights


def _raise_as_math_does(exponentials, sums):
    """math.exp and the division of two floats raise where numpy gives infinity and NaN."""
    if (sums == 0).any():
        raise ZeroDivisionError("float division by zero")
    if np.isinf(exponentials).any():
        raise OverflowError("math range error")


def _shift(scores, faults, axis):
    if {"softmax-unstable", "softmax-unstable/zeros", "softmax-unstable/raises"} & faults:
        return 0
    if {"softmax-global-max", "softmax-global-max/zeros", "softmax-over-everything"} & faults:
        return scores.max()
    return scores.max(axis=axis, keepdims=not {"without-keepdims/maximum", "without-keepdims/both"} & faults)

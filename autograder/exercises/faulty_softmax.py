"""Softmax with fault switches, for every exercise that takes one."""

import numpy as np

from autograder.exercises.exercise import Fault

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
        ("", "zeros", "raises"),
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


def faulty_softmax(scores, faults, axis=-1, wrong_axis=None):
    """Softmax along `axis` with faults; `wrong_axis` is the axis of the sum where that is another one."""
    scores = np.asarray(scores)
    sum_axis = axis if wrong_axis is None else wrong_axis
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

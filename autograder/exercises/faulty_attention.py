"""Attention with fault switches, step by step: scores, scale, softmax, blend, what is returned."""

import numpy as np

from autograder.exercises.exercise import Fault
from autograder.exercises.faulty_softmax import faulty_softmax

NO_SOFTMAX = Fault(
    "no-softmax",
    "softmax",
    "blending with the raw scores",
    "What turns scores into shares that are positive and sum to one?",
)
SCORES_ELEMENTWISE = Fault(
    "scores-elementwise",
    "scores",
    "multiplying queries and keys entry by entry",
    "A query and a key should give one number, how well they fit. Which product sums as well?",
    ("", "weights-transposed", "entrywise", "entrywise-sum"),
)
SCALED_EARLY = Fault(
    "scaled-early",
    "scale",
    "scores divided by √d",
    "A good idea, and lesson 3 is about it. What do you get here without the division?",
)
BLENDS_KEYS = Fault(
    "blends-keys",
    "blended",
    "a blend of the keys",
    "The keys say where to look. What is it that you collect there?",
)
BLEND_TRANSPOSED = Fault(
    "blend-transposed-weights",
    "blend",
    "a blend with the weights transposed: down the columns instead of along the rows",
    "Which index of `weights[i, j]` belongs to the query, and which to the value it weighs?",
    ("", "all-axes"),
)
UNWEIGHTED_MEAN = Fault(
    "blend-unweighted-mean",
    "blend",
    "the plain mean of the values: every value counts the same",
    "Where do the weights come in?",
    ("", "one-row"),
)
SWAPPED_RETURN = Fault(
    "swapped-return",
    "return",
    "`(weights, output)`: the right things in the other order",
    "In which order does the docstring promise them?",
)
SCORES_RETURNED = Fault(
    "scores-returned",
    "return",
    "the scores in the place of the weights",
    "What you return second should be what you blended with.",
    quiet=True,
)
SCORES_TRANSPOSED = Fault(
    "scores-transposed",
    "scores",
    "scores with keys as rows and queries as columns",
    "Rows look, columns are looked at. How many rows should your scores have, and which product gives them?",
)
TRANSPOSE_ALL_AXES = Fault(
    "transpose-all-axes",
    "scores",
    "`.T` on a batch, which reverses all axes",
    "For an array with a batch axis, `.T` reverses every axis. Which two do you want to exchange? Counted from the "
    "end, as -1 and -2, they are the same two however many axes stand in front.",
)
SWAPS_FIRST_AXES = Fault(
    "swaps-axes-0-and-1",
    "scores",
    "axes 0 and 1 exchanged: right for a matrix, but in a batch axis 0 counts the sequences",
    "Which two axes do you want to exchange? Counted from the end, as -1 and -2, they are the same two however many "
    "axes stand in front.",
    quiet=True,
)
DOT_OF_BATCHES = Fault(
    "dot-of-batches",
    "scores",
    "a product of every batch with every batch, as `np.dot` and `np.inner` make it",
    "`np.dot` lets each matrix of one stack meet each of the other. `@` keeps to pairs: the first with the first.",
    quiet=True,
)


def scores_of(query, key, faults):
    """Q Kᵀ with faults in how the pairs are scored."""
    if "scores-elementwise/summed" in faults:
        return (query * key).sum(axis=-1)
    if any(switch.startswith("scores-elementwise") for switch in faults):
        return query * key
    if "scores-transposed" in faults:
        return key @ np.swapaxes(query, -1, -2)
    if "transpose-all-axes" in faults:
        return query @ key.T
    if "swaps-axes-0-and-1" in faults:
        return query @ np.swapaxes(key, 0, 1)
    if "dot-of-batches" in faults:
        return np.inner(query, key)
    return query @ np.swapaxes(key, -1, -2)


def faulty_attention(
    query, key, value, faults, wrong_axis=None, scale=None, normalise=None, divisor=None, output_divisor=None
):
    """softmax(Q Kᵀ) V with faults → output, weights.

    scale(scores) scales them, normalise(scores) takes the place of softmax, and the weights are divided by `divisor`,
    the output alone by `output_divisor`.
    """
    scores = scores_of(query, key, faults)
    if "scaled-early" in faults:
        scores = scores / np.sqrt(query.shape[-1])
    if scale is not None:
        scores = scale(scores)
    if "no-softmax" in faults:
        weights = scores
    elif normalise is not None:
        weights = normalise(scores)
    else:
        weights = faulty_softmax(scores, faults, wrong_axis=wrong_axis)
    if divisor is not None:
        weights = weights / divisor
    if "blends-keys" in faults:
        value = key
    output = blend_of(weights, value, faults)
    if output_divisor is not None:
        output = output / output_divisor
    if "scores-returned" in faults:
        weights = scores
    return (weights, output) if "swapped-return" in faults else (output, weights)


def blend_of(weights, value, faults):
    """weights @ value with faults in how the values are put together."""
    if "blend-unweighted-mean" in faults:
        mean = value.mean(axis=-2, keepdims=True)
        return np.broadcast_to(mean, (*mean.shape[:-2], weights.shape[-2], mean.shape[-1])).copy()
    if "blend-unweighted-mean/one-row" in faults:
        return value.mean(axis=-2)
    if "scores-elementwise/entrywise" in faults:
        return weights * value
    if "scores-elementwise/entrywise-sum" in faults:
        return (weights * value).sum(axis=-2)
    if "scores-elementwise/weights-transposed" in faults or "blend-transposed-weights" in faults:
        return np.swapaxes(weights, -1, -2) @ value
    if "blend-transposed-weights/all-axes" in faults:
        return weights.T @ value
    if "dot-of-batches" in faults:
        return np.dot(weights, value)
    return weights @ value

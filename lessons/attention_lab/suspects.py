"""Four softmaxes for lesson 1, each wrong in a way of its own. Find out how, by calling them."""

import numpy as np


def suspect_a(scores):
    """scores (..., n) → weights (..., n), or so it is claimed."""
    with np.errstate(all="ignore"):
        positive = np.exp(np.asarray(scores, dtype=float))
        return positive / positive.sum(axis=-1, keepdims=True)


def suspect_b(scores):
    """scores (..., n) → weights (..., n), or so it is claimed."""
    positive = np.exp(np.asarray(scores, dtype=float) - np.max(scores))
    return positive / np.sum(positive)


def suspect_c(scores):
    """scores (..., n) → weights (..., n), or so it is claimed."""
    columns = np.swapaxes(np.asarray(scores, dtype=float), 0, -1)
    positive = np.exp(columns - columns.max(axis=-1, keepdims=True))
    return np.swapaxes(positive / positive.sum(axis=-1, keepdims=True), 0, -1)


def suspect_d(scores):
    """scores (..., n) → weights (..., n), or so it is claimed."""
    scores = np.asarray(scores, dtype=float)
    with np.errstate(all="ignore"):
        return scores / scores.sum(axis=-1, keepdims=True)

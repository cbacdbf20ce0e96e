"""Six attention functions for lesson 4, said to be causal. Some leak the future. Find out which, and how, by calling.

Each maps (length, d_model) to (length, d_model); queries, keys and values are the tokens themselves.
"""

import numpy as np


def attention_a(x):
    """x (length, d_model) → output (length, d_model), in which no token sees a later one, or so it is claimed."""
    x = np.asarray(x, dtype=float)
    centred = x - x.mean(axis=0)
    return _weights(_scores(centred), _past(len(x))) @ centred


def attention_b(x):
    """x (length, d_model) → output (length, d_model), in which no token sees a later one, or so it is claimed."""
    x = np.asarray(x, dtype=float)
    near = _past(len(x)) & ~np.tri(len(x), k=-3, dtype=bool)
    return _weights(_scores(x), near) @ x


def attention_c(x):
    """x (length, d_model) → output (length, d_model), in which no token sees a later one, or so it is claimed."""
    x = np.asarray(x, dtype=float)
    filled = np.where(_past(len(x)), _scores(x), -10.0)
    return _weights(filled, np.True_) @ x


def attention_d(x):
    """x (length, d_model) → output (length, d_model), in which no token sees a later one, or so it is claimed."""
    x = np.asarray(x, dtype=float)
    return (_weights(_scores(x), np.True_) * _past(len(x))) @ x


def attention_e(x):
    """x (length, d_model) → output (length, d_model), in which no token sees a later one, or so it is claimed."""
    x = np.asarray(x, dtype=float)
    centred = x - np.cumsum(x, axis=0) / np.arange(1, len(x) + 1)[:, None]
    return _weights(_scores(centred), _past(len(x))) @ centred


def attention_f(x):
    """x (length, d_model) → output (length, d_model), in which no token sees a later one, or so it is claimed."""
    x = np.asarray(x, dtype=float)
    return _weights(_scores(x), np.tri(len(x), k=1, dtype=bool)) @ x


def _past(length):
    return np.tri(length, dtype=bool)


def _scores(x):
    return x @ x.T / np.sqrt(x.shape[-1])


def _weights(scores, mask):
    """Softmax of each row over what the mask permits; every row here has something."""
    scores = np.where(mask, scores, -np.inf)
    positive = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return positive / positive.sum(axis=-1, keepdims=True)

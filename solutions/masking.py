"""Lesson 4, masking: who may look at whom. In a mask, True means "may attend"."""

import numpy as np


def causal_mask(length):
    """Query i may attend to the keys 0 … i: to the past and to itself.

    length, a positive integer → mask (length, length), booleans
    """
    return np.tri(length, dtype=bool)


def padding_mask(lengths, max_length):
    """True where a sequence has a real token, False where it is padded.

    lengths (batch,), integers up to max_length
    → mask (batch, 1, max_length), booleans, the same for every query
    """
    return np.arange(max_length) < np.asarray(lengths)[:, None, None]


def masked_softmax(scores, mask):
    """Softmax along the last axis over the permitted keys alone; a row without any is all zeros.

    scores (..., n_q, n_k), mask of booleans that broadcasts to it → weights (..., n_q, n_k)
    """
    scores = np.where(mask, scores, -np.inf)
    largest = scores.max(axis=-1, keepdims=True)
    exponentials = np.exp(scores - np.where(np.isfinite(largest), largest, 0.0))  # −inf − (−inf) would be NaN
    total = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / np.where(total == 0, 1.0, total)


def masked_attention(query, key, value, mask=None):
    """softmax(QKᵀ / √d_k) V over the permitted keys; without a mask, over all.

    query (..., n_q, d_k), key (..., n_k, d_k), value (..., n_k, d_v), mask that broadcasts to (..., n_q, n_k)
    → output (..., n_q, d_v), weights (..., n_q, n_k)
    """
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
    weights = masked_softmax(scores, True if mask is None else mask)
    return weights @ value, weights


def sees_the_future(attention, length, d_model, rng):
    """Whether any output of `attention` changes (by more than 1e-9) when only later tokens do.

    attention maps (length, d_model) to (length, d_model); rng is a numpy.random.Generator → True or False
    """
    x = rng.normal(size=(length, d_model))
    before = attention(x.copy())
    for position in range(1, length):
        changed = x.copy()
        changed[position:] = rng.normal(size=(length - position, d_model))
        if np.abs(attention(changed)[:position] - before[:position]).max() > 1e-9:
            return True
    return False


def diagnose_leaks():
    """Does each of the attention functions A to F, in that order, leak the future, and how?

    → six words, each out of
    "honest", "inverted", "one ahead", "after softmax", "fill too small", "mean of all"
    """
    return "mean of all", "honest", "fill too small", "after softmax", "honest", "one ahead"

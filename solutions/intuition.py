"""Lesson 1, intuition: score, normalise, blend."""

import numpy as np


def softmax(scores, axis=-1):
    """exp(s) / Σ exp(s) along `axis`: positive weights that sum to one.

    scores (...) of integers or floats, -inf allowed beside finite entries → weights (...)
    """
    scores = scores - scores.max(axis=axis, keepdims=True)  # exp overflows above 709; the shift cancels
    exponentials = np.exp(scores)
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def blend(weights, values):
    """Σ_j w_ij v_j: for every query, the weighted sum of the values.

    weights (..., n_q, n_k), values (..., n_k, d_v) → output (..., n_q, d_v)
    """
    return weights @ values


def attend(query, keys, values):
    """One query looks at every key, and blends the values by what it finds.

    query (d,), keys (n, d), values (n, d_v) → output (d_v,), weights (n,), unscaled
    """
    weights = softmax(keys @ query)
    return weights @ values, weights


def plain_self_attention(x):
    """softmax(x xᵀ) x: every token looks at every token, with no projections and no scaling.

    x (n, d) → output (n, d), weights (n, n): rows look, columns are looked at
    """
    weights = softmax(x @ x.T)
    return blend(weights, x), weights


def diagnose_suspects():
    """What is wrong with each of the softmaxes A, B, C and D, in that order.

    → four different words out of "wrong axis", "overflows", "no exp", "one sum"
    """
    return "overflows", "one sum", "wrong axis", "no exp"

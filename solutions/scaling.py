"""Lesson 3, scaling: why the scores are divided by √d_k."""

import numpy as np

from solutions.intuition import softmax


def score_variance(d_k, num_samples, rng):
    """The sample variance of q·k, for q and k of `d_k` standard normal numbers each.

    d_k and num_samples are positive integers, rng a numpy.random.Generator → a number, near d_k
    """
    query, key = rng.normal(size=(2, num_samples, d_k))
    return (query * key).sum(axis=-1).var()


def scaled_dot_product_attention(query, key, value):
    """softmax(QKᵀ / √d_k) V, and the weights (Vaswani et al. 2017, §3.2.1).

    query (..., n_q, d_k), key (..., n_k, d_k), value (..., n_k, d_v)
    → output (..., n_q, d_v), weights (..., n_q, n_k)
    """
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
    weights = softmax(scores)
    return weights @ value, weights


def entropy(weights):
    """−Σ w log w, in nats: how widely a row of weights is spread. A weight of 0 contributes 0.

    weights (..., n) → entropy (...), from 0 (one weight is 1) to log n (all are equal)
    """
    logarithms = np.log(weights, where=weights > 0, out=np.zeros(np.shape(weights)))
    return -(weights * logarithms).sum(axis=-1)


def softmax_jacobian(weights):
    """∂w_i / ∂s_j = w_i (δ_ij − w_j): how every weight answers to every score.

    weights (n,), the softmax of some scores s (n,) → jacobian (n, n)
    """
    return np.diag(weights) - np.outer(weights, weights)


def temperature_answers():
    """What stands in the gaps A, B, C, D, E, F and G, in that order.

    → seven words out of "zero", "log n", "0.242", "falls", "stays", "too few steps", "no gradient",
    "too much gradient"; a word may stand in several gaps, or in none
    """
    return "zero", "zero", "log n", "0.242", "falls", "stays", "no gradient"

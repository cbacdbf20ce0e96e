"""Lesson 2, queries, keys, values: one word, three roles."""

import numpy as np

from solutions.intuition import blend, softmax


def project(x, weight, bias=None):
    """x W + b: the same linear map for every token.

    x (..., d_in), weight (d_in, d_out), bias (d_out,) or None → (..., d_out)
    """
    projected = x @ weight
    return projected if bias is None else projected + bias


def attention_scores(query, key):
    """Q Kᵀ: one score for every pair, unscaled; rows look, columns are looked at.

    query (..., n_q, d_k), key (..., n_k, d_k) → scores (..., n_q, n_k)
    """
    return query @ np.swapaxes(key, -1, -2)


def attention(query, key, value):
    """softmax(Q Kᵀ) V, unscaled.

    query (..., n_q, d_k), key (..., n_k, d_k), value (..., n_k, d_v)
    → output (..., n_q, d_v), weights (..., n_q, n_k)
    """
    weights = softmax(attention_scores(query, key))
    return blend(weights, value), weights


def self_attention(x, w_q, w_k, w_v):
    """Attention of a sequence to itself: queries, keys and values are three projections of `x`.

    x (..., n, d_model), w_q and w_k (d_model, d_k), w_v (d_model, d_v), no biases
    → output (..., n, d_v), weights (..., n, n)
    """
    return attention(project(x, w_q), project(x, w_k), project(x, w_v))


def cross_attention(x, context, w_q, w_k, w_v):
    """Attention of one sequence to another: `x` asks, `context` answers.

    x (..., n_q, d_model), context (..., n_k, d_model), w_q and w_k (d_model, d_k), w_v (d_model, d_v)
    → output (..., n_q, d_v), weights (..., n_q, n_k)
    """
    return attention(project(x, w_q), project(context, w_k), project(context, w_v))


def previous_token_share(weights):
    """How much of its attention a token sends to the one before it, averaged over tokens 1 … n − 1.

    weights (..., n, n) with n ≥ 2 → share (...), each between 0 and 1
    """
    return np.diagonal(weights, offset=-1, axis1=-2, axis2=-1).mean(axis=-1)

"""An attention for lesson 5, to be repaired: three of its lines are wrong, and it runs without a word.

Each of the three bugs stands in published code, where nobody was warned either: the shapes are right.
"""

import math

import torch


def broken_attention(query, key, value, mask=None):
    """softmax(QKᵀ / √d_head) V in every head, over the permitted keys, or so it is claimed.

    query (batch, heads, n_q, d_head), key and value (batch, heads, n_k, d_head), True in a mask means "may attend"
    → output (batch, heads, n_q, d_head), weights (batch, heads, n_q, n_k)
    """
    heads, d_head = query.shape[1], query.shape[3]
    scores = query @ key.transpose(-2, -1) / math.sqrt(heads * d_head)
    if mask is not None:
        scores = scores.masked_fill(~mask, 1e-9)
    weights = torch.softmax(scores, dim=1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)  # rows that may look at nothing
    return weights @ value, weights

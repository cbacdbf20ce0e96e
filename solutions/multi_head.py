"""Lesson 5, many heads: several attentions side by side, each in a subspace of its own. True in a mask: may attend."""

import math

import torch
from torch import nn


def split_heads(x, num_heads):
    """Each head gets d_head = d_model / num_heads features of every token: head h the h-th slice.

    x (batch, n, d_model) → (batch, num_heads, n, d_head); ValueError where d_model does not divide
    """
    if x.shape[-1] % num_heads:
        raise ValueError(f"d_model {x.shape[-1]} cannot be divided among {num_heads} heads.")
    return x.unflatten(-1, (num_heads, -1)).transpose(-3, -2)


def merge_heads(x):
    """The heads' features side by side again: the inverse of `split_heads`.

    x (batch, heads, n, d_head) → (batch, n, heads · d_head)
    """
    return x.transpose(-3, -2).flatten(-2)


def multi_head_attention(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    """Concat(head_1, …, head_h) W_O, head_i = Attention(X W_Q[i], X W_K[i], X W_V[i]) (Vaswani et al. 2017, §3.2.2).

    x (batch, n, d_model), weights (d_model, d_model), used as x @ w, mask that broadcasts to (batch, heads, n, n)
    → output (batch, n, d_model), weights (batch, heads, n, n)
    """
    query, key, value = (split_heads(x @ weight, num_heads) for weight in (w_q, w_k, w_v))
    output, weights = repaired_attention(query, key, value, mask)
    return merge_heads(output) @ w_o, weights


class MultiHeadAttention(nn.Module):
    """Multi-head attention with its own projections; with a context, queries from x, keys and values from there."""

    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model {d_model} cannot be divided among {num_heads} heads.")
        self.num_heads = num_heads
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)
        self.k_proj = nn.Linear(d_model, d_model, bias=bias)
        self.v_proj = nn.Linear(d_model, d_model, bias=bias)
        self.out_proj = nn.Linear(d_model, d_model, bias=bias)

    def forward(self, x, context=None, mask=None):
        """x (batch, n_q, d_model), context (batch, n_k, d_model), mask that broadcasts to (batch, heads, n_q, n_k)
        → output (batch, n_q, d_model), weights (batch, heads, n_q, n_k)
        """
        context = x if context is None else context
        query = split_heads(self.q_proj(x), self.num_heads)
        key = split_heads(self.k_proj(context), self.num_heads)
        value = split_heads(self.v_proj(context), self.num_heads)
        output, weights = repaired_attention(query, key, value, mask)
        return self.out_proj(merge_heads(output)), weights


def parameter_count(d_model, num_heads, bias=True):
    """How many numbers MultiHeadAttention(d_model, num_heads, bias) has to learn.

    d_model, num_heads positive integers → a whole number
    """
    return 4 * (d_model**2 + (d_model if bias else 0))


def repaired_attention(query, key, value, mask=None):
    """softmax(QKᵀ / √d_head) V in every head, over the permitted keys; a row without any is all zeros.

    query (batch, heads, n_q, d_head), key and value (batch, heads, n_k, d_head),
    mask that broadcasts to (batch, heads, n_q, n_k)
    → output (batch, heads, n_q, d_head), weights (batch, heads, n_q, n_k)
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = torch.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)  # such a row was 0 / 0
    return weights @ value, weights

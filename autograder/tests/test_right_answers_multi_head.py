"""Right answers to lesson 5, written as differently as learners write them: every one must pass."""

import functools
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from autograder.tests.written import Written, assert_accepted, each, exercises_of

right = Written()


# ---- split_heads and merge_heads


class NotDivisible(ValueError):
    """An exception of one's own."""


@right("split_heads")
def view_and_transpose(x, num_heads):
    batch, length, d_model = x.shape
    if d_model % num_heads != 0:
        raise ValueError("d_model must be a multiple of num_heads")
    return x.view(batch, length, num_heads, d_model // num_heads).transpose(1, 2)


@right("split_heads")
def chunks_on_a_stack(x, num_heads):
    d_head, rest = divmod(x.size(-1), num_heads)
    if rest:
        raise NotDivisible(f"{x.size(-1)} features for {num_heads} heads")
    return torch.stack(torch.split(x, d_head, dim=2), dim=1)


@right("split_heads")
def slice_by_slice(x, num_heads):
    if x.shape[2] / num_heads != x.shape[2] // num_heads:
        raise ValueError
    d_head = x.shape[2] // num_heads
    heads = torch.empty(x.shape[0], num_heads, x.shape[1], d_head, dtype=x.dtype)
    for head in range(num_heads):
        heads[:, head] = x[:, :, head * d_head : (head + 1) * d_head]
    return heads


@right("split_heads")
def permuted_and_contiguous(x, num_heads):
    if x.shape[-1] % num_heads:
        raise ValueError("no")
    return x.reshape(*x.shape[:2], num_heads, -1).permute(0, 2, 1, 3).contiguous()


@right("split_heads")
def numpys_reshape(x, num_heads):
    if x.shape[-1] % num_heads:
        raise ValueError("no")
    array = x.numpy().reshape(x.shape[0], x.shape[1], num_heads, x.shape[2] // num_heads)
    return torch.from_numpy(array.swapaxes(1, 2).copy())


@right("split_heads")
def by_matrices_that_select(x, num_heads):
    d_head, rest = divmod(x.shape[-1], num_heads)
    if rest:
        raise ValueError("no")
    select = torch.eye(x.shape[-1], dtype=x.dtype).reshape(-1, num_heads, d_head)
    return torch.einsum("bnd,dhk->bhnk", x, select)


@right("merge_heads")
def transpose_and_reshape(x):
    batch, heads, length, d_head = x.shape
    return x.transpose(1, 2).reshape(batch, length, heads * d_head)


@right("merge_heads")
def contiguous_and_view(x):
    return x.permute(0, 2, 1, 3).contiguous().view(x.size(0), x.size(2), -1)


@right("merge_heads")
def joined_along_the_features(x):
    return torch.cat([x[:, head] for head in range(x.shape[1])], dim=-1)


@right("merge_heads")
def unbound_and_joined(x):
    return torch.cat(x.unbind(dim=1), dim=2)


@right("merge_heads")
def token_by_token(x):
    return torch.stack([torch.stack([heads[:, token].flatten() for token in range(x.shape[2])]) for heads in x])


@right("merge_heads")
def stacked_beside_the_features(x):
    return torch.stack(list(x.unbind(1)), dim=2).flatten(start_dim=2)


# ---- repaired_attention


@right("repaired_attention")
def masked_with_the_lowest_number(query, key, value, mask=None):
    scores = torch.matmul(query, key.mT) * query.size(-1) ** -0.5
    if mask is None:
        weights = scores.softmax(-1)
    else:
        weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1) * mask
    return weights @ value, weights


@right("repaired_attention")
def where_and_nan_to_num(query, key, value, mask=None):
    scores = torch.einsum("bhqd,bhkd->bhqk", query, key) / math.sqrt(key.shape[-1])
    if mask is not None:
        scores = torch.where(mask, scores, float("-inf"))
    weights = torch.nan_to_num(F.softmax(scores, dim=3))
    return torch.einsum("bhqk,bhkd->bhqd", weights, value), weights


@right("repaired_attention")
def an_additive_mask(query, key, value, mask=None):
    scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
    if mask is not None:
        scores = scores + torch.zeros(mask.shape).masked_fill(mask.logical_not(), -math.inf)
    return [(weights := torch.softmax(scores, -1).nan_to_num(0.0)) @ value, weights]


@right("repaired_attention")
def in_loops_over_sequences_and_heads(query, key, value, mask=None):
    batch, heads, n_q, _ = query.shape
    weights = torch.zeros(batch, heads, n_q, key.shape[2], dtype=query.dtype)
    seen = torch.ones_like(weights, dtype=torch.bool) if mask is None else mask.expand(weights.shape)
    for place in np.ndindex(batch, heads, n_q):
        keys = seen[place]
        if keys.any():
            scores = key[place[:2]][keys] @ query[place] / math.sqrt(query.shape[-1])
            weights[(*place, keys)] = torch.softmax(scores, 0)
    return weights @ value, weights


@right("repaired_attention")
def torchs_own_and_its_weights(query, key, value, mask=None):
    identity = torch.eye(key.shape[2], dtype=key.dtype).expand(*key.shape[:3], key.shape[2])
    if mask is not None:
        mask = mask.expand(query.shape[0], query.shape[1], query.shape[2], key.shape[2])
    own = functools.partial(F.scaled_dot_product_attention, query, key, attn_mask=mask)
    output, weights = own(value), own(identity)
    if mask is not None:
        empty = ~mask.any(-1, keepdim=True)
        output, weights = output.masked_fill(empty, 0), weights.masked_fill(empty, 0)
    return output, weights


@right("repaired_attention")
def exponentials_by_hand(query, key, value, mask=None):
    scores = (query / math.sqrt(query.shape[-1])) @ key.transpose(-1, -2)
    mask = torch.ones((), dtype=torch.bool) if mask is None else mask
    top = torch.where(mask, scores, -1e300 if scores.dtype == torch.float64 else -1e38).amax(-1, keepdim=True)
    powers = torch.exp(torch.where(mask, scores - top, -torch.inf))
    total = powers.sum(-1, keepdim=True)
    weights = powers / torch.where(total == 0, 1, total)
    return weights @ value, weights


# ---- multi_head_attention


@right("multi_head_attention")
def head_by_head(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    d_head = x.shape[-1] // num_heads
    everything = torch.ones(x.shape[0], num_heads, x.shape[1], x.shape[1], dtype=torch.bool)
    mask = everything if mask is None else mask.expand_as(everything)
    outputs, weights = [], []
    for head in range(num_heads):
        own = slice(head * d_head, (head + 1) * d_head)
        query, key, value = x @ w_q[:, own], x @ w_k[:, own], x @ w_v[:, own]
        scores = (query @ key.transpose(1, 2) / d_head**0.5).masked_fill(~mask[:, head], -torch.inf)
        weights.append(torch.softmax(scores, -1).nan_to_num())
        outputs.append(weights[-1] @ value)
    return torch.cat(outputs, dim=-1) @ w_o, torch.stack(weights, dim=1)


@right("multi_head_attention")
def output_as_a_sum_over_heads(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    d_model = x.shape[-1]
    query, key, value = (numpys_reshape(x @ weight, num_heads) for weight in (w_q, w_k, w_v))
    blended, weights = where_and_nan_to_num(query, key, value, mask)
    return torch.einsum("bhnd,hdm->bnm", blended, w_o.reshape(num_heads, -1, d_model)), weights


@right("multi_head_attention")
def all_in_einsum(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    d_model = w_q.shape[0]
    query, key, value = (
        torch.einsum("bnm,mhd->bhnd", x, weight.unflatten(1, (num_heads, d_model // num_heads)))
        for weight in (w_q, w_k, w_v)
    )
    blended, weights = masked_with_the_lowest_number(query, key, value, mask)
    return torch.einsum("bnm,mo->bno", joined_along_the_features(blended), w_o), weights


@right("multi_head_attention")
def heads_in_the_batch(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    batch, length, _ = x.shape

    def folded(features):
        return view_and_transpose(features, num_heads).reshape(batch * num_heads, length, -1)

    query, key, value = folded(x @ w_q), folded(x @ w_k), folded(x @ w_v)
    scores = torch.bmm(query, key.transpose(1, 2)) / math.sqrt(query.shape[-1])
    if mask is not None:
        mask = torch.broadcast_to(mask, (batch, num_heads, length, length)).reshape(-1, length, length)
        scores[~mask] = -torch.inf
    weights = torch.softmax(scores, dim=-1)
    weights = torch.where(weights.isnan(), torch.zeros_like(weights), weights)
    blended = torch.bmm(weights, value).reshape(batch, num_heads, length, -1)
    return contiguous_and_view(blended) @ w_o, weights.reshape(batch, num_heads, length, length)


@right("multi_head_attention")
def one_product_for_three(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    query, key, value = (x @ torch.cat([w_q, w_k, w_v], dim=1)).chunk(3, dim=-1)
    query, key, value = (chunks_on_a_stack(part, num_heads) for part in (query, key, value))
    blended, weights = torchs_own_and_its_weights(query, key, value, mask)
    return transpose_and_reshape(blended) @ w_o, weights


@right("multi_head_attention")
def with_linear_of_the_transposed(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    query, key, value = (view_and_transpose(F.linear(x, weight.T), num_heads) for weight in (w_q, w_k, w_v))
    blended, weights = an_additive_mask(query, key, value, mask)
    return F.linear(unbound_and_joined(blended), w_o.mT), weights


# ---- MultiHeadAttention and parameter_count


class Projected(nn.Module):
    """The four layers; what is done with them differs from class to class."""

    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
        self.d_model, self.num_heads = d_model, num_heads
        for name in ("out_proj", "v_proj", "k_proj", "q_proj"):
            self.add_module(name, nn.Linear(d_model, d_model, bias))


@right("MultiHeadAttention")
class WithABufferAndAnOwnInitialisation(Projected):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__(d_model, num_heads, bias=bias)
        self.register_buffer("scale", torch.tensor(float(d_model // num_heads)).rsqrt().double())
        for layer in self.children():
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, x, context=None, mask=None):
        if context is None:
            context = x
        query, key, value = self.q_proj(x), self.k_proj(context), self.v_proj(context)
        query, key, value = (permuted_and_contiguous(part, self.num_heads) for part in (query, key, value))
        scores = query @ key.mT * self.scale.to(x.dtype)
        if mask is not None:
            scores = scores.masked_fill(mask == False, -1e9)  # noqa: E712
        weights = scores.softmax(dim=-1)
        if mask is not None:
            weights = weights * mask.to(weights.dtype)
        return self.out_proj(contiguous_and_view(weights @ value)), weights


@right("MultiHeadAttention")
class HeadByHead(Projected):
    def forward(self, x, context=None, mask=None):
        source = context if context is not None else x
        parts = self.q_proj(x), self.k_proj(source), self.v_proj(source)
        width = self.d_model // self.num_heads
        outputs, all_weights = [], []
        for head, (query, key, value) in enumerate(zip(*(part.split(width, dim=-1) for part in parts), strict=True)):
            scores = query @ key.transpose(-2, -1) / math.sqrt(width)
            if mask is not None:
                allowed = mask.expand(x.shape[0], self.num_heads, x.shape[1], source.shape[1])[:, head]
                scores = torch.where(allowed, scores, -torch.inf)
            weights = torch.softmax(scores, dim=-1).nan_to_num()
            all_weights.append(weights)
            outputs.append(weights @ value)
        return self.out_proj(torch.cat(outputs, -1)), torch.stack(all_weights, 1)


@right("MultiHeadAttention")
class ThroughTheFunctional(Projected):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        query, key, value = (
            slice_by_view(F.linear(features, layer.weight, layer.bias), self.num_heads)
            for features, layer in ((x, self.q_proj), (context, self.k_proj), (context, self.v_proj))
        )
        blended, weights = torchs_own_and_its_weights(query, key, value, mask)
        return self.out_proj(joined_along_the_features(blended)), weights


def slice_by_view(x, num_heads):
    return x.unflatten(2, (num_heads, x.shape[2] // num_heads)).swapaxes(1, 2)


@right("MultiHeadAttention")
class ThatRefusesAndCountsItsCalls(Projected):
    def __init__(self, d_model: int, num_heads: int, bias: bool = True) -> None:
        assert d_model % num_heads == 0
        super().__init__(d_model, num_heads, bias)
        self.calls, self.last, self.dropout = 0, None, nn.Dropout(0.0)

    def forward(self, x, context=None, mask=None):
        self.calls += 1
        context = x if context is None else context
        query, key, value = (
            by_matrices_that_select(part, self.num_heads)
            for part in (self.q_proj(x), self.k_proj(context), self.v_proj(context))
        )
        blended, weights = exponentials_by_hand(query, key, value, mask)
        self.last = weights.detach()
        return [self.dropout(self.out_proj(stacked_beside_the_features(blended))), weights]


@right("MultiHeadAttention")
def a_function_that_makes_it(d_model, num_heads, bias=True):
    return ThroughTheFunctional(d_model, num_heads, bias)


@right("parameter_count")
def counted_by_a_module(d_model, num_heads, bias=True):
    return sum(parameter.numel() for parameter in HeadByHead(d_model, num_heads, bias).parameters())


@right("parameter_count")
def head_after_head(d_model, num_heads, bias=True):
    d_head = d_model // num_heads
    each = 3 * d_head * (d_model + bool(bias))
    return num_heads * each + d_model * (d_model + int(bias))


@right("parameter_count")
def as_a_float(d_model, num_heads, bias=True):
    return 4.0 * d_model * (d_model + 1) if bias else 4.0 * d_model**2


@right("parameter_count")
def as_numpy_counts(d_model, num_heads, bias=True):
    return np.prod([4, d_model, d_model + np.int64(bias)])


@each(right)
def test_a_right_answer_passes(sheet_of, answer):
    assert_accepted(sheet_of, answer)


def test_every_exercise_of_the_lesson_is_answered():
    assert right.exercises() == exercises_of("05_multi_head")

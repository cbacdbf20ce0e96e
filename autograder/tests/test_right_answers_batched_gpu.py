"""Right answers to lesson 6, written as differently as learners write them: every one must pass."""

import functools
import math
import statistics
import time
from timeit import default_timer

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder.tests.written import Written, assert_accepted, each, exercises_of

right = Written()


# ---- batched_attention


@right("batched_attention")
def nan_to_num(query, key, value, mask=None):
    scores = query @ key.mT / query.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not(), float("-inf"))
    return F.softmax(scores, dim=-1).nan_to_num(0) @ value


@right("batched_attention")
def in_float32_and_back(query, key, value, mask=None):
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    scores = torch.einsum("...qd,...kd->...qk", query.to(wide), key.to(wide)) * query.shape[-1] ** -0.5
    allowed = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.expand_as(scores)
    powers = torch.exp(scores - scores.amax(-1, keepdim=True)) * allowed
    top = torch.where(allowed, scores, -torch.inf).amax(-1, keepdim=True)
    powers = torch.where(allowed, torch.exp(scores - torch.where(top == -torch.inf, 0, top)), 0)
    total = powers.sum(-1, keepdim=True)
    return (powers / torch.where(total == 0, 1, total) @ value.to(wide)).to(query.dtype)


@right("batched_attention")
def the_lowest_of_the_dtype_and_zeros(query, key, value, mask=None):
    scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(key.size(-1))
    if mask is None:
        return torch.softmax(scores, -1) @ value
    scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return torch.matmul(torch.softmax(scores, -1) * mask, value)


@right("batched_attention")
def an_additive_mask_of_infinities(query, key, value, mask=None):
    scores = (query * query.shape[-1] ** -0.25) @ (key * key.shape[-1] ** -0.25).swapaxes(-1, -2)
    if mask is not None:
        bias = torch.zeros(mask.shape, dtype=query.dtype, device=query.device)
        bias.masked_fill_(~mask, -torch.inf)
        scores += bias
    weights = torch.softmax(scores, dim=-1)
    weights = torch.where(weights.isnan(), torch.zeros_like(weights), weights)
    return torch.einsum("...qk,...kv->...qv", weights, value)


@right("batched_attention")
def one_head_after_the_other(query, key, value, mask=None):
    leading = query.shape[:-2]
    if mask is not None:
        mask = mask.broadcast_to(*leading, query.shape[-2], key.shape[-2])
    output = query.new_zeros(*query.shape[:-1], value.shape[-1])
    for place in np.ndindex(*leading):
        for row in range(query.shape[-2]):
            scores = key[place] @ query[place][row] / math.sqrt(query.shape[-1])
            allowed = slice(None) if mask is None else mask[place][row]
            if mask is None or allowed.any():
                output[place][row] = torch.softmax(scores[allowed], 0) @ value[place][allowed]
    return output


@right("batched_attention")
def flattened_and_bmm(query, key, value, mask=None):
    q, k, v = (tensor.reshape(-1, *tensor.shape[-2:]) for tensor in (query, key, value))
    scores = torch.bmm(q, k.transpose(1, 2)).view(*query.shape[:-1], key.shape[-2]) / math.sqrt(q.shape[2])
    if mask is not None:
        scores = torch.where(mask, scores, torch.tensor(-torch.inf, dtype=scores.dtype))
        print("masked", mask.shape)
    weights = torch.nan_to_num(torch.softmax(scores.float(), dim=-1)).to(value.dtype)
    return torch.bmm(weights.flatten(0, -3) if weights.ndim > 3 else weights.reshape(-1, *weights.shape[-2:]), v).view(
        *query.shape[:-1], v.shape[-1]
    )


@right("batched_attention")
def through_the_fused_one(query, key, value, mask=None):
    return masked_afterwards(query, key, value, mask)


# ---- attention_flops and score_matrix_bytes


@right("attention_flops")
def two_products(batch, heads, num_queries, num_keys, d_head):
    scores = 2 * num_queries * num_keys * d_head
    blend = 2 * num_queries * d_head * num_keys
    return batch * heads * (scores + blend)


@right("attention_flops")
def with_prod(*sizes):
    return math.prod((4, *sizes))


@right("attention_flops")
def from_a_float(batch, heads, num_queries, num_keys, d_head):
    return int(2.0 * (2 * batch * heads) * num_queries * num_keys * d_head)


@right("score_matrix_bytes")
def of_an_empty_tensor(batch, heads, num_queries, num_keys, dtype):
    return batch * heads * num_queries * num_keys * torch.empty(0, dtype=dtype).element_size()


@right("score_matrix_bytes")
def of_a_tensor_without_memory(batch, heads, num_queries, num_keys, dtype):
    return torch.empty(batch, heads, num_queries, num_keys, dtype=dtype, device="meta").nbytes


@right("score_matrix_bytes")
def from_bits(batch, heads, num_queries, num_keys, dtype):
    if dtype == torch.bool:
        return batch * heads * num_queries * num_keys
    bits = torch.finfo(dtype).bits if dtype.is_floating_point else torch.iinfo(dtype).bits
    return math.prod((batch, heads, num_queries, num_keys)) * bits // 8


# ---- fused_attention


@right("fused_attention")
def masked_afterwards(query, key, value, mask=None):
    if mask is not None and mask.ndim == 1:
        mask = mask[None]
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return output if mask is None else torch.where(mask.any(-1, keepdim=True), output, 0).to(query.dtype)


@right("fused_attention")
def the_mask_as_the_library_takes_it(query, key, value, mask=None):
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask).nan_to_num(0.0)


@right("fused_attention")
def the_mask_in_full(query, key, value, mask=None):
    attention = nn.functional.scaled_dot_product_attention
    if mask is None:
        return attention(query, key, value, dropout_p=0.0)
    mask = mask.expand(*query.shape[:-1], key.shape[-2])
    return attention(query, key, value, mask).nan_to_num(0.0)


@right("fused_attention")
def as_an_additive_mask(query, key, value, mask=None):
    bias = None
    if mask is not None:
        bias = torch.zeros(query.shape[-2], key.shape[-2], dtype=query.dtype).masked_fill(~mask, float("-inf"))
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=1 / math.sqrt(query.size(-1)))
    return output if mask is None else output * mask.any(-1, keepdim=True)


# ---- tiled_attention


@right("tiled_attention")
def flash(query, key, value, block_size):
    q, k, v = query.float(), key.float(), value.float()
    if query.dtype == torch.float64:
        q, k, v = query, key, value
    m = torch.full((*q.shape[:-1], 1), -torch.inf, dtype=q.dtype)
    l = torch.zeros_like(m)  # noqa: E741
    o = torch.zeros(*q.shape[:-1], v.shape[-1], dtype=q.dtype)
    for start in range(0, k.shape[-2], block_size):
        s = q @ k[..., start : start + block_size, :].transpose(-1, -2) / math.sqrt(q.shape[-1])
        m_new = torch.maximum(m, s.max(dim=-1, keepdim=True).values)
        p = torch.exp(s - m_new)
        factor = torch.exp(m - m_new)
        l = l * factor + p.sum(-1, keepdim=True)  # noqa: E741
        o = o * factor + p @ v[..., start : start + block_size, :]
        m = m_new
    return (o / l).to(query.dtype)


@right("tiled_attention")
def normalised_at_every_step(query, key, value, block_size):
    scale = query.shape[-1] ** -0.5
    output = largest = total = None
    for keys, values in zip(key.split(block_size, -2), value.split(block_size, -2), strict=True):
        scores = torch.einsum("...qd,...kd->...qk", query * scale, keys)
        block = scores.amax(-1, keepdim=True)
        if output is None:
            largest, weights = block, torch.exp(scores - block)
            total = weights.sum(-1, keepdim=True)
            output = weights / total @ values
            continue
        new = torch.maximum(largest, block)
        old_total = total * torch.exp(largest - new)
        weights = torch.exp(scores - new)
        total = old_total + weights.sum(-1, keepdim=True)
        output = output * (old_total / total) + (weights / total) @ values
        largest = new
    return output


@right("tiled_attention")
def with_logaddexp(query, key, value, block_size):
    log_total = torch.full(query.shape[:-1], -torch.inf, dtype=query.dtype)
    output = torch.zeros(*query.shape[:-1], value.shape[-1], dtype=query.dtype)
    for keys, values in zip(key.split(block_size, -2), value.split(block_size, -2), strict=True):
        scores = query @ keys.mT / query.shape[-1] ** 0.5
        here = torch.logsumexp(scores, dim=-1)
        both = torch.logaddexp(log_total, here)
        own = torch.softmax(scores, -1) @ values
        output = output * torch.exp(log_total - both)[..., None] + own * torch.exp(here - both)[..., None]
        log_total = both
    return output


@right("tiled_attention")
def tiles_of_queries_too(query, key, value, block_size):
    rows = []
    for queries in query.split(block_size, dim=-2):
        rows.append(flash(queries, key, value, block_size))
    return torch.cat(rows, dim=-2)


@right("tiled_attention")
def one_head_and_one_query_at_a_time(query, key, value, block_size):
    output = torch.empty(*query.shape[:-1], value.shape[-1], dtype=query.dtype)
    for place in np.ndindex(*query.shape[:-1]):
        largest, total, mixed = -math.inf, 0.0, 0.0
        for start in range(0, key.shape[-2], block_size):
            block = slice(start, start + block_size)
            scores = (key[place[:-1]][block].double() @ query[place].double()) / math.sqrt(query.shape[-1])
            new = max(largest, scores.max().item())
            weights = (scores - new).exp()
            factor = math.exp(largest - new)
            total = total * factor + weights.sum().item()
            mixed = mixed * factor + weights @ value[place[:-1]][block].double()
            largest = new
        output[place] = (mixed / total).to(query.dtype)
    return output


@right("tiled_attention")
def two_passes(query, key, value, block_size):
    """First the maximum and the denominator, then the output."""
    blocks = range(0, key.shape[-2], block_size)
    query = query / math.sqrt(query.shape[-1])
    largest = functools.reduce(
        torch.maximum, (scores_of(query, key, start, block_size).amax(-1, keepdim=True) for start in blocks)
    )
    total, output = 0, 0
    for start in blocks:
        powers = torch.exp(scores_of(query, key, start, block_size) - largest)
        total = total + powers.sum(-1, keepdim=True)
        output = output + powers @ value[..., start : start + block_size, :]
    return output / total


def scores_of(query, key, start, block_size):
    return query @ key[..., start : start + block_size, :].transpose(-2, -1)


@right("tiled_attention")
def recursively(query, key, value, block_size):
    def merged(start, stop):
        if stop - start <= block_size:
            scores = query @ key[..., start:stop, :].mT / math.sqrt(query.shape[-1])
            return torch.softmax(scores, -1) @ value[..., start:stop, :], scores.logsumexp(-1, keepdim=True)
        middle = start + max(block_size, (stop - start) // 2)
        (left, a), (right, b) = merged(start, middle), merged(middle, stop)
        both = torch.logaddexp(a, b)
        return left * (a - both).exp() + right * (b - both).exp(), both

    return merged(0, key.shape[-2])[0]


@right("tiled_attention")
def in_place_with_a_large_negative_start(query, key, value, block_size):
    q, k, v = (tensor.double().flatten(0, -3) if tensor.ndim > 2 else tensor.double() for tensor in (query, key, value))
    largest = q.new_full((*q.shape[:-1], 1), -1e30)
    total, output = torch.zeros_like(largest), q.new_zeros(*q.shape[:-1], v.shape[-1])
    for start in range(0, k.shape[-2], block_size):
        scores = (q @ k.narrow(-2, start, min(block_size, k.shape[-2] - start)).mT).div_(math.sqrt(q.shape[-1]))
        new = torch.max(largest, scores.max(-1, keepdim=True)[0])
        scores.sub_(new).exp_()
        factor = (largest - new).exp_()
        total.mul_(factor).add_(scores.sum(-1, keepdim=True))
        output.mul_(factor).add_(scores @ v[..., start : start + block_size, :])
        largest = new
    return output.div_(total).reshape(*query.shape[:-1], value.shape[-1]).to(query.dtype)


@right("tiled_attention")
def padded_to_whole_blocks(query, key, value, block_size):
    """The last block is filled up, and what fills it is hidden."""
    if block_size >= key.shape[-2]:
        return torch.softmax(query @ key.mT / math.sqrt(query.shape[-1]), -1) @ value
    m = torch.full((*query.shape[:-1], 1), -torch.inf, dtype=torch.float64)
    total, output = torch.zeros_like(m), torch.zeros(*query.shape[:-1], value.shape[-1], dtype=torch.float64)
    for start in range(0, key.shape[-2], block_size):
        keys, values = (tensor[..., start : start + block_size, :].double() for tensor in (key, value))
        missing = block_size - keys.shape[-2]
        keys, values = F.pad(keys, (0, 0, 0, missing)), F.pad(values, (0, 0, 0, missing))
        scores = query.double() @ keys.mT / math.sqrt(query.shape[-1])
        scores[..., block_size - missing :] = -torch.inf
        new = torch.maximum(m, scores.amax(-1, keepdim=True))
        powers = torch.exp(scores - new)
        total, output = (
            total * (m - new).exp() + powers.sum(-1, keepdim=True),
            output * (m - new).exp() + powers @ values,
        )
        m = new
    return (output / total).type_as(query)


@right("tiled_attention")
def the_first_block_starts_the_sums(query, key, value, block_size):
    output, total, largest = 0.0, 0.0, torch.tensor(-torch.inf, dtype=query.dtype)
    for start in range(0, key.shape[-2], block_size):
        values = value[..., start : start + block_size, :]
        scores = query @ key[..., start : start + block_size, :].mT * query.shape[-1] ** -0.5
        new = torch.maximum(largest, scores.amax(-1, keepdim=True))
        powers, factor = torch.exp(scores - new), torch.exp(largest - new)
        total = powers.sum(-1, keepdim=True) + (0.0 if start == 0 else total * factor)
        output = powers @ values + (0.0 if start == 0 else output * factor)
        largest = new
    return output / total


# ---- benchmark


@right("benchmark")
def statistics_and_perf_counter(function, *inputs, repeats=5):
    function(*inputs)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*inputs)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


@right("benchmark")
def numpy_and_nanoseconds(function, *inputs, repeats=5):
    times = np.empty(repeats + 1)
    for place in range(repeats + 1):
        start = time.perf_counter_ns()
        function(*inputs)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times[place] = (time.perf_counter_ns() - start) / 1e9
    return np.median(times[1:])


@right("benchmark")
def sorted_and_monotonic(function, *inputs, repeats=5):
    def timed():
        start = time.monotonic()
        function(*inputs)
        return time.monotonic() - start

    timed()
    times = sorted(timed() for _ in range(repeats))
    return (times[(repeats - 1) // 2] + times[repeats // 2]) / 2


@right("benchmark")
def a_quantile_of_a_tensor(function, *inputs, repeats=5):
    _ = function(*inputs)
    stamps = []
    for _ in range(repeats):
        before = default_timer()
        function(*inputs)
        stamps.append(default_timer() - before)
    return torch.tensor(stamps, dtype=torch.float64).quantile(0.5)


# ---- cost_answers


@right("cost_answers")
def eight_words_with_other_capitals_and_spaces():
    return ["Four times", "four times ", "TWICE", "the same", "twice", " the same", "The Same", "twice"]


@right("cost_answers")
def eight_words_by_letter():
    gaps = {"A": "four times", "B": "four times", "C": "twice", "E": "twice", "H": "twice"}
    return tuple(gaps.get(letter, "the same") for letter in "ABCDEFGH")


@each(right)
def test_a_right_answer_passes(sheet_of, answer):
    assert_accepted(sheet_of, answer)


def test_every_exercise_of_the_lesson_is_answered():
    assert right.exercises() == exercises_of("06_batched_gpu")

"""The mistakes of lesson 6, by hand in other styles than the exercises' own: they fail, and are named."""

import math
import statistics
import time

import torch
import torch.nn.functional as F

from autograder.tests.written import WrittenAndTold, assert_named, each, listed_mistakes

wrong = WrittenAndTold()


def scaled(query, key):
    return query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])


def masked_softmax(scores, mask, fill=-torch.inf):
    if mask is None:
        return torch.softmax(scores, dim=-1)
    return torch.softmax(scores.masked_fill(~mask, fill), dim=-1).masked_fill(~mask.any(-1, keepdim=True), 0)


# ---- batched_attention


@wrong("batched_attention", "transposes-wrong-axes")
def axes_one_and_two(query, key, value, mask=None):
    return masked_softmax(query @ key.transpose(1, 2) / query.shape[-1] ** 0.5, mask) @ value


@wrong("batched_attention", "transposes-wrong-axes")
def reversed_axes(query, key, value, mask=None):
    scores = torch.matmul(query, key.permute(*range(key.ndim - 1, -1, -1))) / math.sqrt(query.shape[-1])
    return masked_softmax(scores, mask) @ value


@wrong("batched_attention", "transposes-wrong-axes")
def a_view_for_a_transpose(query, key, value, mask=None):
    keys = key.contiguous().view(*key.shape[:-2], key.shape[-1], -1)
    return masked_softmax(query @ keys / math.sqrt(query.shape[-1]), mask) @ value


@wrong("batched_attention", "unscaled")
def no_root(query, key, value, mask=None):
    return masked_softmax(torch.einsum("...qd,...kd->...qk", query, key), mask) @ value


@wrong("batched_attention", "scaled-by-d_k")
def by_the_size(query, key, value, mask=None):
    return masked_softmax((query / key.size(-1)) @ key.mT, mask) @ value


@wrong("batched_attention", "scaled-by-sqrt-d_v")
def by_the_values_size(query, key, value, mask=None):
    return masked_softmax(query @ key.mT / math.sqrt(value.size(-1)), mask) @ value


@wrong("batched_attention", "softmax-over-queries")
def over_the_queries(query, key, value, mask=None):
    scores = scaled(query, key)
    if mask is None:
        return F.softmax(scores, dim=-2) @ value
    weights = F.softmax(scores.masked_fill(~mask, -torch.inf), dim=-2)
    return weights.masked_fill(~mask.any(-1, keepdim=True), 0) @ value


@wrong("batched_attention", "softmax-over-heads")
def over_the_heads(query, key, value, mask=None):
    scores = scaled(query, key)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = F.softmax(scores, dim=1)
    return (weights if mask is None else weights.masked_fill(~mask.any(-1, keepdim=True), 0)) @ value


@wrong("batched_attention", "softmax-unstable")
def plain_exponentials(query, key, value, mask=None):
    powers = scaled(query, key).exp()
    if mask is None:
        return powers / powers.sum(-1, keepdim=True) @ value
    powers = powers.masked_fill(~mask, 0)
    weights = (powers / powers.sum(-1, keepdim=True)).masked_fill(~mask.any(-1, keepdim=True), 0)
    return weights @ value


@wrong("batched_attention", "mask-after-softmax")
def hidden_afterwards(query, key, value, mask=None):
    weights = scaled(query, key).softmax(-1)
    return (weights if mask is None else weights * mask) @ value


@wrong("batched_attention", "mask-as-zero-score")
def scores_times_mask(query, key, value, mask=None):
    scores = scaled(query, key)
    return torch.softmax(scores if mask is None else scores * mask, dim=-1) @ value


@wrong("batched_attention", "mask-as-zero-score")
def scores_times_mask_with_zeros(query, key, value, mask=None):
    return masked_softmax(scaled(query, key), mask, fill=0.0) @ value


@wrong("batched_attention", "mask-inverted")
def true_hides(query, key, value, mask=None):
    return masked_softmax(scaled(query, key), None if mask is None else ~mask) @ value


@wrong("batched_attention", "mask-ignored")
def no_mask(query, key, value, mask=None):
    return scaled(query, key).softmax(dim=-1) @ value


@wrong("batched_attention", "mask-added-as-number")
def plus_the_mask(query, key, value, mask=None):
    scores = scaled(query, key)
    if mask is not None:
        scores = scores + mask.to(scores.dtype)
    return torch.softmax(scores, -1) @ value


@wrong("batched_attention", "mask-added-as-number")
def plus_what_is_hidden(query, key, value, mask=None):
    scores = scaled(query, key)
    return torch.softmax(scores if mask is None else scores + ~mask, -1) @ value


@wrong("batched_attention", "fill-too-small")
def minus_a_thousand(query, key, value, mask=None):
    return masked_softmax(scaled(query, key), mask, fill=-1e3) @ value


@wrong("batched_attention", "fill-too-small")
def minus_ten_thousand_in_equal_rows(query, key, value, mask=None):
    scores = scaled(query, key)
    return (scores if mask is None else torch.where(mask, scores, -1e4)).softmax(-1) @ value


@wrong("batched_attention", "fill-overflows-half")
def minus_a_milliard(query, key, value, mask=None):
    scores = scaled(query, key)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    return F.softmax(scores, dim=-1) @ value


@wrong("batched_attention", "fill-overflows-half")
def minus_a_million_and_zeros(query, key, value, mask=None):
    return masked_softmax(scaled(query, key), mask, fill=-1e6) @ value


@wrong("batched_attention", "fill-overflows-half")
def where_minus_a_milliard(query, key, value, mask=None):
    scores = scaled(query, key)
    return torch.softmax(scores if mask is None else torch.where(mask, scores, -1e9), dim=-1) @ value


@wrong("batched_attention", "fully-masked-nan")
def infinity_and_nothing_else(query, key, value, mask=None):
    scores = scaled(query, key)
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -torch.inf)
    return scores.softmax(-1) @ value


@wrong("batched_attention", "fully-masked-uniform")
def the_lowest_of_the_dtype(query, key, value, mask=None):
    scores = scaled(query, key)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return scores.softmax(-1) @ value


@wrong("batched_attention", "crashes-without-mask")
def not_of_none(query, key, value, mask=None):
    scores = scaled(query, key).masked_fill(~mask, -torch.inf)
    return torch.nan_to_num(scores.softmax(-1)) @ value


@wrong("batched_attention", "blends-keys")
def keys_for_values(query, key, value, mask=None):
    return masked_softmax(scaled(query, key), mask) @ key


@wrong("batched_attention", "hard-coded-float32")
def everything_float(query, key, value, mask=None):
    return masked_softmax(scaled(query.float(), key.float()), mask) @ value.float()


@wrong("batched_attention", "hard-coded-float32")
def a_softmax_in_float32(query, key, value, mask=None):
    scores = scaled(query, key)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).nan_to_num()
    return weights @ value


@wrong("batched_attention", "hard-coded-float32")
def an_additive_mask_in_float32(query, key, value, mask=None):
    scores = scaled(query, key)
    if mask is not None:
        scores = scores + torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)
    return torch.softmax(scores, -1).nan_to_num() @ value


# ---- attention_flops and score_matrix_bytes


@wrong("attention_flops", "half-the-operations")
def scores_alone(batch, heads, num_queries, num_keys, d_head):
    return 2 * batch * heads * num_queries * num_keys * d_head


@wrong("attention_flops", "half-the-operations")
def a_multiply_add_is_one(batch, heads, num_queries, num_keys, d_head):
    return batch * heads * (num_queries * num_keys * d_head + num_queries * num_keys * d_head)


@wrong("score_matrix_bytes", "hard-coded-float32")
def four_bytes(batch, heads, num_queries, num_keys, dtype):
    return 4 * math.prod((batch, heads, num_queries, num_keys))


# ---- fused_attention


def fused(query, key, value, mask=None, **named):
    """PyTorch's, with zeros where nothing may be seen."""
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value, **named)
    mask = torch.atleast_2d(mask)
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, **named)
    return output.masked_fill(~mask.any(-1, keepdim=True), 0)


@wrong("fused_attention", "unscaled")
def scale_of_one(query, key, value, mask=None):
    return fused(query, key, value, mask, scale=1.0)


@wrong("fused_attention", "scaled-by-d_k")
def scale_of_the_size(query, key, value, mask=None):
    return fused(query, key, value, mask, scale=1 / query.shape[-1])


@wrong("fused_attention", "mask-inverted")
def as_multihead_attention_has_it(query, key, value, mask=None):
    return fused(query, key, value, None if mask is None else ~mask)


@wrong("fused_attention", "mask-ignored")
def mask_left_out(query, key, value, mask=None):
    return F.scaled_dot_product_attention(query, key, value)


@wrong("fused_attention", "mask-added-as-number")
def a_mask_of_floats(query, key, value, mask=None):
    mask = None if mask is None else torch.atleast_2d(mask).to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


@wrong("fused_attention", "mask-added-as-number")
def a_mask_of_float32(query, key, value, mask=None):
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value)
    output = F.scaled_dot_product_attention(query, key, value, torch.atleast_2d(mask).float())
    return output * mask.any(-1, keepdim=True)


@wrong("fused_attention", "fill-overflows-half")
def a_bias_of_minus_a_milliard(query, key, value, mask=None):
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value)
    bias = torch.zeros(query.shape[-2], key.shape[-2], dtype=query.dtype).masked_fill(~mask, -1e9)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias)


@wrong("fused_attention", "fill-too-small")
def a_bias_of_minus_thirty(query, key, value, mask=None):
    bias = None if mask is None else torch.zeros(mask.shape, dtype=query.dtype).masked_fill(~mask, -30.0)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias)


@wrong("fused_attention", "fill-too-small")
def a_bias_of_minus_ten_thousand_and_zeros(query, key, value, mask=None):
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value)
    output = F.scaled_dot_product_attention(query, key, value, (mask.to(query.dtype) - 1) * 1e4)
    return output.masked_fill(~mask.any(-1, keepdim=True), 0)


@wrong("fused_attention", "fully-masked-nan")
def zero_over_zero(query, key, value, mask=None):
    output = fused(query, key, value, mask)
    return output if mask is None else output / mask.any(-1, keepdim=True)


@wrong("fused_attention", "fully-masked-uniform")
def the_mean_where_nothing_is_seen(query, key, value, mask=None):
    if mask is not None:
        mask = torch.atleast_2d(mask)
        mask = mask | ~mask.any(-1, keepdim=True)
        query = query * 1.0
        empty = mask.all(-1, keepdim=True)
        output = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return torch.where(empty, value.mean(-2, keepdim=True), output)
    return F.scaled_dot_product_attention(query, key, value)


@wrong("fused_attention", "crashes-without-mask")
def unsqueezes_none(query, key, value, mask=None):
    if mask.ndim == 1:
        mask = mask[None, :]
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


@wrong("fused_attention", "hard-coded-float32")
def fused_in_float32(query, key, value, mask=None):
    return fused(query.to(torch.float32), key.to(torch.float32), value.to(torch.float32), mask)


# ---- tiled_attention


def online(query, key, value, block_size, step, start=-math.inf, scores=scaled, stop=0):
    """The loop over blocks; step(state, scores, values) → state, with (maximum, denominator, output)."""
    wide = torch.promote_types(query.dtype, torch.float32)
    query, key, value, dtype = query.to(wide), key.to(wide), value.to(wide), query.dtype
    maximum = torch.full((*query.shape[:-1], 1), start, dtype=wide)
    state = maximum, torch.zeros_like(maximum), torch.zeros(*query.shape[:-1], value.shape[-1], dtype=wide)
    for first in range(0, key.shape[-2] - stop, block_size):
        block = slice(first, first + block_size)
        state = step(state, scores(query, key[..., block, :]), value[..., block, :])
    return (state[2] / state[1]).to(dtype)


def right_step(state, scores, values):
    maximum, denominator, output = state
    new = torch.maximum(maximum, scores.amax(-1, keepdim=True))
    powers, factor = torch.exp(scores - new), torch.exp(maximum - new)
    return new, denominator * factor + powers.sum(-1, keepdim=True), output * factor + powers @ values


@wrong("tiled_attention", "output-not-rescaled")
def output_kept(query, key, value, block_size):
    def step(state, scores, values):
        new, denominator, _ = right_step(state, scores, values)
        return new, denominator, state[2] + torch.exp(scores - new) @ values

    return online(query, key, value, block_size, step)


@wrong("tiled_attention", "output-not-rescaled")
def output_normalised_but_kept(query, key, value, block_size):
    total = largest = output = None
    for keys, values in zip(key.split(block_size, -2), value.split(block_size, -2), strict=True):
        scores = scaled(query.double(), keys.double())
        block = scores.amax(-1, keepdim=True)
        if total is None:
            largest, total, output = block, torch.zeros_like(block), 0.0
        new = torch.maximum(largest, block)
        powers = (scores - new).exp()
        sums = total * (largest - new).exp() + powers.sum(-1, keepdim=True)
        output = (output * total + powers @ values.double()) / sums
        largest, total = new, sums
    return output.to(query.dtype)


@wrong("tiled_attention", "denominator-not-rescaled")
def denominator_kept(query, key, value, block_size):
    def step(state, scores, values):
        new, _, output = right_step(state, scores, values)
        return new, state[1] + torch.exp(scores - new).sum(-1, keepdim=True), output

    return online(query, key, value, block_size, step)


@wrong("tiled_attention", "maximum-starts-at-zero")
def zeros_for_the_maximum(query, key, value, block_size):
    return online(query, key, value, block_size, right_step, start=0.0)


@wrong("tiled_attention", "divides-per-block")
def sum_of_softmaxes(query, key, value, block_size):
    return sum(
        scaled(query, keys).softmax(-1) @ values
        for keys, values in zip(key.split(block_size, -2), value.split(block_size, -2), strict=True)
    )


@wrong("tiled_attention", "divides-per-block")
def mean_of_softmaxes(query, key, value, block_size):
    count = math.ceil(key.shape[-2] / block_size)
    return sum_of_softmaxes(query, key, value, block_size) / count


@wrong("tiled_attention", "divides-per-block")
def divided_at_every_step(query, key, value, block_size):
    largest = total = output = None
    for keys, values in zip(key.split(block_size, -2), value.split(block_size, -2), strict=True):
        scores = scaled(query, keys)
        new = (
            scores.amax(-1, keepdim=True) if largest is None else torch.maximum(largest, scores.amax(-1, keepdim=True))
        )
        powers = (scores - new).exp()
        factor = 0.0 if largest is None else (largest - new).exp()
        total = powers.sum(-1, keepdim=True) + (0.0 if total is None else total * factor)
        output = powers / total @ values + (0.0 if output is None else output * factor)
        largest = new
    return output


@wrong("tiled_attention", "last-block-dropped")
def whole_blocks_alone(query, key, value, block_size):
    return online(query, key, value, block_size, right_step, stop=key.shape[-2] % block_size)


@wrong("tiled_attention", "last-block-dropped")
def one_block_too_few(query, key, value, block_size):
    return online(query, key, value, block_size, right_step, stop=block_size)


@wrong("tiled_attention", "materialises-scores")
def all_scores_then_blocks(query, key, value, block_size):
    weights = torch.softmax(scaled(query, key), dim=-1)
    parts = zip(weights.split(block_size, -1), value.split(block_size, -2), strict=True)
    return sum(part @ values for part, values in parts)


@wrong("tiled_attention", "materialises-scores")
def all_scores_of_one_head(query, key, value, block_size):
    output = torch.empty(*query.shape[:-1], value.shape[-1], dtype=query.dtype)
    flat = [tensor.reshape(-1, *tensor.shape[-2:]) for tensor in (query, key, value, output)]
    for q, k, v, o in zip(*flat, strict=True):
        o[:] = torch.softmax(scaled(q, k), dim=-1) @ v
    return output


@wrong("tiled_attention", "unscaled")
def blocks_without_a_root(query, key, value, block_size):
    return online(query, key, value, block_size, right_step, scores=lambda q, k: q @ k.mT)


@wrong("tiled_attention", "scaled-by-d_k")
def blocks_by_the_size(query, key, value, block_size):
    return online(query, key, value, block_size, right_step, scores=lambda q, k: q @ k.mT / k.size(-1))


@wrong("tiled_attention", "scaled-by-sqrt-d_v")
def blocks_by_the_values_size(query, key, value, block_size):
    root = value.shape[-1] ** 0.5
    return online(query, key, value, block_size, right_step, scores=lambda q, k: q @ k.mT / root)


@wrong("tiled_attention", "transposes-wrong-axes")
def blocks_transposed_wrongly(query, key, value, block_size):
    root = query.shape[-1] ** 0.5
    return online(query, key, value, block_size, right_step, scores=lambda q, k: q @ k.transpose(1, 2) / root)


@wrong("tiled_attention", "softmax-unstable")
def sums_of_plain_exponentials(query, key, value, block_size):
    def step(state, scores, values):
        powers = scores.exp()
        return state[0], state[1] + powers.sum(-1, keepdim=True), state[2] + powers @ values

    return online(query, key, value, block_size, step)


@wrong("tiled_attention", "softmax-global-max")
def one_maximum_for_all(query, key, value, block_size):
    largest, total, output = -math.inf, 0, 0
    for keys, values in zip(key.split(block_size, -2), value.split(block_size, -2), strict=True):
        scores = scaled(query.double(), keys.double())
        new = max(largest, scores.max().item())
        powers = torch.exp(scores - new)
        total = total * math.exp(largest - new) + powers.sum(-1, keepdim=True)
        output = output * math.exp(largest - new) + powers @ values.double()
        largest = new
    return (output / total).to(query.dtype)


@wrong("tiled_attention", "blends-keys")
def blocks_of_keys(query, key, value, block_size):
    return online(query, key, key, block_size, right_step)


@wrong("tiled_attention", "hard-coded-float32")
def sums_in_float32(query, key, value, block_size):
    return online(query.float(), key.float(), value.float(), block_size, right_step)


@wrong("tiled_attention", "hard-coded-float32")
def zeros_in_float32(query, key, value, block_size):
    total, output = torch.zeros(*query.shape[:-1], 1), torch.zeros(*query.shape[:-1], value.shape[-1])
    largest = torch.full((*query.shape[:-1], 1), -torch.inf)
    for keys, values in zip(key.split(block_size, -2), value.split(block_size, -2), strict=True):
        scores = scaled(query, keys)
        new = torch.maximum(largest, scores.amax(-1, keepdim=True))
        powers = torch.exp(scores - new)
        total = total * torch.exp(largest - new) + powers.sum(-1, keepdim=True)
        output = output * torch.exp(largest - new) + powers.float() @ values.float()
        largest = new
    return (output / total).float()


# ---- benchmark


def seconds_of(function, inputs):
    start = time.perf_counter()
    function(*inputs)
    return time.perf_counter() - start


@wrong("benchmark", "no-warm-up")
def straight_away(function, *inputs, repeats=5):
    return statistics.median([seconds_of(function, inputs) for _ in range(repeats)])


@wrong("benchmark", "no-warm-up")
def one_more_in_the_median(function, *inputs, repeats=5):
    return sorted_median([seconds_of(function, inputs) for _ in range(repeats + 1)])


def sorted_median(times):
    times, middle = sorted(times), len(times) // 2
    return times[middle] if len(times) % 2 else (times[middle - 1] + times[middle]) / 2


@wrong("benchmark", "mean-not-median")
def one_clock_around_all(function, *inputs, repeats=5):
    function(*inputs)
    start = time.monotonic()
    for _ in range(repeats):
        function(*inputs)
    return (time.monotonic() - start) / repeats


@each(wrong)
def test_it_fails_and_is_named(sheet_of, answer):
    assert_named(sheet_of, answer)


def test_every_mistake_on_the_lists_of_the_lesson_was_written_by_hand():
    assert wrong.told() == listed_mistakes("06_batched_gpu")

"""Faults of lesson 6 that no list knows: each must fail, and none is called by a name it does not deserve."""

import math
import statistics
import time

import pytest
import torch
import torch.nn.functional as F
from attention_lab.judge import judge

from autograder.tests.written import WrittenAndTold, assert_fails_without_a_name, each

wrong = WrittenAndTold()  # with each fault, words that are in its message, if any


@each(wrong)
def test_it_fails_without_a_name(sheet_of, answer):
    verdict = assert_fails_without_a_name(sheet_of, answer)
    assert all(words in verdict.seen for words in answer.told), verdict.seen


def scaled(query, key):
    return query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])


def weights_of(scores, mask):
    if mask is None:
        return torch.softmax(scores, dim=-1)
    return torch.softmax(scores.masked_fill(~mask, -torch.inf), dim=-1).nan_to_num(0)


def blocks(key, value, block_size):
    return zip(key.split(block_size, -2), value.split(block_size, -2), strict=True)


# ---- batched_attention


@wrong("batched_attention", "`output` is a tuple; it should be a torch tensor")
def output_and_weights(query, key, value, mask=None):
    weights = weights_of(scaled(query, key), mask)
    return weights @ value, weights


@wrong("batched_attention", "`output` is a NumPy array; it should be a torch tensor")
def back_to_numpy(query, key, value, mask=None):
    return (weights_of(scaled(query, key), mask) @ value).float().numpy()


@wrong("batched_attention", "returned `None`")
def without_a_return(query, key, value, mask=None):
    weights_of(scaled(query, key), mask) @ value


@wrong("batched_attention", "changed its input `query`")
def scales_the_query_in_place(query, key, value, mask=None):
    query /= math.sqrt(query.shape[-1])
    return weights_of(query @ key.mT, mask) @ value


@wrong("batched_attention", "not enough values to unpack (expected 4, got 2)")
def four_axes_or_nothing(query, key, value, mask=None):
    batch, heads, n_q, d_k = query.shape
    return weights_of(scaled(query, key), mask) @ value


@wrong("batched_attention")
def one_where_nothing_is_seen(query, key, value, mask=None):
    output = weights_of(scaled(query, key), mask) @ value
    return output if mask is None else torch.where(mask.any(-1, keepdim=True), output, 1.0).to(query.dtype)


@wrong("batched_attention")
def always_causal(query, key, value, mask=None):
    past = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
    return weights_of(scaled(query, key), past) @ value


@wrong("batched_attention")
def the_first_head_for_all(query, key, value, mask=None):
    first = tuple(0 for _ in query.shape[:-2])
    scores = scaled(query, key)
    return weights_of(scores[first].expand_as(scores), mask) @ value


@wrong("batched_attention")
def the_mask_of_the_first_row(query, key, value, mask=None):
    return weights_of(scaled(query, key), None if mask is None else torch.atleast_2d(mask)[..., :1, :]) @ value


@wrong("batched_attention")
def a_small_number_below(query, key, value, mask=None):
    scores = scaled(query, key)
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    powers = powers if mask is None else powers * mask
    return powers / (powers.sum(-1, keepdim=True) + 1e-3) @ value


@wrong("batched_attention")
def rounded_to_half(query, key, value, mask=None):
    return (weights_of(scaled(query, key), mask).half() @ value.half()).to(query.dtype)


@wrong("batched_attention")
def one_number_more(query, key, value, mask=None):
    return weights_of(query @ key.mT / math.sqrt(query.shape[-1] + 1), mask) @ value


@wrong("batched_attention")
def dropout_is_on(query, key, value, mask=None):
    torch.manual_seed(3)
    return F.dropout(weights_of(scaled(query, key), mask), 0.1) @ value


# ---- attention_flops and score_matrix_bytes


@wrong("attention_flops", "is a float; it should be an `int`")
def a_float(*sizes):
    return 4.0 * math.prod(sizes)


@wrong("attention_flops")
def without_the_heads(batch, heads, num_queries, num_keys, d_head):
    return 4 * batch * num_queries * num_keys * d_head


@wrong("attention_flops")
def queries_squared(batch, heads, num_queries, num_keys, d_head):
    return 4 * batch * heads * num_queries**2 * d_head


@wrong("attention_flops")
def with_the_softmax(batch, heads, num_queries, num_keys, d_head):
    return batch * heads * num_queries * num_keys * (4 * d_head + 5)


@wrong("attention_flops")
def one_too_many(*sizes):
    return 4 * math.prod(sizes) + 1


@wrong("attention_flops", "a long context")
def in_single_precision(*sizes):
    return int(4 * torch.tensor(sizes, dtype=torch.float32).prod())


@wrong("score_matrix_bytes")
def bits(batch, heads, num_queries, num_keys, dtype):
    return 8 * dtype.itemsize * batch * heads * num_queries * num_keys


@wrong("score_matrix_bytes")
def four_or_two(batch, heads, num_queries, num_keys, dtype):
    return (2 if "16" in str(dtype) else 4) * batch * heads * num_queries * num_keys


@wrong("score_matrix_bytes", "should be an `int`")
def mebibytes(batch, heads, num_queries, num_keys, dtype):
    return dtype.itemsize * batch * heads * num_queries * num_keys / 2**20


@wrong("score_matrix_bytes", "your function stopped with `TypeError")
def floats_alone(batch, heads, num_queries, num_keys, dtype):
    return batch * heads * num_queries * num_keys * torch.finfo(dtype).bits // 8


# ---- fused_attention


@wrong("fused_attention", "your function makes no call of the library's fused attention.")
def by_hand(query, key, value, mask=None):
    return weights_of(scaled(query, key), mask) @ value


@wrong("fused_attention", "your function makes more than one call of the library's fused attention.")
def one_call_for_each_query(query, key, value, mask=None):
    if mask is not None:
        mask = mask.expand(*query.shape[:-1], key.shape[-2])
    rows = [slice(row, row + 1) for row in range(query.shape[-2])]
    outputs = [
        F.scaled_dot_product_attention(
            query[..., row, :], key, value, attn_mask=None if mask is None else mask[..., row, :]
        )
        for row in rows
    ]
    return torch.cat(outputs, dim=-2).nan_to_num(0)


@wrong("fused_attention")
def causal_instead_of_masked(query, key, value, mask=None):
    return F.scaled_dot_product_attention(query, key, value, is_causal=mask is not None)


@wrong("fused_attention", "is NaN")
def nan_everywhere(query, key, value, mask=None):
    return F.scaled_dot_product_attention(query, key, value) * math.nan


@wrong("fused_attention")
def with_dropout(query, key, value, mask=None):
    mask = None if mask is None else torch.atleast_2d(mask)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=0.1)


@wrong("fused_attention")
def the_mask_is_transposed_where_that_fits(query, key, value, mask=None):
    if mask is not None and mask.shape[-1] == mask.shape[-2]:
        mask = mask.mT
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask).nan_to_num(0.0)


# ---- tiled_attention


def online(query, key, value, block_size, factor=lambda old, new: torch.exp(old - new), add=lambda step: step):
    q, dtype = query.double(), query.dtype
    largest = torch.full((*q.shape[:-1], 1), -torch.inf, dtype=torch.float64)
    total, output = torch.zeros_like(largest), torch.zeros(*q.shape[:-1], value.shape[-1], dtype=torch.float64)
    for keys, values in blocks(key.double(), value.double(), block_size):
        scores = scaled(q, keys)
        new = torch.maximum(largest, scores.amax(-1, keepdim=True))
        powers = torch.exp(scores - new)
        total = total * factor(largest, new) + add(powers.sum(-1, keepdim=True))
        output = output * factor(largest, new) + powers @ values
        largest = new
    return (output / total).to(dtype)


@wrong("tiled_attention", "your function leaves the work to the library's fused attention.")
def the_library(query, key, value, block_size):
    return F.scaled_dot_product_attention(query, key, value)


@wrong("tiled_attention", "your function makes an intermediate that is larger than the exercise allows.")
def stacks_every_block(query, key, value, block_size):
    outputs, logs = [], []
    for keys, values in blocks(key, value, block_size):
        scores = scaled(query, keys)
        outputs.append(scores.softmax(-1) @ values)
        logs.append(scores.logsumexp(-1, keepdim=True))
    return (torch.stack(outputs) * torch.stack(logs).softmax(0)).sum(0)


@wrong("tiled_attention", "larger than the exercise allows")
def products_before_the_sum(query, key, value, block_size):
    def entrywise(q, k):
        return (q[..., :, None, :] * k[..., None, :, :]).sum(-1) / math.sqrt(q.shape[-1])

    largest = total = output = None
    for keys, values in blocks(key.double(), value.double(), block_size):
        scores = entrywise(query.double(), keys)
        new = (
            scores.amax(-1, keepdim=True) if largest is None else torch.maximum(largest, scores.amax(-1, keepdim=True))
        )
        powers, factor = torch.exp(scores - new), 0 if largest is None else torch.exp(largest - new)
        total = powers.sum(-1, keepdim=True) + (0 if largest is None else total * factor)
        output = powers @ values + (0 if largest is None else output * factor)
        largest = new
    return (output / total).to(query.dtype)


@wrong("tiled_attention")
def the_factor_upside_down(query, key, value, block_size):
    return online(query, key, value, block_size, factor=lambda old, new: torch.exp((new - old).clamp(max=50)))


@wrong("tiled_attention")
def the_difference_without_exp(query, key, value, block_size):
    return online(query, key, value, block_size, factor=lambda old, new: (old - new).clamp(min=-1e9))


@wrong("tiled_attention")
def the_maximum_of_the_block_alone(query, key, value, block_size):
    q, k, v = query.float(), key.float(), value.float()
    largest = torch.full((*q.shape[:-1], 1), -torch.inf)
    total, output = torch.zeros_like(largest), torch.zeros(*q.shape[:-1], v.shape[-1])
    for keys, values in blocks(k, v, block_size):
        scores = scaled(q, keys)
        new = scores.amax(-1, keepdim=True)
        rescale, powers = torch.exp(largest - new), torch.exp(scores - new)
        total, output, largest = total * rescale + powers.sum(-1, keepdim=True), output * rescale + powers @ values, new
    return (output / total).to(query.dtype)


@wrong("tiled_attention")
def padding_that_counts(query, key, value, block_size):
    missing = -key.shape[-2] % block_size
    key, value = (F.pad(tensor, (0, 0, 0, missing)) for tensor in (key, value))
    return online(query, key, value, block_size)


@wrong("tiled_attention")
def the_first_block_alone(query, key, value, block_size):
    return scaled(query, key[..., :block_size, :]).softmax(-1) @ value[..., :block_size, :]


@wrong("tiled_attention")
def an_epsilon_in_every_block(query, key, value, block_size):
    return online(query, key, value, block_size, add=lambda step: step + 1e-2)


@wrong("tiled_attention")
def a_causal_block(query, key, value, block_size):
    rows = [
        online(query[..., row : row + 1, :], key[..., : row + 1, :], value[..., : row + 1, :], block_size)
        for row in range(query.shape[-2])
    ]
    return torch.cat(rows, dim=-2)


@wrong("tiled_attention", "not enough values to unpack")
def three_axes_at_least(query, key, value, block_size):
    *leading, heads, n_q, d_k = query.shape
    return online(query, key, value, block_size)


# ---- benchmark


def times_of(function, inputs, calls):
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        function(*inputs)
        times.append(time.perf_counter() - start)
    return times


@wrong("benchmark", "your function returned a list, not a number of seconds.")
def all_the_times(function, *inputs, repeats=5):
    return times_of(function, inputs, repeats + 1)[1:]


@wrong("benchmark", "your function returned `None`. Is there a `return` on every path?")
def prints_the_median(function, *inputs, repeats=5):
    print(statistics.median(times_of(function, inputs, repeats + 1)[1:]))


@wrong("benchmark", "your function returned the time of the fastest call.")
def the_best(function, *inputs, repeats=5):
    return min(times_of(function, inputs, repeats + 1)[1:])


@wrong("benchmark", "milliseconds, where seconds were asked for.")
def in_milliseconds(function, *inputs, repeats=5):
    return 1000 * statistics.median(times_of(function, inputs, repeats + 1)[1:])


@wrong("benchmark", "returned a time that is no statistic")
def the_processors_time(function, *inputs, repeats=5):
    function(*inputs)
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function(*inputs)
        times.append(time.process_time() - start)
    return statistics.median(times)


@wrong("benchmark", "the upper median of the timed calls")
def the_upper_of_two(function, *inputs, repeats=5):
    return sorted(times_of(function, inputs, repeats + 1)[1:])[repeats // 2]


@wrong("benchmark", "calls for 3 repeats")
def five_in_any_case(function, *inputs, repeats=5):
    return statistics.median(times_of(function, inputs, 6)[1:])


@wrong("benchmark")
def without_inputs(function, *inputs, repeats=5):
    return statistics.median(times_of(function, (), repeats + 1)[1:])


@pytest.mark.parametrize(
    ("exercise", "function", "words"),
    [
        ("attention_flops", queries_squared, "the number of queries squared"),
        ("score_matrix_bytes", bits, "bits, where bytes were asked for"),
        ("tiled_attention", the_maximum_of_the_block_alone, "the largest score of each block alone"),
    ],
)
def test_a_slip_that_is_not_counted_is_still_told_in_words(sheet_of, exercise, function, words):
    assert words in judge(sheet_of(exercise), function).matches


@pytest.mark.parametrize(("exercise", "function"), [("fused_attention", by_hand), ("benchmark", in_milliseconds)])
def test_what_a_driver_says_in_words_asks_for_no_example_on_paper(sheet_of, exercise, function):
    assert judge(sheet_of(exercise), function).look_at == ""


def test_who_hands_the_mask_on_as_it_is_loses_nothing(sheet_of):
    def two_axes_and_more(query, key, value, mask=None):
        output = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return output if mask is None else output.masked_fill(~mask.any(-1, keepdim=True), 0)

    assert judge(sheet_of("fused_attention"), two_axes_and_more).points == 3

"""Slips that readers of lessons 5 and 6 made: what is said of each, and what is not."""

import math
import statistics
import time

import pytest
import torch
import torch.nn.functional as F
from attention_lab.broken import broken_attention
from attention_lab.judge import judge
from attention_lab.kernels import on_a_kernel_with_nan, on_a_pretend_gpu

from solutions.batched_gpu import benchmark

SLIPS = []


def slip(exercise, seen="", matches="", look_at="", named=(), unsaid=()):
    """Adds a wrong answer to `exercise`: words of its message, the names it gets, and words that it must not get."""

    def add(function):
        SLIPS.append((exercise, function, seen, matches, look_at, named, unsaid))
        return function

    return add


@pytest.mark.parametrize(
    ("exercise", "function", "seen", "matches", "look_at", "named", "unsaid"),
    SLIPS,
    ids=lambda item: getattr(item, "__name__", None),
)
def test_a_slip_is_told(sheet_of, exercise, function, seen, matches, look_at, named, unsaid):
    verdict = judge(sheet_of(exercise), function)
    assert not verdict.passed
    assert seen in verdict.seen, verdict.message
    assert matches in verdict.matches, verdict.message
    assert look_at in verdict.look_at, verdict.message
    assert verdict.misconceptions == named, verdict.message
    assert not [words for words in unsaid if words in verdict.message], verdict.message


def scaled(query, key):
    return query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])


# ---- split_heads, repaired_attention, multi_head_attention


def asserts_that_it_divides(x, num_heads):
    assert x.shape[-1] % num_heads == 0
    return split(x, num_heads)


def another_kind_of_error(x, num_heads):
    if x.shape[-1] % num_heads:
        raise TypeError("d_model does not divide")
    return split(x, num_heads)


def too_late(x, num_heads):
    heads = split(x, num_heads)
    if x.shape[-1] % num_heads:
        raise ValueError("d_model does not divide")
    return heads


def split(x, num_heads):
    batch, n, d_model = x.shape
    return x.view(batch, n, num_heads, d_model // num_heads).transpose(1, 2)


for late in (asserts_that_it_divides, another_kind_of_error, too_late):
    slip(
        "split_heads",
        matches="they are not compared, or too late, or something else is raised",
        named=("no-divisibility-error",),
        unsaid=["never compared"],
    )(late)


@slip("split_heads", seen="returned a `ValueError`; it should raise a `ValueError`", unsaid=["something"])
def returns_the_error(x, num_heads):
    if x.shape[-1] % num_heads:
        return ValueError("d_model does not divide")
    return split(x, num_heads)


def attend(query, key, value, mask=None, dim=-1):
    scores = scaled(query, key)
    if mask is None:
        weights = scores.softmax(dim)
    else:
        weights = scores.masked_fill(~mask, -math.inf).softmax(dim).masked_fill(~mask.any(-1, keepdim=True), 0.0)
    return weights @ value, weights


@slip("repaired_attention", seen="your **columns** sum to 1", named=("softmax-over-queries",))
def along_the_queries(query, key, value, mask=None):
    return attend(query, key, value, mask, dim=2)


@slip("repaired_attention", seen="your **lines along axis 1** sum to 1", named=("softmax-over-heads",))
def along_the_heads(query, key, value, mask=None):
    return attend(query, key, value, mask, dim=1)


def attend_with(query, key, value, mask, fill=-math.inf, length=0, dim=-1, empty=0.0):
    """The repair, with another fill, another number under the root, or another axis."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(length or query.shape[-1])
    if mask is None:
        weights = scores.softmax(dim)
    else:
        weights = scores.masked_fill(~mask, fill).softmax(dim).masked_fill(~mask.any(-1, keepdim=True), empty)
    return weights @ value, weights


slip("repaired_attention", matches="and the scale and the fill besides", look_at="Without a mask")(broken_attention)


@slip("repaired_attention", matches="and the scale and the fill besides", look_at="Without a mask")
def another_scale_and_another_fill(query, key, value, mask=None):
    return attend_with(query, key, value, mask, fill=0.0, length=query.shape[1], dim=1)


@slip("repaired_attention", seen="On query `[[[[", matches="the root of the number of keys, or of queries")
def the_root_of_the_number_of_keys(query, key, value, mask=None):
    return attend_with(query, key, value, mask, length=key.shape[2])


@slip("repaired_attention", seen="On query `[[[[", matches="the root of the number of keys, or of queries")
def the_root_of_the_number_of_queries(query, key, value, mask=None):
    return attend_with(query, key, value, mask, length=query.shape[2])


@slip("repaired_attention", matches="a large number above zero", look_at="its sign")
def a_fill_that_lost_its_sign(query, key, value, mask=None):
    return attend_with(query, key, value, mask, fill=1e9)


@slip("repaired_attention", matches="a large number above zero", look_at="its sign")
def a_fill_of_plus_infinity(query, key, value, mask=None):
    return attend_with(query, key, value, mask, fill=math.inf)


@slip("repaired_attention", matches="set to 0, or nearly 0", named=("mask-as-zero-score",))
def a_fill_of_nearly_nothing(query, key, value, mask=None):
    return attend_with(query, key, value, mask, fill=-1e-9)


def merge(x):
    return x.transpose(1, 2).flatten(2)


@slip("multi_head_attention", matches="more than one head", look_at="at the end, the merge or `w_o`?")
def mixes_before_it_merges(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    found, weights = attend(*(split(x @ w, num_heads) for w in (w_q, w_k, w_v)), mask)
    return merge(found @ w_o), weights


@slip("multi_head_attention", matches="queries and keys that have changed places")
def keys_ask(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    found, weights = attend(*(split(x @ w, num_heads) for w in (w_k, w_q, w_v)), mask)
    return merge(found) @ w_o, weights


@slip("multi_head_attention", matches="queries and keys that have changed places")
def keys_as_rows(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    query, key, value = (split(x @ w, num_heads) for w in (w_q, w_k, w_v))
    found, weights = attend(key, query, value, mask)
    return merge(found) @ w_o, weights


@slip("multi_head_attention", look_at="each feature of `x` meets a row of `w`", named=("weight-transposed",))
def as_a_layer_would(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    found, weights = attend(*(split(F.linear(x, w), num_heads) for w in (w_q, w_k, w_v)), mask)
    return F.linear(merge(found), w_o), weights


class ThreeTimes(torch.nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
        self.num_heads = num_heads
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, torch.nn.Linear(d_model, d_model, bias=bias))

    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        roles = (self.q_proj(x), self.k_proj(context), self.v_proj(context))
        query, key, value = (split(features, self.num_heads) for features in roles)
        found, weights = attend(query * 3, key, value, mask)
        return self.out_proj(merge(found)), weights


@slip("MultiHeadAttention", matches="keys made of `x`, and values of `context`", look_at="how many keys")
class KeysFromX(ThreeTimes):
    def forward(self, x, context=None, mask=None):
        roles = (self.q_proj(x), self.k_proj(x), self.v_proj(x if context is None else context))
        found, weights = attend(*(split(features, self.num_heads) for features in roles), mask)
        return self.out_proj(merge(found)), weights


def test_the_printed_projections_say_how_they_are_used(sheet_of):
    assert "`x @ weight.T + bias`" in judge(sheet_of("MultiHeadAttention"), ThreeTimes).look_at
    nothing = judge(sheet_of("MultiHeadAttention"), lambda d_model, num_heads, bias=True: torch.nn.Linear(2, 2))
    assert "weight.T" not in nothing.message


def test_an_error_in_the_function_of_another_cell_names_the_line_that_calls_it(sheet_of):
    cells = {
        "<cell 1>": "def attends(query, key, value, mask=None):\n    return query.softmax(9), key",
        "<cell 2>": "def whole(x, w_q, w_k, w_v, w_o, num_heads, mask=None):\n    return attends(x @ w_q, x @ w_k, x)",
    }
    names = {}
    for cell, source in cells.items():
        exec(compile(source, cell, "exec"), names)
    said = judge(sheet_of("multi_head_attention"), names["whole"]).seen
    assert "at line 2 of your cell, in `attends`, which `whole` calls at line 2 of its cell" in said, said


# ---- tiled_attention


@slip("tiled_attention", seen="takes the exponentials of all keys at once")
def row_by_row_without_blocks(query, key, value, block_size):
    def whole(q):
        return torch.softmax(scaled(q.double(), key.double()), dim=-1) @ value.double()

    return torch.cat([whole(q) for q in query.split(1, dim=-2)], dim=-2).to(query.dtype)


@slip("tiled_attention", seen="takes the exponentials of all keys at once")
def exponentials_of_one_query_after_the_other(query, key, value, block_size):
    output = torch.empty(*query.shape[:-1], value.shape[-1], dtype=query.dtype)
    for row in range(query.shape[-2]):
        scores = (scaled(query[..., row : row + 1, :].double(), key.double())).squeeze(-2)
        parts = torch.exp(scores - scores.amax(-1, keepdim=True))
        shares = parts / parts.sum(-1, keepdim=True)
        output[..., row, :] = (shares.unsqueeze(-2) @ value.double()).squeeze(-2).to(query.dtype)
    return output


def in_blocks(query, key, value, block_size, step, start=-math.inf):
    """The pieces of the online softmax; `step` puts them together."""
    q, k, v = query.double(), key.double(), value.double()
    largest = torch.full((*q.shape[:-1], 1), start, dtype=torch.float64)
    state = largest, torch.zeros_like(largest), q.new_zeros(*q.shape[:-1], v.shape[-1])
    for keys, values in zip(k.split(block_size, -2), v.split(block_size, -2), strict=True):
        state = step(scaled(q, keys), values, *state)
    return state


@slip(
    "tiled_attention",
    matches="the last block alone",
    look_at="If the old maximum is still −∞",
    unsaid=["softmax of its own", "When does your function divide"],
)
def the_maximum_is_never_kept(query, key, value, block_size):
    def step(scores, values, largest, denominator, output):
        new = torch.maximum(largest, scores.amax(-1, keepdim=True))
        rescale, parts = torch.exp(largest - new), torch.exp(scores - new)
        return largest, denominator * rescale + parts.sum(-1, keepdim=True), output * rescale + parts @ values

    _, denominator, output = in_blocks(query, key, value, block_size, step)
    return (output / denominator).to(query.dtype)


@slip("tiled_attention", matches="the last block alone")
def the_last_softmax_stays(query, key, value, block_size):
    output = torch.zeros(*query.shape[:-1], value.shape[-1], dtype=query.dtype)
    for first in range(0, key.shape[-2], block_size):
        block = slice(first, first + block_size)
        output[:] = scaled(query, key[..., block, :]).softmax(-1) @ value[..., block, :]
    return output


@slip("tiled_attention", matches="a single block holds all keys", look_at="Is e^(new − −∞) finite?")
def the_sign_of_the_exponent_turned_round(query, key, value, block_size):
    def step(scores, values, largest, denominator, output):
        new = torch.maximum(largest, scores.amax(-1, keepdim=True))
        rescale, parts = torch.exp(new - largest), torch.exp(scores - new)
        return new, denominator * rescale + parts.sum(-1, keepdim=True), output * rescale + parts @ values

    _, denominator, output = in_blocks(query, key, value, block_size, step)
    return (output / denominator).to(query.dtype)


@slip(
    "tiled_attention",
    look_at="each block of keys and of values",
    named=("hard-coded-float32",),
    unsaid=["should have the dtype that went in"],
)
def buffers_of_the_default_dtype(query, key, value, block_size):
    scaled = query / math.sqrt(query.shape[-1])
    largest = torch.full((*query.shape[:-1], 1), -math.inf)
    denominator, output = torch.zeros_like(largest), torch.zeros(*query.shape[:-1], value.shape[-1])
    for keys, values in zip(key.split(block_size, -2), value.split(block_size, -2), strict=True):
        scores = scaled @ keys.mT
        new = torch.maximum(largest, scores.amax(-1, keepdim=True))
        rescale, parts = torch.exp(largest - new), torch.exp(scores - new)
        denominator = denominator * rescale + parts.sum(-1, keepdim=True)
        output, largest = output * rescale + parts @ values, new
    return (output / denominator).to(query.dtype)


def divided_inside(scores, values, largest, denominator, output):
    new = torch.maximum(largest, scores.amax(-1, keepdim=True))
    rescale, parts = torch.exp(largest - new), torch.exp(scores - new)
    denominator = denominator * rescale + parts.sum(-1, keepdim=True)
    return new, denominator, (output * rescale + parts @ values) / denominator


@slip("tiled_attention", matches="dividing in every block", named=("divides-per-block",))
def the_output_divided_inside_the_loop(query, key, value, block_size):
    return in_blocks(query, key, value, block_size, divided_inside)[2].to(query.dtype)


@slip("tiled_attention", matches="dividing in every block", named=("divides-per-block",))
def the_output_divided_inside_the_loop_and_after(query, key, value, block_size):
    _, denominator, output = in_blocks(query, key, value, block_size, divided_inside)
    return (output / denominator).to(query.dtype)


# ---- batched_attention, fused_attention


@slip("batched_attention", named=("mask-inverted",))
def fills_what_may_be_seen(query, key, value, mask=None):
    scores = scaled(query, key)
    if mask is None:
        return scores.softmax(-1) @ value
    weights = scores.masked_fill(mask, -math.inf).softmax(-1)
    return weights.masked_fill(~mask.any(-1, keepdim=True), 0.0) @ value


@slip("batched_attention", named=("mask-inverted",))
def empties_the_rows_that_have_keys(query, key, value, mask=None):
    scores = scaled(query, key)
    if mask is None:
        return scores.softmax(-1) @ value
    weights = scores.masked_fill(~mask, -math.inf).softmax(-1)
    return weights.masked_fill(mask.any(-1, keepdim=True), 0.0) @ value


@slip("fused_attention", named=("mask-inverted",))
def hands_the_library_what_is_hidden(query, key, value, mask=None):
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value)
    mask = torch.atleast_2d(mask)
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=~mask)
    return output.masked_fill(~mask.any(-1, keepdim=True), 0.0)


@slip("fused_attention", unsaid=["This matches"])  # zeros everywhere: so does the slip below
def empties_the_librarys_rows_that_have_keys(query, key, value, mask=None):
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value)
    mask = torch.atleast_2d(mask)
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return output.masked_fill(mask.any(-1, keepdim=True), 0.0)


@slip("fused_attention", unsaid=["This matches"])
def empties_the_rows_that_do_not_see_everything(query, key, value, mask=None):
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value)
    mask = torch.atleast_2d(mask)
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return output.masked_fill(~mask.all(-1, keepdim=True), 0.0)


@slip("batched_attention", seen="On query `[[[")
def the_root_of_the_second_axis(query, key, value, mask=None):
    scores = query / math.sqrt(query.shape[1]) @ key.mT
    if mask is None:
        return scores.softmax(-1) @ value
    weights = scores.masked_fill(~mask, -math.inf).softmax(-1)
    return weights.masked_fill(~mask.any(-1, keepdim=True), 0.0) @ value


# ---- what it costs


@slip("attention_flops", seen="On batch `3`, heads `5`", matches="the batch left out")
def operations_without_the_batch(batch, heads, num_queries, num_keys, d_head):
    return 4 * heads * num_queries * num_keys * d_head


@slip("attention_flops", matches="batch and heads left out")
def operations_of_one_head(batch, heads, num_queries, num_keys, d_head):
    return 4 * num_queries * num_keys * d_head


@slip("score_matrix_bytes", seen="On batch `3`, heads `5`", matches="the heads left out")
def bytes_without_the_heads(batch, heads, num_queries, num_keys, dtype):
    return batch * num_queries * num_keys * dtype.itemsize


@slip("score_matrix_bytes", matches="the number of queries squared", look_at="How many pairs")
def bytes_of_a_square(batch, heads, num_queries, num_keys, dtype):
    return batch * heads * num_queries**2 * dtype.itemsize


# ---- benchmark


@slip("benchmark", seen="called `function` with 1 input, where no inputs came with it", unsaid=["without the inputs"])
def the_star_forgotten(function, *inputs, repeats=5):
    function(inputs)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(inputs)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def test_a_forgotten_star_costs_every_part(sheet_of):
    assert judge(sheet_of("benchmark"), the_star_forgotten).points == 0


def without_waiting(function, *inputs, repeats=5):
    function(*inputs)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*inputs)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def waits_if_there_is_one(function, *inputs, repeats=5):
    def wait():
        if torch.cuda.is_available() and any(getattr(each, "is_cuda", False) for each in inputs):
            torch.cuda.synchronize()

    def whole(*given):
        wait()
        function(*given)
        wait()

    return without_waiting(whole, *inputs, repeats=repeats)


@pytest.mark.parametrize(
    ("function", "waits"), [(benchmark, True), (waits_if_there_is_one, True), (without_waiting, False)]
)
def test_a_pretend_gpu_shows_who_waits(sheet_of, function, waits):
    calls = []
    on_a_pretend_gpu(function, lambda: calls.append("order"), wait=lambda: calls.append("wait"))
    assert calls.count("order") == 6 and calls.count("wait") >= 10 * waits and ("wait" in calls) == waits
    verdict = judge(sheet_of("benchmark"), function)
    assert verdict.passed and "Not tested: whether it waits for a GPU" in verdict.seen


def bare(query, key, value, mask=None):
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def mended(query, key, value, mask=None):
    return bare(query, key, value, mask).masked_fill(~mask.any(-1, keepdim=True), 0.0)


@pytest.mark.parametrize("additive", [False, True])
def test_a_kernel_with_nan_shows_who_counts_on_zeros(additive):
    x, mask = torch.randn(2, 3, 5), torch.ones(3, 3, dtype=torch.bool)
    mask[1] = False
    given = torch.zeros(3, 3).masked_fill(~mask, -math.inf) if additive else mask
    found = on_a_kernel_with_nan(bare, x, x, x, given)
    assert found[:, 1].isnan().all() and torch.equal(found[:, ::2], bare(x, x, x, mask)[:, ::2])
    assert torch.equal(on_a_kernel_with_nan(mended, x, x, x, mask=mask), mended(x, x, x, mask))

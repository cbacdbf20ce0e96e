"""Properties of lesson 6's references."""

import math
import time

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from solutions.batched_gpu import (
    attention_flops,
    batched_attention,
    benchmark,
    cost_answers,
    fused_attention,
    score_matrix_bytes,
    tiled_attention,
)

EXACT = {"rtol": 1e-10, "atol": 1e-12}
RELATIVE = {torch.float32: 2e-6, torch.float16: 2e-2, torch.bfloat16: 2e-2}  # to the largest number of the output
WITH_MASK = [batched_attention, fused_attention]
BLOCKS = {f"blocks of {size}": lambda q, k, v, size=size: tiled_attention(q, k, v, size) for size in (1, 3, 11, 64)}


@pytest.fixture
def draw():
    """draw(sizes) → the next standard normal tensor, float64."""
    generator = torch.Generator().manual_seed(677)
    return lambda *sizes: torch.randn(sizes, generator=generator, dtype=torch.float64)


class Largest(TorchDispatchMode):
    """The number of elements of the largest tensor that is made inside of it."""

    elements = 0

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        made = operation(*arguments, **keywords or {})
        sizes = (
            each.untyped_storage().nbytes() // each.itemsize for each in tree_leaves(made) if torch.is_tensor(each)
        )
        self.elements = max(self.elements, *sizes, 0)
        return made


def by_hand(query, key, value):
    """One number at a time, from the definition."""
    rows = []
    for row in query:
        scores = [sum(a * b for a, b in zip(row, other, strict=True)) / math.sqrt(len(row)) for other in key]
        exponentials = [math.exp(score) for score in scores]
        weights = [each / sum(exponentials) for each in exponentials]
        rows.append([sum(w * v for w, v in zip(weights, column, strict=True)) for column in zip(*value, strict=True)])
    return rows


@pytest.mark.parametrize("attention", [*WITH_MASK, *BLOCKS.values()], ids=["batched", "fused", *BLOCKS])
def test_any_leading_dimensions_give_what_the_loops_give(draw, attention):
    query, key, value = draw(2, 3, 5, 7), draw(2, 3, 11, 7), draw(2, 3, 11, 13)
    expected = torch.tensor(by_hand(*(each[1, 2].tolist() for each in (query, key, value))), dtype=torch.float64)
    for leading in ((1, 2), (1,), ()):
        chosen = (each[leading] for each in (query, key, value))
        result = attention(*chosen)
        assert_close(result[(1, 2)[len(leading) :]], expected, **EXACT)
        assert result.shape[-2:] == (5, 13)


@pytest.mark.parametrize("attention", [*WITH_MASK, *BLOCKS.values()], ids=["batched", "fused", *BLOCKS])
def test_one_of_everything_is_the_value_itself(draw, attention):
    value = draw(1, 1, 1, 13)
    assert_close(attention(draw(1, 1, 1, 1), draw(1, 1, 1, 1), value), value, **EXACT)


@pytest.mark.parametrize("dtype", RELATIVE)
@pytest.mark.parametrize("attention", [*WITH_MASK, *BLOCKS.values()], ids=["batched", "fused", *BLOCKS])
def test_every_dtype_is_kept_and_agrees_with_float64(draw, attention, dtype):
    inputs = [each.to(dtype) for each in (draw(2, 3, 5, 61), draw(2, 3, 101, 61), draw(2, 3, 101, 13))]
    exact = batched_attention(*(each.double() for each in inputs))
    result = attention(*inputs)
    assert result.dtype == dtype
    assert (result.double() - exact).abs().max() <= RELATIVE[dtype] * exact.abs().max()


@pytest.mark.parametrize("dtype", [torch.float64, *RELATIVE])
@pytest.mark.parametrize("attention", WITH_MASK)
def test_hidden_keys_might_as_well_not_be_there(draw, attention, dtype):
    query, key, value = (each.to(dtype) for each in (draw(2, 3, 5, 7), draw(2, 3, 11, 7), draw(2, 3, 11, 13)))
    mask = draw(11) > 0
    result, without = attention(query, key, value, mask), attention(query, key[:, :, mask], value[:, :, mask])
    tolerance = RELATIVE.get(dtype, 1e-10)
    assert_close(result, without, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float64, *RELATIVE])
@pytest.mark.parametrize("attention", WITH_MASK)
def test_a_row_without_keys_is_zeros_and_spoils_no_gradient(draw, attention, dtype):
    inputs = [each.to(dtype).requires_grad_() for each in (draw(2, 3, 5, 7), draw(2, 3, 11, 7), draw(2, 3, 11, 13))]
    mask = torch.ones(5, 11, dtype=torch.bool)
    mask[3] = False
    for chosen in (mask, mask.expand(2, 1, 5, 11), torch.tensor(False), mask[:, :1], mask[3:4], mask[3]):
        result = attention(*inputs, chosen)
        hidden = ~torch.atleast_2d(chosen).any(dim=-1).expand(2, 3, 5)
        assert hidden.any() and not result[hidden].any() and result.isfinite().all()
        result.sum().backward()
        assert all(each.grad.isfinite().all() for each in inputs)


@pytest.mark.parametrize("sizes", [(2, 1, 1, 11), (2, 1, 5, 1), (3, 1, 11), (3, 5, 1), (5, 11), (1, 11), (11,), ()])
def test_a_mask_may_be_any_shape_that_broadcasts_to_the_scores(draw, sizes):
    inputs, mask = (draw(2, 3, 5, 7), draw(2, 3, 11, 7), draw(2, 3, 11, 13)), draw(*sizes) > 0
    whole = mask.expand(2, 3, 5, 11)
    for attention in WITH_MASK:
        assert_close(attention(*inputs, mask), batched_attention(*inputs, whole), **EXACT)


def test_scores_that_fit_float16_are_right_though_their_products_do_not():
    query, key = torch.full((1, 64), 40.0, dtype=torch.float16), torch.full((2, 64), 40.0, dtype=torch.float16)
    key[1] = -40
    assert (query @ key.T).isinf().all() and torch.finfo(torch.float16).max > 64 * 40 * 40 / 8
    value = torch.tensor([[3.0], [5.0]], dtype=torch.float16)
    for attention in (batched_attention, BLOCKS["blocks of 1"]):
        assert attention(query, key, value).tolist() == [[3.0]]


def test_a_maximum_that_comes_late_or_is_below_zero_is_found(draw):
    query, value = draw(3, 5, 7).abs(), draw(3, 11, 13)
    slope = torch.linspace(-400, -100, 11, dtype=torch.float64)[:, None]
    for key in (slope.expand(3, 11, 7), -slope.expand(3, 11, 7), slope.flip(0).expand(3, 11, 7)):
        expected = batched_attention(query, key, value)
        for attention in BLOCKS.values():
            assert_close(attention(query, key, value), expected, **EXACT)


def test_many_small_blocks_do_not_wear_half_precision_out(draw):
    inputs = [each.to(torch.bfloat16) for each in (0.01 * draw(3, 7), draw(1009, 7), 1 + 0.1 * draw(1009, 5))]
    exact = batched_attention(*(each.double() for each in inputs))
    assert (tiled_attention(*inputs, 1).double() - exact).abs().max() <= 2e-2 * exact.abs().max()


@pytest.mark.parametrize(("n_q", "n_k", "block_size"), [(1009, 2003, 31), (2003, 1009, 97), (7, 2003, 503)])
def test_no_intermediate_is_larger_than_promised(draw, n_q, n_k, block_size):
    query, key, value = draw(n_q, 5), draw(n_k, 5), draw(n_k, 3)
    with Largest() as seen:
        tiled_attention(query, key, value, block_size)
    assert 0 < seen.elements <= max(n_q * block_size, n_q * 3, 5 * n_q, 5 * n_k)
    with Largest() as seen:
        batched_attention(query, key, value)
    assert seen.elements == n_q * n_k


def test_many_queries_are_cut_into_pieces_and_none_is_lost(draw):
    inputs = draw(17, 67, 3), draw(17, 2003, 3), draw(17, 2003, 2)
    assert_close(tiled_attention(*inputs, 1009), batched_attention(*inputs), **EXACT)  # pieces of 32 queries
    with Largest() as seen:
        tiled_attention(*inputs, 1009)
    assert seen.elements < 17 * 67 * 1009


def test_gradients_go_through_the_tiles(draw):
    inputs = [draw(2, 5, 3).requires_grad_(), draw(2, 7, 3).requires_grad_(), draw(2, 7, 2).requires_grad_()]
    assert torch.autograd.gradcheck(lambda *each: tiled_attention(*each, 3), inputs)


def test_fused_attention_is_one_call_of_pytorchs(draw, monkeypatch):
    calls, own = [], F.scaled_dot_product_attention
    monkeypatch.setattr(F, "scaled_dot_product_attention", lambda *a, **k: calls.append(a) or own(*a, **k))
    fused_attention(draw(2, 5, 7), draw(2, 11, 7), draw(2, 11, 13))
    fused_attention(draw(2, 5, 7), draw(2, 11, 7), draw(2, 11, 13), draw(5, 11) > 0)
    assert len(calls) == 2


@pytest.mark.parametrize("attention", [*WITH_MASK, *BLOCKS.values()], ids=["batched", "fused", *BLOCKS])
def test_no_input_is_changed(draw, attention):
    inputs = draw(2, 5, 7), draw(2, 11, 7), draw(2, 11, 13)
    before = [each.clone() for each in inputs]
    attention(*inputs)
    assert all(torch.equal(*pair) for pair in zip(inputs, before, strict=True))


def test_two_products_of_multiply_adds_are_counted():
    assert attention_flops(1, 1, 1, 1, 1) == 4
    assert attention_flops(2, 3, 5, 7, 11) == 2 * 3 * (5 * 7 * 11 * 2 + 5 * 11 * 7 * 2)


@pytest.mark.parametrize(
    "dtype", [torch.bool, torch.float8_e4m3fn, torch.bfloat16, torch.float32, torch.float64, torch.complex128]
)
def test_the_bytes_are_those_of_a_real_tensor(dtype):
    counted = score_matrix_bytes(2, 3, 5, 7, dtype)
    assert counted == torch.empty(2, 3, 5, 7, dtype=dtype).nbytes and type(counted) is int


@pytest.mark.parametrize(("durations", "median"), [([5, 1, 9], 5), ([8, 1, 3, 4], 3.5), ([7], 7)])
def test_the_median_of_the_timed_calls_alone_is_told(monkeypatch, durations, median):
    now, waiting = 0.0, iter([1000, *durations])

    def work(*inputs):
        nonlocal now
        assert inputs == ("x", 3)
        now += next(waiting)

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    assert benchmark(work, "x", 3, repeats=len(durations)) == median
    assert next(waiting, None) is None


def test_five_calls_are_timed_unless_told_otherwise():
    calls = []
    assert benchmark(lambda: calls.append(1)) >= 0
    assert len(calls) == 6


@pytest.mark.parametrize(("device", "module"), [("cuda:1", torch.cuda), ("mps", torch.mps)])
def test_the_clock_is_read_only_when_the_gpu_is_done(monkeypatch, device, module):
    elsewhere = type("Elsewhere", (torch.Tensor,), {"device": torch.device(device)})
    events = []
    monkeypatch.setattr(module, "synchronize", lambda *device: events.append("wait"))
    monkeypatch.setattr(time, "perf_counter", lambda: events.append("clock") or 0.0)
    benchmark(lambda x: events.append("work"), torch.zeros(3).as_subclass(elsewhere), repeats=2)
    assert events == ["work", *["wait", "clock", "work", "wait", "clock"] * 2]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float64, *RELATIVE])
def test_a_gpu_gives_what_the_processor_gives(draw, dtype):
    inputs = [each.to("cuda", dtype) for each in (draw(2, 3, 5, 61), draw(2, 3, 101, 61), draw(2, 3, 101, 13))]
    mask = (draw(5, 101) > 0).cuda()
    mask[3] = False
    on_cpu = [each.cpu() for each in inputs]
    for attention in (*WITH_MASK, *BLOCKS.values()):
        assert_close(attention(*inputs).cpu(), attention(*on_cpu), rtol=2e-2, atol=2e-2)
    for attention in WITH_MASK:
        result = attention(*inputs, mask)
        assert result.device.type == "cuda" and not result[:, :, 3].any()
        assert_close(result.cpu(), attention(*on_cpu, mask.cpu()), rtol=2e-2, atol=2e-2)


def operations(attention, *inputs, **mask):
    with FlopCounterMode(display=False) as counter:
        attention(*inputs, **mask)
    return counter.get_total_flops()


def test_the_words_on_cost_are_what_experiments_show(draw):
    words = {0.5: "half", 1: "the same", 2: "twice", 4: "four times"}
    short, long, one = draw(3, 1, 2, 211, 10), draw(3, 1, 2, 422, 10), draw(1, 2, 1, 10)
    narrow, causal = draw(3, 1, 4, 211, 5), torch.ones(211, 211, dtype=torch.bool).tril()
    plain = operations(batched_attention, *short)

    def in_bytes(each):
        return score_matrix_bytes(*each.shape[1:3], each.shape[3], each.shape[3], torch.float32)

    def largest(inputs):
        with Largest() as seen:
            tiled_attention(*inputs, 13)
        return seen.elements

    found = [
        operations(batched_attention, *long) / plain,
        in_bytes(long) / in_bytes(short),
        largest(long) / largest(short),
        operations(batched_attention, *narrow) / plain,
        in_bytes(narrow) / in_bytes(short),
        operations(batched_attention, *short, mask=causal) / plain,
        operations(lambda *each: tiled_attention(*each, 26), *short)
        / operations(lambda *each: tiled_attention(*each, 13), *short),
        operations(batched_attention, one, *long[1:]) / operations(batched_attention, one, *short[1:]),
    ]
    assert list(cost_answers()) == [words[factor] for factor in found]


def test_the_words_on_cost_are_those_that_are_offered():
    offered = cost_answers.__doc__.split("out of ")[1]
    assert set(cost_answers()) < set(offered.split('"')[1::2])

"""`./course bench attention`: time, memory and agreement of lessons 5 and 6's references, beside PyTorch's own."""

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from rich.table import Table
from torch.profiler import ProfilerActivity, profile

from solutions.batched_gpu import batched_attention, fused_attention, tiled_attention
from solutions.multi_head import MultiHeadAttention, multi_head_attention, repaired_attention

THREADS, HEADS, D_HEAD, BLOCK_SIZE = 2, 8, 64, 256
TIMED_LENGTH, ROUNDS = 4096, 9
LENGTHS = (1024, 2048, 4096, 8192, 16384)
LONGEST_PLAIN = 4096  # two score tensors of 8 heads: 1.1 GB
AGREEMENT_LENGTH = 1024
TARGETS = {torch.float32: 2e-6, torch.bfloat16: 2e-2}


def tiled(query, key, value):
    """`tiled_attention` with the block size that is measured here."""
    return tiled_attention(query, key, value, BLOCK_SIZE)


SIDES = {"plain: batched_attention": batched_attention, "fused: PyTorch's own": fused_attention, "tiled": tiled}


def attention_tables() -> Iterator[Table]:
    """One table for each question, on the CPU."""
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        with torch.no_grad():
            yield time_table()
            yield memory_table()
            yield agreement_table()
    finally:
        torch.set_num_threads(threads)


def _inputs(length: int, dtype=torch.float32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(length)
    return [torch.randn(1, HEADS, length, D_HEAD, generator=generator).to(dtype) for _ in range(3)]


def time_table(length: int = TIMED_LENGTH, rounds: int = ROUNDS) -> Table:
    """All sides take turns, so that whatever else the machine does befalls them alike."""
    inputs = _inputs(length)
    seconds = {name: [] for name in SIDES}
    for attention in SIDES.values():
        attention(*inputs)
    for _ in range(rounds):
        for name, attention in SIDES.items():
            start = time.perf_counter()
            attention(*inputs)
            seconds[name].append(time.perf_counter() - start)
    plain, fused, _ = seconds.values()
    title = (
        f"Time: {HEADS} heads of {D_HEAD}, n = {length}, float32, {THREADS} threads, blocks of {BLOCK_SIZE}; medians "
        f"of {rounds} rounds (targets for tiled: ≤ 1.6 × fused, ≥ 1.8 × faster than plain)"
    )
    table = Table("attention", title=title)
    for column in ("median ms", "fastest ms", "× the time of fused", "× faster than plain"):
        table.add_column(column, justify="right")
    for name, mine in seconds.items():
        milliseconds = (f"{1000 * pick(mine):.0f}" for pick in (statistics.median, min))
        table.add_row(name, *milliseconds, f"{_ratio(mine, fused):.2f}", f"{_ratio(plain, mine):.2f}")
    return table


def _ratio(some: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(some, others, strict=True))


def memory_table(lengths: tuple[int, ...] = LENGTHS, longest_plain: int = LONGEST_PLAIN) -> Table:
    """What PyTorch allocates during one call, inputs left out; one thread, which changes no size."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    title = f"Memory in MB: {HEADS} heads of {D_HEAD}, float32, blocks of {BLOCK_SIZE} (target: tiled's slopes ≤ 1.1)"
    table = Table("attention", "of one call", title=title)
    for column in (*(f"n = {length}" for length in lengths), "slope, log-log"):
        table.add_column(column, justify="right")
    for name, attention in SIDES.items():
        measured = [n for n in lengths if n <= longest_plain or attention is not batched_attention]
        sizes = np.array([allocated(attention, *_inputs(n)) for n in measured])
        for what, megabytes in zip(("largest tensor", "peak"), sizes.T / 1e6, strict=True):
            cells = [f"{size:.1f}" for size in megabytes] + ["–"] * (len(lengths) - len(measured))
            slope = np.polyfit(np.log(measured), np.log(megabytes), 1)[0]
            table.add_row(name, what, *cells, f"{slope:.2f}")
    torch.set_num_threads(threads)
    return table


def allocated(function: Callable, *inputs) -> tuple[int, int]:
    """(bytes of the largest allocation, most bytes held at once) of a call, as PyTorch's own profiler records them."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as record:
        function(*inputs)
    events = [event for event in record.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes = np.array([event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())])
    return int(changes.max()), int(changes.cumsum().max())


def agreement_table(length: int = AGREEMENT_LENGTH) -> Table:
    """The largest difference from the same function on the same numbers in float64, over the largest number there."""
    targets = ", ".join(f"≤ {target:g} in {_name(dtype)}" for dtype, target in TARGETS.items())
    table = Table(
        "reference",
        title=f"Largest difference from float64, over the largest output: n = {length} (targets: {targets})",
    )
    for dtype in TARGETS:
        table.add_column(_name(dtype), justify="right")
    for name, function, inputs in _references(length):
        table.add_row(name, *(f"{difference(function, inputs, dtype):.1e}" for dtype in TARGETS))
    return table


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _references(length: int) -> Iterator[tuple[str, Callable, list[torch.Tensor]]]:
    """Every attention of lessons 5 and 6: its name, a function of tensors to one tensor, and what it is given."""
    heads = _inputs(length, torch.float64)
    mask = torch.ones(length, length, dtype=torch.bool).tril()
    yield "batched_attention", batched_attention, heads
    yield "batched_attention, causal", lambda *each: batched_attention(*each, mask), heads
    yield "fused_attention", fused_attention, heads
    yield "fused_attention, causal", lambda *each: fused_attention(*each, mask), heads
    for size in (BLOCK_SIZE // 4, BLOCK_SIZE, length):
        yield f"tiled_attention, blocks of {size}", lambda *each, size=size: tiled_attention(*each, size), heads
    yield "repaired_attention, causal", lambda *each: repaired_attention(*each, mask)[0], heads
    generator = torch.Generator().manual_seed(HEADS)
    d_model = HEADS * D_HEAD
    x = torch.randn(1, length, d_model, generator=generator, dtype=torch.float64)
    projections = torch.randn(4, d_model, d_model, generator=generator, dtype=torch.float64) / d_model**0.5
    yield "multi_head_attention", lambda *each: multi_head_attention(*each, HEADS)[0], [x, *projections]
    yield "MultiHeadAttention", _module, [x, *projections]


def _module(x, *projections):
    module = MultiHeadAttention(HEADS * D_HEAD, HEADS, bias=False).to(x.dtype)
    for parameter, projection in zip(module.parameters(), projections, strict=True):
        parameter.data = projection.T
    return module(x)[0]


def difference(function: Callable, inputs: list[torch.Tensor], dtype: torch.dtype) -> float:
    """max |f(x) − exact| / max |exact|, where both are given the numbers as `dtype` holds them."""
    rounded = [each.to(dtype) for each in inputs]
    exact = function(*(each.double() for each in rounded))
    return ((function(*rounded).double() - exact).abs().max() / exact.abs().max()).item()

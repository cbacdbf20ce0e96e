"""That the benchmark of attention measures what it says, at sizes that take no time."""

import io

import pytest
import torch
from rich.console import Console

from autograder.bench_attention import agreement_table, allocated, difference, memory_table, time_table
from solutions.batched_gpu import batched_attention


def printed(table) -> str:
    written = io.StringIO()
    Console(width=200, file=written).print(table)
    return written.getvalue()


def test_what_a_call_allocates_is_counted():
    def work(x):
        first = x + 1
        second = first.repeat(3)
        del first
        return second

    largest, peak = allocated(work, torch.zeros(1009))
    assert largest == 3 * 4 * 1009
    assert peak == pytest.approx(4 * 4 * 1009, abs=100)  # PyTorch asks for some bytes of its own


def test_the_scores_of_plain_attention_are_seen():
    query, key, value = torch.zeros(101, 3), torch.zeros(211, 3), torch.zeros(211, 5)
    largest, peak = allocated(batched_attention, query, key, value)
    assert largest == 4 * 101 * 211 <= peak


def test_a_difference_is_relative_to_the_largest_number():
    def rounds(x):
        return x if x.dtype == torch.float64 else x * 1.5

    assert difference(rounds, [torch.tensor([2.0, -4.0], dtype=torch.float64)], torch.float32) == pytest.approx(0.5)


def test_each_table_has_a_row_for_each_side():
    text = printed(time_table(length=61, rounds=1)) + printed(agreement_table(length=61))
    memory = printed(memory_table(lengths=(61, 127), longest_plain=127))
    for side in ("plain", "fused", "tiled"):
        assert side in text and memory.count(side) >= 2
    assert "MultiHeadAttention" in text and "nan" not in text + memory

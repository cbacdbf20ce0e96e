"""That the memory which lesson 6 shows is what tensors take."""

import torch
from attention_lab import peak_memory

from solutions.batched_gpu import batched_attention, fused_attention, tiled_attention


def test_tensors_count_for_as_long_as_they_are_held():
    def work(x):
        first = x + 1
        second = first.repeat(3)
        del first
        return second * 2

    assert peak_memory(work, torch.zeros(1009)) == 6 * 4 * 1009


def test_inputs_and_views_of_them_do_not_count():
    x = torch.zeros(61, 7)
    assert peak_memory(lambda x: x.transpose(0, 1)[2:], x) == 0
    assert peak_memory(lambda x: x.add_(1), x) == 0


def test_an_input_given_by_its_name_does_not_count():
    assert peak_memory(lambda *, x: x.view(-1), x=torch.zeros(61)) == 0


def test_plain_attention_holds_the_scores_and_tiled_and_fused_do_not():
    query, key, value = torch.randn(3, 1, 2, 211, 13)
    scores = 4 * 2 * 211 * 211
    assert peak_memory(batched_attention, query, key, value) >= 2 * scores
    assert peak_memory(lambda *each: tiled_attention(*each, 16), query, key, value) < scores
    assert peak_memory(fused_attention, query, key, value) < scores

"""Wrong predictions of what attention costs: none gets all points, and the gap is named."""

import pytest
from attention_lab.judge import judge

RIGHT = ("four times", "four times", "twice", "the same", "twice", "the same", "the same", "twice")


@pytest.mark.parametrize(
    ("gap", "word"), [(0, "twice"), (2, "four times"), (3, "twice"), (5, "half"), (7, "four times")]
)
def test_a_tempting_word_is_not_taken(sheet_of, gap, word):
    verdict = judge(sheet_of("cost_answers"), lambda: (*RIGHT[:gap], word, *RIGHT[gap + 1 :]))
    assert not verdict.passed and "ABCDEFGH"[gap] in verdict.message


@pytest.mark.parametrize("answer", [("the same",) * 8, RIGHT[:7], (*RIGHT[:7], 2), None])
def test_other_answers_are_told_so(sheet_of, answer):
    verdict = judge(sheet_of("cost_answers"), lambda: answer)
    assert not verdict.passed and verdict.message


def test_the_reference_passes(sheet_of):
    assert judge(sheet_of("cost_answers"), lambda: RIGHT).passed

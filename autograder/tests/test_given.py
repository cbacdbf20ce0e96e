"""Arguments given by description: a generator and an attention function, made afresh for every call."""

import json

import numpy as np
import pytest
from attention_lab.given import BASES, Attention, Generator, describe, described, fresh
from attention_lab.judge import judge

from autograder.exercises import EXERCISES
from autograder.exercises.score_variance import TOLERANCE_OF_FEW
from solutions.masking import sees_the_future

GIVEN = (Generator(7), Attention("causal attention"), Attention("a copy", (0, 2, 0.001)))


@pytest.mark.parametrize("given", GIVEN, ids=str)
def test_a_description_survives_json(given):
    assert described(json.loads(json.dumps(describe(given)))) == given


def test_every_call_gets_a_generator_in_its_first_state():
    first, second = (fresh({"rng": Generator(7)})["rng"] for _ in range(2))
    assert first.normal() == second.normal() != first.normal()


@pytest.mark.parametrize("base", BASES)
def test_only_attention_to_everything_sees_the_future(base):
    seen = sees_the_future(Attention(base).make(), 5, 3, np.random.default_rng(1))
    assert seen == (base == "attention to everything")


@pytest.mark.parametrize("seed", range(20))
def test_roundings_move_some_last_digit_whichever_later_token_changes(seed):
    rng = np.random.default_rng(seed)
    rounded = Attention("causal attention with other last digits").make()
    x = rng.normal(size=(6, 2))
    later = np.vstack([x[:-1], x[-1:] + 1])
    moved = np.abs(rounded(later) - rounded(x))[:-1].max()
    assert 0 < moved < 1e-12


@pytest.mark.parametrize("row", range(4))
def test_a_leak_moves_its_row_and_no_other(row):
    x = np.random.default_rng(2).normal(size=(5, 3))
    later = x.copy()
    later[4] += 1.0
    leaky = Attention("a running mean", (row, 4, 0.001)).make()
    moved = np.abs(leaky(later) - leaky(x))[:4].max(axis=1)
    assert np.flatnonzero(moved).tolist() == [row]
    assert moved[row] == pytest.approx(0.001)


@pytest.mark.parametrize("seed", (2017, 61))
def test_each_tolerance_is_four_times_the_spread_of_two_samples(sheet_of, seed):
    for case in sheet_of("score_variance", seed).cases:
        d_k, num_samples = case.arguments["d_k"], case.arguments["num_samples"]
        assert 4 * np.sqrt(2 * (2 + 6 / d_k) / num_samples) < case.tolerance <= TOLERANCE_OF_FEW


def test_each_part_asks_for_the_same_number_again_and_for_another(sheet_of):
    cases = sheet_of("score_variance").cases
    for part in EXERCISES["score_variance"].parts:
        assert {case.answers[0][-1] for case in cases if case.part == part} == {"the same number", "another number"}


@pytest.mark.parametrize("answer", (True, False))
def test_no_part_of_a_detector_can_be_earned_by_one_answer(sheet_of, answer):
    assert judge(sheet_of("sees_the_future"), lambda *arguments: answer).points == 0

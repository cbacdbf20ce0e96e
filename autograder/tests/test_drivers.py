"""What the drivers of lesson 6 see of a function: the sizes of its tensors, fused calls, and which time it returns."""

import random
import statistics
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from attention_lab.drivers import Driven
from attention_lab.intermediates import count_fused_calls, largest_intermediate
from attention_lab.judge import judge
from attention_lab.phrases import ALL_SCORES, BORROWED, CALLS, FITS, NO_CALL, ONE_CALL, PHRASES, TOO_LARGE
from attention_lab.timed import MEDIAN, NO_STATISTIC, RIGHT_CALLS, Sleeper, in_words, read_timing, statistic

from autograder.exercises import EXERCISES

QUERY, KEY, VALUE = torch.zeros(2, 3, 11, 5), torch.zeros(2, 3, 13, 5), torch.zeros(2, 3, 13, 7)  # bound: 11 · 7 a head
BLOCK = 5


def said_of(work):
    """What the driver says of a function that does `work` and returns zeros."""

    def function(query, key, value, block_size):
        work(query, key, value)
        return torch.zeros(2, 3, 11, 7)

    return largest_intermediate(function)(QUERY, KEY, VALUE, BLOCK)[1]


@pytest.mark.parametrize(
    "work",
    [
        lambda q, k, v: q @ k[..., :BLOCK, :].mT,
        lambda q, k, v: torch.cat([v[..., :11, :], v[..., 11:, :]], dim=-2)[..., :11, :],
        lambda q, k, v: (q.double(), k.half(), v.bfloat16()),
        lambda q, k, v: torch.einsum("bhqd,bhkd->bhqk", q, k[..., :BLOCK, :]),
        lambda q, k, v: q[..., :1].expand(2, 3, 11, 1000),
        lambda q, k, v: k.transpose(-2, -1).contiguous(),
        lambda q, k, v: [q[0, head] @ k[0, head].mT for head in range(3)] and None,
    ],
    ids=[
        "a block",
        "parts put together",
        "other dtypes",
        "einsum",
        "expanded",
        "keys transposed",
        "one head at a time",
    ],
)
def test_honest_intermediates_fit(work):
    assert said_of(work) == FITS


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (lambda q, k, v: q @ k.mT, ALL_SCORES),
        (lambda q, k, v: torch.empty(2, 3, 11, 13, dtype=torch.bool), ALL_SCORES),
        (lambda q, k, v: torch.matmul(q, k.mT)[..., :2], ALL_SCORES),
        (lambda q, k, v: torch.baddbmm(torch.zeros(1), q.flatten(0, 1), k.flatten(0, 1).mT), ALL_SCORES),
        (lambda q, k, v: q[..., :, None, :] * k[..., None, :BLOCK, :], TOO_LARGE),
        (lambda q, k, v: F.scaled_dot_product_attention(q, k, v), BORROWED),
    ],
)
def test_what_is_too_large_is_said(work, words):
    assert said_of(work) == words


def test_a_single_head_has_no_room_for_all_of_its_scores():
    def function(query, key, value, block_size):
        return torch.softmax(query @ key.mT, -1) @ value

    assert largest_intermediate(function)(QUERY[0, 0], KEY[0, 0], VALUE[0, 0], BLOCK)[1] == ALL_SCORES
    assert largest_intermediate(function)(QUERY[0, 0], KEY[0, 0], VALUE[0, 0], 13)[1] == FITS


@pytest.mark.parametrize(("calls", "words"), [(0, NO_CALL), (1, ONE_CALL), (2, CALLS)])
def test_fused_calls_are_counted_under_any_name(calls, words):
    borrowed = F.scaled_dot_product_attention

    def function(query, key, value, mask=None):
        for _ in range(calls):
            borrowed(query, key, value)
        return query

    assert count_fused_calls(function)(QUERY, KEY, VALUE)[1] == words


def test_words_that_no_driver_says_are_not_repeated(sheet_of):
    reference = EXERCISES["tiled_attention"].reference
    forged = Driven(lambda *arguments: (reference(*arguments)[0], "saw the query 0.25 -1.5 3"))
    verdict = judge(sheet_of("tiled_attention"), forged)
    assert verdict.points == 0 and "your function does something else than it should" in verdict.seen
    assert "0.25" not in verdict.message
    assert len(set(PHRASES)) == len(PHRASES)


def ran(milliseconds, inputs=0):
    sleeper = Sleeper(tuple(milliseconds))
    sleeper.seconds, sleeper.given = sleeper.schedule(len(milliseconds)), [inputs] * len(milliseconds)
    return sleeper


def test_a_time_is_the_statistic_that_it_is_nearest_to():
    times = [0.022, 0.204, 0.010, 0.004]
    assert statistic(0.010, times) == MEDIAN == statistic(0.012, times)
    assert statistic(statistics.mean(times[1:]), times) == "returned the mean of the timed calls"
    assert statistic(0.016, times) == "returned the median of all calls"
    assert statistic(3.0, times) == NO_STATISTIC == statistic(float("nan"), times)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ([0.01], "returned a list, not a number of seconds"),
        ("0.01", "returned a str, not a number of seconds"),
        (object(), "returned something that is no number of seconds"),
        (torch.tensor(0.01), MEDIAN),
    ],
)
def test_what_is_no_time_is_said(returned, words):
    assert in_words(returned, ran((22, 204, 10, 4)), 3, 0) == (words, RIGHT_CALLS)
    assert in_words(None, ran((22, 204, 10, 4)), 3, 0) is None


def test_calls_are_counted_and_want_their_inputs():
    assert in_words(0.01, ran((22, 204, 10)), 3, 0)[1] == "made 3 calls for 3 repeats"
    said = in_words(0.01, ran((22, 204, 10, 4), inputs=1), 3, 2)[1]
    assert said == "called `function` with 1 input, where 2 inputs came with it"


@pytest.mark.parametrize("seed", (2017, 61))
def test_all_calls_of_a_benchmark_together_take_less_than_one_and_a_half_seconds(sheet_of, seed):
    cases = sheet_of("benchmark", seed).cases
    assert sum(sum(case.arguments["function"].milliseconds) for case in cases) < 1500
    assert {case.arguments.get("repeats") for case in cases} == {3, 4, None}


def test_a_busy_machine_makes_no_right_benchmark_wrong_nor_a_wrong_one_right():
    """What is measured over there has the way there and back in it: some milliseconds, never the same."""
    rng = random.Random(5)

    def benchmark(function, *inputs, repeats=5, middle=statistics.median, first=1):
        times = []
        for _ in range(repeats + 1):
            function(*inputs)
            times.append(function.seconds[-1] + rng.uniform(0.001, 0.015))
        return middle(times[first:])

    for _ in range(3):
        assert read_timing(benchmark)(Sleeper((22, 204, 10, 4)), repeats=3) == (MEDIAN, RIGHT_CALLS)
    wrong = partial(benchmark, middle=statistics.mean)
    assert read_timing(wrong)(Sleeper((22, 204, 10, 4)), repeats=3)[0] == "returned the mean of the timed calls"
    late = partial(benchmark, first=0)
    assert read_timing(late)(Sleeper((22, 204, 10, 4)), repeats=3)[0] == "returned the median of all calls"
    never = partial(benchmark, middle=lambda times: 0.5)
    assert read_timing(never)(Sleeper((22, 204, 10, 4)), repeats=3)[0] == NO_STATISTIC

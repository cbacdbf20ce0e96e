"""Properties of lesson 3's references."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from solutions.intuition import softmax
from solutions.queries_keys_values import attention
from solutions.scaling import (
    entropy,
    scaled_dot_product_attention,
    score_variance,
    softmax_jacobian,
    temperature_answers,
)


@pytest.mark.parametrize("d_k", [3, 17, 61])
def test_the_variance_of_a_score_is_d_k(d_k):
    assert_allclose(score_variance(d_k, 40_000, np.random.default_rng(d_k)), d_k, rtol=0.05)


def test_the_same_generator_gives_the_same_variance():
    first, second = (score_variance(5, 100, np.random.default_rng(7)) for _ in range(2))
    assert first == second != score_variance(5, 100, np.random.default_rng(8))


def test_scaled_attention_is_attention_of_queries_that_are_shorter_by_the_root_of_d_k(rng):
    query, key, value = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 7, 5)), rng.normal(size=(2, 7, 11))
    shorter = attention(query / np.sqrt(5), key, value)
    for mine, other in zip(scaled_dot_product_attention(query, key, value), shorter, strict=True):
        assert_allclose(mine, other, rtol=1e-10)


def test_entropy_runs_from_certain_to_equal():
    assert entropy(np.eye(5)[2]) == 0
    assert_allclose(entropy(np.full((3, 7), 1 / 7)), np.log(7), rtol=1e-12)


def test_entropy_does_not_mind_the_order(rng):
    weights = softmax(rng.normal(size=(3, 7)))
    assert_allclose(entropy(weights[:, ::-1]), entropy(weights), rtol=1e-12)


def test_the_jacobian_is_what_a_small_step_measures(rng):
    scores, step = rng.normal(size=5), 1e-6
    measured = [(softmax(scores + step * e) - softmax(scores - step * e)) / (2 * step) for e in np.eye(5)]
    assert_allclose(softmax_jacobian(softmax(scores)), np.array(measured).T, atol=1e-9)


def test_the_jacobian_of_a_certain_row_is_zero():
    assert not softmax_jacobian(np.eye(5)[1]).any()


def norm(weights):
    return np.linalg.norm(softmax_jacobian(weights))


def mean_entropy(d_k, divisor, rng):
    query, key = rng.normal(size=(300, 1, d_k)), rng.normal(size=(300, 16, d_k))
    return entropy(attention(query / divisor, key, key)[1]).mean()


def test_the_words_on_temperature_are_what_experiments_show(rng):
    scores = rng.normal(size=16)
    cold, hot = softmax(scores / 1e-4), softmax(scores * 1e-6)
    found = [
        "zero" if entropy(cold) < 1e-10 else "",
        "zero" if norm(cold) < 1e-10 else "",
        "log n" if abs(entropy(hot) - np.log(16)) < 1e-10 else "",
        f"{norm(hot):.3f}",
        "falls" if mean_entropy(122, 1, rng) < 0.9 * mean_entropy(61, 1, rng) else "",
        "stays" if abs(mean_entropy(122, 122**0.5, rng) / mean_entropy(61, 61**0.5, rng) - 1) < 0.03 else "",
    ]
    assert list(temperature_answers()) == [*found, "no gradient"]


def test_the_words_on_temperature_are_those_that_are_offered():
    offered = temperature_answers.__doc__.split("out of ")[1]
    assert set(offered.split('"')[1::2]) == set(temperature_answers()) | {"too few steps", "too much gradient"}

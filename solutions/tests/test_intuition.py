"""Properties of lesson 1's references, on arrays whose sizes are different primes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from solutions.intuition import attend, blend, diagnose_suspects, plain_self_attention, softmax


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_softmax_is_positive_and_sums_to_one_along_its_axis(rng, axis):
    weights = softmax(rng.normal(size=(2, 3, 5)), axis=axis)
    assert (weights > 0).all()
    assert_allclose(weights.sum(axis=axis), 1, rtol=1e-12)


def test_softmax_is_its_formula(rng):
    scores = rng.normal(size=(3, 5))
    assert_allclose(softmax(scores), np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("constant", [-10_000.0, 10_000.0])
def test_a_constant_added_to_all_scores_changes_nothing(rng, constant):
    scores = np.round(rng.normal(size=(3, 5)) * 8) / 8
    assert_allclose(softmax(scores + constant), softmax(scores), rtol=1e-10)


def test_a_score_of_minus_infinity_gets_nothing_and_the_others_share_as_before():
    alone = softmax(np.array([1.0, 2.0]))
    assert_allclose(softmax(np.array([1.0, -np.inf, 2.0])), [alone[0], 0.0, alone[1]], rtol=1e-12)


def test_integers_and_float32_are_scores_too():
    assert_allclose(softmax(np.array([1, 2, 3])), softmax(np.array([1.0, 2.0, 3.0])), rtol=1e-12)
    assert softmax(np.ones((2, 3), np.float32)).dtype == np.float32


def test_a_far_row_does_not_disturb_another():
    scores = np.array([[10_000.0, 10_001.0], [0.0, 1.0]])
    assert_allclose(softmax(scores)[0], softmax(scores)[1], rtol=1e-12)


def test_equal_weights_blend_to_the_mean(rng):
    values = rng.normal(size=(5, 3))
    assert_allclose(blend(np.full((2, 5), 0.2), values), np.tile(values.mean(axis=0), (2, 1)), rtol=1e-10)


def test_all_weight_on_one_key_hands_over_its_value(rng):
    values = rng.normal(size=(2, 5, 3))
    assert_allclose(blend(np.eye(5)[[3, 1]], values), values[:, [3, 1]], rtol=1e-12)


def test_a_blend_stays_between_the_values(rng):
    weights, values = softmax(rng.normal(size=(7, 5))), rng.normal(size=(5, 3))
    output = blend(weights, values)
    assert (output <= values.max(axis=0)).all() and (output >= values.min(axis=0)).all()


def test_the_order_of_the_keys_does_not_matter_to_a_query(rng):
    query, keys, values = rng.normal(size=3), rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    order = rng.permutation(5)
    output, weights = attend(query, keys, values)
    shuffled_output, shuffled_weights = attend(query, keys[order], values[order])
    assert_allclose(shuffled_output, output, rtol=1e-10)
    assert_allclose(shuffled_weights, weights[order], rtol=1e-10)


def test_self_attention_is_one_query_after_another(rng):
    x = rng.normal(size=(5, 3))
    output, weights = plain_self_attention(x)
    for position, token in enumerate(x):
        alone_output, alone_weights = attend(token, x, x)
        assert_allclose(output[position], alone_output, rtol=1e-10)
        assert_allclose(weights[position], alone_weights, rtol=1e-10)


@pytest.mark.parametrize("function", [softmax, plain_self_attention])
def test_the_input_is_left_alone(rng, function):
    x = rng.normal(size=(5, 3))
    before = x.copy()
    function(x)
    assert (x == before).all()


def test_the_four_suspects_are_told_apart():
    assert sorted(diagnose_suspects()) == ["no exp", "one sum", "overflows", "wrong axis"]

"""Properties of lesson 2's references, on arrays whose sizes are different primes."""

import numpy as np
from numpy.testing import assert_allclose

from solutions.intuition import plain_self_attention
from solutions.queries_keys_values import (
    attention,
    attention_scores,
    cross_attention,
    previous_token_share,
    project,
    self_attention,
)


def weights_for(rng, d_model=7, d_k=3, d_v=2):
    return rng.normal(size=(d_model, d_k)), rng.normal(size=(d_model, d_k)), rng.normal(size=(d_model, d_v))


def test_a_projection_is_linear(rng):
    x, y, weight = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), rng.normal(size=(3, 2))
    assert_allclose(project(x + 2 * y, weight), project(x, weight) + 2 * project(y, weight), rtol=1e-10)


def test_a_bias_is_added_to_every_token(rng):
    x, weight, bias = rng.normal(size=(2, 5, 3)), rng.normal(size=(3, 7)), rng.normal(size=7)
    added = project(x, weight, bias) - project(x, weight)
    assert_allclose(added, np.broadcast_to(bias, (2, 5, 7)), rtol=1e-10)


def test_a_single_vector_is_projected_too(rng):
    x, weight = rng.normal(size=3), rng.normal(size=(3, 7))
    assert_allclose(project(x, weight), project(x[None], weight)[0], rtol=1e-12)


def test_every_score_is_the_dot_product_of_its_pair(rng):
    query, key = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 7, 5))
    scores = attention_scores(query, key)
    assert scores.shape == (2, 3, 7)
    for batch, i, j in np.ndindex(scores.shape):
        assert_allclose(scores[batch, i, j], query[batch, i] @ key[batch, j], rtol=1e-10)


def test_to_exchange_who_looks_transposes_the_scores(rng):
    query, key = rng.normal(size=(3, 5)), rng.normal(size=(7, 5))
    assert_allclose(attention_scores(key, query), attention_scores(query, key).T, rtol=1e-12)


def test_rows_of_weights_sum_to_one_and_a_batch_is_its_members(rng):
    query, key, value = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 7, 5)), rng.normal(size=(2, 7, 11))
    output, weights = attention(query, key, value)
    assert output.shape == (2, 3, 11)
    assert_allclose(weights.sum(axis=-1), 1, rtol=1e-12)
    for member in range(2):
        assert_allclose(attention(query[member], key[member], value[member])[0], output[member], rtol=1e-10)


def test_keys_and_values_may_be_shuffled_together(rng):
    query, key, value = rng.normal(size=(3, 5)), rng.normal(size=(7, 5)), rng.normal(size=(7, 2))
    order = rng.permutation(7)
    assert_allclose(attention(query, key[order], value[order])[0], attention(query, key, value)[0], rtol=1e-10)


def test_without_projections_it_is_lesson_1(rng):
    x, identity = rng.normal(size=(5, 3)), np.eye(3)
    for mine, plain in zip(self_attention(x, identity, identity, identity), plain_self_attention(x), strict=True):
        assert_allclose(mine, plain, rtol=1e-10)


def test_self_attention_is_cross_attention_to_oneself(rng):
    x, weights = rng.normal(size=(2, 5, 7)), weights_for(rng)
    for mine, cross in zip(self_attention(x, *weights), cross_attention(x, x, *weights), strict=True):
        assert_allclose(mine, cross, rtol=1e-12)


def test_the_context_alone_is_looked_at(rng):
    x, context, weights = rng.normal(size=(3, 7)), rng.normal(size=(5, 7)), weights_for(rng)
    output, looked = cross_attention(x, context, *weights)
    assert (output.shape, looked.shape) == ((3, 2), (3, 5))
    alone, _ = cross_attention(x[:1], context, *weights)
    assert_allclose(alone, output[:1], rtol=1e-10)


def test_a_head_that_looks_back_has_a_share_of_one():
    looks_back = np.eye(5, k=-1)
    looks_back[0, 0] = 1.0
    heads = np.stack([looks_back, np.eye(5), np.full((5, 5), 0.2)])
    assert previous_token_share(looks_back) == 1.0
    assert_allclose(previous_token_share(heads), [1, 0, 0.2], rtol=1e-12)

"""Properties of lesson 4's references."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from solutions.intuition import softmax
from solutions.masking import (
    causal_mask,
    diagnose_leaks,
    masked_attention,
    masked_softmax,
    padding_mask,
    sees_the_future,
)
from solutions.scaling import scaled_dot_product_attention


def causal(x):
    return masked_attention(x, x, x, causal_mask(len(x)))[0]


def test_the_future_cannot_change_the_past(rng):
    x = rng.normal(size=(7, 5))
    later = x.copy()
    later[4:] += 1.0
    assert_allclose(causal(x)[:4], causal(later)[:4], rtol=1e-10)


def test_each_query_sees_itself_and_one_key_more_than_the_one_before():
    assert causal_mask(7).sum(axis=1).tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert causal_mask(1).tolist() == [[True]]


def test_a_sentence_in_a_padded_batch_gives_the_same_numbers_as_alone(rng):
    x = rng.normal(size=(2, 7, 5))
    mask = padding_mask(np.array([4, 7]), 7)
    assert mask.shape == (2, 1, 7)
    together, _ = masked_attention(x, x, x, mask)
    alone, _ = masked_attention(x[0, :4], x[0, :4], x[0, :4])
    assert_allclose(together[0, :4], alone, rtol=1e-12)


def test_hidden_scores_do_not_matter_however_large(rng):
    scores, mask = rng.normal(size=(3, 5)), np.array([True, True, False, True, False])
    loud = np.where(mask, scores, 1e300)
    assert_allclose(masked_softmax(loud, mask), masked_softmax(scores, mask), rtol=1e-12)
    assert_allclose(masked_softmax(scores, mask)[:, mask], softmax(scores[:, mask]), rtol=1e-12)


def test_a_row_without_keys_is_all_zeros(rng):
    weights = masked_softmax(rng.normal(size=(2, 3, 5)), np.array([[True], [False], [True]]))
    assert not weights[:, 1].any()
    assert_allclose(weights.sum(axis=-1), [[1, 0, 1]] * 2, rtol=1e-12)


def test_without_a_mask_it_is_scaled_attention(rng):
    query, key, value = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 7, 5)), rng.normal(size=(2, 7, 11))
    scaled = scaled_dot_product_attention(query, key, value)
    for mine, other in zip(masked_attention(query, key, value), scaled, strict=True):
        assert_allclose(mine, other, rtol=1e-10)


@pytest.mark.parametrize("leak", [1.0, 1e-3])
@pytest.mark.parametrize(("into", "source"), [(0, 6), (3, 4), (5, 6)])
def test_any_leak_is_seen(rng, leak, into, source):
    def leaky(x):
        output = causal(x)
        output[into] += leak * x[source]
        return output

    assert sees_the_future(leaky, 7, 5, rng)


def test_what_is_honest_is_called_honest(rng):
    assert not sees_the_future(causal, 7, 5, rng)
    assert not sees_the_future(lambda x: scaled_dot_product_attention(x, x, x)[0], 1, 5, rng)


def test_the_six_are_told_apart_by_the_words_that_are_offered():
    offered = diagnose_leaks.__doc__.split("out of")[1]
    assert len(diagnose_leaks()) == 6
    assert all(f'"{word}"' in offered for word in diagnose_leaks())
    assert diagnose_leaks().count("honest") == 2

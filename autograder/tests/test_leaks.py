"""The six attention functions of lesson 4 behave as the reference diagnosis says, however they are asked."""

import attention_lab
import numpy as np
import pytest
from numpy.testing import assert_allclose

from solutions.masking import causal_mask, diagnose_leaks, masked_attention, sees_the_future

NAMES = [f"attention_{letter}" for letter in "abcdef"]
FOUND = dict(zip(NAMES, diagnose_leaks(), strict=True))


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def called(word):
    """The functions to which the diagnosis gives this word."""
    return [getattr(attention_lab, name) for name in NAMES if FOUND[name] == word]


def influence(attention, length, d_model, rng):
    """(length, length): how far output i moves when token j does."""
    x = rng.normal(size=(length, d_model))
    moved = [np.abs(attention(x + np.eye(length)[:, [j]]) - attention(x)).max(axis=-1) for j in range(length)]
    return np.stack(moved, axis=1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("length", "d_model"), [(2, 1), (5, 3), (7, 2), (13, 11)])
def test_the_detector_and_the_diagnosis_agree(name, length, d_model, rng):
    attention = getattr(attention_lab, name)
    assert sees_the_future(attention, length, d_model, rng) == (FOUND[name] != "honest")
    assert not sees_the_future(attention, 1, d_model, rng)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_inputs_are_kept_and_integers_will_do(name, rng):
    attention, x = getattr(attention_lab, name), rng.integers(-3, 4, (5, 3))
    before = x.copy()
    assert attention(x).shape == (5, 3) and np.isfinite(attention(x)).all()
    assert (x == before).all()


def test_the_honest_stay_honest_however_loud_the_future(rng):
    x = rng.normal(size=(7, 3))
    loud = x.copy()
    loud[4:] = 1e6
    for attention in called("honest"):
        assert_allclose(attention(loud)[:4], attention(x)[:4], rtol=0, atol=1e-12)


def test_the_honest_are_not_plain_causal_attention(rng):
    x = rng.normal(size=(7, 3))
    plain, _ = masked_attention(x, x, x, causal_mask(7))
    for attention in called("honest"):
        assert np.abs(attention(x) - plain).max() > 0.1


def test_one_ahead_is_a_single_line_above_the_diagonal(rng):
    (attention,) = called("one ahead")
    seen = influence(attention, 7, 3, rng) > 1e-9
    assert np.diagonal(seen, 1).all() and not np.triu(seen, 2).any()


def test_after_the_softmax_the_first_output_only_changes_its_length(rng):
    (attention,) = called("after softmax")
    x = rng.normal(size=(7, 3))
    later = x.copy()
    later[1:] = rng.normal(size=(6, 3))
    shares = attention(x)[0] / x[0], attention(later)[0] / x[0]
    for share in shares:
        assert_allclose(share, share[0], rtol=1e-10)
        assert 0 < share[0] < 1
    assert abs(shares[0][0] - shares[1][0]) > 1e-3


def test_a_small_fill_whispers_until_the_future_shouts(rng):
    (attention,) = called("fill too small")
    x = rng.normal(size=(7, 3))
    whisper = np.triu(influence(attention, 7, 3, rng), 1).max()
    assert 1e-9 < whisper < 1e-3
    x[-1] = 1e6
    assert np.abs(attention(x)[0]).max() > 1


def test_a_mean_of_all_cannot_tell_a_sentence_from_the_same_one_shifted(rng):
    x = rng.normal(size=(7, 3))
    for name, word in FOUND.items():
        attention = getattr(attention_lab, name)
        same = np.allclose(attention(x), attention(x + 3.0), atol=1e-9)
        assert same == (name in ("attention_a", "attention_e"))
        assert np.triu(influence(attention, 7, 3, rng), 1).max() > 0.05 or word != "mean of all"

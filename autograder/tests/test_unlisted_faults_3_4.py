"""Faults of lessons 3 and 4 that no list knows: each must fail, and none is called by a name it does not deserve."""

import numpy as np

from autograder.tests.written import Written, assert_fails_without_a_name, each

wrong = Written()


@each(wrong)
def test_it_fails_without_a_name(sheet_of, answer):
    assert_fails_without_a_name(sheet_of, answer)


def softmax(scores, axis=-1):
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def scaled(query, key):
    return query @ np.swapaxes(key, -1, -2) / np.sqrt(query.shape[-1])


def blended(weights, value):
    return weights @ value, weights


def masked(scores, mask):
    return np.nan_to_num(softmax(np.where(mask, scores, -np.inf)))


# ---- score_variance and sees_the_future


@wrong("score_variance")
def variance_of_the_entries(d_k, num_samples, rng):
    return rng.normal(size=(num_samples, d_k)).var()


@wrong("score_variance")
def variance_of_the_products(d_k, num_samples, rng):
    return np.prod(rng.normal(size=(2, num_samples, d_k)), axis=0).var()


@wrong("score_variance")
def uniform_numbers(d_k, num_samples, rng):
    return (rng.uniform(-1, 1, (2, num_samples, d_k)).prod(0)).sum(-1).var()


@wrong("score_variance")
def a_third_too_much(d_k, num_samples, rng):
    return 1.33 * (rng.normal(size=(2, num_samples, d_k)).prod(0)).sum(-1).var()


@wrong("score_variance")
def the_query_with_itself(d_k, num_samples, rng):
    return (rng.normal(size=(num_samples, d_k)) ** 2).sum(-1).var()


@wrong("score_variance")
def all_the_scores(d_k, num_samples, rng):
    return (rng.normal(size=(2, num_samples, d_k)).prod(0)).sum(-1)


@wrong("sees_the_future")
def blind_to_small_leaks(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    for position in range(1, length):
        later = x.copy()
        later[position:] += 1
        if np.abs(attention(x) - attention(later))[:position].max(initial=0) > 0.01:
            return True
    return False


@wrong("sees_the_future")
def the_other_way_round(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    later = x.copy()
    later[-1] += 1
    return bool(np.allclose(attention(x)[:-1], attention(later)[:-1], rtol=0, atol=1e-9))


@wrong("sees_the_future")
def looks_into_the_past(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    for position in range(1, length):
        earlier = x.copy()
        earlier[:position] += 1
        if np.abs(attention(x) - attention(earlier))[position:].max() > 1e-9:
            return True
    return False


@wrong("sees_the_future")
def only_the_neighbour(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    for position in range(1, length):
        later = x.copy()
        later[position] += 1
        if np.abs(attention(x) - attention(later))[position - 1].max() > 1e-9:
            return True
    return False


def _without_abs(change):
    def detector(attention, length, d_model, rng):
        x = rng.normal(size=(length, d_model))
        for position in range(1, length):
            later = x.copy()
            later[position:] = change(x[position:], rng)
            if (attention(later) - attention(x))[:position].max() > 1e-9:
                return True
        return False

    return detector


for change in (
    lambda tokens, rng: tokens + 1,
    lambda tokens, rng: tokens - 1,
    lambda tokens, rng: rng.normal(size=tokens.shape),
    lambda tokens, rng: rng.uniform(size=tokens.shape),
):
    wrong("sees_the_future")(_without_abs(change))


@wrong("sees_the_future")
def guesses(attention, length, d_model, rng):
    return bool(rng.integers(2))


@wrong("sees_the_future")
def one_for_true(attention, length, d_model, rng):
    return 1


# ---- scaled_dot_product_attention


@wrong("scaled_dot_product_attention")
def cube_root(query, key, value):
    return blended(softmax(scaled(query, key) * np.sqrt(query.shape[-1]) / np.cbrt(query.shape[-1])), value)


@wrong("scaled_dot_product_attention")
def root_of_one_more(query, key, value):
    return blended(softmax(query @ np.swapaxes(key, -1, -2) / np.sqrt(query.shape[-1] + 1)), value)


@wrong("scaled_dot_product_attention")
def an_uncommon_constant(query, key, value):
    return blended(softmax(query @ np.swapaxes(key, -1, -2) / 1.7), value)


@wrong("scaled_dot_product_attention")
def cosines(query, key, value):
    norms = [np.maximum(np.linalg.norm(array, axis=-1, keepdims=True), 1e-9) for array in (query, key)]
    return blended(softmax((query / norms[0]) @ np.swapaxes(key / norms[1], -1, -2)), value)


@wrong("scaled_dot_product_attention")
def causal_already(query, key, value):
    scores = scaled(query, key)
    return blended(softmax(np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)), value)


@wrong("scaled_dot_product_attention")
def output_with_unscaled_weights(query, key, value):
    scores = scaled(query, key)
    return softmax(scores * np.sqrt(query.shape[-1])) @ value, softmax(scores)


@wrong("scaled_dot_product_attention")
def softmax_twice(query, key, value):
    return blended(softmax(softmax(scaled(query, key))), value)


@wrong("scaled_dot_product_attention")
def an_epsilon_below(query, key, value):
    powers = np.exp(scaled(query, key) - scaled(query, key).max(-1, keepdims=True))
    return blended(powers / (powers.sum(-1, keepdims=True) + 1e-3), value)


@wrong("scaled_dot_product_attention")
def rounded(query, key, value):
    return blended(np.round(softmax(scaled(query, key)), 3), value)


# ---- entropy and softmax_jacobian


@wrong("entropy")
def base_ten(weights):
    return -np.sum(weights * np.log10(np.where(weights > 0, weights, 1)), -1)


@wrong("entropy")
def relative_to_the_largest(weights):
    total = -np.sum(weights * np.log(np.where(weights > 0, weights, 1)), -1)
    return total / np.log(max(weights.shape[-1], 2))


@wrong("entropy")
def sum_of_all_rows(weights):
    return -np.sum(weights * np.log(np.where(weights > 0, weights, 1)))


@wrong("entropy")
def along_the_first_axis(weights):
    return -np.sum(weights * np.log(np.where(weights > 0, weights, 1)), 0)


@wrong("entropy")
def a_large_epsilon(weights):
    return -np.sum(weights * np.log(weights + 1e-3), -1)


@wrong("entropy")
def one_plus(weights):
    return -np.sum(weights * np.log1p(weights), -1)


@wrong("entropy")
def without_the_weights(weights):
    return -np.sum(np.log(np.where(weights > 0, weights, 1)), -1)


@wrong("entropy")
def gini(weights):
    return 1 - np.sum(weights**2, -1)


@wrong("softmax_jacobian")
def outer_alone(weights):
    return np.outer(weights, weights)


@wrong("softmax_jacobian")
def identity_minus_outer(weights):
    return np.eye(len(weights)) - np.outer(weights, weights)


@wrong("softmax_jacobian")
def scaled_by_columns_twice(weights):
    return weights[:, None] * (np.eye(len(weights)) - weights) * weights


@wrong("softmax_jacobian")
def rows_without_their_weight(weights):
    return np.eye(len(weights)) - weights


@wrong("softmax_jacobian")
def diagonal_alone_as_a_vector(weights):
    return weights * (1 - weights)


# ---- causal_mask and padding_mask


@wrong("causal_mask")
def everything(length):
    return np.ones((length, length), bool)


@wrong("causal_mask")
def the_diagonal(length):
    return np.eye(length, dtype=bool)


@wrong("causal_mask")
def two_ahead(length):
    return np.tri(length, k=2, dtype=bool)


@wrong("causal_mask")
def a_band(length):
    return np.tri(length, dtype=bool) & ~np.tri(length, k=-3, dtype=bool)


@wrong("causal_mask")
def always_three(length):
    return np.tri(3, dtype=bool)


@wrong("causal_mask")
def one_token_too_many(length):
    return np.tri(length + 1, dtype=bool)


@wrong("padding_mask")
def nothing_hidden(lengths, max_length):
    return np.ones((len(lengths), 1, max_length), bool)


@wrong("padding_mask")
def padded_on_the_left(lengths, max_length):
    return (np.arange(max_length) < lengths[:, None])[:, None, ::-1]


@wrong("padding_mask")
def both_axes(lengths, max_length):
    mask = np.arange(max_length) < lengths[:, None]
    return mask[:, :, None] & mask[:, None, :]


@wrong("padding_mask")
def as_long_as_the_longest(lengths, max_length):
    return np.arange(lengths.max()) < lengths[:, None, None]


@wrong("padding_mask")
def with_the_axis_of_the_heads(lengths, max_length):
    return (np.arange(max_length) < lengths[:, None])[:, None, None, :]


@wrong("padding_mask")
def in_numbers(lengths, max_length):
    return (np.arange(max_length) < lengths[:, None, None]).astype(float)


@wrong("padding_mask")
def the_same_for_all(lengths, max_length):
    return np.broadcast_to(np.arange(max_length) < lengths[0], (len(lengths), 1, max_length))


# ---- masked_softmax and masked_attention


@wrong("masked_softmax")
def divided_again(scores, mask):
    late = softmax(scores) * mask
    return late / late.sum(-1, keepdims=True)


@wrong("masked_softmax")
def divided_again_where_something_is_left(scores, mask):
    late = softmax(scores) * mask
    total = late.sum(-1, keepdims=True)
    return np.divide(late, total, out=np.zeros_like(late), where=total > 0)


@wrong("masked_softmax")
def the_mask_is_overwritten(scores, mask):
    weights = masked(scores, mask)
    mask[...] = True
    return weights


@wrong("masked_softmax")
def ones_in_an_empty_row(scores, mask):
    weights = masked(scores, mask)
    return np.where(np.any(np.broadcast_to(mask, scores.shape), -1, keepdims=True), weights, 1.0)


@wrong("masked_softmax")
def the_first_key_in_an_empty_row(scores, mask):
    weights = masked(scores, mask)
    weights[~np.broadcast_to(mask, scores.shape).any(-1), 0] = 1
    return weights


@wrong("masked_softmax")
def an_epsilon_in_the_sum(scores, mask):
    weights = masked(scores, mask)
    return weights / (weights.sum(-1, keepdims=True) + 1e-4)


@wrong("masked_softmax")
def over_the_columns(scores, mask):
    return np.nan_to_num(softmax(np.where(mask, scores, -np.inf), axis=-2))


@wrong("masked_softmax")
def the_first_row_of_the_mask(scores, mask):
    mask = np.broadcast_to(mask, scores.shape)
    return masked(scores, np.broadcast_to(mask[..., :1, :], scores.shape))


@wrong("masked_softmax")
def one_fifth_is_dropped(scores, mask):
    return masked(scores, mask) * 0.8


@wrong("masked_attention")
def scaled_by_the_root_of_the_length(query, key, value, mask=None):
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-2])
    return blended(masked(scores, True if mask is None else mask), value)


@wrong("masked_attention")
def always_causal(query, key, value, mask=None):
    scores = scaled(query, key)
    return blended(masked(scores, np.tri(*scores.shape[-2:], dtype=bool)), value)


@wrong("masked_attention")
def masked_values(query, key, value, mask=None):
    weights = softmax(scaled(query, key))
    return (weights if mask is None else weights * mask) @ value, weights


@wrong("masked_attention")
def mean_in_an_empty_row(query, key, value, mask=None):
    weights = masked(scaled(query, key), True if mask is None else mask)
    output = weights @ value
    if mask is not None:
        empty = ~np.broadcast_to(mask, weights.shape).any(-1, keepdims=True)
        output = np.where(empty, value.mean(-2, keepdims=True), output)
    return output, weights


@wrong("masked_attention")
def one_where_hidden(query, key, value, mask=None):
    scores = scaled(query, key)
    return blended(softmax(scores if mask is None else np.where(mask, scores, 1.0)), value)


@wrong("masked_attention")
def positional_mask_only_in_batches(query, key, value, mask=None):
    return blended(masked(scaled(query, key), True if mask is None or query.ndim == 2 else mask), value)


# ---- diagnose_leaks


@wrong("diagnose_leaks")
def everyone_is_honest():
    return ("honest",) * 6


@wrong("diagnose_leaks")
def a_whisper_taken_for_honest():
    return "mean of all", "honest", "honest", "after softmax", "honest", "one ahead"


@wrong("diagnose_leaks")
def a_wrong_word_that_nobody_deserves():
    return "mean of all", "inverted", "fill too small", "after softmax", "honest", "one ahead"


@wrong("diagnose_leaks")
def the_strange_ones_suspected():
    return "mean of all", "one ahead", "fill too small", "after softmax", "mean of all", "one ahead"


@wrong("diagnose_leaks")
def five_words_for_six():
    return "mean of all", "honest", "fill too small", "after softmax", "honest"


# ---- temperature_answers


@wrong("temperature_answers")
def a_hot_row_taken_for_deaf():
    return "zero", "zero", "log n", "zero", "falls", "stays", "no gradient"


@wrong("temperature_answers")
def cold_and_hot_exchanged():
    return "log n", "0.242", "zero", "zero", "falls", "stays", "no gradient"


@wrong("temperature_answers")
def the_square_root_not_trusted():
    return "zero", "zero", "log n", "0.242", "stays", "falls", "no gradient"


@wrong("temperature_answers")
def one_word_for_all_gaps():
    return ("zero",) * 7


@wrong("temperature_answers")
def a_number_for_a_word():
    return "zero", "zero", "log n", 0.242, "falls", "stays", "no gradient"

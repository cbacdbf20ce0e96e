"""Faults that no list knows: every one must fail, and hardly any may be called by a name that it does not deserve."""

import numpy as np

from autograder.tests.written import Written, assert_fails, each

wrong = Written()


def softmax(scores, axis=-1):
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def dots(query, key):
    return query @ np.swapaxes(key, -1, -2)


def attend(query, key, value):
    weights = softmax(dots(query, key))
    return weights @ value, weights


# ---- softmax


@wrong("softmax")
def without_keepdims(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis))
    return powers / powers.sum(axis=axis)


@wrong("softmax")
def sum_without_keepdims(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis)


@wrong("softmax")
def tanh_for_exp(scores, axis=-1):
    powers = np.tanh(scores) + 1
    return powers / powers.sum(axis=axis, keepdims=True)


@wrong("softmax")
def powers_of_two(scores, axis=-1):
    powers = np.exp2(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@wrong("softmax")
def powers_of_ten(scores, axis=-1):
    powers = 10.0 ** (scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@wrong("softmax")
def minus_the_minimum(scores, axis=-1):
    powers = np.exp(scores - scores.min(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@wrong("softmax")
def softmin(scores, axis=-1):
    return softmax(-scores, axis)


@wrong("softmax")
def twice(scores, axis=-1):
    return softmax(softmax(scores, axis), axis)


@wrong("softmax")
def temperature_two(scores, axis=-1):
    return softmax(scores / 2, axis)


@wrong("softmax")
def logarithm_of_it(scores, axis=-1):
    return np.log(softmax(scores, axis))


@wrong("softmax")
def sigmoid(scores, axis=-1):
    return 1 / (1 + np.exp(-scores))


@wrong("softmax")
def divided_by_the_maximum(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.max(axis=axis, keepdims=True)


@wrong("softmax")
def only_the_numerator(scores, axis=-1):
    return np.exp(scores - scores.max(axis=axis, keepdims=True))


@wrong("softmax")
def mean_for_sum(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.mean(axis=axis, keepdims=True)


@wrong("softmax")
def epsilon_below(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / (powers.sum(axis=axis, keepdims=True) + 1e-3)


@wrong("softmax")
def small_epsilon_below(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / (powers.sum(axis=axis, keepdims=True) + 1e-4)


@wrong("softmax")
def argmax(scores, axis=-1):
    return (scores == scores.max(axis=axis, keepdims=True)).astype(float)


@wrong("softmax")
def rounded_to_three_digits(scores, axis=-1):
    return np.round(softmax(scores, axis), 3)


@wrong("softmax")
def clipped(scores, axis=-1):
    powers = np.exp(np.clip(scores, -500, 500))
    return powers / powers.sum(axis=axis, keepdims=True)


@wrong("softmax")
def infinities_made_finite(scores, axis=-1):
    return softmax(np.nan_to_num(scores, neginf=0.0), axis)


@wrong("softmax")
def one_row_only(scores, axis=-1):
    result = np.zeros(scores.shape)
    result[0] = softmax(scores, axis)[0]
    return result


@wrong("softmax")
def integers_stay_integers(scores, axis=-1):
    return softmax(scores, axis).astype(scores.dtype)


@wrong("softmax")
def two_axes_at_most(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / (powers.sum(axis=1)[:, None] if axis in (1, -1) else powers.sum(axis=0))


@wrong("softmax")
def sharpened(scores, axis=-1):
    weights = softmax(scores, axis) ** 2
    return weights / weights.sum(axis=axis, keepdims=True)


@wrong("softmax")
def reversed_line(scores, axis=-1):
    return np.flip(softmax(scores, axis), axis)


@wrong("softmax")
def constant(scores, axis=-1):
    return np.ones(scores.shape) / scores.shape[axis]


@wrong("softmax")
def far_scores_dropped(scores, axis=-1):
    shifted = scores - scores.max(axis=axis, keepdims=True)
    return softmax(np.where(shifted < -1, -np.inf, shifted), axis)


# ---- blend


@wrong("blend")
def weights_normalised_again(weights, values):
    return softmax(weights) @ values


@wrong("blend")
def sum_of_all_values(weights, values):
    return np.ones_like(weights) @ values


@wrong("blend")
def only_the_strongest(weights, values):
    return (weights == weights.max(axis=-1, keepdims=True)) @ values


@wrong("blend")
def residual(weights, values):
    mixed = weights @ values
    return mixed + values if mixed.shape == values.shape else mixed


@wrong("blend")
def first_batch_only(weights, values):
    return weights @ values if weights.ndim == 2 else np.stack([weights[0] @ values[0]] * len(weights))


@wrong("blend")
def squared_weights(weights, values):
    return weights**2 @ values


@wrong("blend")
def last_key_dropped(weights, values):
    return weights[..., :-1] @ values[..., :-1, :]


@wrong("blend")
def divided_by_the_number_of_keys(weights, values):
    return weights @ values / values.shape[-2]


@wrong("blend")
def transposed_output(weights, values):
    return np.swapaxes(weights @ values, -1, -2)


@wrong("blend")
def copies_of_the_first_row(weights, values):
    mixed = weights @ values
    return np.repeat(mixed[..., :1, :], mixed.shape[-2], axis=-2)


@wrong("blend")
def matrices_only(weights, values):
    return np.dot(weights, values)


@wrong("blend")
def truncated(weights, values):
    return (weights @ values).astype(int).astype(float)


# ---- attend


@wrong("attend")
def cosine_similarity(query, keys, values):
    scores = keys @ query / (np.linalg.norm(keys, axis=1) * np.linalg.norm(query) + 1e-12)
    weights = softmax(scores)
    return weights @ values, weights


@wrong("attend")
def negative_distances(query, keys, values):
    weights = softmax(-np.linalg.norm(keys - query, axis=1))
    return weights @ values, weights


@wrong("attend")
def the_best_key_alone(query, keys, values):
    weights = np.eye(len(keys))[np.argmax(keys @ query)]
    return weights @ values, weights


@wrong("attend")
def scores_returned(query, keys, values):
    scores = keys @ query
    return softmax(scores) @ values, scores


@wrong("attend")
def halved_scores(query, keys, values):
    weights = softmax(keys @ query / 2)
    return weights @ values, weights


@wrong("attend")
def output_as_a_row(query, keys, values):
    weights = softmax(query[None] @ keys.T)
    return weights @ values, weights


@wrong("attend")
def output_alone(query, keys, values):
    return softmax(keys @ query) @ values


@wrong("attend")
def negative_scores(query, keys, values):
    weights = softmax(-(keys @ query))
    return weights @ values, weights


@wrong("attend")
def first_key_ignored(query, keys, values):
    weights = softmax(keys @ query)
    weights[0] = 0
    return weights @ values, weights


@wrong("attend")
def output_divided_by_n(query, keys, values):
    weights = softmax(keys @ query)
    return weights @ values / len(keys), weights


# ---- plain_self_attention


@wrong("plain_self_attention")
def scaled_by_d(x):
    weights = softmax(x @ x.T / x.shape[1])
    return weights @ x, weights


@wrong("plain_self_attention")
def scaled_by_the_root_of_n(x):
    weights = softmax(x @ x.T / np.sqrt(len(x)))
    return weights @ x, weights


@wrong("plain_self_attention")
def causal(x):
    scores = np.where(np.tri(len(x), dtype=bool), x @ x.T, -np.inf)
    weights = softmax(scores)
    return weights @ x, weights


@wrong("plain_self_attention")
def never_itself(x):
    scores = np.where(np.eye(len(x), dtype=bool), -1e9, x @ x.T)
    weights = softmax(scores)
    return weights @ x, weights


@wrong("plain_self_attention")
def with_a_residual(x):
    weights = softmax(x @ x.T)
    return x + weights @ x, weights


@wrong("plain_self_attention")
def features_attend(x):
    weights = softmax(x.T @ x)
    return (weights @ x.T).T, weights


@wrong("plain_self_attention")
def normalised_tokens(x):
    unit = x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-12)
    weights = softmax(unit @ unit.T)
    return weights @ x, weights


@wrong("plain_self_attention")
def attention_of_the_first_token(x):
    weights = np.tile(softmax(x @ x[0]), (len(x), 1))
    return weights @ x, weights


@wrong("plain_self_attention")
def blended_twice(x):
    weights = softmax(x @ x.T)
    return weights @ weights @ x, weights


@wrong("plain_self_attention")
def the_tokens_unchanged(x):
    return x.copy(), softmax(x @ x.T)


# ---- project


@wrong("project")
def bias_subtracted(x, weight, bias=None):
    return x @ weight if bias is None else x @ weight - bias


@wrong("project")
def bias_before_the_weight(x, weight, bias=None):
    return x @ weight if bias is None else (x + bias.sum()) @ weight


@wrong("project")
def bias_needed(x, weight, bias=None):
    return x @ weight + bias


@wrong("project")
def bias_twice(x, weight, bias=None):
    return x @ weight if bias is None else x @ weight + bias + bias


@wrong("project")
def activated(x, weight, bias=None):
    projected = x @ weight if bias is None else x @ weight + bias
    return np.maximum(projected, 0)


@wrong("project")
def only_with_a_bias(x, weight, bias=None):
    return x if bias is None else x @ weight + bias


@wrong("project")
def bias_as_a_column(x, weight, bias=None):
    return x @ weight if bias is None else x @ weight + bias[:, None]


# ---- attention_scores


@wrong("attention_scores")
def cosines(query, key):
    norms = np.linalg.norm(query, axis=-1)[..., :, None] * np.linalg.norm(key, axis=-1)[..., None, :]
    return dots(query, key) / np.maximum(norms, 1e-12)


@wrong("attention_scores")
def already_softmaxed(query, key):
    return softmax(dots(query, key))


@wrong("attention_scores")
def distances(query, key):
    return -np.linalg.norm(query[..., :, None, :] - key[..., None, :, :], axis=-1)


@wrong("attention_scores")
def absolute(query, key):
    return np.abs(dots(query, key))


@wrong("attention_scores")
def divided_by_d(query, key):
    return dots(query, key) / query.shape[-1]


@wrong("attention_scores")
def all_batches_with_all(query, key):
    return np.einsum("...qd,kd->...qk", query, key.reshape(-1, key.shape[-1])[: key.shape[-2]])


@wrong("attention_scores")
def no_transpose(query, key):
    return query @ key


@wrong("attention_scores")
def in_half_precision(query, key):
    return dots(query, key).astype(np.float16).astype(float)


# ---- attention, self_attention, cross_attention


@wrong("attention")
def average_over_the_batch(query, key, value):
    output, weights = attend(query, key, value)
    return (output, weights) if output.ndim == 2 else (np.broadcast_to(output.mean(0), output.shape), weights)


@wrong("attention")
def epsilon_in_the_sum(query, key, value):
    powers = np.exp(dots(query, key) - dots(query, key).max(-1, keepdims=True))
    weights = powers / (powers.sum(-1, keepdims=True) + 1e-3)
    return weights @ value, weights


@wrong("attention")
def unnormalised_output(query, key, value):
    powers = np.exp(dots(query, key) - dots(query, key).max(-1, keepdims=True))
    return powers @ value, powers / powers.sum(-1, keepdims=True)


@wrong("attention")
def scores_for_weights(query, key, value):
    scores = dots(query, key)
    return softmax(scores) @ value, scores


@wrong("attention")
def scaled_by_d_k(query, key, value):
    return attend(query / query.shape[-1], key, value)


@wrong("attention")
def scaled_after_the_softmax(query, key, value):
    weights = softmax(dots(query, key)) / np.sqrt(query.shape[-1])
    return weights @ value, weights


@wrong("attention")
def softmax_of_the_softmax(query, key, value):
    weights = softmax(softmax(dots(query, key)))
    return weights @ value, weights


@wrong("attention")
def query_added(query, key, value):
    output, weights = attend(query, key, value)
    return (output + query if output.shape == query.shape else output), weights


@wrong("attention")
def value_for_query(query, key, value):
    return attend(value, key, value)


@wrong("attention")
def first_sequence_for_all(query, key, value):
    if query.ndim == 2:
        return attend(query, key, value)
    return attend(query, np.broadcast_to(key[:1], key.shape), np.broadcast_to(value[:1], value.shape))


@wrong("self_attention")
def query_not_projected(x, w_q, w_k, w_v):
    return attend(x, x @ w_k, x @ w_v)


@wrong("self_attention")
def query_and_key_swapped(x, w_q, w_k, w_v):
    return attend(x @ w_k, x @ w_q, x @ w_v)


@wrong("self_attention")
def query_and_value_swapped(x, w_q, w_k, w_v):
    return attend(x @ w_v, x @ w_k, x @ w_q)


@wrong("self_attention")
def everything_with_w_q(x, w_q, w_k, w_v):
    return attend(x @ w_q, x @ w_q, x @ w_q)


@wrong("self_attention")
def causal_self_attention(x, w_q, w_k, w_v):
    scores = np.where(np.tri(x.shape[-2], dtype=bool), dots(x @ w_q, x @ w_k), -np.inf)
    weights = softmax(scores)
    return weights @ (x @ w_v), weights


@wrong("self_attention")
def projected_twice(x, w_q, w_k, w_v):
    output, weights = attend(x @ w_q, x @ w_k, x @ w_v)
    return (output @ w_v if w_v.shape[0] == w_v.shape[1] else output * 2), weights


@wrong("self_attention")
def no_projection_at_all(x, w_q, w_k, w_v):
    return attend(x, x, x)


@wrong("cross_attention")
def keys_from_x(x, context, w_q, w_k, w_v):
    weights = softmax(dots(x @ w_q, x @ w_k))
    return weights @ (context @ w_v), weights


@wrong("cross_attention")
def self_attention_of_the_context(x, context, w_q, w_k, w_v):
    return attend(context @ w_q, context @ w_k, context @ w_v)


@wrong("cross_attention")
def both_together(x, context, w_q, w_k, w_v):
    everything = np.concatenate([x, context], axis=-2)
    return attend(x @ w_q, everything @ w_k, everything @ w_v)


@wrong("cross_attention")
def both_added(x, context, w_q, w_k, w_v):
    mixed = x + context if x.shape == context.shape else context
    return attend(x @ w_q, mixed @ w_k, mixed @ w_v)


@wrong("cross_attention")
def one_matrix_for_queries_and_values(x, context, w_q, w_k, w_v):
    return attend(x @ w_q, context @ w_k, context @ w_q)


@wrong("cross_attention")
def with_the_context_averaged(x, context, w_q, w_k, w_v):
    _, weights = attend(x @ w_q, context @ w_k, context @ w_v)
    return weights @ np.broadcast_to(context.mean(-2, keepdims=True), context.shape) @ w_v, weights


# ---- previous_token_share and diagnose_suspects


@wrong("previous_token_share")
def the_next_token(weights):
    return np.diagonal(weights, 1, -2, -1).mean(-1)


@wrong("previous_token_share")
def the_token_itself(weights):
    return np.diagonal(weights, 0, -2, -1).mean(-1)


@wrong("previous_token_share")
def divided_by_all_tokens(weights):
    return np.diagonal(weights, -1, -2, -1).sum(-1) / weights.shape[-1]


@wrong("previous_token_share")
def one_number_for_all_heads(weights):
    return np.diagonal(weights, -1, -2, -1).mean()


@wrong("previous_token_share")
def over_the_first_axes(weights):
    return np.diagonal(weights, -1).mean(-1)


@wrong("previous_token_share")
def total(weights):
    return np.diagonal(weights, -1, -2, -1).sum(-1)


@wrong("diagnose_suspects")
def two_exchanged():
    return "one sum", "overflows", "wrong axis", "no exp"


@wrong("diagnose_suspects")
def always_the_same():
    return ("overflows",) * 4


@each(wrong)
def test_it_fails(sheet_of, answer):
    assert_fails(sheet_of, answer)


DESERVED = {  # two of them come to the same as something on the list
    "query_and_key_swapped": ("scores-transposed",),
    "everything_with_w_q": ("blends-keys", "shared-query-key"),
}


def test_none_is_called_by_a_name_that_it_does_not_deserve(sheet_of):
    named = {
        answer.name: verdict.misconceptions for answer in wrong if (verdict := answer.verdict(sheet_of)).misconceptions
    }
    assert len(wrong) >= 60
    assert named == DESERVED

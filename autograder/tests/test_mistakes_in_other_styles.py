"""The mistakes of lessons 1 and 2, by hand in other styles than the exercises' own: they fail, and are named."""

import math

import numpy as np
import torch

from autograder.tests.written import WrittenAndTold, assert_named, each, listed_mistakes

wrong = WrittenAndTold()


def tensors(*arrays):
    return [torch.tensor(np.asarray(array, dtype=float)) for array in arrays]


def softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


# ---- softmax


@wrong("softmax", "softmax-wrong-axis")
def torch_with_dim_0(scores, axis=-1):
    return torch.softmax(*tensors(scores), dim=0).numpy()


@wrong("softmax", "softmax-wrong-axis")
def column_after_column(scores, axis=0):
    return np.apply_along_axis(lambda line: softmax(line.astype(float)), axis, scores)


@wrong("softmax", "softmax-wrong-axis")
def the_first_axis_where_two_are_counted_from_one(scores, axis=-1):
    weights = scores.astype(float)
    if weights.ndim == 1:
        return softmax(weights)
    weights = np.swapaxes(weights, -2, -1)
    return np.swapaxes(softmax(weights), -2, -1)


@wrong("softmax", "softmax-over-everything")
def flattened_in_torch(scores, axis=-1):
    (tensor,) = tensors(scores)
    return torch.softmax(tensor.flatten(), dim=0).reshape(tensor.shape).numpy()


@wrong("softmax", "softmax-over-everything")
def log_of_one_sum(scores, axis=-1):
    return np.exp(scores - np.logaddexp.reduce(scores.astype(float), axis=None))


@wrong("softmax", "softmax-ignores-axis")
def torch_with_the_last_dim(scores, axis=-1):
    return torch.nn.Softmax(dim=-1)(*tensors(scores)).numpy()


@wrong("softmax", "softmax-ignores-axis")
def rows_in_a_loop(scores, axis=-1):
    if scores.ndim == 1:
        powers = [math.exp(score - max(scores)) for score in scores]
        return np.array([power / sum(powers) for power in powers])
    return np.array([rows_in_a_loop(row) for row in scores])


@wrong("softmax", "softmax-unstable")
def powers_of_e(scores, axis=-1):
    return np.e ** scores.astype(float) / np.sum(np.e ** scores.astype(float), axis=axis, keepdims=True)


@wrong("softmax", "softmax-unstable")
def raw_exp_in_torch(scores, axis=-1):
    (powers,) = tensors(scores)
    powers = powers.exp()
    return (powers / powers.sum(dim=axis, keepdim=True)).numpy()


@wrong("softmax", "softmax-unstable")
def raw_exp_of_the_math_module(scores, axis=-1):
    def line(entries):
        powers = [math.exp(entry) for entry in entries]
        return [power / sum(powers) for power in powers]

    return np.apply_along_axis(line, axis, scores.astype(float))


@wrong("softmax", "softmax-global-max")
def builtin_maximum_of_everything(scores, axis=-1):
    powers = np.exp(scores - max(scores.ravel()))
    return powers / np.expand_dims(powers.sum(axis), axis)


@wrong("softmax", "softmax-global-max")
def global_maximum_in_torch(scores, axis=-1):
    (tensor,) = tensors(scores)
    powers = torch.exp(tensor - torch.max(tensor))
    return (powers / powers.sum(axis, keepdim=True)).numpy()


@wrong("softmax", "softmax-no-exp")
def shares_of_the_scores(scores, axis=-1):
    (tensor,) = tensors(scores)
    return torch.div(tensor, tensor.sum(dim=axis, keepdim=True)).numpy()


@wrong("softmax", "softmax-no-exp")
def shifted_shares(scores, axis=-1):
    top = np.expand_dims(np.amax(scores, axis), axis)
    return (scores - top) / np.expand_dims((scores - top).sum(axis), axis)


@wrong("softmax", "softmax-modifies-input")
def everything_in_place(scores, axis=-1):
    scores -= scores.max(axis=axis, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=axis, keepdims=True)
    return scores


@wrong("softmax", "softmax-modifies-input")
def only_the_shift_in_place(scores, axis=-1):
    np.subtract(scores, scores.max(axis=axis, keepdims=True), out=scores)
    powers = np.exp(scores)
    return powers / powers.sum(axis=axis, keepdims=True)


@wrong("softmax", "softmax-modifies-input")
def in_place_through_torch(scores, axis=-1):
    tensor = torch.from_numpy(scores)
    tensor -= tensor.amax(dim=axis, keepdim=True)
    powers = tensor.double().exp()
    return (powers / powers.sum(axis, keepdim=True)).numpy()


# ---- blend


@wrong("blend", "blend-transposed-weights")
def einsum_with_letters_exchanged(weights, values):
    return np.einsum("...kq,...kd->...qd", weights, values)


@wrong("blend", "blend-transposed-weights")
def columns_of_weights_in_a_loop(weights, values):
    if weights.ndim > 2:
        return np.stack([columns_of_weights_in_a_loop(*pair) for pair in zip(weights, values, strict=True)])
    return np.array([sum(w * v for w, v in zip(column, values, strict=True)) for column in weights.T])


@wrong("blend", "blend-unweighted-mean")
def mean_for_every_query(weights, values):
    return np.stack([values.sum(axis=-2) / values.shape[-2]] * weights.shape[-2], axis=-2)


@wrong("blend", "blend-unweighted-mean")
def uniform_weights(weights, values):
    return (np.ones_like(weights) / weights.shape[-1]) @ values


@wrong("blend", "blend-unweighted-mean")
def one_mean_of_all(weights, values):
    return torch.mean(*tensors(values), dim=-2).numpy()


# ---- attend


@wrong("attend", "scores-elementwise")
def products_that_are_never_summed(query, keys, values):
    weights = softmax(np.array([query * key for key in keys]))
    return np.tensordot(weights, values, axes=1), weights


@wrong("attend", "scores-elementwise")
def products_blended_the_other_way(query, keys, values):
    weights = softmax(np.einsum("d,nd->nd", query, keys))
    return np.einsum("nd,nv->dv", weights, values), weights


@wrong("attend", "scaled-early")
def root_of_the_length_of_the_query(query, keys, values):
    scores = [np.dot(query, key) / math.sqrt(len(query)) for key in keys]
    weights = softmax(np.array(scores))
    return sum(w * v for w, v in zip(weights, values, strict=True)), weights


@wrong("attend", "scaled-early")
def torchs_own_attention(query, keys, values):
    query, keys, values = tensors(query, keys, values)
    own = torch.nn.functional.scaled_dot_product_attention
    identity = torch.eye(len(keys), dtype=torch.float64)
    return own(query[None], keys, values)[0].numpy(), own(query[None], keys, identity)[0].numpy()


@wrong("attend", "no-softmax")
def scores_as_they_are(query, keys, values):
    scores = np.array([sum(a * b for a, b in zip(query, key, strict=True)) for key in keys])
    return np.einsum("n,nd->d", scores, values), scores


@wrong("attend", "softmax-no-exp")
def scores_divided_by_their_sum(query, keys, values):
    scores = np.inner(query, keys)
    weights = scores / sum(scores)
    return np.dot(weights, values), weights


@wrong("attend", "softmax-unstable")
def exp_of_raw_products(query, keys, values):
    query, keys, values = tensors(query, keys, values)
    powers = torch.exp(keys @ query)
    weights = powers / torch.sum(powers)
    return (weights @ values).numpy(), weights.numpy()


@wrong("attend", "softmax-unstable")
def math_exp_of_raw_products(query, keys, values):
    powers = [math.exp(float(key @ query)) for key in keys]
    weights = np.array([power / sum(powers) for power in powers])
    return weights.dot(values), weights


@wrong("attend", "blends-keys")
def weighted_sum_of_keys(query, keys, values):
    weights = softmax(np.dot(keys, query))
    return sum(weight * key for weight, key in zip(weights, keys, strict=True)), weights


@wrong("attend", "blend-unweighted-mean")
def average_of_the_values(query, keys, values):
    return np.average(values, axis=0), softmax((keys * query).sum(axis=1))


@wrong("attend", "swapped-return")
def weights_come_first(query, keys, values):
    query, keys, values = tensors(query, keys, values)
    weights = torch.softmax(keys @ query, 0)
    return weights.numpy(), torch.mv(values.T, weights).numpy()


# ---- plain_self_attention


@wrong("plain_self_attention", "scores-elementwise")
def squares(x):
    weights = softmax(x**2)
    return np.matmul(weights, x), weights


@wrong("plain_self_attention", "scores-elementwise")
def squares_all_the_way(x):
    (tensor,) = tensors(x)
    weights = torch.softmax(tensor.square(), -1)
    return (weights * tensor).numpy(), weights.numpy()


@wrong("plain_self_attention", "scaled-early")
def power_of_minus_a_half(x):
    weights = softmax(np.einsum("id,jd->ij", x, x) * x.shape[1] ** -0.5)
    return np.einsum("ij,jd->id", weights, x), weights


@wrong("plain_self_attention", "no-softmax")
def every_pair_unnormalised(x):
    scores = np.array([[np.dot(a, b) for b in x] for a in x])
    return scores @ x, scores


@wrong("plain_self_attention", "softmax-wrong-axis")
def torch_down_the_columns(x):
    (x,) = tensors(x)
    weights = torch.softmax(x @ x.T, dim=0)
    return (weights @ x).numpy(), weights.numpy()


@wrong("plain_self_attention", "softmax-wrong-axis")
def sum_without_keepdims_over_columns(x):
    powers = np.exp(x @ x.T - (x @ x.T).max(axis=0))
    weights = powers / powers.sum(axis=0)
    return weights @ x, weights


@wrong("plain_self_attention", "softmax-over-everything")
def one_sum_for_all_pairs(x):
    scores = x.dot(x.T)
    powers = np.exp(scores - scores.max())
    weights = powers / sum(powers.ravel())
    return weights @ x, weights


@wrong("plain_self_attention", "softmax-no-exp")
def rows_divided_by_their_sums(x):
    scores = np.inner(x, x)
    weights = np.array([row / row.sum() for row in scores])
    return weights @ x, weights


@wrong("plain_self_attention", "softmax-unstable")
def raw_powers(x):
    powers = np.power(np.e, (x @ x.T).astype(float))
    weights = powers / powers.sum(axis=1)[:, None]
    return weights @ x, weights


@wrong("plain_self_attention", "softmax-global-max")
def one_maximum_for_all(x):
    (x,) = tensors(x)
    powers = torch.exp(x @ x.T - (x @ x.T).max())
    weights = powers / powers.sum(1, keepdim=True)
    return (weights @ x).numpy(), weights.numpy()


@wrong("plain_self_attention", "blend-transposed-weights")
def down_the_columns(x):
    weights = softmax(x @ x.T)
    return np.array([sum(weights[j, i] * x[j] for j in range(len(x))) for i in range(len(x))]), weights


@wrong("plain_self_attention", "blend-unweighted-mean")
def everybody_gets_the_mean(x):
    return np.tile(x.mean(axis=0), (len(x), 1)), softmax(x @ x.T)


@wrong("plain_self_attention", "swapped-return")
def weights_then_output(x):
    weights = np.stack([softmax(x @ token) for token in x])
    return [weights, weights.dot(x)]


# ---- project


@wrong("project", "weight-transposed")
def torchs_linear_without_a_transpose(x, weight, bias=None):
    x, weight = tensors(x, weight)
    return torch.nn.functional.linear(x, weight, None if bias is None else tensors(bias)[0]).numpy()


@wrong("project", "weight-transposed")
def einsum_over_the_outputs(x, weight, bias=None):
    return np.einsum("...o,io->...i", x, weight) + (0 if bias is None else bias)


@wrong("project", "bias-forgotten")
def tensordot_alone(x, weight, bias=None):
    return np.tensordot(x, weight, axes=1)


# ---- attention_scores


@wrong("attention_scores", "scores-transposed")
def einsum_with_keys_first(query, key):
    return np.einsum("...qd,...kd->...kq", query, key)


@wrong("attention_scores", "transpose-all-axes")
def np_transpose(query, key):
    return np.matmul(query, np.transpose(key))


@wrong("attention_scores", "scores-elementwise")
def multiply(query, key):
    return np.multiply(query, key)


@wrong("attention_scores", "scaled-early")
def scaled_query(query, key):
    return np.einsum("...qd,...kd->...qk", query / math.sqrt(query.shape[-1]), key)


# ---- attention, self_attention, cross_attention


def attend(query, key, value):
    weights = softmax(np.einsum("...qd,...kd->...qk", query, key))
    return np.einsum("...qk,...kv->...qv", weights, value), weights


def raw_attend(query, key, value):
    powers = np.exp(query @ key.swapaxes(-1, -2))
    weights = powers / powers.sum(-1)[..., None]
    return weights @ value, weights


def torch_attend(query, key, value, dim=-1):
    query, key, value = tensors(query, key, value)
    weights = torch.softmax(query @ key.mT, dim=dim)
    return (weights @ value).numpy(), weights.numpy()


def scaled_attend(query, key, value):
    return attend(query / query.shape[-1] ** 0.5, key, value)


def no_softmax(query, key, value):
    scores = np.einsum("...qd,...kd->...qk", query, key)
    return np.einsum("...qk,...kv->...qv", scores, value), scores


def all_axes(query, key, value):
    weights = softmax(np.dot(query, key.T)) if query.ndim == 2 else softmax(np.matmul(query, np.transpose(key)))
    return weights @ value, weights


def elementwise(query, key, value):
    weights = softmax(np.multiply(query, key))
    return np.einsum("...qk,...kv->...qv", weights, value), weights


def elementwise_blend(query, key, value):
    weights = torch.softmax(torch.mul(*tensors(query, key)), dim=-1).numpy()
    return np.multiply(weights, value), weights


def keys_ask(query, key, value):
    weights = softmax(np.einsum("...qd,...kd->...kq", query, key))
    return weights @ value, weights


def columns_blended(query, key, value):
    _, weights = attend(query, key, value)
    return np.einsum("...kq,...kv->...qv", weights, value), weights


def first_axis(query, key, value):
    return torch_attend(query, key, value, dim=0)


def second_last_axis(query, key, value):
    scores = np.einsum("...qd,...kd->...qk", query, key)
    powers = np.exp(scores - scores.max(axis=-2, keepdims=True))
    weights = powers / powers.sum(axis=-2, keepdims=True)
    return weights @ value, weights


def keys_collected(query, key, value):
    return attend(query, key, key)


def swapped(query, key, value):
    return torch_attend(query, key, value)[::-1]


def roles_of_key_and_value(query, key, value):
    return torch_attend(query, value, key)


STEPS = (
    ("scores-elementwise", elementwise),
    ("scores-elementwise", elementwise_blend),
    ("scores-transposed", keys_ask),
    ("transpose-all-axes", all_axes),
    ("scaled-early", scaled_attend),
    ("softmax-over-queries", first_axis),
    ("softmax-over-queries", second_last_axis),
    ("softmax-unstable", raw_attend),
    ("no-softmax", no_softmax),
    ("blends-keys", keys_collected),
    ("blend-transposed-weights", columns_blended),
    ("swapped-return", swapped),
)
for mistake, step in (*STEPS, ("key-value-swapped", roles_of_key_and_value)):
    wrong("attention", mistake)(step)


def of_self(step):
    def self_attention(x, w_q, w_k, w_v):
        query, key, value = (np.einsum("...nm,md->...nd", x, weight) for weight in (w_q, w_k, w_v))
        return step(query, key, value)

    self_attention.__name__ = f"self_{step.__name__}"
    return self_attention


def of_cross(step):
    def cross_attention(x, context, w_q, w_k, w_v):
        return step(np.dot(x, w_q), np.dot(context, w_k), np.dot(context, w_v))

    cross_attention.__name__ = f"cross_{step.__name__}"
    return cross_attention


for mistake, step in STEPS:
    wrong("self_attention", mistake)(of_self(step))
    wrong("cross_attention", mistake)(of_cross(step))


@wrong("self_attention", "weight-transposed")
def linear_layers(x, w_q, w_k, w_v):
    x, *weights = tensors(x, w_q, w_k, w_v)
    return torch_attend(*(torch.nn.functional.linear(x, weight) for weight in weights))


@wrong("self_attention", "value-not-projected")
def values_are_the_tokens(x, w_q, w_k, w_v):
    weights = softmax(x @ w_q @ (x @ w_k).swapaxes(-1, -2))
    return np.einsum("...ij,...jd->...id", weights, x), weights


@wrong("self_attention", "shared-query-key")
def one_matrix_for_both(x, w_q, w_k, w_v):
    query = np.tensordot(x, w_q, axes=1)
    return attend(query, query, np.tensordot(x, w_v, axes=1))


@wrong("self_attention", "shared-query-key")
def the_key_matrix_for_both(x, w_q, w_k, w_v):
    both = np.einsum("...nm,md->...nd", x, w_k)
    return torch_attend(both, both, x @ w_v)


@wrong("self_attention", "key-value-swapped")
def weights_in_another_order(x, w_q, w_k, w_v):
    query, value, key = (x.dot(weight) for weight in (w_q, w_k, w_v))
    return attend(query, key, value)


@wrong("cross_attention", "weight-transposed")
def cross_linear_layers(x, context, w_q, w_k, w_v):
    linear = torch.nn.functional.linear
    x, context, w_q, w_k, w_v = tensors(x, context, w_q, w_k, w_v)
    return torch_attend(linear(x, w_q), linear(context, w_k), linear(context, w_v))


@wrong("cross_attention", "value-not-projected")
def cross_values_are_the_tokens(x, context, w_q, w_k, w_v):
    return torch_attend(x @ w_q, context @ w_k, context)


@wrong("cross_attention", "shared-query-key")
def cross_one_matrix_for_both(x, context, w_q, w_k, w_v):
    return attend(np.tensordot(x, w_q, axes=1), np.tensordot(context, w_q, axes=1), context @ w_v)


@wrong("cross_attention", "key-value-swapped")
def cross_weights_in_another_order(x, context, w_q, w_k, w_v):
    return torch_attend(x @ w_q, context @ w_v, context @ w_k)


@wrong("cross_attention", "cross-roles-swapped")
def the_context_asks(x, context, w_q, w_k, w_v):
    x, context = context, x
    return torch_attend(x @ w_q, context @ w_k, context @ w_v)


@wrong("cross_attention", "values-from-queries")
def what_x_hands_over(x, context, w_q, w_k, w_v):
    query, key, value = np.einsum("...nm,md->...nd", x, w_q), context.dot(w_k), x.dot(w_v)
    return attend(query, key, value)


@wrong("cross_attention", "ignores-context")
def self_attention_again(x, context, w_q, w_k, w_v):
    return of_self(attend)(x, w_q, w_k, w_v)


@each(wrong)
def test_it_fails_and_is_named(sheet_of, answer):
    assert_named(sheet_of, answer)


def test_every_mistake_on_the_lists_of_these_lessons_was_written_by_hand():
    assert wrong.told() == listed_mistakes("01_intuition", "02_queries_keys_values")

"""Slips of lessons 1 and 2 that first readers made: each is told in words, and none gets a name that is not its own."""

from typing import NamedTuple

import numpy as np
import pytest
from attention_lab.judge import judge
from attention_lab.plots import plot_matrix, plot_vectors
from attention_lab.predict import predict

from autograder.tests.written import attention, share_out

SLIPS = []


def slip(exercise, words, name=None, points=None):
    """Adds a wrong answer whose message holds `words`; `name` is its misconception, `points` what it still earns."""

    def add(function):
        SLIPS.append(pytest.param(exercise, words, name, points, function, id=f"{exercise}-{function.__name__}"))
        return function

    return add


@pytest.mark.parametrize("seed", (2017, 61))
@pytest.mark.parametrize(("exercise", "words", "name", "points", "function"), SLIPS)
def test_the_slip_is_told_in_words(sheet_of, exercise, words, name, points, function, seed):
    verdict = judge(sheet_of(exercise, seed), function)
    assert verdict.points < verdict.max_points
    assert words in verdict.message, verdict.message
    assert verdict.misconceptions == ((name,) if name else ())
    assert points is None or verdict.points == points


# ---- softmax: another shift leaves the axes right


@slip("softmax", "another number than the largest score", points=3)
def shifts_by_the_smallest(scores, axis=-1):
    powers = np.exp(scores - np.min(scores, axis, keepdims=True))
    return powers / np.sum(powers, axis, keepdims=True)


@slip("softmax", "another number than the largest score", points=3)
def shifts_by_the_mean(scores, axis=-1):
    lines = np.moveaxis(scores, axis, -1)
    powers = np.exp(lines - lines.mean(-1)[..., None])
    return np.moveaxis(powers / powers.sum(-1)[..., None], -1, axis)


@slip("softmax", "another number than the largest score", points=3)
def shifts_by_the_largest_size(scores, axis=-1):
    powers = np.exp(scores - np.abs(scores).max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@slip("softmax", "added to all scores", points=3)
def adds_the_maximum(scores, axis=-1):
    powers = np.exp(scores + scores.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


@slip("softmax", "sign turned")
def takes_the_scores_from_the_maximum(scores, axis=-1):
    powers = np.exp(scores.max(axis, keepdims=True) - scores)
    return powers / powers.sum(axis, keepdims=True)


@slip("softmax", "Python's own `max` compares whole rows")
def pythons_max(scores, axis=-1):
    powers = np.exp(scores - max(scores))
    return powers / powers.sum(axis, keepdims=True)


@slip("softmax", "Python's own `sum`", "softmax-wrong-axis")
def pythons_sum(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis, keepdims=True))
    return powers / sum(powers)


@slip("softmax", "is right to four digits, but no further: is anything rounded")
def rounds_for_the_eye(scores, axis=-1):
    return share_out(scores, axis).round(4)


# ---- products of stacks


@slip("blend", "every batch with every batch", points=1)
def dot_of_shares_and_values(weights, values):
    return np.dot(weights, values)


@slip("attention_scores", "every batch with every batch", points=2)
def dot_of_query_and_key(query, key):
    return np.dot(query, np.moveaxis(key, -1, -2))


@slip("attention_scores", "every batch with every batch", points=2)
def tensordot_of_query_and_key(query, key):
    return np.tensordot(query, key, axes=(-1, -1))


@slip("attention_scores", "every batch with every batch", "scaled-early")
def inner_and_scaled(query, key):
    return np.inner(query, key) / key.shape[-1] ** 0.5


@slip("attention_scores", "Counted from the end, -1 and -2 are the last two axes")
def swaps_axes_1_and_2(query, key):
    return query @ np.swapaxes(key, 1, 2)


@slip("attention_scores", "Counted from the end, -1 and -2 are the last two axes")
def transposes_0_2_1(query, key):
    return query @ key.transpose(0, 2, 1)


@slip("attention_scores", "Counted from the end", "transpose-all-axes", points=2)
def reverses_all_axes(query, key):
    return np.matmul(query, key.T)


# ---- attend


@slip("attend", "the scores in the place of the weights")
def returns_scores(query, keys, values):
    scores = keys @ query
    return share_out(scores) @ values, scores


@slip("attend", "If `attend` calls your `softmax`", "softmax-unstable", points=3)
def with_a_naive_softmax(query, keys, values):
    powers = np.exp(keys @ query)
    return powers / powers.sum() @ values, powers / powers.sum()


@slip("attend", "make an array of it, with `np.array(…)`, before `share_out` gets it")
def goes_on_with_the_loop_of_the_lesson(query, keys, values):
    scores = []
    for key in keys:
        scores.append(float(key @ query))
    weights = share_out(scores)
    return weights @ values, weights


# ---- project: whether there is a bias


@slip("project", "ask `bias is not None`", points=1)
def asks_whether_the_bias_is_true(x, weight, bias=None):
    projected = x @ weight
    if bias:
        projected += bias
    return projected


@slip("project", "ask `bias is not None`", points=1)
def asks_not_bias(x, weight, bias=None):
    return x @ weight if not bias else x @ weight + bias


@slip("project", "Ask `bias is not None`", points=1)
def asks_any(x, weight, bias=None):
    projected = x @ weight
    if bias.any():
        projected += bias
    return projected


@slip("project", "ask `bias is not None`", points=1)
def compares_with_none(x, weight, bias=None):
    projected = x @ weight
    return projected + bias if bias != None else projected  # noqa: E711


@slip("project", "ask `bias is not None`", points=1)
def bias_or_nothing(x, weight, bias=None):
    return x @ weight + (bias or 0)


@slip("project", "`bias` is `None` here", points=1)
def adds_it_always(x, weight, bias=None):
    return x @ weight + bias


# ---- whose queries, whose keys


@slip("self_attention", "their matrices, or their order in the product", "scores-transposed")
def exchanges_w_q_and_w_k(x, w_q, w_k, w_v):
    return attention(x @ w_k, x @ w_q, x @ w_v)


@slip("cross_attention", "`w_q` and `w_k` exchanged")
def exchanges_them_across(x, context, w_q, w_k, w_v):
    return attention(x @ w_k, context @ w_q, context @ w_v)


@slip("cross_attention", "keys made of `x` instead of `context`")
def keys_of_x(x, context, w_q, w_k, w_v):
    return attention(x @ w_q, x @ w_k, context @ w_v)


@slip("cross_attention", "self-attention of `context`")
def context_alone(x, context, w_q, w_k, w_v):
    return attention(context @ w_q, context @ w_k, context @ w_v)


# ---- previous_token_share


@slip("previous_token_share", "Counted from the end, -1 and -2 are the last two axes")
def diagonal_of_axes_1_and_2(weights):
    return np.diagonal(weights, offset=-1, axis1=1, axis2=2).mean(axis=-1)


@slip("previous_token_share", "the first two axes", points=1)
def diagonal_of_no_axes(weights):
    return np.diagonal(weights, -1).mean(-1)


@slip("previous_token_share", "without that of the last token")
def range_that_ends_early(weights):
    n = weights.shape[-1]
    return sum(weights[..., i, i - 1] for i in range(1, n - 1)) / (n - 1)


@slip("previous_token_share", "without that of the last token")
def mean_that_ends_early(weights):
    return np.mean([weights[..., i, i - 1] for i in range(1, weights.shape[-1] - 1)], axis=0)


# ---- words that are kept for what they are true of


def test_an_if_about_something_else_is_not_taken_for_one_about_the_bias(sheet_of):
    def function(x, weight, bias=None):
        return x @ weight + (0 if bias is None else bias if x > 0 else 0)

    verdict = judge(sheet_of("project"), function)
    assert "neither true nor false" in verdict.look_at and "None" not in verdict.look_at


def test_a_wrong_axis_of_softmax_is_not_told_to_count_from_the_end(sheet_of):
    verdict = judge(sheet_of("softmax"), lambda scores, axis=-1: scores.max(axis=3))
    assert "AxisError" in verdict.seen and verdict.look_at == ""


def test_other_exceptions_speak_for_themselves(sheet_of):
    verdict = judge(sheet_of("project"), lambda x, weight, bias=None: weight @ x[..., :0] + undefined)  # noqa: F821
    assert verdict.look_at == ""


def test_the_axes_of_vectors_are_named_for_eyes_and_ears():
    alt = plot_vectors(np.eye(2), ["a", "b"], axes=("alive", "place")).alt
    assert "(alive to the right, place upwards)" in alt
    assert "to the right" not in plot_vectors(np.eye(2), ["a", "b"]).alt


def test_two_cells_of_a_matrix_are_outlined():
    one, two = (plot_matrix(np.eye(3), highlight=[(0, 1), (1, 0)][:count]) for count in (1, 2))
    assert one.png == plot_matrix(np.eye(3), highlight=(0, 1)).png != two.png


def test_a_guess_among_words_is_offered_as_it_is_typed():
    assert 'Choose one of: "inside", 2.' in repr(predict("Where?", None, choices=["inside", 2]))


# ---- a softmax that lives as long as the rows are near each other


@slip("softmax", "With scores near -10000, and -inf", points=3)
def counts_infinite_scores_as_0(scores, axis=-1):
    top = np.where(np.isinf(scores), 0, scores).max(axis=axis, keepdims=True)
    powers = np.exp(scores - top)
    return powers / powers.sum(axis=axis, keepdims=True)


def shifted_by(largest):
    """A softmax of rows that takes `largest(scores)` from the scores."""

    def softmax(scores):
        powers = np.exp(scores - largest(scores))
        return powers / powers.sum(axis=-1, keepdims=True)

    return softmax


SHIFTS = {
    "of-the-array": lambda scores: scores.max(),
    "of-a-matrix": lambda scores: scores.max(axis=(-1, -2), keepdims=True),
    "of-sizes": lambda scores: np.abs(scores).max(axis=-1, keepdims=True),
    "or-0": lambda scores: np.maximum(scores.max(axis=-1, keepdims=True), 0),
    "mean": lambda scores: scores.mean(axis=-1, keepdims=True),
    "first": lambda scores: scores[..., :1],
}


@pytest.mark.parametrize("seed", (2017, 61))
@pytest.mark.parametrize("shift", SHIFTS)
def test_no_other_shift_than_the_rows_maximum_is_enough(sheet_of, shift, seed):
    softmax = shifted_by(SHIFTS[shift])

    def attention(query, key, value):
        weights = softmax(query @ np.swapaxes(key, -1, -2))
        return weights @ value, weights

    def self_attention(x, w_q, w_k, w_v):
        return attention(x @ w_q, x @ w_k, x @ w_v)

    def cross_attention(x, context, w_q, w_k, w_v):
        return attention(x @ w_q, context @ w_k, context @ w_v)

    def scaled_dot_product_attention(query, key, value):
        return attention(query / np.sqrt(query.shape[-1]), key, value)

    for function in (attention, self_attention, cross_attention, scaled_dot_product_attention):
        verdict = judge(sheet_of(function.__name__, seed), function)
        assert not verdict.passed and verdict.misconceptions == () and "NaN" in verdict.seen, verdict.message


@pytest.mark.parametrize("shift", ("of-sizes", "or-0", "mean", "first"))
def test_no_other_shift_is_enough_for_one_query(sheet_of, shift):
    def attend(query, keys, values):
        weights = shifted_by(SHIFTS[shift])(keys @ query)
        return weights @ values, weights

    verdict = judge(sheet_of("attend"), attend)
    assert verdict.points == 3 and "NaN" in verdict.seen, verdict.message


def test_a_shift_by_the_largest_size_is_not_enough_for_tokens(sheet_of):
    def plain_self_attention(x):
        weights = shifted_by(SHIFTS["of-sizes"])(x @ x.T)
        return weights @ x, weights

    verdict = judge(sheet_of("plain_self_attention"), plain_self_attention)
    assert verdict.points == 3 and "NaN" in verdict.seen, verdict.message


# ---- integers are valid, and may stand beside fractions


@slip("blend", "holds int64", points=1)
def blends_in_the_dtype_of_the_values(weights, values):
    return (weights @ values).astype(values.dtype)


# ---- a changed input is told before any number


@slip("softmax", "changed its input `scores`. A caller still needs it: work on a copy. What it returns is wrong as")
def doubles_in_place(scores, axis=-1):
    scores *= 2
    return share_out(scores, axis)


@slip("attention_scores", "changed its input `query`")
def scales_the_query_in_place(query, key):
    query /= np.sqrt(query.shape[-1])
    return query @ np.swapaxes(key, -1, -2)


@slip("blend", "changed its input `weights`")
def normalises_in_place(weights, values):
    weights /= weights.sum()
    return weights @ values


@slip("attention_scores", "changed its input `key`", points=2)
def centres_the_key_of_a_batch(query, key):
    if key.ndim == 3:
        key -= key.mean(axis=0)
    return query @ np.swapaxes(key, -1, -2)


# ---- what is returned


def test_a_named_tuple_is_two_things(sheet_of):
    class Result(NamedTuple):
        output: np.ndarray
        weights: np.ndarray

    verdict = judge(sheet_of("attention"), lambda query, key, value: Result(*attention(query, key, value)))
    assert verdict.passed, verdict.message


# ---- what the sums of small examples tell


@slip("softmax", "one row of `weights` sums to 0", "softmax-unstable", points=3)
def divides_before_exp(scores, axis=-1):
    return np.exp(scores - np.log(np.exp(scores).sum(axis=axis, keepdims=True)))


def test_half_of_every_share_is_not_one_sum_for_all(sheet_of):
    def scaled_dot_product_attention(query, key, value):
        output, weights = attention(query / np.sqrt(query.shape[-1]), key, value)
        return output / query.shape[-1], weights / query.shape[-1]

    verdict = judge(sheet_of("scaled_dot_product_attention"), scaled_dot_product_attention)
    assert "one row of `weights` sums to 0.5" in verdict.seen, verdict.message


@pytest.mark.parametrize(
    ("exercise", "function", "said"),
    [
        ("score_variance", lambda d_k, num_samples, rng: np.ones(1), "for d_k 4, num_samples 5000 it should be ()"),
        ("causal_mask", lambda length: np.ones(length, bool), "for length 3 it should be (3, 3)"),
    ],
)
def test_the_numbers_that_a_shape_follows_from_are_told(sheet_of, exercise, function, said):
    assert said in judge(sheet_of(exercise), function).seen


# ---- the wrong product, the wrong axes, the wrong default


@slip("attention_scores", "multiplying queries and keys", "scores-elementwise", points=0)
def sums_the_products_of_rows(query, key):
    return (query * key).sum(axis=-1)


@slip("attention_scores", "axes 0 and 1 exchanged", points=2)
def swaps_axes_0_and_1(query, key):
    return np.matmul(query, key.swapaxes(1, 0))


@slip("softmax", "where no `axis` is named")
def every_axis_by_default(scores, axis=None):
    return share_out(scores, axis)


@slip("self_attention", "divided by √d", "scaled-early")
def scales_by_the_size_of_a_token(x, w_q, w_k, w_v):
    return attention(x @ w_q / x.shape[-1] ** 0.5, x @ w_k, x @ w_v)


@slip("cross_attention", "divided by √d", "scaled-early")
def scales_by_the_size_of_a_token_that_asks(x, context, w_q, w_k, w_v):
    return attention(x @ w_q / x.shape[-1] ** 0.5, context @ w_k, context @ w_v)


@slip("project", "The rows of `x` are tokens")
def weight_first(x, weight, bias=None):
    return weight @ x if bias is None else weight @ x + bias


@slip("previous_token_share", "one number for all heads together", points=1)
def mean_of_one_diagonal(weights):
    return np.diagonal(weights, -1).mean()


@slip("plain_self_attention", "Make an array of it, with `np.array(…)`", points=0)
def returns_lists(x):
    weights = share_out(x @ x.T)
    return (weights @ x).tolist(), weights.tolist()

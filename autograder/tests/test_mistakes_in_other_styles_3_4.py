"""The mistakes of lessons 3 and 4, by hand in other styles than the exercises' own: they fail, and are named."""

import math

import numpy as np
import torch

from autograder.tests.written import WrittenAndTold, assert_named, each, listed_mistakes

wrong = WrittenAndTold()


def softmax(scores, axis=-1):
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def dots(query, key):
    return np.einsum("...qd,...kd->...qk", query, key)


def torch_softmax(scores):
    return torch.softmax(torch.tensor(np.asarray(scores, dtype=float)), dim=-1).numpy()


def blended(weights, value):
    return np.matmul(weights, value), weights


# ---- score_variance


@wrong("score_variance", "standard-deviation")
def std_of_the_scores(d_k, num_samples, rng):
    return np.einsum("nd,nd->n", *rng.standard_normal((2, num_samples, d_k))).std(ddof=1)


@wrong("score_variance", "ignores-rng")
def what_theory_says(d_k, num_samples, rng):
    return d_k


@wrong("score_variance", "ignores-rng")
def a_generator_of_its_own(d_k, num_samples, rng):
    rng = np.random.default_rng(0)
    return (rng.normal(size=(num_samples, d_k)) * rng.normal(size=(num_samples, d_k))).sum(1).var()


@wrong("score_variance", "ignores-rng")
def the_global_generator(d_k, num_samples, rng):
    return np.var((np.random.randn(num_samples, d_k) * np.random.randn(num_samples, d_k)).sum(-1))


# ---- scaled_dot_product_attention


@wrong("scaled_dot_product_attention", "unscaled")
def attention_of_lesson_two(query, key, value):
    return blended(torch_softmax(dots(query, key)), value)


@wrong("scaled_dot_product_attention", "unscaled")
def torch_with_scale_one(query, key, value):
    query, key, value = (torch.tensor(np.asarray(array, dtype=float)) for array in (query, key, value))
    weights = torch.softmax(query @ key.mT, -1)
    return (weights @ value).numpy(), weights.numpy()


@wrong("scaled_dot_product_attention", "scaled-by-d_k")
def query_divided_by_its_size(query, key, value):
    return blended(softmax(dots(query / query.shape[-1], key)), value)


@wrong("scaled_dot_product_attention", "scaled-by-d_k")
def divided_by_both_roots(query, key, value):
    root = math.sqrt(key.shape[-1])
    return blended(softmax(dots(query / root, key / root)), value)


@wrong("scaled_dot_product_attention", "scaled-by-sqrt-d_v")
def root_of_the_last_axis_of_value(query, key, value):
    return blended(softmax(dots(query, key) * value.shape[-1] ** -0.5), value)


@wrong("scaled_dot_product_attention", "scaled-by-sqrt-length")
def root_of_the_number_of_keys(query, key, value):
    scores = dots(query, key)
    return blended(softmax(scores / math.sqrt(scores.shape[-1])), value)


@wrong("scaled_dot_product_attention", "scaled-by-sqrt-length")
def root_of_the_number_of_queries(query, key, value):
    scores = dots(query, key)
    return blended(softmax(scores / scores.shape[-2] ** 0.5), value)


@wrong("scaled_dot_product_attention", "multiplied-by-sqrt-d_k")
def times_the_root(query, key, value):
    return blended(torch_softmax(dots(query, key) * query.shape[-1] ** 0.5), value)


@wrong("scaled_dot_product_attention", "scaled-after-softmax")
def weights_over_the_root(query, key, value):
    weights = torch_softmax(dots(query, key))
    weights /= np.sqrt(query.shape[-1])
    return blended(weights, value)


@wrong("scaled_dot_product_attention", "scaled-after-softmax")
def only_the_output_over_the_root(query, key, value):
    weights = torch_softmax(dots(query, key))
    return weights @ value / np.sqrt(query.shape[-1]), weights


@wrong("scaled_dot_product_attention", "scaled-twice")
def before_and_after(query, key, value):
    root = np.sqrt(key.shape[-1])
    return blended(softmax(dots(query, key) / root) / root, value)


@wrong("scaled_dot_product_attention", "scaled-twice")
def before_and_on_the_output(query, key, value):
    root = np.sqrt(key.shape[-1])
    weights = softmax(dots(query, key) / root)
    return weights @ value / root, weights


@wrong("scaled_dot_product_attention", "scale-hard-coded")
def eight_as_in_the_paper(query, key, value):
    return blended(softmax(dots(query, key) * 0.125), value)


@wrong("scaled_dot_product_attention", "scale-hard-coded")
def the_head_of_the_lesson(query, key, value):
    return blended(softmax(dots(query, key) / math.sqrt(32)), value)


@wrong("scaled_dot_product_attention", "scores-transposed")
def keys_ask(query, key, value):
    return blended(softmax(dots(key, query) / math.sqrt(key.shape[-1])), value)


@wrong("scaled_dot_product_attention", "transpose-all-axes")
def np_transpose_of_a_batch(query, key, value):
    return blended(softmax(np.matmul(query, np.transpose(key)) / math.sqrt(key.shape[-1])), value)


@wrong("scaled_dot_product_attention", "scores-elementwise")
def product_entry_by_entry(query, key, value):
    return blended(softmax(np.multiply(query, key) / np.sqrt(query.shape[-1])), value)


@wrong("scaled_dot_product_attention", "softmax-over-queries")
def torch_dim_minus_two(query, key, value):
    scores = torch.tensor(np.asarray(dots(query, key), dtype=float)) / math.sqrt(query.shape[-1])
    return blended(scores.softmax(dim=-2).numpy(), value)


@wrong("scaled_dot_product_attention", "softmax-over-queries")
def sums_along_axis_0(query, key, value):
    return blended(softmax(dots(query, key) / math.sqrt(query.shape[-1]), axis=0), value)


@wrong("scaled_dot_product_attention", "softmax-unstable")
def raw_powers(query, key, value):
    powers = np.exp(dots(query, key) / math.sqrt(query.shape[-1]))
    return blended(powers / powers.sum(-1)[..., None], value)


@wrong("scaled_dot_product_attention", "no-softmax")
def scaled_scores_as_weights(query, key, value):
    return blended(dots(query, key) / query.shape[-1] ** 0.5, value)


@wrong("scaled_dot_product_attention", "blends-keys")
def keys_twice(query, key, value):
    return blended(torch_softmax(dots(query, key) / query.shape[-1] ** 0.5), key)


@wrong("scaled_dot_product_attention", "blend-transposed-weights")
def letters_exchanged(query, key, value):
    weights = torch_softmax(dots(query, key) / query.shape[-1] ** 0.5)
    return np.einsum("...kq,...kd->...qd", weights, value), weights


@wrong("scaled_dot_product_attention", "swapped-return")
def weights_first(query, key, value):
    weights = torch_softmax(dots(query, key) / query.shape[-1] ** 0.5)
    return weights, weights @ value


# ---- entropy


@wrong("entropy", "entropy-base-2")
def in_bits(weights):
    return -np.sum(weights * np.log2(np.where(weights == 0, 1, weights)), -1)


@wrong("entropy", "entropy-sign")
def without_the_minus(weights):
    safe = np.clip(weights, 1e-300, None)
    return np.einsum("...n,...n->...", weights, np.log(safe))


@wrong("entropy", "entropy-nan-at-zero")
def as_the_formula_stands(weights):
    return -np.sum(weights * np.log(weights), axis=-1)


@wrong("entropy", "entropy-nan-at-zero")
def torch_as_the_formula_stands(weights):
    tensor = torch.tensor(weights)
    return (-(tensor * tensor.log()).sum(-1)).numpy()


@wrong("entropy", "entropy-mean")
def mean_of_the_terms(weights):
    return np.mean(-weights * np.log(np.where(weights > 0, weights, 1.0)), axis=-1)


@wrong("entropy", "entropy-mean")
def mean_of_all_rows(weights):
    return float(np.mean(-np.sum(weights * np.log(np.where(weights > 0, weights, 1.0)), axis=-1)))


# ---- softmax_jacobian


@wrong("softmax_jacobian", "jacobian-sign")
def everything_turned_round(weights):
    return np.array([[wi * (wj - (i == j)) for j, wj in enumerate(weights)] for i, wi in enumerate(weights)])


@wrong("softmax_jacobian", "jacobian-sign")
def plus_beside_the_diagonal(weights):
    jacobian = weights[:, None] * weights[None, :]
    np.fill_diagonal(jacobian, weights * (1 - weights))
    return jacobian


@wrong("softmax_jacobian", "jacobian-sign")
def one_plus_the_weight(weights):
    return weights[:, None] * (np.eye(len(weights)) + weights)


@wrong("softmax_jacobian", "jacobian-diagonal-only")
def each_weight_alone(weights):
    return np.eye(len(weights)) * (weights - weights**2)


@wrong("softmax_jacobian", "jacobian-diagonal-only")
def the_weights_on_the_diagonal(weights):
    return np.eye(len(weights)) * weights


# ---- causal_mask


@wrong("causal_mask", "causal-inverted")
def true_means_hidden(length):
    return np.triu(np.ones((length, length)), 1).astype(bool)


@wrong("causal_mask", "causal-upper")
def keys_from_the_query_on(length):
    return np.array([[key >= query for key in range(length)] for query in range(length)])


@wrong("causal_mask", "causal-excludes-self")
def strictly_before(length):
    return np.arange(length)[:, None] > np.arange(length)


@wrong("causal_mask", "causal-leaks-one")
def one_more(length):
    return np.tril(np.ones((length, length), bool), 1)


@wrong("causal_mask", "causal-not-boolean")
def tril_of_ones(length):
    return np.tril(np.ones((length, length)))


@wrong("causal_mask", "causal-not-boolean")
def tril_of_integers(length):
    return np.array([[1] * (i + 1) + [0] * (length - i - 1) for i in range(length)])


@wrong("causal_mask", "causal-not-boolean")
def to_be_added(length):
    return np.triu(np.full((length, length), -np.inf), 1)


@wrong("causal_mask", "causal-not-boolean")
def to_be_added_with_a_large_number(length):
    return np.triu(np.ones((length, length)), 1) * -1e9


# ---- padding_mask


@wrong("padding_mask", "padding-inverted")
def true_for_padding(lengths, max_length):
    return np.array([[[at >= length for at in range(max_length)]] for length in lengths])


@wrong("padding_mask", "padding-on-queries")
def axis_at_the_end(lengths, max_length):
    return np.expand_dims(np.arange(max_length) < lengths[:, None], -1)


@wrong("padding_mask", "padding-off-by-one")
def up_to_and_with_the_length(lengths, max_length):
    mask = np.zeros((len(lengths), 1, max_length), bool)
    for row, length in enumerate(lengths):
        mask[row, 0, : length + 1] = True
    return mask


@wrong("padding_mask", "padding-off-by-one")
def without_the_last(lengths, max_length):
    return np.array([[[at < length - 1 for at in range(max_length)]] for length in lengths])


@wrong("padding_mask", "padding-missing-axis")
def one_row_a_sequence(lengths, max_length):
    return np.array([[True] * length + [False] * (max_length - length) for length in lengths])


# ---- masked_softmax


def hidden(scores, mask, fill=-np.inf):
    return np.where(np.broadcast_to(mask, scores.shape), scores.astype(float), fill)


def without_nan(weights):
    return np.nan_to_num(weights, nan=0.0)


@wrong("masked_softmax", "mask-after-softmax")
def zeros_afterwards(scores, mask):
    weights = softmax(scores)
    weights[~np.broadcast_to(mask, weights.shape)] = 0
    return weights


@wrong("masked_softmax", "mask-as-zero-score")
def scores_times_mask(scores, mask):
    return torch_softmax(scores * mask)


@wrong("masked_softmax", "mask-as-zero-score")
def scores_times_mask_with_empty_rows_mended(scores, mask):
    return torch_softmax(scores * mask) * np.any(mask, axis=-1, keepdims=True)


@wrong("masked_softmax", "mask-inverted")
def masked_fill_where_true(scores, mask):
    tensor = torch.tensor(scores.astype(float)).masked_fill(torch.tensor(mask), -torch.inf)
    return without_nan(torch.softmax(tensor, -1).numpy())


@wrong("masked_softmax", "fill-too-small")
def a_thousand_below_zero(scores, mask):
    return softmax(hidden(scores, mask, -1000.0)) * np.any(mask, axis=-1, keepdims=True)


@wrong("masked_softmax", "fill-too-small")
def ten_thousand_below_zero_and_nothing_else(scores, mask):
    return softmax(hidden(scores, mask, -1e4))


@wrong("masked_softmax", "fully-masked-nan")
def torch_with_infinity(scores, mask):
    return torch_softmax(hidden(scores, mask))


@wrong("masked_softmax", "fully-masked-nan")
def numpy_masked_exponentials(scores, mask):
    scores = hidden(scores, mask)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@wrong("masked_softmax", "fully-masked-uniform")
def the_lowest_float(scores, mask):
    return softmax(hidden(scores, mask, np.finfo(float).min))


@wrong("masked_softmax", "fully-masked-uniform")
def lower_than_any_score(scores, mask):
    return torch_softmax(hidden(scores, mask, -1e300))


@wrong("masked_softmax", "fill-too-small")
def minus_a_billion(scores, mask):
    return torch_softmax(hidden(scores, mask, -1e9))


@wrong("masked_softmax", "fill-too-small")
def minus_a_billion_with_zeros_at_the_end(scores, mask):
    return softmax(np.where(mask, scores, -1e9)) * mask


@wrong("masked_softmax", "softmax-unstable")
def no_maximum(scores, mask):
    powers = np.exp(np.where(mask, scores, -np.inf))
    return np.nan_to_num(powers / powers.sum(-1, keepdims=True))


@wrong("masked_softmax", "softmax-unstable")
def exponentials_times_the_mask(scores, mask):
    powers = np.exp(scores) * mask
    total = powers.sum(-1, keepdims=True)
    return powers / np.where(total == 0, 1, total)


@wrong("masked_softmax", "softmax-unstable")
def exponentials_times_the_mask_and_no_care_of_rows(scores, mask):
    powers = np.exp(scores) * mask
    return powers / powers.sum(-1, keepdims=True)


@wrong("masked_softmax", "softmax-global-max")
def maximum_of_everything(scores, mask):
    scores = np.where(mask, scores, -np.inf)
    powers = np.exp(scores - scores.max())
    return np.nan_to_num(powers / powers.sum(-1, keepdims=True))


@wrong("masked_softmax", "mask-ignored")
def all_may_be_seen(scores, mask):
    return torch_softmax(scores)


@wrong("masked_softmax", "modifies-scores")
def filled_in_place(scores, mask):
    if scores.dtype.kind == "f":
        scores[~np.broadcast_to(mask, scores.shape)] = -np.inf
    return without_nan(torch_softmax(hidden(scores, mask)))


@wrong("masked_softmax", "modifies-scores")
def put_in_place_with_a_number(scores, mask):
    everywhere = np.broadcast_to(mask, scores.shape)
    if scores.dtype.kind == "f":
        np.putmask(scores, ~everywhere, -1e30)
    weights = softmax(hidden(scores, mask, -1e30))
    return weights * everywhere.any(-1, keepdims=True)


# ---- masked_attention


def masked_weights(scores, mask):
    return torch_softmax(scores) if mask is None else without_nan(torch_softmax(hidden(scores, mask)))


def scaled(query, key):
    return dots(query, key) / math.sqrt(query.shape[-1])


@wrong("masked_attention", "scores-transposed")
def the_keys_ask(query, key, value, mask=None):
    return blended(masked_weights(scaled(key, query), mask), value)


@wrong("masked_attention", "transpose-all-axes")
def a_capital_t(query, key, value, mask=None):
    return blended(masked_weights(query @ key.T / math.sqrt(query.shape[-1]), mask), value)


@wrong("masked_attention", "scores-elementwise")
def a_star_for_the_product(query, key, value, mask=None):
    return blended(masked_weights(query * key / math.sqrt(query.shape[-1]), mask), value)


@wrong("masked_attention", "no-softmax")
def raw_scores(query, key, value, mask=None):
    return blended(scaled(query, key), value)


@wrong("masked_attention", "blends-keys")
def collects_keys(query, key, value, mask=None):
    return blended(masked_weights(scaled(query, key), mask), key)


@wrong("masked_attention", "blend-transposed-weights")
def weights_by_columns(query, key, value, mask=None):
    weights = masked_weights(scaled(query, key), mask)
    return np.einsum("...kq,...kd->...qd", weights, value), weights


@wrong("masked_attention", "swapped-return")
def weights_come_first(query, key, value, mask=None):
    return blended(masked_weights(scaled(query, key), mask), value)[::-1]


@wrong("masked_attention", "mask-after-softmax")
def weights_times_mask(query, key, value, mask=None):
    weights = torch_softmax(scaled(query, key))
    return blended(weights if mask is None else weights * mask, value)


@wrong("masked_attention", "mask-as-zero-score")
def scaled_scores_times_mask(query, key, value, mask=None):
    scores = scaled(query, key)
    return blended(softmax(scores if mask is None else scores * mask), value)


@wrong("masked_attention", "mask-inverted")
def hides_what_is_true(query, key, value, mask=None):
    return blended(masked_weights(scaled(query, key), None if mask is None else ~mask), value)


@wrong("masked_attention", "fill-too-small")
def a_hundred_below_zero(query, key, value, mask=None):
    scores = scaled(query, key)
    if mask is None:
        return blended(softmax(scores), value)
    weights = softmax(np.where(mask, scores, -100.0)) * mask.any(-1, keepdims=True)
    return blended(weights, value)


@wrong("masked_attention", "fill-too-small")
def ten_thousand_below_before_the_scale(query, key, value, mask=None):
    scores = dots(query, key)
    scores = scores if mask is None else np.where(mask, scores, -1e4)
    return blended(softmax(scores / math.sqrt(query.shape[-1])), value)


@wrong("masked_attention", "fully-masked-nan")
def torchs_masked_fill(query, key, value, mask=None):
    scores = torch.tensor(scaled(query, key))
    if mask is not None:
        scores = scores.masked_fill(~torch.tensor(mask), -math.inf)
    return blended(scores.softmax(-1).numpy(), value)


@wrong("masked_attention", "fully-masked-uniform")
def the_lowest_float_in_place(query, key, value, mask=None):
    scores = scaled(query, key)
    return blended(softmax(scores if mask is None else np.where(mask, scores, np.finfo(float).min)), value)


@wrong("masked_attention", "fill-too-small")
def minus_a_billion_in_place(query, key, value, mask=None):
    scores = scaled(query, key)
    return blended(softmax(scores if mask is None else np.where(mask, scores, -1e9)), value)


@wrong("masked_attention", "mask-ignored")
def attention_without_it(query, key, value, mask=None):
    return blended(torch_softmax(scaled(query, key)), value)


@wrong("masked_attention", "unscaled")
def not_divided(query, key, value, mask=None):
    return blended(masked_weights(dots(query, key), mask), value)


@wrong("masked_attention", "scaled-by-d_k")
def divided_by_the_size(query, key, value, mask=None):
    return blended(masked_weights(dots(query, key) / key.shape[-1], mask), value)


@wrong("masked_attention", "crashes-without-mask")
def where_of_none(query, key, value, mask):
    return blended(masked_weights(scaled(query, key), mask), value)


@wrong("masked_attention", "crashes-without-mask")
def inverts_none(query, key, value, mask=None):
    scores = scaled(query, key)
    scores[np.broadcast_to(~mask, scores.shape)] = -np.inf
    return blended(without_nan(torch_softmax(scores)), value)


@wrong("masked_attention", "crashes-without-mask")
def none_counts_as_false(query, key, value, mask=None):
    weights = without_nan(torch_softmax(np.where(mask, scaled(query, key), -np.inf)))
    return blended(weights, value)


# ---- sees_the_future


def _last_token(change):
    def detector(attention, length, d_model, rng):
        x = rng.normal(size=(length, d_model))
        later = x.copy()
        later[-1] = change(x[-1], rng)
        return bool(np.abs(attention(later) - attention(x))[:-1].max() > 1e-9)

    return detector


for change in (lambda token, rng: token + 1, lambda token, rng: 0, lambda token, rng: rng.normal(size=token.shape)):
    wrong("sees_the_future", "detector-one-position")(_last_token(change))


@wrong("sees_the_future", "detector-one-position")
def the_last_token_seen_from_the_one_before(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    later = x + np.eye(length)[-1][:, None]
    return bool(np.any(attention(x)[-2:-1] != attention(later)[-2:-1]))


@wrong("sees_the_future", "detector-always-true")
def one_array_changed_ever_further(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    before = attention(x)
    for position in range(1, length):
        later = x  # a second name, not a copy
        later[position:] = rng.normal(size=(length - position, d_model))
        if np.abs(attention(later) - before)[:position].max() > 1e-9:
            return True
    return False


@wrong("sees_the_future", "detector-always-true")
def compares_what_has_changed_itself(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    later = np.vstack([x[:-1], x[-1:] + 1])
    return not np.allclose(attention(x), attention(later), atol=1e-9)


@wrong("sees_the_future", "detector-always-false")
def changes_the_tokens_too_early(attention, length, d_model, rng):
    x = later = rng.normal(size=(length, d_model))
    later[1:] += 1
    return bool(np.any(attention(x)[:1] != attention(later)[:1]))


@wrong("sees_the_future", "detector-one-position")
def only_the_last_token_changes(attention, length, d_model, rng):
    x = torch.randn(length, d_model).numpy()
    later = x.copy()
    later[-1] = 0
    return not np.allclose(attention(x)[:-1], attention(later)[:-1], rtol=0, atol=1e-9)


@wrong("sees_the_future", "detector-one-position")
def only_the_first_output_is_compared(attention, length, d_model, rng):
    x = rng.uniform(size=(length, d_model))
    later = np.where(np.arange(length)[:, None] == 0, x, x + 1)
    return bool(abs(attention(x)[0] - attention(later)[0]).sum() > 1e-9)


@wrong("sees_the_future", "detector-one-position")
def the_second_half_changes(attention, length, d_model, rng):
    x, half = rng.normal(size=(length, d_model)), length // 2
    later = np.concatenate([x[:half], rng.normal(size=(length - half, d_model))])
    return bool((np.abs(attention(x) - attention(later))[:half] > 1e-9).any())


@each(wrong)
def test_it_fails_and_is_named(sheet_of, answer):
    assert_named(sheet_of, answer)


def test_every_mistake_on_the_lists_of_these_lessons_was_written_by_hand():
    assert wrong.told() == listed_mistakes("03_scaling", "04_masking")

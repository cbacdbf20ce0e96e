"""Slips of lesson 3 that are told in words, or by the name of a mistake, however small the batch; and what is right."""

import tracemalloc

import numpy as np
import pytest
from attention_lab.judge import judge

SLIPS = []


def slip(exercise, words, name=None):
    """Adds a wrong answer to `exercise` whose message holds `words`; `name` is its misconception where it has one."""

    def add(function):
        SLIPS.append((exercise, words, name, function))
        return function

    return add


@pytest.mark.parametrize("seed", (2017, 61))
@pytest.mark.parametrize(
    ("exercise", "words", "name", "function"), SLIPS, ids=lambda item: getattr(item, "__name__", None)
)
def test_the_slip_is_told_in_words(sheet_of, exercise, words, name, function, seed):
    verdict = judge(sheet_of(exercise, seed), function)
    assert verdict.points < verdict.max_points
    assert words in verdict.matches, verdict.message
    assert verdict.misconceptions == ((name,) if name else ())


# ---- score_variance


@slip("score_variance", "uniform numbers")
def draws_from_zero_to_one(d_k, num_samples, rng):
    return np.var([rng.random(d_k) @ rng.random(d_k) for _ in range(num_samples)])


@slip("score_variance", "uniform numbers")
def draws_of_both_signs(d_k, num_samples, rng):
    query, key = rng.uniform(-1, 1, (num_samples, d_k)), rng.uniform(-1, 1, (num_samples, d_k))
    return np.einsum("nd,nd->n", query, key).var(ddof=1)


@slip("score_variance", "multiplied with themselves")
def one_array_for_both(d_k, num_samples, rng):
    query = key = rng.standard_normal((num_samples, d_k))
    return np.einsum("nd,nd->n", query, key).var()


@slip("score_variance", "twice the variance")
def a_variance_of_both(d_k, num_samples, rng):
    query, key = rng.normal(size=(2, num_samples, d_k))
    return 2 * (query * key).sum(axis=-1).var()


@slip("score_variance", "before they are summed")
def forgets_the_sum(d_k, num_samples, rng):
    return (rng.normal(size=(num_samples, d_k)) * rng.normal(size=(num_samples, d_k))).var()


@slip("score_variance", "divided by √d_k already")
def scales_too_soon(d_k, num_samples, rng):
    query, key = rng.normal(size=(2, num_samples, d_k))
    return ((query * key).sum(axis=-1) / np.sqrt(d_k)).var()


@slip("score_variance", "a sum over the samples")
def sums_over_the_samples(d_k, num_samples, rng):
    return np.var(sum(rng.standard_normal(d_k) * rng.standard_normal(d_k) for _ in range(num_samples)))


@slip("score_variance", "a mean of the products")
def takes_a_mean(d_k, num_samples, rng):
    query, key = rng.normal(size=(2, num_samples, d_k))
    return (query * key).mean(axis=1).var()


def every_query_with_every_key(d_k, num_samples, rng):
    query, key = rng.normal(size=(num_samples, d_k)), rng.normal(size=(num_samples, d_k))
    return np.diag(query @ key.T).var()


def test_the_diagonal_of_all_products_is_right_and_fits_into_memory(sheet_of):
    tracemalloc.start()
    try:
        assert judge(sheet_of("score_variance"), every_query_with_every_key).passed
        assert tracemalloc.get_traced_memory()[1] < 2.5e8
    finally:
        tracemalloc.stop()


def test_nobody_is_asked_to_work_out_random_draws_by_hand(sheet_of):
    verdict = judge(sheet_of("score_variance"), lambda d_k, num_samples, rng: 3 * rng.normal(size=num_samples).var())
    assert not verdict.matches and "small sizes" in verdict.look_at
    verdict = judge(sheet_of("entropy"), lambda weights: np.asarray(weights).sum(-1))
    assert "by hand, step by step" in verdict.look_at


# ---- entropy


def test_an_entropy_that_forgets_zeros_keeps_the_points_of_rows_without_them(sheet_of):
    verdict = judge(sheet_of("entropy"), lambda weights: -(weights * np.log(weights)).sum(axis=-1))
    assert {part.name: part.earned for part in verdict.parts} == {"rows": True, "zeros": False}
    assert verdict.misconceptions == ("entropy-nan-at-zero",)


# ---- softmax_jacobian


@slip("softmax_jacobian", "without its δ")
def one_everywhere(weights):
    return weights[:, None] * (1 - weights)


@slip("softmax_jacobian", "without its δ")
def one_everywhere_and_turned(weights):
    return np.array([[b * (1 - a) for b in weights] for a in weights])


@slip("softmax_jacobian", "the same weight twice")
def a_star_and_a_capital_t(weights):
    return np.diag(weights) - weights * weights.T


@slip("softmax_jacobian", "arrays of one axis")
def an_at_and_a_capital_t(weights):
    return np.diag(weights) - weights @ weights.T


@slip("softmax_jacobian", "a softmax already")
def of_scores(weights):
    powers = np.exp(weights)
    shares = powers / powers.sum()
    return np.diag(shares) - np.outer(shares, shares)


# ---- scaled_dot_product_attention


def divided_by(size):
    def attention(query, key, value):
        scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(size(query, key))
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights = powers / powers.sum(axis=-1, keepdims=True)
        return weights @ value, weights

    return attention


for size in (
    lambda query, key: key.shape[0],
    lambda query, key: len(query),
    lambda query, key: key.shape[-2],
    lambda query, key: query.shape[-2],
):
    slip("scaled_dot_product_attention", "number of tokens", "scaled-by-sqrt-length")(divided_by(size))


ROUNDED = {
    "number": lambda variance: float(round(variance)),
    "array": np.round,
    "integer": int,
}


@pytest.mark.parametrize("seed", (2017, 61))
@pytest.mark.parametrize("rounded", ROUNDED)
def test_who_rounds_is_not_told_to_ignore_rng(sheet_of, rounded, seed):
    def score_variance(d_k, num_samples, rng):
        query, key = rng.normal(size=(2, num_samples, d_k))
        return ROUNDED[rounded]((query * key).sum(axis=-1).var())

    verdict = judge(sheet_of("score_variance", seed), score_variance)
    assert not verdict.passed and verdict.misconceptions == (), verdict.message


@pytest.mark.parametrize("seed", (2017, 61))
def test_half_the_variance_is_no_sum_over_the_samples(sheet_of, seed):
    def score_variance(d_k, num_samples, rng):
        query, key = rng.normal(size=(2, num_samples, d_k))
        return (query * key).sum(axis=-1).var() / 2

    verdict = judge(sheet_of("score_variance", seed), score_variance)
    assert not verdict.passed and not verdict.matches, verdict.message


def test_another_number_of_samples_is_another_number(sheet_of):
    def score_variance(d_k, num_samples, rng):
        query, key = rng.normal(size=(2, 5000, d_k))
        return (query * key).sum(axis=-1).var()

    verdict = judge(sheet_of("score_variance"), score_variance)
    assert "returned the same number for `num_samples` = " in verdict.seen and verdict.misconceptions == ()


def test_who_draws_one_number_is_told_of_size(sheet_of):
    def score_variance(d_k, num_samples, rng):
        return (rng.normal(num_samples, d_k) * rng.normal(num_samples, d_k)).sum(axis=-1).var()

    assert "`size=(…)`" in judge(sheet_of("score_variance"), score_variance).look_at

"""Slips of lessons 3 and 4 that a reader made: which lose points, what is said of them, and what must not be said."""

import re

import numpy as np
import pytest
from attention_lab.feedback import marked
from attention_lab.judge import judge

from autograder.exercises import EXERCISES

SEEDS = (2017, 61)


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def told(sheet_of, exercise, function, seed=61):
    """The verdict on a function that is wrong."""
    verdict = judge(sheet_of(exercise, seed), function)
    assert verdict.points < verdict.max_points
    return verdict


# ---- masked_attention, without a mask


def masked(scores, mask):
    return np.nan_to_num(softmax(np.where(mask, scores, -np.inf)))


def with_default(default):
    """Right but for the mask it makes where none is given."""

    def masked_attention(query, key, value, mask=None):
        scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
        weights = masked(scores, default(query, scores) if mask is None else mask)
        return weights @ value, weights

    return masked_attention


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "default",
    [
        lambda query, scores: np.ones((query.shape[-2], query.shape[-2]), dtype=bool),
        lambda query, scores: np.ones(query.shape, dtype=bool),
        lambda query, scores: np.tri(scores.shape[-1], dtype=bool),
        lambda query, scores: ~np.broadcast_to(np.zeros((query.shape[-2], query.shape[-2]), bool), scores.shape),
    ],
)
def test_a_default_mask_that_does_not_fit_is_not_called_none(sheet_of, default, seed):
    verdict = told(sheet_of, "masked_attention", with_default(default), seed)
    assert verdict.misconceptions == () and "do not fit" in verdict.matches, verdict.message
    assert "(n_q, n_k)" in verdict.look_at


def test_a_default_that_indexes_past_the_scores_does_not_fit_either(sheet_of):
    def masked_attention(query, key, value, mask=None):
        scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
        if mask is None:
            scores[~np.ones((query.shape[-2],) * 2, dtype=bool)] = -np.inf
            mask = True
        weights = masked(scores, mask)
        return weights @ value, weights

    verdict = told(sheet_of, "masked_attention", masked_attention)
    assert verdict.misconceptions == () and "do not fit" in verdict.matches, verdict.message


def misspelled(query, scores):
    return np.ones(score.shape, dtype=bool)  # noqa: F821


def with_a_branch_missing(query, key, value, mask=None):
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
    if mask is not None:
        weights = masked(scores, mask)
    return weights @ value, weights


def that_insists(query, key, value, mask=None):
    assert mask is not None
    weights = masked(query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1]), mask)
    return weights @ value, weights


def ones_of_two_numbers(query, scores):
    return np.ones(scores.shape[-2], scores.shape[-1])


@pytest.mark.parametrize("function", [with_default(misspelled), with_default(ones_of_two_numbers)])
def test_an_exception_of_another_kind_speaks_for_itself(sheet_of, function):
    verdict = told(sheet_of, "masked_attention", function)
    assert verdict.misconceptions == () and verdict.matches == "" and "Error" in verdict.seen


def inverted_none(query, key, value, mask=None):
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
    weights = np.nan_to_num(softmax(np.where(~mask, -np.inf, scores)))
    return weights @ value, weights


def shape_of_none(query, key, value, mask=None):
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
    assert mask.shape
    weights = masked(scores, mask)
    return weights @ value, weights


def no_default(query, key, value, mask):
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
    weights = masked(scores, mask)
    return weights @ value, weights


def none_as_an_index(query, key, value, mask=None):
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
    hidden = np.full(scores.shape, -np.inf)
    permitted = np.broadcast_to(mask, scores.shape)
    hidden[permitted] = scores[permitted]
    weights = np.nan_to_num(softmax(hidden))
    return weights @ value, weights


def none_as_where(query, key, value, mask=None):
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
    top = np.max(scores, axis=-1, keepdims=True, initial=-1e300, where=np.broadcast_to(mask, scores.shape))
    weights = masked(scores - top, mask)
    return weights @ value, weights


def none_along_an_axis(query, key, value, mask=None):
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
    some = np.any(mask, axis=-1, keepdims=True)
    weights = masked(scores, mask) * some
    return weights @ value, weights


@pytest.mark.parametrize(
    "function",
    [
        inverted_none,
        shape_of_none,
        no_default,
        none_as_an_index,
        none_as_where,
        none_along_an_axis,
        with_default(lambda query, scores: None),
        with_a_branch_missing,
        that_insists,
    ],
)
def test_none_used_as_a_mask_is_named(sheet_of, function):
    assert told(sheet_of, "masked_attention", function).misconceptions == ("crashes-without-mask",)


# ---- softmax_jacobian


@pytest.mark.parametrize(
    "function",
    [
        lambda weights: weights * (np.eye(len(weights)) - weights),
        lambda weights: np.diag(weights) - weights * weights.T,
        lambda weights: weights[:, None] * (np.eye(len(weights)) - weights[:, None]),
    ],
)
def test_one_weight_twice_is_told_in_words_that_are_true_of_every_way_to_it(sheet_of, function):
    verdict = told(sheet_of, "softmax_jacobian", function)
    assert "twice" in verdict.matches and "no (n, n) matrix" not in verdict.message
    assert "wᵢ" in verdict.look_at and "wⱼ" in verdict.look_at


def test_a_product_that_is_one_number_is_another_slip(sheet_of):
    verdict = told(sheet_of, "softmax_jacobian", lambda weights: np.diag(weights) - weights @ weights.T)
    assert "one number" in verdict.matches


# ---- masked_softmax


def hidden_after_exp(scores, mask):
    powers = np.exp(scores - scores.max(-1, keepdims=True)) * mask
    total = powers.sum(-1, keepdims=True)
    return powers / np.where(total == 0, 1, total)


def hidden_after_softmax(scores, mask):
    late = softmax(scores) * mask
    with np.errstate(all="ignore"):
        return late / late.sum(-1, keepdims=True)


@pytest.mark.parametrize("function", [hidden_after_exp, hidden_after_softmax])
def test_a_maximum_with_hidden_scores_is_told_in_words_that_are_true_of_both_ways(sheet_of, function):
    verdict = told(sheet_of, "masked_softmax", function)
    assert "after the softmax" not in verdict.matches and "after the exponential" in verdict.matches
    assert "largest" in verdict.look_at


@pytest.mark.parametrize("fill", [-1e5, -1e9, -1e15])
def test_a_fill_that_is_too_high_is_shown_on_scores_below_it(sheet_of, fill):
    verdict = told(sheet_of, "masked_softmax", lambda scores, mask: softmax(np.where(mask, scores, fill)))
    assert verdict.misconceptions == ("fill-too-small",) and "lower still" in verdict.look_at
    assert verdict.seen.startswith(("On scores `[[-1e+06, -1e+06, 5e+05]]`", "On scores `[[-9e+20, -3e+20, 5]]`"))


# ---- causal_mask


def test_a_mask_that_is_no_array_should_be_one_of_booleans(sheet_of):
    for function in (lambda length: np.tri(length).astype(bool).tolist(), lambda length: np.tri(length).astype(object)):
        seen = told(sheet_of, "causal_mask", function).seen
        assert "it should be a NumPy array of booleans" in seen and "numbers" not in seen


# ---- sees_the_future


def detector(differ, start=1, stop=0):
    """A detector that compares the outputs of the first tokens by `differ`, over a range of positions."""

    def sees_the_future(attention, length, d_model, rng):
        x = rng.normal(size=(length, d_model))
        before = attention(x)
        for position in range(start, length - stop):
            later = x.copy()
            later[position:] = rng.normal(size=(length - position, d_model))
            if differ(before[:position], attention(later)[:position]):
                return True
        return False

    return sees_the_future


SLOPPY = {
    "without a tolerance": lambda before, after: not np.array_equal(before, after),
    "first number": lambda before, after: abs(after[:, 0] - before[:, 0]).max() > 1e-9,
    "cancel": lambda before, after: abs((after - before).sum()) > 1e-9,
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("words", SLOPPY)
def test_a_sloppy_comparison_is_found_and_told_in_words(sheet_of, words, seed):
    verdict = told(sheet_of, "sees_the_future", detector(SLOPPY[words]), seed)
    assert verdict.misconceptions == () and words in verdict.matches, verdict.message


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("start", "stop"), [(2, 0), (1, 1)])
def test_a_loop_that_leaves_out_an_end_is_told_in_words(sheet_of, start, stop, seed):
    function = detector(lambda before, after: np.abs(after - before).max() > 1e-9, start, stop)
    verdict = told(sheet_of, "sees_the_future", function, seed)
    assert verdict.misconceptions == () and "first or the last position" in verdict.matches, verdict.message


@pytest.mark.parametrize(
    "differ",
    [
        lambda before, after: not np.allclose(before, after, rtol=0, atol=1e-9),
        lambda before, after: np.linalg.norm(before - after) > 1e-9,
        lambda before, after: abs(before - after).sum() > 1e-9,
        lambda before, after: ((before - after) ** 2).sum() > 1e-18,
        lambda before, after: (
            max(abs(float(a) - float(b)) for a, b in zip(before.flat, after.flat, strict=True)) > 1e-9
        ),
    ],
)
@pytest.mark.parametrize("seed", [*SEEDS, 5])
def test_a_comparison_with_a_tolerance_is_right(sheet_of, differ, seed):
    assert judge(sheet_of("sees_the_future", seed), detector(differ)).passed


@pytest.mark.parametrize("loud", [1e-3, 1e3, 1e6])
def test_loud_or_quiet_tokens_are_right(sheet_of, loud):
    def sees_the_future(attention, length, d_model, rng):
        x = rng.normal(size=(length, d_model))
        ends = [np.concatenate([x[:n], x[n:] + loud]) for n in range(1, length)]
        return any(np.abs(attention(x) - attention(y))[:n].max() > 1e-9 for n, y in enumerate(ends, 1))

    assert judge(sheet_of("sees_the_future"), sees_the_future).passed


# ---- entropy and score_variance


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("least", [1e-3, 1e-4])
def test_small_weights_are_not_to_be_rounded_up(sheet_of, least, seed):
    told(sheet_of, "entropy", lambda weights: -(weights * np.log(np.clip(weights, least, 1))).sum(-1), seed)


@pytest.mark.parametrize("tiny", [1e-12, 1e-10, 1e-300])
def test_a_tiny_number_that_keeps_log_from_zero_is_right(sheet_of, tiny):
    assert judge(sheet_of("entropy"), lambda weights: -(weights * np.log(weights + tiny)).sum(-1)).passed
    assert judge(sheet_of("entropy"), lambda weights: -(weights * np.log(np.clip(weights, tiny, 1))).sum(-1)).passed


@pytest.mark.parametrize(
    "of",
    [
        lambda products, d_k: products.sum(axis=0),
        lambda products, d_k: products,
        lambda products, d_k: products.sum(axis=-1) / np.sqrt(d_k),
    ],
)
def test_a_variance_far_off_hears_what_is_expected(sheet_of, of):
    def score_variance(d_k, num_samples, rng):
        return of(np.prod(rng.normal(size=(2, num_samples, d_k)), axis=0), d_k).var()

    assert "; it should be near 4" in told(sheet_of, "score_variance", score_variance).seen


def test_one_query_for_all_keys_earns_nothing_by_luck(sheet_of):
    def score_variance(d_k, num_samples, rng):
        return (rng.normal(size=(num_samples, d_k)) @ rng.normal(size=d_k)).var()

    points = [told(sheet_of, "score_variance", score_variance, seed).points for seed in (2017, 61, 3, 4, 5, 6)]
    assert sum(points) <= 2, points


# ---- scaled_dot_product_attention


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("divided", "words"),
    [
        (lambda scores, query, key: scores / key.shape[-1] ** 1 / 2, "`** 1/2`"),
        (lambda scores, query, key: scores / (key.shape[-1] ** 1 / 2), "`** 1/2`"),
        (lambda scores, query, key: scores / np.sqrt(key.shape[1]), "axis 1"),
        (lambda scores, query, key: scores / np.sqrt(query.shape[1]), "axis 1"),
    ],
)
def test_a_root_of_the_wrong_thing_is_told_in_words(sheet_of, divided, words, seed):
    def attention(query, key, value):
        weights = softmax(divided(query @ np.swapaxes(key, -1, -2), query, key))
        return weights @ value, weights

    verdict = told(sheet_of, "scaled_dot_product_attention", attention, seed)
    assert verdict.misconceptions == () and words in verdict.message, verdict.message


# ---- diagnose_leaks


def test_who_clears_a_leaky_function_is_sent_to_the_detector(sheet_of):
    right = [str(word) for word in sheet_of("diagnose_leaks").cases[0].expected]
    verdict = told(sheet_of, "diagnose_leaks", lambda: [*right[:2], "honest", *right[3:]])
    assert verdict.seen.startswith("You say `C`: “honest”.") and "sees_the_future" in verdict.look_at


# ---- sees_the_future, once more


def above(bound):
    return lambda before, after: np.abs(after - before).max() > bound


@pytest.mark.parametrize("seed", [*SEEDS, 3])
@pytest.mark.parametrize("bound", [1e-4, 1e-3, 0.01, 0.1])
def test_a_bound_that_clears_a_whisper_is_refused_in_words(sheet_of, bound, seed):
    verdict = told(sheet_of, "sees_the_future", detector(above(bound)), seed)
    assert verdict.misconceptions == () and verdict.points == 2
    assert "lets small changes pass" in verdict.matches and "1e-9" in verdict.look_at, verdict.message


@pytest.mark.parametrize("seed", [*SEEDS, 3])
@pytest.mark.parametrize(
    "differ",
    [above(1e-5), above(1e-6), above(1e-10), lambda before, after: not np.allclose(after, before)],
)
def test_a_bound_that_finds_a_whisper_is_right(sheet_of, differ, seed):
    assert judge(sheet_of("sees_the_future", seed), detector(differ)).passed


def moved(attention, x, position, rng):
    later = x.copy()
    later[position:] = rng.normal(size=later[position:].shape)
    return np.abs(attention(later)[:position] - attention(x)[:position]).max() > 1e-9


def decides_in_the_first_turn(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    for position in range(1, length):
        return bool(moved(attention, x, position, rng))


def decides_in_the_first_turn_or_at_the_end(attention, length, d_model, rng):
    return bool(decides_in_the_first_turn(attention, length, d_model, rng))


def forgets_what_it_found(attention, length, d_model, rng):
    x, leak = rng.normal(size=(length, d_model)), False
    for position in range(1, length):
        leak = moved(attention, x, position, rng)
    return leak


def finds_nothing_to_return(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    for position in range(1, length):
        leak = moved(attention, x, position, rng)
    return leak


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "function",
    [
        decides_in_the_first_turn,
        decides_in_the_first_turn_or_at_the_end,
        forgets_what_it_found,
        finds_nothing_to_return,
    ],
)
def test_who_lets_one_turn_decide_is_asked_about_the_others(sheet_of, function, seed):
    verdict = told(sheet_of, "sees_the_future", function, seed)
    assert verdict.misconceptions == ("detector-one-position",) and "rests on one position" in verdict.matches
    assert "survive the later turns" in verdict.look_at and "be sure that there is no leak" in verdict.look_at


def test_a_first_position_of_zero_is_told_that_nothing_lies_before_it(sheet_of):
    verdict = told(sheet_of, "sees_the_future", detector(above(1e-9), start=0))
    assert "zero-size" in verdict.seen and "No row lies before position 0" in verdict.look_at

    def with_pythons_own(attention, length, d_model, rng):
        x = rng.normal(size=(length, d_model))
        return any(max(abs(attention(x) - attention(-x))[:n].ravel()) > 1e-9 for n in range(length))

    assert "No row lies before position 0" in told(sheet_of, "sees_the_future", with_pythons_own).look_at


def exchanged(attention, length, d_model, rng):
    return not detector(above(1e-9))(attention, length, d_model, rng)


def exchanged_but_for_one_token(attention, length, d_model, rng):
    return length > 1 and exchanged(attention, length, d_model, rng)


def changes_the_past(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    for position in range(1, length):
        earlier = x.copy()
        earlier[:position] += 1
        if np.abs(attention(x) - attention(earlier))[position:].max() > 1e-9:
            return True
    return False


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("function", "words"),
    [
        (exchanged, "True and False exchanged"),
        (exchanged_but_for_one_token, "True and False exchanged"),
        (changes_the_past, "changes the tokens before a position"),
    ],
)
def test_a_detector_turned_round_is_told_in_words(sheet_of, function, words, seed):
    verdict = told(sheet_of, "sees_the_future", function, seed)
    assert verdict.misconceptions == () and words in verdict.matches, verdict.message


def test_a_verdict_on_a_detector_says_what_the_detector_returned(sheet_of):
    seen = told(sheet_of, "sees_the_future", exchanged).seen
    assert "`sees_the_future(…)` is True, and should not be" in seen


# ---- the masks, once more


@pytest.mark.parametrize(
    "function",
    [np.tri, lambda length: np.where(np.tri(length) == 1, 0, -np.inf), lambda n: np.triu(np.full((n, n), -1e9), 1)],
)
def test_a_mask_of_numbers_is_told_what_they_would_be_as_booleans(sheet_of, function):
    verdict = told(sheet_of, "causal_mask", function)
    assert verdict.misconceptions == ("causal-not-boolean",) and "added to scores" in verdict.matches
    assert "as a boolean" in verdict.look_at


def test_a_mask_as_long_as_the_longest_sequence_is_told_of_max_length(sheet_of):
    verdict = told(
        sheet_of, "padding_mask", lambda lengths, max_length: np.arange(max(lengths)) < lengths[:, None, None]
    )
    assert verdict.misconceptions == () and "the longest of these" in verdict.matches
    assert "`max_length` is given" in verdict.look_at


def test_words_are_marked_as_the_box_can_show_them():
    texts = [
        text for exercise in EXERCISES.values() for fault in exercise.faults for text in (fault.matches, fault.look_at)
    ]
    texts += [text for exercise in EXERCISES.values() for text in (exercise.success, *exercise.replies.values())]
    for text in texts:
        shown = re.sub(r"<code.*?</code>", "", marked(text))
        assert not re.search(r"\*\w|\w\*|`|_\w+_ ", shown), text


def blends(masked_softmax):
    def masked_attention(query, key, value, mask=None):
        scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(key.shape[-1])
        weights = softmax(scores) if mask is None else masked_softmax(scores, mask)
        return weights @ value, weights

    return masked_attention


def added_infinities(scores, mask):
    with np.errstate(all="ignore"):
        return softmax(scores + (~mask) * -np.inf)


def zeros_where_the_whole_mask_is_empty(scores, mask):
    if not mask.any():
        return np.zeros(scores.shape)
    with np.errstate(all="ignore"):
        return softmax(np.where(mask, scores, -np.inf))


@pytest.mark.parametrize("seed", SEEDS)
def test_zero_times_infinity_is_told_in_words(sheet_of, seed):
    for exercise, function in (("masked_softmax", added_infinities), ("masked_attention", blends(added_infinities))):
        verdict = told(sheet_of, exercise, function, seed)
        assert verdict.misconceptions == () and "NaN in every row" in verdict.matches and "0 · ∞" in verdict.look_at


@pytest.mark.parametrize("seed", SEEDS)
def test_who_asks_the_whole_mask_has_nan_in_an_empty_row(sheet_of, seed):
    wrong = zeros_where_the_whole_mask_is_empty
    for exercise, function in (("masked_softmax", wrong), ("masked_attention", blends(wrong))):
        assert told(sheet_of, exercise, function, seed).misconceptions == ("fully-masked-nan",)


@pytest.mark.parametrize(
    ("place", "word", "test"),
    [
        (3, "fill too small", "does output 0 become loud"),
        (3, "one ahead", "move with token 1"),
        (5, "after softmax", "a multiple of token 0"),
        (5, "inverted", "the token before it"),
        (1, "mean of all", "same vector added"),
    ],
)
def test_each_wrong_diagnosis_hears_how_it_can_be_tried(sheet_of, place, word, test):
    said = [str(right) for right in sheet_of("diagnose_leaks").cases[0].expected]
    said[place] = word
    verdict = told(sheet_of, "diagnose_leaks", lambda: said)
    assert test in verdict.look_at and "find a leak in " + "ABCDEF"[place] in verdict.look_at


# ---- integers are valid weights


@pytest.mark.parametrize("seed", SEEDS)
def test_an_array_made_for_integers_takes_no_logarithms(sheet_of, seed):
    def entropy(weights):
        return -(weights * np.log(weights, out=np.zeros_like(weights), where=weights > 0)).sum(-1)

    verdict = told(sheet_of, "entropy", entropy, seed)
    assert verdict.points == 2 and verdict.look_at.endswith("Which dtype has the array that you write into?")


@pytest.mark.parametrize("seed", SEEDS)
def test_an_array_made_of_integers_takes_no_identity(sheet_of, seed):
    def softmax_jacobian(weights):
        jacobian = np.tile(-weights, (len(weights), 1))
        jacobian += np.eye(len(weights))
        return weights[:, None] * jacobian

    verdict = told(sheet_of, "softmax_jacobian", softmax_jacobian, seed)
    assert verdict.points == 3 and verdict.look_at.endswith("Which dtype has the array that you write into?")


# ---- lesson 3: signs, constants, powers


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("own", [lambda w: w * (w - 1), lambda w: w * (1 + w)])
def test_a_wrong_sign_on_the_diagonal_is_named(sheet_of, own, seed):
    def softmax_jacobian(weights):
        jacobian = -np.outer(weights, weights)
        np.fill_diagonal(jacobian, own(weights))
        return jacobian

    assert told(sheet_of, "softmax_jacobian", softmax_jacobian, seed).misconceptions == ("jacobian-sign",)


@pytest.mark.parametrize("seed", SEEDS)
def test_ones_on_the_diagonal_are_told_in_words(sheet_of, seed):
    verdict = told(sheet_of, "softmax_jacobian", lambda w: np.eye(len(w)) - w[:, None] * w, seed)
    assert verdict.misconceptions == () and "the 1 of δ, without its weight" in verdict.matches


@pytest.mark.parametrize("seed", SEEDS)
def test_a_power_of_the_entropy_is_told_in_words(sheet_of, seed):
    def entropy(weights):
        return np.exp(-(weights * np.log(np.where(weights > 0, weights, 1))).sum(axis=-1))

    verdict = told(sheet_of, "entropy", entropy, seed)
    assert verdict.misconceptions == () and "perplexity" in verdict.matches, verdict.message


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("constant", [384**0.5, 512**0.5, 128**0.5, 2**0.5, 3, 5, 5.657, 384])
def test_a_constant_of_the_lesson_is_named(sheet_of, constant, seed):
    def attention(query, key, value):
        weights = softmax(query @ np.swapaxes(key, -1, -2) / constant)
        return weights @ value, weights

    verdict = told(sheet_of, "scaled_dot_product_attention", attention, seed)
    assert verdict.misconceptions == ("scale-hard-coded",), verdict.message


@pytest.mark.parametrize("seed", SEEDS)
def test_who_divides_the_output_is_asked_for_the_output(sheet_of, seed):
    def attention(query, key, value):
        weights = softmax(query @ np.swapaxes(key, -1, -2))
        return weights @ value / key.shape[-1] ** 0.5, weights

    verdict = told(sheet_of, "scaled_dot_product_attention", attention, seed)
    assert verdict.misconceptions == ("scaled-after-softmax",)
    assert "what should the output be" in verdict.look_at and "rows" not in verdict.look_at

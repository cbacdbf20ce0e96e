"""Right answers to lessons 3 and 4, written as differently as learners write them: every one must pass."""

import math
import warnings

import attention_lab
import numpy as np
import torch

from autograder.tests.written import Written, assert_accepted, each, exercises_of, one_sequence_at_a_time

right = Written()


def tensors(*arrays):
    return [torch.tensor(np.asarray(array, dtype=float)) for array in arrays]


def softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


# ---- score_variance


@right("score_variance")
def samples_in_a_loop(d_k, num_samples, rng):
    return np.var([rng.normal(size=d_k) @ rng.normal(size=d_k) for _ in range(num_samples)], ddof=1)


@right("score_variance")
def keys_first(d_k, num_samples, rng):
    key = rng.standard_normal((num_samples, d_k))
    query = rng.standard_normal((num_samples, d_k))
    return float(torch.tensor(np.einsum("nd,nd->n", query, key)).var())


@right("score_variance")
def by_hand_in_single_precision(d_k, num_samples, rng):
    query, key = (rng.normal(size=(d_k, num_samples)).astype(np.float32) for _ in range(2))
    scores = sum(q * k for q, k in zip(query, key, strict=True))
    return ((scores - scores.mean()) ** 2).sum() / (num_samples - 1)


# ---- scaled_dot_product_attention


@right("scaled_dot_product_attention")
@one_sequence_at_a_time
def in_loops(query, key, value):
    outputs, rows = [], []
    for q in query:
        row = softmax(np.array([sum(a * b for a, b in zip(q, k, strict=True)) / len(q) ** 0.5 for k in key]))
        outputs.append(sum(w * v for w, v in zip(row, value, strict=True)))
        rows.append(row)
    return np.array(outputs), np.array(rows)


@right("scaled_dot_product_attention")
def with_einsum(query, key, value):
    weights = softmax(np.einsum("...qd,...kd->...qk", query, key) * key.shape[-1] ** -0.5)
    return np.einsum("...qk,...kv->...qv", weights, value), weights


@right("scaled_dot_product_attention")
def torchs_own(query, key, value):
    query, key, value = tensors(query, key, value)
    own = torch.nn.functional.scaled_dot_product_attention
    identity = torch.eye(key.shape[-2], dtype=torch.float64).expand(*key.shape[:-1], key.shape[-2])
    return own(query, key, value).numpy(), own(query, key, identity).numpy()


@right("scaled_dot_product_attention")
def scale_on_the_query(query, key, value):
    weights = softmax((query / math.sqrt(query.shape[-1])) @ np.moveaxis(key, -1, -2))
    return [weights @ value, weights]


@right("scaled_dot_product_attention")
def a_fourth_root_on_each(query, key, value):
    root = query.shape[-1] ** 0.25
    weights = softmax((query / root) @ np.swapaxes(key / root, -1, -2))
    return weights @ value, weights


@right("scaled_dot_product_attention")
def in_single_precision(query, key, value):
    query, key, value = (np.asarray(array, np.float32) for array in (query, key, value))
    weights = softmax(query @ np.swapaxes(key, -1, -2) / np.float32(math.sqrt(query.shape[-1])))
    return weights @ value, weights


@right("scaled_dot_product_attention")
def that_prints_and_warns(query, key, value):
    print("shapes", query.shape, key.shape)
    warnings.warn("slow", stacklevel=1)
    return with_einsum(query, key, value)


# ---- entropy


@right("entropy")
def only_the_positive_weights(weights):
    if weights.ndim == 1:
        return -sum(w * math.log(w) for w in weights if w > 0)
    return np.array([only_the_positive_weights(row) for row in weights])


@right("entropy")
def torchs_entr(weights):
    return torch.special.entr(*tensors(weights)).sum(-1).numpy()


@right("entropy")
def clipped_logarithms(weights):
    return -np.einsum("...n,...n->...", weights, np.log(np.clip(weights, 1e-12, 1)))


@right("entropy")
def a_small_number_inside_the_log(weights):
    return -np.sum(weights * np.log(weights + 1e-12), axis=-1)


@right("entropy")
def nansum(weights):
    return -np.nansum(weights * np.log(weights), axis=-1)


@right("entropy")
def of_the_reciprocal(weights):
    return (weights * np.log(1 / np.where(weights == 0, 1, weights))).sum(-1)


# ---- softmax_jacobian


@right("softmax_jacobian")
def entry_by_entry(weights):
    n = len(weights)
    return np.array([[weights[i] * ((i == j) - weights[j]) for j in range(n)] for i in range(n)])


@right("softmax_jacobian")
def by_automatic_differentiation(weights):
    (weights,) = tensors(weights)
    scores = torch.log(weights.clamp(min=1e-300))
    return torch.autograd.functional.jacobian(lambda s: torch.softmax(s, 0), scores).numpy()


@right("softmax_jacobian")
def eye_minus_the_row(weights):
    return weights[:, np.newaxis] * (np.eye(weights.size) - weights)


# ---- causal_mask


@right("causal_mask")
def rows_of_lists(length):
    return np.array([[j <= i for j in range(length)] for i in range(length)])


@right("causal_mask")
def two_aranges(length):
    return np.arange(length)[:, None] >= np.arange(length)[None, :]


@right("causal_mask")
def tril_as_booleans(length):
    return np.tril(np.ones((length, length))).astype(bool)


@right("causal_mask")
def not_the_strict_upper_triangle(length):
    return ~torch.ones(length, length).triu(1).bool().numpy()


# ---- padding_mask


@right("padding_mask")
def filled_row_by_row(lengths, max_length):
    mask = np.zeros((len(lengths), 1, max_length), dtype=bool)
    for row, length in enumerate(lengths):
        mask[row, 0, :length] = True
    return mask


@right("padding_mask")
def lists_of_booleans(lengths, max_length):
    return np.array([[[True] * int(n) + [False] * (max_length - int(n))] for n in lengths])


@right("padding_mask")
def through_torch(lengths, max_length):
    return (torch.arange(max_length)[None, None] < torch.tensor(lengths)[:, None, None]).numpy()


# ---- masked_softmax


@right("masked_softmax")
def row_by_row(scores, mask):
    mask = np.broadcast_to(mask, scores.shape)
    weights = np.zeros(scores.shape)
    for place in np.ndindex(scores.shape[:-1]):
        allowed = mask[place]
        if allowed.any():
            weights[place][allowed] = softmax(scores[place][allowed].astype(float))
    return weights


@right("masked_softmax")
def torch_and_nan_to_num(scores, mask):
    filled = torch.tensor(scores.astype(float)).masked_fill(~torch.tensor(mask), -torch.inf)
    return torch.nan_to_num(torch.softmax(filled, dim=-1)).numpy()


@right("masked_softmax")
def the_lowest_float_and_zeros(scores, mask):
    weights = softmax(np.where(mask, scores, np.finfo(float).min))
    return weights * mask


@right("masked_softmax")
def sums_where_given(scores, mask):
    scores, mask = scores.astype(float), np.broadcast_to(mask, scores.shape)
    top = np.max(scores, axis=-1, keepdims=True, where=mask, initial=-1e300)
    powers = np.exp(np.where(mask, scores - top, -np.inf))
    total = powers.sum(-1, keepdims=True)
    return np.divide(powers, total, out=np.zeros_like(powers), where=total > 0)


@right("masked_softmax")
def a_penalty_of_infinity(scores, mask):
    with np.errstate(divide="ignore"):
        return np.nan_to_num(softmax(scores + np.log(np.broadcast_to(mask, scores.shape).astype(float))))


# ---- masked_attention


@right("masked_attention")
def all_true_where_none(query, key, value, mask=None):
    scores = query @ np.swapaxes(key, -1, -2) / math.sqrt(key.shape[-1])
    mask = np.ones_like(scores, dtype=bool) if mask is None else mask
    weights = row_by_row(scores, mask)
    return weights @ value, weights


@right("masked_attention")
def torch_with_a_mask(query, key, value, mask=None):
    query, key, value = tensors(query, key, value)
    scores = query @ key.transpose(-1, -2) / key.shape[-1] ** 0.5
    if mask is not None:
        scores.masked_fill_(~torch.from_numpy(mask), -torch.inf)
    weights = torch.softmax(scores, -1).nan_to_num(0.0)
    return (weights @ value).numpy(), weights.numpy()


@right("masked_attention")
def by_two_ways(query, key, value, mask=None):
    if mask is None:
        return with_einsum(query, key, value)
    weights = the_lowest_float_and_zeros(np.einsum("...qd,...kd->...qk", query, key) / query.shape[-1] ** 0.5, mask)
    return np.einsum("...qk,...kv->...qv", weights, value), weights


@right("causal_mask")
def by_subtraction(length):
    positions = np.arange(length)
    return positions[:, None] - positions >= 0


@right("causal_mask")
def by_running_sum(length):
    return np.cumsum(np.eye(length, dtype=int), axis=0).T[::-1, ::-1].T.astype(bool)[::-1, ::-1]


@right("padding_mask")
def one_row_at_a_time(lengths, max_length):
    rows = [[True] * int(length) + [False] * (max_length - int(length)) for length in lengths]
    return np.array(rows)[:, np.newaxis]


@right("entropy")
def as_a_surprise(weights):
    surprise = -np.log(np.where(weights == 0, 1.0, weights))
    return np.einsum("...n,...n->...", weights, surprise)


@right("softmax_jacobian")
def with_comprehensions(weights):
    n = len(weights)
    return np.array([[weights[i] * ((i == j) - weights[j]) for j in range(n)] for i in range(n)])


@right("scaled_dot_product_attention")
def scaled_before_the_product(query, key, value):
    root = key.shape[-1] ** 0.25
    scores = np.einsum("...qd,...kd->...qk", query / root, key / root)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    weights = powers / powers.sum(-1, keepdims=True)
    return np.matmul(weights, value), weights


# ---- sees_the_future


@right("sees_the_future")
def adds_one_to_everything_later(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    for position in range(length - 1):
        later = x + (np.arange(length) > position)[:, None]
        if not np.allclose(attention(x)[: position + 1], attention(later)[: position + 1], rtol=0, atol=1e-9):
            return True
    return False


@right("sees_the_future")
def one_token_after_the_other(attention, length, d_model, rng):
    x = rng.uniform(-1, 1, (length, d_model))
    before, moved = attention(x), []
    for token in range(1, length):
        later = x.copy()
        later[token] *= -3
        moved.append(np.abs(attention(later) - before)[:token].max())
    return max(moved, default=0) > 1e-9


@right("sees_the_future")
def zeros_for_the_future_in_single_precision(attention, length, d_model, rng):
    x = torch.tensor(rng.normal(size=(length, d_model)), dtype=torch.float32).numpy()
    cut = [np.concatenate([x[:n], np.zeros_like(x[n:])]) for n in range(1, length)]
    return any(np.abs(attention(x)[:n] - attention(y)[:n]).max() > 1e-9 for n, y in enumerate(cut, 1))


# ---- diagnose_leaks


@right("diagnose_leaks")
def the_words_as_a_list():
    return ["mean of all", "honest", "fill too small", "after softmax", "honest", "one ahead"]


@right("diagnose_leaks")
def the_words_by_experiment():
    found = {}
    for letter in "abcdef":
        attention = getattr(attention_lab, f"attention_{letter}")
        x = np.random.default_rng(3).normal(size=(5, 3))
        change = np.abs(attention(x + np.eye(5)[:, [4]]) - attention(x))[:4].max(axis=1)
        shift = np.abs(attention(x + 5.0) - attention(x)).max()
        if not change.any():
            found[letter] = "honest"
        elif not change[:3].any():
            found[letter] = "one ahead"
        elif shift < 1e-9:
            found[letter] = "mean of all"
        else:
            found[letter] = "fill too small" if change.max() < 1e-3 else "after softmax"
    return tuple(found.values())


# ---- temperature_answers


@right("temperature_answers")
def seven_words_with_other_capitals_and_spaces():
    return ["Zero", "zero", " log n", "0.242 ", "FALLS", "stays", "No gradient"]


@right("temperature_answers")
def seven_words_by_letter():
    gaps = {"G": "no gradient", "F": "stays", "E": "falls", "D": "0.242", "C": "log n", "B": "zero", "A": "zero"}
    return tuple(gaps[letter] for letter in sorted(gaps))


@each(right)
def test_a_right_answer_passes(sheet_of, answer):
    assert_accepted(sheet_of, answer)


def test_every_exercise_of_the_lessons_is_answered():
    assert right.exercises() == exercises_of("03_scaling", "04_masking")

"""Right answers to lesson 2, written as differently as learners write them: every one must pass."""

import functools
import math
import sys
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from attention_lab.judge import judge

from autograder.tests.written import Written, assert_accepted, each, exercises_of, one_sequence_at_a_time

right = Written()


def softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@right("project")
def project_with_dot(x, weight, bias=None):
    result = np.dot(x, weight)
    if bias is not None:
        result += bias
    return result


@right("project")
def project_with_einsum(x, weight, bias=0):
    return np.einsum("...i,io->...o", x, weight) + (0 if bias is None else bias)


@right("project")
def project_with_tensordot(x, weight, bias=None):
    bias = np.zeros(weight.shape[1]) if bias is None else bias
    return np.tensordot(x, weight, axes=([-1], [0])) + bias


@right("project")
def project_in_torch(x, weight, bias=None):
    tensors = [None if array is None else torch.from_numpy(np.array(array)) for array in (x, weight.T, bias)]
    return torch.nn.functional.linear(*tensors).detach().numpy()


@right("project")
def project_number_by_number(x, weight, bias=None):
    flat = x.reshape(-1, x.shape[-1])
    rows = [[sum(token[i] * weight[i, o] for i in range(len(token))) for o in range(weight.shape[1])] for token in flat]
    projected = np.array(rows).reshape(*x.shape[:-1], weight.shape[1])
    return projected if bias is None else np.add(projected, bias)


@right("project")
def project_with_an_extra_input_of_one(x, weight, bias=None):
    """The bias as one more row of the weight."""
    if bias is None:
        return x @ weight
    ones = np.ones((*x.shape[:-1], 1))
    return np.concatenate([x, ones], axis=-1) @ np.vstack([weight, bias])


right("project")(lambda x, weight, bias=None: x @ weight if bias is None else np.add(x @ weight, bias))


@right("attention_scores")
def scores_with_einsum(query, key):
    return np.einsum("...qd,...kd->...qk", query, key)


@right("attention_scores")
def scores_with_broadcasting(query, key):
    return (query[..., :, None, :] * key[..., None, :, :]).sum(-1)


@right("attention_scores")
@one_sequence_at_a_time
def scores_pair_by_pair(query, key):
    return np.array([[np.dot(q, k) for k in key] for q in query])


@right("attention_scores")
def scores_transposed_twice(query, key):
    return np.swapaxes(key @ np.swapaxes(query, -1, -2), -1, -2)


@right("attention_scores")
def scores_with_an_explicit_permutation(query, key):
    axes = list(range(key.ndim))
    axes[-2:] = axes[-1], axes[-2]
    return query @ key.transpose(axes)


dot_products = np.vectorize(np.dot, signature="(d),(d)->()")


@right("attention_scores")
def scores_vectorized(query, key):
    return dot_products(query[..., :, None, :], key[..., None, :, :])


@right("attention_scores")
def scores_in_float32(query, key):
    return np.matmul(query.astype(np.float32), np.moveaxis(key.astype(np.float32), -1, -2))


@right("attention")
def attention_with_einsum(query, key, value):
    weights = softmax(np.einsum("...ik,...jk->...ij", query, key))
    return np.einsum("...ij,...jv->...iv", weights, value), weights


@right("attention")
@one_sequence_at_a_time
def attention_query_by_query(query, key, value):
    weights, output = [], []
    for q in query:
        scores = [float(np.dot(q, k)) for k in key]
        top = max(scores)
        powers = [math.exp(score - top) for score in scores]
        total = sum(powers)
        weights.append([power / total for power in powers])
        output.append(sum(w * v for w, v in zip(weights[-1], value, strict=True)))
    return np.array(output), np.array(weights)


@right("attention")
def attention_in_torch(query, key, value):
    query, key, value = (torch.as_tensor(array).to(torch.float64) for array in (query, key, value))
    weights = (query @ key.transpose(-2, -1)).softmax(dim=-1)
    return (weights @ value).numpy(), weights.numpy()


@right("attention")
def attention_normalised_at_the_end(query, key, value):
    """The sum of the exponentials may be divided out after the blend."""
    scores = query @ np.swapaxes(key, -1, -2)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    sums = powers.sum(axis=-1, keepdims=True)
    return (powers @ value) / sums, powers / sums


@right("attention")
def attention_with_logaddexp(query, key, value):
    scores = np.matmul(query, key.swapaxes(-2, -1)).astype(float)
    weights = np.exp(scores - np.logaddexp.reduce(scores, axis=-1)[..., None])
    return [np.matmul(weights, value), weights]


@right("attention")
def attention_in_strict_settings(query, key, value):
    print("attention")
    print("on stderr", file=sys.stderr)
    warnings.warn("be careful", UserWarning, stacklevel=2)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        weights = softmax(query @ key.swapaxes(-1, -2))
    return weights @ value, weights


@right("attention")
def attention_in_fortran_order(query, key, value):
    weights = np.asfortranarray(softmax(query @ key.swapaxes(-1, -2)))
    return np.asfortranarray(weights @ value), weights


@right("self_attention")
def self_attention_with_one_weight(x, w_q, w_k, w_v):
    """One product with all weights beside each other, then three slices of it."""
    d_k = w_q.shape[1]
    everything = x @ np.hstack([w_q, w_k, w_v])
    query, key, value = np.split(everything, [d_k, 2 * d_k], axis=-1)
    return attention_with_einsum(query, key, value)


@right("self_attention")
def self_attention_through_one_matrix(x, w_q, w_k, w_v):
    """x W_q W_kᵀ xᵀ: the two projections as one bilinear form."""
    scores = x @ (w_q @ w_k.T) @ np.swapaxes(x, -1, -2)
    weights = softmax(scores)
    return weights @ x @ w_v, weights


@dataclass
class Layer:
    """An object that is called, as in torch."""

    attention: object

    def __call__(self, x, w_q, w_k, w_v):
        return self.attention(*(x @ weight for weight in (w_q, w_k, w_v)))


right("self_attention")(Layer(attention_normalised_at_the_end))


@right("self_attention")
def self_attention_in_torch(x, w_q, w_k, w_v):
    with torch.no_grad():
        x, *weights = (torch.tensor(array, dtype=torch.float64) for array in (x, w_q, w_k, w_v))
        query, key, value = (x @ weight for weight in weights)
        shares = torch.softmax(torch.einsum("...qd,...kd->...qk", query, key), -1)
        return np.asarray(shares @ value), np.asarray(shares)


@right("self_attention")
def self_attention_by_cross_attention(x, w_q, w_k, w_v):
    return cross_attention_by_name(x, x, w_q, w_k, w_v)


@right("self_attention")
def self_attention_with_torchs_own(x, w_q, w_k, w_v):
    """The library's function divides by √d_k unless it is told not to; its weights come from values of one."""
    x, *weights = (torch.tensor(array, dtype=torch.float64) for array in (x, w_q, w_k, w_v))
    query, key, value = (x @ weight for weight in weights)
    fused = functools.partial(torch.nn.functional.scaled_dot_product_attention, query, key, scale=1.0)
    identity = torch.eye(x.shape[-2], dtype=torch.float64).expand(*x.shape[:-1], x.shape[-2])
    return fused(value).numpy(), fused(identity).numpy()


@right("cross_attention")
def cross_attention_by_name(x, context, w_q, w_k, w_v):
    roles = {"query": x @ w_q, "key": context @ w_k, "value": context @ w_v}
    return attention_with_einsum(**roles)


@right("cross_attention")
def cross_attention_blending_the_context_first(x, context, w_q, w_k, w_v):
    """A blend of projections is the projection of a blend."""
    weights = softmax((x @ w_q) @ np.swapaxes(context @ w_k, -1, -2))
    return (weights @ context) @ w_v, weights


@right("cross_attention")
def cross_attention_sequence_by_sequence(x, context, w_q, w_k, w_v):
    @one_sequence_at_a_time
    def one(x, context):
        rows = [softmax(context @ w_k @ (w_q.T @ token)) for token in x]
        return np.array([row @ context @ w_v for row in rows]), np.array(rows)

    return one(x, context)


right("cross_attention")(
    lambda x, context, w_q, w_k, w_v: attention_query_by_query(x @ w_q, context @ w_k, context @ w_v)
)


@right("previous_token_share")
def share_in_a_loop(weights):
    n = weights.shape[-1]
    return sum(weights[..., i, i - 1] for i in range(1, n)) / (n - 1)


@right("previous_token_share")
def share_by_index(weights):
    rows = np.arange(1, weights.shape[-1])
    return np.mean(weights[..., rows, rows - 1], axis=-1)


@right("previous_token_share")
def share_as_a_trace(weights):
    return np.trace(weights[..., 1:, :-1], axis1=-2, axis2=-1) / (weights.shape[-2] - 1)


@right("previous_token_share")
def share_as_a_plain_number(weights):
    if weights.ndim == 2:
        return float(np.diag(weights, k=-1).mean())
    return np.array([share_as_a_plain_number(head) for head in weights])


ONE_CELL = """
import numpy as np

def soft(s):
    s = s - s.max(-1)[..., None]
    return np.exp(s) / np.exp(s).sum(-1)[..., None]

def self_attention(x, w_q, w_k, w_v):
    return attention(project(x, w_q), project(x, w_k), project(x, w_v))
"""
NEXT_CELL = """
def project(x, weight, bias=None): return x @ weight
def attention(q, k, v): w = soft(q @ k.swapaxes(-1, -2)); return w @ v, w
"""


def test_helpers_in_other_cells_are_found(sheet_of):
    cells = {}
    exec(ONE_CELL, cells)
    exec(NEXT_CELL, cells)
    assert judge(sheet_of("self_attention"), cells["self_attention"]).passed


@each(right)
def test_a_right_answer_passes(sheet_of, answer):
    assert_accepted(sheet_of, answer)


def test_every_exercise_of_the_lesson_is_answered():
    assert right.exercises() == exercises_of("02_queries_keys_values")

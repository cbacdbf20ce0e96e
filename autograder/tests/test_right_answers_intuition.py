"""Right answers to lesson 1, written as differently as learners write them: every one must pass."""

import functools
import itertools
import math
import sys
import warnings

import numpy as np
import torch
from attention_lab.judge import judge

from autograder.tests.written import Written, assert_accepted, each, exercises_of

right = Written()


def plain_softmax(scores):
    exponentials = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@right("softmax")
def softmax_with_moved_axis(scores, axis=-1):
    rows = np.moveaxis(np.asarray(scores, dtype=float), axis, -1)
    return np.moveaxis(plain_softmax(rows), -1, axis)


@right("softmax")
def softmax_with_logaddexp(scores, axis=-1):
    scores = np.array(scores, dtype=np.float64)
    total = np.expand_dims(np.logaddexp.reduce(scores, axis=axis), axis)
    return np.exp(scores - total)


@right("softmax")
def softmax_in_torch(scores, axis=-1):
    tensor = torch.from_numpy(np.array(scores))
    if not tensor.is_floating_point():
        tensor = tensor.to(torch.float64)
    return torch.nn.functional.softmax(tensor, dim=axis).numpy()


@right("softmax")
def softmax_in_float32(scores, axis=-1):
    scores = (scores - scores.max(axis, keepdims=True)).astype(np.float32)
    powers = np.exp(scores)
    return powers / powers.sum(axis, keepdims=True)


def one_line(line):
    top = max(line)
    powers = [math.exp(score - top) for score in line]
    return [power / sum(powers) for power in powers]


@right("softmax")
def softmax_along_each_line(scores, axis=-1):
    return np.apply_along_axis(one_line, axis, scores.astype(float))


@right("softmax")
def softmax_in_nested_loops(scores, axis=-1):
    weights = np.zeros(scores.shape)
    axis = axis % scores.ndim
    others = [range(size) for place, size in enumerate(scores.shape) if place != axis]
    for index in itertools.product(*others):
        place = (*index[:axis], slice(None), *index[axis:])
        line = scores[place]
        exponentials = [math.e ** (score - line.max()) for score in line]
        weights[place] = np.array(exponentials) / np.sum(exponentials)
    return weights


@right("softmax")
def softmax_that_talks(scores, axis=-1):
    print("softmax of", scores)
    print("a line on stderr", file=sys.stderr)
    warnings.warn("is this stable?", RuntimeWarning, stacklevel=1)
    shifted = np.subtract(scores, np.amax(scores, axis=axis, keepdims=True))
    powers = np.exp(shifted)
    return np.divide(powers, np.sum(powers, axis=axis, keepdims=True))


@right("softmax")
def softmax_that_raises_on_overflow(scores, axis=-1):
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
        return powers / powers.sum(axis=axis, keepdims=True)


@right("softmax")
def softmax_that_shifts_too_far(scores, axis=-1):
    """Any shift will do that keeps exp in range: here 5 more than the maximum."""
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True) - 5)
    return powers / powers.sum(axis=axis, keepdims=True)


@right("softmax")
def softmax_in_place_on_a_copy(scores, axis=-1):
    work = scores.astype(np.result_type(scores, np.float32), copy=True)
    work -= work.max(axis=axis, keepdims=True)
    np.exp(work, out=work)
    work /= work.sum(axis=axis, keepdims=True)
    return work


class SoftmaxAsAnObject:
    """A class with __call__, and with a memory of how often it was called."""

    __name__ = "SoftmaxAsAnObject"
    calls = 0

    def __call__(self, scores, axis=-1):
        self.calls += 1
        return softmax_with_moved_axis(scores, axis)


right("softmax")(SoftmaxAsAnObject())


def timed(function):
    @functools.wraps(function)
    def wrapper(*arguments, **keywords):
        return function(*arguments, **keywords)

    return wrapper


right("softmax")(timed(lambda scores, axis=-1: softmax_with_moved_axis(scores, axis)))


@right("blend")
def blend_with_einsum(weights, values):
    return np.einsum("...qk,...kd->...qd", weights, values)


@right("blend")
def blend_with_broadcasting(weights, values):
    return (weights[..., :, :, np.newaxis] * values[..., np.newaxis, :, :]).sum(axis=-2)


@right("blend")
def blend_one_key_after_another(weights, values):
    output = np.zeros((*weights.shape[:-1], values.shape[-1]))
    for key in range(values.shape[-2]):
        output += weights[..., :, key : key + 1] * values[..., key : key + 1, :]
    return output


@right("blend")
def blend_batch_by_batch(weights, values):
    if weights.ndim == 2:
        return np.array([[np.dot(row, column) for column in values.T] for row in weights])
    return np.stack([blend_batch_by_batch(*pair) for pair in zip(weights, values, strict=True)])


blend_as_a_product = functools.partial(np.matmul)
blend_as_a_product.__name__ = "blend_as_a_product"
right("blend")(blend_as_a_product)


@right("blend")
def blend_in_torch(weights, values):
    values = torch.as_tensor(values, dtype=torch.float64)
    return (torch.as_tensor(weights, dtype=torch.float64) @ values).numpy()


@right("blend")
def blend_in_fortran_order(weights, values):
    return np.asfortranarray(np.matmul(np.ascontiguousarray(weights), values))


@right("attend")
def attend_in_a_loop(query, keys, values):
    scores = []
    for key in keys:
        scores.append(sum(q * k for q, k in zip(query, key, strict=True)))
    weights = np.array(one_line(scores))
    output = np.zeros(values.shape[1])
    for weight, value in zip(weights, values, strict=True):
        output = output + weight * value
    return output, weights


@right("attend")
def attend_with_a_row_of_queries(query, keys, values):
    weights = plain_softmax(query[None, :] @ keys.T)
    return (weights @ values)[0], weights[0]


@right("attend")
def attend_as_a_list(query, keys, values):
    weights = plain_softmax(np.inner(keys, query))
    return [np.average(values, axis=0, weights=weights), weights]


@right("attend")
def attend_in_torch(query, keys, values):
    query, keys, values = (torch.tensor(array, dtype=torch.float64) for array in (query, keys, values))
    weights = torch.softmax(torch.mv(keys, query), dim=0)
    return (weights @ values).numpy(), weights.numpy()


@right("attend")
def attend_with_tensordot(query, keys, values):
    weights = plain_softmax(np.tensordot(keys, query, axes=1))
    return np.tensordot(weights, values, axes=(0, 0)), weights


@right("plain_self_attention")
def plain_token_by_token(x):
    rows = [attend_in_a_loop(token, x, x) for token in x]
    return np.array([output for output, _ in rows]), np.array([weights for _, weights in rows])


@right("plain_self_attention")
def plain_with_einsum(x):
    weights = plain_softmax(np.einsum("id,jd->ij", x, x))
    return np.einsum("ij,jd->id", weights, x), weights


@right("plain_self_attention")
def plain_by_symmetry(x):
    """The scores are symmetric, so normalising the columns and transposing is right too."""
    scores = np.dot(x, x.T)
    powers = np.exp(scores - scores.max(axis=0))
    weights = (powers / powers.sum(axis=0)).T
    return np.dot(weights, x), weights


@right("plain_self_attention")
def plain_pair_by_pair(x):
    n = len(x)
    weights = np.empty((n, n), dtype=np.float64)
    for i in range(n):
        scores = np.array([x[i] @ x[j] for j in range(n)], dtype=np.float64)
        weights[i] = plain_softmax(scores)
    return np.vstack([weights[i] @ x for i in range(n)]), weights


ANOTHER_CELL = """
import numpy as np
from numpy import exp as e

def normalise(rows):
    return rows / rows.sum(-1, keepdims=True)

def plain_self_attention(x):
    "Calls a helper that a later cell defines."
    w = normalise(e(shifted(x @ x.T)))
    return w @ x, w
"""
LATER_CELL = "def shifted(s):\n    return s - s.max(-1, keepdims=True)"


def test_helpers_in_other_cells_are_found(sheet_of):
    cells = {}
    exec(ANOTHER_CELL, cells)
    exec(LATER_CELL, cells)
    assert judge(sheet_of("plain_self_attention"), cells["plain_self_attention"]).passed


@right("diagnose_suspects")
def diagnose_as_a_list():
    return ["overflows", "one sum", "wrong axis", "no exp"]


@right("diagnose_suspects")
def diagnose_with_a_dictionary():
    found = dict(zip("ABCD", ("overflows ", "one sum", "wrong axis", "no exp"), strict=True))
    return tuple(found[letter] for letter in sorted(found))


def test_a_right_answer_gets_the_same_verdict_twice(sheet_of):
    softmax = SoftmaxAsAnObject()
    assert judge(sheet_of("softmax"), softmax) == judge(sheet_of("softmax"), softmax)
    assert softmax.calls == 2 * len(sheet_of("softmax").cases)


def test_the_learners_own_settings_stay_as_they_were(sheet_of):
    def careless(scores, axis=-1):
        np.seterr(all="ignore")
        return softmax_with_moved_axis(scores, axis)

    before = np.geterr()
    assert judge(sheet_of("softmax"), careless).passed
    assert np.geterr() == before


@each(right)
def test_a_right_answer_passes(sheet_of, answer):
    assert_accepted(sheet_of, answer)


def test_every_exercise_of_the_lesson_is_answered():
    assert right.exercises() == exercises_of("01_intuition")

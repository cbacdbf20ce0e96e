"""Lesson 5: many heads in one function, as a module, and in a repair."""

from dataclasses import replace

import numpy as np
from attention_lab.tensors import Tensor

from autograder.exercises import faulty_heads as steps
from autograder.exercises.exercise import Draft, Exercise, Fault, Raises, grid
from autograder.exercises.faulty_attention import BLENDS_KEYS, SWAPPED_RETURN
from autograder.exercises.heads import LESSON, MERGE_HEADS, PARAMETER_COUNT, SPLIT_HEADS, boolean, mask_of
from autograder.exercises.masking import WITHOUT_MASK
from autograder.exercises.multi_head_module import MODULE
from autograder.exercises.queries_keys_values import VALUE_NOT_PROJECTED
from autograder.exercises.repaired import REPAIRED
from solutions import multi_head

WEIGHT_TRANSPOSED = Fault(
    "weight-transposed",
    "weight",
    "a projection by the transposed weight",
    "The weights here are used as `x @ w`: each feature of `x` meets a row of `w`. Which axis of `w` does your product "
    "sum over?",
    ("", "heads", "out"),
)

STOPS_WITH_HEADS = Fault(
    "crashes-with-heads",
    "split",
    "an error wherever there is more than one head",
    "Which comes first, the projection or the split? And at the end, the merge or `w_o`? A matrix of d_model rows "
    "needs all d_model features of a token: which of your tensors has them on its last axis?",
    quiet=True,
)
ROLES_EXCHANGED = Fault(
    "query-key-swapped",
    "roles",
    "queries and keys that have changed places: in what they are made with, or in the product",
    "Who asks, and who answers? Which matrix makes the queries, and which of the two stands first in the scores?",
    quiet=True,
)


def _multi_head(faults, x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    if {"weight-transposed", "weight-transposed/heads"} & faults:
        w_q, w_k, w_v = w_q.T, w_k.T, w_v.T
    if {"weight-transposed", "weight-transposed/out"} & faults:
        w_o = w_o.T
    if num_heads > 1 and "crashes-with-heads" in faults:
        raise Raises
    values = x if "value-not-projected" in faults else x @ w_v
    if "query-key-swapped" in faults:
        w_q, w_k = w_k, w_q
    query, key, value = (steps.split(features, num_heads, faults) for features in (x @ w_q, x @ w_k, values))
    blended, weights = steps.attend(query, key, value, mask, faults)
    if "merge-averages-heads/first-rows" in faults:
        merged, w_o = blended.mean(dim=1), w_o[: blended.shape[-1]]
    else:
        merged = steps.merge(blended, faults)
    output = merged if "output-projection-forgotten" in faults else merged @ w_o
    return (weights, output) if "swapped-return" in faults else (output, weights)


def _arguments(rng, batch, n, num_heads, d_head, dtype="float64"):
    d_model = num_heads * d_head
    tensors = {"x": Tensor(grid(rng, batch, n, d_model), dtype)}
    for name in ("w_q", "w_k", "w_v", "w_o"):
        tensors[name] = Tensor(grid(rng, d_model, d_model, scale=0.7), dtype)
    return {**tensors, "num_heads": num_heads}


def _shown():
    numbers = {
        "x": [[[1, 0], [0, 2], [1, 1]]],
        "w_q": [[1, 2], [0, 1]],
        "w_k": [[1, 0], [1, 1]],
        "w_v": [[1, 0], [3, 1]],
        "w_o": [[0, 1], [2, 1]],
    }
    arguments = {name: Tensor(np.array(rows, dtype=float)) for name, rows in numbers.items()}
    arguments["num_heads"] = 2
    yield Draft("a sequence", "", arguments, shown=True)
    yield Draft("masks", "", {**arguments, "mask": boolean(np.tri(3))}, ("mask",), shown=True)
    empty = {**arguments, "mask": boolean([[True, True, False], [False, False, False], [True, True, True]])}
    yield Draft("rows without a key", "", empty, ("mask",), shown=True)


def _draw(rng):
    yield Draft("a sequence", "three heads", _arguments(rng, 1, 5, 3, 2))
    yield Draft("any sizes", "a batch", _arguments(rng, 2, 5, 3, 4))
    yield Draft("any sizes", "d_model = heads²", _arguments(rng, 2, 4, 3, 3))
    yield Draft("any sizes", "as many tokens as heads", _arguments(rng, 2, 3, 3, 2))
    yield Draft("any sizes", "a single head", _arguments(rng, 2, 3, 1, 5))
    float32 = _arguments(rng, 2, 5, 2, 3, "float32")
    yield Draft("any sizes", "float32", float32, tolerance=1e-4)
    for name, shape in (
        ("one mask for all", (5, 5)),
        ("a padding mask", (2, 1, 1, 5)),
        ("a mask for each head", (2, 3, 5, 5)),
    ):
        masked = {**_arguments(rng, 2, 5, 3, 2), "mask": boolean(mask_of(rng, *shape))}
        yield Draft("masks", name, masked, ("mask",))
    mask = mask_of(rng, 2, 3, 5, 5)
    mask[0, int(rng.integers(3)), int(rng.integers(5))] = False
    yield Draft(
        "rows without a key", "one row without a key", {**_arguments(rng, 2, 5, 3, 2), "mask": boolean(mask)}, ("mask",)
    )


MULTI_HEAD_ATTENTION = Exercise(
    id="multi_head_attention",
    lesson=LESSON,
    reference=multi_head.multi_head_attention,
    model=_multi_head,
    outputs=("output", "weights"),
    parts={"a sequence": 1, "any sizes": 2, "masks": 1, "rows without a key": 1},
    success="`multi_head_attention` holds: every head attends on its own, and `w_o` mixes what they found.",
    faults=(
        replace(steps.SPLIT_WITHOUT_TRANSPOSE, look_at=steps.FEATURES),
        replace(steps.SPLIT_INTERLEAVED, variants=("", "merged-back")),
        STOPS_WITH_HEADS,
        steps.MERGE_WITHOUT_TRANSPOSE,
        replace(steps.MERGE_AVERAGES, variants=("repeated", "first-rows")),
        steps.MERGE_INTERLEAVED,
        WEIGHT_TRANSPOSED,
        VALUE_NOT_PROJECTED,
        ROLES_EXCHANGED,
        BLENDS_KEYS,
        *steps.SCALE,
        steps.OVER_HEADS,
        steps.OVER_QUERIES,
        *steps.MASK,
        WITHOUT_MASK,
        steps.OUTPUT_PROJECTION,
        steps.HEADS_AVERAGED,
        SWAPPED_RETURN,
    ),
    shown=_shown,
    draw=_draw,
    sums={"weights": -1},
    library="torch",
    rounds=1,
)

EXERCISES = (SPLIT_HEADS, REPAIRED, MERGE_HEADS, MULTI_HEAD_ATTENTION, PARAMETER_COUNT, MODULE)

"""Lesson 6: the same attention through one call of the library's, which is counted."""

from dataclasses import replace

import numpy as np
from attention_lab.phrases import ONE_CALL

from autograder.exercises import batched
from autograder.exercises.batched_faults import ADDED, FLOAT32, INVERTED, MASKS, OVERFLOWS, SCALES, TOO_SMALL
from autograder.exercises.exercise import Exercise, Fault
from autograder.exercises.masking import WITHOUT_MASK


def _fused(faults, query, key, value, mask=None):
    return batched.faulty_batched(faults, query, key, value, mask), ONE_CALL


def _shown():
    yield batched.draft("without a mask", "", batched.SMALL, shown=True)
    yield batched.draft("masks", "", {**batched.SMALL, "mask": batched.TWO_ROWS}, shown=True)
    yield batched.draft("rows without a key", "", {**batched.SMALL, "mask": batched.EMPTY_ROW}, shown=True)


def _draw(rng):
    b, h = (int(size) for size in rng.permutation([2, 3]))
    q, k, d, v = (int(size) for size in rng.permutation([4, 5, 6, 7]))
    heads = batched.arrays_of(rng, (b, h), q, k, d, v)
    yield batched.draft("without a mask", "batch and heads", heads)
    yield batched.draft("without a mask", "no leading axes", batched.arrays_of(rng, (), q, k, d, v))
    yield batched.draft("without a mask", "one leading axis", batched.arrays_of(rng, (b,), q, k, d, v))
    yield batched.draft("without a mask", "float64", heads, "float64")
    for name, shape in {
        "one mask for all": (q, k),
        "one row of keys": (1, k),
        "a mask of padding": (b, 1, 1, k),
    }.items():
        yield batched.draft("masks", name, {**heads, "mask": batched.some_keys(rng, *shape)})
    square = batched.arrays_of(rng, (b,), k, k, d, v)
    yield batched.draft("masks", "as many queries as keys", {**square, "mask": batched.some_keys(rng, k, k)})
    low = batched.arrays_of(rng, (), q, k, 4, v)
    low["query"][:, 0], low["key"][:, 0] = -400.0, 100.0
    hidden = {**low, "mask": batched.some_keys(rng, q, k)}
    yield batched.draft("masks", "scores around -20000", hidden, tolerance=0.02)
    ahead = batched.arrays_of(rng, (), q, k, 4, v)
    ahead["query"][:, 0], ahead["key"][:, 0], ahead["key"][-1, 0] = 400.0, 0.0, 100.0
    no_last = batched.some_keys(rng, q, k)
    no_last[:, -1], no_last[:, 0] = False, True
    yield batched.draft("masks", "a hidden key with a score of 20000", {**ahead, "mask": no_last})
    empty = batched.some_keys(rng, b, 1, q, k)
    empty[:, :, int(rng.integers(q))] = False
    yield batched.draft("rows without a key", "rows without a key", {**heads, "mask": empty})
    nobody = {**heads, "mask": np.zeros((q, k), bool)}  # never a mask of one axis: the library itself stops there
    yield batched.draft("rows without a key", "no key for anybody", nobody)
    small = batched.arrays_of(rng, (b, h), q, k, d, v, scale=1.0)
    for dtype in ("float16", "bfloat16"):
        yield batched.draft("without a mask", dtype, small, dtype)
        masked = {**small, "mask": batched.some_keys(rng, q, k)}
        yield batched.draft("masks", f"{dtype} and a mask", masked, dtype)
        yield batched.draft("rows without a key", f"{dtype} and rows without a key", {**small, "mask": empty}, dtype)


TWICE = Fault(
    "scaled-by-d_k",
    "scale",
    "scores divided by d_k, not √d_k: so it comes out where your function scales, and the library's does so, too",
    "What does `F.scaled_dot_product_attention` divide by, as its name says? What is left for you to scale?",
)
TOO_LOW = replace(  # a bias is added, so it is too small where a hidden score leads by more
    TOO_SMALL,
    variants=tuple(f"{fill}/added{zeros}" for fill in ("10", "100", "1e3", "1e4") for zeros in ("", "/zeros")),
)
_NOT_HERE = (TOO_SMALL.id, OVERFLOWS.id, ADDED.id, INVERTED.id)
_MASKS = (
    replace(INVERTED, variants=("", "fill")),
    *(fault for fault in MASKS if fault.id not in _NOT_HERE),
)
FUSED = Exercise(
    id="fused_attention",
    lesson="06_batched_gpu",
    reference=lambda query, key, value, mask=None: _fused(frozenset(), query, key, value, mask),
    model=_fused,
    outputs=("output", "calls"),
    parts={"without a mask": 1, "masks": 1, "rows without a key": 1},
    success="`fused_attention` holds: one call of the library's attention, with masks that mean what they mean here. "
    "Whether your rows without a key are zeros on every kernel is for the next cell to show.",
    faults=(
        SCALES[0],
        TWICE,
        *_MASKS,
        Fault(ADDED.id, ADDED.slot, ADDED.matches, ADDED.look_at, ("", "zeros", "hidden", "hidden-zeros")),
        Fault(OVERFLOWS.id, OVERFLOWS.slot, OVERFLOWS.matches, OVERFLOWS.look_at, ("", "zeros")),
        TOO_LOW,
        WITHOUT_MASK,
        FLOAT32,
    ),
    shown=_shown,
    draw=_draw,
    driver="fused",
    library="torch",
    keeps_dtype=True,
    rounds=2,
)

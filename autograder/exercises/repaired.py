"""Lesson 5: a broken attention, repaired. Leaving any of its three bugs in is a mistake with a name."""

from dataclasses import replace

import numpy as np
from attention_lab.tensors import Tensor

from autograder.exercises import faulty_heads as steps
from autograder.exercises.exercise import Draft, Exercise, Fault, Untold, grid
from autograder.exercises.faulty_attention import SWAPPED_RETURN
from autograder.exercises.heads import LESSON, boolean, mask_of
from autograder.exercises.masking import MASK_FAULTS, WITHOUT_MASK
from autograder.exercises.scaling import SCALE_FAULTS
from solutions import multi_head

FILL_TOO_SMALL = next(fault for fault in MASK_FAULTS if fault.id == "fill-too-small")
INVERTED = replace(
    next(fault for fault in MASK_FAULTS if fault.id == "mask-inverted"),
    look_at="`masked_fill` fills where what you give it is True. Does True in `mask` mean “hidden” or “may attend”?",
    variants=("", "fill", "both", "line"),  # `~` stands in two lines: where it was forgotten
)
LENGTH = replace(
    next(fault for fault in SCALE_FAULTS if fault.id == "scaled-by-sqrt-length"),
    matches="scores divided by the root of the number of keys, or of queries",
    look_at="How many numbers are multiplied and summed in one score? Which axis of `query` has that many?",
    variants=("keys", "queries"),
    quiet=True,
)
WITHOUT_SIGN = Fault(
    "fill-without-sign",
    "mask",
    "hidden scores filled with a large number above zero",
    "What is exp of your fill, and what of its sign turned round? Which of the two leaves a hidden key nothing?",
    tuple(f"{fill}{end}" for fill in steps.WITHOUT_SIGN for end in ("", "/zeros")),
    quiet=True,
)
ALL_AT_ONCE = {  # by its variants: what is wrong beside the axis
    "given": ("scaled-by-sqrt-d_model", "mask-as-zero-score/zeros"),
    "rows-not-mended": ("scaled-by-sqrt-d_model", "mask-as-zero-score/uniform"),
    "without-sign": ("scaled-by-sqrt-d_model", "fill-without-sign/1e9/zeros"),
    "unscaled": ("unscaled", "mask-as-zero-score/zeros"),
    "by-d_k": ("scaled-by-d_k", "mask-as-zero-score/zeros"),
    "by-heads": ("scaled-by-sqrt-heads", "mask-as-zero-score/zeros"),
}
THREE_LINES = Fault(
    "three-lines",
    "axis",
    "a softmax over the heads, and the scale and the fill besides",
    "One line after the other. Without a mask, print the sums of the weights along each axis: which of them are 1, and "
    "which should be?",
    tuple(ALL_AT_ONCE),
    quiet=True,
)


def _repaired(faults, query, key, value, mask=None):
    together = next((fault for fault in faults if fault.startswith(THREE_LINES.id)), None)
    if together is not None:
        if len(faults) > 1:
            raise Untold
        faults = frozenset({steps.OVER_HEADS.id, *ALL_AT_ONCE[together.split("/")[1]]})
    returned = steps.attend(query, key, value, mask, faults)
    return returned[::-1] if "swapped-return" in faults else returned


def _arguments(rng, batch, heads, n_q, n_k, d_head, dtype="float64"):
    return {
        "query": Tensor(grid(rng, batch, heads, n_q, d_head, scale=2.0), dtype),
        "key": Tensor(grid(rng, batch, heads, n_k, d_head, scale=2.0), dtype),
        "value": Tensor(grid(rng, batch, heads, n_k, d_head), dtype),
    }


def _shown():
    numbers = {  # 2 heads of 4 features, 2 queries, 3 keys: no other axis is as long as the features are many
        "query": [[[[2, 0, 1, 0], [0, 1, 0, 1]], [[1, 1, 0, 0], [0, 2, 1, 0]]]],
        "key": [[[[1, 0, 0, 2], [0, 1, 1, 0], [1, 2, 0, 0]], [[2, 0, 0, 1], [1, 2, 0, 0], [0, 1, 1, 0]]]],
        "value": [[[[4, 0, 0, 1], [0, 4, 1, 0], [1, 1, 0, 0]], [[1, 2, 0, 0], [3, 0, 1, 0], [0, 5, 0, 2]]]],
    }
    arguments = {name: Tensor(np.array(rows, dtype=float)) for name, rows in numbers.items()}
    yield Draft("without a mask", "", arguments, shown=True)
    yield Draft("masks", "", {**arguments, "mask": boolean([[True, False, True]])}, ("mask",), shown=True)
    empty = {**arguments, "mask": boolean([[True, True, False], [False, False, False]])}
    yield Draft("rows without a key", "", empty, ("mask",), shown=True)


def _draw(rng):
    sizes = [int(size) for size in rng.permutation([3, 4, 5])]
    for name, *shape in (
        ("all sizes different", 2, *sizes, 7),
        ("a single head", 2, 1, *sizes[:2], 3),
        ("all sizes equal", 3, 3, 3, 3, 3),
    ):
        yield Draft("without a mask", name, _arguments(rng, *shape))
    yield Draft("without a mask", "float32", _arguments(rng, 2, 3, 4, 5, 2, "float32"), tolerance=1e-4)
    for name, shape in (
        ("one mask for all", (4, 5)),
        ("a padding mask", (2, 1, 1, 5)),
        ("a mask for each head", (2, 3, 4, 5)),
    ):
        masked = {**_arguments(rng, 2, 3, 4, 5, 2), "mask": boolean(mask_of(rng, *shape))}
        yield Draft("masks", name, masked, ("mask",))
    far = _arguments(rng, 2, 3, 4, 5, 2)
    far["query"].numbers[..., 0], far["key"].numbers[..., 0] = 2000.0, -3000.0
    far["key"].numbers[..., 0, 0] = 3000.0
    yield Draft("masks", "large scores under the mask", {**far, "mask": boolean([[0, 1, 1, 1, 1]])}, ("mask",))
    for name, shape in (("one row without a key", (2, 3, 4, 5)), ("a row without a key in every head", (4, 5))):
        mask = mask_of(rng, *shape)
        mask.reshape(-1, 4, 5)[int(rng.integers(np.prod(shape[:-2]))), int(rng.integers(4))] = False
        masked = {**_arguments(rng, 2, 3, 4, 5, 2), "mask": boolean(mask)}
        yield Draft("rows without a key", name, masked, ("mask",))


REPAIRED = Exercise(
    id="repaired_attention",
    lesson=LESSON,
    reference=multi_head.repaired_attention,
    model=_repaired,
    outputs=("output", "weights"),
    parts={"without a mask": 1, "masks": 2, "rows without a key": 1},
    success="`repaired_attention` holds: the right scale, a softmax over the keys, and hidden keys get 0.",
    faults=(
        *steps.SCALE,
        LENGTH,
        THREE_LINES,
        steps.OVER_HEADS,
        steps.OVER_QUERIES,
        *(INVERTED if fault.id == "mask-inverted" else fault for fault in steps.MASK),
        replace(FILL_TOO_SMALL, variants=tuple(f"{fill}{end}" for fill in steps.FILLS for end in ("", "/zeros"))),
        WITHOUT_SIGN,
        WITHOUT_MASK,
        SWAPPED_RETURN,
    ),
    shown=_shown,
    draw=_draw,
    sums={"weights": -1},
    library="torch",
    rounds=3,
)

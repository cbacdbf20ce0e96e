"""Lesson 6: batched attention with fault switches, and the cases of `batched_attention`."""

import numpy as np
import torch
from attention_lab.tensors import Tensor, to_numpy

from autograder.exercises import batched_faults as named
from autograder.exercises.exercise import Draft, Exercise, Raises, Untold, grid
from autograder.exercises.faulty_softmax import faulty_softmax
from autograder.exercises.masking import FILLS

HALF = {torch.float16: "float16", torch.bfloat16: "bfloat16"}
TOLERANCE = {"float16": 6e-3, "bfloat16": 4e-2, "float32": 0.0, "float64": 0.0}
LARGE = 1e-3  # tolerance for scores around 1000, of which float32 keeps four decimals
SEEN_IN_HALF = ("fill-overflows-half", "hard-coded-float32", "fully-masked", "crashes-without-mask")


def in_float64(*tensors):
    """The numbers of tensors in double precision; None stays None."""
    return [None if tensor is None else to_numpy(tensor).astype(np.float64) for tensor in tensors]


def returned(numbers, query, faults):
    """Numbers as a tensor of the query's dtype, or of another where a fault has it so."""
    kept = not {"hard-coded-float32", *({"hard-coded-float32/half"} if query.dtype in HALF else ())} & faults
    return torch.from_numpy(np.ascontiguousarray(numbers)).to(query.dtype if kept else torch.float32)


def stop_where_dtypes_matter(faults, query, mask=None):
    """In half precision most faults are not looked at: what they give there is a matter of rounding."""
    half = query.dtype in HALF
    if "crashes-without-mask" in faults and mask is None:
        raise Raises
    if "hard-coded-float32/raises" in faults and query.dtype != torch.float32:
        raise Raises
    if half and ("hard-coded-float32/half-raises" in faults):
        raise Raises
    if mask is not None and half and "hard-coded-float32/mask-raises" in faults:
        raise Raises
    if (
        mask is not None
        and query.dtype == torch.float16
        and {"fill-overflows-half", "fill-overflows-half/zeros"} & faults
    ):
        raise Raises
    if half and not all(fault.startswith(SEEN_IN_HALF) for fault in faults):
        raise Untold


def faulty_batched(faults, query, key, value, mask=None):
    """softmax(QKᵀ / √d_k) V with faults, in double precision, as a tensor of the query's dtype."""
    stop_where_dtypes_matter(faults, query, mask)
    overflows = query.dtype == torch.float16
    q, k, v = in_float64(query, key, value)
    mask = None if mask is None else to_numpy(mask)
    with np.errstate(all="ignore"):
        weights = _weights(faulty_scores(q, k, v, faults), mask, faults, overflows)
        return returned(weights @ (k if "blends-keys" in faults else v), query, faults)


def faulty_scores(query, key, value, faults):
    """QKᵀ, scaled, with faults in the axes and in the scale."""
    switch = next((fault for fault in faults if fault in named.TRANSPOSES), None)
    scores = query @ (named.TRANSPOSES[switch](key) if switch else np.swapaxes(key, -1, -2))
    if "unscaled" in faults:
        return scores
    if "scaled-by-sqrt-d_v" in faults:
        return scores / np.sqrt(value.shape[-1])
    return scores / (query.shape[-1] if "scaled-by-d_k" in faults else np.sqrt(query.shape[-1]))


def _weights(scores, mask, faults, overflows):
    """Masked softmax with faults; `overflows` says that −1e9 becomes −∞."""
    axis = next((axis for switch, axis in named.WRONG_AXES.items() if switch in faults), None)
    if axis is not None:
        axis = axis(scores.ndim)
    if mask is None or "mask-ignored" in faults:
        return faulty_softmax(scores, faults, wrong_axis=axis)
    mask = np.broadcast_to(mask, scores.shape)
    shares = mask.any(axis=-1, keepdims=True)
    if {"mask-inverted", "mask-inverted/fill"} & faults:
        mask = ~mask
    if "mask-inverted" in faults:
        shares = mask.any(axis=-1, keepdims=True)
    elif "mask-inverted/line" in faults:
        shares = ~shares
    if "mask-after-softmax" in faults:
        return faulty_softmax(scores, faults, wrong_axis=axis) * mask
    masked, mended = _masked(scores, mask, faults, overflows)
    weights = faulty_softmax(masked, faults, wrong_axis=axis)
    otherwise = np.zeros_like(weights) if mended else weights
    if "fully-masked-nan" in faults:
        otherwise = np.nan
    elif "fully-masked-uniform" in faults:
        otherwise = 1 / mask.shape[-1]
    return np.where(shares, weights, otherwise)


def _masked(scores, mask, faults, overflows):
    """The scores with the mask in them, and whether rows without a key are zeros all the same."""
    switch = next((fault for fault in faults if fault.startswith(named.HOW_MASKED)), "")
    mended = not switch or switch.endswith("zeros")
    if switch.startswith("mask-added-as-number"):
        return scores + (~mask if "hidden" in switch else mask), mended
    fill = -np.inf
    if switch.startswith("fill-overflows-half"):
        fill = -np.inf if overflows else -1e9
    elif switch.startswith("mask-as-zero-score"):
        fill = 0.0
    elif switch:
        fill = FILLS[switch.split("/")[1]]
    if "/added" in switch:
        return scores + np.where(mask, 0.0, fill), mended
    return np.where(mask, scores, fill), mended


def tensors(arrays, dtype="float32"):
    """Arrays as arguments: numbers as tensors of this dtype, masks as booleans."""
    return {name: Tensor(array, "bool" if array.dtype == bool else dtype) for name, array in arrays.items()}


def draft(part, name, arrays, dtype="float32", shown=False, tolerance=0.0):
    """A call of an attention function with these arrays; the mask, where there is one, by its name."""
    keywords = ("mask",) if "mask" in arrays else ()
    return Draft(part, name, tensors(arrays, dtype), keywords, shown, tolerance or TOLERANCE[dtype])


SMALL = {
    "query": np.array([[2.0, 0.0], [0.0, 4.0]]),
    "key": np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]]),
    "value": np.array([[6.0, 0.0, 1.0], [0.0, 3.0, 2.0], [3.0, 3.0, 0.0]]),
}
PAIR = {  # two sequences, in which no axis is as long as another but the batch and d_k
    "query": np.array([[[1.0, 2.0]], [[3.0, 0.0]]]),
    "key": np.array([[[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]], [[0.0, 2.0], [1.0, 1.0], [1.0, 0.0]]]),
    "value": np.array([[[4.0], [1.0], [0.0]], [[2.0], [0.0], [5.0]]]),
}
TWO_ROWS, EMPTY_ROW = (
    np.array([[True, False, True], [True, True, False]]),
    np.array([[True, False, True], [False] * 3]),
)


def shown():
    """The small examples."""
    yield draft("any sizes", "", SMALL, shown=True)
    yield draft("masks", "", {**SMALL, "mask": TWO_ROWS}, shown=True)
    yield draft("rows without a key", "", {**SMALL, "mask": EMPTY_ROW}, shown=True)
    yield draft("any sizes", "", PAIR, shown=True)
    yield draft("dtypes", "", {**SMALL, "mask": TWO_ROWS}, "float16", shown=True)


def arrays_of(rng, leading, n_q, n_k, d_k, d_v, scale=1.5):
    """query, key and value of these sizes."""
    return {
        "query": grid(rng, *leading, n_q, d_k, scale=scale),
        "key": grid(rng, *leading, n_k, d_k, scale=scale),
        "value": grid(rng, *leading, n_k, d_v),
    }


def some_keys(rng, *shape):
    """A mask that leaves every row at least one key, and hides some."""
    mask = rng.random(shape) < 0.6
    shown, hidden = rng.permutation(shape[-1])[:2]
    mask[..., shown], mask[..., hidden] = True, False
    return mask


def draw(rng):
    """One round of cases, sizes all different, then equal here and there."""
    b, h = (int(size) for size in rng.permutation([2, 3]))
    q, k, d, v = (int(size) for size in rng.permutation([4, 5, 6, 7]))
    heads = arrays_of(rng, (b, h), q, k, d, v)
    yield draft("any sizes", "batch and heads", heads)
    yield draft("any sizes", "no leading axes", arrays_of(rng, (), q, k, d, v))
    yield draft("any sizes", "one leading axis", arrays_of(rng, (b,), q, k, d, v))
    yield draft("any sizes", "three leading axes", arrays_of(rng, (2, 1, 3), q, k, d, v))
    yield draft("any sizes", "all sizes equal", arrays_of(rng, (3, 3), 3, 3, 3, 3))
    yield draft("any sizes", "a single query and a single key", arrays_of(rng, (b, h), 1, 1, d, v))
    yield draft("any sizes", "scores around 1000 and -1000", far_scores(rng), tolerance=LARGE)
    masks = {"one mask for all": (q, k), "one row of keys": (k,), "a mask of padding": (b, 1, 1, k)}
    masks["a mask for every head"] = (b, h, q, k)
    for name, shape in masks.items():
        yield draft("masks", name, {**heads, "mask": some_keys(rng, *shape)})
    equal = {**arrays_of(rng, (3, 3), 3, 3, 3, 3), "mask": some_keys(rng, 3, 3, 3, 3)}
    yield draft("masks", "a mask and all sizes equal", equal)
    low = arrays_of(rng, (), q, k, 4, v)
    low["query"][:, 0], low["key"][:, 0] = -400.0, 100.0
    yield draft("masks", "scores around -20000", {**low, "mask": some_keys(rng, q, k)}, tolerance=0.02)
    empty = some_keys(rng, b, 1, q, k)
    empty[:, :, int(rng.integers(q))] = False
    yield draft("rows without a key", "rows without a key", {**heads, "mask": empty})
    yield draft("rows without a key", "no key for anybody", {**low, "mask": np.zeros(k, bool)}, tolerance=0.02)
    yield draft("dtypes", "float64", heads, "float64")
    small = arrays_of(rng, (b, h), q, k, d, v, scale=1.0)
    for dtype in ("float16", "bfloat16"):
        yield draft("dtypes", dtype, small, dtype)
        yield draft("dtypes", f"{dtype} and a mask", {**small, "mask": some_keys(rng, q, k)}, dtype)
        yield draft("dtypes", f"{dtype} and rows without a key", {**small, "mask": empty}, dtype)


def far_scores(rng):
    """Rows of scores around 1000 or around −1000, near each other within a row."""
    arrays = arrays_of(rng, (2, 1), 3, 5, 4, 6)
    arrays["query"][..., 0], arrays["key"][..., 0] = np.array([2000.0, -2000.0, 2000.0]), 1.0
    return arrays


BATCHED = Exercise(
    id="batched_attention",
    lesson="06_batched_gpu",
    reference=lambda query, key, value, mask=None: faulty_batched(frozenset(), query, key, value, mask),
    model=faulty_batched,
    outputs=("output",),
    parts={"any sizes": 1, "masks": 1, "rows without a key": 1, "dtypes": 1},
    success="`batched_attention` holds: any leading axes, any mask, zeros where nothing may be seen, in every "
    "dtype; in half precision for small scores.",
    faults=named.BATCHED_FAULTS,
    shown=shown,
    draw=draw,
    library="torch",
    keeps_dtype=True,
    rounds=2,
)

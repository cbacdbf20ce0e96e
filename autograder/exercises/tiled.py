"""Lesson 6: attention block by block with an online softmax, with fault switches; its intermediates are watched."""

from dataclasses import replace

import numpy as np
from attention_lab.intermediates import bound_per_head, rows_can_be_told
from attention_lab.phrases import ALL_SCORES, FITS, WHOLE_ROWS
from attention_lab.tensors import Tensor

from autograder.exercises import batched
from autograder.exercises import faulty_attention as steps
from autograder.exercises.batched_faults import FLOAT32, SCALES, TRANSPOSED, UNSTABLE
from autograder.exercises.exercise import Draft, Exercise, Fault, Untold
from autograder.exercises.faulty_softmax import STABILITY, faulty_softmax

MATERIALISES = {"materialises-scores", "materialises-scores/per-head", "materialises-scores/per-head-at-once"}
BLOCKS = "The denominator of a row runs over all keys. When does your function divide, and by what?"


def _tiled(faults, query, key, value, block_size):
    batched.stop_where_dtypes_matter(faults - MATERIALISES, query)
    q, k, v = batched.in_float64(query, key, value)
    with np.errstate(all="ignore"):
        numbers = _blockwise(q, k, k if "blends-keys" in faults else v, v, block_size, faults)
    return batched.returned(numbers, query, faults), _said(faults, query, key, value, block_size)


def _said(faults, query, key, value, block_size):
    heads = int(np.prod(query.shape[:-2]))
    scores = query.shape[-2] * key.shape[-2]
    bound = bound_per_head(query, key, value, block_size)
    if scores > (bound if "materialises-scores" in faults else bound * heads) and MATERIALISES & faults:
        return ALL_SCORES
    whole_rows = "materialises-scores/per-head-at-once" in faults and rows_can_be_told(query, key, value, block_size)
    return WHOLE_ROWS if whole_rows else FITS


def _blocks(num_keys, block_size, faults):
    """The first and the last key, exclusive, of every block."""
    stop = num_keys
    if "last-block-dropped" in faults:
        stop = num_keys // block_size * block_size
    elif "last-block-dropped/any" in faults:
        stop = num_keys - block_size
    if stop <= 0:
        raise Untold  # without any block
    return [(start, min(start + block_size, num_keys)) for start in range(0, stop, block_size)]


def _blockwise(query, key, blended, value, block_size, faults):
    """Algorithm 1 of FlashAttention, in double precision, with faults."""
    blocks = []
    largest = np.full((*query.shape[:-1], 1), 0.0 if "maximum-starts-at-zero" in faults else -np.inf)
    denominator = np.zeros_like(largest)
    output = np.zeros((*query.shape[:-1], blended.shape[-1]))
    for start, stop in _blocks(key.shape[-2], block_size, faults):
        keys, values = key[..., start:stop, :], blended[..., start:stop, :]
        scores = batched.faulty_scores(query, keys, value, faults)
        previous, highest = largest, _largest(scores, faults)
        largest = highest if "maximum-of-the-block" in faults else np.maximum(largest, highest)
        exponentials = np.exp(scores - (0.0 if "softmax-unstable" in faults else largest))
        change = largest - previous if "not-finite-at-first" in faults else previous - largest
        rescale = 1.0 if "softmax-unstable" in faults else np.exp(change)
        blocks.append((scores, values))
        denominator = denominator * (1.0 if "denominator-not-rescaled" in faults else rescale)
        denominator = denominator + exponentials.sum(axis=-1, keepdims=True)
        step = exponentials @ values
        if {"divides-per-block/running", "divides-per-block/running-twice"} & faults:
            step = step / denominator
        elif {"divides-per-block/rescaled", "divides-per-block/rescaled-twice"} & faults:
            step = step / exponentials.sum(axis=-1, keepdims=True)
        output = output * (1.0 if "output-not-rescaled" in faults else rescale) + step
        if {"divides-per-block/all", "divides-per-block/all-twice"} & faults:
            output = output / denominator
    if {"divides-per-block/running", "divides-per-block/rescaled", "divides-per-block/all"} & faults:
        return output
    together = next((TOGETHER[switch] for switch in TOGETHER if switch in faults), None)
    return output / denominator if together is None else together(blocks)


def _largest(scores, faults):
    if {"softmax-global-max", "softmax-global-max/zeros"} & faults:
        return scores.max()
    return scores.max(axis=-1, keepdims=True)


def _shares(blocks):
    """The output of every block with a softmax of its own."""
    return [faulty_softmax(scores, frozenset()) @ values for scores, values in blocks]


def _by_maxima(blocks):
    """Softmax of the blocks' maxima as their weights."""
    maxima = np.stack([scores.max(axis=-1, keepdims=True) for scores, _ in blocks])
    weights = np.exp(maxima - maxima.max(axis=0))
    return (np.stack(_shares(blocks)) * weights).sum(axis=0) / weights.sum(axis=0)


def _by_size(blocks):
    """The number of keys of a block as its weight."""
    sizes = [values.shape[-2] for _, values in blocks]
    return sum(share * size for share, size in zip(_shares(blocks), sizes, strict=True)) / sum(sizes)


def _halfway(blocks):
    """Each block's output averaged with what there was before."""
    first, *rest = _shares(blocks)
    for share in rest:
        first = (first + share) / 2
    return first


TOGETHER = {
    "divides-per-block": lambda blocks: sum(_shares(blocks)),
    "divides-per-block/mean": lambda blocks: sum(_shares(blocks)) / len(blocks),
    "divides-per-block/by-size": _by_size,
    "divides-per-block/by-maxima": _by_maxima,
    "only-the-last-block": lambda blocks: _shares(blocks)[-1],
    "divides-per-block/halfway": _halfway,
}
DIVISIONS = ("", "mean", "by-size", "by-maxima", "halfway")
FAULTS = (
    Fault(
        "output-not-rescaled",
        "output",
        "an output whose earlier blocks keep the scale of an earlier maximum",
        "When a block brings a larger maximum, by which factor is everything too large that was summed before it?",
    ),
    Fault(
        "denominator-not-rescaled",
        "denominator",
        "a denominator whose earlier blocks keep the scale of an earlier maximum",
        "When a block brings a larger maximum, what else was summed with the old one, besides the output?",
    ),
    Fault(
        "not-finite-at-first",
        "rescaling",
        "numbers that are not finite even where a single block holds all keys",
        "At the first block, the old maximum is −∞ and the denominator is 0. Is e^(new − −∞) finite? Is −∞ − −∞? Print "
        "what you rescale with and what you divide by.",
        quiet=True,
    ),
    Fault(
        "maximum-starts-at-zero",
        "maximum",
        "a running maximum that starts at 0: where all scores are far below it, every exponential is 0",
        "Which number is lower than every score that may come?",
    ),
    Fault(
        "maximum-of-the-block",
        "maximum",
        "the largest score of each block alone, where the running maximum belongs: e^(old − new) overflows as soon as "
        "a block brings only far lower scores",
        "May the running maximum ever fall? Which two numbers does the new one have to be the larger of?",
        quiet=True,
    ),
    Fault(
        "divides-per-block",
        "division",
        "dividing in every block, before all of them are summed",
        BLOCKS,
        (*DIVISIONS, "rescaled", "rescaled-twice", "running", "running-twice", "all", "all-twice"),
    ),
    Fault(
        "only-the-last-block",
        "division",
        "the last block alone: nothing is left of those before it",
        "What does each block take over from the one before, and what hands it over: the largest score, the "
        "denominator, the output? If the old maximum is still −∞, what is e^(old − new)?",
        quiet=True,
    ),
    Fault(
        "last-block-dropped",
        "blocks",
        "a loop that ends before the last keys",
        "Write down the first and the last key of every block. Which keys are in none?",
        ("", "any"),
    ),
    Fault(
        "materialises-scores",
        "memory",
        "making all n_q × n_k scores and working on them in pieces, or not even that",
        "How many keys do you need to look at before you can forget their scores?",
        ("", "per-head", "per-head-at-once"),
    ),
    *SCALES,
    TRANSPOSED,
    UNSTABLE,
    Fault("softmax-global-max", "maximum", "one maximum for all rows together", STABILITY[1].look_at),
    steps.BLENDS_KEYS,
    replace(
        FLOAT32,
        look_at="Where two tensors meet, both need the dtype in which you compute. Which dtype have the scaled query, "
        "each block of keys and of values, and what you make yourself? Only the result goes back to the one that came.",
        variants=("", "half", "raises", "half-raises"),
    ),
)


def _draft(part, name, arrays, block_size, dtype="float32", shown=False, tolerance=0.0):
    arguments = {name: Tensor(array, dtype) for name, array in arrays.items()} | {"block_size": block_size}
    if not shown:
        name = f"blocks of {block_size} and {name}" if block_size > 1 else f"blocks of a single key and {name}"
    return Draft(part, name, arguments, shown=shown, tolerance=tolerance or batched.TOLERANCE[dtype])


def _shown():
    yield _draft("uneven blocks", "", batched.SMALL, 2, shown=True)
    yield _draft("one block", "", batched.SMALL, 3, shown=True)
    falling = {**batched.SMALL, "key": batched.SMALL["key"][::-1].copy()}
    yield _draft("even blocks", "", falling, 1, shown=True)
    low = {**batched.SMALL, "query": np.array([[-2000.0, 0.0], [0.0, -2000.0]])}
    low["key"] = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 1.0]])
    yield _draft("extreme scores", "", low, 2, shown=True, tolerance=batched.LARGE)


def _arrays(rng, leading, n_q, n_k, d_k, d_v, scale=1.5):
    return batched.arrays_of(rng, leading, n_q, n_k, d_k, d_v, scale)


def _sorted(arrays, step):
    """Keys ordered so that scores of the first query rise along them, or fall with step −1."""
    order = np.argsort(arrays["key"] @ arrays["query"][0])[::step]
    arrays["query"][:] = arrays["query"][0] * np.linspace(1.0, 1.5, len(arrays["query"]))[:, None]
    return {**arrays, "key": arrays["key"][order]}


def _draw(rng):
    b, h = (int(size) for size in rng.permutation([2, 3]))
    q, d, v = 11, *(int(size) for size in rng.permutation([4, 5]))
    yield _draft("one block", "as many keys", _arrays(rng, (b, h), 7, 6, d, v), 6)
    yield _draft("one block", "fewer keys", _arrays(rng, (), q, 8, d, v), 13)
    yield _draft("one block", "a single key", _arrays(rng, (b,), 3, 1, d, v), 1)
    even, uneven = "even blocks", "uneven blocks"
    yield _draft(even, "three times as many keys", _arrays(rng, (), q, 18, d, v), 6)
    yield _draft(even, "batch and heads", _arrays(rng, (b, h), 7, 12, d, v), 4)
    yield _draft(even, "seven keys", _arrays(rng, (b,), q, 7, d, v), 1)
    yield _draft(even, "maxima that rise", _sorted(_arrays(rng, (), 7, 12, d, v), 1), 4)
    yield _draft(even, "maxima that fall", _sorted(_arrays(rng, (), 7, 12, d, v), -1), 3)
    yield _draft(even, "sizes that are equal", _arrays(rng, (3, 3), 3, 6, 3, 3), 3)
    yield _draft(uneven, "13 keys", _arrays(rng, (), q, 13, d, v), 5)
    yield _draft(uneven, "batch and heads", _arrays(rng, (b, h), 8, 13, d, v), 6)
    yield _draft(uneven, "one leading axis", _arrays(rng, (b,), 9, 17, d, v), 7)
    yield _draft(uneven, "three leading axes", _arrays(rng, (2, 1, 2), 6, 7, d, v), 3)
    yield _draft(uneven, "a single query", _arrays(rng, (b, h), 1, 13, d, v), 5)
    for name, low, high in (("that rise by hundreds", -1000, 1000), ("that fall by hundreds", 1000, -1000)):
        yield _draft("extreme scores", f"scores {name}", _far(rng, low, high), 5, tolerance=batched.LARGE)
    yield _draft("extreme scores", "scores around -1000", _far(rng, -1000, -1004), 4, tolerance=batched.LARGE)
    yield _draft("extreme scores", "scores around 1000", _far(rng, 1000, 1003), 6, tolerance=batched.LARGE)
    rows = _far(rng, 1, 1)
    rows["query"][:, 0] *= [1000, -1000, 990, -990, -1010, 1010, 995]
    yield _draft("extreme scores", "rows far from each other", rows, 5, tolerance=batched.LARGE)
    yield _draft("dtypes", "float64", _arrays(rng, (b,), 7, 13, d, v), 5, "float64")
    for dtype in ("float16", "bfloat16"):
        yield _draft("dtypes", dtype, _arrays(rng, (b, h), 7, 11, d, v, scale=1.0), 4, dtype)


def _far(rng, first, last):
    """One head whose scores run from `first` to `last` along the keys.

    No score or difference of scores lies where float32 overflows and float64 does not.
    """
    arrays = _arrays(rng, (), 7, 13, 4, 3, scale=1.0)
    arrays["query"][:, 0], arrays["key"][:, 0] = 2.0, np.round(np.linspace(first, last, 13))
    return arrays


TILED = Exercise(
    id="tiled_attention",
    lesson="06_batched_gpu",
    reference=lambda query, key, value, block_size: _tiled(frozenset(), query, key, value, block_size),
    model=_tiled,
    outputs=("output", "memory"),
    parts={"one block": 1, "even blocks": 2, "uneven blocks": 2, "extreme scores": 2, "dtypes": 1},
    success="`tiled_attention` holds: exact for every size of block, at ±1000, and never with all scores at once. "
    "In which precision it sums, the next cell shows.",
    faults=FAULTS,
    shown=_shown,
    draw=_draw,
    driver="tiles",
    library="torch",
    keeps_dtype=True,
    rounds=1,
)

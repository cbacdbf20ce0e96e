"""Lesson 4: causal and padding masks, masked softmax, masked attention."""

from dataclasses import replace

import numpy as np
from attention_lab.comparison import RAISES_OVER_NONE, RAISES_OVER_SHAPES

from autograder.exercises import faulty_attention as steps
from autograder.exercises.exercise import Draft, Exercise, Fault, Raises, Untold, grid
from autograder.exercises.faulty_softmax import STABILITY, faulty_softmax
from autograder.exercises.leaks import LEAKS
from autograder.exercises.queries_keys_values import two_sequences
from autograder.exercises.scaling import GENERAL_FAULTS, SCALE_FAULTS, attention_arrays, attention_sizes
from autograder.exercises.sees_the_future import SEES_THE_FUTURE
from solutions import masking

LESSON = "04_masking"
CAUSAL_FAULTS = (
    Fault(
        "causal-inverted", "mask", "True for the future and nothing else", "Does True mean “hidden” or “may attend”?"
    ),
    Fault(
        "causal-upper",
        "mask",
        "the upper triangle: each query sees itself and the future",
        "Row i looks. Are the keys that came before it to the left or to the right of the diagonal?",
    ),
    Fault(
        "causal-excludes-self",
        "mask",
        "a mask that hides each token from itself",
        "Which keys may query 0 attend to, if not itself?",
    ),
    Fault(
        "causal-leaks-one",
        "mask",
        "a mask that lets each query see one token of the future",
        "What may query 0 see? Compare the first row with that.",
    ),
    Fault(
        "causal-not-boolean",
        "type",
        "the right triangle, but in numbers: a mask to be multiplied by (1 and 0), or to be added to scores (0 and −∞)",
        "A mask here is True or False, and True says “may attend”. What would each of your numbers be as a boolean?",
        ("float", "int", "additive", "additive-1e9", "additive-1e4"),
    ),
)


def _causal(faults, length):
    offset = 1 if "causal-leaks-one" in faults else -1 if "causal-excludes-self" in faults else 0
    mask = np.tri(length, k=offset, dtype=bool)
    if "causal-inverted" in faults:
        mask = ~mask
    elif "causal-upper" in faults:
        mask = mask.T
    fills = {"additive": -np.inf, "additive-1e9": -1e9, "additive-1e4": -1e4}
    for variant, fill in fills.items():
        if f"causal-not-boolean/{variant}" in faults:
            return np.where(mask, 0.0, fill)
    kinds = {"causal-not-boolean/float": float, "causal-not-boolean/int": int}
    return mask.astype(next((kind for switch, kind in kinds.items() if switch in faults), bool))


CAUSAL = Exercise(
    id="causal_mask",
    lesson=LESSON,
    reference=masking.causal_mask,
    model=_causal,
    outputs=("mask",),
    parts={"short": 1, "any length": 2},
    success="`causal_mask` holds: query i may attend to the keys 0 … i, for any length.",
    faults=CAUSAL_FAULTS,
    shown=lambda: [Draft("short", "3 tokens", {"length": 3}, shown=True)],
    draw=lambda rng: [
        Draft("any length", "one token", {"length": 1}),
        Draft("short", "a few tokens", {"length": int(rng.integers(2, 6))}),
        Draft("any length", "many tokens", {"length": int(rng.integers(7, 30))}),
    ],
)

PADDING_FAULTS = (
    Fault("padding-inverted", "mask", "True for the padding", "Does True mean “padding” or “may attend”?"),
    Fault(
        "padding-on-queries",
        "axes",
        "a mask over the queries: (batch, max_length, 1)",
        "Padding must not be looked at. Which axis of the scores holds the keys?",
    ),
    Fault(
        "padding-off-by-one",
        "length",
        "one token too many or too few",
        "A sequence of length 2 has real tokens at which positions?",
        ("more", "less"),
    ),
    Fault(
        "longest-of-these",
        "length",
        "a mask as long as the longest of these sequences",
        "`max_length` is given, and may be larger than any of `lengths`. Where does your function use it?",
        quiet=True,
    ),
    Fault(
        "padding-missing-axis",
        "axes",
        "a mask of shape (batch, max_length), without an axis for the queries",
        "Scores are (batch, n_q, n_k). What does your mask need between batch and keys to broadcast?",
    ),
)


def _padding(faults, lengths, max_length):
    extra = 1 if "padding-off-by-one/more" in faults else -1 if "padding-off-by-one/less" in faults else 0
    columns = max(lengths) if "longest-of-these" in faults else max_length
    mask = np.arange(columns) < (lengths + extra)[:, None]
    if "padding-inverted" in faults:
        mask = ~mask
    if "padding-missing-axis" in faults:
        return mask
    return mask[:, :, None] if "padding-on-queries" in faults else mask[:, None, :]


def _padding_draw(rng):
    for part, name, batch, most in (("short", "a batch", 3, 5), ("any length", "a large batch", 5, 11)):
        yield Draft(part, name, {"lengths": rng.integers(1, most + 1, batch), "max_length": most})
    yield Draft("any length", "a batch as large as it is long", {"lengths": np.array([1, 3, 2]), "max_length": 3})
    yield Draft("any length", "a single sequence", {"lengths": np.array([int(rng.integers(1, 5))]), "max_length": 4})
    yield Draft("any length", "nothing to pad", {"lengths": np.full(2, 4), "max_length": 4})


PADDING = Exercise(
    id="padding_mask",
    lesson=LESSON,
    reference=masking.padding_mask,
    model=_padding,
    outputs=("mask",),
    parts={"short": 1, "any length": 2},
    success="`padding_mask` holds: True for real tokens, the same for every query, ready to broadcast.",
    faults=PADDING_FAULTS,
    shown=lambda: [Draft("short", "two sequences", {"lengths": np.array([2, 3]), "max_length": 4}, shown=True)],
    draw=_padding_draw,
)

FILLS = {"10": -10.0, "100": -100.0, "1e3": -1e3, "1e4": -1e4, "1e5": -1e5, "1e9": -1e9, "1e15": -1e15}
EMPTY_ROW = "A row may have no permitted key at all. What is there to share out, and what should its weights be?"
MASK_FAULTS = (
    Fault(
        "mask-after-softmax",
        "mask",
        "weights set to 0 after the softmax",
        "What do your rows sum to? The hidden keys have already taken their share.",
    ),
    Fault(
        "mask-as-zero-score",
        "mask",
        "hidden scores set to 0",
        "What is exp(0)? Which score has the exponential 0?",
        ("uniform", "zeros"),
    ),
    Fault("mask-inverted", "direction", "a mask read the other way round", "Does True mean “hidden” or “may attend”?"),
    Fault(
        "fill-too-small",
        "mask",
        "hidden scores filled with a number that is not low enough",
        "What if all permitted scores are lower still? Which number is lower than every other?",
        (*FILLS, *(f"{fill}/zeros" for fill in FILLS), *(f"{fill}/times-mask" for fill in ("1e4", "1e9", "1e15"))),
    ),
    Fault("fully-masked-nan", "empty", "NaN in a row without any permitted key", EMPTY_ROW),
    Fault("fully-masked-uniform", "empty", "equal weights in a row without any permitted key", EMPTY_ROW),
    Fault("mask-ignored", "mask", "a softmax without the mask", "Where does `mask` enter your computation?"),
)
MASK_FAULTS_OF_ARRAYS = tuple(
    replace(fault, variants=("", "but-for-an-empty-mask")) if fault.id == "fully-masked-nan" else fault
    for fault in MASK_FAULTS
)
NAN_EVERYWHERE = Fault(
    "nan-everywhere",
    "mask",
    "NaN in every row, also in one of which nothing is hidden",
    "What do you add to the score of a key that may be seen, and is it a number? 0 · ∞ is none.",
    quiet=True,
)
DIVIDED_AGAIN = Fault(
    "divided-again",
    "mask",
    "hidden keys set to 0 after the exponential, and what is left divided by its sum",
    "On paper a common factor cancels. Which score of a row is the largest that you take away, and what is left of the "
    "visible exponentials where a hidden score is far above theirs?",
    ("", "zeros", "empty-mended"),
    quiet=True,
)
UNSHIFTED = ("softmax-unstable/guarded", "softmax-unstable/late")
UNSTABLE = replace(STABILITY[0], variants=("", "zeros", "guarded", "late", "late-zeros", "late-bare"))
MODIFIES_SCORES = Fault(
    "modifies-scores",
    "input",
    "work done inside the scores that were passed in",
    "Which line writes into `scores`? The caller still needs them: make a new array.",
)


def faulty_masked_softmax(scores, mask, faults):
    """Masked softmax along the last axis, with faults."""
    mask = np.broadcast_to(mask, scores.shape)
    if "nan-everywhere" in faults:
        return np.full(scores.shape, np.nan)
    if "mask-inverted" in faults:
        mask = ~mask
    if "mask-ignored" in faults:
        return faulty_softmax(scores, faults)
    if "mask-after-softmax" in faults:
        return faulty_softmax(scores, faults) * mask
    if any(fault.startswith("divided-again") for fault in faults):
        return _divided_again(faulty_softmax(scores, faults) * mask, mask, faults)
    if any(fault.startswith(UNSHIFTED) for fault in faults):
        return _unshifted(scores, mask, faults)
    switch = next((fault for fault in faults if fault.startswith(("fill-", "mask-as-zero"))), "")
    fill = FILLS.get(switch.split("/")[1], 0.0) if "/" in switch else -np.inf
    with np.errstate(all="ignore"):
        weights = faulty_softmax(np.where(mask, scores, fill), faults)
    if switch.endswith("/times-mask"):
        weights = weights * mask
    mended = not switch or switch.endswith("/zeros")
    return _empty_rows(weights, mask, faults, np.zeros_like(weights) if mended else weights)


def _divided_again(late, mask, faults):
    """Weights that were hidden after the softmax, divided by what their row still sums to."""
    total = late.sum(axis=-1, keepdims=True)
    weights = late / np.where(total == 0, 1 if "divided-again/zeros" in faults else np.nan, total)
    return _empty_rows(weights, mask, faults, 0.0 if "divided-again/empty-mended" in faults else weights)


def _unshifted(scores, mask, faults):
    """Exponentials of the raw scores, divided only where a row sums to something, or masked after the exp."""
    if len(faults) > 1:
        raise Untold
    late = "softmax-unstable/guarded" not in faults
    positive = np.exp(scores) * mask if late else np.exp(np.where(mask, scores, -np.inf))
    total = positive.sum(axis=-1, keepdims=True)
    weights = positive / np.where(total == 0, np.nan if "softmax-unstable/late-bare" in faults else 1.0, total)
    return np.nan_to_num(weights, nan=0.0) if "softmax-unstable/late-zeros" in faults else weights


def _empty_rows(weights, mask, faults, otherwise):
    """What stands in a row without any permitted key."""
    if "fully-masked-nan" in faults or ("fully-masked-nan/but-for-an-empty-mask" in faults and mask.any()):
        otherwise = np.nan
    elif "fully-masked-uniform" in faults:
        otherwise = 1 / mask.shape[-1]
    return np.where(mask.any(axis=-1, keepdims=True), weights, otherwise)


def _masked_softmax(faults, scores, mask):
    if "modifies-scores" in faults:
        if scores.dtype.kind != "f" or mask.all():
            raise Untold
        original = scores.copy()
        scores[~np.broadcast_to(mask, scores.shape)] = -np.inf
        scores = original
    return faulty_masked_softmax(scores, mask, faults)


def _masked_softmax_shown():
    scores = np.array([[1.0, 2.0, 3.0], [2.0, 0.0, 1.0]])
    mask = np.array([[True, True, False], [True, False, True]])
    yield Draft("small scores", "two rows", {"scores": scores, "mask": mask}, shown=True)
    for name, low in (("very low scores", [-1e6, -1e6 + 1, 5e5]), ("scores below any usual fill", [-9e20, -3e20, 5.0])):
        rows = {"scores": np.array([low]), "mask": np.array([[True, True, False]])}
        yield Draft("any scores", name, rows, shown=True)
    empty = np.array([[True, False, False], [False, False, False]])
    yield Draft("rows without a key", "a row without a key", {"scores": scores, "mask": empty}, shown=True)


def _mask(rng, *shape):
    """A mask that leaves every row at least one key."""
    mask = rng.random(shape) < 0.6
    mask[..., int(rng.integers(shape[-1]))] = True
    return mask


def _masked_softmax_draw(rng):
    q, k, b = (int(size) for size in rng.permutation([3, 4, 5]))
    yield Draft("small scores", "a matrix", {"scores": grid(rng, q, k), "mask": _mask(rng, q, k)})
    yield Draft("small scores", "a square matrix", {"scores": grid(rng, k, k), "mask": _mask(rng, k, k)})
    yield Draft("small scores", "nothing hidden", {"scores": grid(rng, q, k), "mask": np.ones((q, k), bool)})
    yield Draft("broadcasting", "one mask for a batch", {"scores": grid(rng, b, q, k), "mask": _mask(rng, q, k)})
    yield Draft("broadcasting", "a mask of one row", {"scores": grid(rng, b, q, k), "mask": _mask(rng, b, 1, k)})
    yield Draft("broadcasting", "one row of keys", {"scores": grid(rng, q, k), "mask": _mask(rng, k)})
    far = grid(rng, q, k) + rng.choice([-1e6, -2e4, 2e4], size=(q, 1))
    mask = _mask(rng, q, k)
    mask[:, 0], mask[:, 1] = False, True
    far[:, 0] = 3e6
    yield Draft("any scores", "large scores under the mask", {"scores": far, "mask": mask})
    below = grid(rng, q, k)
    below[:, 1:] = np.resize([-3e10, -3e20], (q, 1)) * rng.choice([1.0, 3.0], (q, k - 1))
    yield Draft("any scores", "scores below any usual fill", {"scores": below, "mask": mask})
    rows = grid(rng, q, k) + np.resize([1e4, -1e4], (q, 1))
    yield Draft("any scores", "rows far from zero", {"scores": rows, "mask": _mask(rng, q, k)})
    float32 = {"scores": grid(rng, q, k).astype(np.float32), "mask": _mask(rng, q, k)}
    yield Draft("any scores", "float32", float32)
    yield Draft("any scores", "integers", {"scores": rng.integers(-9, 9, (q, k)), "mask": _mask(rng, q, k)})
    empty = _mask(rng, q, k)
    empty[int(rng.integers(q))] = False
    yield Draft("rows without a key", "one row without a key", {"scores": grid(rng, q, k), "mask": empty})
    nothing = {"scores": grid(rng, b, q, k), "mask": np.zeros((q, k), bool)}
    yield Draft("rows without a key", "no key for anybody", nothing)


MASKED_SOFTMAX = Exercise(
    id="masked_softmax",
    lesson=LESSON,
    reference=masking.masked_softmax,
    model=_masked_softmax,
    outputs=("weights",),
    parts={"small scores": 1, "broadcasting": 1, "any scores": 1, "rows without a key": 1},
    success="`masked_softmax` holds: hidden keys get 0 however high their score, a row without keys is all zeros.",
    faults=(*MASK_FAULTS_OF_ARRAYS, NAN_EVERYWHERE, DIVIDED_AGAIN, UNSTABLE, STABILITY[1], MODIFIES_SCORES),
    shown=_masked_softmax_shown,
    draw=_masked_softmax_draw,
    sums={"weights": -1},
)

NO_MASK_TO_MASK = "`mask=None` means that everything may be seen. What does your function do with `None`?"
WITHOUT_MASK = Fault(
    "crashes-without-mask",
    "none",
    "an error where no mask is given",
    NO_MASK_TO_MASK,
)
NONE_AS_MASK = Fault(
    WITHOUT_MASK.id,
    WITHOUT_MASK.slot,
    "a mask that is needed where none is given: it stops, or `None` counts as False and hides everything",
    NO_MASK_TO_MASK,
    ("", "as-false"),
)
SHAPES_WITHOUT_MASK = Fault(
    "shapes-without-mask",
    WITHOUT_MASK.slot,
    "arrays of shapes that do not fit, where no mask is given",
    "If you make a mask of your own there, it must fit (n_q, n_k). Which shapes meet in that line?",
    quiet=True,
)


def _masked_attention(faults, query, key, value, mask=None):
    if mask is None and "crashes-without-mask" in faults:
        raise Raises(RAISES_OVER_NONE)
    if mask is None and "shapes-without-mask" in faults:
        raise Raises(RAISES_OVER_SHAPES)
    if mask is None and "crashes-without-mask/as-false" in faults:
        mask = np.False_  # what np.where and bool make of None

    def normalise(scores):
        if mask is None:
            return faulty_softmax(scores, faults)
        return faulty_masked_softmax(scores, mask, faults)

    def scale(scores):
        if "unscaled" in faults:
            return scores
        return scores / (query.shape[-1] if "scaled-by-d_k" in faults else np.sqrt(query.shape[-1]))

    return steps.faulty_attention(query, key, value, faults, scale=scale, normalise=normalise)


def _masked_attention_shown():
    query, key = np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    arrays = {"query": query, "key": key, "value": np.array([[6.0, 0.0, 1.0], [0.0, 3.0, 2.0], [3.0, 3.0, 0.0]])}
    yield Draft("without a mask", "no mask", arrays, shown=True)
    mask = np.array([[True, False, True], [True, True, False]])
    yield Draft("small scores", "two queries", {**arrays, "mask": mask}, ("mask",), shown=True)
    low = {"query": np.array([[1e10, 0.0]]), "key": np.array([[-9e10, 0.0], [-3e10, 0.0], [1.0, 0.0]])}
    low |= {"value": arrays["value"], "mask": np.array([[True, True, False]])}
    yield Draft("any sizes", "scores below any usual fill", low, ("mask",), shown=True)
    empty = np.array([[True, False, True], [False, False, False]])
    yield Draft("rows without a key", "a row without a key", {**arrays, "mask": empty}, ("mask",), shown=True)
    batch = {**two_sequences("query", "key", "value"), "mask": np.tri(2, dtype=bool)}
    yield Draft("any sizes", "two sequences", batch, ("mask",), shown=True)


def _masked_attention_draw(rng):
    small = {**attention_arrays(rng, (), 2, 5, 3, 4), "mask": _mask(rng, 2, 5)}
    yield Draft("small scores", "two queries of three numbers", small, ("mask",))
    for part, name, *sizes in attention_sizes(rng):
        arrays = attention_arrays(rng, *sizes)
        batch, n_q, n_k, *_ = sizes
        mask = _mask(rng, *batch, n_q, n_k)
        part = "small scores" if part == "small scores" else "any sizes"
        yield Draft(part, name, {**arrays, "mask": mask}, ("mask",))
    arrays = attention_arrays(rng, (2,), 3, 4, 5, 2)
    yield Draft("without a mask", "a batch without a mask", arrays)
    for name, shape in (("a padding mask", (2, 1, 4)), ("one mask for a batch", (3, 4))):
        yield Draft("any sizes", name, {**arrays, "mask": _mask(rng, *shape)}, ("mask",))
    far = attention_arrays(rng, (), 3, 4, 5, 2)
    far["query"][:, 0], far["key"][:, 0] = 2000.0, np.array([3000.0, -3000.0, -3000.0, -3000.0])
    hidden = np.array([[False, True, True, True]])
    yield Draft("any sizes", "large scores under the mask", {**far, "mask": hidden}, ("mask",))
    below = {**attention_arrays(rng, (), 3, 5, 4, 2), "query": np.zeros((3, 4)), "key": np.zeros((5, 4))}
    below["query"][:, 0], below["key"][1:, 0] = [2e5, 2e10, 2e5], [-3e5, -9e5, -3e5, -9e5]
    hidden = np.array([[False, True, True, True, True]])
    yield Draft("any sizes", "scores below any usual fill", {**below, "mask": hidden}, ("mask",))
    empty = _mask(rng, 3, 4)
    empty[int(rng.integers(3))] = False
    yield Draft("rows without a key", "one row without a key", {**arrays, "mask": empty}, ("mask",))


MASKED_ATTENTION = Exercise(
    id="masked_attention",
    lesson=LESSON,
    reference=masking.masked_attention,
    model=_masked_attention,
    outputs=("output", "weights"),
    parts={"small scores": 1, "any sizes": 1, "without a mask": 1, "rows without a key": 1},
    success="`masked_attention` holds: scaled, masked, with or without a mask, zeros where nothing may be seen.",
    faults=(
        *GENERAL_FAULTS[:3],
        *GENERAL_FAULTS[5:],
        *MASK_FAULTS_OF_ARRAYS,
        NAN_EVERYWHERE,
        *SCALE_FAULTS[:2],
        NONE_AS_MASK,
        SHAPES_WITHOUT_MASK,
    ),
    shown=_masked_attention_shown,
    draw=_masked_attention_draw,
    sums={"weights": -1},
)

EXERCISES = (CAUSAL, MASKED_SOFTMAX, MASKED_ATTENTION, SEES_THE_FUTURE, PADDING, LEAKS)

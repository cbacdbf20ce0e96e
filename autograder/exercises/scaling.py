"""Lesson 3: scaled dot-product attention, entropy, and the Jacobian of softmax."""

import numpy as np

from autograder.exercises import faulty_attention as steps
from autograder.exercises.exercise import Draft, Exercise, Fault, Untold, grid
from autograder.exercises.faulty_softmax import STABILITY
from autograder.exercises.queries_keys_values import OVER_QUERIES, two_sequences
from autograder.exercises.score_variance import SCORE_VARIANCE
from autograder.exercises.temperature import TEMPERATURE
from solutions import scaling
from solutions.intuition import softmax

LESSON = "03_scaling"
VARIANCE_QUESTION = "How large is the variance of q·k for vectors of d_k numbers? And its standard deviation?"
CONSTANTS = {"8": 8.0, "sqrt-32": np.sqrt(32), "4": 4.0, "16": 16.0, "32": 32.0, "64": 64.0, "10": 10.0, "2": 2.0}
RARER = {"sqrt-384": np.sqrt(384), "sqrt-512": np.sqrt(512), "sqrt-128": np.sqrt(128), "sqrt-2": np.sqrt(2)}
RARER |= {"3": 3.0, "5": 5.0, "5.657": 5.657, "384": 384.0}  # told only where nothing else is wrong
CONSTANTS |= RARER
SCALE_FAULTS = (
    Fault("unscaled", "scale", "scores that are not divided at all", VARIANCE_QUESTION),
    Fault("scaled-by-d_k", "scale", "scores divided by d_k, not √d_k", VARIANCE_QUESTION),
    Fault(
        "scaled-by-sqrt-d_v",
        "scale",
        "scores divided by the square root of the size of a value",
        "Which vectors meet in a score? Take the size of those.",
    ),
    Fault(
        "scaled-by-sqrt-length",
        "scale",
        "scores divided by the square root of the number of tokens, or of sequences where there is a batch",
        "Which axis is summed in q·k? Its length is what makes scores grow.",
        ("keys", "queries", "axis-0", "query-axis-0"),
    ),
    Fault(
        "multiplied-by-sqrt-d_k",
        "scale",
        "scores multiplied by √d_k",
        "Scores of long vectors are too far apart already. In which direction does your scale move them?",
    ),
    Fault(
        "scaled-after-softmax",
        "scale",
        "a division by √d_k after the softmax",
        "Where all values are 6, what should the output be, and what is yours? What has to be smaller: the scores, or "
        "the shares?",
        ("", "output"),
    ),
    Fault(
        "scaled-twice",
        "scale",
        "scores divided by √d_k, and what the softmax gives once more",
        "How often does √d_k stand in the formula?",
        ("", "output"),
    ),
    Fault(
        "scale-hard-coded",
        "scale",
        "scores divided by a constant that does not depend on d_k",
        "Where does your scale come from when d_k is another number?",
        tuple(CONSTANTS),
    ),
)


ROOT_FAULTS = (
    Fault(
        "half-of-d_k",
        "scale",
        "what `** 1/2` does: first the power of 1, then a division by 2",
        "Python takes `**` before `/`. What is `9 ** 1/2`, and what is `9 ** 0.5`?",
        ("", "in-brackets"),
        quiet=True,
    ),
    Fault(
        "root-of-axis-1",
        "scale",
        "the square root of the length of axis 1, which is d_k in a matrix and no more so in a batch",
        "Which axis of `key` holds the numbers of a key, however many axes come before it?",
        ("key", "query"),
        quiet=True,
    ),
)


def faulty_scale(scores, query, key, value, faults):
    """The scores, divided as a fault has it; by √d_k where none touches the scale."""
    starts = ("unscaled", "scale", "multiplied", "half-of", "root-of")
    switch = next((fault for fault in faults if fault.startswith(starts)), "")
    d_k, constant = query.shape[-1], CONSTANTS.get(switch.partition("/")[2])
    if switch.partition("/")[2] in RARER and len(faults) > 1:
        raise Untold
    if switch in ("unscaled", "scaled-after-softmax", "scaled-after-softmax/output"):
        return scores
    divisors = {
        "scaled-by-d_k": d_k,
        "scaled-by-sqrt-d_v": np.sqrt(value.shape[-1]),
        "scaled-by-sqrt-length/keys": np.sqrt(key.shape[-2]),
        "scaled-by-sqrt-length/queries": np.sqrt(query.shape[-2]),
        "scaled-by-sqrt-length/axis-0": np.sqrt(key.shape[0]),
        "scaled-by-sqrt-length/query-axis-0": np.sqrt(query.shape[0]),
        "multiplied-by-sqrt-d_k": 1 / np.sqrt(d_k),
        "half-of-d_k": 2 * d_k,
        "half-of-d_k/in-brackets": d_k / 2,
        "root-of-axis-1/key": np.sqrt(key.shape[1]),
        "root-of-axis-1/query": np.sqrt(query.shape[1]),
    }
    return scores / divisors.get(switch, np.sqrt(d_k) if constant is None else constant)


def _attention(faults, query, key, value):
    axis = -2 if "softmax-over-queries" in faults else 0 if "softmax-over-queries/axis-0" in faults else None
    root = np.sqrt(query.shape[-1])
    return steps.faulty_attention(
        query,
        key,
        value,
        faults,
        wrong_axis=axis,
        scale=lambda scores: faulty_scale(scores, query, key, value, faults),
        divisor=root if {"scaled-after-softmax", "scaled-twice"} & faults else None,
        output_divisor=root if {"scaled-after-softmax/output", "scaled-twice/output"} & faults else None,
    )


def _attention_shown():
    query, key = np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    wide = {"query": query, "key": key, "value": np.array([[6.0, 0.0, 1.0], [0.0, 3.0, 2.0], [3.0, 3.0, 0.0]])}
    yield Draft("small scores", "two queries", wide, shown=True)
    four = {
        "query": np.array([[2.0, 0.0, 2.0, 0.0]]),
        "key": np.eye(4)[:3] * 2,
        "value": np.array([[6.0], [0.0], [3.0]]),
    }
    yield Draft("small scores", "one query of four numbers", four, shown=True)
    yield Draft("batches", "two sequences", two_sequences("query", "key", "value"), shown=True)
    large = {"query": query * 1000, "key": key, "value": wide["value"]}
    yield Draft("large scores", "large scores", large, shown=True)


def attention_sizes(rng):
    """Sizes (part, name, batch axes, n_q, n_k, d_k, d_v) of one round: all different, then equal here and there."""
    b, q, k, d, v = (int(size) for size in rng.permutation([2, 3, 5, 6, 7]))
    yield "small scores", "all sizes different", (), q, k, d, v
    yield "any sizes", "all sizes different", (), q, k, d, v
    yield "any sizes", "long vectors", (), q, k, 11, v
    yield "any sizes", "as many queries as keys", (), q, q, d, v
    yield "any sizes", "d_v equal to d_k", (), q, k, d, d
    yield "any sizes", "all sizes equal", (), 3, 3, 3, 3
    yield "any sizes", "a single query and a single key", (), 1, 1, d, v
    yield "any sizes", "vectors of one number", (), q, k, 1, 1
    yield "batches", "a batch", (b,), q, k, d, v
    yield "batches", "a batch with all sizes equal", (3,), 3, 3, 3, 3
    yield "batches", "two batch axes", (2, b), q, k, d, v
    yield "batches", "two batch axes with all sizes equal", (2, 2), 2, 2, 2, 2


def attention_arrays(rng, batch, n_q, n_k, d_k, d_v):
    """query, key and value of these sizes."""
    return {
        "query": grid(rng, *batch, n_q, d_k, scale=2.0),
        "key": grid(rng, *batch, n_k, d_k, scale=2.0),
        "value": grid(rng, *batch, n_k, d_v),
    }


def _attention_draw(rng):
    for part, name, *sizes in attention_sizes(rng):
        yield Draft(part, name, attention_arrays(rng, *sizes))
    large = attention_arrays(rng, (), 3, 4, 5, 2)
    large["query"][:, 0], large["key"][:, 0] = 4000.0, 1.0  # far above 709, and near each other
    yield Draft("large scores", "scores around 2000", large)
    apart = attention_arrays(rng, (), 3, 5, 4, 2)
    apart["query"][:, 0], apart["key"][:, 0] = (4000.0, -4000.0, -2000.0), 1.0  # no maximum serves two rows
    yield Draft("large scores", "rows of scores around 2000 and -2000", apart)
    steep = attention_arrays(rng, (), 3, 5, 4, 2)
    steep["query"][:, 0], steep["key"][:, 0] = 4000.0, np.arange(5) == rng.integers(1, 5)
    yield Draft("large scores", "one score of 2000 in every row", steep)
    integers = {
        "query": rng.integers(-3, 3, (3, 2)),
        "key": rng.integers(-3, 3, (4, 2)),
        "value": rng.integers(-9, 9, (4, 3)),
    }
    yield Draft("any sizes", "integers", integers)
    float32 = attention_arrays(rng, (), 3, 4, 5, 2)
    yield Draft("any sizes", "float32", {name: array.astype(np.float32) for name, array in float32.items()})


GENERAL_FAULTS = (
    steps.SCORES_TRANSPOSED,
    steps.TRANSPOSE_ALL_AXES,
    steps.SCORES_ELEMENTWISE,
    OVER_QUERIES,
    STABILITY[0],
    steps.NO_SOFTMAX,
    steps.BLENDS_KEYS,
    steps.BLEND_TRANSPOSED,
    steps.SWAPPED_RETURN,
)
ATTENTION = Exercise(
    id="scaled_dot_product_attention",
    lesson=LESSON,
    reference=scaling.scaled_dot_product_attention,
    model=_attention,
    outputs=("output", "weights"),
    parts={"small scores": 1, "any sizes": 1, "batches": 1, "large scores": 1},
    success="`scaled_dot_product_attention` holds: softmax of QKᵀ / √d_k, rows sum to 1, in any batch.",
    faults=(*SCALE_FAULTS, *ROOT_FAULTS, *GENERAL_FAULTS),
    shown=_attention_shown,
    draw=_attention_draw,
    sums={"weights": -1},
)


def _entropy(faults, weights):
    if "power-of-entropy" in faults:
        if len(faults) > 1:
            raise Untold
        return np.exp(scaling.entropy(weights))
    with np.errstate(all="ignore"):
        terms = weights * np.log(weights)
    if "entropy-nan-at-zero/skips-row" in faults:
        terms = np.where((weights == 0).any(axis=-1, keepdims=True), 0.0, terms)
    elif "entropy-nan-at-zero" not in faults:
        terms = np.where(weights > 0, terms, 0.0)
    if "entropy-base-2" in faults:
        terms = terms / np.log(2)
    total = terms.mean(axis=-1) if "entropy-mean" in faults else terms.sum(axis=-1)
    if "entropy-mean/rows" in faults:
        total = np.asarray(total.mean())
    return total if "entropy-sign" in faults else -total


def _shares(rng, *shape, zeros=0):
    """Rows of weights; `zeros` of each row's entries are exactly 0."""
    weights = rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])
    weights[..., :zeros] = 0.0
    return weights / weights.sum(axis=-1, keepdims=True)


def _entropy_shown():
    yield Draft("rows", "two rows", {"weights": np.array([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]])}, shown=True)
    yield Draft("rows", "one row", {"weights": np.array([0.25, 0.25, 0.25, 0.25])}, shown=True)
    yield Draft("zeros", "a row with a zero", {"weights": np.array([0.5, 0.5, 0.0])}, shown=True)
    yield Draft("zeros", "one certain row", {"weights": np.array([0.0, 1.0, 0.0])}, shown=True)


def _entropy_draw(rng):
    n, m, b = (int(size) for size in rng.permutation([3, 5, 7]))
    yield Draft("rows", "one row of weights", {"weights": _shares(rng, n)})
    yield Draft("rows", "a matrix of weights", {"weights": _shares(rng, m, n)})
    yield Draft("rows", "a batch of matrices", {"weights": _shares(rng, b, m, n)})
    yield Draft("rows", "float32", {"weights": _shares(rng, m, n).astype(np.float32)})
    yield Draft("rows", "a single weight", {"weights": np.ones((m, 1))})
    small = np.array([3e-5, 2e-4, 7e-4, *rng.dirichlet(np.ones(3))])
    yield Draft("rows", "small weights", {"weights": rng.permutation(small / small.sum())})
    yield Draft("zeros", "weights with zeros", {"weights": _shares(rng, m, n, zeros=1)})
    yield Draft("zeros", "rows that are all certain", {"weights": np.eye(n)[:, ::-1].copy()})
    yield Draft("zeros", "certain rows of integers", {"weights": rng.permutation(np.eye(n, dtype=int))})


ENTROPY = Exercise(
    id="entropy",
    lesson=LESSON,
    reference=scaling.entropy,
    model=_entropy,
    outputs=("entropy",),
    parts={"rows": 2, "zeros": 1},
    success="`entropy` holds: in nats, for any number of rows, and a weight of 0 contributes 0.",
    faults=(
        Fault("entropy-base-2", "base", "an entropy in bits: a logarithm to base 2", "Which logarithm gives nats?"),
        Fault("entropy-sign", "sign", "the entropy with its sign turned round", "Which sign has the log of a share?"),
        Fault(
            "entropy-nan-at-zero",
            "zero",
            "0 · log 0, which is not a number",
            "What does a weight of 0 contribute, and how do you keep log from meeting it?",
        ),
        Fault(
            "entropy-mean",
            "sum",
            "a mean where a sum should be",
            "In −Σ w log w, is anything divided by the number of weights?",
            ("", "rows"),
        ),
        Fault(
            "power-of-entropy",
            "base",
            "e to the power of the entropy: among how many weights a row is spread, its perplexity",
            "A row that is certain has an entropy of 0. What do you get for it?",
            quiet=True,
        ),
    ),
    shown=_entropy_shown,
    draw=_entropy_draw,
)


def _jacobian(faults, weights):
    diagonal, outer = np.diag(weights), np.outer(weights, weights)
    if "jacobian-diagonal-only" in faults:
        return np.diag(weights * (1 - weights))
    if "jacobian-diagonal-only/weights" in faults:
        return diagonal
    if "jacobian-sign" in faults:
        return outer - diagonal
    if "jacobian-sign/plus" in faults:
        return diagonal + outer
    if "jacobian-sign/minus" in faults:
        return -diagonal - outer
    if "jacobian-sign/beside" in faults:
        return outer + np.diag(weights * (1 - 2 * weights))
    if "jacobian-sign/on-diagonal" in faults:
        return np.diag(weights * (2 * weights - 1)) - outer
    if "jacobian-sign/plus-on-diagonal" in faults:
        return np.diag(weights * (2 * weights + 1)) - outer
    if "ones-for-weights" in faults:
        return np.eye(len(weights)) - outer
    if "delta-forgotten" in faults:
        return np.outer(weights, 1 - weights)
    if "delta-forgotten/turned" in faults:
        return np.outer(1 - weights, weights)
    if "one-weight-twice" in faults:
        return diagonal - weights * weights
    if "one-weight-twice/turned" in faults:
        return diagonal - (weights * weights)[:, None]
    if "one-number-for-all" in faults:
        return diagonal - weights @ weights
    if "softmax-again" in faults:
        return scaling.softmax_jacobian(softmax(weights))
    return diagonal - outer


def _jacobian_draw(rng):
    for n in (2, 3, 5, 7):
        yield Draft("jacobian", f"{n} weights", {"weights": _shares(rng, n)})
    yield Draft("jacobian", "a single weight", {"weights": np.ones(1)})
    yield Draft("jacobian", "float32", {"weights": _shares(rng, 5).astype(np.float32)})
    yield Draft("peaked rows", "a certain row", {"weights": np.eye(4)[int(rng.integers(4))]})
    yield Draft("peaked rows", "a certain row of integers", {"weights": np.eye(4, dtype=int)[int(rng.integers(4))]})
    yield Draft("peaked rows", "a peaked row", {"weights": np.array([0.99, 0.0075, 0.0025])})


JACOBIAN = Exercise(
    id="softmax_jacobian",
    lesson=LESSON,
    reference=scaling.softmax_jacobian,
    model=_jacobian,
    outputs=("jacobian",),
    parts={"jacobian": 3, "peaked rows": 1},
    success="`softmax_jacobian` holds: how every weight answers to every score; its rows sum to 0.",
    faults=(
        Fault(
            "jacobian-sign",
            "formula",
            "a Jacobian with a wrong sign",
            "When a score rises, does its own weight rise or fall? And the other weights?",
            ("", "plus", "minus", "beside", "on-diagonal", "plus-on-diagonal"),
        ),
        Fault(
            "ones-for-weights",
            "formula",
            "ones on the diagonal, from which the products are taken: the 1 of δ, without its weight",
            "In w_i (δ_ij − w_j) the weight stands before the bracket. What is left of w_i · δ_ij on the diagonal?",
            quiet=True,
        ),
        Fault(
            "jacobian-diagonal-only",
            "formula",
            "a Jacobian with nothing, or nothing of the others, beside the diagonal",
            "All weights share one sum. When one score rises, what happens to the other weights?",
            ("", "weights"),
        ),
        Fault(
            "delta-forgotten",
            "formula",
            "w_i (1 − w_j) in every place: the formula without its δ, which is 0 beside the diagonal",
            "Which entries of your matrix have i = j, and what should the 1 be in all others?",
            ("", "turned"),
            quiet=True,
        ),
        Fault(
            "one-weight-twice",
            "formula",
            "the same weight twice, beside the diagonal: wⱼ wⱼ, or wᵢ wᵢ, for wᵢ wⱼ",
            "An array of one axis runs along every row, and its `.T` is itself. The formula has wᵢ, one for each row, "
            "and wⱼ, one for each column. Which axis does each of yours run along?",
            ("", "turned"),
            quiet=True,
        ),
        Fault(
            "one-number-for-all",
            "formula",
            "one number, the sum of all squared weights, taken from every entry: the dot product of two arrays of one "
            "axis, where `.T` changes nothing",
            "Which function multiplies every weight with every other? Print the shape of your product.",
            quiet=True,
        ),
        Fault(
            "softmax-again",
            "formula",
            "a softmax taken of what is a softmax already",
            "Does your function get scores, or weights?",
            quiet=True,
        ),
    ),
    shown=lambda: [Draft("jacobian", "three weights", {"weights": np.array([0.5, 0.25, 0.25])}, shown=True)],
    draw=_jacobian_draw,
)

EXERCISES = (SCORE_VARIANCE, ENTROPY, JACOBIAN, ATTENTION, TEMPERATURE)

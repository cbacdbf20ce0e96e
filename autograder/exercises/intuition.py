"""Lesson 1: softmax, blend, attend, plain self-attention, and four suspects."""

from dataclasses import replace

import numpy as np

from autograder.exercises import faulty_attention as steps
from autograder.exercises.exercise import Draft, Exercise, Fault, Untold, grid
from autograder.exercises.faulty_softmax import NORMALISER, SHIFTS, STABILITY, WITHOUT_KEEPDIMS, faulty_softmax
from solutions import intuition

LESSON = "01_intuition"
SOFTMAX_FAULTS = (
    Fault(
        "softmax-wrong-axis",
        "axis",
        "softmax along another axis than the one asked for",
        "Along which axis do your weights sum to 1? It should be the one named by `axis`, and the last one where "
        "none is named. Python's own `sum` and `max` know only the first.",
        ("0", "-2", "1", "default-0", "default--2", "sum-0", "sum-other", "other"),
    ),
    Fault(
        "softmax-ignores-axis",
        "axis",
        "softmax along the last axis, whatever `axis` says",
        "Where does your function use its argument `axis`?",
    ),
    Fault(
        "default-none",
        "axis",
        "one softmax over the whole array where no `axis` is named",
        "Which default has your argument `axis`? For NumPy, `None` means all axes at once.",
        quiet=True,
    ),
    *NORMALISER,
    *STABILITY,
    WITHOUT_KEEPDIMS,
    *SHIFTS,
    Fault(
        "softmax-modifies-input",
        "input",
        "work done inside the array that was passed in",
        "Which line writes into `scores`? An operator such as `-=` does. A new array leaves the caller's alone.",
    ),
)
WRONG_AXIS = Fault(
    "softmax-wrong-axis",
    "axis",
    "softmax down the columns, over the queries",
    "Which axis holds the keys that one query looks at?",
)


def in_your_softmax(fault: Fault, caller: str) -> Fault:
    """The fault where a learner's own softmax may bring it along."""
    return replace(fault, look_at=f"{fault.look_at} If `{caller}` calls your `softmax`, that is where to mend it.")


def _softmax(faults, scores, **keywords):
    axis = keywords.get("axis", -1)
    work = _in_place(scores, axis) if "softmax-modifies-input" in faults else scores
    if "default-none" in faults:
        if len(faults) > 1:
            raise Untold
        return intuition.softmax(scores, keywords.get("axis"))
    wrong = {
        "softmax-ignores-axis": -1,
        "softmax-wrong-axis/0": 0,
        "softmax-wrong-axis/-2": -2,
        "softmax-wrong-axis/1": 1,
        "softmax-wrong-axis/default-0": keywords.get("axis", 0),
        "softmax-wrong-axis/default--2": keywords.get("axis", -2),
        "softmax-wrong-axis/other": -1 - axis % scores.ndim,
    }
    for switch, wrong_axis in wrong.items():
        if switch in faults:
            if scores.ndim == 1 and wrong_axis not in (0, -1):
                raise Untold
            return faulty_softmax(work, faults, axis=wrong_axis)
    if "softmax-wrong-axis/sum-0" in faults:
        return _other_sum(work, faults, axis, 0)
    if "softmax-wrong-axis/sum-other" in faults:
        return _other_sum(work, faults, axis, -1 - axis % scores.ndim)
    return faulty_softmax(work, faults, axis=axis)


def _other_sum(scores, faults, axis, sum_axis):
    """The maximum along the right axis, the sum along another."""
    if len(faults) > 1:
        raise Untold
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=sum_axis, keepdims=True)


def _in_place(scores, axis):
    """Overwrite the caller's array; the weights themselves come out as from a copy."""
    if scores.dtype.kind != "f":
        raise Untold
    original = scores.copy()
    scores -= scores.max(axis=axis, keepdims=True) + 1
    return original


def _softmax_shown():
    rows = np.array([[0.0, 2.0], [1.0, 0.0], [1.0, 1.0]])
    yield Draft("rows", "three rows", {"scores": rows}, shown=True)
    yield Draft("rows", "one row", {"scores": np.array([1.0, 2.0, 3.0])}, shown=True)
    yield Draft("rows", "one score", {"scores": np.array([[2.0]])}, shown=True)
    yield Draft("axes", "axis 0", {"scores": rows, "axis": 0}, ("axis",), shown=True)
    large = np.array([[1000.0, 1001.0], [0.0, 1.0]])
    yield Draft("large scores", "large scores", {"scores": large}, shown=True)
    yield Draft("large scores", "minus infinity", {"scores": np.array([0.0, -np.inf, 1.0])}, shown=True)
    yield Draft("integers and float32", "integers", {"scores": np.array([[0, 2], [1, 0]])}, shown=True)


def _softmax_draw(rng):
    sizes = rng.permutation([2, 3, 5])
    yield Draft("rows", "a matrix of scores", {"scores": grid(rng, *sizes[:2])})
    yield Draft("rows", "an array of three axes", {"scores": grid(rng, *sizes)})
    square = grid(rng, 3, 3)
    yield Draft("rows", "a square matrix", {"scores": square})
    for axis in (0, 1, 2, -1, -2, -3):
        yield Draft("axes", f"axis {axis} of three", {"scores": grid(rng, *sizes), "axis": axis}, ("axis",))
    yield Draft("axes", "axis -2 of two", {"scores": grid(rng, *sizes[:2]), "axis": -2}, ("axis",))
    far = grid(rng, 3, 4) + np.array([[-10_000.0], [0.0], [10_000.0]])
    yield Draft("large scores", "scores as large as ±10000", {"scores": far})
    yield Draft("large scores", "scores near -10000", {"scores": grid(rng, 2, 3) - 10_000})
    yield Draft("large scores", "scores near 10000", {"scores": grid(rng, 2, 3) + 10_000})
    holes = grid(rng, 3, 4)
    holes[np.arange(3), rng.integers(4, size=3)] = -np.inf
    yield Draft("large scores", "scores with -inf", {"scores": holes})
    yield Draft("large scores", "scores near -10000, and -inf", {"scores": holes - 10_000})
    yield Draft("large scores", "scores with -inf, along axis 0", {"scores": holes.T.copy(), "axis": 0}, ("axis",))
    yield Draft("integers and float32", "integers", {"scores": rng.integers(-9, 9, (3, 4))})
    yield Draft("large scores", "large integers", {"scores": rng.integers(-9, 9, (3, 4)) * 1000})
    yield Draft("integers and float32", "float32", {"scores": grid(rng, 3, 4).astype(np.float32)})


SOFTMAX = Exercise(
    id="softmax",
    lesson=LESSON,
    reference=intuition.softmax,
    model=_softmax,
    outputs=("weights",),
    parts={"rows": 1, "axes": 1, "large scores": 1, "integers and float32": 1},
    success="`softmax` holds: weights sum to 1 along any axis, stable at ±10000, right with -inf, integers and "
    "float32.",
    faults=SOFTMAX_FAULTS,
    shown=_softmax_shown,
    draw=_softmax_draw,
    sums={"weights": "axis"},
)


def _blend(faults, weights, values):
    return steps.blend_of(weights, values, faults)


def _blend_shown():
    weights = np.array([[0.0, 1.0, 0.0], [0.25, 0.5, 0.25]])
    values = np.array([[4.0, 0.0], [0.0, 8.0], [2.0, 4.0]])
    yield Draft("one sequence", "two queries", {"weights": weights, "values": values}, shown=True)
    one = {"weights": np.array([[0.5, 0.25, 0.25]]), "values": np.array([[4.0, 0.0], [0.0, 8.0], [2.0, 2.0]])}
    yield Draft("one sequence", "one query", one, shown=True)


def _blend_draw(rng):
    n_q, n_k, d_v, batch = rng.permutation([2, 3, 5, 7])

    def shares(*shape):
        return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])

    yield Draft("one sequence", "3 queries, 5 keys", {"weights": shares(n_q, n_k), "values": grid(rng, n_k, d_v)})
    yield Draft(
        "one sequence",
        "as many queries as keys",
        {"weights": shares(n_k, n_k), "values": grid(rng, n_k, d_v)},
    )
    yield Draft("one sequence", "a single key", {"weights": np.ones((n_q, 1)), "values": grid(rng, 1, d_v)})
    batch_of = {"weights": shares(batch, n_q, n_k), "values": grid(rng, batch, n_k, d_v)}
    yield Draft("batches", "a batch", batch_of)
    square = {"weights": shares(batch, n_k, n_k), "values": grid(rng, batch, n_k, d_v)}
    yield Draft("batches", "a batch, as many queries as keys", square)
    cube = {"weights": shares(3, 3, 3), "values": grid(rng, 3, 3, 3)}
    yield Draft("batches", "a batch with all sizes equal", cube)
    yield Draft(
        "batches",
        "two batch axes",
        {"weights": shares(2, batch, n_q, n_k), "values": grid(rng, 2, batch, n_k, d_v)},
    )
    whole = {"weights": np.eye(3, dtype=int)[:, ::-1].copy(), "values": rng.integers(-9, 9, (3, d_v))}
    yield Draft("one sequence", "integers", whole)
    yield Draft("one sequence", "values of integers", {**whole, "weights": shares(3, 3)})


BLEND = Exercise(
    id="blend",
    lesson=LESSON,
    reference=intuition.blend,
    model=_blend,
    outputs=("output",),
    parts={"one sequence": 1, "batches": 1},
    success="`blend` holds: one weighted sum for every query, for any number of batch axes.",
    faults=(steps.BLEND_TRANSPOSED, steps.UNWEIGHTED_MEAN, replace(steps.DOT_OF_BATCHES, slot="blend")),
    shown=_blend_shown,
    draw=_blend_draw,
)


def _attend(faults, query, keys, values):
    scores = keys * query if any(switch.startswith("scores-elementwise") for switch in faults) else keys @ query
    if "scaled-early" in faults:
        scores = scores / np.sqrt(query.shape[-1])
    weights = scores if "no-softmax" in faults else faulty_softmax(scores, faults)
    blended = keys if "blends-keys" in faults else values
    output = blended.mean(axis=0) if "blend-unweighted-mean" in faults else steps.blend_of(weights, blended, faults)
    if "scores-returned" in faults:
        weights = scores
    return (weights, output) if "swapped-return" in faults else (output, weights)


def _attend_shown():
    keys, values = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([[6.0], [0.0], [3.0]])
    yield Draft(
        "small scores",
        "three keys",
        {"query": np.array([1.0, 0.0]), "keys": keys, "values": values},
        shown=True,
    )
    wide = {
        "query": np.array([0.0, 1.0]),
        "keys": keys + 1,
        "values": np.array([[4.0, 0.0, 1.0], [0.0, 8.0, 1.0], [2.0, 2.0, 0.0]]),
    }
    yield Draft("small scores", "values of three numbers", wide, shown=True)
    large = {"query": np.array([800.0, 0.0]), "keys": keys, "values": values}
    yield Draft("large scores", "large scores", large, shown=True)


def _attend_draw(rng):
    n, d, d_v = rng.permutation([3, 5, 7])

    def draft(part, name, n, d, d_v, scale=1.0):
        arrays = {"query": grid(rng, d, scale=scale), "keys": grid(rng, n, d), "values": grid(rng, n, d_v)}
        return Draft(part, name, arrays)

    yield draft("small scores", "n, d and d_v all different", n, d, d_v, scale=0.5)
    yield draft("any sizes", "n, d and d_v all different", n, d, d_v)
    yield draft("any sizes", "d_v equal to d", n, d, d)
    yield draft("any sizes", "n equal to d", d, d, d_v)
    yield draft("any sizes", "n, d and d_v all equal", d, d, d)
    yield draft("any sizes", "a single key", 1, d, d_v)
    yield draft("any sizes", "keys and values of one number", n, 1, 1)
    large = draft("large scores", "scores around 2000", n, d, d_v)
    large.arguments["query"][0], large.arguments["keys"][:, 0] = 2000.0, 1.0  # far above 709, and near each other
    yield large
    low = draft("large scores", "scores around -2000", n, d, d_v)
    low.arguments["query"][0], low.arguments["keys"][:, 0] = -2000.0, 1.0
    yield low
    steep = draft("large scores", "one score of 2000", n, d, d_v)  # any shift but one near it overflows
    steep.arguments["query"][0], steep.arguments["keys"][:, 0] = 2000.0, np.arange(n) == rng.integers(1, n)
    yield steep
    integers = {
        "query": rng.integers(-3, 3, d),
        "keys": rng.integers(-3, 3, (n, d)),
        "values": rng.integers(-9, 9, (n, d_v)),
    }
    yield Draft("any sizes", "integers", integers)
    single = {name: value.astype(np.float32) for name, value in draft("", "", n, d, d_v).arguments.items()}
    yield Draft("any sizes", "float32", single)


ATTEND = Exercise(
    id="attend",
    lesson=LESSON,
    reference=intuition.attend,
    model=_attend,
    outputs=("output", "weights"),
    parts={"small scores": 2, "any sizes": 1, "large scores": 1},
    success="`attend` holds: weights sum to 1, the output is their blend of the values, stable at large scores.",
    faults=(
        steps.SCORES_ELEMENTWISE,
        steps.SCALED_EARLY,
        steps.NO_SOFTMAX,
        NORMALISER[1],
        in_your_softmax(STABILITY[0], "attend"),
        steps.BLENDS_KEYS,
        Fault(steps.UNWEIGHTED_MEAN.id, "blend", steps.UNWEIGHTED_MEAN.matches, steps.UNWEIGHTED_MEAN.look_at),
        steps.SWAPPED_RETURN,
        steps.SCORES_RETURNED,
    ),
    shown=_attend_shown,
    draw=_attend_draw,
    sums={"weights": -1},
)


def _plain(faults, x):
    return steps.faulty_attention(x, x, x, faults, wrong_axis=-2 if "softmax-wrong-axis" in faults else None)


def _plain_shown():
    yield Draft("small scores", "three tokens", {"x": np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])}, shown=True)
    yield Draft("large scores", "large scores", {"x": np.array([[40.0, 0.0], [0.0, 1.0], [1.0, 1.0]])}, shown=True)


def _plain_draw(rng):
    n, d = rng.permutation([3, 5, 7])[:2]
    yield Draft("small scores", "small vectors", {"x": grid(rng, n, d, scale=0.5)})
    yield Draft("any sizes", "n and d different", {"x": grid(rng, n, d)})
    yield Draft("any sizes", "n equal to d", {"x": grid(rng, n, n)})
    yield Draft("any sizes", "a single token", {"x": grid(rng, 1, d)})
    yield Draft("any sizes", "vectors of one number", {"x": grid(rng, n, 1)})
    yield Draft("any sizes", "integers", {"x": rng.integers(-3, 3, (n, d))})
    yield Draft("any sizes", "float32", {"x": grid(rng, n, d).astype(np.float32)})
    yield Draft("large scores", "scores of several thousands", {"x": grid(rng, n, d, scale=40.0)})
    uneven = grid(rng, n, d) * np.where(np.arange(n) == 0, 100.0, 0.5)[:, None]
    yield Draft("large scores", "one row of far larger scores", {"x": np.round(uneven * 8) / 8})
    against = grid(rng, n, d)
    against[:, 0] = np.where(np.arange(n) == 0, 1000.0, -1.0)  # the score of the largest size is far below 0
    yield Draft("large scores", "tokens that point away from a far larger one", {"x": against})


PLAIN = Exercise(
    id="plain_self_attention",
    lesson=LESSON,
    reference=intuition.plain_self_attention,
    model=_plain,
    outputs=("output", "weights"),
    parts={"small scores": 2, "any sizes": 1, "large scores": 1},
    success="`plain_self_attention` holds: every row of weights sums to 1, and every token is a blend of all tokens.",
    faults=(
        steps.SCORES_ELEMENTWISE,
        steps.SCALED_EARLY,
        steps.NO_SOFTMAX,
        WRONG_AXIS,
        *NORMALISER,
        *(in_your_softmax(fault, "plain_self_attention") for fault in STABILITY),
        steps.BLEND_TRANSPOSED,
        steps.UNWEIGHTED_MEAN,
        steps.SWAPPED_RETURN,
        steps.SCORES_RETURNED,
    ),
    shown=_plain_shown,
    draw=_plain_draw,
    sums={"weights": -1},
)

DIAGNOSE = Exercise(
    id="diagnose_suspects",
    lesson=LESSON,
    reference=intuition.diagnose_suspects,
    model=lambda faults: intuition.diagnose_suspects(),
    outputs=("A", "B", "C", "D"),
    parts={"diagnosis": 3},
    success="`diagnose_suspects` holds: you found all four by what they answer, without reading their code.",
    faults=(),
    shown=lambda: [Draft("diagnosis", "the suspects", {}, shown=True)],
    draw=lambda rng: [],
    words=("wrong axis", "overflows", "no exp", "one sum"),
)

EXERCISES = (SOFTMAX, BLEND, ATTEND, PLAIN, DIAGNOSE)

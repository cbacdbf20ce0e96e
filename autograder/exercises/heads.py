"""Lesson 5: features split among heads and merged again, and the number of parameters that many heads need."""

from dataclasses import replace

import numpy as np
from attention_lab.tensors import Tensor

from autograder.exercises import faulty_heads as steps
from autograder.exercises.exercise import Draft, Exercise, Fault, Raises, grid
from solutions import multi_head

LESSON = "05_multi_head"
NO_ERROR = Fault(
    "no-divisibility-error",
    "check",
    "sizes that do not divide and meet no `ValueError` of yours: they are not compared, or too late, or something "
    "else is raised",
    "What should happen for 5 features and 2 heads? Say so with a `ValueError` of your own, before anything is "
    "reshaped.",
    ("", "drops-features"),
)


def mask_of(rng, *shape):
    """A mask that leaves every row at least one key."""
    mask = rng.random(shape) < 0.6
    mask[..., int(rng.integers(shape[-1]))] = True
    return mask


def boolean(mask) -> Tensor:
    return Tensor(np.asarray(mask, dtype=bool), "bool")


def _split(faults, x, num_heads):
    d_model = x.shape[-1]
    if d_model % num_heads:
        if "no-divisibility-error" in faults:
            raise Raises
        if "no-divisibility-error/drops-features" not in faults:
            raise ValueError
        x = x[..., : d_model - d_model % num_heads]
    return steps.split(x, num_heads, faults)


def _features(rng, *shape):
    return Tensor(grid(rng, *shape), "float64")


def _count_up(*shape):
    return Tensor(np.arange(np.prod(shape), dtype=float).reshape(shape), "float32")


def _split_shown():
    yield Draft("a sequence", "", {"x": _count_up(1, 3, 4), "num_heads": 2}, shown=True)
    indivisible = {"x": _count_up(1, 2, 5), "num_heads": 2}
    yield Draft("sizes that do not divide", "", indivisible, shown=True, raises=True)


def _split_draw(rng):
    n, heads, d_head, batch = (int(size) for size in rng.permutation([2, 3, 5, 7]))
    for name, shape, num_heads in (
        ("all sizes different", (1, n, heads * d_head), heads),
        ("as many tokens as heads", (1, heads, heads * d_head), heads),
        ("as many features in a head as heads", (1, n, heads * heads), heads),
    ):
        yield Draft("a sequence", name, {"x": _features(rng, *shape), "num_heads": num_heads})
        several = {"x": _features(rng, batch, *shape[1:]), "num_heads": num_heads}
        yield Draft("batches", f"a batch, {name}", several)
    yield Draft("batches", "a single head", {"x": _features(rng, batch, n, d_head), "num_heads": 1})
    yield Draft("batches", "one feature a head", {"x": _features(rng, batch, n, heads), "num_heads": heads})
    for name, d_model, num_heads in (
        ("one feature too many", heads * d_head + 1, heads),
        ("fewer features than heads", heads, heads + 1),
    ):
        indivisible = {"x": _features(rng, batch, n, d_model), "num_heads": num_heads}
        yield Draft("sizes that do not divide", name, indivisible, raises=True)


SPLIT_HEADS = Exercise(
    id="split_heads",
    lesson=LESSON,
    reference=multi_head.split_heads,
    model=_split,
    outputs=("heads",),
    parts={"a sequence": 1, "batches": 1, "sizes that do not divide": 1},
    success="`split_heads` holds: every head has its own slice of every token, and nobody else's.",
    faults=(steps.SPLIT_WITHOUT_TRANSPOSE, steps.SPLIT_INTERLEAVED, NO_ERROR),
    shown=_split_shown,
    draw=_split_draw,
    library="torch",
)


def _merge(faults, x):
    if "merge-along-sequence" in faults:
        return x.flatten(1, 2)
    if "merge-along-sequence/tokens-first" in faults:
        return x.transpose(1, 2).flatten(1, 2)
    if "merge-without-transpose/joined" in faults:
        return x.flatten(2)
    for switch, averaged in (("", x.mean), ("/summed", x.sum)):
        if f"merge-averages-heads{switch}" in faults:
            return averaged(dim=1)
    return steps.merge(x, faults)


def _merge_draw(rng):
    n, heads, d_head, batch = (int(size) for size in rng.permutation([2, 3, 5, 7]))
    for part, sequences in (("a sequence", 1), ("batches", batch)):
        yield Draft(part, f"{part}, all sizes different", {"x": _features(rng, sequences, heads, n, d_head)})
        yield Draft(part, f"{part} of as many tokens as heads", {"x": _features(rng, sequences, n, n, d_head)})
    for name, shape in (
        ("a single head", (batch, 1, n, d_head)),
        ("a single token", (batch, heads, 1, d_head)),
        ("one feature a head", (batch, heads, n, 1)),
        ("all sizes equal", (3, 3, 3, 3)),
    ):
        yield Draft("any sizes", name, {"x": _features(rng, *shape)})


MERGE_HEADS = Exercise(
    id="merge_heads",
    lesson=LESSON,
    reference=multi_head.merge_heads,
    model=_merge,
    outputs=("merged",),
    parts={"a sequence": 1, "batches": 1, "any sizes": 1},
    success="`merge_heads` holds: every token has the features of all its heads side by side again.",
    faults=(
        replace(steps.MERGE_WITHOUT_TRANSPOSE, variants=("", "joined")),
        replace(steps.MERGE_AVERAGES, variants=("", "summed", "repeated")),
        Fault(
            "merge-along-sequence",
            "merge",
            "heads that follow one another along the sequence",
            "How many tokens went in, and how many come out? Which axis should grow?",
            ("", "tokens-first"),
        ),
        steps.MERGE_INTERLEAVED,
    ),
    shown=lambda: [Draft("a sequence", "", {"x": _count_up(1, 2, 3, 2)}, shown=True)],
    draw=_merge_draw,
    library="torch",
)


def _count(faults, d_model, num_heads, bias=True):
    weights, matrices, biased = d_model**2, 4, 4 * bias
    if "bias-forgotten" in faults:
        biased = 0
    elif "bias-forgotten/always" in faults:
        biased = 4
    elif "bias-forgotten/one" in faults:
        biased = 1 * bias
    if "output-projection-uncounted" in faults:
        matrices, biased = 3, biased * 3 // 4
    elif "output-projection-uncounted/weight" in faults:
        matrices = 3
    times = num_heads if {"parameters-times-heads", "parameters-times-heads/projections"} & faults else 1
    if "parameters-times-heads/projections" in faults:
        inner = 3 * weights + biased * d_model * 3 / 4
        return int(times * inner + (matrices - 3) * weights + (biased * d_model / 4 if matrices == 4 else 0))
    return times * (matrices * weights + biased * d_model)


def _count_draw(rng):
    for part, bias in (("with biases", None), ("without biases", False)):
        for heads in (1, 3, 5):
            d_model = heads * int(rng.choice([7, 11, 13, 16]))
            named = {} if bias is None else {"bias": bias}
            yield Draft(part, f"{heads} heads", {"d_model": d_model, "num_heads": heads, **named}, tuple(named))
    yield Draft("with biases", "the bias asked for", {"d_model": 14, "num_heads": 2, "bias": True}, ("bias",))


def _count_shown():
    yield Draft("with biases", "", {"d_model": 4, "num_heads": 2}, shown=True)
    yield Draft("without biases", "", {"d_model": 4, "num_heads": 2, "bias": False}, ("bias",), shown=True)


PARAMETER_COUNT = Exercise(
    id="parameter_count",
    lesson=LESSON,
    reference=multi_head.parameter_count,
    model=_count,
    outputs=("count",),
    parts={"with biases": 1, "without biases": 1},
    success="`parameter_count` holds: four matrices, however many heads share them, and four biases where they are.",
    faults=(
        Fault(
            "parameters-times-heads",
            "heads",
            "a count that grows with the number of heads",
            "How wide is one head when there are more of them? How many features do all of them have together?",
            ("", "projections"),
        ),
        Fault(
            "bias-forgotten",
            "bias",
            "a count in which the biases are not those that `bias` asks for",
            "How many biases has one projection from d_model to d_model features? How many projections are there, and "
            "what does `bias=False` change?",
            ("", "always", "one"),
        ),
        Fault(
            "output-projection-uncounted",
            "matrices",
            "queries, keys and values alone: three projections",
            "What comes after the heads are merged, and has it parameters?",
            ("", "weight"),
        ),
    ),
    shown=_count_shown,
    draw=_count_draw,
)

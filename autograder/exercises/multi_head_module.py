"""Lesson 5: `MultiHeadAttention`, driven with weights of ours; its faults compute as the module does."""

from dataclasses import replace

import numpy as np
from attention_lab.modules import OUTPUTS, PROJECTIONS, WrongParameters, drive_module, listed, with_gradients
from attention_lab.tensors import Tensor
from torch.nn import functional as F

from autograder.exercises import faulty_heads as steps
from autograder.exercises.exercise import Draft, Exercise, Fault, Raises, grid
from autograder.exercises.faulty_attention import SWAPPED_RETURN
from autograder.exercises.heads import LESSON, boolean, mask_of
from autograder.exercises.masking import WITHOUT_MASK
from autograder.exercises.queries_keys_values import ROLES_SWAPPED, VALUES_FROM_QUERIES
from solutions import multi_head

IN_A_LIST = Fault(
    "heads-in-a-list",
    "parameters",
    "projections that stand in a list, one for each head",
    "Which parameters does a module find in a Python list? And of how many features is the one `nn.Linear` that makes "
    "the queries of all heads at once?",
    ("", "all", "module-list"),
)
BIAS_FORGOTTEN = Fault(
    "bias-forgotten",
    "bias",
    "projections whose biases are not those that `bias` asks for",
    "What does each of the four `nn.Linear` do with `bias`, when it is made and when it is used?",
    ("never", "always", "out", "heads", "unused"),
)
DETACHED = Fault(
    "detached",
    "gradient",
    "a computation that is cut off from the parameters it was made with",
    "Where does a tensor lose its history: `.detach()`, `.data`, `.numpy()`, `torch.tensor(…)`, `no_grad`?",
    ("", "merged", "weights", "values"),
)
CONTEXT_IGNORED = Fault(
    "context-ignored",
    "source",
    "self-attention of `x`: `context` plays no part",
    "Which of queries, keys and values are made of `context`?",
)
QUERIES_FROM_CONTEXT = Fault(
    "queries-from-context",
    "source",
    "queries made of `context` too: self-attention of `context`, in which `x` plays no part",
    "Who asks, and who answers? For every token that asks there is one row of the output.",
    quiet=True,
)
KEYS_FROM_QUERIES = Fault(
    "keys-from-queries",
    "source",
    "keys made of `x`, and values of `context`",
    "A weight goes from a query to a key, and then to the value of that key. Which of your three projections read "
    "`context`, and how many keys are there for how many values?",
    quiet=True,
)
STOPS_WITH_CONTEXT = Fault(
    "crashes-with-context",
    "source",
    "an error wherever there is a `context`",
    "How do you find out that there is none? A tensor of several numbers is neither true nor false: do you ask whether "
    "`context` is true, or whether it is `None`?",
    quiet=True,
)
WEIGHT_TRANSPOSED = Fault(
    "weight-transposed",
    "weight",
    "projections by the transposed weights",
    "`nn.Linear` keeps a weight as (d_out, d_in). What must happen to it before `x @ weight`?",
)


def _has(faults, d_model, num_heads, bias):
    """The shapes of the parameters of a module with these faults."""
    biased = dict.fromkeys(PROJECTIONS, bias)
    for variant, names, value in (
        ("never", PROJECTIONS, False),
        ("always", PROJECTIONS, True),
        ("out", PROJECTIONS[3:], True),
        ("heads", PROJECTIONS[:3], False),
    ):
        if f"bias-forgotten/{variant}" in faults:
            biased |= dict.fromkeys(names, value)
    places = {name: ((name, d_model),) for name in PROJECTIONS}
    if "heads-in-a-list/module-list" in faults:
        each = d_model // num_heads
        places |= {name: [(f"{name}.{head}", each) for head in range(num_heads)] for name in PROJECTIONS[:3]}
    elif "heads-in-a-list" in faults or "heads-in-a-list/all" in faults:
        places |= dict.fromkeys(PROJECTIONS[: 4 if "heads-in-a-list/all" in faults else 3], ())
    shapes = {}
    for name in PROJECTIONS:
        for place, width in places[name]:
            shapes[f"{place}.weight"] = (width, d_model)
            if biased[name]:
                shapes[f"{place}.bias"] = (width,)
    return shapes


def _module(faults, d_model, num_heads, projections, biases, x, context=None, mask=None, probe=None):
    bias = biases is not None
    has = listed(_has(faults, d_model, num_heads, bias))
    if has != listed(_has((), d_model, num_heads, bias)):
        raise WrongParameters(has, bias)
    parameters = {f"{name}.weight": weight for name, weight in zip(PROJECTIONS, projections.unbind(), strict=True)}
    if bias:
        parameters |= {f"{name}.bias": row for name, row in zip(PROJECTIONS, biases.unbind(), strict=True)}
    if probe is not None:
        parameters = {name: parameter.clone().requires_grad_() for name, parameter in parameters.items()}

    def project(name, features):
        weight = parameters[f"{name}.weight"]
        row = None if "bias-forgotten/unused" in faults else parameters.get(f"{name}.bias")
        return F.linear(features, weight.T if "weight-transposed" in faults else weight, row)

    if context is not None and "crashes-with-context" in faults:
        raise Raises
    asks, found, handed = _sources(faults, x, x if context is None else context)
    query, key, value = project("q_proj", asks), project("k_proj", found), project("v_proj", handed)
    if "detached/weights" in faults:
        query, key = query.detach(), key.detach()
    if "detached/values" in faults:
        value = value.detach()
    query, key, value = (steps.split(features, num_heads, faults) for features in (query, key, value))
    blended, attention = steps.attend(query, key, value, mask, faults)
    output = steps.merge(blended, faults)
    if "detached/merged" in faults:
        output = output.detach()
    if "output-projection-forgotten" not in faults:
        output = project("out_proj", output)
    if "detached" in faults:
        output = output.detach()
    returned = (attention, output) if "swapped-return" in faults else (output, attention)
    return with_gradients(returned, parameters, probe)


def _sources(faults, x, context):
    """What queries, keys and values are made of."""
    if "context-ignored" in faults:
        return x, x, x
    if "queries-from-context" in faults:
        return context, context, context
    if "cross-roles-swapped" in faults:
        return context, x, x
    if "keys-from-queries" in faults:
        return x, x, context
    return x, context, x if "values-from-queries" in faults else context


def _arguments(rng, batch, n, num_heads, d_head, bias=True, n_k=0, dtype="float64"):
    d_model = num_heads * d_head
    arguments = {
        "d_model": d_model,
        "num_heads": num_heads,
        "projections": Tensor(grid(rng, 4, d_model, d_model, scale=0.7), dtype),
        "biases": Tensor(grid(rng, 4, d_model), dtype) if bias else None,
        "x": Tensor(grid(rng, batch, n, d_model), dtype),
    }
    return arguments | ({"context": Tensor(grid(rng, batch, n_k, d_model), dtype)} if n_k else {})


def _shown():
    weights = np.array([[[1.0, 2], [0, 1]], [[1, 0], [1, 1]], [[1, 0], [3, 1]], [[0, 1], [2, 1]]])
    arguments = {
        "d_model": 2,
        "num_heads": 2,
        "projections": Tensor(weights),
        "biases": Tensor(np.array([[1.0, 0], [0, 1], [2, 0], [0, 3]])),
        "x": Tensor(np.array([[[1.0, 0], [0, 2]]])),
    }
    yield Draft("self-attention", "", arguments, shown=True)
    yield Draft("without biases", "", {**arguments, "biases": None}, shown=True)
    context = {**arguments, "context": Tensor(np.array([[[2.0, 1], [0, 1], [1, 0]]]))}
    yield Draft("context", "", context, ("context",), shown=True)
    exact = {name: Tensor(given.numbers, "float64") for name, given in arguments.items() if isinstance(given, Tensor)}
    probed = {**arguments, **exact, "probe": Tensor(np.array([[[1.0, 0], [0, -1]]]), "float64")}
    yield Draft("gradients", "", probed, ("probe",), shown=True, tolerance=1e-4)


def _draw(rng):
    yield Draft("self-attention", "a batch", _arguments(rng, 2, 5, 3, 2))
    yield Draft("self-attention", "d_model = heads²", _arguments(rng, 2, 4, 3, 3))
    yield Draft("self-attention", "as many tokens as heads", _arguments(rng, 2, 3, 3, 2))
    yield Draft("self-attention", "a single head", _arguments(rng, 2, 3, 1, 5))
    yield Draft("self-attention", "float32", _arguments(rng, 2, 5, 2, 3, dtype="float32"), tolerance=1e-4)
    for name, bias, n_k in (("no biases", False, 0), ("no biases, and a context", False, 5)):
        arguments = _arguments(rng, 2, 5, 2, 3, bias=bias, n_k=n_k)
        yield Draft("without biases", name, arguments, ("context",) if n_k else ())
    for name, n, n_k in (("a context", 3, 5), ("a context as long as x", 4, 4), ("a shorter context", 5, 2)):
        yield Draft("context", name, _arguments(rng, 2, n, 3, 2, n_k=n_k), ("context",))
    for name, shape, n_k in (
        ("one mask for all", (5, 5), 0),
        ("a mask for each head", (2, 3, 5, 5), 0),
        ("a padding mask of a context", (2, 1, 1, 4), 4),
        ("a padding mask of a context as long as x", (2, 1, 1, 5), 5),
        ("a row without a key", (2, 3, 5, 5), 0),
    ):
        mask = mask_of(rng, *shape)
        if "without" in name:
            mask[0, int(rng.integers(3)), int(rng.integers(5))] = False
        masked = {**_arguments(rng, 2, 5, 3, 2, n_k=n_k), "mask": boolean(mask)}
        yield Draft("masks", name, masked, ("context", "mask") if n_k else ("mask",))
    for name, bias in (("biases", True), ("no biases", False)):
        probed = {**_arguments(rng, 2, 4, 3, 2, bias=bias, n_k=3), "probe": Tensor(grid(rng, 2, 4, 6), "float64")}
        yield Draft("gradients", f"gradients and {name}", probed, ("context", "probe"), tolerance=1e-4)


MODULE = Exercise(
    id="MultiHeadAttention",
    lesson=LESSON,
    reference=drive_module(multi_head.MultiHeadAttention),
    model=_module,
    outputs=OUTPUTS,
    parts={"self-attention": 2, "context": 1, "masks": 1, "without biases": 1, "gradients": 1},
    success="`MultiHeadAttention` holds: four projections, with and without biases, and every one of them can learn.",
    faults=(
        replace(steps.SPLIT_WITHOUT_TRANSPOSE, look_at=steps.FEATURES),
        replace(steps.SPLIT_INTERLEAVED, variants=("", "merged-back")),
        steps.MERGE_WITHOUT_TRANSPOSE,
        steps.MERGE_INTERLEAVED,
        *steps.SCALE,
        replace(steps.OVER_HEADS, variants=("", "finite")),
        replace(steps.OVER_QUERIES, variants=("",)),
        *steps.MASK,
        WITHOUT_MASK,
        steps.OUTPUT_PROJECTION,
        replace(steps.HEADS_AVERAGED, variants=("", "kept")),
        CONTEXT_IGNORED,
        VALUES_FROM_QUERIES,
        ROLES_SWAPPED,
        QUERIES_FROM_CONTEXT,
        KEYS_FROM_QUERIES,
        STOPS_WITH_CONTEXT,
        WEIGHT_TRANSPOSED,
        IN_A_LIST,
        BIAS_FORGOTTEN,
        DETACHED,
        SWAPPED_RETURN,
    ),
    shown=_shown,
    draw=_draw,
    sums={"weights": -1},
    driver="module",
    library="torch",
    rounds=1,
)

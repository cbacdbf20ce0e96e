"""Lesson 2: projections, scores, attention to oneself and to others, and a detector of one head's habit."""

from dataclasses import replace

import numpy as np

from autograder.exercises import faulty_attention as steps
from autograder.exercises.exercise import Draft, Exercise, Fault, Untold, grid
from autograder.exercises.faulty_softmax import STABILITY
from solutions import queries_keys_values as reference

LESSON = "02_queries_keys_values"
UNSTABLE = STABILITY[0]
WEIGHT_TRANSPOSED = Fault(
    "weight-transposed",
    "weight",
    "a projection by the transposed weight",
    "`weight` is (d_in, d_out). Which of its axes meets the last axis of `x`?",
)
BIAS_FORGOTTEN = Fault(
    "bias-forgotten",
    "bias",
    "a projection without the bias",
    "What does your function do with `bias` when it is not `None`?",
)
OVER_QUERIES = Fault(
    "softmax-over-queries",
    "axis",
    "softmax over the queries: down the columns instead of along the rows",
    "Every query shares out its attention among the keys. Which axis holds the keys?",
    ("", "axis-0"),
)
VALUE_NOT_PROJECTED = Fault(
    "value-not-projected",
    "value",
    "a blend of the token vectors themselves, not of their values",
    "What a token hands over is not the token. Which matrix makes a value of it?",
)
SHARED_QUERY_KEY = Fault(
    "shared-query-key",
    "key",
    "queries and keys made by one and the same matrix",
    "A token looks for one thing and offers another. Which matrix makes the queries, and which the keys?",
    ("", "w_k"),
)
VALUE_AS_KEY = Fault(
    "value-as-key",
    "blended",
    "scores of queries and values, where queries and keys should meet",
    "Who is compared with the query: what an item offers, or what it hands over?",
    quiet=True,
)
KEY_VALUE_SWAPPED = Fault(
    "key-value-swapped",
    "blended",
    "keys and values with their roles exchanged",
    "Which of the two is compared with the query, and which is collected?",
)
ROLES_SWAPPED = Fault(
    "cross-roles-swapped",
    "source",
    "queries from `context`, and keys and values from `x`: the other way round",
    "Who asks, and who answers? There is one row of weights for every token that asks.",
)
VALUES_FROM_QUERIES = Fault(
    "values-from-queries",
    "source",
    "values made of `x` instead of `context`",
    "You look into `context`. Where should what you collect come from?",
)
IGNORES_CONTEXT = Fault(
    "ignores-context",
    "source",
    "self-attention of `x`: `context` plays no part",
    "Which of queries, keys and values are made of `context`?",
)
QUERY_KEY_SWAPPED = Fault(
    "query-key-swapped",
    "key",
    "`w_q` and `w_k` exchanged: queries made by the matrix of the keys, and keys by that of the queries",
    "Which matrix makes what `x` looks for, and which what `context` offers?",
    quiet=True,
)
KEYS_FROM_QUERIES = Fault(
    "keys-from-queries",
    "source",
    "keys made of `x` instead of `context`",
    "`x` asks. Who offers something to be found by?",
    quiet=True,
)
ONLY_CONTEXT = Fault(
    "only-context",
    "source",
    "self-attention of `context`: `x` plays no part",
    "Which of queries, keys and values are made of `x`? There is one row of weights for every token of `x`.",
    quiet=True,
)
ALONE = {fault.id for fault in (QUERY_KEY_SWAPPED, KEYS_FROM_QUERIES, ONLY_CONTEXT)}  # told only without another
ATTENTION_FAULTS = (
    steps.SCORES_TRANSPOSED,
    steps.TRANSPOSE_ALL_AXES,
    steps.SCORES_ELEMENTWISE,
    steps.SCALED_EARLY,
    OVER_QUERIES,
    UNSTABLE,
    steps.NO_SOFTMAX,
    steps.BLENDS_KEYS,
    steps.BLEND_TRANSPOSED,
    steps.SWAPPED_RETURN,
    steps.SCORES_RETURNED,
    VALUE_AS_KEY,
)
QUERIES_AS_KEYS = replace(  # with one sequence, exchanged matrices transpose the scores: the numbers are the same
    steps.SCORES_TRANSPOSED,
    matches="queries and keys exchanged, each in the place of the other: their matrices, or their order in the product",
    look_at="Rows look, columns are looked at. Which matrix makes what looks, and which of the two gives the rows of "
    "your scores?",
)
ATTENTION_OF_TOKENS = tuple(
    replace(fault, variants=("", "d_model")) if fault is steps.SCALED_EARLY else fault for fault in ATTENTION_FAULTS
)
PROJECTED_FAULTS = (WEIGHT_TRANSPOSED, VALUE_NOT_PROJECTED, SHARED_QUERY_KEY, KEY_VALUE_SWAPPED)


def _project(faults, x, weight, bias=None):
    projected = x @ (weight.T if "weight-transposed" in faults else weight)
    return projected if bias is None or "bias-forgotten" in faults else projected + bias


def _project_shown():
    x, weight = np.array([[1.0, 2.0]]), np.array([[1.0, 3.0], [0.0, 1.0]])
    yield Draft("without a bias", "one token", {"x": x, "weight": weight}, shown=True)
    biased = {"x": x, "weight": weight, "bias": np.array([10.0, 20.0])}
    yield Draft("with a bias", "one token, and a bias", biased, ("bias",), shown=True)


def _project_draw(rng):
    n, d_in, d_out, batch = rng.permutation([2, 3, 5, 7])

    def bias_too(part, name, *shape, d_out=d_out):
        arguments = {"x": grid(rng, *shape), "weight": grid(rng, shape[-1], d_out)}
        if part == "without a bias":
            return Draft(part, name, arguments)
        return Draft(part, name, {**arguments, "bias": grid(rng, d_out)}, ("bias",))

    for part in ("without a bias", "with a bias"):
        yield bias_too(part, "a sequence", n, d_in)
        yield bias_too(part, "a square weight", n, d_in, d_out=d_in)
        yield bias_too(part, "a single vector", d_in)
        yield bias_too(part, "a batch", batch, n, d_in)
        yield bias_too(part, "two batch axes", 2, batch, n, d_in)
    whole = {"x": rng.integers(-5, 5, (n, d_in)), "weight": rng.integers(-5, 5, (d_in, d_out))}
    yield Draft("without a bias", "integers", whole)
    yield Draft("with a bias", "integers", {**whole, "bias": rng.integers(1, 9, d_out)}, ("bias",))


PROJECT = Exercise(
    id="project",
    lesson=LESSON,
    reference=reference.project,
    model=_project,
    outputs=("projected",),
    parts={"without a bias": 1, "with a bias": 1},
    success="`project` holds: the same linear map for every token, with or without a bias, for any batch.",
    faults=(WEIGHT_TRANSPOSED, BIAS_FORGOTTEN),
    shown=_project_shown,
    draw=_project_draw,
)


def _scores(faults, query, key):
    scores = steps.scores_of(query, key, faults)
    return scores / np.sqrt(query.shape[-1]) if "scaled-early" in faults else scores


def _scores_shown():
    query = np.array([[1.0, 0.0], [1.0, 2.0]])
    tall = {"query": query, "key": np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 1.0]])}
    yield Draft("one sequence", "two queries, three keys", tall, shown=True)
    batch = {"query": np.arange(4.0).reshape(2, 1, 2), "key": np.array([[[1.0, 0.0]], [[1.0, 2.0]]])}
    yield Draft("batches", "two sequences of one token", batch, shown=True)
    yield Draft("batches", "two sequences of two tokens", two_sequences("query", "key"), shown=True)


def two_sequences(*names):
    """A batch so small that it can be printed, in which no axis can be taken for another by its numbers."""
    arrays = np.array([1, 0, 0, 2, 1, 1, 3, 0, 2, 1, 0, 1, 1, 0, 2, 3, 0, 4, 1, 2, 5, 0, 3, 1], dtype=float)
    return {name: block.reshape(2, 2, 2) for name, block in zip(names, arrays.reshape(3, 8), strict=False)}


def _sizes(rng):
    """One round of sizes (batch axes, n_q, n_k, d_model, d_k, d_v): all different, and then equal here and there."""
    b, q, k, m, d, v = (int(size) for size in rng.permutation([2, 3, 4, 5, 6, 7]))
    yield "one sequence", "all sizes different", (), q, k, m, d, v
    yield "one sequence", "as many queries as keys", (), q, q, m, d, v
    yield "one sequence", "d_v equal to d_k", (), q, k, m, d, d
    yield "one sequence", "all sizes equal", (), q, q, q, q, q
    yield "one sequence", "d_model, d_k and d_v equal", (), q, k, d, d, d
    yield "one sequence", "a single query and a single key", (), 1, 1, m, d, v
    yield "one sequence", "one query, vectors of one number", (), 1, k, 1, 1, 1
    yield "batches", "a batch", (b,), q, k, m, d, v
    yield "batches", "a batch, as many queries as keys", (b,), q, q, m, d, d
    yield "batches", "a batch with all sizes equal", (3,), 3, 3, 3, 3, 3
    yield "batches", "two batch axes", (2, b), q, k, m, d, v
    yield "batches", "two batch axes with all sizes equal", (2, 2), 2, 2, 2, 2, 2


def _scores_draw(rng):
    for part, name, batch, q, k, _, d, _ in _sizes(rng):
        yield Draft(part, name, {"query": grid(rng, *batch, q, d), "key": grid(rng, *batch, k, d)})
    integers = {"query": rng.integers(-5, 5, (3, 2)), "key": rng.integers(-5, 5, (4, 2))}
    yield Draft("other numbers", "integers", integers)
    float32 = {"query": grid(rng, 3, 5).astype(np.float32), "key": grid(rng, 4, 5).astype(np.float32)}
    yield Draft("other numbers", "float32", float32)
    large = {"query": grid(rng, 3, 5, scale=1000.0), "key": grid(rng, 4, 5)}
    yield Draft("other numbers", "large vectors", large)


SCORES = Exercise(
    id="attention_scores",
    lesson=LESSON,
    reference=reference.attention_scores,
    model=_scores,
    outputs=("scores",),
    parts={"one sequence": 1, "batches": 1, "other numbers": 1},
    success="`attention_scores` holds: one dot product for every query and key, rows look, columns are looked at.",
    faults=(
        steps.SCORES_TRANSPOSED,
        steps.TRANSPOSE_ALL_AXES,
        steps.DOT_OF_BATCHES,
        replace(steps.SCORES_ELEMENTWISE, variants=("", "summed")),
        steps.SWAPS_FIRST_AXES,
        steps.SCALED_EARLY,
    ),
    shown=_scores_shown,
    draw=_scores_draw,
)


def _wrong_axis(faults):
    return -2 if "softmax-over-queries" in faults else 0 if "softmax-over-queries/axis-0" in faults else None


def _attention(faults, query, key, value):
    if "key-value-swapped" in faults:
        key, value = value, key
    elif "value-as-key" in faults:
        key = value
    return steps.faulty_attention(query, key, value, faults, wrong_axis=_wrong_axis(faults))


def _attention_shown():
    query, key = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    yield Draft(
        "small scores",
        "two queries",
        {"query": query, "key": key, "value": np.array([[6.0, 0.0], [0.0, 3.0], [3.0, 3.0]])},
        shown=True,
    )
    one = {
        "query": np.array([[1.0, 0.0]]),
        "key": np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 0.0]]),
        "value": np.array([[6.0], [0.0], [3.0]]),
    }
    yield Draft("small scores", "one query, three keys", one, shown=True)
    yield Draft("batches", "two sequences", two_sequences("query", "key", "value"), shown=True)
    large = {"query": np.array([[800.0, 0.0]]), "key": key[:, ::-1].copy(), "value": np.array([[6.0], [0.0], [3.0]])}
    yield Draft("large scores", "large scores", large, shown=True)


def _attention_draw(rng):
    for part, name, batch, q, k, _, d, v in _sizes(rng):
        arrays = {
            "query": grid(rng, *batch, q, d),
            "key": grid(rng, *batch, k, d),
            "value": grid(rng, *batch, k, v),
        }
        yield Draft(part, name, arrays)
    small = {"query": grid(rng, 2, 3, scale=0.5), "key": grid(rng, 4, 3), "value": grid(rng, 4, 2)}
    yield Draft("small scores", "small vectors", small)
    large = {"query": grid(rng, 3, 5), "key": grid(rng, 4, 5), "value": grid(rng, 4, 2)}
    large["query"][:, 0], large["key"][:, 0] = 2000.0, 1.0  # far above 709, and near each other
    yield Draft("large scores", "scores around 2000", large)
    apart = {"query": grid(rng, 3, 5), "key": grid(rng, 4, 5), "value": grid(rng, 4, 2)}
    apart["query"][:, 0], apart["key"][:, 0] = (2000.0, -2000.0, -1000.0), 1.0  # no maximum serves two rows
    yield Draft("large scores", "rows of scores around 2000 and -2000", apart)
    steep = {"query": grid(rng, 3, 5), "key": grid(rng, 4, 5), "value": grid(rng, 4, 2)}
    steep["query"][:, 0], steep["key"][:, 0] = 2000.0, np.arange(4) == rng.integers(1, 4)
    yield Draft("large scores", "one score of 2000 in every row", steep)
    integers = {
        "query": rng.integers(-3, 3, (3, 2)),
        "key": rng.integers(-3, 3, (4, 2)),
        "value": rng.integers(-9, 9, (4, 3)),
    }
    yield Draft("one sequence", "integers", integers)
    float32 = {"query": grid(rng, 3, 5), "key": grid(rng, 4, 5), "value": grid(rng, 4, 2)}
    yield Draft("one sequence", "float32", {name: value.astype(np.float32) for name, value in float32.items()})


ATTENTION = Exercise(
    id="attention",
    lesson=LESSON,
    reference=reference.attention,
    model=_attention,
    outputs=("output", "weights"),
    parts={"small scores": 1, "one sequence": 1, "batches": 1, "large scores": 1},
    success="`attention` holds: rows of weights sum to 1, each output row is a blend of the values, in any batch.",
    faults=(*ATTENTION_FAULTS, KEY_VALUE_SWAPPED),
    shown=_attention_shown,
    draw=_attention_draw,
    sums={"weights": -1},
)


def _cross(faults, x, context, w_q, w_k, w_v):
    if faults & ALONE and len(faults) > 1:
        raise Untold
    asks, answers, gives = x, context, context
    if "cross-roles-swapped" in faults:
        asks, answers, gives = context, x, x
    elif "values-from-queries" in faults:
        gives = x
    elif "ignores-context" in faults:
        answers, gives = x, x
    elif "keys-from-queries" in faults:
        answers = x
    elif "only-context" in faults:
        asks = context
    if "shared-query-key" in faults:
        w_k = w_q
    elif "shared-query-key/w_k" in faults:
        w_q = w_k
    elif "query-key-swapped" in faults:
        w_q, w_k = w_k, w_q
    elif "key-value-swapped" in faults:
        w_k, w_v = w_v, w_k
    elif "value-as-key" in faults:
        w_k = w_v
    query, key = _project(faults, asks, w_q), _project(faults, answers, w_k)
    value = gives if "value-not-projected" in faults else _project(faults, gives, w_v)
    early = "scaled-early/d_model" in faults
    return steps.faulty_attention(
        query,
        key,
        value,
        faults,
        wrong_axis=_wrong_axis(faults),
        scale=(lambda scores: scores / np.sqrt(x.shape[-1])) if early else None,
    )


def _self(faults, x, w_q, w_k, w_v):
    return _cross(faults, x, x, w_q, w_k, w_v)


def _weights_shown():
    return {
        "w_q": np.array([[1.0, 0.0], [1.0, 1.0]]),
        "w_k": np.array([[0.0, 2.0], [1.0, 1.0]]),
        "w_v": np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0]]),
    }


def _weights_drawn(rng, m, d, v, scale=0.5):
    return {"w_q": grid(rng, m, d, scale=scale), "w_k": grid(rng, m, d, scale=0.5), "w_v": grid(rng, m, v)}


def _projected_draw(rng, cross: bool):
    """Sequences with weights; `cross` gives a context of its own to the sequence that asks."""

    def draft(part, name, batch, q, k, m, d, v, scale=0.5):
        arrays = {"x": grid(rng, *batch, q, m)}
        if cross:
            arrays["context"] = grid(rng, *batch, k, m)
        return Draft(part, name, {**arrays, **_weights_drawn(rng, m, d, v, scale)})

    yield draft("small scores", "small vectors", (), 3, 4, 5, 2, 7, scale=0.125)
    yield from (draft(*sizes) for sizes in _sizes(rng))
    yield draft("one sequence", "scores of several thousands", (), 3, 4, 5, 2, 7, scale=2000.0)
    apart = draft("one sequence", "rows of scores around 2000 and -2000", (), 3, 4, 5, 2, 7)
    answers = apart.arguments["context" if cross else "x"]
    apart.arguments["x"][:, 0], answers[:, 1] = (1.0, -1.0, -0.5), 1.0
    apart.arguments["w_q"][:, 0], apart.arguments["w_k"][:, 0] = 2000.0 * np.eye(5)[0], np.eye(5)[1]
    yield apart
    float32 = draft("one sequence", "float32", (), 3, 4, 5, 2, 7)
    arrays = {name: value.astype(np.float32) for name, value in float32.arguments.items()}
    yield Draft(float32.part, float32.name, arrays)
    integers = draft("one sequence", "integers", (), 3, 4, 5, 2, 7)
    arrays = {name: np.round(value * 2).astype(int) for name, value in integers.arguments.items()}
    yield Draft(integers.part, integers.name, arrays)


def _self_shown():
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    yield Draft("small scores", "three tokens", {"x": x, **_weights_shown()}, shown=True)
    large = np.array([[0.0, 40.0], [0.0, 1.0]])
    yield Draft("one sequence", "large scores", {"x": large, **_weights_shown()}, shown=True)
    yield Draft("batches", "two sequences", {**two_sequences("x"), **_weights_shown()}, shown=True)


SELF = Exercise(
    id="self_attention",
    lesson=LESSON,
    reference=reference.self_attention,
    model=_self,
    outputs=("output", "weights"),
    parts={"small scores": 1, "one sequence": 2, "batches": 1},
    success="`self_attention` holds: three projections, one for each role, then attention, in any batch.",
    faults=(QUERIES_AS_KEYS, *ATTENTION_OF_TOKENS[1:], *PROJECTED_FAULTS),
    shown=_self_shown,
    draw=lambda rng: _projected_draw(rng, cross=False),
    sums={"weights": -1},
)


def _cross_shown():
    x, context = np.array([[1.0, 0.0], [1.0, 2.0]]), np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]])
    yield Draft(
        "small scores",
        "two tokens that ask three",
        {"x": x, "context": context, **_weights_shown()},
        shown=True,
    )
    yield Draft("small scores", "two that ask two", {"x": x, "context": context[:2], **_weights_shown()}, shown=True)
    large = {"x": np.array([[0.0, 40.0]]), "context": np.array([[0.0, 30.0], [1.0, 0.0]])}
    yield Draft("one sequence", "large scores", {**large, **_weights_shown()}, shown=True)
    yield Draft("batches", "two sequences", {**two_sequences("x", "context"), **_weights_shown()}, shown=True)


CROSS = Exercise(
    id="cross_attention",
    lesson=LESSON,
    reference=reference.cross_attention,
    model=_cross,
    outputs=("output", "weights"),
    parts={"small scores": 1, "one sequence": 1, "batches": 1},
    success="`cross_attention` holds: `x` asks, `context` answers; one row of weights for every token of `x`.",
    faults=(
        *ATTENTION_OF_TOKENS,
        *PROJECTED_FAULTS,
        ROLES_SWAPPED,
        VALUES_FROM_QUERIES,
        IGNORES_CONTEXT,
        QUERY_KEY_SWAPPED,
        KEYS_FROM_QUERIES,
        ONLY_CONTEXT,
    ),
    shown=_cross_shown,
    draw=lambda rng: _projected_draw(rng, cross=True),
    sums={"weights": -1},
)


ALL_IN_ONE = Fault(
    "all-heads-in-one",
    "heads",
    "one number for all heads together",
    "Which axes does your mean run over?",
    ("", "first-two-axes"),
    quiet=True,
)
LAST_LEFT_OUT = Fault(
    "last-token-left-out",
    "mean",
    "a share without that of the last token",
    "Which numbers does your `range` give? Its end is not among them.",
    ("", "divided"),
    quiet=True,
)
SHARE_FAULTS = tuple(
    Fault(id, slot, matches, look_at, quiet=True)
    for id, slot, matches, look_at in (
        (
            "next-token",
            "diagonal",
            "the share of the next token",
            "Is the token before token i in column i − 1 or i + 1?",
        ),
        ("token-itself", "diagonal", "the share that each token gives to itself", "Which column is one before i?"),
        ("wraps-around", "mean", "a first token that looks back at the last", "What does index −1 mean in Python?"),
        ("divided-by-n", "mean", "a division by n", "How many tokens have one before them?"),
        ("sum", "mean", "a sum", "The share is an average over the tokens that have one before them."),
        (
            "first-two-axes",
            "heads",
            "a diagonal of the first two axes, which `np.diagonal` takes where none are named",
            "In a stack of heads the first axis holds the heads. Which two axes are the tokens that look, and those "
            "looked at?",
        ),
    )
)


def _share(faults, weights):
    alone = {"last-token-left-out", "last-token-left-out/divided", "first-two-axes", "all-heads-in-one/first-two-axes"}
    if alone & faults and len(faults) > 1:
        raise Untold
    if "all-heads-in-one/first-two-axes" in faults:
        return np.diagonal(weights, offset=-1).mean()
    if "first-two-axes" in faults:
        return np.diagonal(weights, offset=-1).mean(axis=-1)
    offset = 1 if "next-token" in faults else 0 if "token-itself" in faults else -1
    found = np.diagonal(weights, offset=offset, axis1=-2, axis2=-1)
    n = weights.shape[-1]
    if "wraps-around" in faults:
        share = (found.sum(axis=-1) + weights[..., 0, -1]) / n
    elif "last-token-left-out" in faults or "last-token-left-out/divided" in faults:
        if n == 2:  # nothing is left: what comes of that depends on how it is written
            raise Untold
        share = found[..., :-1].sum(axis=-1) / (n - 1 if "last-token-left-out/divided" in faults else n - 2)
    elif "divided-by-n" in faults:
        share = found.sum(axis=-1) / n
    else:
        share = found.sum(axis=-1) if "sum" in faults else found.mean(axis=-1)
    return share.mean() if "all-heads-in-one" in faults else share


def _share_shown():
    weights = np.array([[1.0, 0.0, 0.0], [0.75, 0.25, 0.0], [0.25, 0.5, 0.25]])
    yield Draft("one head", "three tokens", {"weights": weights}, shown=True)
    two = np.array([[[0.75, 0.25], [0.5, 0.5]], [[1.0, 0.0], [0.25, 0.75]]])
    yield Draft("all heads", "two heads", {"weights": two}, shown=True)


def _share_draw(rng):
    def shares(*shape):
        return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])

    n, heads = rng.permutation([3, 5, 7])[:2]
    yield Draft("one head", "one head", {"weights": shares(n, n)})
    yield Draft("one head", "two tokens", {"weights": shares(2, 2)})
    yield Draft("all heads", "all heads of a layer", {"weights": shares(heads, n, n)})
    yield Draft("all heads", "as many heads as tokens", {"weights": shares(n, n, n)})
    yield Draft("all heads", "all heads of a batch", {"weights": shares(2, heads, n, n)})


SHARE = Exercise(
    id="previous_token_share",
    lesson=LESSON,
    reference=reference.previous_token_share,
    model=_share,
    outputs=("share",),
    parts={"one head": 1, "all heads": 2},
    success="`previous_token_share` holds: a detector for one habit, for one head or for all of them at once.",
    faults=(*SHARE_FAULTS, ALL_IN_ONE, LAST_LEFT_OUT),
    shown=_share_shown,
    draw=_share_draw,
)

EXERCISES = (PROJECT, SCORES, ATTENTION, SELF, CROSS, SHARE)

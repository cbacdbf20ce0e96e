"""Lesson 6: what n² costs, in operations and in bytes."""

from attention_lab.tensors import Dtype

from autograder.exercises.exercise import Draft, Exercise, Fault
from solutions import batched_gpu

SIZES = ("batch", "heads", "num_queries", "num_keys")
PAIRS = "Here are more keys than queries, or fewer. How many pairs of a query and a key are there then?"
SIZE_FAULTS = (
    Fault("queries-squared", "pairs", "the number of queries squared", PAIRS, quiet=True),
    Fault("keys-squared", "pairs", "the number of keys squared", PAIRS, quiet=True),
    *(
        Fault(
            f"{name}-left-out",
            "leading",
            f"{text} left out of the product",
            "Every head of every sequence has scores of its own. What changes in your result when there are twice as "
            "many sequences, and what when there are twice as many heads?",
            quiet=True,
        )
        for name, text in {"batch": "the batch", "heads": "the heads", "batch-and-heads": "batch and heads"}.items()
    ),
)


def _sizes(faults, batch, heads, num_queries, num_keys):
    """The sizes as a learner with these faults takes them."""
    if "queries-squared" in faults:
        num_keys = num_queries
    elif "keys-squared" in faults:
        num_queries = num_keys
    if {"batch-left-out", "batch-and-heads-left-out"} & faults:
        batch = 1
    if {"heads-left-out", "batch-and-heads-left-out"} & faults:
        heads = 1
    return batch, heads, num_queries, num_keys


def _flops(faults, *sizes):
    *sizes, d_head = sizes
    operations = batched_gpu.attention_flops(*_sizes(faults, *sizes), d_head)
    return operations // 2 if "half-the-operations" in faults else operations


def _flops_draft(part, name, *sizes, shown=False):
    return Draft(part, name, dict(zip((*SIZES, "d_head"), sizes, strict=True)), shown=shown)


def _flops_draw(rng):
    b, h, q, k, d = (int(size) for size in rng.permutation([2, 3, 5, 7, 11]))
    yield _flops_draft("as many queries as keys", "as many queries as keys", b, h, k, k, d)
    yield _flops_draft("any sizes", "five different sizes", b, h, q, k, d)
    yield _flops_draft("any sizes", "a single query", b, h, 1, k, d)
    long = 8191 + 2 * int(rng.integers(1, 50))
    yield _flops_draft("any sizes", "a long context", 3, 32, long, 131_071, 127)


FLOPS = Exercise(
    id="attention_flops",
    lesson="06_batched_gpu",
    reference=batched_gpu.attention_flops,
    model=_flops,
    outputs=("flops",),
    parts={"as many queries as keys": 1, "any sizes": 1},
    success="`attention_flops` holds: both matrix products, for any number of queries and keys.",
    faults=(
        Fault(
            "half-the-operations",
            "operations",
            "half of the operations: one of the two matrix products alone, or a multiply-add counted as 1",
            "Which products of matrices does attention need, and how many operations is `a + b * c`?",
        ),
        *SIZE_FAULTS,
    ),
    shown=lambda: [_flops_draft("as many queries as keys", "small sizes", 3, 5, 2, 2, 7, shown=True)],
    draw=_flops_draw,
    library="torch",
)


def _bytes(faults, *given):
    *sizes, dtype = given
    scores = batched_gpu.score_matrix_bytes(*_sizes(faults, *sizes), dtype)
    if "hard-coded-float32" in faults:
        scores = scores // dtype.itemsize * 4
    return 8 * scores if "bits" in faults else scores


def _bytes_draft(part, dtype, *sizes, shown=False):
    arguments = {**dict(zip(SIZES, sizes, strict=True)), "dtype": Dtype(dtype)}
    return Draft(part, f"dtype torch.{dtype}", arguments, shown=shown)


def _bytes_draw(rng):
    parts = {"floating-point dtypes": ("float64", "float32", "float16", "bfloat16")}
    parts["any dtype"] = ("int8", "int16", "int64", "bool", "float8_e4m3fn")
    for part, dtypes in parts.items():
        for dtype in dtypes:
            b, h, q, k = (int(size) for size in rng.permutation([2, 3, 5, 7]))
            yield _bytes_draft(part, dtype, b, h, q, k)
    for part, dtype in (("floating-point dtypes", "bfloat16"), ("any dtype", "int8")):
        arguments = _bytes_draft(part, dtype, 3, 32, 131_071, 131_071 - int(rng.integers(9))).arguments
        yield Draft(part, f"a long context of torch.{dtype}", arguments)


BYTES = Exercise(
    id="score_matrix_bytes",
    lesson="06_batched_gpu",
    reference=batched_gpu.score_matrix_bytes,
    model=_bytes,
    outputs=("bytes",),
    parts={"floating-point dtypes": 1, "any dtype": 1},
    success="`score_matrix_bytes` holds: one number for every pair of query and key, in any dtype.",
    faults=(
        Fault(
            "hard-coded-float32",
            "bytes",
            "four bytes for a number of any dtype",
            "How many bytes has a float32, and how many a bfloat16? What knows it for every dtype?",
        ),
        Fault(
            "bits",
            "unit",
            "bits, where bytes were asked for: eight times as many",
            "A float16 has 16 bits. How many bytes is that?",
            quiet=True,
        ),
        *SIZE_FAULTS,
    ),
    shown=lambda: [_bytes_draft("floating-point dtypes", "float16", 3, 5, 2, 7, shown=True)],
    draw=_bytes_draw,
    library="torch",
)

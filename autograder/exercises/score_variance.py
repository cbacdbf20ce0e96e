"""Lesson 3: the sample variance of q·k, which is random, so that a case has a tolerance and calls twice."""

from itertools import count

import numpy as np
from attention_lab.given import Generator

from autograder.exercises.exercise import Draft, Exercise, Fault
from solutions import scaling

# The variance of n samples has a relative spread of √((2 + 6/d_k) / n). With the sizes below, the spread of the
# difference of two such samples is at most 0.0375, so that 15 % is four times as much. There are no more samples than
# that asks for: who multiplies every query with every key, and keeps the diagonal, needs 200 MB for it, and is right.
TOLERANCE = 0.15
CALLS = count()


def _variance(faults, d_k, num_samples, rng):
    if "ignores-rng" in faults:
        variance = float(d_k)
    elif "ignores-rng/fresh" in faults:
        variance = d_k * (1 + 1e-4 * (-1) ** next(CALLS))  # another number every time, and the same sheet every time
    elif "uniform-draws" in faults:
        query, key = rng.random((2, num_samples, d_k))
        variance = (query * key).sum(axis=-1).var()
    elif "uniform-draws/both-signs" in faults:
        query, key = rng.uniform(-1, 1, (2, num_samples, d_k))
        variance = (query * key).sum(axis=-1).var()
    elif "query-with-itself" in faults:
        variance = (rng.normal(size=(num_samples, d_k)) ** 2).sum(axis=-1).var()
    else:
        variance = scaling.score_variance(d_k, num_samples, rng)
    return np.sqrt(variance) if "standard-deviation" in faults else variance


def _draft(part, d_k, num_samples, seed, another, shown=False):
    """A call, and again with a generator of the seed `another`."""
    arguments = {"d_k": d_k, "num_samples": num_samples, "rng": Generator(seed)}
    name = part + (" and two generators of different seeds" if another != seed else " and two generators of one seed")
    return Draft(
        part, "" if shown else name, arguments, shown=shown, tolerance=TOLERANCE, again={"rng": Generator(another)}
    )


def _shown():
    yield _draft("short vectors", 4, 5000, 1, 1, shown=True)
    yield _draft("short vectors", 4, 5000, 1, 2, shown=True)


def _draw(rng):
    samples = 4600 + int(rng.integers(400))
    for part, least, most in (("short vectors", 5, 9), ("long vectors", 13, 18)):
        seed, another = (int(number) for number in rng.choice(10_000, 2, replace=False))
        yield _draft(part, int(rng.integers(least, most)), samples, seed, seed)
        yield _draft(part, int(rng.integers(least, most)), samples, another, seed)


SCORE_VARIANCE = Exercise(
    id="score_variance",
    lesson="03_scaling",
    reference=scaling.score_variance,
    model=_variance,
    outputs=("variance",),
    parts={"short vectors": 1, "long vectors": 2},
    success="`score_variance` holds: near d_k, the same number for the same generator, another for another.",
    faults=(
        Fault(
            "standard-deviation",
            "power",
            "the standard deviation of q·k: the square root of what is asked for",
            "Which of the two grows in proportion to d_k?",
        ),
        Fault(
            "ignores-rng",
            "draws",
            "a number that does not depend on `rng`: a constant, or draws from a generator of your own",
            "Who draws your samples? Ask `rng` for every one of them.",
            ("", "fresh"),
        ),
        Fault(
            "uniform-draws",
            "draws",
            "uniform numbers, where normal ones of mean 0 and variance 1 are asked for",
            "Which method of `rng` draws standard normal numbers? What is the variance of yours?",
            ("", "both-signs"),
            quiet=True,
        ),
        Fault(
            "query-with-itself",
            "draws",
            "queries multiplied with themselves: q·q, a sum of squares",
            "Are your keys other draws than your queries?",
            quiet=True,
        ),
    ),
    shown=_shown,
    draw=_draw,
)

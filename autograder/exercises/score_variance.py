"""Lesson 3: the sample variance of q·k, which is random, so that a case has a tolerance and calls twice."""

from dataclasses import replace
from itertools import count

import numpy as np
from attention_lab.given import Generator

from autograder.exercises.exercise import Draft, Exercise, Fault, Untold
from solutions import scaling

# The variance of n samples has a relative spread of √((2 + 6/d_k) / n). With the sizes below, the spread of the
# difference of two such samples is at most 0.0375, so that 15 % is four times as much. There are no more samples than
# that asks for: who multiplies every query with every key, and keeps the diagonal, needs 200 MB for it, and is right.
TOLERANCE = 0.15
# Very long vectors, and few of them: there the spread is so much larger than 1 that no two samples round to one number,
# and a sum along the axis of the samples has a variance that can be told. 38 % is at least four times the spread.
VERY_LONG, TOLERANCE_OF_FEW = {"more numbers than samples": (1000, 500), "more samples": (400, 1000)}, 0.38
CALLS = count()


def _variance(faults, d_k, num_samples, rng):
    if "ignores-rng" in faults:
        variance = float(d_k)
    elif "ignores-rng/own-seed" in faults:
        variance = d_k * (1 + 1e-6 * num_samples)
    elif "ignores-rng/fresh" in faults:
        variance = d_k * (1 + 1e-4 * (-1) ** next(CALLS))  # another number every time, and the same sheet every time
    elif "uniform-draws" in faults:
        query, key = rng.random((2, num_samples, d_k))
        variance = (query * key).sum(axis=-1).var()
    elif "uniform-draws/both-signs" in faults:
        query, key = rng.uniform(-1, 1, (2, num_samples, d_k))
        variance = (query * key).sum(axis=-1).var()
    elif {"sum-forgotten", "sum-over-samples", "mean-of-products"} & faults:
        if len(faults) > 1:
            raise Untold
        query, key = rng.normal(size=(2, num_samples, d_k))
        if "sum-forgotten" in faults:
            return (query * key).var()
        if "mean-of-products" in faults:
            return (query * key).mean(axis=-1).var()
        if d_k < 100:  # the variance of a handful of sums is any number
            raise Untold
        return (query * key).sum(axis=0).var()
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
    for name, (d_k, few) in VERY_LONG.items():
        draft = _draft(part, d_k + int(rng.integers(20)), few, seed, another)
        yield replace(draft, name=f"very long vectors, {name}, and two generators", tolerance=TOLERANCE_OF_FEW)
    one = _draft(part, int(rng.integers(least, most)), samples, seed, seed)
    yield replace(one, name="long vectors and two numbers of samples", again={"num_samples": samples - 1})


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
            ("", "own-seed", "fresh"),
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
            "twice the variance of q·k: so large is that of q·q, of queries multiplied with themselves",
            "Are your keys other draws than your queries? And is anything counted or added twice?",
            quiet=True,
        ),
        Fault(
            "sum-forgotten",
            "draws",
            "a variance of 1, however long the vectors are: that of single products, before they are summed, or of "
            "scores that are divided by √d_k already",
            "How many numbers has your array just before `var`? There should be one for each sample: q·k, undivided.",
            quiet=True,
        ),
        Fault(
            "mean-of-products",
            "draws",
            "a variance of 1 / d_k: that of a mean of the products, or of a sum divided by d_k",
            "What does q·k do with its d_k products?",
            quiet=True,
        ),
        Fault(
            "sum-over-samples",
            "draws",
            "a sum over the samples, where the sum in q·k runs over the numbers of one vector",
            "Which axis of your products has d_k entries? And how many numbers should there be before `var`?",
            quiet=True,
        ),
    ),
    shown=_shown,
    draw=_draw,
)

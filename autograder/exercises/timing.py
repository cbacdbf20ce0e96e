"""Lesson 6: a benchmark, judged by functions that take known times; which number it returned is said in words."""

import statistics

import numpy as np
from attention_lab.tensors import Tensor
from attention_lab.timed import Timed, in_words

from autograder.exercises.exercise import Draft, Exercise, Fault

# Milliseconds of each call, the untimed one's first. The median, the mean and the extremes of the timed calls, and
# those of all calls, are so far from each other that a busy machine does not mix them up.
THREE, FOUR, FIVE = (22, 204, 10, 4), (17, 114, 11, 233, 5), (10, 4, 82, 4, 157, 106)
LONGER = (26, 11, 289, 4)


def _benchmark(faults, function, *inputs, repeats=5):
    """What the driver says of a benchmark with these faults; nothing is called and no time passes."""
    warms_up = not any(fault.startswith("no-warm-up") for fault in faults)
    calls = repeats if "no-warm-up" in faults else repeats + 1
    run = function.again()
    run.seconds = run.schedule(calls)
    run.given = [len(inputs)] * calls
    timed = run.seconds[1:] if warms_up else run.seconds
    middle = statistics.mean if "mean-not-median" in faults else statistics.median
    return in_words(middle(timed), run, repeats, len(inputs))


def _draft(part, name, milliseconds, inputs=(), shown=False):
    numbers = {f"input_{place}": value for place, value in enumerate(inputs, 1)}
    repeats = {} if part == "default repeats" else {"repeats": len(milliseconds) - 1}
    arguments = {"function": Timed(tuple(milliseconds)), **numbers, **repeats}
    return Draft(part, name, arguments, tuple(repeats), shown)


def _draw(rng):
    def about(milliseconds):
        return tuple(round(float(time), 1) for time in np.array(milliseconds) * rng.uniform(0.95, 1.05))

    tensor = Tensor(np.round(rng.normal(size=(2, 3)), 2))
    yield _draft("odd repeats", "three repeats and two inputs", about(LONGER), (tensor, tensor))
    yield _draft("even repeats", "four repeats and two inputs", about(FOUR), (tensor, 3.0))
    yield _draft("default repeats", "nothing said of repeats and three inputs", about(FIVE), (tensor, 2.0, tensor))


BENCHMARK = Exercise(
    id="benchmark",
    lesson="06_batched_gpu",
    reference=lambda function, *inputs, **named: _benchmark(frozenset(), function, *inputs, **named),
    model=_benchmark,
    outputs=("seconds", "calls"),
    parts={"odd repeats": 1, "even repeats": 1, "default repeats": 1},
    success="`benchmark` holds where there is nothing to wait for: one call to warm up, then the median of the timed "
    "ones. **Not tested: whether it waits for a GPU.** The next cell shows it.",
    faults=(
        Fault(
            "no-warm-up",
            "calls",
            "timing the first call with the others",
            "The first call often pays for what no later one needs. Should it be among those that are timed?",
            ("", "one-more"),
        ),
        Fault(
            "mean-not-median",
            "statistic",
            "the mean of the timed calls",
            "Now and then a call is slowed down by something else. What does that do to a mean, and what to a median?",
        ),
    ),
    shown=lambda: [_draft("odd repeats", "", THREE, shown=True)],
    draw=_draw,
    driver="timing",
    library="torch",
    rounds=1,
)

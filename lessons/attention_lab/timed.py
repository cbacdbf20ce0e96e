"""A function to be timed, whose calls take known times, and what a number of seconds says about them."""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

MEDIAN, RIGHT_CALLS = "the median of the timed calls", "one untimed call, then every timed one"
NEAR, ROUND_TRIP = 0.15, 0.003  # how far off a time may be: a share of itself, and seconds for the call
ATTEMPTS = 3  # a busy machine may spoil a measurement


@dataclass(frozen=True)
class Timed:
    """A function whose calls sleep for `milliseconds`, one after the other; the last of them for all that follow."""

    milliseconds: tuple[float, ...]

    def make(self) -> "Sleeper":
        return Sleeper(self.milliseconds)

    def __str__(self) -> str:
        return "a function whose calls take " + ", ".join(f"{time:g}" for time in self.milliseconds) + " ms"


class Sleeper:
    """The function itself; it remembers how long each call took, and whether it was given its inputs."""

    def __init__(self, milliseconds: tuple[float, ...]):
        self._milliseconds = milliseconds
        self.seconds: list[float] = []
        self.given: list[int] = []

    def __call__(self, *inputs):
        began = time.perf_counter()
        time.sleep(self._milliseconds[min(len(self.seconds), len(self._milliseconds) - 1)] / 1000)
        self.given.append(len(inputs))
        self.seconds.append(time.perf_counter() - began)
        return inputs[0] if inputs else None


def read_timing(call: Callable) -> Callable:
    """`call`, a learner's `benchmark`, answering in words: which statistic it returned, and how often it called.

    The seconds of a run are compared with the times that this run took, so that a slow machine does no harm; one that
    matches nothing is run again.
    """

    def benchmark(function: Sleeper, *inputs, repeats: int | None = None):
        named = {} if repeats is None else {"repeats": repeats}
        for _ in range(ATTEMPTS):
            sleeper = Sleeper(function._milliseconds)
            returned = call(sleeper, *inputs, **named)
            words = in_words(returned, sleeper, repeats or 5, len(inputs))
            if words == (MEDIAN, RIGHT_CALLS):
                break
        return words

    return benchmark


def in_words(returned, sleeper: Sleeper, repeats: int, inputs: int):
    """(which statistic this number is, how the function was called); anything that is no number as it is."""
    calls = len(sleeper.seconds)
    said = RIGHT_CALLS if calls == repeats + 1 else f"{calls} calls for {repeats} repeats"
    if any(number != inputs for number in sleeper.given):
        said = "calls without the inputs"
    try:
        seconds = float(returned)
    except (TypeError, ValueError):
        return returned, said
    if isinstance(returned, str | bool):
        return returned, said
    return statistic(seconds, sleeper.seconds), said


def statistic(seconds: float, times: list[float]) -> str:
    """The statistic of these times, the untimed call's first, that comes nearest; "none of them" if none is near."""
    if not times or not math.isfinite(seconds):
        return "none of them"
    later = times[1:] or times
    known = {
        MEDIAN: statistics.median(later),
        "the mean of the timed calls": statistics.mean(later),
        "the median of all calls": statistics.median(times),
        "the mean of all calls": statistics.mean(times),
        "the lower median of the timed calls": statistics.median_low(later),
        "the upper median of the timed calls": statistics.median_high(later),
        "the fastest call": min(times),
        "the slowest call": max(times),
        "the slowest timed call": max(later),
        "all timed calls together": sum(later),
        "all calls together": sum(times),
        "the last call": times[-1],
    }
    name, nearest = min(known.items(), key=lambda item: abs(item[1] - seconds))
    return name if abs(nearest - seconds) <= NEAR * nearest + ROUND_TRIP else "none of them"

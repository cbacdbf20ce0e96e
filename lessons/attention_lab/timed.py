"""A function to be timed, whose calls take known times, and what a number of seconds says about them."""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

MEDIAN, RIGHT_CALLS = "returned the median of the timed calls", "made one untimed call, then one for each repeat"
NO_STATISTIC = "returned a time that is no statistic of the calls it made"
MILLISECONDS = "returned a thousand times the median of the timed calls: milliseconds, where seconds were asked for"
NEAR, ROUND_TRIP = 0.15, 0.003  # how far off a time may be: a share of itself, and seconds for the call
ATTEMPTS = (1, 2, 4, 4)  # times as long each: a busy machine may spoil a measurement, longer ones less so


@dataclass(frozen=True)
class Timed:
    """A function whose calls sleep for `milliseconds`, one after the other; the last of them for all that follow."""

    milliseconds: tuple[float, ...]

    def make(self) -> "Sleeper":
        return Sleeper(self.milliseconds)

    def __str__(self) -> str:
        return "whose calls take " + ", ".join(f"{time:g}" for time in self.milliseconds) + " ms"


class Sleeper:
    """The function itself; it remembers how long each call took, and whether it was given its inputs."""

    def __init__(self, milliseconds: tuple[float, ...]):
        self._milliseconds = milliseconds
        self.seconds: list[float] = []
        self.given: list[int] = []

    def schedule(self, calls: int) -> list[float]:
        """The seconds that so many calls should take."""
        known = len(self._milliseconds)
        return [self._milliseconds[min(call, known - 1)] / 1000 for call in range(calls)]

    def again(self, times: float = 1) -> "Sleeper":
        """The same function, as if it had never been called; its calls take so many times as long."""
        return Sleeper(tuple(times * each for each in self._milliseconds))

    def __call__(self, *inputs):
        began = time.perf_counter()
        time.sleep(self.schedule(len(self.seconds) + 1)[-1])
        self.given.append(len(inputs))
        self.seconds.append(time.perf_counter() - began)
        return inputs[0] if inputs else None


def read_timing(call: Callable) -> Callable:
    """`call`, a learner's `benchmark`, answering in words: which statistic it returned, and how often it called.

    The seconds of a run are compared with the times that this run took, so that a slow machine does no harm; one that
    is not right is run again, until two say the same.
    """

    def benchmark(function: Sleeper, *inputs, repeats: int | None = None):
        named = {} if repeats is None else {"repeats": repeats}
        words = ()
        for times in ATTEMPTS:
            sleeper, before = function.again(times), words
            returned = call(sleeper, *inputs, **named)
            words = in_words(returned, sleeper, repeats or 5, len(inputs))
            if words == (MEDIAN, RIGHT_CALLS) or (words == before and NO_STATISTIC not in (words or ())):
                break
        return words

    return benchmark


def in_words(returned, sleeper: Sleeper, repeats: int, inputs: int):
    """(which statistic this number is, how the function was called), each to follow "your function"; None for None."""
    calls = len(sleeper.seconds)
    said = RIGHT_CALLS if calls == repeats + 1 else f"made {calls} calls for {repeats} repeats"
    other = next((number for number in sleeper.given if number != inputs), None)
    if other is not None:
        said = f"called `function` with {_inputs(other)}, where {_inputs(inputs)} came with it"
    if returned is None:
        return None
    if isinstance(returned, list | tuple | str | bool):
        return f"returned a {type(returned).__name__}, not a number of seconds", said
    try:
        seconds = float(returned)
    except Exception:  # whatever it is made of is the learner's
        return "returned something that is no number of seconds", said
    return statistic(seconds, sleeper.seconds), said


def _inputs(number: int) -> str:
    return f"{number or 'no'} input{'s' * (number != 1)}"


def statistic(seconds: float, times: list[float]) -> str:
    """The statistic of these times, the untimed call's first: the median if it is near, else what is nearest.

    NO_STATISTIC if none is near.
    """
    if not times or not math.isfinite(seconds):
        return NO_STATISTIC
    later = times[1:] or times
    known = {
        MEDIAN: statistics.median(later),
        "returned the mean of the timed calls": statistics.mean(later),
        "returned the median of all calls": statistics.median(times),
        "returned the mean of all calls": statistics.mean(times),
        "returned the lower median of the timed calls": statistics.median_low(later),
        "returned the upper median of the timed calls": statistics.median_high(later),
        "returned the time of the fastest call": min(times),
        "returned the time of the slowest call": max(times),
        "returned the time of the slowest timed call": max(later),
        "returned the time of all timed calls together": sum(later),
        "returned the time of all calls together": sum(times),
        "returned the time of the last call": times[-1],
    }
    name, nearest = min(known.items(), key=lambda item: abs(item[1] - seconds))
    if _near(seconds, known[MEDIAN]):
        return MEDIAN
    if _near(seconds, nearest):
        return name
    return MILLISECONDS if _near(seconds / 1000, known[MEDIAN]) else NO_STATISTIC


def _near(seconds: float, statistic: float) -> bool:
    return abs(statistic - seconds) <= NEAR * statistic + ROUND_TRIP

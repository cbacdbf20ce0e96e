"""Notices that this process stood still: the machine slept, its container was paused, or it had far too much to do.

Time limits run on meanwhile, and end what was under way as if it had been slow. So it is done once more.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

TICK = 0.5  # seconds between two looks at the clock
STILL = 5.0  # seconds later than that: nothing ran here
TIMES = 3
T = TypeVar("T")


def undisturbed(work: Callable[[], T]) -> T:
    """What `work` returns; where this process stood still meanwhile, what it returns another time."""
    for _ in range(TIMES):
        with _Watch() as watch:
            done = work()
        if watch.longest < TICK + STILL:
            break
    return done


class _Watch(threading.Thread):
    """Looks at the clock until it is left: `longest` is the longest time between two looks, in seconds."""

    def __init__(self):
        super().__init__(name="standstill", daemon=True)
        self.longest, self._last, self._left = 0.0, time.monotonic(), threading.Event()

    def run(self) -> None:
        while not self._left.wait(TICK):
            self._look()

    def _look(self) -> None:
        now = time.monotonic()
        self.longest, self._last = max(self.longest, now - self._last), now

    def __enter__(self) -> "_Watch":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self._left.set()
        self.join()
        self._look()

"""Does once more what something else has disturbed: the machine, or whoever ended a process.

While the machine sleeps, its container is paused or it has far too much to do, nothing runs here. Time limits run on
meanwhile, and end what was under way as if it had been slow.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

TICK = 0.5  # seconds between two looks at the clock
STILL = 5.0  # seconds later than that: nothing ran here
TIMES = 3
T = TypeVar("T")


def undisturbed(work: Callable[[], T], disturbed: Callable[[T], bool] = lambda done: False) -> T:
    """What `work` returns; where this process stood still meanwhile, or that was `disturbed`, what it returns then."""
    for _ in range(TIMES):
        with _Watch() as watch:
            done = work()
        if watch.longest < TICK + STILL and not disturbed(done):
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

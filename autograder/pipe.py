"""Our end of a jailed process's pipes: no read or write waits longer than a deadline, or for a process gone too far."""

import os
import select
import time

from autograder.jail import Jailed

LOOK_EVERY = 0.1  # seconds between two looks at what the jail uses
MOST_AT_ONCE = 65_536


class Stopped(Exception):
    """Why the process is of no more use, as a clause about the notebook."""


class Pipe:
    """A stream for autograder.wire. `deadline` is a time of time.monotonic, `late` what is said when it has passed."""

    def __init__(self, jailed: Jailed):
        self.jailed = jailed
        self.deadline, self.late = 0.0, ""
        os.set_blocking(jailed.requests, False)
        os.set_blocking(jailed.replies, False)

    def within(self, seconds: float, late: str) -> None:
        """From now on, everything has to be done in so many seconds."""
        self.deadline, self.late = time.monotonic() + seconds, late

    def read(self, size: int) -> bytes:
        """At least one byte and at most `size`; none when the other side has ended."""
        self._wait(self.jailed.replies, select.POLLIN)
        return os.read(self.jailed.replies, min(size, MOST_AT_ONCE))

    def write(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            self._wait(self.jailed.requests, select.POLLOUT)
            try:
                rest = rest[os.write(self.jailed.requests, rest[:MOST_AT_ONCE]) :]
            except BrokenPipeError:
                raise Stopped(ENDED) from None

    def flush(self) -> None:
        pass

    def _wait(self, fd: int, event: int) -> None:
        poll = select.poll()
        poll.register(fd, event)
        while True:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise Stopped(self.late)
            if poll.poll(1000 * min(left, LOOK_EVERY)):
                return
            breach = self.jailed.breach()
            if breach:
                raise Stopped(breach)


ENDED = "ended Python"

"""A way to a zygote: a connection over which forks of it are ordered, and the forks themselves.

The process that has started the zygote has one, and so has every other process of the same user on this machine that
was told its address (a name of Linux's abstract sockets, which no other network namespace reaches).
"""

import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from autograder.jail_filter import jail_filter
from autograder.jail_process import START_SECONDS, Jailed, Limits, resources

MOST = 65_536


class ColdStart(Exception):
    """Why there is no fork."""


class Forks:
    """Orders forks at an address. Raises OSError where nobody listens, ColdStart where none can be had."""

    def __init__(self, address: str):
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(START_SECONDS)
        self._greeted = False
        try:
            self._control.connect(address)
        except OSError:
            self._control.close()
            raise

    def greet(self) -> None:
        """Wait until it has loaded; the first fork does it otherwise."""
        if not self._greeted:
            self._hear("unfit")
            self._greeted = True

    def fork(self, limits: Limits, user: int, counted: int) -> Jailed:
        """The runner in a jail, entered as `user` (0 for a user namespace); `counted` tasks run already."""
        self.greet()
        order = {
            "resources": resources(limits, counted),
            "user": user,
            "scratch_bytes": limits.scratch_mb * 2**20,
            "filter": (jail_filter() or b"").hex(),
        }
        their_requests, requests = os.pipe()
        replies, their_replies = os.pipe()
        status, their_status = os.pipe()
        errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed by Jailed.kill)
        theirs = [their_requests, their_replies, errors.fileno(), their_status]
        ours = [os.fdopen(requests, "wb", 0), os.fdopen(replies, "rb", 0), os.fdopen(status, "rb", 0), errors]
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], theirs)
            (handle,) = self._hear("failed", files=1)
        except BaseException:
            for stream in ours:
                stream.close()
            raise
        finally:
            for number in (their_requests, their_replies, their_status):
                os.close(number)
        jailed = Jailed(ForkedProcess(handle, *ours[:3]), limits, errors, ours=1)
        if not jailed.process.entered():
            why = jailed.first_words() or "it did not enter its jail"
            jailed.kill()
            raise ColdStart(why)
        return jailed

    def ended(self) -> bool:
        return bool(_ready(self._control, 0, select.POLLHUP))

    def close(self) -> None:
        """Its forks end with it."""
        self._control.close()

    def forget(self) -> None:
        """In a process that we forked: it is our parent's."""
        self._control.close()

    def _hear(self, refusal: str, files: int = 0) -> list[int]:
        """The file descriptors of its next message; ColdStart where that is a refusal or does not come."""
        try:
            message, numbers, _, _ = socket.recv_fds(self._control, MOST, files)
        except TimeoutError:
            raise ColdStart(f"nothing was heard for {START_SECONDS} seconds.") from None
        except ConnectionError:
            message, numbers = b"", []
        why = json.loads(message).get(refusal) if message else self.last_words()
        if why or len(numbers) != files:
            raise ColdStart(why or "no process came.")
        return numbers

    def last_words(self) -> str:
        """Why it is gone, where that can be known."""
        return "it ended without a word."


class ForkedProcess:
    """A process that is no child of ours, with what the jail needs of subprocess.Popen. `handle` is its pidfd."""

    def __init__(self, handle: int, stdin, stdout, status):
        self._handle, self.stdin, self.stdout, self._status = handle, stdin, stdout, status
        self.returncode: int | None = None
        self.pid = self._pid()

    def entered(self) -> bool:
        """Wait until it is in its jail → whether it came there."""
        return _ready(self._status, START_SECONDS) and os.read(self._status.fileno(), 1) == b"+"

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Until all of it is gone → the exit code of the learner's process, −9 where it was killed from outside."""
        if self.returncode is None:
            if not _ready(self._handle, timeout):
                raise subprocess.TimeoutExpired("the runner", timeout)
            last = time.monotonic() + 1
            while self._pid() > 0 and time.monotonic() < last:  # ended, and the zygote has not seen it yet
                time.sleep(0.0005)
            code = self._status.read(1)
            self.returncode = code[0] if code else -signal.SIGKILL
            self._status.close()
            os.close(self._handle)
        return self.returncode

    def kill(self) -> None:
        """End the first process of its namespace: the kernel ends all others with it."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def _pid(self) -> int:
        """Its number here; 0 or less when it is gone."""
        lines = Path(f"/proc/self/fdinfo/{self._handle}").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))


def _ready(file, seconds: float | None, event: int = select.POLLIN) -> bool:
    poll = select.poll()
    poll.register(file, event)
    return bool(poll.poll(None if seconds is None else 1000 * seconds))

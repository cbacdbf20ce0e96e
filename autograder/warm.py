"""Submissions that begin as forks of one process, which has loaded numpy and torch: our end of the zygote.

A zygote is started when the first submission needs it, in bubblewrap with the view of a jail, and ends with the
process that started it. Where forks cannot be had, `fork` says so once in the log, and the caller begins cold.
"""

import atexit
import json
import logging
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from autograder.bubblewrap import bwrap, main_inside
from autograder.jail_filter import jail_filter
from autograder.jail_process import START_SECONDS, Jailed, Limits, resources
from autograder.jail_view import SCRATCH, environment

HERE = Path(__file__).parent
INSIDE = (HERE / "zygote.py", HERE / "fork_jail.py")
# What making namespaces takes: mounts, the loopback device, another user, no more rights, a user namespace's map.
RIGHTS = ("CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETFCAP")
MOST_FAILURES = 3  # one after the other, and then this process begins cold only
SCRATCH_MB = 64

_lock = threading.Lock()
_zygotes: dict[bool, "Zygote"] = {}
failures: list[str] = []
log = logging.getLogger(__name__)


class ColdStart(Exception):
    """Why there is no fork."""


def fork(files: Sequence[Path], limits: Limits, own_user: bool, user: int, counted: int) -> Jailed | None:
    """The runner of these files in a jail, as a fork; None where that cannot be had.

    `own_user`: the jail is entered as `user`, not in a user namespace. `counted` tasks run already.
    """
    with _lock:
        if len(failures) >= MOST_FAILURES:
            return None
        try:
            zygote = _zygotes.get(own_user)
            if zygote is None or zygote.ended():
                zygote = _zygotes[own_user] = Zygote([*INSIDE, *files], own_user)
            jailed = zygote.fork(limits, user, counted)
        except (ColdStart, OSError, ValueError) as error:
            failures.append(str(error))
            log.warning("A submission begins cold, which takes longer: %s", error)
            if own_user in _zygotes:
                _zygotes.pop(own_user).close()
            return None
        failures.clear()
        return jailed


def prepare(files: Sequence[Path], own_user: bool) -> None:
    """Load what the first fork would wait for. Failing is left to that fork, which says why."""
    with _lock, suppress(ColdStart, OSError, ValueError):
        if own_user not in _zygotes:
            _zygotes[own_user] = Zygote([*INSIDE, *files], own_user)


class Zygote:
    """The process that is forked, and the socket over which it hears what to do."""

    def __init__(self, files: Sequence[Path], own_user: bool):
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(START_SECONDS)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `close`)
        isolation = ["--cap-drop", "ALL", *(word for right in RIGHTS for word in ("--cap-add", right))]
        if not own_user:
            isolation += ["--unshare-user", "--uid", "0", "--gid", "0"]
        with theirs, bwrap(isolation, files, SCRATCH_MB) as (command, given):
            command += [sys.executable, *main_inside(files[0])]
            self._process = _ends_with_us(command, theirs, self._errors, given)
        try:
            self._hear("unfit")
        except BaseException:
            self.close()
            raise

    def fork(self, limits: Limits, user: int, counted: int) -> Jailed:
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
        return self._process.poll() is not None

    def close(self) -> None:
        """End it, and with it whatever it has forked."""
        self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        self._process.kill()
        self._errors.close()

    def forget(self) -> None:
        """In a process that we forked: it is our parent's."""
        self._control.close()

    def _hear(self, refusal: str, files: int = 0) -> list[int]:
        """The file descriptors of its next message; ColdStart where that is a refusal or does not come."""
        try:
            message, numbers, _, _ = socket.recv_fds(self._control, 65_536, files)
        except TimeoutError:
            raise ColdStart(f"nothing was heard for {START_SECONDS} seconds.") from None
        why = json.loads(message).get(refusal) if message else self._last_words()
        if why or len(numbers) != files:
            raise ColdStart(why or "no process came.")
        return numbers

    def _last_words(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        lines = os.pread(self._errors.fileno(), 10_000, 0).decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it ended without a word."


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


def _ready(file, seconds: float | None) -> bool:
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(None if seconds is None else 1000 * seconds))


def _ends_with_us(command: list[str], control: socket.socket, errors, given: Sequence[int]) -> subprocess.Popen:
    """Start it. The kernel ends it when the thread that started it ends, so that thread lives as long as we do."""
    started = queue.SimpleQueue()

    def start() -> None:
        try:
            process = subprocess.Popen(
                command,
                stdin=control.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=environment(SCRATCH),
                cwd="/",
                pass_fds=given,
                start_new_session=True,
            )
        except BaseException as error:
            started.put(error)
            return
        started.put(process)
        process.wait()

    threading.Thread(target=start, name="zygote", daemon=True).start()
    process = started.get()
    if isinstance(process, BaseException):
        raise process
    return process


@atexit.register
def _close_all() -> None:
    for zygote in _zygotes.values():
        zygote.close()
    _zygotes.clear()


def _forget_all() -> None:
    global _lock
    _lock = threading.Lock()
    for zygote in _zygotes.values():
        zygote.forget()
    _zygotes.clear()


os.register_at_fork(after_in_child=_forget_all)

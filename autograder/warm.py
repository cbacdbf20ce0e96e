"""Submissions that begin as forks of one process, which has loaded numpy and torch: the zygotes of this process.

A zygote is started when the first submission needs it, in bubblewrap with the view of a jail, and ends with the
process that started it. Other processes of a machine can use it: its address is in a variable of their environment.
Where forks cannot be had, `fork` says so once in the log, and the caller begins cold.
"""

import atexit
import json
import logging
import os
import queue
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from autograder.bubblewrap import bwrap, main_inside
from autograder.forks import ColdStart, Forks
from autograder.jail_process import Jailed, Limits
from autograder.jail_view import SCRATCH, environment

HERE = Path(__file__).parent
INSIDE = (HERE / "zygote.py", HERE / "fork_jail.py")
# What making namespaces takes: mounts, the loopback device, another user, no more rights, a user namespace's map.
RIGHTS = ("CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETFCAP")
MOST_FAILURES = 3  # one after the other, and then this process begins cold only
SCRATCH_MB = 64
OFFER = "ATTENTION_LAB_ZYGOTE"

_lock = threading.Lock()
_zygotes: dict[bool, Forks] = {}
failures: list[str] = []
log = logging.getLogger(__name__)


def fork(files: Sequence[Path], limits: Limits, own_user: bool, user: int, counted: int) -> Jailed | None:
    """The runner of these files in a jail, as a fork; None where that cannot be had.

    `own_user`: the jail is entered as `user`, not in a user namespace. `counted` tasks run already.
    """
    with _lock:
        if len(failures) >= MOST_FAILURES:
            return None
        try:
            jailed = _zygote(files, own_user).fork(limits, user, counted)
        except (ColdStart, OSError, ValueError) as error:
            failures.append(str(error))
            log.warning("A submission begins cold, which takes longer: %s", error)
            if own_user in _zygotes:
                _zygotes.pop(own_user).close()
            return None
        failures.clear()
        return jailed


def prepare(files: Sequence[Path], own_user: bool) -> None:
    """Start loading what the first fork waits for. Failing is left to that fork, which says why."""
    with _lock, suppress(ColdStart, OSError, ValueError):
        _zygote(files, own_user)


def offer() -> dict[str, str]:
    """The variable by which other processes of this user find our zygote; none where there is none."""
    with _lock:
        found = [(own, zygote.address) for own, zygote in _zygotes.items() if isinstance(zygote, Zygote)]
    return {OFFER: json.dumps(found[0])} if found else {}


def offered() -> tuple[bool, str] | None:
    """Whether the zygote that we were told of makes jails with a user of their own, and its address."""
    return tuple(json.loads(os.environ[OFFER])) if OFFER in os.environ else None


def _zygote(files: Sequence[Path], own_user: bool) -> Forks:
    found = _zygotes.get(own_user)
    if found is None or found.ended():
        found = _zygotes[own_user] = _found(own_user) or Zygote([*INSIDE, *files], own_user)
    return found


def _found(own_user: bool) -> Forks | None:
    """The zygote that we were told of, if it is still there and serves us."""
    known = offered()
    if known is None or known[0] != own_user:
        return None
    try:
        forks = Forks(known[1])
    except OSError:
        return None
    try:
        forks.greet()
    except (ColdStart, OSError):
        forks.close()
        return None
    return forks


class Zygote(Forks):
    """The process that is forked; it listens, and loads meanwhile."""

    def __init__(self, files: Sequence[Path], own_user: bool):
        self.address = f"\0attention-lab-{secrets.token_hex(16)}"
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `close`)
        isolation = ["--cap-drop", "ALL", *(word for right in RIGHTS for word in ("--cap-add", right))]
        if not own_user:
            isolation += ["--unshare-user", "--uid", "0", "--gid", "0"]
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening,
            bwrap(isolation, files, SCRATCH_MB) as (command, given),
        ):
            listening.bind(self.address)
            listening.listen()
            super().__init__(self.address)  # the first that connects: it ends with us
            command += [sys.executable, *main_inside(files[0])]
            try:
                self._process = _ends_with_us(command, listening, self._errors, given)
            except BaseException:
                super().close()
                raise

    def ended(self) -> bool:
        return self._process.poll() is not None

    def close(self) -> None:
        """End it, and with it whatever it has forked."""
        super().close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        self._process.kill()
        self._errors.close()

    def last_words(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        lines = os.pread(self._errors.fileno(), 10_000, 0).decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else super().last_words()


def _ends_with_us(command: list[str], listening: socket.socket, errors, given: Sequence[int]) -> subprocess.Popen:
    """Start it. The kernel ends it when the thread that started it ends, so that thread lives as long as we do."""
    started = queue.SimpleQueue()

    def start() -> None:
        try:
            process = subprocess.Popen(
                command,
                stdin=listening.fileno(),
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

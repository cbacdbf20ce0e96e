"""A process under limits, which it takes upon itself before a learner's code begins, and our hold on it."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from autograder.jail_processes import megabytes_of, tasks_of, tree

ADDRESSES = 2048  # megabytes that a process may map beyond its memory: libraries, thread stacks, what torch reserves
START_SECONDS = 60

# Runs first inside: takes the limits upon itself, becomes nobody, and turns into the program.
ENTER = """
import json, os, resource, sys
limits, user, command = json.loads(sys.argv[1])
os.umask(0o077)
for name, value in limits.items():
    if hasattr(resource, name):
        most = resource.getrlimit(getattr(resource, name))[1]
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        try:
            resource.setrlimit(getattr(resource, name), (value, value))
        except (ValueError, OSError):
            if sys.platform == "linux":
                raise
if user:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
os.execv(command[0], command)
"""


@dataclass(frozen=True)
class Limits:
    """What one submission may use. All calls together may take as long as the whole notebook.

    With `every_cell`, the lesson's own experiments run again as well, and their outputs stand in the feedback.
    """

    cell_seconds: float = 30
    notebook_seconds: float = 180
    call_seconds: float = 20
    memory_mb: int = 2048
    processes: int = 64  # threads count too
    output_mb: float = 4
    file_mb: int = 64
    scratch_mb: int = 256
    every_cell: bool = False
    warm: bool = True  # begins as a fork of a process that has numpy and torch loaded; False: with a Python of its own


class Jailed:
    """A process in its jail. `requests` and `replies` are our ends of its pipes; `kill` ends all that it started.

    The first `ours` processes of its tree are not the learner's: two of bubblewrap's, one of a fork, or none where
    there is no jail.
    """

    def __init__(self, process, limits: Limits, errors, ours: int, scratch: str | None = None):
        self.process, self.ours = process, ours
        self._limits, self._errors, self._scratch = limits, errors, scratch
        self.requests, self.replies = process.stdin.fileno(), process.stdout.fileno()

    def processes(self) -> list[int]:
        """All that the learner's code runs in just now."""
        return tree(self.process.pid)[self.ours :]

    def breach(self) -> str:
        """The limit that the whole jail exceeds, as a clause; "" while it keeps to them."""
        inside = self.processes()
        if tasks_of(inside) > self._limits.processes:
            return f"used more than {self._limits.processes} processes and threads"
        if megabytes_of(inside, self._limits.memory_mb) > self._limits.memory_mb:
            return f"used more than {self._limits.memory_mb:,} MB of memory"
        return ""

    def first_words(self) -> str:
        """The last line said on standard error before the program took that over."""
        lines = os.pread(self._errors.fileno(), 10_000, 0).decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def kill(self) -> None:
        """End every process, and return when they are gone."""
        if self.process.poll() is None:
            self._kill_all()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            stream.close()
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _kill_all(self) -> None:
        if self.ours != 1:
            inside = tree(self.process.pid)[1:]
            if self._scratch:
                _kill_group(self.process.pid)
            # In a jail the first of them is the namespace's own: the kernel ends all others with it.
            for pid in inside if self._scratch else inside[:1]:
                _kill(pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        self.process.kill()  # of a fork, the namespace's own


def popen(command: list[str], limits: Limits, variables: dict, scratch: str | None = None, pass_fds=()) -> Jailed:
    """Start it with these variables and file descriptors alone; `scratch` is its folder where there is no jail."""
    errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed by Jailed.kill)
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        bufsize=0,
        env=variables,
        cwd=scratch or "/",
        pass_fds=pass_fds,
        start_new_session=True,
    )
    return Jailed(process, limits, errors, ours=0 if scratch else 2, scratch=scratch)


def entering(program: list[str], limits: Limits, user: int, counted: int) -> list[str]:
    """The command that takes on limits and user, then runs Python with `program`. `counted` tasks run already."""
    settings = json.dumps([resources(limits, counted), user, [sys.executable, *program]])
    return [sys.executable, "-I", "-S", "-c", ENTER, settings]


def resources(limits: Limits, counted: int) -> dict[str, int]:
    """What the kernel is told, by the name of the limit. `counted` tasks run already."""
    return {
        "RLIMIT_AS": (limits.memory_mb + ADDRESSES) * 2**20,
        "RLIMIT_NPROC": limits.processes + counted,
        "RLIMIT_CPU": int(2 * limits.notebook_seconds) + START_SECONDS,
        "RLIMIT_FSIZE": limits.file_mb * 2**20,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CORE": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_MEMLOCK": 0,
    }


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)

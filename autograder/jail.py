"""A jail for a learner's process, made by bubblewrap. The only module that knows the operating system.

What holds inside: no network; no process but its own, and none that outlives it; of the file system only Python (read
only), the lessons' package and data (read only) and a scratch folder in memory; no variable, file descriptor or
capability of ours; no new namespaces and no tracing (autograder/jail_filter.py).

Limits: by the kernel, address space and file size of each process, processor seconds of each, processes and threads
together, open files, scratch and shared memory. By looking from outside, every time `breach` is asked: memory and
processes of the whole jail. Wall-clock time is kept by autograder/session.py.

Not covered: flaws of the kernel itself; CPU shared by two jails on one core; the bytes in pipes and sockets (some
megabytes a jail). With `unsafe` there is no jail at all, only limits: for code that you would run yourself.

As root the jail is entered as a user number that nothing else has; otherwise in a user namespace.

A jail is the fork of a process that has loaded numpy and torch (autograder/warm.py), or, where that cannot be had, a
Python of its own in bubblewrap. What holds inside is the same.
"""

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from autograder.bubblewrap import bwrap, main_inside, main_of
from autograder.jail_filter import jail_filter
from autograder.jail_process import START_SECONDS, Jailed, Limits, entering, popen
from autograder.jail_processes import tasks_of_this_user
from autograder.jail_view import SCRATCH, environment
from autograder.problem import Problem
from autograder.warm import fork, offered, prepare

BECOMING = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]  # what root needs to become another user
MISSING = """Grading runs learners' code in a jail, and the program that makes it is missing here. Install bubblewrap:
  Debian, Ubuntu:  sudo apt-get install -y bubblewrap
  Fedora:          sudo dnf install -y bubblewrap
  Arch:            sudo pacman -S --noconfirm bubblewrap"""
NOT_LINUX = """Grading runs learners' code in a jail, and only Linux has one that is strong enough.
  macOS:    grade in a Linux container or virtual machine
  Windows:  grade in WSL 2 (wsl --install), or in a Linux container"""
SWITCHES = {  # where a kernel says that user namespaces are off: file, the value that says so, the command that helps
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    "/proc/sys/kernel/unprivileged_userns_clone": ("0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
    "/proc/sys/user/max_user_namespaces": ("0", "sudo sysctl -w user.max_user_namespaces=15000"),
}
CONTAINER = """In a container, start it so that it may make namespaces:
  docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined \\
             --security-opt systempaths=unconfined"""
TOO_LONG = f"nothing happened for {START_SECONDS} seconds."

_trying = threading.Lock()
_tried: dict[bool, str | None] = {}


def start(files: Sequence[Path], limits: Limits, *, unsafe: bool = False) -> Jailed:
    """Run `main` of the first of these Python files in a jail, where they lie together in a package."""
    why = None if unsafe else why_no_jail()
    if why:
        raise Problem(why)
    if unsafe:
        return _start_without_a_jail(main_of(files[0]), limits)
    own_user = _own_user()
    if limits.warm:
        warm = fork(files, limits, own_user, _new_user(own_user), _counted(own_user))
        if warm is not None:
            return warm
    return _start_bwrap(own_user, main_inside(files[0]), files, limits)


def load_ahead(files: Sequence[Path]) -> None:
    """Have ready what the first `start` of these files would wait for."""
    if why_no_jail() is None:
        prepare(files, _own_user())


def why_no_jail() -> str | None:
    """Why no jail can be had here and what helps, or None. It is tried, once a process."""
    if sys.platform != "linux":
        return NOT_LINUX
    if shutil.which("bwrap") is None:
        return MISSING
    reason = None if _own_user() else _trial(own_user=False)
    if reason is None:
        return None
    commands = [f"  {command}" for file, (off, command) in SWITCHES.items() if _content(file) == off]
    helps = ["This allows it:", *commands] if commands else [CONTAINER]
    return "\n".join([f"bubblewrap is installed, but cannot make a jail here: {reason}", *helps])


def _own_user() -> bool:
    """Whether a jail is entered as a user of its own: root can do that, where that user may read Python."""
    return os.geteuid() == 0 and _trial(own_user=True) is None


def _trial(own_user: bool) -> str | None:
    """Why such a jail cannot be had, or None. Remembered, but for one that took too long: that is tried again."""
    with _trying:
        if own_user not in _tried:
            known = offered()
            why = None if known and known[0] == own_user else _try(own_user)
            if why == TOO_LONG:
                why = _try(own_user)
            if why == TOO_LONG:
                return why
            _tried[own_user] = why
        return _tried[own_user]


def _try(own_user: bool) -> str | None:
    """Make a jail in which Python can work → None, or the last line of what went wrong."""
    jailed = _start_bwrap(own_user, ["-c", "import numpy, attention_lab; print('made')"], [], Limits())
    try:
        jailed.process.wait(START_SECONDS)
        made = jailed.process.returncode == 0 and os.read(jailed.replies, 10) == b"made\n"
        return None if made else jailed.first_words() or "it gave no reason."
    except subprocess.TimeoutExpired:
        return TOO_LONG
    finally:
        jailed.kill()


def _content(file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except OSError:
        return ""


def _start_bwrap(own_user: bool, program: list[str], files: Sequence[Path], limits: Limits) -> Jailed:
    """Python with the arguments `program`, in bwrap."""
    user, isolation = _new_user(own_user), ["--cap-drop", "ALL"]
    isolation += BECOMING if own_user else ["--unshare-user", "--uid", "65534", "--gid", "65534"]
    with bwrap(isolation, files, limits.scratch_mb, jail_filter()) as (command, given):
        command += entering(program, limits, user, _counted(own_user))
        return popen(command, limits, environment(SCRATCH), pass_fds=given)


def _new_user(own_user: bool) -> int:
    """A user number that nothing else has; 0 where the jail is a user namespace."""
    return 1_900_000_000 + secrets.randbelow(100_000_000) if own_user else 0


def _counted(own_user: bool) -> int:
    """How many tasks the kernel counts before the first of the jail's."""
    return 0 if own_user or _counts_by_namespace() else tasks_of_this_user()


def _start_without_a_jail(program: list[str], limits: Limits) -> Jailed:
    scratch = tempfile.mkdtemp(prefix="attention-lab-")
    command = entering(program, limits, user=0, counted=tasks_of_this_user())
    return popen(command, limits, environment(scratch), scratch=scratch)


def _counts_by_namespace() -> bool:
    """Whether the kernel counts a user's processes in each user namespace anew: Linux 5.14 and later."""
    release = [int(number) for number in re.findall(r"\d+", os.uname().release)[:2]]
    return release >= [5, 14]

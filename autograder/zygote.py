"""Runs inside a jail of its own: loads what notebooks import, then forks once for every submission.

It sees what a submission sees: no secret, no network, no file of ours. Unlike a submission it may make namespaces, so
nothing of a learner's ever runs in it or is read by it. What it hears comes from autograder/forks.py alone, in
processes of the same user on this machine: numbers, and four file descriptors for each submission, which the fork
takes over. It ends with the process that connects first; the forks of another one that connects end with that one. A
fork leaves this file's loop only when it stands in its own jail (autograder/fork_jail.py), and is then the same runner
that begins cold.

What a fork inherits is the same for all of them, so it must not be shared: there is one thread, no memory that a fork
could write for another, no file descriptor that a fork keeps, and no random number has been drawn. attention_lab
joins the shell that is running when it is imported, so the shell is made before it.
"""

import gc
import json
import os
import re
import select
import signal
import socket
import struct
import sys
import traceback
from contextlib import suppress

from . import runner, runner_shell
from .fork_jail import MOST_FILES, NEW_PROCESSES, PR_SET_DUMPABLE, enter, prctl, setns, unshare

LOADED = (
    "numpy.random",
    "torch",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "PIL.features",
    "PIL.PngImagePlugin",
    "IPython.display",
    "IPython.core.application",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.crashhandler",
    "IPython.core.logger",
    "IPython.core.magics",
    "IPython.core.oinspect",
    "IPython.core.pylabtools",
    "bdb",
)
OURS = ("check", "observation", "sheet", "drivers", "predict", "sentences", "plots", "suspects", "broken", "leaks")
OURS += ("memory", "kernels", "explorer", "gpu_times", "progress_table")
MOST = 65_536
FILES = 4  # requests, replies, errors, status
MOST_SERVED = 8  # processes; one more has a zygote of its own, so that many do not wait for one


def main() -> None:
    load()
    why = unfit()
    prctl(PR_SET_DUMPABLE, 0)
    if not Service(why).run():
        os._exit(0)  # at once: there is nothing to put away
    own_chance()
    runner.main()


def load() -> None:
    """Import what notebooks import, and let it do once what it would do in every fork."""
    for name in LOADED:
        __import__(name)
    import torch
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    torch.set_num_threads(1)
    torch.ones(2, 2) @ torch.ones(2, 2)
    figure = Figure()
    figure.subplots().set_title("a font, found")
    FigureCanvasAgg(figure).draw()
    del figure
    os.chdir(os.environ["HOME"])
    runner_shell.prepared_shell()
    for name in OURS:
        __import__(f"attention_lab.{name}")
    gc.collect()
    gc.freeze()


def unfit() -> str:
    """Why forks of this process would share something; "" as it should be."""
    if (threads := len(os.listdir("/proc/self/task"))) != 1:
        return f"{threads} threads run once the libraries are loaded"
    with open("/proc/self/maps") as maps:
        shared = [line.split()[-1] for line in maps if re.match(r"\S+ .w.s", line)]
    return f"memory is shared after a fork: {shared[0]}" if shared else ""


class Service:
    """Listens at standard input, and forks as often as asked; `why` it must not, "" as it should be."""

    def __init__(self, why: str):
        self._why, self._poll, self._connected = why, select.poll(), {}  # connections by their descriptors
        self._children = {}  # process, and the descriptor of the connection that asked for it, by a pidfd
        self._own = os.open("/proc/self/ns/pid", os.O_RDONLY)
        self._listening = socket.socket(fileno=0)
        self._poll.register(self._listening, select.POLLIN)
        self._owner = self._welcome()

    def run(self) -> bool:
        """→ True in a fork, once it is in its jail; False when the first that connected is gone."""
        while True:
            for number, _ in self._poll.poll():
                if number in self._children:
                    self._bury(number)
                elif number == self._listening.fileno():
                    self._welcome()
                elif number in self._connected:
                    message, files = self._heard(number)
                    if not message and number == self._owner:
                        return False
                    if not message:
                        self._leave(number)
                    elif self._fork(message, files, number):
                        return True

    def _welcome(self) -> int:
        """Let a process in, and say what there is to say."""
        connection, _ = self._listening.accept()
        _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if user != os.geteuid():
            connection.close()
            return -1
        why = self._why or f"it serves {MOST_SERVED} already." * (len(self._connected) >= MOST_SERVED)
        with suppress(OSError):  # it is gone already, and its end is heard of next
            connection.send(json.dumps({"unfit": why}).encode())
        self._connected[connection.fileno()] = connection
        self._poll.register(connection, select.POLLIN)
        return connection.fileno()

    def _heard(self, number: int) -> tuple[bytes, list[int]]:
        """What a process asks for; nothing when it is gone."""
        try:
            message, files, _, _ = socket.recv_fds(self._connected[number], MOST, FILES)
        except OSError:
            return b"", []
        return message, files

    def _leave(self, number: int) -> None:
        """That process is gone: what it asked for ends as well."""
        self._poll.unregister(number)
        self._connected.pop(number).close()
        for handle, (_, whose) in self._children.items():
            if whose == number:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)

    def _fork(self, message: bytes, files: list[int], number: int) -> bool:
        try:
            unshare(NEW_PROCESSES)  # for the next child
            child = os.fork()
            if child == 0:
                in_its_jail(message, files, [self._listening, *self._connected.values()])
                return True
            setns(self._own, NEW_PROCESSES)
            handle = os.pidfd_open(child)
            self._children[handle] = child, number
            self._poll.register(handle, select.POLLIN)
            socket.send_fds(self._connected[number], [b"{}"], [handle])
        except OSError as error:
            with suppress(OSError):  # it is gone, and its end is heard of next
                self._connected[number].send(json.dumps({"failed": str(error)}).encode())
        for file in files:
            os.close(file)
        return False

    def _bury(self, handle: int) -> None:
        self._poll.unregister(handle)
        os.waitpid(self._children.pop(handle)[0], 0)
        os.close(handle)


def in_its_jail(message: bytes, files: list[int], sockets: list[socket.socket]) -> None:
    """Enter the jail; whoever fails to ends here, and never returns to the loop."""
    try:
        for each in sockets:
            each.detach()  # closed below; their numbers come to mean other files
        for place, file in enumerate(files):
            os.dup2(file, place)
        os.closerange(FILES, MOST_FILES)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the first process of a namespace is deaf to it then
        enter(json.loads(message), status=FILES - 1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    except BaseException:
        try:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(1)


def own_chance() -> None:
    """Random numbers that no other fork draws. The standard library's `random` sees to itself."""
    import multiprocessing

    sys.modules["numpy.random"].seed()
    sys.modules["torch"].seed()
    multiprocessing.current_process().authkey = os.urandom(32)

"""Runs inside a jail of its own: loads what notebooks import, then forks once for every submission.

It sees what a submission sees: no secret, no network, no file of ours. Unlike a submission it may make namespaces, so
nothing of a learner's ever runs in it or is read by it. What it hears comes from autograder/warm.py alone: numbers,
and four file descriptors for each submission, which the fork takes over. A fork leaves this file's loop only when it
stands in its own jail (autograder/fork_jail.py), and is then the same runner that begins cold.

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
import sys
import traceback

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
OURS = ("attention_lab.check", "attention_lab.observation", "attention_lab.sheet", "attention_lab.drivers")
MOST = 65_536
FILES = 4  # requests, replies, errors, status


def main() -> None:
    load()
    with socket.socket(fileno=0) as control:
        why = unfit()
        control.send(json.dumps({"unfit": why}).encode())
        if why:
            return
        prctl(PR_SET_DUMPABLE, 0)
        if not serve(control):
            os._exit(0)  # at once: there is nothing to put away
        control.detach()  # in a fork its number is the pipe of requests
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
        __import__(name)
    gc.collect()
    gc.freeze()


def unfit() -> str:
    """Why forks of this process would share something; "" as it should be."""
    if (threads := len(os.listdir("/proc/self/task"))) != 1:
        return f"{threads} threads run once the libraries are loaded"
    with open("/proc/self/maps") as maps:
        shared = [line.split()[-1] for line in maps if re.match(r"\S+ .w.s", line)]
    return f"memory is shared after a fork: {shared[0]}" if shared else ""


def serve(control: socket.socket) -> bool:
    """Fork as often as asked → True in a fork, once it is in its jail; False when nobody asks any more."""
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    children = {}  # process by its descriptor
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        for number, _ in poll.poll():
            if number in children:
                poll.unregister(number)
                os.waitpid(children.pop(number), 0)
                os.close(number)
                continue
            message, files, _, _ = socket.recv_fds(control, MOST, FILES)
            if not message:
                return False
            try:
                unshare(NEW_PROCESSES)  # for the next child
                child = os.fork()
                if child == 0:
                    in_its_jail(message, files)
                    return True
                setns(own, NEW_PROCESSES)
                handle = os.pidfd_open(child)
                children[handle] = child
                poll.register(handle, select.POLLIN)
                socket.send_fds(control, [b"{}"], [handle])
            except OSError as error:
                control.send(json.dumps({"failed": str(error)}).encode())
            for file in files:
                os.close(file)


def in_its_jail(message: bytes, files: list[int]) -> None:
    """Enter the jail; whoever fails to ends here, and never returns to the loop."""
    try:
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

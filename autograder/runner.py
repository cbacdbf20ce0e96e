"""Runs inside the jail: executes a notebook's cells as IPython does, then answers calls with plain arrays.

Nothing here is trusted or secret. A learner's code shares this process and may change all of it; whatever leaves it
counts as the learner's own answer, and the limits that matter are kept from outside. The limits kept here are for
honest mistakes: an endless loop is interrupted, and what comes after it still runs.

Standard input is taken over as the pipe of requests and standard output as the pipe of replies, both under other
numbers; what a cell prints goes to files. Of our own, only wire.py and runner_shell.py lie beside this file.
"""

import fcntl
import os
import random
import signal
import sys
import threading
import time
from contextlib import contextmanager

from .runner_shell import Recorder, make_shell
from .wire import WireError, pack, receive, send, unpack

MOST_REQUEST = 64 * 2**20
MOST_ANSWER = 32 * 2**20


class TimeLimit(BaseException):
    """Not an Exception, so that a learner's `except Exception` lets it through."""


def main() -> None:
    requests, replies = _private(0, "rb"), _private(1, "wb")
    order, _ = receive(requests, MOST_REQUEST)
    signal.signal(signal.SIGALRM, _interrupt)
    recorder = Recorder(int(order["output_mb"] * 2**20))
    shell = make_shell(recorder)
    sys.path[0] = ""  # as in a notebook: the folder of the cells, not of this file
    send(replies, {"kind": "ready"})
    not_run = run_cells(shell, recorder, order, replies)
    send(replies, {"kind": "done", "not_run": not_run})
    while True:
        try:
            request, arrays = receive(requests, MOST_REQUEST)
        except WireError:
            os._exit(0)  # nobody asks any more; nothing of the learner's is run on the way out
        given = Given(requests, replies)
        header, arrays = answer(shell, request, arrays, given)
        given.close()
        send(replies, header, arrays)
        recorder.drop()


def run_cells(shell, recorder, order: dict, replies) -> int:
    """Execute the cells in order → how many there was no time for. Errors do not stop the cells that follow."""
    me = os.getpid()
    deadline = time.monotonic() + order["notebook_seconds"]
    for place, (cell, source) in enumerate(order["cells"]):
        left = min(order["cell_seconds"], deadline - time.monotonic())
        if left <= 0:
            return len(order["cells"]) - place
        send(replies, {"kind": "cell", "cell": cell})
        try:
            with at_most(left):
                shell.run_cell(source, store_history=True)
        except BaseException as error:  # of IPython's own machinery, when a learner's code has reached into it
            recorder.error(type(error).__name__, "", [])
        if os.getpid() != me:  # a process that the cell forked and that came back here
            os._exit(0)
        send(replies, {"kind": "outputs", "cell": cell, "outputs": recorder.take()})
    return 0


def answer(shell, request: dict, arrays: list, given: "Given") -> tuple[dict, list]:
    """The reply to one request: its kind says what is asked."""
    if request["name"] not in shell.user_ns:
        return _failed("Missing", f"`{request['name']}` is not defined when the notebook has run to its end")
    value = shell.user_ns[request["name"]]
    if request["kind"] == "value":
        return _answered(value)
    if request["kind"] == "function":
        positional = [unpack(form, arrays, function=given.function) for form in request["positional"]]
        named = {name: unpack(form, arrays, function=given.function) for name, form in request["named"].items()}
        if request["driver"]:
            from attention_lab.drivers import drive

            value = drive(value, request["driver"])
        return _call(value, positional, named, request["seconds"])
    return _failed("Unknown", f"no kind of request is called {request['kind']}")


class Given:
    """Functions that a call is given. They live outside: calling one sends its arguments there and waits."""

    def __init__(self, requests, replies):
        self._requests, self._replies, self._lock, self._open = requests, replies, threading.Lock(), True

    def function(self, number: int):
        def given(*positional, **named):
            arrays = []
            packed = {name: pack(value, arrays) for name, value in named.items()}
            header = {"kind": "callback", "function": number, "named": packed}
            header["positional"] = [pack(value, arrays) for value in positional]
            reply, arrays = self._exchange(header, arrays)
            if "error" in reply:
                raise ValueError(reply["error"])
            return unpack(reply["value"], arrays)

        return given

    def close(self) -> None:
        with self._lock:
            self._open = False

    def _exchange(self, header: dict, arrays: list):
        with self._lock:
            if not self._open:
                raise RuntimeError("the call that this function was given to is over")
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # half a frame read would spoil all that follow
            try:
                send(self._replies, header, arrays)
                return receive(self._requests, MOST_REQUEST)
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})


def _call(function, positional: list, named: dict, seconds: float) -> tuple[dict, list]:
    """Call it as in a learner's notebook; what it raises is put into words by the same code as there."""
    from attention_lab.observation import observe
    from attention_lab.sheet import Case

    arguments = {**{str(place): value for place, value in enumerate(positional)}, **named}
    case = Case("", "", arguments, keywords=tuple(named), shown=False, answers=())
    try:
        with at_most(seconds):
            seen = observe(function, case)
    except TimeLimit:
        return _failed("TimeLimit", f"it took more than {seconds:g} seconds")
    except BaseException as error:
        return _failed(type(error).__name__, "")
    if seen.failure is not None:
        header, answers = {"failure": vars(seen.failure)}, []
    else:
        header, answers = _answered(seen.returned)
    return {**header, "changed": list(seen.changed)}, answers


def _answered(value) -> tuple[dict, list]:
    arrays = []
    form = pack(value, arrays)
    size = sum(array.nbytes for array in arrays)
    if size > MOST_ANSWER:
        return _failed("MemoryError", f"the answer has {size:,} bytes; at most {MOST_ANSWER:,} are taken")
    return {"value": form}, arrays


def _failed(kind: str, text: str) -> tuple[dict, list]:
    return {"failure": {"kind": kind, "text": text, "where": "", "waits_for": ""}}, []


def _private(fd: int, mode: str):
    """The pipe at `fd` under a number of its own, which programs that are started do not inherit."""
    lowest = random.SystemRandom().randrange(100, 200)
    return os.fdopen(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest), mode)


def _interrupt(signum, frame):
    raise TimeLimit("this took too long")


@contextmanager
def at_most(seconds: float):
    """Interrupts what takes longer, and again every second, should the first time have been swallowed."""
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)

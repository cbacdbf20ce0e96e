"""A learner's notebook, executed in a jail and then asked: the only way in which a grade meets a learner's code.

    with open_session([("cell-1", "def softmax(scores): ...")]) as session:
        session.outputs["cell-1"]  # what the cell showed, as it says itself
        softmax = session.function("softmax")
        softmax(np.zeros((2, 3)))  # an array, or Reported: what was raised over there

Everything that comes back is the learner's own answer, and proves nothing but itself. Whatever the other side does,
a call ends within its limit in a value or in `Reported`; after the process was stopped, at once.
"""

import builtins
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from attention_lab.observation import Failure, Reported
from attention_lab.tensors import bytes_of, is_tensor

from autograder.jail import Limits, load_ahead, start
from autograder.jail_process import START_SECONDS
from autograder.pipe import ENDED, Pipe, Stopped
from autograder.wire import Ended, WireError, pack, receive, send, unpack

INSIDE = tuple(Path(__file__).parent / name for name in ("runner.py", "runner_shell.py", "wire.py"))
GRACE = 4.0  # seconds after a limit in which the runner may still say so itself
MOST_ANSWER = 40 * 2**20
MOST_CALLBACKS = 10_000  # in one call
KILLED, KILLED_INSIDE = -9, 128 + 9  # exit codes: all of the jail was killed from outside, or its Python by anybody
MISSING, STOPPED = "Missing", "Stopped"  # kinds of failure that no exception of Python's has


def open_session(cells: list[tuple[str, str]], limits: Limits | None = None, unsafe: bool = False) -> "Session":
    """Execute the cells, pairs of an id and a source, in order → a session in which their functions can be called."""
    limits = limits or Limits()
    return Session(start(INSIDE, limits, unsafe=unsafe), cells, limits)


def prepare_sessions() -> None:
    """Have ready, or begin to load, what the first session with warm limits waits for."""
    load_ahead(INSIDE)


class Session:
    """What became of the cells, and their functions. Leaving it ends the process and all that it has started.

    outputs: for every cell that came to its end, its outputs as in a notebook file (untrusted);
    ended: why the notebook was stopped early, as a sentence, or "";
    exit_code: that of a process that ended without being asked to, else None.
    """

    def __init__(self, jailed, cells: list[tuple[str, str]], limits: Limits):
        self._jailed, self._limits, self._pipe = jailed, limits, Pipe(jailed)
        self.outputs: dict[str, list[dict]] = {}
        self.ended = ""
        self.exit_code: int | None = None
        self._stopped = ""  # why no call can be made any more
        self._too_slow: set[str] = set()
        self._seconds = limits.notebook_seconds  # left for calls
        try:
            self._run(cells)
        except (Stopped, WireError) as why:
            self._stop(why)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self._stopped = self._stopped or "This notebook is closed."
        self._jailed.kill()

    def function(self, name: str) -> "Remote":
        """The function of that name over there. Arguments it changes are changed here too (not to the same numbers)."""
        return Remote(self, name)

    def call(self, name: str, driver: str, positional: tuple, named: dict):
        """What the function of that name answers; functions among the arguments stay here, and are asked from there."""
        arrays, functions = [], []
        request = {
            "kind": "function",
            "name": name,
            "driver": driver,
            "seconds": self._limits.call_seconds,
            "positional": [pack(value, arrays, functions=functions) for value in positional],
            "named": {key: pack(value, arrays, functions=functions) for key, value in named.items()},
        }
        given = {**{str(place): value for place, value in enumerate(positional)}, **named}
        header, arrays = self._ask(request, arrays, functions)
        _show_changes(header.get("changed"), given)
        return _value(header, arrays)

    def value(self, name: str):
        """What that name stands for when the notebook has run."""
        return _value(*self._ask({"kind": "value", "name": name}, []))

    def _run(self, cells: list[tuple[str, str]]) -> None:
        limits, pipe = self._limits, self._pipe
        pipe.within(START_SECONDS, "did not start")
        order = {"cells": cells, "cell_seconds": limits.cell_seconds, "notebook_seconds": limits.notebook_seconds}
        send(pipe, {**order, "output_mb": limits.output_mb})
        left = int(6 * limits.output_mb * 2**20) + 1000 * (len(cells) + 10)  # JSON may take six bytes for one
        last = time.monotonic() + START_SECONDS + limits.notebook_seconds
        known = {cell for cell, _ in cells}
        while True:
            header, _ = receive(pipe, left)
            left -= len(str(header))
            kind, cell = header.get("kind"), header.get("cell")
            if kind == "ready":
                last = time.monotonic() + limits.notebook_seconds
                pipe.within(START_SECONDS, "did not start its first cell")
            elif kind == "cell":
                seconds = min(limits.cell_seconds, last - time.monotonic()) + GRACE
                pipe.within(seconds, f"went on when one cell had taken {limits.cell_seconds:g} seconds")
            elif kind == "outputs" and cell in known and isinstance(header.get("outputs"), list):
                self.outputs[cell] = [output for output in header["outputs"] if isinstance(output, dict)]
                pipe.within(min(GRACE, last + GRACE - time.monotonic()), "did not go on to its next cell")
            elif kind == "done":
                rest = header.get("not_run")  # a number: a sentence would be the learner's, in our name
                if isinstance(rest, int) and 0 < rest <= len(cells):
                    took = f"took more than {limits.notebook_seconds:g} seconds"
                    self.ended = f"This notebook {took}: {rest} of its cells did not run."
                return
            else:
                raise WireError("a message that nobody expects")

    def _ask(self, request: dict, arrays: list, functions: Sequence[Callable] = ()) -> tuple[dict, list[np.ndarray]]:
        """Send a request and wait for its reply. Raises Reported when there is none, and for all that follow then."""
        name = request["name"]
        if self._stopped:
            raise _reported(STOPPED, self._stopped)
        if name in self._too_slow:
            raise _reported("TimeLimit", f"it took more than {self._limits.call_seconds:g} seconds")
        if self._seconds <= 0:
            raise _reported(STOPPED, f"All calls together took more than {self._limits.notebook_seconds:g} seconds.")
        began = time.monotonic()
        late = f"went on when `{name}` had taken {self._limits.call_seconds:g} seconds"
        self._pipe.within(self._limits.call_seconds + GRACE, late)
        try:
            send(self._pipe, request, arrays)
            header, arrays = receive(self._pipe, MOST_ANSWER)
            for _ in range(MOST_CALLBACKS):
                if header.get("kind") != "callback" or not functions:
                    break
                send(self._pipe, *_called_back(header, arrays, functions))
                header, arrays = receive(self._pipe, MOST_ANSWER)
            else:
                raise Stopped(f"called the function it was given more than {MOST_CALLBACKS:,} times")
        except (Stopped, WireError) as why:
            self._stop(why)
            raise _reported(STOPPED, self._stopped) from why
        finally:
            self._seconds -= time.monotonic() - began
        if time.monotonic() - began > self._limits.call_seconds:
            self._too_slow.add(name)
        return header, arrays

    def _stop(self, why: Exception) -> None:
        """End the process; say why in a sentence."""
        self._stopped = f"This notebook {why if isinstance(why, Stopped) else self._broken(why)}, and was stopped."
        self.ended = self.ended or self._stopped
        self._jailed.kill()

    def _broken(self, why: WireError) -> str:
        """What a broken frame means: the process has ended, or its answers make no sense."""
        if not isinstance(why, Ended):
            return f"answered with something that is no answer ({why})"
        try:
            code = self.exit_code = self._jailed.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            return "closed the way to its answers"
        words = "" if self.outputs else self._jailed.first_words()
        return f"{ENDED} itself (exit code {code})" + (f": {words}" if words else "")


@dataclass(frozen=True)
class Remote:
    """A function in a session's process, to be called like one of ours; `driven` says how (attention_lab.drivers)."""

    session: Session
    name: str
    driver: str = ""

    def __call__(self, *positional, **named):
        return self.session.call(self.name, self.driver, positional, named)

    def driven(self, driver: str) -> "Remote":
        return replace(self, driver=driver)


def _called_back(header: dict, arrays: list, functions: Sequence[Callable]) -> tuple[dict, list]:
    """Call one of our functions with what the learner's code asks it: the header and the arrays of the reply."""
    try:
        positional = [unpack(form, arrays) for form in header["positional"]]
        named = {str(name): unpack(form, arrays) for name, form in header["named"].items()}
        answers = []
        return {"value": pack(functions[header["function"]](*positional, **named), answers)}, answers
    except Exception as error:  # whatever it was called with is the learner's mistake
        return {"error": f"{type(error).__name__}: {str(error)[:200]}"}, []


def _show_changes(changed, given: dict) -> None:
    """Make inputs that were changed over there visible in the arrays here."""
    for name in changed if isinstance(changed, list) else ():
        array = given.get(name) if isinstance(name, str) else None
        if is_tensor(array):
            array = bytes_of(array)
        if isinstance(array, np.ndarray) and array.size and array.flags.c_contiguous:
            array.reshape(-1).view(np.uint8)[0] ^= 1


def _value(header: dict, arrays: list[np.ndarray]):
    """What a reply holds: a value is returned, a failure raised."""
    failure = header.get("failure")
    if failure is None:
        try:
            return unpack(header.get("value"), arrays)
        except WireError as error:
            raise _reported("Unreadable", "the answer is none") from error
    fields = failure if isinstance(failure, dict) else {}
    words = {name: str(fields.get(name, ""))[:500] for name in ("kind", "text", "where", "waits_for")}
    if words["kind"] == STOPPED:  # only we say that
        words["kind"] = "Exception"
    bases = fields.get("bases")
    known = [base for base in bases if isinstance(base, str) and hasattr(builtins, base)] if type(bases) is list else []
    raise Reported(Failure(**words, bases=tuple(known[:5])))


def _reported(kind: str, text: str) -> Reported:
    return Reported(Failure(kind, text))

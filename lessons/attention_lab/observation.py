"""Call a learner's function once, and put what happened into plain terms."""

import contextlib
import io
import linecache
import re
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from attention_lab.comparison import as_values, dtypes_of, raised, raised_over, relation
from attention_lab.given import fresh, was_changed
from attention_lab.sheet import Case
from attention_lab.tensors import is_tensor

LIBRARY_FOLDERS = tuple(str(Path(folder).resolve()) for folder in {sys.prefix, sys.base_prefix, Path(__file__).parent})
INNER_SIZES = re.compile(r"(\w+): Input operand 1 has a mismatch .*\(size (\d+) is different from (\d+)\)")


@dataclass(frozen=True)
class Failure:
    """An exception in the learner's code. `where` is the learner's own line, `waits_for` a stub that was met.

    `bases` are the built-in exceptions that one of a learner's own is derived from.
    """

    kind: str
    text: str
    where: str = ""
    waits_for: str = ""
    bases: tuple[str, ...] = ()

    def is_a(self, kind: str) -> bool:
        return kind == self.kind or kind in self.bases


class Reported(Exception):
    """A failure that happened in another process, where it was already put into these terms."""

    def __init__(self, failure: Failure):
        super().__init__(f"{failure.kind}: {failure.text}")
        self.failure = failure


@dataclass(frozen=True)
class Observation:
    """What one call did: a failure, or what it returned, and the names of inputs it changed.

    Where the function was called again, `related` says how the second number is related to the first.
    """

    returned: object = None
    failure: Failure | None = None
    changed: tuple[str, ...] = ()
    related: str | None = None

    def values(self, count: int, with_dtypes: bool = False) -> tuple | None:
        """The outputs as an answer on a sheet has them; None where they are not `count` arrays or texts."""
        values = as_values(self.returned, count)
        if values is None:
            return None
        dtypes = dtypes_of(self.returned, count) if with_dtypes else ()
        return (*values, *dtypes, *(() if self.related is None else (self.related,)))

    def raised(self) -> tuple[tuple[str], ...]:
        """The answers that this failure counts as."""
        failure = self.failure
        over = raised_over(failure.kind, failure.text) if failure.kind != "NameError" else []
        return tuple((output,) for output in (raised(failure.kind, failure.text), *map(raised, failure.bases), *over))


def observe(call: Callable, case: Case) -> Observation:
    """Call `call` as the case has it, and a second time where that is part of the case."""
    first = _observe_once(call, case, case.arguments)
    if case.again is None or first.failure is not None:
        return first
    second = _observe_once(call, case, case.arguments | case.again)
    return second if second.failure else replace(first, related=relation(first.returned, second.returned))


def _observe_once(call: Callable, case: Case, arguments: dict) -> Observation:
    """Call `call` with fresh copies of the arguments; prints and warnings of the learner's are dropped."""
    inputs = fresh(arguments)
    positional = [value for name, value in inputs.items() if name not in case.keywords]
    named = {name: value for name, value in inputs.items() if name in case.keywords}
    silence = io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(silence),
            contextlib.redirect_stderr(silence),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("ignore")
            returned = call(*positional, **named)
    except (Exception, SystemExit) as error:
        return Observation(failure=_failure(error), changed=_changed(inputs, case))
    return Observation(returned=_detach(returned), changed=_changed(inputs, case))


def _changed(inputs: dict, case: Case) -> tuple[str, ...]:
    return tuple(
        name for name, value in inputs.items() if name in case.arguments and was_changed(case.arguments[name], value)
    )


def _detach(returned):
    """A copy of what came back, so that a later call cannot alter it."""
    if isinstance(returned, np.ndarray):
        return np.array(returned, subok=False)
    if is_tensor(returned):
        return returned.detach().clone()
    for kind in (tuple, list):
        if issubclass(type(returned), kind):  # a named tuple too: what is judged is plain, and runs no code of its own
            return kind(_detach(item) for item in kind.__iter__(returned))
    return returned


def _failure(error: BaseException) -> Failure:
    if isinstance(error, Reported):
        return error.failure
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not _is_library(frame.filename)]
    last = own[-1] if own else None
    where = ""
    if last is not None:
        place = "cell" if last.filename.startswith("<") or "ipykernel" in last.filename else "file"
        where = f"line {last.lineno} of your {place}, in `{last.name}`{_quoted(last)}"
        caller = own[0]  # in a notebook, a function of another cell may be the one that stops
        if caller.filename != last.filename:
            where += f", which `{caller.name}` calls at line {caller.lineno} of its {place}{_quoted(caller)}"
    waits_for = _name_of_stub(error) if isinstance(error, NotImplementedError) and last is not None else ""
    text = INNER_SIZES.sub(r"\1: the inner sizes \3 and \2 differ", _text(error))
    bases = tuple(kind.__name__ for kind in type(error).__mro__[1:] if kind.__module__ == "builtins")[:-3]
    return Failure(type(error).__name__, text, where, waits_for, bases)


def _quoted(frame: traceback.FrameSummary) -> str:
    """A line of the learner's, to follow what is said of it."""
    line = (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()
    return f": `{line}`" if line else ""


def _name_of_stub(error: NotImplementedError) -> str:
    """The learner's function that raised it; of a method, the class."""
    codes = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
    code = [code for code in codes if not _is_library(code.co_filename)][-1]
    own = code.co_qualname.split("<locals>.")[-1]
    return own.split(".")[0] if "." in own else code.co_name


def _text(error: BaseException) -> str:
    """What the exception says, on one line and cut short; nothing where even that raises."""
    try:
        return " ".join(str(error)[:1000].split())[:300]
    except Exception:
        return ""


def _is_library(filename: str) -> bool:
    return (
        filename.startswith(LIBRARY_FOLDERS)
        or filename.startswith("<frozen")
        or filename == "<__array_function__ internals>"
    )

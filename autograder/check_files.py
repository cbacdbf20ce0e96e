"""`./course check`: judge the function of one name in each of several files, as an author tries an exercise.

Each file runs in a process of its own with a limit on time: one that hangs, stops Python or does not parse ends in
a verdict of 0 points and does not disturb the others. This is no jail: a file can still read and write what you can.
Run only what you would run yourself, until grading's jail takes this over.
"""

import json
import multiprocessing
import os
import signal
import sys
import time
import types
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import typer
from attention_lab.feedback import verdict_text
from attention_lab.judge import judge
from attention_lab.sheet import Sheet
from attention_lab.verdict import Part, Verdict

from autograder.exercises import EXERCISES, compile_sheet
from autograder.problem import Problem

SEED = 741_852_963  # other cases than those that learners have; always the same, so that a verdict can be repeated
SECONDS = 60.0  # for one file: running it, and every call of its function
AT_ONCE = 2
MOST_BYTES = 1_000_000  # of one verdict


def check_files(exercise: str, files: Iterable[Path], as_json: bool) -> None:
    """Print the verdict on the function named `exercise` in each file, in the order given."""
    if exercise not in EXERCISES:
        raise Problem(f'There is no exercise "{exercise}". The exercises are {", ".join(EXERCISES)}.')
    files = list(files)
    sheet = compile_sheet(EXERCISES[exercise], seed=SEED)
    for file, verdict in zip(files, verdicts(sheet, files), strict=True):
        typer.echo(_json(file, verdict) if as_json else f"{file}\n{verdict_text(verdict)}\n")


def verdicts(sheet: Sheet, files: Iterable[Path], seconds: float = SECONDS) -> Iterator[Verdict]:
    """One verdict a file, in order; a few files run at once."""
    files = list(files)
    if any(b"torch" in _bytes(file) for file in files):
        import torch  # noqa: F401  (once here instead of a second in every process)
    under_way = deque()
    for file in files:
        if len(under_way) == AT_ONCE:
            yield _finish(under_way.popleft())
        under_way.append(_start(sheet, file, seconds))
    while under_way:
        yield _finish(under_way.popleft())


@dataclass(frozen=True)
class _Run:
    sheet: Sheet
    file: Path
    seconds: float
    deadline: float
    process: multiprocessing.Process
    answer: Connection


def _start(sheet: Sheet, file: Path, seconds: float) -> _Run:
    fork = multiprocessing.get_context("fork")
    receive, send = fork.Pipe(duplex=False)
    process = fork.Process(target=_judge_in_child, args=(sheet, file, send), daemon=True)
    process.start()
    send.close()
    return _Run(sheet, file, seconds, time.monotonic() + seconds, process, receive)


def _finish(run: _Run) -> Verdict:
    """Wait for the verdict, until the deadline, and end whatever the file has started."""
    try:
        if not run.answer.poll(max(0.0, run.deadline - time.monotonic())):
            return _nothing(run.sheet, f"`{run.file.name}` was stopped: it took more than {run.seconds:g} seconds.")
        fields = json.loads(run.answer.recv_bytes(MOST_BYTES))
        fields["parts"] = tuple(Part(**part) for part in fields["parts"])
        return Verdict(**{**fields, "misconceptions": tuple(fields["misconceptions"])})
    except (EOFError, OSError, ValueError):
        return _nothing(run.sheet, f"`{run.file.name}` ended Python before it could be judged.")
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(run.process.pid, signal.SIGKILL)
        run.process.kill()
        run.process.join()
        run.answer.close()


def _judge_in_child(sheet: Sheet, file: Path, send: Connection) -> None:
    os.setsid()  # so that what the file starts can be ended with it
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  (for as long as the process lives)
    try:
        verdict = _judge_file(sheet, file)
    except BaseException as error:  # KeyboardInterrupt and its like, which a learner's code may raise
        verdict = _nothing(sheet, f"`{file.name}` stopped with `{type(error).__name__}`.")
    send.send_bytes(json.dumps(asdict(verdict)).encode())
    os._exit(0)


def _judge_file(sheet: Sheet, file: Path) -> Verdict:
    """Run the file as a module of its own, and judge its function."""
    name = sheet.exercise
    try:
        code = compile(file.read_bytes(), str(file), "exec")
    except OSError as error:
        return _nothing(sheet, f"`{file.name}` cannot be read: {(error.strerror or 'no such file').lower()}.")
    except (SyntaxError, ValueError) as error:
        line = f", at line {error.lineno}" if getattr(error, "lineno", None) else ""
        return _nothing(sheet, f"`{file.name}` is not Python{line}: {getattr(error, 'msg', error)}.")
    module = types.ModuleType("submission")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())[:300].removesuffix(":")
        return _nothing(sheet, f"`{file.name}` stopped before `{name}` could be called: `{text}`{_where(error, file)}.")
    if name not in module.__dict__:
        return _nothing(sheet, f"`{file.name}` defines no function `{name}`.")
    function = module.__dict__[name]
    if not callable(function):
        return _nothing(sheet, f"`{name}` in `{file.name}` is not a function but `{type(function).__name__}`.")
    return judge(sheet, function)


def _where(error: BaseException, file: Path) -> str:
    """The line of the file itself at which it stopped."""
    line, frames = None, error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code.co_filename == str(file):
            line = frames.tb_lineno
        frames = frames.tb_next
    return f", at line {line}" if line else ""


def _nothing(sheet: Sheet, why: str) -> Verdict:
    return Verdict(sheet.exercise, sheet.parts, why)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _json(file: Path, verdict: Verdict) -> str:
    return json.dumps(
        {
            "file": str(file),
            "exercise": verdict.exercise,
            "points": verdict.points,
            "max_points": verdict.max_points,
            "passed": verdict.passed,
            "misconceptions": list(verdict.misconceptions),
            "message": verdict.message,
        }
    )

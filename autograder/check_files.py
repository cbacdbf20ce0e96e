"""`./course check`: judge the function of one name in each of several files, as an author tries an exercise.

Each file runs in a jail of its own (autograder/session.py), as one cell; the judge stays outside. One that hangs, stops
Python or does not parse ends in a verdict of 0 points that says why, and does not disturb the others.
"""

import json
import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import typer
from attention_lab.feedback import verdict_text
from attention_lab.judge import judge
from attention_lab.observation import Reported
from attention_lab.sheet import Sheet
from attention_lab.verdict import Verdict

from autograder.exercises import EXERCISES, compile_sheet
from autograder.jail import Limits, why_no_jail
from autograder.problem import Problem
from autograder.session import MISSING, Session, open_session
from autograder.undisturbed import undisturbed

SEED = 741_852_963  # other cases than those that learners have; always the same, so that a verdict can be repeated
LIMITS = Limits(cell_seconds=30, notebook_seconds=60)
AT_ONCE = 2
FEW = 6  # files for which loading PyTorch once, to begin warm, would take longer than it saves
MOST_BYTES = 1_000_000  # of one file


def check_files(exercise: str, files: Iterable[Path], as_json: bool, unsafe: bool = False) -> None:
    """Print the verdict on the function named `exercise` in each file, in the order given."""
    if exercise not in EXERCISES:
        raise Problem(f'There is no exercise "{exercise}". The exercises are {", ".join(EXERCISES)}.')
    if not unsafe and (why := why_no_jail()):
        raise Problem(why)
    files = list(files)
    sheet = compile_sheet(EXERCISES[exercise], seed=SEED)
    limits = replace(LIMITS, warm=len(files) > FEW)
    for file, verdict in zip(files, verdicts(sheet, files, limits, unsafe), strict=True):
        typer.echo(_json(file, verdict) if as_json else f"{file}\n{verdict_text(verdict)}\n")


def verdicts(sheet: Sheet, files: list[Path], limits: Limits = LIMITS, unsafe: bool = False) -> Iterator[Verdict]:
    """One verdict a file, in order; a few files run at once, each judged in a process of its own."""
    with ProcessPoolExecutor(AT_ONCE, multiprocessing.get_context("fork")) as pool:
        yield from pool.map(partial(_undisturbed_verdict, sheet, limits, unsafe), files)


def _undisturbed_verdict(sheet: Sheet, limits: Limits, unsafe: bool, file: Path) -> Verdict:
    return undisturbed(lambda: _verdict(sheet, limits, unsafe, file))


def _verdict(sheet: Sheet, limits: Limits, unsafe: bool, file: Path) -> Verdict:
    try:
        if file.stat().st_size > MOST_BYTES:
            return _nothing(sheet, f"`{file.name}` has more than {MOST_BYTES:,} bytes.")
        source = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return _nothing(sheet, f"`{file.name}` is not a text in UTF-8.")
    except OSError as error:
        return _nothing(sheet, f"`{file.name}` cannot be read: {(error.strerror or 'no such file').lower()}.")
    with open_session([("file", source)], limits, unsafe) as session:
        return _missing(sheet, file, session) or judge(sheet, session.function(sheet.exercise))


def _missing(sheet: Sheet, file: Path, session: Session) -> Verdict | None:
    """Why there is no function to be judged; None where there is one."""
    try:
        session.value(sheet.exercise)
        return None
    except Reported as reported:
        if reported.failure.kind != MISSING:
            return None if not session.ended else _nothing(sheet, f"`{file.name}`: {session.ended}")
    errors = (output for output in session.outputs.get("file", []) if output.get("output_type") == "error")
    error = next(errors, None)
    if error is None:
        return _nothing(sheet, f"`{file.name}` defines no function `{sheet.exercise}`.")
    text = " ".join(f"{error.get('ename')}: {error.get('evalue')}".split())[:300]
    return _nothing(sheet, f"`{file.name}` stopped before it defined `{sheet.exercise}`: `{text}`.")


def _nothing(sheet: Sheet, why: str) -> Verdict:
    return Verdict(sheet.exercise, sheet.parts, why)


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

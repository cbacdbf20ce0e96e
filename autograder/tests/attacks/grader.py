"""Grading processes of the tests, two at once: each takes one submission at a time, and may be killed by it.

Not the way a class is graded; what is tried here is `grade_notebook` with its real jail.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import nbformat
from attention_lab.sheet import Sheet
from attention_lab.verdict import Verdict
from nbformat.notebooknode import NotebookNode

from autograder.tests.attacks.attack import answered, as_bytes
from autograder.tests.attacks.world import World

AT_ONCE = 2
PATIENCE = 90.0  # seconds after which the grading process itself counts as hung


@dataclass(frozen=True)
class Job:
    """A submission to grade: an attack by its id, or an honest neighbour by its answers."""

    name: str
    mark: str = ""
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What grading one submission gave. `died` says why there is nothing else."""

    seconds: float = 0.0
    submitted: str = ""
    verdicts: dict[str, Verdict] | None = None
    notebook: str = ""
    page: str = ""
    remarks: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    died: str = ""


@dataclass(frozen=True)
class Task:
    """What every grading process needs: the notebook handed out, the sheets, the limits, the world."""

    pristine: NotebookNode
    sheets: dict[str, Sheet]
    limits: object
    root: Path
    told: World
    unsafe: bool = False


def graded(task: Task, jobs: list[Job]) -> Iterator[tuple[Job, Outcome]]:
    """Every job with its outcome, as they end; jobs start in order, so that neighbours in the list run side by side."""
    waiting, busy = list(reversed(jobs)), {}
    idle = [_Process(task) for _ in range(AT_ONCE)]
    try:
        while waiting or busy:
            while waiting and idle:
                process, job = idle.pop(), waiting.pop()
                process.start(job)
                busy[process.line] = process, job
            ready = wait(list(busy), timeout=1.0)
            late = [line for line, (process, _) in busy.items() if process.is_late() and line not in ready]
            for line in [*ready, *late]:
                process, job = busy.pop(line)
                outcome = process.outcome() if line in ready else Outcome(died="grading hung")
                if outcome.died:
                    process.end()
                    process = _Process(task)
                idle.append(process)
                yield job, outcome
    finally:
        for process in [*idle, *(process for process, _ in busy.values())]:
            process.end()


class _Process:
    """One grading process and the line to it."""

    def __init__(self, task: Task):
        spawn = multiprocessing.get_context("spawn")
        self.line, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_grade_all, args=(task, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._deadline = 0.0

    def start(self, job: Job) -> None:
        self._deadline = time.monotonic() + PATIENCE
        self.line.send(job)

    def is_late(self) -> bool:
        return time.monotonic() > self._deadline

    def outcome(self) -> Outcome:
        try:
            return self.line.recv()
        except (EOFError, OSError):
            return Outcome(died="the grading process was ended")

    def end(self) -> None:
        self.line.close()
        self._process.kill()
        self._process.join()


def _grade_all(task: Task, line: Connection) -> None:
    os.environ["HOME"] = str(task.told.home)
    while True:
        try:
            job = line.recv()
        except EOFError:
            return
        line.send(_grade(task, job))


def _grade(task: Task, job: Job) -> Outcome:
    from autograder.grading import grade_notebook, nothing_to_judge
    from autograder.handed_in import read_handed_in
    from autograder.tests.attacks import ATTACKS

    attack = next((attack for attack in ATTACKS if attack.id == job.name), None)
    problem = ""
    if attack is None:
        raw = as_bytes(answered(task.pristine, dict(job.answers)))
    else:
        told = task.told.told(job.mark, os.getpid())
        raw = attack.make(task.pristine, told)
        if attack.place:
            path = task.told.placed / attack.id / "01_intuition" / "01_intuition.ipynb"
            path.parent.mkdir(parents=True)
            attack.place(path, told)
    start = time.monotonic()
    if attack is not None and attack.place:
        handed_in = read_handed_in(task.told.placed, path.relative_to(task.told.placed))
        raw, problem = handed_in.raw, handed_in.problem
    if problem:
        result = nothing_to_judge(task.pristine, task.sheets, problem)
    else:
        result = grade_notebook(raw, task.pristine, task.sheets, task.limits, task.unsafe)
    seconds = time.monotonic() - start
    return Outcome(
        seconds,
        raw[:5_000_000].decode(errors="replace"),
        result.verdicts,
        nbformat.writes(result.notebook),
        _page(result.notebook),
        result.remarks,
        result.defects,
    )


def _page(notebook: NotebookNode) -> str:
    """What a browser is given: the notebook as HTML, as nbconvert makes it."""
    from nbconvert import HTMLExporter

    return HTMLExporter().from_notebook_node(notebook)[0]

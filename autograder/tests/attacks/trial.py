"""Runs attacks for real, each between two honest neighbours, and says what they achieved."""

import os
import secrets as randomness
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import nbformat
from attention_lab.sheet import Sheet
from nbformat.notebooknode import NotebookNode

from autograder.exercises import EXERCISES, compile_sheet
from autograder.jail import Limits
from autograder.lesson import PROJECT
from autograder.samples import SAMPLES
from autograder.tests.attacks.attack import Attack
from autograder.tests.attacks.breaches import breaches
from autograder.tests.attacks.grader import Job, Outcome, Task, graded
from autograder.tests.attacks.world import VARIABLE, World

SEED = 61
LIMITS = Limits(cell_seconds=3, notebook_seconds=12, call_seconds=3)
MOST_SECONDS = 12 + 12 + 10  # its cells, all of its calls, and room for starting and ending on a busy machine
NEIGHBOURS = ("blaise", "fatima")  # one is right throughout, one is not


@dataclass(frozen=True)
class Trial:
    """An attack that was run: what it achieved (nothing, as it should be) and how long it took."""

    attack: Attack
    breaches: tuple[str, ...]
    seconds: float


def pristine_notebook() -> NotebookNode:
    """The released notebook of lesson 1 without its prose and figures, so that it runs in a moment."""
    notebook = nbformat.read(PROJECT / "lessons" / "01_intuition.ipynb", as_version=4)
    start = nbformat.v4.new_code_cell("import numpy as np\nfrom attention_lab import check", id="start")
    text = nbformat.v4.new_markdown_cell("# Intuition", id="title")
    notebook.cells = [text, start, *(cell for cell in notebook.cells if "nbgrader" in cell.metadata)]
    return notebook


def sheets_of(notebook: NotebookNode) -> dict[str, Sheet]:
    """A sheet for each exercise of the notebook, compiled from a seed that no learner has."""
    ids = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells}
    return {name: compile_sheet(exercise, SEED) for name, exercise in EXERCISES.items() if name in ids}


def run(attacks: Sequence[Attack], world: World, unsafe: bool = False) -> Iterator[Trial]:
    """Each attack with what it achieved, as they end. The neighbours' grades without any attack are made first."""
    pristine = pristine_notebook()
    os.environ[VARIABLE] = world.canaries["environment"]  # the grading processes inherit it
    told = replace(world, arrived=[])
    task = Task(pristine, sheets_of(pristine), LIMITS, world.root, told, unsafe)
    alone = {job.name: _grade(outcome) for job, outcome in graded(task, _neighbours())}
    by_id = {attack.id: attack for attack in attacks}
    before, arrived = world.tree(), 0
    beside = []
    for job, outcome in graded(task, list(_queue(attacks))):
        changed = _changes(before, before := world.tree())
        new, arrived = world.arrived[arrived:], len(world.arrived)
        outside = [f"changed: {path}" for path in changed] + [f"something arrived: {data[:40]}" for data in new]
        if job.name not in by_id:
            different = [name for name, value in _grade(outcome).items() if value != alone[job.name][name]]
            if different:
                said = " ".join((outcome.died, *outcome.remarks, *(text.strip()[-100:] for text in outcome.defects)))
                outside.append(f"{job.name}, who is honest, has other {', '.join(different)}: {said}")
            beside += outside
            continue
        attack = by_id[job.name]
        found = [*breaches(attack, outcome, pristine, world, MOST_SECONDS), *outside, *beside, *world.traces(job.mark)]
        beside = []
        yield Trial(attack, tuple(found), outcome.seconds)
    if beside:
        raise AssertionError(f"after the last attack: {beside}")


def _neighbours() -> list[Job]:
    samples = {sample.id: sample for sample in SAMPLES}
    return [Job(name, answers=tuple(_lesson_1(samples[name].answers).items())) for name in NEIGHBOURS]


def _lesson_1(answers: dict[str, str]) -> dict[str, str]:
    return {name: source for name, source in answers.items() if EXERCISES[name].lesson == "01_intuition"}


def _queue(attacks: Sequence[Attack]) -> Iterator[Job]:
    """Attack and neighbour in turn: with two at once, whoever stands next to an attack runs beside it."""
    neighbours = _neighbours()
    for number, attack in enumerate(attacks):
        yield neighbours[number % 2]
        yield Job(attack.id, mark="x" + randomness.token_hex(5))
    yield neighbours[0]


def _grade(outcome: Outcome) -> dict:
    """All that a learner gets."""
    return {name: getattr(outcome, name) for name in ("died", "verdicts", "remarks", "notebook", "page")}


def _changes(before: dict[str, tuple], after: dict[str, tuple]) -> list[str]:
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))

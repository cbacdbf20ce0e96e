"""The table at the end of the demo: learners and exercises, points, and the mistakes that grading named."""

import re
from collections.abc import Mapping
from pathlib import Path

import nbformat
from rich.box import SIMPLE_HEAD
from rich.table import Table

from autograder import nbgrader_plugin
from autograder.lesson import Lesson
from autograder.samples import SAMPLES

NARROW = 125  # columns of a terminal in which the names of the exercises have no room
_NAMED = re.compile(r'data-misconceptions="([^"]+)"')
_STOPPED = re.compile(r"stopped with (?:<[^>]*>)*(\w+)")


def result_table(directory: Path, lesson: Lesson, exercises: Mapping, width: int) -> Table:
    """One row a sample learner, one column an exercise, read from the gradebook and the graded notebooks."""
    points = {
        (learner, cell): earned
        for learner, assignment, cell, earned in nbgrader_plugin.recorded_points(directory)
        if assignment == lesson.stem
    }
    most = [exercises[name].points for name in lesson.exercises]
    table = Table(title=lesson.stem, title_justify="left", show_footer=True, box=SIMPLE_HEAD, padding=(0, 1))
    table.add_column("learner", footer="of", no_wrap=True)
    for number, (name, available) in enumerate(zip(lesson.exercises, most, strict=True), 1):
        header = str(number) if width < NARROW else name.replace("_", "\n")
        table.add_column(header, footer=f"{available:g}", justify="right", no_wrap=True, vertical="bottom")
    table.add_column("sum", footer=f"{sum(most):g}", justify="right", no_wrap=True)
    table.add_column("what grading saw", overflow="fold")
    if width < NARROW:
        table.caption = "   ".join(f"{number}={name}" for number, name in enumerate(lesson.exercises, 1))
    for sample in SAMPLES:
        earned = [points[sample.id, f"check-{name}"] for name in lesson.exercises]
        shown = [_coloured(got, available) for got, available in zip(earned, most, strict=True)]
        seen = observations(directory / "autograded" / sample.id / lesson.stem / f"{lesson.stem}.ipynb")
        words = dict.fromkeys(word for name in lesson.exercises for word in seen.get(name, ()))
        table.add_row(sample.name, *shown, f"{sum(earned):g}", ", ".join(words))
    return table


def observations(graded: Path) -> dict[str, list[str]]:
    """What grading wrote into a notebook, by exercise: the mistakes it named, or why it could not."""
    seen, errors = {}, {}
    for cell in nbformat.read(graded, as_version=4).cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("solution"):
            errors[about.grade_id] = [output.ename for output in cell.outputs if output.output_type == "error"]
        elif about.get("grade"):
            name = about.grade_id.removeprefix("check-")
            card = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
            seen[name] = errors.get(name) or _words(card)
    return seen


def _words(card: str) -> list[str]:
    """A verdict's card in a word or two; nothing where all is well."""
    if named := _NAMED.search(card):
        return named[1].split()
    if "not started yet" in card:
        return ["not started"]
    return _STOPPED.findall(card)[:1] or (["no name fits"] if "✗" in card else [])


def _coloured(earned: float, available: float) -> str:
    colour = "green" if earned == available else "red" if earned == 0 else "yellow"
    return f"[{colour}]{earned:g}[/{colour}]"

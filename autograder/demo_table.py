"""The table at the end of the demo: learners and exercises, points, and the mistakes that grading named."""

import re
from collections.abc import Mapping
from pathlib import Path

import nbformat
from rich.table import Table

from autograder import nbgrader_plugin
from autograder.lesson import Lesson
from autograder.samples import SAMPLES

_NAMED = re.compile(r'data-misconceptions="([^"]*)"')


def result_table(directory: Path, lesson: Lesson, exercises: Mapping) -> Table:
    """One row a sample learner, one column an exercise, read from the gradebook and the graded notebooks."""
    points = {
        (learner, cell): earned
        for learner, assignment, cell, earned in nbgrader_plugin.recorded_points(directory)
        if assignment == lesson.stem
    }
    most = [exercises[name].points for name in lesson.exercises]
    table = Table(title=f"{lesson.stem}: points, and what grading saw", title_justify="left")
    table.add_column("learner", footer="of", no_wrap=True)
    for name, available in zip(lesson.exercises, most, strict=True):
        table.add_column(name.replace("_", " "), footer=f"{available:g}", justify="right")
    table.add_column("sum", footer=f"{sum(most):g}", justify="right")
    table.add_column("what grading saw")
    table.show_footer = True
    for sample in SAMPLES:
        earned = [points[sample.id, f"check-{name}"] for name in lesson.exercises]
        shown = [_coloured(got, available) for got, available in zip(earned, most, strict=True)]
        seen = observations(directory / "autograded" / sample.id / lesson.stem / f"{lesson.stem}.ipynb")
        table.add_row(sample.name, *shown, f"{sum(earned):g}", ", ".join(dict.fromkeys(seen.values())))
    return table


def observations(graded: Path) -> dict[str, str]:
    """What grading wrote into a notebook, by exercise: mistakes it named, or the error that stopped it."""
    seen, stopped = {}, {}
    for cell in nbformat.read(graded, as_version=4).cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("solution"):
            errors = [output.ename for output in cell.outputs if output.output_type == "error"]
            stopped[about.grade_id] = errors
        elif about.get("grade"):
            name = about.grade_id.removeprefix("check-")
            html = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
            named = [mistake for found in _NAMED.findall(html) for mistake in found.split()]
            words = named or stopped.get(name)
            if words:
                seen[name] = ", ".join(words)
    return seen


def _coloured(earned: float, available: float) -> str:
    colour = "green" if earned == available else "red" if earned == 0 else "yellow"
    return f"[{colour}]{earned:g}[/{colour}]"

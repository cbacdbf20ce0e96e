"""Makes notebooks of a lesson: nbgrader's source, the learner's, and the instructor's, executed."""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode

from autograder import nbgrader_plugin
from autograder.lesson import CODE, EXERCISE, GIVEN, GRADE, PROSE, Cell, Lesson
from autograder.problem import Problem
from autograder.unfold import definition

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
SECONDS_FOR_A_CELL = 120


def source_notebook(lesson: Lesson, exercises: Mapping, root: Path) -> NotebookNode:
    """What nbgrader starts from: answers between its marks, its metadata, the points of `exercises`."""
    notebook = _notebook(lesson)
    for cell, made in zip(lesson.cells, notebook.cells, strict=True):
        if cell.kind == EXERCISE:
            made.source = definition(root, cell.module, cell.names[0]).marked
            made.metadata["nbgrader"] = nbgrader_plugin.solution_cell(cell.names[0])
        elif cell.kind == GIVEN:
            made.source = _whole(cell, root)
            made.metadata["nbgrader"] = nbgrader_plugin.read_only_cell("given-" + "-".join(cell.names))
        elif cell.kind == GRADE:
            points = exercises[cell.names[0]].points
            made.metadata["nbgrader"] = nbgrader_plugin.grade_cell("check-" + cell.names[0], points)
    return notebook


def learner_notebook(lesson: Lesson, exercises: Mapping, root: Path) -> NotebookNode:
    """What learners open: nbgrader's own release of the source notebook."""
    return nbgrader_plugin.release(source_notebook(lesson, exercises, root))


def instructor_notebook(lesson: Lesson, exercises: Mapping, root: Path) -> NotebookNode:
    """The lesson with its answers, run from top to bottom; raises Problem at the first cell that fails."""
    notebook = _notebook(lesson)
    for cell, made in zip(lesson.cells, notebook.cells, strict=True):
        if cell.kind in (EXERCISE, GIVEN):
            made.source = _whole(cell, root)
    execute(notebook, where=root / "lessons", name=lesson.stem)
    for cell, made in zip(lesson.cells, notebook.cells, strict=True):
        if cell.kind == GRADE:
            _must_have_earned(exercises[cell.names[0]].points, made, cell, lesson)
    return notebook


def execute(notebook: NotebookNode, where: Path, name: str) -> None:
    """Runs the cells in order, outputs kept, with the Python that runs this."""
    client = NotebookClient(
        notebook,
        timeout=SECONDS_FOR_A_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(where)}},
    )
    try:
        client.execute(env=os.environ | {"ATTENTION_LAB_PROGRESS": "off"})  # nobody's work
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        started = [cell.source for cell in notebook.cells if cell.get("execution_count") or cell.get("outputs")]
        cell = Cell(CODE, started[-1]) if started else "(none ran)"
        raise Problem(f"{name}.md: running the lesson stopped in the cell {cell}:\n{error}") from error


def text(notebook: NotebookNode) -> str:
    """The notebook as its file holds it: the same notebook, the same bytes."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4) + "\n"


def _notebook(lesson: Lesson) -> NotebookNode:
    """The cells as they are written, with their ids and tags."""
    notebook = nbformat.v4.new_notebook(metadata=METADATA)
    seen = Counter()
    for cell in lesson.cells:
        new = nbformat.v4.new_markdown_cell if cell.kind == PROSE else nbformat.v4.new_code_cell
        seen[cell.kind, cell.text] += 1
        made = new(cell.text, id=_id(lesson.stem, cell.kind, cell.text, seen[cell.kind, cell.text]))
        if cell.tags:
            made.metadata["tags"] = list(cell.tags)
        if "hide-input" in cell.tags:
            made.metadata["jupyter"] = {"source_hidden": True}
        notebook.cells.append(made)
    return notebook


def _id(*what) -> str:
    """An id that only changes when the cell itself does, wherever it stands."""
    return hashlib.sha256("\n".join(map(str, what)).encode()).hexdigest()[:12]


def _whole(cell: Cell, root: Path) -> str:
    return "\n\n\n".join(definition(root, cell.module, name).whole for name in cell.names)


def _must_have_earned(points: float, made: NotebookNode, cell: Cell, lesson: Lesson) -> None:
    results = [output for output in made.outputs if output.output_type == "execute_result"]
    earned = results[0].data["text/plain"] if results else "nothing"
    if earned != str(float(points)):
        raise Problem(f"{lesson.stem}.md: the reference earns {earned} of {points} points from {cell}.")

"""Grades one submission: graft, run in a jail, judge outside of it, and write the verdicts into the notebook.

A function of its arguments alone: it knows no class, no gradebook and no file. Whatever a submission does, every
exercise ends with a verdict; what goes wrong in grading itself is told apart from what the learner did.
"""

import traceback
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

from attention_lab.judge import judge
from attention_lab.sheet import Sheet
from attention_lab.verdict import Verdict
from nbformat.notebooknode import NotebookNode

from autograder.discretion import discreet
from autograder.graft import Graft, graft
from autograder.harmless import harmless
from autograder.jail import Limits
from autograder.kept_verdicts import as_plain
from autograder.nbgrader_marks import grade_id_of, is_solution, marks
from autograder.needed_cells import needed_cells
from autograder.report import note_cell, report_output
from autograder.session import KILLED, KILLED_INSIDE, open_session
from autograder.undisturbed import undisturbed

MOST_OUTPUT = 1_000_000  # bytes of one cell's outputs in a graded notebook
OURS = "Grading itself failed here; this is not the learner's doing. Whoever grades is told, and can grade again."
KILLED_OUTSIDE = "The jail was killed from outside, again and again. Is there enough memory for so many at once?"


@dataclass(frozen=True)
class Graded:
    """A notebook whose grade cells hold the verdicts, and what stands in it.

    `verdicts` by exercise, in the order of the notebook; `remarks` are sentences about the submission as a whole;
    `defects` are tracebacks of our own code, for whoever grades; `unsafe` where it ran without a jail; `exit_code` is
    that of the learner's process where it ended on its own.
    """

    notebook: NotebookNode
    verdicts: dict[str, Verdict]
    remarks: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    unsafe: bool = False
    exit_code: int | None = None


def grade_notebook(
    raw: bytes,
    pristine: NotebookNode,
    sheets: Mapping[str, Sheet],
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    unsafe: bool = False,
) -> Graded:
    """The grade of the submission whose file holds `raw`, for a lesson that was handed out as `pristine`.

    What was killed is tried again: it may have been the operating system, for want of memory, or whoever grades.
    """
    graded = undisturbed(
        lambda: _graded(raw, pristine, sheets, limits, unsafe),
        lambda graded: graded.exit_code in (KILLED, KILLED_INSIDE),
    )
    if graded.exit_code == KILLED:
        return nothing_to_judge(pristine, sheets, OURS, (KILLED_OUTSIDE,), unsafe)
    return graded


def _graded(raw: bytes, pristine: NotebookNode, sheets, limits: Limits, unsafe: bool) -> Graded:
    try:
        grafted = graft(raw, pristine)
        if grafted.remarks and not any(cell.own for cell in grafted.cells):
            return nothing_to_judge(pristine, sheets, " ".join(grafted.remarks), unsafe=unsafe)
        return _run_and_judge(grafted, sheets, limits, unsafe)
    except Exception:  # one submission must never stop the others, and never end without a grade
        return nothing_to_judge(pristine, sheets, OURS, (traceback.format_exc(),), unsafe)


def nothing_to_judge(pristine, sheets: Mapping[str, Sheet], why: str, defects=(), unsafe=False) -> Graded:
    """No points for anything, and `why`: the notebook cannot be read, or there is none."""
    verdicts = {name: _nothing(sheets[name], why) for name in _exercises(pristine, sheets)}
    return _recorded(deepcopy(pristine), verdicts, sheets, (why,), defects, unsafe)


def _run_and_judge(grafted: Graft, sheets, limits: Limits, unsafe: bool) -> Graded:
    notebook, defects = grafted.notebook, []
    graded = {cell.id for cell in notebook.cells if _is_graded(cell)}
    sources = [cell.source for cell in grafted.cells]
    cells = [cell for cell in grafted.cells if cell.id not in graded]
    needed = {cell.id for cell in cells} if limits.every_cell else needed_cells(cells)
    with open_session([(cell.id, cell.source) for cell in cells if cell.id in needed], limits, unsafe) as session:
        outputs = dict(session.outputs)
        verdicts = {
            name: _judged(sheets[name], discreet(session.function(name), sources), defects)
            for name in _exercises(notebook, sheets)
        }
        remarks, exit_code = [*grafted.remarks, *filter(None, [session.ended])], session.exit_code
    for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1):
        cell.outputs = harmless(outputs.get(cell.id, []), MOST_OUTPUT)
        cell.execution_count = number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    return replace(_recorded(notebook, verdicts, sheets, tuple(remarks), tuple(defects), unsafe), exit_code=exit_code)


def _judged(sheet: Sheet, call: Callable, defects: list[str]) -> Verdict:
    try:
        return judge(sheet, call)
    except Exception:  # the other exercises of the notebook are still to be judged
        defects.append(traceback.format_exc())
        return _nothing(sheet, OURS)


def _recorded(notebook, verdicts, sheets, remarks, defects, unsafe) -> Graded:
    """Each grade cell gets one output: its points as a plain number, and the report."""
    first = next(iter(verdicts), None)
    for cell in notebook.cells:
        if cell.cell_type == "code" and _is_graded(cell):
            name = _exercise_of(cell)
            verdict = verdicts.get(name)
            sentences = [remark for remark in remarks if name == first and remark != verdict.message]
            cell.outputs = [report_output(verdict, marks(cell.metadata)["points"], sentences, unsafe)]
            cell.execution_count = None
    if remarks or unsafe:
        notebook.cells.insert(0, note_cell(remarks, unsafe))
    notebook.metadata["attention_lab"] = {
        "jail": "none: graded with --unsafe-no-jail" if unsafe else "bubblewrap",
        "remarks": list(remarks),
        "grading_failed": bool(defects),
        "verdicts": as_plain(verdicts.values()),
    }
    return Graded(notebook, verdicts, remarks, defects, unsafe)


def _exercises(notebook, sheets) -> Iterator[str]:
    """The exercises that the notebook's grade cells check, where there is a sheet for them."""
    names = (_exercise_of(cell) for cell in notebook.cells if _is_graded(cell))
    return (name for name in names if name in sheets)


def _is_graded(cell) -> bool:
    """Whether the points of this cell are ours to give; a task or an essay is graded by a person."""
    return bool(marks(cell.metadata).get("grade")) and not is_solution(cell.metadata)


def _exercise_of(cell) -> str:
    return (grade_id_of(cell.metadata) or "").removeprefix("check-")


def _nothing(sheet: Sheet, why: str) -> Verdict:
    return Verdict(sheet.exercise, sheet.parts, why)

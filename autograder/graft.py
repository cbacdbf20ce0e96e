"""Takes a learner's code into the pristine notebook of a lesson: nothing else of a submission counts.

Covers whatever bytes a submission is made of. It does not run anything, and does not judge the code.
"""

import hashlib
from collections import defaultdict
from copy import deepcopy
from dataclasses import dataclass

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.graft_remarks import graft_remarks
from autograder.harmless_html import as_plain_text
from autograder.nbgrader_marks import grade_id_of, is_read_only
from autograder.submitted_cells import SubmittedCell, Unreadable, read_cells


@dataclass(frozen=True)
class GraftedCell:
    """A code cell to run. `own`: the learner wrote its source; it is not as it was handed out."""

    id: str
    source: str
    grade_id: str | None
    own: bool


@dataclass(frozen=True)
class Graft:
    """The code cells in order, the whole notebook without outputs, and sentences for the learner."""

    cells: tuple[GraftedCell, ...]
    notebook: NotebookNode
    remarks: tuple[str, ...]


def graft(raw: bytes, pristine: NotebookNode) -> Graft:
    """The pristine notebook with the learner's code in it; never raises on account of `raw`.

    - Solution cells are found by nbgrader's name. Of several copies the first that was worked on takes the place;
      the others run as cells of the learner's own where they stand, as they did in the learner's notebook.
    - Other cells that can be edited are found by id, then by their text, and keep the learner's code.
    - What a learner added stays behind the known cell that it follows, and behind the missing ones put back there.
    """
    try:
        submitted, remarks = read_cells(raw)
    except Unreadable as reason:
        return _grown(pristine, {}, {}, [f"{reason} Nothing of it could be judged."])
    places = _places(submitted, pristine)
    claims = _claims(submitted, places, pristine)
    taken = {place: _chosen(numbers, submitted, pristine.cells[place]) for place, numbers in claims.items()}
    sources = {place: submitted[number].source for place, number in taken.items() if _is_theirs(pristine.cells[place])}
    remarks += graft_remarks(submitted, places, claims, taken, pristine)
    return _grown(pristine, sources, _added(submitted, places, taken, pristine), remarks)


def _places(submitted: list[SubmittedCell], pristine) -> list[int | None]:
    """For each submitted cell the number of the pristine cell that it claims to be."""
    by_grade_id = {grade_id_of(cell.metadata): i for i, cell in enumerate(pristine.cells) if grade_id_of(cell.metadata)}
    by_id = {cell.id: i for i, cell in enumerate(pristine.cells)}
    by_text = defaultdict(list)
    for i, cell in enumerate(pristine.cells):
        by_text[cell.cell_type, cell.source.strip()].append(i)
    places: list[int | None] = [by_grade_id.get(cell.grade_id, by_id.get(cell.id)) for cell in submitted]
    used = set(places)
    for number, cell in enumerate(submitted):
        alike = [i for i in by_text[cell.kind, cell.source.strip()] if i not in used]
        if places[number] is None and alike:
            places[number] = alike[0]
            used.add(alike[0])
    return places


def _claims(submitted, places, pristine) -> dict[int, list[int]]:
    """By the number of a pristine cell, the numbers of the submitted cells of its kind that claim to be it."""
    claims = defaultdict(list)
    for number, place in enumerate(places):
        if place is not None and submitted[number].kind == pristine.cells[place].cell_type:
            claims[place].append(number)
    return dict(claims)


def _chosen(numbers, submitted, pristine_cell) -> int:
    """Of several copies the first that was worked on."""
    untouched = pristine_cell.source.strip()
    worked_on = (number for number in numbers if submitted[number].source.strip() != untouched)
    return next(worked_on, numbers[0])


def _is_theirs(pristine_cell) -> bool:
    return pristine_cell.cell_type == "code" and not is_read_only(pristine_cell.metadata)


def _added(submitted, places, taken, pristine) -> dict[int, list[SubmittedCell]]:
    """What a learner added, by the number of the pristine cell that it comes behind (-1: before all)."""
    standing = set(taken.values())
    handed_out = {cell.source.strip() for cell in pristine.cells}
    added, behind = defaultdict(list), -1
    for number, cell in enumerate(submitted):
        if number in standing:
            behind = places[number]
        elif cell.kind != "raw" and cell.source.strip() and not _is_ours(cell, places[number], handed_out, pristine):
            added[_behind_the_missing(behind, taken, pristine)].append(cell)
    return added


def _is_ours(cell, place, handed_out, pristine) -> bool:
    """Whether a cell that stands for no pristine one is still not a learner's own: a copy, or retyped."""
    if place is None:
        return cell.kind == "markdown" and cell.source.strip() in handed_out
    claimed = pristine.cells[place]
    retyped = grade_id_of(claimed.metadata) is not None and cell.kind != claimed.cell_type
    return retyped or is_read_only(claimed.metadata) or cell.source.strip() in handed_out


def _behind_the_missing(place, taken, pristine) -> int:
    """Cells that are put back come first, so that no stub takes the place of what a learner defined."""
    while place + 1 < len(pristine.cells) and place + 1 not in taken:
        place += 1
    return place


def _grown(pristine, sources, added, remarks) -> Graft:
    """The notebook put together: `sources` and `added` by the numbers of the pristine cells."""
    notebook = nbformat.v4.new_notebook(metadata=deepcopy(pristine.metadata), nbformat_minor=5)
    cells = []
    used = {cell.id for cell in pristine.cells}

    def append(cell, own):
        notebook.cells.append(cell)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cells.append(GraftedCell(cell.id, cell.source, grade_id_of(cell.metadata), own))

    for place in range(-1, len(pristine.cells)):
        if place >= 0:
            cell = deepcopy(pristine.cells[place])
            handed_out, cell.source = cell.source, sources.get(place, cell.source)
            append(cell, cell.source != handed_out)
        for theirs in added.get(place, ()):
            append(_new_cell(theirs, used), True)
    return Graft(tuple(cells), notebook, tuple(remarks))


def _new_cell(theirs: SubmittedCell, used: set[str]) -> NotebookNode:
    """A cell that a learner added, with an id that only its text decides: `used` ids grow by it."""
    copy = 0
    while (identity := _hash(theirs.kind, theirs.source, copy)) in used:
        copy += 1
    used.add(identity)
    if theirs.kind == "code":
        return nbformat.v4.new_code_cell(theirs.source, id=identity)
    return nbformat.v4.new_markdown_cell(as_plain_text(theirs.source), id=identity)


def _hash(*what) -> str:
    return hashlib.sha256("\n".join(map(str, what)).encode()).hexdigest()[:12]

"""What a learner is told about a submission that was not as it was handed out: sentences, without internals."""

from collections.abc import Iterator

from autograder.nbgrader_marks import grade_id_of, is_read_only, is_solution

WRONG_FILE = "None of the exercises of this lesson is in the notebook. Is it the right file?"
REORDERED = "Some cells stood in another order. They were run in the order of the lesson."


def graft_remarks(submitted, places, claims, taken, pristine) -> list[str]:
    """Sentences on copies, retyped, missing, changed and reordered cells; nothing for what changes nothing."""
    solutions = [i for i, cell in enumerate(pristine.cells) if is_solution(cell.metadata)]
    if solutions and not any(place in solutions for place in places):
        return [WRONG_FILE]
    return [
        *_on_solutions(solutions, places, claims, pristine),
        *_on_read_only_cells(submitted, taken, pristine),
        *([REORDERED] if _reordered(places, taken) else []),
    ]


def _on_solutions(solutions, places, claims, pristine) -> Iterator[str]:
    for place in solutions:
        name = f"`{grade_id_of(pristine.cells[place].metadata)}`"
        copies = len(claims.get(place, ()))
        if not copies and place in places:
            yield f"The cell of {name} is no longer a code cell, so there was nothing to run."
        elif not copies:
            yield f"The cell of {name} is missing: copy it from a fresh notebook of the lesson."
        elif copies > 1:
            yield f"There are {copies} cells of {name}. They were run in their order, and the last one counts."


def _on_read_only_cells(submitted, taken, pristine) -> Iterator[str]:
    missing, changed = [], []
    for place, cell in enumerate(pristine.cells):
        if is_read_only(cell.metadata):
            if place not in taken:
                missing.append(_named(cell))
            elif submitted[taken[place]].source.strip() != cell.source.strip():
                changed.append(_named(cell))
    if missing:
        yield f"Missing, and put back: {', '.join(missing)}."
    if changed:
        yield f"Read-only, but changed, so the original was used: {', '.join(changed)}."


def _named(cell) -> str:
    first_line = cell.source.strip().partition("\n")[0].rstrip(":")
    return f"`{first_line}`"


def _reordered(places, taken) -> bool:
    order = [places[number] for number in sorted(taken.values())]
    return order != sorted(order)

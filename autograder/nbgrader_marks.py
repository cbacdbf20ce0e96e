"""How nbgrader marks a cell: read from notebooks, trusted or not, without nbgrader itself."""

from collections.abc import Iterable

from nbformat.notebooknode import NotebookNode


def marks(metadata) -> dict:
    """What nbgrader wrote into a cell's metadata; nothing where that is of no use."""
    found = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def grade_id_of(metadata) -> str | None:
    """The name by which nbgrader knows a cell."""
    found = marks(metadata).get("grade_id")
    return found if isinstance(found, str) else None


def is_solution(metadata) -> bool:
    """Whether a learner fills in this cell."""
    return bool(marks(metadata).get("solution"))


def is_read_only(metadata) -> bool:
    """Whether a submission cannot change this cell."""
    found = marks(metadata)
    return not is_solution(metadata) and bool(found.get("locked") or found.get("grade"))


def exercises_in(notebooks: Iterable[NotebookNode]) -> list[str]:
    """The exercises that the grade cells of these notebooks check, sorted."""
    graded = (cell for notebook in notebooks for cell in notebook.cells if marks(cell.metadata).get("grade"))
    return sorted({(grade_id_of(cell.metadata) or "").removeprefix("check-") for cell in graded})

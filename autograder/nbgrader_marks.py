"""How nbgrader marks a cell: read from notebooks, trusted or not, without nbgrader itself."""


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

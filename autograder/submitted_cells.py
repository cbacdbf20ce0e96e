"""Reads the bytes of a submission, whatever they are: the cells with their text, or a sentence why there are none."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.nbgrader_marks import grade_id_of

MOST_BYTES = 20_000_000  # of the file: room for a hundred figures
MOST_CELLS = 1_000
MOST_SOURCE = 30_000  # characters of one cell: to colour code can take a time that grows with the square of its length
MOST_SOURCES = 300_000  # characters of all cells

AGAIN = "Open it in JupyterLab, save it, and submit it again."


class Unreadable(Exception):
    """A file of which nothing can be used; its text is a sentence for the learner."""


@dataclass(frozen=True)
class SubmittedCell:
    """One cell as it was submitted: its names are only claims."""

    kind: str  # "code", "markdown" or "raw"
    source: str
    id: str | None
    grade_id: str | None


def read_cells(raw: bytes) -> tuple[list[SubmittedCell], list[str]]:
    """The cells of a notebook, and remarks on what was left out; raises Unreadable."""
    cells, broken, too_long = [], 0, 0
    for cell in _cells(_notebook(raw)):
        source = _source(cell)
        if source is None:
            broken += 1
        elif len(source) > MOST_SOURCE:
            too_long += 1
        else:
            cells.append(_submitted(cell, source))
    if sum(len(cell.source) for cell in cells) > MOST_SOURCES:
        raise Unreadable(f"The cells hold more than {MOST_SOURCES:,} characters, so the notebook was not read.")
    return cells, list(_remarks(broken, too_long))


def _notebook(raw):
    if len(raw) > MOST_BYTES:
        raise Unreadable(
            f"The file is larger than {MOST_BYTES // 1_000_000} MB, so it was not read. "
            "Clear the outputs, save it, and submit it again."
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"The file is not text in UTF-8, as a notebook is. {AGAIN}") from None
    if not text.strip():
        raise Unreadable("The file is empty.")
    try:
        return json.loads(text, parse_constant=lambda name: None)
    except (ValueError, RecursionError):  # not JSON; numbers of thousands of digits; brackets without end
        raise Unreadable(f"The file is not a notebook that can be read: its JSON is broken. {AGAIN}") from None


def _cells(notebook):
    if not isinstance(notebook, dict):
        raise Unreadable(f"The file is not a notebook. {AGAIN}")
    version = notebook.get("nbformat")
    if isinstance(version, bool) or version != 4:
        raise Unreadable(f"The file is not a notebook of format 4, the format of the lesson. {AGAIN}")
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not cells:
        raise Unreadable("The notebook has no cells.")
    if len(cells) > MOST_CELLS:
        raise Unreadable(f"The notebook has more than {MOST_CELLS:,} cells, so it was not read.")
    return cells


def _source(cell) -> str | None:
    """The text of a cell that is one; nothing where it is not."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return None
    return source.encode(errors="surrogatepass").decode(errors="replace")  # halves of characters cannot be saved


def _submitted(cell, source):
    identity = cell.get("id")
    return SubmittedCell(
        cell["cell_type"],
        source,
        identity if isinstance(identity, str) else None,
        grade_id_of(cell.get("metadata")),
    )


def _remarks(broken, too_long) -> Iterator[str]:
    if broken:
        yield f"{_cells_were(broken)} left out: a cell of a notebook does not look like this."
    if too_long:
        yield f"{_cells_were(too_long)} left out: more than {MOST_SOURCE:,} characters."


def _cells_were(count):
    return "One cell was" if count == 1 else f"{count} cells were"

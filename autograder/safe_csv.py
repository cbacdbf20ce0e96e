"""CSV that a spreadsheet reads as text and numbers only: no cell of it is a formula, whatever a learner is called."""

import csv
import io
import math
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from autograder.problem import Problem

STARTS_A_FORMULA = tuple("=+-@＝＋－＠")  # the wide ones are read like the others
ALONE = "-"  # no formula, and for Moodle a word of its own


def csv_text(rows: Iterable[Sequence]) -> str:
    """Rows of texts, numbers, booleans and None; lines end as RFC 4180 has it."""
    stream = io.StringIO()
    csv.writer(stream).writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def write_text(path: Path, text: str) -> bool:
    """Writes a file whole or not at all; says whether it took the place of another."""
    replaced = path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(handle, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            os.chmod(unfinished, 0o644 & ~_umask())
            os.replace(unfinished, path)
        finally:
            Path(unfinished).unlink(missing_ok=True)
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror or error}") from error
    return replaced


def _cell(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{round(value, 6):.10g}" if math.isfinite(value) else ""
    text = "".join(letter if letter.isprintable() else " " for letter in str(value))
    return f"'{text}" if text.lstrip().startswith(STARTS_A_FORMULA) and text != ALONE else text


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
